-- SPDX-License-Identifier: MIT
-- The same while the sessions are being listed, with a descriptor and callbacks.
local wms = ...
local host, _, err = wms.memory("slow", { sessions = { { session_id = 1 } }, latency = 0.001 })
if not host then
   assert(err.code == "NO_MEMORY", err.code)
   return
end
wms.configure{ allow = function() return true end }
local kinds, missing = {}, false
local watch, _, failure = wms.new{ server = "memory://slow" }:watch{
   where = function(session) return session.session_id == 1 end,
   on_event = function(event)
      kinds[#kinds + 1] = event.kind
      missing = missing or event.kind == "overflow" or event.kind == "lost"
   end,
}
if not watch then
   assert(failure.code == "NO_MEMORY", failure.code)
   return
end
local fd, _, fault = watch:pollfd()
if not fd then
   assert(fault.code == "NO_MEMORY", fault.code)
end
local function await(wanted)
   for _ = 1, 100 do
      if missing or table.concat(kinds, " ") == wanted then
         return true
      end
      local fine, _, why = watch:wait(0.001)
      if fine == nil then
         assert(why.code == "NO_MEMORY", why.code)
         return false
      end
      watch:step()
   end
   error("not told: " .. wanted .. ", but: " .. table.concat(kinds, " "))
end
if await "ready" then
   host:lock(1)
   host:unlock(1)
   host:open{ session_id = 2 }
   await "ready locked unlocked"
end
watch:close()
