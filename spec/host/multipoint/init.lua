-- SPDX-License-Identifier: MIT
--- MultiPoint Servers for the specs: the program of this folder, started and told what to do.
--
--     local mp = require "spec.host.multipoint"
--     local park = mp.start{ hosts = { "lab01", { name = "lab02", address = "127.0.0.2", password = "secret" } } }
--     local lab = park.lab01             -- .address .http .https (ports) .fingerprint (SHA-256) .thumbprint (SHA-1)
--     lab:session{ id = 3, user = "alice", station = 1, flags = 36 }
--     lab:on("LockSession", { fault = 0x80070005 })                     -- the next one only; times = 0: always
--     lab:set{ relock = 20 }
--     ... lab:wait("LockSession", 2) ... lab:log() ... lab:counts().admin_plain ...
--     park:stop()
--
-- What can be said is listed in control.c.  Every function raises when it cannot do what it is asked.
local mp = {}

local program = (os.getenv("WMS_BUILD") or "build") .. "/spec/host/multipoint"
local relay = (debug.getinfo(1, "S").source:match("^@(.*)/multipoint/[^/]*$") or "spec/host") .. "/relay.py"

local Host = {}
Host.__index = Host
local Park = {}

local function exists(file)
   local opened = io.open(file)
   if opened then
      opened:close()
   end
   return opened ~= nil
end

--- true, or false and what is missing.
function mp.available()
   if not exists(program) then
      return false, program .. " is not built (see what `make specs` left out)"
   end
   if not pcall(require, "socket") then
      return false, "this Lua has no luasocket"
   end
   return true
end

local function word(value)
   if value == true then
      value = 1
   elseif value == false then
      value = 0
   elseif type(value) == "number" then
      value = ("%.0f"):format(value)
   end
   return (tostring(value):gsub("[^%w%-._:/+*]", function(c)
      return ("%%%02X"):format(c:byte())
   end))
end

local function plain(text)
   return (text:gsub("%%(%x%x)", function(hex)
      return string.char(tonumber(hex, 16))
   end))
end

--- Sends one command; returns the lines of its answer.
local function command(park, words, options)
   local line = {}
   for i, value in ipairs(words) do
      line[i] = word(value)
   end
   for key, value in pairs(options or {}) do
      line[#line + 1] = key .. "=" .. word(value)
   end
   assert(park.socket:send(table.concat(line, " ") .. "\n"))
   local lines = {}
   while true do
      local text, problem = park.socket:receive("*l")
      if not text then
         error("the test host is gone: " .. tostring(problem) .. "\n" .. (park.pipe:read("*a") or ""), 3)
      elseif text == "ok" then
         return lines
      elseif text:sub(1, 7) == "failed " then
         error(text:sub(8) .. " (" .. table.concat(line, " ") .. ")", 3)
      end
      lines[#lines + 1] = text:sub(2)
   end
end

local function pairs_of(lines)
   local result = {}
   for _, line in ipairs(lines) do
      local key, value = line:match("^(%S+) (.*)$")
      result[key] = tonumber(value) or plain(value)
   end
   return result
end

--- One more host, while the others run.  `spec`: a name, or { name =, address =, http =, … }.
function Park:host(spec)
   local options, name = {}, spec
   if type(spec) == "table" then
      for key, value in pairs(spec) do
         options[key] = value
      end
      name, options.name = options.name, nil
   end
   local said = pairs_of(command(self, { "host", name }, options))
   local host = setmetatable({ park = self, name = name }, Host)
   host.address, host.http, host.https = said.address, said.http, said.https
   host.fingerprint, host.thumbprint = said.sha256, said.sha1
   host.admin, host.password = options.admin or "Administrator", options.password or 'Adm1n <&> "pass" word'
   host.control = options.control or ">]A /+&{H|<=g#& 5"
   host.management = options.management or ']]> elevated & "more"'
   self[#self + 1], self[name] = host, host
   return host
end

--- Ends the program; what it said meanwhile (a sanitizer's report) is raised.
function Park:stop()
   if not self.socket then
      return
   end
   command(self, { "quit" })
   self.socket:close()
   self.socket = nil
   local said = self.pipe:read("*a")
   self.pipe:close()
   if self.relay then
      self.relay:close() -- it ends with the program
   end
   if said ~= "" then
      error("the test host said: " .. said, 2)
   end
end

--- Starts one process with all the hosts.  options: `hosts`, a list; `network`, the id of a process in whose network they
-- are to be.
function mp.start(options)
   local socket = require "socket"
   local network = options and options.network
   local enter = network and ("nsenter --net=/proc/%d/ns/net "):format(network) or ""
   local pipe = assert(io.popen("exec " .. enter .. "'" .. program .. "' --control 2>&1 </dev/null"))
   local port, pid = (pipe:read("*l") or ""):match("^control (%d+) (%d+)$")
   if not port then
      error("the test host does not start: " .. pipe:read("*a"), 2)
   end
   local park = setmetatable({ pipe = pipe, pid = tonumber(pid) }, { __index = Park })
   if network then -- where this process is not
      park.relay = assert(io.popen(("exec python3 -B '%s' %d %d"):format(relay, park.pid, port)))
      port = park.relay:read("*l")
   end
   park.socket = assert(socket.connect("127.0.0.1", tonumber(port)))
   park.socket:settimeout(60)
   park.socket:setoption("tcp-nodelay", true)
   for _, spec in ipairs(options and options.hosts or {}) do
      local ok, problem = pcall(Park.host, park, spec)
      if not ok then
         park:stop()
         error(problem, 2)
      end
   end
   return park
end

-- ---------------------------------------------------------------- a host

local function tell(host, options, ...)
   return command(host.park, { (...), host.name, select(2, ...) }, options)
end

--- Makes a session, or changes one.  Fields: id, user, domain, winstation, state, flags, station, broadcast, rail, private,
-- message, relock (ms, for this one alone), picture (how many bytes its picture has at least; 0: there is none), deaf (it
-- neither locks nor unlocks, and the host says that it did).
function Host:session(options)
   local rest = {}
   for key, value in pairs(options) do
      rest[key] = key ~= "id" and value or nil
   end
   tell(self, rest, "session", options.id)
end

--- Sessions with the ids from … to, all alike.
function Host:fill(from, to, options) tell(self, options, "fill", from, to) end

--- Makes a station, or changes one.  Fields: id, name, absent (its id is left out), vm_id, session_host and session (it
-- shows that one of another machine), devices ("1:2,11:1": two of kind 1, one of kind 11).
function Host:station(options)
   local rest = {}
   for key, value in pairs(options) do
      rest[key] = key ~= "id" and value or nil
   end
   tell(self, rest, "station", options.id)
end

--- Makes an account, or changes one: name, password, full_name, description, type.
function Host:account(options)
   local rest = {}
   for key, value in pairs(options) do
      rest[key] = key ~= "name" and value or nil
   end
   tell(self, rest, "account", options.name)
end

--- A program that runs in a session: name, process, window, created.
function Host:program(session, options)
   local rest = {}
   for key, value in pairs(options) do
      rest[key] = key ~= "name" and value or nil
   end
   tell(self, rest, "program", session, options.name)
end

--- An alert of the host's or, with `station`, of a station's: severity (1), status (1).
function Host:alert(kind, options) tell(self, options, "alert", kind) end

--- What the host is and how it is set up: model_commands.c lists it.
function Host:system(settings) tell(self, settings, "system") end

--- Stations, accounts, programs and settings are as at first.
function Host:anew() tell(self, nil, "anew") end

--- Takes a session away, or "all".
function Host:remove(id) tell(self, nil, "remove", id) end

--- { [id] = { id =, state =, flags =, locked =, user =, message = }, … }
function Host:sessions()
   local result = {}
   for _, line in ipairs(tell(self, nil, "sessions")) do
      local id, state, flags, user, message = line:match("^(%d+) (%d+) (%d+) (.-)|(.*)$")
      id, flags = tonumber(id), tonumber(flags)
      result[id] = {
         id = id, state = tonumber(state), flags = flags, locked = flags % 16 >= 8,
         user = plain(user), message = plain(message),
      }
   end
   return result
end

--- Settings: relock (ms), flags_name, request_action, no_management, … (commands.c lists them).
function Host:set(settings) tell(self, settings, "set") end

--- What the next call of an operation ("*": any) gets; see `on` in control.c.
function Host:on(operation, rule) tell(self, rule, "on", operation) end

--- Forgets what `on` told, and sends the answers that wait.
function Host:clear() tell(self, nil, "clear") end

--- Ends every connection, idle ones too; "rudely": by a reset.
function Host:hangup(how) tell(self, nil, "hangup", how) end

--- A new certificate; where = "plain" (what the plain answer says), "tls" (what the handshake shows), or both.
-- Returns its fingerprint and thumbprint; both are the host's unless only the plain answer has it.
function Host:certificate(options)
   local said = pairs_of(tell(self, options, "certificate"))
   if not (options and options.where == "plain") then
      self.fingerprint, self.thumbprint = said.sha256, said.sha1
   end
   return said.sha256, said.sha1
end

--- The certificate of the handshakes.
function Host:pem() return pairs_of(tell(self, nil, "pem")).pem end

--- GnuTLS's priorities for new connections, such as "NORMAL:-VERS-ALL:+VERS-TLS1.0".
function Host:tls(priorities) tell(self, nil, "tls", priorities) end

--- { { verb =, id =, user =, result = }, … } since the last reset; result: "ok", "hr:80070005", "o:InvalidSecurity", …
function Host:log()
   local result = {}
   for i, line in ipairs(tell(self, nil, "log")) do
      local verb, id, user, said = line:match("^(%S+) (%S+) (%S+) (%S+)$")
      result[i] = { verb = verb, id = tonumber(id), user = user ~= "-" and plain(user) or nil, result = said }
   end
   return result
end

--- The requests since the last reset, as they came; with set{ keep_bodies = true } only.
function Host:bodies()
   local result = {}
   for i, line in ipairs(tell(self, nil, "bodies")) do
      result[i] = plain(line)
   end
   return result
end

function Host:reset() tell(self, nil, "reset") end

--- requests, faults, connections_http, connections_https, open, handshakes, resumed, admin_plain and admin_tls (requests
-- that held the administrator's password), block_all (the message), and each operation that was called.
function Host:counts() return pairs_of(tell(self, nil, "counts")) end

--- Returns when the operation was called so often since the last reset; "connections", "handshakes", "posts" (events that
-- were answered, or could not be sent), "locks" (sessions that are locked now) and "sinks" (that are registered now) count
-- likewise; "told" is 1 when no event is on its way.  Raises after `ms`.
function Host:wait(what, count, ms) tell(self, nil, "wait", what, count, ms) end

-- ---------------------------------------------------------------- its events

--- Posts an event to all sinks; one of IMultiPointSystemOnlineEventSink to all clients.  Arguments that are not given are
-- 0, false, or nil; certificates the host's next one.
function Host:event(operation, arguments) tell(self, arguments, "event", operation) end

--- { { operation =, uri =, result = }, … } since the last reset, in the order of their ends; result: "ok", "http 401",
-- "fault s:Sender", "curl SSL peer certificate or SSH remote key was not OK", "other RelatesTo", …
function Host:posts()
   local result = {}
   for i, line in ipairs(tell(self, nil, "posts")) do
      local operation, uri, said = line:match("^(%S+) (%S+) (%S+)$")
      result[i] = { operation = operation, uri = plain(uri), result = plain(said) }
   end
   return result
end

--- Who is registered: { { cookie =, uri = }, … }
function Host:sinks()
   local result = {}
   for i, line in ipairs(tell(self, nil, "sinks")) do
      local cookie, uri = line:match("^(%S+) (%S+)$")
      result[i] = { cookie = tonumber(cookie), uri = plain(uri) }
   end
   return result
end

--- Who has given a certificate: { { name =, port =, pem = }, … }; `pem` holds the next one, too.
function Host:clients()
   local result = {}
   for i, line in ipairs(tell(self, nil, "clients")) do
      local name, port, pem = line:match("^(%S+) (%S+) (%S+)$")
      result[i] = { name = plain(name), port = tonumber(port), pem = plain(pem) }
   end
   return result
end

--- Its connections end, its sessions stay.  options: `forget`: it forgets who is registered; `silent`: it tells neither
-- that it goes (ShutdownNotification) nor that it is back (OnManagedServerOnlineNotify).
function Host:restart(options)
   options = options or {}
   if not options.silent then
      self:event "ShutdownNotification"
      self:wait("told", 1)
   end
   tell(self, { forget = options.forget or nil, silent = options.silent or nil }, "restart")
end

--- Makes the host's next certificate, and tells its clients of it (OnNewServerCertificateReady) unless `silent`; the other
-- options are those of Host:certificate.  Returns its fingerprint and thumbprint.
function Host:renew(options)
   local said = pairs_of(tell(self, options, "renew"))
   self.next_fingerprint, self.next_thumbprint = said.sha256, said.sha1
   return said.sha256, said.sha1
end

--- The certificate that Host:renew has made is shown from now on.
function Host:adopt()
   tell(self, nil, "adopt")
   self.fingerprint, self.thumbprint = self.next_fingerprint, self.next_thumbprint
end

--- Takes the host away, connections included.  With `keep` its ports stay taken, so that no other program's socket gets
-- them, and nobody listens there.
function Host:down(keep)
   tell(self, nil, "unhost", keep and "keep=1" or nil)
   self.park[self.name] = nil
end

return mp
