-- SPDX-License-Identifier: MIT
--- The Windows session API where no real host is needed: what each answer looks like, misuse, and addresses.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wtsapi = require "spec.support.wtsapi"

local errors = wtsapi.error

describe("the session API on hosts of another kind #once", function()
   local build = os.getenv("WMS_BUILD") or "build"
   local SERVER = "office://1"
   local folder, environment

   --- The library finds providers beside itself: here the one that has what no host at hand has (spec/c/provider_office.c).
   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
      process.run(("mkdir %s/wms && cp %s/lib/libwms-wtsapi.so %s && cp %s/spec/wms/office.so %s/wms"):format(folder, build,
         folder, build, folder))
      environment = ("WTSAPI_LIBRARY=%s/libwms-wtsapi.so OFFICE_FILE=%s/file "):format(folder, folder)
   end)

   teardown(function()
      process.run("rm -r " .. folder)
   end)

   local test = kit.needing(function(why) pending(why) end, wtsapi.missing)

   local function by_user(sessions)
      local result = {}
      for id, session in pairs(sessions) do
         if session.user then
            result[session.user] = id
         end
      end
      return result
   end

   test("gives every state the name that Windows has for it", function()
      local sessions = wtsapi.sessions(SERVER, "listEx", environment)
      for id, state in pairs{
         [5] = 0, [10] = 1, [11] = 3, [12] = 5, [13] = 6, [14] = 7, [15] = 9, [16] = 2, [17] = 8, [18] = 0, [19] = 5,
         [20] = 4, [30] = 0, [31] = 1,
      } do
         assert.equal(state, sessions[id].state, "session " .. id)
      end
      assert.same({ "root", false, "Services" }, { sessions[30].user, sessions[31].user, sessions[31].station })
   end)

   test("gives every id a number of its own, which means it in another process, too", function()
      local ids = by_user(wtsapi.sessions(SERVER, "listEx", environment))
      assert.same({ 5, 0x80000007, 0x80000008 }, { ids.emil, ids.erik, ids.gerd })
      for _, user in ipairs{ "dora", "fritz", "hugo", "inge" } do
         assert.truthy(ids[user] >= 0xC0000000 and ids[user] < 0xFFFFFFF0, user)
         assert.equal(user, wtsapi.query(SERVER, ids[user], environment)[5].W.value)
      end
      assert.truthy(ids.dora ~= ids.fritz and ids.fritz ~= ids.hugo and ids.hugo ~= ids.dora)
      assert.same(ids, by_user(wtsapi.sessions(SERVER, "listExA", environment)))
   end)

   test("does nothing to a session that it cannot tell, since nobody tells it which there are", function()
      local mute = "office://unlisted"
      assert.equal(errors.ACCESS_DENIED, (wtsapi.outcome(mute, { "disconnect", 0xC0000001, 0 }, environment)))
      assert.equal(0, (wtsapi.outcome(mute, { "disconnect", 5, 0 }, environment)))
   end)

   test("says that there is no thread to work on, and works when there is one", function()
      local none = folder .. "/none"
      process.run("touch " .. none)
      local client = wtsapi.start({ "open", SERVER, "listEx", "listEx", "go", "listEx" },
         ("%s LD_PRELOAD=%s/spec/preload_threads.so NO_THREADS=%s ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0")
            :format(environment, build, none))
      client.await "go"
      process.run("rm " .. none)
      client.go()
      local errors_of, count = {}, 0
      for _, line in ipairs(client.close()) do
         if line.command == "list" then
            errors_of[#errors_of + 1] = line.error or 0
            count = line.count or 0
         end
      end
      assert.same({ errors.OUTOFMEMORY, errors.OUTOFMEMORY, 0 }, errors_of)
      assert.truthy(count > 10, count)
   end)

   test("waits on when a thread is woken for nothing", function()
      local results = wtsapi.run({ "open", SERVER, "listEx" },
         ("%s LD_PRELOAD=%s/spec/preload_threads.so WAKES_EARLY=1 ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0")
            :format(environment, build))
      assert.truthy(#results > 10, #results)
   end)

   test("leaves alone what its thread was changing when the process was forked", function()
      if process.sanitized() then
         pending("a child would inherit the sanitizer's locks")
      end
      local fifo, freed = folder .. "/fifo", folder .. "/freed"
      process.run("mkfifo " .. fifo)
      assert.same({ "fine\n", 0 }, { process.run(wtsapi.command("wtsapi_torn", { SERVER, fifo, freed },
         environment .. ("OFFICE_FIFO=%s OFFICE_FREED=%s %s"):format(fifo, freed, wtsapi.forking))) })
   end)

   test("tells where a client is", function()
      local ids = by_user(wtsapi.sessions(SERVER, "listEx", environment))
      local four = wtsapi.query(SERVER, ids.dora, environment)
      local six, name = wtsapi.query(SERVER, 5, environment), wtsapi.query(SERVER, 6, environment)
      for _, kind in ipairs{ "W", "A" } do
         assert.equal("x02000000" .. "0000" .. "C0000207" .. ("00"):rep(14), four[14][kind].hex)
         assert.equal("x17000000" .. "0000" .. "20010DB8" .. ("00"):rep(11) .. "05" .. "0000", six[14][kind].hex)
         assert.equal("x" .. ("00"):rep(24), name[14][kind].hex)
         assert.same({ "192.0.2.7", "2001:db8::5", "PC6" },
            { four[10][kind].value, six[10][kind].value, name[10][kind].value })
         assert.same({ 2, "192.0.2.7" }, { four[23][kind].family, four[23][kind].address })
         assert.same({ 23, "2001:db8::5" }, { six[23][kind].family, six[23][kind].address })
         assert.same({ 0, "", "PC6" }, { name[23][kind].family, name[23][kind].address, name[23][kind].client })
         assert.same({ "x0200", "x01" }, { name[16][kind].hex, name[29][kind].hex })
         assert.equal(-1, name[25][kind].flags) -- nobody knows whether it is locked
      end
   end)

   test("knows the caller's own session", function()
      assert.equal("emil", wtsapi.query(SERVER, 4294967295, environment)[5].A.value)
   end)

   test("brings messages, whole and to the byte", function()
      local ids = by_user(wtsapi.sessions(SERVER, "listEx", environment))
      local face = "😀"
      for _, sent in ipairs{
         { "message", ids.dora, "Ä", "Ten minutes " .. face }, { "messageA", 5, "Exam", "€" },
         { "message", 4294967295, "", "x" },
      } do
         local code, result = wtsapi.outcome(SERVER, sent, environment)
         assert.same({ 0, 32001 }, { code, result.response })
      end
      local code, result = wtsapi.outcome(SERVER, { "messageWait", 5, "Exam", "never" }, environment)
      assert.same({ errors.NOT_SUPPORTED, 0 }, { code, result.response })
      local text = process.run("cat " .. folder .. "/file")
      assert.truthy(text:find("|5|Exam|€\n", 1, true), text)
      assert.truthy(text:find("|5|(none)|x\n", 1, true), text)
      assert.truthy(text:find("pty-7|0|Ä|Ten minutes " .. face .. "\n", 1, true), text)
      assert.is_nil(text:find("never"))
   end)

   test("has an error for each of ours", function()
      for code, expected in pairs{
         [1] = 2, [2] = 5, [3] = 1722, [4] = 1460, [5] = 50, [6] = 1244, [7] = 0x800B0109, [8] = 1728, [9] = 1726,
         [10] = 1359, [11] = 1223, [12] = 170, [14] = 126, [15] = 14, [16] = 1359, [50] = 1726,
      } do
         assert.equal(expected, (wtsapi.outcome(SERVER, { "disconnect", 100 + code, 0 }, environment)), "code -" .. code)
      end
      assert.equal(0, (wtsapi.outcome(SERVER, { "disconnect", 99, 0 }, environment)))
      assert.equal(errors.NOT_SUPPORTED, (wtsapi.outcome(SERVER, { "logoff", 99, 0 }, environment)))
   end)
end)

describe("the session API without a host #once", function()
   local test = kit.needing(function(why) pending(why) end, wtsapi.missing)

   test("opens addresses, and nothing else", function()
      for _, command in ipairs{ "open", "openA", "openEx", "openExA" } do
         for name, expected in pairs{
            ["lab01"] = 0, ["lab01:8080"] = 0, ["multipoint://lab01"] = 0, ["logind:///run/no-such-bus/socket"] = 0,
            ["logind://user@lab01"] = 0, ["localhost"] = 0,
            ["wts://"] = errors.NOT_SUPPORTED, ["wts://lab01"] = errors.NOT_SUPPORTED,
            ["two words"] = errors.INVALID_COMPUTERNAME, ["lab01:"] = errors.INVALID_COMPUTERNAME,
            ["nothing://lab01/a b"] = errors.INVALID_COMPUTERNAME, [("x"):rep(300)] = errors.INVALID_COMPUTERNAME,
         } do
            assert.equal(expected, wtsapi.run({ command, name })[1].error or 0, command .. " " .. name)
         end
      end
   end)

   test("means by this machine's name what it means by none", function()
      local own = process.run("uname -n"):match("[^.%s]+")
      for _, name in ipairs{ "", own, own:upper(), own:lower(), (process.run("uname -n"):match("%S+")) } do
         for _, command in ipairs{ "openA", "openEx" } do
            local lines = wtsapi.run({ command, name, "list" }, "WMS_WTSAPI_SERVER=logind:///run/no-such-bus/socket")
            assert.same({ 1, errors.SERVER_UNAVAILABLE }, { lines[1].ok, lines[2].error }, name)
         end
      end
      -- Any other name is a MultiPoint host.
      local lines = wtsapi.run({ "open", own .. "-2", "list" }, "WMS_WTSAPI_SERVER=logind:///run/no-such-bus/socket")
      assert.same({ 1, errors.NOT_AUTHENTICATED }, { lines[1].ok, lines[2].error })
   end)

   test("says what is wrong with the environment's server", function()
      for name, expected in pairs{
         ["wts://lab01"] = errors.NOT_SUPPORTED, ["two words"] = errors.INVALID_COMPUTERNAME,
         ["logind:///run/no-such-bus/socket"] = errors.SERVER_UNAVAILABLE,
      } do
         local lines = wtsapi.run({ "list", "console" }, "WMS_WTSAPI_SERVER=" .. process.quote(name))
         assert.same({ expected, 4294967295 }, { lines[1].error, lines[2].id })
      end
   end)

   test("says that a host is not there", function()
      local lines = wtsapi.run{ "open", "logind:///run/no-such-bus/socket", "list", "listExA", "logoff", 3, 0, "wait", 1 }
      for i = 2, 6 do
         assert.equal(i ~= 5 and errors.SERVER_UNAVAILABLE or nil, lines[i].error)
      end
   end)

   test("says that a provider is not installed", function()
      local folder = process.run("mktemp -d"):match("%S+")
      local build = os.getenv("WMS_BUILD") or "build"
      local output = process.run(("cp %s/lib/libwms-wtsapi.so %s/ && WTSAPI_LIBRARY=%s/libwms-wtsapi.so %s list; rm -r %s")
         :format(build, folder, folder, process.program("wtsapi_client"), folder))
      assert.equal("list error=126\n", output)
   end)

   test("refuses what cannot be, and what it cannot do", function()
      assert.same({ "fine\n", 0 }, { process.run(wtsapi.command("wtsapi_misuse", {})) })
   end)

   test("gives back a message whose thread is ended while it waits", function()
      local folder = process.run("mktemp -d"):match("%S+")
      local output, code = process.run(wtsapi.command("wtsapi_cancel", { folder .. "/socket" }))
      process.run("rm -r " .. folder)
      assert.same({ "fine\n", 0 }, { output, code })
   end)

   test("shows one function, and needs nothing that is not there", function()
      local build = os.getenv("WMS_BUILD") or "build"
      local names = process.run("nm -D --defined-only " .. build .. "/lib/libwms-wtsapi.so | awk '{ print $3 }'")
      assert.equal("InitWtsApi\n", names)
      assert.is_nil(process.run("ldd -r " .. build .. "/lib/libwms-wtsapi.so"):find("undefined"))
   end)
end)
