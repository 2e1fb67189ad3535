-- SPDX-License-Identifier: MIT
--- Hosts that carry out commands by themselves: one question for all of a server's sessions (spec/c/provider_envoy.c).
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms

local UNLOCK, LOCK, MESSAGE = 1, 2, 7 -- as `enum wms_verb` has them

describe("a host that carries out commands by itself #once", function()
   local open, close = kit.providers()
   local said

   setup(open)
   teardown(close)

   before_each(function()
      said = {}
      wms.configure{ log = function(_, text)
         said[#said + 1] = text:match("^envoy: (.*)")
      end }
   end)

   after_each(kit.reset)

   --- Each session of the outcomes in short: "id state code"; of a server as a whole "* state code".
   local function short(outcomes)
      local lines = {}
      for i, outcome in ipairs(outcomes) do
         lines[i] = table.concat({ tostring(outcome.session_id or "*"), outcome.state,
            outcome.error and outcome.error.code }, " ")
      end
      return lines
   end

   local function run(verb, host, options)
      local command = { server = "envoy://" .. host }
      for name, value in pairs(options or {}) do
         command[name] = value
      end
      return kit.outcomes(wms[verb](command))
   end

   it("is asked once for all of its sessions", function()
      local outcomes = run("unlock_all", "good")
      assert.same({ "c3 verified", "2 verified", "1 verified" }, short(outcomes)) -- as they were told
      assert.same({ "carol", "bob", "alice" }, kit.pluck(outcomes, "user_name"))
      assert.same({ "three", "two", "one" }, kit.pluck(outcomes, "identity"))
      assert.same({ true, true, true }, kit.pluck(outcomes, "changed"))
      assert.same({ UNLOCK .. " all -,- timeout 30 verify -1 stable -1 deadline none retries 0" }, said)
   end)

   it("is given all of the command", function()
      run("lock", "good", { session_ids = { 1, "c3" }, message = "m", verify = 7, stable = 2, timeout = 9, retries = 4 })
      run("message", "good", { session_ids = 2, message = "m", title = "t", deadline = 1000 })
      run("unlock_all", "good", { deadline = 20 })
      assert.same({
         LOCK .. " 1/- c3/- m,- timeout 9 verify 7 stable 2 deadline none retries 4",
         MESSAGE .. " 2/- m,t timeout 30 verify -1 stable -1 deadline much retries 0",
         UNLOCK .. " all -,- timeout 30 verify -1 stable -1 deadline little retries 0",
      }, said)
   end)

   it("has its outcomes in the order asked, when sessions are named", function()
      local outcomes = run("unlock", "good", { session_ids = { 2, 9, 1, "c3", 2 } })
      assert.same({ "2 verified", "9 failed NOT_FOUND", "1 verified", "c3 verified" }, short(outcomes))
      assert.same({ "bob", "nil", "alice", "carol" }, kit.pluck(outcomes, "user_name"))
   end)

   it("is told which session of an id is meant", function()
      local targets = {}
      for i, identity in ipairs{ "one", "former", "other" } do
         targets[i] = { session_id = 1, server = "envoy://good", identity = identity, user_name = "u" .. i }
      end
      local outcomes = kit.outcomes(wms.unlock{ session_ids = targets })
      assert.same({ "1 verified", "1 failed NOT_FOUND", "1 failed NOT_FOUND" }, short(outcomes))
      assert.same({ "alice", "u2", "u3" }, kit.pluck(outcomes, "user_name"))
      assert.equal("another session?has that id", outcomes[2].error.message:match("another.*"))
      assert.truthy(said[1]:find("^1 1/one 1/former 1/other "), said[1])
   end)

   it("and whole servers among targets are each asked once, and sorted as they were given", function()
      local whole = run("unlock_all", "busy")[1]
      local outcomes = kit.outcomes(wms.unlock{ session_ids = {
         { session_id = 2, server = "envoy://late" }, whole, { session_id = 1, server = "envoy://late" },
      } })
      assert.same({ "2 verified", "* failed BUSY", "1 verified" }, short(outcomes))
      assert.equal(3, #said)
      whole.server = "envoy://good"
      outcomes = kit.outcomes(wms.unlock{ session_ids = { { session_id = 2, server = "envoy://late" }, whole } })
      assert.same({ "2 verified", "c3 verified", "2 verified", "1 verified" }, short(outcomes))
   end)

   it("tells one session after the other", function()
      for _, case in ipairs{ { "unlock_all" }, { "unlock", { 1, 2, "c3" } } } do
         local told = {}
         local outcomes = run(case[1], "late", { session_ids = case[2], on_outcome = function(outcome, done, total)
            told[#told + 1] = ("%s %d/%s"):format(outcome.session_id, done, tostring(total))
         end })
         assert.same({ "1 verified", "2 verified", "c3 verified" }, short(outcomes))
         local total = case[2] and "3" or told[1]:match("/(.*)")
         assert.same({ "1 1/" .. total, "2 2/" .. total }, { told[1], told[2] })
         assert.truthy(told[3]:find("^c3 3/"), told[3])
      end
   end)

   it("says what it has to say besides", function()
      assert.same({ "well?done", "well?done" }, kit.pluck(run("unlock", "notes", { session_ids = { 1, 2 } }), "note"))
      assert.same({ "well?done", "well?done", "well?done" }, kit.pluck(run("unlock_all", "notes"), "note"))
   end)

   it("is at work for longer than the timeout, and says so", function()
      local outcomes = run("unlock_all", "alive", { timeout = 0.7 }) -- more than 0.9 s
      assert.same({ "1 verified", "2 verified", "c3 verified" }, short(outcomes))
   end)

   it("has many sessions, each of which is told of once", function()
      local outcomes, seen = run("unlock_all", "crowd"), {}
      assert.equal(60, #outcomes)
      for _, outcome in ipairs(outcomes) do
         assert.is_nil(seen[outcome.session_id])
         seen[outcome.session_id] = true
      end
   end)

   it("answers, and then more, which nobody hears", function()
      assert.equal(3, #run("unlock_all", "more"))
   end)

   describe("is asked as others are for", function()
      local function asked(verb, options)
         run(verb, "good", options)
         return table.concat(said, " ")
      end

      it("a verb that it does session by session", function()
         assert.equal("list act act", asked("disconnect_all"))
      end)

      it("what_if", function()
         assert.equal("list", asked("unlock_all", { what_if = true }))
      end)

      it("where", function()
         assert.equal("list act", asked("unlock_all", { where = { user_name = "bob" } }))
      end)

      it("allow", function()
         wms.configure{ allow = function() return true end }
         assert.equal("list act act act", asked("unlock_all"))
         said = {}
         assert.equal("act act", asked("unlock", { session_ids = { 1, 2 } }))
      end)

      it("on_error", function()
         assert.equal("act act", asked("unlock", { session_ids = { 1, 2 }, on_error = "stop" }))
      end)

      it("a warning", function()
         assert.equal("list act act", asked("close", { session_ids = 2, warn = { message = "m", seconds = 0.01 } }))
      end)

      it("its sessions", function()
         assert.equal(3, #assert(wms.sessions("envoy://good")))
         assert.same({ "list" }, said)
      end)

      it("pictures, and what is done to it as a whole", function()
         assert.same({ "UNSUPPORTED" }, kit.pluck(run("thumbnail", "good", { session_ids = 1 }), "error", "code"))
         assert.same({ "UNSUPPORTED" }, kit.pluck(run("reboot", "good"), "error", "code"))
         assert.same({}, said)
      end)
   end)

   describe("fails as a whole:", function()
      -- What becomes of a command on 1 and 2, and of one on all.
      for host, case in pairs{
         ["refused"] = { { "1 failed ACCESS_DENIED", "2 failed ACCESS_DENIED" }, { "* failed ACCESS_DENIED" } },
         ["busy"] = { { "1 failed BUSY", "2 failed BUSY" }, { "* failed BUSY" } },
         ["lost-unsent"] = { { "1 failed UNREACHABLE", "2 failed UNREACHABLE" }, { "* failed UNREACHABLE" }, 2 },
         ["unsent"] = { { "1 failed TIMEOUT", "2 failed TIMEOUT" }, { "* failed TIMEOUT" } },
         ["never"] = { { "1 unknown TIMEOUT", "2 unknown TIMEOUT" }, { "* unknown TIMEOUT" } },
         ["missing"] = { { "1 verified", "2 unknown PROTOCOL" }, { "1 verified" } },
         ["half"] = { { "1 verified", "2 failed BUSY" }, { "1 verified", "* failed BUSY" } },
         ["lost"] = { { "1 verified", "2 unknown UNREACHABLE" }, { "1 verified", "* unknown UNREACHABLE" } },
         ["unsaid"] = { { "1 verified", "2 unknown UNREACHABLE" }, { "1 verified", "* unknown UNREACHABLE" } },
         ["broken"] = { { "1 verified", "2 unknown UNREACHABLE" }, { "1 verified", "* unknown UNREACHABLE" } },
         ["hung"] = { { "1 verified", "2 unknown TIMEOUT" }, { "1 verified", "* unknown TIMEOUT" } },
         ["twice"] = { { "1 verified", "2 unknown PROTOCOL" }, { "1 verified", "* unknown PROTOCOL" } },
         ["stranger"] = { { "1 unknown PROTOCOL", "2 unknown PROTOCOL" }, { "99 verified" } },
         ["another"] = { { "1 verified", "2 unknown PROTOCOL" }, { "1 verified" } },
         ["bad-id"] = { { "1 unknown PROTOCOL", "2 unknown PROTOCOL" }, { "* unknown PROTOCOL" } },
         ["no-id"] = { { "1 unknown PROTOCOL", "2 unknown PROTOCOL" }, { "* unknown PROTOCOL" } },
         ["odd-state"] = { { "1 unknown PROTOCOL", "2 unknown PROTOCOL" }, { "* unknown PROTOCOL" } },
         ["unsound"] = { { "1 unknown PROTOCOL", "2 unknown PROTOCOL" }, { "* unknown PROTOCOL" } },
         ["no-code"] = { { "1 unknown PROTOCOL", "2 unknown PROTOCOL" }, { "* unknown PROTOCOL" } },
         ["odd-code"] = { { "1 failed INTERNAL", "2 unknown PROTOCOL" }, { "1 failed INTERNAL" } },
         ["session"] = { { "1 verified", "2 unknown PROTOCOL" }, { "1 verified" } },
      } do
         it(host, function()
            local slow = host == "unsent" or host == "never" or host == "hung"
            local timeout = slow and 0.1 or nil
            local outcomes = run("unlock", host, { session_ids = { 1, 2 }, timeout = timeout })
            assert.same(case[1], short(outcomes))
            for _, outcome in ipairs(outcomes) do
               if outcome.state == "unknown" then
                  assert.truthy(outcome.error.message:find("may still be carried out", 1, true), outcome.error.message)
               end
            end
            local all = run("unlock_all", host, { timeout = timeout })
            assert.same(case[2], short(all))
            assert.equal(all[2] and true or nil, all[#all].partial)
            local forgotten = 0
            for _, text in ipairs(said) do
               forgotten = forgotten + (text == "forgotten" and 1 or 0)
            end
            assert.equal(slow and 2 or 0, forgotten)
            assert.equal(3, #run("lock_all", "good", { message = "m" }))
         end)
      end
   end)

   it("tells a session's end once: what it says after that is refused", function()
      for _, options in ipairs{ { session_ids = 1 }, { session_ids = { 1, 2 } } } do
         assert.equal("1 verified", short(run("unlock", "twice", options))[1])
         assert.equal("outcome() said -8", said[#said])
      end
      assert.same({ "1 verified", "* unknown PROTOCOL" }, short(run("unlock_all", "twice")))
   end)

   --- The same in a process of its own, since such hosts count what they are asked.  `options`: a table's fields, in Lua.
   -- Returns outcomes in short, how often the log tells of a pause, and how many commands the host was given.
   local function alone(verb, host, options)
      local output, code = process.script(([[
         local wms = require "wms"
         local pauses, asked = 0, 0
         wms.configure{ log = function(_, text)
            pauses = pauses + (text:find("once more in", 1, true) and 1 or 0)
            asked = asked + (text:find("^envoy: %%d") and 1 or 0)
         end }
         local list, _, err = wms[%q]{ server = %q, %s }
         for _, outcome in ipairs(list or err.outcomes) do
            io.write(outcome.session_id or "*", " ", outcome.state, " ", outcome.error and outcome.error.code or "-", ", ")
         end
         io.write(pauses, " ", asked)
      ]]):format(verb, "envoy://" .. host, options or ""))
      assert.equal(0, code, output)
      return output
   end

   it("is asked once more at once, when the question was not sent", function()
      for _, host in ipairs{ "once-unsent", "broken-unsent" } do
         assert.equal("c3 verified -, 2 verified -, 1 verified -, 0 2", alone("unlock_all", host))
         assert.equal("1 verified -, 2 verified -, 0 2", alone("unlock", host, "session_ids = { 1, 2 }"))
      end
   end)

   describe("is tried again", function()
      it("as a whole, when it has failed as a whole", function()
         assert.equal("c3 verified -, 2 verified -, 1 verified -, 1 2", alone("unlock_all", "busy-once", "retries = 2"))
         for _, host in ipairs{ "busy-once", "lost-once" } do
            assert.equal("1 verified -, 2 verified -, 1 2", alone("unlock", host, "session_ids = { 1, 2 }, retries = 2"))
         end
      end)

      it("for the sessions that have no outcome", function()
         assert.equal("1 verified -, 2 verified -, c3 verified -, 1 2",
            alone("unlock", "half-once", "session_ids = { 1, 2, 'c3' }, retries = 2"))
         assert.equal("1 verified -, * failed BUSY, 0 1", alone("unlock_all", "half-once", "retries = 2"))
      end)

      it("not with a message that was sent", function()
         assert.equal("1 unknown UNREACHABLE, 0 1",
            alone("message", "lost-once", "session_ids = 1, message = 'm', retries = 2"))
      end)

      it("after a timeout, where that is safe", function()
         local options = "session_ids = { 1, 2 }, retries = 1, timeout = 0.1"
         assert.equal("1 unknown TIMEOUT, 2 unknown TIMEOUT, 1 2", alone("unlock", "never", options))
         assert.equal("1 failed TIMEOUT, 2 failed TIMEOUT, 1 2", alone("unlock", "unsent", options))
         assert.equal("1 verified -, 2 verified -, 1 2", alone("unlock", "hung", options)) -- one each time
         assert.equal("* unknown TIMEOUT, 1 2", alone("unlock_all", "never", "retries = 1, timeout = 0.1"))
         assert.equal("1 verified -, * unknown TIMEOUT, 0 1", alone("unlock_all", "hung", "retries = 1, timeout = 0.1"))
      end)

      it("so often, and no more", function()
         assert.equal("1 failed BUSY, 2 failed BUSY, 1 2", alone("unlock", "busy", "session_ids = { 1, 2 }, retries = 1"))
      end)
   end)

   describe("is not waited for", function()
      it("when the request is cancelled", function()
         for _, command in ipairs{ { "unlock_all" }, { "unlock", { 1, 2 } } } do
            said = {}
            local request = wms.start(command[1], { server = "envoy://hung", session_ids = command[2] })
            kit.pump(request, function() return said[1] end)
            request:cancel()
            local err = kit.fault(request:result())
            assert.same({ "1 verified", (command[2] and "2" or "*") .. " unknown CANCELLED" }, short(err.outcomes))
            request:close()
            assert.equal(3, #run("unlock_all", "good")) -- and the log has been told by then
            assert.equal("forgotten", said[2])
         end
      end)

      it("after the deadline", function()
         assert.same({ "1 verified", "2 unknown TIMEOUT" },
            short(run("unlock", "hung", { session_ids = { 1, 2 }, deadline = 0.1 })))
         assert.same({ "1 verified", "* unknown TIMEOUT" }, short(run("unlock_all", "hung", { deadline = 0.1 })))
         assert.same({ "* skipped TIMEOUT" }, short(run("unlock_all", "unsent", { deadline = 0.1 })))
      end)
   end)

   it("is not reached at once", function()
      assert.equal(3, #run("unlock_all", "distant"))
      assert.equal(1, #said)
   end)

   it("takes one of its host's places", function()
      local first = wms.start("unlock", { server = "envoy://late", session_ids = { 1, 2, "c3" } })
      local second = wms.start("unlock_all", { server = "envoy://late" })
      for _, request in ipairs{ first, second } do -- the provider would have aborted
         assert.is_true(request:wait(20))
         assert.equal(3, #kit.fine(request:result()))
         request:close()
      end
   end)
end)
