-- SPDX-License-Identifier: MIT
--- The unit tests in C: each part of the core by itself.
local process = require "spec.support.process"

-- What was built is what there is: a program without a source may lie there from before.
local function names()
   local list = {}
   for name in process.run("ls spec/unit/*.c"):gmatch("([%w_]+)%.c\n?") do
      list[#list + 1] = name
   end
   return list
end

describe("a part of the core #once", function()
   it("has a unit test", function()
      assert.truthy(#names() > 0)
   end)

   for _, name in ipairs(names()) do
      it("is as its header says: " .. name, function()
         assert.same({ "", 0 }, { process.run("timeout 100 " .. process.program("unit/" .. name)) })
      end)
   end
end)
