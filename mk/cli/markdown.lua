-- SPDX-License-Identifier: MIT
--- The part of docs/cli.md that follows from the table of commands.
local ask = require "mk.cli.table"
local commands = require "wms.cli.commands"
local help = require "wms.cli.help"

local function cell(text)
   return (text:gsub("|", "\\|"):gsub("<", "&lt;"))
end

local function code(text)
   return "`" .. text .. "`"
end

--- The flags of an option, with what stands for its value.
local function flags(option)
   local value, names = ask.value_of(option), {}
   for name in option.flags:gmatch("%S+") do
      local long = name:sub(1, 2) == "--"
      if not value then
         names[#names + 1] = code(name)
      elseif option.implied then
         names[#names + 1] = code(("%s[=%s]"):format(name, value))
      elseif long or not option.flags:find("%-%-") then
         names[#names + 1] = code(name .. " " .. value)
      else
         names[#names + 1] = code(name)
      end
   end
   return table.concat(names, ", ")
end

--- Which commands have an option.
local function of(name)
   local list = ask.commands_with(name)
   return list and table.concat(list, ", ") or "all"
end

local function reference()
   local lines = { "| command | does |", "|---|---|" }
   for _, command in ipairs(commands.list) do
      local usage = help.usage(command):gsub("^Usage: ", ""):gsub(" %[OPTION%.%.%.%]$", "")
      lines[#lines + 1] = ("| %s | %s |"):format(code(cell(usage)), cell(command.summary))
   end
   for number, title in ipairs(commands.groups) do
      local names = ask.in_group(number)
      if #names > 0 then
         lines[#lines + 1] = ("\n### %s\n\n| option | | of |\n|---|---|---|"):format(title)
         for _, name in ipairs(names) do
            local option = commands.options[name]
            lines[#lines + 1] = ("| %s | %s | %s |"):format(cell(flags(option)), cell(option.help), of(name))
         end
      end
   end
   lines[#lines + 1] = "\n### Everywhere\n\n| option | |\n|---|---|"
   for _, name in ipairs(ask.everywhere()) do
      local option = commands.options[name]
      lines[#lines + 1] = ("| %s | %s |"):format(cell(flags(option)), cell(option.help))
   end
   return table.concat(lines, "\n") .. "\n"
end

--- Parts by the names in their marks; a mark is a line, with this pattern for the name.
return {
   first = "<!-- from the table of commands, %s: mk/cli/pages.lua -->\n\n", last = "\n<!-- end of the table -->",
   parts = { reference = reference },
}
