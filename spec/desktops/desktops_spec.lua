-- SPDX-License-Identifier: MIT
--- Real desktops, each in a real session of a test host: `make desktops`.  WMS_DESKTOP says which one; its packages are in
-- the hosts' root file system: WMS_SPEC_HOSTS_MORE.
local hosts = require "spec.host"
local kit = require "spec.support.kit"
local wms = kit.wms
local fine, fault = kit.fine, kit.fault

local NOBODY_TELLS = "no screen locker of this session tells whether it is locked"

--- By name: what is started, whether its locker tells, whether it shows notifications.
local DESKTOPS = {
   mate = { program = "XDG_CURRENT_DESKTOP=MATE exec mate-session", tells = true, notifies = true },
   xscreensaver = {
      program = "printf 'lock: True\\nmode: blank\\nsplash: False\\n' > $HOME/.xscreensaver\n"
         .. "xscreensaver --no-splash & sleep 2; exec xscreensaver-systemd",
      tells = false,
   },
   xfce = { program = "XDG_CURRENT_DESKTOP=XFCE exec xfce4-session", tells = true, notifies = true },
   cinnamon = { program = "XDG_CURRENT_DESKTOP=X-Cinnamon exec cinnamon-session --session cinnamon2d", tells = true,
      notifies = true },
   kde = { program = "XDG_CURRENT_DESKTOP=KDE exec startplasma-x11", tells = true, notifies = true },
   gnome = { program = "XDG_CURRENT_DESKTOP=GNOME exec gnome-session", tells = true, notifies = true },
}

local name = os.getenv("WMS_DESKTOP")
local desktop_of = name and assert(DESKTOPS[name], "no such desktop")

describe(("the desktop %s #once"):format(name or "(none: see WMS_DESKTOP)"), function()
   local ok, why = hosts.available()
   if not desktop_of or not ok then
      pending(why or "WMS_DESKTOP is not set")
      return
   end

   local machine, desktop, id

   setup(function()
      machine = hosts.up("desktop")
      desktop = machine:desktop{ user = "alice", program = desktop_of.program }
      id = math.tointeger(tonumber(desktop.id)) or desktop.id
      if desktop_of.tells then
         kit.await(function() return wms.sessions(machine.server)[1].locked == false end, nil, 60)
      else
         kit.await(function()
            return select(2, machine:run("sh", "-c", "pgrep -x xscreensaver-sy")) == 0 -- what the kernel keeps of its name
         end, nil, 60)
      end
      local before
      kit.await(function() -- it has drawn itself
         local shot = desktop:screenshot()
         local quiet = before and hosts.difference(before, shot) == 0 and
            (not desktop_of.tells or hosts.difference(shot, ("\0"):rep(#shot)) > 0.8) -- and is not black
         before = shot
         os.execute("sleep 0.5")
         return quiet
      end, nil, 60)
   end)

   teardown(hosts.down)

   after_each(kit.reset)

   --- Waits until the picture differs from `shot` by more than (or less than) a fraction of its pixels.
   local function differs(shot, least, most)
      return desktop:wait(function(other)
         local difference = hosts.difference(shot, other)
         return difference > least and difference < most
      end, 10)
   end

   local function locked()
      return wms.sessions(machine.server)[1].locked
   end

   if desktop_of.tells then
      it("is locked and unlocked, and verified by its own word", function()
         local before = desktop:screenshot()
         local outcome = fine(wms.lock{ session_ids = id, server = machine.server, message = "m", verify = 20,
            stable = 1 })[1]
         assert.same({ "verified", true }, { outcome.state, outcome.changed })
         assert.is_true(locked())
         assert.truthy(differs(before, 0.3, 2), "the picture is the same")
         outcome = fine(wms.unlock{ session_ids = id, server = machine.server, verify = 20, stable = 1 })[1]
         assert.same({ "verified", true }, { outcome.state, outcome.changed })
         assert.is_false(locked())
         assert.truthy(differs(before, -1, 0.1), "the screen is not back")
      end)
   else
      it("is never said to be unlocked", function()
         local function truth()
            local said = machine:run("sh", "-c", [[
               pid=$(pgrep -x xscreensaver | head -n 1)
               export $(tr '\0' '\n' < /proc/$pid/environ | grep ^DISPLAY=)
               setpriv --reuid=alice --regid=alice --init-groups xscreensaver-command -time]])
            return said:find("screen locked", 1, true) ~= nil
         end
         assert.is_nil(locked())
         local err = fault(wms.lock{ session_ids = id, server = machine.server, message = "m", verify = 3 })
         assert.equal("UNVERIFIED", err.code)
         kit.await(truth)
         assert.is_nil(locked())
         err = fault(wms.unlock{ session_ids = id, server = machine.server, verify = 3 })
         assert.equal("UNVERIFIED", err.code)
         assert.truthy(err.message:find(NOBODY_TELLS, 1, true), err.message)
         assert.is_true(truth()) -- it takes no Unlock
      end)
   end

   it(desktop_of.notifies and "shows messages" or "has nobody who shows messages", function()
      local before = desktop:screenshot()
      local options = { session_ids = id, server = machine.server, title = "Lab 1", message = "Ten minutes left" }
      if desktop_of.notifies then
         fine(wms.message(options))
         assert.truthy(differs(before, 0.005, 2), "the picture is the same")
      else
         assert.equal("UNSUPPORTED", fault(wms.message(options)).code)
      end
   end)
end)
