-- SPDX-License-Identifier: MIT
--- Whom a MultiPoint client believes: an administrator's password leaves only for the host that somebody has confirmed.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local soap = require "spec.support.soap"
local wms = kit.wms

bound.describe("trust in MultiPoint hosts: #once", pending, function()
   teardown(soap.sweep)

   --- Nothing but certificates was asked for, and no password was on the wire.
   local function is_silent(host)
      local counts = host:counts()
      assert.same({ 0, 0 }, { counts.admin_plain, counts.admin_tls })
      assert.equal(counts.RequestSslCertificate or 0, counts.requests)
   end

   --- Binding is refused, and the reason is in the text; returns whether the password was asked for.
   local function refused(host, reason, more)
      local asked = 0
      local options = bound.options(host, more)
      options.password = function()
         asked = asked + 1
         return host.password
      end
      local err = bound.fault(host, wms.bind(options))
      assert.equal("UNTRUSTED", err.code, err.message)
      assert.truthy(err.message:find(reason, 1, true), err.message)
      assert.equal(host.server, err.server)
      assert.is_nil(next(bound.kept))
      is_silent(host)
      return asked, err
   end

   describe("a certificate is refused that", function()
      it("nobody has confirmed", function()
         local host = bound.stranger()
         local asked, err = refused(host, "nobody has confirmed", { fingerprint = false })
         assert.equal(0, asked)
         assert.same({ host.fingerprint, host.thumbprint }, { err.fingerprint, err.thumbprint })
         assert.truthy(err.message:find(host.fingerprint, 1, true))
         host.password = "x" -- a string is kept back as well
         assert.equal("UNTRUSTED", select(3, wms.bind{ server = host.server, user_name = "a", password = "x" }).code)
         is_silent(host)
      end)

      it("is not the one that was named", function()
         local host = bound.stranger()
         local asked, err = refused(host, "not the one that was given", { fingerprint = ("AB"):rep(32) })
         assert.equal(0, asked)
         assert.same({ host.fingerprint, host.thumbprint }, { err.fingerprint, err.thumbprint })
         assert.is_nil(err.message:find("ABAB", 1, true))
      end)

      for what, case in pairs{
         ["is that of another host"] = { { subject = "lab02" }, "that of 'lab02', not of '127.0.0.1'" },
         ["has a name that only begins like it"] = { { subject = "127.0.0.1.example" }, "that of '127.0.0.1.example'" },
         ["has the name, and other names that count"] = { { subject = "127.0.0.1", san = "lab02" }, "not of '127.0.0.1'" },
         ["has another address"] = { { subject = "127.0.0.1 ", san = "127.0.0.2" }, "not of '127.0.0.1'" },
         ["has a name that cannot be printed"] = { { subject = "a\n'\27[31m" }, "that of 'a?'?[31m'" },
         ["has expired"] = { { subject = "127.0.0.1", expired = true }, "has expired on 20" },
         ["is for clients, too"] = { { subject = "127.0.0.1", usage = "server,client" }, "Server Authentication alone" },
         ["is for clients"] = { { subject = "127.0.0.1", usage = "client" }, "Server Authentication alone" },
         ["is for nothing"] = { { subject = "127.0.0.1", usage = "none" }, "Server Authentication alone" },
      } do
         it(what, function()
            local host = bound.stranger()
            host:certificate(case[1])
            assert.equal(0, (refused(host, case[2], { certificate_name = "127.0.0.1" })))
         end)
      end

      it("is not the one that the handshake shows", function()
         local host = bound.stranger()
         local forged = host:certificate{ subject = "127.0.0.1", where = "plain" }
         -- Whoever sits on the wire has deceived the person as well; the host itself he cannot be.
         assert.equal(1, (refused(host, host.fingerprint, { fingerprint = forged })))
         assert.equal(1, host:counts().connections_https)
         assert.equal(0, (refused(host, forged))) -- nor is anything sent when the person was not deceived
         assert.equal(1, host:counts().connections_https)
      end)

      it("was announced, and the handshake shows another one, an expired one", function()
         local host = bound.stranger()
         local announced = host.fingerprint
         host:certificate{ subject = "127.0.0.1", where = "tls", expired = true }
         refused(host, "another certificate", { fingerprint = announced })
      end)

      --- The plain answer, changed.
      local function announce(host, pattern, replacement)
         local answer = soap.call(soap.request(host, "IMultiPointCertificateRequest", "RequestSslCertificate"))
         local body, count = soap.inside(answer):match("^<[^>]*>(.*)</[^>]*>$"):gsub(pattern, replacement)
         assert(count == 1)
         host:reset()
         host:on("RequestSslCertificate", { body = body })
      end

      it("comes with another one's thumbprint", function()
         local host = bound.stranger()
         announce(host, host.thumbprint, ("0"):rep(40))
         assert.equal(0, (refused(host, "another one's thumbprint")))
      end)

      it("comes without a port, without a thumbprint, in part, or is none", function()
         local host = bound.stranger()
         for pattern, replacement in pairs{
            ["<pSslPort>%d+"] = "<pSslPort>65536", ["<pSslPort>(%d+)"] = "<pSslPort>-%1", ["<pSslPort>.-</pSslPort>"] = "",
            ["<pwsSslCertificateThumbprint>.-</pwsSslCertificateThumbprint>"] = "",
            ["<ppSslCertificate>.*</ppSslCertificate>"] = "",
            ["<prgData>%d+</prgData></ppSslCertificate>"] = "</ppSslCertificate>", -- without its last byte
            ["</prgData></ppSslCertificate>"] = "</prgData><prgData>0</prgData></ppSslCertificate>",
            ["<prgData>%d+</prgData></ppSslCertificate"] = "<prgData>256</prgData></ppSslCertificate",
         } do
            announce(host, pattern, replacement)
            local err = bound.fault(host, wms.bind(bound.options(host)))
            assert.truthy(err.code == "PROTOCOL" or err.code == "UNTRUSTED", pattern .. err.message)
            is_silent(host)
         end
      end)
   end)

   it("only the host of that name and key gets the password", function()
      local host = bound.stranger()
      local asked = {}
      local made = assert(wms.bind(bound.options(host, { password = function(...)
         asked[#asked + 1] = { ... }
         return host.password
      end })))
      assert.same({ { host.server, host.admin } }, asked)
      assert.same({ host.server, host.fingerprint, host.thumbprint, host.https, false },
         { made.server, made.fingerprint, made.thumbprint, made.port, made.management })
      assert.same({ 0, 1 }, { host:counts().admin_plain, host:counts().admin_tls })
      kit.fine(wms.unlock{ server = host.server, session_ids = 3 })
      assert.equal(1, host:counts().admin_tls)
   end)

   it("a fingerprint may be written in several ways, and nothing else is one", function()
      local host = bound.stranger()
      for _, text in ipairs{
         host.fingerprint, host.fingerprint:lower(), (host.fingerprint:gsub(":", "")),
         host.fingerprint:gsub(":", ""):lower(),
         (host.fingerprint:gsub(":", "", 7)), "SHA256:" .. host.fingerprint,
      } do
         assert(wms.bind(bound.options(host, { fingerprint = text })))
      end
      host:reset()
      for _, text in ipairs{
         "", host.thumbprint, host.fingerprint:sub(1, -2), host.fingerprint .. ":", ":" .. host.fingerprint,
         host.fingerprint .. "00", (host.fingerprint:gsub(":", " ")), (host.fingerprint:gsub("^%x", "G")),
         (host.fingerprint:gsub(":", "::", 1)), "SHA256:SHA256:" .. host.fingerprint, "SHA1:" .. host.fingerprint,
         "SHA256:",
      } do
         kit.misuse("bind", { "fingerprint" }, function()
            wms.bind(bound.options(host, { fingerprint = text }))
         end)
      end
      assert.equal(0, host:counts().requests)
   end)

   it("no password is sent when its function has none, or raises", function()
      local host = bound.stranger()
      local err = bound.fault(host, wms.bind(bound.options(host, { password = function() return nil, "not today" end })))
      assert.equal("CANCELLED", err.code)
      assert.truthy(err.message:find("not today", 1, true), err.message)
      assert.equal("CANCELLED", select(3, wms.bind(bound.options(host, { password = function() end }))).code)
      assert.has_error(function()
         wms.bind(bound.options(host, { password = function() error("oh", 0) end }))
      end, "oh")
      is_silent(host)
      assert(wms.bind(bound.options(host)))
   end)

   it("names are compared as names are", function()
      for subject, options in pairs{
         ["lab01.localhost"] = {}, ["LAB02.localhost"] = { subject = "lab02.LOCALHOST" },
         ["lab03.localhost"] = { subject = "whoever", san = "lab03.localhost" },
         ["127.0.0.1"] = { subject = "whoever", san = "127.0.0.1" },
      } do
         local host = bound.stranger{ subject = subject }
         host:certificate{ subject = options.subject or subject, san = options.san }
         assert(wms.bind(bound.options(host)))
         kit.fine(wms.unlock{ server = host.server, session_ids = 3 })
      end
      bound.kept = {}
      local host = bound.stranger{ subject = "lab04.localhost" }
      host:certificate{ subject = "*.localhost" }
      local named = { certificate_name = "lab04.localhost" }
      assert.equal(0, (refused(host, "not of 'lab04.localhost'", named)))
      host:certificate{ subject = "x", san = "*.localhost" }
      assert.equal(0, (refused(host, "not of 'lab04.localhost'", named)))
   end)

   for _, version in ipairs{ "1.0", "1.1" } do
      it("TLS " .. version .. " is too old", function()
         local host = bound.stranger{ key = "rsa" }
         host:tls("NORMAL:-VERS-ALL:+VERS-TLS" .. version .. ":+SHA1:+SIGN-RSA-SHA1")
         assert.equal(1, (refused(host, "older than 1.2")))
         assert.equal(0, host:counts().handshakes)
         host:tls("NORMAL:-VERS-ALL:+VERS-TLS1.2")
         assert(wms.bind(bound.options(host)))
         host:tls("NORMAL:-VERS-ALL:+VERS-TLS" .. version .. ":+SHA1:+SIGN-RSA-SHA1")
         host:hangup()
         host:reset()
         local err = kit.fault(wms.unlock{ server = host.server, session_ids = 3 })
         assert.same({ "UNTRUSTED", "failed" }, { err.code, err.outcomes[1].state })
         assert.truthy(err.message:find("older than 1.2", 1, true), err.message)
         assert.equal(0, host:counts().requests)
      end)
   end

   describe("a host that has another key than when it was bound", function()
      local host, old
      before_each(function()
         host = bound.host()
         kit.fine(wms.unlock{ server = host.server, session_ids = 3 })
         old = host.fingerprint
         host:hangup()
         kit.await(function() return host:counts().open == 0 end)
         host:certificate{ subject = "127.0.0.1" }
         host:session{ id = 3, flags = 44 }
         host:reset()
      end)

      it("is told nothing, whatever is asked", function()
         for verb, options in pairs{
            unlock = { session_ids = { 3, 4 } }, unlock_all = {}, lock = { session_ids = 3, message = "m" }, sessions = {},
            close = { session_ids = 3 }, lock_all = { message = "m" }, disconnect_all = {},
         } do
            options.server = host.server
            local err = kit.fault(wms[verb](options))
            assert.equal("UNTRUSTED", err.code)
            assert.truthy(err.message:find(host.fingerprint, 1, true), err.message)
            assert.is_false(bound.tells(host, err.message))
            for _, outcome in ipairs(err.outcomes) do
               assert.equal("failed", outcome.state)
            end
         end
         local err = bound.fault(host, wms.call{
            server = host.server, interface = "IMultiPointSession", operation = "StopLockingSession",
            arguments = { idSession = 3 },
         })
         assert.equal("UNTRUSTED", err.code)
         assert.equal(0, host:counts().requests)
         assert.is_true(host:sessions()[3].locked)
      end)

      it("is refused the password by those who know the old one", function()
         bound.kept = {}
         assert.equal(0, (refused(host, "not the one that was given", { fingerprint = old })))
      end)

      it("is trusted again when it is bound anew", function()
         assert(wms.bind(bound.options(host)))
         kit.fine(wms.unlock{ server = host.server, session_ids = 3 })
         assert.is_false(host:sessions()[3].locked)
         assert.equal(host.fingerprint, wms.bindings()[1].fingerprint)
      end)
   end)

   it("kept connections of an old binding are not used any more", function()
      local host = bound.host()
      local function unlock()
         kit.fine(wms.unlock{ server = host.server, session_ids = 3 })
      end
      unlock()
      unlock()
      assert.equal(0, host:counts().connections_https) -- that of the bind
      host:certificate{ subject = "127.0.0.1" }
      unlock() -- the one that is there has shown the old one
      assert.equal(0, host:counts().connections_https)
      assert(wms.bind(bound.options(host)))
      assert.equal(1, host:counts().connections_https)
      unlock()
      assert.equal(1, host:counts().connections_https)
      wms.unbind(host.server)
      assert.equal("NOT_BOUND", kit.fault(wms.unlock{ server = host.server, session_ids = 3 }).code)
   end)

   it("the elevated password is kept when it is asked for, and a host may have none", function()
      local host = bound.stranger()
      local call = {
         server = host.server, interface = "IMultiPointStation", operation = "SetStationFriendlyName",
         arguments = { idStation = 1, wsFriendlyName = "x" },
      }
      assert.is_false(assert(wms.bind(bound.options(host))).management)
      local err = bound.fault(host, wms.call(call))
      assert.equal("NOT_BOUND", err.code)
      assert.truthy(err.message:find("management = true", 1, true), err.message)
      assert.is_nil(bound.kept["127.0.0.1:" .. host.http]:find("management", 1, true))
      assert.is_true(assert(wms.bind(bound.options(host, { management = true }))).management)
      assert(wms.call(call))
      host:set{ no_management = true }
      err = bound.fault(host, wms.bind(bound.options(host, { management = true })))
      assert.equal("UNSUPPORTED", err.code)
      assert.is_false(assert(wms.bind(bound.options(host))).management)
   end)

   describe("files", function()
      local folder, environment, host
      before_each(function()
         folder, environment = bound.folder()
         host = bound.stranger()
         host.file = ("%s/config/wms/bindings/127.0.0.1:%d.binding"):format(folder, host.http)
         assert.same({ "fine", 0 }, { bound.script(host, "assert(bind()) io.write 'fine'", environment) })
         host:reset()
      end)
      local UNLOCK = [[
         local list, message, err = wms.unlock{ server = host.server, session_ids = 3 }
         io.write(list and "fine" or err.code .. " " .. message)
      ]]

      it("are for nobody else's eyes", function()
         assert.equal("600\n700\n700\n", (process.run(("stat -c %%a %s %s/config/wms/bindings %s/config/wms"):format(
            process.quote(host.file), folder, folder))))
         assert.equal("fine", (bound.script(host, UNLOCK, environment)))
         local text = process.run("cat " .. process.quote(host.file))
         assert.is_nil(text:find(host.password, 1, true))
      end)

      for what, case in pairs{
         ["a file that others may read"] = { "chmod 640 FILE", "chmod 600 FILE" },
         ["a file that others may write"] = { "chmod 602 FILE", "chmod 600 FILE" },
         ["a folder that others may look into"] = { "chmod 750 FOLDER", "chmod 700 FOLDER" },
      } do
         it("are refused, with the command that mends it: " .. what, function()
            local function command(text)
               return (text:gsub("FILE", host.file):gsub("FOLDER", folder .. "/config/wms/bindings"))
            end
            assert.same({ "", 0 }, { process.run(command(case[1])) })
            local said = bound.script(host, UNLOCK, environment)
            assert.matches("^UNTRUSTED ", said)
            local fix = said:match("mend it with: (.*)$")
            assert.equal(command(case[2]), fix)
            assert.is_false(bound.tells(host, said))
            assert.equal(0, host:counts().requests)
            assert.equal(0, host:counts().connections_https)
            process.run(fix)
            assert.equal("fine", (bound.script(host, UNLOCK, environment)))
         end)
      end

      it("that are no bindings, or parts of one, are refused", function()
         local text = process.run("cat " .. process.quote(host.file))
         local half = text:sub(1, math.floor(#text / 2))
         for _, other in ipairs{ "", "x", half, text .. text, (text:gsub("\n", "\n\n", 1)) } do
            local file = assert(io.open(host.file, "w"))
            file:write(other)
            file:close()
            local said = bound.script(host, UNLOCK, environment)
            assert.matches("^INTERNAL ", said)
            assert.truthy(said:find(host.file, 1, true), said)
            assert.is_false(bound.tells(host, said))
         end
         assert.equal(0, host:counts().requests)
      end)
   end)
end)
