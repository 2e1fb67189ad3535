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

--- Whether a sequence of UTF-8 is whole, shortest, and of a character that moves nothing on a screen (C1, the marks that
--- change the direction of writing, ends of lines).
local function is_printable(char)
   local first, second, third = char:byte(1, 3)
   local size = first >= 240 and 4 or first >= 224 and 3 or 2
   if first < 194 or first > 244 or #char ~= size then
      return false
   elseif first == 194 then
      return second >= 160
   elseif first == 216 then
      return second ~= 156 -- U+061C
   elseif first == 224 then
      return second >= 160
   elseif first == 237 then
      return second < 160
   elseif first == 226 and second == 128 then
      return not (third >= 142 and third <= 143 or third >= 168 and third <= 174) -- U+200E, U+200F, U+2028 to U+202E
   elseif first == 226 and second == 129 then
      return not (third >= 166 and third <= 169) -- U+2066 to U+2069
   elseif first == 240 then
      return second >= 144
   end
   return first ~= 244 or second < 144
end

--- The text as one line that does nothing to a terminal or a journal: hosts and their users choose names freely.
function report.line(text)
   text = text:gsub("[ \t]*[\r\n][ \t\r\n]*", " "):gsub("[%z\1-\31\127]", "?")
   text = text:gsub("[\128-\255][\128-\191]*", function(char)
      return not is_printable(char) and "?" or nil
   end)
   return text
end

--- Gives it its `message`, and returns it.
local function fill(told)
   told.message = report.line(TEXTS[told.kind](told))
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

--- Tells all that there is to tell.  Returns, in a table, the first error of on_report, `where` and the like.
function report.deliver(self)
   while self.reports[1] do
      local told = table.remove(self.reports, 1)
      if self.plan.on_report then
         local fine, problem = pcall(self.plan.on_report, told)
         if not fine then
            self.failed = self.failed or { problem }
         end
      end
   end
   local failed = self.failed
   self.failed = nil
   return failed
end

return report
