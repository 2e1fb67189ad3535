-- SPDX-License-Identifier: MIT
-- What is claimed to be verified is compared with what WMS_HINT says of the host.
local wms, server = ...

local function is_locked()
   local pipe = assert(io.popen(os.getenv("WMS_HINT")))
   local flags = assert(tonumber(pipe:read("*l")), "the host does not say how it is")
   pipe:close()
   return flags % 16 >= 8
end

for _, verb in ipairs{ "lock", "unlock" } do
   local list, message, err = wms[verb]{
      session_ids = 3, server = server, message = verb == "lock" and "m" or nil, verify = 10, stable = 0.001,
   }
   if not list and err.code == "UNVERIFIED" then -- without memory for an observation
      assert(is_locked() == (verb == "lock"), "taken, and not done")
      return
   elseif not list then
      return verb, nil, message, err
   end
   assert(#list == 1 and list[1].state == "verified", "success, and not verified")
   assert(is_locked() == (verb == "lock"), "verified, and not so")
end
