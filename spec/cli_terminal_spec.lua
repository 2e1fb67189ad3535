-- SPDX-License-Identifier: MIT
--- The program `wms` on a terminal: tables of any width, colours, questions, the progress line, Ctrl-C.
local cli = require "spec.support.cli"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local has = cli.has
local quote = process.quote

--- Without colours.
local function plain(text)
   return (text:gsub("\27%[[%d;]*m", ""))
end

--- Hosts s1 to s4 answer at once, s5 to s8 never do.
local HOSTS = [[
   local wms = require "wms"
   for i = 1, 8 do
      wms.memory("s" .. i, { latency = i > 4 and 1000 or 0, sessions = {
         { session_id = 1, user_name = "a.user.with.a.long.name." .. i, state = "ConnectedToStation", seat = "seat0",
            client_name = "a-client-with-a-name", logon_time = os.time() - 90000, idle_since = os.time() - 60 },
         { session_id = 2, user_name = "\230\188\162\229\173\151", locked = true, state = "Disconnected" },
      } })
   end
   wms.memory("away", {}):refuse("UNREACHABLE")
]]

local function terminal(arguments, columns, steps, options)
   options = options or {}
   options.init = options.init or HOSTS
   return cli.terminal(arguments, columns, steps, options)
end

local function fits(text, columns)
   for _, line in ipairs(cli.lines(plain(text))) do
      local width = require "wms.cli.text".width(line)
      assert(width <= columns, ("%d columns: %s"):format(width, line))
   end
end

teardown(cli.sweep)

describe("wms on a terminal #once", function()
   describe("prints a table", function()
      it("of 80 columns", function()
         local text, code = terminal("--demo list", 80)
         assert.equal(0, code)
         fits(text, 80)
         has(plain(text), "SERVER          SESSION  USER     STATE               LOCKED  IDLE  NOTE\n",
            "memory://lab01        2  alice    ConnectedToStation  locked    5m  -\n", "\n8 sessions on 3 hosts\n")
      end)

      it("of more columns, where they are there", function()
         local text = terminal("list 'memory://s[1-2]'", 200)
         fits(text, 200)
         has(plain(text), "SINCE", "SEAT", "FROM", "a-client-with-a-name")
         text = terminal("list 'memory://s[1-2]'", 80)
         fits(text, 80)
         assert.is_nil(text:find("FROM", 1, true))
      end)

      it("of 40 columns, which can still be read", function()
         for _, arguments in ipairs{ "list 'memory://s[1-4]' memory://away", "--demo hosts", "--help", "bind --help",
            "unlock --all -s 'memory://s[1-4]' -s memory://away" } do
            local text = terminal(arguments, 40)
            fits(text, 40)
         end
         local text = plain(terminal("list 'memory://s[1-4]' memory://away", 40))
         has(text, "SESSION  USER", "\nmemory://s1:\n      1  a.user.wi~  ", "locked", "failed: memory://away: the host")
      end)

      it("of a single host without naming it in each row", function()
         has(plain(terminal("--demo unlock -s lab01 2 --verify", 80)), "SESSION  USER   RESULT\n      2  alice  unlocked\n",
            "\n1 unlocked\n")
      end)
   end)

   it("has colours, unless they are not wanted", function()
      local text = terminal("--demo unlock -s lab01 2 1 --verify", 80)
      has(text, "\27[32munlocked\27[0m", "\27[31mfailed (ACCESS_DENIED)\27[0m",
         "\27[31mfailed\27[0m: memory://lab01 session 1")
      for _, environment in ipairs{ "NO_COLOR=1", "TERM=dumb" } do
         text = terminal("--demo unlock -s lab01 2 1 --verify", 80, {}, { environment = environment })
         assert.is_nil(text:find("\27", 1, true), text)
      end
   end)

   it("knows terminals without the library that tells sooner, too", function()
      local init = 'package.preload["term.core"] = function() error("it is not installed") end'
      has(terminal("--demo unlock -s lab01 2 --verify", 80, {}, { init = init }), "\27[32munlocked\27[0m", "1 unlocked")
      local out, err = cli.run("--demo unlock -s lab01 2 --verify", { init = init })
      has(out, "memory://lab01        2  alice  unlocked  -\n")
      assert.equal("1 unlocked\n", err)
   end)

   it("tells what requested means", function()
      has(plain(terminal("--demo unlock -s lab01 2", 80)), "(requested: the host took it. With --verify")
   end)

   it("says what it has no place for", function()
      local init = 'require "wms".memory("a", { sessions = { { session_id = 1, user_name = "root", is_admin = true } } })'
      local text = terminal("list memory://a", 30, {}, { init = init })
      has(text, "(NOTE: no place; a wider")
      fits(text, 30)
   end)

   it("wraps what is wrong with a command line", function()
      local text, code = terminal("unlock 3 --verfy", 40)
      assert.equal(2, code)
      fits(text, 40)
   end)

   describe("asks before it ends all sessions", function()
      local QUESTION = "This logs off all sessions on memory://lab01. Is it meant? (yes/no) "

      it("and takes yes", function()
         local text, code = terminal("--demo close --all -s lab01", 100, { "yes/no", "what?\\n", "'no': ", "yes\\n" })
         assert.equal(0, code)
         has(text, QUESTION, "Please type 'yes' or 'no': yes", "2 requested")
      end)

      it("and takes nothing but the whole word, typed behind the question", function()
         local text, code = terminal("--demo close --all -s lab01", 100, { "yes/no", "y\\n", "'no': ", "no\\n" })
         assert.equal(1, code)
         has(text, QUESTION, "nothing was done")
         text, code = terminal("--demo close --all -s lab01", 100, { "type now", "yes\\nye", "yes/no. ", "s\\n", "'no': ",
            "no\\n" }, { init = [[
               io.open("/dev/tty", "w"):write("type now"):close()
               os.execute("python3 -c 'import select; select.select([0], [], [])'") -- until there is a line]] })
         assert.equal(1, code)
         has(text, QUESTION, "Please type", "nothing was done")
      end)

      it("and breaks a question between words", function()
         local text = terminal("--demo close --all -s @room1", 40, { "yes/no. ", "no\\n" })
         has(text, "This logs off all sessions on", "Is it meant?\n(yes/no) no\nnothing")
         fits(text, 40)
      end)

      it("and takes no", function()
         for _, answer in ipairs{ "no\\n", "\\x04" } do
            local text, code = terminal("--demo close --all -s lab01", 100, { "yes/no. ", answer })
            assert.equal(1, code)
            has(text, QUESTION, "nothing was done")
            assert.is_nil(text:find("requested", 1, true))
         end
      end)

      it("and is interrupted", function()
         local text, code = terminal("--demo close --all -s lab01", 100, { "yes/no. ", "\\x03" })
         assert.equal(130, code)
         has(text, "interrupted")
      end)

      it("also when some are chosen, and hosts", function()
         has(terminal("--demo close --where locked=yes -s @room1", 120, { "yes/no. ", "no\\n" }),
            "This logs off 2 sessions on 2 hosts: alice, erin. Is it meant?")
         has(terminal("--demo close -s lab02 --all --except user=teacher", 120, { "yes/no. ", "no\\n" }),
            "--except user=teacher: it takes nobody out.", "This logs off 2 sessions on 1 host: carol, dave. Is it meant?")
         has(terminal("--demo close -s @room1 2", 120, { "yes/no. ", "no\\n" }),
            "This logs off session 2 on each of 3 hosts, memory://lab01, memory://lab02, memory://lab03. Is it meant?")
         has(terminal("--demo disconnect --all -s lab01", 100, { "yes/no. ", "no\\n" }), "This disconnects all ses")
         has(terminal("--demo power-off lab01", 100, { "yes/no. ", "no\\n" }), "This switches off memory://lab01. Is it")
         has(terminal("--demo reboot lab01", 100, { "yes/no. ", "no\\n" }), "This restarts memory://lab01. Is it meant?")
      end)

      it("but not when that is not needed", function()
         for _, arguments in ipairs{ "close --all -s lab01 --yes", "close -s lab01 2", "close --all -s lab01 -n" } do
            assert.same({ 0 }, { select(2, terminal("--demo " .. arguments, 100)) }, arguments)
         end
      end)
   end)

   describe("ends at once with Ctrl-C", function()
      it("and says what was done and what is not known", function()
         local text, code = terminal("unlock -s 'memory://s[1-8]' 1", 80, { "waiting for", "\\x03" })
         assert.equal(130, code)
         text = plain(text)
         has(text, "memory://s1        1  a.user.with.a.long.name.1  requested\n", "memory://s5        1",
            "unknown (CANCELLED)", "interrupted: 4 requested, 4 unknown (may still be carried out)\n")
      end)

      it("while users read a warning, for how long is shown", function()
         local text, code = terminal("close -s memory://s1 1 --warn 15m Bye", 80,
            { "users are warned, 14:5. left", "\\x03" })
         assert.equal(130, code)
         has(plain(text), "interrupted: 1 not sent\n(They may have read the warning already")
      end)

      it("when only some hosts have told their sessions", function()
         local text, code = terminal("list 'memory://s[1-8]'", 80, { "waiting for", "\\x03" })
         assert.equal(130, code)
         has(plain(text), "memory://s4", "interrupted: 8 sessions on 4 hosts, 4 not sent")
      end)
   end)

   it("shows how many are done, failed and missing while it waits, and takes that away", function()
      local socket = cli.folder() .. "/tmux"
      local tmux = "tmux -S " .. quote(socket) .. " "
      cli.write("init.lua", HOSTS)
      local _, code = process.run(("%s -f /dev/null new-session -d -x 80 -y 24 %s"):format(tmux, quote(
         ("env LUA_INIT=@%s/init.lua HOME=%s LUA_PATH='./lua/?.lua;;' LUA_CPATH=%s sh -c '%s bin/wms unlock --all -s "
         .. '"memory://s[1-8],memory://away" --timeout 4; echo code $?; sleep 60\''):format(cli.folder(), cli.folder(),
         quote(package.cpath), process.lua()))))
      assert.equal(0, code)
      finally(function()
         process.run(tmux .. "kill-server")
      end)
      local function screen(wanted)
         local text
         local seen = pcall(kit.await, function()
            text = process.run(tmux .. "capture-pane -p")
            return text:find(wanted)
         end)
         assert(seen, ("'%s' is not in:\n%s"):format(wanted, text))
         return text
      end
      screen("^unlock: 9 done, 1 failed; waiting for memory://s5, memory://s6 and 2 more\n")
      local text = screen("code %d")
      has(text, "code 1\n", "SERVER         SESSION", "memory://s5          -  -", "failed (TIMEOUT)",
         "8 requested, 5 failed\n")
      assert.is_nil(text:find("waiting for", 1, true))
   end)
end)

