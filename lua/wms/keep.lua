-- SPDX-License-Identifier: MIT
--- Keeps rooms locked, or unlocked, for as long as it is asked to: sessions that are opened, that somebody changes, hosts
--- that go and come back.
--
--    local keep = require "wms.keep"
--    local exam = assert(keep{ server = "@room1", locked = true, message = "Exam", until_time = "11:30", restore = true,
--       file = "exam", on_report = function(report) print(report.message) end })
--    assert(exam:run())
--
-- It is made of a watch (wms.watch), which tells what happens, and of commands (wms.start); docs/keep.md describes it.
local File = require "wms.keep.file"
local Sessions = require "wms.keep.sessions"
local options = require "wms.keep.options"
local record = require "wms.keep.record"
local report = require "wms.keep.report"
local system = require "wms.system"
local waiting = require "wms.loop.waiting"
local wms = require "wms"

local driver = waiting.driver

local LONGEST_SLEEP = 10 -- seconds until the clock is looked at again, which somebody may have set
local FILE_PAUSE = 10 -- seconds until a file that could not be written is tried again

-- What time does not mend: at the end it is not waited for.
local FINAL = { ACCESS_DENIED = true, UNSUPPORTED = true, NOT_BOUND = true, UNTRUSTED = true, NO_PROVIDER = true,
   PROTOCOL = true, NOT_FOUND = true }

local Keeper = {}
Keeper.__index = Keeper
Keeper.__name = "wms.keeper"

local function failure(code, message, fields)
   local err = fields or {}
   err.code, err.message = code, message
   return nil, message, setmetatable(err, { __tostring = function() return message end })
end

local function self_here(self, method)
   if type(self) ~= "table" or getmetatable(self) ~= Keeper then
      error(("calling '%s' on bad self (call it with a colon: keeper:%s)"):format(method, method), 3)
   end
   return self
end

------------------------------------------------------------------------------------------------------------------ reports

--- Something that on_report is to be told.
local function tell(self, kind, fields)
   local _, time = driver:clock()
   fields.kind, fields.time = kind, time
   self.reports[#self.reports + 1] = report.fill(fields)
end

local function about(entry, fields)
   local session = entry.session
   fields.server, fields.session_id, fields.user_name = session.server, session.session_id, session.user_name
   return fields
end

--- Tells what there is to tell; raises what on_report raises, and what `where` has raised.
local function deliver(self)
   while self.reports[1] do
      local told = table.remove(self.reports, 1)
      if self.plan.on_report then
         self.plan.on_report(told)
      end
   end
   local failed = self.failed
   if failed then
      self.failed = nil
      error(failed[1], 0)
   end
end

--------------------------------------------------------------------------------------------------------------- the clock

--- Seconds until the end of the time; nil: there is none.
local function seconds_left(self)
   local now, time = driver:clock()
   return self.ends and self.ends - time or self.ends_up and self.ends_up - now or nil
end

--- Lets the keeper go on after so many seconds.
local function wake(self, seconds)
   self.timer:set(seconds)
end

---------------------------------------------------------------------------------------------------------------- the file

--- Keeps the state in the file.  A file that cannot be written is told once, and tried again.
local function save(self)
   if not self.file then
      return true
   end
   local now, time = driver:clock()
   if self.file_due and now < self.file_due then
      return true
   end
   local plan, left = self.plan, seconds_left(self)
   local fine, message, err = self.file:write{
      locked = plan.locked, servers = plan.servers, message = plan.message, where = plan.where, except = plan.except,
      ends = self.ends or left and math.floor((time + left) * 10 + 0.5) / 10, restore = plan.restore, limit = plan.limit,
      grace = plan.grace, ending = self.ending and true or nil, changed = plan.restore and self.sessions:changed() or {},
   }
   self.file_due = not fine and now + FILE_PAUSE or nil
   if not fine and self.file_code ~= err.code then
      tell(self, "file", { error = { code = err.code, message = message }, file = self.file.path })
   end
   self.file_code = not fine and err.code or nil
   return fine, message, err
end

----------------------------------------------------------------------------------------------------------------- actions

local function is_lost(self)
   return function(server)
      return self.lost[server] ~= nil
   end
end

--- Waits for a request; `finished` is called when it is done.
local function add(self, request, finished)
   self.requests[request] = true
   waiting.add(request, function()
      self.requests[request] = nil
      if finished then
         finished(request)
      end
      request:close()
   end)
end

local function sessions_of(entries)
   local list = {}
   for i, entry in ipairs(entries) do
      list[i] = entry.session
   end
   return list
end

--- An action on one session is over.
local function acted(self, entry, outcome, verb)
   local now = driver:clock()
   local restoring = entry.restoring
   entry.restoring = nil
   self.sessions:ended(entry, outcome, verb == "lock", now)
   tell(self, "acted", about(entry, { verb = verb, outcome = outcome, reason = restoring and "restore" or entry.why,
      error = outcome.error }))
   if restoring then
      if not outcome.error then
         entry.changed = nil
         self.counts.restored = self.counts.restored + 1
      elseif FINAL[outcome.error.code] then
         entry.changed = nil
         if outcome.error.code ~= "NOT_FOUND" then
            self.not_restored[#self.not_restored + 1] = outcome
         end
      else
         entry.last = outcome
      end
   end
   wake(self, 0)
end

--- Starts one command for these sessions.
local function start(self, verb, entries, verify)
   local plan, by_key = self.plan, {}
   for _, entry in ipairs(entries) do
      by_key[entry.key] = entry
   end
   local function told(outcome)
      local key = outcome.session_id ~= nil and Sessions.key(outcome)
      local entry = key and by_key[key]
      if entry then
         by_key[key] = nil
         acted(self, entry, outcome, verb)
      end
   end
   local function finished()
      for key, entry in pairs(by_key) do -- of which nothing was told
         by_key[key] = nil
         acted(self, entry, { server = entry.session.server, session_id = entry.session.session_id, state = "unknown",
            error = { code = "INTERNAL", message = "no outcome was told; it may still be carried out" } }, verb)
      end
   end
   local request, message, err = wms.start(verb, { session_ids = sessions_of(entries), on_outcome = told, retries = 0,
      message = verb == "lock" and plan.message or nil, verify = verify, timeout = plan.timeout, deadline = false,
      concurrency = plan.concurrency })
   if request then
      add(self, request, finished)
      return
   end
   for _, entry in pairs(by_key) do
      acted(self, entry, { server = entry.session.server, session_id = entry.session.session_id, state = "failed",
         error = { code = err.code, message = message } }, verb)
   end
end

--- Acts on these sessions; those whose host does not tell how they are cannot be verified.
local function act(self, verb, entries, restoring)
   local now = driver:clock()
   local telling, silent = {}, {}
   for _, entry in ipairs(entries) do
      local list = entry.locked == nil and silent or telling
      list[#list + 1] = entry
      entry.why, entry.restoring = entry.reason, restoring
      self.sessions:begin(entry, not restoring and now or nil)
      self.counts.actions = self.counts.actions + 1
   end
   if #entries > 0 then
      save(self) -- before: whoever goes on after this process has to know
   end
   if #telling > 0 then
      start(self, verb, telling, self.plan.verify)
   end
   if #silent > 0 then
      start(self, verb, silent, false)
   end
end

--- Asks the hosts how these sessions are: the watch has not told what a command has done.
local function ask(self, entries)
   local by_key, asked = {}, {}
   for i, entry in ipairs(entries) do
      by_key[entry.key], asked[i] = entry, entry.seen
      entry.assumed = nil
   end
   local request = wms.start("sessions", { session_ids = sessions_of(entries), timeout = self.plan.timeout, deadline = false,
      concurrency = self.plan.concurrency })
   if not request then
      return
   end
   add(self, request, function()
      local list, _, err = request:result()
      for _, session in ipairs(list or err.sessions or {}) do
         local entry = by_key[Sessions.key(session)]
         if entry and entry.session.identity == session.identity and not entry.acting then
            for i = 1, #entries do
               if entries[i] == entry and asked[i] == entry.seen then
                  self.sessions:see(session, "changed")
               end
            end
         end
      end
      wake(self, 0)
   end)
end

------------------------------------------------------------------------------------------------------------------ events

local function take_session(self, event)
   if event.kind == "closed" then
      self.sessions:gone(event.session)
   else
      local reason = event.initial and "found" or event.kind == "opened" and "opened" or "changed"
      self.sessions:see(event.session, reason)
   end
end

local function take_server(self, event)
   if event.kind == "lost" then
      self.lost[event.server] = event.error
      tell(self, "lost", { server = event.server, error = event.error })
      return
   end
   self.lost[event.server] = nil
   self.whole[event.server] = true
   self.sessions:back(event.server)
   tell(self, event.kind, { server = event.server })
end

local function take_events(self)
   local events = self.events
   self.events = {}
   for _, event in ipairs(events) do
      if event.kind == "overflow" then
         self.sessions:replace(event.sessions)
      elseif event.session then
         take_session(self, event)
      else
         take_server(self, event)
      end
   end
   for server in pairs(self.whole) do -- its sessions follow the event at once
      self.sessions:whole(server)
   end
   self.whole = {}
end

------------------------------------------------------------------------------------------------------------------ the end

local function close_all(self)
   self.timer:set(nil)
   if self.stop_watch then
      self.stop_watch()
      self.stop_watch = nil
   end
   for request in pairs(self.requests) do
      waiting.drop(request)
   end
   self.requests = {}
end

--- The keeper is over.
local function finish(self, reason)
   self.over = reason
   close_all(self)
   if self.file then
      if reason == "closed" or reason == "forked" then
         self.file:close()
      else
         self.file:remove()
      end
   end
   if reason ~= "closed" and reason ~= "forked" then
      local counts = self.counts
      tell(self, "ended", { reason = reason, actions = counts.actions, restored = counts.restored, left = counts.left,
         not_restored = #self.not_restored })
   end
   for _, ended in ipairs(self.on_end) do
      ended()
   end
end

local function begin_end(self, reason)
   if not self.ending then
      self.ending = reason
      self.grace_up = driver:clock() + self.plan.grace
      self.sessions:forget_pauses()
      save(self)
   end
end

--- The time to wait is over: says what was not put back.
local function give_up(self)
   for _, session in ipairs(self.sessions:changed()) do
      local entry = self.sessions.all[Sessions.key(session)]
      local lost = self.lost[session.server]
      local why = entry and entry.last and entry.last.error or lost
      self.not_restored[#self.not_restored + 1] = { server = session.server, session_id = session.session_id,
         user_name = session.user_name, identity = session.identity, state = "skipped",
         error = { code = why and why.code or "TIMEOUT",
            message = "the time to put it back is over" .. (why and ": " .. why.message or "") } }
   end
end

--- Puts back what the keeper has changed; returns seconds until it is to go on, or nil: it is over.
local function go_to_end(self, now)
   local list, left, busy, servers, first = self.sessions:to_restore(now, is_lost(self))
   if not self.plan.restore then
      if busy then
         return math.huge
      end
      return nil
   end
   for _, entry in ipairs(left) do
      entry.changed = nil
      self.counts.left = self.counts.left + 1
      tell(self, "left", about(entry, {}))
   end
   local pause = self.grace_up - now
   for server in pairs(servers) do
      busy = true
      if not self.awaited[server] and self.lost[server] then
         self.awaited[server] = true
         tell(self, "waiting", { server = server, error = self.lost[server], pause = math.max(0, pause) })
      end
   end
   if #list > 0 then
      act(self, self.plan.locked and "unlock" or "lock", list, true)
      return math.min(math.huge, pause > 0 and pause or math.huge)
   elseif not busy then
      return nil
   elseif pause <= 0 and not next(self.requests) then
      give_up(self)
      return nil
   end
   return math.min(first - now, pause > 0 and pause or math.huge)
end

--- Does what is due; returns seconds until it is to go on, or nil: it is over.
local function go_on(self)
   take_events(self)
   local left = seconds_left(self)
   if left and left <= 0 then
      begin_end(self, "time")
   end
   local now = driver:clock()
   if self.ending then
      return go_to_end(self, now)
   end
   local list, fights, first = self.sessions:due(now, is_lost(self))
   for _, entry in ipairs(fights) do
      self.counts.fights = self.counts.fights + 1
      tell(self, "fight", about(entry, { actions = self.plan.limit, pause = entry.pause }))
   end
   act(self, self.plan.locked and "lock" or "unlock", list, false)
   local unconfirmed, confirm = self.sessions:unconfirmed(now)
   if #unconfirmed > 0 then
      ask(self, unconfirmed)
   end
   if self.file_due and self.file_due <= now then
      save(self)
   end
   return math.min(first - now, confirm - now, left or math.huge, self.file_due and self.file_due - now or math.huge)
end

--- Runs whenever something has happened.
local function turn(self)
   if self.over or self.busy then
      return
   elseif self.process ~= system.process() then
      finish(self, "forked")
      return
   end
   self.busy = true
   self.timer:set(LONGEST_SLEEP) -- whatever goes wrong below
   local fine, seconds = pcall(go_on, self)
   self.busy = false
   if not fine then
      error(seconds, 0)
   elseif seconds == nil then
      finish(self, self.ending)
   elseif #self.events > 0 then
      wake(self, 0)
   elseif not self.poked then
      wake(self, math.max(0, math.min(LONGEST_SLEEP, seconds)))
   else
      wake(self, 0)
   end
   self.poked = false
   deliver(self)
end

--------------------------------------------------------------------------------------------------------------- beginning

--- `where` or `except` as a function that raises nothing: the watch would end.
local function guarded(self, choice, otherwise)
   if type(choice) ~= "function" then
      return choice
   end
   return function(session)
      local fine, value = pcall(choice, session)
      if not fine then
         self.failed = self.failed or { value }
         return otherwise
      end
      return value
   end
end

local function begin_watch(self)
   local plan = self.plan
   local function on_event(event)
      self.events[#self.events + 1] = event
      if self.busy then
         self.poked = true
      else
         wake(self, 0)
      end
   end
   local function ended() -- nobody else ends it: this is a child of its process
      self.stop_watch = nil
      if not self.over then
         wake(self, 0)
      end
   end
   return options.checked(waiting.watch, { [plan.server_name or "servers"] = plan.servers, initial = true,
      where = guarded(self, plan.where, false), except = guarded(self, plan.except, true), timeout = plan.timeout,
      concurrency = plan.concurrency, on_event = on_event }, ended)
end

local function same_list(one, other)
   return table.concat(one, "\n") == table.concat(other, "\n")
end

--- What is given does not fit what the file keeps: the name of the option.
local function differing(plan, state)
   if plan.locked ~= nil and plan.locked ~= state.locked then
      return "locked"
   elseif plan.servers and not same_list(plan.servers, state.servers) then
      return plan.server_name
   end
   for _, name in ipairs{ "where", "except" } do
      local kept = state[name] == "function" and print or state[name]
      if plan[name] ~= nil and record.choice_text(plan[name]) ~= record.choice_text(kept) then
         return name
      end
   end
   return nil
end

local function set_end(self, state)
   local plan = self.plan
   local now, time = driver:clock()
   if plan.until_time then
      self.ends = plan.until_time
   elseif state and state.ends then
      self.ends = state.ends
   elseif plan.after then
      self.ends_up = now + plan.after
   end
   if not state and plan.until_time and plan.until_time <= time then
      error({ misuse = "bad argument #1 to 'keep' (until_time: it has gone by; give a later one)" }, 0)
   end
end

local function begin(given)
   local plan = options.read(given)
   local file, state, err
   if plan.file then
      file, state, err = File.open(plan.file)
      if not file then
         return nil, state, err
      end
   end
   local self = setmetatable({
      plan = plan, file = file, process = system.process(), events = {}, reports = {}, requests = {}, lost = {}, whole = {},
      awaited = {}, not_restored = {}, on_end = {}, counts = { actions = 0, fights = 0, restored = 0, left = 0 },
   }, Keeper)
   local function abandon()
      if self.timer then
         close_all(self)
      end
      if file then
         if state then
            file:close()
         else
            file:remove()
         end
      end
   end
   local fine, result, message
   fine, result, message, err = pcall(function()
      local other = state and differing(plan, state)
      if other then
         return failure("BUSY", ("%s: another %s than this is kept there, and not at its end yet; end that with "
            .. "keep{ file = %q }, or give another file"):format(file.path, other, plan.file))
      end
      options.complete(plan, state)
      set_end(self, state)
      self.sessions = Sessions.new(plan, state and state.changed)
      self.timer = waiting.timer(function() turn(self) end)
      if state then
         local left = seconds_left(self)
         tell(self, "resumed", { file = file.path, changed = #state.changed, over = state.ending or left and left <= 0 or false })
      end
      local saved, why, fault = save(self)
      if not saved then
         return nil, why, fault
      end
      if state and state.ending then
         begin_end(self, "time")
      end
      local stop, text, fault2 = begin_watch(self)
      if not stop then
         return nil, text, fault2
      end
      self.stop_watch = stop
      wake(self, 0)
      return self
   end)
   if not fine then
      abandon()
      error(result, 0)
   elseif not result then
      abandon()
      return nil, message, err
   end
   return self
end

--- Begins to keep; returns the keeper at once, or nil, message, err.  Raises misuse.
local function new(_, given)
   local fine, result, message, err = pcall(begin, given)
   if not fine then
      error(type(result) == "table" and result.misuse or result, type(result) == "table" and 2 or 0)
   end
   return result, message, err
end

----------------------------------------------------------------------------------------------------------------- methods

--- Whether it is over.
function Keeper:done()
   return self_here(self, "done").over ~= nil
end

--- Ends it: puts back what it has changed, with `restore`, and is done then.  A second time, nothing happens.
function Keeper:stop()
   self_here(self, "stop")
   if not self.over then
      begin_end(self, "stopped")
      if self.busy then
         self.poked = true
      else
         wake(self, 0)
      end
   end
end

--- Gives everything back at once, and puts nothing back.  A file stays, for the next keeper.
function Keeper:close()
   self_here(self, "close")
   if not self.over then
      finish(self, "closed")
   end
end
Keeper.__close = Keeper.close

--- What has become of it; as a command's result.
function Keeper:result()
   self_here(self, "result")
   if not self.over then
      return failure("BUSY", "the keeper is not done yet; wait for it, or stop it")
   elseif self.over == "forked" then
      return failure("FORKED", "the keeper belongs to the parent process")
   end
   local counts, failed = self.counts, self.not_restored
   local summary = { reason = self.over, actions = counts.actions, fights = counts.fights, restored = counts.restored,
      left = counts.left }
   if #failed == 0 then
      return summary
   end
   local first = failed[1]
   return failure(first.error.code, ("%s%s: not put back: %s%s"):format(first.server,
      first.session_id ~= nil and ": session " .. tostring(first.session_id) or "", first.error.message,
      #failed > 1 and (" (%d sessions in all)"):format(#failed) or ""),
      { server = first.server, session_id = first.session_id, outcomes = failed, summary = summary })
end

--- Does what can be done without waiting; returns whether it is done.
function Keeper:step()
   self_here(self, "step")
   if not self.over then
      local turned, message, err = waiting.turn()
      if not turned then
         return nil, message, err
      end
   end
   return self.over ~= nil
end

--- Runs until it is done (true), or the seconds have passed (false).
function Keeper:wait(seconds)
   self_here(self, "wait")
   if seconds ~= nil and (type(seconds) ~= "number" or not (seconds >= 0)) then
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
      left = limit and limit - driver:clock()
   until left and left <= 0
   return self.over ~= nil
end

--- Runs until it is done, and returns its result.
function Keeper:run()
   self_here(self, "run")
   local done, message, err = self:wait()
   if not done then
      return nil, message, err
   end
   return self:result()
end

function Keeper:pollfd()
   self_here(self, "pollfd")
   return driver:pollfd()
end

function Keeper:events()
   self_here(self, "events")
   return "r"
end

function Keeper:timeout()
   self_here(self, "timeout")
   return nil
end

function Keeper:__tostring()
   return ("wms.keeper (%s)"):format(self.over or self.ending and "ending" or self.plan.locked and "locked" or "unlocked")
end

return setmetatable({}, { __call = new })
