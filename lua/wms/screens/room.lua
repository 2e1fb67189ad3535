-- SPDX-License-Identifier: MIT
--- The room behind a served page: how it was last, and what is done to its sessions.
local markup = require "wms.screens.markup"
local words = require "wms.screens.words"

local room = {}
room.__index = room

--- `options`: those of wms.screens.take; `call(verb, options)`: carries a command out, in a coroutine that it suspends.
function room.new(options, call)
   local empty = { pictures = {}, former = {}, numbers = {}, serial = 0, by_key = {} }
   empty.options, empty.call = options, call
   return setmetatable(empty, room)
end

local function tile_of(station)
   local state = words.state(station)
   return {
      key = station.key, kind = state, label = words.LABELS[state], user = words.user(station),
      host = ("%s, session %s"):format(words.host(station.server), tostring(station.session_id)),
      able = not station.exempt, why = words.missing(station),
   }
end

local function tile_of_host(host)
   return { key = host.key, kind = "off", label = words.LABELS.off, user = words.host(host.server), host = host.server,
      able = false, why = host.error.message }
end

--- The number of a session's picture: another one when the picture is another one.
local function number_of(self, station)
   local number = self.numbers[station.key]
   if not number or self.pictures[number] ~= station.picture then
      self.serial = self.serial + 1
      number = self.serial
   end
   return number
end

--- The picture of that number, of this room or of the one before: a page may not have asked for all of that yet.
function room:picture(number)
   return self.pictures[number] or self.former[number]
end

--- Takes the room anew.
function room:take()
   local sheet = require("wms.screens").take(self.options, self.call)
   local tiles, pictures, numbers, by_key = { n = 0 }, {}, {}, {}
   for _, station in ipairs(sheet.stations) do
      local tile = tile_of(station)
      if station.picture then
         local number = number_of(self, station)
         pictures[number], numbers[station.key] = station.picture, number
         tile.picture = "picture/" .. number
      end
      tiles.n = tiles.n + 1
      tiles[tiles.n], by_key[station.key] = tile, station
   end
   for _, host in ipairs(sheet.off) do
      tiles.n = tiles.n + 1
      tiles[tiles.n] = tile_of_host(host)
   end
   self.former, self.pictures, self.numbers, self.by_key = self.pictures, pictures, numbers, by_key
   self.state = markup.json{ stations = tiles, sum = words.sum(sheet), when = os.date("%H:%M:%S", sheet.time) }
end

-- What was done, in words.
local DONE = { lock = "locked", unlock = "unlocked", message = "message shown" }

local function told(verb, outcomes)
   local failed, first = 0, nil
   for _, outcome in ipairs(outcomes) do
      if outcome.error then
         failed = failed + 1
         first = first or outcome
      end
   end
   local done = ("%d of %d: %s."):format(#outcomes - failed, #outcomes, DONE[verb])
   if not first then
      return done, false
   end
   return ("%s %s, session %s: %s"):format(done, words.host(first.server), tostring(first.session_id or "?"),
      first.error.message), true
end

--- Carries out what the page asks for, on sessions that it has shown.  Returns the answer as JSON, or nil: it is none of
--- what the page can ask for.
function room:act(form)
   local verb, text = (form.verb or {})[1], (form.text or {})[1] or ""
   if not DONE[verb] then
      return nil
   end
   local sessions, seen = {}, {}
   for _, key in ipairs(form.key or {}) do
      local station = self.by_key[key]
      if station and not station.exempt and not seen[key] then
         sessions[#sessions + 1], seen[key] = station.session, true
      end
   end
   if #sessions == 0 then
      return markup.json{ said = "These sessions are not there any more.", failed = true }
   end
   local options = { session_ids = sessions, timeout = self.options.timeout }
   if verb ~= "unlock" then
      options.message = text
   end
   local outcomes, message, err = self.call(verb, options)
   outcomes = outcomes or err.outcomes or {}
   if #outcomes == 0 then
      return markup.json{ said = message, failed = true }
   end
   local said, failed = told(verb, outcomes)
   return markup.json{ said = said, failed = failed }
end

return room
