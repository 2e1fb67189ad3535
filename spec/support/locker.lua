-- SPDX-License-Identifier: MIT
--- Runs inside a test host, for the specs: plays the screen lockers of all its sessions.
--
--    lua5.4 locker.lua FOLDER
--
-- Does what logind's signals Lock and Unlock tell it by setting the session's LockedHint, as real lockers do.  The file
-- FOLDER/ID changes how it is with one session: `deaf` ignores the signals, `relock SECONDS` locks again after an Unlock.
local folder = ...

local function mode(id)
   local file = io.open(folder .. "/" .. id)
   local text = file and file:read("*l") or ""
   if file then
      file:close()
   end
   return text
end

local SESSION = "org.freedesktop.login1.Session"

local function set(path, locked)
   return ("busctl --quiet call org.freedesktop.login1 '%s' %s SetLockedHint b %s"):format(path, SESSION, locked)
end

local command = [[exec busctl monitor --json=short --match="type='signal',interface='%s'" 2>%s/log]]
local pipe = assert(io.popen(command:format(SESSION, folder)))
for line in pipe:lines() do
   local path, member = line:match('"path":"(.-)"'), line:match('"member":"(.-)"')
   if member == "Ready" then -- whoever started this asks whether it listens
      assert(io.open(folder .. "/ready", "w")):close()
   end
   if path and (member == "Lock" or member == "Unlock") then
      local id = path:match("[^/]*$"):gsub("_(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
      local how = mode(id)
      if how ~= "deaf" then
         os.execute(set(path, member == "Lock"))
         local after = how:match("^relock (%S+)")
         if after and member == "Unlock" then
            os.execute(("(sleep %s; %s) &"):format(after, set(path, true)))
         end
      end
   end
end
