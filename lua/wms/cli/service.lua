-- SPDX-License-Identifier: MIT
--- What a command that lasts tells the service manager (systemd), and has from it.  Where there is none, nothing.
local system = require "wms.system"
local wms = require "wms"

local service = {}

local LAST_COMMANDS = 60 -- seconds that they may take when hosts are waited for no longer
local LONGEST = 20 -- seconds between two signs of life

--- Whether there is a manager that wants to be told: then its journal knows the time of each line.
function service.is_there()
   return os.getenv("NOTIFY_SOCKET") ~= nil
end

function service.ready()
   system.notify("READY=1")
end

--- A line for `systemctl status`.
function service.status(line)
   system.notify("STATUS=" .. line)
end

--- A sign of life.
function service.alive()
   system.notify("WATCHDOG=1")
end

--- After how many seconds there has to be one, at the latest.
function service.pause()
   local limit = tonumber(os.getenv("WATCHDOG_USEC") or "")
   return limit and math.min(LONGEST, limit / 2e6) or LONGEST
end

--- It ends, which may take as long as hosts are waited for.
function service.stopping(seconds)
   system.notify("STOPPING=1")
   system.notify(("EXTEND_TIMEOUT_USEC=%.0f"):format((seconds + LAST_COMMANDS) * 1e6))
end

--- Whether the machine is being switched off or rebooted.
function service.is_machine_ending()
   local pipe = io.popen("systemctl is-system-running 2>/dev/null")
   local state = pipe and pipe:read("*l")
   if pipe then
      pipe:close()
   end
   return state == "stopping"
end

--- Bindings that systemd has passed on as credentials (LoadCredential=bindings:FOLDER), in place of files.
function service.use_credentials()
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

return service
