-- SPDX-License-Identifier: MIT
--- wms inside of Prosody: a stanza, an HTTP request or a command of the shell waits, and Prosody serves others.
--
--    local loop = require "wms.loop.prosody"
--    module:hook("…", function(event) local outcomes, message = loop.call("unlock_all", "lab01") … end)
--
-- Who waits has to be in an async context (util.async), as handlers of stanzas and of HTTP requests are.  Callbacks run
-- in the main loop.  What is under way is cancelled when Prosody stops.
local polling = require "wms.loop.polling"

local prosody = assert(rawget(_G, "prosody"), "wms.loop.prosody: this is not Prosody")

--- A module of Prosody's as it has it: since 13.0 their names begin with "prosody.".
local function part(name)
   return package.loaded["prosody." .. name] or require(name)
end

local async = part "util.async"
local server = part "net.server"

local program = { waiter = async.waiter }

function program.poll(turn, fd)
   return server.watchfd(fd, function() turn() end)
end

function program.ignore(handle)
   if handle.close then
      handle:close()
   else -- with libevent
      handle:setflags(false)
   end
end

function program.at_exit(stop)
   prosody.events.add_handler("server-stopping", function() stop() end)
end

return polling.new(program)
