-- SPDX-License-Identifier: MIT
--- Connections to MultiPoint hosts that break, hang, or are not what they seem.  What may change something arrives once.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local soap = require "spec.support.soap"
local wms = kit.wms

bound.describe("connections to MultiPoint hosts: #once", pending, function()
   teardown(soap.sweep)

   local VERBS = {
      unlock = "StopLockingSession", lock = "LockSession", close = "LogOffSession", disconnect = "DisconnectSession",
   }

   local function act(host, verb, more)
      local options = { server = host.server, session_ids = 3, message = verb == "lock" and "m" or nil }
      for key, value in pairs(more or {}) do
         options[key] = value
      end
      return wms[verb](options)
   end

   local function times(host, operation)
      local count = 0
      for _, entry in ipairs(host:log()) do
         count = count + (entry.verb == operation and 1 or 0)
      end
      return count
   end

   --- Its connections are gone, and the client may or may not have noticed.
   local function hang_up(host)
      host:hangup()
      kit.await(function() return host:counts().open == 0 end)
   end

   local CASES = {
      ["before it is carried out"] = { drop = "before" },
      ["after it was carried out"] = { drop = "after" },
      ["in the middle of the answer"] = { half = true },
   }

   for verb, operation in pairs(VERBS) do
      for what, rule in pairs(CASES) do
         for _, kept in ipairs{ true, false } do
            it(("%s breaks %s, on a %s connection"):format(verb, what, kept and "kept" or "fresh"), function()
               local host = bound.host()
               if kept then
                  kit.fine(act(host, verb, { session_ids = 4 }))
                  assert.equal(0, host:counts().connections_https) -- that of the bind
               else
                  hang_up(host)
               end
               host:reset()
               host:on(operation, rule)
               local err = kit.fault(act(host, verb))
               assert.same({ "UNREACHABLE", "unknown" }, { err.code, err.outcomes[1].state })
               assert.is_false(bound.tells(host, err.message))
               assert.equal(1, times(host, operation))
               -- And afterwards all is well, on another connection.
               kit.fine(act(host, verb, { session_ids = 5 }))
               assert.equal(2, times(host, operation))
               assert.is_true(host:counts().connections_https <= 2)
            end)
         end
      end
   end

   it("an action that breaks each time arrives once for each session", function()
      local host = bound.host()
      host:on("LogOffSession", { drop = "before", times = 0 })
      local err = kit.fault(wms.close{ server = host.server, session_ids = { 3, 4, 5 } })
      assert.same({ "unknown", "unknown", "unknown" }, kit.pluck(err.outcomes, "state"))
      assert.equal(3, times(host, "LogOffSession"))
      host:reset()
      err = kit.fault(wms.close{ server = host.server, session_ids = { 3, 4, 5 }, on_error = "stop" })
      assert.same({ "unknown", "skipped", "skipped" }, kit.pluck(err.outcomes, "state"))
      assert.equal(1, times(host, "LogOffSession"))
      host:clear()
      host:reset()
      host:on("LogOffSession", { drop = "after" })
      host:on("SetBlockAllMessage", { drop = "after" })
      err = kit.fault(wms.close_all(host.server))
      assert.equal("UNREACHABLE", err.code)
      assert.equal(3, times(host, "LogOffSession"))
   end)

   it("so do calls, whatever they do", function()
      local host = bound.host()
      for _, rule in pairs(CASES) do
         host:reset()
         host:on("RunFileSession", rule)
         local err = bound.fault(host, wms.call{
            server = host.server, interface = "IMultiPointSession", operation = "RunFileSession",
            arguments = { idSession = 3, wsFileToRun = "notepad" },
         })
         assert.equal("UNREACHABLE", err.code)
         assert.truthy(err.message:find("may still be carried out", 1, true), err.message)
         assert.equal(1, times(host, "RunFileSession"))
      end
   end)

   it("a message for all that breaks is not sent again", function()
      local host = bound.host()
      for _, rule in pairs(CASES) do
         host:reset()
         host:on("SetBlockAllMessage", rule)
         local err = kit.fault(wms.lock_all{ server = host.server, message = "m" })
         assert.same({ "UNREACHABLE", "unknown" }, { err.code, err.outcomes[1].state })
         assert.equal(1, times(host, "SetBlockAllMessage"))
         assert.equal(0, times(host, "LockSession"))
      end
   end)

   it("binding breaks, and no password is sent twice", function()
      local host = bound.stranger()
      for _, rule in pairs(CASES) do
         host:reset()
         host:on("RequestWmsControlCredentials", rule)
         local err = bound.fault(host, wms.bind(bound.options(host)))
         assert.equal("UNREACHABLE", err.code)
         assert.equal(1, times(host, "RequestWmsControlCredentials"))
         assert.is_nil(next(bound.kept))
         rule.times = 0
         host:on("RequestSslCertificate", rule)
         rule.times = nil
         bound.fault(host, wms.bind(bound.options(host)))
         assert.equal(1, times(host, "RequestWmsControlCredentials"))
         assert.is_true(times(host, "RequestSslCertificate") <= 5) -- it may be asked for again
         host:clear()
      end
      assert(wms.bind(bound.options(host)))
   end)

   it("questions that only read are asked again, with an id of their own", function()
      local host = bound.host() -- which refuses an id that it has seen
      for _, operation in ipairs{ "GetAllSessions", "GetSessionFlags", "GetStationInformation" } do
         for _, rule in pairs(CASES) do
            host:on(operation, rule)
            local list, message, err = wms.sessions(host.server)
            if list then
               assert.equal(4, #list)
            else
               assert.equal("UNREACHABLE", kit.fault(list, message, err).code, message)
            end
         end
      end
      assert.equal(4, #kit.fine(wms.sessions(host.server)))
   end)

   it("a kept connection that the host has closed meanwhile is no fault", function()
      local host = bound.host()
      for verb, operation in pairs(VERBS) do
         kit.fine(act(host, verb, { session_ids = 4 }))
         hang_up(host)
         host:reset()
         kit.fine(act(host, verb, { session_ids = 5 }))
         assert.same({ 1, 1 }, { times(host, operation), host:counts().connections_https })
         host:session{ id = 4 }
         host:session{ id = 5 }
      end
      -- Several at once.
      for _ = 1, 3 do
         kit.fine(wms.unlock{ server = host.server, session_ids = { 4, 5 } })
         hang_up(host)
      end
      assert.equal(4, #kit.fine(wms.sessions(host.server)))
   end)

   it("a connection that breaks under several requests ends each of them once", function()
      local host = bound.host()
      host:fill(100, 139)
      local ids = {}
      for id = 100, 139 do
         ids[#ids + 1] = id
      end
      host:on("StopLockingSession", { never = true, times = 4 })
      local request = wms.start("unlock", { server = host.server, session_ids = ids })
      kit.pump(request, function() return times(host, "StopLockingSession") == 4 end)
      host:hangup()
      request:wait()
      local states = {}
      for _, outcome in ipairs(kit.fault(request:result()).outcomes) do
         states[outcome.state] = (states[outcome.state] or 0) + 1
      end
      request:close()
      assert.same({ unknown = 4, requested = 36 }, states)
      assert.equal(40, times(host, "StopLockingSession"))
      assert.is_true(host:counts().connections_https <= 8)
   end)

   it("an id that is no number is nobody's, and the host is asked nothing", function()
      local host = bound.host()
      kit.fine(wms.sessions(host.server))
      host:reset()
      for _, verb in ipairs{ "unlock", "lock", "disconnect", "close" } do
         assert.equal("NOT_FOUND", kit.fault(act(host, verb, { session_ids = "c3" })).code)
      end
      assert.equal(0, #host:log())
   end)

   it("a binding with a port that is none is no binding, and nothing is sent by it", function()
      local host = bound.host()
      for server, text in pairs(bound.kept) do
         for _, port in ipairs{ "0", "65536", "4294967296", "18446744073709551615" } do
            local spoilt, count = text:gsub("(port natural) %d+", "%1 " .. port)
            assert.equal(1, count)
            bound.kept[server] = spoilt
            host:reset()
            local _, _, err = act(host, "unlock")
            assert.equal("INTERNAL", err.code)
            assert.truthy(err.message:find("what is kept for this host is no binding; bind anew", 1, true), err.message)
            assert.equal(0, #host:log())
         end
         bound.kept[server] = text
      end
      kit.fine(act(host, "unlock"))
   end)

   it("what is cancelled before its connection is there is never sent", function()
      local host = bound.host()
      hang_up(host)
      local before = host:counts().connections_https
      local request = wms.start("unlock", { server = host.server, session_ids = 3 })
      request:cancel()
      assert.equal("skipped", kit.fault(request:result()).outcomes[1].state)
      request:close()
      assert.equal(4, #kit.fine(wms.sessions(host.server)))
      assert.is_true(host:counts().connections_https > before)
      assert.equal(0, times(host, "StopLockingSession"))
   end)

   describe("a host that is slow", function()
      it("has its time", function()
         local host = bound.host()
         host:on("StopLockingSession", { delay = 300 })
         kit.fine(act(host, "unlock"))
         host:on("*", { delay = 300, times = 3 })
         assert.equal(4, #kit.fine(wms.sessions{ server = host.server, timeout = 5 }))
      end)

      it("and too slow is not believed later", function()
         local host = bound.host()
         for _, rule in ipairs{ { delay = 400 }, { never = true } } do
            host:session{ id = 3, flags = 44 }
            host:reset()
            host:on("StopLockingSession", rule)
            local err = kit.fault(act(host, "unlock", { timeout = 0.1 }))
            assert.same({ "TIMEOUT", "unknown" }, { err.code, err.outcomes[1].state })
            assert.equal(1, times(host, "StopLockingSession"))
            assert.is_false(host:sessions()[3].locked) -- it was carried out
            host:session{ id = 3, flags = 44 }
            kit.fine(act(host, "unlock", { verify = 5 }))
            assert.equal(2, times(host, "StopLockingSession"))
         end
      end)

      it("binds nobody in time", function()
         local host = bound.stranger()
         for _, operation in ipairs{ "RequestSslCertificate", "RequestWmsControlCredentials" } do
            host:on(operation, { never = true })
            local err = bound.fault(host, wms.bind(bound.options(host, { timeout = 0.1 })))
            assert.equal("TIMEOUT", err.code)
            host:clear()
         end
         assert(wms.bind(bound.options(host)))
      end)

      it("does not make others wait", function()
         local slow, fast = bound.host(), bound.host()
         slow:on("StopLockingSession", { never = true })
         local request = wms.start("unlock", { server = slow.server, session_ids = 3 })
         kit.pump(request, function() return times(slow, "StopLockingSession") == 1 end)
         for _ = 1, 20 do
            kit.fine(act(fast, "unlock"))
         end
         assert.is_false(request:done())
         request:cancel()
         request:wait()
         assert.equal("unknown", kit.fault(request:result()).outcomes[1].state)
         request:close()
      end)
   end)

   it("without a descriptor for one, nobody says that the host cannot be reached", function()
      local host = bound.stranger()
      local _, environment = bound.folder()
      assert.same({ "", 0 }, { bound.script(host, "assert(bind())", environment) })
      host:session{ id = 3, flags = 44 }
      local said, code = bound.script(host, [[
         local codes = {}
         assert(wms.load "multipoint")
         for free = 0, 8 do
            local files = {}
            wms.bindings()
            repeat
               files[#files + 1] = io.open("/dev/null")
               local file = io.open("/dev/null")
               if file then file:close() end
            until not file
            for i = 1, free do files[i]:close() end
            local list, message, err = wms.unlock{ server = host.server, session_ids = 3 }
            for i = free + 1, #files do files[i]:close() end
            assert(list or err.code == "INTERNAL" and err.outcomes[1].state == "failed", message)
            codes[list and "done" or err.code] = true
         end
         assert(codes.INTERNAL and codes.done)
         assert(wms.unlock{ server = host.server, session_ids = 3 })
         io.write("fine")
      ]], "ulimit -n 64; " .. environment)
      assert.same({ "fine", 0 }, { said, code })
   end)

   describe("what is there instead of a host", function()
      local socket = bound.missing() and {} or require "socket"
      local listener, port, clients, seen

      before_each(function()
         listener = assert(socket.bind("127.0.0.1", 0))
         listener:settimeout(0)
         port = select(2, listener:getsockname())
         clients, seen = {}, ""
      end)

      after_each(function()
         listener:close()
         for _, client in ipairs(clients) do
            client:close()
         end
      end)

      --- Plays the server until the request is done: `reply(head)` says what is sent to whom has sent something, and
      -- whether the connection ends then.
      local function play(request, reply)
         kit.await(function() return request:done() end, function()
            request:wait(0.002)
            local client = listener:accept()
            if client then
               client:settimeout(0)
               clients[#clients + 1] = client
            end
            for i, one in ipairs(clients) do
               local data, _, part = one:receive(65536)
               data = data or part or ""
               if data ~= "" then
                  seen = seen .. data
                  local text, ends = reply(data, i)
                  if text then
                     one:settimeout(5)
                     one:send(text)
                     one:settimeout(0)
                  end
                  if ends then
                     one:shutdown("send")
                  end
               end
            end
         end)
         local result = { request:result() }
         request:close()
         return result[1], result[2], result[3]
      end

      --- A bound host whose port is that of the listener now.
      local function moved()
         local host = bound.host()
         hang_up(host)
         local name = "127.0.0.1:" .. host.http
         bound.kept[name] = bound.kept[name]:gsub("port natural %d+", "port natural " .. port)
         return host
      end

      for what, case in pairs{
         ["talks rubbish"] = { "220 mail.example ESMTP\r\n", true, "UNREACHABLE" },
         ["hangs up"] = { nil, true, "UNREACHABLE" },
         ["speaks HTTP where TLS is expected"] = { "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n", false, "UNREACHABLE" },
         ["says nothing"] = { nil, false, "TIMEOUT" },
      } do
         it(what .. " in the handshake", function()
            local host = moved()
            local request = wms.start("close", { server = host.server, session_ids = { 3, 4 }, timeout = 0.5 })
            local err = kit.fault(play(request, function() return case[1], case[2] end))
            assert.same({ case[3], "failed", "failed" }, { err.code, err.outcomes[1].state, err.outcomes[2].state })
            assert.is_true(#clients >= 1 and #clients <= 4, #clients)
            assert.is_false(bound.tells(host, seen))
            assert.equal(0, host:counts().requests)
         end)
      end

      it("is nothing at all", function()
         local host = moved()
         listener:close()
         local begin = kit.now()
         local err = kit.fault(act(host, "close"))
         assert.same({ "UNREACHABLE", "failed" }, { err.code, err.outcomes[1].state })
         assert.truthy(err.message:find("nobody listens there", 1, true), err.message)
         err = bound.fault(host, wms.bind(bound.options(host, { server = "multipoint://127.0.0.1:" .. port })))
         assert.equal("UNREACHABLE", err.code)
         err = bound.fault(host, wms.bind(bound.options(host, { server = "multipoint://nowhere.invalid" })))
         assert.equal("UNREACHABLE", err.code)
         assert.truthy(err.message:find("no host of that name", 1, true), err.message)
         assert.is_true(kit.now() - begin < 20)
      end)

      describe("and speaks HTTP", function()
         local host, body

         before_each(function()
            host = bound.stranger()
            body = soap.call(soap.request(host, "IMultiPointCertificateRequest", "RequestSslCertificate")).text
            host:reset()
         end)

         --- Binds to the listener; `answer(body)` is what it says, `ends` whether it hangs up then.
         local function bind(answer, ends)
            local waiting = ""
            local request = wms.start("bind", bound.options(host, {
               server = "multipoint://127.0.0.1:" .. port, timeout = 3,
            }))
            return play(request, function(data)
               waiting = waiting .. data
               local id = waiting:match("<a:MessageID[^>]*>([^<]*)<")
               if id and waiting:find("Envelope>", 1, true) then
                  waiting = ""
                  return answer((body:gsub("(<a:RelatesTo>)[^<]*", function(tag) return tag .. id end))), ends
               end
            end)
         end

         local TYPE = "Content-Type: application/soap+xml\r\n"
         local function chunks(text)
            local list = {}
            for i = 1, #text, 500 do
               local part = text:sub(i, i + 499)
               list[#list + 1] = ("%x;extension=1\r\n%s\r\n"):format(#part, part)
            end
            return table.concat(list) .. "0\r\nTrailer: x\r\n\r\n"
         end

         for what, case in pairs{
            ["1.0, without a length"] = { function(text) return "HTTP/1.0 200 OK\r\n" .. TYPE .. "\r\n" .. text end, true },
            ["1.0, kept alive"] = { function(text)
               return ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n"):format(#text) .. text
            end },
            ["1.1, without a length"] = { function(text) return "HTTP/1.1 200 OK\r\n" .. TYPE .. "\r\n" .. text end, true },
            ["1.1, in chunks"] = { function(text)
               return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" .. TYPE .. "\r\n" .. chunks(text)
            end },
            ["1.1, after others"] = { function(text)
               return ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"):rep(3)
                  .. ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(#text) .. text
            end },
            ["1.1, with a length that is too short by what does not matter"] = { function(text)
               return ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(#text) .. text .. "HTTP/1.1 200 OK\r\n\r\n"
            end },
         } do
            it(what .. ", is understood", function()
               local made, message = bind(case[1], case[2])
               assert(made, message)
               assert.equal(host.https, made.port)
               assert.is_false(bound.tells(host, seen))
            end)
         end

         for what, case in pairs{
            ["with too long a length"] = { function(text)
               return ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(#text + 1) .. text
            end, true },
            ["with too short a length"] = { function(text)
               return ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(#text - 20) .. text
            end, true },
            ["with lengths that are none"] = { function(text)
               return "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" .. text
            end, true },
            ["in chunks that are none"] = { function(text)
               return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n" .. text
            end, true },
            ["in chunks that end too early"] = { function(text)
               return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" .. chunks(text):sub(1, -100)
            end, true },
            ["in an encoding that nobody asked for"] = { function(text)
               return ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"):format(#text)
                  .. ("\31\139" .. ("x"):rep(#text - 2))
            end, true },
            ["of version 0.9"] = { function(text) return text end, true },
            ["with headers that never end"] = { function()
               return "HTTP/1.1 200 OK\r\n" .. ("X-Y: " .. ("z"):rep(1000) .. "\r\n"):rep(2000)
            end, true },
            ["with one header that never ends"] = { function()
               return "HTTP/1.1 200 OK\r\nX: " .. ("z"):rep(2000000)
            end, true },
            ["with 1,000 answers before the answer"] = { function()
               return ("HTTP/1.1 100 Continue\r\n\r\n"):rep(1000)
            end, true },
            ["with another protocol"] = { function() return "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n" end, true },
            ["without a word"] = { function() return nil end, true },
            ["with a status alone"] = { function() return "HTTP/1.1 200 OK\r\n\r\n" end, true },
         } do
            it(what .. ", is refused", function()
               local err = bound.fault(host, bind(case[1], case[2]))
               local long = what:find("one header", 1, true) and err.code == "NO_MEMORY" -- libcurl has a limit, and says so
               assert.truthy(long or err.code == "PROTOCOL" or err.code == "UNREACHABLE", err.message)
               assert.is_nil(next(bound.kept))
               assert.is_false(bound.tells(host, seen))
               assert.same({ 0, 0 }, { host:counts().requests, host:counts().connections_https })
               assert.is_true(#clients <= 2)
            end)
         end
      end)
   end)
end)
