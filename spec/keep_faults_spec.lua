-- SPDX-License-Identifier: MIT
--- wms.keep when something goes wrong: errors of the program's functions, files of former keepers, odd names.
local keeping = require "spec.support.keeping"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local record = require "wms.keep.record"
local waiting = require "wms.loop.waiting"
local wms = kit.wms

describe("wms.keep in trouble", function()
   local keep, sweep = kit.keeper()
   local await, of = keeping.await, keeping.of
   local folder, path

   local function lab(...)
      return keeping.lab(keep, ...)
   end

   local function begin(options)
      return keeping.begin(keep, options)
   end

   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
      path = folder .. "/state"
   end)

   teardown(function()
      process.run("rm -r " .. folder)
   end)

   after_each(function()
      sweep()
      kit.reset()
      os.remove(path)
   end)

   local function put(text)
      local file = assert(io.open(path, "w"))
      file:write(text)
      file:close()
      process.run("chmod 600 " .. path)
   end

   --- Runs the keeper for a while, and returns what it has raised.
   local function errors_of(keeper, check)
      local list = {}
      kit.await(check, function()
         local fine, problem = pcall(keeper.wait, keeper, 0.02)
         if not fine then
            list[#list + 1] = problem
         end
      end)
      return list
   end

   describe("goes on", function()
      it("with the kept end, when the time of day has gone by meanwhile", function()
         local host, server = lab({ { session_id = 1, locked = true } })
         put(record.write{ locked = true, servers = { server }, message = "Exam", ends = os.time() - 60, restore = true,
            limit = 3, grace = 20, changed = { { server = server, session_id = 1 } } })
         local keeper = begin{ server = server, locked = true, until_time = os.date("%H:%M", os.time() - 60), file = path }
         assert.equal("time", assert(keeper:run()).reason)
         assert.is_false(host:session(1).locked)
      end)

      it("with another watch, when the program's log has raised in it", function()
         local host, server = lab()
         local raise = false
         finally(function() wms.configure{ log = false } end)
         wms.configure{ log = function()
            if raise then
               raise = false
               error("no log", 0)
            end
         end }
         local keeper, told = begin{ server = server, locked = true }
         await(keeper, function() return #of(told, "acted") == 2 end)
         raise = true
         host:drop(2)
         host:close()
         local raised = errors_of(keeper, function() return of(told, "unwatched")[1] end)
         assert.same({ "no log" }, raised)
         assert.equal("no log", of(told, "unwatched")[1].error.message)
         local name = server:match("[^/]+$")
         host = keep(wms.memory(name, { sessions = { { session_id = 1 }, { session_id = 3 } } }))
         await(keeper, function() return host:session(1).locked and host:session(3).locked end)
         host:unlock(1)
         await(keeper, function() return host:session(1).locked end)
      end)

      it("with the others, when a timer has switched off another one and raises", function()
         local fired = 0
         local second
         local first = waiting.timer(function()
            second:set(nil)
            error("first", 0)
         end)
         second = waiting.timer(function()
            first:set(nil)
            error("second", 0)
         end)
         first:set(0)
         second:set(0)
         local fine, problem = pcall(waiting.turn)
         assert.is_true(not fine and (problem == "first" or problem == "second"), problem)
         local third = waiting.timer(function() fired = fired + 1 end)
         third:set(0)
         assert(waiting.turn())
         assert(waiting.wait(0))
         assert.equal(1, fired)
      end)
   end)
end)
