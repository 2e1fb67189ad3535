-- SPDX-License-Identifier: MIT
-- Whoever watches a host that tells of events is told how it is, or that it could not be told.
local wms, server = ...
local watch, message, err = wms.watch{ server = server, initial = true }
if not watch then
   return "watch", watch, message, err
end

local locked, missing
for _ = 1, 30 do
   local known = locked ~= nil or missing
   local event = watch:next(known and 0 or 0.03)
   if not event and known then
      break
   end
   missing = missing or event and (event.kind == "lost" or event.kind == "overflow")
   if event and event.session and event.session.session_id == 3 then
      locked = event.session.locked
   end
end
assert(locked ~= nil or missing, "nothing was told")
watch:close()
watch:close()
