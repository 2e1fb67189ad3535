-- SPDX-License-Identifier: MIT
--- The ssh program and what it says: programs take its place that need no host.
local kit = require "spec.support.kit"
local marked = require "spec.support.marked"
local process = require "spec.support.process"
local wms = kit.wms
local fault = kit.fault

local build = os.getenv("WMS_BUILD") or "build"
local serial = 0

--- What a command hears if this shell script takes ssh's place; each time another host.
local function hear(script, options)
   serial = serial + 1
   wms.configure{ ssh_command = type(script) == "table" and script or { "sh", "-c", script } }
   options = options or {}
   options.server = options.server or ("logind://lab%d"):format(serial)
   return fault(wms.sessions(options)), options.server
end

describe("ssh #once", function()
   local folder

   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
   end)

   teardown(function()
      process.run("rm -r " .. folder)
   end)

   after_each(kit.reset)

   describe("says why", function()
      local CHANGED = [[
         printf '%s\r\n' '@@@@@' '@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @' 'The fingerprint is' \
            'SHA256:wpWHnFqJHYhzFDGVbFWjbQzLHl0M7bJQ/8VYNE3XFeA.' 'Offending ED25519 key in /home/t/.ssh/known_hosts:3' \
            'Host key verification failed.' >&2; exit 255]]
      local CASES = {
         { "an unknown key", "echo 'Host key verification failed.' >&2; exit 255", "UNTRUSTED",
            'connect once by hand, "ssh HOST"', "(Host key verification failed.)" },
         { "a key that has changed", CHANGED, "UNTRUSTED", "ssh-keygen -R HOST",
            "it shows SHA256:wpWHnFqJHYhzFDGVbFWjbQzLHl0M7bJQ/8VYNE3XFeA" },
         { "no key is accepted", "echo 'alice@lab: Permission denied (publickey,password).' >&2; exit 255", "ACCESS_DENIED",
            "ssh-add", "(alice@lab: Permission denied (publickey,password).)" },
         { "too many keys", "echo 'Received disconnect: 2: Too many authentication failures' >&2; exit 255",
            "ACCESS_DENIED", "ssh-add" },
         { "refused", "echo 'ssh: connect to host lab port 22: Connection refused' >&2; exit 255", "UNREACHABLE",
            ": ssh: connect to host lab port 22: Connection refused" },
         { "no name", "echo 'ssh: Could not resolve hostname lab: Name or service not known' >&2; exit 255", "UNREACHABLE",
            ": ssh: Could not resolve hostname lab" },
         { "no answer", "echo 'Connection timed out during banner exchange' >&2; exit 255", "UNREACHABLE",
            "ssh: Connection timed out during banner exchange" },
         { "the end", "echo 'Connection to lab closed by remote host.' >&2; exit 255", "UNREACHABLE",
            "ssh: Connection to lab closed by remote host." },
         { "its configuration", "echo '/etc/ssh/config: line 3: Bad configuration option: pot' >&2; exit 255",
            "UNREACHABLE",
            "ssh does not accept its configuration (/etc/ssh/config: line 3" },
         { "anything else", "echo 'something new' >&2; exit 255", "UNREACHABLE", "ssh: something new" },
         { "nothing", "exit 255", "UNREACHABLE", "ssh ended without a word: no system bus answers there" },
         { "a banner before it", "printf 'Permission denied to strangers\\nWelcome\\n' >&2; " ..
            "echo 'alice@lab: Permission denied (publickey).' >&2; exit 255", "ACCESS_DENIED", "(alice@lab: " },
         { "noise behind it", "echo 'ssh: connect to host lab port 22: No route to host' >&2; " ..
            "printf 'mux: done\\n\\n' >&2; exit 255", "UNREACHABLE", "ssh: connect to host lab port 22: No route to host" },
         { "control characters", "printf 'a\\033[31mred\\a\\tbell\\r\\n' >&2; exit 255", "UNREACHABLE",
            "ssh: a [31mred bell" },
      }
      for _, case in ipairs(CASES) do
         it(case[1], function()
            local err, server = hear(case[2])
            assert.equal(case[3], err.code)
            for i = 4, #case do
               assert.truthy(err.message:find(case[i], 1, true), err.message)
            end
            assert.equal(1, err.message:find(server .. ": ", 1, true))
            assert.falsy(err.message:find("%c"), "one line")
         end)
      end

      it("in a text that ends, however long the line", function()
         local err = hear("head -c 3000 /dev/zero | tr '\\0' x >&2; exit 255")
         assert.equal("UNREACHABLE", err.code)
         assert.truthy(#err.message < 700, #err.message)
      end)

      it("in whole characters alone", function()
         local err = hear("for i in $(seq 100); do printf 'zu spät €' >&2; done; exit 255")
         assert.truthy(err.message:find("zu spät", 1, true), err.message)
         assert.truthy(err.message:match("ssh: [%w ä€]+$"), err.message)
      end)
   end)

   describe("that is named", function()
      it("by what is no program is misuse, and changes nothing", function()
         wms.configure{ ssh_command = { "sh", "-c", "echo 'ssh: the first' >&2" } }
         local long = {}
         for i = 1, 65 do
            long[i] = "x"
         end
         for _, wrong in ipairs{ {}, "", { "" }, 5, true, { "ssh", 22 }, { "ssh", nil, "x" }, { program = "ssh" }, "a\0b",
            long, ("x"):rep(4096), { "ssh", ("x"):rep(4096) } } do
            kit.misuse("configure", { "ssh_command" }, function()
               wms.configure{ ssh_command = wrong, connections = 3 }
            end)
         end
         assert.truthy(fault(wms.sessions("logind://lab")).message:find("ssh: the first", 1, true))
      end)

      it("is another one from the next connection on", function()
         local words = { "sh", "-c", "echo 'ssh: one' >&2" }
         wms.configure{ ssh_command = words }
         words[3] = "echo 'ssh: two' >&2"
         wms.configure{ connections = 5 }
         assert.truthy(fault(wms.sessions("logind://lab")).message:find("ssh: one", 1, true))
         wms.configure{ ssh_command = words }
         assert.truthy(fault(wms.sessions("logind://lab")).message:find("ssh: two", 1, true))
      end)
   end)

   describe("that is missing", function()
      it("is NO_PROVIDER, with its name", function()
         for _, name in ipairs{ "/no/such/ssh", "no-such-ssh", folder, "/etc/passwd" } do
            local err = hear{ name, "-F", "x" }
            assert.equal("NO_PROVIDER", err.code)
            assert.truthy(err.message:find(('"%s", which ssh_command names'):format(name), 1, true), err.message)
         end
      end)

      it("in PATH is told with the package to install", function()
         local output = process.script([[
            local _, message, err = require "wms".sessions("logind://lab")
            print(err.code, message)]], "PATH=" .. folder)
         assert.truthy(output:find("^NO_PROVIDER\t.*openssh%-client"), output)
      end)
   end)

   describe("is started", function()
      local function words(server)
         local file = folder .. "/words"
         hear({ "sh", "-c", [[printf '[%s]' "$@" > "$0"]], file, "-F", "my config" }, { server = server })
         return process.run("cat " .. file)
      end

      it("with an argument vector that no shell reads, and -- before the host", function()
         local text = words("logind://al$ice@lab-1.example:2222")
         assert.equal(1, text:find("[-F][my config][-xaT][-oBatchMode=yes]", 1, true))
         assert.truthy(text:find("[-p][2222][-l][al$ice][--][lab-1.example][systemd-stdio-bridge]", 1, true), text)
         text = words("logind://[fe80::1%eth0]")
         assert.truthy(text:find("[--][fe80::1%eth0][systemd-stdio-bridge]", 1, true), text)
         assert.falsy(text:find("[-p]", 1, true) or text:find("[-l]", 1, true), text)
      end)

      it("with the path of a bus, if it has plain letters alone", function()
         local text = words("logind://lab/run/other/bus.1")
         assert.truthy(text:find("[lab][systemd-stdio-bridge -p unix:path=/run/other/bus.1]", 1, true), text)
         for _, path in ipairs{ "/a;b", "/$HOME", "/a,b", "/%41" } do
            assert.equal("UNSUPPORTED", (hear("exit 255", { server = "logind://lab" .. path })).code)
         end
      end)

      it("without a terminal, in a session of its own, with three descriptors and no question to anybody", function()
         local file = folder .. "/state"
         local text = [[exec > "$0"; readlink /proc/$$/fd/* | sed 's/[0-9]*//g'
            cut -d' ' -f6,7 /proc/$$/stat | sed "s/^$$ /own /"; grep -E 'Sig(Blk|Ign)' /proc/self/status
            env | grep -E 'SSH_ASKPASS|LC_ALL' | sort]]
         local script = ([[
            local wms = require "wms"
            wms.configure{ ssh_command = { "sh", "-c", %q, %q } }
            wms.sessions("logind://lab")]]):format(text, file)
         process.script(script,
            "trap '' PIPE HUP; exec 7</dev/null; SSH_ASKPASS=/bin/ask SSH_ASKPASS_REQUIRE=force LC_ALL=de_DE")
         local lines = process.run("cat " .. file)
         assert.truthy(lines:find("^socket:%[%]\n"), lines) -- its output went to the file
         local count = select(2, lines:gsub("%f[^\n%z][^\n]*socket[^\n]*", ""))
         assert.truthy(count <= 2, lines)
         assert.falsy(lines:find("/dev/null", 1, true), lines)
         assert.truthy(lines:find("\nown 0\n", 1, true), lines)
         assert.truthy(lines:find("SigBlk:\t0+\nSigIgn:\t0+\n"), lines)
         assert.truthy(lines:find("LC_ALL=C\nSSH_ASKPASS=/bin/false\nSSH_ASKPASS_REQUIRE=never\n$"), lines)
      end)
   end)

   describe("that behaves badly", function()
      it("is ended: one that floods its error stream, one that floods its output", function()
         local err = hear("exec yes >&2")
         assert.equal("PROTOCOL", err.code)
         assert.truthy(err.message:find("megabyte of error messages", 1, true), err.message)
         err = hear("exec yes")
         assert.equal("PROTOCOL", err.code)
         assert.truthy(err.message:find("no D-Bus: start files", 1, true), err.message)
      end)

      it("is UNREACHABLE when it closes its streams and stays, TIMEOUT when it is silent", function()
         assert.equal("UNREACHABLE", (hear("exec <&- >&-; sleep 1000")).code)
         local begin = kit.now()
         assert.equal("TIMEOUT", (hear("sleep 1000", { timeout = 0.3 })).code)
         assert.truthy(kit.now() - begin < 10)
      end)

      it("leaves nothing behind, at the end of the program at the latest, whatever it ignores", function()
         for _, script in ipairs{ "sleep 1000", "trap '' TERM HUP; while :; do sleep 1000; done",
            "exec <&- >&-; sleep 1000" } do
            local mark = marked.new()
            local begin = kit.now()
            local output = process.script(([[
               local wms = require "wms"
               wms.configure{ ssh_command = { "sh", "-c", %q } }
               local _, _, err = wms.sessions{ server = { "logind://a", "logind://b" }, timeout = 0.3 }
               print(err.code)]]):format(script), mark)
            assert.truthy(output:find("^[TU]"), output)
            assert.truthy(kit.now() - begin < 10)
            marked.await_none(mark)
         end
      end)

      it("is killed after a while if it ignores the signal to end", function()
         local mark = marked.new()
         wms.configure{ ssh_command = { "env", mark, "sh", "-c", "trap '' TERM; while :; do sleep 1000; done" } }
         assert.equal("TIMEOUT", fault(wms.sessions{ server = "logind://stubborn", timeout = 0.3 }).code)
         assert.truthy(marked.all(mark):find("trap", 1, true))
         wms.configure{ ssh_command = { "sh", "-c", "exec sleep 1000" } }
         local other = wms.start("sessions", { server = "logind://silent", timeout = 60 })
         marked.await_none(mark, function()
            other:wait(0.05) -- the engine runs, with whatever
         end)
         other:close()
      end)
   end)

   it("does not touch the signals, the children and the descriptors of a program in C", function()
      for code, words in pairs{ UNREACHABLE = "sh -c 'exit 255'", PROTOCOL = "sh -c 'exec yes >&2'",
         NO_PROVIDER = "/no/ssh" } do
         local mark = marked.new()
         local output, status = process.run(("%s timeout 60 %s %s/lib/wms %s logind://lab %s"):format(mark,
            process.program("far"), build, code, words))
         assert.same({ "fine\n", 0 }, { output, status })
         marked.await_none(mark)
      end
   end)

   it("may fail for want of memory anywhere: nothing is left", function()
      local mark = marked.new()
      local output, code = process.run(("%s LUA_CPATH=%s/5.4/?.so %s -s logind://lab spec/oom/ssh/refused.lua"):format(mark,
         build, process.program("oom")))
      assert.equal(0, code, output)
      local engine, runs = output:match("(%d+) of the engine: +(%d+) runs")
      assert.truthy(tonumber(engine) > 10 and tonumber(runs) >= 2 * engine - 10, output) -- one run differs from another
      marked.await_none(mark)
   end)

   it("is ended at once when nobody waits for it any more", function()
      local mark = marked.new()
      wms.configure{ ssh_command = { "env", mark, "sh", "-c", "exec sleep 1000" } }
      local request = wms.start("sessions", "logind://slow")
      assert.is_false(request:step())
      assert.truthy(marked.all(mark):find("sleep 1000", 1, true))
      request:cancel()
      request:close()
      marked.await_none(mark)
   end)
end)
