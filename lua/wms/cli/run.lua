-- SPDX-License-Identifier: MIT
--- Carries out a plan, so that Ctrl-C ends it at once.
---
--- The interpreter turns SIGINT into an error of the Lua code that runs; a blocking call of the module would hold that back
--- until it ends.  So requests are waited for in portions.
local exits = require "wms.cli.exits"
local misuse = require "wms.cli.misuse"
local plan = require "wms.cli.plan"
local wms = require "wms"

local run = {}

local PORTION = 0.1 -- seconds
local SOON = 0.02 -- seconds
local PATIENCE = 0.5 -- seconds before there is a progress line

--- Whether an error is the interpreter's word for SIGINT.
function run.is_interrupt(why)
   return type(why) == "string" and why:find("interrupted!", 1, true) ~= nil
end

--- The outcomes that failed: a listing tells of the others by their sessions.
local function failures(outcomes)
   local list = {}
   for _, outcome in ipairs(outcomes) do
      list[#list + 1] = outcome.error and outcome or nil
   end
   return list
end

--- Waits until a request is done; returns nil, or the exit code of the signal that came.
local function wait(request, progress, news)
   local line, waited, code = nil, 0, nil
   local signalled, unwatch
   local fine, why = pcall(function()
      local is_done = request:wait(SOON)
      if not is_done then -- to watch for signals takes a library, which most commands need not wait for
         signalled, unwatch = require("wms.cli.signals").watch()
      end
      while not is_done and not code and not request:wait(PORTION) do
         code = signalled()
         waited = waited + PORTION
         if progress and waited >= PATIENCE then
            line = line or require("wms.cli.progress").new(progress.name, progress.servers(), progress.warning)
            line:tick(news, PORTION, waited)
            for i = #news, 1, -1 do
               news[i] = nil
            end
         end
      end
   end)
   if unwatch then
      unwatch()
   end
   if line then
      line:clear()
   end
   if not fine and not run.is_interrupt(why) then
      request:close()
      error(why, 0)
   end
   return not fine and exits.INTERRUPTED or code
end

--- Starts a command and waits for it.  Returns { outcomes =, items = (sessions), interrupted = (nil, or the exit code) },
--- and what the request itself has returned: `returned`, or the error `fault`.
--- Raises misuse, before anything is sent.
function run.command(client, call, options, progress)
   local news = {}
   if progress then
      options.on_outcome = function(...) news[#news + 1] = { ... } end
   end
   local request, message, err = misuse.checked(progress and progress.name or (call:gsub("_.*", "")), client.start, call,
      options)
   if not request then
      local failure = { code = err.code, message = message }
      return { outcomes = { { server = "localhost", state = "failed", error = failure } },
         items = call == "sessions" and {} or nil }
   end
   local interrupted = wait(request, progress, news)
   if interrupted then
      request:cancel()
      request:wait(1)
   end
   local list, _, fault = request:result()
   request:close()
   local outcomes = fault and fault.outcomes or list
   if call == "sessions" then
      return { outcomes = fault and failures(outcomes) or {}, items = fault and fault.sessions or list,
         interrupted = interrupted }
   end
   return { outcomes = outcomes or {}, interrupted = interrupted, returned = list, fault = fault }
end

--- Carries out any call with the defaults of the settings.
function run.call(settings, call, options, progress)
   local client = { start = wms.start }
   if next(settings.client) ~= nil then
      local own = wms.new(settings.client)
      client.start = function(...) return own:start(...) end
   end
   return run.command(client, call, options, progress)
end

--- Carries out a plan with them.  The result has `notes`, too: what was chosen, and nobody met, as meant.watch tells it.
function run.plan(made, settings, progress)
   local options = plan.values(made)
   local entry = made.command.entry
   local notes = next(made.chosen) and require("wms.cli.meant").watch(made, options)
   local result = entry and run.command(require "wms.multipoint", made.call, options, progress)
      or run.call(settings, made.call, options, progress)
   if entry then
      require("wms.cli.multipoint.show").shape(result, made.command)
   end
   result.notes = notes and not result.interrupted and notes(result, settings, progress) or {}
   return result
end

return run
