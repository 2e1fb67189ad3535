-- SPDX-License-Identifier: MIT
--- Any number of requests under way at once, in one loop: by their own descriptors, by those of a few of them alone, and by
--- the loop helpers.
local process = require "spec.support.process"

-- The start of every script: `start(i)` starts a request; hosts answer at 50 different times. `finished` counts.
local BEGIN = [[
   local wms = require "wms"
   local HOSTS = 50
   for i = 1, HOSTS do
      wms.memory("h" .. i, { latency = 0.3 + i / HOSTS, sessions = { { session_id = 1, locked = true } } })
   end
   local steps, finished = 0, 0
   local function options(i) return { session_ids = 1, server = "memory://h" .. i % HOSTS + 1 } end
   local function start(i) return wms.start("unlock", options(i)) end
   local function check(outcomes, message)
      assert(outcomes and outcomes[1].state == "requested", message)
      finished = finished + 1
   end
]]

--- Polls requests by their own descriptors, as a program does that knows nothing of the helpers.
local OWN = {
   luv = [[
      local uv = require "luv"
      local function poll(request)
         local watch = assert(uv.new_poll(assert(request:pollfd())))
         local function step()
            steps = steps + 1
            if request:step() then
               watch:close()
               check(request:result())
               request:close()
            end
         end
         watch:start("r", step)
         step()
      end
      local function run(poll_all) poll_all() uv.run() end
   ]],
   cqueues = [[
      local cqueues = require "cqueues"
      local loop = cqueues.new()
      local function poll(request)
         loop:wrap(function()
            repeat
               cqueues.poll(request)
               steps = steps + 1
            until request:step()
            cqueues.cancel(request:pollfd())
            check(request:result())
            request:close()
         end)
      end
      local function run(poll_all) poll_all() assert(loop:loop()) end
   ]],
   ["a controller of cqueues inside of a controller"] = [[
      local cqueues = require "cqueues"
      local inner, outer = cqueues.new(), cqueues.new()
      local function poll(request)
         inner:wrap(function()
            repeat
               cqueues.poll(request)
               steps = steps + 1
            until request:step()
            cqueues.cancel(request:pollfd())
            check(request:result())
            request:close()
         end)
      end
      local function run(poll_all)
         poll_all()
         outer:wrap(function()
            while not inner:empty() do
               cqueues.poll(inner)
               assert(inner:step(0))
            end
         end)
         assert(outer:loop())
      end
   ]],
}

--- Carries out COUNT commands by a helper.
local HELPED = {
   luv = [[
      local loop, uv = require "wms.loop.luv", require "luv"
      for i = 1, COUNT do loop.start("unlock", options(i), check) end
      uv.run()
   ]],
   cqueues = [[
      local loop, cqueues = require "wms.loop.cqueues", require "cqueues"
      local controller = cqueues.new()
      for i = 1, COUNT do controller:wrap(function() check(loop.call("unlock", options(i))) end) end
      assert(controller:loop())
   ]],
   ["a controller of cqueues inside of a controller"] = [[
      local loop, cqueues = require "wms.loop.cqueues", require "cqueues"
      local inner, outer = cqueues.new(), cqueues.new()
      for i = 1, COUNT do inner:wrap(function() check(loop.call("unlock", options(i))) end) end
      outer:wrap(function()
         while not inner:empty() do
            cqueues.poll(inner)
            assert(inner:step(0))
         end
      end)
      assert(outer:loop())
   ]],
   ["a loop of its own"] = [[
      local loop = require "wms.loop.poll"
      for i = 1, COUNT do loop.start("unlock", options(i), check) end
      while loop.pending() > 0 do
         assert(loop.pollfd())
         assert(loop.wait())
      end
   ]],
   ["no loop"] = [[
      local loop = require "wms.loop.poll"
      for i = 1, COUNT do loop.start("unlock", options(i), check) end
      assert(loop.run())
   ]],
}

local END = [[
   assert(finished == EXPECTED, finished)
   io.write("fine")
]]

--- Runs a script with room for so many descriptors; skips where this user may not have them.
local function run(text, descriptors, values)
   local numbers = {}
   for name, value in pairs(values) do
      numbers[#numbers + 1] = ("local %s = %d "):format(name, value)
   end
   table.sort(numbers)
   local paths = ("LUA_PATH=%s"):format(process.quote(package.path))
   local output, code = process.run(("ulimit -n %d || exit 77; timeout 100 env %s"):format(descriptors,
      process.command(table.concat(numbers) .. BEGIN .. text .. END, paths)))
   if code == 77 then
      pending("this user may not have " .. descriptors .. " descriptors")
   end
   assert.same({ "fine", 0 }, { output, code })
end

local function need(name)
   local module = name:find("cqueues") and "cqueues" or name == "luv" and "luv"
   if module and not pcall(require, module) then
      pending(module .. " is not installed for " .. _VERSION)
   end
end

describe("10,000 requests at once #once", function()
   for name, text in pairs(OWN) do
      it("are done, each with a descriptor, in " .. name, function()
         need(name)
         run(text .. [[
            run(function() for i = 1, COUNT do poll(start(i)) end end)
            assert(steps <= 3 * COUNT, steps / COUNT .. " steps a request")
         ]], 11000, { COUNT = 10000, EXPECTED = 10000 })
      end)

      it("are done when only one in a hundred is polled, in " .. name, function()
         need(name)
         run(text .. [[
            local requests = {}
            for i = 1, COUNT do
               requests[i] = start(i)
               assert(requests[i]:pollfd())
            end
            run(function() for i = 37, COUNT, 101 do poll(requests[i]) end end)
         ]], 11000, { COUNT = 10000, EXPECTED = 99 })
      end)
   end

   for name, text in pairs(HELPED) do
      it("are done with a few descriptors in all, by the helper for " .. name, function()
         need(name)
         run(text, 60, { COUNT = 10000, EXPECTED = 10000 })
      end)
   end

   it("are done in Neovim, by the helper for luv", function()
      if process.run("command -v nvim") == "" then
         pending("Neovim is not installed")
      end
      local build = os.getenv("WMS_BUILD") or "build"
      local folder = process.run("mktemp -d"):match("%S+")
      finally(function()
         process.run("rm -r " .. folder)
      end)
      local file = assert(io.open(folder .. "/many.lua", "w"))
      file:write("package.cpath = './" .. build .. "/jit/?.so;' .. package.cpath\n",
         "package.path = './lua/?.lua;' .. package.path\n", "local COUNT, EXPECTED = 10000, 10000\n", BEGIN, [[
         local loop = require "wms.loop.luv"
         for i = 1, COUNT do loop.start("unlock", options(i), check) end
         assert(vim.wait(60000, function() return finished == COUNT end, 10))
         ]], END, "vim.cmd('qall!')\n")
      file:close()
      if not io.open(build .. "/jit/wms.so") then
         pending("no module for LuaJIT is built")
      end
      local output, code = process.run(("ulimit -n 100; HOME=%s timeout 100 nvim --headless -u NONE " ..
         "-c 'luafile %s/many.lua' -c 'cquit 3' </dev/null"):format(folder, folder))
      assert.same({ "fine", 0 }, { output, code })
   end)

   it("end in one clear error where there are not enough descriptors", function()
      run([[
         local refused
         for i = 1, COUNT do
            local request = start(i)
            local fd, message, err = request:pollfd()
            if not fd then
               assert(err.code == "INTERNAL" and message:find("ulimit %-n") and message:find("wms.loop", 1, true), message)
               refused = i
               break
            end
            finished = finished + 1
         end
         assert(refused and refused > 100, refused)
         finished = EXPECTED
      ]], 300, { COUNT = 10000, EXPECTED = 1 })
   end)
end)

describe("a request's descriptor #once", function()
   for how, text in pairs{
      ["is cancelled"] = "other:cancel()",
      ["is closed"] = "other:close()",
      ["is collected"] = "other = nil collectgarbage() collectgarbage()",
      ["gets a descriptor"] = "other:pollfd()",
   } do
      it("is never later than its host's answer when another request " .. how, function()
         if not pcall(require, "socket") then
            pending("LuaSocket is not installed for " .. _VERSION)
         end
         run([[
            local socket = require "socket"
            wms.memory("soon", { latency = 2, sessions = { { session_id = 1, locked = true } } })
            wms.memory("never", { latency = 1000, sessions = { { session_id = 1, locked = true } } })
            local request = wms.start("unlock", { session_ids = 1, server = "memory://soon" })
            local other = wms.start("unlock", { session_ids = 1, server = "memory://never" })
            local fd = request:pollfd()
            local begun = socket.gettime()
            request:step()
            socket.sleep(1.9) -- the program's own work
            ]] .. text .. [[
            socket.select({ { getfd = function() return fd end } }, nil, 30)
            assert(socket.gettime() - begun < 3.8, "late by as long as the program was away")
            while not request:step() do socket.select({ { getfd = function() return fd end } }, nil, 30) end
            check(request:result())
         ]], 100, { EXPECTED = 1 })
      end)
   end
end)
