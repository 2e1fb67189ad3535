-- SPDX-License-Identifier: MIT
--- Questions to the table of commands that every page asks.
local commands = require "wms.cli.commands"

local ask = {}

--- Which commands have an option: a list of their names, or nil when all have it.
function ask.commands_with(name)
   local list = {}
   for _, command in ipairs(commands.list) do
      list[#list + 1] = commands.has(command, name) and command.name or nil
   end
   return #list < #commands.list and list or nil
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
