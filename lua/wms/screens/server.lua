-- SPDX-License-Identifier: MIT
--- Serves the page of a room on loopback, by the library luv.
---
--- Who may ask: whoever has the page's address, which has a secret in it, and asks from the page itself.  A page of another
--- origin may not, and neither may one whose name was made to mean this machine (DNS rebinding): `Host` has to be the
--- address.  Pictures are taken only while somebody has the page open.
local http = require "wms.screens.http"
local live = require "wms.screens.live"
local secret = require "wms.screens.secret"
local screen_options = require "wms.screens.options"

local server = {}
server.__index = server

local ADDRESS = "127.0.0.1"
local CONNECTIONS_MAX, PATIENCE = 64, 10000 -- at a time; milliseconds for a request to come
local MESSAGE = "Eyes on the teacher, please"

--- Whether two texts are equal; how long that takes tells nothing of where they differ.
local function is_same(a, b)
   local different = #a == #b and 0 or 1
   for i = 1, #a do
      different = different + (a:byte(i) == b:byte((i - 1) % math.max(1, #b) + 1) and 0 or 1)
   end
   return different == 0
end

-- ---- who may ask -----------------------------------------------------------------------------------------------------

--- Whether the request comes from the page, or from somebody who opens it.
local function is_ours(self, request)
   local fields = request.fields
   local host = fields.host
   if host ~= self.host and host ~= ("localhost:%d"):format(self.port) then
      return false
   elseif fields.origin and fields.origin ~= "http://" .. host then
      return false
   end
   local site = fields["sec-fetch-site"]
   if request.method == "POST" then -- a form of another page cannot set such a field
      return fields["x-wms"] == "1" and fields.origin ~= nil and (site == nil or site == "same-origin")
   end
   return site == nil or site == "same-origin" or site == "none"
end

-- ---- answers ---------------------------------------------------------------------------------------------------------

local function refuse(status)
   return http.answer(status, "text/plain; charset=utf-8", http.REASONS[status] .. "\n")
end

local PAGES = {
   ["page.css"] = { "text/css; charset=utf-8", live.STYLE },
   ["page.js"] = { "text/javascript; charset=utf-8", live.SCRIPT },
   ["icon.svg"] = { "image/svg+xml", live.ICON },
}

--- The room, taken anew if what is known is old.  Who asks meanwhile waits for the same.
local function stations(self)
   local now = self.uv.now()
   if not self.taken_at or now - self.taken_at >= self.every * 1000 then
      if self.taking then
         table.insert(self.taking, (coroutine.running()))
         coroutine.yield()
      else
         self.taking = {}
         repeat -- what was begun before somebody has done something may be from before that
            local acts = self.acts
            self.room:take()
         until acts == self.acts
         self.taken_at = self.uv.now()
         local others = self.taking
         self.taking = nil
         for _, other in ipairs(others) do
            assert(coroutine.resume(other))
         end
      end
   end
   return http.answer(200, "application/json", self.room.state)
end

local function get(self, name)
   if name == "" then
      return http.answer(200, "text/html; charset=utf-8", live.frame(self.title, self.every, self.message))
   elseif PAGES[name] then
      return http.answer(200, PAGES[name][1], PAGES[name][2])
   elseif name == "stations" then
      return stations(self)
   end
   local number = name:match("^picture/(%d+)$")
   local picture = number and self.room:picture(tonumber(number))
   return picture and http.answer(200, "image/jpeg", picture) or refuse(404)
end

--- The answer to a request; in a coroutine.
local function answer(self, request)
   if not is_ours(self, request) then
      return refuse(403)
   end
   local token, name = request.path:match("^/([^/?]*)/([^?]*)$")
   if not token or not is_same(token, self.token) then
      return refuse(403)
   elseif request.method == "GET" then
      return get(self, name)
   elseif request.method ~= "POST" then
      return refuse(405)
   elseif name ~= "act" then
      return refuse(404)
   end
   local json = self.room:act(http.form(request.body))
   self.taken_at, self.acts = nil, self.acts + 1 -- what was known is old now
   return json and http.answer(200, "application/json", json) or refuse(400)
end

-- ---- connections -----------------------------------------------------------------------------------------------------

local function drop(self, connection)
   if not connection.closed then
      connection.closed = true
      self.connections[connection] = nil
      self.count = self.count - 1
      connection.timer:close()
      connection.socket:close()
   end
end

local function send(self, connection, text)
   if connection.closed then
      return
   end
   connection.socket:write(text, function()
      if not connection.closed then
         connection.socket:shutdown(function() drop(self, connection) end)
      end
   end)
   connection.timer:start(PATIENCE, 0, function() drop(self, connection) end)
end

local function respond(self, connection, request)
   connection.timer:stop()
   coroutine.wrap(function() -- Lua 5.1 suspends no coroutine inside of a pcall, so there is none
      send(self, connection, answer(self, request))
   end)()
end

local function receive(self, connection, chunk)
   if connection.asked or connection.closed then
      return
   end
   connection.text = connection.text .. chunk
   local request, status = http.parse(connection.text)
   if request or status then
      connection.asked, connection.text = true, ""
   end
   if request then
      respond(self, connection, request)
   elseif status then
      send(self, connection, refuse(status))
   end
end

--- The connection that has been there longest and has asked nothing yet, or nil.
local function oldest_silent(self)
   local oldest
   for connection in pairs(self.connections) do
      if not connection.asked and (not oldest or connection.serial < oldest.serial) then
         oldest = connection
      end
   end
   return oldest
end

local function accept(self)
   self.serial = self.serial + 1
   local connection = { socket = self.uv.new_tcp(), timer = self.uv.new_timer(), text = "", serial = self.serial }
   if not self.socket:accept(connection.socket) then -- it has gone, or there is no descriptor left
      connection.socket:close()
      connection.timer:close()
      return
   end
   self.connections[connection] = true
   self.count = self.count + 1
   if self.count > CONNECTIONS_MAX then -- other users of this machine can come in masses; a browser asks at once
      drop(self, oldest_silent(self))
      if connection.closed then -- all others wait for their answers
         return
      end
   end
   connection.timer:start(PATIENCE, 0, function() drop(self, connection) end)
   connection.socket:read_start(function(err, chunk)
      if err or (not chunk and not connection.asked) then
         drop(self, connection)
      elseif chunk then
         receive(self, connection, chunk)
      end
   end)
end

--- Lets handles that were closed go: luv does not bear that a state is closed before they have.
local function tidy(uv)
   if not uv.loop_mode() then -- else the loop that runs does it
      uv.run("nowait")
   end
end

-- ---- the server ------------------------------------------------------------------------------------------------------

--- Carries a command out in a coroutine.  Misuse that cannot be found before, such as a message that no host takes, is told
--- as what went wrong.
local function caller(client, loop)
   return function(verb, given)
      local fine, request, message, err = pcall(client.start, client, verb, given)
      if not fine then
         return nil, tostring(request):match("%((.*)%)$") or tostring(request), { code = "MISUSE" }
      elseif not request then
         return nil, message, err
      end
      return loop.wait(request)
   end
end

--- Raises what is wrong with the hosts, or with what is chosen of them: a request that begins tells.  It only asks, and no
--- answer is waited for.
local function check(client, options, level)
   local fine, request = pcall(client.start, client, "sessions",
      screen_options.pick(options, screen_options.SESSIONS, screen_options.BOTH))
   if not fine then
      local why = tostring(request):match("bad argument #%d+ to '[^']*' (%(.*%))$")
      error(why and "bad argument #1 to 'serve' " .. why or request, why and level + 1 or 0)
   elseif request then
      request:close()
   end
end

--- Serves a room.  `options`: `port` (0: any), `options` (those of wms.screens.take), `every` (seconds after which the page
--- wants to know anew; 5), `message` (what stands in its field at first), `client` (defaults, as wms.new takes them).
--- Returns the handle ({ url =, port = }, with run, stop and close), or nil and why not.  Raises misuse at `level`.
function server.new(options, level)
   local found, uv = pcall(require, "luv")
   if not found then
      return nil, "this Lua has no library luv; install it (Debian: lua-luv)"
   end
   local client = require("wms").new(options.client or {})
   check(client, options.options, (level or 1) + 1)
   local self = setmetatable({ uv = uv, every = options.every or 5, message = options.message or MESSAGE, token = secret(),
      title = options.options.title or "Screens", connections = {}, count = 0, serial = 0, acts = 0 }, server)
   self.room = require("wms.screens.room").new(options.options, caller(client, require "wms.loop.luv"))
   self.socket = uv.new_tcp()
   local bound, why = self.socket:bind(ADDRESS, options.port or 0)
   if bound then
      bound, why = self.socket:listen(16, function() accept(self) end)
   end
   if not bound then
      self.socket:close()
      tidy(uv)
      return nil, ("%s:%d: %s"):format(ADDRESS, options.port or 0, why)
   end
   self.port = self.socket:getsockname().port
   self.host = ("%s:%d"):format(ADDRESS, self.port)
   self.url = ("http://%s/%s/"):format(self.host, self.token)
   return self
end

--- Serves until a signal comes (Ctrl-C, SIGTERM, SIGHUP), or stop() is called; returns the exit code that the signal stands
--- for, or nil.
function server:run()
   local code
   local handles = {}
   for name, number in pairs{ sigint = 130, sigterm = 143, sighup = 129 } do
      local handle = self.uv.new_signal()
      handle:start(name, function()
         code = number
         self.uv.stop()
      end)
      handles[#handles + 1] = handle
   end
   self.uv.run()
   for _, handle in ipairs(handles) do
      handle:close()
   end
   self:close()
   return code
end

function server:stop()
   self.uv.stop()
end

--- Ends it; what was begun is not waited for.  A second call does nothing.
function server:close()
   if self.closed then
      return
   end
   self.closed = true
   self.socket:close()
   for connection in pairs(self.connections) do
      drop(self, connection)
   end
   tidy(self.uv)
end

return server
