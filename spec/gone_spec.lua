-- SPDX-License-Identifier: MIT
--- Sessions that end by themselves while a command on all of them is under way.
local kit = require "spec.support.kit"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

describe("a session that ends by itself", function()
   local keep, sweep = kit.keeper()

   after_each(sweep)

   local function lab(options)
      local name = kit.name()
      options = options or {}
      options.sessions = {}
      for id = 1, 3 do
         options.sessions[id] = { session_id = id, user_name = "user" .. id, locked = true, relock_after = options.relock }
      end
      options.relock = nil
      return "memory://" .. name, keep(wms.memory(name, options))
   end

   local function listed(host)
      return function()
         for _, entry in ipairs(host:log()) do
            if entry.verb == "sessions" then
               return true
            end
         end
      end
   end

   local messages = { lock = "m", message = "m" }

   --- The result of the _all command, in whose middle 2 goes, or another session comes in its place.
   local function between(verb, reused, options)
      local server, host = lab{ latency = 0.2 }
      options = options or {}
      options.server, options.message = server, messages[verb]
      local request = keep(wms.start(verb .. "_all", options))
      kit.pump(request, listed(host))
      host:drop(2)
      if reused then
         host:open{ session_id = 2, user_name = "newcomer", locked = true }
      end
      kit.pump(request, function() return request:done() end)
      return host, request:result()
   end

   for _, verb in ipairs{ "unlock", "lock", "disconnect", "message", "close" } do
      for _, reused in ipairs{ false, true } do
         it(("is no failure of %s_all%s"):format(verb, reused and ", and whoever has its id is spared" or ""), function()
            local host, list, message = between(verb, reused)
            fine(assert(list, message) and list)
            local done = verb == "close" and "verified" or "gone"
            assert.same({ "requested", done, "requested" }, pluck(list, "state"))
            assert.same({ 1, 2, 3 }, pluck(list, "session_id"))
            assert.equal("user2", list[2].user_name)
            if reused then
               local newcomer = host:session(2)
               assert.same({ "newcomer", true, "active" }, { newcomer.user_name, newcomer.locked, newcomer.state })
            end
         end)
      end
   end

   it("is no failure where the state is verified either", function()
      local _, list, message = between("unlock", false, { verify = 10 })
      fine(assert(list, message) and list)
      assert.same({ "verified", "gone", "verified" }, pluck(list, "state"))
      assert.same({ true, "nil", true }, pluck(list, "changed"))
      local _, closed, said = between("close", false, { verify = 10 })
      assert.same({ "verified", "verified", "verified" }, pluck(fine(assert(closed, said) and closed), "state"))
   end)

   it("does not stop a command that stops after a failure", function()
      local server, host = lab{ latency = 0.1 }
      local request = keep(wms.start("unlock_all", { server = server, on_error = "stop" }))
      kit.pump(request, listed(host))
      host:drop(1)
      kit.pump(request, function() return request:done() end)
      assert.same({ "gone", "requested", "requested" }, pluck(fine(request:result()), "state"))
   end)

   it("while it is verified or watched: gone under _all, NOT_FOUND by its id; and that is disconnected", function()
      for _, case in ipairs{
         { "unlock_all", { verify = 60 }, "gone" }, { "unlock_all", { stable = 60 }, "gone", 50 },
         { "unlock", { verify = 60 }, "failed" }, { "unlock", { stable = 60 }, "failed", 50 },
         { "disconnect_all", { verify = 60 }, "verified" }, { "disconnect", { verify = 60 }, "verified" },
      } do
         local name, options, state = case[1], case[2], case[3]
         local server, host = lab{ relock = case[4] or 0 } -- 0: its manager is faster than anybody can see
         options.server = server
         options.session_ids = not name:find("_all") and { 1, 2, 3 } or nil
         local request = keep(wms.start(name, options))
         if name:find("disconnect") then
            assert.is_true(request:wait(5))
         else
            request:wait(0.05)
            assert.is_false(request:done())
            for id = 1, 3 do
               host:drop(id)
            end
            kit.pump(request, function() return request:done() end)
         end
         local outcomes = kit.outcomes(request:result())
         assert.same({ state, state, state }, pluck(outcomes, "state"))
         if state == "failed" then
            assert.equal("NOT_FOUND", fault(request:result()).code)
         else
            fine(request:result())
         end
      end
   end)
end)
