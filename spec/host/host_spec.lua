-- SPDX-License-Identifier: MIT
-- The test hosts themselves: what the other specs build on.

local hosts = require "spec.host"
local network = require "spec.host.network"

local function output(command)
  local pipe = assert(io.popen(command, "r"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

-- What a run leaves on the machine, looked for by the run's name and by a host's namespaces: other runs, and other
-- programs with hosts of their own, may come and go meanwhile.
local function traces(state, namespaces)
  return output(([[
    exec 2> /dev/null       # processes that end while one looks at them
    run=%s
    ls -d /run/$run
    find /sys/fs/cgroup -type d -name $run
    grep -l $run /proc/[0-9]*/cgroup /proc/[0-9]*/mountinfo
    readlink /proc/[0-9]*/ns/net /proc/[0-9]*/ns/mnt /proc/[0-9]*/ns/pid | grep -x -F -e %s]])
    :format(state:match("[^/]*$"), table.concat(namespaces, " -e ")))
end

-- A host's namespaces by their numbers, and what holds them: the system gives the number of one that is gone to the next,
-- which may be another run's.  release() lets them go.
local function namespaces_of(pid, lab)
  local list, held = {}, {}
  for _, kind in ipairs{ "net", "mnt", "pid" } do
    local path = ("/proc/%s/ns/%s"):format(pid, kind)
    held[#held + 1] = assert(io.open(path))
    list[#list + 1] = "'" .. output("readlink " .. path):match("%S+") .. "'"
  end
  local path = ("/proc/%s/ns/net"):format(lab) -- the run's network
  held[#held + 1] = assert(io.open(path))
  list[#list + 1] = "'" .. output("readlink " .. path):match("%S+") .. "'"
  return list, function()
    for _, file in ipairs(held) do
      file:close()
    end
  end
end

-- A run of its own, which boots a host with a desktop, says so, and waits for its death.  A child of it lives on for
-- a while with all of its open files.
local function other_run()
  local script = os.tmpname()
  local file = assert(io.open(script, "w"))
  file:write(([[
    package.path = %q
    local hosts = require "spec.host"
    local lab = hosts.up("lab")
    lab:desktop{ user = "alice" }
    require "spec.host.network".join(lab)
    lab:run("mkfifo", "/run/spec-host/never")
    os.execute("exec sleep 3 < /dev/null > /dev/null 2>&1 &")
    io.stdout:write("ready ", io.open("/proc/self/stat"):read("*n"), " ", lab.pid, " ", lab.lab, " ", lab.console, "\n")
    io.stdout:flush()
    io.open(lab.root .. "/run/spec-host/never")]]):format(package.path))
  file:close()
  local pipe = assert(io.popen("exec lua5.4 " .. script, "r"))
  local pid, init, keeper, state = (pipe:read("*l") or ""):match("^ready (%d+) (%d+) (%d+) (/run/[^/]+)/")
  os.remove(script)
  return assert(pid, "the other run did not begin"), init, keeper, state, pipe
end

local usable, reason = hosts.available()

describe("a test host #once", function()
  if not usable then
    pending("needs more rights: " .. reason)
    return
  end

  local lab1, lab2

  setup(function() lab1, lab2 = hosts.up("lab1", "lab2") end)

  teardown(function() hosts.down() end)

  it("runs systemd, dbus and logind of its own", function()
    for _, host in ipairs{ lab1, lab2 } do
      assert.equal(host.name .. "\n", (host:run("hostname")))
      assert.equal("systemd\n", (host:run("cat", "/proc/1/comm")))
      assert.equal("active\nactive\n", (host:run("systemctl", "is-active", "dbus", "systemd-logind")))
      assert.equal("", (host:run("systemctl", "--failed", "--no-legend", "--plain")))
    end
    assert.are_not.equal(lab1.pid, lab2.pid)
  end)

  it("is reached through its socket from outside", function()
    local name = output("busctl --address=unix:path=" .. lab1.socket .. [[ get-property org.freedesktop.hostname1 \
      /org/freedesktop/hostname1 org.freedesktop.hostname1 Hostname]])
    assert.equal('s "lab1"\n', name)
    assert.equal("logind://" .. lab1.socket, lab1.server)
  end)

  it("runs programs as root and as a user, with their exit codes", function()
    assert.same({ "it's\n", 3 }, { lab1:run("sh", "-c", 'echo "$1"; exit 3', "sh", "it's") })
    assert.same({ "bob /home/bob\n", 0 }, { lab1:run_as("bob", "sh", "-c", 'echo "$(id -un) $HOME"') })
    assert.has_error(function() lab1:check("false") end)
  end)

  it("takes files", function()
    lab1:put("/proc/version", "/opt/some where/version")
    assert.equal(output("cat /proc/version"), (lab1:run("cat", "/opt/some where/version")))
  end)

  it("has seats and sessions of every kind", function()
    lab1:seat("seat1", "seat2")
    local ids = {
      lab1:session{ user = "alice", seat = "seat1" },
      lab1:session{ user = "bob", type = "tty" },
      lab1:session{ user = "carol", seat = "seat2", class = "greeter" },
      lab1:session{ user = "carol", type = "tty", class = "background", command = { "sleep", "1000" } },
    }
    local by_id = {}
    for _, session in ipairs(lab1:sessions()) do by_id[session.id] = session end
    local function seen(id)
      local s = assert(by_id[id])
      return { s.user, s.seat or "-", s.class, s.type, s.state, s.locked }
    end
    assert.same({ "alice", "seat1", "user", "x11", "active", false }, seen(ids[1]))
    assert.same({ "bob", "-", "user", "tty", "active", false }, seen(ids[2]))
    assert.same({ "carol", "seat2", "greeter", "x11", "active", false }, seen(ids[3]))
    assert.same({ "carol", "-", "background", "tty", "active", false }, seen(ids[4]))
    assert.same({}, lab2:sessions())

    for _, id in ipairs(ids) do lab1:end_session(id) end
    for _, session in ipairs(lab1:sessions()) do -- since systemd 256 user managers are sessions, and linger for a while
      assert.truthy(session.class:find("^manager"), session.class)
    end
  end)

  it("opens sessions for commands with any characters, and reports those that fail", function()
    local id = lab1:session{ user = "bob", command = { "sh", "-c", "echo $$ '${HOME}' %n > /tmp/said; sleep 1000" } }
    assert.truthy(hosts.wait(function() return lab1:run("cat", "/tmp/said"):find("^%d+ %${HOME} %%n\n$") end, 5))
    lab1:end_session(id)
    assert.error_matches(function() lab1:session{ user = "nobody-here" } end, "nobody%-here")
  end)

  it("shows a LockedHint, which a restart of logind forgets", function()
    local id = lab2:session{ user = "alice" }
    assert.is_false(lab2:locked(id))
    lab2:set_hint(id, true)
    assert.is_true(lab2:locked(id))
    lab2:restart_logind()
    assert.is_false(lab2:locked(id))
    lab2:end_session(id)
  end)

  it("lets a user lock a session of his own, and nobody else's", function()
    local own, foreign = lab2:session{ user = "alice" }, lab2:session{ user = "bob" }
    assert.equal(0, (select(2, lab2:run_in_session(own, "loginctl", "lock-session", own))))
    assert.equal(0, (select(2, lab2:run_as("alice", "loginctl", "lock-session", own))))
    local text, code = lab2:run_in_session(own, "loginctl", "lock-session", foreign)
    assert.equal(1, code)
    assert.matches("Interactive authentication required", text)
    assert.equal(own .. "\n", (lab2:run_in_session(own, "loginctl", "show-session", "-p", "Id", "--value", "self")))
    lab2:end_session(own)
    lab2:end_session(foreign)
  end)

  it("records what is asked of logind and what it signals", function()
    local id = lab2:session{ user = "alice" }
    local other = lab2:session{ user = "bob" }
    local monitor = lab2:monitor()
    for _ = 1, 20 do lab2:lock(id) end
    lab2:unlock(id)
    lab2:unlock(other)
    assert.same({ 20, 20, 2, 1, 1, 0 }, {
      monitor:count("LockSession"), monitor:signals(id, "Lock"),
      monitor:count("UnlockSession"), monitor:count("UnlockSession", id),
      monitor:signals(id, "Unlock"), monitor:signals(other, "Lock"),
    })
    assert.equal(other, monitor:wait(function(m) return m.member == "Unlock" and m.session == other end, 5).session)
    assert.is_nil(monitor:wait('"member":"Reboot"', 0.1))
    monitor:reset()
    assert.equal(0, monitor:signals(id, "Lock"))
    lab2:lock(id)
    monitor:sync()
    monitor:stop()
    assert.equal(1, monitor:signals(id, "Lock"))
    lab2:end_session(id)
    lab2:end_session(other)
  end)

  it("keeps its sessions when the bus goes and comes back", function()
    local id = lab2:session{ user = "alice" }
    for _, stop in ipairs{ "stop_bus", "kill_bus" } do
      lab2[stop](lab2)
      assert.are_not.equal(0, (select(2, lab2:run("busctl", "status", "org.freedesktop.login1"))))
      lab2:start_bus()
      assert.equal(id, lab2:sessions()[1].id)
    end
    for _ = 1, 7 do lab2:restart_logind() end          -- more often than systemd allows by itself
    lab2:end_session(id)
  end)

  describe("with a desktop", function()
    local desktop, clear

    local function covered(shot) return hosts.difference(clear, shot) > 0.5 end
    local function open(shot) return hosts.difference(clear, shot) < 0.01 end

    setup(function()
      lab1:seat("seat3")
      desktop = lab1:desktop{ user = "alice", seat = "seat3" }
      clear = desktop:screenshot()
    end)

    it("is locked and unlocked by logind's signals", function()
      assert.equal(desktop.width * desktop.height * 4, #clear)
      assert.is_false(desktop:locker_running())
      for _ = 1, 3 do
        lab1:lock(desktop.id)
        assert.truthy(desktop:wait(covered, 5))
        assert.truthy(desktop:locker_running())
        assert.truthy(hosts.wait(function() return lab1:locked(desktop.id) end, 5))
        lab1:unlock(desktop.id)
        assert.truthy(desktop:wait(open, 5))
        assert.truthy(hosts.wait(function() return not lab1:locked(desktop.id) end, 5))
      end
    end)

    it("can have two screens on one host", function()
      local other = lab1:desktop{ user = "bob" }
      local bobs = other:screenshot()
      lab1:lock(other.id)
      assert.truthy(other:wait(function(shot) return hosts.difference(bobs, shot) > 0.5 end, 5))
      assert.is_true(open(desktop:screenshot()))
      lab1:end_session(other.id)
    end)

    it("opens when its lock program is killed", function()
      lab1:lock(desktop.id)
      assert.truthy(desktop:wait(covered, 5))
      desktop:kill_locker()
      assert.truthy(desktop:wait(open, 5))
      assert.is_false(desktop:locker_running())
    end)

    it("stays locked when what listens to logind is killed", function()
      lab1:lock(desktop.id)
      assert.truthy(desktop:wait(covered, 5))
      desktop:kill_listener()
      lab1:unlock(desktop.id)
      assert.is_nil(desktop:wait(open, 0.3))
      assert.is_true(desktop:locker_running())
    end)
  end)

  it("can be connected to others, and unplugged", function()
    network.join(lab1, lab2)
    local reach = ("timeout 1 bash -c 'exec 3<> /dev/tcp/%s/22'"):format(lab2.address)
    assert.same({ "", 0 }, { lab1:run("sh", "-c", reach) })
    network.cable(lab2, false)
    assert.are_not.equal(0, (select(2, lab1:run("sh", "-c", reach))))
    network.cable(lab2, true)
    assert.truthy(hosts.wait(function() return select(2, lab1:run("sh", "-c", reach)) == 0 end, 10))
  end)

  it("hears what it is asked when the second is over that it waits, wherever in the line", function()
    -- Its supervisor is held up until that time is over: in front of a question, then in front of the end of one.
    assert.equal("host nobody is not up\nhost nobody is not up\nok\n", output(([[
      exec bash -euo pipefail -s %s 2>&1 <<'END'
        exec {answers}< <(exec bash "$1" serve $$)
        supervisor=$!
        ask() { printf "$1" >&$control; }
        hear() { read -r -t 30 -u $answers answer && [ "$answer" = failed ] || echo "$answer"; }
        hold_up() {
          while read -t 0 -u $unread; do sleep 0.01; done
          until grep -q "^State:.S" /proc/$supervisor/status; do sleep 0.01; done
          kill -STOP $supervisor
        }
        go_on() { sleep 1.1; kill -CONT $supervisor; hear; hear; }
        read -r state <&$answers
        exec {control}> "$state/control" {unread}<> "$state/control"
        ask 'hello\n'
        read -r answer <&$answers
        hold_up; ask 'down nobody\n'; go_on
        ask 'down nobody'; hold_up; ask '\n'; go_on
        ask 'quit\n'; hear
END]]):format(hosts.SCRIPT)))
  end)

  it("leaves nothing behind", function()
    local state = lab1.console:match("^/run/[^/]+")
    network.join(lab1, lab2)
    local namespaces, release = namespaces_of(lab1.pid, lab1.lab)
    finally(release)
    assert.are_not.equal("", traces(state, namespaces))
    hosts.down()
    assert.equal("", traces(state, namespaces))
  end)

  it("leaves nothing behind when the run is killed", function()
    local pid, init, keeper, state, pipe = other_run()
    local namespaces, release = namespaces_of(init, keeper)
    finally(release)
    assert.are_not.equal("", traces(state, namespaces))
    os.execute("kill -KILL " .. pid)
    pipe:close()
    local gone = hosts.wait(function() return traces(state, namespaces) == "" end, 2)
    assert.truthy(gone, "left by the killed run: " .. traces(state, namespaces))
  end)
end)
