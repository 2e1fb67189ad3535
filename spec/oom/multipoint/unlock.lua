-- SPDX-License-Identifier: MIT
-- Locks a session and unlocks it, first on a new connection and then on a kept one; what is claimed is compared with what
-- WMS_HINT says of the host.
local wms, server = ...

local function is_locked()
   local pipe = assert(io.popen(os.getenv("WMS_HINT")))
   local flags = assert(tonumber(pipe:read("*l")), "the host does not say how it is")
   pipe:close()
   return flags % 16 >= 8
end

local list, message, err = wms.lock{ session_ids = 3, server = server, message = "m" }
if not list then
   return "lock", nil, message, err
end
assert(#list == 1 and list[1].state == "requested")
list, message, err = wms.unlock{ session_ids = 3, server = server }
local outcome = (list or err.outcomes)[1]
local state = outcome and outcome.state or "not begun"
if state ~= "unknown" then
   assert(is_locked() == (state ~= "requested"), "claimed to be " .. state)
end
if not list then
   return "unlock", nil, message, err
end
list, message, err = wms.unlock{ session_ids = { 99, 3, "c2" }, server = server }
assert(not list, "unlocked nobody's")
for i, code in ipairs{ "NOT_FOUND", "", "NOT_FOUND" } do
   outcome = err.outcomes[i]
   if outcome and (outcome.error and outcome.error.code or "") ~= code then
      assert(outcome.error and outcome.error.code == "NO_MEMORY", message)
   end
end
