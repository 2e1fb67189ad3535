-- SPDX-License-Identifier: MIT
-- Locks and unlocks a session that has a locker; what is claimed to be verified is compared with what WMS_HINT prints.
local wms, server = ...
local id = os.getenv("WMS_SESSION")

local function hint()
   local pipe = assert(io.popen(os.getenv("WMS_HINT")))
   local text = pipe:read("*l")
   pipe:close()
   return text
end

for _, case in ipairs{ { "lock", "yes", "m" }, { "unlock", "no" } } do
   local verb, wanted, message = case[1], case[2], case[3]
   local list, text, err = wms[verb]{ session_ids = id, server = server, message = message, verify = 10, stable = 0.001 }
   if not list then
      -- What the host has taken comes before the next run's first look.
      local outcome = err and err.outcomes and err.outcomes[1]
      local taken = outcome and (outcome.state == "requested" or outcome.state == "unknown")
      local tries = taken and 300 or 0
      while tries > 0 and hint() ~= wanted do
         os.execute("sleep 0.02")
         tries = tries - 1
      end
      return verb, nil, text, err
   end
   assert(#list == 1 and list[1].state == "verified", "success, and not verified")
   local is = hint()
   assert(is == wanted, is)
end
