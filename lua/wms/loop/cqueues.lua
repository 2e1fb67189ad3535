-- SPDX-License-Identifier: MIT
--- wms inside of cqueues: commands wait the loop's own way, any number of them with one descriptor a controller.
--
--    local loop = require "wms.loop.cqueues"
--    controller:wrap(function()
--       local outcomes = assert(loop.call("unlock_all", "lab01"))
--    end)
--
-- Its functions are to be called in a coroutine of a controller.  Callbacks run in a coroutine of the same controller,
-- and must not wait: they wrap a function that does.  Their errors are raised in the controller.
local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local polling = require "wms.loop.polling"

local program = {}

function program.place()
   local controller = cqueues.running()
   if not controller then
      error("wms.loop.cqueues: call it in a coroutine of a cqueues controller", 0)
   end
   return controller
end

function program.waiter()
   program.place()
   local told, done = condition.new(), false
   return function()
      while not done do
         told:wait()
      end
   end, function()
      done = true
      told:signal()
   end
end

--- A coroutine that turns the engine for as long as anybody waits in its controller.  It ends with the error of a callback,
--- and leaves another one behind.
local function drive(controller, handle, turn)
   local polled = { events = "r", pollfd = handle.fd }
   while not handle.over do
      cqueues.poll(polled, handle.ended)
      if not handle.over then
         local fine, failure = pcall(turn)
         if not fine then
            controller:wrap(drive, controller, handle, turn)
            error(failure, 0)
         end
      end
   end
   cqueues.cancel(handle.fd)
end

function program.poll(turn, fd, controller)
   local handle = { fd = fd, ended = condition.new() }
   controller:wrap(drive, controller, handle, turn)
   return handle
end

function program.ignore(handle)
   handle.over = true
   handle.ended:signal()
end

return polling.new(program)
