-- SPDX-License-Identifier: MIT
--- What a function of wms.multipoint has returned, as a result that is printed: for people a table, or where an object has
--- many properties and there is one for a host, a line for each of them.
local columns = require "wms.cli.columns"
local records = require "wms.cli.records"
local rows = require "wms.cli.multipoint.rows"
local text = require "wms.cli.text"

local show = {}

local TITLES = { auto_log_on_user_name = "LOG-ON", display_orientation = "ORIENTATION",
   remote_connection_server_name = "OTHER HOST", station_id = "STATION", session_id = "SESSION",
   is_usb_blocked = "USB BLOCKED", process_id = "PROCESS", window_id = "WINDOW", current_activity = "ACTIVITY",
   alert_severity = "SEVERITY",
   alert_status = "STATUS", alert_type = "ALERT", user_type = "TYPE" }

local RIGHT = { station_id = true, session_id = true, process_id = true, window_id = true }

-- Settings are called as the options that set them.
TITLES.is_schedule_update_enabled, TITLES.automatic_update_mode, TITLES.hour_to_schedule_updates = "ON", "MODE", "HOUR"
TITLES.custom_script, TITLES.max_time_allowed_for_custom_script, TITLES.return_state = "SCRIPT", "MINUTES", "AFTER"
TITLES.device_types = "DEVICES"

local function title(property)
   return TITLES[property] or property:gsub("^is_", ""):gsub("_", " "):upper()
end

--- A value for people.
local function cell(value)
   if value == nil then
      return nil
   elseif type(value) == "boolean" then
      return value and "yes" or "no"
   elseif type(value) == "table" then
      local parts = {}
      for i, item in ipairs(value) do
         parts[i] = tostring(item)
      end
      value = table.concat(parts, " ")
   elseif type(value) == "number" then
      value = ("%.0f"):format(value)
   end
   return text.clean(value)
end

--- The devices that a station has: "Keyboard 1, Mouse 2".
local function devices_of(item)
   local parts = {}
   for i, word in ipairs(item.device_types or {}) do
      if item.device_counts[i] > 0 then
         parts[#parts + 1] = ("%s %.0f"):format(word:gsub("^DT_", ""), item.device_counts[i])
      end
   end
   return text.clean(table.concat(parts, ", "))
end

local function is_used(items, property)
   for _, item in ipairs(items) do
      if item[property] ~= nil then
         return true
      end
   end
   return false
end

--- A table of them.
local function print_table(write, command, items, look)
   local wanted, list = {}, {}
   local is_one = look.width ~= nil
   for _, item in ipairs(items) do
      is_one = is_one and item.server == items[1].server
   end
   if not is_one then
      wanted[1] = { name = "server", title = "SERVER", least = 8 }
   end
   for i, property in ipairs(command.columns or command.entry.fun.properties) do
      if property ~= "device_types" or is_used(items, property) then
         wanted[#wanted + 1] = { name = property, title = title(property), right = RIGHT[property],
            may_go = i > 2 and i or nil, told = i > 2, least = 6 }
      end
   end
   for i, item in ipairs(items) do
      list[i] = {}
      for _, column in ipairs(wanted) do
         list[i][column.name] = column.name == "device_types" and devices_of(item) or cell(item[column.name])
      end
   end
   columns.print(write, wanted, list, look, "server")
end

--- All that a host tells of itself, a line for each property.
local function print_cards(write, command, items, look)
   local wide = 0
   for _, property in ipairs(command.entry.fun.properties) do
      wide = math.max(wide, #property)
   end
   for i, item in ipairs(items) do
      if #items > 1 or not look.width then
         write(i > 1 and "\n" or "", columns.colour(text.clean(item.server), "bold", look.colour), ":\n")
      end
      for _, property in ipairs(command.entry.fun.properties) do
         local value = cell(item[property])
         if value then
            local line = ("%s  %s"):format(text.pad(property:gsub("_", " "), wide), value == "" and "-" or value)
            write(look.width and text.cut(line, look.width) or line, "\n")
         end
      end
   end
end

local function failures(outcomes)
   local list = {}
   for _, outcome in ipairs(outcomes) do
      list[#list + 1] = outcome.error and outcome or nil
   end
   return list
end

--- The objects of a function that gives one for each host; the outcomes of the others.
local function gifts(outcomes)
   local items, others = {}, {}
   for _, outcome in ipairs(outcomes) do
      if outcome.value then
         items[#items + 1] = outcome.value
      else
         others[#others + 1] = outcome
      end
   end
   return items, others
end

--- Completes what run.command has returned for a command.
function show.shape(result, command)
   local fun, list, fault = command.entry.fun, result.returned, result.fault
   if fun.list then
      result.items, result.outcomes = fault and fault[fun.list] or not fault and list or {},
         fault and failures(fault.outcomes) or {}
   elseif fun.gives and not fault and list[1] == nil then -- of one session: the object itself
      result.items, result.outcomes = { list }, {}
   elseif fun.gives then
      local items, others = gifts(fault and fault.outcomes or list)
      result.items, result.outcomes = (#items > 0 or fun.question) and items or nil, others
   end
   if result.items then
      result.record = command.record
      records.fields[command.record] = rows.fields(command)
      local printer = command.card and print_cards or print_table
      result.show = function(write, _, _, look)
         printer(write, command, result.items, look)
      end
   end
   return result
end

return show
