-- SPDX-License-Identifier: MIT
--- Pictures of MultiPoint hosts' sessions: what is asked, one after the other, and what hosts may answer.
local jpeg = require "spec.support.jpeg"
local kit = require "spec.support.kit"
local multipoint = require "spec.support.multipoint"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

local GET = "GetThumbnailBits"

describe("a picture of a MultiPoint host's session #once", function()
   local lab

   before_each(function()
      if multipoint.missing() then
         return
      end
      lab = multipoint.lab()
      for id = 3, 5 do
         lab:session{ id = id, user = "user" .. id }
      end
   end)

   after_each(function()
      kit.reset()
      if lab then
         multipoint.sweep()
      end
   end)

   teardown(multipoint.down)

   local function test(text, body)
      it(text, function()
         if multipoint.missing() then
            pending(multipoint.missing())
         end
         body()
      end)
   end

   local function take(options)
      options = options or {}
      options.session_ids, options.server = options.session_ids or 3, lab.server
      return wms.thumbnail(options)
   end

   test("is asked for by its size", function()
      lab:set{ keep_bodies = true }
      for number, size in ipairs{ "small", "medium", "large", "full" } do
         local _, _, comment = jpeg.read(fine(take{ size = size })[1].picture)
         assert.truthy(comment:find(("size %d"):format(number - 1), 1, true), comment)
      end
      for number, body in ipairs(lab:bodies()) do
         assert.truthy(body:find(("<idSession>3</idSession><eBitmapSize>%d</eBitmapSize>"):format(number - 1), 1, true))
      end
   end)

   test("is asked for after the one before has come", function()
      lab:on(GET, { never = true })
      local request = assert(wms.start("thumbnail", { session_ids = { 3, 4, 5 }, server = lab.server }))
      kit.pump(request, function() return lab:counts()[GET] == 1 end)
      for _ = 1, 20 do
         request:wait(0.005)
      end
      assert.equal(1, lab:counts()[GET])
      lab:clear()
      assert.is_true(request:wait(20))
      assert.same({ 3, 4, 5 }, pluck(fine(request:result()), "session_id"))
      assert.equal(3, lab:counts()[GET])
      request:close()
   end)

   test("is no picture when the host has none", function()
      for _, body in ipairs{ "", "<ppbDataBits/>", "<ppbDataBits></ppbDataBits>" } do
         lab:on(GET, { body = body })
         local outcome = fine(take())[1]
         assert.same({ "verified" }, { outcome.state, outcome.picture })
      end
      lab:session{ id = 4, state = 4 } -- disconnected
      assert.is_nil(fine(take{ session_ids = 4 })[1].picture)
   end)

   test("is refused where it is none, or too long", function()
      for _, body in ipairs{ "<ppbDataBits>AAAA</ppbDataBits>", "<ppbDataBits>/9j/2Q==</ppbDataBits>",
         "<ppbDataBits>%%</ppbDataBits>", "<ppbDataBits><x/></ppbDataBits>" } do
         lab:on(GET, { body = body })
         assert.equal("PROTOCOL", fault(take()).code, body)
      end
      wms.configure{ answer_size = 100000 }
      lab = multipoint.lab()
      lab:session{ id = 3, picture = 200000 }
      lab:session{ id = 4, picture = 20000 }
      local err = fault(take{ session_ids = { 3, 4 } })
      assert.same({ "PROTOCOL", "nil" }, pluck(err.outcomes, "error", "code"))
      assert.truthy(err.message:find("longer than 100000 bytes", 1, true), err.message)
      assert.equal(20000, #err.outcomes[2].picture)
   end)

   test("tells the host's own error, and the others come", function()
      lab:on(GET, { id = 3, fault = 0x80070005 })
      local err = fault(take{ session_ids = { 3, 4, 9 } })
      assert.same({ "ACCESS_DENIED", "nil", "NOT_FOUND" }, pluck(err.outcomes, "error", "code"))
      assert.truthy(err.outcomes[2].picture)
   end)

   test("is asked for once more when the connection broke: nothing was changed", function()
      fine(take())
      lab:reset()
      lab:on(GET, { drop = "after" })
      assert.truthy(fine(take())[1].picture)
      assert.equal(2, lab:counts()[GET])
   end)
end)
