-- SPDX-License-Identifier: MIT
local wms, server = ...
local function refused(...)
   local ok, message, _, err = pcall(...)
   if ok then
      assert(message == nil and err.code == "NO_MEMORY", "not refused")
   else
      assert(message:find("bad argument", 1, true) or message:find("memory", 1, true)
         or message:find("stack overflow", 1, true), message)
   end
end
refused(wms.unlock, { session_ids = 4294967295, server = server })
refused(wms.unlock, { session_ids = { 1, 2, true }, server = server })
refused(wms.unlock, { session_ids = { 1, { session_id = 1 } } })
refused(wms.unlock, { session_ids = { { session_id = 1, server = server }, { session_id = 2, server = "-x" } } })
refused(wms.unlock_all, { servers = { server, "memory://a b" } })
refused(wms.lock, { session_ids = { 1, 2 }, server = server, message = "caf\233" })
refused(wms.message, { session_ids = { 1, 2 }, server = server, message = "m", title = "two\nlines" })
refused(wms.memory, "lab", { sessions = { { session_id = 1 }, { session_id = 1 } } })
refused(wms.memory, "twice", { sessions = { { session_id = 1 }, { session_id = 1 } } })
