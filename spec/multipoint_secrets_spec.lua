-- SPDX-License-Identifier: MIT
--- Passwords of MultiPoint hosts: where they must not be when they are not needed any more, and where never.
local bound = require "spec.support.bound"
local process = require "spec.support.process"

local build = os.getenv("WMS_BUILD") or "build"

-- What the program spec/c/secrets.c runs: hosts of its own, whose passwords it looks for.
local HEAD = [==[
   local mp = require "spec.host.multipoint"
   local ADMIN, CONTROL, MANAGEMENT = "zQ8xVk3LmTr5Wp", "yH4bNd7JcGf2Xs", "wK9vRt6PqLm3Zn"
   local park = mp.start{ hosts = { { name = "lab01", subject = "127.0.0.1", password = '<&>"' .. ADMIN .. "%\t]]>",
      control = "&;<" .. CONTROL .. '>"\\', management = ">>" .. MANAGEMENT .. "<<&" } } }
   local lab = park.lab01
   local server = "multipoint://127.0.0.1:" .. lab.http
   lab:session{ id = 3, user = "alice", station = 1, flags = 44 }
   lab:session{ id = 4, user = "bob", flags = 36 }
   for _, text in ipairs{ ADMIN, CONTROL, MANAGEMENT } do secret(text) end

   local function options(more)
      local whole = { server = server, user_name = lab.admin, password = lab.password, fingerprint = lab.fingerprint,
         management = true }
      for key, value in pairs(more or {}) do whole[key] = value end
      return whole
   end

   --- Begins it, lets it go on until the host has been asked `operation`, and hands it over.
   local function halfway(verb, what, operation, finish)
      phase(verb .. " until " .. operation)
      lab:reset()
      lab:on(operation, { never = true })
      local request = wms.start(verb, what)
      for _ = 1, 1000 do
         if (lab:counts()[operation] or 0) > 0 then break end
         assert(not request:wait(0.005), "it did not get there")
      end
      finish(request)
      lab:clear()
   end

   local ENDS = {
      function(request) request:cancel() request:wait() request:close() end,
      function(request) request:close() end,
      function(request) lab:hangup() request:wait() request:close() end,
   }
]==]

-- Everything that is said meanwhile.
local LISTEN = [==[
   local said = {}
   local function hear(...)
      local result, message = ...
      if not result then said[#said + 1] = tostring(message) end
      return ...
   end
   for _, name in ipairs{ "bind", "call", "unlock", "sessions", "lock_all", "unlock_all", "start" } do
      local inner = wms[name]
      wms[name] = function(...) return hear(inner(...)) end
   end
   local safe = pcall
   function pcall(...) return hear(safe(...)) end
   wms.configure{ log = function(_, text) said[#said + 1] = text end }
   local finish_with = ENDS[1]
   ENDS[1] = function(request)
      request:cancel()
      request:wait()
      hear(request:result())
      said[#said + 1] = tostring(request)
      finish_with(request)
   end
]==]

local WORK = [==[
   local kept = {}
   for round, store in ipairs{ false, {
      load = function(name) return kept[name] end,
      save = function(name, text) kept[name] = text end,
      remove = function(name) kept[name] = nil end,
      list = function() return {} end,
   } } do
      phase "settings"
      wms.configure{ store = store }
      phase "binding"
      assert(wms.bind(options()))
      assert(wms.bind(options{ management = false }))
      assert(wms.bind(options{ password = function() return lab.password end }))
      phase "commands"
      assert(wms.unlock{ server = server, session_ids = { 3, 4 }, verify = 5 })
      assert(#assert(wms.sessions(server)) >= 2)
      assert(wms.lock_all{ server = server, message = "m" })
      phase "calls"
      local call = { server = server, interface = "IMultiPointUserManager", operation = "SetUserInfo",
         arguments = { wsName = "new", wsPassword = lab.password } }
      lab:account{ name = "new" }
      assert(wms.call(call))
      for _, rule in ipairs{ { drop = "before" }, { half = true }, { fault = 0x80070005 }, { status = 401, raw = "no" } } do
         lab:on("SetUserInfo", rule)
         assert(not wms.call(call))
      end
      phase "listed"
      assert(wms.bindings())
      phase "failed binds"
      for operation, rules in pairs{
         RequestSslCertificate = { { garbage = true }, { drop = "before" }, { status = 503, raw = "" } },
         RequestWmsControlCredentials = {
            { half = true }, { garbage = true }, { drop = "after" }, { fault = 5 }, { relates = "x" },
            { swap = "</s:Envelope>\n" }, { swap = "pwsWmsControlPassword\npwsOther" }, { status = 500, raw = lab.control },
            { swap = "</s:Body>\n</s:Body><s:Body/>" },
         },
      } do
         for _, rule in ipairs(rules) do
            lab:on(operation, rule)
            wms.bind(options())
            lab:clear()
         end
      end
      assert(not wms.bind(options{ password = ADMIN .. "no" }))
      assert(not wms.bind(options{ fingerprint = ("00"):rep(32) }))
      assert(not pcall(wms.bind, options{ password = ADMIN, timeout = "x" }))
      assert(not pcall(wms.bind, options{ password = ADMIN .. "\0x" }))
      wms.bind(options{ password = ADMIN .. "\1x" })
      assert(not wms.bind(options{ server = "multipoint://127.0.0.1:1" }))
      assert(not wms.bind(options{ server = "memory://lab" }))
      assert(not pcall(wms.bind, options{ password = function() error "no" end }))
      assert(wms.bind(options()))
      for _, finish in ipairs(ENDS) do
         halfway("bind", options(), "RequestSslCertificate", finish)
         halfway("bind", options(), "RequestWmsControlCredentials", finish)
         halfway("call", call, "SetUserInfo", finish)
         halfway("unlock", { server = server, session_ids = { 3, 4 }, verify = 1 }, "StopLockingSession", finish)
         halfway("unlock", { server = server, session_ids = 3, verify = 1 }, "GetSessionFlags", finish)
         halfway("sessions", { server = server }, "GetAllSessions", finish)
      end
      phase "many at once"
      lab:fill(100, 180, { flags = 36 })
      assert(wms.unlock_all(server))
      lab:on("StopLockingSession", { never = true, times = 0 })
      local request = wms.start("unlock_all", server)
      request:wait(0.05)
      request:close()
      lab:clear()
      phase "unbinding"
      assert(wms.unbind(server))
      assert(wms.bind(options()))
      local waiting = wms.start("bind", options{ password = function() end })
      waiting:close()
   end
   phase "the end"
   collectgarbage()
]==]

bound.describe("secrets of MultiPoint hosts #once:", pending, function()
   local folder, environment

   before_each(function()
      folder, environment = bound.folder()
   end)

   local function run(text)
      local file = folder .. "/script.lua"
      local out = assert(io.open(file, "w"))
      out:write(HEAD, text)
      out:close()
      return process.run(("%s ASAN_OPTIONS=detect_leaks=0 WMS_BUILD=%s LUA_PATH='./?.lua;./?/init.lua;;' "
         .. "LUA_CPATH='%s/5.4/?.so;;' timeout 100 %s %s"):format(environment, build, build, process.program("secrets"),
         process.quote(file)))
   end

   it("are in no block that goes", function()
      local output, code = run(WORK .. [[
         assert(gone() > 1000)
         io.write(table.concat(found(), "\n"))
         park:stop()
      ]])
      assert.same({ "", 0 }, { output, code })
   end)

   it("are in nothing that is said, and in no process's arguments", function()
      local output, code = run(LISTEN .. WORK .. [[
         for _, name in ipairs{ "cmdline", "environ" } do
            said[#said + 1] = io.open("/proc/self/" .. name):read("*a")
         end
         for _, binding in ipairs(wms.bindings() or {}) do
            for _, value in pairs(binding) do said[#said + 1] = tostring(value) end
         end
         local text = table.concat(said, "\n")
         assert(#said > 50 and text:find("connected", 1, true) and text:find("HTTP 401", 1, true), text)
         for _, password in ipairs{ ADMIN, CONTROL, MANAGEMENT } do
            for i = 1, #password - 5 do
               assert(not text:find(password:sub(i, i + 5), 1, true), text)
            end
         end
         park:stop()
      ]])
      assert.same({ "", 0 }, { output, code })
   end)

   it("would be found there", function()
      local output, code = run([[
         leak("x" .. ADMIN)
         assert(#found() == 1)
         leak(MANAGEMENT:sub(3, 10))
         assert(#found() == 1)
         leak(CONTROL:sub(1, 7))
         assert(#found() == 0)
         phase "here"
         leak("&;<" .. CONTROL)
         park:stop()
      ]])
      assert.same({ "here (19 bytes)\n", 1 }, { output, code })
   end)
end)
