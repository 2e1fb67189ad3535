-- SPDX-License-Identifier: MIT
--- `wms keep`: what it prints, how it ends, and how it goes on; with hosts inside of it, a real Linux, a MultiPoint host.
local cli = require "spec.support.cli"
local kit = require "spec.support.kit"
local logind = require "spec.support.logind"
local multipoint = require "spec.support.multipoint"
local process = require "spec.support.process"
local record = require "wms.keep.record"
local has, records = cli.has, cli.records

local HOSTS = [[
   local wms = require "wms"
   lab = wms.memory("lab", { sessions = {
      { session_id = 1, user_name = "teacher", is_admin = true }, { session_id = 2, user_name = "alice" },
      { session_id = 3, user_name = "eve\27[2J", locked = true },
   } })
   wms.memory("away", {}):refuse("UNREACHABLE")
   strict = wms.memory("strict", { sessions = { { session_id = 2, user_name = "bob" } } })
   strict:fail("lock", "ACCESS_DENIED")
   odd = wms.memory("odd", { sessions = { { session_id = 2, user_name = "carol" } } })
   odd:fail("unlock", "ACCESS_DENIED")
]]
local LOCK = "keep memory://lab --locked -m Exam --restore "

local function run(arguments, options)
   options = options or {}
   options.init = options.init or HOSTS
   return cli.run(arguments, options)
end

local function start(arguments, options)
   options = options or {}
   options.init = options.init or HOSTS
   return cli.start(arguments, options)
end

--- A file for a state, with this in it.
local function state_file(name, state)
   local path = cli.write(name, record.write(state))
   process.run("chmod 600 " .. path)
   return path
end

teardown(cli.sweep)

describe("wms keep #once", function()
   local runs = {
      people = LOCK .. "--after 3", json = LOCK .. "--after 3 --json", script = LOCK .. "--after 3 --lua",
      csv = "keep memory://strict --locked -m Exam --after 3 --csv",
   }
   local ENDS = {
      ["keep memory://lab --locked -m Exam --after 3 --quiet"] = { 0 },
      ["keep memory://strict --locked -m Exam --after 3 --quiet"] = { 1, "not locked: ", "ended (time): " },
      ["keep memory://odd --locked -m Exam --after 3 --restore --quiet"] = { 1, "not put back: ", "put back, 1 not" },
      ["keep memory://away --unlocked --after 3 --quiet"] = { 3, "memory://away: is lost: ", "It is tried again" },
      ["keep memory://lab memory://away --unlocked --after 3 --quiet"] = { 1, "memory://away: is lost: " },
      ["keep memory://lab --unlocked --file /proc/nowhere/x"] = { 1, "failed: cannot open /proc/nowhere/x" },
   }

   local silent -- a port where nobody answers

   setup(function() -- side by side, since they take some seconds
      silent = assert(require("socket").bind("127.0.0.1", 0))
      local host = "logind://127.0.0.1:" .. select(2, silent:getsockname())
      ENDS["keep memory://lab " .. host .. " --unlocked --after 3 --quiet"] = { 1, host .. ": was not reached by the end" }
      ENDS["keep " .. host .. " --unlocked --after 3 --quiet"] = { 3, host .. ": was not reached by the end" }
      for name, arguments in pairs(runs) do
         runs[name] = start(arguments)
      end
      for arguments, want in pairs(ENDS) do
         want.running = start(arguments)
      end
   end)

   teardown(function()
      silent:close()
   end)

   it("prints a line a report, and puts back at its end", function()
      local out, err, code = runs.people:finish()
      assert.same({ 0, "ended (time): 2 actions, 1 session put back\n" }, { code, err })
      local time = "%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d  "
      local lines = cli.lines(out)
      for i, want in ipairs{
         "is watched", ", session 2 %(alice%): locked", ", session 2 %(alice%): unlocked again, as it was",
      } do
         assert.truthy(lines[i]:find("^" .. time .. "memory://lab:? ?" .. want .. "$"), out)
      end
      assert.equal(3, #lines)
   end)

   it("keeps open, until a time, those who are chosen", function()
      local moment = os.date("%Y-%m-%d %H:%M", os.time() + 120)
      local running = start({ "keep", "memory://lab", "--unlocked", "-w", "id=3", "--until", moment })
      has(running:line("unlocked"), "session 3 (eve?[2J): unlocked")
      running:signal("TERM")
      local out, err, code = running:finish()
      assert.same({ 143, "interrupted: ended (stopped): 1 actions\n" }, { code, err })
      has(out, "stopped by SIGTERM")
   end)

   it("prints JSON, and CSV", function()
      local out, err, code = runs.json:finish()
      assert.same({ 0, "" }, { code, err })
      local list = records(out)
      assert.same({ "ready", "acted", "acted", "ended", "nil" }, kit.pluck(list, "kind"))
      local acted, ended, sum = list[2], list[4], list[5]
      assert.same({ "report", "memory://lab", 2, "alice", "lock", "found", "verified", true }, { acted.record, acted.server,
         acted.session_id, acted.user_name, acted.verb, acted.reason, acted.state, acted.changed })
      assert.same({ "time", 2, 1, 0, 0 }, { ended.reason, ended.actions, ended.restored, ended.left, ended.not_restored })
      assert.same({ "sum", "keep", 2, 0, false, 0 }, { sum.record, sum.command, sum.count, sum.failed, sum.interrupted,
         sum.exit })
      out, err, code = runs.csv:finish()
      assert.equal(1, code)
      local lines = cli.lines(out)
      has(lines[1], "time,kind,server,session_id,user_name,verb,reason,state,changed,code,message,")
      has(lines[3], ",acted,memory://strict,2,bob,lock,found,failed,,ACCESS_DENIED,\"memory://strict, session 2 (bob): ")
      has(err, "memory://strict, session 2 (bob): not locked: ", "Leave it out, or ask", "ended (time): ")
   end)

   it("exits with what has become of it", function()
      for arguments, want in pairs(ENDS) do
         local out, err, code = want.running:finish()
         assert.same({ want[1], "" }, { code, out }, arguments .. "\n" .. err)
         has(err, want[2] or "", want[3] or "")
         assert.equal(want[2] == nil, err == "", err)
      end
      local out, _, code = run("keep memory://lab --unlocked --json --file /proc/nowhere/x")
      local list = records(out)
      assert.same({ 1, "outcome", "ACCESS_DENIED", 1 }, { code, list[1].record, list[1].code, list[2].exit })
   end)

   it("is stopped in order by a first signal, and at once by a second one: the file stays, and goes on", function()
      local path = state_file("twice.keep", { locked = true, servers = { "memory://lab", "memory://away" },
         message = "Exam", restore = true, limit = 3, grace = 300,
         changed = { { server = "memory://away", session_id = 1 } } })
      local running = start{ "keep", "--file", path }
      has(running:line(), "goes on from " .. path)
      running:line("alice): locked")
      running:signal("INT")
      running:line("stopped by SIGINT")
      running:line("alice): unlocked again")
      running:insist("INT")
      local _, err, code = running:finish()
      assert.equal(130, code)
      has(err, "stopped by SIGINT at once: what was not put back is written down; 'wms keep --file " .. path .. "' goes on")
      local kept = record.read(assert(io.open(path)):read("*a"))
      assert.same({ "memory://away" }, kit.pluck(kept.changed, "server"))
      assert.is_true(kept.ending)

      local out
      out, err, code = run({ "keep", "--file", path }, { init = 'require("wms").memory("lab", {})\n'
         .. 'require("wms").memory("away", { sessions = { { session_id = 1, locked = true } } })' })
      assert.equal(0, code, err)
      has(out, "its time is over", "memory://away, session 1: unlocked again")
      assert.is_nil(io.open(path))
   end)

   it("takes a signal that comes twice, as from timeout, for one", function()
      local running = start("keep memory://lab memory://away --locked -m Exam --restore")
      running:line("alice): locked")
      process.run(("kill -TERM %s; kill -TERM %s"):format(running.pid, running.pid))
      has(running:line("again"), "alice): unlocked again")
      running:insist("TERM")
      assert.equal(143, select(3, running:finish()))
   end)

   it("says without a file what a second signal leaves", function()
      local running = start("keep memory://odd memory://lab --locked -m Exam --restore", { init = HOSTS .. [[
         odd:fail("unlock", "TIMEOUT") -- is tried again, as long as there is time
      ]] })
      running:line("alice): locked")
      running:signal("TERM")
      running:line("alice): unlocked")
      running:insist("TERM")
      local _, err, code = running:finish()
      assert.equal(143, code, err)
      has(err, "at once: what was not put back stays as it is")
   end)

   it("refuses another room in the same file, and says how to end the first", function()
      local path = state_file("busy.keep", { locked = true, servers = { "memory://lab" }, message = "Exam", restore = true,
         limit = 3, grace = 300, changed = {} })
      local _, err, code = run{ "keep", "memory://odd", "--locked", "-m", "Exam", "--file", path }
      assert.equal(1, code)
      has(err, "end that with 'wms keep --file " .. path .. "', or give another file")
      assert.truthy(os.remove(path))
   end)

   it("leaves its state for the next start when the machine goes down", function()
      local folder = cli.folder()
      process.run(("mkdir -p %s/bin && printf '#!/bin/sh\necho stopping\n' >%s/bin/systemctl && chmod 755 %s/bin/systemctl")
         :format(folder, folder, folder))
      local path = folder .. "/down.keep"
      local running = start(LOCK .. "--file " .. path, { environment = ("PATH=%s/bin:$PATH"):format(folder) })
      running:line("alice): locked")
      running:signal("TERM")
      local out, _, code = running:finish()
      assert.equal(143, code)
      has(out, "the machine is going down: goes on after the next start")
      assert.same({ 2 }, kit.pluck(record.read(assert(io.open(path)):read("*a")).changed, "session_id"))
      os.remove(path)
   end)

   it("keeps the room when nobody reads what it prints any more", function()
      local here = process.run("pwd"):match("%S+")
      local path = cli.write("unread.lua", HOSTS .. [[
         local is_unlocked, timer = false, nil
         timer = require("wms.loop.waiting").timer(function()
            if lab:session(2).locked and is_unlocked then
               os.execute("kill -TERM $PPID")
            elseif lab:session(2).locked then
               lab:unlock(2)
               is_unlocked = true
            end
            timer:set(0.1)
         end)
         timer:set(0.1)
      ]])
      local text = process.run(([[
         cd %s
         mkfifo pipe
         (timeout 60 env LUA_INIT=@%s LUA_PATH='%s/lua/?.lua;;' LUA_CPATH=%s %s %s/bin/wms %s >pipe 2>err; echo $? >code) &
         head -n 1 <pipe
         wait
         cat code err]]):format(cli.folder(), path, here, process.quote((package.cpath:gsub("%./", here .. "/"))),
         process.lua(), here, LOCK))
      has(text, "is watched\n", "\n143\ninterrupted: ended (stopped): 3 actions, 1 session put back\n")
   end)

   it("ends with 70 when errors are raised again and again, and says each once", function()
      local _, err, code = run(LOCK, { init = HOSTS .. [[
         require("wms.loop.poll").turn = function() error("not enough memory", 0) end
      ]] })
      assert.equal(70, code)
      assert.equal(2, #cli.lines(err), err)
      has(err, "not enough memory", "\nended at once: ")
   end)

   it("fits into a terminal, and ends by Ctrl-C", function()
      local text, code = cli.terminal(LOCK .. "memory://away", 70, { "alice.: locked", "\\x03" }, { init = HOSTS })
      assert.equal(130, code)
      assert.truthy(text:find("\n%d%d:%d%d:%d%d  memory://lab, session 2 %(alice%): locked\n"), text)
      has(text, "\27[31mmemory://away: is lost", "stopped by SIGINT", "alice): unlocked again")
      for _, line in ipairs(cli.lines(text)) do
         local plain = line:gsub("\27%[[%d;]*m", ""):gsub("\r", ""):gsub("%^C", "")
         assert.is_true(#plain <= 70, plain)
      end
   end)

   it("is a script, too", function()
      local out, err, code = runs.script:finish()
      assert.same({ "", 0 }, { err, code })
      out, code = process.run(("LUA_INIT=@%s LUA_PATH='./lua/?.lua;;' LUA_CPATH=%s %s %s"):format(cli.script(HOSTS),
         process.quote(package.cpath), process.lua(), cli.write("script.lua", out)))
      assert.equal(0, code, out)
      has(out, "alice): locked", "ended (time): 2 actions, 1 session put back")
   end)
end)

describe("wms keep and hosts #once", function()
   teardown(function()
      if not logind.missing() then
         logind.down()
      end
      multipoint.down()
   end)

   kit.needing(pending, logind.missing)("goes on after SIGKILL by the name of its file, and ends what was begun", function()
      finally(logind.sweep)
      local host = logind.host{ sessions = { {}, { locked = true } } }
      local home = { environment = "XDG_STATE_HOME=" .. cli.folder() }
      local running = cli.start({ "keep", host.server, "--locked", "-m", "Exam", "--restore", "--file", "exam" }, home)
      running:line(", session " .. host.ids[1] .. " (alice): locked")
      process.run("pkill -KILL -P " .. running.pid) -- not what ends it after a minute
      running:finish()
      assert.is_true(host.locked(host.ids[1]))
      host.unlock(host.ids[1]) -- nobody keeps it now
      running = cli.start({ "keep", "--file", "exam" }, home)
      has(running:line(), "goes on from " .. cli.folder() .. "/wms/exam.keep: 1 session changed so far")
      running:line(", session " .. host.ids[1] .. " (alice): locked")
      running:signal("INT")
      local _, err, code = running:finish()
      assert.same({ 130, "interrupted: ended (stopped): 2 actions, 1 session put back\n" }, { code, err })
      assert.same({ false, true }, { host.locked(host.ids[1]), host.locked(host.ids[2]) })
   end)

   kit.needing(pending, multipoint.missing)("has the bindings that a service is given as credentials", function()
      finally(multipoint.sweep)
      local lab = multipoint.new{}
      lab:session{ id = 3, user = "alice", flags = 36 }
      local _, err, code = cli.run({ "bind", lab.server, "-u", lab.admin, "--fingerprint", lab.fingerprint, "--password-fd",
         "0" }, { input = lab.password .. "\n" })
      assert.equal(0, code, err)
      -- As LoadCredential=bindings:FOLDER passes them on.
      process.run(("cd %s; mkdir credentials; for file in $(find config -name '*.binding'); do "
         .. "mv $file credentials/bindings_${file##*/}; done"):format(cli.folder()))
      local running = cli.start({ "keep", lab.server, "--locked", "-m", "Exam", "--restore" },
         { environment = ("CREDENTIALS_DIRECTORY=%s/credentials"):format(cli.folder()) })
      running:line("session 3 (alice): locked")
      assert.equal("Exam", lab:sessions()[3].message)
      running:signal("TERM")
      _, err, code = running:finish()
      assert.equal(143, code, err)
      has(err, "1 session put back")
   end)
end)

