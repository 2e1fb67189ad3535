-- SPDX-License-Identifier: MIT
--- The picture of a room: who is where, what is locked, and what is on the screens.
---
---    local screens = require "wms.screens"
---    local sheet = screens.take{ server = "@room1" }
---    assert(screens.write(sheet, "room.html"))
---
--- Whoever is looked at has to know it: see "Privacy" in docs/screens.md.
local given_options = require "wms.screens.options"
local wms = require "wms"

local pick, SESSIONS, BOTH, PICTURES = given_options.pick, given_options.SESSIONS, given_options.BOTH, given_options.PICTURES

local screens = {}

-- A picture that is missing for this is no failure: such hosts have none.
local NONE = { UNSUPPORTED = true }

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

--- The outcomes of a command that failed; where it could not begin, one for all hosts.
local function outcomes_of(err, message)
   return err.outcomes or { { server = "localhost", state = "failed", error = { code = err.code, message = message } } }
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
   options = given_options.of_take(options, "take", 2)
   call = call or function(verb, given) return wms[verb](given) end
   local sheet = { title = options.title or "Screens", time = os.time(), stations = {}, off = {}, failures = {} }
   local sessions, message, err = call("sessions", pick(options, SESSIONS, BOTH))
   add_sessions(sheet, sessions or err.sessions or {}, sessions and {} or outcomes_of(err, message))
   local wanted, by_key = {}, {}
   for _, station in ipairs(sheet.stations) do
      if not station.exempt then
         wanted[#wanted + 1], by_key[station.key] = station.session, station
      end
   end
   if #wanted > 0 then
      local given = pick(options, BOTH, PICTURES)
      given.session_ids = wanted
      local outcomes, why, fault = call("thumbnail", given)
      for _, outcome in ipairs(outcomes or outcomes_of(fault, why)) do
         local station = by_key[key_of(outcome)]
         if station then
            add_picture(sheet, station, outcome)
         elseif outcome.error then
            sheet.failures[#sheet.failures + 1] = outcome
         end
      end
   end
   return sheet
end

--- A room as one page of HTML, with everything in it.  `every`: the page loads itself again after so many seconds.
function screens.html(sheet, every)
   every = given_options.every(every, "html", 2)
   return require("wms.screens.page").sheet(sheet, every)
end

--- The same as a PNG; or nil and what is missing for that.
function screens.png(sheet)
   return require("wms.screens.png").sheet(sheet)
end

--- The new file gets a name that nobody knows before it is there: in a folder in which others may write, a link of that
--- name could have another file written in its place.
local function write_file(path, text)
   local part = ("%s.%s.part"):format(path, require "wms.screens.secret"())
   local file, why = io.open(part, "wb")
   if not file then
      return nil, ("%s: %s"):format(path, why:sub(1, #part + 2) == part .. ": " and why:sub(#part + 3) or why)
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
      return nil, ("%s: %s"):format(path, problem:gsub("^.*: ", ""))
   end
   return true
end

--- Writes a room to a file, as its name says: `.html` or `.png`.  Who reads the file meanwhile has the former one or this
--- one.  Returns true, or nil and why not.  Raises misuse.
function screens.write(sheet, path, every)
   if type(path) ~= "string" then
      error(("bad argument #2 to 'write' (a %s; give a file's name)"):format(type(path)), 2)
   end
   local text, why
   if path:lower():find("%.html?$") then
      text = screens.html(sheet, given_options.every(every, "write", 2))
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

--- Serves the room on this machine's loopback, by luv: see wms.screens.server.  Raises misuse.
function screens.serve(options)
   local handle, why = require("wms.screens.server").new(given_options.of_serve(options, 2), 2)
   return handle, why
end

return screens
