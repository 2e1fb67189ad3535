#!/usr/bin/env lua
-- SPDX-License-Identifier: MIT
--- Builds, runs all specs under every Lua that is here, and ends with one line: N passed, N failed[, N skipped].
--
--    lua spec/run.lua [VERSION...]        such as 5.4 jit; if none is given, all that `make luas` prints
--
-- The first one runs every spec; the others leave out what is tagged #once, since it does not depend on the Lua.  A Lua
-- that is not here counts as one skipped test, a file that crashes, hangs or exits non-zero as a failed one.
-- Environment: WMS_BUILD, the build folder (build); WMS_WRAP, a command to run the interpreters with (such as valgrind);
-- WMS_SPECS, files and folders of specs (spec).
local build = os.getenv("WMS_BUILD") or "build"
local wrap = os.getenv("WMS_WRAP") or ""
local specs = os.getenv("WMS_SPECS") or "spec"
local patience = 1200 -- seconds for one file

local versions = {}
local total = { passed = 0, failed = 0, skipped = 0 }

local function output(command)
   local pipe = assert(io.popen(command))
   local text = pipe:read("*a")
   pipe:close()
   return text
end

-- What os.execute returns differs from Lua to Lua.
local function succeeds(command)
   local result = os.execute(command)
   return result == true or result == 0
end

local function say(...)
   print(...)
   io.stdout:flush()
end

local function finish()
   local line = ("%d passed, %d failed"):format(total.passed, total.failed)
   say(line .. (total.skipped > 0 and (", %d skipped"):format(total.skipped) or ""))
   os.exit(total.failed == 0 and total.passed > 0 and 0 or 1)
end

local function interpreter(version)
   local names = version == "jit" and "luajit" or ("lua%s lua-%s"):format(version, version)
   return output("for name in " .. names .. "; do command -v $name && break; done"):match("%S+")
end

-- The counts that the run left behind; without `skipped`, the last of them, it did not come to its end.
local function read(file)
   local counts = {}
   for word, number in output("cat " .. file):gmatch("(%a+) (%d+)") do
      counts[word] = tonumber(number)
   end
   return counts
end

local function results(task)
   return ("%s/results/%s-%s"):format(build, task.version, task.file:gsub("[/.]", "_"))
end

-- The shell's command for one task; what it prints goes to its own file.
local function command(task)
   local suffix = "_" .. (task.version == "jit" and "5_1" or task.version:gsub("%.", "_"))
   return table.concat({
      "start=$(date +%s); { : >" .. results(task) .. ";",
      -- Whatever this user's Lua has been told, programs that the specs start find what was built.
      "env -u LUA_INIT -u LUA_INIT" .. suffix, "-u LUA_PATH" .. suffix, "-u LUA_CPATH" .. suffix,
      "LUA_PATH='./lua/?.lua;;'", ("LUA_CPATH='./%s/%s/?.so;;'"):format(build, task.version),
      "WMS_RESULTS=" .. results(task), "WMS_BUILD=" .. build,
      "WMS_LUA='" .. wrap .. " " .. task.lua .. "'",
      "timeout --kill-after=10", patience, wrap, task.lua, "spec/support/busted.lua -o spec/support/summary.lua",
      task.first and "" or "--exclude-tags=once", task.file, "</dev/null; echo exit $? >>" .. results(task) .. ";",
      "} >" .. results(task) .. ".txt 2>&1;",
      -- The second line that `times` prints is the children's.
      ("times >%s.times; { read -r _; read -r user system; } <%s.times;"):format(results(task), results(task)),
      ('echo "Lua %s: %s, $(($(date +%%s) - start)) s (processor: $user + $system)"'):format(task.version, task.file),
   }, " ")
end

local function report(task)
   local counts = read(results(task))
   if not counts.skipped or (counts.exit ~= 0 and counts.failed == 0) then
      local how = counts.exit == 124 and "took too long" or "ended with exit code " .. tostring(counts.exit)
      say(("Lua %s: %s %s"):format(task.version, task.file, how))
      counts.failed = (counts.failed or 0) + 1
   end
   if counts.failed > 0 then
      say(("\nLua %s: %s"):format(task.version, task.file))
      say((output("cat " .. results(task) .. ".txt"):gsub("\n$", "")))
   end
   for word in pairs(total) do
      total[word] = total[word] + (counts[word] or 0)
   end
end

-- Each file of specs is a process, and some run side by side: mostly they wait for something.
local function run(tasks)
   os.execute("mkdir -p " .. build .. "/results")
   local list = build .. "/results/tasks"
   local file = assert(io.open(list, "w"))
   for _, task in ipairs(tasks) do
      file:write(command(task), "\n")
   end
   file:close()
   local side_by_side = 3 * tonumber(output("nproc"):match("%d+") or 1)
   os.execute(("xargs -a %s -d '\\n' -P %d -n 1 sh -c"):format(list, side_by_side))
   for _, task in ipairs(tasks) do
      report(task)
   end
end

-- The files, those that take long first.
local function files()
   local slow = { storm = 0, build = 1, desktops = 2, logind = 3, wtsapi_multipoint = 4, wtsapi = 5, wts = 6, bindings = 7 }
   local list = {}
   for word in specs:gmatch("%S+") do
      for name in output("find " .. word .. " -name '*_spec.lua' | sort"):gmatch("[^\n]+") do
         list[#list + 1] = name
      end
   end
   table.sort(list, function(a, b)
      local one, other = slow[a:match("([^/]+)_spec")] or 9, slow[b:match("([^/]+)_spec")] or 9
      if one ~= other then
         return one < other
      end
      return a < b
   end)
   return list
end

local asked = table.concat(arg, " ")
for version in (asked ~= "" and asked or output("make --no-print-directory --silent luas")):gmatch("%S+") do
   versions[#versions + 1] = version
end
local present = {}
for _, version in ipairs(versions) do
   local lua = interpreter(version)
   if lua and succeeds(lua .. [[ -e 'require "busted"' 2>/dev/null]]) then
      present[#present + 1] = { version = version, lua = lua }
   else
      say(("Lua %s: skipped, %s"):format(version, lua and "it has no busted" or "it is not installed"))
      total.skipped = total.skipped + 1
   end
end

local names = {}
for i, item in ipairs(present) do
   names[i] = item.version
end
local jobs = (os.getenv("MAKEFLAGS") or ""):find("-j", 1, true) and "" or "-j" .. output("nproc"):match("%d+")
if not succeeds(("make --no-print-directory %s all-luas specs LUAS='%s'"):format(jobs, table.concat(names, " "))) then
   total.failed = 1
   finish()
end

local tasks = {}
for i, item in ipairs(present) do
   for _, file in ipairs(files()) do
      tasks[#tasks + 1] = { version = item.version, lua = item.lua, file = file, first = i == 1 }
   end
end
run(tasks)
finish()
