-- SPDX-License-Identifier: MIT
--- MultiPoint hosts that mean ill with TLS itself: before their certificate was looked at, in the handshake, and behind it.
local bound = require "spec.support.bound"
local hostile = require "spec.support.hostile"

local VERSION, BIND = "GetServerVersion", "BIND"
local MEMORY = 6 -- MB
local ENDLESS = "the host sends TLS messages without end"

bound.describe("hostile TLS #once:", pending, function()
   after_each(hostile.stop)

   --- What is said when somebody binds to a host whose connections begin like that.
   local function bind(how, size)
      local said = hostile.ask({ { BIND, "whole", 0 } }, nil, { how, size })[1]
      hostile.stop()
      hostile.check_memory(how, said.memory, MEMORY)
      return said
   end

   it("hosts that only begin again and again are left, before anything of them was looked at", function()
      local said = bind("begin_again", 2 ^ 26)
      assert.equal("PROTOCOL", said.how, said.message)
      assert.truthy(said.message:find(ENDLESS, 1, true), said.message)
   end)

   it("new sessions, new keys and wishes to begin again are refused when they do not end", function()
      hostile.refused({ { VERSION, "tickets", 30000, ENDLESS }, { VERSION, "key_updates", 2 ^ 20, ENDLESS } }, MEMORY,
         { "tls_13", 0 })
      hostile.stop()
      hostile.refused({ { VERSION, "hello_requests", 2 ^ 20, ENDLESS } }, MEMORY, { "tls_12", 0 })
   end)

   it("those that are usual are not, however often the connection is used", function()
      local cases = {}
      for i = 1, 12 do
         cases[i] = { VERSION, "some_tickets", 4 }
      end
      for _, said in ipairs(hostile.ask(cases, nil, { "tls_13", 0 })) do
         assert.equal("fine", said.how, said.message)
      end
   end)

   it("long answers come whole by both versions, and each handshake that is cheap is taken", function()
      for _, how in ipairs{ "tls_12", "tls_13" } do
         local said = hostile.ask({ { VERSION, "text", 3000000 } }, nil, { how, 0 })[1]
         assert.equal("fine", said.how, how .. said.message)
         hostile.stop()
      end
      for _, case in ipairs{ { "rsa", "kRSA" }, { "rsa", "ECDHE" }, { "ec", "ECDHE" } } do
         local said = bind(case[1] .. "_" .. case[2], 0)
         assert.equal("fine", said.how, case[1] .. " " .. case[2] .. ": " .. said.message)
      end
      for _, group in ipairs{ "X25519", "P_256", "P_384", "P_521" } do
         local said = bind("only_" .. group, 0)
         assert.equal("fine", said.how, group .. ": " .. said.message)
      end
      assert.equal("fine", bind("chain", 8000).how)
   end)

   it("what came for the questions before does not count for one on the same connection", function()
      local list = hostile.ask({ { VERSION, "text", 3000000 }, { VERSION, "nothing", 0 } }, nil, { "tls_13", 0 })
      assert.equal("fine", list[1].how, list[1].message)
      assert.equal("UNREACHABLE", list[2].how, list[2].message)
      assert.truthy(list[2].message:find("the connection broke before the answer", 1, true), list[2].message)
   end)

   it("a certificate is looked at once, so no handshake begins again on a connection", function()
      local said = hostile.ask({ { VERSION, "renegotiation", 0 } }, nil, { "tls_12", 0 })[1]
      assert.equal("UNREACHABLE", said.how, said.message)
   end)

   it("what makes a handshake long is never agreed to: large fields, and chains of many certificates", function()
      for _, how in ipairs{ "only_ffdhe", "rsa_DHE", "chain" } do
         local said = bind(how, how == "chain" and 90000 or 8192)
         assert.equal("UNREACHABLE", said.how, how .. ": " .. said.message)
         assert.truthy(said.message:find("the TLS handshake has failed", 1, true), said.message)
      end
   end)
end)
