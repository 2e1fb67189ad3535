-- SPDX-License-Identifier: MIT
--- Prosody with the component of its example, in front of real hosts.
local TEACHER, PUPIL, PASSWORD = "alice@school.example", "bob@school.example", "a good password"

local function say(school, room, text, count, parallel, who)
   return school:begin("python3", "-B", "spec/programs/xmpp.py", who or TEACHER, PASSWORD, "say", count or 1, parallel or 1,
      room .. "@rooms.school.example", text)
end

local function main(school)
   return { (school.machine:run("systemctl", "show", "--value", "--property=MainPID", "prosody"):match("[1-9]%d*")) }
end

--- A pupil has an account, too, and the messages of a whole day come within seconds.
local function start(school, again)
   if again then
      school.machine:script([[
         prosodyctl register bob school.example "$1"
         sed -i 's/rate = "10kb\/s"/rate = "10mb\/s"/' /etc/prosody/prosody.cfg.lua]], PASSWORD)
   end
   school.machine:script [[
      systemctl reset-failed prosody
      systemctl restart prosody
      for try in $(seq 500); do [ -z "$(ss -Hltn sport = :5222)" ] || break; sleep 0.02; done]]
end

require "spec.programs.serving".spec("prosody", {
   start = start,
   processes = main,

   unlock = function(school, room, count, parallel)
      return say(school, room, "unlock", count, parallel)
   end,

   others = function(school, count)
      return school:begin("python3", "-B", "spec/programs/xmpp.py", PUPIL, PASSWORD, "ping", count)
   end,

   reload = function(school)
      school.machine:script([[
         systemctl reload prosody
         prosodyctl shell module reload rooms rooms.school.example]])
   end,

   careless = function(school)
      return school.machine:check("prosodyctl", "shell", "> select(3, require 'wms'.close_all '@room1').code")
   end,

   collect = function(school)
      school.machine:check("prosodyctl", "shell", "> collectgarbage()")
   end,

   strangers = {
      function(school) return say(school, "room1", "unlock", 1, 1, PUPIL):counts().bodies.failed end,
   },
   refused = "Teachers talk to rooms",
})
