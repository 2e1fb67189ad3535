-- SPDX-License-Identifier: MIT
--- The standard output: collected, and written at once; a reader that has gone is no reason to complain.
local output = {}

local parts = {}
local failure

--- Writes texts, at the latest with the next `flush`.
function output.write(...)
   for i = 1, select("#", ...) do
      parts[#parts + 1] = (select(i, ...))
   end
end

--- Writes what was collected; returns true, or nil and why it could not.
function output.flush()
   local text = table.concat(parts)
   parts = {}
   if text ~= "" and not failure then
      local fine, why, number = io.stdout:write(text)
      if fine then
         fine, why, number = io.stdout:flush()
      end
      if not fine then
         failure = { why = why, gone = number == 32 or number == 9 } -- EPIPE, EBADF
      end
   end
   if failure and not failure.gone then
      return nil, failure.why
   end
   return true
end

--- Whether nobody reads it any more.
function output.is_gone()
   return failure ~= nil and failure.gone
end

return output
