-- SPDX-License-Identifier: MIT
--- Reads command lines with argparse, as the table of commands says.
local argparse = require "argparse"
local commands = require "wms.cli.commands"
local values = require "wms.cli.values"

local parser = {}

--- How the value of an option is read: what is wrong with it names the option.
local function reader(kind, flag)
   local read = values[kind or "text"]
   return function(text)
      local value, why = read(text)
      if value == nil then
         return nil, ("%s: %s"):format(flag, why)
      end
      return value
   end
end

local function long(option)
   return option.flags:match("%-%-%S+")
end

--- Adds an option to a parser or to a command of it; its result is called `target`.
local function add_option(to, name, target)
   local option = commands.options[name]
   local added = to:option(option.flags):target(target):description(option.help)
   if option.many then
      added:count("*")
   end
   if not option.value then
      added:args(0)
   elseif option.kind == "warning" then
      added:args(2):argname(option.value)
      added:convert{ reader("time", long(option)), reader("text", long(option)) }
   else
      added:argname(option.value):convert(reader(option.kind, long(option)))
      if option.choices then
         added:choices(option.choices)
      end
   end
   return added
end

local function add_options(to, names, prefix, wanted)
   for _, name in ipairs(names) do
      if wanted(commands.options[name]) then
         add_option(to, name, prefix .. name)
      end
   end
end

local function exclude(to)
   for _, names in ipairs(commands.exclusive) do
      local members = {}
      for _, option in ipairs(to._options) do
         for _, name in ipairs(names) do
            members[#members + 1] = option._target == name and option or nil
         end
      end
      if #members > 1 then
         to:mutex((table.unpack or unpack)(members)) -- luacheck: ignore 113 143
      end
   end
end

local function fill(to, command, wanted)
   for _, argument in ipairs(command.arguments or {}) do
      to:argument(argument.name):args(argument.args):argname(argument.value):description(argument.help or "")
         :convert(reader(argument.kind, argument.value))
   end
   add_options(to, command.options, "", wanted)
   add_options(to, commands.everywhere, "", wanted)
   exclude(to)
end

local function any()
   return true
end

--- Makes the parser.  Only the commands that `named` has as keys have their options, and of these those that
--- `wanted(option)` holds for.
local function make(named, wanted)
   local root = argparse("wms"):add_help(false):require_command(false):command_target("command")
   add_options(root, commands.everywhere, "root_", any) -- with none at all, "-x" would be no option
   add_options(root, commands.root, "root_", wanted)
   for _, command in ipairs(commands.list) do
      local added = root:command(command.name):add_help(false):description(command.summary):target("is_" .. command.name)
      if named[command.name] then
         fill(added, command, wanted)
      end
   end
   return root
end

--- A flag with an optional value has it behind a `=` alone: without one, it is given its own.
local function with_implied(argv)
   local implied, words = {}, {}
   for _, option in pairs(commands.options) do
      if option.implied then
         implied[long(option)] = option.implied
      end
   end
   local plain = false
   for i, word in ipairs(argv) do
      plain = plain or word == "--"
      words[i] = not plain and implied[word] and word .. "=" .. implied[word] or word
   end
   return words
end

--- The option that has this flag, or nil.
local function with_flag(flag)
   for _, option in pairs(commands.options) do
      if (" " .. option.flags .. " "):find(" " .. flag .. " ", 1, true) then
         return option
      end
   end
   return nil
end

--- What to give instead, for what argparse says.
local function remedy(why, name)
   local flag = why:match("'(%-[^']*)'")
   local option = flag and with_flag(flag)
   if option and why:find("requires") then
      return ("give %s %s"):format(flag, type(option.value) == "table" and table.concat(option.value, " ") or option.value)
   elseif option and why:find("must be one of") then
      return "give one of them"
   elseif why:find("together") then
      return "give one of them"
   elseif option and why:find("does not take") then
      return ("give %s alone"):format(flag)
   end
   return ("give what 'wms %s--help' names"):format(name and name .. " " or "")
end

--- One line of what argparse says, with what to do.
local function complaint(why, name, words)
   local flag = why:match("^unknown option '(%-[^']*)'")
   if flag and with_flag(flag) then
      for _, word in ipairs(words) do
         if commands.find(word) then
            break
         elseif word:sub(1, #flag) == flag then
            return ("%s stands before the command; give it behind: wms COMMAND %s"):format(flag, flag)
         end
      end
   end
   why = why:gsub("\nDid you mean one of these: (.-)%?$", "; did you mean one of %1?")
   why = why:gsub("\nDid you mean (.-)%?$", "; did you mean %1?")
   return why:find("[;?]") and why or why .. "; " .. remedy(why, name)
end

--- Whether an option may be among these words.
local function is_there(option, words)
   for flag in option.flags:gmatch("%S+") do
      for _, word in ipairs(words) do
         if word:sub(1, #flag) == flag then
            return true
         end
      end
   end
   return false
end

--- Reads a command line.  Returns what was given, by names of options, and the command or nil; or nil, what is wrong,
--- and the name of the command if there is one.
function parser.parse(argv)
   local words, named = with_implied(argv), {}
   for _, word in ipairs(words) do
      named[word] = true
   end
   -- A parser takes as long to make as it has options.  All of them are only needed to say what is wrong.
   local fine, given = make(named, function(option) return is_there(option, words) end):pparse(words)
   if not fine then
      fine, given = make(named, any):pparse(words)
   end
   if not fine then
      local name
      for _, word in ipairs(words) do
         name = name or commands.find(word) and word
      end
      return nil, complaint(given, name, words), name
   end
   for _, names in ipairs{ commands.everywhere, commands.root } do
      for _, name in ipairs(names) do
         if given[name] == nil then
            given[name] = given["root_" .. name]
         end
      end
   end
   return given, given.command and commands.find(given.command)
end

return parser
