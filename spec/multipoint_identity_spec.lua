-- SPDX-License-Identifier: MIT
--- Whose a session of a MultiPoint host is: asked once more before it is closed or disconnected.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local wms = kit.wms

bound.describe("a session of a MultiPoint host #once", pending, function()
   local host

   before_each(function()
      host = bound.host()
      host:remove("all")
      host:session{ id = 3, user = "alice", domain = "SCHOOL" }
   end)

   --- `verb` on all, with `change` made after the list has come and before the session is acted on.
   local function meanwhile(verb, change)
      host:on("GetSessionFlags", { delay = 300 })
      local request = wms.start(verb .. "_all", { server = host.server, message = verb == "lock" and "m" or nil })
      kit.pump(request, function() return (host:counts().GetSessionFlags or 0) >= 1 end)
      change()
      kit.finish(request)
      local outcome = kit.outcomes(request:result())[1]
      request:close()
      return outcome
   end

   local function sent()
      local counts = host:counts()
      return (counts.LogOffSession or 0) + (counts.DisconnectSession or 0) + (counts.LogOffConsoleSession or 0)
   end

   it("has its user as identity", function()
      host:session{ id = 4 }
      host:session{ id = 5, user = "alice" }
      assert.same({ "SCHOOL\\alice", "\\", "\\alice" }, kit.pluck(kit.fine(wms.sessions(host.server)), "identity"))
   end)

   for _, verb in ipairs{ "close", "disconnect" } do
      for what, change in pairs{
         ["is another user's"] = function() host:session{ id = 3, user = "bob" } end,
         ["is another domain's user's"] = function() host:session{ id = 3, domain = "OTHER" } end,
         ["is nobody's"] = function() host:session{ id = 3, user = "", domain = "" } end,
         ["is no more"] = function() host:remove(3) end,
      } do
         it("that " .. what .. " by now is let be by " .. verb .. "_all", function()
            local outcome = meanwhile(verb, change)
            assert.equal(0, sent())
            assert.is_true(outcome.state ~= "requested" and outcome.state ~= "unknown", outcome.state)
            if outcome.error then
               assert.equal("NOT_FOUND", outcome.error.code)
               assert.equal(what ~= "is no more", outcome.error.message:find("another user's by now", 1, true) ~= nil)
            end
         end)
      end

      it("is asked for once more before " .. verb .. "_all, and no more", function()
         for id = 4, 8 do
            host:session{ id = id, user = "user" .. id }
         end
         kit.fine(wms[verb .. "_all"](host.server))
         assert.same({ 7, 6 }, { host:counts().GetAllSessions, sent() })
      end)

      it("is let be by " .. verb .. "_all when whose it is cannot be asked", function()
         for rule, code in pairs{
            [{ fault = 0x80004005, times = 0 }] = "PROTOCOL", [{ drop = "before", times = 0 }] = "UNREACHABLE",
            [{ body = "", times = 0 }] = "PROTOCOL",
         } do
            local outcome = meanwhile(verb, function() host:on("GetAllSessions", rule) end)
            assert.same({ "failed", code }, { outcome.state, outcome.error.code })
            assert.equal(0, sent())
            host:clear()
         end
      end)
   end

   it("is not asked for before what can be taken back, nor by its id", function()
      kit.fine(wms.unlock_all(host.server))
      kit.fine(wms.lock_all{ server = host.server, message = "m" })
      assert.equal(2, host:counts().GetAllSessions)
      kit.fine(wms.unlock{ server = host.server, session_ids = 3 })
      kit.fine(wms.disconnect{ server = host.server, session_ids = 3 })
      kit.fine(wms.close{ server = host.server, session_ids = 3 })
      assert.equal(2, host:counts().GetAllSessions)
   end)

   it("is let be when nobody waits any more while its user is asked for", function()
      host:on("GetSessionFlags", { delay = 300 })
      local request = wms.start("close_all", { server = host.server })
      kit.pump(request, function() return (host:counts().GetSessionFlags or 0) >= 1 end)
      host:on("GetAllSessions", { never = true })
      kit.pump(request, function() return host:counts().GetAllSessions == 2 end)
      request:cancel()
      assert.equal("skipped", kit.outcomes(request:result())[1].state)
      request:close()
      host:clear()
      kit.fine(wms.unlock{ server = host.server, session_ids = 3 })
      assert.equal(0, sent())
      kit.fine(wms.close_all(host.server))
      assert.equal(1, sent())
   end)
end)

bound.describe("the console's session of a MultiPoint host #once", pending, function()
   local function lab(management)
      local host = bound.host(nil, { management = management })
      host:remove("all")
      host:session{ id = 1, user = "teacher", winstation = "Console" }
      host:session{ id = 2, user = "alice", winstation = "RDP-Tcp#1" }
      return host
   end

   local function verbs(host)
      local list = {}
      for _, entry in ipairs(host:log()) do
         if entry.verb:find("LogOff") then
            list[#list + 1] = entry.verb .. " " .. entry.user
         end
      end
      return list
   end

   it("has a log-off of its own, with the management password", function()
      local host = lab(true)
      kit.fine(wms.close{ server = host.server, session_ids = 1 })
      kit.fine(wms.close{ server = host.server, session_ids = 2 })
      assert.same({ "LogOffConsoleSession WmsManagement", "LogOffSession WmsControl" }, verbs(host))
      assert.same({}, host:sessions())
   end)

   it("is logged off like all others where that password is not there", function()
      local host = lab(false)
      kit.fine(wms.close{ server = host.server, session_ids = { 1, 2 } })
      assert.same({ "LogOffSession WmsControl", "LogOffSession WmsControl" }, verbs(host))
   end)

   it("is logged off like all others by a host that knows nothing better, or does not tell which it is", function()
      local host = lab(true)
      host:session{ id = 0, winstation = "Console" } -- the host does as asked, and says otherwise
      host:on("LogOffConsoleSession", {
         raw = [[<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body><s:Fault><s:Code>]]
            .. [[<s:Value>s:Sender</s:Value><s:Subcode><s:Value>a:ActionNotSupported</s:Value></s:Subcode></s:Code>]]
            .. [[<s:Reason><s:Text xml:lang="en">no</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>]],
         status = 500,
      })
      kit.fine(wms.close{ server = host.server, session_ids = 1 })
      host:session{ id = 1, user = "teacher", winstation = "Console" }
      host:on("GetAllSessions", { fault = 0x80004005 })
      kit.fine(wms.close{ server = host.server, session_ids = 1 })
      local usual = "LogOffSession WmsControl"
      assert.same({ "LogOffConsoleSession WmsManagement", usual, usual }, verbs(host))
   end)

   it("that refuses is refused", function()
      local host = lab(true)
      host:on("LogOffConsoleSession", { fault = 0x80070005 })
      assert.equal("ACCESS_DENIED", kit.fault(wms.close{ server = host.server, session_ids = 1 }).code)
      assert.equal(1, #verbs(host))
   end)
end)
