-- SPDX-License-Identifier: MIT
--- The contract's adapter for `memory://`.
local kit = require "spec.support.kit"
local wms = kit.wms

local adapter = {
   name = "memory",
   can = {
      close = true, disconnect = true, lock_report = true, relock = true, deaf = true, mute = true, own = true,
      exempt = true, lost_answer = true, message = true, mute_shows = true, reuse = true, ends = true,
      opens = true, pictures = true,
   },
}

local last = 100
local made = {}

--- Hosts never share an id, as Linux hosts on one machine do not.
local function new_id()
   last = last + 1
   return last
end

function adapter.missing()
   return nil
end

function adapter.host(options)
   local name = kit.name()
   local host = { server = "memory://" .. name, ids = {}, users = {} }
   local entries = {}
   for i, wanted in ipairs(options.sessions or {}) do
      host.ids[i] = new_id()
      host.users[i] = wanted.user or "user" .. i
      entries[i] = {
         session_id = host.ids[i], user_name = host.users[i], locked = wanted.locked or false, state = "ConnectedToStation",
         is_admin = wanted.exempt or nil, is_own = wanted.own or nil, relock_after = wanted.deaf and 0 or wanted.relock,
      }
   end
   local handle = wms.memory(name, { sessions = entries, latency = options.latency })
   host.handle = handle

   function host.unknown_id()
      return new_id()
   end

   function host.lock(id)
      handle:lock(id)
   end

   function host.unlock(id)
      handle:unlock(id)
   end

   function host.drop(id)
      handle:drop(id)
   end

   function host.open(user)
      local id = new_id()
      handle:open{ session_id = id, user_name = user }
      return id
   end

   function host.picture(id, jpeg)
      handle:picture(id, jpeg)
   end

   local function find(id)
      local ok, session = pcall(handle.session, handle, id)
      return ok and session or nil
   end

   function host.reuse(id, user)
      handle:drop(id)
      handle:open{ session_id = id, user_name = user, locked = true }
   end

   function host.locked(id)
      return find(id).locked
   end

   function host.exists(id)
      return find(id) ~= nil
   end

   function host.disconnected(id)
      return find(id).state:lower():find("disconnected") ~= nil
   end

   --- How often the host was asked to do `verb` (any action when there is none).
   function host.asked(verb)
      local count = 0
      for _, entry in ipairs(handle:log()) do
         if entry.verb == verb or verb == nil and entry.verb ~= "sessions" then
            count = count + 1
         end
      end
      return count
   end

   function host.mute()
      for _, verb in ipairs{ "unlock", "lock", "disconnect", "close", "message", "thumbnail", "sessions",
         "reboot", "power_off" } do
         handle:fail(verb, "TIMEOUT")
      end
   end

   made[#made + 1] = handle
   return host
end

--- An address that nobody answers.
function adapter.unreachable()
   local name = kit.name("dark")
   local handle = wms.memory(name, {})
   handle:refuse("UNREACHABLE")
   made[#made + 1] = handle
   return "memory://" .. name
end

--- After each test.
function adapter.sweep()
   for i = #made, 1, -1 do
      made[i]:close()
      made[i] = nil
   end
end

return adapter
