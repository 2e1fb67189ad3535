-- SPDX-License-Identifier: MIT
local wms, server = ...
wms.configure{ ssh_command = {
   "sh", "-c", "echo 'ssh: connect to host lab port 22: Connection refused' >&2; exit 255",
} }
local list, message, err = wms.sessions(server)
assert(not list, "refused, and it went well")
if err.code ~= "UNREACHABLE" then -- ssh's words may have found no room
   return "sessions", nil, message, err
end
