-- SPDX-License-Identifier: MIT
local _, _, open = ...
local wms = open()
assert(wms._VERSION and open() == wms, "not the same module")
