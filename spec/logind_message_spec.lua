-- SPDX-License-Identifier: MIT
--- Messages to sessions of Linux: as notifications on the bus of the session's user, and on text terminals.
local kit = require "spec.support.kit"
local mock = require "spec.support.mock"
local process = require "spec.support.process"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

local keep, sweep = kit.keeper()
local uid = process.run("id -u"):match("%d+")
local is_root = uid == "0"
local user = tonumber(is_root and process.run("id -u nobody") or uid) -- root can be any user that there is

describe("a message to a graphical session #once", function()
   local test = kit.needing(function(why) pending(why) end, mock.missing)
   local host

   after_each(function()
      sweep()
      kit.reset()
   end)

   local function room()
      host = keep(mock.new())
      host:run(([[add(1, "alice", %d, Type="wayland")]]):format(user))
      return host:desk(user)
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
         "'Exec=/bin/sh -c \"touch %s\"' >%s && kill -HUP %s"):format(mark, service, desk.bus))))
      kit.await(function()
         local err = fault(message{}) -- it ends at once, without the name
         return err.code == "UNSUPPORTED" and select(2, process.run("test -e " .. mark)) == 0
      end)
   end)

   test("is answered by what the service answers", function()
      local desk = room()
      desk:run"shows()"
      for answer, code in pairs{ ["org.freedesktop.DBus.Error.UnknownMethod"] = "UNSUPPORTED", ["org.odd.Error"] = "PROTOCOL",
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
