-- SPDX-License-Identifier: MIT
--- Many requests at once, on hosts that fail, refuse, break and go, with cancels and closes in between: all of it by
-- chance, though each seed has its own course.  Each request ends, has one outcome for each session that was asked for, and
-- says of no session what the host's log denies.
local kit = require "spec.support.kit"
local wms = kit.wms

local IDS = { 1, 2, 3, 4, 5, "c6", 77 }
local OPERATIONS = 300

local function key_of(server, id)
   return ("%s %s %s"):format(server, type(id), tostring(id))
end

--- What the host was asked with this message, for this session, goes with the outcome.
local function agrees(outcome, entries)
   local code, first = outcome.error and outcome.error.code, entries[1]
   if #entries > 1 then
      return false -- sent twice
   elseif outcome.state == "requested" or outcome.state == "verified" or code == "UNVERIFIED" or code == "REVERTED" then
      return first == "done"
   elseif outcome.state == "planned" or outcome.state == "skipped" then
      return not first
   elseif outcome.state == "gone" then
      return not first or first == "NOT_FOUND" or first == "done" -- before the action, or while it was watched
   elseif outcome.state == "unknown" then
      return code == "TIMEOUT" or code == "UNREACHABLE" or code == "CANCELLED"
   end
   return not first or first == code or code == "NOT_FOUND" and first == "done" -- it ended while it was watched
end

local function play(seed)
   local value, serial, hosts, made, requests = seed * 7919 + 12345, 0, {}, {}, {}

   local function random(n)
      value = value * 16807 % 2147483647
      return value % n + 1
   end

   local function pick(list)
      return list[random(#list)]
   end

   local function chance(percent)
      return random(100) <= percent
   end

   local function open(i)
      local sessions = {}
      for k = 1, random(6) do
         sessions[k] = {
            session_id = IDS[k], locked = chance(50), is_admin = chance(15),
            relock_after = chance(30) and pick{ 0, 0.002, 0.01 } or nil,
         }
      end
      local host = { name = kit.name("stress") }
      host.handle = wms.memory(host.name, { latency = pick{ 0, 0.001, 0.004 }, sessions = sessions })
      hosts[i], made[#made + 1] = host, host
   end

   local function close(i)
      hosts[i].log = hosts[i].handle:log()
      hosts[i].handle:close()
   end

   local function server()
      return "memory://" .. (chance(5) and "nobody" or pick(hosts).name)
   end

   --- Targets between the hosts, and what has to come back for them.
   local function some(options, expected)
      local seen = {}
      options.session_ids = {}
      for i = 1, random(8) do
         local target = { session_id = pick(IDS), server = server() }
         local key = key_of(target.server, target.session_id)
         options.session_ids[i] = target
         if not seen[key] then
            seen[key] = true
            expected[#expected + 1] = key
         end
      end
   end

   local function start()
      serial = serial + 1
      local request = { message = "m" .. serial, told = 0 }
      local verb = pick{ "lock", "lock", "lock_all", "unlock", "unlock_all", "close" }
      local options = {
         timeout = pick{ 0.005, 0.02, 0.1 }, on_error = pick{ "stop", "continue" }, concurrency = random(3),
         verify = chance(50) and pick{ 0, 0.005, 0.03 } or nil, what_if = chance(15),
         stable = verb ~= "close" and chance(40) and pick{ 0, 0.001, 0.01 } or nil,
         message = verb:match "^lock" and request.message or nil,
         on_outcome = chance(50) and function(_, done)
            request.told = request.told + 1
            assert.equal(request.told, done)
            if chance(3) then
               request.handle:cancel()
            end
         end or nil,
      }
      request.options = options
      if verb:match "_all" then
         options.server = server()
      else
         request.expected = {}
         some(options, request.expected)
      end
      request.handle = wms.start(verb, options)
      requests[#requests + 1] = request
   end

   --- One of the requests that are not closed yet.
   local function any(act)
      local request = #requests > 0 and pick(requests)
      if request and not request.closed then
         act(request)
      end
   end

   local operations = {
      start, start, start, start,
      function() any(function(request) request.handle:step() end) end,
      function() any(function(request) request.handle:wait(pick{ 0, 0.001, 0.005 }) end) end,
      function() any(function(request) request.handle:wait(pick{ 0, 0.001, 0.005 }) end) end,
      function() any(function(request) request.handle[pick{ "cancel", "pollfd" }](request.handle) end) end,
      function()
         any(function(request)
            request.closed = chance(30)
            if request.closed then
               request.handle:close()
            end
         end)
      end,
      function()
         pick(hosts).handle:fail(pick{ "lock", "unlock", "sessions" }, pick{ "UNREACHABLE", "TIMEOUT", "BUSY" })
      end,
      function()
         local host = pick(hosts).handle
         host:refuse(chance(20) and "UNREACHABLE" or nil)
         for _, verb in ipairs{ "lock", "unlock", "sessions" } do
            host:fail(verb)
         end
      end,
      function()
         local host = pick(hosts).handle
         host[pick{ "drop", "unlock", "lock" }](host, pick(IDS))
      end,
      function()
         wms.configure{ allow = chance(30) and function()
            return chance(80), "no"
         end }
      end,
      function()
         if chance(20) then
            local i = random(#hosts)
            close(i)
            open(i)
         end
      end,
   }

   for i = 1, 3 do
      open(i)
   end
   for _ = 1, OPERATIONS do
      pick(operations)()
   end
   for i in ipairs(hosts) do
      close(i)
   end
   local log = {}
   for _, host in ipairs(made) do
      for _, entry in ipairs(host.log) do
         local key = (entry.message or "") .. key_of("memory://" .. host.name, entry.session_id)
         log[key] = log[key] or {}
         table.insert(log[key], entry.code or "done")
      end
   end
   for _, request in ipairs(requests) do
      if not request.closed then
         assert.is_true(request.handle:wait(10))
         local outcomes, keys = kit.outcomes(request.handle:result()), {}
         for i, outcome in ipairs(outcomes) do
            keys[i] = key_of(outcome.server, outcome.session_id)
            if request.options.message and outcome.session_id then
               assert.is_true(agrees(outcome, log[request.message .. keys[i]] or {}), keys[i] .. " is " .. outcome.state)
            end
         end
         assert.same(request.expected or keys, keys)
         assert.equal(request.options.on_outcome and #keys or 0, request.told)
         request.handle:close()
      end
   end
end

describe("whatever happens", function()
   after_each(kit.reset)

   for seed = 1, 20 do
      it("each request ends with the truth (seed " .. seed .. ")", function()
         play(seed)
      end)
   end
end)
