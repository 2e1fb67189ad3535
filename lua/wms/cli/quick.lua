-- SPDX-License-Identifier: MIT
--- Reads command lines that are plain and right, as the table of commands says, sooner than argparse is loaded.  For
--- anything else, and for everything that is wrong, there is wms.cli.parser: it returns the same for the same line.
local commands = require "wms.cli.commands"
local values = require "wms.cli.values"

local quick = {}

--- Options by their flags: { name, option }.
local function flags_of(lists)
   local flags = {}
   for _, list in ipairs(lists) do
      for _, name in ipairs(list) do
         for flag in commands.options[name].flags:gmatch("%S+") do
            flags[flag] = name
         end
      end
   end
   return flags
end

--- Whether a text is one of the choices, if there are any.
local function is_allowed(option, text)
   for _, choice in ipairs(option.choices or {}) do
      if choice == text then
         return true
      end
   end
   return not option.choices
end

--- Reads the values of an option from the words behind `at`; returns them, and where the last one is.  nil: not plain.
local function read_values(option, words, at)
   local kinds = option.kind == "warning" and { "time", "text" } or { option.kind or "text" }
   local list = {}
   for i, kind in ipairs(kinds) do
      local text = words[at + i]
      if not text or text:find("^%-") or not is_allowed(option, text) then
         return nil
      end
      list[i] = values[kind](text)
      if list[i] == nil then
         return nil
      end
   end
   return #kinds > 1 and list or list[1], at + #kinds
end

--- Reads the option at `at` into `given`; returns where its last word is, or nil.
local function read_option(given, flags, words, at)
   local flag, text = words[at]:match("^(%-%-[^=]+)=(.*)$")
   local name = flags[flag or words[at]]
   local option = commands.options[name]
   if not option or (given[name] ~= nil and not option.many) then
      return nil
   elseif not option.value then
      given[name] = true
      return not text and at or nil
   end
   local value, last
   if text or option.implied then
      if not text and words[at + 1] and values.wait(words[at + 1]) then
         return nil -- a time, or an id?
      end
      text = text or option.implied
      if option.kind == "warning" or not is_allowed(option, text) then
         return nil
      end
      value, last = values[option.kind or "text"](text), at
   else
      value, last = read_values(option, words, at)
   end
   if value == nil then
      return nil
   elseif option.many then
      given[name] = given[name] or {}
      table.insert(given[name], value)
   else
      given[name] = value
   end
   return last
end

--- Gives the words without a flag to the arguments of the command; returns whether they fit.
local function place(given, command, words)
   local at = 0
   for _, argument in ipairs(command.arguments or {}) do
      local many = argument.args == "*" and {} or nil
      repeat
         local word = words[at + 1]
         local value
         if word then
            value = values[argument.kind or "text"](word)
         end
         if not (word or many) or (word and value == nil) then
            return false
         end
         at = word and at + 1 or at
         if many then
            many[#many + 1] = value
         end
         given[argument.name] = many or value
      until not many or not word
   end
   return at == #words
end

local function is_exclusive(given)
   for _, names in ipairs(commands.exclusive) do
      local count = 0
      for _, name in ipairs(names) do
         count = count + (given[name] ~= nil and 1 or 0)
      end
      if count > 1 then
         return true
      end
   end
   return false
end

--- What wms.cli.parser returns for this line, or nil when it is to be asked.
function quick.parse(words)
   local given, plain, command = {}, {}, nil
   local flags = flags_of{ commands.everywhere }
   local at = 1
   while at <= #words do
      local word = words[at]
      if word == "--" and command and command.runs then
         for i = at + 1, #words do
            plain[#plain + 1] = words[i]
         end
         at = #words
      elseif word:find("^%-") then
         at = read_option(given, flags, words, at)
         if not at then
            return nil
         end
      elseif command then
         plain[#plain + 1] = word
      else
         command = commands.find(word)
         if not command then
            return nil
         end
         flags = flags_of{ command.options, commands.everywhere }
      end
      at = at + 1
   end
   if not command or is_exclusive(given) or not place(given, command, plain) then
      return nil
   end
   given.command = command.name
   return given, command
end

return quick
