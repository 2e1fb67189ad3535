-- SPDX-License-Identifier: MIT
--- The contract's adapter for real Linux hosts: two of them, emptied after each test.  Sessions have lockers that obey.
local hosts = require "spec.host"

local adapter = {
   name = "logind",
   can = { close = true, lock_report = true, relock = true, deaf = true, mute = true, exempt = true, no_disconnect = true,
      asks_first = true, message = true, opens = true },
}

local FOLDER = "/run/spec-locker"
local USERS = { "alice", "bob", "carol" }
local VERBS = { ["signal Lock"] = "lock", ["signal Unlock"] = "unlock", ["method_call TerminateSession"] = "close" }
local pool, taken, used, unknown = {}, 0, 0, 0 -- `used`: how many machines since the last sweep

--- Starts the program that plays the lockers of all sessions there, unless it runs.
function adapter.start_locker(machine)
   local _, code = machine:run("systemctl", "is-active", "--quiet", "spec-locker")
   if code == 0 then
      return
   end
   machine:put("spec/support/locker.lua", FOLDER .. "/locker.lua")
   machine:script([[
      rm -f "$1/ready"
      systemd-run --quiet --collect --unit=spec-locker lua5.4 "$1/locker.lua" "$1"
      for try in $(seq 500); do
         busctl emit /org/freedesktop/login1/spec org.freedesktop.login1.Session Ready
         [ ! -e "$1/ready" ] || exit 0
         sleep 0.02
      done
      cat "$1/log"
      exit 1]], FOLDER)
end

function adapter.missing()
   local ok, why = hosts.available()
   if not ok then
      return "needs more rights: " .. why
   end
   return nil
end

--- A machine, its locker, and a monitor of its bus.
function adapter.machine(index)
   if not pool[1] then
      for i, machine in ipairs{ hosts.up("room1", "room2") } do
         pool[i] = { machine = machine }
      end
   end
   local item = pool[index]
   used = math.max(used, index)
   adapter.start_locker(item.machine)
   item.monitor = item.monitor or item.machine:monitor()
   if not item.terminals then
      item.terminals, item.shown = item.machine:terminals(6)
   end
   return item.machine, item
end

--- Stops the bus by the machine's function `how`, until start_bus() or the end of the test.
function adapter.stop_bus(host, how)
   host.item.bus_is_down = true
   host.machine[how](host.machine)
end

--- The locker and the monitor went with the bus; this test has to do without.
function adapter.start_bus(host)
   local item = host.item
   item.bus_is_down = nil
   host.machine:start_bus()
   if item.monitor then
      pcall(item.monitor.stop, item.monitor)
      item.monitor = nil
   end
end

--- The machine is switched off, until turn_on() or the end of the test.
function adapter.turn_off(host)
   local item = host.item
   if item.monitor then
      pcall(item.monitor.stop, item.monitor)
   end
   item.monitor, item.terminals, item.off = nil, nil, true
   item.machine:down()
end

--- It is another one then, without sessions; its lockers run.
function adapter.turn_on(host)
   local item = host.item
   item.off = nil
   item.machine = hosts.up(item.machine.name)
   host.machine, host.server = item.machine, item.machine.server
   adapter.start_locker(item.machine)
end

--- What was shown on the terminals of the machine's sessions.
local function shown(item)
   local file = assert(io.open(item.shown, "rb"))
   local text = file:read("*a")
   file:close()
   return (text:gsub("Script started on [^\n]*\n", "")) -- which script says when something else was shown
end

--- An id as wms gives it back.
function adapter.id(text)
   return text:match("^%d+$") and math.tointeger(tonumber(text)) or text
end

function adapter.host(options)
   taken = taken + 1
   local machine, item = adapter.machine(taken)
   local host = { server = machine.server, ids = {}, users = {}, machine = machine, item = item, monitor = item.monitor }

   for i, wanted in ipairs(options.sessions or {}) do
      local user = wanted.user or USERS[(i - 1) % #USERS + 1]
      local id = machine:session{
         user = user, class = wanted.exempt and "background" or nil, type = wanted.type or "tty", seat = wanted.seat,
         tty = item.terminals[i],
      }
      host.ids[i], host.users[i] = adapter.id(id), user
      local mode = wanted.deaf and "deaf" or wanted.relock and "relock " .. wanted.relock
      if mode then
         machine:script('echo "$1" > "$2"', mode, FOLDER .. "/" .. id)
      end
      if wanted.locked then
         machine:set_hint(id, true)
      end
   end
   item.monitor:reset()
   local before = #shown(item)

   function host.unknown_id()
      unknown = unknown + 1
      return 4294000000 + unknown
   end

   function host.lock(id)
      host.machine:set_hint(tostring(id), true)
   end

   function host.unlock(id)
      host.machine:set_hint(tostring(id), false)
   end

   function host.drop(id)
      machine:end_session(tostring(id))
   end

   function host.open(user)
      return adapter.id(host.machine:session{ user = user, type = "tty" })
   end

   function host.locked(id)
      return host.machine:locked(tostring(id))
   end

   function host.exists(id)
      for _, session in ipairs(machine:sessions()) do
         if session.id == tostring(id) and session.state ~= "closing" then
            return true
         end
      end
      return false
   end

   --- What reached the sessions, as an independent program on the bus has seen it.
   function host.asked(verb)
      local count = 0
      for _, message in ipairs(item.monitor:messages()) do
         local is = VERBS[message.type .. " " .. message.member]
         if is and (verb == nil or verb == is) then
            count = count + 1
         end
      end
      if verb == nil or verb == "message" then -- each rings the bell once
         count = count + select(2, shown(item):sub(before + 1):gsub("\a", ""))
      end
      return count
   end

   --- What was shown on the sessions' terminals.
   function host.shown()
      return shown(item):sub(before + 1)
   end

   function host.mute()
      machine:check("systemctl", "kill", "--signal=STOP", "systemd-logind")
      item.mute = true
   end

   return host
end

function adapter.unreachable()
   return "logind:///run/no-such-bus/socket"
end

function adapter.sweep()
   for i = 1, used do
      local item = pool[i]
      if item.off then
         adapter.turn_on{ item = item }
      end
      local machine = item.machine
      if item.bus_is_down then
         adapter.start_bus{ machine = machine, item = item }
         item.mute = nil
      elseif item.mute then
         machine:check("systemctl", "kill", "--signal=CONT", "systemd-logind")
         item.mute = nil
      end
      machine:script([[
         cd "$1" 2>/dev/null || exit 0
         for file in *; do case $file in locker.lua | log) ;; *) rm -f "$file" ;; esac; done
         cd /run/systemd/sessions # a file for each session that logind knows, and its FIFO
         sessions() { ids=(); for id in *; do case $id in *.ref | '*') ;; *) ids+=("$id") ;; esac; done; }
         sessions
         [ ${#ids[@]} = 0 ] && exit
         loginctl terminate-session "${ids[@]}" || : # one may have ended meanwhile
         for ((i = 0; i < 500; i++)); do
            sessions
            [ ${#ids[@]} = 0 ] && exit
            for id in "${ids[@]}"; do [ $((i % 50)) != 49 ] || loginctl terminate-session "$id" || :; done
            sleep 0.02
         done
         loginctl list-sessions
         exit 1]], FOLDER)
   end
   taken, used = 0, 0
end

function adapter.down()
   pool, taken, used = {}, 0, 0
   hosts.down()
end

return adapter
