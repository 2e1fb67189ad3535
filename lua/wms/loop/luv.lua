-- SPDX-License-Identifier: MIT
--- wms inside of luv and Neovim: commands wait the loop's own way, any number of them with one descriptor.
--
--    local loop = require "wms.loop.luv"
--    loop.start("unlock_all", "lab01", function(outcomes, message, err) … end)
--
-- In Neovim callbacks run, and coroutines go on, where all of its functions may be called (as by vim.schedule), and what is
-- under way is cancelled when it exits.
local polling = require "wms.loop.polling"

local neovim = rawget(_G, "vim")
local uv = neovim and (neovim.uv or neovim.loop) or require "luv"

local program = { waiter = polling.waiter }

local handle, handle_fd -- one is kept: it stays as long as nobody waits, and does not keep the loop alive then

local function soon(handle_here, turn)
   local function start()
      handle_here:start("r", function()
         handle_here:stop() -- else it is called again before the turn has come
         neovim.schedule(function()
            if handle == handle_here and program.polled then
               start()
            end
            turn()
         end)
      end)
   end
   start()
end

function program.poll(turn, fd)
   if fd ~= handle_fd then
      if handle then
         handle:close()
      end
      handle, handle_fd = assert(uv.new_poll(fd)), fd
   end
   program.polled = true
   if neovim then
      soon(handle, turn)
   else
      handle:start("r", turn)
   end
   return handle
end

function program.ignore(ignored)
   program.polled = false
   if ignored == handle then
      ignored:stop()
   end
end

if neovim and neovim.api.nvim_create_autocmd then -- since 0.7
   function program.at_exit(stop)
      neovim.api.nvim_create_autocmd("VimLeavePre", { callback = function() stop() end })
   end
end

return polling.new(program)
