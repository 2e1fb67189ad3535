-- SPDX-License-Identifier: MIT
--- The host as a whole: [MS-RSMC] 3.6.4.
local updates = require "wms.multipoint.updates"
local words = require "wms.multipoint.words"

-- The settings that Set-WmsSystem has: option, property, the operations that ask and set, and what they call the value.
local SETTINGS = {
   { "admin_orchestration", "is_admin_orchestration_enabled", "IsAdminOrchestrationMode", "pfAdminOrchestrationMode",
      "SetAdminOrchestrationMode", "administrators' and Dashboard users' sessions can be controlled, too" },
   { "boot_to_console_mode", "boot_to_console_mode", "IsBootToConsoleMode", "pfBootToConsoleMode", "SetBootToConsoleMode",
      "the host starts without stations" },
   { "desktop_monitoring", "is_desktop_monitoring_allowed", "IsDesktopMonitoringAllowed", "pfDesktopMonitoringAllowed",
      "SetDesktopMonitoring", "sessions' desktops can be looked at" },
   { "im", "is_chat_enabled", "IsChatEnabled", "pfEnabled", "EnableChat", "users can write to the teacher" },
   { "ip_per_session", "is_ip_per_session_enabled", "IsVirtualIpPerSessionEnabled", "pfEnabled",
      "EnableVirtualIpPerSession", "each new session gets an IP address of its own" },
   { "single_session_per_user", "is_single_session_per_user", "IsSingleSessionPerUser", "pfSingleSessionPerUser",
      "SetSingleSessionPerUser", "an account can be logged on at one station only" },
   { "suppress_privacy_notification", "suppress_privacy_notification", "IsSuppressPrivacyNotificationSet",
      "pfSuppressPrivacyNotificationSet", "SetSuppressPrivacyNotification",
      "users are not told at their first log-on that they may be watched" },
   { "use_hardware_gpu", "use_hardware_gpu", "GetUseHardwareGpu", "pfUseHardwareGpu", "SetUseHardwareGpu",
      "stations may use the graphics hardware" },
}

-- The two versions of Windows 10 whose hosts have IsCeipEnabled and IsWerEnabled.
local OLD = { ["10.0.10240"] = true, ["10.0.10586"] = true }

local SYSTEM_ALERTS, STATION_ALERTS = words.system_alert.list, words.station_alert.list
local CLEARED = 0

--- The questions of `system`; the answers come in this order.
local function questions()
   local list = {
      { "CertificateRequest.GetProtocolVersion", perhaps = true }, { "Server.GetServerVersion" },
      { "Server.GetClientVersion" }, { "Server.GetNetJoinStatus" }, { "Server.GetSystemMode" },
      { "Server.GetLicenseCount" }, { "Server.LoadWindowsEdition" }, { "Server.IsHypervisorPresent" },
      { "Server.GetManagedSystemsType" }, { "DiskProtection.IsInstalled" }, { "DiskProtection.GetMode" },
      { "DiskProtection.GetScheduledUpdateSettings", perhaps = true },
   }
   for _, setting in ipairs(SETTINGS) do
      list[#list + 1] = { "Server." .. setting[3] }
   end
   return list
end

local function operations_of(list)
   local operations = {}
   for i, question in ipairs(list) do
      operations[i] = question[1]
   end
   return operations
end

--- What the customer experience programme and error reporting are set to, where the host is one that has them.
local function add_old(host, system)
   local version = system.wms_server_version or system.wms_client_version or ""
   if OLD[version:match("^%d+%.%d+%.%d+")] then
      local ceip, wer = host:try("Server.IsCeipEnabled"), host:try("Server.IsWerEnabled")
      system.is_sqm_on, system.is_watson_on = ceip and ceip.pfEnabled, wer and wer.pfEnabled
   end
end

local function add_updates(system, answer)
   local update = updates.of(answer)
   system.is_scheduled_update_enabled = update.is_schedule_update_enabled
   system.schedule_update_run_wu = update.automatic_update_mode and update.automatic_update_mode == "WindowsOnly"
   system.schedule_update_custom_script = update.custom_script
   system.max_time_allowed_for_custom_script = update.max_time_allowed_for_custom_script
   system.scheduled_updates_return_state = update.return_state
   system.time_to_schedule_updates = update.hour_to_schedule_updates
end

local function system_of(host)
   local asked = questions()
   local answers = host:gather(asked)
   local joined, installed = answers[4], answers[10].pfIsInstalled
   local system = {
      computer_name = host:computer_name(), protocol_version = answers[1].pProtocolVersion,
      wms_server_version = answers[2].pwsVersion, wms_client_version = answers[3].pwsVersion,
      net_join_status = words.net_join.word(joined.peNetJoinStatus), domain_or_workgroup_name = joined.pwsDomainName,
      system_mode = words.system_mode.word(answers[5].peType), license_count = answers[6].pcLicenses,
      windows_edition = answers[7].pwsWindowsEdition, is_virtual_machine = answers[8].pfHypervisorPresent,
      managed_systems_type = words.managed.word(answers[9].pEWmsRemoteManagementHostType),
      disk_protection_mode = installed == false and "NotInstalled" or installed and words.disk_mode.word(answers[11].pdpm)
         or nil,
   }
   add_updates(system, answers[12])
   for i, setting in ipairs(SETTINGS) do
      system[setting[2]] = answers[#answers - #SETTINGS + i][setting[4]]
   end
   add_old(host, system)
   return system
end

--- An alert that the host has not cleared.  It does not tell since when it is there.
local function alert_of(host, answer, word, station)
   if not answer.peStatus and not answer.peSeverity or answer.peStatus == CLEARED then
      return nil
   end
   return {
      alert_type = word, alert_severity = words.severity.word(answer.peSeverity),
      alert_status = words.alert_status.word(answer.peStatus), computer_name = host:computer_name(), station_id = station,
   }
end

local function add_alerts(host, alerts, operation, list, station)
   local asked = {}
   for i in ipairs(list) do
      asked[i] = { operation, { eType = i - 1, idStation = station } }
   end
   for i, answer in ipairs(host:gather(asked)) do
      alerts[#alerts + 1] = alert_of(host, answer, list[i], station)
   end
end

local function alerts_of(host)
   local alerts = {}
   add_alerts(host, alerts, "Server.GetSystemAlertStatus", SYSTEM_ALERTS)
   local stations = host:stations(true)
   local found, failures = host:each(stations, function(one, station)
      local of_station = {}
      add_alerts(one, of_station, "Station.GetStationAlertStatus", STATION_ALERTS, station)
      return of_station
   end)
   host:pass_on(failures)
   for i = 1, #stations do
      for _, alert in ipairs(found[i] or {}) do
         alerts[#alerts + 1] = alert
      end
   end
   return alerts
end

local function settings_fields()
   local fields, operations = {}, {}
   for i, setting in ipairs(SETTINGS) do
      fields[i] = { name = setting[1], kind = "boolean", switch = true, about = setting[6] }
      operations[i] = "Server." .. setting[5]
   end
   return fields, operations
end

local FIELDS, SETTERS = settings_fields()

local function system_properties()
   local list = { "computer_name", "wms_server_version", "wms_client_version", "protocol_version", "managed_systems_type",
      "system_mode", "windows_edition", "license_count", "is_virtual_machine", "net_join_status",
      "domain_or_workgroup_name", "disk_protection_mode", "is_scheduled_update_enabled", "schedule_update_run_wu",
      "schedule_update_custom_script", "max_time_allowed_for_custom_script", "scheduled_updates_return_state",
      "time_to_schedule_updates" }
   for _, setting in ipairs(SETTINGS) do
      list[#list + 1] = setting[2]
   end
   list[#list + 1], list[#list + 2] = "is_sqm_on", "is_watson_on"
   return list
end

local system_operations = operations_of(questions())
system_operations[#system_operations + 1] = "Server.IsCeipEnabled"
system_operations[#system_operations + 1] = "Server.IsWerEnabled"

return {
   {
      name = "system", about = "what the host is, and how it is set up", question = true, gives = "system",
      properties = system_properties(),
      password = "ordinary", operations = system_operations, run = system_of,
   },
   {
      name = "version", about = "the versions of the host", question = true, gives = "version", password = "ordinary",
      properties = { "server_version", "client_version", "protocol_version" },
      operations = { "Server.GetServerVersion", "Server.GetClientVersion", "CertificateRequest.GetProtocolVersion" },
      run = function(host)
         local answers = host:gather{
            { "Server.GetServerVersion" }, { "Server.GetClientVersion" },
            { "CertificateRequest.GetProtocolVersion", perhaps = true },
         }
         return {
            server_version = answers[1].pwsVersion, client_version = answers[2].pwsVersion,
            protocol_version = answers[3].pProtocolVersion,
         }
      end,
   },
   {
      name = "set_system", about = "changes the host's settings", again = true, password = "management", takes = FIELDS,
      operations = SETTERS,
      check = function(given, refuse)
         if next(given) == nil then
            refuse("admin_orchestration, im and so on: missing; give what is to be set")
         end
      end,
      run = function(host, given)
         for _, setting in ipairs(SETTINGS) do
            local value = given[setting[1]]
            if value ~= nil then
               host:ask("Server." .. setting[5], {
                  [setting[1] == "use_hardware_gpu" and "fUseHardwareGpu" or "fEnable"] = value,
               })
            end
         end
      end,
   },
   {
      name = "alerts", about = "what is wrong with the host, or with stations", question = true, list = "alerts",
      properties = { "alert_type", "alert_severity", "alert_status", "station_id", "computer_name" },
      password = "management",
      operations = { "Server.GetSystemAlertStatus", "Station.GetNextStationIdentifier", "Station.GetStationInformation",
         "Station.GetStationAlertStatus" },
      run = alerts_of,
   },
   {
      name = "peers", about = "which other hosts the host knows", question = true, gives = "peers", password = "management",
      properties = { "multi_point_servers", "multi_point_server_addresses", "personal_computers",
         "personal_computer_addresses" },
      operations = { "Server.GetPeerWmsServerList", "Server.GetPeerWmsConnectorList" },
      run = function(host)
         local answers = host:gather{ { "Server.GetPeerWmsServerList" }, { "Server.GetPeerWmsConnectorList" } }
         return {
            multi_point_servers = answers[1].prgwsServerList, multi_point_server_addresses = answers[1].prgwsIpAddressList,
            personal_computers = answers[2].prgwsConnectorList,
            personal_computer_addresses = answers[2].prgwsIpAddressList,
         }
      end,
   },
}
