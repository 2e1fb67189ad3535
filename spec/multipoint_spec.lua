-- SPDX-License-Identifier: MIT
--- MultiPoint hosts: the contract, and what their sessions and commands have beyond it.
local contract = require "spec.contract"
local kit = require "spec.support.kit"
local multipoint = require "spec.support.multipoint"
local process = require "spec.support.process"
local soap = require "spec.support.soap"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

local ADMIN, OPERATOR, USER, LOCKED, LIMITED, FREE = 1, 2, 4, 8, 16, 32

local function skip(why)
   pending(why)
end

describe("multipoint", function()
   teardown(multipoint.down)
   contract(multipoint, skip)
end)

describe("MultiPoint hosts", function()
   local why = multipoint.missing()
   if why then
      it("are here", function() pending(why) end)
      return
   end

   teardown(function()
      multipoint.down()
      soap.sweep()
   end)

   after_each(function()
      kit.reset()
      multipoint.sweep()
   end)

   describe("list sessions", function()
      it("with their idle times, if they are asked for", function()
         local lab = multipoint.lab()
         for id = 3, 6 do
            lab:session{ id = id, user = "alice", flags = USER + LOCKED + FREE }
         end
         lab:on("CurrentActivity", { body = "<pdwInactiveTicks>1800000</pdwInactiveTicks>", id = 3, times = 0 })
         lab:on("CurrentActivity", { fault = 0x80004005, id = 4, times = 0 })
         lab:on("CurrentActivity", { body = "<pdwInactiveTicks>4294967295</pdwInactiveTicks>", id = 5, times = 0 })
         lab:on("CurrentActivity", { body = "", id = 6, times = 0 })
         for _, session in ipairs(fine(wms.sessions(lab.server))) do
            assert.is_nil(session.idle_since)
         end
         assert.is_nil(lab:counts().CurrentActivity)
         local before = os.time()
         local list = fine(wms.sessions{ server = lab.server, activity = true })
         assert.same({ 3, 4, 5, 6 }, pluck(list, "session_id"))
         local since = list[1].idle_since
         assert.truthy(since >= before - 1801 and since <= os.time() - 1799, since)
         for i = 2, 4 do -- not known is nil, and spoils nothing else
            assert.same({ nil, true, false }, { list[i].idle_since, list[i].locked, list[i].is_private })
         end
         assert.equal(4, lab:counts().CurrentActivity)
         lab:reset()
         local outcomes = fine(wms.unlock_all{ server = lab.server, activity = true, where = function(session)
            return session.idle_since ~= nil and os.time() - session.idle_since > 1000
         end })
         assert.same({ 3 }, pluck(outcomes, "session_id"))
         assert.same({ 4, nil }, { lab:counts().CurrentActivity, lab:counts().GetScreenState })
         kit.misuse("unlock_all", { "activity: nobody looks at it", "leave" }, function()
            wms.unlock_all{ server = lab.server, activity = true }
         end)
         kit.misuse("unlock", { "activity: no such option" }, function()
            wms.unlock{ session_ids = 3, server = lab.server, activity = true }
         end)
         kit.misuse("sessions", { "activity: a string" }, function() wms.sessions{ activity = "yes" } end)
      end)

      it("with all that the host says of them", function()
         local lab = multipoint.lab{ stations = 3 }
         lab:session{
            id = 3, user = "alice", domain = "SCHOOL", winstation = "RDP-Tcp#1", station = 2, rail = true,
            flags = USER + LOCKED + LIMITED + FREE,
         }
         assert.same({ {
            server = lab.server, session_id = 3, state = "ConnectedToStation", user_name = "alice", domain_name = "SCHOOL",
            computer_name = lab.name, win_station = "RDP-Tcp#1", station_id = 2, is_rail = true, is_admin = false,
            is_mog_user = false, is_orchestratable = true, locked = true, is_standard = true, is_web_limited = true,
            is_private = false, is_broadcasting = false, identity = "SCHOOL\\alice",
         } }, fine(wms.sessions(lab.server)))
      end)

      it("and leave out what the host does not say", function()
         local lab = multipoint.lab()
         lab:session{ id = 0 }
         assert.same({ {
            server = lab.server, session_id = 0, state = "Active", is_rail = false, is_admin = false, is_mog_user = false,
            is_orchestratable = true, locked = false, is_standard = true, is_web_limited = false, is_private = false,
            is_broadcasting = false, identity = "\\",
         } }, fine(wms.sessions(lab.server)))
      end)

      it("with each flag by itself", function()
         local lab = multipoint.lab()
         local flags = { 0, ADMIN, OPERATOR, USER, LOCKED, LIMITED, FREE, 4294967295 - LOCKED }
         for i, value in ipairs(flags) do
            lab:session{ id = i, flags = value }
         end
         local list = fine(wms.sessions(lab.server))
         local function only(field)
            local ids = {}
            for _, session in ipairs(list) do
               if session[field] then
                  ids[#ids + 1] = session.session_id
               else
                  assert.is_false(session[field])
               end
            end
            return ids
         end
         assert.same({ 2, 8 }, only("is_admin"))
         assert.same({ 3, 8 }, only("is_mog_user"))
         assert.same({ 4, 8 }, only("is_standard"))
         assert.same({ 5 }, only("locked"))
         assert.same({ 6, 8 }, only("is_web_limited"))
         assert.same({ 7, 8 }, only("is_orchestratable"))
      end)

      it("with the flags under both names that the specification has for them", function()
         for _, name in ipairs{ "pgrfSession", "pfgrSession" } do
            local lab = multipoint.lab{ flags_name = name }
            lab:session{ id = 3, flags = ADMIN + LOCKED }
            lab:session{ id = 4, flags = USER + FREE }
            local list = fine(wms.sessions(lab.server))
            assert.same({ true, false }, pluck(list, "locked"))
            assert.same({ true, false }, pluck(list, "is_admin"))
            assert.same({ true }, pluck(fine(wms.lock{
               session_ids = 4, server = lab.server, message = "m", verify = 10,
            }), "changed"))
         end
      end)

      it("in every state that Windows has", function()
         local lab = multipoint.lab()
         for state = 0, 10 do
            lab:session{ id = state, state = state }
         end
         lab:session{ id = 11, state = 4294967295 }
         assert.same({
            "Active", "Connected", "ConnectQuery", "Shadow", "Disconnected", "Idle", "Listen", "Reset", "Down", "Init",
            "Unknown", "Unknown",
         }, pluck(fine(wms.sessions(lab.server)), "state"))
      end)

      it("at stations and away from them", function()
         local lab = multipoint.lab{ stations = 5 }
         lab:session{ id = 1, station = 5 }
         lab:session{ id = 2 }
         lab:session{ id = 3, station = 1 }
         lab:session{ id = 4, state = 4 }
         local list = fine(wms.sessions(lab.server))
         assert.same({ "ConnectedToStation", "RemoteConnection", "ConnectedToStation", "Disconnected" },
            pluck(list, "state"))
         assert.same({ 5, "nil", 1, "nil" }, pluck(list, "station_id"))
         assert.same({ lab.name, "nil", lab.name, "nil" }, pluck(list, "computer_name"))
         assert.equal(5, lab:counts().GetStationInformation)
         assert.equal(6, lab:counts().GetNextStationIdentifier) -- until there are no more
      end)

      it("without stations", function()
         local lab = multipoint.lab{ stations = 0 }
         lab:session{ id = 1, user = "alice" }
         assert.same({ "Active" }, pluck(fine(wms.sessions(lab.server)), "state"))
         assert.equal(1, lab:counts().GetStationInformation)
      end)

      it("with the smallest and the largest id", function()
         local lab = multipoint.lab()
         lab:session{ id = 0 }
         lab:session{ id = 4294967294 }
         assert.same({ 0, 4294967294 }, pluck(fine(wms.sessions(lab.server)), "session_id"))
         fine(wms.unlock{ session_ids = { 0, 4294967294 }, server = lab.server, verify = 10 })
      end)

      it("that are still there when they have all been asked for", function()
         local lab = multipoint.lab()
         lab:fill(1, 12)
         lab:on("GetSessionFlags", { never = true, times = 4 })
         local request = wms.start("sessions", { server = lab.server })
         kit.pump(request, function() return lab:counts().GetSessionFlags == 4 end)
         lab:remove(11)
         lab:remove(12)
         lab:clear()
         kit.finish(request)
         assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, pluck(fine(request:result()), "session_id"))
         request:close()
      end)
   end)

   describe("the Block All message #once", function()
      it("is set by lock_all and discarded by unlock_all", function()
         local lab = multipoint.lab()
         lab:fill(1, 2)
         fine(wms.lock_all{ server = lab.server, message = "Exam <1> & \"2\"" })
         assert.equal("Exam <1> & \"2\"", lab:counts().block_all)
         assert.same({ "Exam <1> & \"2\"", "Exam <1> & \"2\"" }, pluck(lab:sessions(), "message"))
         lab:reset()
         fine(wms.unlock_all(lab.server))
         assert.equal("", lab:counts().block_all)
         assert.equal("SetBlockAllMessage", lab:log()[1].verb) -- before the host's manager could lock again
      end)

      it("is let be by what_if, and by commands on single sessions", function()
         local lab = multipoint.lab{ block_all = "as it was" }
         lab:fill(1, 2)
         fine(wms.lock_all{ server = lab.server, message = "Exam", what_if = true })
         fine(wms.unlock_all{ server = lab.server, what_if = true })
         fine(wms.lock{ session_ids = { 1, 2 }, server = lab.server, message = "Exam" })
         fine(wms.unlock{ session_ids = { 1, 2 }, server = lab.server })
         fine(wms.sessions(lab.server))
         fine(wms.disconnect_all(lab.server))
         fine(wms.close_all(lab.server))
         assert.equal("as it was", lab:counts().block_all)
         assert.is_nil(lab:counts().SetBlockAllMessage)
      end)

      it("is not said to have failed where it is set, and the sessions cannot be listed", function()
         local rules = { { fault = 0x80004005 }, { status = 500, body = "" }, { swap = "</s:Body>\n</s:Boddy>" } }
         for _, rule in ipairs(rules) do
            local lab = multipoint.lab()
            lab:session{ id = 3, flags = 36 }
            lab:session{ id = 4, flags = 36 }
            lab:on("GetAllSessions", rule)
            local _, message, err = wms.lock_all{ server = lab.server, message = "Exam" }
            assert.equal("Exam", lab:counts().block_all)
            assert.equal("unknown", err.outcomes[1].state, message)
            assert.equal(1, lab:counts().SetBlockAllMessage)
         end
      end)

      it("would have had every unlocked session locked again", function()
         local lab = multipoint.lab{ block_all = "by the manager", block_all_relock = 30 }
         lab:fill(1, 3, { flags = 44 })
         local err = fault(wms.unlock{ session_ids = 1, server = lab.server, verify = 10, stable = 30 })
         assert.equal("REVERTED", err.code)
         assert.equal("by the manager", lab:sessions()[1].message)
         assert.same({ "verified", "verified", "verified" },
            pluck(fine(wms.unlock_all{ server = lab.server, stable = 0.2 }), "state"))
      end)
   end)

   it("lock, disconnect and close administrators too where their orchestration is on", function()
      local lab = multipoint.lab{ admin_orchestration = true }
      lab:session{ id = 1, flags = ADMIN }
      assert.is_true(fine(wms.sessions(lab.server))[1].is_orchestratable)
      assert.same({ "verified" }, pluck(fine(wms.lock_all{ server = lab.server, message = "m", verify = 10 }), "state"))
      assert.same({ "verified" }, pluck(fine(wms.disconnect_all{ server = lab.server, verify = 10 }), "state"))
      assert.same({ "verified" }, pluck(fine(wms.close_all{ server = lab.server, verify = 10 }), "state"))
   end)

   it("may answer an administrator with the request's own action, as the specification shows it #once", function()
      local lab = multipoint.new()
      lab:set{ request_action = true, timestamps = true }
      local bound = assert(wms.bind(multipoint.binding(lab)))
      assert.same({ server = lab.server, fingerprint = lab.fingerprint, thumbprint = lab.thumbprint, port = lab.https,
         management = true }, bound)
      lab:session{ id = 3, flags = 44 }
      fine(wms.unlock{ session_ids = 3, server = lab.server, verify = 10 })
      lab:set{ no_management = true }
      assert.is_false(assert(wms.bind(multipoint.binding(lab, { management = false }))).management)
      local _, message, err = wms.bind(multipoint.binding(lab))
      assert.equal("UNSUPPORTED", err.code)
      assert.truthy(message:find("management", 1, true))
   end)

   it("are named by any name that leads to them #once", function()
      local lab = multipoint.new{ subject = "lab01.localhost" }
      lab:session{ id = 3, user = "alice" }
      assert.equal(lab.server, assert(wms.bind(multipoint.binding(lab))).server)
      assert.same({ "alice" }, pluck(fine(wms.sessions(("lab01.localhost:%d"):format(lab.http))), "user_name"))
      assert.same({ lab.server }, pluck(fine(wms.sessions(lab.server)), "server"))
      local address = ("127.0.0.1:%d"):format(lab.http)
      local _, _, err = wms.bind(multipoint.binding(lab, { server = address, certificate_name = "127.0.0.1" }))
      assert.equal("UNTRUSTED", err.code) -- the certificate is for another name
      assert.equal(address, assert(wms.bind(multipoint.binding(lab, { server = address }))).server)
   end)

   it("are worked with by a client that is not ours at the same time #once", function()
      if select(2, process.run("/usr/bin/python3 -c 'import zeep'")) ~= 0 then
         pending("python3-zeep is not installed")
      end
      local lab = multipoint.lab()
      lab:session{ id = 3, user = "alice", domain = "SCHOOL" }
      lab:session{ id = 7, user = "teacher", flags = ADMIN }
      local pipe = soap.folder() .. "/pipe"
      process.run("mkfifo " .. process.quote(pipe))
      local input = soap.write("admin", lab.admin .. "\n" .. lab.password .. "\n")
      local theirs = assert(io.popen(("PYTHONIOENCODING=utf-8 /usr/bin/python3 -W ignore %s %s %s %d %s 3 %s < %s 2>&1")
         :format("spec/host/multipoint/zeep_client.py", process.quote(soap.wsdl()), lab.address, lab.http, lab.fingerprint,
            process.quote(pipe), process.quote(input))))
      local said = {}
      repeat
         local line = theirs:read("*l")
         assert(line, table.concat(said, "\n"))
         said[#said + 1] = line
      until line:find("^screen")
      assert.truthy(table.concat(said, "\n"):find(
         "session 3 0 alice\nsession 7 0 teacher\nbefore 36\nlocked 44\nscreen True", 1, true))

      -- Ours sees what theirs did, and does something that theirs sees.
      assert.same({ true, false }, pluck(fine(wms.sessions(lab.server)), "locked"))
      assert.same({ true }, pluck(fine(wms.unlock{ session_ids = 3, server = lab.server, verify = 10 }), "changed"))
      local go = assert(io.open(pipe, "w"))
      go:close()
      local rest = theirs:read("*a")
      theirs:close()
      assert.truthy(rest:find("^meanwhile 36\nunlocked 36\n.*ok\n$"), rest)
      local verbs = {}
      for _, entry in ipairs(lab:log()) do
         if entry.id == 3 and entry.verb:find("Lock") then
            verbs[#verbs + 1] = entry.verb
         end
      end
      assert.same({ "LockSession", "StopLockingSession", "StopLockingSession" }, verbs)

      -- Both have got the same pictures.
      for i, size in ipairs{ "small", "medium", "large", "full" } do
         local file = assert(io.open(input, "wb"))
         file:write(fine(wms.thumbnail{ session_ids = 3, server = lab.server, size = size })[1].picture)
         file:close()
         local sums = {}
         for sum in table.concat(said, "\n"):gmatch("picture (%x+)") do
            sums[#sums + 1] = sum
         end
         assert.equal(sums[i], process.run("sha256sum " .. input):match("^%x+"))
      end
   end)
end)
