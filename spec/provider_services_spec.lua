-- SPDX-License-Identifier: MIT
--- Services of the engine's that none of our own providers has a use for, and the one for hosts that
-- are asked again and again: see spec/c/provider_plain.c and spec/c/provider_asking.c.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms

describe("a provider #once", function()
   local open, close = kit.providers()

   setup(open)
   teardown(close)
   after_each(kit.reset)

   --- The lines of the log that `run` brings about, but for the engine's own.
   local function said(run)
      local lines = {}
      wms.configure{ log = function(level, text)
         if text:find("^plain: ") or text:find("^asking: ") then
            lines[#lines + 1] = level .. " " .. text
         end
      end }
      run()
      wms.configure{ log = false }
      return lines
   end

   it("says in the log what it has to say, with its level, and as it stands", function()
      assert.same({ "debug plain: a list of %s and %n", "warning plain: an action" }, said(function()
         kit.fine(wms.unlock_all "plain://talks")
      end))
      assert.same({}, said(function()
         kit.fine(wms.unlock_all "plain://good")
      end))
   end)

   it("talks to nobody when there is no log", function()
      kit.fine(wms.unlock_all "plain://talks")
   end)

   it("is told when a descriptor cannot be watched", function()
      local err = kit.outcomes(wms.sessions "plain://deaf")[1].error
      assert.equal("INTERNAL", err.code)
      assert.truthy(err.message:find("poll_new() said -", 1, true), err.message)
      kit.fine(wms.unlock{ session_ids = 1, server = "plain://good" }) -- and the engine is as it was
   end)

   describe("that asks its host again and again", function()
      --- Does it to session 1.  Returns the outcome, and the lines of the log without their level.
      local function act(verb, host, options)
         local outcome
         local lines = said(function()
            local command = { session_ids = 1, server = "asking://" .. host, verify = 10 }
            for name, value in pairs(options or {}) do
               command[name] = value
            end
            outcome = kit.outcomes(wms[verb](command))[1]
         end)
         for i, line in ipairs(lines) do
            lines[i] = line:gsub("^debug asking: ", "")
         end
         return outcome, lines
      end

      it("asks at once, and once more after each answer, until the session is as asked", function()
         local outcome, lines = act("unlock", "good")
         assert.same({ "verified", true }, { outcome.state, outcome.changed })
         assert.same({ "1 looks", "3 looks" }, lines)
      end)

      it("may answer from inside the question", function()
         local outcome, lines = act("unlock", "at-once")
         assert.same({ "verified", true }, { outcome.state, outcome.changed })
         assert.same({ "1 looks", "3 looks" }, lines)
      end)

      it("goes on as long as the session is watched", function()
         local outcome, lines = act("unlock", "good", { stable = 0.3 })
         assert.same({ "verified", "1 looks" }, { outcome.state, lines[1] })
         assert.truthy(tonumber(lines[2]:match("^(%d+) looks")) > 3, lines[2])
      end)

      it("sees that the session is gone", function()
         for _, verb in ipairs{ "close", "disconnect" } do
            local outcome, lines = act(verb, "good")
            assert.same({ "verified", { "1 looks", "3 looks" } }, { outcome.state, lines })
         end
      end)

      it("ends where the host cannot tell", function()
         local outcome, lines = act("unlock", "blind")
         assert.same({ "UNVERIFIED", { "1 looks", "2 looks" } }, { outcome.error.code, lines })
         assert.truthy(outcome.error.message:find("it has no eyes", 1, true), outcome.error.message)
      end)

      it("may end from inside the first question", function()
         local outcome, lines = act("unlock", "blind-at-once")
         assert.same({ "UNVERIFIED", { "1 looks", "1 looks" } }, { outcome.error.code, lines })
         assert.truthy(outcome.error.message:find("it has no eyes", 1, true), outcome.error.message)
      end)

      it("is not asked any more when it cannot tell, long before the observation ends", function()
         local outcome, lines = act("unlock", "faints")
         assert.same({ "UNVERIFIED", { "1 looks" } }, { outcome.error.code, lines })
         assert.truthy(outcome.error.message:find("it has fainted", 1, true), outcome.error.message)
      end)

      it("ends with the connection", function()
         local outcome, lines = act("unlock", "broken")
         assert.same({ "UNVERIFIED", { "1 looks", "2 looks" } }, { outcome.error.code, lines })
      end)

      it("ends while the answer is awaited", function()
         local outcome, lines = act("unlock", "silent", { verify = 0.1, timeout = 0.2 })
         assert.same({ "UNVERIFIED", { "1 looks", "1 looks" } }, { outcome.error.code, lines })
      end)

      it("is told when the engine has no such service", function()
         local outcome, lines = act("unlock", "old")
         assert.same({ "UNVERIFIED", { "0 looks", "0 looks" } }, { outcome.error.code, lines })
      end)

      it("waits longer from question to question, up to a second", function()
         assert.same({ "", 0 }, { process.run(process.program("polling")) })
      end)
   end)
end)
