-- SPDX-License-Identifier: MIT
--- wms-agent.service on a real Linux host: with few of root's rights, its sessions are locked, told and kept all the same.
local kit = require "spec.support.kit"
local logind = require "spec.support.logind"
local nats = require "spec.support.nats"
local process = require "spec.support.process"

local function missing()
   if (os.getenv("WMS_BUILD") or "build") ~= "build" then
      return "the host has no sanitizers"
   end
   return logind.missing() or nats.missing()
end

describe("wms-agent.service #once", function()
   local test = kit.needing(function(why) pending(why) end, missing)
   local folder, host, machine

   --- Copies what the service and a server need into the host.
   local function install()
      local libraries = process.run("ldd build/5.4/wms.so build/5.4/wms/nats.so build/5.4/wms/logind.so | "
         .. "sed -n 's/.* => \\(.*\\/lib[^ ]*\\) .*/\\1/p' | sort -u")
      for path in libraries:gmatch("[^\n]+") do
         if not path:find("/libc%.so") and select(2, machine:run("test", "-e", path)) ~= 0 then
            machine:put(path, "/usr/local/lib/" .. path:match("[^/]+$"))
         end
      end
      for _, name in ipairs{ "wms.so", "wms/logind.so", "wms/nats.so" } do
         machine:put("build/5.4/" .. name, "/usr/local/lib/lua/5.4/" .. name)
      end
      for name in process.run("cd lua && find wms -name '*.lua'"):gmatch("[^\n]+") do
         machine:put("lua/" .. name, "/usr/local/share/lua/5.4/" .. name)
      end
      machine:put("bin/wms", "/usr/local/bin/wms")
      machine:put(process.run("command -v nats-server"):match("%S+"), "/usr/local/bin/nats-server")
      process.run(("sed -e 's|@BINDIR@|/usr/local/bin|' mk/wms-agent.service >%s/unit"):format(folder))
      machine:put(folder .. "/unit", "/usr/local/lib/systemd/system/wms-agent.service")
      machine:script([[
         chmod 644 /usr/local/lib/systemd/system/wms-agent.service
         chmod 755 /usr/local/bin/wms /usr/local/bin/nats-server
         ldconfig
         ip link set lo up 2>/dev/null || true
         mkdir -p /etc/wms
         cat >/etc/wms/agent.lua <<'END'
return { host = "lab01", nats = { servers = "nats://127.0.0.1:4222" },
   policy = { alice = { "sessions", "lock", "unlock", "message" } } }
END
         cat >/etc/wms/config.lua <<'END'
return { nats = { servers = "nats://127.0.0.1:4222", name = "alice" } }
END
         systemctl daemon-reload
         systemd-run --quiet --unit=nats nats-server --addr 127.0.0.1 --jetstream --store_dir /var/lib/nats]])
   end

   local function journal()
      return machine:check("journalctl", "--quiet", "--no-pager", "-o", "cat", "-u", "wms-agent")
   end

   --- A command of alice's, on the host itself; succeeds.
   local function wms(...)
      local text, code = machine:run("/usr/local/bin/wms", ...)
      assert(code == 0, text .. journal())
      return text
   end

   local function await_line(text, times)
      return kit.await(function()
         return select(2, journal():gsub(text:gsub("%p", "%%%0"), "")) >= (times or 1)
      end, nil, 60)
   end

   setup(function()
      if not missing() then
         folder = process.run("mktemp -d"):match("%S+")
         host = logind.host{ sessions = { {}, { locked = true } } }
         machine = host.machine
         install()
      end
   end)

   teardown(function()
      if machine then
         machine:run("systemctl", "stop", "wms-agent", "nats")
         logind.down()
         process.run("rm -r " .. folder)
      end
   end)

   test("serves, keeps a wish over its death and its stop, and puts back", function()
      kit.await(function() return select(2, machine:run("/usr/local/bin/wms", "agent", "prepare")) == 0 end)
      machine:check("systemctl", "start", "wms-agent") -- returns when the service says that it has begun
      await_line("lab01: serves logind://")
      wms("lock", host.ids[1], "-s", "nats://lab01", "-m", "Eyes on me", "--verify")
      assert.is_true(host.locked(host.ids[1]))
      wms("unlock", host.ids[1], "-s", "nats://lab01", "--verify")
      assert.is_false(host.locked(host.ids[1]))
      await_line("unlock of alice: 1 as asked")
      local text, code = machine:run("/usr/local/bin/wms", "close", host.ids[1], "-s", "nats://lab01", "--yes")
      assert.equal(1, code, text)
      await_line("close of alice: not allowed by the policy")

      wms("keep", "--nats", "-s", "nats://lab01", "--locked", "-m", "Exam", "--restore")
      kit.await(function() return host.locked(host.ids[1]) end)
      machine:check("systemctl", "kill", "--signal=KILL", "wms-agent")
      host.unlock(host.ids[1])
      kit.await(function() return host.locked(host.ids[1]) end, nil, 60) -- started again after ten seconds
      await_line("goes on from /var/lib/wms-agent/wish.keep: 1 session changed")
      wms("room", "status", "nats://lab01")
      machine:check("systemctl", "stop", "wms-agent")
      assert.equal("inactive", machine:run("systemctl", "is-active", "wms-agent"):match("%S+"))
      assert.is_true(host.locked(host.ids[1]))
      text, code = machine:run("/usr/local/bin/wms", "list", "nats://lab01")
      assert.equal(3, code, text)
      machine:check("systemctl", "start", "wms-agent")
      await_line("lab01: serves logind://", 3)
      wms("keep", "--nats", "-s", "nats://lab01", "--end")
      kit.await(function() return not host.locked(host.ids[1]) end)
      assert.is_true(host.locked(host.ids[2]))
      assert.is_nil(journal():find("%d%d:%d%d:%d%d"), journal()) -- the journal has the times
      assert.equal("700\n", machine:check("stat", "-c", "%a", "/var/lib/wms-agent"))
   end)

   test("has few of root's rights", function()
      local properties = machine:check("systemctl", "show", "wms-agent", "-P", "CapabilityBoundingSet")
      assert.equal("cap_dac_override cap_setgid cap_setuid", properties:match("%S.*%S"))
      local pid = machine:check("systemctl", "show", "wms-agent", "-P", "MainPID"):match("%d+")
      local status = machine:check("cat", ("/proc/%s/status"):format(pid))
      assert.truthy(status:find("NoNewPrivs:\t1"), status)
   end)
end)
