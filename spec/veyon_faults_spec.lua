-- SPDX-License-Identifier: MIT
--- Gateways of Veyon that break, refuse, or are not what they seem, and the room that they have.  A command arrives once.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local veyon = require "spec.support.veyon"
local wms = kit.wms
local fine, fault = kit.fine, kit.fault

veyon.describe("gateways of Veyon: #once", pending, function()
   local function lock(host, more)
      local options = { server = host.server, session_ids = 0, message = "m" }
      for key, value in pairs(more or {}) do
         options[key] = value
      end
      return wms.lock(options)
   end

   describe("a command", function()
      for what, rule in pairs{
         ["the gateway breaks off before it is carried out"] = { drop = 1, undone = 1 },
         ["the gateway breaks off after it was carried out"] = { drop = 1 },
         ["the answer breaks off in its middle"] = { half = 1 },
         ["the answer is garbage"] = { garbage = 1 },
      } do
         it("is unknown, and was sent once: " .. what, function()
            local host = veyon.host()
            fine(wms.sessions(host.server))
            host.gateway:reset()
            host.gateway:on("set", rule)
            local err = fault(lock(host))
            assert.equal("unknown", err.outcomes[1].state)
            assert.truthy(err.code == "UNREACHABLE" or err.code == "PROTOCOL", err.code)
            assert.equal(1, host.gateway:counts().set)
            assert.equal("requested", fine(lock(host))[1].state)
         end)
      end

      it("is unknown when no answer comes in time", function()
         local host = veyon.host()
         fine(wms.sessions(host.server))
         host.gateway:on("set", { never = 1 })
         local err = fault(lock(host, { timeout = 1 }))
         assert.same({ "TIMEOUT", "unknown" }, { err.code, err.outcomes[1].state })
      end)

      it("is sent anew where the gateway has forgotten the connection", function()
         local host = veyon.host()
         fine(wms.sessions(host.server))
         host.gateway:forget()
         fine(lock(host))
         assert.equal(1, host:state().locked)
         host.gateway:reset()
         host.gateway:on("set", { status = 401, body = '{"error":{"code":2,"message":"Invalid connection"}}', undone = 1 })
         fine(wms.unlock{ server = host.server, session_ids = 0 })
         assert.equal(0, host:state().locked)
         host.gateway:restart()
         fine(lock(host))
      end)

      it("is not sent for ever", function()
         local host = veyon.host()
         host.gateway:on("set", { status = 401, body = '{"error":{"code":2,"message":"Invalid connection"}}', undone = 1,
            times = 0 })
         local err = fault(lock(host))
         assert.same({ "UNREACHABLE", "failed" }, { err.code, err.outcomes[1].state })
      end)
   end)

   describe("an error", function()
      local function refusal(status, code, message)
         return { status = status, body = ('{"error":{"code":%d,"message":"%s"}}'):format(code, message), times = 0 }
      end

      for what, case in pairs{
         ["invalid data"] = { refusal(400, 1, "Invalid data"), "PROTOCOL", "Invalid data" },
         ["an unknown feature"] = { refusal(400, 3, "Invalid feature"), "PROTOCOL", "Invalid feature" },
         ["another version"] = { refusal(501, 12, "Protocol mismatch"), "PROTOCOL", "Protocol mismatch" },
         ["one that is not known"] = { refusal(500, 99, "new\\u0001 \\u00e4"), "PROTOCOL", "new? ??" },
         ["a page that is not there"] = { { status = 404, type = "text/plain", body = "Invalid command", times = 0 },
            "PROTOCOL", "HTTP 404" },
         ["a page of another server's"] = { { body = "<html></html>", times = 0 }, "PROTOCOL", "form" },
         ["a list"] = { { body = "[]", times = 0 }, "PROTOCOL", "form" },
         ["the wrong types"] = { { body = '{"login":3,"active":"true","sessionId":"0"}', times = 0 }, "PROTOCOL", "form" },
         ["nesting"] = { { body = ("["):rep(3000), times = 0 }, "PROTOCOL", "form" },
         ["twice the same"] = { { body = '{"login":"a","login":"b"}', times = 0 }, "PROTOCOL", "form" },
         ["a name with a line feed"] = { { body = '{"login":"a\\nb"}', times = 0 }, "PROTOCOL", "form" },
         ["a name that is too long"] = { { body = '{"login":"' .. ("a"):rep(300) .. '"}', times = 0 }, "PROTOCOL", "form" },
         ["an answer without end"] = { { endless = 100000000, times = 0 }, "PROTOCOL", "longer" },
         ["headers without end"] = { { pad = 100000, times = 0 }, "PROTOCOL", "longer" },
      } do
         it("has its code: " .. what, function()
            local host = veyon.host()
            fine(wms.sessions(host.server))
            host.gateway:on("user", case[1])
            local err = fault(wms.sessions{ server = host.server, timeout = 20 })
            assert.equal(case[2], err.code, err.message)
            assert.truthy(err.message:find(case[3], 1, true), err.message)
         end)
      end

      it("of the authentication has its code", function()
         for _, case in ipairs{
            { refusal(400, 4, "Invalid credentials"), "NOT_BOUND", "key" },
            { refusal(400, 5, "Method"), "NOT_BOUND", "Authentication/Method" },
            { refusal(401, 6, "Authentication failed"), "ACCESS_DENIED", "public key" },
            { refusal(408, 8, "Timed out"), "UNREACHABLE", "graphical session" },
            { { body = "{}", times = 0 }, "PROTOCOL", "names no connection" },
            { { body = '{"connection-uid":"x\\r\\nHost: y"}', times = 0 }, "PROTOCOL", "names no connection" },
            { { drop = 1, times = 0 }, "UNREACHABLE", "no whole answer" },
         } do
            local host = veyon.host()
            host.gateway:forget()
            host.gateway:on("authenticate", case[1])
            local err = fault(wms.sessions(host.server))
            assert.equal(case[2], err.code, err.message)
            assert.truthy(err.message:find(case[3], 1, true), err.message)
            assert.is_nil(err.message:find("BEGIN", 1, true))
            host.gateway:clear()
         end
      end)

      it("is no refusal of the key: a server that is ending refuses it once", function()
         local host = veyon.host()
         host.gateway:forget()
         host.gateway:on("authenticate", { status = 401, body = '{"error":{"code":6,"message":"Authentication failed"}}' })
         assert.equal("alice", fine(wms.sessions(host.server))[1].user_name)
      end)

      it("is no success: what lies is not believed", function()
         local host = veyon.host{ deaf = 1 }
         host.gateway:on("feature", { body = '{"active":true}', times = 0 })
         assert.equal("UNVERIFIED", fault(lock(host, { verify = 1.5 })).code)
      end)
   end)

   describe("the room that they have", function()
      it("is waited for", function()
         local host = veyon.host()
         host.gateway:forget()
         host.gateway:on("authenticate", { status = 429, body = '{"error":{"code":7,"message":"Limit"}}', times = 2 })
         assert.equal(1, #fine(wms.sessions(host.server)))
         host.gateway:on("user", { status = 429, body = '{"error":{"code":7,"message":"Limit"}}', times = 2 })
         assert.equal(1, #fine(wms.sessions(host.server)))
      end)

      it("is BUSY when it does not come", function()
         local servers = {}
         for i, operation in ipairs{ "authenticate", "user" } do
            local host = veyon.host({}, veyon.own())
            host.gateway:on(operation, { status = 429, body = '{"error":{"code":7,"message":"Limit"}}', times = 0 })
            servers[i] = host.server
         end
         local outcomes = fault(wms.sessions{ servers = servers }).outcomes
         assert.same({ "BUSY", "BUSY" }, { outcomes[1].error.code, outcomes[2].error.code })
      end)

      it("goes to whoever waits, when it is not needed any more", function()
         local own = veyon.own()
         local servers = {}
         for i = 1, 29 do
            servers[i] = veyon.host({}, own).server
         end
         local last = table.remove(servers)
         fine(wms.sessions{ servers = servers }) -- has all places
         servers[29] = last
         own:on("session", { delay = 200, times = 0 }) -- nobody is done when the last one asks
         fine(wms.sessions{ servers = servers })
         assert.equal(28, own:counts().uids_peak)
      end)

      it("is never used up by us, and only those who are off pay for it", function()
         local own = veyon.own{ set = { authentication = 3000 } }
         local servers, off = {}, {}
         for i = 1, 40 do
            local host = veyon.host({}, own)
            servers[i] = host.server
            if i % 13 == 0 then
               off[host.server] = true
               host:restart "off"
            end
         end
         own:forget()
         own:reset()
         local outcomes = {}
         local err = fault(wms.lock_all{ servers = servers, message = "m", verify = 20, concurrency = 40,
            on_outcome = function(outcome) outcomes[#outcomes + 1] = outcome end })
         assert.equal(40, #err.outcomes)
         for _, outcome in ipairs(err.outcomes) do
            assert.equal(off[outcome.server] and "failed" or "verified", outcome.state)
            assert.equal(off[outcome.server] and "UNREACHABLE" or nil, outcome.error and outcome.error.code)
         end
         for i = 1, 30 do -- the dead are told last
            assert.is_nil(off[outcomes[i].server])
         end
         local counts = own:counts()
         assert.is_true(counts.uids_peak <= 28, counts.uids_peak)
         assert.is_true(counts.working_peak <= 28, counts.working_peak)
      end)

      it("is given back when a connection is not needed any more", function()
         local own = veyon.own()
         local host = veyon.host({}, own)
         fine(lock(host, { verify = 20 }))
         assert(wms.unbind(host.server)) -- which ends the connection
         local other = veyon.host()
         kit.await(function()
            fine(wms.sessions(other.server))
            return #own:uids() == 0
         end)
      end)

      it("is given back when the program ends", function()
         local own = veyon.own()
         local host = veyon.stranger({}, own)
         local output, code = process.run(("timeout 60 %s -e %s"):format(process.lua(), process.quote(([[
            local kept = {}
            local wms = require "wms"
            wms.configure{ store = { load = function(n) return kept[n] end, save = function(n, t) kept[n] = t end,
               remove = function() end, list = function() return {} end } }
            assert(wms.bind{ server = %q, key_name = "lab", key_file = %q, gateway = %q })
            assert(wms.sessions(%q))
         ]]):format(host.server, veyon.key(), own.url, host.server))))
         assert.equal(0, code, output)
         kit.await(function() return #own:uids() == 0 end)
      end)
   end)
end)
