-- SPDX-License-Identifier: MIT
-- What a keeper has locked it puts back, or it is in its file.  Lua's own allocations: spec/cli_oom_spec.lua.
local wms = ...
local host, _, err = wms.memory("kept", { sessions = { { session_id = 1 }, { session_id = 2, locked = true } } })
if not host then
   assert(err.code == "NO_MEMORY", err.code)
   return
end

package.loaded.wms = wms
local record = require "wms.keep.record"
local path = os.getenv("XDG_CONFIG_HOME") .. "/kept.keep"
os.remove(path)
local keeper, _, failure = require("wms.keep"){ server = "memory://kept", locked = true, message = "Exam", restore = true,
   grace = 0, file = path }
if not keeper then
   assert(failure.code == "NO_MEMORY", failure.code)
   assert(not io.open(path), "a file stays of a keeper that has not begun")
   return
end

--- As many steps as it takes, or some, where something has to be tried again later.
local function run(is_over)
   for _ = 1, 40 do
      if is_over() then
         return
      end
      pcall(keeper.step, keeper)
   end
end

run(function() return host:session(1).locked end)
keeper:stop()
run(function() return keeper:done() end)
local summary = keeper:done() and keeper:result()
keeper:close()
local file = io.open(path)
local kept = file and record.read(file:read("*a")).changed or {}
if file then
   file:close()
end
assert(host:session(2).locked)
assert(not host:session(1).locked or kept[1] and kept[1].session_id == 1, "locked, and nobody will put it back")
assert(not (summary and file), "all is put back, and a file stays")
os.remove(path)
