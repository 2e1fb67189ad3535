-- SPDX-License-Identifier: MIT
local wms = ...
local hosts = {}
for i = 1, 3 do
   local problem, fault
   hosts[i], problem, fault = wms.memory("set" .. i, { sessions = { { session_id = i, locked = true } } })
   if not hosts[i] then
      return nil, nil, problem, fault
   end
end
wms.configure{ groups = { all = { "memory://set[1-3]" }, some = { "@all", "!memory://set2" } } }
local names = wms.servers{ "@all", "!memory://set1" }
assert(#names == 2 and names[1] == "memory://set2" and names[2] == "memory://set3", "other servers, without a word")
local list, message, err = wms.unlock_all{ server = "@some" }
if list then
   assert(#list == 2 and not hosts[1]:session(1).locked and hosts[2]:session(2).locked, "claimed, and not done")
end
return nil, list and true, message, err
