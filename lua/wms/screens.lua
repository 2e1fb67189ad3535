-- SPDX-License-Identifier: MIT
--- The picture of a room: who is where, what is locked, and what is on the screens.
---
---    local screens = require "wms.screens"
---    local sheet = screens.take{ server = "@room1" }
---    assert(screens.write(sheet, "room.html"))
---
--- Whoever is looked at has to know it: see "Privacy" in docs/screens.md.
local wms = require "wms"

local screens = {}

-- The options of the three commands, by what they are for.
local SESSIONS = { "server", "computer_name", "servers", "where", "except", "activity" }
local BOTH = { "timeout", "deadline", "concurrency", "retries" }
local PICTURES = { "size" }
local OURS = { "title" }

-- A picture that is missing for this is no failure: such hosts have none.
local NONE = { UNSUPPORTED = true }

local function set_of(...)
   local set = {}
   for _, list in ipairs{ ... } do
      for _, name in ipairs(list) do
         set[name] = true
      end
   end
   return set
end

local KNOWN = set_of(SESSIONS, BOTH, PICTURES, OURS)

local function check(options, level)
   if type(options) == "string" then
      options = { server = options }
   elseif type(options) ~= "table" then
      error(("bad argument #1 to 'take' (a %s; give a table of options)"):format(type(options)), level)
   end
   for name in pairs(options) do
      if not KNOWN[name] then
         error(("bad argument #1 to 'take' (%s: no such option; use server, where, except, size, title, timeout, deadline, "
            .. "concurrency, retries, activity)"):format(tostring(name)), level)
      end
   end
   return options
end

local function pick(options, ...)
   local picked = {}
   for name in pairs(set_of(...)) do
      picked[name] = options[name]
   end
   return picked
end

--- A value that tells a session from the others of the room.
local function key_of(item)
   return ("%s %s"):format(item.server, tostring(item.session_id))
end

--- What a session's row says; its picture comes later.
local function station_of(session)
   return {
      key = key_of(session), server = session.server, session_id = session.session_id, user_name = session.user_name,
      state = session.state, locked = session.locked, exempt = session.is_orchestratable == false, session = session,
   }
end

local function add_sessions(sheet, sessions, outcomes)
   for _, outcome in ipairs(outcomes) do
      if outcome.error and not outcome.session_id then
         sheet.off[#sheet.off + 1] = { key = outcome.server, server = outcome.server, error = outcome.error }
         sheet.failures[#sheet.failures + 1] = outcome
      end
   end
   for _, session in ipairs(sessions) do
      sheet.stations[#sheet.stations + 1] = station_of(session)
   end
end

local function add_picture(sheet, station, outcome)
   for _, field in ipairs{ "picture", "width", "height", "time", "error" } do
      station[field] = outcome[field]
   end
   if outcome.error and not NONE[outcome.error.code] then
      sheet.failures[#sheet.failures + 1] = outcome
   end
end

--- A room as it is now, with the pictures of those who may be looked at: not of whom the host exempts.
---
--- `options`: those of `wms.sessions` that choose (server, where, except), `size` of `wms.thumbnail`, a `title`, and
--- timeout, deadline, concurrency, retries.  `call(verb, options)`, if it is given, carries commands out in place of
--- `wms[verb]`.
---
--- Returns { title =, time =, stations =, off =, failures = }.  A station: server, session_id, user_name, state, locked,
--- exempt, picture, width, height, time, error (why there is no picture), session.  `off`: { server =, error = } of hosts
--- that did not tell their sessions.  `failures`: the outcomes of what went wrong.  Raises misuse.
function screens.take(options, call)
   options = check(options, 3)
   call = call or function(verb, given) return wms[verb](given) end
   local sheet = { title = options.title or "Screens", time = os.time(), stations = {}, off = {}, failures = {} }
   local sessions, _, err = call("sessions", pick(options, SESSIONS, BOTH))
   add_sessions(sheet, sessions or err.sessions or {}, sessions and {} or err.outcomes)
   local wanted, by_key = {}, {}
   for _, station in ipairs(sheet.stations) do
      if not station.exempt then
         wanted[#wanted + 1], by_key[station.key] = station.session, station
      end
   end
   if #wanted > 0 then
      local given = pick(options, BOTH, PICTURES)
      given.session_ids = wanted
      local outcomes, _, fault = call("thumbnail", given)
      for _, outcome in ipairs(outcomes or fault.outcomes) do
         local station = by_key[key_of(outcome)]
         if station then
            add_picture(sheet, station, outcome)
         end
      end
   end
   return sheet
end

--- A room as one page of HTML, with everything in it.  `every`: the page loads itself again after so many seconds.
function screens.html(sheet, every)
   return require("wms.screens.page").sheet(sheet, every)
end

--- The same as a PNG; or nil and what is missing for that.
function screens.png(sheet)
   return require("wms.screens.png").sheet(sheet)
end

local function write_file(path, text)
   local part = path .. ".part"
   local file, why = io.open(part, "wb")
   if not file then
      return nil, why
   end
   local written, fault = file:write(text)
   local closed, late = file:close()
   if not (written and closed) then
      os.remove(part)
      return nil, ("%s: %s"):format(path, tostring(fault or late))
   end
   local moved, problem = os.rename(part, path)
   if not moved then
      os.remove(part)
      return nil, problem
   end
   return true
end

--- Writes a room to a file, as its name says: `.html` or `.png`.  Who reads the file meanwhile has the former one or this
--- one.  Returns true, or nil and why not.
function screens.write(sheet, path, every)
   local text, why
   if path:lower():find("%.html?$") then
      text = screens.html(sheet, every)
   elseif path:lower():find("%.png$") then
      text, why = screens.png(sheet)
   else
      why = ("%s: give a name that ends in .html or .png"):format(path)
   end
   if not text then
      return nil, why
   end
   return write_file(path, text)
end

--- Serves the room on this machine's loopback, by luv: see wms.screens.server.
function screens.serve(options)
   return require("wms.screens.server").new(options)
end

return screens
