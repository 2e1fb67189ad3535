-- SPDX-License-Identifier: MIT
--- A made-up room: three hosts inside this program, which are as new each time.
local wms = require "wms"

local demo = {}

demo.ROOM = "memory://lab[01-03]"

--- Who sits there: { id, user, whether it is locked, minutes since he has done something }.
local SEATS = {
   lab01 = { { 1, "teacher", false, 2 }, { 2, "alice", true, 5 }, { 3, "bob", false, 0 } },
   lab02 = { { 1, "carol", false, 40 }, { 2, "dave", false, 1 } },
   lab03 = { { 1, "erin", true, 90 }, { 2, "frank", false, 0 }, { 3, "grace", false, 12 } },
}

--- What happens there while somebody watches, again and again: { host, what, session, text }.
local LIFE = {
   { "lab01", "lock", 3, "Back soon" }, { "lab02", "open", { session_id = 3, user_name = "heidi" } },
   { "lab01", "unlock", 3 }, { "lab03", "unlock", 1 }, { "lab02", "drop", 3 }, { "lab03", "lock", 1, "Gone for lunch" },
}
local PAUSE = 1 -- seconds

local hosts = {}

--- Makes the hosts, the group @room1, cards that no packet is sent to, and a place for bindings that is forgotten.
function demo.open()
   local kept = {}
   local now = os.time()
   local cards = {}
   for name, seats in pairs(SEATS) do
      local sessions = {}
      for i, seat in ipairs(seats) do
         sessions[i] = {
            session_id = seat[1], user_name = seat[2], locked = seat[3], state = "ConnectedToStation", station_id = seat[1],
            is_admin = seat[2] == "teacher", computer_name = name, idle_since = now - 60 * seat[4], logon_time = now - 7200,
         }
      end
      hosts[name] = wms.memory(name, { sessions = sessions })
      cards["memory://" .. name] = { mac = "00:00:5e:00:53:0" .. name:sub(-1), network = "127.0.0.1" }
   end
   wms.configure{
      groups = { room1 = demo.ROOM }, wake = cards,
      store = {
         load = function(server) return kept[server] end, save = function(server, binding) kept[server] = binding end,
         remove = function(server) kept[server] = nil end, list = function() return {} end,
      },
   }
end

--- Lets something happen in the room, by the loop.
function demo.liven()
   local number, timer = 0, nil
   timer = require("wms.loop.waiting").timer(function()
      number = number % #LIFE + 1
      local host, what, session, text = (table.unpack or unpack)(LIFE[number]) -- luacheck: ignore 113 143
      hosts[host][what](hosts[host], session, text)
      timer:set(PAUSE)
   end)
   timer:set(PAUSE)
end

local function in_room(address)
   address = address == "localhost" and "lab01" or address
   return address:find("^memory://") and address or "memory://" .. address:gsub("^%a[%w+.-]*://", "")
end

--- Calls in_room with each address of a text that joins some of them.
local function all_in_room(item)
   local depth, parts, name = 0, {}, ""
   local function add()
      parts[#parts + 1] = (name == "" or name:find("^@")) and name or in_room(name)
      name = ""
   end
   for letter in item:gmatch(".") do
      depth = depth + (letter == "[" and 1 or letter == "]" and -1 or 0)
      if depth == 0 and letter:find("[,!&^]") then
         add()
         parts[#parts + 1] = letter
      else
         name = name .. letter
      end
   end
   add()
   return table.concat(parts)
end

--- What was given as servers, in the room: nothing outside of it is ever asked.
function demo.servers(given)
   if #given == 0 then
      return { "@room1" }
   end
   local wanted = {}
   for i, item in ipairs(given) do
      wanted[i] = all_in_room(item)
   end
   for _, address in ipairs(wms.servers(wanted)) do
      assert(address:find("^memory://"), address)
   end
   return wanted
end

return demo
