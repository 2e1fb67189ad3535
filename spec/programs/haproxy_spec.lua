-- SPDX-License-Identifier: MIT
--- HAProxy in its chroot, set up by the README of its example, in front of real hosts.
local assert = require "luassert"
local busted = require "busted"
local logind = require "spec.support.logind"

local it = busted.it

local function numbers(text, pattern)
   local list = {}
   for number in text:gmatch(pattern) do
      list[#list + 1] = number
   end
   return list
end

require "spec.programs.http".spec("haproxy", {
   unit = "haproxy",
   token = "/etc/haproxy/rooms.token",
   refused = 404,

   prepare = [[
      cat > /etc/haproxy/spec.lua <<'END'
         local function say(name, text_of)
            core.register_service(name, "http", function(applet)
               local text = text_of()
               applet:set_status(200)
               applet:add_header("content-length", tostring(#text))
               applet:start_response()
               applet:send(text)
            end)
         end
         say("careless", function()
            local _, _, err = require "wms.loop.haproxy".call("close_all", { server = "@room1" })
            return err.code
         end)
         say("collect", function()
            collectgarbage()
            return tostring(collectgarbage "count")
         end)
END
      cat > /etc/haproxy/spec.cfg <<'END'
global
    nbthread 1
    lua-load /etc/haproxy/spec.lua
frontend spec
    bind 127.0.0.1:8089
    http-request use-service lua.careless if { path /careless }
    http-request use-service lua.collect if { path /collect }
END
      sed -i 's|rooms.cfg|rooms.cfg -f /etc/haproxy/spec.cfg|' /etc/systemd/system/haproxy.service.d/rooms.conf
      systemctl daemon-reload
      systemctl restart haproxy]],

   -- Before it is set up it listens nowhere; later, those that only finish have let the listening sockets go.
   processes = function(school)
      local list = numbers(school.machine:run("ss", "-Hltnp", "sport = :8080"), "pid=(%d+)")
      if #list > 0 then
         return list
      end
      return numbers(school.machine:script "pgrep -P \"$(systemctl show -P MainPID haproxy)\" || :", "%d+")
   end,

   -- In its chroot it has no ssh: this machine's own sessions.
   linux = function(school)
      local session = school.machine:session{ user = "alice" }
      logind.start_locker(school.machine)
      school.machine:set_hint(session, true)
      return "here", school.machine, session
   end,

   more = function(school)
      it("says what is wrong where it may start no threads", function()
         local function restart(how)
            school().machine:script(('sed -i "%s" /etc/haproxy/rooms.cfg && systemctl restart haproxy'):format(how))
         end
         restart "s/insecure-fork-wanted/# &/"
         local said = school():sh("curl -sS -X POST -H \"Authorization: $(cat /etc/haproxy/rooms.token)\" "
            .. "http://127.0.0.1:8080/rooms/room1/unlock")
         restart "s/# insecure-fork-wanted/insecure-fork-wanted/"
         assert.truthy(said:find("no thread can be started", 1, true), said)
      end)
   end,
})
