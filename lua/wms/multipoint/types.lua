-- SPDX-License-Identifier: MIT
---@meta wms.multipoint
---
--- The Lua interface of `require "wms.multipoint"`, for editors and for readers.  Nothing loads this file.
---
--- What holds for every function: it takes one table of options, in whose place a string means `{ server = string }`; misuse
--- raises; what goes wrong with a host is returned: `nil, message, err`.  `err.outcomes` tells what became of each station,
--- session or host, and a function that lists has what has come all the same in `err` by its own name.

---@class wms.multipoint
local multipoint = {}

--------------------------------------------------------------------------------------------------------- what is given

--- One id or a list of ids; or an object that has one and its `server`, or a list of such: then `server` beside them is misuse.
---@alias wms.multipoint.Ids integer|string|table|integer[]|string[]|table[]

---@class wms.multipoint.Options
---@field server? wms.Servers MultiPoint hosts: one, or many at once.  Required, but where objects bring their servers.
---@field computer_name? wms.Servers Another name of `server`; both at once are misuse.
---@field servers? wms.Servers Another name of `server`.
---@field timeout? number Seconds for each next answer of a host: above 0, at most 1e9; 30.
---@field deadline? number|false Seconds for the whole call; false: none, whatever the defaults say.
---@field concurrency? integer How many hosts at a time: 1…65535; 32.
---@field on_error? "continue"|"stop" `"stop"`: one at a time, and nothing more after the first failure.
---@field on_outcome? fun(outcome: wms.multipoint.Outcome, done: integer, total?: integer) Is told of each outcome when it is there.

--- Of functions that only ask, and of those that may be sent twice.
---@class wms.multipoint.AgainOptions: wms.multipoint.Options
---@field retries? integer How often what has failed with `UNREACHABLE`, `TIMEOUT` or `BUSY` is tried again: 0…1000; 0.

--- Of functions that change something.
---@class wms.multipoint.ChangeOptions: wms.multipoint.Options
---@field what_if? boolean Send nothing, and say what is meant (`state = "planned"`).

---@class wms.multipoint.SettingOptions: wms.multipoint.ChangeOptions
---@field retries? integer As in `wms.multipoint.AgainOptions`.

---@class wms.multipoint.ActivityOptions: wms.multipoint.AgainOptions
---@field session_ids? wms.multipoint.Ids
---@field session_id? wms.multipoint.Ids Another name of `session_ids`.

---@class wms.multipoint.AppsOptions: wms.multipoint.AgainOptions
---@field session_ids? wms.multipoint.Ids
---@field session_id? wms.multipoint.Ids Another name of `session_ids`.

---@class wms.multipoint.CloseAppOptions: wms.multipoint.ChangeOptions
---@field session_ids? wms.multipoint.Ids Required, by this name or the next.
---@field session_id? wms.multipoint.Ids Another name of `session_ids`.
---@field process_id integer Its process.
---@field window_id integer|string Its window.
---@field create_time integer|string When it began; guards against a process id that another has by now.
---@field name? string Of a program as `apps` returns it; not looked at.

---@class wms.multipoint.OpenOptions: wms.multipoint.ChangeOptions
---@field session_ids? wms.multipoint.Ids Required, by this name or the next.
---@field session_id? wms.multipoint.Ids Another name of `session_ids`.
---@field file string What is opened, as the session's user.

---@class wms.multipoint.OpenAllOptions: wms.multipoint.ChangeOptions
---@field file string What is opened, as the session's user.
---@field where? wms.Where These sessions alone.
---@field except? wms.Where Not these.

---@class wms.multipoint.SetWebLimitsOptions: wms.multipoint.SettingOptions
---@field allow? string|string[] These sites alone can be visited.
---@field block? string|string[] These sites cannot be visited.

---@class wms.multipoint.LimitWebOptions: wms.multipoint.SettingOptions
---@field session_ids? wms.multipoint.Ids Required, by this name or the next.
---@field session_id? wms.multipoint.Ids Another name of `session_ids`.

---@class wms.multipoint.StationsOptions: wms.multipoint.AgainOptions
---@field station_ids? wms.multipoint.Ids
---@field station_id? wms.multipoint.Ids Another name of `station_ids`.
---@field devices? boolean True: also `device_types` and `device_counts`, which takes 23 questions a station.

---@class wms.multipoint.SetStationOptions: wms.multipoint.SettingOptions
---@field station_ids? wms.multipoint.Ids Required, by this name or the next.
---@field station_id? wms.multipoint.Ids Another name of `station_ids`.
---@field name? string What the station is called.
---@field logon? { user: string, password: string, domain?: string }|false `{ user =, password =, domain = }`: the account that is logged on by itself; false: none.
---@field admin? boolean True: `logon` may be an administrator's account.
---@field host? string|false The machine whose sessions the station shows; false: its own host's.
---@field vm? string The virtual machine whose sessions the station shows.
---@field orientation? "Landscape"|"Portrait"|"LandscapeFlipped"|"PortraitFlipped" How the screen is turned.

---@class wms.multipoint.RefreshOptions: wms.multipoint.ChangeOptions
---@field station_ids? wms.multipoint.Ids Required, by this name or the next.
---@field station_id? wms.multipoint.Ids Another name of `station_ids`.

---@class wms.multipoint.BlockUsbOptions: wms.multipoint.SettingOptions
---@field station_ids? wms.multipoint.Ids Required, by this name or the next.
---@field station_id? wms.multipoint.Ids Another name of `station_ids`.

---@class wms.multipoint.UsersOptions: wms.multipoint.AgainOptions
---@field name? string That account alone; `NOT_FOUND` when there is none.

---@class wms.multipoint.AddUserOptions: wms.multipoint.ChangeOptions
---@field name string The account's name.
---@field password? string The account's password.
---@field user_type "Administrator"|"Standard"|"DashboardUser" What the user may do.
---@field full_name? string The user's name for people.
---@field description? string What the account is for.

---@class wms.multipoint.SetUserOptions: wms.multipoint.SettingOptions
---@field name string The account's name.
---@field password? string The account's new password.
---@field user_type? "Administrator"|"Standard"|"DashboardUser" What the user may do.
---@field full_name? string The user's name for people.
---@field description? string What the account is for.

---@class wms.multipoint.RemoveUserOptions: wms.multipoint.ChangeOptions
---@field name string The account's name.

---@class wms.multipoint.SetSystemOptions: wms.multipoint.SettingOptions
---@field admin_orchestration? boolean Administrators' and Dashboard users' sessions can be controlled, too.
---@field boot_to_console_mode? boolean The host starts without stations.
---@field desktop_monitoring? boolean Sessions' desktops can be looked at.
---@field im? boolean Users can write to the teacher.
---@field ip_per_session? boolean Each new session gets an IP address of its own.
---@field single_session_per_user? boolean An account can be logged on at one station only.
---@field suppress_privacy_notification? boolean Users are not told at their first log-on that they may be watched.
---@field use_hardware_gpu? boolean Stations may use the graphics hardware.

---@class wms.multipoint.ScheduleUpdateOptions: wms.multipoint.SettingOptions
---@field mode? "None"|"WindowsOnly" Whether Windows Update runs.
---@field hour? integer When it begins.
---@field script? string The path of a script that runs then; "": none.
---@field minutes? integer How long the script may run.
---@field after? "Shutdown"|"PreviousState" How the host is left afterwards.

---@class wms.multipoint.ShareOptions: wms.multipoint.ChangeOptions
---@field session_ids? wms.multipoint.Ids Required, by this name or the next.
---@field session_id? wms.multipoint.Ids Another name of `session_ids`.
---@field control? boolean True: who looks at it may control it, too.
---@field viewers? integer How many may look; 1 with `control`, else 100.
---@field teacher? string The name of who looks, which the user may be told.

---@class wms.multipoint.ViewOptions: wms.multipoint.ChangeOptions
---@field session_ids? wms.multipoint.Ids Required, by this name or the next.
---@field session_id? wms.multipoint.Ids Another name of `session_ids`.
---@field invitation string|false As `share` returns it; of `view_all` also false: no longer.
---@field title? string What stands above it.
---@field control? boolean True: the session's user may control it, if it was shared so.

---@class wms.multipoint.ViewAllOptions: wms.multipoint.ChangeOptions
---@field invitation string|false As `share` returns it; of `view_all` also false: no longer.
---@field title? string What stands above it.
---@field control? boolean True: the session's user may control it, if it was shared so.

---@class wms.multipoint.IdentifyOptions: wms.multipoint.SettingOptions
---@field session_ids? wms.multipoint.Ids These, or the other ones.
---@field session_id? wms.multipoint.Ids Another name of `session_ids`.
---@field station_ids? wms.multipoint.Ids These, or the other ones.
---@field station_id? wms.multipoint.Ids Another name of `station_ids`.

--------------------------------------------------------------------------------------------------------- what comes back

---@class wms.multipoint.Outcome: wms.Outcome
---@field station_id? integer The station that it is about; neither this nor `session_id`: the host as a whole.
---@field value? table What a function that returns an object has returned from this host.

--- A station.  What the host does not tell is nil.
---@class wms.multipoint.Station
---@field station_id integer
---@field server string As it was given.
---@field computer_name string The host's name, without scheme and port.
---@field name? string
---@field state? string `"NotPresent"`, `"Idle"`, `"Connecting"`, `"Active"`, `"Blocked"`, `"Invalid"`
---@field session_id? integer The session that it shows: an id on `session_host_server`.
---@field session_host_server? string
---@field is_split? boolean
---@field collab_id? integer Which half of a split screen it is: 0 the first.
---@field primary_station_id? integer
---@field is_auto_log_on? boolean
---@field auto_log_on_user_name? string
---@field auto_log_on_domain_name? string
---@field remote_connection_server_name? string
---@field virtual_machine_name? string
---@field virtual_machine_id? string
---@field display_orientation? string `"Landscape"`, `"Portrait"`, `"LandscapeFlipped"`, `"PortraitFlipped"`
---@field is_usb_blocked? boolean
---@field is_identified? boolean
---@field device_types? string[] With `devices = true`.
---@field device_counts? integer[] How many of each.

---@class wms.multipoint.App
---@field name string
---@field process_id integer
---@field window_id integer|string
---@field create_time integer|string Units of 100 ns since 1601.
---@field session_id integer
---@field server string

---@class wms.multipoint.WebLimits
---@field server string
---@field sites string[] Those of the list that is in use.
---@field is_allow_list boolean
---@field is_in_limiting? boolean
---@field allow_list string[]
---@field block_list string[]
---@field session_id? integer Of one session.

---@class wms.multipoint.Activity
---@field session_id integer
---@field server string
---@field inactive_ticks? integer
---@field current_activity? string

---@class wms.multipoint.Screen
---@field session_id integer
---@field server string
---@field broadcast_state string `"Quiescent"`, `"Projecting"`, `"Controlled"`, `"Viewing"`
---@field is_locked boolean
---@field is_disconnected boolean
---@field is_private boolean

---@class wms.multipoint.Desktop
---@field session_id integer
---@field server string
---@field invitation? string
---@field is_remote_control boolean

---@class wms.multipoint.User
---@field name string
---@field full_name string
---@field description string
---@field user_type "Administrator"|"Standard"|"DashboardUser"
---@field computer_name string
---@field server string

---@class wms.multipoint.System
---@field server string
---@field computer_name string
---@field protocol_version? integer
---@field wms_server_version? string
---@field wms_client_version? string
---@field net_join_status? string
---@field domain_or_workgroup_name? string
---@field system_mode? string
---@field license_count? integer
---@field windows_edition? string
---@field is_virtual_machine? boolean
---@field managed_systems_type? string
---@field disk_protection_mode? string
---@field is_scheduled_update_enabled? boolean Nil without the management password, as the next five.
---@field schedule_update_run_wu? boolean
---@field schedule_update_custom_script? string
---@field max_time_allowed_for_custom_script? integer
---@field scheduled_updates_return_state? string
---@field time_to_schedule_updates? integer
---@field is_admin_orchestration_enabled? boolean
---@field boot_to_console_mode? boolean
---@field is_desktop_monitoring_allowed? boolean
---@field is_chat_enabled? boolean
---@field is_ip_per_session_enabled? boolean
---@field is_single_session_per_user? boolean
---@field suppress_privacy_notification? boolean
---@field use_hardware_gpu? boolean
---@field is_sqm_on? boolean Of Windows 10 1507 and 1511 alone, as the next one.
---@field is_watson_on? boolean

---@class wms.multipoint.Version
---@field server string
---@field server_version? string
---@field client_version? string
---@field protocol_version? integer

---@class wms.multipoint.Alert
---@field server string
---@field computer_name string
---@field alert_type string
---@field alert_severity? string
---@field alert_status? string
---@field station_id? integer

---@class wms.multipoint.Peers
---@field server string
---@field multi_point_servers? string[]
---@field multi_point_server_addresses? string[]
---@field personal_computers? string[]
---@field personal_computer_addresses? string[]

---@class wms.multipoint.DiskProtection
---@field server string
---@field mode string

---@class wms.multipoint.ScheduledUpdate
---@field server string
---@field is_schedule_update_enabled boolean
---@field automatic_update_mode? "None"|"WindowsOnly" Nil while it is off.
---@field hour_to_schedule_updates integer
---@field custom_script? string
---@field max_time_allowed_for_custom_script integer Minutes.
---@field return_state string

--- A call under way: it has the methods of `wms.Request`.
---@class wms.multipoint.Request: wms.Request

--------------------------------------------------------------------------------------------------------------- functions

--- Begins a function without blocking: `multipoint.start("stations", "lab01")`.
---@param name string
---@param options wms.multipoint.Options|string
---@return wms.multipoint.Request
function multipoint.start(name, options) end

--- What sessions' users are doing.
---@param options wms.multipoint.ActivityOptions|string
---@return wms.multipoint.Activity[]? result
---@return string? message
---@return wms.Error? err
function multipoint.activity(options) end

--- What sessions' screens show.
---@param options wms.multipoint.ActivityOptions|string
---@return wms.multipoint.Screen[]? result
---@return string? message
---@return wms.Error? err
function multipoint.screens(options) end

--- Which programs with a window run in sessions.
---@param options wms.multipoint.AppsOptions
---@return wms.multipoint.App[]? result
---@return string? message
---@return wms.Error? err
function multipoint.apps(options) end

--- Closes a program; takes one as `apps` returns it.
---@param options wms.multipoint.CloseAppOptions
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.close_app(options) end

--- Opens a program, folder, document or web address in sessions.
---@param options wms.multipoint.OpenOptions
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.open(options) end

--- Opens a program, folder, document or web address in sessions.
---@param options wms.multipoint.OpenAllOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.open_all(options) end

--- How web limiting is configured, and whether it is on.
---@param options wms.multipoint.ActivityOptions|string
---@return wms.multipoint.WebLimits|wms.multipoint.Outcome[]? result
---@return string? message
---@return wms.Error? err
function multipoint.web_limits(options) end

--- Configures web limiting: the sites that are allowed, or those that are blocked.
---@param options wms.multipoint.SetWebLimitsOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.set_web_limits(options) end

--- Switches web limiting on for sessions.
---@param options wms.multipoint.LimitWebOptions
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.limit_web(options) end

--- Switches web limiting on for sessions.
---@param options wms.multipoint.SettingOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.limit_web_all(options) end

--- Switches web limiting off for sessions.
---@param options wms.multipoint.LimitWebOptions
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.unlimit_web(options) end

--- Switches web limiting off for sessions.
---@param options wms.multipoint.SettingOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.unlimit_web_all(options) end

--- The host's stations.
---@param options wms.multipoint.StationsOptions|string
---@return wms.multipoint.Station[]? result
---@return string? message
---@return wms.Error? err
function multipoint.stations(options) end

--- Changes stations.  Needs the management password.
---@param options wms.multipoint.SetStationOptions
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.set_station(options) end

--- Sets stations up anew, once their sessions have ended.  Needs the management password.
---@param options wms.multipoint.RefreshOptions
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.refresh(options) end

--- Sets stations up anew, once their sessions have ended.  Needs the management password.
---@param options wms.multipoint.ChangeOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.refresh_all(options) end

--- Splits stations' screens in two stations each.  Needs the management password.
---@param options wms.multipoint.RefreshOptions
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.split(options) end

--- Splits stations' screens in two stations each.  Needs the management password.
---@param options wms.multipoint.ChangeOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.split_all(options) end

--- Makes one station of the two that a screen was split in.  Needs the management password.
---@param options wms.multipoint.RefreshOptions
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.join(options) end

--- Makes one station of the two that a screen was split in.  Needs the management password.
---@param options wms.multipoint.ChangeOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.join_all(options) end

--- Lets all stations be set up anew; their names and automatic log-ons are lost.
---@param options wms.multipoint.ChangeOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.remap(options) end

--- Takes USB storage at stations away, and hides what is plugged in later.
---@param options wms.multipoint.BlockUsbOptions
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.block_usb(options) end

--- Takes USB storage at stations away, and hides what is plugged in later.
---@param options wms.multipoint.SettingOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.block_usb_all(options) end

--- Gives USB storage at stations back.
---@param options wms.multipoint.BlockUsbOptions
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.unblock_usb(options) end

--- Gives USB storage at stations back.
---@param options wms.multipoint.SettingOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.unblock_usb_all(options) end

--- The host's local accounts.  Needs the management password.
---@param options wms.multipoint.UsersOptions|string
---@return wms.multipoint.User[]? result
---@return string? message
---@return wms.Error? err
function multipoint.users(options) end

--- Makes a local account.  Needs the management password.
---@param options wms.multipoint.AddUserOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.add_user(options) end

--- Changes a local account; what is not given stays.  Needs the management password.
---@param options wms.multipoint.SetUserOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.set_user(options) end

--- Removes a local account.  Needs the management password.
---@param options wms.multipoint.RemoveUserOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.remove_user(options) end

--- What the host is, and how it is set up.
---@param options wms.multipoint.AgainOptions|string
---@return wms.multipoint.System|wms.multipoint.Outcome[]? result
---@return string? message
---@return wms.Error? err
function multipoint.system(options) end

--- The versions of the host.
---@param options wms.multipoint.AgainOptions|string
---@return wms.multipoint.Version|wms.multipoint.Outcome[]? result
---@return string? message
---@return wms.Error? err
function multipoint.version(options) end

--- Changes the host's settings.  Needs the management password.
---@param options wms.multipoint.SetSystemOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.set_system(options) end

--- What is wrong with the host, or with stations.  Needs the management password.
---@param options wms.multipoint.AgainOptions|string
---@return wms.multipoint.Alert[]? result
---@return string? message
---@return wms.Error? err
function multipoint.alerts(options) end

--- Which other hosts the host knows.  Needs the management password.
---@param options wms.multipoint.AgainOptions|string
---@return wms.multipoint.Peers|wms.multipoint.Outcome[]? result
---@return string? message
---@return wms.Error? err
function multipoint.peers(options) end

--- Whether the host's disk is protected.
---@param options wms.multipoint.AgainOptions|string
---@return wms.multipoint.DiskProtection|wms.multipoint.Outcome[]? result
---@return string? message
---@return wms.Error? err
function multipoint.disk_protection(options) end

--- Protects the host's disk: each start discards what was changed; restarts it.  Needs the management password.
---@param options wms.multipoint.ChangeOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.enable_disk_protection(options) end

--- Takes disk protection away; restarts the host, perhaps more than once.  Needs the management password.
---@param options wms.multipoint.ChangeOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.disable_disk_protection(options) end

--- Lets changes stay until disk protection is resumed; restarts the host.  Needs the management password.
---@param options wms.multipoint.ChangeOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.suspend_disk_protection(options) end

--- Discards changes again; restarts the host.  Needs the management password.
---@param options wms.multipoint.ChangeOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.resume_disk_protection(options) end

--- When the host updates itself, and how.  Needs the management password.
---@param options wms.multipoint.AgainOptions|string
---@return wms.multipoint.ScheduledUpdate|wms.multipoint.Outcome[]? result
---@return string? message
---@return wms.Error? err
function multipoint.scheduled_update(options) end

--- Lets the host update itself each day; what is not given stays.  Needs the management password.
---@param options wms.multipoint.ScheduleUpdateOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.schedule_update(options) end

--- Lets the host update itself no more.  Needs the management password.
---@param options wms.multipoint.SettingOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.unschedule_update(options) end

--- Makes a session's desktop one that others can look at, or control.
---@param options wms.multipoint.ShareOptions
---@return wms.multipoint.Desktop|wms.multipoint.Outcome[]? result
---@return string? message
---@return wms.Error? err
function multipoint.share(options) end

--- Shows a shared desktop in sessions.
---@param options wms.multipoint.ViewOptions
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.view(options) end

--- Shows a shared desktop in sessions.
---@param options wms.multipoint.ViewAllOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.view_all(options) end

--- Ends that others look at sessions' desktops.
---@param options wms.multipoint.LimitWebOptions
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.unshare(options) end

--- Shows on screens which station and session they are.  Needs the management password.
---@param options wms.multipoint.IdentifyOptions
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.identify(options) end

--- Shows on screens which station and session they are.  Needs the management password.
---@param options wms.multipoint.SettingOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.identify_all(options) end

--- Takes that off the screens.  Needs the management password.
---@param options wms.multipoint.IdentifyOptions
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.unidentify(options) end

--- Takes that off the screens.  Needs the management password.
---@param options wms.multipoint.SettingOptions|string
---@return wms.multipoint.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function multipoint.unidentify_all(options) end

return multipoint
