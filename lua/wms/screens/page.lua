-- SPDX-License-Identifier: MIT
--- A room as one file of HTML, which needs nothing beside it and runs nothing.
local markup = require "wms.screens.markup"
local words = require "wms.screens.words"

local page = {}

local HEAD = [[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta name="viewport" content="width=device-width, initial-scale=1">
%s<title>%s</title>
<style>
%s</style>
</head>
<body>
<header>
<h1>%s</h1>
<p class="sum">%s</p>
<p class="when"><time datetime="%s">%s</time></p>
</header>
<main>
]]

local STATION = [[
<li class="station %s">
<div class="screen">%s</div>
<div class="who">
<span class="user"><bdi>%s</bdi></span>
<span class="host" title="%s"><bdi>%s</bdi></span>
<span class="mark">%s</span>
</div>
</li>
]]

local function image(station)
   if not station.picture then
      return ("<span>%s</span>"):format(markup.escape(words.missing(station)))
   end
   return ('<img src="data:image/jpeg;base64,%s" width="%d" height="%d" alt="Screen of %s on %s">'):format(
      markup.base64(station.picture), station.width, station.height, markup.escape(words.user(station)),
      markup.escape(words.host(station.server)))
end

local function station_of(station)
   local state = words.state(station)
   local place = ("%s, session %s"):format(words.host(station.server), tostring(station.session_id))
   return STATION:format(state, image(station), markup.escape(words.user(station)), markup.escape(station.server),
      markup.escape(place), words.LABELS[state])
end

local function off_of(host)
   return STATION:format("off", ("<span>%s</span>"):format(markup.escape(host.error.message)),
      markup.escape(words.host(host.server)), markup.escape(host.server), "no sessions known", words.LABELS.off)
end

--- The page of a sheet of wms.screens.take; `every`: seconds after which it loads itself again, or nil.
function page.sheet(sheet, every)
   local title = markup.escape(sheet.title)
   local refresh = every and ('<meta http-equiv="refresh" content="%g">\n'):format(math.max(1, every)) or ""
   local parts = { HEAD:format(refresh, title, require "wms.screens.style", title, words.sum(sheet),
      os.date("!%Y-%m-%dT%H:%M:%SZ", sheet.time), os.date("%Y-%m-%d %H:%M:%S", sheet.time)) }
   if #sheet.stations + #sheet.off == 0 then
      parts[#parts + 1] = '<p class="none">There are no sessions.</p>\n'
   else
      parts[#parts + 1] = '<ul class="room">\n'
      for _, station in ipairs(sheet.stations) do
         parts[#parts + 1] = station_of(station)
      end
      for _, host in ipairs(sheet.off) do
         parts[#parts + 1] = off_of(host)
      end
      parts[#parts + 1] = "</ul>\n"
   end
   parts[#parts + 1] = "</main>\n</body>\n</html>\n"
   return table.concat(parts)
end

return page
