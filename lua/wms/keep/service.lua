-- SPDX-License-Identifier: MIT
--- wms.keep as a service: what the unit `wms-keep@NAME.service` runs.
--
--    lua -e "os.exit(require('wms.keep.service').main('room1'), true)"
--
-- It reads `/etc/wms/keep/room1.lua`, which returns a table of options for wms.keep, and the settings of wms.config
-- (groups, for example).  It prints each report on a line.  SIGTERM and SIGINT stop it, so that `restore` has its way, and
-- a second one lets it wait no longer for hosts that are away; when
-- the machine itself is going down it just ends, and goes on after the next start, as after a crash.
--
-- Exit code: 0 it is over as asked, 1 something was not put back, 2 wrong settings, 3 it could not begin, 70 something has
-- raised an error again and again; after 3 and 70 it is to be started again.
local config = require "wms.config"
local ending = require "wms.keep.ending"
local files = require "wms.files"
local keep = require "wms.keep"
local report = require "wms.keep.report"
local system = require "wms.system"
local wms = require "wms"

local service = {}

local RAISED = 70 -- EX_SOFTWARE
local FOLDER = "/etc/wms/keep"
local MOST_ERRORS = 1000 -- in a row, one a turn at most, after which it ends, so that it is started anew
local LAST_COMMANDS = 60 -- seconds that they may take when `grace` is over
local LOOK = 0.5 -- seconds between two looks whether a signal has come

local function say(format, ...)
   io.stdout:write(report.line(format:format(...)), "\n")
   io.stdout:flush()
end

--- The options in the file of that name.
local function read_options(folder, name)
   if not name:find("^[%w][%w_.:@-]*$") then
      return nil, ("'%s' is no name: give one of letters, digits, '.', '_', ':', '@' and '-'"):format(name)
   end
   local path = ("%s/%s.lua"):format(folder, name)
   local text, why = files.read(path)
   if not text then
      return nil, why
   end
   local options
   options, why = files.evaluate(text, path)
   if type(options) ~= "table" then
      return nil, why or ("%s: it returns a %s; return a table, as in `return { server = \"lab[01-30]\", locked = true }`")
         :format(path, type(options))
   end
   return options, path
end

--- Bindings that systemd has passed on as credentials (LoadCredential=bindings:FOLDER), in place of files.
local function use_credentials()
   local folder = os.getenv("CREDENTIALS_DIRECTORY")
   if not folder then
      return
   end
   local function refuse()
      error("bindings are passed on by systemd here, and cannot be changed; bind by another program", 0)
   end
   wms.configure{ store = {
      load = function(server)
         local file = io.open(("%s/bindings_%s.binding"):format(folder, (server:gsub("/", "_"))), "rb")
         local text = file and file:read("*a")
         if file then
            file:close()
         end
         return text
      end,
      save = refuse,
      remove = refuse,
      list = function() return {} end,
   } }
end

--- Whether the machine is being switched off or rebooted.
local function is_machine_ending()
   local pipe = io.popen("systemctl is-system-running 2>/dev/null")
   local state = pipe and pipe:read("*l")
   if pipe then
      pipe:close()
   end
   return state == "stopping"
end

--- A signal has come; returns whether that is the end of this process, but not of what is kept.
local function take_signal(keeper, signal, again)
   system.notify("STOPPING=1")
   if is_machine_ending() then
      say("the machine is going down: goes on after the next start")
      keeper:close()
      return true
   end
   say("stopped by SIG%s", signal)
   if again then
      ending.hurry(keeper)
   end
   system.notify(("EXTEND_TIMEOUT_USEC=%.0f"):format((keeper.plan.grace + LAST_COMMANDS) * 1e6))
   keeper:stop()
   return false
end

--- Runs the keeper until it is over, and lets signals stop it.
local function run(keeper)
   local errors, stopped = 0, false
   repeat
      local fine, done, problem = pcall(keeper.wait, keeper, LOOK)
      if not fine then -- where, a log, lack of memory: the keeper goes on
         errors = errors + 1
         say("%s", tostring(done))
         if errors >= MOST_ERRORS then
            return RAISED
         end
         done = false
      elseif done == nil then
         say("%s", problem)
         return 3
      else
         errors = 0
      end
      system.notify("WATCHDOG=1")
      local signal = system.ending()
      if signal and take_signal(keeper, signal, stopped) then
         return 0
      end
      stopped = stopped or signal ~= nil
   until done
   local summary, message = keeper:result()
   if not summary then
      say("%s", message)
   end
   return summary and 0 or 1
end

local function main(name, folder)
   local options, path = read_options(folder or os.getenv("WMS_KEEP_FOLDER") or FOLDER, name)
   if not options then
      io.stderr:write(path, "\n")
      return 2
   end
   local settings, why = config.load()
   if not settings then
      io.stderr:write(why, "\n")
      return 2
   end
   use_credentials()
   options.on_report = function(told)
      say("%s", told.message)
      system.notify("STATUS=" .. told.message)
   end
   if options.file == nil then
      local state = os.getenv("STATE_DIRECTORY")
      options.file = state and ("%s/%s.keep"):format(state, name) or name
   end
   system.hold_endings()
   local fine, keeper, message = pcall(keep, options)
   if not fine then
      io.stderr:write(path, ": ", (tostring(keeper):gsub("^.-bad argument #1 to 'keep' ", "")), "\n")
      return 2
   elseif not keeper then
      io.stderr:write(message, "\n")
      return 3
   end
   system.notify("READY=1")
   return run(keeper)
end

--- Returns the exit code.  `folder`: where the settings are, in place of /etc/wms/keep.
function service.main(name, folder)
   local fine, code = pcall(main, name, folder)
   if not fine then
      io.stderr:write(tostring(code), "\n")
      return RAISED
   end
   return code
end

return service
