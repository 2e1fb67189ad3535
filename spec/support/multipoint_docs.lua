-- SPDX-License-Identifier: MIT
--- The tables of docs/multipoint.md that follow from the tables of wms.multipoint.  To write them anew:
--
--    LUA_PATH='./lua/?.lua;./?.lua;;' LUA_CPATH='./build/5.4/?.so;;' \
--       lua5.4 -e 'print(require "spec.support.multipoint_docs".all())'
local check = require "wms.multipoint.check"
local commands = require "wms.cli.commands"
local multipoint = require "wms.multipoint"

local docs = {}

local function cell(text)
   return (text:gsub("|", "\\|"))
end

-- Functions of wms whose command has another name.
local COMMANDS = { sessions = "list", thumbnail = "screens" }

--- The names of the commands that call a function, such as "wms.lock" or "multipoint.split_all".
local function add_commands(names, fun)
   local module, name = fun:match("^(%w+)%.([%w_]+)$")
   name = name:gsub("_all$", "")
   for _, command in ipairs(commands.list) do
      local is_its = module == "multipoint" and command.fun == name
         or module == "wms" and not command.fun and (command.name == COMMANDS[name] or command.call == name)
      if is_its and not names[command.name] then
         names[command.name], names[#names + 1] = true, command.name
      end
   end
end

--- The commands that do what a cmdlet does.
function docs.commands(row)
   local names = {}
   for _, fun in ipairs(row.functions) do
      add_commands(names, fun)
   end
   return names
end

--- The 47 cmdlets.
function docs.cmdlets()
   local rows = { "| cmdlet | function | command | what no operation does |", "|---|---|---|---|" }
   for _, row in ipairs(multipoint.cmdlets) do
      local functions = {}
      for i, name in ipairs(row.functions) do
         functions[i] = "`" .. name .. "`"
      end
      functions = #functions > 0 and table.concat(functions, ", ") or "none"
      local names = docs.commands(row)
      for i, name in ipairs(names) do
         names[i] = "`wms " .. name .. "`"
      end
      rows[#rows + 1] = ("| `%s` | %s | %s | %s |"):format(row.cmdlet, functions,
         #names > 0 and table.concat(names, ", ") or "none", cell(row.gap or ""))
   end
   return table.concat(rows, "\n") .. "\n"
end

--- The functions of a group.
function docs.functions(group)
   local rows = { "| function | password | does |", "|---|---|---|" }
   for _, entry in ipairs(multipoint.functions) do
      if entry.group == group and not entry.all then
         local names = "`" .. entry.name .. "`" .. (entry.fun.all and ", `" .. entry.name .. "_all`" or "")
         rows[#rows + 1] = ("| %s | %s | %s |"):format(names, entry.fun.password, cell(entry.fun.about))
      end
   end
   return table.concat(rows, "\n") .. "\n"
end

-- Kinds whose values the text of a field leaves open.
local TOLD = { word = true, whole = true, long = true, names = true }

--- The options of the functions of a group, beside ids and servers; nil: they have none.
function docs.options(group)
   local rows = { "| option | of | |", "|---|---|---|" }
   for _, entry in ipairs(multipoint.functions) do
      for _, field in ipairs(entry.group == group and not entry.all and entry.fun.takes or {}) do
         rows[#rows + 1] = ("| `%s` | `%s`%s | %s%s |"):format(field.name, entry.name,
            field.required and ", required" or "", cell(field.about),
            TOLD[field.kind] and ": " .. cell(check.takes(field)) or "")
      end
   end
   return #rows > 2 and table.concat(rows, "\n") .. "\n" or nil
end

docs.GROUPS = { { "stations", "Stations" }, { "usb", "USB storage" }, { "apps", "Programs" }, { "web", "Web limiting" },
   { "sessions", "Sessions" }, { "desktops", "Desktops that others look at" }, { "identify", "Names on screens" },
   { "users", "Accounts" }, { "system", "The host" }, { "disk", "Disk protection" }, { "updates", "Updates" } }

function docs.all()
   local parts = { docs.cmdlets() }
   for _, group in ipairs(docs.GROUPS) do
      parts[#parts + 1] = "### " .. group[2] .. "\n\n" .. docs.functions(group[1])
      parts[#parts + 1] = docs.options(group[1])
   end
   return table.concat(parts, "\n")
end

return docs
