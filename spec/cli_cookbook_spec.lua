-- SPDX-License-Identifier: MIT
--- The cookbook in docs/cli.md: each of its commands, tables of cron, units of systemd and scripts is run as it stands, on
--- embedded hosts; some on MultiPoint hosts and on a real Linux, too.
local cli = require "spec.support.cli"
local kit = require "spec.support.kit"
local logind = require "spec.support.logind"
local multipoint = require "spec.support.multipoint"
local process = require "spec.support.process"
local quote = process.quote

local function has(text, ...)
   for _, part in ipairs{ ... } do
      assert(text:find(part, 1, true), ("'%s' is not in:\n%s"):format(part, text))
   end
end

-- ---- the page ---------------------------------------------------------------------------------------------------------

local page = assert(io.open("docs/cli.md")):read("*a"):match("\n## Cookbook\n(.*)$")

--- What is shown in a language below a heading; all of it, in order, without one.
local function blocks(language, heading)
   local text = page
   if heading then
      local _, at = page:find("\n### " .. heading .. "\n", 1, true)
      assert(at, "no such heading: " .. heading)
      text = page:sub(at):match("^(.-)\n### ") or page:sub(at)
   end
   local list = {}
   for code in ("\n" .. text):gmatch("\n```" .. language .. "\n(.-\n)```") do
      list[#list + 1] = code
   end
   return list
end

local beginning = blocks("lua")[1]

-- ---- where it is run --------------------------------------------------------------------------------------------------

--- A room of three hosts; in that of a script nobody is reached while there is a file `away`.
local ROOM = [[
   local wms = require "wms"
   hosts = {}
   for i = 1, 3 do
      hosts[i] = wms.memory("lab0" .. i, { sessions = {
         { session_id = 1, user_name = "teacher", locked = true }, { session_id = 2, user_name = "alice", locked = true },
         { session_id = 3, user_name = "bob", locked = true, idle_since = os.time() - 7200 },
      } })
      local away = io.open("away")
      if away and i == 2 then
         hosts[i]:refuse("UNREACHABLE")
      end
   end
]]

--- In such a room, as soon as it is watched.
local HAPPENS = [[
   local wms = require "wms"
   local watch = wms.watch
   wms.watch = function(options)
      local made, ready = watch(options), 0
      while ready < 3 do
         ready = ready + (made:next(60).kind == "ready" and 1 or 0)
      end
      hosts[1]:open{ session_id = 9, user_name = "zoe" }
      hosts[2]:refuse("UNREACHABLE")
      return made
   end
]]

local CONFIG = [[return {
   groups = { room1 = "memory://lab[01-03]" },
   wake = { ["memory://lab01"] = { mac = "00:11:22:33:44:55", network = "127.0.0.1" },
      ["memory://lab02"] = { mac = "00:11:22:33:44:56", network = "127.0.0.1" },
      ["memory://lab03"] = { mac = "00:11:22:33:44:57", network = "127.0.0.1" } },
}]]

local here = process.run("pwd"):match("%S+")

--- A folder to work in, with programs that stand before others: `wms`, `sleep`, which does not, and takes `away` away.
local function prepare(config)
   local folder = cli.folder()
   process.run(("rm -rf %s/work && mkdir -p %s/work %s/bin %s/config/wms"):format(folder, folder, folder, folder))
   cli.write("config/wms/config.lua", config)
   cli.write("init.lua", ROOM)
   cli.write("bin/wms", ("#!/bin/sh\nexec %s %s/bin/wms \"$@\"\n"):format(process.lua(), here))
   cli.write("bin/mail", "#!/bin/sh\necho mail \"$@\"\ncat\n")
   cli.write("bin/sleep", "#!/bin/sh\necho slept $1\nrm -f away\n")
   process.run(("chmod +x %s/bin/*"):format(folder))
end

local function in_room(command)
   local folder = cli.folder()
   local path = package.cpath:gsub("%./", here .. "/")
   return process.run(("cd %s/work && env -u LUA_INIT_5_4 HOME=%s XDG_CONFIG_HOME=%s/config LUA_PATH='%s/lua/?.lua;;' "
      .. "LUA_CPATH=%s LUA_INIT=@%s/init.lua DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent PATH=%s/bin:$PATH %s"):format(
      folder, folder, folder, here, quote(path), folder, folder, command))
end

--- Runs commands as they stand, but for times that would take long.
local function shell(code)
   code = code:gsub("%-%-warn %d+m", "--warn 0.1"):gsub("%-%-stable 5", "--stable 0.1")
      :gsub("%-%-until 11:30", "--after 3"):gsub("%-%-event %l+", "%0 --count 1")
   cli.write("commands.sh", code)
   return in_room("sh -eu " .. cli.folder() .. "/commands.sh")
end

local function script(code)
   code = code:gsub("seconds = %d+", "seconds = 0.1"):gsub("until_time = \"11:30\"", "after = 3")
      :gsub("io.stdout:flush%(%)", "os.exit(0, true)")
   cli.write("script.lua", beginning .. code)
   return in_room(process.lua() .. " " .. cli.folder() .. "/script.lua")
end

teardown(cli.sweep)

describe("the cookbook #once", function()
   before_each(function()
      prepare(CONFIG)
   end)

   --- By heading: what its commands print, what is in a file then, and what its script prints.
   local JOBS = {
      ["Who is where, as CSV"] = { file = "who.csv", written = "memory://lab03,2,alice,,", lua = "memory://lab02,3,bob" },
      ["Lock all but the teacher"] = { "6 already locked" },
      ["Unlock one user, wherever he sits"] = { "3 unlocked" },
      ["Unlock after so many minutes"] = { "slept 45m\n", "9 unlocked" },
      ["An exam"] = { "9 already locked", "9 unlocked", "9 sessions on 3 hosts" },
      ["Lock room 1 until half past eleven"] = { unlocked = true, "memory://lab01, session 2 (alice): locked",
         "ended (time): 18 actions, 9 sessions put back", lua = "ended (time): 18 actions, 9 sessions put back" },
      ["Who logs on now"] = { happens = true, "memory://lab01  opened              9  zoe", lua = "memory://lab01\tzoe\n" },
      ["Tell me when a host is lost"] = { happens = true, "mail -s A host is lost teacher\n{\"record\":\"event\",",
         "\"kind\":\"lost\",\"server\":\"memory://lab02\",", lua = "memory://lab02\tthe host" },
      ["What is on the screens"] = { "room1.html: 9 sessions, 9 locked\n", file = "room1.html", written = "data:image/jpeg;",
         lua = "9\tsessions\t0\thosts not reached\n" },
      ["Close at six, with a warning"] = { "9 requested" },
      ["The same by cron"] = {}, ["The same by a systemd timer"] = {},
      ["Log off who has done nothing for an hour"] = { "3 requested" },
      ["Try again what failed"] = { away = true, "nobody", lua = "all unlocked" },
      ["Wake a room in the morning, and switch it off in the evening"] = { "3 already awake", "9 sent", "3 switching off" },
      ["Bind a room"] = { elsewhere = true }, ["Only these sites, for a lesson"] = { elsewhere = true },
      ["Close a game, wherever it runs"] = { elsewhere = true }, ["Accounts for an exam"] = { elsewhere = true },
      ["Install something where disks are protected"] = { elsewhere = true },
   }

   it("has no job that is not run", function()
      local told, run = {}, {}
      for heading in page:gmatch("\n### ([^\n]+)") do
         told[heading] = true
      end
      for heading in pairs(JOBS) do
         run[heading] = true
      end
      assert.same(run, told)
   end)

   local function furnish(job)
      local room = job.unlocked and ROOM:gsub(", locked = true", "") or ROOM
      cli.write("init.lua", job.happens and room .. HAPPENS or room)
   end

   for heading, job in pairs(JOBS) do
      if #job > 0 or job.file then
         it("has commands: " .. heading, function()
            local printed = {}
            furnish(job)
            for _, code in ipairs(blocks("sh", heading)) do
               if job.away then
                  cli.write("work/away", "")
               end
               local text, code_of = shell(code)
               assert.equal(0, code_of, code .. text)
               printed[#printed + 1] = text
            end
            if not job.away then
               has(table.concat(printed), (table.unpack or unpack)(job)) -- luacheck: ignore 113 143
            end
            if job.file then
               has(assert(io.open(cli.folder() .. "/work/" .. job.file)):read("*a"), job.written)
            end
         end)
      end
      if not job.elsewhere and #blocks("lua", heading) > 0 then
         it("has a script: " .. heading, function()
            furnish(job)
            local text, code = script(table.concat(blocks("lua", heading)))
            assert.equal(0, code, text)
            if not job.away then
               has(text, job.lua or "")
            end
         end)
      end
   end

   it("tries again until all is unlocked, and where it failed", function()
      local forever, chosen = (table.unpack or unpack)(blocks("sh", "Try again what failed")) -- luacheck: ignore 113 143
      cli.write("work/away", "")
      local text, code = shell(forever)
      assert.equal(0, code, text)
      has(text, "failed: memory://lab02: the host refuses connections", "slept 30\n")
      cli.write("work/away", "")
      text, code = shell((chosen:gsub("\nwhile", "\nrm away\nwhile")))
      assert.equal(0, code, text)
      assert.equal("memory://lab02\n", io.open(cli.folder() .. "/work/failed.txt"):read("*a"))
      has(text, "3 requested")
      cli.write("work/away", "")
      text, code = script((blocks("lua", "Try again what failed")[1]:gsub("retries = 2", "retries = 0")))
      assert.equal(0, code, text)
      has(text, "refuses connections")
   end)

   it("has a program that locks and unlocks after so many minutes", function()
      local arguments = page:match("\n    lua5%.4 examples/exam%.lua ([^\n]+)\n")
      arguments = arguments:gsub("lab%[01%-30%]%.school%.example", "memory://lab[01-03]"):gsub(" 45 ", " 0.1 ")
      cli.write("init.lua", (ROOM:gsub(", locked = true", "")))
      local text, code = in_room(("%s %s/examples/exam.lua %s"):format(process.lua(), here, arguments))
      assert.equal(0, code, text)
      assert.equal(9, select(2, text:gsub("session %d+ %(%a+%): locked", "")), text)
      has(text, "9 sessions put back", "all is unlocked")
   end)

   it("has a line for cron", function()
      local line = blocks("crontab", "The same by cron")[1]
      local times, command = line:match("^(%d+ %d+ %* %* %d%-%d)  (.*)\n$")
      assert(times and not command:find("%", 1, true), line)
      local text, code = shell(command)
      assert.same({ 0, "" }, { code, text }) -- nobody gets mail
   end)

   it("has units for systemd", function()
      if select(2, process.run("command -v systemd-analyze")) ~= 0 then
         pending("no systemd-analyze here")
      end
      local folder = cli.folder()
      for _, unit in ipairs(blocks("ini", "The same by a systemd timer")) do
         local name = unit:match("^# /etc/systemd/system/(%S+)\n")
         cli.write(name, (unit:gsub("/usr/local/bin/wms", folder .. "/bin/wms")))
         local command = unit:match("\nExecStart=(%S+ [^\n]+)\n")
         if command then
            local text, code = shell((command:gsub("^/usr/local/bin/", "")))
            assert.same({ 0, "" }, { code, text })
         else
            local text, code = process.run("systemd-analyze calendar '" .. unit:match("\nOnCalendar=([^\n]+)") .. "'")
            assert.equal(0, code, text)
         end
      end
      local text = process.run(("systemd-analyze verify %s/close-lab.service %s/close-lab.timer"):format(folder, folder))
      assert.is_nil(text:find("close-lab", 1, true), text)
   end)

   kit.needing(pending, multipoint.missing)("binds a room of MultiPoint hosts, and has it", function()
      finally(multipoint.down)
      local servers = {}
      local password
      for i = 1, 2 do
         local lab = multipoint.new{}
         lab:session{ id = 3, user = "alice", flags = 36 + 8 }
         lab:session{ id = 5, user = "teacher", flags = 36 + 8 }
         servers[i], password = ("%q"):format(lab.server), lab.password
         assert.equal("Administrator", lab.admin)
      end
      prepare(("return { groups = { room1 = { %s } } }"):format(table.concat(servers, ", ")))
      cli.write("work/password.txt", password .. "\n")
      local text, code = shell(blocks("sh", "Bind a room")[1])
      assert.equal(0, code, text)
      has(text, "2 bound", "2 bindings", servers[1]:match("//([^\"]+)"))
      text, code = script(blocks("lua", "Bind a room")[1])
      assert.equal(0, code, text)

      text, code = shell(blocks("sh", "Unlock one user, wherever he sits")[1])
      assert.same({ 0 }, { code }, text)
      has(text, "2 unlocked")
      text, code = shell(blocks("sh", "Lock all but the teacher")[1])
      assert.same({ 0 }, { code }, text)
      has(text, "2 locked")
      text, code = shell(blocks("sh", "Close at six, with a warning")[1])
      assert.equal(0, code, text)
      has(text, "requested")
   end)

   kit.needing(pending, multipoint.missing)("sets MultiPoint hosts up", function()
      finally(multipoint.down)
      local labs, servers = {}, {}
      for i = 1, 2 do
         labs[i] = multipoint.new{}
         servers[i] = ("%q"):format(labs[i].server)
      end
      local function anew()
         for _, lab in ipairs(labs) do
            lab:remove("all")
            lab:anew()
            lab:session{ id = 3, user = "alice", flags = 36 }
            lab:program(3, { name = "Minecraft", process = 7, window = 8 })
            lab:system{ disk_installed = true, disk_mode = 2 }
         end
      end
      anew()
      prepare(("return { groups = { room1 = { %s } } }"):format(table.concat(servers, ", ")))
      cli.write("work/password.txt", labs[1].password .. "\n")
      for _, lab in ipairs(labs) do
         local text, code = shell(("wms bind %s -u %s --fingerprint %s --management --password-fd 3 3<password.txt"):format(
            lab.server, lab.admin, lab.fingerprint))
         assert.equal(0, code, text)
      end
      for heading, told in pairs{
         ["Only these sites, for a lesson"] = { "2 limited\n", "is allow list   yes\n" },
         ["Close a game, wherever it runs"] = { "2 closed\n", lua = "closed" },
         ["Accounts for an exam"] = { "2 made\n", "4 accounts\n", "2 removed\n" },
         ["Install something where disks are protected"] = { "2 suspended, restarting\n", "Discard\n" },
      } do
         anew()
         local printed = {}
         for _, commands in ipairs(blocks("sh", heading)) do
            local text, code = shell(commands)
            assert.equal(0, code, heading .. ": " .. text)
            printed[#printed + 1] = text
         end
         has(table.concat(printed), (table.unpack or unpack)(told)) -- luacheck: ignore 113 143
         anew()
         local text, code = script(blocks("lua", heading)[1])
         assert.equal(0, code, heading .. ": " .. text)
         has(text, told.lua or "")
      end
   end)

   kit.needing(pending, logind.missing)("has a Linux host, as well", function()
      finally(logind.down)
      local host = logind.host{ sessions = { {}, {} } }
      prepare(("return { groups = { room1 = %q } }"):format(host.server))
      local text, code = shell(blocks("sh", "Lock all but the teacher")[1])
      assert.equal(0, code, text)
      has(text, "2 locked")
      text, code = shell(blocks("sh", "Unlock one user, wherever he sits")[1])
      assert.equal(0, code, text)
      has(text, "1 unlocked")
      assert.same({ false, true }, { host.locked(host.ids[1]), host.locked(host.ids[2]) })
   end)
end)
