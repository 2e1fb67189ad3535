-- SPDX-License-Identifier: MIT
local wms = ...
local asked = 0
local list, message, err = wms.bind{ servers = "caller://room[1-2]", user_name = "admin", password = function()
   asked = asked + 1
   return "right"
end, fingerprints = { ["caller://room1"] = "AB", ["caller://room2"] = "AB" } }
if list then
   assert(#list == 2 and list[2].value.port == 8080 and asked >= 1, "half a result, without a word")
end
return "bind", list and true, message, err
