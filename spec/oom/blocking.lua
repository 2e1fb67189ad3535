-- SPDX-License-Identifier: MIT
-- On the hosts of spec/c/provider_blocking.c: a call of a library that blocks.
local wms = ...

local function begun()
   local counts, message, err = wms.call{ server = "blocking://counts", interface = "I", operation = "counts" }
   return counts and counts.begun, message, err
end

local before, message, err = begun()
if not before then
   return nil, nil, message, err
end
local list, reason, failure = wms.unlock{ session_ids = { 1, 2 }, server = "blocking://host" }
local after, why, cause = begun()
if not after then
   return nil, nil, why, cause
end
local taken = 0
for _, outcome in ipairs(list or failure.outcomes) do
   if outcome.state == "requested" then
      assert(outcome.note == nil or outcome.note:find("was asked"))
      taken = taken + 1
   else
      assert(outcome.state == "failed", "it was sent, and its answer was not waited for")
   end
end
assert(after - before == taken, "claimed, and not done, or done, and not claimed")
if not list then
   return nil, nil, reason, failure
end
list, reason, failure = wms.sessions("blocking://back")
if not list then
   return nil, nil, reason, failure
end
assert(#list == 3, "not all, without a word")
local request
request, reason, failure = wms.start("unlock", { session_ids = { 1, 2, 3 }, server = "blocking://back" })
if not request then
   return nil, nil, reason, failure
end
-- The state is closed while it runs.
