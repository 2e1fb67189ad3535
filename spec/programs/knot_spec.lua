-- SPDX-License-Identifier: MIT
--- Knot Resolver with what its example adds to it, in front of real hosts.
local URL = "http://127.0.0.1:8080"

local function with_token(school, more)
   local token = school.machine:check("cat", "/etc/knot-resolver/rooms.token"):match("%S+")
   local options = { method = "POST", headers = { "Authorization: Bearer " .. token } }
   for key, value in pairs(more or {}) do
      options[key] = value
   end
   return options
end

local function ask(url, options)
   return function(school)
      local status, body = school:request(URL .. url, options or with_token(school)):answer()
      return ("%d %s"):format(status, body)
   end
end

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

require "spec.programs.serving".spec("knot", {
   start = function(school)
      school.machine:script [[
         systemctl reset-failed kresd@1 2> /dev/null || :
         systemctl start kresd@1]]
   end,

   processes = function(school)
      return { (school.machine:run("systemctl", "show", "--value", "--property=MainPID", "kresd@1"):match("[1-9]%d*")) }
   end,

   unlock = function(school, room, count, parallel)
      return school:requests(count, ("%s/rooms/%s/unlock"):format(URL, room), with_token(school, { parallel = parallel }))
   end,

   well = "200",

   others = function(school, count)
      return school:requests(count, URL .. "/")
   end,

   reload = function(school)
      control(school, "dofile '/etc/knot-resolver/rooms.lua'")
   end,

   careless = function(school)
      return control(school, "select(3, require 'wms'.close_all '@room1').code")
   end,

   collect = function(school)
      control(school, "collectgarbage()")
   end,

   strangers = {
      ask("/rooms/room1/unlock", { method = "POST" }),
      ask("/rooms/room1/unlock", { method = "POST", headers = { "Authorization: Bearer x" } }),
      function(school) return ask("/rooms/room1/unlock", with_token(school, { method = "GET" }))(school) end,
   },
   refused = "^40[15] ",
})
