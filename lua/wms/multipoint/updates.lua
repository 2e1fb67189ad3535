-- SPDX-License-Identifier: MIT
--- Updates of hosts with disk protection: [MS-RSMC] 3.10.
local words = require "wms.multipoint.words"

local DISABLED, SCRIPT_ONLY, WITH_WINDOWS = 0, 1, 2

local GET, SET = "DiskProtection.GetScheduledUpdateSettings", "DiskProtection.SetScheduledUpdateSettings"

local function unless_empty(text)
   return text ~= "" and text or nil
end

--- Writes settings: what is read, with what is given in its place.
local function write(host, now, given)
   host:ask(SET, {
      eMode = given.mode or now.peMode, iScheduledUpdateStartHour = given.hour or now.piScheduledUpdateStartHour,
      wsCustomScriptFullPath = given.script or now.pwsCustomScriptFullPath,
      cMaxMinutesAllowedForCustomScript = given.minutes or now.pcMaxMinutesAllowedForCustomScript,
      eReturnState = given.after or now.peReturnState,
   })
end

local functions = {
   {
      name = "scheduled_update", about = "when the host updates itself, and how", question = true, gives = "update",
      properties = { "is_schedule_update_enabled", "automatic_update_mode", "hour_to_schedule_updates", "custom_script",
         "max_time_allowed_for_custom_script", "return_state" },
      password = "management", operations = { GET },
   },
   {
      name = "schedule_update", about = "lets the host update itself each day; what is not given stays", again = true,
      password = "management", operations = { GET, SET },
      takes = {
         { name = "mode", kind = "word", words = words.update_mode, about = "whether Windows Update runs" },
         { name = "hour", kind = "whole", least = 0, most = 23, about = "when it begins" },
         { name = "script", kind = "text", about = "the path of a script that runs then; \"\": none" },
         { name = "minutes", kind = "whole", about = "how long the script may run" },
         { name = "after", kind = "word", words = words.return_state, about = "how the host is left afterwards" },
      },
      run = function(host, given)
         local now = host:ask(GET)
         local mode = given.mode and words.update_mode.number(given.mode)
         if not mode and now.peMode == DISABLED then -- nobody knows how it was before
            mode = given.script and given.script ~= "" and SCRIPT_ONLY or WITH_WINDOWS
         end
         write(host, now, {
            mode = mode, hour = given.hour, script = given.script, minutes = given.minutes,
            after = given.after and words.return_state.number(given.after),
         })
      end,
   },
   {
      name = "unschedule_update", about = "lets the host update itself no more", again = true, password = "management",
      operations = { GET, SET },
      run = function(host)
         write(host, host:ask(GET), { mode = DISABLED })
      end,
   },
}

--- The settings as the cmdlet shows them.  While it is off nobody knows whether Windows Update would run.
function functions.of(answer)
   local mode = answer.peMode
   return {
      is_schedule_update_enabled = mode and mode ~= DISABLED, automatic_update_mode = mode ~= DISABLED and mode
         and words.update_mode.word(mode) or nil,
      hour_to_schedule_updates = answer.piScheduledUpdateStartHour,
      custom_script = unless_empty(answer.pwsCustomScriptFullPath),
      max_time_allowed_for_custom_script = answer.pcMaxMinutesAllowedForCustomScript,
      return_state = words.return_state.word(answer.peReturnState),
   }
end

functions[1].run = function(host)
   return functions.of(host:ask(GET))
end

return functions
