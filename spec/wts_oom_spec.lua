-- SPDX-License-Identifier: MIT
--- Without memory for the Windows session API: the engine's allocations fail in turn, and those on its threads.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wts = require "spec.support.wts"

local build = os.getenv("WMS_BUILD") or "build"
local library = "WTSAPI_LIBRARY=" .. process.quote(build .. "/spec/wtsapi/odd.so")

describe("without memory, with the Windows session API #once", function()
   local folder

   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
   end)

   teardown(function()
      process.run("rm -r " .. folder)
   end)

   local test = kit.needing(function(why) pending(why) end, wts.missing)

   for name, on in pairs{ sessions = "fine", disconnect = "fine", verify = "fine", message = "fine",
      watch = "watch-tells" } do
      test(name .. " ends with an error, and leaves nothing behind", function()
         local command = ("%s LUA_CPATH=%s/5.4/?.so timeout 100 %s -s wts://%s spec/oom/wts/%s.lua"):format(library,
            build, process.program("oom"), on, name)
         local output, code = process.run(command)
         assert.equal(0, code, output)
         local engine, runs = output:match("(%d+) of the engine: +(%d+) runs")
         assert.truthy(tonumber(engine) > 10 and tonumber(runs) >= 2 * engine, output)
      end)

      test(name .. " ends with an error when a thread has none", function()
         if process.sanitized() then
            pending("the sanitizer has an allocator of its own")
         end
         local failed, runs = 0, 0
         repeat
            runs = runs + 1
            local told = folder .. "/told"
            os.remove(told)
            local script = ([[
               local wms = require "wms"
               local verb, list, message, err = assert(loadfile("spec/oom/wts/%s.lua"))(wms, "wts://%s")
               if verb and not list then
                  assert(err.code == "NO_MEMORY" or err.code == "UNVERIFIED" and message:find("memory"), message)
               end]]):format(name, on)
            local preload = ("LD_PRELOAD=%s/spec/preload_oom.so PRELOAD_OOM_OF=/wts.so PRELOAD_OOM_AT=%d"):format(build,
               runs)
            local output, code = process.script(script, ("%s PRELOAD_OOM_TOLD=%s %s"):format(preload, told, library))
            assert.equal(0, code, output)
            local file = io.open(told)
            failed = failed + (file and 1 or 0)
            if file then
               file:close()
            end
         until not file
         assert.equal(runs - 1, failed)
         assert.truthy(failed >= 3, failed)
      end)
   end
end)
