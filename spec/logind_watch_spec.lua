-- SPDX-License-Identifier: MIT
--- Watching Linux hosts: each change that logind has told, and none that it has not; restarts, and cables that are pulled.
local kit = require "spec.support.kit"
local far = require "spec.support.logind_far"
local logind = require "spec.support.logind"
local mock = require "spec.support.mock"
local network = require "spec.host.network"
local watching = require "spec.support.watching"
local pluck, sorted = kit.pluck, kit.sorted

local function count(list, what)
   local number = 0
   for _, event in ipairs(list) do
      number = number + (event:sub(1, #what) == what and 1 or 0)
   end
   return number
end

describe("watches of Linux hosts #once", function()
   teardown(far.down)

   after_each(function()
      watching.sweep()
      kit.reset()
      logind.sweep()
   end)

   local test = kit.needing(function(why) pending(why) end, far.missing)

   local function ready(servers)
      local seen = watching.new{ servers = servers, timeout = 20 }
      for _ = 1, #servers do
         seen:await("ready")
      end
      seen:take()
      return seen
   end

   --- Sets the sessions' LockedHint to and fro `times` times, as fast as logind takes it, in one process.
   local function storm(host, times)
      host.machine:script([[
         login1=org.freedesktop.login1 times=$1; shift
         paths=()
         for id; do
            path=$(busctl --json=short call $login1 /org/freedesktop/login1 $login1.Manager GetSession s "$id")
            path=${path#*'["'}
            paths+=("${path%%'"]'*}")
         done
         for ((i = 0; i < times; i++)); do
            for path in "${paths[@]}"; do
               busctl call $login1 "$path" $login1.Session SetLockedHint b true
               busctl call $login1 "$path" $login1.Session SetLockedHint b false
            done
         done]], tostring(times), (unpack or table.unpack)(host.names)) -- luacheck: ignore 143
   end

   local function room(adapter, ...)
      local host = adapter.host{ sessions = { ... } }
      host.names = {}
      for i, id in ipairs(host.ids) do
         host.names[i] = tostring(id)
      end
      return host
   end

   test("tell every lock and unlock of a storm, in order, here and over ssh", function()
      local one, two = room(logind, {}, {}), room(far, {}, {})
      local seen = ready{ one.server, two.server }
      storm(one, 25)
      storm(two, 25)
      local told = {} -- server and id -> what was told, in order
      for _ = 1, 4 * 2 * 25 do
         local event = seen:await("")
         local key = event.server .. " " .. event.session.session_id
         told[key] = (told[key] or "") .. event.kind .. " "
      end
      for _, host in ipairs{ one, two } do
         for _, id in ipairs(host.ids) do
            assert.equal(("locked unlocked "):rep(25), told[host.server .. " " .. id])
         end
      end
      seen.events, seen.read = {}, 0
      assert.same({}, seen:take())
   end)

   test("tell sessions that come and go, however short they are", function()
      local host = room(logind)
      local seen = ready{ host.server }
      local ids = {}
      for i = 1, 10 do
         ids[i] = host.open(i % 2 == 0 and "alice" or "bob")
         if i % 3 == 0 then
            host.lock(ids[i])
         end
         if i % 2 == 0 then
            host.drop(ids[i])
         end
      end
      host.machine:script("for i in 1 2 3 4 5; do systemd-run --quiet --wait -p User=carol -p PAMName=login true; done")
      seen:await("closed " .. ids[10])
      kit.await(function()
         return count(seen:rest():all(), "opened") == 15 and count(seen:all(), "closed") == 10
      end)
      local list = seen:all()
      for i, id in ipairs(ids) do
         assert.equal(1, count(list, "opened " .. id), table.concat(list, ", "))
         assert.equal(i % 3 == 0 and 1 or 0, count(list, "locked " .. id), table.concat(list, ", "))
         assert.equal(i % 2 == 0 and 1 or 0, count(list, "closed " .. id), table.concat(list, ", "))
      end
      assert.same(sorted{ ids[1], ids[3], ids[5], ids[7], ids[9] }, sorted(pluck(seen.watch:sessions(), "session_id")))
   end)

   test("over ssh tell no session of which nothing but its end is known: it may be of a connection of ours", function()
      local host = room(far)
      local seen = ready{ host.server }
      host.machine:script("for i in 1 2 3 4 5; do systemd-run --quiet --wait -p User=carol -p PAMName=login true; done")
      seen:await("opened " .. host.open("carol"))
      for _, event in ipairs(seen.events) do
         assert.is_true(not event.session or event.session.user_name ~= nil)
      end
   end)

   test("are back after a restart of logind, and tell what has changed", function()
      local host = room(logind, { user = "alice" }, { user = "bob" })
      local seen = ready{ host.server }
      host.machine:restart_logind()
      local event = seen:await("lost")
      assert.same({ "UNREACHABLE", "restarted" }, { event.error.code, event.error.message:match("restarted") })
      seen:await("back")
      host.drop(host.ids[1])
      seen:await("closed " .. host.ids[1])
      local id = host.open("carol")
      seen:await("opened " .. id)
   end)

   test("are back after the bus was gone", function()
      local host = room(logind, { user = "alice" })
      local seen = ready{ host.server }
      logind.stop_bus(host, "kill_bus")
      seen:await("lost UNREACHABLE")
      logind.start_bus(host)
      seen:await("back")
      local id = host.open("carol")
      seen:await("opened " .. id)
   end)

   test("over ssh are back after a cable was pulled, and tell what has changed meanwhile", function()
      local host = room(far, { user = "alice" }, { user = "bob" })
      local seen = ready{ host.server }
      network.cut(host.machine)
      seen:await("lost UNREACHABLE")
      host.drop(host.ids[1])
      host.lock(host.ids[2])
      seen:await("back")
      seen:await("closed " .. host.ids[1])
      seen.read = 0
      seen:await("locked " .. host.ids[2])
      assert.same({ host.ids[2] }, pluck(seen.watch:sessions(), "session_id"))
   end)

   test("over ssh notice a host that has gone without a word within a minute, and that it is there again", function()
      local host = room(far, { user = "alice" }, { user = "bob" })
      local seen = ready{ host.server }
      finally(function() network.cable(host.machine, true) end)
      network.silence(host.machine)
      host.drop(host.ids[1])
      host.lock(host.ids[2])
      seen:await("lost", nil, 90) -- UNREACHABLE; TIMEOUT if it happens to be listed meanwhile
      local told = seen:take()
      assert.same({ 0, 0 }, { count(told, "closed " .. host.ids[1]), count(told, "locked " .. host.ids[2]) })
      network.cable(host.machine, true)
      seen:await("back", nil, 90)
      seen:await("closed " .. host.ids[1])
      seen.read = 0
      seen:await("locked " .. host.ids[2])
      assert.same({ host.ids[2] }, pluck(seen.watch:sessions(), "session_id"))
   end)

   test("over ssh lose nothing while a cable is silent for less than that", function()
      local host = room(far, { user = "alice" })
      local seen = ready{ host.server }
      finally(function() network.cable(host.machine, true) end)
      network.silence(host.machine)
      storm(host, 3)
      local id = host.open("bob")
      assert.same({}, seen:take())
      network.cable(host.machine, true)
      seen:await("opened " .. id, nil, 60)
      local changes = ("locked ID, unlocked ID, "):rep(3):gsub("ID", tostring(host.ids[1]))
      assert.equal(changes .. "opened " .. id, table.concat(seen:all(), ", "))
   end)

   test("over ssh are back after the host was switched off and on, and tell that all its sessions are gone", function()
      local host = room(far, { user = "alice" }, { user = "bob" })
      local seen = ready{ host.server }
      logind.turn_off(host)
      far.turn_on(host)
      local id = host.open("carol")
      seen:await("lost UNREACHABLE", nil, 90)
      seen:await("back", nil, 90)
      for _, former in ipairs(host.ids) do
         seen.read = 0
         seen:await("closed " .. former)
      end
      seen.read = 0
      seen:await("opened " .. id)
      assert.same({ id }, pluck(seen.watch:sessions(), "session_id"))
   end)

   test("over ssh are back after the bus was gone", function()
      local host = room(far, { user = "alice" })
      local seen = ready{ host.server }
      logind.stop_bus(host, "kill_bus")
      seen:await("lost UNREACHABLE")
      logind.start_bus(host)
      seen:await("back", nil, 90)
      seen:await("opened " .. host.open("carol"))
   end)
end)

describe("watches of an odd logind #once", function()
   local keep, sweep = kit.keeper()

   after_each(function()
      watching.sweep()
      sweep()
      kit.reset()
   end)

   local test = kit.needing(function(why) pending(why) end, mock.missing)

   local function room()
      local host = keep(mock.new())
      host:run[[add(1, "alice", 1001)
         own = "1"]]
      local seen = watching.new(host.server)
      seen:await("ready")
      return host, seen
   end

   test("read so many new sessions at a time, each once; if there are more, they list all", function()
      local host, seen = room()
      host:run[[fail[("GetAll", "?")] = BUS_ERROR + "UnknownMethod"]]
      host:run[[add(2, "bob", 1002)]]
      host:run((([[for i in range(10000): signal(PATH, NAME + ".Manager", "SessionNew", "so",
         "x%d" % (i // 2) if i < 5000 else "y%d" % i, dbus.ObjectPath(path_of("none")))]]):gsub("\n%s+", " ")))
      kit.await(function()
         seen:rest()
         local lists = 0
         for _, line in ipairs(host:lines()) do
            lists = lists + (line == "ListSessions()" and 1 or 0)
         end
         return lists == 2
      end)
      seen:await("opened 2")
      kit.await(function() return count(seen:rest():all(), "closed") >= 4096 end)
      assert.equal(2500, count(seen:all(), "opened x"))
      assert.equal(4096 - 2500, count(seen:all(), "opened y"))
      host:run[[remove(2)]]
      seen:await("closed 2")
   end)

   test("hear of the first session of an empty host", function()
      local host = keep(mock.new())
      local seen = watching.new(host.server)
      seen:await("ready")
      host:run[[add(2, "bob", 1002)]]
      host:run[[signal(PATH, NAME + ".Manager", "SessionNew", "so", "2", dbus.ObjectPath(path_of("2")))]]
      seen:await("opened 2")
   end)

   test("hear nothing of ids that no host may have", function()
      local host, seen = room()
      host:run[[add("x" * 256, "bob", 1002)
         signal(PATH, NAME + ".Manager", "SessionNew", "so", "x" * 256, dbus.ObjectPath(path_of("x" * 256)))
         signal(PATH, NAME + ".Manager", "SessionRemoved", "so", "x" * 1000000, dbus.ObjectPath(path_of("x")))
         hint(1, True)]]
      seen:await("locked 1")
      assert.same({ "ready", "locked 1" }, seen:take())
   end)

   test("know whose a session is when its properties are read again", function()
      local host, seen = room()
      assert.is_true(seen.watch:sessions()[1].is_own)
      host:run[[sessions["1"]["State"] = "online"]]
      host:run((([[signal(path_of("1"), "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
         NAME + ".Session", dbus.Dictionary({"Active": False}, signature="sv"), dbus.Array([], signature="s"))]])
            :gsub("\n%s+", " ")))
      kit.await(function()
         seen.watch:next(0.05)
         return seen.watch:sessions()[1].state == "online"
      end)
      assert.is_true(seen.watch:sessions()[1].is_own)
   end)
end)
