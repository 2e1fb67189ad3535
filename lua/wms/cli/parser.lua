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

--- The name of a command for argparse, to which a blank ends it.
local function one_word(name)
   return (name:gsub(" ", "_"))
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
   elseif option.value then
      added:overwrite(false)
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
--- `wanted(option)` holds for.  `is_unknown`: none is named, and those that are near are to be told.
local function make(named, wanted, is_unknown)
   local root = argparse("wms"):add_help(false):require_command(false):command_target("command")
   add_options(root, commands.everywhere, "root_", any) -- with none at all, "-x" would be no option
   add_options(root, commands.root, "root_", wanted)
   for _, command in ipairs(commands.list) do
      if named[command.name] or is_unknown then
         local added = root:command(one_word(command.name)):add_help(false):target("is_" .. command.name)
         if named[command.name] then
            fill(added, command, wanted)
         end
      end
   end
   return root
end

--- Words as argparse gets them.
local function with_one_word(words)
   local list, is_found = {}, false
   for i, word in ipairs(words) do
      local is_command = not is_found and commands.find(word) ~= nil
      list[i], is_found = is_command and one_word(word) or word, is_found or is_command
   end
   return list
end

--- A flag with an optional value has it behind a `=` alone: without one, it is given its own.  Returns the words, or nil
--- and what is wrong: a time behind such a flag would be taken for a session's id.
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
      if not plain and implied[word] and argv[i + 1] and values.wait(argv[i + 1]) then
         return nil, ("%s: '%s' behind it may be its time or an id; give %s=%s, or the ids before it"):format(word,
            argv[i + 1], word, argv[i + 1])
      end
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

--- A word such as -demo, which is letters of options, or a value of one: it is meant as --demo.
local function with_one_dash(word)
   local name = word:match("^%-(%a[%l-]+)")
   return name and with_flag("--" .. name) and "--" .. name or nil
end

--- The option of a command, or of the whole program, that has this flag, or nil.
local function option_of(command, flag)
   for _, list in ipairs{ command and command.options or {}, commands.everywhere, commands.root } do
      for _, name in ipairs(list) do
         local option = commands.options[name]
         if (" " .. option.flags .. " "):find(" " .. flag .. " ", 1, true) then
            return option
         end
      end
   end
   return nil
end

--- Calls `visit(word)` with the words that are no values of options, up to `--`, until it returns something, which is
--- returned.
local function each_word(argv, visit)
   local command, skip = nil, 0
   for _, word in ipairs(argv) do
      if skip > 0 then
         skip = skip - 1
      elseif word == "--" then
         return nil
      else
         local flag = word:match("^%-%-[^=]+$") or word:match("^%-[^-]*(%a)$")
         flag = flag and #flag == 1 and "-" .. flag or flag
         local option = flag and option_of(command, flag)
         local takes = option and option.value and not option.implied
         skip = takes and (type(option.value) == "table" and #option.value or 1) or 0
         command = command or not flag and commands.find(word) or nil
         local result = visit(word, flag)
         if result ~= nil then
            return result
         end
      end
   end
   return nil
end

--- The command that the words are about, as it was written; nil: there is none.
local function command_word(argv)
   return each_word(argv, function(word) return word:sub(1, 1) ~= "-" and word or nil end)
end

--- Whether help is wanted, which needs no correct command line.  Returns nil, or the commands that it is wanted of: none
--- for the whole program.
function parser.wants_help(argv)
   local words = {}
   local asked = each_word(argv, function(word, flag)
      if word:sub(1, 1) ~= "-" then
         words[#words + 1] = word
      end
      return (flag == "-h" or flag == "--help") or nil
   end)
   if words[1] == "help" then
      table.remove(words, 1)
      return words[1] == "help" and {} or words
   end
   return asked and { command_word(argv) } or nil
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
   elseif why:find("at most 1 time") then
      return "give it once"
   elseif option and why:find("does not take") then
      return ("give %s alone"):format(flag)
   end
   return ("give what 'wms %s--help' names"):format(name and name .. " " or "")
end

-- What others call it.
local ALSO = { logoff = "close", logout = "close", quit = "close", kick = "close", who = "list", status = "list",
   ls = "list", sessions = "list", shutdown = "power-off", poweroff = "power-off", halt = "power-off", restart = "reboot",
   send = "message", write = "message", msg = "message", say = "message", ["log-off"] = "close", ["log-out"] = "close",
   ["log off"] = "close", ["log out"] = "close", ["power off"] = "power-off", ["power on"] = "wake",
   accounts = "users", programs = "apps",
   ["shut down"] = "power-off", ["switch off"] = "power-off", ["switch on"] = "wake",
   groups = "hosts", on = "wake", monitor = "watch", follow = "watch", events = "watch", hold = "keep", exam = "keep",
   demo = "--demo", version = "--version" }

--- What is to be given in place of an option that a command does not have, where that is known; nil: it is not.
local function instead(flag, name, words)
   if flag == "-V" then
      return "did you mean '--version'?"
   elseif (flag == "-m" or flag == "--message") and name == "close" then
      return "to show a text first, give --warn TIME TEXT"
   elseif (flag == "-a" or flag == "--all") and (commands.find(name or "nothing") or {}).listing then
      return "it is about all that are not left out; leave it out"
   elseif (flag == "-a" or flag == "--all") and commands.find(name or "nothing") then
      return ("%s is about hosts; give them, or a @GROUP of the file of settings"):format(name)
   elseif flag:find("^%-%d") then
      for i = 2, #words do
         local option = words[i] == flag and option_of(commands.find(name or ""), words[i - 1])
         if option and option.value then
            return ("behind %s it is no value; give %s"):format(words[i - 1],
               option.kind == "text" and words[i - 1] .. "=" .. flag or "one above 0")
         end
      end
   end
   return #flag == 2 and ("give what 'wms %s--help' names"):format(name and name .. " " or "") or nil
end

--- The first two words that are no flags.
local function first_words(argv)
   local first
   return each_word(argv, function(word)
      if word:sub(1, 1) ~= "-" then
         if first then
            return first .. " " .. word
         end
         first = word
      end
   end)
end

--- One line of what argparse says, with what to do.
local function complaint(why, name, words)
   local flag = why:match("^unknown option '(%-[^']*)'")
   local wrong = command_word(words)
   local other = why:find("^unknown command") and (ALSO[wrong] or ALSO[first_words(words)])
   if other then
      return ("unknown command '%s'; did you mean '%s'?"):format(wrong, other)
   end
   local better = flag and instead(flag, name, words)
   if better and not (flag ~= "-V" and not name) then
      return ("unknown option '%s'; %s"):format(flag, better)
   end
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
   if why:find("^unknown command") then
      why = why:gsub("(%l)_(%l)", "%1 %2") -- as one_word has made it
   end
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
   local words, fault = with_implied(argv)
   if not words then
      return nil, fault, command_word(argv)
   end
   fault = each_word(words, function(word)
      local flag = with_one_dash(word)
      return flag and ("%s: long options have two dashes; give %s"):format(word, flag)
   end)
   if fault then
      return nil, fault, command_word(argv)
   end
   local named = {}
   for _, word in ipairs(words) do
      named[word] = true
   end
   -- A parser takes as long to make as it has options.  All of them are only needed to say what is wrong.
   local for_argparse = with_one_word(words)
   local fine, given = make(named, function(option) return is_there(option, words) end):pparse(for_argparse)
   if not fine then
      fine, given = make(named, any, not commands.find(command_word(words) or "")):pparse(for_argparse)
   end
   if not fine then
      local name = command_word(words)
      name = name and commands.find(name) and name
      return nil, complaint(given, name, words), name
   end
   for _, names in ipairs{ commands.everywhere, commands.root } do
      for _, name in ipairs(names) do
         if given[name] == nil then
            given[name] = given["root_" .. name]
         end
      end
   end
   local name = given.command and given.command:gsub("_", " ")
   given.command = name
   for _, names in ipairs(commands.exclusive) do -- one may have stood before the command
      local flags = {}
      for _, one in ipairs(names) do
         local value = given[one]
         flags[#flags + 1] = value and not (type(value) == "table" and #value == 0) and long(commands.options[one]) or nil
      end
      if #flags > 1 then
         return nil, ("%s and %s do not go together; give one of them"):format(flags[1], flags[2]), name
      end
   end
   return given, name and commands.find(name)
end

return parser
