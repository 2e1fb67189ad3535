-- SPDX-License-Identifier: MIT
--- wms inside of a loop of the program's own, or of none: any number of commands with one descriptor.
--
--    local loop = require "wms.loop.poll"
--    loop.start("unlock_all", "lab01", function(outcomes, message, err) … end)
--    while loop.pending() > 0 do                 -- beside the program's own descriptors:
--       wait_until_readable(loop.pollfd())       -- any poll(), select(), epoll
--       assert(loop.turn())
--    end
--
-- A script that has no loop calls `loop.run()` instead.  Callbacks run, and coroutines go on, inside of `turn`, `wait` and
-- `run`.
local polling = require "wms.loop.polling"
local waiting = require "wms.loop.waiting"

local loop = polling.new{
   waiter = polling.waiter,
   poll = function() end, -- the program does
   ignore = function() end,
}

--- The descriptor that is readable when `turn` has something to do; the same until the process forks.  `nil, message, err`:
--- there is no descriptor left.
function loop.pollfd()
   return waiting.driver:pollfd()
end

--- Does what can be done without waiting; returns true, or `nil, message, err`.
function loop.turn()
   return waiting.turn()
end

local wait_for_request = loop.wait

--- Waits until something has happened, at most so many seconds, and does what can be done then; without them there is no
--- limit.  Returns true, or `nil, message, err`: it could not wait.  Of a request: as in the other helpers.
function loop.wait(seconds)
   if seconds == nil or type(seconds) == "number" then
      return waiting.wait(seconds)
   end
   return wait_for_request(seconds)
end

--- Waits until all that was started here is done.  Returns true, or `nil, message, err`: it could not wait.
function loop.run()
   while loop.pending() > 0 do
      local waited, message, err = waiting.wait()
      if not waited then
         return nil, message, err
      end
   end
   return true
end

return loop
