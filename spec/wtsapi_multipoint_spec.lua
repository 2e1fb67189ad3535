-- SPDX-License-Identifier: MIT
--- The Windows session API on MultiPoint hosts: what is Windows' own comes back as Windows has it.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wtsapi = require "spec.support.wtsapi"

local errors, states = wtsapi.error, wtsapi.state

bound.describe("the session API on MultiPoint hosts #once", pending, function()
   local keep, sweep = kit.keeper()

   after_each(sweep)

   local test = kit.needing(function(why) pending(why) end, wtsapi.missing)

   --- A host, and the environment of a program that is bound to it.
   local function lab(options)
      local host = bound.stranger(options)
      local _, environment = bound.folder()
      assert.same({ "", 0 }, { bound.script(host, "assert(bind{ management = true })", environment) })
      host:reset()
      return host, environment
   end

   --- The sessions that calls of that operation named.
   local function asked(host, verb)
      local ids = {}
      for _, entry in ipairs(host:log()) do
         if entry.verb == verb then
            ids[#ids + 1] = entry.id or 0
         end
      end
      return ids
   end

   test("lists what the host has", function()
      local host, environment = lab()
      host:session{ id = 4, user = "bob", domain = "SCHOOL", winstation = "RDP-Tcp#4", station = 2, flags = 36 }
      host:session{ id = 5, user = "carol", state = 4, station = 0, flags = 36 }
      host:session{ id = 9, user = "remote", winstation = "RDP-Tcp#9", flags = 36, station = 0 }
      host:session{ id = 8, user = "DWM-1", flags = 0, station = 0 }
      host:set{ stations = 3 }
      for _, kind in ipairs{ "list", "listA", "listEx", "listExA" } do
         local sessions = wtsapi.sessions(host.server, kind, environment)
         local function is(id, state, station, user, domain)
            assert.same({ state, station }, { sessions[id].state, sessions[id].station })
            if kind:find("Ex") then
               assert.same({ user, domain }, { sessions[id].user, sessions[id].domain })
            end
            sessions[id] = nil
         end
         is(4, states.Active, "RDP-Tcp#4", "bob", "SCHOOL")
         is(5, states.Disconnected, sessions[5].station, "carol", sessions[5].domain)
         is(7, states.Active, sessions[7].station, "teacher", sessions[7].domain)
         is(8, states.Connected, sessions[8].station, false, false) -- nobody's
         is(9, states.Active, "RDP-Tcp#9", "remote", sessions[9].domain)
         assert.equal(3, next(sessions))
      end
   end)

   test("answers questions", function()
      local host, environment = lab()
      host:session{ id = 4, user = "bob", domain = "SCHOOL", winstation = "RDP-Tcp#4", station = 2, flags = 36 }
      host:session{ id = 9, user = "remote", winstation = "RDP-Tcp#9", flags = 36, station = 0 }
      local locked, free = wtsapi.query(host.server, 3, environment), wtsapi.query(host.server, 4, environment)
      local remote = wtsapi.query(host.server, 9, environment)
      for _, kind in ipairs{ "W", "A" } do
         assert.same({ 0, 1 }, { locked[25][kind].flags, free[25][kind].flags })
         assert.same({ "bob", "SCHOOL", "RDP-Tcp#4" },
            { free[5][kind].value, free[7][kind].value, free[6][kind].value })
         assert.same({ "bob", "SCHOOL", "RDP-Tcp#4" },
            { free[25][kind].user, free[25][kind].domain, free[25][kind].station })
         assert.same({ "x0000", "x00" }, { free[16][kind].hex, free[29][kind].hex })
         assert.same({ "x0200", "x01" }, { remote[16][kind].hex, remote[29][kind].hex })
      end
   end)

   test("cuts what is too long at a whole character", function()
      local host, environment = lab()
      local face = "😀" -- two characters of UTF-16, four bytes of UTF-8
      host:session{ id = 4, user = "x" .. face:rep(15), domain = face:rep(8) .. "ä", station = 2, flags = 36 }
      local classes = wtsapi.query(host.server, 4, environment)
      for _, kind in ipairs{ "W", "A" } do
         assert.equal("x" .. face:rep(15), classes[5][kind].value)
      end
      assert.same({ 64, 62 }, { classes[5].W.size, classes[5].A.size })
      -- 21 characters with the zero, 18 (WTSINFO: 17)
      assert.same({ "x" .. face:rep(9), face:rep(8) .. "ä" }, { classes[25].W.user, classes[25].W.domain })
      assert.same({ "x" .. face:rep(9), face:rep(8) }, { classes[24].W.user, classes[24].W.domain })
      assert.same({ "x" .. face:rep(9), face:rep(8) .. "ä" }, { classes[23].W.user, classes[23].W.domain })
      assert.same({ "x" .. face:rep(4), face:rep(4) }, { classes[25].A.user, classes[25].A.domain })
   end)

   test("disconnects and logs off", function()
      local host, environment = lab()
      assert.equal(0, (wtsapi.outcome(host.server, { "disconnect", 4, 1 }, environment)))
      assert.equal(4, host:sessions()[4].state)
      assert.equal(0, (wtsapi.outcome(host.server, { "disconnect", 5, 0 }, environment)))
      assert.equal(0, (wtsapi.outcome(host.server, { "logoff", 5, 1 }, environment)))
      assert.is_nil(host:sessions()[5])
      assert.equal(errors.FILE_NOT_FOUND, (wtsapi.outcome(host.server, { "logoff", 99, 0 }, environment)))
      assert.equal(errors.ACCESS_DENIED, (wtsapi.outcome(host.server, { "logoff", 7, 0 }, environment)))
      assert.is_truthy(host:sessions()[3] and host:sessions()[7])
      assert.same({ { 4, 5 }, 5 }, { asked(host, "DisconnectSession"), asked(host, "LogOffSession")[1] })
   end)

   test("waits for changes", function()
      local host, environment = lab()
      local ALL = wtsapi.event.ALL
      local words = { "open", host.server, "list", "go", "wait", ALL, "go", "wait", ALL, "go", "wait", ALL }
      local client = keep(wtsapi.start(words, environment))
      client.await("go")
      host:session{ id = 4, user = "bob", station = 2, flags = 36, state = 4 }
      client.go()
      local flags = client.await("event").flags
      assert.equal(wtsapi.event.DISCONNECT + wtsapi.event.STATECHANGE, flags)
      client.await("go", 2)
      host:session{ id = 4, user = "dora", station = 2, flags = 36, state = 0 }
      client.go()
      flags = client.await("event", 2).flags
      assert.truthy(wtsapi.has(flags, "CONNECT", "STATECHANGE", "LOGON", "LOGOFF"), flags)
      client.await("go", 3)
      host:remove(3)
      client.go()
      flags = client.await("event", 3).flags
      assert.truthy(wtsapi.has(flags, "DELETE", "LOGOFF"), flags)
      assert.is_false(wtsapi.has(flags, "CREATE"))
   end)

   test("says why a host does not serve", function()
      local host, environment = lab()
      local function list(of)
         return (wtsapi.outcome(of or host.server, { "class", 3, 5 }, environment))
      end
      assert.equal(0, list())
      assert.equal(errors.NOT_AUTHENTICATED, list(bound.stranger().server))
      assert.equal(errors.CALL_FAILED, (function() -- it got the request, and hung up
         host:on("LogOffSession", { drop = "after" })
         return (wtsapi.outcome(host.server, { "logoff", 4, 0 }, environment))
      end)())
      host:certificate{ where = "both" }
      assert.equal(errors.UNTRUSTEDROOT, list())
      host:down()
      assert.equal(errors.SERVER_UNAVAILABLE, list())
   end)

   test("serves many callers at once, each with what was asked", function()
      local host, environment = lab()
      local words = { 16, 10, host.server, "3:alice", "4:bob", "5:carol", "7:teacher" }
      assert.same({ "fine\n", 0 }, { process.run(wtsapi.command("wtsapi_threads", words, environment)) })
   end)

   test("shares a list among callers, but none that was begun before they came", function()
      local host, environment = lab()
      host:on("GetAllSessions", { delay = 500 })
      assert.equal(16 * 4, wtsapi.one(wtsapi.run({ "open", host.server, "crowd", 16 }, environment), "crowd").count)
      local lists = #asked(host, "GetAllSessions")
      assert.truthy(lists == 1 or lists == 2, lists) -- one if all came before the first was begun
   end)

   test("lets a program end in the middle of a handshake, of a request, of anything", function()
      local host, environment = lab()
      host:on("*", { never = true, times = 0 })
      for _, delay in ipairs{ 0, 1, 2, 3, 5, 8, 12, 20, 50, 200 } do
         local before = kit.now()
         assert.same({ "", 3 }, { process.run(wtsapi.command("wtsapi_exit", { host.server, delay }, environment)) })
         assert.truthy(kit.now() - before < 30)
      end
   end)

   test("serves forked processes", function()
      if process.sanitized() then
         pending("a child would inherit the sanitizer's locks")
      end
      local host, environment = lab()
      environment = environment .. " " .. wtsapi.forking
      assert.same({ "fine\n", 0 }, { process.run(wtsapi.command("wtsapi_fork", { host.server, 4, 5 }, environment)) })
      assert.is_nil(host:sessions()[4] or host:sessions()[5])
      assert.same({ 4, 5 }, kit.sorted(asked(host, "LogOffSession")))
   end)
end)
