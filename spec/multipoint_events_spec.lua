-- SPDX-License-Identifier: MIT
--- MultiPoint hosts that tell of events, and those who watch them: bind with `events`, the listener, the registration.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local socket = require "socket"
local watching = require "spec.support.watching"
local wms = kit.wms

local adapter = require "spec.support.multipoint"
local contract_watch = require "spec.support.contract_watch"

local build = os.getenv("WMS_BUILD") or "build"

--- A script in a process of its own, which says what it was told of the host as long as its input is open.
local WATCHES = [[
   local lines = {}
   wms.configure{ log = function(_, text) lines[#lines + 1] = text end }
   local watch = assert(wms.watch(host.server))
   local event
   repeat event = watch:next(10) until event.kind == "ready"
   for _ = 1, 3 do watch:next(0.01) end -- for the log
   local function maps(word)
      local file = assert(io.open("/proc/self/maps"))
      local text = file:read("*a")
      file:close()
      return text:find(word, 1, true) ~= nil
   end
]]

local function has_server()
   return process.run(("ls %s/lib/wms/multipoint-events.so 2>/dev/null"):format(build)) ~= ""
end

bound.describe("a MultiPoint host that tells of events #once", pending, function()
   local host, port, logged

   local function events(more)
      local options = { host_name = "localhost", port = port, address = "127.0.0.1" }
      for key, value in pairs(more or {}) do
         options[key] = value
      end
      return options
   end

   local function log()
      logged = {}
      wms.configure{ log = function(level, text) logged[#logged + 1] = level .. " " .. text end }
   end

   --- Waits until that has been logged.
   local function was_logged(what, seen)
      kit.await(function()
         for _, line in ipairs(logged) do
            if line:find(what, 1, true) then
               return true
            end
         end
      end, function() seen:rest() end)
   end

   --- A watch of the host that is registered there.
   local function watch(options)
      options = options or {}
      options.server = options.server or host.server
      local seen = watching.new(options)
      seen:await("ready")
      return seen
   end

   --- Lets time go on for the watch until the host has so many sinks.
   local function sinks(seen, count)
      kit.await(function() return #host:sinks() == count end, function() seen:rest() end)
   end

   before_each(function()
      port = bound.port()
      host = bound.host(nil, { events = events() })
   end)

   after_each(watching.sweep)

   it("is told this machine's certificate when it is bound, which is listed without its key", function()
      local clients = host:clients()
      assert.equal(1, #clients)
      assert.same({ "localhost", port }, { clients[1].name, clients[1].port })
      local text = process.run(("printf %%s %s | openssl x509 -noout -subject -issuer -ext "
         .. "extendedKeyUsage,subjectAltName,basicConstraints,keyUsage -nameopt RFC2253 2>&1")
         :format(process.quote(clients[1].pem)))
      assert.truthy(text:find("subject=CN=localhost\nissuer=CN=localhost\n", 1, true), text)
      assert.truthy(text:find("TLS Web Server Authentication\n", 1, true) and text:find("DNS:localhost", 1, true), text)
      assert.falsy(text:find("CA:TRUE") or text:find("Certificate Sign"), text)
      local listed = wms.bindings()[1]
      assert.is_true(listed.management)
      local left = listed.events.expires - os.time()
      assert.is_true(left > 700 * 86400 and left < 740 * 86400)
      listed.events.expires = nil
      assert.same(events(), listed.events)
      assert.is_nil(listed.events_host_name)
      for name in pairs(listed) do
         assert.falsy(name:find("key", 1, true) or name:find("secret", 1, true), name)
      end
   end)

   it("refuses a bind whose certificate it does not take, and nothing is kept", function()
      host:on("SetSslCertificate", { fault = 0x80070057 })
      wms.unbind{ server = host.server }
      local err = bound.fault(host, wms.bind(bound.options(host, { events = events() })))
      assert.truthy(err.message:find("does not take this machine's certificate for events", 1, true), err.message)
      assert.same({}, wms.bindings())
   end)

   it("shares the key with the other hosts that are told of the same name and port", function()
      local list = { host }
      for i = 2, 3 do
         list[i] = bound.stranger()
      end
      assert(wms.bind{
         servers = { list[2].server, list[3].server }, user_name = host.admin, password = host.password,
         fingerprints = { [list[2].server] = list[2].fingerprint, [list[3].server] = list[3].fingerprint },
         events = events{ host_name = "LOCALHOST" },
      })
      local other = bound.host(nil, { events = events{ port = bound.port() } })
      local pem = host:clients()[1].pem
      assert.equal(pem, list[2]:clients()[1].pem)
      assert.equal(pem, list[3]:clients()[1].pem)
      assert.are_not.equal(pem, other:clients()[1].pem)
   end)

   it("shares it with what another process has bound", function()
      local _, environment = bound.folder()
      local other = bound.stranger()
      local text = ("assert(bind{ events = { host_name = 'localhost', port = %d } })"):format(port)
      for _, one in ipairs{ host, other } do
         assert.same({ "", 0 }, { bound.script(one, text, environment) })
      end
      local mine, theirs = host:clients(), other:clients()
      assert.equal(mine[#mine].pem, theirs[#theirs].pem)
   end)

   describe("and is watched", function()
      if not has_server() then
         it("tells", function() pending("multipoint-events is not built (it needs libmicrohttpd)") end)
         return
      end

      it("tells each change at once, and is not asked for all sessions again and again", function()
         local seen = watch()
         sinks(seen, 1)
         assert.equal(("https://localhost:%d/MultiPoint/IMultiPointCoreEventSink"):format(port), host:sinks()[1].uri)
         for _ = 1, 3 do
            host:session{ id = 4, flags = 4 + 8 + 32 }
            assert.is_true(seen:await("locked 4").session.locked)
            host:session{ id = 4, flags = 4 + 32 }
            assert.is_false(seen:await("unlocked 4").session.locked)
         end
         -- Once when it began, and perhaps once more when the host had agreed to tell.
         assert.is_true(host:counts().GetAllSessions <= 2)
         host:remove(5)
         seen:await("closed 5")
         host:session{ id = 8, user = "dave", flags = 4 + 32 }
         assert.equal("dave", seen:await("opened 8").session.user_name)
         assert.same({ "ready", "locked 4", "unlocked 4", "locked 4", "unlocked 4", "locked 4", "unlocked 4", "closed 5",
            "opened 8" }, seen:take())
         for _, post in ipairs(host:posts()) do
            assert.equal("ok", post.result)
         end
      end)

      it("is answered every event, with either password", function()
         local seen = watch()
         sinks(seen, 1)
         host:set{ events = false }
         local file = assert(io.open("src/multipoint/events.c"))
         local names = {}
         for name in file:read("*a"):gmatch("X%((%u%w+), ") do
            names[#names + 1] = name
         end
         file:close()
         assert.equal(40, #names)
         local function count(name)
            local posts = 0
            for _, post in ipairs(host:posts()) do
               posts = posts + (post.operation == name and 1 or 0)
            end
            return posts
         end
         for _, passwords in ipairs{ "texts", "definitions" } do
            host:set{ sink_passwords = passwords }
            for _, name in ipairs(names) do
               local before, cookie = count(name), nil
               repeat -- after some of them it is registered anew, and what waits for the former sink is lost
                  sinks(seen, 1)
                  cookie = host:sinks()[1].cookie
                  host:event(name, {})
                  kit.await(function()
                     local list = host:sinks()
                     return count(name) > before or #list ~= 1 or list[1].cookie ~= cookie
                  end, function() seen:rest() end)
               until count(name) > before
            end
         end
         for _, post in ipairs(host:posts()) do
            assert.equal(post.operation .. " ok", post.operation .. " " .. post.result)
         end
         assert.same({ "ready" }, seen:take())
      end)

      it("is not believed without a look", function()
         local seen = watch()
         sinks(seen, 1)
         host:set{ events = false }
         host:event("OnSessionBlocked", { idSession = 4 })
         host:event("OnSessionUnblocked", { idSession = 3 })
         host:event("OnSessionBlocked", { idSession = 4711 })
         host:event("OnSessionDisconnected", { idStation = 1 })
         kit.await(function() return #host:posts() == 4 end, function() seen:rest() end)
         host:set{ events = true }
         host:session{ id = 5, flags = 4 + 8 + 32 }
         seen:await("locked 5")
         assert.same({ "ready", "locked 5" }, seen:take())
      end)

      it("is believed what it says, though it tells more before each answer", function()
         local seen = watch()
         sinks(seen, 1)
         host:session{ id = 4, flags = 4 + 8 + 32 }
         seen:await("locked 4")
         host:set{ events = false }
         host:on("GetSessionFlags", { delay = 300, times = 0 })
         host:session{ id = 4, flags = 4 + 32 }
         local told = false
         host:reset()
         repeat
            local posts = #host:posts()
            host:event("OnSessionBlocked", { idSession = 4 })
            kit.await(function() return #host:posts() > posts end, function() seen:rest() end)
            for _, text in ipairs(seen:take()) do
               told = told or text == "unlocked 4"
            end
         until told or (host:counts().GetSessionFlags or 0) > 10
         assert.is_true(told)
      end)

      it("is not heard with another user name, or another password", function()
         local seen = watch()
         sinks(seen, 1)
         host:set{ sink_user = "other" }
         host:event("OnSessionBlocked", { idSession = 4 })
         kit.await(function() return #host:posts() == 1 end, function() seen:rest() end)
         host:set{ sink_user = "LocalHost" }
         host:event("OnSessionBlocked", { idSession = 4 })
         kit.await(function() return #host:posts() == 2 end, function() seen:rest() end)
         local posts = host:posts()
         assert.truthy(posts[1].result:find("401") or posts[1].result:find("fault"), posts[1].result)
         assert.equal("ok", posts[2].result)
      end)

      it("is registered anew when it has forgotten, whether it says so or not", function()
         local seen = watch()
         for _, silent in ipairs{ false, true } do
            sinks(seen, 1)
            if not silent then
               host:event("ShutdownNotification", {})
               kit.await(function() return #host:posts() == 1 end, function() seen:rest() end)
            end
            host:restart{ forget = true, silent = true }
            assert.equal(0, #host:sinks())
            sinks(seen, 1)
            host:session{ id = 4, flags = 4 + (silent and 0 or 8) + 32 }
            seen:await((silent and "unlocked" or "locked") .. " 4")
         end
      end)

      it("is registered once, when it does not forget", function()
         log()
         local seen = watch()
         was_logged("events are told", seen) -- its cookie is here: without that it would be registered twice
         local cookie = host:sinks()[1].cookie
         host:restart{ silent = true }
         kit.await(function() return #host:sinks() == 1 and host:sinks()[1].cookie ~= cookie end,
            function() seen:rest() end)
      end)

      it("tells nobody any more when the watch has ended, whatever ends it", function()
         local seen = watch()
         sinks(seen, 1)
         local second = watch() -- of the same registration
         assert.equal(1, #host:sinks())
         seen.watch:close()
         seen.watch:close()
         host:session{ id = 4, flags = 4 + 8 + 32 }
         second:await("locked 4")
         second.watch:close()
         assert(wms.sessions(host.server))
         kit.await(function() return #host:sinks() == 0 end)
         local third = wms.watch(host.server)
         kit.await(function() third:next(0) return #host:sinks() == 1 end)
         third = nil -- luacheck: ignore
         collectgarbage()
         collectgarbage()
         assert(wms.sessions(host.server))
         kit.await(function() return #host:sinks() == 0 end)
      end)

      it("tells nobody any more when the engine goes", function()
         assert(wms.unbind{ server = host.server })
         local _, environment = bound.folder()
         local output, code = bound.script(host, ([[
            assert(bind{ events = { host_name = "localhost", port = %d } })
            local watch = wms.watch(host.server)
            local event
            repeat event = watch:next(10) until event.kind == "ready"
            for _ = 1, 20 do watch:next(0.05) end]]):format(port), environment)
         assert.same({ "", 0 }, { output, code })
         kit.await(function() return #host:sinks() == 0 end)
         assert.truthy(host:counts().RegisterCoreEventSink >= 1)
         assert.truthy(host:counts().UnregisterCoreEventSink >= 1)
      end)

      it("tells where it was bound last, and there alone", function()
         local first, second = watch(), watch()
         for _ = 1, 3 do
            local cookie = host:sinks()[1].cookie
            port = bound.port()
            assert(wms.bind(bound.options(host, { events = events() })))
            kit.await(function()
               local list = host:sinks()
               return #list == 1 and list[1].cookie ~= cookie and list[1].uri:find(":" .. port .. "/", 1, true)
            end, function() first:rest() second:rest() end)
         end
      end)

      it("needs no cookie", function()
         host:set{ cookie = false }
         local seen = watch()
         sinks(seen, 1)
         host:session{ id = 4, flags = 4 + 8 + 32 }
         seen:await("locked 4")
         seen.watch:close()
         assert(wms.sessions(host.server))
         assert.is_nil(host:counts().UnregisterCoreEventSink)
      end)

      it("is asked as long as it refuses to tell, and registered when it does no more", function()
         log()
         host:on("RegisterCoreEventSink", { fault = 0x80070005, times = 1 })
         local seen = watch()
         was_logged("no events are told, it will be asked", seen)
         sinks(seen, 1)
         was_logged("events are told", seen)
      end)

      it("is asked while another program has the port, and tells when that has gone", function()
         local other = assert(socket.bind("127.0.0.1", port))
         log()
         local seen = watch()
         was_logged(("nothing can listen at port %d of this machine, address 127.0.0.1: Address already in use")
            :format(port), seen)
         host:event("OnSessionBlocked", { idSession = 4 })
         assert.equal(0, #host:sinks())
         other:close()
         sinks(seen, 1)
      end)

      it("tells one engine, while another one asks", function()
         local _, environment = bound.folder()
         local text = ("assert(bind{ events = { host_name = 'localhost', port = %d } })\n"):format(port) .. WATCHES
         local gate = process.run("mktemp -u"):match("%S+")
         process.run("mkfifo " .. gate)
         local pipe = bound.popen(host, text .. ("io.write('first\\n') io.flush() io.open(%q):read()"):format(gate),
            environment)
         assert.equal("first", pipe:read("*l"))
         local output = bound.script(host, WATCHES .. "print(table.concat(lines, '\\n'))", environment)
         process.run(("echo >%s; rm %s"):format(gate, gate))
         pipe:close()
         assert.truthy(output:find("Address already in use", 1, true), output)
      end)

      it("and only then is the server's library in the process", function()
         local _, environment = bound.folder()
         local output, code = bound.script(host, ([[
            local function maps()
               local file = assert(io.open("/proc/self/maps"))
               local text = file:read("*a")
               file:close()
               return text:find("libmicrohttpd", 1, true) ~= nil
            end
            assert(bind{})
            local watch = assert(wms.watch(host.server))
            while watch:next(10).kind ~= "ready" do end
            io.write(tostring(maps()), " ")
            watch:close()
            assert(bind{ events = { host_name = "localhost", port = %d } })
            assert(wms.sessions(host.server))
            io.write(tostring(maps()), " ")
            watch = assert(wms.watch(host.server))
            while watch:next(10).kind ~= "ready" do end
            io.write(tostring(maps()))]]):format(port), environment)
         assert.same({ "false false true", 0 }, { output, code })
      end)

      it("is asked, and the log says why, where that module is not installed", function()
         local folder, environment = bound.folder()
         process.run(("mkdir %s/wms && cp %s/lib/wms/multipoint.so %s/wms/"):format(folder, build, folder))
         local output, code = bound.script(host, ([[
            package.cpath = "%s/?.so"
            assert(bind{ events = { host_name = "localhost", port = %d } })]]):format(folder, port) .. WATCHES
            .. [[
            assert(not maps("libmicrohttpd"))
            for _, line in ipairs(lines) do
               if line:find("events are told", 1, true) then print(line:match("(no events.*)")) end
            end]], environment)
         assert.same({ "no events are told, it will be asked: the module multipoint-events is not installed (it needs "
            .. "libmicrohttpd)\n", 0 }, { output, code })
      end)
   end)

   describe("and gets another certificate", function()
      if not has_server() then
         return
      end

      it("is trusted with the one that it has announced, and no other", function()
         local seen = watch()
         sinks(seen, 1)
         log()
         host:renew{ subject = "another" }
         was_logged("a certificate that is not taken: the host's certificate is that of 'another'", seen)
         host:renew{ subject = "127.0.0.1", usage = "client" }
         was_logged("another extended key usage", seen)
         local fingerprint = host:renew{ subject = "127.0.0.1" }
         was_logged("has announced its next certificate: " .. fingerprint, seen)
         host:session{ id = 4, flags = 4 + 8 + 32 }
         seen:await("locked 4")
         assert.equal(host.fingerprint, wms.bindings()[1].fingerprint)
         host:adopt()
         host:restart{ silent = true } -- so that it is connected to anew
         assert(wms.sessions(host.server))
         kit.await(function() return wms.bindings()[1].fingerprint == fingerprint end, function() seen:rest() end)
         was_logged("shows its next certificate: " .. fingerprint, seen)
         seen.watch:close()
         assert.equal(4, #wms.sessions(host.server))
      end)

      it("is asked for it, when the present one ends soon and nobody has listened", function()
         local other = bound.host({ lasts = 30 * 86400 }, { events = events{ port = bound.port() } })
         local fingerprint = other:renew{ subject = "127.0.0.1", silent = true }
         log()
         local seen = watch{ server = other.server }
         was_logged("has announced its next certificate: " .. fingerprint, seen)
         other:adopt()
         other:restart{ silent = true }
         kit.await(function()
            for _, listed in ipairs(wms.bindings()) do
               if listed.fingerprint == fingerprint then
                  return true
               end
            end
         end, function() seen:rest() end)
      end)
   end)

   --- The host's binding, with another value for one of its fields that are strings.
   local function change_binding(field, value)
      local code = value:gsub("[^ !#$&-~]", function(byte) return ("%%%02X"):format(byte:byte()) end)
      local name = next(bound.kept) -- there is one
      local text, count = bound.kept[name]:gsub("(\n" .. field:gsub("%.", "%%.") .. " string \")[^\"]*",
         function(head) return head .. code end)
      assert.equal(1, count, field)
      bound.kept[name] = text
   end

   local function read(path)
      local file = assert(io.open(path, "rb"))
      local bytes = file:read("*a")
      file:close()
      return bytes
   end

   it("is told this machine's next certificate before the present one ends, and then sees it", function()
      if not has_server() then
         pending("multipoint-events is not built (it needs libmicrohttpd)")
      end
      local folder = bound.folder()
      local output, code = process.run(([[cd %s && openssl req -x509 -newkey rsa:2048 -nodes -days 10 -subj /CN=localhost \
         -addext extendedKeyUsage=serverAuth -addext subjectAltName=DNS:localhost -keyout key -out pem 2>&1 &&
         openssl pkcs8 -topk8 -nocrypt -in key -outform DER -out key.der &&
         openssl x509 -in pem -outform DER -out pem.der]])
         :format(folder))
      assert.equal(0, code, output)
      assert(wms.call{
         server = host.server, interface = "IMultiPointServer", operation = "SetReplacementSslCertificate",
         arguments = { wsFqdnManagingServer = "localhost", pSslCertificate = read(folder .. "/pem.der") },
      })
      change_binding("secret.events_certificate", read(folder .. "/pem.der"))
      change_binding("secret.events_key", read(folder .. "/key.der"))
      log()
      local seen = watch()
      sinks(seen, 1)
      was_logged("it knows this machine's next certificate", seen)
      host:session{ id = 4, flags = 4 + 8 + 32 }
      seen:await("locked 4")
      seen.watch:close()
      assert(wms.sessions(host.server))
      assert.truthy(select(2, next(bound.kept)):find("secret.events_next_key", 1, true))

      -- When the present one has ended.
      local expired = bound.stranger{ expired = true }
      change_binding("secret.events_certificate", assert(wms.call{
         server = expired.server, interface = "IMultiPointCertificateRequest", operation = "RequestSslCertificate",
      }).ppSslCertificate)
      seen = watch()
      sinks(seen, 1)
      host:session{ id = 4, flags = 4 + 32 }
      seen:await("unlocked 4")
      assert.falsy(select(2, next(bound.kept)):find("secret.events_next_key", 1, true))
      assert.is_true(wms.bindings()[1].events.expires - os.time() > 700 * 86400)
      for _, post in ipairs(host:posts()) do
         assert.equal("ok", post.result)
      end
   end)

   it("is asked, when it was bound without events", function()
      assert(wms.bind(bound.options(host)))
      log()
      local seen = watch()
      host:session{ id = 4, flags = 4 + 8 + 32 }
      seen:await("locked 4")
      was_logged("it is bound without events", seen)
      assert.equal(0, #host:sinks())
   end)

   it("is bound with what can be a name and a port", function()
      local function refused(words, given)
         kit.misuse("bind", words, function() wms.bind(bound.options(host, { events = given })) end)
      end
      refused({ "events: a string" }, "console")
      refused({ "events: port missing" }, { host_name = "console" })
      refused({ "events: host_name missing" }, { port = 8443 })
      refused({ "events: name: no such field", "use host_name" }, { name = "console", port = 8443 })
      refused({ "events: port" }, { host_name = "console", port = 70000 })
      refused({ "events: port" }, { host_name = "console", port = "8443" })
      for _, name in ipairs{ "", "a b", "a/b", ".a", "a.", "-a", "a..b", ("a"):rep(65), "::1", "a:1" } do
         refused({ "events: host_name" }, { host_name = name, port = 8443 })
      end
      refused({ "events: address: no numeric address" }, { host_name = "a", port = 8443, address = "localhost" })
      refused({ "events: address" }, { host_name = "a", port = 8443, address = true })
      kit.misuse("unlock", { "events" }, function() wms.unlock{ session_ids = 1, events = events() } end)
   end)
end)

--- The contract's part on watching, for hosts that tell.
bound.describe("a MultiPoint host that tells of events, as any host: #once", pending, function()
   local telling = setmetatable({}, { __index = adapter })
   local port = bound.port()

   local function test(text, needs, body)
      for _, need in ipairs(needs) do
         if need == "locks" then
            need = "lock_report"
         end
         if not adapter.can[need] then
            return
         end
      end
      it(text, function()
         if not has_server() then
            pending("multipoint-events is not built (it needs libmicrohttpd)")
         end
         body()
      end)
   end

   function telling.host(options)
      local host = adapter.host(options)
      assert(wms.bind(adapter.binding(host.lab, {
         events = { host_name = "localhost", port = port, address = "127.0.0.1" },
      })))
      host.lab:reset()
      return host
   end

   after_each(function()
      kit.reset()
      adapter.sweep()
   end)

   teardown(adapter.down)

   contract_watch(telling, test, function(...) return telling.host{ sessions = { ... } } end)
end)

describe("after a fork with a host that tells of events #once", function()
   local why = bound.missing()
   if why or not has_server() then
      it("the parent goes on", function() pending(why or "multipoint-events is not built (it needs libmicrohttpd)") end)
      return
   end

   for what, child in pairs{
      ["closes its state"] = "os.exit(0, true)",
      ["dies"] = "die()",
      ["asks its watch"] = "local _, _, err = watch:next(0) assert(err.code == 'FORKED', err.code) os.exit(0, true)",
      ["collects its garbage"] = "watch = nil collectgarbage() collectgarbage() os.exit(0, true)",
      ["watches by itself, which the parent's port is not for"] = [[
         local mine = assert(wms.watch(server))
         while mine:next(10).kind ~= "ready" do end
         os.exit(0, true)]],
   } do
      it("the parent is told as before, beside a child that " .. what, function()
         local output, code = process.run(([==[
export ASAN_OPTIONS=detect_leaks=0 WMS_BUILD=%s LUA_PATH='./?.lua;./?/init.lua;;' LUA_CPATH='%s/5.4/?.so;;'
timeout 60 %s lua - <<'END'
            local mp = require "spec.host.multipoint"
            local park = mp.start{ hosts = { { name = "lab01", subject = "127.0.0.1" } } }
            local lab = park.lab01
            server = "multipoint://127.0.0.1:" .. lab.http
            lab:session{ id = 3, user = "user", flags = 36 }
            local kept = {}
            wms.configure{ store = {
               load = function(name) return kept[name] end, save = function(name, text) kept[name] = text end,
               remove = function(name) kept[name] = nil end, list = function() return {} end,
            } }
            assert(wms.bind{ server = server, user_name = lab.admin, password = lab.password, fingerprint = lab.fingerprint,
               events = { host_name = "localhost", port = %d, address = "127.0.0.1" } })
            watch = assert(wms.watch(server))
            local function await(kind)
               local event
               repeat
                  event = watch:next(10)
                  assert(event, "waited in vain for " .. kind)
               until event.kind == kind
            end
            await("ready")
            local locked = false
            local function change()
               locked = not locked
               lab:session{ id = 3, flags = locked and 44 or 36 }
               await(locked and "locked" or "unlocked")
            end
            while #lab:sinks() == 0 do watch:next(0.01) end
            change() -- there is a connection now
            for _ = 1, 2 do
               local pid = fork()
               if pid == 0 then
                  local ok, message = pcall(function() %s end)
                  io.stderr:write(tostring(message), "\n")
                  os.exit(ok and 0 or 1)
               end
               assert(wait(pid) == 0, "the child failed")
               change()
               change()
            end
            assert(#lab:sinks() == 1)
            io.write("fine")
            park:stop()
END]==]):format(build, build, process.program("fork"), bound.port(), child))
         assert.same({ "fine", 0 }, { output, code })
      end)
   end
end)
