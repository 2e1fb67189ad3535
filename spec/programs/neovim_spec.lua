-- SPDX-License-Identifier: MIT
--- Neovim with the plugin of its example, in front of real hosts.
local assert = require "luassert"
local busted = require "busted"
local kit = require "spec.support.kit"

local it = busted.it

local SOCKET = "/home/carol/nvim.socket"
-- As a plugin that shows notifications does: they are the editor's only answer.
local NOTIFY = "lua vim.notify = function(text, level) vim.rpcnotify(0, 'said', text, level or vim.log.levels.INFO) end"

local function client(school, ...)
   return school:begin("python3", "-B", "spec/programs/neovim.py", school.machine.root .. SOCKET, ...)
end

--- Calls a function of its API; returns what it has returned, as JSON.
local function call(school, method, arguments)
   local counts = client(school, "call", 1, method, arguments):counts()
   assert.equal(1, counts.done, counts.text)
   return counts.bodies.done
end

local function evaluate(school, code)
   return call(school, "nvim_exec_lua", ('["%s", []]'):format(code:gsub('[\\"]', "\\%0"):gsub("\n", " ")))
end

--- Its process: that of the user who edits.
local function processes(school)
   return { (school.machine:run("systemctl", "show", "--value", "--property=MainPID", "editor"):match("%d+")) }
end

local function start(school)
   school.machine:script([[
      systemctl reset-failed editor 2> /dev/null || :
      systemctl stop editor 2> /dev/null || :
      rm -f "$1" # of one that was killed
      systemd-run --quiet --collect --unit=editor -p User=carol -p WorkingDirectory=/home/carol \
         nvim --headless --listen "$1" -c "$2"
      for try in $(seq 500); do [ ! -S "$1" ] || break; sleep 0.02; done]], SOCKET, NOTIFY)
end

--- The window of `:Rooms` as it is.
local function shown(school)
   return call(school, "nvim_buf_get_lines", "[0, 0, -1, true]")
end

local function await_shown(school, text)
   local lines
   local fine = pcall(kit.await, function()
      lines = shown(school)
      return lines:find(text, 1, true)
   end, nil, 60)
   assert(fine, text .. " is not in " .. lines)
end

require "spec.programs.serving".spec("neovim", {
   start = start,
   processes = processes,

   unlock = function(school, room, count, parallel)
      return client(school, "unlock", count, parallel, room)
   end,

   others = function(school, count)
      return client(school, "call", count, "nvim_eval", '["1 + 1"]')
   end,

   reload = function(school)
      call(school, "nvim_command", '["source ~/.config/nvim/plugin/rooms.lua"]')
   end,

   careless = function(school)
      return evaluate(school, [[
         local said
         local loop = require "wms.loop.luv"
         loop.start("close_all", { server = "@room1" }, function(_, _, err) said = err.code end)
         vim.wait(60000, function() return said end)
         return said]])
   end,

   collect = function(school)
      return tonumber(evaluate(school, "collectgarbage() collectgarbage() return collectgarbage 'count'"))
   end,

   more = function(school, begin_slow)
      it("shows rooms as they change, and unlocks those that are chosen", function()
         local lab01 = school().lab01
         call(school(), "nvim_command", '["Rooms"]')
         await_shown(school(), "lab01.school.example 1 bob locked")
         await_shown(school(), "lab03.school.example 1 bob locked")
         call(school(), "nvim_input", '["/^room1<CR><CR>"]')
         await_shown(school(), "lab01.school.example 1 bob open")
         lab01:session{ id = 1, flags = 44 }
         await_shown(school(), "lab01.school.example 1 bob locked")
         call(school(), "nvim_command", '["set mouse=a mousetime=60000 | redraw"]')
         local row = evaluate(school(), 'return vim.fn.screenpos(0, vim.fn.search("^room1", "nw") + 1, 1).row - 1')
         for _ = 1, 2 do
            call(school(), "nvim_input_mouse", ('["left", "press", "", 0, %s, 5]'):format(row))
            call(school(), "nvim_input_mouse", ('["left", "release", "", 0, %s, 5]'):format(row))
         end
         await_shown(school(), "lab01.school.example 1 bob open")
         call(school(), "nvim_input", '["q"]')
         kit.await(function() return evaluate(school(), "return require 'wms.loop.luv'.pending()") == "0" end, nil, 60)
      end)

      it("is left at once, whatever it waits for", function()
         local slow, old = begin_slow(), processes(school())[1]
         client(school(), "call", 1, "nvim_command", '["qall"]'):read()
         kit.await(function() return select(2, school().machine:run("test", "-e", "/proc/" .. old)) ~= 0 end, nil, 60)
         assert.is_nil(slow:counts().done)
         start(school())
      end)
   end,
})
