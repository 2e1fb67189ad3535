-- SPDX-License-Identifier: MIT
--- How an agent keeps its own host as it is wished: a keeper (wms.keep) for as long as there is a wish.
---
--- Its time is counted by this machine's monotonic clock from what the agent has learnt by the servers' clocks, and is set
--- anew whenever the wish is told again: what this machine takes for the time of day does not matter.
local waiting = require "wms.loop.waiting"

local driver = waiting.driver

local Kept = {}
Kept.__index = Kept

local GRACE = 30 -- seconds for the end: its only host is near
local AGAIN = 10 -- seconds until a keeper that could not be begun is tried again

local LOCKED = { locked = true, unlocked = false }

--- What is to be kept with a file, a server, and `tell(report)`: a function for reports, see wms.agent.
function Kept.new(server, file, tell)
   local self = setmetatable({ server = server, file = file, tell = tell, is_first = true }, Kept)
   self.timer = waiting.timer(function() self:turn() end)
   return self
end

--- Lets it have a turn as soon as possible.
local function poke(self)
   self.poked = true
   self.timer:set(0)
end

-- ---- the keeper --------------------------------------------------------------------------------------------------------

local function failed(self, code, message)
   self.tell("wish", { revision = self.want and self.want.revision, error = { code = code, message = message } })
end

--- Begins a keeper with these options.  Returns it, or nil and the error; options that are wrong are one, too.
local function begin(self, options)
   local keeper
   options.file, options.grace = self.file, GRACE
   options.on_report = function(report) self.tell(report.kind, report) end
   local fine, made, message, err = pcall(waiting.keep, options, function()
      if keeper and self.keeper == keeper then
         self.keeper, self.holds = nil, nil
         poke(self)
      end
   end)
   if not fine then
      return nil, { code = "INVALID", message = tostring(made):match("%((.*)%)$") or tostring(made) }
   elseif not made then
      return nil, err or { code = "INTERNAL", message = message }
   end
   keeper = made
   self.keeper = keeper
   return keeper
end

--- Lets what another keeper has left in the file come to its end: what it has changed is put back.
local function end_former(self)
   local keeper, err = begin(self, {})
   if keeper then
      keeper:stop()
   end
   return keeper, err
end

local function begin_wished(self)
   local want = self.want
   local keeper, err = begin(self, { server = self.server, locked = want.locked, message = want.message,
      restore = want.restore })
   if not keeper and err.code == "BUSY" then -- the file keeps something else, or belongs to another process
      keeper = end_former(self)
   elseif keeper then
      self.holds = want
   end
   if keeper then
      self.complained = nil
   elseif self.complained ~= err.message then
      self.complained = err.message
      failed(self, err.code, err.message)
   end
   if not keeper and err.code ~= "INVALID" then
      self.again = driver:clock() + AGAIN
   end
end

--- Does what is due: begins, replaces or ends the keeper.
local function go_on(self)
   local is_first = self.is_first
   self.is_first = false
   if self.want and self.want.ends and self.want.ends <= driver:clock() then
      self.want = nil
      self.tell("wish", { over = true })
   end
   local want, holds = self.want, self.holds
   if self.keeper and holds and want and holds ~= want and holds.locked == want.locked then
      local keeper = self.keeper
      self.keeper = nil
      keeper:close() -- what it has changed is in the file, or stays as it is, which is as it is wished
      begin_wished(self)
   elseif self.keeper and holds ~= want then
      self.holds = nil
      self.keeper:stop() -- begin()'s function is called at its end
   elseif not self.keeper and want then
      begin_wished(self)
   elseif is_first and self.file then
      end_former(self) -- where there is nothing that is an error, and nothing else
   end
end

function Kept:turn()
   self.poked, self.again = false, nil
   go_on(self)
   local now = driver:clock()
   local at = self.want and self.want.ends or math.huge
   at = math.min(at, self.again or math.huge)
   if self.poked then
      self.timer:set(0)
   else
      self.timer:set(at < math.huge and math.max(0, at - now) or nil)
   end
end

-- ---- the wish ----------------------------------------------------------------------------------------------------------

--- What is wrong with a wish, or nil.
local function complaint(value)
   if value.unreadable then
      return value.unreadable
   elseif LOCKED[value.state] == nil then
      return ("it wants the state '%s', which this version does not keep"):format(tostring(value.state))
   elseif value.message == nil and (value.state == "locked" or value.restore) then
      return "it has no message, which the users see while they are locked"
   end
   return nil
end

--- Takes what the agent has learnt of its wish: see "wish", "wait" of nats:// hosts.
function Kept:take(value)
   local is_new = value.revision ~= self.revision
   self.revision = value.revision
   local wished = (value.state ~= nil or value.unreadable ~= nil) and not value.ended
   local why = wished and complaint(value)
   if wished and not why then
      local want = not is_new and self.want or { revision = value.revision, locked = LOCKED[value.state],
         message = value.message, restore = value.restore or false }
      want.ends = value.left and driver:clock() + value.left or nil
      if is_new or not self.want then
         self.tell("wish", { revision = value.revision, state = value.state, left = value.left, who = value.who })
      end
      self.want = want
   else
      if is_new and why then
         failed(self, "PROTOCOL", why)
      elseif self.want then
         self.tell("wish", { revision = value.revision, over = true })
      end
      self.want = nil
   end
   poke(self)
end

--- How it is kept now: a wish with `locked` and so on, or nil.
function Kept:wished()
   return self.want
end

--- Ends the keeper at once; what it keeps stays as it is, and in the file, for the next one.
function Kept:close()
   self.want, self.holds = nil, nil
   self.timer:set(nil)
   local keeper = self.keeper
   self.keeper = nil
   if keeper then
      keeper:close()
   end
end

return Kept
