-- SPDX-License-Identifier: MIT
--- What the functions of wms.multipoint ask a host with: operations, one after another or side by side, in a coroutine that
--- waits for each answer without holding others up.
--
-- What a host has refused or not answered is a failure, { code =, message =, state = }.  `ask` throws it as
-- { failure = … }, which ends the coroutine.
local wms = require "wms"
local waiting = require "wms.loop.waiting"

local driver = waiting.driver

local Host = {}
Host.__index = Host

local WIDTH = 4 -- questions to one host at a time: it has so many connections
local NONE = 4294967295 -- "no session", "no station"
local STATIONS_MAX = 1024 -- of one host: real ones have some dozens
local FAILURES_MAX = 4 -- in a row, of ids that are tried in order

-- What is about the host as a whole; all else is about the one question.
local GENERAL = { UNREACHABLE = true, TIMEOUT = true, NOT_BOUND = true, UNTRUSTED = true, CANCELLED = true, FORKED = true,
   NO_PROVIDER = true, NO_MEMORY = true, INTERNAL = true }

-------------------------------------------------------------------------------------------------------------- coroutines

--- Runs the thread until it waits, or ends; `thread.done(fine, value)` is called then.
local function run(thread, ...)
   local fine, value = coroutine.resume(thread.coroutine, ...)
   if coroutine.status(thread.coroutine) == "dead" then
      thread.done(fine, value)
   end
end

--- Begins a thread: `body(host)` in a coroutine; `done(fine, value)` is called when it has ended, perhaps before this
--- returns.
function Host.spawn(request, job, body, done)
   local host = setmetatable({ request = request, job = job, acted = {} }, Host)
   host.thread = { coroutine = coroutine.create(body), done = function(fine, value)
      done(fine, value, host)
   end }
   run(host.thread, host)
end

--- Lets `begin(resume)` begin something, and waits until `resume(value, failure)` is called; returns what that was given.
local function await(host, begin)
   local done, parked, value, failure = false, false, nil, nil
   begin(function(one, other)
      done = true
      if parked then
         return run(host.thread, one, other)
      end
      value, failure = one, other
   end)
   if done then
      return value, failure
   end
   parked = true
   return coroutine.yield()
end

local function throw(failure)
   error({ failure = failure }, 0)
end
Host.throw = throw

--- What a thread was ended by: a failure, or nil and what was raised.
function Host.failure(value)
   if type(value) == "table" and type(value.failure) == "table" then
      return value.failure
   end
   return nil, value
end

--- Runs `body(host, item, i)` for each item, at most `width` (4) side by side.  Returns the values and the failures, by the
--- items' places.  `told(item, value, failure, acted)` is called when one has ended; `acted`: what was done before a
--- failure.
function Host:each(items, body, width, told)
   local values, failures, raised = {}, {}, nil
   local started, running, launching = 0, 0, false
   local request, job = self.request, self.job
   width = width or WIDTH
   await(self, function(resume)
      local function launch()
         launching = true
         while running < width and started < #items do
            started, running = started + 1, running + 1
            local i = started
            Host.spawn(request, job, function(host)
               return body(host, items[i], i)
            end, function(fine, value, host)
               running = running - 1
               for _, operation in ipairs(host.acted) do
                  self.acted[#self.acted + 1] = operation
               end
               local failure, other
               if fine then
                  values[i] = value
               else
                  failure, other = Host.failure(value)
                  failures[i], raised = failure, raised or other and { other }
               end
               if told and (fine or failure) then
                  told(items[i], value, failure, host.acted)
               end
               if not launching then
                  launch()
               end
            end)
         end
         launching = false
         if running == 0 and started >= #items then
            resume()
         end
      end
      launch()
   end)
   if raised then
      error(raised[1], 0)
   end
   return values, failures
end

--------------------------------------------------------------------------------------------------------------- questions

local function is_question(operation)
   return operation:match("%.Get") or operation:match("%.Is") or operation:match("%.Load")
      or operation:match("%.Enumerate") or operation:match("%.Validate") or operation:match("%.Current")
end

--- What an ended request of wms has failed with.
local function failure_of(message, err)
   local first
   for _, outcome in ipairs(err and err.outcomes or {}) do
      if outcome.error and (not first or first.state == "skipped") then
         first = outcome
      end
   end
   return first and { code = first.error.code, message = first.error.message, state = first.state }
      or { code = err and err.code or "INTERNAL", message = message, state = "failed" }
end

--- Begins a command of wms.  What is misuse there (a property of `where` that there is not) is the function's own.
local function start(self, verb, given)
   local fine, started, message, err = pcall(wms.start, verb, given)
   if not fine then
      local text = tostring(started):match("bad argument #%d+ to '[%w_]+' %((.*)%)$")
      error(text and ("bad argument #1 to '%s' (%s)"):format(self.request.entry.name, text) or started, 0)
   end
   return started, message, err
end

--- Starts a command of wms for this host; returns what it has returned, or nil and the failure.
local function command(self, verb, given)
   local request = self.request
   local left = request.ends and request.ends - driver:clock()
   if request.stopped then
      return nil, request.stopped
   elseif left and left <= 0 then
      return nil, { code = "TIMEOUT", message = "the deadline is over; it was not sent", state = "skipped" }
   end
   given.server, given.timeout, given.deadline = self.job.server, request.plan.timeout, left or false
   local started, message, err = start(self, verb, given)
   if not started then
      return nil, failure_of(message, err)
   end
   return await(self, function(resume)
      local function ended(raised)
         request.asking[started] = nil
         if raised then
            started:close()
            request:break_off(raised)
            return resume(nil, request.stopped)
         end
         local value, text, fault = started:result()
         started:close()
         if value == nil then
            return resume(nil, failure_of(text, fault), fault)
         end
         return resume(value)
      end
      request.asking[started] = ended
      waiting.add(started, function(_, raised)
         return ended(raised)
      end)
   end)
end

--- Asks one operation, such as "Station.GetStationInformation"; returns what it has returned, or nil and the failure.
local function operate(self, operation, arguments)
   local interface, name = operation:match("^(%a+)%.(%a+)$")
   local value, failure = command(self, "call", {
      interface = "IMultiPoint" .. interface, operation = name, arguments = arguments,
      management = self.request.fun.password == "management" or nil,
   })
   if value and not is_question(operation) then
      self.acted[#self.acted + 1] = operation
   end
   return value, failure
end

--- Asks one operation; returns what it has returned, or throws the failure.
function Host:ask(operation, arguments)
   local value, failure = operate(self, operation, arguments)
   return value or throw(failure)
end

--- Asks one operation; returns what it has returned.  When the host has answered that it does not tell, or not do, this one
--- thing: nil and the failure.  Any other failure is thrown.
function Host:try(operation, arguments)
   local value, failure = operate(self, operation, arguments)
   if not value and GENERAL[failure.code] then
      throw(failure)
   end
   return value, failure
end

--- Asks one operation; returns what it has returned, or nil and the failure, whatever it is.
function Host:settle(operation, arguments)
   return operate(self, operation, arguments)
end

--- Throws the first of the failures that is about the host as a whole.
function Host:pass_on(failures) -- luacheck: ignore 212/self
   for _, failure in pairs(failures) do
      if GENERAL[failure.code] then
         throw(failure)
      end
   end
end

--- Asks several operations, { operation, arguments } each, side by side.  Returns what each has returned; {} for one that
--- the host does not tell.  Throws when it tells none of them, or has gone; of a question with `perhaps`, such as one that
--- takes another password or another port, nothing is thrown as long as others are answered.
function Host:gather(questions)
   local values, failures = self:each(questions, function(host, question)
      return host:ask(question[1], question[2])
   end)
   local answered = next(values) ~= nil
   for i = 1, #questions do
      if failures[i] and (not answered or GENERAL[failures[i].code] and not questions[i].perhaps) then
         throw(failures[i])
      end
      values[i] = values[i] or {}
   end
   return values
end

---------------------------------------------------------------------------------------------------- sessions and stations

--- The sessions of this host that commands on all sessions are for, as wms.sessions tells them.
function Host:sessions(where, except)
   local list, failure = command(self, "sessions", { where = where, except = except })
   local meant = {}
   for _, session in ipairs(list or throw(failure)) do
      if session.is_orchestratable ~= false then
         meant[#meant + 1] = session
      end
   end
   return meant
end

--- One session of this host, as wms.sessions tells it.
function Host:session(id)
   local list, failure = command(self, "sessions", { session_ids = id })
   return (list or throw(failure))[1]
end

--- The ids of this host's stations.  No document says how the end of them is told: no number, 0, 4294967295 and a fault are
--- taken for it; nor whether the station after 0 is the first one: if that gives nothing, ids are tried in order from 1.
--- A host that does not know such operations fails, unless `perhaps`: then it has none.
function Host:stations(perhaps)
   local ids, at = {}, 0
   while #ids < STATIONS_MAX do
      local answer, failure = self:try("Station.GetNextStationIdentifier", { idStation = at })
      local following = answer and answer.pidNextStation or 0
      local ended = failure and failure.code == "NOT_FOUND" or answer and (following == 0 or following == NONE)
      if at == 0 and (ended or not answer) or not answer and not ended then
         return self:counted_stations(ids, at, not perhaps)
      elseif ended or following <= at then
         return ids
      end
      at = following
      ids[#ids + 1] = at
   end
   return ids
end

--- Tries ids in order, behind those that are known.
function Host:counted_stations(ids, at, strict)
   local failures = 0
   while #ids < STATIONS_MAX and failures < FAILURES_MAX do
      at = at + 1
      local answer, failure = self:try("Station.GetStationInformation", { idStation = at })
      if answer then
         failures = 0
         ids[#ids + 1] = at
      elseif failure.code == "UNSUPPORTED" and strict and #ids == 0 then
         throw(failure)
      elseif failure.code == "NOT_FOUND" or failure.code == "UNSUPPORTED" then
         return ids
      else
         failures = failures + 1
      end
   end
   return ids
end

--- The name under which the host is asked, without the scheme and the port: what the cmdlets call ComputerName.
function Host:computer_name()
   local name = self.job.server:gsub("^%a+://", ""):gsub("/.*$", "")
   return name:match("^%[(.-)%]") or (name:gsub(":%d+$", ""))
end

return Host
