-- SPDX-License-Identifier: MIT
--- A district: many MultiPoint hosts, some of which are dead, slow, or send garbage, and one command to all of them.
-- Environment: WMS_DISTRICT, how many hosts (200); WMS_RUNS, how often a tenth of them at a time (1), whose figures are
-- printed then.  `make district` does it with 1000 hosts and ten times.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms

local HOSTS = tonumber(os.getenv("WMS_DISTRICT")) or 200
local RUNS = tonumber(os.getenv("WMS_RUNS")) or 1
local SESSIONS = 30
local AT_ONCE = math.max(32, math.floor(HOSTS / 10))

-- What a host may take of this process's memory while it is worked with, outcomes included; judged with many hosts only,
-- since it is the whole process that is measured.
local KILOBYTES, MANY = 100, 1000
-- A connection is two descriptors, libcurl's and that by which it is watched; SPARE: all other descriptors.
local KEPT, PLENTY, SPARE = 64, 256, 60

local function say(text, ...)
   if os.getenv("WMS_RUNS") then
      io.stderr:write(text:format(...), "\n")
   end
end

local function descriptors()
   local count = 0
   for _ in process.run("ls /proc/$PPID/fd"):gmatch("%d+") do
      count = count + 1
   end
   return count
end

--- Of connections, when so many hosts are worked with at a time.
local function most_descriptors(at_once)
   return 2 * (math.min(4 * at_once, math.max(at_once, PLENTY)) + KEPT) + SPARE
end

--- The memory of this process in kB, now or at most ("VmRSS", "VmHWM").
local function kilobytes(name)
   for line in io.lines("/proc/self/status") do
      local value = line:match("^" .. name .. ":%s*(%d+)")
      if value then
         return tonumber(value)
      end
   end
end

--- From here on VmHWM is counted anew.
local function forget_peak()
   collectgarbage()
   local file = assert(io.open("/proc/self/clear_refs", "w"))
   file:write("5")
   file:close()
end

local function kind_of(i)
   return i % 20 == 7 and "dead" or i % 20 == 13 and "slow" or i % 50 == 25 and "garbage" or "healthy"
end

--- Hosts with what is the matter with each.
local function district()
   local before = descriptors()
   local hosts = bound.hosts(HOSTS)
   local town = { hosts = hosts, servers = {}, kinds = {}, healthy = {}, descriptors = before }
   for i, host in ipairs(hosts) do
      local kind = kind_of(i)
      host.kind, town.servers[i], town.kinds[host.server] = kind, host.server, kind
      if kind == "garbage" then
         host:on("*", { garbage = 1, times = 0 })
      elseif kind == "dead" then
         host:down(true)
      elseif kind == "healthy" then
         town.healthy[#town.healthy + 1] = host.server
      end
   end
   return town
end

local function lock_all(town)
   for _, host in ipairs(town.hosts) do
      if host.kind == "healthy" or host.kind == "slow" then
         host:fill(1, SESSIONS, { flags = 44 })
      end
   end
end

local function each_slow(town, work)
   for _, host in ipairs(town.hosts) do
      if host.kind == "slow" then
         work(host)
      end
   end
end

--- The slow ones do not answer until all others are done, and the healthy ones do not wait for them.
-- Returns the error object, and what it took.
local function unlock(town, at_once)
   local took = { descriptors = 0, seconds = 0, healthy = 0 }
   local done, slow, count = 0, 0, 0
   each_slow(town, function(host)
      host:on("GetAllSessions", { never = true })
   end)
   forget_peak()
   local memory, start = kilobytes("VmRSS"), kit.now()
   local request = wms.start("unlock_all", {
      servers = town.servers, timeout = 300, concurrency = at_once,
      on_outcome = function(outcome)
         local kind = town.kinds[outcome.server]
         done = done + (kind == "healthy" and 1 or 0)
         slow = slow + (kind == "slow" and 1 or 0)
         count = count + 1
         if count % (HOSTS * 3) == 0 then
            took.descriptors = math.max(took.descriptors, descriptors() - town.descriptors)
         end
      end,
   })
   kit.await(function()
      return done == #town.healthy * SESSIONS
   end, function()
      request:wait(0.2)
   end, 300)
   took.healthy = kit.now() - start
   assert.is_false(request:done())
   assert.equal(0, slow)
   each_slow(town, function(host)
      host:clear()
   end)
   assert.is_true(request:wait(300))
   took.seconds = kit.now() - start
   took.kilobytes = (kilobytes("VmHWM") - memory) / at_once
   took.descriptors_left = descriptors() - town.descriptors
   local _, _, err = request:result()
   request:close()
   return err, took
end

--- Every session is accounted for.  Returns all outcomes as one text, in their order.
local function account(town, err)
   local counts, wanted, signature = {}, {}, {}
   for i, outcome in ipairs(err.outcomes) do
      local kind = town.kinds[outcome.server]
      local word = kind .. " " .. outcome.state .. " " .. (outcome.error and outcome.error.code or "")
      counts[word] = (counts[word] or 0) + 1
      assert.equal(kind == "healthy" or kind == "slow", outcome.session_id ~= nil)
      signature[i] = ("%s %s %s"):format(outcome.server, tostring(outcome.session_id), word)
   end
   for _, host in ipairs(town.hosts) do
      local word = ({
         dead = "dead failed UNREACHABLE", garbage = "garbage unknown PROTOCOL",
         healthy = "healthy requested ", slow = "slow requested ",
      })[host.kind]
      local alive = host.kind == "healthy" or host.kind == "slow"
      wanted[word] = (wanted[word] or 0) + (alive and SESSIONS or 1)
      for _, session in pairs(alive and host:sessions() or {}) do
         assert.is_false(session.locked)
      end
   end
   assert.same(wanted, counts, err.message)
   return table.concat(signature, "\n")
end

bound.describe("a district of MultiPoint hosts #once", pending, function()
   it("is unlocked by one command, whatever some of them do, and a host takes little", function()
      local town = district()
      local first
      local function run(name, at_once)
         lock_all(town)
         local err, took = unlock(town, at_once)
         say("%s, %d hosts, %d at a time: %.1f s, the healthy ones %.1f s; %d more descriptors, then %d", name, HOSTS,
            at_once, took.seconds, took.healthy, took.descriptors, took.descriptors_left)
         assert.is_true(took.descriptors <= most_descriptors(at_once), took.descriptors .. " more descriptors")
         assert.is_true(took.descriptors_left <= most_descriptors(at_once), took.descriptors_left .. " of them stay")
         local signature = account(town, err)
         first = first or signature
         assert.is_true(first == signature, "another run had other outcomes: " .. name)
         return took
      end

      local took = run("all at once", HOSTS) -- the first: later ones use memory again that is the process's by then
      say("%.0f kB a host", took.kilobytes)
      if HOSTS >= MANY then
         assert.is_true(took.kilobytes <= KILOBYTES, took.kilobytes .. " kB a host")
      end
      for i = 1, RUNS do
         run("run " .. i, AT_ONCE)
      end
      if os.getenv("WMS_RUNS") then
         lock_all(town)
         local start = kit.now()
         assert(wms.unlock_all{ servers = town.healthy, timeout = 300, concurrency = AT_ONCE })
         say("the healthy ones alone: %.1f s", kit.now() - start)
      end
   end)
end)
