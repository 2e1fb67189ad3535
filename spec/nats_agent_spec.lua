-- SPDX-License-Identifier: MIT
--- Agents on NATS, as those who ask them see them: a client that shares nothing with us asks, and reads the bytes that are
-- answered.  The agents run in a program of their own.
local kit = require "spec.support.kit"
local nats = require "spec.support.nats"
local process = require "spec.support.process"
local raw = require "spec.support.nats_raw"
local room = require "spec.support.nats_room"

local VERBS = { "sessions", "unlock", "lock", "disconnect", "close", "message", "reboot", "power_off", "thumbnail" }

describe("an agent on NATS #once", function()
   local server, program, alice, serial = nil, nil, nil, 0
   local why = room.missing() or raw.missing()

   --- A test that needs the servers.
   local function proves(text, test)
      it(text, function()
         if why then
            return pending(why)
         end
         alice:all()
         test()
      end)
   end

   --- An agent over an embedded host of `sessions` sessions, with these options; returns its name.
   local function serve(options)
      options = options or {}
      serial = serial + 1
      local name = "room" .. serial
      program:eval(([[
         local options = %s
         local sessions = {}
         for id = 1, options.sessions or 3 do
            sessions[id] = { session_id = id, user_name = (options.user or "user") .. id, locked = options.locked or false }
         end
         hosts[%q] = wms.memory(%q, { sessions = sessions, latency = options.latency })
         call(%q, "agent", "serve", { server = "memory://" .. %q, policy = options.policy, beat = options.beat })
      ]]):format(room.literal{ sessions = options.sessions, latency = options.latency, locked = options.locked,
         user = options.user, beat = options.beat, policy = options.policy or { ["*"] = VERBS } }, name, name, name, name))
      return name
   end

   local function reply_of(host, who, nonce)
      serial = serial + 1
      return ("wms.v1.%s.answer.%s.%s.%d"):format(host, who or "alice", nonce or "abcdefghijklmnopqrst", serial)
   end

   --- Asks, and returns the answer's bytes and where it went.
   local function ask(host, verb, question, options)
      options = options or {}
      local reply = options.reply or reply_of(host, options.who)
      alice:publish(("wms.v1.%s.%s.%s"):format(host, verb, options.who or "alice"), question, reply)
      if options.silent then
         alice:flush()
         return nil, reply
      end
      local message = alice:next(options.seconds)
      assert(message, "no answer")
      assert.equal(reply, message.subject, (message.headers or "") .. message.data:sub(1, 200))
      return message.data, reply
   end

   --- Runs in the agents' program; what it returns.
   local function there(text, ...)
      return program:eval(text:format(...))
   end

   --- How often the host was asked to do this.
   local function done(host, verb)
      return tonumber(there([[
         local count = 0
         for _, entry in ipairs(hosts[%q]:log()) do
            count = count + (entry.verb == %q and 1 or 0)
         end
         return count]], host, verb))
   end

   --- What a call of an agent returns: a field of it, as text.
   local function called(host, interface, operation, field, arguments)
      return there("local value = call(%q, %q, %q, %s) return value[%q]", host, interface, operation,
         room.literal(arguments or {}), field or "x")
   end

   setup(function()
      if why then
         return
      end
      server = nats.start{ jetstream = true }
      room.use(server)
      room.prepare()
      program = room.program{ nats = { servers = server.url } }
      program:eval [[
         function call(host, interface, operation, arguments, timeout)
            local request = wms.start("call", { server = "nats://" .. host, interface = interface, operation = operation,
               arguments = arguments, timeout = timeout or 60 })
            while not request:done() do
               request:wait(1)
            end
            local value, problem = request:result()
            request:close()
            return value or error(problem, 0)
         end
         function begin(name, host, interface, operation, arguments)
            requests = requests or {}
            requests[name] = wms.start("call", { server = "nats://" .. host, interface = interface, operation = operation,
               arguments = arguments, timeout = 60 })
         end
         function finish(name)
            local request = requests[name]
            while not request:done() do
               request:wait(1)
            end
            return assert(request:result())
         end]]
      alice = raw.connect{ port = server.port }
      alice:subscribe "wms.v1.*.answer.>"
      alice:flush()
   end)

   teardown(function()
      if alice then
         alice:close()
      end
      room.down()
   end)

   -- ---------------------------------------------------------------- questions

   proves("tells its sessions", function()
      local host = serve{ sessions = 2 }
      local answer = ask(host, "sessions", '{"all":true}')
      assert.truthy(answer:find('"sessions"', 1, true), answer)
      assert.truthy(answer:find('"user2"', 1, true), answer)
      assert.equal(answer:gsub('"age":%d+', ""), ask(host, "sessions", '{"all":true}'))
      answer = ask(host, "sessions", '{"ids":[2]}')
      assert.falsy(answer:find('"user1"', 1, true), answer)
      assert.truthy(answer:find('"user2"', 1, true), answer)
      answer = ask(host, "sessions", '{"ids":[77]}')
      assert.truthy(answer:find('"sessions":[]', 1, true), answer)
   end)

   proves("carries out commands, and tells what became of each session", function()
      local host = serve{ sessions = 3, locked = true }
      local answer = ask(host, "unlock", '{"all":true}')
      local _, rows = answer:gsub('"requested"', "")
      assert.equal(3, rows, answer)
      answer = ask(host, "lock", '{"ids":[2,9],"message":"Eyes on the teacher","verify":3}')
      assert.truthy(answer:find('2,"verified",1', 1, true), answer)
      assert.truthy(answer:find('9,"failed"', 1, true) and answer:find("NOT_FOUND", 1, true), answer)
      answer = ask(host, "message", '{"ids":[1],"message":"Hello","title":"School"}')
      assert.truthy(answer:find('1,"requested"', 1, true), answer)
      answer = ask(host, "close", '{"ids":[[1,"another"],3]}')
      assert.truthy(answer:find("NOT_FOUND", 1, true) and answer:find('3,"requested"', 1, true), answer)
      answer = ask(host, "thumbnail", '{"ids":[2],"size":"small"}')
      assert.truthy(answer:find('\n\255\216', 1, true), "no picture")
   end)

   proves("answers a question again that is asked again, and does nothing twice", function()
      local host = serve{ sessions = 2 }
      for _, verb in ipairs{ "close", "lock" } do
         local question = '{"ids":[1],"message":"m"}'
         local first, reply = ask(host, verb, question)
         for _ = 1, 3 do
            assert.equal(first, (ask(host, verb, '{"ids":[1],"message":"m","age":2}', { reply = reply })))
         end
         assert.equal(1, done(host, verb))
      end
   end)

   proves("tells who asks again meanwhile that it is under way", function()
      local host = serve{ latency = 1 }
      local _, reply = ask(host, "close", '{"ids":[1]}', { silent = true })
      local answer = ask(host, "close", '{"ids":[1],"age":1}', { reply = reply })
      assert.truthy(answer:find('"working":true', 1, true), answer)
      assert.truthy(alice:next().data:find('1,"requested"', 1, true))
      assert.equal(1, done(host, "close"))
   end)

   proves("does not know whether something was done before it began, and says so", function()
      local host = serve()
      local answer = ask(host, "close", '{"ids":[1],"age":100}')
      assert.truthy(answer:find('"unknown":true', 1, true), answer)
      assert.equal(0, done(host, "close"))
      assert.truthy(ask(host, "message", '{"ids":[1],"message":"m","age":100}'):find('"unknown":true', 1, true))
      answer = ask(host, "lock", '{"ids":[1],"message":"m","age":100}')
      assert.truthy(answer:find('1,"requested"', 1, true), answer)
   end)

   proves("does not say that nothing was done of what may have been done before, when it refuses it", function()
      local host = serve{ policy = { alice = { "close" } } }
      local first, reply = ask(host, "close", '{"ids":[1]}')
      there("call(%q, 'agent', 'serve', { server = 'memory://' .. %q, policy = { bob = { 'sessions' } } })", host, host)
      assert.equal(first, (ask(host, "close", '{"ids":[1],"age":2}', { reply = reply })))
      for _, verb in ipairs{ "close", "lock" } do
         local answer = ask(host, verb, '{"ids":[2],"message":"m","age":100}')
         assert.truthy(answer:find('"unknown":true', 1, true), answer)
         assert.truthy(ask(host, verb, '{"ids":[2],"message":"m"}'):find("ACCESS_DENIED", 1, true))
      end
      assert.truthy(ask(host, "sessions", '{"all":true,"age":100}'):find("ACCESS_DENIED", 1, true))
      assert.equal(1, done(host, "close"))
   end)

   proves("carries out what its policy allows, and nothing else", function()
      local host = serve{ policy = { alice = { "lock" }, ["*"] = { "sessions" }, root = { "*" } } }
      assert.truthy(ask(host, "sessions", '{"all":true}', { who = "bob" }):find('"sessions"', 1, true))
      assert.truthy(ask(host, "lock", '{"all":true,"message":"m"}'):find('"requested"', 1, true))
      for who, verb in pairs{ alice = "unlock", bob = "lock", Alice = "lock" } do
         assert.truthy(ask(host, verb, '{"all":true,"message":"m"}', { who = who }):find("ACCESS_DENIED", 1, true))
      end
      assert.truthy(ask(host, "unlock", '{"all":true}', { who = "root" }):find('"requested"', 1, true))
      assert.equal("3", called(host, "agent", "state", "refused"))
      there("call(%q, 'agent', 'serve', { server = 'memory://' .. %q, policy = { bob = { 'lock' } } })", host, host)
      assert.truthy(ask(host, "lock", '{"all":true,"message":"m"}'):find("ACCESS_DENIED", 1, true))
      assert.truthy(ask(host, "lock", '{"all":true,"message":"m"}', { who = "bob" }):find('"requested"', 1, true))
   end)

   proves("refuses what is no question", function()
      local host = serve()
      local wrong = {
         "", "{", "[]", "null", '{"all":1}', '{"ids":3}', '{"ids":[]}', '{"ids":[-1]}', '{"ids":[4294967295]}',
         '{"ids":[[1,2]]}', '{"all":true,"ids":[1]}', "{}", '{"all":true,"verify":"3"}', '{"all":true,"retries":-1}',
         '{"ids":[' .. ("["):rep(100000) .. "]}", '{"all":true,"message":"' .. ("x"):rep(300000) .. '"}', "\0\255",
         '{"all":true,"all":true}', '{"all":true,"age":-1}', '{"all":true,"age":1e999}', '{"all":true,"timeout":-5}x',
      }
      for _, question in ipairs(wrong) do
         local answer = ask(host, "unlock", question)
         assert.truthy(answer:find("PROTOCOL", 1, true), question:sub(1, 60) .. ": " .. answer)
      end
      for verb, question in pairs{ lock = '{"all":true}', message = '{"ids":[1]}', thumbnail = '{"all":true}',
         reboot = '{"ids":[1]}', sessions = "{}", power_off = "{}" } do
         assert.truthy(ask(host, verb, question):find("PROTOCOL", 1, true))
      end
      assert.equal(0, done(host, "unlock"))
      assert.truthy(ask(host, "unlock", '{"all":true,"future":{"a":[1]}}'):find('"requested"', 1, true))
   end)

   proves("answers nobody whose question could be another's", function()
      local host, other = serve(), serve()
      local before = tonumber(called(host, "agent", "state", "ignored"))
      local subject = "wms.v1." .. host .. ".unlock.alice"
      alice:subscribe "elsewhere"
      local count = 0
      for _, reply in ipairs{
         false, "elsewhere", "wms.v1." .. other .. ".unlock.alice", reply_of(other), reply_of(host, "bob"),
         "wms.v1." .. host .. ".answer.alice.abc.1", "wms.v1." .. host .. ".answer.alice.abcdefghijklmnopqrst.01",
         "wms.v1." .. host .. ".answer.alice.abcdefghijklmnopqrst.18446744073709551616",
         "wms.v1." .. host .. ".answer.alice.abcdefghijklmnopqrst.1.2",
      } do
         alice:publish(subject, '{"all":true}', reply or nil)
         count = count + 1
      end
      assert.truthy(ask(host, "call", "{}"):find("ACCESS_DENIED", 1, true)) -- nobody may
      for _, headers in ipairs{ "Nats-Sequence: 7\r\n", "Nats-Time-Stamp: 2026-11-30T08:00:00.5Z\r\n",
         "KV-Operation: DEL\r\n", "NATS/1.0 408 x\r\n" } do -- as the store sends what it has
         alice:publish(subject, '{"all":true}', reply_of(host), headers)
         count = count + 1
      end
      for _, wrong in ipairs{ "wms.v1." .. host .. ".explode.alice",
         "wms.v1." .. host .. ".unlock.al*ce", "wms.v1." .. host .. ".unlock.al?ce",
         "wms.v1." .. host .. ".unlock." .. ("a"):rep(65) } do
         alice:publish(wrong, '{"all":true}', reply_of(host))
         count = count + 1
      end
      -- Nothing else was heard before that.
      assert.truthy(ask(host, "sessions", '{"all":true}'):find('"sessions"', 1, true))
      assert.equal(before + count, tonumber(called(host, "agent", "state", "ignored")))
      assert.equal(0, done(host, "unlock") + done(other, "unlock"))
   end)

   proves("lets questions wait for their turn, and refuses those that are too many of one name, for good", function()
      local host = serve{ latency = 2.5 }
      local question, lines = '{"ids":[1],"message":"m"}', {}
      for i = 1, 64 + 1024 do
         lines[i] = ("PUB wms.v1.%s.lock.alice %s %d\r\n%s\r\n"):format(host, reply_of(host), #question, question)
      end
      alice:send(table.concat(lines))
      local answer, last = ask(host, "lock", question)
      assert.truthy(answer:find('"BUSY"', 1, true), answer)
      assert.equal(answer, (ask(host, "lock", '{"ids":[1],"message":"m","age":3}', { reply = last })))
      ask(host, "lock", question, { who = "bob", silent = true })
      kit.await(function()
         return called(host, "agent", "state", "waiting") == "1025"
      end)
      there("begin('stop', %q, 'agent', 'stop')", host)
      local counts = { requested = 0, CANCELLED = 0, unknown = 0 }
      for _ = 1, #lines + 1 do
         local text = assert(alice:next(20)).data
         for word in pairs(counts) do
            counts[word] = counts[word] + (text:find('"' .. word .. '"', 1, true) and 1 or 0)
         end
      end
      -- Those that were under way were done, and the next ones were begun, when the agent's three seconds were over.
      assert.truthy(counts.requested >= 64, counts.requested)
      assert.truthy(counts.requested + counts.unknown <= 128)
      assert.truthy(counts.CANCELLED >= 1025 - 64, counts.CANCELLED)
      there "finish 'stop'"
   end)

   proves("carries out commands in the order in which they came", function()
      local host = serve{ latency = 0.2, locked = true }
      ask(host, "unlock", '{"all":true}', { silent = true })
      ask(host, "lock", '{"ids":[1],"message":"m"}', { silent = true })
      ask(host, "unlock", '{"ids":[1]}', { silent = true })
      ask(host, "lock", '{"ids":[1],"message":"m"}', { silent = true })
      for _ = 1, 4 do
         alice:next()
      end
      local order = there([[
         local words = {}
         for _, entry in ipairs(hosts[%q]:log()) do
            if entry.session_id == 1 then
               words[#words + 1] = entry.verb
            end
         end
         return table.concat(words, " ")]], host)
      assert.equal("unlock lock unlock lock", order)
   end)

   proves("answers in as many parts as it needs", function()
      local host = serve{ sessions = 4000, user = ("u"):rep(100) }
      local _, reply = ask(host, "sessions", '{"all":true}', { silent = true })
      local parts, sessions, last = 0, 0
      repeat
         local message = assert(alice:next())
         assert.equal(reply, message.subject)
         assert.truthy(#message.data < 300000)
         local _, more = message.data:gsub('"id"', "")
         sessions, parts = sessions + more, parts + 1
         last = not message.data:find('"more":true', 1, true)
      until last
      assert.equal(4000, sessions)
      assert.truthy(parts > 1)
   end)

   -- ---------------------------------------------------------------- events and presence

   proves("tells what happens on its host, in order", function()
      local host = serve{ sessions = 1 }
      local bob = raw.connect{ port = server.port }
      bob:subscribe("wms.v1." .. host .. ".event")
      bob:flush()
      -- The watch knows the sessions that there are once it tells of a change.
      there("hosts[%q]:open{ session_id = 50, user_name = 'zoe' }", host)
      local event = assert(bob:next()).data
      assert.truthy(event:find('"opened"', 1, true) and event:find('"zoe"', 1, true), event)
      local instance = event:match '"instance":"(%a+)"'
      there("local host = hosts[%q] host:lock(50, 'm') host:unlock(50) host:drop(50)", host)
      for i, kind in ipairs{ "locked", "unlocked", "closed" } do
         event = assert(bob:next()).data
         assert.truthy(event:find('"event":"' .. kind .. '"', 1, true), event)
         assert.equal(instance, event:match '"instance":"(%a+)"')
         assert.equal(tostring(i + 1), event:match '"seq":(%d+)')
      end
      bob:close()
   end)

   proves("is present as long as it serves", function()
      local host = serve{ beat = 1 }
      local bob = raw.connect{ port = server.port }
      bob:subscribe("$KV.wms_presence." .. host)
      local beat = assert(bob:next()).data
      assert.truthy(beat:find('"instance"', 1, true) and beat:find('"beat":1', 1, true), beat)
      local got = bob:ask("$JS.API.DIRECT.GET.KV_wms_presence.$KV.wms_presence." .. host, "")
      assert.truthy(got.data:find('"instance"', 1, true), got.headers)
      called(host, "agent", "stop")
      local deleted = kit.await(function()
         local message = bob:next()
         return message and message.headers and message
      end)
      assert.truthy(deleted.headers:find("KV-Operation: DEL", 1, true))
      kit.await(function() -- nobody hears it any more, as soon as the connection is closed
         alice:publish("wms.v1." .. host .. ".sessions.alice", "{}", reply_of(host))
         local message = alice:next(0.5)
         return message and message.headers and message.headers:find("503", 1, true)
      end)
      bob:close()
   end)

   proves("notices that there is another agent of its host", function()
      local host = serve{ beat = 1 }
      local other = room.program{ nats = { servers = server.url } }
      other:eval(([[
         assert(wms.call{ server = "nats://%s", interface = "agent", operation = "serve",
            arguments = { server = "memory://nobody", policy = {}, beat = 1 } })]]):format(host))
      local rival = kit.await(function()
         local text = called(host, "agent", "state", "rival")
         return text ~= "nil" and text
      end)
      assert.truthy(rival:find "^%a+$")
      assert.not_equal(rival, called(host, "agent", "state", "instance"))
      other:kill()
   end)

   proves("answers what is under way when it is ended, and takes no more", function()
      local host = serve{ latency = 1 }
      local _, reply = ask(host, "close", '{"ids":[1]}', { silent = true })
      kit.await(function()
         return tonumber(called(host, "agent", "state", "under_way")) == 1
      end)
      there("begin('stop', %q, 'agent', 'stop')", host)
      assert.truthy(ask(host, "close", '{"ids":[1],"age":1}', { reply = reply }):find('"working":true', 1, true))
      assert.truthy(ask(host, "close", '{"ids":[2]}'):find("just ending", 1, true))
      local message = assert(alice:next())
      assert.equal(reply, message.subject)
      assert.truthy(message.data:find('1,"requested"', 1, true))
      there "finish 'stop'"
      assert.has_error(function()
         called(host, "agent", "state")
      end)
   end)

   proves("ends after three seconds whatever is under way", function()
      local host = serve{ latency = 30 }
      ask(host, "close", '{"ids":[1]}', { silent = true })
      kit.await(function()
         return tonumber(called(host, "agent", "state", "under_way")) == 1
      end)
      there("begin('stop', %q, 'agent', 'stop')", host)
      local message = assert(alice:next(20))
      assert.truthy(message.data:find('"unknown"', 1, true), message.data)
      there "finish 'stop'"
   end)

   -- ---------------------------------------------------------------- wishes

   local function put(host, wish)
      local ack = alice:ask("$KV.wms_wish." .. host, wish).data
      return tonumber(ack:match '"seq":%s*(%d+)')
   end

   proves("knows its wish, and when it is over", function()
      local host = serve()
      local revision = put(host,
         '{"state":"locked","message":"Exam","seconds":3600,"by":"alice","where":{"seat":["a","b"]}}')
      local said = there([[
         local wish = call(%q, "wish", "wait", {})
         while wish.revision ~= %d do
            wish = call(%q, "wish", "wait", { revision = wish.revision })
         end
         return table.concat({ wish.state, wish.message, wish.by, wish.where.seat[2], wish.left, tostring(wish.ended) },
            " ")]],
         host, revision, host)
      local left = tonumber(said:match "^locked Exam alice b (%d+) nil$")
      assert.truthy(left and left <= 3600 and left > 3500, said)
      -- One that is over lies there, and is told as such.
      there("begin('next', %q, 'wish', 'wait', { revision = %d })", host, revision)
      local later = put(host, '{"state":"unlocked","seconds":1}')
      said = there "local wish = finish 'next' return wish.revision .. ' ' .. wish.state"
      assert.equal(later .. " unlocked", said)
      kit.await(function()
         return there("return tostring(call(%q, 'wish', 'wait', {}).ended)", host) == "true"
      end)
      there("begin('gone', %q, 'wish', 'wait', { revision = %d })", host, later)
      alice:publish("$KV.wms_wish." .. host, "", nil, "KV-Operation: DEL\r\n")
      said = there "local wish = finish 'gone' return tostring(wish.state) .. (wish.left and ' left' or '')"
      assert.equal("nil", said)
   end)

   proves("acts on a wish that was put before it began", function()
      serial = serial + 1
      local host = "room" .. serial + 1
      local revision = put(host, '{"state":"locked"}')
      assert.equal(host, serve())
      local said = there([[
         local wish = call(%q, "wish", "wait", { revision = 0 })
         return wish.revision .. " " .. wish.state]], host)
      assert.equal(revision .. " locked", said)
      there("return tostring(call(%q, 'wish', 'clock', {}).known)", host)
   end)

   proves("says of a wish that it cannot be read", function()
      local host = serve()
      for _, wrong in ipairs{ "{", "[]", '{"state":"locked","seconds":-1}', '{"state":"locked","seconds":"1"}',
         '{"state":"locked","seconds":10000000000}', '{"where":' .. ("["):rep(50000) .. "}", '{"a":1.5}' } do
         local revision = put(host, wrong)
         local said = there([[
            local wish = call(%q, "wish", "wait", { revision = %d })
            while wish.revision < %d do
               wish = call(%q, "wish", "wait", { revision = wish.revision })
            end
            return tostring(wish.unreadable) .. tostring(wish.state)]], host, revision - 1, revision, host)
         assert.truthy(said:find "^it.*nil$", wrong:sub(1, 40) .. ": " .. said)
      end
   end)

   -- ---------------------------------------------------------------- the connection

   proves("keeps its answers while the connection is lost", function()
      local host = serve{ latency = 2 }
      local question = '{"ids":[1]}'
      local _, reply = ask(host, "close", question, { silent = true })
      local bob = raw.connect{ port = server.port }
      kit.await(function()
         return tonumber(called(host, "agent", "state", "under_way")) == 1
      end)
      bob:close()
      server:kill()
      kit.await(function()
         return called(host, "agent", "state", "connected") == "false"
      end)
      kit.await(function()
         return tonumber(called(host, "agent", "state", "remembered")) == 1
      end)
      server:start()
      alice:close()
      alice = raw.connect{ port = server.port }
      alice:subscribe "wms.v1.*.answer.>"
      local watcher = raw.connect{ port = server.port }
      watcher:subscribe("wms.v1." .. host .. ".event")
      watcher:flush()
      kit.await(function()
         return called(host, "agent", "state", "connected") == "true"
      end)
      local answer = ask(host, "close", '{"ids":[1],"age":5}', { reply = reply })
      assert.truthy(answer:find('1,"requested"', 1, true), answer)
      assert.equal(1, done(host, "close"))
      watcher:close()
   end)

   proves("tells watchers after a loss that they have missed something", function()
      local host = serve()
      there("hosts[%q]:open{ session_id = 50, user_name = 'zoe' }", host)
      kit.await(function()
         return tonumber(called(host, "agent", "state", "events")) > 0
      end)
      server:kill()
      kit.await(function()
         return called(host, "agent", "state", "connected") == "false"
      end)
      there("hosts[%q]:drop(50)", host)
      process.run("kill -STOP " .. program.pid) -- it does not come back before somebody listens
      server:start()
      alice:close()
      alice = raw.connect{ port = server.port }
      alice:subscribe "wms.v1.*.answer.>"
      alice:subscribe("wms.v1." .. host .. ".event")
      alice:flush()
      process.run("kill -CONT " .. program.pid)
      local event = assert(alice:next(20)).data
      assert.truthy(event:find('"resync":true', 1, true), event)
   end)

   proves("ends when the servers do not let it hear questions, and says so", function()
      local strict = nats.start{ config = [[
         authorization { users: [ { user: "lab", password: "secret", permissions: {
            publish: { allow: ["wms.v1.lab1.>"] }, subscribe: { allow: ["wms.v1.lab1.>"] } } } ] }]] }
      local file = nats.folder() .. "/password"
      local handle = assert(io.open(file, "w"))
      handle:write "secret\n"
      handle:close()
      local other = room.program{ nats = { servers = strict.url, user_name = "lab", password_file = file } }
      local text = [[
         return select(2, wms.call{ server = "nats://%s", interface = "agent", operation = "serve", timeout = 10,
            arguments = { server = "memory://nobody", policy = {} } })]]
      local said = other:eval(text:format "lab2")
      assert.truthy(said:find("wms.v1.lab2.*.*", 1, true), said)
      assert.equal("nil", other:eval(text:format "lab1")) -- which hears no wish, and no store
      other:kill()
      strict:kill()
   end)

   proves("bears a flood of questions that nobody may ask", function()
      local host = serve{ policy = { bob = { "lock" } } }
      local before = tonumber((process.run("ps -o rss= -p " .. program.pid)))
      local lines = {}
      for i = 1, 20000 do
         local reply = ("wms.v1.%s.answer.alice.abcdefghijklmnopqrst.%d"):format(host, 1000000 + i)
         lines[i] = ("PUB wms.v1.%s.lock.alice %s 12\r\n{\"all\":true}\r\n"):format(host, reply)
      end
      alice:send(table.concat(lines))
      for _ = 1, #lines do
         assert.truthy(assert(alice:next(20)).data:find("ACCESS_DENIED", 1, true))
      end
      assert.equal("20000", called(host, "agent", "state", "refused"))
      assert.equal("0", called(host, "agent", "state", "remembered"))
      if not process.sanitized() then -- which keeps what was freed for a while
         assert.truthy(tonumber((process.run("ps -o rss= -p " .. program.pid))) < before + 20000)
      end
      assert.truthy(ask(host, "lock", '{"all":true,"message":"m"}', { who = "bob" }):find('"requested"', 1, true))
   end)

   -- ---------------------------------------------------------------- calls

   proves("refuses what its program cannot mean", function()
      for text, arguments in pairs{
         ["policy:"] = "{}", ["alice: give a list"] = "{ policy = { alice = 'lock' } }",
         ["fly is no verb"] = "{ policy = { alice = { 'fly' } } }",
         ["call is no verb"] = "{ policy = { alice = { 'call' } } }",
         ["it is no name"] = "{ policy = { ['a.b'] = { 'lock' } } }", ["server:"] = "{ policy = {}, server = 3 }",
         ["no list or group"] = "{ policy = {}, server = 'memory://a,memory://b' }",
         ["no list or group;"] = "{ policy = {}, server = '@room1' }",
         ["cannot serve a nats://"] = "{ policy = {}, server = 'nats://x' }", ["beat:"] = "{ policy = {}, beat = 0 }",
         ["host:"] = "{ policy = {}, host = 'a b' }",
      } do
         local ok, problem = pcall(there, "call('lab', 'agent', 'serve', %s)", arguments)
         assert.is_false(ok)
         assert.truthy(tostring(problem):find(text, 1, true), tostring(problem))
      end
      local ok, problem = pcall(there, "call('lab', 'agent', 'fly', {})")
      assert.is_false(ok)
      assert.truthy(tostring(problem):find("serve, stop and state", 1, true), tostring(problem))
      for _, operation in ipairs{ "stop", "state" } do
         ok, problem = pcall(there, "call('nobody', 'agent', %q, {})", operation)
         assert.is_false(ok)
         assert.truthy(tostring(problem):find("no agent of that name", 1, true), tostring(problem))
      end
      local host = serve()
      ok, problem = pcall(there, "call(%q, 'agent', 'serve', { server = 'memory://other', policy = {} })", host)
      assert.is_false(ok)
      assert.truthy(tostring(problem):find("serves another server", 1, true), tostring(problem))
   end)
end)

-- spec/c/nats_agents.c: who asks and who answers in one engine, over a bus in place of the servers.
describe("hosts over a bus #once", function()
   it("tell the truth whatever allocation fails, and know what time it is on servers that are days ahead", function()
      if not kit.wms.load "nats" then
         return pending "the provider nats is not built"
      end
      local output, code = process.run("timeout 200 " .. process.program("nats_agents"))
      assert.equal(0, code, output)
      assert.truthy(tonumber(output:match "^(%d+) allocations") > 100, output)
   end)
end)
