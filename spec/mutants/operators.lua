-- SPDX-License-Identifier: MIT
--- Ways to break a line of C, for spec/mutants/run.lua: each gives the line anew, wrong in one place.
local operators = {}

-- The text with comments, strings and characters as blanks, so that only code is left, each at its place.
local function bare(text)
   local out, at = {}, 1
   local function blank(part)
      out[#out + 1] = part:gsub("[^\n]", " ")
   end
   while at <= #text do
      local two, one = text:sub(at, at + 1), text:sub(at, at)
      local stop
      if two == "/*" then
         stop = (select(2, text:find("*/", at + 2, true))) or #text
      elseif two == "//" then
         stop = (text:find("\n", at, true) or #text + 1) - 1
      elseif one == '"' or one == "'" then
         stop = at + 1
         while stop <= #text and text:sub(stop, stop) ~= one do
            stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
         end
      end
      if stop then
         blank(text:sub(at, stop))
         at = stop + 1
      else
         out[#out + 1] = one
         at = at + 1
      end
   end
   return table.concat(out)
end

--- The lines of a text, without their ends.
function operators.lines(text)
   local list = {}
   for line in text:gmatch("([^\n]*)\n") do
      list[#list + 1] = line
   end
   return list
end

local function replaced(line, first, last, by)
   return line:sub(1, first - 1) .. by .. line:sub(last + 1)
end

-- Every place where `pattern` is in the code of the line, with `by` (a text or a function of what was found) in its place.
local function swap(pattern, by)
   return function(line, code, add)
      local at = 1
      while true do
         local first, last, found = code:find(pattern, at)
         if not first then
            return
         end
         local text = type(by) == "function" and by(found or code:sub(first, last)) or by
         if text then
            add(replaced(line, first, last, text))
         end
         at = last + 1
      end
   end
end

-- `if (CONDITION)` and `while (CONDITION)` that end in this line, the other way round.
local function negate(line, code, add)
   for _, word in ipairs{ "if", "while" } do
      local first = select(2, code:find("%f[%w_]" .. word .. " %("))
      local last = first and select(2, code:find("%b()", first))
      if last and code:sub(first, last) ~= "(1)" then
         add(replaced(line, first, last, "(!" .. line:sub(first, last) .. ")"))
      end
   end
end

-- A statement of one line that calls something, or gives something that is there already a value: gone.
local function drop(_, code, add)
   local indent, statement = code:match("^(%s+)(.-);%s*$")
   if not statement then
      return
   end
   local call = statement:match("^[%a_][%w_%.%->%[%]]*(%b())$")
   local value = statement:match("^%*?[%a_][%w_%.%->%[%]]* [%+%-|&]?= .")
   if (call or value) and not statement:find("^return") and not statement:find("^sizeof") then
      add(indent .. "(void) 0;")
   end
end

local function returns(line, code, add)
   local first, last, value = code:find("return (.-);")
   if first and value ~= "0" and value ~= "NULL" and value:find("%S") then
      add(replaced(line, first, last, "return 0;"))
   end
end

local ALL = {
   negate, drop, returns,
   swap(" == ", " != "), swap(" != ", " == "),
   swap(" < ", " <= "), swap(" <= ", " < "), swap(" > ", " >= "), swap(" >= ", " > "),
   swap("&&", "||"), swap("||", "&&"),
   swap(" %+ 1%f[^%w_.]", ""), swap(" %- 1%f[^%w_.]", ""),
   swap(" %+ (%f[%a_])", " - "), swap(" %- (%f[%a_])", " + "),
   swap("%f[%w_.]%d+%f[^%w_.]", function(number)
      return number == "1" and "0" or ("%d"):format(tonumber(number) + 1)
   end),
   swap("%f[%w_]true%f[^%w_]", "false"), swap("%f[%w_]false%f[^%w_]", "true"),
}

-- Nothing happens there when the program runs, or the compiler says what is wrong.
local function is_code(code)
   return code:find("^%s") and code:find("[%w_]") and not code:find("^%s*#") and not code:find("^%s*_Static_assert")
end

--- Every mutant of a file: a list of { line =, old =, new = }, in the order of its lines.
function operators.all(text)
   local lines, codes = operators.lines(text), operators.lines(bare(text))
   local list = {}
   local macro = false
   for i, line in ipairs(lines) do
      if not macro and is_code(codes[i]) then
         local seen = { [line] = true }
         for _, operator in ipairs(ALL) do
            operator(line, codes[i], function(new)
               if not seen[new] then
                  seen[new] = true
                  list[#list + 1] = { line = i, old = line, new = new }
               end
            end)
         end
      end
      macro = (macro or codes[i]:find("^%s*#") ~= nil) and line:find("\\$") ~= nil
   end
   return list
end

--- Numbers that are the same for the same seed, on every machine: draw(n) is one of 1..n.
function operators.dice(seed)
   local state = seed % 2147483647
   state = state == 0 and 1 or state
   return function(n)
      for _ = 1, 3 do
         state = state * 48271 % 2147483647
      end
      return state % n + 1
   end
end

--- `count` of the mutants of the files, { [path] = text }, none of them in a line of another one.
function operators.random(files, count, seed)
   local paths, lines = {}, {}
   for path in pairs(files) do
      paths[#paths + 1] = path
   end
   table.sort(paths)
   for _, path in ipairs(paths) do
      local last
      for _, mutant in ipairs(operators.all(files[path])) do
         mutant.file = path
         if not last or last[1].line ~= mutant.line then
            last = {}
            lines[#lines + 1] = last
         end
         last[#last + 1] = mutant
      end
   end
   local draw, list = operators.dice(seed), {}
   while #list < count and #lines > 0 do
      local line = table.remove(lines, draw(#lines))
      list[#list + 1] = line[draw(#line)]
   end
   return list
end

return operators
