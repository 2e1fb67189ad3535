-- SPDX-License-Identifier: MIT
--- What MultiPoint hosts complain of, in words that help.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local wms = kit.wms

bound.describe("complaints of MultiPoint hosts:", pending, function()
   local host

   before_each(function()
      host = bound.host()
   end)

   local FAULT = [[<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body><s:Fault>]]
      .. [[<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value xmlns:f="urn:f">%s</s:Value></s:Subcode></s:Code>]]
      .. [[<s:Reason><s:Text xml:lang="en">r</s:Text></s:Reason>%s</s:Fault></s:Body></s:Envelope>]]

   local function fault(name, detail)
      return FAULT:format(name, detail or "")
   end

   local function unlock()
      local err = kit.fault(wms.unlock{ server = host.server, session_ids = 3 })
      assert.is_false(bound.tells(host, err.message))
      return err.code .. " " .. err.outcomes[1].state, err.message
   end

   local function date(minutes)
      return "Date: " .. os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 60 * minutes)
   end

   --- The answer to the next unlock; returns what is said.
   local function complaint(rule)
      host:on("StopLockingSession", rule)
      return unlock()
   end

   it("InvalidSecurity by a host with another clock is told as that, and only then", function()
      for minutes, words in pairs{ [-47] = "47 minutes behind this", [6.5] = " ahead of this machine's" } do
         for _, name in ipairs{ "f:InvalidSecurity", "f:MessageExpired" } do
            local how, message = complaint{ status = 500, raw = fault(name), header = date(minutes) }
            assert.equal("ACCESS_DENIED failed", how)
            assert.truthy(message:find(words, 1, true), message)
            assert.is_nil(message:find("bind anew", 1, true))
            assert.is_nil(message:find("password", 1, true))
         end
      end
      for _, header in ipairs{
         date(0), date(3), date(-3), "Date: yesterday", "Date: Sun, 99 Foo 1994 08:49:37 GMT",
      } do
         local how, message = complaint{ status = 500, raw = fault("f:InvalidSecurity"), header = header }
         assert.equal("ACCESS_DENIED failed", how)
         assert.truthy(message:find("the password of 'WmsControl'", 1, true), message)
      end
      local _, message = complaint{ status = 500, raw = fault("f:FailedAuthentication"), header = date(60) }
      assert.truthy(message:find("the password of 'WmsControl'", 1, true), message)
   end)

   it("a refusal of what needs no password names none", function()
      local stranger = bound.stranger()
      for _, rule in ipairs{
         { status = 401, raw = "no" }, { status = 403, raw = "no" }, {
            status = 500, raw = fault("f:FailedAuthentication"),
         },
      } do
         stranger:on("RequestSslCertificate", rule)
         local err = bound.fault(stranger, wms.bind(bound.options(stranger)))
         assert.equal("ACCESS_DENIED", err.code)
         assert.truthy(err.message:find("a request that anybody may make", 1, true), err.message)
         assert.is_nil(err.message:find("password", 1, true))
      end
   end)

   it("access denied is told of what was asked", function()
      local _, message = complaint{ fault = 0x80070005 }
      assert.truthy(message:find("the session is exempt", 1, true), message)
      host:on("GetServerVersion", { fault = 0x80070005 })
      local err = bound.fault(host, wms.call{
         server = host.server, interface = "IMultiPointServer", operation = "GetServerVersion",
      })
      assert.equal("ACCESS_DENIED", err.code)
      assert.is_nil(err.message:find("session", 1, true))
      local stranger = bound.stranger()
      stranger:on("RequestWmsControlCredentials", { fault = 0x80070005 })
      err = bound.fault(stranger, wms.bind(bound.options(stranger)))
      assert.equal("ACCESS_DENIED", err.code)
      assert.truthy(err.message:find("not that of an administrator", 1, true), err.message)
   end)

   it("an account that Windows does not let in is ACCESS_DENIED, with the reason", function()
      local stranger = bound.stranger()
      for hr, words in pairs{
         [0x8007052E] = "name and password", [0x80070533] = "disabled", [0x80070775] = "locked out",
         [0x80070532] = "has expired", [0x80070773] = "changed first", [0x80070530] = "at this time",
         [0x80070701] = "the account has expired", [0x80070569] = "in this way", [0x8007052F] = "restricted",
         [0x80070522] = "rights",
      } do
         stranger:on("RequestWmsControlCredentials", { fault = hr })
         local err = bound.fault(stranger, wms.bind(bound.options(stranger)))
         assert.equal("ACCESS_DENIED", err.code, words)
         assert.truthy(err.message:find(words, 1, true), err.message)
      end
   end)

   it("a host that is busy is BUSY, and one that failed half way leaves it open", function()
      for name, how in pairs{
         ["f:ServerTooBusy"] = "BUSY failed", ["f:EndpointUnavailable"] = "BUSY failed",
         ["f:InternalServiceFault"] = "PROTOCOL unknown", [" f:ServerTooBusy\n "] = "BUSY failed",
      } do
         assert.equal(how, (complaint{ status = 500, raw = fault(name) }))
      end
   end)

   it("blanks around what is one word do not count", function()
      host:on("StopLockingSession", { fault = 0x80070490, swap = "<hr>\n<hr> " })
      assert.equal("NOT_FOUND failed", (unlock()))
      host:on("StopLockingSession", { swap = "<a:RelatesTo>\n<a:RelatesTo> \t\n</a:RelatesTo>\n </a:RelatesTo>\n"
         .. "Response</a:Action>\nResponse  </a:Action>" })
      assert.equal("requested", kit.fine(wms.unlock{ server = host.server, session_ids = 3 })[1].state)
      host:on("StopLockingSession", { swap = "Response</a:Action>\nResponse x</a:Action>" })
      assert.equal("PROTOCOL unknown", (unlock()))
   end)

   it("an answer of another operation is none, be it the last one byte for byte", function()
      kit.fine(wms.unlock{ server = host.server, session_ids = 3 })
      kit.fine(wms.unlock{ server = host.server, session_ids = 3 })
      host:on("LockSession", { swap = "LockSessionResponse\nStopLockingSessionResponse" })
      local err = kit.fault(wms.lock{ server = host.server, session_ids = 3, message = "m" })
      assert.same({ "unknown", "PROTOCOL" }, { err.outcomes[1].state, err.outcomes[1].error.code })
      assert.truthy(err.message:find("that of another operation", 1, true), err.message)
   end)
end)
