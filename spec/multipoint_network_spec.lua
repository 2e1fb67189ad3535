-- SPDX-License-Identifier: MIT
--- Between us and MultiPoint hosts: name servers that do not answer, proxies, and signals.
local bound = require "spec.support.bound"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms

local build = os.getenv("WMS_BUILD") or "build"

bound.describe("on the way to MultiPoint hosts: #once", pending, function()
   after_each(function()
      wms.configure{ proxy = false }
   end)

   describe("a name that is not resolved", function()
      local PRELOAD = ("ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 LD_PRELOAD=%s/spec/preload_names.so "):format(
         build)

      --- Runs the script with a host that it is bound to; it must end long before the name server gives up.
      local function quick(text)
         local host = bound.stranger()
         local _, environment = bound.folder()
         local begin = kit.now()
         local said, code = bound.script(host, "assert(bind())\n" .. text, PRELOAD .. environment)
         assert.same({ "fine", 0 }, { said, code })
         assert.is_true(kit.now() - begin < 30)
         return host
      end

      local SLOW = [[
         local slow = wms.start("bind", {
            server = "multipoint://lab01.slow", user_name = "x", password = "y", timeout = %s,
         })
         slow:wait(0.05)
         assert(not slow:done())
      ]]

      it("delays nobody else, and is given up in time", function()
         quick(SLOW:format("1") .. [[
            for _ = 1, 10 do
               assert(wms.unlock{ server = host.server, session_ids = 3, verify = 5 })
            end
            assert(#assert(wms.sessions(host.server)) == 4)
            assert(not slow:done())
            assert(slow:wait(20))
            local _, message, err = slow:result()
            assert(err.code == "TIMEOUT" and message:find("lab01.slow", 1, true), message)
            assert(wms.unlock{ server = host.server, session_ids = 3 })
            io.write("fine")]])
      end)

      it("does not keep a process from its end", function()
         quick(SLOW:format("30") .. "io.write('fine')")
         quick(SLOW:format("30") .. "io.write('fine') os.exit(0)")
         quick(SLOW:format("30") .. "io.write('fine') os.exit(0, true)")
         quick(SLOW:format("30") .. "slow:cancel() assert(slow:wait(10)) slow:close() io.write('fine') os.exit(0, true)")
         quick(SLOW:format("30") .. [[
            for i = 1, 20 do
               wms.start("bind", { server = "multipoint://lab" .. i .. ".slow", user_name = "x", password = "y" }):step()
            end
            slow = nil
            collectgarbage()
            assert(wms.unlock{ server = host.server, session_ids = 3 })
            io.write("fine")
            os.exit(0, true)]])
      end)

      it("is one that the specs can block", function()
         local text = [[
            local request = wms.start("bind", { server = "multipoint://lab01.slow", user_name = "x", password = "y" })
            request:wait(0.3)
            io.write(tostring(request:done()))]]
         assert.equal("false", (process.script("local wms = require 'wms' " .. text, PRELOAD)))
      end)
   end)

   describe("a proxy", function()
      local socket = bound.missing() and {} or require "socket"
      local listener, port, pairs_of, first

      before_each(function()
         listener = assert(socket.bind("127.0.0.1", 0))
         listener:settimeout(0)
         port = select(2, listener:getsockname())
         pairs_of, first = {}, {}
      end)

      after_each(function()
         listener:close()
         for one, other in pairs(pairs_of) do
            one:close()
            other:close()
         end
      end)

      --- Connects who has come with whom he wants, and says so in `first`.
      local function take(client)
         client:settimeout(10)
         local line = client:receive("*l")
         first[#first + 1] = line
         local verb, address, other = line:match("^(%u+) h?t?t?p?:?/?/?([%d.]+):(%d+)")
         local server = assert(socket.connect(address, tonumber(other)))
         if verb == "CONNECT" then
            repeat until client:receive("*l") == ""
            client:send("HTTP/1.1 200 Connection established\r\n\r\n")
         else
            server:send((line:gsub("http://[^/]*", "")) .. "\r\n")
         end
         client:settimeout(0)
         server:settimeout(0)
         pairs_of[client], pairs_of[server] = server, client
      end

      local function turn()
         local client = listener:accept()
         if client then
            take(client)
         end
         for one, other in pairs(pairs_of) do
            local data, problem, part = one:receive(65536)
            data = data or part
            if data and data ~= "" then
               other:settimeout(5)
               other:send(data)
               other:settimeout(0)
            elseif problem == "closed" then
               other:shutdown("both")
            end
         end
      end

      local function run(verb, options)
         local request = wms.start(verb, options)
         kit.await(function() return request:done() end, function()
            request:wait(0.001)
            turn()
         end)
         local result = { request:result() }
         request:close()
         return result[1], result[2], result[3]
      end

      it("that is asked for brings us to the host, which is as trusted as ever", function()
         local host = bound.stranger()
         wms.configure{ proxy = "http://127.0.0.1:" .. port }
         assert(run("bind", bound.options(host)))
         assert.truthy(run("unlock", { server = host.server, session_ids = 3 }))
         assert.same({
            ("POST http://127.0.0.1:%d/MultiPoint/IMultiPointCertificateRequest HTTP/1.1"):format(host.http),
            ("CONNECT 127.0.0.1:%d HTTP/1.1"):format(host.https),
         }, { first[1], first[2] })
         host:hangup()
         kit.await(function() return host:counts().open == 0 end, turn)
         local other = bound.stranger()
         local announced = other.fingerprint
         other:certificate{ subject = "127.0.0.1", where = "tls" }
         local err = bound.fault(other, run("bind", bound.options(other, { fingerprint = announced })))
         assert.equal("UNTRUSTED", err.code)
         assert.equal(0, other:counts().admin_tls)
         wms.configure{ proxy = false }
         local count = #first
         assert(wms.bind(bound.options(host)))
         turn()
         assert.equal(count, #first)
      end)

      it("that is not there is the fault of nobody else", function()
         local host = bound.host()
         wms.configure{ proxy = "http://127.0.0.1:1" }
         local err = kit.fault(wms.unlock{ server = host.server, session_ids = 3 })
         assert.same({ "UNREACHABLE", "failed" }, { err.code, err.outcomes[1].state })
         wms.configure{ proxy = "http://nowhere.invalid:3128" }
         err = kit.fault(wms.unlock{ server = host.server, session_ids = 3 })
         assert.truthy(err.message:find("proxy", 1, true), err.message)
         wms.configure{ proxy = "http://someone:s3cr3t@127.0.0.1:1" }
         err = kit.fault(wms.unlock{ server = host.server, session_ids = 3 })
         assert.is_nil(err.message:find("s3cr3t", 1, true), err.message)
         assert.equal(0, host:counts().requests)
      end)

      local VARIABLES = "http_proxy=URL https_proxy=URL HTTPS_PROXY=URL all_proxy=URL ALL_PROXY=URL no_proxy= "

      it("of the environment is left alone", function()
         local host = bound.stranger()
         local _, environment = bound.folder()
         local said = bound.script(host, [[
            assert(bind())
            assert(wms.unlock{ server = host.server, session_ids = 3 })
            io.write("fine")]], VARIABLES:gsub("URL", "http://127.0.0.1:" .. port) .. environment)
         assert.equal("fine", said)
         assert.is_nil((listener:accept()))
      end)

      it("of the environment is used when it is asked for", function()
         local host = bound.stranger()
         local _, environment = bound.folder()
         local pipe = bound.popen(host, [[
            wms.configure{ proxy = "environment" }
            local made, _, err = bind{ timeout = 1 }
            io.write(made and "fine" or err.code, "\n")
         ]], VARIABLES:gsub("URL", "http://127.0.0.1:" .. port) .. environment)
         listener:settimeout(20)
         local client = assert(listener:accept())
         client:settimeout(20)
         local line = client:receive("*l")
         client:close()
         assert.equal("POST http://127.0.0.1:" .. host.http .. "/MultiPoint/IMultiPointCertificateRequest HTTP/1.1", line)
         local code = pipe:read("*l") -- it may have tried once more
         assert.truthy(code == "UNREACHABLE" or code == "TIMEOUT", code)
         pipe:close()
         assert.equal(0, host:counts().requests)
      end)
   end)

   it("the program's SIGPIPE is its own, and does not end it", function()
      if select(2, process.run("env --default-signal=PIPE true")) ~= 0 then
         pending("this env cannot set signals")
      end
      local host = bound.stranger()
      local folder, environment = bound.folder()
      local fifo = folder .. "/go"
      process.run("mkfifo " .. fifo)
      for _, how in ipairs{ "default", "ignore" } do
         local pipe = bound.popen(host, ([[
            local function signals()
               return io.open("/proc/self/status"):read("*a"):match("SigBlk:.-SigCgt:[^\n]*")
            end
            local before = signals()
            assert(bind())
            for i = 1, 6 do
               wms.unlock{ server = host.server, session_ids = { 3, 4, 5 } }
               io.write("more\n")
               io.flush()
               local gate = io.open(%q) -- until somebody has opened it for writing
               gate:read("*a")
               gate:close()
            end
            assert(wms.unlock{ server = host.server, session_ids = { 3, 4, 5 } })
            assert(wms.unbind(host.server))
            assert(signals() == before, signals())
            io.write("fine\n")
            os.exit(0, true)]]):format(fifo), environment .. " env --" .. how .. "-signal=PIPE")
         for i = 1, 6 do
            assert.equal("more", pipe:read("*l"))
            host:hangup("rudely")
            kit.await(function() return host:counts().open == 0 end)
            if i % 2 == 0 then
               host:on("StopLockingSession", { drop = "before" })
            end
            if i == 6 then
               host:clear()
            end
            io.open(fifo, "w"):close()
         end
         assert.equal("fine", pipe:read("*l"))
         pipe:close()
      end
   end)
end)
