-- SPDX-License-Identifier: MIT
-- On the hosts of spec/c/provider_caller.c.
local wms = ...
local client = wms.new{ server = "caller://host" }
local given = { name = "n", list = { 1, 2, { deep = true } }, bytes = ("x"):rep(300) }
local result, message, err = client:call{ interface = "I", operation = "echo", arguments = given }
if not result then
   return "call", nil, message, err
end
assert(result.name == "n" and #result.list == 3 and result.list[3].deep and result.bytes == given.bytes, "half of it")
result, message, err = wms.call{ server = "caller://ready", interface = "I", operation = "values" }
if not result then
   return "call", nil, message, err
end
assert(result.largest == "18446744073709551615" and #result.rows == 2, "half a result, without a word")
local request
request, message, err = wms.start("call", { server = "caller://host", interface = "I", operation = "late" })
if not request then
   return "call", nil, message, err
end
request:wait()
result, message, err = request:result()
return "call", result and true, message, err
