-- SPDX-License-Identifier: MIT
--- What the pages say of a room, in words.
local words = {}

--- A host's address as people say it.
function words.host(server)
   return (server:gsub("^%a[%w+.-]*://", ""))
end

--- Who sits there.
function words.user(station)
   return station.user_name and station.user_name ~= "" and station.user_name or "nobody"
end

--- How a session is: "locked", "open", "exempt", "away" (without a screen), "unknown".
function words.state(station)
   if (station.state or ""):lower():find("disconnected", 1, true) then
      return "away"
   elseif station.exempt then
      return "exempt"
   elseif station.locked == nil then
      return "unknown"
   end
   return station.locked and "locked" or "open"
end

words.LABELS = { locked = "Locked", open = "Open", exempt = "Not controlled", away = "Disconnected",
   unknown = "Lock unknown", off = "Not reached" }

--- Why a station shows no picture.
function words.missing(station)
   if station.exempt then
      return "not looked at"
   elseif station.error and station.error.code == "UNSUPPORTED" then
      return "this kind of host gives no pictures"
   elseif station.error then
      return station.error.message
   end
   return "no picture now"
end

local function count(number, one, many)
   return ("%d %s"):format(number, number == 1 and one or many)
end

--- The room in one line.
function words.sum(sheet)
   local locked = 0
   for _, station in ipairs(sheet.stations) do
      locked = locked + (words.state(station) == "locked" and 1 or 0)
   end
   local parts = { count(#sheet.stations, "session", "sessions"), ("%d locked"):format(locked) }
   if #sheet.off > 0 then
      parts[#parts + 1] = count(#sheet.off, "host", "hosts") .. " not reached"
   end
   return table.concat(parts, ", ")
end

return words
