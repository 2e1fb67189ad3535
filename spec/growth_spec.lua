-- SPDX-License-Identifier: MIT
--- What one thing of a kind costs does not grow with how many there are: steps are counted, and nothing is timed; see
-- spec/c/growth.c, whose works these are.
local process = require "spec.support.process"

describe("a cost does not grow with how many there are: #once", function()
   for work, what in pairs{
      servers = "servers of one command, and embedded hosts", sessions = "sessions of a host",
      product = "ids that a host has chosen to have one product", ["end"] = "ids that a host has chosen to end alike",
      answers = "answers that come one by one", outcomes = "sessions of a host that carries out commands by itself",
      broken = "connections that break, questions that are cancelled",
      line = "requests for a host that takes few at a time", moves = "requests that move from a connection that hangs",
      guard = "requests that are given back in a guard", bindings = "bindings in memory",
   } do
      it(what, function()
         local output, code = process.run("timeout 300 " .. process.program("growth") .. " " .. work)
         assert.equal(0, code, output)
         assert.truthy(output:find("steps each of 1000,", 1, true), output)
      end)
   end
end)

describe("what a part does for one thing does not grow with how many there are: #once", function()
   for work, what in pairs{
      ["logind plain"] = "sessions that are observed", ["logind paths"] = "paths that a host has chosen to be alike",
      ["logind ids"] = "ids that a host has chosen to be alike",
      ["multipoint seats"] = "stations that all show one session",
      ["multipoint rows"] = "sessions that a host has no flags of, and lists still",
      ["wts names"] = "names of servers",
      ["wtsapi lists"] = "sessions that a host lists in another order each time",
      ["wtsapi numbers"] = "ids that are numbers",
      ["wtsapi texts"] = "ids that are texts, and that a host has chosen to have one number",
   } do
      it(what, function()
         local part, name = work:match("^(%S+) (%S+)$")
         local program = process.program("growth_" .. part)
         if select(2, process.run("test -x " .. program)) ~= 0 then
            pending(part .. " is not built")
            return
         end
         local output, code = process.run("timeout 300 " .. program .. " " .. name)
         assert.equal(0, code, output)
         assert.truthy(output:find("steps each of 1000,", 1, true), output)
      end)
   end
end)
