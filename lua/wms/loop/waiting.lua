-- SPDX-License-Identifier: MIT
--- Which requests are waited for, and by whom: what the loop helpers have in common.
--
-- All helpers of a Lua state share one driver, since the engine tells of each request's news once: whichever loop turns it
-- resumes whoever waits, in any loop.
local wms = require "wms"

local waiting = {}

local driver = wms.driver()
local resumes = {} -- request -> the function that is called when the request is done

waiting.driver = driver

--- Runs the callbacks that are due and, when the request is done, resumes who waits for it.  An error of a callback has
--- cancelled the request, and belongs to whoever waits for its result.
local function step(request)
   local resume = resumes[request]
   local fine, done = pcall(request.step, request)
   if resume and (not fine or done) and resumes[request] == resume then
      resumes[request] = nil
      driver:forget(request)
      resume(request, not fine and { done } or nil)
   end
end

--- Begins to wait: `resume(request, failure)` is called once, from here or from `turn`, when the request is done;
--- `failure` is nil, or holds the error that one of its callbacks raised.
function waiting.add(request, resume)
   driver:watch(request)
   resumes[request] = resume
   step(request)
end

--- Does what can be done without waiting, for every request that is waited for.  `nil, message, err`: see wms.driver.
function waiting.turn()
   local stepped, message, err = driver:step()
   if not stepped then
      return nil, message, err
   end
   for request in driver.news, driver do
      step(request)
   end
   return true
end

--- The same after having waited for news, at most so many seconds.
function waiting.wait(seconds)
   local news, message, err = driver:wait(seconds)
   if news == nil then
      return nil, message, err
   end
   for request in driver.news, driver do
      step(request)
   end
   return true
end

--- Takes a watch over: its `on_event` is called by whichever loop turns.  Returns a function that ends it.
--- `ended(failure)` is called once, when the watch ends; `failure` is nil, or holds the error that on_event (or where, or
--- except) raised.
function waiting.watch(watch, ended)
   local open = true
   local function stop(failure)
      if open then
         open = false
         resumes[watch] = nil
         if not watch:done() then
            driver:forget(watch)
            watch:close()
         end
         ended(failure)
      end
   end
   waiting.add(watch, function(_, failure)
      stop(failure)
   end)
   return function() stop() end
end

local function close_and_return(request, ...)
   request:close()
   return ...
end

--- What the blocking function would have returned, or raised.
function waiting.finish(request, failure)
   if failure then
      request:close()
      error(failure[1], 0)
   end
   return close_and_return(request, request:result())
end

return waiting
