-- SPDX-License-Identifier: MIT
--- Gateways of Veyon that are reached by HTTPS: the key, and all else, goes to the one that is meant.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local veyon = require "spec.support.veyon"
local wms = kit.wms
local fine, fault = kit.fine, kit.fault

veyon.describe("gateways of Veyon by HTTPS: #once", pending, function()
   local folder, good, other, expired

   --- A certificate of its own making: { file = (with its key), fingerprint = }.
   local function certificate(name, options)
      local file = folder .. "/" .. name
      local output, code = process.run(([[cd '%s' && mkdir -p new && rm -f index* && : > index &&
         openssl req -newkey rsa:2048 -nodes -subj /CN=NAME -keyout NAME.key -out NAME.csr &&
         openssl ca -batch -notext -config ca.conf %s -in NAME.csr -out NAME.crt &&
         cat NAME.crt NAME.key > NAME]]):format(folder, options):gsub("NAME", name) .. "")
      assert.equal(0, code, output)
      local said = process.run("openssl x509 -noout -fingerprint -sha256 -in " .. file)
      return { file = file, fingerprint = said:match("=([%x:]+)") }
   end

   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
      local file = assert(io.open(folder .. "/ca.conf", "w"))
      file:write(([[
[ca]
default_ca = it
[it]
new_certs_dir = %s/new
database = %s/index
default_md = sha256
default_days = 2
rand_serial = yes
policy = any
copy_extensions = copy
[any]
commonName = supplied
[here]
subjectAltName = IP:127.0.0.1, DNS:gateway.example
[elsewhere]
subjectAltName = DNS:gateway.example
[issuer]
basicConstraints = critical, CA:true
]]):format(folder, folder))
      file:close()
      local own = "-selfsign -keyfile %s.key -extensions "
      good = certificate("good", own:format "good" .. "here")
      other = certificate("other", own:format "other" .. "here")
      expired = certificate("expired", own:format "expired" .. "here -startdate 20200101000000Z -enddate 20210101000000Z")
   end)

   teardown(function()
      process.run("rm -r " .. folder)
   end)

   --- A gateway of its own, and a host there to which nobody is bound.
   local function host(with, options)
      options = options or {}
      options.tls = with and with.file
      local own = veyon.own(options)
      return veyon.stranger({}, own), own
   end

   local function bind(at, more) return wms.bind(veyon.binding(at, more)) end

   --- Nothing but a handshake has come to the gateway.
   local function untouched(own)
      assert.same({ 0, 0, 0 }, { own:counts().requests, own:counts().keys, own:counts().bad })
   end

   local function refused(code, words, at, more)
      local err = fault(bind(at, more))
      assert.equal(code, err.code, err.message)
      for _, word in ipairs(words) do
         assert.truthy(err.message:find(word, 1, true), err.message)
      end
      assert.is_nil(veyon.store.kept[at.server])
   end

   it("are used when they show the certificate whose fingerprint was given", function()
      local at, own = host(good)
      for _, form in ipairs{ good.fingerprint, good.fingerprint:lower():gsub(":", ""), "SHA256:" .. good.fingerprint } do
         local made = fine(bind(at, { fingerprint = form }))
         assert.same({ own.url, form }, { made.gateway, made.fingerprint })
      end
      local done = fine(wms.lock{ server = at.server, session_ids = 0, message = "m", verify = 20 })[1]
      assert.same({ "verified", 1 }, { done.state, at:state().locked })
      assert.is_true(own:counts().keys >= 4)
      own:restart() -- connections and all
      assert.is_true(fine(wms.sessions(at.server))[1].locked)
      for _, binding in ipairs(assert(wms.bindings())) do
         if binding.server == at.server then
            assert.equal("SHA256:" .. good.fingerprint, binding.fingerprint)
         end
      end
   end)

   it("are used by name, and for a room at once", function()
      local at, own = host(good)
      local servers = { at.server, veyon.stranger({}, own).server }
      local options = veyon.binding(at, { fingerprint = good.fingerprint, servers = servers,
         gateway = "https://localhost:" .. own.port })
      options.server = nil
      fine(wms.bind(options))
      assert.equal(2, #fine(wms.sessions{ servers = servers }))
   end)

   it("get nothing when they show another one", function()
      local at, own = host(good)
      refused("UNTRUSTED", { "another certificate", good.fingerprint, "nothing is sent" }, at,
         { fingerprint = other.fingerprint })
      untouched(own)
   end)

   it("get nothing when it has expired", function()
      local at, own = host(expired)
      refused("UNTRUSTED", { "has expired", "nothing is sent" }, at, { fingerprint = expired.fingerprint })
      untouched(own)
   end)

   it("get nothing when no authority vouches for them, and are told of", function()
      local at, own = host(good)
      refused("UNTRUSTED", { "no authority", "nothing is sent", "`fingerprint`", good.fingerprint }, at)
      untouched(own)
   end)

   it("get nothing when another one has taken their place", function()
      local at, own = host(good)
      fine(bind(at, { fingerprint = good.fingerprint }))
      assert.equal(1, #fine(wms.sessions(at.server)))
      local port = own.port
      own:listen(false)
      local _, thief = host(other, { port = port })
      thief:host{ name = at.name }
      local err = fault(wms.sessions(at.server))
      assert.same({ "UNTRUSTED", "failed" }, { err.code, err.outcomes[1].state })
      untouched(thief)
   end)

   it("get nothing by a connection that was made for another binding", function()
      local at, own = host(good)
      local second = veyon.stranger({}, own)
      fine(bind(at, { fingerprint = good.fingerprint }))
      own:reset()
      refused("UNTRUSTED", { "another certificate" }, second, { fingerprint = other.fingerprint })
      refused("UNTRUSTED", { "no authority" }, second)
      assert.equal(0, own:counts().keys)
      assert.equal(1, #fine(wms.sessions(at.server)))
   end)

   it("have to speak TLS", function()
      local at, own = host()
      refused("PROTOCOL", { "does not speak TLS", "proxy" }, at, { gateway = own.url:gsub("http", "https"),
         fingerprint = good.fingerprint })
      assert.same({ 0, 0 }, { own:counts().requests, own:counts().keys })
   end)

   it("have to be there", function()
      local at, own = host(good)
      own:listen(false)
      refused("UNREACHABLE", { "nobody listens", "127.0.0.1" }, at, { fingerprint = good.fingerprint })
      refused("UNREACHABLE", { "no-such-name.invalid is not known" }, at, { fingerprint = good.fingerprint,
         gateway = "https://no-such-name.invalid:11443" })
   end)

   it("leave the keys of their sessions nowhere", function()
      local at, own = host(good)
      local log = folder .. "/keys"
      local output, code = process.run(("SSLKEYLOGFILE=%s timeout 60 %s -e %s"):format(log, process.lua(), process.quote(([[
         local kept = {}
         local wms = require "wms"
         wms.configure{ store = { load = function(n) return kept[n] end, save = function(n, t) kept[n] = t end,
            remove = function() end, list = function() return {} end } }
         assert(wms.bind{ server = %q, key_name = "lab", key_file = %q, gateway = %q, fingerprint = %q })
      ]]):format(at.server, veyon.key(), own.url, good.fingerprint))))
      assert.equal(0, code, output)
      assert.equal(1, own:counts().keys)
      local file = io.open(log)
      assert.equal("", file and file:read("*a") or "")
   end)

   it("are used without a fingerprint when an authority vouches for their name", function()
      local list = "/etc/ssl/certs/ca-certificates.crt"
      if not veyon.is_root() or not io.open(list) or select(2, process.run("unshare -m true")) ~= 0 then
         pending("needs a mount namespace")
      end
      certificate("issuer", "-selfsign -keyfile issuer.key -extensions issuer")
      local issued = "-keyfile issuer.key -cert issuer.crt -extensions "
      for name, works in pairs{ here = true, elsewhere = false } do
         local at, own = host(certificate(name, issued .. name))
         local output, code = process.run("unshare -m sh -c " .. process.quote(
            ("mount --bind %s/issuer.crt %s && exec timeout 60 %s -e %s"):format(folder, list, process.lua(),
            process.quote(([[
               local kept = {}
               local wms = require "wms"
               wms.configure{ store = { load = function(n) return kept[n] end, save = function(n, t) kept[n] = t end,
                  remove = function() end, list = function() return {} end } }
               local made, message = wms.bind{ server = %q, key_name = "lab", key_file = %q, gateway = %q }
               print(made and #assert(wms.sessions(%q)) or message)
            ]]):format(at.server, veyon.key(), own.url, at.server)))))
         assert.equal(0, code, output)
         if works then
            assert.equal("1", output:match("%S+"), output)
         else
            assert.truthy(output:find("vouches that the gateway is 127.0.0.1", 1, true), output)
            untouched(own)
         end
      end
   end)

   it("are misuse where something does not fit", function()
      local at = veyon.stranger()
      for _, case in ipairs{
         { { "fingerprint: that of a gateway's certificate", "leave it out" }, { fingerprint = good.fingerprint } },
         { { "fingerprint: no SHA-256" }, { fingerprint = "AB", gateway = "https://127.0.0.1:1" } },
         { { "gateway: no address of a gateway" }, { gateway = "https://teacher@127.0.0.1:1" } },
         { { "gateway: no address of a gateway" }, { gateway = "https://-v:1" } },
         { { "gateway: no address of a gateway" }, { gateway = "https://gate way:1" } },
         { { "gateway: no address of a gateway" }, { gateway = "https://" .. ("a"):rep(254) .. ":1" } },
      } do
         kit.misuse("bind", case[1], function() bind(at, case[2]) end)
      end
   end)
end)
