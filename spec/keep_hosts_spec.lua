-- SPDX-License-Identifier: MIT
--- wms.keep with real Linux hosts and lockers, and with MultiPoint hosts, which have to be asked.
local far = require "spec.support.logind_far"
local kit = require "spec.support.kit"
local logind = require "spec.support.logind"
local network = require "spec.host.network"
local multipoint = require "spec.support.multipoint"
local process = require "spec.support.process"
local shared = require "spec.support.keeping"
local wms = kit.wms

local keeping, of = shared.begin, shared.of

--- Runs the keeper until the check holds.
local function await(keeper, check)
   return shared.await(keeper, check, 60)
end

describe("wms.keep with Linux hosts #once", function()
   local keep, sweep = kit.keeper()
   local folder

   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
   end)

   teardown(function()
      process.run("rm -r " .. folder)
      far.down()
   end)

   after_each(function()
      sweep()
      kit.reset()
      logind.sweep()
   end)

   local test = kit.needing(function(why) pending(why) end, logind.missing)

   --- All sessions are as they should be, as the host itself says.
   local function all_are(host, locked, ids)
      return function()
         for _, id in ipairs(ids) do
            if host.locked(id) ~= locked then
               return false
            end
         end
         return true
      end
   end

   test("holds it against a manager who locks again after 200 ms", function()
      local host = logind.host{ sessions = { { locked = true, relock = 0.2 }, { locked = true } } }
      local keeper, told = keeping(keep, { server = host.server, locked = false })
      await(keeper, function() return #of(told, "acted") >= 6 end)
      for _, report in ipairs(of(told, "acted")) do
         assert.is_nil(report.error, report.message)
         assert.equal("unlock", report.verb)
         assert.equal("verified", report.outcome.state)
      end
      host.machine:script("rm -f /run/spec-locker/" .. host.ids[1]) -- the manager gives up
      await(keeper, all_are(host, false, host.ids))
      keeper:wait(0.5)
      assert.is_true(all_are(host, false, host.ids)())
   end)

   test("says that somebody fights, and pauses", function()
      local host = logind.host{ sessions = { { locked = true, relock = 0.1 } } }
      local keeper, told = keeping(keep, { server = host.server, locked = false, limit = 3 })
      await(keeper, function() return of(told, "fight")[1] end)
      assert.same({ 3, host.ids[1] }, { #of(told, "acted"), of(told, "fight")[1].session_id })
      keeper:wait(1)
      assert.equal(3, host.asked "unlock")
   end)

   test("tells of another keeper who wants the contrary, and pauses as he does", function()
      local host = logind.host{ sessions = { {}, {} } }
      local one, told = keeping(keep, { server = host.server, locked = true, limit = 4 })
      local two, told_too = keeping(keep, { server = host.server, locked = false, limit = 4 })
      kit.await(function() return #of(told, "fight") + #of(told_too, "fight") >= 2 end, function()
         one:wait(0.05)
         two:wait(0.05)
      end, 60)
      one:wait(1)
      for _, list in ipairs{ told, told_too } do
         local acted = #of(list, "acted")
         assert.is_true(acted >= 6 and acted <= 8, acted .. " actions") -- four on each of two sessions
      end
      assert.is_true(host.asked "lock" <= 8 and host.asked "unlock" <= 8)
   end)

   test("holds who logs on anew, and who unlocks his own screen", function()
      local host = logind.host{ sessions = { { user = "alice" } } }
      local keeper, told = keeping(keep, { server = host.server, locked = true, restore = true, verify = 60 })
      await(keeper, all_are(host, true, host.ids))
      host.drop(host.ids[1])
      local id = host.open("alice")
      await(keeper, all_are(host, true, { id }))
      host.unlock(id)
      await(keeper, all_are(host, true, { id }))
      await(keeper, function() return #of(told, "acted") == 3 end)
      assert.same({ "found", "opened", "changed" }, kit.pluck(of(told, "acted"), "reason"))
      keeper:stop()
      assert.equal(1, assert(keeper:run()).restored)
      assert.is_false(host.locked(id))
   end)

   test("holds two rooms, one of which is switched off and on", function()
      local one, two = logind.host{ sessions = { {} } }, logind.host{ sessions = { {} } }
      local link = folder .. "/socket" -- its bus is elsewhere each time that it is on
      local function plug()
         process.run(("ln -sfn %s %s"):format(two.machine.socket, link))
      end
      plug()
      local server = "logind://" .. link
      local keeper, told = keeping(keep, { servers = { one.server, server }, locked = true })
      await(keeper, function() return one.locked(one.ids[1]) and two.locked(two.ids[1]) end)
      logind.turn_off(two)
      await(keeper, function() return of(told, "lost")[1] end)
      logind.turn_on(two)
      plug()
      local id = two.open("carol")
      await(keeper, function() return two.locked(id) end)
      assert.equal(server, of(told, "back")[1].server)
      await(keeper, function() return #of(told, "acted") == 3 end)
      for _, report in ipairs(of(told, "acted")) do
         assert.is_nil(report.error, report.message)
      end
   end)

   local over_ssh = kit.needing(function(why) pending(why) end, far.missing)

   over_ssh("puts back at its end what it has changed, on a host that is off then when it is back", function()
      local one, two = logind.host{ sessions = { {} } }, far.host{ sessions = { {}, { locked = true } } }
      local keeper, told = keeping(keep, { servers = { one.server, two.server }, locked = true, restore = true })
      await(keeper, function() return one.locked(one.ids[1]) and two.locked(two.ids[1]) end)
      two.machine:script("systemctl stop spec-sshd")
      network.cut(two.machine)
      await(keeper, function() return of(told, "lost")[1] end)
      keeper:stop()
      await(keeper, function() return of(told, "waiting")[1] end)
      assert.equal(two.server, of(told, "waiting")[1].server)
      await(keeper, function() return not one.locked(one.ids[1]) end)
      assert.is_true(two.locked(two.ids[1]))
      assert.is_false(keeper:done())
      network.restore(two.machine)
      local summary, message = keeper:run()
      assert(summary, message)
      assert.same({ "stopped", 2 }, { summary.reason, summary.restored })
      assert.same({ false, true }, { two.locked(two.ids[1]), two.locked(two.ids[2]) })
   end)

   test("goes on after SIGKILL, and ends what was begun", function()
      local host = logind.host{ sessions = { {}, { locked = true } } }
      local path = folder .. "/state"
      local script = [[
         local wms, keep = require "wms", require "wms.keep"
         local keeper = assert(keep{ server = %q, locked = true, message = "Exam", restore = true, file = %q, after = 1000,
            on_report = function(report)
               if report.kind == "acted" then
                  print "acted"
                  io.stdout:flush()
               end
            end })
         keeper:run()
      ]]
      local command = "echo $$; exec env LUA_PATH='./lua/?.lua;;' LUA_CPATH='%s/5.4/?.so;;' %s -e %s"
      local build = os.getenv("WMS_BUILD") or "build"
      local pipe = io.popen(command:format(build, process.lua(), process.quote(script:format(host.server, path))))
      local pid = pipe:read("*l")
      assert.equal("acted", pipe:read("*l"))
      process.run("kill -9 " .. pid)
      pipe:close()
      assert.is_true(host.locked(host.ids[1]))
      host.unlock(host.ids[1]) -- nobody holds it now
      local keeper, told = keeping(keep, { server = host.server, locked = true, file = path })
      await(keeper, all_are(host, true, host.ids))
      await(keeper, function() return #of(told, "acted") == 1 end)
      assert.equal("resumed", told[1].kind)
      keeper:stop()
      assert.equal(1, assert(keeper:run()).restored)
      assert.same({ false, true }, { host.locked(host.ids[1]), host.locked(host.ids[2]) })
   end)

   --- Copies what the service needs into the host.
   local function install(machine)
      local function put(file, destination)
         machine:put(file, destination)
      end
      local libuv = process.run("ldconfig -p | sed -n 's/.*libuv.so.1 .*=> //p' | head -n 1"):match("%S+")
      put(libuv, "/usr/local/lib/libuv.so.1")
      for _, name in ipairs{ "wms.so", "wms/logind.so" } do
         put("build/5.4/" .. name, "/usr/local/lib/lua/5.4/" .. name)
      end
      for name in process.run("cd lua && find wms -name '*.lua'"):gmatch("[^\n]+") do
         put("lua/" .. name, "/usr/local/share/lua/5.4/" .. name)
      end
      put("bin/wms", "/usr/local/bin/wms")
      process.run(("sed -e 's|@BINDIR@|/usr/local/bin|' mk/wms-keep@.service >%s/unit"):format(folder))
      put(folder .. "/unit", "/usr/local/lib/systemd/system/wms-keep@.service")
      machine:script([[
         chmod 644 /usr/local/lib/systemd/system/wms-keep@.service
         ldconfig
         chmod 755 /usr/local/bin/wms
         mkdir -p /etc/wms/keep
         echo 'OPTIONS=--locked --message "Exam until half past" --restore' >/etc/wms/keep/room1.conf
         echo 'OPTIONS=--unlocked --limit 5000' >/etc/wms/keep/wrong.conf
         id -u wms-keep >/dev/null 2>&1 || useradd --system --no-create-home wms-keep
         cat >/etc/polkit-1/rules.d/10-wms.rules <<'END'
polkit.addRule(function(action, subject) {
   if (action.id == "org.freedesktop.login1.lock-sessions" && subject.user == "wms-keep") {
      return polkit.Result.YES;
   }
});
END
         systemctl reload dbus
         systemctl daemon-reload]])
   end

   test("is a service in its sandbox, which goes on after a crash, and puts back when it is stopped", function()
      if (os.getenv("WMS_BUILD") or "build") ~= "build" then
         pending("the host has no sanitizers")
      end
      local host = logind.host{ sessions = { {}, { locked = true } } }
      local machine = host.machine
      install(machine)
      machine:check("systemctl", "start", "wms-keep@room1") -- returns when the service says that it has begun
      kit.await(all_are(host, true, host.ids))
      kit.await(function()
         return machine:check("systemctl", "show", "-P", "StatusText", "wms-keep@room1"):find("): locked\n", 1, true)
      end)
      machine:check("systemctl", "kill", "--signal=KILL", "wms-keep@room1")
      host.unlock(host.ids[1])
      kit.await(all_are(host, true, host.ids), nil, 60)
      machine:check("systemctl", "stop", "wms-keep@room1")
      assert.same({ false, true }, { host.locked(host.ids[1]), host.locked(host.ids[2]) })
      local journal = machine:check("journalctl", "--quiet", "--no-pager", "-o", "cat", "-u", "wms-keep@room1")
      for _, text in ipairs{ "goes on from /var/lib/wms-keep/room1.keep: 1 session changed", "stopped by SIGTERM",
         "ended (stopped)" } do
         assert.truthy(journal:find(text, 1, true), journal)
      end
      assert.equal("inactive", machine:run("systemctl", "is-active", "wms-keep@room1"):match("%S+"))
      assert.is_nil(journal:find("%d%d:%d%d:%d%d"), journal) -- the journal has the times
      machine:run("systemctl", "start", "wms-keep@wrong")
      kit.await(function()
         return machine:run("systemctl", "show", "-P", "ExecMainStatus", "wms-keep@wrong"):match("%d+") == "2"
      end)
      journal = machine:check("journalctl", "--quiet", "--no-pager", "-o", "cat", "-u", "wms-keep@wrong")
      assert.truthy(journal:find("wms keep: --limit: 5000; give a whole number", 1, true), journal)
   end)
end)

describe("wms.keep with MultiPoint hosts", function()
   local keep, sweep = kit.keeper()

   teardown(multipoint.down)

   after_each(function()
      sweep()
      kit.reset()
      multipoint.sweep()
   end)

   local test = kit.needing(function(why) pending(why) end, multipoint.missing)

   --- A room of which a Manager blocks each session again every 200 ms, and has set the message of Block All once.
   local function blocked_room(server, lab, ids, times)
      lab:set{ block_all = "Blocked", manager = 200 }
      lab:wait("locks", #ids)
      assert(wms.unlock_all{ server = server })
      local keeper, told = keeping(keep, { server = server, locked = false, limit = 1000 })
      await(keeper, function() return #of(told, "acted") >= times end)
      assert.equal(0, #of(told, "fight"))
      lab:set{ manager = -1 }
      local function are_free()
         local sessions = lab:sessions()
         return not sessions[ids[1]].locked and not sessions[ids[2]].locked
      end
      await(keeper, are_free)
      local counts = lab:counts()
      assert.equal("", counts.block_all)
      assert.is_true(counts.longest_block < 5000, counts.longest_block) -- a second, where nothing else takes the processor
      local undone = kit.set{ "UNVERIFIED", "REVERTED" } -- by the Manager, before the host was asked
      for _, report in ipairs(of(told, "acted")) do
         local why = report.error and not undone[report.error.code] and report.message or nil
         assert.same({ "unlock" }, { report.verb, why })
      end
      lab:session{ id = ids[2], flags = 44 }
      await(keeper, are_free)
      keeper:stop()
      assert.equal("stopped", assert(keeper:run()).reason)
   end

   test("leaves a room unlocked whose Manager is in Block All #once", function()
      local host = multipoint.host{ sessions = { {}, {} } }
      blocked_room(host.server, host.lab, host.ids, 4)
   end)

   test("does so each time when the host tells its events #once", function()
      local lab = multipoint.listened_to()
      lab:session{ id = 3, flags = 36 }
      lab:session{ id = 4, flags = 36 }
      blocked_room(lab.server, lab, { 3, 4 }, 12)
   end)

   test("notices what a host does between two questions #once", function()
      local host = multipoint.host{ sessions = { { locked = true } } }
      host.lab:set{ relock = 400 } -- the watch sees it locked before and after
      local keeper, told = keeping(keep, { server = host.server, locked = false, verify = 0.2 })
      await(keeper, function() return #of(told, "acted") >= 3 end)
   end)
end)
