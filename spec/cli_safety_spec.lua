-- SPDX-License-Identifier: MIT
--- The program `wms` harms nobody who is not meant, believes no host, and says how it ended.
local cli = require "spec.support.cli"
local process = require "spec.support.process"
local dkjson = require "dkjson"
local has = cli.has

local function lacks(text, ...)
   for _, part in ipairs{ ... } do
      assert(not text:find(part, 1, true), ("'%s' is in:\n%s"):format(part, text))
   end
end

teardown(cli.sweep)

describe("wms means what it is told #once", function()
   it("and says when an exclusion takes nothing out of what ends nobody", function()
      local out, err, code = cli.run("--demo unlock --all -s @room1 -s '!lab2' --except user=Bob,bbo")
      assert.equal(0, code, out)
      has(err, "-s '!memory://lab2': it takes nothing out\n",
         "--except user=Bob: it takes nobody out; did you mean 'bob' (case counts)?\n",
         "--except user=bbo: it takes nobody out; did you mean 'bob'?\n")
      lacks(select(2, cli.run("--demo unlock --all -s @room1 -s '!lab02' --except user=bob")), "takes")
   end)

   it("and looks before it ends those of a choice", function()
      local out, err, code = cli.run("--demo close -s @room1 --all --except user=teacher,bob --yes")
      assert.same({ 0, "6 requested\n" }, { code, err })
      lacks(out, "bob")
      out, err, code = cli.run("--demo close -s @room1 --all --where locked=yes --except user=alice --yes --csv")
      assert.same({ 0, "" }, { code, err })
      has(out, "memory://lab03,1,erin,requested")
      lacks(out, "alice")
   end)

   it("and goes on, when it is sure, where an exclusion takes nobody out: he may be away", function()
      local out, err, code = cli.run("--demo close -s lab02 --all --except user=teacher --yes")
      assert.same({ 0, "--except user=teacher: it takes nobody out\n2 requested\n" }, { code, err }, out)
   end)

   it("and ends nobody when no host tells its sessions, or nobody is meant", function()
      local init = 'require "wms".memory("away", {}):refuse("UNREACHABLE")'
      local _, err, code = cli.run("close --all -s memory://away --except user=bob --yes", { init = init })
      assert.equal(3, code)
      has(err, "failed: memory://away: the host refuses connections", "1 failed")
      lacks(err, "takes", "--retries")
      _, err, code = cli.run("--demo close -s lab01 -w user=zoe --yes")
      assert.same({ 0, "--where user=zoe: nobody is meant by it\nno session is meant\n" }, { code, err })
   end)

   it("and says when nobody is meant, also when it is quiet", function()
      for arguments, want in pairs{
         ["lock -s lab01 -w user=zoe -m x -q"] = "--where user=zoe: nobody is meant by it\n",
         ["list -w state=connectedtostation --csv"] = "--where state=connectedtostation: nobody is meant by it; "
            .. "did you mean 'ConnectedToStation' (case counts)?\n",
         ["list -w user=alice,ALICE --json"] =
            "--where user=ALICE: nobody is meant by it; did you mean 'alice' (case counts)?\n",
         ["list -w id=3 -s lab01 -q"] = "",
      } do
         local _, err, code = cli.run("--demo " .. arguments)
         assert.same({ 0, want }, { code, err }, arguments)
      end
   end)

   it("and fails when a user is not there, as with an id", function()
      for arguments, want in pairs{
         ["unlock -u alice,zoe"] = "--user zoe: no such user is logged on\n1 requested, 1 user not found\n",
         ["close -u alice -u zoe -s @room1 --yes"] =
            "--user zoe: no such user is logged on\n1 requested, 1 user not found\n",
         ["close -u zoe -s @room1 -n"] = "--user zoe: no such user is logged on\n1 user not found\n",
         ["lock -s lab01 -u ALICE,blb -m x -q"] = "--user ALICE: no such user is logged on; did you mean 'alice' (case "
            .. "counts)?\n--user blb: no such user is logged on; did you mean 'bob'?\n2 users not found\n",
         ["list -u zoe"] = "--user zoe: no such user is logged on\n0 sessions, 1 user not found\n",
      } do
         local _, err, code = cli.run("--demo " .. arguments)
         assert.same({ 1, want }, { code, err }, arguments)
      end
      local out, _, code = cli.run("--demo unlock -u zoe,alice,teacher --json")
      assert.equal(1, code)
      has(out, '"failed":0', '"not_found":1,"exempt":1', '"exit":1')
   end)

   it("and tells who is exempt from who is not there", function()
      local want = "exempt, as an administrator's session is: neither --all nor a user's name commands it\n"
      local _, err, code = cli.run("--demo lock -u teacher -m x")
      assert.same({ 1, "--user teacher: " .. want .. "1 user exempt\n" }, { code, err })
      _, err, code = cli.run("--demo close -w user=teacher -y -s @room1")
      assert.same({ 0, "--where user=teacher: " .. want .. "no session is meant\n" }, { code, err })
      for arguments, sum in pairs{ ["unlock --all --except user=teacher"] = "7 requested\n",
         ["close -s @room1 --all --except user=teacher -y"] = "7 requested\n", ["list -u teacher"] =
         "1 session on 1 host\n" } do
         _, err, code = cli.run("--demo " .. arguments)
         assert.same({ 0, sum }, { code, err }, arguments)
      end
      local init = 'require "wms".memory("own", { sessions = { { session_id = 4, user_name = "me", is_own = true } } })'
      _, err, code = cli.run("close -u me -y -s memory://own", { init = init })
      assert.same({ 1, "--user me: your own session, which only --self and its id end\n1 user exempt\n" }, { code, err })
   end)

   it("and checks with --what-if what it checks without", function()
      for _, how in ipairs{ "-n", "-y" } do
         local out, err, code = cli.run("--demo close -s @room1 --all --except user=Bob " .. how)
         assert.same({ "", 2 }, { out, code })
         has(err, "--except user=Bob: it takes nobody out, so nothing was done; did you mean 'bob' (case counts)?")
      end
   end)

   it("and knows what may be mistyped", function()
      local near = require "wms.cli.near"
      for _, pair in ipairs{ "alice alic", "alice lice", "alice aliice", "alice alcie", "alice alixe", "alice ALICEE",
         "abc acb", "abc abd" } do
         local one, other = pair:match("(%S+) (%S+)")
         assert.is_true(near.is(one, other) and near.is(other, one), pair)
      end
      for _, pair in ipairs{ "alice ali", "alice ecila", "alice alice", "alice bob", "ab ac", "alice xlicy" } do
         local one, other = pair:match("(%S+) (%S+)")
         assert.is_false(near.is(one, other) or near.is(other, one), pair)
      end
   end)

   it("and tells in a script what that does not do", function()
      local out = cli.run("--lua close --all -s memory://lab --except user=bob")
      has(out, "-- This logs off all of the chosen sessions on memory://lab. The program asks whether it is meant;",
         "-- The program looks first whether `except` takes somebody out; this script does not.\n")
      lacks((cli.run("--lua close --all -s memory://lab --yes")), "The program")
   end)

   it("and takes self for an id", function()
      local _, err, code = cli.run("unlock self -s memory://own",
         { init = 'require "wms".memory("own", { sessions = { { session_id = 4, user_name = "me", is_own = true } } })' })
      assert.same({ 0, "1 requested\n" }, { code, err })
   end)

   it("and sends no packet from the made-up room", function()
      local trace = cli.folder() .. "/trace"
      local out, err, code = cli.run("--demo wake lab01 --mac 02:11:22:33:44:55 --network 127.0.0.7 --verify=1", {
         init = ([[local wms = require "wms"
            local start = wms.start
            wms.start = function(call, options)
               io.open(%q, "w"):write(call, " ", tostring(options.what_if)):close()
               return start(call, options)
            end]]):format(trace) })
      assert.same({ 0, "1 would be woken\n" }, { code, err }, out)
      assert.equal("wake true", io.open(trace):read("*a"))
      has(cli.run("--demo --lua wake lab01"), "what_if = true")
   end)

   it("and takes settings that it may not read for an error", function()
      local folder = cli.folder() .. "/config/wms"
      process.run("mkdir -p " .. folder .. "/config.lua") -- a folder can be opened by root, and not be read
      local open = io.open
      finally(function()
         io.open = open -- luacheck: ignore 122
         process.run("rm -r " .. folder)
      end)
      local out, err, code = cli.run("list memory://x")
      assert.same({ "", 2 }, { out, code })
      has(err, "config.lua: Is a directory; give a file of settings that can be read")
      local config = require "wms.config"
      io.open = function(path, ...) -- luacheck: ignore 122
         if path:find("config.lua", 1, true) then
            return nil, path .. ": Permission denied", 13
         end
         return open(path, ...)
      end
      local settings, why = config.read()
      assert.is_nil(settings)
      has(why, "config.lua: Permission denied")
   end)

   it("and loads what it needs before anything is sent", function()
      local init = [[package.preload["%s"] = function(name) error("module '" .. name .. "' not found:", 0) end
         local wms = require "wms"
         wms.start = function() os.exit(99) end]]
      for arguments, library in pairs{ ["--demo unlock --all --json"] = "dkjson", ["--demo list --csvv"] = "argparse" } do
         local out, err, code = cli.run(arguments, { init = init:format(library) })
         assert.same({ "", 1 }, { out, code })
         has(err, "no library " .. library .. "; install it (Debian: lua-" .. library .. ")")
         assert.equal(1, #cli.lines(err))
      end
   end)

   it("and calls no error of a script's kind misuse once something was sent", function()
      local _, err, code = cli.run("--demo unlock --all", { init = [[local wms = require "wms"
         local start = wms.start
         wms.start = function(...)
            local request = start(...)
            return setmetatable({}, { __index = function(_, name)
               return name == "wait" and function() error("bad argument #1 to 'x' (y: z)", 0) end
                  or function(_, ...) return request[name](request, ...) end
            end })
         end]] })
      assert.equal(1, code)
      has(err, "wms: bad argument #1")
   end)
end)

describe("wms and hosts that lie #once", function()
   local NAMES = {
      "a\27]0;x\7b", "\226\128\174evil", "=cmd|' /C calc'!A0", "=1+1", "@SUM(1)", "-2+3", "+1", "c\194\155d", "e\255f",
      "\237\160\128", "\244\144\128\128", "\224\128\175", "g\216\156h", "i\226\128\168j\226\128\169k", "l\nm\ro\tp",
   }

   local function hosts()
      local sessions = {}
      for i, name in ipairs(NAMES) do
         sessions[i] = ("{ session_id = %d, user_name = %q }"):format(i, name):gsub("\\\n", "\\n"):gsub("\r", "\\r")
      end
      return ([[require "wms".memory("lab", { sessions = { %s } })]]):format(table.concat(sessions, ", "))
   end

   local function is_harmless(text)
      local clean = require "wms.cli.text".clean
      for line in text:gmatch("[^\n]+") do
         assert.equal(clean(line), (line:gsub("\t", "?")))
      end
   end

   it("prints nothing that is obeyed", function()
      for _, arguments in ipairs{ "list memory://lab", "unlock --all -s memory://lab", "list memory://lab --csv",
         "unlock -s memory://lab 1 99 --csv", "list -u nobody memory://lab" } do
         local out, err = cli.run(arguments, { init = hosts() })
         is_harmless(out .. err)
      end
   end)

   it("nor does a script", function()
      local text = cli.run("--lua list memory://lab", { init = hosts() })
      local path = cli.write("script.lua", text)
      local out = process.run(("LUA_INIT=@%s LUA_PATH='./lua/?.lua;;' LUA_CPATH=%s %s %s"):format(
         cli.write("init.lua", hosts()), process.quote(package.cpath), process.lua(), path))
      has(out, "a?]0;x?b")
      for line in out:gmatch("[^\n]+") do
         is_harmless((line:gsub("\t", " ")))
      end
   end)

   it("prints cells that compute nothing", function()
      local out = cli.run("list memory://lab --csv", { init = hosts() })
      assert.equal(1 + #NAMES, #cli.lines(out))
      has(out, ",3,'=cmd|' /C calc'!A0,", ",4,'=1+1,", ",5,'@SUM(1),", ",6,'-2+3,", ",7,'+1,", ",10,???,", ",11,????,")
   end)

   it("prints JSON that is UTF-8", function()
      local out = cli.run("list memory://lab --json", { init = hosts() })
      assert.is_true(require "wms.cli.text".is_utf8(out))
      local lines = cli.lines(out)
      assert.equal(1 + #NAMES, #lines)
      assert.equal("e\239\191\189f", dkjson.decode(lines[9]).user_name)
      assert.equal("\226\128\174evil", dkjson.decode(lines[2]).user_name)
   end)

   it("knows what UTF-8 is", function()
      local text = require "wms.cli.text"
      for _, value in ipairs{ "\237\160\128", "\244\144\128\128", "\224\128\175", "\240\128\128\128", "\192\175",
         "\245\128\128\128",
         "\128", "\226\128" } do
         assert.is_false(text.is_utf8(value))
         assert.is_nil(text.clean(value):find("[^?]"))
      end
      for _, value in ipairs{ "\237\159\191", "\238\128\128", "\244\143\191\191", "\240\144\128\128", "\224\160\128",
         "a" } do
         assert.is_true(text.is_utf8(value))
      end
   end)
end)

describe("wms says #once", function()
   it("with --csv what failed, on the error stream", function()
      local init = 'require "wms".memory("away", {}):refuse("UNREACHABLE")'
      local out, err, code = cli.run("list memory://away --csv", { init = init })
      assert.equal(3, code)
      assert.equal(1, #cli.lines(out))
      has(err, "failed: memory://away: the host refuses connections", "Is the host on", "1 failed\n")
   end)

   it("only what a command has", function()
      local init = 'require "wms".memory("away", { sessions = { { session_id = 3 } } }):refuse("UNREACHABLE")'
      for arguments, retries in pairs{ ["reboot memory://away -y"] = false, ["close -s memory://away 3"] = false,
         ["unlock -s memory://away 3"] = true, ["list memory://away"] = true } do
         local _, err = cli.run(arguments, { init = init })
         assert.equal(retries, err:find("--retries 3", 1, true) ~= nil, err)
      end
   end)

   it("what may be meant by a host that is not there", function()
      local _, err = cli.run("--demo list room1")
      has(err, "failed: memory://room1: ", "\n   Did you mean '@room1'?\n")
      _, err = cli.run("--demo list alice")
      has(err, "\n   A user is named by -u alice.\n")
      _, err = cli.run("--demo reboot alice -y")
      lacks(err, "-u alice", "Is the host on")
      local path = cli.write("settings.lua", "return { groups = { physics = 'lab01' } }")
      _, err = cli.run{ "list", "physics", "--config", path }
      has(err, "\n   Did you mean '@physics'?\n")
      lacks(err, "Bind to it")
      _, err = cli.run("list alice")
      has(err, "Bind to it once: wms bind alice -u Administrator. A user is named by -u alice.\n")
      _, err = cli.run("list")
      has(err, "\n   This machine has no systemd-logind, or no system bus; name other hosts by -s HOST.\n")
      lacks(err, "Is the host on")
   end)

   it("what several commands take, and help", function()
      local whole = cli.run("--help")
      local lock, unlock = cli.run("lock --help"), cli.run("unlock --help")
      assert.same({ whole, "", 0 }, { cli.run("help help") })
      assert.same({ lock .. "\n" .. unlock, "", 0 }, { cli.run("help lock unlock") })
   end)

   it("which group of the settings has no hosts", function()
      local path = cli.write("settings.lua", "return { groups = { none = {}, some = 'memory://a' } }")
      local out, err, code = cli.run{ "hosts", "--config", path }
      assert.equal(1, code)
      has(out, "memory://a  some\n")
      has(err, "failed: @none: ", "(group 'none' of " .. path .. ")")
   end)

   it("numbers in scripts as they are", function()
      has(cli.run("--lua call -s x I Op a=123456789012345 b=-1 c='[0.1, 9007199254740991, 1e-7]'"),
         "a = 123456789012345, b = -1, c = { 0.1, 9007199254740991, 1e-07 }")
   end)

   for signal, want in pairs{ INT = 130, TERM = 143, HUP = 129 } do
      it(("what was done when SIG%s ends it"):format(signal), function()
         for arguments, said in pairs{
            ["unlock -s memory://slow 2 3"] = { "unknown (CANCELLED)",
               "interrupted: 2 unknown (may still be carried out)\n" },
            ["lock -s memory://quick 2 3 -m x --stable 900"] = { "requested, not verified",
               "interrupted: 2 requested, not verified\n" },
            ["close -s memory://quick 2 --warn 900 Bye --yes"] = { "not sent (CANCELLED)",
               "interrupted: 1 not sent\n(They may have read the warning already" },
         } do
            local out, err, code = cli.run(arguments, {
               init = [[
                  local wms = require "wms"
                  wms.memory("slow", { latency = 1000, sessions = { { session_id = 2 }, { session_id = 3 } } })
                  local quick = wms.memory("quick", { sessions = { { session_id = 2 }, { session_id = 3 } } })
                  local start = wms.start
                  wms.start = function(...)
                     local request = start(...)
                     local rounds = 0
                     return setmetatable({ wait = function(_, seconds)
                        local is_done = request:wait(seconds)
                        rounds = rounds + 1
                        if rounds == 2 then -- what is sent has been sent
                           io.open(os.getenv("READY"), "w"):close()
                        end
                        return is_done
                     end }, { __index = function(_, name)
                        return function(_, ...) return request[name](request, ...) end
                     end })
                  end
                  assert(quick)]],
               environment = "READY=" .. cli.folder() .. "/ready",
               shell = ">@/out 2>@/err & until [ -e @/ready ] || ! kill -0 $!; do sleep 0.02; done; rm -f @/ready; "
                  .. "kill -" .. signal .. " $!; wait $!",
            })
            assert.equal(want, code, out .. err)
            has(out, said[1])
            has(err, said[2])
            assert.is_nil(err:find("failed", 1, true), err)
         end
      end)
   end

   it("nothing of a signal that is ignored", function()
      local _, err, code = cli.run("unlock -s memory://slow 2", {
         init = [[
            local wms = require "wms"
            wms.memory("slow", { latency = 1, sessions = { { session_id = 2 } } })
            local start = wms.start
            wms.start = function(...)
               local request = start(...)
               os.execute("kill -HUP $PPID")
               return request
            end]],
         environment = "nohup", -- env env nohup lua …
      })
      assert.equal(0, code, err)
      has(err, "1 requested")
   end)
end)

