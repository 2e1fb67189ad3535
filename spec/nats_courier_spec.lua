-- SPDX-License-Identifier: MIT
--- A connection to real nats-servers, by itself: src/nats/courier.h.  spec/c/courier.c does it, and says what it looks at.
local files = require "wms.files"
local kit = require "spec.support.kit"
local nats = require "spec.support.nats"
local process = require "spec.support.process"

describe("a connection to NATS servers #once", function()
   local scenarios = {
      { "carries what is published, tells that nobody hears it, and refuses what servers do not take", "talk" },
      { "loses none of a hundred thousand messages, and keeps their order", "burst" },
      { "stops reading when the program does not look, and says so if the server loses patience", "asleep" },
      { "comes back with all subscriptions when its server is killed, or was never there", "restart" },
      { "does not block when the server stops reading, and refuses more than 64 MB", "stopped" },
      { "trusts no server of another name or authority, and waits for half a record without holding up others", "tls" },
      { "is not held up by a server that hangs, in TLS too, or is none", "hostile" },
      { "says who connects, what is wrong with the files for that, and what servers do not allow", "credentials" },
      { "is one of a thousand in a program, of which each takes little", "many" },
      { "belongs to the parent of a fork, and a child has its own", "forks" },
      { "may be freed at any time, also in its own events, and leaves nothing", "ends" },
      { "may be there when the program ends", "leaves" },
   }

   -- All at once: most of them wait.
   setup(function()
      if not nats.missing() then
         local lines = {}
         for _, scenario in ipairs(scenarios) do
            local folder = process.quote(nats.folder() .. "/" .. scenario[2])
            lines[#lines + 1] = ("mkdir %s; { timeout 240 %s %s %s >%s/output 2>&1; echo $? >%s/code; } &"):format(
               folder, process.program("courier"), folder, scenario[2], folder, folder)
         end
         process.run(table.concat(lines, "\n") .. "\nwait")
      end
   end)
   teardown(nats.down)

   for _, scenario in ipairs(scenarios) do
      local test = nats.missing() and pending or it
      test(scenario[1], function()
         local folder = nats.folder() .. "/" .. scenario[2]
         local output = files.read(folder .. "/output")
         assert.equal("0\n", files.read(folder .. "/code"), output)
         assert.truthy(output == "" or output:find("^%d+ kB a connection\n$"), output)
      end)
   end

   it("is configured by texts that say what they are", function()
      local misuse = {
         { "table", 3 },
         { "servers", {} }, { "servers", { servers = {} } }, { "servers", { servers = 3 } },
         { "servers", { servers = { {} } } },
         { "http://a", { servers = "http://a" } }, { "nats://", { servers = "nats://" } },
         { "nats://u:p@a", { servers = "nats://u:p@a" } }, { "user_name", { servers = "nats://u@a" } },
         { "70000", { servers = "nats://a:70000" } }, { "nats://[::1", { servers = "nats://[::1" } },
         { "nats://a/b", { servers = { "nats://a", "nats://a/b" } } },
         { "colour", { servers = "nats://a", colour = 1 } }, { "name", { servers = "nats://a", name = "a.b" } },
         { "name", { servers = "nats://a", name = ("a"):rep(65) } }, { "nkey", { servers = "nats://a", nkey = "" } },
         { "nkey", { servers = "nats://a", nkey = 3 } }, { "one", { servers = "nats://a", nkey = "a", credentials = "b" } },
         { "password_file", { servers = "nats://a", user_name = "b" } },
         { "user_name", { servers = "nats://a", password_file = "b" } },
         { "tls", { servers = "nats://a", tls = true } },
         { "certificate", { servers = "nats://a", tls = { cert = "b" } } },
         { "key", { servers = "nats://a", tls = { certificate = "b" } } },
         { "certificate", { servers = "nats://a", tls = { key = "b" } } },
         { "ca", { servers = "nats://a", tls = { ca = 1 } } },
      }
      for _, each in ipairs(misuse) do
         kit.misuse("configure", { "nats", each[1] }, function() kit.wms.configure{ nats = each[2] } end)
      end
      for _, right in ipairs{
         { servers = "nats://a" }, { servers = { "nats://a:1", "tls://[::1]:4222/", "nats://127.0.0.1:65535" } },
         { servers = "nats://a", name = "a-B_9", nkey = "b", tls = { ca = "c", certificate = "d", key = "e" } },
         { servers = "nats://a", user_name = "b", password_file = "c" }, { servers = "nats://a", credentials = "c" },
      } do
         kit.wms.configure{ nats = right }
      end
      kit.wms.configure{ nats = false }
   end)
end)
