-- SPDX-License-Identifier: MIT
-- Binds anew, with events; what it says is kept, is kept, with the key that was there.
local wms, server = ...
local port = tonumber(os.getenv("WMS_EVENTS"))
local made, message, err = wms.bind{
   server = server, user_name = os.getenv("WMS_USER"), fingerprint = os.getenv("WMS_FINGERPRINT"),
   password = os.getenv("WMS_PASSWORD"), events = { host_name = "localhost", port = port, address = "127.0.0.1" },
}
if not made then
   return "bind", nil, message, err
end
local list
list, message, err = wms.bindings()
if not list then
   return "bindings", nil, message, err
end
local events = list[1].events
assert(#list == 1 and list[1].management and events.host_name == "localhost" and events.port == port
   and events.address == "127.0.0.1" and events.expires > os.time(), "not kept, without a word")
