-- SPDX-License-Identifier: MIT
-- A component for Prosody: each room is a contact, such as room1@rooms.school.example, whom teachers tell to `unlock`.
local wms = require "wms"
local loop = require "wms.loop.prosody"
local jid = require "util.jid"
local st = require "util.stanza"

local VERIFY = 3 -- seconds in which a screen has to be open

local groups = assert(require "wms.config".load()).groups
local teachers = module:get_option_set("rooms_teachers", {})

-- The second wall: whatever other modules do, nothing but this reaches a host.
wms.configure{ allow = function(action)
   return action.verb == "unlock", "rooms are unlocked from here, and nothing else"
end }

--- Carries out what a teacher has said to a room; `answer` is called when it is known what has become of it.
local function obey(room, text, answer)
   if text ~= "unlock" then
      return answer "I know one word: unlock"
   end
   loop.start("unlock_all", { server = "@" .. room, verify = VERIFY }, function(outcomes, message)
      answer(outcomes and #outcomes .. " open" or message)
   end)
end

module:hook("message/bare", function(event)
   local stanza = event.stanza
   local text, room = stanza:get_child_text "body", jid.node(stanza.attr.to)
   if stanza.attr.type == "error" or not text then
      return true -- such as that somebody is typing
   elseif not teachers:contains(jid.bare(stanza.attr.from)) then
      event.origin.send(st.error_reply(stanza, "auth", "forbidden", "Teachers talk to rooms"))
      return true
   elseif not groups[room] then
      event.origin.send(st.error_reply(stanza, "cancel", "item-not-found", "There is no such room"))
      return true
   end
   obey(room, text:lower():match "^%s*(.-)%s*$", function(said)
      module:send(st.message({ type = "chat", from = stanza.attr.to, to = stanza.attr.from }, said))
   end)
   return true
end)
