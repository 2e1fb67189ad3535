-- SPDX-License-Identifier: MIT
--- rspamd with the rule of its example, in front of real hosts.
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

--- With one worker, so that one that blocks is noticed.
local function start(school, again)
   school.machine:script([[
      if [ -n "$1" ]; then
         printf 'count = 1;\n' > /etc/rspamd/local.d/worker-normal.inc
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
         sed -i 's/or message)/or select(3, wms.close_all("@room1")).code)/
            s/"unlock_all"/"close_all"/
            s/, verify = VERIFY//' /etc/rspamd/rooms.lua]]
      start(school, true)
      local said = unlock(school, "room1", 1, 1, TEACHER):counts().bodies.failed
      school.machine:script "mv /run/rooms.lua /etc/rspamd/rooms.lua"
      start(school, true)
      return said
   end,

   strangers = {
      function(school) return unlock(school, "room1", 1, 1, ""):counts().bodies.failed end,
      function(school) return unlock(school, "room1", 1, 1, "bob@school.example"):counts().bodies.failed end,
   },
   refused = "teachers unlock rooms",
})
