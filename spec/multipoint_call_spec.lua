-- SPDX-License-Identifier: MIT
--- wms.call: every operation of MultiPoint's protocol, its arguments and its results.
local kit = require "spec.support.kit"
local multipoint = require "spec.support.multipoint"
local soap = require "spec.support.soap"
local wms = kit.wms
local fault, misuse, pluck = kit.fault, kit.misuse, kit.pluck

local SERVER, SESSION, USERS = "IMultiPointServer", "IMultiPointSession", "IMultiPointUserManager"

describe("wms.call to a MultiPoint host", function()
   local why = multipoint.missing()
   if why then
      it("works", function() pending(why) end)
      return
   end

   local lab

   before_each(function()
      lab = multipoint.lab{ keep_bodies = true, stations = 4, credulous = true }
      lab:session{ id = 3, user = "alice" }
   end)

   after_each(function()
      kit.reset()
      multipoint.sweep()
   end)

   teardown(function()
      multipoint.down()
      soap.sweep()
   end)

   local function call(interface, operation, arguments)
      return wms.call{ server = lab.server, interface = interface, operation = operation, arguments = arguments }
   end

   --- What the host answers with `body`.
   local function answer(body, interface, operation, arguments)
      lab:on(operation, { body = body })
      return call(interface, operation, arguments)
   end

   --- The elements of the last request's body, as they came.
   local function arrived()
      local bodies = lab:bodies()
      return bodies[#bodies]:match("<s:Body><%w+ xmlns=\"http://MultiPoint\">(.*)</%w+></s:Body>")
   end

   -- kind -> { in XML, in Lua } of arguments, and of results.
   local TEXT = " <a> & \"b\" ]]> é€😀\tc "
   local BYTES = {}
   for byte = 0, 255 do
      BYTES[#BYTES + 1] = string.char(byte)
   end
   BYTES = table.concat(BYTES)
   local GIVEN = {
      unsignedInt = 4294967295, unsignedLong = "18446744073709551615", int = -2147483648, boolean = false, string = TEXT,
      ArrayOfBytes = BYTES,
   }
   local ELEMENTS = {
      session = "<prgWmsSessionInfoWs><id>7</id><state>4</state><wsUserName>a&amp;b</wsUserName><wsDomain></wsDomain>"
         .. "<wsWinStation>RDP-Tcp#1</wsWinStation><fIsRail>true</fIsRail></prgWmsSessionInfoWs>",
      user = "<prgWmsSessionInfoWs><wsName>eve</wsName><wsFullName>Eve &lt;3</wsFullName><wsDescription> </wsDescription>"
         .. "<UserType>4294967295</UserType></prgWmsSessionInfoWs>",
      app = "<prgWmsRunningAppWs><wsName>Paint</wsName><ProcessId>1</ProcessId><WindowId>2</WindowId>"
         .. "<CreateTime>18446744073709551615</CreateTime></prgWmsRunningAppWs>",
   }
   local RESULTS = {
      unsignedInt = { "4294967295", 4294967295 }, int = { "-2147483648", -2147483648 }, boolean = { "true", true },
      unsignedLong = { "18446744073709551615", "18446744073709551615" }, string = { soap.escape(TEXT), TEXT },
      base64Binary = { "AAEC/w==", "\0\1\2\255" },
      ArrayOfBytes = { "<prgData>0</prgData><prgData>255</prgData>", "\0\255" },
      ArrayOfStrings = { "<prgData>a</prgData><prgData/><prgData> b </prgData>", { "a", "", " b " } },
      ArrayOfWMS_SESSION_INFO_WS = { ELEMENTS.session, {
         { id = 7, state = 4, wsUserName = "a&b", wsDomain = "", wsWinStation = "RDP-Tcp#1", fIsRail = true },
      } },
      ArrayOfWMS_USER_WS = { ELEMENTS.user .. ELEMENTS.user, {
         { wsName = "eve", wsFullName = "Eve <3", wsDescription = " ", UserType = 4294967295 },
         { wsName = "eve", wsFullName = "Eve <3", wsDescription = " ", UserType = 4294967295 },
      } },
      ArrayOfWMS_RUNNING_APP_WS = { ELEMENTS.app, {
         { wsName = "Paint", ProcessId = 1, WindowId = 2, CreateTime = "18446744073709551615" },
      } },
   }

   describe("with each operation of the published schema #once", function()
      local function each(operations, run)
         local count = 0
         for _, operation in ipairs(operations) do
            if operation.interface ~= "IMultiPointCredentialRequest" then
               lab:session{ id = 3, state = 0 }
               run(operation)
               count = count + 1
            end
         end
         assert.equal(101, count)
      end

      local function arguments_of(operation, whole)
         local arguments = {}
         for _, field in ipairs(operation.takes) do
            if whole or not (field.optional or field.nillable) then
               arguments[field.name] = GIVEN[field.kind]
               assert(GIVEN[field.kind] ~= nil, field.kind)
            end
         end
         arguments.idSession = arguments.idSession and 3
         arguments.idStation = arguments.idStation and 1
         return arguments
      end

      it("sends what the schema wants, whole and with as little as may be", function()
         local schema, operations = soap.schema()
         each(operations, function(operation)
            for _, whole in ipairs{ true, false } do
               lab:session{ id = 3, state = 0 }
               local result, message = call(operation.interface, operation.name, arguments_of(operation, whole))
               local log = lab:log() -- what is not there is refused, once the request was understood
               assert(result or log[#log].result:match("^hr:"), operation.name .. ": " .. tostring(message))
            end
         end)
         local bodies = lab:bodies()
         assert.equal(202, #bodies)
         for i, body in ipairs(bodies) do
            bodies[i] = body:match("<s:Body>(.*)</s:Body>")
         end
         local code, said = soap.validate(schema, bodies)
         assert.same({ 0, "" }, { code, said })
      end)

      it("returns what the schema has, as a table", function()
         local schema, operations = soap.schema()
         local bodies = {}
         each(operations, function(operation)
            local body, expected = {}, {}
            for _, field in ipairs(operation.returns) do
               local sample = RESULTS[field.kind]
               assert(sample, field.kind)
               body[#body + 1] = ("<%s>%s</%s>"):format(field.name, sample[1], field.name)
               expected[field.name] = sample[2]
            end
            body = table.concat(body)
            bodies[#bodies + 1] = ("<%sResponse xmlns=\"http://MultiPoint\">%s</%sResponse>"):format(operation.name, body,
               operation.name)
            lab:on(operation.name, { body = body })
            local result, message = call(operation.interface, operation.name, arguments_of(operation, true))
            assert(result, operation.name .. ": " .. tostring(message))
            assert.same(expected, result, operation.name)
         end)
         assert.same({ 0, "" }, { soap.validate(schema, bodies) }) -- what was answered is as the schema wants it
      end)

      it("leaves out what may be left out of an answer, and misses what may not", function()
         local _, operations = soap.schema()
         each(operations, function(operation)
            local needed = false
            for _, field in ipairs(operation.returns) do
               needed = needed or not field.optional
            end
            if #operation.returns > 0 then
               lab:on(operation.name, { body = "<other/>" })
               local result, _, err = call(operation.interface, operation.name, arguments_of(operation, true))
               if needed then
                  assert.equal("PROTOCOL", err and err.code, operation.name)
               else
                  assert.same({}, result, operation.name)
               end
            end
         end)
      end)

      it("names each argument that is missing, of another kind, or too large", function()
         local _, operations = soap.schema()
         local wrong = {
            unsignedInt = { "x", true, -1, 4294967296, 1.5, {} }, unsignedLong = { "x", true, -1, "-1", {} },
            int = { "x", true, 2147483648, -2147483649 }, boolean = { "true", 1, {} }, ArrayOfBytes = { 1, true, { 1 } },
            string = { 1, true, {}, "\1", "\255" },
         }
         local sent = lab:counts().requests
         each(operations, function(operation)
            for _, field in ipairs(operation.takes) do
               local arguments = arguments_of(operation, true)
               for _, value in ipairs(wrong[field.kind]) do
                  arguments[field.name] = value
                  misuse("call", { "arguments." .. field.name, "give" }, function()
                     call(operation.interface, operation.name, arguments)
                  end)
               end
               arguments[field.name] = nil
               if not (field.optional or field.nillable) then
                  misuse("call", { "arguments." .. field.name .. ": missing; give" }, function()
                     call(operation.interface, operation.name, arguments)
                  end)
               end
            end
            local arguments = arguments_of(operation, true)
            arguments.idsession = 3
            misuse("call", { operation.name .. " has no 'idsession'" }, function()
               call(operation.interface, operation.name, arguments)
            end)
         end)
         assert.equal(sent, lab:counts().requests)
      end)
   end)

   it("has the operations of Windows 10 1507 and 1511, where the host has them", function()
      local old = {
         { "CanModifyWau", nil, { pfCanModifyWau = false } }, { "EnableCeip", { fEnable = true }, {} },
         { "IsCeipEnabled", nil, { pfEnabled = true } }, { "EnableWer", { fEnable = true }, {} },
         { "IsWerEnabled", nil, { pfEnabled = true } }, { "EnableWau", { eWauSetting = 2 }, {} },
         { "IsWauEnabled", nil, { peWauSetting = 2 } },
      }
      for _, row in ipairs(old) do
         assert.equal("UNSUPPORTED", fault(call(SERVER, row[1], row[2])).code, row[1])
      end
      lab:system{ old = true }
      for _, row in ipairs(old) do
         assert.same(row[3], call(SERVER, row[1], row[2]), row[1])
      end
      misuse("call", { "arguments.fEnable: missing; give" }, function() call(SERVER, "EnableWer") end)
   end)

   it("refuses names that the protocol does not have, and says which it has", function()
      misuse("call", { "interface", "'IMultipointSession'", "'IMultiPointSession'" }, function()
         call("IMultipointSession", "GetSessionFlags", { idSession = 3 })
      end)
      misuse("call", { "operation: IMultiPointSession has no 'getSessionFlags'", "'GetSessionFlags'" }, function()
         call(SESSION, "getSessionFlags", { idSession = 3 })
      end)
      misuse("call", { "operation: IMultiPointUserManager has no 'GetSessionFlags'", "'EnumerateUsers'" }, function()
         call(USERS, "GetSessionFlags", { idSession = 3 })
      end)
      misuse("call", { "interface: missing" }, function() call(nil, "GetSessionFlags") end)
      misuse("call", { "operation: missing" }, function() call(SESSION) end)
      misuse("call", { "arguments: a list", "names" }, function() call(SESSION, "GetSessionFlags", { 3 }) end)
      misuse("call", { "arguments", "as a key beside names" }, function()
         call(SESSION, "GetSessionFlags", { idSession = 3, [1] = 3 })
      end)
      misuse("call", { "arguments: Reboot has no 'now'", "leave" }, function() call(SERVER, "Reboot", { now = true }) end)
      misuse("call", { "session_ids" }, function()
         wms.call{ server = lab.server, interface = SERVER, operation = "Reboot", session_ids = 3 }
      end)
      assert.equal(0, lab:counts().requests)
   end)

   it("refuses the administrator's own operations", function()
      for operation, arguments in pairs{
         RequestWmsControlCredentials = {},
         SetSslCertificate = { wsHostName = "a", SslPort = 1, wsSslCertificateThumbprint = "b", pSslCertificate = "c" },
      } do
         local err = fault(call("IMultiPointCredentialRequest", operation, arguments))
         assert.equal("UNSUPPORTED", err.code)
         assert.truthy(err.message:find("wms.bind", 1, true))
      end
      assert.equal(0, lab:counts().requests)
   end)

   it("tells what the host says to it", function()
      local err = fault(call(SESSION, "LogOffSession", { idSession = 99 }))
      assert.same({ "NOT_FOUND", lab.server, "failed" }, { err.code, err.server, err.outcomes[1].state })
      lab:on("EnumerateUsers", { fault = 0x80070005 })
      assert.equal("ACCESS_DENIED", fault(call(USERS, "EnumerateUsers")).code)
      lab:on("Reboot", { fault = 0x8000FFFF })
      err = fault(call(SERVER, "Reboot"))
      assert.equal("PROTOCOL", err.code)
      assert.truthy(err.message:find("0x8000FFFF", 1, true))
      assert.same({}, call(SERVER, "Reboot"))
   end)

   it("uses the elevated password where the operation wants it, and only there", function()
      assert.is_table(call(USERS, "EnumerateUsers"))
      assert.is_table(call(SESSION, "GetScreenState", { idSession = 3 }))
      assert.is_table(call("IMultiPointCertificateRequest", "GetProtocolVersion"))
      assert.same({ "WmsManagement", "WmsControl", "nil" }, pluck(lab:log(), "user"))
      local poor = multipoint.new()
      assert(wms.bind(multipoint.binding(poor, { management = false })))
      poor:reset()
      local err = fault(wms.call{ server = poor.server, interface = USERS, operation = "EnumerateUsers" })
      assert.equal("NOT_BOUND", err.code)
      assert.truthy(err.message:find("management = true", 1, true))
      assert.equal(0, poor:counts().requests)
   end)

   it("uses the elevated password for all, if that is asked for", function()
      local function ask(server)
         return wms.call{ server = server, interface = SESSION, operation = "GetScreenState",
            arguments = { idSession = 3 }, management = true }
      end
      assert.is_table(ask(lab.server))
      assert.same({ "WmsManagement" }, pluck(lab:log(), "user"))
      local poor = multipoint.new()
      assert(wms.bind(multipoint.binding(poor, { management = false })))
      poor:reset()
      assert.equal("NOT_BOUND", fault(ask(poor.server)).code)
      assert.equal(0, poor:counts().requests)
      misuse("call", { "management", "give" }, function()
         wms.call{ server = lab.server, interface = SERVER, operation = "Reboot", management = 1 }
      end)
   end)

   it("is narrowed by `allow`, which sees the operation", function()
      local actions = {}
      wms.configure{ allow = function(action)
         actions[#actions + 1] = action
         return action.operation ~= "Reboot", "no reboots"
      end }
      assert.is_table(call(SESSION, "GetScreenState", { idSession = 3 }))
      local err = fault(call(SERVER, "Reboot"))
      assert.equal("ACCESS_DENIED", err.code)
      assert.truthy(err.message:find("no reboots", 1, true))
      assert.same({
         { verb = "call", server = lab.server, interface = SESSION, operation = "GetScreenState" },
         { verb = "call", server = lab.server, interface = SERVER, operation = "Reboot" },
      }, actions)
      assert.is_nil(lab:counts().Reboot)
   end)

   it("can be started, and is a method of clients", function()
      local client = wms.new{ server = lab.server, timeout = 20 }
      assert.is_false(client:call{
         interface = SESSION, operation = "GetScreenState", arguments = { idSession = 3 },
      }.pfIsLocked)
      local request = wms.start("call", {
         server = lab.server, interface = SESSION, operation = "GetSessionFlags", arguments = { idSession = 3 },
      })
      assert.same({ pgrfSession = 36 }, kit.finish(request):result())
      request:close()
      lab:set{ flags_name = "pfgrSession" }
      assert.same({ pgrfSession = 36 }, call(SESSION, "GetSessionFlags", { idSession = 3 }))
   end)

   describe("numbers", function()
      local function sends(argument, digits, value)
         lab:on("CloseSessionApplication", { body = "" })
         assert(call(SESSION, "CloseSessionApplication", {
            idSession = 3, idProcess = 0, ullCreateTime = argument == "ullCreateTime" and value or 0,
            idWindow = argument == "idWindow" and value or 0,
         }))
         assert.equal(digits, arrived():match("<" .. argument .. ">(.*)</" .. argument .. ">"))
      end

      it("are sent as they are, up to 2^64 - 1", function()
         sends("idWindow", "0", 0)
         sends("idWindow", "4294967295", 4294967295)
         sends("idWindow", "4294967296", 4294967296)
         sends("idWindow", "9007199254740991", 9007199254740991)
         sends("idWindow", "9007199254740992", 2 ^ 53)
         sends("ullCreateTime", "9007199254740993", "9007199254740993")
         sends("ullCreateTime", "9223372036854775807", math.maxinteger or "9223372036854775807")
         sends("ullCreateTime", "9223372036854775808", "9223372036854775808")
         sends("ullCreateTime", "18446744073709551615", "18446744073709551615")
      end)

      it("are refused beyond", function()
         for _, value in ipairs{
            -1, 2 ^ 53 + 2, 2 ^ 64, 1.5, 0 / 0, 1 / 0, -1 / 0, "18446744073709551616", "99999999999999999999999", "-1",
            "1.5", "0x10", " 1", "1 ", "1e3", "", "1\0", true,
         } do
            misuse("call", { "arguments.idWindow" }, function() sends("idWindow", "none", value) end)
         end
         assert.equal(0, lab:counts().requests)
      end)

      it("are sent with a sign where the protocol has one", function()
         for _, number in ipairs{ -2147483648, -1, 0, 2147483647 } do
            assert(call(SESSION, "ShareDesktop", { idSession = 3, iMaxViewers = number }))
            assert.equal(("<idSession>3</idSession><iMaxViewers>%d</iMaxViewers>"):format(number), arrived())
         end
      end)

      it("come back as numbers while Lua has them exactly, then as their digits", function()
         local function cookie(digits)
            local result, message = answer("<pullCookie>" .. digits .. "</pullCookie>", SERVER, "RegisterCoreEventSink",
               { bstrUriSinkEndpoint = "" })
            return assert(result, message).pullCookie
         end
         assert.equal(0, cookie("0"))
         assert.equal(0, cookie(" \n000\t"))
         assert.equal(4294967296, cookie("4294967296"))
         assert.equal(9007199254740991, cookie("9007199254740991"))
         assert.equal(2 ^ 53, cookie("9007199254740992"))
         assert.equal(math.maxinteger and 9007199254740993 or "9007199254740993", cookie("9007199254740993"))
         assert.equal(math.maxinteger or "9223372036854775807", cookie("9223372036854775807"))
         assert.equal("9223372036854775808", cookie("9223372036854775808"))
         assert.equal("18446744073709551615", cookie("18446744073709551615"))
         if math.type then
            assert.equal("integer", math.type(cookie("4294967296")))
         end
         for _, digits in ipairs{ "18446744073709551616", "-1", "", "1.0", "0x1", "1 2", "one", "<x/>" } do
            local err = fault(answer("<pullCookie>" .. digits .. "</pullCookie>", SERVER, "RegisterCoreEventSink",
               { bstrUriSinkEndpoint = "" }))
            assert.equal("PROTOCOL", err.code)
         end
      end)

      it("come back in the range of their type", function()
         for digits, good in pairs{ ["4294967295"] = true, ["4294967296"] = false, ["-0"] = false } do
            assert.equal(good, answer("<pdpm>" .. digits .. "</pdpm>", "IMultiPointDiskProtection", "GetMode") ~= nil)
         end
         for digits, number in pairs{
            ["-2147483648"] = -2147483648, ["2147483647"] = 2147483647, ["-2147483649"] = "none", ["2147483648"] = "none",
            ["-0"] = 0, ["--1"] = "none", ["-"] = "none",
         } do
            local result = answer("<pcSessionInfo>" .. digits .. "</pcSessionInfo><pprgWmsSessionInfoWs/>", SERVER,
               "GetAllSessions")
            assert.equal(number, result and result.pcSessionInfo or "none")
         end
      end)
   end)

   it("takes and gives booleans", function()
      for _, value in ipairs{ true, false } do
         assert(call(SERVER, "EnableChat", { fEnable = value }))
         assert.equal("<fEnable>" .. tostring(value) .. "</fEnable>", arrived())
      end
      for text, value in pairs{ ["true"] = true, ["1"] = true, [" false\n"] = false, ["0"] = false } do
         assert.same({ pfEnabled = value }, answer("<pfEnabled>" .. text .. "</pfEnabled>", SERVER, "IsChatEnabled"))
      end
      for _, text in ipairs{ "TRUE", "yes", "", "2", "true false" } do
         assert.equal("PROTOCOL", fault(answer("<pfEnabled>" .. text .. "</pfEnabled>", SERVER, "IsChatEnabled")).code)
      end
   end)

   it("takes and gives bytes", function()
      for _, bytes in ipairs{ "", "\0", BYTES, ("\255\0"):rep(2000) } do
         assert(call(SERVER, "SetReplacementSslCertificate", { wsFqdnManagingServer = "a", pSslCertificate = bytes }))
         local elements = bytes:gsub(".", function(c) return ("<prgData>%d</prgData>"):format(c:byte()) end)
         assert.equal("<wsFqdnManagingServer>a</wsFqdnManagingServer><pSslCertificate>" .. elements .. "</pSslCertificate>",
            arrived())
         assert.same({ ppSslCertificate = bytes },
            answer("<ppSslCertificate>" .. elements .. "</ppSslCertificate>", SERVER, "GetReplacementSslCertificate"))
      end
      for _, wrong in ipairs{
         "<prgData>256</prgData>", "<prgData>-1</prgData>", "<prgData/>", "<prgData>x</prgData>", "<prgData><y/></prgData>",
         "<other>1</other>", "MIIB",
      } do
         assert.equal("PROTOCOL", fault(answer("<ppSslCertificate>" .. wrong .. "</ppSslCertificate>", SERVER,
            "GetReplacementSslCertificate")).code)
      end
   end)

   it("gives pictures", function()
      local function picture(text)
         return answer("<ppbDataBits>" .. text .. "</ppbDataBits>", SESSION, "GetThumbnailBits",
            { idSession = 3, eBitmapSize = 3 })
      end
      for text, bytes in pairs{
         [""] = "", ["/9j/"] = "\255\216\255", ["AA=="] = "\0", ["AAA="] = "\0\0", [" A\nA\r\n E C \t"] = "\0\1\2",
         ["+/+/"] = "\251\255\191",
      } do
         assert.same({ ppbDataBits = bytes }, picture(text))
      end
      assert.equal(("\255\216\255"):rep(400000), picture(("/9j/"):rep(400000)).ppbDataBits)
      for _, wrong in ipairs{ "A", "AA", "AA=", "A===", "====", "AA==AA==", "AA=A", "AA*A", "AA-_", "<x/>" } do
         assert.equal("PROTOCOL", fault(picture(wrong)).code, wrong)
      end
      assert.same({}, answer("", SESSION, "GetThumbnailBits", { idSession = 3, eBitmapSize = 0 }))
   end)

   it("gives lists, empty ones too, and refuses what is none", function()
      assert.same({ pprgwsWmsRunningAppWs = {} },
         answer("<pprgwsWmsRunningAppWs/>", SESSION, "GetSessionRunningApps", { idSession = 3 }))
      assert.same({ prgwsServerList = { "a\nb", "" } }, answer(
         "<prgwsServerList>\n <prgData>a&#10;b</prgData>\n <prgData><!-- --></prgData>\n</prgwsServerList>", SERVER,
         "GetPeerWmsServerList"))
      assert.equal(1000, #answer("<pprgWmsUsersWs>" .. ELEMENTS.user:rep(1000) .. "</pprgWmsUsersWs>", USERS,
         "EnumerateUsers").pprgWmsUsersWs)
      for _, wrong in ipairs{
         "<x/>", ELEMENTS.app, (ELEMENTS.user:gsub("<wsName>eve</wsName>", "")), ELEMENTS.user .. "<x/>", "none",
      } do
         assert.equal("PROTOCOL", fault(answer("<pprgWmsUsersWs>" .. wrong .. "</pprgWmsUsersWs>", USERS,
            "EnumerateUsers")).code)
      end
      for _, wrong in ipairs{ "<other>a</other>", "<prgData>a<b/></prgData>" } do
         assert.equal("PROTOCOL", fault(answer("<prgwsServerList>" .. wrong .. "</prgwsServerList>", SERVER,
            "GetPeerWmsServerList")).code)
      end
   end)

   it("takes nothing for nil, and gives nothing for it", function()
      local NIL = ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true">'
      assert(call(SERVER, "SetBlockAllMessage"))
      assert.equal("<wsMessage" .. NIL .. "</wsMessage>", arrived())
      lab:account{ name = "eve" }
      assert(call(USERS, "SetUserInfo", { wsName = "eve", wsFullName = "" }))
      assert.equal("<peType" .. NIL .. "</peType><wsName>eve</wsName><wsFullName></wsFullName><wsPassword" .. NIL
         .. "</wsPassword><wsDescription" .. NIL .. "</wsDescription>", arrived())
      lab:on("ViewDesktop", { body = "" })
      assert(call(SESSION, "ViewDesktop", { idSession = 3, wsTitle = "t" }))
      assert.equal("<idSession>3</idSession><wsTitle>t</wsTitle>", arrived())
      assert.same({ peState = 4 }, answer("<pidSession" .. NIL .. "</pidSession><pwsSessionHost" .. NIL
         .. "</pwsSessionHost><peState>4</peState>", "IMultiPointStation", "GetStationInformation", { idStation = 1 }))
      assert.same({ pwsVersion = "" }, answer('<pwsVersion xmlns:i="urn:other" i:nil="true"/>', SERVER, "GetServerVersion"))
   end)
end)
