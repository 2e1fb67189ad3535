-- SPDX-License-Identifier: MIT
--- `make bench`: what wms costs, beside the least that the same work can cost.
--
-- Both sides of a row run in this process and in turn, a few milliseconds each, so that whatever else the machine does hits
-- both; a row shows the medians of both sides, and the median of the ratios of neighbours.
--
--    lua bench/run.lua [PART]...     memory, require, logind, multipoint, veyon, nats, thumbnails, wts, far, watch,
--                                   cli, growth; none: all
package.path = "./?.lua;./?/init.lua;" .. package.path

local now = require "bench.clock"
local clean = collectgarbage

-- ---------------------------------------------------------------- a fresh process, for the rows about require

local function memory()
   local file = assert(io.open("/proc/self/smaps_rollup"))
   local text = file:read("*a")
   file:close()
   local function kilobytes(name)
      return tonumber(text:match(name .. ":%s*(%d+) kB"))
   end
   return kilobytes("Rss"), kilobytes("Private_Clean") + kilobytes("Private_Dirty")
end

if arg[1] == "--load" then
   memory() -- what the reading itself allocates
   local resident, private = memory()
   local start = now()
   require(arg[2])
   local seconds = now() - start
   local resident_then, private_then = memory()
   print(seconds, (resident_then - resident) * 1024, (private_then - private) * 1024)
   return
end

local wms = require "wms"
local report = require "bench.report"

local compare, timed, output = report.compare, report.timed, report.output
local seconds, bytes, line, title = report.seconds, report.bytes, report.line, report.title
local verdict, at_most, skipped = report.verdict, report.at_most, report.skipped

-- ---------------------------------------------------------------- the machine

local function version(library)
   local found = output("pkg-config --modversion " .. library)
   return library .. " " .. (found ~= "" and found or "(unknown)")
end

local interpreter = "'" .. arg[-1] .. "'"

local function describe()
   local file = assert(io.open("/proc/cpuinfo"))
   local text = file:read("*a")
   file:close()
   local model = text:match("model name%s*:%s*([^\n]+)") or "unknown CPU"
   local _, processors = text:gsub("%f[%w]processor%s*:", "")
   print(("wms %s, %s, %d processors, %s"):format(wms._VERSION, model, processors, output("uname -sr")))
   print(("%s, %s, %s, %s, %s"):format(output(interpreter .. " -v 2>&1"):match("^%S+ %S+"), version("libuv"),
      version("libsystemd"), version("libcurl"), version("openssl")))
end

-- ---------------------------------------------------------------- logind

local function tool_versions(host)
   local systemd = host:check("systemctl", "--version"):match("^%S+ (%S+)")
   local bus = host:check("dbus-daemon", "--version"):match("Daemon (%S+)")
   return ("systemd %s, dbus-daemon %s"):format(systemd, bus)
end

--- Runs `loginctl unlock-session` inside the host; returns the seconds of one process.
local function loginctl(host, id, times)
   local start, stop = host:script([[
      start=$EPOCHREALTIME
      for ((i = 0; i < $2; i++)); do loginctl unlock-session "$1"; done
      echo "$start $EPOCHREALTIME"]], id, times):match("(%S+) (%S+)")
   return (stop - start) / times
end

local function bench_logind()
   title("logind, sessions of a real host, a kept connection")
   local known, hosts = pcall(require, "spec.host")
   local ok, why
   if known then
      ok, why = hosts.available()
   else
      ok, why = false, "the hosts of the specs are missing"
   end
   local built, bare = pcall(require, "bench.bare_sdbus")
   if not ok or not built then
      return skipped(not ok and why or "bench/bare_sdbus was not built: libsystemd-dev is missing")
   end

   local host = hosts.up("bench")
   local ids = {}
   for i = 1, 100 do
      ids[i] = host:session{ user = "alice", type = "tty" }
   end
   print("  (" .. tool_versions(host) .. ")")
   local bus = bare("unix:path=" .. host.socket)
   local one = { session_ids = ids[1], server = host.server }
   local many = { session_ids = ids, server = host.server }
   local function unlock(options)
      assert(wms.unlock(options))
   end
   local function bare_twenty()
      bus:unlock(ids[1], 20)
   end
   local function bare_many()
      bus:unlock_many(ids)
   end
   unlock(many) -- connects, and learns the sessions

   at_most("unlock, and sd-bus alone", 1.15, compare(301, function()
      return timed(20, unlock, one)
   end, function()
      return timed(1, bare_twenty) / 20
   end))
   local ours, theirs, ratio = compare(31, function()
      return timed(100, unlock, one)
   end, function()
      return loginctl(host, ids[1], 4)
   end)
   line("  unlock, and loginctl unlock-session", seconds(ours), seconds(theirs), ("1/%.0f"):format(1 / ratio), "<= 1/20",
      verdict(ratio <= 1 / 20))
   at_most("unlock of 100, and sd-bus alone", 1.15, compare(201, function()
      return timed(1, unlock, many)
   end, function()
      return timed(1, bare_many)
   end))
   hosts.down()
end

-- ---------------------------------------------------------------- memory://

local function room(name, count)
   local sessions = {}
   for i = 1, count do
      sessions[i] = { session_id = i, user_name = "alice" }
   end
   return wms.memory(name, { sessions = sessions })
end

local function bench_memory()
   title("memory://")
   local floor = require "bench.floor"
   local options = { session_ids = 1, server = "memory://small" }
   room("small", 1000)
   room("large", 100000)
   local function sample(times, work, argument, share)
      clean()
      return timed(times, work, argument) / (share or 1)
   end

   at_most("unlock of one, and bench/floor.c", 6, compare(101, function()
      return sample(5000, wms.unlock, options)
   end, function()
      return sample(20000, floor, options)
   end))
   at_most("unlock_all, each of 100,000, 1,000", 1.5, compare(21, function()
      return sample(1, wms.unlock_all, "memory://large", 100000)
   end, function()
      return sample(100, wms.unlock_all, "memory://small", 1000)
   end))
end

-- ---------------------------------------------------------------- require

local function loaded(module, index)
   local values = {}
   for value in output(("%s bench/run.lua --load %s"):format(interpreter, module)):gmatch("%S+") do
      values[#values + 1] = tonumber(value)
   end
   assert(#values == 3, "a child process has failed")
   return values[index]
end

local function bench_require()
   title("require \"wms\", and an empty C module, in fresh processes")
   for index, row in ipairs{
      { "time", seconds, 0.002, "<= +2 ms" },
      { "resident memory", bytes, 1024 * 1024, "<= +1 MB" },
      { "private memory", bytes, 1024 * 1024, "<= +1 MB" },
   } do
      local what, show, most, goal = row[1], row[2], row[3], row[4]
      local ours, theirs, _, difference = compare(41, function()
         return loaded("wms", index)
      end, function()
         return loaded("bench.empty", index)
      end)
      line("  " .. what, show(ours), show(theirs), "+" .. show(difference), goal, verdict(difference <= most))
   end
end

local parts = {
   memory = bench_memory, require = bench_require, logind = bench_logind, multipoint = require "bench.multipoint",
   wts = require "bench.wts", far = require "bench.far", watch = require "bench.watch", cli = require "bench.cli",
   growth = require "bench.growth", thumbnails = require "bench.thumbnails", veyon = require "bench.veyon",
   nats = require "bench.nats",
}
describe()
print()
line("medians", "ours", "theirs", "ratio", "goal", "")
local all = {
   "memory", "require", "logind", "multipoint", "veyon", "nats", "thumbnails", "wts", "far", "watch", "cli", "growth",
}
for _, name in ipairs(#arg > 0 and arg or all) do
   assert(parts[name], "no such part; give some of " .. table.concat(all, ", "))()
end
