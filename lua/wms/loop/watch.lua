-- SPDX-License-Identifier: MIT
--- What `loop.watch` of the helpers returns: a watch whose next event is waited for the program's own way.
local waiting = require "wms.loop.waiting"

local driver = waiting.driver

local Watch = {}
Watch.__index = Watch
Watch.__name = "wms.loop.watch"

--- One around a watch of wms.watch.  `way` has `take(watch)`, the next event that is there, as `watch:next(0)`;
--- `await(self, ends, since)`, which waits in the coroutine that calls it until there may be one, or that time; and
--- `stop()`.
function Watch.new(watch, way)
   return setmetatable({ watch = watch, way = way }, Watch)
end

--- The next event, for which it waits, at most so many seconds; without them there is no limit.  Nil: there was none in
--- that time, or the watch is closed.  `nil, message, err`, and what it raises: as `next` of a watch of wms.watch.
function Watch:next(seconds)
   if seconds ~= nil and (type(seconds) ~= "number" or seconds ~= seconds or seconds < 0) then
      error(("bad argument #1 to 'next' (seconds: %s; give a number of seconds from 0)"):format(tostring(seconds)), 2)
   end
   local since = driver:clock()
   local ends = seconds and since + seconds
   while not self.watch:done() do
      local event, message, err = self.way.take(self.watch)
      if event ~= nil or message then
         return event, message, err
      elseif ends and driver:clock() >= ends then
         return nil
      end
      self.way.await(self, ends, since)
   end
   return nil
end

--- For a loop of `for` over events, which ends when the watch is closed.  Not on Lua 5.1, which cannot yield in there.
function Watch:each()
   return function() return self:next() end
end

--- As those of a watch of wms.watch.
function Watch:sessions()
   return self.watch:sessions()
end

function Watch:servers()
   return self.watch:servers()
end

function Watch:done()
   return self.watch:done()
end

--- Ends it; whoever waits for its next event gets nil.
function Watch:close()
   self.way.stop()
end
Watch.__close = Watch.close

function Watch:__tostring()
   return tostring(self.watch)
end

return Watch
