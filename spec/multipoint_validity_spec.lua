-- SPDX-License-Identifier: MIT
--- Certificates of MultiPoint hosts that are not valid yet, or no more; what has seen one does not outlive it.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms

bound.describe("validity of MultiPoint hosts' certificates: #once", pending, function()
   --- Nothing was sent to the host but the question for its certificate.
   local function refused(host, reason, ...)
      local err = bound.fault(host, ...)
      assert.equal("UNTRUSTED", err.code, err.message)
      assert.truthy(err.message:find(reason, 1, true), err.message)
      assert.same({ 0, 0 }, { host:counts().admin_plain, host:counts().admin_tls })
   end

   it("one that is not valid yet is refused", function()
      local host = bound.stranger{ early = true }
      refused(host, "is not valid before 20", wms.bind(bound.options(host)))
   end)

   it("one that has another name is refused, and that name is told", function()
      for _, case in ipairs{
         { { subject = "pc1.lab.localhost", san = "*.lab.localhost" }, "is that of '*.lab.localhost', not of" },
         { { subject = "127.0.0.1", san = "lab02" }, "is that of 'lab02', not of '127.0.0.1'" },
         { { subject = "lab03", san = "127.0.0.2" }, "is that of '127.0.0.2', not of '127.0.0.1'" },
      } do
         local host = bound.stranger()
         host:certificate(case[1])
         local server = ("%s:%d"):format(case[1].subject == "lab03" and "127.0.0.1" or case[1].subject, host.http)
         local name = server:match("^(.-):%d+$")
         refused(host, case[2], wms.bind(bound.options(host, { server = server, certificate_name = name })))
      end
   end)

   describe("one that runs out", function()
      --- A host that was bound two seconds before its certificate runs out, when it has.
      local function expired(more)
         local host = bound.stranger{ lasts = 3 }
         local before = kit.now()
         assert(wms.bind(bound.options(host)))
         if more then
            more(host)
         end
         kit.await(function() return kit.now() > before + 4.1 end, function() process.run("sleep 0.2") end)
         return host
      end

      local function not_trusted(host)
         host:reset()
         local err = kit.fault(wms.unlock{ server = host.server, session_ids = 3 })
         assert.same({ "UNTRUSTED", "failed" }, { err.code, err.outcomes[1].state })
         assert.truthy(err.message:find("has expired on 20", 1, true), err.message)
         assert.is_nil(host:counts().StopLockingSession)
         assert.is_true(host:sessions()[3].locked)
      end

      it("is not trusted on a kept connection", function()
         not_trusted(expired())
      end)

      it("is not trusted with the TLS session of before", function()
         local host = expired()
         host:hangup()
         kit.await(function() return host:counts().open == 0 end)
         not_trusted(host)
      end)

      it("is not trusted by another process", function()
         local folder, environment = bound.folder()
         local host = bound.stranger{ lasts = 6 }
         local before = kit.now()
         local said = { bound.script(host, "assert(bind())", environment) }
         assert.same({ "", 0 }, said, folder)
         kit.await(function() return kit.now() > before + 7.1 end, function() process.run("sleep 0.2") end)
         host:reset()
         local output = bound.script(host, [[
            local list, message, err = wms.unlock{ server = host.server, session_ids = 3 }
            io.write(list and "it went well" or err.code .. " " .. message)
         ]], environment)
         assert.truthy(output:find("^UNTRUSTED .*has expired on"), output)
         assert.is_nil(host:counts().StopLockingSession)
      end)
   end)

   it("a host that wants to negotiate anew is not let to, and nothing goes wrong", function()
      local host = bound.stranger()
      host:tls("NORMAL:-VERS-ALL:+VERS-TLS1.2")
      assert(wms.bind(bound.options(host)))
      for i = 1, 10 do
         host:on("StopLockingSession", { renegotiate = true })
         local list, message, err = wms.unlock{ server = host.server, session_ids = 3 }
         local state = list and list[1].state or err.outcomes[1].state
         assert.truthy(state == "requested" or state == "unknown", message) -- it may be the host that gives up
         assert(host:counts().StopLockingSession <= i)
      end
      host:clear()
      assert(host:counts().handshakes <= host:counts().connections_https) -- one for each connection
      kit.await(function() return (wms.unlock{ server = host.server, session_ids = 3 }) end)
   end)

   it("SSLKEYLOGFILE is not honoured", function()
      local folder, environment = bound.folder()
      local host = bound.stranger()
      local said = { bound.script(host, "assert(bind())", environment .. " SSLKEYLOGFILE=" .. folder .. "/keys") }
      assert.same({ "", 0 }, said)
      local file = io.open(folder .. "/keys")
      local keys = file and file:read("*a") or ""
      if file then
         file:close()
      end
      assert.equal("", keys)
   end)
end)
