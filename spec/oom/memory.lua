-- SPDX-License-Identifier: MIT
local wms = ...
local function fine(ok, _, err)
   if not ok then
      assert(err.code == "NO_MEMORY", err.code)
   end
   return ok
end
local host, _, err = wms.memory("made", {
   sessions = { { session_id = 1, user_name = "alice", locked = true }, { session_id = "c2", is_admin = true } },
   relock_after = 10, admin_orchestration = true,
})
if not host then
   assert(err.code == "NO_MEMORY", err.code)
   return
end
for id = 10, 30 do
   if fine(host:open{ session_id = id, seat = "seat0" }) then
      assert(host:session(id).seat == "seat0")
   end
end
if fine(host:lock("c2", "words")) then
   assert(host:session("c2").locked and host:session("c2").message == "words")
end
assert(host:unlock("c2") and not host:session("c2").locked)
if wms.unlock{ session_ids = 1, server = "memory://made" } then
   assert(not host:session(1).locked, "claimed, and not done")
end
assert(host:fail("close", "ACCESS_DENIED"))
assert(not wms.close{ session_ids = 1, server = "memory://made" })
assert(host:session(1))
for _, entry in ipairs(host:log()) do
   assert(entry.verb == "unlock" and entry.session_id == 1 or entry.verb == "close" and entry.code)
end
assert(host:drop(1))
host:refuse("UNREACHABLE")
assert(not wms.sessions("memory://made"))
host:close()
