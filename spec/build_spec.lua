-- SPDX-License-Identifier: MIT
--- What is built and installed: the promises that only the finished files can keep. What is packed: spec/pack_spec.lua.
local build = os.getenv("WMS_BUILD") or "build"

-- The output, and whether the command went well. It sees nothing of the make, the sanitizers and the variables that run us.
local function sh(command)
   local pipe = assert(io.popen("env -i PATH=\"$PATH\" HOME=\"$HOME\" sh 2>&1 <<'END'\n{\n" .. command
      .. "\n}\nprintf '\\n%s' $?\nEND"))
   local text, code = pipe:read("*a"):match("^(.*)\n(%d+)$")
   pipe:close()
   return text, code == "0"
end

local function must(command)
   local text, fine = sh(command)
   assert(fine, command .. "\n" .. text)
   return text
end

describe("what is built #once", function()
   it("stays loaded, since a thread may be inside it", function()
      for file in must("ls " .. build .. "/[5j]*/wms.so $(find " .. build .. "/lib -name '*.so')"):gmatch("[^\n]+") do
         assert.truthy(must("readelf -d " .. file):find("NODELETE", 1, true), file)
      end
   end)
end)

describe("the build #once", function()
   local folder

   setup(function()
      folder = must("mktemp -d"):gsub("%s+$", "")
   end)

   teardown(function()
      must("rm -rf " .. folder)
   end)

   --- A folder with a lua.h that says this.
   local function headers(name, text)
      must(("mkdir -p %s/%s && cat >%s/%s/lua.h <<'H'\n%s\nH"):format(folder, name, folder, name, text))
      return folder .. "/" .. name
   end

   local SUM = "#define LUA_VERSION_MAJOR_N 5\n#define LUA_VERSION_MINOR_N %d\n"
      .. "#define LUA_VERSION_NUM (LUA_VERSION_MAJOR_N * 100 + LUA_VERSION_MINOR_N)"

   local function refused(words)
      local text, fine = sh(("make -n BUILD=%s/build %s"):format(folder, words))
      assert.is_false(fine, words)
      assert.equal(1, select(2, text:gsub("%*%*%* ", "")), text)
      return text
   end

   it("takes the version of Lua from the headers that it is shown", function()
      for version, text in pairs{
         ["5.1"] = "#define LUA_VERSION_NUM\t501", ["5.3"] = "#define LUA_VERSION_NUM 503 /* 5.3 */",
         ["5.4"] = "#define LUA_VERSION_NUM 504", ["5.5"] = SUM:format(5),
      } do
         local made = must(("make -n BUILD=%s/build LUA_INCDIR=%s"):format(folder, headers(version, text)))
         assert.truthy(made:find(("%s/build/%s/wms.so"):format(folder, version), 1, true), version)
      end
      assert.truthy(must(("make -n BUILD=%s/build LUA_VERSION=jit LUA_INCDIR=%s"):format(folder,
         headers("jit", "#define LUA_VERSION_NUM 501"))):find("build/jit/wms.so", 1, true))
   end)

   it("refuses headers that do not fit, and says what is wrong with them", function()
      local three = headers("three", "#define LUA_VERSION_NUM 503")
      local text = refused("LUA_VERSION=5.4 LUA_INCDIR=" .. three)
      assert.truthy(text:find("LUA_VERSION=5.4", 1, true) and text:find("is of Lua 5.3", 1, true), text)
      for name, header in pairs{
         none = "#define LUA_VERSION 1", odd = "#define LUA_VERSION_NUM $(id)", six = SUM:format(6),
      } do
         text = refused("LUA_INCDIR=" .. headers(name, header))
         assert.truthy(text:find("LUA_INCDIR=" .. folder .. "/" .. name, 1, true), text)
         assert.is_nil(text:find("LUA_VERSION", 1, true), text)
      end
      text = refused("LUA_INCDIR=" .. folder)
      assert.truthy(text:find("there is no lua.h in it", 1, true), text)
   end)

   it("tells all that is missing at once", function()
      local text = refused("PKG_CONFIG=false")
      for _, word in ipairs{ "libuv1-dev", "liblua5.4-dev", "LUA_INCDIR", "LIBUV_INCDIR", "pkg-config" } do
         assert.truthy(text:find(word, 1, true), word .. ": " .. text)
      end
      assert.is_nil(refused("PKG_CONFIG=false libs"):find("lua.h", 1, true))
      text = refused(("PKG_CONFIG=false LIBUV_INCDIR=%s LUA_INCDIR=%s"):format(folder,
         headers("four", "#define LUA_VERSION_NUM 504")))
      assert.truthy(text:find("no uv.h in LIBUV_INCDIR", 1, true), text)
   end)

   it("refuses folders that depend on where it is started", function()
      for _, name in ipairs{ "PREFIX", "libdir", "includedir", "mandir", "INST_CMOD", "INST_LUADIR" } do
         local text = refused(name .. "=rel install")
         assert.truthy(text:find(name .. "=rel: give an absolute path", 1, true), text)
      end
      must(("make -n BUILD=%s/build PREFIX= libs"):format(folder))
   end)

   it("names BUILD where it cannot write", function()
      local text, fine = sh("make BUILD=/proc/build libs")
      assert.is_false(fine)
      assert.truthy(text:find("BUILD=", 1, true), text)
   end)

   it("links the Lua module where undefined symbols are forbidden", function()
      for _, flags in ipairs{ "-Wl,-z,defs", "-Wl,--no-undefined" } do
         local made = must(("make -n V=1 BUILD=%s/build LDFLAGS=%s"):format(folder, flags))
         local line = made:match("[^\n]*%-o " .. folder .. "/build/5%.4/wms%.so[^\n]*")
         assert.truthy(line and line:find(flags, 1, true) < line:find("-Wl,-z,undefs", 1, true), flags)
         line = made:match("[^\n]*%-o " .. folder .. "/build/lib/libwms%.so[^\n]*")
         assert.is_nil(line:find("undefs", 1, true))
      end
      must(("printf 'int lua_gettop(void); int f(void); int f(void) { return lua_gettop(); }' >%s/u.c && cc -shared -fPIC "
         .. "-Wl,-z,defs -Wl,-z,undefs -o %s/u.so %s/u.c"):format(folder, folder, folder))
   end)

   it("describes a folder with a space so that a compiler finds it", function()
      local prefix = folder .. "/a b"
      must(("make -s BUILD=%s/pc PREFIX='%s' %s/pc/lib/wms.pc"):format(folder, prefix, folder))
      local function ask(words)
         return must(("PKG_CONFIG_PATH=%s/pc/lib pkg-config %s wms"):format(folder, words)):gsub("%s+$", "")
      end
      assert.equal(prefix, (ask "--variable=prefix"))
      assert.equal(prefix .. "/lib/wms", (ask "--variable=modules"))
      assert.equal(("-I%s/include -L%s/lib -lwms"):format(prefix, prefix):gsub("a b", "a\\ b"), (ask "--cflags --libs"))
      -- What lies elsewhere is not below it.
      must(("make -s BUILD=%s/pc PREFIX=/usr libdir=/opt/lib %s/pc/lib/wms.pc"):format(folder, folder))
      assert.equal("/opt/lib", (ask "--variable=libdir"))
      assert.equal("/usr/include", (ask "--variable=includedir"))
   end)

   it("does not depend on which strerror_r() the C library has", function()
      must(([[
         printf '%%s\n' '#define _GNU_SOURCE' '#include <string.h>' 'extern int __xpg_strerror_r(int, char *, size_t);' \
            '#define strerror_r __xpg_strerror_r' >%s/musl.h
         cc -std=gnu11 -fsyntax-only -Isrc/include -Isrc -Wall -Wextra -Werror -include %s/musl.h \
            src/core/bindfile.c]]):format(folder, folder))
   end)
end)

describe("what is installed #once", function()
   local folder, make

   setup(function()
      folder = must("mktemp -d"):gsub("%s+$", "")
      -- Nothing here depends on how well it is compiled.
      make = ("make -s BUILD=%s/build PREFIX=%s/usr CFLAGS=-O1 "):format(folder, folder)
      must(make .. "-j2 install")
   end)

   teardown(function()
      must("rm -rf " .. folder)
   end)

   local function compile(name, source, flags)
      local file = assert(io.open(("%s/%s.c"):format(folder, name), "w"))
      file:write(source)
      file:close()
      must(("cd %s && export PKG_CONFIG_PATH=usr/lib/pkgconfig && cc -Wall -Werror -o %s %s.c %s"):format(
         folder, name, name, flags))
      return must(("LD_LIBRARY_PATH=%s/usr/lib %s/%s"):format(folder, folder, name))
   end

   local program = [[
      #include <stdio.h>
      #include <wms.h>
      #include <wms/memory.h>
      #include <wms/provider.h>
      int main(void) { return printf("%s", wms_error_name(WMS_E_TIMEOUT)) < 0; }
   ]]

   it("serves a C program, linked with the shared library", function()
      assert.equal("TIMEOUT", compile("shared", program, "$(pkg-config --cflags --libs wms)"))
   end)

   it("serves a C program, linked with the static library", function()
      assert.equal("TIMEOUT", compile("static", program,
         "$(pkg-config --cflags wms) usr/lib/libwms.a $(pkg-config --static --libs-only-l wms | sed s/-lwms//)"))
      assert.is_nil(must(("readelf -d %s/static"):format(folder)):find("libwms", 1, true))
   end)

   it("serves a C program that links the Lua module in", function()
      assert.equal("table", compile("host", [[
         #include <lauxlib.h>
         #include <lualib.h>
         #include <stdio.h>
         #include <wms/lua.h>
         int main(void)
         {
             lua_State *L = luaL_newstate();
             luaL_requiref(L, "wms", luaopen_wms, 0);
             printf("%s", luaL_typename(L, -1));
             lua_close(L);
             return 0;
         }
      ]], "$(pkg-config --cflags wms lua5.4) -Lusr/lib -lwms-lua5.4 $(pkg-config --libs wms lua5.4)"))
   end)

   it("is called by a host of any Lua without luaL_requiref()", function()
      local snippet = assert(io.open("docs/embedding.md")):read("*a"):match(
         "\n(    lua_pushcfunction%(L, luaopen_wms%);.-)\n\n")
      for _, lua in ipairs{ "lua5.1", "lua5.4", "luajit" } do
         if select(2, sh("pkg-config --exists " .. lua)) then
            must(([[
               cd %s && export PKG_CONFIG_PATH=usr/lib/pkgconfig
               printf '%%s\n' '#include <lua.h>' '#include <lauxlib.h>' '#include <wms/lua.h>' \
                  'void f(lua_State *L, wms_guard guard);' 'void f(lua_State *L, wms_guard guard) {' '%s' '}' >call.c
               cc -Wall -Werror -c -o call.o call.c $(pkg-config --cflags wms %s)]]):format(folder, snippet, lua))
         end
      end
   end)

   it("serves Lua, and finds its providers", function()
      local paths = ("LUA_CPATH='%s/usr/lib/lua/5.4/?.so' LUA_PATH='%s/usr/share/lua/5.4/?.lua' "):format(folder, folder)
      local version = must("sed -n 's/^.define WMS_VERSION //p' src/include/wms.h"):match('"(.*)"')
      assert.equal(version, must("cd / && " .. paths .. [[lua5.4 -e 'io.write(require "wms"._VERSION)']]))
      assert.equal(must(("ls %s/usr/lib/wms"):format(folder)), must(("ls %s/usr/lib/lua/5.4/wms"):format(folder)))
   end)

   it("has the program wms, which finds its modules wherever it is started", function()
      local text = must(("cd / && env -i PATH=/nonexistent %s/usr/bin/wms --demo hosts"):format(folder))
      assert.truthy(text:find("memory://lab03  room1\n", 1, true), text)
   end)

   it("serves a program that knows the Windows session API, and finds its providers", function()
      local library = folder .. "/usr/lib/libwms-wtsapi.so"
      if not io.open(library) then
         pending("libwms-wtsapi.so is not built (see what `make` left out)")
      end
      -- Without its provider, it would be another error.
      assert.equal("open ok=1\nlist error=1722\n", must(("WTSAPI_LIBRARY=%s %s open logind:///run/no-such-bus list"):format(
         library, build .. "/spec/wtsapi_client")))
   end)

   it("has units for systemd, which that can read", function()
      local paths = {}
      for name, command in pairs{ ["wms-keep@.service"] = "keep", ["wms-agent.service"] = "agent" } do
         local path = folder .. "/usr/lib/systemd/system/" .. name
         local text = must("cat " .. path)
         assert.truthy(text:find(("%s/usr/bin/wms %s "):format(folder, command), 1, true) and not text:find("@%u+@"), text)
         paths[#paths + 1] = path
      end
      if not select(2, sh("command -v systemd-analyze")) then
         pending("no systemd-analyze here")
      end
      assert.equal("", must("systemd-analyze --man=no verify " .. table.concat(paths, " ")))
   end)

   it("has man pages, where there is what makes them", function()
      if not select(2, sh("command -v lowdown && command -v man")) then
         pending("no lowdown here, or no man")
      end
      local path = folder .. "/usr/share/man/man3/"
      for _, page in ipairs{ "man1/wms.1", "man5/wms-config.5" } do
         assert.truthy(must(("man -l %s../%s | col -bx"):format(path, page)):find("NAME\n", 1, true), page)
      end
      local text = must(("MANWIDTH=100 man -l %swms.3 | col -bx"):format(path))
      assert.truthy(text:find("wms - the C interface", 1, true) and text:find("wms_engine_guard()", 1, true), text)
      text = must(("MANWIDTH=100 man -l %swms.provider.3 | col -bx"):format(path))
      assert.truthy(text:find("NAME\n", 1, true) and text:find("wms_provider_v1()", 1, true), text)
   end)

   it("goes away again, all of it", function()
      must(make .. "uninstall PKG_CONFIG=false") -- the packages that it was built with have gone
      assert.equal("", must(("find %s/usr ! -type d"):format(folder)))
   end)
end)
