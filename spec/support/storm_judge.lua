-- SPDX-License-Identifier: MIT
--- Compares what a watch has told of Linux hosts with what they have written down themselves (spec/host/storm/storm.c).
--
-- A session is absent ("-"), unlocked ("u") or locked ("l"); its host's log is the sequence of these, each with the times
-- between which it came about.  While the host is watched, the watch has to tell each of them, in this order and nothing
-- else.  Between `lost` and `back` it may miss any; how the session is at some time in between has to be told then, if it
-- is not as it was told last, and from there on each change again.  Likewise behind an `overflow`, whose list tells how it
-- is.
--
-- Sessions of root are those of ssh connections, and none of this concerns them.
local Judge = {}
Judge.__index = Judge
local Host = {}
Host.__index = Host

local SLACK = 2   -- seconds by which the bus may pass something on earlier to one than to the other
local SHORT = 10  -- seconds: over ssh a session need not be told that has ended before it could be read
local LATE = 120  -- seconds after which nothing more is told of a session that has ended

function Judge.new()
   return setmetatable({ hosts = {}, faults = {}, judged = 0, changes = 0, short = 0, cut_off = 0 }, Judge)
end

function Judge:host(server)
   local host = setmetatable({
      judge = self, server = server, sessions = {}, breaks = {}, serial = 0, lost = { time = -math.huge }, told_count = 0,
      logged_count = 0,
   }, Host)
   self.hosts[server] = host
   return host
end

function Host:session(id)
   local session = self.sessions[id]
   if not session then
      session = { id = id, log = {}, told = {}, state = "-", told_state = "-" }
      self.sessions[id] = session
   end
   return session
end

-- ---------------------------------------------------------------- what the host says

local function enter(session, state, earliest, latest)
   if session.state ~= state then
      session.state = state
      session.log[#session.log + 1] = { state = state, earliest = earliest, latest = latest }
   end
end

local LOGGED = {}

function LOGGED:new(id, uid, earliest, latest)
   if uid == "0" then
      return
   end
   local session = self:session(id)
   session.unsure = session.unsure or uid == "-"
   if session.state == "-" then
      enter(session, "u", earliest, latest)
   end
end

function LOGGED:removed(id, _, earliest, latest)
   if self.sessions[id] then
      enter(self.sessions[id], "-", earliest, latest)
   end
end

function LOGGED:hint(id, value, earliest, latest)
   if self.sessions[id] and self.sessions[id].state ~= "-" then
      enter(self.sessions[id], value == "1" and "l" or "u", earliest, latest)
   end
end

function LOGGED:restarted(_, _, earliest, latest)
   for _, session in pairs(self.sessions) do
      if session.state == "l" then
         enter(session, "u", earliest, latest)
      end
   end
end

function LOGGED:gone(_, _, earliest)
   self.gone, self.there = earliest, {}
end

LOGGED["is"] = function(self, id, value, _, latest)
   self.there = self.there or {}
   self.there[id] = true
   enter(self:session(id), value == "1" and "l" or "u", self.gone or -math.huge, latest)
end

function LOGGED:listens(_, _, _, latest)
   for id, session in pairs(self.sessions) do
      if self.gone and session.state ~= "-" and not self.there[id] then
         enter(session, "-", self.gone, latest)
      end
   end
   self.listening, self.gone, self.there = true, nil, nil
end

function LOGGED:mark(_, text)
   self.last_mark = text
end

--- A line of the host's log.
function Host:logged(line)
   local earliest, latest, kind, id, value = line:match("^(%S+) (%S+) (%S+) (%S+) (%S+)$")
   assert(LOGGED[kind], "no line of a log: " .. line)
   if kind == "gone" then
      self.listening = false
   end
   self.logged_count = self.logged_count + 1
   LOGGED[kind](self, id, value, tonumber(earliest), tonumber(latest))
end

--- The host was switched off between these times; what it logs next is of its next life.
function Host:off(earliest, latest)
   for _, session in pairs(self.sessions) do
      enter(session, "-", earliest, latest)
   end
   self.listening, self.gone, self.there = false, nil, nil
end

-- ---------------------------------------------------------------- what the watch tells

local TOLD = {
   opened = function(session) return session.locked and "l" or "u" end,
   closed = function() return "-" end,
   locked = function() return "l" end,
   unlocked = function() return "u" end,
}

--- An event of the watch that is of this host.
function Host:told(event)
   self.serial = self.serial + 1
   local kind, session = event.kind, event.session
   if kind == "lost" then
      self.lost = self.lost or { time = event.time }
   elseif kind == "ready" or kind == "back" then
      self.breaks[#self.breaks + 1] = { number = self.serial, from = self.lost.time, to = event.time }
      self.lost = nil
      self.judge.cut_off = self.judge.cut_off + (kind == "back" and 1 or 0)
   elseif session and session.user_name ~= "root" and TOLD[kind] then
      local known = self:session(tostring(session.session_id))
      local state = TOLD[kind](session)
      known.told[#known.told + 1] = { number = self.serial, state = state, kind = kind, time = event.time }
      known.told_state = state
      self.told_count = self.told_count + 1
   end
end

--- Events were dropped; these are all sessions of the host in their place.  If it is lost, that is told again.
function Host:told_all(time, sessions)
   self.serial = self.serial + 1
   if self.lost then
      self.breaks[#self.breaks + 1] = { number = self.serial, from = self.lost.time, to = time }
      self.lost = nil
   end
   local states = {}
   for _, session in ipairs(sessions) do
      states[tostring(session.session_id)] = session.user_name ~= "root" and TOLD.opened(session) or nil
      if session.user_name ~= "root" then
         self:session(tostring(session.session_id))
      end
   end
   for id, session in pairs(self.sessions) do
      session.told_state = states[id] or "-"
      session.told[#session.told + 1] = { number = self.serial, all = true, state = session.told_state, kind = "overflow",
         time = time }
   end
end

-- ---------------------------------------------------------------- the verdict

--- All that was told of a session and the host's breaks, in their order.
local function merge(told, breaks)
   local list, at = {}, 1
   for _, item in ipairs(told) do
      while breaks[at] and breaks[at].number < item.number do
         list[#list + 1] = breaks[at]
         at = at + 1
      end
      list[#list + 1] = item
   end
   for i = at, #breaks do
      list[#list + 1] = breaks[i]
   end
   return list
end

--- Where in its log the watch may be: `at[q]` is true if all up to q is told, "owing" if q has to be told yet.
local function least(at)
   local first = math.huge
   for q in pairs(at) do
      first = math.min(first, q)
   end
   return first
end

local function behind_break(log, at, state, from, to)
   local next_at = {}
   for q = least(at), #log do
      local entry, after = log[q], log[q + 1]
      if (not entry or entry.earliest <= to + SLACK) and (not after or after.latest >= from - SLACK) then
         next_at[q] = (entry and entry.state or "-") == state or "owing"
      end
   end
   return next_at
end

local function behind_all(log, at, item)
   local next_at = {}
   for q = least(at), #log do
      local entry = log[q]
      if (not entry or entry.earliest <= item.time + SLACK) and (entry and entry.state or "-") == item.state then
         next_at[q] = true
      end
   end
   return next_at
end

local function behind_change(log, at, state)
   local next_at = {}
   for q, how in pairs(at) do
      local there = how == "owing" and q or q + 1
      if log[there] and log[there].state == state then
         next_at[there] = true
      elseif there == 0 and state == "-" then
         next_at[there] = true
      end
   end
   return next_at
end

local function shown(session)
   local log, told = {}, {}
   for i, entry in ipairs(session.log) do
      log[i] = ("%s %.2f-%.2f"):format(entry.state, entry.earliest % 10000, entry.latest % 10000)
   end
   for i, item in ipairs(session.told) do
      told[i] = ("%s %.2f"):format(item.kind, item.time % 10000)
   end
   return ("\n   its host: %s\n   was told: %s"):format(table.concat(log, ", "), table.concat(told, ", "))
end

--- nil, or what is wrong.
local function judge_session(host, session)
   local at, state = { [0] = true }, "-"
   for _, item in ipairs(merge(session.told, host.breaks)) do
      local before = at
      if item.from then
         at = behind_break(session.log, at, state, item.from, item.to)
      elseif item.all then
         at = behind_all(session.log, at, item)
      else
         at = behind_change(session.log, at, item.state)
      end
      if next(at) == nil then
         return ("%s at %.2f, behind entry %s of its host"):format(item.kind or "back", (item.time or item.to) % 10000,
            least(before))
      end
      state = item.state or state
   end
   local last = session.log[#session.log]
   if at[#session.log] == true then
      return nil
   end
   if #session.told == 0 and last.state == "-" and
      (session.unsure or last.latest - session.log[1].earliest <= SHORT) then
      host.judge.short = host.judge.short + 1
      return nil
   end
   return "not all was told"
end

local function close(host, id, session)
   local judge = host.judge
   local fault = judge_session(host, session)
   if fault then
      local breaks = {}
      for i, item in ipairs(host.breaks) do
         breaks[i] = ("%.2f-%.2f"):format(item.from % 10000, item.to % 10000)
      end
      judge.faults[#judge.faults + 1] = ("%s, session %s: %s%s\n   cut off: %s"):format(host.server, id, fault,
         shown(session), table.concat(breaks, ", "))
   end
   judge.judged = judge.judged + 1
   judge.changes = judge.changes + #session.log
   host.sessions[id] = nil
end

--- Judges the sessions that are over; breaks before all others are forgotten.
function Judge:sweep(now)
   for _, host in pairs(self.hosts) do
      local first = math.huge
      for id, session in pairs(host.sessions) do
         local last = session.log[#session.log]
         local over = last and last.state == "-" and not host.lost
         if over and session.told_state == "-" and (#session.told > 0 or now - last.latest > LATE) then
            close(host, id, session)
         elseif last and last.state == "-" and now - last.latest > LATE and not host.lost then
            close(host, id, session)
         else
            first = math.min(first, session.log[1] and session.log[1].earliest or -math.huge)
         end
      end
      while host.breaks[2] and host.breaks[1].to < math.min(first, now - LATE) - SLACK do
         table.remove(host.breaks, 1)
      end
   end
end

--- Judges all that are left.
function Judge:finish()
   for _, host in pairs(self.hosts) do
      for id, session in pairs(host.sessions) do
         if #session.log > 0 or #session.told > 0 then
            close(host, id, session)
         end
      end
   end
end

--- Whether all that the logs have was told, as far as can be said now: each session is as it was told last.
function Judge:agrees()
   for _, host in pairs(self.hosts) do
      if host.lost then
         return false, host.server .. " is lost"
      end
      for id, session in pairs(host.sessions) do
         if session.state ~= session.told_state and not session.unsure then
            return false, ("%s, session %s: %s, and told %s"):format(host.server, id, session.state, session.told_state)
         end
      end
   end
   return true
end

return Judge
