-- SPDX-License-Identifier: MIT
--- Real hosts with Veyon do what every host does: the contract.  `make veyon` has it; `make test` does not, since it takes
--- some minutes.
local contract = require "spec.contract"
local lab = require "spec.support.veyon_lab"

if os.getenv "WMS_VEYON" == "all" then
   describe("real hosts with Veyon #once", function()
      teardown(lab.down)
      contract(lab, function(why) pending(why) end)
   end)
end
