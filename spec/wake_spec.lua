-- SPDX-License-Identifier: MIT
--- wms.wake: the packets, as a socket gets them, and the wait for a host that comes up.
local kit = require "spec.support.kit"
local wms = kit.wms
local fine, fault, pluck = kit.fine, kit.fault, kit.pluck

local MAC = "00:1a:2B:33:44:Fe"
local keep, sweep = kit.keeper()

--- Waits for it, and does not poll: it takes seconds.
local function finish(request)
   assert.is_true(request:wait(120))
   return request
end

local function lab(sessions)
   local name = kit.name()
   return keep(wms.memory(name, { sessions = sessions or { { session_id = 1 } } })), "memory://" .. name
end

local function configure(server, card)
   local whole = { mac = MAC, network = "127.0.0.1", port = 40009 }
   for key, value in pairs(card or {}) do
      whole[key] = value
   end
   wms.configure{ wake = { [server] = whole } }
end

local function reset()
   sweep()
   wms.configure{ wake = false }
   kit.reset()
end

describe("hosts that can be woken", function()
   after_each(reset)

   it("are named with a card and its network; else it is said what is wrong with which", function()
      local card = { mac = MAC, network = "192.0.2.255" }
      local function with(field, value)
         local whole = { mac = card.mac, network = card.network }
         whole[field] = value
         return { lab01 = whole }
      end
      for words, wake in pairs{
         ["wake: a number; give a table of hosts"] = 3,
         ["wake: a boolean"] = true,
         ["wake: an entry that is no host's"] = { card },
         ["wake: 'lab01': mac: missing"] = { lab01 = { network = card.network } },
         ["wake: 'lab01': network: missing"] = { lab01 = { mac = card.mac } },
         ["wake: 'lab01': mac: a number"] = with("mac", 17),
         ["wake: 'lab01': port: 0; give a whole number 1..65535"] = with("port", 0),
         ["wake: 'lab01': port: 1.5"] = with("port", 1.5),
         ["wake: 'lab01': pot: no such field; use mac, network, port"] = with("pot", 9),
         ["wake: 'a b': server: a space"] = { ["a b"] = card },
         ["named twice"] = { ["lab01.example"] = card, ["LAB01.Example."] = card },
      } do
         local ok, message = pcall(wms.configure, { wake = wake })
         assert.is_false(ok)
         assert.truthy(message:find(words, 1, true), words .. ": " .. message)
      end
      for field, values in pairs{
         mac = { "", "00:11:22:33:44", "00:11:22:33:44:5", "00:11:22:33:44:55:66", "00:11:22:33:44:5g", "001122334455",
            "00:11:22:33:44:55 ", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01" },
         network = { "", "lab", "192.0.2", "192.0.2.256", "0.0.0.0", "::", "ff02::1", "fe80::1", "ff02::1%", "192.0.2.1%lo",
            ("1"):rep(80) },
      } do
         for _, value in ipairs(values) do
            local ok, message = pcall(wms.configure, { wake = with(field, value) })
            assert.is_false(ok, value)
            assert.truthy(message:find(("wake: 'lab01': %s: it is no"):format(field), 1, true), message)
         end
      end
   end)

   it("stay as they were when one of the new ones is wrong", function()
      local _, server = lab()
      configure(server)
      assert.is_false(pcall(wms.configure, { wake = { lab01 = { mac = MAC, network = "127.0.0.1" }, lab02 = {} } }))
      assert.same({ "planned" }, pluck(fine(wms.wake{ server = server, what_if = true }), "state"))
      assert.equal("NOT_FOUND", fault(wms.wake{ server = "lab01", what_if = true }).code)
      wms.configure{ wake = false }
      assert.equal("NOT_FOUND", fault(wms.wake{ server = server, what_if = true }).code)
   end)

   it("are found by any spelling of their address", function()
      configure("Lab01.School.Example.")
      fine(wms.wake{ server = "multipoint://lab01.school.EXAMPLE", what_if = true })
      assert.equal("NOT_FOUND", fault(wms.wake{ server = "lab01.school.example:8080", what_if = true }).code)
   end)

   it("are not woken without a card, and it is said how to give one", function()
      local _, server = lab()
      local err = fault(wms.wake(server))
      assert.same({ "NOT_FOUND", "failed" }, { err.code, err.outcomes[1].state })
      assert.truthy(err.message:find("wms.configure{ wake = ", 1, true), err.message)
   end)

   it("are named in the call", function()
      assert.truthy(select(2, pcall(wms.wake, {})):find("server: missing", 1, true))
      for _, option in ipairs{ "session_ids", "stable", "message", "mac" } do
         local ok, message = pcall(wms.wake, { server = "lab01", [option] = 1 })
         assert.is_false(ok)
         assert.truthy(message:find(option .. ": no such option", 1, true), message)
      end
   end)

   it("are for allow to refuse", function()
      local _, server = lab()
      configure(server)
      local asked
      wms.configure{ allow = function(action)
         asked = action
         return false
      end }
      assert.equal("ACCESS_DENIED", fault(wms.wake(server)).code)
      assert.same({ verb = "wake", server = server }, asked)
   end)
end)

describe("a packet that wakes #once", function()
   local socket
   local udp

   setup(function()
      socket = require "socket"
   end)

   after_each(function()
      reset()
      if udp then
         udp:close()
         udp = nil
      end
   end)

   local function listen(address)
      udp = assert(address == "::1" and socket.udp6() or socket.udp4())
      assert(udp:setsockname(address, 0))
      udp:settimeout(20)
      return tonumber((select(2, udp:getsockname())))
   end

   --- Six bytes of 255, and sixteen times the six of the card; written here by hand.
   local function check(packet)
      assert.equal(102, #packet)
      local bytes = { packet:byte(1, -1) }
      for i = 1, 6 do
         assert.equal(255, bytes[i])
      end
      for copy = 0, 15 do
         local at = 6 + 6 * copy
         assert.same({ 0, 26, 43, 51, 68, 254 },
            { bytes[at + 1], bytes[at + 2], bytes[at + 3], bytes[at + 4], bytes[at + 5], bytes[at + 6] })
      end
   end

   it("is sent once, to the network that was named", function()
      for _, address in ipairs{ "127.0.0.1", "127.255.255.255", "::1" } do
         local host, server = lab()
         local port = listen(address)
         configure(server, { network = address, port = port, mac = address == "::1" and MAC:gsub(":", "-") or MAC })
         assert.same({ "requested" }, pluck(fine(wms.wake(server)), "state"))
         check(assert(udp:receive(2048)))
         udp:settimeout(0)
         assert.is_nil(udp:receive(2048))
         assert.same({}, host:log()) -- nothing else was asked of the host
         udp:close()
      end
      udp = nil
   end)

   it("is not sent by what_if", function()
      local _, server = lab()
      configure(server, { port = listen "127.0.0.1" })
      fine(wms.wake{ server = server, what_if = true })
      udp:settimeout(0)
      assert.is_nil(udp:receive(2048))
   end)

   it("wakes several hosts, and says which have no card or no way", function()
      local _, one = lab()
      local _, two = lab()
      local _, three = lab()
      local card = { mac = MAC, network = "127.0.0.1", port = listen "127.0.0.1" }
      wms.configure{ wake = { [one] = card, [two] = { mac = MAC, network = "ff02::1%no-such-card" } } }
      local err = fault(wms.wake{ servers = { one, two, three } })
      assert.same({ "requested", "failed", "failed" }, pluck(err.outcomes, "state"))
      assert.same({ "nil", "UNREACHABLE", "NOT_FOUND" }, pluck(err.outcomes, "error", "code"))
      assert.truthy(err.message:find("ff02::1%no-such-card", 1, true), err.message)
      check(assert(udp:receive(2048)))
      err = fault(wms.wake{ servers = { two, one }, on_error = "stop" })
      assert.same({ "failed", "skipped" }, pluck(err.outcomes, "state"))
   end)

   it("is sent again until the host answers, where that is to be verified", function()
      local host, server = lab()
      configure(server, { port = listen "127.0.0.1" })
      host:refuse "UNREACHABLE"
      local request = keep(wms.start("wake", { server = server, verify = 60 }))
      udp:settimeout(0)
      local count = 0
      kit.pump(request, function()
         local packet = udp:receive(2048)
         if packet then
            check(packet)
            count = count + 1
         end
         return count == 3
      end)
      assert.is_false(request:done())
      host:refuse()
      local list = fine(finish(request):result())
      assert.same({ { "verified" }, { true } }, { pluck(list, "state"), pluck(list, "changed") })
      list = fine(wms.wake{ server = server, verify = 60 })
      assert.same({ { "verified" }, { false } }, { pluck(list, "state"), pluck(list, "changed") }) -- it was awake
   end)

   it("is sent to all at once, and a few of them are asked at a time", function()
      local card = { mac = MAC, network = "127.0.0.1", port = listen "127.0.0.1" }
      local hosts, servers, cards = {}, {}, {}
      for i = 1, 6 do
         hosts[i], servers[i] = lab()
         cards[servers[i]] = card
         hosts[i]:fail("sessions", "TIMEOUT")
      end
      wms.configure{ wake = cards }
      local request = keep(wms.start("wake", { servers = servers, verify = 60, concurrency = 2 }))
      for _ = 1, 6 do
         check(assert(udp:receive(2048)))
      end
      request:wait(0.1)
      local asked = 0
      for _, host in ipairs(hosts) do
         asked = asked + #host:log()
         host:fail("sessions")
      end
      assert.equal(2, asked)
      local states = pluck(fine(finish(request):result()), "state")
      assert.same({ "verified", "verified", "verified", "verified", "verified", "verified" }, states)
   end)

   it("was in vain when the host does not answer in time, or in a way that tells nothing", function()
      local host, server = lab()
      configure(server)
      host:refuse "UNREACHABLE"
      local err = fault(wms.wake{ server = server, verify = 0.7 })
      assert.same({ "UNVERIFIED", "failed" }, { err.code, err.outcomes[1].state })
      local words = "after 0.7 s the host does not answer: the host refuses connections"
      assert.truthy(err.message:find(words, 1, true), err.message)
      host:refuse()
      host:fail("sessions", "NOT_BOUND")
      err = fault(wms.wake{ server = server, verify = 60 })
      assert.equal("UNVERIFIED", err.code)
      assert.truthy(err.message:find("cannot be seen: this client is not bound", 1, true), err.message)
   end)

   it("is followed by new questions where one hangs", function()
      local host, server = lab()
      configure(server)
      host:fail("sessions", "TIMEOUT")
      local request = keep(wms.start("wake", { server = server, verify = 60, timeout = 50 }))
      kit.pump(request, function() return #host:log() == 1 end)
      host:fail("sessions")
      assert.same({ true }, pluck(fine(finish(request):result()), "changed"))
      assert.equal(2, #host:log())
   end)

   it("cannot be taken back: a cancel and a deadline say so", function()
      local host, server = lab()
      configure(server)
      host:refuse "UNREACHABLE"
      local request = keep(wms.start("wake", { server = server, verify = 60 }))
      request:wait(0.1)
      request:cancel()
      local err = fault(request:result())
      assert.same({ "CANCELLED", "unknown" }, { err.code, err.outcomes[1].state })
      err = fault(wms.wake{ server = server, verify = 60, deadline = 0.3 })
      assert.same({ "TIMEOUT", "unknown" }, { err.code, err.outcomes[1].state })
   end)
end)
