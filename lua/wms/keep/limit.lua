-- SPDX-License-Identifier: MIT
--- Not more than so many actions in any minute on one session.
local limit = {}

limit.WINDOW = 60 -- seconds

--- When the next action is allowed; nil: now.  `times` are those of the actions so far, the oldest first.
function limit.next(times, most, now)
   while times[1] and times[1] <= now - limit.WINDOW do
      table.remove(times, 1)
   end
   if #times < most then
      return nil
   end
   return times[#times - most + 1] + limit.WINDOW
end

return limit
