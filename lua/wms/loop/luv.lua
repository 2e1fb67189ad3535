-- SPDX-License-Identifier: MIT
--- wms inside of luv and Neovim: commands wait the loop's own way, any number of them with one descriptor.
--
--    local loop = require "wms.loop.luv"
--    loop.start("unlock_all", "lab01", function(outcomes, message, err) … end)
local wms = require "wms"
local waiting = require "wms.loop.waiting"

local neovim = rawget(_G, "vim")
local uv = neovim and (neovim.uv or neovim.loop) or require "luv"

local loop = {}

local count = 0 -- of those who wait
local handle, handle_fd

--- Watches the driver while anybody waits: a loop ends when nothing is active in it.
local function watch()
   local fd = assert(waiting.driver:pollfd())
   if fd ~= handle_fd then
      if handle then
         handle:close()
      end
      handle, handle_fd = assert(uv.new_poll(fd)), fd
   end
   handle:start("r", function()
      assert(waiting.turn())
   end)
end

local function add(request, resume)
   count = count + 1
   waiting.add(request, function(_, failure)
      count = count - 1
      if count == 0 and handle then
         handle:stop()
      end
      resume(request, failure)
   end)
   if count == 1 then
      watch()
   end
end

--- Starts a command and returns its request at once. `on_done` is called once, with what the blocking function would
--- have returned, and the request is closed then (before that, `request:cancel()` ends it); an error that a callback of
--- the command raised is passed on by `on_done` being called with `nil, message`.
function loop.start(command, options, on_done)
   local request = waiting.start(command, options)
   add(request, function(_, failure)
      if failure then
         request:close()
         return on_done(nil, tostring(failure[1]))
      end
      return on_done(waiting.finish(request))
   end)
   return request
end

--- Watches servers: `wms.watch` with an `on_event`, which the loop calls.  Returns a function that ends the watch, or
--- `nil, message, err`.  An error of `on_event` ends it, too, and is raised in the loop.
function loop.watch(options)
   local watched, message, err = wms.watch(options)
   if not watched then
      return nil, message, err
   end
   count = count + 1
   local stop = waiting.watch(watched, function(failure)
      count = count - 1
      if count == 0 and handle then
         handle:stop()
      end
      if failure then
         error(failure[1], 0)
      end
   end)
   if count == 1 then
      watch()
   end
   return stop
end

--- Keeps rooms: `wms.keep`, whose `on_report` the loop calls.  Returns the keeper, or `nil, message, err`.  `on_done`, if
--- it is given, is called with its result when it is over.
function loop.keep(options, on_done)
   local keeper, message, err = waiting.keep(options, function(...)
      count = count - 1
      if count == 0 and handle then
         handle:stop()
      end
      if on_done then
         on_done(...)
      end
   end)
   if keeper then
      count = count + 1
      if count == 1 then
         watch()
      end
   end
   return keeper, message, err
end

--- Waits in a coroutine until the request is done, closes it, and returns what its blocking function would have returned;
--- raises what a callback of its has raised.
function loop.wait(request)
   local running, main = coroutine.running()
   if not running or main then
      error("wms.loop.luv: call it in a coroutine, or use start", 2)
   end
   local done, failure, yielded = false, nil, false
   add(request, function(_, err)
      done, failure = true, err
      if yielded then
         assert(coroutine.resume(running))
      end
   end)
   if not done then
      yielded = true
      coroutine.yield()
   end
   return waiting.finish(request, failure)
end

--- Carries out a command in a coroutine: `loop.call("unlock", { session_ids = 3, server = "lab01" })` returns what
--- `wms.unlock` would, while the loop runs.
function loop.call(command, options)
   return loop.wait(waiting.start(command, options))
end

return loop
