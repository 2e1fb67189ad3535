-- SPDX-License-Identifier: MIT
--- The certificate's interface: SOAP 1.1 in the published WSDL, SOAP 1.2 in its text.  Hosts of both kinds can be bound to.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local soap = require "spec.support.soap"
local wms = kit.wms

local SOAP11, SOAP12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"

bound.describe("the certificate of a MultiPoint host is asked for #once", pending, function()
   local host

   before_each(function()
      host = bound.stranger()
      host:set{ keep_bodies = true }
   end)

   teardown(soap.sweep)

   local function bind()
      return wms.bind(bound.options(host))
   end

   --- Which SOAP each question after it was in.
   local function asked()
      local list = {}
      for _, body in ipairs(host:bodies()) do
         if body:find("<RequestSslCertificate", 1, true) then
            list[#list + 1] = body:find(SOAP11, 1, true) and 11 or body:find(SOAP12, 1, true) and 12
         end
      end
      return list
   end

   it("in SOAP 1.2, and no more, where the host understands it", function()
      assert(bind())
      assert.same({ 12 }, asked())
   end)

   it("in SOAP 1.1 where the host refuses the other with HTTP 415", function()
      host:set{ soap12 = false }
      assert(bind())
      assert.same({ 12, 11 }, asked())
      kit.fine(wms.unlock{ server = host.server, session_ids = 3 })
      assert.equal(0, host:counts().admin_plain)
   end)

   it("in SOAP 1.1 where the answer is in it", function()
      host:on("RequestSslCertificate", { swap = SOAP12 .. "\n" .. SOAP11 })
      assert(bind())
      assert.same({ 12, 11 }, asked())
   end)

   for what, envelope in pairs{
      ["SOAP 1.1"] = ([[<s:Envelope xmlns:s="%s"><s:Body><s:Fault><faultcode>s:VersionMismatch</faultcode>]]
         .. [[<faultstring>no</faultstring></s:Fault></s:Body></s:Envelope>]]):format(SOAP11),
      ["SOAP 1.2"] = ([[<s:Envelope xmlns:s="%s"><s:Body><s:Fault><s:Code><s:Value>s:VersionMismatch</s:Value></s:Code>]]
         .. [[<s:Reason><s:Text xml:lang="en">no</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>]]):format(SOAP12),
   } do
      it("in SOAP 1.1 where the host says VersionMismatch in " .. what, function()
         host:on("RequestSslCertificate", { raw = envelope, status = 500 })
         assert(bind())
         assert.same({ 12, 11 }, asked())
      end)
   end

   it("in SOAP 1.1 of a host that knows no addressing", function()
      host:set{ soap12 = false }
      host:on("RequestSslCertificate", { relates = "", swap = '<a:Action s:mustUnderstand="1">http://MultiPoint/'
         .. 'RemoteManagement/IMultiPointCertificateRequest/RequestSslCertificateResponse</a:Action>\n' })
      assert(bind())
   end)

   it("once more, and not again: a host that speaks neither is refused", function()
      host:set{ soap12 = false, soap11 = false }
      local err = bound.fault(host, bind())
      assert.equal("PROTOCOL", err.code)
      assert.equal(2, host:counts().requests)
      host:set{ soap12 = true, soap11 = true }
      host:on("RequestSslCertificate", { swap = SOAP12 .. "\n" .. SOAP11 })
      host:on("RequestSslCertificate", { swap = SOAP11 .. "\n" .. SOAP12 })
      assert.equal("PROTOCOL", bound.fault(host, bind()).code)
   end)

   it("and an answer of SOAP 1.1 to another question is refused", function()
      host:set{ soap12 = false }
      host:on("RequestSslCertificate", { relates = "urn:uuid:00000000-0000-4000-8000-000000000000" })
      assert.equal("PROTOCOL", bound.fault(host, bind()).code)
   end)

   it("and so is the version; faults of SOAP 1.1 are told", function()
      host:set{ soap12 = false, protocol_version = 1 }
      local function version()
         return wms.call{
            server = host.server, interface = "IMultiPointCertificateRequest", operation = "GetProtocolVersion",
         }
      end
      assert.same({ pProtocolVersion = 1 }, version())
      host:on("GetProtocolVersion", { fault = 0x80070005 })
      assert.equal("ACCESS_DENIED", bound.fault(host, version()).code)
   end)

   it("by plain HTTP alone: nothing else is ever asked in SOAP 1.1", function()
      assert(bind())
      host:reset()
      host:on("StopLockingSession", { status = 415, raw = "no" })
      local err = bound.fault(host, wms.unlock{ server = host.server, session_ids = 3 })
      assert.same({ "PROTOCOL", 1 }, { err.code, host:counts().StopLockingSession })
      host:on("StopLockingSession", { swap = SOAP12 .. "\n" .. SOAP11 })
      err = bound.fault(host, wms.unlock{ server = host.server, session_ids = 3 })
      assert.same({ "PROTOCOL", "unknown", 2 }, { err.code, err.outcomes[1].state, host:counts().StopLockingSession })
   end)
end)
