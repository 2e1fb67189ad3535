-- SPDX-License-Identifier: MIT
--- Real hosts with Veyon for spec/contract.lua: two, since some of it wants two servers.  One has one session; of the other
-- it is the second of two (Veyon's multi-session mode), so that their ids are told apart.
local kit = require "spec.support.kit"
local lab = require "spec.host.veyon.lab"
local veyon = require "spec.host.veyon"
local wms = kit.wms

local support = {
   name = "veyon", single = true,
   can = {
      close = true, no_disconnect = true, lock_report = true, message = true, pictures = true, mute = true,
      asks_first = true,
   },
}

-- The gateway gives up silent hosts after 4 seconds, not 15: many specs have such a host.
local GATEWAY = { ConnectionAuthenticationTimeout = 4 }
local FEATURES = { lock = { "screen_lock", true }, unlock = { "screen_lock", false }, close = { "logoff", true },
   message = { "message", true } }
local store = kit.store()
local room, places, muted
local unknown = 5000

function support.missing()
   local ok, why = lab.available()
   if ok and not wms.load "veyon" then
      ok, why = false, "the provider veyon is not built (see what `make` left out)"
   end
   return not ok and why or nil
end

local function bind(server)
   assert(wms.bind{ server = server, gateway = room.url, key_name = room.key_name, key_file = room.key_file })
end

local function up()
   room = lab.up("one", "two")
   room:gateway(GATEWAY)
   wms.configure{ store = store }
   room.two:configure{ Service = { MultiSession = true } }
   room.two:user("carol", { display = 2 })
   places = {
      { host = room.one, id = 0, at = room.one.address },
      { host = room.two, id = 1, at = room.two.address .. ":11101" },
   }
   support.dark = "veyon://10.91.0.250"
   bind(support.dark) -- nobody has that address
end

local function exists(place)
   for _, session in ipairs(place.desktop and place.host:sessions() or {}) do
      if session.id == place.desktop.id then
         return true
      end
   end
   return false
end

local function end_session(place)
   for _, session in ipairs(place.host:sessions()) do
      if session.user ~= "carol" then
         place.host:end_session(session.id)
      end
   end
   place.desktop, place.user = nil, nil
end

--- A log-on screen, without which a host on which nobody is logged on cannot be told from one that is off.
local function show_greeter(place)
   place.host:user("bob", { class = "greeter" })
end

--- The user is there, and his screen is open; nil: the log-on screen is.
local function log_on(place, user)
   if not user or place.user ~= user or not exists(place) or place.host:locked(place.desktop) then
      end_session(place)
      place.user = user
      place.desktop = user and place.host:user(user) or show_greeter(place)
   end
   -- The server may have begun just now.
   kit.await(function()
      if not store.kept["veyon://" .. place.at] then
         bind("veyon://" .. place.at)
      end
      local list = wms.sessions("veyon://" .. place.at)
      return list and (not user or list[1] and list[1].user_name == user)
   end, nil, 60)
end

function support.host(options)
   if not room then
      up()
   end
   wms.configure{ store = store }
   local place
   for _, candidate in ipairs(places) do
      place = place or not candidate.used and candidate
   end
   assert(place, "there are no more hosts")
   place.used = true
   local wanted = options.sessions[1]
   log_on(place, wanted and (wanted.user or "alice"))
   local host = { server = "veyon://" .. place.at, ids = wanted and { place.id } or {},
      users = wanted and { place.user } or {} }
   local _, from = room:asked()

   local function command(active)
      assert(wms.call{ server = host.server, interface = "Feature", operation = "ScreenLock",
         arguments = { active = active } })
      place.host:await_lock(place.desktop, active)
   end

   function host.unknown_id()
      unknown = unknown + 1
      return unknown
   end
   function host.lock() command(true) end
   function host.unlock() command(false) end
   function host.drop()
      place.host:end_session(place.desktop.id)
      show_greeter(place)
   end
   function host.locked() return place.host:locked(place.desktop) end
   function host.exists() return exists(place) end
   function host.disconnected() return false end
   function host.asked(verb)
      local count = 0
      for _, request in ipairs((room:asked(from))) do
         for name, what in pairs(FEATURES) do
            if request.host == place.at and (verb == nil or verb == name) and request.active == what[2]
               and request.feature:lower() == veyon.features[what[1]] then
               count = count + 1
            end
         end
      end
      return count
   end
   function host.mute()
      room:mute()
      muted = true
   end
   if wanted and wanted.locked then
      command(true)
      from = select(2, room:asked())
   end
   return host
end

function support.unreachable()
   if not room then
      up()
   end
   wms.configure{ store = store }
   return support.dark
end

--- What the engine of the former test has not given back goes with the gateway.
function support.sweep()
   if room then
      if muted then
         room:kill_gateway()
         muted = nil
      end
      room:gateway(GATEWAY)
      for _, place in ipairs(places) do
         place.used = nil
      end
   end
end

function support.down()
   lab.down()
   room = nil
end

return support
