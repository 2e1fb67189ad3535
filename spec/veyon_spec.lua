-- SPDX-License-Identifier: MIT
--- Veyon hosts through a gateway that plays them: what is done to their sessions, and what is believed of what is told.
-- Each lie of a gateway that was measured on real hosts is told here, too; those are in spec/veyon_hosts_spec.lua.
local contract = require "spec.contract"
local kit = require "spec.support.kit"
local jpeg = require "spec.support.jpeg"
local process = require "spec.support.process"
local veyon = require "spec.support.veyon"
local watching = require "spec.support.watching"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

veyon.describe("Veyon hosts: #once", pending, function()
   local function options(host, more)
      local whole = { server = host.server, session_ids = 0 }
      for key, value in pairs(more or {}) do
         whole[key] = value
      end
      return whole
   end

   local function lock(host, more)
      more = more or {}
      more.message = "m"
      return wms.lock(options(host, more))
   end

   local function unlock(host, more)
      return wms.unlock(options(host, more))
   end

   local function is_locked(host)
      return host:state().locked == 1
   end

   local function outcome(err)
      return err.code, err.outcomes[1].state
   end

   describe("sessions", function()
      it("are one, of whoever is logged on", function()
         local host = veyon.host{ user = "bob", computer = "PC-07", client_name = "thin3" }
         local list = fine(wms.sessions(host.server))
         assert.equal(1, #list)
         local session = list[1]
         assert.same({ 0, "bob", "active", "PC-07", "thin3", false, true, false, "bob" }, {
            session.session_id, session.user_name, session.state, session.computer_name, session.client_name,
            session.locked, session.is_orchestratable, session.is_own, session.identity,
         })
         assert.is_true(math.abs(os.time() - 60 - session.logon_time) < 30)
      end)

      it("are none at a log-on screen", function()
         assert.same({}, fine(wms.sessions(veyon.host{ user = "", greeter = 1 }.server)))
      end)

      it("are there when the picture comes sooner than the user's name", function() -- as of a server that has just begun
         local host = veyon.host{ settle = 1600, login_delay = 400 }
         host.gateway:forget() -- the connection by which it was bound
         assert.equal("alice", fine(wms.sessions(host.server))[1].user_name)
      end)

      it("are numbered by the port, where there are several", function()
         local gateway = veyon.gateway()
         local host = gateway:host{ name = "multi:11103", session_id = 3, user = "carol" }
         veyon.use()
         assert(wms.bind(veyon.binding(host)))
         assert.same({ 3 }, pluck(fine(wms.sessions(host.server)), "session_id"))
         assert.equal("requested", fine(wms.lock{ server = host.server, session_ids = 3, message = "m" })[1].state)
         assert.equal("NOT_FOUND", fault(wms.lock{ server = host.server, session_ids = 0, message = "m" }).code)
      end)

      it("keep their number while it is not told", function()
         local host = veyon.host{ session_id = 7 }
         assert.same({ 7 }, pluck(fine(wms.sessions(host.server)), "session_id"))
         host:set{ session_gone = 1 }
         assert.same({ 7 }, pluck(fine(wms.sessions(host.server)), "session_id"))
         host:log_on "bob"
         assert.same({ 0 }, pluck(fine(wms.sessions(host.server)), "session_id"))
      end)

      it("are locked where picture and feature say so, and unknown where they differ", function()
         local host = veyon.host()
         fine(lock(host))
         assert.is_true(fine(wms.sessions(host.server))[1].locked)
         fine(unlock(host))
         assert.is_false(fine(wms.sessions(host.server))[1].locked)
         host:set{ desktop = "404040" }
         assert.is_nil(fine(wms.sessions(host.server))[1].locked)
      end)

      it("with locked keyboard and mouse alone are not known to be locked", function()
         local host = veyon.host()
         fine(wms.call{ server = host.server, interface = "Feature", operation = "InputDevicesLock" })
         assert.equal(1, host:state().input_locked)
         assert.is_nil(fine(wms.sessions(host.server))[1].locked)
         fine(unlock(host, { verify = 20 }))
         assert.equal(0, host:state().input_locked)
      end)
   end)

   describe("lock and unlock", function()
      it("are requested, and say that no text is shown", function()
         local host = veyon.host()
         local done = fine(lock(host))[1]
         assert.same({ "requested", "alice" }, { done.state, done.user_name })
         assert.truthy(done.note:find("no text", 1, true))
         assert.is_true(is_locked(host))
         assert.equal("requested", fine(unlock(host))[1].state)
         assert.is_false(is_locked(host))
         assert.same({ 1, 1, 1 }, { veyon.commands(host, "screen_lock", "true"),
            veyon.commands(host, "screen_lock", "false"), veyon.commands(host, "input_lock", "false") })
      end)

      it("are verified by a connection that was opened afterwards", function()
         local host = veyon.host()
         fine(wms.sessions(host.server))
         host.gateway:reset()
         local done = fine(lock(host, { verify = 20 }))[1]
         assert.same({ "verified", true }, { done.state, done.changed })
         assert.is_true(host.gateway:counts().authenticate >= 1)
         done = fine(lock(host, { verify = 20 }))[1]
         assert.same({ "verified", false }, { done.state, done.changed })
         done = fine(unlock(host, { verify = 20 }))[1]
         assert.same({ "verified", true }, { done.state, done.changed })
      end)

      it("are verified when the picture and the features follow late", function()
         local host = veyon.host{ picture_delay = 1000, active_delay = 1500 }
         assert.equal("verified", fine(lock(host, { verify = 30 }))[1].state)
         assert.equal("verified", fine(unlock(host, { verify = 30 }))[1].state)
      end)

      it("are verified, however short that is, once the features may be known", function()
         local host = veyon.host{ fresh_delay = 1500 } -- in a large room the connection that looks has to wait
         assert.equal("verified", fine(lock(host, { verify = 0.2 }))[1].state)
      end)

      it("do not say that they changed anything where a new connection did not know at once how it was before", function()
         local host = veyon.host()
         fine(lock(host, { verify = 20 }))
         host:set{ fresh_delay = 1500 } -- the picture shows a lock then, and no feature is active
         local done = fine(lock(host, { verify = 30 }))[1]
         assert.same({ "verified", false }, { done.state, done.changed })
      end)

      it("are not lost by a gateway that sends them late", function() -- as a real one does
         local host = veyon.host{ flush = 1200 }
         assert.equal("verified", fine(lock(host, { verify = 30 }))[1].state)
         assert.is_true(is_locked(host))
         assert.equal("verified", fine(unlock(host, { verify = 30 }))[1].state)
         assert.is_false(is_locked(host))
      end)

      it("are not lost when the program ends at once", function()
         local host = veyon.host{ flush = 1000 }
         local said = process.script(([[
            local wms = require "wms"
            local kept = {}
            local function nothing() return {} end
            wms.configure{ store = { remove = nothing, list = nothing, load = function(server) return kept[server] end,
               save = function(server, text) kept[server] = text end } }
            assert(wms.bind{ server = %q, key_name = "lab", key_file = %q, gateway = %q })
            print(assert(wms.lock{ server = %q, session_ids = 0, message = "m" })[1].state)]]):format(host.server,
            veyon.key(), host.gateway.url, host.server))
         assert.equal("requested", said:match("^%s*(.-)%s*$"))
         kit.await(function() return is_locked(host) end)
      end)

      it("stay so, or are reverted", function()
         local host = veyon.host()
         assert.equal("verified", fine(lock(host, { verify = 20, stable = 0.5 }))[1].state)
         local request = wms.start("unlock", options(host, { verify = 20, stable = 60 }))
         kit.pump(request, function() return not is_locked(host) end)
         for _ = 1, 20 do
            request:wait(0.05)
         end
         host.gateway:reset()
         kit.await(function()
            request:wait(0.05)
            return host.gateway:counts().framebuffer > 0
         end)
         host:restart "worker"
         local other = wms.new{ server = host.server }
         fine(other:lock{ session_ids = 0, message = "m" })
         kit.pump(request, function() return request:done() end)
         assert.equal("REVERTED", fault(request:result()).code)
         request:close()
      end)
   end)

   describe("what a gateway takes and no host does", function()
      for what, settings in pairs{
         ["a lock without a worker"] = { worker = "missing" },
         ["a lock of a host that has it switched off"] = { disabled = veyon.features.screen_lock },
         ["a lock of a host that does nothing"] = { deaf = 1 },
         ["a lock with a desktop as grey as the lock"] = { deaf = 1, desktop = "404040" },
      } do
         it("is not verified: " .. what, function()
            local host = veyon.host(settings)
            assert.same({ "UNVERIFIED", "failed" }, { outcome(fault(lock(host, { verify = 1.5 }))) })
            assert.equal("requested", fine(lock(host))[1].state)
         end)
      end

      it("is not verified: an unlock while the worker hangs", function()
         local host = veyon.host()
         fine(lock(host, { verify = 20 }))
         host:set{ worker = "hung" }
         assert.same({ "UNVERIFIED", "failed" }, { outcome(fault(unlock(host, { verify = 1.5 }))) })
         assert.is_true(is_locked(host))
      end)

      it("is seen when the worker is killed", function()
         local host = veyon.host()
         local request = wms.start("lock", options(host, { message = "m", verify = 20, stable = 60 }))
         kit.pump(request, function() return is_locked(host) end)
         kit.await(function()
            request:wait(0.05)
            return host.gateway:counts().framebuffer > 8
         end)
         host:restart "worker"
         kit.pump(request, function() return request:done() end)
         assert.equal("REVERTED", fault(request:result()).code)
         request:close()
      end)

      it("is refused before: nobody is logged on", function()
         local host = veyon.host{ user = "", greeter = 1 }
         for _, result in ipairs{ fault(lock(host)), fault(wms.message(options(host, { message = "m" }))),
            fault(wms.close(options(host))) } do
            assert.same({ "NOT_FOUND", "failed" }, { outcome(result) })
            assert.truthy(result.message:find("nobody is logged on", 1, true), result.message)
         end
         assert.equal(0, host.gateway:counts().set)
      end)

      it("is refused before: the access rules deny", function()
         local host = veyon.host{ denied = 1 }
         host.gateway:forget()
         local err = fault(lock(host))
         assert.same({ "ACCESS_DENIED", "failed" }, { outcome(err) })
         assert.truthy(err.message:find("access rules", 1, true), err.message)
         assert.equal(0, host.gateway:counts().set)
      end)

      it("is unknown: the cable was pulled out before, and nothing is said", function()
         local host = veyon.host()
         fine(wms.sessions(host.server))
         host:plug "out"
         local err = fault(lock(host, { verify = 1.5 })) -- the old picture goes on
         assert.equal("UNVERIFIED", err.code)
         assert.is_false(is_locked(host))
         host:plug "in"
         assert.is_true(is_locked(host)) -- carried out late
      end)

      for greeter, expected in pairs{ [0] = { "UNREACHABLE", "unknown" }, [1] = { "NOT_FOUND", "failed" } } do
         it(("is %s when the user logs off right after it"):format(expected[2]), function()
            local host = veyon.host{ greeter = greeter }
            fine(wms.sessions(host.server))
            host.gateway:on("user", { host = host.name, delay = 300, times = 0 })
            local request = wms.start("lock", options(host, { message = "m" }))
            kit.pump(request, function() return veyon.commands(host, "screen_lock") == 1 end)
            host:log_off()
            kit.pump(request, function() return request:done() end)
            assert.same(expected, { outcome(fault(request:result())) })
            request:close()
         end)
      end

      it("goes to the user who is there, not to the one that was meant", function()
         local host = veyon.host()
         local objects = fine(wms.sessions(host.server))
         host:log_on "bob"
         local err = fault(wms.lock{ session_ids = objects, message = "m" })
         assert.same({ "NOT_FOUND", "failed" }, { outcome(err) })
         assert.equal(0, host.gateway:counts().set)
         assert.equal("bob", fine(lock(host))[1].user_name)
      end)

      it("does not hold through a reboot, which a new connection sees", function()
         local host = veyon.host()
         fine(lock(host, { verify = 20 }))
         host:restart "reboot"
         assert.equal("UNREACHABLE", fault(lock(host)).code)
         host:log_on "alice"
         assert.is_false(fine(wms.sessions(host.server))[1].locked)
         assert.equal("verified", fine(lock(host, { verify = 20 }))[1].state)
         assert.is_true(is_locked(host))
      end)
   end)

   describe("a message", function()
      it("is shown as it was written, with its title above", function()
         local host = veyon.host()
         fine(wms.message(options(host, { message = 'a <b> & "c"\nline two: äöü', title = "Lab <1>" })))
         assert.same({ { text = '<b>Lab &lt;1&gt;</b><br><br>a &lt;b&gt; &amp; "c"<br>line two: äöü', icon = 1,
            locked = false } }, host:messages())
      end)

      it("says that it is not seen while the screen is locked", function()
         local host = veyon.host()
         fine(lock(host))
         local done = fine(wms.message(options(host, { message = "m" })))[1]
         assert.truthy(done.note:find("locked", 1, true))
      end)
   end)

   describe("close", function()
      it("is verified by a log-on screen, or by another user", function()
         local host = veyon.host{ greeter = 1 }
         local done = fine(wms.close(options(host, { verify = 20 })))[1]
         assert.same({ "verified", true }, { done.state, done.changed })
         assert.equal("", host:state().user)
         assert.equal("NOT_FOUND", fault(wms.close(options(host))).code)
      end)

      it("is not verified by silence", function()
         local host = veyon.host()
         local err = fault(wms.close(options(host, { verify = 3 })))
         assert.same({ "UNVERIFIED", "failed" }, { outcome(err) })
         assert.equal("", host:state().user)
      end)

      it("is not verified where nothing has ended", function()
         local host = veyon.host{ deaf = 1 }
         assert.equal("UNVERIFIED", fault(wms.close(options(host, { verify = 1.5 }))).code)
      end)
   end)

   describe("a picture", function()
      it("has four sizes", function()
         local host = veyon.host()
         local widths = {}
         for i, size in ipairs{ "small", "medium", "large", "full" } do
            local done = fine(wms.thumbnail(options(host, { size = size })))[1]
            widths[i] = jpeg.read(done.picture)
            assert.same({ widths[i], "verified", "alice" }, { done.width, done.state, done.user_name })
         end
         assert.same({ 160, 320, 640, 1280 }, widths)
      end)

      it("is none, or is refused when it is no JPEG", function()
         local host = veyon.host()
         fine(wms.sessions(host.server))
         host:set{ picture = 0 }
         local done = fine(wms.thumbnail(options(host)))[1]
         assert.same({ "verified", nil }, { done.state, done.picture })
         host:set{ picture = 1 }
         host.gateway:on("framebuffer", { host = host.name, body = "no picture", times = 0 })
         assert.equal("PROTOCOL", fault(wms.thumbnail(options(host))).code)
      end)
   end)

   describe("a call", function()
      local function call(host, operation, arguments, interface)
         return wms.call{ server = host.server, interface = interface or "Feature", operation = operation,
            arguments = arguments }
      end

      it("uses a feature", function()
         local host = veyon.host()
         fine(call(host, "StartApp", { applications = { "xterm", "xclock -d" } }))
         fine(call(host, "OpenWebsite", { websiteUrls = "https://school.example/" }))
         fine(call(host, "TextMessage", { text = "<i>rich</i>", icon = 3 }))
         assert.same({ { text = "<i>rich</i>", icon = 3, locked = false } }, host:messages())
         fine(call(host, "InputDevicesLock", { active = true }))
         assert.equal(1, host:state().input_locked)
         fine(call(host, "InputDevicesLock", { active = false }))
         assert.equal(0, host:state().input_locked)
         fine(call(host, "PowerDownDelayed", { shutdownTimeout = 30 }))
         assert.same({ 1, 1 }, { veyon.commands(host, "start_app", "true"), veyon.commands(host, "open_website", "true") })
      end)

      it("of anything else is misuse", function()
         local host = veyon.host()
         for _, case in ipairs{
            { { "interface: Veyon has no 'Session'", "give 'Feature'" }, "Reboot", nil, "Session" },
            { { "Screenshot ends Veyon's service", "wms.thumbnail" }, "Screenshot" },
            { { "no feature 'RemoteView'", " ScreenLock ", " StartApp OpenWebsite" }, "RemoteView" },
            { { "applications missing", "a command line" }, "StartApp" },
            { { "applications: give" }, "StartApp", { applications = 3 } },
            { { "applications: give" }, "StartApp", { applications = { "a", 3 } } },
            { { "takes no 'programs'" }, "StartApp", { applications = "a", programs = "b" } },
            { { "icon: give 1" }, "TextMessage", { text = "a", icon = 4 } },
            { { "text: give" }, "TextMessage", { text = "\255" } },
            { { "active: give true or false" }, "ScreenLock", { active = 1 } },
            { { "takes no 'x'" }, "Reboot", { x = 1 } },
         } do
            kit.misuse("call", case[1], function() call(host, case[2], case[3], case[4]) end)
         end
         assert.equal(0, host.gateway:counts().set)
      end)

      it("reboots and powers off", function()
         local host = veyon.host()
         fine(wms.reboot{ server = host.server })
         assert.equal("", host:state().user)
         host:log_on "alice"
         fine(wms.power_off{ server = host.server })
         assert.equal(0, host:state().powered)
      end)
   end)

   contract(veyon.contract, function(why) pending(why) end)

   it("are watched by asking again", function()
      local host = veyon.host()
      local seen = watching.new{ server = host.server }
      seen:await "ready"
      fine(lock(host))
      assert.equal("alice", seen:await("locked").session.user_name)
      host:log_on "bob"
      seen:await "closed 0"
      assert.equal("bob", seen:await("opened 0").session.user_name)
      watching.sweep()
   end)

   it("cannot be disconnected", function()
      local host = veyon.host()
      assert.equal("UNSUPPORTED", fault(wms.disconnect(options(host))).code)
   end)

   it("have addresses with a name and perhaps a port", function()
      veyon.use()
      for _, server in ipairs{ "veyon://alice@lab01", "veyon://lab01/x" } do
         assert.equal("UNREACHABLE", fault(wms.sessions(server)).code)
      end
      assert.equal("NOT_BOUND", fault(wms.sessions("veyon://nobody")).code)
   end)
end)
