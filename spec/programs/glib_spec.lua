-- SPDX-License-Identifier: MIT
--- The service of the example with GLib's loop, in front of real hosts.
local assert = require "luassert"
local busted = require "busted"

local it = busted.it

local NAME, PATH = "example.school.Rooms", "/example/school/Rooms"

--- The same kind of program without wms, before there is the service.
local PLAIN = [[
   local GLib = require "lgi".GLib
   local bus = require "lgi".Gio.bus_get_sync "SYSTEM"
   GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, 15, os.exit)
   io.stdout:write "up\n"
   io.stdout:flush()
   GLib.MainLoop():run()]]

--- Two times a second the service collects garbage: what a wrapper of lgi's holds is not counted by Lua.
local COLLECT = [[
   local GLib = require "lgi".GLib
   GLib.timeout_add(GLib.PRIORITY_DEFAULT, 500, function()
      collectgarbage()
      return true
   end)]]

local function call(school, count, parallel, ...)
   return school:begin("python3", "-B", "spec/programs/bus.py", school.machine.socket, count, parallel, NAME, PATH, ...)
end

local function start(school, again)
   if again then
      school.machine:script([[
         echo "$1" > /run/collect.lua
         mkdir -p /etc/systemd/system/rooms.service.d
         printf '[Service]\nEnvironment=LUA_INIT=@/run/collect.lua\n' > /etc/systemd/system/rooms.service.d/collect.conf
         systemctl daemon-reload
         systemctl reset-failed rooms 2> /dev/null || :
         systemctl restart rooms]], COLLECT)
      return
   end
   school.machine:script([[
      printf '#!/usr/bin/lua5.3\n%s\n' "$1" > /run/plain
      chmod 755 /run/plain
      systemd-run --quiet --unit=plain -p StandardOutput=file:/run/plain.out /run/plain
      for try in $(seq 500); do [ ! -s /run/plain.out ] || break; sleep 0.02; done]], PLAIN)
end

--- The service, or what has its place before it is there.
local function processes(school)
   local list = {}
   for _, unit in ipairs{ "rooms", "plain" } do
      list[#list + 1] = school.machine:run("systemctl", "show", "--value", "--property=MainPID", unit):match("[1-9]%d*")
   end
   return { list[1] }
end

require "spec.programs.serving".spec("glib", {
   start = start,
   processes = processes,

   unlock = function(school, room, count, parallel)
      return call(school, count, parallel, NAME, "Unlock", room)
   end,

   others = function(school, count)
      return call(school, count, 1, "org.freedesktop.DBus.Introspectable", "Introspect")
   end,

   careless = function(school)
      return school.machine:script [[
         systemctl stop rooms
         sed '/^main:run()/i \
            loop.start("close_all", { server = "@room1" }, function(_, _, err) print(err.code) os.exit() end)' \
            /usr/local/libexec/rooms > /run/careless
         runuser -u rooms -- env XDG_CONFIG_HOME=/var/lib/rooms lua5.3 /run/careless
         systemctl start rooms]]
   end,

   strangers = {
      function(school)
         return school.machine:run_as("bob", "busctl", "call", NAME, PATH, NAME, "Unlock", "s", "room1")
      end,
   },
   refused = "[Aa]ccess denied",

   more = function(school, begin_slow)
      it("tells of what happens in the rooms", function()
         local listener = school():begin("python3", "-B", "spec/programs/bus.py", school().machine.socket, "hear", NAME,
            "lab03.school.example 2 dave opened")
         assert.equal("listening", listener.pipe:read "*l")
         school().lab03:session{ id = 2, user = "dave", station = 2, flags = 36 }
         assert.equal("", listener:read())
         school().lab03:remove(2)
      end)

      it("answers who waits when it is stopped", function()
         local slow = begin_slow()
         school().machine:check("systemctl", "stop", "rooms")
         local counts = slow:counts()
         assert.equal(1, counts.failed, counts.text)
         start(school(), true)
      end)
   end,
})
