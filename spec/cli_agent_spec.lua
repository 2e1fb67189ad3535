-- SPDX-License-Identifier: MIT
--- `wms agent`, its enrolling, `wms keep --nats` and `wms room status`: what they print, how they end.
local cli = require "spec.support.cli"
local kit = require "spec.support.kit"
local nats = require "spec.support.nats"
local nkeys = require "wms.nkeys"
local process = require "spec.support.process"
local has, records = cli.has, cli.records
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local HOST = [[
   lab = require("wms").memory("lab", { sessions = {
      { session_id = 1, user_name = "teacher", is_admin = true }, { session_id = 2, user_name = "alice" },
      { session_id = 3, user_name = "bob", locked = true },
   } })
]]

teardown(cli.sweep)

describe("wms agent enroll #once", function()
   local test = kit.needing(function(why) pending(why) end, function()
      return select(2, process.run("command -v openssl")) ~= 0 and "openssl is not installed" or nil
   end)

   local function read(path)
      return assert(io.open(path)):read("*a")
   end

   test("makes a key and settings, prints the line for the servers, and leaves alone what is there", function()
      local path = cli.folder() .. "/wms/agent.lua"
      local words = { "agent", "enroll", "--servers", "tls://n1:4222,tls://n2", "--ca", "spec/deps", "--host",
         "Lab01.example", "--allow", "*=sessions", "--allow", "alice=lock,unlock", "--settings", path }
      local out, err, code = cli.run(words)
      assert.equal(0, code, err)
      local key = out:match("^lab01%.example (U[A-Z2-7]+)\n$")
      assert.is_true(nkeys.is_public(key), out)
      has(err, cli.folder() .. "/wms/agent.nk has the secret part", "systemctl enable --now wms-agent")
      local settings = assert(require("wms.agent.settings").read(path))
      assert.same({ servers = { "tls://n1:4222", "tls://n2" }, nkey = cli.folder() .. "/wms/agent.nk",
         tls = { ca = settings.nats.tls.ca } }, settings.nats)
      assert.truthy(settings.nats.tls.ca:find("^/.*/spec/deps$"))
      assert.same({ ["*"] = { "sessions" }, alice = { "lock", "unlock" } }, settings.policy)
      assert.equal("lab01.example", settings.host)
      assert.equal("600\n", (process.run("stat -c %a " .. cli.folder() .. "/wms/agent.nk")))
      local text = read(path)
      out, err, code = cli.run{ "agent", "enroll", "--settings", path } -- by the name that it has there
      assert.same({ "lab01.example " .. key .. "\n", 0 }, { out, code })
      has(err, "agent.lua is left as it is\n")
      err = select(2, cli.run(words))
      has(err, "agent.lua is left as it is: --servers, --ca, --allow changed nothing; edit it")
      out, err = cli.run{ "agent", "enroll", "--host", "lab02", "--settings", path }
      assert.equal("lab01.example " .. key .. "\n", out)
      has(err, "agent.lua is left as it is: --host changed nothing")
      assert.equal(text, read(path))
   end)

   test("writes settings that say what is missing, and values as they are", function()
      local path = cli.folder() .. "/odd folder/a'b.lua"
      local _, err, code = cli.run{ "agent", "enroll", "--servers", "tls://n1", "--settings", path }
      assert.equal(0, code, err)
      local settings = assert(require("wms.agent.settings").read(path))
      assert.same({ "tls://n1" }, settings.nats.servers)
      assert.same({}, settings.policy)
   end)

   it("refuses what is wrong", function()
      for words, want in pairs{
         ["agent enroll --settings /nowhere/x.lua"] = "--servers is missing; give where",
         ["agent enroll --servers a --host ! --settings /nowhere/x.lua"] = "--host: '!' is no host's name; give",
         ["agent enroll --allow alice"] = "--allow: 'alice' is no allowance; give WHO=VERB,...",
         ["agent enroll --allow alice=LOCK"] = "--allow: 'LOCK' is no verb; give some of",
         ["agent enroll --servers n1:4222 --settings /nowhere/x.lua"] =
            "--servers: 'n1:4222' is no URL of a NATS server; give one",
         ["agent enroll --servers tls://a --ca /nowhere/ca.pem --settings /nowhere/x.lua"] =
            "--ca: /nowhere/ca.pem cannot be read",
         ["--demo agent enroll --servers a"] = "--demo: an agent has settings of its own; leave it out",
      } do
         local out, err, code = cli.run(words)
         assert.same({ "", 2 }, { out, code }, words)
         has(err, want)
      end
   end)
end)

describe("wms agent's settings #once", function()
   local function refused(text)
      local path = cli.write("settings.lua", text)
      local out, err, code = cli.run{ "agent", "--settings", path }
      assert.same({ "", 2 }, { out, code }, err)
      assert.equal(1, #cli.lines(err), err)
      return err
   end

   for text, want in pairs{
      ["return 3"] = "it returns a number; return a table",
      ["return { policy = {} }"] = "nats: missing; give the servers",
      ["return { nats = { servers = 'nats://127.0.0.1:1' }, polcy = {} }"] = "polcy: no such field; use nats, policy",
      ["return {"] = "settings.lua:",
      ["return { nats = os.getenv }"] = "settings.lua:",
   } do
      it(("refuses %s"):format(text), function()
         has(refused(text), want)
      end)
   end

   it("that are not there say how to make them", function()
      local _, err, code = cli.run("agent --settings /nowhere/agent.lua")
      assert.equal(2, code)
      has(err, "/nowhere/agent.lua")
   end)
end)

describe("wms agent #once", function()
   local test = kit.needing(function(why) pending(why) end, nats.missing)
   local server, settings

   setup(function()
      if nats.missing() then
         return
      end
      server = nats.start{ jetstream = true }
      cli.write("asker.lua", ([[return { groups = { room1 = "nats://lab[01-02]" },
         nats = { servers = %q, name = "alice" }, defaults = { timeout = 20 } }]]):format(server.url))
      settings = cli.write("agent.lua", ([[return { host = "lab01", nats = { servers = %q }, server = "memory://lab",
         policy = { alice = { "sessions", "lock", "unlock" } } }]]):format(server.url))
      local _, err, code = cli.run{ "--config", cli.folder() .. "/asker.lua", "agent", "prepare" }
      assert(code == 0, err)
   end)

   teardown(function()
      nats.down()
   end)

   --- A command of alice's.
   local function ask(words, options)
      return cli.run(("--config %s/asker.lua %s"):format(cli.folder(), words), options)
   end

   local running

   --- An agent; `more` of what its interpreter runs first.  What it says is read by running:line().
   local function start(more)
      running = cli.start(("agent --settings %s --file %s/agent.keep"):format(settings, cli.folder()),
         { init = HOST .. (more or ""), shell = "2>&1" })
      running:line("lab01: serves memory://lab")
      return running
   end

   after_each(function()
      if running then
         running:insist("TERM")
         running:finish()
         running = nil
         ask "keep --nats -s @room1 --end"
      end
   end)

   test("serves, says each action with who has asked for it, and ends in order", function()
      start()
      local out, err, code = ask "lock --all -s nats://lab01 -m Exam --verify"
      assert.equal(0, code, err)
      has(out, "alice  locked", "bob    already locked")
      running:line("lock of alice: 2 as asked")
      out, err, code = ask "close 2 -s nats://lab01 --yes"
      assert.equal(1, code, out)
      has(err, "the policy of the host's agent does not allow it")
      running:line("close of alice: not allowed by the policy")
      out, err, code = ask "list @room1"
      assert.equal(1, code)
      has(out, "teacher", "locked")
      has(err, "nats://lab02: no agent of this host is connected")
      running:signal("TERM")
      running:line("lab01: serves no longer")
      assert.equal(143, select(3, running:finish()))
      running = nil
      out, err, code = ask "list nats://lab01"
      assert.same({ 3, "" }, { code, out }, err)
   end)

   test("keeps its host as it is wished, until that is taken back", function()
      start [[
         local timer, count = nil, 0
         timer = require("wms.loop.waiting").timer(function() -- a user who unlocks
            if lab:session(2).locked and count < 1 then
               count = count + 1
               lab:unlock(2)
            end
            timer:set(0.1)
         end)
         timer:set(0.1)
      ]]
      local out, err, code = ask "keep --nats -s nats://lab01 --locked -m Exam --after 1h --restore"
      assert.same({ 0, "1 wished\n" }, { code, err })
      has(out, "nats://lab01  wished")
      running:line("lab01: wished by alice: locked, for 3600 s")
      running:line("session 2 (alice): locked")
      running:line("session 2 (alice): locked")
      out, err, code = ask "room status nats://lab01"
      assert.equal(0, code, err)
      assert.truthy(out:find("nats://lab01  locked  %d%d:%d%d  locked %(2%)  by alice, 1 exempt"), out)
      out, err, code = ask "keep --nats -s @room1 --end"
      assert.same({ 0, "2 taken back\n" }, { code, err })
      has(out, "nats://lab02  taken back")
      running:line("the wish is over")
      running:line("session 2 (alice): unlocked again, as it was")
      out, err, code = ask "room @room1 --json"
      assert.equal(1, code, err)
      local list = records(out)
      assert.same({ "room", "nats://lab01", 2, 1, 1, false }, { list[1].record, list[1].server, list[1].sessions,
         list[1].locked, list[1].exempt, list[1].offline })
      assert.is_nil(list[1].wished)
      assert.same({ "nats://lab02", true, "UNREACHABLE" }, { list[2].server, list[2].offline, list[2].code })
      assert.is_nil(list[2].sessions)
      assert.same({ "outcome", "sum", 1, 1 }, { list[3].record, list[4].record, list[4].failed, list[4].exit })
   end)

   test("acts on a wish that is older than itself, goes on after SIGKILL, and tells who is not as wished", function()
      local _, err, code = ask "keep --nats -s @room1 --locked -m Exam --restore"
      assert.equal(0, code, err)
      local out
      out, err, code = ask "room status @room1"
      assert.equal(3, code, err)
      has(out, "nats://lab01  locked  no end  offline")
      start [[lab:fail("lock", "ACCESS_DENIED")]]
      running:line("session 2 (alice): not locked")
      out, err, code = ask "room status nats://lab01"
      assert.equal(1, code, err)
      has(out, "1 of 2 locked  not as wished, by alice")
      has(err, "1 host not as wished")
      process.run("pkill -KILL -P " .. running.pid)
      running:finish()
      start()
      running:line("session 2 (alice): locked")
      process.run("pkill -KILL -P " .. running.pid)
      running:finish()
      start [[lab:lock(2)]] -- as it was left
      running:line("goes on from " .. cli.folder() .. "/agent.keep: 1 session changed")
      ask "keep --nats -s @room1 --end"
      running:line("session 2 (alice): unlocked again, as it was")
   end)

   test("forgets no wish when the server is restarted, and ends it when its time is over", function()
      start()
      ask "keep --nats -s nats://lab01 --locked -m Exam --restore"
      running:line("session 2 (alice): locked")
      server:kill()
      server:start()
      local out, err, code = ask "room status nats://lab01"
      assert.equal(0, code, err)
      has(out, "locked  no end  locked (2)")
      ask "keep --nats -s nats://lab01 --locked -m Exam --restore --after 2"
      running:line("lab01: wished by alice: locked, for ")
      running:line("lab01: the wish is over")
      running:line("session 2 (alice): unlocked again, as it was")
   end)

   test("goes by the names of keys, and ends when the server refuses its own", function()
      local path = cli.folder() .. "/enrolled/agent.lua"
      local function only(key)
         return ("authorization { users: [ { nkey: %s } ] }"):format(key)
      end
      local guarded = nats.start{ config = only(assert(nkeys.make(cli.folder() .. "/other.nk"))) }
      local out, err, code = cli.run{ "agent", "enroll", "--servers", guarded.url, "--host", "lab01", "--settings", path }
      assert.equal(0, code, err)
      local agent = ("agent --settings %s --file %s/enrolled.keep"):format(path, cli.folder())
      local _, said
      _, said, code = cli.run(agent .. " --quiet")
      assert.equal(1, code)
      has(said, "lab01: ended: ")
      guarded:reload(only(out:match("U%w+")))
      running = cli.start(agent, { shell = "2>&1" })
      running:line("lab01: serves logind://")
   end)

   test("is asked with settings that are wrong: it says which, and where they stand", function()
      local guarded = nats.start{ config = ("authorization { users: [ { nkey: %s } ] }"):format(
         assert(nkeys.make(cli.folder() .. "/known.nk"))) }
      assert(nkeys.make(cli.folder() .. "/unknown.nk"))
      for wrong, want in pairs{
         [""] = { "give nats = { servers = \"tls://nats.example\" } in the file of settings (see wms-config(5))\n1 host" },
         [('nats = { servers = %q, nkey = "none.nk" }'):format(guarded.url)] = { "/none.nk cannot be read: ",
            "in the file of settings, in nats: see wms-config(5)" },
         [('nats = { servers = %q, nkey = "unknown.nk" }'):format(guarded.url)] = { "refuses the credentials",
            "Has that server the public part of your key" },
      } do
         cli.write("wrong.lua", ("return { %s }"):format(wrong))
         local _, err, code = cli.run(("--config %s/wrong.lua room status nats://lab01"):format(cli.folder()))
         assert.equal(1, code, err)
         has(err, unpack(want))
         assert.is_nil(err:find("bind", 1, true), err)
      end
   end)

   test("is set up as the manual says: with TLS, keys, and no more rights than are needed", function()
      local folder = cli.folder()
      local function key(name)
         return assert(nkeys.make(("%s/%s.nk"):format(folder, name)))
      end
      local school = { administrators = { key "admin" }, rooms = { room1 = { "lab01.school.example" } },
         people = { alice = { nkey = key "alice", rooms = { "room1" } } } }
      local district = nats.start{ tls = true, jetstream = true, host = "localhost" }
      local path = folder .. "/district/agent.lua"
      local line, err, code = cli.run{ "agent", "enroll", "--servers", district.url, "--ca", nats.ca(), "--host",
         "lab01.school.example", "--allow", "alice=sessions,lock,unlock", "--settings", path }
      assert.equal(0, code, err)
      local text = assert(io.open(path)):read("*a")
      cli.write("district/agent.lua", (text:gsub("return {", 'return { server = "memory://lab",', 1)))
      local host, public = line:match("^(%S+) (%S+)\n$")
      school.hosts = { [host] = public }
      district:stop() -- accounts cannot be made by a reload
      district.options.config = dofile("examples/nats/rights.lua").accounts(school)
      district:start()
      local function whose(name)
         cli.write(name .. ".lua", ([[return { groups = { room1 = "nats://lab01.school.example" },
            defaults = { timeout = 20 }, nats = { servers = %q, name = %q, nkey = "%s.nk", tls = { ca = %q } } }]]):format(
            district.url, name, name, nats.ca()))
         return function(words)
            local out, said, ended = cli.run(("--config %s/%s.lua %s"):format(folder, name, words))
            assert.equal(0, ended, out .. said)
            return out
         end
      end
      local alice = whose "alice"
      has(whose "admin" "agent prepare --replicas 1", "is there")
      running = cli.start(("agent --settings %s --file %s/district.keep"):format(path, folder), { init = HOST,
         shell = "2>&1" })
      running:line("lab01.school.example: serves memory://lab")
      has(alice "lock --all -s @room1 -m Exam --verify", "alice  locked")
      alice "unlock --all -s @room1 --verify"
      alice "keep --nats -s @room1 --locked -m Exam --after 1h --restore"
      running:line("session 2 (alice): locked")
      has(alice "room status @room1", "locked (2)  by alice")
      has(alice "watch @room1 --initial --count 2", "ready")
      alice "keep --nats -s @room1 --end"
      running:line("session 2 (alice): unlocked again")
   end)

   test("is told what is misuse in its file", function()
      for policy, want in pairs{
         ["3"] = "policy: a number; give who may do what", ["{ alice = { 'fly' } }"] = "fly",
         ["{ ['a b'] = {} }"] = "policy: a b: no name; give those of letters", ["nil"] = "policy: missing; give",
      } do
         local path = cli.write("wrong.lua", ("return { host = 'lab01', nats = { servers = %q }, policy = %s }"):format(
            server.url, policy))
         local out, err, code = cli.run{ "agent", "--settings", path }
         assert.same({ 2, "" }, { code, out }, err)
         has(err, path, want)
      end
   end)
end)

describe("wms keep --nats #once", function()
   local test = kit.needing(function(why) pending(why) end, nats.missing)

   test("refuses what no agent keeps", function()
      for words, want in pairs{
         ["-s memory://lab --locked -m x"] = "-s: memory://lab: an agent alone keeps a wish; give nats://HOST",
         ["--locked -m x"] = "-s: missing; give hosts with an agent", ["-s nats://a"] = "give --locked or --unlocked",
         ["-s nats://a --locked"] = "--message: missing; give", ["-s nats://a --end --locked"] = "give one of them",
         ["-s nats://a --locked -m x --where user=a"] = "give one of them",
         ["-s nats://a --locked -m x --file x"] = "give one of them",
      } do
         local out, err, code = cli.run("keep --nats " .. words)
         assert.same({ "", 2 }, { out, code }, words)
         has(err, want)
      end
      local _, err = cli.run("keep -s nats://a --end")
      has(err, "--end alone; give --nats, too")
   end)

   test("is a script, too", function()
      for words, want in pairs{
         ["keep --nats -s nats://a --locked -m x --after 5m"] = 'require("wms.agent").wish{ server = "nats://a", ',
         ["keep --nats -s nats://a --end"] = 'require("wms.agent").end_wish{ server = "nats://a" }',
         ["room status nats://a"] = 'require("wms.agent").status{ server = "nats://a" }',
         ["agent prepare --replicas 3"] = 'require("wms.agent").prepare{ replicas = 3 }',
      } do
         local out, err, code = cli.run(words .. " --lua")
         assert.same({ 0, "" }, { code, err })
         has(out, want)
         assert((loadstring or load)(out)) -- luacheck: ignore 113
      end
   end)

   test("says without servers what is missing", function()
      local _, err, code = cli.run("keep --nats -s nats://a --locked -m x")
      assert.equal(1, code)
      has(err, "nats")
   end)
end)
