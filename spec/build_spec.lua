--- What is built, installed and packed: the promises that only the finished files can keep.
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

describe("what is installed #once", function()
   local folder, make

   setup(function()
      folder = must("mktemp -d"):gsub("%s+$", "")
      make = ("make -s BUILD=%s/build PREFIX=%s/usr "):format(folder, folder)
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

   it("serves Lua, and finds its providers", function()
      local paths = ("LUA_CPATH='%s/usr/lib/lua/5.4/?.so' LUA_PATH='%s/usr/share/lua/5.4/?.lua' "):format(folder, folder)
      local version = must("sed -n 's/^.define WMS_VERSION //p' src/wms.h"):match('"(.*)"')
      assert.equal(version, must("cd / && " .. paths .. [[lua5.4 -e 'io.write(require "wms"._VERSION)']]))
      assert.equal(must(("ls %s/usr/lib/wms"):format(folder)), must(("ls %s/usr/lib/lua/5.4/wms"):format(folder)))
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

   it("goes away again, all of it", function()
      must(make .. "uninstall")
      assert.equal("", must(("find %s/usr ! -type d"):format(folder)))
   end)
end)

describe("the rock #once", function()
   it("is made, packed, installed and removed without a network", function()
      if not select(2, sh("command -v luarocks")) then
         pending("no luarocks here")
      end
      local folder = must("mktemp -d"):gsub("%s+$", "")
      finally(function()
         must("rm -rf " .. folder)
      end)
      local text = must(([[
         set -e
         mkdir %s/source
         cp -r Makefile LICENSE src $(ls -d lua 2>/dev/null) rockspec %s/source
         cd %s/source
         rocks="luarocks --lua-version=5.4"
         $rocks lint rockspec/wms-scm-1.rockspec
         $rocks make --tree=../made
         cd ..
         $rocks --tree=made pack wms
         $rocks --tree=used install ./wms-scm-1.*.rock
         LUA_CPATH="used/lib/lua/5.4/?.so" lua5.4 -e 'print(require "wms"._VERSION)'
         $rocks --tree=used remove wms
         find used -name '*.so'
      ]]):gsub("%%s", folder))
      assert.is_nil(text:match("[^\n]*%.so\n*$"), text)
   end)
end)
