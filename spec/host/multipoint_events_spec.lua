-- SPDX-License-Identifier: MIT
--- The events of the MultiPoint test host: whom it tells what, and whom it does not trust.  They go to a program that is
--- not ours, and its certificates are openssl's.
local mp = require "spec.host.multipoint"
local process = require "spec.support.process"
local published = require "spec.support.schema"
local soap = require "spec.support.soap"

local quote = process.quote
local NAME = "console.school.example"

local function missing()
   local ok, why = mp.available()
   if ok and select(2, process.run("/usr/bin/python3 -c 'import lxml'")) ~= 0 then
      return "python3-lxml is not installed"
   end
   return not ok and why or nil
end

describe("a MultiPoint test host's events #once", function()
   local why = missing()
   if why then
      it("are sent", function() pending(why) end)
      return
   end

   local park, lab, sink, serial = nil, nil, nil, 0

   local function certificate(name, usage)
      serial = serial + 1
      local path = ("%s/certificate%d"):format(soap.folder(), serial)
      local output, code = process.run(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "
         .. "%s.key -out %s.pem -days 30 -subj /CN=%s %s"):format(path, path, name,
         usage and "-addext extendedKeyUsage=" .. usage or ""))
      assert.equal(0, code, output)
      return path .. ".pem"
   end

   --- A certificate as SetSslCertificate wants it, and its thumbprint.
   local function der(pem)
      local path = soap.folder() .. "/other.der"
      process.run(("openssl x509 -in %s -outform DER -out %s"):format(quote(pem), quote(path)))
      local file = assert(io.open(path, "rb"))
      local bytes = file:read("*a")
      file:close()
      return bytes, process.run("sha1sum < " .. quote(path)):match("%x+"):upper()
   end

   local function list(bytes)
      return (bytes:gsub(".", function(byte) return ("<prgData>%d</prgData>"):format(byte:byte()) end))
   end

   local function server(operation, body, user)
      return soap.call(soap.request(lab, "IMultiPointServer", operation, body, user))
   end

   local function introduce(pem, more)
      local bytes, thumbprint = der(pem)
      more = more or {}
      return soap.call(soap.request(lab, "IMultiPointCredentialRequest", "SetSslCertificate",
         ("<wsHostName>%s</wsHostName><SslPort>%d</SslPort><wsSslCertificateThumbprint>%s</wsSslCertificateThumbprint>"
            .. "<pSslCertificate>%s</pSslCertificate>"):format(more.name or NAME, more.port or sink.port,
            more.thumbprint or thumbprint, list(more.bytes or bytes)), lab.admin, more.password or lab.password))
   end

   local function register(uri)
      return server("RegisterCoreEventSink", "<bstrUriSinkEndpoint>" .. uri .. "</bstrUriSinkEndpoint>", "WmsControl")
   end

   --- A program that listens; .said(n): the next n lines that it says.
   local function listen()
      local folder = soap.folder()
      serial = serial + 1
      local input = folder .. "/input" .. serial
      process.run("mkfifo " .. quote(input))
      local pipe = assert(io.popen(("/usr/bin/python3 -W ignore spec/host/multipoint/sink.py %s %s %s < %s 2>&1")
         :format(quote(folder), NAME, quote(soap.wsdl()), quote(input))))
      local file = assert(io.open(input, "w"))
      file:setvbuf("line")
      file:write(lab.control, "\n", lab.management, "\n")
      local port = pipe:read("*l"):match("^port (%d+)")
      local self = { pem = folder .. "/sink.pem", port = tonumber(port) }
      self.uri = ("https://%s:%d/MultiPoint/IMultiPointCoreEventSink"):format(NAME, self.port)

      function self.said(count)
         local lines = {}
         for i = 1, count do
            lines[i] = pipe:read("*l")
         end
         return lines
      end

      --- From now on it answers so.
      function self.answer(how)
         file:write(how, "\n")
         assert.equal("how " .. how, pipe:read("*l"))
      end

      function self.close()
         file:close()
         pipe:close()
      end

      return self
   end

   setup(function()
      park = mp.start()
   end)

   --- A host that knows the sink, and nothing more.
   before_each(function()
      serial = serial + 1
      lab = park:host("lab" .. serial)
      sink = sink or listen()
      assert.equal(200, introduce(sink.pem).status)
      lab:reset()
   end)

   after_each(function()
      lab:down()
   end)

   teardown(function()
      sink.close()
      park:stop()
      soap.sweep()
   end)

   it("are all sent, and right, by one connection", function()
      assert.equal(200, register(sink.uri).status)
      local events = {}
      for _, interface in ipairs(published.facts().interfaces) do
         if interface.name:find("EventSink$") then
            for _, operation in ipairs(interface.operations) do
               events[#events + 1] = { name = operation.name, interface = interface.name, takes = operation.takes }
            end
         end
      end
      assert.equal(40, #events)
      for _, passwords in ipairs{ "texts", "definitions" } do
         lab:reset()
         lab:set{ sink_passwords = passwords }
         local said = {}
         for i, event in ipairs(events) do
            local arguments = {}
            for _, field in ipairs(event.takes) do
               arguments[field.name] = field.kind == "unsignedInt" and 3 or field.kind == "string" and "<a> & \"b\"" or nil
            end
            lab:event(event.name, arguments)
            said[i] = sink.said(1)[1]
            lab:wait("posts", i)
            local password = (event.interface == "IMultiPointCoreEventSink"
               and event.name ~= "OnProjectionStateChange" and event.name ~= "OnScheduledUpdateSettingsChanged")
               == (passwords == "texts") and 2 or 1
            assert.equal(("%s %s %d ok"):format(event.name, NAME, password), said[i]:match("^%S+ %S+ %S+ %S+"))
         end
         for i, post in ipairs(lab:posts()) do
            assert.same({ events[i].name, "ok" }, { post.operation, post.result })
         end
      end
   end)

   it("follow what its sessions do, and only then", function()
      assert.equal(200, register(sink.uri).status)
      lab:session{ id = 3, user = "alice", station = 1, flags = 36 }
      lab:session{ id = 3, flags = 44 }
      lab:session{ id = 3, broadcast = 1 }
      for _, operation in ipairs{ "StopLockingSession", "DisconnectSession", "LogOffSession" } do
         soap.call(soap.request(lab, "IMultiPointSession", operation, "<idSession>3</idSession>"))
      end
      server "Reboot"
      lab:wait("posts", 11)
      local said = {}
      for i, line in ipairs(sink.said(11)) do
         local operation, argument = line:match("^(%S+) %S+ %d ok (%S+)$")
         said[i] = operation .. " " .. argument
      end
      assert.same({
         "OnServiceControlSessionChange 5", "OnSessionAgentReady 3", "OnSessionConnecting 1",
         "OnAssociateSessionWithStation 1", "OnSessionBlocked 3", "OnProjectionStateChange 3", "OnSessionUnblocked 3",
         "OnServiceControlSessionChange 4", "OnSessionDisconnected 1", "OnServiceControlSessionChange 6",
         "ShutdownNotification None",
      }, said)
      lab:set{ events = false }
      lab:session{ id = 4, flags = 36 }
      lab:event("OnGroupUpdated")
      assert.truthy(sink.said(1)[1]:find("^OnGroupUpdated "))
   end)

   it("come to those who are registered", function()
      local function cookie(answer)
         return tonumber(answer.text:match("<pullCookie>(%d+)</pullCookie>"))
      end
      local function unregister(which)
         return server("UnregisterCoreEventSink", "<ullCookie>" .. which .. "</ullCookie>", "WmsControl")
      end
      lab:event "OnGroupUpdated"
      assert.same({ {}, {} }, { lab:posts(), lab:sinks() })
      local first, second = cookie(register(sink.uri)), cookie(register(sink.uri))
      assert.is_true(first ~= second)
      lab:event "OnGroupUpdated"
      sink.said(2)
      assert.equal(200, unregister(first).status)
      assert.equal("80070490", soap.hr(unregister(first)))
      assert.same({ { cookie = second, uri = sink.uri } }, lab:sinks())
      lab:set{ cookie = false }
      assert.is_nil(cookie(register(sink.uri)))
      lab:wait("sinks", 2)
      lab:restart()
      assert.equal(2, #lab:sinks())
      sink.said(3) -- ShutdownNotification twice, OnManagedServerOnlineNotify
      lab:restart{ forget = true }
      assert.same({}, lab:sinks())
      assert.same({ "ShutdownNotification", "ShutdownNotification", "OnManagedServerOnlineNotify" }, (function(lines)
         for i, line in ipairs(lines) do
            lines[i] = line:match("^%S+")
         end
         return lines
      end)(sink.said(3)))
      assert.equal("80070057", soap.hr(register "http://console.school.example/"))
   end)

   it("end when the client says that it is there no more, and for nothing else", function()
      register(sink.uri)
      for i, how in ipairs{ "500", "401", "503", "404" } do
         sink.answer(how)
         lab:event "OnGroupUpdated"
         sink.said(1)
         lab:wait("posts", i)
         assert.equal("http " .. how, lab:posts()[i].result)
         assert.equal(how == "404" and 0 or 1, #lab:sinks())
      end
      sink.answer "ok"
   end)

   it("are answered right, or both tell how not: the host, and the player of multipoint_sink_spec", function()
      if select(2, process.run("/usr/bin/python3 -c 'import zeep'")) ~= 0 then
         pending("python3-zeep is not installed")
      end
      register(sink.uri)
      local input = soap.write("passwords", lab.control .. "\n" .. lab.management .. "\n")
      local player = ("/usr/bin/python3 -W ignore spec/host/multipoint/player.py %s 127.0.0.1 %d %s %s post %s < %s")
         :format(quote(soap.wsdl()), sink.port, NAME, quote(sink.pem), "OnGroupUpdated", quote(input))
      local cases = {
         { "RelatesTo", "other RelatesTo", "200 other RelatesTo" }, { "Action", "other Action", "200 other Action" },
         { "Body", "other body", "200 other body" }, { "none", "http 200", "200 -" }, { "ok", "ok", "200 ok" },
      }
      for i, case in ipairs(cases) do
         sink.answer(case[1])
         lab:event "OnGroupUpdated"
         lab:wait("posts", i)
         assert.equal("OnGroupUpdated: " .. case[3] .. "\ndone\n", (process.run(player)))
         sink.said(2)
         assert.equal(case[2], lab:posts()[i].result)
      end
   end)

   it("keep nobody waiting", function()
      register(sink.uri)
      sink.answer "hold"
      for _ = 1, 5 do
         lab:event "OnGroupUpdated"
      end
      sink.said(1)
      assert.equal(200, server("GetServerVersion").status)
      assert.equal(0, lab:counts().posts)
      sink.answer "ok"
      lab:wait("posts", 5)
      sink.said(4)
   end)

   describe("are not sent", function()
      local function refused(uri)
         assert.equal(200, register(uri).status)
         lab:event "OnGroupUpdated"
         lab:wait("posts", 1)
         return lab:posts()[1].result
      end

      it("to whom shows another certificate", function()
         assert.equal(200, introduce(certificate(NAME, "serverAuth")).status)
         assert.equal("curl SSL peer certificate or SSH remote key was not OK", refused(sink.uri))
      end)

      it("to whom has a certificate of another name", function()
         local other = "other.school.example"
         assert.equal(200, introduce(certificate(other, "serverAuth"), { name = other }).status)
         assert.truthy(refused(sink.uri:gsub(NAME:gsub("%p", "%%%0"), other)):find("^curl SSL"))
      end)

      it("to whom nobody has introduced, nor where nobody is", function()
         assert.truthy(refused("https://127.0.0.1:" .. sink.port .. "/"):find("^curl "))
         lab:restart{ forget = true, silent = true }
         lab:reset()
         assert.equal("curl Couldn't connect to server", refused("https://" .. NAME .. ":1/"))
      end)
   end)

   it("are for clients whose certificate is as it has to be", function()
      local good = certificate(NAME, "serverAuth")
      for what, case in pairs{
         ["800B010F"] = { good, { name = "other.school.example" } },
         ["80070057"] = { good, { thumbprint = ("0"):rep(40) } },
         ["8009310B"] = { good, { bytes = "no certificate" } },
      } do
         assert.equal(what, soap.hr(introduce(case[1], case[2])))
      end
      assert.equal("80070057", soap.hr(introduce(good, { port = 65536 })))
      for _, usage in ipairs{ "clientAuth", "serverAuth,clientAuth", "" } do
         assert.equal("800B0110", soap.hr(introduce(certificate(NAME, usage ~= "" and usage or nil))))
      end
      assert.equal("o:FailedAuthentication", soap.fault(introduce(good, { password = lab.management })))
      assert.equal(1, #lab:clients())
      assert.equal(200, introduce(certificate(NAME:upper(), "serverAuth")).status)
   end)

   it("tell of the next certificate, and theirs is taken beside the present one", function()
      lab:renew()
      assert.truthy(sink.said(1)[1]:find("^OnNewServerCertificateReady " .. NAME .. " 1 ok " .. lab.name .. "$"))
      local function shown()
         return process.run(("openssl s_client -connect %s:%d </dev/null 2>/dev/null | openssl x509 -noout -fingerprint "
            .. "-sha256"):format(lab.address, lab.https)):match("=(%S+)")
      end
      local before = lab.fingerprint
      assert.equal(before, shown())
      local bytes = {}
      for byte in server("GetReplacementSslCertificate").text:gmatch("<prgData>(%d+)<") do
         bytes[#bytes + 1] = string.char(tonumber(byte))
      end
      local next_one = process.run("sha256sum < " .. quote(soap.write("next.der", table.concat(bytes)))):match("%x+")
      assert.equal(lab.next_fingerprint:gsub(":", ""):lower(), next_one)
      lab:adopt()
      assert.is_true(lab.fingerprint ~= before)
      assert.equal(lab.fingerprint, shown())

      local function replace(name, pem)
         return server("SetReplacementSslCertificate", ("<wsFqdnManagingServer>%s</wsFqdnManagingServer>"
            .. "<pSslCertificate>%s</pSslCertificate>"):format(name, list((der(pem)))))
      end
      local theirs = certificate(NAME, "serverAuth")
      assert.equal("80070490", soap.hr(replace("other.school.example", theirs)))
      assert.equal("800B0110", soap.hr(replace(NAME, certificate(NAME, "clientAuth"))))
      assert.equal(200, introduce(theirs).status) -- the sink shows the former one, which is refused
      assert.equal(200, replace(NAME, sink.pem).status)
      register(sink.uri)
      lab:event "OnGroupUpdated"
      sink.said(1)
      lab:wait("posts", 2)
      assert.equal("ok", lab:posts()[2].result)
   end)

   it("come of a Manager who blocks all again and again, too", function()
      register(sink.uri)
      lab:set{ events = false }
      lab:session{ id = 3, flags = 36 }
      lab:session{ id = 7, flags = 1 }
      lab:set{ events = true, manager = 50 }
      for _ = 1, 3 do
         lab:wait("locks", 1)
         soap.call(soap.request(lab, "IMultiPointSession", "StopLockingSession", "<idSession>3</idSession>"))
      end
      lab:set{ manager = -1 }
      assert.is_false(lab:sessions()[7].locked)
      local lines = sink.said(6)
      for i, line in ipairs(lines) do
         assert.equal(i % 2 == 1 and "OnSessionBlocked" or "OnSessionUnblocked", line:match("^%S+"))
      end
   end)
end)
