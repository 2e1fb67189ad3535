-- SPDX-License-Identifier: MIT
--- Watches in event loops, by the helpers; beside commands, and until they are ended.
local process = require "spec.support.process"

-- The start of every script: `options(stop)` are those of a watch that reacts to what it tells, and ends itself by stop().
local BEGIN = [[
   local wms = require "wms"
   local host = wms.memory("lab", { latency = 0.02, sessions = { { session_id = 1, locked = true } } })
   local kinds = {}
   local function options(react)
      return { server = "memory://lab", on_event = function(event)
         kinds[#kinds + 1] = event.kind
         react(event.kind)
      end }
   end
   local UNLOCK = { session_ids = 1, server = "memory://lab" }
   local function fine(list, message) assert(list, message) end
]]

local END = [[
   assert(table.concat(kinds, " ") == "ready unlocked locked", table.concat(kinds, " "))
   io.write("fine")
]]

--- The host is unlocked by a command of the same loop, then locks itself, and the watch is ended.
local LOOPS = {
   luv = [[
      local loop, uv = require "wms.loop.luv", require "luv"
      local watch
      watch = assert(loop.watch(options(function(kind)
         if kind == "ready" then
            loop.start("unlock", UNLOCK, fine)
         elseif kind == "unlocked" then
            host:lock(1)
         else
            watch:close()
            watch:close()
         end
      end)))
      uv.run()
   ]],
   cqueues = [[
      local loop, cqueues = require "wms.loop.cqueues", require "cqueues"
      local controller = cqueues.new()
      controller:wrap(function()
         local watch
         watch = assert(loop.watch(options(function(kind)
            if kind == "ready" then
               controller:wrap(function() assert(loop.call("unlock", UNLOCK)) end)
            elseif kind == "unlocked" then
               host:lock(1)
            else
               watch:close()
            end
         end)))
      end)
      assert(controller:loop())
   ]],
   poll = [[
      local loop = require "wms.loop.poll"
      local watch
      watch = assert(loop.watch(options(function(kind)
         if kind == "ready" then
            loop.start("unlock", UNLOCK, fine)
         elseif kind == "unlocked" then
            host:lock(1)
         else
            watch:close()
         end
      end)))
      assert(loop.run())
      assert(loop.pending() == 0)
   ]],
}

--- Misuse, and where on_event raises (luv ends the process then, as for any callback).
local FAILURES = {
   luv = [[
      local loop, uv = require "wms.loop.luv", require "luv"
      assert(not pcall(loop.watch, { on_event = 1 }))
      local done = false
      loop.start("unlock", UNLOCK, function(list) done = #list == 1 end)
      uv.run()
      assert(done)
   ]],
   cqueues = [[
      local loop, cqueues = require "wms.loop.cqueues", require "cqueues"
      assert(not pcall(loop.watch, "memory://lab"))
      local controller = cqueues.new()
      controller:wrap(function()
         assert(loop.watch{ server = "memory://lab", on_event = function() error("enough", 0) end })
      end)
      local fine, message = controller:loop()
      assert(not fine and tostring(message):find("enough"), message)
   ]],
   poll = [[
      local loop = require "wms.loop.poll"
      assert(not pcall(loop.watch, { queue = 0 }))
      assert(loop.watch{ server = "memory://lab", on_event = function() error("enough", 0) end })
      local fine, message = pcall(loop.run)
      assert(not fine and tostring(message):find("enough"), message)
      assert(loop.pending() == 0)
   ]],
}

describe("watches in loops", function()
   local function run(name, text)
      local module = name ~= "poll" and name
      if module and not pcall(require, module) then
         pending(module .. " is not installed for " .. _VERSION)
      end
      local paths = ("LUA_PATH=%s"):format(process.quote(package.path))
      local output, code = process.run("timeout 100 env " .. process.command(text, paths))
      assert.equal("fine", output)
      assert.equal(0, code)
   end

   for name, text in pairs(LOOPS) do
      it("of " .. name .. " tell, beside commands, until they are ended", function()
         run(name, BEGIN .. text .. END)
      end)
   end

   for name, text in pairs(FAILURES) do
      it("of " .. name .. " end when on_event raises, and are not there after a misuse", function()
         run(name, BEGIN .. text .. 'io.write("fine")')
      end)
   end

   it("tell in the same turn what a timer has done to a host of the same program", function()
      run("poll", [[
         local wms, loop, waiting = require "wms", require "wms.loop.poll", require "wms.loop.waiting"
         local host, kinds = wms.memory("lab", { sessions = { { session_id = 1 } } }), {}
         assert(loop.watch{ server = "memory://lab", on_event = function(event) kinds[#kinds + 1] = event.kind end })
         while #kinds == 0 do
            assert(loop.turn())
         end
         local fired
         waiting.timer(function()
            fired = true
            host:lock(1)
         end):set(0)
         while not fired do
            assert(loop.turn())
         end
         assert(table.concat(kinds, " ") == "ready locked", table.concat(kinds, " "))
         io.write("fine")
      ]])
   end)
end)
