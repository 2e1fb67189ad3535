-- SPDX-License-Identifier: MIT
--- Misuse raises before anything is sent, and names the function, the argument and the fix.
local kit = require "spec.support.kit"
local misuses = require "spec.support.misuses"
local wms = kit.wms

describe("misuse", function()
   local host, server

   before_each(function()
      local name = kit.name()
      server = "memory://" .. name
      host = wms.memory(name, { sessions = { { session_id = 1 }, { session_id = 2 } } })
      -- should a misuse get through, it must not reach this machine's own sessions
      wms.configure{ allow = function(action)
         return action.server == server
      end }
   end)

   after_each(function()
      local log = host:log()
      host:close()
      kit.reset()
      assert.same({}, log, "a misuse reached the host")
   end)

   --- The case's options with the test's host in it.
   local function fill(value)
      if value == "SERVER" then
         return server
      elseif type(value) ~= "table" then
         return value
      end
      local copy = {}
      for key, item in pairs(value) do
         copy[key] = fill(item)
      end
      return copy
   end

   describe("of a command:", function()
      for _, case in ipairs(misuses) do
         it(case.what, function()
            local verb, options = case.verb, fill(case.options)
            kit.misuse(verb, case.words, function() wms[verb](options) end)
            local client = wms.new{ timeout = 5 }
            kit.misuse(verb, case.words, function() client[verb](client, options) end)
            kit.misuse("start", case.words, function() wms.start(verb, options) end)
            kit.misuse("start", case.words, function() client:start(verb, options) end)
         end)
      end
   end)

   it("names the function however it was called", function()
      local unlock = wms.unlock
      kit.misuse("unlock", { "session_ids" }, function() unlock{ server = server } end)
      kit.misuse("unlock", { "session_ids" }, function() return unlock{ server = server } end)
      local ok, message = pcall(wms.unlock, { server = server, session_ids = {} })
      assert.is_false(ok)
      assert.truthy(message:find("bad argument #1 to 'unlock'", 1, true), message)
      ok, message = pcall(wms.start, "unlock", { server = server, session_ids = {} })
      assert.is_false(ok)
      assert.truthy(message:find("bad argument #2 to 'start'", 1, true), message)
      local client = wms.new{ server = server }
      ok, message = pcall(client.unlock, client, { session_ids = {} })
      assert.is_false(ok)
      assert.truthy(message:find("bad argument #1 to 'unlock'", 1, true), message)
   end)

   it("says where: the caller's line", function()
      local _, message = pcall(function()
         local list = wms.unlock{ server = server, session_ids = {} }
         return list
      end)
      assert.truthy(message:find("misuse_spec.lua:%d+: bad argument"), message)
   end)

   describe("of the argument itself:", function()
      for kind, value in pairs{ number = 42, boolean = true, ["function"] = print } do
         it(kind, function()
            for _, verb in ipairs{ "unlock", "lock", "sessions", "disconnect", "close",
               "unlock_all", "lock_all", "disconnect_all", "close_all", "call", "bind", "unbind" } do
               kit.misuse(verb, { "table" }, function() wms[verb](value) end)
            end
            kit.misuse("new", { "table" }, function() wms.new(value) end)
            kit.misuse("configure", { "table" }, function() wms.configure(value) end)
            kit.misuse("start", { "table" }, function() wms.start("unlock", value) end)
         end)
      end

      it("nothing", function()
         kit.misuse("unlock", { "session_ids" }, function() wms.unlock() end)
         kit.misuse("lock_all", { "message" }, function() wms.lock_all() end)
         kit.misuse("start", { "unlock" }, function() wms.start() end)
      end)

      it("a server in place of options, where there is more to say", function()
         kit.misuse("unlock", { "session_ids", "unlock_all" }, function() wms.unlock(server) end)
         kit.misuse("lock_all", { "message" }, function() wms.lock_all(server) end)
         kit.misuse("close", { "session_ids", "close_all" }, function() wms.close(server) end)
      end)

      it("an id in place of options", function()
         kit.misuse("unlock", { "table" }, function() wms.unlock(3) end)
      end)
   end)

   describe("of start:", function()
      it("an unknown command", function()
         for _, verb in ipairs{ "explode", "", "Unlock", "unlock ", "start", "new", "un\0lock" } do
            kit.misuse("start", { "unlock" }, function() wms.start(verb, { session_ids = 1, server = server }) end)
         end
         kit.misuse("start", { "unlock" }, function() wms.start({}, { session_ids = 1, server = server }) end)
      end)
   end)

   describe("of close_all and disconnect_all:", function()
      it("no server", function()
         for _, verb in ipairs{ "close_all", "disconnect_all" } do
            kit.misuse(verb, { "server", "localhost" }, function() wms[verb]() end)
            kit.misuse(verb, { "server", "localhost" }, function() wms[verb]{} end)
            kit.misuse(verb, { "server", "localhost" }, function() wms[verb](nil) end)
            kit.misuse(verb, { "server", "localhost" }, function() wms[verb]{ server = nil, what_if = true } end)
            local client = wms.new{ timeout = 3 }
            kit.misuse(verb, { "server", "localhost" }, function() client[verb](client) end)
            kit.misuse("start", { "server", "localhost" }, function() wms.start(verb, {}) end)
         end
      end)
   end)

   describe("of clients:", function()
      it("wrong defaults", function()
         kit.misuse("new", { "server", "255" }, function() wms.new{ server = ("h"):rep(300) } end)
         kit.misuse("new", { "server" }, function() wms.new{ server = 7 } end)
         kit.misuse("new", { "timeout" }, function() wms.new{ timeout = -1 } end)
         kit.misuse("new", { "colour" }, function() wms.new{ colour = "red" } end)
         kit.misuse("new", { "session_ids" }, function() wms.new{ session_ids = 1 } end)
         kit.misuse("new", { "on_error", "stop" }, function() wms.new{ on_error = "panic" } end)
      end)

      it("a dot for a colon", function()
         local client = wms.new{ server = server }
         assert.is_false((pcall(function() client.unlock{ session_ids = 1 } end)))
         assert.is_false((pcall(function() client.unlock() end)))
         local request = wms.start("sessions", { server = "memory://" .. kit.name() })
         for _, method in ipairs{ "pollfd", "events", "timeout", "step", "done", "result", "wait", "cancel", "close" } do
            assert.is_false((pcall(function() request[method]() end)), method)
            assert.is_false((pcall(function() request[method](client) end)), method)
         end
         request:close()
      end)
   end)

   describe("of configure:", function()
      it("wrong settings change nothing", function()
         kit.misuse("configure", { "timeout" }, function() wms.configure{ timeout = 0 } end)
         kit.misuse("configure", { "timeout", "number" }, function() wms.configure{ timeout = "1" } end)
         kit.misuse("configure", { "concurrency", "65535" }, function() wms.configure{ concurrency = 0 } end)
         kit.misuse("configure", { "log", "function" }, function() wms.configure{ log = 3 } end)
         kit.misuse("configure", { "store", "load" }, function() wms.configure{ store = {} } end)
         kit.misuse("configure", { "connections", "64" }, function() wms.configure{ connections = 65 } end)
         kit.misuse("configure", { "allow", "function" }, function() wms.configure{ allow = "all" } end)
         kit.misuse("configure", { "server" }, function() wms.configure{ server = server } end)
         kit.misuse("configure", { "colour" }, function() wms.configure{ colour = 1 } end)
         kit.misuse("configure", { "colour" }, function() wms.configure{ allow = print, colour = 1 } end)
         kit.misuse("close_all", { "server" }, function() wms.close_all{} end)
      end)
   end)

   describe("of a request:", function()
      it("wrong times to wait", function()
         local request = wms.start("sessions", { server = "memory://" .. kit.name() })
         for _, wrong in ipairs{ 0 / 0, -1, "soon", {}, true } do
            kit.misuse("wait", { "seconds" }, function() request:wait(wrong) end)
         end
         request:close()
      end)
   end)

   describe("of load:", function()
      it("what is no provider's name", function()
         kit.misuse("load", { "logind" }, function() wms.load{ "../../evil" } end)
         kit.misuse("load", { "logind" }, function() wms.load("") end)
         kit.misuse("load", { "logind" }, function() wms.load{ "logind", "Logind" } end)
         kit.misuse("load", { "name" }, function() wms.load(7) end)
         kit.misuse("load", { "name" }, function() wms.load{ 7 } end)
         kit.misuse("load", { "name" }, function() wms.load{} end)
         kit.misuse("load", { "name" }, function() wms.load() end)
      end)
   end)
end)

describe("a million ids", function()
   local host, server

   before_each(function()
      local name = kit.name()
      server = "memory://" .. name
      host = wms.memory(name, { sessions = { { session_id = 1 }, { session_id = 2 }, { session_id = 3 } } })
   end)

   after_each(function()
      host:close()
   end)

   it("that name three sessions act on three", function()
      local ids = {}
      for i = 1, 1000000 do
         ids[i] = i % 3 + 1
      end
      assert.same({ 2, 3, 1 }, kit.pluck(kit.fine(wms.unlock{ session_ids = ids, server = server }), "session_id"))
      assert.equal(3, #host:log())
   end)

   it("that are all different are all answered", function()
      local ids = {}
      for i = 1, 1000000 do
         ids[i] = i
      end
      local request = wms.start("unlock", { session_ids = ids, server = server })
      request:wait()
      assert.is_true(request:done())
      local log = host:log()
      assert.equal(65536, #log) -- the host's log keeps the last ones
      assert.equal(1000000, log[#log].session_id)
      request:close()
   end)

   it("with one hole are refused", function()
      local ids = {}
      for i = 1, 1000000 do
         ids[i] = i
      end
      ids[500000] = nil
      kit.misuse("unlock", { "session_ids", "hole" }, function() wms.unlock{ session_ids = ids, server = server } end)
      ids[500000] = true
      kit.misuse("unlock", { "session_ids", "500000" }, function() wms.unlock{ session_ids = ids, server = server } end)
      assert.same({}, host:log())
   end)
end)
