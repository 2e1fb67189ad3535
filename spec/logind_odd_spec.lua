-- SPDX-License-Identifier: MIT
--- A logind of which something is odd: what it says of one session is no reason to know nothing of the others, and an
-- outcome's text says what the bus has said.
local kit = require "spec.support.kit"
local mock = require "spec.support.mock"
local process = require "spec.support.process"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

local keep, sweep = kit.keeper()
local host

local function room()
   host = keep(mock.new())
   host:run[[add(1, "alice", 1001)
      add(2, "bob", 1002)
      add(3, "carol", 1003)]]
   return host.server
end

describe("of an odd session of a logind's #once", function()
   local test = kit.needing(function(why) pending(why) end, mock.missing)

   after_each(function()
      sweep()
      kit.reset()
   end)

   test("a path that no socket can have is refused before anything is done with it", function()
      local room_for = 107 -- bytes, beside the NUL: sun_path of unix(7)
      for length, too_long in pairs{ [room_for] = false, [room_for + 1] = true, [200] = true } do
         local err = fault(wms.sessions("logind:///" .. ("x"):rep(length - 1)))
         assert.equal("UNREACHABLE", err.code)
         assert.equal(too_long, err.message:find("the path is too long for a socket", 1, true) ~= nil, err.message)
      end
   end)

   --- By what is done to session 2: what is nil then.
   local ODD = {
      ['["Class"] = ""'] = { class = true, is_orchestratable = true },
      ['.pop("Class")'] = { class = true, is_orchestratable = true },
      ['["Class"] = 7'] = { class = true, is_orchestratable = true },
      ['["LockedHint"] = "yes"'] = { locked = true },
      ['["LockedHint"] = dbus.Int32(1)'] = { locked = true },
      ['.pop("LockedHint")'] = { locked = true },
      ['["Seat"] = "seat2"'] = { seat = true },
      ['["Seat"] = struct("sos", "seat2", dbus.ObjectPath("/x"), "more")'] = { seat = true },
      ['["Name"] = dbus.ByteArray(b"bob")'] = { user_name = true },
      ['["Name"] = "n" * 5000'] = { user_name = true },
      ['["State"] = dbus.UInt64(1)'] = { state = true },
      ['["Type"] = dbus.ObjectPath("/x11")'] = { type = true },
      ['["Timestamp"] = "today"'] = {},
      ['["User"] = "bob"'] = {},
      ['.pop("Id")'] = {},
      ['["Id"] = dbus.UInt32(2)'] = {},
   }
   for change, absent in pairs(ODD) do
      test("what is odd is nil, and all are listed and unlocked: " .. change, function()
         local server = room()
         host:run("sessions['2']" .. change)
         local list = fine(wms.sessions(server))
         assert.same({ 1, 2, 3 }, pluck(list, "session_id"))
         for name, value in pairs{ class = "user", is_orchestratable = true, locked = false, seat = "seat2",
            user_name = "bob", state = "active", type = "tty" } do
            if absent[name] then
               assert.is_nil(list[2][name])
            else
               assert.equal(value, list[2][name])
            end
         end
         for _, i in ipairs{ 1, 3 } do
            assert.same({ "user", true, false }, { list[i].class, list[i].is_orchestratable, list[i].locked })
         end
         assert.same({ "requested", "requested", "requested" }, pluck(fine(wms.unlock_all(server)), "state"))
         assert.equal(3, #host:actions())
      end)
   end

   test("an id that looks like a number is that number only if it is written so", function()
      local server = room()
      host:run[[add(7, "dora", 1004)
         add("07", "emil", 1005)]]
      assert.same({ 1, 2, 3, 7, "07" }, pluck(fine(wms.sessions(server)), "session_id"))
      fine(wms.unlock{ session_ids = "07", server = server })
      assert.same({ "UnlockSession(07)" }, host:actions())
   end)

   test("an id that stands for another session is nobody's", function()
      local server = room()
      host:run[[add(9, "dora", 1004)
         sessions['9']['_path'] = '2']]
      for _, verb in ipairs{ "unlock", "close" } do
         local err = fault(wms[verb]{ session_ids = 9, server = server })
         assert.equal("NOT_FOUND", err.code)
      end
      assert.same({}, host:actions())
   end)

   test("an unknown class is no reason to close it", function()
      local server = room()
      host:run"sessions['2']['Class'] = ''"
      local err = fault(wms.close_all(server))
      assert.same({ "requested", "failed", "requested" }, pluck(err.outcomes, "state"))
      assert.equal("ACCESS_DENIED", err.code)
      assert.same({ "TerminateSession(1)", "TerminateSession(3)" }, kit.sorted(host:actions()))
   end)

   for _, name in ipairs{ "Failed", "AccessDenied", "InvalidArgs" } do
      test("the failure to tell is its own: " .. name, function()
         local server = room()
         local lines = {}
         wms.configure{ log = function(_, text) lines[#lines + 1] = text end }
         host:run("fail['GetAll', '2'] = BUS_ERROR + '" .. name .. "'")
         local list = fine(wms.sessions(server))
         assert.same({ 1, 2, 3 }, pluck(list, "session_id"))
         assert.same({ "bob", "nil", "nil", "nil" }, { list[2].user_name, tostring(list[2].state), tostring(list[2].locked),
            tostring(list[2].is_orchestratable) })
         assert.truthy(table.concat(lines, "\n"):find("session 2: .*said the mock"), table.concat(lines, "\n"))
         for _, options in ipairs{ {}, { verify = 10 } } do
            local err = fault(wms.unlock_all{ server = server, verify = options.verify })
            local done = options.verify and "verified" or "requested"
            assert.same({ done, "failed", done }, pluck(err.outcomes, "state"))
            assert.equal(2, err.session_id)
            assert.truthy(err.message:find("session 2: .*said the mock"), err.message)
         end
      end)
   end

   test("silence is no reason to know nothing of the others", function()
      local server = room()
      local lines = {}
      wms.configure{ log = function(_, text) lines[#lines + 1] = text end }
      host:run"fail['GetAll', '2'] = None"
      local list = fine(wms.sessions{ server = server, timeout = 30 })
      assert.same({ 1, 2, 3 }, pluck(list, "session_id"))
      assert.same({ "bob", "nil", "nil" }, { list[2].user_name, tostring(list[2].state), tostring(list[2].locked) })
      assert.same({ false, false }, { list[1].locked, list[3].locked })
      assert.truthy(table.concat(lines, "\n"):find("session 2: logind does not tell", 1, true), table.concat(lines, "\n"))
      local err = fault(wms.unlock_all{ server = server, timeout = 4 })
      assert.same({ "requested", "failed", "requested" }, pluck(err.outcomes, "state"))
      assert.same({ "TIMEOUT", 2 }, { err.code, err.session_id })
   end)

   test("a logind that left all questions without an answer is asked again on a new connection", function()
      local server, requests = room(), {}
      host:run"fail['ListSessions', ''] = None"
      for i = 1, 100 do
         requests[i] = keep(wms.start("sessions", { server = server, timeout = 30 }))
      end
      kit.pump(requests[1], function() return #host:calls("ListSessions") == 100 end)
      for _, request in ipairs(requests) do
         request:cancel()
      end
      host:run"fail.clear()"
      assert.same({ 1, 2, 3 }, pluck(fine(wms.sessions(server)), "session_id"))
   end)

   test("no more than a hundred questions wait for their answers at once", function()
      local server = room()
      host:run'for number in range(4, 151): add(number, "user", 2000 + number); fail["GetAll", str(number)] = None'
      local request = keep(wms.start("sessions", { server = server, timeout = 30 }))
      kit.pump(request, function() return #host:calls("GetAll") >= 100 end)
      request:wait(0.3)
      assert.equal(103, #host:calls("GetAll")) -- three of them were answered
      request:cancel()
   end)

   for _, name in ipairs{ "UnknownObject", "UnknownMethod", "UnknownInterface" } do
      test("that it ended while one listed or acted is no accident: " .. name, function()
         local server = room()
         host:run("fail['GetAll', '2'] = BUS_ERROR + '" .. name .. "'")
         assert.same({ 1, 3 }, pluck(fine(wms.sessions(server)), "session_id"))
         assert.same({ 1, 3 }, pluck(fine(wms.unlock_all(server)), "session_id"))
         assert.equal("NOT_FOUND", fault(wms.unlock{ session_ids = 2, server = server }).code)
         host:run"fail.clear()"
         fine(wms.unlock{ session_ids = 2, server = server })
      end)
   end

   for _, name in ipairs{ "NAME + '.NoSuchSession'", "BUS_ERROR + 'UnknownObject'" } do
      test("that it ended before the action came is NOT_FOUND: " .. name, function()
         local server = room()
         host:run("fail['TerminateSession', '2'] = " .. name)
         local list, _, err = wms.close_all(server)
         for _, outcome in ipairs(list or err.outcomes) do
            if outcome.session_id == 2 and outcome.error then -- or gone
               assert.equal("NOT_FOUND", outcome.error.code)
            else
               assert.is_nil(outcome.error)
            end
         end
         fault(wms.close{ session_ids = 2, server = server })
      end)
   end

   test("an id that is none is left out, with a line in the log", function()
      local server = room()
      local lines = {}
      wms.configure{ log = function(_, text) lines[#lines + 1] = text end }
      host:run[[add("7" * 300)
         add("a b")]]
      assert.same({ 1, 2, 3 }, pluck(fine(wms.sessions(server)), "session_id"))
      assert.truthy(table.concat(lines, "\n"):find("left out", 1, true), table.concat(lines, "\n"))
   end)

   test("what is wrong with the host is the host's", function()
      local server = room()
      host:run"fail['GetAll', '2'] = BUS_ERROR + 'LimitsExceeded'"
      local err = fault(wms.unlock_all(server))
      assert.same({ "BUSY" }, pluck(err.outcomes, "error", "code"))
      assert.same({}, host:actions())
   end)
end)

describe("a text about a logind #once", function()
   local test = kit.needing(function(why) pending(why) end, mock.missing)

   after_each(function()
      sweep()
      kit.reset()
   end)

   test("keeps the bus's own words, cut where they are long", function()
      local server = room()
      host:run"fail['LockSession', '2'] = BUS_ERROR + 'AccessDenied'"
      local message = fault(wms.lock{ session_ids = 2, server = server, message = "m" }).message
      assert.truthy(message:find("(said the mock)", 1, true), message)
      host:run"fail['LockSession', '2'] = 'org.example.Odd'"
      message = fault(wms.lock{ session_ids = 2, server = server, message = "m" }).message
      assert.truthy(message:find("org.example.Odd (said the mock)", 1, true), message)
      host:run[[error = dbus.lowlevel.ErrorMessage
         refuse = lambda m, name, text=None: connection.send_message(error(m, name, 'é' * 100000))]]
      message = fault(wms.lock{ session_ids = 2, server = server, message = "m" }).message
      assert.truthy(message:find("é%.%.%.%)$") and #message < 400, message)
   end)

   test("is one line without control characters, whatever the host says", function()
      local server = room()
      local lines = {}
      wms.configure{ log = function(_, text) lines[#lines + 1] = text end }
      host:run[[bad = "a\n\x1b[31m\x7f\x85\u2028b"
         refuse = lambda m, name, text=None: connection.send_message(dbus.lowlevel.ErrorMessage(m, name, bad))
         fail["GetAll", "2"] = BUS_ERROR + "Failed"
         sessions["3"]["Name"] = bad
         sessions["3"]["Class"] = bad]]
      local function clean(text)
         assert.falsy(text:find("%c") or text:find("\194[\128-\159]") or text:find("\226\128[\168\169]"), text)
         return text
      end
      local message = clean(fault(wms.unlock{ session_ids = 2, server = server }).message)
      assert.truthy(message:find("a??[31m", 1, true), message)
      local err = fault(wms.unlock{ session_ids = 3, server = server })
      assert.truthy(clean(err.message):find("its class is a", 1, true))
      assert.truthy(err.outcomes[1].user_name:find("\27", 1, true)) -- what is data stays as it is
      fine(wms.sessions(server))
      assert.truthy(#lines > 0)
      for _, line in ipairs(lines) do
         clean(line)
      end
   end)

   test("names the address where no bus listens", function()
      local err = fault(wms.sessions("logind:///run/no-such-bus/socket"))
      assert.equal("UNREACHABLE", err.code)
      assert.truthy(err.message:find("unix:path=/run/no-such-bus/socket", 1, true), err.message)
      local output = process.script([[print(select(2, require("wms").sessions()))]],
         "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/no-such-bus/other")
      assert.truthy(output:find("unix:path=/run/no-such-bus/other", 1, true), output)
   end)

   test("of a bus with another guid is not one about rights", function()
      room()
      local output = process.script([[
         local _, message, err = require("wms").sessions()
         print(err.code, message)]],
         ("DBUS_SYSTEM_BUS_ADDRESS=unix:path=%s/run/dbus/system_bus_socket,guid=%s"):format(host.folder,
            ("0"):rep(31) .. "1"))
      assert.truthy(output:find("^UNTRUSTED\t.*guid"), output)
   end)

   it("of a path that is too long for a socket, tells that", function()
      local err = fault(wms.unlock_all("logind:///" .. ("long/"):rep(40)))
      assert.equal("UNREACHABLE", err.code)
      assert.truthy(err.message:find("too long", 1, true), err.message)
   end)
end)

describe("a logind that is watched #once", function()
   local test = kit.needing(function(why) pending(why) end, mock.missing)

   after_each(sweep)

   local function watched(verb, options)
      local request = keep(wms.start(verb, options))
      kit.pump(request, function() return #host:actions() > 0 end)
      for _ = 1, 20 do
         request:wait(0.01)
      end
      assert.is_false(request:done())
      return request
   end

   for _, verb in ipairs{ "lock", "unlock" } do
      for _, way in ipairs{ "verify", "stable" } do
         test("and restarted no longer knows: " .. verb .. ", " .. way, function()
            local server = room()
            host:run("obeys = " .. (way == "verify" and "False" or "True"))
            host:run("hint(2, " .. (verb == "unlock" and "True" or "False") .. ")")
            local request = watched(verb, { session_ids = 2, server = server, verify = 60,
               stable = way == "stable" and 60 or nil, message = verb == "lock" and "m" or nil })
            host:run[[for s in sessions.values(): s["LockedHint"] = False
               restart()]]
            kit.finish(request)
            local err = fault(request:result())
            assert.equal("UNVERIFIED", err.code)
            assert.truthy(err.message:find("restarted.*no longer knows"), err.message)
         end)
      end
   end

   test("and restarted still knows which sessions are there, and that an id is another one's", function()
      local server = room()
      host:run"act = lambda message, id: reply(message)"
      local request = watched("close", { session_ids = { 2, 3 }, server = server, verify = 60 })
      host:run"restart()"
      for _ = 1, 20 do
         request:wait(0.01)
      end
      assert.is_false(request:done())
      host:run[[add(2, "gdm", 130, Class="greeter", Timestamp=dbus.UInt64(1800000000000000))
         del sessions["3"]
         restart()]]
      kit.finish(request)
      assert.same({ "verified", "verified" }, pluck(fine(request:result()), "state"))
   end)

   test("and restarted twice does not answer twice, and is asked on", function()
      local server = room()
      host:run"act = lambda message, id: reply(message)"
      host:run"answer_, silent = answer, [0]"
      host:run("answer = lambda message, member, *rest: "
         .. "(silent.append(silent.pop() - 1), refuse(message, BUS_ERROR + 'NoReply')) "
         .. "if member == 'GetAll' and silent[0] > 0 else answer_(message, member, *rest)")
      local request = watched("close", { session_ids = 2, server = server, verify = 60 })
      for _ = 1, 2 do
         local before = #host:calls("GetAll")
         host:run"silent[0] = 2; restart()"
         kit.pump(request, function() return #host:calls("GetAll") >= before + 3 end)
         for _ = 1, 20 do
            request:wait(0.01)
         end
         assert.is_false(request:done())
      end
      host:run'del sessions["2"]; restart()'
      assert.same({ "verified" }, pluck(fine(kit.finish(request):result()), "state"))
   end)

   test("and had never said that a session was locked does not prove that it is not", function()
      local server = room()
      host:run"obeys = False"
      local outcome = fine(wms.unlock{ session_ids = 2, server = server, verify = 10 })[1]
      assert.same({ "verified", false }, { outcome.state, outcome.changed })
      assert.truthy(outcome.note:find("never said", 1, true), outcome.note)
      assert.is_nil(fine(wms.unlock{ session_ids = 2, server = server })[1].note) -- nothing is claimed
      host:run"obeys = True"
      fine(wms.lock{ session_ids = 2, server = server, message = "m", verify = 10 })
      for _, changed in ipairs{ true, false } do -- now its locker has told
         outcome = fine(wms.unlock{ session_ids = 2, server = server, verify = 10 })[1]
         assert.same({ "verified", changed }, { outcome.state, outcome.changed })
         assert.is_nil(outcome.note)
      end
      host:run'add(2, "dave", 1009, Timestamp=dbus.UInt64(1800000000000000))' -- whose locker has not
      assert.is_string(fine(wms.unlock{ session_ids = 2, server = server, verify = 10 })[1].note)
   end)

   test("leaves closing sessions out of _all, and notes it of one that is named", function()
      local server = room()
      host:run'sessions["2"]["State"] = "closing"'
      local list = fine(wms.sessions(server))
      assert.same({ "active", "closing", "active" }, pluck(list, "state"))
      assert.same({ true, false, true }, pluck(list, "is_orchestratable"))
      for _, verb in ipairs{ "lock", "unlock", "close" } do
         local message = verb == "lock" and "m" or nil
         for _, what_if in ipairs{ true, false } do
            assert.same({ what_if and "planned" or "requested" }, pluck(fine(wms[verb]{ session_ids = 2, server = server,
               message = message, what_if = what_if }), "state"))
         end
         assert.same({ 1, 3 }, pluck(fine(wms[verb .. "_all"]{ server = server, message = message, what_if = true }),
            "session_id"))
         host:run'add(2, "bob", 1002, State="closing")'
         local note = fine(wms[verb]{ session_ids = 2, server = server, message = message, what_if = true })[1].note
         assert.truthy(note:find("closing", 1, true), note)
         note = fine(wms[verb]{ session_ids = 2, server = server, message = message })[1].note
         assert.truthy(note:find("closing", 1, true), note)
         assert.equal(verb == "lock", note:find("message", 1, true) ~= nil)
         host:run'add(2, "bob", 1002, State="closing")'
      end
      list = fine(wms.lock_all{ server = server, message = "m", verify = 10 })
      assert.same({ "verified", "verified" }, pluck(list, "state"))
   end)
end)

describe("an error that a logind, or its bus, answers an action with #once", function()
   local test = kit.needing(function(why) pending(why) end, mock.missing)

   after_each(function()
      sweep()
      kit.reset()
   end)

   local LOGIND, BUS, SYSTEMD = "org.freedesktop.login1.", "org.freedesktop.DBus.Error.", "org.freedesktop.systemd1."
   for _, meaning in ipairs{
      { "NOT_FOUND", "failed", LOGIND .. "NoSuchSession", LOGIND .. "NoSessionForPID", BUS .. "UnknownObject" },
      { "ACCESS_DENIED", "failed", BUS .. "AccessDenied", BUS .. "InteractiveAuthorizationRequired", BUS .. "AuthFailed",
         SYSTEMD .. "UnitMasked" },
      { "UNSUPPORTED", "failed", BUS .. "NotSupported", BUS .. "UnknownMethod" },
      { "BUSY", "failed", BUS .. "LimitsExceeded", BUS .. "NoMemory" },
      { "TIMEOUT", "unknown", BUS .. "NoReply", BUS .. "Timeout", BUS .. "TimedOut" },
      { "UNREACHABLE", "unknown", BUS .. "Disconnected" },
      { "UNREACHABLE", "failed", BUS .. "NoServer", BUS .. "ServiceUnknown", BUS .. "NameHasNoOwner" },
   } do
      local code, state = meaning[1], meaning[2]
      test(("means %s, and that the action is %s"):format(code, state), function()
         local server = room()
         for i = 3, #meaning do
            host:run(("fail['UnlockSession', '2'] = '%s'"):format(meaning[i]))
            local err = fault(wms.unlock{ session_ids = 2, server = server })
            assert.same({ meaning[i], code, state }, { meaning[i], err.code, err.outcomes[1].state })
         end
      end)
   end
end)

describe("an action that a logind takes and does not answer #once", function()
   local test = kit.needing(function(why) pending(why) end, mock.missing)

   after_each(function()
      sweep()
      kit.reset()
   end)

   for code, options in pairs{ TIMEOUT = { timeout = 1 }, CANCELLED = {}, UNREACHABLE = {} } do
      test("is unknown: " .. code, function()
         local server = room()
         host:run'hold = ("UnlockSession", "2")'
         options.session_ids, options.server = { 2 }, server
         local request = keep(wms.start("unlock", options))
         kit.pump(request, function() return #host:actions() == 1 end)
         if code == "CANCELLED" then
            request:cancel()
         elseif code == "UNREACHABLE" then
            process.run("kill " .. host.bus)
         end
         local err = fault(kit.finish(request):result())
         assert.same({ { "unknown" }, { code } }, { pluck(err.outcomes, "state"), pluck(err.outcomes, "error", "code") })
      end)
   end
end)

describe("a logind that is asked to end its host #once", function()
   local test = kit.needing(function(why) pending(why) end, mock.missing)

   after_each(function()
      sweep()
      kit.reset()
   end)

   local function ask(verb, options)
      options = options or {}
      options.server = host.server
      return wms[verb](options)
   end

   test("is told which, and never to ask a person", function()
      room()
      assert.same({ "requested" }, pluck(fine(ask "reboot"), "state"))
      host:await("Reboot()")
      assert.same({ "requested" }, pluck(fine(ask "power_off"), "state"))
      host:await("PowerOff()")
      assert.truthy(fine(ask("reboot", { what_if = true }))[1].note:find("sessions", 1, true))
   end)

   test("says why it refuses, and whether a program holds it up", function()
      room()
      for name, words in pairs{
         ["org.freedesktop.DBus.Error.AccessDenied"] = "does not allow it to this user",
         ["org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"] = "would ask a person",
         ["org.freedesktop.login1.BlockedByInhibitorLock"] = "a program holds it up there",
      } do
         for inhibited, told in pairs{ [""] = false, ["sleep:shutdown"] = true, ["idle:shutdowns"] = false } do
            host:run(("fail['Reboot', ''] = '%s'; inhibited = '%s'"):format(name, inhibited))
            local err = fault(ask "reboot")
            assert.equal("ACCESS_DENIED", err.code)
            assert.truthy(err.message:find(words, 1, true), err.message)
            assert.equal(told, err.message:find("systemd-inhibit --list", 1, true) ~= nil)
         end
      end
      host:run"fail['Get', 'org.freedesktop.login1.Manager'] = 'org.freedesktop.DBus.Error.UnknownMethod'"
      assert.equal("ACCESS_DENIED", fault(ask "reboot").code)
      host:run"fail['PowerOff', ''] = 'org.freedesktop.login1.OperationInProgress'"
      assert.equal("BUSY", fault(ask "power_off").code)
   end)

   for code, options in pairs{ TIMEOUT = { timeout = 1 }, CANCELLED = {}, UNREACHABLE = {} } do
      test("and does not answer has perhaps done it, and is not asked again: " .. code, function()
         room()
         host:run'hold = ("PowerOff", "")'
         options.server = host.server
         local request = keep(wms.start("power_off", options))
         kit.pump(request, function()
            return table.concat(host:lines(), "\n"):find("PowerOff()", 1, true)
         end)
         if code == "CANCELLED" then
            request:cancel()
         elseif code == "UNREACHABLE" then
            process.run("kill " .. host.bus)
         end
         local err = fault(kit.finish(request):result())
         assert.same({ { "unknown" }, code }, { pluck(err.outcomes, "state"), err.code })
         assert.equal(1, select(2, table.concat(host:lines(), "\n"):gsub("PowerOff%(%)", "")))
      end)
   end
end)
