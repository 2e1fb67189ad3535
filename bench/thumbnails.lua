-- SPDX-License-Identifier: MIT
--- The part of `make bench` about pictures: of 30 sessions, from 30 MultiPoint hosts.
local report = require "bench.report"
local wms = require "wms"

local HOSTS, BYTES = 30, 60000 -- bytes of a picture
local ACTION = "http://MultiPoint/RemoteManagement/IMultiPointSession/GetThumbnailBits"

--- The hosts end all connections.
local function forget_connections(park)
   for _, host in ipairs(park) do
      host:restart{ silent = true }
   end
end

local function start(mp)
   local specs, servers, fingerprints = {}, {}, {}
   for i = 1, HOSTS do
      specs[i] = { name = "seen" .. i, subject = "127.0.0.1", password = "administrator's" }
   end
   local park = mp.start{ hosts = specs }
   for i, host in ipairs(park) do
      host:session{ id = 3, user = "alice", picture = BYTES }
      servers[i] = ("multipoint://%s:%d"):format(host.address, host.http)
      fingerprints[servers[i]] = host.fingerprint
   end
   assert(wms.bind{ servers = servers, user_name = park[1].admin, password = "administrator's",
      fingerprints = fingerprints })
   return park, servers
end

--- What wms posts to each host, for libcurl alone.
local function record(park, options)
   for _, host in ipairs(park) do
      host:set{ keep_bodies = true }
      host:reset()
   end
   assert(wms.thumbnail(options))
   local posts = {}
   for i, host in ipairs(park) do
      local body = host:bodies()[1]
      posts[i] = { ("https://%s:%d/MultiPoint/IMultiPointSession"):format(host.address, host.https), body,
         body:match("<a:MessageID>([^<]+)<") }
      host:set{ keep_bodies = false }
   end
   return posts
end

return function()
   report.title(("pictures of %d kB, of %d sessions on %d test hosts, connections that are made anew"):format(BYTES / 1000,
      HOSTS, HOSTS))
   local mp = require "spec.host.multipoint"
   local usable, why = mp.available()
   if not usable or not pcall(require, "bench.bare_multi") then
      return report.skipped(why or "bench/bare_multi was not built: libcurl4-openssl-dev is missing")
   end
   local park, servers = start(mp)
   local options = { session_ids = 3, servers = servers, size = "large" }
   local multi = require "bench.bare_multi"(('application/soap+xml; charset=utf-8; action="%s"'):format(ACTION),
      record(park, options))
   report.at_most("thumbnail of each, and curl_multi", 1.3, report.compare(21, function()
      forget_connections(park)
      return report.timed(1, function()
         for _, outcome in ipairs(assert(wms.thumbnail(options))) do
            assert(#outcome.picture >= BYTES)
         end
      end)
   end, function()
      return report.timed(1, function()
         multi:post(HOSTS)
      end)
   end))
   park:stop()
end
