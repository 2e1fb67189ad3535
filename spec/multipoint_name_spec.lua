-- SPDX-License-Identifier: MIT
--- A MultiPoint host's certificate under another name than the address's: by a short name, an address of numbers, a tunnel.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local wms = kit.wms

bound.describe("a MultiPoint host whose certificate is made out to another name #once", pending, function()
   local host

   before_each(function()
      host = bound.stranger()
      host:certificate{ subject = "LAB01.school.example" }
      host:reset()
   end)

   local function bind(more)
      return wms.bind(bound.options(host, more))
   end

   local function refused(words, more)
      local err = bound.fault(host, bind(more))
      assert.equal("UNTRUSTED", err.code)
      for _, word in ipairs(words) do
         assert.truthy(err.message:find(word, 1, true), err.message)
      end
      assert.same({ host.fingerprint, host.thumbprint }, { err.fingerprint, err.thumbprint })
      assert.is_nil(host:counts().RequestWmsControlCredentials)
   end

   it("is bound to by its fingerprint, and pinned", function()
      assert(bind())
      kit.fine(wms.unlock{ server = host.server, session_ids = 3 })
      host:certificate{ subject = "LAB01.school.example" }
      host:hangup()
      kit.await(function() return host:counts().open == 0 end)
      assert.equal("UNTRUSTED", kit.fault(wms.unlock{ server = host.server, session_ids = 3 }).code)
   end)

   it("has the stations that bear that name, whatever its address is", function()
      assert(bind())
      host:set{ stations = 2 }
      for station, name in ipairs{ "LAB01", "OTHER" } do
         host:on("GetStationInformation", { id = station, times = 0,
            body = ("<pidSession>%d</pidSession><pwsSessionHost>%s</pwsSessionHost><peState>4</peState>"):format(
               station + 2, name) })
      end
      local states = {}
      for _, session in ipairs(kit.fine(wms.sessions(host.server))) do
         states[session.session_id] = session.state
      end
      assert.same({ "ConnectedToStation", "RemoteConnection" }, { states[3], states[4] })
   end)

   it("says whose certificate it is before anybody has confirmed it", function()
      refused({ "that of 'LAB01.school.example', not of '127.0.0.1'", "nobody has confirmed", host.fingerprint },
         { fingerprint = false })
   end)

   it("is another than the one that was named", function()
      refused({ "that of 'LAB01.school.example', not of 'lab02.school.example'" },
         { certificate_name = "lab02.school.example" })
      assert(bind{ certificate_name = "lab01.SCHOOL.example" })
   end)

   it("is not trusted for that name alone", function()
      refused({ "nobody has confirmed" }, { certificate_name = "LAB01.school.example", fingerprint = false })
      refused({ "not the one that was given" }, { fingerprint = ("AB"):rep(32) })
   end)

   it("must have the thumbprint that is given, however Windows writes it", function()
      refused({ "has the thumbprint " .. host.thumbprint .. ", which is not the one" }, { thumbprint = ("ab"):rep(20) })
      refused({ "has the thumbprint" }, { thumbprint = ("ab"):rep(20), fingerprint = false })
      assert(bind{ thumbprint = host.thumbprint:lower():gsub("(%x%x)", "%1 ") })
      assert(bind{ thumbprint = host.thumbprint:gsub("(%x%x)", "%1:"):sub(1, -2) })
   end)

   it("is not trusted for its thumbprint", function()
      refused({ "nobody has confirmed", "thumbprint alone", host.fingerprint },
         { thumbprint = host.thumbprint, fingerprint = false })
   end)

   it("may still not be expired, nor for anything but servers", function()
      for words, certificate in pairs{
         ["has expired"] = { subject = "LAB01", expired = true },
         ["Server Authentication alone"] = { subject = "LAB01", usage = "client" },
      } do
         host:certificate(certificate)
         refused({ words }, { certificate_name = "LAB01" })
      end
   end)

   it("is asked for with what can be a name and a thumbprint", function()
      kit.misuse("bind", { "thumbprint: no SHA-1" }, function() bind{ thumbprint = "AB" } end)
      kit.misuse("bind", { "thumbprint: no SHA-1" }, function() bind{ thumbprint = host.fingerprint } end)
      kit.misuse("bind", { "certificate_name: empty" }, function() bind{ certificate_name = "" } end)
      kit.misuse("bind", { "certificate_name: a number" }, function() bind{ certificate_name = 1 } end)
      kit.misuse("unlock", { "certificate_name" }, function()
         wms.unlock{ server = host.server, session_ids = 3, certificate_name = "x" }
      end)
   end)
end)
