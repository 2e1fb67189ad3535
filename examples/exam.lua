-- SPDX-License-Identifier: MIT
--- Locks rooms at a time, and unlocks them after so many minutes, whatever happens in between.
--
--    lua examples/exam.lua SERVER[,SERVER...] TIME MINUTES [MESSAGE]
--
--    SERVER    a host's address, such as localhost or logind:///run/dbus/system_bus_socket
--    TIME      when to lock: HH:MM, tomorrow's if it has gone by today, or "now"
--    MINUTES   after how many minutes to unlock: 0.5 are 30 seconds, 0 does not lock at all
--    MESSAGE   what the users read meanwhile, where the host can show it
--
--    lua examples/exam.lua localhost 10:00 90 "Exam until half past eleven"
--    lua examples/exam.lua localhost now 0        only unlocks: for after a power cut
--
-- Without arguments: a room inside this program, and seconds instead of minutes.
--
-- What cannot be locked is told, and the exam goes on.  What cannot be unlocked, for example because a host is away, is
-- tried again until it is unlocked.  Ctrl-C unlocks at once; a second Ctrl-C ends the program, and so does anything else
-- that ends it from outside, such as kill: then the rooms may stay locked.
-- Exit code: 0 when all was locked and unlocked as planned, 1 when it was not, 2 for wrong arguments.
local wms = require "wms"

local LOCKED_AFTER, UNLOCKED_AFTER = 5, 3 -- seconds for the screens to go dark, and to come back
local WATCH = 2 -- seconds that they have to stay unlocked
local PAUSE = 5 -- seconds between two tries to unlock

--- Lua cannot sleep.  So this waits for a host that takes its time, in short turns: between them Lua notices Ctrl-C, and
-- raises an error.
wms.memory("clock", { latency = 1e9 })
local clock = wms.start("sessions", { server = "memory://clock", timeout = 1e9 })

local function sleep_until(time)
   while os.time() < time do
      clock:wait(0.2)
   end
end

local function say(format, ...)
   print(os.date("%H:%M:%S  ") .. format:format(...))
   io.stdout:flush()
end

--- An error without the place where it was raised.
local function plain(problem)
   return (tostring(problem):gsub("^[^ ]+:%d+: ", ""))
end

--- Says how a command went; returns the servers where not all of it went well.
local function report(what, list, message, err)
   local failed, seen, count = {}, {}, 0
   if not list and #err.outcomes == 0 then
      error(message, 0) -- it did not even begin
   end
   for _, outcome in ipairs(list or err.outcomes) do
      local server, id = outcome.server, outcome.session_id
      if outcome.error then
         say("not %s: %s%s: %s", what, server, id and ", session " .. id or "", outcome.error.message)
         failed[#failed + 1] = not seen[server] and server or nil
         seen[server] = true
      else
         count = count + 1
      end
   end
   say("%s: %d session%s", what, count, count == 1 and "" or "s")
   return failed
end

--- Unlocks until everything is unlocked; `before` is called with the number of each try.
local function unlock(servers, before)
   local tries, left = 0, servers
   local function try()
      if tries > 0 then
         say("trying again in %g s", PAUSE)
         sleep_until(os.time() + PAUSE)
      end
      tries = tries + 1
      before(tries)
      left = report("unlocked", wms.unlock_all{
         server = left, timeout = 10, verify = UNLOCKED_AFTER, stable = WATCH,
      })
   end
   repeat
      local ok, problem = pcall(try) -- nothing that is raised in there may end the program
      if not ok then
         say("not unlocked: %s", plain(problem))
      end
   until ok and #left == 0
end

local function hold_exam(plan)
   local begun, well = false, true
   local ended, problem = pcall(function()
      sleep_until(plan.start)
      begun = true
      if plan.length > 0 then
         well = #report("locked", wms.lock_all{
            server = plan.servers, message = plan.message, timeout = 10, verify = LOCKED_AFTER,
         }) == 0
         sleep_until(plan.start + plan.length)
      end
   end)
   if not ended then
      say("stopped: %s", plain(problem))
   end
   if begun then
      unlock(plan.servers, plan.before)
   end
   return ended and well
end

-- ---- what is asked for --------------------------------------------------------------------------------------------

local function usage(problem)
   io.stderr:write(problem, "\nusage: exam.lua SERVER[,SERVER...] HH:MM|now MINUTES [MESSAGE]\n")
   os.exit(2, true)
end

local function time_of(text)
   local hour, minute = text:match("^(%d%d?):(%d%d)$")
   if text == "now" then
      return os.time()
   elseif not hour or tonumber(hour) > 23 or tonumber(minute) > 59 then
      usage(("no time: %s"):format(text))
   end
   local at = os.date("*t")
   at.hour, at.min, at.sec, at.isdst = tonumber(hour), tonumber(minute), 0, nil
   if os.time(at) < os.time() then
      at.day = at.day + 1
   end
   return os.time(at)
end

--- Looks now whether the servers are there: a mistyped name should not come to light when the exam begins.  One that does
--- not answer delays nothing.
local function check(servers, start)
   local called, request = pcall(wms.start, "sessions", { server = servers, timeout = 10 })
   if not called then
      usage(request)
   elseif not request:wait(math.max(0.5, start - os.time())) then
      request:cancel()
      say("not all there yet")
      return
   end
   local sessions, message, err = request:result()
   if not sessions then
      for _, outcome in ipairs(err.outcomes) do
         local code = outcome.error and outcome.error.code
         if code == "NO_PROVIDER" or code == "UNSUPPORTED" or code == "NOT_BOUND" or code == "UNTRUSTED" then
            -- time will not mend it
            usage(outcome.server .. ": " .. outcome.error.message)
         end
      end
      say("not there yet: %s", message)
   end
end

local function plan_from(servers, time, minutes, message)
   local plan = { servers = {}, start = time_of(time), message = message or "Exam: this screen is locked" }
   for server in servers:gmatch("[^,]+") do
      plan.servers[#plan.servers + 1] = server
   end
   check(plan.servers, plan.start)
   minutes = tonumber(minutes)
   if not (minutes and minutes >= 0 and minutes <= 10080) then
      usage("MINUTES: give a number from 0 to 10080, which is a week")
   end
   plan.length = math.ceil(minutes * 60)
   plan.before = function() end
   return plan
end

--- A room of three, which is away when it is to be unlocked, and comes back for the second try.
local function rehearsal()
   local room = wms.memory("room", { latency = 0.02, sessions = {
      { session_id = 1, user_name = "teacher", is_admin = true },
      { session_id = 2, user_name = "alice" },
      { session_id = 3, user_name = "bob" },
   } })
   UNLOCKED_AFTER, WATCH, PAUSE = 1, 0.5, 1
   return {
      servers = { "memory://room" }, start = os.time() + 1, length = 2, message = "Exam",
      before = function(try)
         room:refuse(try < 2 and "UNREACHABLE" or nil)
      end,
   }
end

if #arg > 0 and #arg < 3 or #arg > 4 then
   usage("three or four arguments are needed, or none")
end
local plan = #arg == 0 and rehearsal() or plan_from(table.unpack(arg))
say("%s: locked from %s, for %d s", table.concat(plan.servers, ", "), os.date("%Y-%m-%d %H:%M:%S", plan.start), plan.length)
os.exit(hold_exam(plan) and 0 or 1, true)
