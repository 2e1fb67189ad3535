-- SPDX-License-Identifier: MIT
--- Real desktops, each in a real session of a test host: lock, unlock, verify, stable, `locked` and message, compared with
--- what is on its screen.  WMS_DESKTOPS names those of spec/desktops/list.lua that are meant (`make desktops`); if it is not
--- set, they are the few whose root file system is small.
local desktops = require "spec.desktops.list"
local hosts = require "spec.host"
local kit = require "spec.support.kit"
local wms = kit.wms
local fine, fault = kit.fine, kit.fault

local NOBODY_TELLS = "no screen locker of this session tells whether it is locked"
local LIMIT = 120 -- seconds: a desktop may draw by software, on a busy machine

local function pause()
   os.execute("sleep 0.1")
end

local function await(check)
   return kit.await(check, pause, LIMIT)
end

for name in (os.getenv("WMS_DESKTOPS") or "mate xscreensaver i3lock"):gmatch("%S+") do
   describe(("the desktop %s #once"):format(name), function()
      local row = assert(desktops[name], "no such desktop: " .. name)
      hosts.root(row.packages, row.suite)
      local ok, why = hosts.available()
      if ok then
         ok, why = hosts.build() -- where no registry can be reached it is not to be had
      end
      if not ok then
         pending(why)
         return
      end

      local machine, desktop, id, window

      local function locked()
         return fine(wms.sessions(machine.server))[1].locked
      end

      --- Is the window of the session's user on the screen?
      local function open()
         return desktop:share("\255\0\255") > 0.03
      end

      local function shut()
         return desktop:share("\255\0\255") == 0
      end

      local function command(verb, seconds)
         return wms[verb]{ session_ids = id, server = machine.server, message = verb == "lock" and "m" or nil,
            verify = seconds, stable = 1, timeout = LIMIT + 10 }
      end

      setup(function()
         machine = hosts.up("desktop")
         -- Of several that show notifications, the desktop's own.
         machine:script("[ -z \"$1\" ] || rm /usr/share/dbus-1/services/org.knopwob.dunst.service", row.program or "")
         if row.prepare then
            row.prepare(machine)
         end
         desktop = machine:desktop{ user = "alice", program = row.program, notifications = not row.program,
            type = row.type, opengl = row.opengl, width = row.width, height = row.height }
         id = desktop.id
         if row.screenshot then
            desktop.screenshot = row.screenshot
         else
            window = desktop:window("150 100 120 90 0xff00ff")
         end
         await(open)
         -- Until it listens to logind, signals are lost.
         if row.locks and row.unlocks then
            await(function()
               machine:lock(id)
               return hosts.wait(shut, 2) and (not row.tells or locked())
            end)
            await(function()
               machine:unlock(id)
               return hosts.wait(open, 2) and (not row.tells or locked() == false)
            end)
         end
      end)

      teardown(function()
         hosts.down()
         if window then
            window:close()
         end
      end)

      after_each(kit.reset)

      if row.locks and row.tells then
         it("is locked and unlocked, and verified by its own word", function()
            local outcome = fine(command("lock", LIMIT))[1]
            assert.same({ "verified", true }, { outcome.state, outcome.changed })
            assert.is_true(locked())
            await(shut)
            assert.is_true(locked())
            outcome = fine(command("unlock", LIMIT))[1]
            assert.same({ "verified", true }, { outcome.state, outcome.changed })
            assert.is_false(locked())
            await(open)
         end)

         it("is never said to be unlocked by a locker that hangs", function()
            fine(command("lock", LIMIT))
            await(shut)
            machine:check("pkill", "-STOP", "-x", row.locker)
            assert.equal("UNVERIFIED", fault(command("unlock", 3)).code)
            assert.is_not_false(locked())
            assert.is_true(shut())
            machine:check("pkill", "-CONT", "-x", row.locker)
            fine(command("unlock", LIMIT))
            await(open)
         end)
      elseif row.locks then
         it("is never said to be locked or unlocked", function()
            assert.is_nil(locked())
            await(function() -- when it listens is not told either
               assert.equal("UNVERIFIED", fault(command("lock", 2)).code)
               return hosts.wait(shut, 2)
            end)
            assert.is_nil(locked())
            local err = fault(command("unlock", 3))
            assert.equal("UNVERIFIED", err.code)
            assert.truthy(err.message:find(NOBODY_TELLS, 1, true), err.message)
            assert.is_nil(locked())
            if row.unlocks then
               await(open)
            else
               assert.is_nil(hosts.wait(open, 2))
            end
         end)
      end

      it(row.notifies and "shows messages" or "has nobody who shows messages", function()
         local options = { session_ids = id, server = machine.server, title = "Lab 1", message = "Ten minutes left" }
         if row.notifies then
            local before = desktop:screenshot()
            fine(wms.message(options))
            await(function() return hosts.difference(before, desktop:screenshot()) > 0.02 end)
         else
            assert.equal("UNSUPPORTED", fault(wms.message(options)).code)
         end
      end)
   end)
end
