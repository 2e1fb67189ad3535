-- SPDX-License-Identifier: MIT
--- MultiPoint hosts that tell of events, and those who watch them: bind with `events`, the listener, the registration.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local socket = require "socket"
local watching = require "spec.support.watching"
local wms = kit.wms

local build = os.getenv("WMS_BUILD") or "build"

--- A port of the loopback interface that nobody has.
local function free_port()
   local listener = assert(socket.bind("127.0.0.1", 0))
   local _, port = listener:getsockname()
   listener:close()
   return tonumber(port)
end

local function has_server()
   return process.run(("ls %s/lib/wms/multipoint-events.so 2>/dev/null"):format(build)) ~= ""
end

bound.describe("a MultiPoint host that tells of events", pending, function()
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

   local function was_logged(what)
      for _, line in ipairs(logged) do
         if line:find(what, 1, true) then
            return true
         end
      end
      return false
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
      kit.wait(function()
         seen:rest()
         return #host:sinks() == count
      end, count .. " sinks")
   end

   before_each(function()
      port = free_port()
      host = bound.host(nil, { events = events() })
   end)

   after_each(watching.sweep)

   it("is told this machine's certificate when it is bound, which is listed without its key", function()
      local clients = host:clients()
      assert.equal(1, #clients)
      assert.same({ "localhost", port }, { clients[1].name, clients[1].port })
      local text = process.run(("printf %%s %s | openssl x509 -noout -subject -issuer -ext "
         .. "extendedKeyUsage,subjectAltName,basicConstraints,keyUsage -nameopt RFC2253 2>&1"):format(process.quote(clients[1].pem)))
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
      assert.falsy(kit.show(listed):find("key", 1, true), kit.show(listed))
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
      local other = bound.host(nil, { events = events{ port = free_port() } })
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

      it("tells each change, without being asked all the time", function()
         local seen = watch()
         sinks(seen, 1)
         assert.equal(("https://localhost:%d/MultiPoint/IMultiPointCoreEventSink"):format(port), host:sinks()[1].uri)
         host:wait("posts", 0)
         seen:await("")
      end)
   end)
end)
