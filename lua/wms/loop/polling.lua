-- SPDX-License-Identifier: MIT
--- The helper for programs whose loop polls descriptors: what those of luv, cqueues, GLib and so on have in common.
--
-- `polling.new(program)` makes one of what the program brings, a table with
--
--    poll(turn, fd, place)    begins to call `turn` whenever the descriptor is readable; returns a handle
--    ignore(handle)           ends that
--    waiter()                 of the coroutine that calls it: a function that waits, and one that makes that return, called
--                             once, before or meanwhile; raises an error where there is no coroutine that can wait
--    place()                  the loop that the caller is in, for programs that have several; nil: there is one
--    at_exit(stop)            optional: lets `stop` be called when the program ends
local Watch = require "wms.loop.watch"
local waiting = require "wms.loop.waiting"
local wms = require "wms"

local polling = {}

local driver = waiting.driver

----------------------------------------------------------------------------------------------------------- who waits

--- The `waiter` of programs whose coroutines are Lua's own, resumed by whatever they wait for.
function polling.waiter()
   local running, main = coroutine.running()
   if not running or main then
      error("wms.loop: call it in a coroutine, or use start (for a watch, on_event)", 3)
   end
   local told, parked = false, false
   return function()
      parked = true
      while not told do -- whoever else resumes it is in error; it waits on
         coroutine.yield()
      end
   end, function()
      told = true
      if parked and coroutine.status(running) == "suspended" then
         local fine, failure = coroutine.resume(running)
         if not fine then
            error(failure, 0)
         end
      end
   end
end

--- Counts who waits in each of the program's loops: the descriptor is polled there as long as somebody does.
local function counter(program)
   local places = setmetatable({}, { __mode = "k" })
   local count = {}

   local function poll(here, key)
      local fd, message, err = driver:pollfd()
      if not fd then
         return nil, message, err
      elseif fd ~= here.fd then -- the first one who waits; or the process has forked
         if here.fd then
            program.ignore(here.handle)
         end
         here.fd, here.handle = fd, program.poll(function() assert(waiting.turn()) end, fd, key)
      end
      return true
   end

   --- One more: returns what `count.down` takes, or `nil, message, err`: there is no descriptor left.
   function count.up()
      local key = program.place and program.place() or program
      local here = places[key] or { count = 0 }
      places[key] = here
      local polled, message, err = poll(here, key)
      if not polled then
         return nil, message, err
      end
      here.count = here.count + 1
      return here
   end

   function count.down(here)
      here.count = here.count - 1
      if here.count == 0 and here.fd then
         local handle = here.handle
         here.fd, here.handle = nil, nil
         program.ignore(handle)
      end
   end

   return count
end

-------------------------------------------------------------------------------------------------------------- watches

local function take(watch)
   return watch:next(0)
end

--- How the coroutines wait for a watch's next event: a table for Watch.new, and a function that lets all of them go on.
local function parking(waiter)
   local waiters = {}

   local function poke()
      local list = waiters
      waiters = {}
      for _, go_on in ipairs(list) do
         go_on()
      end
   end

   local function await(_, ends)
      local wait, go_on = waiter()
      local timer, told
      local function once()
         if not told then
            told = true
            if timer then
               timer:set(nil)
            end
            go_on()
         end
      end
      waiters[#waiters + 1] = once
      if ends then
         timer = waiting.timer(once)
         timer:set(math.max(0, ends - driver:clock()))
      end
      wait()
   end

   return { take = take, await = await }, poke
end

---------------------------------------------------------------------------------------------------------- the helper

function polling.new(program)
   local loop = {}
   local count = counter(program)
   local ends = {} -- what is under way -> the function that ends it
   local pending = 0

   local function enter(one, stop)
      ends[one], pending = stop, pending + 1
   end

   local function leave(one)
      if one and ends[one] then
         ends[one], pending = nil, pending - 1
      end
   end

   if program.at_exit then
      program.at_exit(function() loop.stop() end)
   end

   --- Raises an error where there is no loop.
   local function check_place()
      if program.place then
         program.place()
      end
   end

   --- Waits for a request: `resume(request, failure)` is called once.  `nil, message, err`: no descriptor is left.
   local function add(request, resume)
      local here, message, err = count.up()
      if not here then
         request:close()
         err.outcomes = {} -- as every error of a command has
         return nil, message, err
      end
      enter(request, waiting.cancel)
      waiting.add(request, function(_, failure)
         leave(request)
         count.down(here)
         resume(request, failure)
      end)
      return true
   end

   --- Starts a command, or a function of wms.multipoint ("multipoint.stations"), and returns its request at once, or `nil,
   --- message, err`.  `on_done` is called once, by the loop, or from here when the command is done already, with what the
   --- blocking function would have returned, and the request is closed then (before that, `request:cancel()` ends it).  An
   --- error that a callback of the command raised is passed on by `on_done` being called with `nil, message`.
   function loop.start(command, options, on_done)
      waiting.check_function("start", 3, "on_done", on_done)
      check_place()
      local request, message, err = waiting.start(command, options)
      if not request then
         return nil, message, err
      end
      local added
      added, message, err = add(request, function(_, failure)
         if failure then
            request:close()
            return on_done(nil, tostring(failure[1]))
         end
         return on_done(waiting.finish(request))
      end)
      if not added then
         return nil, message, err
      end
      return request
   end

   local function finish(request, wait, go_on)
      local raised
      local added, message, err = add(request, function(_, failure)
         raised = failure
         go_on()
      end)
      if not added then
         return nil, message, err
      end
      wait()
      return waiting.finish(request, raised)
   end

   --- Waits in a coroutine until the request is done, closes it, and returns what its blocking function would have
   --- returned; raises what a callback of its has raised.
   function loop.wait(request)
      waiting.check_request("wait", request)
      return finish(request, program.waiter())
   end

   --- Carries out a command in a coroutine: `loop.call("unlock", { session_ids = 3, server = "lab01" })` returns what
   --- `wms.unlock` would, while the loop runs.
   function loop.call(command, options)
      local wait, go_on = program.waiter()
      local request, message, err = waiting.start(command, options)
      if not request then
         return nil, message, err
      end
      return finish(request, wait, go_on)
   end

   --- Watches servers, as `wms.watch` does.  The loop calls `on_event`, an error of which ends the watch and is raised in
   --- the loop; without it, `next` and `each` of what this returns wait in a coroutine.  `nil, message, err`: as
   --- `wms.watch`.
   function loop.watch(options)
      check_place()
      local watched, message, err = waiting.checked(2, wms.watch, options)
      if not watched then
         return nil, message, err
      end
      local here
      here, message, err = count.up()
      if not here then
         watched:close()
         return nil, message, err
      end
      local way, poke = parking(program.waiter)
      local watch = Watch.new(watched, way)
      enter(watch, watch.close)
      way.stop = waiting.watch(watched, function(failure)
         leave(watch)
         count.down(here)
         poke()
         if failure then
            error(failure[1], 0)
         end
      end, poke)
      return watch
   end

   --- Keeps rooms: `wms.keep`, whose `on_report` the loop calls.  Returns the keeper, or `nil, message, err`.  `on_done`,
   --- if it is given, is called with its result when it is over.
   function loop.keep(options, on_done)
      waiting.check_function("keep", 2, "on_done", on_done, true)
      local here, message, err = count.up()
      if not here then
         return nil, message, err
      end
      local over, keeper = false, nil
      local function ended(...)
         over = true
         count.down(here)
         leave(keeper)
         if on_done then
            on_done(...)
         end
      end
      local fine, result
      fine, result, message, err = pcall(waiting.keep, options, ended)
      keeper = fine and result or nil
      if keeper and not over then
         enter(keeper, keeper.close)
      elseif not over then
         count.down(here)
      end
      if not fine then
         waiting.raise(result, 2)
      end
      return keeper, message, err
   end

   --- How many commands, watches and keepers of this helper are not done yet.
   function loop.pending()
      return pending
   end

   --- Ends all of them, as the program does that is about to end: commands return at once (`CANCELLED`), watches and
   --- keepers are closed.  Then the first error that one of their functions has raised is raised.
   function loop.stop()
      local list, raised = {}, nil
      for one, stop in pairs(ends) do
         list[#list + 1] = { one, stop }
      end
      for _, entry in ipairs(list) do
         if ends[entry[1]] then -- else one before it has ended it
            local fine, failure = pcall(entry[2], entry[1])
            raised = raised or not fine and { failure }
         end
      end
      if raised then
         error(raised[1], 0)
      end
   end

   return loop
end

return polling
