-- SPDX-License-Identifier: MIT
--- Veyon hosts for the specs: one gateway that plays them (spec/host/veyon), a key, and bindings in memory.
local busted = require "busted"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local veyon = require "spec.host.veyon"
local wms = kit.wms
local describe, it, after_each, teardown = busted.describe, busted.it, busted.after_each, busted.teardown

local support = { features = veyon.features, pem = veyon.pem }
local gateway, folder
local serial = 0
local others = {}

--- What wms.bind has kept.
support.store = kit.store()

--- nil, or why there can be no such hosts.
function support.missing()
   local ok, why = veyon.available()
   if not ok then
      return why
   end
   return not wms.load "veyon" and "the provider veyon is not built (see what `make` left out)" or nil
end

function support.is_root()
   return process.run("id -u"):match("%d+") == "0"
end

--- A file in a folder that goes with the spec.
function support.file(name, text, mode)
   folder = folder or process.run("mktemp -d"):match("%S+")
   local path = folder .. "/" .. name
   local file = assert(io.open(path, "w"))
   file:write(text)
   file:close()
   process.run(("chmod %s %s"):format(mode or "600", path))
   return path
end

--- The key that hosts take.
function support.key()
   return support.file("key", veyon.pem)
end

--- A certificate of nobody's: the file with it and its key, and its fingerprint.
function support.certificate()
   local file = support.file("certificate", "")
   local output, code = process.run((("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=gateway "
      .. "-keyout %s.key -out %s.crt 2>&1 && cat %s.key %s.crt > %s"):gsub("%%s", file)))
   assert(code == 0, output)
   return file, process.run("openssl x509 -noout -fingerprint -sha256 -in " .. file):match("=([%x:]+)")
end

--- The gateway of all tests; a silent host is given up after half a second.
function support.gateway()
   if not gateway then
      gateway = veyon.start{ set = { authentication = 500 } }
   end
   return gateway
end

--- A gateway of its own, for one test.
function support.own(options)
   local own = veyon.start(options)
   others[#others + 1] = own
   return own
end

--- What wms.bind wants for a host.
function support.binding(host, more)
   local options = {
      server = type(host) == "table" and host.server or host, key_name = "lab", key_file = support.key(),
      gateway = (host.gateway or support.gateway()).url,
   }
   for key, value in pairs(more or {}) do
      options[key] = value
   end
   return options
end

function support.use()
   wms.configure{ store = support.store }
end

--- A host that nobody is bound to; `settings` are those of spec/host/veyon/model.py.
function support.stranger(settings, on)
   serial = serial + 1
   local whole = { name = "lab" .. serial }
   for key, value in pairs(settings or {}) do
      whole[key] = value
   end
   support.use()
   return (on or support.gateway()):host(whole)
end

--- A host that this client is bound to, on which nothing was done yet.
function support.host(settings, on)
   local host = support.stranger({}, on)
   assert(wms.bind(support.binding(host)))
   if settings then
      host:set(settings)
   end
   host.gateway:reset()
   return host
end

--- How many commands for that feature have been answered, with `active` "true" or "false".
function support.commands(host, feature, active)
   local count = 0
   for _, entry in ipairs(host.gateway:log()) do
      if entry.operation == "set" and entry.host == host.name and (entry.feature or ""):lower() == veyon.features[feature]
         and (not active or entry.active == active) then
         count = count + 1
      end
   end
   return count
end

--- `describe` for specs that need a gateway; `skip` is the spec's `pending`.
function support.describe(title, skip, body)
   describe(title, function()
      local why = support.missing()
      if why then
         it("needs a gateway", function() skip(why) end)
         return
      end
      after_each(function()
         kit.reset()
         for i = #others, 1, -1 do
            others[i]:stop()
            others[i] = nil
         end
         if gateway then
            gateway:clear()
            gateway:set{ limit = 32 }
         end
      end)
      teardown(function()
         if gateway then
            gateway:stop()
            gateway = nil
         end
         if folder then
            process.run("rm -r " .. folder)
            folder = nil
         end
      end)
      body()
   end)
end

-- ---------------------------------------------------------------- the contract's adapter

local VERBS = { unlock = "screen_lock", lock = "screen_lock", close = "logoff", message = "message", reboot = "reboot",
   power_off = "power_down_now" }
local unknown, contract_id = 5000, 0

support.contract = {
   name = "veyon", single = true, missing = support.missing,
   can = {
      close = true, no_disconnect = true, lock_report = true, deaf = true, message = true, ends = true, pictures = true,
      mute = true, asks_first = true,
   },
}

function support.contract.host(options)
   local wanted = options.sessions[1]
   local settings = wanted and { user = wanted.user or "user1", greeter = 1, deaf = wanted.deaf and 1 or 0 }
      or { user = "", greeter = 1 }
   contract_id = contract_id + 1 -- ids that are told apart
   local host = support.stranger{ name = ("room%d:%d"):format(contract_id, 11100 + contract_id), session_id = contract_id }
   assert(wms.bind(support.binding(host)))
   host:set(settings)
   host.gateway:reset()
   local room = { server = host.server, ids = wanted and { contract_id } or {}, users = wanted and { settings.user } or {} }
   local function command(active)
      assert(wms.call{ server = host.server, interface = "Feature", operation = "ScreenLock",
         arguments = { active = active } })
   end

   function room.unknown_id()
      unknown = unknown + 1
      return unknown
   end
   function room.lock() command(true) end
   function room.unlock() command(false) end
   function room.drop() host:log_off() end
   function room.locked() return host:state().locked == 1 end
   function room.exists() return host:state().user ~= "" end
   function room.disconnected() return false end
   function room.asked(verb)
      if verb == "thumbnail" then
         return 0
      end
      local active = verb == "unlock" and "false" or "true"
      local count = 0
      for name, feature in pairs(verb and { [verb] = VERBS[verb] } or VERBS) do
         count = count + support.commands(host, feature, verb and active or name == "unlock" and "false" or "true")
      end
      return count
   end
   function room.mute() host.gateway:on("*", { host = host.name, never = 1, times = 0 }) end
   if wanted and wanted.locked then
      host:set{ deaf = 0 }
      command(true)
      host:set{ deaf = wanted.deaf and 1 or 0 }
      host.gateway:reset()
   end
   return room
end

function support.contract.unreachable()
   local host = support.host()
   host:restart "off"
   return host.server
end

function support.contract.sweep()
end

return support
