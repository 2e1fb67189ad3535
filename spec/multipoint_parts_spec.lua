-- SPDX-License-Identifier: MIT
--- Parts of the MultiPoint provider by themselves: see spec/c/parts.c.
local process = require "spec.support.process"

describe("parts of the MultiPoint provider #once", function()
   it("do as their headers say", function()
      assert.same({ "", 0 }, { process.run(process.program("parts")) })
   end)
end)
