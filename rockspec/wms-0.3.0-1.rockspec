rockspec_format = "3.0"
package = "wms"
version = "0.3.0-1"
source = {
   url = "wms-0.3.0.tar.gz",
}
description = {
   summary = "Scripted control of user sessions on shared computers",
   detailed = [[
      Locks, unlocks, lists, disconnects and closes sessions on Linux (logind), on Windows MultiPoint hosts, on Veyon hosts, and on a host inside the process for tests. Providers whose libraries are missing are left out; the build says which, and what to install.
   ]],
   license = "MIT",
}
supported_platforms = { "linux" }
dependencies = {
   "lua >= 5.1, < 5.6",
   "argparse >= 0.7", -- for the program `wms` alone, as is the next
   "dkjson >= 2.5",
}
external_dependencies = {
   LIBUV = { header = "uv.h" },
}
build = {
   type = "make",
   build_target = "all",
   install_target = "install-lua",
   build_variables = {
      CFLAGS = "$(CFLAGS)",
      LIBFLAG = "$(LIBFLAG)",
      ROCK_LDFLAGS = "$(LDFLAGS)",
      LUA_INCDIR = "$(LUA_INCDIR)",
      LIBUV_INCDIR = "$(LIBUV_INCDIR)",
      LIBUV_LIBDIR = "$(LIBUV_LIBDIR)",
   },
   install_variables = {
      CFLAGS = "$(CFLAGS)",
      LIBFLAG = "$(LIBFLAG)",
      ROCK_LDFLAGS = "$(LDFLAGS)",
      LUA_INCDIR = "$(LUA_INCDIR)",
      LIBUV_INCDIR = "$(LIBUV_INCDIR)",
      LIBUV_LIBDIR = "$(LIBUV_LIBDIR)",
      INST_CMOD = "$(LIBDIR)",
      INST_LUADIR = "$(LUADIR)",
   },
   install = { bin = { wms = "bin/wms" } },
   copy_directories = { "docs" }, -- the manual, with the man pages
}
test = {
   type = "command",
   script = "spec/run.lua",
}
