-- SPDX-License-Identifier: MIT
--- The contract's section on watching: see spec/contract.lua.
local busted = require "busted"
local kit = require "spec.support.kit"
local watching = require "spec.support.watching"
local wms = kit.wms
local describe, after_each, assert = busted.describe, busted.after_each, require "luassert"
local fine, pluck, sorted = kit.fine, kit.pluck, kit.sorted

return function(adapter, test, room)
   describe("a watch", function()
      after_each(watching.sweep)

      --- A watch of the host that is ready.
      local function watch(host, options)
         options = options or {}
         options.server = host.server
         local seen = watching.new(options)
         local event = seen:await("ready")
         assert.equal(host.server, event.server)
         return seen
      end

      test("knows the sessions that are there, and tells none of them", {}, function()
         local host = room({}, {})
         local seen = watch(host)
         assert.same(sorted{ host.ids[1], host.ids[2] }, sorted(pluck(seen.watch:sessions(), "session_id")))
         assert.same({ host.server, host.server }, pluck(seen.watch:sessions(), "server"))
         assert.same({ "ready" }, seen:take())
         assert.same({ { server = host.server, state = "watched" } }, seen.watch:servers())
      end)

      test("tells them, too, where that is asked for", {}, function()
         local host = room({}, {})
         local seen = watch(host, { initial = true })
         for _ = 1, 2 do
            assert.is_true(seen:await("opened").initial)
         end
         assert.same(sorted{ "ready", "opened " .. host.ids[1], "opened " .. host.ids[2] }, sorted(seen:take()))
      end)

      test("tells what the host itself says of a session, then and now", { "lock_report" }, function()
         local host = room({}, { locked = true })
         local seen, since = watch(host), os.time()
         host.lock(host.ids[1])
         local event = seen:await("locked")
         assert.same({ host.ids[1], host.server, true },
            { event.session.session_id, event.server, event.session.locked })
         assert.equal(host.users[1], event.session.user_name)
         assert.is_true(math.abs(event.time - since) < 600) -- of the same clock, which may be set meanwhile
         host.unlock(host.ids[2])
         event = seen:await("unlocked")
         assert.same({ host.ids[2], false }, { event.session.session_id, event.session.locked })
         assert.same({ "ready", "locked " .. host.ids[1], "unlocked " .. host.ids[2] }, seen:take())
         local locked = {}
         for _, session in ipairs(seen.watch:sessions()) do
            locked[session.session_id] = session.locked
         end
         assert.same({ [host.ids[1]] = true, [host.ids[2]] = false }, locked)
      end)

      test("tells that a session has ended, as it was last", {}, function()
         local host = room({}, {})
         local seen = watch(host)
         host.drop(host.ids[1])
         local event = seen:await("closed")
         assert.same({ host.ids[1], host.users[1] }, { event.session.session_id, event.session.user_name })
         assert.same({ host.ids[2] }, pluck(seen.watch:sessions(), "session_id"))
      end)

      test("tells of sessions that are new, and what becomes of them", { "opens" }, function()
         local host = room{}
         local seen = watch(host)
         local id = host.open("bob")
         local event = seen:await("opened")
         assert.same({ id, "bob" }, { event.session.session_id, event.session.user_name })
         assert.is_nil(event.initial)
         host.lock(id)
         seen:await("locked " .. id)
         host.drop(id)
         seen:await("closed " .. id)
         assert.same({ "ready", "opened " .. id, "locked " .. id, "closed " .. id }, seen:take())
      end)

      test("tells what this program does itself", { "locks" }, function()
         local host = room({ locked = true }, {})
         local seen = watch(host)
         fine(wms.unlock{ session_ids = host.ids[1], server = host.server, verify = 20 })
         assert.equal(host.ids[1], seen:await("unlocked").session.session_id)
      end)

      test("leaves out what is not asked for", { "lock_report" }, function()
         local host = room({ user = "alice" }, { user = "bob" })
         local seen = watch(host, { where = { user_name = host.users[2] } })
         local others = watch(host, { except = function(session) return session.user_name == host.users[2] end })
         host.lock(host.ids[1])
         others:await("locked " .. host.ids[1])
         host.lock(host.ids[2])
         seen:await("locked " .. host.ids[2])
         assert.same({ "ready", "locked " .. host.ids[2] }, seen:take())
         assert.same({ "ready", "locked " .. host.ids[1] }, others:take())
         assert.same({ host.ids[2] }, pluck(seen.watch:sessions(), "session_id"))
      end)

      test("tells which of its servers is lost, and goes on with the others", {}, function()
         local host, dark = room{}, adapter.unreachable()
         local seen = watching.new{ servers = { dark, host.server }, timeout = 5 }
         local event = seen:await("lost")
         assert.same({ dark, "UNREACHABLE" }, { event.server, event.error.code })
         assert.is_true(#event.error.message > 10)
         seen.read = 0
         assert.equal(host.server, seen:await("ready").server)
         host.drop(host.ids[1])
         seen:await("closed")
         assert.same({ "lost", "watched" }, pluck(seen.watch:servers(), "state"))
      end)

      test("asks allow before anything is sent", {}, function()
         local host, actions = room{}, {}
         wms.configure{ allow = function(action)
            actions[#actions + 1] = action
            return false, "not today"
         end }
         local seen = watching.new(host.server)
         local event = seen:await("lost")
         assert.same({ "ACCESS_DENIED", "not today" }, { event.error.code, event.error.message })
         assert.same({ { verb = "sessions", server = host.server } }, actions)
      end)
   end)
end
