-- SPDX-License-Identifier: MIT
local wms, server = ...
local driver = wms.driver()
local request, message, err = wms.start("unlock_all", { server = server, timeout = 5 })
if not request then
   return "start", request, message, err
end
driver:watch(request)
local fd, why, failure = request:pollfd()
if not fd then
   return "pollfd", fd, why, failure
end
local set, problem, cause = driver:alarm(0.01)
if not set then
   return "alarm", set, problem, cause
end
assert(driver:clock() > 0)
while not request:step() do
   local fine, text, fault = driver:wait(5)
   if fine == nil then
      return "wait", fine, text, fault
   end
   for one in driver.news, driver do
      assert(one == request, "another request")
   end
end
driver:forget(request)
return "unlock", request:result()
