-- SPDX-License-Identifier: MIT
-- Texts that have to become UTF-16.
local wms, server = ...
local list, message, err = wms.message{ session_ids = { 1, 2 }, server = server, title = "t", message = "m" }
if not list then
   return "message", nil, message, err
end
assert(#list == 2 and list[1].state == "requested" and list[2].state == "requested")
