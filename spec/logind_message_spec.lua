-- SPDX-License-Identifier: MIT
--- Messages to sessions of Linux: as notifications on the bus of the session's user, and on text terminals.
local kit = require "spec.support.kit"
local logind = require "spec.support.logind"
local mock = require "spec.support.mock"
local process = require "spec.support.process"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

local keep, sweep = kit.keeper()
local uid, user, is_root = mock.own_uid, mock.user, mock.is_root

describe("a message to a graphical session #once", function()
   local test = kit.needing(function(why) pending(why) end, mock.missing)
   local host

   after_each(function()
      sweep()
      kit.reset()
   end)

   local function room()
      local desk
      host, desk = mock.with_screen("wayland")
      keep(host)
      return desk
   end

   local function message(options)
      options.session_ids, options.server = 1, host.server
      options.message = options.message or "m"
      return wms.message(options)
   end

   --- What the service got: app, summary, body, urgency, expiry.
   local function shown(desk)
      local list = {}
      for i, call in ipairs(desk:calls("Notify")) do
         list[i] = call:match("^Notify%((.*)%)$")
      end
      return list
   end

   test("is an urgent notification that stays", function()
      local desk = room()
      desk:run"shows()"
      local outcome = fine(message{ title = "Lab 1", message = "Ten minutes\nleft" })[1]
      assert.same({ "requested", "alice" }, { outcome.state, outcome.user_name })
      fine(message{ message = "x" })
      assert.same({ "wms|Lab 1|Ten minutes~left|2|-1", "wms|Message|x|2|-1" }, shown(desk))
      assert.equal(0, #host:actions())
   end)

   test("shows what looks like markup as it stands, where the service reads markup and where not", function()
      local desk = room()
      desk:run"shows()"
      fine(message{ title = "<b>&", message = "if a < b && c > d: \"quote\" <img src='x'>" })
      desk:run'capabilities = ["body"]'
      fine(message{ title = "t", message = "a < b & c" })
      desk:run"capabilities = []"
      fine(message{ title = "t", message = "a < b & c" })
      fine(message{ message = "a < b & c" })
      assert.same({
         "wms|<b>&|if a &lt; b &amp;&amp; c &gt; d: \"quote\" &lt;img src='x'&gt;|2|-1",
         "wms|t|a < b & c|2|-1", "wms|t: a < b & c||2|-1", "wms|a < b & c||2|-1",
      }, shown(desk))
   end)

   test("may be as long as a message can be", function()
      local desk = room()
      desk:run"shows()"
      fine(message{ message = ("&"):rep(65536) })
      assert.equal("wms|Message|" .. ("&amp;"):rep(65536) .. "|2|-1", shown(desk)[1])
   end)

   test("is unsupported where nobody shows notifications, or the user has no bus, and tells why", function()
      room()
      local err = fault(message{})
      assert.equal("UNSUPPORTED", err.code)
      assert.truthy(err.message:find("nobody shows notifications in this session", 1, true), err.message)
      assert.equal("failed", err.outcomes[1].state)
      host:run[[add(1, "bob", 54321, Type="x11")]]
      err = fault(message{})
      assert.equal("UNSUPPORTED", err.code)
      assert.truthy(err.message:find("has no bus", 1, true), err.message)
      for _, change in ipairs{ [[Type="web"]], [[Type="tty"]], [[Type="tty", TTY=""]], [[Type="unspecified"]] } do
         host:run(([[add(1, "carol", 54322, %s)]]):format(change))
         err = fault(message{})
         assert.equal("UNSUPPORTED", err.code)
         assert.truthy(err.message:find("neither a screen nor a text terminal", 1, true), err.message)
      end
   end)

   test("starts the service that the user's bus knows", function()
      local desk = room()
      local mark = desk.folder .. "/started"
      local service = desk.folder .. "/services/org.freedesktop.Notifications.service"
      assert.equal(0, select(2, process.run(("printf '%%s\\n' '[D-BUS Service]' Name=org.freedesktop.Notifications " ..
         "'Exec=/bin/sh -c \"touch %s; exit 1\"' >%s && kill -HUP %s"):format(mark, service, desk.bus))))
      kit.await(function()
         local err = fault(message{}) -- it ends without the name
         return err.code == "UNSUPPORTED" and select(2, process.run("test -e " .. mark)) == 0
      end)
   end)

   test("is answered by what the service answers", function()
      local desk = room()
      desk:run"shows()"
      for answer, code in pairs{ ["org.freedesktop.DBus.Error.UnknownMethod"] = "UNSUPPORTED",
         ["org.odd.Error"] = "PROTOCOL",
         ["org.freedesktop.DBus.Error.Spawn.ChildExited"] = "UNSUPPORTED", text = "PROTOCOL" } do
         desk:run(("notify = %q"):format(answer))
         local err = fault(message{})
         assert.same({ code, "failed" }, { err.code, err.outcomes[1].state }, answer)
      end
   end)

   test("without an answer is unknown: a timeout, a service that goes, a bus that does", function()
      local desk = room()
      desk:run"shows()\nnotify = 'silent'"
      local err = fault(message{ timeout = 1 })
      assert.same({ "TIMEOUT", "unknown" }, { err.code, err.outcomes[1].state })
      assert.equal(1, #shown(desk))
      for _, how in ipairs{ "program", "bus" } do
         local before = #shown(desk)
         local request = keep(wms.start("message", { session_ids = 1, server = host.server, message = "m", timeout = 60 }))
         kit.pump(request, function() return #shown(desk) > before end)
         process.run("kill -KILL " .. desk[how])
         err = fault(kit.finish(request):result())
         assert.equal("unknown", err.outcomes[1].state)
         desk = how == "program" and room() or desk
         if how == "program" then
            desk:run"shows()\nnotify = 'silent'"
         end
      end
   end)

   test("to a user who stops his bus was not sent when it times out", function()
      local desk = room()
      process.run("kill -STOP " .. desk.bus)
      local err = fault(message{ timeout = 0.5 })
      process.run("kill -CONT " .. desk.bus)
      assert.same({ "TIMEOUT", "failed" }, { err.code, err.outcomes[1].state })
   end)

   test("is not sent to another session that has got the id, nor to one that is no user's", function()
      local desk = room()
      desk:run"shows()"
      local session = fine(wms.sessions(host.server))[1]
      host:run(([[add(1, "alice", %d, Type="x11", Timestamp=dbus.UInt64(1800000000000000))]]):format(user))
      assert.equal("NOT_FOUND", fault(wms.message{ session_ids = session, message = "m" }).code)
      host:run(([[add(1, "alice", %d, Type="x11", Class="greeter")]]):format(user))
      assert.equal("ACCESS_DENIED", fault(message{}).code)
      assert.equal(0, #shown(desk))
   end)
end)

describe("a message to a text terminal that is odd #once", function()
   local test = kit.needing(function(why) pending(why) end, mock.missing)
   local host, name

   after_each(function()
      sweep()
      kit.reset()
   end)

   --- What becomes of it; `make` is a shell command that makes the terminal, $1.
   local function sent(tty, make)
      host = host or keep(mock.new())
      name = host.folder .. "/dev/" .. tty
      process.run(("mkdir -p %s/dev/pts; set -- %s; %s"):format(host.folder, process.quote(name), make or ":"))
      host:run(("add(1, 'alice', %d, TTY='%s')"):format(uid, tty))
      local err = fault(wms.message{ session_ids = 1, server = host.server, message = "SECRET" })
      assert.equal("failed", err.outcomes[1].state)
      return err.code .. ": " .. err.message:match("session 1: (.*)$")
   end

   test("is not sent to what is no terminal of the session's user", function()
      host = nil
      for _, tty in ipairs{ "../etc/passwd", "pts/../pts/0", "/etc/passwd", "pts/", "pts/0/1", "a b", ".",
         "null", "sda", "kmsg", "tty", "ttyS", "pts/x", "tty1x", "console1", ("t"):rep(100), "tty" .. ("1"):rep(100) } do
         assert.equal("UNSUPPORTED: the session's terminal has no name of a terminal", sent(tty), tty)
      end
      assert.equal("UNSUPPORTED: the session's terminal is not there any more", sent"tty1")
      assert.equal("UNSUPPORTED: the session's terminal is none", sent("tty2", ': >"$1"'))
      assert.equal("", process.run("cat " .. name))
      assert.equal("UNSUPPORTED: the session's terminal is none", sent("tty3", 'ln -s tty2 "$1"'))
      assert.equal("", process.run("cat " .. name))
      assert.equal("UNSUPPORTED: the session's terminal is not there any more", sent("tty4", 'mkfifo "$1"')) -- nobody reads
      assert.equal("UNSUPPORTED: the session's terminal is none", sent("pts/5", 'mkdir "$1"'))
      if is_root then
         assert.equal("UNSUPPORTED: the session's terminal is none", sent("tty6", 'cp -a /dev/null "$1"'))
      end
   end)
end)

describe("a message to a text terminal #once", function()
   teardown(logind.down)

   after_each(function()
      kit.reset()
      logind.sweep()
   end)

   local test = kit.needing(function(why) pending(why) end, logind.missing)

   local function room(...)
      return logind.host{ sessions = { ... } }
   end

   local function tty(host, i)
      return host.machine:check("loginctl", "show-session", "-p", "TTY", "--value", tostring(host.ids[i])):match("%S+")
   end

   test("is shown with its title, and as text only", function()
      local host = room{ user = "alice" }
      fine(wms.message{ session_ids = host.ids, server = host.server, title = "Lab 1",
         message = "Ten minutes\nleft: \195\164" })
      kit.await(function() return host.shown():find("left", 1, true) end)
      assert.equal("\r\n\aLab 1:\r\n\r\nTen minutes\r\nleft: \195\164\r\n\r\n", host.shown())
      local before = #host.shown()
      fine(wms.message{ session_ids = host.ids, server = host.server,
         message = "a\tb\r\nc\rd\27]0;x\7e\127f\194\155g\1" })
      kit.await(function() return host.shown():find("^A", before, true) end)
      assert.equal("\r\n\aMessage:\r\n\r\na\tb\r\nc^Md^[]0;x^Ge^?f?g^A\r\n\r\n", host.shown():sub(before + 1))
   end)

   test("is not shown on one that is somebody else's by now", function()
      local host = room({ user = "alice" }, { user = "bob" })
      host.machine:check("chown", "bob", "/dev/" .. tty(host, 1))
      local err = fault(wms.message_all{ server = host.server, message = "m" })
      assert.same({ "UNSUPPORTED", "nil" }, kit.sorted(pluck(err.outcomes, "error", "code"))) -- the order is the host's
      assert.truthy(err.message:find("somebody else's", 1, true), err.message)
      kit.await(function() return host.asked("message") == 1 end)
   end)

   test("that takes no more is not waited for without end", function()
      local host = room{ user = "alice" }
      local pids = host.machine:script"pgrep -x script | tr '\\n' ' '"
      host.machine:check("sh", "-c", "kill -STOP " .. pids)
      local err = fault(wms.message{ session_ids = host.ids, server = host.server, message = ("x"):rep(65536),
         timeout = 60 })
      host.machine:check("sh", "-c", "kill -CONT " .. pids)
      assert.same({ "TIMEOUT", "unknown" }, { err.code, err.outcomes[1].state })
      assert.truthy(err.message:find("has taken a part of the message", 1, true), err.message)
   end)

   test("by a user reaches his own, unless he takes none, and nobody else's", function()
      local host = room({ user = "alice" }, { user = "bob" })
      if process.sanitized() then
         pending("a test host has no library of the sanitizers")
         return
      end
      host.machine:put(process.module("wms"), "/opt/wms/wms.so")
      host.machine:put(process.module("wms.logind"), "/opt/wms/wms/logind.so")
      local function codes(who)
         local output = host.machine:run_as(who, "env", "LUA_CPATH=/opt/wms/?.so", "lua5.4", "-e", ([[
            local list, _, err = require("wms").message{ session_ids = { %d, %d }, message = "m" }
            for _, o in ipairs(list or err.outcomes) do print(o.error and o.error.code or o.state) end]])
            :format(host.ids[1], host.ids[2]))
         return output
      end
      assert.equal("requested\nACCESS_DENIED\n", codes("alice"))
      host.machine:check("chmod", "g-w", "/dev/" .. tty(host, 1)) -- as mesg n does
      assert.equal("ACCESS_DENIED\nACCESS_DENIED\n", codes("alice"))
      assert.equal("requested\nrequested\n", codes("root"))
      kit.await(function() return host.asked("message") == 3 end)
   end)
end)
