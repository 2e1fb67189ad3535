-- SPDX-License-Identifier: MIT
--- The part of `make bench` about watches: from a session that locks or unlocks on a host to the event in the program,
-- beside a bare sd-bus match, on a host whose bus is here, and over ssh; and from a session that its user has unlocked
-- until a keeper has it locked again, by a locker over there.
local report = require "bench.report"
local now = require "bench.clock"

--- Two hosts alike in a network, one for each side, so that no change is told to both: { ours =, theirs = }, each with the
-- session whose lock changes.
local function start_hosts()
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
   local pair = {}
   pair.ours, pair.theirs = hosts.up("bench1", "bench2")
   local net = require "spec.host.network".join(pair.ours, pair.theirs)
   for _, host in pairs(pair) do
      host.id = host:session{ user = "alice", type = "tty" }
   end
   return pair, net
end

--- sd-bus's address of the host's bus through the same ssh.
local function through_ssh(net, host)
   local words = { net.ssh[1] }
   for i = 2, #net.ssh do
      words[i] = net.ssh[i]
   end
   for _, word in ipairs{ "-xT", "-oBatchMode=yes", "--", "root@" .. host.address, "systemd-stdio-bridge" } do
      words[#words + 1] = word
   end
   local parts = { "unixexec:path=/usr/bin/" .. words[1] }
   for i, word in ipairs(words) do
      parts[#parts + 1] = ("argv%d=%s"):format(i - 1, (word:gsub("[^%w%-_/.]", function(byte)
         return ("%%%02x"):format(byte:byte())
      end)))
   end
   return table.concat(parts, ",")
end

--- Calls `await` once for each change that the host is told to make; returns the seconds from one to the other.
local function side(host, bare, await)
   local changer = bare("unix:path=" .. host.socket)
   local locked = false
   return function()
      locked = not locked
      local start = now()
      changer:hint(host.id, locked)
      await(locked)
      return now() - start
   end
end

local function compare(watch, bus, pair, bare)
   return report.compare(4001, side(pair.ours, bare, function(locked)
      repeat
         local event = watch:next()
      until event.session.locked == locked
   end), side(pair.theirs, bare, function(locked)
      bus:await(locked)
   end))
end

--- The seconds from each unlock to the lock that follows: the median, and the longest.
local function kept(wms, server, host, bare)
   local changer = bare("unix:path=" .. host.socket)
   local watch = assert(wms.watch(server))
   assert(watch:next(30).kind == "ready")
   changer:hint(host.id, true)
   changer:hint(host.id, false)
   repeat until watch:next(30).kind == "unlocked"
   local acted = false
   local keeper = assert(require "wms.keep"{ server = server, locked = true, message = "Bench", limit = 1000,
      on_report = function(told) acted = acted or told.kind == "acted" end })
   local function await_lock()
      local limit = now() + 20
      local event
      repeat
         keeper:step()
         event = watch:next(0.01)
         assert(now() < limit, "the keeper does not lock")
      until event and event.kind == "locked"
   end
   local function await_action()
      while not acted do
         keeper:wait(0.01)
      end
      acted = false
      while watch:next(0) do end
   end
   await_lock() -- the keeper's first look
   local list, longest = {}, 0
   for i = 1, 21 do
      await_action() -- its last one is over
      local start = now()
      changer:hint(host.id, false)
      await_lock()
      list[i] = now() - start
      longest = math.max(longest, list[i])
   end
   keeper:close()
   watch:close()
   changer:close()
   return report.median(list), longest
end

local function bench_keeper(wms, pair, bare)
   local host = pair.ours
   host:put((os.getenv("WMS_BUILD") or "build") .. "/spec/host/storm", "/run/spec-host/storm")
   host:check("systemd-run", "--quiet", "--collect", "--unit=bench-locker", "/run/spec-host/storm", "locker")
   for _, row in ipairs{ { "kept here: locked again, and at most", host.server },
      { "kept over ssh, and at most", host.far } } do
      local middle, longest = kept(wms, row[2], host, bare)
      report.line("  " .. row[1], report.seconds(middle), report.seconds(longest), "", "<= 1 s",
         report.verdict(longest <= 1))
   end
end

return function()
   report.title("watches: a session is locked, until the program knows")
   local built, bare = pcall(require, "bench.bare_match")
   if not built then
      return report.skipped("bench/bare_match was not built: libsystemd-dev is missing")
   end
   local pair, net = start_hosts()
   if not pair then
      return report.skipped(net)
   end
   local wms = require "wms"
   wms.configure{ ssh_command = net.ssh }
   for _, row in ipairs{
      { "a host here, and a bare match", pair.ours.server, "unix:path=" .. pair.theirs.socket },
      { "over ssh, and a bare match", pair.ours.far, through_ssh(net, pair.theirs) },
   } do
      local watch = assert(wms.watch(row[2]))
      local bus = bare(row[3])
      bus:watch()
      assert(watch:next(30).kind == "ready")
      report.at_most(row[1], 1.2, compare(watch, bus, pair, bare))
      watch:close()
      bus:close()
   end
   bench_keeper(wms, pair, bare)
   wms.configure{ ssh_command = false }
   require "spec.host".down()
end
