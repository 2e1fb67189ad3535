-- SPDX-License-Identifier: MIT
--- What a keeper tells on_report: tables, each with one line for a person.
local wms = require "wms"

local report = {}

local driver = wms.driver()

local function who(told)
   local id = told.session_id ~= nil and (", session %s"):format(tostring(told.session_id)) or ""
   local user = told.user_name and (" (%s)"):format(told.user_name) or ""
   return (told.server or "") .. id .. user
end

local DONE = { lock = "locked", unlock = "unlocked" }

local function code_of(told)
   return told.error and told.error.message or "?"
end

local function sessions(count)
   return count == 1 and "1 session" or count .. " sessions"
end

local TEXTS = {
   resumed = function(told)
      return ("goes on from %s: %s changed so far%s"):format(told.file, sessions(told.changed),
         told.over and "; its time is over" or "")
   end,
   ready = function(told) return told.server .. ": is watched" end,
   back = function(told) return told.server .. ": is back" end,
   lost = function(told) return ("%s: is lost: %s"):format(told.server, code_of(told)) end,
   acted = function(told)
      local outcome = told.outcome
      if outcome.error then
         return ("%s: not %s: %s"):format(who(told), DONE[told.verb], outcome.error.message)
      end
      return ("%s: %s%s"):format(who(told), DONE[told.verb], told.reason == "restore" and " again, as it was" or "")
   end,
   unwatched = function(told)
      return ("nothing is watched: %s; begun anew in %.0f s"):format(code_of(told), told.pause)
   end,
   fight = function(told)
      return ("%s: somebody else changes it again and again: %d actions in a minute; the next in %.0f s"):format(who(told),
         told.actions, told.pause)
   end,
   file = function(told) return "the file of the state: " .. code_of(told) end,
   waiting = function(told)
      return ("%s: is not there at the end; waited for, at most %.0f s"):format(told.server, told.pause)
   end,
   left = function(told) return who(told) .. ": is not as the keeper had left it; left alone" end,
   ended = function(told)
      local parts = { ("ended (%s): %d actions"):format(told.reason, told.actions) }
      if told.restored > 0 or told.not_restored > 0 then
         parts[#parts + 1] = ("%s put back"):format(sessions(told.restored))
      end
      if told.not_restored > 0 then
         parts[#parts + 1] = ("%d not"):format(told.not_restored)
         parts[#parts] = parts[#parts] .. (told.file and ("; start it again to go on from " .. told.file) or "")
      end
      return table.concat(parts, ", ")
   end,
}

--- Gives it its `message`, and returns it.
local function fill(told)
   told.message = TEXTS[told.kind](told):gsub("%s*\n%s*", " ")
   return told
end

--- Something that on_report is to be told.
function report.tell(self, kind, fields)
   local _, time = driver:clock()
   fields.kind, fields.time = kind, time
   self.reports[#self.reports + 1] = fill(fields)
end

--- Adds which session it is about; returns the fields.
function report.about(entry, fields)
   local session = entry.session
   fields.server, fields.session_id, fields.user_name = session.server, session.session_id, session.user_name
   return fields
end

--- Tells what there is to tell; raises what on_report raises, and what `where` has raised.
function report.deliver(self)
   while self.reports[1] do
      local told = table.remove(self.reports, 1)
      if self.plan.on_report then
         self.plan.on_report(told)
      end
   end
   local failed = self.failed
   if failed then
      self.failed = nil
      error(failed[1], 0)
   end
end

return report
