-- SPDX-License-Identifier: MIT
--- Keepers of embedded hosts, for specs.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local keep_rooms = require "wms.keep"

local keeping = {}

--- An embedded host that is closed at the end (`keep` of kit.keeper); returns its handle and its address.
function keeping.lab(keep, sessions, options)
   local name = kit.name()
   options = options or {}
   options.sessions = sessions or { { session_id = 1, user_name = "alice" }, { session_id = 2, user_name = "bob" } }
   return keep(kit.wms.memory(name, options)), "memory://" .. name
end

--- Begins to keep; returns the keeper, and the list of all that it reports.
function keeping.begin(keep, options)
   local told = {}
   options.on_report = options.on_report or function(report)
      told[#told + 1] = report
   end
   if options.locked and options.message == nil then
      options.message = "Exam"
   end
   return keep(assert(keep_rooms(options))), told
end

--- Runs the keeper until the check holds, at most so many seconds.
function keeping.await(keeper, check, seconds)
   return kit.await(check, function()
      keeper:wait(0.02)
   end, seconds)
end

--- A check: whether the session of that host is locked.
function keeping.is_locked(host, id)
   return function()
      return host:session(id).locked
   end
end

function keeping.is_unlocked(host, id)
   return function()
      return not host:session(id).locked
   end
end

--- The command that runs a Lua script with this tree, and functions to fork.
function keeping.lua(script)
   local build = os.getenv("WMS_BUILD") or "build"
   local command = "ASAN_OPTIONS=detect_leaks=0 LUA_PATH='./lua/?.lua;;' LUA_CPATH='%s/5.4/?.so;%s/spec/?.so' "
      .. "timeout 60 %s lua - 2>&1 <<'END'\n%s\nEND"
   return command:format(build, build, process.program("fork"), script)
end

--- All of a kind.
function keeping.of(told, kind)
   local list = {}
   for _, report in ipairs(told) do
      if report.kind == kind then
         list[#list + 1] = report
      end
   end
   return list
end

return keeping
