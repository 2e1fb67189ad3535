-- SPDX-License-Identifier: MIT
--- Real desktops, each in a real session of a test host: lock, unlock, verify, stable, `locked` and message, compared with
--- what is on its screen; pictures are left in build/desktops.  WMS_DESKTOPS names those of spec/desktops/list.lua that
--- are meant (`make desktops`); if it is not set, they are the few whose root file system is small.
local desktops = require "spec.desktops.list"
local hosts = require "spec.host"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms
local fine, fault = kit.fine, kit.fault

local NOBODY_TELLS = "no screen locker of this session tells whether it is locked"
local unpack = table.unpack or unpack -- luacheck: ignore 143
local LIMIT = 300 -- seconds: a desktop may draw by software, on a busy machine

local folder = (os.getenv("WMS_BUILD") or "build") .. "/desktops"
os.execute("mkdir -p " .. folder)

local function pause()
   os.execute("sleep 0.1")
end

--- Does it come to hold within `seconds`?
local function within(seconds, check)
   local limit = kit.now() + seconds
   while not check() do
      if kit.now() > limit then
         return false
      end
      pause()
   end
   return true
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

      --- Keeps what is on the screen, for people who want to look.
      local function picture(step)
         local shot = desktop:screenshot():gsub("(.)(.)(.).", "%3%2%1")
         local file = assert(io.open(("%s/%s-%s.ppm"):format(folder, name, step), "wb"))
         file:write(("P6 %d %d 255\n"):format(desktop.width, desktop.height), shot)
         file:close()
      end

      --- Is the window of the session's user on the screen?
      local function open()
         return desktop:share("\255\0\255") > 0.03
      end

      local function shut()
         return desktop:share("\255\0\255") == 0
      end

      --- A screen saver that locks nothing is over when somebody touches mouse and keys.
      local function stays_shut()
         if window then
            desktop:touch()
            assert.is_false(within(3, open))
         end
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
            machine:check(unpack(row.prepare))
         end
         desktop = machine:desktop{ user = "alice", program = row.program, notifications = not row.program,
            type = row.type, opengl = row.opengl, width = row.width, height = row.height }
         id = desktop.id
         desktop.screenshot = row.screenshot -- or that of every desktop
         local function busctl(...)
            return select(2, machine:run_as("alice", "busctl", "--address=unix:path=/run/user/1000/bus", ...)) == 0
         end
         if row.shell then
            await(function() return busctl("status", row.shell) end)
         end
         if row.begin then
            await(function() return busctl(unpack(row.begin)) end)
         end
         local before
         await(function() -- it has drawn itself
            local shot = desktop:screenshot()
            local quiet = shot == before
            before = shot
            os.execute("sleep 1")
            return quiet
         end)
         if not row.screenshot then
            local width, height = desktop.width, desktop.height
            window = desktop:window(("%.0f %.0f %.0f %.0f 0xff00ff"):format(width / 2, height / 3, width / 3, height / 3))
         end
         await(open)
         picture("open")
         if row.gone then
            await(function() return select(2, machine:run("pgrep", "-x", row.gone)) == 1 end)
         end
         -- Until it listens to logind, signals are lost.
         if row.locks and row.unlocks then
            await(function()
               machine:lock(id)
               return within(2, shut) and (not row.tells or locked())
            end)
            await(function()
               machine:unlock(id)
               return within(2, open) and (not row.tells or locked() == false)
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
            stays_shut()
            picture("locked")
            assert.is_true(locked())
            outcome = fine(command("unlock", LIMIT))[1]
            assert.same({ "verified", true }, { outcome.state, outcome.changed })
            assert.is_false(locked())
            await(open)
            picture("unlocked")
         end)

         it("is never said to be unlocked by a locker that hangs", function()
            fine(command("lock", LIMIT))
            await(shut)
            machine:check("pkill", "-STOP", "-x", row.locker)
            assert.equal("UNVERIFIED", fault(command("unlock", 3)).code)
            assert.is_not_false(locked())
            assert.is_true(shut())
            machine:check("pkill", "-CONT", "-x", row.locker) -- it finds that Unlock
            await(open)
            await(function() return locked() == false end)
         end)
      elseif row.locks then
         it("is never said to be locked or unlocked", function()
            assert.is_nil(locked())
            await(function() -- when it listens is not told either
               assert.equal("UNVERIFIED", fault(command("lock", 2)).code)
               return within(2, shut)
            end)
            stays_shut()
            picture("locked")
            assert.is_nil(locked())
            local err = fault(command("unlock", 3))
            assert.equal("UNVERIFIED", err.code)
            assert.truthy(err.message:find(NOBODY_TELLS, 1, true), err.message)
            assert.is_nil(locked())
            if row.unlocks then
               await(open)
            else
               assert.is_false(within(2, open))
            end
            picture("unlocked")
         end)
      end

      if not row.locks then
         it("is never said to be locked", function()
            assert.is_not_true(locked())
            assert.equal("UNVERIFIED", fault(command("lock", 3)).code)
            assert.is_true(open())
            assert.is_not_true(locked())
         end)
      end

      it(row.notifies and "shows messages" or "has nobody who shows messages", function()
         if process.sanitized() or _VERSION ~= "Lua 5.4" then
            pending("a test host has Lua 5.4 alone, and no library of the sanitizers")
            return
         end
         -- From inside, as on a machine of its own: Cinnamon shows nothing of programs whose number it cannot see.
         machine:put(process.module("wms"), "/opt/wms/wms.so")
         machine:put(process.module("wms.logind"), "/opt/wms/wms/logind.so")
         local before = desktop:screenshot()
         local said = machine:run("env", "LUA_CPATH=/opt/wms/?.so", "lua5.4", "-e", ([[
            local list, _, err = require("wms").message{ session_ids = "%s", title = "Lab 1", message = "Ten minutes left" }
            print(list and list[1].state or err.code)]]):format(id))
         assert.equal(row.notifies and "requested\n" or "UNSUPPORTED\n", said)
         if row.notifies == true then
            await(function() return hosts.difference(before, desktop:screenshot()) > 0.02 end)
            picture("message")
         end
      end)
   end)
end
