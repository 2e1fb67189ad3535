-- SPDX-License-Identifier: MIT
--- Lua states in threads of one process; `make check-tsan` runs the same under the thread sanitizer.
local process = require "spec.support.process"

local build = os.getenv("WMS_BUILD") or "build"

describe("eight threads with a Lua state each #once", function()
   for what, folders in pairs{
      ["embedded hosts alone"] = "", ["providers that all of them load"] = (" %s/spec %s/5.4"):format(build, build),
   } do
      it("share nothing: " .. what, function()
         assert.same({ "fine\n", 0 }, { process.run("timeout 100 " .. process.program("threads") .. folders) })
      end)
   end
end)
