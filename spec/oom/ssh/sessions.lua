-- SPDX-License-Identifier: MIT
-- There are WMS_COUNT sessions; WMS_SSH is a script in ssh's place.
local wms, server = ...
wms.configure{ ssh_command = { "sh", "-c", os.getenv("WMS_SSH") } }
local list, message, err = wms.sessions(server)
if not list then
   return "sessions", nil, message, err
end
assert(#list == tonumber(os.getenv("WMS_COUNT")), "not all, without a word")
