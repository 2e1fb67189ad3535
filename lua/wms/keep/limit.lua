-- SPDX-License-Identifier: MIT
--- Not more than so many actions in any minute on one session.
local limit = {}

limit.WINDOW = 60 -- seconds

--- Seconds until another action is allowed; 0: now.  `times` are those of the actions so far, the oldest first.
function limit.pause(times, most, now)
   while times[1] and times[1] <= now - limit.WINDOW do
      table.remove(times, 1)
   end
   if #times < most then
      return 0
   end
   return times[#times - most + 1] + limit.WINDOW - now
end

return limit
