-- SPDX-License-Identifier: MIT
--- Texts on a terminal: what hosts say is made harmless, measured and cut.
local text = {}

local CHARACTER = "[%z\1-\127\194-\244][\128-\191]*"

-- Ranges of characters that take two columns, and none.
local WIDE = { { 0x1100, 0x115F }, { 0x2E80, 0xA4CF }, { 0xAC00, 0xD7A3 }, { 0xF900, 0xFAFF }, { 0xFE30, 0xFE6F },
   { 0xFF00, 0xFF60 }, { 0xFFE0, 0xFFE6 }, { 0x1F300, 0x1FAFF }, { 0x20000, 0x3FFFD } }
local NONE = { { 0x300, 0x36F }, { 0x200B, 0x200F }, { 0x20D0, 0x20FF }, { 0xFE00, 0xFE0F } }

local function is_in(ranges, code)
   for _, range in ipairs(ranges) do
      if code >= range[1] and code <= range[2] then
         return true
      end
   end
   return false
end

local function code_of(character)
   local first = character:byte()
   if first < 0x80 then
      return first
   end
   local code = first % (first >= 0xF0 and 8 or first >= 0xE0 and 16 or 32)
   for i = 2, #character do
      code = code * 64 + character:byte(i) % 64
   end
   return code
end

--- How many bytes a character has that begins with this one; 0: none does.
local function length_of(first)
   return first < 0x80 and 1 or first < 0xC2 and 0 or first < 0xE0 and 2 or first < 0xF0 and 3 or first < 0xF5 and 4 or 0
end

-- What the second byte may be behind some first ones: else it is longer than need be, a surrogate, or beyond U+10FFFF.
local SECOND = { [0xE0] = { 0xA0, 0xBF }, [0xED] = { 0x80, 0x9F }, [0xF0] = { 0x90, 0xBF }, [0xF4] = { 0x80, 0x8F } }

--- Whether these bytes are one character.
local function is_character(bytes, length)
   if length <= 1 then
      return length == 1
   end
   local first, second = bytes:byte(1, 2)
   local range = SECOND[first] or { 0x80, 0xBF }
   return #bytes == length and bytes:find("^.[\128-\191]+$") ~= nil and second >= range[1] and second <= range[2]
end

--- Whether a terminal, or what a text is pasted into, would obey it: a control character, a separator of lines, or one that
--- turns the direction of writing.
local function is_harmful(character)
   if #character == 1 then
      return character:find("[%c\127]") ~= nil
   end
   local code = code_of(character)
   return code < 0xA0 or code == 0x61C or code == 0x200E or code == 0x200F or (code >= 0x2028 and code <= 0x202E)
      or (code >= 0x2066 and code <= 0x2069)
end

--- Calls `visit` with each character of a text, and whether it is one: a byte that belongs to none is alone.
local function each_character(value, visit)
   local at = 1
   while at <= #value do
      local length = length_of(value:byte(at))
      local character = value:sub(at, at + length - 1)
      local whole = is_character(character, length)
      visit(whole and character or value:sub(at, at), whole)
      at = at + (whole and length or 1)
   end
end

--- Whether a text is UTF-8.
function text.is_utf8(value)
   local fine = true
   if value:find("[\128-\255]") then
      each_character(value, function(_, whole) fine = fine and whole end)
   end
   return fine
end

--- As UTF-8, whatever it was: U+FFFD in place of what is none.
function text.as_utf8(value)
   if not value:find("[\128-\255]") then
      return value
   end
   local parts = {}
   each_character(value, function(character, whole)
      parts[#parts + 1] = whole and character or "\239\191\189"
   end)
   return table.concat(parts)
end

--- Without what a terminal would obey, and without what is no UTF-8: question marks instead.
function text.clean(value)
   value = tostring(value)
   if not value:find("[^\32-\126]") then
      return value
   end
   local parts = {}
   each_character(value, function(character, whole)
      parts[#parts + 1] = whole and not is_harmful(character) and character or "?"
   end)
   return table.concat(parts)
end

local function width_of(character)
   if #character == 1 then
      return 1
   end
   local code = code_of(character)
   return is_in(NONE, code) and 0 or is_in(WIDE, code) and 2 or 1
end

--- How many columns a clean text takes.
function text.width(value)
   if not value:find("[\128-\255]") then
      return #value
   end
   local width = 0
   for character in value:gmatch(CHARACTER) do
      width = width + width_of(character)
   end
   return width
end

--- A clean text in at most so many columns; what is cut off shows as `~`.
function text.cut(value, columns)
   if text.width(value) <= columns then
      return value
   end
   local parts, width = {}, 0
   for character in value:gmatch(CHARACTER) do
      width = width + width_of(character)
      if width > columns - 1 then
         break
      end
      parts[#parts + 1] = character
   end
   return table.concat(parts) .. "~"
end

--- With spaces behind it, or before it, so that it takes so many columns.
function text.pad(value, columns, right)
   local spaces = (" "):rep(columns - text.width(value))
   return right and spaces .. value or value .. spaces
end

--- Lines of at most so many columns, the second and further ones behind `indent`; `first` stands before the first one.
function text.wrap(value, columns, indent, first)
   local lines, line, used = {}, first or "", false
   for word in value:gmatch("%S+") do
      if used and text.width(line) + 1 + text.width(word) > columns then
         lines[#lines + 1] = line
         line, used = indent, false
      end
      line, used = line .. (used and " " or "") .. word, true
   end
   lines[#lines + 1] = line
   return table.concat(lines, "\n")
end

--- One word or another.
function text.count(number, word)
   return ("%d %s%s"):format(number, word, number == 1 and "" or "s")
end

return text
