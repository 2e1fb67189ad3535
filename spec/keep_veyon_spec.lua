-- SPDX-License-Identifier: MIT
--- wms.keep with Veyon hosts, whose locks a log-off, a reboot, another user and a crash take away without a word.
local kit = require "spec.support.kit"
local shared = require "spec.support.keeping"
local veyon = require "spec.support.veyon"
local of = shared.of

veyon.describe("wms.keep with Veyon hosts #once", pending, function()
   local keep, sweep = kit.keeper()

   after_each(sweep)

   --- Runs the keeper until the check holds.
   local function await(keeper, check)
      return shared.await(keeper, check, 60)
   end

   local function is_locked(host, locked)
      return function()
         return host:state().locked == (locked == false and 0 or 1)
      end
   end

   local function has(told, kind)
      return function()
         return of(told, kind)[1]
      end
   end

   --- A keeper of these hosts, once all that are there are locked.
   local function keeping(options, ...)
      options.servers, options.locked = {}, true
      for i, host in ipairs{ ... } do
         options.servers[i] = host.server
      end
      options.verify = 30
      local keeper, told = shared.begin(keep, options)
      for _, host in ipairs{ ... } do
         if host:state().powered == 1 and host:state().user ~= "" then
            await(keeper, is_locked(host))
         end
      end
      await(keeper, function() return #of(told, "acted") >= #options.servers end)
      return keeper, told
   end

   --- The reports of actions, but for those that are not known to have been carried out.
   local function verified(told)
      local list = {}
      for _, report in ipairs(of(told, "acted")) do
         list[#list + 1] = report.outcome.state == "verified" and report or nil
      end
      return list
   end

   it("holds who is there, and puts it back at its end", function()
      local one, two = veyon.host(), veyon.host()
      local keeper, told = keeping({ restore = true }, one, two)
      for _, report in ipairs(of(told, "acted")) do
         assert.same({ "lock", "found", "verified" }, { report.verb, report.reason, report.outcome.state })
      end
      keeper:stop()
      assert.equal(2, assert(keeper:run()).restored)
      assert.is_true(is_locked(one, false)() and is_locked(two, false)())
   end)

   it("restores a lock whose process was killed", function()
      local host = veyon.host()
      local keeper, told = keeping({}, host)
      host:restart "worker"
      assert.is_true(is_locked(host, false)())
      await(keeper, is_locked(host))
      await(keeper, function() return #verified(told) == 2 end)
      assert.equal("changed", verified(told)[2].reason)
   end)

   it("locks who logs on after a log-off and after a reboot", function()
      local host = veyon.host()
      local keeper, told = keeping({ restore = true }, host)
      local before
      for _, user in ipairs{ "alice", "bob" } do
         host:log_off()
         host:log_on(user)
         await(keeper, is_locked(host))
         host:restart "reboot"
         await(keeper, has(told, "lost"))
         assert.is_true(is_locked(host, false)())
         before = #verified(told)
         host:log_on(user)
         await(keeper, is_locked(host))
      end
      await(keeper, function() return #verified(told) > before end) -- what is put back is what is known to be locked
      keeper:stop()
      assert.equal(1, assert(keeper:run()).restored)
      assert.is_true(is_locked(host, false)())
   end)

   it("locks another user who logs on beside", function()
      local host = veyon.host{ user = "alice" }
      local keeper, told = keeping({}, host)
      host:log_on "carol"
      assert.is_true(is_locked(host, false)())
      await(keeper, is_locked(host))
      await(keeper, function() return verified(told)[2] end)
      assert.equal("carol", verified(told)[2].user_name)
   end)

   it("locks a host that is off at first, and one whose cable was out", function()
      local off, out, neighbour = veyon.host(), veyon.host(), veyon.host()
      off:restart "off"
      local keeper = keeping({}, out, neighbour)
      local late, told_late = shared.begin(keep, { server = off.server, locked = true, verify = 30 })
      await(late, has(told_late, "lost"))
      off:restart "on"
      off:log_on "alice"
      await(late, is_locked(off))
      out:plug "out"
      out:restart "worker"
      keeper:wait(2)
      assert.same({ false, true }, { is_locked(out)(), is_locked(neighbour)() })
      out:plug "in"
      await(keeper, is_locked(out))
   end)

   it("goes on with a gateway that is started anew, or away for a while", function()
      local own = veyon.own{ set = { authentication = 500 } }
      local host = veyon.host({}, own)
      local keeper, told = keeping({}, host)
      own:restart()
      host:restart "worker"
      await(keeper, is_locked(host))
      own:listen(false)
      own:hangup()
      await(keeper, has(told, "lost"))
      host:restart "worker"
      own:listen(true)
      await(keeper, is_locked(host))
   end)
end)
