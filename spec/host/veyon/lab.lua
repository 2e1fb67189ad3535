-- SPDX-License-Identifier: MIT
--- Real hosts with Veyon: Debian 13 with veyon-service, sessions of users with screens that can be looked at, and a gateway
--- (`veyon-cli webapi runserver`) on a host of its own, that is reached on this machine's loopback interface.
--
--     local lab = require "spec.host.veyon.lab"
--     local room = lab.up("vey1", "vey2")          -- room.url, room.key_file, room.key_name; room.vey1, a spec.host
--     local desktop = room.vey1:user "alice"       -- returns when the host's Veyon is there
--     ... wms.lock{ server = room.vey1.server, … } ...
--     room.vey1:covered(desktop)                   -- the share of the screen that the lock covers, 0 to 1
--     room:asked()                                 -- what the gateway was asked to do
--     lab.down()
--
-- What the specs learn here about screens comes from the frame buffers, never from Veyon.
local hosts = require "spec.host"
local network = require "spec.host.network"
local process = require "spec.support.process"

local lab = {}

local directory = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."

-- The root file system's packages, and the configuration of a host; of both a spec may want another.
local PACKAGES, SUITE = "veyon-service veyon-plugins openbox curl", "trixie"
lab.config = {
   Authentication = { Method = 1 }, -- key files
   WebAPI = { ConnectionLimit = 32 },
   X11Vnc = { ExtraArguments = "-noshm" }, -- a screen of the user's, and an x11vnc of root's
}
local unpack = table.unpack or unpack -- luacheck: ignore 143
local WIDTH, HEIGHT = 1280, 800
local SCREEN_LOCK = "ccb535a2-1d24-4cc1-a709-8b47d2b2ac79"
local GREY = "\64\64\64" -- of the lock

hosts.root(PACKAGES, SUITE)

local Room = {}
Room.__index = Room
local Host = {} -- added to each host

--- true, or false and why there can be no such hosts.
function lab.available()
   local ok, why = hosts.available()
   if ok then
      ok, why = hosts.build() -- where no registry can be reached it is not to be had
   end
   return ok, why
end

local function shell(command)
   local pipe = assert(io.popen(command .. " 2>&1; printf '\\n%d' $?"))
   local output, code = pipe:read("*a"):match("^(.*)\n(%d+)$")
   pipe:close()
   assert(code == "0", output)
   return output
end

local function text_of(config)
   local lines = {}
   for section, values in pairs(config) do
      lines[#lines + 1] = "[" .. section .. "]"
      for key, value in pairs(values) do
         lines[#lines + 1] = key .. "=" .. tostring(value)
      end
   end
   return table.concat(lines, "\n") .. "\n"
end

--- Writes the host's configuration, lab.config with what `more` has in its place ({ Section = { Key = value } }), and
-- starts its service anew.
function Host:configure(more)
   local config = {}
   for _, part in ipairs{ lab.config, more or {} } do
      for section, values in pairs(part) do
         config[section] = config[section] or {}
         for key, value in pairs(values) do
            config[section][key] = value
         end
      end
   end
   self:script([[
      printf %s "$1" > '/etc/xdg/Veyon Solutions/Veyon.conf'
      mkdir -p "/etc/veyon/keys/public/$2"
      printf %s "$3" > "/etc/veyon/keys/public/$2/key"
      systemctl reset-failed veyon 2> /dev/null || :
      systemctl restart veyon]], text_of(config), self.room.key_name, self.room.public)
end

--- Calls `check` until it returns something true; nil after `seconds` (hosts.wait counts calls).
local function within(seconds, check)
   local function now()
      local file = assert(io.open("/proc/uptime"))
      local said = file:read("*n")
      file:close()
      return said
   end
   local limit = now() + seconds
   repeat
      if check() then
         return true
      end
      os.execute("sleep 0.02")
   until now() > limit
   return nil
end

--- Does a veyon-server listen there, and the VNC server behind it?  Whoever asks between the two waits for 15 s.
function Host:listens()
   local said = self:run("ss", "-Hltn", "sport = :11100 or sport = :11200")
   return said:find(":11100", 1, true) ~= nil, said:find(":11200", 1, true) ~= nil
end

--- Returns when a veyon-server listens, or (yes = false) when there is none any more.
function Host:await(yes)
   assert(within(60, function()
      local server, vnc = self:listens()
      return server == (yes ~= false) and (vnc or not server)
   end),
      ("host %s: its veyon-server is %s"):format(self.name, yes ~= false and "not there" or "still there"))
end

--- Opens a session with a screen for the user, paints it blue, and returns when the host's Veyon serves it: a desktop.
-- options: display (1), class.
function Host:user(user, options)
   options = options or {}
   local display = options.display or 1
   self:run("sh", "-c", 'systemctl stop "desk-$(id -u "$1")"', "bus", user) -- of a former session
   local desktop = self:desktop{ user = user, class = options.class, width = WIDTH, height = HEIGHT,
      display = display, program = "openbox & wait" }
   self.windows[#self.windows + 1] = desktop:window(("40 40 %d %d 0x2050a0"):format(WIDTH - 80, HEIGHT - 80))
   self:await()
   return desktop
end

--- The share of the screen, 0 to 1, that has the lock's colour: every tenth pixel of 20 rows is looked at.
function Host:covered(desktop)
   -- Of the file that Desktop:screenshot() reads as a whole.
   local file = assert(io.open(self.root .. desktop.shared .. "/Xvfb_screen0", "rb"))
   local row, grey, seen = desktop.width * 4, 0, 0
   local head = file:read(80)
   local function number(index)
      local a, b, c, d = head:byte(index * 4 + 1, index * 4 + 4)
      return ((a * 256 + b) * 256 + c) * 256 + d
   end
   local start = number(0) + number(19) * 12
   for y = 10, desktop.height - 1, math.floor(desktop.height / 20) do
      file:seek("set", start + y * row)
      local pixels = file:read(row)
      for from = 1, row, 40 do
         seen = seen + 1
         if pixels:sub(from, from + 2) == GREY then
            grey = grey + 1
         end
      end
   end
   file:close()
   return grey / seen
end

function Host:locked(desktop) return self:covered(desktop) > 0.7 end

--- Returns when the screen is covered, or (yes = false) open.
function Host:await_lock(desktop, yes)
   yes = yes ~= false
   assert(within(30, function() return self:locked(desktop) == yes end),
      ("host %s: the screen is %scovered"):format(self.name, yes and "not " or ""))
end

--- A signal to the process that locks.
function Host:signal_worker(signal)
   self:check("pkill", "-" .. signal, "-f", "^[^ ]*veyon-worker [{]" .. SCREEN_LOCK)
end

--- Takes the program that locks away, or (there = true) puts it back.
function Host:worker(there)
   self:script('[ "$1" = there ] && mv /usr/bin/veyon-worker.gone /usr/bin/veyon-worker || '
      .. 'mv /usr/bin/veyon-worker /usr/bin/veyon-worker.gone', there and "there" or "gone")
end

--- Kills its veyon-server; the x11vnc that is left lets no other one live until the service is started anew.
function Host:kill_server()
   self:check("pkill", "-KILL", "-x", "veyon-server")
end

--- Starts its service anew, and with it all of Veyon that runs there.
function Host:restart_service()
   self:script("pkill -KILL -x x11vnc || :; systemctl reset-failed veyon; systemctl restart veyon")
   self:await()
end

--- Starts the host anew, as a loss of power would; nobody is logged on then.
function Host:reboot()
   self:down()
   self.room:start(self.name)
end

--- Ends the session; returns when no veyon-server is left there.
function Host:log_off(desktop)
   self:end_session(desktop.id)
   self:await(false)
end

function Host:plug(plugged) network.cable(self, plugged) end

-- ---------------------------------------------------------------- the room

--- Boots a host (again), and gives it its address, its configuration and the key.
function Room:start(...)
   local list = { hosts.up(...) }
   hosts.connect(unpack(list))
   for _, host in ipairs(list) do
      local own = self[host.name] or {}
      for key in pairs(own) do
         own[key] = nil
      end
      for key, value in pairs(host) do
         own[key] = value
      end
      setmetatable(own, { __index = function(_, key) return Host[key] or getmetatable(host).__index[key] end })
      own.room, own.windows, own.server = self, {}, "veyon://" .. host.address
      self[host.name] = own
      if host.name ~= "teacher" then
         own:configure()
      end
   end
end

--- Starts the gateway, or another with other settings of WebAPI.
function Room:gateway(settings)
   local teacher = self.teacher
   teacher:run("systemctl", "stop", "gateway")
   local config = { Authentication = { Method = 1 }, WebAPI = settings or {} }
   teacher:script([[
      systemctl stop veyon
      printf %s "$1" > '/etc/xdg/Veyon Solutions/Veyon.conf'
      systemctl reset-failed gateway 2> /dev/null || :
      systemd-run --quiet --collect --unit=gateway -E LANG=C.UTF-8 -E QT_QPA_PLATFORM=offscreen veyon-cli webapi runserver
      for try in $(seq 1000); do
         (exec 3<> /dev/tcp/127.0.0.1/11080) 2> /dev/null && exit 0
         sleep 0.02
      done
      journalctl -u gateway
      exit 1]], text_of(config))
end

--- The gateway takes requests and answers none, until it is started anew.
function Room:mute()
   self.teacher:check("systemctl", "kill", "--signal=STOP", "gateway")
end

--- What the gateway was asked to do since `from` (a number of lines), and how many lines there are: { { host = (as in the
-- address of a server), feature =, active = }, … }
function Room:asked(from)
   local list, count = {}, 0
   for line in io.lines(self.log) do
      count = count + 1
      local host, feature, active = line:match("^(%S+) (%S+) (%S+)$")
      if count > (from or 0) then
         list[#list + 1] = { host = host, feature = feature, active = active == "true" }
      end
   end
   return list, count
end

--- Ends the gateway's process: nothing it holds is given back.
function Room:kill_gateway()
   self.teacher:run("systemctl", "kill", "--signal=KILL", "gateway")
end

--- Runs a command of this machine's `wms` where the gateway's host is in the network, with its veyon-cli.  Returns what it
--- has printed, and its exit code.
function Room:wms(...)
   local folder, pid = self.folder .. "/bin", self.teacher.pid
   local path = folder .. "/veyon-cli"
   shell("mkdir -p " .. folder)
   local file = assert(io.open(path, "w"))
   file:write(('#!/bin/sh\nexec nsenter -t %d -m env PATH=/usr/bin veyon-cli "$@"\n'):format(pid))
   file:close()
   shell("chmod +x " .. path)
   local words = { ("nsenter -t %d -n env"):format(pid),
      ("-u XDG_CONFIG_HOME -u XDG_STATE_HOME PATH=%s:\"$PATH\" HOME=%s"):format(folder, self.folder),
      "LUA_PATH='./lua/?.lua;;' LUA_CPATH=" .. process.quote(package.cpath),
      process.lua(), "bin/wms" }
   for _, word in ipairs{ ... } do
      words[#words + 1] = process.quote(word)
   end
   return process.run(table.concat(words, " ") .. " </dev/null")
end

--- Boots hosts and the gateway's.
function lab.up(...)
   local room = setmetatable({ key_name = "lab" }, Room)
   local state = shell("mktemp -d /tmp/wms-veyon.XXXXXX"):match("%S+")
   room.folder = state
   room.key_file = state .. "/key"
   shell(("openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out '%s' && chmod 600 '%s' && "
      .. "openssl pkey -in '%s' -pubout -out '%s.pub'"):format(room.key_file, room.key_file, room.key_file, room.key_file))
   local file = assert(io.open(room.key_file .. ".pub"))
   room.public = file:read("*a")
   file:close()
   lab.room = room
   room:start("teacher", ...)
   room:gateway()
   room.log = state .. "/log"
   room.relay = assert(io.popen(("exec python3 -B '%s/relay_log.py' %d 11080 '%s'"):format(directory, room.teacher.pid,
      room.log)))
   room.port = tonumber(room.relay:read("*l"))
   room.url = ("http://127.0.0.1:%d"):format(room.port)
   return room
end

--- Ends all hosts, the gateway and what leads there.
function lab.down()
   local room = lab.room
   hosts.down()
   if not room then
      return
   end
   lab.room = nil
   if room.relay then
      room.relay:close() -- it ends with the gateway's host
   end
   for _, host in pairs(room) do
      for _, window in ipairs(type(host) == "table" and host.windows or {}) do
         window:close()
      end
   end
   shell("rm -rf '" .. room.folder .. "'")
end

return lab
