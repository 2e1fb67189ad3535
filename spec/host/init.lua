-- SPDX-License-Identifier: MIT
--- Real Linux hosts for the specs: systemd, dbus, logind and polkitd, started by the script `hosts`.
--
-- What the specs learn here about sessions comes from loginctl and busctl inside the host, never from
-- wms.  Every function raises when it cannot do what it is asked.
--
--     local hosts = require "spec.host"
--     local lab = hosts.up("lab01")
--     local id = lab:session{ user = "alice" }
--     ... wms.unlock{ session_ids = id, server = lab.server } ...
--     hosts.down()

local hosts = {}

local unpack = table.unpack or unpack -- luacheck: ignore 113 143
local directory = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."

local Host = {}
Host.__index = Host
local Monitor = {}
Monitor.__index = Monitor

-- ---------------------------------------------------------------- running programs

local function quote(...)
  local words = { ... }
  for i, word in ipairs(words) do words[i] = "'" .. tostring(word):gsub("'", "'\\''") .. "'" end
  return table.concat(words, " ")
end

--- Runs a shell command; returns its output, errors included, and its exit code.
local function capture(command)
  -- The code travels in the output: what a pipe's close returns differs between the versions of Lua.
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1; printf '\\n%d' $?", "r"))
  local output, code = pipe:read("*a"):match("^(.*)\n(%d+)$")
  pipe:close()
  return output, tonumber(code)
end

local function sleep(seconds) os.execute(("sleep %.3f"):format(seconds)) end

--- Asks `predicate` every 10 ms until it returns something true, which is returned, or nil after `seconds`.
function hosts.wait(predicate, seconds)
  for _ = 0, math.ceil((seconds or 5) / 0.01) do
    local result = predicate()
    if result then return result end
    sleep(0.01)
  end
  return nil
end

-- ---------------------------------------------------------------- the supervisor

local supervisor = nil -- { answers =, commands =, state =, hosts = {} } while it runs

local available, reason
hosts.SCRIPT = directory .. "/hosts" -- what starts them
local program = quote("bash", hosts.SCRIPT)

--- Gives the hosts that this run will start another root file system: packages more than usual, separated by blanks, and
-- the Debian release (bookworm).
function hosts.root(more, suite)
  assert(not supervisor, "hosts.root: there are hosts already")
  available = nil
  program = quote("env", "WMS_SPEC_HOSTS_MORE=" .. more, "WMS_SPEC_HOSTS_SUITE=" .. (suite or "bookworm"), "bash",
    hosts.SCRIPT)
end

--- true, or false and why hosts cannot run here.
function hosts.available()
  if available == nil then
    local output, code = capture(program .. " check")
    available, reason = code == 0, output:match("^%s*(.-)%s*$")
  end
  if available then return true end
  return false, reason
end

--- Makes the root file system unless it is there; true, or false and why it is not to be had.  hosts.up() does it too, but
-- there it is an error.
function hosts.build()
  local output, code = capture(program .. " build")
  return code == 0, output:match("([^\n]*)%s*$")
end

local function answer()
  local lines = {}
  for line in supervisor.answers:lines() do
    if line == "ok" then return lines end
    if line == "failed" then return nil, table.concat(lines, "\n") end
    lines[#lines + 1] = line
  end
  return nil, "the supervisor of the test hosts ended"
end

local function command(...)
  assert(supervisor.commands:write(table.concat({ ... }, " "), "\n"))
  assert(supervisor.commands:flush())
  return answer()
end

local function supervise()
  if supervisor then return end
  -- A session of its own, so that a Ctrl-C meant for the run leaves it alive to clean up.
  local answers = assert(io.popen(
    "exec setsid --wait " .. program .. ' serve "$PPID" < /dev/null', "r"))
  local state = answers:read("*l")
  if not state then
    answers:close()
    error("the test hosts could not be started: see above", 0)
  end
  -- Opened second, therefore collected first: when the Lua state closes, the supervisor sees the end
  -- of its commands before this process waits for it.
  local commands = assert(io.open(state .. "/control", "w"))
  supervisor = { answers = answers, commands = commands, state = state, hosts = {} }
  assert(command("hello"))
end

--- Boots hosts, all at once; returns an object for each when the logind of all of them answers.
function hosts.up(...)
  supervise()
  local lines, problem = command("up", ...)
  if not lines then error(problem, 2) end
  local result = {}
  for _, line in ipairs(lines) do
    local name, pid = line:match("^host (%S+) (%d+)$")
    local host = setmetatable({ name = name, pid = tonumber(pid), serial = 0 }, Host)
    host.root = "/proc/" .. pid .. "/root"
    host.socket = host.root .. "/run/dbus/system_bus_socket"
    host.server = "logind://" .. host.socket
    host.console = supervisor.state .. "/" .. name .. "/console"
    supervisor.hosts[name] = host
    result[#result + 1] = host
  end
  return unpack(result)
end

--- Connects hosts to the network of the run; each gets `address`, `cable` (the other end of its cable, in the network's
-- namespace), and `lab` (the process that keeps this).  Returns the run's own directory.  See spec.host.network.
function hosts.connect(...)
  local names = {}
  for i, host in ipairs{ ... } do names[i] = host.name end
  local lines, problem = command("network", unpack(names))
  if not lines then error(problem, 2) end
  for _, line in ipairs(lines) do
    local name, address, cable, lab = line:match("^host (%S+) (%S+) (%S+) (%d+)$")
    local host = supervisor.hosts[name]
    host.address, host.cable, host.lab = address, cable, tonumber(lab)
  end
  return supervisor.state
end

--- Ends all hosts and the supervisor; returns when no trace of them is left.
function hosts.down()
  if not supervisor then return end
  local lines, problem = command("quit")
  supervisor.commands:close()
  supervisor.answers:close()
  supervisor = nil
  if not lines then error(problem, 2) end
end

-- ---------------------------------------------------------------- inside a host

local PATH = "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

-- A host that is gone has left its number to any process, perhaps one of this machine's own.
function Host:enter(...)
  local space = ("/proc/%d/ns/mnt"):format(self.pid)
  local check = ("[ -e %s ] && [ ! %s -ef /proc/self/ns/mnt ] || exit 70; "):format(space, space)
  return check .. quote("nsenter", "-t", self.pid, "-m", "-u", "-i", "-n", "-p", "-C", "--",
    "env", "-i", PATH, "LANG=C.UTF-8", ...)
end

--- Runs a program inside as root, outside of any session; returns its output (errors included) and exit code.
function Host:run(...)
  return capture(self:enter("HOME=/root", ...) .. " < /dev/null")
end

local function as_user(user, ...)
  return "HOME=/home/" .. user, "USER=" .. user, "LOGNAME=" .. user,
    "setpriv", "--reuid=" .. user, "--regid=" .. user, "--init-groups", "--", ...
end

--- Runs a program inside as `user`, outside of any session.
function Host:run_as(user, ...)
  return capture(self:enter(as_user(user, ...)) .. " < /dev/null")
end

local function expect(host, what, ...)
  local output, code = host:run(...)
  if code ~= 0 then
    local journal = host:run("journalctl", "--quiet", "--no-pager", "--no-hostname", "-n", "15")
    error(("host %s: %s failed (%d): %s\nthe end of its journal:\n%s"):format(host.name, what, code, output, journal), 3)
  end
  return output
end

--- Like `run`, but a failure raises, with the end of the host's journal; returns the output.
function Host:check(...)
  return (expect(self, "'" .. table.concat({ ... }, " ") .. "'", ...))
end

--- Runs a shell script inside as root, with arguments; a failure raises.
function Host:script(text, ...)
  local what = ("the script '%s ...'"):format(text:match("%S[^\n]*"))
  return (expect(self, what, "bash", "-euc", text, "script", ...))
end

--- Runs a program inside an open session, as its user: logind takes it for a part of that session.
function Host:run_in_session(id, ...)
  local user, group = self:script([[
    loginctl show-session -p Name --value "$1"
    systemctl show -P ControlGroup "session-$1.scope"]], id):match("^(%S+)\n(%S+)\n$")
  assert(group, "no such session: " .. id)
  -- Moved from outside, since a cgroup namespace lets nothing in from without.
  return capture(("(echo 0 > %s && %s) < /dev/null"):format(
    quote(self.root .. "/sys/fs/cgroup" .. group .. "/cgroup.procs"),
    self:enter("XDG_SESSION_ID=" .. id, as_user(user, ...))))
end

--- Copies a file of this machine into the host, executable, with the directories that it needs.
function Host:put(file, destination)
  local output, code = capture(self:enter("bash", "-euc",
    'mkdir -p "$(dirname "$1")"; cat > "$1"; chmod 755 "$1"', "put", destination) .. " < " .. quote(file))
  if code ~= 0 then error(("%s cannot be put to %s:%s: %s"):format(file, self.name, destination, output), 2) end
end

function Host:number() -- names of units and files
  self.serial = self.serial + 1
  return self.serial
end

--- Powers this host off; hosts.down() does it to all.
function Host:down()
  local lines, problem = command("down", self.name)
  supervisor.hosts[self.name] = nil
  if not lines then error(problem, 2) end
end

-- ---------------------------------------------------------------- seats and sessions

--- Gives the host more seats (seat0 it has); the names begin with "seat".  Restarts logind.
function Host:seat(...)
  -- logind makes a seat of every device that udev calls a master of seats.  There is no udevd here, so its
  -- records are written by hand, for network devices: those exist in each network namespace.
  self:script([[
    mkdir -p /run/udev/data /run/udev/tags/seat /run/udev/tags/master-of-seat
    for seat; do
      ip link add "$seat" type veth peer name "${seat}p"
      device=n$(< "/sys/class/net/$seat/ifindex")
      printf '%s\n' I:1 "E:ID_SEAT=$seat" G:seat G:master-of-seat Q:seat Q:master-of-seat V:1 > "/run/udev/data/$device"
      touch "/run/udev/tags/seat/$device" "/run/udev/tags/master-of-seat/$device"
    done]], ...)
  self:restart_logind()
  self:script('for seat; do loginctl show-seat -p Id "$seat"; done', ...)
end

--- Opens a session through PAM, as a login does; returns its id as logind says it.
-- Fields: user, seat (none), type ("x11"; "tty", ...), class ("user"; "greeter", "background"), tty (none; such as
-- "/dev/pts/0", which becomes the user's), command (argv; the session ends with it; the default stays).
function Host:session(options)
  local unit = "spec-session-" .. self:number()
  -- The FIFO says when PAM has opened the session, or that it did not: the service counts as started before.
  local output = self:script([[
    unit=$1 user=$2 seat=$3 type=$4 class=$5 tty=$6; shift 6
    id "$user" > /dev/null
    [ -z "$tty" ] || chown "$user" "$tty"
    fifo=/run/spec-host/$unit
    mkfifo -m 622 "$fifo"
    set -- sh -c 'echo "id $XDG_SESSION_ID" > "$0"; exec "$@"' "$fifo" "$@"
    systemd-run --quiet --collect --unit="$unit" -p User="$user" -p PAMName=login \
      -p ExecStopPost="+/bin/sh -c 'if [ -p $fifo ]; then echo failed > $fifo; fi'" \
      -E XDG_SESSION_TYPE="$type" -E XDG_SESSION_CLASS="$class" ${seat:+-E XDG_SEAT="$seat"} \
      ${tty:+-p TTYPath="$tty"} \
      "${@//'$'/'$$'}"                                  # systemd would put variables of its own in
    exec 3<> "$fifo"
    if ! read -r -t 20 -u 3 word id || [ -z "$id" ]; then
      echo "no session for $user"
      exit 1
    fi
    rm "$fifo"
    echo "$id"]],
    unit, assert(options.user, "session: whose?"), options.seat or "", options.type or "x11", options.class or "user",
    options.tty or "", unpack(options.command or { "sleep", "infinity" }))
  return output:match("(%S+)\n$")
end

--- Starts the bus of a user, which his sessions find where it has to be, and which can also be reached in the host's
-- network as unix:abstract=desk-UID; returns its path and the user's number.  stop_user_bus() ends it.
function Host:bus(user)
  local uid = self:script([[
    uid=$(id -u "$1")
    two="<listen>unix:path=/run/user/$uid/bus</listen><listen>unix:abstract=desk-$uid</listen>"
    sed "s|<listen>.*</listen>|$two|" /usr/share/dbus-1/session.conf > "/run/spec-host/desk-$uid"
    systemctl reset-failed "desk-$uid" 2>/dev/null || :
    folder=user-runtime-dir@$uid.service # of the user's first session; the bus may come before
    systemd-run --quiet --collect --unit="desk-$uid" -p User="$1" -p Requires="$folder" -p After="$folder" \
      dbus-daemon --config-file="/run/spec-host/desk-$uid" --nofork --nopidfile
    for try in $(seq 500); do [ ! -S "/run/user/$uid/bus" ] || break; sleep 0.02; done
    echo "$uid"]], user):match("(%d+)%s*$")
  return ("/run/user/%s/bus"):format(uid), tonumber(uid)
end

function Host:stop_user_bus(uid)
  self:run("systemctl", "stop", "desk-" .. uid)
end

--- Makes text terminals; returns their paths ("/dev/pts/0"), and the file of this machine where all that is shown on them
-- stands.
function Host:terminals(count)
  local folder = "/run/spec-host/terminals-" .. self:number()
  local output = self:script([[
    mkdir "$1"
    for ((i = 0; i < $2; i++)); do
      systemd-run --quiet --collect script -qfc "stty -opost -echo; tty > $1/$i; exec sleep infinity" -a "$1/shown"
    done
    for ((i = 0; i < $2; i++)); do
      for try in $(seq 500); do [ ! -s "$1/$i" ] || break; sleep 0.02; done
      cat "$1/$i"
    done]], folder, tostring(count))
  local list = {}
  for path in output:gmatch("(/dev/%S+)\n") do list[#list + 1] = path end
  return list, self.root .. folder .. "/shown"
end

--- Ends a session, whose processes get SIGTERM; returns when logind has forgotten it.
function Host:end_session(id)
  self:script([[
    loginctl terminate-session "$1"
    for ((i = 0; i < 500; i++)); do [ -e "/run/systemd/sessions/$1" ] || exit 0; sleep 0.02; done
    echo "session $1 does not end"; loginctl session-status "$1"; exit 1]], id)
end

--- What logind says of every session: a list of { id, uid, user, seat, class, type, state, locked }.
function Host:sessions()
  local output = self:script([[
    list() { loginctl list-sessions --no-legend; }
    for id in $(list | awk '{ print $1 }'); do
      loginctl show-session -p Id -p User -p Name -p Seat -p Class -p Type -p State -p LockedHint "$id" ||
        { ! list | grep -q "^ *$id "; continue; }     # it ended in between
      echo
    done]])
  local list = {}
  for block in output:gmatch("(.-)\n\n") do
    local function field(name) return (block .. "\n"):match("%f[%w]" .. name .. "=([^\n]*)\n") end
    local seat = field("Seat")
    list[#list + 1] = {
      id = field("Id"), uid = tonumber(field("User")), user = field("Name"), seat = seat ~= "" and seat or nil,
      class = field("Class"), type = field("Type"), state = field("State"), locked = field("LockedHint") == "yes",
    }
  end
  return list
end

--- LockedHint of a session: what its locker says of itself.
function Host:locked(id)
  local hint = self:check("loginctl", "show-session", "-p", "LockedHint", "--value", id):match("^(%a+)\n$")
  assert(hint == "yes" or hint == "no", "no LockedHint")
  return hint == "yes"
end

--- Sets LockedHint as a locker does.  logind allows it to root and to the session's owner.
function Host:set_hint(id, locked)
  self:script([[
    login1=org.freedesktop.login1
    path=$(busctl --json=short call $login1 /org/freedesktop/login1 $login1.Manager GetSession s "$1")
    path=${path#*'["'}; path=${path%%'"]'*}
    busctl call $login1 "$path" $login1.Session SetLockedHint b "$2"]], id, tostring(locked and true or false))
end

--- Locks or unlocks a session by another program than wms.
function Host:lock(id) self:check("loginctl", "lock-session", id) end
function Host:unlock(id) self:check("loginctl", "unlock-session", id) end

-- ---------------------------------------------------------------- logind and the bus

--- Restarts logind.  Sessions live on; every LockedHint is forgotten.
function Host:restart_logind()
  self:script([[
    systemctl reset-failed systemd-logind               # specs restart it more often than systemd likes
    systemctl restart systemd-logind
    busctl --quiet call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager ListSessions]])
end

--- Stops the bus in an orderly way; whoever connects then is refused.  logind and polkitd end with it.
function Host:stop_bus()
  self:script("systemctl stop dbus.socket dbus.service")
end

--- Kills the bus's daemon.  The socket goes too, else systemd would start it anew for the next who connects.
function Host:kill_bus()
  self:script("systemctl kill --signal=KILL dbus.service; systemctl stop dbus.socket dbus.service")
end

--- Starts the bus after stop_bus or kill_bus, and logind, which cannot come back by itself.
function Host:start_bus()
  self:script("systemctl reset-failed dbus.socket dbus.service; systemctl start dbus.socket dbus.service")
  self:restart_logind()
end

-- ---------------------------------------------------------------- what goes over the bus

local function message(line)
  local function field(name) return line:match('"' .. name .. '":"(.-)"') end
  local path = field("path")
  local session = path and path:match("^/org/freedesktop/login1/session/(.+)$")
  return {
    type = field("type"), sender = field("sender"), path = path, interface = field("interface"), member = field("member"),
    session = session and session:gsub("_(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end) or nil,
    argument = line:match('"data":%["(.-)"'),           -- the first, if it is a string
    line = line,
  }
end

--- Records calls to logind and its signals; it listens when this returns.
function Host:monitor()
  local unit = "spec-monitor-" .. self:number()
  local file = "/run/spec-host/" .. unit
  -- By path: that catches what is sent to logind and by it, whoever owns its name.
  self:script([[
    : > "$2"; : > "$2.log"
    systemd-run --quiet --collect --unit="$1" -p StandardOutput="file:$2" -p StandardError="file:$2.log" \
      busctl monitor --json=short --match=path_namespace=/org/freedesktop/login1
    # What it prints when it listens, and whether, depends on its version: a signal of ours that it records tells.
    for try in $(seq 500); do
      busctl emit /org/freedesktop/login1/spec org.freedesktop.login1.Spec Marker s "$1.ready"
      ! grep -q "$1.ready" "$2" || exit 0
      sleep 0.02
    done
    cat "$2.log"
    exit 1]], unit, file)
  return setmetatable({ host = self, unit = unit, file = self.root .. file, seen = 0 }, Monitor)
end

--- Returns once all that went over the bus before this call is recorded: the bus keeps the order, so
-- it waits for a signal of its own.
function Monitor:sync()
  if self.stopped then return end
  local marker = self.unit .. "." .. self.host:number()
  self.host:check("busctl", "emit", "/org/freedesktop/login1/spec", "org.freedesktop.login1.Spec", "Marker", "s", marker)
  if not self:wait(function(m) return m.member == "Marker" and m.argument == marker end, 10) then
    error("the monitor does not listen any more; did the bus end?", 2)
  end
end

--- All messages since the start or the last reset: a list of { type, member, path, interface, sender, session,
-- argument, line }; session is the id that the path names, argument the first argument if that is a string.
function Monitor:messages()
  self:sync()
  local list, number = {}, 0
  for line in io.lines(self.file) do
    number = number + 1
    local m = message(line)
    if number > self.seen and m.member and m.member ~= "Marker" then list[#list + 1] = m end
  end
  return list
end

--- Forgets what was recorded so far.
function Monitor:reset()
  self:sync()
  self.seen = 0
  for _ in io.lines(self.file) do self.seen = self.seen + 1 end
end

--- How many calls or signals with this name there were (with `argument`: those whose first argument it is).
function Monitor:count(member, argument)
  local count = 0
  for _, m in ipairs(self:messages()) do
    if m.member == member and (argument == nil or m.argument == argument) then count = count + 1 end
  end
  return count
end

--- How many signals `name` ("Lock", "Unlock") a session has emitted.
function Monitor:signals(id, name)
  local count = 0
  for _, m in ipairs(self:messages()) do
    if m.type == "signal" and m.session == id and m.member == name then count = count + 1 end
  end
  return count
end

--- Waits for a message, from the start or the last reset on: one for which the function returns something
-- true, or whose line the pattern matches.  Returns the message, or nil after `seconds`.
function Monitor:wait(wanted, seconds)
  local follow = ("exec timeout %g tail -n +%d -f %s"):format(seconds or 5, self.seen + 1, quote(self.file))
  local pipe = assert(io.popen(follow, "r"))
  local found
  for line in pipe:lines() do
    local m = message(line)
    local matches
    if type(wanted) == "function" then matches = wanted(m) else matches = line:find(wanted) end
    if matches then
      found = m
      break
    end
  end
  pipe:close()
  return found
end

--- Ends the recording; what was recorded can still be read.
function Monitor:stop()
  if self.stopped then return end
  self.stopped = true
  self.host:check("systemctl", "stop", self.unit)
end

-- ---------------------------------------------------------------- desktops

--- The fraction of pixels, 0 to 1, in which two screenshots differ.
function hosts.difference(a, b)
  assert(#a == #b and #a > 0, "screenshots of two sizes")
  if a == b then return 0 end
  local different, stride = 0, 256
  for from = 1, #a, stride do
    local part, other = a:sub(from, from + stride - 1), b:sub(from, from + stride - 1)
    if part ~= other then
      for i = 1, #part, 4 do
        if part:sub(i, i + 2) ~= other:sub(i, i + 2) then different = different + 1 end
      end
    end
  end
  return different / (#a / 4)
end

require "spec.host.desktop"(hosts, Host)

return hosts
