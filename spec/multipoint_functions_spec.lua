-- SPDX-License-Identifier: MIT
--- wms.multipoint: what holds for all of its functions.  Which password they need, what is misuse, many hosts of which some
--- do not answer, no blocking, limits of time.
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

   describe("on many hosts", function()
      it("goes on where one is not there", function()
         local other, dead = prepare(), multipoint.unreachable()
         other:system{ edition = "Other" }
         local outcomes, message, err = m.version{ servers = { server, dead, other.server }, timeout = 20 }
         assert.is_nil(outcomes)
         assert.truthy(message:find("1 of 3 failed", 1, true))
         err = fault(outcomes, message, err)
         assert.same({ "UNREACHABLE", dead }, { err.code, err.server })
         assert.same({ "requested", "failed", "requested" }, pluck(err.outcomes, "state"))
         assert.equal("10.0.14393.0", err.outcomes[3].value.server_version)

         local list
         list, message, err = m.stations{ servers = { server, dead, other.server } }
         assert.same({ "nil", err.message }, { tostring(list), message })
         assert.same({ server, server, server, other.server, other.server, other.server }, pluck(err.stations, "server"))

         err = fault(m.split{ station_ids = { 1, 2 }, servers = { dead, server } })
         assert.same({ "failed", "failed", "requested", "requested" }, pluck(err.outcomes, "state"))
         assert.same({ 1, 2, 1, 2 }, pluck(err.outcomes, "station_id"))
      end)

      it("returns outcomes of a list even of one, and the object of one host", function()
         wms.configure{ groups = { room = { server } } }
         assert.equal("10.0.14393.0", m.version(server).server_version)
         for _, servers in ipairs{ { server }, "@room" } do
            local outcomes = assert(m.version{ server = servers })
            assert.same({ server, "requested", "10.0.14393.0" },
               { outcomes[1].server, outcomes[1].state, outcomes[1].value.server_version })
         end
         wms.configure{ groups = {} }
      end)

      it("takes objects that bring their hosts", function()
         local other = prepare()
         local found = assert(m.stations{ servers = { server, other.server } })
         assert.equal(6, #found)
         local outcomes = assert(m.block_usb{ station_ids = { found[2], found[4], found[6], found[2] } })
         assert.same({ 2, 1, 3 }, pluck(outcomes, "station_id"))
         assert.same({ server, other.server, other.server }, pluck(outcomes, "server"))
         assert.same({ false, true, false }, pluck(m.stations(server), "is_usb_blocked"))
         assert.same({ "alice", "bob" }, pluck(assert(m.open{ session_ids = assert(wms.sessions(server)), file = "a" }),
            "user_name"))
      end)

      it("takes an object in the place of an id, and returns what one host has", function()
         local desktop = assert(m.share{ session_id = assert(wms.sessions(server))[1] })
         assert.same({ 2, server, "string" }, { desktop.session_id, desktop.server, type(desktop.invitation) })
         local limits = assert(m.web_limits{ session_id = assert(wms.sessions(server))[1] })
         assert.same({ 2, false }, { limits.session_id, limits.is_in_limiting })
         local outcomes = assert(m.web_limits{ session_ids = { 2, 3 }, server = server })
         assert.same({ 2, 3 }, pluck(outcomes, "value", "session_id"))
      end)

      it("works with so many at a time", function()
         local labs, servers = { lab, prepare(), prepare(), prepare() }, {}
         for i, one in ipairs(labs) do
            servers[i] = one.server
         end
         labs[1]:on("RemapStations", { never = true })
         labs[2]:on("RemapStations", { never = true })
         local function remapped(one)
            return one:counts().RemapStations == 1
         end
         local order = {}
         local request = keep(m.start("remap", { servers = servers, concurrency = 2,
            on_outcome = function(outcome, done, total)
               order[done] = outcome.server
               assert.equal(4, total)
            end }))
         kit.pump(request, function() return remapped(labs[1]) and remapped(labs[2]) end)
         assert.same({ 0, 0, false }, { labs[3]:counts().requests, labs[4]:counts().requests, request:done() })
         labs[2]:clear() -- which sends the answer that waits
         kit.pump(request, function() return remapped(labs[3]) and remapped(labs[4]) end)
         assert.is_false(request:done())
         labs[1]:clear()
         assert.is_true(request:wait(20))
         assert.same({ servers[2], servers[3], 4 }, { order[1], order[2], #order })
         assert.same(servers, pluck(kit.fine(request:result()), "server"))
      end)

      it("stops after the first failure, if that is asked for", function()
         local other = prepare()
         local err = fault(m.split{ station_ids = { 1, 9, 2 }, servers = { server, other.server }, on_error = "stop" })
         assert.equal("NOT_FOUND", err.code)
         assert.same({ "requested", "failed", "skipped", "skipped", "skipped", "skipped" }, pluck(err.outcomes, "state"))
         assert.equal("CANCELLED", err.outcomes[6].error.code)
         assert.truthy(err.message:find("(1 of 6 failed, 4 skipped)", 1, true))
         assert.equal(0, other:counts().requests)
      end)
   end)

   describe("that fails half way", function()
      it("tells what was done", function()
         lab:on("SetDisplayRotation", { fault = 0x80070005 })
         local err = fault(m.set_station{ station_ids = 1, name = "Door", orientation = "Portrait", server = server })
         assert.equal("ACCESS_DENIED", err.code)
         assert.equal("done before that: Station.SetStationFriendlyName", err.outcomes[1].note)
      end)

      it("leaves what has ended meanwhile out, under _all", function()
         lab:on("RunFileSession", { id = 2, fault = 0x80070490 })
         assert.same({ "gone", "requested" }, pluck(kit.fine(m.open_all{ file = "a", server = server }), "state"))
      end)

      it("does not know what became of what was sent", function()
         lab:on("SplitStation", { drop = "after" })
         local err = fault(m.split{ station_ids = 1, server = server })
         assert.same({ "UNREACHABLE", "unknown" }, { err.code, err.outcomes[1].state })
      end)
   end)

   describe("tries again", function()
      it("what may be sent again", function()
         lab:on("SetStationFriendlyName", { id = 2, drop = "before" })
         lab:on("SetStationFriendlyName", { id = 3, drop = "after" })
         local told = {}
         local outcomes = kit.fine(m.set_station{ station_ids = { 1, 2, 3 }, name = "Row", server = server, retries = 2,
            on_outcome = function(outcome) told[#told + 1] = outcome.state end })
         assert.same({ "requested", "requested", "requested" }, pluck(outcomes, "state"))
         assert.same({ "requested", "requested", "requested" }, told)
         assert.same({ "Row", "Row", "Row" }, pluck(m.stations(server), "name"))
      end)

      it("a list that did not come", function()
         lab:on("GetNextStationIdentifier", { drop = "before" })
         assert.equal(3, #assert(m.stations{ server = server, retries = 1 }))
      end)

      it("but not when the time does not suffice, and tells the last failure", function()
         lab:on("SetStationFriendlyName", { drop = "before", times = 0 })
         local err = fault(m.set_station{ station_ids = 1, name = "a", server = server, retries = 5, deadline = 0.4 })
         assert.equal("UNREACHABLE", err.code)
      end)

      it("while others have their turn", function()
         local other = prepare()
         lab:on("SetStationFriendlyName", { drop = "before" })
         local order = {}
         assert(m.set_station{ station_ids = 1, name = "a", servers = { server, other.server }, retries = 1,
            concurrency = 1, on_outcome = function(outcome) order[#order + 1] = outcome.server end })
         assert.same({ other.server, server }, order)
      end)
   end)

   describe("ends", function()
      it("by its deadline", function()
         lab:on("SplitStation", { id = 1, never = true })
         local err = fault(m.split{ station_ids = { 1, 2, 3 }, server = server, deadline = 0.3, on_error = "continue" })
         assert.equal("TIMEOUT", err.code)
         assert.equal("unknown", err.outcomes[1].state)
         lab:on("SplitStation", { never = true })
         err = fault(m.split{ station_ids = { 1, 2, 3 }, server = server, deadline = 0.3, on_error = "stop" })
         assert.same({ "unknown", "skipped", "skipped" }, pluck(err.outcomes, "state"))
      end)

      it("by the deadline of wms.configure, or without one", function()
         wms.configure{ deadline = 0.3 }
         lab:on("RemapStations", { never = true, times = 0 })
         assert.equal("TIMEOUT", fault(m.remap(server)).code)
         local request = keep(m.start("remap", { server = server, deadline = false }))
         assert.is_false(request:wait(0.6))
         lab:clear()
         assert.is_true(request:wait(20))
         wms.configure{ deadline = false }
      end)

      it("when it is cancelled: what was sent is unknown, the rest skipped", function()
         lab:on("SplitStation", { never = true, times = 0 })
         local request = keep(m.start("split", { station_ids = { 1, 2, 3 }, server = server, on_error = "stop" }))
         kit.pump(request, function() return lab:counts().SplitStation == 1 end)
         request:cancel()
         assert.is_true(request:done())
         local err = fault(request:result())
         assert.same({ "unknown", "skipped", "skipped" }, pluck(err.outcomes, "state"))
         assert.same({ "CANCELLED", "CANCELLED", "CANCELLED" }, pluck(err.outcomes, "error", "code"))
         request:cancel()
      end)

      it("when it is cancelled in a pause", function()
         lab:on("SetStationFriendlyName", { drop = "before", times = 0 })
         local request = keep(m.start("set_station", { station_ids = 1, name = "a", server = server, retries = 1000 }))
         kit.pump(request, function() return lab:counts().SetStationFriendlyName == 2 end)
         request:cancel()
         assert.equal("CANCELLED", fault(request:result()).code)
      end)

      it("when it is closed, twice", function()
         lab:on("SplitStation", { never = true, times = 0 })
         local told = 0
         local request = m.start("split_all", { server = server, on_outcome = function() told = told + 1 end })
         kit.pump(request, function() return lab:counts().SplitStation end)
         request:close()
         request:close()
         assert.same({ true, true, 0 }, { request:done(), request:wait(1), told })
         assert.equal("CANCELLED", select(3, request:result()).code)
      end)

      it("when on_outcome raises, and the error is raised where it is waited for", function()
         for _, width in ipairs{ 1, 2 } do
            local other = prepare()
            local options = { servers = { server, other.server }, concurrency = width,
               on_outcome = function() error("enough", 0) end }
            local fine, raised = pcall(m.remap, options)
            assert.same({ false, "enough" }, { fine, raised })
            local request = keep(m.start("remap", options))
            fine, raised = pcall(request.wait, request)
            assert.same({ false, "enough" }, { fine, raised })
            assert.is_true(request:done())
         end
         local fine, raised = pcall(m.remap, { server = server, on_outcome = coroutine.yield })
         assert.same({ false, "on_outcome has yielded, which it cannot" }, { fine, raised })
      end)

      it("when `where` raises", function()
         local fine, raised = pcall(m.open_all, { server = server, file = "a", where = function() error("no", 0) end })
         assert.same({ false, "no" }, { fine, raised })
      end)
   end)

   describe("does not block", function()
      it("when it is started", function()
         lab:on("GetServerVersion", { never = true })
         local request = keep(m.start("version", server))
         assert.is_false(request:done())
         assert.equal("BUSY", select(3, request:result()).code)
         assert.is_false(request:wait(0))
         assert.is_false(request:step())
         assert.same({ "number", "r", "nil" }, { type(request:pollfd()), request:events(), tostring(request:timeout()) })
         kit.pump(request, function() return lab:counts().GetServerVersion end)
         lab:clear()
         assert.is_true(request:wait(20))
         assert.equal("10.0.14393.0", request:result().server_version)
         assert.equal("wms.multipoint.request (done)", tostring(request))
         assert.is_false(pcall(request.step))
         misuse("wait", { "seconds" }, function() request:wait(-1) end)
      end)

      it("in a loop, beside commands of wms", function()
         local loop = require "wms.loop.poll"
         local done = {}
         loop.start("multipoint.stations", server, function(stations) done[#done + 1] = #stations end)
         loop.start("multipoint.users", { server = server, name = "eve" }, function(users, message, err)
            done[#done + 1] = users or err.code
            assert.is_string(message)
         end)
         loop.start("sessions", server, function(sessions) done[#done + 1] = #sessions end)
         assert(loop.run())
         assert.same({ 0, 3 }, { loop.pending(), #done })
         assert.same({ 2, 3, "NOT_FOUND" }, kit.sorted(done))
         local raised
         loop.start("multipoint.remap", { server = server, on_outcome = function() error("enough", 0) end },
            function(_, message) raised = message end)
         assert(loop.run())
         assert.equal("enough", raised)
         misuse("start", { "no function", "give" }, function() loop.start("multipoint.x", server, print) end)
      end)

      for _, name in ipairs{ "luv", "cqueues" } do
         it("in a coroutine of " .. name, function()
            if not pcall(require, name) then
               pending("this Lua has no " .. name)
            end
            local loop, found = require("wms.loop." .. name), {}
            local function body()
               found.stations = #assert(loop.call("multipoint.stations", server))
               found.users = #assert(loop.wait(m.start("users", server)))
            end
            if name == "luv" then
               coroutine.wrap(body)()
               require "luv".run()
            else
               local controller = require "cqueues".new()
               controller:wrap(body)
               assert(controller:loop())
            end
            assert.same({ stations = 3, users = 0 }, found)
         end)
      end

      it("from a callback of its own", function()
         local inner
         assert(m.remap{ server = server, on_outcome = function() inner = assert(m.version(server)) end })
         assert.equal("10.0.14393.0", inner.server_version)
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

   it("belongs to its process", function()
      lab:on("GetNextStationIdentifier", { never = true })
      local request = keep(m.start("stations", server))
      local system = require "wms.system"
      local real = system.process
      system.process = function() return real() + 1 end -- as in a child
      local fine, code = pcall(function() return select(3, request:result()).code end)
      system.process = real
      assert.same({ true, "FORKED" }, { fine, code })
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
