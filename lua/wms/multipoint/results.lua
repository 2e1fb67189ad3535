-- SPDX-License-Identifier: MIT
--- What the functions of wms.multipoint return: outcomes, lists of objects, one object; and errors.
local results = {}

local Error = {}
Error.__index = Error
Error.__tostring = function(err) return err.message end
Error.__metatable = false

--- nil, message, err.
function results.error(code, message, fields)
   local err = fields or {}
   err.code, err.message = code, message
   err.outcomes = err.outcomes or {}
   return nil, message, setmetatable(err, Error)
end

--- What has become of one session, of one station, or of the server as a whole.
function results.outcome(request, job, unit)
   local failure = unit.failure
   local outcome = {
      server = job.server, state = unit.state, note = unit.note,
      error = failure and { code = failure.code, message = failure.message } or nil,
   }
   if unit.id then
      outcome[unit.key or request.plan.key] = unit.id
      outcome.user_name = unit.from and unit.from.user_name
      outcome.identity = unit.from and unit.from.identity
   end
   if type(unit.value) == "table" and not request.fun.list then
      outcome.value = unit.value
   end
   return outcome
end

--- Marks what a host has told with whose it is.
local function mark(request, job, unit, object)
   object.server = job.server
   if unit.id and object[request.plan.key] == nil then
      object[request.plan.key] = unit.id
   end
   return object
end

--- All objects of a function that lists, in the order asked.
local function list_of(request)
   local list = {}
   for _, job in ipairs(request.jobs) do
      for _, unit in ipairs(job.units or {}) do
         local value = unit.value or {}
         if #value == 0 and next(value) ~= nil then
            value = { value }
         end
         for _, object in ipairs(value) do
            list[#list + 1] = mark(request, job, unit, object)
         end
      end
   end
   return list
end

--- " (1 of 3 failed, 2 skipped)"
local function of_all(failed, skipped, all)
   if all < 2 then
      return ""
   elseif failed == 0 then
      return (" (%d of %d skipped)"):format(skipped, all)
   elseif skipped == 0 then
      return (" (%d of %d failed)"):format(failed, all)
   end
   return (" (%d of %d failed, %d skipped)"):format(failed, all, skipped)
end

--- What a request that is done returns.
function results.of(request)
   local fun, outcomes = request.fun, {}
   local first, failed, skipped = nil, 0, 0
   for _, job in ipairs(request.jobs) do
      for _, unit in ipairs(job.units or {}) do
         if type(unit.value) == "table" and fun.gives then
            mark(request, job, unit, unit.value)
         end
         local outcome = results.outcome(request, job, unit)
         outcomes[#outcomes + 1] = outcome
         if outcome.error then
            failed = failed + (outcome.state ~= "skipped" and 1 or 0)
            skipped = skipped + (outcome.state == "skipped" and 1 or 0)
            if not first or first.state == "skipped" and outcome.state ~= "skipped" then
               first = outcome
            end
         end
      end
   end
   local list = fun.list and list_of(request)
   if not first then
      if list then
         return list
      elseif fun.gives and not request.plan.several and not request.plan.what_if then
         return outcomes[1].value or {}
      end
      return outcomes
   end
   local what = first.station_id and "station" or "session"
   local id = first.station_id or first.session_id
   local message = ("%s: %s%s%s"):format(first.server, id and ("%s %.0f: "):format(what, id) or "", first.error.message,
      of_all(failed, skipped, #outcomes))
   local fields = { server = first.server, outcomes = outcomes, station_id = first.station_id,
      session_id = first.session_id }
   if list then
      fields[fun.list] = list
   end
   return results.error(first.error.code, message, fields)
end

return results
