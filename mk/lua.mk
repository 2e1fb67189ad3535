# SPDX-License-Identifier: MIT
# lua.mk - which Lua the module is built for, and where its headers are.

# All lists of Lua versions: these two, the packages in spec/deps, the range in rockspec/, and mk/debian.
# Those that the specs run with; the first one runs all of them.
lua_tested := 5.4 5.3 5.2 5.1 jit
# Those that can be built.
lua_known  := $(sort $(lua_tested) 5.5)
LUAS        = $(lua_tested)

# The version that lua.h in LUA_INCDIR is of: the preprocessor prints LUA_VERSION_NUM, which is 504
# or (since 5.5) a sum such as (5 * 100 + 5), and the shell adds it up.
LUA_NUMBER := $(if $(LUA_INCDIR),$(shell sum=$$(printf '%s\n' '$(hash)include <lua.h>' \
    'number LUA_VERSION_NUM' | $(CC) -E -P -I'$(LUA_INCDIR)' -x c - 2>/dev/null | \
    sed -n 's/^number \([0-9 ()*+]*\)$$/\1/p'); [ -z "$$sum" ] || echo $$(($$sum))))
LUA_FOUND  := $(if $(LUA_NUMBER),$(shell echo $$(($(LUA_NUMBER) / 100)).$$(($(LUA_NUMBER) % 100))))
LUA_VERSION := $(or $(LUA_FOUND),$(firstword $(lua_tested)))
abi         = $(patsubst jit,5.1,$1)

ifneq ($(LUA_INCDIR),)
ifeq ($(wildcard $(subst $(space),\ ,$(LUA_INCDIR))/lua.h),)
$(error LUA_INCDIR=$(LUA_INCDIR): there is no lua.h in it)
endif
ifeq ($(filter $(LUA_FOUND),$(lua_known)),)
$(error LUA_INCDIR=$(LUA_INCDIR): its lua.h is $(if $(LUA_FOUND),of Lua $(LUA_FOUND); give one \
    of $(lua_known),none that $(CC) can read a version from))
endif
ifneq ($(LUA_FOUND),$(call abi,$(LUA_VERSION)))
$(error LUA_VERSION=$(LUA_VERSION), but the lua.h in LUA_INCDIR=$(LUA_INCDIR) is of \
    Lua $(LUA_FOUND): give one of the two, or two that fit)
endif
endif
ifeq ($(filter $(LUA_VERSION),$(lua_known)),)
$(error LUA_VERSION=$(LUA_VERSION): give one of $(lua_known))
endif

# $(call lua,V,cflags|libs): flags behind the word "found", since there may be none. Every
# distribution has its own name for Lua's package.
lua = $(call once,lua_$1_$2,for p in \
    $(if $(filter jit,$1),luajit,lua$1 lua-$1 lua$(subst .,,$1) lua); do \
    if [ $$p != lua ] || $(PKG_CONFIG) --exists "lua >= $1 lua < $1.99"; then \
    $(PKG_CONFIG) --exists $$p && echo found && exec $(PKG_CONFIG) --$2 $$p; fi; done 2>/dev/null)
lua_given  = $(if $(LUA_INCDIR),$(filter $1,$L))
lua_found  = $(if $(lua_given),yes,$(filter found,$(call lua,$1,cflags)))
lua_flags  = $(if $(lua_given),-I$(LUA_INCDIR),$(filter-out found,$(call lua,$1,cflags)))
lua_cflags = $(if $(lua_found),$(lua_flags),$(error $(missing)))
lua_libs   = $(filter-out found,$(call lua,$1,libs))
lua_package = $(if $(filter jit,$1),libluajit-5.1-dev (Fedora: luajit-devel),$(if \
    $(filter 5.1,$1),liblua5.1-0-dev,liblua$1-dev) (Fedora: lua-devel))
missing_lua = $(if $(lua_found),,lua.h of Lua $1 is missing: install pkg-config and \
    $(lua_package)$(comma) or set LUA_INCDIR)
