-- SPDX-License-Identifier: MIT
--- What was built with a former release's headers runs today.  spec/abi/VERSION has that release's headers as they were
-- installed, and a program, a program with Lua inside, and a provider that are built with them alone: see there.
local layout = require "spec.support.layout"
local process = require "spec.support.process"

local build = os.getenv("WMS_BUILD") or "build"
local here = process.run("pwd"):match("[^\n]+")

local function absolute(path)
   return path:sub(1, 1) == "/" and path or here .. "/" .. path
end

local function read(path)
   local file = assert(io.open(path))
   local text = file:read("*a")
   file:close()
   return text
end

local function fine(command)
   local output, code = process.run("timeout 60 " .. command)
   assert.same({ 0, output }, { code, output }, output)
   return output
end

local releases = {}
for name in process.run("ls spec/abi"):gmatch("[^\n]+") do
   releases[#releases + 1] = name
end

-- Written into arrays, or without a word of their size: these never grow.
local FIXED = { "wms_alloc", "wms_id", "wms_value", "wms_target", "wms_work" }

for _, release in ipairs(releases) do
   describe("what was built with the headers of " .. release .. " #once", function()
      local source = "spec/abi/" .. release
      local built = ("%s/spec/abi/%s"):format(build, release)
      local before, today

      setup(function()
         before = layout.of(absolute(source .. "/include"))
         today = layout.of(absolute(build .. "/include"))
      end)

      it("runs: a program, with every function and struct", function()
         assert.equal("fine\n", fine(("%s/program %s/wms/frozen.so"):format(built, built)))
      end)

      it("runs: a program with Lua inside", function()
         assert.equal("fine\n", fine(built .. "/lua_program"))
      end)

      it("asks for a library of a name that there is", function()
         local name = fine(("readelf -d %s/program"):format(built)):match("Shared library: %[(libwms.-)%]")
         assert.equal("libwms.so." .. releases[1]:match("^%d+%.%d+"), name)
      end)

      it("compiles with today's headers, too", function()
         fine(("cc -std=gnu11 -fsyntax-only -Wall -Wextra -Werror -I%s/include %s/program.c %s/provider.c"):format(build,
            source, source))
      end)

      it("finds its functions", function()
         local there = fine(("nm -D --defined-only %s/lib/libwms.so"):format(build))
         local used = read(source .. "/program.c")
         assert.truthy(#before.functions > 50)
         for _, name in ipairs(before.functions) do
            assert.truthy(there:find(" T " .. name .. "\n", 1, true), name)
            assert.truthy(used:find(name:gsub("_sized$", "") .. "(", 1, true), name .. " is not tried")
         end
      end)

      it("has its structs' members where they are today", function()
         local count = 0
         for name, struct in pairs(before.structs) do
            local now = assert(today.structs[name], name)
            for member, place in pairs(struct.members) do
               assert.same(place, now.members[member], name .. "." .. member)
               count = count + 1
            end
            for member, place in pairs(now.members) do
               -- Not in what was padding: its size would tell an old struct and a new one not apart.
               assert.truthy(struct.members[member] or place.offset >= struct.size, name .. "." .. member)
            end
            assert.truthy(now.size >= struct.size, name)
         end
         assert.truthy(count > 150)
         for _, name in ipairs(FIXED) do
            assert.equal(before.structs[name].size, today.structs[name].size, name)
         end
      end)

      it("has its numbers", function()
         assert.truthy(before.numbers.WMS_MESSAGE and before.numbers.WMS_E_INVALID and before.numbers.WMS_WRITABLE)
         for name, number in pairs(before.numbers) do
            assert.equal(number, today.numbers[name], name)
         end
      end)

      it("uses every service and offers every function of a provider", function()
         local text = read(source .. "/provider.c")
         for member in pairs(before.structs.wms_services.members) do
            assert.truthy(member:find("_size$") or text:find("services->" .. member, 1, true), member)
         end
         for _, member in ipairs{ "retire", "check", "call", "secret", "default_port", "cannot", "in_flight" } do
            assert.truthy(text:find("%." .. member .. " = "), member)
         end
      end)
   end)

   describe("a provider that was built with the headers of " .. release, function()
      local folder = ("%s/spec/abi/%s/?.so"):format(build, release)

      local function script(text, environment)
         return process.run(("%s LUA_CPATH=%s timeout 60 %s -e %s"):format(environment or "",
            process.quote(folder .. ";" .. package.cpath), process.lua(), process.quote(text)))
      end

      it("lists, acts, observes and is called from Lua", function()
         local output, code = script([[
            local wms = require "wms"
            assert(wms.load "frozen")
            local list = assert(wms.sessions "frozen://room")
            assert(#list == 5 and list[1].user_name == "alice" and list[1].is_orchestratable and list[1].station_id == 1)
            assert(list[1].identity == nil and list[1].is_admin == nil and list[1].locked == false)
            local outcome = assert(wms.lock{ session_ids = 1, server = "frozen://room", message = "m", verify = 10 })[1]
            assert(outcome.state == "verified" and outcome.changed and outcome.note == "by a timer")
            assert(#assert(wms.unlock{ session_ids = { 1, 2, 3, 4 }, server = "frozen://room" }) == 4)
            local _, _, err = wms.close{ session_ids = 1, server = "frozen://room" }
            assert(err.code == "UNSUPPORTED" and err.message:find "they are frozen", err.message)
            _, _, err = wms.sessions "frozen://nowhere"
            assert(err.code == "UNREACHABLE" and err.message:find "there is one room", err.message)
            local value = assert(wms.call{ server = "frozen://room", interface = "Room", operation = "Look" })
            assert(value.operation == "Look")
            print "fine"]])
         assert.same({ "fine\n", 0 }, { output, code })
      end)
   end)
end

describe("the library #once", function()
   it("shows its interface, and nothing else", function()
      local declared = {}
      for _, file in ipairs{ "src/include/wms.h", "src/include/wms/provider.h", "src/include/wms/memory.h" } do
         for name in read(file):gmatch("WMS_%u+ [^;{(]-%f[%w](wms_[%w_]+)%(") do
            declared[name] = true
         end
      end
      for name in fine(("nm -D --defined-only %s/lib/libwms.so"):format(build)):gmatch("%x+ %u ([^\n]+)") do
         assert.truthy(declared[name] or not name:find("^wms"), name)
         declared[name] = nil
      end
      assert.is_nil(next(declared), next(declared))
   end)

   it("knows how large the structs of a later version are", function()
      assert.equal("", fine(process.program("sizes")))
   end)
end)

-- Of the 0.1.0 interface, whatever the release: from the last required function on, a struct may end anywhere.
describe("a provider's struct", function()
   local members

   setup(function()
      members = layout.of(absolute("spec/abi/0.1.0/include")).structs.wms_provider.members
   end)

   local function try(size, what)
      return process.run(("FROZEN_SIZE=%d LUA_CPATH=%s timeout 60 %s -e %s"):format(size,
         process.quote(("%s/spec/abi/0.1.0/?.so;%s"):format(build, package.cpath)), process.lua(), process.quote(what)))
   end

   it("may end behind each of its members from the last required one on", function()
      local names = { "unobserve", "retire", "forked", "check", "call", "secret", "default_port", "cannot" }
      for number, name in ipairs(names) do
         local size = members[name].offset + members[name].size
         local output, code = try(size + -size % 8, [[
            local wms = require "wms"
            assert(#assert(wms.sessions "frozen://room") == 5)
            assert(wms.unlock{ session_ids = { 1, 2, 3 }, server = "frozen://room" })
            assert(wms.unlock{ session_ids = 2, server = "frozen://room", verify = 10 })
            local ok, _, _, err = pcall(wms.call, { server = "frozen://room", interface = "None", operation = "Look" })
            print(not ok and "refused" or err and err.code or "done")
            _, _, err = wms.close{ session_ids = 1, server = "frozen://room" }
            print(err.message:find("they are frozen", 1, true) and "why" or "UNSUPPORTED")
            collectgarbage()]])
         local called = number < 4 and "UNSUPPORTED" or "refused" -- by check()
         local closed = number == #names and "why" or "UNSUPPORTED"
         assert.same({ called .. "\n" .. closed .. "\n", 0 }, { output, code }, name)
      end
   end)

   it("that ends before is refused, with its size", function()
      local output, code = try(members.unobserve.offset, [[
         local _, message, err = require "wms".load "frozen"
         print(err.code, message)]])
      assert.equal(0, code, output)
      assert.truthy(output:find("^NO_PROVIDER"), output)
      assert.truthy(output:find("its size is " .. members.unobserve.offset, 1, true), output)
   end)

   local function poor(kind, what)
      return process.run(("POOR_PROVIDER=%s LUA_CPATH=%s timeout 60 %s -e %s"):format(kind,
         process.quote(("%s/spec/?.so;%s"):format(build, package.cpath)), process.lua(), process.quote(what)))
   end

   local list = [[
      local wms = require "wms"
      local said = {}
      wms.configure{ log = function(level, text)
         assert(level == "debug" or level == "info" or level == "warning")
         said[#said + 1] = text
      end }
      local first = assert(wms.sessions "poor://good")[1]
      assert(wms.unlock{ session_ids = 1, server = "poor://good" })
      assert(wms.unlock{ session_ids = 1, server = "poor://good", verify = 10 })
      print(first.identity, table.concat(said, "\n"):find("WMS_PROVIDER_HEAD", 1, true) and "warned" or "said nothing")]]

   it("may be longer than the engine's", function()
      assert.same({ "the first\tsaid nothing\n", 0 }, { poor("newer", list) })
   end)

   it("without the sizes of what it hands over says what 0.1.0 had, and the log tells so", function()
      assert.same({ "nil\twarned\n", 0 }, { poor("headless", list) })
   end)

   it("of another ABI is refused with both numbers, and with what to do", function()
      local output, code = poor("abi", [[
         local _, message, err = require "wms".load "poor"
         print(err.code, message)]])
      assert.equal(0, code)
      for _, words in ipairs{ "^NO_PROVIDER", "has the number 2", "has 1", "build it with the headers of this version" } do
         assert.truthy(output:find(words), output)
      end
   end)
end)
