-- SPDX-License-Identifier: MIT
--- wms.multipoint: what holds for all of its functions.  Which operations and which password they use, what is misuse, what
--- stands in the manual.
local kit = require "spec.support.kit"
local multipoint = require "spec.support.multipoint"
local soap = require "spec.support.soap"
local wms = kit.wms
local fault, misuse, pluck = kit.fault, kit.misuse, kit.pluck

-- Options with which each function does something, beside its servers.
local SAMPLES = {
   apps = { session_ids = 2 }, close_app = { session_ids = 2, process_id = 1, window_id = 2, create_time = 3 },
   open = { session_ids = 2, file = "calc" }, open_all = { file = "calc" }, web_limits = {},
   set_web_limits = { allow = { "a.com" } }, limit_web = { session_ids = 2 }, limit_web_all = {},
   unlimit_web = { session_ids = 2 }, unlimit_web_all = {}, stations = {}, set_station = { station_ids = 1, name = "Door",
      logon = { user = "u", password = "p" }, host = "h", orientation = "Portrait" },
   refresh = { station_ids = 1 }, refresh_all = {}, split = { station_ids = 1 }, split_all = {}, join = { station_ids = 1 },
   join_all = {}, remap = {}, block_usb = { station_ids = 1 }, block_usb_all = {}, unblock_usb = { station_ids = 1 },
   unblock_usb_all = {}, users = {}, add_user = { name = "eve", user_type = "Standard" },
   set_user = { name = "eve", full_name = "Eve" }, remove_user = { name = "eve" }, system = {}, version = {},
   set_system = { im = true }, alerts = {}, peers = {}, disk_protection = {}, enable_disk_protection = {},
   disable_disk_protection = {}, suspend_disk_protection = {}, resume_disk_protection = {}, scheduled_update = {},
   schedule_update = { hour = 3 }, unschedule_update = {}, share = { session_ids = 2 },
   view = { session_ids = 3, invitation = "i" }, view_all = { invitation = "i" }, unshare = { session_ids = 2 },
   identify = { session_ids = 2 }, identify_all = {}, unidentify = { station_ids = 1 }, unidentify_all = {}, activity = {},
   screens = {},
}

-- Values that no field of the kind takes.
local WRONG = {
   text = { 1, true, {}, "a\1b", "\255", "a\237\160\128" }, name = { 1, true, {}, "", "a\0b" }, boolean = { 1, "true", {} },
   whole = { "3", true, -1, 1.5, 0 / 0, 1e300 }, long = { "x", "-1", true, -1, 1.5, "18446744073709551616" },
   names = { 1, true, { 1 }, { "a", "" }, { a = "b" } }, word = { "Other", 1, true, {} }, table = { "x", 1, true },
}

describe("a function of wms.multipoint", function()
   local why = multipoint.missing()
   if why then
      it("works", function() pending(why) end)
      return
   end

   local m = require "wms.multipoint"
   local keep, sweep = kit.keeper()
   local lab, server

   local function prepare(settings)
      local one = multipoint.lab(settings)
      one:set{ stations = 3, keep_bodies = true }
      one:session{ id = 2, user = "alice", station = 1 }
      one:session{ id = 3, user = "bob" }
      return one
   end

   before_each(function()
      lab = prepare()
      server = lab.server
   end)

   after_each(function()
      sweep()
      kit.reset()
      multipoint.sweep()
   end)

   teardown(function()
      multipoint.down()
      soap.sweep()
   end)

   --- The options of a sample, with others beside them.
   local function with(name, more)
      local options = {}
      for _, fields in ipairs{ SAMPLES[name], more } do
         for key, value in pairs(fields) do
            options[key] = value
         end
      end
      return options
   end

   local function each(run)
      for _, entry in ipairs(m.functions) do
         assert(SAMPLES[entry.name], entry.name)
         run(entry.name, entry.fun, entry)
      end
   end

   local function known(list)
      local set = {}
      for _, operation in ipairs(list) do
         set[operation:match("%.(%w+)$")] = operation
      end
      return set
   end

   it("uses the operations that its table tells, which the schema has", function()
      local schema, bodies = soap.schema(), {}
      local listing = known{ "Server.GetAllSessions", "Session.GetSessionFlags", "Session.GetScreenState",
         "Session.CurrentActivity", "Station.GetNextStationIdentifier", "Station.GetStationInformation" }
      each(function(name, fun)
         prepare()
         lab:account{ name = "eve" }
         lab:reset()
         m[name](with(name, { server = server })) -- some are refused, since there is no such program
         local operations, found = known(fun.operations), lab:log()
         for _, entry in ipairs(found) do
            local lists = name:match("_all$") or fun.lists or name == "alerts" or name == "identify"
            assert(operations[entry.verb] or lists and listing[entry.verb], name .. " uses " .. entry.verb)
         end
         assert(#found > 0, name)
         for _, body in ipairs(lab:bodies()) do
            bodies[#bodies + 1] = body:match("<s:Body>(.*)</s:Body>") or body:match("<%w+:Body>(.*)</%w+:Body>")
         end
      end)
      assert.same({ 0, "" }, { soap.validate(schema, bodies) })
   end)

   it("that needs the management password says so before anything is sent", function()
      local poor = multipoint.new()
      assert(wms.bind(multipoint.binding(poor, { management = false })))
      poor:set{ stations = 1 }
      poor:session{ id = 2 }
      local count = 0
      each(function(name, fun)
         if fun.password == "management" then
            poor:reset()
            local err = fault(m[name](with(name, { server = poor.server })))
            assert.equal("NOT_BOUND", err.code, name)
            assert.truthy(err.message:find("bind with management = true", 1, true), name)
            assert.equal(0, poor:counts().requests, name)
            count = count + 1
         end
      end)
      assert.is_true(count > 20)
      poor:down()
   end)

   it("that needs the ordinary one does without the other", function()
      local poor = multipoint.new()
      assert(wms.bind(multipoint.binding(poor, { management = false })))
      each(function(name, fun)
         if fun.password == "ordinary" then
            poor:set{ stations = 2 }
            poor:session{ id = 2 }
            poor:session{ id = 3 }
            local result, _, err = m[name](with(name, { server = poor.server }))
            assert(result or err.code == "NOT_FOUND", name)
         end
      end)
      poor:down()
   end)

   it("sends nothing with what_if", function()
      each(function(name, fun)
         if fun.question then
            misuse(name, { "what_if" }, function() m[name](with(name, { server = server, what_if = true })) end)
         else
            local outcomes = kit.fine(m[name](with(name, { server = { server }, what_if = true })))
            assert.same({ "planned" }, pluck(outcomes, "state"), name)
         end
      end)
      assert.equal(0, lab:counts().requests)
   end)

   it("is UNSUPPORTED by hosts of other kinds", function()
      keep(wms.memory("mp-other", { sessions = { { session_id = 2 } } }))
      each(function(name)
         if not name:match("open_all$") and name ~= "activity" and name ~= "screens" then -- these ask for sessions first
            local result, _, err = m[name](with(name, { server = "memory://mp-other" }))
            assert.same({ "nil", "UNSUPPORTED" }, { tostring(result), err and err.code }, name)
         end
      end)
   end)

   describe("names what is wrong:", function()
      it("options that it has not", function()
         each(function(name, fun)
            local options = with(name, { server = server })
            options.colour = "red"
            misuse(name, { "colour: no such option", "server" }, function() m[name](options) end)
            misuse(name, { "give a table" }, function() m[name]() end)
            misuse(name, { "give a table" }, function() m[name](3) end)
            misuse(name, { "give one table" }, function() m[name]({ server = server }, {}) end)
            misuse(name, { "server: missing; give" }, function() m[name](with(name, {})) end)
            if not (fun.question or fun.again) then
               misuse(name, { "retries", "leave" }, function() m[name](with(name, { server = server, retries = 1 })) end)
            end
         end)
      end)

      it("fields of another kind, and those that are missing", function()
         each(function(name, fun)
            for _, field in ipairs(fun.takes or {}) do
               for _, value in ipairs(assert(WRONG[field.kind], field.kind)) do
                  local options = with(name, { server = server })
                  options[field.name] = value
                  misuse(name, { field.name .. ": ", "give" }, function() m[name](options) end)
               end
               if field.required then
                  local options = with(name, { server = server })
                  options[field.name] = nil
                  misuse(name, { field.name .. ": missing; give" }, function() m[name](options) end)
               end
            end
         end)
      end)

      it("options of every function", function()
         each(function(name)
            for option, values in pairs{
               timeout = { 0, -1, "3", 1e10, 0 / 0 }, deadline = { 0, "x", true }, concurrency = { 0, 65536, "4", 1.5 },
               on_error = { "go", 1 }, on_outcome = { 1, {} }, server = { 3, "a b", {}, "nothing://x" },
            } do
               for _, value in ipairs(values) do
                  local options = with(name, { server = server })
                  options[option] = value
                  misuse(name, { option, "give" }, function() m[name](options) end)
               end
            end
            misuse(name, { "computer_name: there is server already", "leave" }, function()
               m[name](with(name, { server = server, computer_name = server }))
            end)
         end)
      end)

      it("ids", function()
         each(function(name, fun, entry)
            local key = fun.on == "either" and "session_ids" or fun.on and fun.on .. "_ids"
            if not key then
               return
            elseif entry.all then
               misuse(name, { key, "no such option", "use" }, function()
                  m[name](with(name, { server = server, [key] = 3 }))
               end)
               return
            end
            for _, value in ipairs{ -1, 4294967295, 1.5, true, "c2", "03", {}, { 1, "x" }, { [1] = 1, [3] = 3 }, { {} },
               { session_id = 3 }, { 1, { session_id = 1, station_id = 1, server = server } } } do
               local options = with(name, { server = server })
               options.session_ids, options.station_ids = nil, nil
               options[key] = value
               misuse(name, { key, "give" }, function() m[name](options) end)
            end
            misuse(name, { "bring their servers", "leave" }, function()
               local options = with(name, { server = server })
               options.session_ids, options.station_ids = nil, nil
               options[key] = { session_id = 2, station_id = 1, server = server }
               m[name](options)
            end)
            misuse(name, { "all: no such option", "call" }, function() m[name]{ all = true, server = server } end)
            if not fun.lists and not fun.ids_optional then
               local options = with(name, { server = server })
               options.session_ids, options.station_ids = nil, nil
               misuse(name, { key .. ": missing; give" }, function() m[name](options) end)
            end
         end)
         misuse("identify", { "station_ids: there is session_ids already", "leave" }, function()
            m.identify{ session_ids = 1, station_ids = 1, server = server }
         end)
         misuse("close_app", { "several", "give one" }, function()
            m.close_app(with("close_app", { session_ids = { 1, 2 }, server = server }))
         end)
      end)

      it("what does not go together", function()
         local function refused(name, words, options)
            options.server = server
            misuse(name, words, function() m[name](options) end)
         end
         refused("set_station", { "missing; give" }, { station_ids = 1 })
         refused("set_station", { "missing; give" }, { station_ids = 1, admin = true })
         refused("set_station", { "vm", "leave" }, { station_ids = 1, host = false, vm = "a" })
         refused("set_station", { "logon.name", "use" }, { station_ids = 1, logon = { name = "a" } })
         refused("set_station", { "logon", "give" }, { station_ids = 1, logon = { user = "a" } })
         refused("set_station", { "logon.password", "give" }, { station_ids = 1, logon = { user = "a", password = 1 } })
         refused("set_user", { "missing; give" }, { name = "a" })
         refused("set_system", { "missing; give" }, {})
         refused("set_web_limits", { "missing; give" }, {})
         refused("set_web_limits", { "block", "leave" }, { allow = "a", block = "b" })
         refused("set_web_limits", { "allow", "give" }, { allow = { "a;b" } })
         refused("view", { "invitation: false; give" }, { session_ids = 3, invitation = false })
         refused("view_all", { "title", "leave" }, { invitation = "a", title = "b" })
         refused("open_all", { "where", "give" }, { file = "a", where = 3 })
         misuse("open_all", { "where", "use" }, function()
            m.open_all{ file = "a", where = { nonsense = 3 }, server = "memory://mp-none" }
         end)
         misuse("start", { "stationz", "give" }, function() m.start("stationz", server) end)
         misuse("start", { "no function", "give" }, function() m.start(3, server) end)
      end)

      it("before anything is sent", function()
         assert.equal(0, lab:counts().requests)
      end)
   end)

   it("asks `allow` about each operation", function()
      local asked = {}
      wms.configure{ allow = function(action)
         asked[#asked + 1] = action.operation
         return action.operation ~= "SetStationAutoLogon", "no log-ons"
      end }
      local err = fault(m.set_station{ station_ids = 1, server = server, logon = false })
      assert.same({ "ACCESS_DENIED", { "SetStationAutoLogon" } }, { err.code, asked })
      assert.truthy(err.message:find("no log-ons", 1, true))
      assert(m.remap(server))
      wms.configure{ allow = false }
   end)

   it("gives no secret away", function()
      local lines = {}
      wms.configure{ log = function(_, text) lines[#lines + 1] = text end }
      lab:on("SetStationAutoLogon", { fault = 0x80070005 })
      local _, message = m.set_station{ station_ids = 1, server = server, admin = true,
         logon = { user = "u", password = "geheim-1" } }
      lines[#lines + 1] = message
      for _, options in ipairs{ { logon = { user = 1, password = "geheim-1" } }, { logon = { password = "geheim-1" } } } do
         options.station_ids, options.server = 1, server
         lines[#lines + 1] = select(2, pcall(m.set_station, options))
      end
      lines[#lines + 1] = select(2, pcall(m.add_user, { name = "a", password = "geheim-1\1", user_type = "Standard",
         server = server }))
      assert.is_true(#lines >= 4)
      assert.is_nil(table.concat(lines, "\n"):find("geheim", 1, true))
   end)

   describe("stands #once", function()
      local function text_of(path)
         local file = assert(io.open(path))
         local text = file:read("*a")
         file:close()
         return text
      end

      it("in the manual, as the tables tell it", function()
         local docs = require "spec.support.multipoint_docs"
         local manual = text_of("docs/multipoint.md")
         assert.truthy(manual:find(docs.cmdlets(), 1, true), "the cmdlets")
         local groups = {}
         for _, group in ipairs(docs.GROUPS) do
            groups[group[1]] = true
            assert.truthy(manual:find("## " .. group[2] .. "\n\n" .. docs.functions(group[1]), 1, true), group[2])
            assert.truthy(manual:find(docs.options(group[1]) or "", 1, true), group[2])
         end
         each(function(name, _, entry)
            assert.truthy(groups[entry.group], name)
         end)
      end)

      it("in the manual with each property of what it returns", function()
         lab:account{ name = "eve" }
         lab:program(2, { name = "Paint" })
         lab:alert(1, { station = 1 })
         lab:system{ old = true, update_mode = 2, update_script = "x", peers = "a", connectors = "b" }
         lab:set{ server_version = "10.0.10586.0" }
         lab:station{ id = 1, vm_id = "vm" }
         assert(m.set_station{ station_ids = 1, host = "a", vm = "b", server = server, logon = { user = "eve", domain = "d",
            password = "" } })
         local manual, types = text_of("docs/multipoint.md"), text_of("lua/wms/multipoint/types.lua")
         each(function(name, fun)
            if fun.list or fun.gives then
               local found = assert(m[name](with(name, { server = server, devices = name == "stations" or nil })))
               found = fun.list and assert(found[1], name) or found
               local listed = { server = true }
               for _, property in ipairs(fun.properties) do
                  listed[property] = true
                  assert.truthy(manual:find("`" .. property .. "`", 1, true) or manual:find(property .. " =", 1, true),
                     name .. ": " .. property)
               end
               for property in pairs(found) do
                  assert.truthy(listed[property], name .. ": " .. property)
                  assert.truthy(manual:find("`" .. property .. "`", 1, true) or manual:find(property .. " =", 1, true),
                     name .. ": " .. property)
                  assert.truthy(types:find("\n---@field " .. property .. "%??%f[ ]"), name .. ": " .. property)
               end
            end
         end)
      end)

      it("in the types for editors, with its options", function()
         local types = text_of("lua/wms/multipoint/types.lua")
         local told = 0
         for _ in types:gmatch("\nfunction multipoint%.[%w_]+%(") do
            told = told + 1
         end
         assert.equal(#m.functions + 1, told)
         each(function(name, fun, entry)
            local class = types:match("\n%-%-%-@param options wms%.multipoint%.(%w+)[^\n]*\n[^\n]+\n[^\n]+\n[^\n]+\n"
               .. "function multipoint%." .. name .. "%(")
            assert.truthy(class, name)
            local fields = types:match("\n%-%-%-@class wms%.multipoint%." .. class .. "%f[%W][^\n]*\n(.-)\n\n")
            for _, field in ipairs(entry.all and fun.run_all and {} or fun.takes or {}) do
               assert.truthy(("\n" .. fields):find("\n---@field " .. field.name .. "%f[%W]"), name .. ": " .. field.name)
            end
         end)
      end)
   end)
end)
