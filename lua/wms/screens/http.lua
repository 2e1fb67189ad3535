-- SPDX-License-Identifier: MIT
--- HTTP/1.1 as far as one page on loopback needs it: one request a connection.
local http = {}

http.HEAD_MAX, http.BODY_MAX = 16384, 262144 -- bytes

http.REASONS = { [200] = "OK", [400] = "Bad Request", [403] = "Forbidden", [404] = "Not Found",
   [405] = "Method Not Allowed", [413] = "Content Too Large", [431] = "Request Header Fields Too Large" }

--- The fields of a head by their names in lower case; nil: it is none, or has one twice that must be there once.
local function fields_of(text)
   local fields = {}
   for line in text:gmatch("(.-)\r\n") do
      local name, value = line:match("^([%w!#$%%&'*+.^_`|~-]+):[ \t]*(.-)[ \t]*$")
      name = name and name:lower()
      if not name or fields[name] then
         return nil
      end
      fields[name] = value
   end
   return fields
end

--- Reads a request from what has come so far.  Returns it ({ method =, path =, fields =, body = }); or nil and the status
--- that is to be answered; or nil: more has to come.
function http.parse(text)
   local head_end = text:find("\r\n\r\n", 1, true)
   if not head_end then
      return nil, #text > http.HEAD_MAX and 431 or nil
   elseif head_end > http.HEAD_MAX then
      return nil, 431
   end
   local method, path, rest = text:sub(1, head_end + 1):match("^(%u+) (/[\33-\126]*) HTTP/1%.[01]\r\n(.*)$")
   local fields = method and fields_of(rest)
   if not fields or fields["transfer-encoding"] then
      return nil, 400
   end
   local length = fields["content-length"] or "0"
   if not length:find("^%d+$") or #length > 9 then
      return nil, 400
   elseif tonumber(length) > http.BODY_MAX then
      return nil, 413
   end
   local body = text:sub(head_end + 4)
   if #body < tonumber(length) then
      return nil
   end
   return { method = method, path = path, fields = fields, body = body:sub(1, tonumber(length)) }
end

local function decode(text)
   return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

--- A form that was sent: lists of values by name.
function http.form(body)
   local form = {}
   for pair in body:gmatch("[^&]+") do
      local name, value = pair:match("^([^=]*)=(.*)$")
      if name then
         name = decode(name)
         form[name] = form[name] or {}
         table.insert(form[name], decode(value))
      end
   end
   return form
end

-- Nothing is kept by the browser or told to others, nothing from elsewhere is loaded or run, no other page frames this one.
local ALWAYS = table.concat({
   "Cache-Control: no-store", "Connection: close", "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
   "Cross-Origin-Resource-Policy: same-origin", "Cross-Origin-Opener-Policy: same-origin", "X-Frame-Options: DENY",
   "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
      .. "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
}, "\r\n")

--- An answer.
function http.answer(status, kind, body)
   return ("HTTP/1.1 %d %s\r\n%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"):format(status,
      http.REASONS[status], ALWAYS, kind, #body, body)
end

return http
