-- SPDX-License-Identifier: MIT
--- Commands that ask no host: which hosts a name means, and bindings.
local misuse = require "wms.cli.misuse"
local wms = require "wms"

local checked, tried = misuse.checked, misuse.tried

local here = {}

--- The fields of these records that a table on a terminal shows.
local HOST = { { name = "server", title = "SERVER" }, { name = "groups", title = "GROUPS" } }
local FORGOTTEN = { { name = "server", title = "SERVER" } }
local BINDING = { { name = "server", title = "SERVER" }, { name = "user_name", title = "USER", may_go = 3, told = true },
   { name = "port", title = "PORT", right = true, may_go = 4 }, { name = "management", title = "MANAGEMENT", may_go = 5 },
   { name = "events", title = "EVENTS", may_go = 1, told = true },
   { name = "fingerprint", title = "FINGERPRINT", may_go = 2, told = true },
   { name = "key_name", title = "KEY", may_go = 6 }, { name = "key_file", title = "KEY FILE", may_go = 7, told = true },
   { name = "gateway", title = "GATEWAY", may_go = 8, told = true } }

local function failed(server, code, message)
   return { server = server, state = "failed", error = { code = code, message = message } }
end

--- The names of the groups of the settings, as servers.
function here.groups(settings)
   local names = {}
   for name in pairs(settings.groups) do
      names[#names + 1] = "@" .. name
   end
   table.sort(names)
   return names
end

--- Which hosts are meant, and in which groups they are.  A group that means none fails, and the others are told.
function here.servers(made, settings)
   local groups, whole, outcomes = {}, {}, {}
   for _, name in ipairs(here.groups(settings)) do
      local servers, why = tried(wms.servers, name)
      if servers then
         whole[#whole + 1] = name
      elseif #made.servers == 0 then
         outcomes[#outcomes + 1] = failed(name, "NOT_FOUND", ("%s (group '%s' of %s)"):format(why:gsub("^%-s: ", ""),
            name:sub(2), settings.path or "the settings"))
      end
      for _, server in ipairs(servers or {}) do
         groups[server] = groups[server] or {}
         table.insert(groups[server], name:sub(2))
      end
   end
   local given = #made.servers > 0 and made.servers or whole
   local items = {}
   for i, server in ipairs(#given > 0 and checked("hosts", wms.servers, given) or {}) do
      items[i] = { server = server, groups = groups[server] or {} }
   end
   return { outcomes = outcomes, items = items, kind = "host", columns = HOST }
end

function here.unbind(made)
   local items, outcomes = {}, {}
   for _, server in ipairs(checked("unbind", wms.servers, made.servers)) do
      local fine, message, err = wms.unbind(server)
      if fine then
         items[#items + 1] = { server = server }
      else
         outcomes[#outcomes + 1] = failed(server, err.code,
            (message:gsub("^" .. server:gsub("%p", "%%%0") .. ": ", "")))
      end
   end
   return { outcomes = outcomes, items = items, kind = "host", columns = FORGOTTEN }
end

--- A binding, with where its host tells of changes as `wms bind --events` takes it.
local function shown(binding)
   local events = binding.events
   if events then
      binding.events = ("%s:%d%s"):format(events.host_name, events.port, events.address and "@" .. events.address or "")
      binding.events_expires = events.expires
   end
   return binding
end

function here.bindings()
   local list, message, err = wms.bindings()
   local items, outcomes = {}, {}
   if not list then
      outcomes[1] = failed("localhost", err.code, message)
   end
   for _, binding in ipairs(list or {}) do
      if binding.error then
         outcomes[#outcomes + 1] = { server = binding.server, state = "failed", error = binding.error }
      else
         items[#items + 1] = shown(binding)
      end
   end
   return { outcomes = outcomes, items = items, kind = "binding", columns = BINDING }
end

return here
