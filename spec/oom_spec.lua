-- SPDX-License-Identifier: MIT
--- Every allocation of ours fails in turn: see spec/c/oom.c, which says what must hold then, and the scripts in spec/oom.
local hosts = require "spec.host"
local process = require "spec.support.process"

local build = os.getenv("WMS_BUILD") or "build"

-- What every run is given: the providers whose hosts can be called, and whose library blocks.
local module = ("-m %s/spec/wms/caller.so -m %s/spec/wms/blocking.so"):format(build, build)

-- Those that run on hosts of another provider.
local SERVERS = { provider = "poor://good", errand = "envoy://crowd", inner = "butler://house" }

local function scripts()
   local list = {}
   for file in process.run("ls spec/oom/*.lua"):gmatch("[^\n]+") do
      list[#list + 1] = file
   end
   return list
end

describe("without memory #once", function()
   local folder

   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
   end)

   teardown(function()
      process.run("rm -r " .. folder)
   end)

   for _, file in ipairs(scripts()) do
      it(file:match("([^/]+)%.lua$") .. " ends with an error, and leaves nothing behind", function()
         local of_provider, of_engine = SERVERS[file:match("([^/]+)%.lua$")], file:find("keep", 1, true)
         local output, code = process.run(("XDG_CONFIG_HOME=%s LUA_PATH='./lua/?.lua;;' LUA_CPATH=%s/spec/?.so %s %s %s")
            :format(folder, build, process.program("oom"),
            of_provider and "-s " .. of_provider or of_engine and "-e" or module, file))
         assert.equal(0, code, output)
         -- At least as many runs as there are allocations: the sweep has taken place.
         local lua, engine, runs = output:match("(%d+) of Lua, +(%d+) of the engine: +(%d+) runs")
         assert.truthy(tonumber(runs) >= ((of_provider or of_engine) and 0 or 3 * lua) + 2 * engine, output)
         assert.truthy(tonumber(engine) > 0, output)
      end)
   end

   it("every function has its script", function()
      local text = process.run("cat spec/oom/*.lua"):gsub("%-%-[^\n]*", "")
      local wms = require "wms"
      for name, value in pairs(wms) do
         if type(value) == "function" then
            assert.truthy(text:find("%f[%w]wms%." .. name .. " ?[%({\"%[,)]"), name .. " is neither called nor passed on")
         end
      end
   end)
end)

describe("without memory, on a real host #once", function()
   local adapter = require "spec.support.logind"
   local mock = require "spec.support.mock"
   local up

   teardown(function()
      if up then
         adapter.down()
      end
   end)

   for _, name in ipairs{ "unlock", "sessions", "verify", "message", "saver", "watch" } do
      it(name .. " ends with an error, and leaves nothing behind", function()
         local ok, why = hosts.available()
         if not ok then
            pending("needs more rights: " .. why)
         elseif name == "saver" and mock.missing() then
            pending(mock.missing())
         end
         up = true
         local saver = name == "saver" or nil
         local session = { user = "alice", type = saver and "x11", deaf = saver } -- deaf: no hint, so the saver is asked
         local host = adapter.host{ sessions = { session } }
         local desk = saver and mock.desk_of(host.machine, "alice")
         finally(function()
            if desk then
               desk:close()
            end
            adapter.sweep()
         end)
         if desk then
            desk:run"saver('mate', True)\nshows()"
         end
         local hint = host.machine:enter("loginctl", "show-session", "-p", "LockedHint", "--value", tostring(host.ids[1]))
         local environment = ("WMS_SESSION=%s WMS_COUNT=%d WMS_HINT=%s LUA_CPATH=%s/5.4/?.so"):format(host.ids[1],
            #host.machine:sessions(), process.quote(hint), build)
         local output, code = process.run(("%s %s -s %s spec/oom/host/%s.lua"):format(environment, process.program("oom"),
            host.server, name))
         assert.equal(0, code, output)
         local engine, runs = output:match("(%d+) of the engine: +(%d+) runs")
         assert.truthy(tonumber(engine) > 10 and tonumber(runs) >= 2 * engine, output)
      end)
   end
end)
