-- SPDX-License-Identifier: MIT
-- Binds anew; what it says is kept, is kept.
local wms, server = ...
local options = {
   server = server, user_name = os.getenv("WMS_USER"), fingerprint = os.getenv("WMS_FINGERPRINT"), management = true,
   password = function() return os.getenv("WMS_PASSWORD") end,
}
local made, message, err = wms.bind(options)
if not made then
   return "bind", nil, message, err
end
assert(made.port == tonumber(os.getenv("WMS_PORT")) and made.management == true, "half a result, without a word")
local list
list, message, err = wms.bindings()
if not list then
   return "bindings", nil, message, err
end
assert(#list == 1 and list[1].fingerprint == os.getenv("WMS_FINGERPRINT"), "not kept, without a word")
options.fingerprint = ("00"):rep(32)
made, message, err = wms.bind(options)
assert(not made)
if err.code ~= "UNTRUSTED" then
   return "bind", nil, message, err
end
assert(err.fingerprint == os.getenv("WMS_FINGERPRINT"), "a refusal that names no fingerprint")
