-- SPDX-License-Identifier: MIT
-- A graphical session whose saver says that it is locked, and which shows messages.
local wms, server = ...
local id = os.getenv("WMS_SESSION")
local list, message, err = wms.sessions(server)
if not list then
   return "sessions", nil, message, err
end
assert(list[1].locked ~= false, "unlocked")
list, message, err = wms.lock{ session_ids = id, server = server, message = "m", verify = 10 }
if not list then
   return "lock", nil, message, err
end
assert(list[1].state == "verified")
list, message, err = wms.message{ session_ids = id, server = server, message = "a < b" }
return "message", list, message, err
