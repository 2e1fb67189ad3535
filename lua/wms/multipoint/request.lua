-- SPDX-License-Identifier: MIT
--- One call of a function of wms.multipoint that is under way: a coroutine for each server, as many at a time as
--- `concurrency` says, and what has become of each server, session and station.  It has the methods of a request of
--- wms.start, and the loop helpers take it in the place of one.
local Host = require "wms.multipoint.host"
local results = require "wms.multipoint.results"
local system = require "wms.system"
local waiting = require "wms.loop.waiting"

local driver = waiting.driver

local Request = {}
Request.__index = Request
Request.__name = "wms.multipoint.request"

local RETRIED = { UNREACHABLE = true, TIMEOUT = true, BUSY = true }
local LONGEST_PAUSE = 30 -- seconds before another try

-------------------------------------------------------------------------------------------------------------------- units

-- A unit is what an outcome is about: a session, a station, or the server as a whole.
local function units_of(targets)
   local units = {}
   for i, target in ipairs(targets) do
      units[i] = { id = target.id, from = target.from, key = target.key }
   end
   return units
end

--- An outcome is there: the program is told.  Whatever it raises ends the request.
local function tell(self, job, unit)
   self.done_count = self.done_count + 1
   local told = self.plan.on_outcome
   if not told or self.over then
      return
   end
   local total = 0
   for _, one in ipairs(self.jobs) do
      local count = one.units and #one.units or one.expected
      total = total and count and total + count
   end
   -- In a coroutine of its own: this may be one of a server's, which must not yield for it.
   local callback = coroutine.create(function(...) return told(...) end)
   local fine, raised = coroutine.resume(callback, results.outcome(self, job, unit), self.done_count, total)
   if coroutine.status(callback) ~= "dead" then
      fine, raised = false, "on_outcome has yielded, which it cannot"
   end
   if not fine then
      self.plan.on_outcome = nil
      self:break_off{ raised }
   end
end

local function succeed(self, job, unit, value)
   unit.state, unit.value = "requested", value
   tell(self, job, unit)
end

local function fail(self, job, unit, failure, acted)
   unit.failure, unit.state = failure, failure.state
   if job.listed and unit.id and failure.code == "NOT_FOUND" then
      unit.failure, unit.state = nil, "gone" -- it ended by itself meanwhile
   elseif #(acted or {}) > 0 then
      unit.state = failure.state == "skipped" and "failed" or failure.state
      unit.note = "done before that: " .. table.concat(acted, ", ")
   end
   if unit.failure and self.plan.stop and not self.stopped then
      self.stopped = { code = "CANCELLED", message = "stopped after the first failure; it was not sent",
         state = "skipped" }
   end
   tell(self, job, unit)
end

--------------------------------------------------------------------------------------------------------------------- jobs

local fill

--- A server whose pause is over waits for its turn; with on_error = "stop" it has kept it.
function Request:put_back(job)
   self.ready[#self.ready + 1] = job
   self.active = self.active - (self.plan.stop and 1 or 0)
end

--- A server has had its turn.
local function end_job(self)
   self.active, self.unfinished = self.active - 1, self.unfinished - 1
   fill(self)
end

--- Begins the pause before another try; false: there is none.
local function try_again(self, job)
   local pause = math.min(LONGEST_PAUSE, 0.5 * 2 ^ job.tries)
   if job.tries >= self.plan.retries or self.stopped or self.ends and driver:clock() + pause >= self.ends then
      return false
   end
   job.tries = job.tries + 1
   self.active = self.active - (self.plan.stop and 0 or 1) -- others have its turn meanwhile
   self.timers[job] = waiting.timer(function()
      self.timers[job] = nil
      self:put_back(job)
      fill(self)
   end)
   self.timers[job]:set(pause)
   fill(self)
   return true
end

--- Carries the function out for the units that are still to be done.
local function act(self, job, host)
   local fun, todo = self.fun, job.todo
   job.failed = {}
   host:each(todo, function(one, unit)
      if one.request.stopped then
         Host.throw(one.request.stopped)
      end
      local body = self.entry.all and fun.run_all or fun.run
      return body(one, self.plan.given, unit.id, unit.from, unit.key or self.plan.key)
   end, self.plan.stop and 1 or nil, function(unit, value, failure, acted)
      if not failure then
         succeed(self, job, unit, value)
      elseif RETRIED[failure.code] and job.tries < self.plan.retries and not self.stopped then
         unit.last, unit.acted = failure, acted
         job.failed[#job.failed + 1] = unit
      else
         fail(self, job, unit, failure, acted)
      end
   end)
end

--- What the function is about on this server; throws a failure.
local function find_units(self, job, host)
   local fun = self.fun
   if job.targets then
      return units_of(job.targets)
   elseif self.entry.all and fun.run_all or not self.entry.all and not fun.lists then
      return { {} }
   end
   job.listed = true
   local found
   if fun.targets then
      found = fun.targets(host, self.plan)
   elseif fun.on == "station" then
      found = {}
      for i, id in ipairs(host:stations()) do
         found[i] = { id = id }
      end
   else
      found = {}
      for i, session in ipairs(host:sessions(self.plan.where, self.plan.except)) do
         found[i] = { id = session.session_id, from = session }
      end
   end
   return units_of(found)
end

local function start_job(self, job)
   Host.spawn(self, job, function(host)
      if not job.todo then
         job.units = find_units(self, job, host)
         job.todo = job.units
      end
      act(self, job, host)
   end, function(fine, value)
      local failure, raised
      if not fine then
         failure, raised = Host.failure(value)
         if not failure then
            self:break_off{ raised }
            failure = self.stopped
         end
      end
      if failure and not job.units then -- it did not tell its sessions or stations
         if RETRIED[failure.code] and try_again(self, job) then
            return
         end
         job.units = { {} }
         fail(self, job, job.units[1], failure)
      elseif failure then -- something has raised
         for _, unit in ipairs(job.units) do
            if not unit.state then
               fail(self, job, unit, failure)
            end
         end
      elseif #job.failed > 0 then
         job.todo = job.failed
         if try_again(self, job) then
            return
         end
         for _, unit in ipairs(job.failed) do
            fail(self, job, unit, unit.last, unit.acted)
         end
      end
      end_job(self)
   end)
end

--- Everything has ended.
local function finish(self)
   if not self.over then
      self.over = true
      local waiters = self.waiters
      self.waiters = {}
      for _, resume in ipairs(waiters) do
         resume(self, self:take_raised())
      end
   end
end

--- Begins with as many servers as may be worked with now.
function fill(self)
   if self.filling then
      return
   end
   self.filling = true
   while self.active < self.width and self.first <= #self.ready do
      local job = self.ready[self.first]
      self.ready[self.first] = false
      self.first, self.active = self.first + 1, self.active + 1
      start_job(self, job)
   end
   self.filling = false
   if self.unfinished == 0 then
      finish(self)
   end
end

local function plan_job(self, job)
   job.units = job.targets and units_of(job.targets) or { {} }
   for _, unit in ipairs(job.units) do
      unit.state = "planned"
      if self.entry.all then
         unit.note = self.fun.on == "session" and "every session that can be controlled" or "every station"
      end
      tell(self, job, unit)
   end
   end_job(self)
end

-------------------------------------------------------------------------------------------------------------- beginning

--- Begins the call that a plan describes; `entry`: its function.
function Request.begin(entry, plan)
   local self = setmetatable({
      entry = entry, fun = entry.fun, plan = plan, process = system.process(), jobs = {}, ready = {}, first = 1, active = 0,
      asking = {}, timers = {}, waiters = {}, done_count = 0, width = plan.stop and 1 or plan.concurrency,
      ends = plan.deadline and driver:clock() + plan.deadline,
   }, Request)
   local whole = entry.all and entry.fun.run_all or not entry.all and not entry.fun.lists
   for i, job in ipairs(plan.jobs) do
      self.jobs[i] = { server = job.server, targets = job.targets, tries = 0,
         expected = job.targets and #job.targets or whole and 1 or nil }
      self.ready[i] = self.jobs[i]
   end
   self.unfinished = #self.jobs
   if plan.what_if then
      self.filling = true
      for _, job in ipairs(self.jobs) do
         plan_job(self, job)
      end
      self.filling, self.first = false, #self.ready + 1
   end
   fill(self)
   return self
end

----------------------------------------------------------------------------------------------------------------- ending

--- Lets all that is under way end now.
local function end_now(self)
   for job, timer in pairs(self.timers) do
      timer:set(nil)
      self.timers[job] = nil
      self:put_back(job)
   end
   while true do
      local request, ended = next(self.asking)
      if not request then
         break
      end
      request:cancel()
      self.asking[request] = nil
      waiting.forget(request)
      ended()
   end
   fill(self)
end

--- Something has raised: the request ends, and whoever waits for it gets the error.
function Request:break_off(raised)
   self.raised = self.raised or raised
   self:cancel()
end

function Request:take_raised()
   local raised = self.raised
   self.raised = nil
   return raised
end

--- Ends it now: what was not sent is `skipped`, what was sent without an answer `unknown`.
function Request:cancel()
   if not self.over and not self.cancelled then
      self.cancelled = true
      self.stopped = { code = "CANCELLED", message = "cancelled; it was not sent", state = "skipped" }
      end_now(self)
   end
end

--- Gives everything back; what is under way is cancelled.
function Request:close()
   if not self.closed then
      self.closed, self.plan.on_outcome = true, nil
      if self.process == system.process() then
         self:cancel()
      end
      self.over, self.waiters = true, {}
   end
end

----------------------------------------------------------------------------------------------------------------- methods

local function here(self, method)
   if type(self) ~= "table" or getmetatable(self) ~= Request then
      error(("calling '%s' on bad self (call it with a colon: request:%s)"):format(method, method), 3)
   end
   if not self.over and self.process ~= system.process() then
      self.over, self.forked = true, true
   end
   return self
end

local function raise(self)
   local raised = self:take_raised()
   if raised then
      error(raised[1], 0)
   end
end

--- Calls `resume(request, failure)` once, when the request is done; for the loop helpers.
function Request:on_done(resume)
   here(self, "on_done")
   if self.over then
      return resume(self, self:take_raised())
   end
   self.waiters[#self.waiters + 1] = resume
end

--- Nobody waits for it any more; for the loop helpers.
function Request:forget()
   self.waiters = {}
end

function Request:done()
   return here(self, "done").over == true
end

--- Does what can be done without waiting; returns whether it is done.
function Request:step()
   here(self, "step")
   if not self.over then
      local turned, message, err = waiting.turn()
      if not turned then
         return nil, message, err
      end
   end
   raise(self)
   return self.over == true
end

--- Runs until it is done (true), or the seconds have passed (false).  `nil, message, err`: it cannot wait.
function Request:wait(seconds)
   here(self, "wait")
   if seconds ~= nil and (type(seconds) ~= "number" or seconds < 0 or seconds ~= seconds) then
      error(("bad argument #1 to 'wait' (seconds: %s; give a number of seconds from 0)"):format(tostring(seconds)), 2)
   end
   local limit = seconds and driver:clock() + seconds
   local left = seconds
   while not self.over do
      local waited, message, err = waiting.wait(left)
      if not waited then
         return nil, message, err
      end
      left = limit and math.max(0, limit - driver:clock())
      if left == 0 then
         break
      end
   end
   raise(self)
   return self.over == true
end

--- What the function itself would have returned.
function Request:result()
   here(self, "result")
   if self.forked then
      return results.error("FORKED", "the request belongs to the parent process; start a new one")
   elseif self.closed then
      return results.error("CANCELLED", "the request is closed")
   elseif not self.over then
      return results.error("BUSY", "the request is not done yet")
   end
   return results.of(self)
end

function Request:pollfd()
   here(self, "pollfd")
   return driver:pollfd()
end

function Request:events()
   here(self, "events")
   return "r"
end

function Request:timeout()
   here(self, "timeout")
   return nil
end

function Request:__tostring()
   return ("wms.multipoint.request (%s)"):format(self.over and "done" or self.entry.name)
end

return Request
