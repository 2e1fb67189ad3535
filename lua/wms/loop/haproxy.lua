-- SPDX-License-Identifier: MIT
--- wms inside of HAProxy: a service, an action or a task waits, and HAProxy serves others.
--
--    local loop = require "wms.loop.haproxy"
--    core.register_service("unlock", "http", function(applet)
--       local outcomes, message = loop.call("unlock_all", "lab01")
--       …
--
-- Callbacks run in tasks (core.register_task).  When HAProxy is about to stop, as the old process is after a reload, its
-- watches and keepers are closed; commands go on, as its connections do.
local sleeping = require "wms.loop.sleeping"
local waiting = require "wms.loop.waiting"

local core = assert(rawget(_G, "core"), "wms.loop.haproxy: this is not HAProxy")

local program = {}

function program.sleep(seconds)
   core.msleep(math.ceil(seconds * 1000))
end

function program.check()
   if not coroutine.isyieldable() then
      error("wms.loop.haproxy: nothing may wait while the configuration is read; call it in a service, an action "
         .. "or a task, or use start", 0)
   end
end

function program.spawn(body)
   core.register_task(body)
   return true
end

local ASKED_EVERY = 1 -- seconds: get_info makes a large table
local asked, stopping

function program.leaving()
   local now = waiting.driver:clock()
   if not asked or now - asked >= ASKED_EVERY then
      asked, stopping = now, tonumber(core.get_info().Stopping) == 1
   end
   return stopping
end

return sleeping.new(program)
