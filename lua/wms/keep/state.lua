-- SPDX-License-Identifier: MIT
--- How long a keeper goes on, and what it leaves in its file for the one that comes after it.
local report = require "wms.keep.report"
local wms = require "wms"

local state = {}

local driver = wms.driver()

local REST = 2 -- times as long as writing has taken: until then what happens is gathered, and written at once
local FILE_PAUSE = 10 -- seconds until a file that could not be written is tried again

--- Seconds until the end of the time; nil: there is none.
function state.seconds_left(self)
   local now, time = driver:clock()
   return self.ends and self.ends - time or self.ends_up and self.ends_up - now or nil
end

--- Lets the keeper have a turn as soon as possible, or another one if it has one now.
function state.poke(self)
   if self.busy then
      self.poked = true
   else
      self.timer:set(0)
   end
end

--- Keeps the state in the file.  A file that cannot be written is told once, and tried again.
function state.save(self)
   if not self.file then
      return true
   end
   local now, time = driver:clock()
   if self.file_due and now < self.file_due then
      return true
   end
   local plan, left = self.plan, state.seconds_left(self)
   local fine, message, err = self.file:write{
      locked = plan.locked, servers = plan.servers, message = plan.message, where = plan.where, except = plan.except,
      ends = self.ends or left and math.floor((time + left) * 10 + 0.5) / 10, restore = plan.restore,
      own = plan.own, limit = plan.limit, grace = plan.grace, ending = self.ending and true or nil,
      changed = plan.restore and self.sessions:changed() or {},
   }
   self.file_due = not fine and now + FILE_PAUSE or nil
   local after = driver:clock()
   self.rest_until = after + REST * (after - now)
   if not fine and self.file_code ~= err.code then
      report.tell(self, "file", { error = { code = err.code, message = message }, file = self.file.path })
   end
   self.file_code = not fine and err.code or nil
   return fine, message, err
end

return state
