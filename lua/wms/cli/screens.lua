-- SPDX-License-Identifier: MIT
--- `wms screens`: the picture of a room, in a file or as a page on this machine.
local exits = require "wms.cli.exits"
local literal = require "wms.cli.literal"
local misuse = require "wms.cli.misuse"
local plan = require "wms.cli.plan"
local run = require "wms.cli.run"
local words = require "wms.screens.words"

local screens = {}

local PORTION, EVERY_MAX = 0.1, require("wms.screens.options").EVERY_MAX -- seconds

--- Ends what an interrupt has ended.
local Interrupted = {}

--- Carries the commands of wms.screens out as the program does: so that a signal ends them.
local function caller(settings)
   return function(verb, options)
      local result = run.call(settings, verb, options)
      if result.interrupted then
         error(setmetatable({ code = result.interrupted }, Interrupted), 0)
      elseif verb == "sessions" then
         return #result.outcomes == 0 and result.items or nil, nil, { sessions = result.items, outcomes = result.outcomes }
      end
      return result.outcomes
   end
end

--- What is wrong with the options, or nil.
function screens.check(given)
   if not (given.output or given.serve) then
      return "where to? give a file as -o room.html, or --serve PORT"
   elseif given.output and not given.output:lower():find("%.html?$") and not given.output:lower():find("%.png$") then
      return ("-o: '%s' is no name of a page or a picture; give one that ends in .html or .png"):format(given.output)
   elseif given.serve and given.serve > 65535 then
      return ("--serve: %d is no port; give one up to 65535, or 0 for any that is free"):format(given.serve)
   elseif given.field and not given.serve then
      return "--message: a file has no field for it; leave it out, or give --serve PORT"
   elseif given.every and given.every > EVERY_MAX then
      return ("--every: more than a day; give at most %ds"):format(EVERY_MAX)
   end
   return nil
end

local SCRIPT = [[
local screens = require "wms.screens"

local sheet = screens.take(%s%s)
assert(screens.write(sheet, %s%s))
print(#sheet.stations, "sessions")
for _, outcome in ipairs(sheet.failures) do
   io.stderr:write(outcome.server, ": ", clean(outcome.error.message), "\n")
end
os.exit(require("wms.cli.verdict").of{ outcomes = sheet.failures, items = sheet.stations }.exit)
]]

local SERVE = [[
local served = assert(require("wms.screens").serve%s)
print(served.url)
os.exit(served:run())
]]

--- The script of a plan, with `options` as a text; `client` is the name of the client that has the defaults, or nil.
function screens.script(given, options, client)
   local why = screens.check(given)
   if why then
      misuse.raise(why, "screens")
   elseif given.serve then
      local parts = { "port = " .. literal.of(given.serve), "options = " .. options }
      parts[#parts + 1] = given.every and "every = " .. literal.of(given.every) or nil
      parts[#parts + 1] = given.field and "message = " .. literal.of(given.field) or nil
      parts[#parts + 1] = client and "client = assert(require(\"wms.config\").load()).client" or nil
      return SERVE:format("{ " .. table.concat(parts, ", ") .. " }")
   end
   local call = client and (", function(verb, options) return %s[verb](%s, options) end"):format(client, client) or ""
   return SCRIPT:format(options, call, literal.of(given.output), given.every and ", " .. literal.of(given.every) or "")
end

--- Waits for the next time; returns the exit code of the signal that came, or nil.
local function sleep(seconds)
   local driver = require "wms".driver()
   local code
   local signalled, unwatch = require("wms.cli.signals").watch()
   local till = driver:clock() + seconds
   local fine, why = pcall(function()
      while not code and driver:clock() < till do
         driver:wait(math.min(PORTION, math.max(0, till - driver:clock())))
         code = signalled()
      end
   end)
   unwatch()
   if not fine and not run.is_interrupt(why) then
      error(why, 0)
   end
   return not fine and exits.INTERRUPTED or code
end

local function told(path, sheet)
   return ("%s: %s\n"):format(require("wms.cli.text").clean(path), words.sum(sheet))
end

--- Writes the file, once or again and again.
local function write(options, given, settings, made)
   local module = require "wms.screens"
   local notes = next(made.chosen) and require("wms.cli.meant").watch(made, options)
   local function take()
      return misuse.checked("screens", module.take, options, caller(settings))
   end
   local sheet, interrupted
   repeat
      sheet = take()
      local written, why = module.write(sheet, given.output, given.every)
      if not written then
         error({ lacking = why }, 0)
      end
      interrupted = given.every and sleep(given.every)
   until interrupted or not given.every
   local result = { outcomes = sheet.failures, list = told(given.output, sheet), interrupted = interrupted or nil,
      items = sheet.stations }
   result.notes = notes and notes(result, settings) or nil
   return result
end

local function serve(options, given, settings)
   local module = require "wms.screens"
   local handle, why = misuse.checked("screens", module.serve, { port = given.serve, every = given.every,
      message = given.field, options = options, client = settings.client })
   if not handle then
      error({ lacking = why }, 0)
   end
   io.stdout:write(handle.url, "\n")
   io.stdout:flush()
   return { outcomes = {}, list = "", interrupted = handle:run() }
end

--- Carries it out; the result is as that of wms.cli.run.
function screens.run(made, given, settings)
   local why = screens.check(given)
   if why then
      misuse.raise(why, "screens")
   end
   local options = plan.values(made)
   local fine, result = pcall(given.serve and serve or write, options, given, settings, made)
   if fine then
      return result
   elseif getmetatable(result) == Interrupted then
      return { outcomes = {}, list = "", interrupted = result.code }
   elseif type(result) == "table" and result.misuse then
      result.name = "screens" -- and not that of the command that it took
   end
   error(result, 0)
end

return screens
