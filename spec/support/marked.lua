-- SPDX-License-Identifier: MIT
--- Processes that a program has started, its own or not: they inherit a variable of its environment.
local kit = require "spec.support.kit"
local process = require "spec.support.process"

local marked = {}
local serial = 0

--- A new mark: "NAME=VALUE", for the environment of the program.
function marked.new()
   serial = serial + 1
   return ("WMS_SPEC_MARK=%s-%d"):format(tostring({}):match("%x+$"), serial)
end

--- The command lines of those that have it and run, or have ended and were not waited for.
function marked.all(mark)
   return process.run(([[
      for folder in $(grep -lzxF %s /proc/[0-9]*/environ 2>/dev/null); do
         [ "${folder%%/environ}" != "/proc/$$" ] || continue
         tr '\0' ' ' < "${folder%%/environ}/cmdline" 2>/dev/null && echo
      done]]):format(process.quote(mark)))
end

--- Waits until there is none; fails after `seconds` (10).  `step` is called between.
function marked.await_none(mark, step, seconds)
   kit.await(function()
      return marked.all(mark) == ""
   end, step, seconds or 10)
end

return marked
