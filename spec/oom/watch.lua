-- SPDX-License-Identifier: MIT
-- What has been told leads to what is so, or it was told that something is missing.
local wms = ...
local host, _, err = wms.memory("watched", { sessions = { { session_id = 1 }, { session_id = 2, locked = true } } })
if not host then
   assert(err.code == "NO_MEMORY", err.code)
   return
end

local watch, _, failure = wms.watch{ server = { "memory://watched", "memory://nobody" }, initial = true, queue = 50 }
if not watch then
   assert(failure.code == "NO_MEMORY", failure.code)
   return
end

local told, lost, missing = {}, {}, false -- locked by id, or nil; by server; something is missing
local function read()
   for event in function() return watch:next(0) end do
      local session = event.session
      if event.kind == "overflow" then
         told, lost, missing = {}, {}, true
         for _, one in ipairs(event.sessions) do
            told[one.session_id] = one.locked
         end
      elseif event.kind == "lost" then
         lost[event.server] = event.error.code
      elseif event.kind == "closed" then
         told[session.session_id] = nil
      elseif session then
         told[session.session_id] = session.locked
      else
         lost[event.server] = nil
      end
   end
end

local function is_known()
   for _, id in ipairs{ 1, 3, 4 } do
      if told[id] ~= host:session(id).locked then
         return false
      end
   end
   return told[2] == nil
end

read()
host:lock(1)
local opened = host:open{ session_id = 3, user_name = "carol" }
host:unlock(2)
read()
host:lock(3)
host:drop(2)
local again = host:open{ session_id = 4 }
read()
if opened and again and not is_known() then
   assert(missing or lost["memory://watched"] == "NO_MEMORY", "not told, without a word")
end
if not missing then
   assert(lost["memory://nobody"], "not told as lost")
end
assert(#watch:servers() == 2)
watch:close()
