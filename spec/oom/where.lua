-- SPDX-License-Identifier: MIT
local wms, server = ...
local where = { session_id = { 1, "2" } }
local list, message, err = wms.sessions{ server = server, where = where, except = function(session)
   return session.session_id == 2
end }
if not list then
   return "sessions", list, message, err
end
assert(#list == 1 and list[1].session_id == 1, "not what was chosen, without a word")
return "unlock", wms.unlock_all{ server = server, where = where, deadline = 60 }
