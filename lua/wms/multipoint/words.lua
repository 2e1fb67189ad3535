-- SPDX-License-Identifier: MIT
--- Words for the protocol's numbers: the cmdlets' own where they print one, else such as they would.
local words = {}

--- An enumeration: { [number] = word }, in the order in which documents list them.
local function enumeration(pairs_of)
   local by_number, by_word, list = {}, {}, {}
   for _, pair in ipairs(pairs_of) do
      by_number[pair[1]], by_word[pair[2]:lower()] = pair[2], pair[1]
      list[#list + 1] = pair[2]
   end
   local self = { list = list }

   --- The word for a number; for one that no document has, its digits; nil for nil.
   function self.word(number)
      return number and (by_number[number] or ("%.0f"):format(number))
   end

   --- The number for a word, whatever the case of its letters; nil: there is no such word.
   function self.number(word)
      return by_word[word:lower()]
   end

   return self
end
words.enumeration = enumeration

--- The same for numbers from 0 on.
local function from_zero(list)
   local pairs_of = {}
   for i, word in ipairs(list) do
      pairs_of[i] = { i - 1, word }
   end
   return enumeration(pairs_of)
end

words.broadcast = from_zero{ "Quiescent", "Projecting", "Controlled", "Viewing" }
words.station_state = from_zero{ "Invalid", "NotPresent", "Idle", "Connecting", "Active", "Blocked" }
words.orientation = enumeration{
   { 0, "Landscape" }, { 90, "Portrait" }, { 180, "LandscapeFlipped" }, { 270, "PortraitFlipped" },
}
-- Keyboard, mouse, audio and image come first in the cmdlet's output.
words.device = enumeration{
   { 1, "DT_Keyboard" }, { 2, "DT_Mouse" }, { 3, "DT_Audio" }, { 6, "DT_Image" }, { 4, "DT_ConsumerControl" },
   { 5, "DT_Volume" }, { 7, "DT_Hid" }, { 8, "DT_UsbHub" }, { 9, "DT_RootHub" }, { 10, "DT_CompositeHub" },
   { 11, "DT_Monitor" }, { 12, "DT_DiskDrive" }, { 13, "DT_HostController" }, { 14, "DT_MassStorage" },
   { 15, "DT_UsbDevice" }, { 16, "DT_UnfilteredKeyboard" }, { 17, "DT_UnfilteredMouse" },
   { 18, "DT_UnfilteredVolume" }, { 19, "DT_UnfilteredImage" }, { 20, "DT_RedirectedUsb" }, { 21, "DT_VirtualGpu" },
   { 22, "DT_TouchScreen" }, { 0, "DT_Unknown" },
}
words.user_type = from_zero{ "Administrator", "Standard", "DashboardUser" }
words.net_join = from_zero{
   "NetSetupUnknownStatus", "NetSetupUnjoined", "NetSetupWorkgroupName", "NetSetupDomainName",
}
words.system_mode = from_zero{ "Normal", "Maintenance" }
words.managed = enumeration{ { 2, "MultiPointServers" }, { 3, "PersonalComputers" } }
words.disk_mode = enumeration{ { 1, "Passive" }, { 2, "Discard" } }
words.update_mode = enumeration{ { 1, "None" }, { 2, "WindowsOnly" } }
words.return_state = from_zero{ "Shutdown", "PreviousState" }
words.system_alert = from_zero{
   "StandardVgaOnly", "NoPotentialStationHubs", "SafeMode", "KeyboardOrMouseOnRootHub",
   "MonitorsWithoutPotentialStationHubs", "DiskProtectionFirstThreshold", "DiskProtectionSecondThreshold",
}
words.station_alert = from_zero{
   "HubMissingRequiredDevice", "AutoLogonFailed", "WaitForServicesTimedOut", "WaitForConnectionTimedOut",
}
words.severity = from_zero{ "Unknown", "Warning", "Error", "Fatal" }
words.alert_status = from_zero{ "Cleared", "Set", "NoChange" }

return words
