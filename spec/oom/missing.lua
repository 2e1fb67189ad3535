-- SPDX-License-Identifier: MIT
local wms = ...
local list, _, err = wms.unlock{ session_ids = 1, server = "wts://nobody" }
assert(not list and (err.code == "NO_PROVIDER" or err.code == "NO_MEMORY"), err.code)
local ok, result, message, why = pcall(wms.load, "wts")
if ok then
   assert(result == nil and #message > 0 and (why.code == "NO_PROVIDER" or why.code == "NO_MEMORY"), message)
else
   assert(tostring(result):find("memory", 1, true), result)
end
