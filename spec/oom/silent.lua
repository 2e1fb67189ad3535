-- SPDX-License-Identifier: MIT
local wms, server = ...
local host, problem, fault = wms.memory("silent", { sessions = { { session_id = 1, locked = true } } })
if not host then
   return nil, nil, problem, fault
end
host:fail("unlock", "TIMEOUT")
host:fail("lock", "UNREACHABLE")
host:fail("sessions", "UNREACHABLE")
local function failed(list, _, err)
   assert(not list, "it went well")
   assert(err.code == "TIMEOUT" or err.code == "UNREACHABLE" or err.code == "NO_MEMORY", err.code)
end
failed(wms.unlock{ session_ids = 1, server = "memory://silent", timeout = 0.002, verify = 1 })
failed(wms.lock{ session_ids = 1, server = "memory://silent", message = "m", verify = 1 })
failed(wms.unlock_all{ servers = { "memory://silent" } })
return "unlock", wms.unlock_all(server)
