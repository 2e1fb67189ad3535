-- SPDX-License-Identifier: MIT
local wms, server = ...
local told, asked, lines = 0, 0, 0
wms.configure{
   timeout = 5, concurrency = 2,
   allow = function(action)
      asked = asked + 1
      return action.server == server
   end,
   log = function(level, text)
      lines = lines + #level + #text
   end,
}
local list, message, err = wms.unlock{ session_ids = { 1, 2 }, server = server, on_outcome = function(outcome, done, total)
   told = told + 1
   assert(outcome.state and (not total or done <= total), "an outcome without a state")
end }
if list then
   assert(told == 2 and asked == 2, "not all was asked and told")
end
return "unlock", list, message, err
