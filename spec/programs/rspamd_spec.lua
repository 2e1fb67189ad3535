-- SPDX-License-Identifier: MIT
--- rspamd with the rule of its example, in front of real hosts.
local TEACHER = "alice@school.example"

local function show(school, count, parallel, sender, room, user)
   return school:begin("python3", "-B", "spec/programs/mail.py", count, parallel, sender, room .. "@rooms.school.example",
      user or "")
end

--- Its workers that look at mails, those that only finish left out.
local function processes(school)
   local list = {}
   for pid in school.machine:run("pgrep", "-f", "^rspamd: normal process"):gmatch("%d+") do
      list[#list + 1] = pid
   end
   return list
end

--- With one worker, so that one that blocks is noticed, which gives a mail the time for which a host is held here.
local function start(school, again)
   school.machine:script([[
      if [ -n "$1" ]; then
         printf 'count = 1;\ntask_timeout = 300s;\n' > /etc/rspamd/local.d/worker-normal.inc
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
      return show(school, count, parallel, TEACHER, room, TEACHER)
   end,

   others = function(school, count)
      return school:begin("python3", "-B", "spec/programs/mail.py", count, 1, "ping")
   end,

   reload = function(school)
      school.machine:check("systemctl", "reload", "rspamd")
   end,

   careless = function(school)
      school.machine:script [[
         cp /etc/rspamd/rooms.lua /run/rooms.lua
         sed -i 's/"unlock_all"/"close_all"/; s/, verify = VERIFY//; s/room .. ": " .. message/select(3, wms.close_all("@room1")).code/' \
            /etc/rspamd/rooms.lua]]
      start(school, true)
      local said = show(school, 1, 1, TEACHER, "room1", TEACHER):counts().bodies.failed
      school.machine:script "mv /run/rooms.lua /etc/rspamd/rooms.lua"
      start(school, true)
      return said
   end,

   strangers = {
      function(school) return show(school, 1, 1, TEACHER, "room1"):counts().bodies.failed end,
      function(school) return show(school, 1, 1, TEACHER, "room1", "bob@school.example"):counts().bodies.failed end,
   },
   refused = "teachers unlock rooms",
})
