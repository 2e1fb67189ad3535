-- SPDX-License-Identifier: MIT
-- A session that is disconnected already, so it is so at the first look;
-- `changed` is nil where there was no memory for it.
local wms, server = ...
local list, message, err = wms.disconnect{ session_ids = 4, server = server, verify = 20 }
if not list then
   return "disconnect", nil, message, err
end
assert(#list == 1 and list[1].state == "verified" and list[1].changed ~= true, "success, and not verified")
