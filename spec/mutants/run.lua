#!/usr/bin/env lua
-- SPDX-License-Identifier: MIT
--- Breaks one line of src at a time, builds, and runs the specs that could notice; tells which broken lines nobody noticed.
--
--    make mutants                         the kept list: spec/mutants/dangerous.txt
--    make mutants RANDOM=200 SEED=7       lines and ways to break them by chance, the same ones for the same seed
--
-- As well: ONLY=PATTERN (a Lua pattern in "file: old line"), JOBS=2 (side by side), LIST=yes (shows them, runs nothing),
-- AGAIN=yes (runs the survivors of earlier runs again), BUDGET=100 (seconds of a processor that specs for a mutant may
-- take, as they do on the tree as it is; what an entry names is always run), USE="memory call" (of all specs, these alone).
-- What a run has found is kept in build/mutants/results.txt, from which the next one goes on, and what specs printed that
-- caught something in caught.txt; `rm -r build/mutants` begins anew.
--
-- Each mutant is made in a copy of the tree, build/mutants/treeN.  It is caught when a spec fails, crashes, hangs or skips
-- what it does not skip elsewhere.  One that does not compile is not counted; one whose code is the same as before, byte by
-- byte, is equivalent, and so are those in spec/mutants/equivalent.txt, each with its reason.  An entry of the two lists:
--
--    src/core/item.c in function_name     `in` only where the text is in the file more than once
--    - text of the line                   part of a line, in no other line; the line may be broken in the source
--    + what stands there instead          or nothing: the text goes
--    specs: memory provider               which could notice, if these should be the first (optional)
--    = why nobody can notice              equivalent.txt only; there, the texts are whole lines
package.path = "./?.lua;" .. package.path
local operators = require "spec.mutants.operators"
local specs = require "spec.mutants.specs"

--- What `make mutants` has been told; nil when that is nothing.
local function option(name)
   local text = os.getenv("WMS_MUTANTS_" .. name)
   return text ~= "" and text or nil
end

local BUILD = os.getenv("WMS_BUILD") or "build"
local FOLDER = BUILD .. "/mutants"
local RESULTS = FOLDER .. "/results.txt"
local LUA = arg[-1] or "lua"

local function quote(text)
   return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

--- Runs a shell command; returns what it printed and its exit code.
local function run(command)
   local pipe = assert(io.popen("( " .. command .. "\n) 2>&1; printf '\\n%d' $?"))
   local output, code = pipe:read("*a"):match("^(.*)\n(%d+)$")
   pipe:close()
   return output, tonumber(code)
end

local function read(path)
   local file = io.open(path, "rb")
   local text = file and file:read("*a")
   if file then
      file:close()
   end
   return text
end

local function write(path, text, mode)
   local file = assert(io.open(path, mode or "wb"))
   assert(file:write(text))
   file:close()
end

local function say(...)
   io.write(string.format(...), "\n")
   io.flush()
end

local function trim(text)
   return (text:gsub("^%s+", ""):gsub("%s+$", ""))
end

local CC = option "CC" or "cc"
if not CC:find("ccache") and select(2, run "command -v ccache") == 0 then
   CC = "ccache " .. CC
end

local function now()
   return tonumber((read("/proc/uptime"):match("^%S+")))
end

-- ---- the lists -----------------------------------------------------------------------------------------------------

local sources = {}

local function source(path)
   sources[path] = sources[path] or read(path)
   return sources[path]
end

--- The entries of a list: { at =, file =, within =, old =, new =, specs =, reason = }.
local function entries(path)
   local list, entry = {}, nil
   local number = 0
   for line in ((read(path) or "") .. "\n"):gmatch("([^\n]*)\n") do
      number = number + 1
      local mark, text = line:match("^([-+=])%s?(.*)$")
      if line:find("^src/") then
         local file, within = line:match("^(%S+) in (%S+)$")
         entry = { at = path .. ":" .. number, file = file or line, within = within, new = "" }
         list[#list + 1] = entry
      elseif mark and entry then
         entry[({ ["-"] = "old", ["+"] = "new", ["="] = "reason" })[mark]] = text
      elseif line:find("^specs:") and entry then
         entry.specs = line:match(":%s*(.*)$")
      elseif line ~= "" and not line:find("^#") then
         error(("%s:%d: what is this? %s"):format(path, number, line), 0)
      end
   end
   return list
end

--- The lines from..to of a function: it begins at the first column, and so does the brace that ends it.
local function function_lines(lines, name)
   for i, line in ipairs(lines) do
      if line:find("^[%a_].*%f[%w_]" .. name .. "%(") and not line:find(";$") then
         for j = i, #lines do
            if lines[j] == "}" then
               return i, j
            end
         end
      end
   end
end

--- Text on one line: however it was broken and indented.
local function flat(text)
   return (trim(text):gsub("%s+", " "):gsub("%( ", "("):gsub(" %)", ")"))
end

--- Finds a text that goes over several lines, the first of which is `i`; returns how many, and what stands there instead.
local function across(lines, i, old, new)
   local joined = lines[i]
   if flat(joined) == "" then
      return nil
   end
   for count = 2, 4 do
      if not lines[i + count - 1] then
         return nil
      end
      joined = joined .. "\n" .. lines[i + count - 1]
      local whole = flat(joined)
      local first, last = whole:find(flat(old), 1, true)
      if first and first <= #flat(lines[i]) then
         return count, joined, whole:sub(1, first - 1) .. new .. whole:sub(last + 1)
      end
   end
   return nil
end

--- Finds the entry's line; returns nil and why not when there is none, or more than one.
local function locate(entry)
   local text = source(entry.file)
   if not text then
      return nil, "there is no such file"
   end
   local lines = operators.lines(text)
   local from, to = 1, #lines
   if entry.within then
      from, to = function_lines(lines, entry.within)
      if not from then
         return nil, "there is no function " .. entry.within
      end
   end
   local found
   for i = from, to do
      local first, last = lines[i]:find(entry.old, 1, true)
      if first then
         if found then
            return nil, "this is in more than one line: " .. entry.old
         end
         found = { file = entry.file, line = i, old = lines[i], specs = entry.specs,
            new = lines[i]:sub(1, first - 1) .. entry.new .. lines[i]:sub(last + 1) }
      end
   end
   for i = from, found and 0 or to do
      local count, old, new = across(lines, i, entry.old, entry.new)
      if count and not found then
         found = { file = entry.file, line = i, count = count, old = old, new = new, specs = entry.specs }
      elseif count and i >= found.line + found.count then
         return nil, "this is in more than one place: " .. entry.old
      end
   end
   if not found then
      return nil, "this is in no line: " .. entry.old
   end
   return found
end

--- What a mutant is known by: the line's number changes with every commit, the text does not.
local function key(mutant)
   return ("%s\t%s\t%s"):format(mutant.file, flat(mutant.old), flat(mutant.new))
end

local function kept()
   local list, problems = {}, 0
   for _, entry in ipairs(entries "spec/mutants/dangerous.txt") do
      local mutant, why = locate(entry)
      if mutant then
         list[#list + 1] = mutant
      else
         problems = problems + 1
         say("%s: %s: %s", entry.at, entry.file, why)
      end
   end
   return list, problems
end

local function chosen()
   local count = tonumber(option "RANDOM" or "")
   if not count then
      return kept()
   end
   local files = {}
   for path in (run "ls src/*/*.c"):gmatch("%S+") do
      files[path] = source(path)
   end
   if option "ONLY" then -- the pattern chooses among all lines, not among those that chance has taken
      for path in pairs(files) do
         files[path] = path:find(option "ONLY") and files[path] or nil
      end
   end
   return operators.random(files, count, tonumber(option "SEED" or "1")), 0
end

local function equivalents()
   local reasons = {}
   for _, entry in ipairs(entries "spec/mutants/equivalent.txt") do
      reasons[key(entry)] = entry.reason or "no reason given"
   end
   return reasons
end

-- ---- results -------------------------------------------------------------------------------------------------------

--- { [key] = { verdict =, by =, seconds = } }, and how often a spec caught one of a folder: { ["src/core/ memory"] = n }.
local function results()
   local found, kills = {}, {}
   for line in (read(RESULTS) or ""):gmatch("([^\n]*)\n") do
      local verdict, by, seconds, rest = line:match("^(%a+)\t([^\t]*)\t([%d.]+)\t(.*)$")
      if verdict then
         found[rest] = { verdict = verdict, by = by, seconds = tonumber(seconds) }
         local name = rest:match("^.-/.-/") .. " " .. (by:match("^%S+") or "")
         kills[name] = (kills[name] or 0) + 1
      end
   end
   return found, kills
end

-- ---- a copy of the tree ---------------------------------------------------------------------------------------------

-- tar -m gives each file the present time: an object that a killed run has made of a mutant is older, and is made anew.
local function make_tree(tree)
   local output, code = run(([[mkdir -p %s && find %s -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} + &&
      tar -c --exclude=./build --exclude=./%s --exclude=./.git . | tar -x -m -C %s]]):format(
      tree, tree, BUILD, tree))
   if code ~= 0 then
      error(tree .. ": " .. output, 0)
   end
end

-- What has been said to the make that runs this is not for those that it runs.
local CLEAN = "env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u LUA_INIT -u LUA_INIT_5_4 -u LUA_PATH_5_4 -u LUA_CPATH_5_4"

local function build(tree, goals)
   return run(([[cd %s && %s timeout 600 make -s %s DEPS=no BUILD=build LUA_VERSION=5.4 CC=%s CFLAGS='-O1 -g0' \
      WARNINGS=-w]]):format(quote(tree), CLEAN, goals, quote(CC)))
end

local function object(tree, file)
   local lua = file:match("^src/lua/(.*)%.c$")
   return tree .. "/build/" .. (lua and "5.4/obj/" .. lua or "obj/" .. file:match("^src/(.*)%.c$")) .. ".o"
end

-- With a process number space of its own, nothing that a mutant has started outlives it.
local confine = ""

local function find_confine()
   local command = "unshare --pid --fork --kill-child=KILL --mount-proc"
   if select(2, run(command .. " true")) == 0 then
      confine = command
   end
end

--- Seconds of a processor, from what the shell's `times` says of its children.
local function cpu_of(text)
   local sum = 0
   for minutes, seconds in ((text or ""):match("\n(.*)") or ""):gmatch("(%d+)m([%d.]+)s") do
      sum = sum + 60 * minutes + seconds
   end
   return sum
end

--- Runs one spec; returns whether it went well, how many of its tests passed, its output, whether it took too long, and how
--- many seconds of a processor it took.
local function run_spec(tree, name, seconds)
   local _, code = run(([[cd %s && rm -f build/results && mkdir -p build/home && ulimit -v 8000000 && ulimit -c 0 || exit
      TMPDIR=$(mktemp -d) && chmod 755 "$TMPDIR" && export TMPDIR || exit
      %s HOME="$PWD/build/home" LUA_PATH='./lua/?.lua;;' LUA_CPATH='./build/5.4/?.so;;' WMS_RESULTS=build/results \
      WMS_BUILD=build WMS_LUA=%s timeout -s KILL %d %s %s spec/support/busted.lua --no-keep-going \
      -o spec/support/summary.lua spec/%s_spec.lua </dev/null >build/output 2>&1
      code=$?
      times >build/times
      rm -rf --one-file-system "$TMPDIR"
      exit $code]]):format(quote(tree), CLEAN, quote(LUA), math.ceil(seconds), confine, quote(LUA), name))
   local counts = read(tree .. "/build/results") or ""
   local passed, failed = counts:match("passed (%d+)"), counts:match("failed (%d+)")
   return code == 0 and failed == "0", tonumber(passed) or -1, (read(tree .. "/build/output") or ""):sub(1, 10000),
      code == 137, cpu_of(read(tree .. "/build/times"))
end

-- ---- what is to be expected -----------------------------------------------------------------------------------------

local function all_specs()
   local list, only = {}, option "USE"
   for name in (run "ls spec/*_spec.lua"):gmatch("spec/(%S+)_spec%.lua") do
      if not only or (" " .. only .. " "):find(" " .. name .. " ", 1, true) then
         list[#list + 1] = name
      end
   end
   return list
end

--- What the specs say of the tree as it is: { [name] = { passed =, seconds =, cpu = } }; one that fails there is of no use.
local function load_baseline()
   local baseline = {}
   local row = "(%S+) (%S+) (%S+) (%S+) (%S+)\n"
   for name, passed, seconds, cpu, sum in (read(FOLDER .. "/baseline.txt") or ""):gmatch(row) do
      baseline[name] = { passed = tonumber(passed), seconds = tonumber(seconds), cpu = tonumber(cpu), sum = sum }
   end
   return baseline
end

local function sum_of(name)
   return (run(("cksum <spec/%s_spec.lua"):format(name)):gsub("%s+", "-"))
end

local function jobs(what)
   local commands = { "pids=; trap 'kill $pids; exit 130' INT TERM" }
   for i = 1, tonumber(option "JOBS" or "2") do
      commands[i + 1] = ("WMS_MUTANTS_ROLE='%s %d' %s spec/mutants/run.lua & pids=\"$pids $!\""):format(what, i, quote(LUA))
   end
   local result = os.execute(table.concat(commands, "\n") .. "\nfor pid in $pids; do wait $pid || exit; done")
   return result == true or result == 0
end

--- Items that several processes share: each calls this until it gets none.
local function claim(kind, count)
   local folder = FOLDER .. "/claim-" .. kind
   for i = 1, count do
      if select(2, run(("mkdir %s/%d"):format(folder, i))) == 0 then
         return i
      end
   end
end

local function unclaim(kind)
   run(("rm -rf %s/claim-%s && mkdir -p %s/claim-%s"):format(FOLDER, kind, FOLDER, kind))
end

-- ---- one process among several ---------------------------------------------------------------------------------------

local function lines_of(path)
   return operators.lines(read(path) or "")
end

local function work_baseline(number)
   local tree = ("%s/tree%d"):format(FOLDER, number)
   make_tree(tree)
   local output, code = build(tree, "-j2 all specs")
   if code ~= 0 then
      error("the tree does not build: " .. output, 0)
   end
   find_confine()
   local names = lines_of(FOLDER .. "/wanted.txt")
   while true do
      local i = claim("specs", #names)
      if not i then
         return
      end
      local start = now()
      local fine, passed, text, _, cpu = run_spec(tree, names[i], 400)
      write(FOLDER .. "/baseline.txt", ("%s %d %.1f %.1f %s\n"):format(names[i], fine and passed or 0, now() - start, cpu,
         sum_of(names[i])), "a")
      if not fine then
         say("%s fails on the tree as it is, and is left out:\n%s", names[i], text)
      end
   end
end

--- The specs for the mutant in the order in which they are run: soonest, what has caught most of its folder in least time.
local function ordered(mutant, all, baseline, kills)
   local list, weight, named = specs.of(mutant.file, all, mutant.specs), {}, {}
   for name in (mutant.specs or ""):gmatch("%S+") do
      named[name] = true
   end
   local folder = mutant.file:match("^.-/.-/")
   local useful = {}
   for i, name in ipairs(list) do
      local base = baseline[name]
      if base and base.passed > 0 then
         useful[#useful + 1] = name
         weight[name] = ((kills[folder .. " " .. name] or 0) + 4 / (i + 1)) / (base.cpu + 0.5)
            + (named[name] and 1000 / (base.cpu + 0.5) or 0)
      end
   end
   table.sort(useful, function(a, b)
      return weight[a] > weight[b] or weight[a] == weight[b] and a < b
   end)
   return useful
end

--- Returns the verdict, by what, and what the spec printed that caught it.
local function judge(tree, mutant, all, baseline, kills)
   if select(2, build(tree, "-j2 all")) ~= 0 then
      return "broken", "it does not compile"
   end
   if mutant.object and read(object(tree, mutant.file)) == mutant.object then
      return "equivalent", "the compiler makes the same of it"
   end
   local named = " " .. (mutant.specs or "") .. " "
   local left, built, without = tonumber(option "BUDGET" or "100"), false, ""
   for _, name in ipairs(ordered(mutant, all, baseline, kills)) do
      local base = baseline[name]
      if base.cpu > left and not named:find(" " .. name .. " ", 1, true) then
         without = without .. " " .. name
      else
         if not built and specs.needs_programs(read(("%s/spec/%s_spec.lua"):format(tree, name))) then
            built = true
            if select(2, build(tree, "-j2 specs")) ~= 0 then
               return "broken", "the specs' programs do not build"
            end
         end
         left = left - base.cpu
         local fine, passed, text, slow = run_spec(tree, name, 20 + 4 * base.seconds)
         if slow then -- it hangs, or the machine is busy with something else
            fine, passed, text, slow = run_spec(tree, name, 60 + 10 * base.seconds)
         end
         if not fine or passed < base.passed then
            return "caught", name .. (slow and " (it hangs)" or ""), text
         end
      end
   end
   return "survived", without ~= "" and "without" .. without or ""
end

local function load_todo()
   local list = {}
   for _, line in ipairs(lines_of(FOLDER .. "/todo.txt")) do
      local file, number, count, old, new, named = line:match("^(.-)\t(%d+)\t(%d+)\t(.-)\t(.-)\t(.*)$")
      list[#list + 1] = { file = file, line = tonumber(number), count = tonumber(count), old = (old:gsub("\1", "\n")),
         new = new, specs = named }
   end
   return list
end

local function work_mutants(number)
   local tree = ("%s/tree%d"):format(FOLDER, number)
   local list, all, baseline = load_todo(), all_specs(), load_baseline()
   make_tree(tree)
   build(tree, "-j2 all specs")
   find_confine()
   while true do
      local i = claim("mutants", #list)
      if not i then
         return
      end
      local mutant, start = list[i], now()
      local text = read(tree .. "/" .. mutant.file)
      local lines = operators.lines(text)
      local last = mutant.line + mutant.count - 1
      assert(table.concat(lines, "\n", mutant.line, last) == mutant.old, mutant.file .. " has been changed meanwhile")
      mutant.object = mutant.file:find("%.c$") and read(object(tree, mutant.file))
      for k = mutant.line, last do
         lines[k] = ""
      end
      lines[mutant.line] = mutant.new
      write(tree .. "/" .. mutant.file, table.concat(lines, "\n") .. "\n")
      local verdict, by, printed = judge(tree, mutant, all, baseline, select(2, results()))
      write(tree .. "/" .. mutant.file, text)
      build(tree, "-j2 all") -- so that the object to compare with is that of the line as it was
      local seconds = now() - start
      write(RESULTS, ("%s\t%s\t%.1f\t%s\n"):format(verdict, by, seconds, key(mutant)), "a")
      if printed then
         write(FOLDER .. "/caught.txt", ("%s\nby %s:\n%s\n\n"):format(key(mutant), by, printed), "a")
      end
      say("%4d/%d %-10s %5.0f s  %s:%d %s%s", i, #list, verdict, seconds, mutant.file, mutant.line, by,
         verdict == "survived" and ("\n   - %s\n   + %s"):format(trim(mutant.old), trim(mutant.new)) or "")
   end
end

-- ---- the whole --------------------------------------------------------------------------------------------------------

--- Runs what the specs say of the tree as it is, unless that is known.
local function need_baseline(list)
   local sum = run "find src -type f | sort | xargs cat | cksum"
   local baseline = read(FOLDER .. "/sum.txt") == sum and load_baseline() or {}
   local all, wanted, seen = all_specs(), {}, {}
   for _, mutant in ipairs(list) do
      for _, name in ipairs(specs.of(mutant.file, all, mutant.specs)) do
         if not seen[name] then
            seen[name] = true
            wanted[#wanted + 1] = not (baseline[name] and baseline[name].sum == sum_of(name)) and name or nil
         end
      end
   end
   if #wanted == 0 then
      return
   end
   say("%d specs are run on the tree as it is", #wanted)
   if next(baseline) == nil then
      write(FOLDER .. "/baseline.txt", "")
   end
   write(FOLDER .. "/wanted.txt", table.concat(wanted, "\n") .. "\n")
   unclaim "specs"
   if not jobs "baseline" then
      os.exit(2)
   end
   write(FOLDER .. "/sum.txt", sum)
end

local function summary(list, reasons, problems)
   local found, counts = results(), { caught = 0, survived = 0, equivalent = 0, broken = 0 }
   local survivors = {}
   for _, mutant in ipairs(list) do
      local result = reasons[key(mutant)] and { verdict = "equivalent" } or found[key(mutant)]
      if result then
         counts[result.verdict] = counts[result.verdict] + 1
         if result.verdict == "survived" then
            survivors[#survivors + 1] = mutant
         end
      end
   end
   for _, mutant in ipairs(survivors) do
      say("survived: %s:%d\n   - %s\n   + %s", mutant.file, mutant.line, trim(mutant.old), trim(mutant.new))
   end
   say("%d caught, %d survived, %d equivalent, %d do not compile; %d entries that match no line", counts.caught,
      counts.survived, counts.equivalent, counts.broken, problems)
   return counts.survived == 0 and problems == 0
end

local function main()
   local list, problems = chosen()
   local reasons, only = equivalents(), option "ONLY"
   local todo, lines = {}, {}
   run("mkdir -p " .. FOLDER)
   local found = results()
   local wanted = {}
   for _, mutant in ipairs(list) do
      if not only or (mutant.file .. ": " .. mutant.old):find(only) then
         wanted[#wanted + 1] = mutant
         local result = found[key(mutant)]
         local known = result and not (option "AGAIN" and result.verdict == "survived")
         if option "LIST" then
            say("%s:%d %s\n   - %s\n   + %s", mutant.file, mutant.line, reasons[key(mutant)] and "equivalent" or
               result and result.verdict or "", trim(mutant.old), trim(mutant.new))
         elseif not known and not reasons[key(mutant)] then
            todo[#todo + 1] = mutant
            lines[#lines + 1] = ("%s\t%d\t%d\t%s\t%s\t%s\n"):format(mutant.file, mutant.line, mutant.count or 1,
               (mutant.old:gsub("\n", "\1")), mutant.new, mutant.specs or "")
         end
      end
   end
   if option "LIST" then
      say("%d mutants, %d entries that match no line", #wanted, problems)
      os.exit(problems == 0 and 0 or 1)
   end
   if #todo > 0 then
      need_baseline(todo)
      say("%d mutants of %d are to be run", #todo, #wanted)
      write(FOLDER .. "/todo.txt", table.concat(lines))
      unclaim "mutants"
      if not jobs "mutants" then
         os.exit(2)
      end
   end
   os.exit(summary(wanted, reasons, problems) and 0 or 1)
end

local role, number = (option "ROLE" or ""):match("^(%a+) (%d+)$")
if role == "baseline" then
   work_baseline(tonumber(number))
elseif role == "mutants" then
   work_mutants(tonumber(number))
else
   main()
end
