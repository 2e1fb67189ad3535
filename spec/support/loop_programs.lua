-- SPDX-License-Identifier: MIT
--- Programs for the specs of the loop helpers: real ones as far as they may be installed here, and small ones that stand
--- for those that may not (nginx, HAProxy, Knot Resolver, Prosody), with what is documented of them.
--
-- Each is the beginning of a script of a process of its own.  It defines
--
--    loop          the helper
--    go(body)      begins a coroutine, or whatever the program has for that; an error in it ends the process
--    nap(seconds)  sleeps in one, the program's own way
--    run()         runs the program until `finished` is true
--    errors        a list of what callbacks have raised, where the program lives on
local programs = {}

--- A small program with timers and descriptors, for those that have no loop, and for stand-ins.
local SMALL = [[
   local socket = require "socket"
   local timers, watched = {}, {}
   local careless = {} -- coroutines whose errors the program only notes
   errors = {}

   local function resume(co)
      local fine, message = coroutine.resume(co)
      if not fine and careless[co] then
         errors[#errors + 1] = tostring(message)
      elseif not fine then
         error(debug.traceback(co, tostring(message)), 0)
      end
   end

   local function at(seconds, call)
      timers[#timers + 1] = { due = socket.gettime() + seconds, call = call }
   end

   function go(body)
      resume(coroutine.create(body))
   end

   --- The same soon, for whoever is not there any more when it raises an error.
   local function spawn(body)
      local co = coroutine.create(body)
      careless[co] = true
      at(0, function() resume(co) end)
   end

   function nap(seconds)
      local co = coroutine.running()
      at(seconds, function() resume(co) end)
      coroutine.yield()
   end

   local function run_due()
      local now, all = socket.gettime(), timers
      timers = {}
      for _, timer in ipairs(all) do
         if timer.due <= now then
            timer.call()
         else
            timers[#timers + 1] = timer
         end
      end
   end

   local function seconds_left()
      local first = math.huge
      for _, timer in ipairs(timers) do
         first = math.min(first, timer.due)
      end
      return math.max(0, math.min(60, first - socket.gettime()))
   end

   local function watch_fd(fd, call)
      local entry = { getfd = function() return fd end, call = call }
      watched[#watched + 1] = entry
      return entry
   end

   local function unwatch(entry)
      for i, one in ipairs(watched) do
         if one == entry then
            table.remove(watched, i)
            return
         end
      end
      error("it is not watched")
   end

   function run()
      while not finished do
         local ready = socket.select(watched, nil, seconds_left())
         for _, entry in ipairs(ready) do
            entry.call()
         end
         run_due()
      end
   end
]]

programs.poll = { needs = "socket", text = SMALL .. [[
   loop = require "wms.loop.poll"
   watch_fd(assert(loop.pollfd()), function() assert(loop.turn()) end)
   RAISES = true -- its callbacks' errors are raised by turn
]] }

programs.coroutines = { needs = "socket", text = SMALL .. [[
   loop = require "wms.loop.coroutines"
   nap = coroutine.yield
   function go(body)
      local co = coroutine.create(body)
      local function go_on()
         local fine, seconds = coroutine.resume(co)
         if not fine then
            error(debug.traceback(co, tostring(seconds)), 0)
         elseif coroutine.status(co) ~= "dead" then
            assert(type(seconds) == "number" and seconds > 0, "it yields seconds")
            at(seconds, go_on)
         end
      end
      go_on()
   end
]] }

programs.luv = { needs = "luv", text = [[
   local uv = require "luv"
   loop = require "wms.loop.luv"
   function go(body)
      local co = coroutine.create(body)
      local fine, message = coroutine.resume(co)
      assert(fine, debug.traceback(co, tostring(message)))
   end
   function nap(seconds)
      local co, timer = coroutine.running(), uv.new_timer()
      uv.update_time()
      timer:start(math.ceil(seconds * 1000), 0, function()
         timer:close()
         local fine, message = coroutine.resume(co)
         assert(fine, debug.traceback(co, tostring(message)))
      end)
      coroutine.yield()
   end
   function run() uv.run() end
]] }

--- Neovim itself.  What is under way is ended by its exit.
programs.neovim = { needs = "nvim", command = "nvim --headless -u NONE -c 'luafile %s' -c 'cquit 3'", text = [[
   local uv = vim.loop
   loop = require "wms.loop.luv"
   local function resume(co)
      local fine, message = coroutine.resume(co)
      if not fine then
         io.write(debug.traceback(co, tostring(message)))
         vim.cmd("cquit 1")
      end
   end
   function go(body) resume(coroutine.create(body)) end
   function nap(seconds)
      local co, timer = coroutine.running(), uv.new_timer()
      uv.update_time()
      timer:start(math.ceil(seconds * 1000), 0, vim.schedule_wrap(function()
         timer:close()
         resume(co)
      end))
      coroutine.yield()
   end
   function run()
      vim.wait(190000, function() return finished end, 10)
   end
]], finish = [[
   -- Where callbacks run all functions may be called.
   local text, left
   loop.start("unlock", UNLOCK, function(outcomes) text = vim.fn.strlen(outcomes[1].state) end)
   vim.wait(20000, function() return text end, 10)
   assert(text == #"requested")
   go(function()
      local _, _, err = loop.call("unlock", { session_ids = 1, server = "memory://never" })
      io.write(err.code == "CANCELLED" and "" or "it was not told of the exit")
   end)
   vim.cmd("qall!")
]] }

programs.cqueues = { needs = "cqueues", text = [[
   local cqueues = require "cqueues"
   loop = require "wms.loop.cqueues"
   local controller = cqueues.new()
   errors = {}
   function go(body) controller:wrap(body) end
   nap = cqueues.sleep
   function run()
      while not controller:empty() do
         local fine, message, _, co = controller:step()
         if not fine then
            assert(tostring(message):find("on purpose"), debug.traceback(co, tostring(message)))
            errors[#errors + 1] = tostring(message)
         end
      end
   end
]] }

programs.glib = { needs = "lgi", text = [[
   local GLib = require "lgi".GLib
   loop = require "wms.loop.glib"
   local main = GLib.MainLoop()
   local function resume(co)
      local fine, message = coroutine.resume(co)
      if not fine then
         io.write(debug.traceback(co, tostring(message)))
         os.exit(1)
      elseif finished then
         main:quit()
      end
   end
   function go(body) resume(coroutine.create(body)) end
   function nap(seconds)
      local co = coroutine.running()
      GLib.timeout_add(GLib.PRIORITY_DEFAULT, math.ceil(seconds * 1000), function()
         resume(co)
         return false
      end)
      coroutine.yield()
   end
   function run() main:run() end
]] }

--- What lua-nginx-module documents: sleep, timers, phases, a worker that exits.
programs.nginx = { needs = "socket", stands_for = "nginx", text = SMALL .. [[
   local exiting = false
   ngx = {
      sleep = function(seconds)
         assert(seconds >= 0.001)
         nap(seconds)
      end,
      get_phase = function() return coroutine.running() and phase or "init" end,
      timer = { at = function(seconds, call)
         if exiting then
            return nil, "process exiting"
         end
         assert(seconds == 0)
         spawn(function() call(exiting) end)
         return 1
      end },
      worker = { exiting = function() return exiting end },
   }
   phase = "content"
   function leave() exiting = true end
   loop = require "wms.loop.nginx"
]] }

--- What HAProxy documents: tasks, msleep in whole milliseconds, get_info.
programs.haproxy = { needs = "socket", stands_for = "HAProxy", since = 503, text = SMALL .. [[
   local stopping = 0
   core = {
      msleep = function(milliseconds)
         assert(math.type(milliseconds) == "integer" and milliseconds > 0)
         nap(milliseconds / 1000)
      end,
      register_task = function(call) spawn(call) end,
      get_info = function() return { Stopping = tostring(stopping) } end,
   }
   function leave() stopping = 1 end
   loop = require "wms.loop.haproxy"
]] }

--- What Knot Resolver documents: event.socket, which is closed by an error of its function, event.after, event.cancel.
programs.knot = { needs = "socket", stands_for = "Knot Resolver", text = SMALL .. [[
   local events, last = {}, 0
   event = {
      socket = function(fd, call)
         last = last + 1
         local id = last
         events[id] = watch_fd(fd, function()
            local fine, message = pcall(call, id, 0, 1)
            if not fine then
               errors[#errors + 1] = tostring(message)
               unwatch(events[id])
               events[id] = nil
            end
         end)
         return id
      end,
      cancel = function(id)
         if events[id] then
            unwatch(events[id])
            events[id] = nil
         end
      end,
   }
   loop = require "wms.loop.knot"
]] }

--- What Prosody documents: util.async's waiter, watchfd, the event of its end.
programs.prosody = { needs = "socket", stands_for = "Prosody", text = SMALL .. [[
   local handlers = {}
   prosody = { events = { add_handler = function(name, call) handlers[name] = call end } }
   package.loaded["prosody.util.async"] = { waiter = function()
      local co, done, parked = coroutine.running(), false, false
      assert(co, "Not running in an async context")
      return function()
         if not done then
            parked = true
            coroutine.yield("wait")
         end
      end, function()
         assert(not done, "done() called too many times")
         done = true
         if parked then
            assert(coroutine.status(co) == "suspended")
            resume(co)
         end
      end
   end }
   package.loaded["net.server"] = { watchfd = function(fd, call)
      local entry
      entry = watch_fd(fd, function()
         local fine, message = pcall(call, entry)
         if not fine then
            errors[#errors + 1] = tostring(message)
         end
      end)
      entry.close = unwatch
      return entry
   end }
   loop = require "wms.loop.prosody"
   function leave() handlers["server-stopping"]() end
]] }

return programs
