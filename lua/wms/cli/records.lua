-- SPDX-License-Identifier: MIT
--- What --json and --csv print: records with fields that do not change; new ones come at the end.
local text = require "wms.cli.text"

local records = {}

--- The fields of each kind of record, in their order.  Those in `only_json` have no place in a table.
records.fields = {
   session = { "server", "session_id", "user_name", "domain_name", "state", "locked", "idle_since", "logon_time", "seat",
      "type", "class", "remote_host", "client_name", "computer_name", "station_id", "win_station", "is_orchestratable",
      "is_admin", "is_mog_user", "is_standard", "is_rail", "is_web_limited", "is_private", "is_broadcasting", "is_own",
      "identity", "spared" },
   outcome = { "server", "session_id", "user_name", "state", "changed", "code", "message", "note", "fingerprint",
      "thumbprint", "station_id" },
   host = { "server", "groups" },
   binding = { "server", "user_name", "port", "fingerprint", "management", "code", "message", "events",
      "events_expires", "key_name", "key_file", "gateway" },
   event = { "time", "kind", "server", "session_id", "user_name", "initial", "code", "message", "dropped" },
   report = { "time", "kind", "server", "session_id", "user_name", "verb", "reason", "state", "changed", "code", "message",
      "pause", "actions", "restored", "left", "not_restored", "over", "file" },
   room = { "server", "wished", "ends", "who", "text", "restore", "revision", "sessions", "locked", "unknown", "exempt",
      "as_wished", "offline", "code", "message" },
   sum = { "command", "count", "failed", "unknown", "skipped", "not_found", "exempt", "interrupted",
      "exit" },
}

-- An event has its session's fields, too.
for _, field in ipairs(records.fields.session) do
   if field ~= "server" and field ~= "session_id" and field ~= "user_name" then
      table.insert(records.fields.event, field)
   end
end

--- 1795991722.0 is a whole number of seconds; what is too long for the numbers of JSON's readers is its digits.
local function plain(value)
   if type(value) == "number" and value % 1 == 0 and math.abs(value) > 2 ^ 53 then
      return ("%.0f"):format(value)
   elseif type(value) == "number" and value % 1 == 0 and math.tointeger then
      return math.tointeger(value) or value
   end
   return value
end

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(bytes)
   local parts = {}
   for at = 1, #bytes, 3 do
      local a, b, c = bytes:byte(at, at + 2)
      local number = a * 65536 + (b or 0) * 256 + (c or 0)
      local four = ""
      for place = 3, 0, -1 do
         local index = math.floor(number / 64 ^ place) % 64 + 1
         four = four .. LETTERS:sub(index, index)
      end
      parts[#parts + 1] = c and four or b and four:sub(1, 3) .. "=" or four:sub(1, 2) .. "=="
   end
   return table.concat(parts)
end

--- What JSON can say of a value: bytes that are no text are { base64 = }.
local function sayable(value)
   if type(value) == "table" then
      local copy = {}
      for key, item in pairs(value) do
         copy[type(key) == "string" and text.as_utf8(key) or key] = sayable(item)
      end
      return copy
   elseif type(value) == "string" and not text.is_utf8(value) then
      return { base64 = base64(value) }
   end
   return plain(value)
end

--- A record of that kind with the fields of a table.
function records.of(kind, item)
   local record = { type_of_record = kind }
   for _, field in ipairs(records.fields[kind]) do
      record[field] = plain(item[field])
   end
   if item.error then
      record.code, record.message = item.error.code, item.error.message
   end
   if kind == "outcome" and type(item.value) == "table" then
      record.fingerprint, record.thumbprint = item.value.fingerprint, item.value.thumbprint
      record.value = sayable(item.value)
   end
   return record
end

--- The record of an event of a watch.
function records.of_event(event)
   local item = {}
   for field, value in pairs(event.session or {}) do
      item[field] = value
   end
   for _, field in ipairs{ "time", "kind", "server", "initial", "error", "dropped" } do
      item[field] = event[field]
   end
   return records.of("event", item)
end

--- The record of a report of a keeper.  Its message is the line for people, which has the error's.
function records.of_report(report)
   local outcome = report.outcome or {}
   local record = records.of("report", report)
   record.message, record.state = report.message, outcome.state
   if outcome.changed ~= nil then
      record.changed = outcome.changed
   end
   return record
end

--- A line of JSON: an object with `record` (the kind), and the fields that are known.
function records.json_line(record)
   local keys, object = { "record" }, { record = record.type_of_record }
   for _, field in ipairs(records.fields[record.type_of_record]) do
      local value = record[field]
      keys[#keys + 1], object[field] = field, type(value) == "string" and text.as_utf8(value) or value
   end
   keys[#keys + 1], object.value = "value", record.value
   return require("dkjson").encode(object, { keyorder = keys })
end

--- What a host says is a text for whoever opens the file: a terminal, or a program that computes what begins like a
--- formula.
local function csv_cell(value)
   if value == nil then
      return ""
   elseif type(value) == "table" then
      value = table.concat(value, " ")
   end
   if type(value) == "string" then
      value = (value:find("^[=+@\t\r-]") and "'" or "") .. text.clean(value)
   end
   value = tostring(value)
   return value:find('[",\r\n]') and '"' .. value:gsub('"', '""') .. '"' or value
end

--- A line of CSV; `record` is nil for the header.
function records.csv_line(kind, record)
   if not record then
      return table.concat(records.fields[kind], ",")
   end
   local cells = {}
   for i, field in ipairs(records.fields[kind]) do
      cells[i] = csv_cell(record[field])
   end
   return table.concat(cells, ",")
end

--- Prints records as JSON, an object a line.
function records.print_json(write, list)
   for _, record in ipairs(list) do
      write(records.json_line(record), "\n")
   end
end

--- Prints those of one kind as CSV.
function records.print_csv(write, kind, list)
   write(records.csv_line(kind), "\n")
   for _, record in ipairs(list) do
      if record.type_of_record == kind then
         write(records.csv_line(kind, record), "\n")
      end
   end
end

return records
