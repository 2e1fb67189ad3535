-- SPDX-License-Identifier: MIT
local wms, server = ...
local plan, message, err = wms.power_off{ server = server, what_if = true }
if plan then
   assert(plan[1].state == "planned")
   plan, message, err = wms.reboot{ servers = { server, server } }
end
return "reboot", plan and true, message, err
