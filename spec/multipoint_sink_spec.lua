-- SPDX-License-Identifier: MIT
--- What MultiPoint hosts tell a watch, played by a program that is not ours (spec/host/multipoint/player.py), right and
--- wrong.  The watch is in a process of its own, so that what it holds can be counted.
local kit = require "spec.support.kit"
local mp = require "spec.host.multipoint"
local multipoint = require "spec.support.multipoint"
local process = require "spec.support.process"
local soap = require "spec.support.soap"

local quote = process.quote
local NAME = "console.school.example"
local DENIED, SENDER = "401 FailedAuthentication", "400 Sender"

-- What `player.py wrong` may be answered, by its cases.
local WRONG = {
   ["user: no user"] = DENIED, ["user: another user"] = DENIED, ["user: a control character"] = DENIED,
   ["user: a longer user"] = DENIED, ["user: a shorter user"] = DENIED, ["user: the host's user"] = DENIED,
   ["password: none"] = DENIED, ["password: another"] = DENIED, ["password: longer"] = DENIED,
   ["password: shorter"] = DENIED, ["password: a blank more"] = DENIED, ["password: both"] = DENIED,
   ["password: long"] = SENDER .. " or closed", -- nobody reads so much of somebody who is not known
   ["no header of security"] = DENIED, ["no token"] = DENIED, ["no password"] = DENIED, ["no user name"] = DENIED,
   ["a token in the body"] = DENIED,
   ["a token in another header"] = DENIED, ["no header at all"] = DENIED,
   ["a wrong token before the good one"] = SENDER, ["a wrong token behind the good one"] = SENDER,
   ["elements in the password"] = SENDER, ["a wrong one that is an unknown operation, too"] = DENIED,
   ["all refusals alike"] = "yes",
   -- Who knows the password may call it what he likes: which hosts send what is not known.
   ["a digest"] = "200 ok", ["a token of another namespace"] = "200 ok",

   ["unknown operation"] = "400 ActionNotSupported", ["operation of another namespace"] = "400 ActionNotSupported",
   ["operation of the host's"] = "400 ActionNotSupported", ["another action"] = "400 ActionNotSupported",
   ["a good action of another operation"] = "400 ActionNotSupported",
   ["the other interface's path"] = "400 ActionNotSupported",
   ["an online one at the other path"] = "400 ActionNotSupported",
   ["an empty body"] = SENDER, ["two operations"] = SENDER, ["elements in a number"] = SENDER,
   ["a boolean that is none"] = SENDER, ["another envelope"] = SENDER,
   ["the number ''"] = SENDER, ["the number 'x'"] = SENDER, ["the number '-1'"] = SENDER,
   ["the number '4294967296'"] = SENDER, ["the number '1e3'"] = SENDER, ["the number '0x3'"] = SENDER,
   ["the number '3 4'"] = SENDER, ["the number '999999999999'"] = SENDER,
   ["nothing"] = SENDER, ["no XML"] = SENDER, ["an end that is missing"] = SENDER, ["cut in the middle"] = SENDER,
   ["more behind it"] = SENDER, ["a NUL"] = SENDER, ["no UTF-8"] = SENDER, ["UTF-16"] = SENDER,
   ["tags that cross"] = SENDER,
   ["a DTD"] = SENDER, ["an entity"] = SENDER, ["a bomb"] = SENDER, ["an external entity"] = SENDER,
   ["an entity that nobody has declared"] = SENDER, ["a character that XML has not"] = SENDER,
   ["a hundred levels"] = SENDER, ["no end of levels"] = SENDER,
   -- What is long is looked at before all of it is there.
   ["many attributes"] = SENDER .. " or closed", ["many namespaces"] = SENDER .. " or closed",
   ["one long name"] = SENDER .. " or closed",

   ["method GET"] = "405 -", ["method HEAD"] = "405 -", ["method PUT"] = "405 -", ["method DELETE"] = "405 -",
   ["method OPTIONS"] = "405 -", ["method TRACE"] = "405 -", ["method M-SEARCH"] = "405 -",
   ["path /"] = "404 -", ["path /MultiPoint/"] = "404 -", ["path /MultiPoint/IMultiPointServer"] = "404 -",
   ["path /MultiPoint/IMultiPointCoreEventSinkx"] = "404 -", ["path /multipoint/IMultiPointCoreEventSink"] = "404 -",
   ["path /MultiPoint/x/../IMultiPointCoreEventSin"] = "404 -", ["path *"] = "404 -",
   ["path /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] = "404 -",
   ["type none"] = "415 -", ["type text/plain"] = "415 -", ["type application/json"] = "415 -",
   ["type application/soap+xmlx"] = "415 -", ["type multipart/related"] = "415 -",
   -- What follows is libmicrohttpd's.
   ["two lengths"] = "200 ok or 400 .*", ["a length and chunks"] = "400 .*", ["a negative length"] = "400 .*",
   ["a length that is none"] = "400 .*", ["chunks that are none"] = "400 .*", ["no HTTP"] = "closed or 400 .*",
   ["no host"] = "200 ok or 400 .*", ["less than was said"] = "closed",
   ["and a good one"] = "200 ok",
}

-- Likewise, of `player.py huge`.  An answer that comes while there is more to read gets lost.
local REFUSED = "413 .* or 431 .* or closed"
local HUGE = {
   ["a length of 1 GB"] = "413 .*", ["a body of 1 GB"] = REFUSED, ["a good body of 300 kB"] = REFUSED,
   ["a good body of 200 kB"] = "200 ok", ["a body of 200 kB of nobody"] = "closed",
   ["a good body of 200 kB behind it"] = "200 ok",
   ["chunks of 1 GB"] = REFUSED, ["chunks of a byte"] = REFUSED, ["one chunk of 16 EB"] = REFUSED,
   ["a length of 100 EB"] = "413 .* or 400 .*", ["headers of 1 GB"] = REFUSED, ["a header of 1 GB"] = REFUSED,
   ["a path of 1 GB"] = REFUSED .. " or 414 .*", ["empty lines of 1 GB"] = REFUSED, ["trailers of 1 GB"] = REFUSED,
   ["and a good one"] = "200 ok",
}

local BROKEN = {
   ["plain HTTP"] = "closed", ["noise"] = "closed", ["half a hello"] = "closed", ["a hello and noise"] = "closed",
   ["an alert"] = "closed", ["nothing at all"] = "closed", ["TLS 1.0"] = "closed", ["TLS 1.1"] = "closed",
   ["TLS 1.2"] = "200 ok", ["TLS 1.3"] = "200 ok", ["a record of another key"] = "closed", ["and a good one"] = "200 ok",
}

local WATCHER = [[
   local wms = require "wms"
   local kept = {}
   wms.configure{ store = {
      load = function(server) return kept[server] end,
      save = function(server, text) kept[server] = text end,
      remove = function(server) kept[server] = nil end,
      list = function() local list = {} for server in pairs(kept) do list[#list + 1] = server end return list end,
   } }
   local hosts, servers = { %s }, {}
   for i, host in ipairs(hosts) do
      assert(wms.bind{ server = host.server, user_name = host.admin, password = host.password,
         fingerprint = host.fingerprint, events = { host_name = %q, port = %d, address = "127.0.0.1" } })
      servers[i] = host.server
   end
   local watch = assert(wms.watch{ servers = servers })
   io.stdout:setvbuf "line"
   print(assert(io.open "/proc/self/stat"):read "*n")
   while true do -- until nobody reads what it says
      local event = watch:next(0.5)
      print(event and event.kind .. (event.session and " " .. event.session.session_id or "") or "-")
   end
]]

local function missing()
   local why = multipoint.missing()
   if not why and select(2, process.run("/usr/bin/python3 -c 'import zeep'")) ~= 0 then
      return "python3-zeep is not installed"
   end
   local module = io.open((os.getenv("WMS_BUILD") or "build") .. "/lib/wms/multipoint-events.so")
   if not module then
      return why or "the module multipoint-events is not built (see what `make` left out)"
   end
   module:close()
   return why
end

describe("what a MultiPoint host tells #once", function()
   local why = missing()
   if why then
      it("is listened to", function() pending(why) end)
      return
   end

   local park, lab, other, port, input, pem, watcher, pid
   local sanitized = process.sanitized() -- what is freed is kept for a while then

   --- The next event that the watcher tells; "-": there was none for a while.
   local function told()
      return assert(watcher:read "*l", "the watcher is gone")
   end

   --- All that it tells until `last`, in short.
   local function told_until(last)
      local list, limit = {}, kit.now() + 60
      repeat
         local line = told()
         list[#list + 1] = line ~= "-" and line or nil
         assert(kit.now() < limit, "waited in vain for " .. last)
      until line == last
      return list
   end

   --- What the player says: its cases in their order, and by them how each was answered.
   local function play(...)
      local words = {}
      for i, word in ipairs{ ... } do
         words[i] = quote(word)
      end
      local output, code = process.run(("PYTHONIOENCODING=utf-8 /usr/bin/python3 -W ignore spec/host/multipoint/player.py "
         .. "%s 127.0.0.1 %d %s %s %s < %s"):format(quote(soap.wsdl()), port, NAME, quote(pem), table.concat(words, " "),
         quote(input)))
      assert.same({ 0, "done" }, { code, output:match("(%w+)\n*$") }, output)
      local cases, answers = {}, {}
      for case, answer in output:gmatch("([^\n]+): ([^\n]*)\n") do
         cases[#cases + 1], answers[case] = case, answer
      end
      return answers, cases
   end

   local function fits(answer, wanted)
      for pattern in (wanted .. " or "):gmatch("(.-) or ") do
         if answer and answer:find("^" .. (pattern:find("%.%*") and pattern or pattern:gsub("%p", "%%%0")) .. "$") then
            return true
         end
      end
      return false
   end

   local function judge(wanted, answers)
      local wrong = {}
      for case, answer in pairs(answers) do
         if not fits(answer, wanted[case] or "a case that is known") then
            wrong[#wrong + 1] = ("%s: %s instead of %s"):format(case, answer, wanted[case])
         end
      end
      for case in pairs(wanted) do
         wrong[#wrong + 1] = not answers[case] and case .. " was not tried" or nil
      end
      table.sort(wrong)
      assert.same({}, wrong)
   end

   local function kilobytes()
      return tonumber(process.run("cat /proc/" .. pid .. "/status"):match("VmRSS:%s+(%d+)"))
   end

   local function descriptors()
      return select(2, process.run("ls /proc/" .. pid .. "/fd"):gsub("%d+", ""))
   end

   --- Hundredths of a second of the processor.
   local function ticks()
      local user, system = process.run("cat /proc/" .. pid .. "/stat"):match("^%d+ %(.*%)" .. (" %S+"):rep(11)
         .. " (%d+) (%d+)")
      return tonumber(user) + tonumber(system)
   end

   setup(function()
      park = mp.start()
      port = multipoint.free_port()
      local hosts = {}
      for i, options in ipairs{
         { name = "lab01", subject = "127.0.0.1" },
         { name = "lab02", subject = "127.0.0.1", control = "another", management = "one more" },
      } do
         local host = park:host(options)
         host:set{ events = false } -- the player tells
         host:session{ id = 3, user = "alice", flags = 36 }
         host:session{ id = 4, user = "bob", flags = 44 }
         hosts[i] = ("{ server = 'multipoint://127.0.0.1:%d', admin = %q, password = %q, fingerprint = %q }"):format(
            host.http, host.admin, host.password, host.fingerprint)
      end
      lab, other = park.lab01, park.lab02
      watcher = assert(io.popen("exec env " .. process.command(WATCHER:format(table.concat(hosts, ", "), NAME, port), nil,
         "2>&1")))
      pid = tonumber((told()))
      assert(pid, "the watcher does not begin")
      told_until "ready"
      told_until "ready"
      lab:wait("sinks", 1)
      other:wait("sinks", 1)
      pem = soap.write("client.pem", lab:clients()[1].pem)
      input = soap.write("passwords", lab.control .. "\n" .. lab.management .. "\n")
      lab:reset()
   end)

   teardown(function()
      if pid then
         process.run("kill " .. pid)
      end
      if watcher then
         watcher:close()
      end
      park:stop()
      soap.sweep()
   end)

   it("is answered as the schema wants it: all 40 events, each password, and all that HTTP and XML allow", function()
      local answers, cases = play "right"
      local events = 0
      for _, case in ipairs(cases) do
         assert.equal("200 ok", answers[case], case)
         events = events + (case:find("^%w+ control$") and 1 or 0) + (case:find("^%w+ management$") and 1 or 0)
      end
      assert.equal(80, events)
      assert.equal(110, #cases)
      assert.equal(1, #lab:sinks())
   end)

   it("is refused when it is wrong", function()
      judge(WRONG, (play "wrong"))
   end)

   it("takes no more memory than an event may have", function()
      local before = kilobytes()
      judge(HUGE, (play "huge"))
      assert.is_true(sanitized or kilobytes() < before + 8000, kilobytes() - before)
   end)

   it("has to come by TLS", function()
      judge(BROKEN, (play "broken"))
   end)

   it("is answered while others drip, or hold 500 connections", function()
      local answers, cases = play "slow"
      assert.equal(4, #cases)
      for _, case in ipairs(cases) do
         assert.equal("200 ok", answers[case], case)
      end
   end)

   it("costs nothing while nobody says anything", function()
      local before = ticks()
      play("idle", "2")
      assert.is_true(ticks() - before < 60, ticks() - before)
   end)

   it("is never believed without a look", function()
      local function post(operation, ...)
         assert.equal("200 ok", play("post", operation, ...)[operation])
      end
      lab:reset()
      post("OnSessionBlocked", "idSession=3")
      post("OnSessionUnblocked", "idSession=4")
      post("OnSessionBlocked", "idSession=99")
      post("OnServiceControlSessionChange", "dwEventType=6", "idSession=3")
      lab:session{ id = 4, flags = 36 }
      post("OnSessionBlocked", "idSession=4") -- the contrary of what has happened
      assert.same({ "unlocked 4" }, told_until "unlocked 4")
      lab:session{ id = 3, flags = 44 }
      lab:session{ id = 4, flags = 44 }
      post("OnSessionBlocked", "idSession=3")
      post("OnSessionBlocked", "idSession=4")
      assert.same({ "locked 3", "locked 4" }, told_until "locked 4")
   end)

   it("is about the host whose password it has, where one listener serves several", function()
      local function looked_at(host, id)
         for _, entry in ipairs(host:log()) do
            if entry.verb == "GetSessionFlags" and entry.id == id then
               return true
            end
         end
         return false
      end
      local ours = input
      other:session{ id = 3, flags = 44 }
      for i, password in ipairs{ other.control, other.management } do
         input = soap.write("passwords", password .. "\n" .. password .. "\n")
         assert.equal("200 ok", play("post", "OnSessionBlocked", "idSession=" .. 776 + i).OnSessionBlocked)
      end
      assert.equal("200 ok", play("post", "OnSessionBlocked", "idSession=3").OnSessionBlocked)
      input = ours
      assert.same({ "locked 3" }, told_until "locked 3")
      assert.same({ true, true, false, false },
         { looked_at(other, 777), looked_at(other, 778), looked_at(lab, 777), looked_at(lab, 778) })
   end)

   it("leaves nothing behind, and makes it ask gently, when it comes by thousands", function()
      local function storm(count)
         assert.same({ ["200 ok"] = tostring(count * 0.9):match("%d+"), [DENIED] = tostring(count / 10):match("%d+") },
            (play("storm", tostring(count))))
      end
      storm(sanitized and 200 or 1000)
      local memory, open, begin = kilobytes(), descriptors(), kit.now()
      lab:reset()
      storm(sanitized and 500 or 4000)
      assert.is_true(sanitized or kilobytes() < memory + 1000, kilobytes() - memory)
      assert.is_true(descriptors() <= open + 1, descriptors() - open) -- the player's last connection may be there yet
      local counts, seconds = lab:counts(), kit.now() - begin
      assert.is_true((counts.GetAllSessions or 0) <= seconds + 2, counts.GetAllSessions)
      assert.is_true((counts.GetSessionFlags or 0) <= 10 * (seconds + 2), counts.GetSessionFlags)
   end)
end)
