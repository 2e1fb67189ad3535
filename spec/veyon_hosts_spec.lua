-- SPDX-License-Identifier: MIT
--- Real hosts with Veyon, each in one of the states in which its gateway says "200" and nothing happens, or tells of a lock
--- that is not: what wms says is compared with what is on the screen, which is taken from the frame buffer.
---
--- `make veyon` has all of it; `make test` takes the few of QUICK.
local kit = require "spec.support.kit"
local keeping = require "spec.support.keeping"
local lab = require "spec.host.veyon.lab"
local process = require "spec.support.process"
local wms = kit.wms
local fine, fault = kit.fine, kit.fault

local unpack = table.unpack or unpack -- luacheck: ignore 143
local ALL = os.getenv("WMS_VEYON") == "all"
local VERIFY, TIMEOUT = 20, 60 -- seconds; the machine is busy

describe("a real host with Veyon #once", function()
   local ok, why = lab.available()
   if ok and not wms.load "veyon" then
      ok, why = false, "the provider veyon is not built (see what `make` left out)"
   end
   if not ok then
      it("is locked", function() pending(why) end)
      return
   end

   --- Of `make veyon` alone.
   local function it_all(text, body)
      if ALL then
         it(text, body)
      end
   end

   local keep, sweep = kit.keeper()
   local room, one, two, desktop
   local store = kit.store()

   local function bind(host)
      fine(wms.bind{ server = host.server, gateway = room.url, key_name = room.key_name, key_file = room.key_file })
   end

   setup(function()
      room = lab.up("one", "two")
      one, two = room.one, room.two
      wms.configure{ store = store }
      bind(one)
      bind(two)
   end)

   teardown(function()
      lab.down()
   end)

   --- Each test begins with the host `one` as it is after a reboot, alice there, and her screen open.
   local function fresh()
      if desktop and one:listens() and not one.spoilt and one.user_name == "alice" and not one:locked(desktop) then
         return
      end
      if desktop then
         one:reboot()
      end
      one.spoilt, one.user_name = nil, "alice"
      desktop = one:user "alice"
   end

   before_each(function()
      wms.configure{ store = store }
      fresh()
   end)

   after_each(function()
      sweep()
      kit.reset()
   end)

   local function options_of(verb, more)
      local options = { session_ids = 0, server = one.server, verify = VERIFY, timeout = TIMEOUT }
      if verb == "lock" then
         options.message = "m"
      end
      for key, value in pairs(more or {}) do
         options[key] = value
      end
      return options
   end

   local function command(verb, more)
      return wms[verb](options_of(verb, more))
   end

   local function start(verb, more)
      return wms.start(verb, options_of(verb, more))
   end

   --- The error with which it ends.
   local function ended(request)
      request:wait()
      local err = fault(request:result())
      request:close()
      return err
   end

   local function verified(verb)
      local list, message = command(verb)
      assert.is_table(list, ("%s: %s; the screen is %s"):format(verb, message, one:locked(desktop) and "locked" or "open"))
      local outcome = fine(list)[1]
      assert.same({ "verified", "alice" }, { outcome.state, outcome.user_name })
      assert.is_not_false(outcome.changed) -- nil: a new connection could not tell at once how it was before
      assert.equal(verb == "lock", one:locked(desktop))
   end

   --- What a command says that was not carried out.
   local function refused(verb, codes, more)
      local err = fault(command(verb, more))
      assert.is_true(kit.set(codes)[err.code] == true, ("%s: %s"):format(err.code, err.message))
      return err
   end

   --- A command that may be carried out or not, which nobody can know before: what it says is so.
   local function honest(verb, more)
      local list, _, err = command(verb, more)
      if list then
         assert.equal("verified", list[1].state)
         assert.equal(verb == "lock", one:locked(desktop))
      elseif err.code == "UNVERIFIED" then
         assert.equal(verb ~= "lock", one:locked(desktop))
      else -- the connection has ended: it may still be carried out
         assert.equal("UNREACHABLE", err.code, err.message)
      end
      return list
   end

   local function told()
      local list = fine(wms.sessions(one.server))
      return list[1]
   end

   it("is locked and unlocked, and is said to be so", function()
      assert.is_false(told().locked)
      verified "lock"
      local session = told()
      assert.same({ "alice", true }, { session.user_name, session.locked })
      assert.is_not_true(fine(command("lock"))[1].changed)
      verified "unlock"
      assert.is_false(told().locked)
      one:await_lock(desktop, false)
   end)

   it("is free when the lock's process was killed, and nothing says otherwise", function()
      verified "lock"
      one:signal_worker "KILL"
      one:await_lock(desktop, false)
      kit.await(function() return told().locked == false end)
      -- A command may get into the dead process's queue.
      kit.await(function() return honest("lock", { verify = 6 }) end, nil, 90)
      verified "unlock"
   end)

   it("is never said to be locked when its program is missing", function()
      one.spoilt = true
      one:worker(false)
      refused("lock", { "UNVERIFIED" }, { verify = 6 })
      assert.is_false(one:locked(desktop))
      assert.is_not_true(told().locked) -- the host says that it is
      one:worker(true)
      if not honest("lock", { verify = 6 }) then -- the dead process's queue has it
         assert.is_not_true(told().locked)
      end
      one:restart_service()
      kit.await(function() return honest "lock" end, nil, 90)
   end)

   it_all("is never said to be unlocked while the lock's process hangs", function()
      verified "lock"
      one:signal_worker "STOP"
      refused("unlock", { "UNVERIFIED" }, { verify = 6 })
      assert.is_true(one:locked(desktop))
      assert.is_not_false(told().locked)
      one:signal_worker "CONT"
      one:await_lock(desktop, false)
      kit.await(function() return told().locked == false end, nil, 60)
   end)

   it_all("is told that its lock does not last", function()
      local request = start("lock", { stable = 30 })
      kit.pump(request, function() return one:locked(desktop) end)
      request:wait(3)
      one:signal_worker "KILL"
      one:await_lock(desktop, false)
      assert.equal("REVERTED", ended(request).code)
   end)

   it_all("is not locked where that is switched off", function()
      one.spoilt = true
      one:configure{ Features = { DisabledFeatures = '@Invalid()' } }
      one:configure{ Features = { DisabledFeatures = "{ccb535a2-1d24-4cc1-a709-8b47d2b2ac79}" } }
      one:await()
      refused("lock", { "UNVERIFIED" }, { verify = 6 })
      assert.is_false(one:locked(desktop))
      assert.is_false(told().locked)
   end)

   it_all("is not locked where its rules deny it", function()
      one.spoilt = true
      one:configure{ AccessControl = { AccessRestrictedToUserGroups = true, AuthorizedUserGroups = "nogroup" } }
      one:await()
      refused("lock", { "ACCESS_DENIED", "UNREACHABLE" }, { verify = 6 })
      assert.is_false(one:locked(desktop))
      local list, _, err = wms.sessions(one.server)
      assert.is_nil(list)
      assert.is_true(err.code == "ACCESS_DENIED" or err.code == "UNREACHABLE", err.code)
   end)

   it_all("is not locked when nobody is logged on, and that is not remembered", function()
      one:log_off(desktop)
      refused("lock", { "UNREACHABLE", "NOT_FOUND", "TIMEOUT" })
      desktop = one:user "alice"
      assert.is_false(one:locked(desktop))
      assert.is_false(kit.await(told, nil, 60).locked)
      verified "lock"
      verified "unlock"
   end)

   it_all("is not locked at a log-on screen", function()
      one:log_off(desktop)
      one.spoilt = true
      local greeter = one:user("carol", { class = "greeter" })
      refused("lock", { "NOT_FOUND" })
      assert.is_false(one:locked(greeter))
      local list = wms.sessions(one.server)
      assert.same({}, list)
   end)

   it_all("has its user logged off", function()
      one.user_name = nil
      local id = desktop.id
      local list, message = command "close"
      local over = pcall(kit.await, function()
         for _, session in ipairs(one:sessions()) do
            if session.id == id then
               return false
            end
         end
         return true
      end, nil, 60)
      assert.is_true(over, message)
      -- Silence may be the log-off or the cable: then nothing is said to be verified.
      if list then
         assert.is_true(kit.set{ "verified", "gone" }[list[1].state] == true, list[1].state)
      end
      one:await(false)
      desktop = one:user "alice"
      one.user_name = "alice"
      verified "lock" -- the connection of the former session does no harm
      verified "unlock"
   end)

   it_all("is free when another user has logged on, and is told so", function()
      one.spoilt = true
      verified "lock"
      local other = one:user("bob", { display = 2 })
      one:await_lock(desktop, false) -- for whom nobody can do anything any more
      local session = kit.await(function()
         local list = wms.sessions(one.server)
         return list and list[1] and list[1].user_name == "bob" and list[1]
      end, nil, 60)
      assert.is_false(session.locked)
      assert.is_false(one:locked(other))
      local outcome = fine(command("lock"))[1]
      assert.same({ "verified", "bob" }, { outcome.state, outcome.user_name })
      assert.same({ true, false }, { one:locked(other), one:locked(desktop) })
   end)

   it_all("is free and out of order when its server was killed", function()
      one.spoilt = true
      verified "lock"
      one:kill_server()
      one:await_lock(desktop, false)
      local err = refused("lock", { "UNREACHABLE", "TIMEOUT", "UNVERIFIED", "ACCESS_DENIED" }, { verify = 6, timeout = 20 })
      assert.is_false(one:locked(desktop), err.message)
      one:restart_service()
      kit.await(function() return honest "lock" end, nil, 90)
   end)

   it_all("is free after a reboot, and the former connection deceives nobody", function()
      verified "lock"
      one:reboot()
      desktop = one:user "alice"
      assert.is_false(one:locked(desktop))
      assert.is_false(kit.await(told, nil, 60).locked)
      verified "lock"
      verified "unlock"
   end)

   it_all("cannot be locked with its cable out", function()
      one.spoilt = true
      one:plug(false)
      local err = refused("lock", { "UNREACHABLE", "TIMEOUT", "UNVERIFIED" }, { verify = 6, timeout = 20 })
      assert.is_false(one:locked(desktop))
      one:plug(true)
      -- What the gateway took before it knew may be carried out late; then it must have been said.
      os.execute("sleep 15")
      if one:locked(desktop) then
         local state = err.outcomes[1].state
         assert.is_true(state == "unknown" or err.code == "UNVERIFIED", state .. " " .. err.code)
      end
   end)

   it_all("is not said to be locked when its cable is pulled out meanwhile", function()
      one.spoilt = true
      local request = start("lock", { verify = 8, stable = 4, timeout = 40 })
      kit.pump(request, function() return one:locked(desktop) end)
      one:plug(false)
      local err = ended(request)
      assert.is_true(kit.set{ "UNREACHABLE", "TIMEOUT", "UNVERIFIED", "REVERTED" }[err.code] == true, err.message)
      one:plug(true)
   end)

   it_all("is not said to be unlocked when its cable was pulled out after the lock", function()
      one.spoilt = true
      verified "lock"
      one:plug(false)
      local err = refused("unlock", { "UNREACHABLE", "TIMEOUT", "UNVERIFIED" }, { verify = 6, timeout = 20 })
      assert.is_true(one:locked(desktop), err.message)
      one:plug(true)
      kit.await(function() return told().locked == one:locked(desktop) end, nil, 90)
   end)

   it_all("needs the gateway", function()
      room:kill_gateway()
      refused("lock", { "UNREACHABLE" }, { timeout = 20 })
      assert.is_false(one:locked(desktop))
      room:gateway()
      verified "lock"
      room:gateway() -- another process, which knows no connection of the former's
      verified "unlock"
   end)

   it("has a gateway for as long as a command runs", function()
      local function listens()
         return room.teacher:run("ss", "-Hltn", "sport = :11080"):find(":11080", 1, true) ~= nil
      end
      room:kill_gateway()
      kit.await(function() return not listens() end, nil, 60)
      local script = ([[
         local wms = require "wms"
         local server = %q
         assert(wms.bind{ server = server, key_name = %q, key_file = %q })
         local list = assert(wms.lock{ server = server, session_ids = 0, message = "m", verify = %d, timeout = %d })
         print(list[1].state, list[1].user_name)
      ]]):format(one.server, room.key_name, room.key_file, VERIFY, TIMEOUT)
      local words = { "veyon-gateway", "--" }
      for word in process.lua():gmatch("%S+") do -- the interpreter, and what it may be run by
         words[#words + 1] = word
      end
      words[#words + 1], words[#words + 2] = "-e", script
      assert.same({ "verified\talice\n", 0 }, { room:wms((table.unpack or unpack)(words)) })
      assert.is_true(one:locked(desktop))
      kit.await(function() return not listens() end, nil, 60)
      room:gateway()
      verified "unlock"
   end)

   it_all("is held locked by wms.keep, whatever takes the lock away", function()
      local keeper, reports = keeping.begin(keep, { server = one.server, locked = true, restore = true, timeout = TIMEOUT })
      local function await_lock()
         keeping.await(keeper, function() return one:locked(desktop) end, 120)
      end
      await_lock()
      one:signal_worker "KILL"
      one:await_lock(desktop, false)
      await_lock()
      one:log_off(desktop)
      desktop = one:user "alice"
      await_lock()
      one:reboot()
      desktop = one:user "bob"
      one.user_name = "bob"
      await_lock()
      keeping.await(keeper, function()
         local last = reports[#reports]
         return last.kind == "acted" and last.user_name == "bob" and not last.error
      end, 120)
      keeper:stop()
      assert.equal(1, assert(keeper:run()).restored)
      one:await_lock(desktop, false)
   end)

   it_all("shows messages", function()
      local before = desktop:screenshot()
      assert.equal("requested", fine(wms.message{ session_ids = 0, server = one.server, title = "Lab 1",
         message = "Ten <minutes> left" })[1].state)
      kit.await(function() return require "spec.host".difference(before, desktop:screenshot()) > 0.01 end, nil, 60)
      one.spoilt = true
   end)

   it_all("does not wait for 28 others that are off", function()
      local other = two:user "bob"
      local servers = {}
      for i = 1, 28 do
         servers[i] = ("veyon://10.91.0.%d"):format(100 + i) -- nobody has these addresses
         store.save(servers[i], (store.load(one.server):gsub(one.server, servers[i], nil)))
      end
      servers[29], servers[30] = one.server, two.server
      local order = {} -- of the hosts that are off eight at a time take 15 s
      local err = fault(wms.lock_all{ servers = servers, message = "m", verify = VERIFY, timeout = 300,
         on_outcome = function(outcome) order[#order + 1] = outcome.server end })
      local first = kit.set{ unpack(order, 1, 10) }
      assert.is_true(first[one.server] and first[two.server])
      assert.same({ true, true }, { one:locked(desktop), two:locked(other) })
      for i, outcome in ipairs(err.outcomes) do
         assert.same(i <= 28 and { "failed", "UNREACHABLE" } or { "verified" },
            { outcome.state, outcome.error and outcome.error.code })
      end
      fine(wms.unlock{ servers = { one.server, two.server }, session_ids = 0, verify = VERIFY, timeout = TIMEOUT })
      two:log_off(other)
   end)

   it_all("keeps its neighbour out of it", function()
      local other = two:user "bob"
      verified "lock"
      assert.is_false(two:locked(other))
      local both = { one.server, two.server }
      fine(wms.lock{ servers = both, session_ids = 0, message = "m", verify = VERIFY, timeout = TIMEOUT })
      assert.same({ true, true }, { one:locked(desktop), two:locked(other) })
      fine(wms.unlock{ servers = both, session_ids = 0, verify = VERIFY, timeout = TIMEOUT })
      assert.same({ false, false }, { one:locked(desktop), two:locked(other) })
   end)
end)
