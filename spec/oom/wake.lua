-- SPDX-License-Identifier: MIT
local wms, server = ...
wms.configure{ wake = {
   [server] = { mac = "00:11:22:33:44:55", network = "127.0.0.1", port = 40009 },
   ["memory://other"] = { mac = "00-11-22-33-44-56", network = "::1", port = 40009 },
} }
local list, message, err = wms.wake{ server = server, verify = 1000 }
return "wake", list and true, message, err
