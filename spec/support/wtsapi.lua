-- SPDX-License-Identifier: MIT
--- The Windows session API as a program sees it that knows libwinpr only: spec/winpr/wtsapi_client.c, read.
local kit = require "spec.support.kit"
local process = require "spec.support.process"

local wtsapi = {}

local build = os.getenv("WMS_BUILD") or "build"
local library = build .. "/lib/libwms-wtsapi.so"

--- For programs that fork: what only a thread of the parent knew is lost in the child, and no leak of ours.
wtsapi.forking = "ASAN_OPTIONS=detect_leaks=0"

--- Windows' numbers.
wtsapi.error = {
   FILE_NOT_FOUND = 2, ACCESS_DENIED = 5, INVALID_HANDLE = 6, OUTOFMEMORY = 14, NOT_SUPPORTED = 50, INVALID_PARAMETER = 87,
   MOD_NOT_FOUND = 126, NO_UNICODE_TRANSLATION = 1113, INVALID_COMPUTERNAME = 1210, NOT_AUTHENTICATED = 1244,
   TIMEOUT = 1460, SERVER_UNAVAILABLE = 1722, CALL_FAILED = 1726, UNTRUSTEDROOT = 0x800B0109,
}
wtsapi.state = { Active = 0, Connected = 1, Disconnected = 4, Down = 8 }
wtsapi.event = {
   CREATE = 1, DELETE = 2, RENAME = 4, CONNECT = 8, DISCONNECT = 16, LOGON = 32, LOGOFF = 64, STATECHANGE = 128,
   ALL = 0x7FFFFFFF,
}

--- nil, or why there is no such library here.
function wtsapi.missing()
   local file = io.open(library)
   if not file then
      return library .. " is not built (see what `make` left out)"
   end
   file:close()
   return nil
end

--- The command that runs a program of spec/winpr with the library; `environment` is put before it.
function wtsapi.command(name, words, environment)
   local line = { "WTSAPI_LIBRARY=" .. process.quote(library), environment or "", "timeout 100", process.program(name) }
   for _, word in ipairs(words) do
      line[#line + 1] = process.quote(type(word) == "number" and ("%.0f"):format(word) or word)
   end
   return table.concat(line, " ")
end

local function value_of(text)
   if text == "~" then
      return false
   end
   if text:match("^%-?%d+$") then
      return tonumber(text)
   end
   return (text:gsub("%%(%x%x)", function(hex)
      return string.char(tonumber(hex, 16))
   end))
end

local function read(line)
   local result = { command = line:match("^%S+") }
   for key, value in line:gmatch(" (%w+)=(%S*)") do
      result[key] = value_of(value)
   end
   return result
end

local function read_all(text)
   local results = {}
   for line in text:gmatch("[^\n]+") do
      results[#results + 1] = read(line)
   end
   return results
end

--- Runs the client; returns what each line that it printed says: { command =, key = value, … }; false is NULL.
function wtsapi.run(words, environment)
   local output, code = process.run(wtsapi.command("wtsapi_client", words, environment))
   assert(code == 0, ("exit code %s: %s"):format(code, output))
   return read_all(output)
end

--- The one line of that command.
function wtsapi.one(results, command)
   local found
   for _, result in ipairs(results) do
      if result.command == command then
         assert(not found, "more than one " .. command)
         found = result
      end
   end
   return assert(found, "no " .. command)
end

--- What the client says when it opens `server` and does one thing: its error, or 0.
function wtsapi.outcome(server, words, environment)
   local all = { "open", server }
   for _, word in ipairs(words) do
      all[#all + 1] = word
   end
   local results = wtsapi.run(all, environment)
   local result = results[2]
   assert(results[1].ok and result and #results == 2, "it did more than one thing")
   return result.error or 0, result
end

--- Sessions by id, in one of the lists: "list", "listA", "listEx", "listExA".
function wtsapi.sessions(server, kind, environment)
   local sessions, count = {}, 0
   local results = wtsapi.run({ "open", server, kind or "listEx" }, environment)
   for _, result in ipairs(results) do
      if result.command == "session" then
         sessions[result.id] = result
         count = count + 1
      end
   end
   assert(wtsapi.one(results, "list").count == count, "a list that cannot be counted")
   return sessions
end

--- Answers by class: { [class] = { W =, A = } }.
function wtsapi.query(server, id, environment)
   local classes = {}
   for _, result in ipairs(wtsapi.run({ "open", server, "query", id }, environment)) do
      if result.command == "query" then
         classes[result.class] = classes[result.class] or {}
         classes[result.class][result.kind] = result
      end
   end
   return classes
end

--- Starts the client; it stops at each word "go" until :go().
function wtsapi.start(words, environment)
   local file = os.tmpname()
   local pipe = assert(io.popen(wtsapi.command("wtsapi_client", words, environment) .. " >" .. file .. " 2>&1", "w"))
   local client = {}

   function client.lines()
      local opened = io.open(file)
      local text = opened:read("*a")
      opened:close()
      return read_all(text:match("^.*\n") or "")
   end

   --- Waits for line `number` of that command; returns it.
   function client.await(command, number)
      return kit.await(function()
         local seen = 0
         for _, line in ipairs(client.lines()) do
            seen = seen + (line.command == command and 1 or 0)
            if seen == (number or 1) and line.command == command then
               return line
            end
         end
      end)
   end

   local gone = 0

   function client.go()
      gone = gone + 1
      client.await("go", gone)
      assert(pipe:write("go\n"))
      pipe:flush()
   end

   --- Its end: what it has printed.
   function client.close()
      if pipe then
         pipe:close()
         pipe = nil
         client.all = client.lines()
         os.remove(file)
      end
      return client.all
   end

   return client
end

--- Whether the event flags hold all of the names.
function wtsapi.has(flags, ...)
   for _, name in ipairs{ ... } do
      local bit = wtsapi.event[name]
      if flags % (2 * bit) < bit then
         return false, name
      end
   end
   return true
end

return wtsapi
