-- /etc/wms/config.lua: the rooms of the school.
return {
   groups = {
      room1 = "lab[01-02].school.example", -- MultiPoint hosts
      room2 = "logind://rooms@linux01.school.example", -- a Linux host, by ssh
   },
   defaults = { timeout = 10 },
}
