-- SPDX-License-Identifier: MIT
--- What every program shows that unlocks rooms when it gets POST /rooms/ROOM/unlock, and waits with one of the loop
--- helpers.
--
--     http.spec("nginx", { url =, unit =, workers = function(school) … end, … })
--
--    url        where it listens, in its machine
--    unit       its systemd unit
--    token      the file that holds the token, behind which nothing else follows
--    here       it reaches this machine's own sessions, in the place of Linux hosts by ssh
--    refused    the status of what has another method
--    prepare    commands that leave it one worker, so that one that blocks is noticed, and let it listen at a second place
--    second     that place: /careless logs everybody off, and says how that went; /collect collects garbage
--    workers    a function that returns the ids of the processes that serve now, those that only finish left out
--    more       a function that adds what this program shows besides: more(it, school), where school() is that of the lab
--    pristine   the same for the program as it comes, before it is set up, if that is something else
local busted = require "busted"
local assert = require "luassert"
local kit = require "spec.support.kit"
local lab = require "spec.programs.lab"
local logind = require "spec.support.logind"

local unpack = table.unpack or unpack -- luacheck: ignore 143

local describe, it, pending, setup, teardown = busted.describe, busted.it, busted.pending, busted.setup, busted.teardown
local before_each, after_each = busted.before_each, busted.after_each

local http = {}

local MANY, FEW = 50, 10 -- requests that have to be answered meanwhile
local QUIET = 0.1 -- seconds that none of them may take, on a machine that has nothing else to do
local ROUND, ROUNDS = lab.all and 1000 or 100, lab.all and 10 or 2 -- of requests

--- Calls `check` until it returns something true, and returns that.  The machine may be busy.
local function await(check)
   return kit.await(check, nil, 60)
end

function http.spec(name, program)
   if not lab.wanted(name) then
      return
   end
   describe(name .. " #once", function()
      local there, why = lab.available(name)
      if not there then
         it("unlocks rooms", function() pending(why) end)
         return
      end

      local school, token, signals

      --- The options of a request with the token.
      local function with_token(more)
         local options = { method = "POST", headers = { "Authorization: Bearer " .. token } }
         for key, value in pairs(more or {}) do
            options[key] = value
         end
         return options
      end

      local function unlock(room, options)
         return school:request(("%s/rooms/%s/unlock"):format(program.url, room), with_token(options))
      end

      --- So many others, of which half the program answers by itself, and half unlock a room.  Returns the greatest time
      -- that one took.
      local function others(count)
         local tasks = {
            school:requests(count / 2, program.url .. "/"),
            school:requests(count / 2, program.url .. "/rooms/room2/unlock", with_token()),
         }
         local slowest = 0
         for _, task in ipairs(tasks) do
            local counts = task:counts()
            assert.equal(count / 2, counts["200"], counts.text)
            slowest = math.max(slowest, counts.slowest)
         end
         return slowest
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

      local function workers()
         return program.workers(school)
      end

      --- Returns the workers once there are others than those.
      local function await_others(old)
         return await(function()
            local list = workers()
            for _, pid in ipairs(list) do
               if pid == old[1] then
                  return nil
               end
            end
            return #list > 0 and list
         end)
      end

      local function await_open()
         await(function() return not school.lab01:sessions()[1].locked end)
      end

      setup(function()
         school = lab.up(name)
         signals = school:signals((program.pristine or program.workers)(school)[1])
         school:follow "Set-up"
         school:sh(program.prepare)
         token = school.machine:check("cat", program.token):match("(%S+)%s*$")
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
         local said = school:follow "Use"
         assert.truthy(said:find("lab01.school.example 1 bob verified", 1, true), said)
         assert.is_false(school.lab01:sessions()[1].locked)
      end)

      it("lets in whoever has the token, and nobody else", function()
         local url = program.url .. "/rooms/room1/unlock"
         for _, headers in ipairs{ {}, { "Authorization: Bearer " }, { "Authorization: Bearer x" .. token } } do
            assert.equal(401, (school:request(url, { method = "POST", headers = headers }):answer()))
         end
         assert.equal(program.refused, (school:request(url, with_token{ method = "GET" }):answer()))
         assert.equal(404, (unlock "room9":answer()))
         assert.is_true(school.lab01:sessions()[1].locked)
      end)

      it("has a second wall behind that", function()
         local status, body = school:request(program.second .. "/careless"):answer()
         assert.equal(200, status, body)
         assert.truthy(body:find("ACCESS_DENIED", 1, true), body)
      end)

      it("unlocks on real Linux hosts, and says what they say", function()
         local host, session = school.linux01, school.alice
         if program.here then
            host, session = school.machine, school.machine:session{ user = "alice" }
            logind.start_locker(host)
            host:set_hint(session, true)
         end
         local status, body = unlock(program.here and "here" or "room3"):answer()
         assert.equal(200, status, body)
         assert.truthy(body:find(session .. " alice verified", 1, true), body)
         assert.is_false(host:locked(session))
      end)

      it("tells which hosts have failed", function()
         school.lab02:on("StopLockingSession", { fault = 0x80070005 })
         local status, body = unlock "room2":answer()
         assert.equal(502, status, body)
         assert.truthy(body:find("lab03.school.example 1 bob verified", 1, true), body)
         assert.is_nil(body:find("lab02.school.example 1 bob verified", 1, true), body)
      end)

      it("serves others while it waits for a host", function()
         local slow = begin_slow()
         local slowest = others(MANY)
         lab.report("%s: the slowest of %d others took %.1f ms", name, MANY, slowest * 1000)
         assert.is_true(slow:running())
         school.lab01:clear()
         assert.equal(200, (slow:answer()))
         if lab.all then
            assert.is_true(slowest < QUIET, slowest .. " s")
         end
      end)

      it("is reloaded while it waits", function()
         local slow, old = begin_slow(), workers()
         school.machine:check("systemctl", "reload", program.unit)
         local new = await_others(old)
         others(FEW)
         school.lab01:clear()
         local status, body = slow:answer()
         assert.equal(200, status, body)
         await(function() return select(2, school.machine:run("test", "-e", "/proc/" .. old[1])) ~= 0 end)
         assert.same(new, workers())
      end)

      it("lives through the loss of a worker", function()
         local slow, old = begin_slow(), workers()
         school.machine:check("kill", "-KILL", unpack(old))
         assert.not_equal(200, (slow:answer()))
         await_others(old)
         await(function() return school:request(program.url .. "/"):answer() == 200 end)
         school.lab01:clear()
         assert.equal(200, (unlock "room1":answer()))
         others(FEW)
      end)

      it("goes on when who has asked is gone", function()
         begin_slow("*"):kill()
         others(FEW)
         assert.is_true(school.lab01:sessions()[1].locked) -- it was not asked to unlock yet
         school.lab01:clear()
         await_open()
         others(FEW)
      end)

      it("unlocks 200 times at once", function()
         local url = program.url .. "/rooms/room1/unlock"
         local counts = school:requests(200, url, with_token{ parallel = 200 }):counts()
         assert.equal(200, counts["200"], counts.text)
         lab.report("%s: the slowest of 200 at once took %.1f ms", name, counts.slowest * 1000)
      end)

      it("unlocks when 200 have waited for the host", function()
         school.lab01:session{ id = 2, user = "dave", station = 2, flags = 36 + 8 }
         school.lab01:on("StopLockingSession", { never = true, times = 0 })
         school.lab01:reset()
         local waiting = school:requests(200, program.url .. "/rooms/room1/unlock", with_token{ parallel = 200 })
         school.lab01:wait("StopLockingSession", 4) -- one on each connection: no other question gets through
         school.lab01:clear()
         local counts = waiting:counts()
         school.lab01:remove(2)
         assert.equal(200, counts["200"], counts.text)
      end)

      it("has as many descriptors and as much memory behind many unlocks as before, and its signals", function()
         --- Garbage is collected, since how much a collector leaves lying is its own affair.
         local url = program.url .. "/rooms/room1/unlock"
         local function round()
            local counts = school:requests(ROUND, url, with_token{ parallel = 20 }):counts()
            assert.equal(ROUND, counts["200"], counts.text)
            assert.equal(200, (school:request(program.second .. "/collect"):answer()))
         end
         round()
         local before, after = school:usage(workers()), nil
         for _ = 1, ROUNDS do
            round()
         end
         await(function() -- connections that the clients have closed
            after = school:usage(workers())
            return after.descriptors <= before.descriptors
         end)
         lab.report("%s: %d unlocks: %d descriptors before, %d behind them; %d KiB, %d KiB", name, ROUNDS * ROUND,
            before.descriptors, after.descriptors, before.memory, after.memory)
         assert.is_true(after.memory < before.memory + 1024, ("%d KiB, then %d"):format(before.memory, after.memory))
         assert.equal(signals, school:signals(workers()[1]))
      end)

      if program.more then
         program.more(it, function() return school end)
      end
   end)
end

return http
