-- SPDX-License-Identifier: MIT
--- The sessions that a keeper knows: how each one is, and whether something has to be done about it now.
local limit = require "wms.keep.limit"

local Sessions = {}
Sessions.__index = Sessions

local LONGEST_PAUSE = 60 -- seconds between two tries of what fails
local TAKEN = { UNVERIFIED = true, REVERTED = true } -- the host took the request, and may still carry it out
local MAY_COME = { requested = true, unknown = true } -- states of an outcome
local CONFIRM = 1 -- seconds in which a watch tells what a command has done, where it does at all

-- all: key -> entry; on: server -> a set of its entries; found, found_on: what a former keeper has changed and nobody has
-- told yet, by key, and the keys by server; open: a set of the entries that may have to be acted on; unsure: of those of
-- which a command has told how they are, and the watch has not.  A turn looks at the sets, not at the whole room.

--- `plan`: what wms.keep was given; `changed`: what a former keeper has changed.
function Sessions.new(plan, changed)
   local self = setmetatable({ plan = plan, all = {}, on = {}, found = {}, found_on = {}, open = {}, unsure = {},
      acting = 0, begun = 0, order = 0 }, Sessions)
   for _, session in ipairs(changed or {}) do
      local key = Sessions.key(session)
      self.found[key] = session
      self.found_on[session.server] = self.found_on[session.server] or {}
      self.found_on[session.server][key] = true
   end
   return self
end

function Sessions.key(session)
   return session.server .. "\n" .. tostring(session.session_id)
end

function Sessions:put(entry)
   local server = entry.session.server
   self.all[entry.key] = entry
   self.on[server] = self.on[server] or {}
   self.on[server][entry] = true
end

function Sessions:drop(entry)
   self.all[entry.key] = nil
   self.on[entry.session.server][entry] = nil
   self.open[entry], self.unsure[entry] = nil, nil
end

--- A former keeper's session is known, or has ended.
function Sessions:take_found(key)
   local found = self.found[key]
   if found then
      local keys = self.found_on[found.server]
      self.found[key], keys[key] = nil, nil
      if not next(keys) then
         self.found_on[found.server] = nil
      end
   end
   return found
end

----------------------------------------------------------------------------------------------------------- what is told

--- A session is there, or has changed.  `reason`: why it would be acted on.
function Sessions:see(session, reason)
   local key = Sessions.key(session)
   local entry = self.all[key]
   if not entry or entry.session.identity ~= session.identity then
      if entry then
         self:drop(entry)
      end
      self.order = self.order + 1
      entry = { key = key, order = self.order, times = {}, fails = 0, due = 0, seen = 0, since_fight = 0, reason = reason,
         session = session }
      local found = self:take_found(key)
      if found then
         entry.changed = not found.identity or found.identity == session.identity
      end
      self:put(entry)
   elseif entry.locked ~= session.locked then
      entry.reason = reason
   end
   entry.session, entry.locked = session, session.locked
   entry.own = entry.own or session.is_own -- also where a later event does not tell it
   if entry.found == nil and not entry.blind then
      entry.found = session.locked
   end
   if session.locked == self.plan.locked then
      entry.late = nil -- it has come
      entry.came = entry.acting and not entry.restoring
      entry.fresh = not entry.came and entry.fresh or nil
   elseif entry.came then -- and has gone again, for which the action would wait in vain: another one follows at once
      entry.came, entry.acting = nil, nil
      entry.fails, entry.due, entry.reason = 0, 0, reason
   end
   self.open[entry] = true
   entry.seen = entry.seen + 1
   entry.expected = nil
   entry.assumed = nil
   return entry
end

function Sessions:gone(session)
   local key = Sessions.key(session)
   local entry = self.all[key]
   if entry and entry.session.identity == session.identity then
      self:drop(entry)
   end
end

--- These are all sessions that there are.
function Sessions:replace(list)
   local there = {}
   for _, session in ipairs(list) do
      there[Sessions.key(session)] = true
      self:see(session, "changed")
   end
   for key, entry in pairs(self.all) do
      if not there[key] then
         self:drop(entry)
      end
   end
end

--- Another watch begins, which tells all sessions of a server before that is whole.
function Sessions:expect_all()
   for _, entry in pairs(self.all) do
      entry.expected = true
   end
end

--- All sessions of a server have been told: of those that a former keeper or watch knew, the others have ended.
function Sessions:whole(server)
   for entry in pairs(self.on[server] or {}) do
      if entry.expected then
         self:drop(entry)
      end
   end
   for key in pairs(self.found_on[server] or {}) do
      self:take_found(key)
   end
end

--- The server is there again: what has failed may be tried at once.
function Sessions:back(server)
   for entry in pairs(self.on[server] or {}) do
      entry.fails, entry.due, entry.hopeless = 0, 0, nil
      self.open[entry] = true
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
   if entry.session.is_orchestratable == false or entry.own and not self.plan.own or entry.hopeless then
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
   for entry in pairs(self.open) do
      if entry.acting or not self:is_wrong(entry) then
         self.open[entry] = nil
      elseif not is_lost(entry.session.server) then
         local allowed = limit.next(entry.times, self.plan.limit, now)
         if allowed and entry.due < allowed then
            entry.due, entry.pause = allowed, allowed - now
            if entry.since_fight >= self.plan.limit then -- once in as many actions: the minute slides from one to the next
               entry.since_fight = 0
               fight[#fight + 1] = entry
            end
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
   for entry in pairs(self.unsure) do
      if not entry.assumed then
         self.unsure[entry] = nil
      elseif not entry.acting then
         if now - entry.assumed >= CONFIRM then
            list[#list + 1] = entry
         else
            first = math.min(first, entry.assumed + CONFIRM)
         end
      end
   end
   return in_order(list), first
end

--- An action has begun, at that time (nil: it does not count).  Returns whether the file has to know of it.  Its number is
--- in entry.acting until it has ended, or what it did was undone.
function Sessions:begin(entry, now)
   self.begun = self.begun + 1
   entry.acting, entry.came = self.begun, nil
   self.acting = self.acting + 1
   entry.began = entry.seen
   if now then
      -- What the keeper locks was not locked, or not known to be.  What it unlocks may have been locked by somebody whom it
      -- keeps from it: that is put back only where it was so at the beginning.
      if not entry.changed and (self.plan.locked or entry.found) then
         entry.changed, entry.fresh = true, true
      end
      entry.times[#entry.times + 1] = now
      entry.since_fight = entry.since_fight + 1
   end
   return entry.fresh or false
end

--- A command has told how it is, or asking for it has failed.
function Sessions:doubt(entry, now)
   if self.all[entry.key] == entry then
      entry.assumed = now
      self.unsure[entry] = true
   end
end

--- An action has ended whose effect was undone before, which the watch has told: its outcome says nothing of now.
function Sessions:overtaken()
   self.acting = self.acting - 1
end

--- It has ended: `wanted` is what it was to bring about.
function Sessions:ended(entry, outcome, wanted, now)
   local fresh = entry.fresh
   entry.acting, entry.came, entry.fresh = nil, nil, nil
   self.acting = self.acting - 1
   if self.all[entry.key] == entry then
      self.open[entry] = true
   end
   if outcome.error then
      if MAY_COME[outcome.state] or TAKEN[outcome.error.code] then
         entry.late = wanted == self.plan.locked or nil
      elseif fresh then
         entry.changed = nil -- whatever it is, the keeper has not done it
      end
      entry.fails = entry.fails + 1
      entry.due = now
      local again = TAKEN[outcome.error.code] and 1 or 0 -- at once, the first time: somebody may have undone it
      if entry.fails > again then
         entry.due = now + math.min(LONGEST_PAUSE, 2 ^ (entry.fails - 1 - again))
      end
      entry.reason = "again"
      -- What is gone the watch tells; between two questions it may also be back, of which nothing is told.
      entry.hopeless = outcome.error.code == "UNSUPPORTED" or nil
      return
   end
   entry.fails, entry.due, entry.reason = 0, 0, "changed"
   if entry.locked == nil then
      entry.blind = true
   elseif entry.seen == entry.began then -- the watch has not told it yet
      entry.locked = wanted
      self:doubt(entry, now)
   end
end

---------------------------------------------------------------------------------------------------------------- the end

--- What the keeper has changed: for the file.
function Sessions:changed()
   local keys, list = {}, {}
   for key, entry in pairs(self.all) do
      keys[#keys + 1] = entry.changed and key or nil
   end
   for key in pairs(self.found) do
      keys[#keys + 1] = key
   end
   table.sort(keys)
   for i, key in ipairs(keys) do
      list[i] = self.found[key] or self.all[key].session
   end
   return list
end

--- At the end: the sessions that are to be put back now; those that somebody else has changed since; whether something is
--- under way; the servers whose sessions have to be waited for; and when the next try is due.
function Sessions:to_restore(now, is_lost)
   local act, left, busy, waiting, first = {}, {}, self.acting > 0, {}, math.huge
   for entry in pairs(self.open) do
      if entry.acting or not entry.changed or entry.given_up then
         self.open[entry] = nil
      elseif is_lost(entry.session.server) then
         waiting[entry.session.server] = true
      elseif entry.locked == not self.plan.locked and not entry.late then
         left[#left + 1] = entry
      elseif entry.due <= now then
         act[#act + 1] = entry
      else
         busy, first = true, math.min(first, entry.due)
      end
   end
   for server in pairs(self.found_on) do
      waiting[server] = true
   end
   return in_order(act), in_order(left), busy, waiting, first
end

--- The end begins: whatever was changed has to be looked at now.
function Sessions:begin_end()
   for _, entry in pairs(self.all) do
      entry.fails, entry.due = 0, 0
      self.open[entry] = entry.changed or nil
   end
end

return Sessions
