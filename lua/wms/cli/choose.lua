-- SPDX-License-Identifier: MIT
--- What --where, --except and --user mean: the source of a value for the options `where` and `except` of the module.
local literal = require "wms.cli.literal"
local near = require "wms.cli.near"
local values = require "wms.cli.values"

local choose = {}

local KINDS = {
   session_id = "id", station_id = "number", idle = "time", locked = "boolean",
   state = "text", user_name = "text", domain_name = "text", computer_name = "text", client_name = "text", seat = "text",
   type = "text", class = "text", remote_host = "text", win_station = "text",
   is_orchestratable = "boolean", is_admin = "boolean", is_mog_user = "boolean", is_standard = "boolean",
   is_rail = "boolean", is_web_limited = "boolean", is_private = "boolean", is_broadcasting = "boolean",
   is_own = "boolean",
}
local NAMES = "user, locked, state, seat, idle, id, type, class, domain, client, computer, station, admin or another "
   .. "property of a session"
local BOOLEANS = { yes = true, ["true"] = true, no = false, ["false"] = false }

-- What completions offer, in this order.
local OFFERED = { "user", "locked", "state", "seat", "idle", "id", "type", "class", "domain", "client", "computer",
   "station", "admin", "own", "private", "broadcasting", "remote" }

--- A property by what a person calls it: user, user_name, is-admin, admin.
local function property(name)
   name = name:lower():gsub("-", "_")
   for _, form in ipairs{ "%s", "%s_name", "is_%s", "%s_id", "session_%s", "%s_host" } do
      local full = form:format(name)
      if KINDS[full] then
         return full
      end
   end
   return nil
end

local readers = {}

function readers.text(text)
   return text
end

function readers.number(text)
   return values.count(text)
end

--- An id in digits is a number, as everywhere.
function readers.id(text)
   local number = (text == "0" or text:find("^[1-9]%d*$")) and #text <= 10 and tonumber(text)
   return number and (math.tointeger and math.tointeger(number) or number) or text
end

function readers.boolean(text)
   if BOOLEANS[text] == nil then
      return nil, ("'%s' is neither; give yes or no"):format(text)
   end
   return BOOLEANS[text]
end

function readers.time(text)
   return values.time(text)
end

--- Conditions by property: { { name =, kind =, values = {…} }, … }, or nil and what is wrong.
local function gather(conditions)
   local list, by_name = {}, {}
   for _, condition in ipairs(conditions) do
      local name = property(condition[1])
      if not name then
         return nil, ("%s: no such property; give %s"):format(condition[1], NAMES)
      end
      local entry = by_name[name]
      if not entry then
         entry = { name = name, kind = KINDS[name], values = {} }
         by_name[name], list[#list + 1] = entry, entry
      end
      for text in (condition[2] .. ","):gmatch("(.-),") do
         local value, why = readers[entry.kind](text)
         if value == nil then
            return nil, ("%s: %s"):format(condition[1], why)
         end
         entry.values[#entry.values + 1] = value
      end
      if entry.kind == "time" and #entry.values > 1 then
         return nil, ("%s: two times; give one"):format(condition[1])
      end
   end
   return list
end

--- Whether a session is as one entry of `gather` says.
local function matches(entry, session)
   local value = session[entry.name]
   if entry.kind == "time" then
      return session.idle_since ~= nil and os.time() - session.idle_since >= entry.values[1]
   end
   for _, wanted in ipairs(entry.values) do
      if value ~= nil and tostring(value) == tostring(wanted) then -- ids may be numbers, or digits
         return true
      end
   end
   return false
end

--- Whether a session is as one condition says, as an expression.
local function test(entry)
   if entry.kind == "time" then
      return ("session.idle_since and os.time() - session.idle_since >= %s"):format(literal.of(entry.values[1]))
   end
   local parts = {}
   for i, value in ipairs(entry.values) do
      parts[i] = ("session.%s == %s"):format(entry.name, literal.of(value))
   end
   return table.concat(parts, " or ")
end

local function fun(list, word)
   local parts = {}
   for i, entry in ipairs(list) do
      parts[i] = #list > 1 and "(" .. test(entry) .. ")" or test(entry)
   end
   return "function(session) return " .. table.concat(parts, word) .. " end"
end

local function by_properties(list)
   local wanted = {}
   for _, entry in ipairs(list) do
      wanted[entry.name] = #entry.values > 1 and entry.values or entry.values[1]
   end
   return literal.of(wanted)
end

local function has_time(list)
   for _, entry in ipairs(list) do
      if entry.kind == "time" then
         return true
      end
   end
   return false
end

--- Tells whether a session is meant by conditions that are known to be right: for `is_where` all of them hold, else any.
function choose.matcher(conditions, is_where)
   local list = gather(conditions)
   return function(session)
      for _, entry in ipairs(list) do
         if matches(entry, session) ~= is_where then
            return not is_where
         end
      end
      return is_where
   end
end

--- A counter for each value of a condition.
local function add_counters(list, condition)
   for word in (condition[2] .. ","):gmatch("(.-),") do
      list[#list + 1] = {
         flag = condition.option == "user" and "--user " .. word
            or ("--%s %s=%s"):format(condition.option, condition[1], word),
         is_user = condition.option == "user", entry = gather({ { condition[1], word } })[1], count = 0, exempt = 0,
      }
   end
end

--- Keeps the value of a session that is nearly the wanted one; one that differs in the case of letters alone is nearest.
local function look_near(counter, session)
   local value, wanted = session[counter.entry.name], counter.entry.values[1]
   if counter.entry.kind ~= "text" or value == nil then
      return
   elseif value:lower() == wanted:lower() then
      counter.near, counter.differs_in_case = value, true
   elseif not counter.near and near.is(value, wanted) then
      counter.near = value
   end
end

--- Counts the sessions that each value of such conditions meets.  Returns counters, and a function that is told of a
--- session and whether it is exempt.  A counter:
---    flag      what was given: --where user=alice
---    is_user   by --user
---    count     how many sessions meet it that are not exempt; `exempt`: how many of the others
---    near      a value that is nearly the wanted one, or nil; `differs_in_case`: in the case of letters alone
function choose.counters(conditions)
   local list = {}
   for _, condition in ipairs(conditions) do
      add_counters(list, condition)
   end
   return list, function(session, is_exempt)
      for _, counter in ipairs(list) do
         if not matches(counter.entry, session) then
            look_near(counter, session)
         elseif is_exempt then
            counter.exempt = counter.exempt + 1
         else
            counter.count = counter.count + 1
         end
      end
   end
end

--- What a person may name: { name =, kind = }.
function choose.names()
   local list = {}
   for i, name in ipairs(OFFERED) do
      list[i] = { name = name, kind = KINDS[property(name)] }
   end
   return list
end

--- For `where`: all of the conditions hold; those on the same property, any.  Returns the source, and whether idle times
--- are needed; or nil and what is wrong.
function choose.where(conditions)
   local list, why = gather(conditions)
   if not list then
      return nil, why
   end
   local timed = has_time(list)
   return literal.source(timed and fun(list, " and ") or by_properties(list)), timed
end

--- For `except`: any of them holds.
function choose.except(conditions)
   local list, why = gather(conditions)
   if not list then
      return nil, why
   end
   local timed = has_time(list)
   return literal.source((timed or #list > 1) and fun(list, " or ") or by_properties(list)), timed
end

return choose
