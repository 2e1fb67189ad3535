-- SPDX-License-Identifier: MIT
--- The part of `make bench` about NATS: agents in programs of their own, each with an embedded host, and libnats alone,
-- where as many connections answer with the same bytes.  Servers and agents run on this machine, too.
local report = require "bench.report"
local wms = require "wms"

local VERB, WHO = "unlock", "bench"

local function addresses(prefix, count)
   local list = {}
   for i = 1, count do
      list[i] = ("nats://%s%d"):format(prefix, i)
   end
   return list
end

--- A command to all of them, and how many outcomes it has to have.
local function command(prefix, count, sessions)
   local options = { servers = addresses(prefix, count), concurrency = count, timeout = 60 }
   return function()
      local list = assert(wms.unlock_all(options))
      assert(#list == count * sessions)
   end
end

--- What is asked and answered for the first of them, as bytes.
local function overheard(bare, prefix)
   local options = { server = ("nats://%s1"):format(prefix) }
   bare:hear(("wms.v1.%s1.%s.*"):format(prefix, VERB))
   assert(wms.unlock_all(options))
   local question = bare:heard()
   bare:hear(("wms.v1.%s1.answer.>"):format(prefix))
   assert(wms.unlock_all(options))
   return assert(question), assert(bare:heard())
end

local function resident(pid)
   return tonumber(report.output(("grep VmRSS /proc/%d/status"):format(pid)):match("%d+")) * 1024
end

local function begin_agents(room, server, prefix, first, last, sessions)
   local program = room.program{ nats = { servers = server.url } }
   local before = resident(program.pid)
   local seconds = report.timed(1, function()
      program:eval(("serve{ prefix = %q, first = %d, last = %d, sessions = %d }"):format(prefix, first, last, sessions))
   end)
   return program, seconds, resident(program.pid) - before
end

local function begin_bare(room, server, prefix, count, answer)
   local program = room.program{ nats = { servers = server.url } }
   program:eval(('require("bench.bare_nats").serve(%q, %q, 1, %d, %q)'):format(server.url, prefix, count, answer))
   return program
end

--- Seconds for one host by ssh, connection and all: the median of some.
local function by_ssh()
   local known, hosts = pcall(require, "spec.host")
   if not known or not hosts.available() then
      return nil
   end
   local host = hosts.up "bench1"
   local net = require "spec.host.network".join(host)
   host:session{ user = "alice", type = "tty" }
   wms.configure{ ssh_command = net.ssh }
   local times = {}
   for i = 1, 7 do
      times[i] = report.timed(1, function()
         assert(wms.unlock_all(host.far))
      end)
      require "spec.host.network".cut(host)
   end
   hosts.down()
   return report.median(times)
end

return function()
   report.title("nats, agents on this machine that each serve an embedded host")
   local built, libnats = pcall(require, "bench.bare_nats")
   local known, room = pcall(require, "spec.support.nats_room")
   local why = not built and "bench/bare_nats was not built: libnats-dev is missing"
      or not known and "the specs are missing" or room.missing()
   if why then
      return report.skipped(why)
   end
   local nats = require "spec.support.nats"
   local server = nats.start{ jetstream = true }
   room.use(server, { name = WHO })
   room.prepare()
   local bare = libnats.open(server.url, WHO)
   local thousand

   for _, case in ipairs{ { "one", 1, 1.3 }, { "full", 30 } } do
      local prefix, sessions, most = case[1], case[2], case[3]
      local program, _, memory = begin_agents(room, server, prefix, 1, 1000, sessions)
      local ours = command(prefix, 1000, sessions)
      ours()
      local question, answer = overheard(bare, prefix)
      local far = begin_bare(room, server, prefix .. "bare", 1000, answer)
      local what = ("1000 agents, %d session%s, and libnats"):format(sessions, sessions > 1 and "s" or "")
      local mine, theirs, ratio = report.compare(31, function()
         return report.timed(1, ours)
      end, function()
         return report.timed(1, function() bare:ask(prefix .. "bare", 1, 1000, VERB, question) end)
      end)
      report.line("  " .. what, report.seconds(mine), report.seconds(theirs), ("%.2f"):format(ratio),
         most and ("<= %g"):format(most) or "", most and report.verdict(ratio <= most) or "")
      report.line("  an agent's memory, all in one process", report.bytes(memory / 1000), "", "", "", "")
      far:kill()
      if sessions > 1 then
         program:kill()
      else
         thousand = ours
      end
   end

   local seconds = 0
   for i = 1, 9 do
      seconds = seconds + select(2, begin_agents(room, server, "one", 1000 * i + 1, 1000 * (i + 1), 1))
   end
   report.line("  9000 agents more, to be connected", report.seconds(seconds), "", "", "", "")
   report.line("  the server's memory, 10,000 agents", report.bytes(resident(server.pid)), "", "", "", "")
   local all = command("one", 10000, 1)
   report.at_most("10,000 agents, and 1000", 10, report.compare(15, function()
      return report.timed(1, all)
   end, function()
      return report.timed(1, thousand)
   end))
   local mine, ssh = report.timed(3, thousand) / 1000, by_ssh()
   if ssh then
      local factor = ("1/%.0f"):format(ssh / mine)
      report.line("  a host of 1000, and one by ssh", report.seconds(mine), report.seconds(ssh), factor, "", "")
   end
   bare:close()
   room.down()
end
