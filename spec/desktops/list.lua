-- SPDX-License-Identifier: MIT
--- The desktops of desktops_spec.lua, by name.  Of each:
--    packages, suite   what its root file system has beyond the usual, and of which Debian release (bookworm)
--    program           what is started in the session; none: xss-lock with i3lock, and dunst
--    prepare           a command of root before the session
--    opengl, width, height, type, screenshot(desktop)    of the screen, see Host:desktop
--    locks, unlocks    whether it obeys Lock and Unlock
--    tells             whether its locker tells
--    shell             the name on the user's bus of what draws the desktop
--    begin             what busctl is to do on the user's bus then
--    gone              the program of its locker that ends by itself before anything is tested
--    locker            the program (what the kernel keeps of its name) that unlocks, to be stopped
--    notifies          whether it shows notifications ("later": takes them, while it shows one of its own)
local hosts = require "spec.host"

local FONTS, OPENGL = " fonts-dejavu-core", " libgl1-mesa-dri"
-- One root file system for the three that are a part of `make test`.
local SMALL = "mate-session-manager mate-screensaver mate-notification-daemon mate-settings-daemon marco"
   .. " xscreensaver" .. FONTS

local CINNAMON = "cinnamon cinnamon-screensaver x11-utils" .. FONTS .. OPENGL
local GNOME = "gnome-shell gnome-session gnome-settings-daemon gdm3 gjs" .. FONTS .. OPENGL
local HIDE_OVERVIEW = { "set-property", "org.gnome.Shell", "/org/gnome/Shell", "org.gnome.Shell", "OverviewActive", "b",
   "false" }

return {
   mate = {
      packages = SMALL, program = "XDG_CURRENT_DESKTOP=MATE exec mate-session", shell = "org.gnome.SessionManager",
      locks = true, unlocks = true, tells = true, locker = "mate-screensave", notifies = true,
   },
   xscreensaver = {
      packages = SMALL,
      program = "printf 'lock: True\\nmode: blank\\nsplash: False\\n' > $HOME/.xscreensaver\n"
         .. "xscreensaver --no-splash & sleep 2; exec xscreensaver-systemd",
      locks = true,
   },
   i3lock = {
      packages = SMALL,
      locks = true, unlocks = true, tells = true, locker = "i3lock", notifies = true,
   },
   xfce = {
      packages = "xfce4-session xfce4-screensaver xfce4-notifyd xfce4-settings xfwm4 xfdesktop4" .. FONTS, suite = "trixie",
      program = "XDG_CURRENT_DESKTOP=XFCE exec xfce4-session", shell = "org.xfce.xfdesktop",
      locks = true, unlocks = true, tells = true, locker = "xfce4-screensav", notifies = true,
   },
   cinnamon = {
      packages = CINNAMON, opengl = true, width = 640, height = 480, shell = "org.Cinnamon",
      program = "cinnamon-screensaver --hold & XDG_CURRENT_DESKTOP=X-Cinnamon exec cinnamon-session --session cinnamon",
      locks = true, unlocks = true, tells = true, locker = "cinnamon-screen", notifies = true,
   },
   ["cinnamon-idle"] = { -- without --hold its saver ends when it has had nothing to do for 30 s
      packages = CINNAMON, opengl = true, width = 640, height = 480, shell = "org.Cinnamon",
      program = "XDG_CURRENT_DESKTOP=X-Cinnamon exec cinnamon-session --session cinnamon",
      gone = "cinnamon-screen", notifies = true,
   },
   kde = {
      packages = "plasma-desktop plasma-workspace kwin-x11" .. FONTS .. OPENGL, opengl = true,
      program = "XDG_CURRENT_DESKTOP=KDE exec startplasma-x11", shell = "org.kde.plasmashell",
      locks = true, unlocks = true, tells = true, locker = "ksmserver", notifies = true,
   },
   sway = { -- swayidle listens to logind, and runs swaylock; "open" is a terminal on all of the screen
      packages = "sway swayidle swaylock grim mako-notifier foot" .. FONTS, type = "wayland",
      program = [[
         mkdir -p .config/sway
         printf '%s\n' > .config/sway/config 'output HEADLESS-1 resolution 320x240' 'exec mako' \
            'exec foot -o colors.background=ff00ff -o colors.foreground=ff00ff sleep infinity' \
            "exec swayidle -w lock 'swaylock -f -c 202020' unlock 'pkill -USR1 -x swaylock'"
         export WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1 XDG_CURRENT_DESKTOP=sway
         exec sway]],
      screenshot = function(desktop)
         local picture = desktop.shared .. "/picture"
         assert(hosts.wait(function()
            return select(2, desktop.host:run_as("alice", "env", "XDG_RUNTIME_DIR=/run/user/1000",
               "WAYLAND_DISPLAY=wayland-1", "grim", "-t", "ppm", picture)) == 0
         end, 60), "there is no picture of the screen")
         local file = assert(io.open(desktop.host.root .. picture, "rb"))
         local size, pixels = file:read("*a"):match("^P6%s+(%d+%s+%d+)%s+255%s(.*)$")
         file:close()
         assert(size:gsub("%s+", " ") == ("%d %d"):format(desktop.width, desktop.height), size)
         return (pixels:gsub("(.)(.)(.)", "%3%2%1\0")) -- as of any desktop
      end,
      locks = true, unlocks = true, notifies = true,
   },
   gnome = {
      packages = GNOME, opengl = true, width = 640, height = 480, prepare = { "systemctl", "start", "gdm3" },
      program = "XDG_CURRENT_DESKTOP=GNOME exec gnome-session", shell = "org.gnome.Shell", begin = HIDE_OVERVIEW,
      locks = true, unlocks = true, tells = true, locker = "gnome-shell", notifies = true,
   },
   ["gnome-alone"] = { -- GNOME's shell leaves locking to gdm
      packages = GNOME, opengl = true, width = 640, height = 480,
      program = "XDG_CURRENT_DESKTOP=GNOME exec gnome-session", shell = "org.gnome.Shell", begin = HIDE_OVERVIEW,
      notifies = "later", -- it shows that locking is off, until somebody is there
   },
}
