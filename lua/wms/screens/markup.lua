-- SPDX-License-Identifier: MIT
--- What the pages of wms.screens are made of: texts that hosts choose are made harmless here.
local text = require "wms.cli.text"

local markup = {}

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

--- A text for HTML, inside of an element or of a quoted attribute: without control characters, and without those that turn
--- the direction of writing.
function markup.escape(value)
   return (text.clean(value):gsub("[&<>\"']", ENTITIES))
end

local CODES = { ['"'] = "\\\"", ["\\"] = "\\\\", ["<"] = "\\u003C", [">"] = "\\u003E", ["&"] = "\\u0026" }

--- A value as JSON: a text, a number, a boolean, a list of such (with `n`), or a table by names.
function markup.json(value)
   local kind = type(value)
   if kind == "string" then
      return ('"%s"'):format(text.clean(value):gsub('["\\<>&]', CODES))
   elseif kind == "number" then
      return ("%.17g"):format(value)
   elseif kind ~= "table" then
      return tostring(value)
   end
   local parts = {}
   if value.n then
      for i = 1, value.n do
         parts[i] = markup.json(value[i])
      end
      return "[" .. table.concat(parts, ",") .. "]"
   end
   for name, item in pairs(value) do
      parts[#parts + 1] = markup.json(name) .. ":" .. markup.json(item)
   end
   return "{" .. table.concat(parts, ",") .. "}"
end

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local pairs_of_digits -- two digits for each number of twelve bits

local function fill_pairs()
   pairs_of_digits = {}
   for i = 0, 4095 do
      local high, low = math.floor(i / 64) + 1, i % 64 + 1
      pairs_of_digits[i] = DIGITS:sub(high, high) .. DIGITS:sub(low, low)
   end
end

--- Bytes in Base64.
function markup.base64(bytes)
   if not pairs_of_digits then
      fill_pairs()
   end
   local parts, whole = {}, #bytes - #bytes % 3
   for at = 1, whole, 3 do
      local a, b, c = bytes:byte(at, at + 2)
      local number = a * 65536 + b * 256 + c
      parts[#parts + 1] = pairs_of_digits[math.floor(number / 4096)]
      parts[#parts + 1] = pairs_of_digits[number % 4096]
   end
   local left = #bytes - whole
   if left > 0 then
      local a, b = bytes:byte(whole + 1, whole + 2)
      local number = a * 65536 + (b or 0) * 256
      local last = pairs_of_digits[number % 4096]
      parts[#parts + 1] = pairs_of_digits[math.floor(number / 4096)]
      parts[#parts + 1] = left == 2 and last:sub(1, 1) .. "=" or "=="
   end
   return table.concat(parts)
end

return markup
