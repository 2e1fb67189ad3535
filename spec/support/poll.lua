-- SPDX-License-Identifier: MIT
--- Waits for descriptors with the poll() of cqueues or of luv, so that the loops' specs read alike.
local poll = {}

--- One task for each function; `tick` is called every 10 ms meanwhile.  Returns when all tasks are through.
-- A task gets `ready(request)`, which comes back when the request's descriptor is readable.
function poll.cqueues(tasks, tick)
   local cqueues = require "cqueues"
   local loop = cqueues.new()
   local open = #tasks
   for _, task in ipairs(tasks) do
      loop:wrap(function()
         task(function(request)
            cqueues.poll(request)
         end, function(request)
            cqueues.cancel(request:pollfd())
         end)
         open = open - 1
      end)
   end
   loop:wrap(function()
      while open > 0 do
         cqueues.sleep(0.01)
         tick()
      end
   end)
   assert(loop:loop(300))
   assert(open == 0, "a task lost its wake-up")
end

function poll.luv(tasks, tick)
   local uv = require "luv"
   local open, failure = #tasks, nil
   uv.update_time() -- a loop's clock stands still while the loop does not run, and timers are set by it
   local timer = uv.new_timer()
   timer:start(10, 10, tick)
   local limit = uv.new_timer()
   limit:start(300000, 0, function()
      failure = failure or "a task lost its wake-up"
      uv.stop()
   end)
   local watched = {} -- what each task left for us to close
   for i, task in ipairs(tasks) do
      local handles = {}
      watched[i] = handles
      local co
      local function resume(...)
         local ok, err = coroutine.resume(co, ...)
         if not ok then
            failure = err
         end
         if not ok or coroutine.status(co) == "dead" then
            open = open - 1
            if open == 0 or failure then
               uv.stop()
            end
         end
      end
      co = coroutine.create(task)
      resume(function(request)
         local fd = request:pollfd()
         local handle = handles[fd] or assert(uv.new_poll(fd))
         handles[fd] = handle
         handle:start("r", function(err)
            handle:stop()
            assert(not err, err)
            resume()
         end)
         coroutine.yield()
      end, function(request)
         local fd = request:pollfd()
         if handles[fd] then
            handles[fd]:close()
            handles[fd] = nil
         end
      end)
   end
   if open > 0 and not failure then
      uv.run()
   end
   timer:close()
   limit:close()
   for _, handles in ipairs(watched) do
      for _, handle in pairs(handles) do
         handle:close()
      end
   end
   uv.run("nowait")
   assert(not failure, failure)
end

return poll
