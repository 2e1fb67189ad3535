-- SPDX-License-Identifier: MIT
--- `wms apps close`: looks which programs run, and closes those that are meant.
local commands = require "wms.cli.commands"
local plan = require "wms.cli.plan"
local run = require "wms.cli.run"
local multipoint = require "wms.multipoint"
local text = require "wms.cli.text"

local close = {}

local CLIENT = { start = multipoint.start }
local MOST = 5 -- programs in a question

--- Completes a plan; returns what is wrong.  It lists first, so `call` is that of the listing.
function close.plan(made, command, given)
   local name, process
   for _, key in ipairs(command.options) do
      local field = commands.options[key].field
      name = field and field.name == "name" and given[key] or name
      process = field and field.name == "process_id" and given[key] or process
   end
   if not (name or process) then
      return "no programs; give --name NAME, or --process-id N ('wms apps' shows both)"
   end
   made.call, made.close = "apps", { name = name, process_id = process }
   return nil
end

--- What a plan closes, for people.
function close.question(made)
   local wanted = made.close
   return ("%s %s%s"):format(made.command.question, wanted.name and text.clean(wanted.name) or "a program",
      wanted.process_id and (" (process %s)"):format(wanted.process_id) or "")
end

--- Whether a program is meant: by its name, whatever the case of its letters, and its process.
local function is_meant(app, wanted)
   return (not wanted.name or app.name:lower() == wanted.name:lower())
      and (not wanted.process_id or app.process_id == wanted.process_id)
end

local function describe(apps)
   local names = {}
   for i, app in ipairs(apps) do
      names[i] = i <= MOST and ("%s (session %s on %s)"):format(text.clean(app.name), text.clean(app.session_id),
         text.clean(app.server)) or nil
   end
   return table.concat(names, ", ") .. (#apps > MOST and (" and %d more"):format(#apps - MOST) or "")
end

local function outcome_of(app, state, failure)
   return { server = app.server, session_id = app.session_id, state = state, error = failure, note = app.name }
end

local function failed(outcomes)
   local list = {}
   for _, outcome in ipairs(outcomes) do
      list[#list + 1] = outcome.error and outcome or nil
   end
   return list
end

--- Closes one program; returns its outcome.
local function close_one(app, options, progress)
   local given = { timeout = options.timeout, deadline = options.deadline }
   for _, field in ipairs{ "session_id", "server", "process_id", "window_id", "create_time", "name" } do
      given[field] = app[field]
   end
   local result = run.command(CLIENT, "close_app", given, progress)
   local outcome = result.outcomes[1]
   outcome.note = outcome.note or app.name
   return outcome, result.interrupted
end

--- Carries the plan out.  `confirm(what)` asks whether it is meant.  Returns a result, or nil when it is not.
function close.run(made, given, progress, confirm)
   local options = plan.values(made)
   local listed = run.command(CLIENT, "apps", options, progress)
   local apps, outcomes = {}, failed(listed.outcomes)
   for _, app in ipairs(listed.fault and listed.fault.apps or not listed.fault and listed.returned or {}) do
      apps[#apps + 1] = is_meant(app, made.close) and app or nil
   end
   local result = { outcomes = outcomes, interrupted = listed.interrupted, notes = {} }
   if listed.interrupted then
      return result
   elseif #apps == 0 then
      local wanted = made.close.name and "--name " .. text.clean(made.close.name)
         or "--process-id " .. made.close.process_id
      result.notes = { wanted .. ": no such program runs there", not_found = 0, exempt = 0 }
      return result
   elseif not confirm(describe(apps)) then
      return nil
   end
   local done = {}
   for _, app in ipairs(apps) do
      if result.interrupted or given.on_error == "stop" and #failed(done) > 0 then
         done[#done + 1] = outcome_of(app, "skipped", { code = "CANCELLED", message = "stopped; it was not sent" })
      elseif given.what_if then
         done[#done + 1] = outcome_of(app, "planned")
      else
         done[#done + 1], result.interrupted = close_one(app, options, progress)
      end
   end
   for _, outcome in ipairs(outcomes) do
      done[#done + 1] = outcome
   end
   result.outcomes = done
   return result
end

return close
