-- SPDX-License-Identifier: MIT
--- The picture of a room: as a sheet, as a file, and as a page that is served; a real browser shows it in
--- spec/screens_browser_spec.lua.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local served = require "spec.support.served"
local screens = require "wms.screens"
local wms = kit.wms

-- Elements without an end.
local VOID = kit.set{ "!DOCTYPE", "meta", "img", "link", "input" }

--- The elements of a page, which must end in the order in which they began.
local function check_html(page)
   local open = {}
   for closing, name, rest in page:gsub("<style>.-</style>", ""):gmatch("<(/?)([%w!]+)([^>]*)>") do
      if closing == "/" then
         assert.equal(table.remove(open), name)
      elseif not VOID[name] then
         open[#open + 1] = name
      end
      assert.is_nil(rest:gsub('"[^"]*"', ""):find("[\"'<]"), rest)
   end
   assert.same({}, open)
   return page
end

local function read(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read("*a")
   file:close()
   return text
end

describe("a sheet", function()
   local keep, sweep = kit.keeper()
   local folder

   before_each(function()
      folder = process.run("mktemp -d"):match("%S+")
   end)

   after_each(function()
      kit.reset()
      sweep()
      process.run("rm -r " .. folder)
   end)

   local function lab(sessions)
      local name = kit.name()
      return keep(wms.memory(name, { sessions = sessions })), "memory://" .. name
   end

   it("has every session, its state, and a picture of those who may be looked at", function()
      local host, server = lab{
         { session_id = 1, user_name = "teacher", is_admin = true }, { session_id = 2, user_name = "alice" },
         { session_id = 3, user_name = "bob", locked = true }, { session_id = 4, state = "Disconnected" } }
      local sheet = screens.take{ server = server, size = "small", title = "Room 1" }
      assert.same({ "Room 1", {}, {} }, { sheet.title, sheet.off, sheet.failures })
      assert.same({ 1, 2, 3, 4 }, kit.pluck(sheet.stations, "session_id"))
      assert.same({ "nil", 96, 96, "nil" }, kit.pluck(sheet.stations, "width"))
      assert.same({ false, false, true, false }, kit.pluck(sheet.stations, "locked"))
      for _, entry in ipairs(host:log()) do
         assert.truthy(entry.verb == "sessions" or entry.session_id ~= 1, "an exempt session was looked at")
      end
      assert.same({ 3 }, kit.pluck(screens.take{ server = server, where = { locked = true } }.stations, "session_id"))
   end)

   it("tells what went wrong, and keeps the rest", function()
      local host, server = lab{ { session_id = 1, user_name = "alice" }, { session_id = 2 } }
      host:picture(2, "no picture")
      local dark = keep(wms.memory(kit.name(), {}))
      dark:refuse("UNREACHABLE")
      local off = tostring(dark):match("memory://[%w-]+")
      local sheet = screens.take{ servers = { off, server } }
      assert.same({ { off }, { "UNREACHABLE" } }, { kit.pluck(sheet.off, "server"), kit.pluck(sheet.off, "error", "code") })
      assert.same({ "UNREACHABLE", "PROTOCOL" }, kit.pluck(sheet.failures, "error", "code"))
      assert.same({ "nil", "PROTOCOL" }, kit.pluck(sheet.stations, "error", "code"))
   end)

   it("of hosts without pictures is no failure", function()
      local host, server = lab{ { session_id = 1 } }
      host:fail("thumbnail", "UNSUPPORTED")
      local sheet = screens.take(server)
      assert.same({ 1, {}, "UNSUPPORTED" }, { #sheet.stations, sheet.failures, sheet.stations[1].error.code })
      assert.truthy(screens.html(sheet):find("this kind of host gives no pictures", 1, true))
   end)

   it("is asked for with options that there are", function()
      kit.misuse("take", { "sizes", "use server" }, function() screens.take{ sizes = "small" } end)
      kit.misuse("take", { "a number", "give" }, function() screens.take(3) end)
      kit.misuse("take", { "size: 'tiny'", "give small" }, function() screens.take{ size = "tiny" } end)
      kit.misuse("html", { "every: 0", "give" }, function() screens.html({}, 0) end)
      kit.misuse("write", { "every: 5x", "give" }, function() screens.write({}, "room.html", "5x") end)
      kit.misuse("write", { "a nil", "give a file" }, function() screens.write({}) end)
   end)

   it("tells why a command could not begin", function()
      local sheet = screens.take({ server = "x" }, function()
         return nil, "out of memory", { code = "NO_MEMORY" }
      end)
      assert.same({ {}, { "out of memory" } }, { sheet.stations, kit.pluck(sheet.off, "error", "message") })
      sheet = screens.take({ server = "x" }, function(verb)
         if verb == "sessions" then
            return { { server = "x", session_id = 1 } }
         end
         return nil, "out of memory", { code = "NO_MEMORY" }
      end)
      assert.same({ 1, { "NO_MEMORY" } }, { #sheet.stations, kit.pluck(sheet.failures, "error", "code") })
   end)

   it("is written through no link that somebody else has put there", function()
      local _, server = lab{ { session_id = 1 } }
      process.run(("cd %s; echo mine >mine; ln -s mine room.html; ln -s mine room.html.part"):format(folder))
      assert.is_true(screens.write(screens.take(server), folder .. "/room.html"))
      assert.equal("mine\n", read(folder .. "/mine"))
      assert.truthy(read(folder .. "/room.html"):find("<!DOCTYPE html>", 1, true))
      assert.equal("mine\nroom.html\nroom.html.part\n", process.run("ls " .. folder))
   end)

   it("is served with options that there are, and of hosts that there are", function()
      if served.missing() then
         pending(served.missing())
      end
      for _, case in ipairs{ { nil, "a nil" }, { "memory://lab", "a string" }, { { ports = 1 }, "ports: no such option" },
         { { server = "x" }, "give this one in options" }, { { port = "80" }, "port: 80" }, { { port = 65536 }, "port: 65536" },
         { { port = 0.5 }, "port: 0.5" }, { { every = 0 }, "every: 0" }, { { message = 1 }, "message: a number" },
         { { options = { sizes = 1 } }, "sizes: no such option" }, { { options = { size = 1 } }, "size: '1'" },
         { { options = 3 }, "a number" }, { { options = { server = "@nowhere" } }, "there is no group 'nowhere'" },
         { { options = { server = "memory://x", where = { sorts = 1 } } }, "sorts" } } do
         kit.misuse("serve", { case[2] }, function() screens.serve(case[1]) end)
      end
   end)

   it("is a page of HTML, in which nothing is what hosts make of it", function()
      local nasty = "<script>alert(1)</script>\"'&\0\27[2J\226\128\174\255"
      local host, server = lab{ { session_id = 1, user_name = nasty:gsub("%z", ""), locked = true },
         { session_id = "c<2>" }, { session_id = 3, is_admin = true } }
      host:picture("c<2>", false)
      local page = check_html(screens.html(screens.take{ server = server, title = nasty }))
      assert.is_nil(page:find("<script", 1, true))
      assert.is_nil(page:find("[%z\27\255]"))
      assert.is_nil(page:find("\226\128\174", 1, true))
      assert.truthy(page:find("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;", 1, true))
      for _, text in ipairs{ 'class="station locked"', 'class="station open"', 'class="station exempt"',
         "session c&lt;2&gt;", "no picture now", "not looked at", "3 sessions, 1 locked", "default-src 'none'" } do
         assert.truthy(page:find(text, 1, true), text)
      end
      assert.is_nil(page:find("http%-equiv=\"refresh"))
      assert.truthy(screens.html(screens.take(server), 5):find('<meta http-equiv="refresh" content="5">', 1, true))
   end)

   it("has the pictures inside, as they came", function()
      local host, server = lab{ { session_id = 1 } }
      for _, tail in ipairs{ "", "\0", "\255\0" } do -- each length that Base64 treats in another way
         local picture = wms.thumbnail{ session_ids = 1, server = server }[1].picture .. tail
         host:picture(1, picture)
         local page = screens.html(screens.take(server))
         local encoded = page:match('src="data:image/jpeg;base64,([%w+/=]+)"')
         local path = folder .. "/picture"
         local file = assert(io.open(path, "w"))
         file:write(encoded)
         file:close()
         assert.equal(picture, process.run("base64 -d " .. path))
         host:picture(1)
      end
   end)

   it("of nobody says so", function()
      local _, server = lab{}
      local page = check_html(screens.html(screens.take(server)))
      assert.truthy(page:find("There are no sessions", 1, true))
   end)

   it("is written as a whole, or not at all", function()
      local _, server = lab{ { session_id = 1, user_name = "alice" } }
      local sheet = screens.take(server)
      local path = folder .. "/room.html"
      assert.is_true(screens.write(sheet, path))
      assert.equal(screens.html(sheet), read(path))
      assert.same({ nil, "room.gif: give a name that ends in .html or .png" }, { screens.write(sheet, "room.gif") })
      local fine, why = screens.write(sheet, folder .. "/none/room.html")
      assert.is_nil(fine)
      assert.equal(folder .. "/none/room.html: No such file or directory", why)
      assert.equal("room.html\n", process.run("ls " .. folder))
   end)
end)

describe("a served page #once", function()
   local room

   setup(function()
      room = not served.missing() and served.room() or nil
   end)

   teardown(function()
      if room then
         room:stop()
      end
   end)

   local function test(text, body)
      it(text, function()
         if not room then
            pending(served.missing())
         end
         body()
      end)
   end

   local function status(...)
      return (room:ask(...))
   end

   test("listens on loopback alone", function()
      local listening = process.run("ss -Hltn sport = :" .. room.port)
      assert.truthy(listening:find("127.0.0.1:" .. room.port, 1, true), listening)
      assert.equal(1, select(2, listening:gsub("\n", "")))
   end)

   test("is for who has its address", function()
      local token = room.token
      for _, path in ipairs{ "/", "/stations", "/" .. token:sub(2) .. "/", "/" .. token .. "0/",
         "/" .. token:upper() .. "x/", "//" .. token .. "/", "/?" .. token } do
         assert.equal(403, status("GET", path), path)
      end
      local code, page, head = room:ask("GET", "/" .. token .. "/")
      assert.equal(200, code)
      check_html(page)
      for _, field in ipairs{ "Cache-Control: no-store", "Referrer-Policy: no-referrer", "default-src 'none'",
         "frame-ancestors 'none'", "nosniff" } do
         assert.truthy(head:find(field, 1, true), field)
      end
      assert.equal(404, status("GET", "/" .. token .. "/other"))
      assert.equal(404, status("GET", "/" .. token .. "/picture/999999"))
      assert.equal(405, status("DELETE", "/" .. token .. "/"))
   end)

   test("answers under the address of this machine alone", function()
      local path = "/" .. room.token .. "/"
      assert.equal(200, status("GET", path, { Host = "localhost:" .. room.port }))
      for _, host in ipairs{ "evil.example:" .. room.port, "127.0.0.1", "127.0.0.1:1", "127.0.0.2:" .. room.port, "",
         "127.0.0.1:" .. room.port .. ".evil.example" } do
         assert.equal(403, status("GET", path, { Host = host }), host)
      end
      assert.equal(403, status("GET", path, { Host = false }))
   end)

   test("is asked by nobody else's page", function()
      local path = "/" .. room.token .. "/"
      for _, fields in ipairs{ { Origin = "http://evil.example" }, { Origin = "null" }, { Origin = "http://127.0.0.1:1" },
         { ["Sec-Fetch-Site"] = "cross-site" }, { ["Sec-Fetch-Site"] = "same-site" } } do
         assert.equal(403, status("GET", path, fields))
      end
      local body = "verb=lock&text=m&key=memory://lab02+1"
      local good = { Origin = room.origin, ["X-Wms"] = "1", ["Sec-Fetch-Site"] = "same-origin" }
      for name, value in pairs{ Origin = false, ["X-Wms"] = false, ["Sec-Fetch-Site"] = "none" } do
         local fields = {}
         for field, usual in pairs(good) do
            fields[field] = usual
         end
         fields[name] = value
         assert.equal(403, status("POST", path .. "act", fields, body), name)
      end
      room:ask("GET", path .. "stations")
      local code, said = room:ask("POST", path .. "act", good, body)
      assert.same({ 200, '"said":"1 of 1: locked."' }, { code, said:match('"said":"[^"]*"') })
      assert.equal(400, status("POST", path .. "act", good, "verb=close&key=memory://lab02+1"))
      assert.equal(404, status("POST", path, good, body))
   end)

   test("acts on what it has shown, and tells what went wrong", function()
      local path, fields = "/" .. room.token .. "/", { Origin = room.origin, ["X-Wms"] = "1" }
      room:ask("GET", path .. "stations")
      local function act(body)
         local _, said = room:ask("POST", path .. "act", fields, body)
         return said
      end
      for _, key in ipairs{ "memory://lab10+3", "memory://lab11", "memory://nobody+1", "localhost+1", "" } do
         assert.truthy(act("verb=unlock&key=" .. key):find("not there any more", 1, true), key)
      end
      assert.truthy(act("verb=lock&text=&key=memory://lab03+1"):find('"message: empty; give', 1, true))
      assert.truthy(act("verb=message&text=%FF&key=memory://lab03+1"):find("not UTF-8", 1, true))
      assert.truthy(act("verb=message&text=two+w%C3%B6rds&key=memory://lab03+1&key=memory://lab03+2"):find(
         "2 of 2: message shown.", 1, true))
   end)

   test("acts on a session once, however often it is named", function()
      local path, fields = "/" .. room.token .. "/", { Origin = room.origin, ["X-Wms"] = "1" }
      room:ask("GET", path .. "stations")
      local _, said = room:ask("POST", path .. "act", fields, "verb=unlock" .. ("&key=memory://lab04+1"):rep(3000))
      assert.truthy(said:find("1 of 1: unlocked.", 1, true), said)
   end)

   test("shows what was done while the hosts were asked", function()
      local name, uv = kit.name(), require "luv"
      local host = wms.memory(name, { sessions = { { session_id = 1, user_name = "alice" } } })
      local one = assert(screens.serve{ options = { server = "memory://" .. name } })
      --- Asks in the same loop; `done` gets the answer.
      local function ask(words, body, done)
         local socket, parts = uv.new_tcp(), {}
         socket:connect("127.0.0.1", one.port, function()
            socket:read_start(function(_, chunk)
               parts[#parts + 1] = chunk
               if not chunk then
                  socket:close()
                  done(table.concat(parts))
               end
            end)
            socket:write(("%s HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nX-Wms: 1\r\nContent-Length: %d\r\n\r\n%s"):format(
               words:gsub("TOKEN", one.token), one.host, one.host, #body, body))
         end)
      end
      local take, takes, did, shown = one.room.take, 0, nil, nil
      one.room.take = function(self)
         takes = takes + 1
         take(self)
         if takes == 1 then -- the hosts have told how they are, and now alice is locked
            local running = coroutine.running()
            ask("POST /TOKEN/act", ("verb=lock&text=Hi&key=memory://%s+1"):format(name), function(answer)
               did = answer
               assert(coroutine.resume(running))
            end)
            coroutine.yield()
         end
      end
      ask("GET /TOKEN/stations", "", function(answer)
         shown = answer
         one:stop()
      end)
      one:run()
      assert.truthy(did:find("1 of 1: locked.", 1, true), did)
      assert.truthy(shown:find('"label":"Locked"', 1, true), shown)
      assert.equal(2, takes)
      host:close()
   end)

   test("begins with the message that is given", function()
      local one = served.start(("%s bin/wms --demo screens --serve 0 -m '<Hi>'"):format(process.lua()))
      local path = "/" .. one.token .. "/"
      assert.truthy(select(2, one:ask("GET", path)):find('value="&lt;Hi&gt;"', 1, true))
      assert.equal(200, (one:ask("GET", path .. "stations")))
      one:stop()
   end)

   test("refuses what is no request", function()
      local long = ("x"):rep(20000)
      for _, case in ipairs{
         { 400, "nonsense\r\n\r\n" }, { 400, "GET / HTTP/2\r\n\r\n" }, { 400, "GET / HTTP/1.1\r\nno field\r\n\r\n" },
         { 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" }, { 400, "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n" },
         { 400, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" },
         { 400, "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n" },
         { 413, "POST / HTTP/1.1\r\nContent-Length: 262145\r\n\r\n" },
         { 413, "POST / HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n" }, { 431, "GET /" .. long .. " HTTP/1.1\r\n\r\n" },
         { 431, long }, { 400, "GET http://127.0.0.1/ HTTP/1.1\r\n\r\n" },
      } do
         assert.equal(case[1], tonumber(room:send(case[2]):match("^HTTP/1.1 (%d+) ")), case[2]:sub(1, 60))
      end
   end)

   test("outlives those who come in masses and say nothing", function()
      local sockets = {}
      for i = 1, 80 do
         sockets[i] = require("socket").connect("127.0.0.1", tonumber(room.port))
      end
      assert.equal(200, status("GET", "/" .. room.token .. "/")) -- while they are there
      for _, socket in pairs(sockets) do
         socket:close()
      end
      kit.await(function() return status("GET", "/" .. room.token .. "/") == 200 end)
   end)

   test("ends when it is told to, and tells so", function()
      local program = ("%s bin/wms --demo screens --serve 0"):format(process.lua())
      for signal, code in pairs{ INT = 130, TERM = 143, HUP = 129 } do
         local one = served.start(program)
         assert.equal(200, (one:ask("GET", "/" .. one.token .. "/stations")))
         one:stop(signal)
         if _VERSION ~= "Lua 5.1" then
            assert.equal(code, one.code, signal)
         end
      end
   end)

   test("says where its port is taken, and what is missing", function()
      local out, code = process.run(("%s bin/wms --demo screens --serve %s 2>&1"):format(process.lua(), room.port))
      assert.same({ true, 1 }, { out:find("EADDRINUSE", 1, true) ~= nil, code })
      out, code = process.run(("%s -e 'package.preload.luv = function() error(\"module luv not found\") end' bin/wms "
         .. "--demo screens --serve 0 2>&1"):format(process.lua()))
      assert.same({ true, 1 }, { out:find("install it (Debian: lua-luv)", 1, true) ~= nil, code })
   end)
end)
