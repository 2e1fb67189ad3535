-- SPDX-License-Identifier: MIT
--- Wishes for hosts with an agent, by whoever may: they are written into the store of the NATS servers, which each agent
--- reads.
local options = require "wms.keep.options"
local wms = require "wms"

local wishes = {}

local function misuse(name, format, ...)
   error({ misuse = ("bad argument #1 to '%s' (%s)"):format(name, format:format(...)) }, 0)
end

--- Calls something of wms, and lets its misuse be that of the function `name`.
local function checked(name, fun, ...)
   local results = { pcall(fun, ...) }
   if not results[1] then
      local why = results[2]
      local inner = tostring(type(why) == "table" and why.misuse or why):match("bad argument #%d+ to '[%w_]+' %((.*)%)$")
      if inner then
         misuse(name, "%s", inner)
      end
      error(why, 0)
   end
   return results[2], results[3], results[4]
end
wishes.checked = checked

--- The servers that were given, which have an agent.
local function servers_of(name, given)
   local found
   for _, field in ipairs{ "server", "computer_name", "servers" } do
      if given[field] ~= nil and found then
         misuse(name, "%s: there is %s already; leave one of them out", field, found)
      end
      found = given[field] ~= nil and field or found
   end
   if not found then
      misuse(name, "server: missing; give hosts with an agent, such as nats://lab01")
   end
   local list = checked(name, wms.servers, given[found])
   for _, server in ipairs(list) do
      if not server:find("^nats://") then
         misuse(name, "%s: %s: an agent alone keeps a wish; give nats://HOST", found, server)
      end
   end
   return list
end
wishes.servers_of = servers_of

-- What else these functions take, as wms.call does.
local MANNER = { "timeout", "deadline", "concurrency", "on_outcome" }

--- Raises for a field that is none of these, or of MANNER.
local function check_names(name, given, names)
   local known = { server = true, computer_name = true, servers = true }
   for _, list in ipairs{ names, MANNER } do
      for _, field in ipairs(list) do
         known[field] = true
      end
   end
   for field in pairs(given) do
      if not known[field] then
         misuse(name, "%s: no such option; use server, %s%s%s", tostring(field), table.concat(names, ", "),
            #names > 0 and ", " or "", table.concat(MANNER, ", "))
      end
   end
end

local function options_of_call(given, servers, operation, arguments)
   local call = { server = servers, interface = "wish", operation = operation, arguments = arguments }
   for _, field in ipairs(MANNER) do
      call[field] = given[field]
   end
   return call
end

--- What was given, as a table.
local function as_table(name, given)
   if type(given) == "string" then
      return { server = given }
   elseif type(given) ~= "table" then
      misuse(name, "%s; give a table of options", given == nil and "nothing" or "a " .. type(given))
   elseif given[1] ~= nil then
      return { server = given }
   end
   return given
end

--- The options of wms.call that put a wish.
function wishes.put(given)
   given = as_table("wish", given)
   check_names("wish", given, { "locked", "message", "until_time", "after", "restore" })
   local servers = servers_of("wish", given)
   local plan = checked("wish", function() -- the rules are those of wms.keep
      local read = options.read{ locked = given.locked, message = given.message, until_time = given.until_time,
         after = given.after, restore = given.restore, timeout = given.timeout, concurrency = given.concurrency }
      options.complete(read)
      return read
   end)
   local seconds = plan.after or plan.until_time and plan.until_time - os.time()
   if seconds and seconds <= 0 then
      misuse("wish", "until_time: it has gone by; give a later one")
   end
   seconds = seconds and math.ceil(seconds)
   return options_of_call(given, servers, "put", { state = plan.locked and "locked" or "unlocked", message = plan.message,
      restore = plan.restore or nil, seconds = seconds and (math.tointeger and math.tointeger(seconds) or seconds) })
end

--- Those that take wishes back.
function wishes.delete(given)
   given = as_table("end_wish", given)
   check_names("end_wish", given, {})
   return options_of_call(given, servers_of("end_wish", given), "delete")
end

--- Those that ask which there are.
function wishes.get(given, servers)
   return options_of_call(given, servers, "get")
end

--- What is told of a host's wish: { revision =, locked =, ends = (seconds since 1970, by the servers' clocks; nil: when it
--- is taken back), message =, restore =, who = }; nil: there is none, or it has ended.
function wishes.read(value)
   local locked = value.state == "locked"
   if not value.revision or not locked and value.state ~= "unlocked" then
      return nil
   end
   local ends = value.seconds and value.time and value.time + value.seconds or nil
   if ends and ends <= os.time() then
      return nil
   end
   return { revision = value.revision, locked = locked, ends = ends, message = value.message,
      restore = value.restore or false, who = value.who }
end

return wishes
