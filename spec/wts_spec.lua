-- SPDX-License-Identifier: MIT
--- `wts://` over our own implementation of the Windows session API: the contract, over real Linux hosts and over
-- MultiPoint's test host; and what is this provider's own.
local contract = require "spec.contract"
local kit = require "spec.support.kit"
local logind = require "spec.support.logind"
local multipoint = require "spec.support.multipoint"
local wts = require "spec.support.wts"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

local function skip(why)
   pending(why)
end

describe("wts over logind #once", function()
   teardown(logind.down)
   contract(wts.over(logind, {
      close = true, lock_report = true, no_lock = true, host_decides = true, message = true, mute = true, exempt = true,
      asks_first = "perhaps", no_disconnect = true, -- the library may have been told a moment ago
   }), skip)
end)

-- The library keeps bindings in files, as every program does.
local bound = {}

local function bind(host)
   wms.configure{ store = false }
   if not bound[host.server] then
      bound[host.server] = true
      assert(wms.bind(multipoint.binding(host.lab)))
   end
end

describe("wts over multipoint #once", function()
   teardown(multipoint.down)
   contract(wts.over(multipoint, {
      close = true, disconnect = true, lock_report = true, no_lock = true, host_decides = true, mute = true,
      asks_first = "perhaps", -- whose session it is, where the library was given it with its user
   }, bind), skip)
end)

describe("sessions of the Windows session API #once", function()
   teardown(function()
      logind.down()
      multipoint.down()
   end)

   after_each(function()
      kit.reset()
      logind.sweep()
      multipoint.sweep()
   end)

   before_each(wts.prepare)

   local on_logind = kit.needing(skip, wts.missing, logind.missing)
   local on_multipoint = kit.needing(skip, wts.missing, multipoint.missing)

   on_logind("have what logind says of them", function()
      local inner = logind.host{ sessions = {
         { user = "alice" }, { user = "bob", type = "tty", locked = true },
      } }
      local direct, list = fine(wms.sessions(inner.server)), fine(wms.sessions(wts.address(inner.server)))
      assert.same(pluck(direct, "session_id"), pluck(list, "session_id"))
      assert.same(pluck(direct, "user_name"), pluck(list, "user_name"))
      assert.same(pluck(direct, "locked"), pluck(list, "locked"))
      for _, session in ipairs(list) do
         assert.is_true(session.is_orchestratable)
         assert.equal("Active", session.state)
         assert.is_nil(session.seat)
      end
   end)

   on_multipoint("have what MultiPoint says of them", function()
      local host = multipoint.host{ sessions = { { user = "alice" }, { user = "bob", locked = true } } }
      bind(host)
      host.lab:session{ id = host.ids[2], state = 4 }
      local direct = fine(wms.sessions(host.server))
      local list = fine(wms.sessions(wts.address(host.server)))
      for _, name in ipairs{ "session_id", "user_name", "domain_name", "client_name", "state", "locked" } do
         assert.same(pluck(direct, name), pluck(list, name), name)
      end
   end)

   on_multipoint("are not closed when they are administrators', since the host refuses", function()
      local host = multipoint.host{ sessions = { { user = "root", exempt = true }, { user = "bob" } } }
      bind(host)
      local err = fault(wms.close_all(wts.address(host.server)))
      assert.same({ "ACCESS_DENIED", "nil" }, pluck(err.outcomes, "error", "code"))
      assert.same({ "failed", "requested" }, pluck(err.outcomes, "state"))
      assert.is_true(host.exists(host.ids[1]))
   end)

   on_multipoint("of a host that nobody is bound to are NOT_BOUND", function()
      multipoint.use()
      local lab = multipoint.new()
      wms.configure{ store = false }
      local err = fault(wms.sessions(wts.address(lab.server)))
      assert.equal("NOT_BOUND", err.code)
      assert.truthy(err.message:find("1244", 1, true), err.message)
   end)

   on_logind("of what is no address are UNREACHABLE", function()
      for _, server in ipairs{ "wts:///wts:///lab", "wts:///nonsense://lab", "wts:///a/b" } do
         local err = fault(wms.sessions(server))
         assert.truthy(err.code == "UNREACHABLE" or err.code == "UNSUPPORTED", err.message)
      end
      local err = fault(wms.sessions("wts://lab/path"))
      assert.equal("UNREACHABLE", err.code)
      assert.truthy(err.message:find("wts:///NAME", 1, true), err.message)
   end)
end)
