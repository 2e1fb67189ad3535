-- SPDX-License-Identifier: MIT
--- Whether a word may be a mistyped other one.
local near = {}

local SHORTEST = 3 -- letters: shorter words are near to too many

--- Where two words differ first.
local function first_difference(one, other)
   local at = 1
   while at <= #one and one:byte(at) == other:byte(at) do
      at = at + 1
   end
   return at
end

--- Whether `short` is `long` with a letter left out.
local function lacks_one(short, long)
   local at = first_difference(short, long)
   return short:sub(at) == long:sub(at + 1)
end

--- Whether they differ, and in no more than one letter that is changed, added or left out, or two that are swapped; the
--- case of letters does not count.
function near.is(one, other)
   one, other = one:lower(), other:lower()
   if one == other or #one < SHORTEST or #other < SHORTEST then
      return false
   elseif #one == #other then
      local at = first_difference(one, other)
      return one:sub(at + 1) == other:sub(at + 1)
         or (one:sub(at, at + 1) == other:sub(at, at + 1):reverse() and one:sub(at + 2) == other:sub(at + 2))
   end
   return (#one + 1 == #other and lacks_one(one, other)) or (#other + 1 == #one and lacks_one(other, one))
end

return near
