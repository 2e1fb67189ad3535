-- SPDX-License-Identifier: MIT
--- `wms keep`: holds sessions locked, or unlocked, and tells each report of the keeper on a line.
local exits = require "wms.cli.exits"
local hints = require "wms.cli.hints"
local lasting = require "wms.cli.lasting"
local misuse = require "wms.cli.misuse"
local output = require "wms.cli.output"
local plan = require "wms.cli.plan"
local records = require "wms.cli.records"
local service = require "wms.cli.service"
local state = require "wms.keep.state"

local keep = {}

local driver = require("wms.loop.waiting").driver

local SAME = 1 -- seconds in which further signals are the first one still: `timeout` and others send it to a whole group
local MOST_ERRORS = 1000 -- in a row, one a turn at most, after which it ends

-- ---- a report ----------------------------------------------------------------------------------------------------------

local BAD = { lost = "red", fight = "yellow", file = "red", unwatched = "red", waiting = "yellow" }

--- What is known of hosts and sessions at the end.
local function remember(self, report)
   if report.kind == "ended" then
      self.ended = report
      return
   end
   local key = ("%s\n%s"):format(report.server or "", tostring(report.session_id))
   if report.kind == "lost" then
      self.lost[report.server] = true
   elseif report.kind == "ready" or report.kind == "back" then
      self.lost[report.server], self.reached[report.server] = nil, true
   elseif report.kind == "acted" then
      local failed = report.error and report.error.code ~= "NOT_FOUND" -- it has ended meanwhile
      self.failing[key] = failed or nil
      self.actions = self.actions + 1
   end
end

--- What to do about an error, said once for a host.
local function hint_of(self, report)
   if not report.error or report.kind == "waiting" or report.kind == "file" or report.kind == "unwatched" then
      return nil
   end
   local key = report.server .. "\n" .. report.error.code
   if self.hinted[key] then
      return nil
   end
   self.hinted[key] = true
   return hints.of({ server = report.server, session_id = report.session_id, state = "failed", error = report.error },
      self.command, self.groups)
end

local function take(self, report)
   remember(self, report)
   service.status(report.message)
   self.printer:record(records.of_report(report))
   if report ~= self.ended then -- its line is the sum
      local bad = BAD[report.kind] or (report.error and "red") or nil
      self.printer:line(report.time, misuse.words(report.message), bad, hint_of(self, report))
   end
end

-- ---- until it is over --------------------------------------------------------------------------------------------------

local function say(self, line, colour)
   self.printer:line(os.time(), line, colour)
end

--- The first signal ends it in order, a second one at once.  When the machine goes down, what a file keeps goes on after
--- the next start.  Returns whether nothing more is waited for.
local function take_signal(self, keeper, signal, again)
   local file = keeper.plan.file
   if not again and file and service.is_machine_ending() then
      say(self, "the machine is going down: goes on after the next start")
   elseif not again then
      say(self, "stopped by SIG" .. signal)
      service.stopping(keeper.plan.grace)
      keeper:stop()
      return false
   elseif keeper.plan.restore then
      state.save(keeper) -- what has been put back so far
      say(self, file and ("stopped by SIG%s at once: what was not put back is written down; 'wms keep --file %s' goes on")
         :format(signal, file) or ("stopped by SIG%s at once: what was not put back stays as it is"):format(signal), "red")
   end
   keeper:close()
   return true
end

--- Runs it until it is over.  Returns the exit code of the signal that has ended it, if it was one, or BROKEN; and whether
--- that was at once.
local function run(self, keeper)
   local errors, last, stopped, at = 0, nil, nil, nil
   while not keeper:done() do
      output.flush() -- where that cannot be written, the room is kept nevertheless
      service.alive()
      local fine, code, signal = pcall(lasting.wait, service.pause())
      if not fine then -- lack of memory, for one: the keeper goes on
         errors = errors + 1
         if code ~= last then
            last = code
            say(self, tostring(code), "red")
         end
         if errors >= MOST_ERRORS then
            keeper:close()
            return exits.BROKEN, true
         end
      else
         errors, last = 0, nil
         local now = driver:clock()
         if code and (not stopped or now - at > SAME) and take_signal(self, keeper, signal, stopped) then
            return code, true
         end
         stopped, at = stopped or code, at or code and now
      end
   end
   return stopped, false
end

local function count(set)
   local number = 0
   for _ in pairs(set) do
      number = number + 1
   end
   return number
end

--- Hosts that have neither answered nor failed by the end.
local function tell_unreached(self, keeper)
   for _, server in ipairs(keeper.plan.servers) do
      if not self.reached[server] and not self.lost[server] then
         self.lost[server] = true
         say(self, misuse.words(server .. ": was not reached by the end"), "red")
      end
   end
end

--- Tells the sum; returns the exit code.  `code`: that of what has ended it, or nil.
local function finish(self, keeper, code, at_once)
   local ended = self.ended or {} -- nil: it has not come to its end
   if not code then
      tell_unreached(self, keeper)
   end
   local failed = count(self.failing) + count(self.lost) + (ended.not_restored or 0)
   local sum = { command = "keep", count = self.actions, failed = failed, unknown = 0, skipped = 0, not_found = 0,
      exempt = 0, interrupted = code ~= nil and code ~= exits.BROKEN }
   local summary, message = true, nil
   if not at_once then
      summary, message = keeper:result()
   end
   if not summary then
      sum.exit = exits.FAILED
      say(self, misuse.words(message), "red")
   else
      local away = not next(self.reached) and next(self.lost) and exits.UNREACHED
      sum.exit = code or away or (failed > 0 and exits.FAILED) or exits.OK
   end
   self.printer:finish(sum, ended.message or ("ended at once: %d actions"):format(self.actions))
   return sum.exit
end

-- ---- the command -------------------------------------------------------------------------------------------------------

--- Carries the command out; returns the exit code.  `note`: what is to be said of the hosts that were given.
function keep.run(made, given, settings, note)
   local options = plan.values(made)
   local self = { command = made.command, groups = settings.groups, lost = {}, reached = {}, failing = {}, hinted = {},
      actions = 0, printer = lasting.printer("report", given, service.is_there()) }
   options.on_report = function(report) take(self, report) end
   if not given.demo then
      service.use_credentials()
   end
   lasting.begin()
   local keeper, message, err = misuse.checked("keep", require "wms.keep", options)
   if not keeper then
      return self.printer:fail("keep", err.code, misuse.words(message))
   elseif note then
      io.stderr:write(note, "\n")
   end
   service.ready()
   if given.demo then
      require("wms.cli.demo").liven()
   end
   return finish(self, keeper, run(self, keeper))
end

return keep
