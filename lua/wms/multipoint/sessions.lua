-- SPDX-License-Identifier: MIT
--- What the protocol tells of sessions beside what wms.sessions does: [MS-RSMC] 3.7.4.
local words = require "wms.multipoint.words"

return {
   {
      name = "activity", about = "what sessions' users are doing", question = true, on = "session", lists = true,
      list = "activity", properties = { "session_id", "current_activity", "inactive_ticks" },
      password = "ordinary", operations = { "Session.CurrentActivity" },
      run = function(host, _, id)
         local answer = host:ask("Session.CurrentActivity", { idSession = id })
         return { session_id = id, inactive_ticks = answer.pdwInactiveTicks, current_activity = answer.pwsCurrentActivity }
      end,
   },
   {
      name = "screens", about = "what sessions' screens show", question = true, on = "session", lists = true,
      list = "screens",
      properties = { "session_id", "broadcast_state", "is_locked", "is_disconnected", "is_private" },
      password = "ordinary", operations = { "Session.GetScreenState" },
      run = function(host, _, id)
         local answer = host:ask("Session.GetScreenState", { idSession = id })
         return {
            session_id = id, broadcast_state = words.broadcast.word(answer.peCurrentBroadCastState),
            is_locked = answer.pfIsLocked, is_disconnected = answer.pfIsDisconnected, is_private = answer.pfIsPrivate,
         }
      end,
   },
}
