-- SPDX-License-Identifier: MIT
--- What the specs know of [MS-RSMC] is what is published, as far as that is here: WMS_RSMC_WSDL names Microsoft's WSDL.
local schema = require "spec.support.schema"

describe("the specs' own schema #once", function()
   local function by_name(list)
      local result = {}
      for _, item in ipairs(list) do
         assert(not result[item.name], item.name .. " is there twice")
         result[item.name] = item
         if item.operations then
            item.operations = by_name(item.operations)
         end
      end
      return result
   end

   local function compared(facts)
      return { texts = by_name(facts.texts), kinds = by_name(facts.kinds), fault = facts.fault,
         interfaces = by_name(facts.interfaces) }
   end

   it("has every operation of a server's, and every kind of data", function()
      local facts = schema.facts()
      local count = {}
      for _, interface in ipairs(facts.interfaces) do
         count[interface.name] = #interface.operations
      end
      assert.same({
         IMultiPointCertificateRequest = 2, IMultiPointCredentialRequest = 2, IMultiPointServer = 42,
         IMultiPointUserManager = 4, IMultiPointStation = 23, IMultiPointSession = 22, IMultiPointDiskProtection = 8,
         IMultiPointChat = 6, IMultiPointCoreEventSink = 37, IMultiPointSystemOnlineEventSink = 3,
      }, count)
      assert.equal(8, #facts.kinds)
      assert.same({ { name = "hr", kind = "unsignedInt", many = false, nillable = false, optional = false } },
         facts.fault.fields)
   end)

   it("says the same when its own WSDL is read", function()
      assert.same(compared(schema.facts()), compared(schema.read(schema.wsdl(schema.facts()))))
   end)

   it("is the published one", function()
      local file = io.open(os.getenv("WMS_RSMC_WSDL") or "")
      if not file then
         pending("the published WSDL is not here: name it in WMS_RSMC_WSDL")
      end
      local text = file:read("*a")
      file:close()
      assert.same(compared(schema.read(text)), compared(schema.facts()))
   end)
end)
