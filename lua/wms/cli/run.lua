-- SPDX-License-Identifier: MIT
--- Carries out a plan, so that Ctrl-C ends it at once.
---
--- The interpreter turns SIGINT into an error of the Lua code that runs; a blocking call of the module would hold that back
--- until it ends.  So requests are waited for in portions.
local plan = require "wms.cli.plan"
local wms = require "wms"

local run = {}

local PORTION = 0.1 -- seconds
local PATIENCE = 0.5 -- seconds before there is a progress line

--- Whether an error is the interpreter's word for SIGINT.
function run.is_interrupt(why)
   return type(why) == "string" and why:find("interrupted!", 1, true) ~= nil
end

--- Those of hosts whose sessions are not known.
local function not_as_asked(outcomes)
   local list = {}
   for _, outcome in ipairs(outcomes) do
      list[#list + 1] = outcome.error and outcome or nil
   end
   return list
end

--- Starts a command and waits for it.  Returns { outcomes =, items = (sessions), interrupted = }.  Raises misuse.
function run.command(client, call, options, progress)
   local news, line, waited = {}, nil, 0
   if progress then
      options.on_outcome = function(...) news[#news + 1] = { ... } end
   end
   local request, message, err = client.start(call, options)
   if not request then
      local failure = { code = err.code, message = message }
      return { outcomes = { { server = "localhost", state = "failed", error = failure } } }
   end
   local fine, why = pcall(function()
      while not request:wait(PORTION) do
         waited = waited + PORTION
         if progress and waited >= PATIENCE then
            line = line or require("wms.cli.progress").new(progress.name, progress.servers())
            line:tick(news, PORTION)
            news = {}
         end
      end
   end)
   local interrupted = not fine and run.is_interrupt(why)
   if line then
      line:clear()
   end
   if not fine then
      request:cancel()
      if not interrupted then
         request:close()
         error(why, 0)
      end
      request:wait(1)
   end
   local list, _, fault = request:result()
   request:close()
   local outcomes = fault and fault.outcomes or list
   if call == "sessions" then
      return { outcomes = fault and not_as_asked(outcomes) or {}, items = fault and fault.sessions or list,
         interrupted = interrupted }
   end
   return { outcomes = outcomes or {}, interrupted = interrupted }
end

--- Carries out a plan with the defaults of the settings.
function run.plan(made, settings, progress)
   local client = { start = wms.start }
   if next(settings.client) ~= nil and made.call ~= "bind" then
      local own = wms.new(settings.client)
      client.start = function(call, options) return own:start(call, options) end
   end
   return run.command(client, made.call, plan.values(made), progress)
end

return run
