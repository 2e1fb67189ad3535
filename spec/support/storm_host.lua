-- SPDX-License-Identifier: MIT
--- A Linux host, over ssh, whose sessions come and go, lock and unlock, and which writes down itself what happens there, by
-- the program spec/host/storm.  What disturbs it is done from here.
local kit = require "spec.support.kit"
local hosts = require "spec.host"
local network = require "spec.host.network"

local StormHost = {}
StormHost.__index = StormHost

local FOLDER = "/run/spec-host"
local LOG = FOLDER .. "/storm.log"

--- Log-ons through PAM, the oldest of which log off; each fourth is over at once.
local LOGONS = [[
   pause=$1 most=$2 users=(alice bob carol)
   mapfile -t open < <(systemctl list-units --plain --no-legend 'storm-session-*' | awk '{ print $1 }')
   for ((i = 0; ; i++)); do
      unit=storm-session-$$-$i
      start=(systemd-run --quiet --collect --unit="$unit" -p "User=${users[i % 3]}" -p PAMName=login
         -E XDG_SESSION_TYPE=tty)
      if ((i % 4 == 3)); then
         "${start[@]}" true || :
      else
         "${start[@]}" sleep infinity && open+=("$unit") || :
      fi
      if ((${#open[@]} > most)); then
         systemctl stop "${open[0]}" 2>/dev/null || :
         open=("${open[@]:1}")
      fi
      sleep "$pause"
   done]]

--- `judge`: where what it logs is compared.  `options`: hints and logons (a second), kept (it has a locker).
function StormHost.new(machine, judge, options)
   local self = setmetatable({ machine = machine, name = machine.name, options = options }, StormHost)
   self.server = machine.far
   self.record = judge:host(self.server)
   self:install()
   return self
end

function StormHost:unit(name, ...)
   self.machine:check("systemd-run", "--quiet", "--collect", "--unit=storm-" .. name, ...)
end

function StormHost:install()
   self.machine:put((os.getenv("WMS_BUILD") or "build") .. "/spec/host/storm", FOLDER .. "/storm")
   self:unit("log", FOLDER .. "/storm", "log", LOG)
   if self.options.kept then
      self:unit("locker", FOLDER .. "/storm", "locker")
   end
   local path = self.machine.root .. LOG
   self.file = kit.await(function() return io.open(path) end)
   self.rest = ""
   self:await_log()
end

function StormHost:begin()
   self:unit("hints", FOLDER .. "/storm", "hints", ("%.2f"):format(self.options.hints))
   self:unit("logons", "bash", "-c", (LOGONS:gsub("%$", "$$")), "logons", ("%.2f"):format(1 / self.options.logons),
      tostring(self.options.sessions))
end

--- Nothing changes any more, when this returns.
function StormHost:quiet()
   self.machine:run("systemctl", "stop", "storm-hints", "storm-logons")
end

-- ---------------------------------------------------------------- what it has written

--- Reads what is new in the log.
function StormHost:read()
   self.file:seek("cur", 0) -- else the end of the file is kept in mind
   local text = self.rest .. (self.file:read("*a") or "")
   local last = 1
   for line, behind in text:gmatch("([^\n]*)\n()") do
      self.record:logged(line)
      last = behind
   end
   self.rest = text:sub(last)
end

function StormHost:await_log()
   kit.await(function()
      self:read()
      return self.record.listening
   end, nil, 60)
end

--- Returns when all that has happened until now is read.
function StormHost:sync()
   self.marks = (self.marks or 0) + 1
   local mark = self.name .. "." .. self.marks
   kit.await(function()
      self.machine:run("busctl", "emit", "/org/freedesktop/login1/spec", "org.freedesktop.login1.Spec", "Mark", "s", mark)
      self:read()
      return self.record.last_mark == mark
   end, nil, 60)
end

-- ---------------------------------------------------------------- what disturbs it

function StormHost:restart_logind()
   self.machine:restart_logind()
end

--- All ssh connections end.
function StormHost:cut()
   self.machine:run("pkill", "-f", "^sshd: [a-z]")
end

function StormHost:pull()
   network.cable(self.machine, false)
end

function StormHost:silence()
   network.silence(self.machine)
end

function StormHost:plug()
   network.cable(self.machine, true)
end

--- The bus dies.  Nothing happens meanwhile: there is nobody who could write it down.
function StormHost:restart_bus()
   self:quiet()
   self:sync()
   self.machine:kill_bus()
   kit.await(function()
      self:read()
      return not self.record.listening
   end)
   self.machine:start_bus()
   self:await_log()
   self:begin()
end

--- It is switched off and on again.
function StormHost:reboot()
   self:quiet()
   self:sync()
   local before = self.wall()
   self.machine:down()
   self:read()
   self.file:close()
   self.record:off(before, self.wall())
   self.machine = hosts.up(self.name)
   network.join(self.machine)
   assert(self.machine.far == self.server)
   self:install()
   self:begin()
end

return StormHost
