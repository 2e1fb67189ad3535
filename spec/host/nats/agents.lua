-- SPDX-License-Identifier: MIT
--- Agents for the specs: a program that has as many of them as it is told, each over an embedded host.
--
--    lua agents.lua
--
-- Prints "PID PORT", and runs what comes at that port on loopback: a line with the size of a text in Lua, then the text; it
-- answers likewise with what the text returns, or "error: ...".  The text knows `wms`, `hosts` (the embedded hosts by name)
-- and the functions below.  The program ends when the connection does.
local wms = require "wms"
local socket = require "socket"
local waiting = require "wms.loop.waiting"

local driver = waiting.driver
local agents = { wms = wms, hosts = {}, kept = {}, literal = dofile "spec/host/nats/literal.lua" }
local VERBS = { "sessions", "unlock", "lock", "disconnect", "close", "message", "reboot", "power_off", "thumbnail" }

local function wait_for(requests)
   for host, request in pairs(requests) do
      while not request:done() do
         request:wait(1)
      end
      local value, problem = request:result()
      if value == nil then
         error(host .. ": " .. problem, 0)
      end
      request:close()
   end
end

local function name_of(options, i)
   return (options.prefix or "host") .. i .. (options.suffix or "")
end

--- An embedded host of that name, unless there is one.
local function host_of(name, options)
   if not agents.hosts[name] then
      local sessions = {}
      for id = 1, options.sessions or 1 do
         sessions[id] = { session_id = id, user_name = "user" .. id, locked = options.locked or false }
      end
      agents.hosts[name] = wms.memory(name, { sessions = sessions, latency = options.latency })
   end
end

--- Agents.  Fields: prefix ("host"), suffix, first, last, sessions (of each), locked, policy, beat, latency, server (what
-- all of them serve, in place of embedded hosts).  Returns when all are connected.
function agents.serve(options)
   local requests = {}
   for i = options.first or 1, options.last or 1 do
      local name = name_of(options, i)
      if not options.server then
         host_of(name, options)
      elseif options.server:find "^%a+://" then
         assert(wms.load{ options.server:match "^%a+" }) -- an agent's own commands cannot look for it
      end
      requests[name] = assert(wms.start("call", {
         server = "nats://" .. name, interface = "agent", operation = "serve", timeout = 60,
         arguments = {
            host = name, server = options.server or "memory://" .. name, beat = options.beat,
            policy = options.policy or { ["*"] = VERBS },
         },
      }))
   end
   wait_for(requests)
end

function agents.stop(first, last, prefix)
   local requests = {}
   for i = first, last do
      local name = (prefix or "host") .. i
      requests[name] = assert(wms.start("call", {
         server = "nats://" .. name, interface = "agent", operation = "stop", timeout = 60,
      }))
   end
   wait_for(requests)
end

--- An agent that also keeps its host as it is wished (`wms agent`): the same fields, but for `server`.
function agents.keep(options)
   for i = options.first or 1, options.last or 1 do
      local name = name_of(options, i)
      host_of(name, options)
      local one = assert(require("wms.agent").serve{
         host = name, server = "memory://" .. name, policy = options.policy or { ["*"] = VERBS }, beat = options.beat,
      })
      agents.kept[name] = one
      repeat
         one:wait(0.05)
      until one:serving() or one:done()
      if one:done() then
         error(select(2, one:result()), 0)
      end
   end
end

--- Whether the session is locked: "true", "false".
function agents.locked(name, id)
   return agents.hosts[name]:session(id or 1).locked
end

local logged = {} -- how long each host's log was when it was as new

--- All embedded hosts are as new, with so many locked sessions.
function agents.renew(count)
   for name, host in pairs(agents.hosts) do
      for id = 1, count do
         pcall(host.drop, host, id)
         host:open{ session_id = id, user_name = "user" .. id, locked = true }
      end
      logged[name] = #host:log()
   end
end

--- Runs for some seconds.
function agents.turns(seconds)
   waiting.wait(seconds)
end

--- How often hosts were asked to do `verb` with a session, since they were as new: a line "TIMES COUNT" for each number of
-- times that there is (0 is left out).
function agents.counts(verb)
   local times = {}
   for name, host in pairs(agents.hosts) do
      local seen = {}
      for i, entry in ipairs(host:log()) do
         if entry.verb == verb and i > (logged[name] or 0) then
            seen[entry.session_id] = (seen[entry.session_id] or 0) + 1
         end
      end
      for _, count in pairs(seen) do
         times[count] = (times[count] or 0) + 1
      end
   end
   local lines = {}
   for count, sessions in pairs(times) do
      lines[#lines + 1] = ("%d %d"):format(count, sessions)
   end
   table.sort(lines)
   return table.concat(lines, "\n")
end

-- ---------------------------------------------------------------- the loop

local listener = assert(socket.bind("127.0.0.1", 0))
local file = assert(io.open("/proc/self/stat"))
print(file:read("*n"), (select(2, listener:getsockname())))
io.stdout:flush()
file:close()
local control = assert(listener:accept())
control:setoption("tcp-nodelay", true)
-- What socket.select() waits for beside the control connection: the engine's descriptor.
local engine = { getfd = function() return driver:pollfd() end, dirty = function() return false end }

local function run(text)
   local load_text = loadstring or load -- luacheck: ignore 113
   local chunk, problem = load_text(text, "=control")
   if not chunk then
      return "error: " .. problem
   end
   local environment = setmetatable(agents, { __index = _G })
   if setfenv then -- luacheck: ignore 113
      setfenv(chunk, environment) -- luacheck: ignore 113
   else
      debug.setupvalue(chunk, 1, environment)
   end
   local ok, result = pcall(chunk)
   return ok and tostring(result) or "error: " .. tostring(result)
end

while true do
   local readable = socket.select({ control, engine }, nil)
   if readable[engine] then
      assert(waiting.turn())
   end
   if readable[control] then
      local size = control:receive("*l")
      if not size then
         os.exit(0, true)
      end
      local answer = run(assert(control:receive(tonumber(size))))
      control:send(#answer .. "\n" .. answer)
   end
end
