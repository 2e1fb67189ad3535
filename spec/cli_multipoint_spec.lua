-- SPDX-License-Identifier: MIT
--- The commands for what MultiPoint's cmdlets do beside those of sessions: what they do to a host, what they print, what
--- they ask, and what is misuse.
local cli = require "spec.support.cli"
local commands = require "wms.cli.commands"
local dkjson = require "dkjson"
local kit = require "spec.support.kit"
local multipoint = require "spec.support.multipoint"
local process = require "spec.support.process"

local function has(text, ...)
   for _, part in ipairs{ ... } do
      assert(text:find(part, 1, true), ("'%s' is not in:\n%s"):format(part, text))
   end
end

describe("wms and the nouns of MultiPoint #once", function()
   local test = kit.needing(pending, multipoint.missing)
   local lab, poor, dark -- a host; one without the management password; one that is off

   local function bind(one, ...)
      local words = { "bind", one.server, "-u", one.admin, "--fingerprint", one.fingerprint, "--password-fd", "0", ... }
      local _, err, code = cli.run(words, { input = one.password .. "\n" })
      assert.same({ 0, "1 bound\n" }, { code, err })
   end

   setup(function()
      if multipoint.missing() then
         return
      end
      lab, poor, dark = multipoint.new(), multipoint.new(), multipoint.new()
      bind(lab, "--management")
      bind(poor)
      bind(dark, "--management")
      dark:down()
      cli.write("room.lua", ("return { groups = { room1 = { %q, %q } }, defaults = { retries = 0 } }"):format(lab.server,
         poor.server))
   end)

   before_each(function()
      if lab then
         lab:clear()
         lab:remove("all")
         lab:anew()
         lab:set{ stations = 3, keep_bodies = true }
         lab:session{ id = 2, user = "alice", domain = "SCHOOL", station = 1, winstation = "Console" }
         lab:session{ id = 3, user = "bob", domain = "SCHOOL", station = 2 }
         lab:session{ id = 4, user = "teacher", flags = 1 }
         lab:reset()
      end
   end)

   teardown(function()
      multipoint.down()
      cli.sweep()
   end)

   --- Runs a command line with the host behind it.
   local function run(arguments, options)
      return cli.run(arguments .. " -s " .. lab.server, options)
   end

   --- The same, which succeeds with that on the error stream; returns its output.
   local function fine(arguments, err, options)
      local out, said, code = run(arguments, options)
      assert.same({ 0, err .. "\n" }, { code, said }, arguments .. "\n" .. out)
      return out
   end

   --- The records that it prints as JSON, but for the sum.
   local function records(arguments)
      local out, err, code = run(arguments .. " --json")
      assert.same({ 0, "" }, { code, err }, arguments .. "\n" .. out)
      local list = {}
      for i, line in ipairs(cli.lines(out)) do
         list[i] = assert(dkjson.decode(line))
      end
      assert.equal("sum", table.remove(list).record)
      return list
   end

   --- Runs it wrong: one line that has these parts, and nothing was asked of the host.
   local function misuse(arguments, ...)
      lab:reset()
      local out, err, code = run(arguments)
      assert.same({ "", 2 }, { out, code }, arguments .. "\n" .. err)
      assert.equal(1, #cli.lines(err), err)
      has(err, ...)
      assert.same({}, lab:log(), arguments)
   end

   local function asked(operation)
      return lab:counts()[operation]
   end

   describe("lists", function()
      test("stations, with what a person wants of them", function()
         local out = fine("stations", "3 stations")
         assert.truthy(out:find("STATION  NAME       STATE   SESSION  SPLIT  USB BLOCKED", 1, true), out)
         assert.truthy(out:find("1  Station 1  Active        2  no     no ", 1, true), out)
         lab:station{ id = 1, devices = "1:2;2:1" }
         assert.truthy(fine("stations 1 --devices", "1 station"):find("Keyboard %d"))
         assert.equal(2, #cli.lines(fine("stations 3", "1 station")))
      end)

      test("all of their properties for programs", function()
         local first = records("stations")[1]
         assert.same({ "station", lab.server, 1, "Station 1", 2, false, "Landscape" }, { first.record, first.server,
            first.station_id, first.name, first.session_id, first.is_split, first.display_orientation })
         local out, err, code = run("stations --csv")
         local lines = cli.lines(out)
         assert.same({ "", 0, 4 }, { err, code, #lines })
         assert.truthy(lines[1]:find("^server,station_id,name,state,session_id,"), lines[1])
         assert.truthy(lines[2]:find("^" .. lab.server:gsub("%p", "%%%0") .. ",1,Station 1,Active,2,"), lines[2])
         for _, line in ipairs(lines) do
            assert.equal(select(2, lines[1]:gsub(",", "")), (select(2, line:gsub(",", ""))))
         end
      end)

      test("lists within properties as JSON lists, and in CSV with blanks", function()
         lab:system{ web_allowed = "a.example;b.example", web_on = true }
         fine("web-limit set --allow a.example,b.example", "1 set")
         local limits = records("web-limit")[1]
         assert.same({ "limits", { "a.example", "b.example" }, true }, { limits.record, limits.allow_list,
            limits.is_allow_list })
         has((run("web-limit --csv")), ",a.example b.example,")
         has(fine("web-limit", "1 host"), lab.server .. ":\n", "allow list      a.example b.example\n")
      end)

      test("numbers that readers of JSON would round, as digits", function()
         lab:program(3, { name = "Paint", process = 7, window = 8, created = "129937600254314944" })
         local app = records("apps")[1]
         assert.same({ "129937600254314944", 7, 3 }, { app.create_time, app.process_id, app.session_id })
      end)

      test("programs, accounts, alerts, settings, activity, screens", function()
         lab:program(3, { name = "Paint", process = 7, window = 8 })
         lab:account{ name = "eve", full_name = "Eve", type = 1 }
         lab:alert(2, { severity = 2 })
         lab:alert(0, { station = 1 })
         assert.truthy(fine("apps", "1 program"):find("3  Paint +7\n"))
         assert.equal("", fine("apps 2", "0 programs"))
         assert.truthy(fine("users", "1 account"):find("eve +Eve +Standard +%-\n"))
         assert.truthy(fine("alerts", "2 alerts"):find("SafeMode +Error +Set +%-\n"))
         has(fine("system", "1 host"), "license count                       20\n",
            "is desktop monitoring allowed       yes\n")
         assert.truthy(fine("system version", "1 host"):find("10.0.14393.0", 1, true))
         assert.truthy(fine("disk", "1 host"):find("NotInstalled\n", 1, true))
         assert.truthy(fine("updates", "1 host"):find("SERVER +ON +MODE +HOUR +SCRIPT +MINUTES +AFTER\n"))
         assert.truthy(fine("activity", "2 sessions"):find("2  Paint\n") == nil)
         assert.truthy(fine("desktops", "2 sessions"):find("2  Quiescent ", 1, true))
         assert.equal(3, #cli.lines(fine("usb @room1 --config " .. cli.folder() .. "/room.lua -s '!" .. poor.server .. "'",
            "3 stations")) - 1)
      end)

      test("what a host says, harmless", function()
         lab:station{ id = 1, name = "\27[31mred\226\128\174" }
         local out = fine("stations 1", "1 station")
         assert.is_nil(out:find("\27", 1, true))
         assert.is_nil(out:find("\226\128\174", 1, true))
      end)

      test("as many columns as a terminal has place for", function()
         local text, code = cli.terminal("stations -s " .. lab.server, 50)
         assert.equal(0, code, text)
         for _, line in ipairs(cli.lines(text)) do
            assert(#line:gsub("\27%[%d+m", "") <= 50, line)
         end
         has(text, "no place; a wider")
      end)
   end)

   describe("does", function()
      test("what is set for stations", function()
         fine("stations set 2 3 --name Door --orientation portrait", "2 set")
         local found = records("stations 2")[1]
         assert.same({ "Door", "Portrait" }, { found.name, found.display_orientation })
         fine("stations split 1", "1 split")
         assert.is_true(records("stations 1")[1].is_split)
         fine("stations join 1", "1 joined")
         fine("stations split --all --yes", "3 split")
         fine("stations refresh --all", "6 set up anew")
         fine("usb block 1", "1 blocked")
         fine("usb unblock --all", "1 unblocked")
         fine("stations identify --all", "8 shown") -- two stations more, and who is at none any longer
         fine("stations unidentify --session 3", "1 taken off")
         assert.same({ 1, 1 }, { asked "UnblockUsbStorageDevicesAllStations", asked "StopIdentifyingSession" })
      end)

      test("what is said about the web, and programs", function()
         fine("web-limit set --block games.example", "1 set")
         fine("web-limit on --all", "1 limited")
         assert.is_true(records("web-limit 3")[1].is_in_limiting)
         fine("web-limit off 3", "1 not limited")
         assert.is_false(records("web-limit 3")[1].is_in_limiting)
         fine("apps open 'https://school.example/?a=1&b' --all", "2 opened")
         fine("apps open calc.exe 3", "1 opened")
         local opened = records("apps 3")
         assert.same({ "https://school.example/?a=1&b", "calc.exe" }, { opened[1].name, opened[2].name })
         fine("apps open notepad --all -u bob", "1 opened")
      end)

      test("what is set for the host, and its updates", function()
         fine("system set --im off --single-session-per-user on", "1 set")
         local system = records("system")[1]
         assert.same({ false, true }, { system.is_chat_enabled, system.is_single_session_per_user })
         fine("updates set --hour 5 --after shutdown", "1 set")
         local update = records("updates")[1]
         assert.same({ 5, "Shutdown", true }, { update.hour_to_schedule_updates, update.return_state,
            update.is_schedule_update_enabled })
         fine("updates off", "1 switched off")
         fine("disk enable --yes", "1 protected, restarting")
         assert.equal("Discard", records("disk")[1].mode)
      end)

      test("what shares desktops", function()
         lab:session{ id = 4, flags = 36 }
         local desktop = records("desktops share 2")[1]
         assert.same({ "desktop", 2, "string" }, { desktop.record, desktop.session_id, type(desktop.invitation) })
         fine("desktops view 3 --invitation " .. process.quote(desktop.invitation), "1 done")
         assert.equal("Viewing", records("desktops 3")[1].broadcast_state)
         fine("desktops view --no-invitation --all", "1 done")
         fine("desktops unshare 2", "1 ended")
         assert.equal("Quiescent", records("desktops 2")[1].broadcast_state)
      end)

      test("nothing with --what-if", function()
         for _, words in ipairs{ "stations set 2 --name X", "stations split --all", "stations remap", "usb block --all",
            "apps open calc 3", "web-limit on --all", "users add x --user-type standard", "users remove x",
            "system set --im on", "disk enable", "updates off", "stations set 2 --logon eve" } do
            lab:reset()
            local out, err, code = run(words .. " --what-if")
            assert.same({ 0, {} }, { code, lab:log() }, words .. err)
            has(out, "would be ")
         end
      end)

      test("what a script does, by --lua", function()
         local function run_script(words)
            local script = cli.write("script.lua", (run(words .. " --lua")))
            local text, code = process.run(("env -u LUA_INIT LUA_PATH='./lua/?.lua;;' LUA_CPATH=%s HOME=%s "
               .. "XDG_CONFIG_HOME=%s %s %s 2>&1"):format(process.quote(package.cpath), cli.folder(),
               cli.folder() .. "/config", process.lua(), script))
            assert.equal(0, code, text)
            return text
         end
         local text = run_script("stations set 2 --name Hall")
         assert.equal(lab.server .. "\t2\trequested\tnil\n", text)
         assert.equal("Hall", records("stations 2")[1].name)
         for _, words in ipairs{ "stations", "system version", "apps close --name x --all --yes", "web-limit" } do
            run_script(words)
         end
         lab:program(3, { name = "Paint", process = 7, window = 8 })
         for _, words in ipairs{ "apps close --all --name paint --what-if", "apps close 3 --process-id 7 --yes" } do
            assert.equal(lab.server .. "\t3\tPaint\n", run_script(words))
         end
      end)
   end)

   describe("asks", function()
      test("whether it is meant, before something ends", function()
         for words, question in pairs{
            ["disk enable"] = "This protects the disk of, and restarts, ",
            ["stations remap"] = "automatic log-ons away, on ",
            ["stations split --all"] = "This disconnects who is there, and splits all stations on ",
            ["users remove eve"] = "This removes the account eve of ",
         } do
            lab:reset()
            local text, code = cli.terminal(words .. " -s " .. lab.server, 200, { "meant", "no\\n" })
            assert.same({ 1, {} }, { code, lab:log() }, text)
            has(text, question .. lab.server .. ". Is it meant?", "nothing was done")
            misuse(words, "there is no terminal to ask whether it is meant; give --yes")
         end
      end)

      test("about each program that is closed", function()
         lab:program(3, { name = "Paint", process = 7, window = 8 })
         lab:program(2, { name = "paint", process = 9, window = 8 })
         lab:program(2, { name = "calc", process = 10, window = 9 })
         misuse("apps close --all --name Paint", "give --yes")
         local line = "apps close --all --name PAINT -s " .. lab.server
         local text, code = cli.terminal(line, 200, { "meant", "no\\n" })
         assert.equal(1, code, text)
         has(text, "This closes paint (session 2 on ", "), Paint (session 3 on ")
         text, code = cli.terminal(line, 200, { "meant", "yes\\n" })
         assert.equal(0, code, text)
         has(text, "2 closed")
         local _, _, left = run("apps close --all --name paint --yes")
         assert.equal(0, left)
         assert.equal("calc", records("apps")[1].name)
         fine("apps close 2 --process-id 10 --yes", "1 closed")
         assert.same({}, records("apps"))
      end)

      test("for the password of an account, twice if it is new", function()
         local text, code = cli.terminal("users add eve --user-type standard -s " .. lab.server, 80,
            { "New password of eve: ", "s3cret\\n", "same again: ", "s3cre\\n", "differ", "", "New password of eve: ",
               "s3cret\\n", "same again: ", "s3cret\\n" })
         assert.equal(0, code, text)
         assert.is_nil(text:find("s3c", 1, true), "no echo")
         has(table.concat(lab:bodies()), "<wsPassword>s3cret</wsPassword>")
         assert.equal("Standard", records("users --name eve")[1].user_type)
         lab:account{ name = "guest", password = "pw" }
         text, code = cli.terminal("stations set 2 --logon 'SCHOOL\\guest' -s " .. lab.server, 80,
            { "Password of guest: ", "pw\\n" })
         assert.equal(0, code, text)
         local found = records("stations 2")[1]
         assert.same({ "guest", "SCHOOL" }, { found.auto_log_on_user_name, found.auto_log_on_domain_name })
         fine("stations set 2 --no-logon", "1 set")
         text, code = cli.terminal("users set eve --password -s " .. lab.server, 80, { "New password of eve: ", "\\n" })
         assert.equal(1, code, text)
         has(text, "nothing was done")
      end)

      test("nobody, where a descriptor or nobody has it", function()
         fine("users add mo --user-type dashboarduser --password-fd 0", "1 made", { input = "pw <1>\n" })
         has(table.concat(lab:bodies()), "<wsPassword>pw &lt;1&gt;</wsPassword>")
         fine("users add zoe --user-type standard --no-password", "1 made")
         fine("users set zoe --password-fd 0 --full-name Zoe", "1 changed", { input = "other\n" })
         fine("users set zoe --user-type Administrator", "1 changed")
         assert.equal("Administrator", records("users --name zoe")[1].user_type)
         fine("users remove zoe --yes", "1 removed")
         misuse("users add eve --user-type standard", "there is no terminal to ask for the password; give it by ")
         misuse("users set mo --password", "--password-fd")
         misuse("stations set 2 --logon eve", "--password-fd")
      end)
   end)

   describe("refuses", function()
      for words, part in pairs{
         ["stations splt 3"] = "unknown command 'stations splt'; did you mean 'stations split'?",
         ["stations lab01"] = "'lab01' is no id of a station, and no command of stations; give hosts as -s HOST",
         ["stations set"] = "no stations; give their ids ('wms stations' shows them)\n",
         ["stations split"] = "no stations; give their ids ('wms stations' shows them), or --all",
         ["stations set all --name x"] = "'all' is no id; give ids of stations",
         ["stations all"] = "'all' is no id; leave it out for all, or ids of stations",
         ["desktops share"] = "no session; give its id",
         ["stations set --name x"] = "no stations; give their ids",
         ["stations set 2"] = "--name, --logon, --host, --vm, --orientation: missing; give what is to be set",
         ["stations set 0 --name x"] = "ID: 0; give 1..4294967294", ["stations split 1 --all"] = "--all cannot be combined",
         ["stations set 2 --host a --no-host"] = "--host and --no-host do not go together",
         ["stations set 2 --logon 'a\\'"] = "give USER, or DOMAIN\\USER",
         ["stations set 2 --name x --password-fd 0"] = "no password is wanted; give --logon",
         ["stations set 2 --orientation up"] = "--orientation", ["stations set 2 --name ''"] = "--name: ",
         ["stations identify 2 --session 3"] = "--session cannot be combined",
         ["stations split all"] = "give --all for all",
         ["web-limit set"] = "--allow, --block: missing; give one of them",
         ["web-limit set --allow a --block b"] = "--block: there is --allow already",
         ["web-limit set --allow 'a;b'"] = "is no site", ["web-limit on"] = "no sessions",
         ["system set"] = "missing; give what is to be set", ["system set --im maybe"] = "must be one of",
         ["updates set --hour 24"] = "--hour: 24; give a whole number from 0 to 23",
         ["users add eve"] = "--user-type is missing; give --user-type WORD",
         ["users add"] = "missing argument 'name'",
         ["users set eve"] = "--password, --user-type, --full-name, --description: missing",
         ["users add eve --user-type boss"] = "--user-type: \"boss\"; give \"Administrator\", \"Standard\"",
         ["users add eve mo --user-type standard"] = "'mo' is no group",
         ["users add x --user-type standard --no-password --password-fd 0"] = "do not go together",
         ["apps open"] = "missing argument 'file'", ["apps open calc"] = "no sessions",
         ["apps close 3"] = "no programs; give --name NAME",
         ["desktops view 3"] = "--invitation: missing; give a text",
         ["desktops view 3 --no-invitation"] = "give --all, or the text",
         ["desktops share 2 3"] = "several; give one", ["disk enable @nobody"] = "there is no group 'nobody'",
         ["disk enabel"] = "'disk enable'",
      } do
         test(words, function()
            misuse(words, part)
         end)
      end

      test("hosts that were not named", function()
         for _, words in ipairs{ "stations", "users", "disk enable --yes", "alerts" } do
            local _, err, code = cli.run(words)
            assert.equal(2, code)
            has(err, "no hosts; give them as -s HOST")
         end
      end)
   end)

   describe("tells", function()
      test("how to get the management password", function()
         for _, words in ipairs{ "users", "stations set 1 --name x", "users remove eve --yes", "alerts" } do
            poor:reset()
            local _, err, code = cli.run(words .. " -s " .. poor.server)
            assert.same({ 1, {} }, { code, poor:log() }, words .. err)
            has(err, "bind with --management\n", "wms bind " .. poor.server .. " -u Administrator --management.")
         end
      end)

      test("what three hosts say, one of which is off", function()
         local line = ("-s %s -s %s -s %s"):format(lab.server, dark.server, poor.server)
         local out, err, code = cli.run("stations " .. line)
         assert.equal(1, code)
         has(out, lab.server, "Station 3")
         has(err, "failed: " .. dark.server .. ": ", "Is the host on", "3 stations, 1 failed\n")
         out, err, code = cli.run("system version --csv " .. line)
         assert.equal(1, code)
         assert.equal(3, #cli.lines(out))
         has(err, "2 hosts, 1 failed\n")
         out, err, code = cli.run("usb block --all --json " .. line)
         assert.same({ 1, "" }, { code, err })
         local sum = dkjson.decode(cli.lines(out)[4])
         assert.same({ "usb block", 3, 1, 1 }, { sum.command, sum.count, sum.failed, sum.exit })
         assert.equal(3, (select(3, cli.run("stations -s " .. dark.server))))
      end)

      test("which station there is not, and which account", function()
         local out, err, code = run("stations set 9 --name x")
         assert.equal(1, code)
         has(out, "9        -  failed (NOT_FOUND)")
         has(err, "station 9: the host has no such station", "'wms stations' shows")
         err, code = select(2, run("users remove nobody --yes"))
         assert.equal(1, code)
         has(err, "the host has no account of that name\n1 failed\n")
         err, code = select(2, run("apps close 77 --name x --yes"))
         assert.equal(1, code)
         has(err, "session 77")
         lab:account{ name = "boss", password = "pw", type = 0 }
         err = select(2, run("stations set 2 --logon boss --password-fd 0", { input = "pw\n" }))
         has(err, "give --admin if that is meant")
         fine("stations set 2 --logon boss --admin --password-fd 0", "1 set", { input = "pw\n" })
         err = select(2, run("disk suspend --yes"))
         has(err, "disk protection is not installed there; 'wms disk enable' does it")
      end)

      test("hosts that are none", function()
         local _, err, code = cli.run("--demo stations")
         assert.equal(1, code)
         has(err, "This kind of host cannot do that; leave it out.")
      end)

      test("in its help what each takes, in lines that fit", function()
         for _, command in ipairs(commands.list) do
            if command.entry or rawget(command, "fun") then
               for _, line in ipairs(cli.lines(require "wms.cli.help".of(command, 80))) do
                  assert(#line <= 80, line)
                  assert.is_nil(line:find("`", 1, true), line)
               end
            end
         end
      end)
   end)

   test("tells whom a choice has not met", function()
      local _, err, code = run("apps open notepad --all -u nobody -x user=zoe")
      assert.equal(1, code)
      has(err, "--user nobody: no such user is logged on", "--except user=zoe: it takes nobody out")
      assert.is_nil(asked "RunFileSession")
   end)

   it("is loaded for its own commands alone", function()
      local init = [[
         local exit = os.exit
         os.exit = function(...)
            io.stderr:write(tostring(package.loaded["wms.multipoint"]))
            exit(...)
         end]]
      for _, words in ipairs{ "--demo list", "--help", "unlock 3 --lua", "--complete-line 'wms li'" } do
         assert.equal("nil", (select(2, cli.run(words, { init = init })):match("nil$")), words)
      end
      assert.equal("table: ", (select(2, cli.run("stations -s x --lua", { init = init })):match("table: ")))
   end)

   test("ends at once by Ctrl-C when a host is silent", function()
      lab:on("*", { never = true, times = 0 })
      finally(function() lab:clear() end)
      local text, code = cli.terminal("stations -s " .. lab.server, 80, { "waiting for", "\\x03" })
      assert.equal(130, code, text)
      has(text, "interrupted")
   end)
end)
