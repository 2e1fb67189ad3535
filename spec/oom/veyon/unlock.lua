-- SPDX-License-Identifier: MIT
-- Locks and unlocks: what is taken is requested, and nothing else is.
local wms, server = ...
for _, verb in ipairs{ "lock", "unlock" } do
   local list, message, err = wms[verb]{ session_ids = 0, server = server, message = verb == "lock" and "m" or nil }
   if not list then
      return verb, nil, message, err
   end
   assert(#list == 1 and list[1].state == "requested" and list[1].user_name == "alice")
end
