-- SPDX-License-Identifier: MIT
--- What the module brings into a process, and what it leaves out.
local process = require "spec.support.process"

local quote = process.quote

describe("the module", function()
   it("needs no library beyond libuv and the C library", function()
      local output = process.run("ldd " .. quote(process.module("wms")))
      assert.truthy(output:find("libuv", 1, true), output)
      assert.is_nil(output:find("liblua", 1, true), output)
      assert.is_nil(output:find("libsystemd", 1, true), output)
      for line in output:gmatch("[^\n]+") do
         assert.truthy(line:find("libuv") or line:find("libc%.") or line:find("linux%-vdso") or line:find("ld%-linux")
            or line:find("libpthread") or line:find("libdl") or line:find("libasan") or line:find("libubsan")
            or line:find("libtsan") or line:find("libstdc") or line:find("libm%.") or line:find("librt")
            or line:find("libgcc"), line)
      end
   end)

   it("has no undefined symbol of ours, and exports only what is declared", function()
      local undefined = process.run("nm -D --undefined-only " .. quote(process.module("wms")))
      assert.is_nil(undefined:find("wms_", 1, true), undefined)
      assert.is_nil(undefined:find("uv_spawn", 1, true), "uv_spawn takes the program's SIGCHLD")
      assert.is_nil(undefined:find("uv_replace_allocator", 1, true))
      for line in process.run("nm -D --defined-only " .. quote(process.module("wms"))):gmatch("[^\n]+") do
         local name = line:match("(%S+)$")
         assert.truthy(name:find("^wms_") or name:find("^luaopen_wms") or name:find("^_") or name:find("^__"), name)
      end
   end)

   it("loads nothing of a provider until a server needs it", function()
      local output, code = process.script([[
         local wms = require "wms"
         local function mapped(what)
            for line in io.lines("/proc/self/maps") do
               if line:find(what, 1, true) then return true end
            end
            return false
         end
         wms.memory("lab", { sessions = { { session_id = 1 } } })
         assert(wms.unlock_all("memory://lab"))
         assert(not mapped("libsystemd"), "libsystemd is there too early")
         assert(not mapped("/logind.so"))
         assert(not wms.sessions("logind:///run/no-such-bus/socket"))
         assert(mapped("libsystemd"), "libsystemd is not there")
         assert(mapped("/logind.so"))
         io.write("fine")
      ]])
      assert.same({ "fine", 0 }, { output, code })
   end)

   it("loads nothing of NATS, and starts no thread, until a host is asked there", function()
      if not process.run("ls " .. quote((process.module("wms"):gsub("wms%.so$", "wms/nats.so")))):find("nats.so\n?$") then
         pending("the provider nats is not built (see what `make` left out)")
      end
      local output, code = process.script([[
         local wms = require "wms"
         local function mapped(what)
            for line in io.lines("/proc/self/maps") do
               if line:find(what, 1, true) then return true end
            end
            return false
         end
         local function threads()
            return tonumber(io.open("/proc/self/status"):read("*a"):match("Threads:%s*(%d+)"))
         end
         wms.configure{ nats = { servers = "nats://127.0.0.1:1", name = "alice" } }
         wms.memory("lab", { sessions = { { session_id = 1 } } })
         assert(wms.unlock_all("memory://lab"))
         assert(not wms.sessions("logind:///run/no-such-bus/socket"))
         for _, what in ipairs{ "libnats", "/nats.so", "libjansson" } do
            assert(not mapped(what), what .. " is there too early")
         end
         assert(threads() == 1, "threads")
         assert(not wms.sessions{ server = "nats://lab", timeout = 0.2 })
         assert(mapped("libnats") and mapped("/nats.so"))
         io.write("fine")
      ]])
      assert.same({ "fine", 0 }, { output, code })
   end)

   it("opens no descriptor and starts no thread until it is used", function()
      local output, code = process.script([[
         local function count(folder)
            local pipe, n = io.popen("sleep 0.1; ls /proc/$PPID/" .. folder), 0 -- not while we still close our end
            for _ in pipe:lines() do n = n + 1 end
            pipe:close()
            return n
         end
         local fds = count("fd")
         local wms = require "wms"
         wms.memory("lab", {})
         assert(count("fd") == fds, "descriptors")
         assert(count("task") == 1, "threads")
         assert(wms.unlock_all("memory://lab"))
         assert(count("task") == 1, "threads")
         io.write("fine")
      ]])
      assert.same({ "fine", 0 }, { output, code })
   end)

   it("without its providers says what to install", function()
      local output, code = process.run(([[
         folder=$(mktemp -d) && cp %s "$folder/wms.so" &&
         LUA_CPATH="$folder/?.so" %s -e '
            local wms = require "wms"
            local _, message, err = wms.unlock{ session_ids = { 1, 2 }, server = "logind://" }
            assert(err.code == "NO_PROVIDER", err.code)
            assert(#err.outcomes == 2 and err.outcomes[2].state == "failed")
            assert(message:find("logind"), message)
            assert(message:find("libsystemd"), message)
            assert(select(3, wms.unlock_all()).code == "NO_PROVIDER")
            wms.memory("lab", { sessions = { { session_id = 1 } } })
            local list, _, err = wms.unlock_all{ servers = { "memory://lab", "logind://" } }
            assert(list == nil and err.outcomes[1].state == "requested")
            local loaded, _, err = wms.load{ "logind" }
            assert(loaded == nil and err.code == "NO_PROVIDER")
            for _, server in ipairs{ "multipoint://host", "lab01.school.example", "lab01:8000" } do
               _, message, err = wms.unlock{ session_ids = 1, server = server }
               assert(err.code == "NO_PROVIDER" and err.outcomes[1].server == server, err.code)
               assert(message:find("multipoint") and message:find("libcurl4"), message)
            end
            io.write("fine")'
         code=$?; rm -r "$folder"; exit $code]]):format(quote(process.module("wms")), process.lua()))
      assert.same({ "fine", 0 }, { output, code })
   end)

   it("says of a provider that is not installed that it is not", function()
      local output, code = process.script([[
         local wms = require "wms"
         package.cpath = ""
         local _, message, err = wms.unlock{ session_ids = 1, server = "wts://host" }
         assert(err.code == "NO_PROVIDER", err.code)
         assert(err.outcomes[1].server == "wts://host")
         assert(message:find("libwinpr2-2", 1, true), message)
         local _, _, err = wms.call{ server = "wts://host", interface = "I", operation = "o" }
         assert(err.code == "NO_PROVIDER", err.code)
         io.write("fine")
      ]])
      assert.same({ "fine", 0 }, { output, code })
   end)

   it("loads a provider early when told to", function()
      local output, code = process.script([[
         local wms = require "wms"
         wms.load{ "logind" }
         wms.load{ "logind", "memory" }
         local seen
         for line in io.lines("/proc/self/maps") do
            seen = seen or line:find("/logind.so", 1, true)
         end
         assert(seen)
         io.write("fine")
      ]])
      assert.same({ "fine", 0 }, { output, code })
   end)

   it("survives os.exit in the middle, with and without closing the state", function()
      for _, how in ipairs{ "0", _VERSION ~= "Lua 5.1" and "0, true" or "0" } do
         local output, code = process.script(([[
            local wms = require "wms"
            wms.memory("lab", { sessions = { { session_id = 1 } }, latency = 100 })
            R = wms.start("unlock", { session_ids = 1, server = "memory://lab" })
            R:pollfd()
            R:wait(0.01)
            os.exit(%s)
         ]]):format(how))
         assert.same({ "", 0 }, { output, code })
      end
   end)

   it("works in a program that has closed its standard streams", function()
      for _, closed in ipairs{ "<&-", "<&- >&-", "<&- >&- 2>&-" } do
         local output, code = process.script([[
            local wms = require "wms"
            wms.memory("lab", { sessions = { { session_id = 1 } }, latency = 0.001 })
            assert(wms.unlock_all{ server = "memory://lab", verify = 1 })
            wms.sessions("logind:///run/no-such-bus/socket")
         ]], nil, closed)
         assert.same({ closed, "", 0 }, { closed, output, code })
      end
   end)

   it("fails, and does not end the process, where there is no descriptor left", function()
      local output, code = process.script([[
         local wms = require "wms"
         wms.memory("lab", { sessions = { { session_id = 1 } }, latency = 0.001 })
         local held = {}
         for file in function() return (io.open("/dev/null")) end do
            held[#held + 1] = file
         end
         local done
         for _ = 1, 12 do -- one more is free each time, until there are enough
            local outcomes, message, err = wms.unlock_all{ server = "memory://lab", verify = 1 }
            assert(outcomes or err.code == "INTERNAL" and message:find("no descriptor left"), message)
            assert(outcomes or not done, message)
            done = outcomes
            table.remove(held):close()
         end
         assert(done)
         io.write("fine")
      ]], "ulimit -n 60; exec env")
      assert.same({ "fine", 0 }, { output, code })
   end)

   it("prints nothing", function()
      local output, code = process.script([[
         local wms = require "wms"
         wms.sessions("logind:///run/no-such-bus/socket")
         wms.unlock{ session_ids = 1, server = "memory://nobody" }
         pcall(wms.unlock)
      ]])
      assert.same({ "", 0 }, { output, code })
   end)
end)

describe("a provider's module", function()
   it("has no undefined symbol of ours, no Lua, and one entry", function()
      local path = quote(process.module("wms.logind"))
      local undefined = process.run("nm -D --undefined-only " .. path)
      for line in undefined:gmatch("[^\n]+") do
         local name = line:match("(%S+)$")
         assert.is_nil(name:find("^wms_"), name)
         assert.is_nil(name:find("^lua"), name)
         assert.is_nil(name:find("^uv_"), name)
      end
      assert.truthy(undefined:find("sd_bus_", 1, true))
      local exported = {}
      for line in process.run("nm -D --defined-only " .. path):gmatch("[^\n]+") do
         local name = line:match("(%S+)$")
         if not name:find("^_") then
            exported[#exported + 1] = name
         end
      end
      assert.same({ "wms_provider_v1" }, exported)
      local libraries = process.run("readelf -d " .. path .. " | grep NEEDED")
      assert.truthy(libraries:find("libsystemd", 1, true))
      assert.is_nil(libraries:find("lua", 1, true))
      assert.is_nil(libraries:find("libuv", 1, true))
   end)
end)
