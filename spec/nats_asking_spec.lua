-- SPDX-License-Identifier: MIT
--- Who asks hosts over NATS: what is watched, what comes in parts, pictures, wishes and the store, misuse, forks, other
-- servers.
local kit = require "spec.support.kit"
local nats = require "spec.support.nats"
local process = require "spec.support.process"
local raw = require "spec.support.nats_raw"
local room = require "spec.support.nats_room"
local watching = require "spec.support.watching"
local wms = kit.wms
local fine, fault = kit.fine, kit.fault

local build = os.getenv("WMS_BUILD") or "build"

describe("who asks hosts over NATS #once", function()
   local server, program, opened, serial = nil, nil, {}, 0
   local why = room.missing() or raw.missing()

   --- A test that needs the servers.
   local function proves(text, test)
      it(text, function()
         if why then
            return pending(why)
         end
         test()
      end)
   end

   setup(function()
      if not why then
         server = room.server()
         program = room.program{ nats = { servers = server.url } }
      end
   end)

   teardown(room.down)

   before_each(function()
      if server then
         room.use(server, { name = "alice" })
      end
   end)

   after_each(function()
      watching.sweep()
      kit.reset()
      for i = #opened, 1, -1 do
         opened[i]:close()
         opened[i] = nil
      end
   end)

   local function name_of(what)
      serial = serial + 1
      return what .. serial
   end

   --- An agent of the program's with so many sessions; its name.
   local function agent(sessions, more)
      serial = serial + 1
      local text = "serve{ prefix = 'asked', first = %d, last = %d, sessions = %d, %s }"
      program:eval(text:format(serial, serial, sessions or 3, more or ""))
      return "asked" .. serial
   end

   --- Somebody on the server who may say anything.
   local function stranger()
      local client = assert(raw.connect{ port = server.port })
      opened[#opened + 1] = client
      return client
   end

   --- An agent that is played: `answers.VERB` is what it answers, or a function of the client and the question; `asked`
   -- counts.
   local function played(answers)
      local client, name = stranger(), name_of "played"
      client:subscribe(("wms.v1.%s.*.*"):format(name))
      client:flush()
      local self = { client = client, name = name, asked = {} }
      function self.serve()
         local question = client:next(0)
         if question then
            local verb = question.subject:match("^wms%.v1%.[^.]+%.([^.]+)")
            self.asked[verb] = (self.asked[verb] or 0) + 1
            local answer = answers[verb]
            if type(answer) == "function" then
               answer(client, question)
            elseif answer then
               client:publish(question.reply, answer)
            end
         end
      end
      function self.run(verb, options)
         options.server = "nats://" .. name
         local request = wms.start(verb, options)
         kit.await(function() return request:done() end, function()
            request:wait(0.01)
            self.serve()
         end)
         return (function(...)
            request:close()
            return ...
         end)(request:result())
      end
      return self
   end

   -- ---------------------------------------------------------------- many hosts

   --- Somebody who hears the questions to so many hosts, none of which is answered before all have come; who waits for
   -- them meanwhile is stepped.
   local function heard_of(count, prefix, step)
      local client, questions = stranger(), {}
      client:subscribe "wms.v1.*.*.*"
      client:flush()
      return function()
         kit.await(function() return #questions == count end, function()
            step()
            local question = client:next(0)
            while question do
               if question.subject:find("wms.v1." .. prefix, 1, true) then
                  questions[#questions + 1] = question
               end
               question = client:next(0)
            end
         end)
         return client, questions
      end
   end

   proves("asks all hosts at once, whatever `concurrency` is, and the first alone where it stops", function()
      local prefix, request = name_of "many", nil
      local hear = heard_of(100, prefix, function() request:wait(0.01) end)
      local hosts = ("nats://%s-[1-100]"):format(prefix)
      request = wms.start("unlock", { session_ids = 1, server = hosts, concurrency = 2, timeout = 20 })
      local client, questions = hear()
      for _, question in ipairs(questions) do
         client:publish(question.reply, '{"outcomes":[[1,"requested"]]}')
      end
      kit.await(function() return request:done() end, function() request:wait(0.01) end)
      assert.equal(100, #fine(request:result()))
      request:close()
      prefix = name_of "stops"
      hear = heard_of(1, prefix, function() request:wait(0.01) end)
      request = wms.start("unlock", { session_ids = 1, server = ("nats://%s-[1-100]"):format(prefix), timeout = 20,
         on_error = "stop" })
      client, questions = hear()
      request:wait(0.2)
      client:flush()
      assert.is_nil(client:next(0))
      request:close()
      assert.truthy(questions[1].subject:find(prefix .. "-1.", 1, true), questions[1].subject)
   end)

   proves("begins to watch all hosts at once", function()
      local prefix, watch = name_of "seen", nil
      local hear = heard_of(50, prefix, function() watch:next(0.01) end)
      watch = assert(wms.watch{ server = ("nats://%s-[1-50]"):format(prefix), concurrency = 2, timeout = 20 })
      local client, questions = hear()
      for _, question in ipairs(questions) do
         client:publish(question.reply, '{"sessions":[]}')
      end
      local ready = 0
      kit.await(function() return ready == 50 end, function()
         local event = watch:next(0.01)
         ready = ready + (event and event.kind == "ready" and 1 or 0)
      end)
      watch:close()
   end)

   -- ---------------------------------------------------------------- addresses, and what is configured

   it("is told when the servers are not configured", function()
      if room.missing() then
         return pending(room.missing())
      end
      kit.reset()
      local err = fault(wms.sessions("nats://" .. name_of "dark"))
      assert.equal("NOT_BOUND", err.code)
      assert.truthy(err.message:find("wms.configure{ nats", 1, true), err.message)
   end)

   proves("is told what an address is", function()
      for _, address in ipairs{ "nats://lab:4222", "nats://bob@lab", "nats://lab/x", "nats://[fe80::1]" } do
         local err = fault(wms.sessions(address))
         assert.equal("UNREACHABLE", err.code)
         assert.truthy(err.message:find("nats://host", 1, true), err.message)
      end
   end)

   proves("is told of a host that is not there, at once, and that nothing was done", function()
      local list, message, err = wms.close_all{ server = "nats://" .. name_of "dark", timeout = 60 }
      local outcome = kit.outcomes(list, message, err)[1]
      assert.equal("failed", outcome.state)
      assert.equal("UNREACHABLE", outcome.error.code)
      assert.truthy(message:find("no agent of this host", 1, true), message)
   end)

   proves("is told so, too, by servers that have no store to look at", function()
      local plain = nats.start{}
      finally(function() plain:kill() end)
      wms.configure{ nats = { servers = plain.url } }
      for _, timeout in ipairs{ 2, 60 } do
         local list, message, err = wms.close_all{ server = "nats://" .. name_of "dark", timeout = timeout }
         local outcome = kit.outcomes(list, message, err)[1]
         assert.same({ "failed", "UNREACHABLE" }, { outcome.state, outcome.error.code })
      end
   end)

   proves("is told what hosts of this kind cannot do", function()
      local err = fault(wms.bind{ server = "nats://lab", user_name = "a", password = "b", fingerprint = ("AB"):rep(32) })
      assert.equal("UNSUPPORTED", err.code)
      assert.truthy(err.message:find("need no binding", 1, true), err.message)
   end)

   proves("goes on with the servers that it was told of first, and to others with the next", function()
      local name, other = agent(2), nats.start{ jetstream = true }
      assert.equal(2, #fine(wms.unlock_all("nats://" .. name)))
      wms.configure{ nats = { servers = other.url } }
      local dark = fault(wms.unlock_all("nats://" .. name_of "dark"))
      assert.equal("UNREACHABLE", dark.code)
      assert.equal(1, tonumber(other:ask("/varz"):match('"connections":%s*(%d+)')))
      other:kill()
   end)

   proves("waits for servers that are gone for a moment", function()
      local name = agent(2)
      fine(wms.unlock_all("nats://" .. name))
      server:kill()
      local request = wms.start("unlock", { server = "nats://" .. name, session_ids = 1, timeout = 60 })
      request:wait(0.3)
      assert.is_false(request:done())
      server:start()
      kit.await(function() return request:done() end, function() request:wait(0.1) end)
      assert.equal("requested", request:result()[1].state)
      request:close()
   end)

   proves("is told of each host that the servers do not let it ask, of thousands at once, and of each question", function()
      local strict = nats.start{ config = [[
         authorization { users: [ { user: "bob", password: "secret", permissions: {
            publish: { allow: ["wms.v1.his.>"] }, subscribe: { allow: ["wms.v1.*.answer.>"] } } } ] }]] }
      finally(function() strict:kill() end)
      local file = nats.folder() .. "/bob"
      local handle = assert(io.open(file, "w"))
      handle:write "secret\n"
      handle:close()
      process.run("chmod 600 " .. process.quote(file))
      wms.configure{ nats = { servers = strict.url, user_name = "bob", password_file = file } }
      local servers = {}
      for i = 1, 3000 do
         servers[i] = "nats://forbidden" .. i
      end
      for _, outcome in ipairs(fault(wms.close_all{ server = servers, concurrency = #servers, timeout = 60 }).outcomes) do
         assert.same({ "failed", "ACCESS_DENIED" }, { outcome.state, outcome.error.code })
      end
      local requests = {}
      for i = 1, 3 do
         requests[i] = wms.start("unlock_all", { server = "nats://forbidden1", timeout = 60 })
      end
      for _, request in ipairs(requests) do
         kit.await(function() return request:done() end, function() request:wait(0.1) end)
         assert.equal("ACCESS_DENIED", select(3, request:result()).code)
         request:close()
      end
   end)

   proves("says why servers cannot be reached that never were", function()
      local gone = nats.start{}
      gone:kill()
      wms.configure{ nats = { servers = gone.url } }
      local err = fault(wms.sessions{ server = "nats://" .. name_of "dark", timeout = 60 })
      assert.equal("UNREACHABLE", err.code)
      assert.truthy(err.message:find("NATS", 1, true), err.message)
   end)

   -- ---------------------------------------------------------------- parts and pictures

   proves("reads lists of many sessions, in parts", function()
      local name = agent(4000)
      local list = fine(wms.sessions("nats://" .. name))
      assert.equal(4000, #list)
      assert.equal(4000, list[4000].session_id)
      assert.equal(4000, #fine(wms.lock_all{ server = "nats://" .. name, message = "m" }))
   end)

   proves("does not make one list of the parts of two", function()
      local round = 0
      local host = played{ sessions = function(client, question)
         round = round + 1
         client:publish(question.reply, ('{"part":0,"sessions":[{"id":%d}],"more":true}'):format(round))
         if round == 2 then -- the second part of the first was lost
            client:publish(question.reply, '{"part":2,"sessions":[{"id":66}]}')
            client:publish(question.reply, '{"part":1,"sessions":[{"id":20}],"more":true}')
            client:publish(question.reply, '{"part":2,"sessions":[{"id":21}]}')
         end
      end }
      assert.same({ 2, 20, 21 }, kit.pluck(fine(host.run("sessions", { timeout = 30 })), "session_id"))
   end)

   proves("takes each part of a command's outcomes once", function()
      local host = played{ unlock = function(client, question)
         client:publish(question.reply, '{"outcomes":[[1,"requested"]],"more":true}')
         client:publish(question.reply, '{"outcomes":[[1,"requested"]],"more":true}')
         client:publish(question.reply, '{"part":2,"outcomes":[[9,"requested"]]}')
         client:publish(question.reply, '{"part":1,"outcomes":[[2,"requested"]]}')
      end }
      assert.same({ 1, 2 }, kit.pluck(fine(host.run("unlock_all", { timeout = 30 })), "session_id"))
   end)

   proves("refuses an answer that is longer than it wants to read", function()
      wms.configure{ answer_size = 1024 }
      local host = played{ sessions = function(client, question)
         client:publish(question.reply, '{"sessions":[{"id":1}],"more":true}')
         client:publish(question.reply, ('{"part":1,"sessions":[{"id":2,"user_name":"%s"}],"more":true}'):format(
            ("x"):rep(2000)))
      end }
      local err = fault(host.run("sessions", { timeout = 30 }))
      assert.equal("PROTOCOL", err.code)
      assert.truthy(err.message:find("answer_size", 1, true), err.message)
   end)

   proves("refuses outcomes without an end, and keeps those that it has", function()
      wms.configure{ answer_size = 1024 }
      local host = played{ unlock = function(client, question)
         for part = 0, 200 do
            client:publish(question.reply, ('{"part":%d,"outcomes":[[%d,"requested"]],"more":true}'):format(part, part + 1))
         end
      end }
      local err = fault(host.run("unlock_all", { timeout = 30 }))
      assert.is_true(#err.outcomes > 1 and #err.outcomes < 40, #err.outcomes)
      assert.equal("requested", err.outcomes[1].state)
      local last = err.outcomes[#err.outcomes]
      assert.same({ "unknown", "PROTOCOL" }, { last.state, last.error.code })
      assert.truthy(last.error.message:find("answer_size", 1, true), last.error.message)
   end)

   proves("gets pictures as the host has them", function()
      local name = agent(2)
      local size = tonumber(program:eval(([[return #assert(wms.thumbnail{ server = "memory://%s", session_ids = 1,
         size = "small" })[1].picture]]):format(name)))
      local list = fine(wms.thumbnail_all{ server = "nats://" .. name, size = "small" })
      assert.equal(2, #list)
      assert.equal(size, #list[1].picture)
      assert.equal("\255\216", list[2].picture:sub(1, 2))
   end)

   proves("gets a picture in parts", function()
      local jpeg = program:eval[[wms.memory("picture", { sessions = { { session_id = 1 } } })
         return wms.thumbnail{ server = "memory://picture", session_ids = 1 }[1].picture]]
      local host = played{ thumbnail = function(client, question)
         client:publish(question.reply, '{"outcomes":[[1,"verified"]],"more":true}\n' .. jpeg:sub(1, 100))
         client:publish(question.reply, '{"part":1,"outcomes":[[1,"verified"]]}\n' .. jpeg:sub(101))
      end }
      assert.equal(jpeg, fine(host.run("thumbnail", { session_ids = 1, timeout = 30 }))[1].picture)
   end)

   -- ---------------------------------------------------------------- questions

   proves("looks at single sessions where somebody wants to be asked", function()
      local name, seen = agent(3), {}
      wms.configure{ allow = function(action)
         seen[#seen + 1] = action.session_id
         return action.session_id ~= 2
      end }
      local err = fault(wms.lock_all{ server = "nats://" .. name, message = "m", verify = 30 })
      assert.equal("verified", err.outcomes[1].state)
      assert.is_true(err.outcomes[1].changed)
      assert.equal("ACCESS_DENIED", err.outcomes[2].error.code)
      assert.equal("verified", err.outcomes[3].state)
      assert.same({ 1, 2, 3 }, seen)
   end)

   proves("ends what the host cannot know as unknown", function()
      local host = played{ close = '{"unknown":true,"text":"the agent began anew; it may have been done"}' }
      local list, message, err = host.run("close", { session_ids = { 1, 2 }, timeout = 30 })
      for _, outcome in ipairs(kit.outcomes(list, message, err)) do
         assert.equal("unknown", outcome.state)
      end
   end)

   proves("waits for a host that is at work, beyond the time that it waits for silent ones", function()
      local begun = kit.now()
      local host
      host = played{ unlock = function(client, question)
         client:publish(question.reply, kit.now() - begun < 4 and '{"working":true}' or '{"outcomes":[[1,"requested"]]}')
      end }
      assert.equal(1, #fine(host.run("unlock_all", { timeout = 2 })))
      assert.is_true(host.asked.unlock >= 3)
   end)

   proves("has hosts be done a little before a command's deadline, so that they can still tell what they did", function()
      local deadline
      local host = played{ lock = function(client, question)
         deadline = tonumber(question.data:match '"deadline":([%d.]+)')
         client:publish(question.reply, '{"outcomes":[[1,"requested"],[2,"skipped",null,"TIMEOUT"]]}')
      end }
      local err = fault(host.run("lock_all", { message = "m", deadline = 60, timeout = 30 }))
      assert.same({ "requested", "skipped" }, kit.pluck(err.outcomes, "state"))
      assert.is_true(deadline <= 59 and deadline > 30, deadline)
   end)

   proves("gives up a host that has gone without a word, as what may have been done", function()
      local host = played{}
      local list, message, err = host.run("close", { session_ids = 1, timeout = 60 })
      local outcome = kit.outcomes(list, message, err)[1]
      assert.equal("unknown", outcome.state)
      assert.equal("UNREACHABLE", outcome.error.code)
      assert.is_true(host.asked.close >= 2)
   end)

   proves("reboots a host, and switches it off", function()
      local name = agent(1)
      assert.equal("requested", fine(wms.reboot("nats://" .. name))[1].state)
      local host = played{ power_off = '{"outcomes":[[null,"failed",null,"ACCESS_DENIED","not by you"]]}' }
      assert.equal("ACCESS_DENIED", fault(host.run("power_off", { timeout = 30 })).code)
   end)

   -- ---------------------------------------------------------------- watching

   local SESSIONS = '{"sessions":[{"id":1,"user_name":"ann","locked":false,"state":"active"}]}'

   local function event(client, name, instance, seq, rest, headers)
      client:publish(("wms.v1.%s.event"):format(name), ('{"instance":"%s","seq":%d,%s}'):format(instance, seq, rest), nil,
         headers)
   end

   local LOCKED = '"event":"locked","session":{"id":1,"user_name":"ann","locked":true,"state":"active"}'
   local UNLOCKED = '"event":"unlocked","session":{"id":1,"user_name":"ann","locked":false,"state":"active"}'

   --- A watch of a played agent, once it is ready.
   local function watched()
      local host = played{ sessions = SESSIONS }
      local seen = watching.new("nats://" .. host.name)
      kit.await(function()
         return seen:rest():all()[1] == "ready" and true
      end, function()
         seen.events[#seen.events + 1] = seen.watch:next(0.01)
         host.serve()
      end)
      return host, seen
   end

   --- Until it has been told so many events, and was asked for its sessions so often.
   local function until_told(host, seen, events, asked)
      kit.await(function()
         return #seen:rest().events >= events and host.asked.sessions >= asked
      end, function()
         seen.events[#seen.events + 1] = seen.watch:next(0.01)
         host.serve()
      end)
   end

   proves("is told by a watch what the agent tells, without asking", function()
      local host, seen = watched()
      event(host.client, host.name, "a1", 7, LOCKED)
      event(host.client, host.name, "a1", 8, UNLOCKED)
      event(host.client, host.name, "a1", 8, LOCKED) -- it was told already
      event(host.client, host.name, "a1", 9, LOCKED, "Nats-Sequence: 3\r\n") -- from a store
      event(host.client, host.name, "a1", 9, '"event":"opened","session":{"id":2,"user_name":"bob"}')
      until_told(host, seen, 4, 1)
      assert.same({ "ready", "locked 1", "unlocked 1", "opened 2" }, seen:all())
      assert.equal(1, host.asked.sessions)
   end)

   proves("asks a watched host for its sessions when something may have been missed", function()
      for what, tell in pairs{
         gap = function(host) event(host.client, host.name, "a1", 3, LOCKED) end,
         anew = function(host) event(host.client, host.name, "a2", 1, LOCKED) end,
         resync = function(host) event(host.client, host.name, "a1", 2, '"resync":true') end,
         beat = function(host)
            host.client:publish("$KV.wms_presence." .. host.name, '{"instance":"a1","version":"x","beat":10,"seq":2}')
         end,
      } do
         local host, seen = watched()
         event(host.client, host.name, "a1", 1, LOCKED)
         until_told(host, seen, 2, 1)
         tell(host)
         until_told(host, seen, 2, 2)
         assert.equal(2, host.asked.sessions, what)
         seen.watch:close()
      end
   end)

   proves("loses an agent that ends, and has it back", function()
      local name = agent(1)
      local seen = watching.new("nats://" .. name)
      seen:await "ready"
      program:eval(("stop(%d, %d, 'asked')"):format(serial, serial))
      seen:await "lost UNREACHABLE"
      program:eval(("serve{ prefix = 'asked', first = %d, last = %d, sessions = 1 }"):format(serial, serial))
      seen:await "back"
      program:eval(("hosts[%q]:lock(1, 'm')"):format(name))
      seen:await "locked 1"
   end)

   proves("knows what has changed while the servers were gone", function()
      local name = agent(1)
      local seen = watching.new("nats://" .. name)
      seen:await "ready"
      server:kill()
      program:eval(("hosts[%q]:lock(1, 'm')"):format(name))
      server:start()
      seen:await "locked 1"
   end)

   -- ---------------------------------------------------------------- rights

   --- A server where alice may do that alone, and an agent on it; the agent's name.
   local function guarded(publish, subscribe)
      local by_rights = nats.start{ config = ([[authorization { users: [
         { user: "alice", password: "secret", permissions: { publish: [ %s ], subscribe: [ %s ] } },
         { user: "host", password: "secret" },
      ] }]]):format(publish, subscribe) }
      local file = nats.folder() .. "/password"
      local handle = assert(io.open(file, "w"))
      handle:write("secret\n")
      handle:close()
      process.run("chmod 600 " .. process.quote(file))
      local name, settings = name_of "guarded", { servers = by_rights.url, user_name = "host", password_file = file }
      local host = room.program{ nats = settings }
      host:eval(("serve{ prefix = 'guarded', first = %d, last = %d, sessions = 1 }"):format(serial, serial))
      settings.user_name, settings.name = "alice", "alice"
      wms.configure{ nats = settings }
      finally(function()
         host:kill()
         by_rights:kill()
      end)
      return name, host, settings
   end

   proves("is told of what the servers do not let it ask, and of a name that is not its own", function()
      local name, _, settings = guarded('"wms.v1.*.sessions.alice"', '"wms.v1.*.answer.alice.>"')
      assert.equal(1, #fine(wms.sessions("nats://" .. name)))
      local list, message, err = wms.close_all{ server = "nats://" .. name, timeout = 60 }
      assert.equal("ACCESS_DENIED", err.code)
      assert.equal("failed", kit.outcomes(list, message, err)[1].state)
      settings.name = "bob"
      wms.configure{ nats = settings }
      err = fault(wms.sessions{ server = "nats://" .. name_of "other", timeout = 60 })
      assert.equal("ACCESS_DENIED", err.code) -- of the question, or of the answers, whichever is said first
   end)

   proves("asks again and again where it may not hear events", function()
      local name, host = guarded('"wms.v1.*.sessions.alice"', '"wms.v1.*.answer.alice.>"')
      local seen = watching.new("nats://" .. name)
      seen:await "ready"
      host:eval(("hosts[%q]:lock(1, 'm')"):format(name))
      seen:await "locked 1"
   end)

   -- ---------------------------------------------------------------- wishes and the store

   local function call(name, interface, operation, arguments)
      return wms.call{ server = "nats://" .. name, interface = interface, operation = operation, arguments = arguments,
         timeout = 30 }
   end

   proves("puts a wish, gets it and takes it back", function()
      local name = name_of "wished"
      assert.same({}, assert(call(name, "wish", "get")))
      local put = assert(call(name, "wish", "put", { state = "locked", message = "Exam", seconds = 3600, restore = true }))
      local wish = assert(call(name, "wish", "get"))
      assert.equal(put.revision, wish.revision)
      assert.same({ "locked", "Exam", 3600, true, "alice" },
         { wish.state, wish.message, wish.seconds, wish.restore, wish.who })
      assert.is_true(math.abs(wish.time - os.time()) < 100)
      assert.same({}, assert(call(name, "wish", "delete")))
      assert.same({}, assert(call(name, "wish", "get")))
      assert.is_true(assert(call(name, "wish", "put", { state = "unlocked" })).revision > put.revision)
   end)

   proves("knows whether an agent is there", function()
      local name = agent(1)
      local presence = assert(call(name, "presence", "get"))
      assert.equal("string", type(presence.instance))
      assert.equal(10, presence.beat)
      assert.same({}, assert(call(name_of "dark", "presence", "get")))
   end)

   proves("makes what is stored, once", function()
      local fresh = nats.start{ jetstream = true }
      wms.configure{ nats = { servers = fresh.url } }
      local name = name_of "stored"
      local list, message, err = call(name, "wish", "put", { state = "unlocked" })
      assert.is_nil(list)
      assert.equal("NOT_FOUND", err.code)
      assert.truthy(message:find("wms agent prepare", 1, true), message)
      list, message = call(name, "store", "prepare", { replicas = 3 }) -- of one server
      assert.is_nil(list)
      assert.truthy(message:find("replicas", 1, true), message)
      assert.equal(2, assert(call(name, "store", "prepare")).made)
      assert.equal(0, assert(call(name, "store", "prepare", { replicas = 1 })).made)
      assert(call(name, "wish", "put", { state = "unlocked" }))
      -- Whoever may write one key cannot take away all others with it.
      local client = assert(raw.connect{ port = fresh.port })
      local answer = client:ask("$KV.wms_wish.other", "{}", nil, "Nats-Rollup: all\r\n")
      assert.truthy(answer.data:find("rollup not permitted", 1, true), answer.data)
      client:close()
      fresh:kill()
   end)

   proves("is told what is wrong with a call", function()
      for text, words in pairs{
         ["there is no wish"] = { "wish", "put", { state = "locked", message = "m", wish = 1 } },
         ["seconds is no whole number"] = { "wish", "put", { state = "unlocked", seconds = "9" } },
         ["seconds is 0"] = { "wish", "put", { state = "unlocked", seconds = 0 } },
         ["state is missing"] = { "wish", "put", {} },
         ["state is another word"] = { "wish", "put", { state = "closed" } },
         ["message is missing"] = { "wish", "put", { state = "locked" } },
         ["has a NUL"] = { "wish", "put", { state = "locked", message = "a\0b" } },
         ["message has 40000 bytes"] = { "wish", "put", { state = "locked", message = ("x"):rep(40000) } },
         ["restore is no boolean"] = { "wish", "put", { state = "unlocked", restore = 1 } },
         ["there is no x"] = { "wish", "get", { x = 1 } },
         ["replicas is 9"] = { "store", "prepare", { replicas = 9 } },
         ["has no nonsense"] = { "wish", "nonsense" },
      } do
         local ok, message = pcall(call, "lab", words[1], words[2], words[3])
         assert.is_false(ok, text)
         assert.truthy(tostring(message):find(text, 1, true), text .. ": " .. tostring(message))
      end
   end)

   -- ---------------------------------------------------------------- forks

   for what, code in pairs{
      ["exits"] = "os.exit(0)",
      ["closes its state"] = "collectgarbage()",
      ["asks itself"] = [[local _, _, err = hung:result() assert(err.code == "FORKED") hung:close()
         assert(#assert(wms.unlock_all(server)) == 2)]],
   } do
      proves("has its connection to itself after a fork: the child " .. what, function()
         local host, name = played{}, agent(2)
         local script = nats.folder() .. "/fork.lua"
         local file = assert(io.open(script, "w"))
         file:write(([==[
            local server, silent = "nats://%s", "nats://%s"
            wms.configure{ nats = { servers = %q } }
            local watch = assert(wms.watch(server))
            assert(#assert(wms.unlock_all(server)) == 2)
            local hung = wms.start("unlock_all", { server = silent, timeout = 60 })
            for _ = 1, 5 do hung:wait(0.02) end
            local pid = fork()
            if pid == 0 then
               local ok, message = pcall(function() %s end)
               if not ok then io.stderr:write(tostring(message), "\n") end
               os.exit(ok and 0 or 1, true)
            end
            assert(wait(pid) == 0)
            hung:cancel()
            hung:close()
            assert(#assert(wms.unlock_all(server)) == 2)
            io.write("fine")
         ]==]):format(name, host.name, server.url, code))
         file:close()
         local command = "ASAN_OPTIONS=detect_leaks=0 LUA_CPATH='%s/5.4/?.so;;' timeout 100 %s lua %s"
         assert.same({ "fine", 0 }, { process.run(command:format(build, process.program("fork"), script)) })
      end)
   end
end)
