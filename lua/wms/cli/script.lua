-- SPDX-License-Identifier: MIT
--- Prints a plan as a Lua script: `wms --lua`.
local literal = require "wms.cli.literal"

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

local SESSIONS = [[
local sessions, message, err = %s
for _, session in ipairs(sessions or err.sessions or {}) do
   print(session.server, session.session_id, session.user_name, session.state, session.locked)
end
if not sessions then
   io.stderr:write(message, "\n")
   os.exit(1)
end
]]

local OUTCOMES = [[
local outcomes, message, err = %s
for _, outcome in ipairs(outcomes or err.outcomes) do
   print(outcome.server, outcome.session_id, outcome.user_name, outcome.state, outcome.error and outcome.error.message)
end
if not outcomes then
   io.stderr:write(message, "\n")
   os.exit(1)
end
]]

local SERVERS = [[
for _, server in ipairs(wms.servers(%s)) do
   print(server)
end
]]

local UNBIND = [[
for _, server in ipairs(wms.servers(%s)) do
   assert(wms.unbind(server))
   print(server)
end
]]

local BINDINGS = [[
for _, binding in ipairs(assert(wms.bindings())) do
   print(binding.server, binding.user_name, binding.error and binding.error.message)
end
]]

local CALL = [[
local outcomes, message, err = %s
for _, outcome in ipairs(outcomes or err.outcomes) do
   print(outcome.server, outcome.state, outcome.error and outcome.error.message)
   for name, value in pairs(outcome.value or {}) do
      print("", name, value)
   end
end
if not outcomes then
   io.stderr:write(message, "\n")
   os.exit(1)
end
]]

local ASK = [[function(server, user_name)
      io.write("Password of ", user_name, " on ", server, ": ")
      return io.read()
   end]]

--- Where the script of a bind has the password from: a script has none inside.
function script.password(given)
   if given.password_fd == 0 then
      return literal.source("io.read()")
   elseif given.password_fd then
      return literal.source(("io.open(\"/dev/fd/%d\"):read()"):format(given.password_fd))
   elseif given.credential then
      return literal.source(("io.open(os.getenv(\"CREDENTIALS_DIRECTORY\") .. %s):read()"):format(
         literal.of("/" .. given.credential)))
   end
   return literal.source(ASK)
end

--- Servers as one argument of a function.
local function servers_of(made)
   return literal.of(#made.servers == 1 and made.servers[1] or made.servers)
end

local function call_of(made, has_client)
   return ("%s%s%s"):format(has_client and "client:" or "wms.", made.call, options_of(made))
end

--- The script of a plan.  `settings` are those of the file of settings, `path` that file if it was named.
function script.of(made, settings, path, is_demo)
   local parts = { "local wms = require \"wms\"\n" }
   if is_demo then
      parts[#parts + 1] = "require(\"wms.cli.demo\").open() -- hosts inside this program\n"
   end
   local has_client = false
   if settings.path then
      local load = ("assert(require(\"wms.config\").load(%s))"):format(path and literal.of(path) or "")
      has_client = next(settings.client) ~= nil and made.command.call ~= "bind" and made.command.call ~= "servers"
      parts[#parts + 1] = has_client and ("local client = wms.new(%s.client)\n"):format(load) or load .. "\n"
   end
   if made.cards then
      parts[#parts + 1] = ("wms.configure{ wake = %s }\n"):format(literal.of(made.cards))
   end
   parts[#parts + 1] = "\n"
   local call = call_of(made, has_client)
   if made.call == "sessions" then
      parts[#parts + 1] = SESSIONS:format(call)
   elseif made.call == "servers" then
      parts[#parts + 1] = SERVERS:format(servers_of(made))
   elseif made.call == "unbind" then
      parts[#parts + 1] = UNBIND:format(servers_of(made))
   elseif made.call == "bindings" then
      parts[#parts + 1] = BINDINGS
   elseif made.call == "call" then
      parts[#parts + 1] = CALL:format(call)
   else
      parts[#parts + 1] = OUTCOMES:format(call)
   end
   return table.concat(parts)
end

return script
