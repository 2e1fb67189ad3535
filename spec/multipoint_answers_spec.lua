-- SPDX-License-Identifier: MIT
--- What MultiPoint hosts answer, and what only looks like an answer.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local soap = require "spec.support.soap"
local wms = kit.wms

bound.describe("answers of MultiPoint hosts: #once", pending, function()
   local host

   before_each(function()
      host = bound.host()
   end)

   teardown(soap.sweep)

   --- How an unlock of session 3 goes: its code and state ("" when it went well), and the text.
   local function unlock(more)
      local options = { server = host.server, session_ids = 3 }
      for key, value in pairs(more or {}) do
         options[key] = value
      end
      local list, message, err = wms.unlock(options)
      if list then
         kit.fine(list)
         return list[1].state
      end
      kit.fault(nil, message, err)
      assert.is_false(bound.tells(host, message))
      return err.code .. " " .. err.outcomes[1].state, message
   end

   local function call(operation, arguments, interface)
      return wms.call{
         server = host.server, interface = interface or "IMultiPointSession", operation = operation, arguments = arguments,
      }
   end

   --- A whole answer: that of this moment to StopLockingSession, without the message's id.
   local function envelope()
      return (soap.call(soap.request(host, "IMultiPointSession", "StopLockingSession", "<idSession>4</idSession>",
         "WmsControl")).text)
   end

   describe("faults", function()
      for hr, code in pairs{
         [0x80070005] = "ACCESS_DENIED", [0x80070002] = "NOT_FOUND", [0x80070490] = "NOT_FOUND", [0x80071B6E] = "NOT_FOUND",
         [0x800704C7] = "CANCELLED", [0x8007000E] = "NO_MEMORY", [0x80004005] = "PROTOCOL",
         [0xFFFFFFFF] = "PROTOCOL", [0x8000FFFF] = "PROTOCOL",
      } do
         it(("0x%08X is %s"):format(hr, code), function()
            host:on("StopLockingSession", { fault = hr })
            local how, message = unlock()
            assert.equal(code .. " failed", how)
            assert.equal(code == "PROTOCOL", message:find(("0x%08X"):format(hr), 1, true) ~= nil)
            host:on("GetScreenState", { fault = hr })
            local err = bound.fault(host, call("GetScreenState", { idSession = 3 }))
            assert.equal(code, err.code)
            assert.equal("requested", unlock()) -- the connection is as good as before
            assert.equal(0, host:counts().connections_https)
         end)
      end

      -- No host can mean that, or a part of it did not answer the rest: the session may be unlocked all the same.
      for hr, code in pairs{ [0] = "PROTOCOL", [1] = "PROTOCOL", [0x800705B4] = "TIMEOUT", [0x800706BE] = "PROTOCOL" } do
         it(("0x%08X leaves it open"):format(hr), function()
            host:on("StopLockingSession", { fault = hr })
            assert.equal(code .. " unknown", (unlock()))
            assert.equal("requested", (unlock()))
         end)
      end

      it("that answer another request leave it open", function()
         for relates, how in pairs{
            [ [[<a:RelatesTo>urn:uuid:1</a:RelatesTo>]] ] = "PROTOCOL unknown", [""] = "ACCESS_DENIED failed",
         } do
            host:on("StopLockingSession", { status = 500, raw = [[<s:Envelope]]
               .. [[ xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">]]
               .. "<s:Header>" .. relates .. [[</s:Header><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode>]]
               .. [[<s:Value>x:y</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">no</s:Text></s:Reason>]]
               .. [[<s:Detail><WmsFaultType><hr>2147942405</hr></WmsFaultType></s:Detail></s:Fault></s:Body></s:Envelope>]],
            })
            assert.equal(how, (unlock()))
         end
      end)

      it("of other kinds have their codes", function()
         local text = [[<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body><s:Fault>]]
            .. [[<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>%s</s:Value></s:Subcode></s:Code>]]
            .. [[<s:Reason><s:Text xml:lang="en">%s</s:Text></s:Reason>%s</s:Fault></s:Body></s:Envelope>]]
         for _, case in ipairs{
            { "o:FailedAuthentication", "", "ACCESS_DENIED failed", "FailedAuthentication" },
            { "o:InvalidSecurity", "", "ACCESS_DENIED failed", "WmsControl" },
            { "o:MessageExpired", "", "ACCESS_DENIED failed", "clock" },
            { "a:ActionNotSupported", "", "UNSUPPORTED failed", "does not know" },
            { "x:Whatever", "", "PROTOCOL failed", "'Whatever'" },
            { "x:\27[31mred", "", "PROTOCOL failed", "" },
            { "x:" .. ("long"):rep(5000), "", "PROTOCOL failed", "longlong" },
            { "", "", "PROTOCOL failed", "unnamed" },
            { "x:y", "<s:Detail><WmsFaultType><hr>4294967296</hr></WmsFaultType></s:Detail>", "PROTOCOL failed", "'y'" },
            { "x:y", "<s:Detail><WmsFaultType><hr>-1</hr></WmsFaultType></s:Detail>", "PROTOCOL failed", "'y'" },
            { "x:y", "<s:Detail><WmsFaultType><hr>2147942405</hr></WmsFaultType></s:Detail>", "ACCESS_DENIED failed", "" },
         } do
            local subcode = case[1]:gsub("\27", "")
            for _, status in ipairs{ 500, 400, 200 } do
               host:on("StopLockingSession", { raw = text:format(subcode, host.control:gsub("[&<>]", ""), case[2]),
                  status = status })
               local how, message = unlock()
               assert.equal(case[3], how)
               assert.truthy(message:find(case[4], 1, true), message)
               assert.is_true(#message < 400)
            end
         end
      end)
   end)

   describe("credentials", function()
      it("that are wrong are refused, with the host and the user named, and nothing is kept", function()
         local stranger = bound.stranger()
         for _, wrong in ipairs{ { password = "wrong" }, { user_name = "nobody" }, { password = " " } } do
            local err = bound.fault(stranger, wms.bind(bound.options(stranger, wrong)))
            assert.equal("ACCESS_DENIED", err.code)
            assert.truthy(err.message:find("127.0.0.1", 1, true), err.message)
            assert.truthy(err.message:find("'" .. (wrong.user_name or stranger.admin) .. "'", 1, true), err.message)
            assert.is_nil(bound.kept["127.0.0.1:" .. stranger.http])
         end
         assert(wms.bind(bound.options(stranger)))
      end)

      it("that have changed at the host are told so, and those of another's bind are found", function()
         host:set{ control = "another <&> one" }
         local how, message = unlock()
         assert.equal("ACCESS_DENIED failed", how)
         for _, word in ipairs{ "127.0.0.1", "WmsControl", "bind anew" } do
            assert.truthy(message:find(word, 1, true), message)
         end
         assert.is_true(host:sessions()[3].locked)
         assert.equal("ACCESS_DENIED failed", unlock())
         -- Somebody else binds, with the same store.
         local name = "127.0.0.1:" .. host.http
         local count
         bound.kept[name], count = bound.kept[name]:gsub('(secret%.control string) "[^\n]*"', '%1 "another <&> one"')
         assert.equal(1, count)
         assert.equal("requested", unlock())
         assert.is_false(host:sessions()[3].locked)
      end)

      it("that have changed are found in the files of another process's bind", function()
         local folder, environment = bound.folder()
         local go = folder .. "/go"
         assert.same({ "", 0 }, { process.run("mkfifo " .. go) })
         local pipe = bound.popen(host, ([[
            local function unlock()
               local list, _, err = wms.unlock{ server = host.server, session_ids = 3 }
               io.write(list and list[1].state or err.code, "\n")
               io.flush()
               local gate = io.open(%q) -- until somebody has opened it for writing
               gate:read("*a")
               gate:close()
            end
            assert(bind())
            for _ = 1, 3 do unlock() end
         ]]):format(go), environment)
         local function go_on()
            io.open(go, "w"):close()
         end
         assert.equal("requested", pipe:read("*l"))
         host:set{ control = "another <&> one" }
         go_on()
         assert.equal("ACCESS_DENIED", pipe:read("*l"))
         assert.same({ "", 0 }, { bound.script(host, "assert(bind())", environment) })
         go_on()
         assert.equal("requested", pipe:read("*l"))
         go_on()
         pipe:close()
      end)
   end)

   describe("that cannot be believed,", function()
      -- What is known of a good answer must not make a bad one good.
      before_each(function()
         assert.equal("requested", unlock())
      end)

      --- The host has done it; what came back tells nothing of it.
      local function unknown(reason)
         host:session{ id = 3, flags = 44 }
         local how, message = unlock()
         assert.equal("PROTOCOL unknown", how, message)
         assert.truthy(message:find(reason, 1, true), message)
         assert.is_false(host:sessions()[3].locked)
         return message
      end

      it("of another request, or of no request", function()
         host:on("StopLockingSession", { relates = "urn:uuid:00000000-0000-4000-8000-000000000000" })
         unknown("to another request")
         host:on("StopLockingSession", { relates = "" })
         unknown("which request it belongs to")
         assert.equal("requested", unlock())
      end)

      it("of another operation", function()
         host:on("StopLockingSession", { raw = envelope() })
         unknown("to another request")
         for _, swap in ipairs{
            "SessionResponse</a:Action>\nSession</a:Action>", "/StopLockingSessionResponse<\n/LockSessionResponse<",
            "<StopLockingSessionResponse\n<LockSessionResponse\n</StopLockingSessionResponse\n</LockSessionResponse",
            '="http://MultiPoint"\n="http://Other"', "IMultiPointSession/\nIMultiPointServer/",
            "<a:Action s:mustUnderstand=\"1\">\n<a:Other>\n</a:Action>\n</a:Other>",
         } do
            host:on("StopLockingSession", { swap = swap })
            unknown("that of another operation")
         end
         assert.equal("requested", unlock())
      end)

      it("with two headers of one kind, two bodies, none, or two elements in it", function()
         host:on("StopLockingSession", { swap = "<a:RelatesTo>\n<a:RelatesTo>x</a:RelatesTo><a:RelatesTo>" })
         unknown("two headers")
         for _, swap in ipairs{
            "</s:Body>\n</s:Body><s:Body><x/></s:Body>", "<s:Body>\n<s:Body><x/>", "s:Body>\ns:Boddy>",
            "<s:Header>\n<s:Body><x/></s:Body><s:Header>",
         } do
            host:on("StopLockingSession", { swap = swap })
            unknown("one body with one element")
         end
         for _, swap in ipairs{ "s:Envelope\ns:Envelop", "2003/05/soap-envelope\n2003/05/soap-envelop",
            "http://www.w3.org/2003/05/soap-envelope\nhttp://schemas.xmlsoap.org/soap/envelope/" } do
            host:on("StopLockingSession", { swap = swap })
            unknown("no SOAP 1.2 envelope")
         end
      end)

      local LAUGHS = '<!DOCTYPE lolz [<!ENTITY lol0 "lol">'
      for i = 1, 9 do
         LAUGHS = LAUGHS .. ("<!ENTITY lol%d \"%s\">"):format(i, ("&lol" .. i - 1 .. ";"):rep(10))
      end
      LAUGHS = LAUGHS .. "]>"

      it("with a document type or entities", function()
         for doctype, reason in pairs{
            ["<!DOCTYPE x>"] = "document type", ['<!DOCTYPE x SYSTEM "file:///etc/passwd">'] = "document type",
            ['<!DOCTYPE x SYSTEM "http://127.0.0.1:' .. host.http .. '/">'] = "document type", [LAUGHS] = "document type",
            [" <?xml version='1.0'?>"] = "well-formed",
         } do
            host:on("StopLockingSession", { swap = "<s:Envelope \n" .. doctype .. "<s:Envelope " })
            unknown(reason)
            host:on("StopLockingSession", {
               swap = "<s:Envelope \n" .. doctype .. "<s:Envelope \n<s:Body>\n<s:Body>&lol9;",
            })
            unknown(reason)
         end
         host:on("StopLockingSession", { swap = "</StopLockingSessionResponse>\n&e;</StopLockingSessionResponse>" })
         unknown("well-formed")
         assert.equal(0, host:counts().connections_http)
      end)

      it("that is nested too deeply, has too many elements, or is cut off", function()
         local head = "</StopLockingSessionResponse>\n"
         for _, more in ipairs{ ("<x>"):rep(40) .. ("</x>"):rep(40), ("<x>"):rep(5000) } do
            host:on("StopLockingSession", { swap = head .. more .. "</StopLockingSessionResponse>" })
            unknown("nested too deeply")
         end
         host:on("StopLockingSession", { swap = head .. ("<x/>"):rep(5000) .. "</StopLockingSessionResponse>" })
         unknown("too many elements")
         for _, text in ipairs{ "</s:Envelope>", "</s:Body></s:Envelope>", "<s:Header>", '="http://MultiPoint"' } do
            host:on("StopLockingSession", { swap = text .. "\n " })
            unknown("well-formed")
         end
         host:on("StopLockingSession", { garbage = true })
         unknown("no UTF-8")
         host:on("StopLockingSession", { raw = "<html><body>It works!</body></html>" })
         unknown("no SOAP 1.2 envelope")
         host:on("StopLockingSession", { swap = "<s:Envelope\n<s:Envelope" .. (" a='b'"):rep(2) })
         unknown("well-formed")
      end)

      it("in another encoding", function()
         host:on("StopLockingSession", { utf16 = true })
         unknown("no UTF-8")
         host:on("StopLockingSession", { utf16 = true, half = true })
         assert.equal("UNREACHABLE unknown", unlock())
         host:on("StopLockingSession", { swap = "<StopLockingSessionResponse\n\255\254<StopLockingSessionResponse" })
         unknown("no UTF-8")
         host:on("StopLockingSession", { swap = "</StopLockingSessionResponse>\n\1</StopLockingSessionResponse>" })
         unknown("no character of XML")
         local declared = "\239\187\191<?xml version='1.0' encoding='utf-8'?>"
         host:on("StopLockingSession", { swap = "<s:Envelope\n" .. declared .. "<s:Envelope" })
         assert.equal("requested", unlock())
      end)
   end)

   describe("of HTTP", function()
      for status, code in pairs{
         [400] = "PROTOCOL failed", [401] = "ACCESS_DENIED failed", [403] = "ACCESS_DENIED failed",
         [404] = "PROTOCOL failed",
         [405] = "PROTOCOL failed", [407] = "UNREACHABLE failed", [500] = "PROTOCOL unknown", [502] = "PROTOCOL unknown",
         [503] = "BUSY failed", [202] = "PROTOCOL unknown", [204] = "PROTOCOL unknown",
      } do
         it(("%d without SOAP is %s"):format(status, code), function()
            host:on("StopLockingSession", { status = status, raw = status == 204 and "" or "<html>no</html>" })
            local how, message = unlock()
            assert.equal(code, how, message)
            assert.equal(1, host:counts().StopLockingSession)
            assert.equal("requested", unlock())
         end)
      end

      it("that redirects is not followed", function()
         local other = bound.stranger()
         for _, status in ipairs{ 301, 302, 307, 308 } do
            for _, to in ipairs{
               ("https://127.0.0.1:%d/MultiPoint/IMultiPointSession"):format(other.https),
               ("http://127.0.0.1:%d/MultiPoint/IMultiPointSession"):format(other.http), "file:///etc/passwd",
            } do
               host:on("StopLockingSession", { status = status, header = "Location: " .. to, raw = "" })
               local how, message = unlock()
               assert.equal("PROTOCOL failed", how)
               assert.truthy(message:find("HTTP " .. status, 1, true), message)
            end
         end
         assert.same({ 0, 0 }, { other:counts().requests, other:counts().connections_https })
         assert.equal(12, host:counts().StopLockingSession)
      end)

      it("whose host closes the connection each time", function()
         host:on("*", { header = "Connection: close", times = 0 })
         for i = 1, 5 do
            assert.equal("requested", unlock())
            assert.equal(i, host:counts().StopLockingSession)
         end
         assert.equal(4, host:counts().connections_https) -- the first one was that of the bind
      end)
   end)

   describe("with values", function()
      local function wrong(operation, arguments, interface, ...)
         for _, body in ipairs{ ... } do
            host:on(operation, { body = body })
            local err = bound.fault(host, call(operation, arguments, interface))
            assert.equal("PROTOCOL", err.code, body)
         end
      end

      it("of other types than the schema's", function()
         wrong("GetScreenState", { idSession = 3 }, nil, "", "<pfIsLocked>true</pfIsLocked>",
            "<peCurrentBroadCastState>0</peCurrentBroadCastState><pfIsLocked>yes</pfIsLocked>"
            .. "<pfIsDisconnected>0</pfIsDisconnected><pfIsPrivate>0</pfIsPrivate>",
            "<peCurrentBroadCastState>4294967296</peCurrentBroadCastState><pfIsLocked>1</pfIsLocked>"
            .. "<pfIsDisconnected>0</pfIsDisconnected><pfIsPrivate>0</pfIsPrivate>",
            "<peCurrentBroadCastState>0</peCurrentBroadCastState><pfIsLocked><a/></pfIsLocked>"
            .. "<pfIsDisconnected>0</pfIsDisconnected><pfIsPrivate>0</pfIsPrivate>")
         wrong("GetThumbnailBits", { idSession = 3, eBitmapSize = 0 }, nil, "<ppbDataBits>%%</ppbDataBits>",
            "<ppbDataBits>AAE</ppbDataBits>", "<ppbDataBits>AAEC=</ppbDataBits>")
         wrong("RunFileSession", { idSession = 3, wsFileToRun = "x" }, nil, "<pdwResult>-1</pdwResult>",
            "<pdwResult>1.0</pdwResult>", "<pdwResult>1e3</pdwResult>", "<pdwResult>0x10</pdwResult>")
         assert(call("GetScreenState", { idSession = 3 }))
         assert.equal(0, host:counts().connections_https)
      end)

      it("that are too large for a number, or not there", function()
         local text = soap.call(soap.request(host, "IMultiPointServer", "GetAllSessions", "", "WmsControl")).text
         assert.truthy(text:find("<id>3</id>", 1, true), text)
         for _, value in ipairs{ "18446744073709551616", "-1", "", "x", "3.0",
            "99999999999999999999999999" } do
            for _, ask in ipairs{
               function() return wms.sessions(host.server) end, function() return wms.unlock_all(host.server) end,
               function() return wms.close_all(host.server) end,
            } do
               host:on("GetAllSessions", { swap = "<id>3</id>\n<id>" .. value .. "</id>" })
               local err = kit.fault(ask())
               assert.equal("PROTOCOL", err.code)
            end
         end
         assert.is_true(host:sessions()[3].locked)
         assert.is_nil(host:counts().LogOffSession)
      end)

      it("that are ids, twice: it is one session, of which is not known whose, and is acted on once", function()
         local all = #kit.fine(wms.sessions(host.server))
         host:on("GetAllSessions", { swap = "<id>4</id>\n<id>3</id>", times = 0 })
         local list = kit.fine(wms.sessions(host.server))
         local users = {}
         for _, session in ipairs(list) do
            assert.is_nil(users[session.session_id])
            users[session.session_id] = session.user_name or "?"
         end
         assert.same({ all - 1, "?" }, { #list, users[3] })
         host:reset()
         local outcomes = kit.fine(wms.unlock_all(host.server))
         assert.equal(#outcomes, host:counts().StopLockingSession)
         local asked = 0
         for _, entry in ipairs(host:log()) do
            asked = asked + (entry.verb == "StopLockingSession" and entry.id == 3 and 1 or 0)
         end
         assert.equal(1, asked)
      end)

      it("that are 10,000 sessions", function()
         host:fill(1000, 10999, { user = "pupil", flags = 36 })
         local list = kit.fine(wms.sessions(host.server))
         assert.equal(10004, #list)
         local seen = kit.set(kit.pluck(list, "session_id"))
         for id = 1000, 10999 do
            assert(seen[id])
         end
      end)
   end)

   it("that never end are cut off, and little memory is used", function()
      local _, environment = bound.folder()
      host:on("GetSessionFlags", { endless = 2 ^ 30, times = 0 })
      local said = bound.script(host, ([[
         local function used() return tonumber(io.open("/proc/self/status"):read("*a"):match("VmHWM:%%s*(%%d+)")) / 1024 end
         assert(bind())
         for _, size in ipairs{ 1000000, 20000000 } do
            local before = used()
            wms.configure{ answer_size = size }
            local _, message, err = wms.call{
               server = host.server, interface = "IMultiPointSession", operation = "GetSessionFlags",
               arguments = { idSession = 3 },
            }
            io.write(err.code, " ", message:match("longer than %%d+ bytes"), "\n")
            assert(used() - before < %s, used() - before)
         end
         wms.configure{ answer_size = 64000000 }
         local list, _, err = wms.unlock{ server = host.server, session_ids = 3, verify = 1 }
         io.write(err.code, " ", err.outcomes[1].state)
      ]]):format(process.sanitized() and "math.huge" or "6 + 5 * size / 1000000"), environment)
      assert.equal("PROTOCOL longer than 1000000 bytes\nPROTOCOL longer than 20000000 bytes\nUNVERIFIED failed", said)
      assert.is_false(host:sessions()[3].locked) -- it was sent, and cannot be seen
   end)
end)
