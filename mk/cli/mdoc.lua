-- SPDX-License-Identifier: MIT
--- The parts of docs/man/wms.1 that follow from the table of commands, in the language mdoc(7).
local ask = require "mk.cli.table"
local commands = require "wms.cli.commands"
local help = require "wms.cli.help"

local COLUMNS = 78

--- A text that roff prints as it is.
local function plain(text)
   return (text:gsub("\\", "\\e"):gsub("~", "\\(ti"):gsub("%-", "\\-"):gsub("!'", "!'\\&"))
end

--- A word or words as one argument of a macro.
local function argument(text)
   text = plain(text):gsub('"', "\\(dq")
   return text:find("%s") and '"' .. text .. '"' or text
end

--- Lines of prose: each sentence begins a line of its own, and none is long.
local function prose(text)
   local lines, line = {}, ""
   local function finish()
      if line ~= "" then
         lines[#lines + 1] = line:find("^[.']") and "\\&" .. line or line
         line = ""
      end
   end
   for given in text:gmatch("%S+") do
      local word = plain(given)
      if #line + #word + 1 > COLUMNS then
         finish()
      end
      line = line == "" and word or line .. " " .. word
      if word:find("%.%)?$") then
         finish()
      end
   end
   finish()
   return table.concat(lines, "\n")
end

--- What stands for the value of a flag.
local function value_words(option)
   local words = {}
   for _, name in ipairs(type(option.value) == "table" and option.value or { option.value }) do
      words[#words + 1] = "Ar " .. argument(name)
   end
   return table.concat(words, " ")
end

--- The head of an option's entry.
local function flags(option)
   local parts = {}
   for name in option.flags:gmatch("%S+") do
      local words = "Fl " .. argument(name:sub(2))
      if option.implied then
         words = ("%s Ns Oo Ns = Ns %s Oc"):format(words, value_words(option))
      elseif option.value and (name:find("^%-%-") or not option.flags:find("%-%-")) then
         words = words .. " " .. value_words(option)
      end
      parts[#parts + 1] = words
   end
   return table.concat(parts, " , ")
end

--- A usage such as 'list [SERVER...] -m TEXT' in words of mdoc.
local function synopsis_of(command)
   local usage = help.usage(command):gsub("^Usage: wms ", "")
   local words = {}
   local name_words = select(2, command.name:gsub("%S+", "")) -- of a noun and a word two
   usage = usage:gsub("%(ID%.%.%. | %-%-all | %-%-where NAME=VALUE%)", "@choice@")
      :gsub("%(ID%.%.%. | %-%-all%)", "@all@")
   for given in usage:gmatch("%S+") do
      local word = given
      local bare, optional = word:match("^%[(.-)%]$"), false
      if bare then
         word, optional = bare, true
      end
      local open, close = word:match("^(%[?)"), word:match("(%]?)$")
      word = word:gsub("^%[", ""):gsub("%]$", "")
      local name, many = word:match("^(.-)(%.%.%.)$")
      local out
      if word == "@choice@" then
         out = "Po Ar ID ... | Fl \\-all | Fl \\-where Ar NAME=VALUE Pc"
      elseif word == "@all@" then
         out = "Po Ar ID ... | Fl \\-all Pc"
      elseif word:find("^%-") then
         out = "Fl " .. argument(word:sub(2))
      elseif #words < name_words then
         out = "Cm " .. argument(word)
      else
         out = "Ar " .. argument(name or word) .. (many and " ..." or "")
      end
      if optional then
         out = "Oo " .. out .. " Oc"
      else
         out = (open ~= "" and "Oo " or "") .. out .. (close ~= "" and " Oc" or "")
      end
      words[#words + 1] = out
   end
   return table.concat(words, " ")
end

local parts = {}

function parts.synopsis()
   local lines = {}
   for _, command in ipairs(commands.list) do
      lines[#lines + 1] = ".Nm wms"
      lines[#lines + 1] = "." .. synopsis_of(command):gsub("Oo Ar OPTION %.%.%. Oc$", "Op Ar OPTION ...")
   end
   return table.concat(lines, "\n") .. "\n"
end

function parts.commands()
   local lines = { ".Bl -tag -width power-off" }
   for _, command in ipairs(commands.list) do
      lines[#lines + 1] = ".It Cm " .. argument(command.name)
      lines[#lines + 1] = prose(command.summary:gsub("^%l", string.upper) .. ".")
      local names = {}
      for _, name in ipairs(command.options) do
         names[#names + 1] = ".Fl " .. argument(commands.options[name].flags:match("%-%-(%S+)$"):gsub("^", "-"))
      end
      lines[#lines + 1] = "Options:"
      lines[#lines + 1] = table.concat(names, " ,\n") .. " ."
      for _, one in ipairs(command.arguments or {}) do
         if one.kind == "argument" then
            lines[#lines + 1] = (".Pp\n.Ar %s :\n%s"):format(argument(one.value), prose(one.help))
         end
      end
   end
   lines[#lines + 1] = ".El"
   return table.concat(lines, "\n") .. "\n"
end

--- A list of options; `told` says with which commands they go.
local function list_of(names, told)
   local lines = { ".Bl -tag -width Ds" }
   for _, name in ipairs(names) do
      local option = commands.options[name]
      lines[#lines + 1] = ".It " .. flags(option)
      lines[#lines + 1] = prose(option.help)
      if option.choices then
         lines[#lines + 1] = prose(("One of %s."):format(table.concat(option.choices, ", ")))
      end
      local of = told and ask.commands_with(name)
      if of then
         lines[#lines + 1] = prose(("With: %s."):format(table.concat(of, ", ")))
      end
   end
   lines[#lines + 1] = ".El"
   return table.concat(lines, "\n")
end

function parts.options()
   local lines = {}
   for number, title in ipairs(commands.groups) do
      local names = ask.in_group(number)
      if #names > 0 then
         lines[#lines + 1] = (".Ss %s\n%s"):format(title, list_of(names, true))
      end
   end
   lines[#lines + 1] = ".Ss Everywhere\n" .. list_of(ask.everywhere())
   return table.concat(lines, "\n") .. "\n"
end

function parts.examples()
   local lines = {}
   for _, command in ipairs(commands.list) do
      for _, example in ipairs(command.examples) do
         lines[#lines + 1] = prose(example[2]:gsub("^%l", string.upper) .. ":")
         lines[#lines + 1] = ".Pp\n.Dl " .. plain(example[1])
         lines[#lines + 1] = ".Pp"
      end
   end
   lines[#lines] = nil
   return table.concat(lines, "\n") .. "\n"
end

return { first = '.\\" from the table of commands, %s: mk/cli/pages.lua\n', last = '.\\" end of the table', parts = parts }
