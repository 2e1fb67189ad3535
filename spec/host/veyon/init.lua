-- SPDX-License-Identifier: MIT
--- A gateway of Veyon for the specs: the program of this folder, started and told what to do.
--
--     local veyon = require "spec.host.veyon"
--     local gateway = veyon.start{ set = { authentication = 200 }, hosts = { "lab01", { name = "lab02", user = "" } } }
--     ... gateway.url, gateway.port, gateway.pem (a private key that fits) ...
--     local lab = gateway.lab01
--     lab:set{ worker = "missing" }  lab:plug "out"  lab:restart "reboot"  lab:state().locked ...
--     gateway:on("set", { drop = true })                     -- the next one only; times = 0: always
--     ... gateway:log() ... gateway:counts().keys ... gateway:wait("set", 2) ...
--     gateway:stop()
--
-- What can be said is listed in gateway.py, and what a host can be set to in model.py.  Every function raises when it
-- cannot do what it is asked.
local veyon = {}

local directory = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."

local Host = {}
Host.__index = Host
local Gateway = {}

--- The features that specs name.
veyon.features = {
   screen_lock = "ccb535a2-1d24-4cc1-a709-8b47d2b2ac79",
   input_lock = "e4a77879-e544-4fec-bc18-e534f33b934c",
   message = "e75ae9c8-ac17-4d00-8f0d-019348346208",
   logoff = "7311d43d-ab53-439e-a03a-8cb25f7ed526",
   reboot = "4f7d98f0-395a-4fff-b968-e49b8d0f748c",
   power_down_now = "a88039f2-6716-40d8-b4e1-9f5cd48e91ed",
   power_down = "6f5a27a0-0e2f-496e-afcc-7aae62eede10",
   start_app = "da9ca56a-b2ad-4fff-8f8a-929b2927b442",
   open_website = "8a11a75d-b3db-48b6-b9cb-f8422ddd5b0c",
   screenshot = "d5ee3aac-2a87-4d05-b827-0c20344490bd",
}

--- Looks like a private key, and is none: this gateway only compares the text.
veyon.pem = "-----BEGIN PRIVATE KEY-----\n" .. ("c2VjcmV0IGtleSBvZiB0aGUgc3BlY3MgYW5kIG9mIG5vYm9keSBlbHNlISEh\n"):rep(3)
   .. "-----END PRIVATE KEY-----\n"

--- true, or false and what is missing.
function veyon.available()
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
   end):gsub("^%%$", ""))
end

--- Sends one command; returns the lines of its answer.
local function command(gateway, words, options)
   local line = {}
   for i, value in ipairs(words) do
      line[i] = word(value)
   end
   for key, value in pairs(options or {}) do
      line[#line + 1] = key .. "=" .. word(value)
   end
   assert(gateway.socket:send(table.concat(line, " ") .. "\n"))
   local lines = {}
   while true do
      local text, problem = gateway.socket:receive("*l")
      if not text then
         error("the gateway is gone: " .. tostring(problem) .. "\n" .. (gateway.pipe:read("*a") or ""), 3)
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

--- The gateway that says its first line in `pipe`; from then on it ends with this program at the latest.
function veyon.join(pipe, address)
   local socket = require "socket"
   local control, pid, port = (pipe:read("*l") or ""):match("^control (%d+) (%d+) (%d+)$")
   if not control then
      error("the gateway does not start: " .. pipe:read("*a"), 3)
   end
   local gateway = setmetatable({ pipe = pipe, pid = tonumber(pid), port = tonumber(port), pem = veyon.pem },
      { __index = Gateway })
   gateway.url = ("http://%s:%d"):format(address or "127.0.0.1", gateway.port)
   gateway.socket = assert(socket.connect("127.0.0.1", tonumber(control)))
   gateway.socket:settimeout(60)
   gateway.socket:setoption("tcp-nodelay", true)
   return gateway
end

--- Starts a gateway.  Fields, none of which is needed: set (settings of the gateway), hosts (a list of names and of tables
-- with `name` and settings), port, address (127.0.0.1), uid (the number of the user whose process it is), tls (a file with
-- certificate and key: it is reached by HTTPS).
function veyon.start(options)
   options = options or {}
   local words = { "exec python3 -B '" .. directory .. "/gateway.py'" }
   for _, key in ipairs{ "port", "address", "uid", "tls" } do
      if options[key] then
         words[#words + 1] = ("--%s '%s'"):format(key, options[key])
      end
   end
   local pipe = assert(io.popen(table.concat(words, " ") .. " 2>&1 </dev/null"))
   local gateway = veyon.join(pipe, options.address)
   gateway.url = options.tls and gateway.url:gsub("^http:", "https:") or gateway.url
   local ok, problem = pcall(function()
      if options.set then
         gateway:set(options.set)
      end
      for _, spec in ipairs(options.hosts or {}) do
         gateway:host(spec)
      end
   end)
   if not ok then
      gateway:stop()
      error(problem, 2)
   end
   return gateway
end

--- Ends the program; what it said meanwhile is raised.
function Gateway:stop()
   if not self.socket then
      return
   end
   local ok, problem = pcall(command, self, { "quit" })
   self.socket:close()
   self.socket = nil
   local said = self.pipe:read("*a")
   self.pipe:close()
   if not ok or said ~= "" then
      error("the gateway said: " .. said .. (ok and "" or problem), 2)
   end
end

--- Makes a host, or changes one: a name, or { name =, user =, worker =, … }.  Returns it; it is gateway[name], too.
function Gateway:host(spec)
   local options, name = {}, spec
   if type(spec) == "table" then
      for key, value in pairs(spec) do
         options[key] = value
      end
      name, options.name = options.name, nil
   end
   command(self, { "host", name }, options)
   local host = setmetatable({ gateway = self, name = name, server = "veyon://" .. name }, Host)
   self[name] = host
   return host
end

--- Settings of the gateway: limit, idle, authentication, lifetime, probe, refusal; milliseconds, but for the limit.
function Gateway:set(settings) command(self, { "set" }, settings) end

--- What the next call of an operation ("*": any) gets; see `on` in gateway.py.
function Gateway:on(operation, rule) command(self, { "on", operation }, rule) end

--- Forgets what `on` told, and sends the answers that wait.
function Gateway:clear() command(self, { "clear" }) end

--- { { operation =, host =, feature =, active =, status = }, … } since the last reset, in the order of the answers.
function Gateway:log()
   local result = {}
   for i, line in ipairs(command(self, { "log" })) do
      local operation, host, feature, active, status = line:match("^(%S+) (%S+) (%S+) (%S+) (%S+)$")
      result[i] = {
         operation = operation, host = plain(host), feature = feature ~= "-" and plain(feature) or nil,
         active = active ~= "-" and active or nil, status = tonumber(status),
      }
   end
   return result
end

--- requests, bad, connections, open, working, working_peak, keys (requests that held one), uids, uids_peak, silent_peak
-- (hosts that do not answer, at a time), flood, and each operation; what has not happened is 0.
function Gateway:counts()
   return setmetatable(pairs_of(command(self, { "counts" })), { __index = function() return 0 end })
end

function Gateway:reset() command(self, { "reset" }) end

--- Returns when a count is so high; raises after `ms`.
function Gateway:wait(what, count, ms) command(self, { "wait", what, count, ms }) end

--- The uids that are open: { { uid =, host = }, … }
function Gateway:uids()
   local result = {}
   for i, line in ipairs(command(self, { "uids" })) do
      local uid, host = line:match("^(%S+) (%S+)$")
      result[i] = { uid = uid, host = plain(host) }
   end
   return result
end

--- A uid, or all, as if their time was over.
function Gateway:forget(uid) command(self, { "forget", uid }) end

--- As if its process was started anew: uids and connections are gone.
function Gateway:restart() command(self, { "restarts" }) end

--- Ends the clients' connections.
function Gateway:hangup() command(self, { "hangup" }) end

--- Whether anybody listens at its port.
function Gateway:listen(yes) command(self, { "listen", yes and "yes" or "no" }) end

-- ---------------------------------------------------------------- a host

local function tell(host, verb, ...)
   return command(host.gateway, { verb, host.name, ... })
end

--- See Host.SETTINGS in model.py: user, worker ("ok", "missing", "hung"), denied, disabled, desktop, picture_delay, …
function Host:set(settings) command(self.gateway, { "host", self.name }, settings) end

--- He is the newest user from now on; whoever was there before is not locked any more.
function Host:log_on(user) tell(self, "logon", user) end
function Host:log_off() tell(self, "logoff") end

--- Its cable: "in" or "out".
function Host:plug(how) tell(self, "plug", how) end

--- "reboot", "off", "on" (power), "server" and "worker" (killed), "service" (started anew).
function Host:restart(how) tell(self, "restart", how) end

--- What is so, whatever the gateway shows: locked, input_locked, powered, cable, server (0 or 1), user, connections,
-- messages, late (commands that wait for the cable).
function Host:state() return pairs_of(tell(self, "state")) end

--- { { text =, icon =, locked = }, … }
function Host:messages()
   local result = {}
   for i, line in ipairs(tell(self, "messages")) do
      local locked, icon, text = line:match("^(%S+) (%S+) (%S+)$")
      result[i] = { locked = locked == "1", icon = tonumber(icon), text = plain(text) }
   end
   return result
end

function Host:remove()
   tell(self, "unhost")
   self.gateway[self.name] = nil
end

return veyon
