-- SPDX-License-Identifier: MIT
--- A watch, and all that it has told so far.
local kit = require "spec.support.kit"

local Watching = {}
Watching.__index = Watching

local kept = {}

--- Begins to watch; closed by watching.sweep().
function Watching.new(options)
   local self = setmetatable({ watch = assert(kit.wms.watch(options)), events = {}, read = 0 }, Watching)
   kept[#kept + 1] = self
   return self
end

function Watching.sweep()
   for i = #kept, 1, -1 do
      kept[i].watch:close()
      kept[i] = nil
   end
end

--- An event in short: "locked 3", "lost UNREACHABLE", "ready".
function Watching.short(event)
   local what = event.session and event.session.session_id or event.error and event.error.code
   return event.kind .. (what and " " .. tostring(what) or "")
end

function Watching:all(from)
   local list = {}
   for i = from or 1, #self.events do
      list[#list + 1] = Watching.short(self.events[i])
   end
   return list
end

--- Reads what has been told by now.
function Watching:rest()
   for event in function() return assert(self.watch):next(0) end do
      self.events[#self.events + 1] = event
   end
   return self
end

--- The next event behind those that were awaited before which in short begins with `what`; on the server, if one is given.
-- Fails after `seconds` (30).
function Watching:await(what, server, seconds)
   local limit = kit.now() + (seconds or 30)
   repeat
      while self.read < #self.events do
         self.read = self.read + 1
         local event = self.events[self.read]
         if Watching.short(event):sub(1, #what) == what and (not server or event.server == server) then
            return event
         end
      end
      self.events[#self.events + 1] = self.watch:next(1)
   until kit.now() > limit and self.read == #self.events
   error(("waited in vain for %q; there was: %s"):format(what, table.concat(self:all(), ", ")), 2)
end

--- Forgets what was told, and returns it in short.
function Watching:take()
   local list = self:rest():all()
   self.events, self.read = {}, 0
   return list
end

return Watching
