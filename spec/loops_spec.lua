-- SPDX-License-Identifier: MIT
--- Requests in other programs' event loops.
local kit = require "spec.support.kit"
local poll = require "spec.support.poll"
local wms = kit.wms
local fine, pluck = kit.fine, kit.pluck

local MODULES = { cqueues = "cqueues", luv = "luv" }

for name, module in pairs(MODULES) do
   describe("requests under " .. name, function()
      local loop = poll[name]
      local keep, sweep = kit.keeper()
      after_each(sweep)

      local function test(text, body)
         it(text, function()
            if not pcall(require, module) then
               pending(module .. " is not installed for " .. _VERSION)
            end
            body()
         end)
      end

      local function lab(latency, options)
         local host = kit.name()
         options = options or {}
         options.latency = latency
         options.sessions = { { session_id = 1, locked = true }, { session_id = 2, locked = true } }
         return "memory://" .. host, keep(wms.memory(host, options))
      end

      --- What a task does with a request: the protocol of docs/embedding.md.
      local function finish(request, ready, forget)
         request:step()
         while not request:done() do
            assert(request:events() == "r" and request:timeout() == nil)
            ready(request)
            request:step()
         end
         forget(request)
      end

      test("finish in the order of their hosts' latency while the loop's timer ticks", function()
         local order, ticks, at = {}, 0, {}
         local tasks = {}
         for i, latency in ipairs{ 2.7, 0.3, 1.5 } do
            local server = lab(latency)
            tasks[i] = function(ready, forget)
               local request = keep(wms.start("unlock", { session_ids = { 1, 2 }, server = server }))
               ready(request)
               request:step()
               while not request:done() do
                  ready(request)
                  request:step()
               end
               forget(request)
               order[#order + 1] = latency
               at[#at + 1] = ticks
               assert(#fine(request:result()) == 2)
            end
         end
         loop(tasks, function() ticks = ticks + 1 end)
         assert.same({ 0.3, 1.5, 2.7 }, order) -- more than a second apart: a busy machine keeps the order, too
         -- A loop that is kept from its work would not tick at all meanwhile; how often it does, the machine decides.
         assert.is_true(at[1] >= 1 and at[2] - at[1] >= 1 and at[3] - at[2] >= 1, table.concat(at, " "))
      end)

      test("verify and watch without a wait", function()
         local good, bad = lab(0.02), lab(0.02, { relock_after = 0.1 })
         local result = {}
         local tasks = {}
         for i, server in ipairs{ good, bad } do
            tasks[i] = function(ready, forget)
               local request = keep(wms.start("unlock_all", { server = server, stable = 0.5 }))
               finish(request, ready, forget)
               result[i] = { request:result() }
            end
         end
         loop(tasks, function() end)
         assert.same({ "verified", "verified" }, pluck(result[1][1], "state"))
         assert.equal("REVERTED", result[2][3].code)
      end)

      test("tell when they are cancelled from elsewhere", function()
         local server = lab(1000)
         local request = keep(wms.start("unlock", { session_ids = 1, server = server }))
         local ticks = 0
         loop({ function(ready, forget) finish(request, ready, forget) end }, function()
            ticks = ticks + 1
            if ticks == 5 then
               request:cancel()
            end
         end)
         assert.equal("CANCELLED", select(3, request:result()).code)
      end)

      test("run a deadline", function()
         local server, host = lab(0)
         host:fail("unlock", "TIMEOUT")
         local request = keep(wms.start("unlock", { session_ids = 1, server = server, timeout = 0.2 }))
         loop({ function(ready, forget) finish(request, ready, forget) end }, function() end)
         assert.equal("TIMEOUT", select(3, request:result()).code)
      end)

      test("polled in turn never lose a wake-up: 10,000 rounds", function()
         local server = lab(0.0005)
         local rounds = { 0, 0 }
         local function task(i)
            return function(ready, forget)
               while rounds[i] < 5000 do
                  local request = wms.start(rounds[i] % 2 == 0 and "unlock" or "lock", {
                     session_ids = i, server = server, message = rounds[i] % 2 == 1 and "m" or nil,
                  })
                  finish(request, ready, forget)
                  fine(request:result())
                  request:close()
                  rounds[i] = rounds[i] + 1
               end
            end
         end
         loop({ task(1), task(2) }, function() end)
         assert.same({ 5000, 5000 }, rounds)
      end)

      test("have news when an outcome came by another's step", function()
         local fast, slow, between = lab(0.02), lab(1000), lab(0.1)
         local seen = {}
         local one = keep(wms.start("unlock", { session_ids = 1, servers = { slow, fast }, on_outcome = function(outcome)
            seen[#seen + 1] = outcome.server
         end }))
         one:pollfd()
         fine(wms.unlock{ session_ids = 1, server = between })
         loop({ function(ready, forget)
            ready(one)
            forget(one)
            one:step()
         end }, function() end)
         assert.same({ fast }, seen)
         assert.is_false(one:done())
      end)

      test("that others step are told so", function()
         local server = lab(0.05)
         local one = keep(wms.start("unlock", { session_ids = 1, server = server }))
         local two = keep(wms.start("unlock", { session_ids = 2, server = server }))
         one:pollfd()
         two:wait() -- carries `one` out as well
         loop({ function(ready, forget) -- no step before the poll: the descriptor has to be readable, for there is news
            ready(one)
            forget(one)
            one:step()
         end }, function() end)
         assert.is_true(one:done())
      end)
   end)
end

describe("a loop's helper", function()
   local keep, sweep = kit.keeper()
   after_each(sweep)

   it("is woken for a command that has come to its end when another one began", function()
      local found, socket = pcall(require, "socket")
      if not found then
         pending("this Lua has no luasocket")
      end
      local loop = require "wms.loop.poll"
      local function start(latency, on_done)
         local host = kit.name()
         keep(wms.memory(host, { latency = latency, sessions = { { session_id = 1, locked = true } } }))
         loop.start("unlock", { session_ids = 1, server = "memory://" .. host }, on_done)
      end
      local told = {}
      start(0.05, function() told[#told + 1] = "slow" end)
      local watched = { { getfd = loop.pollfd } }
      socket.sleep(0.2) -- its answer is there, and nobody has taken it
      start(0, function() told[#told + 1] = "quick" end)
      while #told < 2 do
         assert.is_nil(select(3, socket.select(watched, nil, 20)))
         assert(loop.turn())
      end
      assert.same({ "quick", "slow" }, kit.sorted(told))
   end)

   --- Starts a command that is under way, lets `happen` happen outside of any turn, and polls until the command has ended.
   local function polled(happen)
      local found, socket = pcall(require, "socket")
      if not found then
         pending("this Lua has no luasocket")
      end
      local loop = require "wms.loop.poll"
      local name, told = kit.name(), nil
      local host = keep(wms.memory(name, { latency = 0.2, sessions = { { session_id = 1, locked = true } } }))
      local watch = { { getfd = loop.pollfd } }
      local function poll_until(check)
         while not check() do
            assert.is_nil(select(3, socket.select(watch, nil, 20)))
            assert(loop.turn())
         end
      end
      local request = loop.start("unlock", { session_ids = 1, server = "memory://" .. name }, function(list, _, err)
         told = list and list[1].state or err.code
      end)
      assert(loop.turn()) -- what its start was good for is done
      happen(request, host, socket, poll_until, "memory://" .. name)
      poll_until(function() return told end)
      return told
   end

   it("is woken for a command that is cancelled", function()
      assert.equal("CANCELLED", polled(function(request, host)
         host:fail("unlock", "TIMEOUT")
         request:cancel()
      end))
   end)

   it("is woken for a command that ended while another one blocked", function()
      assert.equal("requested", polled(function()
         local name = kit.name()
         keep(wms.memory(name, { latency = 0.6, sessions = { { session_id = 1, locked = true } } }))
         fine(wms.unlock{ session_ids = 1, server = "memory://" .. name })
      end))
   end)

   it("is woken for a command that ended by another's step", function()
      assert.equal("requested", polled(function(_, _, socket, _, server)
         local other = keep(wms.start("unlock", { session_ids = 1, server = server }))
         socket.sleep(0.6)
         other:step()
      end))
   end)

   it("is woken for what the program does to an embedded host", function()
      polled(function(_, host, _, poll_until, server)
         local loop, kinds = require "wms.loop.poll", {}
         local watch = assert(loop.watch{ server = server, on_event = function(event) kinds[#kinds + 1] = event.kind end })
         poll_until(function() return kinds[1] end)
         host:open{ session_id = 7 }
         poll_until(function() return kit.set(kinds).opened end)
         watch:close()
      end)
   end)

   it("does not turn without end for news that nobody takes", function()
      polled(function(_, _, socket, _, server)
         local mine = keep(wms.start("unlock", { session_ids = 1, server = server }))
         mine:pollfd()
         socket.sleep(0.6)
         local other = keep(wms.start("sessions", server))
         local wakes = 0
         local loop = require "wms.loop.poll"
         for _ = 1, 50 do
            if #socket.select({ { getfd = loop.pollfd } }, nil, 0.02) > 0 then
               wakes = wakes + 1
               assert(loop.turn())
            end
         end
         assert.is_true(wakes < 20, wakes .. " wakes")
         other:wait()
      end)
   end)
end)
