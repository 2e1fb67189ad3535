-- SPDX-License-Identifier: MIT
--- Which servers are meant: node sets, groups, exclusions, wherever a command takes servers.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms
local keep, sweep = kit.keeper()

describe("servers", function()
   before_each(function()
      wms.configure{ groups = {
         room1 = "lab[01-03]", room2 = { "lab07", "@room1", "!lab02" }, none = {}, far = "logind://root@sea[1-2]:2222",
         ["a.b-c_D9"] = "x",
      } }
   end)
   after_each(function()
      sweep()
      wms.configure{ groups = {} }
      kit.reset()
   end)

   local function meant(...)
      return table.concat(wms.servers(...), " ")
   end

   describe("are", function()
      for _, case in ipairs{
         { "lab01", "lab01" },
         { "lab[1-3]", "lab1 lab2 lab3" },
         { "lab[01-03,10]", "lab01 lab02 lab03 lab10" },
         { "lab[1-9/4]", "lab1 lab5 lab9" },
         { "lab[8-10].school.example", "lab8.school.example lab9.school.example lab10.school.example" },
         { "r[1-2]pc[1-2]", "r1pc1 r1pc2 r2pc1 r2pc2" },
         { "lab1,lab2", "lab1 lab2" },
         { " lab1 ,\tlab2 ", "lab1 lab2" },
         { "lab[1-5]!lab[2-3]", "lab1 lab4 lab5" },
         { "lab[1-5]&lab[4-7]", "lab4 lab5" },
         { "lab[1-3]^lab[3-4]", "lab1 lab2 lab4" },
         { "lab[1-3]^lab3,lab3", "lab1 lab2 lab3" },
         { "lab!01", "lab" },
         { "lab[1-3]!lab1,lab1", "lab1 lab2 lab3" },
         { { "lab2", "lab1", "lab2" }, "lab2 lab1" },
         { { "lab1", "multipoint://LAB1.", "lab1:80" }, "lab1 lab1:80" },
         { "@room1", "lab01 lab02 lab03" },
         { "@room2", "lab07 lab01 lab03" },
         { "@room1,@far", "lab01 lab02 lab03 logind://root@sea1:2222 logind://root@sea2:2222" },
         { "@room1!@room2", "lab02" },
         { { "!lab01", "@room1" }, "lab02 lab03" },
         { { "!@room2", "@room1", "!@none" }, "lab02" },
         { { "@room1", "!lab01,lab02" }, "lab03" },
         { { "@room1", " ! LAB01 " }, "lab02 lab03" },
         { "@a.b-c_D9", "x" },
         { "multipoint://lab[1-2]:8080", "multipoint://lab1:8080 multipoint://lab2:8080" },
         { "logind://root@sea[1-2]", "logind://root@sea1 logind://root@sea2" },
         { "[::1]:8443", "[::1]:8443" },
         { "[fe80::1],lab[1-2]", "[fe80::1] lab1 lab2" },
         { "lab1,logind:///run/a,b[1-2]!x", "lab1 logind:///run/a,b[1-2]!x" },
         { "logind://sea[1-2]/run/b[1-2]", "logind://sea1/run/b[1-2] logind://sea2/run/b[1-2]" },
         { { "localhost", "logind://" }, "localhost" },
      } do
         local name = type(case[1]) == "table" and table.concat(case[1], "; ") or case[1]
         it(name, function()
            assert.equal(case[2], meant(case[1]))
         end)
      end
   end)

   describe("as misuse:", function()
      for _, case in ipairs{
         { "lab[1", "not closed" }, { "lab[]", "numbers" }, { "lab[a]", "numbers" }, { "lab[1-]", "numbers" },
         { "lab[1,]", "comma" }, { "lab[,1]", "numbers" }, { "lab[3-1]", "ends before it begins" },
         { "lab[1-3/0]", "step" },
         { "lab[1/2]", "numbers" }, { "lab[01-100]", "digits" }, { "lab[1-010]", "digits" },
         { "lab[1234567890]", "9 digits" }, { "lab[1-2][3-4]", "side by side" },
         { ("x[1]"):rep(9), "8 pairs" }, { "lab[1-100001]", "100000" }, { "a[1-1000]b[1-1000]", "100000" },
         { ("a[1-999999999]"):rep(8), "100000" },
         { "lab1,", "beside ','" }, { ",lab1", "beside ','" }, { "lab1!", "beside" }, { "a,,b", "beside" },
         { " ", "beside" },
         { "@", "group" }, { "@a b", "group" }, { "@" .. ("x"):rep(65), "at most 64" },
         { "@nowhere", "no group 'nowhere'" },
         { "lab1!@nowhere", "no group 'nowhere'" }, { "!lab1", "leaves no server" }, { "@none", "leaves no server" },
         { "lab[1-2]&lab3", "leaves no server" },
         { "la b", "space" }, { "lab[1-2]:0", "port" }, { ("x"):rep(254) .. "[1-10]", "255" }, { {}, "empty list" },
         { { "lab1", 7 }, "servers[2]: a number" }, { 7, "a number" }, { { "lab1", nil, "lab3" }, "hole" },
      } do
         local name = type(case[1]) == "table" and "a table" or tostring(case[1]):sub(1, 40)
         it(name .. ": " .. case[2], function()
            kit.misuse("servers", { case[2] }, function() wms.servers(case[1]) end)
         end)
      end

      it("with the name of the option that was used", function()
         kit.misuse("unlock_all", { "computer_name: there is no group 'nowhere'" }, function()
            wms.unlock_all{ computer_name = "@nowhere" }
         end)
         kit.misuse("unlock_all", { "server: a bracket" }, function() wms.unlock_all "lab[1" end)
         kit.misuse("new", { "servers: there is no group" }, function() wms.new{ servers = { "lab1", "@nowhere" } } end)
         kit.misuse("start", { "servers: the list leaves no server" }, function()
            wms.start("sessions", { servers = { "lab1", "!lab1" } })
         end)
      end)
   end)

   describe("in groups", function()
      local function refused(groups, ...)
         kit.misuse("configure", { ... }, function() wms.configure{ groups = groups } end)
         assert.equal("lab01 lab02 lab03", meant("@room1")) -- what there was is there still
      end

      it("that are no groups change nothing", function()
         kit.misuse("configure", { "proxy" }, function()
            wms.configure{ groups = { room1 = "lab9" }, timeout = 7, proxy = "nonsense://" }
         end)
         refused("room1", "groups: a string")
         refused({ "lab1" }, "groups: a list")
         refused({ a = "@b", b = { "lab1", "@a" } }, "groups: ", "itself")
         refused({ a = "@a" }, "groups: a: ", "itself")
         refused({ a = "@nowhere" }, "groups: a: there is no group 'nowhere'")
         refused({ a = { "lab1", "lab[1" } }, "groups: a: a bracket")
         refused({ a = { "lab1", 7 } }, "groups: a: no string")
         refused({ a = true }, "groups: a: no string")
         refused({ a = { b = "lab1" } }, "groups: a: no string")
         refused({ a = "lab\0" }, "groups: a: no string")
         refused({ ["a b"] = "lab1" }, "groups: ", "name")
         refused({ [""] = "lab1" }, "groups: ", "name")
         local deep = { g0 = "lab1" }
         for i = 1, 40 do
            deep["g" .. i] = "@g" .. (i - 1)
         end
         refused(deep, "groups: ", "32 deep")
      end)

      it("that name each other in many ways are worked out once", function()
         local groups = { g0 = "lab[1-9]" }
         for i = 1, 30 do
            groups["g" .. i] = { "@g" .. (i - 1), "@g" .. (i - 1) .. ",lab" .. i, "@g" .. (i - 1) }
         end
         wms.configure{ groups = groups }
         assert.equal(30, #wms.servers("@g30"))
      end)

      it("are replaced by the next ones", function()
         wms.configure{ groups = { other = "lab9" } }
         kit.misuse("servers", { "no group 'room1'" }, function() wms.servers("@room1") end)
         assert.equal("lab9", meant("@other"))
      end)
   end)

   it("are what commands are carried out on", function()
      for i = 1, 3 do
         local host = keep(wms.memory("servers" .. i, { sessions = { { session_id = i, locked = true } } }))
         assert.truthy(host)
      end
      wms.configure{ groups = { all = "memory://servers[1-3]", broken = "memory://servers2" } }
      local outcomes = kit.fine(wms.unlock_all{ server = { "@all", "!@broken" } })
      assert.same({ "memory://servers1", "memory://servers3" }, kit.pluck(outcomes, "server"))
      assert.same({ 1, 3 }, kit.pluck(outcomes, "session_id"))
      local client = wms.new{ servers = "@all" }
      assert.equal(3, #kit.fine(client:sessions()))
      wms.configure{ groups = { all = "memory://servers1" } } -- the client's servers are worked out at each command
      assert.equal(1, #kit.fine(client:sessions()))
      local request = keep(client:start("unlock", { session_ids = 1, server = "memory://servers[1,3]" }))
      assert.is_true(request:wait(10))
      assert.equal("NOT_FOUND", kit.fault(request:result()).code)
      assert.equal(2, #kit.fine(wms.close_all{ server = "memory://servers[1-2]", what_if = true }))
   end)

   it("are those that ClusterShell means, for 300 expressions #once", function()
      local state = 20261129
      local function random(n) -- the same in every run, and in every Lua
         state = (state * 1103515245 + 12345) % 2147483648
         return math.floor(state / 65536) % n + 1
      end
      local function range()
         local first = random(40)
         local last = first + random(12) - 2
         local form = ({ "%d", "%d-%d", "%02d-%02d", "%03d-%03d", "%d-%d/%d", "%02d-%d", "%d-%03d" })[random(7)]
         return form:format(first, last, random(4) - 1)
      end
      local function operand()
         local text = ({ "lab", "r1n", "x-", "" })[random(4)]
         local ranges = { range() }
         while random(3) == 1 do
            ranges[#ranges + 1] = range()
         end
         text = text .. "[" .. table.concat(ranges, ",") .. "]"
         if random(4) == 1 then
            text = text .. ({ "s", ".example", "b[1-2]", "-[7,9]x" })[random(4)]
         end
         return random(8) == 1 and "lab" .. random(50) or text
      end
      local expressions = {}
      for i = 1, 300 do
         local text = operand()
         while random(2) == 1 do
            text = text .. ({ ",", "!", "&", "^" })[random(4)] .. operand()
         end
         expressions[i] = random(20) == 1 and text:sub(1, random(#text)) or text
      end
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(table.concat(expressions, "\n"), "\n")
      file:close()
      local output = process.run("/usr/bin/python3 spec/support/nodeset.py <" .. path)
      os.remove(path)
      local i, errors, empty = 0, 0, 0
      for line in output:gmatch("([^\n]*)\n") do
         i = i + 1
         local fine, list = pcall(wms.servers, expressions[i])
         local ours = fine and table.concat(kit.sorted(list), " ")
            or list:find("leaves no server", 1, true) and "" or "error"
         errors, empty = errors + (line == "error" and 1 or 0), empty + (line == "" and 1 or 0)
         assert.same({ expressions[i], line }, { expressions[i], ours })
      end
      assert.equal(#expressions, i)
      assert.truthy(errors > 20 and errors < 200, errors .. " of 300 are none")
      assert.truthy(empty < 100)
   end)
end)
