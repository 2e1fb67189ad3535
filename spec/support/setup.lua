-- SPDX-License-Identifier: MIT
--- Run by busted before the specs: the module is found in our build folder or not at all, never as a stale ./wms.so.
local ours = package.cpath:match("[^;]+") -- .busted put it first

local kept = { ours }
for template in package.cpath:gmatch("[^;]+") do
   if template:sub(1, 1) == "/" then
      kept[#kept + 1] = template
   end
end
package.cpath = table.concat(kept, ";")

local file = ours:gsub("?", "wms")
local opened = io.open(file)
if not opened then
   error(file .. " is not there: run make for this Lua first (LUA_VERSION=...)", 0)
end
opened:close()

-- busted has each file load its modules anew, and luv crashes when a Lua state loads it a second time.
pcall(require, "luv")
