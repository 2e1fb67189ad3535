-- SPDX-License-Identifier: MIT
--- rspamd with the rule of its example, in front of real hosts.
local assert = require "luassert"
local busted = require "busted"
local kit = require "spec.support.kit"

local it = busted.it

local TEACHER = "alice@school.example"

--- Its workers that look at mails, those that only finish left out.
local function processes(school)
   local list = {}
   for pid in school.machine:run("pgrep", "-f", "^rspamd: normal process"):gmatch("%d+") do
      list[#list + 1] = pid
   end
   return list
end

local function unlock(school, room, count, parallel, user)
   return school:begin("python3", "-B", "spec/programs/mail.py", "unlock", count, parallel, room, user,
      school.machine.root .. "/var/log/rspamd/rspamd.log", ("%s/proc/%s"):format(school.machine.root, processes(school)[1]))
end

--- With one worker, so that one that blocks is noticed, and which collects garbage behind every 50 mails (4 ms).
local function start(school, again)
   school.machine:script([[
      if [ -n "$1" ]; then
         printf 'count = 1;\n' > /etc/rspamd/local.d/worker-normal.inc
         printf 'full_gc_iters = 50;\n' > /etc/rspamd/local.d/options.inc
         systemctl restart rspamd
      else
         systemctl reset-failed rspamd
         systemctl start rspamd
      fi
      for try in $(seq 600); do ! curl -s http://127.0.0.1:11333/ping || exit 0; sleep 0.1; done
      exit 1]], again and "again" or "")
end

require "spec.programs.serving".spec("rspamd", {
   start = start,
   processes = processes,

   unlock = function(school, room, count, parallel)
      return unlock(school, room, count, parallel, TEACHER)
   end,

   others = function(school, count)
      return school:begin("python3", "-B", "spec/programs/mail.py", "ping", count)
   end,

   careless = function(school)
      school.machine:script [[
         cp /etc/rspamd/rooms.lua /run/rooms.lua
         sed -i 's/or message)/or err.code)/
            s/(outcomes, message)/(outcomes, message, err)/
            s/"unlock_all"/"close_all"/
            s/, verify = VERIFY//' /etc/rspamd/rooms.lua]]
      start(school, true)
      local said = unlock(school, "room1", 1, 1, TEACHER):counts().bodies.failed
      school.machine:script "mv /run/rooms.lua /etc/rspamd/rooms.lua"
      start(school, true)
      return said
   end,

   -- As its log tells whenever it has collected garbage: what is allocated, and what Lua has besides.
   collect = function(school)
      local allocated, lua = school.machine:check("grep", "perform full gc cycle", "/var/log/rspamd/rspamd.log")
         :match(".*memory stats: ([%d.]+)MiB allocated,.*; lua memory: %d+ kb %-> (%d+) kb")
      return allocated * 1024 + lua
   end,

   strangers = {
      function(school) return unlock(school, "room1", 1, 1, ""):counts().bodies.failed end,
      function(school) return unlock(school, "room1", 1, 1, "bob@school.example"):counts().bodies.failed end,
   },
   refused = "teachers unlock rooms",

   more = function(get_school, begin_slow)
      it("takes its rules anew in another worker, and loses what is under way", function()
         local school = get_school()
         local slow, old = begin_slow(), processes(school)
         school.machine:check("systemctl", "reload", "rspamd")
         kit.await(function()
            local new = processes(school)
            return #new == 1 and new[1] ~= old[1]
         end, nil, 60)
         local counts = unlock(school, "room2", 5, 1, TEACHER):counts()
         assert.equal(5, counts.done, counts.text)
         school.lab01:clear()
         counts = slow:counts()
         assert.is_nil(counts.done, counts.text)
      end)
   end,
})
