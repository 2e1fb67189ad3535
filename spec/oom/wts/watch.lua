-- SPDX-License-Identifier: MIT
-- Until it is ready.  What wants memory makes the server lost; it is reached again then.
local wms, server = ...
local seen, message, err = wms.watch(server)
if not seen then
   return "watch", nil, message, err
end
repeat
   local event, text, fault = seen:next(20)
   if fault then
      seen:close()
      return "watch", nil, text, fault
   end
   assert(event, "it is never ready")
   assert(not event.error or event.error.code == "NO_MEMORY", event.error and event.error.message)
until event.kind == "ready" or event.kind == "back" or event.kind == "overflow"
seen:close()
