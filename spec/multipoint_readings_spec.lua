-- SPDX-License-Identifier: MIT
--- wms.multipoint: what the help of the cmdlets prints is reproduced, either reading of what no document tells works, and
--- what a host does not tell spoils nothing.
local kit = require "spec.support.kit"
local multipoint = require "spec.support.multipoint"
local process = require "spec.support.process"
local soap = require "spec.support.soap"
local wms = kit.wms
local fault, pluck = kit.fault, kit.pluck

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

   local function update()
      local now = assert(m.scheduled_update(server))
      now.server = nil
      return now
   end

   ------------------------------------------------------------------------------------------------------ printed examples

   -- What the help prints of Get-…, in the names of the properties here.
   describe("tells what the cmdlets' help prints:", function()
      it("Get-WmsStation -All", function()
         lab:remove("all")
         lab:anew()
         lab:session{ id = 3, station = 1 }
         lab:station{ id = 1, name = "1", devices = "1:1" }
         local found = assert(m.stations{ server = server, devices = true })
         assert.equal(1, #found)
         local one = found[1]
         local expected = { station_id = 1, name = "1", is_auto_log_on = false, is_split = false, collab_id = 0,
            computer_name = "127.0.0.1", session_id = 3, session_host_server = lab.name, display_orientation = "Landscape" }
         for property, value in pairs(expected) do
            assert.equal(value, one[property], property)
         end
         for _, property in ipairs{ "remote_connection_server_name", "virtual_machine_name", "virtual_machine_id",
            "auto_log_on_user_name" } do
            assert.is_nil(one[property])
         end
         assert.same({ "DT_Keyboard", "DT_Mouse", "DT_Audio", "DT_Image" },
            { one.device_types[1], one.device_types[2], one.device_types[3], one.device_types[4] })
         assert.same({ 1, 0, 0, 0 }, { one.device_counts[1], one.device_counts[2], one.device_counts[3],
            one.device_counts[4] })
         assert.same({ 23, 23 }, { #one.device_types, #one.device_counts })
      end)

      it("Get-WmsSystem", function()
         lab:set{ protocol_version = 1, server_version = "10.0.10586.0" }
         lab:system{ joined = 3, domain = "TestDomain", client_version = "10.0.10586.0", old = true, wer = true }
         local found = assert(m.system(server))
         local expected = {
            protocol_version = 1, wms_server_version = "10.0.10586.0", wms_client_version = "10.0.10586.0",
            net_join_status = "NetSetupDomainName", domain_or_workgroup_name = "TestDomain", system_mode = "Normal",
            disk_protection_mode = "NotInstalled", license_count = 20, computer_name = "127.0.0.1",
            windows_edition = "Windows Server 2016 Standard", is_virtual_machine = false,
            managed_systems_type = "MultiPointServers", is_single_session_per_user = false, is_sqm_on = false,
            is_watson_on = true, is_ip_per_session_enabled = false, is_chat_enabled = false,
            is_desktop_monitoring_allowed = true, is_scheduled_update_enabled = false,
            max_time_allowed_for_custom_script = 30, scheduled_updates_return_state = "PreviousState",
            time_to_schedule_updates = 3, boot_to_console_mode = false, suppress_privacy_notification = false,
            is_admin_orchestration_enabled = false, use_hardware_gpu = false, server = server,
         }
         assert.same(expected, found)
      end)

      it("Get-WmsApp", function()
         lab:program(3, { name = "Calculator", process = 4228, window = 197108, created = "129937600254314944" })
         local app = assert(m.apps{ session_id = 3, server = server })[1]
         assert.same({ "Calculator", 4228, 197108 }, { app.name, app.process_id, app.window_id })
         assert.equal("129937600254314944", type(app.create_time) == "string" and app.create_time
            or ("%d"):format(app.create_time))
         assert(m.close_app(app)) -- such a number goes both ways, whatever this Lua's numbers are
      end)

      it("Get-WmsWebLimiting, Get-WmsScheduledUpdate", function()
         lab:system{ web_blocked = "test.com", web_on = true, update_mode = 2, update_hour = 3,
            update_script = "c:\\x.cmd" }
         local limits = assert(m.web_limits(server))
         assert.same({ { "test.com" }, true, false }, { limits.sites, limits.is_in_limiting, limits.is_allow_list })
         assert.same({ is_schedule_update_enabled = true, automatic_update_mode = "WindowsOnly",
            hour_to_schedule_updates = 3, custom_script = "c:\\x.cmd", max_time_allowed_for_custom_script = 30,
            return_state = "PreviousState" }, update())
      end)
   end)

   ------------------------------------------------------------------------------------------- what no document tells

   describe("takes either reading of", function()
      it("what separates the sites of a list", function()
         for _, separator in ipairs{ ";", ",", " ", "|", "\n", "; " } do
            lab:system{ web_blocked = "a.com" .. separator .. "b.com", web_allowed = "", web_allow = false }
            assert.same({ "a.com", "b.com" }, m.web_limits(server).sites)
            assert(m.set_web_limits{ allow = { "c.com", "d.com" }, server = server })
            local bodies = lab:bodies()
            local list = bodies[#bodies]:match("<wsAllowList>(.-)</wsAllowList>"):gsub("&#13;", "\r")
            assert.equal("c.com" .. separator .. "d.com", list)
            assert.truthy(bodies[#bodies]:find("<wsBlockList>a.com" .. separator .. "b.com</wsBlockList>", 1, true))
            lab:reset()
         end
      end)

      it("how a host tells that there are no more stations", function()
         for _, rule in ipairs{ { body = "" }, { body = "<pidNextStation>0</pidNextStation>" },
            { body = "<pidNextStation>4294967295</pidNextStation>" }, { fault = 0x80070490 } } do
            rule.id, rule.times = 3, 0
            lab:on("GetNextStationIdentifier", rule)
            assert.same({ 1, 2, 3 }, pluck(m.stations(server), "station_id"))
            lab:clear()
         end
         lab:on("GetNextStationIdentifier", { fault = 0x80004001, times = 0 }) -- ids are tried in order then
         assert.same({ 1, 2, 3 }, pluck(m.stations(server), "station_id"))
      end)

      it("whether a host restarts by itself when its disk protection changes", function()
         lab:on("Reboot", { drop = "before" })
         assert.same({ "requested" }, pluck(m.enable_disk_protection(server), "state"))
         assert(m.disable_disk_protection(server))
         lab:on("SetMode", { drop = "before" })
         local err = fault(m.enable_disk_protection(server))
         assert.same({ "UNREACHABLE", "done before that: DiskProtection.Install" }, { err.code, err.outcomes[1].note })
         assert.equal("Passive", m.disk_protection(server).mode)
         assert(m.enable_disk_protection(server)) -- it goes on where it has stopped
         assert.same({ "Discard", 2 }, { m.disk_protection(server).mode, lab:counts().Install })
      end)
   end)

   describe("tells what it can, when a host does not tell", function()
      it("one thing of one station", function()
         lab:station{ id = 2, absent = true }
         lab:on("GetStationFriendlyName", { id = 1, fault = 0x80070005 })
         lab:on("GetDisplayRotation", { id = 3, body = "<peDisplayRotation>45</peDisplayRotation>" })
         local found = assert(m.stations(server))
         assert.same({ 1, 3 }, pluck(found, "station_id"))
         assert.same({ "nil", "Station 3" }, pluck(found, "name"))
         assert.same({ "Landscape", "45" }, pluck(found, "display_orientation"))
      end)

      it("anything of one station", function()
         lab:on("GetNextStationIdentifier", { id = 2, body = "<pidNextStation>3</pidNextStation>", times = 0 })
         lab:on("*", { id = 2, fault = 0x80070015, times = 0 }) -- not ready
         local found, _, err = m.stations(server)
         assert.is_nil(found)
         assert.same({ 1, 3 }, pluck(err.stations, "station_id"))
         assert.same({ 2, "PROTOCOL" }, { err.station_id, err.code })
      end)

      it("what only the management password is told", function()
         local poor = multipoint.new()
         assert(wms.bind(multipoint.binding(poor, { management = false })))
         local found = assert(m.system(poor.server))
         assert.is_nil(found.time_to_schedule_updates)
         assert.equal(20, found.license_count)
         poor:down()
      end)

      it("what only old versions have, although it says that it is one", function()
         lab:set{ server_version = "10.0.10586.0" }
         local found = assert(m.system(server))
         assert.same({ "nil", 20 }, { tostring(found.is_sqm_on), found.license_count })
      end)

      it("what is told at the port of plain HTTP, which a firewall may close", function()
         lab:on("GetProtocolVersion", { drop = "before", times = 0 })
         assert.same({ server_version = "10.0.14393.0", client_version = "10.0.14393.0", server = server },
            m.version(server))
         assert.equal(20, m.system(server).license_count)
      end)

      it("that a session of another machine is shown", function()
         lab:station{ id = 3, session_host = "other", session = 2 }
         local found = station(3)
         assert.same({ 2, "other", "Active" }, { found.session_id, found.session_host_server, found.state })
      end)
   end)

   --- A result as zeep_operations.py prints one: zeep tells an empty text as none.
   local function printed(name, value)
      if type(value) ~= "table" then
         if name:find("Certificate") and name:find("^p+S") then
            return #value .. " bytes"
         end
         if name == "ppbDataBits" then
            return (value:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
         end
         return tostring(value)
      end
      local items = {}
      for key, item in pairs(value) do
         if item ~= "" then
            items[#items + 1] = type(key) == "number" and printed(name, item) or key .. "=" .. printed(key, item)
         end
      end
      if next(value) == nil or value[1] ~= nil then
         return "[" .. table.concat(items, ",") .. "]"
      end
      table.sort(items)
      return "{" .. table.concat(items, ",") .. "}"
   end

   it("hears of a client that is not ours the same of each operation that returns something #once", function()
      if select(2, process.run("/usr/bin/python3 -c 'import zeep'")) ~= 0 then
         pending("python3-zeep is not installed")
      end
      lab:account{ name = "eve", password = "pw", type = 2, full_name = "Eve é", description = "d" }
      lab:account{ name = "mo" }
      lab:program(3, { name = "Paint", process = 7, window = 8, created = "129937600254314944" })
      lab:session{ id = 3, inactive = 9 }
      lab:station{ id = 1, name = "Door", vm_id = "vm", devices = "1:2" }
      lab:alert(1, { severity = 2 })
      lab:alert(1, { station = 1, severity = 3, status = 2 })
      lab:system{ chat = true, hypervisor = true, licenses = 7, joined = 3, domain = "SCHOOL", peers = "a b",
         connectors = "c", disk_mode = 2, disk_installed = true, web_on = true, web_allowed = "a.com",
         web_blocked = "b.com", update_script = "x", wau = 1 }
      local input = soap.write("admin", lab.admin .. "\n" .. lab.password .. "\n")
      local said = process.run(("PYTHONIOENCODING=utf-8 /usr/bin/python3 -W ignore %s %s %s %d %s < %s 2>&1"):format(
         "spec/host/multipoint/zeep_operations.py", process.quote(soap.wsdl()), lab.address, lab.http, lab.fingerprint,
         process.quote(input)))
      local given = { idStation = 1, idSession = 3, eType = 1, eBitmapSize = 0, wsFileToRun = "calc.exe", eMode = 1,
         iMaxViewers = 5, wsTeacherName = "teacher", wsDomain = "SCHOOL", wsUserName = "eve", wsPassword = "pw",
         wsVirtualMachineId = "vm", wsRemoteFqdn = "console", bstrVirtualMachineHostName = "vm" }
      local takes, count = {}, 0
      local _, operations = soap.schema()
      for _, operation in ipairs(operations) do
         takes[operation.interface .. "." .. operation.name] = operation.takes
      end
      lab:remove("all") -- what theirs has changed is as it was
      lab:session{ id = 2, user = "alice", domain = "SCHOOL", station = 1, winstation = "Console" }
      lab:session{ id = 3, user = "bob", domain = "SCHOOL", station = 2, inactive = 9 }
      lab:session{ id = 4, user = "teacher", flags = 1 }
      for name, result in said:gmatch("(IMultiPoint%S+) ([^\n]*)") do
         local arguments = {}
         for _, field in ipairs(assert(takes[name], name)) do
            arguments[field.name] = given[field.name]
         end
         local ours = assert(wms.call{ server = server, interface = name:match("^(%w+)"), operation = name:match("(%w+)$"),
            arguments = arguments })
         if not name:find("RunningApps") then -- both have opened a program
            assert.equal(result, (printed("", ours):gsub("^%[%]$", "{}")), name)
         end
         count = count + 1
      end
      assert.truthy(said:find("\nok\n$"), said)
      assert.equal(50, count)
   end)
end)
