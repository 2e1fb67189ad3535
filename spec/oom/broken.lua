-- SPDX-License-Identifier: MIT
-- A module that is there and cannot be loaded; where it is not found, there is no such scheme.
local wms = ...
local found, list, _, err = pcall(wms.sessions, { servers = { "hollow://a", "hollow://b" } })
assert(not found or not list and (err.code == "NO_PROVIDER" or err.code == "NO_MEMORY"), err and err.code)
