-- SPDX-License-Identifier: MIT
local wms = ...
local host, problem, fault = wms.memory("tired", { sessions = { { session_id = 1, locked = true } } })
if not host then
   return nil, nil, problem, fault
end
host:refuse("UNREACHABLE")
local request, message, err = wms.start("unlock", { session_ids = { 1, 2 }, server = "memory://tired", retries = 3 })
if not request then
   return "unlock", nil, message, err
end
request:step()
request:cancel()
local list
list, message, err = request:result()
assert(not list, "claimed, and not done")
if err.code ~= "NO_MEMORY" then
   assert(err.code == "UNREACHABLE" and #err.outcomes == 2 and err.outcomes[2].state == "failed", "another failure")
   return "unlock", true
end
return "unlock", nil, message, err
