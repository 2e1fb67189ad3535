-- SPDX-License-Identifier: MIT
--- The line on a terminal while hosts are waited for: how many are done, how many failed, which are missing.
local terminal = require "wms.cli.terminal"
local text = require "wms.cli.text"

local progress = {}
progress.__index = progress

local PAUSE = 0.2 -- seconds between two

--- A line for these servers; `warning`: the seconds for which users are warned first, or nil.
function progress.new(name, servers, warning)
   return setmetatable({ name = name, servers = servers, warning = warning, waited = 0, seen = {}, done = 0, failed = 0,
      drawn = PAUSE }, progress)
end

--- What the option `on_outcome` was told.
local function add(self, outcome, done, total)
   self.done, self.total = done, total
   self.seen[outcome.server] = true
   self.failed = self.failed + (outcome.error and 1 or 0)
end

--- The line, of so many columns.
function progress:line(width)
   local missing = {}
   for _, server in ipairs(self.servers) do
      if not self.seen[server] then
         missing[#missing + 1] = text.clean(server)
      end
   end
   local line = ("%s: %d%s done"):format(self.name, self.done, self.total and " of " .. self.total or "")
   if self.failed > 0 then
      line = ("%s, %d failed"):format(line, self.failed)
   end
   if self.warning and self.waited < self.warning then
      local left = math.ceil(self.warning - self.waited)
      return text.cut(("%s; users are warned, %d:%02d left"):format(line, math.floor(left / 60), left % 60), width)
   elseif #missing == 0 then
      return text.cut(line, width)
   end
   local rest, shown = #missing, ""
   for i, server in ipairs(missing) do
      local longer = shown .. (i > 1 and ", " or "; waiting for ") .. server
      local more = #missing > i and (" and %d more"):format(#missing - i) or ""
      if text.width(line .. longer .. more) > width then
         break
      end
      shown, rest = longer, #missing - i
   end
   if rest == #missing then
      return text.cut(("%s; waiting for %d"):format(line, rest), width)
   end
   return line .. shown .. (rest > 0 and (" and %d more"):format(rest) or "")
end

--- So many seconds have passed, `waited` in all, with these news.
function progress:tick(news, seconds, waited)
   self.waited = waited
   for _, item in ipairs(news) do
      add(self, item[1], item[2], item[3])
   end
   self.drawn = self.drawn + seconds
   if self.drawn < PAUSE then
      return
   end
   self.drawn = 0
   if terminal.is(2) and os.getenv("TERM") ~= "dumb" then
      self.shown = true
      io.stderr:write("\r", self:line(terminal.width() - 1), "\27[K")
      io.stderr:flush()
   end
end

--- Takes the line away.
function progress:clear()
   if self.shown then
      io.stderr:write("\r\27[K")
      io.stderr:flush()
      self.shown = false
   end
end

return progress
