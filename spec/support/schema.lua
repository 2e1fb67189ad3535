-- SPDX-License-Identifier: MIT
--- What MultiPoint hosts are to be asked and to answer: spec/host/multipoint/schema.txt, as an XML Schema, as a WSDL for
--- clients that are not ours, and as a list.
local schema = {}

local FACTS = "spec/host/multipoint/schema.txt"
local ROOT = "http://MultiPoint/RemoteManagement/"

local function field_of(word)
   local name, kind, marks = word:match("^(%w+):([%w_]+)([?*~]*)$")
   assert(name, "no field: " .. word)
   return {
      name = name, kind = kind, many = marks:find("*", 1, true) ~= nil, nillable = marks:find("~", 1, true) ~= nil,
      optional = marks:find("[?*]") ~= nil,
   }
end

local function fields_of(text)
   local list = {}
   for word in text:gmatch("%S+") do
      list[#list + 1] = field_of(word)
   end
   return list
end

--- { texts = { { name =, pattern = }, … }, kinds = { { name =, fields = }, … }, fault = { name =, fields = },
-- interfaces = { { name =, soap =, operations = { { name =, takes =, returns = }, … } }, … } }
function schema.facts()
   local file = assert(io.open(FACTS))
   local text = file:read("*a"):gsub("#[^\n]*\n", "\n"):gsub("\n        +", " ") -- long lines go on in the next one
   file:close()
   local facts = { texts = {}, kinds = {}, interfaces = {} }
   for line in text:gmatch("[^\n]+") do
      local word, name, rest = line:match("^(%a+) ([%w_]+) ?(.*)$")
      if word == "text" then
         table.insert(facts.texts, { name = name, pattern = rest })
      elseif word == "kind" then
         table.insert(facts.kinds, { name = name, fields = fields_of(rest) })
      elseif word == "fault" then
         facts.fault = { name = name, fields = fields_of(rest) }
      elseif word == "interface" then
         table.insert(facts.interfaces, { name = name, soap = rest, operations = {} })
      else
         local operation, takes = line:match("^   (%w+) ?(.*)$")
         assert(operation, "what is this? " .. line)
         local request, answer = takes:match("^(.-) ?%-> (.*)$")
         table.insert(facts.interfaces[#facts.interfaces].operations, {
            name = operation, takes = fields_of(request or takes), returns = fields_of(answer or ""),
         })
      end
   end
   return facts
end

local function sequence(fields, own)
   local lines = { "<xsd:sequence>" }
   for i, field in ipairs(fields) do
      lines[i + 1] = ('<xsd:element name="%s" type="%s:%s" minOccurs="%d" maxOccurs="%s"%s/>'):format(field.name,
         own[field.kind] and "tns" or "xsd", field.kind, field.optional and 0 or 1, field.many and "unbounded" or "1",
         field.nillable and ' nillable="true"' or "")
   end
   lines[#lines + 1] = "</xsd:sequence>"
   return table.concat(lines)
end

--- The XML Schema, as a text.
function schema.xsd(facts)
   local own, lines = {}, {
      '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:tns="http://MultiPoint"'
         .. ' targetNamespace="http://MultiPoint" elementFormDefault="qualified">',
   }
   for _, kind in ipairs(facts.kinds) do
      own[kind.name] = true
   end
   for _, text in ipairs(facts.texts) do
      own[text.name] = true
      lines[#lines + 1] = ('<xsd:simpleType name="%s"><xsd:restriction base="xsd:string"><xsd:pattern value="%s"/>'
         .. "</xsd:restriction></xsd:simpleType>"):format(text.name, text.pattern)
   end
   for _, kind in ipairs(facts.kinds) do
      lines[#lines + 1] = ('<xsd:complexType name="%s">%s</xsd:complexType>'):format(kind.name, sequence(kind.fields, own))
   end
   local function element(name, fields)
      lines[#lines + 1] = ('<xsd:element name="%s"><xsd:complexType>%s</xsd:complexType></xsd:element>'):format(name,
         sequence(fields, own))
   end
   element(facts.fault.name, facts.fault.fields)
   for _, interface in ipairs(facts.interfaces) do
      for _, operation in ipairs(interface.operations) do
         element(operation.name, operation.takes)
         element(operation.name .. "Response", operation.returns)
      end
   end
   lines[#lines + 1] = "</xsd:schema>\n"
   return table.concat(lines, "\n")
end

--- A WSDL, as a text; each tag stands in a line of its own.
function schema.wsdl(facts)
   local messages, ports, bindings, services = {}, {}, {}, {}
   local function add(list, text, ...)
      list[#list + 1] = text:format(...)
   end
   local function message(name, element)
      add(messages, '<wsdl:message name="%s">\n<wsdl:part name="parameters" element="tns:%s"/>\n</wsdl:message>', name,
         element)
   end
   message("WmsFaultMessage", facts.fault.name)
   for _, interface in ipairs(facts.interfaces) do
      local soap = interface.soap == "1.1" and "soap" or "soap12"
      local scheme = interface.name == "IMultiPointCertificateRequest" and "http" or "https"
      local name = "MultiPointRemoting_" .. interface.name
      add(ports, '<wsdl:portType name="%s">', interface.name)
      add(bindings, '<wsdl:binding name="%s" type="tns:%s">', name, interface.name)
      add(bindings, '<%s:binding transport="http://schemas.xmlsoap.org/soap/http"/>', soap)
      for _, operation in ipairs(interface.operations) do
         local action = ROOT .. interface.name .. "/" .. operation.name
         message(operation.name .. "SoapIn", operation.name)
         message(operation.name .. "SoapOut", operation.name .. "Response")
         add(ports, '<wsdl:operation name="%s">', operation.name)
         add(ports, '<wsdl:input wsaw:Action="%s" message="tns:%sSoapIn"/>', action, operation.name)
         add(ports, '<wsdl:output wsaw:Action="%sResponse" message="tns:%sSoapOut"/>', action, operation.name)
         add(ports, '<wsdl:fault name="WmsFault" wsaw:Action="%sWmsFault" message="tns:WmsFaultMessage"/>', ROOT)
         add(ports, "</wsdl:operation>")
         add(bindings, '<wsdl:operation name="%s">', operation.name)
         add(bindings, '<%s:operation soapAction="%s" style="document"/>', soap, action)
         for _, way in ipairs{ "input", "output" } do
            add(bindings, '<wsdl:%s>\n<%s:body use="literal"/>\n</wsdl:%s>', way, soap, way)
         end
         add(bindings, '<wsdl:fault name="WmsFault"/>\n</wsdl:operation>')
      end
      add(ports, "</wsdl:portType>")
      add(bindings, "</wsdl:binding>")
      add(services, '<wsdl:port name="%s" binding="tns:%s">\n<%s:address location="%s"/>\n</wsdl:port>', name, name, soap,
         ROOT:gsub("^http", scheme):sub(1, -2))
   end
   return table.concat({
      '<?xml version="1.0" encoding="utf-8"?>',
      '<wsdl:definitions xmlns:wsaw="http://www.w3.org/2006/05/addressing/wsdl" xmlns:tns="http://MultiPoint"',
      'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/"',
      'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"',
      'targetNamespace="http://MultiPoint">',
      "<wsdl:types>", schema.xsd(facts) .. "</wsdl:types>",
      table.concat(messages, "\n"), table.concat(ports, "\n"), table.concat(bindings, "\n"),
      '<wsdl:service name="RemoteManagement">', table.concat(services, "\n"), "</wsdl:service>",
      "</wsdl:definitions>\n",
   }, "\n")
end

-- ---------------------------------------------------------------- the published one

--- What a WSDL of these operations says, in the form of schema.facts(): for whoever has the published one.
function schema.read(wsdl)
   wsdl = wsdl:gsub("\r", ""):gsub("<!%-%-.-%-%->", "")
   local function fields(block)
      local list = {}
      for tag in block:gmatch("<xsd:element ([^>]*)/>") do
         local function attribute(name)
            return tag:match("%f[%w:]" .. name .. '="([^"]*)"')
         end
         list[#list + 1] = {
            name = attribute "name", kind = attribute("type"):match(":(.*)$"), many = attribute "maxOccurs" == "unbounded",
            optional = attribute "minOccurs" == "0", nillable = attribute "nillable" == "true",
         }
      end
      return list
   end
   local facts, elements = { texts = {}, kinds = {}, interfaces = {} }, {}
   for name, pattern in wsdl:gmatch('<xsd:simpleType name="(%w+)">.-<xsd:pattern value="([^"]*)"') do
      table.insert(facts.texts, { name = name, pattern = pattern })
   end
   for name, block in wsdl:gmatch('<xsd:complexType name="([%w_]+)">(.-)</xsd:complexType>') do
      table.insert(facts.kinds, { name = name, fields = fields(block) })
   end
   for name, block in wsdl:gmatch('<xsd:element name="(%w+)">(.-)</xsd:element>') do
      elements[name] = fields(block)
   end
   facts.fault = { name = "WmsFaultType", fields = elements.WmsFaultType }
   for name, block in wsdl:gmatch('<wsdl:portType name="(%w+)">(.-)</wsdl:portType>') do
      local binding = wsdl:match('<wsdl:binding name="MultiPointRemoting_' .. name .. '".-</wsdl:binding>')
      local interface = { name = name, soap = binding:find("<soap12:") and "1.2" or "1.1", operations = {} }
      for operation in block:gmatch('<wsdl:operation name="(%w+)">') do
         table.insert(interface.operations, {
            name = operation, takes = elements[operation], returns = elements[operation .. "Response"],
         })
      end
      table.insert(facts.interfaces, interface)
   end
   return facts
end

return schema
