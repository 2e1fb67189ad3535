-- SPDX-License-Identifier: MIT
--- wms in coroutines that the program resumes whenever it likes: each frame of a game, each round of a scheduler.
--
--    local loop = require "wms.loop.coroutines"
--    local task = coroutine.wrap(function() print(#assert(loop.call("unlock_all", "lab01"))) end)
--
-- Whoever waits yields the seconds that may pass until it is resumed; sooner or later is well, too.
local sleeping = require "wms.loop.sleeping"

return sleeping.new{
   sleep = coroutine.yield,
   check = function()
      local running, main = coroutine.running()
      if not running or main then
         error("wms.loop.coroutines: call it in a coroutine", 0)
      end
   end,
}
