-- SPDX-License-Identifier: MIT
--- Knot Resolver with what its example adds to it, in front of real hosts.

--- Tells a resolver something by its control socket, as `socat` does; returns its answer.
local function control(school, text)
   return school:begin("python3", "-B", "-c", [[
import socket, sys
control = socket.socket(socket.AF_UNIX)
control.connect(sys.argv[1])
control.sendall(b"__binary\n" + sys.argv[2].encode() + b"\n")
reply = b""
while len(reply) < 6 or len(reply) < 6 + int.from_bytes(reply[2:6], "big"):
    data = control.recv(65536)
    if not data:
        break
    reply += data
print(reply[6:].decode())]], school.machine.root .. "/run/knot-resolver/control/1", text):read()
end

require "spec.programs.http".spec("knot", {
   token = "/etc/knot-resolver/rooms.token",
   refused = 405,

   start = function(school)
      school.machine:script [[
         systemctl reset-failed kresd@1 2> /dev/null || :
         systemctl start kresd@1]]
   end,

   processes = function(school)
      return { (school.machine:run("systemctl", "show", "--value", "--property=MainPID", "kresd@1"):match("[1-9]%d*")) }
   end,

   reload = function(school)
      control(school, "dofile '/etc/knot-resolver/rooms.lua'")
   end,

   careless = function(school)
      return control(school, "select(3, require 'wms'.close_all '@room1').code")
   end,

   collect = function(school)
      return tonumber(control(school, "collectgarbage() and collectgarbage 'count'"):match("[%d.]+"))
   end,
})
