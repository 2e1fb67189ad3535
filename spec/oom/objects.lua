-- SPDX-License-Identifier: MIT
local wms, server = ...
local objects = { { session_id = 2, server = server }, { session_id = 1, server = server } }
local list, message, err = wms.sessions{ session_ids = objects }
if not list then
   return "sessions", list, message, err
end
assert(#list == 2 and list[1].session_id == 2, "not all, without a word")
return "unlock", wms.unlock{ session_ids = list }
