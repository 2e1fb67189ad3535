-- SPDX-License-Identifier: MIT
-- Two pictures, which are each session's own.
local wms, server = ...
local list, message, err = wms.thumbnail{ session_ids = { 4, 3 }, server = server, size = "large" }
if not list then
   return "thumbnail", nil, message, err
end
for i, id in ipairs{ 4, 3 } do
   local picture = list[i].picture
   assert(picture and picture:find("session " .. id .. " of", 1, true), "another one's, without a word")
end
return "thumbnail", list
