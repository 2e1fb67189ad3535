-- SPDX-License-Identifier: MIT
--- `wms watch`: a line an event.
local columns = require "wms.cli.columns"
local exits = require "wms.cli.exits"
local hints = require "wms.cli.hints"
local lasting = require "wms.cli.lasting"
local misuse = require "wms.cli.misuse"
local output = require "wms.cli.output"
local plan = require "wms.cli.plan"
local records = require "wms.cli.records"
local text = require "wms.cli.text"
local waiting = require "wms.loop.waiting"
local wms = require "wms"

local watch = {}

local LONGEST = 3600 -- seconds without a look at anything

-- ---- a line ------------------------------------------------------------------------------------------------------------

local COLOURS = { locked = "yellow", unlocked = "green", lost = "red", overflow = "red", closed = "dim", ready = "dim" }

--- The columns for these servers.  On a terminal they fit into it, and one server alone is not named in each row.
local function columns_of(servers, look)
   local widest = 6
   for _, server in ipairs(servers) do
      widest = math.max(widest, text.width(text.clean(server)))
   end
   local whole = not look.width
   local list = {
      { name = "time", title = "TIME", width = whole and 19 or 8, least = 8 },
      { name = "server", title = "SERVER", width = widest, whole = whole, least = 8 },
      { name = "event", title = "EVENT", width = 12, least = 12 },
      { name = "id", title = "SESSION", width = 7, right = true, whole = true, least = 7 },
      { name = "user", title = "USER", width = 12, whole = whole },
      { name = "note", title = "NOTE", width = 12, whole = whole, may_go = 1 },
   }
   if look.width then
      if #servers == 1 then
         table.remove(list, 2)
      end
      columns.fit(list, look.width)
      local last = list[#list]
      last.width = math.max(last.width, last.width + look.width - columns.total(list))
   end
   return list
end

local function note_of(event)
   local notes, session = {}, event.session or {}
   notes[#notes + 1] = event.initial and "at first" or nil
   notes[#notes + 1] = event.kind == "opened" and session.locked and "locked" or nil
   notes[#notes + 1] = session.is_own and "you" or nil
   notes[#notes + 1] = session.is_orchestratable == false and "exempt" or nil
   notes[#notes + 1] = event.error and event.error.code or nil
   notes[#notes + 1] = event.dropped and ("%.0f dropped"):format(event.dropped) or nil
   return table.concat(notes, ", ")
end

local function row_of(self, event)
   local session = event.session or {}
   return {
      time = self.printer:moment(event.time), server = event.server and text.clean(event.server), event = event.kind,
      id = session.session_id ~= nil and text.clean(session.session_id) or nil,
      user = session.user_name and text.clean(session.user_name), note = text.clean(note_of(event)),
      colours = { event = COLOURS[event.kind], note = "dim" },
   }
end

local function print_event(self, event)
   local printer = self.printer
   printer:record(records.of_event(event))
   if printer:is_for_people() then
      output.write(columns.line(self.columns, row_of(self, event), printer.look.colour), "\n")
   end
end

-- ---- an event ----------------------------------------------------------------------------------------------------------

--- What went wrong, whichever events are wanted.
local function complain(self, event)
   if event.kind == "lost" then
      local outcome = { server = event.server, state = "failed", error = event.error }
      self.printer:complain("lost", ("%s: %s"):format(event.server, misuse.words(event.error.message)),
         hints.of(outcome, self.command, self.groups), "red")
   elseif event.kind == "overflow" then
      self.printer:complain("overflow", ("%.0f events or more were lost, since they came too fast; the sessions that are "
         .. "there now are told next"):format(event.dropped))
   end
end

local function tell(self, event)
   if self.left > 0 and (not self.kinds or self.kinds[event.kind]) then
      self.told, self.left = self.told + 1, self.left - 1
      print_event(self, event)
   end
end

--- Takes an event.  Behind an overflow all sessions are told anew, as at the beginning.
local function take(self, event)
   self.is_reached = self.is_reached or event.kind == "ready"
   tell(self, event)
   complain(self, event)
   for _, session in ipairs(event.kind == "overflow" and event.sessions or {}) do
      tell(self, { kind = "opened", initial = true, time = event.time, server = session.server, session = session })
   end
end

-- ---- the command -------------------------------------------------------------------------------------------------------

--- How many hosts are not watched now.
local function count_away(watched)
   local number = 0
   for _, server in ipairs(watched:servers()) do
      number = number + (server.state == "watched" and 0 or 1)
   end
   return number
end

--- The exit code.  Of a watch that has ended by itself: whether it was told what it was to wait for, and whether its hosts
--- are there at its end.
local function verdict(self, signalled, away)
   if signalled then
      return signalled
   elseif self.left == 0 or (away == 0 and self.left == math.huge) then
      return exits.OK
   end
   return self.is_reached and exits.FAILED or exits.UNREACHED
end

--- Tells the sum; returns the exit code.
local function finish(self, signalled, away)
   local sum = { command = "watch", count = self.told, failed = away, unknown = 0, skipped = 0, not_found = 0, exempt = 0,
      interrupted = signalled ~= nil, exit = verdict(self, signalled, away) }
   local line = text.count(self.told, "event")
   if away > 0 then
      line = ("%s, %s not there"):format(line, text.count(away, "host"))
   end
   if sum.exit ~= exits.UNREAD then
      self.printer:finish(sum, line)
   end
   return sum.exit
end

--- Runs it until a signal comes, its time is over, enough was told, or nobody reads it any more; returns the exit code of
--- the signal, if it was one.
local function run(self, during)
   local driver = waiting.driver
   local ends = during and driver:clock() + during or math.huge
   while true do
      if not output.flush() then
         return nil -- wms.cli says why
      elseif output.is_gone() then
         return exits.UNREAD
      end
      local now = driver:clock()
      if self.left == 0 or now >= ends then
         return nil
      end
      local code = lasting.wait(math.min(LONGEST, ends - now), true)
      if code then
         return code
      end
   end
end

--- Carries the command out; returns the exit code.  `note`: what is to be said of the hosts that were given.
function watch.run(made, given, settings, note)
   local wanted = made.lasting
   local options = plan.values(made)
   local servers = misuse.checked("watch", wms.servers, options.server or "localhost")
   local printer = lasting.printer("event", given)
   local self = { command = made.command, printer = printer, columns = columns_of(servers, printer.look),
      groups = settings.groups, told = 0, left = wanted.count or math.huge }
   for _, kind in ipairs(wanted.events or {}) do
      self.kinds = self.kinds or {}
      self.kinds[kind] = true
   end
   options.on_event = function(event) take(self, event) end
   lasting.begin()
   local watched, message, err = misuse.checked("watch", wms.watch, options)
   if not watched then
      return printer:fail("watch", err.code, message)
   elseif note then
      io.stderr:write(note, "\n")
   end
   if printer:is_for_people() then
      output.write(columns.line(self.columns, nil, printer.look.colour), "\n")
   end
   local stop = waiting.watch(watched, function(failure)
      if failure then
         error(failure[1], 0)
      end
   end)
   if given.demo then
      require("wms.cli.demo").liven()
   end
   local signalled = run(self, wanted.during)
   local away = count_away(watched)
   stop()
   return finish(self, signalled, away)
end

return watch
