-- SPDX-License-Identifier: MIT
--- The command line `wms`: each command is one call of the module.
---
---     os.exit(require("wms.cli").main(arg), true)
---
--- What needs time to load is loaded when it is needed.
local commands = require "wms.cli.commands"
local exits = require "wms.cli.exits"
local output = require "wms.cli.output"

local cli = {}

--- Misuse is raised as a table, and ends in one line on the error stream.
local function misuse(why, name)
   error({ misuse = why, name = name }, 0)
end

--- Standard descriptors that are closed would be given to the next socket, which would get what is printed.
local holes = {} -- files that stay open

local function can_open(path)
   local file = io.open(path, "r")
   if file then
      file:close()
   end
   return file ~= nil
end

local function fill_holes()
   if not can_open("/proc/self/stat") then
      return -- there is no /proc to tell
   end
   for descriptor = 0, 2 do -- a new file gets the lowest number that is free
      if not can_open(("/proc/self/fdinfo/%d"):format(descriptor)) then
         holes[#holes + 1] = io.open("/dev/null", descriptor == 0 and "r" or "w")
      end
   end
end

-- ---- what was given ---------------------------------------------------------------------------------------------------

local function print_help(name)
   local terminal = require "wms.cli.terminal"
   local width = terminal.is(1) and math.min(terminal.width(), 100) or 80
   output.write(require("wms.cli.help").of(name and commands.find(name), width))
   return exits.OK
end

--- What completes a command line that is not finished.
local function print_candidates(argv)
   local complete, words = require "wms.cli.complete", {}
   for i = 2, #argv do
      words[i - 1] = argv[i]
   end
   words[1] = words[1] or ""
   output.write(argv[1] == "--complete" and complete.words(words) or complete.line(words[1]))
   return exits.OK
end

--- Help and the like need no correct command line.
local function print_instead(argv)
   if argv[1] == "--complete" or argv[1] == "--complete-line" then
      return print_candidates(argv)
   end
   local command = argv[1] == "help" and argv[2] or nil
   if argv[1] == "help" then
      return print_help(command)
   end
   local wanted
   for _, word in ipairs(argv) do
      if word == "--" then
         break
      elseif word == "-h" or word == "--help" then
         wanted = true
      elseif not command and commands.find(word) then
         command = word
      end
   end
   return wanted and print_help(command) or nil
end

--- The module's words for misuse, as this program's.
local function translate(why)
   local inner = tostring(why):match("bad argument #%d+ to '[^']*' %((.*)%)$")
   if not inner then
      return nil
   end
   inner = inner:gsub("defined, as by wms%.configure.*$", "in the file of settings (wms hosts)")
   local name, rest = inner:match("^([%w_]+)(.*)$")
   for _, option in pairs(commands.options) do
      if option.option == name and name ~= "server" then
         return option.flags:match("%-%-%S+") .. rest
      end
   end
   return name == "session_ids" and "ID" .. rest or (name == "server" or name == "servers") and "-s" .. rest or inner
end

--- Calls what may raise the module's misuse.
local function checked(name, fun, ...)
   local results = { pcall(fun, ...) }
   if not results[1] then
      local why = translate(results[2])
      if not why then
         error(results[2], 0)
      end
      misuse(why, name)
   end
   return (table.unpack or unpack)(results, 2) -- luacheck: ignore 113 143
end

--- The file of settings, or those of the made-up room.
local function load_settings(given)
   if given.demo and not given.config then
      require("wms.cli.demo").open()
      return { client = {}, groups = { room1 = require("wms.cli.demo").ROOM } }
   end
   local settings, why = require("wms.config").load(given.config)
   if not settings then
      misuse(why:find(";", 1, true) and why or why .. "; give a file of settings that can be read")
   end
   if given.demo then
      require("wms.cli.demo").open()
   end
   return settings
end

--- The network card that the command line names.
local function configure_card(made, given)
   if not (given.mac or given.network) then
      return
   end
   if not (given.mac and given.network) then
      misuse(("%s alone; give --mac and --network"):format(given.mac and "--mac" or "--network"), "wake")
   end
   local wms = require "wms"
   local servers = checked("wake", wms.servers, made.servers)
   if #servers > 1 then
      misuse("--mac is one host's; give one host", "wake")
   end
   made.cards = { [servers[1]] = { mac = given.mac, network = given.network } }
   local fine, why = pcall(wms.configure, { wake = made.cards })
   if not fine then
      misuse(((translate(why) or tostring(why)):gsub("^wake: .-: (%a+): ", "--%1: ")), "wake")
   end
end

-- ---- carrying it out --------------------------------------------------------------------------------------------------

--- Asks before sessions or hosts are ended.
local function confirm(made, given)
   local command = made.command
   if not command.ends or given.yes or given.what_if or not (made.all or command.target == "servers") then
      return true
   end
   local servers = checked(command.name, require("wms").servers, made.servers)
   local terminal, text = require "wms.cli.terminal", require "wms.cli.text"
   if not terminal.can_ask() then
      misuse("there is no terminal to ask whether it is meant; give --yes", command.name)
   end
   local named = text.clean(table.concat(servers, ", ", 1, math.min(5, #servers)))
   if #servers > 5 then
      named = ("%s and %d more"):format(named, #servers - 5)
   end
   local what = command.target == "servers" and named or ("%s on %s"):format((made.where or made.except)
      and "all of the chosen sessions" or "all sessions", named)
   return require("wms.cli.prompt").confirm(("%s %s. Is it meant?"):format(command.question, what))
end

local HOST = { { name = "server", title = "SERVER" }, { name = "groups", title = "GROUPS" } }
local FORGOTTEN = { { name = "server", title = "SERVER" } }
local BINDING = { { name = "server", title = "SERVER" }, { name = "user_name", title = "USER", may_go = 2 },
   { name = "port", title = "PORT", right = true }, { name = "management", title = "MANAGEMENT" },
   { name = "fingerprint", title = "FINGERPRINT", may_go = 1 } }

local locals = {}

--- Which hosts are meant, and in which groups they are.
function locals.servers(made, settings)
   local wms = require "wms"
   local groups, names, all = {}, {}, {}
   for name in pairs(settings.groups) do
      names[#names + 1] = name
   end
   table.sort(names)
   for _, name in ipairs(names) do
      for _, server in ipairs(checked("hosts", wms.servers, "@" .. name)) do
         groups[server] = groups[server] or {}
         table.insert(groups[server], name)
      end
      all[#all + 1] = "@" .. name
   end
   local given = #made.servers > 0 and made.servers or all
   local items = {}
   for i, server in ipairs(#given > 0 and checked("hosts", wms.servers, given) or {}) do
      items[i] = { server = server, groups = groups[server] or {} }
   end
   return { outcomes = {}, items = items, kind = "host", columns = HOST }
end

function locals.unbind(made)
   local wms = require "wms"
   local items, outcomes = {}, {}
   for _, server in ipairs(checked("unbind", wms.servers, made.servers)) do
      local fine, message, err = wms.unbind(server)
      if fine then
         items[#items + 1] = { server = server }
      else
         outcomes[#outcomes + 1] = { server = server, state = "failed", error = { code = err.code,
            message = (message:gsub("^" .. server:gsub("%p", "%%%0") .. ": ", "")) } }
      end
   end
   return { outcomes = outcomes, items = items, kind = "host", columns = FORGOTTEN }
end

function locals.bindings()
   local list, message, err = require("wms").bindings()
   local items, outcomes = {}, {}
   if not list then
      outcomes[1] = { server = "localhost", state = "failed", error = { code = err.code, message = message } }
   end
   for _, binding in ipairs(list or {}) do
      if binding.error then
         outcomes[#outcomes + 1] = { server = binding.server, state = "failed", error = binding.error }
      else
         items[#items + 1] = binding
      end
   end
   return { outcomes = outcomes, items = items, kind = "binding", columns = BINDING }
end

--- What the progress line needs to know.
local function progress_of(made, given)
   if given.json or given.csv then
      return nil
   end
   return { name = made.command.name, servers = function()
      local fine, servers = pcall(require("wms").servers, #made.servers > 0 and made.servers or "localhost")
      return fine and servers or {}
   end }
end

local function carry_out(made, given, settings)
   local here = locals[made.call]
   if here then
      return here(made, settings)
   elseif made.call == "bind" then
      local result, why = require("wms.cli.bind").run(made, given, settings, function() return progress_of(made, given) end)
      if not result then
         misuse(why, "bind")
      end
      return result
   end
   return require("wms.cli.run").plan(made, settings, progress_of(made, given))
end

-- ---- what is printed --------------------------------------------------------------------------------------------------

local function look_of(descriptor)
   local terminal = require "wms.cli.terminal"
   return { width = terminal.is(descriptor) and terminal.width() or nil, colour = terminal.has_colour(descriptor) }
end

local function complain(...)
   io.stderr:write(...)
end

local function print_records(result, command, sum, given)
   local records = require "wms.cli.records"
   local list, kind = {}, result.kind or (result.items and "session") or "outcome"
   for _, item in ipairs(result.items or {}) do
      list[#list + 1] = records.of(kind, item)
   end
   for _, outcome in ipairs(result.outcomes) do
      list[#list + 1] = records.of("outcome", outcome)
   end
   if given.csv then
      records.print_csv(output.write, kind, list)
      if kind ~= "outcome" then -- which have no rows then
         require("wms.cli.report").failures(complain, result, command, look_of(2))
      end
      return
   end
   sum.command = command.name
   list[#list + 1] = records.of("sum", sum)
   records.print_json(output.write, list)
end

--- What operations have returned.
local function print_values(result, look)
   local text = require "wms.cli.text"
   for _, outcome in ipairs(result.outcomes) do
      if outcome.value then
         if #result.outcomes > 1 then
            output.write(text.clean(outcome.server), ":\n")
         end
         local names = {}
         for name in pairs(outcome.value) do
            names[#names + 1] = name
         end
         table.sort(names)
         for _, name in ipairs(names) do
            local value = outcome.value[name]
            value = type(value) == "table" and require("dkjson").encode(value) or tostring(value)
            local line = ("%s  %s"):format(name, text.clean(value))
            output.write(look.width and text.cut(line, look.width) or line, "\n")
         end
      end
   end
end

--- For people: the table on the standard output; what went wrong, and the sum, on the error stream.
local function print_report(result, made, sum, given)
   local report = require "wms.cli.report"
   local command, look = made.command, look_of(1)
   if result.list then
      output.write(result.list)
   elseif command.call == "call" then
      print_values(result, look)
   elseif not given.quiet and #(result.items or result.outcomes) > 0 then
      report.rows(output.write, result, command, look)
   end
   local written, why = output.flush()
   if given.quiet and sum.exit == exits.OK then
      return written, why
   end
   local second = look_of(2)
   report.failures(complain, result, command, second)
   if not result.list and not (command.call == "call" and sum.exit == exits.OK) then
      report.sum(complain, result, command, sum, second)
   end
   return written, why
end

local function perform(argv)
   local instead = print_instead(argv)
   if instead then
      return instead
   end
   local given, command, name = require("wms.cli.quick").parse(argv)
   if not given then
      given, command, name = require("wms.cli.parser").parse(argv)
   end
   if not given then
      misuse(command, name)
   elseif given.version then
      output.write("wms ", require("wms")._VERSION, "\n")
      return exits.OK
   elseif given.completion then
      output.write(require("wms.cli.complete").script(given.completion))
      return exits.OK
   elseif not command and #argv == 0 then
      print_help()
      return exits.MISUSE
   elseif not command then
      misuse("no command; give one of those that 'wms --help' names")
   end

   local settings = load_settings(given)
   settings.client_of = function() return { start = require("wms").start } end
   local plan = require "wms.cli.plan"
   local made, why = plan.make(command, given)
   if made and given.demo and made.call ~= "bindings" then
      local in_room = checked(command.name, require("wms.cli.demo").servers, made.servers)
      given.server, given.servers, given.ids = in_room, nil, given.ids
      made, why = plan.make(command, given)
   end
   if not made then
      misuse(why, command.name)
   end
   configure_card(made, given)
   why = made.call == "bind" and require("wms.cli.bind").complete(made, given)
   if why then
      misuse(why, command.name)
   end
   if given.lua then
      if made.call == "bind" and (given.fingerprint or given.fingerprints) then
         made.options[#made.options + 1] = { "password", require("wms.cli.script").password(given) }
      end
      output.write(require("wms.cli.script").of(made, settings, given.config, given.demo))
      return exits.OK
   end
   if not confirm(made, given) then
      complain("nothing was done\n")
      return exits.FAILED
   end

   local result = checked(command.name, carry_out, made, given, settings)
   local sum = require("wms.cli.verdict").of(result)
   if given.json or given.csv then
      print_records(result, command, sum, given)
      return sum.exit
   end
   local written, fault = print_report(result, made, sum, given)
   if not written then
      complain("wms: the output cannot be written: ", fault, "\n")
      return sum.exit == exits.OK and exits.FAILED or sum.exit
   end
   return sum.exit
end

--- Runs a command line, such as the global `arg`; returns the exit code.
function cli.main(argv)
   fill_holes()
   local fine, code = pcall(perform, argv)
   if not fine then
      local why = code
      if type(why) == "table" and why.misuse then
         local line = ("wms%s: %s"):format(why.name and " " .. why.name or "", why.misuse)
         complain((line:gsub("%c", "?")), "\n")
         code = exits.MISUSE
      elseif require("wms.cli.run").is_interrupt(why) then
         complain(require("wms.cli.terminal").is(2) and "\ninterrupted\n" or "interrupted\n")
         code = exits.INTERRUPTED
      else
         complain("wms: ", tostring(why), "\n")
         code = exits.FAILED
      end
   end
   local written, fault = output.flush()
   if not written and code == exits.OK then
      complain("wms: the output cannot be written: ", fault, "\n")
      return exits.FAILED
   end
   return code
end

return cli
