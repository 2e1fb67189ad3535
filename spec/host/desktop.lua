-- SPDX-License-Identifier: MIT
--- Desktops in sessions of test hosts, with screens that can be looked at: a part of spec.host.

local hosts -- spec.host, which loads this file

local directory = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local Desktop = {}
Desktop.__index = Desktop

local function escape(character) return ("_%02x"):format(character:byte()) end -- as in object paths

local desktop_script = [[
cd "$1"
bus=$2 program=$3 screen=$4; shift 4
if [ "$bus" ] && [ "$program" ]; then
   export DBUS_SESSION_BUS_ADDRESS=unix:path=$bus HOME="$PWD" XDG_RUNTIME_DIR=${bus%/bus}
fi
if [ -z "$screen" ]; then
   sh -c "$program" > program.log 2>&1
   exec sleep infinity
fi
mkfifo display
Xvfb $DISPLAY -displayfd 3 -screen 0 "$screen" -fbdir "$PWD" -retro -noreset -nolisten tcp "$@" 3> display 2> xvfb.log &
xvfb=$!
read -r number < display
export DISPLAY=:$number
echo "$number" > number
if [ "$program" ]; then
   sh -c "$program" > program.log 2>&1
   wait $xvfb
   exit
fi
xss-lock -- i3lock --nofork --color=3366aa > locker.log 2>&1 &
echo $! > listener
if [ "$bus" ]; then
   printf '%s\n' '[global]' origin=top-left 'offset=20x30' 'width=200' 'height=80' 'monitor=0' > dunstrc
   DISPLAY=:$number DBUS_SESSION_BUS_ADDRESS=unix:path=$bus dunst -conf dunstrc -print > notifications 2> dunst.log &
fi
wait $xvfb
]]

--- Opens a session with a screen (Xvfb, a pattern on it) and a locker: xss-lock listens to logind and runs i3lock.
-- Fields: user, seat (none), class (of the session), notifications (true: dunst shows those that come over the user's bus,
-- from 20, 30 on and 200 pixels wide; Desktop:notifications() is what it has got), program (a shell text that runs in place
-- of locker and notifications, on the screen and the user's bus; only the screen is waited for then), width and height
-- (320, 240), opengl (true: the screen has GLX), display (its number, which the session's first process has in its
-- environment then).
-- Returns when the locker has been seen to lock and to unlock by logind's signals.
-- A program that is itself the screen says `type = "wayland"`: it has to set Desktop.screenshot.
local function open(self, options)
  local shared = "/run/spec-host/desktop-" .. self:number()
  self:check("install", "-d", "-o", options.user, shared)
  local bus = (options.notifications or options.program) and self:bus(options.user)
  local width, height = options.width or 320, options.height or 240
  local screen = options.type == "wayland" and "" or ("%dx%dx24"):format(width, height)
  local argv = { "sh", "-c", desktop_script, "desktop", shared, bus or "", options.program or "", screen,
    options.opengl and "+extension" or "-extension", "GLX" }
  if options.display then argv = { "env", "DISPLAY=:" .. options.display, unpack(argv) } end
  local id = self:session{ user = options.user, seat = options.seat, type = options.type, class = options.class,
    command = argv }
  local desktop = setmetatable({ id = id, host = self, shared = shared, width = width, height = height }, Desktop)
  if screen ~= "" then
    assert(hosts.wait(function() return desktop:number() end, 60), "the desktop has no screen")
  end
  if options.program then return desktop end
  local function failed(what)
    error(("the desktop of %s on %s %s:\n%s"):format(options.user, self.name, what,
      self:run("bash", "-c", 'tail "$1"/*.log; loginctl session-status --no-pager "$2"', "failed", shared, id)), 3)
  end
  -- xss-lock says nowhere that it listens; its subscription is visible a moment before it does.
  local path = "/org/freedesktop/login1/session/" .. id:gsub("^%d", escape):gsub("[^%w_]", escape)
  local listening = hosts.wait(function()
    local rules = self:check("busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus",
      "org.freedesktop.DBus.Debug.Stats", "GetAllMatchRules")
    return rules:find("'" .. path .. "\\'", 1, true)
  end, 5)
  if not listening then failed("has no locker that listens") end
  local clear = desktop:screenshot()
  local locked
  for _ = 1, 10 do
    self:lock(id)
    locked = hosts.wait(function() return hosts.difference(clear, desktop:screenshot()) > 0.5 end, 0.5)
    if locked then break end
  end
  if not locked then failed("does not lock") end
  self:unlock(id)
  if not desktop:wait(function(shot) return hosts.difference(clear, shot) < 0.01 and not self:locked(id) end, 5) then
    failed("does not unlock")
  end
  if bus then
    local there = hosts.wait(function()
      return select(2, self:run_as(options.user, "busctl", "--address=unix:path=" .. bus, "status",
        "org.freedesktop.Notifications")) == 0
    end, 20)
    if not there then failed("shows no notifications") end
  end
  return desktop
end

--- What its notification service has printed of what it has got.
function Desktop:notifications()
  local file = assert(io.open(self.host.root .. self.shared .. "/notifications"))
  local text = file:read("*a")
  file:close()
  return text
end

--- The pixels on the screen: a string, four bytes each (blue, green, red, nothing), row by row.
function Desktop:screenshot()
  -- Xvfb keeps its frame buffer in a file, as xwd writes it: a header of 32-bit numbers, colours, pixels.
  local file = assert(io.open(self.host.root .. self.shared .. "/Xvfb_screen0", "rb"))
  local data = file:read("*a")
  file:close()
  local function number(index)
    local a, b, c, d = data:byte(index * 4 + 1, index * 4 + 4)
    return ((a * 256 + b) * 256 + c) * 256 + d
  end
  local header, colours, width, height, depth, row = number(0), number(19), number(4), number(5), number(11), number(12)
  assert(width == self.width and height == self.height and depth == 32 and row == width * 4, "an unknown kind of screen")
  local start = header + colours * 12
  assert(#data >= start + row * height, "a torn frame buffer")
  return data:sub(start + 1, start + row * height)
end

--- Waits until the predicate, given a screenshot, returns something true; returns that screenshot, or nil after `seconds`.
function Desktop:wait(predicate, seconds)
  return hosts.wait(function()
    local shot = self:screenshot()
    return predicate(shot) and shot
  end, seconds)
end

--- The fraction of the screen, 0 to 1, that has one colour: three bytes, blue, green, red.
function Desktop:share(colour)
  local shot, count = self:screenshot(), 0
  for from = 1, #shot, 4 do
    if shot:sub(from, from + 2) == colour then count = count + 1 end
  end
  return count / (#shot / 4)
end

--- The number of its X display, once that is there.
function Desktop:number()
  local file = io.open(self.host.root .. self.shared .. "/number")
  local text = file and file:read("*l")
  if file then file:close() end
  return text
end

function Desktop:x11(what)
  return assert(io.popen(("exec python3 %s/x11.py %s/tmp/.X11-unix/X%s %s"):format(directory, self.host.root,
    self:number(), what)))
end

--- Opens a window of one colour in the session: "X Y WIDTH HEIGHT COLOUR", such as "10 10 100 80 0xff00ff".  Returns, once
-- it is shown, a file to be closed when the host is down, since the window stays until its screen ends.
function Desktop:window(where)
  local file = self:x11("window " .. where)
  local said = file:read("*l")
  assert(said == "shown", "the window is not shown: " .. tostring(said))
  return file
end

--- Moves the mouse and presses a key, which leaves no letter.
function Desktop:touch()
  local file = self:x11("touch")
  local said = file:read("*l")
  file:close()
  assert(said == "touched", "nobody can touch it: " .. tostring(said))
end

function Desktop:locker_pids()
  -- Only within the session: nobody else's i3lock is meant.
  return self.host:script([[
    group=$(systemctl show -P ControlGroup "session-$1.scope")
    for pid in $(< "/sys/fs/cgroup$group/cgroup.procs"); do
      if read -r name < "/proc/$pid/comm" && [ "$name" = i3lock ]; then echo "$pid"; fi
    done]], self.id)
end

--- Does the lock program (i3lock) run in this session?
function Desktop:locker_running() return self:locker_pids():find("%d") ~= nil end

--- Kills the lock program: the screen is open then.
function Desktop:kill_locker()
  self.host:script("kill -KILL $1", self:locker_pids():gsub("%s+", " "):match("^%s*(.-)%s*$"))
end

--- Kills what listens to logind (xss-lock): a locked screen stays locked, and nothing will unlock it.
function Desktop:kill_listener()
  self.host:script('kill -KILL "$(< "$1/listener")"', self.shared)
end

return function(module, Host)
  hosts = module
  Host.desktop = open
end
