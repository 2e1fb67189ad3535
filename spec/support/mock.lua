-- SPDX-License-Identifier: MIT
--- A bus of its own with a logind that can be strange (spec/host/logind.py).
local kit = require "spec.support.kit"
local process = require "spec.support.process"

local mock = {}
mock.__index = mock

local CONFIGURATION = [[
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
   "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
   <type>system</type>
   <listen>unix:path=%s/bus</listen>
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

function mock.new()
   local folder = process.run("mktemp -d"):match("%S+")
   local self = setmetatable({ folder = folder, seen = 0, server = "logind://" .. folder .. "/bus" }, mock)
   local file = assert(io.open(folder .. "/configuration", "w"))
   file:write(CONFIGURATION:format(folder))
   file:close()
   process.run("mkfifo " .. folder .. "/control; : > " .. folder .. "/log")
   self.bus = spawn(("exec dbus-daemon --config-file=%s/configuration --nofork --nopidfile >%s/daemon 2>&1")
      :format(folder, folder))
   kit.await(function() return select(2, process.run("test -S " .. folder .. "/bus")) == 0 end)
   local command = "DBUS_SYSTEM_BUS_ADDRESS=unix:path=%s/bus exec /usr/bin/python3 spec/host/logind.py %s >%s/errors 2>&1"
   self.logind = spawn(command:format(folder, folder, folder))
   self:await("ready")
   self.control = assert(io.open(folder .. "/control", "w"))
   return self
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

function mock:close()
   self.control:close()
   process.run(("kill %s %s; rm -rf %s"):format(self.logind, self.bus, self.folder))
end

return mock
