-- SPDX-License-Identifier: MIT
-- /etc/rspamd/rooms.lua: a mail to room1@rooms.school.example, from a teacher who has logged on to the mail server, unlocks the
-- room.  It is dropped then; if it could not be done, the mail server refuses it, and says why.
local wms = require "wms"
local loop = require "wms.loop.coroutines"

local VERIFY = 3 -- seconds in which a screen has to be open
local TEACHERS = { ["alice@school.example"] = true }

local groups = assert(require "wms.config".load()).groups

-- The second wall: whatever other rules do, nothing but this reaches a host.
wms.configure{ allow = function(action)
   return action.verb == "unlock", "rooms are unlocked from here, and nothing else"
end }

--- Lets `body` run in a coroutine; the mail waits for its end, and other mails do not.
local function go(task, body)
   local co = coroutine.create(body)
   local function go_on()
      local fine, seconds = coroutine.resume(co)
      if not fine then
         task:set_pre_result("soft reject", "it cannot be done now: " .. tostring(seconds))
      elseif coroutine.status(co) ~= "dead" then
         task:add_timer(seconds, go_on)
      end
   end
   go_on()
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
   go(task, function()
      local outcomes, message = loop.call("unlock_all", { server = "@" .. room, verify = VERIFY })
      if outcomes then
         task:set_pre_result("discard", ("%s: %d open"):format(room, #outcomes))
      else
         task:set_pre_result("reject", room .. ": " .. message)
      end
   end)
end

rspamd_config:register_symbol{ name = "UNLOCK_ROOM", type = "prefilter", callback = unlock }
