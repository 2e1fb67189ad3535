-- SPDX-License-Identifier: MIT
--- Real Linux hosts: ids that are used again, sessions that end by themselves, closing ones, and who may close.
local kit = require "spec.support.kit"
local hosts = require "spec.host"
local process = require "spec.support.process"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

describe("a Linux host's sessions #once", function()
   local usable, why = hosts.available()
   if not usable then
      pending("needs more rights: " .. why)
      return
   end

   local machine

   setup(function()
      machine = hosts.up("changing")
      machine:seat("seat-a", "seat-b")
   end)

   teardown(hosts.down)

   after_each(function()
      kit.reset()
      machine:script[[
         list() { loginctl list-sessions --no-legend; }
         for id in $(list | awk '{ print $1 }'); do
            loginctl terminate-session "$id" || :
            loginctl kill-session --signal=KILL "$id" || :    # what stays of a closing one
         done
         for ((i = 0; i < 1000; i++)); do [ "$(list)" ] || exit 0; sleep 0.02; done
         list; exit 1]]
   end)

   local function id_of(text)
      return math.tointeger(tonumber(text)) or text
   end

   local function exists(id)
      for _, session in ipairs(machine:sessions()) do
         if session.id == tostring(id) and session.state ~= "closing" then
            return true
         end
      end
      return false
   end

   --- Puts the module into the host; returns a function that runs a script there with `run`.
   local function inside()
      if process.sanitized() then
         pending("a test host has no library of the sanitizers")
      end
      machine:put(process.module("wms"), "/opt/wms/wms.so")
      machine:put(process.module("wms.logind"), "/opt/wms/wms/logind.so")
      return function(run, script)
         local output, code = run("env", "LUA_CPATH=/opt/wms/?.so", "lua5.4", "-e", script)
         assert.equal(0, code, output)
         return output
      end
   end

   --- A session whose user has logged out, and of which a process stays.
   local function closing(user)
      local id = machine:session{ user = user, type = "tty", command = { "sh", "-c", "setsid sleep 1000 & sleep 0.2" } }
      kit.await(function()
         for _, session in ipairs(machine:sessions()) do
            if session.id == id and session.state == "closing" then
               return true
            end
         end
         return false
      end)
      return id_of(id)
   end

   describe("with ids that logind counts by itself", function()
      setup(function()
         machine:script"sed -i.kept /pam_loginuid/d /etc/pam.d/login; grep -q pam_systemd /etc/pam.d/common-session"
      end)

      teardown(function()
         machine:script"mv /etc/pam.d/login.kept /etc/pam.d/login"
      end)

      --- The first id after a restart, each time the same.
      local function again(options)
         machine:restart_logind()
         return machine:session(options)
      end

      it("are not taken for those that had the ids before", function()
         local id = again{ user = "alice" }
         assert.equal("c1", id)
         assert.equal("alice", fine(wms.unlock{ session_ids = id, server = machine.server })[1].user_name)
         machine:end_session(id)
         assert.equal(id, again{ user = "carol", class = "greeter" })
         for _, verb in ipairs{ "close", "lock" } do
            local outcome = fault(wms[verb]{ session_ids = id, server = machine.server,
               message = verb == "lock" and "m" or nil }).outcomes[1]
            assert.same({ "ACCESS_DENIED", "carol" }, { outcome.error.code, outcome.user_name })
         end
         assert.is_true(exists(id))
      end)

      it("are not closed in place of those that were listed", function()
         local id = again{ user = "alice" }
         fine(wms.unlock{ session_ids = id, server = machine.server })
         wms.configure{ allow = function(action)
            if action.session_id then
               machine:end_session(id)
               assert(again{ user = "bob" } == id)
            end
            return true
         end }
         local list, _, err = wms.close_all(machine.server)
         local outcome = (list or err.outcomes)[1]
         assert.equal("alice", outcome.user_name)
         assert.truthy(outcome.error == nil and outcome.state == "verified") -- alice's session has gone
         assert.is_true(exists(id))
      end)
   end)

   it("may end by themselves while all are unlocked, listed or closed", function()
      for _, what in ipairs{ "unlock_all", "sessions", "close_all" } do
         for i = 1, 8 do
            machine:session{ user = ({ "alice", "bob", "carol" })[i % 3 + 1], type = "tty" }
         end
         local reached = 0
         machine:script[[systemd-run --quiet --collect sh -c 'for id in $(loginctl list-sessions --no-legend |
            awk "{ print \$1 }"); do loginctl terminate-session "$id"; done']]
         kit.await(function()
            local list, _, err = wms[what](machine.server)
            for _, outcome in ipairs(list or err.outcomes) do
               reached = reached + 1
               assert.is_not_nil(outcome.session_id)
               assert.truthy(not outcome.error or outcome.error.code == "NOT_FOUND", err and err.message)
            end
            return #machine:sessions() == 0
         end)
         assert.is_true(reached > 0 or what ~= "sessions")
      end
   end)

   it("whose users have logged out are left out of _all, and noted where they are named", function()
      local old = closing("alice")
      local new = id_of(machine:session{ user = "bob", seat = "seat-b" })
      local seen = {}
      for _, session in ipairs(fine(wms.sessions(machine.server))) do
         seen[session.session_id] = { session.state, session.is_orchestratable }
      end
      assert.same({ [old] = { "closing", false }, [new] = { "active", true } }, seen)
      assert.same({ new }, pluck(fine(wms.lock_all{ server = machine.server, message = "m" }), "session_id"))
      local note = fine(wms.unlock{ session_ids = old, server = machine.server })[1].note
      assert.truthy(note:find("closing", 1, true), note)
      fine(wms.close_all{ server = machine.server, verify = 20 })
      assert.equal(1, #machine:sessions())
      note = fine(wms.close{ session_ids = old, server = machine.server })[1].note -- logind itself leaves it as it is
      assert.truthy(note:find("closing", 1, true), note)
   end)

   it("are not planned by a program of an old log-in of the same user's, who sits at a seat again", function()
      local script = inside()
      local old = closing("alice")
      local new = id_of(machine:session{ user = "alice", seat = "seat-a" })
      local other = id_of(machine:session{ user = "bob", seat = "seat-b" })
      local output = script(function(...) return machine:run_in_session(tostring(old), ...) end, ([[
         local wms = require "wms"
         for _, s in ipairs(wms.sessions()) do print(s.session_id, s.state, s.is_own) end
         local list = wms.close_all{ server = "localhost", what_if = true }
         for _, o in ipairs(list) do print(o.session_id, o.state, o.note) end
         print(wms.close{ session_ids = %d, what_if = true }[1].state)
      ]]):format(new))
      assert.truthy(output:find(old .. "\tclosing\ttrue", 1, true), output)
      assert.truthy(output:find(new .. "\tskipped\t.*active at a seat"), output)
      assert.truthy(output:find(other .. "\tplanned\tnil", 1, true), output)
      assert.truthy(output:find("\nplanned\n$"), output)
   end)

   it("are locked and closed by whom the manual's rules for polkit allow it, and by nobody else", function()
      local script = inside()
      local rules = {}
      for rule in process.run("cat docs/hosts-linux.md"):gmatch("\n```js\n(.-)```") do
         rules[#rules + 1] = rule
      end
      machine:script([[
         getent group teachers > /dev/null || groupadd teachers
         usermod -a -G teachers carol
         printf '%s\n' "$1" > /etc/polkit-1/rules.d/50-sessions.rules
         chmod 644 /etc/polkit-1/rules.d/50-sessions.rules
         systemctl restart polkit]], table.concat(rules, "\n"))
      local id = id_of(machine:session{ user = "alice", seat = "seat-a" })
      local REPORT = ([[
         local wms = require "wms"
         local function report(list, _, err) print((list or err.outcomes)[1].state, err and err.code) end
         report(wms.lock{ session_ids = %d, message = "m" })
         report(wms.close{ session_ids = %d, verify = 20 })
      ]]):format(id, id)
      local output = script(function(...) return machine:run_as("bob", ...) end, REPORT)
      assert.equal("failed\tACCESS_DENIED\nfailed\tACCESS_DENIED\n", output)
      assert.is_true(exists(id))
      output = script(function(...) return machine:run_as("carol", ...) end, REPORT)
      assert.equal("requested\tnil\nverified\tnil\n", output)
      assert.is_false(exists(id))
      machine:script"rm /etc/polkit-1/rules.d/50-sessions.rules"
   end)
end)
