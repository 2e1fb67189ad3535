-- SPDX-License-Identifier: MIT
--- A real screen locker on a real (virtual) screen: what is seen decides.
local kit = require "spec.support.kit"
local hosts = require "spec.host"
local wms = kit.wms
local fine, fault = kit.fine, kit.fault

describe("a real screen locker #once", function()
   local usable, why = hosts.available()
   if not usable then
      pending("needs more rights: " .. why)
      return
   end

   local machine, desktop, id, clear

   setup(function()
      machine = hosts.up("desk")
      machine:seat("seat-a")
   end)

   teardown(hosts.down)

   before_each(function()
      desktop = machine:desktop{ user = "alice", seat = "seat-a" }
      id = math.tointeger(tonumber(desktop.id)) or desktop.id
      clear = desktop:screenshot()
   end)

   after_each(function()
      kit.reset()
      machine:end_session(desktop.id)
   end)

   local function covered(shot)
      return hosts.difference(clear, shot) > 0.5
   end

   local function open(shot)
      return hosts.difference(clear, shot) < 0.01
   end

   local function lock()
      return fine(wms.lock{ session_ids = id, server = machine.server, message = "Eyes up", verify = 15 })[1]
   end

   it("comes up with lock and goes with unlock, and verified is what is on the screen", function()
      local outcome = lock()
      assert.same({ "verified", true }, { outcome.state, outcome.changed })
      assert.is_true(machine:locked(desktop.id))
      assert.truthy(desktop:wait(covered, 10)) -- the hint comes a moment before the picture
      assert.is_true(desktop:locker_running())
      outcome = fine(wms.unlock{ session_ids = id, server = machine.server, verify = 15 })[1]
      assert.same({ "verified", true }, { outcome.state, outcome.changed })
      assert.is_false(machine:locked(desktop.id))
      assert.truthy(desktop:wait(open, 10))
      assert.is_false(desktop:locker_running())
   end)

   it("is not believed to be gone when nobody listens: UNVERIFIED", function()
      lock()
      assert.truthy(desktop:wait(covered, 10))
      desktop:kill_listener()
      local err = fault(wms.unlock{ session_ids = id, server = machine.server, verify = 1 })
      assert.equal("UNVERIFIED", err.code)
      assert.equal("failed", err.outcomes[1].state)
      assert.is_true(covered(desktop:screenshot()))
   end)

   it("that somebody else calls up again is noticed: REVERTED", function()
      lock()
      local request = wms.start("unlock", { session_ids = id, server = machine.server, verify = 15, stable = 60 })
      kit.pump(request, function() return not machine:locked(desktop.id) end)
      for _ = 1, 20 do
         request:wait(0.02) -- so that the unlocking is seen
      end
      machine:lock(desktop.id)
      kit.pump(request, function() return request:done() end)
      local err = fault(request:result())
      assert.equal("REVERTED", err.code)
      assert.truthy(desktop:wait(covered, 10))
      request:close()
   end)

   it("stays away where it is watched in peace", function()
      lock()
      local outcome = fine(wms.unlock{ session_ids = id, server = machine.server, verify = 15, stable = 0.5 })[1]
      assert.same({ "verified", true }, { outcome.state, outcome.changed })
      assert.truthy(open(desktop:screenshot()))
   end)
end)
