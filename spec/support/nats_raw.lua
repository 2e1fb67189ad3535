-- SPDX-License-Identifier: MIT
--- A client of NATS for the specs that shares nothing with us: the protocol over a socket, so that anything can be sent.
--
--     local raw = require "spec.support.nats_raw"
--     local alice = raw.connect{ port = server.port, key = nkey.new(folder, "alice") }   -- or jwt =, or nothing
--     alice:subscribe "wms.v1.lab01.>"
--     alice:publish("wms.v1.lab01.unlock.alice", '{"all":true}', "reply.subject", "Name: value\r\n")
--     alice:next()             -- { subject =, reply =, data =, headers = }; nil: nothing for 5 s (or so many as given)
--     alice:flush()            -- what the server has refused since then: a list of its -ERR lines
--     alice:ask(subject, data) -- one message with a reply subject of its own, and its answer
--
-- Without luasocket there is none: raw.missing().
local kit = require "spec.support.kit"
local nkey = require "spec.support.nkey"

local has_socket, socket = pcall(require, "socket")
local raw = {}
local Client = {}
Client.__index = Client
local serial = 0

function raw.missing()
   return not has_socket and "this Lua has no luasocket" or nil
end

--- Takes one line or message off what has come, waiting until `limit`; false: nothing came, nil: the connection is closed.
local function receive(client, limit)
   while true do
      local line, rest = client.buffer:match("^([^\r]*)\r\n()")
      if line then
         local size = line:match("^H?MSG .- (%d+)$")
         local stop = rest + (size and tonumber(size) + 2 or 0)
         if #client.buffer >= stop - 1 then
            local data = size and client.buffer:sub(rest, stop - 3)
            client.buffer = client.buffer:sub(stop)
            return line, data
         end
      end
      if client.closed then
         return nil
      end
      local left = limit - kit.now()
      socket.select({ client.socket }, nil, left > 0 and left or 0)
      client.socket:settimeout(0) -- what is there, and not all 65536 bytes
      local text, problem, partial = client.socket:receive(65536)
      text = text or partial
      client.buffer = client.buffer .. text
      client.closed = problem == "closed"
      if text == "" and not client.closed and left <= 0 then
         return false
      end
   end
end

--- What does not wait for anybody; true: it was such a line.
local function attend(client, line, data)
   local word = line:match("^%S+")
   if word == "PING" then
      client.socket:send("PONG\r\n")
   elseif word == "-ERR" then
      client.refused[#client.refused + 1] = line:sub(6)
   elseif word == "MSG" or word == "HMSG" then
      local words = {}
      for part in line:gmatch("%S+") do
         words[#words + 1] = part
      end
      local head = word == "HMSG" and tonumber(words[#words - 1]) or 0
      client.messages[#client.messages + 1] = {
         subject = words[2], sid = tonumber(words[3]), reply = #words > (word == "HMSG" and 5 or 4) and words[4] or nil,
         headers = head > 0 and data:sub(1, head) or nil, data = data:sub(head + 1),
      }
   else
      return word
   end
end

--- Fields: port, address; key (of nkey.new), jwt (with its key), user and password.  Returns nil and why when the server
-- refuses it.
function raw.connect(options)
   serial = serial + 1
   local client = setmetatable({ buffer = "", messages = {}, refused = {}, sids = 0, name = "raw" .. serial }, Client)
   client.socket = assert(socket.connect(options.address or "127.0.0.1", options.port))
   client.socket:setoption("tcp-nodelay", true)
   local info = assert(receive(client, kit.now() + 20))
   assert(info:match("^INFO "), info)
   client.info = info
   local fields = {
      '"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"lang":"spec","version":"1","protocol":1',
      ('"name":"%s"'):format(client.name),
   }
   if options.key then
      local nonce = info:match('"nonce":"([^"]+)"')
      if nonce then
         fields[#fields + 1] = ('"sig":"%s"'):format(nkey.base64url(options.key:sign(nonce)))
      end
      fields[#fields + 1] = options.jwt and ('"jwt":"%s"'):format(options.jwt) or ('"nkey":"%s"'):format(options.key.public)
   end
   if options.user then
      fields[#fields + 1] = ('"user":"%s","pass":"%s"'):format(options.user, options.password)
   end
   client:send("CONNECT {" .. table.concat(fields, ",") .. "}\r\n")
   local refused = client:flush()
   if client.closed then
      client:close()
      return nil, refused[1] or "closed"
   end
   return client
end

--- Bytes as they are.
function Client:send(bytes)
   self.socket:settimeout(60)
   return self.socket:send(bytes)
end

function Client:subscribe(subject)
   self.sids = self.sids + 1
   self:send(("SUB %s %d\r\n"):format(subject, self.sids))
   return self.sids
end

--- `headers` are lines ("Name: value\r\n"), or a status line ("NATS/1.0 503\r\n").
function Client:publish(subject, data, reply, headers)
   data = data or ""
   reply = reply and reply .. " " or ""
   if headers then
      headers = (headers:sub(1, 5) == "NATS/" and "" or "NATS/1.0\r\n") .. headers .. "\r\n"
      return self:send(("HPUB %s %s%d %d\r\n%s%s\r\n"):format(subject, reply, #headers, #headers + #data, headers, data))
   end
   return self:send(("PUB %s %s%d\r\n%s\r\n"):format(subject, reply, #data, data))
end

--- Returns when the server has taken all that was sent, with the lines by which it has refused something since then.
function Client:flush()
   self:send("PING\r\n")
   local limit = kit.now() + 20
   repeat
      local line, data = receive(self, limit)
      assert(line ~= false, "the server does not answer")
   until not line or attend(self, line, data) == "PONG"
   local refused = self.refused
   self.refused = {}
   return refused
end

--- The next message; nil: none came in so many seconds (5).
function Client:next(seconds)
   local limit = kit.now() + (seconds or 5)
   while #self.messages == 0 do
      local line, data = receive(self, limit)
      if not line then
         return nil
      end
      attend(self, line, data)
   end
   return table.remove(self.messages, 1)
end

--- All that has come by now.
function Client:all()
   self:flush()
   local list = self.messages
   self.messages = {}
   return list
end

--- A question with a reply subject of its own (in `prefix`, "_INBOX"), and its answer.
function Client:ask(subject, data, prefix, headers)
   serial = serial + 1
   local reply = ("%s.spec%d"):format(prefix or "_INBOX", serial)
   self:subscribe(reply)
   self:publish(subject, data, reply, headers)
   return self:next()
end

function Client:close()
   self.socket:close()
   self.closed = true
end

return raw
