-- SPDX-License-Identifier: MIT
--- What every program shows that unlocks rooms by a command of its own, and waits with one of the loop helpers.
--
--     serving.spec("prosody", { start = function(school) … end, … })
--
--    start      starts the program; `again` is true once the commands of Set-up have been carried out
--    processes  the ids of its processes
--    unlock     (school, room, count, parallel) asks it to unlock a room, so often: a task (see lab.lua) of which `counts`
--               tells how many were "done" and how many have "failed"
--    well       optional: how the task says that something is done, if not so ("200"); all else has failed then
--    others     (school, count) asks it for what else it does: such a task
--    reload     optional: lets it take its configuration and the example anew; may return what to call once all that was
--               under way is done
--    careless   does in it what nobody is to do there, log everybody off: returns what that has said
--    collect    optional: lets it collect garbage, since how much a collector leaves lying is its own affair; returns how
--               many KiB are in use then
--    strangers  optional: a list of functions that ask for what they may not, each of which returns what was said
--    refused    what was said to them: a pattern
--    says       optional: what the commands of Use print, once room1 is open: a pattern
--    linux      optional: makes a locked session of a Linux host, and returns a room that has it, the host, and its id
--    more       optional: more specs, for (get_school, begin_slow)
--
-- All of them take the school first.
local busted = require "busted"
local assert = require "luassert"
local kit = require "spec.support.kit"
local lab = require "spec.programs.lab"

local unpack = table.unpack or unpack -- luacheck: ignore 143

local describe, it, pending, setup, teardown = busted.describe, busted.it, busted.pending, busted.setup, busted.teardown
local before_each, after_each = busted.before_each, busted.after_each

local serving = {}

local HALF = lab.all and 25 or 5 -- commands of either kind that have to be done meanwhile
local QUIET = 0.1 -- seconds that none of them may take, on a machine that has nothing else to do

--- Calls `check` until it returns something true, and returns that.  The machine may be busy.
local function await(check)
   return kit.await(check, nil, 60)
end

function serving.spec(name, program)
   if not lab.wanted(name) then
      return
   end
   describe(name .. " #once", function()
      local there, why = lab.available(name)
      if not there then
         it("unlocks rooms", function() pending(why) end)
         return
      end

      local school, signals

      local function unlock(room, count, parallel)
         return program.unlock(school, room, count or 1, parallel or 1)
      end

      --- What a task tells at its end.
      local function counts_of(task)
         local counts = task:counts()
         if program.well then
            counts.done, counts.failed = counts[program.well], nil
            for status, body in pairs(counts.bodies) do
               if status ~= program.well then -- one of them: there is no need for more
                  counts.failed, counts.bodies.failed = counts[status], body
                  break
               end
            end
         end
         return counts
      end

      local function all_done(count, ...)
         for _, counts in ipairs{ ... } do
            assert.equal(count, counts.done, counts.text)
         end
      end

      --- Many others at the same time: some that the program does by itself, some that unlock a room.
      local function others()
         local plain = program.others(school, HALF)
         local rooms = unlock("room2", HALF)
         local first, second = counts_of(plain), counts_of(rooms)
         all_done(HALF, first, second)
         return math.max(first.slowest, second.slowest)
      end

      --- Begins to unlock room1, whose host does not answer that (or another operation; "*": any) until it is released.
      local function begin_slow(operation)
         operation = operation or "StopLockingSession"
         school.lab01:on(operation, { never = true, times = 0 })
         school.lab01:reset()
         local slow = unlock "room1"
         school.lab01:wait(operation, 1)
         return slow
      end

      local function await_open()
         await(function() return not school.lab01:sessions()[1].locked end)
      end

      --- Starts it, and waits until it does what it is asked for.
      local function start(again)
         program.start(school, again)
         if again then
            await(function() return counts_of(program.others(school, 1)).done == 1 end)
         end
      end

      setup(function()
         school = lab.up(name)
         start()
         signals = school:signals(program.processes(school)[1]) -- of the program as it comes
         school:follow "Set-up"
         start(true)
      end)

      teardown(function()
         lab.down()
      end)

      before_each(function()
         school:people()
      end)

      after_each(function()
         school.lab01:clear()
      end)

      it("unlocks rooms, as its README says", function()
         assert.matches(program.says or "", school:follow "Use")
         await_open()
      end)

      if program.strangers then
         it("does it for those who may, and nobody else", function()
            for _, ask in ipairs(program.strangers) do
               assert.matches(program.refused, ask(school))
            end
            assert.is_true(school.lab01:sessions()[1].locked)
         end)
      end

      it("has a second wall behind that", function()
         assert.matches("ACCESS_DENIED", program.careless(school))
         assert.equal(1, #school.lab01:sessions())
      end)

      it("unlocks on real Linux hosts", function()
         local room, host, session = "room3", school.linux01, school.alice
         if program.linux then
            room, host, session = program.linux(school)
         end
         all_done(1, counts_of(unlock(room)))
         assert.is_false(host:locked(session))
      end)

      it("tells of hosts that have failed", function()
         school.lab02:on("StopLockingSession", { fault = 0x80070005 })
         local counts = counts_of(unlock "room2")
         assert.equal(1, counts.failed, counts.text)
         assert.matches("lab02", counts.bodies.failed)
         assert.is_false(school.lab03:sessions()[1].locked)
         counts = counts_of(unlock "room9")
         assert.equal(1, counts.failed, counts.text)
      end)

      it("serves others while it waits for a host", function()
         local slow = begin_slow()
         local slowest = others()
         lab.report("%s: the slowest of %d others took %.1f ms", name, 2 * HALF, slowest * 1000)
         assert.is_true(slow:running())
         school.lab01:clear()
         all_done(1, counts_of(slow))
         if lab.all then
            assert.is_true(slowest < QUIET, slowest .. " s")
         end
      end)

      if program.reload then
         it("is reloaded while it waits", function()
            local slow = begin_slow()
            local finish = program.reload(school)
            others()
            assert.is_true(slow:running())
            school.lab01:clear()
            all_done(1, counts_of(slow))
            others()
            if finish then
               finish()
            end
         end)
      end

      it("lives through its own loss", function()
         local slow = begin_slow()
         school.machine:check("kill", "-KILL", unpack(program.processes(school)))
         assert.is_nil(counts_of(slow).done)
         start(true)
         school.lab01:clear()
         all_done(1, counts_of(unlock "room1"))
         others()
      end)

      it("goes on when who has asked is gone", function()
         begin_slow("*"):kill()
         others()
         assert.is_true(school.lab01:sessions()[1].locked) -- it was not asked to unlock yet
         school.lab01:clear()
         await_open()
         others()
      end)

      it("unlocks 200 times at once", function()
         local counts = counts_of(unlock("room1", 200, 200))
         all_done(200, counts)
         lab.report("%s: the slowest of 200 at once took %.1f ms", name, counts.slowest * 1000)
      end)

      it("unlocks when 200 have waited for the host", function()
         school.lab01:session{ id = 2, user = "dave", station = 2, flags = 36 + 8 }
         school.lab01:on("StopLockingSession", { never = true, times = 0 })
         school.lab01:reset()
         local waiting = unlock("room1", 200, 200)
         school.lab01:wait("StopLockingSession", 4) -- one on each connection: no other question gets through
         school.lab01:clear()
         local counts = counts_of(waiting)
         school.lab01:remove(2)
         all_done(200, counts)
      end)

      it("has as many descriptors and as much memory behind many unlocks as before, and its signals", function()
         school:steady(function()
            all_done(lab.ROUND, counts_of(unlock("room1", lab.ROUND, 20)))
            return program.processes(school), program.collect and program.collect(school)
         end)
         assert.equal(signals, school:signals(program.processes(school)[1]))
      end)

      if program.more then
         program.more(function() return school end, begin_slow)
      end
   end)
end

return serving
