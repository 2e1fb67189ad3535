-- SPDX-License-Identifier: MIT
--- A storm: Linux hosts over ssh, MultiPoint hosts and an embedded one, all watched by this process, some of them kept,
-- while everything happens to them that may; and what it took.  See spec/storm_spec.lua.
local bound = require "spec.support.bound"
local hosts = require "spec.host"
local keep_rooms = require "wms.keep"
local kit = require "spec.support.kit"
local network = require "spec.host.network"
local Judge = require "spec.support.storm_judge"
local StormHost = require "spec.support.storm_host"
local wms = kit.wms

local unpack = table.unpack or unpack -- luacheck: ignore 143

local Storm = {}
Storm.__index = Storm

local PARTS = 10          -- into which the time is divided, for what it takes
local MULTIPOINT = 3      -- hosts
local KEPT_OF = 6         -- one host of so many is kept
local UNREAD_OF = 5       -- in one of so many turns of the plan, events are not read for a while

-- What is done to the hosts, in turn.
local PLAN = {
   "unread", "restart_logind", "pull", "cut", "silence", "restart_bus", "restart_logind", "pull", "reboot", "cut",
}

local clock = wms.driver()

--- Seconds since 1970, as events have them.
local function wall()
   return select(2, clock:clock())
end
StormHost.wall = wall

local function now()
   return (clock:clock())
end

-- ---------------------------------------------------------------- what it takes

local function kilobytes()
   for line in io.lines("/proc/self/status") do
      local value = line:match("^VmRSS:%s*(%d+)")
      if value then
         return tonumber(value)
      end
   end
end

local function descriptors()
   local pipe = io.popen("ls /proc/$PPID/fd | wc -l")
   local count = tonumber(pipe:read("*l"))
   pipe:close()
   return count
end

-- ---------------------------------------------------------------- beginning

--- `options`: hosts, seconds, hints and logons (a second, of all hosts), alive (true: ssh's own patience, which is a
-- minute), report (a function that gets a line now and then).
function Storm.new(options)
   local self = setmetatable({
      options = options, judge = Judge.new(), hosts = {}, by_server = {}, kept = {},
      counts = { told = 0, overflow = 0, lost = 0 },
      plugs = {}, done = {}, samples = {}, reports = 0, processor = 0,
   }, Storm)
   local names = {}
   for i = 1, options.hosts do
      names[i] = "storm" .. i
   end
   local machines = { hosts.up(unpack(names)) }
   local net = network.join(unpack(machines))
   self:patience(net)
   for i, machine in ipairs(machines) do
      local host = StormHost.new(machine, self.judge, {
         hints = options.hints / #machines, logons = options.logons / #machines, sessions = 5, kept = i % KEPT_OF == 1,
      })
      self.hosts[i], self.by_server[host.server] = host, host
      self.kept[#self.kept + 1] = i % KEPT_OF == 1 and host.server or nil
   end
   self:others()
   return self
end

--- Lets ssh notice a silent cable after some seconds, unless it is to be as it is by default.
function Storm:patience(net)
   local words = { unpack(net.ssh) }
   if not self.options.alive then
      words[#words + 1] = "-oServerAliveInterval=3"
      words[#words + 1] = "-oServerAliveCountMax=2"
   end
   wms.configure{ ssh_command = words, timeout = 20, concurrency = 32 }
end

--- Hosts of other kinds, which are watched and kept beside.
function Storm:others()
   self.multipoint = {}
   for i = 1, bound.missing() and 0 or MULTIPOINT do
      self.multipoint[i] = bound.host()
   end
   self.embedded = wms.memory("storm", { sessions = { { session_id = 1, user_name = "alice" } } })
   self.embedded_told, self.embedded_done = {}, {}
end

function Storm:servers()
   local list = { "memory://storm" }
   for _, host in ipairs(self.hosts) do
      list[#list + 1] = host.server
   end
   for _, host in ipairs(self.multipoint) do
      list[#list + 1] = host.server
   end
   return list
end

-- ---------------------------------------------------------------- what is told

function Storm:take(event)
   local host = self.by_server[event.server]
   self.counts.told = self.counts.told + 1
   if event.kind == "overflow" then
      self:take_overflow(event)
   elseif host then
      self.counts.lost = self.counts.lost + (event.kind == "lost" and 1 or 0)
      host.record:told(event)
   elseif event.server == "memory://storm" and event.kind ~= "ready" then
      self.embedded_told[#self.embedded_told + 1] = event.kind
   end
end

function Storm:take_overflow(event)
   self.counts.overflow = self.counts.overflow + 1
   local lists, watched = {}, {}
   for _, one in ipairs(self.watch:servers()) do -- nothing has happened since the event was read
      watched[one.server] = one.state == "watched"
   end
   for _, session in ipairs(event.sessions) do
      lists[session.server] = lists[session.server] or {}
      table.insert(lists[session.server], session)
   end
   for server, host in pairs(self.by_server) do
      host.record:told_all(event.time, lists[server] or {}, watched[server])
   end
   self.embedded_told, self.embedded_done = {}, {}
end

--- Reads events and logs for so many seconds.
function Storm:listen(seconds)
   local limit = now() + seconds
   local before = os.clock()
   repeat
      if not self.keeper:done() then
         self.keeper:step()
      end
      local event = assert(self.watch):next(math.max(0, math.min(0.2, limit - now())))
      while event do
         self:take(event)
         event = self.watch:next(0)
      end
   until now() >= limit
   self.processor = self.processor + os.clock() - before
   for _, host in ipairs(self.hosts) do
      host:read()
   end
   if not self.over then
      self:change_others()
   end
   local faults = #self.judge.faults
   self.judge:sweep(wall())
   for i = faults + 1, self.options.report and #self.judge.faults or 0 do
      self.options.report(self.judge.faults[i])
   end
end

--- One change of each of the other hosts.
function Storm:change_others()
   self.turn = (self.turn or 0) + 1
   local locked = self.turn % 2 == 1
   if locked then
      self.embedded:lock(1)
   else
      self.embedded:unlock(1)
   end
   self.embedded_done[#self.embedded_done + 1] = locked and "locked" or "unlocked"
   local host = self.multipoint[self.turn % (#self.multipoint + 1)]
   if host then
      host:session{ id = 4, user = "bob", station = 2, flags = 36 + (host:sessions()[4].locked and 0 or 8) }
   end
end

-- ---------------------------------------------------------------- what happens

--- Cables that are to be plugged in again.
function Storm:plug(all)
   for i = #self.plugs, 1, -1 do
      local item = self.plugs[i]
      if all or now() >= item.at then
         item.host:plug()
         item.host.unplugged = nil
         table.remove(self.plugs, i)
      end
   end
end

--- Events are not read until there are too many.
function Storm:unread()
   local from = self:logged()
   local limit = now() + 60
   repeat
      self.keeper:wait(0.5)
   until self:logged() - from > 2 * self.queue or now() > limit
end

function Storm:logged()
   local count = 0
   for _, host in ipairs(self.hosts) do
      host:read()
      count = count + host.record.logged_count
   end
   return count
end

--- The next of the plan, with the next host whose cable is plugged in.
function Storm:disturb()
   self.next_thing = (self.next_thing or 0) % #PLAN + 1
   local thing = PLAN[self.next_thing]
   self.done[thing] = (self.done[thing] or 0) + 1
   if thing == "unread" then
      return self.done[thing] % UNREAD_OF == 1 and self:unread()
   end
   for _ = 1, #self.hosts do
      self.next_host = (self.next_host or 0) % #self.hosts + 1
      local host = self.hosts[self.next_host]
      if not host.unplugged then
         host[thing](host)
         if thing == "pull" or thing == "silence" then
            -- Some are back before anybody has noticed.
            local seconds = self.options.alive and { 10, 70 } or { 3, 12 }
            host.unplugged = true
            self.plugs[#self.plugs + 1] = { host = host, at = now() + seconds[self.done[thing] % 2 + 1] }
         end
         return
      end
   end
end

function Storm:sample()
   collectgarbage()
   collectgarbage()
   local sample = {
      processor = self.processor, told = self.counts.told, kilobytes = kilobytes(), descriptors = descriptors(),
      at = now() - self.start,
   }
   self.samples[#self.samples + 1] = sample
   return sample
end

--- The processor time of an event between two samples, in milliseconds.
local function cost(from, to)
   return to.told > from.told and 1000 * (to.processor - from.processor) / (to.told - from.told) or 0
end

--- What an event has cost in the first and in the last third of the time, in milliseconds.
function Storm:costs()
   local list = self.samples
   local third = math.floor((#list - 1) / 3)
   return cost(list[1], list[1 + third]), cost(list[#list - third], list[#list])
end

Storm.TITLE = "      s       kB   fds       told  ms each     logged   lost  overflows  wrong"

function Storm:say(sample)
   local former = self.samples[#self.samples - 1]
   self.options.report(("%7.0f %8d %5d %10d %8.2f %10d %6d %10d %6d"):format(sample.at, sample.kilobytes,
      sample.descriptors, sample.told, former and cost(former, sample) or 0, self:logged(), self.counts.lost,
      self.counts.overflow, #self.judge.faults))
end

--- Waits until all hosts are watched, and what they have logged is told.
function Storm:settle()
   self:plug(true)
   local agrees, why
   local fine, failure = pcall(kit.await, function()
      self:listen(0.5)
      agrees, why = self.judge:agrees()
      return agrees
   end, function() end, tonumber(os.getenv "SETTLE") or 300)
   assert(fine, ("%s: %s"):format(tostring(failure), tostring(why)))
end

--- What a listing says of all hosts, and what the watch knows of them, when both are alike or two minutes later.
function Storm:pictures()
   local function picture(list)
      local texts = {}
      for _, session in ipairs(list) do
         if session.user_name ~= "root" then -- root's are ssh connections, this process's own among them
            texts[#texts + 1] = ("%s %s %s %s"):format(session.server, session.session_id, tostring(session.user_name),
               tostring(session.locked))
         end
      end
      table.sort(texts)
      return texts
   end
   -- Hosts that have to be asked are asked every ten seconds, or less often, if their answers seem to take long.
   local limit = now() + 120
   local listed, watched
   repeat
      self:listen(0.5)
      listed, watched = picture(assert(wms.sessions{ servers = self:servers() })), picture(self.watch:sessions())
   until table.concat(listed, "\n") == table.concat(watched, "\n") or now() > limit
   return listed, watched
end

function Storm:begin()
   self.queue = math.max(100, math.floor(self.options.hints * 3.5))
   self.watch = assert(wms.watch{ servers = self:servers(), queue = self.queue, initial = true })
   self.keeper = assert(keep_rooms{ servers = self.kept, locked = true, message = "Storm",
      on_report = function() self.reports = self.reports + 1 end })
   self.start = now()
   for _, host in ipairs(self.hosts) do
      host:begin()
   end
   self:settle_first()
end

--- Lets it blow for the time that it is to take.
function Storm:blow()
   local seconds, report = self.options.seconds, self.options.report
   local begin = now()
   local next_sample = begin
   while now() < begin + seconds do
      if now() >= next_sample then
         next_sample = next_sample + math.min(seconds / PARTS, 60)
         local sample = self:sample()
         if report then
            self:say(sample)
         end
      end
      self:listen(self.options.pause)
      self:plug()
      self:disturb()
   end
end

function Storm:calm()
   self.over = true
   for _, host in ipairs(self.hosts) do
      host:quiet()
   end
   self.keeper:close() -- it steps no more then, and the watch alone goes on
   self:settle()
   for _, host in ipairs(self.hosts) do
      host:sync()
   end
   self:settle()
   local last = self:sample()
   if self.options.report then
      self:say(last)
   end
   self.judge:finish()
end

function Storm:run()
   self:begin()
   self:blow()
   self:calm()
end

--- All hosts are watched for the first time.
function Storm:settle_first()
   kit.await(function()
      self:listen(0.2)
      for _, server in ipairs(self.watch:servers()) do
         if server.state ~= "watched" then
            return false
         end
      end
      return true
   end, function() end, 60)
end

function Storm:close()
   if self.watch then
      self.watch:close()
   end
   if self.keeper then
      self.keeper:close()
   end
   if self.embedded then
      self.embedded:close()
   end
   wms.configure{ ssh_command = false }
   hosts.down()
end

return Storm
