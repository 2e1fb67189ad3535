-- SPDX-License-Identifier: MIT
--- After a fork, with connections to Veyon's gateway that are kept: the parent's are the parent's alone.
local process = require "spec.support.process"
local veyon = require "spec.support.veyon"

local build = os.getenv("WMS_BUILD") or "build"

local BEGIN = [==[
   local kept = {}
   wms.configure{ store = {
      load = function(name) return kept[name] end, save = function(name, text) kept[name] = text end,
      remove = function(name) kept[name] = nil end, list = function() return {} end,
   } }
   local server, gateway, key = os.getenv "WMS_HOST", os.getenv "WMS_GATEWAY", os.getenv "WMS_KEY"
   assert(wms.bind{ server = server, key_name = "lab", key_file = key, gateway = gateway })
   assert(#assert(wms.sessions(server)) == 1)
   local hung = wms.start("lock", { server = server, session_ids = 0, message = "m", verify = 60, stable = 60 })
   for _ = 1, 20 do hung:wait(0.02) end

   local function child(run)
      local pid = fork()
      if pid == 0 then
         local ok, message = pcall(run)
         if not ok then
            io.stderr:write(tostring(message), "\n")
         end
         os.exit(ok and 0 or 1, true)
      end
      assert(wait(pid) == 0)
   end
]==]

local END = [==[
   for _ = 1, 20 do hung:wait(0.02) end
   assert(not hung:done())
   hung:cancel()
   hung:close()
   assert(assert(wms.unlock{ server = server, session_ids = 0, verify = 30 })[1].state == "verified")
   io.write("fine")
]==]

local CHILDREN = {
   ["exits"] = "os.exit(0)",
   ["closes its state"] = "collectgarbage()",
   ["works on"] = [[
      local _, _, err = hung:result()
      assert(err.code == "FORKED")
      hung:close()
      assert(#assert(wms.sessions(server)) == 1)
      assert(assert(wms.lock{ server = server, session_ids = 0, message = "m" })[1].state == "requested")
   ]],
}

veyon.describe("a fork, with a Veyon host #once", pending, function()
   for what, code in pairs(CHILDREN) do
      it("leaves the parent's connections alone: the child " .. what, function()
         local host = veyon.stranger()
         local script = veyon.file("fork.lua", BEGIN .. "child(function() " .. code .. " end)\n" .. END)
         local output, status = process.run(("WMS_HOST=%s WMS_GATEWAY=%s WMS_KEY=%s LUA_CPATH='%s/5.4/?.so;;' "
            .. "timeout 100 %s lua %s"):format(host.server, host.gateway.url, veyon.key(), build, process.program("fork"),
            script))
         assert.same({ "fine", 0 }, { output, status })
      end)
   end
end)
