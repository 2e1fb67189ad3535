-- SPDX-License-Identifier: MIT
-- On a provider that goes on when the engine has no memory for one of its sessions.
local wms, server = ...
local list, message, err = wms.sessions(server)
if not list then
   return "sessions", list, message, err
end
assert(#list == 2, "not all, without a word")
return "unlock", wms.unlock_all(server)
