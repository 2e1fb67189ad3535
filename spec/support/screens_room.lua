-- SPDX-License-Identifier: MIT
--- A program for specs: a room of 30 sessions on ten embedded hosts and one that is off, served as a page.  Prints the
--- page's address, and when it is told to end, what the hosts were asked to do: verb, host, session, message.
local wms = require "wms"

local USERS = { "alice", "bob", "carol", "<b>dave</b>", "zo\195\169", "\"quoted\" & 'more'", "\226\128\174gnp.exe" }

local hosts = {}
for number = 1, 10 do
   local sessions = {}
   for id = 1, 3 do
      local serial = (number - 1) * 3 + id
      sessions[id] = {
         session_id = id, user_name = USERS[serial] or "user" .. serial, locked = serial == 9 or serial == 10,
         is_admin = serial == 30, state = serial == 29 and "Disconnected" or "ConnectedToStation",
      }
   end
   hosts[number] = wms.memory(("lab%02d"):format(number), { sessions = sessions })
end
wms.memory("lab11", {}):refuse("UNREACHABLE")
local served = assert(require("wms.screens").serve{ every = 1,
   options = { server = "memory://lab[01-11]", title = "Room <1>", size = "large" } })
print(served.url)
io.stdout:flush()
served:run()
for number, host in ipairs(hosts) do
   for _, entry in ipairs(host:log()) do
      if entry.verb ~= "sessions" and entry.verb ~= "thumbnail" then
         print(("%s %d %s %s"):format(entry.verb, number, entry.session_id, entry.message or ""))
      end
   end
end
