-- SPDX-License-Identifier: MIT
--- Checks what the functions of wms.multipoint are given, before anything is sent: kinds of arguments, by their names in
--- the tables of the groups.
local check = {}

local LARGEST_ID = 4294967294 -- 2^32 - 1 means "none"
local EXACT = 9007199254740992 -- 2^53: up to it every Lua has each whole number

--- Raises misuse: `{ misuse = text }`, which wms.multipoint raises as a text where its caller stands.
function check.refuse(fun, format, ...)
   error({ misuse = ("bad argument #1 to '%s' (%s)"):format(fun, format:format(...)) }, 0)
end

--- A value for a message.
local function show(value)
   if type(value) == "number" then
      return ("%.14g"):format(value)
   elseif type(value) == "string" then
      return (("%q"):format(#value > 40 and value:sub(1, 40) .. "..." or value):gsub("[%c]+", " "))
   elseif value == nil then
      return "missing"
   end
   return type(value) == "boolean" and tostring(value) or "a " .. type(value)
end
check.show = show

local function is_whole(value)
   return type(value) == "number" and value >= -EXACT and value <= EXACT and math.floor(value) == value
end

------------------------------------------------------------------------------------------------------------------ texts

-- First byte of a character -> how many follow, and the range of the next one.
local function following(byte)
   if byte < 0x80 then
      return 0
   elseif byte >= 0xC2 and byte <= 0xDF then
      return 1, 0x80, 0xBF
   elseif byte >= 0xE0 and byte <= 0xEF then
      return 2, byte == 0xE0 and 0xA0 or 0x80, byte == 0xED and 0x9F or 0xBF
   elseif byte >= 0xF0 and byte <= 0xF4 then
      return 3, byte == 0xF0 and 0x90 or 0x80, byte == 0xF4 and 0x8F or 0xBF
   end
   return nil
end

--- Whether XML can carry it: UTF-8, and no control characters but tab, line feed and carriage return.
local function is_text(value)
   local at, size = 1, #value
   while at <= size do
      local byte = value:byte(at)
      local more, low, high = following(byte)
      if not more or byte < 0x20 and byte ~= 9 and byte ~= 10 and byte ~= 13 then
         return false
      end
      for i = at + 1, at + more do
         local next_byte = value:byte(i)
         if not next_byte or next_byte < low or next_byte > high then
            return false
         end
         low, high = 0x80, 0xBF
      end
      local three = value:sub(at, at + more)
      if three == "\239\191\190" or three == "\239\191\191" then -- U+FFFE, U+FFFF
         return false
      end
      at = at + more + 1
   end
   return true
end

------------------------------------------------------------------------------------------------------------------ kinds

-- name -> { what a document says of it, a function(value, field): the value as it is used, or nil }
local kinds = {}

kinds.text = { "a text in UTF-8 without control characters", function(value)
   return type(value) == "string" and is_text(value) and value or nil
end }

kinds.name = { "a text in UTF-8 that is not empty", function(value)
   return type(value) == "string" and value ~= "" and is_text(value) and value or nil
end }

kinds.boolean = { "true or false", function(value)
   return type(value) == "boolean" and value or nil
end }

kinds.whole = { "a whole number", function(value, field)
   if is_whole(value) and value >= (field.least or 0) and value <= (field.most or LARGEST_ID + 1) then
      return value
   end
   return nil
end }

kinds.long = { "a whole number, or its digits as a string", function(value)
   if type(value) == "string" and value:match("^%d+$") and #value <= 20 then
      value = value:gsub("^0+(%d)", "%1")
      return (#value < 20 or value <= "18446744073709551615") and value or nil
   end
   local exact = math.type and math.type(value) == "integer" or is_whole(value) -- luacheck: ignore 143
   return exact and value >= 0 and value or nil
end }

kinds.names = { "a list of texts that are not empty", function(value)
   if type(value) == "string" then
      value = { value }
   elseif type(value) ~= "table" then
      return nil
   end
   local count = 0
   for key in pairs(value) do
      count = count + 1
      if not kinds.name[2](value[key]) then
         return nil
      end
   end
   return count == #value and value or nil -- else it has holes, or names
end }

--- One of the words of `field.words`, whatever the case of its letters.
kinds.word = { "a word", function(value, field)
   return type(value) == "string" and field.words.number(value) and value or nil
end }

kinds.table = { "a table", function(value)
   return type(value) == "table" and value or nil
end }

--- What a document, and a complaint, says that a field takes.
function check.takes(field)
   if field.give then
      return field.give
   elseif field.kind == "word" then
      return "\"" .. table.concat(field.words.list, "\", \"") .. "\""
   elseif field.kind == "whole" and (field.least or field.most) then
      return ("a whole number from %d to %d"):format(field.least or 0, field.most or LARGEST_ID + 1)
   end
   return kinds[field.kind][1]
end

--- The value of a field as it is used; raises misuse of the function `fun`.
function check.value(fun, field, value)
   if value == nil and not field.required then
      return nil
   elseif value == false and field.off then
      return false
   end
   local taken
   if value ~= nil then
      taken = kinds[field.kind][2](value, field)
      if taken == nil and not (field.kind == "boolean" and value == false) then
         local shown = field.secret and "a " .. type(value) .. " that is none" or show(value)
         check.refuse(fun, "%s: %s; give %s%s", field.name, shown, check.takes(field),
            field.off and ", or false " .. field.off or "")
      end
   else
      check.refuse(fun, "%s: missing; give %s", field.name, check.takes(field))
   end
   if taken == nil then
      return false
   end
   return taken
end

-------------------------------------------------------------------------------------------------------------------- ids

--- An id as a number; nil: it is none.
local function id_of(value, least)
   if type(value) == "string" and (value == "0" or value:match("^[1-9]%d*$")) then
      value = tonumber(value)
   end
   return is_whole(value) and value >= least and value <= LARGEST_ID and value or nil
end

local function bad_id(fun, name, value, least)
   check.refuse(fun, "%s: %s%s; give %d..%d", name, show(value), value == LARGEST_ID + 1 and " means none" or "", least,
      LARGEST_ID)
end

--- An id, a list of ids, an object that has one (`key`) and its server, or a list of such.  Returns a list of
--- { id =, server =, from = } without duplicates, and whether it was a list; `server` is nil where an id stands by itself,
--- `from` the object.
function check.ids(fun, name, key, value)
   local least = key == "station_id" and 1 or 0
   if value == nil then
      check.refuse(fun, "%s: missing; give one or a list of them, or call %s_all for all", name, fun)
   end
   local listed = type(value) == "table" and value[key] == nil and value.server == nil
   local list = listed and value or { value }
   local count, taken, seen = 0, {}, {}
   for _ in pairs(list) do
      count = count + 1
   end
   if count ~= #list then
      check.refuse(fun, "%s: a list with holes or names; give ids one after another", name)
   elseif count == 0 then
      check.refuse(fun, "%s: an empty list; give one id at least, or do not call", name)
   end
   local objects = type(list[1]) == "table"
   for i, item in ipairs(list) do
      local where = #list > 1 and ("%s[%d]"):format(name, i) or name
      if (type(item) == "table") ~= objects then
         check.refuse(fun, "%s: ids and objects mixed; give the one or the other", name)
      elseif objects and (item[key] == nil or type(item.server) ~= "string") then
         check.refuse(fun, "%s: a table without %s and server; give an id, or what has both", where, key)
      end
      local id = id_of(objects and item[key] or item, least)
      if not id then
         bad_id(fun, where, objects and item[key] or item, least)
      end
      local mark = (objects and item.server or "") .. "\n" .. ("%.0f"):format(id)
      if not seen[mark] then
         seen[mark] = true
         taken[#taken + 1] = { id = id, server = objects and item.server or nil, from = objects and item or nil }
      end
   end
   return taken, listed
end

return check
