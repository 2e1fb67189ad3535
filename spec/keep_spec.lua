-- SPDX-License-Identifier: MIT
--- wms.keep with embedded hosts: what it holds, its limits, its end; in programs, and misuse.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local shared = require "spec.support.keeping"
local keep_rooms = require "wms.keep"
local limit = require "wms.keep.limit"
local wms = kit.wms

describe("wms.keep", function()
   local keep, sweep = kit.keeper()
   local await, of, is_locked, is_unlocked, lua = shared.await, shared.of, shared.is_locked, shared.is_unlocked, shared.lua
   local folder

   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
   end)

   teardown(function()
      process.run("rm -r " .. folder)
   end)

   after_each(function()
      sweep()
      kit.reset()
      wms.configure{ groups = {} }
   end)

   local function lab(...)
      return shared.lab(keep, ...)
   end

   local function keeping(options)
      return shared.begin(keep, options)
   end

   describe("holds", function()
      it("what it finds, what is opened, and what somebody changes", function()
         local host, server = lab()
         local keeper, told = keeping{ server = server, locked = true, message = "Eyes on the teacher" }
         await(keeper, is_locked(host, 2))
         host:open{ session_id = 3, user_name = "carol" }
         await(keeper, is_locked(host, 3))
         await(keeper, function() return #of(told, "acted") == 3 end)
         host:unlock(1)
         await(keeper, is_locked(host, 1))
         await(keeper, function() return #of(told, "acted") == 4 end)
         local acted = of(told, "acted")
         assert.same({ "found", "found", "opened", "changed" }, kit.pluck(acted, "reason"))
         assert.same({ 1, 2, 3, 1 }, kit.pluck(acted, "session_id"))
         assert.same({ "alice", "bob", "carol", "alice" }, kit.pluck(acted, "user_name"))
         for _, report in ipairs(acted) do
            assert.equal("lock", report.verb)
            assert.equal(server, report.server)
            assert.equal("verified", kit.shape(report.outcome).state)
            assert.is_true(report.outcome.changed)
            assert.is_nil(report.error)
            assert.truthy(report.message:find("locked", 1, true))
            assert.truthy(report.time > 1e9)
         end
         assert.equal("Eyes on the teacher", host:session(3).message)
      end)

      it("rooms unlocked, without a message", function()
         local host, server = lab({ { session_id = 1, locked = true }, { session_id = 2 } })
         local keeper, told = keeping{ server = server, locked = false }
         await(keeper, is_unlocked(host, 1))
         host:lock(2, "Block all")
         await(keeper, is_unlocked(host, 2))
         await(keeper, function() return #of(told, "acted") == 2 end)
         assert.same({ "unlock", "unlock" }, kit.pluck(of(told, "acted"), "verb"))
      end)

      it("not what the host exempts, nor what where and except leave out", function()
         local host, server = lab({ { session_id = 1, is_admin = true }, { session_id = 2, user_name = "alice" },
            { session_id = 3, user_name = "bob" }, { session_id = 4, user_name = "carol" } })
         local keeper, told = keeping{ server = server, locked = true, where = { user_name = { "alice", "bob" } },
            except = function(session) return session.user_name == "bob" end }
         await(keeper, is_locked(host, 2))
         host:open{ session_id = 5, user_name = "dora" }
         keeper:wait(0.2)
         assert.equal(1, #of(told, "acted"))
         for _, id in ipairs{ 1, 3, 4, 5 } do
            assert.is_false(host:session(id).locked)
         end
      end)

      it("hosts that go and come back", function()
         local name = kit.name()
         local sessions = { { session_id = 1, user_name = "alice" } }
         local host = keep(wms.memory(name, { sessions = sessions }))
         local keeper, told = keeping{ server = "memory://" .. name, locked = true }
         await(keeper, is_locked(host, 1))
         host:close()
         await(keeper, function() return of(told, "lost")[1] end)
         assert.equal("UNREACHABLE", of(told, "lost")[1].error.code)
         host = keep(wms.memory(name, { sessions = { { session_id = 1, user_name = "bob" }, { session_id = 2 } } }))
         await(keeper, function() return host:session(1).locked and host:session(2).locked end)
         assert.equal(1, #of(told, "back"))
      end)

      it("many servers, one of which is not there", function()
         local base, hosts, list = kit.name(), {}, {}
         for i = 1, 40 do
            hosts[i] = keep(wms.memory(base .. i, { sessions = { { session_id = 1 }, { session_id = 2 } } }))
            list[i] = "memory://" .. base .. i
         end
         list[41] = "memory://nobody-" .. base
         local keeper, told = keeping{ servers = list, locked = true }
         await(keeper, function() return #of(told, "acted") == 80 end)
         for i = 1, 40 do
            assert.is_true(hosts[i]:session(1).locked and hosts[i]:session(2).locked)
         end
         await(keeper, function() return #of(told, "lost") == 1 end)
      end)

      it("what fails, again after pauses that grow, and at once when the host is back", function()
         local host, server = lab({ { session_id = 1 } })
         host:fail("lock", "BUSY")
         local keeper, told = keeping{ server = server, locked = true, verify = 0.2 }
         await(keeper, function() return #of(told, "acted") >= 2 end)
         local acted = of(told, "acted")
         assert.same({ "found", "again" }, { acted[1].reason, acted[2].reason })
         assert.equal("BUSY", acted[1].error.code)
         assert.truthy(acted[1].message:find("not locked", 1, true))
         host:fail("lock")
         await(keeper, is_locked(host, 1))
      end)

      it("what was not there for a moment, of which no watch tells", function()
         local host, server = lab({ { session_id = 1 } })
         host:fail("lock", "NOT_FOUND")
         local keeper, told = keeping{ server = server, locked = true }
         await(keeper, function() return #of(told, "acted") == 1 end)
         assert.equal("NOT_FOUND", of(told, "acted")[1].error.code)
         host:fail("lock")
         await(keeper, is_locked(host, 1))
      end)

      it("what the host cannot tell: once", function()
         local host, server = lab({ { session_id = 1 } })
         host:fail("lock", "UNSUPPORTED")
         local keeper, told = keeping{ server = server, locked = true }
         await(keeper, function() return #of(told, "acted") == 1 end)
         keeper:wait(1.5)
         assert.equal(1, #of(told, "acted"))
      end)
   end)

   describe("against somebody else", function()
      it("acts at most so often a minute, says so once, and goes on when the pause is over", function()
         local host, server = lab({ { session_id = 1 }, { session_id = 2 } })
         local window = limit.WINDOW
         limit.WINDOW = 3
         finally(function() limit.WINDOW = window end)
         local keeper, told = keeping{ server = server, locked = true, limit = 4 }
         local function fight()
            host:unlock(1)
            keeper:wait(0.02)
         end
         kit.await(function() return of(told, "fight")[1] end, fight)
         local report = of(told, "fight")[1]
         assert.same({ 1, 4 }, { report.session_id, report.actions })
         assert.is_true(report.pause > 0 and report.pause <= 3, tostring(report.pause))
         local count = #of(told, "acted")
         assert.equal(4 + 1, count) -- and session 2
         keeper:wait(0.3)
         assert.equal(count, #of(told, "acted"))
         assert.is_false(host:session(1).locked)
         host:unlock(2)
         await(keeper, is_locked(host, 2)) -- another session is not paused
         assert.equal(1, #of(told, "fight"))
         await(keeper, is_locked(host, 1))
      end)

      it("of its kind does not fight without end", function()
         local host, server = lab({ { session_id = 1 } })
         local one, told = keeping{ server = server, locked = true, limit = 5 }
         local two, told_too = keeping{ server = server, locked = false, limit = 5 }
         await(one, function() return of(told, "fight")[1] end)
         one:wait(0.3)
         assert.same({ 5, 5 }, { #of(told, "acted"), #of(told_too, "acted") })
         local asked = 0
         for _, entry in ipairs(host:log()) do
            asked = asked + (entry.verb ~= "sessions" and 1 or 0)
         end
         assert.equal(10, asked)
         assert.is_false(two:done())
      end)

      it("counts a minute that slides", function()
         local times = { 0, 10, 20 }
         assert.is_nil(limit.next(times, 4, 30))
         assert.equal(60, limit.next(times, 3, 30))
         assert.equal(70, limit.next(times, 2, 30))
         assert.is_nil(limit.next(times, 3, 60))
         assert.same({ 10, 20 }, times)
      end)

      it("of a manager who locks again keeps the room unlocked", function()
         local host, server = lab({ { session_id = 1, locked = true } }, { relock_after = 0.2 })
         local keeper, told = keeping{ server = server, locked = false }
         await(keeper, function() return #of(told, "acted") >= 4 end)
         for _, report in ipairs(of(told, "acted")) do
            assert.is_nil(report.error)
         end
         await(keeper, is_unlocked(host, 1))
      end)
   end)

   describe("ends", function()
      it("after so many seconds, and puts back what it has changed and nobody else since", function()
         local host, server = lab({ { session_id = 1 }, { session_id = 2 }, { session_id = 3, locked = true },
            { session_id = 4 } })
         local keeper, told = keeping{ server = server, locked = true, after = 3, restore = true, limit = 1 }
         await(keeper, function() return host:session(1).locked and host:session(2).locked and host:session(4).locked end)
         await(keeper, function() return #of(told, "acted") == 3 end)
         host:unlock(4) -- limit: it stays so
         host:drop(2)
         local summary = assert(keeper:run())
         assert.same({ false, true, false }, { host:session(1).locked, host:session(3).locked, host:session(4).locked })
         assert.same({ "time", 1, 1 }, { summary.reason, summary.restored, summary.left })
         assert.equal(4, of(told, "left")[1].session_id)
         assert.equal("ended", told[#told].kind)
         assert.is_true(keeper:done())
         assert.equal("restore", of(told, "acted")[4].reason)
         assert.same(summary, keeper:result())
      end)

      it("at a time, by seconds since 1970", function()
         local host, server = lab()
         local keeper = keeping{ server = server, locked = true, until_time = os.time() + 2 }
         local summary = assert(keeper:run())
         assert.equal("time", summary.reason)
         assert.is_true(host:session(1).locked) -- without `restore` it stays as it is
         assert.is_true(os.time() + 1 >= keeper.ends) -- its clock is a little behind
      end)

      it("on request", function()
         local host, server = lab()
         local keeper, told = keeping{ server = server, locked = true, restore = true }
         await(keeper, function() return #of(told, "acted") == 2 end)
         assert.equal("BUSY", select(3, keeper:result()).code)
         keeper:stop()
         keeper:stop()
         assert.equal("stopped", assert(keeper:run()).reason)
         assert.same({ false, false }, { host:session(1).locked, host:session(2).locked })
         keeper:stop()
      end)

      it("when it is closed, and puts nothing back", function()
         local host, server = lab()
         local keeper, told = keeping{ server = server, locked = true, restore = true }
         await(keeper, is_locked(host, 2))
         keeper:close()
         keeper:close()
         assert.is_true(keeper:done() and keeper:wait(0) and keeper:step())
         assert.equal("closed", assert(keeper:result()).reason)
         assert.is_true(host:session(1).locked)
         assert.equal(0, #of(told, "ended"))
      end)

      it("while an action is under way, and puts that back, too", function()
         local host, server = lab({ { session_id = 1 } }, { latency = 0.3 })
         local keeper = keeping{ server = server, locked = true, restore = true }
         await(keeper, function()
            for _, entry in ipairs(host:log()) do
               if entry.verb == "lock" then
                  return true
               end
            end
         end)
         keeper:stop()
         assert.equal(1, assert(keeper:run()).restored)
         assert.is_false(host:session(1).locked)
      end)

      it("locks again what it has unlocked", function()
         local host, server = lab({ { session_id = 1, locked = true }, { session_id = 2 } })
         local keeper, told = keeping{ server = server, locked = false, restore = true, message = "Locked" }
         await(keeper, function() return #of(told, "acted") == 1 end)
         keeper:stop()
         assert(keeper:run())
         assert.same({ true, false, "Locked" }, { host:session(1).locked, host:session(2).locked, host:session(1).message })
      end)

      it("later for a host that is away: it is told, and done when the host is back", function()
         local host, server = lab()
         local keeper, told = keeping{ server = server, locked = true, restore = true }
         await(keeper, function() return #of(told, "acted") == 2 end)
         host:fail("sessions", "UNREACHABLE") -- the watch is broken by the next question
         host:refuse("UNREACHABLE")
         wms.sessions{ server = server, timeout = 2 }
         await(keeper, function() return of(told, "lost")[1] end)
         keeper:stop()
         await(keeper, function() return of(told, "waiting")[1] end)
         assert.is_true(of(told, "waiting")[1].pause <= 300)
         assert.is_false(keeper:done())
         host:fail("sessions")
         host:refuse()
         assert.equal(2, assert(keeper:run()).restored)
         assert.is_false(host:session(2).locked)
      end)

      it("without those that do not come back in time: it says so", function()
         local host, server = lab()
         local keeper, told = keeping{ server = server, locked = true, restore = true, grace = 0.5 }
         await(keeper, function() return #of(told, "acted") == 2 end)
         host:close()
         await(keeper, function() return of(told, "lost")[1] end)
         keeper:stop()
         local nothing, message, err = keeper:run()
         assert.is_nil(nothing)
         assert.equal(message, tostring(err))
         assert.same({ "UNREACHABLE", server, 2, "stopped" }, { err.code, err.server, #err.outcomes, err.summary.reason })
         for _, outcome in ipairs(err.outcomes) do
            kit.shape(outcome)
         end
         assert.equal(2, told[#told].not_restored)
      end)

      it("at once where the host refuses to put it back", function()
         local host, server = lab({ { session_id = 1 } })
         local keeper, told = keeping{ server = server, locked = true, restore = true }
         await(keeper, function() return #of(told, "acted") == 1 end)
         host:fail("unlock", "ACCESS_DENIED")
         keeper:stop()
         assert.equal("ACCESS_DENIED", select(3, keeper:run()).code)
      end)
   end)

   describe("in a program", function()
      it("is driven by its descriptor, which has its timers #once", function()
         local output, code = process.run(lua[[
            local wms, keep = require "wms", require "wms.keep"
            local host = wms.memory("lab", { sessions = { { session_id = 1 } } })
            local keeper = assert(keep{ server = "memory://lab", locked = true, message = "Exam", after = 1,
               restore = true })
            assert(keeper:events() == "r" and keeper:timeout() == nil)
            local locked = false
            while not keeper:step() do
               assert(poll(keeper:pollfd(), 20), "nothing came")
               locked = locked or host:session(1).locked
            end
            assert(locked and not host:session(1).locked)
            local keeper = assert(keep{ server = "memory://lab", locked = true, message = "Exam", after = 0.3 })
            while wms.sessions("memory://lab") and os.time() < os.time() + 1 do -- other calls turn the engine meanwhile
               if poll(keeper:pollfd(), 0) and keeper:step() then
                  break
               end
            end
            print "fine"
         ]])
         assert.equal("fine", output:match("fine"), output)
         assert.equal(0, code, output)
      end)

      it("is kept by the loops' helpers", function()
         local loop = require "wms.loop.poll"
         local host, server = lab()
         local result
         local keeper = keep(assert(loop.keep({ server = server, locked = true, message = "Exam", after = 1 },
            function(...) result = { ... } end)))
         assert.equal(1, loop.pending())
         assert(loop.run())
         assert.equal("time", result[1].reason)
         assert.is_true(keeper:done() and host:session(1).locked)
         assert.equal(0, loop.pending())
      end)

      it("is kept by luv and cqueues #once", function()
         for name, run in pairs{
            luv = function(loop, options, on_done)
               assert(loop.keep(options, on_done))
               require "luv".run()
            end,
            cqueues = function(loop, options, on_done)
               local controller = require "cqueues".new()
               controller:wrap(function() assert(loop.keep(options, on_done)) end)
               assert(controller:loop())
            end,
         } do
            if pcall(require, name) then
               local host, server = lab()
               local result
               run(require("wms.loop." .. name), { server = server, locked = true, message = "Exam", after = 1 },
                  function(...) result = { ... } end)
               assert.equal("time", result[1].reason, name)
               assert.is_true(host:session(2).locked)
            end
         end
      end)

      it("may be stopped and closed by its own reports, and use wms in them", function()
         local host, server = lab()
         local keeper
         keeper = keeping{ server = server, locked = true, restore = true, on_report = function(report)
            assert.equal(2, #wms.sessions(server))
            if report.kind == "acted" and keeper then
               keeper:step()
               keeper:stop()
            end
         end }
         assert.equal("stopped", assert(keeper:run()).reason)
         assert.is_false(host:session(1).locked)
         keeper = keeping{ server = server, locked = true, on_report = function() keeper:close() end }
         keeper:wait(20)
         assert.equal("closed", keeper:result().reason)
      end)

      it("passes errors of on_report and where on, and goes on", function()
         local host, server = lab()
         local raise = true
         local keeper = keeping{ server = server, locked = true, on_report = function()
            if raise then
               raise = false
               error("enough", 0)
            end
         end }
         assert.same({ false, "enough" }, { pcall(keeper.wait, keeper, 20) })
         await(keeper, is_locked(host, 2))
         keeper:close()
         raise = true
         keeper = keeping{ server = server, locked = false, where = function()
            if raise then
               raise = false
               error("no", 0)
            end
            return true
         end }
         assert.same({ false, "no" }, { pcall(keeper.wait, keeper, 20) })
         await(keeper, is_unlocked(host, 2))
      end)

      it("belongs to its process: a child keeps nothing, and leaves the file alone #once", function()
         local path = folder .. "/forked"
         local output, code = process.run(lua(([[
            local wms, keep = require "wms", require "wms.keep"
            local host = wms.memory("lab", { sessions = { { session_id = 1 } } })
            local keeper = assert(keep{ server = "memory://lab", locked = true, message = "Exam", restore = true,
               file = %q })
            keeper:wait(0.2)
            local child = fork()
            if child == 0 then
               local _, _, err = keeper:run()
               assert(err.code == "FORKED", err.code)
               keeper:stop()
               keeper:close()
               os.exit(0, true)
            end
            assert(wait(child) == 0)
            assert(io.open(%q)):close()
            local other, _, err = keep{ server = "memory://lab", locked = true, message = "Exam", file = %q }
            assert(not other and err.code == "BUSY")
            keeper:stop()
            assert(keeper:run())
            assert(not io.open(%q))
            print "fine"
         ]]):format(path, path, path, path)))
         assert.equal(0, code, output)
         assert.truthy(output:find("fine"), output)
      end)
   end)

   describe("misuse", function()
      for _, case in ipairs{
         { "no table", nil, { "nothing", "table" } },
         { "a string", "memory://lab", { "table" } },
         { "an unknown option", { lock = true }, { "lock: no such option", "locked" } },
         { "locked is missing", { server = "memory://lab" }, { "locked", "true" } },
         { "its file keeps nothing", { file = "/tmp/" .. kit.name() }, { "locked", "nothing is kept in '/tmp/", "true" } },
         { "locked is no boolean", { locked = "yes" }, { "locked", "true or false" } },
         { "no message", { locked = true }, { "message", "missing" } },
         { "no message to lock again", { locked = false, restore = true }, { "message", "restore" } },
         { "an empty message", { locked = true, message = "" }, { "message" } },
         { "two names of servers", { locked = false, server = "memory://a", servers = "memory://b" },
            { "servers", "server" } },
         { "an empty list", { locked = false, servers = {} }, { "servers: an empty list" } },
         { "a bad address", { locked = false, server = "a b" }, { "server" } },
         { "a group that is not there", { locked = false, server = "@nobody" }, { "server", "nobody" } },
         { "where about locked", { locked = false, where = { locked = true } }, { "where: locked" } },
         { "where that is a text", { locked = false, where = "alice" }, { "where", "function" } },
         { "an empty where", { locked = false, where = {} }, { "where", "empty" } },
         { "two ends", { locked = false, until_time = 1e11, after = 3 }, { "after", "until_time" } },
         { "a time that has gone by", { locked = false, until_time = 1000 }, { "until_time", "gone by" } },
         { "no time", { locked = false, until_time = "25:00" }, { "until_time", "11:30" } },
         { "no seconds", { locked = false, after = 0 }, { "after", "above 0" } },
         { "NaN", { locked = false, after = 0 / 0 }, { "after", "above 0" } },
         { "a negative grace", { locked = false, grace = -1 }, { "grace", "from 0" } },
         { "a limit of nothing", { locked = false, limit = 0 }, { "limit", "1000" } },
         { "a limit that is not whole", { locked = false, limit = 1.5 }, { "limit", "whole" } },
         { "a timeout that is none", { locked = false, timeout = "x" }, { "timeout" } },
         { "a verify that is none", { locked = false, verify = -1 }, { "verify" } },
         { "a concurrency that is none", { locked = false, concurrency = 0 }, { "concurrency" } },
         { "a file that is none", { locked = false, file = "x/" }, { "file" } },
         { "restore that is none", { locked = false, restore = 1 }, { "restore" } },
         { "on_report that is none", { locked = false, on_report = "print" }, { "on_report" } },
      } do
         it(case[1], function()
            kit.misuse("keep", case[3], function() keep_rooms(case[2]):close() end)
         end)
      end

      it("of methods", function()
         local _, server = lab()
         local keeper = keeping{ server = server, locked = false }
         kit.misuse("wait", { "seconds" }, function() keeper:wait(-1) end)
         local ok, message = pcall(keeper.stop)
         assert.is_false(ok)
         assert.truthy(message:find("keeper:stop", 1, true), message)
         assert.equal("wms.keeper (unlocked)", tostring(keeper))
      end)

      it("takes a time of day that has gone by for tomorrow's", function()
         local _, server = lab()
         local keeper = keeping{ server = server, locked = false, until_time = os.date("%H:%M") }
         assert.is_true(keeper.ends > os.time() + 80000 and keeper.ends < os.time() + 91000)
         keeper = keeping{ server = server, locked = false, until_time = os.date("%H:%M", os.time() + 7200) }
         assert.is_true(keeper.ends > os.time() + 7000 and keeper.ends < os.time() + 7300)
      end)
   end)
end)
