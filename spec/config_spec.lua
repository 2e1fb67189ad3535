-- SPDX-License-Identifier: MIT
--- What is read from files: settings, lists of hosts, Ansible's inventories, fingerprints.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local config = require "wms.config"
local fingerprints = require "wms.fingerprints"
local inventory = require "wms.inventory"
local wms = kit.wms

local folder

local function write(name, text)
   local file = assert(io.open(folder .. "/" .. name, "wb"))
   file:write(text)
   file:close()
   return folder .. "/" .. name
end

describe("a file", function()
   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
   end)
   teardown(function()
      os.execute("rm -r " .. folder)
   end)
   after_each(function()
      wms.configure{ groups = {} }
      kit.reset()
   end)

   describe("of settings", function()
      it("says where the NATS servers are, with paths beside it", function()
         local path = write("nats.lua", [[return { nats = { servers = "tls://nats1", name = "alice", nkey = "alice.nk",
            tls = { ca = "/etc/wms/ca.pem", key = "keys/k.pem", certificate = "keys/c.pem" } } }]])
         local tls = { ca = "/etc/wms/ca.pem", key = folder .. "/keys/k.pem", certificate = folder .. "/keys/c.pem" }
         assert.same({ servers = "tls://nats1", name = "alice", nkey = folder .. "/alice.nk", tls = tls },
            assert(config.read(path)).configure.nats)
         assert(config.load(path))
         wms.configure{ nats = false }
         local settings, why = config.load(write("odd.lua", "return { nats = { servers = 'ftp://x' } }"))
         assert.is_nil(settings)
         assert.truthy(why:find("odd.lua: nats: ", 1, true), why)
      end)

      it("defines groups and defaults", function()
         write("room3.txt", "# the back room\n\n  lab07  # broken\r\nlab[8-9]\n@room1\n")
         write("ansible.json", [[{ "all": { "children": ["web"] }, "web": { "hosts": ["w1"] } }]])
         local path = write("config.lua", [[
            return {
               groups = { room1 = "lab[01-02]", room2 = { "@room1", "!lab02" } },
               hosts = { room3 = "room3.txt" },
               inventories = { "]] .. folder .. [[/ansible.json" },
               defaults = { timeout = 7, concurrency = 3, verify = 2, retries = 1, on_error = "stop" },
            }]])
         local settings = assert(config.load(path))
         assert.same({ verify = 2, retries = 1, on_error = "stop" }, settings.client)
         assert.same({ timeout = 7, concurrency = 3 }, settings.configure)
         assert.equal(path, settings.path)
         assert.same({ "lab01" }, wms.servers("@room2"))
         assert.same({ "lab07", "lab8", "lab9", "lab01", "lab02" }, wms.servers("@room3"))
         assert.same({ "logind://w1" }, wms.servers("@all"))
         assert.truthy(wms.new(settings.client))
      end)

      it("is read where a program lets nobody ask for a global that is not there", function()
         local path = write("strict.lua", [[return { groups = { room1 = "lab01" } }]])
         local former = getmetatable(_G)
         setmetatable(_G, { __index = function(_, name) error("there is no global " .. tostring(name), 2) end })
         local fine, settings, message = pcall(config.load, path)
         setmetatable(_G, former)
         assert.is_true(fine, settings)
         assert.same({ room1 = "lab01" }, assert(settings, message).groups)
      end)

      it("names the network cards of hosts", function()
         finally(function() wms.configure{ wake = false } end)
         local card = { mac = "00:11:22:33:44:55", network = "127.0.0.1" }
         local path = write("cards.lua", [[return { wake = { ["memory://cards"] = {
            mac = "00:11:22:33:44:55", network = "127.0.0.1" } } }]])
         assert.same({ wake = { ["memory://cards"] = card } }, assert(config.load(path)).configure)
         assert.same({ "requested" }, kit.pluck(assert(wms.wake("memory://cards")), "state"))
      end)

      it("is looked for in the user's folder, then in /etc", function()
         os.execute("mkdir -p " .. folder .. "/home/wms")
         write("home/wms/config.lua", "return { groups = { mine = 'lab1' } }")
         local script = [[local config = require "wms.config"
            print(config.paths()[1], config.paths()[#config.paths()], (config.read() or {}).groups.mine)]]
         local run = process.lua()
         local output = process.run(("XDG_CONFIG_HOME=%s/home %s -e '%s'"):format(folder, run, script))
         assert.equal(folder .. "/home/wms/config.lua\t/etc/wms/config.lua\tlab1\n", output)
      end)

      it("that is not there leaves everything as it is, unless it was named", function()
         local settings, message = config.load(folder .. "/none.lua")
         assert.is_nil(settings)
         assert.truthy(message:find("none.lua", 1, true))
      end)

      it("does nothing but return a table", function()
         write("one.txt", "lab1\n")
         write("two.txt", "# two\nlab1\nlab2 lab3\n")
         for name, case in pairs{
            syntax = { "return {", "syntax.lua:1" },
            ["global"] = { "return { groups = os.getenv('HOME') }", "global.lua:1" },
            runs = { "os.exit(7)", "runs.lua:1" },
            number = { "return 7", "a number; return a table" },
            nothing = { "", "a nil; return a table" },
            bytes = { "\27Lua", "byte code; give a text" },
            compiled = { string.dump(function() return {} end), "byte code; give a text" },
            field = { "return { group = {} }",
               "group: no such field; use groups, hosts, inventories, wake, nats, defaults" },
            text = { "return { groups = 'a' }", "groups: a string; give a table" },
            default = { "return { defaults = { tmeout = 7 } }", "tmeout: no such option; use timeout" },
            value = { "return { defaults = { timeout = -7 } }", "timeout: -7" },
            client = { "return { defaults = { retries = 'often' } }", "retries: a string" },
            cycle = { "return { groups = { a = '@b', b = '@a' } }", "itself" },
            missing = { "return { hosts = { a = 'nowhere.txt' } }", "nowhere.txt" },
            path = { "return { hosts = { a = 7 } }", "hosts: a: a number" },
            card = { "return { wake = { lab01 = { mac = 1 } } }", "mac: a number" },
            cards = { "return { wake = 'lab01' }", "wake: a string; give a table" },
            inventory = { "return { inventories = { 'inventory.lua' } }", "inventory.lua: no inventory in JSON" },
            twice = { "return { groups = { a = 'x' }, hosts = { a = 'one.txt' } }", "there is a group 'a' already" },
            hosts = { "return { hosts = { a = 'two.txt' } }", "two.txt:3: a space" },
            endless = { "while true do end", "it does not come to an end" },
            group = { "return { groups = { a = 'lab[3-1]' } }", "group.lua: groups: a: a range" },
         } do
            wms.configure{ groups = { before = "lab1" } }
            local settings, message = config.load(write(name .. ".lua", case[1]))
            assert.is_nil(settings, name)
            assert.truthy(message:find(folder .. "/" .. name .. ".lua", 1, true), name .. ": " .. message)
            assert.truthy(message:find(case[2], 1, true), name .. ": " .. message)
            assert.same({ "lab1" }, wms.servers("@before"))
         end
         local settings, message = config.load(folder)
         assert.is_nil(settings)
         assert.truthy(message:find(folder, 1, true))
      end)
   end)

   describe("of fingerprints", function()
      local HEX = ("AB:"):rep(31) .. "AB"

      it("is a list of hosts", function()
         local base64 = ("q6ur"):rep(10) .. "q6s"
         local path = write("prints", table.concat({ "# taken down at the hosts", "lab01 SHA256:" .. HEX,
            "lab02,lab02.school  " .. ("ab"):rep(32) .. " # hex", "[lab03]:8080\tsha256:" .. HEX:lower(),
            "lab04 SHA256:" .. base64, "lab05 SHA256:" .. base64 .. "=\r", "" }, "\n"))
         assert.same({ lab01 = HEX, lab02 = HEX, ["lab02.school"] = HEX, ["lab03:8080"] = HEX, lab04 = HEX, lab05 = HEX },
            fingerprints.load(path))
      end)

      it("is what openssl and ssh-keygen have made of 32 bytes #once", function()
         local digest = process.run("printf wms | openssl dgst -sha256 -binary | base64"):match("[^=\n]+")
         local hex = process.run("printf wms | openssl dgst -sha256 -c"):match("(%x%x:[%x:]+)")
         assert.same({ lab = hex:upper() }, fingerprints.parse("lab SHA256:" .. digest))
      end)

      it("with a line that is none is refused as a whole", function()
         for _, line in ipairs{
            "lab01", "lab01 SHA256:", "lab01 SHA256:AB", "lab01 MD5:" .. HEX, "lab01 SHA256:" .. HEX .. " x",
            "lab01 SHA256:" .. ("q6ur"):rep(10) .. "q6t", "lab01 SHA256:" .. ("q6ur"):rep(10) .. "q*s",
            "lab01 ssh-ed25519 AAAA", "lab01 " .. HEX:gsub("AB", "XY"),
         } do
            local list, message = fingerprints.parse("lab00 " .. HEX .. "\n" .. line, "prints")
            assert.is_nil(list, line)
            assert.truthy(message:find("^prints:2: give"), message)
         end
         for _, host in ipairs{ "lab[1-2]", "@room1", "a!b" } do
            assert.truthy(select(2, fingerprints.parse(host .. " " .. HEX)):find("is no host's address", 1, true))
         end
         for _, fun in ipairs{ fingerprints.parse, fingerprints.load, fingerprints.format, inventory.load_hosts,
            inventory.ansible } do
            local fine, fault = pcall(fun)
            assert.is_false(fine)
            assert.truthy(fault:find("bad argument", 1, true) and fault:find("give", 1, true), fault)
         end
         local list, message = fingerprints.parse("a " .. HEX .. "\nA. " .. ("00"):rep(32))
         assert.is_nil(list)
         assert.truthy(message:find("fingerprints:2: a has another fingerprint", 1, true), message)
         assert.is_nil((fingerprints.load(folder .. "/nowhere")))
      end)

      it("is made from what the hosts have shown, and read again", function()
         local shown = { { server = "lab02", value = { fingerprint = HEX } }, { server = "lab03" },
            { server = "lab01", value = { fingerprint = HEX } } }
         local text = fingerprints.format(shown)
         assert.equal(("lab01 SHA256:%s\nlab02 SHA256:%s\n"):format(HEX, HEX), text)
         local list = assert(fingerprints.parse(text))
         assert.same({ lab01 = HEX, lab02 = HEX }, list)
         assert.equal(text, fingerprints.format(list))
      end)
   end)

   describe("of Ansible's", function()
      it("becomes groups", function()
         local groups = assert(inventory.ansible[[{
            "_meta": { "hostvars": {
               "a": { "ansible_host": "10.0.0.1", "ansible_user": "root", "ansible_port": 2222 },
               "b": { "ansible_connection": "winrm", "ansible_port": 5986 },
               "c": { "ansible_connection": "local" },
               "d": { "ansible_host": "fe80::1", "ansible_ssh_user": "admin", "ansible_ssh_port": "22" }
            } },
            "all": { "children": ["ungrouped", "web"] },
            "web": { "hosts": ["a", "b", "c", "d", "e"], "vars": {} },
            "old": ["a", "e"], "bare": {}
         }]])
         local web = { "logind://root@10.0.0.1:2222", "b", "localhost", "logind://admin@[fe80::1]:22", "logind://e" }
         assert.same({ all = { "@ungrouped", "@web" }, ungrouped = {}, web = web, old = { web[1], web[5] }, bare = {} },
            groups)
         wms.configure{ groups = groups }
         assert.same(web, wms.servers("@all"))
      end)

      it("gets its addresses from a function", function()
         local groups = assert(inventory.ansible([[{ "web": { "hosts": ["a", "b"] } }]], function(name)
            return name ~= "b" and "multipoint://" .. name or nil
         end))
         assert.same({ web = { "multipoint://a" } }, groups)
         local none, message = inventory.ansible([[{ "web": { "hosts": ["a"] } }]], function() return 3 end)
         assert.is_nil(none)
         assert.truthy(message:find("group web: the address of a is a number", 1, true), message)
      end)

      it("that is none is refused", function()
         for _, text in ipairs{ "", "[", "7", "null", [["a"]], [[{ "a": 7 }]], [[{ "a": { "hosts": { "b": 1 } } }]],
            [[{ "a": { "children": "b" } }]], [[{ "a": true }]] } do
            local groups, message = inventory.ansible(text)
            assert.is_nil(groups, text)
            assert.truthy(message:find("ansible-inventory", 1, true), message)
         end
      end)

      it("means what ansible says #once", function()
         local path = write("hosts.ini", [[
            mail.example.com ansible_user=postmaster
            [web]
            web[01:12].example.com ansible_user=deploy
            jumper ansible_host=192.0.2.50 ansible_port=5555
            [db]
            db-[a:f].example.com
            [east]
            web01.example.com
            web02.example.com ansible_port=2200
            db-a.example.com
            [west:children]
            late
            [prod:children]
            east
            west
            [late]
            zz.example.com
            [windows]
            win[1:3] ansible_connection=winrm
         ]])
         local json = process.run("ansible-inventory -i " .. path .. " --list 2>/dev/null")
         local groups = assert(inventory.ansible(json, function(name) return name end))
         wms.configure{ groups = groups }
         for _, name in ipairs{ "all", "prod", "web" } do
            local theirs = {}
            local listed = process.run(("ansible %s -i %s --list-hosts 2>/dev/null"):format(name, path))
            for host in listed:gmatch("\n%s+(%S+)") do
               theirs[#theirs + 1] = host
            end
            assert.truthy(#theirs > 3)
            assert.same({ name, kit.sorted(theirs) }, { name, kit.sorted(wms.servers("@" .. name)) })
         end
         assert.same({ "logind://deploy@web01.example.com", "logind://deploy@web02.example.com:2200",
            "logind://db-a.example.com" }, (function()
               wms.configure{ groups = assert(inventory.ansible(json)) }
               return wms.servers("@east")
            end)())
      end)
   end)

   it("that is spoilt raises nothing #once", function()
      local good = {
         { [[{ "_meta": { "hostvars": { "a": { "ansible_host": "h", "ansible_port": 22 } } }, "all": { "children": ["w"] },
            "w": { "hosts": ["a", "b"] } }]], inventory.ansible },
         { "lab01 SHA256:" .. ("AB:"):rep(31) .. "AB\n[lab02]:80 " .. ("ab"):rep(32) .. " # x\n", fingerprints.parse },
         { "lab[01-30]\n# x\n@room1\r\n", inventory.hosts },
         { "return { groups = { a = 'lab[1-3]', b = { '@a', '!lab2' } }, defaults = { timeout = 7, verify = 3 } }",
            function(text) return config.load(write("spoilt.lua", text)) end },
      }
      local state = 11
      local function random(n)
         state = (state * 1103515245 + 12345) % 2147483648
         return math.floor(state / 65536) % n + 1
      end
      local fine, refused = 0, 0
      for _, case in ipairs(good) do
         assert.truthy((case[2](case[1])))
         for _ = 1, 500 do
            local text = case[1]
            for _ = 1, random(3) do
               local at = random(#text + 1)
               local what = random(4)
               text = text:sub(1, at - 1) .. (what == 1 and "" or what == 2 and string.char(random(256) - 1)
                  or what == 3 and text:sub(at, at + random(20)) or ([[{}[]",:@!'\#]]):sub(random(12)):sub(1, 1))
                  .. text:sub(at + (what == 1 and random(9) or 0))
            end
            local result, message = case[2](text)
            if result == nil then
               assert.equal("string", type(message))
               refused = refused + 1
            else
               fine = fine + 1
            end
         end
      end
      assert.truthy(fine > 100 and refused > 500, fine .. " " .. refused)
   end)
end)
