-- SPDX-License-Identifier: MIT
--- Debian's packages, as Debian would make and try them: built by a user with nothing but what the source package asks for,
--- judged by lintian, installed and tried by autopkgtest, in a test host of its own that the machine gets nothing from.
--- `make deb` runs this; the packages are in build/deb then.
local hosts = require "spec.host"
local process = require "spec.support.process"

local build = os.getenv("WMS_BUILD") or "build"
local folder = build .. "/deb"

local function read(path)
   local file = assert(io.open(path))
   local text = file:read("*a")
   file:close()
   return text
end

local function must(command)
   local output, code = process.run(command)
   assert(code == 0, command .. "\n" .. output)
   return output
end

--- What the source package says that it is built with, the first of each choice.
local function build_depends()
   local list = {}
   for name in read("mk/debian/control"):match("Build%-Depends:(.-)\n\n"):gmatch("%f[^,%s][%w.+-]+[^,\n]*") do
      list[#list + 1] = (name:match("^[%w.+-]+"):gsub("^debhelper%-compat$", "debhelper"))
   end
   return table.concat(list, " ")
end

-- What lintian and the tests want beside has no headers: one that the source package does not ask for is not there.
local TOOLS = "build-essential lintian autopkgtest lua5.1 lua5.2 lua5.3 luajit lua-argparse lua-dkjson"

local version = read("src/include/wms.h"):match('#define WMS_VERSION "(.-)"')

--- The files of a package that are no folders, one a line: "path" or "path -> where".
local function files(name)
   local list = {}
   for line in must(("dpkg-deb -c %s/%s_%s-1_*.deb"):format(folder, name, version)):gmatch("[^\n]+") do
      local path = line:match("^[^d].-%s%./(.*)$")
      list[#list + 1] = path
   end
   table.sort(list)
   return list
end

--- Those of a package, with the folder of the architecture's libraries as "LIB".
local function contents(name)
   local list = {}
   for _, path in ipairs(files(name)) do
      path = path:gsub("^usr/lib/[%w_-]+%-linux%-[%w_]+/", "LIB/")
      if not path:find("^usr/share/doc/") then
         list[#list + 1] = path
      end
   end
   table.sort(list)
   return list
end

local function sorted(list)
   table.sort(list)
   return list
end

local PROVIDERS = { "logind", "multipoint", "multipoint-events", "nats", "veyon", "wts" }
local LUAS = { "5.1", "5.2", "5.3", "5.4" }

assert(hosts.available())

describe("Debian's packages", function()
   local host

   --- Runs a shell script as the user who builds.
   local function as_builder(script)
      local output, code = host:run_as("alice", "sh", "-euc", "cd /home/alice/deb; " .. script)
      assert(code == 0, output)
      return output
   end

   setup(function()
      hosts.root(build_depends() .. " " .. TOOLS)
      host = hosts.up("deb")
      must(("mkdir %s/home/alice/deb && cp %s/*.dsc %s/*.tar.?z %s/home/alice/deb"):format(host.root, folder, folder,
         host.root))
      host:check("chown", "-R", "alice:alice", "/home/alice/deb")
      as_builder("dpkg-source -x *.dsc source; cd source; DEB_BUILD_OPTIONS='noautodbgsym parallel=2' "
         .. "dpkg-buildpackage --no-sign")
      must(("cp %s/home/alice/deb/*.deb %s/home/alice/deb/*.changes %s"):format(host.root, host.root, folder))
   end)

   teardown(function()
      hosts.down()
   end)

   it("are those that the source names", function()
      local wanted, got = {}, {}
      for name in read("mk/debian/control"):gmatch("\nPackage: (%S+)") do
         wanted[#wanted + 1] = name
      end
      for name in must("cd " .. folder .. " && ls *.deb"):gmatch("([%w.-]+)_[^\n]*") do
         got[#got + 1] = name
      end
      assert.same(sorted(wanted), sorted(got))
   end)

   it("are no complaint of lintian's, errors and warnings", function()
      -- Whoever uploads them has a bug of Debian's to close; nobody has asked for that yet.
      assert.equal("", as_builder(
         "lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs *.changes"))
   end)

   it("have what the C programs need, and nothing else", function()
      assert.same({ "LIB/libwms.so.0.1 -> libwms.so." .. version, "LIB/libwms.so." .. version }, contents "libwms0.1")
      assert.same(sorted{ "LIB/libwms.a", "LIB/libwms.so -> libwms.so.0.1", "LIB/pkgconfig/wms.pc", "usr/include/wms.h",
         "usr/include/wms/lua.h", "usr/include/wms/memory.h", "usr/include/wms/provider.h", "usr/share/man/man3/wms.3.gz",
         "usr/share/man/man3/wms.provider.3.gz" }, contents "libwms-dev")
      -- It looks for the providers beside itself.
      assert.same({ "LIB/wms-wtsapi/libwms-wtsapi.so", "LIB/wms-wtsapi/wms -> ../wms" }, contents "wms-wtsapi")
   end)

   it("have what Lua needs, and nothing else", function()
      local wanted, libraries = {}, {}
      for _, abi in ipairs(LUAS) do
         wanted[#wanted + 1] = ("LIB/lua/%s/wms.so"):format(abi)
         libraries[#libraries + 1] = ("LIB/libwms-lua%s.a"):format(abi)
         for path in must("cd lua && find . -name '*.lua' -printf '%P\n'"):gmatch("[^\n]+") do
            local link = ("usr/share/lua/%s/%s"):format(abi, path)
            if abi ~= "5.4" then
               link = ("%s -> %s5.4/%s"):format(link, ("../"):rep(select(2, path:gsub("/", "")) + 1), path)
            end
            wanted[#wanted + 1] = link
         end
      end
      assert.same(sorted(wanted), contents "lua-wms")
      assert.same(libraries, contents "lua-wms-dev")
   end)

   it("have the providers, once", function()
      local wanted = {}
      for _, name in ipairs(PROVIDERS) do
         wanted[#wanted + 1] = ("LIB/wms/%s.so"):format(name)
         for _, abi in ipairs(LUAS) do
            wanted[#wanted + 1] = ("LIB/lua/%s/wms/%s.so -> ../../../wms/%s.so"):format(abi, name, name)
         end
      end
      assert.same(sorted(wanted), contents "wms-providers")
   end)

   it("have the program, and nothing else", function()
      assert.same(sorted{ "usr/bin/wms", "usr/lib/systemd/system/wms-keep@.service",
         "usr/lib/systemd/system/wms-agent.service",
         "usr/share/bash-completion/completions/wms", "usr/share/fish/vendor_completions.d/wms.fish",
         "usr/share/zsh/vendor-completions/_wms", "usr/share/man/man1/wms.1.gz", "usr/share/man/man5/wms-config.5.gz",
      }, contents "wms")
   end)

   it("have copyright and changelog, and the manual without what is for those who change wms", function()
      for name in read("mk/debian/control"):gmatch("\nPackage: (%S+)") do
         local there = {}
         for _, path in ipairs(files(name)) do
            local doc = path:match("^usr/share/doc/" .. name:gsub("%p", "%%%0") .. "/(.*)$")
            if doc then
               there[#there + 1] = doc:gsub("%.gz$", "")
            end
         end
         local text = table.concat(there, " ")
         for _, doc in ipairs{ "copyright", "changelog", "changelog.Debian" } do
            assert.truthy((" " .. text .. " "):find(" " .. doc .. " ", 1, true), name .. ": " .. text)
         end
         assert.is_nil(text:find("internals", 1, true) or text:find("testing", 1, true), text)
      end
   end)

   -- The providers are recommended, not needed: their libraries come with them.
   it("need of each other what they cannot do without", function()
      local function depends(name)
         return must(("dpkg-deb -f %s/%s_*.deb Depends"):format(folder, name))
      end
      for _, name in ipairs{ "libwms0.1", "lua-wms" } do
         assert.truthy(depends(name):find("^libc6 %b(), libuv1 %b()\n$"), name)
      end
      for _, word in ipairs{ "lua5.4", "lua-argparse", "lua-dkjson", "lua-wms (= " .. version .. "-1)" } do
         assert.truthy(depends("wms"):find(word, 1, true), word)
      end
      for _, word in ipairs{ "libcurl4", "libjansson4", "libmicrohttpd12", "libnats3", "libssl3", "libsystemd0", "libwinpr",
         "libxml2" } do
         assert.truthy(depends("wms-providers"):find(word, 1, true), word)
      end
   end)

   it("say what is missing where the providers are not installed", function()
      host:script("cd /home/alice/deb && dpkg -i lua-wms_*.deb wms_*.deb")
      local output, code = host:run("wms", "list")
      assert.equal(1, code, output)
      assert.truthy(output:find("the provider 'logind' is not installed", 1, true), output)
   end)

   it("pass their own tests, where they are installed", function()
      local output, code = host:run("sh", "-c",
         "cd /home/alice/deb && exec autopkgtest --no-built-binaries *.deb *.dsc -- null")
      local passed = 0
      for name in read("mk/debian/tests/control"):gmatch("Tests: (%S+)") do
         assert(output:find("\n" .. name .. " +PASS\n"), output)
         passed = passed + 1
      end
      assert(code == 0 and passed > 0, output)
   end)

   it("unlock a session of the machine that they are installed on", function()
      local id = host:session{ user = "bob" }
      host:script("cd /home/alice/deb && dpkg -i lua-wms_*.deb wms-providers_*.deb wms_*.deb")
      local monitor = host:monitor()
      local output, code = host:run("wms", "unlock", id)
      assert.equal(0, code, output)
      assert.equal(1, monitor:signals(id, "Unlock"), output)
   end)

   it("go away again, all of them", function()
      host:script([[
         cd /home/alice/deb
         dpkg --purge $(dpkg-deb --show --showformat='${Package} ' wms_*.deb) $(for deb in *.deb; do
            dpkg-deb --show --showformat='${Package}\n' $deb; done)]])
      local left = host:run("sh", "-c",
         "find / -xdev \\( -path /home -o -path /proc -o -path /tmp -o -path /sys \\) -prune -o -name '*wms*' -print")
      assert.equal("", left)
   end)
end)
