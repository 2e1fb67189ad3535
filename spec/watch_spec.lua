-- SPDX-License-Identifier: MIT
--- wms.watch: the object, its queue, and how it lives with the rest of the program.  What each kind of host tells is in
--- spec/support/contract_watch.lua.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local watching = require "spec.support.watching"
local wms = kit.wms
local pluck = kit.pluck

local build = os.getenv("WMS_BUILD") or "build"

--- Runs a script in a process of its own that can poll and fork.
local function run(script)
   local paths = ("LUA_CPATH='%s/5.4/?.so;%s/spec/?.so'"):format(build, build)
   return process.run(("ASAN_OPTIONS=detect_leaks=0 %s timeout 60 %s lua - 2>&1 <<'END'\n%s\nEND"):format(paths,
      process.program("fork"), script))
end

describe("wms.watch", function()
   local keep, sweep = kit.keeper()

   after_each(function()
      kit.reset()
      watching.sweep()
      sweep()
   end)

   --- An embedded host with that many sessions; returns its handle and its address.
   local function lab(count, options)
      local name = kit.name()
      local list = {}
      for i = 1, count or 1 do
         list[i] = { session_id = i, user_name = "user" .. i }
      end
      options = options or {}
      options.sessions = list
      return keep(wms.memory(name, options)), "memory://" .. name
   end

   local function ready(options)
      local seen = watching.new(options)
      seen:await("ready")
      seen:take()
      return seen
   end

   describe("events", function()
      it("come in order, each once, also those that were undone at once", function()
         local host, server = lab(1)
         local seen = ready(server)
         for _ = 1, 100 do
            host:lock(1)
            host:unlock(1)
         end
         local list = seen:take()
         assert.equal(200, #list)
         for i, event in ipairs(list) do
            assert.equal(i % 2 == 1 and "locked 1" or "unlocked 1", event)
         end
         assert.is_nil(seen.watch:next(0))
      end)

      it("carry the session as it was then", function()
         local host, server = lab(1)
         local seen = ready(server)
         host:lock(1)
         host:unlock(1)
         host:drop(1)
         local locked, unlocked, closed = seen.watch:next(), seen.watch:next(), seen.watch:next()
         assert.same({ true, false, false }, { locked.session.locked, unlocked.session.locked, closed.session.locked })
         assert.equal("user1", closed.session.user_name)
         assert.equal(server, closed.session.server)
      end)

      it("tell a session from another one that has its id", function()
         local host, server = lab(1)
         local seen = ready(server)
         host:drop(1)
         host:open{ session_id = 1, user_name = "another" }
         assert.same({ "closed 1", "opened 1" }, seen:take())
         assert.equal("another", seen.watch:sessions()[1].user_name)
      end)

      it("tell screens that go and come", function()
         local _, server = lab(1)
         local seen = ready(server)
         assert(wms.disconnect{ session_ids = 1, server = server })
         assert.same({ "disconnected 1" }, seen:take())
      end)

      it("are not lost while the sessions are being listed", function()
         local host, server = lab(1, { latency = 0.2 })
         local seen = watching.new(server)
         for _ = 1, 3 do -- the first question is under way
            seen.watch:next(0.02)
            host:lock(1)
            host:unlock(1)
         end
         host:open{ session_id = 2 }
         host:drop(2)
         seen:await("closed 2")
         local list = seen:take()
         assert.equal("ready", list[1])
         assert.same({ "opened 2", "closed 2" }, { list[#list - 1], list[#list] })
         assert.equal(1 + 6 + 2, #list, table.concat(list, ", "))
      end)
   end)

   describe("a server", function()
      it("that goes is lost, and is back with what has changed meanwhile", function()
         local host, server = lab(3)
         local seen = ready(server)
         host:lock(2)
         wms.configure{ allow = false }
         local name = server:match("//(.*)")
         host:close()
         local event = seen:await("lost")
         assert.equal("UNREACHABLE", event.error.code)
         assert.same({ server = server, state = "lost", error = event.error }, seen.watch:servers()[1])
         assert.equal(3, #seen.watch:sessions()) -- as they were last
         keep(wms.memory(name, { sessions = { { session_id = 1, user_name = "user1", locked = true } } }))
         seen:await("back")
         seen:rest()
         assert.same({ "closed 1", "closed 2", "closed 3", "opened 1" }, kit.sorted(seen:all(#seen.events - 3)))
         assert.same({ "user1" }, pluck(seen.watch:sessions(), "user_name"))
      end)

      it("is told as lost once for each reason", function()
         local seen = watching.new("memory://nobody-" .. kit.name())
         seen:await("lost UNREACHABLE")
         assert.is_nil(seen.watch:next(2.5)) -- several tries
         assert.same({ "lost UNREACHABLE" }, seen:take())
      end)

      it("is named as it was given, once, and by node sets and groups", function()
         local base = kit.name()
         for i = 1, 4 do
            keep(wms.memory(base .. i, {}))
         end
         wms.configure{ groups = { room = { "memory://" .. base .. "[1-2]" } } }
         local seen = watching.new{ servers = { "@room", "memory://" .. base .. "[1-4]", "!memory://" .. base .. "4" } }
         for _ = 1, 3 do
            seen:await("ready")
         end
         assert.same({ "memory://" .. base .. 1, "memory://" .. base .. 2, "memory://" .. base .. 3 },
            pluck(seen.watch:servers(), "server"))
         wms.configure{ groups = {} }
      end)

      it("is one of a thousand: the first is told before the last is reached, and all are", function()
         local base, count = kit.name(), 1000
         local hosts = {}
         for i = 1, count do
            hosts[i] = keep(wms.memory(base .. "-" .. i, { sessions = { { session_id = 1 } } }))
         end
         local seen = watching.new{ server = ("memory://%s-[1-%d]"):format(base, count), concurrency = 8 }
         for _ = 1, count do
            seen:await("ready")
         end
         seen:take()
         assert.equal(count, #seen.watch:sessions())
         hosts[17]:lock(1)
         hosts[1000]:lock(1)
         local one, two = seen.watch:next(), seen.watch:next()
         assert.same({ "memory://" .. base .. "-17", "memory://" .. base .. "-1000" }, { one.server, two.server })
      end)

      it("is watched by several watches", function()
         local host, server = lab(1)
         local one, two = ready(server), ready(server)
         host:lock(1)
         assert.same({ "locked 1" }, one:take())
         one.watch:close()
         host:unlock(1)
         assert.same({ "locked 1", "unlocked 1" }, two:take())
      end)
   end)

   describe("the queue", function()
      it("that is full is told, with all that there is", function()
         local host, server = lab(2)
         local seen = ready{ server = server, queue = 10 }
         for _ = 1, 20 do
            host:lock(1)
            host:unlock(1)
         end
         host:lock(2)
         local event = seen.watch:next(0)
         assert.equal("overflow", event.kind)
         assert.is_true(event.dropped >= 31, tostring(event.dropped))
         assert.same({ false, true }, { event.sessions[1].locked, event.sessions[2].locked })
         assert.is_nil(seen.watch:next(0))
         host:unlock(2)
         assert.same({ "unlocked 2" }, seen:take())
      end)

      it("that is full forgets no server that is lost", function()
         local host, server = lab(1)
         local seen = watching.new{ servers = { server, "memory://nobody-" .. kit.name() }, queue = 3 }
         for _ = 1, 20 do
            host:lock(1)
            host:unlock(1)
         end
         assert.same({ "overflow", "lost UNREACHABLE" }, seen:take())
      end)

      it("has at least one place", function()
         local host, server = lab(1)
         local seen = ready{ server = server, queue = 1 }
         host:lock(1)
         assert.same({ "locked 1" }, seen:take())
      end)
   end)

   describe("where and except", function()
      --- A watch of one active session of alice's, where `state` is "active"; disconnected by disconnect().
      local function active(options)
         local host, server = lab(2)
         options.server, options.where = server, { state = "active" }
         for id = 1, 2 do
            host:drop(id)
            host:open{ session_id = id, user_name = "user" .. id, state = "active" }
         end
         local seen = watching.new(options)
         seen:await("ready")
         seen:rest()
         return seen, host, function(id) assert(wms.disconnect{ session_ids = id, server = server }) end
      end

      it("choose a session once: what was told is told of until it closes", function()
         for _, initial in ipairs{ true, false } do
            local seen, host, disconnect = active{ initial = initial }
            local first = initial and { "ready", "opened 1", "opened 2" } or { "ready" }
            assert.same(first, seen:all())
            disconnect(1)
            host:lock(1)
            host:drop(1)
            seen.events = {}
            assert.same({ "disconnected 1", "locked 1", "closed 1" }, seen:take())
            host:open{ session_id = 1, state = "disconnected" } -- another one
            host:lock(1)
            host:drop(1)
            host:drop(2)
            seen.events = {}
            assert.same({ "closed 2" }, seen:take())
         end
      end)

      it("tell a session that they begin to take as opened", function()
         local host, server = lab(1)
         local seen = ready{ server = server, where = { locked = true } }
         host:lock(1)
         host:unlock(1)
         host:drop(1)
         local list = seen:rest().events
         assert.same({ "opened 1", "unlocked 1", "closed 1" }, seen:all(#list - 2))
         assert.is_true(list[#list - 2].session.locked)
         assert.is_nil(list[#list - 2].initial)
      end)

      it("choose anew when the queue is full: the sessions that are told then are told of", function()
         local seen, host, disconnect = active{ queue = 4 }
         disconnect(1)
         for _ = 1, 3 do
            host:lock(2)
            host:unlock(2)
         end
         local event = seen.watch:next(0)
         assert.equal("overflow", event.kind)
         assert.same({ 2 }, pluck(event.sessions, "session_id"))
         host:drop(1)
         host:drop(2)
         seen.events = {}
         assert.same({ "closed 2" }, seen:take())
      end)
   end)

   describe("misuse", function()
      for _, case in ipairs{
         { "an unknown option", { session_ids = 1 }, { "session_ids: no such option", "on_event" } },
         { "a queue of nothing", { queue = 0 }, { "queue", "10000000" } },
         { "a queue that is no number", { queue = "many" }, { "queue" } },
         { "on_event that is no function", { on_event = true }, { "on_event" } },
         { "initial that is no boolean", { initial = 1 }, { "initial" } },
         { "an empty where", { where = {} }, { "where: an empty table" } },
         { "an empty list", { servers = {} }, { "servers: an empty list" } },
         { "a bad address", { server = "memory://" .. ("x"):rep(300) }, { "server" } },
         { "an unknown scheme", { server = "nowhere://lab" }, { "server", "nowhere" } },
         { "a group that is not there", { servers = { "@nobody" } }, { "servers", "nobody" } },
      } do
         it("of " .. case[1] .. " names it", function()
            kit.misuse("watch", case[3], function() wms.watch(case[2]) end)
         end)
      end

      it("of a watch that is closed, or of another thing", function()
         local _, server = lab(1)
         local watch = keep(wms.watch(server))
         local ok, message = pcall(watch.next, {})
         assert.is_false(ok)
         assert.truthy(message:find("watch:next", 1, true), message)
         kit.misuse("next", { "seconds" }, function() watch:next(-1) end)
         watch:close()
         watch:close()
         for _, name in ipairs{ "next", "step", "wait", "sessions", "servers", "pollfd", "each" } do
            ok, message = pcall(watch[name], watch)
            assert.is_false(ok)
            assert.truthy(message:find("closed", 1, true), message)
         end
         assert.is_true(watch:done())
         assert.equal("wms.watch (closed)", tostring(watch))
      end)

      it("of wait without an on_event", function()
         local _, server = lab(1)
         assert.truthy(select(2, pcall(keep(wms.watch(server)).wait)):find("watch:wait", 1, true))
         assert.truthy(select(2, pcall(function() keep(wms.watch(server)):wait(0) end)):find("on_event", 1, true))
      end)
   end)

   describe("in a program", function()
      it("is read by a loop of for", function()
         local host, server = lab(1)
         local watch = keep(wms.watch(server))
         local kinds = {}
         for event in watch:each() do
            kinds[#kinds + 1] = event.kind
            if #kinds == 1 then
               host:lock(1)
            elseif #kinds == 2 then
               watch:close()
            end
         end
         assert.same({ "ready", "locked" }, kinds)
      end)

      it("calls on_event, from wait and step alone", function()
         local host, server = lab(1)
         local told = {}
         local watch = keep(wms.watch{ server = server, on_event = function(event) told[#told + 1] = event.kind end })
         assert.same({}, told)
         assert.is_false(watch:wait(0))
         assert.same({ "ready" }, told)
         host:lock(1)
         assert.same({ "ready" }, told)
         assert.is_false(watch:step())
         assert.same({ "ready", "locked" }, told)
      end)

      it("ends wait when on_event closes it, and passes its errors on", function()
         local host, server = lab(1)
         local watch
         watch = keep(wms.watch{ server = server, on_event = function(event)
            if event.kind == "locked" then
               watch:close()
            elseif event.kind == "unlocked" then
               error("enough", 0)
            end
         end })
         watch:wait(0)
         host:lock(1)
         host:unlock(1)
         assert.is_true(watch:wait())
         watch = keep(wms.watch{ server = server, on_event = function() error("enough", 0) end })
         local ok, message = pcall(watch.wait, watch)
         assert.same({ false, "enough" }, { ok, message })
         host:lock(1)
         assert.equal("locked", watch:next().kind) -- it goes on
      end)

      it("is a method of a client, with its settings", function()
         local host, server = lab(2)
         local client = wms.new{ server = server, timeout = 5, concurrency = 2 }
         local watch = keep(client:watch{ where = { session_id = 2 } })
         assert.equal("ready", watch:next(20).kind)
         host:lock(1)
         host:lock(2)
         assert.equal(2, watch:next(20).session.session_id)
         assert.is_nil(watch:next(0))
      end)

      it("does not wait in its own allow, which would be for ever", function()
         local _, server = lab(1)
         local watch, inside
         local client = wms.new{ server = server, allow = function()
            inside = inside or { (watch:next()), (watch:next(30)), watch:wait(), (watch:step()) }
            return true
         end }
         watch = keep(client:watch{ on_event = function() end })
         local start = kit.now()
         assert.is_false(watch:wait(0.5))
         assert.same({ nil, nil, false, false }, inside)
         assert.is_true(kit.now() - start < 20)
         assert.equal("watched", watch:servers()[1].state)
      end)

      it("is not kept by the driver that it was closed under", function()
         local _, server = lab(1)
         local driver, weak = wms.driver(), setmetatable({}, { __mode = "k" })
         for _ = 1, 10 do
            local watch
            watch = wms.watch{ server = server, on_event = function() watch:close() end }
            driver:watch(watch)
            watch:wait(10)
            driver:forget(watch)
            weak[watch] = true
         end
         collectgarbage()
         collectgarbage()
         assert.is_nil(next(weak))
      end)

      it("may be used inside of its own where, allow and on_event", function()
         local host, server = lab(2)
         local watch
         watch = keep(wms.watch{
            server = server,
            where = function(session)
               assert.equal(2, #wms.sessions(server))
               return session.session_id == 1
            end,
         })
         watch:next()
         host:lock(1)
         assert.equal("locked", watch:next().kind)
         assert.equal(1, #watch:sessions())
      end)

      it("passes errors of where on, and goes on", function()
         local host, server = lab(1)
         local fail = true
         local watch = keep(wms.watch{ server = server, where = function()
            if fail then
               error("no", 0)
            end
            return true
         end })
         watch:next()
         host:lock(1)
         assert.same({ false, "no" }, { pcall(watch.next, watch) }) -- about the session that was there
         assert.same({ false, "no" }, { pcall(watch.next, watch) })
         fail = false
         host:unlock(1)
         assert.equal("opened", watch:next().kind) -- taken for the first time
         host:lock(1)
         assert.equal("locked", watch:next().kind)
      end)

      it("is closed by the garbage collector, at any time", function()
         local host, server = lab(1)
         for i = 1, 50 do
            local watch = wms.watch{ server = server, on_event = function() end }
            if i % 2 == 0 then
               watch:step()
               watch:pollfd()
            end
            host:lock(1)
            host:unlock(1)
            watch = nil -- luacheck: ignore
            if i % 10 == 0 then
               collectgarbage()
            end
         end
         collectgarbage()
         collectgarbage()
         assert.equal(1, #wms.sessions(server))
      end)

      it("has a descriptor that is readable as long as there is something to read #once", function()
         local output, code = run[[
            local wms = require "wms"
            local host = wms.memory("lab", { sessions = { { session_id = 1 } } })
            local watch = wms.watch("memory://lab")
            local fd = watch:pollfd()
            assert(fd == watch:pollfd() and watch:events() == "r" and watch:timeout() == nil)
            assert(poll(fd, 5))
            assert(watch:step() == false and poll(fd, 0))
            assert(watch:next(0).kind == "ready")
            assert(not poll(fd, 0.05))
            host:lock(1)
            host:unlock(1)
            assert(poll(fd, 5) and watch:next(0).kind == "locked" and poll(fd, 5) and watch:next(0).kind == "unlocked")
            watch:step()
            assert(not poll(fd, 0.05))
            host:fail("sessions", "BUSY")
            assert(wms.reboot("memory://lab"))
            local kinds = {}
            while #kinds < 3 do
               assert(poll(fd, 20), "lost its wake-up")
               watch:step()
               for event in function() return watch:next(0) end do
                  kinds[#kinds + 1] = event.error and event.error.code or event.kind
               end
            end
            assert(table.concat(kinds, " ") == "closed UNREACHABLE BUSY", table.concat(kinds, " "))
            io.write "fine"]]
         assert.equal("fine", output)
         assert.equal(0, code)
      end)

      it("belongs to the parent after a fork #once", function()
         local output, code = run[[
            local wms = require "wms"
            local host = wms.memory("lab", { sessions = { { session_id = 1 } } })
            local watch = wms.watch("memory://lab")
            local fd = watch:pollfd()
            assert(watch:next(5).kind == "ready")
            local pid = fork()
            if pid == 0 then
               local ok, message = pcall(function()
                  local event, why, err = watch:next(1)
                  assert(event == nil and err.code == "FORKED", why)
                  assert(watch:step() == true and #watch:sessions() == 0)
                  host:lock(1)
                  local own = wms.watch("memory://lab")
                  assert(own:next(5).kind == "ready")
                  host:unlock(1)
                  assert(own:next(5).kind == "unlocked")
                  own:close()
                  watch:close()
               end)
               if not ok then
                  io.stderr:write(message, "\n")
               end
               die()
            end
            assert(wait(pid))
            host:lock(1)
            assert(poll(fd, 5) and watch:next(5).kind == "locked")
            io.write "fine"]]
         assert.equal("fine", output)
         assert.equal(0, code)
      end)
   end)

   it("costs nothing while nothing happens", function()
      local base, count = kit.name(), 1000
      for i = 1, count do
         keep(wms.memory(base .. "-" .. i, { sessions = { { session_id = 1 } } }))
      end
      local seen = watching.new{ server = ("memory://%s-[1-%d]"):format(base, count) }
      for _ = 1, count do
         seen:await("ready")
      end
      seen:take()
      local before = os.clock()
      assert.is_nil(seen.watch:next(3))
      assert.is_true(os.clock() - before < 0.3, "it has worked for " .. os.clock() - before .. " s")
   end)
end)
