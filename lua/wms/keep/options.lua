-- SPDX-License-Identifier: MIT
--- What wms.keep is given: checks it, and fills in what is not given.
local wms = require "wms"

local options = {}

local NAMES = { "server", "computer_name", "servers", "locked", "message", "where", "except", "until_time", "after",
   "restore", "own", "grace", "limit", "verify", "timeout", "concurrency", "file", "on_report" }
local KNOWN = {}
for _, name in ipairs(NAMES) do
   KNOWN[name] = true
end

local LONGEST = 1e9 -- seconds

local function refuse(format, ...)
   error({ misuse = ("bad argument #1 to 'keep' (%s)"):format(format:format(...)) }, 0)
end

--- A value for a message.
local function show(value)
   if type(value) == "number" then
      return ("%.14g"):format(value)
   elseif type(value) == "string" then
      return ("%q"):format(#value > 40 and value:sub(1, 40) .. "..." or value):gsub("[%c]+", " ")
   end
   return "a " .. type(value)
end

local function is_number(value, least, most)
   return type(value) == "number" and value >= least and value <= most
end

local function seconds(given, name, default, least)
   local value = given[name]
   if value == nil then
      return default
   end
   if not is_number(value, least, LONGEST) or value <= 0 and least > 0 then
      refuse("%s: %s; give a number of seconds %s, at most 1e9", name, show(value), least > 0 and "above 0" or "from 0")
   end
   return value
end

local function boolean(given, name, default)
   local value = given[name]
   if value == nil then
      return default
   elseif type(value) ~= "boolean" then
      refuse("%s: %s; give true or false", name, show(value))
   end
   return value
end

--- Seconds since 1970 of a time such as "11:30": today's, or tomorrow's if it has gone by.
local function time_of_day(text)
   local hour, minute = text:match("^(%d%d?):(%d%d)$")
   hour, minute = tonumber(hour), tonumber(minute)
   if not hour or hour > 23 or minute > 59 then
      return nil
   end
   local day = os.date("*t")
   day.hour, day.min, day.sec, day.isdst = hour, minute, 0, nil
   local time = os.time(day)
   if time <= os.time() then
      day = os.date("*t")
      day.day, day.hour, day.min, day.sec, day.isdst = day.day + 1, hour, minute, 0, nil
      time = os.time(day)
   end
   return time
end

local function until_time(given)
   local value = given.until_time
   if value == nil then
      return nil
   end
   local time = type(value) == "string" and time_of_day(value) or value
   if not is_number(time, 0, 1e12) then
      refuse('until_time: %s; give seconds since 1970, as os.time does, or a time of day such as "11:30"', show(value))
   elseif given.after ~= nil then
      refuse("after: there is until_time already; leave one of them out")
   end
   return time
end

--- One name of the servers, and what it has.
local function servers(given)
   local found
   for _, name in ipairs{ "server", "computer_name", "servers" } do
      if given[name] ~= nil then
         if found then
            refuse("%s: there is %s already; leave one of them out", name, found)
         end
         found = name
      end
   end
   if not found then
      return nil
   end
   return given[found], found
end

--- Calls a function of wms, and lets its misuse be keep's.
local function checked(fun, ...)
   local fine, result, message, err = pcall(fun, ...)
   if not fine then
      local text = tostring(result):match("bad argument #%d+ to '[%w_]+' %((.*)%)$")
      error(text and { misuse = ("bad argument #1 to 'keep' (%s)"):format(text) } or result, 0)
   end
   return result, message, err
end
options.checked = checked

--- `where` and `except` may not be about what is kept.
local function check_choice(given, name)
   local value = given[name]
   if value ~= nil and type(value) ~= "table" and type(value) ~= "function" then
      refuse("%s: %s; give properties of sessions, such as { user_name = \"alice\" }, or a function", name, show(value))
   elseif type(value) == "table" and value.locked ~= nil then
      refuse("%s: locked: it is what keep changes; leave it out", name)
   end
end

local function check_limit(value)
   if not is_number(value, 1, 1000) or value ~= math.floor(value) then
      refuse("limit: %s; give a whole number of actions a minute, from 1 to 1000", show(value))
   end
   return value
end

local function check_file(value)
   if value ~= nil and (type(value) ~= "string" or value == "" or value:find("%z") or value:find("/$")) then
      refuse("file: %s; give the name of a file", show(value))
   end
end

local function check_function(value, name)
   if value ~= nil and type(value) ~= "function" then
      refuse("%s: %s; give a function", name, show(value))
   end
end

--- Lets wms itself check what is given to it later: a command that reaches nobody.
local function try_command(plan)
   local request = checked(wms.start, "lock", { session_ids = 0, server = "memory://wms.keep", what_if = true,
      message = plan.message or "-", timeout = plan.timeout, verify = plan.verify, concurrency = plan.concurrency })
   if request then
      request:close()
   end
end

--- Reads the options; raises `{ misuse = text }`.
function options.read(given)
   if type(given) ~= "table" then
      refuse("%s; give a table of options", given == nil and "nothing" or show(given))
   end
   for name in pairs(given) do
      if not KNOWN[name] then
         refuse("%s: no such option; use %s", tostring(name), table.concat(NAMES, ", "))
      end
   end
   local list, name = servers(given)
   local plan = {
      locked = boolean(given, "locked"),
      message = given.message,
      where = given.where,
      except = given.except,
      until_time = until_time(given),
      is_time_of_day = type(given.until_time) == "string",
      after = seconds(given, "after", nil, 1e-9),
      restore = boolean(given, "restore"),
      own = boolean(given, "own"),
      grace = seconds(given, "grace", nil, 0),
      limit = given.limit ~= nil and check_limit(given.limit) or nil,
      verify = given.verify,
      timeout = given.timeout,
      concurrency = given.concurrency,
      file = given.file,
      on_report = given.on_report,
      server_name = name,
   }
   check_choice(given, "where")
   check_choice(given, "except")
   check_file(given.file)
   check_function(given.on_report, "on_report")
   if plan.verify == nil then
      plan.verify = 3
   end
   if list ~= nil then
      local fine, found = pcall(checked, wms.servers, list)
      if not fine then
         if type(found) == "table" then
            found.misuse = found.misuse:gsub("%(servers", "(" .. name)
         end
         error(found, 0)
      end
      plan.servers = found
   end
   try_command(plan)
   return plan
end

--- Fills in what was not given: from the state of a former keeper, or what holds without one.
function options.complete(plan, state)
   local nothing = plan.file and not state and (", and nothing is kept in '%s' that could go on"):format(plan.file) or ""
   state = state or {}
   local function take(name, default)
      if plan[name] == nil then
         plan[name] = state[name]
      end
      if plan[name] == nil then
         plan[name] = default
      end
   end
   take("locked")
   take("message")
   take("where")
   take("except")
   take("restore", false)
   take("own", false)
   take("grace", 300)
   take("limit", 30)
   take("servers", { "localhost" })
   if plan.locked == nil then
      refuse("locked: missing%s; give true for rooms that stay locked, false for rooms that stay unlocked", nothing)
   elseif plan.message == nil and (plan.locked or plan.restore) then
      refuse("message: missing; give what the users see while they are locked%s",
         plan.locked and "" or ", since restore may lock them again")
   end
   for _, name in ipairs{ "where", "except" } do
      if plan[name] == "function" then
         refuse("%s: the former keeper had a function; give it again", name)
      end
   end
end

return options
