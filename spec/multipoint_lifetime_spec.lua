-- SPDX-License-Identifier: MIT
--- Requests to MultiPoint hosts that go at any time and in any order, and that other programs' loops carry out.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local poll = require "spec.support.poll"
local wms = kit.wms

local unpack = table.unpack or unpack -- luacheck: ignore 143
local closes = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil -- os.exit can close the state

bound.describe("lifetime with MultiPoint hosts:", pending, function()
   it("requests under way are closed, cancelled and dropped in any order", function()
      local host, stranger = bound.host(), bound.stranger()
      local count = 0
      kit.permutations({ "silent", "listing", "watching", "binding", "asking" }, 1, function(order)
         count = count + 1
         if count % 3 > 0 then
            return
         end
         host:clear()
         host:session{ id = 3, flags = 44 }
         host:reset()
         stranger:clear()
         host:on("StopLockingSession", { never = true })
         host:on("GetAllSessions", { never = true })
         local things = {}
         things.silent = wms.start("unlock", { server = host.server, session_ids = 4 })
         things.listing = wms.start("sessions", host.server)
         kit.pump(things.silent, function()
            local counts = host:counts()
            return counts.StopLockingSession == 1 and counts.GetAllSessions == 1
         end)
         things.watching = wms.start("unlock", { server = host.server, session_ids = 3, stable = 50 })
         kit.pump(things.watching, function() return not host:sessions()[3].locked end)
         if count % 2 == 0 then
            stranger:on("RequestSslCertificate", { never = true })
            things.binding = wms.start("bind", bound.options(stranger))
            things.binding:pollfd()
            things.binding:step()
         else
            stranger:on("RequestWmsControlCredentials", { never = true })
            local asked = false
            things.binding = wms.start("bind", bound.options(stranger, { password = function()
               asked = true
               return stranger.password
            end }))
            kit.pump(things.binding, function() return asked end)
         end
         things.asking = wms.start("call", {
            server = host.server, interface = "IMultiPointServer", operation = "GetServerVersion",
         })
         for i, name in ipairs(order) do
            local request = things[name]
            if (count / 3 + i) % 3 == 0 then
               request:cancel()
               assert(request:wait(5))
               local _, message = request:result()
               assert(message == nil or not bound.tells(host, message), message)
            end
            if (count / 3 + i) % 3 > 0 then
               request:close()
            end
            things[name] = nil
            if (count + i) % 11 == 0 then
               collectgarbage()
            end
         end
      end)
      assert.equal(120, count)
      collectgarbage()
      host:clear()
      kit.fine(wms.unlock{ server = host.server, session_ids = 3 })
      assert(wms.bind(bound.options(stranger, { fingerprint = stranger.fingerprint })))
   end)

   it("a cancelled request's answer belongs to nobody", function()
      local host = bound.host()
      for _ = 1, 20 do
         host:on("StopLockingSession", { never = true })
         host:reset()
         local request = wms.start("unlock", { server = host.server, session_ids = 4 })
         kit.pump(request, function() return host:counts().StopLockingSession == 1 end)
         request:cancel()
         assert(request:wait(5))
         assert.same({ "CANCELLED", "unknown" }, { kit.fault(request:result()).code,
            kit.fault(request:result()).outcomes[1].state })
         request:close()
         host:clear()
         kit.fine(wms.unlock{ server = host.server, session_ids = { 3, 4, 5 } })
         assert.equal(4, #kit.fine(wms.sessions(host.server)))
      end
   end)

   it("a host that is unbound or bound anew with requests under way", function()
      local host = bound.host()
      host:on("StopLockingSession", { never = true, times = 2 })
      local one = wms.start("unlock", { server = host.server, session_ids = 4 })
      kit.pump(one, function() return host:counts().StopLockingSession == 1 end)
      assert(wms.bind(bound.options(host, { management = true })))
      local two = wms.start("unlock", { server = host.server, session_ids = 5 })
      kit.pump(two, function() return host:counts().StopLockingSession == 2 end)
      assert(wms.unbind(host.server))
      assert.equal("NOT_BOUND", kit.fault(wms.unlock{ server = host.server, session_ids = 3 }).code)
      host:clear() -- the answers come
      for _, request in ipairs{ one, two } do
         assert(request:wait(5))
         kit.fine(request:result())
         request:close()
      end
   end)

   describe("a state that is closed #once", function()
      local PHASES = {
         ["before anything was done"] = [[wms.start("unlock", { server = host.server, session_ids = 3 })]],
         ["while it connects"] = [[wms.start("unlock", { server = host.server, session_ids = 3 }):step()]],
         ["in the handshake"] = [[
            r = wms.start("unlock", { server = host.server, session_ids = 3 })
            for _ = 1, 3 do r:step() end]],
         ["in a handshake that does not end"] = [[
            r = wms.start("bind", { server = "multipoint://127.0.0.1:" .. silent, user_name = "x", password = "y" })
            r:wait(0.05)]],
         ["while it waits for an answer"] = [[
            r = wms.start("lock", { server = host.server, session_ids = { 3, 4 }, message = "m" })
            r:wait(0.2)]],
         ["while it watches"] = [[
            r = wms.start("unlock", { server = host.server, session_ids = 3, stable = 50 })
            r:wait(0.2)]],
         ["while the certificate is fetched"] = [[
            r = wms.start("bind", { server = host.server, user_name = "x", password = "y" })
            r:pollfd()
            r:step()]],
         ["while it waits for its password"] = [[
            wms.start("bind", { server = host.server, user_name = "x", fingerprint = host.fingerprint,
               password = function() os.exit(0, true) end }):wait(5)]],
         ["in the middle of all that"] = [[
            t = {}
            for i = 1, 20 do
               t[i] = wms.start(i % 2 == 0 and "sessions" or "unlock_all", { server = host.server })
               if i % 3 == 0 then t[i]:pollfd() end
               if i % 5 == 0 then t[i]:wait(0.001) end
            end]],
         ["with connections that are kept"] = [[assert(wms.unlock{ server = host.server, session_ids = 3 })]],
      }

      for what, text in pairs(PHASES) do
         it(what, function()
            if not closes then
               pending("os.exit of Lua 5.1 cannot close the state")
            end
            local host = bound.stranger()
            local socket = require "socket"
            local listener = assert(socket.bind("127.0.0.1", 0))
            finally(function() listener:close() end)
            host:on("LockSession", { never = true, times = 0 })
            local _, environment = bound.folder()
            local begin = kit.now()
            local said, code = bound.script(host, ([[
               silent = %d
               assert(bind())
               %s
               io.write("fine")
               os.exit(0, true)]]):format(select(2, listener:getsockname()), text), environment)
            assert.same({ what:find("password", 1, true) and "" or "fine", 0 }, { said, code })
            assert.is_true(kit.now() - begin < 20)
         end)
      end
   end)

   for name in pairs{ cqueues = true, luv = true } do
      describe("under " .. name, function()
         local function test(text, body)
            it(text, function()
               if not pcall(require, name) then
                  pending(name .. " is not installed for " .. _VERSION)
               end
               body()
            end)
         end

         --- Only the descriptor says when there is something to do.
         local function finish(request, ready, forget)
            request:step()
            while not request:done() do
               assert(request:events() == "r" and request:timeout() == nil)
               ready(request)
               request:step()
            end
            forget(request)
            local result = { request:result() }
            request:close()
            return unpack(result, 1, result[1] and 1 or 3)
         end

         test("hosts are bound, listed, locked, unlocked, and watched at the same time", function()
            local tasks, seen = {}, {}
            for i = 1, 5 do
               local host = bound.stranger()
               if i > 2 then
                  host:set{ relock = i == 5 and 100 or -1 }
                  host:on("*", { delay = 10 * i, times = 4 })
               end
               tasks[i] = function(ready, forget)
                  local function run(verb, options)
                     options = options or {}
                     options.server = host.server
                     return finish(wms.start(verb, options), ready, forget)
                  end
                  assert(run("bind", bound.options(host, { password = function() return host.password end })))
                  assert(#kit.fine(run("sessions")) == 4)
                  kit.fine(run("lock", { session_ids = { 3, 4 }, message = "m", verify = 10 }))
                  kit.fine(run("unlock", { session_ids = 4, verify = 10 }))
                  local _, _, err = run("unlock", { session_ids = 3, stable = i == 5 and 20 or 0.1 })
                  assert((err and err.code) == (i == 5 and "REVERTED" or nil))
                  assert(run("call", { interface = "IMultiPointServer", operation = "GetServerVersion" }))
                  seen[#seen + 1] = i
               end
            end
            poll[name](tasks, function() end)
            assert.same({ 1, 2, 3, 4, 5 }, kit.sorted(seen))
         end)

         test("deadlines, faults and cancels wake the loop", function()
            local silent, broken, gone, cancelled = bound.host(), bound.host(), bound.host(), bound.host()
            silent:on("StopLockingSession", { never = true })
            broken:on("StopLockingSession", { drop = "after" })
            cancelled:on("StopLockingSession", { never = true })
            gone:hangup()
            gone:set{ refuse = true }
            local codes, tasks = {}, {}
            local request
            for i, host in ipairs{ silent, broken, gone, cancelled } do
               tasks[i] = function(ready, forget)
                  local mine = wms.start("unlock", {
                     server = host.server, session_ids = 3, timeout = i == 1 and 0.3 or 20,
                  })
                  request = i == 4 and mine or request
                  codes[i] = select(3, finish(mine, ready, forget)).code
               end
            end
            local ticks = 0
            poll[name](tasks, function()
               ticks = ticks + 1
               if ticks == 20 then
                  request:cancel()
               end
            end)
            assert.same({ "TIMEOUT", "UNREACHABLE", "UNREACHABLE", "CANCELLED" }, codes)
         end)
      end)
   end
end)
