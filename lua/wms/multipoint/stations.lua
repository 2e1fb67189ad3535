-- SPDX-License-Identifier: MIT
--- Stations: [MS-RSMC] 3.8.4.
local Host = require "wms.multipoint.host"
local words = require "wms.multipoint.words"

local NONE = 4294967295
local VALID, INVALID, ADMINISTRATOR = 0, 1, 2 -- an account that is to log on by itself
local SPLIT, UNSPLIT = 0, 1
local SPLIT_STATE = 1

local function unless_empty(text)
   return text ~= "" and text or nil
end

--- Which kinds of devices a station has, and how many of each: two lists, as the cmdlet prints them.
local function add_devices(host, id, station)
   local questions = {}
   for i, word in ipairs(words.device.list) do
      questions[i] = { "Station.GetStationDeviceInformation", { idStation = id, eType = words.device.number(word) } }
   end
   station.device_types, station.device_counts = {}, {}
   for i, answer in ipairs(host:gather(questions)) do
      if answer.pdwDeviceCount then
         local place = #station.device_types + 1
         station.device_types[place], station.device_counts[place] = words.device.list[i], answer.pdwDeviceCount
      end
   end
end

local function station_of(host, given, id)
   local about = { idStation = id }
   local answers = host:gather{
      { "Station.GetStationInformation", about }, { "Station.GetStationFriendlyName", about },
      { "Station.GetStationAutoLogonInformation", about }, { "Station.GetStationServerName", about },
      { "Station.GetStationSplitScreenInformation", about }, { "Station.GetDisplayRotation", about },
      { "Station.IsUsbStorageDeviceBlocked", about },
   }
   local shown, name, logon, server, split, rotation, usb = answers[1], answers[2], answers[3], answers[4], answers[5],
      answers[6], answers[7]
   local station = {
      station_id = id, name = name.pwsFriendlyName, computer_name = host:computer_name(),
      is_auto_log_on = logon.peConfiguration and logon.peConfiguration ~= 0,
      auto_log_on_user_name = unless_empty(logon.pbstrUserName), auto_log_on_domain_name = unless_empty(logon.pbstrDomain),
      is_split = split.peSplitScreenState and split.peSplitScreenState == SPLIT_STATE,
      collab_id = split.pidxSplitScreen, primary_station_id = split.pidPrimaryStation,
      remote_connection_server_name = unless_empty(server.pwsServerName),
      virtual_machine_name = unless_empty(server.pwsVirtualMachineName),
      virtual_machine_id = unless_empty(shown.pwsVirtualMachineId),
      session_id = shown.pidSession ~= NONE and shown.pidSession or nil, session_host_server = shown.pwsSessionHost,
      state = words.station_state.word(shown.peState),
      is_identified = shown.peIdentifyStationState and shown.peIdentifyStationState ~= 0,
      display_orientation = words.orientation.word(rotation.peDisplayRotation),
      is_usb_blocked = usb.peUsbStorageDeviceBlocked and usb.peUsbStorageDeviceBlocked ~= 0,
   }
   if given.devices then
      add_devices(host, id, station)
   end
   return station
end

local function refuse_account(message)
   Host.throw{ code = "ACCESS_DENIED", message = message, state = "failed" }
end

local function set_logon(host, id, logon, admin)
   if not logon then
      host:ask("Station.SetStationAutoLogon", { idStation = id, eConfiguration = 0 })
      return
   end
   local domain = logon.domain or ""
   local answer = host:try("Server.ValidateAutoLogonAccount", {
      wsDomain = domain, wsUserName = logon.user, wsPassword = logon.password,
   })
   local status = answer and answer.eAccountStatus or VALID
   if status == INVALID then
      refuse_account("the host has no such account, or its password is another one")
   elseif status == ADMINISTRATOR and not admin then
      refuse_account("the account is an administrator's, and anybody could use it then; give admin = true if that is meant")
   end
   host:ask("Station.SetStationAutoLogon", {
      idStation = id, eConfiguration = 1, wsUser = logon.user, wsDomain = logon.domain, wsPassword = logon.password,
   })
end

local LOGON = { user = true, domain = true, password = true }

local function check_settings(given, refuse)
   local some = false
   for name in pairs(given) do
      some = some or name ~= "admin"
   end
   if not some then
      refuse("name, logon, host, vm, orientation: missing; give what is to be set")
   elseif given.host == false and given.vm then
      refuse("vm: there is host = false already; leave one of them out")
   end
   local logon = given.logon
   for name, value in pairs(logon or {}) do
      if not LOGON[name] then
         refuse("logon.%s: no such field; use user, domain, password", tostring(name))
      elseif type(value) ~= "string" then
         refuse("logon.%s: a %s; give a text", name, type(value))
      end
   end
   if logon and not (logon.user and logon.user ~= "" and logon.password) then
      refuse("logon: without user or password; give { user =, password =, domain = }, or false for none")
   end
end

local function divide(name, about, operation)
   return {
      name = name, about = about, on = "station", all = true, password = "management",
      operations = { "Station.SplitStation" },
      run = function(host, _, id)
         host:ask("Station.SplitStation", { idStation = id, eOperation = operation })
      end,
   }
end

return {
   {
      name = "stations", about = "the host's stations", question = true, on = "station", lists = true, list = "stations",
      properties = { "station_id", "name", "state", "session_id", "session_host_server", "is_split", "collab_id",
         "primary_station_id", "is_usb_blocked", "is_identified", "is_auto_log_on", "auto_log_on_user_name",
         "auto_log_on_domain_name", "display_orientation", "remote_connection_server_name", "virtual_machine_name",
         "virtual_machine_id", "computer_name", "device_types", "device_counts" },
      password = "ordinary",
      operations = { "Station.GetNextStationIdentifier", "Station.GetStationInformation", "Station.GetStationFriendlyName",
         "Station.GetStationAutoLogonInformation", "Station.GetStationServerName",
         "Station.GetStationSplitScreenInformation", "Station.GetDisplayRotation", "Station.IsUsbStorageDeviceBlocked",
         "Station.GetStationDeviceInformation" },
      takes = { { name = "devices", kind = "boolean",
         about = "true: also `device_types` and `device_counts`, which takes 23 questions a station" } },
      run = station_of,
   },
   {
      name = "set_station", about = "changes stations", on = "station", again = true, password = "management",
      operations = { "Station.SetStationFriendlyName", "Server.ValidateAutoLogonAccount", "Station.SetStationAutoLogon",
         "Station.SetStationServerName", "Station.SetDisplayRotation" },
      takes = {
         { name = "name", kind = "name", about = "what the station is called" },
         { name = "logon", kind = "table", off = "for none",
            about = "`{ user =, password =, domain = }`: the account that is logged on by itself; false: none" },
         { name = "admin", kind = "boolean", about = "true: `logon` may be an administrator's account" },
         { name = "host", kind = "name", off = "for the host itself",
            about = "the machine whose sessions the station shows; false: its own host's" },
         { name = "vm", kind = "name", about = "the virtual machine whose sessions the station shows" },
         { name = "orientation", kind = "word", words = words.orientation, about = "how the screen is turned" },
      },
      check = check_settings,
      run = function(host, given, id)
         if given.name then
            host:ask("Station.SetStationFriendlyName", { idStation = id, wsFriendlyName = given.name })
         end
         if given.orientation then
            host:ask("Station.SetDisplayRotation", {
               idStation = id, eDisplayRotation = words.orientation.number(given.orientation),
            })
         end
         if given.logon ~= nil then
            set_logon(host, id, given.logon, given.admin)
         end
         if given.host ~= nil or given.vm then
            host:ask("Station.SetStationServerName", {
               idStation = id, wsServerName = given.host or nil, wsVirtualMachineName = given.vm,
            })
         end
      end,
   },
   {
      name = "refresh", about = "sets stations up anew, once their sessions have ended", on = "station", all = true,
      password = "management", operations = { "Station.RefreshStation" },
      run = function(host, _, id)
         host:ask("Station.RefreshStation", { idStation = id })
      end,
   },
   divide("split", "splits stations' screens in two stations each", SPLIT),
   divide("join", "makes one station of the two that a screen was split in", UNSPLIT),
   {
      name = "remap", about = "lets all stations be set up anew; their names and automatic log-ons are lost",
      password = "ordinary", operations = { "Station.RemapStations" },
      run = function(host)
         host:ask("Station.RemapStations")
      end,
   },
}
