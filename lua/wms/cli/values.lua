-- SPDX-License-Identifier: MIT
--- Reads the values of options: each returns a value, or nil and what is to be given instead.
local values = {}

local UNITS = { s = 1, m = 60, h = 3600, d = 86400 }
local TIME = "a number of seconds, or a time such as 90s, 30m, 2h, 1h30m"

--- Seconds of a text such as "30", "0.5", "90s", "1h30m", or nil.
local function seconds(text)
   if text:find("^%d+%.?%d*$") or text:find("^%.%d+$") then
      return tonumber(text)
   end
   local sum, rest, last = 0, text, math.huge
   while rest ~= "" do
      local number, unit, tail = rest:match("^(%d+%.?%d*)([smhd])(.*)$")
      if not number or UNITS[unit] >= last then
         return nil
      end
      sum, rest, last = sum + tonumber(number) * UNITS[unit], tail, UNITS[unit]
   end
   return text ~= "" and sum or nil
end

-- Units as people write them.
local WRITTEN = { s = "s sec secs second seconds", m = "m min mins minute minutes", h = "h hr hrs hour hours",
   d = "d day days" }

--- What to give in place of a text that is no time.
local function as_time(text)
   local number, word = text:lower():match("^(%d+%.?%d*)%s*(%l+)$")
   for unit, words in pairs(WRITTEN) do
      if word and (" " .. words .. " "):find(" " .. word .. " ", 1, true) and tonumber(number) > 0 then
         return number .. unit
      end
   end
   return TIME
end

--- A whole number, as such where this Lua tells them apart.
local function whole(number)
   return math.tointeger and math.tointeger(number) or number
end

--- As few digits as it takes: 1800 and not 1800.0.
local function plain(number)
   return number % 1 == 0 and number < 1e9 and whole(number) or number
end

--- A time from which something can be waited for: above 0.
function values.time(text)
   local value = seconds(text)
   if not value or value <= 0 or value > 1e9 then
      return nil, ("'%s' is no time above 0; give %s"):format(text, as_time(text))
   end
   return plain(value)
end

--- A time that may be 0.
function values.wait(text)
   local value = seconds(text)
   if not value or value > 1e9 then
      return nil, ("'%s' is no time; give %s"):format(text, as_time(text))
   end
   return plain(value)
end

function values.count(text)
   local value = text:find("^%d+$") and #text <= 9 and tonumber(text)
   if not value then
      return nil, ("'%s' is no number; give a whole one"):format(text)
   end
   return whole(value)
end

--- A whole number above 0.
function values.positive(text)
   local value, why = values.count(text)
   if value == 0 then
      return nil, "'0' is too few; give a whole number from 1"
   end
   return value, why
end

--- A time of day such as "11:30", or a date with it, which becomes seconds since 1970.
function values.moment(text)
   local date, hour, minute = text:match("^(.-)(%d%d?):(%d%d)$")
   local year, month, day = (date or ""):match("^(%d%d%d%d)%-(%d%d)%-(%d%d)[ T]$")
   hour, minute = tonumber(hour), tonumber(minute)
   if hour and hour < 24 and minute < 60 and date == "" then
      return text
   elseif hour and hour < 24 and minute < 60 and year then
      local time = os.time{ year = tonumber(year), month = tonumber(month), day = tonumber(day), hour = hour, min = minute }
      if time and os.date("%Y-%m-%d", time) == date:sub(1, 10) then
         return whole(time)
      end
   end
   hour, minute = text:match("^(%d%d?)[.hH](%d%d)$")
   return nil, ("'%s' is no time of day; give one such as %s, or a date with it, such as '2026-12-01 11:30'"):format(text,
      hour and hour .. ":" .. minute or "11:30")
end

function values.descriptor(text)
   local value = text:find("^%d+$") and #text <= 9 and tonumber(text)
   if not value then
      return nil, ("'%s' is no file descriptor; give its number, such as 0 for the input"):format(text)
   end
   return whole(value)
end

--- NAME=VALUE of --where and --except: { name, value }; what they mean is up to wms.cli.choose.
function values.condition(text)
   local name, value = text:match("^([%w_-]+)=(.*)$")
   if not name or value == "" then
      local user = text:find("^[^%s=]+$") and text or "alice"
      return nil, ("'%s' is no condition; give one such as user=%s, locked=yes or idle=30m"):format(text, user)
   end
   return { name, value }
end

local LARGEST = 2 ^ 53 -- from there on a float of Lua does not hold each whole number
local NULL = {}

--- What is wrong with a value out of JSON that a Lua table cannot hold, or that would get there as another one.
local function lost(value)
   if value == NULL then
      return "null is lost in Lua; leave it out"
   elseif type(value) == "number" then
      if value ~= value or value >= LARGEST or value <= -LARGEST then
         return "a number beyond 9007199254740991 is not held exactly; give it as a text"
      end
   elseif type(value) == "table" then
      for _, item in pairs(value) do
         local why = lost(item)
         if why then
            return why
         end
      end
   end
   return nil
end

--- NAME=VALUE of `wms call`: { name, value }.
function values.argument(text)
   local name, value = text:match("^([%w_]+)=(.*)$")
   if not name then
      return nil, ("'%s' is no argument; give NAME=VALUE, such as idSession=3"):format(text)
   elseif value == "true" or value == "false" then
      return { name, value == "true" }
   elseif value:find("^%-?%d+$") and #value <= 15 then
      return { name, whole(tonumber(value)) }
   elseif value:find("^[%[{\"]") then
      local found, json = pcall(require, "dkjson")
      if not found then
         return nil, ("%s: to read JSON, give this Lua the library dkjson (Debian: lua-dkjson)"):format(name)
      end
      local decoded, _, why = json.decode(value, 1, NULL, nil, nil)
      if decoded == nil then
         return nil, ("%s: %s; give JSON, or a text without a bracket or a quote before it"):format(name, why or "null")
      end
      why = lost(decoded)
      if why then
         return nil, ("%s: %s"):format(name, why)
      end
      return { name, decoded }
   end
   return { name, value }
end

--- on or off.
function values.switch(text)
   if text ~= "on" and text ~= "off" then
      return nil, ("'%s' is neither; give on or off"):format(text)
   end
   return text == "on"
end

--- Names with commas between them; an empty text is none of them.
function values.names(text)
   local list = {}
   for name in text:gmatch("[^,]+") do
      list[#list + 1] = name:match("^%s*(.-)%s*$")
   end
   return list
end

-- What a policy may allow; src/nats/policy.c has the last word.
local ALLOWED = { sessions = true, lock = true, unlock = true, message = true, disconnect = true, close = true,
   thumbnail = true, reboot = true, power_off = true, ["*"] = true }

--- WHO=VERB,...: { who, { verb, … } }.
function values.allowance(text)
   local who, verbs = text:match("^([%w_-]+)=(.+)$")
   if not who then
      who, verbs = text:match("^(%*)=(.+)$")
   end
   local list = values.names(verbs or "")
   if #list == 0 then
      return nil, ("'%s' is no allowance; give WHO=VERB,... such as alice=sessions,lock,unlock"):format(text)
   end
   for _, verb in ipairs(list) do
      if not ALLOWED[verb] then
         return nil, ("'%s' is no verb; give some of sessions, lock, unlock, message, disconnect, close, thumbnail, "
            .. "reboot, power_off, or '*', which is all"):format(verb)
      end
   end
   return { who, list }
end

--- DOMAIN\USER, or USER: { user =, domain = }.
function values.account(text)
   local domain, user = text:match("^([^\\]*)\\(.*)$")
   user = user or text
   if user == "" or user:find("\\", 1, true) then
      return nil, ("'%s' is no account; give USER, or DOMAIN\\USER in quotes"):format(text)
   end
   return { user = user, domain = domain ~= "" and domain or nil }
end

local HOST_NAME_MAX = 64 -- letters: what a certificate can be made out to

--- NAME:PORT, or NAME:PORT@ADDRESS: { host_name =, port =, address = }.  Whatever is wrong is found before a password is
--- asked for.
function values.endpoint(text)
   local place, address = text:match("^([^@]*)@(.*)$")
   local name, port = (place or text):match("^([%w.-]+):(%d+)$")
   if not name or #name > HOST_NAME_MAX then
      return nil, ("'%s' is no place to listen; give this machine's name as the hosts reach it, and a port, such as "
         .. "console.school.example:8443"):format(text)
   elseif #port > 5 or tonumber(port) < 1 or tonumber(port) > 65535 then
      return nil, ("%s is no port; give a free one of this machine, 1 to 65535"):format(port)
   elseif address and not (address:find("^%d+%.%d+%.%d+%.%d+$") or address:find("^%x*:[%x:.]+$")) then
      return nil, ("'%s' behind the @ is no numeric address; give one of this machine's, such as 10.1.0.7, or leave it out")
         :format(address)
   end
   return { host_name = name, port = whole(tonumber(port)), address = address }
end

function values.text(text)
   return text
end

return values
