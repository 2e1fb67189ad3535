-- SPDX-License-Identifier: MIT
--- The embedded host: the contract, and what it offers beyond.
local kit = require "spec.support.kit"
local memory = require "spec.support.memory"
local contract = require "spec.contract"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

describe("memory", function()
   contract(memory, function(why) pending(why) end)
end)

describe("the embedded host", function()
   local keep, sweep = kit.keeper()

   after_each(function()
      kit.reset()
      sweep()
   end)

   --- A host of its own; returns its handle and its address.
   local function lab(options)
      local name = kit.name()
      return keep(wms.memory(name, options or {})), "memory://" .. name
   end

   local function sessions(...)
      local list = {}
      for i = 1, select("#", ...) do
         list[i] = { session_id = (select(i, ...)) }
      end
      return list
   end

   it("can be made without options, and filled later", function()
      local name = kit.name()
      local host = keep(wms.memory(name))
      assert.same({}, fine(wms.sessions("memory://" .. name)))
      host:open{ session_id = 7, user_name = "dora" }
      assert.same({ "dora" }, pluck(fine(wms.sessions("memory://" .. name)), "user_name"))
   end)

   it("gives back every property of a session", function()
      local given = {
         session_id = 3, state = "ConnectedToStation", user_name = "teacher", domain_name = "SCHOOL",
         computer_name = "LAB01", client_name = "THIN-3", station_id = 12, is_orchestratable = true, is_admin = true,
         is_mog_user = true, is_rail = true, is_own = false, locked = true, seat = "seat1", type = "x11",
         class = "user", remote_host = "10.0.0.3", identity = "of Monday",
      }
      local _, server = lab{ sessions = { given } }
      local got = fine(wms.sessions(server))[1]
      for field, value in pairs(given) do
         assert.equal(value, got[field], field)
      end
      assert.equal(server, got.server)
      for field in pairs(got) do
         assert.truthy(given[field] ~= nil or field == "server", "a property from nowhere: " .. field)
      end
   end)

   it("works flags out that are not given", function()
      local _, server = lab{ sessions = { { session_id = 1 }, { session_id = 2, is_admin = true },
         { session_id = 3, is_mog_user = true }, { session_id = 4, is_admin = true, is_orchestratable = true } } }
      local list = fine(wms.sessions(server))
      assert.same({ true, false, false, true }, pluck(list, "is_orchestratable"))
      assert.same({ false, true, false, true }, pluck(list, "is_admin"))
      assert.same({ false, false, false, false }, pluck(list, "locked"))
      assert.is_nil(list[1].user_name)
      assert.is_nil(list[1].station_id)
   end)

   it("exempts administrators and operators, unless told otherwise", function()
      local list = { { session_id = 1, is_admin = true }, { session_id = 2, is_mog_user = true }, { session_id = 3 } }
      local _, strict = lab{ sessions = list }
      local _, open = lab{ sessions = list, admin_orchestration = true }
      assert.same({ 3 }, pluck(fine(wms.unlock_all(strict)), "session_id"))
      local err = fault(wms.unlock{ session_ids = { 1, 2, 3 }, server = strict })
      assert.same({ "ACCESS_DENIED", "ACCESS_DENIED", "nil" }, pluck(err.outcomes, "error", "code"))
      assert.same({ 1, 2, 3 }, pluck(fine(wms.unlock_all(open)), "session_id"))
   end)

   it("keeps lock messages and writes down what it was asked", function()
      local host, server = lab{ sessions = sessions(1, 2) }
      fine(wms.lock{ session_ids = 1, server = server, message = "Eyes on the teacher, please" })
      fault(wms.unlock{ session_ids = { 2, 9 }, server = server })
      local log = host:log()
      assert.same({ "lock", "unlock", "unlock" }, pluck(log, "verb"))
      assert.same({ 1, 2, 9 }, pluck(log, "session_id"))
      assert.same({ "Eyes on the teacher, please", "nil", "nil" }, pluck(log, "message"))
      assert.same({ "nil", "nil", "NOT_FOUND" }, pluck(log, "code"))
      fine(wms.sessions(server))
      log = host:log()
      assert.equal("sessions", log[#log].verb)
   end)

   it("shows messages, and writes them down", function()
      local host, server = lab{ sessions = sessions(1, "c2") }
      fine(wms.message{ session_ids = { "c2", 1 }, server = server, title = "Lab 1", message = "Ten minutes\nleft" })
      fine(wms.message{ session_ids = 1, server = server, message = "Five minutes left" })
      fine(wms.message{ session_ids = 1, server = server, message = ("m"):rep(65536), title = ("\195\169"):rep(512) })
      fine(wms.message{ session_ids = 1, server = server, message = "no-break\194\160space", title = "\194\160" })
      fault(wms.message{ session_ids = 9, server = server, message = "nobody there", title = "none" })
      assert.same({
         { verb = "message", session_id = "c2", title = "Lab 1", message = "Ten minutes\nleft" },
         { verb = "message", session_id = 1, title = "Lab 1", message = "Ten minutes\nleft" },
         { verb = "message", session_id = 1, message = "Five minutes left" },
         { verb = "message", session_id = 1, message = ("m"):rep(65536), title = ("\195\169"):rep(512) },
         { verb = "message", session_id = 1, message = "no-break\194\160space", title = "\194\160" },
         { verb = "message", session_id = 9, message = "nobody there", title = "none", code = "NOT_FOUND" },
      }, host:log())
   end)

   it("keeps a lock's message when another one is shown", function()
      local host, server = lab{ sessions = sessions(1, 2), latency = 0.01 }
      fine(wms.lock{ session_ids = 1, server = server, message = "Eyes up" })
      fine(wms.message{ session_ids = { 1, 2 }, server = server, title = "Lab 1", message = "Ten minutes left" })
      assert.equal("Eyes up", host:session(1).message)
      assert.is_true(host:session(1).locked)
      assert.is_nil(host:session(2).message)
      assert.is_false(host:session(2).locked)
      local log = host:log()
      assert.same({ "lock", "message", "message" }, pluck(log, "verb"))
      assert.same({ "nil", "Lab 1", "Lab 1" }, pluck(log, "title"))
   end)

   it("shows a session to whoever plays the host", function()
      local host, server = lab{ sessions = { { session_id = 1, user_name = "ann" }, { session_id = "c2" } } }
      assert.equal("ann", host:session(1).user_name)
      assert.is_false(host:session(1).locked)
      fine(wms.lock{ session_ids = 1, server = server, message = "m" })
      assert.is_true(host:session(1).locked)
      assert.equal("c2", host:session("c2").session_id)
   end)

   it("lets the host's manager lock, unlock and end sessions", function()
      local host, server = lab{ sessions = sessions(1, 2) }
      host:lock(1)
      host:lock(2, "Break")
      assert.same({ true, true }, pluck(fine(wms.sessions(server)), "locked"))
      host:unlock(1)
      assert.same({ false, true }, pluck(fine(wms.sessions(server)), "locked"))
      host:drop(1)
      assert.same({ 2 }, pluck(fine(wms.sessions(server)), "session_id"))
      assert.equal("NOT_FOUND", fault(wms.unlock{ session_ids = 1, server = server }).code)
      host:open{ session_id = 1 }
      fine(wms.unlock{ session_ids = 1, server = server })
   end)

   it("has ids that are strings, and takes digits for a number", function()
      local host, server = lab{ sessions = sessions("c2", "12", 0, 4294967294) }
      local list = fine(wms.sessions(server))
      assert.same({ "c2", 12, 0, 4294967294 }, pluck(list, "session_id"))
      if math.type then
         assert.equal("integer", math.type(list[2].session_id))
         assert.equal("integer", math.type(list[4].session_id))
      end
      assert.same({ "c2", 12, 0, 4294967294 },
         pluck(fine(wms.unlock{ session_ids = { "c2", "12", "0", "4294967294", 12.0 }, server = server }), "session_id"))
      fine(wms.close{ session_ids = "c2", server = server })
      assert.is_false((pcall(function() assert(host:session("c2")) end)))
      assert.equal("NOT_FOUND", fault(wms.unlock{ session_ids = "012", server = server }).code)
   end)

   it("has got what was sent, also while its answer takes its time", function()
      local host, server = lab{ sessions = sessions(1, 2), latency = 100 }
      local request = wms.start("unlock", { session_ids = { 1, 2 }, server = server })
      request:step()
      request:cancel()
      local err = fault(request:result())
      assert.same({ "unknown", "unknown" }, pluck(err.outcomes, "state"))
      assert.same({ "CANCELLED", "CANCELLED" }, pluck(err.outcomes, "error", "code"))
      request:close()
      err = fault(wms.unlock{ session_ids = 1, server = server, timeout = 0.1 })
      assert.same({ "unknown", "TIMEOUT" }, { err.outcomes[1].state, err.outcomes[1].error.code })
      assert.is_true(host:session(1) ~= nil)
   end)

   it("may take its time, and not answer then", function()
      local host, server = lab{ sessions = sessions(1, 2), latency = 0.01 }
      for _ = 1, 3 do -- what was made for the answer goes once
         for verb, state in pairs{ unlock = "unknown", sessions = "failed" } do
            host:fail(verb, "TIMEOUT")
            local outcomes = kit.outcomes(wms[verb]{ session_ids = { 1, 2 }, server = server, timeout = 0.1 })
            assert.same({ state, state }, pluck(outcomes, "state"))
            host:fail(verb)
         end
      end
      assert.equal(2, #fine(wms.unlock{ session_ids = { 1, 2 }, server = server, verify = 20 }))
   end)

   it("takes its time", function()
      local _, server = lab{ sessions = sessions(1), latency = 0.15 }
      local start = kit.now()
      fine(wms.unlock{ session_ids = 1, server = server })
      assert.is_true(kit.now() - start >= 0.13) -- the clock is exact to 0.01 s
      local err = fault(wms.unlock{ session_ids = 1, server = server, timeout = 0.05 })
      assert.equal("TIMEOUT", err.code)
   end)

   it("serves many at a time, and many at once", function()
      local servers = {}
      for i = 1, 40 do
         local _, server = lab{ sessions = sessions(1, 2, 3), latency = 1 }
         servers[i] = server
      end
      local start = kit.now()
      assert.equal(120, #fine(wms.unlock_all{ servers = servers, concurrency = 40 }))
      assert.is_true(kit.now() - start < 30) -- one after the other it would be 80 s
   end)

   it("asks no more servers at a time than told", function()
      local servers = {}
      for i = 1, 4 do
         local _, server = lab{ sessions = sessions(1), latency = 0.1 }
         servers[i] = server
      end
      local start = kit.now()
      fine(wms.unlock{ session_ids = 1, servers = servers, concurrency = 1 })
      assert.is_true(kit.now() - start >= 0.38)
   end)

   it("locks again where its manager blocks all: stable tells", function()
      local host, server = lab{ sessions = { { session_id = 1, locked = true }, { session_id = 2, locked = true } },
         relock_after = 0.2 }
      local err = fault(wms.unlock_all{ server = server, stable = 30 })
      assert.equal("REVERTED", err.code)
      assert.same({ "REVERTED", "REVERTED" }, pluck(err.outcomes, "error", "code"))
      assert.is_true(host:session(1).locked)
      -- without `stable` nobody notices: that is what it is for
      assert.same({ true, true }, pluck(fine(wms.unlock_all{ server = server, verify = 5 }), "changed"))
      kit.await(function()
         return pluck(fine(wms.sessions(server)), "locked")[1] == true
      end)
   end)

   it("locks again for one session alone", function()
      local _, server = lab{ sessions = {
         { session_id = 1, locked = true, relock_after = 0.1 }, { session_id = 2, locked = true },
      } }
      local err = fault(wms.unlock_all{ server = server, stable = 1 })
      assert.same({ "REVERTED", "nil" }, pluck(err.outcomes, "error", "code"))
      assert.same({ "failed", "verified" }, pluck(err.outcomes, "state"))
   end)

   it("locks again at once: nothing to verify", function()
      local host, server = lab{ sessions = { { session_id = 1, locked = true } }, relock_after = 0 }
      fine(wms.unlock{ session_ids = 1, server = server })
      local err = fault(wms.unlock{ session_ids = 1, server = server, verify = 0.2 })
      assert.equal("UNVERIFIED", err.code)
      assert.is_true(host:session(1).locked)
   end)

   it("does not lock a session again that it was told to unlock meanwhile, nor one that is gone", function()
      local host, server = lab{
         sessions = { { session_id = 1, locked = true }, { session_id = 2, locked = true } }, relock_after = 0.1,
      }
      fine(wms.unlock_all(server))
      host:drop(1)
      kit.await(function()
         local list = fine(wms.sessions(server))
         return #list == 1 and list[1].locked
      end)
   end)

   describe("fail", function()
      it("answers with any code a host can send, until it is told otherwise", function()
         local host, server = lab{ sessions = sessions(1) }
         local codes = { "NOT_FOUND", "ACCESS_DENIED", "UNSUPPORTED", "NOT_BOUND", "UNTRUSTED", "PROTOCOL", "BUSY" }
         for _, code in ipairs(codes) do
            host:fail("unlock", code)
            local err = fault(wms.unlock{ session_ids = 1, server = server })
            assert.equal(code, err.code)
            assert.same({ "failed" }, pluck(err.outcomes, "state"))
            assert.equal(code, host:log()[#host:log()].code)
         end
         fine(wms.lock{ session_ids = 1, server = server, message = "m" })
         host:fail("unlock")
         fine(wms.unlock{ session_ids = 1, server = server })
         assert.is_false(host:session(1).locked)
      end)

      it("UNREACHABLE breaks the connection after the request was taken", function()
         local host, server = lab{ sessions = sessions(1, 2) }
         host:fail("unlock", "UNREACHABLE")
         local err = fault(wms.unlock{ session_ids = 1, server = server })
         assert.equal("UNREACHABLE", err.code)
         assert.same({ "unknown" }, pluck(err.outcomes, "state"))
         host:fail("unlock")
         fine(wms.unlock{ session_ids = { 1, 2 }, server = server })
      end)

      it("sends close, disconnect and message at most once", function()
         local host, server = lab{ sessions = sessions(1) }
         for _, verb in ipairs{ "close", "disconnect", "message" } do
            local text = verb == "message" and "m" or nil
            host:fail(verb, "UNREACHABLE")
            local err = fault(wms[verb]{ session_ids = 1, server = server, message = text })
            assert.same({ "unknown" }, pluck(err.outcomes, "state"))
            local count = 0
            for _, entry in ipairs(host:log()) do
               count = count + (entry.verb == verb and 1 or 0)
            end
            assert.equal(1, count)
         end
      end)

      it("TIMEOUT never answers", function()
         local host, server = lab{ sessions = sessions(1) }
         host:fail("close", "TIMEOUT")
         local err = fault(wms.close{ session_ids = 1, server = server, timeout = 0.1 })
         assert.equal("TIMEOUT", err.code)
         assert.same({ "unknown" }, pluck(err.outcomes, "state"))
      end)

      it("of the listing fails what needs it, and only that", function()
         local host, server = lab{ sessions = sessions(1) }
         host:fail("sessions", "ACCESS_DENIED")
         assert.equal("ACCESS_DENIED", fault(wms.sessions(server)).code)
         local err = fault(wms.unlock_all(server))
         assert.equal("ACCESS_DENIED", err.code)
         assert.is_nil(err.session_id)
         fine(wms.unlock{ session_ids = 1, server = server })
      end)

      it("knows its verbs and codes", function()
         local host = lab{ sessions = sessions(1) }
         for _, wrong in ipairs{ "CANCELLED", "UNVERIFIED", "no such code", "", "busy" } do
            kit.misuse("fail", { "code" }, function() host:fail("unlock", wrong) end)
         end
         kit.misuse("fail", { "unlock" }, function() host:fail("unlock_all", "BUSY") end)
         kit.misuse("fail", { "unlock" }, function() host:fail("explode") end)
         kit.misuse("fail", { "verb", "about sessions" }, function() host:fail("call", "BUSY") end)
      end)
   end)

   describe("refuse", function()
      it("makes the host unreachable, and reachable again", function()
         local host, server = lab{ sessions = sessions(1, 2) }
         fine(wms.unlock_all(server))
         host:refuse("UNREACHABLE")
         local err = fault(wms.unlock{ session_ids = { 1, 2 }, server = server })
         assert.same({ "UNREACHABLE", "UNREACHABLE" }, pluck(err.outcomes, "error", "code"))
         assert.same({ "failed", "failed" }, pluck(err.outcomes, "state"))
         assert.equal(1, #fault(wms.unlock_all(server)).outcomes)
         host:refuse()
         fine(wms.unlock_all(server))
      end)

      it("has any code that reaching a host can end with", function()
         local host, server = lab{ sessions = sessions(1) }
         for _, code in ipairs{ "UNREACHABLE", "NOT_BOUND", "UNTRUSTED" } do
            host:refuse(code)
            assert.equal(code, fault(wms.unlock{ session_ids = 1, server = server }).code)
         end
      end)

      it("has no code that is the engine's own", function()
         local host, server = lab{ sessions = sessions(1) }
         for _, wrong in ipairs{ "CANCELLED", "FORKED", "NO_PROVIDER", "UNVERIFIED", "REVERTED", "no such code" } do
            kit.misuse("refuse", { "code" }, function() host:refuse(wrong) end)
         end
         fine(wms.unlock_all(server))
      end)
   end)

   it("is one host under one address", function()
      local host, server = lab{ sessions = sessions(1) }
      for _, other in ipairs{ server .. ":80", server .. "/", server .. "/x", (server:gsub("//", "//user@")) } do
         assert.equal("UNREACHABLE", fault(wms.unlock{ session_ids = 1, server = other }).code)
      end
      assert.equal(0, #host:log())
   end)

   describe("the handle", function()
      it("refuses what makes no sense", function()
         local host = lab{ sessions = sessions(1) }
         kit.misuse("open", { "session_id" }, function() host:open{ user_name = "nobody" } end)
         kit.misuse("open", { "session_id" }, function() host:open{ session_id = 1 } end)
         kit.misuse("open", { "session_id" }, function() host:open{ session_id = 4294967295 } end)
         kit.misuse("open", { "usr_name" }, function() host:open{ session_id = 2, usr_name = "x" } end)
         kit.misuse("open", { "locked" }, function() host:open{ session_id = 2, locked = "yes" } end)
         kit.misuse("open", { "station_id" }, function() host:open{ session_id = 2, station_id = "twelve" } end)
         kit.misuse("open", { "relock_after" }, function() host:open{ session_id = 2, relock_after = -1 } end)
         assert.is_false((pcall(host.lock, host, {})))
         assert.is_false((pcall(host.lock)))
      end)

      it("can be closed, and twice: the host is gone", function()
         local name = kit.name()
         local host = wms.memory(name, { sessions = sessions(1) })
         fine(wms.unlock_all("memory://" .. name))
         host:close()
         host:close()
         assert.equal("UNREACHABLE", fault(wms.unlock_all("memory://" .. name)).code)
         assert.is_false((pcall(host.lock, host, 1)))
         host = wms.memory(name, { sessions = sessions(5) })
         assert.same({ 5 }, pluck(fine(wms.unlock_all("memory://" .. name)), "session_id"))
         host:close()
      end)

      it("can be closed while a request runs", function()
         local host, server = lab{ sessions = sessions(1), latency = 30 }
         local request = wms.start("unlock", { session_ids = 1, server = server })
         request:wait(0)
         host:close()
         kit.finish(request)
         assert.equal("UNREACHABLE", fault(request:result()).code)
         request:close()
      end)

      it("may be forgotten: the host serves on", function()
         local name = kit.name()
         do
            wms.memory(name, { sessions = sessions(1) })
         end
         collectgarbage()
         collectgarbage()
         fine(wms.unlock_all("memory://" .. name))
         assert.is_false((pcall(wms.memory, name, {})))
      end)
   end)

   it("refuses a name that is taken, or that no server can have", function()
      local name = kit.name()
      keep(wms.memory(name))
      kit.misuse("memory", { "name" }, function() wms.memory(name, {}) end)
      for _, wrong in ipairs{ "", "-x", "a b", "a\0b", ("x"):rep(300), "a\nb" } do
         kit.misuse("memory", { "name" }, function() wms.memory(wrong, {}) end)
      end
      kit.misuse("memory", { "name" }, function() wms.memory(nil, {}) end)
      kit.misuse("memory", { "sessions" }, function() wms.memory(kit.name(), { sessions = 3 }) end)
      kit.misuse("memory", { "latency" }, function() wms.memory(kit.name(), { latency = "slow" }) end)
      kit.misuse("memory", { "latency" }, function() wms.memory(kit.name(), { latency = 0 / 0 }) end)
      kit.misuse("memory", { "colour" }, function() wms.memory(kit.name(), { colour = "red" }) end)
      kit.misuse("memory", { "session_id" }, function()
         wms.memory(kit.name(), { sessions = { { session_id = 1 }, { session_id = 1 } } })
      end)
      kit.misuse("memory", { "session_id" }, function() wms.memory(kit.name(), { sessions = { {} } }) end)
   end)

   it("that nobody made is not reached", function()
      local err = fault(wms.unlock{ session_ids = 1, server = "memory://" .. kit.name("nobody") })
      assert.equal("UNREACHABLE", err.code)
      assert.same({ "failed" }, pluck(err.outcomes, "state"))
   end)

   it("holds many sessions", function()
      local host, server = lab()
      for id = 1, 20000 do
         host:open{ session_id = id, locked = true }
      end
      local list = fine(wms.unlock_all(server))
      assert.equal(20000, #list)
      assert.equal(20000, list[20000].session_id)
      assert.is_false(host:session(20000).locked)
   end)
end)

describe("a session that is better left alone", function()
   it("is skipped with a note by close_all and disconnect_all, and not when it is named or locked", function()
      local name = kit.name()
      local host = wms.memory(name, { sessions = {
         { session_id = 1 }, { session_id = 2, spared = "it is\nyours" },
         { session_id = 3, spared = "why not", is_own = true },
      } })
      local server = "memory://" .. name
      for _, call in ipairs{ "close_all", "disconnect_all" } do
         local list = kit.fine(wms[call]{ server = server, what_if = true })
         assert.same({ "planned", "skipped" }, kit.pluck(list, "state"))
         assert.equal("it is?yours", list[2].note)
      end
      assert.equal(3, #kit.fine(wms.lock_all{ server = server, message = "m" }))
      local list = kit.fine(wms.disconnect_all(server))
      assert.same({ "requested", "skipped" }, kit.pluck(list, "state"))
      assert.equal("requested", kit.fine(wms.close{ session_ids = 2, server = server })[1].state)
      host:close()
   end)
end)
