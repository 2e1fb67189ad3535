-- SPDX-License-Identifier: MIT
local wms, server = ...
local client = wms.new{ server = { server }, timeout = 5, verify = 1 }
local list = client:sessions()
if list then
   assert(#list == 3, "not all, without a word")
end
return "unlock", client:unlock_all()
