-- SPDX-License-Identifier: MIT
--- The time that a whole command has, and what a stop leaves.
local kit = require "spec.support.kit"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

describe("a deadline", function()
   local keep, sweep = kit.keeper()

   after_each(function()
      kit.reset()
      wms.configure{ deadline = false }
      sweep()
   end)

   local function lab(options)
      local name = kit.name()
      options = options or {}
      options.sessions = options.sessions or { { session_id = 1, locked = true }, { session_id = 2, locked = true } }
      local host = keep(wms.memory(name, options))
      return "memory://" .. name, host
   end

   --- Runs it, and says that the deadline was neither early nor forgotten.
   local function in_time(seconds, verb, options)
      local start = kit.now()
      options.deadline = seconds
      local err = fault(wms[verb](options))
      local took = kit.now() - start
      assert.is_true(took >= seconds - 1e-6, took)
      assert.is_true(took < 25, took)
      assert.truthy(err.message:find("deadline of " .. seconds .. " s", 1, true), err.message)
      return err
   end

   it("leaves what was not sent, and does not know what was", function()
      local one, host = lab()
      local two, other = lab()
      host:fail("unlock", "TIMEOUT")
      local err = in_time(0.3, "unlock", { session_ids = { 1, 2 }, servers = { one, two }, concurrency = 1 })
      assert.same({ "unknown", "unknown", "skipped", "skipped" }, pluck(err.outcomes, "state"))
      assert.same({ "TIMEOUT", "TIMEOUT", "TIMEOUT", "TIMEOUT" }, pluck(err.outcomes, "error", "code"))
      assert.truthy(err.message:find("(2 of 4 failed, 2 skipped)", 1, true), err.message)
      assert.equal(0, #other:log())
      err = in_time(0.3, "unlock", { session_ids = { 1, 2 }, servers = { one, two }, on_error = "stop" })
      assert.same({ "unknown", "skipped", "skipped", "skipped" }, pluck(err.outcomes, "state"))
      assert.same({ "TIMEOUT", "TIMEOUT", "TIMEOUT", "TIMEOUT" }, pluck(err.outcomes, "error", "code"))
   end)

   it("keeps what is there", function()
      local one, host = lab()
      local two, other = lab()
      other:fail("sessions", "TIMEOUT")
      local err = in_time(0.2, "unlock_all", { servers = { one, two } })
      assert.same({ "requested", "requested", "skipped" }, pluck(err.outcomes, "state"))
      assert.equal(2, #host:log() - 1)
      err = in_time(0.2, "sessions", { servers = { one, two } })
      assert.same({ 1, 2 }, pluck(err.sessions, "session_id"))
      assert.equal("TIMEOUT", err.code)
   end)

   it("ends a verification, and says so", function()
      local server = lab{
         sessions = { { session_id = 1, locked = true, relock_after = 0 }, { session_id = 2, locked = true } },
      }
      local err = in_time(0.3, "unlock", { session_ids = { 1, 2 }, server = server, verify = 50 })
      assert.same({ "failed", "verified" }, pluck(err.outcomes, "state"))
      assert.equal("UNVERIFIED", err.code)
      err = in_time(0.3, "unlock", { session_ids = 2, server = server, stable = 50 })
      assert.same({ "failed", "UNVERIFIED" }, { err.outcomes[1].state, err.code })
   end)

   it("ends what waits for the script", function()
      local server, host = lab()
      for _, options in ipairs{ {}, { where = { locked = true } } } do
         options.server, options.deadline = server, 0.2
         local client = options.where and wms or wms.new{ allow = function() return true end }
         local request = keep(client == wms and wms.start("unlock_all", options) or client:start("unlock_all", options))
         kit.await(function() return request:done() end, function() wms.sessions(server) end) -- never stepped itself
         local err = fault(request:result())
         assert.same({ "TIMEOUT", "skipped" }, { err.code, err.outcomes[1].state })
      end
      for _, entry in ipairs(host:log()) do
         assert.equal("sessions", entry.verb)
      end
   end)

   it("wakes a request's descriptor though nothing else happens", function()
      local server, host = lab()
      host:fail("unlock", "TIMEOUT")
      local request = keep(wms.start("unlock", { session_ids = 1, server = server, deadline = 0.2 }))
      kit.finish(request)
      assert.equal("unknown", fault(request:result()).outcomes[1].state)
   end)

   it("is nothing to a command that is done before", function()
      local server = lab()
      local list = fine(wms.unlock{ session_ids = 1, server = server, verify = 10, deadline = 60 })
      assert.same({ "verified" }, pluck(list, "state"))
      assert.equal(2, #fine(wms.sessions{ server = server, deadline = 60 }))
      local request = wms.start("unlock", { session_ids = 1, server = server, deadline = 60 })
      request:close()
   end)

   it("may be set for a client, for the state, and taken back", function()
      local server, host = lab()
      host:fail("unlock", "TIMEOUT")
      local options = { session_ids = 1, server = server }
      assert.truthy(fault(wms.new{ deadline = 0.1 }:unlock(options)).message:find("deadline of 0.1 s", 1, true))
      wms.configure{ deadline = 0.15 }
      assert.truthy(fault(wms.unlock(options)).message:find("deadline of 0.15 s", 1, true))
      options.deadline, options.timeout = false, 0.1
      assert.is_nil(fault(wms.unlock(options)).message:find("deadline"))
   end)

   it("is a number of seconds above 0", function()
      for _, bad in ipairs{ 0, -1, "1", 0 / 0, 1 / 0, 1e10, true, {} } do
         kit.misuse("unlock", { "deadline" }, function() wms.unlock{ session_ids = 1, deadline = bad } end)
         kit.misuse("new", { "deadline" }, function() wms.new{ deadline = bad } end)
         kit.misuse("configure", { "deadline" }, function() wms.configure{ deadline = bad } end)
      end
   end)
end)

describe("after a failure that stops a command", function()
   local keep, sweep = kit.keeper()

   after_each(sweep)

   local function lab()
      local name = kit.name()
      return "memory://" .. name, keep(wms.memory(name, {
         sessions = {
            { session_id = 1, locked = true }, { session_id = 2, locked = true }, { session_id = 3, locked = true },
         },
      }))
   end

   local function stopped(first, options)
      options.on_error, options.timeout = "stop", 0.2
      local err = fault(wms.unlock(options))
      for i, outcome in ipairs(err.outcomes) do
         local wanted = i == 1 and first or { "skipped", "CANCELLED" }
         assert.same(wanted, { outcome.state, outcome.error.code }, i)
      end
      local count = #err.outcomes
      assert.truthy(err.message:find(("(1 of %d failed, %d skipped)"):format(count, count - 1), 1, true), err.message)
      return err
   end

   it("nobody was asked who was not asked: whatever the failure is", function()
      for code, first in pairs{
         BUSY = { "failed", "BUSY" }, TIMEOUT = { "unknown", "TIMEOUT" }, UNREACHABLE = { "unknown", "UNREACHABLE" },
         ACCESS_DENIED = { "failed", "ACCESS_DENIED" },
      } do
         local server, host = lab()
         host:fail("unlock", code)
         stopped(first, { session_ids = { 1, 2, 3 }, server = server })
         assert.equal(1, #host:log())
         local other = lab()
         stopped(first, { session_ids = { { session_id = 1, server = server }, { session_id = 2, server = server },
            { session_id = 1, server = other }, { session_id = 3, server = server } } })
      end
   end)

   it("the same where there is no connection, no provider, no answer to what_if", function()
      local server, host = lab()
      host:refuse("UNREACHABLE")
      stopped({ "failed", "UNREACHABLE" }, { session_ids = { 1, 2, 3 }, server = server })
      stopped({ "failed", "UNREACHABLE" }, { session_ids = { 1, 2, 3 }, server = server, verify = 1 })
      stopped({ "failed", "UNREACHABLE" }, { session_ids = { 1, 2, 3 }, server = server, what_if = true })
      host:refuse()
      host:fail("sessions", "BUSY")
      stopped({ "failed", "BUSY" }, { session_ids = { 1, 2, 3 }, server = server, what_if = true })
      host:fail("sessions")
      stopped({ "failed", "NOT_FOUND" }, { session_ids = { 77, 2, 3 }, server = server, what_if = true })
   end)
end)
