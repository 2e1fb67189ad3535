--- MultiPoint hosts: the contract, and what such hosts have beyond it.
local contract = require "spec.contract"
local kit = require "spec.support.kit"
local multipoint = require "spec.support.multipoint"

describe("multipoint", function()
   teardown(multipoint.down)
   contract(multipoint, function(why) pending(why) end)
end)
