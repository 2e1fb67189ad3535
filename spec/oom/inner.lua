-- SPDX-License-Identifier: MIT
-- On a host that gives commands to others, and watches them.
local wms, butler = ...
local host, problem, fault = wms.memory("room", { sessions = { { session_id = 1, locked = true } } })
if not host then
   return nil, nil, problem, fault
end

local function ask(operation)
   return wms.call{ server = butler, interface = "house", operation = operation, arguments = { server = "memory://room" } }
end

for _, operation in ipairs{ "watch", "drop", "keep", "cancel" } do
   local result, message, err = ask(operation)
   if not result then
      return "call", nil, message, err
   end
end
host:lock(1)
local result, message, err = ask("run")
if result and result.outcomes == "0:0 " then
   assert(not host:session(1).locked, "claimed, and not done")
end
return "call", result and true, message, err
