-- SPDX-License-Identifier: MIT
--- What a MultiPoint host does not tell of one session, or refuses, is the matter of that one: the others are listed and
-- acted on.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local wms = kit.wms
local fine, pluck = kit.fine, kit.pluck

local UNKNOWN = { "is_orchestratable", "is_admin", "is_mog_user", "is_standard", "is_web_limited" }

bound.describe("one session of a MultiPoint host #once", pending, function()
   local host, log

   before_each(function()
      host = bound.host()
      host:remove("all")
      host:fill(1, 6, { user = "alice", flags = 4 + 8 + 32 })
      log = {}
      wms.configure{ log = function(level, text) log[#log + 1] = level .. " " .. text end }
   end)

   local function logged(words)
      return table.concat(log, "\n"):find(words, 1, true) ~= nil
   end

   --- By id.
   local function sessions()
      local list = {}
      for _, session in ipairs(fine(wms.sessions(host.server))) do
         list[session.session_id] = session
      end
      return list
   end

   local ODD = {
      ["fault with E_FAIL"] = { fault = 0x80004005 }, ["are denied"] = { fault = 0x80070005 },
      ["are not found"] = { fault = 0x80070002 }, ["fault in RPC"] = { fault = 0x800706BE },
      ["take too long inside the host"] = { fault = 0x800705B4 }, ["need memory"] = { fault = 0x8007000E },
      ["are not there"] = { body = "" }, ["are no number"] = { body = "<pgrfSession>many</pgrfSession>" },
      ["fault without SOAP"] = { status = 500, raw = "no" }, ["come when the host is busy"] = { status = 503, raw = "no" },
      ["are nil"] = {
         body = '<pgrfSession xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>',
      },
   }

   for what, rule in pairs(ODD) do
      it("whose flags " .. what .. " is listed with what is known, and tried", function()
         rule.id, rule.times = 3, 0
         host:on("GetSessionFlags", rule)
         local list = sessions()
         for id = 1, 6 do
            assert.equal("alice", list[id].user_name)
            assert.is_true(list[id].locked) -- the screen says it, too
            for _, field in ipairs(UNKNOWN) do
               assert.equal(id ~= 3, list[id][field] ~= nil, id .. " " .. field)
            end
         end
         local all = fine(wms.unlock_all(host.server))
         assert.same({ 1, 2, 3, 4, 5, 6 }, pluck(all, "session_id"))
         assert.same({ 0, 6 }, { host:counts().locks or 0, host:counts().StopLockingSession })
         for id, session in pairs(host:sessions()) do
            assert.is_false(session.locked, id)
         end
      end)
   end

   it("whose screen is not told of has no more than its flags", function()
      host:on("GetScreenState", { fault = 0x80070002, id = 3, times = 0 })
      host:on("GetScreenState", { body = "", id = 4, times = 0 })
      host:session{ id = 5, broadcast = 1, private = true }
      host:session{ id = 6, broadcast = 2 }
      host:session{ id = 2, broadcast = 3 }
      local list = sessions()
      assert.same({ true, true }, { list[3].locked, list[4].locked })
      assert.same({ false, false, "nil", "nil", true, true }, pluck(list, "is_broadcasting"))
      assert.same({ false, false, "nil", "nil", true, false }, pluck(list, "is_private"))
   end)

   it("that has no screen is not asked for it", function()
      host:session{ id = 3, state = 4 }
      host:session{ id = 4, state = 6 }
      local list = sessions()
      assert.same({ "nil", "nil" }, { tostring(list[3].is_private), tostring(list[4].is_private) })
      assert.equal(4, host:counts().GetScreenState)
   end)

   it("that is asked for nothing is known of is locked for nobody knows", function()
      host:on("GetSessionFlags", { fault = 0x80004005, id = 3 })
      host:on("GetScreenState", { fault = 0x80004005, id = 3 })
      assert.is_nil(sessions()[3].locked)
      assert.is_true(logged("session 3: its flags are not known: the host reports the error 0x80004005"))
   end)

   it("that has ended meanwhile is left out", function()
      host:on("GetSessionFlags", { fault = 0x80070002, id = 3, delay = 200 })
      local request = wms.start("sessions", { server = host.server })
      kit.pump(request, function() return (host:counts().GetSessionFlags or 0) >= 3 end)
      host:remove(3)
      kit.finish(request)
      assert.same({ 1, 2, 4, 5, 6 }, pluck(fine(request:result()), "session_id"))
      request:close()
   end)

   it("whose flags are refused because of the credentials, or broken off, ends the list", function()
      host:on("GetSessionFlags", { drop = "after", id = 3, times = 0 })
      assert.equal("UNREACHABLE", kit.fault(wms.sessions(host.server)).code)
      host:clear()
      host:on("GetSessionFlags", { status = 401, raw = "no", id = 3, times = 0 })
      assert.equal("ACCESS_DENIED", kit.fault(wms.sessions(host.server)).code)
      host:clear()
      assert.equal(6, #fine(wms.sessions(host.server)))
   end)

   for _, id in ipairs{ "4294967295", "4294967296", "18446744073709551615" } do
      it("of the id " .. id .. " is left out, and the log says so", function()
         local row = "<prgWmsSessionInfoWs><id>%s</id><state>0</state><wsUserName/><wsDomain/><wsWinStation/>"
            .. "<fIsRail>0</fIsRail></prgWmsSessionInfoWs>"
         host:on("GetAllSessions", {
            body = "<pcSessionInfo>2</pcSessionInfo><pprgWmsSessionInfoWs>" .. row:format(id) .. row:format(4)
               .. "</pprgWmsSessionInfoWs>",
         })
         assert.same({ 4 }, pluck(fine(wms.sessions(host.server)), "session_id"))
         assert.is_true(logged("session " .. id .. " is left out"))
         assert.is_false(logged("announces"))
      end)
   end

   it("more or less than the host announces is told by the log", function()
      host:on("GetAllSessions", { swap = "<pcSessionInfo>6<\n<pcSessionInfo>7<" })
      assert.equal(6, #fine(wms.sessions(host.server)))
      assert.is_true(logged("announces 7 sessions and lists 6"))
      host:on("GetAllSessions", { swap = "<pcSessionInfo>6<\n<pcSessionInfo>-1<" })
      assert.equal(6, #fine(wms.sessions(host.server)))
      assert.is_true(logged("announces -1 sessions and lists 6"))
   end)

   describe("and a message for all that is refused:", function()
      local REFUSED = { fault = 0x80004001 }

      it("unlock_all unlocks the sessions, and says it", function()
         host:on("SetBlockAllMessage", REFUSED)
         for _, outcome in ipairs(fine(wms.unlock_all(host.server))) do
            assert.equal("requested", outcome.state)
            assert.truthy(outcome.note:find("refused to discard its message for all", 1, true))
            assert.truthy(outcome.note:find("0x80004001", 1, true))
         end
         assert.equal(6, host:counts().StopLockingSession)
         assert.is_nil(fine(wms.unlock_all(host.server))[1].note)
      end)

      it("lock_all locks them with their own message, and says it", function()
         host:set{ block_all = "as it was" }
         host:on("SetBlockAllMessage", REFUSED)
         for _, outcome in ipairs(fine(wms.lock_all{ server = host.server, message = "Exam" })) do
            assert.truthy(outcome.note:find("refused to set its message for all", 1, true))
         end
         assert.equal("as it was", host:counts().block_all)
         assert.equal("Exam", host:sessions()[6].message)
      end)

      it("without a session to say it of, the command fails", function()
         host:remove("all")
         host:session{ id = 7, flags = 1 }
         host:on("SetBlockAllMessage", REFUSED)
         local err = kit.fault(wms.unlock_all(host.server))
         assert.same({ "PROTOCOL", "failed" }, { err.code, err.outcomes[1].state })
         assert.truthy(err.message:find("refused to discard", 1, true))
         host:on("SetBlockAllMessage", { fault = 0x800706BE })
         assert.equal("unknown", kit.fault(wms.unlock_all(host.server)).outcomes[1].state)
      end)

      it("because of the credentials, nothing is sent", function()
         host:on("SetBlockAllMessage", { status = 401, raw = "no" })
         assert.equal("ACCESS_DENIED", kit.fault(wms.unlock_all(host.server)).code)
         assert.is_nil(host:counts().StopLockingSession)
      end)
   end)
end)

bound.describe("stations of MultiPoint hosts #once", pending, function()
   local NAMED = { subject = "lab01.localhost" }

   local function lab(stations, options)
      local host = bound.host(options)
      host:remove("all")
      host:set{ stations = stations }
      return host
   end

   local function shown(host)
      local list = {}
      for _, session in ipairs(fine(wms.sessions(host.server))) do
         list[session.session_id] = session.state .. " " .. tostring(session.station_id)
      end
      return list
   end

   local function station(id, session, name)
      return {
         id = id, times = 0,
         body = ("<pidSession>%d</pidSession><pwsSessionHost>%s</pwsSessionHost><peState>4</peState>")
            :format(session, name),
      }
   end

   it("that show another host's session of the same number are not ours", function()
      local host = lab(2, NAMED)
      host:session{ id = 3, user = "bob" }
      host:session{ id = 4, user = "carol" }
      host:on("GetStationInformation", station(1, 3, "OTHER.school.example"))
      host:on("GetStationInformation", station(2, 4, "LAB01"))
      local list = fine(wms.sessions(host.server))
      assert.same({ "RemoteConnection", "ConnectedToStation" }, pluck(list, "state"))
      assert.same({ "nil", 2 }, pluck(list, "station_id"))
      assert.same({ "nil", "LAB01" }, pluck(list, "computer_name"))
   end)

   it("are ours where they bear one of the host's names", function()
      for name, own in pairs{
         ["lab01.localhost"] = true, LAB01 = true, ["LAB01.LOCALHOST"] = true, localhost = true, ["."] = true, [""] = true,
         ["127.0.0.1"] = true, ["lab01.other"] = false, lab011 = false, lab0 = false,
      } do
         local host = lab(1, NAMED)
         host:session{ id = 3 }
         host:on("GetStationInformation", station(1, 3, name))
         assert.same({ [3] = own and "ConnectedToStation 1" or "RemoteConnection nil" }, shown(host), name)
         host:down()
      end
   end)

   it("of an address that may be anybody's are not guessed at", function()
      local host = lab(2, NAMED)
      host:session{ id = 3 }
      host:on("GetStationInformation", station(1, 3, "192.0.2.7"))
      assert.same({ [3] = "Active nil" }, shown(host))
   end)

   it("where the host has told no name, are all of one host, or nobody's", function()
      local host = lab(2)
      host:session{ id = 3 }
      host:session{ id = 4 }
      host:on("GetStationInformation", station(1, 3, "ONE"))
      host:on("GetStationInformation", station(2, 4, "one.example"))
      assert.same({ [3] = "ConnectedToStation 1", [4] = "ConnectedToStation 2" }, shown(host))
      host:clear()
      host:on("GetStationInformation", station(1, 3, "ONE"))
      host:on("GetStationInformation", station(2, 4, "TWO"))
      assert.same({ [3] = "Active nil", [4] = "Active nil" }, shown(host))
   end)

   for what, hr in pairs{ ["is gone"] = 0x80070490, ["is denied"] = 0x80070005, ["does not answer"] = 0x8007001F } do
      it("one of which " .. what .. " hide none of the others", function()
         local host = lab(3)
         host:session{ id = 7, station = 1 }
         host:session{ id = 8, station = 3 }
         host:session{ id = 9 }
         host:on("GetStationInformation", { fault = hr, id = 2, times = 0 })
         local elsewhere = hr == 0x80070490 and "RemoteConnection nil" or "Active nil" -- it may sit at station 2
         assert.same({ [7] = "ConnectedToStation 1", [8] = "ConnectedToStation 3", [9] = elsewhere }, shown(host))
      end)
   end

   it("have ids with gaps", function()
      local host = lab(9)
      host:session{ id = 7, station = 2 }
      host:session{ id = 8, station = 9 }
      for from, to in pairs{ [0] = 2, [2] = 9 } do
         host:on("GetNextStationIdentifier", { id = from, times = 0,
            body = ("<pidNextStation>%d</pidNextStation>"):format(to) })
      end
      assert.same({ [7] = "ConnectedToStation 2", [8] = "ConnectedToStation 9" }, shown(host))
      assert.equal(2, host:counts().GetStationInformation)
   end)

   for what, last in pairs{
      ["a fault"] = { fault = 0x80070490 }, ["no number"] = { body = "" },
      ["0"] = { body = "<pidNextStation>0</pidNextStation>" },
      ["the number of none"] = { body = "<pidNextStation>4294967295</pidNextStation>" },
   } do
      it("end with " .. what, function()
         local host = lab(4)
         host:session{ id = 7, station = 1 }
         host:session{ id = 8 }
         last.id, last.times = 1, 0
         host:on("GetNextStationIdentifier", last)
         assert.same({ [7] = "ConnectedToStation 1", [8] = "RemoteConnection nil" }, shown(host))
         assert.equal(1, host:counts().GetStationInformation)
      end)
   end

   for what, rule in pairs{
      ["is not known"] = { fault = 0x80004001 }, ["begins with no number"] = { body = "" },
      ["is denied"] = { fault = 0x80070005 },
   } do
      it("are counted where the next one " .. what, function()
         local host = lab(3)
         host:session{ id = 7, station = 3 }
         rule.times = 0
         host:on("GetNextStationIdentifier", rule)
         assert.same({ [7] = "ConnectedToStation 3" }, shown(host))
         assert.same({ 4, 1 }, { host:counts().GetStationInformation, host:counts().GetNextStationIdentifier })
      end)
   end

   it("that go backwards, stand still or never end come to an end", function()
      for _, body in ipairs{ "1", "2" } do
         local host = lab(4)
         host:session{ id = 7, station = 1 }
         host:on("GetNextStationIdentifier", { id = 2, times = 0,
            body = "<pidNextStation>" .. body .. "</pidNextStation>" })
         assert.same({ [7] = "ConnectedToStation 1" }, shown(host))
         assert.equal(2, host:counts().GetStationInformation)
         host:down()
      end
      local host = lab(4000000000)
      host:session{ id = 7, station = 1 }
      host:session{ id = 8 }
      assert.same({ [7] = "ConnectedToStation 1", [8] = "Active nil" }, shown(host))
      assert.is_true(host:counts().GetStationInformation <= 1024)
   end)
end)

bound.describe("a room of 40 MultiPoint hosts #once", pending, function()
   it("with an odd session each: all others are unlocked, and it is said which were not and why", function()
      local hosts, servers, odd = {}, {}, {}
      for i = 1, 40 do
         local host = bound.host()
         hosts[i], servers[i], odd[host.server] = host, host.server, i % 30 + 1
         host:remove("all")
         host:fill(1, 30, { flags = 44 })
         host:on("GetSessionFlags", { fault = 0x80004005 + i, id = odd[host.server], times = 0 })
         host:on("StopLockingSession", { id = odd[host.server], times = 0,
            fault = i % 2 == 0 and 0x80070005 or 0x80004005 })
      end
      local list = assert(select(3, wms.unlock_all{ server = servers })).outcomes
      assert.equal(1200, #list)
      for _, outcome in ipairs(list) do
         kit.shape(outcome)
         local failed = outcome.session_id == odd[outcome.server]
         assert.equal(failed and "failed" or "requested", outcome.state)
         assert.equal(failed, outcome.error ~= nil)
      end
      for i, host in ipairs(hosts) do
         for id, session in pairs(host:sessions()) do
            assert.equal(id == odd[host.server], session.locked)
         end
         local outcome = list[(i - 1) * 30 + odd[host.server]]
         assert.equal(host.server, outcome.server)
         assert.equal(i % 2 == 0 and "ACCESS_DENIED" or "PROTOCOL", outcome.error.code)
         assert.truthy(i % 2 == 0 or outcome.error.message:find("0x80004005", 1, true))
      end
   end)
end)
