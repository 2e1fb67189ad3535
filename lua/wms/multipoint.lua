-- SPDX-License-Identifier: MIT
--- What MultiPoint's cmdlets do beside those of sessions: stations, users, programs, web limiting, the system's settings,
--- disk protection, on any number of hosts.
--
--    local multipoint = require "wms.multipoint"
--    for _, station in ipairs(assert(multipoint.stations("lab01.school.example"))) do
--       print(station.station_id, station.name, station.is_split)
--    end
--    assert(multipoint.set_station{ station_ids = 3, name = "Window", server = "lab01.school.example" })
--
-- The groups (wms.multipoint.*) describe each function in a table; all else follows from it: what it takes, what is misuse,
-- which password it needs, what comes back.  docs/multipoint.md describes them.
local Request = require "wms.multipoint.request"
local cmdlets = require "wms.multipoint.cmdlets"
local options = require "wms.multipoint.options"

local multipoint = {}

local GROUPS = { "sessions", "apps", "web", "stations", "usb", "users", "system", "disk", "updates", "desktops",
   "identify" }

local entries = {} -- by name

--- The functions, in the order of the manual: { name =, fun =, all = }; `fun` is as its group describes it.
multipoint.functions = {}

--- The 47 cmdlets: { cmdlet =, functions = { … }, gap = }.
multipoint.cmdlets = cmdlets

local function begin(entry, given)
   local fine, plan = pcall(options.read, entry, given)
   if not fine then
      error(type(plan) == "table" and plan.misuse or plan, type(plan) == "table" and 3 or 0)
   end
   return Request.begin(entry, plan)
end

local function add(entry)
   multipoint.functions[#multipoint.functions + 1] = entry
   entries[entry.name] = entry
   multipoint[entry.name] = function(given, ...)
      if select("#", ...) > 0 then
         error(("bad argument #2 to '%s' (no such argument; give one table of options)"):format(entry.name), 2)
      end
      local request = begin(entry, given)
      local waited, message, err = request:wait()
      if not waited then
         request:close()
         return nil, message, err
      end
      local result
      result, message, err = request:result()
      if result == nil then
         return nil, message, err
      end
      return result
   end
end

for _, group in ipairs(GROUPS) do
   for _, fun in ipairs(require("wms.multipoint." .. group)) do
      add{ name = fun.name, fun = fun, all = false, group = group }
      if fun.all then
         local chooses = fun.on == "session" and not fun.run_all
         add{ name = fun.name .. "_all", fun = fun, all = true, group = group, chooses = chooses }
      end
   end
end

--- Begins a function without blocking: returns a request at once, with the methods of those of wms.start.
function multipoint.start(name, given)
   local entry = type(name) == "string" and entries[name]
   if not entry then
      error(("bad argument #1 to 'start' (%s is no function of wms.multipoint; give one such as \"stations\")"):format(
         type(name) == "string" and ("%q"):format(name) or type(name)), 2)
   end
   return begin(entry, given)
end

return multipoint
