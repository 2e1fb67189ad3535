-- SPDX-License-Identifier: MIT
--- NATS where others mean ill: forged, replayed, malformed and huge messages, slow consumers, servers that drop or lie, TLS
--- that is wrong.  Whatever comes, nothing crashes, nothing is done twice, and a right question is answered after it.
local kit = require "spec.support.kit"
local nats = require "spec.support.nats"
local process = require "spec.support.process"
local raw = require "spec.support.nats_raw"
local room = require "spec.support.nats_room"
local wms = kit.wms
local fine, fault = kit.fine, kit.fault

describe("NATS where others mean ill #once", function()
   local test = kit.needing(function(why) pending(why) end, nats.missing, raw.missing)
   local server, program, opened, serial = nil, nil, {}, 0

   --- Somebody on the server who may say anything.
   local function stranger()
      local client = assert(raw.connect{ port = server.port })
      opened[#opened + 1] = client
      return client
   end

   setup(function()
      if not nats.missing() and not raw.missing() then
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
      kit.reset()
      for i = #opened, 1, -1 do
         opened[i]:close()
         opened[i] = nil
      end
   end)

   --- An agent of the program's with so many sessions; its name.
   local function agent(sessions, more)
      serial = serial + 1
      local text = "serve{ prefix = 'ill', first = %d, last = %d, sessions = %d, %s }"
      program:eval(text:format(serial, serial, sessions or 3, more or ""))
      return "ill" .. serial
   end

   --- How often its sessions were asked to do that, all in all.
   local function asked(name, verb)
      return tonumber(program:eval(([[
         local count = 0
         for _, entry in ipairs(hosts[%q]:log()) do count = count + (entry.verb == %q and 1 or 0) end
         return count]]):format(name, verb)))
   end

   -- ---------------------------------------------------------------- what an agent hears

   describe("an agent", function()
      local NONCE, number = "abcdefghijklmnopqrst", 0

      local function reply_of(name, who)
         number = number + 1
         return ("wms.v1.%s.answer.%s.%s.%d"):format(name, who or "alice", NONCE, number)
      end

      --- Asks as anybody who knows the protocol; returns the answer's text.
      local function ask(client, name, verb, question, who, reply)
         client:publish(("wms.v1.%s.%s.%s"):format(name, verb, who or "alice"), question, reply or reply_of(name, who))
         local answer = client:next()
         return answer and answer.data
      end

      local function listening(name)
         local client = stranger()
         client:subscribe(("wms.v1.%s.answer.>"):format(name))
         client:flush()
         return client
      end

      --- It answers as it should, as soon as it is not busy.
      local function is_well(name)
         kit.await(function()
            local list, message, err = wms.sessions("nats://" .. name)
            assert(list or err.code == "BUSY", message)
            return list
         end)
      end

      test("does nothing for whom its policy does not name, nor what it does not allow", function()
         local name = agent(3, "policy = { alice = { 'sessions' } }")
         local client = listening(name)
         for _, verb in ipairs{ "unlock", "close", "reboot", "message" } do
            local answer = ask(client, name, verb, '{"all":true,"message":"m"}')
            assert.truthy(answer:find('"ACCESS_DENIED"', 1, true), answer)
         end
         local answer = ask(client, name, "sessions", '{"all":true}', "mallory")
         assert.truthy(answer:find('"ACCESS_DENIED"', 1, true), answer)
         assert.equal(0, asked(name, "unlock") + asked(name, "close") + asked(name, "reboot") + asked(name, "message"))
         is_well(name)
      end)

      test("does once what it is asked twice, and gives the same answer", function()
         local name = agent(3)
         local client = listening(name)
         local reply = reply_of(name)
         local first = ask(client, name, "close", '{"all":true}', nil, reply)
         for i = 1, 5 do
            assert.equal(first, ask(client, name, "close", ('{"all":true,"age":%d}'):format(i), nil, reply))
         end
         assert.equal(3, asked(name, "close"))
         is_well(name)
      end)

      test("does not do what may have been done before it began", function()
         local name = agent(3)
         local client = listening(name)
         for _, verb in ipairs{ "close", "disconnect", "message", "reboot", "power_off" } do
            local answer = ask(client, name, verb, '{"all":true,"message":"m","age":100000}')
            assert.truthy(answer:find('"unknown":true', 1, true), verb .. ": " .. answer)
            assert.equal(0, asked(name, verb), verb)
         end
         assert.truthy(ask(client, name, "unlock", '{"all":true,"age":100000}'):find('"outcomes"', 1, true))
         is_well(name)
      end)

      test("does nothing that it cannot understand", function()
         local name = agent(3)
         local client = listening(name)
         local deep = ("["):rep(5000) .. ("]"):rep(5000)
         for i, question in ipairs{
            "", "null", "true", "[]", "{", "{}", '{"all":false}', '{"all":1}', '{"all":"true"}', '{"ids":3}', '{"ids":[]}',
            '{"ids":[null]}', '{"ids":[[]]}', '{"ids":[-1]}', '{"ids":[4294967295]}', '{"ids":[1.5]}', '{"ids":[1e300]}',
            '{"ids":[[1,2,3]]}', '{"ids":[""]}', '{"all":true,"ids":[1]}', '{"all":true,"age":-1}',
            '{"all":true,"age":"1"}', '{"all":true,"timeout":-5}', '{"all":true,"verify":{}}',
            '{"all":true,"retries":-1}', '{"all":true}{"all":true}',
            '{"all":true,"all":false}', '{"all":' .. deep .. "}", deep, ("{\"a\":"):rep(5000), '{"all":true,"message":7}',
            '{"all":true,"message":"\255\254"}', '\0{"all":true}', '{"ids":["\\u0000"]}',
            '{"ids":[' .. ("1,"):rep(80000) .. "1]",
            '{"all":true,"x":"' .. ("x"):rep(300000) .. '"}', ("\255"):rep(200000), '{"seq":5,"stream":"KV_wms_presence"}',
         } do
            for _, verb in ipairs{ "close", "reboot" } do
               local answer = ask(client, name, verb, question)
               local text = ("%d: %s: %s -> %s"):format(i, verb, question:sub(1, 60), tostring(answer))
               assert.truthy(answer == nil or answer:find('"code":"', 1, true), text)
               assert.equal(0, asked(name, verb), text)
            end
         end
         is_well(name)
      end)

      test("answers nowhere but where its answers belong, and acts for nobody who wants it elsewhere", function()
         local name = agent(3)
         local client = stranger()
         client:subscribe ">"
         client:flush()
         local wanted = {}
         for _, reply in ipairs{ "wms.v1.other.answer.alice." .. NONCE .. ".1", "wms.v1.other.unlock.alice",
            "$KV.wms_wish.other",
            ("wms.v1.%s.answer.bob.%s.1"):format(name, NONCE), ("wms.v1.%s.answer.alice.%s"):format(name, NONCE),
            ("wms.v1.%s.close.alice"):format(name), ("wms.v1.%s.event"):format(name), "$JS.API.STREAM.DELETE.KV_wms_wish",
            ("wms.v1.%s.answer.alice.%s.1.2"):format(name, NONCE), ("wms.v1.%s.answer.alice.%s.-1"):format(name, NONCE),
            ("wms.v1.%s.answer.alice.%s.99999999999999999999999"):format(name, NONCE), ("x"):rep(2000), "." } do
            client:publish(("wms.v1.%s.close.alice"):format(name), '{"all":true}', reply)
            wanted[reply] = true
         end
         client:publish(("wms.v1.%s.close.alice"):format(name), '{"all":true}') -- to nobody
         is_well(name)
         for _, message in ipairs(client:all()) do
            local is_ours = message.data == '{"all":true}' or message.data:find '"instance"' -- an event
            assert.truthy(is_ours or not wanted[message.subject], message.subject)
         end
         assert.equal(0, asked(name, "close"))
      end)

      test("takes no question from the store", function()
         local name = agent(3)
         local client = stranger()
         client:publish("$KV.wms_presence.evil", '{"all":true}')
         local reply = reply_of(name)
         client:subscribe(reply)
         -- JetStream says it, to whatever subject it is told.
         local close = ("wms.v1.%s.close.alice"):format(name)
         client:publish("$JS.API.DIRECT.GET.KV_wms_presence.$KV.wms_presence.evil", "", close)
         client:publish(close, '{"all":true}', reply,
            "Nats-Stream: KV_wms_presence\r\nNats-Sequence: 1\r\nNats-Time-Stamp: 2026-01-01T00:00:00Z\r\n")
         client:flush()
         is_well(name)
         assert.is_nil(client:next(0.5))
         assert.equal(0, asked(name, "close"))
      end)

      test("lives through a flood of questions, and of verbs and names that there are not", function()
         local name = agent(3)
         local client = listening(name)
         local words = {}
         for i = 1, 5000 do
            local verb = i % 3 == 0 and "sessions" or i % 3 == 1 and "nonsense" or "unlock"
            local who = i % 5 == 0 and "mal_lory" or "alice"
            words[i] = ("PUB wms.v1.%s.%s.%s %s 12\r\n{\"all\":true}\r\n"):format(name, verb, who, reply_of(name, who))
         end
         client:send(table.concat(words))
         client:flush()
         is_well(name)
         local answers = 0
         while client:next(1) do
            answers = answers + 1
         end
         assert.is_true(answers > 100, answers .. " answers")
         is_well(name)
      end)

      test("is held up by nobody who does not read its answers", function()
         local name = agent(100)
         local client = listening(name)
         for _ = 1, 3000 do
            client:publish(("wms.v1.%s.sessions.alice"):format(name), '{"all":true}', reply_of(name))
         end
         is_well(name) -- the client has read nothing
         client:close()
         is_well(name)
      end)
   end)

   -- ---------------------------------------------------------------- what an asker hears

   describe("who asks", function()
      local name

      --- Plays the agent of a host: `answer(client, question)` for the first question that comes.  Returns what the command
      -- does.
      local function played(verb, answer, options)
         serial = serial + 1
         name = "played" .. serial
         local client = stranger()
         client:subscribe(("wms.v1.%s.*.*"):format(name))
         client:flush()
         local whole = { server = "nats://" .. name, timeout = 3 }
         for key, value in pairs(options or {}) do
            whole[key] = value
         end
         local request = wms.start(verb, whole)
         local question
         kit.await(function()
            question = question or client:next(0)
            return question
         end, function() request:wait(0.01) end)
         answer(client, question)
         kit.await(function() return request:done() end, function()
            request:wait(0.05)
            local again = client:next(0)
            if again then
               assert.equal(question.reply, again.reply)
            end
         end)
         local list, message, err = request:result()
         request:close()
         return list, message, err
      end

      local GOOD = '{"outcomes":[[1,"requested"],[2,"requested"]]}'

      test("takes an answer from the host that was asked, with the question's own identity, and nothing else", function()
         local list = fine((played("unlock_all", function(client, question)
            local host, rest = question.reply:match("^wms%.v1%.([^.]+)(.*)$")
            local forged = '{"outcomes":[[666,"failed",null,"ACCESS_DENIED","forged"]]}'
            client:publish("wms.v1.other" .. rest, forged)
            client:publish(("wms.v1.%s%s"):format(host, rest:gsub("%d+$", "1")), forged)
            client:publish(("wms.v1.%s%s"):format(host, rest:gsub("%.(%a+)%.(%d+)$", ".aaaaaaaaaaaaaaaaaaaa.%2")), forged)
            client:publish(question.reply .. ".1", forged)
            client:publish("wms.v1." .. host .. ".event", forged)
            client:publish(question.reply, forged, nil, "Nats-Stream: KV_wms_presence\r\nNats-Sequence: 3\r\n")
            client:publish(question.reply, GOOD)
            client:publish(question.reply, forged) -- it is late
         end)))
         assert.same({ 1, 2 }, kit.pluck(list, "session_id"))
      end)

      test("asks for a number that cannot be guessed", function()
         local replies = {}
         for i = 1, 3 do
            fine((played("unlock_all", function(client, question)
               replies[i] = question.reply:match("%d+$")
               client:publish(question.reply, GOOD)
            end)))
         end
         for i = 1, 3 do
            assert.is_true(#replies[i] > 12, replies[i])
            assert.is_true(math.abs(tonumber(replies[i]) - tonumber(replies[i % 3 + 1])) > 1e6)
         end
      end)

      test("believes no answer that is none", function()
         local deep = ("["):rep(5000) .. ("]"):rep(5000)
         for i, answer in ipairs{
            "", "null", "[]", "{", "{}", '{"outcomes":5}', '{"outcomes":[5]}', '{"outcomes":[[]]}', '{"outcomes":[[1]]}',
            '{"outcomes":[[1,"done"]]}', '{"outcomes":[[1,"verified",null,"ACCESS_DENIED","x"]]}',
            '{"outcomes":[[-1,"requested"]]}', '{"outcomes":[[4294967295,"requested"]]}',
            '{"outcomes":[[1.5,"requested"]]}',
            '{"outcomes":[[1,"failed",null,"NO_SUCH"]]}', '{"outcomes":[[1,"requested"],[1,"requested"]]}',
            '{"outcomes":[[1,"requested",7]]}',
            '{"outcomes":[[1,"planned"]]}', '{"outcomes":[["","requested"]]}', '{"outcomes":[["\\u0000","requested"]]}',
            '{"code":5}', '{"code":"NO_SUCH"}',
            '{"outcomes":' .. deep .. "}", deep, ("{\"a\":"):rep(5000), '{"outcomes":[],"part":-1}',
            '{"outcomes":[],"part":5}', '{"outcomes":[],"part":1e300,"more":true}',
            '{"outcomes":[[1,"requested",null,null,null,null,"\255"]]}',
            '{"stream":"KV_wms_presence","seq":1}', '{"sessions":[{"id":1}]}', ("\0"):rep(1000), ("x"):rep(1000000),
         } do
            local list, message, err = played("unlock_all", function(client, question)
               client:publish(question.reply, answer)
            end, { timeout = 1 })
            local text = ("%d: %s -> %s"):format(i, answer:sub(1, 60), tostring(message))
            assert.is_nil(list, text)
            assert.truthy(kit.set{ "PROTOCOL", "TIMEOUT", "UNREACHABLE", "INTERNAL" }[err.code], text)
            assert.falsy(message:find("[%z\1-\31\127]"), text)
            for _, outcome in ipairs(kit.outcomes(list, message, err)) do
               assert.truthy(outcome.state ~= "failed" or outcome.error.code ~= "UNREACHABLE", text .. " " .. outcome.state)
            end
         end
      end)

      test("asks sessions by name for each once, whatever a host says of others", function()
         local _, _, err = played("close", function(client, question)
            client:publish(question.reply, '{"outcomes":[[1,"requested"],[99,"requested"]]}')
         end, { session_ids = { 1, 2 } })
         assert.equal("requested", err.outcomes[1].state)
         assert.equal(2, #err.outcomes)
         assert.equal(2, err.outcomes[2].session_id)
         assert.equal("PROTOCOL", err.outcomes[2].error.code)
      end)

      test("is not kept for ever by a host that is always at work, nor by one that sends parts without an end", function()
         local begun = kit.now()
         local _, _, err = played("unlock_all", function(client, question)
            for part = 0, 2000 do
               client:publish(question.reply, ('{"part":%d,"more":true,"outcomes":[]}'):format(part))
            end
         end, { timeout = 1 })
         assert.truthy(err.code == "TIMEOUT" or err.code == "PROTOCOL", err.code)
         assert.is_true(kit.now() - begun < 20)
         _, _, err = played("unlock_all", function(client, question)
            for _ = 1, 100 do
               client:publish(question.reply, '{"working":true}')
            end
         end, { timeout = 1, deadline = 2 })
         assert.truthy(err.code == "TIMEOUT" or err.code == "CANCELLED", err.code)
      end)

      test("takes no picture that is none", function()
         for _, answer in ipairs{ '{"outcomes":[[1,"requested"]]}\nnot a JPEG', '{"outcomes":[[1,"requested"]]}\n',
            '{"outcomes":[[1,"requested"]]}\n\255\216\255' .. ("\255"):rep(100000) } do
            local list, message, err = played("thumbnail", function(client, question)
               client:publish(question.reply, answer)
            end, { session_ids = 1, timeout = 1 })
            for _, outcome in ipairs(kit.outcomes(list, message, err)) do
               assert.is_nil(outcome.picture)
            end
         end
      end)
   end)

   -- ---------------------------------------------------------------- servers

   describe("a server", function()
      local pipes = {}

      after_each(function()
         for i = #pipes, 1, -1 do
            process.run("kill " .. pipes[i].pid)
            pipes[i].pipe:close()
            pipes[i] = nil
         end
      end)

      --- Starts spec/host/nats/hostile.py; returns its port.
      local function hostile(mode, pair)
         local command = "echo $$; exec setpriv --pdeathsig KILL python3 -B spec/host/nats/hostile.py %s %s %s 2>&1"
         local pipe = assert(io.popen(command:format(mode, pair and pair.crt or "", pair and pair.key or "")))
         pipes[#pipes + 1] = { pipe = pipe, pid = pipe:read("*l") }
         local port = pipe:read("*l")
         assert(port and port:match("^%d+$"), port)
         return tonumber(port)
      end

      --- Lets a process of its own ask a host by these servers, and meanwhile an embedded one again and again.  Returns a
      -- function that waits for what it sees: the code, the message, and how much memory it has used in MB.
      local function look(settings, host)
         local command = process.command(([[
            local wms = require "wms"
            local function now() local file = io.open("/proc/uptime") local n = file:read("*n") file:close() return n end
            wms.memory("near", { sessions = { { session_id = 1 } } })
            wms.configure{ nats = %s }
            local request = wms.start("unlock_all", { server = "nats://%s", timeout = 10 })
            local longest = 0
            repeat
               local begun = now()
               assert(wms.unlock_all "memory://near")
               request:wait(0.02)
               longest = math.max(longest, now() - begun)
            until request:done()
            local list, message, err = request:result()
            local used = tonumber(io.open("/proc/self/status"):read("*a"):match("VmHWM:%%s*(%%d+)")) / 1024
            io.write(("%%s|%%s|%%.2f|%%.1f"):format(err and err.code or "fine", message or "", longest, used))
         ]]):format(room.literal(settings), host or "far"))
         local pipe = assert(io.popen(command .. " 2>&1"))
         return function()
            local output = pipe:read("*a")
            pipe:close()
            local how, message, longest, used = output:match("^(.-)|(.*)|(.-)|(.-)$")
            assert(how, output)
            assert.is_true(tonumber(longest) < 7, longest .. " s in a turn")
            assert.falsy(message:find("[%z\1-\31\127]"), message)
            return how, message, tonumber(used)
         end
      end

      local function seen(...)
         return look(...)()
      end

      test("that means ill is not reached, and holds up nobody", function()
         nats.certificate "ill"
         local pair = { crt = nats.folder() .. "/ill.crt", key = nats.folder() .. "/ill.key" }
         local looks = {}
         for _, mode in ipairs{ "silent", "closes", "garbage", "endless", "half", "no_info", "drops", "deaf", "huge",
            "negative", "headers", "errors", "flood" } do
            looks[mode] = look{ servers = ("nats://127.0.0.1:%d"):format(hostile(mode)) }
         end
         for _, mode in ipairs{ "silent", "closes", "drops", "huge", "flood" } do
            looks[mode .. " with TLS"] = look{ servers = ("tls://127.0.0.1:%d"):format(hostile(mode, pair)),
               tls = { ca = nats.ca() } }
         end
         for mode, done in pairs(looks) do
            local how, message, used = done()
            assert.truthy(kit.set{ "UNREACHABLE", "TIMEOUT", "PROTOCOL" }[how], mode .. ": " .. how .. ": " .. message)
            assert.is_true(used < 250 or process.sanitized(), mode .. ": " .. used .. " MB")
         end
      end)

      test("that denies says so", function()
         local how, message = seen{ servers = ("nats://127.0.0.1:%d"):format(hostile "denies") }
         assert.equal("ACCESS_DENIED", how, message)
      end)

      test("that stands still holds up nobody, and is used again when it goes on", function()
         local name = agent(2)
         fine(wms.unlock_all("nats://" .. name))
         server:pause()
         finally(function() server:resume() end)
         local begun = kit.now()
         local err = fault(wms.unlock_all{ server = "nats://" .. name, timeout = 1 })
         assert.equal("TIMEOUT", err.code)
         assert.is_true(kit.now() - begun < 20)
         server:resume()
         assert.equal(2, #fine(wms.unlock_all("nats://" .. name)))
      end)

      test("that is killed and comes back has its agents again, and those who ask", function()
         local name = agent(2)
         fine(wms.unlock_all("nats://" .. name))
         server:kill()
         server:start()
         assert.equal(2, #fine(wms.unlock_all{ server = "nats://" .. name, timeout = 60 }))
      end)

      describe("with TLS", function()
         local good, other, elsewhere, expired
         local function url(port, host)
            return ("tls://%s:%d"):format(host or "127.0.0.1", port)
         end

         setup(function()
            if not nats.missing() and not raw.missing() then
               good = nats.start{ tls = true, jetstream = true }
               local by_tls = room.program{ nats = { servers = good.url, tls = { ca = nats.ca() } } }
               by_tls:eval [[
                  assert(wms.call{ server = "nats://store", interface = "store", operation = "prepare" })
                  serve{ prefix = "bytls" }]]
               other = nats.start{ tls = nats.certificate("other", nil, "other-ca") }
               elsewhere = nats.start{ tls = nats.certificate("elsewhere", "DNS:elsewhere.example") }
               expired = nats.start{ tls = nats.certificate("expired", nil, nil, -864000) }
            end
         end)

         test("is trusted when its certificate is good", function()
            local how, message = seen({ servers = url(good.port), tls = { ca = nats.ca() } }, "bytls1")
            assert.equal("fine", how, message)
            how, message = seen{ servers = url(good.port), tls = { ca = nats.ca() } }
            assert.equal("UNREACHABLE", how, message)
            assert.truthy(message:find("agent", 1, true), message)
            how, message = seen{ servers = url(good.port, "localhost"), tls = { ca = nats.ca() } }
            assert.truthy(message:find("agent", 1, true), how .. message)
         end)

         test("is not trusted when its certificate is somebody else's, expired, or of another authority", function()
            for what, settings in pairs{
               authority = { servers = url(other.port), tls = { ca = nats.ca() } },
               system = { servers = url(good.port) },
               name = { servers = url(elsewhere.port), tls = { ca = nats.ca() } },
               expired = { servers = url(expired.port), tls = { ca = nats.ca() } },
            } do
               local how, message = seen(settings)
               assert.equal("UNTRUSTED", how, what .. ": " .. message)
            end
         end)

         test("is not spoken to without it, where it is asked for", function()
            local how, message = seen{ servers = url(server.port), tls = { ca = nats.ca() } }
            assert.is_true(how == "UNTRUSTED" or how == "UNREACHABLE", how .. message)
         end)
      end)

      test("elsewhere is not spoken to without TLS", function()
         -- A network of its own, in which this machine has an address that is not loopback.
         local folder = nats.folder()
         local file = assert(io.open(folder .. "/elsewhere.conf", "w"))
         file:write('listen: "192.0.2.1:4222"\ndebug: true\ntrace: true\n')
         file:close()
         file = assert(io.open(folder .. "/elsewhere.lua", "w"))
         file:write(([[
            local wms = require "wms"
            wms.configure{ nats = { servers = "nats://192.0.2.1:4222", tls = { ca = %q } } }
            local _, message, err = wms.unlock_all{ server = "nats://far", timeout = 20 }
            print(err.code, message)]]):format(nats.ca()))
         file:close()
         local output = process.run(([[unshare --net bash -euc '
            ip link set lo up
            ip address add 192.0.2.1/32 dev lo
            setpriv --pdeathsig KILL nats-server -c FOLDER/elsewhere.conf >FOLDER/elsewhere.log 2>&1 &
            until grep -q "Server is ready" FOLDER/elsewhere.log; do sleep 0.02; done
            LUA_PATH=%s LUA_CPATH=%s %s FOLDER/elsewhere.lua
            kill $!']]):gsub("FOLDER", folder):format(package.path:gsub(";", "\\;"), package.cpath:gsub(";", "\\;") .. "",
               process.lua()))
         assert.truthy(output:find("UNTRUSTED", 1, true), output)
         local log = assert(io.open(folder .. "/elsewhere.log")):read("*a")
         assert.truthy(log:find("Client connection created", 1, true), log)
         assert.falsy(log:find("CONNECT", 1, true), log)
      end)
   end)
end)
