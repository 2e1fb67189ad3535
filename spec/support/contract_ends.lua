-- SPDX-License-Identifier: MIT
--- The contract's section on hosts that are rebooted and powered off: see spec/contract.lua.  Hosts without the word `ends`
-- are only asked what would be done, or not at all.
local busted = require "busted"
local kit = require "spec.support.kit"
local wms = kit.wms
local describe, assert = busted.describe, require "luassert"
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

return function(adapter, test, room)
   for _, verb in ipairs{ "reboot", "power_off" } do
      local act = wms[verb]

      describe(verb, function()
         test("is planned, once the host has answered, and nothing happens", {}, function()
            local host, dark = room({}, {}), adapter.unreachable()
            local err = fault(act{ servers = { host.server, dark }, what_if = true })
            assert.same({ "planned", "failed" }, pluck(err.outcomes, "state"))
            assert.same({ host.server, dark }, pluck(err.outcomes, "server"))
            assert.same({ "nil", "UNREACHABLE" }, pluck(err.outcomes, "error", "code"))
            assert.truthy(err.outcomes[1].note:find("%d+ sessions"), err.outcomes[1].note)
            assert.is_nil(err.outcomes[1].session_id)
            assert.equal(0, host.asked())
            assert.equal(2, #fine(wms.sessions(host.server)))
         end)

         test("is for allow to refuse, about the server as a whole", {}, function()
            local host, actions = room({}), {}
            wms.configure{ allow = function(action)
               actions[#actions + 1] = action
               return false, "not today"
            end }
            local err = fault(act{ server = host.server })
            assert.same({ { verb = verb, server = host.server } }, actions)
            assert.same({ "ACCESS_DENIED", "failed" }, { err.code, err.outcomes[1].state })
            assert.truthy(err.message:find("not today", 1, true), err.message)
            assert.equal(0, host.asked())
         end)

         test("wants a server that is named, and knows no sessions", {}, function()
            wms.configure{ allow = function() return false end } -- should one get through, this machine is not ended
            for _, case in ipairs{
               { "server: missing", {} },
               { "session_ids: no such option", { session_ids = 1, server = "memory://nobody" } },
               { "verify: no such option", { verify = 1, server = "memory://nobody" } },
               { "server: an empty list", { server = {} } },
            } do
               local ok, message = pcall(act, case[2])
               assert.is_false(ok)
               assert.truthy(message:find(case[1], 1, true), message)
            end
            assert.truthy(select(2, pcall(act)):find('"localhost" is this machine', 1, true))
         end)

         if adapter.can.host_decides == true then
            test("says that it cannot be done, once the host has said so", {}, function()
               local host = room{}
               local err = fault(act{ server = host.server })
               assert.same({ "UNSUPPORTED", "failed" }, { err.code, err.outcomes[1].state })
               assert.is_true(host.exists(host.ids[1]))
            end)
         end

         if not adapter.can.ends then
            return -- elsewhere, where the hosts are of the specs' own making
         end

         test("ends the host, and with it every session", { "ends" }, function()
            local one, two, dark = room({}, {}), room{}, adapter.unreachable()
            local seen = {}
            local function on_outcome(outcome, done, total)
               seen[outcome.server] = outcome.state
               assert.is_true(done <= 3 and total == 3)
            end
            local err = fault(act{ servers = { one.server, dark, two.server }, on_outcome = on_outcome })
            assert.same({ "requested", "failed", "requested" }, pluck(err.outcomes, "state"))
            assert.same({ [one.server] = "requested", [dark] = "failed", [two.server] = "requested" }, seen)
            assert.same({ 1, 1 }, { one.asked(verb), two.asked(verb) })
            assert.is_false(one.exists(one.ids[1]) or one.exists(one.ids[2]) or two.exists(two.ids[1]))
         end)

         test("stops at the first failure, where that is asked for", { "ends" }, function()
            local host, dark = room{}, adapter.unreachable()
            local err = fault(act{ servers = { dark, host.server }, on_error = "stop" })
            assert.same({ "failed", "skipped" }, pluck(err.outcomes, "state"))
            assert.equal(0, host.asked())
         end)

         test("without an answer is unknown, and not sent again", { "ends", "mute_shows" }, function()
            local host = room{}
            fine(wms.sessions(host.server))
            host.mute()
            local err = fault(act{ server = host.server, timeout = 0.3 })
            assert.same({ "unknown" }, pluck(err.outcomes, "state"))
            assert.equal("TIMEOUT", err.code)
            assert.equal(1, host.asked(verb))
         end)

         test("is a method of a client, whose server counts as named", { "ends" }, function()
            local host = room{}
            local client = wms.new{ server = host.server, verify = 1, stable = 1 }
            assert.same({ "planned" }, pluck(fine(client[verb](client, { what_if = true })), "state"))
            local request = client:start(verb)
            assert.same({ "requested" }, pluck(fine(kit.finish(request):result()), "state"))
            request:close()
         end)
      end)
   end
end
