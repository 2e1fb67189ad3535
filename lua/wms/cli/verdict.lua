-- SPDX-License-Identifier: MIT
--- How a command went: what is counted, and the exit code.
local exits = require "wms.cli.exits"

local verdict = {}

-- The codes of a host that was not reached.  One that is not trusted, or to which this account is not bound, was reached.
local AWAY = { UNREACHABLE = true, TIMEOUT = true }

--- Whether the host took the request, and an interrupt ended the wait for what comes of it.
function verdict.is_unverified(outcome)
   return outcome.state == "requested" and outcome.error ~= nil and outcome.error.code == "CANCELLED"
end

--- Counts outcomes: `count` (all), `failed`, `unknown`, `skipped` (what a stop, a cancel or a deadline left out), `away`.
local function tally(outcomes)
   local counts = { count = #outcomes, failed = 0, unknown = 0, skipped = 0, away = 0 }
   for _, outcome in ipairs(outcomes) do
      if outcome.error and not verdict.is_unverified(outcome) then
         local state = outcome.state
         local word = (state == "unknown" or state == "skipped") and state or "failed"
         counts[word] = counts[word] + 1
         counts.away = counts.away + (AWAY[outcome.error.code] and state ~= "unknown" and 1 or 0)
      end
   end
   return counts
end

--- The sum of a result: the counts, `interrupted`, and `exit`, the exit code; `not_found` and `exempt`, users that were
--- named.  A result has `outcomes`; `items` of a listing; `interrupted`, the exit code of the signal that ended it;
--- `notes`; `exit`, where the outcomes alone do not say it.
function verdict.of(result)
   local sum = tally(result.outcomes)
   local bad = sum.failed + sum.unknown + sum.skipped
   sum.interrupted = result.interrupted ~= nil
   sum.not_found, sum.exempt = (result.notes or {}).not_found or 0, (result.notes or {}).exempt or 0
   if result.items then
      sum.count = #result.items + bad
   end
   if result.interrupted then
      sum.exit = result.interrupted
   elseif result.exit then
      sum.exit = result.exit
   elseif bad == 0 then
      sum.exit = sum.not_found + sum.exempt > 0 and exits.FAILED or exits.OK
   elseif sum.away == #result.outcomes and not result.kind and not (result.items and #result.items > 0) then
      sum.exit = exits.UNREACHED
   else
      sum.exit = exits.FAILED
   end
   return sum
end

return verdict
