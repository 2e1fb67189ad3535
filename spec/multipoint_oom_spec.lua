-- SPDX-License-Identifier: MIT
--- Every allocation of ours for a MultiPoint host fails in turn: see spec/c/oom.c, and the scripts in spec/oom/multipoint.
local bound = require "spec.support.bound"
local process = require "spec.support.process"
local soap = require "spec.support.soap"

local build = os.getenv("WMS_BUILD") or "build"

bound.describe("without memory, on a MultiPoint host #once", pending, function()
   teardown(soap.sweep)

   --- A command that asks the host for the flags of session 3, and not us.
   local function hint(host)
      local request = soap.request(host, "IMultiPointSession", "GetSessionFlags", "<idSession>3</idSession>", "WmsControl")
      local file = soap.write("hint", soap.envelope(request))
      return ("sed s/%s/urn:uuid:$(cat /proc/sys/kernel/random/uuid)/ %s | "
         .. "curl -q -s -k --data-binary @- -H %s -H Expect: %s | "
         .. "sed -n 's/.*<pgrfSession>\\([0-9]*\\)<.*/\\1/p'"):format(request.id, file,
         process.quote(("Content-Type: %s; action=\"%s\""):format(request.type, request.action)), request.url)
   end

   for _, name in ipairs{ "bind", "sessions", "unlock", "unlock_all", "verify", "call", "thumbnail", "bind_events",
      "watch_events" } do
      it(name .. " ends with an error, and leaves nothing behind", function()
         local host = bound.stranger()
         host:account{ name = "n" }
         local _, environment = bound.folder()
         local port = bound.port()
         local events = ("bind{ events = { host_name = 'localhost', port = %d, address = '127.0.0.1' } }"):format(port)
         assert.same({ "", 0 }, { bound.script(host,
            ("assert(%s)"):format(name:find("events") and events or "bind{ management = true }"), environment) })
         local variables = {
            WMS_USER = host.admin, WMS_PASSWORD = host.password, WMS_FINGERPRINT = host.fingerprint, WMS_PORT = host.https,
            WMS_COUNT = 4, WMS_EVENTS = port, WMS_HINT = hint(host), LUA_CPATH = build .. "/5.4/?.so",
         }
         for variable, value in pairs(variables) do
            environment = environment .. " " .. variable .. "=" .. process.quote(value)
         end
         local output, code = process.run(("%s timeout 100 %s -s %s spec/oom/multipoint/%s.lua"):format(environment,
            process.program("oom"), host.server, name))
         assert.equal(0, code, output)
         local engine, runs = output:match("(%d+) of the engine: +(%d+) runs")
         -- Time decides how many connections there are, and with them allocations.
         assert.truthy(tonumber(engine) > 20 and tonumber(runs) > 1.5 * engine, output)
      end)
   end
end)
