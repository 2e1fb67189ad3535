-- SPDX-License-Identifier: MIT
-- Rooms in WeeChat: /room unlock ROOM, /room show ROOM.
local wms = require "wms"
local loop = require "wms.loop.poll"

local VERIFY = 3 -- seconds in which a screen has to be open

assert(weechat.register("rooms", "wms", "1", "MIT", "Unlocks rooms", "rooms_end", "") == 1)
local groups = assert(require "wms.config".load()).groups

-- Whatever this script is told, nothing else reaches a host.
wms.configure{ allow = function(action)
   return action.verb == "unlock" or action.verb == "sessions", "WeeChat unlocks rooms, and nothing else"
end }

--- Prints what there is to say of each session, once it is known.
local function show(buffer, list, message, text_of)
   for _, one in ipairs(list or {}) do
      weechat.print(buffer, ("rooms\t%s %s %s"):format(one.server, one.user_name or "-", text_of(one)))
   end
   if not list or #list == 0 then
      weechat.print(buffer, "rooms\t" .. (message or "nobody is there"))
   end
end

local VERBS = {
   unlock = function(buffer, server)
      return loop.start("unlock_all", { server = server, verify = VERIFY }, function(outcomes, message, err)
         local list = outcomes or #err.outcomes > 0 and err.outcomes or nil
         show(buffer, list, message, function(outcome)
            return outcome.error and outcome.error.message or outcome.state
         end)
      end)
   end,
   show = function(buffer, server)
      return loop.start("sessions", { server = server }, function(sessions, message)
         show(buffer, sessions, message, function(session)
            return session.locked and "locked" or session.locked == false and "open" or "unknown"
         end)
      end)
   end,
}

-- WeeChat calls functions by their names.

--- /room VERB ROOM
function _G.rooms_command(_, buffer, arguments)
   local verb, room = arguments:match "^(%l+)%s+(%S+)%s*$"
   if not VERBS[verb] or not groups[room] then
      weechat.print(buffer, "rooms\tthere is no such room; /help room")
      return weechat.WEECHAT_RC_ERROR
   end
   local request, message = VERBS[verb](buffer, "@" .. room)
   if not request then
      weechat.print(buffer, "rooms\t" .. message)
   end
   return weechat.WEECHAT_RC_OK
end

--- The hosts have something to say.
function _G.rooms_turn()
   assert(loop.turn())
   return weechat.WEECHAT_RC_OK
end

--- The script is unloaded, or WeeChat ends.
function _G.rooms_end()
   loop.stop()
   return weechat.WEECHAT_RC_OK
end

weechat.hook_command("room", "Unlocks a room, or shows it", "unlock ROOM || show ROOM", "",
   "unlock || show", "rooms_command", "")
weechat.hook_fd(assert(loop.pollfd()), 1, 0, 0, "rooms_turn", "")
