-- SPDX-License-Identifier: MIT
-- Whoever watches is told how it is, or that it could not be told.
local wms, server = ...
local watch, message, err = wms.watch{ server = server, initial = true }
if not watch then
   return "watch", watch, message, err
end
local told, missing = 0, false
for _ = 1, 10 do
   local event = not missing and watch:next(told > 0 and 0 or 0.5)
   if not event then
      break
   end
   told = told + (event.kind == "opened" and 1 or 0)
   missing = missing or event.kind == "lost" or event.kind == "overflow"
end
assert(told > 0 or missing, "nothing was told")
watch:close()
