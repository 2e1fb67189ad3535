-- SPDX-License-Identifier: MIT
--- Every allocation of ours for a Veyon host fails in turn: see spec/c/oom.c, and the scripts in spec/oom/veyon.
local bound = require "spec.support.bound"
local process = require "spec.support.process"
local veyon = require "spec.support.veyon"

local build = os.getenv("WMS_BUILD") or "build"

veyon.describe("without memory, on a Veyon host #once", pending, function()
   for _, name in ipairs{ "bind", "sessions", "unlock", "verify", "call", "bind by HTTPS" } do
      it(name .. " ends with an error, and leaves nothing behind", function()
         local certificate, fingerprint
         if name:find("HTTPS", 1, true) then
            certificate, fingerprint = veyon.certificate()
         end
         -- Without memory nothing is given back: it is forgotten after a minute.
         local host = veyon.stranger({}, veyon.own{ set = { limit = 100000 }, tls = certificate })
         local _, environment = bound.folder()
         local variables = {
            WMS_KEY = veyon.key(), WMS_GATEWAY = host.gateway.url, WMS_COUNT = 2, LUA_CPATH = build .. "/5.4/?.so",
            WMS_FINGERPRINT = fingerprint,
         }
         for variable, value in pairs(variables) do
            environment = environment .. " " .. variable .. "=" .. process.quote(value)
         end
         local output, code = process.run(("%s %s -e %s"):format(environment, process.lua(), process.quote((
            "assert(require 'wms'.bind{ server = %q, key_name = 'lab', key_file = os.getenv 'WMS_KEY', "
            .. "gateway = os.getenv 'WMS_GATEWAY', fingerprint = os.getenv 'WMS_FINGERPRINT' })"):format(host.server))))
         assert.equal(0, code, output)
         output, code = process.run(("%s timeout 200 %s -s %s spec/oom/veyon/%s.lua"):format(environment,
            process.program("oom"), host.server, name:match("%S+")))
         assert.equal(0, code, output)
         local engine, runs = output:match("(%d+) of the engine: +(%d+) runs")
         assert.truthy(tonumber(engine) > 20 and tonumber(runs) > engine + 0, output)
      end)
   end
end)
