-- SPDX-License-Identifier: MIT
--- Sets a program up in a root file system and a network of its own by its README, uses it, and shows both.
---
---    lua spec/programs/example.lua NAME                     of spec/programs/list.lua; `make example-NAME`
local lab = require "spec.programs.lab"

local name = arg[1]
if not lab.list.programs[name] then
   io.stderr:write("usage: example.lua NAME, of spec/programs/list.lua\n")
   os.exit(2, true)
end

local there, why = lab.available(name)
if not there then
   io.stderr:write(name, " cannot be shown here: ", why, "\n")
   os.exit(1, true)
end

local fine, problem = xpcall(function()
   local school = lab.up(name)
   school:people()
   for _, section in ipairs{ "Set-up", "Use" } do
      print(("\n%s\n"):format(section))
      for _, text in ipairs(school:commands(section)) do
         io.write("   # ", (text:gsub("\n$", ""):gsub("\n", "\n   # ")), "\n")
         io.write(school:sh(text), "\n")
      end
   end
end, debug.traceback)
lab.down()
if not fine then
   io.stderr:write(problem, "\n")
end
os.exit(fine and 0 or 1, true)
