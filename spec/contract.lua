-- SPDX-License-Identifier: MIT
--- What every provider does: section "The Lua API" of the design, as specs that run against any kind of host.
--
-- `contract(adapter, skip)` declares them inside a describe(); `skip(why)` is the spec's `pending`.  The adapter's part:
--
--   adapter.name                    for the titles
--   adapter.can                     what such a host has: close, disconnect or no_disconnect, lock_report (it knows
--                                   whether a session is locked), no_lock (it cannot lock or unlock one), relock, deaf,
--                                   mute, own, exempt, lost_answer, message, host_decides (whether an action can
--                                   be carried out, the provider does not know; "pictures, but not ends": what that
--                                   is about), mute_shows (asked() counts what a mute host takes), asks_first (the
--                                   provider asks how a session is before it acts), reuse (host.reuse is there),
--                                   ends (it may be rebooted and powered off), opens (host.open is there), pictures
--                                   (host.picture is there)
--   adapter.single                  such hosts have one session each: what needs more of them is skipped
--   adapter.missing()               nil, or why these specs cannot run here
--   adapter.host{ sessions = { { user=, locked=, exempt=, own=, deaf=, relock=seconds }, … } } -> host
--   adapter.unreachable()           an address that nobody answers
--   adapter.sweep()                 after each test: every host that the test made goes, or becomes as new
--
--   host.server, host.ids, host.users          in the order of `sessions`
--   host.unknown_id()                          an id that the host does not have, another one each time
--   host.lock(id) host.unlock(id) host.drop(id)         done by somebody else than us
--   host.locked(id) host.exists(id) host.disconnected(id)    what the host itself says, not what our code says
--   host.asked(verb)                           how many actions reached the host
--   host.open(user)                            a new session of the user's; returns its id
--   host.reuse(id, user)                       the session ends, and another one of the user's has its id
--   host.picture(id, jpeg or false)            from now on this is the session's picture; false: it has none
--   host.mute()                                from now on it takes requests and never answers
local busted = require "busted"
local kit = require "spec.support.kit"
local wms = kit.wms
local describe, it, after_each = busted.describe, busted.it, busted.after_each
local assert = require "luassert"
local fine, fault, pluck, set, sorted = kit.fine, kit.fault, kit.pluck, kit.set, kit.sorted

-- All that an adapter can say of its hosts, and which of it says the opposite of something else: then that is shown.
local WORDS = set{
   "close", "disconnect", "no_disconnect", "lock_report", "locks", "no_lock", "relock", "deaf", "mute", "own", "exempt",
   "lost_answer", "message", "host_decides", "mute_shows", "asks_first", "reuse", "ends", "opens", "pictures",
}
local OPPOSITE = { disconnect = "no_disconnect", no_disconnect = "disconnect", locks = "no_lock", no_lock = "locks" }

return function(adapter, skip)
   local can = adapter.can
   can.locks = can.lock_report and not can.no_lock
   for word in pairs(can) do
      assert.truthy(WORDS[word], "an adapter can do what nobody asks for: " .. word)
   end
   for word, opposite in pairs(OPPOSITE) do
      assert.is_true(not can[word] ~= not can[opposite], ("%s: either %s or %s"):format(adapter.name, word, opposite))
   end
   -- The action for what holds for every action.
   local verb = can.no_lock and "close" or "unlock"
   local verb_all = verb .. "_all"
   local act, act_all = wms[verb], wms[verb_all]

   local function test(text, needs, body)
      local lacking
      for _, need in ipairs(needs) do
         assert.truthy(WORDS[need], "no adapter says whether its hosts have this: " .. need)
         if not can[need] and can[OPPOSITE[need] or ""] then
            return -- it is shown that they cannot
         end
         lacking = lacking or not can[need] and need
      end
      it(text, function()
         local why = lacking and ("%s hosts have no %s to show it with"):format(adapter.name, lacking) or adapter.missing()
         if why then
            skip(why)
         end
         body()
      end)
   end

   local function room(...)
      if adapter.single and select("#", ...) > 1 then
         skip(adapter.name .. " hosts have one session each")
      end
      return adapter.host{ sessions = { ... } }
   end

   after_each(function()
      kit.reset()
      adapter.sweep()
   end)

   describe("sessions", function()
      test("lists every session with its properties", {}, function()
         local host = room({ user = "alice" }, { user = "bob" })
         local list = assert(wms.sessions(host.server))
         assert.equal(2, #list)
         for _, session in ipairs(list) do
            assert.equal(host.server, session.server)
            assert.is_string(session.state)
            assert.is_true(session.is_orchestratable)
         end
         assert.same(sorted(host.ids), sorted(pluck(list, "session_id")))
         local first = list[1].session_id == host.ids[1] and 1 or 2 -- the order is the host's
         assert.equal("alice", list[first].user_name)
         assert.equal("bob", list[3 - first].user_name)
      end)

      test("tells which are locked", { "lock_report" }, function()
         local host = room({}, { locked = true })
         local list = fine(wms.sessions{ session_ids = host.ids, server = host.server })
         assert.same({ false, true }, pluck(list, "locked"))
      end)

      test("asks for sessions by their ids, in that order, each once", {}, function()
         local host = room({}, {}, {})
         local a, b, c = host.ids[1], host.ids[2], host.ids[3]
         assert.same({ c, a }, pluck(fine(wms.sessions{ session_ids = { c, a, c }, server = host.server }), "session_id"))
         assert.same({ b }, pluck(fine(wms.sessions{ session_id = b, server = host.server }), "session_id"))
      end)

      test("reports unknown ids, and keeps what it found", {}, function()
         local host = room{}
         local unknown = host.unknown_id()
         local err = fault(wms.sessions{ session_ids = { unknown, host.ids[1] }, server = host.server })
         assert.equal("NOT_FOUND", err.code)
         assert.equal(unknown, err.session_id)
         assert.same({ host.ids[1] }, pluck(err.sessions, "session_id"))
         assert.same({ "failed", "verified" }, pluck(err.outcomes, "state"))
      end)

      test("lists several servers in the order asked", {}, function()
         local one, two = room{}, room{}
         local list = fine(wms.sessions{ servers = { two.server, one.server } })
         assert.same({ two.ids[1], one.ids[1] }, pluck(list, "session_id"))
         assert.same({ two.server, one.server }, pluck(list, "server"))
      end)

      test("keeps what the reachable servers said", {}, function()
         local host, dark = room{}, adapter.unreachable()
         local err = fault(wms.sessions{ servers = { dark, host.server } })
         assert.equal("UNREACHABLE", err.code)
         assert.equal(dark, err.server)
         assert.is_nil(err.session_id)
         assert.same({ host.ids[1] }, pluck(err.sessions, "session_id"))
      end)

      test("tells on_outcome of every session asked for, or of the server", {}, function()
         local host, seen = room({}, {}), {}
         local function on_outcome(outcome)
            seen[#seen + 1] = kit.shape(outcome)
         end
         fine(wms.sessions{ server = host.server, session_ids = host.ids, on_outcome = on_outcome })
         fine(wms.sessions{ server = host.server, on_outcome = on_outcome })
         assert.same({ "verified", "verified", "verified" }, pluck(seen, "state"))
         assert.same({ host.ids[1], host.ids[2], "nil" }, pluck(seen, "session_id"))
      end)

      test("of a host without sessions is an empty list", {}, function()
         local host = room()
         assert.same({}, fine(wms.sessions(host.server)))
         assert.same({}, fine(act_all(host.server)))
      end)
   end)

   describe("lock and unlock", function()
      test("act on one id", { "locks" }, function()
         local host = room({ user = "alice" }, {})
         local id = host.ids[1]
         local list = fine(wms.lock{ session_ids = id, server = host.server, message = "Eyes up, please" })
         assert.equal(1, #list)
         assert.equal(id, list[1].session_id)
         assert.equal(host.server, list[1].server)
         assert.equal("requested", list[1].state)
         assert.is_nil(list[1].changed)
         assert.is_true(list[1].user_name == nil or list[1].user_name == "alice")
         kit.await(function() return host.locked(id) end)
         assert.is_false(host.locked(host.ids[2]))
         fine(wms.unlock{ session_id = id, computer_name = host.server })
         kit.await(function() return not host.locked(id) end)
      end)

      test("report in the order asked, and act on a duplicate once", {}, function()
         local host = room({}, {}, {})
         local a, b, c = host.ids[1], host.ids[2], host.ids[3]
         local ids = { c, a, c, tostring(a), b, b }
         if type(a) == "number" then
            ids[#ids + 1] = a + 0.0
         end
         assert.same({ c, a, b }, pluck(fine(act{ session_ids = ids, server = host.server }), "session_id"))
         kit.await(function() return host.asked(verb) == 3 end)
      end)

      test("take session objects, which bring their own server", {}, function()
         local one, two = room({}, {}), room({})
         local list = fine(wms.sessions{ servers = { one.server, two.server } })
         list[1], list[3] = list[3], list[1]
         local done = fine(act{ session_ids = list })
         assert.same(pluck(list, "session_id"), pluck(done, "session_id"))
         assert.same({ two.server, one.server, one.server }, pluck(done, "server"))
         kit.await(function() return one.asked(verb) == 2 and two.asked(verb) == 1 end)
         if verb ~= "close" then
            assert.same({ list[2].session_id }, pluck(fine(act{ session_ids = list[2] }), "session_id"))
         end
      end)

      test("take outcomes as session objects: what failed can be tried again", {}, function()
         local host = room{}
         local err = fault(act{ session_ids = { host.ids[1], host.unknown_id() }, server = host.server })
         local again = fault(act{ session_ids = err.outcomes })
         assert.same(pluck(err.outcomes, "session_id"), pluck(again.outcomes, "session_id"))
         if verb ~= "close" then
            assert.same({ "requested", "failed" }, pluck(again.outcomes, "state"))
         end
      end)

      test("say of an unknown id that it is not there, and do the rest", {}, function()
         local host = room{}
         local unknown = host.unknown_id()
         local err = fault(act{ session_ids = { unknown, host.ids[1] }, server = host.server })
         assert.equal("NOT_FOUND", err.code)
         assert.equal(host.server, err.server)
         assert.equal(unknown, err.session_id)
         assert.same({ "failed", "requested" }, pluck(err.outcomes, "state"))
         assert.truthy(err.message:find(tostring(unknown), 1, true))
         assert.truthy(err.message:find(host.server, 1, true))
      end)

      test("say of an id that no such host can have that it is not there", {}, function()
         local host = room{}
         for _, id in ipairs{ "no-such-session", "c-1:2/3", "01", "-1", "0x1f", "selves", "auto", ("i"):rep(255) } do
            local err = fault(act{ session_ids = id, server = host.server })
            assert.equal("NOT_FOUND", err.code)
            assert.equal(id, err.outcomes[1].session_id)
         end
         assert.equal("NOT_FOUND", fault(act{ session_ids = 4294967294, server = host.server }).code)
         assert.equal(1, #fine(wms.sessions(host.server)))
      end)

      test("can be asserted", {}, function()
         local host = room{}
         assert.equal(1, #assert(act{ session_ids = host.ids, server = host.server }))
         local unknown = host.unknown_id()
         local ok, message = pcall(assert, act{ session_ids = unknown, server = host.server })
         assert.is_false(ok)
         assert.truthy(tostring(message):find(tostring(unknown), 1, true))
      end)

      test("refuse a session that is exempt", { "exempt" }, function()
         local host = room({ exempt = true, user = "carol" }, {})
         local err = fault(act{ session_ids = host.ids, server = host.server })
         assert.equal("ACCESS_DENIED", err.code)
         assert.equal(host.ids[1], err.session_id)
         assert.same({ "failed", "requested" }, pluck(err.outcomes, "state"))
         if can.locks then
            err = fault(wms.lock{ session_ids = host.ids[1], server = host.server, message = "no" })
            assert.equal("ACCESS_DENIED", err.code)
         end
      end)
   end)

   describe("a host that cannot lock", function()
      test("says so, and who can", { "no_lock" }, function()
         local host = room({}, {})
         local options = { session_ids = host.ids, server = host.server }
         local all = { server = host.server }
         for _, what_if in ipairs{ false, true } do
            options.what_if, all.what_if = what_if, what_if
            for _, name in ipairs{ "unlock", "lock" } do
               options.message = name == "lock" and "m" or nil
               all.message = options.message
               local err = fault(wms[name](options))
               assert.same({ "UNSUPPORTED", "UNSUPPORTED" }, pluck(err.outcomes, "error", "code"))
               assert.truthy(err.message:find("logind and multipoint", 1, true), err.message)
               assert.equal("UNSUPPORTED", fault(wms[name .. "_all"](all)).code)
            end
         end
         assert.equal(0, host.asked())
      end)
   end)

   describe("_all", function()
      test("acts on every session of the host", { "locks" }, function()
         local host = room({}, {}, { locked = true })
         local list = fine(wms.lock_all{ server = host.server, message = "Exam" })
         assert.same(sorted(host.ids), sorted(pluck(list, "session_id")))
         kit.await(function() return host.locked(host.ids[1]) and host.locked(host.ids[2]) end)
         assert.same(sorted(host.ids), sorted(pluck(fine(wms.unlock_all(host.server)), "session_id")))
         kit.await(function() return not host.locked(host.ids[1]) and not host.locked(host.ids[3]) end)
      end)

      test("leaves out exempt sessions", { "exempt" }, function()
         local host = room({}, { exempt = true })
         assert.same({ host.ids[1] }, pluck(fine(act_all(host.server)), "session_id"))
         for _, session in ipairs(fine(wms.sessions(host.server))) do
            assert.equal(session.session_id == host.ids[1], session.is_orchestratable)
         end
      end)

      test("reports a server that cannot be reached as one outcome, and does the others", {}, function()
         local host, dark = room({}, {}), adapter.unreachable()
         local err = fault(act_all{ servers = { dark, host.server } })
         assert.equal("UNREACHABLE", err.code)
         assert.equal(3, #err.outcomes)
         assert.is_nil(err.outcomes[1].session_id)
         assert.same({ dark, host.server, host.server }, pluck(err.outcomes, "server"))
         assert.same({ "failed", "requested", "requested" }, pluck(err.outcomes, "state"))
      end)

      test("leaves the caller's own session out of close and disconnect", { "own", "close", "disconnect" }, function()
         local host = room({}, { own = true })
         assert.same({ host.ids[1] }, pluck(fine(wms.disconnect_all(host.server)), "session_id"))
         assert.same({ host.ids[1] }, pluck(fine(wms.close_all(host.server)), "session_id"))
         assert.is_true(host.exists(host.ids[2]))
         assert.equal("ACCESS_DENIED", fault(wms.close{ session_ids = host.ids[2], server = host.server }).code)
         assert.equal("ACCESS_DENIED", fault(wms.disconnect{ session_ids = host.ids[2], server = host.server }).code)
         if can.locks then
            assert.same({ host.ids[2] }, pluck(fine(wms.unlock_all(host.server)), "session_id"))
         end
         assert.is_true(fine(wms.sessions(host.server))[1].is_own)
      end)
   end)

   describe("close and disconnect", function()
      test("close ends a session", { "close" }, function()
         local host = room({}, {})
         assert.equal("requested", fine(wms.close{ session_ids = host.ids[2], server = host.server })[1].state)
         kit.await(function() return not host.exists(host.ids[2]) end)
         assert.is_true(host.exists(host.ids[1]))
      end)

      test("close is verified when the session is gone", { "close" }, function()
         local host = room({}, {})
         local list = fine(wms.close{ session_ids = host.ids[1], server = host.server, verify = 15 })
         assert.same({ "verified" }, pluck(list, "state"))
         assert.is_true(list[1].changed)
         assert.is_false(host.exists(host.ids[1]))
         assert.equal("NOT_FOUND", fault(wms.close{ session_ids = host.ids[1], server = host.server }).code)
      end)

      test("an object of a session that ended spares another one that has its id", { "reuse" }, function()
         local host = room({ user = "alice" }, { user = "bob" })
         local objects = fine(wms.sessions(host.server))
         host.reuse(host.ids[1], "carol")
         for _, name in ipairs{ "unlock", "disconnect", "close" } do
            local err = fault(wms[name]{ session_ids = { objects[1] } })
            assert.equal("NOT_FOUND", err.code)
            assert.equal("alice", err.outcomes[1].user_name)
            assert.is_true(host.exists(host.ids[1]) and host.locked(host.ids[1]) and not host.disconnected(host.ids[1]))
         end
         local carol = fine(wms.sessions(host.server))[2]
         assert.same({ host.ids[1] }, pluck(fine(wms.close{ session_ids = { carol } }), "session_id"))
      end)

      test("close_all ends all of them", { "close" }, function()
         local host = room({}, {})
         assert.equal(2, #fine(wms.close_all{ server = host.server, verify = 15 }))
         assert.same({}, fine(wms.sessions(host.server)))
      end)

      test("disconnect leaves the session without a screen", { "disconnect" }, function()
         local host = room({}, {})
         local list = fine(wms.disconnect{ session_ids = host.ids[1], server = host.server, verify = 5 })
         assert.same({ "verified" }, pluck(list, "state"))
         assert.is_true(list[1].changed)
         assert.is_true(host.disconnected(host.ids[1]))
         assert.is_false(host.disconnected(host.ids[2]))
         assert.equal(2, #fine(wms.disconnect_all(host.server)))
         assert.is_true(host.disconnected(host.ids[2]))
      end)

      test("disconnect says where it cannot be done", { "no_disconnect" }, function()
         local host = room{}
         assert.equal("UNSUPPORTED", fault(wms.disconnect{ session_ids = host.ids, server = host.server }).code)
         assert.equal("UNSUPPORTED", fault(wms.disconnect_all(host.server)).code)
         if not can.host_decides then
            assert.equal("UNSUPPORTED", fault(wms.disconnect_all{ server = host.server, what_if = true }).code)
         end
         assert.is_true(host.exists(host.ids[1]))
      end)
   end)

   require "spec.support.contract_message"(adapter, test, room)
   require "spec.support.contract_thumbnail"(adapter, test, room)
   require "spec.support.contract_ends"(adapter, test, room)
   require "spec.support.contract_warn"(adapter, test, room)
   require "spec.support.contract_watch"(adapter, test, room)

   describe("what_if", function()
      test("plans, and does nothing", {}, function()
         local host = room({}, {})
         for _, name in ipairs(can.locks and { "unlock", "lock", "close" } or { "close" }) do
            local message = name == "lock" and "not shown" or nil
            local list = fine(wms[name]{ session_ids = host.ids, server = host.server, what_if = true, message = message })
            assert.same({ "planned", "planned" }, pluck(list, "state"))
            list = fine(wms[name .. "_all"]{ server = host.server, what_if = true, message = message })
            assert.same({ "planned", "planned" }, pluck(list, "state"))
            assert.same(sorted(host.ids), sorted(pluck(list, "session_id")))
         end
         assert.equal(0, host.asked())
         assert.is_true(host.exists(host.ids[1]))
      end)

      test("knows what would fail", { "exempt" }, function()
         local host = room({ exempt = true }, {})
         local ids = { host.unknown_id(), host.ids[1], host.ids[2] }
         local err = fault(act{ session_ids = ids, server = host.server, what_if = true })
         assert.same({ "failed", "failed", "planned" }, pluck(err.outcomes, "state"))
         assert.same({ "NOT_FOUND", "ACCESS_DENIED", "nil" }, pluck(err.outcomes, "error", "code"))
         assert.equal(0, host.asked())
      end)

      test("knows the caller's own session", { "own", "close" }, function()
         local host = room{ own = true }
         assert.equal("ACCESS_DENIED",
            fault(wms.close{ session_ids = host.ids, server = host.server, what_if = true }).code)
         assert.same({}, fine(wms.close_all{ server = host.server, what_if = true }))
      end)
   end)

   require "spec.support.contract_verify"(test, room)

   describe("on_error", function()
      test("'continue' tries every session", {}, function()
         local host = room({}, {})
         local ids = { host.unknown_id(), host.ids[1], host.unknown_id(), host.ids[2] }
         local err = fault(act{ session_ids = ids, server = host.server, on_error = "continue" })
         assert.same({ "failed", "requested", "failed", "requested" }, pluck(err.outcomes, "state"))
         if verb ~= "close" then
            err = fault(act{ session_ids = ids, server = host.server })
            assert.same({ "failed", "requested", "failed", "requested" }, pluck(err.outcomes, "state"))
         end
      end)

      test("'stop' sends nothing more after the first failure", {}, function()
         local host = room({}, {})
         local ids = { host.ids[1], host.unknown_id(), host.ids[2], host.unknown_id() }
         local err = fault(act{ session_ids = ids, server = host.server, on_error = "stop" })
         assert.equal("NOT_FOUND", err.code)
         assert.same(ids, pluck(err.outcomes, "session_id"))
         assert.same({ "requested", "failed", "skipped", "skipped" }, pluck(err.outcomes, "state"))
         assert.same({ "nil", "NOT_FOUND", "CANCELLED", "CANCELLED" }, pluck(err.outcomes, "error", "code"))
      end)

      test("'stop' holds across servers", {}, function()
         local one, two = room({}, {}), room{}
         local list = {
            { session_id = one.ids[1], server = one.server }, { session_id = two.unknown_id(), server = two.server },
            { session_id = one.ids[2], server = one.server }, { session_id = two.ids[1], server = two.server },
         }
         local err = fault(act{ session_ids = list, on_error = "stop" })
         assert.same({ "requested", "failed", "skipped", "skipped" }, pluck(err.outcomes, "state"))
         kit.await(function() return one.asked(verb) == 1 end)
         assert.is_true(two.asked(verb) <= 1) -- the unknown id, where hosts are asked about such
      end)

      test("'stop' stops at a server that is not reached", {}, function()
         local dark, host = adapter.unreachable(), room({}, {})
         local err = fault(act_all{ servers = { dark, host.server }, on_error = "stop" })
         assert.equal("UNREACHABLE", err.code)
         assert.equal("failed", err.outcomes[1].state)
         assert.equal("skipped", err.outcomes[2].state)
         assert.equal(0, host.asked())
      end)

      test("'stop' goes through when nothing fails", {}, function()
         local one, two = room({}, {}), room{}
         assert.equal(3, #fine(act_all{ servers = { one.server, two.server }, on_error = "stop" }))
      end)
   end)

   describe("several servers", function()
      test("are asked for each of the ids", {}, function()
         local one, two = room{}, room{}
         local ids = { one.ids[1], two.ids[1] }
         local err = fault(act{ session_ids = ids, servers = { one.server, two.server, one.server } })
         assert.same({ one.server, one.server, two.server, two.server }, pluck(err.outcomes, "server"))
         assert.same({ ids[1], ids[2], ids[1], ids[2] }, pluck(err.outcomes, "session_id"))
         assert.same({ "requested", "failed", "failed", "requested" }, pluck(err.outcomes, "state"))
      end)

      test("go on when one is unreachable: an outcome for each id there", {}, function()
         local host, dark = room{}, adapter.unreachable()
         local other = host.unknown_id()
         local err = fault(act{ session_ids = { host.ids[1], other }, servers = { dark, host.server } })
         assert.same({ host.ids[1], other, host.ids[1], other }, pluck(err.outcomes, "session_id"))
         assert.same({ "UNREACHABLE", "UNREACHABLE", "nil", "NOT_FOUND" }, pluck(err.outcomes, "error", "code"))
         assert.same({ "failed", "failed", "requested", "failed" }, pluck(err.outcomes, "state"))
      end)
   end)

   describe("time", function()
      test("an answer that does not come is 'unknown' or 'failed', never an ok", { "mute" }, function()
         local host = room({}, {})
         fine(wms.sessions(host.server))
         host.mute()
         local start = kit.now()
         local err = fault(act{ session_ids = host.ids, server = host.server, timeout = 0.3 })
         assert.is_true(kit.now() - start >= 0.28)
         assert.same({ "TIMEOUT", "TIMEOUT" }, pluck(err.outcomes, "error", "code"))
         for _, outcome in ipairs(err.outcomes) do
            assert.truthy(set{ "unknown", "failed" }[outcome.state])
         end
         err = fault(wms.sessions{ server = host.server, timeout = 0.3 })
         assert.equal("TIMEOUT", err.code)
         assert.same({}, err.sessions)
      end)

      test("what was sent and not answered is 'unknown'", { "lost_answer" }, function()
         local host = room({}, {})
         fine(wms.sessions(host.server))
         host.mute()
         local err = fault(act{ session_ids = host.ids, server = host.server, timeout = 0.2 })
         assert.same({ "unknown", "unknown" }, pluck(err.outcomes, "state"))
         assert.equal(2, host.asked(verb))
      end)
   end)

   describe("on_outcome", function()
      test("sees every outcome once, and counts", {}, function()
         local host, seen, count = room({}, {}), {}, {}
         local ids = { host.ids[1], host.unknown_id(), host.ids[2] }
         local err = fault(act{ session_ids = ids, server = host.server, on_outcome = function(outcome, done, total)
            seen[#seen + 1] = kit.shape(outcome)
            count[#count + 1] = done
            assert.equal(3, total)
         end })
         assert.same({ 1, 2, 3 }, count)
         assert.same(sorted(ids), sorted(pluck(seen, "session_id")))
         assert.same(sorted(pluck(err.outcomes, "state")), sorted(pluck(seen, "state")))
      end)
   end)

   describe("start", function()
      test("gives a request that can be polled", {}, function()
         local host = room({}, {})
         local request = wms.start(verb, { session_ids = host.ids, server = host.server })
         assert.is_number(request:pollfd())
         assert.equal(request:pollfd(), request:pollfd())
         assert.equal("r", request:events())
         assert.is_nil(request:timeout())
         kit.finish(request)
         assert.same({ "requested", "requested" }, pluck(fine(request:result()), "state"))
         assert.same(host.ids, pluck(fine(request:result()), "session_id"))
         request:close()
      end)

      test("cancel ends it now", { "mute" }, function()
         local host = room({}, {}, {})
         fine(wms.sessions(host.server))
         host.mute()
         local request = wms.start(verb, { session_ids = host.ids, server = host.server, on_error = "stop" })
         if can.mute_shows then
            kit.pump(request, function() return host.asked(verb) == 1 end)
         end
         request:wait(0.05)
         assert.is_false(request:done())
         request:cancel()
         assert.is_true(request:done())
         local err = fault(request:result())
         assert.equal("CANCELLED", err.code)
         assert.same({ "CANCELLED", "CANCELLED", "CANCELLED" }, pluck(err.outcomes, "error", "code"))
         local states = pluck(err.outcomes, "state")
         assert.truthy(states[1] == (can.asks_first and "skipped" or "unknown") or can.asks_first == "perhaps", states[1])
         assert.same({ "skipped", "skipped" }, { states[2], states[3] })
         request:cancel()
         request:close()
      end)
   end)

   describe("a client", function()
      test("has the commands as methods, with defaults", { "locks" }, function()
         local host = room({ locked = true }, { locked = true })
         local client = wms.new{ server = host.server, verify = 10 }
         assert.same({ "verified" }, pluck(fine(client:unlock{ session_ids = host.ids[1] }), "state"))
         assert.same({ "verified", "verified" }, pluck(fine(client:unlock_all()), "state"))
         assert.same({ true, true }, pluck(fine(client:lock_all{ message = "m" }), "changed"))
         assert.same({ true, true }, pluck(fine(client:sessions()), "locked"))
         local request = client:start("unlock", { session_ids = host.ids })
         assert.same({ "verified", "verified" }, pluck(fine(kit.finish(request):result()), "state"))
         request:close()
         assert.same({ "planned", "planned" }, pluck(fine(client:close_all{ what_if = true }), "state"))
      end)

      test("lets a call say otherwise", {}, function()
         local one, two = room{}, room{}
         local client = wms.new{ server = one.server, what_if = true }
         assert.same({ two.ids[1] }, pluck(fine(client[verb_all](client, two.server)), "session_id"))
         assert.same({ two.ids[1] }, pluck(fine(client[verb_all](client, { server = two.server })), "session_id"))
         assert.same({ "requested" }, pluck(fine(client[verb_all](client, { what_if = false })), "state"))
         local objects = fine(wms.sessions(two.server))
         assert.same({ two.server }, pluck(fine(client[verb](client, { session_ids = objects })), "server"))
      end)
   end)

   describe("configure", function()
      test("sets the state's defaults", { "mute" }, function()
         local host = room{}
         fine(wms.sessions(host.server))
         wms.configure{ timeout = 0.2, concurrency = 1 }
         host.mute()
         assert.equal("TIMEOUT", fault(act{ session_ids = host.ids, server = host.server }).code)
      end)

      test("allow narrows what may be done", {}, function()
         local host, actions = room({}, {}), {}
         wms.configure{ allow = function(action)
            actions[#actions + 1] = action
            return action.session_id ~= host.ids[1], "not that one"
         end }
         local err = fault(act{ session_ids = host.ids, server = host.server })
         assert.same({ "ACCESS_DENIED", "nil" }, pluck(err.outcomes, "error", "code"))
         assert.same({ "failed", "requested" }, pluck(err.outcomes, "state"))
         assert.truthy(err.message:find("not that one", 1, true))
         assert.same({ verb, verb }, pluck(actions, "verb"))
         assert.same({ host.server, host.server }, pluck(actions, "server"))
         assert.same(host.ids, pluck(actions, "session_id"))
         kit.await(function() return host.asked(verb) == 1 end)
      end)
   end)
end
