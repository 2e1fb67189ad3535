-- SPDX-License-Identifier: MIT
--- MultiPoint requests for the specs, written by hand and sent by curl: nothing of ours is in between.
local process = require "spec.support.process"
local published = require "spec.support.schema"

local soap = {}
local quote = process.quote
local serial = 0
local folder

local NAMESPACES = {
   s = "http://www.w3.org/2003/05/soap-envelope",
   a = "http://www.w3.org/2005/08/addressing",
   o = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
   u = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
}

--- A folder for files of this run; soap.sweep() takes it away.
function soap.folder()
   folder = folder or process.run("mktemp -d"):match("%S+")
   return folder
end

function soap.sweep()
   if folder then
      process.run("rm -rf " .. quote(folder))
   end
   folder = nil
end

function soap.write(name, text)
   local path = soap.folder() .. "/" .. name
   local file = assert(io.open(path, "wb"))
   file:write(text)
   file:close()
   return path
end

function soap.escape(text)
   return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

local function time(offset)
   return os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() + offset)
end

--- One request's parts, each of which a test may change: url, action, body, headers of SOAP and of HTTP.
function soap.request(host, interface, operation, body, user, password)
   serial = serial + 1
   local tls = interface ~= "IMultiPointCertificateRequest"
   local request = {
      url = ("%s://%s:%d/MultiPoint/%s"):format(tls and "https" or "http", host.address, tls and host.https or host.http,
         interface),
      action = "http://MultiPoint/RemoteManagement/" .. interface .. "/" .. operation,
      id = ("urn:uuid:%08x-0000-4000-8000-%012x"):format(os.time() % 2 ^ 32, serial),
      element = operation,
      body = body or "",
      envelope = NAMESPACES.s,
      type = "application/soap+xml; charset=utf-8",
      created = time(0), expires = time(300),
   }
   if tls then
      local management = user == nil
      request.user = user or "WmsManagement"
      request.password = password or (management and host.management or user == "WmsControl" and host.control)
   end
   return request
end

function soap.envelope(r)
   local security = ""
   if r.user then
      local stamp = r.created
         and ("<u:Timestamp><u:Created>%s</u:Created><u:Expires>%s</u:Expires></u:Timestamp>"):format(r.created, r.expires)
         or ""
      security = ([[<o:Security s:mustUnderstand="1">%s<o:UsernameToken><o:Username>%s</o:Username><o:Password Type="%s">]]
         .. [[%s</o:Password></o:UsernameToken></o:Security>]]):format(stamp, soap.escape(r.user),
         "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText",
         soap.escape(r.password))
   end
   return ([[<s:Envelope xmlns:s="%s" xmlns:a="%s" xmlns:o="%s" xmlns:u="%s"><s:Header>]]):format(r.envelope, NAMESPACES.a,
      NAMESPACES.o, NAMESPACES.u)
      .. (r.action and ('<a:Action s:mustUnderstand="1">' .. r.action .. "</a:Action>") or "")
      .. '<a:To s:mustUnderstand="' .. (r.understand or "1") .. '">' .. (r.to or r.url) .. "</a:To>"
      .. "<a:MessageID>" .. r.id .. "</a:MessageID>"
      .. (r.reply_to == false and "" or "<a:ReplyTo><a:Address>" .. NAMESPACES.a .. "/anonymous</a:Address></a:ReplyTo>")
      .. security .. (r.header or "") .. "</s:Header><s:Body>"
      .. ('<%s xmlns="%s">%s</%s>'):format(r.element, r.namespace or "http://MultiPoint", r.body, r.element)
      .. "</s:Body></s:Envelope>"
end

--- Sends requests, one after the other on kept connections; returns { status =, text =, exit = } for each.
-- `options`: curl's.
function soap.send(requests, options)
   local lines = {}
   for i, r in ipairs(requests) do
      local file = soap.write("request" .. i, r.text or soap.envelope(r))
      local parameter = r.parameter == nil and r.action or r.parameter
      os.remove(soap.folder() .. "/answer" .. i)
      lines[#lines + 1] = (i > 1 and "next\n" or "") .. "silent\ninsecure\nmax-time = 30\nexpect100-timeout = 0\n"
         .. ('url = "%s"\nheader = "Content-Type: %s%s"\nheader = "Expect:"\n'):format(r.url, r.type,
            parameter and ('; action=\\"' .. parameter .. '\\"') or "")
         .. ('data-binary = "@%s"\noutput = "%s/answer%d"\n'):format(file, soap.folder(), i)
         .. 'write-out = "%{http_code} %{exitcode} %{time_total}\\n"\n'
         .. (options or "")
   end
   local config = soap.write("curl.conf", table.concat(lines))
   local output = process.run("env -i PATH=\"$PATH\" curl -q -K " .. quote(config) .. " 2>/dev/null")
   local answers = {}
   for status, exit, seconds in output:gmatch("(%d+) (%d+) ([%d.]+)\n") do
      local file = io.open(soap.folder() .. "/answer" .. #answers + 1, "rb")
      answers[#answers + 1] = {
         status = tonumber(status), exit = tonumber(exit), seconds = tonumber(seconds),
         text = file and file:read("*a") or "",
      }
      if file then
         file:close()
      end
   end
   return answers
end

function soap.call(request, options)
   return soap.send({ request }, options)[1]
end

--- What is in an answer's body, without the envelope.
function soap.inside(answer)
   return answer.text:match("<s:Body>(.*)</s:Body>")
end

--- The subcode of a fault, or its code: "o:FailedAuthentication", "s:Sender".
function soap.fault(answer)
   return answer.text:match("<s:Subcode><s:Value[^>]*>([^<]*)<") or answer.text:match("<s:Code><s:Value>([^<]*)<")
end

function soap.hr(answer)
   local hr = tonumber(answer.text:match("<hr>(%d+)</hr>"))
   return hr and ("%08X"):format(hr)
end

-- ---------------------------------------------------------------- the published schema

local facts

--- A WSDL's path, for clients that are not ours; it goes with soap.sweep().
function soap.wsdl()
   facts = facts or published.facts()
   return soap.write("multipoint.wsdl", published.wsdl(facts))
end

local SAMPLES = {
   unsignedInt = "3", unsignedLong = "18446744073709551615", int = "-3", boolean = "true",
   string = " a &lt;b&gt; ☃ ]]&gt; ",
   guid = "{01234567-89ab-cdef-0123-456789ABCDEF}", base64Binary = "AAEC",
   ArrayOfBytes = "<prgData>0</prgData><prgData>255</prgData>", ArrayOfStrings = "<prgData>a</prgData>",
}

--- The schema, as a file of its own, and every operation that a server has: { interface =, name =, body = } with a
-- sample of its arguments, and `takes` and `returns`: lists of { name =, kind =, optional =, nillable = }.
function soap.schema()
   facts = facts or published.facts()
   local operations = {}
   for _, interface in ipairs(facts.interfaces) do
      if not interface.name:find("Sink$") and interface.name ~= "IMultiPointChat" then
         for _, operation in ipairs(interface.operations) do
            local body = {}
            for i, field in ipairs(operation.takes) do
               body[i] = ("<%s>%s</%s>"):format(field.name, SAMPLES[field.kind] or "", field.name)
            end
            operations[#operations + 1] = {
               interface = interface.name, name = operation.name, body = table.concat(body),
               takes = operation.takes, returns = operation.returns,
            }
         end
      end
   end
   return soap.write("multipoint.xsd", published.xsd(facts)), operations
end

--- Checks bodies with xmllint, all at once; returns what it says of those that are not as the schema wants.
function soap.validate(schema, bodies)
   local names = {}
   for i, body in ipairs(bodies) do
      names[i] = quote(soap.write("body" .. i .. ".xml", body))
   end
   local output, code = process.run("xmllint --nonet --noout --schema " .. quote(schema) .. " " .. table.concat(names, " "))
   return code, (output:gsub("[^\n]* validates\n?", ""))
end

return soap
