-- SPDX-License-Identifier: MIT
--- Prosody with the component of its example, in front of real hosts.
local assert = require "luassert"
local busted = require "busted"

local it = busted.it

local TEACHER, PUPIL, PASSWORD = "alice@school.example", "bob@school.example", "a good password"

local function say(school, room, text, count, parallel, who)
   return school:begin("python3", "-B", "spec/programs/xmpp.py", who or TEACHER, PASSWORD, "say", count or 1, parallel or 1,
      room .. "@rooms.school.example", text)
end

local function main(school)
   return { (school.machine:run("systemctl", "show", "--value", "--property=MainPID", "prosody"):match("[1-9]%d*")) }
end

-- A component whose handlers of stanzas and HTTP requests wait themselves.
local WAITING = [[
   local loop = require "wms.loop.prosody"
   module:hook("message/bare", function(event)
      local stanza = event.stanza
      local outcomes, message = loop.call("unlock_all", { server = "@" .. require "util.jid".node(stanza.attr.to) })
      module:send(require "util.stanza".message({ type = "chat", from = stanza.attr.to, to = stanza.attr.from },
         outcomes and #outcomes .. " open" or message))
      return true
   end)
   module:depends "http"
   module:provides("http", { route = { ["POST /unlock"] = function()
      local outcomes, message = loop.call("unlock_all", { server = "@room2" })
      return outcomes and #outcomes .. " open" or message
   end } })]]

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
      for try in $(seq 500); do # until it takes SIGHUP, and whoever comes
         pid=$(systemctl show --value --property=MainPID prosody)
         ! grep -q '^SigCgt:.*[13579bdf]$' /proc/$pid/status || [ -z "$(ss -Hltn sport = :5222)" ] || exit 0
         sleep 0.05
      done
      exit 1]]
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
      return tonumber(school.machine:check("prosodyctl", "shell", "> collectgarbage() and collectgarbage 'count'")
         :match("Result: ([%d.]+)"))
   end,

   strangers = {
      function(school) return say(school, "room1", "unlock", 1, 1, PUPIL):counts().bodies.failed end,
   },
   refused = "Teachers talk to rooms",

   more = function(get_school, begin_slow)
      it("lets handlers of stanzas, HTTP requests and the shell's commands wait", function()
         local school = get_school()
         school.machine:script([[
            echo "$1" > /usr/local/lib/prosody/modules/mod_waiting.lua
            echo 'Component "waiting.school.example" "waiting"' > /etc/prosody/conf.d/waiting.cfg.lua
            systemctl reload prosody
            prosodyctl shell host activate waiting.school.example]], WAITING)
         school.lab01:on("StopLockingSession", { never = true, times = 0 })
         school.lab01:reset()
         local slow = school:begin("python3", "-B", "spec/programs/xmpp.py", TEACHER, PASSWORD, "say", 1, 1,
            "room1@waiting.school.example", "unlock")
         school.lab01:wait("StopLockingSession", 1)
         assert.equal(1, say(school, "room2", "unlock"):counts().done)
         local status, body = school:request("http://127.0.0.1:5280/waiting/unlock", { method = "POST",
            headers = { "Host: waiting.school.example" } }):answer()
         assert.same({ 200, "2 open" }, { status, body })
         assert.matches("Result: 2", school.machine:check("prosodyctl", "shell",
            "> #require 'wms.loop.prosody'.call('unlock_all', '@room2')"))
         assert.is_true(slow:running())
         school.lab01:clear()
         local counts = slow:counts()
         assert.equal(1, counts.done, counts.text)
      end)

      it("answers who waits when it stops", function()
         local slow = begin_slow()
         get_school().machine:check("systemctl", "stop", "prosody")
         local counts = slow:counts()
         assert.equal(1, counts.failed, counts.text)
         start(get_school(), true)
      end)
   end,
})
