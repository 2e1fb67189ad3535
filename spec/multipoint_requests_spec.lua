-- SPDX-License-Identifier: MIT
--- wms.multipoint: calls that are under way.  Many hosts of which some do not answer, other tries, limits of time, loops.
local kit = require "spec.support.kit"
local multipoint = require "spec.support.multipoint"
local wms = kit.wms
local fault, misuse, pluck = kit.fault, kit.misuse, kit.pluck

describe("a function of wms.multipoint", function()
   local why = multipoint.missing()
   if why then
      it("works", function() pending(why) end)
      return
   end

   local m = require "wms.multipoint"
   local keep, sweep = kit.keeper()
   local lab, server

   local function prepare()
      local one = multipoint.lab{ stations = 3 }
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

   teardown(multipoint.down)

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
end)
