-- SPDX-License-Identifier: MIT
--- A bus of its own with a logind that can be strange (spec/host/logind.py), and the buses of its users, with screen savers
-- and notifications that can be so, too (spec/host/desk.py).
local kit = require "spec.support.kit"
local process = require "spec.support.process"

local mock = {}
mock.__index = mock

local HEAD = [[
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
   "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
]]

local SYSTEM = HEAD .. [[
<busconfig>
   <type>system</type>
   <listen>unix:path=%s</listen>
   <auth>EXTERNAL</auth>
   <policy context="default">
      <allow user="*"/>
      <allow own="*"/>
      <allow send_type="method_call"/>
      <allow send_type="signal"/>
      <allow send_requested_reply="true" send_type="method_return"/>
      <allow send_requested_reply="true" send_type="error"/>
      <allow receive_type="method_call"/>
      <allow receive_type="method_return"/>
      <allow receive_type="error"/>
      <allow receive_type="signal"/>
   </policy>
</busconfig>
]]

--- As that of a real session: it refuses other users, root among them.
local SESSION = HEAD .. [[
<busconfig>
   <type>session</type>
   <listen>unix:path=%s</listen>
   <auth>EXTERNAL</auth>
   <servicedir>%s</servicedir>
   <policy context="default">
      <allow send_destination="*" eavesdrop="true"/>
      <allow eavesdrop="true"/>
      <allow own="*"/>
   </policy>
</busconfig>
]]

--- nil, or what is missing.
function mock.missing()
   if select(2, process.run("command -v dbus-daemon")) ~= 0 then
      return "dbus-daemon is not installed"
   end
   if select(2, process.run("/usr/bin/python3 -c 'import dbus, gi'")) ~= 0 then
      return "python3-dbus or python3-gi is not installed"
   end
   return nil
end

local function spawn(command)
   return assert(process.run(command .. " & echo $!"):match("^(%d+)\n"))
end

local function write(name, text)
   local file = assert(io.open(name, "w"))
   file:write(text)
   file:close()
end

local function as_user(uid)
   return uid and ("setpriv --reuid=%d --regid=%d --clear-groups "):format(uid, uid) or ""
end

--- Starts a program on a bus, in `self.folder`, whose files are of this user (nil: of this process's).
local function begin_program(self, address, variable, program, uid, before)
   local folder = self.folder
   process.run(("mkfifo %s/control; : > %s/log; %s"):format(folder, folder,
      uid and ("chown -R %d:%d %s"):format(uid, uid, folder) or ":"))
   self.program = spawn(("%s=%s exec %s%s/usr/bin/python3 - %s <spec/host/%s.py >%s/errors 2>&1")
      :format(variable, address, before or "", as_user(uid), folder, program, folder)) -- `-`: he may have no access
   self:await("ready")
   self.control = assert(io.open(folder .. "/control", "w"))
end

--- The same with the bus.
local function begin(self, socket, configuration, variable, program, uid)
   local folder = self.folder
   write(folder .. "/configuration", configuration)
   process.run(uid and ("chown -R %d:%d %s"):format(uid, uid, folder) or ":")
   self.bus = spawn(("exec %sdbus-daemon --config-file=%s/configuration --nofork --nopidfile >%s/daemon 2>&1")
      :format(as_user(uid), folder, folder))
   kit.await(function() return select(2, process.run("test -S " .. socket)) == 0 end)
   begin_program(self, "unix:path=" .. socket, variable, program, uid)
end

function mock.new()
   local folder = process.run("mktemp -d"):match("%S+")
   local socket = folder .. "/run/dbus/system_bus_socket"
   local self = setmetatable({ folder = folder, seen = 0, server = "logind://" .. socket, desks = {} }, mock)
   process.run(("chmod 755 %s; mkdir -p %s/run/dbus %s/run/user"):format(folder, folder, folder))
   begin(self, socket, SYSTEM:format(socket), "DBUS_SYSTEM_BUS_ADDRESS", "logind")
   return self
end

--- Who this process is.  Root can be any user that there is, others only themselves.
mock.own_uid = process.run("id -u"):match("%d+")
mock.is_root = mock.own_uid == "0"
--- A user who may have a bus here.
mock.user = tonumber(mock.is_root and process.run("id -u nobody") or mock.own_uid)

--- With a graphical session of this type, 1, of mock.user.  Returns his bus as well.
function mock.with_screen(kind)
   local self = mock.new()
   self:run(([[add(1, "alice", %d, Type="%s")]]):format(mock.user, kind))
   return self, self:desk(mock.user)
end

--- The bus of the user with this number, with a program (desk.py) whose run(), await() and calls() are as those
-- of logind's.
function mock:desk(uid)
   local folder, room = self.folder .. "/desk-" .. uid, self.folder .. "/run/user/" .. uid
   local other = mock.own_uid ~= tostring(uid) and uid or nil
   process.run(("mkdir -p %s %s/services; chmod 700 %s; chown %d:%d %s"):format(room, folder, room, uid, uid, room))
   local desk = setmetatable({ folder = folder, seen = 0, desks = {} }, mock)
   local configuration = SESSION:format(room .. "/bus", folder .. "/services")
   begin(desk, room .. "/bus", configuration, "DBUS_SESSION_BUS_ADDRESS", "desk", other)
   self.desks[#self.desks + 1] = desk
   return desk
end

function mock:lines()
   local list = {}
   for line in io.lines(self.folder .. "/log") do
      list[#list + 1] = line
   end
   return list
end

--- Waits for a line that begins so, among those that have not been waited for yet.
function mock:await(start)
   return kit.await(function()
      local lines = self:lines()
      for i = self.seen + 1, #lines do
         assert(not lines[i]:find("^failed"), lines[i])
         if lines[i]:sub(1, #start) == start then
            self.seen = i
            return lines[i]
         end
      end
      return nil
   end)
end

--- Runs statements of Python in it, a line each.
function mock:run(text)
   for line in text:gmatch("[^\n]+") do
      self.control:write((line:gsub("^%s+", "")), "\n")
      self.control:flush()
      self:await("done")
   end
end

--- The calls that it got since the last reset: all, or those of some names.
function mock:calls(...)
   local wanted, list, lines = { ... }, {}, self:lines()
   for i = (self.from or 0) + 1, #lines do
      local member = lines[i]:match("^(%w+)%(")
      for _, name in ipairs(wanted) do
         if member == name then
            list[#list + 1] = lines[i]
         end
      end
   end
   return list
end

--- Those that do something to a session.
function mock:actions()
   return self:calls("LockSession", "UnlockSession", "TerminateSession")
end

function mock:reset()
   self.from = #self:lines()
end

--- The same on a real host (spec/host), with the bus of one of its users, which its sessions find where it has to be.  The
-- program runs outside of the host, in its network: there is no Python inside.
function mock.desk_of(machine, user)
   local _, uid = machine:bus(user)
   local folder = process.run("mktemp -d"):match("%S+")
   local self = setmetatable({ folder = folder, seen = 0, desks = {}, machine = machine, uid = uid }, mock)
   begin_program(self, "unix:abstract=desk-" .. uid, "DBUS_SESSION_BUS_ADDRESS", "desk", uid,
      ("nsenter -t %d -n -- "):format(machine.pid))
   return self
end

function mock:stop()
   self.control:close()
   process.run(("kill -KILL %s %s"):format(self.program, self.bus or ""))
   if self.machine then
      self.machine:stop_user_bus(self.uid)
   end
end

function mock:close()
   for _, desk in ipairs(self.desks) do
      desk:stop()
   end
   self:stop()
   process.run("rm -rf " .. self.folder)
end

return mock
