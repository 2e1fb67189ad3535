-- SPDX-License-Identifier: MIT
--- No event lost: Linux hosts over ssh, watched by one process, with lock storms, log-ons and log-offs, restarts of logind
-- and of the bus, cables that are pulled or silent, reboots.  All that the hosts have written down themselves is told, in
-- its order, or is behind an `overflow` or a `lost` and in the list that follows; and nothing else.
-- Environment: WMS_SOAK_HOSTS (12), WMS_SOAK_SECONDS (60); WMS_SOAK_REPORT: prints what it takes, a line a minute.
-- `make soak` does it with 60 hosts for ten minutes, or for hours.
local bound = require "spec.support.bound"
local far = require "spec.support.logind_far"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local Judge = require "spec.support.storm_judge"
local Storm = require "spec.support.storm"

local HOSTS = tonumber(os.getenv("WMS_SOAK_HOSTS")) or 12
local SECONDS = tonumber(os.getenv("WMS_SOAK_SECONDS")) or 60
local report = os.getenv("WMS_SOAK_REPORT") and function(line)
   io.stderr:write(line, "\n")
end

local MOST = 12 -- with more hosts, as much happens in all, so that the machine can bear it

-- Of the process; what its allocator keeps is in it.
local KILOBYTES_MORE, DESCRIPTORS_MORE = 4096, 8
local COST_MORE = 3 -- times as much processor time of an event at the end as at the beginning

local function missing()
   return far.missing() or select(2, process.run("test -x " .. process.program("host/storm"))) ~= 0
      and "spec/host/storm is not built: libsystemd-dev is missing" or nil
end

describe("a storm #once", function()
   local test = kit.needing(function(why) pending(why) end, missing)
   local storm

   setup(function()
      if not bound.missing() then
         bound.up()
      end
   end)

   teardown(function()
      if storm then
         storm:close()
      end
      if not bound.missing() then
         bound.down()
      end
      kit.reset()
   end)

   test("loses no event, tells none that was not, and takes no more in the end than in the beginning", function()
      local busy = math.min(HOSTS, MOST)
      storm = Storm.new{ hosts = HOSTS, seconds = SECONDS, hints = 10 * busy, logons = busy / 6, pause = 1,
         alive = SECONDS >= 600, report = report }
      if report then
         report(Storm.TITLE)
      end
      storm:run()
      -- Until each host was lost once and came back, buffers grow: with 60 hosts that takes minutes.
      local first, last = storm.samples[1 + math.ceil((#storm.samples - 1) / 3)], storm.samples[#storm.samples]
      local judge = storm.judge
      if report then
         report(("%d sessions with %d changes; cut off %d times; %d sessions too short to be told"):format(judge.judged,
            judge.changes, judge.cut_off, judge.short))
      end
      assert.equal(0, #judge.faults, table.concat(judge.faults, "\n", 1, math.min(#judge.faults, 5)))
      assert.is_true(judge.judged > HOSTS and judge.changes > 10 * HOSTS)
      local listed, watched = storm:pictures()
      assert.same(listed, watched)
      assert.same(storm.embedded_done, storm.embedded_told)
      assert.is_true(storm.reports > 0)
      assert.is_true(storm.counts.overflow > 0 and judge.cut_off > 0)
      if not process.sanitized() then
         assert.is_true(last.kilobytes - first.kilobytes <= KILOBYTES_MORE,
            first.kilobytes .. " kB, then " .. last.kilobytes)
      end
      assert.is_true(last.descriptors - first.descriptors <= DESCRIPTORS_MORE,
         first.descriptors .. " descriptors, then " .. last.descriptors)
      if report then -- in a soak alone: what else the machine does decides over a minute
         local cost, cost_then = storm:costs()
         assert.is_true(cost_then <= COST_MORE * cost, cost .. " ms an event, then " .. cost_then)
      end
   end)
end)

describe("who judges a storm #once", function()
   local judge, host, at, number

   before_each(function()
      judge = Judge.new()
      host = judge:host("far")
      at, number = 1000, 0
   end)

   local function logs(...)
      for _, line in ipairs{ ... } do
         at = at + 10
         host:logged(("%d %d %s"):format(at - 1, at, line))
      end
   end

   local function tells(...)
      for _, text in ipairs{ ... } do
         local kind, id = text:match("^(%S+) ?(%S*)$")
         host:told{ kind = kind, time = at + 1, session = id ~= "" and { session_id = id, user_name = "alice" } or nil }
      end
   end

   --- What is wrong, without the details.
   local function verdict()
      judge:finish()
      number = #judge.faults
      return number == 0 and "fine" or judge.faults[1]:match("^far, session %S+: ([^\n]*)")
   end

   it("is content when all is told", function()
      logs("listens - -")
      tells("ready")
      logs("new c1 1000", "hint c1 1")
      tells("opened c1", "locked c1")
      logs("hint c1 0", "removed c1 -")
      tells("unlocked c1", "closed c1")
      assert.equal("fine", verdict())
      assert.equal(4, judge.changes)
   end)

   for what, told in pairs{
      ["a change is missing"] = { "opened c1", "closed c1" },
      ["half of a change is missing"] = { "opened c1", "locked c1", "closed c1" },
      ["the end is missing"] = { "opened c1", "locked c1", "unlocked c1" },
      ["all is missing"] = {},
      ["something is told twice"] = { "opened c1", "locked c1", "unlocked c1", "locked c1", "unlocked c1", "closed c1" },
      ["it is in another order"] = { "opened c1", "unlocked c1", "locked c1", "closed c1" },
      ["a session is told that was never there"] = { "opened c1", "locked c1", "unlocked c1", "closed c1", "opened c2" },
   } do
      it("finds that " .. what, function()
         logs("listens - -")
         tells("ready")
         logs("new c1 1000", "hint c1 1", "hint c1 0", "removed c1 -")
         tells((unpack or table.unpack)(told)) -- luacheck: ignore 143
         assert.not_equal("fine", verdict())
         assert.equal(1, number)
      end)
   end

   local function cut_off(...)
      logs("listens - -")
      tells("ready")
      logs("new c1 1000", "hint c1 1")
      tells("opened c1", "locked c1", "lost")
      logs("hint c1 0", "hint c1 1", "hint c1 0")
      tells("back", ...)
   end

   it("lets a break hide what was undone in it, and no more", function()
      cut_off("unlocked c1")
      logs("hint c1 1")
      tells("locked c1")
      assert.equal("fine", verdict())
   end)

   it("finds that how it is was not told behind a break", function()
      cut_off()
      assert.equal("not all was told", verdict())
   end)

   it("finds that a change behind a break is missing", function()
      cut_off("unlocked c1")
      logs("hint c1 1", "hint c1 0")
      assert.equal("not all was told", verdict())
   end)

   it("finds that a host that was away does not come back", function()
      cut_off("unlocked c1")
      tells("lost")
      assert.same({ false, "far is lost" }, { judge:agrees() })
   end)

   it("takes an overflow's list in place of what was dropped, and compares it", function()
      logs("listens - -")
      tells("ready")
      logs("new c1 1000", "hint c1 1", "new c2 1001")
      host:told_all(at + 1, { { session_id = "c1", user_name = "alice", locked = true },
         { session_id = "c2", user_name = "bob", locked = false } })
      logs("hint c1 0")
      tells("unlocked c1")
      assert.equal("fine", verdict())
      host:told_all(at + 1, { { session_id = "c3", user_name = "alice", locked = true } })
      assert.not_equal("fine", verdict())
   end)

   it("knows that the lists of overflows are as of the loss, as long as a host is lost", function()
      logs("listens - -")
      tells("ready")
      logs("new c1 1000", "hint c1 1", "hint c1 0")
      tells("opened c1", "locked c1", "unlocked c1")
      logs("hint c1 1", "removed c1 -", "new c2 1001") -- of which nothing comes through
      at = at + 20
      tells("lost")
      for _ = 1, 2 do
         at = at + 20
         host:told_all(at, { { session_id = "c1", user_name = "alice", locked = false } })
         tells("lost")
      end
      at = at + 20
      tells("back", "closed c1", "opened c2")
      assert.equal("fine", verdict())
   end)

   it("knows that a host that was lost is back, where the event that said so was dropped", function()
      cut_off("unlocked c1")
      tells("lost")
      logs("hint c1 1")
      at = at + 20
      host:told_all(at, { { session_id = "c1", user_name = "alice", locked = true } }, true)
      assert.is_true(judge:agrees())
      logs("hint c1 0")
      tells("unlocked c1")
      assert.equal("fine", verdict())
   end)

   it("knows that a restarted logind has forgotten who was locked, and a reboot everybody", function()
      logs("is c1 1", "listens - -")
      tells("ready")
      host:told{ kind = "opened", time = at, session = { session_id = "c1", user_name = "alice", locked = true } }
      logs("restarted - -")
      tells("lost", "back", "unlocked c1", "lost")
      host:off(at, at + 5)
      tells("back", "closed c1")
      assert.equal("fine", verdict())
   end)
end)
