-- SPDX-License-Identifier: MIT
-- /etc/knot-resolver/rooms.lua: POST /rooms/ROOM/unlock unlocks a room, GET /rooms/ROOM shows it, for whoever has the
-- token.  They are served by the resolver's module http, on sockets of the kind "rooms".
local wms = require "wms"
local loop = require "wms.loop.knot"

local VERIFY = 3 -- seconds in which a screen has to be open

local groups = assert(require "wms.config".load()).groups
local token = assert(assert(io.open "/etc/knot-resolver/rooms.token"):read "*l")

-- The second wall: whatever else the resolver is told, nothing but this reaches a host.
wms.configure{ allow = function(action)
   return action.verb == "unlock" or action.verb == "sessions", "rooms are unlocked from here, and nothing else"
end }

--- A line for each session, and the status.
local function show(room)
   local sessions, message = loop.call("sessions", { server = "@" .. room })
   local lines = {}
   for i, session in ipairs(sessions or {}) do
      lines[i] = ("%s %s %s %s"):format(session.server, session.session_id, session.user_name or "-",
         session.locked and "locked" or session.locked == false and "open" or "unknown")
   end
   return sessions and 200 or 502, sessions and lines or { message }
end

local function unlock(room)
   local outcomes, message, err = loop.call("unlock_all", { server = "@" .. room, verify = VERIFY })
   local lines = {}
   for i, outcome in ipairs(outcomes or err.outcomes) do
      lines[i] = ("%s %s %s %s"):format(outcome.server, outcome.session_id or "-", outcome.user_name or "-",
         outcome.error and outcome.error.message or outcome.state)
   end
   return outcomes and 200 or 502, #lines > 0 and lines or { message or "nobody is there" }
end

local actions = { GET = { [""] = show }, POST = { unlock = unlock } }

--- What the module http calls for each request, in a coroutine that may wait: returns a text, or a status and a text.
local function serve(headers)
   if headers:get "authorization" ~= "Bearer " .. token then
      return 401, "rooms are for those who have the token\n"
   end
   local room, what = headers:get ":path":match "^/rooms/(%w+)/?(%w*)$"
   local action = (actions[headers:get ":method"] or {})[what]
   if not (room and groups[room]) then
      return 404, "there is no such room\n"
   elseif not action then
      return 405, "GET /rooms/ROOM, POST /rooms/ROOM/unlock\n"
   end
   local status, lines = action(room)
   local text = table.concat(lines, "\n") .. "\n"
   if status == 200 then
      return text
   end
   return status, text
end

http.config({ tls = false, endpoints = {
   ["/"] = { "text/plain", function() return "rooms\n" end },
   ["/rooms"] = { "text/plain", serve },
} }, "rooms")
