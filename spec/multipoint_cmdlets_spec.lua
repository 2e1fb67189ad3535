-- SPDX-License-Identifier: MIT
--- wms.multipoint: each of the 47 cmdlets has a function that does what it does, or a reason why none can.  What is set is
--- what is told afterwards.
local cli = require "spec.support.cli"
local commands = require "wms.cli.commands"
local docs = require "spec.support.multipoint_docs"
local kit = require "spec.support.kit"
local multipoint = require "spec.support.multipoint"
local soap = require "spec.support.soap"
local wms = kit.wms
local fault, pluck = kit.fault, kit.pluck

-- The module's cmdlets, by its published help.
local CMDLETS = [[
   Add-WmsSystem Clear-WmsStation Close-WmsApp Close-WmsSession Disable-WmsDiskProtection Disable-WmsScheduledUpdate
   Disable-WmsWebLimiting Disconnect-WmsSession Enable-WmsDiskProtection Enable-WmsScheduledUpdate Enable-WmsWebLimiting
   Get-WmsAlert Get-WmsApp Get-WmsDiskProtection Get-WmsScheduledUpdate Get-WmsSession Get-WmsStation Get-WmsSystem
   Get-WmsUser Get-WmsVersion Get-WmsWebLimiting Hide-WmsIdentifier Join-WmsStation Lock-WmsSession Lock-WmsUsbStorage
   New-WmsUser Open-WmsApp Publish-WmsDesktop Remove-WmsSystem Remove-WmsUser Restart-WmsSystem Resume-WmsDiskProtection
   Search-WmsSystem Set-WmsScheduledUpdate Set-WmsStation Set-WmsSystem Set-WmsUser Set-WmsWebLimiting Show-WmsDesktop
   Show-WmsIdentifier Split-WmsStation Stop-WmsSystem Suspend-WmsDiskProtection Unlock-WmsSession Unlock-WmsUsbStorage
   Unpublish-WmsDesktop Update-WmsStation
]]

describe("wms.multipoint", function()
   local why = multipoint.missing()
   if why then
      it("works", function() pending(why) end)
      return
   end

   local m = require "wms.multipoint"
   local lab, server

   before_each(function()
      lab = multipoint.lab{ stations = 3, keep_bodies = true }
      server = lab.server
      lab:session{ id = 2, user = "alice", domain = "SCHOOL", station = 1, winstation = "Console" }
      lab:session{ id = 3, user = "bob", domain = "SCHOOL", station = 2 }
      lab:session{ id = 4, user = "teacher", flags = 1 }
   end)

   after_each(function()
      kit.reset()
      multipoint.sweep()
   end)

   teardown(function()
      multipoint.down()
      soap.sweep()
   end)

   local function station(id)
      return assert(m.stations{ station_ids = id, server = server })[1]
   end

   local function session(id)
      return assert(wms.sessions{ session_ids = id, server = server })[1]
   end

   local function states(...)
      return pluck(assert(...), "state")
   end

   local function screens()
      local found = {}
      for _, one in ipairs(assert(m.screens{ session_ids = { 2, 3, 4 }, server = server })) do
         found[one.session_id] = one.broadcast_state
      end
      return found
   end

   local function update()
      local now = assert(m.scheduled_update(server))
      now.server = nil
      return now
   end

   ------------------------------------------------------------------------------------------------------- cmdlet -> proof

   local proofs = {}

   local function proof(names, run)
      for name in names:gmatch("%S+") do
         proofs[name] = run
      end
   end

   proof("Add-WmsSystem Remove-WmsSystem", function()
      local fresh = multipoint.new()
      assert(wms.bind(multipoint.binding(fresh)))
      assert.equal("10.0.14393.0", m.version(fresh.server).server_version)
      assert(wms.unbind(fresh.server))
      assert.equal("NOT_BOUND", fault(m.stations(fresh.server)).code)
      fresh:down()
   end)

   proof("Get-WmsSession Lock-WmsSession Unlock-WmsSession", function()
      assert(wms.lock{ session_ids = 3, message = "Look here", server = server })
      assert.is_true(session(3).locked)
      assert.same({ true }, pluck(assert(m.screens{ session_ids = 3, server = server }), "is_locked"))
      assert.equal("Blocked", station(2).state)
      assert(wms.unlock{ session_ids = 3, server = server })
      assert.is_false(session(3).locked)
      lab:program(3, { name = "Paint" })
      lab:session{ id = 3, inactive = 1500 }
      assert.same({ { session_id = 3, server = server, current_activity = "Paint", inactive_ticks = 1500 } },
         m.activity{ session_ids = 3, server = server })
   end)

   proof("Disconnect-WmsSession Close-WmsSession", function()
      assert(wms.disconnect{ session_ids = 3, server = server })
      assert.is_nil(station(2).session_id)
      assert(wms.close{ session_ids = 3, server = server })
      assert.equal("NOT_FOUND", fault(m.apps{ session_ids = 3, server = server }).code)
   end)

   proof("Restart-WmsSystem Stop-WmsSystem", function()
      assert(wms.reboot{ server = server })
      assert(wms.power_off{ server = server })
      assert.same({ 1, 1 }, { lab:counts().Reboot, lab:counts().Shutdown })
   end)

   proof("Get-WmsApp Open-WmsApp Close-WmsApp", function()
      local opened = assert(m.open{ session_ids = { 2, 3 }, file = "https://contoso.com/a?b=1&c", server = server })
      assert.same({ 0, 0 }, pluck(opened, "value", "result"))
      assert(m.open{ session_ids = 3, file = "calc.exe", server = server })
      local apps = assert(m.apps{ session_ids = { 3, 2 }, server = server })
      assert.same({ 3, 3, 2 }, pluck(apps, "session_id"))
      assert.same({ "https://contoso.com/a?b=1&c", "calc.exe" }, { apps[1].name, apps[2].name })
      assert.same({ "requested" }, states(m.close_app(apps[2])))
      assert.same({ "https://contoso.com/a?b=1&c" }, pluck(m.apps{ session_ids = 3, server = server }, "name"))
      assert.equal("NOT_FOUND", fault(m.close_app(apps[2])).code)
      assert.same({ "requested", "requested" }, states(m.open_all{ file = "notepad", server = server }))
      assert.same({ "alice", "bob" }, pluck(m.open_all{ file = "notepad", server = server }, "user_name"))
      assert.same({ 3 }, pluck(m.open_all{ file = "notepad", server = server, where = { user_name = "bob" } },
         "session_id"))
   end)

   proof("Get-WmsWebLimiting Set-WmsWebLimiting", function()
      assert.same({ sites = {}, allow_list = {}, block_list = {}, is_in_limiting = false, is_allow_list = false,
         server = server }, m.web_limits(server))
      assert(m.set_web_limits{ allow = { "school.example", "contoso" }, server = server })
      assert(m.set_web_limits{ block = "test.com", server = server })
      local limits = assert(m.web_limits(server))
      assert.same({ { "test.com" }, { "school.example", "contoso" }, { "test.com" }, false },
         { limits.sites, limits.allow_list, limits.block_list, limits.is_allow_list })
      assert(m.set_web_limits{ allow = {}, server = server })
      limits = assert(m.web_limits(server))
      assert.same({ {}, {}, { "test.com" }, true },
         { limits.sites, limits.allow_list, limits.block_list, limits.is_allow_list })
   end)

   proof("Enable-WmsWebLimiting Disable-WmsWebLimiting", function()
      local function limited()
         return { m.web_limits(server).is_in_limiting, session(2).is_web_limited, session(3).is_web_limited,
            m.web_limits{ session_id = 2, server = server }.is_in_limiting }
      end
      assert(m.limit_web{ session_ids = 3, server = server })
      assert.same({ false, false, true, false }, limited())
      assert(m.limit_web_all(server))
      assert.same({ true, true, true, true }, limited())
      assert(m.unlimit_web{ session_ids = { 3 }, server = server })
      assert.same({ true, true, false, true }, limited())
      assert(m.unlimit_web_all(server))
      assert.same({ false, false, false, false }, limited())
      assert.equal("ACCESS_DENIED", fault(m.limit_web{ session_ids = 4, server = server }).code)
   end)

   proof("Get-WmsStation Set-WmsStation", function()
      assert(m.set_station{ station_ids = 2, server = server, name = "Window <2>", orientation = "portraitflipped" })
      lab:account{ name = "guest", password = "pw" }
      lab:account{ name = "boss", password = "pw", type = 0 }
      assert(m.set_station{ station_ids = 2, server = server,
         logon = { user = "guest", domain = "SCHOOL", password = "pw" } })
      assert(m.set_station{ station_ids = 2, server = server, host = "other.school.example" })
      local found = station(2)
      assert.same({ "Window <2>", "PortraitFlipped", true, "guest", "SCHOOL", "other.school.example" },
         { found.name, found.display_orientation, found.is_auto_log_on, found.auto_log_on_user_name,
            found.auto_log_on_domain_name, found.remote_connection_server_name })
      assert(m.set_station{ station_ids = 2, server = server, vm = "LAB-7", orientation = "Landscape" })
      found = station(2)
      assert.same({ "LAB-7", "nil", "Landscape" },
         { found.virtual_machine_name, tostring(found.remote_connection_server_name), found.display_orientation })
      assert(m.set_station{ station_ids = 2, server = server, host = false, logon = false })
      found = station(2)
      assert.same({ "nil", "nil", false, "nil" }, { tostring(found.virtual_machine_name),
         tostring(found.remote_connection_server_name), found.is_auto_log_on, tostring(found.auto_log_on_user_name) })

      local function logon(user, password, admin)
         return m.set_station{ station_ids = 3, server = server, admin = admin,
            logon = { user = user, password = password } }
      end
      local err = fault(logon("guest", "wrong"))
      assert.same({ "ACCESS_DENIED", 3 }, { err.code, err.station_id })
      err = fault(logon("boss", "pw"))
      assert.truthy(err.message:find("admin = true", 1, true))
      assert.is_false(station(3).is_auto_log_on)
      assert(logon("boss", "pw", true))
      assert.equal("boss", station(3).auto_log_on_user_name)
      assert.same({ 1, 2, 3 }, pluck(m.stations(server), "station_id"))
   end)

   proof("Split-WmsStation Join-WmsStation", function()
      assert.same({ "requested" }, states(m.split{ station_ids = 1, server = server }))
      assert.same({ true, 4, 1 }, { station(1).is_split, #m.stations(server), station(4).primary_station_id })
      assert.same({ 1, "Disconnected" }, { station(4).collab_id, session(2).state }) -- the session is suspended
      assert(m.join{ station_ids = 1, server = server })
      assert.same({ false, 3 }, { station(1).is_split, #m.stations(server) })
      assert.same({ 1, 2, 3 }, pluck(assert(m.split_all(server)), "station_id"))
      assert.equal(6, #m.stations(server))
      assert(m.join_all(server))
      assert.same({ false, false, false }, pluck(m.stations(server), "is_split"))
   end)

   proof("Clear-WmsStation Update-WmsStation", function()
      assert(m.set_station{ station_ids = 2, name = "Door", server = server })
      assert.same({ 1, 2, 3 }, pluck(assert(m.refresh_all(server)), "station_id"))
      assert(m.refresh{ station_ids = 3, server = server })
      assert.equal(4, lab:counts().RefreshStation)
      assert(m.remap(server))
      assert.same({ "Station 2", "Disconnected" }, { station(2).name, session(3).state })
   end)

   proof("Lock-WmsUsbStorage Unlock-WmsUsbStorage", function()
      local function blocked()
         return pluck(m.stations(server), "is_usb_blocked")
      end
      assert(m.block_usb{ station_ids = { 1, 3 }, server = server })
      assert.same({ true, false, true }, blocked())
      assert(m.unblock_usb{ station_ids = 1, server = server })
      assert.same({ false, false, true }, blocked())
      assert(m.block_usb_all(server))
      assert.same({ true, true, true }, blocked())
      assert(m.unblock_usb_all(server))
      assert.same({ false, false, false }, blocked())
      assert.equal(1, lab:counts().UnblockUsbStorageDevicesAllStations)
   end)

   proof("Get-WmsUser New-WmsUser Set-WmsUser Remove-WmsUser", function()
      assert.same({}, m.users(server))
      assert(m.add_user{ name = "eve", password = "s3cret", user_type = "standard", full_name = "Eve <3", server = server })
      assert(m.add_user{ name = "mo", user_type = "DashboardUser", description = "teacher", server = server })
      local eve = { name = "eve", full_name = "Eve <3", description = "", user_type = "Standard", server = server,
         computer_name = "127.0.0.1" }
      assert.same({ eve }, m.users{ name = "EVE", server = server })
      assert.same({ "eve", "mo" }, pluck(m.users(server), "name"))
      assert(m.set_user{ name = "eve", user_type = "Administrator", server = server })
      eve.user_type = "Administrator"
      assert.same({ eve }, m.users{ name = "eve", server = server })
      assert(m.set_user{ name = "eve", full_name = "", description = "d", password = "n3w", server = server })
      eve.full_name, eve.description = "", "d"
      assert.same({ eve }, m.users{ name = "eve", server = server })
      assert.equal("ACCESS_DENIED", fault(m.add_user{ name = "Eve", user_type = "Standard", server = server }).code)
      assert(m.remove_user{ name = "eve", server = server })
      assert.same({ "mo" }, pluck(m.users(server), "name"))
      for _, missing in ipairs{ "users", "remove_user" } do
         local err = fault(m[missing]{ name = "eve", server = server })
         assert.same({ "NOT_FOUND", true }, { err.code, err.message:find("account", 1, true) ~= nil })
      end
   end)

   proof("Get-WmsSystem Set-WmsSystem", function()
      local options = {}
      local before = assert(m.system(server))
      local properties = {
         admin_orchestration = "is_admin_orchestration_enabled", boot_to_console_mode = "boot_to_console_mode",
         desktop_monitoring = "is_desktop_monitoring_allowed", im = "is_chat_enabled",
         ip_per_session = "is_ip_per_session_enabled", single_session_per_user = "is_single_session_per_user",
         suppress_privacy_notification = "suppress_privacy_notification", use_hardware_gpu = "use_hardware_gpu",
      }
      for option, property in pairs(properties) do
         options[option] = not before[property]
      end
      options.server = server
      assert(m.set_system(options))
      local after = assert(m.system(server))
      for option, property in pairs(properties) do
         assert.equal(options[option], after[property], option)
         assert(m.set_system{ [option] = before[property], server = server })
         assert.equal(before[property], m.system(server)[property], option)
      end
   end)

   proof("Get-WmsVersion", function()
      lab:set{ protocol_version = 1, server_version = "10.0.10586.0" }
      lab:system{ client_version = "10.0.10586.0" }
      assert.same({ server_version = "10.0.10586.0", client_version = "10.0.10586.0", protocol_version = 1,
         server = server }, m.version(server))
      lab:system{ client_version = "" }
      assert.is_nil(m.version(server).client_version)
   end)

   proof("Get-WmsAlert", function()
      assert.same({}, m.alerts(server))
      lab:alert(0, { station = 1 })
      lab:alert(2, { severity = 2 })
      lab:alert(6, { severity = 3, status = 2 })
      lab:alert(3, { station = 3, severity = 1, status = 0 })
      local function alert(kind, severity, status, id)
         return { alert_type = kind, alert_severity = severity, alert_status = status, computer_name = "127.0.0.1",
            station_id = id, server = server }
      end
      assert.same({
         alert("SafeMode", "Error", "Set"), alert("DiskProtectionSecondThreshold", "Fatal", "NoChange"),
         alert("HubMissingRequiredDevice", "Warning", "Set", 1),
      }, m.alerts(server))
   end)

   proof("Get-WmsDiskProtection Enable-WmsDiskProtection Disable-WmsDiskProtection Suspend-WmsDiskProtection "
      .. "Resume-WmsDiskProtection", function()
      local function mode()
         return m.disk_protection(server).mode
      end
      assert.equal("NotInstalled", mode())
      assert.equal("NOT_FOUND", fault(m.suspend_disk_protection(server)).code)
      assert(m.enable_disk_protection(server))
      assert.equal("Discard", mode())
      assert(m.suspend_disk_protection(server))
      assert.equal("Passive", mode())
      assert(m.resume_disk_protection(server))
      assert.equal("Discard", mode())
      assert(m.disable_disk_protection(server))
      assert.equal("NotInstalled", mode())
      assert.equal("NOT_FOUND", fault(m.disable_disk_protection(server)).code)
      assert.equal(4, lab:counts().Reboot)
   end)

   proof("Get-WmsScheduledUpdate Enable-WmsScheduledUpdate Set-WmsScheduledUpdate Disable-WmsScheduledUpdate", function()
      assert.is_false(update().is_schedule_update_enabled)
      assert(m.schedule_update{ server = server, hour = 4 })
      assert.same({ is_schedule_update_enabled = true, automatic_update_mode = "WindowsOnly", hour_to_schedule_updates = 4,
         max_time_allowed_for_custom_script = 30, return_state = "PreviousState" }, update())
      assert(m.schedule_update{ server = server, mode = "none", script = "c:\\a b.cmd", minutes = 5, after = "Shutdown" })
      assert.same({ is_schedule_update_enabled = true, automatic_update_mode = "None", hour_to_schedule_updates = 4,
         custom_script = "c:\\a b.cmd", max_time_allowed_for_custom_script = 5, return_state = "Shutdown" }, update())
      assert(m.unschedule_update(server))
      assert.same({ is_schedule_update_enabled = false, hour_to_schedule_updates = 4, custom_script = "c:\\a b.cmd",
         max_time_allowed_for_custom_script = 5, return_state = "Shutdown" }, update())
   end)

   proof("Publish-WmsDesktop Show-WmsDesktop Unpublish-WmsDesktop", function()
      lab:session{ id = 4, flags = 36 }
      local desktop = assert(m.share{ session_id = 2, server = server })
      assert.same({ 2, false }, { desktop.session_id, desktop.is_remote_control })
      assert(m.view{ session_ids = 3, invitation = desktop.invitation, title = "Look", server = server })
      assert.same({ [2] = "Projecting", [3] = "Viewing", [4] = "Quiescent" }, screens())
      assert(m.view_all{ invitation = desktop.invitation, server = server })
      assert.same({ [2] = "Projecting", [3] = "Viewing", [4] = "Viewing" }, screens())
      assert(m.view_all{ invitation = false, server = server })
      assert.same({ [2] = "Projecting", [3] = "Quiescent", [4] = "Quiescent" }, screens())
      assert(m.unshare{ session_ids = 2, server = server })
      assert.same({ [2] = "Quiescent", [3] = "Quiescent", [4] = "Quiescent" }, screens())
      assert.equal("NOT_FOUND", fault(m.view{ session_ids = 3, invitation = desktop.invitation, server = server }).code)
      assert(m.share{ session_id = 3, control = true, teacher = "Ms A", server = server })
      assert.equal("Controlled", screens()[3])
   end)

   proof("Show-WmsIdentifier Hide-WmsIdentifier", function()
      local function shown()
         local list = pluck(m.stations(server), "is_identified")
         for i = 2, 4 do
            list[#list + 1] = assert(wms.call{ server = server, interface = "IMultiPointSession",
               operation = "GetSessionAgentStatus", arguments = { idSession = i } }).peIdentifyStationState
         end
         return list
      end
      lab:set{ admin_orchestration = true }
      assert(m.identify{ station_ids = 2, server = server })
      assert(m.identify{ session_ids = 3, server = server })
      assert.same({ false, true, false, 0, 1, 0 }, shown())
      assert(m.unidentify{ station_ids = { 2 }, server = server })
      assert(m.unidentify{ session_ids = { 3 }, server = server })
      assert.same({ false, false, false, 0, 0, 0 }, shown())
      assert(m.set_station{ station_ids = 1, name = "Door", server = server })
      lab:reset()
      assert(m.identify{ session_ids = 2, server = server })
      assert.truthy(table.concat(lab:bodies()):find("<wsStationName>Door</wsStationName>", 1, true))
      assert(m.unidentify{ session_ids = 2, server = server })
      lab:reset()
      local outcomes = assert(m.identify_all(server))
      assert.same({ 1, 2, 3, "nil" }, pluck(outcomes, "station_id"))
      assert.same({ "nil", "nil", "nil", 4 }, pluck(outcomes, "session_id"))
      assert.same({ true, true, true, 0, 0, 1 }, shown())
      local bodies = table.concat(lab:bodies())
      assert.truthy(bodies:find("<wsStationName>Door</wsStationName><wsStationHost>127.0.0.1</wsStationHost>", 1, true))
      assert(m.unidentify_all(server))
      assert.same({ false, false, false, 0, 0, 0 }, shown())
   end)

   describe("has for", function()
      local known = {}
      for _, row in ipairs(m.cmdlets) do
         known[row.cmdlet] = row
      end

      for cmdlet in CMDLETS:gmatch("%S+") do
         it(cmdlet .. " a function, or a reason", function()
            local row = assert(known[cmdlet], "no row")
            for _, name in ipairs(row.functions) do
               local module, fun = name:match("^(%w+)%.([%w_]+)$")
               assert.is_function((module == "wms" and wms or m)[fun], name)
            end
            if #row.functions == 0 then
               assert.is_string(row.gap)
            else
               assert(proofs[cmdlet], "nothing shows that it works")()
            end
         end)
      end

      it("commands that the program knows, with the examples of their help", function()
         local config = cli.write("room.lua", "return { groups = { room1 = 'lab[01-03]' } }")
         local count = 0
         for _, row in ipairs(m.cmdlets) do
            local names = docs.commands(row)
            assert.truthy(#names > 0 or row.gap, row.cmdlet)
            for _, name in ipairs(names) do
               local command = assert(commands.find(name), name)
               local example = command.examples[1][1]:gsub("^wms ", ""):gsub("%$INVITATION", "text")
               assert.equal(name, example:sub(1, #name), row.cmdlet)
               local script = name == "bind" and " --fingerprint " .. ("00"):rep(32) or ""
               local out, err, code = cli.run(("%s%s --lua --config %s"):format(example, script, config))
               assert.same({ "", 0 }, { err, code }, example)
               assert.truthy(out:find("wms", 1, true), example)
               count = count + 1
            end
         end
         assert.is_true(count >= 49, count)
         cli.sweep()
      end)

      it("no other cmdlet", function()
         local count = 0
         for _ in CMDLETS:gmatch("%S+") do
            count = count + 1
         end
         assert.same({ 47, 47 }, { count, #m.cmdlets })
      end)
   end)

   it("asks which other hosts a host knows", function()
      lab:system{ peers = "lab02 lab03", connectors = "pc1" }
      assert.same({ multi_point_servers = { "lab02", "lab03" }, multi_point_server_addresses = { "192.0.2.1", "192.0.2.2" },
         personal_computers = { "pc1" }, personal_computer_addresses = { "192.0.2.1" }, server = server },
         m.peers(server))
   end)
end)
