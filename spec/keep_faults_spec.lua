-- SPDX-License-Identifier: MIT
--- wms.keep when something goes wrong: errors of the program's functions, files of former keepers, odd names.
local keeping = require "spec.support.keeping"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local Sessions = require "wms.keep.sessions"
local limit = require "wms.keep.limit"
local record = require "wms.keep.record"
local report_of = require "wms.keep.report"
local waiting = require "wms.loop.waiting"
local wms = kit.wms

describe("wms.keep in trouble", function()
   local keep, sweep = kit.keeper()
   local await, of = keeping.await, keeping.of
   local folder, path

   local function lab(...)
      return keeping.lab(keep, ...)
   end

   local function begin(options)
      return keeping.begin(keep, options)
   end

   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
      path = folder .. "/state"
   end)

   teardown(function()
      process.run("rm -r " .. folder)
   end)

   after_each(function()
      sweep()
      kit.reset()
      os.remove(path)
   end)

   local function put(text)
      local file = assert(io.open(path, "w"))
      file:write(text)
      file:close()
      process.run("chmod 600 " .. path)
   end

   --- Runs the keeper for a while, and returns what it has raised.
   local function errors_of(keeper, check)
      local list = {}
      kit.await(check, function()
         local fine, problem = pcall(keeper.wait, keeper, 0.02)
         if not fine then
            list[#list + 1] = problem
         end
      end)
      return list
   end

   describe("goes on", function()
      it("with the kept end, when the time of day has gone by meanwhile", function()
         local host, server = lab({ { session_id = 1, locked = true } })
         put(record.write{ locked = true, servers = { server }, message = "Exam", ends = os.time() - 60, restore = true,
            limit = 3, grace = 20, changed = { { server = server, session_id = 1 } } })
         local keeper = begin{ server = server, locked = true, until_time = os.date("%H:%M", os.time() - 60), file = path }
         assert.equal("time", assert(keeper:run()).reason)
         assert.is_false(host:session(1).locked)
      end)

      it("with another watch, when the program's log has raised in it", function()
         local host, server = lab()
         local raise = false
         finally(function() wms.configure{ log = false } end)
         wms.configure{ log = function()
            if raise then
               raise = false
               error("no log", 0)
            end
         end }
         local keeper, told = begin{ server = server, locked = true }
         await(keeper, function() return #of(told, "acted") == 2 end)
         raise = true
         host:drop(2)
         host:close()
         local raised = errors_of(keeper, function() return of(told, "unwatched")[1] end)
         assert.same({ "no log" }, raised)
         assert.equal("no log", of(told, "unwatched")[1].error.message)
         local name = server:match("[^/]+$")
         host = keep(wms.memory(name, { sessions = { { session_id = 1 }, { session_id = 3 } } }))
         await(keeper, function() return host:session(1).locked and host:session(3).locked end)
         host:unlock(1)
         await(keeper, function() return host:session(1).locked end)
      end)

      it("with the others, when a timer has switched off another one and raises", function()
         local fired = 0
         local second
         local first = waiting.timer(function()
            second:set(nil)
            error("first", 0)
         end)
         second = waiting.timer(function()
            first:set(nil)
            error("second", 0)
         end)
         first:set(0)
         second:set(0)
         local fine, problem = pcall(waiting.turn)
         assert.is_true(not fine and (problem == "first" or problem == "second"), problem)
         local third = waiting.timer(function() fired = fired + 1 end)
         third:set(0)
         assert(waiting.turn())
         assert(waiting.wait(0))
         assert.equal(1, fired)
      end)
   end)

   describe("acts again", function()
      it("at once, when an action under way was undone: the host's word on it would come late", function()
         local function nobody()
            return false
         end
         local sessions = Sessions.new({ locked = true, limit = 30 })
         local function see(state)
            return sessions:see({ server = "s", session_id = 1, identity = "i", locked = state }, "changed")
         end
         local entry = see(false)
         sessions:begin(entry, 0)
         local first = entry.acting
         see(false) -- as before: it is still awaited
         assert.same({}, (sessions:due(0, nobody)))
         see(true)
         assert.same({}, (sessions:due(0, nobody)))
         see(false)
         assert.same({ entry }, (sessions:due(0, nobody)))
         sessions:begin(entry, 0)
         assert.not_equal(first, entry.acting)
         sessions:overtaken() -- the first one's outcome
         assert.equal(1, sessions.acting)
         sessions:ended(entry, { state = "failed", error = { code = "UNVERIFIED" } }, true, 3)
         assert.same({ 0, { entry } }, { sessions.acting, (sessions:due(3, nobody)) }) -- at once, the first time
         sessions:begin(entry, 3)
         sessions:ended(entry, { state = "failed", error = { code = "UNVERIFIED" } }, true, 3)
         assert.same({}, (sessions:due(3.5, nobody)))
         assert.same({ entry }, (sessions:due(4, nobody)))
      end)

      it("on an embedded host where somebody unlocks at once what is locked", function()
         local host, server = lab({ { session_id = 1, user_name = "alice" } })
         local keeper, told = begin{ server = server, locked = true, verify = 60 }
         local undone = 0
         await(keeper, function()
            if undone < 5 and host:session(1).locked then
               host:unlock(1)
               undone = undone + 1
            end
            return undone == 5 and host:session(1).locked and #of(told, "acted") >= 6
         end, 30)
         assert.equal(0, #of(told, "fight"))
      end)
   end)

   describe("puts back", function()
      --- What is known of a session whose host tells only later, or never, whether it is locked.
      local function known(locked)
         local known_sessions = Sessions.new({ locked = locked, limit = 30 })
         local function see(state)
            return known_sessions:see({ server = "s", session_id = 1, identity = "i", locked = state }, "opened")
         end
         return known_sessions, see
      end

      local function nobody()
         return false
      end

      it("what it has locked without knowing whether it was", function()
         local sessions, see = known(true)
         local entry = see(nil)
         assert.same({ entry }, (sessions:due(0, nobody)))
         assert.is_true(sessions:begin(entry, 0))
         see(true) -- by the keeper
         sessions:ended(entry, { state = "requested" }, true, 0)
         sessions:begin_end()
         assert.same({ entry }, (sessions:to_restore(1, nobody)))
         sessions, see = known(true) -- the host never tells
         entry = see(nil)
         sessions:begin(entry, 0)
         sessions:ended(entry, { state = "requested" }, true, 0)
         assert.same({}, (sessions:due(1, nobody)))
         sessions:begin_end()
         assert.same({ entry }, (sessions:to_restore(1, nobody)))
      end)

      it("what is locked later than the host had to say so", function()
         for _, outcome in ipairs{ { state = "failed", error = { code = "UNVERIFIED" } },
            { state = "unknown", error = { code = "TIMEOUT" } } } do
            local sessions, see = known(true)
            local entry = see(false)
            sessions:begin(entry, 0)
            sessions:ended(entry, outcome, true, 3)
            sessions:begin(entry, 4)
            sessions:ended(entry, { state = "failed", error = { code = "BUSY" } }, true, 5)
            sessions:begin_end()
            local act, left = sessions:to_restore(9, nobody)
            assert.same({ 1, 0 }, { #act, #left }) -- it may still come
            see(true)
            see(false) -- it came, and somebody has unlocked it
            act, left = sessions:to_restore(9, nobody)
            assert.same({ 0, 1 }, { #act, #left })
         end
         local sessions, see = known(true)
         local entry = see(false)
         sessions:begin(entry, 0)
         sessions:ended(entry, { state = "failed", error = { code = "BUSY" } }, true, 0)
         assert.same({}, sessions:changed())
      end)

      it("what its user had locked before, and unlocked: the keeper has locked it then", function()
         local host, server = lab({ { session_id = 1, locked = true } })
         local keeper, told = begin{ server = server, locked = true, restore = true }
         await(keeper, function() return of(told, "ready")[1] end)
         host:unlock(1)
         await(keeper, function() return #of(told, "acted") == 1 end)
         keeper:stop()
         assert.equal(1, assert(keeper:run()).restored)
         assert.is_false(host:session(1).locked)
      end)

      it("later what it could not put back: the file stays, and the next keeper goes on", function()
         for _, code in ipairs{ "BUSY", "ACCESS_DENIED" } do
            local host, server = lab({ { session_id = 1 } })
            local keeper, told = begin{ server = server, locked = true, restore = true, file = path, grace = 0.2 }
            await(keeper, function() return #of(told, "acted") == 1 end)
            host:fail("unlock", code)
            keeper:stop()
            assert.equal(code, select(3, keeper:run()).code)
            assert.equal(path, told[#told].file)
            assert.truthy(told[#told].message:find(path, 1, true), told[#told].message)
            host:fail("unlock")
            assert.equal(1, assert(begin{ file = path }:run()).restored)
            assert.is_false(host:session(1).locked)
            assert.is_nil(io.open(path))
         end
      end)
   end)

   it("leaves the session alone that it runs in, unless it is told otherwise", function()
      local host, server = lab({ { session_id = 1, is_own = true }, { session_id = 2 } })
      local keeper, told = begin{ server = server, locked = true, file = path }
      await(keeper, function() return host:session(2).locked end)
      keeper:wait(0.1)
      assert.is_false(host:session(1).locked)
      assert.equal(1, #of(told, "acted"))
      keeper:close()
      os.remove(path)
      begin{ server = server, locked = true, own = true, file = path }:close()
      keeper = begin{ file = path }
      await(keeper, function() return host:session(1).locked end)
   end)

   it("tells a fight once a minute", function()
      local window = limit.WINDOW
      limit.WINDOW = 2
      finally(function() limit.WINDOW = window end)
      local host, server = lab({ { session_id = 1 } })
      local keeper, told = begin{ server = server, locked = true, limit = 4 }
      kit.await(function() return #of(told, "acted") >= 9 end, function()
         host:unlock(1)
         keeper:wait(0.02)
      end)
      assert.equal(2, #of(told, "fight"))
      for _, report in ipairs(of(told, "fight")) do
         assert.is_true(report.pause > 0.5, report.message)
      end
   end)

   it("tells all there is before it is over, also when on_report raises each time", function()
      local _, server = lab({ { session_id = 1 } })
      local order = {}
      local loop = require "wms.loop.poll"
      local keeper = keep(assert(loop.keep({ server = server, locked = true, message = "Exam", restore = true, after = 0.3,
         on_report = function(report)
            order[#order + 1] = report.kind
            error("no report", 0)
         end }, function() order[#order + 1] = "over" end)))
      for _, problem in ipairs(errors_of(keeper, function() return keeper:done() end)) do
         assert.equal("no report", problem)
      end
      assert.same({ "ready", "acted", "acted", "ended", "over" }, order)
      assert.equal(0, loop.pending())
   end)

   it("tells names as they do no harm to a terminal", function()
      local clean = report_of.line
      for text, told in pairs{
         ["al\27[2Jice\7"] = "al?[2Jice?", ["a\n b\r\nc"] = "a b c", ["\0\127"] = "??",
         ["J\195\188rgen \226\130\172 \240\159\152\128"] = "J\195\188rgen \226\130\172 \240\159\152\128",
         ["\194\155x"] = "?x", ["a\226\128\174b"] = "a?b", ["a\226\129\166b"] = "a?b", ["a\216\156b"] = "a?b",
         ["a\195b"] = "a?b", ["\128\128x"] = "?x", ["\192\175"] = "?", ["\237\160\128"] = "?", ["\195\164\164"] = "?",
         ["\224\128\175"] = "?", ["\244\144\128\128"] = "?", ["\255"] = "?", ["\226\128\168"] = "?",
      } do
         assert.equal(told, clean(text))
      end
      local _, server = lab({ { session_id = 1, user_name = "al\27[2Jice" } })
      local keeper, told = begin{ server = server, locked = true }
      await(keeper, function() return of(told, "acted")[1] end)
      assert.truthy(of(told, "acted")[1].message:find("(al?[2Jice)", 1, true))
   end)

   describe("reads", function()
      local STATE = { locked = true, servers = { "s" }, message = "Exam", ends = 1764500000.25, restore = true, limit = 3,
         grace = 1e-5, changed = { { server = "s", session_id = -3 } } }

      it("what it has written, whatever the number", function()
         assert.same(STATE, record.read(record.write(STATE)))
         STATE.grace = 1e9
         assert.same(STATE, record.read(record.write(STATE)))
      end)

      it("no number that is not one of its options", function()
         local text = record.write(STATE)
         assert(record.read(text))
         for _, case in ipairs{ { "limit 3", "limit 0" }, { "limit 3", "limit 1.5" }, { "limit 3", "limit 1001" },
            { "grace 1000000000", "grace -1" }, { "grace 1000000000", "grace nan" }, { "grace 1000000000", "grace 0x10" },
            { "ends 1764500000.25", "ends 1e308" }, { "ends 1764500000.25", "ends 1e999" }, { "n:%-3", "n:inf" } } do
            local wrong, count = text:gsub(case[1], case[2])
            assert.equal(1, count, case[1])
            assert.is_nil((record.read(wrong)), case[2])
         end
      end)

      it("the same where numbers have a comma", function()
         if select(2, process.run(("localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8"):format(folder))) > 1 then
            pending("no localedef here, or no locales")
         end
         local script = [[
            local record = require "wms.keep.record"
local report_of = require "wms.keep.report"
            assert(os.setlocale("de_DE.UTF-8") and ("%.1f"):format(0.5) == "0,5" or jit)
            local text = record.write{ locked = true, servers = { "s" }, ends = 1764500000.25, restore = true, limit = 3,
               grace = 0.5, changed = {} }
            assert(text:find("ends 1764500000.25\n", 1, true), text)
            local state = assert(record.read(text))
            assert(state.ends == 1764500000.25 and state.grace == 0.5)
         ]]
         local output, code = process.run(("LOCPATH=%s LUA_PATH='./lua/?.lua;;' %s -e %s"):format(folder,
            os.getenv "WMS_LUA" or "lua5.4", process.quote(script)))
         assert.equal(0, code, output)
      end)
   end)
end)
