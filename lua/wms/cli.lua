-- SPDX-License-Identifier: MIT
--- The command line `wms`: each command is one call of the module.
---
---     os.exit(require("wms.cli").main(arg), true)
---
--- What needs time to load is loaded when it is needed.
local commands = require "wms.cli.commands"
local exits = require "wms.cli.exits"
local misuse = require "wms.cli.misuse"
local output = require "wms.cli.output"

local checked = misuse.checked

local cli = {}

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

local function print_help(names)
   local terminal = require "wms.cli.terminal"
   local width = terminal.is(1) and math.min(terminal.width(), 100) or 80
   for i = 1, math.max(1, #names) do
      output.write(i > 1 and "\n" or "", require("wms.cli.help").of(names[i] and commands.find(names[i]), width))
   end
   return exits.OK
end

--- What is not there is said before anything is sent.
local function need(module, package)
   local found, library = pcall(require, module)
   if not found and not tostring(library):find(("module '%s' not found"):format(module), 1, true) then
      error(library, 0)
   elseif not found then
      error({ lacking = ("this Lua has no library %s; install it (Debian: %s)"):format(module, package) }, 0)
   end
   return library
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
   need("argparse", "lua-argparse")
   local parser = require "wms.cli.parser"
   local wanted = parser.wants_help(argv)
   for _, name in ipairs(wanted or {}) do
      if not commands.find(name) then
         misuse.raise((select(2, parser.parse({ name }))))
      end
   end
   return wanted and print_help(wanted) or nil
end

--- The file of settings, or those of the made-up room.
local function load_settings(given)
   if given.demo then
      local demo = require "wms.cli.demo"
      demo.open()
      return { client = {}, groups = { room1 = demo.ROOM } }
   end
   local settings, why = require("wms.config").load(given.config)
   if not settings then
      misuse.raise(why:find(";", 1, true) and why or why .. "; give a file of settings that can be read")
   end
   return settings
end

--- The network card that the command line names.
local function configure_card(made, given)
   if not (given.mac or given.network) then
      return
   end
   if not (given.mac and given.network) then
      misuse.raise(("%s alone; give --mac and --network"):format(given.mac and "--mac" or "--network"), "wake")
   end
   local wms = require "wms"
   local servers = checked("wake", wms.servers, made.servers)
   if #servers > 1 then
      misuse.raise("--mac is one host's; give one host", "wake")
   end
   made.cards = { [servers[1]] = { mac = given.mac, network = given.network } }
   local _, why = misuse.tried(wms.configure, { wake = made.cards })
   if why then
      misuse.raise((why:gsub("^wake: .-: (%a+): ", "--%1: ")), "wake")
   end
end

-- ---- carrying it out --------------------------------------------------------------------------------------------------

--- Asks whether it is meant; `question`: nil where it needs not be.
local function ask(made, given, question)
   if not question or given.yes or given.what_if then
      return true
   elseif not require("wms.cli.terminal").can_ask() then
      misuse.raise("there is no terminal to ask whether it is meant; give --yes", made.command.name)
   end
   return require("wms.cli.prompt").confirm(question .. " Is it meant?")
end

--- Asks before sessions or hosts are ended; `sessions`: those that are meant, if they were looked at.
local function confirm(made, given, sessions)
   local is_asked = made.command.ends and not given.yes and not given.what_if
   return ask(made, given, is_asked and require("wms.cli.meant").question(made, sessions) or nil)
end

--- What the progress line needs to know.
local function progress_of(made, given)
   if given.json or given.csv then
      return nil
   end
   return { name = made.command.name, warning = given.warn and not given.what_if and given.warn[1], servers = function()
      return misuse.tried(require("wms").servers, #made.servers > 0 and made.servers or "localhost") or {}
   end }
end

-- Functions that are none of the module's alone, by what is called: the module of this program that has it.
local OWN = { servers = "here", unbind = "here", bindings = "here", wish = "room", end_wish = "room", status = "room",
   prepare = "room" }

--- Carries a plan out; returns nil when who was asked does not mean it.
local function carry_out(made, given, settings)
   if made.call == "screens" and not made.command.entry then
      return require("wms.cli.screens").run(made, given, settings)
   elseif made.close then
      if not (given.yes or given.what_if or require("wms.cli.terminal").can_ask()) then
         ask(made, given, made.command.question) -- which refuses
      end
      return require("wms.cli.multipoint.close").run(made, given, progress_of(made, given), function(what)
         return ask(made, given, ("%s %s."):format(made.command.question, what))
      end)
   elseif OWN[made.call] then
      return require("wms.cli." .. OWN[made.call])[made.call](made, settings, progress_of(made, given), given)
   end
   local sessions
   local is_sure = given.yes or given.what_if
   if made.command.ends and not made.command.entry and require("wms.cli.meant").has_to_look(made, is_sure) then
      if not is_sure and not require("wms.cli.terminal").can_ask() then
         confirm(made, given) -- which refuses
      end
      local early
      sessions, early = require("wms.cli.meant").look(made, settings, progress_of(made, given))
      if not sessions then
         return early
      end
   end
   if not confirm(made, given, sessions) then
      return nil
   elseif made.call == "bind" then
      local bound, why = require("wms.cli.bind").run(made, given, function() return progress_of(made, given) end)
      return bound or misuse.raise(why, "bind")
   elseif made.command.entry and not require("wms.cli.multipoint.plan").ask(made, given) then
      return nil
   end
   local result = require("wms.cli.run").plan(made, settings, progress_of(made, given))
   result.warned = given.warn ~= nil
   return result
end

-- ---- what is printed --------------------------------------------------------------------------------------------------

local function print_records(result, command, sum, given)
   local records = require "wms.cli.records"
   local list, kind = {}, result.kind or result.record or (result.items and "session") or "outcome"
   for _, item in ipairs(result.items or {}) do
      list[#list + 1] = records.of(kind, item)
   end
   for _, outcome in ipairs(result.outcomes) do
      list[#list + 1] = records.of("outcome", outcome)
   end
   if given.csv then
      records.print_csv(output.write, kind, list)
      return
   end
   sum.command = command.name
   list[#list + 1] = records.of("sum", sum)
   records.print_json(output.write, list)
end

--- What operations have returned; false: nothing.
local function print_values(result, look)
   local text = require "wms.cli.text"
   local has_any = false
   for _, outcome in ipairs(result.outcomes) do
      if next(outcome.value or {}) ~= nil then
         has_any = true
         if #result.outcomes > 1 or look.width then
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
            local line = ("%s  %s"):format(text.clean(name), text.clean(value))
            output.write(look.width and text.cut(line, look.width) or line, "\n")
         end
      end
   end
   return has_any
end

local function look_of(descriptor)
   return require("wms.cli.terminal").look(descriptor)
end

local function complain(...)
   io.stderr:write(...)
end

--- What went wrong, what nobody met, and the sum.
local function print_rest(result, made, sum, look, with_sum)
   local report = require "wms.cli.report"
   report.failures(complain, result, made.command, look)
   if sum.exit ~= exits.UNREACHED then
      report.notes(complain, result.notes, look)
   end
   if with_sum then
      report.sum(complain, result, made.command, sum, look)
   end
end

--- For people: the table on the standard output; what went wrong, and the sum, on the error stream.
local function print_report(result, made, sum, given)
   local command, look = made.command, look_of(1)
   local has_values = false
   if result.list then
      output.write(result.list)
   elseif command.call == "call" then
      has_values = print_values(result, look)
   elseif not given.quiet and #(result.items or result.outcomes) > 0 then
      (result.show or require("wms.cli.report").rows)(output.write, result, command, look)
   end
   local written, why = output.flush()
   local is_plain = result.list or has_values or given.quiet
   if sum.exit ~= exits.OK or #(result.notes or {}) > 0 or not is_plain then
      print_rest(result, made, sum, look_of(2), not result.list and not (is_plain and sum.exit == exits.OK))
   end
   return written, why
end

--- Prints a result; returns the exit code.
local function print_result(result, made, given)
   local sum = require("wms.cli.verdict").of(result)
   local written, fault
   if given.json or given.csv then
      print_records(result, made.command, sum, given)
      written, fault = output.flush()
      if given.csv and sum.exit ~= exits.OK then
         print_rest(result, made, sum, look_of(2), true)
      elseif #(result.notes or {}) > 0 and sum.exit ~= exits.UNREACHED then
         require("wms.cli.report").notes(complain, result.notes, look_of(2))
      end
   else
      written, fault = print_report(result, made, sum, given)
   end
   if not written then
      complain("wms: the output cannot be written: ", fault, "\n")
      return sum.exit == exits.OK and exits.FAILED or sum.exit
   end
   return sum.exit
end

-- ---- the program --------------------------------------------------------------------------------------------------------

--- What a command line means, with the settings; raises misuse.
local function prepare(command, given)
   local settings = load_settings(given)
   local place = given.demo and command.call ~= "bindings" and function(servers)
      return checked(command.name, require("wms.cli.demo").servers, servers)
   end
   local made, why = require("wms.cli.plan").make(command, given, place)
   if not made then
      misuse.raise(why, command.name)
   end
   if command.call == "servers" and #made.servers == 0 and given.lua then
      made.servers = require("wms.cli.here").groups(settings)
   end
   if command.entry then
      require("wms.cli.multipoint.plan").add_defaults(made, settings)
   end
   configure_card(made, given)
   if given.demo and command.call == "wake" then -- nothing leaves this machine
      made.options[#made.options + 1] = not given.what_if and { "what_if", true } or nil
   end
   why = made.call == "bind" and require("wms.cli.bind").complete(made, given)
   if why then
      misuse.raise(why, command.name)
   end
   return made, settings
end

local function print_script(made, given, settings)
   local script = require "wms.cli.script"
   if made.call == "bind" and not given.key_name then
      if not (given.fingerprint or given.fingerprints) then
         misuse.raise("a script asks nobody whether the certificate is the host's; give --fingerprint SHA256 or "
            .. "--fingerprints FILE", "bind")
      end
      made.options[#made.options + 1] = { "password", script.password(given) }
   end
   made.given = given
   if made.command.entry then
      require("wms.cli.multipoint.plan").ask_later(made, given)
   end
   local is_asked = made.command.ends and not given.yes and not given.what_if
   local question = is_asked and (made.close and require("wms.cli.multipoint.close").question(made) .. "."
      or require("wms.cli.meant").question(made)) or nil
   output.write(script.of(made, settings, given.config, given.demo, question))
   return exits.OK
end

--- Carries a command out.
local function perform_command(command, given)
   if command.runs then
      return require("wms.cli." .. command.name:gsub("%-", "_")).run(given)
   elseif command.apart then
      local module, fun = command.apart:match("^(%w+)%.(%w+)$")
      return require("wms.cli." .. module)[fun](given)
   end
   if given.json or command.call == "call" then
      need("dkjson", "lua-dkjson")
   end
   local made, settings = prepare(command, given)
   local note = table.concat(made.servers):find("!", 1, true) and require("wms.cli.meant").check_hosts(made) or nil
   if given.lua then
      return print_script(made, given, settings)
   elseif command.lasts and made.call == command.call then
      return require("wms.cli." .. command.name).run(made, given, settings, note)
   end
   local result = carry_out(made, given, settings)
   if not result then
      complain("nothing was done\n")
      return exits.FAILED
   end
   result.notes, result.groups = result.notes or {}, settings.groups
   if note then
      table.insert(result.notes, 1, note)
   end
   return print_result(result, made, given)
end

local function perform(argv)
   argv = commands.joined(argv)
   local given, command = require("wms.cli.quick").parse(argv)
   if given and not given.help then
      given.words = argv
      return perform_command(command, given)
   end
   local instead = print_instead(argv)
   if instead then
      return instead
   end
   local name
   given, command, name = require("wms.cli.parser").parse(argv)
   if not given then
      misuse.raise(command, name)
   elseif given.version then
      output.write("wms ", require("wms")._VERSION, "\n")
      return exits.OK
   elseif given.completion then
      output.write(require("wms.cli.complete").script(given.completion))
      return exits.OK
   elseif not command and #argv == 0 then
      print_help{}
      return exits.MISUSE
   elseif not command then
      misuse.raise("no command; give one of those that 'wms --help' names")
   end
   given.words = argv
   return perform_command(command, given)
end

--- One line of misuse, cleaned; narrow terminals have it in several.
local function complain_of_misuse(why)
   local text, terminal = require "wms.cli.text", require "wms.cli.terminal"
   local line = text.clean(("wms%s: %s"):format(why.name and " " .. why.name or "", why.misuse))
   complain(terminal.is(2) and text.wrap(line, terminal.width(), "   ") or line, "\n")
end

--- Says why it ended before its time; returns the exit code.
local function fail(why)
   if type(why) == "table" and why.misuse then
      complain_of_misuse(why)
      return exits.MISUSE
   elseif require("wms.cli.run").is_interrupt(why) then
      complain(require("wms.cli.terminal").is(2) and "\ninterrupted\n" or "interrupted\n")
      return exits.INTERRUPTED
   end
   why = type(why) == "table" and why.lacking or why
   complain("wms: ", require("wms.cli.text").clean(why), "\n")
   return exits.FAILED
end

--- Runs a command line, such as the global `arg`; returns the exit code.
function cli.main(argv)
   fill_holes()
   local fine, code = pcall(perform, argv)
   if not fine then
      code = fail(code)
   end
   local written, fault = output.flush()
   if not written and code == exits.OK then
      complain("wms: the output cannot be written: ", fault, "\n")
      return exits.FAILED
   end
   return code
end

return cli
