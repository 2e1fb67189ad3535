-- SPDX-License-Identifier: MIT
--- How MultiPoint hosts are asked: how many requests and connections, how often, and how many hosts at once.
local kit = require "spec.support.kit"
local multipoint = require "spec.support.multipoint"
local process = require "spec.support.process"
local soap = require "spec.support.soap"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

describe("a MultiPoint host #once", function()
   local why = multipoint.missing()
   if why then
      it("is asked", function() pending(why) end)
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

   --- A host that this process has talked to only to be bound.
   local function fresh(count)
      local lab = multipoint.new()
      assert(wms.bind(multipoint.binding(lab)))
      if count then
         lab:fill(1, count)
      end
      return lab
   end

   --- What a process of its own does that has the binding already.
   local function elsewhere(lab, text)
      local binding = soap.write("binding", multipoint.store.kept[("127.0.0.1:%d"):format(lab.http)])
      return process.script(([[
         local file = io.open(%q)
         local binding = file:read("*a")
         file:close()
         local wms = require "wms"
         wms.configure{ store = {
            load = function() return binding end, save = error, remove = error, list = function() return {} end,
         } }
         local server = %q
         %s]]):format(binding, lab.server, text))
   end

   describe("that is bound", function()
      it("is reached by one handshake, and unlocks by one request", function()
         local lab = fresh(3)
         lab:reset()
         local text, code = elsewhere(lab, [[
            local outcome = assert(wms.unlock{ session_ids = 2, server = server })[1]
            print(outcome.session_id, outcome.state)]])
         assert.same({ 0, "2\trequested\n" }, { code, text })
         local counts = lab:counts()
         assert.same({ 1, 1, 1, 1, 0, 0 }, { counts.requests, counts.StopLockingSession, counts.connections_https,
            counts.handshakes, counts.connections_http, counts.admin_tls })
      end)

      it("unlocks by one request, and nothing else, where the connection is there", function()
         local lab = fresh(3)
         fine(wms.unlock{ session_ids = 1, server = lab.server })
         lab:reset()
         fine(wms.unlock{ session_ids = 2, server = lab.server })
         local counts = lab:counts()
         assert.same({ 1, 1, 0, 0 },
            { counts.requests, counts.StopLockingSession, counts.connections_https, counts.handshakes })
      end)

      it("is asked once for each session, and once more for what is asked of all, for a list for screens", function()
         local lab = multipoint.lab{ stations = 2 }
         lab:fill(1, 5)
         fine(wms.lock{ session_ids = { 1, 2, 3 }, server = lab.server, message = "m" })
         assert.equal(3, lab:counts().requests)
         lab:reset()
         fine(wms.unlock_all(lab.server)) -- the message, the list, five flags, five unlocks
         assert.equal(1 + 1 + 5 + 5, lab:counts().requests)
         lab:reset()
         -- The list, five flags, five screens; two stations, which comes first and which after each.
         fine(wms.sessions(lab.server))
         assert.equal(1 + 5 + 5 + 2 + 3, lab:counts().requests)
      end)
   end)

   describe("connections", function()
      it("are four at most", function()
         local lab = fresh(60)
         fine(wms.sessions(lab.server))
         fine(wms.unlock_all(lab.server))
         local requests = {}
         for i = 1, 10 do
            requests[i] = wms.start("lock", { session_ids = { i, i + 10, i + 20 }, server = lab.server, message = "m" })
         end
         for _, request in ipairs(requests) do
            kit.finish(request)
            fine(request:result())
            request:close()
         end
         assert.equal(4, lab:counts().connections_https) -- since the host began
         assert.equal(1, lab:counts().connections_http)
      end)

      it("are four where more could be used, and all of them are", function()
         local lab = fresh(20)
         lab:reset()
         lab:on("StopLockingSession", { never = true, times = 0 })
         local ids = {}
         for id = 1, 20 do
            ids[id] = id
         end
         local request = wms.start("unlock", { session_ids = ids, server = lab.server })
         kit.pump(request, function() return lab:counts().StopLockingSession == 4 end)
         request:wait(0.05) -- for more of them to come, if there were any
         assert.equal(4, lab:counts().StopLockingSession)
         lab:clear()
         kit.finish(request)
         assert.equal(20, #fine(request:result()))
         request:close()
         assert.equal(3, lab:counts().connections_https) -- and the one from before
      end)

      it("are as many as `connections` says", function()
         for _, most in ipairs{ 1, 2, 7 } do
            wms.configure{ connections = most }
            local lab = fresh(40)
            lab:on("GetSessionFlags", { delay = 4, times = 40 })
            fine(wms.sessions(lab.server))
            assert.equal(most, lab:counts().connections_https)
         end
      end)

      it("are kept, and serve the commands that come later", function()
         local lab = multipoint.lab()
         lab:fill(1, 30)
         fine(wms.sessions(lab.server))
         lab:reset()
         for i = 1, 10 do
            fine(wms.unlock_all(lab.server))
            fine(wms.lock{ session_ids = i, server = lab.server, message = "m", verify = 10 })
            assert.is_table(wms.call{
               server = lab.server, interface = "IMultiPointServer", operation = "GetServerVersion",
            })
         end
         assert.same({ 0, 0 }, { lab:counts().connections_https, lab:counts().handshakes })
      end)

      it("take up the TLS session of the first one", function()
         local lab = fresh(20)
         lab:reset()
         lab:on("GetSessionFlags", { delay = 4, times = 20 })
         fine(wms.sessions(lab.server))
         local counts = lab:counts()
         assert.equal(3, counts.handshakes)
         -- OpenSSL gives a ticket of TLS 1.3 up when a handshake with it is complete, and the host's next ones come after
         -- that: a connection that begins between the two makes a whole handshake. What follows is exact.
         assert.is_true(counts.resumed >= 1 and counts.resumed <= 3, counts.resumed)
      end)

      it("that break are made anew, with the TLS session of before", function()
         wms.configure{ connections = 1 }
         local lab = fresh(1)
         fine(wms.sessions(lab.server))
         lab:reset()
         for i = 1, 3 do
            lab:on("GetAllSessions", { drop = "before" }) -- the host has seen the question, and gets it again
            assert.equal(1, #fine(wms.sessions(lab.server)))
            local counts = lab:counts()
            assert.same({ 2 * i, i, i }, { counts.GetAllSessions, counts.handshakes, counts.resumed })
         end
      end)
   end)

   describe("with very many sessions", function()
      it("lists them all, and unlocks them all", function()
         local lab, count = multipoint.lab(), 10000
         lab:fill(1, count, { user = "pupil & co", flags = 44 })
         local list = fine(wms.sessions(lab.server))
         assert.equal(count, #list)
         assert.same({ 1, count, "pupil & co", true },
            { list[1].session_id, list[count].session_id, list[count].user_name, list[count].locked })
         local seen = 0
         list = fine(wms.unlock_all{ server = lab.server, on_outcome = function() seen = seen + 1 end })
         assert.same({ count, count }, { #list, seen })
         lab:wait("StopLockingSession", count)
         assert.has_error(function() lab:wait("locks", 1, 1) end)
      end)
   end)

   describe("among many hosts", function()
      local labs, servers, bound, counts

      setup(function()
         labs, servers, bound, counts = {}, {}, {}, {}
         for i = 1, 50 do
            labs[i] = multipoint.new()
            labs[i]:fill(1, 5, { flags = 44 })
            servers[i] = labs[i].server
         end
         for i, lab in ipairs(labs) do
            bound[i] = wms.start("bind", multipoint.binding(lab))
         end
         for i, request in ipairs(bound) do
            request:wait(30)
            bound[i] = request:done() and { request:result() }
            counts[i] = labs[i]:counts()
            request:close()
         end
      end)

      before_each(function()
         multipoint.use()
         for _, lab in ipairs(labs) do
            lab:clear()
            lab:reset()
         end
      end)

      it("is bound while the others are", function()
         for i, lab in ipairs(labs) do
            assert.same({ server = lab.server, fingerprint = lab.fingerprint, thumbprint = lab.thumbprint, port = lab.https,
               management = true }, bound[i] and bound[i][1])
            assert.same({ 2, 0, 1 }, { counts[i].requests, counts[i].admin_plain, counts[i].admin_tls })
         end
      end)

      it("is served by one command", function()
         local list = fine(wms.unlock_all{ servers = servers, verify = 20, concurrency = 50 })
         assert.equal(250, #list)
         for i, outcome in ipairs(list) do
            local at = math.floor((i - 1) / 5) + 1
            assert.same({ servers[at], (i - 1) % 5 + 1, "verified", true },
               { outcome.server, outcome.session_id, outcome.state, outcome.changed })
         end
         assert.equal(250, #fine(wms.sessions{ servers = servers }))
      end)

      it("does not wait for one that does not answer", function()
         local silent = labs[25]
         silent:on("*", { never = true, times = 0 })
         local done = 0
         local request = wms.start("lock_all", {
            servers = servers, message = "m", timeout = 60, concurrency = 50, on_outcome = function() done = done + 1 end,
         })
         kit.pump(request, function() return done == 245 end)
         request:cancel()
         local err = fault(request:result())
         request:close()
         assert.equal(246, #err.outcomes)
         assert.same({ server = silent.server, state = "unknown" },
            { server = err.outcomes[121].server, state = err.outcomes[121].state })
      end)
   end)

   describe("is looked at again and again", function()
      it("less often as time goes by", function()
         local lab = multipoint.lab()
         lab:fill(1, 2, { flags = 44 })
         fine(wms.unlock{ session_ids = { 1, 2 }, server = lab.server, verify = 10, stable = 1.5 })
         local counts = lab:counts()
         -- Before the action, after it, and from then on; on a machine that stands still meanwhile, no more than that.
         assert.is_true(counts.GetSessionFlags >= 4 and counts.GetSessionFlags <= 28, counts.GetSessionFlags)
         assert.equal(2, counts.StopLockingSession)
      end)

      it("until what was asked for is there", function()
         local lab = multipoint.lab()
         lab:session{ id = 1, flags = 44, deaf = true }
         local request = wms.start("unlock", { session_ids = 1, server = lab.server, verify = 60 })
         kit.pump(request, function() return (lab:counts().GetSessionFlags or 0) >= 4 end)
         assert.is_false(request:done())
         lab:session{ id = 1, flags = 36 }
         kit.finish(request)
         assert.same({ "verified", true }, { fine(request:result())[1].state, request:result()[1].changed })
         request:close()
      end)

      it("and is found locked again", function()
         local lab = multipoint.lab()
         lab:session{ id = 1, flags = 44, relock = 1500 } -- not before it was seen to be unlocked
         lab:session{ id = 2, flags = 44 }
         local err = fault(wms.unlock{ session_ids = { 1, 2 }, server = lab.server, stable = 4 })
         assert.same({ "REVERTED", "nil" }, pluck(err.outcomes, "error", "code"))
         assert.same({ "failed", "verified" }, pluck(err.outcomes, "state"))
         assert.equal("Station blocked", lab:sessions()[1].message)
         assert.truthy(err.message:find("session 1", 1, true))
      end)

      it("or without a screen, or gone", function()
         local lab = multipoint.lab()
         lab:fill(1, 2)
         assert.same({ true }, pluck(fine(wms.disconnect{ session_ids = 1, server = lab.server, verify = 10 }), "changed"))
         assert.same({ false }, pluck(fine(wms.disconnect{ session_ids = 1, server = lab.server, verify = 10 }), "changed"))
         assert.is_true(lab:counts().GetScreenState >= 2)
         assert.is_nil(lab:counts().GetSessionFlags)
         assert.same({ true }, pluck(fine(wms.close{ session_ids = 1, server = lab.server, verify = 10 }), "changed"))
      end)

      it("no longer when nobody asks any more", function()
         local slow = kit.name()
         local host = wms.memory(slow, { latency = 60 })
         finally(function() host:close() end)
         local lab = multipoint.lab()
         lab:session{ id = 1, flags = 44, deaf = true }
         local request = wms.start("unlock", { session_ids = 1, server = lab.server, verify = 60 })
         kit.pump(request, function() return (lab:counts().GetSessionFlags or 0) >= 2 end)
         request:close()
         fine(wms.unlock{ session_ids = 1, server = lab.server })
         lab:reset()
         local other = wms.start("sessions", { server = "memory://" .. slow })
         other:wait(0.3) -- the loop runs meanwhile
         other:close()
         assert.equal(0, lab:counts().requests)
      end)
   end)

   it("wakes a program that polls the request's descriptor", function()
      local socket = require "socket"
      local lab = multipoint.lab()
      lab:fill(1, 50, { flags = 44 })
      local request = wms.start("unlock_all", { server = lab.server, stable = 0.2 })
      local watched, turns = { { getfd = function() return request:pollfd() end } }, 0
      while not request:step() do
         turns = turns + 1
         assert.is_true(turns < 5000)
         assert.equal(watched[1], socket.select(watched, nil, 30)[1])
      end
      assert.equal(50, #fine(request:result()))
      request:close()
   end)
end)
