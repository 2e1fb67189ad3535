-- SPDX-License-Identifier: MIT
--- What providers may tell of changes, and how the engine goes on: spec/c/provider_teller.c.

local process = require "spec.support.process"

local unpack = table.unpack or unpack -- luacheck: ignore 143
local build = os.getenv("WMS_BUILD") or "build"

--- What a watch of teller://NAME has told in a process of its own, in short, when `count` events were read.  `meanwhile`:
-- what is done when it is ready.
local function told(name, count, meanwhile)
   local script = ([[
      local wms = require "wms"
      local watch = assert(wms.watch("teller://%s"))
      for i = 1, %d do
         if i == 2 then
            %s
         end
         local event = assert(watch:next(20), "nothing was told")
         io.write(event.kind, event.session and " " .. event.session.session_id or "",
            event.error and " " .. event.error.message or "", "\n")
      end
      local rest = watch:next(0.1)
      if rest then io.write("more: ", rest.kind, "\n") end
      for _, session in ipairs(watch:sessions()) do
         io.write("(", session.session_id, " ", session.identity, " ", tostring(session.locked),
            session.is_own and " own" or "", ")\n")
      end
      watch:close()
   ]]):format(name, count, meanwhile or "")
   local paths = ("LUA_CPATH=%s"):format(process.quote(build .. "/spec/?.so;" .. package.cpath))
   local output, code = process.run("env " .. paths .. " timeout 60 " .. process.lua() .. " -e " .. process.quote(script))
   assert.equal(0, code, output)
   local list = {}
   for line in output:gmatch("[^\n]+") do
      list[#list + 1] = line
   end
   return list
end

describe("a provider that", function()
   it("cannot watch is asked again and again", function()
      assert.same({ "ready", "locked 1", "unlocked 1", "locked 1" }, { unpack(told("unsupported", 4), 1, 4) })
   end)

   it("wants to be listed again is", function()
      assert.same({ "ready", "locked 1", "unlocked 1", "locked 1" }, { unpack(told("again", 4), 1, 4) })
   end)

   it("goes blind is watched anew", function()
      assert.same({ "ready", "lost it has no eyes any more", "back", "(1 first false)", "(c2 second false)" },
         told("blind", 3))
   end)

   it("breaks its connection is reached anew, after pauses, and is not listened to any more", function()
      assert.same({ "ready", "lost it broke", "back", "lost it broke", "back", "(1 first false)", "(c2 second false)" },
         told("broken", 5))
   end)

   it("retires its connection is watched on another, and nobody notices", function()
      assert.same({ "ready", "(1 first false)", "(c2 second false)" }, told("moving", 1))
   end)

   it("tells odd things is understood as far as possible", function()
      assert.same({ "ready", "closed c2", "opened c2", "disconnected c2", "connected c2", "locked 1",
         "(1 first true)", "(c2 another false)" }, told("odd", 6))
   end)

   it("breaks before its list is answered has told nothing of the next connection's sessions", function()
      assert.same({ "ready", "lost it broke", "back", "(1 first false)", "(c2 second false)" }, told("stale", 3))
   end)

   it("ends its watch twice has ended it once", function()
      assert.same({ "ready", "lost it has no eyes any more", "back", "(1 first false)", "(c2 second false)" },
         told("twice", 3))
   end)

   it("tells of a watch that has ended tells nothing", function()
      assert.same({ "ready", "lost it is shy", "back", "(1 first false)", "(c2 second false)" }, told("late", 3))
   end)

   it("says later that a session is not locked is heard", function()
      assert.same({ "ready", "opened c3", "unlocked c3", "(1 first false)", "(c2 second false)", "(c3 third false)" },
         told("new", 3))
   end)

   it("does not say anew whose a session is has said it", function()
      assert.same({ "ready", "locked c2", "(1 first false)", "(c2 second true own)" }, told("own", 2))
   end)

   it("is silent for a whole timeout is lost: what it tells later on that connection would not be heard", function()
      assert.same({ "ready", "lost the host did not answer in time", "back", "(1 first false)", "(c2 second false)" },
         told("hung", 3, 'assert(not wms.unlock{ server = "teller://hung", session_ids = 1, timeout = 0.05 })'))
   end)

   it("tells of a session before its list is answered, which has it, is heard once and in order", function()
      assert.same({ "ready", "opened c3", "locked c3", "(1 first false)", "(c2 second false)", "(c3 third true)" },
         told("overtaken", 3))
   end)

   it("tells of a session before its first list is answered, which has it, is heard in order", function()
      assert.same({ "ready", "locked c3", "(c3 third true)", "(1 first false)", "(c2 second false)" }, told("dawn", 2))
   end)

   it("tells of a session before its list is answered, which has it no more, is heard to the end", function()
      assert.same({ "ready", "locked 1", "unlocked 1", "closed 1", "(c2 second false)" }, told("brief", 4))
   end)

   it("tells less of a session, before its list is answered, than the list does, is heard, and the list too", function()
      assert.same({ "ready", "disconnected c2", "locked 1", "locked c2", "closed 1", "(c2 second true)" },
         told("hints", 5))
   end)

   it("tells of a session before its list is answered, which has another of that id, is heard, and the list too", function()
      assert.same({ "ready", "locked 1", "closed 1", "opened 1", "(c2 second false)", "(1 third false)" },
         told("reused", 4))
   end)

   it("tells before its list is answered is not forgotten", function()
      assert.same({ "ready", "locked 1", "closed c2", "(1 first true)" }, told("early", 3))
   end)
end)
