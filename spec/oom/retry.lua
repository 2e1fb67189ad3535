-- SPDX-License-Identifier: MIT
local wms, server = ...
local list, message, err = wms.sessions(server)
if not list then
   return "sessions", list, message, err
end
list[#list + 1] = { server = server, state = "failed", error = { code = "UNREACHABLE" } }
local found
found, message, err = wms.sessions(list)
if not found then
   return "sessions", found, message, err
end
list[#list] = nil
assert(#found == #list, "not all, without a word")
return "unlock", wms.unlock{ session_ids = { list[1], list[2] }, deadline = 60, verify = 1 }
