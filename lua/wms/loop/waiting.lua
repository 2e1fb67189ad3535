-- SPDX-License-Identifier: MIT
--- Which requests are waited for, and by whom: what the loop helpers have in common.
--
-- All helpers of a Lua state share one driver, since the engine tells of each request's news once: whichever loop turns it
-- resumes whoever waits, in any loop.
local wms = require "wms"

local waiting = {}

local driver = wms.driver()
local resumes = {} -- request -> the function that is called when the request is done
local pokes = {} -- watch -> the function that is called when it has something to tell
local stir -- a timer that makes the descriptor readable

waiting.driver = driver

--- Runs the callbacks that are due and, when the request is done, resumes who waits for it.  An error of a callback has
--- cancelled the request, and belongs to whoever waits for its result.
local function step(request)
   local resume = resumes[request]
   local fine, done = pcall(request.step, request)
   if resume and (not fine or done) and resumes[request] == resume then
      resumes[request], pokes[request] = nil, nil
      driver:forget(request)
      resume(request, not fine and { done } or nil)
   elseif pokes[request] then
      pokes[request]()
   end
end

--- Begins a command: one of wms.start, or "multipoint.stations" and so on, a function of wms.multipoint.  To be called by
--- the helper's function itself: misuse is raised for whoever has called that.
function waiting.start(command, options)
   local name = type(command) == "string" and command:match("^multipoint%.([%w_]+)$")
   local request, message, err
   if name then
      local multipoint = require "wms.multipoint" -- which is made of this module
      request, message, err = waiting.checked(3, multipoint.start, name, options)
   else
      request, message, err = waiting.checked(3, wms.start, command, options)
   end
   return request, message, err
end

--- Takes all news.  What cannot be taken now is taken by the next turn.
local function take_news()
   local fine, failure = pcall(function()
      for request in driver.news, driver do
         step(request)
      end
   end)
   if not fine then
      stir:set(0)
      error(failure, 0)
   end
end

--- Begins to wait: `resume(request, failure)` is called once, from here or from `turn`, when the request is done;
--- `failure` is nil, or holds the error that one of its callbacks raised.
function waiting.add(request, resume)
   if type(request) == "table" then -- one of wms.multipoint, which waits for its own
      return request:on_done(resume)
   end
   driver:watch(request)
   resumes[request] = resume
   step(request)
end

--- Ends a request now: whoever waits for it has its result when this returns, or is told that somebody has closed it.
function waiting.cancel(request)
   pcall(request.cancel, request)
   if resumes[request] then
      step(request)
   end
end

--- Waits no longer for a request.
function waiting.forget(request)
   if type(request) == "table" then
      request:forget()
   elseif resumes[request] then
      resumes[request], pokes[request] = nil, nil
      driver:forget(request)
   end
end

--- Waits no longer for a request, and closes it.
function waiting.drop(request)
   waiting.forget(request)
   request:close()
end

----------------------------------------------------------------------------------------------------------------- misuse

--- Raises it again: misuse at that level, for whoever has called the helper, all else as it is.
function waiting.raise(failure, level)
   local misuse = type(failure) == "string" and failure:match("bad argument #%d+ to '[%w_]+' %(.*%)$")
   error(misuse or failure, misuse and level + 1 or 0)
end

--- Calls a function that returns something, or `nil, message, err`, and raises its misuse at that level.
function waiting.checked(level, fun, ...)
   local fine, result, message, err = pcall(fun, ...)
   if not fine then
      waiting.raise(result, level + 1)
   end
   return result, message, err
end

--- Raises misuse of the helper's function `name`, unless its argument at that position is a function (`optional`: or nil).
function waiting.check_function(name, position, argument, value, optional)
   if type(value) ~= "function" and not (optional and value == nil) then
      error(("bad argument #%d to '%s' (%s: a %s; give a function)"):format(position, name, argument, type(value)), 3)
   end
end

local function is_waited_for(request)
   return resumes[request] ~= nil or type(request) == "table" and #request.waiters > 0
end

--- Likewise a request that is not closed, and that nobody waits for.
function waiting.check_request(name, value)
   local fine, failure = pcall(function() return value:done() end)
   if not fine then
      local closed = tostring(failure):find("is closed", 1, true)
      error(("bad argument #1 to '%s' (%s; give a request, as wms.start returns it)"):format(name,
         closed and "the request is closed" or "a " .. type(value)), 3)
   elseif is_waited_for(value) then
      error(("bad argument #1 to '%s' (the request is waited for already; give one of wms.start)"):format(name), 3)
   end
end

----------------------------------------------------------------------------------------------------------------- timers

local timers = {} -- a set of { at =, fire = }
local armed -- the time that the alarm is set for; nil: unknown

--- When the next timer is due; nil: there is none.
local function next_at()
   local first
   for timer in pairs(timers) do
      if not first or timer.at < first then
         first = timer.at
      end
   end
   return first
end

local function seconds_until(at)
   return at and math.max(0, at - driver:clock())
end

--- Tells the driver's descriptor of the next timer.  When that fails there is no descriptor, and nobody polls it.
local function set_alarm()
   local at = next_at()
   if armed ~= (at or false) then
      armed = nil
      if driver:alarm(seconds_until(at)) then
         armed = at or false
      end
   end
end

local function run_timers()
   if not next(timers) then
      return
   end
   local now, due = driver:clock(), {}
   for timer in pairs(timers) do
      if timer.at <= now then
         due[#due + 1] = timer
      end
   end
   armed = nil -- it may have fired, and repeats until it is set
   for _, timer in ipairs(due) do
      if timers[timer] and timer.at <= now then -- else one before it has switched it off, or run it
         timers[timer] = nil
         local fine, failure = pcall(timer.fire)
         if not fine then -- the others are still due
            armed = nil
            set_alarm()
            error(failure, 0)
         end
      end
   end
   armed = nil
   set_alarm()
   if #due > 0 then
      take_news() -- of what the functions have done: the descriptor does not tell of that
   end
end

--- A timer: `timer:set(seconds)` lets `fire` be called once, by whichever loop turns, after so many seconds; nil: never.
function waiting.timer(fire)
   local timer = { fire = fire }
   function timer:set(seconds) -- luacheck: ignore 212/self
      timer.at = seconds and (seconds > 0 and driver:clock() + seconds or 0) -- 0: by the next turn
      timers[timer] = seconds and true or nil
      set_alarm()
   end
   return timer
end

stir = waiting.timer(function() end)

------------------------------------------------------------------------------------------------------------------ turns

--- Does what can be done without waiting, for every request that is waited for.  `nil, message, err`: see wms.driver.
function waiting.turn()
   local stepped, message, err = driver:step()
   if not stepped then
      return nil, message, err
   end
   take_news()
   run_timers()
   return true
end

--- The same after having waited for news, at most so many seconds.
function waiting.wait(seconds)
   local due = seconds_until(next_at())
   if due and (not seconds or due < seconds) then
      seconds = due
   end
   local news, message, err = driver:wait(seconds)
   if news == nil then
      return nil, message, err
   end
   take_news()
   run_timers()
   return true
end

---------------------------------------------------------------------------------------------------------------- watches

--- Takes a watch over: its `on_event` is called by whichever loop turns.  Returns a function that ends it.
--- `ended(failure)` is called once, when the watch ends; `failure` is nil, or holds the error that on_event (or where, or
--- except) raised.  `poke()`, if it is given, is called whenever there may be events to read.
function waiting.watch(watch, ended, poke)
   local open = true
   local function stop(failure)
      if open then
         open = false
         resumes[watch], pokes[watch] = nil, nil
         if not watch:done() then
            driver:forget(watch)
            watch:close()
         end
         ended(failure)
      end
   end
   driver:watch(watch)
   resumes[watch], pokes[watch] = function(_, failure) stop(failure) end, poke
   waiting.timer(function() -- on_event must not be called before whoever has made the watch has it
      if open then
         step(watch)
      end
   end):set(0)
   return function() stop() end
end

local function close_and_return(request, ...)
   request:close()
   return ...
end

--- Begins to keep rooms, as wms.keep does, by whichever loop turns.  `ended` is called once, when the keeper is over, with
--- its result.
function waiting.keep(options, ended)
   local keep = require "wms.keep" -- which is made of this module
   local keeper, message, err = keep(options)
   if keeper then
      keeper.on_end[#keeper.on_end + 1] = function()
         ended(keeper:result())
      end
   end
   return keeper, message, err
end

--- What the blocking function would have returned, or raised; the request is closed.
function waiting.finish(request, failure)
   if failure then
      request:close()
      error(failure[1], 0)
   end
   return close_and_return(request, request:result())
end

return waiting
