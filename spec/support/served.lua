-- SPDX-License-Identifier: MIT
--- Programs that serve a page of wms.screens, for specs.
local process = require "spec.support.process"

local served = {}

local Served = {}
Served.__index = Served

--- nil, or what is missing.
function served.missing()
   if not (pcall(require, "luv") and pcall(require, "socket")) then
      return "this Lua has no luv or no luasocket"
   end
   return nil
end

--- Starts a command that prints the page's address first.
function served.start(command)
   local self = setmetatable({}, Served)
   self.pipe = assert(io.popen("echo $$; exec " .. command .. " 2>&1 </dev/null"))
   self.pid = assert(tonumber(self.pipe:read("*l")))
   local line = self.pipe:read("*l")
   self.url = line and line:match("^http://127%.0%.0%.1:%d+/%x+/$")
   if not self.url then
      error("no address: " .. tostring(line) .. (self.pipe:read("*a") or ""), 2)
   end
   self.origin, self.port, self.token = self.url:match("^(http://127%.0%.0%.1:(%d+))/(%x+)/$")
   return self
end

--- The room of spec/support/screens_room.lua.
function served.room()
   return served.start(process.lua() .. " spec/support/screens_room.lua")
end

--- Sends text and returns what is answered, until the other side has closed; `more`: a second text, after the first.
function Served:send(text)
   local socket = assert(require("socket").connect("127.0.0.1", tonumber(self.port)))
   socket:settimeout(60)
   socket:send(text)
   local answer, _, rest = socket:receive("*a")
   socket:close()
   return answer or rest
end

--- A request; returns the status, the body and the head.  `fields` are those of the head, in place of the usual ones.
function Served:ask(method, path, fields, body)
   local whole = { Host = "127.0.0.1:" .. self.port }
   for name, value in pairs(fields or {}) do
      whole[name] = value or nil
   end
   if body then
      whole["Content-Length"] = whole["Content-Length"] or #body
   end
   local lines = { ("%s %s HTTP/1.1"):format(method, path) }
   for name, value in pairs(whole) do
      lines[#lines + 1] = name .. ": " .. value
   end
   local answer = self:send(table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or ""))
   return tonumber(answer:match("^HTTP/1.1 (%d+) ")), answer:match("\r\n\r\n(.*)$"), answer:match("^(.-)\r\n\r\n")
end

--- Ends it; returns what it has printed since.
function Served:stop(signal)
   if not self.pipe then
      return ""
   end
   process.run(("kill -%s %d"):format(signal or "TERM", self.pid))
   local rest = self.pipe:read("*a")
   local _, _, code = self.pipe:close()
   self.pipe, self.code = nil, code
   return rest
end

return served
