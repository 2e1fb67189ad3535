-- SPDX-License-Identifier: MIT
--- A keeper's turn: it reads what the watch has told, and does what is due.
local actions = require "wms.keep.actions"
local ending = require "wms.keep.ending"
local report = require "wms.keep.report"
local state = require "wms.keep.state"
local system = require "wms.system"
local wms = require "wms"

local turn = {}

local driver = wms.driver()

local LONGEST_PAUSE = 60 -- seconds until a watch is begun anew
local LONGEST_SLEEP = 10 -- seconds until the clock is looked at again, which somebody may have set

local function take_session(self, event)
   if event.kind == "closed" then
      self.sessions:gone(event.session)
   else
      local reason = event.initial and "found" or event.kind == "opened" and "opened" or "changed"
      self.sessions:see(event.session, reason)
   end
end

local function take_server(self, event)
   if event.kind == "lost" then
      self.lost[event.server] = event.error
      report.tell(self, "lost", { server = event.server, error = event.error })
      return
   end
   self.lost[event.server] = nil
   self.watch_fails = nil
   self.whole[event.server] = true
   self.sessions:back(event.server)
   report.tell(self, event.kind, { server = event.server })
end

--- Events were dropped: these are all sessions, and how the servers were then.
local function take_all(self, event)
   self.sessions:replace(event.sessions)
   for _, one in ipairs(event.servers) do
      if one.state == "watched" and self.lost[one.server] then
         take_server(self, { kind = "back", server = one.server })
      elseif one.state == "watched" then
         self.whole[one.server] = true
      end
   end
end

--- Reads all that the watch has told.  One that fails is read again by the next turn.
local function take_events(self)
   while self.next_event <= #self.queue do
      local event = self.queue[self.next_event]
      if event.kind == "overflow" then
         take_all(self, event)
      elseif event.session then
         take_session(self, event)
      else
         take_server(self, event)
      end
      self.next_event = self.next_event + 1
   end
   self.queue, self.next_event = {}, 1
   for server in pairs(self.whole) do -- its sessions follow the event at once
      self.sessions:whole(server)
   end
   self.whole = {}
end

---------------------------------------------------------------------------------------------------------- a watch that ends

--- The watch is over, though nobody has ended it: another one follows after a pause.  `failure` holds what was raised.
function turn.watch_over(self, failure)
   self.watch_fails = (self.watch_fails or 0) + 1
   local pause = math.min(LONGEST_PAUSE, 2 ^ (self.watch_fails - 1))
   self.watch_due = driver:clock() + pause
   report.tell(self, "unwatched", { pause = pause, error = { code = "INTERNAL",
      message = failure and tostring(failure[1]) or "the watch has ended" } })
   self.failed = self.failed or failure
   state.poke(self)
end

--- Begins another watch: it tells all sessions again, and those that it does not tell are there no more.
local function watch_again(self)
   self.watch_due = nil
   self.sessions:expect_all()
   local fine, begun, message = pcall(self.begin_watch, self)
   if not (fine and begun) then
      turn.watch_over(self, { fine and message or begun })
   end
end

--------------------------------------------------------------------------------------------------------------- the turn

--- Does what is due; returns seconds until it is to go on, or nil: it is over.
local function go_on(self)
   take_events(self)
   if self.watch_due and self.watch_due <= driver:clock() then
      watch_again(self)
   end
   local left = state.seconds_left(self)
   if left and left <= 0 then
      ending.begin(self, "time")
   end
   local now = driver:clock()
   if self.ending then
      local seconds = ending.go_on(self, now)
      return seconds and math.min(seconds, self.watch_due and self.watch_due - now or math.huge)
   end
   if self.rest_until and now < self.rest_until and self.plan.restore then
      return math.min(self.rest_until - now, left or math.huge)
   end
   local list, fights, first = self.sessions:due(now, self.is_lost)
   for _, entry in ipairs(fights) do
      self.counts.fights = self.counts.fights + 1
      report.tell(self, "fight", report.about(entry, { actions = self.plan.limit, pause = entry.pause }))
   end
   actions.act(self, self.plan.locked and "lock" or "unlock", list, false)
   local unconfirmed, confirm = self.sessions:unconfirmed(now)
   if #unconfirmed > 0 then
      actions.ask(self, unconfirmed)
   end
   if self.file_due and self.file_due <= now then
      state.save(self)
   end
   return math.min(first - now, confirm - now, left or math.huge,
      self.watch_due and self.watch_due - now or math.huge, self.file_due and self.file_due - now or math.huge)
end

--- Runs whenever something has happened.
function turn.run(self)
   if self.over or self.busy then
      return
   elseif self.process ~= system.process() then
      ending.close(self, "forked")
      return
   end
   self.busy = true
   self.timer:set(LONGEST_SLEEP) -- whatever goes wrong below
   local fine, seconds = pcall(go_on, self)
   self.busy = false
   if not fine then
      error(seconds, 0)
   elseif seconds == nil then
      ending.finish(self, self.ending)
   else
      self.timer:set(self.poked and 0 or math.max(0, math.min(LONGEST_SLEEP, seconds)))
   end
   self.poked = false
   local failed = report.deliver(self)
   if self.over then
      failed = ending.tell_over(self) or failed
   end
   if failed then
      error(failed[1], 0)
   end
end

return turn
