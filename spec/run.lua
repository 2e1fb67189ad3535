#!/usr/bin/env lua
--- Builds, runs all specs under every Lua that is here, and ends with one line: N passed, N failed[, N skipped].
--
--    lua spec/run.lua [VERSION...]        5.4 5.3 5.2 5.1 jit; all of them if none is given
--
-- The first one runs every spec; the others, side by side, leave out what is tagged #once, since it does not depend on the
-- Lua. A Lua that is not here counts as one skipped test, a run that crashes, hangs or exits non-zero as a failed one.
-- Environment: WMS_BUILD, the build folder (build); WMS_WRAP, a command to run the interpreters with (such as valgrind);
-- WMS_SPECS, files and folders of specs (spec).
local build = os.getenv("WMS_BUILD") or "build"
local wrap = os.getenv("WMS_WRAP") or ""
local specs = os.getenv("WMS_SPECS") or "spec"
local patience = 900 -- seconds for one run

local versions = #arg > 0 and arg or { "5.4", "5.3", "5.2", "5.1", "jit" }
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

local function results(version)
   return ("%s/results-%s"):format(build, version)
end

-- The shell's command for one run; what it prints goes to its own file.
local function command(version, lua, first)
   local suffix = "_" .. (version == "jit" and "5_1" or version:gsub("%.", "_"))
   return table.concat({
      "{ : >" .. results(version) .. ";",
      -- Whatever this user's Lua has been told, programs that the specs start find what was built.
      "env -u LUA_INIT -u LUA_INIT" .. suffix, "-u LUA_PATH" .. suffix, "-u LUA_CPATH" .. suffix,
      "LUA_PATH='./lua/?.lua;;'", ("LUA_CPATH='./%s/%s/?.so;;'"):format(build, version),
      "WMS_RESULTS=" .. results(version), "WMS_BUILD=" .. build,
      "WMS_LUA='" .. wrap .. " " .. lua .. "'",
      "timeout --kill-after=10", patience, wrap, lua, "spec/support/busted.lua -o spec/support/summary.lua",
      first and "" or "--exclude-tags=once", specs, "</dev/null; echo exit $? >>" .. results(version) .. "; }",
   }, " ")
end

local function report(version)
   local counts = read(results(version))
   if not counts.skipped or (counts.exit ~= 0 and counts.failed == 0) then
      local how = counts.exit == 124 and "took too long" or "ended with exit code " .. tostring(counts.exit)
      say(("Lua %s: the run %s"):format(version, how))
      counts.failed = (counts.failed or 0) + 1
   end
   for word in pairs(total) do
      total[word] = total[word] + (counts[word] or 0)
   end
end

-- Mostly they wait for something, so these run side by side; each prints when all have ended.
local function run_together(items)
   local commands = {}
   for i, item in ipairs(items) do
      commands[i] = ("%s >%s.txt 2>&1 &"):format(command(item.version, item.lua), results(item.version))
   end
   os.execute(table.concat(commands, "\n") .. "\nwait")
   for _, item in ipairs(items) do
      say("Lua " .. item.version)
      say((output("cat " .. results(item.version) .. ".txt"):gsub("\n$", "")))
      report(item.version)
   end
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

local first = table.remove(present, 1)
if first then
   say("Lua " .. first.version)
   os.execute(command(first.version, first.lua, true))
   report(first.version)
end
run_together(present)
finish()
