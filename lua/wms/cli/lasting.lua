-- SPDX-License-Identifier: MIT
--- What lasts until it is ended: signals, the loop, and what is printed as it goes.
local columns = require "wms.cli.columns"
local exits = require "wms.cli.exits"
local output = require "wms.cli.output"
local records = require "wms.cli.records"
local system = require "wms.system"
local terminal = require "wms.cli.terminal"
local text = require "wms.cli.text"

local lasting = {}

local CODES = { HUP = exits.HUNG_UP, INT = exits.INTERRUPTED, TERM = exits.TERMINATED, UNREAD = exits.UNREAD }

--- Signals that end a program are taken by `lasting.wait` from now on; before anything is begun.
function lasting.begin()
   system.hold_endings()
end

--- Waits for news of the loop, at most so many seconds, and lets it do what can be done; raises what its functions raise.
--- Returns the exit code and the name of a signal if one has come; `is_read`: or if nobody reads the output any more.
function lasting.wait(seconds, is_read)
   local loop = require "wms.loop.poll"
   local signal = system.await(assert(loop.pollfd()), seconds, is_read)
   if signal then
      return CODES[signal], signal
   end
   assert(loop.turn())
   return nil
end

-- ---- what is printed ---------------------------------------------------------------------------------------------------

local Printer = {}
Printer.__index = Printer

--- Prints records of a kind as they come, as --json, --csv and --quiet want it.
function lasting.printer(kind, given)
   local self = setmetatable({ kind = kind, json = given.json, csv = given.csv, quiet = given.quiet,
      look = terminal.look(1), errors = terminal.look(2) }, Printer)
   if self.csv then
      output.write(records.csv_line(kind), "\n")
   end
   return self
end

--- Whether lines for people are printed.
function Printer:is_for_people()
   return not (self.json or self.csv or self.quiet)
end

--- The record of a thing; nil where lines for people are printed.
function Printer:record(record)
   if self.json then
      output.write(records.json_line(record), "\n")
   elseif self.csv then
      output.write(records.csv_line(self.kind, record), "\n")
   end
end

--- A line for people on the error stream, `label` in a colour, and what to do about it.
function Printer:complain(label, line, hint, colour)
   if self.json then
      return
   end
   local width = self.errors.width or 1000
   output.flush() -- the row that it is about stands before it
   line = text.wrap(text.clean(("%s: %s"):format(label, line)), width, "   ")
   io.stderr:write(columns.colour(label, colour or "yellow", self.errors.colour), line:sub(#label + 1), "\n",
      hint and text.wrap(text.clean(hint), width, "   ", "   ") .. "\n" or "")
end

--- At its end: the sum, with `line` for people.
function Printer:finish(sum, line)
   if self.json then
      output.write(records.json_line(records.of("sum", sum)), "\n")
   elseif not self.quiet or sum.exit ~= exits.OK then
      output.flush()
      io.stderr:write(text.wrap((sum.interrupted and "interrupted: " or "") .. line, self.errors.width or 1000, "   "), "\n")
   end
end

--- A time for a line: of a day where it stays on a screen.
function Printer:moment(time)
   return os.date(self.look.width and "%H:%M:%S" or "%Y-%m-%d %H:%M:%S", math.floor(time))
end

return lasting
