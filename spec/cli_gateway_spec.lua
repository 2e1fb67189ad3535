-- SPDX-License-Identifier: MIT
--- `wms veyon-gateway`, with a stand-in for veyon-cli that starts the specs' own gateway.
local cli = require "spec.support.cli"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local support = require "spec.support.veyon"
local has = cli.has

local STAND_IN = [[#!/bin/sh
case "$*" in
"config get WebAPI/HttpServerPort")
   echo "$GATEWAY_PORT" ;;
"webapi runserver")
   echo started >>"$GATEWAY_STARTS"
   [ -z "$GATEWAY_FAULT" ] || { echo "[ERROR] $GATEWAY_FAULT" >&2; echo '[FAIL]'; exit 255; }
   [ -z "$GATEWAY_SILENT" ] || exec sleep 60
   exec python3 -B "$GATEWAY_TREE/spec/host/veyon/gateway.py" --port "$GATEWAY_PORT" >"$GATEWAY_TOLD" ;;
*)
   exit 255 ;;
esac
]]

-- A lesson on a host of the gateway: it is bound to, locked, and looked at.
local LESSON = [[
   local veyon, wms = require "spec.host.veyon", require "wms"
   local gateway = veyon.join(io.open(os.getenv "GATEWAY_TOLD"))
   local host = gateway:host "lab01"
   assert(wms.bind{ server = host.server, key_name = "lab", key_file = arg[1], gateway = gateway.url })
   local list = assert(wms.lock{ server = host.server, session_ids = 0, message = "m", verify = 30, timeout = 60 })
   print(list[1].state, host:state().locked, arg[2])
   os.exit(7)
]]

-- Tells whether anybody listens, after it has closed what descriptors it may have from those who started it.
local LOOK = [[python3 -c 'import os, socket, sys
os.closerange(3, 1000)
print(socket.socket().connect_ex(("127.0.0.1", int(os.environ["GATEWAY_PORT"]))))']]

support.describe("wms veyon-gateway #once", pending, function()
   local port, environment, path

   --- Whether anybody listens at the port.
   local function is_there()
      local client = require "socket".connect("127.0.0.1", port)
      if client then
         client:close()
      end
      return client ~= nil
   end

   local function await_end()
      kit.await(function() return not is_there() end, nil, 60)
   end

   --- How many gateways the stand-in has started.
   local function starts()
      return #cli.lines(assert(io.open(cli.folder() .. "/starts")):read("*a"))
   end

   local function options(more)
      return { environment = environment .. " " .. (more or "") }
   end

   local function run(arguments, more)
      return cli.run("veyon-gateway " .. arguments, options(more))
   end

   --- Starts one with a program that prints a line, and goes on until the returned function is called.
   local function begin(name)
      local fifo = cli.folder() .. "/" .. name
      process.run("mkfifo " .. fifo)
      local running = cli.start(("veyon-gateway -- sh -c 'echo there; exec cat %s'"):format(fifo), options())
      assert.equal("there", running:line())
      return running, function()
         process.run("echo over >" .. fifo)
         assert.same({ "over\n", "", 0 }, { running:finish() })
      end
   end

   before_each(function()
      local server = assert(require "socket".bind("127.0.0.1", 0))
      port = select(2, server:getsockname())
      server:close()
      process.run("mkdir -p " .. cli.folder() .. "/bin")
      path = cli.folder() .. "/bin:" .. os.getenv "PATH"
      process.run("chmod +x " .. cli.write("bin/veyon-cli", STAND_IN))
      cli.write("starts", "")
      environment = ("PATH='%s' GATEWAY_PORT=%s GATEWAY_TOLD=%s/told GATEWAY_STARTS=%s/starts GATEWAY_TREE=%s")
         :format(path, port, cli.folder(), cli.folder(), process.run("pwd"):match("%S+"))
   end)

   teardown(cli.sweep)

   it("has a gateway for a program, whose exit code it has", function()
      local script = cli.script(LESSON)
      local out, err, code = run(("-- %s %s %s 'two  words'"):format(process.lua(), script, support.key()),
         "LUA_PATH='./lua/?.lua;./?.lua;./?/init.lua;;'")
      assert.same({ "verified\t1\ttwo  words\n", "", 7 }, { out, err, code })
      await_end()
      assert.equal(1, starts())
      err = select(2, cli.run "list veyon://lab01") -- the lesson has bound us to it
      has(err, ("no WebAPI of Veyon listens at port %d"):format(port), "'wms veyon-gateway' starts it")
   end)

   it("is there for programs that close all descriptors", function()
      assert.same({ "0\n", "", 0 }, { run("-- " .. LOOK) })
      await_end()
   end)

   it("uses one that runs, and leaves it", function()
      local gateway = support.own{ port = port }
      assert.same({ "0\n", "", 0 }, { run("-- " .. LOOK) })
      local running = cli.start("veyon-gateway", options())
      assert.equal("http://127.0.0.1:" .. port, running:line())
      running:signal "TERM"
      assert.equal(143, (select(3, running:finish())))
      assert.is_number(gateway:counts().connections)
      assert.equal(0, starts())
   end)

   it("ends with the last of several that use it", function()
      local _, finish_one = begin "one"
      local _, finish_two = begin "two"
      finish_one()
      assert.same({ "0\n", "", 0 }, { run("-- " .. LOOK) })
      assert.is_true(is_there())
      finish_two()
      await_end()
      assert.equal(1, starts())
   end)

   it("is there for all of many that start at once", function()
      local list = {}
      for i = 1, 6 do
         list[i] = cli.start("veyon-gateway -- " .. LOOK, options())
      end
      for _, running in ipairs(list) do
         assert.same({ "0\n", "", 0 }, { running:finish() })
      end
      await_end()
   end)

   for signal, code in pairs{ TERM = 143, INT = 130, HUP = 129 } do
      it("without a program tells where it is, and goes on until SIG" .. signal, function()
         local running = cli.start("veyon-gateway", options())
         assert.equal("http://127.0.0.1:" .. port, running:line())
         assert.is_true(is_there())
         running:signal(signal)
         assert.same({ "", "", code }, { running:finish() })
         await_end()
      end)
   end

   it("ends on a signal while it waits for veyon-cli", function()
      local running = cli.start("veyon-gateway", options "GATEWAY_SILENT=yes")
      kit.await(function() return starts() == 1 end, nil, 60)
      running:signal "TERM"
      assert.same({ "", "", 143 }, { running:finish() })
   end)

   --- Kills the program itself, which cli.start has put into another one's care.
   local function kill(running)
      process.run(("kill -KILL $(cat /proc/%s/task/%s/children)"):format(running.pid, running.pid))
      assert.equal(137, (select(3, running:finish())))
      await_end()
   end

   it("ends with what needs it, also when that is killed", function()
      local running = begin "terminated"
      running:signal "TERM"
      assert.equal(143, (select(3, running:finish())))
      await_end()
      kill((begin "killed"))
      running = cli.start("veyon-gateway", options())
      running:line()
      kill(running)
   end)

   it("tells that it has ended before its time", function()
      local running = cli.start("veyon-gateway", options())
      running:line()
      process.run("kill -KILL " .. assert(io.open(cli.folder() .. "/told")):read("*l"):match("^control %d+ (%d+)"))
      local _, err, code = running:finish()
      assert.equal(1, code)
      has(err, "wms: the gateway has ended: it does not say why")
   end)

   it("gives no key to a listener of somebody else's", function()
      if not support.is_root() then
         pending("only root can be another user")
         return
      end
      support.own{ port = port, uid = 65534 }
      local out, err, code = run "-- echo no"
      assert.same({ "", 1 }, { out, code })
      has(err, ("what listens at port %d belongs to the user with the number 65534, and not to root or to you")
         :format(port))
      assert.equal(0, starts())
   end)

   it("says why veyon-cli does not start", function()
      local out, err, code = run("-- echo no", "GATEWAY_FAULT='Failed to start WebAPI server'")
      assert.same({ "", "wms: veyon-cli has ended: Failed to start WebAPI server\n", 1 }, { out, err, code })
   end)

   it("says that veyon-cli is not installed", function()
      local out, err, code = run("-- echo no", "PATH=/nonexistent")
      assert.same({ "", 1 }, { out, code })
      has(err, "wms: veyon-cli is not installed; install it (Debian: veyon-service and veyon-plugins)")
   end)

   it("says that there is no folder for its lock, or none that can be written to", function()
      local _, err, code = run("-- echo no", "HOME= XDG_STATE_HOME=")
      assert.equal(1, code)
      has(err, "wms: there is no folder for its lock; set HOME or XDG_STATE_HOME")
      _, err, code = run("-- echo no", "XDG_STATE_HOME=/proc/nowhere")
      assert.equal(1, code)
      has(err, ("wms: cannot open /proc/nowhere/wms/veyon-gateway-%d.lock: "):format(port))
      assert.equal(0, starts())
   end)

   it("says that the program is not there, as shells do", function()
      assert.same({ "", "wms: cannot run /nowhere/program: No such file or directory\n", 127 },
         { run "-- /nowhere/program" })
      await_end()
   end)

   for words, want in pairs{
      ["lock -m x"] = "unknown option '-m'", ["lock"] = "give it behind --: wms veyon-gateway -- lock",
      ["lock -- x"] = "give it behind --: wms veyon-gateway -- lock",
      ["--lua"] = "--lua: it is about this machine's gateway alone; leave it out", ["--demo -- x"] = "--demo: ",
      ["--config /nonexistent"] = "--config: ", ["x --help -- y"] = false, ["--help -- y"] = false,
   } do
      it("is misused by '" .. words .. "', or asked for help", function()
         local out, err, code = run(words)
         assert.equal(want and 2 or 0, code, err)
         has(want and err or out, want or "Usage: wms veyon-gateway [-- PROGRAM...]\n")
         assert.equal(0, starts())
      end)
   end
end)
