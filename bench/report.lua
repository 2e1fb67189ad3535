-- SPDX-License-Identifier: MIT
--- What the measurements share: how two things are compared, and how a row of the table looks.
local now = require "bench.clock"

local report = {}

function report.median(list)
   table.sort(list)
   local middle = math.floor(#list / 2)
   return #list % 2 == 1 and list[middle + 1] or (list[middle] + list[middle + 1]) / 2
end

--- The time of one call of `work`.
function report.timed(times, work, argument)
   local start = now()
   for _ = 1, times do
      work(argument)
   end
   return (now() - start) / times
end

--- Takes a sample of each side in turn.  Returns the medians: of both sides, of the ratios and of the differences.
function report.compare(rounds, ours, theirs)
   local a, b, ratios, differences = {}, {}, {}, {}
   ours()
   theirs()
   for i = 1, rounds do
      if i % 2 == 1 then -- whoever comes first, comes second the next time
         a[i] = ours()
         b[i] = theirs()
      else
         b[i] = theirs()
         a[i] = ours()
      end
      ratios[i] = a[i] / b[i]
      differences[i] = a[i] - b[i]
   end
   return report.median(a), report.median(b), report.median(ratios), report.median(differences)
end

-- ---------------------------------------------------------------- the table

function report.seconds(x)
   if x < 1e-5 then
      return ("%.2f us"):format(x * 1e6)
   elseif x < 1e-3 then
      return ("%.0f us"):format(x * 1e6)
   end
   return ("%.2f ms"):format(x * 1e3)
end

function report.bytes(x)
   return ("%.0f kB"):format(x / 1024)
end

function report.line(what, ours, theirs, figure, goal, verdict)
   print((("%-36s%10s%10s%9s%9s  %s"):format(what, ours, theirs, figure, goal, verdict):gsub("%s+$", "")))
end

function report.title(text)
   print("\n" .. text)
end

function report.verdict(met)
   return met and "met" or "NO"
end

--- The figure is at most `most`, the ratio of ours to theirs.
function report.at_most(what, most, ours, theirs, ratio)
   report.line("  " .. what, report.seconds(ours), report.seconds(theirs), ("%.2f"):format(ratio), ("<= %g"):format(most),
      report.verdict(ratio <= most))
end

function report.skipped(why)
   print("  skipped: " .. why)
end

-- ---------------------------------------------------------------- the machine

function report.output(command)
   local pipe = io.popen("{ " .. command .. "; } 2>/dev/null")
   local text = pipe:read("*a")
   pipe:close()
   return text:match("^%s*(.-)%s*$")
end

return report
