-- SPDX-License-Identifier: MIT
-- Known and unknown sessions, twice: on a new connection and on a kept one, which knows the first already.
local wms, server = ...
for i = 1, 2 do
   local list, message, err = wms.unlock{ session_ids = os.getenv("WMS_SESSION"), server = server }
   if not list then
      return "unlock", nil, message, err
   end
   assert(#list == 1 and list[1].state == "requested")
   list, message, err = wms.unlock{ session_ids = { "nobody" .. i, i + 4294967000 }, server = server, timeout = 20 }
   assert(not list, "unlocked nobody's")
   if err.code ~= "NOT_FOUND" or err.outcomes[2] and err.outcomes[2].error.code ~= "NOT_FOUND" then
      assert(err.code == "NO_MEMORY" or err.outcomes[2].error.code == "NO_MEMORY", message)
      return
   end
end
local all, text, fault = wms.unlock_all(server)
return "unlock", all, text, fault
