-- SPDX-License-Identifier: MIT
--- The private key of Veyon hosts: where it must not be when it was sent, and where never.
local process = require "spec.support.process"
local veyon = require "spec.support.veyon"

local build = os.getenv("WMS_BUILD") or "build"

-- What the program spec/c/secrets.c runs: a gateway of its own, and a key that it looks for.
local HEAD = [==[
   local veyon = require "spec.host.veyon"
   local LINE = "zQ8xVk3LmTr5WpyH4bNd7JcGf2XswK9vRt6PqLm3ZnQ7dFg5HjKl2PoIuYtReWqA"
   local PEM = "-----BEGIN PRIVATE KEY-----\n" .. LINE .. "\n" .. LINE:reverse() .. "\n-----END PRIVATE KEY-----\n"
   secret(LINE)
   secret(LINE:reverse())
   local gateway = veyon.start{ set = { authentication = 300 }, hosts = { "lab01", "lab02" }, tls = os.getenv "WMS_TLS" }
   local lab = gateway.lab01
   local path = os.getenv "WMS_KEY"
   local file = assert(io.open(path, "w"))
   file:write(PEM)
   file:close()
   local said, kept = {}, {}
   local function hear(...)
      local result, message = ...
      if not result then said[#said + 1] = tostring(message) end
      return ...
   end
   wms.configure{
      log = function(_, text) said[#said + 1] = text end,
      store = {
         load = function(name) return kept[name] end, save = function(name, text) kept[name] = text end,
         remove = function(name) kept[name] = nil end, list = function() return {} end,
      },
   }
   local function options(more)
      local whole = { server = lab.server, key_name = "lab", key_file = path, gateway = gateway.url,
         fingerprint = os.getenv "WMS_FINGERPRINT" }
      for key, value in pairs(more or {}) do whole[key] = value end
      return whole
   end
]==]

local COMMANDS = [==[
   phase "binding"
   assert(wms.bind(options()))
   phase "commands"
   assert(wms.lock{ server = lab.server, session_ids = 0, message = "m", verify = 20 })
   assert(wms.unlock{ server = lab.server, session_ids = 0, verify = 20 })
   phase "forgotten"
   gateway:forget()
   assert(wms.sessions(lab.server))
]==]

local WORK = COMMANDS .. [==[
   phase "refused"
   for _, rule in ipairs{
      { status = 401, body = '{"error":{"code":6,"message":"no"}}', times = 0 },
      { status = 400, body = '{"error":{"code":4,"message":"no"}}' },
      { status = 429, body = '{"error":{"code":7,"message":"no"}}' },
      { status = 400, body = '{"error":{"code":99,"message":"' .. LINE .. '"}}' },
      { drop = 1 }, { half = 1 }, { garbage = 1 }, { body = "{}" },
   } do
      gateway:on("authenticate", rule)
      hear(wms.bind(options()))
      gateway:clear()
   end
   phase "no key"
   hear(wms.bind(options{ key_file = path .. "x" }))
   os.execute("chmod 644 '" .. path .. "'")
   hear(wms.bind(options()))
   os.execute("chmod 600 '" .. path .. "'")
   phase "in the middle"
   gateway:on("authenticate", { never = 1, times = 0 })
   for _, finish in ipairs{
      function(request) request:cancel() request:wait() request:close() end,
      function(request) request:close() end,
      function(request) gateway:hangup() request:wait() hear(request:result()) request:close() end,
   } do
      gateway:reset()
      local request = wms.start("bind", options())
      gateway:reset()
      for _ = 1, 1000 do
         if gateway:counts().authenticate > 0 then break end
         request:wait(0.005)
      end
      finish(request)
   end
   gateway:clear()
   phase "a host that is off"
   gateway.lab02:restart "off"
   assert(wms.bind(options{ server = gateway.lab02.server }))
   hear(wms.sessions(gateway.lab02.server))
   phase "the end"
   collectgarbage()
]==]

veyon.describe("the private key of Veyon hosts #once", pending, function()
   local function run(text, environment)
      local file = veyon.file("script.lua", HEAD .. text)
      return process.run(("%s WMS_KEY=%s ASAN_OPTIONS=detect_leaks=0 WMS_BUILD=%s LUA_PATH='./?.lua;./?/init.lua;;' "
         .. "LUA_CPATH='%s/5.4/?.so;;' timeout 100 %s %s"):format(environment or "",
         process.quote(veyon.file("secret", "")), build, build,
         process.program("secrets"), process.quote(file)))
   end

   it("is in no block that goes", function()
      local output, code = run(WORK .. [[
         assert(gone() > 500)
         io.write(table.concat(found(), "\n"))
         gateway:stop()
      ]])
      assert.same({ "", 0 }, { output, code })
   end)

   it("is in no block that goes, where the gateway is reached by HTTPS", function()
      local certificate, fingerprint = veyon.certificate()
      local output, code = run(COMMANDS .. [[
         phase "the end"
         collectgarbage()
         assert(gone() > 100)
         io.write(table.concat(found(), "\n"))
         gateway:stop()
      ]], ("WMS_TLS=%s WMS_FINGERPRINT=%s"):format(certificate, fingerprint))
      assert.same({ "", 0 }, { output, code })
   end)

   it("is in nothing that is said or kept, and in no process's arguments", function()
      local output, code = run(WORK .. [[
         for _, name in ipairs{ "cmdline", "environ" } do
            said[#said + 1] = io.open("/proc/self/" .. name):read("*a")
         end
         for _, text in pairs(kept) do said[#said + 1] = text end
         local text = table.concat(said, "\n")
         assert(#said > 10 and text:find("refuses the key", 1, true), text)
         for i = 1, #LINE - 5 do
            assert(not text:find(LINE:sub(i, i + 5), 1, true), text)
         end
         gateway:stop()
      ]])
      assert.same({ "", 0 }, { output, code })
   end)
end)
