-- SPDX-License-Identifier: MIT
--- Providers' modules that are there and cannot be loaded: no misuse, but an outcome that says why.
local kit = require "spec.support.kit"
local process = require "spec.support.process"

local build = os.getenv("WMS_BUILD") or "build"
local wms = kit.wms

-- What is wrong with a module, how it is made (as $M), and what is said of it.
local BROKEN = {
   nosymbol = { 'printf "extern int nowhere(void); int wms_provider_v1(void); '
      .. 'int wms_provider_v1(void) { return nowhere(); }" >p.c && cc -shared -fPIC -o $M p.c',
      "undefined symbol: nowhere" },
   noprovider = { 'printf "int x;" >p.c && cc -shared -fPIC -o $M p.c', "it has no wms_provider_v1" },
   nolibrary = { 'printf "int f(void); int f(void) { return 0; }" >p.c && cc -shared -fPIC -o libgone.so p.c && '
      .. "cc -shared -fPIC -Wl,--no-as-needed -o $M p.c ./libgone.so && rm libgone.so", "libgone.so" },
   nofile = { ": >$M", "file too short" },
   folder = { "mkdir $M", "directory" },
   text = { 'echo "this is no module at all, but a text that is longer than the head of one" >$M', "ELF" },
   othername = { 'printf "void *wms_provider_v1(void); void *wms_provider_v1(void) { static unsigned p[2] = { 7, 999 }; '
      .. 'return p; }" >p.c && cc -shared -fPIC -o $M p.c', "has the number 7" },
   tooshort = { 'printf "void *wms_provider_v1(void); void *wms_provider_v1(void) { static unsigned p[2] = { 1, 8 }; '
      .. 'return p; }" >p.c && cc -shared -fPIC -o $M p.c', "its size is 8" },
}

local names = {}
for name in pairs(BROKEN) do
   names[#names + 1] = name
end
table.sort(names)

describe("a provider's module that cannot be loaded", function()
   local folder
   local cpath = package.cpath

   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
      process.run(("mkdir %s/wms && chmod 755 %s"):format(folder, folder))
      for name, case in pairs(BROKEN) do
         local output, code = process.run(("cd %s && M=./wms/%s.so && %s"):format(folder, name, case[1]))
         assert(code == 0, output)
      end
      package.cpath = folder .. "/?.so;" .. cpath
   end)

   teardown(function()
      package.cpath = cpath
      process.run("rm -r " .. folder)
   end)

   for _, name in ipairs(names) do
      local word = BROKEN[name][2]

      it("is told from Lua with the loader's reason: " .. name, function()
         local server = name .. "://room"
         for _ = 1, 2 do
            for _, verb in ipairs{ "unlock", "lock", "close" } do
               local text = verb == "lock" and "m" or nil
               local _, message, err = wms[verb]{ session_ids = 1, server = server, message = text }
               assert.equal("NO_PROVIDER", err.code)
               assert.truthy(message:find(("the provider '%s' cannot be loaded: "):format(name), 1, true), message)
               assert.truthy(message:find(word, 1, true), message)
            end
         end
         assert.equal("NO_PROVIDER", select(3, wms.unlock{ session_ids = 1, server = server, what_if = true }).code)
         assert.equal("NO_PROVIDER", select(3, wms.call{ server = server, interface = "x", operation = "x" }).code)
         local loaded, message, err = wms.load(name)
         assert.is_nil(loaded)
         assert.equal("NO_PROVIDER", err.code)
         assert.truthy(message:find(word, 1, true) and message:find(folder, 1, true), message)
      end)
   end

   it("is told beside others, each with its own reason", function()
      local servers = {}
      for i, name in ipairs(names) do
         servers[i] = name .. "://room"
      end
      local _, _, err = wms.sessions{ servers = servers }
      assert.equal(#names, #err.outcomes)
      for i, name in ipairs(names) do
         local text = err.outcomes[i].error.message
         assert.truthy(text:find(BROKEN[name][2], 1, true), text)
      end
   end)

   it("is told in C", function()
      local output, code = process.run(("timeout 60 %s %s/wms %s"):format(process.program("modules"), folder,
         table.concat(names, " ")))
      assert.equal(0, code, output)
      for _, name in ipairs(names) do
         assert.truthy(output:find(("the provider '%s' cannot be loaded: [^\n]*%s"):format(name, BROKEN[name][2])), output)
      end
   end)

   it("is told when it may not be read", function()
      local root = process.run("id -u"):match("%d+") == "0"
      process.run(("cp %s/spec/wms/poor.so %s/wms/locked.so && chmod 0 %s/wms/locked.so"):format(build, folder, folder))
      local function run(text)
         local other = root and "setpriv --reuid=65534 --regid=65534 --clear-groups" or ""
         return process.run(("%s env LUA_CPATH=%s timeout 60 %s -e %s"):format(other, process.quote(package.cpath),
            process.lua(), process.quote(text)))
      end
      if select(2, run 'require "wms"') ~= 0 then
         pending("nobody else may read what was built")
      end
      local output, code = run [[print(select(2, require "wms".sessions "locked://room"))]]
      assert.equal(0, code, output)
      assert.truthy(output:find("the provider 'locked' cannot be loaded: [^\n]*[Pp]ermission denied"), output)
   end)

   it("is nobody's misuse, but a scheme of which there is no module is", function()
      kit.misuse("sessions", { "unknown scheme 'nowhere'" }, function() wms.sessions "nowhere://room" end)
   end)
end)
