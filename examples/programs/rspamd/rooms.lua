-- SPDX-License-Identifier: MIT
-- /etc/rspamd/rooms.lua: a mail to room1@rooms.school.example, from a teacher who has logged on to the mail server, unlocks
-- the room.  The mail goes its way at once; what has become of the room stands in the log, with the mail's id.
local logger = require "rspamd_logger"
local wms = require "wms"
local loop = require "wms.loop.poll"

local VERIFY = 3 -- seconds in which a screen has to be open
local PAUSE, IDLE = 0.002, 0.05 -- seconds between two looks at what is under way, and while nothing is
local TEACHERS = { ["alice@school.example"] = true }

local groups = assert(require "wms.config".load()).groups

-- The second wall: whatever other rules do, nothing but this reaches a host.
wms.configure{ allow = function(action)
   return action.verb == "unlock", "rooms are unlocked from here, and nothing else"
end }

local turning = false

--- Lets the worker that has this task look after what is under way, beside all its tasks: a room takes some looks, since
--- each goes no further than the host's next answer.  There is one periodic for all, which does not end, since rspamd keeps
--- the memory of each until it ends itself; it returns when it is called next.
local function turn(task)
   if not turning then
      turning = true
      rspamd_config:add_periodic(task:get_ev_base(), PAUSE, function()
         loop.turn()
         return loop.pending() > 0 and PAUSE or IDLE
      end)
   end
end

local function unlock(task)
   local recipients = task:get_recipients "smtp" or {}
   local room = #recipients == 1 and recipients[1].addr:match "^(%w+)@rooms%.school%.example$"
   if not room then
      return
   elseif not TEACHERS[task:get_user() or ""] then
      task:set_pre_result("reject", "teachers unlock rooms")
      return
   elseif not groups[room] then
      task:set_pre_result("reject", room .. ": there is no such room")
      return
   end
   local id = task:get_queue_id()
   task:set_pre_result("accept", room .. ": it is begun")
   turn(task)
   loop.start("unlock_all", { server = "@" .. room, verify = VERIFY }, function(outcomes, message)
      logger.messagex(rspamd_config, "mail %s, %s: %s", id, room, outcomes and #outcomes .. " open" or message)
   end)
end

rspamd_config:register_symbol{ name = "UNLOCK_ROOM", type = "prefilter", callback = unlock }
