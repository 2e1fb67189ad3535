-- SPDX-License-Identifier: MIT
--- After a fork: what the child may do, and that nothing that it does disturbs its parent.
local process = require "spec.support.process"
local hosts = require "spec.host"

local build = os.getenv("WMS_BUILD") or "build"
local PATHS = ("LUA_CPATH='%s/5.4/?.so;%s/spec/?.so'"):format(build, build)

-- The start of every script: a request under way, polled, on each of the servers.
local BEGIN = [[
   base = descriptors()
   wms.memory("lab", { sessions = { { session_id = 1, locked = true } }, latency = 0.05 })
   requests = {}
   for i, server in ipairs(servers or { "memory://lab", "poor://pipe-slow" }) do
      requests[i] = wms.start("unlock", { session_ids = id or 1, server = server, timeout = 5 })
      requests[i]:pollfd()
   end
   done = wms.start("sessions", "memory://lab")
   assert(done:wait(5) and #done:result() == 1)

   function finish(request)
      local fd = request:pollfd()
      while not request:done() do
         assert(poll(fd, 5), "lost its wake-up")
         request:step()
      end
      local list = assert(request:result())
      assert(list[1].state == "requested" or list[1].state == "verified", list[1].state)
   end

   function forked(request)
      local list, message, err = request:result()
      assert(list == nil and err.code == "FORKED" and message == err.message and #err.outcomes == 0)
      local fd, _, err = request:pollfd()
      assert(fd == nil and err.code == "FORKED")
      assert(request:wait(1) == true and request:wait() == true and request:step() == true and request:done() == true)
      assert(request:cancel() == nil)
      assert(tostring(request):find("parent"), tostring(request))
   end

   function work(server)
      local one = server and server:find("^logind") and id or 1
      for i = 1, 2 do
         finish(wms.start("unlock", { session_ids = one, server = server or "memory://lab" }))
         assert(wms.unlock{ session_ids = one, server = server or "memory://lab" })
      end
   end

   function child(run, ...)
      local pid = fork()
      if pid == 0 then
         local ok, message = pcall(run, ...)
         if not ok then
            io.stderr:write(message, "\n")
            os.exit(1)
         end
         die()
      end
      return pid
   end
]]

local END = [[
   for _, request in ipairs(requests) do
      finish(request)
   end
   assert(done:result())
   work()
   io.write("fine")
]]

local function script(text, wrap)
   -- The sanitizer's search for leaks cannot run under strace, is puzzled by the parent's threads in a child, and finds
   -- there the memory of sd-bus, which must not be touched. The blocks of our own are counted by `fork core`.
   local command = ("ASAN_OPTIONS=detect_leaks=0 %s timeout 60 %s %s lua -"):format(PATHS, wrap or "",
      process.program("fork"))
   return process.run(command .. " <<'END'\n" .. text .. "\nEND")
end

local CHILDREN = {
   ["asks the old requests"] = [[
      for _, request in ipairs(requests) do forked(request) end
      forked(done)]],
   ["closes everything"] = [[
      for _, request in ipairs(requests) do request:close() request:close() end
      done:close()]],
   ["collects its garbage"] = [[
      requests, done = nil, nil
      collectgarbage()
      collectgarbage()
      assert(descriptors() <= base + 5, "descriptors of the parent")]],
   ["closes its state"] = "os.exit(0, true)",
   ["closes its state, after it asked"] = "forked(done) os.exit(0, true)",
   ["exits"] = "os.exit(0)",
   ["exits at work"] = [[
      local request = wms.start("unlock", { session_ids = 1, server = "memory://lab" })
      request:pollfd()
      request:wait(0.001)
      os.exit(0, true)]],
   ["works"] = [[
      work()
      work("poor://thread")
      forked(requests[1])
      work()
      os.exit(0, true)]],
   ["changes the host"] = [[
      local other = wms.memory("other", { sessions = { { session_id = 1 } } })
      work("memory://other")
      other:close()
      wms.configure{ timeout = 1, allow = function() return true end }
      assert(wms.unlock_all("memory://lab"))]],
   ["forks"] = [[
      local mine = wms.start("unlock", { session_ids = 1, server = "memory://lab" })
      local fd = mine:pollfd()
      for _ = 1, 3 do
         assert(wait(child(function()
            forked(mine)
            forked(requests[1])
            work()
         end)) == 0)
      end
      assert(mine:pollfd() == fd)
      finish(mine)]],
   ["fails"] = "error(setmetatable({}, { __tostring = function() return '' end }))",
}

-- A call that was sent and a bind that waits for its password, on hosts whose provider keeps something for the engine.
local BOUND = [[
   local kept = {}
   wms.configure{ store = { load = function(server) return kept[server] end, remove = print, list = print,
      save = function(server, text) kept[server] = text end } }
   local function bind()
      return { server = "caller://host", user_name = "a", fingerprint = "AB", password = function() return "right" end }
   end
   local function count()
      return assert(wms.call{ server = "caller://host", interface = "I", operation = "count" })
   end
   local called = wms.start("call", { server = "caller://host", interface = "I", operation = "late" })
   local waiting = wms.start("bind", bind())
   called:pollfd()
   assert(count().connection == 1)
   for i = 1, 2 do
      local pid = child(function()
         for _, request in ipairs{ called, waiting } do
            forked(request)
            if i == 2 then
               request:close()
            end
         end
         assert(count().connection == 1 and count().alive == 1, "something of the parent's")
         assert(wms.bind(bind()).port == 8080)
         os.exit(0, true)
      end)
      assert(wait(pid) == 0)
   end
   assert(waiting:wait(5) and waiting:result().port == 8080)
   assert(called:wait(5) and called:result())
   assert(kept["caller://host"] and count().connection == 1)
]]

describe("after a fork #once", function()
   it("hosts that are woken and users who are warned are the parent's", function()
      assert.same({ "fine", 0 }, { script(BEGIN .. [[
         local host = wms.memory("dark", { sessions = { { session_id = 1 } } })
         host:refuse("UNREACHABLE")
         wms.configure{ wake = { ["memory://dark"] = { mac = "00:11:22:33:44:55", network = "127.0.0.1", port = 40009 } } }
         local waking = wms.start("wake", { server = "memory://dark", verify = 60 })
         local closing = wms.start("close", { session_ids = 1, server = "memory://lab",
            warn = { message = "m", seconds = 2 } })
         assert(not closing:wait(0.3) and not waking:done())
         assert(wait(child(function()
            forked(waking)
            forked(closing)
            assert(wms.wake("memory://dark")[1].state == "requested")
         end)) == 0)
         host:refuse()
         assert(waking:wait(60) and waking:result()[1].state == "verified")
         assert(closing:wait(60) and closing:result()[1].state == "requested")
         waking:close()
         closing:close()
         wms.memory("lab2", {})
         finish(requests[1])
         io.write("fine")]]) })
   end)

   it("calls and binds are the parent's", function()
      assert.same({ "fine", 0 }, { script(BEGIN .. BOUND .. END) })
   end)

   -- The blocks of our own it counts itself; the sanitizer is puzzled by the parent's threads in a child.
   it("C programs find the old requests forked, and go on", function()
      local output, code = process.run(("ASAN_OPTIONS=detect_leaks=0 timeout 100 %s core %s/spec/wms/poor.so")
         :format(process.program("fork"), build))
      assert.same({ "fine\n", 0 }, { output, code })
   end)

   for what, text in pairs(CHILDREN) do
      it("the parent is undisturbed by a child that " .. what, function()
         local fails = what == "fails"
         for _, order in ipairs{ "before", "meanwhile" } do
            local output, code = script(BEGIN .. ([[
               local pids = {}
               for i = 1, 3 do
                  pids[i] = child(function() %s end)
                  if %q == "before" then assert(wait(pids[i]) == %d) end
               end
               %s
               if %q == "meanwhile" then
                  for i = 1, 3 do assert(wait(pids[i]) == %d) end
               end]]):format(text, order, fails and 1 or 0, END, order, fails and 1 or 0))
            assert.same({ "fine", 0 }, { fails and output:gsub("[^fine]", ""):match("fine$") or output, code })
         end
      end)
   end

   it("the descriptors of the parent's requests are gone in the child", function()
      local output, code = script(BEGIN .. [[
         local fds = { done:pollfd() }
         for i, request in ipairs(requests) do fds[i + 1] = request:pollfd() end
         for _, fd in ipairs(fds) do assert(link(fd):find("eventfd")) end
         assert(wait(child(function()
            local before = descriptors()
            forked(done)
            -- Three eventfds; the waker's epoll, eventfd, file of proc; the alarm; the watch of the pipe with its two ends.
            assert(before - descriptors() == 3 + 3 + 1 + 3, before - descriptors())
         end)) == 0)]] .. END)
      assert.same({ "fine", 0 }, { output, code })
   end)

   for how, text in pairs{
      ["closes"] = "for _, request in ipairs(requests) do request:close() end",
      ["collects"] = "requests, done = nil, nil",
      ["cancels and closes"] = "for _, request in ipairs(requests) do request:cancel() request:close() end",
   } do
      it("a child without a free descriptor that " .. how .. " its parent's requests goes on when there is one", function()
         local output, code = script(BEGIN .. [[
            assert(wait(child(function()
               local before = limit(3)
               ]] .. text .. [[
               collectgarbage()
               collectgarbage()
               local _, _, err = wms.unlock{ session_ids = 1, server = "memory://lab", timeout = 1 }
               assert(err.code == "INTERNAL", err.code)
               limit(before)
               work()
               os.exit(0, true)
            end)) == 0)]] .. END)
         assert.same({ "fine", 0 }, { output, code })
      end)
   end

   it("children of a program that only loaded the module work, each by itself", function()
      local output, code = script([[
         wms.configure{ timeout = 5 }
         wms.load{ "poor" }
         wms.memory("lab", { sessions = { { session_id = 1, locked = true } }, latency = 0.01 })
         local pids = {}
         for i = 1, 20 do
            pids[i] = fork()
            if pids[i] == 0 then
               local request = wms.start("unlock_all", { server = "memory://lab" })
               while not request:done() do
                  assert(poll(request:pollfd(), 5))
                  request:step()
               end
               assert(request:result())
               assert(wms.unlock{ session_ids = 1, server = "poor://thread" })
               os.exit(0, i % 2 == 0)
            end
         end
         for i = 1, 20 do assert(wait(pids[i]) == 0) end
         io.write("fine")]])
      assert.same({ "fine", 0 }, { output, code })
   end)

   -- What the child's threads of control say to the kernel, as strace saw it.
   local function trace(text)
      local file = process.run("mktemp"):match("%S+")
      finally(function()
         os.remove(file)
      end)
      local output, code = script(text, "strace -f -qq -e signal=none -e trace=desc,network,process -o " .. file)
      assert.same({ "fine", 0 }, { output, code })
      local calls, children, begun = {}, {}, {}
      for whole in io.lines(file) do
         local line = whole
         local half = line:match("^(%d+ .*) <unfinished %.%.%.>$")
         local whose, other = line:match("^(%d+) +<%.%.%. .- resumed>(.*)$")
         if half then -- the rest comes when others have had their turn
            begun[half:match("^%d+")] = half
            line = ""
         elseif whose then
            line = begun[whose] .. other
         end
         local pid, name, rest = line:match("^(%d+) +([%w_]+)(%(.*)$")
         if name then
            calls[#calls + 1] = { pid = pid, name = name, rest = rest, fd = tonumber(rest:match("^%((%d+)")) }
         end
         -- Threads are not waited for, and with __WALL what a provider has started: no child of the program.
         if name == "wait4" and not rest:find("__WALL", 1, true) then
            children[rest:match("%d+")] = true
         end
      end
      for _, call in ipairs(calls) do
         call.child = children[call.pid]
      end
      return calls
   end

   local SILENT = {
      epoll_ctl = true, epoll_wait = true, epoll_pwait = true, timerfd_settime = true, shutdown = true,
      write = true, writev = true, sendmsg = true, sendto = true, sendmmsg = true,
      read = true, readv = true, recvmsg = true, recvfrom = true,
   }

   -- A child that only destroys says nothing on a descriptor that it has not opened itself.
   local function check_silence(calls)
      local seen, own = 0, {}
      for _, call in ipairs(calls) do
         if call.child then
            local opened = tonumber(call.rest:match("= (%d+)[^=]*$"))
            if call.name:find("^epoll_create") or call.name:find("^eventfd") or call.name:find("^open")
               or call.name:find("^socket$") or call.name:find("^timerfd_create") then
               own[opened or -1] = true
            elseif call.name:find("^pipe") then
               for fd in call.rest:match("%[(.-)%]"):gmatch("%d+") do
                  own[tonumber(fd)] = true
               end
            elseif call.name == "close" then
               seen = seen + 1
               own[call.fd] = nil
            elseif SILENT[call.name] and not own[call.fd] then
               error(call.name .. call.rest)
            end
         end
      end
      assert.truthy(seen > 5, "the child has closed nothing")
   end

   local function has_strace()
      if select(2, process.run("strace -qq -e trace=none true")) ~= 0 then
         pending("no strace here")
      end
   end

   for what, text in pairs{
      ["a state that is closed"] = "os.exit(0, true)",
      ["garbage that is collected"] = "requests, done = nil, nil; collectgarbage(); collectgarbage(); die()",
      ["requests that are closed"] = "for _, r in ipairs(requests) do r:close() end done:close() die()",
      ["requests that are asked"] = "for _, r in ipairs(requests) do forked(r) end die()",
   } do
      it("the child touches nothing that it shares: " .. what, function()
         has_strace()
         check_silence(trace(BEGIN .. ([[
            assert(wait(child(function() %s end)) == 0)]]):format(text) .. END))
      end)
   end

   -- ---- real hosts

   local room, id
   local function need_host()
      local ok, why = hosts.available()
      if not ok then
         pending("needs more rights: " .. why)
      end
      if not room then
         room = hosts.up("room1")
         id = room:session{ user = "alice" }
      end
      return ("id, servers = %q, { %q }\n"):format(id, room.server) .. BEGIN .. [[
         local connected = 0
         wms.configure{ log = function(_, text) connected = connected + (text:find("connected") and 1 or 0) end }
         finish(requests[1])
         assert(connected <= 1)
         connected = 0
         requests[2] = wms.start("unlock", { session_ids = id, server = servers[1] })
         requests[2]:pollfd()
      ]]
   end

   teardown(function()
      if room then
         hosts.down()
      end
   end)

   -- Not one connection more: the kept one is as good as before.
   local STILL = [[
      finish(requests[2])
      for i = 1, 5 do
         assert(wms.unlock{ session_ids = id, server = servers[1] })
      end
      assert(connected == 0, "the connection was lost")
      io.write("fine")
   ]]

   for what, text in pairs{
      ["closes its state"] = "os.exit(0, true)",
      ["collects its garbage"] = "requests, done = nil, nil; collectgarbage(); collectgarbage(); die()",
      ["exits"] = "os.exit(0)",
      ["asks and works"] = "forked(requests[1]) forked(requests[2]) work(servers[1]) work('memory://lab') os.exit(0, true)",
      ["forks"] = [[
         local mine = wms.start("unlock", { session_ids = id, server = servers[1], verify = 0 })
         assert(wait(child(function() forked(mine) work(servers[1]) end)) == 0)
         work(servers[1])]],
   } do
      it("a kept connection to a real host survives a child that " .. what, function()
         local output, code = script(need_host() .. ([[
            for i = 1, 5 do
               assert(wait(child(function() %s end)) == 0)
            end
            local pids = {}
            for i = 1, 5 do
               pids[i] = child(function() %s end)
            end]]):format(text, text) .. STILL .. "for i = 1, 5 do assert(wait(pids[i]) == 0) end")
         assert.same({ "fine", 0 }, { output, code })
      end)
   end

   for what, text in pairs{
      ["a state that is closed"] = "os.exit(0, true)",
      ["requests that are verified and closed"] = "watching:close() requests[2]:close() die()",
      ["requests that are asked"] = [[
         forked(watching)
         forked(requests[2])
         requests, watching = nil, nil
         collectgarbage()
         die()]],
   } do
      it("the child says nothing to the parent's host: " .. what, function()
         has_strace()
         check_silence(trace(need_host() .. ([[
            watching = wms.start("lock", { session_ids = id, server = servers[1], message = "m", verify = 2 })
            watching:wait(0.2)
            assert(wait(child(function() %s end)) == 0)
            watching:close()]]):format(text) .. STILL))
      end)
   end

   it("children of a program that loaded the provider early work with a real host", function()
      local output, code = script(need_host():match("^[^\n]*\n") .. [[
         wms.load{ "logind" }
         local pids = {}
         for i = 1, 10 do
            pids[i] = fork()
            if pids[i] == 0 then
               for _ = 1, 3 do
                  assert(wms.unlock{ session_ids = id, server = servers[1] })
               end
               os.exit(0, true)
            end
         end
         for i = 1, 10 do assert(wait(pids[i]) == 0) end
         io.write("fine")]])
      assert.same({ "fine", 0 }, { output, code })
   end)
end)
