-- SPDX-License-Identifier: MIT
--- Binding to a host: the certificate that is expected, the password when it is wanted, and what is kept.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms

local FINGERPRINT = "AB" -- of the hosts of spec/c/provider_caller.c

describe("a bind", function()
   local open, close = kit.providers()
   local store
   setup(open)
   teardown(close)
   before_each(function()
      store = kit.store()
      wms.configure{ store = store }
   end)
   after_each(kit.reset)

   local function options(name, password, others)
      local result = { server = "caller://" .. name, user_name = "admin", fingerprint = FINGERPRINT, password = password }
      for key, value in pairs(others or {}) do
         result[key] = value
      end
      return result
   end

   local function bind(...)
      return wms.bind(options(...))
   end

   it("without a fingerprint tells it, and wants no password", function()
      local err = kit.fault(wms.bind{ server = "caller://host", user_name = "admin" })
      assert.same({ "UNTRUSTED", "AB", "CD" }, { err.code, err.fingerprint, err.thumbprint })
      err = kit.fault(bind("host", function() error("not wanted") end, { fingerprint = "EF" }))
      assert.same({ "UNTRUSTED", "AB", "failed" }, { err.code, err.fingerprint, err.outcomes[1].state })
      assert.same({}, store.kept)
   end)

   it("with a fingerprint wants a password", function()
      kit.misuse("bind", { "password: missing" }, function() bind("host") end)
      kit.misuse("start", { "password: missing" }, function() wms.start("bind", options("host")) end)
   end)

   it("with a string", function()
      local binding = { server = "caller://host", fingerprint = "AB", user_name = "admin", port = 8080 }
      assert.same(binding, bind("host", "right"))
      binding.management = false
      assert.same({ binding }, wms.bindings())
      assert.truthy(store.kept["caller://host"]:find('secret.machine string "TOP-SECRET"', 1, true))
      assert.equal("ACCESS_DENIED", kit.fault(bind("host", "wrong")).code)
      assert.equal("ACCESS_DENIED", kit.fault(bind("host", "")).code)
   end)

   it("with the password for management", function()
      assert.is_table(bind("host", "right", { management = true }))
      assert.is_true(wms.bindings()[1].management)
   end)

   describe("with a function", function()
      it("that is told for whom", function()
         local told
         assert.is_table(bind("host", function(...)
            told = { n = select("#", ...), ... }
            return "right"
         end))
         assert.same({ n = 2, "caller://host", "admin" }, told)
      end)

      it("that has none", function()
         for _, case in ipairs{ { "asked in vain" }, { nil, "no password was given" }, { {}, "no password was given" } } do
            local err = kit.fault(bind("host", function() return nil, case[1] end))
            assert.same({ "CANCELLED", "skipped", type(case[1]) == "string" and case[1] or case[2] },
               { err.code, err.outcomes[1].state, err.outcomes[1].error.message })
         end
         assert.equal("CANCELLED", kit.fault(bind("host", function() end)).code)
      end)

      it("that raises: so does the call", function()
         local ok, message = pcall(bind, "host", function() error("no keyboard", 0) end)
         assert.same({ false, "no keyboard" }, { ok, message })
         local request = wms.start("bind", options("host", function() error({ 7 }) end))
         ok, message = pcall(request.wait, request)
         assert.same({ false, { 7 } }, { ok, message })
         assert.equal("CANCELLED", kit.fault(request:result()).code)
      end)

      it("that returns something else: so does the call raise", function()
         for _, wrong in ipairs{ 7, true, "a\0b", {} } do
            local ok, message = pcall(bind, "host", function() return wrong end)
            assert.is_false(ok)
            assert.truthy(message:find("password returned", 1, true) and message:find("return a string", 1, true), message)
         end
      end)

      it("that is asked once, however often the host wants it", function()
         for _, name in ipairs{ "bind-twice", "bind-late" } do
            local asked = 0
            assert.is_table(bind(name, function()
               asked = asked + 1
               return "right"
            end))
            assert.equal(1, asked)
         end
      end)

      it("that thinks for longer than the timeout", function()
         assert.is_table(bind("bind-late", function()
            os.execute("sleep 2.5")
            return "right"
         end, { timeout = 2 }))
         local request = wms.start("bind", options("bind-late", function() return "right" end, { timeout = 2 }))
         os.execute("sleep 2.5")
         assert.is_true(request:wait(5))
         assert.is_table(request:result())
      end)

      it("that calls wms, also the request itself", function()
         local request
         request = wms.start("bind", options("host", function()
            assert.is_false(request:wait(0.01))
            assert.is_false(request:step())
            assert.equal("BUSY", select(3, request:result()).code)
            assert.same({}, wms.call{ server = "caller://host", interface = "I", operation = "none" })
            assert.is_table(bind("other", function() return "right" end))
            return "right"
         end))
         assert.is_true(request:wait(5))
         assert.is_table(request:result())
      end)

      it("that cancels or closes the request", function()
         for _, method in ipairs{ "cancel", "close" } do
            local request
            request = wms.start("bind", options("host", function()
               request[method](request)
               return "right"
            end))
            assert.is_true(request:wait(5))
            if method == "cancel" then
               assert.equal("skipped", kit.fault(request:result()).outcomes[1].state)
            end
         end
         assert.same({}, store.kept)
      end)

      it("that only step and wait run", function()
         local asked = 0
         local request = wms.start("bind", options("host", function()
            asked = asked + 1
            return "right"
         end))
         assert.equal(0, asked)
         assert.is_false(request:done())
         assert.is_number(request:pollfd())
         kit.finish(request)
         assert.same({ 1, 8080 }, { asked, request:result().port })
      end)

      it("that is not asked any more: the connection broke while it was wanted", function()
         local asked = 0
         local result = bind("bind-broken", function()
            asked = asked + 1
            return "right"
         end)
         assert.is_table(result)
         assert.equal(1, asked)
      end)
   end)

   it("that was sent and got no answer may have been carried out", function()
      local outcome = kit.fault(bind("bind-broken-sent", "right")).outcomes[1]
      assert.same({ "unknown", "UNREACHABLE" }, { outcome.state, outcome.error.code })
   end)

   it("whose timeout counts again once the password is there", function()
      local outcome = kit.fault(bind("bind-silent", "right", { timeout = 0.1 })).outcomes[1]
      assert.same({ "failed", "TIMEOUT" }, { outcome.state, outcome.error.code })
   end)

   it("is cancelled while it waits for a password", function()
      local request = wms.start("bind", options("host", function() return "right" end))
      request:cancel()
      assert.same({ "skipped" }, kit.pluck(kit.fault(request:result()).outcomes, "state"))
      request = wms.start("bind", options("host", function() return "right" end))
      request:close()
   end)

   it("by a client", function()
      local asked
      local client = wms.new{ server = "caller://host", timeout = 5, allow = function(action)
         asked = action
         return true
      end }
      assert.is_table(client:bind{ user_name = "admin", fingerprint = "AB", password = "right" })
      assert.same({ verb = "bind", server = "caller://host" }, asked)
      local told
      assert.is_table(client:bind{ user_name = "admin", fingerprint = "AB", password = function(server)
         told = server
         return "right"
      end })
      assert.equal("caller://host", told)
   end)

   describe("of several hosts", function()
      local HOSTS = "caller://lab[1-3]"
      local PRINTS = { ["caller://LAB1"] = "AB", ["caller://lab2"] = "EF", ["caller://lab3."] = "AB",
         ["caller://elsewhere"] = "00" }

      local function bind_all(password, others)
         local all = { servers = HOSTS, user_name = "admin", fingerprints = PRINTS, password = password, timeout = 5 }
         for key, value in pairs(others or {}) do
            all[key] = value
         end
         return wms.bind(all)
      end

      it("wants the password once, and tells each outcome", function()
         local asked, told = {}, {}
         local err = kit.fault(bind_all(function(server, user_name)
            asked[#asked + 1] = server .. " " .. user_name
            return "right"
         end, { on_outcome = function(outcome, done, total)
            told[outcome.server] = outcome.state
            assert.same({ true, 3 }, { done <= 3, total })
         end }))
         assert.same({ "UNTRUSTED", "caller://lab2" }, { err.code, err.server })
         assert.same({ "verified", "failed", "verified" }, kit.pluck(err.outcomes, "state"))
         assert.same({ ["caller://lab1"] = "verified", ["caller://lab2"] = "failed", ["caller://lab3"] = "verified" }, told)
         assert.equal("AB", err.outcomes[2].value.fingerprint) -- what it has shown
         assert.equal(1, #asked)
         assert.truthy(asked[1]:find("^caller://lab[13] admin$"), asked[1])
         assert.same({ "caller://lab1", "caller://lab3" }, kit.sorted(kit.pluck(wms.bindings(), "server")))
      end)

      it("is cancelled for all when there is no password", function()
         local count = 0
         local err = kit.fault(bind_all(function()
            count = count + 1
            return nil, "nobody knows it"
         end))
         assert.equal(1, count)
         assert.equal("UNTRUSTED", err.code) -- what is skipped only follows from something else
         assert.same({ "CANCELLED", "UNTRUSTED", "CANCELLED" },
            { err.outcomes[1].error.code, err.outcomes[2].error.code, err.outcomes[3].error.code })
         assert.equal("nobody knows it", err.outcomes[1].error.message)
         assert.same({}, wms.bindings())
      end)

      it("one after the other, with a password that is wrong", function()
         local err = kit.fault(bind_all("wrong", { fingerprints = { ["caller://lab1"] = "AB", ["caller://lab2"] = "AB" },
            concurrency = 1 }))
         assert.same({ "ACCESS_DENIED", "ACCESS_DENIED", "UNTRUSTED" },
            { err.outcomes[1].error.code, err.outcomes[2].error.code, err.outcomes[3].error.code })
         err = kit.fault(bind_all("wrong", { on_error = "stop" }))
         assert.same({ "failed", "skipped", "skipped" }, kit.pluck(err.outcomes, "state"))
      end)

      it("as misuse", function()
         for _, case in ipairs{
            { { fingerprints = "AB" }, "fingerprints: a string" },
            { { fingerprints = { "AB" } }, "fingerprints: a number as a key" },
            { { fingerprints = { lab1 = true } }, "fingerprints: a boolean for lab1" },
            { { fingerprints = PRINTS, certificate_name = "x" }, "certificate_name: of one host" },
            { { fingerprints = { ["a b"] = "AB" } }, "fingerprints: a b: ", "a space" },
            { { fingerprint = "AB", fingerprints = false }, "fingerprints: a boolean" },
         } do
            kit.misuse("bind", { case[2], case[3] }, function() bind_all("right", case[1]) end)
         end
         kit.misuse("bind", { "fingerprint: of one host" }, function()
            wms.bind{ server = HOSTS, user_name = "admin", fingerprint = "AB", password = "right" }
         end)
         kit.misuse("bind", { "password: missing" }, function() bind_all(nil) end)
      end)
   end)

   it("is not carried out when allow forbids it", function()
      wms.configure{ allow = function(action)
         return action.verb ~= "bind"
      end }
      assert.equal("ACCESS_DENIED", kit.fault(bind("host", function() error("asked") end)).code)
   end)

   it("on a host that needs none", function()
      local name = kit.name()
      local host = wms.memory(name)
      local err = kit.fault(wms.bind{ server = "memory://" .. name, user_name = "admin" })
      assert.same({ "UNSUPPORTED", true }, { err.code, err.message:find("need no binding", 1, true) ~= nil })
      host:close()
   end)

   describe("as misuse:", function()
      for _, case in ipairs{
         { "no server", { user_name = "a" }, "server: missing" },
         { "no user", { server = "caller://host" }, "user_name: missing" },
         { "an empty user", { server = "caller://host", user_name = "" }, "user_name: empty" },
         { "a user that is a number", { server = "caller://host", user_name = 7 }, "user_name: a number" },
         { "a password that is a number", { server = "caller://host", user_name = "a", password = 7 },
            "password: a number" },
         { "a NUL", { server = "caller://host", user_name = "a", password = "a\0b" }, "password", "NUL" },
         { "a fingerprint that is none", { server = "caller://host", user_name = "a", fingerprint = true }, "fingerprint" },
         { "management", { server = "caller://host", user_name = "a", management = "yes" }, "management" },
         { "an interface", { server = "caller://host", user_name = "a", interface = "I" }, "interface: no such option",
            "user_name, password, fingerprint, management" },
      } do
         it(case[1], function()
            local words = { unpack and unpack(case, 3) or table.unpack(case, 3) } -- luacheck: ignore 143
            kit.misuse("bind", words, function() wms.bind(case[2]) end)
            kit.misuse("start", words, function() wms.start("bind", case[2]) end)
         end)
      end
   end)

   it("of which nothing secret is left in the engine's memory #once", function()
      local output, code = process.run(("%s %s/spec/wms/caller.so"):format(process.program("wiped"),
         os.getenv("WMS_BUILD") or "build"))
      assert.same({ "", 0 }, { output, code })
   end)
end)
