-- SPDX-License-Identifier: MIT
--- Calls: what goes to a host and comes back, and how they end.  The hosts are those of spec/c/provider_caller.c.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms

local function call(operation, options)
   options = options or {}
   options.server = options.server or "caller://host"
   options.interface, options.operation = options.interface or "IThing", operation
   return wms.call(options)
end

--- A call that fails: its error and its one outcome.
local function failed(...)
   local err = kit.fault(call(...))
   assert.equal(1, #err.outcomes)
   return err, err.outcomes[1]
end

local function echo(arguments)
   return assert(call("echo", { arguments = arguments }))
end

describe("a call", function()
   local open, close = kit.providers()
   setup(open)
   teardown(close)
   before_each(function()
      wms.configure{ store = kit.store() }
   end)
   after_each(kit.reset)

   -- Memory is asked for between counting and reading: then a finalizer of the script's may run.
   describe("with arguments that change while they are read #once", function()
      --- Calls with 2000 named arguments, which a finalizer changes by `change` when the collector runs, until it has run
      -- meanwhile; returns what is raised.
      local function while_changing(change, is_fine)
         if not pcall(collectgarbage, "generational") or _VERSION ~= "Lua 5.4" then
            pending("needs the generational collector of Lua 5.4")
         end
         finally(function() collectgarbage("incremental") end)
         local ok, message
         kit.await(function() -- the collector runs when it likes, and perhaps only when the call is over
            local arguments, changed = {}, false
            for i = 1, 2000 do
               arguments["f" .. i] = i
            end
            setmetatable({}, { __gc = function()
               change(arguments)
               changed = true
            end })
            ok, message = pcall(call, "echo", { arguments = arguments })
            if is_fine then
               return changed and ok and message.f1 == 1
            end
            return not ok
         end)
         return not ok and message or nil
      end

      local function clear(arguments)
         for i = 1, 2000 do
            arguments["f" .. i] = nil
         end
      end

      it("refuses more than there were", function()
         assert.truthy(while_changing(function(arguments)
            clear(arguments)
            for i = 1, 3000 do
               arguments["g" .. i] = i
            end
         end):find("a table that changes while it is read; give one that does not", 1, true))
      end)

      it("refuses a list where there were names", function()
         assert.truthy(while_changing(function(arguments)
            clear(arguments)
            for i = 1, 100 do
               arguments[i] = i
            end
         end):find("a table that changes while it is read; give one that does not", 1, true))
      end)

      it("takes fewer than there were", function()
         assert.is_nil(while_changing(function(arguments)
            clear(arguments)
            arguments.f1 = 1
         end, true))
      end)
   end)

   describe("takes and returns", function()
      it("nothing", function()
         assert.same({}, call "none")
         assert.same({}, call "echo")
         assert.same({}, echo{})
      end)

      it("booleans, strings, numbers", function()
         local all = { yes = true, no = false, text = "caf\195\169", empty = "", bytes = "a\0b\255\n", one = 1, zero = 0,
            below = -7, exact = 2 ^ 53, lowest = -2 ^ 53 }
         assert.same(all, echo(all))
      end)

      it("lists and tables, in each other", function()
         local deep = {}
         for i = 1, 5 do
            deep = { next = deep, list = { i, { i } } }
         end
         assert.same(deep, echo(deep))
         local many = { list = {} }
         for i = 1, 10000 do
            many.list[i] = { id = i, name = "n" .. i }
         end
         assert.same(many, echo(many))
         assert.same({ empty = {} }, echo{ empty = {} })
      end)

      it("floats that are whole as whole numbers", function()
         assert.equal("3", ("%d"):format(echo{ n = 3.0 }.n))
      end)

      it("numbers that Lua has not as digits", function()
         local result = call "values"
         assert.same({ 2 ^ 53, "18446744073709551615", 0, -5 }, { result.exact, result.largest, result.zero, result.below })
         if math.type then
            assert.same({ math.maxinteger, math.mininteger }, { result.large, result.lowest })
            assert.equal(math.maxinteger, echo{ n = math.maxinteger }.n)
            assert.equal(math.mininteger, echo{ n = math.mininteger }.n)
         else
            assert.same({ "9223372036854775807", "-9223372036854775808" }, { result.large, result.lowest })
         end
         assert.same({ true, false, "a\0\255\n" }, { result.yes, result.no, result.bytes })
         assert.same({ { id = 7, name = "" }, { id = 7, name = "" } }, result.rows)
         assert.same({ {}, {} }, { result.none, result.empty })
         assert.is_nil(result.nothing)
      end)

      it("the same every time that its result is asked for", function()
         local request = wms.start("call", { server = "caller://host", interface = "I", operation = "values" })
         assert.is_true(request:wait(5))
         local first, second = request:result(), request:result()
         assert.are_not.equal(first, second)
         assert.same(first, second)
         request:close()
      end)
   end)

   describe("ends:", function()
      it("refused by the host", function()
         local err, outcome = failed("fail")
         assert.same({ "ACCESS_DENIED", "failed", "not you" }, { err.code, outcome.state, outcome.error.message })
         assert.equal("caller://host: not you", err.message)
         assert.is_nil(outcome.session_id)
      end)

      for _, case in ipairs{
         { "never", "unknown", "TIMEOUT" },
         { "unsent", "failed", "TIMEOUT" },
         { "broken", "unknown", "UNREACHABLE" },
         { "lost", "unknown", "PROTOCOL" },
         { "lost-unsent", "failed", "PROTOCOL" },
         { "sing", "failed", "UNSUPPORTED" },
      } do
         it(table.concat(case, ", "), function()
            local err, outcome = failed(case[1], { timeout = 0.1 })
            assert.same({ case[2], case[3], case[3] }, { outcome.state, outcome.error.code, err.code })
         end)
      end

      it("cancelled after it was sent: unknown", function()
         local request = wms.start("call", { server = "caller://host", interface = "I", operation = "never" })
         assert.is_false(request:wait(0.01))
         request:cancel()
         local outcome = kit.fault(request:result()).outcomes[1]
         assert.same({ "unknown", "CANCELLED" }, { outcome.state, outcome.error.code })
      end)

      it("cancelled before it was sent: skipped", function()
         local request = wms.start("call", { server = "caller://nobody", interface = "I", operation = "none" })
         request:cancel()
         local outcome = kit.fault(request:result()).outcomes[1]
         assert.same({ "skipped", "CANCELLED" }, { outcome.state, outcome.error.code })
      end)

      it("later than its timeout, since the host was busy answering", function()
         local begin = kit.now()
         assert.same({}, call("alive", { timeout = 1.2 })) -- a word every 0.3 s, five times
         assert.is_true(kit.now() - begin > 1.4)
      end)

      it("on hosts that have no calls", function()
         local name = kit.name()
         local host = wms.memory(name)
         local err = failed("none", { server = "memory://" .. name })
         assert.same({ "UNSUPPORTED", true }, { err.code, err.message:find("no calls", 1, true) ~= nil })
         host:close()
         assert.equal("UNREACHABLE", failed("none", { server = "memory://nobody" }).code)
      end)
   end)

   it("goes again when the connection broke before it was sent, without what came before", function()
      assert.same({}, call("again", { server = "caller://again-" .. kit.name() }))
   end)

   it("uses the connection that is there, until that is retired", function()
      local server = "caller://" .. kit.name()
      local first = call("count", { server = server })
      assert.same({ first.connection, 2 }, { call("count", { server = server }).connection,
         call("count", { server = server }).calls - 1 })
      assert.equal(first.connection, call("retire", { server = server }).connection)
      assert.are_not.equal(first.connection, call("count", { server = server }).connection)
   end)

   it("several at once, each with its own", function()
      local requests = {}
      for i = 1, 20 do
         requests[i] = wms.start("call", { server = "caller://host", interface = "I",
            operation = i % 2 == 0 and "late" or "echo", arguments = { number = i } })
      end
      for i, request in ipairs(requests) do
         assert.is_true(request:wait(5))
         assert.same(i % 2 == 1 and { number = i } or {}, request:result())
         request:close()
      end
   end)

   describe("is for", function()
      it("one server, which a client may know", function()
         local client = wms.new{ server = "caller://host", timeout = 0.1, verify = 3, on_error = "stop",
            concurrency = 3 }
         assert.same({ a = 1 }, client:call{ interface = "I", operation = "echo", arguments = { a = 1 } })
         assert.equal("TIMEOUT", kit.fault(client:call{ interface = "I", operation = "never" }).code)
         local request = client:start("call", { interface = "I", operation = "echo", computer_name = "caller://other" })
         assert.is_true(request:wait(5))
         assert.same({}, request:result())
      end)

      it("several, each with an outcome that has what it returned", function()
         local client = wms.new{ server = { "caller://a", "caller://b" }, timeout = 5 }
         local told = {}
         local outcomes = kit.fine(client:call{ interface = "I", operation = "echo", arguments = { a = 1 },
            on_outcome = function(outcome, done, total)
               told[done] = { outcome.server, outcome.value.a, total }
            end })
         assert.same({ "caller://a", "caller://b" }, kit.pluck(outcomes, "server"))
         assert.same({ { a = 1 }, { a = 1 } }, kit.pluck(outcomes, "value"))
         table.sort(told, function(one, other) return one[1] < other[1] end)
         assert.same({ { "caller://a", 1, 2 }, { "caller://b", 1, 2 } }, told)
         -- The shape depends on what was given, not on how many it is.
         outcomes = kit.fine(wms.call{ server = { "caller://a" }, interface = "I", operation = "echo",
            arguments = { a = 2 } })
         assert.same({ { a = 2 } }, kit.pluck(outcomes, "value"))
         outcomes = kit.fine(wms.call{ server = "caller://lab[1-3]", interface = "I", operation = "none" })
         assert.same({ "caller://lab1", "caller://lab2", "caller://lab3" }, kit.pluck(outcomes, "server"))
      end)

      it("several, of which one fails", function()
         local err = kit.fault(wms.call{ servers = { "caller://a", "memory://nobody" }, interface = "I", operation = "echo",
            arguments = { a = 1 }, timeout = 5 })
         assert.same({ "UNREACHABLE", "memory://nobody" }, { err.code, err.server })
         assert.same({ "requested", "failed" }, kit.pluck(err.outcomes, "state"))
         assert.same({ a = 1 }, err.outcomes[1].value)
      end)

      it("whom allow permits", function()
         local asked
         wms.configure{ allow = function(action)
            asked = action
            return action.operation == "none", "only none"
         end }
         assert.same({}, call "none")
         assert.same({ verb = "call", server = "caller://host", interface = "IThing", operation = "none" }, asked)
         local err = failed("echo")
         assert.same({ "ACCESS_DENIED", "caller://host: only none" }, { err.code, err.message })
         local client = wms.new{ server = "caller://host", allow = false }
         assert.same({}, client:call{ interface = "I", operation = "echo" })
      end)
   end)

   describe("as misuse:", function()
      local GOOD = { server = "caller://host", interface = "I", operation = "echo" }

      local function wrong(what, field, value, ...)
         local words = { ... }
         it(what, function()
            local options = { [field] = value }
            for name, item in pairs(GOOD) do
               if name ~= field then
                  options[name] = item
               end
            end
            kit.misuse("call", words, function() wms.call(options) end)
            kit.misuse("start", words, function() wms.start("call", options) end)
         end)
      end

      wrong("no server", "server", nil, "server: missing")
      wrong("no servers", "server", {}, "server: an empty list")
      wrong("no interface", "interface", nil, "interface: missing")
      wrong("an empty interface", "interface", "", "interface: empty")
      wrong("an interface that the host cannot have", "interface", "none", "interface: none of that name")
      wrong("no operation", "operation", nil, "operation: missing")
      wrong("a number as operation", "operation", 3, "operation: a number")
      wrong("a NUL in the operation", "operation", "a\0b", "operation", "NUL")
      wrong("ids", "session_ids", 3, "session_ids: no such option", "interface, operation, arguments")
      wrong("all", "all", true, "all: no such option")
      wrong("verify", "verify", 3, "verify: no such option")
      wrong("a password", "password", "p", "password: no such option")
      wrong("what_if", "what_if", true, "what_if: no such option")

      wrong("arguments that are no table", "arguments", "a", "arguments: a string")
      wrong("arguments in a list", "arguments", { 1, 2 }, "arguments: a list")
      wrong("a function", "arguments", { run = print }, "arguments.run: a function")
      wrong("a function, deeper", "arguments", { a = { 1, { b = print } } }, "arguments.a[2].b: a function")
      wrong("a fraction", "arguments", { a = { 1.5 } }, "arguments.a[1]: 1.5", "digits")
      wrong("too large a number", "arguments", { n = 2 ^ 60 }, "arguments.n", "digits")
      wrong("infinity", "arguments", { n = 1 / 0 }, "arguments.n: infinity")
      wrong("not a number", "arguments", { n = 0 / 0 }, "arguments.n: NaN")
      wrong("names and numbers", "arguments", { a = { 1, b = 2 } }, "arguments.a", "names")
      wrong("a boolean as a name", "arguments", { a = { [true] = 2 } }, "arguments.a")
      wrong("a boolean beside names", "arguments", { b = 1, [true] = 2 }, "arguments", "boolean")
      wrong("a NUL in a name", "arguments", { ["a\0b"] = 2 }, "arguments", "NUL")
      wrong("a hole", "arguments", { a = { 1, nil, 3 } }, "arguments.a", "hole") -- luacheck: ignore
      wrong("a long name", "arguments", { [("n"):rep(1000)] = print }, "arguments.nnnn")

      local deep, circle = {}, {}
      for _ = 1, 8 do
         deep = { a = deep }
      end
      circle.circle = circle
      wrong("too deep", "arguments", deep, "arguments.a.a.a", "8")
      wrong("a circle", "arguments", circle, "arguments.circle.circle", "8")
   end)
end)

describe("the C interface for calls and bindings #once", function()
   it("refuses what Lua cannot give, asks the guard, keeps bindings in memory, and takes no spoilt text", function()
      local output, code = process.run(("%s %s/spec/wms/caller.so"):format(process.program("calls"),
         os.getenv("WMS_BUILD") or "build"))
      assert.same({ "", 0 }, { output, code })
   end)
end)

describe("a host that is reached with the first question", function()
   local open, close = kit.providers()
   setup(open)
   teardown(close)
   after_each(kit.reset)

   local lines
   before_each(function()
      lines = {}
      wms.configure{ store = kit.store(), log = function(level, text)
         lines[#lines + 1] = level ~= "debug" and text or nil
      end }
   end)

   --- Several commands at once, whose outcomes are all the same.
   local function ends(server, code, text)
      local requests = {}
      for i, verb in ipairs{ "call", "sessions", "unlock", "unlock_all", "call" } do
         requests[i] = wms.start(verb, {
            server = server, session_ids = verb == "unlock" and { 1, 2 } or nil, timeout = 0.2,
            interface = verb == "call" and "I" or nil, operation = verb == "call" and "none" or nil,
         })
      end
      for _, request in ipairs(requests) do
         assert.is_true(request:wait(10))
         for _, outcome in ipairs(kit.fault(request:result()).outcomes) do
            assert.same({ "failed", code, text }, { outcome.state, outcome.error.code, outcome.error.message })
         end
         request:close()
      end
   end

   it("is connected with that", function()
      local server = "caller://ready-" .. kit.name()
      assert.same({}, call("none", { server = server }))
      assert.equal(server .. ": connected", table.concat(lines, "; "))
      kit.fine(wms.unlock{ session_ids = 1, server = server })
      assert.equal(1, #lines)
   end)

   it("may be a stranger", function()
      ends("caller://ready-broken", "UNTRUSTED", "a stranger")
      assert.truthy(table.concat(lines, "\n"):find("no connection: a stranger", 1, true))
   end)

   it("may be nobody: then nothing is tried again", function()
      ends("caller://ready-nobody", "UNREACHABLE", "nobody there")
      assert.is_nil(table.concat(lines, "\n"):find("once more", 1, true))
   end)

   it("may not answer: no connection", function()
      ends("caller://ready-never", "TIMEOUT", "no connection within 0.2 s")
   end)
end)

describe("a provider is told", function()
   local open, close = kit.providers()
   setup(open)
   teardown(close)
   before_each(function()
      wms.configure{ store = kit.store() }
   end)
   after_each(kit.reset)

   local VERB = { sessions = 0, unlock = 1, lock = 2 }
   local server = "caller://host"

   it("what a list serves", function()
      local function told(list)
         return assert(list)[1].user_name
      end
      assert.equal(VERB.sessions .. " none -", told(wms.sessions(server)))
      assert.equal("WinSta0", wms.sessions(server)[1].win_station)
      assert.equal(VERB.unlock .. " all -", told(wms.unlock_all(server)))
      assert.equal(VERB.lock .. " all eyes", told(wms.lock_all{ server = server, message = "eyes" }))
      assert.equal(VERB.lock .. " none -", told(wms.lock_all{ server = server, message = "eyes", what_if = true }))
      assert.equal(VERB.lock .. " none -",
         told(wms.lock{ session_ids = 1, server = server, message = "eyes", what_if = true }))
   end)

   it("what an action and an observation serve", function()
      assert.equal("of an action", kit.fine(wms.unlock{ session_ids = 1, server = server })[1].note)
      local err = kit.fault(wms.lock{ session_ids = 1, server = server, message = "m", verify = 1 })
      assert.truthy(err.message:find("whether verb 2 comes true", 1, true), err.message)
   end)

   it("nothing of a list that was announced and got no answer: it may still be carried out", function()
      local outcome = kit.fault(wms.lock_all{ server = "caller://list-never", message = "m", timeout = 0.1 }).outcomes[1]
      assert.same({ "unknown", "TIMEOUT" }, { outcome.state, outcome.error.code })
   end)

   it("a lock's message before anything else, and may refuse it", function()
      local mixed = { server, "memory://nobody" }
      kit.misuse("lock_all", { "message: no host of this kind" }, function()
         wms.lock_all{ servers = mixed, message = "forbidden" }
      end)
      assert.equal("UNREACHABLE", kit.fault(wms.lock_all{ server = "memory://nobody", message = "forbidden" }).code)
   end)

   it("how hosts on the network are talked to", function()
      assert.same({ connections = 4, answer_size = 8000000 }, call "transport")
      wms.configure{ connections = 9, proxy = "http://proxy:3128" }
      wms.configure{ answer_size = 1024 }
      assert.same({ connections = 9, answer_size = 1024, proxy = "http://proxy:3128" }, call "transport")
      wms.configure{ proxy = "environment", connections = 64 }
      assert.same({ connections = 64, answer_size = 1024, proxy = "environment" }, call "transport")
      for name, value in pairs{ connections = 65, answer_size = 1023, proxy = "host" } do
         kit.misuse("configure", { name }, function() wms.configure{ [name] = value } end)
      end
      for _, wrong in ipairs{ "", "a b://c", "://x", "http://", true, 3, ("x"):rep(2000) .. "://", "http://a\0b" } do
         kit.misuse("configure", { "proxy" }, function() wms.configure{ proxy = wrong, connections = 1 } end)
      end
      for _, wrong in ipairs{ 0, -1, 1.5, "4", 0 / 0 } do
         kit.misuse("configure", { "connections" }, function() wms.configure{ connections = wrong } end)
         kit.misuse("configure", { "answer_size" }, function() wms.configure{ answer_size = wrong } end)
      end
      assert.same({ connections = 64, answer_size = 1024, proxy = "environment" }, call "transport")
      wms.configure{ proxy = false }
      assert.is_nil(call("transport").proxy)
   end)
end)
