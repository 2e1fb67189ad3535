-- SPDX-License-Identifier: MIT
local wms = ...
local slow, problem, fault = wms.memory("slow", { sessions = { { session_id = 7, locked = true } }, latency = 10 })
if not slow then
   return nil, nil, problem, fault
end
local request = wms.start("unlock_all", { server = "memory://slow" })
if request then
   request:step()
   request:cancel()
   assert(request:done(), "cancelled, and not done")
   local list, _, err = request:result()
   assert(list == nil and (err.code == "CANCELLED" or err.code == "NO_MEMORY"), "it went well, or badly")
end
assert(slow:session(7).locked, "nobody has unlocked it")
local dropped = wms.start("sessions", { server = "memory://slow" })
if dropped then
   dropped:close()
end
