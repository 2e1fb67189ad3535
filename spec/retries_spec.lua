-- SPDX-License-Identifier: MIT
--- retries: what has failed, and may be tried again, is tried again.
local kit = require "spec.support.kit"
local wms = kit.wms
local keep, sweep = kit.keeper()

describe("retries #once", function()
   after_each(sweep)
   after_each(kit.reset)

   --- A host with two locked sessions, and its address.
   local function room(options)
      local name = kit.name()
      options = options or {}
      options.sessions = options.sessions or { { session_id = 1, locked = true }, { session_id = 2, locked = true } }
      return keep(wms.memory(name, options)), "memory://" .. name
   end

   --- Counts the pauses that the log tells of, by server; calls `fun` at the first.  The script may be told of that one
   --- only when the next try is over.
   local function pauses(fun)
      local count = {}
      wms.configure{ log = function(level, text)
         local server = level == "info" and text:match("^(%S+): once more in")
         if server then
            count[server] = (count[server] or 0) + 1
            if fun and count[server] == 1 then
               fun(server)
            end
         end
      end }
      return count
   end

   it("try the question for the sessions again, until the host is back", function()
      local host, server = room()
      host:refuse("UNREACHABLE")
      local count = pauses(function() host:refuse() end)
      local outcomes = kit.fine(wms.unlock_all{ server = server, retries = 5 })
      assert.same({ "requested", "requested" }, kit.pluck(outcomes, "state"))
      assert.truthy(count[server] == 1 or count[server] == 2)
      host:refuse("BUSY")
      count = pauses(function() host:refuse() end)
      assert.equal(2, #kit.fine(wms.sessions{ session_ids = { 2, 1 }, server = server, retries = 5 }))
      assert.truthy(count[server] == 1 or count[server] == 2)
   end)

   it("are over after so many, with the last failure as the outcome", function()
      local host, server = room()
      host:refuse("UNREACHABLE")
      local count, told = pauses(), {}
      local err = kit.fault(wms.unlock{ session_ids = { 1, 2 }, server = server, retries = 2,
         on_outcome = function(outcome) told[#told + 1] = outcome.session_id end })
      assert.equal("UNREACHABLE", err.code)
      assert.same({ "failed", "failed" }, kit.pluck(err.outcomes, "state"))
      assert.same({ [server] = 2 }, count)
      assert.same({ 1, 2 }, kit.sorted(told)) -- each once
   end)

   it("are for sessions that have failed alone", function()
      local host, server = room()
      host:fail("unlock", "BUSY")
      local count = pauses(function() host:fail("unlock") end)
      local outcomes = kit.fine(wms.unlock{ session_ids = { 1, 2 }, server = server, retries = 5 })
      assert.equal(2, #outcomes)
      assert.truthy(count[server] == 1 or count[server] == 2)
   end)

   it("do not repeat what another try does not mend", function()
      local host, server = room()
      local count = pauses()
      local err = kit.fault(wms.unlock{ session_ids = { 1, 99 }, server = server, retries = 5 })
      assert.same({ "requested", "failed", "NOT_FOUND" }, { err.outcomes[1].state, err.outcomes[2].state, err.code })
      host:fail("unlock", "ACCESS_DENIED")
      assert.equal("ACCESS_DENIED", kit.fault(wms.unlock{ session_ids = 1, server = server, retries = 5 }).code)
      assert.same({}, count)
   end)

   it("unlock again what was locked again", function()
      local host, server = room{ relock_after = 0.05 }
      local err = kit.fault(wms.unlock{ session_ids = 1, server = server, stable = 5, retries = 2 })
      assert.equal("REVERTED", err.code)
      local unlocked = 0
      for _, line in ipairs(host:log()) do
         unlocked = unlocked + (line.verb == "unlock" and 1 or 0)
      end
      assert.equal(3, unlocked)
   end)

   it("leave their turn to other servers", function()
      local away, first = room()
      local _, second = room()
      away:refuse("UNREACHABLE")
      local told = {}
      local outcomes = kit.fine(wms.unlock_all{ servers = { first, second }, concurrency = 1, retries = 3,
         on_outcome = function(outcome)
            told[#told + 1] = outcome.server
            if #told == 2 then
               away:refuse()
            end
         end })
      assert.same({ second, second, first, first }, told)
      assert.same({ first, first, second, second }, kit.pluck(outcomes, "server")) -- in the order asked
   end)

   it("come before the next session with on_error = 'stop'", function()
      local away, first = room()
      local _, second = room()
      away:refuse("UNREACHABLE")
      pauses(function() away:refuse() end)
      local told = {}
      kit.fine(wms.unlock_all{ servers = { first, second }, on_error = "stop", retries = 5, on_outcome = function(outcome)
         told[#told + 1] = outcome.server
      end })
      assert.same({ first, first, second, second }, told)
      away:refuse("UNREACHABLE")
      local err = kit.fault(wms.unlock_all{ servers = { first, second }, on_error = "stop", retries = 1 })
      assert.same({ "failed", "skipped" }, kit.pluck(err.outcomes, "state"))
   end)

   it("end with the failure that there was, when the command ends", function()
      local host, server = room()
      host:refuse("UNREACHABLE")
      local request
      pauses(function() request:cancel() end)
      request = keep(wms.start("unlock_all", { server = server, retries = 5 }))
      assert.is_true(request:wait(60))
      local err = kit.fault(request:result())
      assert.same({ "failed", "UNREACHABLE" }, { err.outcomes[1].state, err.code })
      err = kit.fault(wms.unlock{ session_ids = { 1, 2 }, server = server, retries = 1000, deadline = 1.2 })
      assert.same({ "UNREACHABLE", "UNREACHABLE" }, { err.outcomes[1].error.code, err.outcomes[2].error.code })
   end)

   it("have the timeout anew for each try", function()
      for _, verb in ipairs{ "unlock", "sessions" } do
         for retries = 1, 2 do
            local host, server = room()
            host:fail(verb, "TIMEOUT")
            local err = kit.fault(wms.unlock_all{ server = server, timeout = 0.2, retries = retries })
            assert.equal("TIMEOUT", err.code)
            assert.same(verb == "unlock" and { "unknown", "unknown" } or { "failed" }, kit.pluck(err.outcomes, "state"))
            local asked = 0
            for _, line in ipairs(host:log()) do
               asked = asked + (line.verb == verb and 1 or 0)
            end
            assert.equal((verb == "unlock" and 2 or 1) * (retries + 1), asked)
         end
      end
   end)

   it("are each session's own", function()
      local host, server = room()
      host:fail("sessions", "BUSY")
      local tried = 0
      wms.configure{ log = function(_, text)
         if text:find("once more in", 1, true) then
            tried = tried + 1
            host:fail("sessions")
            host:fail("unlock", "BUSY")
         end
      end }
      local err = kit.fault(wms.unlock_all{ server = server, retries = 3 })
      assert.same({ "BUSY", "BUSY" }, { err.outcomes[1].error.code, err.outcomes[2].error.code })
      local asked = 0
      for _, line in ipairs(host:log()) do
         asked = asked + (line.verb == "unlock" and 1 or 0)
      end
      assert.equal(2 * 4, asked)
   end)

   it("are for one session after the other with on_error = 'stop'", function()
      local host, server = room()
      host:fail("unlock", "BUSY")
      local err = kit.fault(wms.unlock{ session_ids = { 1, 2 }, server = server, on_error = "stop", retries = 1 })
      assert.same({ "failed", "skipped" }, kit.pluck(err.outcomes, "state"))
      assert.equal("BUSY", err.code)
      pauses(function() host:fail("unlock") end)
      assert.equal(2, #kit.fine(wms.unlock{ session_ids = { 1, 2 }, server = server, on_error = "stop", retries = 5 }))
   end)

   it("lose no outcome when the deadline comes with a failure", function()
      local _, server = room{ relock_after = 0.2 }
      local request = keep(wms.start("unlock", { session_ids = 1, server = server, stable = 60, deadline = 0.3,
         retries = 2 }))
      request:step()
      local begin = kit.now()
      repeat until kit.now() > begin + 0.6 -- both are due when the engine runs again
      assert.is_true(request:wait(60))
      local err = kit.fault(request:result())
      assert.equal(1, #err.outcomes)
      assert.truthy(err.code == "REVERTED" or err.code == "UNVERIFIED", err.code)
   end)

   it("do not make of what may be done something that is not done", function()
      local host, server = room()
      host:fail("unlock", "TIMEOUT")
      local request = keep(wms.start("unlock", { session_ids = 1, server = server, timeout = 0.2, retries = 1 }))
      kit.await(function() return #host:log() > 0 end, function() request:wait(0.05) end, 60)
      host:refuse("UNREACHABLE")
      assert.is_true(request:wait(60))
      local err = kit.fault(request:result())
      assert.same({ "unknown", "UNREACHABLE" }, { err.outcomes[1].state, err.code })
      assert.truthy(err.message:find("a former try was sent, and may still be carried out", 1, true), err.message)
   end)

   it("show no message twice that may have been seen", function()
      local host, server = room()
      host:fail("message", "TIMEOUT")
      local count = pauses()
      local err = kit.fault(wms.message{ session_ids = 1, message = "Hello", server = server, timeout = 0.5, retries = 5 })
      assert.same({ "unknown", "TIMEOUT" }, { err.outcomes[1].state, err.code })
      assert.same({}, count)
      assert.equal(1, #host:log())
   end)

   it("are misuse for what is sent once, and a client's are for the others", function()
      local _, server = room()
      for _, verb in ipairs{ "close", "disconnect" } do
         kit.misuse(verb, { "retries: " .. verb .. " is sent once" }, function()
            wms[verb]{ session_ids = 1, server = server, retries = 1 }
         end)
      end
      kit.misuse("call", { "retries: no such option" }, function() wms.call{ server = server, retries = 1 } end)
      kit.misuse("unlock", { "retries: -1" }, function() wms.unlock{ session_ids = 1, retries = -1 } end)
      kit.misuse("unlock", { "retries: a string" }, function() wms.unlock{ session_ids = 1, retries = "2" } end)
      kit.fine(wms.new{ server = server, retries = 3 }:close{ session_ids = 1 })
   end)
end)
