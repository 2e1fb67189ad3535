-- SPDX-License-Identifier: MIT
--- wms inside of GLib's main loop, by lgi: GTK, awesome.
--
--    local loop = require "wms.loop.glib"
--    loop.start("unlock_all", "lab01", function(outcomes, message, err) … end)
--
-- It is the default main context; callbacks run, and coroutines go on, where that is iterated.
local GLib = require "lgi".GLib
local polling = require "wms.loop.polling"

local program = { waiter = polling.waiter }

--- A source of whose function an error is raised is gone, for lgi takes that for false: another one takes its place.
local function add(handle, turn, fd)
   handle.source = GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, fd, GLib.IOCondition.IN, function()
      local source = handle.source
      local fine, failure = pcall(turn)
      if not fine then
         if handle.source == source then
            add(handle, turn, fd)
         end
         error(failure, 0)
      end
      return true
   end)
end

function program.poll(turn, fd)
   local handle = {}
   add(handle, turn, fd)
   return handle
end

function program.ignore(handle)
   GLib.source_remove(handle.source)
   handle.source = nil
end

return polling.new(program)
