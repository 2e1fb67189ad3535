-- SPDX-License-Identifier: MIT
--- Reads the head of a JPEG, by another way than the engine.
local jpeg = {}

--- Its width, height and comment; nil: it has none.
function jpeg.read(bytes)
   local width, height, comment
   local at = 3
   assert(bytes:sub(1, 2) == "\255\216", "no JPEG")
   while true do
      local marker, high, low = bytes:byte(at + 1), bytes:byte(at + 2, at + 3)
      local content = bytes:sub(at + 4, at + 1 + high * 256 + low)
      if marker == 218 then
         return width, height, comment
      elseif marker == 254 then
         comment = content
      elseif marker >= 192 and marker <= 194 then
         local a, b, c, d = content:byte(2, 5)
         height, width = a * 256 + b, c * 256 + d
      end
      at = at + 2 + high * 256 + low
   end
end

return jpeg
