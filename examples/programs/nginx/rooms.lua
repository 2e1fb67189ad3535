-- SPDX-License-Identifier: MIT
-- What nginx does with its rooms; rooms.conf says who may.
local wms = require "wms"
local loop = require "wms.loop.nginx"

local VERIFY = 3 -- seconds in which a screen has to be open

local rooms = {}

-- This file is read by nginx's master, as root, before its workers are there, which never see these two files.
local groups = assert(require "wms.config".load()).groups
local token = assert(assert(io.open "/etc/nginx/rooms/token"):read "*l")

-- The second wall: whatever a location lets through, nothing else reaches a host.
wms.configure{ allow = function(action)
   return action.verb == "unlock" or action.verb == "sessions", "nginx unlocks rooms, and nothing else"
end }

--- For access_by_lua: lets in who has the token.
function rooms.admit()
   if ngx.var.http_authorization ~= "Bearer " .. token then
      ngx.header["www-authenticate"] = "Bearer"
      return ngx.exit(ngx.HTTP_UNAUTHORIZED)
   end
end

local function answer(status, lines)
   ngx.status = status
   ngx.header["content-type"] = "text/plain"
   ngx.say(table.concat(lines, "\n"))
end

--- The address that the room's name stands for.
local function address(room)
   if not groups[room] then
      ngx.exit(ngx.HTTP_NOT_FOUND)
   end
   return "@" .. room
end

--- GET /rooms/ROOM: a line for each session.
function rooms.show(room)
   local sessions, message = loop.call("sessions", { server = address(room) })
   local lines = {}
   for i, session in ipairs(sessions or {}) do
      lines[i] = ("%s %s %s %s"):format(session.server, session.session_id, session.user_name or "-",
         session.locked and "locked" or session.locked == false and "open" or "unknown")
   end
   answer(sessions and 200 or 502, sessions and lines or { message })
end

--- POST /rooms/ROOM/unlock: a line for each session.
function rooms.unlock(room)
   local outcomes, message, err = loop.call("unlock_all", { server = address(room), verify = VERIFY })
   local lines = {}
   for i, outcome in ipairs(outcomes or err.outcomes) do
      lines[i] = ("%s %s %s %s"):format(outcome.server, outcome.session_id or "-", outcome.user_name or "-",
         outcome.error and outcome.error.message or outcome.state)
   end
   answer(outcomes and 200 or 502, #lines > 0 and lines or { message or "nobody is there" })
end

return rooms
