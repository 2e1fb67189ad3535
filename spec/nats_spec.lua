-- SPDX-License-Identifier: MIT
--- Hosts over NATS, by a real nats-server: the contract, on embedded hosts and on real Linux hosts.  Their agents run in a
-- process of their own.
local contract = require "spec.contract"
local logind = require "spec.support.logind"
local memory = require "spec.support.memory"
local room = require "spec.support.nats_room"

-- Whose session it is only a host knows that is asked on itself.
local embedded = room.over(memory, { own = false })
-- Whether the host had looked at a session before time was up, who asks may hear or not.
local linux = room.over(logind, { asks_first = "perhaps", host_decides = "pictures, but not ends" })

describe("embedded hosts over NATS #once", function()
   teardown(embedded.down)
   contract(embedded, function(why) pending(why) end)
end)

describe("Linux hosts over NATS #once", function()
   teardown(linux.down)
   contract(linux, function(why) pending(why) end)
end)
