-- SPDX-License-Identifier: MIT
--- The Windows session API on real Linux hosts, used by a program that has no header of ours.  What is so on the hosts is
--- read by loginctl.
local kit = require "spec.support.kit"
local logind = require "spec.support.logind"
local process = require "spec.support.process"
local wtsapi = require "spec.support.wtsapi"

local STATES = { active = wtsapi.state.Active, online = wtsapi.state.Disconnected, closing = wtsapi.state.Down }
local errors = wtsapi.error

describe("the session API on Linux hosts #once", function()
   local keep, sweep = kit.keeper()

   teardown(logind.down)

   after_each(function()
      sweep()
      kit.reset()
      logind.sweep()
   end)

   local test = kit.needing(function(why) pending(why) end, wtsapi.missing, logind.missing)

   local function room(...)
      return logind.host{ sessions = { ... } }
   end

   local function start(words, environment)
      return keep(wtsapi.start(words, environment))
   end

   --- A session outside of the audit's count, which logind calls "c" and a number.
   local function counted(machine, user)
      return machine:script([[
         printf '%s\n' 'account required pam_permit.so' 'session required pam_systemd.so' > /etc/pam.d/spec-plain
         systemd-run --quiet --collect --unit=spec-plain-$1 -p User="$1" -p PAMName=spec-plain \
            -E XDG_SESSION_TYPE=x11 -E XDG_SESSION_CLASS=user sleep infinity
         for try in $(seq 500); do
            id=$(loginctl list-sessions --no-legend | awk -v user="$1" '$1 ~ /^c/ && $3 == user { print $1 }')
            [ -z "$id" ] || { echo "$id"; exit 0; }
            sleep 0.02
         done
         loginctl list-sessions
         exit 1]], user):match("%S+")
   end

   describe("a list", function()
      test("has what loginctl lists, whichever function is called", function()
         local machine = logind.machine(1)
         machine:seat("seat-a")
         local host = room({ user = "alice", seat = "seat-a" }, { user = "bob", type = "tty" },
            { user = "carol", seat = "seat0" }, { user = "alice", seat = "seat0" })
         local theirs = machine:sessions()
         assert.equal(4, #theirs)
         for _, kind in ipairs{ "list", "listA", "listEx", "listExA" } do
            local ours = wtsapi.sessions(host.server, kind)
            for _, session in ipairs(theirs) do
               local id = logind.id(session.id)
               local found = ours[id]
               ours[id] = nil
               assert.equal(STATES[session.state], found.state)
               local station = session.state ~= "active" and "" or session.seat == "seat0" and "Console" or session.seat
                  or session.type .. "#" .. session.id
               assert.equal(station, found.station)
               if kind:find("Ex") then
                  assert.same({ session.user, id, false, false, false },
                     { found.user, found.environment, found.host, found.domain, found.farm })
               end
            end
            assert.is_nil(next(ours))
         end
      end)

      test("shows sessions that are no user's as screens to log on at", function()
         local host = room({ user = "alice" }, { user = "bob", exempt = true })
         local greeter = logind.id(host.machine:session{ user = "carol", class = "greeter" })
         local ours = wtsapi.sessions(host.server)
         assert.same({ "alice", wtsapi.state.Active }, { ours[host.ids[1]].user, ours[host.ids[1]].state })
         for _, id in ipairs{ host.ids[2], greeter } do
            assert.same({ false, wtsapi.state.Connected }, { ours[id].user, ours[id].state })
         end
      end)

      test("of no session is empty", function()
         assert.same({}, wtsapi.sessions(room().server))
      end)

      test("is that of the environment's server, if a program opens none", function()
         local host = room{ user = "alice", seat = "seat0" }
         local environment = "WMS_WTSAPI_SERVER=" .. process.quote(host.server)
         local results = wtsapi.run({ "list", "console", "open", "", "list", "console" }, environment)
         for _, result in ipairs(results) do
            if result.command == "list" then
               assert.equal(1, result.count)
            elseif result.command == "console" or result.command == "session" then
               assert.equal(host.ids[1], result.id)
            end
         end
         assert.equal(7, #results)
      end)

      test("of this machine is asked for without any address, inside of it", function()
         if process.sanitized() then
            pending("a test host has no library of the sanitizers")
         end
         local host = room({ user = "alice" }, { user = "bob" })
         local build = (os.getenv("WMS_BUILD") or "build")
         host.machine:put(build .. "/lib/libwms-wtsapi.so", "/opt/wtsapi/libwms-wtsapi.so")
         host.machine:put(build .. "/lib/wms/logind.so", "/opt/wtsapi/wms/logind.so")
         host.machine:put(build .. "/spec/wtsapi_client", "/opt/wtsapi/client")
         host.machine:script("mkdir -p /opt/wtsapi/lib")
         local list = process.run("ldd " .. process.program("wtsapi_client"))
         for path in list:gmatch("=> (/%S*lib%w*winpr%S*)") do
            host.machine:put(path, "/opt/wtsapi/lib/" .. path:match("[^/]+$"))
         end
         for path in process.run("ldd " .. build .. "/lib/libwms-wtsapi.so"):gmatch("=> (/%S+)") do
            if not path:find("/libc%.") then
               host.machine:put(path, "/opt/wtsapi/lib/" .. path:match("[^/]+$"))
            end
         end
         local function inside(id, ...)
            local output, code = host.machine:run_in_session(tostring(id), "env", "LD_LIBRARY_PATH=/opt/wtsapi/lib",
               "WTSAPI_LIBRARY=/opt/wtsapi/libwms-wtsapi.so", "/opt/wtsapi/client", ...)
            assert.equal(0, code, output)
            return output
         end
         local output = inside(host.ids[2], "list", "class", "4294967295", "5", "logoff", "4294967295", "0",
            "logoff", tostring(host.ids[1]), "0")
         assert.truthy(output:find("list count=2\n", 1, true), output)
         assert.truthy(output:find("query class=5 kind=W size=8 value=bob\n", 1, true), output)
         assert.equal(2, select(2, output:gsub("logoff error=5\n", "")), output) -- its own, and another's
         assert.is_true(host.exists(host.ids[1]) and host.exists(host.ids[2]))
      end)
   end)

   describe("a question", function()
      local function both(classes, class)
         return { W = classes[class].W.value, A = classes[class].A.value }
      end

      test("of every class is answered, or refused", function()
         local host = room({ user = "alice", seat = "seat0" }, { user = "bob", type = "tty", locked = true })
         local id = host.ids[2]
         local hex = ("<I4"):pack(id):gsub(".", function(byte) return ("%02X"):format(byte:byte()) end)
         local classes = wtsapi.query(host.server, id)
         local station = "tty#" .. id

         for _, class in ipairs{ 0, 1, 2, 3, 7, 10, 11 } do -- texts that Linux has not
            assert.same({ W = "", A = "" }, both(classes, class))
            assert.same({ 2, 1 }, { classes[class].W.size, classes[class].A.size })
         end
         assert.same({ W = "bob", A = "bob" }, both(classes, 5))
         assert.same({ 8, 4 }, { classes[5].W.size, classes[5].A.size })
         assert.same({ W = station, A = station }, both(classes, 6))
         for class, value in pairs{
            [4] = hex, [8] = "00000000", [9] = "00000000", [12] = "0000", [13] = "00000000", [14] = ("00"):rep(24),
            [15] = ("00"):rep(12), [16] = "0000", [29] = "00",
         } do
            for _, kind in ipairs{ "W", "A" } do
               assert.equal("x" .. value, classes[class][kind].hex, "class " .. class)
            end
         end
         for kind, sizes in pairs{ W = { 2304, 216, 232 }, A = { 1200, 144, 160 } } do
            local client, info, ex = classes[23][kind], classes[24][kind], classes[25][kind]
            assert.same(sizes, { client.size, info.size, ex.size })
            assert.same({ "", "bob", "", 0, "" },
               { client.client, client.user, client.domain, client.family, client.address })
            assert.same({ 0, id, station, "bob", "" }, { info.state, info.id, info.station, info.user, info.domain })
            assert.same({ 1, 0, id, station, "bob", "" }, { ex.level, ex.state, ex.id, ex.station, ex.user, ex.domain })
            assert.equal(0, ex.flags) -- locked
            local seconds = math.floor(info.now / 10000000) - 11644473600
            assert.truthy(math.abs(seconds - os.time()) < 100, seconds)
         end
         for class = -1, 30 do
            local expected = (class < 0 or class > 29) and errors.INVALID_PARAMETER
               or (class >= 17 and class <= 22 or class >= 26 and class <= 28) and errors.NOT_SUPPORTED or nil
            for _, kind in ipairs{ "W", "A" } do
               assert.equal(expected, classes[class][kind].error)
               assert.is_nil(classes[class][kind].buffer)
               assert.equal(expected and 0 or classes[class][kind].size, classes[class][kind].size)
            end
         end
      end)

      --- Windows' times as seconds since 1970; nil: 0.
      local function seconds(time)
         return time ~= 0 and time / 10000000 - 11644473600 or nil
      end

      local function property(host, id, name)
         return host.machine:script('loginctl show-session "$1" -p "$2" --value', tostring(id), name):match("[^\n]*")
      end

      test("of a session's times has logind's", function()
         local host = room({ user = "alice", seat = "seat0", type = "x11" }, { user = "bob", type = "tty" })
         local id = host.ids[1]
         local path = "/org/freedesktop/login1/session/" .. host.machine:script([[
            path=$(busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager \
               GetSession s "$1")
            path=${path#*session/}; printf '%s' "${path%\"}"]], tostring(id))
         local function timestamp(name)
            local told = host.machine:script(
               'busctl get-property org.freedesktop.login1 "$1" org.freedesktop.login1.Session "$2"', path, name)
            return tonumber(told:match("%d+")) / 1e6
         end
         local function idle(value)
            host.machine:run_in_session(tostring(id), "busctl", "call", "org.freedesktop.login1", path,
               "org.freedesktop.login1.Session", "SetIdleHint", "b", value)
            kit.await(function() return property(host, id, "IdleHint") == (value == "true" and "yes" or "no") end)
            process.run("sleep 0.11") -- a list may be so old
         end
         local logon = timestamp("Timestamp")
         assert.truthy(math.abs(logon - os.time()) < 100000)
         idle("true")
         local since = timestamp("IdleSinceHint")
         for _, class in ipairs{ 24, 25 } do
            for _, kind in ipairs{ "W", "A" } do
               local info = wtsapi.query(host.server, id)[class][kind]
               assert.near(logon, seconds(info.logon), 0.001)
               assert.near(logon, seconds(info.connect), 0.001)
               assert.near(since, seconds(info.input), 0.001)
            end
         end
         local session = assert(kit.wms.sessions{ session_ids = id, server = host.server })[1]
         assert.near(logon, session.logon_time, 0.001)
         assert.near(since, session.idle_since, 0.001)
         idle("false")
         assert.is_nil(seconds(wtsapi.query(host.server, id)[24].W.input))
         assert.is_nil(assert(kit.wms.sessions{ session_ids = id, server = host.server })[1].idle_since)
      end)

      test("of this machine has its name for a domain, whatever the machine is called", function()
         local host = room({ user = "alice" }, { user = "bob", exempt = true })
         local own = process.run("uname -n"):match("[^.%s]+")
         local environment = "DBUS_SYSTEM_BUS_ADDRESS=unix:path=" .. process.quote(host.server:match("^logind://(.*)$"))
         for _, name in ipairs{ "", own, own:upper(), "localhost", "LOCALHOST", "logind://" } do
            local classes = wtsapi.query(name, host.ids[1], environment)
            assert.same({ W = own, A = own }, both(classes, 7), name)
            assert.same({ own:sub(1, 16), own:sub(1, 17) }, { classes[24].W.domain, classes[25].W.domain })
            local sessions = wtsapi.sessions(name, "listEx", environment)
            assert.same({ "alice", own }, { sessions[host.ids[1]].user, sessions[host.ids[1]].domain })
            assert.same({ false, false }, { sessions[host.ids[2]].user, sessions[host.ids[2]].domain })
         end
      end)

      test("tells at once that a session was unlocked", function()
         local host = room{ user = "alice", locked = true }
         local id = host.ids[1]
         local client = start{ "open", host.server, "class", id, 25, "go", "class", id, 25, "go", "class", 1, 25 }
         client.await("go")
         host.unlock(id)
         kit.await(function() return not host.locked(id) end)
         process.run("sleep 0.11") -- a list may be so old
         client.go()
         client.await("query", 2)
         client.go()
         local lines = client.close()
         local flags = {}
         for _, line in ipairs(lines) do
            if line.command == "query" then
               flags[#flags + 1] = line.flags or line.error
            end
         end
         assert.same({ 0, 1, errors.FILE_NOT_FOUND }, flags)
      end)

      test("about the caller's own session has no answer outside of one", function()
         local host = room{ user = "alice" }
         assert.equal(errors.FILE_NOT_FOUND, (wtsapi.outcome(host.server, { "class", 4294967295, 5 })))
         assert.equal(errors.FILE_NOT_FOUND, (wtsapi.outcome(host.server, { "logoff", 4294967295, 0 })))
      end)
   end)

   describe("an id", function()
      test("that is no number has one", function()
         local host = room{ user = "alice" }
         local text = counted(host.machine, "bob")
         local number = 0x80000000 + tonumber(text:match("^c(%d+)$"))
         assert.equal("bob", wtsapi.sessions(host.server)[number].user)
         assert.equal("bob", wtsapi.query(host.server, number)[5].A.value)
         -- also for a program that has not listed it
         assert.equal(0, (wtsapi.outcome(host.server, { "logoff", number, 1 })))
         assert.is_false(host.exists(text))
         assert.is_true(host.exists(host.ids[1]))
         assert.equal(errors.FILE_NOT_FOUND, (wtsapi.outcome(host.server, { "logoff", number, 1 })))
      end)

      test("that no session has is not found", function()
         local host = room{ user = "alice" }
         for _, id in ipairs{ 0, host.unknown_id(), 0x80000000 + 999999, 0xC0000001, 4294967294 } do
            assert.equal(errors.FILE_NOT_FOUND, (wtsapi.outcome(host.server, { "logoff", id, 0 })))
         end
         assert.is_true(host.exists(host.ids[1]))
      end)
   end)

   describe("an action", function()
      test("logs off one session, and no other", function()
         local host = room({ user = "alice" }, { user = "bob" }, { user = "carol" })
         assert.equal(0, (wtsapi.outcome(host.server, { "logoff", host.ids[2], 1 })))
         assert.is_false(host.exists(host.ids[2]))
         assert.equal(0, (wtsapi.outcome(host.server, { "logoff", host.ids[3], 0 })))
         kit.await(function() return not host.exists(host.ids[3]) end)
         assert.is_true(host.exists(host.ids[1]))
         assert.equal(2, host.asked("close"))
      end)

      test("is seen by the list behind it", function()
         local host = room({ user = "alice" }, { user = "bob" })
         local lines = wtsapi.run{ "open", host.server, "list", "logoff", host.ids[1], 1, "class", host.ids[1], 5, "list" }
         assert.equal(2, lines[2].count)
         assert.equal(1, lines[#lines - 1].count)
         assert.same({ "query", errors.FILE_NOT_FOUND }, { lines[6].command, lines[6].error })
      end)

      test("that Linux cannot do is refused", function()
         local host = room{ user = "alice" }
         local id = host.ids[1]
         assert.equal(errors.NOT_SUPPORTED, (wtsapi.outcome(host.server, { "disconnect", id, 0 })))
         assert.equal(0, host.asked())
      end)

      test("shows messages", function()
         local host = room({ user = "alice" }, { user = "bob", type = "unspecified" })
         assert.equal(errors.NOT_SUPPORTED, (wtsapi.outcome(host.server, { "messageWait", host.ids[1], "Exam", "never" })))
         for _, kind in ipairs{ "message", "messageA" } do
            local code, result = wtsapi.outcome(host.server, { kind, host.ids[1], "Exam", "Ten minutes left" })
            assert.same({ 0, 32001 }, { code, result.response }) -- IDASYNC
            code, result = wtsapi.outcome(host.server, { kind, host.ids[2], "Exam", "Ten minutes left" }) -- no screen
            assert.same({ errors.NOT_SUPPORTED, 0 }, { code, result.response })
         end
         kit.await(function() return host.asked("message") == 2 end)
         assert.truthy(host.shown():find("Exam:\r\n\r\nTen minutes left\r\n", 1, true))
      end)

      test("on a session that is no user's is refused", function()
         local host = room{ user = "bob", exempt = true }
         assert.equal(errors.ACCESS_DENIED, (wtsapi.outcome(host.server, { "logoff", host.ids[1], 0 })))
         assert.is_true(host.exists(host.ids[1]))
      end)
   end)

   describe("an event", function()
      local ALL = wtsapi.event.ALL

      local function asked(host)
         return function()
            for _, message in ipairs(host.monitor:messages()) do
               if message.member == "ListSessions" then
                  return true
               end
            end
         end
      end

      test("tells of a session that comes, and of one that goes", function()
         local host = room{ user = "alice" }
         local END = wtsapi.event.LOGOFF -- a session that comes may change its state once more before it goes
         local client = start{ "open", host.server, "wait", ALL, "go", "wait", END }
         client.await("waiting")
         kit.await(asked(host))
         local id = logind.id(host.machine:session{ user = "bob" })
         local flags = client.await("event").flags
         assert.truthy(wtsapi.has(flags, "CREATE", "LOGON", "STATECHANGE"), flags)
         assert.is_false(wtsapi.has(flags, "DELETE"))
         client.go()
         host.drop(id)
         assert.equal(END, client.await("event", 2).flags)
      end)

      test("between two waits, or between a list and a wait, is not lost", function()
         local host = room{ user = "alice" }
         local mask = wtsapi.event.CREATE + wtsapi.event.DELETE
         local client = start{ "open", host.server, "list", "go", "wait", mask, "go", "wait", mask }
         client.await("go")
         local id = logind.id(host.machine:session{ user = "bob" })
         client.go()
         assert.equal(wtsapi.event.CREATE, client.await("event").flags)
         client.await("go", 2)
         host.drop(id)
         client.go()
         assert.equal(wtsapi.event.DELETE, client.await("event", 2).flags)
      end)

      test("that nobody waits for wakes nobody", function()
         local host = room{ user = "alice" }
         local client = start{ "open", host.server, "list", "wait", wtsapi.event.DELETE }
         client.await("waiting")
         kit.await(asked(host))
         host.machine:session{ user = "bob" }
         host.drop(host.ids[1])
         assert.equal(wtsapi.event.DELETE, client.await("event").flags)
      end)

      test("is told by the host: nobody asks it again and again", function()
         local host = room{ user = "alice" }
         local CREATE, DELETE = wtsapi.event.CREATE, wtsapi.event.DELETE
         local client = start{ "open", host.server, "wait", CREATE, "go", "wait", DELETE, "go", "wait", CREATE }
         client.await("waiting")
         kit.await(asked(host))
         host.machine:session{ user = "bob" }
         assert.equal(CREATE, client.await("event").flags)
         client.await("go")
         host.monitor:reset()
         local since = kit.now()
         client.go()
         client.await("waiting", 2)
         host.drop(host.ids[1])
         assert.equal(DELETE, client.await("event", 2).flags)
         client.go()
         client.await("waiting", 3)
         host.machine:session{ user = "carol" }
         assert.equal(CREATE, client.await("event", 3).flags)
         local lists = host.monitor:count("ListSessions")
         -- On a busy machine the watch may have ended between two waits, and another one have begun.
         assert.truthy(lists == 0 or kit.now() - since > 4 and lists <= 3, lists)
      end)

      test("of a session that has come and gone before anybody looked is told", function()
         local host = room{ user = "alice" }
         local client = start{ "open", host.server, "process", "wait", wtsapi.event.CREATE, "go", "wait",
            wtsapi.event.DELETE }
         client.await("waiting")
         kit.await(asked(host))
         host.machine:session{ user = "bob" }
         client.await("event")
         client.go()
         client.await("waiting", 2)
         local id = ("%.0f"):format(client.await("process").id)
         process.run("kill -STOP " .. id)
         host.drop(logind.id(host.machine:session{ user = "carol" }))
         process.run("kill -CONT " .. id)
         assert.equal(wtsapi.event.DELETE, client.await("event", 2).flags)
      end)

      test("comes although logind was restarted meanwhile", function()
         local host = room{ user = "alice" }
         local client = start{ "open", host.server, "wait", wtsapi.event.CREATE, "go", "wait", wtsapi.event.DELETE }
         client.await("waiting")
         kit.await(asked(host))
         host.machine:session{ user = "bob" }
         client.await("event")
         client.go()
         client.await("waiting", 2)
         host.machine:restart_logind()
         host.drop(host.ids[1])
         assert.equal(wtsapi.event.DELETE, client.await("event", 2).flags)
      end)

      test("does not come once waiting is flushed, or the handle closed", function()
         local host = room{ user = "alice" }
         assert.equal(0, wtsapi.one(wtsapi.run{ "open", host.server, "background", "flush" }, "event").flags)
         local client = start{ "open", host.server, "background", "go", "close", "join", "list" }
         client.await("waiting")
         kit.await(asked(host))
         client.go()
         local lines = client.close()
         assert.same({ errors.INVALID_HANDLE, 0 }, { wtsapi.one(lines, "event").error, wtsapi.one(lines, "event").flags })
         assert.equal(errors.INVALID_HANDLE, wtsapi.one(lines, "list").error)
      end)

      test("cannot come from a host that is gone", function()
         local host = room{ user = "alice" }
         local client = start{ "open", host.server, "wait", ALL, "list" }
         client.await("waiting")
         kit.await(asked(host))
         logind.stop_bus(host, "stop_bus")
         assert.equal(errors.SERVER_UNAVAILABLE, client.await("event").error)
         assert.equal(errors.SERVER_UNAVAILABLE, client.await("list").error)
      end)
   end)

   describe("a host that is lost", function()
      test("under a call ends it with an error", function()
         local host = room{ user = "alice" }
         host.mute()
         local client = start{ "open", host.server, "list" }
         client.await("open")
         kit.await(function()
            return host.monitor:wait("GetSession", 1) or #host.monitor:messages() > 0
         end)
         logind.stop_bus(host, "kill_bus")
         assert.equal(errors.SERVER_UNAVAILABLE, client.await("list").error)
      end)

      test("is found again when it is back", function()
         local host = room{ user = "alice" }
         local client = start{ "open", host.server, "list", "go", "list", "go", "list" }
         client.await("go")
         logind.stop_bus(host, "stop_bus")
         client.go()
         assert.equal(errors.SERVER_UNAVAILABLE, client.await("list", 2).error)
         logind.start_bus(host)
         client.go()
         assert.is_number(client.await("list", 3).count)
      end)

      test("does not hold up the end of a program", function()
         local host = room{ user = "alice" }
         host.mute()
         local before = kit.now()
         assert.same({ "", 3 }, { process.run(wtsapi.command("wtsapi_exit", { host.server })) })
         assert.truthy(kit.now() - before < 30)
      end)
   end)

   describe("many callers", function()
      test("at once are served, each with what was asked", function()
         local host = room({ user = "alice" }, { user = "bob", locked = true }, { user = "carol" })
         local words = { 8, 40, host.server }
         for i, id in ipairs(host.ids) do
            words[#words + 1] = id .. ":" .. host.users[i]
         end
         assert.same({ "fine\n", 0 }, { process.run(wtsapi.command("wtsapi_threads", words)) })
      end)

      test("in processes that were forked have an engine each", function()
         if process.sanitized() then
            pending("a child would inherit the sanitizer's locks")
         end
         local host = room({ user = "alice" }, { user = "bob" })
         local words = { host.server, host.ids[1], host.ids[2] }
         assert.same({ "fine\n", 0 }, { process.run(wtsapi.command("wtsapi_fork", words, wtsapi.forking)) })
         assert.is_false(host.exists(host.ids[1]) or host.exists(host.ids[2]))
      end)

      test("that end in the middle do not keep the others", function()
         local host = room({ user = "alice" }, { user = "bob" })
         local output, code = process.run("timeout 60 env " .. wtsapi.command("wtsapi_terminate", { host.server }))
         assert.same({ "fine\n", 0 }, { output, code })
      end)
   end)
end)

describe("the session API without memory #once", function()
   teardown(logind.down)

   after_each(logind.sweep)

   it("says so, and leaves nothing behind", function()
      local why = wtsapi.missing() or logind.missing()
      if why then
         pending(why)
      elseif process.sanitized() then
         pending("the sanitizers have an allocator of their own")
      end
      local host = logind.host{ sessions = { { user = "alice" }, { user = "bob" } } }
      local preload = ("LD_PRELOAD=%s/spec/preload_oom.so"):format(os.getenv("WMS_BUILD") or "build")
      local output, code = process.run(wtsapi.command("wtsapi_oom", { host.server, host.ids[2], "bob" }, preload))
      assert.equal(0, code, output)
      assert.truthy(tonumber(output:match("^(%d+) rounds\n$")) > 100, output)
   end)
end)
