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
local ending = require "wms.keep.ending"
local options = require "wms.keep.options"
local record = require "wms.keep.record"
local report = require "wms.keep.report"
local state = require "wms.keep.state"
local system = require "wms.system"
local turn = require "wms.keep.turn"
local waiting = require "wms.loop.waiting"
local wms = require "wms"

local driver = waiting.driver

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
   if not self.over and self.process ~= system.process() then
      ending.close(self, "forked")
   end
   return self
end

-------------------------------------------------------------------------------------------------------------- beginning

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
   local over = false
   local watch, message, err
   local function on_event(event)
      if event.kind == "overflow" then
         event.servers = watch:servers() -- as they are with these sessions, not as they will be by the next turn
      end
      self.queue[#self.queue + 1] = event
      state.poke(self)
   end
   local function ended(raised) -- something has raised in it, such as the program's log; or this is a child of its process
      over, self.stop_watch = true, nil
      if not self.over then
         turn.watch_over(self, raised)
      end
   end
   watch, message, err = options.checked(wms.watch, { [plan.server_name or "servers"] = plan.servers, initial = true,
      where = guarded(self, plan.where, false), except = guarded(self, plan.except, true), timeout = plan.timeout,
      concurrency = plan.concurrency, on_event = on_event })
   if not watch then
      return nil, message, err
   end
   self.watch = watch
   local stop = waiting.watch(watch, ended)
   if not over then
      self.stop_watch = stop
   end
   return true
end

local function same_list(one, other)
   return table.concat(one, "\n") == table.concat(other, "\n")
end

--- What is given does not fit what the file keeps: the name of the option.
local function differing(plan, kept)
   if plan.locked ~= nil and plan.locked ~= kept.locked then
      return "locked"
   elseif plan.servers and not same_list(plan.servers, kept.servers) then
      return plan.server_name
   end
   for _, name in ipairs{ "where", "except" } do
      local former = kept[name] == "function" and print or kept[name]
      if plan[name] ~= nil and record.choice_text(plan[name]) ~= record.choice_text(former) then
         return name
      end
   end
   return nil
end

local function set_end(self, kept)
   local plan = self.plan
   local now, time = driver:clock()
   if kept and kept.ends and (plan.is_time_of_day or not plan.until_time) then
      self.ends = kept.ends -- a time of day that has gone by meanwhile is not tomorrow's
   elseif plan.until_time then
      self.ends = plan.until_time
   elseif plan.after then
      self.ends_up = now + plan.after
   end
   if not kept and plan.until_time and plan.until_time <= time then
      error({ misuse = "bad argument #1 to 'keep' (until_time: it has gone by; give a later one)" }, 0)
   end
end

local function begin(given)
   local plan = options.read(given)
   local file, kept, err
   if plan.file then
      file, kept, err = File.open(plan.file)
      if not file then
         return nil, kept, err
      end
   end
   local lost = {}
   local self = setmetatable({
      plan = plan, file = file, process = system.process(), queue = {}, next_event = 1, reports = {}, requests = {},
      lost = lost, whole = {}, awaited = {}, not_restored = {}, on_end = {},
      counts = { actions = 0, fights = 0, restored = 0, left = 0 },
   }, Keeper)
   self.begin_watch = begin_watch
   self.is_lost = function(server) return lost[server] ~= nil end
   local function abandon()
      self.over = "closed"
      if self.timer then
         ending.close_all(self)
      end
      if file then
         if kept then
            file:close()
         else
            file:remove()
         end
      end
   end
   local fine, result, message
   fine, result, message, err = pcall(function()
      local other = kept and differing(plan, kept)
      if other then
         return failure("BUSY", ("%s: another %s than this is kept there, and not at its end yet; end that with "
            .. "keep{ file = %q }, or give another file"):format(file.path, other, plan.file))
      end
      options.complete(plan, kept)
      set_end(self, kept)
      self.sessions = Sessions.new(plan, kept and kept.changed)
      self.timer = waiting.timer(function() turn.run(self) end)
      if kept then
         local left = state.seconds_left(self)
         report.tell(self, "resumed", { file = file.path, changed = #kept.changed,
            over = kept.ending or left and left <= 0 or false })
      end
      local begun, why, fault = begin_watch(self)
      if not begun then
         return nil, why, fault
      end
      if kept and kept.ending then
         ending.begin(self, "time")
      end
      local saved
      saved, why, fault = state.save(self)
      if not saved and not kept then -- else the former state is there still
         return nil, why, fault
      end
      self.timer:set(0)
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

---------------------------------------------------------------------------------------------------------------- methods

--- Whether it is over.
function Keeper:done()
   return self_here(self, "done").over ~= nil
end

--- Ends it: puts back what it has changed, with `restore`, and is done then.  A second time, nothing happens.
function Keeper:stop()
   self_here(self, "stop")
   if not self.over then
      ending.begin(self, "stopped")
      state.poke(self)
   end
end

--- Gives everything back at once, and puts nothing back.  A file stays, for the next keeper.
function Keeper:close()
   self_here(self, "close")
   if not self.over then
      ending.close(self, "closed")
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
   return failure(first.error.code, report.line(("%s%s: not put back: %s%s"):format(first.server,
      first.session_id ~= nil and ": session " .. tostring(first.session_id) or "", first.error.message,
      #failed > 1 and (" (%d sessions in all)"):format(#failed) or "")),
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
