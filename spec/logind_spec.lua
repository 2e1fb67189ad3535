-- SPDX-License-Identifier: MIT
--- Real Linux hosts: the contract, and what is Linux's own.  What the hosts did is read by loginctl and busctl.
local kit = require "spec.support.kit"
local logind = require "spec.support.logind"
local process = require "spec.support.process"
local contract = require "spec.contract"
local wms = kit.wms
local fine, fault, pluck, set = kit.fine, kit.fault, kit.pluck, kit.set

describe("logind #once", function()
   teardown(logind.down)
   contract(logind, function(why) pending(why) end)
end)

describe("Linux hosts #once", function()
   teardown(logind.down)

   after_each(function()
      kit.reset()
      logind.sweep()
   end)

   local test = kit.needing(function(why) pending(why) end, logind.missing)

   local function room(...)
      return logind.host{ sessions = { ... } }
   end

   --- How often each id's session got the signal, seen from outside.
   local function signals(host, name)
      local result = {}
      for i, id in ipairs(host.ids) do
         result[i] = host.monitor:signals(tostring(id), name)
      end
      return result
   end

   describe("sessions", function()
      test("are as loginctl lists them", function()
         local machine = logind.machine(1)
         machine:seat("seat-a", "seat-b", "seat-c")
         local host = room({ user = "alice", seat = "seat-a" }, { user = "bob", seat = "seat-b" },
            { user = "carol", type = "tty" }, { user = "alice", seat = "seat-c", type = "wayland", locked = true })
         local theirs = {}
         for _, session in ipairs(machine:sessions()) do
            theirs[session.id] = session
         end
         local list = fine(wms.sessions(host.server))
         assert.equal(4, #list)
         for _, ours in ipairs(list) do
            local session = theirs[tostring(ours.session_id)]
            assert.equal(session.user, ours.user_name)
            assert.equal(session.seat, ours.seat)
            assert.equal(session.type, ours.type)
            assert.equal(session.class, ours.class)
            assert.equal(session.state, ours.state)
            assert.equal(session.locked, ours.locked)
            assert.equal("integer", math.type(ours.session_id))
            assert.is_false(ours.is_own)
         end
      end)

      test("of greeters and of background jobs are not a room's", function()
         local host = room({ user = "alice" }, { user = "bob", exempt = true })
         local greeter = logind.id(host.machine:session{ user = "carol", class = "greeter" })
         host.ids[3] = greeter
         assert.same({ host.ids[1] }, pluck(fine(wms.unlock_all(host.server)), "session_id"))
         assert.same({ host.ids[1] }, pluck(fine(wms.lock_all{ server = host.server, message = "m" }), "session_id"))
         for _, id in ipairs{ host.ids[2], greeter } do
            assert.equal("ACCESS_DENIED", fault(wms.unlock{ session_ids = id, server = host.server }).code)
            assert.equal("ACCESS_DENIED", fault(wms.close{ session_ids = id, server = host.server }).code)
         end
         assert.same({ 1, 0, 0 }, signals(host, "Unlock"))
         assert.same({ 1, 0, 0 }, signals(host, "Lock"))
         fine(wms.close_all(host.server))
         kit.await(function() return not host.exists(host.ids[1]) end)
         assert.is_true(host.exists(host.ids[2]) and host.exists(greeter))
      end)
   end)

   describe("commands", function()
      test("reach every session of two hosts once, and no other", function()
         local one = room({ user = "alice" }, { user = "bob" }, { user = "carol" })
         local two = room({ user = "alice" }, { user = "alice" })
         fine(wms.lock_all{ servers = { one.server, two.server }, message = "Eyes up", verify = 10 })
         for _, host in ipairs{ one, two } do
            for _, id in ipairs(host.ids) do
               assert.is_true(host.locked(id))
            end
         end
         fine(wms.unlock{ session_ids = one.ids[2], server = one.server, verify = 10 })
         fine(wms.unlock_all(two.server))
         assert.same({ 1, 1, 1 }, signals(one, "Lock"))
         assert.same({ 0, 1, 0 }, signals(one, "Unlock"))
         assert.same({ 1, 1 }, signals(two, "Lock"))
         assert.same({ 1, 1 }, signals(two, "Unlock"))
         assert.is_true(one.locked(one.ids[1]) and not one.locked(one.ids[2]))
      end)

      test("say that logind shows no message", function()
         local host = room{}
         local outcome = fine(wms.lock{ session_ids = host.ids, server = host.server, message = "Eyes up" })[1]
         assert.is_string(outcome.note)
         assert.truthy(outcome.note:find("message", 1, true), outcome.note)
         assert.is_nil(fine(wms.unlock{ session_ids = host.ids, server = host.server })[1].note)
      end)

      test("on 500 unknown ids are 500 times NOT_FOUND", function()
         local host = room{}
         local ids = {}
         for i = 1, 500 do
            ids[i] = i % 2 == 0 and host.unknown_id() or "c" .. host.unknown_id()
         end
         ids[501] = host.ids[1]
         local err = fault(wms.unlock{ session_ids = ids, server = host.server })
         assert.equal(501, #err.outcomes)
         for i = 1, 500 do
            assert.equal(ids[i], err.outcomes[i].session_id)
            assert.equal("NOT_FOUND", err.outcomes[i].error.code)
         end
         assert.equal("requested", err.outcomes[501].state)
         assert.same({ 1 }, signals(host, "Unlock"))
         assert.truthy(err.message:find("500", 1, true), err.message)
      end)

      test("on more sessions than the bus lets wait at once wait for one another", function()
         local host = room{}
         local ids = {}
         for i = 1, 400 do
            ids[i] = host.unknown_id()
         end
         host.mute()
         local request = wms.start("unlock", { session_ids = ids, server = host.server })
         request:wait(0.2)
         assert.is_false(request:done())
         host.machine:check("systemctl", "kill", "--signal=CONT", "systemd-logind")
         request:wait()
         local codes = {}
         for _, outcome in ipairs(fault(request:result()).outcomes) do
            codes[outcome.error.code] = (codes[outcome.error.code] or 0) + 1
         end
         assert.same({ NOT_FOUND = 400 }, codes)
         request:close()
      end)

      test("on many sessions of one host are carried out once each", function()
         local wanted = {}
         for i = 1, 12 do
            wanted[i] = { user = ({ "alice", "bob", "carol" })[i % 3 + 1] }
         end
         local host = logind.host{ sessions = wanted }
         local ids = {}
         for round = 1, 10 do
            for i, id in ipairs(host.ids) do
               ids[(round - 1) * 12 + i] = id
            end
         end
         assert.equal(12, #fine(wms.unlock{ session_ids = ids, server = host.server }))
         for _, count in ipairs(signals(host, "Unlock")) do
            assert.equal(1, count)
         end
      end)
   end)

   describe("a user without rights", function()
      --- Puts the module into the host; returns a function that runs a script there with `run`.
      local function inside(machine)
         if process.sanitized() then
            pending("a test host has no library of the sanitizers")
         end
         machine:put(process.module("wms"), "/opt/wms/wms.so")
         machine:put(process.module("wms.logind"), "/opt/wms/wms/logind.so")
         return function(run, script)
            local output, code = run("env", "LUA_CPATH=/opt/wms/?.so", "lua5.4", "-e", script)
            assert.equal(0, code, output)
            return output
         end
      end

      local REPORT = [[
         local function report(list, _, err)
            for _, o in ipairs(list or err.outcomes) do
               print(o.session_id, o.state, o.error and o.error.code or "-")
            end
         end
         local wms = require "wms"
      ]]

      test("is refused by polkit, and nothing happens", function()
         local host = room({ user = "alice" }, { user = "carol" })
         local script = inside(host.machine)
         local a, b = host.ids[1], host.ids[2]
         local output = script(function(...) return host.machine:run_as("bob", ...) end, REPORT .. ([[
            report(wms.unlock{ session_ids = { %d, %d } })
            report(wms.lock{ session_ids = %d, message = "m" })
            report(wms.close{ session_ids = %d })
            report(wms.unlock_all())
         ]]):format(a, b, a, a))
         local expected = {}
         for _, id in ipairs{ a, b, a, a } do
            expected[#expected + 1] = id .. "\tfailed\tACCESS_DENIED\n"
         end
         local first = table.concat(expected)
         assert.equal(first, output:sub(1, #first))
         local rest = output:sub(#first + 1)
         assert.equal(2, select(2, rest:gsub("%d+\tfailed\tACCESS_DENIED\n", "")), rest)
         assert.same({ 0, 0 }, signals(host, "Unlock"))
         assert.same({ 0, 0 }, signals(host, "Lock"))
         assert.is_true(host.exists(a))
      end)

      test("may lock and unlock a session of his own", function()
         local host = room({ user = "alice" }, { user = "bob" })
         local script = inside(host.machine)
         local alice, bob = host.ids[1], host.ids[2]
         local output = script(function(...) return host.machine:run_in_session(tostring(bob), ...) end, REPORT .. ([[
            report(wms.unlock{ session_ids = { %d, %d } })
            report(wms.lock{ session_ids = %d, message = "m", verify = 10 })
            for _, s in ipairs(wms.sessions()) do print(s.session_id, s.is_own) end
         ]]):format(alice, bob, bob))
         assert.equal(alice .. "\tfailed\tACCESS_DENIED\n" .. bob .. "\trequested\t-\n" .. bob .. "\tverified\t-\n",
            (output:match("^(.-\n.-\n.-\n)")))
         assert.truthy(output:find(alice .. "\tfalse\n", 1, true), output)
         assert.truthy(output:find(bob .. "\ttrue\n", 1, true), output)
         assert.same({ 0, 1 }, signals(host, "Unlock"))
         assert.same({ 0, 1 }, signals(host, "Lock"))
      end)

      test("who is root in a session of the host does not close his own", function()
         local host = room({ user = "alice" }, { user = "bob" })
         local script = inside(host.machine)
         local own = host.machine:session{ user = "root", type = "tty" }
         local output = script(function(...) return host.machine:run_in_session(own, ...) end, REPORT .. ([[
            report(wms.close{ session_ids = %d, server = "localhost" })
            report(wms.close_all{ server = "localhost", what_if = true })
            report(wms.close{ session_ids = "self" })
            report(wms.close{ session_ids = "auto" })
            report(wms.close_all("localhost"))
         ]]):format(own))
         local lines = {}
         for line in output:gmatch("[^\n]+") do
            lines[#lines + 1] = line
         end
         assert.equal(own .. "\tfailed\tACCESS_DENIED", lines[1])
         assert.same(set{ host.ids[1] .. "\tplanned\t-", host.ids[2] .. "\tplanned\t-" }, set{ lines[2], lines[3] })
         assert.equal(own .. "\tfailed\tACCESS_DENIED", lines[4])
         assert.equal("auto\tfailed\tNOT_FOUND", lines[5])
         assert.equal(7, #lines)
         assert.is_true(host.exists(own))
         kit.await(function() return not host.exists(host.ids[1]) and not host.exists(host.ids[2]) end)
      end)
   end)

   describe("when the bus goes away", function()
      test("between calls, the next call reconnects", function()
         local host = room({}, {})
         for _, how in ipairs{ "stop_bus", "kill_bus" } do
            fine(wms.unlock_all(host.server))
            logind.stop_bus(host, how)
            logind.start_bus(host)
            assert.same({ "requested", "requested" }, pluck(fine(wms.unlock_all(host.server)), "state"))
         end
      end)

      test("and stays away, calls fail until it is back", function()
         local host = room({}, {})
         fine(wms.unlock_all(host.server))
         logind.stop_bus(host, "kill_bus")
         local err = fault(wms.unlock{ session_ids = host.ids, server = host.server })
         assert.same({ "UNREACHABLE", "UNREACHABLE" }, pluck(err.outcomes, "error", "code"))
         assert.same({ "failed", "failed" }, pluck(err.outcomes, "state"))
         logind.start_bus(host)
         assert.equal(2, #fine(wms.unlock_all(host.server)))
      end)

      test("while a command asks how a session is, nothing was sent", function()
         local host = room({}, {})
         fine(wms.unlock{ session_ids = host.ids, server = host.server })
         host.mute()
         host.monitor:reset()
         local request = wms.start("unlock", { session_ids = host.ids, server = host.server })
         kit.pump(request, function() return host.monitor:count("GetAll") == 2 end)
         assert.is_false(request:done())
         assert.equal(0, host.monitor:count("UnlockSession"))
         logind.stop_bus(host, "kill_bus")
         kit.finish(request)
         local err = fault(request:result())
         assert.same({ "UNREACHABLE", "UNREACHABLE" }, pluck(err.outcomes, "error", "code"))
         assert.same({ "failed", "failed" }, pluck(err.outcomes, "state"))
         request:close()
         logind.start_bus(host)
         fine(wms.unlock_all(host.server))
      end)

      test("while a command verifies, it says so", function()
         local host = room{ locked = true, deaf = true }
         local request = wms.start("unlock", { session_ids = host.ids, server = host.server, verify = 60 })
         kit.pump(request, function() return host.asked("unlock") == 1 end)
         request:wait(0.05)
         logind.stop_bus(host, "kill_bus")
         kit.finish(request)
         assert.equal("UNVERIFIED", fault(request:result()).code) -- it was answered, and is not seen any more
         request:close()
         logind.start_bus(host)
         fine(wms.sessions(host.server))
      end)
   end)

   test("are not believed for what anybody else on the bus says", function()
      local host = room{ locked = true, deaf = true }
      local request = wms.start("unlock", { session_ids = host.ids, server = host.server, verify = 60 })
      kit.pump(request, function() return host.asked("unlock") == 1 end)
      local output, code = host.machine:run_as("bob", "bash", "-euc", [[
         path=$(busctl --json=short call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager \
            GetSession s "$1")
         path=${path#*'["'}; path=${path%%'"]'*}
         said="sa{sv}as org.freedesktop.login1.Session 1 LockedHint b false 0"
         gone="so $1 $path"
         count=0
         for name in "" $(busctl list --unique --no-legend | awk '{ print $1 }'); do
            busctl emit ${name:+--destination="$name"} "$path" org.freedesktop.DBus.Properties PropertiesChanged $said || :
            busctl emit ${name:+--destination="$name"} /org/freedesktop/login1 org.freedesktop.login1.Manager \
               SessionRemoved $gone || :
            count=$((count + 1))
         done
         echo "$count" ]], "spoof", tostring(host.ids[1]))
      assert.equal(0, code, output)
      assert.is_true(tonumber(output:match("(%d+)%s*$")) > 2, output)
      for _ = 1, 10 do
         request:wait(0.02)
      end
      assert.is_false(request:done())
      host.unlock(host.ids[1])
      request:wait()
      assert.same({ true }, pluck(fine(request:result()), "changed"))
      request:close()
   end)

   describe("after an answer that did not come", function()
      --- This process's connections.
      local function sockets()
         local list = {}
         for inode in process.run("ls -l /proc/$PPID/fd"):gmatch("socket:%[(%d+)%]") do
            list[inode] = true
         end
         return list
      end

      test("nothing is asked on that connection any more", function()
         local host = room{ user = "alice" }
         fine(wms.unlock{ session_ids = host.ids, server = host.server })
         fine(wms.unlock{ session_ids = host.ids, server = host.server })
         local before = sockets()
         host.mute()
         local err = fault(wms.unlock{ session_ids = host.ids, server = host.server, timeout = 0.3 })
         assert.equal("TIMEOUT", err.code)
         host.machine:check("systemctl", "kill", "--signal=CONT", "systemd-logind")
         fine(wms.lock{ session_ids = host.ids, server = host.server, message = "m", verify = 10 })
         local new = 0
         for inode in pairs(sockets()) do
            new = new + (before[inode] and 0 or 1)
         end
         assert.equal(1, new)
      end)
   end)

   describe("when logind is restarted", function()
      test("between calls, nobody notices", function()
         local host = room({}, {})
         fine(wms.unlock_all(host.server))
         host.machine:restart_logind()
         fine(wms.unlock_all(host.server))
         fine(wms.lock_all{ server = host.server, message = "m", verify = 10 })
         assert.is_true(host.locked(host.ids[1]))
      end)

      test("while a command watches, it ends, and the next one is fine", function()
         local host = room({ locked = true }, { locked = true })
         local request = wms.start("lock_all", { server = host.server, message = "m", stable = 100 })
         kit.pump(request, function() return host.asked("lock") == 2 end)
         request:wait(0.2)
         host.machine:restart_logind() -- which forgets that they are locked
         kit.finish(request)
         for _, outcome in ipairs(fault(request:result()).outcomes) do
            assert.equal("UNVERIFIED", outcome.error.code)
            local message = outcome.error.message
            assert.truthy(message:find("logind was restarted, and no longer knows", 1, true), message)
         end
         request:close()
         fine(wms.lock_all{ server = host.server, message = "m", verify = 10 })
      end)
   end)

   describe("when sessions end", function()
      test("while commands run, each outcome is one of the two", function()
         local wanted = {}
         for i = 1, 8 do
            wanted[i] = { deaf = true, locked = true }
         end
         local host = logind.host{ sessions = wanted }
         local request = wms.start("unlock_all", { server = host.server, verify = 60 })
         kit.pump(request, function() return host.asked("unlock") == 8 end)
         for i = 1, 7, 2 do
            host.drop(host.ids[i])
         end
         for i = 2, 8, 2 do
            host.unlock(host.ids[i])
         end
         kit.finish(request)
         local ended = set{ host.ids[1], host.ids[3], host.ids[5], host.ids[7] }
         for _, outcome in ipairs(fine(request:result())) do
            if ended[outcome.session_id] then
               assert.equal("gone", outcome.state)
            else
               assert.same({ "verified", true }, { outcome.state, outcome.changed })
            end
         end
         request:close()
      end)

      test("between the listing and the action, it is not an accident", function()
         local host = room({}, {}, {})
         local first = true
         wms.configure{ allow = function(action)
            if action.session_id and first then
               first = false
               host.drop(host.ids[2])
            end
            return true
         end }
         local states = {}
         for _, outcome in ipairs(fine(wms.unlock_all(host.server))) do
            states[outcome.session_id] = outcome.state
         end
         assert.same({ [host.ids[1]] = "requested", [host.ids[2]] = "gone", [host.ids[3]] = "requested" }, states)
      end)

      test("while they are closed", function()
         local host = room({}, {}, {})
         local request = wms.start("close_all", { server = host.server, verify = 60 })
         pcall(host.drop, host.ids[2]) -- it may be gone already
         kit.finish(request)
         for _, outcome in ipairs(fine(request:result())) do
            assert.equal("verified", outcome.state)
         end
         kit.await(function() return #host.machine:sessions() == 0 end)
         request:close()
      end)
   end)

   describe("the system bus", function()
      test("may be named by the environment", function()
         local host = room{ user = "alice" }
         local output, code = process.script([[
            local wms = require "wms"
            for _, server in ipairs{ "localhost", "logind://" } do
               print(assert(wms.unlock_all(server))[1].session_id)
            end
            print(assert(wms.sessions())[1].server)
         ]], "DBUS_SYSTEM_BUS_ADDRESS=unix:path=" .. host.machine.socket)
         assert.same({ host.ids[1] .. "\n" .. host.ids[1] .. "\nlocalhost\n", 0 }, { output, code })
         assert.same({ 2 }, signals(host, "Unlock"))
      end)
   end)
end)
