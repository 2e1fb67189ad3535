-- SPDX-License-Identifier: MIT
-- Binds anew; what it says is kept, is kept.
local wms, server = ...
local key, gateway = os.getenv("WMS_KEY"), os.getenv("WMS_GATEWAY")
local made, message, err = wms.bind{ server = server, key_name = "lab", key_file = key, gateway = gateway,
   fingerprint = os.getenv("WMS_FINGERPRINT") }
if not made then
   return "bind", nil, message, err
end
assert(made.key_file == key and made.gateway == gateway, "half a result, without a word")
local list
list, message, err = wms.bindings()
if not list then
   return "bindings", nil, message, err
end
assert(#list == 1 and list[1].key_name == "lab", "not kept, without a word")
