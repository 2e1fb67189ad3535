-- SPDX-License-Identifier: MIT
--- The options of wms.screens, and what is wrong with them.
local options = {}

-- Those of the commands, by what they are for.
options.SESSIONS = { "server", "computer_name", "servers", "where", "except", "activity" }
options.BOTH = { "timeout", "deadline", "concurrency", "retries" }
options.PICTURES = { "size" }

local SIZES = { small = true, medium = true, large = true, full = true }
local SERVE = { port = true, options = true, every = true, message = true, client = true }
local PORT_MAX = 65535
options.EVERY_MAX = 86400 -- seconds

local function set_of(...)
   local set = {}
   for _, list in ipairs{ ... } do
      for _, name in ipairs(list) do
         set[name] = true
      end
   end
   return set
end

local KNOWN = set_of(options.SESSIONS, options.BOTH, options.PICTURES, { "title" })

--- `level`: whom to name, as `error` counts it in the function of wms.screens that was called: 2 is its caller.
local function raise(fun, level, why, ...)
   error(("bad argument #1 to '%s' (%s)"):format(fun, why:format(...)), level + 2)
end

--- Those of some lists that are given.
function options.pick(given, ...)
   local picked = {}
   for name in pairs(set_of(...)) do
      picked[name] = given[name]
   end
   return picked
end

--- The options of `take` as a table; raises misuse of `fun`.
function options.of_take(given, fun, level)
   if type(given) == "string" then
      given = { server = given }
   elseif type(given) ~= "table" then
      raise(fun, level, "a %s; give a table of options", type(given))
   end
   for name in pairs(given) do
      if not KNOWN[name] then
         raise(fun, level, "%s: no such option; use server, where, except, size, title, timeout, deadline, concurrency, "
            .. "retries, activity", tostring(name))
      end
   end
   if given.size ~= nil and not SIZES[given.size] then
      raise(fun, level, "size: '%s' is none; give small, medium, large or full", tostring(given.size))
   end
   return given
end

--- Seconds after which a page is made anew, or nil; raises misuse of `fun`.
function options.every(value, fun, level)
   if value ~= nil and not (type(value) == "number" and value > 0 and value <= options.EVERY_MAX) then
      raise(fun, level, "every: %s; give seconds above 0, at most %d", tostring(value),
         options.EVERY_MAX)
   end
   return value
end

--- The options of `serve`, with those of `take` in `options`; raises misuse.
function options.of_serve(given, level)
   if type(given) ~= "table" then
      raise("serve", level, "a %s; give a table such as { options = { server = \"@room1\" } }", type(given))
   end
   for name in pairs(given) do
      if not SERVE[name] then
         raise("serve", level, "%s: no such option; use port, options, every, message, client%s", tostring(name),
            KNOWN[name] and ", and give this one in options" or "")
      end
   end
   local port = given.port
   if port ~= nil and not (type(port) == "number" and port % 1 == 0 and port >= 0 and port <= PORT_MAX) then
      raise("serve", level, "port: %s; give one up to %d, or 0 for any that is free", tostring(port), PORT_MAX)
   elseif given.message ~= nil and type(given.message) ~= "string" then
      raise("serve", level, "message: a %s; give a text", type(given.message))
   end
   options.every(given.every, "serve", level + 1)
   local copy = options.pick(given, { "port", "every", "message", "client" })
   copy.options = options.of_take(given.options == nil and {} or given.options, "serve", level + 1)
   return copy
end

return options
