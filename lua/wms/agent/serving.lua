-- SPDX-License-Identifier: MIT
--- An agent that serves: it answers on NATS for this machine, and keeps it as it is wished.
---
--- The provider nats does what is said there (its calls "agent" and "wish"); here it is begun, tried again, and ended.
local Kept = require "wms.agent.kept"
local report = require "wms.keep.report"
local system = require "wms.system"
local waiting = require "wms.loop.waiting"
local wms = require "wms"

local driver = waiting.driver

local Agent = {}
Agent.__index = Agent
Agent.__name = "wms.agent"

local CONNECT = 30 -- seconds for the first connection, after which it is said that there is none yet
local LISTEN = 90 -- seconds: the provider tells the wish each 60 s at the latest
local STOP = 6 -- seconds: what is under way is answered in 3
local SOON = 0.2 -- seconds between two questions for the wish at the least
local LONGEST = 30 -- seconds between two tries

-- What time may mend; any other error is the end.
local PASSING = { UNREACHABLE = true, TIMEOUT = true, BUSY = true, NO_MEMORY = true, CANCELLED = true }

-- ---- reports -----------------------------------------------------------------------------------------------------------

local STATES = { locked = "locked", unlocked = "unlocked" }

local TEXTS = {
   serving = function(told) return ("%s: serves %s"):format(told.host, told.server) end,
   away = function(told) return ("%s: the NATS servers are not reached: %s"):format(told.host, told.error.message) end,
   connected = function(told) return ("%s: the NATS servers are reached again"):format(told.host) end,
   wish = function(told)
      if told.error then
         return ("%s: the wish is not kept: %s"):format(told.host, told.error.message)
      elseif told.over then
         return ("%s: the wish is over"):format(told.host)
      end
      return ("%s: wished%s: %s%s"):format(told.host, told.who and " by " .. told.who or "", STATES[told.state],
         told.left and (", for %d s"):format(told.left) or "")
   end,
   failed = function(told) return ("%s: ended: %s"):format(told.host, told.error.message) end,
   stopped = function(told) return ("%s: serves no longer"):format(told.host) end,
}

local function tell(self, kind, fields)
   if not TEXTS[kind] then -- a keeper's: it has its message
      self.on_report(fields)
      return
   end
   local _, time = driver:clock()
   fields.kind, fields.time, fields.host = kind, time, self.host
   fields.message = report.line(TEXTS[kind](fields))
   self.on_report(fields)
end

-- ---- calls to the provider ---------------------------------------------------------------------------------------------

local function start(self, interface, operation, arguments, timeout)
   return wms.start("call", { server = self.address, interface = interface, operation = operation, arguments = arguments,
      timeout = timeout })
end

--- Calls `done(value, err)` when a request of start() is over.
local function await(self, request, done)
   self.requests[request] = true
   waiting.add(request, function(_, failure)
      self.requests[request] = nil
      local value, message, err
      if failure then
         message, err = tostring(failure[1]), nil
      else
         value, message, err = request:result()
      end
      request:close()
      done(value, not value and (err or { code = "INTERNAL", message = message }) or nil)
   end)
end

local function call(self, interface, operation, arguments, timeout, done)
   local request, message, err = start(self, interface, operation, arguments, timeout)
   if request then
      await(self, request, done)
   else
      done(nil, err or { code = "INTERNAL", message = message })
   end
end

local function drop_requests(self)
   for request in pairs(self.requests) do
      waiting.drop(request)
   end
   self.requests = {}
end

-- ---- its course --------------------------------------------------------------------------------------------------------

--- `step` is done by the next turn, or after so many seconds; there is one at a time.
local function next_step(self, step, seconds)
   self.next = step
   self.timer:set(seconds or 0)
end

local function pause_of(self)
   self.fails = self.fails + 1
   return math.min(LONGEST, 2 ^ self.fails)
end

local function finish(self, reason, err)
   if self.over then
      return
   end
   self.over, self.err = reason, err
   self.timer:set(nil)
   drop_requests(self)
   self.kept:close()
   tell(self, reason == "stopped" and "stopped" or "failed", { error = err })
end

--- What came of a call: whether it is to go on.
local function is_fine(self, err, again)
   if not err then
      if self.said and self.is_serving then
         tell(self, "connected", {})
      end
      self.fails, self.said = 0, nil
      return true
   elseif not PASSING[err.code] then
      finish(self, "failed", err)
      return false
   end
   if self.said ~= err.message then
      self.said = err.message
      tell(self, "away", { error = err })
   end
   next_step(self, again, pause_of(self))
   return false
end

local listen

local function take_wish(self, value, err)
   local now = driver:clock()
   if self.over or self.stopping then
      return
   elseif err and err.code == "TIMEOUT" then
      next_step(self, listen, 1)
   elseif is_fine(self, err, listen) then
      local is_quick = value.revision == self.revision and now - self.asked < SOON
      self.revision = value.revision
      self.kept:take(value)
      next_step(self, listen, is_quick and SOON or 0)
   end
end

--- Asks for the wish, which is told when it is another one, or after a minute.
function listen(self)
   self.asked = driver:clock()
   call(self, "wish", "wait", { revision = self.revision or 0 }, LISTEN, function(value, err)
      take_wish(self, value, err)
   end)
end

local serve

local function serving(self, value, err)
   if self.over or self.stopping then
      return
   elseif is_fine(self, err, serve) then
      self.instance = value.instance
      if not self.is_serving then
         self.is_serving = true
         tell(self, "serving", { server = self.server, instance = value.instance })
      end
      next_step(self, listen)
   end
end

function serve(self)
   call(self, "agent", "serve", self.arguments, CONNECT, function(value, err) serving(self, value, err) end)
end

-- ---- the beginning -----------------------------------------------------------------------------------------------------

--- Loads the provider for what is served: what is begun in C cannot load one.
local function load_provider(server)
   local list = wms.servers(server)
   if #list ~= 1 then
      error(("bad argument #1 to 'serve' (server: %s: these are %d hosts; give one)"):format(server, #list), 0)
   end
   return wms.load(list[1]:match("^(%l+)://") or (list[1] == "localhost" and "logind" or "multipoint"))
end

--- A new one; the plan has host, server, policy, beat, file (or nil), on_report.  Returns it, or nil, message, err.  Raises
--- misuse of the policy as the provider tells it.
function Agent.new(plan)
   local loaded, lacking, fault = load_provider(plan.server)
   if not loaded then
      return nil, lacking, fault
   end
   local self = setmetatable({ host = plan.host, server = plan.server, address = "nats://" .. plan.host,
      on_report = plan.on_report, requests = {}, fails = 0, process = system.process(),
      arguments = { server = plan.server, policy = plan.policy, beat = plan.beat } }, Agent)
   self.kept = Kept.new(plan.server, plan.file, function(kind, fields) tell(self, kind, fields) end)
   self.timer = waiting.timer(function()
      local step = self.next
      self.next = nil
      if step and not self.over then
         step(self)
      end
   end)
   local request, message, err = start(self, "agent", "serve", self.arguments, CONNECT)
   if not request then
      return nil, message, err
   end
   next_step(self, function()
      await(self, request, function(value, problem) serving(self, value, problem) end)
   end)
   return self
end

-- ---- methods -----------------------------------------------------------------------------------------------------------

local function self_here(self, method)
   if type(self) ~= "table" or getmetatable(self) ~= Agent then
      error(("calling '%s' on bad self (call it with a colon: agent:%s)"):format(method, method), 3)
   end
   if not self.over and self.process ~= system.process() then
      self.over = "forked"
   end
   return self
end

--- Whether it is over.
function Agent:done()
   return self_here(self, "done").over ~= nil
end

--- Whether it has been connected.
function Agent:serving()
   return self_here(self, "serving").is_serving == true and not self.over
end

--- Ends it in order: it takes nothing more, answers what is under way, and says that it is gone.  Go on until it is done.
--- What it keeps stays as it is, for the next one.
function Agent:stop()
   self_here(self, "stop")
   if self.over or self.stopping then
      return
   end
   self.stopping = true
   self.timer:set(nil)
   drop_requests(self)
   self.kept:close()
   call(self, "agent", "stop", nil, STOP, function() finish(self, "stopped") end)
end

--- Gives all back at once; the provider ends the agent by itself.
function Agent:close()
   self_here(self, "close")
   if not self.over then
      self.over = "closed"
      self.timer:set(nil)
      drop_requests(self)
      self.kept:close()
      local request = start(self, "agent", "stop", nil, STOP)
      if request then
         waiting.add(request, function() request:close() end)
      end
   end
end
Agent.__close = Agent.close

--- true when it was stopped; nil, message, err when it has ended by itself.
function Agent:result()
   self_here(self, "result")
   if not self.over then
      local message = "the agent is not done yet; wait for it, or stop it"
      return nil, message, { code = "BUSY", message = message }
   elseif self.over == "failed" then
      return nil, self.err.message, self.err
   elseif self.over == "forked" then
      local message = "the agent belongs to the parent process"
      return nil, message, { code = "FORKED", message = message }
   end
   return true
end

--- Does what can be done without waiting; returns whether it is done.
function Agent:step()
   self_here(self, "step")
   if not self.over then
      local turned, message, err = waiting.turn()
      if not turned then
         return nil, message, err
      end
      system.tell_log()
   end
   return self.over ~= nil
end

--- Runs until it is done (true), or the seconds have passed (false).
function Agent:wait(seconds)
   self_here(self, "wait")
   if seconds ~= nil and (type(seconds) ~= "number" or seconds < 0 or seconds ~= seconds) then
      error(("bad argument #1 to 'wait' (seconds: %s; give a number of seconds from 0)"):format(tostring(seconds)), 2)
   end
   local limit = seconds and driver:clock() + seconds
   local left = seconds
   repeat
      if self.over then
         return true
      end
      local waited, message, err = waiting.wait(left)
      if not waited then
         return nil, message, err
      end
      system.tell_log()
      left = limit and limit - driver:clock()
   until left and left <= 0
   return self.over ~= nil
end

--- Runs until it is done, and returns its result.
function Agent:run()
   self_here(self, "run")
   local done, message, err = self:wait()
   if not done then
      return nil, message, err
   end
   return self:result()
end

function Agent:pollfd()
   self_here(self, "pollfd")
   return driver:pollfd()
end

function Agent:events()
   self_here(self, "events")
   return "r"
end

function Agent:timeout()
   self_here(self, "timeout")
   return nil
end

function Agent:__tostring()
   return ("wms.agent (%s, %s)"):format(self.host, self.over or self.is_serving and "serving" or "connecting")
end

return Agent
