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
-- A script that has no loop calls `loop.run()` instead.
local wms = require "wms"
local waiting = require "wms.loop.waiting"

local loop = {}

local count = 0

--- Starts a command and returns its request at once.  `on_done` is called once, from `turn`, `wait` or `run`, or from
--- here when the command is done already, with what the blocking function would have returned, and the request is
--- closed then (before that, `request:cancel()` ends it).  An error that a callback of the command raised is passed on
--- by `on_done` being called with `nil, message`.
function loop.start(command, options, on_done)
   local request = waiting.start(command, options)
   count = count + 1
   waiting.add(request, function(_, failure)
      count = count - 1
      if failure then
         request:close()
         return on_done(nil, tostring(failure[1]))
      end
      return on_done(waiting.finish(request))
   end)
   return request
end

--- Watches servers: `wms.watch` with an `on_event`, which is called from `turn`, `wait` or `run`.  Returns a function that
--- ends the watch, or `nil, message, err`; until then it counts as pending.  An error of `on_event` ends it, too, and is
--- raised by whoever has called it.
function loop.watch(options)
   local watched, message, err = wms.watch(options)
   if not watched then
      return nil, message, err
   end
   count = count + 1
   return waiting.watch(watched, function(failure)
      count = count - 1
      if failure then
         error(failure[1], 0)
      end
   end)
end

--- Keeps rooms: `wms.keep`, whose `on_report` is called from `turn`, `wait` or `run`.  Returns the keeper, or `nil,
--- message, err`; until it is over it counts as pending.  `on_done`, if it is given, is called then with its result.
function loop.keep(options, on_done)
   local keeper, message, err = waiting.keep(options, function(...)
      count = count - 1
      if on_done then
         on_done(...)
      end
   end)
   if keeper then
      count = count + 1
   end
   return keeper, message, err
end

--- How many commands that were started here are not done yet.
function loop.pending()
   return count
end

--- The descriptor that is readable when `turn` has something to do; the same until the process forks.  `nil, message, err`:
--- there is no descriptor left.
function loop.pollfd()
   return waiting.driver:pollfd()
end

--- Does what can be done without waiting; returns true, or `nil, message, err`.
function loop.turn()
   return waiting.turn()
end

--- Waits until something has happened, at most so many seconds, and does what can be done then; without them there is no
--- limit.  Returns true, or `nil, message, err`: it could not wait.
function loop.wait(seconds)
   return waiting.wait(seconds)
end

--- Waits until all commands that were started here are done.  Returns true, or `nil, message, err`: it could not wait.
function loop.run()
   while count > 0 do
      local waited, message, err = waiting.wait()
      if not waited then
         return nil, message, err
      end
   end
   return true
end

return loop
