-- SPDX-License-Identifier: MIT
--- What may stand next on a command line.  The scripts in lua/wms/cli/shells ask for it each time:
---
---     wms --complete WORD...        the words behind `wms`, the last of which is being typed
---     wms --complete-line LINE      the whole line up to the cursor, where a shell has no words as they are meant
---
--- A line is printed for each candidate: the whole word, a tabulator, and what it means.  ":files" means names of files.
local commands = require "wms.cli.commands"

local complete = {}

local FILES = { config = true, fingerprints = true, file = true, settings = true, ca = true }
local MOST = 500 -- hosts that are named one by one

--- The words of a line as a shell reads them, so far as that can be done for a line that is not finished.
local function split(line)
   local words, word, at, quote = {}, nil, 1, nil
   while at <= #line do
      local letter = line:sub(at, at)
      if letter == "\\" and quote ~= "'" then
         at = at + 1
         word = (word or "") .. line:sub(at, at)
      elseif quote and letter == quote then
         quote = nil
      elseif not quote and (letter == "'" or letter == '"') then
         quote, word = letter, word or ""
      elseif not quote and letter:find("%s") then
         words[#words + 1], word = word, nil
      else
         word = (word or "") .. letter
      end
      at = at + 1
   end
   words[#words + 1] = word or ""
   return words
end

--- The option with this flag, among these names.
local function option_of(flag, names)
   for _, name in ipairs(names) do
      if (" " .. commands.options[name].flags .. " "):find(" " .. flag .. " ", 1, true) then
         return commands.options[name], name
      end
   end
   return nil
end

--- Names of the options that may stand there.
local function allowed(command)
   local names = {}
   for _, list in ipairs{ command and command.options or {}, commands.everywhere, command and {} or commands.root } do
      for _, name in ipairs(list) do
         names[#names + 1] = name
      end
   end
   return names
end

--- The words with the name of a command as one; the last one is still being typed.
local function with_joined(words)
   local last = words[#words]
   local before = { (table.unpack or unpack)(words, 1, #words - 1) } -- luacheck: ignore 113 143
   before = commands.joined(before)
   before[#before + 1] = last
   return before
end

--- What the words before the last one mean: the command, the options that were used, and the last of these with how many
--- values it still wants (`left`).
local function read(words)
   local state = { used = {} }
   local pending = 0 -- values that the last option still wants
   words = with_joined(words)
   for i = 1, #words - 1 do
      local word = words[i]
      if pending > 0 then
         pending = pending - 1
         state.config = state.name == "config" and word or state.config
      elseif word == "--" and not state.plain then
         state.plain = true
      elseif word:find("^%-.") and not state.plain then
         local option, name = option_of(word, allowed(state.command))
         if option then
            state.used[name], state.name, state.option = true, name, option
            pending = option.value and not option.implied and (type(option.value) == "table" and #option.value or 1) or 0
         end
      elseif not state.command then
         state.command, state.help = commands.find(word), word == "help"
      else
         state.has_more = true
      end
   end
   state.left = pending
   return state
end

-- ---- candidates ---------------------------------------------------------------------------------------------------------

--- Groups, and their hosts, of the file of settings.
local function add_servers(add, state, word)
   local mark = word:match("^!?")
   local fine, groups = pcall(function()
      if state.used.demo then
         local demo = require "wms.cli.demo"
         demo.open()
         return { room1 = demo.ROOM }
      end
      return assert(require("wms.config").load(state.config)).groups
   end)
   local names = {}
   for name in pairs(fine and groups or {}) do
      names[#names + 1] = name
   end
   table.sort(names)
   local seen = {}
   for _, name in ipairs(names) do
      local known, hosts = pcall(require("wms").servers, "@" .. name)
      hosts = known and hosts or {}
      add(mark .. "@" .. name, #hosts == 1 and "1 host" or ("%d hosts"):format(#hosts))
      for _, host in ipairs(hosts) do
         if not seen[host] and #seen < MOST then
            seen[host], seen[#seen + 1] = true, host
         end
      end
   end
   for _, host in ipairs(seen) do
      add(mark .. (state.used.demo and host:gsub("^memory://", "") or host), "a host")
   end
   local ends_hosts = state.command and state.command.ends and state.command.target == "servers"
   if not ends_hosts or word ~= mark then -- a key that was hit by chance restarts no machine
      add(mark .. "localhost", "this machine")
   end
end

local function add_conditions(add)
   for _, entry in ipairs(require("wms.cli.choose").names()) do
      if entry.kind == "boolean" then
         add(entry.name .. "=yes")
         add(entry.name .. "=no")
      else
         add(entry.name .. "=", entry.kind == "time" and "a time, such as 30m" or nil)
      end
   end
end

local function add_value(add, state, option, name, word)
   if option.choices or option.offered then
      for _, choice in ipairs(option.choices or option.offered) do
         add(choice)
      end
   elseif FILES[name] then
      add(":files")
   elseif name == "server" then
      add_servers(add, state, word)
   elseif option.kind == "condition" then
      add_conditions(add)
   end
end

local function add_commands(add)
   for _, command in ipairs(commands.list) do
      if not command.name:find(" ", 1, true) then
         add(command.name, command.summary)
      end
   end
end

local function add_options(add, state)
   for _, name in ipairs(allowed(state.command)) do
      local option = commands.options[name]
      if option.many or not state.used[name] then
         for flag in option.flags:gmatch("%S+") do
            local meaning = (option.help:match("^(.-%.)%s") or option.help):gsub("%.$", "")
            add(flag, meaning)
            if option.implied then -- shells put a blank behind a word that is the only one
               add(flag .. "=", "the same, with a " .. option.value:lower())
            end
         end
      end
   end
end

--- What stands without a flag.
local function add_position(add, state, word)
   local command = state.command
   if not command then
      add_commands(add)
      if not state.help then
         add("help", "tell the options of a command")
      end
      return
   end
   local first = command.arguments and command.arguments[1].name
   if command.actions and not state.has_more then
      for _, action in ipairs(command.actions) do
         add(action, commands.find(command.name .. " " .. action).summary)
      end
   end
   if first == "servers" or (first == "ids" and word:find("^!?@")) then
      add_servers(add, state, word)
   end
end

local function gather(add, words)
   local state, word = read(words), words[#words]
   local flag, value = word:match("^(%-%-[%w-]+)=(.*)$")
   local option, name
   if state.left > 0 then
      add_value(add, state, state.option, state.name, word)
   elseif flag and not state.plain then
      option, name = option_of(flag, allowed(state.command))
      if option then
         add_value(function(candidate, meaning)
            if candidate ~= ":files" then
               add(flag .. "=" .. candidate, meaning)
            end
         end, state, option, name, value)
      end
   elseif word:find("^%-") and not state.plain then
      add_options(add, state)
   else
      add_position(add, state, word)
   end
end

--- The candidates for the last of the words, a text.
function complete.words(words)
   local lines, word = {}, words[#words]
   gather(function(candidate, meaning)
      if candidate == ":files" or candidate:sub(1, #word) == word then
         lines[#lines + 1] = meaning and candidate .. "\t" .. meaning .. "\n" or candidate .. "\n"
      end
   end, words)
   return table.concat(lines)
end

--- The same for a line; its first word is the program.
function complete.line(line)
   local words = split(line)
   table.remove(words, 1)
   return #words > 0 and complete.words(words) or ""
end

--- The script that a shell needs; it asks this program for the rest.
function complete.script(shell)
   local text = require("wms.cli.shells." .. shell) -- and where it was found
   return text
end

return complete
