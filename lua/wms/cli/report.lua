-- SPDX-License-Identifier: MIT
--- What a person sees of a result: a table, what went wrong and what to do about it, and one line of sum.
local commands = require "wms.cli.commands"
local columns = require "wms.cli.columns"
local misuse = require "wms.cli.misuse"
local text = require "wms.cli.text"
local verdict = require "wms.cli.verdict"

local report = {}

local function clean(value)
   return value ~= nil and text.clean(value) or nil
end

-- ---- sessions -------------------------------------------------------------------------------------------------------

local SESSION = {
   { name = "server", title = "SERVER", least = 8 }, { name = "id", title = "SESSION", right = true },
   { name = "user", title = "USER", least = 10 }, { name = "state", title = "STATE" }, { name = "lock", title = "LOCKED" },
   { name = "idle", title = "IDLE", may_go = 2, right = true }, { name = "since", title = "SINCE", may_go = 5 },
   { name = "seat", title = "SEAT", may_go = 3 }, { name = "type", title = "TYPE", may_go = 6 },
   { name = "from", title = "FROM", may_go = 4 }, { name = "note", title = "NOTE", may_go = 1, told = true },
}

--- A time as a person says it, and as --where idle= takes it: 40s, 12m, 3h, 2d.
local function span(seconds)
   if seconds < 60 then
      return ("%ds"):format(math.floor(math.max(0, seconds)))
   elseif seconds < 5400 then
      return ("%dm"):format(math.floor(seconds / 60))
   elseif seconds < 172800 then
      return ("%dh"):format(math.floor(seconds / 3600))
   end
   return ("%dd"):format(math.floor(seconds / 86400))
end

local function moment(time, now)
   return os.date(math.abs(now - time) < 43200 and "%H:%M" or "%Y-%m-%d", math.floor(time))
end

local function session_row(session, now)
   local notes = {}
   notes[#notes + 1] = session.is_own and "you" or nil
   notes[#notes + 1] = session.is_orchestratable == false and "exempt" or nil
   local lock = session.locked == nil and "-" or session.locked and "locked" or "no"
   return {
      server = clean(session.server), id = clean(session.session_id), user = clean(session.user_name),
      state = clean(session.state), lock = lock, seat = clean(session.seat), type = clean(session.type),
      idle = session.idle_since and span(now - session.idle_since),
      since = session.logon_time and moment(session.logon_time, now),
      from = clean(session.remote_host or session.client_name), note = table.concat(notes, ", "),
      colours = { lock = lock == "locked" and "yellow" or lock == "no" and "green" or nil, note = "dim" },
   }
end

-- ---- outcomes -------------------------------------------------------------------------------------------------------

local OUTCOME = {
   { name = "server", title = "SERVER", least = 8 }, { name = "id", title = "SESSION", right = true },
   { name = "user", title = "USER", least = 10 }, { name = "result", title = "RESULT" },
   { name = "note", title = "NOTE", may_go = 1, told = true },
}
local WHOLE = {
   { name = "server", title = "SERVER", least = 8 }, { name = "result", title = "RESULT" },
   { name = "note", title = "NOTE", may_go = 1, told = true },
}

local STATIONS = {
   { name = "server", title = "SERVER", least = 8 }, { name = "station", title = "STATION", right = true },
   { name = "id", title = "SESSION", right = true, may_go = 2 }, { name = "result", title = "RESULT" },
   { name = "note", title = "NOTE", may_go = 1, told = true },
}

--- What became of it, and its colour.
local function result_of(outcome, words)
   local state = outcome.state
   if verdict.is_unverified(outcome) then
      return "requested, not verified", "yellow"
   elseif outcome.error and state ~= "requested" then
      return state == "unknown" and "unknown" or state == "skipped" and "not sent" or "failed",
         state == "failed" and "red" or "yellow"
   elseif state == "verified" then
      return outcome.changed == false and words.before or words.done, "green"
   elseif state == "planned" then
      return words.plan, "dim"
   elseif state == "requested" then
      return words.asked or "requested", "yellow"
   elseif state == "gone" then
      return "ended by itself", "dim"
   end
   return "spared", "dim"
end

local function outcome_row(outcome, words)
   local result, colour = result_of(outcome, words)
   if outcome.error and not verdict.is_unverified(outcome) then
      result = result .. " (" .. text.clean(outcome.error.code) .. ")"
   end
   return {
      server = clean(outcome.server), id = clean(outcome.session_id), station = clean(outcome.station_id),
      user = clean(outcome.user_name), result = result, note = clean(outcome.note),
      colours = { result = colour, note = "dim" },
   }
end

--- In the order asked, but what went wrong last.
local function ordered(outcomes)
   local good, bad = {}, {}
   for _, outcome in ipairs(outcomes) do
      local list = outcome.error and bad or good
      list[#list + 1] = outcome
   end
   for _, outcome in ipairs(bad) do
      good[#good + 1] = outcome
   end
   return good, bad
end

-- ---- the parts -------------------------------------------------------------------------------------------------------

local function several_servers(list)
   for _, item in ipairs(list) do
      if item.server ~= list[1].server then
         return true
      end
   end
   return false
end

--- On a terminal, one server alone is not named in each row.
local function without_server(wanted, list, look)
   if not look.width or several_servers(list) then
      return wanted
   end
   return { (table.unpack or unpack)(wanted, 2) } -- luacheck: ignore 113 143
end

local function print_list(write, wanted, rows, list, look)
   if #rows > 0 or not look.width then
      columns.print(write, without_server(wanted, list, look), rows, look, "server")
   end
end

--- The table of a command's result.
function report.rows(write, result, command, look)
   local rows = {}
   if command.call == "sessions" then
      local now = os.time()
      for i, session in ipairs(result.items) do
         rows[i] = session_row(session, now)
      end
      print_list(write, SESSION, rows, result.items, look)
   elseif command.target == "none" then
      for i, item in ipairs(result.items) do
         local row = {}
         for _, column in ipairs(result.columns) do
            local value = item[column.name]
            row[column.name] = clean(type(value) == "table" and table.concat(value, " ") or value)
         end
         rows[i] = row
      end
      columns.print(write, result.columns, rows, look)
   else
      local list = ordered(result.outcomes)
      for i, outcome in ipairs(list) do
         rows[i] = outcome_row(outcome, command.words)
      end
      if command.target == "servers" then
         columns.print(write, WHOLE, rows, look)
      else
         print_list(write, command.target == "stations" and STATIONS or OUTCOME, rows, list, look)
      end
   end
end

local function place(outcome)
   local server = text.clean(outcome.server)
   if outcome.station_id then
      return ("%s station %s"):format(server, text.clean(outcome.station_id))
   elseif not outcome.session_id then
      return server
   end
   local user = outcome.user_name and " (" .. text.clean(outcome.user_name) .. ")" or ""
   return ("%s session %s%s"):format(server, text.clean(outcome.session_id), user)
end

--- Outcomes by what went wrong, in the order of the first of each.
local function by_reason(outcomes, command, groups)
   local list, known = {}, {}
   for _, outcome in ipairs(outcomes) do
      local hint = require("wms.cli.hints").of(outcome, command, groups)
      local key = table.concat({ outcome.state, outcome.error.code, outcome.error.message, hint or "" }, "\0")
      local entry = known[key]
      if not entry then
         entry = { outcome = outcome, hint = hint, places = {} }
         known[key], list[#list + 1] = entry, entry
      end
      entry.places[#entry.places + 1] = place(outcome)
   end
   return list
end

local LABELS = { unknown = "unknown", skipped = "not sent", requested = "not verified" }
local MOST = 5 -- places that are named in one sentence

--- What went wrong, and what to do about it.
function report.failures(write, result, command, look)
   local _, bad = ordered(result.outcomes)
   local width = look.width or 1000
   for _, entry in ipairs(by_reason(bad, command, result.groups)) do
      local outcome, places = entry.outcome, entry.places
      if not (result.interrupted and outcome.error.code == "CANCELLED") then
         local named = table.concat(places, ", ", 1, math.min(#places, MOST))
         if #places > MOST then
            named = ("%s and %d more"):format(named, #places - MOST)
         end
         local label = LABELS[outcome.state] or "failed"
         local line = ("%s: %s: %s"):format(label, named, text.clean(misuse.words(outcome.error.message)))
         line = text.wrap(line, width, "   ")
         label = columns.colour(label, outcome.state == "failed" and "red" or "yellow", look.colour)
         write(label, line:match("^[%a ]+(.*)$"), "\n")
         if entry.hint then
            write(text.wrap(text.clean(entry.hint), width, "   ", "   "), "\n")
         end
      end
   end
end

local function count_servers(sessions)
   local count, seen = 0, {}
   for _, session in ipairs(sessions) do
      count = count + (seen[session.server] and 0 or 1)
      seen[session.server] = true
   end
   return count
end

local SUMS = { failed = "failed", unknown = "unknown (may still be carried out)", skipped = "not sent" }
local REQUESTED = "(requested: the host took it. With --verify wms waits until the host says that it is so.)"

local WARNED = "(They may have read the warning already, and nobody is logged off for it now: tell them by 'wms message'.)"

--- Lines about choices that met nobody.
function report.notes(write, notes, look)
   for _, note in ipairs(notes or {}) do
      write(text.wrap(note, look.width or 1000, "   "), "\n")
   end
end

--- One line: what was done, and what was not.
function report.sum(write, result, command, sum, look)
   local counts, order = {}, {}
   local function add(word, number)
      if number > 0 then
         if not counts[word] then
            order[#order + 1] = word
         end
         counts[word] = (counts[word] or 0) + number
      end
   end
   for _, outcome in ipairs(result.items and {} or result.outcomes) do
      if not outcome.error or verdict.is_unverified(outcome) then
         add((result_of(outcome, command.words)), 1)
      end
   end
   local rank = { [command.words.done or ""] = 1, [command.words.before or ""] = 2 }
   for i, word in ipairs(order) do
      rank[word] = rank[word] or i + 2
   end
   table.sort(order, function(a, b) return rank[a] < rank[b] end)
   local parts = {}
   for i, word in ipairs(order) do
      parts[i] = ("%d %s"):format(counts[word], word)
   end
   if result.items then
      parts[1] = text.count(#result.items, command.item or "session")
      if command.call == "sessions" and #result.items > 0 then
         parts[1] = ("%s on %s"):format(parts[1], text.count(count_servers(result.items), "host"))
      end
   end
   for _, name in ipairs{ "failed", "unknown", "skipped" } do
      if sum[name] > 0 then
         parts[#parts + 1] = ("%d %s"):format(sum[name], SUMS[name])
      end
   end
   for _, name in ipairs{ "not_found", "exempt" } do
      if sum[name] > 0 then
         parts[#parts + 1] = ("%s %s"):format(text.count(sum[name], "user"), (name:gsub("_", " ")))
      end
   end
   local line = #parts > 0 and table.concat(parts, ", ") or command.entry and "nothing is meant" or "no session is meant"
   if result.interrupted then
      line = "interrupted: " .. line
   end
   write(text.wrap(line, look.width or 1000, "   "), "\n")
   if result.interrupted and result.warned and sum.skipped > 0 then
      write(text.wrap(WARNED, look.width or 1000, "   "), "\n")
   end
   if counts.requested and commands.has(command, "verify") and look.width then
      write(text.wrap(REQUESTED, look.width, " "), "\n")
   end
end

return report
