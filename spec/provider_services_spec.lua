--- Services of the engine's that none of our own providers has a use for: see spec/c/provider_plain.c.
local kit = require "spec.support.kit"
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
         if text:find("^plain: ") then
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
end)
