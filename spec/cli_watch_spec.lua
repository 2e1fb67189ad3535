-- SPDX-License-Identifier: MIT
--- `wms watch`: what it prints of hosts inside of it, of a real Linux here and over ssh, of a MultiPoint host; how it ends.
local cli = require "spec.support.cli"
local far = require "spec.support.logind_far"
local kit = require "spec.support.kit"
local multipoint = require "spec.support.multipoint"
local process = require "spec.support.process"
local dkjson = require "dkjson"
local has, records = cli.has, cli.records

--- Events in short: "opened 2", "ready".
local function short(list)
   local all = {}
   for i, record in ipairs(list) do
      all[i] = record.kind and record.kind .. (record.session_id and " " .. record.session_id or "") or record.record
   end
   return all
end

--- A host on which something happens as soon as it is watched.
local HOST = [[
   local wms = require "wms"
   local lab = wms.memory("lab", { sessions = {
      { session_id = 1, user_name = "teacher", is_admin = true }, { session_id = 2, user_name = "alice", locked = true },
   } })
   wms.memory("away", {}):refuse("UNREACHABLE")
   wms.memory("still", { sessions = { { session_id = 1 } } })
   local steps = {
      function() lab:unlock(2) end, function() lab:lock(2, "Eyes on me") end,
      function() lab:open{ session_id = 3, user_name = "eve\27[2J" } end, function() lab:drop(3) end,
      function() lab:refuse("UNREACHABLE") end, function() lab:refuse() end,
   }
   if table.concat(arg, " "):find("still") then
      steps = {}
   end
   local timer
   timer = require("wms.loop.waiting").timer(function()
      local step = table.remove(steps, 1)
      if step then
         step()
         timer:set(0.05)
      end
   end)
   timer:set(0.05)
]]
local LIFE = { "ready", "opened 1", "opened 2", "unlocked 2", "locked 2", "opened 3", "closed 3", "lost", "back", "sum" }

local WHY = "the host cannot be reached, or the connection broke"
local LOST = "lost: memory://lab: " .. WHY .. "\n   It is tried again and again.\n"

local function run(arguments, options)
   options = options or {}
   options.init = options.init or HOST
   return cli.run(arguments, options)
end

teardown(cli.sweep)

describe("wms watch #once", function()
   it("prints a line an event, and on the error stream what went wrong", function()
      local out, err, code = run("watch memory://lab --initial --count 9")
      assert.equal(0, code, err)
      local lines = cli.lines(out)
      assert.equal(10, #lines, out)
      local time = "%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d  memory://lab  "
      assert.truthy(lines[1]:find("^TIME +SERVER +EVENT +SESSION +USER +NOTE$"), out)
      for i, want in ipairs{
         "ready +%- +%- +%-$", "opened +1  teacher +at first, exempt$", "opened +2  alice +at first, locked$",
         "unlocked +2  alice +%-$", "locked +2  alice +%-$", "opened +3  eve%?%[2J +%-$", "closed +3  eve%?%[2J +%-$",
         "lost +%- +%- +UNREACHABLE$", "back +%- +%- +%-$",
      } do
         assert.truthy(lines[i + 1]:find("^" .. time .. want), lines[i + 1])
      end
      local user = lines[1]:find("USER", 1, true)
      for i = 3, 8 do
         assert.truthy(lines[i]:sub(user - 3, user):find("^%d  %a$"), out) -- what stands below each other
      end
      assert.equal(LOST .. "9 events\n", err)
   end)

   it("prints JSON, each line at once, with the sum last", function()
      local running = cli.start("watch memory://lab --initial --json", { init = HOST })
      local list = {}
      repeat
         list[#list + 1] = dkjson.decode(running:line())
      until list[#list].kind == "back"
      running:signal("INT")
      local rest, err, code = running:finish()
      assert.same({ "", 130 }, { err, code })
      list[#list + 1] = records(rest)[1]
      assert.same(LIFE, short(list))
      assert.same({ "event", "memory://lab", "alice", true, true }, { list[3].record, list[3].server, list[3].user_name,
         list[3].locked, list[3].initial })
      assert.same({ "UNREACHABLE", WHY }, { list[8].code, list[8].message })
      assert.is_true(math.abs(list[1].time - os.time()) < 600)
      local sum = list[10]
      assert.same({ "watch", 9, 0, true, 130 }, { sum.command, sum.count, sum.failed, sum.interrupted, sum.exit })
   end)

   it("prints CSV, with a header", function()
      local out, err, code = run("watch memory://lab --csv --event opened --event lost --count 2")
      assert.equal(0, code, err)
      local lines = cli.lines(out)
      assert.truthy(lines[1]:find("^time,kind,server,session_id,user_name,initial,code,message,dropped,"), out)
      assert.truthy(lines[2]:find("^[%d.]+,opened,memory://lab,3,eve%?%[2J,,,,,"), out)
      assert.truthy(lines[3]:find("^[%d.]+,lost,memory://lab,,,,UNREACHABLE,\"" .. WHY .. "\",,"), out)
      has(err, "lost: memory://lab", "2 events, 1 host not there\n")
   end)

   it("tells of the sessions and the kinds that are wanted, and with --quiet what went wrong", function()
      local out, _, code = run("watch memory://lab -u alice --event locked --json --count 1")
      assert.same({ 0, { "locked 2", "sum" } }, { code, short(records(out)) })
      out, _, code = run("watch memory://lab --except user=alice --json --event opened --event closed --initial --count 3")
      assert.same({ 0, { "opened 1", "opened 3", "closed 3", "sum" } }, { code, short(records(out)) })
      local err
      out, err, code = run("watch memory://lab --quiet --event back --count 1")
      assert.same({ "", 0 }, { out, code })
      assert.equal(LOST, err)
   end)

   it("exits with what it was to wait for", function()
      local list = {
         ["watch memory://lab --event ready --for 3"] = { 0, "1 event\n" },
         ["watch memory://away --for 3"] = { 3, "1 event, 1 host not there\n" },
         ["watch memory://lab memory://away --event ready --for 3"] = { 1, "1 event, 1 host not there\n" },
         ["watch memory://lab --event connected --count 1 --for 3"] = { 1, "0 events\n" },
         ["watch memory://lab memory://away --event ready --count 1 --for 30"] = { 0, "1 event, 1 host not there\n" },
         ["watch memory://lab '!memory://other' --count 1"] = { 0, "takes nothing out\n1 event\n" },
         ["watch memory://still --initial --count 2"] = { 0, "2 events\n" }, -- which are there before it waits
      }
      for arguments, want in pairs(list) do -- side by side, since they take some seconds
         want.running = cli.start(arguments, { init = HOST })
      end
      for arguments, want in pairs(list) do
         local _, err, code = want.running:finish()
         assert.equal(want[1], code, arguments .. "\n" .. err)
         assert.equal(want[2], err:sub(-#want[2]), arguments)
      end
   end)

   it("ends by signals, and not by those that are ignored", function()
      for name, code in pairs{ TERM = 143, HUP = 129, INT = 130 } do
         local running = cli.start("watch memory://lab", { init = HOST })
         running:line("ready")
         running:signal(name)
         local _, err, got = running:finish()
         assert.equal(code, got, err)
         has(err, "interrupted: ", " event")
      end
      local running = cli.start("watch memory://lab", { init = HOST,
         environment = "sh -c 'trap \"\" HUP; exec \"$@\"' sh" })
      running:line("ready")
      running:signal("HUP")
      running:line("back")
      running:signal("TERM")
      assert.equal(143, select(3, running:finish()))
   end)

   it("ends without a word when nobody reads it any more, also while nothing happens", function()
      for _, before in ipairs{ "", "trap '' PIPE; " } do
         local folder = cli.folder()
         local text = process.run(("cd %s; mkfifo pipe; (%s timeout 60 env LUA_PATH=\"$OLDPWD/lua/?.lua;;\" LUA_CPATH=%s "
            .. "%s \"$OLDPWD/bin/wms\" --demo watch --event ready >pipe 2>err; echo $? >code) & "
            .. "head -n 1 <pipe >/dev/null; wait; cat code err; rm pipe"):format(process.quote(folder), before,
            process.quote((package.cpath:gsub("%./", process.run("pwd"):match("%S+") .. "/"))), process.lua()))
         assert.equal("141\n", text)
      end
   end)

   it("tells all sessions anew where events were lost", function()
      local out, err = run("watch memory://lab --count 4 --for 60 --json --event overflow --event opened", { init = [[
         local lab = require("wms").memory("lab", { sessions = { { session_id = 1 }, { session_id = 2 } } })
         require("wms.loop.waiting").timer(function()
            for _ = 1, 6000 do
               lab:lock(1, "Hi")
               lab:unlock(1)
            end
            lab:lock(1, "Hi")
            lab:open{ session_id = 3 }
         end):set(0)
      ]] })
      local list = records(out)
      assert.same({ "overflow", "opened 1", "opened 2", "opened 3", "sum" }, short(list))
      assert.is_true(list[1].dropped > 5000 and list[2].initial and list[2].locked and err == "")
   end)

   it("fits into a terminal, with colours, and ends by Ctrl-C", function()
      local text, code = cli.terminal("watch memory://lab memory://away --initial", 60, { "back", "\\x03" },
         { init = HOST })
      assert.equal(130, code)
      has(text, "\27[33mlocked", "\27[32munlocked", "\27[31mlost", "eve?[2J", "interrupted: 10 events, 1 host not there")
      for _, line in ipairs(cli.lines(text)) do
         local plain = line:gsub("\27%[[%d;]*m", ""):gsub("\r", ""):gsub("%^C", "")
         assert.is_true(#plain <= 60, plain)
      end
      text, code = cli.terminal("watch memory://lab --count 4 --initial", 80, {},
         { init = HOST, environment = "NO_COLOR=1" })
      assert.equal(0, code, text)
      assert.truthy(text:find("\n%d%d:%d%d:%d%d  opened +2  alice +at first, locked\n"), text) -- without the one server
      assert.is_nil(text:find("\27[", 1, true))
   end)

   it("has something to show in the made-up room, and is a script", function()
      local out, err, code = cli.run("--demo watch --event locked --count 1")
      assert.same({ 0, "1 event\n" }, { code, err })
      has(out, "memory://lab01  locked              3  bob")
      out, err, code = run("--lua watch memory://lab --event opened --count 2 --initial --for 5")
      assert.same({ "", 0 }, { err, code })
      out, code = process.run(("LUA_INIT=@%s LUA_PATH='./lua/?.lua;;' LUA_CPATH=%s %s %s"):format(cli.script(HOST),
         process.quote(package.cpath), process.lua(), cli.write("script.lua", out)))
      assert.equal(0, code, out)
      has(out, "memory://lab\topened\t1\tteacher\t", "memory://lab\topened\t2\talice\t")
   end)
end)

describe("wms watch and hosts #once", function()
   teardown(function()
      if not far.missing() then
         far.down()
      end
      multipoint.down()
   end)

   --- Reads JSON until there is an event of this kind, of this session if one is given.
   local function event(running, kind, id)
      while true do
         local record = dkjson.decode(running:line())
         if record.kind == kind and (id == nil or record.session_id == id) then
            return record
         end
      end
   end

   local with_linux = kit.needing(function(why) pending(why) end, far.missing)

   with_linux("tells what happens on this machine, and on another one over ssh", function()
      finally(far.sweep)
      local here, there = far.host{ sessions = { { user = "alice" } } }, far.host{ sessions = { { user = "bob" } } }
      local config = cli.write("config.lua", ("return { defaults = { ssh_command = %s } }"):format(
         require("wms.cli.literal").of(far.ssh())))
      local bus = "DBUS_SYSTEM_BUS_ADDRESS=unix:path=" .. here.machine.socket
      local running = cli.start({ "watch", "localhost", there.server, "--json", "--initial", "--config", config },
         { environment = bus })
      for _ = 1, 2 do
         event(running, "opened")
      end
      here.lock(here.ids[1])
      assert.equal("localhost", event(running, "locked", here.ids[1]).server)
      there.lock(there.ids[1])
      assert.equal(there.server, event(running, "locked", there.ids[1]).server)
      there.unlock(there.ids[1])
      event(running, "unlocked", there.ids[1])
      local id = there.open("carol")
      assert.equal("carol", event(running, "opened", id).user_name)
      there.drop(id)
      event(running, "closed", id)
      far.turn_off(there)
      assert.truthy(event(running, "lost").code)
      here.drop(here.ids[1])
      event(running, "closed", here.ids[1])
      running:signal("TERM")
      local out, err, code = running:finish()
      assert.same({ 143, "" }, { code, err })
      local sum = dkjson.decode(cli.lines(out)[#cli.lines(out)])
      assert.same({ "sum", 1, true }, { sum.record, sum.failed, sum.interrupted })
   end)

   kit.needing(pending, multipoint.missing)("tells what happens on a MultiPoint host", function()
      finally(multipoint.sweep)
      local lab = multipoint.new{}
      lab:session{ id = 3, user = "alice", flags = 36 }
      local _, err, code = cli.run({ "bind", lab.server, "-u", lab.admin, "--fingerprint", lab.fingerprint, "--password-fd",
         "0" }, { input = lab.password .. "\n" })
      assert.equal(0, code, err)
      local running = cli.start{ "watch", lab.server, "--json" }
      event(running, "ready")
      _, err, code = cli.run{ "lock", "-s", lab.server, "3", "-m", "Eyes on me", "--verify" }
      assert.equal(0, code, err)
      assert.equal("alice", event(running, "locked", 3).user_name)
      running:signal("INT")
      assert.equal(130, select(3, running:finish()))
   end)
end)

