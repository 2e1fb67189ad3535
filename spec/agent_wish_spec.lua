-- SPDX-License-Identifier: MIT
--- How an agent keeps its own host as it is wished, with an embedded host and what its provider would tell.
local Kept = require "wms.agent.kept"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local waiting = require "wms.loop.waiting"
local wms = kit.wms

describe("An agent's wish", function()
   local folder, host, server, kept, told, file

   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
   end)

   teardown(function()
      process.run("rm -r " .. folder)
   end)

   --- A keeper of wishes, as the agent begins one; another one goes on with the same file.
   local function begin()
      told = {}
      kept = Kept.new(server, file, function(kind, fields)
         fields.kind = kind
         told[#told + 1] = fields
      end)
   end

   local function of(kind)
      local list = {}
      for _, report in ipairs(told) do
         list[#list + 1] = report.kind == kind and report or nil
      end
      return list
   end

   local function await(check)
      kit.await(check, function() assert(waiting.wait(0.05)) end)
   end

   local function is_locked(id, wanted)
      return function() return host:session(id).locked == (wanted ~= false) end
   end

   --- Until there is neither a wish nor a keeper.
   local function is_over()
      return not kept:wished() and not kept.keeper
   end

   before_each(function()
      local name = kit.name()
      server = "memory://" .. name
      file = ("%s/%s.keep"):format(folder, name)
      host = wms.memory(name, { sessions = { { session_id = 1, user_name = "alice" },
         { session_id = 2, user_name = "bob", locked = true }, { session_id = 3, user_name = "root", is_admin = true } } })
      begin()
   end)

   after_each(function()
      kept:close()
      host:close()
   end)

   local LOCK = { revision = 7, state = "locked", message = "Exam", restore = true, who = "alice" }

   it("is kept until it is taken back, and then put back", function()
      kept:take(LOCK)
      await(is_locked(1))
      assert.equal("Exam", host:session(1).message)
      host:unlock(1)
      await(is_locked(1))
      host:open{ session_id = 4, user_name = "carol" }
      await(is_locked(4))
      assert.is_falsy(host:session(3).locked)
      kept:take{ revision = 8 }
      await(is_over)
      assert.is_falsy(host:session(1).locked)
      assert.is_true(host:session(2).locked)
      assert.is_falsy(host:session(4).locked)
      local wishes = of "wish"
      assert.same({ "alice", "nil" }, kit.pluck(wishes, "who"))
      assert.is_true(wishes[2].over)
      assert.is_nil(io.open(file))
   end)

   it("without restore leaves the room as it is", function()
      kept:take{ revision = 1, state = "locked", message = "Exam" }
      await(is_locked(1))
      kept:take{ revision = 2 }
      await(is_over)
      assert.is_true(host:session(1).locked)
   end)

   it("ends by itself when its time is over, and begins anew with more of it", function()
      kept:take{ revision = 1, state = "locked", message = "Exam", restore = true, left = 1 }
      await(is_locked(1))
      await(is_over)
      assert.is_falsy(host:session(1).locked)
      kept:take{ revision = 1, state = "locked", message = "Exam", restore = true, left = 0, ended = true }
      for _ = 1, 5 do
         assert(waiting.wait(0.02))
      end
      assert.is_true(is_over())
      assert.is_falsy(host:session(1).locked)
      kept:take{ revision = 2, state = "locked", message = "Exam", restore = true, left = 3600 }
      await(is_locked(1))
      kept:take{ revision = 2, state = "locked", message = "Exam", restore = true, left = 1 } -- as the servers count
      await(is_over)
      assert.is_falsy(host:session(1).locked)
   end)

   it("replaces the former one without unlocking anybody in between", function()
      kept:take(LOCK)
      await(is_locked(1))
      local before = #host:log()
      kept:take{ revision = 8, state = "locked", message = "Exam, part two", restore = true, left = 3600 }
      await(function() return kept.holds and kept.holds.revision == 8 and #of "ready" == 2 end)
      for i = before + 1, #host:log() do
         assert.not_equal("unlock", host:log()[i].verb)
      end
      kept:take{ revision = 9 }
      await(is_over)
      assert.is_falsy(host:session(1).locked) -- the second one knows what the first one has changed
   end)

   it("of the other kind lets the former one end first", function()
      kept:take(LOCK)
      await(is_locked(1))
      kept:take{ revision = 8, state = "unlocked" }
      await(is_locked(2, false))
      assert.is_falsy(host:session(1).locked)
      host:lock(1, "by hand")
      await(is_locked(1, false))
   end)

   it("goes on after the agent has died, or ends what its file has when nothing is wished any more", function()
      kept:take(LOCK)
      await(is_locked(1))
      kept:close()
      assert.is_true(host:session(1).locked)
      begin()
      kept:take(LOCK)
      await(function() return #of "resumed" == 1 end)
      await(function() return #of "ready" == 1 end)
      kept:close()
      begin()
      kept:take{ revision = 8 }
      await(function() return #of "ended" == 1 end)
      await(is_over)
      assert.is_falsy(host:session(1).locked)
      assert.same({ true, 1 }, { of "resumed"[1].over == false, of "ended"[1].restored })
      kept:close()
      begin()
      kept:take{ revision = 9 } -- there is no file: nothing is said
      for _ = 1, 5 do
         assert(waiting.wait(0.02))
      end
      assert.equal(0, #told)
   end)

   it("of the other kind than what the file has ends that first", function()
      kept:take(LOCK)
      await(is_locked(1))
      kept:close()
      begin()
      kept:take{ revision = 8, state = "unlocked" }
      await(is_locked(2, false))
      assert.is_falsy(host:session(1).locked)
      await(function() return kept.holds and kept.holds.revision == 8 end)
   end)

   it("that is none, or of a kind that is unknown, is not kept, and that is said once", function()
      for revision, value in ipairs{
         { state = "locked" }, { unreadable = "the wish is no JSON" }, { state = "frozen", message = "x" },
         { state = "unlocked", restore = true },
      } do
         kept:take(LOCK)
         await(is_locked(1))
         value.revision = 10 + revision
         kept:take(value)
         kept:take(value)
         await(is_over)
         assert.is_falsy(host:session(1).locked)
         local wishes = of "wish"
         assert.truthy(wishes[#wishes].error.message, revision)
         assert.equal(revision * 2, #wishes)
      end
   end)

   it("with a file that another process has waits for it, and says so", function()
      local other = assert(require "wms.keep"{ server = server, locked = false, file = file })
      kept:take(LOCK)
      await(function() return #of "wish" == 2 end)
      assert.equal("BUSY", of "wish"[2].error.code)
      other:close()
      kept:take{ revision = 8, state = "locked", message = "Exam", restore = true }
      await(is_locked(1))
   end)
end)
