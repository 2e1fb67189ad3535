-- SPDX-License-Identifier: MIT
--- The part of `make bench` about MultiPoint hosts: the test host of the specs, which runs in a process of its own.
--
--    lua bench/multipoint.lua bind|unlock FILE COUNT      in a child process: on the first COUNT hosts that FILE names
package.path = "./?.lua;./?/init.lua;" .. package.path

local wms = require "wms"

-- ---------------------------------------------------------------- child processes

local function kilobytes(name)
   local file = assert(io.open("/proc/self/status"))
   local text = file:read("*a")
   file:close()
   return tonumber(text:match(name .. ":%s*(%d+) kB"))
end

--- { { server =, user_name =, password =, fingerprint = }, … }, a field a line
local function read_hosts(path, count)
   local hosts, line = {}, io.lines(path)
   for i = 1, count do
      hosts[i] = { server = line(), user_name = line(), password = line(), fingerprint = line() }
   end
   return hosts
end

local children = {
   bind = function(hosts)
      for _, host in ipairs(hosts) do
         assert(wms.bind(host))
      end
   end,
   unlock = function(hosts)
      local servers = {}
      for i, host in ipairs(hosts) do
         servers[i] = host.server
      end
      assert(wms.unlock{ session_ids = 3, servers = servers, concurrency = #servers })
      print(kilobytes("VmHWM") * 1024)
   end,
}

if arg and arg[0]:find("bench/multipoint.lua$") then
   children[arg[1]](read_hosts(arg[2], tonumber(arg[3])))
   return
end

-- ---------------------------------------------------------------- hosts

local report = require "bench.report"

local HOSTS = 121 -- the first has many sessions
local ACTION = "http://MultiPoint/RemoteManagement/IMultiPointSession/StopLockingSession"

local function start_hosts()
   local mp = require "spec.host.multipoint"
   local usable, why = mp.available()
   if not usable then
      return nil, why
   end
   local specs = {}
   for i = 1, HOSTS do
      specs[i] = { name = "lab" .. i, subject = "127.0.0.1" }
   end
   local park = mp.start{ hosts = specs }
   for _, host in ipairs(park) do
      host:session{ id = 3, user = "alice" }
      host.server = ("multipoint://%s:%d"):format(host.address, host.http)
   end
   park[1]:fill(101, 199, { user = "bob" })
   return park
end

--- A folder for what the child processes need: the hosts' list, and their bindings.
local function folder_of(park)
   local folder = report.output("mktemp -d")
   local file = assert(io.open(folder .. "/hosts", "w"))
   for _, host in ipairs(park) do
      file:write(host.server, "\n", host.admin, "\n", host.password, "\n", host.fingerprint, "\n")
   end
   file:close()
   return folder
end

local function child(folder, what, count)
   return report.output(("XDG_CONFIG_HOME='%s' '%s' bench/multipoint.lua %s '%s/hosts' %d || echo failed"):format(folder,
      arg[-1], what, folder, count))
end

local function bind(host)
   assert(wms.bind{
      server = host.server, user_name = host.admin, password = host.password, fingerprint = host.fingerprint,
   })
end

-- ---------------------------------------------------------------- others

--- libcurl alone, posting what wms posts.
local function start_curl(host)
   host:set{ keep_bodies = true }
   host:reset()
   assert(wms.unlock{ session_ids = 3, server = host.server })
   local body = host:bodies()[1]
   host:set{ keep_bodies = false }
   return require "bench.bare_curl"(("https://%s:%d/MultiPoint/IMultiPointSession"):format(host.address, host.https),
      ('application/soap+xml; charset=utf-8; action="%s"'):format(ACTION), body, body:match("<a:MessageID>([^<]+)<"))
end

--- zeep in a process of its own; returns a function that does n unlocks and returns their seconds.
local function start_zeep(host, folder)
   local wsdl = require "spec.support.soap".wsdl()
   if not wsdl or report.output("/usr/bin/python3 -c 'import zeep' && echo yes") ~= "yes" then
      return nil, wsdl and "python3-zeep is not installed" or "the published WSDL is not here: name it in WMS_RSMC_WSDL"
   end
   local fifo = folder .. "/fifo"
   report.output(("mkfifo '%s'"):format(fifo))
   local results = io.popen(("/usr/bin/python3 -W ignore bench/zeep_unlock.py '%s' %s %d %s 3 '%s'"):format(wsdl,
      host.address, host.https, host.fingerprint, fifo))
   local lines = assert(io.open(fifo, "w"))
   lines:setvbuf("no")
   lines:write(host.control, "\n")
   return function(times)
      lines:write(times, "\n")
      return tonumber(results:read("*l"))
   end, function()
      lines:close()
      results:close()
   end
end

-- ---------------------------------------------------------------- rows

local function bench_unlock(host, curl, folder)
   local one = { session_ids = 3, server = host.server }
   local function unlock()
      assert(wms.unlock(one))
   end
   local function ours()
      return report.timed(20, unlock)
   end
   report.at_most("unlock, and bare libcurl", 1.25, report.compare(201, ours, function()
      return report.timed(1, function() curl:post(20) end) / 20
   end))
   local zeep, stop = start_zeep(host, folder)
   if not zeep then
      return report.skipped(stop)
   end
   local a, b, ratio = report.compare(41, ours, function()
      return zeep(10) / 10
   end)
   report.line("  unlock, and zeep", report.seconds(a), report.seconds(b), ("1/%.1f"):format(1 / ratio), "<= 1/5",
      report.verdict(ratio <= 1 / 5))
   stop()
end

local function count_row(what, count, goal)
   report.line("  " .. what, tostring(count), "", "", ("= %d"):format(goal), report.verdict(count == goal))
end

local function bench_counts(host, folder)
   assert(child(folder, "bind", 1) == "", "a child process has failed")
   host:reset()
   assert(tonumber(child(folder, "unlock", 1)), "a child process has failed")
   local counts = host:counts()
   count_row("first unlock, TLS handshakes", counts.handshakes, 1)
   count_row("first unlock, HTTP exchanges", counts.requests, 1)
   host:reset()
   for _ = 1, 100 do
      assert(wms.unlock{ session_ids = 3, server = host.server })
   end
   count_row("100 more unlocks, HTTP exchanges", host:counts().requests, 100)
end

local function bench_sessions(host, curl)
   wms.sessions(host.server) -- connects
   host:reset()
   assert(#assert(wms.sessions(host.server)) == 100)
   local exchanges = host:counts().requests
   host:on("*", { times = 0, delay = 5 })
   local a, b, ratio = report.compare(7, function()
      return report.timed(1, wms.sessions, host.server)
   end, function()
      return report.timed(1, function() curl:post(exchanges) end)
   end)
   host:clear()
   report.line("  100 sessions, 5 ms an answer", report.seconds(a), report.seconds(b), ("1/%.2f"):format(1 / ratio),
      "<= 1/3.5", report.verdict(ratio <= 1 / 3.5))
end

local function bench_memory(park, folder)
   local few, many = 20, #park - 1
   assert(child(folder, "bind", #park) == "", "a child process has failed")
   local a, b, _, difference = report.compare(3, function()
      return tonumber(child(folder, "unlock", many))
   end, function()
      return tonumber(child(folder, "unlock", few))
   end)
   local each = difference / (many - few)
   report.line(("  peak memory, %d and %d: a host"):format(many, few), report.bytes(a), report.bytes(b),
      report.bytes(each), "<= 100 kB", report.verdict(each <= 100 * 1024))
end

-- ---------------------------------------------------------------- many hosts

local MANY, AT_ONCE = 1000, 100

--- Each has a session, and is bound.  nil, why: they cannot be started here.
local function start_many(mp)
   local specs = {}
   for i = 1, MANY do
      specs[i] = { name = "many" .. i, subject = "127.0.0.1", password = "administrator's" }
   end
   local park = mp.start{ hosts = specs }
   local servers, fingerprints = {}, {}
   for i, host in ipairs(park) do
      host:session{ id = 3, user = "alice" }
      servers[i] = ("multipoint://%s:%d"):format(host.address, host.http)
      fingerprints[servers[i]] = host.fingerprint
   end
   assert(wms.bind{
      servers = servers, user_name = park[1].admin, password = "administrator's", fingerprints = fingerprints,
      concurrency = AT_ONCE,
   })
   return park, servers
end

--- What wms posts to each host, for libcurl alone.
local function record(park, servers)
   for _, host in ipairs(park) do
      host:set{ keep_bodies = true }
      host:reset()
   end
   assert(wms.unlock{ session_ids = 3, servers = servers, concurrency = AT_ONCE })
   local posts = {}
   for i, host in ipairs(park) do
      local body = host:bodies()[1]
      posts[i] = { ("https://%s:%d/MultiPoint/IMultiPointSession"):format(host.address, host.https), body,
         body:match("<a:MessageID>([^<]+)<") }
      host:set{ keep_bodies = false }
   end
   return posts
end

local function bench_many()
   report.title(("multipoint, %d test hosts, %d at a time, connections that are made anew"):format(MANY, AT_ONCE))
   local park, servers = start_many(require "spec.host.multipoint")
   local multi = require "bench.bare_multi"(('application/soap+xml; charset=utf-8; action="%s"'):format(ACTION),
      record(park, servers))
   local options = { session_ids = 3, servers = servers, concurrency = AT_ONCE }
   report.at_most("unlock on each, and curl_multi", 1.3, report.compare(5, function()
      return report.timed(1, function()
         assert(wms.unlock(options))
      end)
   end, function()
      return report.timed(1, function()
         multi:post(AT_ONCE)
      end)
   end))
   park:stop()
end

return function()
   report.title("multipoint, a test host on loopback, a kept connection")
   local built = pcall(require, "bench.bare_curl")
   local park, why = start_hosts()
   if not park or not built then
      return report.skipped(why or "bench/bare_curl was not built: libcurl4-openssl-dev is missing")
   end
   local folder, host = folder_of(park), park[1]
   bind(host)
   local curl = start_curl(host)
   bench_unlock(host, curl, folder)
   bench_counts(host, folder)
   bench_sessions(host, curl)
   bench_memory(park, folder)
   report.output(("rm -r '%s'"):format(folder))
   park:stop()
   bench_many()
end
