-- SPDX-License-Identifier: MIT
--- wms inside of Knot Resolver (kresd).
--
--    local loop = require "wms.loop.knot"
--    loop.start("unlock_all", "lab01", function(outcomes, message, err) … end)
--    worker.coroutine(function() print(#assert(loop.call("unlock_all", "lab01"))) end)        -- needs lua-cqueues
--
-- Callbacks run in the resolver's loop (event.socket).  Coroutines that wait are those of `worker.coroutine` and of the
-- module `http`, which are cqueues', or plain ones.
local polling = require "wms.loop.polling"

local event = assert(_G.event, "wms.loop.knot: this is not Knot Resolver")
local has_cqueues, cqueues = pcall(require, "cqueues")
local condition = has_cqueues and require "cqueues.condition"

local program = {}

function program.waiter()
   if not (has_cqueues and cqueues.running()) then
      return polling.waiter()
   end
   local told, done = condition.new(), false
   return function()
      while not done do
         told:wait()
      end
   end, function()
      done = true
      told:signal()
   end
end

--- kresd closes an event of whose function an error is raised: another one takes its place.
local function add(handle, turn, fd)
   handle.id = event.socket(fd, function()
      local id = handle.id
      local fine, failure = pcall(turn)
      if not fine then
         if handle.id == id then
            add(handle, turn, fd)
         end
         error(failure, 0)
      end
   end)
end

function program.poll(turn, fd)
   local handle = {}
   add(handle, turn, fd)
   return handle
end

function program.ignore(handle)
   event.cancel(handle.id)
   handle.id = nil
end

return polling.new(program)
