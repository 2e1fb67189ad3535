-- SPDX-License-Identifier: MIT
--- The program `wms` with hosts: a real Linux, and MultiPoint hosts that it has to be bound to.
local cli = require "spec.support.cli"
local kit = require "spec.support.kit"
local logind = require "spec.support.logind"
local multipoint = require "spec.support.multipoint"
local process = require "spec.support.process"
local dkjson = require "dkjson"

local function has(text, ...)
   for _, part in ipairs{ ... } do
      assert(text:find(part, 1, true), ("'%s' is not in:\n%s"):format(part, text))
   end
end

teardown(cli.sweep)

describe("wms and a Linux host #once", function()
   local test = kit.needing(pending, logind.missing)
   after_each(function()
      if not logind.missing() then
         logind.sweep()
      end
   end)
   teardown(function()
      if not logind.missing() then
         logind.down()
      end
   end)

   --- Runs it with that host as this machine.
   local function run(host, arguments)
      local bus = "DBUS_SYSTEM_BUS_ADDRESS=unix:path=" .. host.server:gsub("^logind://", "")
      return cli.run(arguments, { environment = bus })
   end

   test("lists, locks and unlocks", function()
      local host = logind.host{ sessions = { {}, { locked = true } } }
      local out, err, code = run(host, "list")
      assert.same({ 0, "2 sessions on 1 host\n" }, { code, err })
      assert.truthy(out:find("localhost +" .. host.ids[1] .. "  alice +%S+ +no "), out)
      assert.truthy(out:find("localhost +" .. host.ids[2] .. "  bob +%S+ +locked "), out)

      out, err, code = run(host, { "lock", tostring(host.ids[1]), "-m", "Hi", "--verify" })
      assert.same({ 0, "1 locked\n" }, { code, err }, out)
      assert.is_true(host.locked(host.ids[1]))
      out, err, code = run(host, "unlock --all --verify")
      assert.same({ 0, "2 unlocked\n" }, { code, err }, out)
      assert.is_false(host.locked(host.ids[1]) or host.locked(host.ids[2]))
   end)

   test("shows a message, and closes by another name of the host", function()
      local host = logind.host{ sessions = { {}, {} } }
      local _, err, code = cli.run{ "message", tostring(host.ids[2]), "-s", host.server, "-m", "Ten minutes left" }
      assert.same({ 0, "1 sent\n" }, { code, err })
      has(host.shown(), "Ten minutes left")
      _, err, code = cli.run{ "close", "-s", host.server, "--user", "alice", "--yes", "--verify" }
      assert.same({ 0, "1 logged off\n" }, { code, err })
      assert.same({ false, true }, { host.exists(host.ids[1]), host.exists(host.ids[2]) })
   end)

   test("says what cannot be done", function()
      local host = logind.host{ sessions = { {} } }
      local _, err, code = run(host, { "disconnect", tostring(host.ids[1]) })
      assert.equal(1, code)
      has(err, "cannot", "leave it out")
      _, err, code = cli.run("list -s " .. logind.unreachable())
      assert.equal(3, code)
      has(err, "failed: logind:///run/no-such-bus/socket: ", "Is the host on")
   end)

   test("ends at once when the host is silent", function()
      local host = logind.host{ sessions = { {} } }
      host.mute()
      local text, code = cli.terminal({ "unlock", tostring(host.ids[1]), "-s", host.server }, 80,
         { "waiting for", "\\x03" })
      assert.equal(130, code)
      has(text, "interrupted: 1 not sent")
   end)
end)

describe("wms and MultiPoint hosts #once", function()
   local test = kit.needing(pending, multipoint.missing)
   local config
   before_each(function()
      config = cli.folder() .. "/config"
   end)
   after_each(function()
      process.run("rm -rf " .. process.quote(config))
      multipoint.sweep()
   end)
   teardown(multipoint.down)

   local function stranger()
      local lab = multipoint.new{}
      lab:session{ id = 3, user = "alice", flags = 36 }
      lab:session{ id = 4, user = "bob", flags = 36 + 8 }
      lab:session{ id = 5, user = "teacher", flags = 1 }
      return lab
   end

   --- A bound host, and a function that runs a command with it.
   local function bound()
      local lab = stranger()
      local _, err, code = cli.run({ "bind", lab.server, "-u", lab.admin, "--fingerprint", lab.fingerprint, "--password-fd",
         "0" }, { input = lab.password .. "\n" })
      assert.same({ 0, "1 bound\n" }, { code, err })
      return lab
   end

   test("says how to be bound", function()
      local lab = stranger()
      local _, err, code = cli.run{ "list", lab.server }
      assert.equal(1, code)
      has(err, "not bound", "Bind to it once: wms bind " .. lab.server .. " -u Administrator")
   end)

   test("binds by a fingerprint that is confirmed, and a password that is typed", function()
      local lab = stranger()
      local text, code = cli.terminal({ "bind", lab.server, "-u", lab.admin }, 80,
         { "SHA-256\\) ", "perhaps\\n", "'no': ", "yes\\n", "Password of", lab.password .. "\\n" })
      assert.equal(0, code, text)
      has(text, "shows this certificate:\n  SHA-256  " .. lab.fingerprint:sub(1, 48), lab.fingerprint:sub(49),
         lab.thumbprint, "Password of " .. lab.admin .. " on " .. lab.server .. ": \n", "1 bound")
      assert.is_nil(text:find(lab.password, 1, true), "no echo")
      local out, err = cli.run("bindings")
      assert.equal("1 binding\n", err)
      has(out, lab.server:gsub("^multipoint://", "") .. "  ", lab.fingerprint)
   end)

   test("binds by a fingerprint that is typed", function()
      local lab = stranger()
      local text, code = cli.terminal({ "bind", lab.server, "-u", lab.admin }, 80,
         { "SHA-256\\) ", "SHA256:" .. lab.fingerprint .. "\\n", "Password of", lab.password .. "\\n" })
      assert.equal(0, code, text)
      text, code = cli.terminal({ "bind", lab.server, "-u", lab.admin }, 80, { "SHA-256\\) ", ("00"):rep(32) .. "\\n" })
      assert.equal(1, code, text)
      has(text, "1 failed")
   end)

   test("does not bind when the certificate is another's, or nobody says so", function()
      local lab = stranger()
      for _, steps in ipairs{ { "SHA-256\\) ", "no\\n" }, { "SHA-256\\) ", "\\x04" } } do
         local text, code = cli.terminal({ "bind", lab.server, "-u", lab.admin }, 80, steps)
         assert.is_true(code ~= 0, text)
      end
      local text, code = cli.terminal({ "bind", lab.server, "-u", lab.admin }, 80,
         { "SHA-256\\) ", "yes\\n", "Password", "\\x03" })
      assert.equal(130, code, text)
      text, code = select(2, cli.run({ "bind", lab.server, "-u", lab.admin, "--fingerprint", ("00"):rep(32),
         "--password-fd", "0" }, { input = lab.password .. "\n" }))
      assert.equal(1, code, text)
      assert.equal(0, lab:counts().admin_plain + lab:counts().admin_tls)
      assert.equal("", (cli.run("bindings --csv")):match("\n(.*)$"))
   end)

   test("binds a room by a list, with a password of a service", function()
      local labs = { stranger(), stranger() }
      local servers = labs[1].server .. "," .. labs[2].server
      local out, err, code = cli.run{ "bind", servers, "-u", labs[1].admin, "--show" }
      assert.same({ 0, "" }, { code, err })
      has(out, labs[1].server .. " SHA256:" .. labs[1].fingerprint, labs[2].server .. " SHA256:" .. labs[2].fingerprint)
      local list, password = cli.write("room.txt", out), cli.write("wms.password", labs[1].password .. "\n")
      assert.equal(labs[1].password, labs[2].password)
      out, err, code = cli.run({ "bind", servers, "-u", labs[1].admin, "--fingerprints", list,
         "--credential", "wms.password" }, { environment = "CREDENTIALS_DIRECTORY=" .. password:match("^(.*)/") })
      assert.same({ 0, "2 bound\n" }, { code, err }, out)
      out, err, code = cli.run("unbind " .. servers)
      assert.same({ 0, "2 hosts\n" }, { code, err }, out)
   end)

   test("binds a host that tells of changes, and lists where it does", function()
      local lab = stranger()
      local port = multipoint.free_port()
      local place = ("localhost:%d@127.0.0.1"):format(port)
      local words = { "bind", lab.server, "-u", lab.admin, "--fingerprint", lab.fingerprint, "--password-fd", "0", "--events",
         place }
      local _, err, code = cli.run(words, { input = lab.password .. "\n" })
      assert.same({ 0, "1 bound\n" }, { code, err })
      local record = dkjson.decode((cli.run("bindings --json")):match("[^\n]+"))
      assert.same({ place, true }, { record.events, record.management })
      assert.is_true(record.events_expires > os.time() + 86400)
      has((cli.run("bindings")), "EVENTS", place)
      words[#words + 1] = "--lua"
      has((cli.run(words)), ("events = { address = \"127.0.0.1\", host_name = \"localhost\", port = %d },"):format(port))
      words[#words], words[#words - 1] = nil, "a..example:8443" -- what the table of options cannot know
      _, err, code = cli.run(words, { input = lab.password .. "\n" })
      assert.equal(2, code)
      has(err, "--events: NAME: no name of a host")
   end)

   test("prints the script that binds", function()
      local lab = stranger()
      local words = { "bind", lab.server, "-u", lab.admin, "--fingerprint", lab.fingerprint, "--lua" }
      local input = process.quote(cli.write("password", lab.password .. "\n"))
      for _, more in ipairs{ { "--password-fd", "0" }, { "--credential", "password" } } do
         local all = { (table.unpack or unpack)(words) } -- luacheck: ignore 113 143
         for _, word in ipairs(more) do
            all[#all + 1] = word
         end
         local text, err, code = cli.run(all)
         assert.same({ "", 0 }, { err, code })
         local out = process.run(table.concat({
            "CREDENTIALS_DIRECTORY=" .. cli.folder(), "XDG_CONFIG_HOME=" .. config, "LUA_PATH='./lua/?.lua;;'",
            "LUA_CPATH=" .. process.quote(package.cpath), process.lua(), cli.write("script.lua", text), "<" .. input,
         }, " "))
         has(out, lab.server .. "\tnil\tnil\tverified\tnil\n")
      end
   end)

   test("prints the script that asks for a password, without echo", function()
      local lab = stranger()
      local text = cli.run{ "bind", lab.server, "-u", lab.admin, "--fingerprint", lab.fingerprint, "--lua" }
      local out, code = process.run(table.concat({
         "XDG_CONFIG_HOME=" .. config, "LUA_PATH='./lua/?.lua;;'", "LUA_CPATH=" .. process.quote(package.cpath),
         "python3 spec/support/terminal.py 200 'Password of' " .. process.quote(lab.password .. "\\n"), "--",
         process.lua(), cli.write("script.lua", text),
      }, " "))
      assert.equal(0, code)
      has(out, "Password of " .. lab.admin .. " on " .. lab.server .. ": ", "verified", "\n0")
      assert.is_nil(out:find(lab.password, 1, true), "no echo")
   end)

   test("tells no password", function()
      local lab = stranger()
      for _, flags in ipairs{ {}, { "--json" }, { "--lua" } } do
         local words = { "bind", lab.server, "-u", lab.admin, "--fingerprint", lab.fingerprint, "--password-fd", "0" }
         words[#words + 1] = flags[1]
         local out, err = cli.run(words, { input = lab.password .. "\n" })
         assert.is_nil((out .. err):find(lab.password, 1, true))
      end
   end)

   test("locks, unlocks, disconnects, closes and lists", function()
      local lab = bound()
      local out, err, code = cli.run{ "list", lab.server }
      assert.same({ 0, "3 sessions on 1 host\n" }, { code, err }, out)
      assert.truthy(out:find("3  alice +%S+ +no ") and out:find("4  bob +%S+ +locked "), out)
      has(out, "exempt")
      out, err, code = cli.run{ "lock", "-s", lab.server, "3", "-m", "Eyes on me", "--verify" }
      assert.same({ 0, "1 locked\n" }, { code, err }, out)
      assert.equal("Eyes on me", lab:sessions()[3].message)
      out, err, code = cli.run{ "unlock", "--all", "-s", lab.server, "--except", "user=bob", "--verify" }
      assert.same({ 0, "1 unlocked\n" }, { code, err }, out)
      out, err, code = cli.run{ "disconnect", "-s", lab.server, "4", "--verify" }
      assert.same({ 0, "1 disconnected\n" }, { code, err }, out)
      out, err, code = cli.run{ "close", "-s", lab.server, "--all", "--yes" }
      assert.same({ 0, "2 requested\n" }, { code, err }, out)
   end)

   test("calls an operation", function()
      local lab = bound()
      local out, _, code = cli.run{ "call", "-s", lab.server, "IMultiPointSession", "GetScreenState", "idSession=4" }
      assert.equal(0, code)
      has(out, "pfIsLocked  true\n", "pfIsDisconnected  false\n")
      out = cli.run{ "call", "-s", lab.server, "IMultiPointSession", "GetScreenState", "idSession=4", "--json" }
      local record = dkjson.decode(out:match("[^\n]+"))
      assert.same({ "outcome", true }, { record.record, record.value.pfIsLocked })
      local err
      out, err, code = cli.run{ "call", "-s", lab.server, "IMultiPointSession", "NoSuch" }
      assert.equal(2, code, out .. err)
      has(err, "NoSuch")
   end)
end)
