-- SPDX-License-Identifier: MIT
--- The contract's section on pictures: see spec/contract.lua, which gives the adapter and its own `test` and `room`.  The
-- comment in each picture tells whose it is.
local busted = require "busted"
local jpeg = require "spec.support.jpeg"
local kit = require "spec.support.kit"
local wms = kit.wms
local describe, assert = busted.describe, require "luassert"
local fine, fault, pluck, sorted = kit.fine, kit.fault, kit.pluck, kit.sorted

return function(adapter, test, room)
   describe("thumbnail", function()
      if not adapter.can.pictures then
         test("says that there are none, and asks for nothing", {}, function()
            local host = room({}, {})
            local is_known = adapter.can.host_decides ~= "pictures, but not ends"
            for _, what_if in ipairs(is_known and { false, true } or { false }) do
               for _, err in ipairs{
                  fault(wms.thumbnail{ session_ids = host.ids, server = host.server, what_if = what_if }),
                  fault(wms.thumbnail_all{ server = host.server, size = "full", what_if = what_if }),
               } do
                  assert.equal("UNSUPPORTED", err.code)
                  assert.truthy(err.message:find("give no pictures", 1, true), err.message)
               end
            end
            assert.equal(0, host.asked())
         end)
         return
      end

      --- An outcome has the picture of its session, as it was asked for just now.
      local function check(outcome, asked_at)
         local width, height, comment = jpeg.read(outcome.picture)
         assert.same({ width, height }, { outcome.width, outcome.height })
         assert.truthy(adapter.single or comment:find("session " .. outcome.session_id .. " ", 1, true), comment)
         assert.is_true(math.abs(outcome.time - asked_at) < 600) -- a machine's clock may be set meanwhile
         assert.equal("verified", outcome.state)
      end

      test("brings each session's own, in the order asked", {}, function()
         local host, now = room({ user = "alice" }, { locked = true }, {}), os.time()
         local ids = { host.ids[3], host.ids[1], host.ids[3], host.ids[2] }
         local list = fine(wms.thumbnail{ session_ids = ids, server = host.server })
         assert.same({ host.ids[3], host.ids[1], host.ids[2] }, pluck(list, "session_id"))
         for _, outcome in ipairs(list) do
            check(outcome, now)
         end
         assert.equal(3, host.asked("thumbnail"))
         assert.is_false(host.locked(host.ids[1]))
         assert.is_true(host.locked(host.ids[2]))
      end)

      test("comes in four sizes, of which medium is the usual one", {}, function()
         local host = room{}
         local widths = {}
         for i, size in ipairs{ "small", "medium", "large", "full" } do
            widths[i] = fine(wms.thumbnail{ session_ids = host.ids, server = host.server, size = size })[1].width
            assert.is_true(i == 1 or widths[i] > widths[i - 1], size)
         end
         assert.equal(widths[2], fine(wms.thumbnail{ session_ids = host.ids, server = host.server })[1].width)
         assert.equal(widths[4], fine(wms.thumbnail_all{ server = host.server, size = "full" })[1].width)
      end)

      test("of a session that has none is no failure", {}, function()
         local host = room({}, {})
         host.picture(host.ids[1], false)
         local list = fine(wms.thumbnail{ session_ids = host.ids, server = host.server })
         assert.same({ "verified", "verified" }, pluck(list, "state"))
         for _, field in ipairs{ "picture", "width", "height", "time" } do
            assert.is_nil(list[1][field], field)
         end
         check(list[2], os.time())
      end)

      test("that is no JPEG is refused, and the others are told", {}, function()
         local host = room({}, {})
         host.picture(host.ids[1], "no picture at all")
         local err = fault(wms.thumbnail_all{ server = host.server })
         assert.equal("PROTOCOL", err.code)
         assert.truthy(err.message:find("no JPEG", 1, true), err.message)
         for _, outcome in ipairs(err.outcomes) do
            assert.equal(outcome.session_id == host.ids[1], outcome.picture == nil)
         end
      end)

      test("leaves out exempt sessions, and refuses them by their ids", { "exempt" }, function()
         local host = room({ exempt = true }, {})
         assert.same({ host.ids[2] }, pluck(fine(wms.thumbnail_all(host.server)), "session_id"))
         local ids = { host.ids[1], host.unknown_id(), host.ids[2] }
         local err = fault(wms.thumbnail{ session_ids = ids, server = host.server })
         assert.same({ "ACCESS_DENIED", "NOT_FOUND", "nil" }, pluck(err.outcomes, "error", "code"))
         assert.truthy(err.outcomes[3].picture)
      end)

      test("is of those that are chosen, and of nobody whom `allow` keeps", {}, function()
         local host = room({ user = "alice" }, { user = "bob" }, { user = "carol" })
         local where = { user_name = { "alice", "bob" } }
         local client = wms.new{ server = host.server, allow = function(action)
            return action.verb == "thumbnail" and action.session_id ~= host.ids[2], "not him"
         end }
         local err = fault(client:thumbnail_all{ where = where })
         assert.same({ host.ids[1], host.ids[2] }, sorted(pluck(err.outcomes, "session_id")))
         assert.equal("ACCESS_DENIED", err.code)
         assert.equal(host.ids[2], err.session_id)
         assert.equal(1, host.asked("thumbnail"))
      end)

      test("is planned, and not taken", {}, function()
         local host = room({}, {})
         local list = fine(wms.thumbnail{ session_ids = host.ids, server = host.server, what_if = true })
         assert.same({ "planned", "planned" }, pluck(list, "state"))
         assert.same({ "nil", "nil" }, pluck(list, "picture"))
         fine(wms.thumbnail_all{ server = host.server, what_if = true })
         assert.equal(0, host.asked())
      end)

      test("is handed over by on_outcome, one after the other, and kept by nobody", {}, function()
         local host, now, seen = room({}, {}, {}), os.time(), {}
         local list = fine(wms.thumbnail_all{ server = host.server, on_outcome = function(outcome, done, total)
            check(outcome, now)
            seen[#seen + 1] = outcome.session_id
            assert.same({ #seen, 3 }, { done, total })
            assert.equal(#seen, host.asked("thumbnail")) -- the next one was not asked for yet
         end })
         assert.same(sorted(host.ids), sorted(seen))
         assert.same({ "nil", "nil", "nil" }, pluck(list, "picture"))
         assert.same({ "verified", "verified", "verified" }, pluck(list, "state"))
      end)

      test("comes from several servers, one of which is dark", {}, function()
         local one, two, dark = room{}, room{}, adapter.unreachable()
         local err = fault(wms.thumbnail_all{ servers = { one.server, dark, two.server } })
         assert.same({ one.server, dark, two.server }, pluck(err.outcomes, "server"))
         assert.same({ "verified", "failed", "verified" }, pluck(err.outcomes, "state"))
         check(err.outcomes[1], os.time())
         check(err.outcomes[3], os.time())
         local objects = fine(wms.sessions{ servers = { two.server, one.server } })
         assert.same({ two.server, one.server }, pluck(fine(wms.thumbnail{ session_ids = objects }), "server"))
      end)

      test("without an answer has failed: nothing was changed", { "mute" }, function()
         local host = room{}
         fine(wms.sessions(host.server))
         host.mute()
         local err = fault(wms.thumbnail{ session_ids = host.ids, server = host.server, timeout = 0.1 })
         assert.same({ "failed", "TIMEOUT" }, { err.outcomes[1].state, err.code })
      end)

      test("is a method of a client, whose verify and stable are for other commands", {}, function()
         local host = room{}
         local client = wms.new{ server = host.server, verify = 1, stable = 1 }
         check(fine(client:thumbnail{ session_ids = host.ids })[1], os.time())
         check(fine(client:thumbnail_all{})[1], os.time())
         local request = client:start("thumbnail", { session_ids = host.ids, size = "small" })
         check(fine(kit.finish(request):result())[1], os.time())
         request:close()
      end)

      test("has a size, and nothing to wait for", {}, function()
         local host = room{}
         for _, case in ipairs{
            { { "size", "tiny", "small" }, { size = "tiny" } }, { { "size", "a number" }, { size = 3 } },
            { { "verify", "leave it out" }, { verify = 1 } }, { { "stable", "leave it out" }, { stable = 1 } },
            { { "message" }, { message = "m" } },
         } do
            case[2].session_ids, case[2].server = host.ids, host.server
            kit.misuse("thumbnail", case[1], function() wms.thumbnail(case[2]) end)
         end
         kit.misuse("unlock", { "size: no such option" }, function()
            wms.unlock{ session_ids = host.ids, server = host.server, size = "small" }
         end)
         assert.equal(0, host.asked())
      end)
   end)
end
