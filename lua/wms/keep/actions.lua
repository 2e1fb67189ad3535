-- SPDX-License-Identifier: MIT
--- The commands that a keeper gives, and what becomes of them.
local Sessions = require "wms.keep.sessions"
local report = require "wms.keep.report"
local state = require "wms.keep.state"
local waiting = require "wms.loop.waiting"
local wms = require "wms"

local actions = {}

local driver = wms.driver()

-- What time does not mend: at the end it is not tried again.
-- What nobody mends: "never".  What somebody may mend: "later", by the keeper that goes on with the file.
local FINAL = { ACCESS_DENIED = "later", NOT_BOUND = "later", UNTRUSTED = "later", NO_PROVIDER = "later",
   PROTOCOL = "later", UNSUPPORTED = "never", NOT_FOUND = "never" }

--- Waits for a request; `finished(failure)` is called when it is done, or something has raised in it.
local function add(self, request, finished)
   self.requests[request] = true
   waiting.add(request, function(_, failure)
      self.requests[request] = nil
      finished(failure)
      request:close()
   end)
end

local function sessions_of(entries)
   local list = {}
   for i, entry in ipairs(entries) do
      list[i] = entry.session
   end
   return list
end

--- An action on one session is over; `number` is its own, and `why` it was done.
local function acted(self, entry, outcome, verb, number, why)
   local now = driver:clock()
   if entry.acting ~= number then
      self.sessions:overtaken()
      report.tell(self, "acted", report.about(entry, { verb = verb, outcome = outcome, error = outcome.error,
         reason = why }))
      state.poke(self)
      return
   end
   local restoring = entry.restoring
   entry.restoring = nil
   self.sessions:ended(entry, outcome, verb == "lock", now)
   report.tell(self, "acted", report.about(entry, { verb = verb, outcome = outcome, error = outcome.error,
      reason = restoring and "restore" or why }))
   if restoring then
      local final = outcome.error and FINAL[outcome.error.code]
      if not outcome.error then
         entry.changed = nil
         self.counts.restored = self.counts.restored + 1
      elseif final then
         entry.given_up = true
         entry.changed = final == "later" or nil
         if outcome.error.code ~= "NOT_FOUND" then
            self.not_restored[#self.not_restored + 1] = outcome
         end
      else
         entry.last = outcome
      end
   end
   state.poke(self)
end

--- It could not even begin, or nothing was told of it.
local function failed(self, entry, verb, number, state_of, code, message)
   acted(self, entry, { server = entry.session.server, session_id = entry.session.session_id, state = state_of,
      error = { code = code, message = message } }, verb, number, entry.why)
end

--- Starts one command for these sessions.
local function start(self, verb, entries, verify)
   local plan, by_key, numbers, reasons = self.plan, {}, {}, {}
   for _, entry in ipairs(entries) do
      by_key[entry.key], numbers[entry], reasons[entry] = entry, entry.acting, entry.why
   end
   local function told(outcome)
      local key = outcome.session_id ~= nil and Sessions.key(outcome)
      local entry = key and by_key[key]
      if entry then
         by_key[key] = nil
         acted(self, entry, outcome, verb, numbers[entry], reasons[entry])
      end
   end
   local function finished(failure)
      local why = failure and tostring(failure[1]) or "no outcome was told"
      self.failed = self.failed or failure
      for key, entry in pairs(by_key) do -- of which nothing was told
         by_key[key] = nil
         failed(self, entry, verb, numbers[entry], "unknown", "INTERNAL", why .. "; it may still be carried out")
      end
   end
   local request, message, err = wms.start(verb, { session_ids = sessions_of(entries), on_outcome = told, retries = 0,
      message = verb == "lock" and plan.message or nil, verify = verify, timeout = plan.timeout, deadline = false,
      concurrency = plan.concurrency })
   if request then
      add(self, request, finished)
      return
   end
   for _, entry in ipairs(entries) do
      failed(self, entry, verb, entry.acting, "failed", err.code, message)
   end
end

--- The same; when it raises, which lack of memory does, the sessions are not under way for ever.
local function try(self, verb, entries, verify)
   if #entries == 0 then
      return
   end
   local fine, problem = pcall(start, self, verb, entries, verify)
   for _, entry in ipairs(not fine and entries or {}) do
      if entry.acting then
         failed(self, entry, verb, entry.acting, "unknown", "INTERNAL",
            tostring(problem) .. "; it may still be carried out")
      end
   end
end

--- Acts on these sessions; those whose host does not tell how they are cannot be verified.
function actions.act(self, verb, entries, restoring)
   local now = driver:clock()
   local telling, silent, fresh = {}, {}, false
   for _, entry in ipairs(entries) do
      local list = entry.locked == nil and silent or telling
      list[#list + 1] = entry
      entry.why, entry.restoring = entry.reason, restoring
      fresh = self.sessions:begin(entry, not restoring and now or nil) or fresh
      self.counts.actions = self.counts.actions + 1
   end
   if fresh then
      state.save(self) -- before: whoever goes on after this process has to know
   end
   try(self, verb, telling, self.plan.verify)
   try(self, verb, silent, false)
end

--- Asks the hosts how these sessions are: the watch has not told what a command has done.
function actions.ask(self, entries)
   local by_key, asked = {}, {}
   for i, entry in ipairs(entries) do
      by_key[entry.key], asked[i] = entry, entry.seen
      entry.assumed = nil
   end
   local fine, request = pcall(wms.start, "sessions", { session_ids = sessions_of(entries), timeout = self.plan.timeout,
      deadline = false, concurrency = self.plan.concurrency })
   if not (fine and request) then
      for _, entry in ipairs(entries) do
         self.sessions:doubt(entry, driver:clock())
      end
      return
   end
   add(self, request, function(failure)
      self.failed = self.failed or failure
      local list, _, err
      if not failure then
         list, _, err = request:result()
      end
      for _, session in ipairs(list or err and err.sessions or {}) do
         local entry = by_key[Sessions.key(session)]
         if entry and entry.session.identity == session.identity and not entry.acting then
            for i = 1, #entries do
               if entries[i] == entry and asked[i] == entry.seen then
                  self.sessions:see(session, "changed")
               end
            end
         end
      end
      state.poke(self)
   end)
end

return actions
