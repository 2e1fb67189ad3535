-- SPDX-License-Identifier: MIT
--- The scripts that `wms --lua` prints for MultiPoint's nouns.
local literal = require "wms.cli.literal"

local script = {}

local SHOW = [[
local function show(item)
   local names = {}
   for name in pairs(item) do
      names[#names + 1] = name
   end
   table.sort(names)
   for i, name in ipairs(names) do
      local value = item[name]
      names[i] = name .. "=" .. clean(type(value) == "table" and table.concat(value, " ") or value)
   end
   print(table.concat(names, " "))
end

]]

local LIST = SHOW .. [[
local list, message, err = %s
for _, item in ipairs(list or err.%s or {}) do
   show(item)
end
if not list then
   io.stderr:write(clean(message), "\n")
   local failures = {}
   for _, outcome in ipairs(err.outcomes) do
      failures[#failures + 1] = outcome.error and outcome or nil
   end
   os.exit(require("wms.cli.verdict").of{ outcomes = failures, items = err.%s }.exit)
end
]]

local OUTCOMES = [[
local outcomes, message, err = %s
for _, outcome in ipairs(outcomes or err.outcomes) do
   print(outcome.server, clean(outcome.station_id or outcome.session_id), outcome.state,
      outcome.error and clean(outcome.error.message))
%send
if not outcomes then
   io.stderr:write(clean(message), "\n")
   os.exit(require("wms.cli.verdict").of{ outcomes = err.outcomes }.exit)
end
]]

local VALUE = [[
   if outcome.value then
      show(outcome.value)
   end
]]

local ONE = SHOW .. [[
show(assert(%s))
]]

local CLOSE = [[
for _, app in ipairs(assert(%s)) do
   if %s then
%s      print(app.server, app.session_id, clean(app.name))
   end
end
]]

--- What is true of the programs that are closed.
local function condition(wanted)
   local parts = {}
   if wanted.name then
      parts[1] = ("app.name:lower() == %s"):format(literal.of(wanted.name:lower()))
   end
   if wanted.process_id then
      parts[#parts + 1] = ("app.process_id == %s"):format(literal.of(wanted.process_id))
   end
   return table.concat(parts, " and ")
end

--- The part of a script that calls the function; `call`: that call.
function script.of(made, call)
   local fun = made.command.entry.fun
   if made.close then
      return CLOSE:format(call, condition(made.close),
         made.given.what_if and "" or "      assert(multipoint.close_app(app))\n")
   elseif fun.list then
      return LIST:format(call, fun.list, fun.list)
   elseif fun.single and fun.gives then
      return ONE:format(call)
   elseif fun.gives then
      return SHOW .. OUTCOMES:format(call, VALUE)
   end
   return OUTCOMES:format(call, "")
end

return script
