-- SPDX-License-Identifier: MIT
--- What all specs share.  Runs on every Lua from 5.1 on.
local wms = require "wms"

local kit = { wms = wms }

local unpack = table.unpack or unpack -- luacheck: ignore 143
local serial = 0

--- A name that no memory host of this process has had: specs share one engine, and busted loads this file once a spec.
function kit.name(prefix)
   serial = serial + 1
   return (prefix or "lab") .. "-" .. tostring({}):gsub("^.-(%x+)$", "%1") .. "-" .. serial
end

--- Seconds of a clock that only goes forward, to 1/100 s.
function kit.now()
   local file = io.open("/proc/uptime")
   local seconds = file:read("*n")
   file:close()
   return seconds
end

--- Leaves the processor to those who are waited for, where this Lua has luasocket.
local has_socket, socket = pcall(require, "socket")
local function pause(seconds)
   if has_socket then
      socket.sleep(seconds)
   end
end

--- Calls `check` until it returns something true, and returns that; fails after `seconds` (20).  `step` is called between.
function kit.await(check, step, seconds)
   local limit = kit.now() + (seconds or 20)
   repeat
      local value = check()
      if value then
         return value
      end
      if step then
         step()
      else
         pause(0.005)
      end
   until kit.now() > limit
   error("waited in vain for " .. (seconds or 20) .. " s", 2)
end

--- Polls a request as an event loop would, but without one.
function kit.finish(request)
   kit.await(function()
      return request:done()
   end, function()
      if not request:step() then
         pause(0.001)
      end
   end)
   return request
end

--- Runs the request until the check holds.
function kit.pump(request, check)
   return kit.await(check, function()
      request:wait(0.005)
   end)
end

--- Closes at the end of a test what the test made: `local keep, sweep = kit.keeper(); after_each(sweep)`.
function kit.keeper()
   local kept = {}
   return function(thing)
      kept[#kept + 1] = thing
      return thing
   end, function()
      for i = #kept, 1, -1 do
         kept[i]:close()
         kept[i] = nil
      end
   end
end

--- The module's settings as they were at first.
function kit.reset()
   wms.configure{
      timeout = 30, concurrency = 32, log = false, allow = false,
      store = false, connections = 4, answer_size = 8000000, proxy = false, ssh_command = false,
      nats = false,
   }
end

--- A store for bindings that keeps them in the table `kept`, and counts in `asked` how often it was asked.
function kit.store()
   local store = { kept = {}, asked = {} }
   function store.load(server)
      store.asked[server] = (store.asked[server] or 0) + 1
      return store.kept[server]
   end
   function store.save(server, text)
      store.kept[server] = text
   end
   function store.remove(server)
      store.kept[server] = nil
   end
   function store.list()
      local list = {}
      for server in pairs(store.kept) do
         list[#list + 1] = server
      end
      return list
   end
   return store
end

--- Lets the providers for the specs be found (spec/c/provider_NAME.c): `local open, close = kit.providers()`, for setup and
-- teardown.
function kit.providers()
   local cpath = package.cpath
   return function()
      package.cpath = (os.getenv("WMS_BUILD") or "build") .. "/spec/?.so;" .. cpath
   end, function()
      package.cpath = cpath
   end
end

--- it() for what cannot be shown everywhere: `local test = kit.needing(skip, logind.missing, …)`.  Each of the functions
-- returns nil, or why it cannot; `skip(why)` is the spec's `pending`.
function kit.needing(skip, ...)
   local needs = { ... }
   return function(text, body)
      require "busted".it(text, function()
         for _, missing in ipairs(needs) do
            local why = missing()
            if why then
               skip(why)
               return -- where `skip` was taken outside of a test it raises nothing
            end
         end
         body()
      end)
   end
end

--- One field of every item of a list: { { a = 1 }, { a = 2 } } -> { 1, 2 }.  A field that is not there shows as "nil".
function kit.pluck(list, ...)
   local result = {}
   for i, item in ipairs(list) do
      for _, field in ipairs{ ... } do
         if type(item) == "table" then
            item = item[field]
         end
      end
      if item == nil then
         item = "nil"
      end
      result[i] = item
   end
   return result
end

--- { 1, 2, 3 } -> { [1] = true, … }
function kit.set(list)
   local result = {}
   for _, value in ipairs(list) do
      result[value] = true
   end
   return result
end

function kit.sorted(list)
   local result = { unpack(list) }
   table.sort(result, function(a, b)
      return tostring(a) < tostring(b)
   end)
   return result
end

--- The outcomes of a command's return values, whether it went well or not.
function kit.outcomes(list, _, err)
   return list or err.outcomes
end

local STATES = kit.set{ "requested", "verified", "planned", "failed", "unknown", "skipped", "gone" }
local CODES = kit.set{
   "NOT_FOUND", "ACCESS_DENIED", "UNREACHABLE", "TIMEOUT", "UNSUPPORTED", "NOT_BOUND", "UNTRUSTED", "PROTOCOL",
   "UNVERIFIED", "REVERTED", "CANCELLED", "BUSY", "FORKED", "NO_PROVIDER", "NO_MEMORY",
}
local AS_ASKED = kit.set{ "requested", "verified", "planned", "gone" }
local FIELDS = kit.set{ "server", "session_id", "user_name", "state", "changed", "error", "note", "identity",
   "value", "partial", "station_id", "picture", "width",
   "height", "time" }

kit.codes = CODES

--- An outcome has the documented shape, whatever is in it.
function kit.shape(outcome)
   assert(type(outcome) == "table", "an outcome is a table")
   assert(type(outcome.server) == "string", "an outcome names its server")
   for field in pairs(outcome) do
      assert(FIELDS[field], "an outcome has a field that nobody documented: " .. tostring(field))
   end
   assert(STATES[outcome.state], "no state: " .. tostring(outcome.state))
   assert(outcome.changed == nil or outcome.state == "verified", "`changed` without `verified`")
   assert(outcome.changed == nil or type(outcome.changed) == "boolean", "`changed` is a boolean")
   assert(outcome.user_name == nil or type(outcome.user_name) == "string", "a user's name is a string")
   if outcome.error == nil then
      local spared = outcome.state == "skipped" and outcome.note
      assert(AS_ASKED[outcome.state] or spared, "not as asked, and no error: " .. outcome.state)
   else
      assert(CODES[outcome.error.code], "no documented code: " .. tostring(outcome.error.code))
      assert(type(outcome.error.message) == "string" and #outcome.error.message > 0, "an error says what happened")
      assert(not outcome.error.message:find("\n"), "one line")
      assert(outcome.state ~= "verified" and outcome.state ~= "planned", "an error in " .. outcome.state)
      if outcome.state == "unknown" then
         local text = outcome.error.message
         assert(text:find("may") and not text:lower():find("not done"), "it may still be carried out: " .. text)
      end
   end
   return outcome
end

--- A command that went well: returns its outcomes, or its sessions.
function kit.fine(...)
   local list, message = ...
   assert(list ~= nil, message)
   assert(select("#", ...) == 1, "one value when all went well")
   assert(type(list) == "table")
   for _, item in ipairs(list) do
      if STATES[item.state] then -- not a session object
         assert(kit.shape(item).error == nil, "an error in a list without an error")
      end
   end
   return list
end

--- A command that did not: returns its error object, whose shape is as documented.
function kit.fault(...)
   local list, message, err = ...
   assert(list == nil, "it went well")
   assert(type(message) == "string" and #message > 0 and not message:find("\n"), "the message is one line")
   assert(type(err) == "table" or type(err) == "userdata", "the third value is the error")
   assert(tostring(err) == message, "tostring(err) is the message")
   assert(err.message == message, "err.message is the message")
   assert(CODES[err.code], "no documented code: " .. tostring(err.code))
   assert(type(err.outcomes) == "table", "err.outcomes")
   local first -- of those that failed; one that was skipped, if there are no others
   for _, outcome in ipairs(err.outcomes) do
      if kit.shape(outcome).error and (not first or (first.state == "skipped" and outcome.state ~= "skipped")) then
         first = outcome
      end
   end
   assert(first, "an error without an outcome that failed")
   assert(err.code == first.error.code, "the code is that of the first outcome that failed")
   assert(err.server == first.server, "the server is that of the first outcome that failed")
   assert(err.session_id == first.session_id, "the id is that of the first outcome that failed")
   return err
end

--- Words that tell what to do instead.
local FIXES = { "give", "use", "call", "leave", "remove", "pass", "drop", "name", "set", "write" }

local function contains(text, words)
   for _, word in ipairs(words) do
      if not text:find(word, 1, true) then
         return false, word
      end
   end
   return true
end

local function has_fix(text)
   for _, word in ipairs(FIXES) do
      if text:find("%f[%a]" .. word .. "%f[%A]") then
         return true
      end
   end
   return false
end

--- `call` must raise a misuse of the function `name`, whose message has all of `words` (the argument, the fix).
function kit.misuse(name, words, call)
   local ok, message = pcall(call)
   assert(not ok, "'" .. name .. "' did not refuse it; wanted: " .. table.concat(words, ", "))
   assert(type(message) == "string", "misuse raises a string")
   assert(message:find("bad argument #%d+ to '" .. name .. "' %("), "no bad argument to '" .. name .. "': " .. message)
   local said, missing = contains(message, words)
   assert(said, "'" .. tostring(missing) .. "' is not in: " .. message)
   assert(has_fix(message), "no fix in: " .. message)
   assert(not message:find("\n") and not message:find("%z"), "one line without NUL")
   return message
end

--- Calls `visit` with the list in every order of its items from `from` on.
function kit.permutations(list, from, visit)
   if from > #list then
      visit(list)
   end
   for i = from, #list do
      list[from], list[i] = list[i], list[from]
      kit.permutations(list, from + 1, visit)
      list[from], list[i] = list[i], list[from]
   end
end

return kit
