-- SPDX-License-Identifier: MIT
-- A message on the session's text terminal.
local wms, server = ...
local list, message, err = wms.message{ session_ids = os.getenv("WMS_SESSION"), server = server, title = "t",
   message = "m" }
assert(not list or list[1].state == "requested")
return "message", list, message, err
