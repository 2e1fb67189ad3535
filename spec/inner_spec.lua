-- SPDX-License-Identifier: MIT
--- Requests and watches that a provider starts, since it serves others: spec/c/provider_butler.c.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms
local keep, sweep = kit.keeper()

local REQUESTED, FAILED, SKIPPED = 0, 3, 5 -- as `enum wms_state` has them
local UNREACHABLE, CANCELLED = -3, -11

describe("a provider that gives commands #once", function()
   local open, close = kit.providers()

   setup(open)
   teardown(close)
   after_each(sweep)
   after_each(kit.reset)

   local function ask(operation, server, times)
      return wms.call{ server = "butler://house", interface = "house", operation = operation,
         arguments = { server = server, times = times } }
   end

   local function outcome(state, code)
      return ("%d:%d "):format(state, code or 0)
   end

   local function room(options)
      local name = kit.name()
      options = options or {}
      options.sessions = { { session_id = 1, locked = true }, { session_id = 2, locked = true } }
      return keep(wms.memory(name, options)), "memory://" .. name
   end

   it("is told when they are done", function()
      local host, server = room()
      local result = assert(ask("run", server))
      assert.same({ outcome(REQUESTED):rep(2), "" }, { result.outcomes, result.fault })
      assert.is_false(host:session(2).locked)
      local _, slow = room{ latency = 0.02 }
      assert.equal(outcome(REQUESTED):rep(2), assert(ask("run", slow)).outcomes)
   end)

   it("is told what goes wrong", function()
      local result = assert(ask("run", "memory://nobody"))
      assert.equal(outcome(FAILED, UNREACHABLE), result.outcomes)
      assert.truthy(result.fault:find("no embedded host of that name", 1, true), result.fault)
      local _, message, err = ask("run", "nowhere://at all")
      assert.equal("INVALID", err and "INVALID", message)
   end)

   it("may give the next one when it is told of one", function()
      local host, server = room()
      assert.equal(outcome(REQUESTED):rep(2), assert(ask("run", server, 300)).outcomes)
      assert.is_true(#host:log() >= 301)
   end)

   it("may give it up", function()
      local host, server = room{ latency = 1000 }
      assert.equal(outcome(SKIPPED, CANCELLED), assert(ask("cancel", server)).outcomes)
      assert.truthy(ask("drop", server))
      local request = wms.start("call", { server = "butler://house", interface = "house", operation = "run",
         arguments = { server = server } })
      request:step()
      request:cancel()
      assert.equal("CANCELLED", select(3, request:result()).code)
      request:close()
      assert.is_true(host:session(1).locked)
      local _, here = room()
      assert.truthy(ask("drop", here))
      assert.equal(outcome(REQUESTED):rep(2), assert(ask("cancel", here)).outcomes) -- too late
   end)

   it("cannot ask anybody", function()
      local complaints = assert(ask("wrong"))
      for _, name in ipairs{ "ask", "choose", "follow", "watch" } do
         assert.truthy(complaints[name]:find("leave it out", 1, true), name)
      end
      assert.truthy(complaints.bind:find("password: missing", 1, true), complaints.bind)
   end)

   it("may watch", function()
      local host, server = room()
      local before = assert(ask("state"))
      assert(ask("watch", server))
      local function state(name)
         return assert(ask("state"))[name]
      end
      kit.await(function() return state("events") == before.events + 3 end) -- two sessions, and that it is watched
      assert.same({ 2, 1 }, { state("sessions"), state("locked") })
      host:unlock(1)
      kit.await(function() return state("events") == before.events + 4 end)
      assert.equal(0, state("locked"))
      assert(ask("unwatch"))
      host:lock(1)
      assert.same({ before.events + 4, 0 }, { state("events"), state("sessions") })
   end)

   it("is seen by no program", function()
      local folder = (os.getenv("WMS_BUILD") or "build") .. "/spec/wms"
      assert.same({ "", 0 }, { process.run("timeout 120 " .. process.program("inner") .. " " .. process.quote(folder)) })
   end)

end)
