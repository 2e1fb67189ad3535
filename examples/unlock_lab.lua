-- SPDX-License-Identifier: MIT
--- A lesson in a computer room: lock every screen, unlock it again, and see what each session says to it.
--
--    lua examples/unlock_lab.lua
--
-- The room is a host inside this program, so nobody's screen goes dark.  At the end the sessions of this machine are
-- listed, and nothing is done to them.  Exit code 0: everything went as told here.
local wms = require "wms"

local WIDTH = 80
local ROOM = "memory://room"
local as_told = true

-- ---- tables -----------------------------------------------------------------------------------------------------

local function length(text)
   return utf8.len(text) or #text
end

--- The text in exactly so many columns, cut where it is too long.
local function cell(text, width, right)
   if length(text) > width then
      local stop = utf8.len(text) and utf8.offset(text, width - 2) - 1 or width - 3
      return text:sub(1, stop) .. "..."
   end
   local blanks = (" "):rep(width - length(text))
   return right and blanks .. text or text .. blanks
end

--- Prints a header and a row for each item.  A column is { title, value of an item, right-aligned }; the last one gets
-- what the others leave.
local function print_table(columns, items)
   local rows, widths, left = { {} }, {}, WIDTH - 2
   for c, column in ipairs(columns) do
      rows[1][c], widths[c] = column[1], length(column[1])
      for i, item in ipairs(items) do
         local value = column[2](item)
         rows[i + 1] = rows[i + 1] or {}
         rows[i + 1][c] = value == nil and "" or tostring(value):gsub("%c", "?")
         widths[c] = math.max(widths[c], math.min(length(rows[i + 1][c]), 14))
      end
      left = left - (c < #columns and widths[c] + 2 or 0)
   end
   widths[#columns] = left
   for _, row in ipairs(rows) do
      for c, column in ipairs(columns) do
         row[c] = cell(row[c], widths[c], column[3])
      end
      local line = "  " .. table.concat(row, "  ")
      print((line:gsub(" +$", "")))
   end
end

local function yes_or_no(value)
   if value ~= nil then
      return value and "yes" or "no"
   end
end

local function print_sessions(sessions)
   print_table({
      { "SESSION", function(s) return s.session_id end, true },
      { "USER", function(s) return s.user_name end },
      { "AT", function(s) return s.seat or s.client_name or s.remote_host end },
      { "STATE", function(s) return s.state end },
      { "LOCKED", function(s) return yes_or_no(s.locked) end },
      { "CONTROLLED", function(s) return s.is_orchestratable == false and "no: exempt" or "yes" end },
   }, sessions)
end

local function print_outcomes(outcomes)
   print_table({
      { "SESSION", function(o) return o.session_id end, true },
      { "USER", function(o) return o.user_name end },
      { "STATE", function(o) return o.state end },
      { "ERROR", function(o) return o.error and o.error.code end },
      { "IN WORDS", function(o) return o.error and o.error.message or o.note end },
   }, outcomes)
end

--- Prints a text of any length, in lines that fit.
local function say(text)
   local line = " "
   for word in text:gmatch("%S+") do
      if length(line) + 1 + length(word) > WIDTH then
         print(line)
         line = " "
      end
      line = line .. " " .. word
   end
   print(line)
end

-- ---- the lesson -------------------------------------------------------------------------------------------------

local function step(title)
   print()
   print(title)
end

--- Prints the outcomes, whether all went well or not, and compares them with `want`: session id -> code, "" for none.
local function check(want, list, _, err)
   local outcomes = list or err.outcomes
   print_outcomes(outcomes)
   for _, outcome in ipairs(outcomes) do
      local code = outcome.error and outcome.error.code or ""
      if code ~= (want[outcome.session_id] or "none expected") then
         as_told = false
      end
      want[outcome.session_id] = nil
   end
   as_told = as_told and next(want) == nil
end

wms.memory("room", { latency = 0.02, sessions = {
   { session_id = 1, user_name = "teacher", seat = "desk", is_admin = true },
   { session_id = 2, user_name = "alice", seat = "station 1" },
   { session_id = 3, user_name = "bob", seat = "station 2" },
   { session_id = 4, user_name = "carol", seat = "station 3" },
   -- A manager in "Block All" guards this station, and locks it whenever somebody unlocks it.
   { session_id = 5, user_name = "dave", seat = "station 4", relock_after = 0.4 },
   { session_id = 6, user_name = "erin", seat = "station 5" },
} })

print(wms._VERSION .. ": a computer room, made up inside this program")

step "The sessions of the room"
print_sessions(assert(wms.sessions(ROOM)))

step "Lock them all: \"Eyes on the teacher, please\" (the teacher's own is left out)"
check({ [2] = "", [3] = "", [4] = "", [5] = "", [6] = "" },
   wms.lock_all{ server = ROOM, message = "Eyes on the teacher, please", verify = 2 })

step "Unlock them, and watch for a second that they stay so (station 4 does not)"
check({ [2] = "", [3] = "", [4] = "", [5] = "REVERTED", [6] = "" },
   wms.unlock{ session_ids = { 2, 3, 4, 5, 6 }, server = ROOM, verify = 2, stable = 1 })

step "Lock the teacher's session, and one that is not there"
check({ [1] = "ACCESS_DENIED", [99] = "NOT_FOUND" },
   wms.lock{ session_ids = { 1, 99 }, server = ROOM, message = "Hello" })

-- ---- this machine -----------------------------------------------------------------------------------------------

step "The sessions of this machine, which are listed and left alone"
local here, why, err = wms.sessions{ server = "logind://", timeout = 3 }
if not here then
   local outcome = err.outcomes[1]
   say("They cannot be listed: " .. (outcome and outcome.error.message or why))
elseif #here == 0 then
   say("There are none.")
else
   print_sessions(here)
end

print()
if not as_told then
   print("This did not go as told.")
   os.exit(1, true)
end
print("Everything went as told.")
