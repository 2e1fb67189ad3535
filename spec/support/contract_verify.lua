-- SPDX-License-Identifier: MIT
--- The contract's section on verify and stable: see spec/contract.lua, which gives its own `test` and `room`.
local busted = require "busted"
local kit = require "spec.support.kit"
local wms = kit.wms
local describe, assert = busted.describe, require "luassert"
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

return function(test, room)
   describe("verify", function()
      test("tells a transition from a state that was there already", { "locks" }, function()
         local host = room({ locked = true }, {})
         local list = fine(wms.unlock{ session_ids = host.ids, server = host.server, verify = 10 })
         assert.same({ "verified", "verified" }, pluck(list, "state"))
         assert.same({ true, false }, pluck(list, "changed"))
         assert.is_false(host.locked(host.ids[1]))
         list = fine(wms.lock{ session_ids = host.ids, server = host.server, message = "m", verify = 10 })
         assert.same({ true, true }, pluck(list, "changed"))
         assert.is_true(host.locked(host.ids[1]) and host.locked(host.ids[2]))
         list = fine(wms.lock_all{ server = host.server, message = "m", verify = 10 })
         assert.same({ false, false }, pluck(list, "changed"))
      end)

      test("fails where the host says otherwise", { "locks", "deaf" }, function()
         local host = room({ locked = true, deaf = true }, { locked = true })
         local err = fault(wms.unlock{ session_ids = host.ids, server = host.server, verify = 3 })
         assert.equal("UNVERIFIED", err.code)
         assert.same({ "failed", "verified" }, pluck(err.outcomes, "state"))
         assert.is_nil(err.outcomes[1].changed)
         assert.is_true(host.locked(host.ids[1]))
      end)

      test("ends when the session does", { "locks", "deaf" }, function()
         local host = room{ locked = true, deaf = true }
         local request = wms.start("unlock", { session_ids = host.ids, server = host.server, verify = 60 })
         kit.pump(request, function() return host.asked("unlock") == 1 end)
         host.drop(host.ids[1])
         kit.pump(request, function() return request:done() end)
         local err = fault(request:result())
         assert.equal("NOT_FOUND", err.code)
         assert.same({ "failed" }, pluck(err.outcomes, "state"))
         request:close()
      end)
   end)

   describe("stable", function()
      test("watches, and is content when nothing happens", { "locks" }, function()
         local host = room({ locked = true }, { locked = true })
         local start = kit.now()
         local list = fine(wms.unlock_all{ server = host.server, stable = 0.3 })
         assert.is_true(kit.now() - start >= 0.28)
         assert.same({ "verified", "verified" }, pluck(list, "state"))
         assert.same({ true, true }, pluck(list, "changed"))
      end)

      test("fails at once when the state turns back", { "locks", "relock" }, function()
         local host = room({ locked = true, relock = 2 }, { locked = true })
         local start = kit.now()
         local err = fault(wms.unlock{ session_ids = host.ids[1], server = host.server, verify = 10, stable = 50 })
         assert.equal("REVERTED", err.code)
         assert.same({ "failed" }, pluck(err.outcomes, "state"))
         assert.is_true(kit.now() - start < 50)
         assert.is_true(host.locked(host.ids[1]))
      end)

      test("notices what somebody else does", { "locks" }, function()
         local host = room{ locked = true }
         local id = host.ids[1]
         local request = wms.start("unlock", { session_ids = id, server = host.server, verify = 20, stable = 60 })
         kit.pump(request, function() return not host.locked(id) end)
         for _ = 1, 20 do
            request:wait(0.05) -- the unlocking is seen before the locking
         end
         host.lock(id)
         kit.pump(request, function() return request:done() end)
         assert.equal("REVERTED", fault(request:result()).code)
         request:close()
      end)
   end)
end
