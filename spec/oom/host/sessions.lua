-- SPDX-License-Identifier: MIT
-- There are WMS_COUNT sessions.
local wms, server = ...
local list, message, err = wms.sessions(server)
if not list then
   return "sessions", nil, message, err
end
assert(#list == tonumber(os.getenv("WMS_COUNT")), "not all, without a word")
