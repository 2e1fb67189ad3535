-- SPDX-License-Identifier: MIT
--- wms inside of nginx (lua-nginx-module, OpenResty): a request waits, and its worker serves others.
--
--    local loop = require "wms.loop.nginx"
--    local outcomes, message = loop.call("unlock_all", "lab01")       -- in content_by_lua, or wherever ngx.sleep works
--
-- Each worker has an engine of its own.  Callbacks run in timers (ngx.timer.at).  When a worker is about to exit its
-- watches and keepers are closed; commands go on, as its requests do.
local sleeping = require "wms.loop.sleeping"

local ngx = assert(_G.ngx, "wms.loop.nginx: this is not nginx")

-- Phases in which nothing may wait.
local SLEEPLESS = { init = true, init_worker = true, set = true, header_filter = true, body_filter = true, balancer = true,
   log = true, exit_worker = true }

local program = { sleep = ngx.sleep, leaving = ngx.worker.exiting }

function program.check()
   local phase = ngx.get_phase()
   if SLEEPLESS[phase] then
      error(("wms.loop.nginx: nothing may wait in the phase %s; use start, or ngx.timer.at"):format(phase), 0)
   end
end

function program.spawn(body)
   return ngx.timer.at(0, function() body() end)
end

return sleeping.new(program)
