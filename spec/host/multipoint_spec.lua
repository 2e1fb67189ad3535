-- SPDX-License-Identifier: MIT
--- The MultiPoint test host itself: what the specs of `multipoint` build on.  It is asked by curl and zeep, never by wms.
local mp = require "spec.host.multipoint"
local soap = require "spec.support.soap"
local kit = require "spec.support.kit"
local process = require "spec.support.process"

local usable, why = mp.available()

describe("a MultiPoint test host #once", function()
   if not usable then
      it("runs", function() pending(why) end)
      return
   end

   local park, lab

   setup(function()
      park = mp.start{ hosts = { "lab01", { name = "lab02", address = "127.0.0.2", password = "other" } } }
      lab = park.lab01
   end)

   before_each(function()
      lab:remove("all")
      lab:session{ id = 3, user = "alice", domain = "SCHOOL", winstation = "RDP-Tcp#1", station = 1 }
      lab:session{ id = 7, user = "teacher", flags = 1 }
      lab:set{ relock = -1, block_all_relock = -1, stations = 2, flags_name = "pgrfSession", admin_orchestration = false }
      lab:clear()
      lab:reset()
   end)

   teardown(function()
      soap.sweep()
      park:stop()
   end)

   local function session(operation, id, more, user, password)
      return soap.request(lab, "IMultiPointSession", operation, ("<idSession>%d</idSession>%s"):format(id, more or ""),
         user or "WmsControl", password)
   end

   local function flags(id)
      return tonumber(soap.call(session("GetSessionFlags", id)).text:match("<pgrfSession>(%d+)<"))
   end

   it("answers every operation as the published schema wants it", function()
      local schema, operations = soap.schema()
      local requests, bodies = {}, {}
      lab:set{ stations = 4 }
      assert.is_true(#operations > 100)
      for i, o in ipairs(operations) do
         local admin = o.interface == "IMultiPointCredentialRequest"
         requests[i] = soap.request(lab, o.interface, o.name, o.body, admin and lab.admin or nil,
            admin and lab.password or nil)
         bodies[#bodies + 1] = requests[i].text or soap.envelope(requests[i]):match("<s:Body>(.*)</s:Body>")
      end
      -- The order of the WSDL logs the session off before it is unlocked: then the fault is what is looked at.  The samples
      -- are no certificates, and no address of a sink.
      local refused = {
         SetSslCertificate = "8009310B", SetReplacementSslCertificate = "80070490", RegisterCoreEventSink = "80070057",
         UnregisterCoreEventSink = "80070490",
      }
      for i, answer in ipairs(soap.send(requests)) do
         local name = operations[i].name
         local fault = refused[name] or answer.status ~= 200 and "80071B6E"
         assert.equal(fault and 500 or 200, answer.status, name .. ": " .. answer.text)
         assert.equal(fault or nil, soap.hr(answer), name)
         assert.truthy(answer.text:find("<a:RelatesTo>" .. requests[i].id .. "</a:RelatesTo>", 1, true), name)
         bodies[#bodies + 1] = answer.status == 200 and soap.inside(answer)
            or answer.text:match("<s:Detail>(.*)</s:Detail>")
      end
      assert.equal(2 * #operations, #bodies)
      local code, said = soap.validate(schema, bodies)
      assert.same({ 0, "" }, { code, said })
      local counts = lab:counts()
      assert.equal(#operations, counts.requests)
      assert.equal(1, counts.handshakes)
   end)

   it("answers as the published schema wants it when there are sessions of every kind", function()
      local schema = soap.schema()
      lab:fill(100, 300, { user = "<b>&\"]]>☃", state = 4, rail = true, station = 2 })
      local answers = soap.send{
         soap.request(lab, "IMultiPointServer", "GetAllSessions"),
         session("GetScreenState", 3), session("GetSessionFlags", 7), session("StopLockingSession", 3),
         soap.request(lab, "IMultiPointStation", "GetStationInformation", "<idStation>1</idStation>"),
      }
      local bodies = {}
      for i, answer in ipairs(answers) do
         bodies[i] = soap.inside(answer)
      end
      assert.same({ 0, "" }, { soap.validate(schema, bodies) })
      assert.truthy(bodies[1]:find("<pcSessionInfo>203</pcSessionInfo>", 1, true))
      assert.truthy(bodies[5]:find("<pidSession>3</pidSession>", 1, true))
   end)

   it("is spoken to by zeep, a client that is not ours", function()
      if select(2, process.run("/usr/bin/python3 -c 'import zeep'")) ~= 0 then
         pending("python3-zeep is not installed")
      end
      local input = soap.write("admin", lab.admin .. "\n" .. lab.password .. "\n")
      local output, code = process.run(("PYTHONIOENCODING=utf-8 /usr/bin/python3 -W ignore %s %s %s %d %s 3 < %s")
         :format("spec/host/multipoint/zeep_client.py", process.quote(soap.wsdl()), lab.address, lab.http, lab.fingerprint,
            process.quote(input)))
      assert.equal(0, code, output)
      assert.same({ {}, "console.school.example", 8443 }, { lab:sinks(), lab:clients()[1].name, lab:clients()[1].port })
      assert.same({
         "thumbprint " .. lab.thumbprint, "sha256 " .. lab.fingerprint, "control " .. lab.control,
         "management " .. lab.management, "session 3 0 alice", "session 7 0 teacher", "before 36", "locked 44",
         "screen True", "unlocked 36", "hr " .. 0x80071B6E, "subcode FailedAuthentication",
         "introduced None", "cookie int", "unregistered None", "replaced None", "next " .. lab.fingerprint,
         "unregistered twice 80070490", "no thumbprint 80070057", "another name 800B010F", "a stranger 80070490", "ok",
      }, (function()
         local lines = {}
         for line in output:gmatch("[^\n]+") do
            lines[#lines + 1] = line
         end
         return lines
      end)())
      local counts = lab:counts()
      assert.same({ 0, 4, 1, 3 },
         { counts.admin_plain, counts.admin_tls, counts.LockSession, counts.StopLockingSession })
   end)

   it("takes what may be left out, and what is as small as can be", function()
      for _, rest in ipairs{
         "<eMode>0</eMode><iMaxViewers>-2147483648</iMaxViewers>", "<iMaxViewers>2147483647</iMaxViewers>",
      } do
         assert.equal(200, soap.call(session("ShareDesktop", 3, rest)).status)
      end
      for _, rest in ipairs{
         "", "<iMaxViewers>2147483648</iMaxViewers>", "<iMaxViewers>1</iMaxViewers><eMode>0</eMode>",
      } do
         assert.equal("s:Sender", soap.fault(soap.call(session("ShareDesktop", 3, rest))))
      end
   end)

   describe("refuses", function()
      local function refused(fault, change, request)
         request = request or session("StopLockingSession", 3)
         for key, value in pairs(change) do
            if value == "nil" then
               value = nil
            end
            request[key] = value
         end
         local answer = soap.call(request)
         assert.equal(fault, answer.status == 500 and (soap.hr(answer) or soap.fault(answer)) or answer.status, answer.text)
         assert.equal(44, lab:sessions()[3].flags)
      end

      before_each(function() lab:session{ id = 3, flags = 44 } end)

      it("names and passwords that are wrong, or of another class", function()
         refused("o:FailedAuthentication", { password = "wrong" })
         refused("o:FailedAuthentication", { user = "wmscontrol" })
         refused("o:FailedAuthentication", { user = lab.admin, password = lab.password })
         refused("80070005", {}, soap.request(lab, "IMultiPointServer", "SetAdminOrchestrationMode", "<fEnable>1</fEnable>",
            "WmsControl"))
         refused("o:FailedAuthentication", {}, soap.request(lab, "IMultiPointCredentialRequest",
            "RequestWmsControlCredentials", "", "WmsControl"))
         assert.same({ 0, 1 }, { lab:counts().admin_plain, lab:counts().admin_tls })
         assert.same({ verb = "StopLockingSession", user = "WmsControl", result = "o:FailedAuthentication" }, lab:log()[1])
      end)

      it("security that is incomplete or of another time", function()
         refused("o:InvalidSecurity", { created = "nil" })
         refused("u:MessageExpired", { created = "2020-01-01T00:00:00Z", expires = "2020-01-01T00:05:00.123Z" })
         refused("o:InvalidSecurity", { expires = "soon" })
         refused("o:InvalidSecurity", { user = "nil" })
      end)

      it("headers that are not as WS-Addressing has them", function()
         refused("a:ActionNotSupported", { action = "http://MultiPoint/RemoteManagement/IMultiPointSession/Fly" })
         refused("a:ActionNotSupported", { action = "http://MultiPoint/RemoteManagement/IMultiPointServer/Reboot" })
         refused("a:InvalidAddressingHeader", { parameter = "http://MultiPoint/Other" })
         refused("a:InvalidAddressingHeader", { parameter = false })
         refused("a:InvalidAddressingHeader", { understand = "0" })
         refused("a:InvalidAddressingHeader", { id = "urn:uuid:1" })
         refused("a:MessageAddressingHeaderRequired", { reply_to = false })
         refused("a:MessageAddressingHeaderRequired", { action = "nil" })
         refused("a:DestinationUnreachable", { to = "https://elsewhere/MultiPoint/IMultiPointSession" })
         refused("s:MustUnderstand", { header = '<x:New xmlns:x="urn:x" s:mustUnderstand="1"/>' })
         local id = session("GetSessionFlags", 3).id
         soap.call((function(r) r.id = id return r end)(session("GetSessionFlags", 3)))
         refused("a:DuplicateMessageID", { id = id })
      end)

      it("bodies that are not as the schema has them", function()
         refused("s:Sender", { body = "<idSession>4294967296</idSession>" })
         refused("s:Sender", { body = "<idSession> 3 </idSession><more/>" })
         refused("s:Sender", { body = "" })
         refused("s:Sender", { namespace = "http://Other" })
         refused("s:Sender", { element = "LockSession" })
         refused("s:Sender", { body = "<wsLockMessage>m</wsLockMessage><idSession>3</idSession>" },
            session("LockSession", 3))
         refused("s:VersionMismatch", { envelope = "http://schemas.xmlsoap.org/soap/envelope/" })
      end)

      it("what is no request at all", function()
         refused(415, { type = "text/xml; charset=utf-8" })
         refused(400, { text = "<not" })
         refused(400, { text = '<!DOCTYPE x [<!ENTITY e "e">]>' .. soap.envelope(session("StopLockingSession", 3)) })
         refused(404, { url = ("https://127.0.0.1:%d/MultiPoint/IOther"):format(lab.https) })
         refused(404, { url = ("http://127.0.0.1:%d/MultiPoint/IMultiPointSession"):format(lab.http) })
         refused(404, { url = ("https://127.0.0.1:%d/MultiPoint/IMultiPointCertificateRequest"):format(lab.https) })
      end)

      it("administrators' sessions, unless their orchestration is on", function()
         assert.equal("80070005", soap.hr(soap.call(session("LockSession", 7, "<wsLockMessage>m</wsLockMessage>"))))
         assert.equal("80071B6E", soap.hr(soap.call(session("LogOffSession", 99))))
         lab:set{ admin_orchestration = true }
         assert.equal(200, soap.call(session("LockSession", 7, "<wsLockMessage>m</wsLockMessage>")).status)
         assert.equal(1 + 8 + 32, flags(7))
      end)
   end)

   it("keeps what it is told, and logs it", function()
      local message = " <é> & \"€\" 😀 ]]> "
      soap.send{
         session("LockSession", 3, "<wsLockMessage>" .. soap.escape(message) .. "</wsLockMessage>"),
         soap.request(lab, "IMultiPointServer", "SetBlockAllMessage", "<wsMessage>all &amp; sundry</wsMessage>"),
         session("DisconnectSession", 3),
      }
      assert.same({ id = 3, state = 4, flags = 44, locked = true, user = "alice", message = message }, lab:sessions()[3])
      assert.equal("all & sundry", lab:counts().block_all)
      assert.same({ "LockSession", "SetBlockAllMessage", "DisconnectSession" }, kit.pluck(lab:log(), "verb"))
      assert.same({ 3, "nil", 3 }, kit.pluck(lab:log(), "id"))
      soap.send{
         soap.request(lab, "IMultiPointServer", "SetBlockAllMessage",
            '<wsMessage x:nil="true" xmlns:x="http://www.w3.org/2001/XMLSchema-instance"/>', "WmsControl"),
         session("LogOffSession", 3),
      }
      assert.is_nil(lab:sessions()[3])
      assert.equal("", lab:counts().block_all)
      lab:set{ block_all = "by the manager" }
      assert.equal("by the manager", lab:counts().block_all)
      lab:set{ block_all = "" }
      assert.equal("", lab:counts().block_all)
   end)

   it("shows requests as they came, if it is told to keep them", function()
      local sent = {
         session("LockSession", 3, "<wsLockMessage>%25 \n\r\t \127&amp;☃ </wsLockMessage>"),
         session("StopLockingSession", 3),
         soap.request(lab, "IMultiPointCertificateRequest", "GetProtocolVersion"),
      }
      lab:set{ keep_bodies = true }
      soap.send(sent)
      lab:set{ keep_bodies = false }
      soap.send{ session("GetSessionFlags", 3) }
      local bodies = lab:bodies()
      assert.equal(3, #bodies)
      for i, body in ipairs(bodies) do
         assert.equal(soap.envelope(sent[i]), body)
      end
      lab:reset()
      assert.same({}, lab:bodies())
   end)

   describe("can be told to", function()
      local function unlock(options)
         lab:session{ id = 3, flags = 44 }
         return soap.call(session("StopLockingSession", 3), options)
      end

      it("lock again", function()
         lab:set{ relock = 30 }
         assert.equal(200, unlock().status)
         lab:wait("locks", 1, 5000)
         assert.is_true(lab:sessions()[3].locked)
         lab:set{ relock = -1, block_all_relock = 0 }
         unlock()
         assert.has_error(function() lab:wait("locks", 1, 50) end)
         lab:session{ id = 3, relock = 30 }
         unlock()
         lab:wait("locks", 1, 5000)
      end)

      it("say that it has done what a session has not", function()
         lab:session{ id = 3, deaf = true }
         assert.equal(200, unlock().status)
         assert.equal(44, flags(3))
         lab:session{ id = 3, flags = 36 }
         assert.equal(200, soap.call(session("LockSession", 3, "<wsLockMessage>m</wsLockMessage>")).status)
         assert.equal(36, flags(3))
      end)

      it("answer late, or never", function()
         lab:on("StopLockingSession", { delay = 1000 })
         assert.is_true(unlock().seconds >= 1)
         assert.is_true(unlock().seconds < 1) -- only that one
         lab:on("*", { never = true })
         local answer = unlock("max-time = 0.3\n")
         assert.equal(28, answer.exit)
         assert.is_false(lab:sessions()[3].locked)
      end)

      it("drop the connection before or after it acted", function()
         lab:on("*", { drop = "before" })
         assert.are_not.equal(0, unlock().exit)
         assert.is_true(lab:sessions()[3].locked)
         lab:on("*", { drop = "after" })
         assert.are_not.equal(0, unlock().exit)
         assert.is_false(lab:sessions()[3].locked)
         lab:set{ refuse = true }
         assert.are_not.equal(0, unlock().exit)
         lab:set{ refuse = false }
         assert.same({ "dropped-before", "dropped-after" }, kit.pluck(lab:log(), "result"))
      end)

      it("hang up, on who waits and on who does not", function()
         lab:on("*", { never = true })
         local text = soap.send({ session("GetSessionFlags", 3), session("GetSessionFlags", 3) }, "max-time = 0.3\n")
         assert.same({ 28, 0 }, kit.pluck(text, "exit"))
         kit.await(function()
            lab:hangup()
            return lab:counts().open == 0
         end)
      end)

      it("send a header more", function()
         lab:on("*", { status = 302, header = "Location: https://elsewhere.example/x" })
         local answer = soap.call(session("GetSessionFlags", 3), 'dump-header = "-"\n')
         assert.equal(302, answer.status)
         assert.equal(200, soap.call(session("GetSessionFlags", 3)).status)
      end)

      it("fail with any HRESULT, once or always, for one operation or all", function()
         lab:on("StopLockingSession", { fault = 0x800704C7, times = 2 })
         assert.same({ "800704C7", "800704C7", "nil" },
            { soap.hr(unlock()), soap.hr(unlock()), tostring(soap.hr(unlock())) })
         lab:on("LockSession", { fault = 5, times = 0 })
         assert.is_nil(soap.hr(unlock()))
         for _ = 1, 3 do
            assert.equal("00000005", soap.hr(soap.call(session("LockSession", 3, "<wsLockMessage>m</wsLockMessage>"))))
         end
      end)

      it("answer with garbage, half, endlessly, or with what a spec wrote", function()
         lab:on("*", { garbage = true })
         assert.equal("\255\254\0<not", unlock().text:sub(1, 7))
         lab:on("*", { half = true })
         local half = unlock()
         assert.equal(18, half.exit)
         assert.truthy(half.text:find("^<s:Envelope") and not half.text:find("</s:Envelope>", 1, true))
         lab:on("*", { endless = 32 * 2 ^ 20 })
         local endless = unlock()
         assert.equal(32 * 2 ^ 20, #endless.text)
         assert.truthy(endless.text:find("^<s:Envelope.*<s:Body><prgData>0</prgData><prgData>"))
         lab:on("*", { raw = "anything & <all>", status = 202 })
         local raw = unlock()
         assert.same({ 202, "anything & <all>" }, { raw.status, raw.text })
         lab:on("*", { body = "<x/>" })
         assert.equal('<StopLockingSessionResponse xmlns="http://MultiPoint"><x/></StopLockingSessionResponse>',
            soap.inside(unlock()))
      end)

      it("relate to another message, or to none", function()
         lab:on("*", { relates = "urn:uuid:other" })
         assert.truthy(unlock().text:find("<a:RelatesTo>urn:uuid:other</a:RelatesTo>", 1, true))
         lab:on("*", { relates = "" })
         assert.is_nil(unlock().text:find("RelatesTo", 1, true))
      end)

      it("contradict itself as the specification does", function()
         lab:set{ flags_name = "pfgrSession" }
         assert.truthy(soap.call(session("GetSessionFlags", 3)).text:find("<pfgrSession>36</pfgrSession>", 1, true))
         local function credentials()
            return soap.call(soap.request(lab, "IMultiPointCredentialRequest", "RequestWmsControlCredentials", "",
               lab.admin, lab.password)).text
         end
         assert.truthy(credentials():find("RequestWmsControlCredentialsResponse</a:Action>", 1, true))
         lab:set{ request_action = true, no_management = true, timestamps = true }
         local text = credentials()
         assert.truthy(text:find("RequestWmsControlCredentials</a:Action>", 1, true))
         assert.truthy(text:find("pwsWmsControlPassword", 1, true) and not text:find("pwsWmsManagementPassword", 1, true))
         assert.truthy(text:find("u:Timestamp", 1, true))
         lab:set{ request_action = false, no_management = false, timestamps = false }
      end)

      it("see an administrator's password that should not be there", function()
         local request = soap.request(lab, "IMultiPointCertificateRequest", "GetProtocolVersion")
         request.header = "<x>" .. soap.escape(lab.password) .. "</x>"
         soap.call(request)
         assert.same({ 1, 0 }, { lab:counts().admin_plain, lab:counts().admin_tls })
      end)
   end)

   describe("has a certificate", function()
      local function shown(host, options)
         return (process.run(("openssl s_client -connect %s:%d %s </dev/null 2>/dev/null"):format(host.address, host.https,
            options or "")))
      end

      local function read(host, what)
         return (process.run(("openssl x509 -noout %s -in %s"):format(what, soap.write("pem", host:pem()))))
      end

      it("with its name and Server Authentication alone", function()
         local text = read(lab, "-subject -issuer -ext extendedKeyUsage -fingerprint -sha256")
         assert.matches("subject=CN = lab01\n", text)
         assert.matches("issuer=CN = lab01\n", text)
         assert.matches("TLS Web Server Authentication\n", text)
         assert.truthy(text:find(lab.fingerprint, 1, true), text)
         local der = {}
         local answer = soap.call(soap.request(lab, "IMultiPointCertificateRequest", "RequestSslCertificate"))
         for byte in answer.text:gmatch("<prgData>(%d+)</prgData>") do
            der[#der + 1] = string.char(tonumber(byte))
         end
         local sum = process.run("openssl x509 -inform DER -noout -fingerprint -sha1 -in "
            .. soap.write("der", table.concat(der)))
         assert.equal(lab.thumbprint, (sum:match("=(%S+)"):gsub(":", "")))
         assert.truthy(answer.text:find("<pSslPort>" .. lab.https .. "</pSslPort>", 1, true))
         assert.are_not.equal(lab.fingerprint, park.lab02.fingerprint)
      end)

      it("of another name, expired, of more uses, of another key, or only announced", function()
         local host = park:host("lab03")
         local first = host.fingerprint
         host:certificate{ subject = "other & name", where = "plain" }
         assert.equal(first, host.fingerprint)
         assert.truthy(shown(host):find("subject=CN = lab03", 1, true))
         host:certificate{ subject = "other", usage = "server,client", expired = true, san = "x.example" }
         assert.are_not.equal(first, host.fingerprint)
         assert.truthy(shown(host):find("subject=CN = other", 1, true))
         assert.matches("TLS Web Server Authentication, TLS Web Client Authentication", read(host, "-ext extendedKeyUsage"))
         assert.equal(1, (select(2, process.run("openssl x509 -noout -checkend 0 -in " .. soap.write("p", host:pem())))))
         host:certificate{ san = "127.0.0.1" }
         assert.matches("IP Address:127.0.0.1", read(host, "-ext subjectAltName"))
         host:certificate{ key = "rsa" }
         assert.matches("Public%-Key: %(2048 bit%)", read(host, "-text"))
         host:down()
         assert.is_nil(park.lab03)
      end)

      it("and speaks the versions of TLS that a spec wants, with sessions resumed", function()
         local host = park:host{ name = "lab04", key = "rsa" }
         assert.matches("TLSv1.3", shown(host))
         host:tls("NORMAL:-VERS-ALL:+VERS-TLS1.0:+SHA1:+SIGN-RSA-SHA1")
         assert.matches("Cipher is %(NONE%)", shown(host, "-tls1_2"))
         if not process.run("openssl ciphers -s -tls1 DEFAULT@SECLEVEL=0"):find("AES", 1, true) then
            pending("this openssl has no TLS 1.0 to look with")
         end
         assert.matches("Protocol  : TLSv1\n", shown(host, "-tls1 -cipher DEFAULT@SECLEVEL=0"))
         host:tls("NORMAL")
         host:reset()
         local file = soap.folder() .. "/ticket"
         shown(host, "-tls1_2 -sess_out " .. file)
         shown(host, "-tls1_2 -sess_in " .. file)
         host:wait("handshakes", 2, 5000)
         assert.equal(1, host:counts().resumed)
         host:down()
      end)
   end)

   it("serves many calls on one connection", function()
      local requests = {}
      for i = 1, 200 do
         requests[i] = session("StopLockingSession", 3)
      end
      for _, answer in ipairs(soap.send(requests)) do
         assert.equal(200, answer.status)
      end
      assert.equal(1, lab:counts().connections_https)
   end)

   it("refuses commands that make no sense, and goes on", function()
      for _, wrong in ipairs{
         function() lab:set{ relok = 1 } end, function() lab:on("Fly", { half = true }) end, function() lab:on("*", {}) end,
         function() lab:session{ id = "x" } end, function() lab:remove(99) end, function() lab:tls("NONSENSE") end,
         function() park:host("lab01") end, function() park:host{ name = "lab05", address = "nowhere" } end,
         function() park:host{ name = "lab05", http = lab.http } end,
      } do
         assert.has_error(wrong)
      end
      assert.equal(36, flags(3))
   end)

   it("leaves nothing behind when the spec's process is killed", function()
      local script = soap.write("killed.lua", ([[
         package.path, package.cpath = %q, %q
         local park = require "spec.host.multipoint".start{ hosts = { "lab01" } }
         park.lab01:on("*", { never = true })
         io.stdout:write(io.open("/proc/self/stat"):read("*n"), " ", park.pid, "\n")
         io.stdout:flush()
         require "socket".sleep(60)
      ]]):format(package.path, package.cpath))
      local pipe = assert(io.popen("exec " .. process.lua() .. " " .. process.quote(script)))
      local killed, pid = (pipe:read("*l") or ""):match("^(%d+) (%d+)$")
      assert.truthy(pid)
      local function comm()
         local file = io.open("/proc/" .. pid .. "/comm")
         local name = file and file:read("*l")
         if file then
            file:close()
         end
         return name
      end
      assert.equal("multipoint", comm())
      process.run("kill -KILL " .. killed)
      kit.await(function() return comm() ~= "multipoint" end)
   end)
end)
