-- SPDX-License-Identifier: MIT
local wms, server = ...
wms.configure{ allow = function(action)
   return action.session_id ~= 2, "not that one"
end }
local list, _, err = wms.unlock{ session_ids = { 1, 2, 3, 4 }, server = server }
assert(not list, "refused, and it went well")
local two = err.outcomes[2]
assert(not two or two.state == "failed" or two.state == "skipped", "refused, and done")
