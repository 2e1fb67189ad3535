-- SPDX-License-Identifier: MIT
--- Hosts that mean ill, spec/host/hostile.py, and what a process sees that talks to them.
local bound = require "spec.support.bound"
local process = require "spec.support.process"
local assert = require "luassert"

local hostile = {}

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
      if operation == "RequestSslCertificate" or operation == "BIND" then return wms.start("bind", binding()) end
      if operation == "GetAllSessions" then return wms.start("sessions", options{}) end
      local picture = operation == "GetThumbnailBits"
      return wms.start("call", options{
         operation = operation, interface = picture and "IMultiPointSession" or "IMultiPointServer",
         arguments = picture and { idSession = 3, eBitmapSize = 0 } or nil,
      })
   end
   local bound
   for operation in ("%s"):gmatch("%%S+") do
      bound = bound or operation ~= "RequestSslCertificate" and operation ~= "BIND" and assert(wms.bind(binding()))
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

function hostile.stop()
   if feed then
      feed:close() -- which ends it
      pipe:close()
   end
   if folder then
      process.run("rm -rf " .. process.quote(folder))
   end
   pipe, feed, folder = nil, nil, nil
end

--- `cases`: { operation, answer, size } each; `tls`: { how, size }, what its TLS connections begin with, or nil.  The
-- operation BIND is not one of the host's, but to bind to it.  Returns what is said of each: how, message, took, memory,
-- count.
function hostile.ask(cases, timeout, tls)
   local rules, operations, list = {}, {}, {}
   for i, case in ipairs(cases) do
      rules[i] = ("%s %s %.0f"):format(case[1], case[2], case[3])
      operations[i] = case[1]
   end
   rules[#rules + 1] = tls and ("TLS %s %.0f"):format(tls[1], tls[2]) or nil
   local plain, fingerprint = start(rules)
   local _, environment = bound.folder()
   local output, code = bound.script(bound.stranger(), SCRIPT:format(plain, fingerprint, timeout or 60,
      table.concat(operations, " ")), ("%s ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 LD_PRELOAD=%s"):format(
      environment, process.program("preload_parser.so")))
   assert.equal(0, code, output)
   local parsed = tonumber(output:match("parsed %d+ bytes, at most (%d+) in a turn"))
   local received = tonumber(output:match("received at most (%d+) in a turn"))
   assert(parsed and parsed < 400000 and received > 0 and received < 4000000, output)
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
function hostile.check_memory(what, memory, limit)
   assert(memory < limit or process.sanitized(), ("%s: %.1f MB more memory were used"):format(what, memory))
end

--- Each of { operation, answer, size, reason } is refused for that reason, and takes less than so many MB.
function hostile.refused(cases, memory, tls)
   for i, said in ipairs(hostile.ask(cases, nil, tls)) do
      local what = cases[i][2] .. ": " .. said.message
      assert.equal("PROTOCOL", said.how, what)
      assert.truthy(said.message:find(cases[i][4], 1, true), what)
      hostile.check_memory(what, said.memory, memory)
      assert.is_nil(said.message:find("%c"))
   end
end

return hostile
