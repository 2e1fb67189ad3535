--- MultiPoint hosts that mean ill: no answer of theirs takes long, or much memory, or keeps another host's waiting.
local bound = require "spec.support.bound"
local process = require "spec.support.process"

local LIMIT, PLAIN_LIMIT = 8000000, 262143
local PLAIN, TLS, PICTURE = "RequestSslCertificate", "GetServerVersion", "GetThumbnailBits"
local LIST, STRINGS = "GetAllSessions", "GetPeerWmsServerList"
local WHOLE = 4 * LIMIT / 1e6 -- MB

--- What a process of its own sees, which asks the host for each of `operations` in turn, and meanwhile a good host for its
-- sessions again and again.
local SCRIPT = [[
   assert(bind())
   local plain, fingerprint, timeout = %q, %q, %d
   local function used() return tonumber(io.open("/proc/self/status"):read("*a"):match("VmHWM:%%s*(%%d+)")) / 1024 end
   local function now() local file = io.open("/proc/uptime") local n = file:read("*n") file:close() return n end
   local function options(more)
      more.server, more.timeout = "127.0.0.1:" .. plain, timeout
      return more
   end
   local function binding()
      return options{ user_name = "a", password = "p", fingerprint = fingerprint, management = true }
   end
   local function begin(operation)
      if operation == "RequestSslCertificate" then return wms.start("bind", binding()) end
      if operation == "GetAllSessions" then return wms.start("sessions", options{}) end
      local picture = operation == "GetThumbnailBits"
      return wms.start("call", options{
         operation = operation, interface = picture and "IMultiPointSession" or "IMultiPointServer",
         arguments = picture and { idSession = 3, eBitmapSize = 0 } or nil,
      })
   end
   local bound
   for operation in ("%s"):gmatch("%%S+") do
      bound = bound or operation ~= "RequestSslCertificate" and assert(wms.bind(binding()))
      local before, start, longest, lists = used(), now(), 0, 0
      local request, other = begin(operation), wms.start("sessions", { server = host.server })
      repeat
         local asked = now()
         request:wait(0.01)
         other:step()
         longest = math.max(longest, now() - asked)
         if other:done() then
            assert(other:result())
            lists = lists + 1
            other = wms.start("sessions", { server = host.server })
         end
      until request:done() and lists > 0
      local memory = used() - before
      local result, message, err = request:result()
      io.write(("%%s|%%s|%%.2f|%%.2f|%%.1f|%%d\n"):format(result and "fine" or err.code, message or "", longest,
         now() - start, memory, type(result) == "table" and #result or 0))
   end
   os.exit(0, true)
]]

bound.describe("hostile MultiPoint hosts #once:", pending, function()
   local pipe, feed, folder

   --- Starts spec/host/hostile.py with such rules; returns its port and fingerprint.
   local function start(words)
      folder = process.run("mktemp -d"):match("%S+")
      assert.same({ "", 0 }, { process.run("mkfifo " .. folder .. "/feed") })
      pipe = io.popen(("exec python3 spec/host/hostile.py %s %s <%s/feed 2>&1"):format(folder, table.concat(words, " "),
         folder))
      feed = assert(io.open(folder .. "/feed", "w"))
      local said = pipe:read("*l") or ""
      local plain, _, fingerprint = said:match("^(%d+) (%d+) (%x+)$")
      assert(plain, said)
      return plain, fingerprint
   end

   after_each(function()
      if feed then
         feed:close() -- which ends it
         pipe:close()
      end
      if folder then
         process.run("rm -rf " .. process.quote(folder))
      end
      pipe, feed, folder = nil, nil, nil
   end)

   --- `cases`: { operation, answer, size } each.  Returns what is said of each: how, message, took, memory, count.
   local function ask(cases, timeout)
      local rules, operations, list = {}, {}, {}
      for i, case in ipairs(cases) do
         rules[i] = ("%s %s %.0f"):format(case[1], case[2], case[3])
         operations[i] = case[1]
      end
      local plain, fingerprint = start(rules)
      local _, environment = bound.folder()
      local output, code = bound.script(bound.stranger(), SCRIPT:format(plain, fingerprint, timeout or 60,
         table.concat(operations, " ")), ("%s ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 LD_PRELOAD=%s"):format(
         environment, process.program("preload_parser.so")))
      assert.equal(0, code, output)
      local parsed = tonumber(output:match("parsed %d+ bytes, at most (%d+) in a turn"))
      assert(parsed and parsed < 400000, output)
      for how, message, longest, took, memory, count in output:gmatch("([^|\n]*)|([^\n]*)|(%S+)|(%S+)|(%S+)|(%d+)\n") do
         local case = cases[#list + 1]
         assert(tonumber(longest) < 2, case[2] .. ": others waited for " .. longest .. " s") -- it was 8 s and more, once
         list[#list + 1] = {
            how = how, message = message, took = tonumber(took), memory = tonumber(memory), count = tonumber(count),
         }
      end
      assert.equal(#cases, #list, output)
      return list
   end

   --- Megabytes that were used, where our own allocations are what is counted.
   local function check_memory(what, memory, limit)
      assert(memory < limit or process.sanitized(), ("%s: %.1f MB more memory were used"):format(what, memory))
   end

   --- Each of { operation, answer, size, reason } is refused for that reason, and takes less than so many MB.
   local function refused(cases, memory)
      for i, said in ipairs(ask(cases)) do
         local what = cases[i][2] .. ": " .. said.message
         assert.equal("PROTOCOL", said.how, what)
         assert.truthy(said.message:find(cases[i][4], 1, true), what)
         check_memory(what, said.memory, memory)
         assert.is_nil(said.message:find("%c"))
      end
   end

   it("before anybody is trusted, texts are refused that are long, wide, deep, or of many things", function()
      refused({
         { PLAIN, "elements", 2 ^ 23, "longer than 262143 bytes" },
         { PLAIN, "attributes", PLAIN_LIMIT - 1000, "too many attributes" },
         { PLAIN, "attributes_of_many", PLAIN_LIMIT - 1000, "too many elements or attributes" },
         { PLAIN, "namespaces", PLAIN_LIMIT - 1000, "too many namespaces" },
         { PLAIN, "elements", PLAIN_LIMIT - 1000, "too many elements" },
         { PLAIN, "depth", PLAIN_LIMIT - 1000, "nested too deeply" },
         { PLAIN, "entities", 100000, "document type" },
      }, 6)
   end)

   it("before anybody is trusted, headers are refused that do not end, and what is compressed", function()
      refused({
         { PLAIN, "headers", 2 ^ 26, "headers" },
         { PLAIN, "one_header", 2 ^ 26, "headers" },
         { PLAIN, "status_line", 2 ^ 26, "headers" },
         { PLAIN, "cookies", 2 ^ 26, "headers" },
         { PLAIN, "challenges", 2 ^ 26, "headers" },
         { PLAIN, "interim", 2 ^ 26, "headers" },
         { PLAIN, "trailers", 2 ^ 26, "headers" },
         { PLAIN, "content_bomb", 2 ^ 20, "nobody has asked for" },
         { PLAIN, "transfer_bomb", 2 ^ 20, "nobody has asked for" },
      }, 6)
   end)

   it("of who is trusted, too, nothing takes long or much memory", function()
      refused({
         { TLS, "attributes", LIMIT - 1000, "too many attributes" },
         { TLS, "attributes_of_many", LIMIT - 10000, "too many elements or attributes" },
         { TLS, "namespaces", LIMIT - 100000, "too many namespaces" },
         { TLS, "elements", LIMIT - 1000, "too many elements" },
         { TLS, "depth", LIMIT - 1000, "nested too deeply" },
         { TLS, "entities", 2 ^ 21, "document type" },
         { TLS, "comment", LIMIT - 2000, "too long" },
         { TLS, "section", LIMIT - 2000, "too long" },
         { TLS, "instruction", LIMIT - 2000, "too long" },
         { TLS, "fault", LIMIT - 1000, "too many elements" },
         { TLS, "trailers", 2 ^ 26, "headers" },
         { LIST, "ids", LIMIT - 2000, "" },
      }, WHOLE)
   end)

   it("an answer as long as it may be is used, and takes no more than four times as much", function()
      for i, case in ipairs{
         { TLS, "names", LIMIT - 10000 }, { TLS, "references", LIMIT - 10000 }, { PICTURE, "picture", LIMIT - 10000 },
         { STRINGS, "strings", LIMIT - 10000 }, { TLS, "text", 5000000 }, { LIST, "sessions", 5000 },
      } do
         local said = ask({ case })[1]
         assert.same({ case[2], "fine", i == 6 and 5000 or 0 }, { case[2], said.how, said.count }, said.message)
         check_memory(case[2], said.memory, WHOLE)
         feed:close()
         pipe:close()
         process.run("rm -rf " .. process.quote(folder))
         feed, pipe, folder = nil, nil, nil
      end
   end)

   it("what comes slowly, or without end, ends by the timeout", function()
      for i, said in ipairs(ask({
         { PLAIN, "trickle", 10000 }, { PLAIN, "trickle_headers", 10000 }, { PLAIN, "extensions", 2 ^ 40 },
         { TLS, "trickle", 10000 }, { TLS, "trickle_headers", 10000 }, { TLS, "extensions", 2 ^ 40 },
      }, 1)) do
         assert.equal("TIMEOUT", said.how, i .. said.message)
         assert(said.took < 15, i .. " took " .. said.took)
         check_memory(i, said.memory, 6)
      end
   end)
end)
