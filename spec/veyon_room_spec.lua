-- SPDX-License-Identifier: MIT
--- Rooms of Veyon hosts behind one gateway, in which some hosts are off: these take their time, and nobody else's.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local veyon = require "spec.support.veyon"
local wms = kit.wms
local fine, fault, set = kit.fine, kit.fault, kit.set

-- What a program does that commands a room, and ends: verb, gateway, key file, servers.
local PROGRAM = [[
local wms = require "wms"
local verb, gateway, key_file = arg[1], arg[2], arg[3]
local servers, kept = {}, {}
for i = 4, #arg do
   servers[#servers + 1] = arg[i]
end
wms.configure{ store = { load = function(n) return kept[n] end, save = function(n, t) kept[n] = t end,
   remove = function() end, list = function() return {} end } }
assert(wms.bind{ servers = servers, gateway = gateway, key_name = "lab", key_file = key_file })
assert(wms[verb]{ servers = servers, message = verb == "lock_all" and "m" or nil, timeout = 60 })
]]

local LIMIT = { uids = 28, silent = 8 } -- of what we may take of a gateway

veyon.describe("rooms of Veyon hosts: #once", pending, function()
   --- A gateway with `count` hosts to which this client is bound, of which the first `off` are off then.
   local function room(count, off, options)
      options = options or {}
      options.set = options.set or { authentication = 600000, probe = 300 }
      local gateway = veyon.own(options)
      local hosts, servers = {}, {}
      for i = 1, count do
         hosts[i] = veyon.stranger({}, gateway)
         servers[i] = hosts[i].server
      end
      local binding = veyon.binding(hosts[1], { servers = servers })
      binding.server = nil
      fine(wms.bind(binding))
      for i = 1, off do
         hosts[i]:restart "off"
      end
      gateway:forget()
      gateway:reset()
      return { gateway = gateway, hosts = hosts, servers = servers, off = set{ (table.unpack or unpack)(servers, 1, off) },
         living = count - off }
   end

   --- From now on the gateway waits for no silent host any more.
   local function give_up(place)
      place.gateway:set{ authentication = 0 }
      for _, host in ipairs(place.hosts) do
         host:set{} -- whoever waits for it looks again
      end
   end

   --- Locks all of it; the hosts that are off take their time until all others have been told.  On a busy machine that may
   -- be longer than anybody waits for a gateway: then those that are tried first are given up before.
   local function lock_all(place)
      local told, early = 0, 0
      local options = { servers = place.servers, message = "m", verify = 60, timeout = 300, concurrency = #place.servers,
         on_outcome = function(outcome)
            if place.off[outcome.server] then
               early = early + (told < place.living and 1 or 0)
               return
            end
            told = told + 1
            if told == place.living then
               give_up(place)
            end
         end }
      local list, _, err = wms.lock_all(options)
      assert.is_true(early <= LIMIT.silent, early)
      return list or err.outcomes
   end

   local function all_accounted_for(place, outcomes)
      assert.equal(#place.servers, #outcomes)
      for _, outcome in ipairs(outcomes) do
         local off, code = place.off[outcome.server], outcome.error and outcome.error.code
         assert.equal(off and "failed" or "verified", outcome.state, outcome.error and outcome.error.message)
         assert.is_true(not off or code == "UNREACHABLE" or code == "TIMEOUT", code)
      end
      for _, host in ipairs(place.hosts) do
         assert.equal(place.off[host.server] and 0 or 1, host:state().locked)
      end
   end

   local function never_full(place)
      local counts = place.gateway:counts()
      assert.is_true(counts.uids_peak <= LIMIT.uids, counts.uids_peak)
      assert.is_true(counts.working_peak <= LIMIT.uids, counts.working_peak)
      assert.is_true(counts.silent_peak <= LIMIT.silent, counts.silent_peak)
      for _, entry in ipairs(place.gateway:log()) do
         assert.not_equal(429, entry.status)
      end
      return counts
   end

   for _, case in ipairs{ { 30, 3 }, { 30, 22 }, { 60, 20 } } do
      it(("of %d, of which %d are off: nobody waits for them"):format(case[1], case[2]), function()
         local place = room(case[1], case[2])
         all_accounted_for(place, lock_all(place))
         never_full(place)
      end)
   end

   it("are told of with few servers at a time, too", function()
      local place = room(12, 4)
      give_up(place)
      local err = fault(wms.lock_all{ servers = place.servers, message = "m", verify = 60, timeout = 300, concurrency = 3 })
      all_accounted_for(place, err.outcomes)
      never_full(place)
   end)

   it("tell who is off by what the hosts say, and not by what the gateway thinks of them", function()
      for _, answer in ipairs{
         { body = '{"state":"down"}' }, { body = "up" }, { body = "{}" }, { body = '{"state":["online"]}' },
         { status = 404, type = "text/plain", body = "Invalid command" },
         { status = 429, body = '{"error":{"code":7,"message":"Limit"}}', times = 3 },
      } do
         local place = room(10, 4) -- four are tried without a question
         answer.times = answer.times or 0
         place.gateway:on("hoststate", answer)
         all_accounted_for(place, lock_all(place))
         local counts = place.gateway:counts()
         assert.is_true(counts.hoststate > 0)
         assert.is_true(counts.uids_peak <= LIMIT.uids)
      end
   end)

   it("are locked when a gateway takes all for on that are off", function()
      local place = room(34, 8, { set = { authentication = 1000 } })
      place.gateway:on("hoststate", { body = '{"state":"online"}', times = 0 })
      local err = fault(wms.lock_all{ servers = place.servers, message = "m", verify = 60, timeout = 300,
         concurrency = 34 })
      all_accounted_for(place, err.outcomes)
      local counts = place.gateway:counts()
      assert.is_true(counts.uids_peak <= LIMIT.uids and counts.working_peak <= LIMIT.uids)
   end)

   it("end with the gateway that is asked about them", function()
      for _, answer in ipairs{ { drop = 1 }, { endless = 100000000 } } do
         local place = room(12, 12)
         answer.times = 0
         place.gateway:on("hoststate", answer)
         local request = wms.start("sessions", { servers = place.servers, timeout = 300 })
         kit.pump(request, function() return place.gateway:counts().hoststate >= 8 end)
         give_up(place)
         kit.pump(request, function() return request:done() end)
         local err = fault(request:result())
         request:close()
         assert.equal(12, #err.outcomes)
         for _, outcome in ipairs(err.outcomes) do
            assert.is_true(set{ "UNREACHABLE", "PROTOCOL" }[outcome.error.code] == true, outcome.error.code)
         end
      end
   end)

   it("are asked nothing when a single host is commanded, or a session of several", function()
      local place = room(1, 0)
      fine(wms.lock_all{ servers = place.servers, message = "m", verify = 60 })
      assert.equal(0, place.gateway:counts().hoststate)
      local servers = {}
      for i = 1, 12 do
         servers[i] = place.gateway:host{ name = ("multi%d:11101"):format(i), session_id = 1 }.server
      end
      local binding = veyon.binding(place.hosts[1], { servers = servers })
      binding.server = nil
      fine(wms.bind(binding))
      assert.equal(12, #fine(wms.sessions{ servers = servers }))
      assert.equal(0, place.gateway:counts().hoststate) -- of these it says nothing
   end)

   it("are bound while some are off, of which not all have to be waited for", function()
      local gateway = veyon.own{ set = { authentication = 2000, probe = 300 } }
      local servers = {}
      for i = 1, 20 do
         local host = veyon.stranger({}, gateway)
         servers[i] = host.server
         if i > 4 and i <= 16 then
            host:restart "off"
         end
      end
      local binding = veyon.binding({ server = servers[1], gateway = gateway }, { servers = servers })
      binding.server = nil
      fine(wms.bind(binding))
      for i = 1, 20 do
         assert.truthy(veyon.store.kept[servers[i]])
      end
      assert.is_true(gateway:counts().silent_peak <= 4) -- of the others it was asked
   end)

   it("are commanded by one program after the other: none leaves the gateway's places taken", function()
      local gateway = veyon.own()
      local hosts, servers = {}, {}
      for i = 1, 30 do
         hosts[i] = veyon.stranger({ flush = 500 }, gateway)
         servers[i] = hosts[i].server
      end
      local script = veyon.file("program.lua", PROGRAM)
      for i, verb in ipairs{ "lock_all", "unlock_all" } do
         local output, code = process.run(("timeout 120 %s %s %s %s %s %s"):format(process.lua(), script, verb, gateway.url,
            veyon.key(), table.concat(servers, " ")))
         assert.equal(0, code, output)
         for _, host in ipairs(hosts) do
            kit.await(function() return host:state().locked == i % 2 end)
         end
      end
      for _, entry in ipairs(gateway:log()) do
         assert.not_equal(429, entry.status)
      end
   end)

   it("whose commands are cancelled give back what they have", function()
      local place = room(30, 22)
      local request = wms.start("sessions", { servers = place.servers, timeout = 300 })
      kit.pump(request, function() return place.gateway:counts().hoststate >= 8 end)
      request:cancel()
      request:close()
      give_up(place)
      for i = 23, 30 do
         assert.equal(1, #fine(wms.sessions{ server = place.servers[i], timeout = 300 }))
      end
      never_full(place)
   end)
end)
