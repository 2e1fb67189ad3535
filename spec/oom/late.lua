-- SPDX-License-Identifier: MIT
local wms = ...
local slow, problem, fault = wms.memory("slow", { sessions = { { session_id = 7, locked = true } }, latency = 0.001 })
if not slow then
   return nil, nil, problem, fault
end
local request, message, err = wms.start("unlock", { session_ids = 7, server = "memory://slow", verify = 1 })
if not request then
   assert(slow:session(7).locked)
   return nil, nil, message, err
end
local fd, why, failed = request:pollfd()
if not fd then
   return nil, nil, why, failed
end
assert(request:wait())
local list, reason, failure = request:result()
if not list then
   return nil, nil, reason, failure
end
assert(list[1].state == "verified" and not slow:session(7).locked, "claimed, and not done")
request:close()
slow:close()
