-- SPDX-License-Identifier: MIT
--- Command lines that are wrong, made from the table of commands: each ends in one line that names what to do, exit code 2,
--- and nothing is asked of any host.
local cli = require "spec.support.cli"
local commands = require "wms.cli.commands"
local process = require "spec.support.process"

local WANTED = 500

--- Values that are none, by kind.
local BAD = {
   time = { "", "x", "0", "-1", "5x", "1m1h", "1e400" }, wait = { "", "x", "-1", "3 s" },
   count = { "", "x", "-1", "1.5", "9999999999" },
   positive = { "", "x", "0", "-1" }, moment = { "", "x", "24:00", "11:60", "1:1:1", "11.30", "2026-02-30 11:30" },
   condition = { "", "x", "=", "foo=1", "user=", "locked=perhaps", "idle=x", "idle=1,2", "station=x" },
   descriptor = { "", "x", "-1" }, account = { "", "SCHOOL\\", "a\\b\\c" }, switch = { "", "yes", "ON" },
   endpoint = { "", "a", "a:", ":1", "a:0", "a:65536", "a b:1", "a:1@", "a:1@localhost", "a:1@a:1", "a:1@::1@::1" },
}

local function flag_of(option)
   return option.flags:match("%-%-%S+")
end

--- A value that is one.
local function good(option)
   if option.choices or option.offered then
      return (option.choices or option.offered)[1]
   end
   local values = { time = "5", wait = "5", count = "3", positive = "1", condition = "user=a", descriptor = "9",
      names = "a.example", account = "eve", endpoint = "a.example:8443" }
   return values[option.kind] or "text"
end

--- What some commands cannot do without.
local WHOLE = { ["stations set"] = { "--name=Door" }, ["apps close"] = { "--name=Paint" },
   ["web-limit set"] = { "--allow=a.b" }, ["users add"] = { "--password-fd=0" },
   ["users set"] = { "--full-name=Eve" }, ["system set"] = { "--im=on" } }

--- Whether a command wants ids, or all.
local function is_of_ids(command)
   return (command.target == "sessions" or command.target == "stations") and not command.listing
end

--- What makes a command complete, but for `left_out`.
local function whole(command, left_out)
   local words = { command.name }
   local function add(name, ...)
      if name ~= left_out then
         for _, word in ipairs{ ... } do
            words[#words + 1] = word
         end
      end
   end
   add("server", "--server=memory://nobody")
   for _, name in ipairs(command.required or {}) do
      if name ~= "server" then
         add(name, flag_of(commands.options[name]) .. "=" .. good(commands.options[name]))
      end
   end
   if command.place then
      words[#words + 1] = "a-word"
   end
   if is_of_ids(command) then
      add("ids", "3")
   end
   for _, word in ipairs(WHOLE[command.name] or {}) do
      words[#words + 1] = word
   end
   if command.call == "call" then
      add("interface", "I", "Op")
   elseif command.call == "bind" then
      add("fingerprint", "--fingerprint=" .. ("0"):rep(64), "--password-fd=0")
   end
   return words
end

local function with(words, ...)
   local list = { (table.unpack or unpack)(words) } -- luacheck: ignore 113 143
   for _, word in ipairs{ ... } do
      list[#list + 1] = word
   end
   return list
end

local function add_values(list, command, option)
   local flag, base = flag_of(option), whole(command)
   if not option.value then
      list[#list + 1] = with(base, flag .. "=x")
      return
   end
   if not option.implied then
      list[#list + 1] = with(base, flag)
   end
   if option.choices or option.offered then
      list[#list + 1] = with(base, flag .. "=nonsense")
   elseif option.kind == "warning" then
      list[#list + 1] = with(base, flag, "x", "text")
      list[#list + 1] = with(base, flag, "5")
   end
   for _, value in ipairs(BAD[option.kind] or {}) do
      list[#list + 1] = with(base, flag .. "=" .. value)
   end
end

--- A flag with one letter too many, too few, or another one.
local function add_typos(list, command, option)
   local flag = flag_of(option)
   for _, typo in ipairs{ flag .. "x", flag:sub(1, -2) .. "0", flag:sub(1, 3) .. "q" .. flag:sub(4) } do
      list[#list + 1] = with(whole(command), typo)
   end
end

local function cases()
   local list = {}
   for _, command in ipairs(commands.list) do
      for _, name in ipairs(command.required or {}) do
         list[#list + 1] = whole(command, name)
      end
      for _, name in ipairs(command.options) do
         local option = commands.options[name]
         if not command.entry or option.field then -- the others are those of other commands
            add_values(list, command, option)
            add_typos(list, command, option)
         end
      end
      if is_of_ids(command) then
         list[#list + 1] = whole(command, "ids")
         for _, more in ipairs{ "--all", "--self", "--user=a", "--where=user=a", "--except=user=a" } do
            list[#list + 1] = with(whole(command), more)
         end
         for _, id in ipairs{ "", "4294967295", "lab01.x", "self", "all", "a b", "@nobody", "set", ("9"):rep(400) } do
            list[#list + 1] = with(whole(command), id)
         end
         list[#list + 1] = with(whole(command, "ids"), "--except=user=a")
         list[#list + 1] = with(whole(command, "ids"), "--all", "--self")
      else
         list[#list + 1] = with(whole(command), command.arguments and "a[" or "word")
      end
      if command.ends then
         local all = is_of_ids(command) and "--all" or nil
         list[#list + 1] = with(whole(command, "ids"), all)
         list[#list + 1] = with(whole(command, "server"), all and "--where=user=a" or nil)
         if all then
            table.remove(list[#list], #list[#list] - 1)
         end
      end
      list[#list + 1] = with(whole(command), "--json", "--csv")
      for _, server in ipairs{ "a[", "@", "a b", "!", "lab[9-1]", "nonsense://x", "" } do
         local is_asked = command.call ~= "bindings" and not (server:find("://", 1, true) and command.target == "none")
         list[#list + 1] = is_asked and with(whole(command, "server"), "--server=" .. server) or nil
      end
      list[#list + 1] = { command.name .. "x" }
      list[#list + 1] = { command.name:sub(1, -2) }
   end
   return list
end

teardown(cli.sweep)

describe("a wrong command line #once", function()
   it("is answered by one line that names what to do", function()
      local list = cases()
      assert.is_true(#list >= WANTED, #list)
      -- All of them in a few processes: each runs as the program does, but for what begins anew for a new process.
      local path = cli.write("cases.lua", ("return { %s }"):format((function()
         local parts = {}
         for i, words in ipairs(list) do
            local quoted = {}
            for j, word in ipairs(words) do
               quoted[j] = ("%q"):format(word)
            end
            parts[i] = "{ " .. table.concat(quoted, ", ") .. " }"
         end
         return table.concat(parts, ",\n")
      end)()))
      local text, code = process.run(("env -u LUA_INIT DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent HOME=%s "
         .. "XDG_CONFIG_HOME=%s LUA_PATH='./lua/?.lua;;' LUA_CPATH=%s %s spec/support/misused.lua %s </dev/null"):format(
         cli.folder(), cli.folder(), process.quote(package.cpath), process.lua(), path))
      assert.equal(0, code, text)
      assert.equal(#list, tonumber(text:match("(%d+) refused")), text)
   end)

   it("is refused by the program itself", function()
      for _, words in ipairs{ "unlok", "unlock", "unlock 3 --verfy", "close --all -s memory://x", "unlock 3 --self" } do
         local out, err, code = cli.run(words)
         assert.same({ "", 2 }, { out, code })
         assert.equal(1, #cli.lines(err), err)
      end
   end)

   for words, want in pairs{
      ["unlok 3"] = "did you mean 'unlock'?", ["unlock 3 --verfy"] = "did you mean '--verify'?",
      ["poweroff x"] = "did you mean 'power-off'?", ["-s lab01 list"] = "give it behind: wms COMMAND -s",
      ["lock 3"] = "--message is missing; give -m TEXT",
      ["lock -s x"] = "give -m TEXT; no sessions; give their ids ('wms list' shows them), --all, -u NAME, or --where",
      ["lock 3 -m x -m y"] = "give it once", ["lock 3 -m --help"] = "give -m TEXT", ["lock 3 -m -h"] = "give -m TEXT",
      ["lock 3 -m --version"] = "give -m TEXT", ["lock lab01 -m x"] = "hosts are named by -s lab01, users by -u lab01",
      ["lock --all -m Eyes on me"] = "ID: 'on' is no id; put the text in quotes, and give -m \"Eyes on me\"",
      ["close --all -s x --warn 5 We close 1 h"] = "give --warn 5 \"We close 1 h\"",
      ["message 3 --title Big lab -m x"] = "give --title \"Big lab\"",
      ["message 3 --message=Big lab 2 now"] = "give -m \"Big lab 2 now\"",
      ["lock --all 'Eyes on me'"] = "ID: 'Eyes on me' is no id; give -m \"Eyes on me\"",
      ["lock --all Hello"] = "ID: 'Hello' is no id; give -m \"Hello\"",
      ["unlock -u alice bob zoe"] = "users are given as -u alice,bob,zoe", ["unlock 2, lab"] = "'2,' is no id",
      ["-demo list"] = "-demo: long options have two dashes; give --demo",
      ["lock -all -m x"] = "give --all", ["unlock -user=alice"] = "-user=alice: long options have two dashes; give --user",
      ["msg 3"] = "did you mean 'message'?", ["power off lab01"] = "did you mean 'power-off'?",
      ["--demo power on lab01"] = "did you mean 'wake'?", ["log-off 3"] = "did you mean 'close'?",
      ["close 2 --warn 10sec Hi"] = "is no time above 0; give 10s", ["unlock 2 --verify='2 Min'"] = "is no time; give 2m",
      ["reboot --all"] = "reboot is about hosts; give them, or a @GROUP", ["list -a"] = "leave it out",
      ["help lock nosuch"] = "unknown command 'nosuch'",
      ["--lua close lab01 2"] = "ID: lab01 is no id", ["--demo close lab01 2 -y"] = "ID: lab01 is no id",
      ["--demo close -s lab01 2 --verify 3 -y"] = "give --verify=3, or the ids before it",
      ["unlock 2 --verify 30m"] = "give --verify=30m", ["unlock --verify 1h30m --all"] = "give --verify=1h30m",
      ["--demo reboot @room1 !lab2 --yes"] = "-s '!memory://lab2': it takes nothing out; give a host that is among",
      ["--demo reboot @room1!lab2 --yes"] = "-s '!memory://lab2': it takes nothing out",
      ["--demo close -s @room1 --all --except user=Bob -y"] = "did you mean 'bob' (case counts)?",
      ["--demo close -s lab[01-03] 2"] = "no terminal to ask whether it is meant; give --yes",
      ["--demo close -s lab[01-03] --self"] = "no terminal to ask whether it is meant; give --yes",
      ["--demo --config x list"] = "--demo and --config do not go together", ["demo list"] = "did you mean '--demo'?",
      ["logoff alice"] = "did you mean 'close'?", ["help nosuch"] = "unknown command 'nosuch'",
      ["monitor"] = "did you mean 'watch'?", ["watch -a"] = "it is about all that are not left out; leave it out",
      ["watch 3"] = "SERVER: '3' is no host's name; give a host, such as localhost",
      ["watch --where idle=30m"] = "--where: idle: nothing tells when that changes; leave it out",
      ["keep"] = "--locked: missing; give --locked or --unlocked",
      ["keep --locked"] = "--message: missing; give what the users see while they are locked",
      ["keep --unlocked --where locked=yes"] = "--where: locked: it is what keep changes; leave it out",
      ["keep --unlocked --except idle=1h"] = "--except: idle: nothing tells when that changes; leave it out",
      ["keep --unlocked --until 11.30"] = "'11.30' is no time of day; give one such as 11:30, or a date with it",
      ["keep --unlocked --until '2020-01-01 10:00'"] = "--until: it has gone by; give a later one",
      ["keep --unlocked --until 11:30 --after 5"] = "give one of them",
      ["keep --unlocked --limit 1001"] = "--limit: 1001; give",
      ["keep --unlocked --file /"] = "--file: \"/\"; give the name of a file",
      ["nosuch --help"] = "unknown command 'nosuch'", ["close 3 -m x"] = "give --warn TIME TEXT",
      ["list -V"] = "did you mean '--version'?", ["unlock 3 --timeout -1"] = "behind --timeout it is no value; give one",
      ["unlock --all --except teacher"] = "give one such as user=teacher", ["list --json -q"] = "give one of them",
      ["--lua list --json"] = "--lua and --json do not go together",
      ["--lua list --csv"] = "give one of them",
      ["--lua unlock 3 -q"] = "give one of them", ["--lua bind x -u a"] = "a script asks nobody",
      ["--lua bind x -u a --show"] = "give one of them", ["close 3 --warn 5 ''"] = "--warn: TEXT: ",
      ["call -s x I Op a=[1e999]"] = "is not held exactly; give it as a text",
      ["call -s x I Op a=[9007199254740993]"] = "is not held exactly",
      ["call -s x I Op e=[null,1]"] = "null is lost in Lua",
      ["unlock lab01.example"] = "give --all for all, and hosts as -s HOST",
      ["list --where locked=perhaps"] = "'perhaps' is neither; give yes or no",
      ["unlock self 3"] = "'self' cannot be combined",
      ["close --all"] = "no hosts; give them as -s HOST (-s localhost is this machine)",
      ["close --all -s memory://x"] = "there is no terminal to ask whether it is meant; give --yes",
      ["unlock --except user=a"] = "--except takes from all; give --all, too",
      ["list @nowhere"] = "there is no group 'nowhere'; give one that is in the file of settings",
      ["unlock 3 --timeout 1e9x"] = "give a number of seconds, or a time such as 90s, 30m, 2h, 1h30m",
      ["unlock 3 --stable 5 --verify --retries 1001"] = "--retries: 1001",
      ["wake x --mac 00:11:22:33:44:55"] = "--mac alone; give --mac and --network",
      ["wake x --mac 1 --network 127.0.0.1"] = "--mac: it is no card's; give",
      ["wake x,y --mac 1 --network 2"] = "--mac is one host's; give one host",
      ["bind x"] = "--user is missing; give -u NAME", ["bind x -u a"] = "give --fingerprint SHA256 or --fingerprints FILE",
      ["bind x -u a --fingerprint 00 --password-fd 987"] = "it is not open; give one that is",
      ["bind x -u a --fingerprint 00"] = "give it by --password-fd N or --credential NAME",
      ["bind x -u a --fingerprint 00 --credential a/b"] = "LoadCredential= in the unit",
      ["bind x -u a --fingerprints /nonexistent/f"] = "/nonexistent/f: No such file or directory; give a file with lines",
      ["bind x -u a --fingerprint 00 --events a.example"] = "and a port, such as console.school.example:8443",
      ["bind x -u a --fingerprint 00 --events a.example:99999"] = "99999 is no port; give a free one",
      ["bind x -u a --fingerprint 00 --events a.example:1@lab"] = "'lab' behind the @ is no numeric address; give",
      ["screens"] = "give a file as -o room.html, or --serve PORT", ["screens -o a.gif"] = "ends in .html or .png",
      ["screens -o a.html -m Hi"] = "leave it out, or give --serve PORT", ["screens --serve 70000"] = "give one up to 65535",
      ["screens -o a.html --every 2d"] = "--every: more than a day; give at most 86400s",
      ["screens -s @nowhere -o a.html"] = "wms screens: -s: there is no group 'nowhere'",
      ["screens -s @nowhere --serve 0"] = "wms screens: -s: there is no group 'nowhere'",
      ["call x I"] = "no hosts; give them as -s HOST", ["call -s x I Op =1"] = "give NAME=VALUE",
      ["call -s x I Op a=1 a=2"] = "a is given twice; leave one of them out", ["call -s x I Op a=[1"] = "give JSON",
   } do
      it(("tells of '%s': %s"):format(words, want), function()
         local out, err, code = cli.run(words)
         assert.same({ "", 2 }, { out, code }, err)
         assert(err:find(want, 1, true), err)
         assert.equal(1, #cli.lines(err), err)
      end)
   end
end)
