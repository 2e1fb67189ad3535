-- SPDX-License-Identifier: MIT
-- Users' sessions, and what is none.
local wms, server = ...
local list, message, err = wms.disconnect{ session_ids = { 1, 2 }, server = server }
if not list then
   return "disconnect", nil, message, err
end
assert(#list == 2 and list[1].state == "requested" and list[2].state == "requested")
local all, text, fault = wms.disconnect_all(server)
return "disconnect", all, text, fault
