-- SPDX-License-Identifier: MIT
--- Which sessions a command is for: where, except, the caller's own, and objects and outcomes that are given back.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

describe("the choice of sessions", function()
   local keep, sweep = kit.keeper()

   after_each(function()
      kit.reset()
      sweep()
   end)

   local function lab(options)
      local name = kit.name()
      options = options or {}
      options.sessions = options.sessions or {
         { session_id = 1, user_name = "alice", seat = "seat1", locked = true },
         { session_id = 2, user_name = "bob", seat = "seat2", is_own = true },
         { session_id = 3, user_name = "carol", seat = "seat3" },
         { session_id = 4, user_name = "root", is_admin = true },
      }
      local host = keep(wms.memory(name, options))
      return "memory://" .. name, host
   end

   local function asked(host, verb)
      local ids = {}
      for _, entry in ipairs(host:log()) do
         if entry.verb == verb then
            ids[#ids + 1] = entry.session_id
         end
      end
      return ids
   end

   describe("where", function()
      it("takes properties, of which a list means any", function()
         local server, host = lab()
         local list = fine(wms.lock_all{ server = server, message = "m", where = { user_name = "carol" } })
         assert.same({ 3 }, pluck(list, "session_id"))
         list = fine(wms.lock_all{ server = server, message = "m", where = { seat = { "seat1", "seat2", "none" } } })
         assert.same({ 1, 2 }, pluck(list, "session_id"))
         list = fine(wms.lock_all{ server = server, message = "m", where = { seat = "seat1", user_name = "bob" } })
         assert.same({}, list)
         assert.same({ 3, 1, 2 }, asked(host, "lock"))
      end)

      it("takes every property of a session", function()
         local server = lab()
         for name, case in pairs{
            locked = { true, { 1 } }, session_id = { { 3, "2" }, { 2, 3 } }, is_admin = { true, { 4 } },
            server = { server, { 1, 2, 3, 4 } }, is_own = { true, { 2 } }, state = { "active", { 1, 2, 3, 4 } },
            station_id = { 7, {} }, identity = { "none", {} },
         } do
            local list = fine(wms.sessions{ server = server, where = { [name] = case[1] } })
            assert.same(case[2], pluck(list, "session_id"), name)
         end
         local session = fine(wms.sessions(server))[3]
         local list = fine(wms.sessions{ server = server, where = { identity = session.identity } })
         assert.same({ 3 }, pluck(list, "session_id"))
      end)

      it("does not hold of what is not known", function()
         local server = lab()
         assert.same({}, fine(wms.sessions{ server = server, where = { station_id = { 0, 1 } } }))
         assert.same({ 1, 2, 3 }, pluck(fine(wms.sessions{ server = server, except = { user_name = "root" } }),
            "session_id"))
      end)

      it("takes a function, which sees each session once, and those alone that can be acted on", function()
         local server, host = lab()
         local seen = {}
         local function where(session)
            seen[#seen + 1] = session.session_id
            assert.equal(server, session.server)
            return session.user_name ~= "alice"
         end
         assert.same({ 2, 3 }, pluck(fine(wms.unlock_all{ server = server, where = where }), "session_id"))
         assert.same({ 1, 2, 3 }, seen)
         seen = {}
         assert.same({ 2, 3, 4 }, pluck(fine(wms.sessions{ server = server, where = where }), "session_id"))
         assert.same({ 1, 2, 3, 4 }, seen)
         seen = {}
         assert.same({ 3 }, pluck(fine(wms.close_all{ server = server, where = where }), "session_id"))
         assert.same({ 1, 3 }, seen)
         assert.same({ 3 }, asked(host, "close"))
      end)

      it("and except, which leaves out, go together", function()
         local server = lab()
         local list = fine(wms.message_all{
            server = server, message = "m", where = { seat = { "seat1", "seat2" } },
            except = function(session)
               assert.not_equal("carol", session.user_name)
               return session.locked
            end,
         })
         assert.same({ 2 }, pluck(list, "session_id"))
      end)

      it("plans what would be done", function()
         local server, host = lab()
         local list = fine(wms.close_all{ server = server, what_if = true, except = { user_name = "alice" } })
         assert.same({ 3 }, pluck(list, "session_id"))
         assert.same({}, asked(host, "close"))
      end)

      it("goes with several servers, in their order, and with start", function()
         local one, two = lab{ latency = 0.05 }, lab()
         local request = keep(wms.start("lock_all", {
            servers = { one, two }, message = "m", where = function(session) return session.user_name == "carol" end,
         }))
         kit.finish(request)
         local list = fine(request:result())
         assert.same({ one, two }, pluck(list, "server"))
         assert.same({ 3, 3 }, pluck(list, "session_id"))
      end)

      it("is asked before allow is", function()
         local server, actions = lab(), {}
         wms.configure{ allow = function(action)
            actions[#actions + 1] = action.session_id or "all"
            return true
         end }
         fine(wms.unlock_all{ server = server, where = { user_name = "bob" } })
         assert.same({ "all", 2 }, actions)
      end)

      it("is copied: the table may be changed while the request runs", function()
         local server = lab{ latency = 0.02 }
         local where = { seat = { "seat1" } }
         local request = keep(wms.start("sessions", { server = server, where = where }))
         where.seat[1], where.user_name = "seat2", "carol"
         kit.finish(request)
         assert.same({ 1 }, pluck(fine(request:result()), "session_id"))
      end)

      it("whose function fails ends the request, and the error is raised", function()
         for _, option in ipairs{ "where", "except" } do
            local server, host = lab()
            local problem = {}
            local ok, err = pcall(wms.close_all, { server = server, [option] = function() error(problem) end })
            assert.is_false(ok)
            assert.equal(problem, err)
            ok, err = pcall(wms.close_all, { server = server, [option] = function() return 0 end })
            assert.is_false(ok)
            assert.truthy(err:find(option .. " returned a number; return true or false", 1, true), err)
            assert.same({}, asked(host, "close"))
            local request = keep(wms.start("close_all", { server = server, [option] = function() error("no", 0) end }))
            local said
            kit.await(function()
               local fell, message = pcall(request.step, request)
               said = not fell and message
               return said
            end)
            assert.equal("no", said)
            assert.is_true(request:done())
            assert.same({ "skipped" }, pluck(fault(request:result()).outcomes, "state"))
            assert.same({}, asked(host, "close"))
         end
      end)

      it("may cancel and close its request, and call wms", function()
         for _, method in ipairs{ "cancel", "close" } do
            local server, host = lab()
            local request
            request = keep(wms.start("close_all", { server = server, where = function()
               assert.equal(4, #fine(wms.sessions(server)))
               request[method](request)
               return true
            end }))
            pcall(request.wait, request, 5)
            assert.same({}, asked(host, "close"))
         end
      end)

      it("is cancelled and ended like anything else while it waits for its caller", function()
         local server, host = lab()
         local request = keep(wms.start("unlock_all", { server = server, where = { user_name = "alice" } }))
         request:cancel()
         assert.is_true(request:done())
         assert.same({ "skipped" }, pluck(fault(request:result()).outcomes, "state"))
         wms.start("unlock_all", { server = server, where = { user_name = "alice" } }):close()
         assert.same({}, asked(host, "unlock"))
      end)

      it("is misuse where it cannot be meant", function()
         local server = lab()
         for _, case in ipairs{
            { "x", "function" }, { {}, "empty" }, { { user = "alice" }, "user is no property" }, { 3, "function" },
            { { user_name = 3 }, "where.user_name" }, { { locked = "yes" }, "where.locked" },
            { { seat = {} }, "where.seat" }, { { seat = { "a", 1 } }, "where.seat[2]" },
            { { seat = { a = 1 } }, "where.seat" }, { { session_id = -1 }, "where.session_id" },
            { { relock_after = 1 }, "relock_after is no property" }, { { "alice" }, "no property" },
         } do
            kit.misuse("close_all", { case[2] }, function()
               wms.close_all{ server = server, where = case[1] }
            end)
         end
         kit.misuse("close", { "where", "close_all" }, function()
            wms.close{ server = server, session_ids = 1, where = { user_name = "alice" } }
         end)
         kit.misuse("sessions", { "where", "session_ids" }, function()
            wms.sessions{ server = server, session_ids = 1, where = { user_name = "alice" } }
         end)
         kit.misuse("close_all", { "server" }, function()
            wms.close_all{ where = { user_name = "alice" } }
         end)
      end)
   end)

   describe("\"self\"", function()
      it("is the caller's own session", function()
         local server, host = lab()
         assert.same({ 2 }, pluck(fine(wms.lock{ session_ids = "self", server = server, message = "m" }), "session_id"))
         assert.same({ 2 }, pluck(fine(wms.sessions{ session_id = "self", server = server }), "session_id"))
         local list = fine(wms.unlock{ session_ids = "self", server = server, verify = 10 })
         assert.same({ "verified" }, pluck(list, "state"))
         list = fine(wms.lock{ session_ids = "self", server = server, message = "m", what_if = true })
         assert.same({ "planned" }, pluck(list, "state"))
         assert.same({ 2 }, asked(host, "unlock"))
      end)

      it("is refused for close, as by its id", function()
         local server, host = lab()
         local err = fault(wms.close{ session_ids = "self", server = server })
         assert.same({ "ACCESS_DENIED", 2 }, { err.code, err.session_id })
         assert.truthy(host:session(2))
      end)

      it("is NOT_FOUND where there is none", function()
         local server = lab{ sessions = { { session_id = 1 } } }
         for _, verb in ipairs{ "unlock", "sessions" } do
            local err = fault(wms[verb]{ session_ids = "self", server = server })
            assert.equal("NOT_FOUND", err.code)
            assert.is_nil(err.session_id)
            assert.truthy(err.message:find("caller's own", 1, true))
         end
      end)
   end)

   describe("what is given back", function()
      it("may be failed outcomes, of sessions and of servers", function()
         local one, a = lab()
         local two, b = lab()
         b:refuse("UNREACHABLE")
         a:fail("lock", "BUSY")
         local err = fault(wms.lock_all{ server = { one, two }, message = "m" })
         assert.same({ 1, 2, 3, "nil" }, pluck(err.outcomes, "session_id"))
         b:refuse()
         a:fail("lock")
         local list = fine(wms.lock{ session_ids = err.outcomes, message = "m", verify = 10 })
         assert.same({ 1, 2, 3, 1, 2, 3 }, pluck(list, "session_id"))
         assert.same({ one, one, one, two, two, two }, pluck(list, "server"))
         assert.same({ "alice", "bob", "carol", "alice", "bob", "carol" }, pluck(list, "user_name"))
         list = fine(wms.lock{ session_ids = err.outcomes[4], message = "m" })
         assert.same({ 1, 2, 3 }, pluck(list, "session_id"))
         assert.same({ two, two, two }, pluck(list, "server"))
      end)

      it("keeps the order asked, whatever stands for how many", function()
         local one, a = lab()
         local two = lab()
         local three, c = lab{ sessions = {} }
         a:refuse("UNREACHABLE")
         c:refuse("UNREACHABLE")
         local whole = fault(wms.unlock_all{ servers = { one, three } }).outcomes
         a:refuse()
         c:refuse()
         local targets = { { session_id = 3, server = two }, whole[2], whole[1], { session_id = 1, server = two },
            { session_id = 2, server = one }, whole[1] }
         for _, on_error in ipairs{ "continue", "stop" } do
            local list = fine(wms.unlock{ session_ids = targets, on_error = on_error })
            assert.same({ two, one, one, one, two }, pluck(list, "server"))
            assert.same({ 3, 1, 2, 3, 1 }, pluck(list, "session_id"))
         end
         local list = fine(wms.sessions(targets))
         assert.same({ 3, 1, 1, 2, 3, 4 }, pluck(list, "session_id"))
      end)

      it("spares who is spared by _all, where a server as a whole is given back", function()
         local server, host = lab()
         host:refuse("UNREACHABLE")
         local err = fault(wms.close_all(server))
         host:refuse()
         assert.same({ 1, 3 }, pluck(fine(wms.close{ session_ids = err.outcomes }), "session_id"))
      end)

      it("is no server as a whole, if an id got lost", function()
         local server, host = lab()
         for _, object in ipairs{
            { server = server }, { server = server, state = "active" }, { server = server, state = "failed" },
            { server = server, error = { code = "BUSY" } }, { server = server, state = "verified", error = {} },
            { state = "failed", error = {} },
         } do
            kit.misuse("close", { "session_id" }, function() wms.close{ session_ids = { object } } end)
         end
         assert.same({}, asked(host, "close"))
      end)

      it("may be looked at: those sessions, and no others", function()
         local one, two = lab(), lab()
         local all = fine(wms.sessions{ servers = { one, two } })
         local list = fine(wms.sessions{ all[6], all[1] })
         assert.same({ "bob", "alice" }, pluck(list, "user_name"))
         assert.same({ two, one }, pluck(list, "server"))
         local request = keep(wms.start("sessions", { all[3] }))
         kit.finish(request)
         assert.same({ "carol" }, pluck(fine(request:result()), "user_name"))
      end)

      it("names its user in the outcome, where the host does not", function()
         local server = lab()
         local err = fault(wms.unlock{ session_ids = { { session_id = 77, server = server, user_name = "zoe" } } })
         assert.equal("zoe", err.outcomes[1].user_name)
         local list = fine(wms.unlock{ session_ids = { { session_id = 1, server = server, user_name = "zoe" } } })
         assert.equal("alice", list[1].user_name)
      end)

      it("is that session, not another one that has its id by now", function()
         for _, verb in ipairs{ "unlock", "lock", "disconnect", "close", "message" } do
            local server, host = lab{ latency = verb == "close" and 0.01 or nil }
            local message = (verb == "lock" or verb == "message") and "m" or nil
            local old = fine(wms.sessions(server))
            host:drop(1)
            host:open{ session_id = 1, user_name = "dave", locked = true }
            local before = host:session(1)
            for _, verify in ipairs{ false, verb ~= "message" and 0.2 or nil } do
               local err = fault(wms[verb]{ session_ids = { old[1], old[3] }, message = message, verify = verify or nil })
               assert.equal("NOT_FOUND", err.code)
               assert.equal(1, err.session_id)
               assert.equal("alice", err.outcomes[1].user_name)
               assert.same(before, host:session(1))
               if verb == "close" then
                  break
               end
            end
            local err = fault(wms.sessions(old))
            assert.same({ "NOT_FOUND", 1 }, { err.code, err.session_id })
            local plan = fault(wms[verb]{ session_ids = { old[1] }, message = message, what_if = true })
            assert.equal("NOT_FOUND", plan.code)
            -- An outcome keeps it, too: another try does not fall upon the new one.
            fault(wms[verb]{ session_ids = err.outcomes, message = message })
            assert.same(before, host:session(1))
            -- Both at once are two sessions.
            local new = fine(wms.sessions(server))
            local both = fault(wms[verb]{ session_ids = { old[1], new[#new] }, message = message })
            assert.same({ "NOT_FOUND", "nil" }, pluck(both.outcomes, "error", "code"))
         end
      end)
   end)
end)

describe("the C interface for choosing sessions #once", function()
   it("holds each candidate, counts, and refuses what cannot be meant", function()
      local output, code = process.run(process.program("choose"))
      assert.same({ "", 0 }, { output, code })
   end)
end)
