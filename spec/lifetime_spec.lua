-- SPDX-License-Identifier: MIT
--- Objects that go in any order, at any time: by hand, by the collector, with the state, with the process.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms

local closes = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil -- os.exit can close the state
local unpack = table.unpack or unpack -- luacheck: ignore 143

-- A request that a finalizer begins while the state is being closed stays, and its engine with it: Lua finalizes nothing
-- that is made then.
local LEAKS = "ASAN_OPTIONS=detect_leaks=0"

local function fine(text, environment)
   local output, code = process.script(text .. ' io.write("fine")', environment)
   assert.same({ "fine", 0 }, { output, code })
end

--- Host, client, and requests of every kind, by name.
local function world()
   local things = {}
   things.host = wms.memory(kit.name(), { sessions = { { session_id = 1, locked = true } } })
   things.slow = wms.memory(kit.name(), { sessions = { { session_id = 1, locked = true } }, latency = 50 })
   local server, slow = tostring(things.host):match("memory://[^)]*"), tostring(things.slow):match("memory://[^)]*")
   things.client = wms.new{ server = slow, verify = 5 }
   things.done = wms.start("sessions", server)
   things.running = things.client:start("unlock", { session_ids = 1, on_outcome = function() end })
   things.watching = wms.start("unlock", { session_ids = 1, server = server, stable = 50 })
   assert(things.done:done() and not things.running:done() and not things.watching:done())
   things.running:pollfd()
   things.done:pollfd()
   return things
end

describe("lifetime:", function()
   after_each(function()
      kit.reset()
      collectgarbage()
   end)

   it("objects are closed and dropped in any order", function()
      local count = 0
      kit.permutations({ "host", "slow", "client", "done", "running", "watching" }, 1, function(order)
         count = count + 1
         local things = world()
         for i, name in ipairs(order) do
            if (count + i) % 3 > 0 and things[name].close and name ~= "client" then
               things[name]:close()
               if (count + i) % 3 == 1 then
                  things[name]:close()
                  assert.is_false((pcall(things[name].wait or things[name].log, things[name])))
                  assert.truthy(tostring(things[name]):find("closed"))
               end
            end
            things[name] = nil
            if count % 24 == 0 then
               collectgarbage()
            end
         end
      end)
      assert.equal(720, count)
   end)

   it("what is closed can be closed again, and nothing else", function()
      local things = world()
      for _, name in ipairs{ "done", "running", "watching" } do
         local request = things[name]
         request:close()
         request:close()
         for _, method in ipairs{ "pollfd", "events", "timeout", "step", "done", "result", "wait", "cancel" } do
            local ok, message = pcall(request[method], request)
            assert.is_false(ok, method)
            assert.truthy(message:find("closed"), message)
         end
      end
      for _, name in ipairs{ "host", "slow" } do
         local host = things[name]
         host:close()
         host:close()
         for method, arguments in pairs{
            open = { { session_id = 2 } }, lock = { 1 }, unlock = { 1 }, drop = { 1 }, fail = { "lock" }, refuse = {},
            log = {}, session = { 1 },
         } do
            local ok, message = pcall(host[method], host, unpack(arguments))
            assert.is_false(ok, method)
            assert.truthy(message:find("closed"), message)
         end
      end
      assert.equal("UNREACHABLE", select(3, things.client:sessions()).code)
   end)

   it("a host that is closed takes its requests along, and frees its name", function()
      local name = kit.name()
      for _ = 1, 3 do
         local host = wms.memory(name, { sessions = { { session_id = 1 }, { session_id = 2 } }, latency = 50 })
         local requests = {}
         for i = 1, 5 do
            requests[i] = wms.start("unlock", {
               session_ids = { 1, 2 }, server = "memory://" .. name, verify = i % 2 == 0 and 1 or nil,
            })
         end
         local list = wms.start("sessions", "memory://" .. name)
         host:close()
         for _, request in ipairs(requests) do
            assert.is_true(request:wait(10))
            assert.equal("UNREACHABLE", select(3, request:result()).code)
         end
         assert.is_true(list:wait(10))
         assert.equal("UNREACHABLE", select(3, list:result()).code)
      end
   end)

   -- Whatever allocates in Lua may run a finalizer, and that may be anything.
   local FINALIZERS = [[
      local wms = require "wms"
      local function finally(run)
         if newproxy then
            getmetatable(newproxy(true)).__gc = run
         else
            setmetatable({}, { __gc = run })
         end
      end
      collectgarbage("setpause", 1)
      collectgarbage("setstepmul", 10000)
   ]]

   it("what an embedded host tells is whole, whatever finalizers do to the host meanwhile", function()
      fine(FINALIZERS .. [[
         for round = 1, 150 do
            local mark = ("m"):rep(60) .. round
            local lab = wms.memory("lab", {})
            for id = 1, 20 do
               lab:open{ session_id = "c" .. id, user_name = mark, domain_name = mark }
               lab:lock("c" .. id, mark)
               wms.lock{ session_ids = "c" .. id, message = mark, server = "memory://lab" }
               wms.message{ session_ids = "c" .. id, message = mark, title = mark, server = "memory://lab" }
            end
            for id = 1, 20 do
               finally(function()
                  if id == 15 then lab:close() elseif id < 15 then lab:drop("c" .. id) end
               end)
               local ok, session = pcall(lab.session, lab, "c" .. id)
               if ok and session then
                  assert(session.user_name == mark and session.domain_name == mark and session.message == mark)
               end
               local known, log = pcall(lab.log, lab)
               for _, entry in ipairs(known and log or {}) do
                  assert(entry.message == mark and entry.session_id:find("^c%d+$"))
                  assert(entry.title == (entry.verb == "message" and mark or nil))
               end
            end
            lab:close()
         end
      ]])
   end)

   it("misuse is told of the call, and not of what finalizers do meanwhile", function()
      fine(FINALIZERS .. [[
         wms.memory("lab", {})
         package.cpath = ""
         local misuses = {
            ["no port"] = function() wms.unlock{ session_ids = 1, server = "host:0" } end,
            ["4294967299"] = function() wms.unlock{ session_ids = "4294967299", server = "memory://lab" } end,
            ["more than one"] = function() wms.new{ server = "x:y:z" } end,
            ["no host name"] = function() wms.memory("a name") end,
            ["such a session"] = function()
               wms.memory("other", { sessions = { { session_id = 1 }, { session_id = "1" } } })
            end,
            ["is called 'nope'"] = function() wms.load("nope") end,
            ["'wts' is not installed"] = function() error((select(2, wms.load("wts")))) end,
         }
         for _ = 1, 300 do
            for text, misuse in pairs(misuses) do
               finally(function() pcall(wms.unlock, { session_ids = 1, server = "memory://a finalizer's" }) end)
               local _, message = pcall(misuse)
               assert(message:find(text, 1, true), message)
            end
         end
      ]])
   end)

   it("a request may be closed by its own callbacks, and by those of others", function()
      local host = wms.memory(kit.name(), { sessions = { { session_id = 1 }, { session_id = 2 } } })
      local server = tostring(host):match("memory://[^)]*")
      for _, how in ipairs{ "wait", "step" } do
         for _, what in ipairs{ "on_outcome", "allow", "log" } do
            local request, other, calls = nil, nil, 0
            local function callback()
               calls = calls + 1
               other:close()
               request:close()
               collectgarbage()
               return true
            end
            wms.configure{ allow = what == "allow" and callback, log = what == "log" and callback }
            other = wms.start("unlock", { session_ids = { 1, 2 }, server = server, verify = 1, stable = 1 })
            request = wms.start("unlock", {
               session_ids = { 1, 2 }, server = server, stable = 1, verify = 1,
               on_outcome = what == "on_outcome" and callback or nil,
            })
            if what == "on_outcome" then
               host:drop(1)
            end
            if what == "log" then -- something to log
               host:refuse("UNREACHABLE")
               host:refuse()
            end
            for _ = 1, 3 do
               pcall(request[how], request, 0.01)
            end
            assert.truthy(calls >= 1, what)
            assert.truthy(tostring(request):find("closed"))
            kit.reset()
            if not pcall(host.session, host, 1) or not host:session(1) then
               host:open{ session_id = 1 }
            end
         end
      end
      host:close()
   end)

   it("a request may be closed by a callback that fails then", function()
      local host = wms.memory(kit.name(), { sessions = { { session_id = 1 }, { session_id = 2 } } })
      local server = tostring(host):match("memory://[^)]*")
      for _, how in ipairs{ "wait", "step" } do
         local request
         request = wms.start("unlock", { session_ids = { 1, 2 }, server = server, on_outcome = function()
            request:close()
            error("after it", 0)
         end })
         assert.same({ false, "after it" }, { pcall(request[how], request) })
         assert.truthy(tostring(request):find("closed"))
      end
      host:close()
   end)

   it("a request may be closed by a finalizer that runs while its result is made", function()
      fine([[
         local wms = require "wms"
         local entries = {}
         for i = 1, 2000 do entries[i] = { session_id = "s" .. i, user_name = "user" .. i } end
         wms.memory("lab", { sessions = entries })
         local function at_collection(run)
            local box = newproxy and newproxy(true) or setmetatable({}, { __gc = run })
            if newproxy then getmetatable(box).__gc = run end
         end
         local closed = 0
         for i = 1, 20 do
            local verb = i % 2 == 0 and "sessions" or "unlock_all"
            local request = wms.start(verb, { server = "memory://lab" })
            assert(request:done())
            for _ = 1, i do
               at_collection(function()
                  request:close()
                  closed = closed + 1
               end)
            end
            collectgarbage("setpause", 100)
            collectgarbage("setstepmul", 400)
            for _ = 1, 10 do
               local ok, list = pcall(request.result, request)
               if not ok then break end
               assert(#list == 2000)
               for n, item in ipairs(list) do assert(item.session_id == "s" .. n and item.user_name == "user" .. n) end
            end
         end
         assert(closed > 20, closed)]])
   end)

   it("a coroutine that dies leaves its request to others, or to the collector", function()
      local host = wms.memory(kit.name(), { sessions = { { session_id = 1 } }, latency = 0.01 })
      local server = tostring(host):match("memory://[^)]*")
      local kept
      for i = 1, 20 do
         local thread = coroutine.create(function()
            local request = wms.start("unlock", {
               session_ids = 1, server = server,
               on_outcome = i % 2 == 0 and function()
                  coroutine.yield()
               end or nil,
            })
            kept = i == 20 and request or kept
            if i % 3 == 0 then
               error("died")
            end
            coroutine.yield(request)
            request:wait()
         end)
         coroutine.resume(thread)
         if i % 5 == 0 then
            coroutine.resume(thread)
            coroutine.resume(thread)
         end
         thread = nil -- luacheck: ignore
         collectgarbage()
      end
      local ok, message = pcall(kept.wait, kept, 10)
      assert.truthy(ok or message:find("yield"), message) -- it is not inside a coroutine: nobody can yield
      kept:close()
      host:close()
   end)

   -- ---- the collector

   local SCRIPT = [[
      local wms = require "wms"
      local told, asked, lines = 0, 0, 0
      wms.configure{
         log = function(level, text) lines = lines + #(level .. text) end,
         allow = function(action) asked = asked + 1; return action.verb ~= "close" end,
      }
      local function round(name)
         local entries = {}
         for i = 1, 5 do entries[i] = { session_id = i, user_name = "user" .. i, locked = i % 2 == 0 } end
         entries[6] = { session_id = "c" .. 2, is_admin = true }
         local lab = wms.memory(name, { sessions = entries, latency = 0.001 })
         local server = "memory://" .. name
         local client = wms.new{ server = server, on_outcome = function(o, n, m)
            told = told + 1
            assert(o.server == server and n <= m)
         end }
         assert(#assert(client:unlock_all{ verify = 1 }) == 5)
         assert(#assert(client:lock{ session_ids = { 1, "2", 3 }, message = "stop " .. 1 }) == 3)
         local sessions = assert(client:sessions())
         assert(#sessions == 6 and sessions[1].user_name == "user1" and sessions[1].locked)
         assert(#assert(wms.unlock{ session_ids = { sessions[1], sessions[2] } }) == 2)
         local list, message, err = client:close{ session_ids = { 1, 99 } }
         assert(not list and err.code == "ACCESS_DENIED" and #err.outcomes == 2 and message:find("session 1"))
         local request = client:start("disconnect", { session_ids = { 1, 4 } })
         request:pollfd()
         repeat until request:step()
         assert(#assert(request:result()) == 2)
         client:start("unlock", { session_ids = 3 })
         assert(not pcall(wms.unlock, { session_ids = { 1, {} }, server = server }))
         assert(lab:session(1).state == "disconnected" and #lab:log() >= 10)
         assert(tostring(lab) and tostring(client) and tostring(request) and tostring(err))
         request:close()
         lab:close()
      end
   ]]

   it("the collector may run at any time", function()
      fine(SCRIPT .. [[
         collectgarbage("setpause", 0)
         collectgarbage("setstepmul", 1000000)
         for i = 1, 20 do round("lab" .. i) end]])
      fine(SCRIPT .. [[
         if _VERSION == "Lua 5.4" then collectgarbage("generational") end
         for i = 1, 20 do round("lab" .. i) end]])
      fine(SCRIPT .. [[
         if jit then jit.off() end
         local n = 0
         debug.sethook(function()
            n = n + 1
            collectgarbage()
         end, "crl", 1)
         round("lab")
         debug.sethook()
         assert(n > 100 and told > 0 and asked > 0 and lines > 0)]])
   end)

   it("finalizers may call wms", function()
      fine(SCRIPT .. [[
         local ran = 0
         local function litter()
            local box = newproxy and newproxy(true) or setmetatable({}, {})
            getmetatable(box).__gc = nil
            local meta = { __gc = function()
               ran = ran + 1
               local name = "gc" .. ran
               local host = wms.memory(name, { sessions = { { session_id = 1 } } })
               wms.unlock_all("memory://" .. name)
               wms.start("sessions", "memory://" .. name)
               host:close()
            end }
            if newproxy then
               getmetatable(box).__gc = meta.__gc
            else
               setmetatable(box, meta)
            end
         end
         collectgarbage("setpause", 50)
         for i = 1, 30 do
            litter()
            round("lab" .. i)
            litter()
         end
         assert(ran > 10, ran)]], LEAKS)
   end)

   it("a finalizer at the end may make a blocking call after the box of these was finalized", function()
      fine([[
         local wms = require "wms"
         local box = newproxy and newproxy(true) or setmetatable({}, {})
         local function last() -- made before the first blocking call: runs after the finalizers of what that makes
            local outcomes = wms.unlock_all("memory://lab")
            if outcomes and #outcomes ~= 1 then error("not unlocked") end
         end
         if newproxy then getmetatable(box).__gc = last else setmetatable(box, { __gc = last }) end
         wms.configure{ log = function() end, allow = function() return true end }
         wms.memory("lab", { sessions = { { session_id = 1 } }, latency = 0.01 })
         assert(wms.unlock_all("memory://lab"))]])
   end)

   it("finalizers that run when the state is closed find wms closed, or still there", function()
      fine([[
         local wms = require "wms"
         wms.memory("lab", { sessions = { { session_id = 1 } }, latency = 0.05 })
         local function at_end(run)
            local box = newproxy and newproxy(true) or setmetatable({}, {})
            if newproxy then getmetatable(box).__gc = run else setmetatable(box, { __gc = run }) end
            return box
         end
         first = at_end(function() pcall(wms.unlock_all, "memory://lab") pcall(late.wait, late, 0.01) end)
         request = wms.start("unlock", { session_ids = 1, server = "memory://lab" })
         late = wms.start("unlock", { session_ids = 1, server = "memory://lab", on_outcome = print })
         last = at_end(function()
            request:cancel()
            pcall(request.result, request)
            late:step()
            wms.start("sessions")
         end)]], LEAKS)
   end)

   -- ---- errors

   it("errors of every kind in every callback leave everything in order", function()
      local host = wms.memory(kit.name(), { sessions = { { session_id = 1 }, { session_id = 2 } } })
      local server = tostring(host):match("memory://[^)]*")
      for _, value in ipairs{ "text", 7, {}, print, false } do
         for _, what in ipairs{ "on_outcome", "allow", "log" } do
            local function callback()
               error(value, 0)
            end
            wms.configure{ allow = what == "allow" and callback, log = what == "log" and callback }
            local options = {
               session_ids = { 1, 2 }, server = server, verify = 1, on_outcome = what == "on_outcome" and callback or nil,
            }
            pcall(wms.unlock, options)
            local request = wms.start("unlock", options)
            pcall(request.wait, request, 1)
            pcall(request.step, request)
            pcall(request.result, request)
            request:close()
            kit.reset()
            kit.fine(wms.unlock{ session_ids = { 1, 2 }, server = server, verify = 1 })
         end
      end
      host:close()
   end)

   -- ---- the end of the process

   local EXITS = {
      ["in the middle"] = "request:wait(0.01) EXIT",
      ["in on_outcome"] = [[
         wms.unlock{ session_ids = { 1, 2 }, server = "memory://quick", on_outcome = function() EXIT end }]],
      ["in a request's on_outcome"] = [[
         local r = wms.start("unlock_all", { server = "memory://quick", on_outcome = function() EXIT end })
         while true do r:step() end]],
      ["in allow"] = [[wms.configure{ allow = function() EXIT end } wms.unlock_all("memory://quick")]],
      ["in log"] = [[
         wms.configure{ log = function() EXIT end }
         wms.unlock_all("memory://nobody")
         wms.sessions("memory://quick")]],
      ["in a coroutine"] = [[coroutine.wrap(function()
         wms.unlock{ session_ids = 1, server = "memory://quick", on_outcome = function()
            coroutine.wrap(function() EXIT end)()
         end }
      end)()]],
      ["with a kept connection"] = [[assert(wms.sessions("memory://quick")) EXIT]],
   }
   for what, text in pairs(EXITS) do
      it("os.exit " .. what, function()
         for _, exit in ipairs{ "os.exit(7)", closes and "os.exit(7, true)" or "os.exit(7)" } do
            local output, code = process.script([[
               local wms = require "wms"
               wms.memory("slow", { sessions = { { session_id = 1 } }, latency = 100 })
               wms.memory("quick", { sessions = { { session_id = 1 }, { session_id = 2 } } })
               request = wms.start("unlock", { session_ids = 1, server = "memory://slow", verify = 5 })
               request:pollfd()
               ]] .. text:gsub("EXIT", exit) .. " os.exit(1)")
            assert.same({ "", 7 }, { output, code })
         end
      end)
   end
end)

describe("lifetime in C #once", function()
   it("every order in which an engine's parts can go, Lua states that are closed in the middle", function()
      local scripts = {
         [[R = wms.start("sessions")]],
         [[wms.memory("a", { sessions = { { session_id = 1 } }, latency = 1 })
           R = wms.start("unlock_all", { server = "memory://a", verify = 1 }) R:pollfd() R:wait(0.001)]],
         [[H = wms.memory("a", { sessions = { { session_id = 1 } } }) R = wms.start("sessions", "memory://a") H:close()]],
         [[wms.configure{ log = print, allow = print } wms.memory("a", { sessions = { { session_id = 1 } } })
           R = wms.start("unlock_all", { server = "memory://a" })]],
         [[local c = coroutine.wrap(function()
              wms.memory("a", { sessions = { { session_id = 1 } } })
              wms.unlock{ session_ids = 1, server = "memory://a", on_outcome = function() error("x") end }
           end) pcall(c)]],
         [[local h <close> = wms.memory("a", { sessions = { { session_id = 1 } } })
           local r <close> = wms.start("unlock", { session_ids = 1, server = "memory://a", stable = 5 })]],
         [[package.loaded.wms = nil wms = nil collectgarbage()]],
      }
      local arguments = {}
      for i, script in ipairs(scripts) do
         arguments[i] = process.quote(script)
      end
      local output, code = process.run(("timeout 100 %s %s"):format(process.program("lifetime"),
         table.concat(arguments, " ")))
      assert.same({ "3360 orders\n", 0 }, { output, code })
   end)
end)
