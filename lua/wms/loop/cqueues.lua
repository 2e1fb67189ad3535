-- SPDX-License-Identifier: MIT
--- wms inside of cqueues: commands wait the loop's own way, any number of them with one descriptor a controller.
--
--    local loop = require "wms.loop.cqueues"
--    controller:wrap(function()
--       local outcomes = assert(loop.call("unlock_all", "lab01"))
--    end)
local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local wms = require "wms"
local waiting = require "wms.loop.waiting"

local loop = {}

local waiters = setmetatable({}, { __mode = "k" }) -- controller -> how many wait in it, and what tells that none does

--- A coroutine that turns the engine, for as long as anybody waits in its controller.
local function drive(controller, here)
   local polled = { events = "r", pollfd = assert(waiting.driver:pollfd()) }
   while here.count > 0 do
      cqueues.poll(polled, here.idle)
      if here.count > 0 then
         assert(waiting.turn())
      end
   end
   waiters[controller] = nil
   cqueues.cancel(polled.pollfd)
end

local function waiters_in(controller)
   local here = waiters[controller]
   if not here then
      here = { count = 0, idle = condition.new() }
      waiters[controller] = here
      controller:wrap(drive, controller, here)
   end
   return here
end

--- Waits until the request is done, closes it, and returns what its blocking function would have returned; raises what a
--- callback of its has raised.  To be called in a coroutine of cqueues.
function loop.wait(request)
   local controller = cqueues.running()
   if not controller then
      error("wms.loop.cqueues: call it in a coroutine of a cqueues controller", 2)
   end
   local told, done, failure = condition.new(), false, nil
   waiting.add(request, function(_, err)
      done, failure = true, err
      told:signal()
   end)
   if not done then
      local here = waiters_in(controller)
      here.count = here.count + 1
      while not done do
         told:wait()
      end
      here.count = here.count - 1
      if here.count == 0 then
         here.idle:signal()
      end
   end
   return waiting.finish(request, failure)
end

--- Watches servers: `wms.watch` with an `on_event`, which is called in a coroutine of the controller.  Returns a function
--- that ends the watch, or `nil, message, err`.  An error of `on_event` ends it, too, and is raised in the controller.  To
--- be called in a coroutine of cqueues.
function loop.watch(options)
   local controller = cqueues.running()
   if not controller then
      error("wms.loop.cqueues: call it in a coroutine of a cqueues controller", 2)
   end
   local watched, message, err = wms.watch(options)
   if not watched then
      return nil, message, err
   end
   local here
   local stop = waiting.watch(watched, function(failure)
      if here then
         here.count = here.count - 1
         if here.count == 0 then
            here.idle:signal()
         end
      end
      if failure then
         error(failure[1], 0)
      end
   end)
   here = waiters_in(controller)
   here.count = here.count + 1
   return stop
end

--- Keeps rooms: `wms.keep`, whose `on_report` is called in a coroutine of the controller.  Returns the keeper, or `nil,
--- message, err`.  `on_done`, if it is given, is called with its result when it is over.  To be called in a coroutine of
--- cqueues.
function loop.keep(options, on_done)
   local controller = cqueues.running()
   if not controller then
      error("wms.loop.cqueues: call it in a coroutine of a cqueues controller", 2)
   end
   local here
   local keeper, message, err = waiting.keep(options, function(...)
      here.count = here.count - 1
      if here.count == 0 then
         here.idle:signal()
      end
      if on_done then
         on_done(...)
      end
   end)
   if keeper then
      here = waiters_in(controller)
      here.count = here.count + 1
   end
   return keeper, message, err
end

--- Carries out a command of that name with those options: `loop.call("unlock", { session_ids = 3, server = "lab01" })`
--- returns what `wms.unlock` would, while other coroutines run.
function loop.call(command, options)
   return loop.wait(waiting.start(command, options))
end

return loop
