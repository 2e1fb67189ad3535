-- SPDX-License-Identifier: MIT
--- The part of `make bench` about the Windows session API: what wts:// adds to its calls.
--
--    lua bench/wts.lua SERVER      in a child process: prints seconds of ours, of the bare calls, and their ratio
package.path = "./?.lua;./?/init.lua;" .. package.path

local report = require "bench.report"

local SESSIONS = 100

if arg and arg[0]:find("bench/wts.lua$") then
   local wms = require "wms"
   local bare = require "bench.bare_wts"(arg[1])
   local server = "wts:///" .. arg[1]
   print(report.compare(61, function()
      return report.timed(1, function() assert(#assert(wms.sessions(server)) == SESSIONS) end)
   end, function()
      return report.timed(1, function() assert(bare:list() == SESSIONS) end)
   end))
   return
end

local build = os.getenv("WMS_BUILD") or "build"

return function()
   report.title("wts, over libwms-wtsapi and a test host with 100 sessions")
   local known, mp = pcall(require, "spec.host.multipoint")
   local usable, why = known, "the hosts of the specs are missing"
   if known then
      usable, why = mp.available()
   end
   if not usable or not pcall(require, "bench.bare_wts") then
      return report.skipped(not usable and why or "bench/bare_wts was not built: libwinpr2-dev is missing")
   end
   local wms = require "wms"
   local park = mp.start{ hosts = { { name = "lab", subject = "127.0.0.1" } } }
   local host = park[1]
   host:fill(1, SESSIONS, { user = "alice" })
   local server = ("multipoint://%s:%d"):format(host.address, host.http)
   assert(wms.bind{
      server = server, user_name = host.admin, password = host.password, fingerprint = host.fingerprint,
   })
   -- libwinpr takes the library from the environment of the process.
   local ours, theirs, ratio = report.output(("WTSAPI_LIBRARY=$PWD/%s/lib/libwms-wtsapi.so '%s' bench/wts.lua %s"):format(
      build, arg[-1], server)):match("(%S+)%s+(%S+)%s+(%S+)")
   assert(ratio, "a child process has failed")
   report.at_most("list of 100 sessions, and bare calls", 1.3, tonumber(ours), tonumber(theirs), tonumber(ratio))
   park:stop()
end
