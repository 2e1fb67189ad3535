-- SPDX-License-Identifier: MIT
--- A school for the programs of list.lua: each in the root file system of a test host and in its network, with wms as `make
--- install` puts it there, and set up by the commands of its README (examples/programs/NAME).
--
--     local lab = require "spec.programs.lab"
--     local school = lab.up "nginx"
--     school:follow "Set-up"                       -- carries out this section's commands, in the example's folder
--     school.lab01, school.lab02, school.lab03     -- MultiPoint hosts (spec.host.multipoint), as lab01.school.example
--     school.linux01                               -- a Linux host, where `rooms` may unlock, and log on by ssh
--     school.machine                               -- where the program is; these two are a spec.host
--     lab.down()
--
-- What an administrator has beforehand is there: the names and keys of the hosts, the fingerprints of lab01 to lab03
-- (/etc/wms/fingerprints.txt), their password (~/password), and a key to log on to linux01 as `rooms`.
local hosts = require "spec.host"
local network = require "spec.host.network"
local mp = require "spec.host.multipoint"
local list = require "spec.programs.list"

local unpack = table.unpack or unpack -- luacheck: ignore 143

local lab = { list = list }

local build = os.getenv("WMS_BUILD") or "build"
local directory = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."

lab.DOMAIN = ".school.example"
local MULTIPOINT = { lab01 = "10.91.0.101", lab02 = "10.91.0.102", lab03 = "10.91.0.103" }
local PASSWORD = "the administrator's"
local EXAMPLES = "/usr/local/src/programs" -- in the machine

local School = {}
School.__index = School
local Task = {}
Task.__index = Task

local function quote(...)
   local words = { ... }
   for i, word in ipairs(words) do
      words[i] = "'" .. tostring(word):gsub("'", "'\\''") .. "'"
   end
   return table.concat(words, " ")
end

local function shell(command)
   local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1; printf '\\n%d' $?"))
   local output, code = pipe:read("*a"):match("^(.*)\n(%d+)$")
   pipe:close()
   return output, code == "0"
end

local function must(command)
   local output, fine = shell(command)
   if not fine then
      error(command .. "\n" .. output, 2)
   end
   return output
end

local function read(file)
   local opened = assert(io.open(file))
   local text = opened:read("*a")
   opened:close()
   return text
end

------------------------------------------------------------------------------------------------------------ what is needed

--- true, or false and why the program cannot be shown here.  Makes its root file system unless it is there.
function lab.available(name)
   local program = assert(list.programs[name], name .. " is not in spec/programs/list.lua")
   local there, why = mp.available()
   if not there then
      return false, why
   end
   local file = io.open(("%s/%s/wms.so"):format(build, program.lua))
   if not file then
      return false, ("wms is not built for the program's Lua (%s)"):format(program.lua)
   end
   file:close()
   if build:find("/", 1, true) then
      return false, "the program has no sanitizer"
   end
   hosts.root(list.roots[program.root])
   there, why = hosts.available()
   if there then
      there, why = hosts.build() -- where no registry can be reached it is not to be had
   end
   return there, why
end

--- Whether all of a spec is to run (`make programs`), or what `make test` has of it.
lab.all = os.getenv("WMS_PROGRAMS") == "all"

lab.ROUND, lab.ROUNDS = lab.all and 1000 or 100, lab.all and 10 or 2 -- of unlocks: see School:steady
local MOST = 30 -- rounds in which a program has to become steady
local LEFT = 1024 -- KiB that ROUNDS of them may leave: a tenth of a KiB an unlock

--- Whether the program's spec is to run at all.  WMS_PROGRAMS=some: each is, as `make test` has it.
function lab.wanted(name)
   return os.getenv("WMS_PROGRAMS") ~= nil or list.programs[name].quick
end

--- Prints what was measured, for `make programs`.
function lab.report(...)
   if lab.all then
      print((...):format(select(2, ...)))
      io.stdout:flush()
   end
end

--------------------------------------------------------------------------------------------------------------- the machine

--- As a user does it: for its own interpreter, with the program `wms`, and for the program's Lua.  Nothing is built for it:
-- others use what is built meanwhile, whatever flags it has been built with.
local function install(machine, lua)
   local old = ("-o %s/flags -o %s/folder -o %s/sources"):format(build, build, build)
   local make = ("make --no-print-directory -s %s BUILD=%s PREFIX=/usr/local DESTDIR=%s LOWDOWN=none LUA_VERSION="):format(
      old, build, quote(machine.root))
   must(make .. "5.4 LUA=lua5.4 install")
   must(make .. lua .. " install-lua")
end

local function copy_examples(machine)
   local folder = quote(machine.root .. EXAMPLES)
   must(("cp -R examples/programs %s && chown -R root: %s && chmod -R a+rX %s"):format(folder, folder, folder))
end

--- MultiPoint hosts at the ports that Windows has, in the network of the test hosts.
local function start_multipoint(school)
   local enter = quote(network.enter())
   local specs = {}
   for name, address in pairs(MULTIPOINT) do
      must(("%s ip address replace %s/24 dev bridge"):format(enter, address))
      specs[#specs + 1] = { name = name, address = address, http = 80, https = 443, subject = name .. lab.DOMAIN,
         password = PASSWORD }
   end
   school.park = mp.start{ hosts = specs, network = school.machine.lab }
   for name in pairs(MULTIPOINT) do
      school[name] = school.park[name]
   end
end

--- The user `rooms` over there may lock and unlock, and whoever is root on the machine may log on as him.
local RULE = [[
polkit.addRule(function(action, subject) {
   if (action.id == "org.freedesktop.login1.lock-sessions" && subject.user == "rooms") {
      return polkit.Result.YES;
   }
});
]]

local function prepare_linux(school, net)
   school.linux01:script([[
      useradd --create-home --shell /bin/sh rooms
      mkdir -m 700 /home/rooms/.ssh
      cp /root/.ssh/authorized_keys /home/rooms/.ssh/
      chown -R rooms: /home/rooms/.ssh
      printf %s "$1" > /etc/polkit-1/rules.d/50-rooms.rules]], RULE)
   school.machine:script([[
      printf %s "$1" > /etc/ssh/ssh_known_hosts
      cd "$2"
      mkdir -p -m 700 .ssh
      install -m 600 /dev/stdin .ssh/id_ed25519 <<< "$3"
      chown -R --reference=. .ssh]],
      (read(net.folder .. "/known_hosts"):gsub("^%S+", "linux01" .. lab.DOMAIN .. "," .. school.linux01.address)),
      school.home, (read(net.folder .. "/key"):gsub("%s+$", "")))
end

--- Names, fingerprints, password.
local function prepare_machine(school)
   local names = { "127.0.0.1 localhost", school.linux01.address .. " linux01" .. lab.DOMAIN }
   local prints = {}
   for name, address in pairs(MULTIPOINT) do
      names[#names + 1] = address .. " " .. name .. lab.DOMAIN
      prints[#prints + 1] = name .. lab.DOMAIN .. " SHA256:" .. school[name].fingerprint
   end
   school.machine:script([[
      echo "$1" > /etc/hosts
      mkdir -p /etc/wms
      echo "$2" > /etc/wms/fingerprints.txt
      (umask 077; echo "$3" > "$4/password")
      chown --reference="$4" "$4/password"]], table.concat(names, "\n"), table.concat(prints, "\n"), PASSWORD, school.home)
end

--- Starts all of it; the program has still to be set up.
function lab.up(name)
   local school = setmetatable({ name = name, program = list.programs[name] }, School)
   school.home = school.program.user and "/home/" .. school.program.user or "/root"
   school.machine, school.linux01 = hosts.up("machine", "linux01")
   hosts.connect(school.machine)
   local net = network.join(school.linux01)
   lab.school = school
   start_multipoint(school)
   prepare_linux(school, net)
   require "spec.support.logind".start_locker(school.linux01)
   prepare_machine(school)
   install(school.machine, school.program.lua)
   copy_examples(school.machine)
   school.machine:script("sed -i 's/timeout = 10/timeout = 300/' $1/config.lua", EXAMPLES) -- a host is held for long here
   return school
end

--- Ends all of it.
function lab.down()
   local school = lab.school
   lab.school = nil
   if school and school.park then
      school.park:stop()
   end
   hosts.down()
end

--- Somebody sits in front of each locked screen: bob at the MultiPoint hosts, in session 1, alice at linux01.
function School:people()
   for name in pairs(MULTIPOINT) do
      self[name]:session{ id = 1, user = "bob", station = 1, flags = 36 + 8 }
   end
   self.alice = self.alice or self.linux01:session{ user = "alice" }
   self.linux01:set_hint(self.alice, true)
end

--------------------------------------------------------------------------------------------------------------- its README

--- The commands of a section of the README: a list of texts.
function School:commands(section)
   local text = read(("%s/../../examples/programs/%s/README.md"):format(directory, self.name))
   local part = ("\n" .. text .. "\n## "):match("\n## " .. section:gsub("%p", "%%%0") .. "\n(.-)\n## ")
   assert(part, "the README has no section " .. section)
   local commands = {}
   for block in part:gmatch("```sh\n(.-)```") do
      commands[#commands + 1] = block
   end
   return commands
end

--- Carries out one text of commands, as the program's user (root) in the example's folder; returns what it has printed.
function School:sh(text, ...)
   text = ('cd "%s/%s"\n%s'):format(EXAMPLES, self.name, text)
   if not self.program.user then
      return self.machine:script(text, ...)
   end
   local said, code = self.machine:run_as(self.program.user, "bash", "-euc", text, "script", ...)
   if code ~= 0 then
      error(("%s\n%s"):format(text, said), 2)
   end
   return said
end

--- Carries out all commands of a section; returns what they have printed.
function School:follow(section)
   local said = {}
   for i, text in ipairs(self:commands(section)) do
      said[i] = self:sh(text)
   end
   return table.concat(said)
end

--------------------------------------------------------------------------------------------- programs of this machine there

--- Begins a program of this machine in the machine's network: a task.
function School:begin(...)
   local pipe = assert(io.popen(("echo $$; exec nsenter --net=/proc/%d/ns/net %s 2>&1 < /dev/null"):format(
      self.machine.pid, quote(...))))
   return setmetatable({ pid = pipe:read("*l"), pipe = pipe }, Task)
end

--- All that it has printed; waits for its end.
function Task:read()
   local text = self.pipe:read("*a")
   self.pipe:close()
   return text
end

--- Whether it has not ended yet.
function Task:running()
   return select(2, shell("grep -q '^State:.[^ZX]' /proc/" .. self.pid .. "/status"))
end

--- Ends it as the user does who goes away.
function Task:kill()
   shell("kill -KILL " .. self.pid)
   return self:read()
end

--- Begins one request by curl: a task, of which `answer` returns the status and the body.  options: method, headers (a
-- list).
function School:request(url, options)
   options = options or {}
   local words = { "curl", "--silent", "--show-error", "--max-time", "300", "--write-out", "\n%{http_code}",
      "--request", options.method or "GET" }
   for _, header in ipairs(options.headers or {}) do
      words[#words + 1], words[#words + 2] = "--header", header
   end
   words[#words + 1] = url
   return self:begin(unpack(words))
end

function Task:answer()
   local body, status = self:read():match("^(.*)\n(%d+)%s*$")
   return tonumber(status), body
end

--- Begins `count` requests, `parallel` (1) of them at a time: a task, of which `counts` returns { ["200"] = how many, …,
-- slowest = seconds, text = what it has printed, bodies = { ["200"] = one of them } }.
function School:requests(count, url, options)
   options = options or {}
   return self:begin("python3", "-B", directory .. "/requests.py", ("%d"):format(count), options.parallel or 1,
      options.method or "GET", url, unpack(options.headers or {}))
end

function Task:counts()
   local text = self:read()
   local result = { text = text, bodies = {} }
   for line in text:gmatch("[^\n]+") do
      local status, body = line:match("^body (%S+) (.*)$")
      local key, value = line:match("^(%S+) ([%d.]+)$")
      if status then
         result.bodies[status] = body:gsub("|", "\n")
      else
         result[assert(key, text)] = tonumber(value)
      end
   end
   return result
end

------------------------------------------------------------------------------------------------------- looking at processes

--- What the machine's processes with these ids have: how many descriptors, and how many of each file or kind (`open`); and
-- memory of their own (KiB).
function School:usage(pids)
   local said = self.machine:script([=[
      for pid; do
         echo "$(awk '$1 == "RssAnon:" { print $2 }' "/proc/$pid/status") KiB"
         find "/proc/$pid/fd" -type l -printf '%l\n' 2> /dev/null || : # one that is closed meanwhile
      done]=], unpack(pids))
   local usage = { memory = 0, descriptors = 0, open = {} }
   for line in said:gmatch("[^\n]+") do
      local memory = line:match("^(%d+) KiB$")
      if memory then
         usage.memory = usage.memory + tonumber(memory)
      else
         local kind = line:match("^(%a+):%[%d+%]$") or line
         usage.open[kind] = (usage.open[kind] or 0) + 1
         usage.descriptors = usage.descriptors + 1
      end
   end
   return usage
end

--- What is open in the second of two, and not in the first.
local function opened(before, after)
   local more = {}
   for kind, count in pairs(after.open) do
      local new = count - (before.open[kind] or 0)
      more[#more + 1] = new > 0 and ("%d %s"):format(new, kind) or nil
   end
   return table.concat(more, ", ")
end

--- The least of ROUNDS rounds: what is left of a former one can make the first the greatest.
local function least(usages, first, key)
   local result = math.huge
   for i = first, first + lab.ROUNDS - 1 do
      result = math.min(result, usages[i][key])
   end
   return result
end

--- Calls `round`, which unlocks a room ROUND times, until ROUNDS rounds in a row have left neither a descriptor nor memory
-- behind.  A leak shows in every such span; what the program takes once, at a time of its own, does not (rspamd loads
-- tables once they are made), nor do connections that others have just closed.  `round` returns the ids of the program's
-- processes, and how many KiB are in use as the program itself says, or nil: what has been free since it started can hide
-- megabytes.
function School:steady(round)
   local usages, said = {}, nil
   for i = 1, MOST do
      local pids, used = round()
      usages[i] = self:usage(pids)
      usages[i].used = used or 0
      local first, after = i - lab.ROUNDS, usages[i]
      if first > 0 then
         local before, memory = usages[first], least(usages, first, "memory")
         used = least(usages, first, "used")
         said = ("%s: %d unlocks: %d descriptors before, %d behind them; %d KiB, %d KiB; %.0f KiB in use, %.0f KiB"):format(
            self.name, lab.ROUNDS * lab.ROUND, before.descriptors, after.descriptors, memory, after.memory, used,
            after.used)
         if after.descriptors <= before.descriptors and after.memory < memory + LEFT and after.used < used + LEFT then
            return lab.report("%s", said)
         end
         said = ("%s; open since: %s"):format(said, opened(before, after))
      end
   end
   error(said, 2)
end

--- What the process does with signals 1 to 32: those that it blocks, ignores and catches, as three numbers in hex.  33 is
-- glibc's own, which it takes with the first thread.
function School:signals(pid)
   return (self.machine:script("sed -n 's/^\\(Sig[BIC].*:\\).*\\(........\\)$/\\1 \\2/p' /proc/$1/status", pid))
end

return lab
