-- SPDX-License-Identifier: MIT
--- The program `wms` under pipes: every command on a made-up room and on hosts of the spec, what is printed, exit codes.
local cli = require "spec.support.cli"
local process = require "spec.support.process"
local commands = require "wms.cli.commands"
local has, records = cli.has, cli.records

--- Three hosts: one with sessions, one that nobody reaches, one that never answers to an unlock.
local HOSTS = [[
   local wms = require "wms"
   wms.memory("lab", { sessions = {
      { session_id = 1, user_name = "teacher", is_admin = true, state = "Active" },
      { session_id = 2, user_name = "alice", locked = true, state = "Active", idle_since = os.time() - 7200 },
      { session_id = 3, user_name = "bob", state = "Active", relock_after = 0.2 },
      { session_id = 4, user_name = "eve\27[2J\nx", state = "Active", is_own = true },
   } })
   wms.memory("away", {}):refuse("UNREACHABLE")
   wms.memory("mute", { sessions = { { session_id = 2, user_name = "carol" } } }):fail("unlock", "TIMEOUT")
]]

local function run(arguments, options)
   options = options or {}
   options.init = options.init or HOSTS
   return cli.run(arguments, options)
end

teardown(cli.sweep)

describe("wms #once", function()
   describe("in the made-up room", function()
      it("lists", function()
         local out, err, code = cli.run("--demo list")
         assert.same({ 0, "8 sessions on 3 hosts\n" }, { code, err })
         has(out, "memory://lab01        2  alice    ConnectedToStation  locked", "memory://lab03        3  grace")
         assert.equal(9, #cli.lines(out))
      end)

      it("locks and unlocks", function()
         local out, err, code = cli.run("--demo lock --all -m Hello --verify")
         assert.same({ 0, "5 locked, 2 already locked\n" }, { code, err })
         has(out, "memory://lab01        3  bob    locked  ")
         out, err, code = cli.run("--demo unlock -s lab01 2 3 --verify=10s")
         assert.same({ 0, "1 unlocked, 1 already unlocked\n" }, { code, err })
         has(out, "2  alice  unlocked  ", "3  bob    already unlocked  ")
      end)

      it("does each command", function()
         for arguments, want in pairs{
            ["message --all -s lab01 -m Hi --title Lab"] = "2 sent",
            ["unlock -s lab01 2,3"] = "2 requested",
            ["disconnect -s lab01 2 --verify"] = "1 disconnected",
            ["disconnect --all -s @room1 --yes"] = "7 requested",
            ["close -s lab01 2 3"] = "2 requested",
            ["close --all -s lab02 --warn 0.1 'Good bye' -y"] = "2 requested",
            ["close --where user=alice,bob -s lab01 --yes --verify"] = "2 logged off",
            ["reboot lab01 --yes"] = "1 restarting",
            ["power-off lab01 lab02 --yes"] = "2 switching off",
            ["reboot lab01 --what-if"] = "1 would be restarted",
            ["wake lab01"] = "1 would be woken",
            ["wake lab01 --verify"] = "1 would be woken",
            ["wake lab02 --mac 00:11:22:33:44:55 --network 127.0.0.1"] = "1 would be woken",
            ["hosts"] = "3 hosts",
            ["hosts @room1 !lab02"] = "2 hosts",
            ["bindings"] = "0 bindings",
            ["unlock --all -s @room1 --except user=alice -n"] = "6 would be unlocked",
            ["unlock --user alice"] = "1 requested",
            ["unlock --where idle=30m"] = "2 requested",
            ["unlock --all --where locked=yes --except user=erin"] = "1 requested",
            ["unlock --where user=nobody"] = "--where user=nobody: nobody is meant by it\nno session is meant",
            ["list @room1 --where state=ConnectedToStation --user grace"] = "1 session on 1 host",
         } do
            local _, err, code = cli.run("--demo " .. arguments)
            assert.same({ 0, want .. "\n" }, { code, err }, arguments)
         end
      end)

      it("asks nothing outside of it", function()
         for _, arguments in ipairs{ "list lab09 -s localhost", "list logind://lab09" } do
            local out, err = cli.run("--demo " .. arguments)
            has(out .. err, "memory://lab09")
         end
      end)

      it("can neither bind nor call", function()
         local _, err, code = cli.run("--demo call -s lab01 I Op a=1 b=true c=text d='[1]'")
         assert.equal(1, code)
         has(err, "memory hosts have no calls", "leave it out")
         _, err, code = cli.run("--demo unbind lab01")
         assert.equal(1, code)
         has(err, "failed: memory://lab01")
      end)
   end)

   describe("says", function()
      it("what failed, at the end, and what to do", function()
         local out, err, code = run("unlock -s memory://lab 1 2 9 -s memory://away")
         assert.equal(1, code)
         local rows = cli.lines(out)
         has(rows[2], "2  alice    requested")
         has(rows[3], "1  teacher  failed (ACCESS_DENIED)")
         has(err, "failed: memory://lab session 1 (teacher): the session is exempt\n   Leave it out",
            "failed: memory://lab session 9: the host has no such session\n   'wms list' shows",
            "failed: memory://away session 1, memory://away session 2, memory://away session 9: the host refuses conn",
            "\n1 requested, 5 failed\n")
      end)

      it("that something is unknown", function()
         local out, err, code = run("unlock -s memory://mute 2 --timeout 0.1")
         assert.equal(1, code)
         has(out, "unknown (TIMEOUT)")
         has(err, "unknown: memory://mute session 2", "may still be carried out", "Look how it is ('wms list')",
            "\n1 unknown (may still be carried out)\n")
      end)

      it("that a state did not last", function()
         local _, err, code = run("unlock -s memory://lab 3 --stable 5")
         assert.equal(1, code)
         has(err, "locked again", "Somebody else changes it")
      end)

      it("nothing that a terminal would obey", function()
         local out = run("list memory://lab")
         has(out, "eve?[2J?x")
      end)

      it("nothing with --quiet but what went wrong", function()
         assert.same({ "", "", 0 }, { run("unlock -q -s memory://lab 2") })
         local out, err, code = run("unlock -q -s memory://lab 2 9")
         assert.same({ "", 1 }, { out, code })
         has(err, "no such session", "1 failed")
      end)
   end)

   describe("exits with", function()
      for arguments, want in pairs{
         ["list memory://lab"] = 0, ["list --where user=nobody memory://lab"] = 0, ["unlock -s memory://lab 9"] = 1,
         ["list memory://lab memory://away"] = 1, ["list memory://away"] = 3, ["unlock --all -s memory://away"] = 3,
         ["unlock -s memory://mute 2 --timeout 0.1"] = 1, ["unlock 2 -s logind:///run/no-such-bus"] = 3,
         ["list lab01.nowhere.example"] = 1, ["unlock"] = 2, ["--help"] = 0, ["unlock --help"] = 0, ["call --help"] = 0,
         ["help lock"] = 0, ["--version"] = 0, ["--completion bash"] = 0, ["frobnicate"] = 2, [""] = 2,
         ["unlock --all -s memory://lab -s memory://mute --on-error stop --timeout 0.1"] = 1,
      } do
         it(("%d: wms %s"):format(want, arguments), function()
            local out, err, code = run(arguments)
            assert.equal(want, code, out .. err)
         end)
      end

      --- Sends a signal while the host is waited for; returns the output, the errors and the exit code.
      local function signalled(signal, more)
         os.remove(cli.folder() .. "/ready")
         return cli.run("unlock -s memory://slow,memory://fast 2 3", {
            init = [[
               local wms = require "wms"
               wms.memory("slow", { latency = 1000, sessions = { { session_id = 2 }, { session_id = 3 } } })
               wms.memory("fast", { sessions = { { session_id = 2 }, { session_id = 3 } } })
               local start = wms.start
               wms.start = function(call, options)
                  local told, all = options.on_outcome, 0
                  options.on_outcome = function(...)
                     all = all + 1
                     if all == 2 then -- those of the fast one
                        io.open(os.getenv("READY"), "w"):close()
                     end
                     return told and told(...)
                  end
                  return start(call, options)
               end]],
            environment = "READY=" .. cli.folder() .. "/ready",
            shell = (">@/out 2>@/err & until [ -e @/ready ]; do sleep 0.02; done; kill -%s $!; wait $!%s"):format(signal,
               more or ""),
         })
      end

      it("130 when it is interrupted, having said what was done and what is unknown", function()
         local out, err, code = signalled("INT")
         assert.equal(130, code)
         has(out, "memory://fast        2  -     requested  ", "memory://slow        3  -     unknown (CANCELLED)  ")
         has(err, "interrupted: 2 requested, 2 unknown (may still be carried out)\n")
      end)

      it("130 also when it is interrupted while a library is loaded", function()
         local out, err, code = cli.run("unlock -s memory://slow 2", { init = [[
            require "wms".memory("slow", { latency = 30, sessions = { { session_id = 2 } } })
            package.preload["luv"] = function()
               io.popen("kill -INT $PPID"):close()
               for _ = 1, 1e7 do
                  assert(true) -- the interpreter raises its error here
               end
            end]] })
         assert.equal(130, code, out .. err)
      end)

      for signal, want in pairs{ TERM = 143, HUP = 129 } do
         it(("%d at once by SIG%s, as any program"):format(want, signal), function()
            local _, _, code = signalled(signal)
            assert.equal(want, code)
         end)
      end

      it("nothing to say when its reader has gone, whether or not SIGPIPE is ignored", function()
         for _, before in ipairs{ "", "trap '' PIPE; " } do
            local folder = cli.folder()
            local text = process.run(("%s{ env LUA_PATH='./lua/?.lua;;' LUA_CPATH=%s %s bin/wms --demo list --json; "
               .. "echo $? >%s/code; } | true"):format(before, process.quote(package.cpath), process.lua(), folder))
            assert.equal("", text)
            local code = io.open(folder .. "/code"):read("*n")
            assert.truthy(code == 0 or code == 141, code)
         end
      end)
   end)

   describe("as JSON", function()
      it("prints sessions and their sum", function()
         local out, err, code = run("list memory://lab memory://away --json")
         assert.same({ "", 1 }, { err, code })
         local list = records(out)
         assert.equal(6, #list)
         assert.same({ "session", "memory://lab", 2, "alice", true }, { list[2].record, list[2].server, list[2].session_id,
            list[2].user_name, list[2].locked })
         assert.same({ record = "outcome", server = "memory://away", state = "failed", code = "UNREACHABLE",
            message = "the host refuses connections" }, list[5])
         assert.same({ record = "sum", command = "list", count = 5, failed = 1, unknown = 0, skipped = 0,
            not_found = 0, exempt = 0, exit = 1, interrupted = false }, list[6])
         assert.equal('{"record":"session","server":"memory://lab","session_id":1,"user_name":"teacher"', out:sub(1, 80))
      end)

      it("prints outcomes and their sum", function()
         local out = run("unlock --json -s memory://lab 2 1 --verify")
         local list = records(out)
         assert.same({ "verified", true, "failed", "ACCESS_DENIED" }, { list[1].state, list[1].changed, list[2].state,
            list[2].code })
         assert.same({ "sum", "unlock", 2, 1 }, { list[3].record, list[3].command, list[3].count, list[3].exit })
      end)

      it("prints hosts", function()
         local list = records((cli.run("--demo hosts --json")))
         assert.same({ record = "host", server = "memory://lab01", groups = { "room1" } }, list[1])
         assert.same({ "sum", 3 }, { list[4].record, list[4].count })
      end)
   end)

   describe("as CSV", function()
      it("prints a header and rows", function()
         local lines = cli.lines((run("list memory://lab --csv")))
         has(lines[1], "server,session_id,user_name,domain_name,state,locked,idle_since,")
         has(lines[2], "memory://lab,1,teacher,,Active,false,,")
         lines = cli.lines((run("unlock -s memory://lab 2 1 --csv")))
         assert.same({
            "server,session_id,user_name,state,changed,code,message,note,fingerprint,thumbprint,station_id",
            "memory://lab,2,alice,requested,,,,,,,",
            "memory://lab,1,teacher,failed,,ACCESS_DENIED,the session is exempt,,,,",
         }, lines)
      end)

      it("tells on the error stream what has no row", function()
         local out, err, code = run("list memory://lab memory://away --csv")
         assert.same({ 5, 1 }, { #cli.lines((out:gsub("\nx", ""))), code })
         has(err, "failed: memory://away: the host refuses connections\n")
      end)

      it("quotes", function()
         has(run("list memory://lab --csv --user 'eve\27[2J\nx'"), 'memory://lab,4,eve?[2J?x,')
         has(run("list memory://lab memory://away --csv"), "memory://lab,4,eve?")
      end)
   end)

   it("has the fields that are documented, and no others", function()
      local fields = require "wms.cli.records".fields
      local types = io.open("lua/wms/types.lua"):read("*a")
      local told = {}
      for name in types:match("%-%-%-@class wms%.Session\n(.-)\n\n"):gmatch("@field ([%w_]+)") do
         told[#told + 1] = name
      end
      local known = {}
      for i, name in ipairs(fields.session) do
         known[i] = name
      end
      table.sort(told)
      table.sort(known)
      assert.same(told, known)
   end)

   describe("with --lua", function()
      it("tells how to run the script, which finds the modules from everywhere", function()
         local text = cli.run("--demo --lua list lab02")
         local line = assert(text:match("^%-%- Run it with: (LUA_PATH=[^\n]+ FILE)\n"), text)
         cli.write("script.lua", text)
         local out, code = process.run(("cd %s && env -u LUA_PATH -u LUA_CPATH sh -c %s"):format(cli.folder(),
            process.quote((line:gsub("%S+ FILE$", function() return process.lua() .. " script.lua" end)))))
         assert.equal(0, code, out)
         has(out, "memory://lab02\t1\tcarol")
      end)

      --- What the script prints: server, session, user, state.
      local function by_script(arguments)
         local text, _, code = cli.run("--demo --lua " .. arguments)
         assert.equal(0, code)
         local path = cli.write("script.lua", text)
         local list = {}
         local out, ended = process.run(("LUA_PATH='./lua/?.lua;;' LUA_CPATH=%s %s %s 2>/dev/null"):format(
            process.quote(package.cpath), process.lua(), path))
         list.code = ended
         for _, line in ipairs(cli.lines(out .. "\n")) do
            if line ~= "" then
               list[#list + 1] = line:match("^%S+\t%S+\t%S+\t%S+") or line:match("^%S+")
            end
         end
         return list
      end

      local function by_program(arguments)
         local out, _, code = cli.run("--demo " .. arguments .. " --json")
         local list = { code = code }
         for _, record in ipairs(records(out)) do
            if record.record == "host" then
               list[#list + 1] = record.server
            elseif record.record ~= "sum" then
               list[#list + 1] = ("%s\t%s\t%s\t%s"):format(record.server, record.session_id or "nil",
                  record.user_name or "nil", record.state)
            end
         end
         return list
      end

      for _, arguments in ipairs{
         "list", "list lab01 --user bob", "lock --all -s lab09 -m x",
         "bindings", "unlock --all", "unlock -s lab01 2 9 --verify",
         "lock --all -s lab02 -m 'a \"b\" \\n'",
         "unlock --all --where idle=30m --except user=erin", "unlock --all --except user=erin --except locked=no",
         "message --all -s lab01 -m Hi --title Lab", "close -s lab01 2 3", "close --all -s lab01 --warn 0.1 Bye --yes",
         "disconnect --all -s lab03 --yes", "wake lab01", "reboot lab01 --yes", "power-off lab02 --yes", "hosts",
         "unlock --all --on-error stop --retries 2 --timeout 5 --deadline 1m --concurrency 2 --stable 0.1",
      } do
         it("prints the script that does the same as " .. arguments, function()
            local wanted = by_program(arguments)
            assert.is_true(#wanted > 0 or arguments == "bindings")
            assert.same(wanted, by_script(arguments))
         end)
      end

      it("takes settings from their file", function()
         local path = cli.write("settings.lua", "return { groups = { g = 'memory://lab' }, defaults = { verify = 3 } }")
         local out, _, code = run({ "--lua", "--config", path, "unlock", "--all", "-s", "@g" })
         assert.equal(0, code)
         has(out, ('local client = wms.new(assert(require("wms.config").load("%s")).client)'):format(path),
            'client:unlock_all{ server = "@g" }')
      end)

      it("does nothing", function()
         local out, err, code = run("--lua close --all -s memory://lab")
         assert.same({ "", 0 }, { err, code })
         has(out, 'wms.close_all{ server = "memory://lab" }')
      end)
   end)

   describe("takes settings", function()
      it("from a file that is named, or that is where it is looked for", function()
         local path = cli.write("settings.lua", [[return {
            groups = { g = "memory://lab", all = { "@g", "memory://away" } }, defaults = { verify = 3 } }]])
         local out = run({ "unlock", "--config", path, "-s", "@g", "2" })
         has(out, "2  alice  unlocked")
         local folder = cli.folder() .. "/config/wms"
         os.execute(("mkdir -p %s && cp %s %s/config.lua"):format(folder, path, folder))
         out = run("hosts")
         has(out, "memory://away  all\n", "memory://lab   all g\n")
         os.execute("rm -r " .. folder)
      end)

      it("unless something is wrong with them", function()
         for text, want in pairs{
            ["return { group = {} }"] = "group: no such field", ["nonsense"] = "settings.lua:1:",
            ["return { defaults = { verify = 'x' } }"] = "verify: a string",
         } do
            local path = cli.write("settings.lua", text)
            local out, err, code = run({ "list", "--config", path, "memory://lab" })
            assert.same({ "", 2 }, { out, code })
            has(err, want)
            assert.equal(1, #cli.lines(err))
         end
         local _, err, code = run("list --config /nonexistent/x")
         assert.equal(2, code)
         has(err, "/nonexistent/x")
      end)
   end)

   describe("where little is there", function()
      it("runs without a HOME", function()
         local out, _, code = cli.run("--demo list", { unset = "-u HOME -u XDG_CONFIG_HOME" })
         assert.equal(0, code)
         has(out, "grace")
      end)

      it("runs in the C locale", function()
         local out, _, code = cli.run("list memory://u", { environment = "LC_ALL=C",
            init = [[require "wms".memory("u", { sessions = {
               { session_id = 1, user_name = "\195\164\226\130\172", seat = "s" } } })]] })
         assert.equal(0, code)
         has(out, "1  \195\164\226\130\172    active", "  s  ")
      end)

      it("is silent when nobody reads any more", function()
         for _, arguments in ipairs{ "--demo list", "--help", "--demo list --json", "--demo --lua list" } do
            local _, err = cli.run(arguments, { shell = "2>@/err | true; : >@/out" })
            assert.truthy(err == "" or err:find("^%d+ session"), err)
            _, err = cli.run(arguments, { shell = ">&- 2>@/err; : >@/out" })
            assert.truthy(err == "" or err:find("^%d+ session"), err)
         end
      end)

      it("says when the output cannot be written", function()
         local _, err, code = cli.run("--demo list", { shell = ">/dev/full 2>@/err; code=$?; : >@/out; exit $code" })
         assert.equal(1, code)
         has(err, "the output cannot be written: No space left on device")
      end)

      it("gives no socket what is printed, when descriptors are closed", function()
         local out, _, code = cli.run("unlock -s memory://lab 2", {
            init = HOSTS .. [[
               local exit = os.exit
               os.exit = function(...)
                  os.execute("cd /proc/$PPID/fd && readlink 0 1 2 >$TOLD")
                  exit(...)
               end]],
            environment = "TOLD=" .. cli.folder() .. "/told",
            shell = "<&- >&- 2>&-; code=$?; cp @/told @/out; : >@/err; exit $code",
         })
         assert.same({ 0, "/dev/null\n/dev/null\n/dev/null\n" }, { code, out })
      end)
   end)

   it("tells all of its commands and options in the help", function()
      local text = cli.run("--help")
      for _, command in ipairs(commands.list) do
         local noun = command.name:match("^(%S+) ")
         has(noun and cli.run(noun .. " --help") or text, "\n  " .. command.name .. " ")
         local own = cli.run(command.name .. " --help")
         for _, name in ipairs(command.options) do
            has(own, commands.options[name].flags:match("%-%-%S+"))
         end
         for _, line in ipairs(cli.lines(text .. own)) do
            assert(#line <= 80, line)
         end
      end
   end)

   describe("in the manual", function()
      local page = assert(io.open("docs/cli.md")):read("*a")

      it("has the reference that follows from the table of commands", function()
         assert.equal("\n0", ("%s\n%d"):format(process.run(process.lua() .. " mk/cli/pages.lua --check")))
      end)

      it("has commands that work", function()
         local count = 0
         for arguments in page:gmatch("\n    wms (%-%-demo [^\n]+)") do
            count = count + 1
            assert.equal(0, (select(3, cli.run(arguments))), arguments)
         end
         assert.is_true(count >= 5)
         for shown in page:gmatch("\n    wms ([^-][^\n]+)") do -- of hosts that are not there: what they mean
            local arguments = shown:gsub("[@>3]room1%.?t?x?t?", { ["@room1"] = "lab[01-30]", [">room1.txt"] = "" })
            if not arguments:find("room1.txt", 1, true) and not arguments:find("password.txt", 1, true)
               and not arguments:find("--show", 1, true) then
               local out, err, code = cli.run("--lua " .. arguments)
               assert.equal(0, code, arguments .. "\n" .. err)
               assert.truthy((loadstring or load)(out), out) -- luacheck: ignore 113
            end
         end
      end)
   end)

   it("prints completions", function()
      for _, shell in ipairs{ "bash", "zsh", "fish" } do
         local out, err, code = cli.run("--completion " .. shell)
         assert.same({ "", 0 }, { err, code })
         has(out, "wms --complete")
         assert.is_nil(out:find("shells", 1, true), out) -- nothing beside the script
         -- spec/cli_completion_spec.lua has the rest
      end
   end)

   it("takes an id as a condition", function()
      local out, err, code = run("list memory://lab --where id=2,3")
      assert.same({ 0, "2 sessions on 1 host\n" }, { code, err }, out)
   end)
end)

