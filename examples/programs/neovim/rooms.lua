-- SPDX-License-Identifier: MIT
-- ~/.config/nvim/plugin/rooms.lua: `:Unlock room1` unlocks a room.  `:Rooms` shows all rooms, as they are and as they
-- change; Enter or a double click unlocks the room in that line, q closes the window.
local wms = require "wms"
local loop = require "wms.loop.luv"

local VERIFY = 3 -- seconds in which a screen has to be open

local api = vim.api
local groups = assert(require "wms.config".load()).groups
local names = vim.tbl_keys(groups)
table.sort(names)

-- The second wall: whatever else is typed or installed here, nothing but this reaches a host.
wms.configure{ allow = function(action)
   return action.verb == "unlock" or action.verb == "sessions", "rooms are unlocked from here, and nothing else"
end }

local function tell(room, text, level)
   vim.notify(room .. ": " .. text, level or vim.log.levels.INFO)
end

--- The editor goes on; what has become of it is told when it is known.
local function unlock(room)
   if not groups[room] then
      tell(room, "there is no such room", vim.log.levels.ERROR)
      return
   end
   loop.start("unlock_all", { server = "@" .. room, verify = VERIFY }, function(outcomes, message)
      if outcomes then
         tell(room, #outcomes .. " open")
      else
         tell(room, message, vim.log.levels.ERROR)
      end
   end)
end

--- What a watch knows of its room: a line for each host that is lost, and for each session.
local function describe(watch)
   local lines = {}
   for _, server in ipairs(watch:servers()) do
      if server.state ~= "watched" then
         lines[#lines + 1] = ("%s %s"):format(server.server, server.error and server.error.message or "is asked")
      end
   end
   for _, session in ipairs(watch:sessions()) do
      lines[#lines + 1] = ("%s %s %s %s"):format(session.server, session.session_id, session.user_name or "-",
         session.locked and "locked" or session.locked == false and "open" or "unknown")
   end
   return lines
end

local function show()
   vim.cmd "botright 12new"
   local buffer = api.nvim_get_current_buf()
   vim.bo.buftype, vim.bo.bufhidden, vim.bo.swapfile, vim.bo.modifiable = "nofile", "wipe", false, false
   local watches, rooms = {}, {} -- rooms: the one of each line

   local function draw()
      local lines = {}
      for _, room in ipairs(names) do
         lines[#lines + 1] = room
         rooms[#lines] = room
         for _, line in ipairs(watches[room] and describe(watches[room]) or {}) do
            lines[#lines + 1] = "   " .. line
            rooms[#lines] = room
         end
      end
      vim.bo[buffer].modifiable = true
      api.nvim_buf_set_lines(buffer, 0, -1, true, lines)
      vim.bo[buffer].modifiable = false
   end

   api.nvim_create_autocmd("BufWipeout", { buffer = buffer, callback = function()
      for _, watch in pairs(watches) do
         watch:close()
      end
   end })
   local function unlock_here()
      unlock(rooms[api.nvim_win_get_cursor(0)[1]])
   end
   vim.keymap.set("n", "<CR>", unlock_here, { buffer = buffer })
   vim.keymap.set("n", "<2-LeftMouse>", unlock_here, { buffer = buffer })
   vim.keymap.set("n", "q", "<Cmd>close<CR>", { buffer = buffer })

   for _, room in ipairs(names) do
      watches[room] = assert(loop.watch{ server = "@" .. room, on_event = draw })
   end
   draw()
end

api.nvim_create_user_command("Unlock", function(given) unlock(given.args) end, { nargs = 1, force = true,
   complete = function(start)
      return vim.tbl_filter(function(name) return vim.startswith(name, start) end, names)
   end })
api.nvim_create_user_command("Rooms", show, { force = true })
