-- SPDX-License-Identifier: MIT
--- What lasts until it is ended: signals, the loop, and what is printed as it goes.
local columns = require "wms.cli.columns"
local exits = require "wms.cli.exits"
local loop = require "wms.loop.poll"
local output = require "wms.cli.output"
local records = require "wms.cli.records"
local system = require "wms.system"
local terminal = require "wms.cli.terminal"
local text = require "wms.cli.text"

local lasting = {}

--- The exit codes for what ends a command.
lasting.CODES = { HUP = exits.HUNG_UP, INT = exits.INTERRUPTED, TERM = exits.TERMINATED, UNREAD = exits.UNREAD }

--- Signals that end a program are taken by `lasting.wait` from now on; before anything is begun.  Raises when nothing
--- could be waited for.
function lasting.begin()
   system.hold_endings()
   assert(loop.pollfd())
end

--- Waits for news of the loop, at most so many seconds, and lets it do what can be done; raises what its functions raise.
--- Returns the exit code and the name of a signal if one has come; `is_read`: or if nobody reads the output any more.
function lasting.wait(seconds, is_read)
   local signal = system.await(assert(loop.pollfd()), seconds, is_read)
   if signal then
      return lasting.CODES[signal], signal
   end
   assert(loop.turn())
   return nil
end

-- ---- what is printed ---------------------------------------------------------------------------------------------------

local Printer = {}
Printer.__index = Printer

--- Prints records of a kind as they come, as --json, --csv and --quiet want it.  `has_clock`: whoever reads its lines
--- knows the time of each.
function lasting.printer(kind, given, has_clock)
   local self = setmetatable({ kind = kind, json = given.json, csv = given.csv, quiet = given.quiet, has_clock = has_clock,
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

--- Writes to the error stream, behind all that was written to the output.
local function complain(...)
   output.flush()
   io.stderr:write(...)
end

--- A hint below a line on the error stream.
local function below(self, hint)
   return hint and text.wrap(text.clean(hint), self.errors.width or 1000, "   ", "   ") .. "\n" or ""
end

--- Says on the error stream what went wrong, and what to do about it; the `label` has a colour.
function Printer:complain(label, line, hint, colour)
   if not self.json then
      line = text.wrap(text.clean(("%s: %s"):format(label, line)), self.errors.width or 1000, "   ")
      complain(columns.colour(label, colour or "yellow", self.errors.colour), line:sub(#label + 1), "\n",
         below(self, hint))
   end
end

--- A line for people, with its time.  `bad`: a colour; then it goes to the error stream, and the hint below it.
function Printer:line(time, line, bad, hint)
   local look = bad and self.errors or self.look
   local prefix = self.has_clock and "" or self:moment(time, look) .. "  "
   line = text.wrap(text.clean(line), (look.width or 1000) - #prefix, (" "):rep(#prefix))
   if bad and not self.json then
      complain(prefix, columns.colour(line, bad, look.colour), "\n", below(self, hint))
   elseif not bad and self:is_for_people() then
      output.write(prefix, line, "\n")
   end
end

--- The command could not be begun; returns the exit code.
function Printer:fail(name, code, message)
   local outcome = { server = "localhost", state = "failed", error = { code = code, message = message } }
   if self.json then
      output.write(records.json_line(records.of("outcome", outcome)), "\n")
      self:finish({ command = name, count = 0, failed = 1, unknown = 0, skipped = 0, not_found = 0, exempt = 0,
         interrupted = false, exit = exits.FAILED })
   else
      self:complain("failed", message, nil, "red")
   end
   return exits.FAILED
end

--- At its end: the sum, with `line` for people.
function Printer:finish(sum, line)
   if self.json then
      output.write(records.json_line(records.of("sum", sum)), "\n")
   elseif not self.quiet or sum.exit ~= exits.OK then
      line = text.clean((sum.interrupted and "interrupted: " or "") .. line)
      complain(text.wrap(line, self.errors.width or 1000, "   "), "\n")
   end
end

--- A time for a line: of a day where it stays on a screen.
function Printer:moment(time, look)
   return os.date((look or self.look).width and "%H:%M:%S" or "%Y-%m-%d %H:%M:%S", math.floor(time))
end

return lasting
