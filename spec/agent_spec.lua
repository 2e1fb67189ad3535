-- SPDX-License-Identifier: MIT
--- wms.agent in a program: an agent in its loop, wishes, the room, and misuse.
local agent = require "wms.agent"
local kit = require "spec.support.kit"
local nats = require "spec.support.nats"
local waiting = require "wms.loop.waiting"
local wms = kit.wms

describe("wms.agent", function()
   local test = kit.needing(function(why) pending(why) end, nats.missing)
   local server, host, told, running, name

   setup(function()
      if nats.missing() then
         return
      end
      server = nats.start{ jetstream = true }
      wms.configure{ nats = { servers = server.url, name = "alice" } }
      assert(agent.prepare())
      assert(agent.prepare{ replicas = 1 })
   end)

   teardown(function()
      if server then
         wms.configure{ nats = false }
         nats.down()
      end
   end)

   before_each(function()
      if server then -- else what follows is pending
         wms.configure{ nats = { servers = server.url, name = "alice" } }
      end
      name = kit.name()
      host = wms.memory(name, { sessions = { { session_id = 1, user_name = "alice" },
         { session_id = 2, user_name = "bob", is_admin = true } } })
   end)

   after_each(function()
      if running then
         running:close()
         running = nil
      end
      host:close()
      kit.reset()
   end)

   local function await(check)
      kit.await(check, function() assert(waiting.wait(0.05)) end, 60)
   end

   local function kinds()
      return kit.pluck(told, "kind")
   end

   local function serve(policy)
      told = {}
      running = assert(agent.serve{ host = name, server = "memory://" .. name,
         policy = policy or { alice = { "sessions", "lock", "unlock" } },
         on_report = function(report) told[#told + 1] = report end })
      await(function() return running:serving() end)
      return "nats://" .. name
   end

   test("serves in a program's loop beside what else it does, and is stopped", function()
      local address = serve()
      assert.is_false(running:done())
      local sessions = kit.fine(wms.sessions(address))
      assert.same({ "alice", "bob" }, kit.pluck(sessions, "user_name"))
      kit.fine(wms.lock_all{ server = address, message = "Exam", verify = 20 })
      assert.is_true(host:session(1).locked)
      assert.is_nil(running:wait(0) or nil)
      local _, _, err = running:result()
      assert.equal("BUSY", err.code)
      running:stop()
      assert.is_true(running:run())
      assert.is_true(running:done())
      assert.same({ "serving", "stopped" }, kinds())
      assert.truthy(told[1].message:find(name:lower() .. ": serves memory://", 1, true))
      local _, _, away = wms.sessions(address)
      assert.equal("UNREACHABLE", away.code)
      running:stop() -- nothing more happens
   end)

   test("keeps its host as it is wished, and tells how rooms are", function()
      local address = serve()
      local off = "nats://off-" .. name
      local outcomes = assert(agent.wish{ server = { address, off }, locked = true, message = "Exam", after = 3600,
         restore = true })
      assert.equal(2, #outcomes)
      await(function() return host:session(1).locked end)
      local rows = assert(agent.status{ server = { address, off }, timeout = 20 })
      assert.same({ address, off:lower() }, kit.pluck(rows, "server"))
      local row = rows[1]
      assert.same({ 1, 1, 0, 1, true, false }, { row.sessions, row.locked, row.unknown, row.exempt, row.as_wished,
         row.offline })
      assert.same({ true, "Exam", true, "alice" }, { row.wish.locked, row.wish.message, row.wish.restore, row.wish.who })
      assert.is_true(math.abs(row.wish.ends - os.time() - 3600) < 300)
      assert.same({ true, "UNREACHABLE" }, { rows[2].offline, rows[2].error.code })
      assert.is_nil(rows[2].as_wished)
      assert.is_true(rows[2].wish.locked)
      host:unlock(1)
      await(function() return host:session(1).locked end)
      assert.equal(2, #assert(agent.end_wish{ address, off }))
      await(function() return not host:session(1).locked end)
      assert.is_nil(assert(agent.status(address))[1].wish)
      await(function() return kinds()[#told] == "ended" end)
   end)

   test("of two with one name is one", function()
      local address = serve()
      local again = assert(agent.serve{ host = name, server = "memory://" .. name, policy = { alice = { "sessions" } } })
      await(function() return again:serving() end)
      kit.fine(wms.sessions(address))
      local _, _, err = wms.lock_all{ server = address, message = "x" } -- the policy is the newer one
      assert.equal("ACCESS_DENIED", err.outcomes[1].error.code)
      again:close()
   end)

   test("that no server is reached for says so, goes on trying, and ends when it is stopped", function()
      wms.configure{ nats = { servers = "nats://127.0.0.1:1", name = "alice" } }
      told = {}
      running = assert(agent.serve{ host = name, server = "memory://" .. name, policy = {},
         on_report = function(report) told[#told + 1] = report end })
      await(function() return told[1] end)
      assert.equal("away", told[1].kind)
      assert.is_false(running:serving())
      running:stop()
      assert.is_true(running:run())
   end)

   test("without servers is over at once", function()
      wms.configure{ nats = false }
      local one, _, err = agent.serve{ host = name, server = "memory://" .. name, policy = {} }
      if one then
         local _, _, fault = one:run()
         err = fault
      end
      assert.equal("NOT_BOUND", err.code)
   end)

   describe("refuses", function()
      local function serving(options, ...)
         kit.misuse("serve", { ... }, function() agent.serve(options) end)
      end

      it("what is no agent's option", function()
         serving(nil, "nothing")
         serving({ policy = {}, hots = "a" }, "hots", "host")
         serving({}, "policy", "missing")
         serving({ policy = 3 }, "policy", "number")
         serving({ policy = { [1] = "alice" } }, "policy")
         serving({ policy = { ["a b"] = {} } }, "policy", "letters")
         serving({ policy = { alice = "lock" } }, "policy", "alice", "string")
         serving({ policy = { alice = { 3 } } }, "policy", "alice")
         serving({ policy = {}, host = "a b" }, "host", "a b")
         serving({ policy = {}, host = 3 }, "host")
         serving({ policy = {}, on_report = "x" }, "on_report")
         serving({ policy = {}, server = "memory://a,memory://b" }, "server")
      end)

      test("what the provider refuses", function()
         serving({ policy = { alice = { "fly" } }, host = "a", server = "memory://a" }, "fly")
         serving({ policy = {}, host = "a", server = "memory://a", beat = 0 }, "beat")
      end)

      it("what is no wish", function()
         local function wishing(options, ...)
            kit.misuse("wish", { ... }, function() agent.wish(options) end)
         end
         wishing(nil, "nothing")
         wishing({ locked = true, message = "x" }, "server", "missing")
         wishing({ server = "memory://a", locked = true, message = "x" }, "memory://a", "agent")
         wishing({ server = "nats://a" }, "locked", "missing")
         wishing({ server = "nats://a", locked = true }, "message", "missing")
         wishing({ server = "nats://a", locked = true, message = "x", where = {} }, "where")
         wishing({ server = "nats://a", locked = true, message = "x", until_time = 5 }, "until_time", "gone")
         wishing({ server = "nats://a", locked = true, message = "x", after = 0 }, "after")
         wishing({ server = "nats://a", servers = "nats://b", locked = true, message = "x" }, "already")
         kit.misuse("end_wish", { "server" }, function() agent.end_wish{} end)
         kit.misuse("end_wish", { "locked" }, function() agent.end_wish{ server = "nats://a", locked = true } end)
         kit.misuse("status", { "no" }, function() agent.status "@nowhere" end)
      end)
   end)
end)
