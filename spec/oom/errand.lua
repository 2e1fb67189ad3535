-- SPDX-License-Identifier: MIT
-- On a host that carries out commands by itself.
local wms, server = ...
local list, message, err = wms.unlock_all{ server = server, retries = 1 }
if not list then
   for _, outcome in ipairs(err.outcomes or {}) do
      assert(not outcome.error or outcome.error.code == "NO_MEMORY", outcome.error and outcome.error.code)
   end
   return "unlock", list, message, err
end
assert(#list == 60, "not all, without a word")
list, message, err = wms.unlock{ session_ids = { 1, 2, "c3" }, server = server, deadline = 1000 }
if list then
   assert(#list == 3 and list[1].state == "verified")
end
return "unlock", list, message, err
