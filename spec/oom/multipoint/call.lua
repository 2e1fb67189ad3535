-- SPDX-License-Identifier: MIT
-- Arguments and results of several kinds.
local wms, server = ...
local function call(interface, operation, arguments)
   return wms.call{ server = server, interface = interface, operation = operation, arguments = arguments }
end

local flags, message, err = call("IMultiPointSession", "GetSessionFlags", { idSession = 4 })
if not flags then
   return "call", nil, message, err
end
assert(flags.pgrfSession == 36, "a wrong result, without a word")
local sessions
sessions, message, err = call("IMultiPointServer", "GetAllSessions")
if not sessions then
   return "call", nil, message, err
end
local most = 0
for _, value in pairs(sessions) do
   most = type(value) == "table" and #value > most and #value or most
end
assert(most == tonumber(os.getenv("WMS_COUNT")), "not all, without a word")
local set
set, message, err = call("IMultiPointUserManager", "SetUserInfo", { wsName = "n", wsPassword = "p", peType = 1 })
return "call", set and true, message, err
