-- SPDX-License-Identifier: MIT
--- Keeps rooms locked for an examination, and unlocks them at its end, whatever happens in between.
--
--    lua examples/exam.lua SERVER[,SERVER...] END [MESSAGE [FILE]]
--
--    SERVER    a host's address, such as localhost or lab[01-30].school.example
--    END       when to unlock: HH:MM, or after how many minutes
--    MESSAGE   what the users read meanwhile, where the host can show it
--    FILE      where it is written down what has to be unlocked: after a power cut, start the same again
--
--    lua examples/exam.lua localhost 11:30 "Exam until half past eleven" exam
--
-- Without arguments: a room inside this program, for two seconds.
--
-- What cannot be locked is told, and the exam goes on.  A host that is away at the end is waited for, for an hour.  Ctrl-C
-- unlocks at once.
-- Exit code: 0 when all was unlocked as planned, 1 when it was not, 2 for wrong arguments.
local wms = require "wms"
local keep = require "wms.keep"

local servers, ending, message, file = ...
if not servers then
   wms.memory("room", { latency = 0.02, sessions = {
      { session_id = 1, user_name = "teacher", is_admin = true }, -- is exempt
      { session_id = 2, user_name = "alice" },
      { session_id = 3, user_name = "bob" },
   } })
   servers, ending = "memory://room", 2 / 60
end

local minutes = tonumber(ending)
local begun, exam, problem = pcall(keep, {
   server = servers, locked = true, message = message or "Exam: this screen is locked", restore = true, grace = 3600,
   after = minutes and minutes * 60, until_time = not minutes and (ending or "") or nil, file = file,
   on_report = function(report)
      print(os.date("%X  ") .. report.message)
      io.stdout:flush()
   end,
})
if not begun or not exam then
   io.stderr:write(tostring(problem or exam), "\nusage: exam.lua SERVER[,SERVER...] HH:MM|MINUTES [MESSAGE [FILE]]\n")
   os.exit(2, true)
end

local ran, summary, failure = pcall(exam.run, exam)
if not ran then -- Ctrl-C is an error
   print("stopped: " .. tostring(summary))
   exam:stop()
   summary, failure = exam:run()
end
print(summary and "all is unlocked" or failure)
os.exit(ran and summary and 0 or 1, true)
