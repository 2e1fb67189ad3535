-- SPDX-License-Identifier: MIT
--- What is given away: the archive of the sources, and the rock of a release, which a user installs as from a server of
--- LuaRocks', tries and removes. WMS_PACK_LUAS names the Luas of the rock (5.4); `make check-dist` takes the others too.
--- Debian's packages are in spec/pack/deb.lua.
local process = require "spec.support.process"

local build = os.getenv("WMS_BUILD") or "build"
local luas = os.getenv("WMS_PACK_LUAS") or "5.4"

local function read(path)
   local file = assert(io.open(path))
   local text = file:read("*a")
   file:close()
   return text
end

local version = read("src/include/wms.h"):match('#define WMS_VERSION "(.-)"')

-- What @names@ in scripts and in the texts that they print stand for; the folder of this run is added.
local values = { version = version, name = "wms-" .. version, build = build }

local function fill(text, more)
   return (text:gsub("@(%w+)@", function(word)
      return assert(more and more[word] or values[word], word)
   end))
end

--- The output of a shell script, which sees nothing of the make and the variables that run us; it has to go well.
local function must(script, more)
   local text = fill(script, more)
   local output, code = process.run('env -i PATH="$PATH" HOME="$HOME" LC_ALL=C sh -euc ' .. process.quote(text))
   assert(code == 0, text .. "\n" .. output)
   return output
end

--- The lines of a script's output, sorted, each behind a prefix.
local function lines(script, prefix, more)
   local list = {}
   for line in must(script, more):gmatch("[^\n]+") do
      list[#list + 1] = fill(prefix or "", more) .. line
   end
   table.sort(list)
   return list
end

local function joined(...)
   local all = {}
   for _, list in ipairs{ ... } do
      for _, item in ipairs(list) do
         all[#all + 1] = item
      end
   end
   table.sort(all)
   return all
end

local function has(program)
   return select(2, process.run("command -v " .. program)) == 0
end

describe("what is given away #once", function()
   setup(function()
      values.folder = must("mktemp -d"):match("%S+")
      must[[
         chmod 755 @folder@
         make -s dist BUILD=@folder@/made
         tar -C @folder@ -xzf @folder@/made/dist/@name@.tar.gz]]
   end)

   teardown(function()
      must "rm -rf @folder@"
   end)

   describe("as an archive of the sources", function()
      it("is the same bytes whoever makes it, when and where, also from itself", function()
         must[[
            cp -r @folder@/@name@ @folder@/again
            cd @folder@/again
            umask 077
            chmod -R go-rwx .
            touch README.md src/core/*.c
            touch src/core/mine.o lua/wms/mine.so
            TZ=Asia/Tokyo LC_ALL=C.UTF-8 make -s dist
            cmp build/dist/@name@.tar.gz @folder@/made/dist/@name@.tar.gz]]
      end)

      it("has what the repository has, and belongs to nobody", function()
         if select(2, process.run("git ls-files --error-unmatch Makefile")) ~= 0 then
            pending("this is no clone")
         end
         local got = {}
         for line in must("tar -tvzf @folder@/made/dist/@name@.tar.gz"):gmatch("[^\n]+") do
            local path = line:match("^%-rw[x-]r%-[x-]r%-[x-] 0/0 +%d+ %S+ 00:00 (.*)$")
            got[#got + 1] = assert(path, line)
         end
         table.sort(got)
         assert.same(lines("git ls-files | grep -vx .gitignore", "@name@/"), got)
      end)

      it("says its version in one place", function()
         assert.equal("src/include/wms.h\n", must[[
            cd @folder@/@name@
            grep -rlF @version@ Makefile mk src lua bin]])
      end)
   end)

   it("has the rockspec that follows from the other one", function()
      local rockspec = fill "rockspec/@name@-1.rockspec"
      local wanted = read("rockspec/wms-scm-1.rockspec")
         :gsub('version = "scm%-1"', fill 'version = "@version@-1"')
         :gsub('url = "[^\n]*', fill 'url = "@name@.tar.gz",')
      assert.equal(wanted, read(rockspec))
      assert.equal(wanted, must("cd @folder@/@name@ && rm @rockspec@ && make -s rockspec && cat @rockspec@",
         { rockspec = rockspec }))
   end)

   describe("as a rock", function()
      local as_user = "" -- makes who runs this a user without rights

      if not has("luarocks") then
         it("is there", function() pending("no luarocks here") end)
         return
      end

      -- A server's folder: the rock with the sources, and those that it depends on, made of the modules of this machine.
      setup(function()
         must[[
            mkdir @folder@/server
            cd @folder@/server
            for rock in argparse-0.7.1 dkjson-2.6; do
               module=${rock%-*}
               mkdir $module
               cp "$(lua5.4 -e "print(package.searchpath('$module', package.path))")" $module/$module.lua
               printf '%s\n' "package, version = '$module', '${rock#*-}-1'" 'source = { url = "." }' \
                  "build = { type = 'builtin', modules = { $module = '$module.lua' } }" >$module/$rock-1.rockspec
               (cd $module && luarocks --lua-version=5.4 make --deps-mode=none --pack-binary-rock $rock-1.rockspec)
               mv $module/*.rock .
               rm -r $module
            done
            luarocks --lua-version=5.4 lint @folder@/made/dist/@name@-1.rockspec
            luarocks --lua-version=5.4 pack @folder@/made/dist/@name@-1.rockspec
            luarocks-admin --lua-version=5.4 make-manifest .
            mkdir -p @folder@/uv/include @folder@/uv/lib
            include=$(pkg-config --variable=includedir libuv)
            cp -r $include/uv.h $include/uv @folder@/uv/include
            cp "$(pkg-config --variable=libdir libuv)"/libuv.so* @folder@/uv/lib]]
         if must "id -u" == "0\n" then
            as_user = "setpriv --reuid=65534 --regid=65534 --clear-groups "
         end
      end)

      it("is the rockspec and the archive", function()
         assert.same({ fill "@name@-1.rockspec", fill "@name@.tar.gz" },
            lines "unzip -Z1 @folder@/server/@name@-1.src.rock")
         must "unzip -p @folder@/server/@name@-1.src.rock @name@.tar.gz | cmp - @folder@/made/dist/@name@.tar.gz"
      end)

      for lua in luas:gmatch("%S+") do
         describe("for Lua " .. lua, function()
            local here -- more names

            --- Runs a script as the user, in a folder of its own.
            local function user(script)
               return must('cd @home@ && exec @as@env -i HOME=@home@ PATH="$PATH" MAKEFLAGS=-j2 WLOG_LEVEL=OFF '
                  .. "sh -euc @script@", { home = here.home, as = as_user, script = process.quote(fill(script, here)) })
            end

            --- Whether what is in a tree works; LuaJIT takes what was made for Lua 5.1.
            local function try(tree)
               local tried = 0
               for _, program in ipairs(lua == "5.1" and { "lua5.1", "luajit" } or { "lua" .. lua }) do
                  if has(program) then
                     user(([[
                        LUA_PATH='@tree@/share/lua/@lua@/?.lua;;' LUA_CPATH='@tree@/lib/lua/@lua@/?.so' @program@ \
                           @folder@/@name@/spec/pack/installed.lua @tree@/lib/lua/@lua@ @tree@/share/lua/@lua@ @version@
                     ]]):gsub("@tree@", tree):gsub("@program@", program))
                     tried = tried + 1
                  end
               end
               assert.is_true(tried > 0)
            end

            setup(function()
               here = { lua = lua, as = "", home = values.folder .. "/home-" .. lua }
               here.tree = here.home .. "/.luarocks"
               here.own = fill("lib/luarocks/rocks-@lua@/wms/@version@-1/", here)
               here.rocks = fill("luarocks --lua-version=@lua@ --only-server=@folder@/server", here)
               must("mkdir @home@ && chmod 777 @home@", here)
               user[[@rocks@ --local install wms LIBUV_DIR=@folder@/uv CFLAGS=-O0 LDFLAGS=-Wl,-z,defs \
                  LIBFLAG='-shared -Wl,-z,origin']]
            end)

            it("is made by a user, with what it depends on", function()
               assert.same({ "argparse", "dkjson", "wms" },
                  lines("cd @tree@/lib/luarocks/rocks-@lua@ && ls -d */ | tr -d /", "", here))
               local head = must("readelf -d @tree@/lib/lua/@lua@/wms.so", here)
               assert.truthy(head:find(fill "path: [@folder@/uv/lib]", 1, true), head) -- of the libuv that it was shown
               assert.truthy(head:find("ORIGIN", 1, true), head) -- LIBFLAG
            end)

            it("has what it should, and nothing else", function()
               assert.same(joined({ "bin/wms", fill("lib/lua/@lua@/wms.so", here) },
                  { here.own .. "bin/wms", here.own .. "rock_manifest", here.own .. fill "@name@-1.rockspec" },
                  lines("find docs -type f", here.own),
                  lines("cd lua && find . -name '*.lua' -printf '%P\n'", "share/lua/@lua@/", here),
                  lines("ls @build@/lib/wms", "lib/lua/@lua@/wms/", here)),
                  lines("cd @tree@ && find . -type f -printf '%P\n' | grep -vE 'argparse|dkjson|rocks-@lua@/manifest'",
                     "", here))
            end)

            it("works where it is, with its providers", function()
               try(here.tree)
               local shown = user "@tree@/bin/wms --demo hosts"
               assert.truthy(shown:find("memory://lab03  room1\n", 1, true), shown)
               user 'test -s "$(@rocks@ --local show --rock-dir wms)/docs/man/wms.1"'
            end)

            if lua == "5.4" then -- the specs run for each Lua anyway
               it("passes the specs of the archive that it was made of", function()
                  must([[
                     cp -r @folder@/@name@ @folder@/specs
                     rm -r @folder@/specs/lua
                     ln -s @tree@/share/lua/5.4 @folder@/specs/lua
                     mkdir @folder@/specs/build
                     ln -s @tree@/lib/lua/5.4 @folder@/specs/build
                     ln -s "$(realpath @build@/spec)" @folder@/specs/build
                     cd @folder@/specs
                     busted --lua=lua5.4 spec/multipoint_call_spec.lua spec/multipoint_functions_spec.lua \
                        spec/servers_spec.lua spec/select_spec.lua spec/keep_file_spec.lua]], here)
               end)
            end

            it("is packed, installed elsewhere from the pack, and removed", function()
               user "mkdir packed && cd packed && @rocks@ --local pack wms"
               local machine = must("uname -m"):match("%S+")
               assert.same({ fill("@name@-1.linux-@machine@.rock", { machine = machine }) },
                  lines("ls @home@/packed", "", here))
               user "@rocks@ --tree=@home@/used install packed/*.rock"
               try(here.home .. "/used")
               user "@rocks@ --tree=@home@/used remove wms"
               assert.equal("", must("find @home@/used -name '*wms*'", here))
            end)
         end)
      end
   end)
end)
