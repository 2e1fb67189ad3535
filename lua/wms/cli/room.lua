-- SPDX-License-Identifier: MIT
--- Wishes for hosts with an agent: `wms keep --nats`, `wms room status`, and the store that they are kept in.
local checked = require "wms.cli.misuse".checked
local columns = require "wms.cli.columns"
local exits = require "wms.cli.exits"
local plan = require "wms.cli.plan"
local rooms = require "wms.agent.room"
local run = require "wms.cli.run"
local text = require "wms.cli.text"
local wishes = require "wms.agent.wishes"
local wms = require "wms"

local room = {}

--- Calls a function of wms.agent, and raises its misuse in this program's words.
local function read(name, fun, ...)
   local results = { pcall(fun, ...) }
   if not results[1] then
      local why = results[2]
      return checked(name, error, type(why) == "table" and why.misuse or why, 0)
   end
   return results[2]
end

-- ---- wishes ------------------------------------------------------------------------------------------------------------

--- The same command, with what a table of servers says of it.
local function with_words(command, words)
   return setmetatable({ target = "servers", words = words }, { __index = command })
end

local function wish(made, settings, progress, options, words)
   made.command = with_words(made.command, words)
   return run.call(settings, "call", options, progress)
end

--- `wms keep --nats`.
function room.wish(made, settings, progress)
   local options = read("keep", wishes.put, plan.values(made))
   return wish(made, settings, progress, options, { done = "wished", asked = "wished" })
end

--- `wms keep --nats --end`.
function room.end_wish(made, settings, progress)
   local options = read("keep", wishes.delete, plan.values(made))
   return wish(made, settings, progress, options, { done = "taken back", asked = "taken back" })
end

-- ---- the store ---------------------------------------------------------------------------------------------------------

--- `wms agent prepare`.
function room.prepare(_, settings, progress, given)
   local result = run.call(settings, "call", { server = { "nats://localhost" }, interface = "store", operation = "prepare",
      arguments = { replicas = given.replicas }, timeout = given.timeout }, progress)
   result.show = function() end -- what went wrong is said as everywhere
   local outcome = result.outcomes[1]
   if outcome and not outcome.error then
      result.list = "the store for presence and wishes is there\n"
   end
   return result
end

-- ---- how rooms are -----------------------------------------------------------------------------------------------------

local COLUMNS = {
   { name = "server", title = "SERVER", least = 8 }, { name = "wished", title = "WISHED" },
   { name = "ends", title = "UNTIL" }, { name = "real", title = "REAL" },
   { name = "note", title = "NOTE", may_go = 1, told = true },
}

local function moment(time)
   return os.date(math.abs(os.time() - time) < 43200 and "%H:%M" or "%Y-%m-%d %H:%M", math.floor(time))
end

--- How the sessions are, in a few words, and the colour of that.
local function real_of(row)
   if row.offline then
      return "offline", "red"
   elseif row.error then
      return "?", "red"
   end
   local colour = row.as_wished and "green" or row.as_wished == false and "yellow" or nil
   if row.sessions == 0 then
      return "nobody there", colour
   elseif row.unknown == row.sessions then
      return ("%d, not told"):format(row.sessions), colour
   elseif row.locked == 0 or row.locked == row.sessions then
      return ("%s (%d)"):format(row.locked == 0 and "unlocked" or "locked", row.sessions), colour
   end
   return ("%d of %d locked"):format(row.locked, row.sessions), colour
end

--- Whether something is wished, and sessions do not tell how they are.
local function is_untold(row)
   return row.wish and row.as_wished == nil and not row.error
end

local function note_of(row)
   local notes = {}
   notes[#notes + 1] = row.as_wished == false and "not as wished" or is_untold(row) and "perhaps not as wished" or nil
   notes[#notes + 1] = row.error and row.error.code or nil
   notes[#notes + 1] = row.wish_error and ("wish: %s"):format(row.wish_error.code) or nil
   notes[#notes + 1] = row.wish and row.wish.who and ("by %s"):format(row.wish.who) or nil
   notes[#notes + 1] = (row.exempt or 0) > 0 and ("%d exempt"):format(row.exempt) or nil
   return table.concat(notes, ", ")
end

local function show(write, result, _, look)
   local shown = {}
   for i, row in ipairs(result.rows) do
      local real, colour = real_of(row)
      shown[i] = { server = text.clean(row.server),
         wished = row.wish and (row.wish.locked and "locked" or "unlocked") or "-",
         ends = row.wish and (row.wish.ends and moment(row.wish.ends) or "no end") or "-", real = real,
         note = text.clean(note_of(row)), colours = { real = colour, note = "dim" } }
   end
   columns.print(write, COLUMNS, shown, look, "server")
end

--- What --json and --csv have of a row.
local function record_of(row)
   local wished = row.wish or {}
   return { server = row.server, wished = row.wish and (wished.locked and "locked" or "unlocked") or nil,
      ends = wished.ends, who = wished.who, text = wished.message, restore = wished.restore, revision = wished.revision,
      sessions = row.sessions, locked = row.locked, unknown = row.unknown, exempt = row.exempt,
      as_wished = row.as_wished, offline = row.offline, error = row.error or row.wish_error }
end

--- One outcome for each host of which something is not known.
local function failures_of(rows)
   local list, away = {}, 0
   for _, row in ipairs(rows) do
      local err = row.error or row.wish_error
      if err then
         list[#list + 1] = { server = row.server, state = "failed", error = err }
      end
      away = away + (row.offline and 1 or 0)
   end
   return list, away
end

--- `wms room status`.
function room.status(made, settings, progress, given)
   local servers = checked("room status", wms.servers, #made.servers > 0 and made.servers or "localhost")
   local manner = { timeout = given.timeout, concurrency = given.concurrency }
   local listing = run.call(settings, "sessions", { server = servers, timeout = manner.timeout,
      concurrency = manner.concurrency }, progress)
   local with_agent = rooms.with_agent(servers)
   local wished = { outcomes = {} }
   if #with_agent > 0 and not listing.interrupted then
      wished = run.call(settings, "call", wishes.get(manner, with_agent), progress)
   end
   local rows = rooms.rows(servers, wished.outcomes, listing.items, listing.outcomes)
   local failures, away = failures_of(rows)
   local result = { rows = rows, items = {}, outcomes = failures, record = "room", show = show,
      interrupted = listing.interrupted or wished.interrupted }
   local differing, untold = 0, 0
   for i, row in ipairs(rows) do
      result.items[i] = record_of(row)
      differing = differing + (row.as_wished == false and 1 or 0)
      untold = untold + (is_untold(row) and 1 or 0)
   end
   if not result.interrupted then
      local code = differing + untold + #failures > 0 and exits.FAILED or exits.OK
      result.exit = away == #rows and exits.UNREACHED or code
   end
   result.notes = differing > 0 and { ("%s not as wished"):format(text.count(differing, "host")) } or {}
   return result
end

return room
