-- SPDX-License-Identifier: MIT
--- Host names do not depend on case (RFC 4343), nor schemes (RFC 3986), nor does the dot behind the last label make
-- another host: every spelling is one server, one binding, one guard.
local kit = require "spec.support.kit"
local wms = kit.wms

describe("a host's name in other letters", function()
   local keep, sweep = kit.keeper()
   local name, host

   before_each(function()
      name = kit.name()
      host = keep(wms.memory(name, { sessions = { { session_id = 1, user_name = "alice", locked = true } } }))
   end)

   after_each(function()
      wms.configure{ allow = false }
      sweep()
   end)

   local function spellings()
      return { "memory://" .. name:upper(), "MEMORY://" .. name, "Memory://" .. name .. ".",
         "memory://" .. name:sub(1, 1):upper() .. name:sub(2) }
   end

   it("is the same host, and outcomes have the caller's spelling", function()
      for _, server in ipairs(spellings()) do
         local outcomes = assert(wms.unlock{ session_ids = 1, server = server })
         assert.equal("requested", outcomes[1].state)
         assert.equal(server, outcomes[1].server)
         assert.equal(server, assert(wms.sessions(server))[1].server)
      end
   end)

   it("is one server of a command", function()
      local servers = spellings()
      servers[#servers + 1] = "memory://" .. name
      assert.equal(1, #assert(wms.sessions{ servers = servers }))
      assert.equal(1, #assert(wms.unlock_all{ servers = servers }))
   end)

   it("is a name that is taken", function()
      kit.misuse("memory", { "name", "embedded host of that name" }, function() wms.memory(name:upper(), {}) end)
      kit.misuse("memory", { "name" }, function() wms.memory("other.", {}) end)
   end)

   it("is told to allow in one spelling", function()
      local asked = {}
      wms.configure{ allow = function(action)
         asked[action.server] = true
         return action.server ~= "memory://" .. name
      end }
      for _, server in ipairs(spellings()) do
         local _, _, err = wms.unlock{ session_ids = 1, server = server }
         assert.equal("ACCESS_DENIED", err and err.code, server)
         assert.equal(server, err.server)
      end
      local _, _, err = wms.unlock_all(spellings()[1])
      assert.equal("ACCESS_DENIED", err.code)
      assert.same({ ["memory://" .. name] = true }, asked)
      assert.is_true(host:session(1).locked)
   end)

   it("is this machine where localhost is", function()
      for _, server in ipairs{ "LOCALHOST", "LocalHost", "localhost.", "LOGIND://", "LOCALHOST." } do
         local _, message, err = wms.sessions{ server = server, timeout = 5 }
         -- Of a MultiPoint host it would be NOT_BOUND; whether this machine has a logind does not matter.
         assert.is_true(not err or err.code == "UNREACHABLE" or err.code == "ACCESS_DENIED" or err.code == "NO_PROVIDER",
            server .. ": " .. tostring(message))
      end
   end)

   it("is refused where a dot has no label before it", function()
      for _, server in ipairs{ ".", "lab01..", "memory://.", "logind://.", "logind://..", "wts://.", "user@." } do
         kit.misuse("sessions", { "server", "dot" }, function() wms.sessions(server) end)
      end
   end)

   it("may stand behind a user and before a port, which stay as they are", function()
      wms.configure{ ssh_command = { "sh", "-c", [[while [ $# -gt 7 ]; do shift; done; echo $1 $2 $3 $4 $5 $6 >&2]] } }
      local _, message = wms.sessions("logind://Alice@LAB01.:22")
      wms.configure{ ssh_command = false }
      assert.truthy(message:find("logind://Alice@LAB01.:22: ", 1, true), message) -- as it was given
      assert.truthy(message:find("-p 22 -l Alice -- lab01", 1, true), message)
   end)
end)

describe("a binding of a host's name in other letters", function()
   local store

   before_each(function()
      store = kit.store()
      wms.configure{ store = store }
   end)

   after_each(function()
      wms.configure{ store = false }
   end)

   it("is the same one", function()
      for _, alias in ipairs{ "LAB01.School.Example", "MULTIPOINT://lab01.school.example", "lab01.school.example.",
         "lab01.school.example:80", "Lab01.school.example.:80" } do
         store.kept = { ["lab01.school.example"] = "wms binding 1\nend\n" }
         assert.is_true(wms.unbind(alias), alias)
         assert.same({}, store.kept)
      end
   end)
end)
