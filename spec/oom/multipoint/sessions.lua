-- SPDX-License-Identifier: MIT
-- There are WMS_COUNT sessions, of which three sit at stations.
local wms, server = ...
local list, message, err = wms.sessions{ server = server, activity = true }
if not list then
   return "sessions", nil, message, err
end
assert(#list == tonumber(os.getenv("WMS_COUNT")), "not all, without a word")
for _, session in ipairs(list) do
   assert(session.user_name and session.locked ~= nil and session.is_admin ~= nil, "half of a session, without a word")
   assert((session.station_id ~= nil) == (session.session_id < 7), "no station, without a word")
end
