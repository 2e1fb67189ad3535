-- SPDX-License-Identifier: MIT
-- What is verified is so: the connections for it are opened anew.
local wms, server = ...
for _, verb in ipairs{ "lock", "unlock" } do
   local list, message, err = wms[verb]{
      session_ids = 0, server = server, message = verb == "lock" and "m" or nil, verify = 20,
   }
   if not list and err.code == "UNVERIFIED" then -- without memory for an observation
      return
   elseif not list then
      return verb, nil, message, err
   end
   assert(#list == 1 and list[1].state == "verified", "success, and not verified")
end
