-- SPDX-License-Identifier: MIT
--- The program `wms` without memory: see spec/c/oom_cli.c, which says what must hold then.
local process = require "spec.support.process"

-- Not `list`, which prints times.
describe("wms without memory #once", function()
   for _, arguments in ipairs{
      "--demo hosts --json", "--demo unlock --all", "--demo lock --all -m Hello --verify --json",
      "--demo close -s lab01 2 3 --warn 0.05 Bye", "--demo unlock 2 -s lab01 -s lab02 --what-if --csv",
      "--demo --lua unlock --all --where idle=30m", "unlock --help",
   } do
      it("says so, or does all of it: wms " .. arguments, function()
         -- Each 300th allocation, since each run is a process; the last ones, when all is done, one by one.
         local text, code = process.run(("LUA_PATH='./lua/?.lua;;' HOME=/nonexistent XDG_CONFIG_HOME= %s 300 %s"):format(
            process.program("oom_cli"), arguments))
         assert.equal(0, code, text)
         local allocations, runs = text:match("^(%d+) allocations, (%d+) runs\n")
         assert.truthy(tonumber(allocations) > 1000 and tonumber(runs) >= 60, text)
      end)
   end

   for _, arguments in ipairs{
      "--demo watch --initial --count 11 --json", "--demo watch --initial --count 3 --event opened",
      "--demo keep lab01 --locked -m Exam --after 0.05 --restore --grace 0 --file exam",
   } do
      it("ends, and says why: wms " .. arguments, function()
         local folder = process.run("mktemp -d"):match("%S+")
         finally(function() process.run("rm -r " .. folder) end)
         local text, code = process.run(("LUA_PATH='./lua/?.lua;;' HOME=/nonexistent XDG_CONFIG_HOME= XDG_STATE_HOME=%s "
            .. "OOM_FILE=%s/wms/exam.keep %s -l 500 %s"):format(folder, folder, process.program("oom_cli"), arguments))
         assert.equal(0, code, text)
         local allocations, runs = text:match("^(%d+) allocations, (%d+) runs\n")
         assert.truthy(tonumber(allocations) > 1000 and tonumber(runs) >= 60, text)
      end)
   end
end)
