-- SPDX-License-Identifier: MIT
-- A list, on a new connection and on a kept one.
local wms, server = ...
for _ = 1, 2 do
   local list, message, err = wms.sessions(server)
   if not list then
      return "sessions", nil, message, err
   end
   assert(#list == 1 and list[1].user_name == "alice" and list[1].computer_name, "half a list, without a word")
end
