-- SPDX-License-Identifier: MIT
local wms, server = ...
local request, message, err = wms.start("unlock", { session_ids = { 1, 2 }, server = server, verify = 1 })
if not request then
   return "unlock", nil, message, err
end
local fd, why, fault = request:pollfd()
if not fd then
   return "unlock", nil, why, fault
end
while not request:done() do
   request:step()
   request:wait(0.001)
end
return "unlock", request:result()
