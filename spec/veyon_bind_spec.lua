-- SPDX-License-Identifier: MIT
--- How a client is bound to Veyon hosts, and whom it gives the key: the gateway on this machine alone, if it is root's or
--- ours.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local veyon = require "spec.support.veyon"
local wms = kit.wms
local fine, fault = kit.fine, kit.fault

veyon.describe("binding to Veyon hosts: #once", pending, function()
   local function bind(host, more)
      return wms.bind(veyon.binding(host, more))
   end

   local function refused(code, words, host, more)
      local err = fault(bind(host, more))
      assert.equal(code, err.code, err.message)
      for _, word in ipairs(words) do
         assert.truthy(err.message:find(word, 1, true), err.message)
      end
      assert.is_nil(veyon.store.kept[host.server])
   end

   it("keeps the key's name and place, and never the key", function()
      local host = veyon.stranger()
      local made = fine(bind(host))
      assert.same({ "lab", veyon.key(), host.gateway.url }, { made.key_name, made.key_file, made.gateway })
      local text = veyon.store.kept[host.server]
      assert.truthy(text:find(veyon.key(), 1, true), text)
      assert.is_nil(text:find("PRIVATE", 1, true))
      assert.is_nil(text:find("c2VjcmV0", 1, true))
      for _, binding in ipairs(assert(wms.bindings())) do
         if binding.server == host.server then
            assert.same({ "lab", host.gateway.url, false }, { binding.key_name, binding.gateway, binding.management })
         end
      end
      assert.equal(1, #fine(wms.sessions(host.server)))
      assert(wms.unbind(host.server))
      assert.equal("NOT_BOUND", fault(wms.sessions(host.server)).code)
   end)

   it("takes a host that is off, and says that the key was not tried", function()
      local host = veyon.stranger{ user = "" }
      local request = wms.start("bind", veyon.binding(host))
      assert(request:wait(60))
      assert.truthy(request:result())
      request:close()
      assert.truthy(veyon.store.kept[host.server])
      assert.equal("UNREACHABLE", fault(wms.sessions(host.server)).code)
      host:log_on "alice"
      assert.equal(1, #fine(wms.sessions(host.server)))
   end)

   it("takes several hosts at once", function()
      local one, two = veyon.stranger(), veyon.stranger()
      local options = veyon.binding(one)
      options.server, options.servers = nil, { one.server, two.server }
      fine(wms.bind(options))
      assert.equal(2, #fine(wms.sessions{ servers = { one.server, two.server } }))
   end)

   it("refuses a key that the host refuses", function()
      refused("ACCESS_DENIED", { "refuses the key" }, veyon.stranger{ key_name = "other" })
      refused("ACCESS_DENIED", { "access rules" }, veyon.stranger{ denied = 1 })
      refused("NOT_BOUND", { "Authentication/Method" }, veyon.stranger{ method = "logon" })
   end)

   it("refuses a file that is no key, or is everybody's", function()
      local host = veyon.stranger()
      host.gateway:reset()
      refused("NOT_BOUND", { "holds no private key" }, host, { key_file = veyon.file("empty", "") })
      refused("NOT_BOUND", { "holds no private key" }, host, { key_file = veyon.file("text", "no key at all\n") })
      refused("NOT_BOUND", { "holds no private key" }, host,
         { key_file = veyon.file("public", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n") })
      refused("NOT_BOUND", { "holds no private key" }, host,
         { key_file = veyon.file("quote", "-----BEGIN PRIVATE KEY-----\nAA\"AA\n-----END PRIVATE KEY-----\n") })
      refused("NOT_BOUND", { "holds no private key" }, host,
         { key_file = veyon.file("long", "-----BEGIN PRIVATE KEY-----\n" .. ("A"):rep(70000)) })
      refused("NOT_BOUND", { "cannot be read", "bind anew" }, host, { key_file = "/nowhere/key" })
      refused("NOT_BOUND", { "is no file" }, host, { key_file = "/tmp" })
      refused("NOT_BOUND", { "is no file" }, host, { key_file = "/dev/zero" })
      refused("UNTRUSTED", { "open to everybody", "chmod" }, host,
         { key_file = veyon.file("open", "-----BEGIN PRIVATE KEY-----\n", "644") })
      assert.equal(0, host.gateway:counts().keys)
   end)

   it("gives the key to a gateway on this machine alone", function()
      local host = veyon.stranger()
      host.gateway:reset()
      for _, url in ipairs{ "http://192.0.2.1:11080", "http://localhost:11080", "http://[2001:db8::1]:11080",
         "http://127.0.0.1.example:80", "http://0.0.0.0:11080" } do
         refused("UNTRUSTED", { "on this machine only" }, host, { gateway = url, key_file = "/nowhere/key" })
      end
      assert.equal(0, host.gateway:counts().requests)
   end)

   it("gives it to nobody who has taken the gateway's place", function()
      if not veyon.is_root() then
         pending("needs a second user")
      end
      local own = veyon.own{ uid = 65534 }
      local host = veyon.stranger({}, own)
      refused("UNTRUSTED", { "belongs to the user with the number 65534", "runserver" }, host)
      assert.equal(0, own:counts().requests)
   end)

   it("believes nobody who takes the gateway's place later", function()
      if not veyon.is_root() then
         pending("needs a second user")
      end
      local own = veyon.own()
      local host = veyon.host({}, own)
      fine(wms.sessions(host.server))
      own:listen(false)
      own:hangup()
      local other = veyon.own{ uid = 65534, port = own.port }
      local err = fault(wms.lock{ server = host.server, session_ids = 0, message = "m" })
      assert.same({ "UNTRUSTED", "failed" }, { err.code, err.outcomes[1].state })
      assert.equal(0, other:counts().requests)
   end)

   it("gives it to nobody later either, whatever a binding says", function()
      local host = veyon.host()
      local text = veyon.store.kept[host.server]
      host.gateway:reset()
      veyon.store.kept[host.server] = text:gsub("http://127%.0%.0%.1:%d+", "http://192.0.2.1:80")
      assert.equal("UNTRUSTED", fault(wms.sessions(host.server)).code)
      veyon.store.kept[host.server] = text:gsub("key_file", "key_fil")
      assert.equal("INTERNAL", select(3, wms.sessions(host.server)).code)
      assert.equal(0, host.gateway:counts().requests)
   end)

   it("says so when there is no gateway", function()
      local own = veyon.own()
      local host = veyon.stranger({}, own)
      own:listen(false)
      refused("UNREACHABLE", { "no WebAPI of Veyon", "veyon-cli webapi runserver" }, host)
   end)

   it("takes a gateway at IPv6's loopback address", function()
      local fits, own = pcall(veyon.own, { address = "::1" })
      if not fits then
         pending("no IPv6 here")
      end
      local host = veyon.stranger({}, own)
      fine(bind(host, { gateway = "http://[::1]:" .. own.port }))
      assert.equal(1, #fine(wms.sessions(host.server)))
   end)

   it("reads the key anew for each connection, and names the file when it cannot be used any more", function()
      local host = veyon.stranger()
      local path = veyon.file("moving", veyon.pem)
      local function write(text, mode)
         veyon.file("moving", text, mode)
         host.gateway:forget()
      end
      fine(bind(host, { key_file = path }))
      local keys = host.gateway:counts().keys
      for _, case in ipairs{
         { function() process.run("rm " .. path) host.gateway:forget() end, "NOT_BOUND", "cannot be read" },
         { function() write(veyon.pem, "644") end, "UNTRUSTED", "is open to everybody" },
         { function() write("no key any more\n") end, "NOT_BOUND", "holds no private key" },
         { function() process.run(("rm %s && mkdir %s"):format(path, path)) host.gateway:forget() end, "NOT_BOUND",
            "is no file" },
      } do
         case[1]()
         local err = fault(wms.sessions(host.server))
         assert.same({ case[2], "failed" }, { err.code, err.outcomes[1].state })
         assert.truthy(err.message:find(path .. " " .. case[3], 1, true), err.message)
      end
      assert.equal(keys, host.gateway:counts().keys)
      process.run("rmdir " .. path)
      host:set{ key = veyon.pem }
      write((veyon.pem:gsub("c2Vj", "b3Ro"))) -- another one
      local err = fault(wms.sessions(host.server))
      assert.equal("ACCESS_DENIED", err.code)
      assert.truthy(err.message:find("refuses the key in " .. path, 1, true), err.message)
      write(veyon.pem)
      assert.equal(1, #fine(wms.sessions(host.server)))
      if not veyon.is_root() then
         write(veyon.pem, "000")
         assert.equal("ACCESS_DENIED", fault(wms.sessions(host.server)).code)
      end
   end)

   it("takes a path from where it was given", function()
      local host = veyon.stranger()
      local key = veyon.key()
      local here = process.run("pwd"):match("[^\n]+")
      local up = here:gsub("[^/]+", ".."):gsub("^/", "")
      fine(bind(host, { key_file = up .. key }))
      assert.truthy(veyon.store.kept[host.server]:find('"' .. key .. '"', 1, true))
   end)

   it("is misuse with what is not needed, or lacks something", function()
      local host = veyon.stranger()
      for _, case in ipairs{
         { { "key_name: missing", '"lab"' }, { key_name = false } },
         { { "key_name: no name" }, { key_name = "" } },
         { { "key_name: no name" }, { key_name = "a\nb" } },
         { { "key_file: missing", "/etc/veyon/keys/private" }, { key_file = false } },
         { { "key_file: no path" }, { key_file = "" } },
         { { "key_file: a number" }, { key_file = 3 } },
         { { "user_name: a Veyon host is bound with key_name" }, { user_name = "Administrator" } },
         { { "fingerprint: that of a gateway's" }, { fingerprint = "AB", password = "x" } },
         { { "management: a Veyon host" }, { management = true } },
         { { "gateway: no address of a gateway", "http://127.0.0.1:11080" }, { gateway = "127.0.0.1" } },
         { { "gateway: no address" }, { gateway = "http://127.0.0.1" } },
         { { "gateway: no address" }, { gateway = "http://127.0.0.1:99999" } },
         { { "gateway: no address" }, { gateway = "ftp://127.0.0.1:21" } },
      } do
         local options = veyon.binding(host)
         for key, value in pairs(case[2]) do
            options[key] = value or nil
         end
         kit.misuse("bind", case[1], function() wms.bind(options) end)
      end
      kit.misuse("bind", { "key_name: a MultiPoint host is bound with user_name" }, function()
         wms.bind{ server = "lab01", key_name = "lab", key_file = "/x" }
      end)
      kit.misuse("unlock", { "key_name: no such option" }, function()
         wms.unlock{ server = host.server, session_ids = 0, key_name = "lab" }
      end)
   end)
end)
