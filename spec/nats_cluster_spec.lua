-- SPDX-License-Identifier: MIT
--- A cluster of three nats-servers and a thousand agents with 30 sessions each: servers and programs that are killed in the
--- middle, wishes that survive, and clocks that are off.
local kit = require "spec.support.kit"
local nats = require "spec.support.nats"
local process = require "spec.support.process"
local room = require "spec.support.nats_room"
local wms = kit.wms
local fine, fault = kit.fine, kit.fault

local SESSIONS = 30
local HOSTS = tonumber(os.getenv("WMS_NATS_AGENTS")) or process.sanitized() and 100 or 1000
local PROGRAMS = 2
local DAY = 86400

local function no_socket()
   return not pcall(require, "socket") and "this Lua has no luasocket" or nil
end

describe("a cluster of NATS servers #once", function()
   local test = kit.needing(function(why) pending(why) end, nats.missing, no_socket)
   local cluster, programs, settings, begun = nil, {}, nil, nil

   local function servers(first, last)
      local list = {}
      for i = first or 1, last or HOSTS do
         list[#list + 1] = "nats://host" .. i
      end
      return list
   end

   --- Each program has its share of the hosts.
   local function begin(i)
      local program = room.program{ nats = settings }
      programs[i] = program
      program.first, program.last = 1 + math.floor(HOSTS * (i - 1) / PROGRAMS), math.floor(HOSTS * i / PROGRAMS)
      local share = "serve{ first = %d, last = %d, sessions = %d, locked = true }"
      program:eval(share:format(program.first, program.last, SESSIONS))
      return program
   end

   --- What all hosts were asked: { [TIMES] = SESSIONS }.
   local function counts(verb)
      local result = {}
      for _, program in ipairs(programs) do
         for times, count in pairs(program:counts(verb)) do
            result[times] = (result[times] or 0) + count
         end
      end
      return result
   end

   local function refill()
      for _, program in ipairs(programs) do
         program:eval(("renew(%d)"):format(SESSIONS))
      end
   end

   --- A command to all hosts, half of them at a time; `middle` is called when the first outcomes are there, and others
   -- cannot be.  Returns the outcomes.
   local function command(verb, middle, options)
      local count = 0
      local whole = { servers = servers(), concurrency = math.ceil(HOSTS / 2), timeout = 60 }
      whole.on_outcome = function() count = count + 1 end
      for key, value in pairs(options or {}) do
         whole[key] = value
      end
      local request = wms.start(verb .. "_all", whole)
      kit.await(function() return count > 0 end, function() request:wait(0.001) end)
      assert.is_false(request:done())
      middle()
      kit.await(function() return request:done() end, function() request:wait(0.1) end, 120)
      local outcomes = kit.outcomes(request:result())
      request:close()
      return outcomes
   end

   --- Every session of every host is in the outcomes, once.  Returns how many are in each state, by the message where there
   -- is one.
   local function account(outcomes)
      local states, seen, whole = {}, {}, {}
      for _, outcome in ipairs(outcomes) do
         kit.shape(outcome)
         local what = outcome.state .. (outcome.error and ": " .. outcome.error.message:gsub("host%d+", "HOST") or "")
         states[what] = (states[what] or 0) + 1
         if outcome.session_id then
            local key = outcome.server .. " " .. outcome.session_id
            assert.is_nil(seen[key], key)
            seen[key] = true
         else
            whole[outcome.server] = outcome
         end
      end
      for _, server in ipairs(servers()) do
         for id = 1, SESSIONS do
            assert.truthy(seen[server .. " " .. id] or whole[server], server .. " " .. id .. " is not accounted for")
         end
      end
      return states
   end

   setup(function()
      if nats.missing() or no_socket() then
         return
      end
      cluster = nats.cluster{}
      settings = { servers = cluster.urls }
      room.use(cluster)
      room.prepare(3)
      for i = 1, PROGRAMS do
         begin(i)
      end
      begun = kit.now()
   end)

   teardown(room.down)

   before_each(function()
      if cluster then
         room.use(cluster)
         cluster:start()
      end
   end)

   after_each(kit.reset)

   test("answers for all hosts, and names those that are not there", function()
      local list = servers()
      list[#list + 1] = "nats://nobody"
      local err = fault(wms.unlock_all{ servers = list, concurrency = #list })
      account(err.outcomes)
      assert.same({ "UNREACHABLE", "nats://nobody" }, { err.code, err.server })
      assert.equal(HOSTS * SESSIONS + 1, #err.outcomes)
      refill()
   end)

   for i, verb in ipairs{ "unlock", "disconnect", "close" } do
      test(("loses server %d in the middle of %s: all is done, once"):format(i, verb), function()
         finally(refill)
         -- An agent does not know what was asked up to five seconds before it began.
         kit.await(function() return kit.now() > begun + 15 end)
         local states = account(command(verb, function()
            cluster[i]:kill()
         end))
         assert.same({ requested = HOSTS * SESSIONS }, states)
         assert.same({ HOSTS * SESSIONS }, counts(verb))
         -- Those that were connected to it are there again.
         local left = fine(wms.sessions{ servers = servers(), concurrency = HOSTS, timeout = 60 })
         assert.equal(verb == "close" and 0 or HOSTS * SESSIONS, #left)
      end)
   end

   test("loses all servers in the middle, and all is done once when they are back", function()
      finally(refill)
      local states = account(command("close", function()
         cluster:kill()
         cluster:start()
      end))
      assert.same({ requested = HOSTS * SESSIONS }, states)
      assert.same({ HOSTS * SESSIONS }, counts "close")
   end)

   test("has a program that dies in the middle: what it did not answer is unknown, and not done again", function()
      local count, list, two = 20, {}, {}
      local function slow(first, last)
         local program = room.program{ nats = settings }
         program:eval(("serve{ prefix = 'slow', first = %d, last = %d, sessions = 3 }"):format(first, last))
         return program
      end
      for i = 1, 2 do
         two[i] = slow((i - 1) * count + 1, i * count)
      end
      for i = 1, 2 * count do
         list[i] = "nats://slow" .. i
      end
      two[1]:eval "for _, host in pairs(hosts) do host:fail('close', 'TIMEOUT') end" -- takes it, and does not answer
      local request = wms.start("close_all", { servers = list, concurrency = #list, timeout = 30 })
      kit.await(function() return two[1]:counts("close")[1] == 3 * count end, function() request:wait(0.01) end)
      two[1]:kill()
      two[1] = slow(1, count) -- the hosts are there again, as after a reboot, with new sessions
      kit.await(function() return request:done() end, function() request:wait(0.1) end, 120)
      local states = {}
      for _, outcome in ipairs(kit.outcomes(request:result())) do
         local number = tonumber(outcome.server:match("%d+$"))
         local key = number > count and (outcome.error and outcome.error.message or outcome.state)
            or "dead " .. outcome.state .. (outcome.session_id and "" or " host")
         states[key] = (states[key] or 0) + 1
      end
      request:close()
      assert.same({ ["dead unknown host"] = count, requested = 3 * count }, states)
      assert.same({}, two[1]:counts "close") -- never by the hosts that have come up since
      assert.same({ 3 * count }, two[2]:counts "close")
      two[1]:kill()
      two[2]:kill()
   end)

   describe("has wishes that", function()
      test("survive the death of any server, and the restart of all", function()
         for i = 1, 30 do
            local state = i % 2 == 0 and "locked" or "unlocked"
            assert(room.call("wisher" .. i, "wish", "put", { state = state, message = "m", seconds = 3600 }))
         end
         local function check()
            for i = 1, 30 do
               local wish = kit.await(function()
                  return room.call("wisher" .. i, "wish", "get", nil, 5)
               end)
               assert.equal(i % 2 == 0 and "locked" or "unlocked", wish.state)
            end
         end
         for i = 1, 3 do
            cluster[i]:kill()
            check()
            cluster:start()
         end
         cluster:kill()
         cluster:start()
         check()
      end)

      test("are kept by agents that were off then, whatever their clock says, and not when they have ended", function()
         if process.sanitized() then
            return pending "the clock comes by LD_PRELOAD, before the sanitizer"
         end
         assert(room.call("late1", "wish", "put", { state = "locked", message = "m", seconds = 3600 }))
         assert(room.call("late2", "wish", "put", { state = "locked", message = "m", seconds = 1 }))
         assert(room.call("late3", "wish", "put", { state = "locked", message = "m", seconds = 3600 }))
         assert(room.call("late3", "wish", "delete"))
         local ended = kit.now()
         kit.await(function() return kit.now() > ended + 2 end)
         for _, offset in ipairs{ 0, DAY, -DAY } do
            local program = room.program{ nats = settings,
               environment = ("WMS_CLOCK=%d LD_PRELOAD=%s"):format(offset, process.program "preload_clock.so") }
            assert.is_true(math.abs(tonumber(program:eval "return os.time()") - os.time() - offset) < 600)
            program:eval "keep{ prefix = 'late', first = 1, last = 3 }"
            kit.await(function() return program:eval "return locked 'late1'" == "true" end)
            -- What is not to come cannot be waited for: the others' wishes were read as early.
            program:eval "turns(1)"
            assert.equal("false", program:eval "return locked 'late2'")
            assert.equal("false", program:eval "return locked 'late3'")
            program:kill()
         end
      end)

      test("end at their time where the agent's clock is off by a day, and begin at once where it is connected", function()
         if process.sanitized() then
            return pending "the clock comes by LD_PRELOAD, before the sanitizer"
         end
         for i, offset in ipairs{ DAY, -DAY } do
            local name = "early" .. i
            local program = room.program{ nats = settings,
               environment = ("WMS_CLOCK=%d LD_PRELOAD=%s"):format(offset, process.program "preload_clock.so") }
            program:eval(("keep{ prefix = 'early', first = %d, last = %d }"):format(i, i))
            local asked = kit.now()
            assert(room.call(name, "wish", "put", { state = "locked", message = "m", seconds = 4, restore = true }))
            kit.await(function() return program:eval(("return locked %q"):format(name)) == "true" end)
            kit.await(function() return program:eval(("return locked %q"):format(name)) == "false" end, nil, 60)
            assert.is_true(kit.now() - asked >= 3.5)
            program:kill()
         end
      end)
   end)
end)
