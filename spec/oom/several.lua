-- SPDX-License-Identifier: MIT
local wms, server = ...
local entries, servers = {}, { server }
for id = 1, 20 do
   entries[id] = { session_id = id, user_name = "user" .. id, locked = true, is_admin = id == 20 }
end
local hosts = {}
for i = 1, 3 do
   local problem, fault
   hosts[i], problem, fault = wms.memory("several" .. i, { sessions = entries })
   if not hosts[i] then
      return nil, nil, problem, fault
   end
   servers[i + 1] = "memory://several" .. i
end
local list, message, err = wms.unlock_all{ servers = servers, concurrency = 2, verify = 1 }
local lacking = 0
for i, host in ipairs(hosts) do
   for id = 1, 19 do
      lacking = lacking + (host:session(id).locked and 1 or 0)
   end
   assert(host:session(20).locked, i .. ": an administrator's")
end
if list then
   assert(#list == 2 + 3 * 19 and lacking == 0, "claimed, and not done")
end
return nil, list and true, message, err
