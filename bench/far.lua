-- SPDX-License-Identifier: MIT
--- The part of `make bench` about Linux hosts over ssh: real ones, each with sshd, in a network of their own.
--
--    lua bench/far.lua FILE      in a child process: unlocks the sessions that FILE names, on connections that it makes

package.path = "./?.lua;./?/init.lua;" .. package.path

local report = require "bench.report"

--- A table of words and of tables that have a server and an id, as Lua reads it.
local function written(net, targets)
   local lines = { "return {" }
   for _, word in ipairs(net.ssh) do
      lines[#lines + 1] = ("%q,"):format(word)
   end
   lines[#lines + 1] = "}, {"
   for _, target in ipairs(targets) do
      lines[#lines + 1] = ("{ server = %q, session_id = %q },"):format(target.server, target.session_id)
   end
   lines[#lines + 1] = "}"
   return table.concat(lines, "\n")
end

if arg and arg[0]:find("bench/far.lua$") then
   local wms = require "wms"
   local ssh, targets = dofile(arg[1])
   wms.configure{ ssh_command = ssh }
   print(report.timed(1, function()
      assert(wms.unlock{ session_ids = targets, concurrency = #targets })
   end))
   return
end

local unpack = table.unpack or unpack -- luacheck: ignore 143

local function quoted(words)
   local list = {}
   for i, word in ipairs(words) do
      list[i] = "'" .. word:gsub("'", "'\\''") .. "'"
   end
   return table.concat(list, " ")
end

--- Hosts with a session each, and the network that they are in.
local function start_hosts(count)
   local known, hosts = pcall(require, "spec.host")
   local ok, why
   if known then
      ok, why = hosts.available()
   else
      ok, why = false, "the hosts of the specs are missing"
   end
   if not ok then
      return nil, why
   end
   local names = {}
   for i = 1, count do
      names[i] = "bench" .. i
   end
   local room = { hosts.up(unpack(names)) }
   local net = require "spec.host.network".join(unpack(room))
   local targets, ids = {}, {}
   for i, host in ipairs(room) do
      ids[i] = host:session{ user = "alice", type = "tty" }
      targets[i] = { server = host.far, session_id = ids[i] }
   end
   return room, net, targets, ids
end

--- The words of an ssh to each host.
local function words_of(room, net, ...)
   local list = {}
   for i, host in ipairs(room) do
      local words = { unpack(net.ssh) }
      for _, word in ipairs{ ... } do
         words[#words + 1] = word == "HOST" and "root@" .. host.address or word
      end
      list[i] = words
   end
   return list
end

local function bench_cold(room, net, targets, ids, bare, rounds)
   local command = words_of(room, net, "-xT", "-oBatchMode=yes", "--", "HOST", "systemd-stdio-bridge")
   local path = report.output("mktemp")
   local file = assert(io.open(path, "w"))
   file:write(written(net, targets))
   file:close()
   report.at_most(("cold, %d hosts, and ssh + sd-bus"):format(#room), 1.1, report.compare(rounds, function()
      return tonumber(report.output(("'%s' bench/far.lua '%s'"):format(arg[-1], path)))
   end, function()
      local far
      local seconds = report.timed(1, function()
         far = bare(command)
         far:unlock(ids)
      end)
      far:close()
      return seconds
   end))
   os.remove(path)
end

--- `xargs -P` with an ssh for each host, over connections that ssh keeps.
local function start_xargs(room, net, ids, folder)
   local control = { "-oControlMaster=auto", "-oControlPath=" .. folder .. "/%C", "-oControlPersist=60" }
   local file = assert(io.open(folder .. "/commands", "w"))
   for i, words in ipairs(words_of(room, net, "-xT", "-oBatchMode=yes", control[1], control[2], control[3], "--", "HOST",
      "loginctl", "unlock-session", "ID")) do
      words[#words] = tostring(ids[i])
      file:write(quoted(words), "\n")
   end
   file:close()
   return function()
      return report.timed(1, function()
         report.output(("xargs -a '%s/commands' -d '\\n' -P %d -I CMD sh -c CMD"):format(folder, #room))
      end)
   end
end

local function bench_warm(wms, room, net, targets, ids, bare)
   local options = { session_ids = targets, concurrency = #targets }
   local function ours()
      return report.timed(1, function()
         assert(wms.unlock(options))
      end)
   end
   local far = bare(words_of(room, net, "-xT", "-oBatchMode=yes", "--", "HOST", "systemd-stdio-bridge"))
   report.at_most(("warm, %d hosts, and kept sd-bus"):format(#room), 1.15, report.compare(101, ours, function()
      return report.timed(1, function()
         far:unlock(ids)
      end)
   end))
   far:close()
   local folder = report.output("mktemp -d")
   local a, b, ratio = report.compare(9, ours, start_xargs(room, net, ids, folder))
   report.line(("  warm, %d hosts, and xargs -P ssh"):format(#room), report.seconds(a), report.seconds(b),
      ("1/%.1f"):format(1 / ratio), "<= 1/10", report.verdict(ratio <= 1 / 10))
   report.output(("rm -r '%s'"):format(folder))
end

return function()
   report.title("Linux hosts over ssh: a session of each is unlocked")
   local built, bare = pcall(require, "bench.bare_ssh")
   if not built then
      return report.skipped("bench/bare_ssh was not built: libsystemd-dev is missing")
   end
   local wms = require "wms"
   for _, row in ipairs{ { 20, 9 }, { 60, 5 } } do
      local room, net, targets, ids = start_hosts(row[1])
      if not room then
         return report.skipped(net)
      end
      wms.configure{ ssh_command = net.ssh }
      assert(wms.unlock{ session_ids = targets, concurrency = #targets }) -- looks at each once
      bench_cold(room, net, targets, ids, bare, row[2])
      bench_warm(wms, room, net, targets, ids, bare)
      wms.configure{ ssh_command = false }
      require "spec.host".down()
   end
end
