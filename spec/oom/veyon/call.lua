-- SPDX-License-Identifier: MIT
-- A feature, a message and a picture.
local wms, server = ...
local done, message, err = wms.call{ server = server, interface = "Feature", operation = "StartApp",
   arguments = { applications = { "a b", "c" } } }
if not done then
   return "call", nil, message, err
end
done, message, err = wms.message{ session_ids = 0, server = server, message = "<m>\n&", title = "t" }
if not done then
   return "message", nil, message, err
end
done, message, err = wms.thumbnail{ session_ids = 0, server = server }
if not done then
   return "thumbnail", nil, message, err
end
assert(done[1].picture and done[1].width == 320, "no picture, without a word")
