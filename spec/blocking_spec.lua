-- SPDX-License-Identifier: MIT
--- Calls of providers whose libraries block: see spec/c/provider_blocking.c for what its hosts do.  Each script is a
-- process of its own, since a thread that hangs stays.
local process = require "spec.support.process"

local build = os.getenv("WMS_BUILD") or "build"

-- The start of every script.
local BEGIN = [[
   wms = require "wms"
   HOST = "blocking://host"
   gate = io.open(os.getenv "BLOCKING_GATE", "r+")
   gate:setvbuf "no"

   -- Lets as many calls go on.
   function release(calls)
      gate:write(("x"):rep(calls or 1))
   end

   function counts()
      local request = wms.start("call", { server = "blocking://counts", interface = "I", operation = "counts" })
      request:step() -- what has returned is seen when the loop turns
      return assert(request:result())
   end

   function await(check)
      for _ = 1, 20000 do
         local value = check()
         if value then
            return value
         end
         os.execute "sleep 0.001"
      end
      error("waited in vain", 2)
   end

   function await_count(name, number)
      local seen
      await(function()
         seen = counts()[name]
         return seen == number
      end)
   end

   function ids(first, count)
      local list = {}
      for i = 1, count do list[i] = first + i - 1 end
      return list
   end

   function start(first, count, timeout, server)
      return wms.start("unlock", { session_ids = ids(first, count), server = server or HOST, timeout = timeout or 20 })
   end

   -- How many outcomes there are of each kind: { ["unknown TIMEOUT"] = 8 }
   function tally(list, _, err)
      local tally = {}
      for _, outcome in ipairs(list or err.outcomes) do
         local kind = outcome.state .. (outcome.error and " " .. outcome.error.code or "")
         tally[kind] = (tally[kind] or 0) + 1
      end
      return tally
   end

   function expect(wanted, request)
      assert(request:wait(30) == true)
      local seen = tally(request:result())
      for kind, number in pairs(wanted) do
         assert(seen[kind] == number, ("%s: %s, not %d"):format(kind, tostring(seen[kind]), number))
         seen[kind] = nil
      end
      assert(next(seen) == nil, next(seen))
   end

   -- The threads of this process.
   function tasks()
      local pipe = io.popen "ls /proc/$PPID/task"
      local list = {}
      for name in pipe:lines() do list[#list + 1] = name end
      pipe:close()
      return list
   end
]]

describe("calls that block #once", function()
   local folder

   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
   end)

   teardown(function()
      process.run("rm -r " .. folder)
   end)

   before_each(function()
      process.run(("cd %s && rm -rf * && mkfifo gate"):format(folder))
   end)

   local function environment(more)
      return ("BLOCKING_GATE=%s/gate BLOCKING_BACK=%s/back %s"):format(folder, folder, more or "")
   end

   -- Runs a script; it ends with exit code 0 unless `code` says otherwise, and prints nothing.
   local function script(text, code, more, streams)
      local cpath = ("%s/spec/?.so;%s"):format(build, package.cpath)
      assert.same({ "", code or 0 }, { process.run(("%s LUA_CPATH=%s timeout 60 %s -e %s %s"):format(
         environment(more), process.quote(cpath), process.lua(), process.quote(BEGIN .. text), streams or "")) })
   end

   -- The same in a program that offers more: see spec/c/fork.c.
   local function script_in_c(text)
      local cpath = ("%s/5.4/?.so;%s/spec/?.so"):format(build, build)
      local command = "%s ASAN_OPTIONS=detect_leaks=0 LUA_CPATH=%s timeout 60 %s lua - <<'END'\n%s\nEND"
      assert.same({ "", 0 }, { process.run(command:format(environment(), process.quote(cpath), process.program("fork"),
         BEGIN .. text)) })
   end

   it("bring results", function()
      script[[
         local list = assert(wms.unlock{ session_ids = { 3, 1, 99 }, server = HOST })
         assert(list[1].note == "session 3 was asked" and list[3].note == "session 99 was asked")
         assert(#assert(wms.sessions(HOST)) == 3)
         assert(#assert(wms.unlock_all(HOST)) == 3)
         local _, message, err = wms.unlock{ session_ids = { 1, 300 }, server = HOST }
         assert(err.code == "ACCESS_DENIED" and message:find "the library refuses it", message)
         local count = counts()
         for _, name in ipairs{ "begun", "ran", "done", "disposed" } do
            assert(count[name] == count.made, name)
         end
         assert(count.made == 10 and count.inside == 0 and count.refused == 0)]]
   end)

   it("run eight at a time, and the others wait in line", function()
      script[[
         local request = start(100, 20)
         await_count("inside", 8)
         local count = counts()
         assert(count.made == 20 and count.begun == 8 and count.ran == 8)
         for ran = 9, 20 do
            release()
            await_count("ran", ran)
            assert(counts().inside == 8)
         end
         release(8)
         expect({ requested = 20 }, request)
         count = counts()
         assert(count.most == 8 and count.done == 20 and count.disposed == 20)
         assert(#tasks() <= 9)]]
   end)

   it("begin in the order in which they were started", function()
      script[[
         local blocked = start(100, 7)
         await_count("inside", 7)
         local order = {}
         local list = ids(1, 50)
         assert(wms.unlock{ session_ids = list, server = HOST, on_outcome = function(outcome)
            order[#order + 1] = outcome.session_id
         end })
         assert(table.concat(order, " ") == table.concat(list, " "), table.concat(order, " "))
         release(7)
         expect({ requested = 7 }, blocked)]]
   end)

   it("hold up neither other servers nor the engine", function()
      script[[
         wms.memory("lab", { sessions = { { session_id = 1, locked = true } }, latency = 0.01 })
         local blocked = start(100, 3)
         await_count("inside", 3)
         for _ = 1, 5 do
            assert(wms.unlock{ session_ids = 1, server = "memory://lab" })
            assert(wms.unlock{ session_ids = { 1, 2, 3 }, server = "blocking://other" })
            assert(wms.unlock{ session_ids = 1, server = HOST })
         end
         local joining = start(1, 1, 20, "blocking://slow")
         await_count("inside", 4)
         release(4)
         expect({ requested = 3 }, blocked)
         expect({ requested = 1 }, joining)]]
   end)

   it("are unknown after their deadline when they have begun, and failed when they have not", function()
      script[[
         wms.memory("lab", { sessions = { { session_id = 1 } } })
         local hung = start(200, 10, 0.3)
         while not hung:done() do
            assert(wms.unlock{ session_ids = 1, server = "memory://lab" })
            hung:step()
         end
         expect({ ["unknown TIMEOUT"] = 8, ["failed TIMEOUT"] = 2 }, hung)
         local count = counts()
         assert(count.begun == 8 and count.disposed == 2) -- those that stood in line
         local _, message, err = wms.unlock{ session_ids = 1, server = HOST, timeout = 0.1 }
         assert(err.outcomes[1].state == "failed" and err.code == "TIMEOUT", message)
         _, message, err = wms.unlock{ session_ids = 1, server = "blocking://stuck", timeout = 0.1 }
         assert(err.outcomes[1].state == "failed" and message:find "no connection", message)
         count = counts()
         assert(count.begun == 8 and count.made == 12 and count.disposed == 4 and count.inside == 8)
         assert(wms.unlock{ session_ids = 1, server = "memory://lab" })]]
   end)

   it("work again after one that was given up returns", function()
      script[[
         expect({ ["unknown TIMEOUT"] = 8, ["failed TIMEOUT"] = 1 }, start(100, 9, 0.2))
         expect({ ["failed TIMEOUT"] = 2 }, start(1, 2, 0.1))
         assert(counts().begun == 8)
         local next = start(1, 2)
         next:step()
         assert(not next:done())
         release()
         expect({ requested = 2 }, next)
         assert(counts().disposed == 6)
         release(7)
         await_count("disposed", 13)
         local count = counts()
         assert(count.inside == 0 and count.done == 2)]]
   end)

   it("have answered in time, however late the program looks", function()
      script[[
         local request = start(1, 8, 0.3)
         os.execute "sleep 0.5"
         expect({ requested = 8 }, request)]]
   end)

   it("can be cancelled, before and after they have begun", function()
      script[[
         local request = start(100, 10)
         await_count("inside", 8)
         request:cancel()
         expect({ ["unknown CANCELLED"] = 8, ["skipped CANCELLED"] = 2 }, request)
         local joining = start(1, 1, 20, "blocking://slow")
         joining:cancel()
         expect({ ["skipped CANCELLED"] = 1 }, joining)
         local count = counts()
         assert(count.disposed == 3 and count.begun == 8)
         release(8)
         await_count("disposed", 11)
         joining = start(1, 1, 20, "blocking://slow-too")
         await_count("inside", 1)
         joining:cancel()
         release()
         await_count("disposed", 12)
         expect({ requested = 3 }, start(1, 3))]]
   end)

   it("are given up with their request", function()
      script[[
         local request = start(100, 10)
         local other = start(100, 2, 20, "blocking://other")
         await_count("inside", 8)
         request, other = nil, other:close()
         collectgarbage()
         collectgarbage()
         assert(counts().disposed == 4)
         release(8)
         await_count("disposed", 12)
         assert(counts().done == 0 and request == nil and other == nil)]]
   end)

   it("cost an engine nothing that makes none", function()
      script_in_c[[
         wms.memory("lab", { sessions = { { session_id = 1 } }, latency = 0.001 })
         assert(wms.unlock_all("memory://lab"))
         counts()
         local before = descriptors()
         assert(wms.unlock_all("memory://lab"))
         counts()
         assert(descriptors() == before and #tasks() == 1)
         for _ = 1, 5 do
            assert(wms.sessions(HOST))
            assert(descriptors() == before + 2, descriptors() - before)
            assert(#tasks() == 2, #tasks())
         end]]
   end)

   it("have threads that end without work, and take no signal", function()
      script[[
         assert(wms.sessions(HOST))
         local blocked = {}
         for _, task in ipairs(tasks()) do
            local text = io.open("/proc/self/task/" .. task .. "/status"):read "a"
            blocked[#blocked + 1] = text:match "SigBlk:%s*(%x+)"
         end
         -- All but what the C library keeps for itself, and what cannot be blocked.
         assert(#blocked == 2 and blocked[1] == ("0"):rep(16) and blocked[2] == "fffffffe7ffbfeff", blocked[2])
         await(function() return #tasks() == 1 end)
         expect({ requested = 20 }, start(1, 20))
         assert(#tasks() > 1)]]
   end)

   -- What a script does last, and the exit code.
   for last, code in pairs{
      [""] = 0, ["os.exit(7)"] = 7, ["os.exit(8, true)"] = 8, ["error 'no'"] = 1,
      ["request:close() collectgarbage() os.exit(9, true)"] = 9, ["request:cancel() request = nil os.exit(10, true)"] = 10,
   } do
      it("do not keep a program from its end: " .. (last == "" and "it falls off" or last), function()
         for _, hung in ipairs{ "start(200, 9)", "start(1, 1, 20, 'blocking://stuck')", "start(1, 20)" } do
            -- Their state is closed while they hang, or return at this moment.
            script(("request = %s request:step() %s"):format(hung, last), code, nil, "2>/dev/null")
         end
      end)
   end

   it("outlive engines without harm", function()
      assert.same({ "fine\n", 0 }, { process.run(("timeout 100 %s %s/spec/wms/blocking.so %s"):format(
         process.program("blocking"), build, folder)) })
   end)

   describe("that give something back", function()
      it("are made when the connection goes, and when the engine does", function()
         script[[
            for i = 1, 12 do
               assert(wms.unlock{ session_ids = 1, server = "blocking://back" .. i })
            end
            -- A host that is silent for so long gets a new connection.
            expect({ ["unknown TIMEOUT"] = 1 }, start(100, 1, 0.1, "blocking://back1"))
            await_count("back", 1)
            release()
            blocked = start(100, 8)
            await_count("inside", 8)
            expect({ ["failed TIMEOUT"] = 1 }, start(1, 1, 0.1, "blocking://back2"))
            assert(counts().back == 1) -- it stands in line, and nobody waits for it
            release()
            await_count("back", 2)
            release(7)
            expect({ requested = 8 }, blocked)]]
      end)
   end)

   describe("without threads", function()
      local NO_THREADS = [[
         function forbid() io.open(os.getenv "NO_THREADS", "w"):close() end
         function permit() os.remove(os.getenv "NO_THREADS") end
      ]]

      local function threadless(text)
         script(NO_THREADS .. text, 0, ("ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 " ..
            "LD_PRELOAD=%s/spec/preload_threads.so NO_THREADS=%s/none"):format(build, folder))
      end

      it("fail, and were not sent", function()
         threadless[[
            forbid()
            for _ = 1, 2 do
               local _, message, err = wms.unlock{ session_ids = { 1, 2, 3 }, server = HOST }
               for _, outcome in ipairs(err.outcomes) do
                  assert(outcome.state == "failed" and outcome.error.code == "INTERNAL")
               end
               assert(message:find "no thread for a call that blocks", message)
            end
            local _, _, err = wms.sessions("blocking://slow")
            assert(err.code == "INTERNAL")
            local count = counts()
            assert(count.made == 7 and count.refused == 7 and count.begun == 0 and count.ran == 0 and count.disposed == 7)
            permit()
            expect({ requested = 3 }, start(1, 3))]]
      end)

      it("wait in line for one that runs", function()
         threadless[[
            local blocked = start(100, 2)
            await_count("inside", 2)
            forbid()
            local waiting = start(1, 5)
            waiting:step()
            assert(counts().begun == 2)
            expect({ ["failed TIMEOUT"] = 1 }, start(1, 1, 0.1, "blocking://other"))
            release()
            expect({ requested = 5 }, waiting)
            release()
            expect({ requested = 2 }, blocked)
            assert(counts().most == 2)]]
      end)

      it("give nothing back, and wait for a thread to do so", function()
         threadless[[
            forbid()
            for i = 1, 3 do
               local _, _, err = wms.unlock{ session_ids = 1, server = "blocking://back" .. i, timeout = 0.1 }
               assert(err.code == "INTERNAL")
            end
            os.exit(0, true)]]
         process.run("rm " .. folder .. "/none")
         threadless[[
            blocked = start(100, 1, 0.1, "blocking://back")
            await_count("inside", 1)
            forbid()
            expect({ ["unknown TIMEOUT"] = 1 }, blocked)
            assert(counts().back == 0)
            release()
            await_count("back", 1)]]
      end)
   end)

   describe("and a fork:", function()
      -- `blocked` is under way, two of it in line, when a child is forked.
      local FORK = [[
         function child(run)
            local pid = fork()
            if pid == 0 then
               local ok, message = pcall(run)
               if not ok then
                  io.stderr:write(tostring(message), "\n")
                  os.exit(1)
               end
               die()
            end
            return pid
         end

         function forked(request)
            local _, _, err = request:result()
            assert(err.code == "FORKED")
         end

         function work()
            assert(#assert(wms.sessions(HOST)) == 3)
            local request = start(1, 20)
            local fd = request:pollfd()
            while not request:done() do
               assert(poll(fd, 20), "lost its wake-up")
               request:step()
            end
            expect({ requested = 20 }, request)
         end

         function lines()
            local file = io.open(os.getenv "BLOCKING_BACK")
            return file and select(2, file:read "a":gsub("\n", "")) or 0
         end

         blocked = start(100, 10)
         blocked:pollfd()
         await_count("inside", 8)
      ]]

      local function fork(text)
         script_in_c(FORK .. text)
      end

      for what, text in pairs{
         ["asks"] = [[
            forked(blocked)
            -- Where a thread was at work in the parent, things may be half done.
            local count = counts()
            assert(count.disposed == 2 and count.inside == 8)]],
         ["works"] = "work() forked(blocked) work()",
         ["closes everything"] = "blocked:close() work()",
         ["collects its garbage"] = "blocked = nil collectgarbage() collectgarbage() work()",
         ["works and closes its state"] = "work() os.exit(0, true)",
         ["closes its state"] = "os.exit(0, true)",
         ["exits"] = "os.exit(0)",
         ["leaves a call that hangs"] = "start(200, 9):wait(0.01) os.exit(0, true)",
         ["forks"] = [[
            work()
            local mine = start(200, 9)
            mine:wait(0.05)
            for _ = 1, 3 do
               assert(wait(child(function() forked(mine) forked(blocked) work() os.exit(0, true) end)) == 0)
            end
            mine:close()]],
      } do
         it("the child that " .. what .. " does no harm", function()
            fork(([[
               local pids = {}
               for i = 1, 3 do
                  pids[i] = child(function() %s end)
               end
               assert(counts().inside == 8)
               for i = 1, 3 do
                  assert(wait(pids[i]) == 0)
               end
               assert(not blocked:done())
               release(10)
               expect({ requested = 10 }, blocked)
               work()
               assert(counts().disposed == 10 + 21 and wait(child(work)) == 0)
               work()]]):format(text))
         end)
      end

      it("what is to be given back, only the parent gives back", function()
         fork[[
            release(10)
            expect({ requested = 10 }, blocked)
            for i = 1, 3 do
               expect({ requested = 1 }, start(1, 1, 20, "blocking://back" .. i))
            end
            blocked = start(100, 8)
            await_count("inside", 8)
            expect({ ["failed TIMEOUT"] = 1 }, start(1, 1, 0.1, "blocking://back1"))
            -- One stands in line, the others' connections are kept.
            for _, last in ipairs{ "work()", "os.exit(0, true)", "work() os.exit(0, true)", "blocked:close()" } do
               assert(wait(child(load(last))) == 0)
            end
            assert(lines() == 0)
            release(8)
            expect({ requested = 8 }, blocked)
            await_count("back", 1)
            assert(lines() == 1)]]
         assert.equal("back", (process.run("cat " .. folder .. "/back"):match("^%S+")))
      end)

      it("children that come while calls return do no harm", function()
         fork[[
            release(10)
            expect({ requested = 10 }, blocked)
            for round = 1, sanitized and 0 or 100 do
               local request = start(1, 12)
               request:wait(0.0001 * (round % 5))
               local pid = child(function()
                  if round % 2 == 0 then work() end
                  if round % 3 == 0 then os.exit(0, true) end
               end)
               expect({ requested = 12 }, request)
               assert(wait(pid) == 0)
            end]]
      end)
   end)
end)
