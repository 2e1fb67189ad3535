-- SPDX-License-Identifier: MIT
--- busted's plain output, with skipped tests as one line a reason; at the end the counts go into the file WMS_RESULTS, for
--- spec/run.lua.
return function(options)
   local busted = require "busted"
   local handler = require "busted.outputHandlers.plainTerminal"(options)

   local function group(pendings)
      local reasons, counts = {}, {}
      for _, pending in ipairs(pendings) do
         local reason = pending.message and tostring(pending.message):gsub("^[^ ]-:%d+: ", "") or pending.name
         if not counts[reason] then
            reasons[#reasons + 1] = reason
         end
         counts[reason] = (counts[reason] or 0) + 1
      end
      return reasons, counts
   end

   local skipped = {}

   busted.subscribe({ "suite", "end" }, function()
      skipped, handler.pendings = handler.pendings, {}
      return nil, true
   end, { priority = 1 })

   busted.subscribe({ "suite", "end" }, function()
      local reasons, counts = group(skipped)
      for _, reason in ipairs(reasons) do
         io.write(("skipped %d: %s\n"):format(counts[reason], reason))
      end
      io.flush() -- a leak checker that ends the process would swallow it

      local file = assert(io.open(assert(os.getenv("WMS_RESULTS")), "w"))
      file:write(("passed %d\nfailed %d\nskipped %d\n"):format(handler.successesCount,
         handler.failuresCount + handler.errorsCount, handler.pendingsCount))
      file:close()
      return nil, true
   end)

   return handler
end
