-- SPDX-License-Identifier: MIT
--- Values as Lua writes them: for scripts that are printed, and run as well.
local literal = {}

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true until
   while]]):gmatch("%a+") do
   KEYWORDS[word] = true
end

local Source = {}

--- Stands for a value by its source.
function literal.source(text)
   return setmetatable({ text = text }, Source)
end

--- A number in as few digits as it takes; whole ones without a point.
local function number_of(value)
   if value ~= value or value == math.huge or value == -math.huge then
      return value ~= value and "0/0" or value > 0 and "math.huge" or "-math.huge"
   elseif value % 1 == 0 and value > -2 ^ 53 and value < 2 ^ 53 then
      return ("%.0f"):format(value)
   end
   for digits = 14, 17 do
      local shown = ("%." .. digits .. "g"):format(value):gsub(",", ".")
      if digits == 17 or tonumber(shown) == value then
         return shown
      end
   end
end

local function quoted(text)
   return '"' .. text:gsub('[%c"\\\127]', function(letter)
      return letter == "\n" and "\\n" or (letter == '"' or letter == "\\") and "\\" .. letter
         or ("\\%03d"):format(letter:byte())
   end) .. '"'
end

local function key(name)
   if type(name) == "string" and name:find("^[%a_][%w_]*$") and not KEYWORDS[name] then
      return name
   end
   return "[" .. literal.of(name) .. "]"
end

--- A value as a text; tables are lists, or have names in a fixed order.
function literal.of(value)
   if type(value) == "string" then
      return quoted(value)
   elseif type(value) == "number" then
      return number_of(value)
   elseif type(value) ~= "table" then
      return tostring(value)
   elseif getmetatable(value) == Source then
      return value.text
   end
   local parts, names = {}, {}
   for i, item in ipairs(value) do
      parts[i] = literal.of(item)
   end
   for name in pairs(value) do
      if not (type(name) == "number" and parts[name]) then
         names[#names + 1] = name
      end
   end
   table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
   for _, name in ipairs(names) do
      parts[#parts + 1] = key(name) .. " = " .. literal.of(value[name])
   end
   return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }"
end

--- What a value of `literal.source` is; any other value is itself.
function literal.value(value)
   if getmetatable(value) == Source then
      return assert((loadstring or load)("return " .. value.text))() -- luacheck: ignore 113
   end
   return value
end

return literal
