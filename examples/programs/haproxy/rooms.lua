-- SPDX-License-Identifier: MIT
-- What HAProxy does with its rooms; rooms.cfg says who may.
local wms = require "wms"
local loop = require "wms.loop.haproxy"

local VERIFY = 3 -- seconds in which a screen has to be open

-- This file is read by root, before the chroot: from in there neither this nor the providers' files can be reached.
local groups = assert(require "wms.config".load()).groups
assert(wms.load{ "multipoint", "logind" })

-- The second wall: whatever a rule lets through, nothing else reaches a host.
wms.configure{ allow = function(action)
   return action.verb == "unlock" or action.verb == "sessions", "HAProxy unlocks rooms, and nothing else"
end }

local function answer(applet, status, lines)
   local text = table.concat(lines, "\n") .. "\n"
   applet:set_status(status)
   applet:add_header("content-type", "text/plain")
   applet:add_header("content-length", tostring(#text))
   applet:start_response()
   applet:send(text)
end

--- A service for /rooms/ROOM, and what may follow.
local function register(name, serve)
   core.register_service(name, "http", function(applet)
      local room = applet.path:match "^/rooms/(%w+)"
      if not groups[room] then
         return answer(applet, 404, { "there is no such room" })
      end
      answer(applet, serve("@" .. room))
   end)
end

--- GET /rooms/ROOM: a line for each session.
register("show_room", function(server)
   local sessions, message = loop.call("sessions", { server = server })
   local lines = {}
   for i, session in ipairs(sessions or {}) do
      lines[i] = ("%s %s %s %s"):format(session.server, session.session_id, session.user_name or "-",
         session.locked and "locked" or session.locked == false and "open" or "unknown")
   end
   return sessions and 200 or 502, sessions and lines or { message }
end)

--- POST /rooms/ROOM/unlock: a line for each session.
register("unlock_room", function(server)
   local outcomes, message, err = loop.call("unlock_all", { server = server, verify = VERIFY })
   local lines = {}
   for i, outcome in ipairs(outcomes or err.outcomes) do
      lines[i] = ("%s %s %s %s"):format(outcome.server, outcome.session_id or "-", outcome.user_name or "-",
         outcome.error and outcome.error.message or outcome.state)
   end
   return outcomes and 200 or 502, #lines > 0 and lines or { message or "nobody is there" }
end)
