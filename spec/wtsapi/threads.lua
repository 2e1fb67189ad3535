-- SPDX-License-Identifier: MIT
--- For the thread sanitizer: many calls of the Windows session API at once, some of which hang (spec/wtsapi/odd.c).
local wms = require "wms"

local servers = {}
for i = 1, 12 do
   servers[i] = "wts://fine" .. i
end
for _ = 1, 3 do
   assert(#assert(wms.sessions{ servers = servers }) == 6 * #servers)
   assert(#assert(wms.disconnect{ session_ids = { 1, 2, 4 }, servers = servers }) == 3 * #servers)
   assert(wms.message_all{ servers = servers, title = "t", message = "m" })
end
local _, _, err = wms.close{ session_ids = { 1, 2 }, servers = { "wts://hang-act", "wts://fine1" }, timeout = 0.3 }
assert(#err.outcomes == 4)
local request = wms.start("close", { session_ids = { 1, 2, 4 }, servers = { "wts://hang-query", "wts://fine2" } })
request:wait(0.1)
request:close()

-- Watches: waits that are told, ended, and never come back.
for id = 1, 2 do
   local seen = assert(wms.watch{ servers = { "wts://watch-tells", "wts://watch-events", "wts://watch-hangs" } })
   for _ = 1, 3 do
      assert(seen:next(20).kind == "ready")
   end
   assert(wms.close{ session_ids = id, server = "wts://watch-tells" })
   repeat
      local event = assert(seen:next(20))
   until event.kind == "closed"
   seen:close()
end
print "fine"
