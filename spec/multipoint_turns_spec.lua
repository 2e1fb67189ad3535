-- SPDX-License-Identifier: MIT
--- How often the loop turns while many hosts send long answers at the same time.
local bound = require "spec.support.bound"
local process = require "spec.support.process"

local HOSTS, SESSIONS = 60, 250

--- Binds to the hosts, and calls the same operation of all of them.
local SCRIPT = [[
   local servers, fingerprints = {}, {}
   for server, fingerprint in ("%s"):gmatch("(%%S+) (%%S+)") do
      servers[#servers + 1], fingerprints[server] = server, fingerprint
   end
   assert(wms.bind{
      servers = servers, user_name = host.admin, password = host.password, fingerprints = fingerprints,
   })
   print("bound")
   io.stdout:flush()
   local outcomes, message = wms.call{
      servers = servers, interface = "IMultiPointServer", operation = "GetAllSessions", concurrency = #servers,
   }
   print(outcomes and #outcomes .. " answered" or message)
]]

bound.describe("turns of the loop #once", pending, function()
   it("are not taken in vain while many hosts send long answers", function()
      local hosts, pairs_of = bound.hosts(HOSTS), {}
      for i, host in ipairs(hosts) do
         host:fill(1, SESSIONS, {})
         host:on("GetAllSessions", { never = true }) -- until all have been asked
         pairs_of[i] = host.server .. " " .. host.fingerprint
      end
      local _, environment = bound.folder()
      local pipe = bound.popen(hosts[1], SCRIPT:format(table.concat(pairs_of, " ")),
         ("%s ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 LD_PRELOAD=%s"):format(environment,
            process.program("preload_parser.so")))
      assert.equal("bound", pipe:read("*l"))
      for _, host in ipairs(hosts) do
         host:wait("GetAllSessions", 1)
      end
      for _, host in ipairs(hosts) do
         host:clear()
      end
      local said = pipe:read("*a")
      pipe:close()
      assert.truthy(said:find(HOSTS .. " answered", 1, true), said)
      local turns = tonumber(said:match("(%d+) turns"))
      assert(turns < 30 * HOSTS, said) -- some 30; it was thousands
   end)
end)
