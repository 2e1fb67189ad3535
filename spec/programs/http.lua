-- SPDX-License-Identifier: MIT
--- What every program shows that unlocks rooms when it gets POST /rooms/ROOM/unlock, and waits with one of the loop helpers.
--
--     http.spec("nginx", { url =, unit =, workers = function(school) … end, … })
--
--    url        where it listens, in its machine
--    unit       its systemd unit
--    token      the file that holds the token, behind which nothing else follows
--    far        whether it reaches Linux hosts by ssh
--    refused    the status of what has another method
--    prepare    commands that leave it one worker, so that one that blocks is noticed, and let it listen at a second place
--    second     that place: /careless logs everybody off, and says how that went; /collect collects garbage
--    workers    a function that returns the ids of the processes that serve now, those that only finish left out
local busted = require "busted"
local assert = require "luassert"
local kit = require "spec.support.kit"
local lab = require "spec.programs.lab"

local unpack = table.unpack or unpack -- luacheck: ignore 143

local describe, it, pending, setup, teardown = busted.describe, busted.it, busted.pending, busted.setup, busted.teardown
local before_each, after_each = busted.before_each, busted.after_each

local http = {}

local HALF = 25 -- requests of either kind that have to be answered meanwhile
local QUIET = 0.1 -- seconds that none of them may take, on a machine that has nothing else to do
local ROUND, ROUNDS = lab.all and 1000 or 150, lab.all and 10 or 2 -- of requests

function http.spec(name, program)
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

      --- Many others at the same time: some that the program answers by itself, some that unlock a room.
      local function others()
         local plain = school:requests(HALF, program.url .. "/")
         local rooms = school:requests(HALF, program.url .. "/rooms/room2/unlock", with_token())
         return { plain:counts(), rooms:counts() }
      end

      local function all_answered(list)
         for _, counts in ipairs(list) do
            assert.equal(HALF, counts["200"], counts.text)
         end
      end

      --- Begins to unlock room1, whose host does not answer until it is released.
      local function begin_slow()
         school.lab01:on("StopLockingSession", { never = true, times = 0 })
         school.lab01:reset()
         local slow = unlock "room1"
         school.lab01:wait("StopLockingSession", 1)
         return slow
      end

      local function workers()
         return program.workers(school)
      end

      local function await_open()
         kit.await(function() return not school.lab01:sessions()[1].locked end)
      end

      setup(function()
         school = lab.up(name)
         signals = school:signals(workers()[1]) -- of the program as it comes
         school:follow "Set-up"
         school:sh(program.prepare)
         token = school.machine:check("cat", program.token):match("%S+")
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
         if not program.far then
            pending("there is no ssh in its chroot")
         end
         local status, body = unlock "room3":answer()
         assert.equal(200, status, body)
         assert.truthy(body:find(school.alice .. " alice verified", 1, true), body)
         assert.is_false(school.linux01:locked(school.alice))
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
         local list = others()
         all_answered(list)
         local slowest = math.max(list[1].slowest, list[2].slowest)
         lab.report("%s: the slowest of %d others took %.1f ms", name, 2 * HALF, slowest * 1000)
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
         local new = kit.await(function()
            local list = workers()
            return #list > 0 and list[1] ~= old[1] and list
         end)
         all_answered(others())
         school.lab01:clear()
         local status, body = slow:answer()
         assert.equal(200, status, body)
         kit.await(function() return select(2, school.machine:run("test", "-e", "/proc/" .. old[1])) ~= 0 end)
         assert.same(new, workers())
      end)

      it("lives through the loss of a worker", function()
         local slow, old = begin_slow(), workers()
         school.machine:check("kill", "-KILL", unpack(old))
         assert.not_equal(200, (slow:answer()))
         kit.await(function()
            local list = workers()
            return #list > 0 and list[1] ~= old[1] and school:request(program.url .. "/"):answer() == 200
         end)
         school.lab01:clear()
         assert.equal(200, (unlock "room1":answer()))
         all_answered(others())
      end)

      it("goes on when who has asked is gone", function()
         assert.equal(200, (unlock "room1":answer()))
         school:people()
         begin_slow():kill()
         all_answered(others())
         school.lab01:clear()
         await_open()
         all_answered(others())
      end)

      it("unlocks 200 times at once", function()
         local counts = school:requests(200, program.url .. "/rooms/room1/unlock", with_token{ parallel = 200 }):counts()
         assert.equal(200, counts["200"])
         lab.report("%s: the slowest of 200 at once took %.1f ms", name, counts.slowest * 1000)
      end)

      it("has as many descriptors and as much memory behind many unlocks as before, and its signals", function()
         --- Garbage is collected, since how much a collector leaves lying is its own affair.
         local function round()
            local counts = school:requests(ROUND, program.url .. "/rooms/room1/unlock", with_token{ parallel = 20 }):counts()
            assert.equal(ROUND, counts["200"], counts.text)
            assert.equal(200, (school:request(program.second .. "/collect"):answer()))
         end
         round()
         local before, after = school:usage(workers()), nil
         for _ = 1, ROUNDS do
            round()
         end
         kit.await(function() -- connections that the clients have closed
            after = school:usage(workers())
            return after.descriptors <= before.descriptors
         end)
         lab.report("%s: %d unlocks: %d descriptors before, %d behind them; %d KiB, %d KiB", name, ROUNDS * ROUND,
            before.descriptors, after.descriptors, before.memory, after.memory)
         assert.is_true(after.memory < before.memory + 1024, ("%d KiB, then %d"):format(before.memory, after.memory))
         assert.equal(signals, school:signals(workers()[1]))
      end)

      if program.more then
         program.more(function() return school end)
      end
   end)
end

return http
