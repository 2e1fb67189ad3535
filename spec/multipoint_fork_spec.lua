-- SPDX-License-Identifier: MIT
--- After a fork, with connections to MultiPoint hosts that are kept: the parent's are the parent's alone.
local bound = require "spec.support.bound"
local process = require "spec.support.process"

local build = os.getenv("WMS_BUILD") or "build"

-- The host is played by a process of its own, which the parent alone talks to.
local BEGIN = [==[
   local mp = require "spec.host.multipoint"
   local park = mp.start{ hosts = { { name = "lab01", subject = "127.0.0.1" } } }
   lab = park.lab01
   server = "multipoint://127.0.0.1:" .. lab.http
   for id = 3, 6 do lab:session{ id = id, user = "user" .. id, flags = 44 } end
   assert(wms.bind{ server = server, user_name = lab.admin, password = lab.password, fingerprint = lab.fingerprint })
   lab:on("StopLockingSession", { delay = 200, times = 3 }) -- so that they need a connection each
   assert(wms.unlock{ server = server, session_ids = { 3, 4, 5 } })
   assert(lab:counts().connections_https == 3, "several connections")
   lab:reset()

   local wait_for = wait
   function wait(pid)
      local code, signal = wait_for(pid)
      if code ~= 0 then
         io.stderr:write(("a child ended with code %s, by signal %s\n"):format(tostring(code), tostring(signal)))
      end
      return code
   end

   function unlock()
      assert(assert(wms.unlock{ server = server, session_ids = 3 })[1].state == "requested")
   end

   function started()
      lab:on("StopLockingSession", { never = true })
      local request = wms.start("unlock", { server = server, session_ids = 6, timeout = 20 })
      request:pollfd()
      while (lab:counts().StopLockingSession or 0) == 0 do request:wait(0.005) end
      return request
   end

   function forked(request)
      local list, message, err = request:result()
      assert(list == nil and err.code == "FORKED", message)
   end

   function child(run, ...)
      local pid = fork()
      if pid == 0 then
         local ok, message = pcall(run, ...)
         if not ok then
            io.stderr:write(tostring(message), "\n")
         end
         os.exit(ok and 0 or 1)
      end
      return pid
   end

   --- Not one connection nor handshake more than those of children.
   function same(connections)
      unlock()
      local counts = lab:counts()
      if counts.connections_https ~= connections or counts.handshakes ~= connections then
         error(("connections %d, handshakes %d"):format(counts.connections_https, counts.handshakes))
      end
   end
]==]

local CHILDREN = {
   ["exits"] = { "os.exit(0)", 0 },
   ["dies"] = { "die()", 0 },
   ["closes its state"] = { "os.exit(0, true)", 0 },
   ["collects its garbage"] = { "request = nil; collectgarbage(); collectgarbage(); die()", 0 },
   ["asks"] = { "if request then forked(request) end die()", 0 },
   ["closes the request"] = { "if request then request:cancel() request:close() end os.exit(0, true)", 0 },
   ["unlocks by itself"] = { "unlock() unlock() os.exit(0, true)", 1 },
   ["unlocks by itself, and just exits"] = { "if request then forked(request) end unlock() die()", 1 },
   ["waits for an answer, and exits"] = { [[
      local mine = wms.start("unlock", { server = server, session_ids = 4 })
      mine:pollfd()
      mine:step()
      os.exit(0, true)]] },
   ["forks"] = { [[
      unlock()
      assert(wait(child(function() if request then forked(request) end unlock() os.exit(0, true) end)) == 0)
      unlock()
      os.exit(0, true)]], 2 },
   ["unbinds nothing of its parent's"] = { "request = nil wms.bindings() os.exit(0, true)", 0 },
}

bound.describe("after a fork with MultiPoint hosts #once", pending, function()
   local environment

   before_each(function()
      environment = select(2, bound.folder())
   end)

   local function script(text, wrap)
      return process.run(("%s ASAN_OPTIONS=detect_leaks=0 WMS_BUILD=%s LUA_PATH='./?.lua;./?/init.lua;;' "
         .. "LUA_CPATH='%s/5.4/?.so;;' timeout 120 %s %s lua - <<'END'\n%s\nEND"):format(environment, build, build,
         wrap or "", process.program("fork"), BEGIN .. text .. "\nio.write('fine')\npark:stop()"))
   end

   for what, case in pairs(CHILDREN) do
      it("kept connections are the parent's beside a child that " .. what, function()
         local output, code = script(([[
            local before = 0
            for i = 1, 2 do
               assert(wait(child(function() %s end)) == 0)
               %s
            end
            local pids = {}
            for i = 1, 4 do pids[i] = child(function() %s end) end
            unlock()
            for i = 1, 4 do assert(wait(pids[i]) == 0) end
            %s]]):format(case[1], case[2] and ("same(i * %d)"):format(case[2]) or "unlock()", case[1],
            case[2] and ("same(6 * %d)"):format(case[2]) or "unlock()"))
         assert.same({ "fine", 0 }, { output, code })
      end)

      it("a request under way is answered beside a child that " .. what, function()
         local output, code = script(([[
            request = started()
            local parents = request
            for i = 1, 2 do
               assert(wait(child(function() %s end)) == 0)
            end
            lab:clear()
            assert(parents:wait(20))
            assert(assert(parents:result())[1].state == "requested")
            assert(lab:counts().StopLockingSession >= 1)
            %s]]):format(case[1]:gsub("local mine = .-os%.exit", "os.exit"),
            case[2] and ("same(2 * %d)"):format(case[2]) or "unlock()"))
         assert.same({ "fine", 0 }, { output, code })
      end)
   end

   it("a handshake under way is the parent's as well", function()
      local output, code = script([[
         -- A host that this process has no connection to yet: a child has bound it.
         lab = park:host{ name = "lab02", subject = "127.0.0.1" }
         server = "multipoint://127.0.0.1:" .. lab.http
         for id = 3, 6 do lab:session{ id = id, user = "user" .. id, flags = 44 } end
         lab:on("StopLockingSession", { delay = 2000 }) -- it cannot be done with one step, however slow this process is
         assert(wait(child(function()
            assert(wms.bind{
               server = server, user_name = lab.admin, password = lab.password, fingerprint = lab.fingerprint,
            })
            os.exit(0, true)
         end)) == 0)
         local request = wms.start("unlock", { server = server, session_ids = 6 })
         request:pollfd()
         request:step()
         assert(not request:done())
         assert(wait(child(function() forked(request) unlock() os.exit(0, true) end)) == 0)
         assert(request:wait(20))
         assert(assert(request:result())[1].state == "requested")]])
      assert.same({ "fine", 0 }, { output, code })
   end)

   it("a function of wms.multipoint that is under way is the parent's alone", function()
      local output, code = script([[
         package.path = "./lua/?.lua;" .. package.path
         local multipoint = require "wms.multipoint"
         lab:on("GetServerVersion", { never = true })
         local request = multipoint.start("version", server)
         while (lab:counts().GetServerVersion or 0) == 0 do request:wait(0.005) end
         assert(wait(child(function()
            forked(request)
            assert(request:done() and request:wait() and request:step())
            request:cancel()
            request:close()
            assert(multipoint.remap(server)[1].state == "requested") -- its own engine, its own connections
            os.exit(0, true)
         end)) == 0)
         lab:clear()
         assert(request:wait(20))
         assert(assert(request:result()).server_version == "10.0.14393.0")
         assert(#assert(multipoint.stations(server)) == 0)]])
      assert.same({ "fine", 0 }, { output, code })
   end)

   -- ---- what the kernel sees

   --- What a child with these sockets of its parent says on them.
   local function said_by_child(text, before)
      if select(2, process.run("strace -qq -e trace=none true")) ~= 0 then
         pending("no strace here")
      end
      local file = process.run("mktemp"):match("%S+")
      finally(function() os.remove(file) end)
      local output, code = script(([[
         %s
         local pid = child(function() %s end)
         assert(wait(pid) == 0)
         io.write(pid, " ")
         same(%s)]]):format(before or "", text, "lab:counts().connections_https"),
         "strace -f -qq -e signal=none -e trace=desc,network,process -o " .. file)
      assert.equal(0, code, output)
      local pid = output:match("^(%d+) fine$")
      assert.truthy(pid, output)
      local said, own, closed = {}, {}, 0
      local begun -- strace tells a call in two lines when another process does something in between
      for whole in io.lines(file) do
         local line = whole
         local first, last = line:match("^(" .. pid .. " .-) *<unfinished ...>$"),
            line:match("^" .. pid .. " +<%.%.%. [%w_]+ resumed>(.*)$")
         begun, line = first or begun, last and begun and begun .. last or first and "" or line
         local name, rest = line:match("^" .. pid .. " +([%w_]+)(%(.*)$")
         local fd = rest and tonumber(rest:match("^%((%d+)"))
         local opened = rest and tonumber(rest:match("= (%d+)[^=]*$"))
         if name and (name:find("^socket") or name:find("^open") or name:find("create") or name == "eventfd2"
            or name:find("^pipe")) then
            own[opened or -1] = true
            for number in (name:find("^pipe") and rest:match("%[(.-)%]") or ""):gmatch("%d+") do
               own[tonumber(number)] = true
            end
         elseif name == "dup3" or name == "dup2" then
            own[tonumber(rest:match("^%(%d+, (%d+)"))] = true -- what was there is gone
         elseif name == "close" then
            closed = closed + 1
            own[fd] = nil
         elseif fd and not own[fd] and (name:find("^write") or name:find("^send") or name:find("^recv")
            or name:find("^epoll") or name:find("^read") or name:find("^timerfd") or name == "shutdown"
            or name == "setsockopt") then
            said[#said + 1] = name .. rest
         end
      end
      return said, closed
   end

   for what, case in pairs{
      ["closes its state"] = { "os.exit(0, true)" },
      ["closes its state, with a request under way"] = { "os.exit(0, true)", "request = started()" },
      ["closes the request"] = { "request:cancel() request:close() os.exit(0, true)", "request = started()" },
      ["collects its garbage"] = {
         "forked(request) request = nil collectgarbage() collectgarbage() os.exit(0, true)", "request = started()",
      },
      ["unlocks by itself"] = { "unlock() os.exit(0, true)" },
   } do
      it("the parent's sockets hear nothing from a child that " .. what, function()
         local said, closed = said_by_child(case[1], case[2])
         assert.same({}, said)
         assert.is_true(closed > 3)
      end)
   end
end)
