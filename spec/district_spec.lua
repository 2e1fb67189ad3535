-- SPDX-License-Identifier: MIT
--- A district: many MultiPoint hosts, some of which are dead, slow, or send garbage, and one command to all of them.
-- Environment: WMS_DISTRICT, how many hosts (200); WMS_RUNS, how often (2).
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms

local HOSTS = tonumber(os.getenv("WMS_DISTRICT")) or 200
local RUNS = tonumber(os.getenv("WMS_RUNS")) or 2
local SESSIONS = 30

local function descriptors()
   local count = 0
   for _ in process.run("ls /proc/$PPID/fd"):gmatch("%d+") do
      count = count + 1
   end
   return count
end

bound.describe("a district of MultiPoint hosts #once", pending, function()
   it("is unlocked by one command, whatever some of them do, and few connections stay", function()
      local before = descriptors()
      local servers, kinds, hosts = {}, {}, {}
      for i = 1, HOSTS do
         local host = bound.host()
         hosts[i], servers[i] = host, host.server
         kinds[i] = i % 20 == 7 and "dead" or i % 20 == 13 and "slow" or i % 50 == 25 and "garbage" or "healthy"
         kinds[host.server] = kinds[i]
         host:remove("all")
         host:fill(1, SESSIONS, { flags = 44 })
         if kinds[i] == "garbage" then
            host:on("*", { garbage = 1, times = 0 })
         end
      end
      for i, host in ipairs(hosts) do
         if kinds[i] == "dead" then
            host:down()
         end
      end

      local first
      for run = 1, RUNS do
         local healthy = 0
         for i, host in ipairs(hosts) do
            if kinds[i] == "healthy" or kinds[i] == "slow" then
               healthy = healthy + (kinds[i] == "healthy" and SESSIONS or 0)
               host:fill(1, SESSIONS, { flags = 44 })
            end
            if kinds[i] == "slow" then -- until all others are done
               host:on("GetAllSessions", { never = true })
            end
         end
         local order = {}
         local request = wms.start("unlock_all", { servers = servers, timeout = 300, on_outcome = function(outcome)
            order[#order + 1] = kinds[outcome.server]
         end })
         -- The healthy ones do not wait for the sick.
         kit.await(function()
            local done = 0
            for _, kind in ipairs(order) do
               done = done + (kind == "healthy" and 1 or 0)
            end
            return done == healthy
         end, function()
            request:wait(0.2)
         end, 300)
         assert.is_false(request:done())
         for _, kind in ipairs(order) do
            assert.are_not.equal("slow", kind)
         end
         for i, host in ipairs(hosts) do
            if kinds[i] == "slow" then
               host:clear()
            end
         end
         assert.is_true(request:wait(300))
         local _, message, err = request:result()
         request:close()

         -- Every session is accounted for.
         local counts, signature = {}, {}
         for _, outcome in ipairs(err.outcomes) do
            local kind = kinds[outcome.server]
            local word = kind .. " " .. outcome.state .. " " .. (outcome.error and outcome.error.code or "")
            counts[word] = (counts[word] or 0) + 1
            assert.equal(kind == "healthy" or kind == "slow", outcome.session_id ~= nil)
            signature[#signature + 1] = ("%s %s %s"):format(outcome.server, tostring(outcome.session_id), word)
         end
         local wanted = {}
         for i = 1, HOSTS do
            local word = ({ dead = "dead failed UNREACHABLE", garbage = "garbage unknown PROTOCOL",
               healthy = "healthy requested ", slow = "slow requested " })[kinds[i]]
            wanted[word] = (wanted[word] or 0) + ((kinds[i] == "dead" or kinds[i] == "garbage") and 1 or SESSIONS)
         end
         assert.same(wanted, counts, message)
         for i, host in ipairs(hosts) do
            if kinds[i] == "healthy" or kinds[i] == "slow" then
               for _, session in pairs(host:sessions()) do
                  assert.is_false(session.locked)
               end
            end
         end

         -- And the same in each run, also in order.
         signature = table.concat(signature, "\n")
         first = first or signature
         assert.is_true(first == signature, "another run had other outcomes: " .. run)

         -- A connection is two descriptors: libcurl's, and that by which it is watched.
         local more = descriptors() - before
         assert.is_true(more <= 2 * 64 + 60, more .. " more descriptors")
      end
   end)
end)
