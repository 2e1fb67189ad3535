-- SPDX-License-Identifier: MIT
--- The rights that examples/nats gives, on a real nats-server with real keys: what a key can do, and a stolen one cannot.
local kit = require "spec.support.kit"
local nats = require "spec.support.nats"
local nkey = require "spec.support.nkey"
local process = require "spec.support.process"
local raw = require "spec.support.nats_raw"

local BUCKET = '{"name":"KV_%s","subjects":["$KV.%s.>"],"max_msgs_per_subject":1,"max_bytes":-1,"max_age":0,'
   .. '"max_msg_size":-1,"storage":"memory","num_replicas":1,"discard":"new",'
   .. '"deny_delete":true,"allow_rollup_hdrs":true,"allow_direct":true}'
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

   teardown(nats.down)

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
         local presence = admin:ask(DIRECT:format("wms_presence", "wms_presence", other), "")
         assert.truthy(presence.headers:find("404", 1, true), presence.headers)
      end)
   end)
end)
