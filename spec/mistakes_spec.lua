-- SPDX-License-Identifier: MIT
--- Mistakes that are easily made, and must not end in something else than was meant.
local kit = require "spec.support.kit"
local wms = kit.wms
local keep, sweep = kit.keeper()

describe("a mistake #once", function()
   local lab, server

   before_each(function()
      local name = kit.name()
      server = "memory://" .. name
      lab = keep(wms.memory(name, { sessions = {
         { session_id = 1, user_name = "alice", locked = true }, { session_id = 2, user_name = "bob", locked = true },
      } }))
   end)

   after_each(function()
      sweep()
      kit.reset()
   end)

   it("of options in a second table is misuse, and nothing is done", function()
      local client = wms.new(server)
      for what, case in pairs{
         close_all = { "#2", function() wms.close_all(server, { what_if = true }) end },
         reboot = { "#2", function() wms.reboot({ server = server }, { what_if = true }) end },
         start = { "#3", function() wms.start("close_all", server, { what_if = true }) end },
         servers = { "#2", function() wms.servers("lab1", "lab2") end },
         new = { "#2", function() wms.new(server, { what_if = true }) end },
         configure = { "#2", function() wms.configure({ timeout = 3 }, { concurrency = 3 }) end },
         unlock_all = { "#2", function() client:unlock_all(server, { what_if = true }) end },
      } do
         kit.misuse(what, { "argument " .. case[1], "one table" }, case[2])
      end
      assert.same({}, lab:log())
      assert.equal(2, #kit.fine(wms.sessions(server, nil)))
   end)

   it("of giving back an outcome that stands for some sessions only is misuse", function()
      lab:refuse("UNREACHABLE")
      local chosen = kit.fault(wms.close_all{ server = server, where = { user_name = "bob" } })
      local ended = kit.fault(wms.power_off{ server = server })
      local all = kit.fault(wms.unlock_all{ server = server })
      lab:refuse()
      assert.same({ true, true, nil }, { chosen.outcomes[1].partial, ended.outcomes[1].partial, all.outcomes[1].partial })
      for _, err in ipairs{ chosen, ended } do
         kit.misuse("close", { "session_ids[1]: the outcome of a server of which not all", "again" }, function()
            wms.close{ session_ids = err.outcomes }
         end)
         kit.misuse("close", { "session_ids: the outcome of a server" }, function()
            wms.close{ session_ids = err.outcomes[1] }
         end)
      end
      assert.equal(2, #kit.fine(wms.unlock{ session_ids = all.outcomes }))
   end)

   it("of \"self\" among ids is misuse", function()
      kit.misuse("unlock", { "session_ids[2]: \"self\" stands alone" }, function()
         wms.unlock{ session_ids = { 1, "self" }, server = server }
      end)
      assert.same({}, lab:log())
   end)

   it("of a warning for longer than the command may take is misuse, and nobody is warned", function()
      local warn = { message = "The room closes", seconds = 2 }
      kit.misuse("close", { "warn: 2 seconds, and a deadline of 1" }, function()
         wms.close{ session_ids = 1, server = server, deadline = 1, warn = warn }
      end)
      wms.configure{ deadline = 2 }
      kit.misuse("close_all", { "warn: 2 seconds, and a deadline of 2" }, function()
         wms.close_all{ server = server, warn = warn }
      end)
      wms.configure{ deadline = false }
      assert.same({}, lab:log())
   end)

   it("of false for a number is none: verify and stable can be turned off for one call", function()
      local client = wms.new{ server = server, verify = 3, stable = 60 }
      local outcomes = kit.fine(client:unlock_all{ verify = false, stable = false })
      assert.same({ "requested", "requested" }, kit.pluck(outcomes, "state"))
   end)
end)
