-- SPDX-License-Identifier: MIT
--- Hosts that are reached over NATS: agents in this process for single hosts, and programs with many (spec/host/nats).
--
--     room.use(server)                          -- wms.configure{ nats = … }
--     room.serve{ host =, server =, policy = }  -- an agent in this process; room.stop(host)
--     local many = room.program{ urls = server.url }
--     many:eval 'serve{ first = 1, last = 1000, sessions = 30 }'  many:counts "close"
--     teardown(room.down)
local kit = require "spec.support.kit"
local nats = require "spec.support.nats"
local process = require "spec.support.process"
local wms = kit.wms

local room = {}

room.verbs = { "sessions", "unlock", "lock", "disconnect", "close", "message", "reboot", "power_off", "thumbnail" }
room.anybody = { ["*"] = room.verbs }

local served, programs, server = {}, {}, nil

--- nil, or why there are no such hosts.
function room.missing()
   return nats.missing()
end

--- The server of all tests that need no other one, with the buckets.
function room.server()
   if not server then
      server = nats.start{ jetstream = true }
      room.use(server)
      room.prepare()
   end
   return server
end

--- From now on hosts are reached by this server or list of URLs; `more` are further fields of `nats`.
function room.use(which, more)
   local settings = { servers = which.urls or which.url or which }
   for key, value in pairs(more or {}) do
      settings[key] = value
   end
   wms.configure{ nats = settings }
end

local function call(host, interface, operation, arguments, timeout)
   return wms.call{ server = "nats://" .. host, interface = interface, operation = operation, arguments = arguments,
      timeout = timeout }
end
room.call = call

--- Makes the buckets for presence and wishes.
function room.prepare(replicas)
   assert(call("store", "store", "prepare", { replicas = replicas or 1 }))
end

--- Fields: host, server, policy (anybody may do anything), beat.  Returns the host's address.
function room.serve(options)
   local arguments = { host = options.host, server = options.server, policy = options.policy or room.anybody,
      beat = options.beat }
   assert(call(options.host, "agent", "serve", arguments))
   served[#served + 1] = options.host
   return "nats://" .. options.host
end

function room.stop(host)
   assert(call(host, "agent", "stop"))
   for i, one in ipairs(served) do
      if one == host then
         table.remove(served, i)
         break
      end
   end
end

--- Ends the agents of this process.
function room.sweep()
   for i = #served, 1, -1 do
      pcall(room.stop, served[i])
      served[i] = nil
   end
end

-- ---------------------------------------------------------------- many agents in a process of its own

local literal = dofile "spec/host/nats/literal.lua"
room.literal = literal

local Program = {}
Program.__index = Program

--- Fields: nats (settings for wms.configure), environment (before the command).
function room.program(options)
   local socket = require "socket"
   local command = "exec env %s LUA_PATH=%s LUA_CPATH=%s setpriv --pdeathsig KILL %s spec/host/nats/agents.lua </dev/null"
   local pipe = assert(io.popen(command:format(options.environment or "", process.quote(package.path),
      process.quote(package.cpath), process.lua())))
   local pid, port = (pipe:read("*l") or ""):match("^(%d+)%s+(%d+)")
   assert(pid, "the agents' program does not start")
   local program = setmetatable({ pipe = pipe, pid = tonumber(pid) }, Program)
   program.socket = assert(socket.connect("127.0.0.1", tonumber(port)))
   program.socket:setoption("tcp-nodelay", true)
   program.socket:settimeout(120)
   programs[#programs + 1] = program
   program:eval("wms.configure{ nats = " .. room.literal(options.nats) .. " }")
   return program
end

--- Begins to run a text there; finish() returns what it returns.
function Program:begin(text)
   assert(self.socket:send(#text .. "\n" .. text))
end

function Program:finish()
   local size = assert(self.socket:receive("*l"))
   local answer = size == "0" and "" or assert(self.socket:receive(tonumber(size)))
   assert(answer:sub(1, 7) ~= "error: ", answer)
   return answer
end

function Program:eval(text)
   self:begin(text)
   return self:finish()
end

--- { [TIMES] = SESSIONS }: how many sessions its hosts were asked to do `verb` with once, twice, …
function Program:counts(verb)
   local result = {}
   for times, sessions in self:eval(("return counts %q"):format(verb)):gmatch("(%d+) (%d+)") do
      result[tonumber(times)] = tonumber(sessions)
   end
   return result
end

function Program:kill(signal)
   if self.pid then
      process.run(("kill -%s %d"):format(signal or "KILL", self.pid))
      self.socket:close()
      self.pipe:close()
      self.pid = nil
   end
end

--- Ends everything, the servers too.
function room.down()
   for i = #programs, 1, -1 do
      programs[i]:kill()
      programs[i] = nil
   end
   room.sweep()
   server = nil
   nats.down()
end

-- ---------------------------------------------------------------- the contract's adapter

--- An embedded host of a program, with the methods of one of this process.
local function remote_memory(program, name, options)
   program:eval(("hosts[%q] = wms.memory(%q, %s)"):format(name, name, room.literal(options)))
   return setmetatable({}, { __index = function(_, method)
      return function(_, ...)
         local words = {}
         for i = 1, select("#", ...) do
            words[i] = room.literal((select(i, ...)))
         end
         local text = program:eval(("return literal(hosts[%q]:%s(%s))"):format(name, method, table.concat(words, ", ")))
         return assert((loadstring or load)("return " .. text))() -- luacheck: ignore 113
      end
   end })
end

--- The adapter for hosts of another adapter, whose agents are in a program: what is asked here and there does not share an
-- engine.  `more` says what they can do beyond or not.
function room.over(inner, more)
   local adapter = setmetatable({ name = "nats over " .. inner.name, can = {} }, { __index = inner })
   local program, count = nil, 0
   for word, value in pairs(inner.can) do
      adapter.can[word] = value
   end
   for word, value in pairs(more or {}) do
      adapter.can[word] = value or nil
   end

   function adapter.missing()
      return room.missing() or not pcall(require, "socket") and "this Lua has no luasocket" or inner.missing()
   end

   local function ready()
      room.use(room.server())
      program = program or room.program{ nats = { servers = room.server().url } }
   end

   function adapter.host(options)
      ready()
      local memory = wms.memory
      wms.memory = function(name, settings)
         return remote_memory(program, name, settings)
      end
      local ok, host = pcall(inner.host, options)
      wms.memory = memory
      assert(ok, host)
      count = count + 1
      host.inner, host.name = host.server, ("lab%d"):format(count)
      host.server = "nats://" .. host.name
      program:eval(("serve{ prefix = 'lab', first = %d, last = %d, server = %q }"):format(count, count, host.inner))
      return host
   end

   --- No agent of that name is there.
   function adapter.unreachable()
      ready()
      return "nats://" .. kit.name("dark")
   end

   function adapter.sweep()
      inner.sweep()
   end

   function adapter.down()
      program, count = nil, 0
      if inner.down then
         inner.down()
      end
      room.down()
   end
   return adapter
end

return room
