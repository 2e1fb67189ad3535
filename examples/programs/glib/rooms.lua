#!/usr/bin/lua5.3
-- SPDX-License-Identifier: MIT
-- /usr/local/libexec/rooms: a service on the system's bus, for the buttons of any desktop program: example.school.Rooms has
-- Unlock(room), which returns a line for each session, and the signal Changed(room, what), of each change in a room.
local lgi = require "lgi"
local Gio, GLib, GObject = lgi.Gio, lgi.GLib, lgi.GObject
local wms = require "wms"
local loop = require "wms.loop.glib"

local NAME, PATH = "example.school.Rooms", "/example/school/Rooms"
local VERIFY = 3 -- seconds in which a screen has to be open
local SIGTERM = 15

local groups = assert(require "wms.config".load()).groups

-- The second wall: whatever else is done here, nothing but this reaches a host.
wms.configure{ allow = function(action)
   return action.verb == "unlock" or action.verb == "sessions", "rooms are unlocked from here, and nothing else"
end }

--- A line for each session.
local function describe(outcomes)
   local lines = {}
   for i, outcome in ipairs(outcomes) do
      lines[i] = ("%s %s %s %s"):format(outcome.server, outcome.session_id or "-", outcome.user_name or "-",
         outcome.error and outcome.error.message or outcome.state)
   end
   return table.concat(lines, "\n")
end

--- Answers a call of Unlock when it is known what has become of it.
local function unlock(invocation, room)
   if not groups[room] then
      return invocation:return_dbus_error(NAME .. ".NoSuchRoom", "there is no such room")
   end
   loop.start("unlock_all", { server = "@" .. room, verify = VERIFY }, function(outcomes, message, err)
      if outcomes then
         invocation:return_value(GLib.Variant("(s)", { describe(outcomes) }))
      else
         local text = err and #err.outcomes > 0 and describe(err.outcomes) or message
         invocation:return_dbus_error(NAME .. ".Failed", text)
      end
   end)
end

local INTERFACE = Gio.DBusNodeInfo.new_for_xml([[
   <node>
      <interface name="example.school.Rooms">
         <method name="Unlock">
            <arg name="room" type="s" direction="in"/>
            <arg name="lines" type="s" direction="out"/>
         </method>
         <signal name="Changed">
            <arg name="room" type="s"/>
            <arg name="what" type="s"/>
         </signal>
      </interface>
   </node>]]):lookup_interface(NAME)

local bus = assert(Gio.bus_get_sync(Gio.BusType.SYSTEM))

assert(bus:register_object(PATH, INTERFACE, GObject.Closure(function(_, _, _, _, _, parameters, invocation)
   unlock(invocation, parameters[1])
end)))

--- What an event says, in a line.
local function tell(event)
   local session = event.session
   if session then
      return ("%s %s %s %s"):format(event.server, session.session_id, session.user_name or "-", event.kind)
   end
   return (event.server and event.server .. " " or "") .. event.kind
end

for room in pairs(groups) do
   assert(loop.watch{ server = "@" .. room, on_event = function(event)
      bus:emit_signal(nil, PATH, NAME, "Changed", GLib.Variant("(ss)", { room, tell(event) }))
   end })
end

local main = GLib.MainLoop()
Gio.bus_own_name_on_connection(bus, NAME, Gio.BusNameOwnerFlags.DO_NOT_QUEUE, nil, GObject.Closure(function()
   io.stderr:write(NAME, " is not to be had on the bus\n")
   os.exit(1)
end))
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, SIGTERM, function()
   loop.stop() -- whoever waits is answered
   bus:flush_sync()
   main:quit()
end)
main:run()
