-- SPDX-License-Identifier: MIT
--- An id is not a session: what happens when it is another one's meanwhile, and whose session is the caller's own.  The
-- logind is a mock, for what a real one does not do on demand; spec/logind_room_spec.lua has real ones.
local kit = require "spec.support.kit"
local mock = require "spec.support.mock"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

describe("a session's id #once", function()
   local keep, sweep = kit.keeper()
   local test = kit.needing(function(why) pending(why) end, mock.missing)
   local host

   after_each(function()
      sweep()
      kit.reset()
   end)

   local function room()
      host = keep(mock.new())
      host:run[[add(1, "alice", 1001)
         add(2, "bob", 1002)]]
      return host.server
   end

   --- As it is used with the connection that has known the session before.
   local function known(server)
      fine(wms.unlock{ session_ids = { 1, 2 }, server = server })
      host:reset()
   end

   local function one(...)
      return kit.outcomes(...)[1]
   end

   local CHANGES = {
      ["after a restart of logind"] = [[del sessions["2"]
         add(2, %s)
         restart()]],
      ["after its session was removed"] = [[remove(2)
         add(2, %s)]],
      ["without any signal"] = "add(2, %s)",
   }

   for how, change in pairs(CHANGES) do
      describe("that is another one's " .. how, function()
         test("is not closed when that is a greeter's, and the outcome names no old user", function()
            local server = room()
            known(server)
            host:run(change:format('"gdm", 130, Class="greeter"'))
            for _, verb in ipairs{ "close", "lock", "unlock" } do
               local outcome = one(wms[verb]{ session_ids = 2, server = server, message = verb == "lock" and "m" or nil })
               assert.equal("ACCESS_DENIED", outcome.error.code)
               assert.equal("gdm", outcome.user_name)
            end
            assert.same({}, host:actions())
         end)

         test("names the new user where it is closed by its id", function()
            local server = room()
            known(server)
            host:run(change:format('"carol", 1003, Timestamp=dbus.UInt64(1800000000000000)'))
            assert.equal("carol", fine(wms.close{ session_ids = 2, server = server })[1].user_name)
         end)

         test("spares the new one between the list and the action", function()
            local server = room()
            known(server)
            for _, verb in ipairs{ "close", "lock", "unlock" } do
               host:run'add(2, "bob", 1002)'
               host:reset()
               local first = true
               wms.configure{ allow = function(action)
                  if action.session_id and first then
                     first = false
                     host:run(change:format('"carol", 1003, Timestamp=dbus.UInt64(1800000000000000)'))
                  end
                  return true
               end }
               for _, outcome in ipairs(kit.outcomes(wms[verb .. "_all"]{ server = server,
                  message = verb == "lock" and "m" or nil })) do
                  assert.is_true(outcome.user_name ~= "carol")
                  if outcome.session_id == 2 then -- the session that was meant has ended
                     assert.is_nil(outcome.error)
                     assert.equal(verb == "close" and "verified" or "gone", outcome.state)
                  end
               end
               assert.equal(1, #host:actions())
               assert.truthy(host:actions()[1]:find("(1)", 1, true))
               wms.configure{ allow = false }
               host:run'add(1, "alice", 1001)'
            end
         end)
      end)
   end

   for what, properties in pairs{
      ["the same user, later"] = '"bob", 1002, Timestamp=dbus.UInt64(1800000000000000)',
      ["another user, at the same time"] = '"carol", 1003, Timestamp=sessions["2"]["Timestamp"]',
      ["the same user's in the background"] = '"bob", 1002, Class="background", Timestamp=sessions["2"]["Timestamp"]',
   } do
      test("has an identity that tells from " .. what, function()
         local server = room()
         local before = fine(wms.sessions(server))[2].identity
         assert.is_string(before)
         assert.equal(before, fine(wms.sessions(server))[2].identity)
         host:run("add(2, " .. properties .. ")")
         assert.not_equal(before, fine(wms.sessions(server))[2].identity)
      end)
   end

   test("keeps its identity while the session becomes complete, and when its first process ends", function()
      local server = room()
      host:run'add(3, "carol", 1003, Class="user-incomplete", Timestamp=dbus.UInt64(1800000000000000))'
      local before = fine(wms.sessions(server))[3].identity
      host:run[[sessions["3"]["Class"] = "user"
         sessions["3"]["Leader"] = dbus.UInt32(0)]]
      assert.equal(before, fine(wms.sessions(server))[3].identity)
   end)

   test("is told by the first process where logind has no time", function()
      local server = room()
      host:run'sessions["2"].pop("Timestamp")'
      local before = fine(wms.sessions(server))[2].identity
      host:run'sessions["2"]["Leader"] = dbus.UInt32(4711)'
      assert.not_equal(before, fine(wms.sessions(server))[2].identity)
   end)

   test("goes to that logind alone which has told of the session", function()
      local server = room()
      known(server)
      --- Closes it, and changes something between the answer to the look and the action, which the answer starts.
      local function close(change)
         host:reset()
         host:run'hold = ("GetAll", "2")'
         local request = keep(wms.start("close", { session_ids = 2, server = server }))
         kit.await(function() return host:calls("GetAll")[1] end, function() request:step() end)
         host:run("release()\n" .. change) -- and nothing here reads the answer before that is done
         kit.finish(request)
         return one(request:result())
      end
      -- The new one has given the id to a greeter.
      local outcome = close[[sessions.pop("2")
         add(2, "gdm", 130, Class="greeter")
         restart()]]
      assert.same({ "failed", "ACCESS_DENIED", "gdm" }, { outcome.state, outcome.error.code, outcome.user_name })
      assert.same({}, host:actions())
      host:run'add(2, "bob", 1002)'
      outcome = close"restart()"
      assert.same({ "requested", "bob" }, { outcome.state, outcome.user_name })
      assert.same({ "TerminateSession(2)" }, host:actions())
      host:run'add(2, "bob", 1002)'
      outcome = close"stop()" -- for good
      assert.same({ "failed", "UNREACHABLE" }, { outcome.state, outcome.error.code })
   end)

   test("is NOT_FOUND when the object says another one, and nothing is sent", function()
      local server = room()
      host:run'sessions["2"]["Id"] = "77"'
      for _, verb in ipairs{ "close", "unlock" } do
         assert.equal("NOT_FOUND", fault(wms[verb]{ session_ids = 2, server = server }).code)
      end
      assert.same({}, host:actions())
   end)

   test("with any visible letter is asked for", function()
      local server = room()
      host:run'add("_31", "carol", 1003)'
      assert.same({ "requested", "requested", "requested" }, pluck(fine(wms.unlock_all(server)), "state"))
      host:reset()
      local err = fault(wms.unlock{ session_ids = { "_32", "a;b" }, server = server })
      assert.same({ "NOT_FOUND", "NOT_FOUND" }, pluck(err.outcomes, "error", "code"))
      assert.same({ "GetSession(_32)", "GetSession(a;b)" }, host:calls("GetSession"))
      assert.truthy(err.outcomes[1].error.message:find("No session '_32' known", 1, true))
   end)
end)

describe("the caller's own session #once", function()
   local keep, sweep = kit.keeper()
   local test = kit.needing(function(why) pending(why) end, mock.missing)
   local host

   after_each(sweep)

   local function room()
      host = keep(mock.new())
      host:run[[add(1, "alice", 1001)
         add(2, "bob", 1002)]]
      return host.server
   end

   test("is asked for anew by each list and before each close", function()
      local server = room()
      for _, own in ipairs{ "2", "1", "none", "2" } do
         host:run(own == "none" and 'own = NAME + ".NoSessionForPID"' or "own = " .. ('"%s"'):format(own))
         local flags = {}
         for _, session in ipairs(fine(wms.sessions(server))) do
            flags[tostring(session.session_id)] = session.is_own
         end
         assert.same({ ["1"] = own == "1", ["2"] = own == "2" }, flags)
         local planned = pluck(fine(wms.close_all{ server = server, what_if = true }), "session_id")
         assert.same(own == "1" and { 2 } or own == "2" and { 1 } or { 1, 2 }, planned)
         if own ~= "none" then
            host:reset()
            local err = fault(wms.close{ session_ids = tonumber(own), server = server })
            assert.equal("ACCESS_DENIED", err.code)
            assert.truthy(err.message:find("own session", 1, true), err.message)
            assert.same({}, host:actions())
         end
      end
   end)

   test("is asked for by the process's number where logind is older than the name \"auto\"", function()
      local server = room()
      host:run[[old = True
         own = "2"]]
      assert.same({ false, true }, pluck(fine(wms.sessions(server)), "is_own"))
      assert.truthy(#host:calls("GetSessionByPID") > 0)
      assert.equal("ACCESS_DENIED", fault(wms.close{ session_ids = 2, server = server }).code)
      assert.same({}, host:actions())
      fine(wms.close{ session_ids = 1, server = server })
      host:run'own = NAME + ".NoSessionForPID"'
      assert.same({ false }, pluck(fine(wms.sessions(server)), "is_own"))
   end)

   test("is none for a process that this logind cannot see", function()
      local server = room()
      host:run'own = "System.Error.ENODATA"'
      assert.same({ false, false }, pluck(fine(wms.sessions(server)), "is_own"))
      assert.equal(2, #fine(wms.close_all(server)))
   end)

   for name, code in pairs{
      ["org.freedesktop.DBus.Error.AccessDenied"] = "ACCESS_DENIED",
      ["org.freedesktop.DBus.Error.Failed"] = "PROTOCOL",
      ["org.freedesktop.login1.NoSuchSession"] = "ACCESS_DENIED",
   } do
      test("that logind does not tell (" .. name:match("[^.]*$") .. ") is nil, and close_all refuses", function()
         local server = room()
         host:run(('own = "%s"'):format(name))
         for _, session in ipairs(fine(wms.sessions(server))) do
            assert.is_nil(session.is_own)
         end
         for _, what_if in ipairs{ true, false } do
            local err = fault(wms.close_all{ server = server, what_if = what_if })
            assert.equal(code, err.code)
            assert.equal(1, #err.outcomes)
            assert.is_nil(err.session_id)
            assert.truthy(err.message:find("which session is the caller's own", 1, true), err.message)
            assert.truthy(err.message:find("not yours", 1, true), err.message)
         end
         fine(wms.unlock_all(server))
         assert.equal(2, #host:actions())
      end)
   end

   test("that logind does not tell may be the one that is to be closed by its id", function()
      local server = room()
      host:run'own = BUS_ERROR + "Failed"'
      local uid = tonumber((require "spec.support.process".run("id -u")))
      host:run(('add(3, "myself", %d)'):format(uid))
      local err = fault(wms.close{ session_ids = 3, server = server })
      assert.equal("PROTOCOL", err.code)
      assert.truthy(err.message:find("which session is the caller's own", 1, true), err.message)
      assert.same({}, host:actions())
      host:run'sessions["2"].pop("User")'
      fault(wms.close{ session_ids = 2, server = server })
      assert.same({}, host:actions())
   end)

   test("aside, sessions of the caller's user that are active at a seat are spared by close_all, and told", function()
      local server = room()
      local uid = tonumber((require "spec.support.process".run("id -u")))
      host:run(([[add(3, "myself", %d)
         add(4, "myself", %d, Active=False, State="online")
         add(5, "myself", %d, Seat=struct("so", "", dbus.ObjectPath("/")))
         add(6, "bob", 1002, State="closing")
         own = "6"]]):format(uid, uid, uid))
      for _, what_if in ipairs{ true, false } do
         local done = what_if and "planned" or "requested"
         local list = fine(wms.close_all{ server = server, what_if = what_if })
         assert.same({ 1, 2, 3, 4, 5 }, pluck(list, "session_id"))
         -- bob's desktop is that of the user whose old session this process is in
         assert.same({ done, "skipped", "skipped", done, done }, pluck(list, "state"))
         for _, i in ipairs{ 2, 3 } do
            assert.truthy(list[i].note:find("active at a seat", 1, true), list[i].note)
         end
      end
      local kept = pluck(fine(wms.lock_all{ server = server, message = "m", what_if = true }), "session_id")
      assert.same({ 2, 3 }, kept) -- the others are closed, and a lock spares nobody
      assert.equal("planned", fine(wms.close{ session_ids = 3, server = server, what_if = true })[1].state)
      fine(wms.close{ session_ids = { 2, 3 }, server = server })
   end)
end)
