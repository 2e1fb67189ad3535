-- SPDX-License-Identifier: MIT
--- Libraries that implement the Windows session API badly: clear errors, no hang, nothing freed twice (spec/wtsapi/odd.c
-- ends the program that gives back what it has given back before).
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wts = require "spec.support.wts"

local build = os.getenv("WMS_BUILD") or "build"
local LIBRARY = build .. "/spec/wtsapi/odd.so"

-- What every script can use.
local BEGIN = [[
   local wms = require "wms"
   local function show(list, _, err)
      for _, one in ipairs(list or err.sessions or {}) do
         if one.server and one.state and one.is_orchestratable ~= nil then
            print(one.session_id, one.user_name, one.state, one.locked, one.client_name, one.is_orchestratable, one.is_own)
         end
      end
      local outcomes = list and list[1] and list[1].is_orchestratable == nil and list
      for _, outcome in ipairs(outcomes or err and err.outcomes or {}) do
         print(outcome.session_id, outcome.user_name, outcome.state, outcome.error and outcome.error.code)
      end
      print(err and err.message)
   end
]]

--- Runs a script in a program of its own, whose WTSAPI library is the odd one; returns the lines that it printed.
local function run(script, environment)
   local output, code = process.script(BEGIN .. script,
      ("WTSAPI_LIBRARY=%s %s timeout 60 env"):format(process.quote(LIBRARY), environment or ""))
   assert.equal(0, code, output)
   local lines = {}
   for line in output:gmatch("[^\n]+") do
      lines[#lines + 1] = line
   end
   return lines
end

local function last(lines)
   return lines[#lines] or ""
end

local function tabs(...)
   return table.concat({ ... }, "\t")
end

describe("a WTSAPI library #once", function()
   local log

   setup(function()
      log = os.tmpname()
   end)

   teardown(function()
      os.remove(log)
   end)

   before_each(function()
      io.open(log, "w"):close()
   end)

   local test = kit.needing(function(why) pending(why) end, wts.missing)

   local function logged()
      local lines = {}
      for line in io.lines(log) do
         lines[#lines + 1] = line
      end
      return lines
   end

   local LOG = "ODD_LOG="

   test("that is fine lists what it has", function()
      local lines = run('show(wms.sessions("wts://fine"))')
      assert.same({
         tabs("0", "nil", "Disconnected", "nil", "nil", "false", "nil"),
         tabs("1", "alice", "Active", "false", "nil", "true", "nil"),
         tabs("2", "bob", "Active", "true", "PC-2", "true", "nil"),
         tabs("3", "nil", "Connected", "nil", "nil", "false", "nil"),
         tabs("4", "carol", "Disconnected", "nil", "nil", "true", "nil"),
         tabs("65536", "nil", "Listen", "nil", "nil", "false", "nil"),
         "nil",
      }, lines)
   end)

   test("knows which session is the caller's own", function()
      local lines = run([[
         show(wms.close_all("wts://"))
         show(wms.close{ session_ids = 1, server = "wts://localhost" })]], LOG .. log)
      assert.same({ tabs("2", "bob", "requested", "nil"), tabs("4", "carol", "requested", "nil"), "nil" },
         { lines[1], lines[2], lines[3] })
      assert.equal(tabs("1", "nil", "failed", "ACCESS_DENIED"), lines[4])
      assert.same({ "logoff here 2", "logoff here 4" }, kit.sorted(logged()))
   end)

   test("knows it by every name of this machine", function()
      local own = process.run("uname -n"):match("^[^.%s]+")
      for _, name in ipairs{ "LOCALHOST", "LocalHost", "localhost.", own, own:upper(), "WTS://localhost" } do
         local lines = run(([[
            local here = assert(wms.sessions(%q))
            print(here[2].session_id, here[2].is_own)
            show(wms.close{ session_ids = 1, server = %q })]]):format(wts.spelled(name), wts.spelled(name)), LOG .. log)
         assert.equal(tabs("1", "true"), lines[1], name)
         assert.equal(tabs("1", "nil", "failed", "ACCESS_DENIED"), lines[2], name)
      end
      assert.same({}, logged())
   end)

   test("is not asked to act on what is no user's session", function()
      local lines = run('show(wms.disconnect{ session_ids = { 0, 3, 65536, 9, 1, "c1" }, server = "wts://fine" })',
         LOG .. log)
      assert.same({
         tabs("0", "nil", "failed", "ACCESS_DENIED"), tabs("3", "nil", "failed", "ACCESS_DENIED"),
         tabs("65536", "nil", "failed", "ACCESS_DENIED"), tabs("9", "nil", "failed", "NOT_FOUND"),
         tabs("1", "alice", "requested", "nil"), tabs("c1", "nil", "failed", "NOT_FOUND"),
      }, { (table.unpack or unpack)(lines, 1, 6) }) -- luacheck: ignore 143
      local done = {}
      for _, line in ipairs(logged()) do
         done[#done + 1] = line:match("^disconnect.*")
      end
      assert.same({ "disconnect fine 1" }, done)
   end)

   test("tells since when a user is there, and what a session is told apart by", function()
      local lines = run([[
         for _, server in ipairs{ "wts://fine", "wts://timeless", "wts://info-denied" } do
            for _, id in ipairs{ 1, 2, 3 } do
               local session = assert(wms.sessions{ session_ids = id, server = server })[1]
               print(id, session.logon_time and ("%.0f"):format(session.logon_time),
                  session.idle_since and ("%.0f"):format(session.idle_since), session.identity)
            end
         end]])
      assert.same({
         tabs(1, "1700000001", "nil", "SCHOOL\\alice@133444736010000000"),
         tabs(2, "1700000002", "1700003600", "SCHOOL\\bob@133444736020000000"),
         tabs(3, "nil", "nil", "nil"),
         tabs(1, "nil", "nil", "SCHOOL\\alice"), tabs(2, "nil", "1700003600", "SCHOOL\\bob"), tabs(3, "nil", "nil", "nil"),
         tabs(1, "nil", "nil", "nil"), tabs(2, "nil", "nil", "nil"), tabs(3, "nil", "nil", "nil"),
      }, lines)
   end)

   test("is told which way its host is to end, and what it answers is told", function()
      local lines = run([[
         show(wms.reboot("wts://fine"))
         show(wms.power_off("wts://fine"))
         show(wms.reboot{ server = "wts://fine", what_if = true })
         show(wms.reboot{ servers = { "wts://act-5", "wts://act-no-reason" } })
         show(wms.power_off{ server = "wts://hang-act", timeout = 1 })]], LOG .. log)
      assert.same({ tabs("nil", "nil", "requested", "nil"), "nil", tabs("nil", "nil", "requested", "nil"), "nil",
         tabs("nil", "nil", "planned", "nil"), "nil", tabs("nil", "nil", "failed", "ACCESS_DENIED"),
         tabs("nil", "nil", "unknown", "PROTOCOL") }, { (table.unpack or unpack)(lines, 1, 8) }) -- luacheck: ignore 143
      assert.equal(tabs("nil", "nil", "unknown", "TIMEOUT"), lines[10])
      local asked = {}
      for _, line in ipairs(logged()) do
         asked[#asked + 1] = line:match("^shutdown .*")
      end
      table.sort(asked)
      assert.same({ "shutdown act-5 4", "shutdown act-no-reason 4", "shutdown fine 4", "shutdown fine 8",
         "shutdown hang-act 8" }, asked)
   end)

   -- The list asks once of each session, and before an action it is looked at twice.
   for _, case in ipairs{ "relogon-2", "relogon-3", "reuser-2", "reuser-3" } do
      test("is not asked to act on a session that has another's id by now: " .. case, function()
         for _, verb in ipairs{ "close", "disconnect", "message" } do
            local lines = run(([[
               show(wms.%s_all{ server = "wts://%s", message = %s })]]):format(verb, case,
                  verb == "message" and "'x'" or "nil"), LOG .. log)
            local state = verb == "close" and "verified" or "gone" -- the session that was meant has ended
            assert.truthy(lines[1]:find("^1\t[^\t]*\t" .. state .. "\tnil$"), lines[1])
            assert.equal(tabs("2", "bob", "requested", "nil"), lines[2])
            local done = table.concat(logged(), "\n")
            assert.truthy(done:find((verb == "close" and "logoff" or verb) .. " " .. case .. " 2", 1, true), done)
            assert.is_nil(done:find(case .. " 1", 1, true), done)
            io.open(log, "w"):close()
         end
      end)
   end

   test("is asked to act on a session that is the same still, and on any that is named by its id", function()
      local lines = run([[
         show(wms.close_all("wts://relogon-4"))
         show(wms.close{ session_ids = 1, server = "wts://reuser-1" })]], LOG .. log)
      assert.same({ tabs("1", "alice", "requested", "nil"), tabs("2", "bob", "requested", "nil"),
         tabs("4", "carol", "requested", "nil"), "nil", tabs("1", "dora", "requested", "nil"), "nil" }, lines)
   end)

   test("shows messages, in UTF-16", function()
      run('assert(wms.message{ session_ids = 1, title = "Ä", message = "a😀", server = "wts://fine" })', LOG .. log)
      local lines = logged()
      assert.same({ "open fine", "00C4 says 0061D83DDE00", "message fine 1" }, { lines[1], lines[2], lines[3] })
   end)

   for _, case in ipairs{
      { "null-list", "PROTOCOL", "no list" },
      { "huge-count", "PROTOCOL", "more sessions" },
      { "other-level", "PROTOCOL", "level" },
      { "no-reason", "UNSUPPORTED", "WTSAPI_LIBRARY" },
      { "null-open", "UNREACHABLE", "1210" },
      { "error-5", "ACCESS_DENIED", "(Windows error 5)" },
      { "error-2", "NOT_FOUND", "(Windows error 2)" },
      { "error-50", "UNSUPPORTED", "(Windows error 50)" },
      { "error-1722", "UNREACHABLE", "(Windows error 1722)" },
      { "error-1460", "TIMEOUT", "(Windows error 1460)" },
      { "error-1244", "NOT_BOUND", "(Windows error 1244)" },
      { "error-170", "BUSY", "(Windows error 170)" },
      { "error-14", "NO_MEMORY", "(Windows error 14)" },
      { "error-4711", "PROTOCOL", "(Windows error 4711)" },
      { "error-1702", "UNREACHABLE", "(Windows error 1702)" },
      { "error-1707", "UNREACHABLE", "(Windows error 1707)" },
      { "error-1753", "UNREACHABLE", "(Windows error 1753)" },
      { "error-1115", "UNREACHABLE", "(Windows error 1115)" },
      { "error-2147942405", "ACCESS_DENIED", "(Windows error 0x80070005)" },
      { "error-2147944122", "UNREACHABLE", "(Windows error 0x800706BA)" },
      { "error-2147942402", "NOT_FOUND", "(Windows error 0x80070002)" },
      { "error-2147500037", "PROTOCOL", "(Windows error 0x80004005)" },
   } do
      local name, code, text = case[1], case[2], case[3]
      test(name .. " is told as " .. code, function()
         local line = last(run(('local _, message, err = wms.sessions("wts://%s") print(err.code, message)'):format(name)))
         assert.equal(code, line:match("^%S+"), line)
         assert.truthy(line:find(text, 1, true), line)
      end)
   end

   -- Windows' numbers ([MS-ERREF] 2.2) by what they mean, and by whether an action that fails so may have been carried out.
   local MEANINGS = {
      { "NOT_FOUND", "failed", "2 1168 7001 7022" },
      { "ACCESS_DENIED", "failed", "5 65 86 1314 1326 1327 1331 1385 1825 7041 7045" },
      { "UNREACHABLE", "failed", [[51 53 67 1115 1210 1225 1231 1232 1311 1700 1701 1702 1703 1704 1706 1707 1708 1715 1718
         1722 1727 1753 10061 10065 11001]] },
      { "UNREACHABLE", "unknown", "59 64 1236 1726 1820" },
      { "TIMEOUT", "unknown", "258 1460 1818 7040" },
      { "UNSUPPORTED", "failed", "1 50 120 1717 1745 1764" },
      { "NOT_BOUND", "failed", "1244" },
      { "UNTRUSTED", "failed", "2148204809" },
      { "PROTOCOL", "failed", "13" },
      { "PROTOCOL", "unknown", "1728 1783 4711" },
      { "BUSY", "failed", "71 170 1721 1723 7024" },
      { "CANCELLED", "failed", "1223" },
      { "NO_PROVIDER", "failed", "126" },
      { "NO_MEMORY", "failed", "8 14" },
   }
   for _, meaning in ipairs(MEANINGS) do
      local code, state, numbers = meaning[1], meaning[2], meaning[3]:gsub("%s+", " ")
      test(("means %s, and that an action is %s, by %s"):format(code, state, numbers), function()
         local lines = run(([[
            for number in ("%s"):gmatch("%%d+") do
               local _, _, err = wms.sessions("wts://error-" .. number)
               local _, _, act = wms.close{ session_ids = 1, server = "wts://act-" .. number }
               print(number, err.code, act.outcomes[1].state, act.code)
            end]]):format(numbers))
         local expected = {}
         for number in numbers:gmatch("%d+") do
            expected[#expected + 1] = tabs(number, code, state, code)
         end
         assert.same(expected, lines)
      end)
   end

   for _, case in ipairs{
      { "null-empty", 0 }, { "info-denied", 6 }, { "info-unsupported", 6 }, { "info-gone", 5 }, { "info-unended", 6 },
      { "client-unended", 6 }, { "half-pair", 6 }, { "odd-state", 6 }, { "info-null", 6 }, { "info-short", 6 },
      { "info-level", 6 }, { "info-other", 6 }, { "twice", 5 }, { "endless-name", 6 }, { "no-id", 5 },
   } do
      local name, count = case[1], case[2]
      test(name .. " is borne", function()
         assert.equal(tostring(count), last(run(('print(#assert(wms.sessions("wts://%s")))'):format(name))))
      end)
   end

   test("a name without an end is not known, and neither is whether there is a user", function()
      local lines = run([[
         wms.configure{ log = function(_, text) if text:find("no end") then print(text) end end }
         local list, known = assert(wms.sessions("wts://endless-name")), 0
         for _, session in ipairs(list) do
            if session.is_orchestratable == nil then
               print(tostring(session.session_id), tostring(session.user_name), tostring(session.state))
            elseif session.user_name then
               known = known + 1
            end
         end
         print(known)]])
      assert.same({ "session 1: its user's name has no end, and is not known", tabs("1", "nil", "Active"), "2" }, lines)
   end)

   test("a session without an id is left out, with a line in the log", function()
      local lines = run([[
         wms.configure{ log = function(_, text) if text:find("without an id") then print(text) end end }
         show(wms.sessions("wts://no-id"))]])
      assert.equal("the session API tells of sessions without an id: 1, which are left out", lines[1])
      assert.equal(tabs("2", "bob", "Active", "true", "PC-2", "true", "nil"), lines[3])
   end)

   for _, name in ipairs{ "info-null", "info-short", "info-level", "info-other" } do
      test(name .. " tells nothing of a session", function()
         local lines = run(('show(wms.sessions{ session_ids = { 1, 2 }, server = "wts://%s" })'):format(name))
         assert.same({ tabs("1", "alice", "Active", "nil", "nil", "true", "nil"),
            tabs("2", "bob", "Active", "nil", "PC-2", "true", "nil"), "nil" }, lines)
      end)
   end

   for _, name in ipairs{ "info-down", "info-reset" } do
      test("a session that ends already is gone, and is not asked to end: " .. name, function()
         local lines = run(([[
            show(wms.close{ session_ids = { 1, 3 }, server = "wts://%s" })
            show(wms.disconnect_all("wts://%s"))]]):format(name, name), LOG .. log)
         assert.same({ tabs("1", "nil", "failed", "NOT_FOUND"), tabs("3", "nil", "failed", "NOT_FOUND") },
            { lines[1]:gsub("^1\t%w+", "1\tnil"), lines[2] })
         for i = 4, 6 do
            assert.truthy(lines[i]:find("\tgone\tnil$"), lines[i])
         end
         assert.is_nil(table.concat(logged(), "\n"):find("logoff", 1, true))
         assert.is_nil(table.concat(logged(), "\n"):find("disconnect", 1, true))
      end)
   end

   test("a client's name that is longer than any can be is not known", function()
      local lines = run('show(wms.sessions{ session_ids = 2, server = "wts://client-huge" })')
      assert.equal(tabs("2", "bob", "Active", "true", "nil", "true", "nil"), lines[1])
   end)

   test("a name ends where its field ends, be it in the middle of a character", function()
      local lines = run('print(assert(wms.sessions{ session_ids = 1, server = "wts://info-cut" })[1].identity)')
      assert.equal("😀\\" .. ("u"):rep(20) .. "�@133444736010000000", (last(lines):gsub("^�", "😀")))
   end)

   test("what was under way when the host broke is told as the host answers it", function()
      local lines = run('show(wms.close{ session_ids = { 1, 2 }, server = "wts://act-breaks" })', LOG .. log)
      assert.equal(tabs("1", "alice", "failed", "UNREACHABLE"), lines[1])
      assert.equal(tabs("2", "bob", "requested", "nil"), lines[2])
   end)

   test("a client's name has room, however long its characters are in UTF-8", function()
      -- Where the sanitizers watch, they see what is written beyond a block; else the C library does, when it is freed.
      local checked = process.sanitized() and ""
         or "LD_PRELOAD=libc_malloc_debug.so.0 GLIBC_TUNABLES=glibc.malloc.check=3"
      local lines = run([[
         print(assert(wms.sessions{ session_ids = 1, server = "wts://client-wide" })[1].client_name)]], checked)
      assert.equal(("€"):rep(8), last(lines))
   end)

   test("tells nothing that is not UTF-8", function()
      local lines = run('print(assert(wms.sessions{ session_ids = 1, server = "wts://half-pair" })[1].user_name)')
      assert.equal("�lice", last(lines))
   end)

   describe("that refuses an action:", function()
      for _, case in ipairs{
         { "act-5", "failed", "ACCESS_DENIED" },
         { "act-50", "failed", "UNSUPPORTED" },
         { "act-1722", "failed", "UNREACHABLE" },
         { "act-1726", "unknown", "UNREACHABLE" },
         { "act-1460", "unknown", "TIMEOUT" },
         { "act-4711", "unknown", "PROTOCOL" },
         { "act-no-reason", "unknown", "PROTOCOL" },
         { "act-1702", "failed", "UNREACHABLE" },
         { "act-1707", "failed", "UNREACHABLE" },
         { "act-1753", "failed", "UNREACHABLE" },
         { "act-1115", "failed", "UNREACHABLE" },
         { "act-1820", "unknown", "UNREACHABLE" },
         { "act-7024", "failed", "BUSY" },
         { "act-7041", "failed", "ACCESS_DENIED" },
         { "act-2147942405", "failed", "ACCESS_DENIED" },
         { "act-2147944126", "unknown", "UNREACHABLE" }, -- 1726
         { "act-2147500037", "unknown", "PROTOCOL" },
      } do
         local name, state, code = case[1], case[2], case[3]
         test(name .. " is " .. state .. ", " .. code, function()
            local lines = run(('show(wms.close{ session_ids = 1, server = "wts://%s" })'):format(name), LOG .. log)
            assert.equal(tabs("1", "alice", state, code), lines[1])
            local sent = 0
            for _, line in ipairs(logged()) do
               sent = sent + (line:find("^logoff") and 1 or 0)
            end
            -- Only what has surely not been carried out is tried a second time.
            assert.is_true(sent == 1 or (state == "failed" and code == "UNREACHABLE" and sent <= 2), sent)
         end)
      end
   end)

   describe("that never returns", function()
      -- What it says, and that the program ends at once, with its own code.
      local function hangs(script, ...)
         local expected = { ... }
         local clock = kit.now()
         local output, code = process.script(BEGIN .. script .. "\n os.exit(7)",
            ("WTSAPI_LIBRARY=%s ODD_LOG=%s timeout 60 env"):format(process.quote(LIBRARY), log))
         assert.equal(7, code, output)
         assert.is_true(kit.now() - clock < 50)
         for _, text in ipairs(expected) do
            assert.truthy(output:find(text, 1, true), output)
         end
         assert.truthy(table.concat(logged(), "\n"):find("hangs"), "it did not hang")
      end

      test("from a list", function()
         hangs('show(wms.sessions{ server = "wts://hang-list", timeout = 0.2 })', "TIMEOUT", "within 0.2 s")
      end)

      test("from an action: it may still be carried out", function()
         hangs('show(wms.close{ session_ids = { 1, 2 }, server = "wts://hang-act", timeout = 0.2 })',
            tabs("1", "alice", "unknown", "TIMEOUT"), tabs("2", "bob", "unknown", "TIMEOUT"),
            "no answer within 0.2 s; the request was sent, and may still be carried out")
      end)

      test("from the question before an action: it will not be carried out", function()
         hangs('show(wms.close{ session_ids = { 1, 2 }, server = "wts://hang-query", timeout = 0.2 })',
            tabs("1", "nil", "failed", "TIMEOUT"), tabs("2", "nil", "failed", "TIMEOUT"))
         assert.is_nil(table.concat(logged(), "\n"):find("logoff"))
      end)

      test("from the opening of a server", function()
         hangs('show(wms.sessions{ server = "wts://hang-open", timeout = 0.2 })', "no connection within 0.2 s")
      end)

      test("from the closing of a server", function()
         hangs(([[
            for _ = 1, 4 do
               wms.sessions("wts://hang-close") -- the third time the connection breaks, and is closed
            end
            os.execute("until grep -q hangs %s; do sleep 0.01; done")
            show(wms.close{ session_ids = 1, server = "wts://fine" })]]):format(log), "alice\trequested")
      end)

      test("does not keep other servers waiting", function()
         hangs([[
            local request = wms.start("sessions", { servers = { "wts://hang-list", "wts://fine" }, timeout = 30,
               on_outcome = function(outcome) print(outcome.server, outcome.state) seen = true end })
            while not seen do request:wait(0.05) end]], "wts://fine\tverified")
      end)

      test("gets no more than four threads, and leaves the others to others", function()
         hangs([[
            for i = 1, 3 do
               local _, _, err = wms.close{ session_ids = { 1, 2, 4 }, server = "wts://hang-act", timeout = 0.2 }
               for _, outcome in ipairs(err.outcomes) do
                  io.write(outcome.state, " ", outcome.error.code, "; ")
               end
            end
            print()
            local _, _, err = wms.close{ session_ids = { 1, 2, 4 }, server = "wts://hang-query", timeout = 0.2 }
            print(err.outcomes[1].state, err.code)
            print(assert(wms.close{ session_ids = 1, server = "wts://fine" })[1].state)]],
            "unknown TIMEOUT; unknown TIMEOUT; unknown TIMEOUT; unknown TIMEOUT; failed TIMEOUT; failed TIMEOUT; "
            .. "failed BUSY; failed BUSY; failed BUSY; ", "requested")
      end)
   end)

   test("that returns late finishes what it began", function()
      local fifo = log .. ".fifo"
      local lines = run(([[
         os.execute("mkfifo %s")
         show(wms.close{ session_ids = 1, server = "wts://hang-act", timeout = 0.2 })
         local pipe = io.open("%s", "w")
         pipe:write("x") pipe:close()
         repeat local list = assert(wms.sessions("wts://hang-act")) until list[2].session_id ~= 1
         show(wms.sessions{ session_ids = 2, server = "wts://hang-act" })
         os.remove("%s")]]):format(fifo, fifo, fifo), ("ODD_RELEASE=%s"):format(fifo))
      assert.equal(tabs("1", "alice", "unknown", "TIMEOUT"), lines[1])
      assert.equal("nil", last(lines))
   end)

   test("that has answered what nobody waits for any more has not been given up", function()
      local lines = run([[
         local function leave(verb, options)
            local request = wms.start(verb, options)
            os.execute("sleep 0.1") -- for long enough that the call returns, while nobody looks at what it has returned
            request:close()
         end
         leave("sessions", { server = "wts://fine" }) -- it has opened the server
         show(wms.sessions{ session_ids = 1, server = "wts://fine" })
         leave("sessions", { server = "wts://fine" })
         leave("close", { session_ids = 2, server = "wts://fine", verify = 5 })
         show(wms.sessions{ session_ids = 1, server = "wts://fine" })]])
      assert.equal(tabs("1", "alice", "Active", "false", "nil", "true", "nil"), lines[1])
      assert.equal(tabs("1", "alice", "Active", "false", "nil", "true", "nil"), lines[3])
   end)

   test("whose host goes away is asked anew by the same command, and every handle is given back", function()
      local lines = run(([[
         for i = 1, 6 do
            print(#assert(wms.sessions("wts://then-gone")))
         end
         os.execute("until [ $(grep -c close %s) = 2 ]; do sleep 0.01; done")
         os.exit(0, false)]]):format(log), LOG .. log)
      assert.same({ "6", "6", "6", "6", "6", "6" }, lines)
      local counts = {}
      for _, line in ipairs(logged()) do
         counts[line] = (counts[line] or 0) + 1
      end
      assert.same({ ["open then-gone"] = 3, ["close then-gone"] = 2 }, counts)
   end)

   test("is asked in time for everything, however many sessions are watched", function()
      local lines = run([[
         local ids = {}
         for id = 101, 160 do ids[#ids + 1] = id end
         local list = assert(wms.close{ session_ids = ids, server = "wts://crowd-80", verify = 30, timeout = 4 })
         local counts = {}
         for _, outcome in ipairs(list) do
            local kind = outcome.state .. tostring(outcome.changed)
            counts[kind] = (counts[kind] or 0) + 1
         end
         print(counts.verifiedtrue)]], LOG .. log)
      assert.equal("60", last(lines))
   end)

   test("that answers each question in time has answered in time", function()
      local lines = run([[
         for id = 101, 102 do
            show(wms.close{ session_ids = id, server = "wts://crowd-600", timeout = 1 }) -- 0.6 s and 0.6 s
         end]])
      assert.same({ tabs("101", "alice", "requested", "nil"), tabs("102", "alice", "requested", "nil") },
         { lines[1], lines[3] })
   end)

   describe("that is watched", function()
      -- What a script uses besides.
      local WATCH = [[
         local function watch(server)
            local seen = assert(wms.watch(server))
            function await(kind)
               repeat
                  local event = assert(seen:next(20), "waited in vain for " .. kind)
               until event.kind == kind
            end
            await "ready"
            return seen
         end
         local function await_line(pattern, count, seen)
            for _ = 1, 20000 do
               if seen then
                  seen:next(0)
               end
               local text, found = io.open(os.getenv("ODD_LOG")):read("*a"), 0
               for _ in text:gmatch(pattern) do
                  found = found + 1
               end
               if found >= (count or 1) then
                  return
               end
               os.execute "sleep 0.001"
            end
            error("waited in vain for " .. pattern)
         end
         local function close(id, server)
            return assert(wms.close{ session_ids = id, server = server })
         end
      ]]

      local function count(pattern)
         local found = 0
         for _, line in ipairs(logged()) do
            found = found + (line:find(pattern) and 1 or 0)
         end
         return found
      end

      test("tells of events, and is left in peace when nobody watches any more", function()
         local lines = run(WATCH .. [[
            local seen = watch "wts://watch-tells"
            for _, id in ipairs{ 1, 2 } do
               close(id, "wts://watch-tells")
               await "closed"
            end
            await_line("waited [^\n]+\n", 2)
            seen:close()
            await_line "waited watch%-tells 0\n"
            seen = watch "wts://watch-tells" -- by the same connection
            close(4, "wts://watch-tells")
            await "closed"
            seen:close()
            await_line("waited watch%-tells 0\n", 2)
            print "fine"]], LOG .. log)
         assert.same({ "fine" }, lines)
         assert.equal(3, count("^waited watch%-tells 66$"))
         assert.equal(1, count("^open "))
         assert.truthy(count("^flush ") >= 2)
      end)

      test("ends its wait when the connection goes, and before the handle is closed", function()
         local lines = run(WATCH .. [[
            watch "wts://watch-tells"
            wms, package.loaded.wms = nil, nil
            os.exit(0, true)]], LOG .. log)
         assert.same({}, lines)
      end)

      for name, most in pairs{
         ["watch-at-once"] = function(seconds) return math.log(seconds / 0.1 + 1) / math.log(2) + 3 end,
         ["watch-events"] = function(seconds) return seconds / 0.1 + 3 end,
      } do
         test("does not get a busy caller by returning at once: " .. name, function()
            local before = kit.now()
            local lines = run(WATCH .. ([[
               local seen = watch "wts://%s"
               await_line("wait [^\n]+\n", 4, seen)
               await_line("list [^\n]+\n", 2, seen)
               close(1, "wts://%s")
               await "closed"
               print "fine"]]):format(name, name), LOG .. log)
            local waits, bound = count("^wait "), most(kit.now() - before)
            assert.same({ "fine" }, lines)
            assert.truthy(waits <= bound, ("%d waits; at most %.0f were to be"):format(waits, bound))
         end)
      end

      for name, text in pairs{ ["fine"] = "WTSAPI_LIBRARY", ["watch-31"] = "Windows error 31" } do
         test("is asked where it cannot tell: " .. name, function()
            local lines = run(WATCH .. ([[
               wms.configure{ log = function(_, text)
                  if text:find("changes are not told", 1, true) then print(text) end
               end }
               watch "wts://%s"
               close(1, "wts://%s")
               await "closed"
               print "fine"]]):format(name, name), LOG .. log)
            assert.equal(2, #lines, table.concat(lines, "\n"))
            assert.truthy(lines[1]:find(text, 1, true), lines[1])
            assert.equal("fine", lines[2])
            assert.truthy(count("^wait ") <= 1)
         end)
      end

      for _, name in ipairs{ "watch-hangs", "watch-hang-flush" } do
         test("and never returns holds nobody up: " .. name, function()
            local before = kit.now()
            local output, code = process.script(BEGIN .. WATCH .. ([[
               local seen = watch "wts://%s"
               close(1, "wts://%s")
               await "closed"
               await_line "wait "
               seen:close()
               await_line "hangs\n"
               assert(#assert(wms.sessions("wts://fine")) == 6)
               os.exit(7)]]):format(name, name),
               ("WTSAPI_LIBRARY=%s ODD_LOG=%s timeout 60 env"):format(process.quote(LIBRARY), log))
            assert.same({ "", 7 }, { output, code })
            assert.is_true(kit.now() - before < 50)
         end)
      end

      test("and never returns gets four threads, and no more", function()
         local lines = run(WATCH .. [[
            wms.configure{ log = function(_, text)
               if text:find("changes are not told", 1, true) then print(text) end
            end }
            for _ = 1, 5 do
               watch("wts://watch-hangs"):close()
               close(4, "wts://watch-hangs")
               repeat -- by a new connection; BUSY while four have not been closed
                  local list, _, err = wms.sessions "wts://watch-hangs"
                  assert(list or err.code == "BUSY" and os.execute "sleep 0.05")
               until list
            end
            print "fine"]], LOG .. log)
         assert.equal(2, #lines, table.concat(lines, "\n"))
         assert.truthy(lines[1]:find("have not come back", 1, true), lines[1])
         assert.equal(4, count("^wait "))
      end)
   end)

   test("that is not there is one clear error", function()
      local output, code = process.script('print(select(2, require "wms".sessions("wts://")))', "env -u WTSAPI_LIBRARY")
      assert.equal(0, code, output)
      assert.truthy(output:find("WTSAPI_LIBRARY", 1, true), output)
   end)
end)
