-- SPDX-License-Identifier: MIT
--- Puts into the manual what follows from the table of commands, between marks that are in its pages:
---
---    lua mk/cli/pages.lua              docs/cli.md and docs/man/wms.1
---    lua mk/cli/pages.lua --check      changes nothing; fails when a page is not as it would be made
---
--- It wants the module wms as well, which the tables of wms.multipoint load: what this tree has built is found.
package.path = "./?.lua;./lua/?.lua;" .. package.path
package.cpath = ("%s/%s/?.so;"):format(os.getenv("WMS_BUILD") or "build", _VERSION:match("[%d.]+")) .. package.cpath

local PAGES = { ["docs/cli.md"] = require "mk.cli.markdown", ["docs/man/wms.1"] = require "mk.cli.mdoc" }

local function read(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read("*a")
   file:close()
   return text
end

--- A text with each part in its place.
local function fill(text, page, path)
   for name, make in pairs(page.parts) do
      local first = page.first:format(name)
      local _, from = text:find(first, 1, true)
      local to = from and text:find(page.last, from + 1, true)
      assert(to, ("%s: the marks of '%s' are missing"):format(path, name))
      text = text:sub(1, from) .. make() .. text:sub(to)
   end
   return text
end

local stale
for path, page in pairs(PAGES) do
   local text = read(path)
   local made = fill(text, page, path)
   if arg[1] == "--check" and made ~= text then
      io.stderr:write(path, ": not as the table of commands says; lua mk/cli/pages.lua mends it\n")
      stale = true
   elseif made ~= text then
      local file = assert(io.open(path, "wb"))
      file:write(made)
      file:close()
   end
end
os.exit(stale and 1 or 0)
