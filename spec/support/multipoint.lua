-- SPDX-License-Identifier: MIT
--- The contract's adapter for MultiPoint hosts: the test host plays them all in one process, and they are used again.  The
-- other specs of this provider get their hosts here too.
local mp = require "spec.host.multipoint"
local kit = require "spec.support.kit"
local wms = kit.wms

local adapter = {
   name = "multipoint",
   can = {
      close = true, disconnect = true, lock_report = true, relock = true, deaf = true, mute = true, exempt = true,
      mute_shows = true, lost_answer = true, ends = true, pictures = true,
   },
}

local VERBS = {
   StopLockingSession = "unlock", LockSession = "lock", LogOffSession = "close", DisconnectSession = "disconnect",
   SetBlockAllMessage = "block_all", Reboot = "reboot", Shutdown = "power_off",
   GetThumbnailBits = "thumbnail",
}
local AS_NEW = {
   relock = -1, block_all_relock = -1, block_all = "", flags_name = "pgrfSession", unknown_hr = 0x80071B6E, stations = 0,
   request_action = false, no_management = false, admin_orchestration = false, timestamps = false, refuse = false,
   keep_bodies = false, soap11 = true, soap12 = true, protocol_version = 0, server_version = "10.0.14393.0",
   manager = -1, events = true, cookie = true, sink_passwords = "texts", sink_user = "", credulous = false,
}
local park, pool, taken = nil, {}, 0
local serial, last_id = 0, 100
local dark

--- What wms.bind has kept.
adapter.store = kit.store()

--- To be called before anything is done with a host that the test has not just got: kit.reset() leaves no store.
function adapter.use()
   wms.configure{ store = adapter.store }
end

function adapter.missing()
   local ok, why = mp.available()
   if ok and not wms.load "multipoint" then
      return "the provider multipoint is not built (see what `make` left out)"
   end
   return not ok and why or nil
end

--- One more host, which nobody is bound to yet; it lives until adapter.down().  `options`: the test host's.
function adapter.new(options)
   local whole = { subject = "127.0.0.1" }
   for key, value in pairs(options or {}) do
      whole[key] = value
   end
   serial = serial + 1
   whole.name = "host" .. serial
   park = park or mp.start()
   local lab = park:host(whole)
   lab.server = ("multipoint://%s:%d"):format(whole.subject, lab.http)
   adapter.use()
   return lab
end

--- What wms.bind wants for it.
function adapter.binding(lab, more)
   local options = {
      server = lab.server, user_name = lab.admin, password = lab.password, fingerprint = lab.fingerprint, management = true,
   }
   for key, value in pairs(more or {}) do
      options[key] = value
   end
   return options
end

--- A port of the loopback that nobody listens at.
function adapter.free_port()
   local socket = assert(require "socket".tcp4())
   assert(socket:bind("127.0.0.1", 0))
   local _, port = socket:getsockname()
   socket:close()
   return tonumber(port)
end

--- A host that tells its events to whoever watches it; it lives until adapter.down().
function adapter.listened_to()
   local lab = adapter.new()
   assert(wms.bind(adapter.binding(lab, {
      events = { host_name = "console.school.example", port = adapter.free_port(), address = "127.0.0.1" },
   })))
   lab:reset()
   return lab
end

--- A bound host without sessions, as new until adapter.sweep(); `settings` are the test host's.
function adapter.lab(settings)
   taken = taken + 1
   if not pool[taken] then
      pool[taken] = adapter.new()
      assert(wms.bind(adapter.binding(pool[taken])))
   end
   adapter.use()
   local lab = pool[taken]
   lab:clear()
   if #lab:sinks() > 0 then
      lab:restart{ forget = true, silent = true }
   end
   lab:remove("all")
   lab:anew()
   lab:set(AS_NEW)
   if settings then
      lab:set(settings)
   end
   lab:reset()
   return lab
end

--- As many as the contract wants, on one host.
local function new_id()
   last_id = last_id + 1
   return last_id
end

function adapter.host(options)
   local lab = adapter.lab()
   local host = { server = lab.server, ids = {}, users = {}, lab = lab }
   for i, wanted in ipairs(options.sessions or {}) do
      host.ids[i], host.users[i] = new_id(), wanted.user or "user" .. i
      lab:session{
         id = host.ids[i], user = host.users[i], flags = (wanted.exempt and 1 or 36) + (wanted.locked and 8 or 0),
         deaf = wanted.deaf, relock = wanted.relock and wanted.relock * 1000,
      }
   end

   host.unknown_id = new_id

   function host.picture(id, jpeg)
      if jpeg then
         local body = ("<ppbDataBits>%s</ppbDataBits>"):format(require "mime".b64(jpeg))
         lab:on("GetThumbnailBits", { id = id, body = body, times = 0 })
      else
         lab:session{ id = id, picture = 0 }
      end
   end

   local function session(id)
      return lab:sessions()[id]
   end

   function host.lock(id)
      lab:session{ id = id, flags = session(id).flags + 8 }
   end

   function host.unlock(id)
      lab:session{ id = id, flags = session(id).flags - 8 }
   end

   function host.drop(id)
      lab:remove(id)
   end

   function host.locked(id)
      return session(id).locked
   end

   function host.exists(id)
      return session(id) ~= nil
   end

   function host.disconnected(id)
      return session(id).state == 4
   end

   function host.asked(verb)
      local count = 0
      for _, entry in ipairs(lab:log()) do
         local is = VERBS[entry.verb]
         if is and (verb == nil or verb == is) then
            count = count + 1
         end
      end
      return count
   end

   function host.mute()
      lab:on("*", { never = true, times = 0 })
      lab.muted = true
   end

   return host
end

--- A host that was there when it was bound.  Its port stays taken, and nobody listens.
function adapter.unreachable()
   if not dark then
      local lab = adapter.new()
      assert(wms.bind(adapter.binding(lab)))
      lab:down()
      local socket = assert(require "socket".tcp4())
      assert(socket:setoption("reuseaddr", true))
      assert(socket:bind(lab.address, lab.https))
      dark = { server = lab.server, socket = socket }
   end
   return dark.server
end

--- A host that was mute is not used again: what it was asked then may come once more, in the middle of another test.
function adapter.sweep()
   for i = taken, 1, -1 do
      if pool[i].muted then
         table.remove(pool, i):down()
      else
         pool[i]:clear()
      end
   end
   taken = 0
end

--- To be called at the end of each file of specs.
function adapter.down()
   if dark then
      dark.socket:close()
   end
   if park then
      park:stop()
   end
   park, pool, taken, dark, adapter.store = nil, {}, 0, nil, kit.store()
   kit.reset()
end

return adapter
