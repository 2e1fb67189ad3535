-- SPDX-License-Identifier: MIT
--- The part of `make bench` about the program `wms`: each side of a row is a process of its own, as a shell starts it.
local report = require "bench.report"

local FAR = 20 -- hosts

local function quote(text)
   return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- What runs a script; loginctl wants to be where systemd runs, which a folder tells.
local PLAIN = "sh -c "
local BOOTED = "unshare --mount sh -c " .. quote(
   'mkdir -p /run/systemd && mount -t tmpfs none /run/systemd && mkdir /run/systemd/system && exec sh -c "$0"') .. " "

--- Runs a command of the shell so many times; returns the seconds of one.
local function timed(command, times, how)
   local text = report.output((how or PLAIN) .. quote(([[
      start=$(date +%%s%%N); i=0
      while [ $i -lt %d ]; do
         %s >/dev/null 2>&1 </dev/null || exit 1
         i=$((i + 1))
      done
      echo $(($(date +%%s%%N) - start))]]):format(times, command)))
   return assert(tonumber(text), command .. " has failed") / times / 1e9
end

local lua = "'" .. arg[-1] .. "'"
local program = lua .. " bin/wms"

local function bench_start()
   local ours, theirs, _, difference = report.compare(31, function()
      return timed(program .. " hosts localhost", 5)
   end, function()
      return timed(lua .. " -e ''", 5)
   end)
   report.line("  wms hosts, and lua -e ''", report.seconds(ours), report.seconds(theirs),
      "+" .. report.seconds(difference), "<= +15 ms", report.verdict(difference <= 0.015))
end

local function bench_local(hosts)
   if report.output("command -v loginctl") == "" then
      return report.skipped("there is no loginctl here")
   end
   local host = hosts.up("bench")
   local id = host:session{ user = "alice", type = "tty" }
   local bus = "DBUS_SYSTEM_BUS_ADDRESS=unix:path=" .. host.socket .. " "
   report.at_most("unlock, and loginctl unlock-session", 1.5, report.compare(41, function()
      return timed(("%s%s unlock %s"):format(bus, program, id), 10, BOOTED)
   end, function()
      return timed(("%sloginctl unlock-session %s"):format(bus, id), 10, BOOTED)
   end))
   hosts.down()
end

local function write(path, text)
   local file = assert(io.open(path, "w"))
   file:write(text)
   file:close()
end

local function bench_far(hosts)
   local names = {}
   for i = 1, FAR do
      names[i] = "bench" .. i
   end
   local room = { hosts.up((table.unpack or unpack)(names)) } -- luacheck: ignore 113 143
   local net = require "spec.host.network".join((table.unpack or unpack)(room)) -- luacheck: ignore 113 143
   local servers, words = {}, {}
   for i, host in ipairs(room) do
      host:session{ user = "alice", type = "tty" }
      servers[i] = ("%q"):format(host.far)
   end
   for i, word in ipairs(net.ssh) do
      words[i] = ("%q"):format(word)
   end
   local folder = report.output("mktemp -d")
   write(folder .. "/config.lua", ("return { groups = { far = { %s } }, defaults = { ssh_command = { %s } } }"):format(
      table.concat(servers, ", "), table.concat(words, ", ")))
   write(folder .. "/script.lua", ([[
      local wms = require "wms"
      assert(require("wms.config").load(%q))
      assert(wms.unlock_all{ server = "@far" })
   ]]):format(folder .. "/config.lua"))
   local command = ("%s unlock --all -s @far --config '%s/config.lua'"):format(program, folder)
   report.at_most(("unlock of %d far hosts, and a script"):format(FAR), 1.1, report.compare(9, function()
      return timed(command, 1)
   end, function()
      return timed(("%s '%s/script.lua'"):format(lua, folder), 1)
   end))
   report.output(("rm -r '%s'"):format(folder))
   hosts.down()
end

return function()
   report.title("the program wms, in fresh processes")
   if not pcall(require, "argparse") then
      return report.skipped("there is no argparse here")
   end
   bench_start()
   local known, hosts = pcall(require, "spec.host")
   local ok, why
   if known then
      ok, why = hosts.available()
   else
      ok, why = false, "the hosts of the specs are missing"
   end
   if not ok then
      return report.skipped(why)
   end
   bench_local(hosts)
   bench_far(hosts)
end
