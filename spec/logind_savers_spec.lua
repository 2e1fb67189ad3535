-- SPDX-License-Identifier: MIT
--- Screen savers that never set LockedHint, asked on the bus of their user: what they say, and what becomes of it when
-- they, or their bus, are odd.
local kit = require "spec.support.kit"
local mock = require "spec.support.mock"
local process = require "spec.support.process"
local watching = require "spec.support.watching"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

local NOBODY_TELLS = "no screen locker of this session tells whether it is locked"
local keep, sweep = kit.keeper()
local user, is_root = mock.user, mock.is_root

describe("screen savers on the bus of a session's user #once", function()
   local test = kit.needing(function(why) pending(why) end, mock.missing)
   local host

   after_each(function()
      watching.sweep()
      sweep()
      kit.reset()
   end)

   --- A host with a graphical session, 1, of a user who has a bus.
   local function room()
      local desk
      host, desk = mock.with_screen("x11")
      keep(host)
      return desk
   end

   local function locked()
      return fine(wms.sessions(host.server))[1].locked
   end

   describe("tell of a session in the list", function()
      test("whether it is locked, each by its own name", function()
         local desk = room()
         assert.is_nil(locked()) -- nobody is there
         for _, name in ipairs{ "gnome", "mate", "cinnamon", "xfce", "freedesktop" } do
            for _, active in ipairs{ true, false } do
               desk:run(("saver('%s', %s)"):format(name, active and "True" or "False"))
               assert.equal(active, locked(), name)
            end
            desk:run(("leave('%s')"):format(name))
         end
         assert.is_nil(locked())
      end)

      --- By what two of them say: what is known then.
      for _, case in ipairs{
         { "True", "False", true }, { "False", "False", false }, { "'error'", "False", false }, { "'error'", "True", true },
         { "'error'", "'error'", nil }, { "'text'", "'error'", nil }, { "'text'", "False", false },
         { "'silent'", "True", true }, { "'silent'", "False", nil }, { "'silent'", "'silent'", nil },
         { "'flood'", "'error'", nil }, { "'huge'", "'error'", nil },
      } do
         test(("%s and %s: %s"):format(tostring(case[1]), tostring(case[2]), tostring(case[3])), function()
            local desk = room()
            desk:run(("saver('mate', %s)\nsaver('freedesktop', %s)"):format(case[1], case[2]))
            assert.equal(case[3], locked())
         end)
      end

      test("and are never asked where the hint says that it is locked, or of text terminals", function()
         local desk = room()
         desk:run"saver('mate', False)"
         host:run[[hint(1, True)]]
         assert.is_true(locked())
         host:run[[hint(1, False)]]
         assert.is_false(locked()) -- its locker sets the hint: it is believed
         assert.equal(0, #desk:calls"GetActive")
         host:run(([[add(1, "alice", %d, Type="tty", Timestamp=dbus.UInt64(1800000000000000))]]):format(user))
         assert.is_false(locked())
         assert.equal(0, #desk:calls"GetActive")
         host:run(([[add(1, "alice", %d, Type="wayland", Timestamp=dbus.UInt64(1900000000000000))]]):format(user))
         desk:run"saver('mate', True)"
         assert.is_true(locked())
         assert.equal(1, #desk:calls"GetActive")
      end)

      test("but not of two graphical sessions of one user", function()
         local desk = room()
         desk:run"saver('mate', True)"
         host:run(([[add(2, "alice", %d, Type="x11")]]):format(user))
         local list = fine(wms.sessions(host.server))
         assert.same({ "nil", "nil" }, { tostring(list[1].locked), tostring(list[2].locked) })
         host:run[[sessions["2"]["Type"] = "tty"]]
         list = fine(wms.sessions(host.server))
         assert.same({ true, false }, { list[1].locked, list[2].locked })
         host:run[[sessions["2"].update(Type="x11", State="closing")]]
         assert.is_true(locked())
         host:run[[sessions["2"].update(Type="x11", State="active", Class="greeter")]]
         assert.is_true(locked())
      end)

      test("which is chosen by it", function()
         local desk = room()
         desk:run"saver('cinnamon', True)"
         host:run[[add(2, "bob", 54321, Type="x11")]]
         local list = fine(wms.unlock_all{ server = host.server, where = { locked = true } })
         assert.same({ 1 }, pluck(list, "session_id"))
      end)

      test("and are not asked when nobody reads it", function()
         local desk = room()
         desk:run"saver('mate', True)"
         fine(wms.unlock_all(host.server))
         fine(wms.lock{ session_ids = 1, server = host.server, message = "m" })
         assert.equal(0, #desk:calls"GetActive")
      end)
   end)

   test("of a user who stops his bus cost the list two seconds, and the others nothing", function()
      local desk = room()
      desk:run"saver('mate', True)"
      for i = 2, 9 do
         host:run(([[add(%d, "bob%d", %d, Type="x11")]]):format(i, i, 54320 + i))
      end
      process.run(("kill -STOP %s"):format(desk.bus))
      local start = kit.now()
      local list = fine(wms.sessions{ server = host.server, timeout = 1 })
      local took = kit.now() - start
      process.run(("kill -CONT %s"):format(desk.bus))
      assert.equal(9, #list)
      assert.is_nil(list[1].locked)
      assert.is_true(took < 8, took)
      assert.is_true(locked())
   end)

   test("of other users are asked by root alone", function()
      if not is_root then
         pending("needs to be root")
         return
      end
      local desk = room()
      desk:run"saver('mate', True)"
      local script = ("LUA_CPATH='%s' LUA_PATH='%s' %s"):format(package.cpath, package.path,
         "setpriv --reuid=daemon --regid=daemon --clear-groups lua5.4 -e")
      if process.sanitized() then
         pending("another user's interpreter has no sanitizer inside")
         return
      end
      local output = process.run(([[%s 'for _, s in ipairs(require("wms").sessions("%s")) do print(s.locked) end' 2>&1]])
         :format(script, host.server))
      if output:find("module 'wms' not found", 1, true) then
         pending("this tree is not open to other users")
         return
      end
      assert.equal("nil\n", output)
      assert.is_true(locked())
   end)

   describe("verify", function()
      --- lock, unlock: the saver does what the signal says, since this runs before the engine looks again.
      local function obeying(desk, name)
         wms.configure{ log = nil }
         return function(verb, options)
            options.session_ids, options.server = 1, host.server
            options.message = verb == "lock" and "m" or nil
            local request = keep(wms.start(verb, options))
            kit.pump(request, function() return #host:actions() > 0 end)
            if name then
               desk:run(("change('%s', %s)"):format(name, verb == "lock" and "True" or "False"))
            end
            host:reset()
            return kit.finish(request):result()
         end
      end

      test("of lock and unlock by what they say, and by its changes", function()
         local desk = room()
         host:run"obeys = False"
         for _, name in ipairs{ "gnome", "mate", "cinnamon", "xfce", "freedesktop" } do
            desk:run(("saver('%s', False)"):format(name))
            local command = obeying(desk, name)
            local outcome = fine(command("lock", { verify = 20 }))[1]
            assert.same({ "verified", true }, { outcome.state, outcome.changed })
            assert.is_nil(outcome.note:find(NOBODY_TELLS, 1, true))
            outcome = fine(command("unlock", { verify = 20 }))[1]
            assert.same({ "verified", true }, { outcome.state, outcome.changed })
            assert.is_nil(outcome.note)
            desk:run(("leave('%s')"):format(name))
         end
      end)

      test("waits for one that is slow to answer", function()
         local desk = room()
         host:run"obeys = False"
         desk:run"saver('mate', 'silent')"
         local request = keep(wms.start("unlock", { session_ids = 1, server = host.server, verify = 40, timeout = 60 }))
         kit.pump(request, function() return #host:actions() > 0 and #desk:calls"GetActive" > 0 end)
         local start = kit.now()
         kit.pump(request, function() return kit.now() > start + 4 end) -- nobody else is waited for any longer
         assert.is_false(request:done())
         desk:run"answer('mate', False)"
         assert.same({ "verified" }, pluck(fine(kit.finish(request):result()), "state"))
         desk:run"saver('mate', 'silent')"
         local err = fault(wms.unlock{ session_ids = 1, server = host.server, verify = 5, timeout = 60 })
         assert.equal("UNVERIFIED", err.code)
      end)

      test("watches rather than asks again", function()
         local desk = room()
         host:run"obeys = False"
         desk:run"saver('mate', False)"
         local request = keep(wms.start("lock", { session_ids = 1, server = host.server, message = "m", verify = 30 }))
         kit.pump(request, function() return #host:actions() > 0 and #desk:calls"GetActive" >= 2 end)
         local asked = #desk:calls"GetActive"
         for _ = 1, 20 do
            request:wait(0.02)
         end
         assert.equal(asked, #desk:calls"GetActive")
         assert.is_false(request:done())
         desk:run"change('mate', True)"
         assert.same({ "verified" }, pluck(fine(kit.finish(request):result()), "state"))
      end)

      test("of an unlock where nobody tells is no success", function()
         local desk = room()
         host:run"obeys = False"
         for _, state in ipairs{ "", "'error'", "'text'" } do
            if state ~= "" then
               desk:run(("saver('freedesktop', %s)"):format(state))
            end
            local err = fault(wms.unlock{ session_ids = 1, server = host.server, verify = 30 })
            assert.equal("UNVERIFIED", err.code)
            assert.truthy(err.message:find(NOBODY_TELLS, 1, true), err.message)
            assert.is_nil(err.outcomes[1].changed)
            assert.equal(1, #host:actions())
            host:reset()
         end
      end)

      test("of a lock where nobody tells says so", function()
         room()
         host:run"obeys = False"
         local err = fault(wms.lock{ session_ids = 1, server = host.server, message = "m", verify = 0.2 })
         assert.equal("UNVERIFIED", err.code)
         assert.truthy(err.message:find("does not show whether it is locked", 1, true), err.message)
         assert.truthy(err.outcomes[1].note:find(NOBODY_TELLS, 1, true), err.outcomes[1].note)
      end)

      test("is content with the hint of a locker that sets it, as before", function()
         room()
         for _, changed in ipairs{ true, false } do
            local outcome = fine(wms.lock{ session_ids = 1, server = host.server, message = "m", verify = 30 })[1]
            assert.same({ "verified", changed }, { outcome.state, outcome.changed })
         end
         for _, changed in ipairs{ true, false } do
            local outcome = fine(wms.unlock{ session_ids = 1, server = host.server, verify = 30 })[1]
            assert.same({ "verified", changed }, { outcome.state, outcome.changed })
         end
      end)

      test("of an unlock fails while a saver says that it is locked", function()
         local desk = room()
         host:run"obeys = False"
         desk:run"saver('cinnamon', True)\nsaver('freedesktop', 'error')"
         local err = fault(wms.unlock{ session_ids = 1, server = host.server, verify = 0.5 })
         assert.equal("UNVERIFIED", err.code)
         assert.truthy(err.message:find("is still locked", 1, true), err.message)
      end)

      test("believes no saver where the user has two screens", function()
         local desk = room()
         host:run"obeys = False"
         desk:run"saver('mate', False)"
         host:run(([[add(2, "alice", %d, Type="x11")]]):format(user))
         local err = fault(wms.unlock{ session_ids = 1, server = host.server, verify = 30 })
         assert.truthy(err.message:find(NOBODY_TELLS, 1, true), err.message)
         assert.equal(0, #desk:calls"GetActive")
         host:run(([[sessions["2"].update(Type="tty")]]))
         fine(wms.unlock{ session_ids = 1, server = host.server, verify = 30 })
      end)
   end)

   describe("stable", function()
      local function watched(verb, active)
         local desk = room()
         host:run"obeys = False"
         desk:run(("saver('mate', %s)"):format(active and "True" or "False"))
         local request = keep(wms.start(verb, { session_ids = 1, server = host.server, verify = 30, stable = 60,
            message = verb == "lock" and "m" or nil }))
         kit.pump(request, function() return #host:actions() > 0 and #desk:calls"GetActive" >= 2 end)
         for _ = 1, 10 do
            request:wait(0.02)
         end
         assert.is_false(request:done())
         return request, desk
      end

      test("sees a saver that turns back", function()
         for verb, back in pairs{ lock = "False", unlock = "True" } do
            local request, desk = watched(verb, verb == "lock")
            desk:run(("change('mate', %s)"):format(back))
            assert.equal("REVERTED", fault(kit.finish(request):result()).code)
         end
      end)

      test("of a saver that goes away, or whose bus does, is not verified", function()
         for _, verb in ipairs{ "lock", "unlock" } do
            for _, how in ipairs{ "leave", "kill" } do
               local request, desk = watched(verb, verb == "lock")
               if how == "leave" then
                  desk:run"leave('mate')"
               else
                  process.run("kill -KILL " .. desk.bus)
               end
               local err = fault(kit.finish(request):result())
               assert.equal("UNVERIFIED", err.code)
               assert.truthy(err.message:find(NOBODY_TELLS, 1, true), err.message)
            end
         end
      end)

      test("goes on in the parent when the process forks", function()
         local desk = room()
         host:run"obeys = False"
         desk:run"saver('mate', True)"
         -- A child of a process with threads is no process whose leaks can be looked for.
         local command = "ASAN_OPTIONS=detect_leaks=0 LUA_CPATH='%s' timeout 60 %s lua - <<'END'\n%s\nEND"
         local text = process.run(command:format(package.cpath,
            process.program("fork"), ([[
               local wms, server = require "wms", "%s"
               local request = wms.start("lock", { session_ids = 1, server = server, message = "m", verify = 30,
                  stable = 3 })
               request:wait(1)
               assert(not request:done())
               local pid = fork()
               if pid == 0 then
                  local ok, why = pcall(function()
                     local _, _, err = request:result()
                     assert(err.code == "FORKED")
                     request:close()
                     assert(assert(wms.sessions(server))[1].locked == true)
                  end)
                  io.write(ok and "child " or why)
                  os.exit(0, true)
               end
               wait(pid)
               request:wait()
               io.write(assert(request:result())[1].state)]]):format(host.server)))
         assert.equal("child verified", text)
         assert.equal(2 + 1, #desk:calls"GetActive") -- before, after; the child's
      end)

      test("takes another saver in its place", function()
         local request, desk = watched("unlock", false)
         desk:run"saver('xfce', False)"
         desk:run"leave('mate')"
         for _ = 1, 10 do
            request:wait(0.02)
         end
         desk:run"change('xfce', True)"
         assert.equal("REVERTED", fault(kit.finish(request):result()).code)
      end)
   end)

   describe("are watched", function()
      test("and what they say is told at once", function()
         local desk = room()
         desk:run"saver('mate', False)"
         local seen = watching.new(host.server)
         seen:await("ready")
         for _ = 1, 3 do
            desk:run"change('mate', True)"
            assert.is_true(seen:await("locked 1").session.locked)
            desk:run"change('mate', False)"
            assert.is_false(seen:await("unlocked 1").session.locked)
         end
         desk:run"saver('xfce', False)"
         desk:run"leave('mate')"
         kit.await(function()
            desk:run"change('xfce', True)"
            seen:rest()
            desk:run"change('xfce', False)"
            return #seen:rest().events > 8
         end)
         seen:await("locked 1")
      end)

      test("until the watch ends", function()
         local desk = room()
         desk:run"saver('mate', True)"
         local seen = watching.new(host.server)
         seen:await("ready")
         assert.is_true(seen.watch:sessions()[1].locked)
         watching.sweep()
         assert.is_true(locked())
      end)
   end)
end)
