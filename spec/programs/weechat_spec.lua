-- SPDX-License-Identifier: MIT
--- WeeChat with its Lua, set up by the README of its example, in front of real hosts.
local kit = require "spec.support.kit"
local lab = require "spec.programs.lab"

local MANY = 50 -- commands that are to be answered while a host is waited for
local QUIET = 100 -- milliseconds that WeeChat may be held up, on a machine that has nothing else to do

-- What the spec adds to the script: commands, and a timer that knows how long WeeChat was held up.
local ADDED = [[
local driver = require "wms.loop.waiting".driver
local last, greatest = driver:clock(), 0

function _G.spec_tick()
   local now = driver:clock()
   last, greatest = now, math.max(greatest, now - last)
   return weechat.WEECHAT_RC_OK
end
function _G.spec_command(what, buffer)
   if what == "careless" then
      loop.start("close_all", { server = "@room1" }, function(_, _, err)
         weechat.print(buffer, "spec\t" .. err.code)
      end)
   elseif what == "collect" then
      collectgarbage()
      weechat.print(buffer, ("spec\tcollected: %.0f KiB"):format(collectgarbage "count"))
   else
      weechat.print(buffer, ("spec\theld up for %.1f ms"):format(greatest * 1000))
      greatest = 0
   end
   return weechat.WEECHAT_RC_OK
end
weechat.hook_timer(10, 0, 0, "spec_tick", "")
for _, name in ipairs{ "careless", "collect", "held" } do
   weechat.hook_command(name, "", "", "", "", "spec_command", name)
end
]]

if not lab.wanted "weechat" then
   return
end

describe("weechat #once", function()
   local there, why = lab.available "weechat"
   if not there then
      it("unlocks rooms", function() pending(why) end)
      return
   end

   local school, folder, pid, signals, read

   --- Types a line.
   local function type_in(...)
      local fifo = assert(io.open(folder .. "/fifo", "w"))
      for _, line in ipairs{ ... } do
         fifo:write("*/", line, "\n")
      end
      fifo:close()
   end

   local function log()
      local file = assert(io.open(folder .. "/logs/core.weechat.weechatlog"))
      local text = file:read("*a")
      file:close()
      return text:sub(read + 1)
   end

   local function count(pattern)
      return select(2, log():gsub(pattern, ""))
   end

   local function await(pattern, times)
      kit.await(function() return count(pattern) >= (times or 1) end, nil, 60)
   end

   local function running()
      return school.machine:run("pgrep", "-x", "weechat-headles"):match("%d+")
   end

   local function start()
      school:follow "Use"
      pid = assert(running())
      read = 0
      await "verified"
   end

   local function begin_slow()
      school.lab01:on("StopLockingSession", { never = true, times = 0 })
      school.lab01:reset()
      type_in "room unlock room1"
      school.lab01:wait("StopLockingSession", 1)
   end

   setup(function()
      school = lab.up "weechat"
      folder = school.machine.root .. school.home .. "/.local/share/weechat"
      school:people()
      school:follow "Set-up"
      school:sh [[
         weechat-headless --daemon --no-script -r '/set fifo.file.path ${weechat_data_dir}/fifo'
         until [ -p ~/.local/share/weechat/fifo ]; do sleep 0.1; done]]
      pid = assert(running())
      signals = school:signals(pid)
      school.machine:check("kill", pid)
      kit.await(function() return not running() end, nil, 60)
      school:sh([[printf %s "$1" >> ~/.local/share/weechat/lua/autoload/rooms.lua]], ADDED)
      start()
   end)

   teardown(function()
      lab.down()
   end)

   before_each(function()
      school:people()
      read = read + #log()
   end)

   after_each(function()
      school.lab01:clear()
   end)

   it("unlocks rooms, of MultiPoint and of Linux hosts", function()
      type_in("room unlock room1", "room unlock room3", "room unlock room9")
      await "lab01%.school%.example bob verified"
      await "linux01%.school%.example alice verified"
      await "there is no such room"
      assert.is_false(school.lab01:sessions()[1].locked)
      assert.is_false(school.linux01:locked(school.alice))
   end)

   it("has a second wall", function()
      type_in "careless"
      await "ACCESS_DENIED"
   end)

   it("goes on while it waits for a host", function()
      begin_slow()
      type_in "held"
      await "held up"
      for _ = 1, MANY do
         type_in "room show room2"
      end
      await("lab03%.school%.example bob", MANY)
      type_in "held"
      await("held up", 2)
      local greatest = tonumber(log():match("held up.*held up for (%S+) ms"))
      assert.equal(0, count "lab01")
      school.lab01:clear()
      await "lab01%.school%.example bob verified"
      lab.report("weechat: held up for at most %.1f ms", greatest)
      if lab.all then
         assert.is_true(greatest < QUIET, greatest .. " ms")
      end
   end)

   it("loads the script anew while it waits", function()
      begin_slow()
      type_in "lua reload rooms"
      await "lab01%.school%.example bob cancelled"
      await 'registered script "rooms"'
      school.lab01:clear()
      type_in("room unlock room1", "room show room2")
      await "lab01%.school%.example bob verified"
      await "lab03%.school%.example bob"
   end)

   it("unlocks 200 times at once", function()
      local lines = {}
      for i = 1, 200 do
         lines[i] = "room unlock room1"
      end
      type_in((table.unpack or unpack)(lines)) -- luacheck: ignore 143
      await("lab01%.school%.example bob verified", 200)
   end)

   it("has as many descriptors and as much memory behind many commands as before, and its signals", function()
      school:steady(function()
         for _ = 1, lab.ROUND / 100 do
            local lines = {}
            for i = 1, 100 do
               lines[i] = "room unlock room2"
            end
            read = read + #log()
            type_in((table.unpack or unpack)(lines)) -- luacheck: ignore 143
            await("lab03%.school%.example bob verified", 100)
         end
         type_in "collect"
         await "collected: %d+ KiB"
         return { pid }, tonumber(log():match("collected: (%d+) KiB"))
      end)
      assert.equal(signals, school:signals(pid))
   end)

   it("is upgraded while it waits", function()
      begin_slow()
      type_in "upgrade"
      await "Upgrade done"
      assert.equal(pid, running())
      school.lab01:clear()
      type_in "room unlock room1"
      await "lab01%.school%.example bob verified"
   end)

   it("ends while it waits", function()
      begin_slow()
      type_in "quit"
      kit.await(function() return not running() end, nil, 60)
   end)
end)
