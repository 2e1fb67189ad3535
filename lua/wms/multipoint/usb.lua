-- SPDX-License-Identifier: MIT
--- USB storage at stations: [MS-RSMC] 3.8.4.
local function switch(name, about, verb)
   local one, all = "Station." .. verb .. "UsbStorageDevices", "Station." .. verb .. "UsbStorageDevicesAllStations"
   return {
      name = name, about = about, on = "station", all = true, again = true, password = "ordinary",
      operations = { one, all },
      run = function(host, _, id)
         host:ask(one, { idStation = id })
      end,
      run_all = function(host)
         host:ask(all)
      end,
   }
end

return {
   switch("block_usb", "takes USB storage at stations away, and hides what is plugged in later", "Block"),
   switch("unblock_usb", "gives USB storage at stations back", "Unblock"),
}
