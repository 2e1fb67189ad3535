-- SPDX-License-Identifier: MIT
--- The helper for programs that offer no descriptors, but a sleep that holds nobody else up: what those of nginx, HAProxy
--- and so on have in common.
--
-- `sleeping.new(program)` makes one of what the program brings, a table with
--
--    sleep(seconds)      returns after about so many seconds, while others run
--    spawn(body)         optional: lets `body` run in a coroutine of its own that may sleep; true, or nil and why it cannot
--    check()             optional: raises an error where the program cannot sleep
--    leaving()           optional: whether the program is about to end
--
-- Whoever waits looks again and again whether there is news.  A coroutine that the program has dropped leaves its request
-- to the collector, which cancels it: nothing here may keep one.
local Watch = require "wms.loop.watch"
local waiting = require "wms.loop.waiting"
local wms = require "wms"

local sleeping = {}

local driver = waiting.driver

---------------------------------------------------------------------------------------------------------------- pauses

local LOAD = 0.01 -- of a core: all looks together cost less
local SHORTEST = 0.001 -- seconds: programs' timers are no finer
local LONGEST = 0.1 -- seconds, of a pause that has grown, if the load allows it
local GROWTH = 20 -- a pause is that part of the time in which nothing has happened
local WAKING = 0.000015 -- seconds that the program takes to let a coroutine sleep and go on; a guess
local COSTLIEST = 0.00002 -- seconds: what takes longer has done some work, which is no waste, or run a callback

local cost = 0.00001 -- seconds that one look takes
local free = 0 -- the time from which on there may be another look

--- Learns what a look costs that finds nothing: soon when it is less than was thought, slowly when it is more, since others
--- have the processor meanwhile.
local function learn(seconds)
   if seconds < cost then
      cost = seconds
   else
      cost = cost + (math.min(seconds, COSTLIEST) - cost) / 100
   end
end

--- Seconds until whoever asks may look again; `since`: when something has happened last.  Those who wait at the same time
--- share the load, so that none looks more often than all may together.
local function pause(since)
   local now = driver:clock()
   free = math.max(free, now) + (cost + WAKING) / LOAD
   return math.max(SHORTEST, free - now, math.min(LONGEST, (now - since) / GROWTH))
end

--- `one:method(…)`, which does not wait, and what that costs.
local function look(one, method, ...)
   local before = driver:clock()
   local fine, value, message, err = pcall(one[method], one, ...)
   learn(driver:clock() - before)
   if not fine then
      return false, value
   end
   return true, value, message, err
end

---------------------------------------------------------------------------------------------------------- the helper

local function take(watch)
   local fine, event, message, err = look(watch, "next", 0)
   if not fine then
      error(event, 0)
   end
   return event, message, err
end

--- Whether it is done, or somebody has closed it.
local function is_over(one)
   local fine, over = pcall(one.done, one)
   return not fine or over
end

local function shutting_down(message)
   local err = { code = "CANCELLED", message = message, outcomes = {} }
   return nil, message, setmetatable(err, { __tostring = function() return message end })
end

function sleeping.new(program)
   local loop = {}
   local ends = setmetatable({}, { __mode = "k" }) -- what is under way -> the name of the method that ends it

   local function check()
      if program.check then
         program.check()
      end
   end

   local function is_leaving()
      return program.leaving and program.leaving()
   end

   --- Sleeps until a watch may have an event, or that time.  At the program's end the watch ends.
   local function await(watch, time_is_up, since)
      if is_leaving() then
         watch:close()
         return
      end
      check()
      local time = pause(since)
      program.sleep(time_is_up and math.max(SHORTEST, math.min(time_is_up - driver:clock(), time)) or time)
   end

   --- Steps it until it is done, and returns nothing; else what keeps it from going on: { raised = } by a callback of
   --- its, or { message =, err = }.  At the program's end it is ended by its method of the name `at_end`, if there is
   --- one.  What has been raised and has not ended it is another's, unless it is `fragile`, and is raised in a coroutine
   --- of its own.
   local function run(one, at_end, fragile)
      local since = driver:clock()
      while not is_over(one) do
         local fine, done, message, err = look(one, "step")
         if not fine then
            local raised = done
            if fragile or is_over(one) or not program.spawn or not program.spawn(function() error(raised, 0) end) then
               one:close()
               return { raised = raised }
            end
         elseif done == nil and message then
            one:close()
            return { message = message, err = err }
         end
         if not done and at_end and is_leaving() then
            one[at_end](one)
         elseif not done then
            program.sleep(pause(since))
         end
      end
      return nil
   end

   --- What `run` has returned, passed on.
   local function pass_on(failure)
      if failure.message then
         return nil, failure.message, failure.err
      end
      error(failure.raised, 0)
   end

   --- Lets `body` run beside all else.  `nil, message, err`: the program does not begin anything more.
   local function spawn(one, body)
      local spawned, why = program.spawn(body)
      if not spawned then
         one:close()
         return shutting_down("the program is shutting down" .. (why and ": " .. tostring(why) or ""))
      end
      return one
   end

   local function wait(request)
      ends[request] = "cancel"
      local failure = run(request)
      ends[request] = nil
      if failure then
         return pass_on(failure)
      end
      return waiting.finish(request)
   end

   --- Sleeps until the request is done, closes it, and returns what its blocking function would have returned; raises
   --- what a callback of its has raised.
   function loop.wait(request)
      waiting.check_request("wait", request)
      check()
      return wait(request)
   end

   --- Carries out a command: `loop.call("unlock", { session_ids = 3, server = "lab01" })` returns what `wms.unlock` would,
   --- while the program serves others.
   function loop.call(command, options)
      check()
      local request, message, err = waiting.start(command, options)
      if not request then
         return nil, message, err
      end
      return wait(request)
   end

   --- Watches servers, as `wms.watch` does: `next` and `each` of what this returns sleep until there is an event.  With
   --- `on_event`, that is called in a coroutine of its own; an error of it ends the watch, and is the program's then.
   --- `nil, message, err`: as `wms.watch`; `CANCELLED`: the program is about to end.
   function loop.watch(options)
      local told = type(options) == "table" and rawget(options, "on_event") ~= nil
      if told and not program.spawn then
         error("wms.loop: this program calls no on_event; leave it out, and call next", 2)
      end
      local watched, message, err = waiting.checked(2, wms.watch, options)
      if not watched then
         return nil, message, err
      end
      ends[watched] = "close"
      if told then
         local begun
         begun, message, err = spawn(watched, function()
            local failure = run(watched, "close", true)
            if failure then
               pass_on(failure)
            end
         end)
         if not begun then
            return nil, message, err
         end
      end
      return Watch.new(watched, { take = take, await = await, stop = function() watched:close() end })
   end

   --- Ends all that is under way, as the program does that is about to end: commands return soon (`CANCELLED`), watches and
   --- keepers are closed.
   function loop.stop()
      local list = {}
      for one, method in pairs(ends) do
         list[#list + 1] = { one, method }
      end
      for _, entry in ipairs(list) do
         pcall(entry[1][entry[2]], entry[1]) -- it raises an error when somebody has closed a request
      end
   end

   if not program.spawn then
      return loop
   end

   --- Starts a command, or a function of wms.multipoint ("multipoint.stations"), and returns its request at once, or
   --- `nil, message, err`.  `on_done` is called once, in a coroutine of its own, with what the blocking function would
   --- have returned, and the request is closed then (before that, `request:cancel()` ends it).  An error that a callback
   --- of the command raised is passed on by `on_done` being called with `nil, message`.
   function loop.start(command, options, on_done)
      waiting.check_function("start", 3, "on_done", on_done)
      local request, message, err = waiting.start(command, options)
      if not request then
         return nil, message, err
      end
      ends[request] = "cancel"
      return spawn(request, function()
         local failure = run(request)
         ends[request] = nil
         if failure then
            return on_done(nil, failure.message or tostring(failure.raised), failure.err)
         end
         return on_done(waiting.finish(request))
      end)
   end

   --- Keeps rooms: `wms.keep`, whose `on_report` is called in a coroutine of its own.  Returns the keeper, or `nil,
   --- message, err`.  `on_done`, if it is given, is called with its result when it is over.
   function loop.keep(options, on_done)
      waiting.check_function("keep", 2, "on_done", on_done, true)
      local keeper, message, err = waiting.checked(2, require "wms.keep", options)
      if not keeper then
         return nil, message, err
      end
      ends[keeper] = "close"
      return spawn(keeper, function()
         local failure = run(keeper, "close")
         ends[keeper] = nil
         if on_done and failure and failure.message then
            on_done(nil, failure.message, failure.err)
         elseif on_done then
            on_done(keeper:result())
         end
         if failure and failure.raised then
            error(failure.raised, 0)
         end
      end)
   end

   return loop
end

return sleeping
