-- SPDX-License-Identifier: MIT
--- Prints the part of docs/cli.md that follows from the table of commands, or puts it into the page, between its two marks:
--- lua mk/cli.lua docs/cli.md
package.path = "./lua/?.lua;" .. package.path
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
   local value = type(option.value) == "table" and table.concat(option.value, " ") or option.value
   local names = {}
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
   local list = {}
   for _, command in ipairs(commands.list) do
      list[#list + 1] = commands.has(command, name) and command.name or nil
   end
   return #list == #commands.list and "all" or table.concat(list, ", ")
end

--- Options of a group in the order in which commands have them.
local function in_group(number)
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

local function reference()
   local lines = { "| command | does |", "|---|---|" }
   for _, command in ipairs(commands.list) do
      local usage = help.usage(command):gsub("^Usage: ", ""):gsub(" %[OPTION%.%.%.%]$", "")
      lines[#lines + 1] = ("| %s | %s |"):format(code(cell(usage)), cell(command.summary))
   end
   for number, title in ipairs(commands.groups) do
      local names = in_group(number)
      if #names > 0 then
         lines[#lines + 1] = ("\n### %s\n\n| option | | of |\n|---|---|---|"):format(title)
         for _, name in ipairs(names) do
            local option = commands.options[name]
            lines[#lines + 1] = ("| %s | %s | %s |"):format(cell(flags(option)), cell(option.help), of(name))
         end
      end
   end
   lines[#lines + 1] = "\n### Everywhere\n\n| option | |\n|---|---|"
   for _, list in ipairs{ commands.everywhere, commands.root } do
      for _, name in ipairs(list) do
         local option = commands.options[name]
         lines[#lines + 1] = ("| %s | %s |"):format(cell(flags(option)), cell(option.help))
      end
   end
   return table.concat(lines, "\n") .. "\n"
end

if not arg[1] then
   io.write(reference())
   return
end
local file = assert(io.open(arg[1], "rb"))
local text = file:read("*a")
file:close()
local head, tail = text:match("^(.-\n<!%-%- from the table of commands: [^\n]+\n\n).-(\n<!%-%- end of the table %-%->.*)$")
assert(head, arg[1] .. ": the marks are missing")
file = assert(io.open(arg[1], "wb"))
file:write(head, reference(), tail)
file:close()
