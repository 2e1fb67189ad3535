-- SPDX-License-Identifier: MIT
--- Writes a value (texts, numbers, booleans, nil and tables of these) so that Lua can read it.
local function literal(value)
   if type(value) == "number" and value % 1 == 0 then
      return ("%.0f"):format(value)
   elseif type(value) ~= "table" then
      return type(value) == "string" and ("%q"):format(value) or tostring(value)
   end
   local parts = {}
   for key, item in pairs(value) do
      parts[#parts + 1] = ("[%s] = %s"):format(literal(key), literal(item))
   end
   return "{ " .. table.concat(parts, ", ") .. " }"
end

return literal
