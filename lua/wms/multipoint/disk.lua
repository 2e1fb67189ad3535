-- SPDX-License-Identifier: MIT
--- Disk protection: [MS-RSMC] 3.10.  No document says whether its operations restart the host by themselves: each function
--- takes both for possible, and a second call goes on where the first one has stopped.
local Host = require "wms.multipoint.host"
local words = require "wms.multipoint.words"

local PASSIVE, DISCARD = 1, 2
local UNINSTALL = 1

local GONE = { UNREACHABLE = true, TIMEOUT = true }

--- Restarts the host.  One that has gone already restarts by itself.
local function restart(host)
   local _, failure = host:settle("Server.Reboot")
   if failure and not GONE[failure.code] then
      Host.throw(failure)
   end
end

local function is_installed(host)
   return host:ask("DiskProtection.IsInstalled").pfIsInstalled
end

local function refuse_missing(host)
   if not is_installed(host) then
      Host.throw{ code = "NOT_FOUND", message = "disk protection is not installed there; call enable_disk_protection",
         state = "failed" }
   end
end

local function change(name, about, mode)
   return {
      name = name, about = about, password = "management",
      operations = { "DiskProtection.IsInstalled", "DiskProtection.SetMode", "Server.Reboot" },
      run = function(host)
         refuse_missing(host)
         host:ask("DiskProtection.SetMode", { dpm = mode })
         restart(host)
      end,
   }
end

return {
   {
      name = "disk_protection", about = "whether the host's disk is protected", question = true, gives = "protection",
      properties = { "mode" },
      password = "ordinary", operations = { "DiskProtection.IsInstalled", "DiskProtection.GetMode" },
      run = function(host)
         if not is_installed(host) then
            return { mode = "NotInstalled" }
         end
         return { mode = words.disk_mode.word(host:ask("DiskProtection.GetMode").pdpm) }
      end,
   },
   {
      name = "enable_disk_protection",
      about = "protects the host's disk: each start discards what was changed; restarts it",
      password = "management",
      operations = { "DiskProtection.IsInstalled", "DiskProtection.Install", "DiskProtection.SetMode", "Server.Reboot" },
      run = function(host)
         if not is_installed(host) then
            host:ask("DiskProtection.Install")
         end
         host:ask("DiskProtection.SetMode", { dpm = DISCARD })
         restart(host)
      end,
   },
   {
      name = "disable_disk_protection", about = "takes disk protection away; restarts the host, perhaps more than once",
      password = "management",
      operations = { "DiskProtection.IsInstalled", "DiskProtection.Uninstall", "Server.Reboot" },
      run = function(host)
         refuse_missing(host)
         host:ask("DiskProtection.Uninstall", { udps = UNINSTALL })
         restart(host)
      end,
   },
   change("suspend_disk_protection", "lets changes stay until disk protection is resumed; restarts the host", PASSIVE),
   change("resume_disk_protection", "discards changes again; restarts the host", DISCARD),
}
