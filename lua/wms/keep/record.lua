-- SPDX-License-Identifier: MIT
--- The text of a file that keeps what a keeper does, for the keeper that goes on after it.
--
-- A line is a word and its values, with one space between; the first line is `wms-keep 1`, the last one is `end`.  In a
-- value every byte that is no letter, digit or one of `.-_:/@[],~+=` is `%` and two hex digits; an empty value is `%`.
--
--    wms-keep 1
--    locked true                          what is kept
--    server memory://lab                  one line a server
--    message Exam%20until%20noon
--    where user_name s:alice s:bob        a property, and which values it may have: s, n, b and the value
--    except function                      it was a function, which has to be given again
--    ends 1764500000.25                   seconds since 1970
--    restore true
--    own true                             also the keeper's own session; no such line: without it
--    limit 30
--    grace 300
--    ending true                          it is over, and only what was changed has to be put back
--    changed memory://lab n:3 4711        server, id (n: a number, s: a text), identity: changed by the keeper
--    end
local record = {}

record.VERSION = 1

local function encode(text)
   text = tostring(text):gsub("[^%w%.%-_:/@%[%],~+=]", function(char)
      return ("%%%02X"):format(char:byte())
   end)
   return text == "" and "%" or text
end

local function decode(text)
   if text == "%" then
      return ""
   end
   return (text:gsub("%%(%x%x)", function(hex)
      return string.char(tonumber(hex, 16))
   end))
end

--- With a point, whatever the program's locale has (LC_NUMERIC).
local function number(value)
   if math.type and math.type(value) == "integer" then
      return ("%d"):format(value)
   end
   return (("%.17g"):format(value):gsub("[^%deE+%-]+", "."))
end

local function read_number(text)
   if not text:find("^%-?%d+%.?%d*e?[+-]?%d*$") then
      return nil
   end
   local value = tonumber(text)
   if not value then -- Lua 5.1 reads as the locale has it
      value = tonumber((text:gsub("%.", (("%.1f"):format(0.5):match("^0(.-)5$")))))
   end
   return value and value > -math.huge and value < math.huge and value or nil
end

--- A number within these bounds, which are those of wms.keep's options.
local function read_within(least, most, whole)
   return function(text)
      local value = read_number(text)
      return value and value >= least and value <= most and (not whole or value % 1 == 0) and value or nil
   end
end

--- A value with its type.
local function typed(value)
   local kind = type(value)
   return kind:sub(1, 1) .. ":" .. (kind == "number" and number(value) or encode(value))
end

local function untyped(text)
   local kind, value = text:match("^([snb]):(.+)$")
   if kind == "s" then
      return decode(value)
   elseif kind == "b" and (value == "true" or value == "false") then
      return value == "true"
   elseif kind == "n" then
      value = read_number(value)
      return value and math.floor(value) == value and math.tointeger and math.tointeger(value) or value
   end
   return nil
end

--- The lines of `where` or `except`.
local function choice_lines(word, choice, lines)
   if type(choice) == "function" then
      lines[#lines + 1] = word .. " function"
      return
   end
   local names = {}
   for name in pairs(choice or {}) do
      names[#names + 1] = name
   end
   table.sort(names, function(a, b)
      return tostring(a) < tostring(b)
   end)
   for _, name in ipairs(names) do
      local values = {}
      for _, value in ipairs(type(choice[name]) == "table" and choice[name] or { choice[name] }) do
         values[#values + 1] = typed(value)
      end
      lines[#lines + 1] = ("%s %s %s"):format(word, encode(name), table.concat(values, " "))
   end
end

--- The same as a text, so that two of them can be compared.
function record.choice_text(choice)
   local lines = {}
   choice_lines("choice", choice, lines)
   return table.concat(lines, "\n")
end

--- The text of a state: `{ locked =, servers =, message =, where =, except =, ends =, restore =, limit =, grace =,
--- ending =, own =, changed = { { server =, session_id =, identity = }, … } }`.
function record.write(state)
   local lines = { "wms-keep " .. record.VERSION, "locked " .. tostring(state.locked) }
   for _, server in ipairs(state.servers) do
      lines[#lines + 1] = "server " .. encode(server)
   end
   if state.message then
      lines[#lines + 1] = "message " .. encode(state.message)
   end
   choice_lines("where", state.where, lines)
   choice_lines("except", state.except, lines)
   if state.ends then
      lines[#lines + 1] = "ends " .. number(state.ends)
   end
   lines[#lines + 1] = "restore " .. tostring(state.restore)
   lines[#lines + 1] = "limit " .. number(state.limit)
   lines[#lines + 1] = "grace " .. number(state.grace)
   if state.own then
      lines[#lines + 1] = "own true"
   end
   if state.ending then
      lines[#lines + 1] = "ending true"
   end
   for _, session in ipairs(state.changed) do
      lines[#lines + 1] = ("changed %s %s %s"):format(encode(session.server), typed(session.session_id),
         encode(session.identity or ""))
   end
   lines[#lines + 1] = "end\n"
   return table.concat(lines, "\n")
end

---------------------------------------------------------------------------------------------------------------- reading

local function read_boolean(value)
   if value == "true" or value == "false" then
      return value == "true"
   end
   return nil
end

local function read_choice(word)
   return function(state, values)
      local name = table.remove(values, 1)
      if name == "function" and #values == 0 then
         state[word] = "function"
         return true
      end
      if not name or #values == 0 or state[word] == "function" then
         return false
      end
      local list = {}
      for i, value in ipairs(values) do
         list[i] = untyped(value)
         if list[i] == nil then
            return false
         end
      end
      state[word] = state[word] or {}
      state[word][decode(name)] = list
      return true
   end
end

local function read_one(word, read)
   return function(state, values)
      if #values ~= 1 or state[word] ~= nil then
         return false
      end
      state[word] = read(values[1])
      return state[word] ~= nil
   end
end

local READERS = {
   locked = read_one("locked", read_boolean),
   message = read_one("message", decode),
   where = read_choice("where"),
   except = read_choice("except"),
   ends = read_one("ends", read_within(0, 1e12)),
   restore = read_one("restore", read_boolean),
   limit = read_one("limit", read_within(1, 1000, true)),
   grace = read_one("grace", read_within(0, 1e9)),
   ending = read_one("ending", read_boolean),
   own = read_one("own", read_boolean),
   server = function(state, values)
      state.servers[#state.servers + 1] = values[1] and decode(values[1])
      return #values == 1
   end,
   changed = function(state, values)
      local id = #values == 3 and untyped(values[2])
      if type(id) ~= "number" and type(id) ~= "string" then
         return false
      end
      local identity = decode(values[3])
      state.changed[#state.changed + 1] = { server = decode(values[1]), session_id = id,
         identity = identity ~= "" and identity or nil }
      return true
   end,
}

--- What a text says; or nil, and what is wrong with it.
function record.read(text)
   local version = text:match("^wms%-keep (%d+)\n")
   if not version then
      return nil, "it is no state of wms.keep"
   elseif tonumber(version) ~= record.VERSION then
      return nil, ("it is of another version (%s; this one reads %d)"):format(version, record.VERSION)
   end
   local state, count, ended = { servers = {}, changed = {} }, 0, false
   for line in text:gmatch("([^\n]*)\n") do
      count = count + 1
      local word, rest = line:match("^(%l+)(.*)$")
      local values = {}
      for value in (rest or ""):gmatch(" ([^ ]+)") do
         values[#values + 1] = value
      end
      if ended then
         return nil, ("line %d: it goes on behind its end"):format(count)
      elseif line == "end" then
         ended = true
      elseif count > 1 and not (READERS[word] and READERS[word](state, values)) then
         return nil, ("line %d is wrong"):format(count)
      end
   end
   local whole = state.locked ~= nil and #state.servers > 0 and state.restore ~= nil and state.limit and state.grace
   if not ended or not whole then
      return nil, "it is not whole"
   end
   return state
end

return record
