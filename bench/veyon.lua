-- SPDX-License-Identifier: MIT
--- The part of `make bench` about Veyon: a gateway on loopback that gives fixed answers, and libcurl alone with the same
-- bytes.
local report = require "bench.report"
local wms = require "wms"

local UID = "11223344-5566-7788-99aa-bbccddeeff00"
local SERVER = "veyon://bench"

--- What a real gateway answers for a host at which alice is logged on.
local function answers()
   local json, blue = "application/json", ("\160\80\32"):rep(16 * 10)
   local function number(value)
      return string.char(value % 256, math.floor(value / 256) % 256, 0, 0)
   end
   local picture = "BM" .. number(54 + #blue) .. number(0) .. number(54) .. number(40) .. number(16) .. number(10)
      .. "\1\0\24\0" .. number(0) .. number(#blue) .. number(3937) .. number(3937) .. number(0) .. number(0) .. blue
   return {
      { "POST /api/v1/authentication/", json, '{"connection-uid":"' .. UID .. '","validUntil":1900000000}' },
      { "DELETE /api/v1/authentication/", json, "{}" },
      { "PUT /api/v1/feature/", json, "{}" },
      { "GET /api/v1/feature/", json, '{"active":false}' },
      { "GET /api/v1/framebuffer", "image/bmp", picture },
      { "GET /api/v1/user", json, '{"fullName":"","login":"alice"}' },
      { "GET /api/v1/session", json, '{"sessionClientAddress":"","sessionClientName":"","sessionHostName":"bench",'
         .. '"sessionId":0,"sessionUptime":22}' },
   }
end

--- A file that looks like a key: nobody here checks it.
local function key_file()
   local path = report.output("mktemp")
   local file = assert(io.open(path, "w"))
   file:write("-----BEGIN PRIVATE KEY-----\n", ("QUJD"):rep(16), "\n-----END PRIVATE KEY-----\n")
   file:close()
   return path
end

--- Requests as they came, for libcurl: it adds some of their fields by itself.
local function requests_of(text, base)
   local by_itself = { Host = true, ["Content-Length"] = true }
   local list, at = {}, 1
   while at <= #text do
      local from, to = text:find("\r\n\r\n", at, true)
      local head = text:sub(at, from + 1)
      local method, path = head:match("^(%S+) (%S+)")
      local fields = { "Accept:" }
      for name, value in head:gmatch("\n([^:\r\n]+): ([^\r\n]*)") do
         fields[#fields + 1] = not by_itself[name] and name .. ": " .. value or nil
      end
      local length = tonumber(head:match("\nContent%-Length: (%d+)"))
      list[#list + 1] = { method, base .. path, fields, length and text:sub(to + 1, to + length) }
      at = to + 1 + (length or 0)
   end
   return list
end

return function()
   report.title("veyon, a gateway on loopback, a connection to the host that is kept")
   local made, replier = pcall(require, "bench.replier")
   local built, requests = pcall(require, "bench.bare_requests")
   if not made or not built or not wms.load "veyon" then
      return report.skipped("the provider veyon was not built (see what `make` left out)")
   end
   local far = replier(answers())
   local base, key = ("http://127.0.0.1:%d"):format(far:port()), key_file()
   local options = { session_ids = 0, server = SERVER, message = "The lesson begins." }
   local function lock()
      assert(wms.lock(options))
   end
   assert(wms.bind{ server = SERVER, key_name = "lab", key_file = key, gateway = base })
   lock() -- opens a connection: bind has used another
   os.remove(key)
   far:take()
   lock()
   local text, count = far:take()
   local curl = requests(requests_of(text, base))
   curl:send(1)
   assert(far:take() == text, "libcurl alone does not send the same bytes")
   report.at_most("lock, and bare libcurl", 1.3, report.compare(201, function()
      return report.timed(20, lock)
   end, function()
      return report.timed(1, function() curl:send(20) end) / 20
   end))
   report.line("  a lock, HTTP exchanges", tostring(count), "", "", "= 4", report.verdict(count == 4))
   far:stop()
end
