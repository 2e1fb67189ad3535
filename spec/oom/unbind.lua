-- SPDX-License-Identifier: MIT
local wms = ...
local kept, removed = {}, nil
for _ = 1, 2 do
   local ok, message, err = wms.bind{ server = "caller://host", user_name = "a", fingerprint = "AB", password = "right" }
   if not ok then
      return "bind", nil, message, err
   end
   ok, message, err = wms.unbind("caller://HOST:80")
   if not ok then
      return "unbind", nil, message, err
   end
   ok, message, err = wms.call{ server = "caller://host", interface = "I", operation = "load" }
   assert(not ok, "still there")
   if err.code == "NO_MEMORY" then
      return "call", nil, message, err
   end
   assert(err.code == "NOT_BOUND", err.code)
   wms.configure{ connections = 8, proxy = "http://proxy", store = {
      load = function(server) return kept[server] end,
      save = function(server, text) kept[server] = text end,
      remove = function(server)
         kept[server] = nil
         removed = server
      end,
      list = function() return {} end,
   } }
end
assert(removed == "caller://host", "the store does not know")
