-- SPDX-License-Identifier: MIT
--- Whether a cost grows with how many there are: processor time of one of a kind, among few and among many.  The memory
-- of many things is farther away from the processor, so the goal is a factor of two; spec/growth_spec.lua counts steps.
local wms = require "wms"
local report = require "bench.report"

local ROUNDS = 5

local function clean()
   collectgarbage()
   collectgarbage()
end

local function spent(work, ...)
   clean()
   local start = os.clock()
   work(...)
   return os.clock() - start
end

local function line(what, few, middle, many, ratio, goal, verdict)
   print((("%-36s%10s%10s%10s%8s%7s  %s"):format(what, few, middle, many, ratio, goal, verdict):gsub("%s+$", "")))
end

local function hosts(size, latency)
   local servers, handles = {}, {}
   for i = 1, size do
      servers[i] = "memory://growth" .. i
      handles[i] = wms.memory("growth" .. i, {
         latency = latency and latency(i), sessions = { { session_id = 1, user_name = "alice", locked = true } },
      })
   end
   return servers, handles
end

local function close(handles)
   for _, handle in ipairs(handles) do
      handle:close()
   end
end

local function unlock(options)
   assert(wms.unlock(options))
end

local function on_servers(size, options, latency)
   local servers, handles = hosts(size, latency)
   options.session_ids, options.servers = 1, servers
   unlock(options)
   local seconds = spent(unlock, options)
   close(handles)
   return seconds
end

--- Of a request; that its result costs tables of Lua's is another matter.
local function run(verb, options)
   local request = assert(wms.start(verb, options))
   request:wait()
   return request
end

local function on_sessions(size, id_of, verb, by_id, work)
   local ids, sessions = {}, {}
   for i = 1, size do
      ids[i] = id_of(i)
      sessions[i] = { session_id = ids[i] }
   end
   local host = wms.memory("growth", { sessions = sessions })
   local options = { server = "memory://growth", session_ids = by_id and ids or nil }
   local request
   local seconds = spent(work or function()
      request = run(verb, options)
   end, verb, options)
   if request then
      assert(request:result())
   end
   host:close()
   return seconds
end

--- With the tables that a script gets.
local function result(verb, options)
   assert(wms[verb](options))
end

--- Such tables, and nothing else.
local function tables(size)
   return spent(function()
      local list = {}
      for i = 1, size do
         local outcome = {}
         outcome.server = "memory://growth"
         outcome.session_id = i
         outcome.state = "requested"
         outcome.changed = true
         list[i] = outcome
      end
      assert(#list == size)
   end)
end

local function plain(i)
   return i
end

--- Ids of which the product with the golden ratio is small: a simple hash has one place for all of them.
local inverse = 340573321

local function alike(i)
   return i * inverse % 4294967296
end

local rows = {
   { "wms.memory", function(size)
      local handles
      local seconds = spent(function()
         handles = select(2, hosts(size))
      end)
      close(handles)
      return seconds
   end },
   { "a server of one call", function(size)
      return on_servers(size, {})
   end },
   { "a server of one call, all at once", function(size)
      return on_servers(size, { concurrency = 65535 })
   end },
   { "a session by its id", function(size)
      return on_sessions(size, plain, "unlock", true)
   end },
   { "a session of all", function(size)
      return on_sessions(size, plain, "unlock_all")
   end },
   { "the same, with its table of outcomes", function(size)
      return on_sessions(size, plain, "unlock_all", false, result)
   end, "-" },
   { "such a table, by Lua alone", tables, "-" },
   { "a session of a list", function(size)
      return on_sessions(size, plain, "sessions")
   end },
   { "a session by its id, ids alike", function(size)
      return on_sessions(size, alike, "unlock", true)
   end },
}

--- Each answers by itself, at most five in one millisecond.
local function one_by_one(on_outcome)
   return function(size)
      return on_servers(size, { concurrency = 65535, on_outcome = on_outcome }, function(i)
         return 0.5 + i * 0.0002
      end)
   end
end

local slow = {
   { "an answer, one by one", one_by_one() },
   { "the same, with on_outcome", one_by_one(function() end) },
}

local function measure(list, rounds, few, middle, many)
   local function each(work, size)
      local costs = {}
      for i = 1, rounds do
         costs[i] = work(size) / size
      end
      return report.median(costs)
   end
   line("", few, middle, many, "ratio", "goal", "")
   for _, row in ipairs(list) do
      local what, work = row[1], row[2]
      local a, b, c = each(work, few), each(work, middle), each(work, many)
      local goal = row[3] or "<= 2" -- "-": none, how much memory Lua takes is not ours
      line("  " .. what, report.seconds(a), report.seconds(b), report.seconds(c), ("%.2f"):format(c / a), goal,
         goal == "-" and "" or report.verdict(c / a <= 2))
   end
end

--- 10,000 hosts are unlocked in commands to so many of them each: the time of one host, with what a script gets of it.
-- There are as many hosts in memory whatever the size of a command is, and none is asked twice before all others were.
local function measure_hosts()
   local all, sizes, costs = 10000, { 1, 10, 100, 1000, 10000 }, {}
   local servers, handles = hosts(all)
   local commands = {}
   for i, size in ipairs(sizes) do
      commands[i], costs[i] = {}, {}
      for first = 1, all, size do
         local list = {}
         for k = first, first + size - 1 do
            list[#list + 1] = servers[k]
         end
         table.insert(commands[i], { servers = list })
      end
   end
   for round = 1, 21 do
      for i in ipairs(sizes) do
         clean()
         collectgarbage("stop")
         local start = os.clock()
         for _, options in ipairs(commands[i]) do
            assert(wms.unlock_all(options))
         end
         costs[i][round] = (os.clock() - start) / all
         collectgarbage("restart")
      end
   end
   close(handles)
   report.title("growth: unlock_all of so many of 10,000 embedded hosts, the time of one host")
   for i, size in ipairs(sizes) do
      costs[i] = report.median(costs[i])
      print(("  %-34d%10s"):format(size, report.seconds(costs[i])))
   end
   report.at_most("of 10,000, and of 100", 1.5, costs[5], costs[3], costs[5] / costs[3])
end

return function()
   measure_hosts()
   report.title("growth: processor time of one, among so many")
   measure(rows, ROUNDS, 1000, 10000, 100000)
   measure(slow, 1, 1000, 4000, 16000)
end
