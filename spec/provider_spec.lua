-- SPDX-License-Identifier: MIT
--- What the engine makes of providers that do badly what wms/provider.h allows, or what it forbids: see
-- spec/c/provider_poor.c.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms

local folder = (os.getenv("WMS_BUILD") or "build") .. "/spec/?.so"
local cpath = package.cpath

local function server(name)
   return "poor://" .. name
end

describe("a poor provider", function()
   setup(function()
      package.cpath = folder .. ";" .. cpath
   end)

   teardown(function()
      package.cpath = cpath
   end)

   -- The provider and the engine are as they were.
   after_each(function()
      collectgarbage()
      kit.fine(wms.unlock{ session_ids = { 1, "c2" }, server = server "good" })
   end)

   --- Nobody waits for long where nothing comes; but what comes may take its time.
   local function patience(code)
      return code == "TIMEOUT" and 0.05 or 30
   end

   local function unlock(name, code)
      return kit.outcomes(wms.unlock{ session_ids = 1, server = server(name), timeout = patience(code) })[1]
   end

   describe("answers an action:", function()
      for _, case in ipairs{
         { "good", "requested" },
         { "late", "requested" },
         { "thread", "requested" },
         { "connect-late", "requested" },
         { "connect-broken", "failed", "UNREACHABLE" },
         { "connect-broken-kept", "failed", "UNREACHABLE" },
         { "connect-negative", "failed", "TIMEOUT" },
         { "connect-odd", "failed", "INTERNAL" },
         { "connect-said", "failed", "UNTRUSTED" },
         { "connect-up-negative", "failed", "UNREACHABLE" },
         { "connect-never", "failed", "TIMEOUT" },
         { "never", "unknown", "TIMEOUT" },
         { "unsent", "failed", "TIMEOUT" },
         { "act-broken", "failed", "UNREACHABLE" },
         { "act-sent-broken", "unknown", "UNREACHABLE" },
         { "act-broken-answer", "requested" },
         { "act-answer-broken", "requested" },
         { "act-broken-lost", "unknown", "UNREACHABLE" },
         { "lost", "unknown", "UNREACHABLE" },
         { "twice", "requested" },
         { "code-positive", "failed", "INTERNAL" },
         { "code-256", "failed", "INTERNAL" },
         { "code-512", "failed", "INTERNAL" },
         { "code-999", "failed", "INTERNAL" },
         { "code-min", "failed", "INTERNAL" },
         { "code-invalid", "failed", "INTERNAL" },
         { "code-unknown", "failed", "INTERNAL" },
      } do
         local name, state, code = case[1], case[2], case[3]
         it(name, function()
            for _ = 1, 2 do
               local outcome = unlock(name, code)
               assert.same({ state, code }, { outcome.state, outcome.error and outcome.error.code })
            end
         end)
      end

      it("a connection that breaks after each answer is made again as often as there are sessions", function()
         local ids = {}
         for id = 1, 12 do
            ids[id] = id
         end
         local list = kit.fine(wms.unlock{ session_ids = ids, server = server "act-answer-broken" })
         for id = 1, 12 do
            assert.equal("requested", list[id].state)
         end
      end)

      it("what it says after its answer is not heard", function()
         local outcome = unlock "twice"
         assert.same({ "poor", "carol" }, { outcome.note, outcome.user_name })
      end)

      it("after it was forgotten, in vain", function()
         local said = { asked = 0, answered = 0 }
         wms.configure{ log = function(_, text)
            local what = text:match("^deaf: (%a+)$")
            if what then
               said[what] = said[what] + 1
            end
         end }
         finally(kit.reset)
         local request = wms.start("unlock", { session_ids = { 1, "c2" }, server = server "deaf" })
         kit.pump(request, function() return said.asked == 2 end)
         request:cancel()
         assert.equal(0, said.answered)
         kit.await(function() return said.answered == 2 end, function()
            kit.fine(wms.unlock{ session_ids = 1, server = server "late" }) -- the loop runs meanwhile
         end)
         local err = kit.fault(request:result())
         assert.same({ "unknown", "unknown" }, kit.pluck(err.outcomes, "state"))
         assert.same({ "CANCELLED", "CANCELLED" }, kit.pluck(err.outcomes, "error", "code"))
         assert.same({ "carol", "carol", "poor", "poor" }, { err.outcomes[1].user_name, err.outcomes[2].user_name,
            err.outcomes[1].note, err.outcomes[2].note })
         request:close()
      end)
   end)

   describe("lists its sessions:", function()
      for _, case in ipairs{
         { "good", 2 },
         { "late", 2 },
         { "connect-late", 2 },
         { "list-broken", "UNREACHABLE" },
         { "list-broken-once", 2 },
         { "many", 100001 },
         { "duplicates", 2 },
         { "digits", 2 },
         { "bad-ids", 2 },
         { "list-more", 2 },
         { "never", "TIMEOUT" },
      } do
         local name, wanted = case[1], case[2]
         it(name, function()
            local list, _, err = wms.sessions{ server = server(name), timeout = patience(wanted) }
            assert.equal(wanted, list and #list or err.code)
            if type(wanted) == "number" then
               local seen = {}
               for _, session in ipairs(list) do
                  assert.is_nil(seen[session.session_id])
                  seen[session.session_id] = true
               end
               assert.equal(wanted, #kit.fine(wms.unlock_all{ server = server(name) }))
            else
               assert.equal(wanted, select(3, wms.unlock_all{ server = server(name), timeout = patience(wanted) }).code)
            end
         end)
      end
   end)

   it("lists sessions twice: what both rows say is known, and none that one row exempts is acted on by _all", function()
      local lines = {}
      wms.configure{ log = function(_, text) lines[#lines + 1] = text end }
      local list = assert(wms.sessions(server "twins"))
      wms.configure{ log = false }
      assert.truthy(table.concat(lines, "\n"):find("twins: 2 rows of the list are of sessions that it has already, "
         .. "the first of 1", 1, true), table.concat(lines, "\n"))
      assert.same({ 1, "c2", 3 }, kit.pluck(list, "session_id"))
      local first, second = list[1], list[2]
      assert.is_false(first.is_orchestratable)
      assert.same({}, { first.locked, first.station_id })
      assert.is_string(first.user_name)
      assert.same({}, { second.user_name, second.seat })
      assert.same({ "c2", 3 }, kit.pluck(kit.fine(wms.unlock_all(server "twins")), "session_id"))
      assert.same({}, kit.fine(wms.unlock_all{ server = server "twins", where = { user_name = "dora" } }))
   end)

   describe("shows a session:", function()
      for _, case in ipairs{
         { "good", "verified", nil, true },
         { "see-late", "verified", nil, true },
         { "see-never", "failed", "TIMEOUT" },
         { "see-blind", "failed", "UNVERIFIED" },
         { "see-blind-once", "verified" }, -- how it was before is not known
         { "see-stale", "failed", "UNVERIFIED" },
         { "act-blind", "failed", "UNVERIFIED" },
         { "see-broken", "failed", "UNREACHABLE" },
         { "see-broken-blind", "failed", "UNREACHABLE" },
         { "see-blind-broken", "failed", "UNREACHABLE" },
         { "see-gone", "failed", "NOT_FOUND" },
         { "blind-later", "failed", "UNVERIFIED" },
         { "see-revert", "failed", "REVERTED" },
         { "act-broken", "failed", "UNREACHABLE" },
         { "act-sent-broken", "unknown", "UNREACHABLE" },
      } do
         local name, state, code, changed = case[1], case[2], case[3], case[4]
         it(name, function()
            local list, _, err = wms.unlock{
               session_ids = 1, server = server(name), timeout = patience(code), verify = 20,
               stable = name == "see-revert" and 20 or nil,
            }
            local outcome = (list or err.outcomes)[1]
            if name == "good" and not outcome.changed then
               changed = false -- its connection is kept: it has been unlocked before
            end
            assert.same({ state, code, changed },
               { outcome.state, outcome.error and outcome.error.code, outcome.changed })
         end)
      end
   end)

   it("does not tell whether a session is locked: that is neither", function()
      for _, verb in ipairs{ "unlock", "lock" } do
         local outcome = select(3, wms[verb]{
            session_ids = 1, server = server "see-unknown", verify = 0.2, message = verb == "lock" and "m" or nil,
         }).outcomes[1]
         assert.same({ "failed", "UNVERIFIED" }, { outcome.state, outcome.error.code })
         assert.truthy(outcome.error.message:find("does not show whether it is locked", 1, true), outcome.error.message)
      end
   end)

   it("has answered in time, however late the program looks", function()
      local request = wms.start("unlock", { session_ids = 1, server = server "thread-slow", timeout = 2 })
      os.execute("sleep 2.5") -- it answers after 0.06 s
      assert.is_true(request:wait(10))
      assert.equal("requested", kit.fine(request:result())[1].state)
      request:close()
   end)

   it("that takes few questions at once takes them from all in turn", function()
      local function start(first, last, on_outcome)
         local ids = {}
         for id = first, last do
            ids[#ids + 1] = id
         end
         return wms.start("unlock", { session_ids = ids, server = server "late", on_outcome = on_outcome })
      end
      local before = 0
      local full = start(1, 8)
      local one = start(9, 9)
      local many = start(10, 300, function()
         before = before + 1
      end)
      while not one:done() do
         many:wait(0.001)
      end
      assert.is_true(before < 50, before)
      for _, request in ipairs{ full, one, many } do
         assert.is_true(request:wait(20))
         kit.fine(request:result())
         request:close()
      end
   end)

   it("whose connection hangs gets no new work on it, from those who waited for a place there either", function()
      local function start(first, last, timeout)
         local ids = {}
         for id = first, last do
            ids[#ids + 1] = id
         end
         return wms.start("unlock", { session_ids = ids, server = server "never-once", timeout = timeout })
      end
      local hung, waiting = start(1, 8, 0.1), start(9, 10, 30)
      assert.is_true(hung:wait(10))
      assert.is_true(waiting:wait(20))
      assert.equal("unknown", kit.outcomes(hung:result())[1].state)
      assert.equal("requested", kit.fine(waiting:result())[1].state)
      hung:close()
      waiting:close()
   end)

   it("does all that at once", function()
      local names = {}
      local found = process.run([[grep -o '"[a-z]*-[a-z-]*"' spec/c/provider_poor.c | sort -u]])
      for name in found:gmatch('"(.-)"') do
         names[#names + 1] = server(name)
      end
      assert.truthy(#names > 20)
      local requests = {}
      for i, verb in ipairs{ "unlock_all", "lock_all", "close_all", "sessions" } do
         requests[i] = wms.start(verb, {
            servers = names, timeout = 0.05, verify = verb ~= "sessions" and 0.05 or nil,
            message = verb == "lock_all" and "m" or nil, concurrency = i,
         })
      end
      requests[2]:cancel()
      requests[3]:step()
      requests[3]:close()
      for _, i in ipairs{ 1, 2, 4 } do
         assert.is_true(requests[i]:wait(20))
         local list, _, err = requests[i]:result()
         assert.is_nil(list)
         assert.truthy(#err.outcomes >= #names)
      end
   end)

   local function alone(text, environment)
      return process.run(("%s LUA_CPATH=%s timeout 20 %s -e %s"):format(environment or "",
         process.quote(folder .. ";" .. cpath), process.lua(), process.quote(text)))
   end

   for _, name in ipairs{ "leaky", "disconnect-broken", "thread", "late", "never", "see-late", "connect-never", "deaf" } do
      it("may be left at any time: " .. name, function()
         for _, exit in ipairs{ "", "os.exit(0, true)", "os.exit(0)" } do
            local output, code = alone(([[
               local wms, name, all = require "wms", "%s", {}
               for i = 1, 10 do
                  local request = wms.start("unlock", { session_ids = i %% 2, server = "poor://" .. name, verify = 5 })
                  all[i] = name == "deaf" and request or nil -- which uses it also when it is cancelled
               end
               kept = wms.start("sessions", "poor://" .. name)
               kept:wait(0.01)
               _G.all = all
               %s]]):format(name, exit))
            assert.same({ "", 0 }, { output, code })
         end
      end)
   end

   for kind, words in pairs{
      abi = "another version", short = "its size is 16", nameless = "name", name = "rich", holes = "forget",
      null = "no provider",
   } do
      it("is refused when it is none: " .. kind, function()
         local output, code = alone([[
            local wms = require "wms"
            local list, message, err = wms.unlock{ session_ids = 1, server = "poor://good" }
            print(list, message, err and err.code)]], "POOR_PROVIDER=" .. kind)
         local loaded, other = alone([[print(pcall(require "wms".load, "poor"))]], "POOR_PROVIDER=" .. kind)
         assert.truthy(code == 0 or code == 1, output) -- it may be misuse: there is no such scheme then
         assert.equal(0, other, loaded)
         assert.truthy(loaded:find(words, 1, true), loaded)
         assert.is_nil(output:find("^table"), output)
      end)
   end
end)
