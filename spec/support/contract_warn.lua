-- SPDX-License-Identifier: MIT
--- The contract's section on users who are warned before they are logged off: see spec/contract.lua.
local busted = require "busted"
local kit = require "spec.support.kit"
local wms = kit.wms
local describe, assert = busted.describe, require "luassert"
local fine, fault, pluck, sorted = kit.fine, kit.fault, kit.pluck, kit.sorted

--- Waits for it, and does not poll: it takes seconds.
local function finish(request)
   assert.is_true(request:wait(120))
   return request
end

return function(adapter, test, room)
   local shows = adapter.can.message

   local function warn(seconds)
      return { message = "Save your work", title = "Lab 1", seconds = seconds }
   end

   --- Warnings that the host has shown, which must be all or none.
   local function check_shown(host, count)
      assert.equal(shows and count or 0, host.asked("message"))
   end

   local function check_notes(list)
      for _, outcome in ipairs(list) do
         assert.equal(not shows, outcome.note ~= nil and outcome.note:find("the warning was not shown: ", 1, true) ~= nil)
      end
   end

   describe("a warning", function()
      test("comes first, then the time, then the end of those who are still there", { "close" }, function()
         local host = room({ user = "alice" }, {}, {})
         local request = wms.start("close_all", { server = host.server, warn = warn(4) })
         request:wait(1)
         assert.is_false(request:done())
         check_shown(host, 3)
         assert.equal(0, host.asked("close"))
         host.drop(host.ids[2])
         local list = fine(finish(request):result())
         request:close()
         local states = {}
         for _, outcome in ipairs(list) do
            states[outcome.session_id] = outcome.state
         end
         assert.same({ [host.ids[1]] = "requested", [host.ids[2]] = "gone", [host.ids[3]] = "requested" }, states)
         check_notes(list)
         kit.await(function() return not host.exists(host.ids[1]) and not host.exists(host.ids[3]) end)
      end)

      test("is for sessions that are named, too, and can be verified", { "close" }, function()
         local host = room({}, {})
         local unknown = host.unknown_id()
         local err = fault(wms.close{ session_ids = { host.ids[2], unknown }, server = host.server, warn = warn(0.2),
            verify = 15 })
         assert.same({ "verified", "failed" }, pluck(err.outcomes, "state"))
         assert.equal("NOT_FOUND", err.code)
         check_notes{ err.outcomes[1] }
         assert.is_true(host.exists(host.ids[1]))
         assert.is_false(host.exists(host.ids[2]))
      end)

      test("is followed by nothing when the command is cancelled", { "close" }, function()
         local host = room({}, {})
         local request = wms.start("close_all", { server = host.server, warn = warn(3600) })
         request:wait(0.5)
         request:cancel()
         assert.same({ "skipped", "skipped" }, pluck(fault(request:result()).outcomes, "state"))
         request:close()
         assert.equal(0, host.asked("close"))
         assert.is_true(host.exists(host.ids[1]) and host.exists(host.ids[2]))
      end)

      test("is planned, and not shown", { "close" }, function()
         local host = room({}, {})
         local list = fine(wms.close_all{ server = host.server, warn = warn(3600), what_if = true })
         assert.same({ "planned", "planned" }, pluck(list, "state"))
         assert.equal(0, host.asked())
      end)

      test("does not cost another one his session who has the id by then", { "close", "reuse" }, function()
         local host = room({ user = "alice" }, {})
         for _, ids in ipairs{ { host.ids[1] }, false } do
            local request = wms.start(ids and "close" or "close_all", { session_ids = ids or nil, server = host.server,
               warn = warn(4) })
            request:wait(0.5)
            host.reuse(host.ids[1], "carol")
            for _, outcome in ipairs(fine(finish(request):result())) do
               assert.equal(outcome.session_id == host.ids[1] and "gone" or "requested", outcome.state)
            end
            request:close()
            assert.is_true(host.exists(host.ids[1]))
         end
      end)

      test("is given to all at once, and one is logged off after the other where that is asked for", { "close" }, function()
         local host = room({}, {}, {})
         local seen = {}
         local list = fine(wms.close_all{ server = host.server, warn = warn(0.5), on_error = "stop",
            on_outcome = function(outcome)
               seen[#seen + 1] = outcome.session_id
               check_shown(host, 3)
            end })
         assert.equal(3, #list)
         assert.same(sorted(host.ids), sorted(seen))
      end)
   end)
end
