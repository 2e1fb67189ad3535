-- SPDX-License-Identifier: MIT
--- Real nats-servers for the specs, on loopback alone.
--
--     local nats = require "spec.support.nats"
--     local server = nats.start{}                            -- or { jetstream = true, tls = true, config = "more lines" }
--     server.url, server.port, server.pid, server:log()
--     server:kill()  server:start()  server:stop()           -- SIGKILL; again, at the same port with the same store
--     server:pause()  server:resume()  server:reload(config)
--     local cluster = nats.cluster{ count = 3 }  -- with JetStream; cluster.urls, cluster[1]:kill(), cluster:start()
--     nats.certificate("server", "DNS:localhost,IP:127.0.0.1") -- by nats.ca(); paths in .crt and .key
--     teardown(nats.down)
--
-- Ports are below those that the kernel gives away, so that a server that was killed gets its own back.  A server ends with
-- the process that started it, however that ends.
local kit = require "spec.support.kit"
local process = require "spec.support.process"

local nats = {}

local build = os.getenv("WMS_BUILD") or "build"
local LOWEST, HIGHEST = 12000, 32000 -- net.ipv4.ip_local_port_range begins at 32768
local folder, serial, all = nil, 0, {}

--- A folder that goes with nats.down().
function nats.folder()
   folder = folder or process.run("mktemp -d /tmp/wms-nats.XXXXXX"):match("%S+")
   return folder
end

local function write(path, text)
   local file = assert(io.open(path, "w"))
   file:write(text)
   file:close()
   return path
end

local function read(path)
   local file = io.open(path, "rb")
   local text = file and file:read("*a") or ""
   if file then
      file:close()
   end
   return text
end

--- nil, or why there can be no server.
function nats.no_server()
   local _, code = process.run("command -v nats-server")
   return code ~= 0 and "nats-server is not installed" or nil
end

--- nil, or why nothing can be asked by `nats://` here.
function nats.missing()
   return nats.no_server() or not kit.wms.load "nats" and "the provider nats is not built (see what `make` left out)" or nil
end

local function random_port()
   local file = assert(io.open("/dev/urandom", "rb"))
   local a, b = file:read(2):byte(1, 2)
   file:close()
   return LOWEST + (a * 256 + b) % (HIGHEST - LOWEST)
end

-- ---------------------------------------------------------------- certificates

local function openssl(command)
   local output, code = process.run("cd " .. nats.folder() .. " && " .. command)
   assert(code == 0, output)
end

--- The certificate of an authority of the specs' own: its file.
function nats.ca(name)
   name = name or "ca"
   local file = nats.folder() .. "/" .. name .. ".crt"
   if read(file) == "" then
      openssl(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=spec %s' "
         .. "-keyout %s.key -out %s.crt"):format(name, name, name))
   end
   return file
end

--- A certificate by that authority for these names ("DNS:localhost,IP:127.0.0.1"): { crt =, key = }.  With `clock` it is
-- made by a machine whose clock is off by so many seconds; it is good for two days.
function nats.certificate(name, names, authority, clock)
   authority = authority or "ca"
   nats.ca(authority)
   write(nats.folder() .. "/" .. name .. ".ext", "subjectAltName = " .. (names or "DNS:localhost,IP:127.0.0.1") .. "\n")
   local made = clock and ("WMS_CLOCK=%d LD_PRELOAD='%s/%s/spec/preload_clock.so'"):format(clock,
      process.run("pwd"):match("[^\n]+"), build) or ""
   openssl(([[openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=NAME \
         -keyout NAME.key -out NAME.csr &&
      CLOCK openssl x509 -req -in NAME.csr -CA AUTHORITY.crt -CAkey AUTHORITY.key -CAcreateserial \
         -extfile NAME.ext -days 2 -out NAME.crt]]):gsub("NAME", name):gsub("AUTHORITY", authority)
      :gsub("CLOCK", made) .. "")
   return { crt = nats.folder() .. "/" .. name .. ".crt", key = nats.folder() .. "/" .. name .. ".key" }
end

-- ---------------------------------------------------------------- a server

local Server = {}
Server.__index = Server

local function configuration(server)
   local options = server.options
   local lines = {
      ("listen: \"%s:%d\""):format(options.address or "127.0.0.1", server.port),
      "server_name: " .. server.name,
      ("http: \"127.0.0.1:%d\""):format(server.monitor),
   }
   if options.tls then
      local pair = type(options.tls) == "table" and options.tls or nats.certificate(server.name)
      lines[#lines + 1] = ("tls { cert_file: \"%s\", key_file: \"%s\", timeout: 5 }"):format(pair.crt, pair.key)
   end
   if options.jetstream or server.cluster then
      lines[#lines + 1] = ("jetstream { store_dir: \"%s\", max_mem: 64M, max_file: 64M }"):format(server.store)
   end
   if server.cluster then
      local routes = {}
      for _, other in ipairs(server.cluster) do
         routes[#routes + 1] = ("\"nats://127.0.0.1:%d\""):format(other.route)
      end
      lines[#lines + 1] = ("cluster { name: spec, listen: \"127.0.0.1:%d\", routes: [ %s ] }"):format(server.route,
         table.concat(routes, ", "))
   end
   lines[#lines + 1] = options.config or ""
   return table.concat(lines, "\n") .. "\n"
end

--- All that it has said since it was made.
function Server:log()
   return read(self.logfile)
end

--- Starts the process; returns when it serves, or false if its port is taken, or it has ended without a word.
local function launch(server)
   write(server.file, configuration(server))
   local before = #server:log()
   local command = "echo $$; exec setpriv --pdeathsig KILL nats-server -c %s >>%s 2>&1 </dev/null"
   server.pipe = assert(io.popen(command:format(process.quote(server.file), process.quote(server.logfile))))
   server.pid = tonumber(server.pipe:read("*l"))
   local said = kit.await(function()
      local text = server:log():sub(before + 1)
      return (text:find("Server is ready", 1, true) or text:find("[FTL]", 1, true)
         or not process.run("ps -o stat= -p " .. server.pid):match("^%s*[^Z%s]")) and text
   end, nil, 60)
   if said:find("Server is ready", 1, true) and not said:find("[FTL]", 1, true) then
      return true
   end
   server:kill()
   assert(said == "" or said:find("address already in use", 1, true), "nats-server does not start: " .. said)
   return false
end

local function signal(server, name)
   assert(server.pid, "the server does not run")
   process.run(("kill -%s %d"):format(name, server.pid))
end

local function gone(server)
   server.pipe:close() -- waits for the process
   server.pipe, server.pid = nil, nil
end

--- SIGKILL; returns when it is gone.
function Server:kill()
   if self.pid then
      signal(self, "KILL")
      gone(self)
   end
end

--- It ends in order.
function Server:stop()
   if self.pid then
      signal(self, "CONT")
      signal(self, "TERM")
      gone(self)
   end
end

--- Again, with the same ports and what it has stored.
function Server:start()
   assert(not self.pid, "the server runs")
   assert(launch(self), "the server's port is taken")
   return self
end

--- It neither reads nor writes, until resume().
function Server:pause()
   signal(self, "STOP")
   kit.await(function()
      return process.run("ps -o stat= -p " .. self.pid):match("^%s*T")
   end)
end

function Server:resume() signal(self, "CONT") end

--- Another configuration (`config` of nats.start) without an interruption; returns when it holds.
function Server:reload(config)
   self.options.config = config
   write(self.file, configuration(self))
   local _, before = self:log():gsub("Reloaded server configuration", "")
   signal(self, "HUP")
   kit.await(function()
      local text = self:log()
      assert(not text:find("Failed to reload", 1, true), text)
      return select(2, text:gsub("Reloaded server configuration", "")) > before
   end)
end

--- What its monitor says at a path such as "/connz": JSON.
function Server:ask(path)
   return (process.run(("curl -s 'http://127.0.0.1:%d%s'"):format(self.monitor, path)))
end

--- The number behind the first `"name":` of what the monitor says.
function Server:count(path, name)
   return tonumber(self:ask(path):match('"' .. name .. '":%s*(%d+)'))
end

local function make(options, name)
   serial = serial + 1
   local server = setmetatable({ options = options, name = name or "nats" .. serial }, Server)
   local base = ("%s/%s-%d"):format(nats.folder(), server.name, serial)
   server.file, server.logfile, server.store = base .. ".conf", base .. ".log", base .. ".store"
   all[#all + 1] = server
   return server
end

local function choose_ports(server)
   server.port, server.route, server.monitor = random_port(), random_port(), random_port()
   local options = server.options
   server.url = ("%s://%s:%d"):format(options.tls and "tls" or "nats", options.host or options.address or "127.0.0.1",
      server.port)
end

--- Starts one.  Fields: jetstream, tls (true, or { crt =, key = }), address (127.0.0.1), host (what its URL calls it), and
-- config (more lines of its configuration).
function nats.start(options)
   local server = make(options or {})
   for _ = 1, 20 do
      choose_ports(server)
      if launch(server) then
         return server
      end
   end
   error("20 ports are taken", 2)
end

-- ---------------------------------------------------------------- several of them

local Cluster = {}
Cluster.__index = Cluster

--- Returns when all that run know each other, and what they store is everywhere.
function Cluster:settle()
   kit.await(function()
      local running, fine = 0, 0
      for _, server in ipairs(self) do
         running = running + (server.pid and 1 or 0)
      end
      for _, server in ipairs(self) do
         if server.pid and (server:count("/routez", "num_routes") or 0) >= running - 1
            and server:ask("/healthz"):find('"ok"', 1, true)
            and server:ask("/jsz"):match('"leader":%s*"[^"]') then
            fine = fine + 1
         end
      end
      return fine == running
   end, nil, 60)
   return self
end

--- Starts those that do not run.
function Cluster:start()
   for _, server in ipairs(self) do
      if not server.pid then
         server:start()
      end
   end
   return self:settle()
end

function Cluster:kill()
   for _, server in ipairs(self) do
      server:kill()
   end
end

function Cluster:stop()
   for _, server in ipairs(self) do
      server:stop()
   end
end

--- The index of the server that leads a stream ("KV_wms_wish"); nil: none does.
function Cluster:leader(stream)
   for i, server in ipairs(self) do
      if server.pid then
         local said = server:ask("/jsz?acc=" .. (self.account or "$G"):gsub("%$", "%%24") .. "&streams=1&config=1")
         local name = said:match('"name":%s*"' .. stream .. '".-"leader":%s*"([^"]+)"')
         for k, other in ipairs(self) do
            if name == other.name then
               return k, i
            end
         end
      end
   end
end

--- `options.count` servers (3) with JetStream, and the fields of nats.start().  `urls` is the list for wms.configure.
function nats.cluster(options)
   options = options or {}
   for _ = 1, 10 do
      local cluster = setmetatable({ urls = {} }, Cluster)
      for i = 1, options.count or 3 do
         local server = make(options, "n" .. i)
         cluster[i], server.cluster = server, cluster
         choose_ports(server)
         cluster.urls[i] = server.url
      end
      local good = true
      for _, server in ipairs(cluster) do
         good = good and launch(server)
      end
      if good then
         return cluster:settle()
      end
      cluster:kill()
   end
   error("ports are taken", 2)
end

--- Ends all that were started, and removes what they have written.
function nats.down()
   for i = #all, 1, -1 do
      all[i]:kill()
      all[i] = nil
   end
   if folder then
      process.run("rm -rf " .. process.quote(folder))
      folder = nil
   end
end

return nats
