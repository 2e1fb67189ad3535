-- SPDX-License-Identifier: MIT
--- Names on screens: [MS-RSMC] 3.7.4 and 3.8.4.  The client brings the texts: above, the station's name and host; below,
--- the host of the session.
local SHOW = 1

local function name_of(host, station)
   local answer = host:try("Station.GetStationFriendlyName", { idStation = station })
   return answer and answer.pwsFriendlyName
end

local function show_station(host, id)
   local shown = host:try("Station.GetStationInformation", { idStation = id }) or {}
   host:ask("Station.IdentifyStation", {
      idStation = id, wsStationName = name_of(host, id) or ("%.0f"):format(id), wsStationHost = host:computer_name(),
      wsSessionHost = shown.pwsSessionHost or host:computer_name(), eAction = SHOW,
   })
end

--- `session`: as it was listed; nil: the host is asked, after a question that takes the management password, so that
--- without it nothing is sent.
local function show_session(host, id, session)
   if not session then
      host:try("Session.GetSessionAgentStatus", { idSession = id })
      session = host:session(id)
   end
   local station = session.station_id
   local name = station and name_of(host, station) or session.client_name or session.user_name
   host:ask("Session.IdentifySession", {
      idSession = id, wsStationName = name or ("%.0f"):format(id),
      wsStationHost = station and host:computer_name() or session.client_name or "",
      wsSessionHost = host:computer_name(), eAction = SHOW,
   })
end

--- All stations, and the sessions that are at none of them.
local function targets(host, plan)
   local list = {}
   for i, id in ipairs(host:stations(true)) do
      list[i] = { id = id, key = "station_id" }
   end
   for _, session in ipairs(host:sessions(plan.where, plan.except)) do
      if not session.station_id then
         list[#list + 1] = { id = session.session_id, from = session, key = "session_id" }
      end
   end
   return list
end

return {
   {
      name = "identify", about = "shows on screens which station and session they are", on = "either", all = true,
      again = true, password = "management", targets = targets,
      operations = { "Session.IdentifySession", "Station.IdentifyStation", "Station.GetStationFriendlyName",
         "Station.GetStationInformation", "Session.GetSessionAgentStatus" },
      run = function(host, _, id, from, key)
         if key == "station_id" then
            show_station(host, id)
         else
            show_session(host, id, from)
         end
      end,
   },
   {
      name = "unidentify", about = "takes that off the screens", on = "either", all = true, again = true,
      password = "management", targets = targets,
      operations = { "Session.StopIdentifyingSession", "Station.StopIdentifyingStation" },
      run = function(host, _, id, _, key)
         if key == "station_id" then
            host:ask("Station.StopIdentifyingStation", { idStation = id })
         else
            host:ask("Session.StopIdentifyingSession", { idSession = id })
         end
      end,
   },
}
