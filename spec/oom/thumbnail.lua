-- SPDX-License-Identifier: MIT
-- A room, first with all pictures at once, then handed over one after the other.
local wms, server = ...
local list, message, err = wms.thumbnail{ session_ids = { 1, 2 }, server = server, size = "small" }
if not list then
   return "thumbnail", nil, message, err
end
for _, outcome in ipairs(list) do
   assert(outcome.picture and outcome.width == 96 and outcome.height == 60, "half a result, without a word")
end
local seen = 0
list, message, err = wms.thumbnail_all{ server = server, on_outcome = function(outcome)
   assert(outcome.error or #outcome.picture > 500, "half a picture, without a word")
   seen = seen + 1
end }
assert(not list or seen == #list, "not all, without a word")
return "thumbnail", list, message, err
