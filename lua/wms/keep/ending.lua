-- SPDX-License-Identifier: MIT
--- The end of a keeper: what it has changed is put back, what was opened is closed.
local Sessions = require "wms.keep.sessions"
local actions = require "wms.keep.actions"
local report = require "wms.keep.report"
local state = require "wms.keep.state"
local waiting = require "wms.loop.waiting"
local wms = require "wms"

local ending = {}

local driver = wms.driver()

--- Ends the watch and what is under way.
function ending.close_all(self)
   self.timer:set(nil)
   if self.stop_watch then
      self.stop_watch()
      self.stop_watch = nil
   end
   for request in pairs(self.requests) do
      waiting.drop(request)
   end
   self.requests = {}
end

--- The keeper is over.
function ending.finish(self, reason)
   self.over = reason
   ending.close_all(self)
   local kept
   if self.file then
      if reason == "closed" or reason == "forked" then
         self.file:close()
      elseif self.plan.restore and #self.sessions:changed() > 0 then -- another keeper may go on with that
         self.file_due = nil
         state.save(self)
         kept = self.file.path
         self.file:close()
      else
         local removed, message, err = self.file:remove()
         if not removed then
            report.tell(self, "file", { error = { code = err.code, message = message }, file = self.file.path })
         end
      end
   end
   if reason ~= "closed" and reason ~= "forked" then
      local counts = self.counts
      report.tell(self, "ended", { reason = reason, actions = counts.actions, restored = counts.restored,
         left = counts.left, not_restored = #self.not_restored, file = kept })
   end
end

--- Says so to whoever waits for it, after the last report.  Returns what the first of them has raised, in a table.
function ending.tell_over(self)
   local list, failed = self.on_end, nil
   self.on_end = {}
   for _, ended in ipairs(list) do
      local fine, problem = pcall(ended)
      if not fine then
         failed = failed or { problem }
      end
   end
   return failed
end

--- Gives everything back at once: nothing more is told but that.
function ending.close(self, reason)
   ending.finish(self, reason)
   self.reports, self.failed = {}, nil
   local failed = ending.tell_over(self)
   if failed then
      error(failed[1], 0)
   end
end

--- Hosts that are away are waited for no longer.
function ending.hurry(self)
   self.grace_up = driver:clock()
   state.poke(self)
end

--- The keeper begins to end, for this reason.
function ending.begin(self, reason)
   if not self.ending then
      self.ending = reason
      self.grace_up = driver:clock() + self.plan.grace
      self.sessions:begin_end()
      state.save(self)
   end
end

--- The time to wait is over: says what was not put back.
local function give_up(self)
   for _, session in ipairs(self.sessions:changed()) do
      local entry = self.sessions.all[Sessions.key(session)]
      local lost = self.lost[session.server]
      local why = entry and entry.last and entry.last.error or lost
      if not (entry and entry.given_up) then -- that has been told
         self.not_restored[#self.not_restored + 1] = {
            server = session.server, session_id = session.session_id, user_name = session.user_name,
            identity = session.identity, state = "skipped",
            error = { code = why and why.code or "TIMEOUT",
               message = "the time to put it back is over" .. (why and ": " .. why.message or "") },
         }
      end
   end
end

--- Puts back what the keeper has changed; returns seconds until it is to go on, or nil: it is over.
function ending.go_on(self, now)
   local list, left, busy, servers, first = self.sessions:to_restore(now, self.is_lost)
   if not self.plan.restore then
      if busy then
         return math.huge
      end
      return nil
   end
   for _, entry in ipairs(left) do
      entry.changed = nil
      self.counts.left = self.counts.left + 1
      report.tell(self, "left", report.about(entry, {}))
   end
   local pause = self.grace_up - now
   for server in pairs(servers) do
      busy = true
      if not self.awaited[server] and self.lost[server] then
         self.awaited[server] = true
         report.tell(self, "waiting", { server = server, error = self.lost[server], pause = math.max(0, pause) })
      end
   end
   if #list > 0 then
      actions.act(self, self.plan.locked and "unlock" or "lock", list, true)
      return math.min(math.huge, pause > 0 and pause or math.huge)
   elseif not busy then
      return nil
   elseif pause <= 0 and not next(self.requests) then
      give_up(self)
      return nil
   end
   return math.min(first - now, pause > 0 and pause or math.huge)
end

return ending
