-- SPDX-License-Identifier: MIT
--- MultiPoint hosts that mean ill: no answer of theirs takes long, or much memory, or keeps another host's waiting.
local bound = require "spec.support.bound"
local hostile = require "spec.support.hostile"

local LIMIT, PLAIN_LIMIT = 8000000, 262143
local PLAIN, TLS, PICTURE = "RequestSslCertificate", "GetServerVersion", "GetThumbnailBits"
local LIST, STRINGS = "GetAllSessions", "GetPeerWmsServerList"
local WHOLE = 4 * LIMIT / 1e6 -- MB

bound.describe("hostile MultiPoint hosts #once:", pending, function()
   after_each(hostile.stop)

   it("before anybody is trusted, texts are refused that are long, wide, deep, or of many things", function()
      hostile.refused({
         { PLAIN, "elements", 2 ^ 23, "longer than 262143 bytes" },
         { PLAIN, "attributes", PLAIN_LIMIT - 1000, "too many attributes" },
         { PLAIN, "attributes_of_many", PLAIN_LIMIT - 1000, "too many elements or attributes" },
         { PLAIN, "namespaces", PLAIN_LIMIT - 1000, "too many namespaces" },
         { PLAIN, "elements", PLAIN_LIMIT - 1000, "too many elements" },
         { PLAIN, "depth", PLAIN_LIMIT - 1000, "nested too deeply" },
         { PLAIN, "entities", 100000, "document type" },
      }, 6)
   end)

   it("before anybody is trusted, headers are refused that do not end, and what is compressed", function()
      hostile.refused({
         { PLAIN, "headers", 2 ^ 26, "headers" },
         { PLAIN, "one_header", 2 ^ 26, "headers" },
         { PLAIN, "status_line", 2 ^ 26, "headers" },
         { PLAIN, "cookies", 2 ^ 26, "headers" },
         { PLAIN, "challenges", 2 ^ 26, "headers" },
         { PLAIN, "interim", 2 ^ 26, "headers" },
         { PLAIN, "trailers", 2 ^ 26, "headers" },
         { PLAIN, "extensions", 2 ^ 40, "longer than 262143 bytes" },
         { PLAIN, "content_bomb", 2 ^ 20, "nobody has asked for" },
         { PLAIN, "transfer_bomb", 2 ^ 20, "nobody has asked for" },
      }, 6)
   end)

   it("of who is trusted, too, nothing takes long or much memory", function()
      hostile.refused({
         { TLS, "attributes", LIMIT - 1000, "too many attributes" },
         { TLS, "attributes_of_many", LIMIT - 10000, "too many elements or attributes" },
         { TLS, "namespaces", LIMIT - 100000, "too many namespaces" },
         { TLS, "elements", LIMIT - 1000, "too many elements" },
         { TLS, "depth", LIMIT - 1000, "nested too deeply" },
         { TLS, "entities", 2 ^ 21, "document type" },
         { TLS, "comment", LIMIT - 2000, "too long" },
         { TLS, "section", LIMIT - 2000, "too long" },
         { TLS, "instruction", LIMIT - 2000, "too long" },
         { TLS, "fault", LIMIT - 1000, "too many elements" },
         { TLS, "trailers", 2 ^ 26, "headers" },
         { TLS, "extensions", 2 ^ 40, "longer than 8000000 bytes" },
         { LIST, "ids", LIMIT - 2000, "" },
      }, WHOLE)
   end)

   it("an answer as long as it may be is used, and takes no more than four times as much", function()
      for i, case in ipairs{
         { TLS, "names", LIMIT - 10000 }, { TLS, "references", LIMIT - 10000 }, { PICTURE, "picture", LIMIT - 10000 },
         { STRINGS, "strings", LIMIT - 10000 }, { TLS, "text", 5000000 }, { LIST, "sessions", 5000 },
      } do
         local said = hostile.ask({ case })[1]
         assert.same({ case[2], "fine", i == 6 and 5000 or 0 }, { case[2], said.how, said.count }, said.message)
         hostile.check_memory(case[2], said.memory, WHOLE)
         hostile.stop()
      end
   end)

   it("what comes slowly ends by the timeout", function()
      for i, said in ipairs(hostile.ask({
         { PLAIN, "trickle", 10000 }, { PLAIN, "trickle_headers", 10000 },
         { TLS, "trickle", 10000 }, { TLS, "trickle_headers", 10000 },
      }, 1)) do
         assert.equal("TIMEOUT", said.how, i .. said.message)
         assert(said.took < 15, i .. " took " .. said.took)
         hostile.check_memory(i, said.memory, 6)
      end
   end)
end)
