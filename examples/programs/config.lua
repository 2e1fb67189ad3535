-- SPDX-License-Identifier: MIT
-- /etc/wms/config.lua: the rooms of the school.
return {
   groups = {
      room1 = "lab01.school.example", -- a MultiPoint host
      room2 = "lab[02-03].school.example", -- two of them
      room3 = "logind://rooms@linux01.school.example", -- a Linux host, by ssh
      here = "localhost", -- this machine
   },
   defaults = { timeout = 10 },
}
