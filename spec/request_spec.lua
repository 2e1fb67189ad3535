-- SPDX-License-Identifier: MIT
--- Requests without an event-loop library: start, step, wait, cancel, close, garbage.
local kit = require "spec.support.kit"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

local function open_descriptors()
   local count = 0
   local pipe = io.popen("sleep 0.1; ls /proc/$PPID/fd") -- by then our own end of the pipe is closed
   for _ in pipe:lines() do
      count = count + 1
   end
   pipe:close()
   return count
end

describe("a request", function()
   local keep, sweep = kit.keeper()

   after_each(function()
      kit.reset()
      sweep()
   end)

   local function lab(options)
      local name = kit.name()
      options = options or {}
      options.sessions = { { session_id = 1, locked = true }, { session_id = 2, locked = true }, { session_id = 3 } }
      return "memory://" .. name, keep(wms.memory(name, options))
   end

   it("starts at once, however long the host takes", function()
      local server = lab{ latency = 100 }
      local start = kit.now()
      local request = keep(wms.start("unlock", { session_ids = { 1, 2 }, server = server }))
      for _ = 1, 10 do
         request:step()
      end
      assert.is_false(request:done())
      assert.is_true(kit.now() - start < 50)
   end)

   it("starts every command", function()
      local server = lab()
      local texts = { lock = "m", lock_all = "m", message = "m", message_all = "m" }
      for _, verb in ipairs{ "sessions", "unlock", "lock", "disconnect", "close", "message" } do
         local request = keep(wms.start(verb, {
            session_ids = { 2, 1 }, server = server, message = texts[verb], what_if = true,
         }))
         request:wait()
         assert.same({ 2, 1 }, pluck(fine(request:result()), "session_id"))
      end
      for _, verb in ipairs{ "unlock_all", "lock_all", "disconnect_all", "close_all", "message_all" } do
         local request = keep(wms.start(verb, { server = server, message = texts[verb], what_if = true }))
         request:wait()
         assert.same({ 1, 2, 3 }, pluck(fine(request:result()), "session_id"))
      end
      for _, verb in ipairs{ "sessions", "unlock_all" } do
         local request = keep(wms.start(verb, server))
         request:wait()
         assert.equal(3, #fine(request:result()))
      end
   end)

   it("is done by step alone", function()
      local server, host = lab{ latency = 0.05 }
      local request = keep(wms.start("unlock", { session_ids = { 1, 2 }, server = server, verify = 3 }))
      assert.is_false(request:done())
      kit.finish(request)
      assert.same({ true, true }, pluck(fine(request:result()), "changed"))
      assert.is_false(host:session(1).locked)
      request:step()
      assert.is_true(request:done())
   end)

   it("is done by wait, which says whether it is", function()
      local server = lab{ latency = 1 }
      local request = keep(wms.start("unlock", { session_ids = 1, server = server }))
      assert.is_false(request:wait(0))
      assert.is_false(request:wait(0.01))
      assert.is_false(request:done())
      assert.is_true(request:wait())
      assert.is_true(request:done())
      assert.is_true(request:wait())
      assert.is_true(request:wait(0))
   end)

   it("with nothing to wait for is done after one wait of no time, or soon", function()
      local server = lab()
      local request = keep(wms.start("unlock", { session_ids = 1, server = server }))
      for _ = 1, 3 do
         request:wait(0)
      end
      assert.is_true(request:done())
   end)

   it("waits no longer than told", function()
      local server = lab{ latency = 100 }
      local request = keep(wms.start("unlock", { session_ids = 1, server = server }))
      local start = kit.now()
      request:wait(0.2)
      local took = kit.now() - start
      assert.is_true(took >= 0.18 and took < 20, took)
   end)

   it("gives its result as often as it is asked", function()
      local server = lab()
      local request = keep(wms.start("unlock", { session_ids = { 1, 9 }, server = server }))
      request:wait()
      local first, second = fault(request:result()), fault(request:result())
      assert.same(first.outcomes, second.outcomes)
      assert.equal(first.message, second.message)
   end)

   it("has no result before it is done", function()
      local server = lab{ latency = 100 }
      local request = keep(wms.start("unlock", { session_ids = 1, server = server }))
      local ok, list = pcall(request.result, request)
      assert.is_true(not ok or list == nil)
   end)

   it("has a descriptor of its own", function()
      local server = lab{ latency = 0.05 }
      local one = keep(wms.start("unlock", { session_ids = 1, server = server }))
      local two = keep(wms.start("unlock", { session_ids = 2, server = server }))
      assert.is_true(one:pollfd() >= 0)
      assert.are_not.equal(one:pollfd(), two:pollfd())
      assert.equal(one:pollfd(), one:pollfd())
      if math.type then
         assert.equal("integer", math.type(one:pollfd()))
      end
      kit.finish(one)
      kit.finish(two)
      assert.is_number(one:pollfd())
   end)

   it("of one step drives the others too", function()
      local server = lab{ latency = 0.05 }
      local one = keep(wms.start("unlock", { session_ids = 1, server = server }))
      local two = keep(wms.start("unlock", { session_ids = 2, server = server }))
      kit.finish(one)
      kit.finish(two)
      fine(one:result())
      fine(two:result())
   end)

   it("does not lose what another call did for it", function()
      local server = lab{ latency = 0.05 }
      local seen = {}
      local request = keep(wms.start("unlock", { session_ids = { 1, 2 }, server = server, on_outcome = function(outcome)
         seen[#seen + 1] = outcome.session_id
      end }))
      fine(wms.lock{ session_ids = 3, server = server, message = "m" })
      fine(wms.lock{ session_ids = 3, server = server, message = "m" })
      kit.finish(request)
      assert.same({ 1, 2 }, kit.sorted(seen))
      fine(request:result())
   end)

   it("can be cancelled before anything was sent", function()
      local server, host = lab()
      wms.configure{ allow = function() return true end } -- holds the actions until the first step
      local request = keep(wms.start("unlock", { session_ids = { 1, 2 }, server = server }))
      request:cancel()
      assert.is_true(request:done())
      local err = fault(request:result())
      assert.equal("CANCELLED", err.code)
      assert.same({ "skipped", "skipped" }, pluck(err.outcomes, "state"))
      assert.same({}, host:log())
   end)

   it("cancelled after it was sent does not know", function()
      local server, host = lab()
      host:fail("unlock", "TIMEOUT")
      local request = keep(wms.start("unlock", { session_ids = { 1, 2 }, server = server }))
      kit.pump(request, function() return #host:log() == 2 end)
      request:cancel()
      local err = fault(request:result())
      assert.same({ "unknown", "unknown" }, pluck(err.outcomes, "state"))
      assert.same({ "CANCELLED", "CANCELLED" }, pluck(err.outcomes, "error", "code"))
   end)

   it("cancelled while it verifies says that it was asked for", function()
      local server, host = lab{ relock_after = 0 }
      local request = keep(wms.start("unlock", { session_ids = 1, server = server, verify = 100 }))
      kit.pump(request, function() return #host:log() == 1 end)
      request:wait(0.05)
      assert.is_false(request:done())
      request:cancel()
      local err = fault(request:result())
      assert.same({ "requested" }, pluck(err.outcomes, "state"))
      assert.equal("CANCELLED", err.code)
   end)

   it("cancelled while it looks how it is before it acts has done nothing", function()
      local server, host = lab{ latency = 100 }
      local request = keep(wms.start("unlock", { session_ids = { 1, 2 }, server = server, verify = 1 }))
      request:wait(0)
      request:cancel()
      local err = fault(request:result())
      assert.same({ "skipped", "skipped" }, pluck(err.outcomes, "state"))
      assert.same({}, host:log())
   end)

   it("with 'stop' takes one session at a time, whatever else happens on the host", function()
      local server, host = lab()
      local request = keep(wms.start("unlock", {
         session_ids = { 1, 2 }, server = server, on_error = "stop", verify = 5, stable = 100,
      }))
      kit.pump(request, function() return #host:log() == 1 end)
      fine(wms.disconnect{ session_ids = 1, server = server }) -- the watched session changes, but not in what is watched
      fine(wms.lock{ session_ids = 3, server = server, message = "m" })
      request:wait(0.01)
      assert.same({ 1, 1, 3 }, pluck(host:log(), "session_id"))
      host:lock(1)
      request:wait()
      assert.same({ "failed", "skipped" }, pluck(fault(request:result()).outcomes, "state"))
      assert.equal(3, #host:log())
   end)

   it("gives each session its whole timeout, however long it watched the one before", function()
      local server = lab{ latency = 0.05 }
      local outcomes = fine(wms.unlock{
         session_ids = { 1, 2 }, server = server, on_error = "stop", verify = 20, stable = 1.8, timeout = 1.2,
      })
      assert.same({ "verified", "verified" }, pluck(outcomes, "state"))
   end)

   it("gives the host its whole timeout, however long allow thinks", function()
      local server = lab{ latency = 0.01 }
      wms.configure{ allow = function()
         os.execute("sleep 1.5")
         return true
      end }
      local outcomes = fine(wms.unlock{ session_ids = { 1, 2 }, server = server, timeout = 1.2 })
      assert.same({ "requested", "requested" }, pluck(outcomes, "state"))
   end)

   it("that is done cannot be cancelled any more", function()
      local server = lab()
      local request = keep(wms.start("unlock", { session_ids = 1, server = server }))
      request:wait()
      request:cancel()
      fine(request:result())
   end)

   it("can be closed at any time, and twice", function()
      local server = lab{ latency = 0.05 }
      for turns = 0, 3 do
         local request = wms.start("unlock", { session_ids = { 1, 2 }, server = server })
         for _ = 1, turns do
            request:wait(0.02)
         end
         request:close()
         request:close()
         for _, method in ipairs{ "pollfd", "step", "done", "result", "wait" } do
            local ok, message = pcall(request[method], request)
            assert.is_false(ok, method .. " of a closed request")
            assert.truthy(message:find("closed", 1, true), message)
         end
      end
      fine(wms.unlock{ session_ids = 1, server = server })
   end)

   it("closed before it is done cancels", function()
      local server, host = lab()
      wms.configure{ allow = function() return true end }
      wms.start("unlock", { session_ids = 1, server = server }):close()
      wms.configure{ allow = false }
      fine(wms.lock{ session_ids = 3, server = server, message = "m" })
      assert.same({ "lock" }, pluck(host:log(), "verb"))
   end)

   it("is a userdata whose insides cannot be reached", function()
      local server = lab()
      local request = keep(wms.start("unlock", { session_ids = 1, server = server }))
      assert.equal("userdata", type(request))
      assert.are_not.equal("table", type(getmetatable(request)))
      for _, name in ipairs{ "__gc", "__close", "__index", "__metatable", "explode" } do
         local ok, value = pcall(function() return request[name] end)
         assert.is_true(not ok or value == nil, name)
      end
      assert.is_string(tostring(request))
   end)

   if _VERSION >= "Lua 5.4" then
      it("closes at the end of its scope", function()
         local server = lab{ latency = 100 }
         local chunk = assert(load([[
            local wms, server = ...
            local kept
            do
               local request <close> = wms.start("unlock", { session_ids = 1, server = server })
               kept = request
            end
            return kept
         ]]))
         local request = chunk(wms, server)
         assert.is_false((pcall(request.done, request)))
      end)
   end

   it("that is dropped is collected, its descriptor too", function()
      local server = lab{ latency = 100 }
      wms.start("unlock", { session_ids = 1, server = server }):pollfd()
      collectgarbage()
      collectgarbage()
      local before = open_descriptors()
      for _ = 1, 200 do
         local request = wms.start("unlock", { session_ids = { 1, 2 }, server = server })
         request:pollfd()
         request:step()
      end
      collectgarbage()
      collectgarbage()
      fine(wms.sessions{ server = (lab()) }) -- a turn of the loop for what closes later
      assert.is_true(open_descriptors() <= before + 2)
   end)

   it("survives a collection at any moment", function()
      local server = lab{ latency = 0.001 }
      local pause, step = collectgarbage("setpause", 0), collectgarbage("setstepmul", 10000)
      for i = 1, 100 do
         local request = wms.start("unlock", { session_ids = { 1, 2 }, server = server, on_outcome = function()
            collectgarbage()
         end })
         if i % 3 == 0 then
            request:wait()
            fine(request:result())
         elseif i % 3 == 1 then
            request:wait(0)
         end
      end
      collectgarbage("setpause", pause)
      collectgarbage("setstepmul", step)
   end)

   it("keeps its host's outcomes when the host goes", function()
      local name = kit.name()
      local host = wms.memory(name, { sessions = { { session_id = 1 } } })
      local request = keep(wms.start("unlock", { session_ids = 1, server = "memory://" .. name }))
      request:wait()
      host:close()
      collectgarbage()
      assert.same({ 1 }, pluck(fine(request:result()), "session_id"))
   end)

   it("can be one of thousands", function()
      local server = lab{ latency = 0.05 }
      local requests = {}
      for i = 1, 2000 do
         requests[i] = keep(wms.start("unlock", { session_ids = i % 3 + 1, server = server }))
      end
      for _, request in ipairs(requests) do
         request:wait()
         fine(request:result())
      end
   end)
end)
