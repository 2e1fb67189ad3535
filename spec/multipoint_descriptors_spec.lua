-- SPDX-License-Identifier: MIT
--- Connections to MultiPoint hosts where descriptors run out, and addresses that no such host has.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms

bound.describe("MultiPoint hosts #once", pending, function()
   it("are not reached while nothing can watch the connection, and are when something can", function()
      local warm, host = bound.stranger(), bound.stranger()
      local _, environment = bound.folder()
      assert.same({ "", 0 }, { bound.script(warm, "assert(bind())", environment) })
      assert.same({ "", 0 }, { bound.script(host, "assert(bind())", environment) })
      host:reset()
      host:session{ id = 3, flags = 44 }
      local said, code = bound.script(host, ([[
         assert(wms.unlock{ server = %q, session_ids = 3 }) -- there is a loop, and what a transport needs
         local seen, tries = {}, 0
         for free = 0, 12 do
            local files = {}
            for file in function() return (io.open("/dev/null")) end do files[#files + 1] = file end
            for i = 1, free do files[i]:close() end
            local list, message, err = wms.unlock{ server = host.server, session_ids = 3, timeout = 20 }
            for i = free + 1, #files do files[i]:close() end
            tries = tries + 1
            if list then
               break
            end
            assert(err.code == "INTERNAL" and err.outcomes[1].state == "failed", message)
            seen[#seen + 1] = message
         end
         assert(#seen >= 2, "it was never short of one only") -- none for the socket; none to watch it with
         assert(tries < 13, "it never went well: " .. tostring(seen[#seen]))
         io.write("fine")]]):format(warm.server), "ulimit -n 64; " .. environment)
      assert.same({ "fine", 0 }, { said, code })
      assert.equal(1, host:counts().StopLockingSession)
   end)

   it("that take no connection leave no descriptor", function()
      local socket = require "socket"
      local host, warm = bound.host(), bound.host()
      host:down()
      local listener = assert(socket.bind("127.0.0.1", host.https, 0)) -- whose queue is full from here on
      local waiting = {}
      for i = 1, 4 do
         waiting[i] = socket.tcp()
         waiting[i]:settimeout(0)
         waiting[i]:connect("127.0.0.1", host.https)
      end
      local function try()
         local err = kit.fault(wms.unlock{ server = host.server, session_ids = 3, timeout = 0.1 })
         assert.is_true(err.code == "TIMEOUT" or err.code == "UNREACHABLE", err.message)
         kit.fine(wms.unlock{ server = warm.server, session_ids = 3 })
      end
      local function descriptors()
         local _, count = process.run("ls /proc/$PPID/fd"):gsub("%d+", "")
         return count
      end
      try()
      local before = descriptors()
      for _ = 1, 5 do
         try()
      end
      assert.is_true(descriptors() <= before + 1) -- it was one more each time
      for _, one in ipairs(waiting) do
         one:close()
      end
      listener:close()
   end)

   it("have no users and no paths in their addresses", function()
      for _, server in ipairs{ "multipoint://admin@127.0.0.1", "admin@127.0.0.1", "multipoint://127.0.0.1/lab" } do
         for _, result in ipairs{ { wms.sessions(server) }, { wms.unlock{ server = server, session_ids = 3 } } } do
            local err = kit.fault(result[1], result[2], result[3])
            assert.equal("UNREACHABLE", err.code)
            assert.truthy(err.message:find("a MultiPoint Server has a name and perhaps a port; give ", 1, true),
               err.message)
         end
      end
   end)
end)
