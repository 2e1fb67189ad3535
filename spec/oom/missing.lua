local wms = ...
local list, _, err = wms.unlock{ session_ids = 1, server = "wts://nobody" }
assert(not list and (err.code == "NO_PROVIDER" or err.code == "NO_MEMORY"), err.code)
local ok, message = pcall(wms.load, "wts")
assert(not ok or message == nil or true)
