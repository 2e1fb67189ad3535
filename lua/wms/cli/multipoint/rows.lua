-- SPDX-License-Identifier: MIT
--- Completes the commands of wms.cli.nouns by the tables of wms.multipoint: arguments, options, what they act on.
local multipoint = require "wms.multipoint"

local rows = {}

local ENTRIES = {} -- the functions, by name
for _, entry in ipairs(multipoint.functions) do
   ENTRIES[entry.name] = entry
end

local MULTIPOINT = 3 -- the group of options

local SERVE = { "timeout", "deadline", "concurrency" }
local PRINT = { "json", "csv", "quiet" }

local function flag_of(field)
   return "--" .. field.name:gsub("_", "-")
end

--- What a table says for programs, for people.
local function plainly(text)
   return (text:gsub("^`{.-}`: ", ""):gsub("^true: ", ""):gsub("; false: .*$", ""):gsub("`", ""):gsub("^%l", string.upper))
end

local function lower(list)
   local words = {}
   for i, word in ipairs(list) do
      words[i] = word:lower()
   end
   return words
end

-- By the kind of a field: what an option that sets it is.  Words are `offered` as people write them; their case does not
-- count.
local MADE = {}

function MADE.boolean(option, field)
   if field.switch then
      option.value, option.kind, option.choices = "on|off", "switch", { "on", "off" }
   end
end

function MADE.word(option, field)
   option.value, option.offered = "WORD", lower(field.words.list)
end

function MADE.whole(option)
   option.value, option.kind = "N", "count"
end

function MADE.long(option)
   option.value = "N"
end

function MADE.names(option)
   option.value, option.kind = "NAME,...", "names"
end

function MADE.table(option)
   option.value, option.kind = "DOMAIN\\USER", "account"
   option.help = option.help .. ". Its password is asked for, or comes by --password-fd or --credential"
end

function MADE.text(option)
   option.value = "TEXT"
end
MADE.name = MADE.text

--- The option of that name in the table of commands, which has one for each way to set it.
local function put(options, name, option)
   local key = name
   local number = 1
   while options[key] and (options[key].help ~= option.help or options[key].flags ~= option.flags) do
      number = number + 1
      key = name .. number
   end
   options[key] = options[key] or option
   return key
end

--- The options for a field: itself, and where it may be switched off, that.
local function add_field(options, names, row, entry, field)
   local option = { flags = flag_of(field), option = field.name, group = MULTIPOINT, help = plainly(field.about),
      field = field }
   option.help = row.help and row.help[field.name] or option.help
   if field.secret then
      if entry.fun.again then
         option.help = "Ask for it, where neither --password-fd nor --credential gives it"
      else
         option.flags, option.option, option.without = "--no-" .. field.name, nil, true
         option.help = "Without a password. Else it is asked for, where neither --password-fd nor --credential gives it"
      end
      option.secret = true
   else
      MADE[field.kind](option, field)
   end
   if option.offered then
      option.help = ("%s: %s"):format(option.help, table.concat(option.offered, ", "))
   end
   option.help = option.help .. "."
   names[#names + 1] = put(options, "multipoint_" .. field.name, option)
   if field.off then
      names[#names + 1] = put(options, "multipoint_no_" .. field.name, {
         flags = "--no-" .. flag_of(field):sub(3), option = field.name, group = MULTIPOINT, off = true, field = field,
         help = row.help["no_" .. field.name] .. ".",
      })
   end
end

local IDS = {
   station = { name = "ids", value = "ID", args = "*", help = "Ids of stations, as 'wms stations' shows them." },
   session = { name = "ids", value = "ID", args = "*", help = "Ids of sessions, as 'wms list' shows them." },
}
IDS.either = IDS.station
local GROUPS = { name = "ids", value = "@GROUP", args = "*", help = "The same as -s @GROUP." }
local SERVERS = { name = "servers", value = "SERVER", args = "*", help = "The same as -s SERVER." }

--- What stands without a flag.
local function arguments_of(row, fun)
   local list = {}
   if row.place then
      for _, field in ipairs(fun.takes) do
         if field.name == row.place then
            list[1] = { name = row.place, value = row.place:upper(), args = 1, help = plainly(field.about) .. "." }
         end
      end
   end
   list[#list + 1] = fun.on and IDS[fun.on] or (row.place or row.actions) and GROUPS or SERVERS
   return list
end

local function has_secret(fun)
   for _, field in ipairs(fun.takes or {}) do
      if field.secret or field.kind == "table" then
         return true
      end
   end
   return false
end

local function add_all(names, list)
   for _, name in ipairs(list) do
      names[#names + 1] = name
   end
end

--- The ways to say which sessions or stations.
local function add_choice(names, options, row, fun)
   local all = fun.on and fun.all and ENTRIES[fun.name .. "_all"]
   if all or row.fun == "close_app" then
      local which = fun.on == "session" and "sessions that the host lets us control"
         or fun.on == "station" and "stations" or "stations, and all sessions that are at none"
      names[#names + 1] = put(options, "all", { flags = "-a --all", group = 1, help = ("All %s."):format(which) })
   end
   if fun.on == "either" then
      names[#names + 1] = put(options, "session", { flags = "--session", value = "ID", kind = "count", many = true,
         group = 1, help = "A session, in place of stations." })
   end
   if all and all.chooses then
      add_all(names, { "user", "where", "except" })
   end
end

local function options_of(options, row, entry)
   local fun, names = entry.fun, { "server" }
   add_choice(names, options, row, fun)
   for _, field in ipairs(fun.takes or {}) do
      local is_found = row.fun == "close_app" and (field.name == "window_id" or field.name == "create_time")
      if field.name ~= row.place and not is_found then
         add_field(options, names, row, entry, field)
      end
   end
   add_all(names, fun.question and {} or { "what_if", "on_error" })
   add_all(names, (fun.question or fun.again) and { "retries" } or {})
   add_all(names, SERVE)
   add_all(names, has_secret(fun) and { "password_fd", "credential" } or {})
   add_all(names, PRINT)
   add_all(names, row.ends and { "yes" } or {})
   return names
end

--- The flags that have to be given.
local function required_of(options, row, fun, names)
   local list = { "server" }
   local required = {}
   for _, field in ipairs(row.fun ~= "close_app" and fun.takes or {}) do
      required[field.name] = field.required and not field.off
   end
   for _, name in ipairs(names) do
      local field = options[name].field
      list[#list + 1] = field and required[field.name] and name or nil
   end
   return list
end

local TARGETS = { station = "stations", session = "sessions", either = "stations" }

--- Completes a row; `options` are those of the table of commands, which get those that the row needs; `words` are those
--- that stand behind its noun.  Beside what other commands have, the row has then:
---    entry     the function of wms.multipoint, as its list of functions has it
---    actions   the words behind it, or nil
---    noun      its first word
---    record    what JSON calls what it lists, or nil
function rows.fill(row, options, words)
   local entry = ENTRIES[row.fun]
   local fun = entry.fun
   row.entry, row.call = entry, row.fun
   row.actions = #words > 0 and words or nil
   row.target = TARGETS[fun.on] or "servers"
   row.listing = fun.on and (fun.lists or fun.ids_optional) or nil
   row.arguments = arguments_of(row, fun)
   row.options = options_of(options, row, entry)
   row.required = required_of(options, row, fun, row.options)
   row.words = { done = row.asked, asked = row.asked, plan = row.plan or row.asked and "would be " .. row.asked }
   row.noun = row.name:match("^%S+")
   row.item = row.item or fun.list and fun.list:gsub("s$", "") or nil
   row.record = fun.properties and (fun.gives or fun.list:gsub("s$", "")) or nil
   local password = fun.password == "management" and "It needs a binding with the password for management: 'wms bind "
      .. "--management'." or nil
   local more = fun.about:match("; (.*)$")
   more = more and not row.help and more:gsub("^%l", string.upper):gsub("`", "'") .. "." or nil
   row.about = (more or "") .. (more and password and " " or "") .. (password or "")
   row.about = row.about ~= "" and row.about or nil
end

--- The fields of what a command lists, for JSON and CSV.
function rows.fields(row)
   local fields = { "server" }
   add_all(fields, row.entry.fun.properties)
   return fields
end

rows.entries = ENTRIES

return rows
