-- SPDX-License-Identifier: MIT
--- Prints rows as a table that fits into a terminal.
local text = require "wms.cli.text"

local columns = {}

local GAP = 2
local NARROW = 60 -- columns: a terminal that is narrower has no place for the servers' names in each row

local COLOURS = { green = "32", yellow = "33", red = "31", dim = "2", bold = "1" }

--- A text in a colour; without colours it is itself.
function columns.colour(value, name, has_colour)
   if not has_colour or not name or value == "" then
      return value
   end
   return ("\27[%sm%s\27[0m"):format(COLOURS[name], value)
end

--- How many columns they take side by side.
local function total(list)
   local sum = 0
   for i, column in ipairs(list) do
      sum = sum + column.width + (i > 1 and GAP or 0)
   end
   return sum
end
columns.total = total

--- Takes out columns, the least important first, and makes others narrower, until they fit.  Returns the titles of those
--- that are gone and would be missed.
local function fit(list, width)
   local gone = {}
   while total(list) > width do
      local least
      for i, column in ipairs(list) do
         if column.may_go and (not least or column.may_go > list[least].may_go) then
            least = i
         end
      end
      if least then
         local column = table.remove(list, least)
         gone[#gone + 1] = column.told and column.title or nil
      else
         local widest
         for _, column in ipairs(list) do
            if column.width > (column.least or 6) and (not widest or column.width > widest.width) then
               widest = column
            end
         end
         if not widest then
            break
         end
         widest.width = math.max(widest.least or 6, widest.width - (total(list) - width))
      end
   end
   return gone
end
columns.fit = fit

--- Those that have something in them, with their widths.
local function measure(wanted, rows, all)
   local list = {}
   for _, column in ipairs(wanted) do
      local width, used = #column.title, all or not column.may_go
      for _, row in ipairs(rows) do
         local value = row[column.name]
         if value and value ~= "" then
            used = true
            width = math.max(width, text.width(value))
         end
      end
      if used then
         list[#list + 1] = { name = column.name, title = column.title, may_go = column.may_go, right = column.right,
            told = column.told, least = column.least, width = width }
      end
   end
   return list
end

local function line_of(list, row, has_colour)
   local parts = {}
   for i, column in ipairs(list) do
      local value = row[column.name]
      value = (value == nil or value == "") and "-" or value
      value = column.whole and value or text.cut(value, column.width)
      local last = i == #list and not column.right
      local padded = last and value or text.pad(value, column.width, column.right)
      parts[i] = columns.colour(padded, row.colours and row.colours[column.name], has_colour)
   end
   return table.concat(parts, (" "):rep(GAP))
end

--- A line of a table whose rows come one by one: `list` has { name, title, width, right, whole = it is never cut }.  `row`
--- is nil for the titles.
function columns.line(list, row, has_colour)
   if row then
      return line_of(list, row, has_colour)
   end
   local titles = {}
   for _, column in ipairs(list) do
      titles[column.name] = column.title
   end
   return columns.colour(line_of(list, titles, false), "bold", has_colour)
end

--- Prints rows: `wanted` is a list of { name, title, may_go = the higher, the sooner it is left out, told = it is said
--- then, right, least }.
---
--- `look`: `width` (nil: what is no terminal, where every column is there and none is cut) and `colour`.  On a narrow
--- terminal the column `heading` becomes a line above the rows that it is the same for.
function columns.print(write, wanted, rows, look, heading)
   local shown, headed = wanted, false
   if look.width and look.width < NARROW and heading then
      headed, shown = true, {}
      for _, column in ipairs(wanted) do
         shown[#shown + 1] = column.name ~= heading and column or nil
      end
   end
   local list = measure(shown, rows, not look.width)
   local gone = look.width and fit(list, look.width) or {}
   write(columns.line(list, nil, look.colour), "\n")
   local last
   for _, row in ipairs(rows) do
      if headed and row[heading] ~= last and row[heading] then
         last = row[heading]
         write(text.cut(last, look.width - 1), ":\n")
      end
      write(line_of(list, row, look.colour), "\n")
   end
   if #gone > 0 then
      local line = ("(%s: no place; a wider terminal shows it, and --csv)"):format(table.concat(gone, ", "))
      write(text.wrap(line, look.width, "   "), "\n")
   end
end

return columns
