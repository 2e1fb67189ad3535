-- SPDX-License-Identifier: MIT
--- Signals that end a command as Ctrl-C does, while hosts are waited for.
---
--- Ctrl-C is the interpreter's.  The others need the library luv; where it is not installed they end the program at once,
--- as they do whenever no host is waited for.
local exits = require "wms.cli.exits"

local signals = {}

local CODES = { sigterm = exits.TERMINATED, sighup = exits.HUNG_UP }
local NUMBERS = { sighup = 1, sigterm = 15 }

--- Whether a signal is ignored, as `nohup` wants it: then it stays so.
local function is_ignored(number)
   local file = io.open("/proc/self/status")
   local mask = file and file:read("*a"):match("SigIgn:%s*%x*(%x%x%x%x)\n")
   if file then
      file:close()
   end
   return mask ~= nil and math.floor(tonumber(mask, 16) / 2 ^ (number - 1)) % 2 == 1
end

--- Watches for them.  Returns a function that tells the exit code once one has come, and one that ends the watch.
function signals.watch()
   local found, uv = pcall(require, "luv")
   if not found and tostring(uv):find("interrupted!", 1, true) then
      error(uv, 0) -- Ctrl-C came while it was loaded
   elseif not found then
      return function() return nil end, function() end
   end
   local code
   local handles = {}
   for name in pairs(CODES) do
      if not is_ignored(NUMBERS[name]) then
         local handle = uv.new_signal()
         handle:start(name, function() code = code or CODES[name] end)
         handles[#handles + 1] = handle
      end
   end
   return function()
      uv.run("nowait")
      return code
   end, function()
      for _, handle in ipairs(handles) do
         handle:close()
      end
      uv.run("nowait")
   end
end

return signals
