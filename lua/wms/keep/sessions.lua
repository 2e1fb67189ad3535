-- SPDX-License-Identifier: MIT
--- The sessions that a keeper knows: how each one is, and whether something has to be done about it now.
local limit = require "wms.keep.limit"

local Sessions = {}
Sessions.__index = Sessions

local LONGEST_PAUSE = 60 -- seconds between two tries of what fails
local TAKEN = { UNVERIFIED = true, REVERTED = true } -- the host took the request, and may still carry it out
local CONFIRM = 1 -- seconds in which a watch tells what a command has done, where it does at all

--- `plan`: what wms.keep was given; `changed`: what a former keeper has changed.
function Sessions.new(plan, changed)
   local self = setmetatable({ plan = plan, all = {}, found = {}, order = 0 }, Sessions)
   for _, session in ipairs(changed or {}) do
      self.found[Sessions.key(session)] = session
   end
   return self
end

function Sessions.key(session)
   return session.server .. "\n" .. tostring(session.session_id)
end

----------------------------------------------------------------------------------------------------------- what is told

--- A session is there, or has changed.  `reason`: why it would be acted on.
function Sessions:see(session, reason)
   local key = Sessions.key(session)
   local entry = self.all[key]
   if not entry or entry.session.identity ~= session.identity then
      self.order = self.order + 1
      entry = { key = key, order = self.order, times = {}, fails = 0, due = 0, seen = 0, reason = reason }
      local found = self.found[key]
      if found then
         entry.changed = not found.identity or found.identity == session.identity
         self.found[key] = nil
      end
      self.all[key] = entry
   elseif entry.locked ~= session.locked then
      entry.reason = reason
   end
   entry.session, entry.locked = session, session.locked
   if entry.found == nil and not entry.blind then
      entry.found = session.locked -- what may have to be put back
   end
   entry.seen = entry.seen + 1
   entry.expected = nil
   entry.assumed = nil
   return entry
end

function Sessions:gone(session)
   local key = Sessions.key(session)
   local entry = self.all[key]
   if entry and entry.session.identity == session.identity then
      self.all[key] = nil
   end
end

--- These are all sessions that there are.
function Sessions:replace(list)
   local there = {}
   for _, session in ipairs(list) do
      there[Sessions.key(session)] = true
      self:see(session, "changed")
   end
   for key in pairs(self.all) do
      if not there[key] then
         self.all[key] = nil
      end
   end
end

--- Another watch begins, which tells all sessions of a server before that is whole.
function Sessions:expect_all()
   for _, entry in pairs(self.all) do
      entry.expected = true
   end
   self.expecting = true
end

--- All sessions of a server have been told: of those that a former keeper or watch knew, the others have ended.
function Sessions:whole(server)
   for key, entry in pairs(self.expecting and self.all or {}) do
      if entry.expected and entry.session.server == server then
         self.all[key] = nil
      end
   end
   for key, session in pairs(self.found) do
      if session.server == server then
         self.found[key] = nil
      end
   end
end

--- The server is there again: what has failed may be tried at once.
function Sessions:back(server)
   for _, entry in pairs(self.all) do
      if entry.session.server == server then
         entry.fails, entry.due, entry.hopeless = 0, 0, nil
      end
   end
end

---------------------------------------------------------------------------------------------------------- what is to do

local function in_order(list)
   table.sort(list, function(a, b)
      return a.order < b.order
   end)
   return list
end

function Sessions:is_wrong(entry)
   if entry.session.is_orchestratable == false or entry.hopeless then
      return false
   elseif entry.locked == nil then -- the host cannot tell: once is all that can be done
      return not entry.blind
   end
   return entry.locked ~= self.plan.locked
end

--- The sessions that are to be acted on now; those that begin a pause, since there were too many actions; and when the next
--- one is due.
function Sessions:due(now, is_lost)
   local act, fight, first = {}, {}, math.huge
   for _, entry in pairs(self.all) do
      if not entry.acting and self:is_wrong(entry) and not is_lost(entry.session.server) then
         local allowed = limit.next(entry.times, self.plan.limit, now)
         if allowed and entry.due < allowed then
            entry.due, entry.pause = allowed, allowed - now
            fight[#fight + 1] = entry
         end
         if entry.due <= now then
            act[#act + 1] = entry
         else
            first = math.min(first, entry.due)
         end
      end
   end
   return in_order(act), in_order(fight), first
end

--- Those of which a command has said that they are as asked, and the watch nothing yet: they have to be asked.
function Sessions:unconfirmed(now)
   local list, first = {}, math.huge
   for _, entry in pairs(self.all) do
      if entry.assumed and not entry.acting then
         if now - entry.assumed >= CONFIRM then
            list[#list + 1] = entry
         else
            first = math.min(first, entry.assumed + CONFIRM)
         end
      end
   end
   return in_order(list), first
end

--- An action has begun, at that time (nil: it does not count).  Returns whether the file has to know of it.
function Sessions:begin(entry, now)
   entry.acting = true
   entry.began = entry.seen
   if not entry.changed and entry.found == not self.plan.locked then
      entry.changed, entry.fresh = true, true
   end
   if now then
      entry.times[#entry.times + 1] = now
   end
   return entry.fresh or false
end

--- It has ended: `wanted` is what it was to bring about.
function Sessions:ended(entry, outcome, wanted, now)
   local fresh = entry.fresh
   entry.acting, entry.fresh = nil, nil
   if outcome.error then
      if fresh and outcome.state ~= "unknown" and not TAKEN[outcome.error.code] then
         entry.changed = nil -- whatever it is, the keeper has not done it
      end
      entry.fails = entry.fails + 1
      entry.due = now + math.min(LONGEST_PAUSE, 2 ^ (entry.fails - 1))
      entry.reason = "again"
      if outcome.error.code == "UNSUPPORTED" then
         entry.hopeless = true
      elseif outcome.error.code == "NOT_FOUND" and self.all[entry.key] == entry then
         self.all[entry.key] = nil -- if it is another one now, the watch tells it
      end
      return
   end
   entry.fails, entry.due, entry.reason = 0, 0, "changed"
   if entry.locked == nil then
      entry.blind = true
   elseif entry.seen == entry.began then -- the watch has not told it yet
      entry.locked, entry.assumed = wanted, now
   end
end

---------------------------------------------------------------------------------------------------------------- the end

--- What the keeper has changed: for the file.
function Sessions:changed()
   local list = {}
   for _, entry in pairs(self.all) do
      if entry.changed then
         list[#list + 1] = entry.session
      end
   end
   for _, session in pairs(self.found) do
      list[#list + 1] = session
   end
   table.sort(list, function(a, b)
      return Sessions.key(a) < Sessions.key(b)
   end)
   return list
end

--- At the end: the sessions that are to be put back now; those that somebody else has changed since; whether something is
--- under way; the servers whose sessions have to be waited for; and when the next try is due.
function Sessions:to_restore(now, is_lost)
   local act, left, busy, waiting, first = {}, {}, false, {}, math.huge
   for _, entry in pairs(self.all) do
      if entry.acting then
         busy = true
      elseif entry.changed then
         if is_lost(entry.session.server) then
            waiting[entry.session.server] = true
         elseif entry.locked ~= self.plan.locked then
            left[#left + 1] = entry
         elseif entry.due <= now then
            act[#act + 1] = entry
         else
            busy, first = true, math.min(first, entry.due)
         end
      end
   end
   for _, session in pairs(self.found) do
      waiting[session.server] = true
   end
   return in_order(act), in_order(left), busy, waiting, first
end

--- It has to be tried again now, whatever there was.
function Sessions:forget_pauses()
   for _, entry in pairs(self.all) do
      entry.fails, entry.due = 0, 0
   end
end

return Sessions
