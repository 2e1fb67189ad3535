-- SPDX-License-Identifier: MIT
--- What the functions of wms.multipoint are given: checks it, and makes a plan of it, before anything is sent.
local check = require "wms.multipoint.check"
local system = require "wms.system"
local wms = require "wms"

local options = {}

local LONGEST = 1e9 -- seconds
local SERVERS = { "server", "computer_name", "servers" }
-- "memory" answers UNSUPPORTED, so that scripts can be tried out; so do the others of wms, in a room of mixed hosts.
local SCHEMES = { multipoint = true, memory = true, logind = true, wts = true }
local TARGETS = {
   session = { { "session_ids", "session_id" } },
   station = { { "station_ids", "station_id" } },
   either = { { "session_ids", "session_id" }, { "station_ids", "station_id" } },
}

--- Names of the options of a function, in the order in which messages list them.
function options.names(entry)
   local fun, names = entry.fun, {}
   for _, pair in ipairs(fun.on and not entry.all and TARGETS[fun.on] or {}) do
      names[#names + 1], names[#names + 2] = pair[1], pair[2]
   end
   for _, name in ipairs(SERVERS) do
      names[#names + 1] = name
   end
   for _, field in ipairs(fun.takes or {}) do
      names[#names + 1] = field.name
   end
   if entry.chooses then
      names[#names + 1], names[#names + 2] = "where", "except"
   end
   for _, name in ipairs{ "timeout", "deadline", "concurrency", "on_error", "on_outcome" } do
      names[#names + 1] = name
   end
   if not fun.question then
      names[#names + 1] = "what_if"
   end
   if fun.question or fun.again then
      names[#names + 1] = "retries"
   end
   return names
end

local function seconds(fun, given, name, default)
   local value = given[name]
   if value == nil then
      return default
   elseif value == false and name == "deadline" then
      return nil
   elseif type(value) ~= "number" or not (value > 0 and value <= LONGEST) then
      check.refuse(fun, "%s: %s; give a number of seconds above 0, at most 1e9", name, check.show(value))
   end
   return value
end

local function whole(fun, given, name, least, most, default)
   return check.value(fun, { name = name, kind = "whole", least = least, most = most }, given[name]) or default
end

local function callback(fun, given, name)
   if given[name] ~= nil and type(given[name]) ~= "function" then
      check.refuse(fun, "%s: %s; give a function", name, check.show(given[name]))
   end
   return given[name]
end

local function choice(fun, given, name)
   local value = given[name]
   if value ~= nil and type(value) ~= "table" and type(value) ~= "function" then
      check.refuse(fun, "%s: %s; give properties of sessions, such as { user_name = \"alice\" }, or a function", name,
         check.show(value))
   end
   return value
end

local function on_error(fun, given)
   local value = given.on_error
   if value ~= nil and value ~= "continue" and value ~= "stop" then
      check.refuse(fun, "on_error: %s; give \"continue\" or \"stop\"", check.show(value))
   end
   return value == "stop"
end

--- The one of several names that is given, and what it has.
local function one_of(fun, given, names)
   local found
   for _, name in ipairs(names) do
      if given[name] ~= nil then
         if found then
            check.refuse(fun, "%s: there is %s already; leave one of them out", name, found)
         end
         found = name
      end
   end
   return found, found and given[found]
end

--- The addresses that are meant, and whether they were given as a list.
local function servers_of(fun, given)
   local name, value = one_of(fun, given, SERVERS)
   if not name then
      check.refuse(fun, "server: missing; give the address of a MultiPoint host, a list of them, or a group")
   end
   local fine, list = pcall(wms.servers, value)
   if not fine then
      local text = tostring(list):match("bad argument #%d+ to '[%w_]+' %((.*)%)$") or tostring(list)
      check.refuse(fun, "%s", (text:gsub("^servers", name)))
   end
   for _, server in ipairs(list) do
      local scheme = server:match("^(%a[%w+.-]*)://")
      if scheme and not SCHEMES[scheme:lower()] then
         check.refuse(fun, "%s: %s is no MultiPoint host; give its name, or multipoint://NAME", name, check.show(server))
      end
   end
   return list, type(value) == "table" or #list ~= 1 or list[1] ~= value
end

--- Sessions or stations that bring their servers: a job for each server, in the order asked.
local function jobs_of_objects(targets)
   local jobs, by_server = {}, {}
   for _, target in ipairs(targets) do
      local job = by_server[target.server]
      if not job then
         job = { server = target.server, targets = {} }
         by_server[target.server] = job
         jobs[#jobs + 1] = job
      end
      job.targets[#job.targets + 1] = target
   end
   return jobs
end

local function jobs_of_servers(servers, targets)
   local jobs = {}
   for i, server in ipairs(servers) do
      jobs[i] = { server = server, targets = targets }
   end
   return jobs
end

--- The ids that are given: the targets, the key of an outcome that has one of them, the option, and whether it is a list.
local function targets_of(entry, given)
   local fun, name = entry.fun, entry.name
   local found, key, value
   for _, pair in ipairs(fun.on and not entry.all and TARGETS[fun.on] or {}) do
      local one, ids = one_of(name, given, pair)
      if one and found then
         check.refuse(name, "%s: there is %s already; leave one of them out", one, found)
      elseif one then
         found, key, value = one, pair[2], ids
      end
   end
   if found then
      local targets, listed = check.ids(name, found, key, value)
      return targets, key, found, listed
   elseif fun.on and not entry.all and not fun.lists and not fun.ids_optional then
      check.ids(name, TARGETS[fun.on][1][1], TARGETS[fun.on][1][2], nil)
   end
   return nil, fun.on == "station" and "station_id" or "session_id"
end

local function known_names(entry, given)
   local known, names = {}, options.names(entry)
   for _, name in ipairs(names) do
      known[name] = true
   end
   for name in pairs(given) do
      if name == "all" and entry.fun.on then
         check.refuse(entry.name, "all: no such option; call %s", entry.fun.all and entry.fun.name .. "_all" or entry.name)
      elseif name == "what_if" then
         if entry.fun.question then
            check.refuse(entry.name, "what_if: %s changes nothing; leave it out", entry.name)
         end
      elseif name == "retries" and not known[name] then
         check.refuse(entry.name, "retries: %s is never sent twice; leave it out", entry.name)
      elseif not known[name] then
         check.refuse(entry.name, "%s: no such option; use %s", tostring(name), table.concat(names, ", "))
      end
   end
end

--- Reads the options of a call; raises `{ misuse = text }`.
function options.read(entry, given)
   local fun, name = entry.fun, entry.name
   if type(given) == "string" then
      given = { server = given }
   elseif type(given) ~= "table" then
      check.refuse(name, "%s; give a table of options", given == nil and "nothing" or check.show(given))
   end
   known_names(entry, given)
   local _, deadline, concurrency = system.defaults()
   local plan = {
      given = {}, where = choice(name, given, "where"), except = choice(name, given, "except"),
      timeout = seconds(name, given, "timeout"),
      deadline = seconds(name, given, "deadline", given.deadline ~= false and deadline or nil),
      concurrency = whole(name, given, "concurrency", 1, 65535, concurrency),
      retries = whole(name, given, "retries", 0, 1000, 0), stop = on_error(name, given),
      on_outcome = callback(name, given, "on_outcome"),
      what_if = check.value(name, { name = "what_if", kind = "boolean" }, given.what_if) or false,
   }
   for _, field in ipairs(fun.takes or {}) do
      plan.given[field.name] = check.value(name, field, given[field.name])
   end
   if fun.check then
      fun.check(plan.given, function(...) check.refuse(name, ...) end, entry.all)
   end
   local targets, ids, listed
   targets, plan.key, ids, listed = targets_of(entry, given)
   if targets and targets[1].server then
      local server = one_of(name, given, SERVERS)
      if server then
         check.refuse(name, "%s: %s bring their servers; leave it out", server, ids)
      end
      plan.jobs, plan.several = jobs_of_objects(targets), listed
   else
      local servers
      servers, plan.several = servers_of(name, given)
      plan.jobs = jobs_of_servers(servers, targets)
   end
   plan.several = plan.several or targets ~= nil and #targets > 1
   if fun.single and (#plan.jobs > 1 or targets and #targets > 1) then
      check.refuse(name, "%s: several; give one", targets and #targets > 1 and ids or "server")
   elseif fun.single then
      plan.several = false
   end
   return plan
end

return options
