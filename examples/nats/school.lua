-- SPDX-License-Identifier: MIT
--- The school, for rights.lua: whose key is whose.  `wms agent enroll` prints the public keys of hosts; seeds stay where
-- they were made.
return {
   -- May do everything in the account of the buckets; makes them once.
   administrators = { "UADMINISTRATORADMINISTRATORADMINISTRATORADMINISTRATORADM" },

   -- A file with a line "HOST NKEY" for each host, or a table { HOST = "NKEY" }.
   hosts = "hosts.txt",

   rooms = {
      room1 = { "lab01.school.example", "lab02.school.example" },
      room2 = { "lab03.school.example" },
   },

   -- Who asks, with the name that wms.configure{ nats = { name = } } has there, and the rooms; "*" is every host.
   people = {
      alice = { nkey = "UALICEALICEALICEALICEALICEALICEALICEALICEALICEALICEALICE", rooms = { "room1" } },
      bob = { nkey = "UBOBBOBBOBBOBBOBBOBBOBBOBBOBBOBBOBBOBBOBBOBBOBBOBBOBBOBA", rooms = { "room1", "room2" } },
      caretaker = { nkey = "UCARETAKERCARETAKERCARETAKERCARETAKERCARETAKERCARETAKERA", rooms = { "*" } },
   },
}
