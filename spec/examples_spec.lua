-- SPDX-License-Identifier: MIT
--- The examples do what they say, and what the manual shows works as it stands there: README.md and every page in docs/.
local process = require "spec.support.process"
local hosts = require "spec.host"
local multipoint = require "spec.support.multipoint"
local soap = require "spec.support.soap"
local bound = require "spec.support.bound"

local build = os.getenv("WMS_BUILD") or "build"
local NOWHERE = "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent XDG_CONFIG_HOME=/nonexistent "

-- The examples want Lua 5.3 or newer.
local function lua(arguments, environment)
   if not rawget(_G, "utf8") then
      pending("the examples need Lua 5.4")
   end
   return process.run(("%s LUA_CPATH=%s %s %s"):format(environment or NOWHERE, process.quote(package.cpath), process.lua(),
      arguments))
end

local function lines(text)
   local list = {}
   for line in (text .. "\n"):gmatch("(.-)\n") do
      list[#list + 1] = line
   end
   return list
end

local function has(text, ...)
   for _, part in ipairs{ ... } do
      assert(text:find(part, 1, true), ("'%s' is not in:\n%s"):format(part, text))
   end
end

-- The rows of the table under the title: session -> row.
local function rows(text, title)
   local found, header, list = false, nil, {}
   for _, line in ipairs(lines(text)) do
      if found and line == "" then
         break
      elseif found and not header then
         header = line
         assert(line:find("SESSION", 1, true), "no header: " .. line)
      elseif found then
         list[assert(tonumber(line:match("^ +(%d+)")), line)] = line
      end
      found = found or line:find(title, 1, true) == 1
   end
   assert(header, "no table under: " .. title)
   return list
end

local function keys(map)
   local list = {}
   for key in pairs(map) do
      list[#list + 1] = key
   end
   table.sort(list)
   return list
end

--- A real host for one test, which is skipped where none can be started.
local function linux_host(name)
   local ok, why = hosts.available()
   if not ok then
      pending("needs more rights: " .. why)
   end
   local machine = hosts.up(name)
   finally(function()
      machine:down()
   end)
   return machine
end

describe("unlock_lab.lua #once", function()
   local text, code

   setup(function()
      text, code = lua("examples/unlock_lab.lua")
   end)

   it("goes as told", function()
      assert.equal(0, code, text)
      has(text, "\nEverything went as told.")
   end)

   it("has a row for each session, and fits into 80 columns", function()
      for _, line in ipairs(lines(text)) do
         assert(#line <= 80 and not line:find("%s$"), line)
      end
      assert.same({ 1, 2, 3, 4, 5, 6 }, keys(rows(text, "The sessions of the room")))
      assert.same({ 2, 3, 4, 5, 6 }, keys(rows(text, "Lock them all")))
      assert.same({ 1, 99 }, keys(rows(text, "Lock the teacher's")))
   end)

   it("shows what happened", function()
      has(rows(text, "The sessions of the room")[1], "teacher", "exempt")
      for _, row in pairs(rows(text, "Lock them all")) do
         has(row, "verified")
      end
      local unlocked = rows(text, "Unlock them")
      has(unlocked[5], "failed", "REVERTED", "locked again")
      unlocked[5] = nil
      assert.same({ 2, 3, 4, 6 }, keys(unlocked))
      for _, row in pairs(unlocked) do
         has(row, "verified")
      end
      has(rows(text, "Lock the teacher's")[1], "failed", "ACCESS_DENIED")
      has(rows(text, "Lock the teacher's")[99], "failed", "NOT_FOUND")
   end)

   it("says why this machine's sessions are not listed", function()
      has(text, "\n  They cannot be listed: no system bus listens there: ")
   end)

   it("lists this machine's sessions, and leaves them alone", function()
      local machine = linux_host("examples")
      local id = machine:session{ user = "alice" }
      local monitor = machine:monitor()
      local listed = rows(lua("examples/unlock_lab.lua", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=" .. machine.socket),
         "The sessions of this machine")
      has(listed[tonumber(id)], "alice", "active")
      assert.is_true(monitor:count("ListSessions") > 0 or monitor:count("ListSessionsEx") > 0)
      for _, message in ipairs(monitor:messages()) do
         assert(not message.member:find("Lock") and not message.member:find("Terminate"), message.line)
      end
   end)
end)

describe("exam.lua #once", function()
   -- The modules beside `wms` are Lua files.
   local function exam(arguments, environment)
      return lua("examples/exam.lua " .. arguments, NOWHERE .. "LUA_PATH='./lua/?.lua;;' " .. (environment or ""))
   end

   it("locks, and unlocks at its end", function()
      local text, code = exam ""
      assert.equal(0, code, text)
      assert.truthy(text:find("alice%): locked.*ended %(time%): 4 actions, 2 sessions put back\nall is unlocked\n$"), text)
      assert.is_nil(text:find("teacher", 1, true))
   end)

   it("unlocks when it is interrupted", function()
      -- As soon as it says that the room is locked, which it holds for two seconds.
      local text, code = exam(">$out 2>&1 & " .. [[
         until grep -q "bob): locked" $out || ! kill -0 $!; do sleep 0.02; done
         kill -INT $!
         wait $!
         code=$?
         cat $out
         rm $out
         exit $code]], "out=$(mktemp); export LUA_PATH; ")
      assert.equal(1, code, text)
      assert.truthy(text:find("stopped: .*interrupted!.*ended %(stopped%): 4 actions, 2 sessions put back\n"), text)
   end)

   it("says what is wrong with its arguments before anything happens", function()
      for arguments, part in pairs{
         ["localhost"] = "until_time",
         ["localhost 25:00"] = "until_time: \"25:00\"",
         ["localhost -1"] = "after: -60",
         ["'a b' 1"] = "a space",
         ["localhost 1 '' exam"] = "message",
         ["localhost 1 Exam /proc/no/such/file"] = "cannot open",
      } do
         local text, code = exam(arguments)
         assert.equal(2, code, text)
         has(text, part, "usage:")
      end
   end)
end)

describe("multipoint.lua #once", function()
   local config

   setup(function()
      config = soap.folder() .. "/config"
   end)

   teardown(function()
      multipoint.down()
      soap.sweep()
   end)

   before_each(function()
      local missing = multipoint.missing()
      if missing then
         pending(missing)
      end
   end)

   local function run(arguments, input)
      local path = input and process.quote(soap.write("input", input)) or "/dev/null"
      return lua("examples/multipoint.lua " .. arguments .. " <" .. path,
         "HOME=/nonexistent XDG_CONFIG_HOME=" .. process.quote(config))
   end

   it("goes as told with the host of this tree, and leaves nothing behind", function()
      local text, code = run("")
      assert.equal(0, code, text)
      local last = 0
      for _, part in ipairs{
         "NOT_BOUND", "UNTRUSTED", "SHA-256", "the password of Administrator on lab01.localhost:", "bound", "alice",
         "exempt", "alice reads: Eyes on the teacher", "verified, changed", "reads: Exam", "REVERTED", "Disconnected",
         "disconnected: true, locked: false", "NOT_BOUND", "password was in 1 of them", "\nEverything went as told.",
      } do
         local _, at = text:find(part, last + 1, true)
         assert(at, ("'%s' is not in, or not at its place:\n%s"):format(part, text))
         last = at
      end
      has(text, "session 1: failed, ACCESS_DENIED")
      assert.are_not.equal(0, select(2, process.run("ls " .. process.quote(config))))
   end)

   it("binds to a host, lists its sessions, locks them and unlocks them", function()
      local lab = multipoint.new{ subject = "lab01.localhost" }
      lab:session{ id = 3, user = "alice" }
      local arguments = process.quote((lab.server:gsub("^.*//", ""))) .. " " .. lab.admin
      local text, code = run(arguments, "no\n")
      assert.equal(1, code, text)
      has(text, lab.fingerprint:sub(1, 48), lab.fingerprint:sub(49), lab.thumbprint, "not bound")
      assert.equal(0, lab:counts().admin_plain + lab:counts().admin_tls)

      text, code = run(arguments, "yes\n" .. lab.password .. "\n")
      assert.equal(0, code, text)
      has(text, "\nBind\n", "  bound\n", "session 3   alice", "not locked")
      assert.is_nil(text:find(lab.password, 1, true))

      text, code = run(arguments .. " 3")
      assert.equal(0, code, text)
      assert.is_nil(text:find("Bind", 1, true))
      has(text, "\nLock\n  session 3: verified, changed\n", "stay so\n  session 3: verified, changed\n")
      assert.same({ 0, 1 }, { lab:counts().admin_plain, lab:counts().admin_tls })
   end)

   it("says what is wrong", function()
      for arguments, want in pairs{
         ["lab01"] = { 2, "usage:" }, ["--help"] = { 2, "usage:" }, ["'a b' x"] = { 1, "a space" },
         ["127.0.0.1:1 x"] = { 1, "127.0.0.1:1: nobody listens there" },
      } do
         local text, code = run(arguments)
         assert.equal(want[1], code, text)
         has(text, want[2])
      end
   end)
end)

describe("the examples in C #once", function()
   it("run in a loop of their own: embed", function()
      local text, code = process.run(build .. "/examples/embed")
      assert.equal(0, code, text)
      assert.equal(table.concat({
         "Lock all:",
         "  session 1: verified",
         "  session 2: verified",
         "  session 3: verified",
         "Unlock 1, 3 and 99, and watch them for 0.6 s:",
         "  session 1: verified",
         "  session 3: failed, REVERTED: it was unlocked, and is locked again",
         "  session 99: failed, NOT_FOUND: the host has no such session",
         "Close 1, which the guard refuses:",
         "  session 1: failed, ACCESS_DENIED: this program's guard refuses it",
      }, "\n"), (text:gsub("\n$", "")))
   end)

   it("guard a script: embed_lua", function()
      local text, code = process.run(build .. "/examples/embed_lua")
      assert.equal(0, code, text)
      local list = lines((text:gsub("\n$", "")))
      assert.truthy(list[1]:find("unlock on the lab +requested$"), text)
      assert.is_true(#list >= 9)
      for i = 2, #list do
         has(list[i], "this program's guard refuses it")
      end
   end)

   it("serve a scheme of their own: provider", function()
      local text, code = process.script(([[
         package.cpath = package.cpath .. ";%s/examples/?.so"
         local wms = require "wms"
         assert(wms.load "demo")
         local function codes(list, _, err)
            local all = {}
            for i, outcome in ipairs(list or err.outcomes) do
               all[i] = outcome.error and outcome.error.code or outcome.state .. "/" .. tostring(outcome.changed)
            end
            print(table.concat(all, " "))
         end
         local room = wms.new{ server = "demo://room", verify = 1 }
         print(#assert(room:sessions()))
         codes(room:lock_all{ message = "m" })
         codes(room:lock{ session_ids = 1, message = "m" })
         codes(room:unlock{ session_ids = { 1, 2, 4, "x" }, stable = 0.1 })
         codes(room:close{ session_ids = 1 })
         local given_up = room:start("unlock", { session_ids = 3 })
         given_up:cancel() -- before its host answers
         codes(given_up:result())
         local left = room:start("unlock", { session_ids = { 1, 2, 3 } }) -- is under way when the program ends
      ]]):format(build))
      assert.equal(0, code, text)
      assert.equal(table.concat({
         "3",
         "verified/true verified/true verified/true",
         "verified/false",
         "verified/true verified/true NOT_FOUND NOT_FOUND",
         "UNSUPPORTED",
         "CANCELLED",
      }, "\n") .. "\n", text)
   end)
end)

describe("the manual #once", function()
   local texts, pages = {}, {}

   for path in process.run("ls README.md docs/*.md"):gmatch("[^\n]+") do
      local file = assert(io.open(path))
      texts[path], pages[#pages + 1] = file:read("*a"), path
      file:close()
   end

   -- Of a page, those that stand behind a mark, <!-- mark -->; without one, those that do not.
   local function blocks(path, language, mark)
      local list = {}
      for before, code in texts[path]:gmatch("\n([^\n]*)\n```" .. language .. "\n(.-)\n```") do
         if before:match("^<!%-%- (%l+) %-%->$") == mark then
            list[#list + 1] = code
         end
      end
      return list
   end

   local function run(code, environment)
      local name = os.tmpname()
      finally(function()
         os.remove(name)
      end)
      local file = assert(io.open(name, "w"))
      file:write(code)
      file:close()
      local text, status = lua(name, environment)
      assert.equal(0, status, text)
      return text
   end

   teardown(soap.sweep)

   for _, path in ipairs(pages) do
      if #blocks(path, "lua") > 0 then
         it("has snippets in Lua that run, one after the other, as they stand: " .. path, function()
            run(table.concat(blocks(path, "lua"), "\n"))
         end)
      end
   end

   it("has snippets where a reader looks for them, and no mark that nobody runs", function()
      for _, path in ipairs{ "README.md", "docs/lua.md", "docs/rooms.md", "docs/embedding.md" } do
         assert.is_true(#blocks(path, "lua") > 0, path)
      end
      local run_here = { ["docs/hosts-multipoint.md"] = "multipoint", ["docs/multipoint.md"] = "multipoint",
         ["docs/hosts-linux.md"] = "logind",
         ["docs/embedding.md"] = "haproxy", ["docs/cli.md"] = "cookbook" }
      for _, path in ipairs(pages) do
         for mark in texts[path]:gmatch("\n<!%-%- (%l+) %-%->\n```lua\n") do
            assert.equal(run_here[path], mark, path)
         end
      end
   end)

   it("has snippets for MultiPoint hosts that run, one after the other, on a test host", function()
      local mp = require "spec.host.multipoint"
      local usable, why = mp.available()
      if not usable then
         pending(why)
      end
      local park = mp.start{ hosts = { { name = "lab01", subject = "127.0.0.1" } } }
      local lab = park.lab01
      finally(function()
         park:stop()
      end)
      lab:session{ id = 3, user = "alice" }
      local bind, store, room, events, call = table.unpack(blocks("docs/hosts-multipoint.md", "lua", "multipoint"))
      events = events:gsub("18443", tostring(bound.port()))
      local code = table.concat({ store, bind, events, call, room }, "\n"):gsub("lab01%.school%.example",
         ("multipoint://%s:%d"):format(lab.address, lab.http))
      local text = run(([[
         local wms, kept = require "wms", {}
         io.read = function() return %q end
         local vault = {
            get = function(server) return kept[server] end, put = function(server, text) kept[server] = text end,
            delete = function(server) kept[server] = nil end, names = function() return {} end,
         }
      ]]):format(lab.password) .. code, NOWHERE .. "XDG_CONFIG_HOME=" .. soap.folder())
      assert.truthy(text:find(lab.fingerprint .. "\t" .. lab.thumbprint .. "\n", 1, true), text)
      assert.truthy(text:find("password of Administrator on ", 1, true), text)
      local asked = "password of Administrator on " .. ("multipoint://%s:%d: "):format(lab.address, lab.http)
      assert.truthy(text:find(asked .. lab.https .. "\n" .. asked .. "false\tfalse\n", 1, true), text) -- bound twice
      local server = ("multipoint://%s:%d"):format(lab.address, lab.http) -- bound as a room of one
      assert.truthy(text:find(server .. " SHA256:" .. lab.fingerprint .. "\n1\t1\t" .. server .. "\tverified\n", 1, true),
         text)
   end)

   it("has snippets for the other cmdlets that run on a test host", function()
      local mp = require "spec.host.multipoint"
      local usable, why = mp.available()
      if not usable then
         pending(why)
      end
      local park = mp.start{ hosts = { { name = "lab01", subject = "127.0.0.1" } } }
      local lab = park.lab01
      finally(function()
         park:stop()
      end)
      lab:session{ id = 3, user = "alice", station = 1 }
      lab:program(3, { name = "Solitaire" })
      local server = ("multipoint://%s:%d"):format(lab.address, lab.http)
      local code = table.concat(blocks("docs/multipoint.md", "lua", "multipoint"), "\n")
      code = code:gsub("lab01%.school%.example", server)
      local text = run(([[
         local wms = require "wms"
         assert(wms.bind{ server = %q, user_name = %q, password = %q, fingerprint = %q, management = true })
      ]]):format(server, lab.admin, lab.password, lab.fingerprint) .. code, NOWHERE .. "XDG_CONFIG_HOME=" .. soap.folder())
      has(text, "1\tStation 1\tActive\tfalse\n", "\nschool.example wikipedia.org\n", "10.0.14393.0\n",
         server .. "\tWindows Server 2016 Standard\n")
      assert.equal(1, lab:counts().CloseSessionApplication)
   end)

   it("has a snippet for Linux hosts that lists and unlocks a real one's sessions", function()
      local machine = linux_host("manual")
      local id = machine:session{ user = "alice", type = "tty", tty = machine:terminals(1)[1] }
      local text = run(table.concat(blocks("docs/hosts-linux.md", "lua", "logind"), "\n"),
         "DBUS_SYSTEM_BUS_ADDRESS=unix:path=" .. machine.socket)
      assert.truthy(text:find(id .. "\talice\t", 1, true), text)
      assert.truthy(text:find(id .. "\talice\tverified\t", 1, true), text)
      assert.truthy(text:find(id .. "\talice\trequested\t", 1, true), text) -- the message
   end)

   it("has a script for HAProxy that lets it go on while a host is asked", function()
      if not package.searchpath("wms.logind", package.cpath) then
         pending("the provider logind is not built")
      end
      local code = blocks("docs/embedding.md", "lua", "haproxy")[1]
      local text = run([[
         local wms, service, slept = require "wms", nil, 0
         wms.memory("lab", { latency = 0.02, sessions = { { session_id = 2, user_name = "alice", locked = true } } })
         core = { register_service = function(_, _, run) service = run end, msleep = coroutine.yield }
      ]] .. code:gsub('"localhost"', '"memory://lab"') .. [[
         local told = {}
         local applet = setmetatable({}, { __index = function(_, name)
            return function(_, ...) told[#told + 1] = name .. " " .. table.concat({ ... }, " ") end
         end })
         local thread = coroutine.create(service)
         repeat
            assert(coroutine.resume(thread, applet))
            slept = slept + 1
         until coroutine.status(thread) == "dead"
         print(slept > 1, table.concat(told, "; "))
      ]])
      has(text, "true\tset_status 200", "content-length 20", "start_response", "send 1 sessions unlocked\n")
   end)

   -- A library with a sanitizer inside wants a program that has it too.
   it("has a program in C that compiles and runs", function()
      local folder = process.run("mktemp -d"):gsub("%s+$", "")
      finally(function()
         process.run("rm -r " .. folder)
      end)
      assert.is_true(#blocks("docs/c.md", "c") > 0)
      for _, code in ipairs(blocks("docs/c.md", "c")) do
         local file = assert(io.open(folder .. "/program.c", "w"))
         file:write(code)
         file:close()
         local text, status = process.run(([[
            cc -Wall -Wextra -Werror $(ldd <build>/lib/libwms.so | grep -q libasan && echo -fsanitize=address) \
               -I<build>/include -o <folder>/program <folder>/program.c -L<build>/lib -lwms &&
            LD_LIBRARY_PATH=<build>/lib <folder>/program]]):gsub("<(%l+)>", { build = build, folder = folder }))
         assert.equal(0, status, text)
      end
   end)
end)
