-- SPDX-License-Identifier: MIT
-- In files, then in a store.
local wms = ...
local kept = {}
local function bind(server)
   return wms.bind{ server = server, user_name = "admin", fingerprint = "AB", password = "right" }
end
for round = 1, 2 do
   for i = 1, 2 do
      local result, message, err = bind("caller://host" .. i)
      if not result then
         return "bind", nil, message, err
      end
   end
   local list, message, err = wms.bindings()
   if not list then
      return "bindings", nil, message, err
   end
   assert(round == 1 or #list == 2, "not all, without a word")
   for _, binding in ipairs(list) do
      assert(binding.server and binding.fingerprint == "AB" and binding.management ~= nil, "half of it")
   end
   wms.configure{ store = {
      load = function(server) return kept[server] end,
      save = function(server, text) kept[server] = text end,
      remove = function(server) kept[server] = nil end,
      list = function() return { "caller://host1", "caller://host2" } end,
   } }
end
assert(kept["caller://host1"] and kept["caller://host2"], "not told")
local result, message, err = wms.call{ server = "caller://host1", interface = "I", operation = "load" }
return "call", result and true, message, err
