-- SPDX-License-Identifier: MIT
--- The contract's section on messages: see spec/contract.lua, which gives the adapter and its own `test` and `room`.
local busted = require "busted"
local kit = require "spec.support.kit"
local wms = kit.wms
local describe, assert = busted.describe, require "luassert"
local fine, fault, pluck, sorted = kit.fine, kit.fault, kit.pluck, kit.sorted

return function(adapter, test, room)
   local function unsupported(host, err)
      assert.equal("UNSUPPORTED", err.code)
      assert.truthy(err.message:find("cannot show a message", 1, true), err.message)
      for _, outcome in ipairs(err.outcomes) do
         assert.same({ host.server, "failed" }, { outcome.server, outcome.state })
      end
      return pluck(err.outcomes, "session_id")
   end

   describe("message", function()
      if adapter.can.host_decides and not adapter.can.message then
         test("says of each session that it cannot be shown, once the host has said so", {}, function()
            local host = room({}, {})
            for _, err in ipairs{
               fault(wms.message{ session_ids = host.ids, server = host.server, message = "m", title = "t" }),
               fault(wms.message_all{ server = host.server, message = "m" }),
            } do
               assert.same({ "UNSUPPORTED", "UNSUPPORTED" }, pluck(err.outcomes, "error", "code"))
               assert.same({ "failed", "failed" }, pluck(err.outcomes, "state"))
               assert.same(sorted(host.ids), sorted(pluck(err.outcomes, "session_id")))
            end
            assert.equal(0, host.asked())
         end)
         return
      end

      if not adapter.can.message then
         test("says that it cannot be shown, and asks for nothing", {}, function()
            local host = room({}, {})
            for _, what_if in ipairs{ false, true } do
               local function options(ids)
                  return { session_ids = ids, server = host.server, message = "m", title = "t", what_if = what_if }
               end
               assert.same(host.ids, unsupported(host, fault(wms.message(options(host.ids)))))
               assert.same({ "nil" }, unsupported(host, fault(wms.message_all(options()))))
            end
            assert.equal(0, host.asked())
            assert.equal(2, #fine(wms.sessions(host.server)))
         end)
         return
      end

      test("is shown, and nothing is locked", {}, function()
         local host = room({ user = "alice" }, {}, {})
         local ids = { host.ids[3], host.ids[1], host.ids[3] }
         local list = fine(wms.message{ session_ids = ids, server = host.server, title = "Lab 1", message = "Ten minutes" })
         assert.same({ host.ids[3], host.ids[1] }, pluck(list, "session_id"))
         assert.same({ "requested", "requested" }, pluck(list, "state"))
         assert.same({ "nil", "nil" }, pluck(list, "changed"))
         kit.await(function() return host.asked("message") == 2 end)
         assert.equal(2, host.asked())
         for _, id in ipairs(host.ids) do
            assert.is_false(host.locked(id))
         end
      end)

      test("reaches locked sessions, which stay so", { "lock_report" }, function()
         local host = room({ locked = true }, {})
         assert.same(sorted(host.ids),
            sorted(pluck(fine(wms.message_all{ server = host.server, message = "m" }), "session_id")))
         kit.await(function() return host.asked("message") == 2 end)
         assert.same({ true, false }, { host.locked(host.ids[1]), host.locked(host.ids[2]) })
      end)

      test("leaves out exempt sessions, and refuses them by their ids", { "exempt" }, function()
         local host = room({ exempt = true }, {})
         assert.same({ host.ids[2] },
            pluck(fine(wms.message_all{ server = host.server, message = "m" }), "session_id"))
         local ids = { host.ids[1], host.unknown_id(), host.ids[2] }
         local err = fault(wms.message{ session_ids = ids, server = host.server, message = "m" })
         assert.same({ "ACCESS_DENIED", "NOT_FOUND", "nil" }, pluck(err.outcomes, "error", "code"))
      end)

      test("reaches the caller's own session, too", { "own" }, function()
         local host = room({}, { own = true })
         assert.equal(2, #fine(wms.message_all{ server = host.server, message = "m" }))
         fine(wms.message{ session_ids = host.ids[2], server = host.server, message = "m" })
      end)

      test("is planned, and not shown", {}, function()
         local host = room({}, {})
         local list = fine(wms.message{ session_ids = host.ids, server = host.server, message = "m", what_if = true })
         assert.same({ "planned", "planned" }, pluck(list, "state"))
         list = fine(wms.message_all{ server = host.server, message = "m", what_if = true })
         assert.same({ "planned", "planned" }, pluck(list, "state"))
         assert.equal(0, host.asked())
      end)

      test("goes to several servers, one of which is dark", {}, function()
         local one, two, dark = room{}, room{}, adapter.unreachable()
         local err = fault(wms.message_all{ servers = { one.server, dark, two.server }, message = "m" })
         assert.same({ one.server, dark, two.server }, pluck(err.outcomes, "server"))
         assert.same({ "requested", "failed", "requested" }, pluck(err.outcomes, "state"))
         assert.equal("UNREACHABLE", err.code)
         local objects = fine(wms.sessions{ servers = { two.server, one.server } })
         assert.same({ two.server, one.server },
            pluck(fine(wms.message{ session_ids = objects, message = "m" }), "server"))
      end)

      test("without an answer is unknown", { "mute" }, function()
         local host = room{}
         fine(wms.sessions(host.server))
         host.mute()
         local err = fault(wms.message{ session_ids = host.ids, server = host.server, message = "m", timeout = 0.1 })
         local state = err.outcomes[1].state
         local asks_first = adapter.can.asks_first
         assert.truthy(state == (asks_first and "failed" or "unknown") or asks_first == "perhaps", state)
         assert.equal("TIMEOUT", err.code)
      end)

      test("is a method of a client, whose verify and stable are for other commands", {}, function()
         local host = room{}
         local client = wms.new{ server = host.server, verify = 1, stable = 1 }
         assert.same({ "requested" }, pluck(fine(client:message{ session_ids = host.ids, message = "m" }), "state"))
         assert.same({ "requested" }, pluck(fine(client:message_all{ message = "m" }), "state"))
         local request = client:start("message", { session_ids = host.ids, message = "m", title = "t" })
         assert.same({ "requested" }, pluck(fine(kit.finish(request):result()), "state"))
         request:close()
      end)
   end)
end
