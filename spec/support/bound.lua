-- SPDX-License-Identifier: MIT
--- MultiPoint test hosts for the specs of what may go wrong: new for each test, and bound to in memory.
local busted = require "busted"
local kit = require "spec.support.kit"
local mp = require "spec.host.multipoint"
local process = require "spec.support.process"
local wms = kit.wms
local describe, it, after_each = busted.describe, busted.it, busted.after_each

local bound = {}
local park
local serial = 0
local hosts, folders = {}, {}

--- Bindings by server, as a script's own store has them.
bound.kept = {}

local store = {
   load = function(server) return bound.kept[server] end,
   save = function(server, text) bound.kept[server] = text end,
   remove = function(server) bound.kept[server] = nil end,
   list = function()
      local list = {}
      for server in pairs(bound.kept) do
         list[#list + 1] = server
      end
      return list
   end,
}

--- nil, or why there can be no such hosts.
function bound.missing()
   local ok, why = mp.available()
   if not ok then
      return why
   end
   return not wms.load "multipoint" and "the provider is not built (see what `make` left out)" or nil
end

--- `describe` for specs that need a host; `skip` is the spec's `pending`.
function bound.describe(text, skip, body)
   describe(text, function()
      local why = bound.missing()
      if why then
         it("works", function() skip(why) end)
         return
      end
      busted.setup(bound.up)
      after_each(bound.sweep)
      busted.teardown(bound.down)
      body()
   end)
end

function bound.up()
   park = park or mp.start()
   wms.configure{ store = store }
end

function bound.sweep()
   for i = #hosts, 1, -1 do
      if park[hosts[i].name] then
         hosts[i]:down()
      end
      hosts[i] = nil
   end
   for i = #folders, 1, -1 do
      process.run("rm -rf " .. process.quote(folders[i]))
      folders[i] = nil
   end
   bound.kept = {}
   wms.configure{ store = store, log = false, allow = false, timeout = 30, answer_size = 8000000, connections = 4 }
end

function bound.down()
   bound.sweep()
   wms.configure{ store = false }
   park:stop()
   park = nil
end

--- A host that nobody is bound to, with the sessions 3 (locked), 4 and 5, and 7, an administrator's.
function bound.stranger(options)
   local wanted = { subject = "127.0.0.1" }
   for key, value in pairs(options or {}) do
      wanted[key] = value
   end
   serial = serial + 1
   wanted.name = "host" .. serial
   local host = park:host(wanted)
   hosts[#hosts + 1] = host
   host.server = ("multipoint://%s:%d"):format(wanted.subject, host.http)
   host:session{ id = 3, user = "alice", station = 1, flags = 4 + 8 + 32 }
   host:session{ id = 4, user = "bob", station = 2, flags = 4 + 32 }
   host:session{ id = 5, user = "carol", station = 3, flags = 4 + 32 }
   host:session{ id = 7, user = "teacher", flags = 1 }
   return host
end

--- What wms.bind wants for the host, and more.
function bound.options(host, more)
   local options = {
      server = host.server, user_name = host.admin, password = host.password, fingerprint = host.fingerprint,
   }
   for key, value in pairs(more or {}) do
      options[key] = value or nil
   end
   return options
end

--- A host that this process is bound to, whose counts begin anew.
function bound.host(options, more)
   local host = bound.stranger(options)
   assert(wms.bind(bound.options(host, more)))
   host:reset()
   return host
end

--- So many hosts that this process is bound to, all at once; without sessions.
function bound.hosts(count)
   local list, servers, fingerprints = {}, {}, {}
   for i = 1, count do
      serial = serial + 1
      local host = park:host{ name = "host" .. serial, subject = "127.0.0.1" }
      host.server = ("multipoint://127.0.0.1:%d"):format(host.http)
      hosts[#hosts + 1], list[i], servers[i] = host, host, host.server
      fingerprints[host.server] = host.fingerprint
   end
   assert(wms.bind{
      servers = servers, user_name = list[1].admin, password = list[1].password, fingerprints = fingerprints,
   })
   return list
end

--- Whether a text holds one of the host's passwords.
function bound.tells(host, text)
   for _, secret in ipairs{ host.password, host.control, host.management } do
      if text:find(secret, 1, true) then
         return secret
      end
   end
   return false
end

--- The error of a call or a bind, whose shape is as documented, and which tells no secret.
function bound.fault(host, result, message, err)
   assert(result == nil, "it went well")
   assert(type(message) == "string" and #message > 0 and not message:find("\n"), "the message is one line")
   assert(err.message == message and tostring(err) == message, "err.message is the message")
   assert(kit.codes[err.code] or err.code == "INTERNAL", "no documented code: " .. tostring(err.code))
   assert(not bound.tells(host, message), message)
   return err
end

--- A script for a process of its own, with `host` and bind() in it.
local function with_host(host, text)
   local head = ("package.path = %q\nlocal wms = require 'wms'\nlocal host = { "):format(package.path)
   for _, field in ipairs{ "server", "admin", "password", "fingerprint", "control", "management" } do
      head = head .. ("%s = %q, "):format(field, host[field])
   end
   head = head .. [[}
      local function bind(more)
         local options = { server = host.server, user_name = host.admin, password = host.password,
            fingerprint = host.fingerprint }
         for key, value in pairs(more or {}) do options[key] = value end
         return wms.bind(options)
      end
   ]]
   return head .. text
end

--- Runs such a script; returns what it printed, errors included, and its exit code.
function bound.script(host, text, environment)
   return process.script(with_host(host, text), environment)
end

--- Begins such a script; returns a pipe with what it prints.
function bound.popen(host, text, environment)
   return assert(io.popen("( " .. process.command(with_host(host, text), environment) .. "\n) 2>&1"))
end

--- A port of the loopback interface that nobody has.
function bound.port()
   local listener = assert(require "socket".bind("127.0.0.1", 0))
   local _, port = listener:getsockname()
   listener:close()
   return tonumber(port)
end

--- A folder that goes with the test, and what makes it the one of a process's bindings.
function bound.folder()
   local folder = process.run("mktemp -d"):match("%S+")
   folders[#folders + 1] = folder
   return folder, "XDG_CONFIG_HOME=" .. process.quote(folder .. "/config")
end

return bound
