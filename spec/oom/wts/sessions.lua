-- SPDX-License-Identifier: MIT
-- The odd library's server has six sessions.
local wms, server = ...
local list, message, err = wms.sessions(server)
if not list then
   return "sessions", nil, message, err
end
assert(#list == 6 and list[2].user_name == "alice" and list[3].client_name == "PC-2", "not all, without a word")
