-- SPDX-License-Identifier: MIT
--- A graphical session of a real Linux host, with the bus of its user, from here and over ssh: what its screen saver says
--- of it, and messages.
local hosts = require "spec.host"
local kit = require "spec.support.kit"
local mock = require "spec.support.mock"
local near = require "spec.support.logind"
local far = require "spec.support.logind_far"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

local keep, sweep = kit.keeper()

for name, adapter in pairs{ here = near, ["over ssh"] = far } do
   describe(("a graphical session, %s #once"):format(name), function()
      teardown(adapter.down)

      after_each(function()
         sweep()
         kit.reset()
         adapter.sweep()
      end)

      local test = kit.needing(function(why) pending(why) end, function()
         return adapter.missing() or mock.missing()
      end)

      --- Sessions of alice, who has a bus, of bob, who has none, and of carol on a text terminal.
      local function room()
         local host = adapter.host{ sessions = { { user = "alice", type = "x11" }, { user = "bob", type = "wayland" },
            { user = "carol" } } }
         return host, keep(mock.desk_of(host.machine, "alice"))
      end

      local function locked(host)
         local list, by_id = {}, {}
         for _, session in ipairs(fine(wms.sessions(host.server))) do
            by_id[session.session_id] = session
         end
         for i, id in ipairs(host.ids) do
            list[i] = tostring(by_id[id].locked)
         end
         return list
      end

      test("is locked if its saver says so", function()
         local host, desk = room()
         assert.same({ "nil", "nil", "false" }, locked(host))
         desk:run"saver('mate', False)"
         assert.same({ "false", "nil", "false" }, locked(host))
         desk:run"saver('mate', True)"
         assert.same({ "true", "nil", "false" }, locked(host))
      end)

      test("is verified by its saver, and by nobody else", function()
         local host, desk = room()
         host.machine:check("systemctl", "stop", "spec-locker") -- which would set the hint
         desk:run"saver('cinnamon', False)"
         for verb, active in pairs{ lock = "True", unlock = "False" } do
            host.monitor:reset()
            local request = keep(wms.start(verb, { session_ids = host.ids[1], server = host.server, verify = 30,
               timeout = 40, message = verb == "lock" and "m" or nil }))
            kit.pump(request, function() return host.asked(verb) == 1 end)
            desk:run(("change('cinnamon', %s)"):format(active))
            local outcome = fine(kit.finish(request):result())[1]
            assert.same({ "verified", "alice" }, { outcome.state, outcome.user_name })
         end
         local err = fault(wms.unlock{ session_ids = host.ids[2], server = host.server, verify = 20, timeout = 40 })
         assert.equal("UNVERIFIED", err.code)
         assert.truthy(err.message:find("no screen locker of this session tells", 1, true), err.message)
      end)

      test("shows messages, as its neighbours do where they can", function()
         local host, desk = room()
         desk:run"shows()"
         local err = fault(wms.message{ session_ids = host.ids, server = host.server, title = "Lab",
            message = "a <b> & c" })
         assert.same({ "requested", "failed", "requested" }, pluck(err.outcomes, "state"))
         assert.equal(name == "here" and "UNSUPPORTED" or "UNREACHABLE", err.code)
         assert.truthy(err.message:find("has no bus", 1, true), err.message)
         assert.same({ "Notify(wms|Lab|a &lt;b&gt; &amp; c|2|-1)" }, desk:calls"Notify")
         kit.await(function() return host.shown():find("a <b> & c", 1, true) end)
      end)

      test("shows a message where a person sees it", function()
         local host = adapter.host{ sessions = {} }
         local desktop = host.machine:desktop{ user = "alice", notifications = true }
         keep{ close = function() host.machine:stop_user_bus(1000) end }
         local before = desktop:screenshot()
         assert.equal("", desktop:notifications())
         fine(wms.message{ session_ids = near.id(desktop.id), server = host.server, title = "Lab 1",
            message = "Ten minutes left" })
         local after = desktop:wait(function(shot) return hosts.difference(before, shot) > 0.02 end, 20)
         assert.truthy(after, "no picture")
         local left, right, top, bottom = math.huge, 0, math.huge, 0 -- of what differs
         for i = 0, #after / 4 - 1 do
            if before:sub(i * 4 + 1, i * 4 + 3) ~= after:sub(i * 4 + 1, i * 4 + 3) then
               local x, y = i % desktop.width, math.floor(i / desktop.width)
               left, right, top, bottom = math.min(left, x), math.max(right, x), math.min(top, y), math.max(bottom, y)
            end
         end
         -- Where it has been told to stand.
         local place = ("from %d, %d to %d, %d"):format(left, top, right, bottom)
         assert.is_true(left >= 20 and left < 23 and top >= 30 and top < 33 and right < 300 and bottom < 160, place)
         local text = desktop:notifications()
         for _, part in ipairs{ "appname: 'wms'", "summary: 'Lab 1'", "body: 'Ten minutes left'", "urgency: CRITICAL" } do
            assert.truthy(text:find(part, 1, true), text)
         end
      end)
   end)
end
