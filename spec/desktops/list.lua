-- SPDX-License-Identifier: MIT
--- The desktops of desktops_spec.lua, by name.  Of each:
--    packages, suite   what its root file system has beyond the usual, and of which Debian release (bookworm)
--    program           what is started in the session; none: xss-lock with i3lock, and dunst
--    opengl, width, height, type, prepare(host), screenshot(desktop)    of the screen, see Host:desktop
--    locks, unlocks    whether it obeys Lock and Unlock
--    tells             whether its locker tells
--    locker            the program (what the kernel keeps of its name) that unlocks, to be stopped
--    notifies          whether it shows notifications
local FONTS, OPENGL = " fonts-dejavu-core", " libgl1-mesa-dri"
-- One root file system for the three that are a part of `make test`.
local SMALL = "mate-session-manager mate-screensaver mate-notification-daemon mate-settings-daemon marco"
   .. " xscreensaver" .. FONTS

return {
   mate = {
      packages = SMALL, program = "XDG_CURRENT_DESKTOP=MATE exec mate-session",
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
      program = "XDG_CURRENT_DESKTOP=XFCE exec xfce4-session",
      locks = true, unlocks = true, tells = true, locker = "xfce4-screensav", notifies = true,
   },
   cinnamon = {
      packages = "cinnamon cinnamon-screensaver" .. FONTS .. OPENGL, opengl = true,
      program = "XDG_CURRENT_DESKTOP=X-Cinnamon exec cinnamon-session --session cinnamon",
      locks = true, unlocks = true, tells = true, locker = "cinnamon-screen", notifies = true,
   },
   kde = {
      packages = "plasma-desktop plasma-workspace kwin-x11" .. FONTS .. OPENGL, opengl = true,
      program = "XDG_CURRENT_DESKTOP=KDE exec startplasma-x11",
      locks = true, unlocks = true, tells = true, locker = "ksmserver", notifies = true,
   },
   sway = {
      packages = "sway swayidle swaylock grim mako-notifier foot" .. FONTS, type = "wayland", program = "exec sway",
      locks = true, unlocks = true, notifies = true,
   },
   gnome = {
      packages = "gnome-shell gnome-session gnome-settings-daemon gdm3" .. FONTS .. OPENGL, opengl = true,
      program = "XDG_CURRENT_DESKTOP=GNOME exec gnome-session",
      locks = true, unlocks = true, tells = true, locker = "gnome-shell", notifies = true,
   },
}
