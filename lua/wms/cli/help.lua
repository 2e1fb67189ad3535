-- SPDX-License-Identifier: MIT
--- The help, from the table of commands, for a terminal of any width.
local commands = require "wms.cli.commands"
local text = require "wms.cli.text"

local help = {}

local DESCRIPTION = "Lists, locks and unlocks the sessions of shared computers, shows messages, logs users off, wakes "
   .. "hosts and switches them off."

local FIRST_STEPS = {
   { "Try it on a made-up room, which is as new each time:" },
   { "wms --demo list", "who is there" },
   { "wms --demo lock --all -m \"Eyes on me\"", "locks all but the teacher" },
   { "wms --demo unlock -s lab01 2 3", "unlocks two sessions of a host" },
   { "Then on this machine, and on others (MultiPoint hosts: 'wms bind' first):" },
   { "wms list", "this machine" },
   { "wms list logind://teacher@lab02", "another Linux, over ssh" },
   { "wms unlock --all -s lab01.school.example", "a MultiPoint host" },
}

local LAST = "'wms COMMAND --help' tells the options of a command. Exit code: 0 all as asked, 1 something failed, 2 the "
   .. "command line is wrong, 3 no host could be reached, 130 interrupted."

--- A name in a column of `wide` columns, and what it means beside it, or below where there is no place.
local function entry(lines, name, meaning, wide, width)
   local left = "  " .. name
   if width < 60 then
      lines[#lines + 1] = text.wrap(name, width, "      ", "  ")
      lines[#lines + 1] = text.wrap(meaning, width, "      ", "      ")
      return
   end
   local indent = (" "):rep(wide)
   if #left > wide - 2 then
      lines[#lines + 1] = left
      left = ""
   end
   lines[#lines + 1] = text.wrap(meaning, width, indent, left .. (" "):rep(wide - #left))
end

local function flags_of(option)
   local names = option.flags:gsub("%s+", ", ")
   if not option.flags:find("^%-%a") then
      names = "    " .. names
   end
   local value = type(option.value) == "table" and table.concat(option.value, " ") or option.value
   if option.implied then
      return ("%s[=%s]"):format(names, value)
   end
   return value and names .. " " .. value or names
end

local function sorted_by_group(names)
   local groups = {}
   for _, name in ipairs(names) do
      local number = commands.options[name].group
      groups[number] = groups[number] or {}
      table.insert(groups[number], commands.options[name])
   end
   return groups
end

local function add_options(lines, names, width)
   local groups = sorted_by_group(names)
   for number, title in ipairs(commands.groups) do
      if groups[number] then
         lines[#lines + 1] = "\n" .. title .. ":"
         for _, option in ipairs(groups[number]) do
            entry(lines, flags_of(option), option.help, 30, width)
         end
      end
   end
end

local function add_examples(lines, examples, width)
   local wide = 0
   for _, example in ipairs(examples) do
      wide = math.max(wide, #example[1] <= 44 and example[2] and #example[1] or 0)
   end
   for _, example in ipairs(examples) do
      if example[2] then
         entry(lines, example[1], example[2], wide + 5, width)
      else
         lines[#lines + 1] = "\n" .. text.wrap(example[1], width, "")
      end
   end
end

--- What stands in the first line of a command's help.
function help.usage(command)
   local words = { "Usage: wms " .. command.name }
   if command.entry and command.target ~= "servers" and not command.listing then
      words[#words + 1] = command.place and command.place:upper() or nil
      words[#words + 1] = commands.option_for_all(command) and "(ID... | --all)"
         or command.entry.fun.single and "ID" or "ID..."
   elseif command.target == "sessions" and not command.listing then
      words[#words + 1] = "(ID... | --all | --where NAME=VALUE) [-s SERVER]"
   elseif not command.runs then
      for _, argument in ipairs(command.arguments or {}) do
         words[#words + 1] = argument.args == "*" and ("[%s...]"):format(argument.value) or argument.value
      end
   end
   for _, name in ipairs(command.required or {}) do
      local option = commands.options[name]
      if not (name == "server" and command.arguments[1].name == "servers") then
         words[#words + 1] = option.flags:match("^%S+") .. " " .. option.value
      end
   end
   words[#words + 1] = command.runs and "[-- PROGRAM...]" or "[OPTION...]"
   return table.concat(words, " ")
end

--- The options of a command, those of every command included.
function help.options(command)
   local names = {}
   for _, list in ipairs{ command.options, commands.everywhere } do
      for _, name in ipairs(list) do
         names[#names + 1] = name
      end
   end
   return names
end

local function of_command(command, width)
   local summary = command.summary:gsub("^%l", string.upper) .. "."
   local lines = { text.wrap(help.usage(command), width, "   "), "",
      text.wrap(command.about and summary .. " " .. command.about or summary, width, "") }
   if command.arguments then
      lines[#lines + 1] = "\nArguments:"
      for _, argument in ipairs(command.arguments) do
         entry(lines, argument.value, argument.help, 30, width)
      end
   end
   if command.actions then
      lines[#lines + 1] = "\nCommands behind it:"
      for _, word in ipairs(command.actions) do
         entry(lines, command.name .. " " .. word, commands.find(command.name .. " " .. word).summary, 24, width)
      end
   end
   add_options(lines, help.options(command), width)
   lines[#lines + 1] = "\nExamples:"
   add_examples(lines, command.examples, width)
   return table.concat(lines, "\n") .. "\n"
end

--- The help of a command, or of the whole program, in lines of at most so many columns.
function help.of(command, width)
   if command then
      return of_command(command, width)
   end
   local lines = { "Usage: wms COMMAND [OPTION...]", "", text.wrap(DESCRIPTION, width, ""), "\nCommands:" }
   for _, one in ipairs(commands.list) do
      if not one.name:find(" ", 1, true) then
         entry(lines, one.name, one.summary, 17, width)
      end
   end
   entry(lines, "help COMMAND", "tell what a command takes", 17, width)
   local names = {}
   for _, list in ipairs{ commands.everywhere, commands.root } do
      for _, name in ipairs(list) do
         names[#names + 1] = name
      end
   end
   add_options(lines, names, width)
   add_examples(lines, FIRST_STEPS, width)
   lines[#lines + 1] = "\n" .. text.wrap(LAST, width, "")
   return table.concat(lines, "\n") .. "\n"
end

return help
