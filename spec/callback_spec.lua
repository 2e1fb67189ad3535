-- SPDX-License-Identifier: MIT
--- Functions of the script that the module calls: on_outcome, allow, log.
local kit = require "spec.support.kit"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

describe("a callback", function()
   local keep, sweep = kit.keeper()

   after_each(function()
      kit.reset()
      sweep()
   end)

   local function lab(options, count)
      local name = kit.name()
      options = options or {}
      options.sessions = {}
      for id = 1, count or 3 do
         options.sessions[id] = { session_id = id, locked = true }
      end
      return "memory://" .. name, keep(wms.memory(name, options))
   end

   --- Cancelled when the first of three was answered: the second may have been sent, the third was not.
   local function assert_stopped(err)
      local states = pluck(err.outcomes, "state")
      assert.same({ "requested", "unknown", "skipped" }, states)
   end

   describe("on_outcome", function()
      it("gets the outcomes in the order in which they come", function()
         local slow, fast = lab({ latency = 0.3 }, 1), lab({ latency = 0 }, 1)
         local seen = {}
         local list = fine(wms.unlock{
            session_ids = 1, servers = { slow, fast }, on_outcome = function(outcome, done, total)
               seen[#seen + 1] = outcome.server
               assert.equal(#seen, done)
               assert.equal(2, total)
            end,
         })
         assert.same({ fast, slow }, seen)
         assert.same({ slow, fast }, pluck(list, "server"))
      end)

      it("is told how many there will be when that is known, so that no bar runs backwards or is full too early", function()
         local function bars(verb, options, final)
            local known
            options.on_outcome = function(_, done, total)
               assert.is_true(not known or total == known)
               assert.is_true(not total or (total == final and (done < total or done == final)), total)
               known = total
            end
            fine(wms[verb](options))
            assert.equal(final, known)
         end
         local servers = {}
         for i = 1, 4 do
            servers[i] = lab({ latency = 0.02 * i }, i)
         end
         for _, concurrency in ipairs{ 1, 4 } do
            bars("unlock_all", { servers = servers, concurrency = concurrency }, 10)
            local some = { session_id = { 1, 2 } }
            bars("lock_all", { servers = servers, message = "m", concurrency = concurrency, where = some }, 7)
            bars("unlock_all", { servers = servers, what_if = true }, 10)
            bars("sessions", { servers = servers, concurrency = concurrency }, 4)
         end
         local told
         fine(wms.unlock{ session_ids = 1, servers = servers, on_outcome = function(_, done, total)
            told = told or { done, total }
         end })
         assert.same({ 1, 4 }, told) -- of those that are named it is known at once
         fault(wms.unlock_all{ servers = { servers[1], "memory://not-there", servers[2] }, concurrency = 1,
            on_outcome = function(_, done, total)
               assert.is_true(not total or total == 4 and done >= 2)
            end })
      end)

      it("runs inside a call that the script made, never in start", function()
         local server = lab()
         local inside, seen = false, 0
         local request = keep(wms.start("unlock", { session_ids = { 1, 2 }, server = server, on_outcome = function()
            assert.is_true(inside)
            seen = seen + 1
         end }))
         assert.equal(0, seen)
         collectgarbage()
         inside = true
         kit.finish(request)
         inside = false
         assert.equal(2, seen)
         fine(request:result())
         assert.equal(2, seen)
      end)

      it("hears of a failure as well, and of what was skipped", function()
         local server, seen = lab(), {}
         fault(wms.unlock{ session_ids = { 1, 77, 2 }, server = server, on_error = "stop", on_outcome = function(outcome)
            seen[#seen + 1] = outcome.state
         end })
         assert.same({ "requested", "failed", "skipped" }, seen)
         seen = {}
         fault(wms.message{ session_ids = { 2, 77, 1 }, server = server, message = "m", on_error = "stop",
            on_outcome = function(outcome)
               seen[#seen + 1] = outcome.state
            end })
         assert.same({ "requested", "failed", "skipped" }, seen)
      end)

      it("hears of a cancel once", function()
         local server, host = lab()
         host:fail("unlock", "TIMEOUT")
         local seen = {}
         local request = keep(wms.start("unlock", { session_ids = { 1, 2 }, server = server, on_outcome = function(outcome)
            seen[#seen + 1] = outcome.error.code
         end }))
         request:wait(0.05)
         request:cancel()
         request:step()
         request:step()
         assert.same({ "CANCELLED", "CANCELLED" }, seen)
      end)

      it("that fails cancels the command, which raises the error as it is", function()
         local server, host = lab{ latency = 0.01 }
         local problem = setmetatable({}, { __tostring = function() return "mine" end })
         local calls = 0
         local ok, err = pcall(wms.unlock, { session_ids = { 1, 2, 3 }, server = server, on_error = "stop",
            on_outcome = function()
               calls = calls + 1
               error(problem)
            end })
         assert.is_false(ok)
         assert.equal(problem, err)
         assert.equal(1, calls)
         assert.is_true(#host:log() < 3)
         fine(wms.unlock{ session_ids = 1, server = server })
      end)

      it("that fails makes step or wait raise, once", function()
         for _, method in ipairs{ "step", "wait" } do
            local server = lab({ latency = 0.01 })
            local request = keep(wms.start("unlock", { session_ids = { 1, 2, 3 }, server = server, on_error = "stop",
               on_outcome = function()
                  error("stop here", 0)
               end }))
            local message
            kit.await(function()
               local ok, err = pcall(request[method], request)
               message = not ok and err
               return message
            end)
            assert.equal("stop here", message)
            assert.is_true(request:done())
            request[method](request)
            assert_stopped(fault(request:result()))
         end
      end)

      it("may give commands of its own", function()
         local server, host = lab(nil, 4)
         local inner = {}
         local list = fine(wms.unlock{ session_ids = { 1, 2 }, server = server, on_outcome = function(outcome)
            inner[#inner + 1] = fine(wms.unlock{ session_ids = outcome.session_id + 2, server = server })[1].session_id
         end })
         assert.same({ 1, 2 }, pluck(list, "session_id"))
         assert.same({ 3, 4 }, inner)
         assert.equal(4, #host:log())
      end)

      it("may go deep", function()
         local server = lab()
         local depth = 0
         local function again()
            depth = depth + 1
            if depth < 20 then
               fine(wms.unlock{ session_ids = 1, server = server, on_outcome = again })
            end
         end
         again()
         assert.equal(20, depth)
      end)

      it("may look at its request, cancel it, and close it", function()
         for _, method in ipairs{ "cancel", "close" } do
            local server = lab({ latency = 0.01 })
            local request, calls = nil, 0
            request = keep(wms.start("unlock", { session_ids = { 1, 2, 3 }, server = server, on_error = "stop",
               on_outcome = function()
                  calls = calls + 1
                  if calls == 1 then
                     assert.is_boolean(request:done())
                     request[method](request)
                  end
               end }))
            if method == "cancel" then
               kit.finish(request)
               assert_stopped(fault(request:result()))
            else
               kit.await(function() return calls > 0 end, function()
                  if calls == 0 then
                     request:step()
                  end
               end)
               assert.equal(1, calls)
               request:close()
            end
         end
      end)

      it("may wait for another request, and for its own", function()
         local server = lab({ latency = 0.02 })
         local other = keep(wms.start("unlock", { session_ids = 3, server = server }))
         local request, nested
         request = keep(wms.start("unlock", { session_ids = { 1, 2 }, server = server, on_outcome = function(_, done)
            if done == 1 then
               other:wait()
               nested = { pcall(request.wait, request, 0.5) } -- either it waits or it says that it cannot: it does not hang
            end
         end }))
         kit.finish(request)
         assert.is_true(other:done())
         assert.is_boolean(nested[1])
         fine(request:result())
      end)

      it("cannot yield: the error says so and nothing breaks", function()
         local server = lab()
         local co = coroutine.create(function()
            return wms.unlock{ session_ids = { 1, 2 }, server = server, on_outcome = function() coroutine.yield("out") end }
         end)
         local ok, message = coroutine.resume(co)
         assert.is_false(ok)
         assert.truthy(tostring(message):find("yield"))
         fine(wms.unlock{ session_ids = 1, server = server })
      end)

      it("works when the coroutine that started the request is gone", function()
         local server = lab({ latency = 0.02 })
         local seen, request = {}, nil
         coroutine.wrap(function()
            request = wms.start("unlock", { session_ids = { 1, 2 }, server = server, on_outcome = function(outcome)
               seen[#seen + 1] = outcome.session_id
            end })
         end)()
         collectgarbage()
         collectgarbage()
         kit.finish(keep(request))
         assert.same({ 1, 2 }, kit.sorted(seen))
      end)

      it("of a client is used where a call brings none", function()
         local server = lab()
         local seen = {}
         local client = wms.new{ server = server, on_outcome = function(outcome) seen[#seen + 1] = outcome.session_id end }
         fine(client:unlock{ session_ids = 2 })
         fine(client:unlock{ session_ids = 3, on_outcome = function() end })
         assert.same({ 2 }, seen)
      end)
   end)

   describe("allow", function()
      it("refuses what it does not permit, and the host hears nothing of it", function()
         local server, host = lab()
         for _, answer in ipairs{ "false", "nil", "nothing" } do
            wms.configure{ allow = function()
               if answer == "false" then
                  return false, "it is a quarter past nine"
               elseif answer == "nil" then
                  return nil, "it is a quarter past nine"
               end
            end }
            local err = fault(wms.unlock{ session_ids = { 1, 2 }, server = server })
            assert.same({ "ACCESS_DENIED", "ACCESS_DENIED" }, pluck(err.outcomes, "error", "code"))
            assert.same({ "failed", "failed" }, pluck(err.outcomes, "state"))
            if answer ~= "nothing" then
               assert.truthy(err.message:find("quarter past nine", 1, true), err.message)
            end
         end
         assert.same({}, host:log())
      end)

      it("permits by true alone", function()
         local server, host = lab()
         for _, answer in ipairs{ 0, 1, "no", "true", {}, print } do
            wms.configure{ allow = function() return answer end }
            assert.equal("ACCESS_DENIED", fault(wms.unlock{ session_ids = 1, server = server }).code, tostring(answer))
         end
         assert.same({}, host:log())
      end)

      it("is asked for each session, with what will be done to it", function()
         local server = lab()
         local asked = {}
         wms.configure{ allow = function(action)
            asked[#asked + 1] = action
            for field in pairs(action) do
               assert.truthy(kit.set{ "verb", "server", "session_id" }[field], field)
            end
            return true
         end }
         fine(wms.lock{ session_ids = { 2, 1 }, server = server, message = "m" })
         assert.same({ "lock", "lock" }, pluck(asked, "verb"))
         assert.same({ server, server }, pluck(asked, "server"))
         assert.same({ 2, 1 }, pluck(asked, "session_id"))
         asked = {}
         fine(wms.message{ session_ids = { 3, 1 }, server = server, message = "m", title = "t" })
         assert.same({ "message", "message" }, pluck(asked, "verb"))
         assert.same({ 3, 1 }, pluck(asked, "session_id"))
      end)

      it("may forbid messages, and the host hears nothing of them", function()
         local server, host = lab()
         wms.configure{ allow = function(action) return action.verb ~= "message", "silence, please" end }
         fine(wms.unlock{ session_ids = 1, server = server })
         local err = fault(wms.message{ session_ids = { 1, 2 }, server = server, message = "m" })
         assert.same({ "ACCESS_DENIED", "ACCESS_DENIED" }, pluck(err.outcomes, "error", "code"))
         assert.truthy(err.message:find("silence, please", 1, true), err.message)
         assert.equal("ACCESS_DENIED", fault(wms.message_all{ server = server, message = "m" }).code)
         assert.same({ "unlock" }, pluck(host:log(), "verb"))
      end)

      it("is asked for the server as a whole before its sessions are asked for", function()
         local server, host = lab()
         local asked = {}
         wms.configure{ allow = function(action)
            asked[#asked + 1] = action
            return true
         end }
         fine(wms.unlock_all(server))
         assert.is_nil(asked[1].session_id)
         assert.same({ 1, 2, 3 }, kit.sorted(pluck({ asked[2], asked[3], asked[4] }, "session_id")))
         assert.equal(4, #asked)
         wms.configure{ allow = function(action) return action.session_id ~= nil, "not the whole room" end }
         local before = #host:log()
         local err = fault(wms.unlock_all(server))
         assert.equal("ACCESS_DENIED", err.code)
         assert.truthy(err.message:find("not the whole room", 1, true))
         assert.is_nil(err.session_id)
         err = fault(wms.sessions(server))
         assert.equal("ACCESS_DENIED", err.code)
         assert.equal(before, #host:log())
      end)

      it("that fails refuses, with its text", function()
         local server, host = lab()
         wms.configure{ allow = function(action)
            if action.session_id == 2 then
               error("the timetable cannot be read", 0)
            end
            return true
         end }
         local err = fault(wms.unlock{ session_ids = { 1, 2, 3 }, server = server })
         assert.same({ "nil", "ACCESS_DENIED", "nil" }, pluck(err.outcomes, "error", "code"))
         assert.truthy(err.message:find("the timetable cannot be read", 1, true), err.message)
         assert.same({ 1, 3 }, kit.sorted(pluck(host:log(), "session_id")))
         wms.configure{ allow = function() error({}) end }
         assert.equal("ACCESS_DENIED", fault(wms.unlock{ session_ids = 1, server = server }).code)
         wms.configure{ allow = function() error() end }
         assert.equal("ACCESS_DENIED", fault(wms.unlock{ session_ids = 1, server = server }).code)
      end)

      it("may ask the host itself", function()
         local server = lab()
         local inside = false
         wms.configure{ allow = function(action)
            if inside then
               return true
            end
            inside = true
            local session = fine(wms.sessions{ session_ids = action.session_id, server = action.server })[1]
            inside = false
            return session.locked, "it is not locked"
         end }
         fine(wms.unlock{ session_ids = 1, server = server })
         local err = fault(wms.unlock{ session_ids = { 1, 2 }, server = server })
         assert.same({ "ACCESS_DENIED", "nil" }, pluck(err.outcomes, "error", "code"))
      end)

      it("may step and wait for its own request, and cancel or close it", function()
         for _, method in ipairs{ "step", "wait", "cancel", "close" } do
            local server, host = lab()
            local request, asked = nil, 0
            wms.configure{ allow = function()
               asked = asked + 1
               request[method](request)
               return true
            end }
            request = keep(wms.start("unlock", { session_ids = { 1, 2 }, server = server }))
            request:wait()
            local goes_on = method == "step" or method == "wait"
            assert.equal(goes_on and 2 or 1, asked, method)
            assert.equal(goes_on and 2 or 0, #host:log(), method)
            wms.configure{ allow = false }
         end
      end)

      it("holds for requests that are polled, and for clients", function()
         local server, host = lab()
         wms.configure{ allow = function() return false end }
         local request = keep(wms.start("unlock", { session_ids = { 1, 2 }, server = server }))
         kit.finish(request)
         assert.equal("ACCESS_DENIED", fault(request:result()).code)
         assert.equal("ACCESS_DENIED", fault(wms.new{ server = server }:unlock_all()).code)
         assert.same({}, host:log())
         wms.configure{ allow = false }
         fine(wms.unlock{ session_ids = { 1, 2 }, server = server })
      end)

      it("permits with true alone", function()
         local server, host = lab()
         for _, answer in ipairs{ 1, 0, "no", "", {}, print, false } do
            wms.configure{ allow = function() return answer end }
            assert.equal("ACCESS_DENIED", fault(wms.unlock{ session_ids = 1, server = server }).code)
         end
         assert.same({}, host:log())
      end)

      it("is not asked for what is only planned away: unknown ids are still unknown", function()
         local server = lab()
         wms.configure{ allow = function() return true end }
         local err = fault(wms.unlock{ session_ids = { 1, 99 }, server = server, what_if = true })
         assert.same({ "planned", "failed" }, pluck(err.outcomes, "state"))
      end)

      it("with 'stop' ends the rest", function()
         local server, host = lab()
         wms.configure{ allow = function(action) return action.session_id ~= 2 end }
         local err = fault(wms.unlock{ session_ids = { 1, 2, 3 }, server = server, on_error = "stop" })
         assert.same({ "requested", "failed", "skipped" }, pluck(err.outcomes, "state"))
         assert.same({ 1 }, pluck(host:log(), "session_id"))
      end)
   end)

   it("an allow that fails is no permission, whatever its error says of itself", function()
      local server, host = lab()
      for _, text in ipairs{ true, false } do
         wms.configure{ allow = function()
            error(setmetatable({}, { __tostring = function() return text or "true" end }))
         end }
         local err = fault(wms.unlock{ session_ids = 1, server = server })
         assert.equal("ACCESS_DENIED", err.code)
      end
      wms.configure{ allow = false }
      assert.same({}, host:log())
   end)

   describe("log", function()
      it("is told where each session stands", function()
         local server, lines = lab{ sessions = { { session_id = 3 } } }, {}
         wms.configure{ log = function(level, text)
            if level == "debug" then lines[#lines + 1] = text:match("^memory://[^:]+: (.*)$") end
         end }
         fine(wms.lock{ session_ids = 3, server = server, message = "m", verify = 10 })
         assert.same({ "session 3: queued, then baseline", "session 3: baseline, then primed",
            "session 3: primed, then acting" }, { lines[1], lines[2], lines[3] })
         assert.equal("session 3: over, then done", lines[#lines])
         lines = {}
         fine(wms.unlock_all(server))
         assert.same({ "list: queued, then acting", "list: acting, then done", "session 1: queued, then acting",
            "session 1: acting, then done" }, { lines[1], lines[2], lines[3], lines[4] })
      end)

      it("is told what the engine does, in lines", function()
         local server, lines = lab(), {}
         wms.configure{ log = function(...)
            lines[#lines + 1] = { ... }
         end }
         fine(wms.unlock_all(server))
         wms.configure{ allow = function() return false end }
         fault(wms.unlock{ session_ids = 1, server = server })
         assert.is_true(#lines > 0)
         for _, line in ipairs(lines) do
            for _, part in ipairs(line) do
               assert.is_string(part)
               assert.is_nil(part:find("\n"))
            end
         end
      end)

      it("that fails cancels the command, which raises the error", function()
         local server, host = lab()
         host:refuse("UNREACHABLE")
         wms.configure{ log = function() error("the disk is full", 0) end }
         local ok, err = pcall(function()
            for _ = 1, 3 do
               wms.unlock_all(server)
            end
         end)
         assert.is_false(ok)
         assert.equal("the disk is full", err)
         wms.configure{ log = false }
         host:refuse()
         fine(wms.unlock_all(server))
      end)
   end)
end)
