-- SPDX-License-Identifier: MIT
--- What is seen of a MultiPoint host's session, and when: only a look that begins after the host's answer counts.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

bound.describe("verifying on a MultiPoint host: #once", pending, function()
   local VERBS = {
      unlock = "StopLockingSession", lock = "LockSession", close = "LogOffSession", disconnect = "DisconnectSession",
   }

   local function look_of(verb)
      return verb == "disconnect" and "GetScreenState" or "GetSessionFlags"
   end

   --- What the host was asked, in that order.
   local function asked(host, from)
      local verbs = {}
      for i, entry in ipairs(host:log()) do
         if i > (from or 0) then
            verbs[#verbs + 1] = entry.verb
         end
      end
      return verbs
   end

   it("more sessions than a host is asked for at a time are acted on, whoever has to be asked before", function()
      local MANY = 100 -- MULTIPOINT_IN_FLIGHT of them have a place
      local host = bound.host()
      host:fill(1, MANY, { user = "alice", station = 1, flags = 4 + 32 + 8 })
      wms.configure{ allow = function() return true end }
      assert.equal(MANY, #fine(wms.unlock_all{ server = host.server, verify = 20, timeout = 20 }))
      local requests, left = {}, MANY -- the same of many commands
      for i = 1, MANY do
         requests[i] = wms.start("unlock", { session_ids = { i, MANY - i + 1 }, server = host.server, verify = 20, timeout = 20 })
      end
      kit.await(function()
         for i, request in pairs(requests) do
            if request:wait(0.001) then
               fine(request:result())
               request:close()
               requests[i], left = nil, left - 1
            end
         end
         return left == 0
      end, function() end, 60)
   end)

   it("a look before the answer counts for nothing, whatever it shows", function()
      local host = bound.host()
      host:session{ id = 8, user = "dave", station = 4, flags = 4 + 32, relock = 1 } -- its manager locks again at once
      host:on("StopLockingSession", { delay = 300 })
      local err = fault(wms.unlock{ session_ids = 8, server = host.server, verify = 0.3 }) -- it is unlocked before
      assert.same({ "failed", "UNVERIFIED" }, { err.outcomes[1].state, err.code })
   end)

   it("the last look begins after the answer, however slow the host is", function()
      for _, verb in ipairs{ "unlock", "lock", "close", "disconnect" } do
         local host = bound.host()
         local message = verb == "lock" and "m" or nil
         host:on(look_of(verb), { delay = 200, times = 0 })
         host:on(VERBS[verb], { delay = 300 })
         local list = fine(wms[verb]{ session_ids = 3, server = host.server, message = message, verify = 10 })
         assert.equal("verified", list[1].state)
         local verbs = asked(host)
         assert.equal(look_of(verb), verbs[#verbs]) -- the last thing that it was asked came after the action
      end
   end)

   it("there is one look before the action, however long that takes, and no connection is given up", function()
      for _, verb in ipairs{ "unlock", "lock", "close", "disconnect" } do
         local host = bound.host()
         local message = verb == "lock" and "m" or nil
         host:on(VERBS[verb], { delay = 300 })
         fine(wms.sessions(host.server))
         host:reset()
         fine(wms[verb]{ session_ids = 3, server = host.server, message = message, verify = 10 })
         local counts = host:counts()
         assert.same({ 2, 0 }, { counts[look_of(verb)], counts.connections_https }, verb)
      end
   end)

   it("the first look after the answer is waited for, however short the time to verify is", function()
      local host = bound.host()
      host:on("GetSessionFlags", { delay = 150, times = 0 })
      assert.same({ "verified" }, pluck(fine(wms.unlock{ session_ids = 3, server = host.server, verify = 0 }), "state"))
      host = bound.host()
      host:on("GetSessionFlags", { times = 1, delay = 1 }) -- before the action
      host:on("GetSessionFlags", { times = 0, never = true })
      local start = kit.now()
      local err = fault(wms.unlock{ session_ids = 5, server = host.server, verify = 0.1, timeout = 1 })
      assert.equal("UNVERIFIED", err.code)
      assert.truthy(err.message:find("no answer within 1 s", 1, true), err.message)
      assert.is_true(kit.now() - start >= 0.99)
   end)

   it("who has gone meanwhile is as disconnected as can be", function()
      local host = bound.host()
      host:session{ id = 8, user = "dave", station = 4, flags = 4 + 32, deaf = true }
      local request = wms.start("disconnect", { session_ids = 8, server = host.server, verify = 30 })
      kit.pump(request, function() return (host:counts().DisconnectSession or 0) == 1 end)
      host:remove(8)
      assert.is_true(request:wait(20))
      assert.same({ "verified" }, pluck(fine(request:result()), "state"))
      request:close()
   end)

   for verb, operation in pairs(VERBS) do
      it("a look that fails does not keep " .. verb .. " from being sent", function()
         for _, code in ipairs{ 0x80004005, 0x800706BA, 0x80070005 } do
            local host = bound.host()
            local message = verb == "lock" and "m" or nil
            host:on(look_of(verb), { times = 1, fault = code })
            local list = fine(wms[verb]{ session_ids = 3, server = host.server, message = message, verify = 10 })
            assert.same({ "verified" }, pluck(list, "state"))
            local verbs = asked(host)
            assert.same({ look_of(verb), operation, look_of(verb) }, { verbs[1], verbs[2], verbs[3] })
         end
      end)

      it("and where " .. verb .. " can never be seen, it is UNVERIFIED", function()
         local host = bound.host()
         local message = verb == "lock" and "m" or nil
         host:on(look_of(verb), { times = 0, fault = 0x80004005 })
         local err = fault(wms[verb]{ session_ids = 3, server = host.server, message = message, verify = 10 })
         assert.same({ "failed", "UNVERIFIED" }, { err.outcomes[1].state, err.code })
         assert.truthy(err.message:find("0x80004005", 1, true), err.message)
         assert.equal(operation, asked(host)[2])
      end)
   end

   it("the outcome names the user of the session that was given", function()
      local host = bound.host()
      local sessions = fine(wms.sessions{ session_ids = { 3, 4 }, server = host.server })
      assert.same({ "alice", "bob" }, pluck(fine(wms.unlock{ session_ids = sessions }), "user_name"))
   end)

   it("the Block All message is left alone by where, and not by except", function()
      for _, verb in ipairs{ "unlock_all", "lock_all" } do
         local host = bound.host()
         local message = verb == "lock_all" and "m" or nil
         local list = fine(wms[verb]{ server = host.server, message = message, where = { user_name = "bob" } })
         assert.same({ 4 }, pluck(list, "session_id"))
         assert.is_nil(kit.set(asked(host)).SetBlockAllMessage)
         list = fine(wms[verb]{ server = host.server, message = message, except = { user_name = "bob" } })
         assert.same({ 3, 5 }, pluck(list, "session_id"))
         assert.truthy(kit.set(asked(host)).SetBlockAllMessage)
      end
   end)
end)
