-- SPDX-License-Identifier: MIT
local wms = ...
local asked = 0
local function password()
   asked = asked + 1
   return "right"
end
local result, message, err = wms.bind{ server = "caller://host", user_name = "admin" }
assert(not result, "without a fingerprint")
if err.code == "NO_MEMORY" then
   return "bind", nil, message, err
end
assert(err.code == "UNTRUSTED" and err.fingerprint == "AB", "the wrong error")
result, message, err = wms.bind{ server = "caller://host", user_name = "admin", fingerprint = "AB", password = password,
   management = true }
if not result then
   return "bind", nil, message, err
end
assert(result.port == 8080 and result.server == "caller://host" and asked == 1, "half a result, without a word")
local request
request, message, err = wms.start("bind", { server = "caller://bind-late", user_name = "admin", fingerprint = "AB",
   password = "right" })
if not request then
   return "bind", nil, message, err
end
request:wait()
result, message, err = request:result()
return "bind", result and true, message, err
