-- SPDX-License-Identifier: MIT
--- Linux hosts over ssh: the contract, and what can go wrong on the way.  Each host has a cable, an sshd, and a key.
local far = require "spec.support.logind_far"
local hosts = require "spec.host"
local kit = require "spec.support.kit"
local marked = require "spec.support.marked"
local network = require "spec.host.network"
local process = require "spec.support.process"
local contract = require "spec.contract"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

local unpack = table.unpack or unpack -- luacheck: ignore 143
local build = os.getenv("WMS_BUILD") or "build"
local COUNT = 8
local CONNECTION = "it is the session of the ssh connection to this host"

describe("logind over ssh #once", function()
   teardown(far.down)
   contract(far, function(why) pending(why) end)
end)

describe("far Linux hosts #once", function()
   local room, net = {}, nil
   local test = kit.needing(function(why) pending(why) end, far.missing)

   setup(function()
      if not far.missing() then
         local names = {}
         for i = 1, COUNT do
            names[i] = "far" .. i
         end
         room = { hosts.up(unpack(names)) }
         net = network.join(unpack(room))
         for _, host in ipairs(room) do
            host.id = far.id(host:session{ user = "alice" })
         end
      end
   end)

   teardown(function()
      hosts.down()
   end)

   before_each(function()
      wms.configure{ ssh_command = net and net.ssh or false }
   end)

   after_each(kit.reset)

   local function servers()
      return pluck(room, "far")
   end

   --- The sessions that logind over there knows, by what runs there.
   local function exists(host, id)
      for _, session in ipairs(host:sessions()) do
         if session.id == tostring(id) and session.state ~= "closing" then
            return true
         end
      end
      return false
   end

   --- The connection's session, as wms lists it.
   local function connection(host)
      for _, session in ipairs(fine(wms.sessions(host.far))) do
         if session.spared == CONNECTION then
            return session
         end
      end
      error("none of the sessions is the connection's")
   end

   --- ssh with a mark, for the processes that come of it.
   local function mark_ssh()
      local mark = marked.new()
      wms.configure{ ssh_command = { "env", mark, unpack(net.ssh) } }
      return mark
   end

   --- A program that does this at its hosts, with an ssh of its own.
   local function script(text, environment, streams)
      local words = {}
      for i, word in ipairs(net.ssh) do
         words[i] = ("%q"):format(word)
      end
      return process.script(([[
         local wms = require "wms"
         wms.configure{ ssh_command = { %s } }
         local server = %q
         %s]]):format(table.concat(words, ", "), room[1].far, text), environment, streams)
   end

   describe("all at once", function()
      test("are commanded like one, and connections are kept", function()
         local mark = mark_ssh()
         local begin = kit.now()
         local list = fine(wms.sessions{ servers = servers() })
         local cold = kit.now() - begin
         assert.equal(2 * COUNT, #list)
         local first = marked.all(mark)
         assert.equal(COUNT, select(2, first:gsub("systemd%-stdio%-bridge", "")))
         for _ = 1, 3 do
            local outcomes = fine(wms.lock_all{ servers = servers(), message = "x" })
            assert.same(pluck(room, "id"), pluck(outcomes, "session_id"))
            assert.same(servers(), pluck(outcomes, "server"))
         end
         assert.equal(first, marked.all(mark))
         assert.truthy(cold < 30)
      end)

      test("may have further ssh connections of this user from here, which every _all leaves out too", function()
         local host = room[2]
         local mark = marked.new()
         local words = {}
         for i, word in ipairs(net.ssh) do
            words[i] = process.quote(word)
         end
         local said = process.run("mktemp"):match("%S+")
         local pipe = io.popen(("exec env %s %s %s 'echo $XDG_SESSION_ID; exec cat' >%s"):format(mark,
            table.concat(words, " "), host.far:match("//(.*)"), said), "w")
         finally(function()
            pipe:close()
            marked.await_none(mark)
            os.remove(said)
         end)
         local id = kit.await(function()
            return tonumber((process.run("cat " .. said)))
         end)
         local other
         for _, session in ipairs(fine(wms.sessions(host.far))) do
            other = session.session_id == id and session or other
         end
         assert.truthy(other.spared:find("an ssh connection without a terminal", 1, true), other.spared)
         assert.same({ "root", false }, { other.user_name, other.is_orchestratable })
         assert.same({ host.id }, pluck(fine(wms.unlock_all(host.far)), "session_id"))
         assert.same({ host.id }, pluck(fine(wms.close_all{ server = host.far, what_if = true }), "session_id"))
         assert.is_true(exists(host, id))
         assert.equal("requested", fine(wms.unlock{ session_ids = other })[1].state) -- named, it is one as any
      end)

      test("have a session of the connection's own, which every _all leaves out", function()
         local host = room[1]
         fine(wms.sessions(host.far)) -- connects; a former connection's session may end a little later than that
         kit.await(function()
            return #fine(wms.sessions(host.far)) == 2
         end)
         local own = connection(host)
         assert.is_false(own.is_own)
         assert.is_false(own.is_orchestratable)
         assert.equal("root", own.user_name)
         for _, what_if in ipairs{ false, true } do
            local locked = fine(wms.lock_all{ server = host.far, message = "x", what_if = what_if })
            assert.same({ host.id }, pluck(locked, "session_id"))
            local unlocked = fine(wms.unlock_all{ server = host.far, what_if = what_if })
            assert.same({ host.id }, pluck(unlocked, "session_id"))
         end
         local bob = far.id(host:session{ user = "bob" })
         local outcomes = fine(wms.close_all{ server = host.far, verify = 10, except = { user_name = "alice" } })
         assert.same({ bob }, pluck(outcomes, "session_id"))
         assert.is_false(exists(host, bob))
         assert.is_true(exists(host, own.session_id))
      end)

      test("do not let that session be closed by its id, and have no \"self\"", function()
         local host = room[1]
         local own = connection(host)
         local err = fault(wms.close{ session_ids = own.session_id, server = host.far })
         assert.equal("ACCESS_DENIED", err.code)
         assert.truthy(err.message:find(CONNECTION, 1, true), err.message)
         assert.equal("ACCESS_DENIED", fault(wms.close{ session_ids = own, what_if = true }).code)
         fine(wms.unlock{ session_ids = own.session_id, server = host.far })
         for _, verb in ipairs{ "lock", "unlock", "close" } do
            err = fault(wms[verb]{ session_ids = "self", server = host.far, message = verb == "lock" and "x" or nil })
            assert.equal("NOT_FOUND", err.code)
            assert.truthy(err.message:find("none of the host's sessions is the caller's own", 1, true), err.message)
         end
      end)
   end)

   describe("refuse", function()
      test("a user without rights what he may not do", function()
         local host = room[1]
         local bob = far.id(host:session{ user = "bob" })
         finally(function()
            host:end_session(tostring(bob))
         end)
         local server = host.far:gsub("root@", "bob@")
         local err = fault(wms.unlock{ session_ids = host.id, server = server })
         assert.equal("ACCESS_DENIED", err.code)
         assert.equal("ACCESS_DENIED", fault(wms.close{ session_ids = host.id, server = server }).code)
         fine(wms.unlock{ session_ids = bob, server = server })
         assert.is_true(exists(host, host.id))
         -- This machine's root is nobody over there: what is active at a seat is not spared for him.
         assert.equal("ACCESS_DENIED", fault(wms.close_all{ server = server, except = { user_name = "bob" } }).code)
      end)

      test("somebody whose key is removed", function()
         local host = room[2]
         finally(function()
            network.restore(host)
         end)
         network.cut(host)
         host:script("rm /root/.ssh/authorized_keys")
         local err = fault(wms.sessions(host.far))
         assert.equal("ACCESS_DENIED", err.code)
         assert.truthy(err.message:find("put one that it accepts into the agent", 1, true), err.message)
         assert.truthy(err.message:find("Permission denied (publickey", 1, true), err.message)
         network.restore(host)
         fine(wms.sessions(host.far))
      end)

      test("nobody, but are not trusted when their key has changed or is unknown", function()
         local host = room[2]
         finally(function()
            network.restore(host)
         end)
         network.cut(host)
         network.change_key(host)
         local err = fault(wms.sessions(host.far))
         assert.equal("UNTRUSTED", err.code)
         assert.truthy(err.message:find("ssh-keygen -R HOST", 1, true), err.message)
         local fingerprint = process.run("ssh-keygen -lf " .. network.key("other_host_key")):match("SHA256:%S+")
         assert.truthy(err.message:find("it shows " .. fingerprint, 1, true), err.message)
         network.forget(host)
         err = fault(wms.sessions(host.far))
         assert.equal("UNTRUSTED", err.code)
         assert.truthy(err.message:find("connect once by hand", 1, true), err.message)
         network.restore(host)
         fine(wms.sessions(host.far))
      end)

      test("all without a question to anybody, terminal or window", function()
         local host = room[1]
         local folder = process.run("mktemp -d"):match("%S+")
         finally(function()
            network.restore(host)
            process.run("rm -r " .. folder)
         end)
         process.run("cd " .. folder .. [[; printf '#!/bin/sh\ntouch %s/asked\necho yes\n' "$PWD" > ask; chmod +x ask]])
         host:script("rm /root/.ssh/authorized_keys; echo root:secret | chpasswd")
         local body = 'print(select(3, wms.sessions(server)).code)'
         local environment = ("SSH_ASKPASS=%s/ask SSH_ASKPASS_REQUIRE=force DISPLAY=:99"):format(folder)
         local words = {}
         for i, word in ipairs(net.ssh) do
            words[i] = ("%q"):format(word)
         end
         local text = ([[local wms = require "wms" wms.configure{ ssh_command = { %s } } local server = %q %s]]):format(
            table.concat(words, ", "), room[1].far, body)
         local function on_terminal()
            return process.run("timeout 60 script -qec " ..
               process.quote(process.command(text, environment)) .. " /dev/null < /dev/null")
         end
         local output = on_terminal()
         assert.truthy(output:find("ACCESS_DENIED", 1, true), output)
         assert.falsy(output:lower():find("password", 1, true), output)
         network.forget(host)
         output = on_terminal()
         assert.truthy(output:find("UNTRUSTED", 1, true), output)
         assert.falsy(output:find("yes/no", 1, true), output)
         assert.equal("", (process.run("ls " .. folder .. "/asked 2>/dev/null || :")))
      end)
   end)

   describe("without what they should have", function()
      local function missing_bridge(host, body)
         network.cut(host)
         host:script("mv /usr/bin/systemd-stdio-bridge /root/")
         local good, why = pcall(body)
         host:script("mv /root/systemd-stdio-bridge /usr/bin/")
         network.cut(host)
         if not good then
            error(why, 0)
         end
      end

      test("systemd-stdio-bridge: the bus's socket is forwarded, and no file stays", function()
         local host = room[3]
         missing_bridge(host, function()
            local before = process.run("ls -d /tmp/wms-* ${XDG_RUNTIME_DIR:-/tmp}/wms-* 2>/dev/null | wc -l")
            local own = connection(host)
            assert.equal("root", own.user_name)
            assert.same({ host.id }, pluck(fine(wms.unlock_all(host.far)), "session_id"))
            assert.equal(before, process.run("ls -d /tmp/wms-* ${XDG_RUNTIME_DIR:-/tmp}/wms-* 2>/dev/null | wc -l"))
            local server = host.far:gsub("root@", "bob@") -- the bus takes the user over there
            assert.equal("ACCESS_DENIED", fault(wms.unlock{ session_ids = host.id, server = server }).code)
            network.cut(host)
            fine(wms.sessions(host.far))
         end)
      end)

      test("that, and no forwarding either", function()
         local host = room[3]
         missing_bridge(host, function()
            host:script("echo AllowStreamLocalForwarding no >> /run/spec-host/sshd_config; systemctl kill -s HUP spec-sshd")
            finally(function()
               network.restore(host)
            end)
            kit.await(function() -- sshd takes the configuration when it wants to
               network.cut(host)
               local _, message, err = wms.sessions(host.far)
               return err and err.code == "UNREACHABLE" and message:find("does not forward", 1, true)
            end)
         end)
      end)

      test("a bus, with the bridge and without", function()
         local host = room[3]
         finally(function()
            host:start_bus()
         end)
         host:stop_bus()
         local err = fault(wms.sessions(host.far))
         assert.equal("UNREACHABLE", err.code)
         assert.truthy(err.message:find("no system bus answers there", 1, true), err.message)
         missing_bridge(host, function()
            err = fault(wms.sessions(host.far))
            assert.equal("UNREACHABLE", err.code)
            assert.truthy(err.message:find("no system bus listens there", 1, true), err.message)
         end)
      end)

      test("a quiet shell", function()
         local host = room[3]
         finally(function()
            host:script("rm -f /root/.bashrc")
         end)
         network.cut(host)
         host:script("echo 'echo welcome' > /root/.bashrc")
         local err = fault(wms.sessions(host.far))
         assert.equal("PROTOCOL", err.code)
         assert.truthy(err.message:find("must print nothing", 1, true), err.message)
      end)

      test("sshd", function()
         local host = room[3]
         finally(function()
            network.restore(host)
         end)
         network.cut(host)
         host:script("systemctl stop spec-sshd")
         local err = fault(wms.sessions(host.far))
         assert.equal("UNREACHABLE", err.code)
         assert.truthy(err.message:find("Connection refused", 1, true), err.message)
      end)
   end)

   describe("that go away", function()
      test("and come back between two calls are found again", function()
         local host = room[4]
         local client = wms.new{ server = host.far }
         fine(client:sessions())
         host:down()
         room[4] = hosts.up("far4")
         network.join(room[4])
         assert.equal(host.far, room[4].far)
         local id = far.id(room[4]:session{ user = "carol" })
         assert.same({ id }, pluck(fine(client:unlock_all()), "session_id"))
         room[4].id = id
      end)

      test("with their sshd, and it is there again: the next call succeeds", function()
         local host = room[5]
         fine(wms.sessions(host.far))
         network.cut(host)
         assert.same({ host.id }, pluck(fine(wms.unlock_all(host.far)), "session_id"))
      end)

      test("by their cable: before a call, in its time, and the others are served", function()
         local host = room[5]
         fine(wms.sessions{ servers = servers() })
         network.cable(host, false)
         finally(function()
            network.cable(host, true)
         end)
         local begin = kit.now()
         local err = fault(wms.unlock_all{ servers = servers(), timeout = 2, where = { user_name = { "alice", "carol" } } })
         assert.truthy(kit.now() - begin < 8)
         assert.equal("TIMEOUT", err.code)
         local failed = 0
         for _, outcome in ipairs(err.outcomes) do
            if outcome.server == host.far then
               assert.equal("failed", outcome.state) -- it was still being asked
               failed = failed + 1
            else
               assert.equal("requested", outcome.state)
            end
         end
         assert.equal(1, failed)
         assert.equal(COUNT, #err.outcomes)
         network.cable(host, true)
         fine(wms.unlock_all(host.far))
      end)

      test("as one of twenty: it is named, with its reason, and the others are served", function()
         local names, twenty = {}, {}
         for i = COUNT + 1, 20 do
            names[#names + 1] = "far" .. i
         end
         local more = { hosts.up(unpack(names)) }
         network.join(unpack(more))
         for _, host in ipairs(more) do
            host.id = far.id(host:session{ user = "alice" })
         end
         for _, list in ipairs{ room, more } do
            for _, host in ipairs(list) do
               twenty[#twenty + 1] = { server = host.far, session_id = host.id }
            end
         end
         fine(wms.unlock{ session_ids = twenty })
         local gone = more[5]
         network.cable(gone, false)
         finally(function()
            network.cable(gone, true)
         end)
         for _, way in ipairs{ "a kept connection", "a new one" } do
            local _, message, err = wms.unlock{ session_ids = twenty, timeout = 3 }
            assert.equal("TIMEOUT", err.code, way)
            assert.truthy(message:find(gone.far, 1, true), message)
            assert.equal(20, #err.outcomes)
            for i, outcome in ipairs(err.outcomes) do
               local is_gone = outcome.server == gone.far
               assert.same({ twenty[i].server, twenty[i].session_id, is_gone and "failed" or "requested" },
                  { outcome.server, outcome.session_id, outcome.state })
               assert.equal(is_gone and "TIMEOUT" or nil, outcome.error and outcome.error.code)
            end
         end
         network.cable(gone, true)
         network.cut(gone)
         fine(wms.unlock{ session_ids = twenty })
      end)

      --- bob may lock others' sessions, but polkit, which is asked, does not answer for now.
      local function slow_polkit(host)
         host:script([[
            echo 'polkit.addRule(function(action, subject) {
               if (action.id == "org.freedesktop.login1.lock-sessions" && subject.user == "bob") {
                  return polkit.Result.YES;
               }
            });' > /etc/polkit-1/rules.d/00-spec.rules
            systemctl restart polkit]])
         fine(wms.unlock{ session_ids = host.id, server = host.far:gsub("root@", "bob@") })
         host:script("systemctl kill -s STOP polkit")
      end

      test("by their cable while an action is under way: it is unknown, and done late; the connection goes", function()
         local host = room[6]
         local server = host.far:gsub("root@", "bob@")
         slow_polkit(host)
         local monitor = host:monitor()
         local mark = mark_ssh()
         network.cut(host)
         local request = wms.start("unlock", { session_ids = host.id, server = server, timeout = 3 })
         kit.pump(request, function()
            return monitor:count("UnlockSession") == 1
         end)
         network.cable(host, false)
         finally(function()
            network.cable(host, true)
            host:script("systemctl kill -s CONT polkit; rm -f /etc/polkit-1/rules.d/00-spec.rules")
         end)
         assert.truthy(request:wait(20))
         local err = fault(request:result())
         assert.equal("TIMEOUT", err.code)
         assert.equal("unknown", err.outcomes[1].state)
         assert.truthy(err.message:find("may still be carried out", 1, true), err.message)
         request:close()
         marked.await_none(mark) -- although nothing can be told to the host
         assert.equal(0, monitor:signals(tostring(host.id), "Unlock"))
         host:script("systemctl kill -s CONT polkit")
         assert.truthy(monitor:wait(function(m) return m.member == "Unlock" and m.type == "signal" end, 10))
         monitor:stop()
      end)

      test("with their sshd while an action is under way: it is unknown, and not sent again", function()
         local host = room[7]
         local server = host.far:gsub("root@", "bob@")
         slow_polkit(host)
         finally(function()
            host:script("systemctl kill -s CONT polkit; rm -f /etc/polkit-1/rules.d/00-spec.rules")
         end)
         local monitor = host:monitor()
         local request = wms.start("unlock", { session_ids = host.id, server = server, timeout = 30 })
         kit.pump(request, function()
            return monitor:count("UnlockSession") == 1
         end)
         network.cut(host)
         assert.truthy(request:wait(20))
         local err = fault(request:result())
         assert.equal("UNREACHABLE", err.code)
         assert.equal("unknown", err.outcomes[1].state)
         request:close()
         assert.equal(1, monitor:count("UnlockSession"))
         monitor:stop()
      end)

      test("before a call that has no connection yet", function()
         local host = room[8]
         network.cut(host)
         network.cable(host, false)
         finally(function()
            network.cable(host, true)
         end)
         local begin = kit.now()
         local err = fault(wms.sessions{ server = host.far, timeout = 1 })
         assert.equal("TIMEOUT", err.code)
         assert.truthy(kit.now() - begin < 6)
      end)
   end)

   describe("and the program", function()
      test("keeps its signals, its children and its descriptors, and a child of it has connections of its own", function()
         local mark = marked.new()
         local output, status = process.run(("%s timeout 100 %s %s/lib/wms fine %s %s"):format(mark,
            process.program("far"), build, room[1].far, table.concat(net.ssh, " ")))
         assert.same({ "fine\n", 0 }, { output, status })
         marked.await_none(mark)
      end)

      test("may have no memory: nothing stays, and nothing is left out without a word", function()
         local host = room[1]
         network.cut(host)
         local mark = marked.new()
         local folder = process.run("mktemp -d"):match("%S+")
         finally(function()
            process.run("rm -r " .. folder)
         end)
         -- In ssh's place, what it would start over there, and what it would forward: that takes no time.
         for _, ssh in ipairs{ ("exec nsenter -t %d -m systemd-stdio-bridge"):format(host.pid),
            ([[exec %s "$0" "$@"]]):format(process.program("forward")) } do
            local environment = ("%s WMS_COUNT=%d WMS_SSH=%s WMS_BUS=%s XDG_RUNTIME_DIR=%s"):format(mark,
               #host:sessions(), process.quote(ssh), host.socket, folder)
            environment = ("%s LUA_CPATH=%s/5.4/?.so"):format(environment, build)
            local output, code = process.run(("%s %s -s logind://lab spec/oom/ssh/sessions.lua"):format(environment,
               process.program("oom")))
            assert.equal(0, code, output)
            local engine, runs = output:match("(%d+) of the engine: +(%d+) runs")
            assert.truthy(tonumber(engine) > 10 and tonumber(runs) > tonumber(engine), output) -- a race decides on some
            marked.await_none(mark)
         end
         assert.equal("", (process.run("ls " .. folder)))
      end)

      test("may be killed: nothing stays here or there", function()
         local mark = marked.new()
         script("assert(wms.sessions(server)) os.execute('kill -KILL $PPID')", mark, "|| :")
         marked.await_none(mark)
      end)
   end)
end)
