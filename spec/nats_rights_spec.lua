-- SPDX-License-Identifier: MIT
--- The rights that examples/nats gives, on a real nats-server with real keys: what a key can do, and a stolen one cannot.
local kit = require "spec.support.kit"
local nats = require "spec.support.nats"
local nkey = require "spec.support.nkey"
local process = require "spec.support.process"
local raw = require "spec.support.nats_raw"
local room = require "spec.support.nats_room"

local BUCKET = '{"name":"KV_%s","subjects":["$KV.%s.>"],"max_msgs_per_subject":1,"max_bytes":-1,"max_age":0,'
   .. '"max_msg_size":-1,"storage":"memory","num_replicas":1,"discard":"new",'
   .. '"deny_delete":true,"allow_rollup_hdrs":false,"allow_direct":true}'
local DIRECT = "$JS.API.DIRECT.GET.KV_%s.$KV.%s.%s"

describe("rights on NATS #once", function()
   local test = kit.needing(function(why) pending(why) end, nats.no_server, raw.missing)
   local server, keys, opened = nil, {}, {}

   --- A connection with somebody's key, until the end of the test.
   local function by(who)
      local client = assert(raw.connect{ port = server.port, key = keys[who] })
      opened[#opened + 1] = client
      return client
   end

   --- The server has refused it, and says so.
   local function refused(client, what, subject)
      local lines = client:flush()
      assert.equal(1, #lines, what .. " " .. subject .. ": " .. table.concat(lines, "\n"))
      assert.truthy(lines[1]:find("Permissions Violation for " .. what .. " to \"" .. subject, 1, true), lines[1])
   end

   local function refused_publish(client, subject, data, reply)
      client:publish(subject, data, reply)
      refused(client, "Publish", subject)
   end

   local function refused_subscribe(client, subject)
      client:subscribe(subject)
      refused(client, "Subscription", subject)
   end

   local function fine(client)
      assert.same({}, client:flush())
   end

   setup(function()
      if nats.no_server() or raw.missing() then
         return
      end
      local folder = nats.folder()
      for _, name in ipairs{ "admin", "alice", "bob", "caretaker", "lab01", "lab02", "lab03", "stranger" } do
         keys[name] = nkey.new(folder, name)
      end
      process.run(("cp examples/nats/* %s"):format(process.quote(folder)))
      local file = assert(io.open(folder .. "/hosts.txt", "w"))
      for _, host in ipairs{ "lab01", "lab02", "lab03" } do
         file:write(("%s.school.example %s\n"):format(host:upper(), keys[host].public))
      end
      file:close()
      file = assert(io.open(folder .. "/school.lua"))
      local text = file:read("*a")
      file:close()
      text = text:gsub("UADMINISTRATOR%u+", keys.admin.public):gsub("UALICE%u+", keys.alice.public)
         :gsub("UBOB%u+", keys.bob.public):gsub("UCARETAKER%u+", keys.caretaker.public)
      file = assert(io.open(folder .. "/school.lua", "w"))
      file:write(text)
      file:close()
      local output, code = process.run(("cd %s && %s rights.lua school.lua"):format(process.quote(folder), process.lua()))
      assert(code == 0, output)
      file = assert(io.open(folder .. "/rights.conf", "w"))
      file:write(output)
      file:close()
      server = nats.start{ jetstream = true, config = 'include "rights.conf"' }
      local admin = by "admin"
      for _, bucket in ipairs{ "wms_wish", "wms_presence" } do
         local answer = admin:ask("$JS.API.STREAM.CREATE.KV_" .. bucket, BUCKET:format(bucket, bucket))
         assert.truthy(answer.data:find('"did_create":true', 1, true), answer.data)
      end
      admin:close()
   end)

   teardown(room.down)

   after_each(function()
      for i = #opened, 1, -1 do
         opened[i]:close()
         opened[i] = nil
      end
   end)

   test("are those of a configuration that nats-server takes as a whole", function()
      local folder = nats.folder()
      nats.certificate "whole"
      local edit = "cd %s && sed 's|/etc/nats/server|whole|; s|/etc/nats/ca|ca|; s|/var/lib/nats|whole.store|' "
         .. "nats-server.conf > whole.conf"
      process.run(edit:format(process.quote(folder)))
      local output, code = process.run("cd " .. process.quote(folder) .. " && nats-server -t -c whole.conf")
      assert.equal(0, code, output)
   end)

   test("are nobody's without a key that is known", function()
      local client, why = raw.connect{ port = server.port, key = keys.stranger }
      assert.is_nil(client)
      assert.truthy(why:find("Authorization Violation", 1, true), why)
      assert.is_nil((raw.connect{ port = server.port }))
      -- A known key without its seed: somebody else's signature.
      local thief = setmetatable({ public = keys.alice.public }, { __index = keys.stranger })
      assert.is_nil((raw.connect{ port = server.port, key = thief }))
   end)

   test("let a teacher ask the hosts of her rooms, and these answer her", function()
      local alice, host = by "alice", by "lab01"
      host:subscribe "wms.v1.lab01_school_example.*.*"
      fine(host)
      alice:subscribe "wms.v1.*.answer.alice.NONCE.*"
      alice:subscribe "wms.v1.lab01_school_example.event"
      local reply = "wms.v1.lab01_school_example.answer.alice.NONCE.1"
      alice:publish("wms.v1.lab01_school_example.unlock.alice", '{"all":true}', reply)
      fine(alice)
      local question = assert(host:next())
      assert.equal("wms.v1.lab01_school_example.unlock.alice", question.subject)
      host:publish(question.reply, '{"outcomes":[]}')
      host:publish("wms.v1.lab01_school_example.event", '{"seq":1}')
      fine(host)
      assert.equal('{"outcomes":[]}', alice:next().data)
      assert.equal('{"seq":1}', alice:next().data)
   end)

   test("let nobody take away what others have in the store", function()
      local alice, bob, admin = by "alice", by "bob", by "admin"
      local function wish(client, host, headers)
         client:publish("$KV.wms_wish." .. host, '{"state":"unlocked"}', nil, headers)
         fine(client)
      end
      wish(bob, "lab03_school_example")
      wish(alice, "lab01_school_example", "Nats-Rollup: all\r\n")
      local answer = admin:ask(DIRECT:format("wms_wish", "wms_wish", "lab03_school_example"), "")
      assert.truthy(answer.data:find("unlocked", 1, true), answer.headers)
   end)

   test("let a teacher neither ask other hosts, nor as somebody else, nor hear or read what is not hers", function()
      local alice = by "alice"
      for _, verb in ipairs{ "unlock", "sessions", "reboot" } do
         refused_publish(alice, ("wms.v1.lab03_school_example.%s.alice"):format(verb), '{"all":true}')
         refused_publish(alice, ("wms.v1.lab01_school_example.%s.bob"):format(verb), '{"all":true}')
      end
      refused_publish(alice, "wms.v1.lab01_school_example.answer.bob.NONCE.1", "{}")
      refused_publish(alice, "wms.v1.lab01_school_example.event", "{}")
      refused_publish(alice, "$KV.wms_wish.lab03_school_example", '{"state":"unlocked"}')
      refused_publish(alice, "$KV.wms_presence.lab01_school_example", "{}")
      refused_publish(alice, DIRECT:format("wms_wish", "wms_wish", "lab03_school_example"), "", "wms.v1.x.answer.alice.N.1")
      refused_publish(alice, "$JS.API.STREAM.DELETE.KV_wms_wish", "")
      refused_publish(alice, "$JS.API.STREAM.PURGE.KV_wms_wish", "")
      for _, subject in ipairs{ ">", "wms.v1.>", "wms.v1.*.*.*", "wms.v1.*.answer.>", "wms.v1.*.answer.bob.>",
         "wms.v1.lab01_school_example.*.*", "wms.v1.lab03_school_example.event", "$KV.>", "_INBOX.>" } do
         refused_subscribe(alice, subject)
      end
   end)

   test("let nobody but the administrator change or remove the buckets", function()
      for _, who in ipairs{ "alice", "caretaker", "lab01" } do
         local client = by(who)
         for _, what in ipairs{ "CREATE", "UPDATE", "DELETE", "PURGE", "INFO" } do
            refused_publish(client, ("$JS.API.STREAM.%s.KV_wms_wish"):format(what), "{}")
         end
         refused_publish(client, "$JS.API.CONSUMER.CREATE.KV_wms_wish", "{}")
      end
      assert.truthy(by("admin"):ask("$JS.API.STREAM.INFO.KV_wms_wish", "").data:match('"KV_wms_wish"'))
   end)

   describe("are enough", function()
      local with_provider = kit.needing(function(why) pending(why) end, nats.missing, raw.missing)
      local programs = {}

      --- A program that uses somebody's key, or that of a host.
      local function program(who)
         programs[who] = programs[who] or room.program{ nats = {
            servers = server.url, nkey = keys[who].file, name = keys[who].name,
         } }
         return programs[who]
      end

      --- What a command returns there: "fine", or the code and the first outcome's state.
      local function done(who, call)
         return program(who):eval(([[
            local result, message, err = wms.%s
            if result then return "fine" end
            local first = err.outcomes and err.outcomes[1]
            return err.code .. (first and " " .. first.state or "")]]):format(call))
      end

      setup(function()
         if nats.missing() or raw.missing() then
            return
         end
         for i = 1, 3 do
            local one = program("lab0" .. i)
            local text = "serve{ prefix = 'lab0', suffix = '.school.example', first = %d, last = %d, sessions = 2 }"
            one:eval(text:format(i, i))
         end
      end)

      local PUT = "call{ server = %s, interface = 'wish', operation = 'put', "
         .. "arguments = { state = 'unlocked', seconds = 60 } }"

      with_provider("for agents and teachers, for all that is theirs, and nothing is refused by the server", function()
         local lab = '"nats://lab01.school.example"'
         for _, call in ipairs{
            "sessions(%s)", "unlock_all{ server = %s, verify = 10 }", "lock_all{ server = %s, message = 'm' }",
            "unlock{ server = %s, session_ids = { 1, 2 }, stable = 0.1 }", "thumbnail_all(%s)",
            "message_all{ server = %s, message = 'm' }", "disconnect{ server = %s, session_ids = 1 }",
            PUT,
            "call{ server = %s, interface = 'wish', operation = 'get' }",
            "call{ server = %s, interface = 'presence', operation = 'get' }",
            "call{ server = %s, interface = 'wish', operation = 'delete' }", "close_all{ server = %s }",
            "reboot{ server = %s }",
         } do
            for _, who in ipairs{ "alice", "caretaker" } do
               assert.equal("fine", done(who, call:format(lab)), who .. ": " .. call)
            end
         end
         assert.equal("locked", program("alice"):eval [[
            local watch = assert(wms.watch{ server = "nats://lab02.school.example" })
            repeat local event = assert(watch:next(20)) until event.kind == "ready"
            assert(wms.lock_all{ server = "nats://lab02.school.example", message = "m" })
            local event = assert(watch:next(20))
            watch:close()
            return event.kind ]])
         assert.equal("fine", done("caretaker", 'unlock_all{ servers = { "nats://lab0[1-3].school.example" } }'))
         for _, said in ipairs{ "Permissions Violation", "Authorization" } do
            assert.falsy(server:log():sub(-20000):find(said .. "[^\n]*wms ", 1), server:log())
         end
      end)

      with_provider("for nothing else: hosts of other rooms do not hear a teacher, and the error says that", function()
         local function count()
            return program("lab03"):eval 'return #hosts["lab03.school.example"]:log()'
         end
         local before = count()
         for _, call in ipairs{ "sessions(%s)", "unlock_all(%s)", "close_all{ server = %s }",
            PUT } do
            local said = done("alice", call:format '"nats://lab03.school.example"')
            assert.truthy(said:find "^ACCESS_DENIED", call .. ": " .. said)
         end
         assert.equal(before, count())
      end)

      with_provider("for an agent under its own name alone", function()
         local said = program("lab02"):eval [[
            return tostring(pcall(serve, { prefix = "lab0", suffix = ".school.example", first = 1, last = 1 }))]]
         assert.equal("false", said)
      end)
   end)

   describe("by JSON Web Tokens", function()
      local with_provider = kit.needing(function(why) pending(why) end, nats.missing, raw.missing)

      with_provider("are taken from a file of credentials", function()
         local folder = nats.folder()
         local operator = nkey.operator(folder)
         local by_token = nats.start{ config = operator.config }
         finally(function() by_token:kill() end)
         local rights = { pub = { "wms.v1.lab1.answer.>", "wms.v1.lab1.event" },
            sub = { "wms.v1.lab1.*.*", "wms.v1.lab1.store.>" } }
         local agent = room.program{ nats = { servers = by_token.url, credentials = operator.creds("lab1", rights) } }
         agent:eval "serve{ prefix = 'lab', sessions = 2 }"
         local file = operator.creds("carol", { pub = { "wms.v1.*.*.carol" }, sub = { "wms.v1.*.answer.carol.>" } })
         local carol = room.program{ nats = { servers = by_token.url, name = "carol", credentials = file } }
         assert.equal("2", carol:eval 'return #assert(wms.unlock_all "nats://lab1")')
         local other = nkey.operator(folder).creds("carol")
         local stranger = room.program{ nats = { servers = by_token.url, name = "carol", credentials = other } }
         assert.equal("ACCESS_DENIED", stranger:eval 'return select(3, wms.unlock_all "nats://lab1").code')
      end)
   end)

   describe("of a stolen agent's key", function()
      test("unlock no other host", function()
         local thief, host = by "lab02", by "lab01"
         host:subscribe "wms.v1.lab01_school_example.*.*"
         fine(host)
         for _, who in ipairs{ "alice", "bob", "lab02_school_example", "anonymous" } do
            refused_publish(thief, "wms.v1.lab01_school_example.unlock." .. who, '{"all":true}')
         end
         refused_publish(thief, "wms.v1.lab02_school_example.unlock.alice", '{"all":true}') -- not even its own
         refused_publish(thief, "$KV.wms_wish.lab01_school_example", '{"state":"unlocked"}')
         refused_publish(thief, "$KV.wms_wish.lab02_school_example", '{"state":"unlocked"}')
         assert.same({}, host:all())
      end)

      test("answer for no other host, and tell nothing of it", function()
         local thief = by "lab02"
         refused_publish(thief, "wms.v1.lab01_school_example.answer.alice.NONCE.1", '{"outcomes":[]}')
         refused_publish(thief, "wms.v1.lab01_school_example.event", '{"seq":1}')
         refused_publish(thief, "$KV.wms_presence.lab01_school_example", "{}")
      end)

      test("neither read another host's wish, nor hear questions to it or answers", function()
         local thief = by "lab02"
         for _, bucket in ipairs{ "wms_wish", "wms_presence" } do
            refused_publish(thief, DIRECT:format(bucket, bucket, "lab01_school_example"), "", "wms.v1.x.store.N.1")
         end
         refused_publish(thief, "$JS.API.DIRECT.GET.KV_wms_wish", '{"seq":1}')
         refused_publish(thief, "$JS.API.STREAM.MSG.GET.KV_wms_wish", '{"seq":1}')
         for _, subject in ipairs{ ">", "wms.>", "wms.v1.*.*.*", "wms.v1.lab01_school_example.*.*", "wms.v1.*.unlock.*",
            "wms.v1.lab01_school_example.answer.>", "wms.v1.*.answer.>", "wms.v1.*.store.>", "wms.v1.*.event",
            "$KV.wms_wish.*", "$KV.wms_wish.lab01_school_example", "$KV.wms_presence.*", "$JS.>", "_INBOX.>" } do
            refused_subscribe(thief, subject)
         end
      end)

      test("write nothing into the buckets by having it answered there", function()
         local alice, thief, admin = by "alice", by "lab02", by "admin"
         local mine, other = "lab02_school_example", "lab01_school_example"
         local function wish()
            return admin:ask(DIRECT:format("wms_wish", "wms_wish", other), "").data
         end
         local function presence() -- of an agent that is there
            return admin:ask(DIRECT:format("wms_presence", "wms_presence", other), "").data:match('"instance":"%w+"')
         end
         local before = presence()
         alice:subscribe "wms.v1.*.answer.alice.>"
         alice:publish("$KV.wms_wish." .. other, '{"state":"locked"}', "wms.v1.x.answer.alice.N.1")
         assert.truthy(alice:next().data:find('"stream":"KV_wms_wish"', 1, true))
         thief:publish("$KV.wms_presence." .. mine, '{"state":"unlocked"}')
         fine(thief)
         -- What is stored, "not found", and that something was taken:
         thief:publish(DIRECT:format("wms_presence", "wms_presence", mine), "", "$KV.wms_wish." .. other)
         thief:publish(DIRECT:format("wms_wish", "wms_wish", mine), "", "$KV.wms_wish." .. other)
         thief:publish("$KV.wms_presence." .. mine, '{"state":"unlocked"}', "$KV.wms_wish." .. other)
         thief:publish("$KV.wms_presence." .. mine, '{"state":"unlocked"}', "$KV.wms_presence." .. other)
         thief:publish(DIRECT:format("wms_presence", "wms_presence", mine), "", "$KV.wms_presence." .. other)
         fine(thief)
         assert.equal('{"state":"locked"}', wish())
         assert.equal(before, presence())
      end)
   end)
end)
