-- SPDX-License-Identifier: MIT
--- Prints a plan as a Lua script: `wms --lua`.
local literal = require "wms.cli.literal"
local text = require "wms.cli.text"

local script = {}

local function options_of(made)
   local lines, length = {}, 0
   for i, pair in ipairs(made.options) do
      lines[i] = pair[1] .. " = " .. literal.of(pair[2])
      length = length + #lines[i]
   end
   if #lines == 0 then
      return "{}"
   elseif length < 90 then
      return "{ " .. table.concat(lines, ", ") .. " }"
   end
   return "{\n   " .. table.concat(lines, ",\n   ") .. ",\n}"
end

-- Each ends with the exit code of the program.  `clean` makes what hosts say harmless on a terminal.
local HEAD = [[
local clean = require("wms.cli.text").clean
]]

local SESSIONS = [[
local sessions, message, err = %s
for _, session in ipairs(sessions or err.sessions or {}) do
   print(session.server, clean(session.session_id), clean(session.user_name), clean(session.state), session.locked)
end
if not sessions then
   io.stderr:write(clean(message), "\n")
   local failures = {}
   for _, outcome in ipairs(err.outcomes) do
      failures[#failures + 1] = outcome.error and outcome or nil
   end
   os.exit(require("wms.cli.verdict").of{ outcomes = failures, items = err.sessions }.exit)
end
]]

local OUTCOMES = [[
local outcomes, message, err = %s
for _, outcome in ipairs(outcomes or err.outcomes) do
   print(outcome.server, clean(outcome.session_id), clean(outcome.user_name), outcome.state,
      outcome.error and clean(outcome.error.message))
end
if not outcomes then
   io.stderr:write(clean(message), "\n")
   os.exit(require("wms.cli.verdict").of{ outcomes = err.outcomes }.exit)
end
]]

local SERVERS = [[
for _, server in ipairs(wms.servers(%s)) do
   print(server)
end
]]

local UNBIND = [[
local code = 0
for _, server in ipairs(wms.servers(%s)) do
   local fine, message = wms.unbind(server)
   if fine then
      print(server)
   else
      io.stderr:write(clean(message), "\n")
      code = 1
   end
end
os.exit(code)
]]

local BINDINGS = [[
local code = 0
for _, binding in ipairs(assert(wms.bindings())) do
   print(binding.server, clean(binding.user_name), binding.error and clean(binding.error.message))
   code = binding.error and 1 or code
end
os.exit(code)
]]

local CALL = [[
local outcomes, message, err = %s
for _, outcome in ipairs(outcomes or err.outcomes) do
   print(outcome.server, outcome.state, outcome.error and clean(outcome.error.message))
   for name, value in pairs(outcome.value or {}) do
      print("", clean(name), clean(value))
   end
end
if not outcomes then
   io.stderr:write(clean(message), "\n")
   os.exit(require("wms.cli.verdict").of{ outcomes = err.outcomes }.exit)
end
]]

local WATCH = [[
local function tell(event)
   local session = event.session or {}
   print(os.date("%X", math.floor(event.time)), event.server, event.kind, clean(session.session_id),
      clean(session.user_name), event.error and clean(event.error.message))
   io.stdout:flush()
end

]]

local FOREVER = [[
for event in assert(wms.watch%s):each() do
   tell(event)
end
]]

local UNTIL = [[
local watch = assert(wms.watch%s)
local kinds = %s
local left, ends = %s, %s
while left > 0 and os.time() < ends do
   local event = watch:next(%s)
   if event and (not kinds or kinds[event.kind]) then
      tell(event)
      left = left - 1
   end
end
os.exit(left > 0 and left < math.huge and 1 or 0, true)
]]

local KEEP = [[
local options = %s
options.on_report = function(report)
   print(os.date("%%X", math.floor(report.time)), report.message)
   io.stdout:flush()
end
local summary, message = assert(require("wms.keep")(options)):run()
if not summary then
   io.stderr:write(message, "\n")
   os.exit(1)
end
]]

local STATUS = [[
for _, row in ipairs(assert(require("wms.agent").status%s)) do
   print(row.server, row.wish and (row.wish.locked and "locked" or "unlocked"), row.sessions, row.locked, row.as_wished,
      row.error and clean(row.error.message))
end
]]

local PREPARE = [[
assert(require("wms.agent").prepare%s)
]]

local ASK = [[function(server, user_name)
      return require("wms.cli.terminal").ask(("Password of %s on %s: "):format(user_name, server), true)
   end]]

--- Where the script of a bind has the password from: a script has none inside.
function script.password(given)
   local file = given.password_fd == 0 and "io.stdin"
      or given.password_fd and ("assert(io.open(\"/dev/fd/%d\"))"):format(given.password_fd)
      or given.credential and ("assert(io.open(assert(os.getenv(\"CREDENTIALS_DIRECTORY\")) .. %s))"):format(
         literal.of("/" .. given.credential))
   return literal.source(file and ("assert(%s:read(), \"there is no password\")"):format(file) or ASK)
end

--- The same for the password of an account of a host, which is a text.
function script.account_password(given)
   if given.password_fd or given.credential then
      return script.password(given)
   end
   return literal.source("assert(require(\"wms.cli.terminal\").ask(\"Password of the account: \", true))")
end

--- Servers as one argument of a function.
local function servers_of(made)
   return literal.of(#made.servers == 1 and made.servers[1] or made.servers)
end

--- The script of a watch.
local function watch_of(made)
   local kinds, wanted = nil, made.lasting
   for _, kind in ipairs(wanted.events or {}) do
      kinds = kinds or {}
      kinds[kind] = true
   end
   if not (kinds or wanted.count or wanted.during) then
      return WATCH .. FOREVER:format(options_of(made))
   end
   return WATCH .. UNTIL:format(options_of(made), literal.of(kinds), wanted.count or "math.huge",
      wanted.during and "os.time() + " .. literal.of(wanted.during) or "math.huge",
      wanted.during and "ends - os.time()" or "")
end

local OF_AGENT = { wish = true, end_wish = true, status = true, prepare = true } -- functions of wms.agent

local function call_of(made, has_client)
   if OF_AGENT[made.call] then
      return ("require(\"wms.agent\").%s%s"):format(made.call, options_of(made))
   end
   if made.command.entry then
      return ("multipoint.%s%s"):format(made.call, options_of(made))
   end
   return ("%s%s%s"):format(has_client and "client:" or "wms.", made.call, options_of(made))
end

-- ---- how it is run ---------------------------------------------------------------------------------------------------

-- Where every interpreter of the system looks.
local STANDARD = { "^/usr/local/share/lua", "^/usr/share/lua", "^/usr/local/lib/lua/", "^/usr/lib/lua/",
   "^/usr/lib/[^/]+/lua/" }

--- The template of a search path by which a module is found, where interpreters do not look by themselves; else nil.
local function own_template(path, module)
   for template in path:gmatch("[^;]+") do
      local file = io.open((template:gsub("%?", module)))
      if file then
         file:close()
         for _, pattern in ipairs(STANDARD) do
            if template:find(pattern) then
               return nil
            end
         end
         local folder = not template:find("^/") and os.getenv("PWD")
         return folder and folder .. "/" .. template:gsub("^%./", "") or template
      end
   end
   return nil
end

local function assignment(name, template)
   return template and ("%s='%s;;' "):format(name, template:gsub("'", "'\\''")) or ""
end

--- The interpreter that runs this program.
local function interpreter()
   local at = 0
   while arg and arg[at - 1] do
      at = at - 1
   end
   local name = at < 0 and arg[at]:gsub("^/usr/bin/", "") or _VERSION:lower():gsub(" ", "")
   return (name)
end

--- The comment that tells how to run it, so that it finds the same modules as this program.
local function how_to_run()
   return ("-- Run it with: %s%s%s FILE"):format(assignment("LUA_PATH", own_template(package.path, "wms/cli/script")),
      assignment("LUA_CPATH", own_template(package.cpath, "wms")),
      interpreter())
end

--- The script of a plan.  `settings` are those of the file of settings, `path` that file if it was named; `question` is
--- what the program asks before, or nil.
function script.of(made, settings, path, is_demo, question)
   local parts = { text.clean(how_to_run()), "\nlocal wms = require \"wms\"\n" }
   if is_demo then
      parts[#parts + 1] = "require(\"wms.cli.demo\").open() -- hosts inside this program\n"
   end
   local has_client = false
   if settings.path then
      local load = ("assert(require(\"wms.config\").load(%s))"):format(path and literal.of(path) or "")
      has_client = next(settings.client) ~= nil and not OF_AGENT[made.call] and made.command.call ~= "bind"
         and made.command.call ~= "servers" and not made.command.entry and not made.command.lasts
      parts[#parts + 1] = has_client and ("local client = wms.new(%s.client)\n"):format(load) or load .. "\n"
   end
   if made.cards then
      parts[#parts + 1] = ("wms.configure{ wake = %s }\n"):format(literal.of(made.cards))
   end
   if made.call ~= "servers" and made.call ~= "keep" then
      parts[#parts + 1] = HEAD
   end
   if made.command.entry then
      parts[#parts + 1] = "local multipoint = require \"wms.multipoint\"\n"
   end
   parts[#parts + 1] = "\n"
   if question then
      parts[#parts + 1] = ("-- %s The program asks whether it is meant; this script does not.\n"):format(question)
   end
   if made.command.ends and made.chosen.except then
      parts[#parts + 1] = "-- The program looks first whether `except` takes somebody out; this script does not.\n"
   end
   local call = call_of(made, has_client)
   if made.call == "sessions" then
      parts[#parts + 1] = SESSIONS:format(call)
   elseif made.command.entry then
      parts[#parts + 1] = require("wms.cli.multipoint.script").of(made, call)
   elseif made.call == "servers" then
      parts[#parts + 1] = #made.servers == 0 and "" or SERVERS:format(servers_of(made))
   elseif made.call == "unbind" then
      parts[#parts + 1] = UNBIND:format(servers_of(made))
   elseif made.call == "bindings" then
      parts[#parts + 1] = BINDINGS
   elseif made.call == "watch" then
      parts[#parts + 1] = watch_of(made)
   elseif made.call == "keep" then
      parts[#parts + 1] = KEEP:format(options_of(made))
   elseif made.call == "status" then
      parts[#parts + 1] = STATUS:format(options_of(made))
   elseif made.call == "prepare" then
      parts[#parts + 1] = PREPARE:format(options_of(made))
   elseif made.call == "screens" then
      parts[#parts + 1] = require("wms.cli.screens").script(made.given, options_of(made), has_client and "client" or nil)
   elseif made.call == "call" then
      parts[#parts + 1] = CALL:format(call)
   else
      parts[#parts + 1] = OUTCOMES:format(call)
   end
   return table.concat(parts)
end

return script
