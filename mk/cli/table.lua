-- SPDX-License-Identifier: MIT
--- Questions to the table of commands that every page asks.
local commands = require "wms.cli.commands"

local ask = {}

--- Those of MultiPoint's nouns of which this is so.
local function nouns(is)
   local list = {}
   for _, command in ipairs(commands.list) do
      list[#list + 1] = command.fun and is(command) and command.name or nil
   end
   return list
end

-- Many of them, in a few words.
local CLASSES = {
   { "all of MultiPoint's", nouns(function() return true end) },
   { "those of MultiPoint's that change something", nouns(function(one) return not one.entry.fun.question end) },
   { "those of MultiPoint's that list", nouns(function(one) return one.entry.fun.question end) },
}

--- Names in which many have few words.
local function in_few_words(list)
   local there = {}
   for _, name in ipairs(list) do
      there[name] = true
   end
   for _, class in ipairs(CLASSES) do
      local all = true
      for _, name in ipairs(class[2]) do
         all = all and there[name]
      end
      if all then
         for _, name in ipairs(class[2]) do
            there[name] = nil
         end
         there[class[1]] = true
      end
   end
   local short = {}
   for _, name in ipairs(list) do
      short[#short + 1] = there[name] and name or nil
   end
   for _, class in ipairs(CLASSES) do
      short[#short + 1] = there[class[1]] and class[1] or nil
   end
   return short
end

--- Which commands have an option: a list of their names, or nil when all have it.
function ask.commands_with(name)
   local list = {}
   for _, command in ipairs(commands.list) do
      list[#list + 1] = commands.has(command, name) and command.name or nil
   end
   return #list < #commands.list and in_few_words(list) or nil
end

--- The options of a group in the order in which commands have them.
function ask.in_group(number)
   local list, seen = {}, {}
   for _, command in ipairs(commands.list) do
      for _, name in ipairs(command.options) do
         if commands.options[name].group == number and not seen[name] then
            seen[name], list[#list + 1] = true, name
         end
      end
   end
   return list
end

--- The names of the options that stand before a command, too.
function ask.everywhere()
   local list = {}
   for _, names in ipairs{ commands.everywhere, commands.root } do
      for _, name in ipairs(names) do
         list[#list + 1] = name
      end
   end
   return list
end

--- What stands for the value of an option, or nil.
function ask.value_of(option)
   return type(option.value) == "table" and table.concat(option.value, " ") or option.value
end

return ask
