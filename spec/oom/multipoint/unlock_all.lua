-- SPDX-License-Identifier: MIT
-- A message for all, and each session that the host lets us control.
local wms, server = ...
local list, message, err = wms.lock_all{ server = server, message = "m" }
if not list then
   return "lock", nil, message, err
end
assert(#list == 3)
list, message, err = wms.unlock_all(server)
if list then
   assert(#list == 3)
end
return "unlock", list, message, err
