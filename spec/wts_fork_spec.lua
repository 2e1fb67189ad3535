-- SPDX-License-Identifier: MIT
--- After a fork, with calls of the Windows session API under way: the parent's are the parent's, the child makes its own.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wts = require "spec.support.wts"

local build = os.getenv("WMS_BUILD") or "build"

-- A call that hangs until the parent lets it go on, and one that waits for events.
local BEGIN = [[
   assert(#assert(wms.sessions("wts://fine")) == 6)
   local seen = assert(wms.watch("wts://watch-tells"))
   assert(seen:next(20).kind == "ready")
   local hung = wms.start("close", { server = "wts://hang-act", session_ids = 1, timeout = 30 })
   hung:pollfd()
   repeat
      hung:wait(0.01)
      local file = io.open(os.getenv("ODD_LOG"))
      local text = file and file:read("*a") or ""
      if file then file:close() end
   until text:find("hangs")

   local function child(run)
      local pid = fork()
      if pid == 0 then
         local ok, message = pcall(run)
         if not ok then
            io.stderr:write(tostring(message), "\n")
         end
         os.exit(ok and 0 or 1)
      end
      return pid
   end
]]

local END = [[
   local pipe = io.open(os.getenv("ODD_RELEASE"), "w")
   pipe:write("x")
   pipe:close()
   assert(hung:wait(20))
   assert(assert(hung:result())[1].state == "requested")
   assert(#assert(wms.sessions("wts://fine")) == 6)
   assert(wms.close{ session_ids = 2, server = "wts://watch-tells" })
   assert(seen:next(20).kind == "closed")
   seen:close()
   io.write("fine")
]]

local CHILDREN = {
   ["exits"] = "os.exit(0)",
   ["dies"] = "die()",
   ["closes its state"] = "os.exit(0, true)",
   ["closes its state without a descriptor left"] = 'os.execute("prlimit --pid $PPID --nofile=3") os.exit(0, true)',
   ["collects its garbage"] = "hung = nil collectgarbage() collectgarbage() die()",
   ["asks"] = [[
      local list, _, err = hung:result()
      assert(list == nil and err.code == "FORKED")
      die()]],
   ["closes the watch"] = [[
      local event, _, err = seen:next(0)
      assert(event == nil and err.code == "FORKED")
      seen:close()
      os.exit(0, true)]],
   ["watches by itself"] = [[
      local own = assert(wms.watch("wts://watch-tells"))
      assert(own:next(20).kind == "ready")
      assert(wms.close{ session_ids = 1, server = "wts://watch-tells" })
      assert(own:next(20).kind == "closed")
      own:close()
      os.exit(0, true)]],
   ["closes the request"] = "hung:cancel() hung:close() os.exit(0, true)",
   ["works by itself"] = [[
      assert(#assert(wms.sessions("wts://fine")) == 6)
      assert(wms.disconnect{ session_ids = 2, server = "wts://fine" })
      os.exit(0, true)]],
   ["works by itself, with its parent's request"] = [[
      assert(assert(wms.disconnect{ session_ids = { 1, 2 }, server = "wts://other" })[2].state == "requested")
      die()]],
   ["forks"] = [[
      assert(#assert(wms.sessions("wts://fine")) == 6)
      assert(wait(child(function()
         assert(#assert(wms.sessions("wts://fine")) == 6)
         os.exit(0, true)
      end)) == 0)
      assert(#assert(wms.sessions("wts://fine")) == 6)
      os.exit(0, true)]],
}

describe("after a fork, with the Windows session API #once", function()
   local folder

   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
   end)

   teardown(function()
      process.run("rm -r " .. folder)
   end)

   before_each(function()
      process.run(("rm -f %s/*; mkfifo %s/fifo"):format(folder, folder))
   end)

   local function script(text)
      -- A child has threads of its parent's no more, which puzzles the sanitizer's search for leaks.
      return process.run(("ASAN_OPTIONS=detect_leaks=0 WTSAPI_LIBRARY=%s/spec/wtsapi/odd.so ODD_LOG=%s/log "
         .. "ODD_RELEASE=%s/fifo LUA_CPATH=%s timeout 100 %s lua - <<'END'\n%s\nEND"):format(build, folder, folder,
         process.quote(build .. "/5.4/?.so"), process.program("fork"), text))
   end

   local test = kit.needing(function(why) pending(why) end, wts.missing)

   for what, text in pairs(CHILDREN) do
      test("the parent is undisturbed by a child that " .. what, function()
         local in_child = ("assert(wait(child(function() %s end)) == 0)\n"):format(text)
         assert.same({ "fine", 0 }, { script(BEGIN .. in_child .. END) })
      end)
   end
end)
