-- SPDX-License-Identifier: MIT
--- The loop helpers, each in a program of its kind: what waits there is told what the blocking functions return, and
--- nothing else of the program waits.
local mp = require "spec.support.multipoint"
local process = require "spec.support.process"
local programs = require "spec.support.loop_programs"

-- What all of them do.  `check(name, …)` notes what was not as it should be.
local BODY = [==[
   local wms = require "wms"
   finished = false
   local failures = {}
   local function check(fine, text)
      if not fine then
         failures[#failures + 1] = debug.traceback(text, 2)
      end
   end

   local LOCKED = { { session_id = 1, locked = true }, { session_id = 2, locked = true },
      { session_id = 3, is_admin = true } }
   local quick = wms.memory("quick", { latency = 0.01, sessions = LOCKED })
   wms.memory("slow", { latency = 3, sessions = LOCKED })
   wms.memory("never", { latency = 1000, sessions = LOCKED })
   wms.memory("odd", { sessions = LOCKED }):fail("unlock", "ACCESS_DENIED")
   local UNLOCK = { session_ids = 1, server = "memory://quick" }
   local YIELDS_ACROSS_PCALL = _VERSION ~= "Lua 5.1" or jit

   --- A result as a text, without what differs from call to call.
   local function text_of(value)
      if type(value) == "table" or type(value) == "userdata" then
         local list = {}
         local entries = type(value) == "table" and value
            or { code = value.code, message = value.message, outcomes = value.outcomes, sessions = value.sessions }
         for key, one in pairs(entries) do
            if key ~= "time" and key ~= "changed" then
               list[#list + 1] = tostring(key) .. "=" .. text_of(one)
            end
         end
         table.sort(list)
         return "{" .. table.concat(list, " ") .. "}"
      end
      return tostring(value)
   end

   local function texts_of(...)
      local list = {}
      for i = 1, select("#", ...) do
         list[i] = text_of((select(i, ...)))
      end
      return table.concat(list, "; ")
   end

   --- Begins `body` beside; returns a function that waits for its end.
   local function beside(body)
      local over = false
      go(function()
         body()
         over = true
      end)
      return function()
         while not over do nap(0.01) end
      end
   end

   --- But for pipes: popen has one of its own there, of which one end is being closed meanwhile.
   local function fds()
      local pipe = io.popen("ls -l /proc/$PPID/fd 2>/dev/null | grep -e '->' | grep -c -v pipe:")
      local count = tonumber(pipe:read("*a"):match("%d+"))
      pipe:close()
      return count
   end

   ------------------------------------------------------------------------------------------------ the same results

   local tests = {}

   function tests.results()
      for _, case in ipairs{
         { "unlock", UNLOCK }, { "sessions", "memory://quick" },
         { "unlock_all", { server = "memory://quick", verify = 5 } },
         { "unlock", { session_ids = { 1, 99 }, server = "memory://quick" } }, { "unlock_all", "memory://odd" },
         { "lock_all", { server = { "memory://quick", "memory://nowhere" }, message = "m", what_if = true } },
      } do
         local mine, theirs = texts_of(loop.call(case[1], case[2])), texts_of(wms[case[1]](case[2]))
         check(mine == theirs, mine .. "\n" .. theirs)
      end
      for _, case in ipairs{ { "unlock", {} }, { "nothing", {} }, { "multipoint.nothing", {} },
         { "unlock", { timeout = -1 } } } do
         check(not pcall(loop.call, case[1], case[2]), case[1] .. " is misuse")
      end
      local closed = wms.start("sessions", "memory://quick")
      closed:close()
      for _, case in ipairs{ { "wait", closed, "closed" }, { "wait", {}, "a table" }, { "start", "sessions", "on_done" },
         { "keep", {}, "on_done", 1 } } do
         if loop[case[1]] then
            local fine, message = pcall(loop[case[1]], case[2], case[4])
            check(not fine and message:find("bad argument #%d to '" .. case[1] .. "'") and message:find(case[3]), message)
         end
      end
   end

   function tests.errors()
      local function raise() error("on purpose", 0) end
      if YIELDS_ACROSS_PCALL then
         local fine, message = pcall(loop.call, "unlock",
            { session_ids = 1, server = "memory://quick", on_outcome = raise })
         check(not fine and message == "on purpose", tostring(message))
      end
      if loop.start then
         local done
         assert(loop.start("unlock", { session_ids = 1, server = "memory://quick", on_outcome = raise }, function(...)
            done = texts_of(...)
         end))
         while not done do nap(0.01) end
         check(done == "nil; on purpose" or done == "nil; on purpose; nil", done)
      end
   end

   function tests.cancels()
      local request = wms.start("unlock", { session_ids = { 1, 2 }, server = "memory://never" })
      go(function()
         nap(0.05)
         request:cancel()
      end)
      local list, message, err = loop.wait(request)
      check(list == nil and err.code == "CANCELLED" and #err.outcomes == 2, message)
      if loop.start then
         local ended
         request = loop.start("unlock", { session_ids = 1, server = "memory://never" }, function(_, _, fault)
            ended = fault
         end)
         nap(0.05)
         request:cancel()
         while not ended do nap(0.01) end
         check(ended.code == "CANCELLED", tostring(ended))
      end
   end

   -------------------------------------------------------------------------------------------------- nobody else waits

   function tests.slow()
      local ticks, over = 0, false
      go(function()
         while not over do
            nap(0.01)
            ticks = ticks + 1
         end
      end)
      local done = 0
      for i = 1, 200 do
         go(function()
            local outcomes = assert(loop.call("unlock", UNLOCK))
            check(outcomes[1].state == "requested", tostring(outcomes[1].state))
            done = done + 1
         end)
      end
      local before = ticks
      assert(loop.call("unlock", { session_ids = { 1, 2 }, server = "memory://slow" }))
      over = true
      check(done == 200, done .. " of 200 were done before the slow one")
      check(ticks - before >= 30, ticks - before .. " ticks")
   end

   ----------------------------------------------------------------------------------------------------------- watches

   function tests.watch()
      local host = wms.memory("watched", { sessions = { { session_id = 1 } } })
      local watch = assert(loop.watch("memory://watched"))
      check(watch:next(20).kind == "ready", "ready")
      check(watch:next(0.05) == nil and not watch:done(), "none in that time")
      go(function()
         nap(0.05)
         host:lock(1)
         host:unlock(1)
      end)
      check(watch:next().kind == "locked", "locked")
      check(watch:next(20).kind == "unlocked", "unlocked")
      check(not pcall(watch.next, watch, -1), "misuse")
      check(#watch:sessions() == 1 and watch:servers()[1].state == "watched", "what is known")
      local ended = beside(function()
         if YIELDS_ACROSS_PCALL then
            local kinds = {}
            for event in watch:each() do kinds[#kinds + 1] = event.kind end
            check(table.concat(kinds, " ") == "locked unlocked", table.concat(kinds, " "))
         else
            check(watch:next().kind == "locked" and watch:next().kind == "unlocked" and watch:next() == nil, "closed")
         end
      end)
      host:lock(1)
      nap(0.05)
      host:unlock(1)
      nap(0.3)
      watch:close()
      ended()
      watch:close()
      check(watch:done() and watch:next() == nil, "it stays closed")
      check(not pcall(loop.watch, { queue = 0 }), "misuse")
      host:close()
   end

   function tests.on_event()
      if not loop.start then
         check(not pcall(loop.watch, { server = "memory://quick", on_event = print }), "nobody would call it")
         return
      end
      local kinds, watch = {}, nil
      watch = assert(loop.watch{ server = "memory://quick", on_event = function(event)
         kinds[#kinds + 1] = event.kind
         if #kinds == 2 then watch:close() end
      end })
      while #kinds == 0 do nap(0.01) end
      quick:open{ session_id = 7 }
      while not watch:done() do nap(0.01) end
      check(kinds[1] == "ready" and kinds[2] == "opened", table.concat(kinds, " "))
      quick:drop(7)
      watch = assert(loop.watch{ server = "memory://quick", on_event = function() end })
      nap(0.05)
      watch:close()
      nap(0.15) -- whoever has read its events must not complain
      check(watch:done() and not (errors and errors[1]), "it is closed")
      if errors and not RAISES then -- the program lives on
         watch = assert(loop.watch{ server = "memory://quick", on_event = function() error("on purpose", 0) end })
         while #errors == 0 do nap(0.01) end
         check(errors[1]:find("on purpose") and watch:done(), errors[1])
         check(loop.call("unlock", UNLOCK), "the helper lives on, too")
      end
   end

   function tests.keep()
      if not loop.keep then
         return
      end
      local host, result = wms.memory("kept", { sessions = { { session_id = 1 } } }), nil
      local keeper = assert(loop.keep({ server = "memory://kept", locked = true, message = "Exam", restore = true },
         function(...) result = { ... } end))
      while not host:session(1).locked do nap(0.01) end
      keeper:stop()
      while not result do nap(0.01) end
      check(result[1] and result[1].restored == 1 and not host:session(1).locked, tostring(result[2]))
      check(not pcall(loop.keep, { locked = 3 }), "misuse")
      host:close()
   end

   ----------------------------------------------------------------------------------------------------------- again, again

   --- Descriptors and memory stay as they are.
   function tests.many()
      local function round()
         local ended = {}
         for i = 1, 20 do
            ended[i] = beside(function()
               for _ = 1, 25 do
                  assert(loop.call("unlock", { session_ids = 1, server = "memory://here" }))
               end
               local watch = assert(loop.watch("memory://here"))
               assert(watch:next(60))
               watch:close()
            end)
         end
         for _, wait in ipairs(ended) do wait() end
         collectgarbage()
         collectgarbage()
         return fds(), collectgarbage("count")
      end
      local here = wms.memory("here", { sessions = LOCKED })
      round()
      local descriptors, memory = round()
      for _ = 1, 3 do round() end
      local now, grown = round()
      check(now <= descriptors, now .. " descriptors, before " .. descriptors)
      check(grown - memory < 64, grown - memory .. " KB more")
      here:close()
   end

   --------------------------------------------------------------------------------------------------------- MultiPoint

   function tests.multipoint()
      if not SERVER then
         return
      end
      wms.configure{ store = { load = function() return BINDING end, save = function() end, remove = function() end,
         list = function() return { SERVER } end } }
      local ticks, over = 0, false
      go(function()
         while not over do
            nap(0.01)
            ticks = ticks + 1
         end
      end)
      local outcomes, message = loop.call("unlock", { session_ids = 3, server = SERVER })
      over = true
      check(outcomes and outcomes[1].state == "requested", tostring(message))
      check(ticks >= 10, ticks .. " ticks") -- the host takes two seconds
      local list, why = loop.call("multipoint.system", SERVER)
      check(list, tostring(why))
   end

   ------------------------------------------------------------------------------------------------------------- the end

   --- The program ends: whoever waits is told.
   function tests.stop()
      local told = {}
      for i = 1, 3 do
         beside(function()
            local _, _, err = loop.call("unlock", { session_ids = 1, server = "memory://never" })
            told[#told + 1] = err.code
         end)
      end
      beside(function()
         local watch = assert(loop.watch("memory://never"))
         local event = watch:next() -- not within the next line: its index would be of before
         told[#told + 1] = tostring(event)
      end)
      local room = { server = "memory://never", locked = true, message = "m" }
      local keeper = loop.keep and assert(loop.keep(room, function(result)
         told[#told + 1] = result.reason
      end))
      nap(0.1)
      if leave then
         leave() -- watches and keepers end by themselves; of Prosody's all
      end
      while leave and #told < (loop.pending and 5 or 2) do nap(0.01) end
      loop.stop()
      while #told < (loop.keep and 5 or 4) do nap(0.01) end
      table.sort(told)
      check(table.concat(told, " ") == "CANCELLED CANCELLED CANCELLED" .. (loop.keep and " closed" or "") .. " nil",
         table.concat(told, " "))
      check(not keeper or keeper:done(), "the keeper is over")
      check(not loop.pending or loop.pending() == 0, "nothing is pending")
   end

   go(function()
      local slow = beside(tests.slow) -- it takes three seconds
      for _, name in ipairs{ "results", "errors", "cancels", "watch", "on_event", "keep" } do
         tests[name]()
      end
      slow()
      tests.many()
      tests.multipoint()
      tests.stop()
      finished = true
   end)
   run()
   assert(finished, "it has ended too early")
   io.write(#failures == 0 and "fine" or table.concat(failures, "\n"))
]==]

--- The version of this Lua: 503.
local build = os.getenv("WMS_BUILD") or "build"
local number = 100 * _VERSION:match("(%d)%.") + _VERSION:match("%.(%d)")

describe("a program that sleeps", function()
   --- How often `waiters` at once look while a host takes three seconds, and the processor time of that.
   local function looks_of(waiters)
      local output = process.script(([[
         local wms, socket = require "wms", require "socket"
         local loop = require "wms.loop.coroutines"
         wms.memory("slow", { latency = 3, sessions = { { session_id = 1, locked = true } } })
         local tasks, looks = {}, 0
         for i = 1, %d do
            tasks[i] = { due = 0, go_on = coroutine.wrap(function()
               assert(loop.call("unlock", { session_ids = 1, server = "memory://slow" }))
            end) }
         end
         local begun = os.clock()
         while #tasks > 0 do
            local now, first = socket.gettime(), math.huge
            for i = #tasks, 1, -1 do
               local task = tasks[i]
               if task.due <= now then
                  local seconds = task.go_on()
                  looks = looks + 1
                  task.due = seconds and now + seconds
               end
               if not task.due then table.remove(tasks, i) else first = math.min(first, task.due) end
            end
            if #tasks > 0 then socket.sleep(math.max(0, first - socket.gettime())) end
         end
         print(looks, os.clock() - begun)
      ]]):format(waiters), ("LUA_PATH=%s"):format(process.quote(package.path)))
      local looks, seconds = output:match("^(%d+)%s+([%d.]+)")
      assert(looks, output)
      return tonumber(looks), tonumber(seconds)
   end

   it("looks seldom enough #once", function()
      if not pcall(require, "socket") then
         pending("this Lua has no luasocket")
      end
      local looks, seconds = looks_of(1)
      assert.is_true(looks >= 10 and looks < 300, looks .. " looks")
      local slower = process.sanitized() and 5 or 1
      assert.is_true(seconds < 0.15 * slower, seconds .. " s") -- 0.03 s, if the processor were ours alone
      looks, seconds = looks_of(200)
      assert.is_true(looks < 4000, looks .. " looks of 200")
      assert.is_true(seconds < 0.6 * slower, seconds .. " s of 200")
   end)
end)

describe("a helper", function()
   local BEGIN = [[
      local wms = require "wms"
      local loop = require "wms.loop.poll"
      wms.memory("quick", { sessions = { { session_id = 1, locked = true } } })
      wms.memory("never", { latency = 1000, sessions = { { session_id = 1, locked = true } } })
      local UNLOCK = { session_ids = 1, server = "memory://never" }
      local function go(body) assert(coroutine.resume(coroutine.create(body))) end
   ]]

   --- What a script with the helper `poll` prints.
   local function script(text)
      return process.script(BEGIN .. text, ("LUA_PATH=%s"):format(process.quote(package.path)))
   end

   it("raises misuse where it was called", function()
      local lines = script [[
         for _, name in ipairs{ "poll", "coroutines" } do
            local helper = require("wms.loop." .. name)
            local calls = {
               function() local result = helper.call("nothing", {}) return result end,
               function() local result = helper.call("multipoint.nothing", {}) return result end,
               function() local result = helper.watch{ nothing = 1 } return result end,
               helper.start and function() local result = helper.start("nothing", {}, print) return result end,
               helper.keep and function() local result = helper.keep{ nothing = 1 } return result end,
            }
            go(function()
               for _, call in pairs(calls) do
                  local fine, message = pcall(call)
                  print(not fine and not message:find("wms/loop", 1, true) and message:find(":%d+: bad argument #1") ~= nil)
               end
            end)
         end
      ]]
      assert.same(("true\n"):rep(8), lines)
   end)

   it("lets one wait for a request", function()
      assert.same("true\nCANCELLED\ntrue\nCANCELLED\n0\n", script [[
         local function is_refused(request)
            local fine, message = pcall(loop.wait, request)
            return not fine and message:find("waited for already", 1, true) ~= nil
         end
         local function tell(_, _, err) print(err.code) end
         local request = wms.start("unlock", UNLOCK)
         go(function() tell(loop.wait(request)) end)
         go(function() print(is_refused(request)) end)
         request:cancel()
         loop.run()
         request = loop.start("unlock", UNLOCK, tell)
         go(function() print(is_refused(request)) end)
         request:cancel()
         loop.run()
         print(loop.pending())
      ]])
   end)

   it("calls on_event when the program has the watch", function()
      assert.same("false\nready\ttrue\n0\n", script [[
         local watch
         watch = loop.watch{ server = "memory://quick", on_event = function(event)
            print(event.kind, watch ~= nil)
            loop.stop()
         end }
         print(watch:done())
         loop.run()
         print(loop.pending())
      ]])
   end)

   it("stops all, whatever one of them does", function()
      assert.same("CANCELLED\nCANCELLED\nCANCELLED\nthe request is closed\nfalse\ton purpose\n0\ntrue\n", script [[
         local told = {}
         local function tell(_, message, err) told[#told + 1] = err and err.code or message end
         local function raise(...) tell(...) error("on purpose", 0) end
         loop.start("unlock", UNLOCK, tell)
         loop.start("unlock", UNLOCK, raise)
         loop.start("unlock", UNLOCK, tell)
         loop.start("unlock", UNLOCK, tell):close()
         local fine, message = pcall(loop.stop)
         table.sort(told)
         print(table.concat(told, "\n"))
         print(fine, message)
         print(loop.pending())
         print(pcall(loop.stop))
      ]])
   end)

   it("that sleeps stops all, and says who may wait", function()
      assert.same("true\nCANCELLED\ntrue\n", script [[
         local helper = require "wms.loop.coroutines"
         local closed, other = wms.start("unlock", UNLOCK), nil
         go(function() helper.wait(closed) end)
         local co = coroutine.create(function()
            local _, _, err = helper.call("unlock", UNLOCK)
            other = err.code
         end)
         coroutine.resume(co)
         closed:close()
         print((pcall(helper.stop)))
         while not other do coroutine.resume(co) end
         print(other)
         local watch = helper.watch "memory://never"
         local fine, message = pcall(watch.next, watch)
         print(not fine and message:find("call it in a coroutine", 1, true) ~= nil)
         watch:close()
      ]])
   end)
end)

describe("the helper for", function()
   local folder, started = nil, {}

   --- A binding to a host that takes two seconds to unlock.
   local function host()
      if mp.missing() then
         return ""
      end
      mp.use()
      local lab = mp.lab()
      lab:session{ id = 3, user = "alice", flags = 44 }
      lab:on("StopLockingSession", { delay = 2000, times = 0 })
      local _, binding = next(mp.store.kept)
      return ("local SERVER, BINDING = %q, %q\n"):format(lab.server, binding)
   end

   local function is_here(program)
      if program.command then
         return process.run("command -v " .. program.needs) ~= "" and io.open(build .. "/jit/wms.so") ~= nil
      end
      return number >= (program.since or 0) and (pcall(require, program.needs))
   end

   --- What runs a file: this Lua, or the program itself, which has LuaJIT.
   local function command_of(program, file)
      local cpath = program.command and ("./%s/jit/?.so;;"):format(build) or package.cpath
      return ("HOME=%s timeout 200 env LUA_PATH=%s LUA_CPATH=%s %s </dev/null"):format(folder, process.quote(package.path),
         process.quote(cpath), program.command and program.command:format(file) or process.lua() .. " " .. file)
   end

   --- All programs run side by side: they wait most of the time.
   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
      local begin = host()
      for name, program in pairs(programs) do
         if is_here(program) then
            local path = ("%s/%s.lua"):format(folder, name)
            local file = assert(io.open(path, "w"))
            file:write(program.text, begin, BODY, "\n", program.finish or "")
            file:close()
            started[name] = assert(io.popen(("( %s ) 2>&1; printf '\\n%%d' $?"):format(command_of(program, path))))
         end
      end
   end)

   teardown(function()
      for _, pipe in pairs(started) do
         pipe:close()
      end
      process.run("rm -r " .. folder)
      if not mp.missing() then
         mp.down()
      end
   end)

   for name, program in pairs(programs) do
      local text = program.stands_for and ", in what stands for " .. program.stands_for or ""
      it(name .. text .. (program.command and " #once" or ""), function()
         local pipe = started[name]
         if not pipe then
            pending(("%s is not here, or this Lua is too old"):format(program.needs))
         end
         assert.same("fine\n0", pipe:read("*a"))
      end)
   end
end)
