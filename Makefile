# What there is to make; `make help` prints it.
#
#: make             the Lua module, the providers whose libraries are here, and the C libraries, in build/
#: make all-luas    the same for Lua 5.1 to 5.4 and LuaJIT (LUAS="5.4 5.5" for others)
#: make examples    the examples in C, in build/examples/
#: make demo        installs what is missing (Debian, as root), builds, and runs a short example
#: make test        likewise, and runs all specs: RUNS="5.4 jit" for some Luas only, SPECS=spec/x_spec.lua for some specs
#: make check       the specs under sanitizers and valgrind, and every static check (check-lint, check-asan, ... for one)
#: make fuzz        libFuzzer on what comes from outside: FUZZ_SECONDS=60; fuzz-report: FUZZ_RUNS=20000000, and line coverage
#: make mutants     breaks lines of src, and tells what no spec notices: RANDOM=200 SEED=7 ONLY=src/core (see spec/mutants/run.lua)
#: make bench       measures: ROWS="memory require logind multipoint wts growth" for some parts only
#: make man         wms(3) and wms.provider(3) from docs/, in build/man/ (needs lowdown; LOWDOWN= names it)
#: make install     PREFIX=/usr/local DESTDIR= LUA_VERSION=5.4; make install-lua: only what Lua needs; make uninstall
#: make clean
#
# Variables: LUA_VERSION (5.1 5.2 5.3 5.4 5.5 jit), LUA_INCDIR (where lua.h is), LIBUV_INCDIR and LIBUV_LIBDIR (where
# uv.h and libuv.so are, if pkg-config does not know), CC, CFLAGS, CPPFLAGS, LDFLAGS, PKG_CONFIG,
# SANITIZE (address,undefined or thread: builds in a folder of its own), BUILD (the folder), DEPS=no (installs nothing), V=1
# (shows the commands).

PREFIX      = /usr/local
hash       := \#
# With LUA_INCDIR, where lua.h is, the version is the one that stands in there: 504, or (since 5.5) a sum of other macros.
LUA_NUMBER := $(if $(LUA_INCDIR),$(shell sum=$$(printf '%s\n' '$(hash)include <lua.h>' 'number LUA_VERSION_NUM' | \
    $(or $(CC),cc) -E -P -I'$(LUA_INCDIR)' -x c - 2>/dev/null | sed -n 's/^number \([0-9 ()*+]*\)$$/\1/p'); \
    [ -z "$$sum" ] || echo $$(($$sum))))
LUA_FOUND  := $(if $(LUA_NUMBER),$(shell echo $$(($(LUA_NUMBER) / 100)).$$(($(LUA_NUMBER) % 100))))
LUA_VERSION := $(or $(LUA_FOUND),5.4)
BUILD       = build$(if $(SANITIZE),/$(firstword $(subst $(comma), ,$(SANITIZE))))

CC         ?= cc
CFLAGS     ?= -O2 -g -fstack-protector-strong
LDFLAGS    ?= -Wl,-z,relro,-z,now
PKG_CONFIG ?= pkg-config
WARNINGS    = -Wall -Wextra

# Where things are installed; LuaRocks sets the last two.
libdir      = $(PREFIX)/lib
includedir  = $(PREFIX)/include
mandir      = $(PREFIX)/share/man
INST_CMOD   = $(libdir)/lua/$(call abi,$(LUA_VERSION))
INST_LUADIR = $(PREFIX)/share/lua/$(call abi,$(LUA_VERSION))

.DEFAULT_GOAL := all
LUAS        = 5.1 5.2 5.3 5.4 jit
luas       := 5.1 5.2 5.3 5.4 5.5 jit
comma     := ,
version   := $(shell sed -n 's/^.define WMS_VERSION "\(.*\)"/\1/p' src/include/wms.h)
# The first version whose programs run with this libwms.so: spec/abi has one for each.  A version that breaks them is named here.
soversion := 0.1
abi        = $(patsubst jit,5.1,$1)
B         := $(BUILD)
L         := $(LUA_VERSION)

# They are built in: the folder that a program is started in must not matter.
$(foreach v,PREFIX libdir includedir mandir INST_CMOD INST_LUADIR,$(if $($v),$(if $(filter /%,$(firstword $($v))),,$(error \
    $v=$($v): give an absolute path$(comma) such as $(abspath $($v))))))

ifneq ($(LUA_INCDIR),)
ifeq ($(wildcard $(subst $() ,\ ,$(LUA_INCDIR))/lua.h),)
$(error LUA_INCDIR=$(LUA_INCDIR): there is no lua.h in it)
endif
ifeq ($(filter $(LUA_FOUND),$(luas)),)
$(error LUA_INCDIR=$(LUA_INCDIR): its lua.h is $(if $(LUA_FOUND),of Lua $(LUA_FOUND); give one \
    of $(luas),none that $(CC) can read a version from))
endif
ifneq ($(LUA_FOUND),$(call abi,$L))
$(error LUA_VERSION=$L, but the lua.h in LUA_INCDIR=$(LUA_INCDIR) is of Lua $(LUA_FOUND): give one of the two, or two that fit)
endif
endif
ifeq ($(filter $L,$(luas)),)
$(error LUA_VERSION=$L: give one of $(luas))
endif

# A program that counts a part's steps, as spec/growth does the engine's: spec/c/growth_NAME.c, with the folder src/NAME.
define counted_part
ifneq ($$(wildcard spec/c/growth_$1.c),)
counted_parts += $1
$B/counted/$1/%.o: extra = $$(uv_cflags) $$(cflags_of_$1) -fsanitize-coverage=trace-pc
$B/spec/growth_$1: $$(patsubst src/%.c,$B/counted/%.o,$$(wildcard src/$1/*.c)) $B/sources
$B/spec/growth_$1: private part_cflags = $$(cflags_of_$1)
$B/spec/growth_$1: private part_libs = $$(libs_of_$1)
endif
endef

# ---- providers with a library of their own ---------------------------------------------------------------------------
# A new one needs the folder src/NAME and a line here: its name, what pkg-config calls its libraries, and the packages that
# bring them on Debian and on Fedora.

define provider
provider_names += $1
ifneq ($$(wildcard src/$1/*.c),)
ifeq ($$(shell $$(PKG_CONFIG) --exists '$2' 2>&1 || echo no),)
providers += $1
cflags_of_$1 = $$(call once,$1_cflags,$$(PKG_CONFIG) --cflags '$2')
$B/obj/$1/%.o: extra = $$(cflags_of_$1)
libs_of_$1 = $$(call once,$1_libs,$$(PKG_CONFIG) --libs '$2')
$B/lib/wms/$1.so: provider_libs = $$(libs_of_$1)
$B/lib/wms/$1.so: $$(patsubst src/%.c,$B/obj/%.o,$$(wildcard src/$1/*.c)) $B/sources
$$(eval $$(call counted_part,$1))
else
left_out += $1 (needs $3, on Fedora $4)
endif
endif
endef

# $(call once,NAME,COMMAND): what COMMAND prints; it is run when it is needed, and only once.
once = $(if $(filter undefined,$(origin cached_$1)),$(eval cached_$1 := $(shell $2)))$(cached_$1)

$(eval $(call provider,logind,libsystemd,libsystemd-dev,systemd-devel))
$B/lib/wms/logind.so $B/lib/wms/wts.so: $B/obj/core/hash.o # which needs nothing of the engine
$(eval $(call provider,multipoint,libcurl >= 7.87 libxml-2.0 openssl,libcurl4-openssl-dev libxml2-dev libssl-dev,libcurl-devel libxml2-devel openssl-devel))

# The Windows session API: a provider, and a library of its own for programs that use libwinpr.  Either libwinpr will do.
winpr       := $(shell $(PKG_CONFIG) --exists winpr3 2>/dev/null && echo winpr3 || echo winpr2)
winpr_cflags = $(patsubst -I%,-isystem %,$(call once,winpr_cflags,$(PKG_CONFIG) --cflags $(winpr)))
winpr_libs   = $(call once,winpr_libs,$(PKG_CONFIG) --libs $(winpr))
$(eval $(call provider,wts,$(winpr),libwinpr2-dev,libwinpr-devel))
cflags_of_wts = $(winpr_cflags)
wtsapi       := $(if $(filter wts,$(providers)),$B/lib/libwms-wtsapi.so)
cflags_of_wtsapi = $(winpr_cflags)
libs_of_wtsapi   = $(winpr_libs)
$(if $(wtsapi),$(eval $(call counted_part,wtsapi)))

# Hosts for the specs that are programs: the folders spec/host/NAME with C files, likewise.
define host_program
ifneq ($$(wildcard spec/host/$1/*.c),)
ifeq ($$(shell $$(PKG_CONFIG) --exists '$2' 2>&1 || echo no),)
host_programs += $B/spec/host/$1
$B/spec/host/$1.d/%.o: spec/host/$1/%.c $B/flags
	$$(call say,CC,$$<)
	$$Q mkdir -p $$(@D) && $$(CC) -std=gnu11 $$(WARNINGS) $$(extra) $$(CPPFLAGS) $$(CFLAGS) $$(sanitize) -MMD -MP -c \
	    -o $$@ $$<
$B/spec/host/$1.d/%.o: extra = $$(call once,host_$1_cflags,$$(PKG_CONFIG) --cflags '$2')
$B/spec/host/$1: host_libs = $$(call once,host_$1_libs,$$(PKG_CONFIG) --libs '$2')
$B/spec/host/$1: $$(patsubst spec/host/$1/%.c,$B/spec/host/$1.d/%.o,$$(wildcard spec/host/$1/*.c)) $B/sources
else
hosts_left_out += spec/host/$1 (needs $3, on Fedora $4)
endif
endif
endef

$(eval $(call host_program,multipoint,libmicrohttpd gnutls libxml-2.0,libmicrohttpd-dev libgnutls28-dev libxml2-dev,libmicrohttpd-devel gnutls-devel libxml2-devel))

# ---- flags -----------------------------------------------------------------------------------------------------------

uv_found  = $(if $(LIBUV_INCDIR),$(wildcard $(LIBUV_INCDIR)/uv.h),$(call once,uv_found,$(PKG_CONFIG) --exists libuv 2>&1 && \
    echo yes))
# What pkg-config does not know may be told: libuv then stays where it is, unless it is the system's own.
uv_given  = $(filter-out /usr/lib% /lib%,$(LIBUV_LIBDIR))
uv_cflags = $(if $(uv_found),,$(error $(missing)))$(if $(LIBUV_INCDIR),$(patsubst %,-I%,$(filter-out \
    /usr/include,$(LIBUV_INCDIR))),$(call once,uv_cflags,$(PKG_CONFIG) --cflags libuv))
uv_libs   = $(if $(LIBUV_INCDIR),$(foreach d,$(uv_given),-L$d -Wl$(comma)-rpath$(comma)$d) -luv,$(call once,uv_libs,\
    $(PKG_CONFIG) --libs libuv)) -pthread -ldl -lm

# $(call lua,V,cflags|libs): the word "found" comes first, since there may be no flags. Every distribution has its own name.
lua = $(call once,lua_$1_$2,for p in $(if $(filter jit,$1),luajit,lua$1 lua-$1 lua$(subst .,,$1) lua); do \
    if [ $$p != lua ] || $(PKG_CONFIG) --exists "lua >= $1 lua < $1.99"; then \
    $(PKG_CONFIG) --exists $$p && echo found && exec $(PKG_CONFIG) --$2 $$p; fi; done 2>/dev/null)
lua_package = $(if $(filter jit,$1),libluajit-5.1-dev (Fedora: luajit-devel),$(if \
    $(filter 5.1,$1),liblua5.1-0-dev,liblua$1-dev) (Fedora: lua-devel))
lua_given  = $(if $(LUA_INCDIR),$(filter $1,$L))
lua_found  = $(if $(lua_given),yes,$(filter found,$(call lua,$1,cflags)))
lua_cflags = $(if $(lua_given),-I$(LUA_INCDIR),$(if $(lua_found),$(filter-out found,$(call lua,$1,cflags)),$(error $(missing))))
lua_libs   = $(filter-out found,$(call lua,$1,libs))

# All that is missing is told at once.
missing_uv  = $(if $(uv_found),,$(if $(LIBUV_INCDIR),there is no uv.h in LIBUV_INCDIR=$(LIBUV_INCDIR),libuv is missing: \
    install pkg-config and libuv1-dev (Fedora: libuv-devel)$(comma) or set LIBUV_INCDIR and LIBUV_LIBDIR))
missing_lua = $(if $(lua_found),,lua.h of Lua $1 is missing: install pkg-config and $(lua_package)$(comma) or set LUA_INCDIR)
missing     = $(missing_uv)$(if $(and $(missing_uv),$(missing_too)),; )$(missing_too)
missing_too = $(if $(filter-out libs,$(or $(MAKECMDGOALS),all)),$(call missing_lua,$(or $1,$L)))

sanitize = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
includes = -Isrc/include -Isrc
compile  = $(CC) -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) $(includes) $(extra) $(CPPFLAGS) $(CFLAGS) $(sanitize) \
    -MMD -MP -c -o $@ $<
# nodelete: a thread that waits inside a library may outlive the Lua state that loaded us, and needs its code to stay.
link     = $(CC) $(or $(LIBFLAG),-shared) -Wl,-z,nodelete $(LDFLAGS) $(ROCK_LDFLAGS) $(CFLAGS) $(sanitize) -o $@
# Lua's functions come from the program that loads the module: what forbids undefined symbols is taken back for it.
undefs   = $(if $(findstring defs,$(LDFLAGS) $(ROCK_LDFLAGS) $(LIBFLAG)) $(findstring no-undefined,$(LDFLAGS) $(ROCK_LDFLAGS) \
    $(LIBFLAG)),-Wl$(comma)-z$(comma)undefs)
# What went into the objects: a change of it makes them anew.
flags    = $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(ROCK_LDFLAGS) $(LIBFLAG) $(WARNINGS) $(SANITIZE) $(LUA_INCDIR) \
    $(LIBUV_INCDIR) $(LIBUV_LIBDIR)

# One short line a step; V=1 shows the commands, -s nothing.
silent := $(findstring s,$(firstword -$(MAKEFLAGS)))$(V)
say     = @$(if $(silent),:,printf '  %-3s %s\n' $1 $2)
Q      := $(if $(V),,@)

# ---- what is built ---------------------------------------------------------------------------------------------------

core    := $(patsubst src/%.c,$B/obj/%.o,$(wildcard src/core/*.c src/memory/*.c))
sharedlib := $B/lib/libwms.so.$(version)
libs    := $B/lib/libwms.a $B/lib/libwms.so $B/lib/wms.pc $(wtsapi)
modules := $(providers:%=$B/lib/wms/%.so)
headers := src/include/wms.h src/include/wms/lua.h src/include/wms/provider.h src/include/wms/memory.h
fixtures := $(patsubst spec/c/provider_%.c,$B/spec/wms/%.so,$(wildcard spec/c/provider_*.c))
preloads := $(patsubst spec/c/%.c,$B/spec/%.so,$(wildcard spec/c/preload_*.c))
wtsapis  := $(if $(filter wts,$(providers)),$(patsubst %.c,$B/%.so,$(wildcard spec/wtsapi/*.c)))
programs := $(patsubst spec/c/%.c,$B/spec/%,$(filter-out spec/c/provider_%.c spec/c/preload_%.c spec/c/growth_%.c,$(wildcard \
    spec/c/*.c))) $(counted_parts:%=$B/spec/growth_%)
# Programs and a provider that know a former release's headers only: spec/abi/VERSION.
released := $(foreach r,$(notdir $(wildcard spec/abi/*)),$(addprefix $B/spec/abi/$r/,program lua_program wms/frozen.so))
# luaL_requiref() came with Lua 5.2.
examples := $(addprefix $B/examples/,embed wms/demo.so $(if $(filter 5.1 jit,$L),,embed_lua))
# Programs for the specs that know the Windows session API only: each file in spec/winpr is one, without anything of ours.
winpr_programs := $(if $(wtsapi),$(patsubst spec/winpr/%.c,$B/spec/%,$(wildcard spec/winpr/*.c)))
# What the measurements stand beside: each file in bench/ is a Lua module, made for the Lua that runs them.
rulers  := $(patsubst bench/%.c,$B/$L/bench/%.so,$(filter-out $(if $(filter logind,$(providers)),,%sdbus.c) $(if $(filter \
    multipoint,$(providers)),,%curl.c) $(if $(filter wts,$(providers)),,%wts.c),$(wildcard bench/*.c)))
products = $B/$1/wms.so $B/$1/libwms-lua.a $(providers:%=$B/$1/wms/%.so)

.PHONY: all all-luas libs report specs examples rulers
all: $(call products,$L) $(libs) report
all-luas: $(foreach l,$(LUAS),$(call products,$l)) $(libs) report
libs: $(libs) $(modules)
specs: $(programs) $(released) $(winpr_programs) $(fixtures) $(preloads) $(wtsapis) $(host_programs) examples
	@$(if $(hosts_left_out),echo 'left out: $(hosts_left_out)',:)
examples: $(examples) ; @:
rulers: $(rulers) $(host_programs) ; @:

report: | $(call products,$L) $(libs)
	@$(if $(silent),:,echo 'wms $(version) in $B/; providers: $(subst $() $(),$(comma) ,$(strip memory \
	    $(providers)))$(if $(left_out),; left out: $(left_out))')

$B/obj/%.o: src/%.c $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(compile)

# WMS_MODULE_FOLDER is where C programs find the providers.
$(core): extra = $(uv_cflags) -DWMS_MODULE_FOLDER='"$(libdir)/wms"'
$(core): $B/folder

$B/lib/libwms.a: $(core) $B/sources
	$(call say,AR,$@)
	$Q mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $(core)

$(sharedlib): $(core) $B/sources
	$(call say,LD,$@)
	$Q mkdir -p $(@D) && $(link) -Wl,-soname,libwms.so.$(soversion) $(core) $(uv_libs)

$B/lib/libwms.so: $(sharedlib)
	$Q ln -sf $(<F) $(@D)/libwms.so.$(soversion) && ln -sf libwms.so.$(soversion) $@

# It has an engine of its own, whatever else the program is linked with, and shows one function.
$B/obj/wtsapi/%.o: extra = $(winpr_cflags)
$B/lib/libwms-wtsapi.so: $(patsubst src/%.c,$B/obj/%.o,$(wildcard src/wtsapi/*.c)) $(core) src/wtsapi/exports.map $B/sources
	$(call say,LD,$@)
	$Q mkdir -p $(@D) && $(link) -Wl,-soname,$(@F) -Wl,-Bsymbolic -Wl,--version-script=src/wtsapi/exports.map \
	    $(if $(SANITIZE),,-Wl$(comma)--no-undefined) $(filter %.o,$^) $(winpr_libs) $(uv_libs)

# What lies below PREFIX is told by it, so that it may be moved (pkg-config --define-prefix).  Quotes: a folder may have a space.
below = $(if $(PREFIX),$(patsubst X%,%,$(subst X$(PREFIX)/,$${prefix}/,X$1)),$1)
$B/lib/wms.pc: $B/folder src/include/wms.h Makefile
	$Q mkdir -p $(@D) && printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(call below,$(libdir))' 'includedir=$(call \
	    below,$(includedir))' 'modules=$${libdir}/wms' '' 'Name: wms' \
	    'Description: scripted control of user sessions on shared computers' 'Version: $(version)' 'Requires.private: libuv' \
	    'Libs: -L"$${libdir}" -lwms' 'Libs.private: -pthread -ldl -lm' 'Cflags: -I"$${includedir}"' >$@

# A provider uses the engine only through what it is given, hence --no-undefined; one file serves every Lua and C.
$(modules): $B/lib/wms/%.so:
	$(call say,LD,$@)
	$Q mkdir -p $(@D) && $(link) -Wl,--no-undefined $(filter %.o,$^) $(provider_libs) -pthread

# The Lua module, for each Lua; it is never linked with liblua. -Bsymbolic: it uses its own engine, whatever else the
# program is linked with.
define lua_module
$B/$1/obj/%.o: src/lua/%.c $B/flags
	$$(call say,CC,'$$< (Lua $1)')
	$$Q mkdir -p $$(@D) && $$(compile)
$B/$1/obj/%.o: extra = $$(call lua_cflags,$1)
$B/$1/libwms-lua.a: $(patsubst src/lua/%.c,$B/$1/obj/%.o,$(wildcard src/lua/*.c)) $B/sources
	$$(call say,AR,$$@)
	$$Q rm -f $$@ && $$(AR) rcs $$@ $$(filter %.o,$$^)
$B/$1/wms.so: $(patsubst src/lua/%.c,$B/$1/obj/%.o,$(wildcard src/lua/*.c)) $(core) $B/sources
	$$(call say,LD,$$@)
	$$Q $$(link) $$(undefs) -Wl,-Bsymbolic $$(filter %.o,$$^) $$(uv_libs)
$B/$1/wms/%.so: $B/lib/wms/%.so
	$$Q mkdir -p $$(@D) && ln -sf ../../lib/wms/$$(@F) $$@
endef
$(foreach l,$(sort $(luas) $(LUAS)),$(eval $(call lua_module,$l)))

# Programs for the specs: each file in spec/c is one, with the Lua module linked in.
$(programs): $B/spec/%: spec/c/%.c $B/$L/libwms-lua.a $B/lib/libwms.a $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(CC) -std=gnu11 $(WARNINGS) $(includes) $(uv_cflags) $(call lua_cflags,$L) $(CPPFLAGS) $(CFLAGS) \
	    $(sanitize) $(LDFLAGS) $(wraps) $(part_cflags) -MMD -MP -o $@ $< $(filter %.o,$^) $(filter %.a,$^) $(call lua_libs,$L) \
	    $(uv_libs) $(part_libs) -lm

# One that counts the steps of the engine, which is compiled anew for it: see spec/c/growth.c.
counted := $(patsubst $B/obj/%,$B/counted/%,$(core))
$B/counted/%.o: src/%.c $B/flags
	$(call say,CC,'$< (counted)')
	$Q mkdir -p $(@D) && $(compile)
$(counted): extra = $(uv_cflags) -DWMS_MODULE_FOLDER='"$(libdir)/wms"' -fsanitize-coverage=trace-pc
$B/spec/growth $(counted_parts:%=$B/spec/growth_%): $(counted)

# What blocking.c allocates is not from the engine's allocator, and has to fail as well.
$B/spec/oom: private wraps = -Wl,--wrap=calloc

$(winpr_programs): $B/spec/%: spec/winpr/%.c $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(CC) -std=gnu11 $(WARNINGS) $(winpr_cflags) $(CPPFLAGS) $(CFLAGS) $(sanitize) $(LDFLAGS) -MMD -MP \
	    -o $@ $< $(winpr_libs) -pthread

$(host_programs):
	$(call say,LD,$@)
	$Q $(CC) $(LDFLAGS) $(CFLAGS) $(sanitize) -o $@ $(filter %.o,$^) $(host_libs)

# The examples in C see the headers as they are installed.
$B/include/wms.h: $(headers)
	$Q install -d $(@D)/wms && install -m 644 $< $(@D) && install -m 644 $(filter-out $<,$^) $(@D)/wms

# $(call example,FLAGS)
define example
$(call say,CC,$<)
$Q mkdir -p $(@D) && $(CC) -std=gnu11 $(WARNINGS) -Wpedantic -I$B/include $(extra) $(CPPFLAGS) $(CFLAGS) $(sanitize) \
    $(LDFLAGS) -o $@ $(filter %.c %.a,$^) $1
endef
$B/examples/embed: examples/embed.c $B/lib/libwms.a $B/include/wms.h $B/flags
	$(call example,$(uv_libs))
$B/examples/embed_lua: extra = $(call lua_cflags,$L)
$B/examples/embed_lua: examples/embed_lua.c $B/$L/libwms-lua.a $B/lib/libwms.a $B/include/wms.h $B/flags
	$(call example,$(call lua_libs,$L) $(uv_libs))
$B/examples/wms/demo.so: examples/provider.c $B/include/wms.h $B/flags
	$(call example,-shared -fPIC -fvisibility=hidden -Wl$(comma)--no-undefined)

$(rulers): $B/$L/bench/%.so: bench/%.c $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(CC) -shared -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) $(call lua_cflags,$L) $(ruler_cflags) \
	    $(CPPFLAGS) $(CFLAGS) $(sanitize) $(LDFLAGS) $(undefs) -MMD -MP -o $@ $< $(ruler_libs)
$B/$L/bench/bare_sdbus.so: ruler_cflags = $(call once,logind_cflags,$(PKG_CONFIG) --cflags libsystemd)
$B/$L/bench/bare_sdbus.so: ruler_libs = $(call once,logind_libs,$(PKG_CONFIG) --libs libsystemd)
$B/$L/bench/bare_wts.so: ruler_cflags = $(includes) $(cflags_of_wts)
$B/$L/bench/bare_wts.so: ruler_libs = $(winpr_libs)
$B/$L/bench/bare_curl.so: ruler_libs = $(call once,curl_libs,$(PKG_CONFIG) --libs libcurl)

# Providers for the specs: spec/c/provider_NAME.c.
$(fixtures): $B/spec/wms/%.so: spec/c/provider_%.c $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(link) -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) $(includes) $(CPPFLAGS) -MMD -MP $< -pthread

# They are linked with the library under the name that it had then.
$B/spec/abi/%/program: spec/abi/%/program.c $B/lib/libwms.so $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(CC) -std=gnu11 $(WARNINGS) -I$(<D)/include $(CPPFLAGS) $(CFLAGS) $(sanitize) $(LDFLAGS) \
	    -Wl,-rpath,'$$ORIGIN/../../../lib' -o $@ $< -L$B/lib -lwms
$B/spec/abi/%/lua_program: spec/abi/%/lua_program.c $B/$L/libwms-lua.a $B/lib/libwms.a $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(CC) -std=gnu11 $(WARNINGS) -I$(<D)/include $(call lua_cflags,$L) $(CPPFLAGS) $(CFLAGS) \
	    $(sanitize) $(LDFLAGS) -o $@ $< $(filter %.a,$^) $(call lua_libs,$L) $(uv_libs) -lm
$B/spec/abi/%/wms/frozen.so: spec/abi/%/provider.c $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(link) -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) -Wl,--no-undefined -I$(<D)/include \
	    $(CPPFLAGS) $<

# What specs put in front of a library, for LD_PRELOAD: spec/c/preload_NAME.c; never sanitized, since it comes before all else.
$(preloads): $B/spec/%.so: spec/c/%.c $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(CC) -shared -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -o $@ $<

# Libraries that implement the Windows session API, for the specs of those who call it: spec/wtsapi/NAME.c.
$(wtsapis): $B/spec/wtsapi/%.so: spec/wtsapi/%.c $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(link) -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) $(includes) $(cflags_of_wts) $(CPPFLAGS) -MMD -MP $< \
	    $(winpr_libs) -pthread

# Files that change when, and only when, their text does: the flags, the folders, the names of the sources.
.PHONY: FORCE
can_write = mkdir -p $(@D) 2>/dev/null && [ -w $(@D) ] || { echo 'nothing can be written into $(@D) here: give another folder, \
    such as BUILD=/tmp/wms-build' >&2; exit 1; }
keep = @$(can_write) && printf '%s\n' '$(subst ','\'',$1)' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$1)' >$@
$B/flags: FORCE
	$(call keep,$(flags))
$B/folder: FORCE
	$(call keep,$(libdir) $(includedir))
$B/sources: FORCE
	$(call keep,$(wildcard src/*/*.c spec/host/*/*.c))

-include $(wildcard $B/obj/*/*.d $B/counted/*/*.d $B/*/obj/*.d $B/*/bench/*.d $B/spec/*.d $B/spec/wms/*.d $B/spec/wtsapi/*.d $B/spec/host/*.d/*.d)

# ---- to try it -------------------------------------------------------------------------------------------------------
# These install the packages that are missing (DEPS=no: they do not), hence the second make: it looks for libraries anew.

LUA      = $(or $(shell command -v lua$L || command -v lua-$L),$(if $(filter jit,$L),luajit,lua))
DEPS     = yes
deps     = @$(if $(filter no,$(DEPS)),:,sh spec/deps $1)
again    = +@$(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc || echo 1)) DEPS=no
lua_env  = env -u LUA_INIT -u LUA_PATH_$(subst .,_,$L) -u LUA_CPATH_$(subst .,_,$L) LUA_PATH='./lua/?.lua;;' \
    LUA_CPATH='./$B/$L/?.so;;'

.PHONY: demo test bench
SPECS = spec
demo:
	$(call deps,demo)
	$(again) all
	@$(lua_env) $(LUA) examples/unlock_lab.lua

test:
	$(call deps,test)
	+@WMS_BUILD=$B WMS_WRAP="$(WRAP)" WMS_SPECS="$(SPECS)" $(LUA) spec/run.lua $(RUNS)

bench:
	$(call deps,bench)
	$(again) all rulers
	@rm -rf $B/bench-config && XDG_CONFIG_HOME='$(CURDIR)/$B/bench-config' WMS_BUILD=$B $(lua_env) $(LUA) bench/run.lua $(ROWS)

# ---- to be sure of it ------------------------------------------------------------------------------------------------

strict = -Werror -Wall -Wextra -Wpedantic -Wshadow -Wcast-qual -Wpointer-arith -Wstrict-prototypes \
    -Wmissing-prototypes -Wmissing-declarations -Wold-style-definition -Wwrite-strings -Wundef -Wformat=2 -Wvla \
    -Wno-unknown-warning-option
tidy   = $(wildcard src/*/*.c)
seen   = -std=gnu11 $(includes) $(lua_headers) $(uv_cflags) $(foreach p,$(providers),$(cflags_of_$p))
lua_headers = $(call lua_cflags,$L)
# The sanitizers' libraries for the stock interpreter alone: with LD_PRELOAD, every program that a spec starts would get them.
preload = $(shell readelf -l $$(command -v $(LUA)) | sed -n 's/.*interpreter: \(.*\)]/\1/p') --preload \
    $(shell $(CC) -print-file-name=libasan.so):$(shell $(CC) -print-file-name=libubsan.so)

.PHONY: check check-lint check-warnings check-headers check-windows check-tidy check-lua check-asan check-tsan check-valgrind check-fuzz
check:
	$(call deps,check)
	$(again) check-lint check-asan check-tsan check-valgrind
	$(again) check-fuzz # which takes all the cores

check-lint: check-warnings check-headers check-windows check-tidy check-lua

# Both compilers, every Lua, every warning.
check-warnings:
	$(again) all-luas specs CC=gcc WARNINGS='$(strict)' BUILD=build/check-gcc
	$(again) all-luas specs CC=clang WARNINGS='$(strict)' BUILD=build/check-clang

# Each public header stands by itself, in C and in C++.
check-headers:
	@for header in $(headers); do \
	    gcc -fsyntax-only -x c -std=c11 $(strict) $(includes) $(lua_headers) $$header || exit; \
	    g++ -fsyntax-only -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror $(includes) $(lua_headers) $$header || exit; \
	done

# The one provider that is to be built on Windows, too, with the SDK's headers in place of libwinpr's.
check-windows:
	@for source in src/wts/*.c; do \
	    clang --target=x86_64-w64-mingw32 -std=gnu11 -c -o /dev/null $(strict) $(includes) $$source || exit; \
	done

check-tidy:
	@printf '%s\n' $(tidy) | xargs -P $$(nproc) -n 1 sh -c 'clang-tidy --quiet "$$1" -- $(seen) 2>/dev/null' tidy
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -j $$(nproc) \
	    --suppress=missingIncludeSystem $(includes) $(tidy)

check-lua:
	@luacheck --quiet .

# The suite, with the address and the undefined-behaviour sanitizer inside the module; what is left out builds its own.
unsanitized = spec/build_spec.lua spec/growth_spec.lua
check-asan:
	+@LSAN_OPTIONS=print_suppressions=0:suppressions=$(CURDIR)/spec/support/leaks.txt $(MAKE) --no-print-directory test \
	    DEPS=no SANITIZE=address,undefined RUNS=$L WRAP="$(preload)" \
	    SPECS='$(filter-out $(unsanitized),$(wildcard spec/*_spec.lua))'

# An address that can be reached by nobody: what is shown without a host.
no_host = logind:///run/no-such-bus/socket

# Threads, each with a Lua state and an engine of its own, and such that share the session API's. The sanitizer of gcc 12 wants addresses that are not randomized.
check-tsan:
	$(again) all specs SANITIZE=thread
	@mkdir -p build/thread/files
	@for run in 'threads build/thread/spec build/thread/$L' 'blocking build/thread/spec/wms/blocking.so build/thread/files'; do \
	    $$(setarch -R true 2>/dev/null && echo setarch -R) build/thread/spec/$$run || exit; done
	$(if $(wtsapi),@WTSAPI_LIBRARY=build/thread/spec/wtsapi/odd.so LUA_CPATH='build/thread/$L/?.so' \
	    $$(setarch -R true 2>/dev/null && echo setarch -R) build/thread/spec/fork lua spec/wtsapi/threads.lua)
	$(if $(wtsapi),@WTSAPI_LIBRARY='$(CURDIR)/build/thread/lib/libwms-wtsapi.so' $$(setarch -R true 2>/dev/null && \
	    echo setarch -R) build/thread/spec/wtsapi_threads 16 50 $(no_host))

# What the module leaves behind or reads beyond, C libraries included.
memcheck = valgrind --quiet --fair-sched=try --error-exitcode=99 --keep-debuginfo=yes --leak-check=full --show-leak-kinds=definite \
    --errors-for-leak-kinds=definite
memchecked = $(patsubst %,spec/%_spec.lua,memory request callback misuse)
memory_fails = -m $B/spec/wms/caller.so -m $B/spec/wms/blocking.so $(filter-out spec/oom/provider.lua \
    spec/oom/several.lua,$(wildcard spec/oom/*.lua))
check-valgrind:
	+@$(MAKE) --no-print-directory test DEPS=no RUNS=$L SPECS='$(memchecked)' WRAP="$(memcheck)"
	@mkdir -p $B/files
	@for run in 'threads $B/spec $B/$L' lifetime 'blocking $B/spec/wms/blocking.so $B/files' 'oom $(memory_fails)'; do \
	    XDG_CONFIG_HOME=$(CURDIR)/$B/config $(memcheck) $B/spec/$$run >$B/memcheck || { cat $B/memcheck; exit 1; }; done
	$(if $(wtsapi),@WTSAPI_LIBRARY=$B/spec/wtsapi/odd.so LUA_CPATH='$B/$L/?.so' $(memcheck) $B/spec/fork lua \
	    spec/wtsapi/threads.lua >$B/memcheck || { cat $B/memcheck; exit 1; })
	$(if $(wtsapi),@for run in wtsapi_misuse 'wtsapi_threads 8 10 $(no_host)'; do WTSAPI_LIBRARY='$(CURDIR)/$(wtsapi)' \
	    $(memcheck) $B/spec/$$run >$B/memcheck || { cat $B/memcheck; exit 1; }; done)

# What comes from outside, fuzzed: each target is spec/fuzz/NAME.c with the sources that it is about.
FUZZ_SECONDS = 60
FUZZ_RUNS    = 20000000
fuzz_targets = answer record address
fuzz_answer  = $(patsubst %,src/multipoint/%.c,answer scan head values faults known operations text arena)
fuzz_record  = src/core/record.c src/core/value.c
fuzz_address = src/core/target.c
fuzz_answer_too  = src/multipoint/envelope.c
fuzz_address_too = src/multipoint/text.c src/core/hash.c
fuzzers      = $(fuzz_targets:%=$B/fuzz/%)
covered      = $(fuzz_targets:%=$B/fuzz/cover/%)

# Answers come in small parts here, as long ones do else.
$B/fuzz/%: fuzz_flags = -DMULTIPOINT_PART=61 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
$B/fuzz/cover/%: fuzz_flags = -DMULTIPOINT_PART=61 -fsanitize=fuzzer -fprofile-instr-generate -fcoverage-mapping
define fuzz_target
$B/fuzz/$1 $B/fuzz/cover/$1: spec/fuzz/$1.c spec/fuzz/support.c $(fuzz_$1) $(fuzz_$1_too) \
    $(wildcard spec/fuzz/*.h src/*.h src/*/*.h) $B/flags
	$$(call say,CC,$$@)
	$$Q mkdir -p $$(@D) && clang -std=gnu11 -O1 -g $$(WARNINGS) $(includes) $$(cflags_of_multipoint) $$(uv_cflags) $$(fuzz_flags) \
	    -o $$@ $$(filter %.c,$$^) $$(call once,libxml2_libs,$$(PKG_CONFIG) --libs libxml-2.0)
endef
$(foreach target,$(fuzz_targets),$(eval $(call fuzz_target,$(target))))

.PHONY: fuzz fuzz-report fuzz-corpus fuzzers covered
fuzzers: $(fuzzers) ; @:
covered: $(covered) ; @:
fuzz:
	$(call deps,fuzz)
	+@$(MAKE) --no-print-directory check-fuzz DEPS=no

check-fuzz:
	$(again) fuzzers
	@spec/fuzz/run $B/fuzz -max_total_time=$(FUZZ_SECONDS)

fuzz-report:
	$(call deps,fuzz)
	$(again) fuzzers covered
	@spec/fuzz/run $B/fuzz -runs=$(FUZZ_RUNS)
	@FUZZ_SOURCES='$(foreach target,$(fuzz_targets),$(target):$(subst $() ,$(comma),$(strip $(fuzz_$(target)))))' \
	    spec/fuzz/run $B/fuzz coverage

# What the last runs have found to be new, as far as it reaches other code.
fuzz-corpus: fuzzers
	@spec/fuzz/run $B/fuzz corpus

# What the specs do not notice: see spec/mutants/run.lua.
.PHONY: mutants
mutants:
	$(call deps,test)
	@WMS_BUILD=$B $(foreach name,CC RANDOM SEED ONLY JOBS LIST AGAIN BUDGET USE,WMS_MUTANTS_$(name)='$($(name))') $(LUA) \
	    spec/mutants/run.lua

# ---- man pages, of the manual's pages --------------------------------------------------------------------------------
# Their first line, a title, gives way to NAME; `##` are sections.  The date is the release's, so that each build makes the same.
# .nh: names are not hyphenated.

LOWDOWN   = lowdown
man_pages = $(if $(wildcard docs/c.md),$(if $(call once,lowdown,command -v '$(LOWDOWN)'),$B/man/wms.3 $B/man/wms.provider.3))
man_date  = $(call once,man_date,sed -n 's/^.. .$(version). - //p' CHANGELOG.md)

# $(call man_page,FILE,NAME,TITLE,SEE ALSO)
define man_page
$B/man/$2.3: docs/$1.md CHANGELOG.md
	$$(call say,MAN,$$@)
	$$Q mkdir -p $$(@D) && { printf '# NAME\n\n%s - %s\n\n# DESCRIPTION\n' '$2' '$3' && \
	    sed -e 1d -e 's/^## /# /' $$< && printf '\n# SEE ALSO\n\n%s\n' '$4'; } | '$(LOWDOWN)' -s -Tman --nroff-nolinks \
	    --out-no-smarty -m title=$2 -m section=3 -m source='wms $(version)' -m date='$$(man_date)' | \
	    sed '/^\.TH/a .nh' >$$@
endef
$(eval $(call man_page,c,wms,the C interface of a session engine,wms.provider(3)))
$(eval $(call man_page,provider,wms.provider,how to write a provider for wms,wms(3)))

.PHONY: man
man: $(man_pages)
	@$(if $(man_pages),:,echo 'man pages need lowdown (Debian and Fedora: lowdown)' >&2; exit 1)

# ---- to have it ------------------------------------------------------------------------------------------------------

scripts := $(wildcard lua/wms/*.lua)
loops   := $(wildcard lua/wms/loop/*.lua)

.PHONY: install install-lua uninstall clean help
install: install-lua $(libs) $(modules) $(man_pages)
	$Q install -d '$(DESTDIR)$(libdir)/wms' '$(DESTDIR)$(libdir)/pkgconfig' '$(DESTDIR)$(includedir)/wms'
	$Q install -m 644 src/include/wms.h '$(DESTDIR)$(includedir)'
	$Q install -m 644 $(filter-out src/include/wms.h,$(headers)) '$(DESTDIR)$(includedir)/wms'
	$Q install -m 644 $B/lib/libwms.a '$(DESTDIR)$(libdir)'
	$Q install -m 644 $B/$L/libwms-lua.a '$(DESTDIR)$(libdir)/libwms-lua$L.a'
	$Q install -m 755 $(sharedlib) '$(DESTDIR)$(libdir)'
	$Q ln -sf libwms.so.$(version) '$(DESTDIR)$(libdir)/libwms.so.$(soversion)'
	$Q ln -sf libwms.so.$(soversion) '$(DESTDIR)$(libdir)/libwms.so'
	$Q install -m 644 $B/lib/wms.pc '$(DESTDIR)$(libdir)/pkgconfig'
	$(if $(wtsapi),$Q install -m 755 $(wtsapi) '$(DESTDIR)$(libdir)')
	$(if $(modules),$Q install -m 755 $(modules) '$(DESTDIR)$(libdir)/wms')
	$(if $(man_pages),$Q install -d '$(DESTDIR)$(mandir)/man3' && install -m 644 $(man_pages) '$(DESTDIR)$(mandir)/man3')

# Only what Lua needs: what a rock is made of.
install-lua: $(call products,$L)
	$Q install -d '$(DESTDIR)$(INST_CMOD)/wms' '$(DESTDIR)$(INST_LUADIR)/wms'
	$Q install -m 755 $B/$L/wms.so '$(DESTDIR)$(INST_CMOD)'
	$(if $(modules),$Q install -m 755 $(modules) '$(DESTDIR)$(INST_CMOD)/wms')
	$(if $(scripts),$Q install -m 644 $(scripts) '$(DESTDIR)$(INST_LUADIR)/wms')
	$Q install -d '$(DESTDIR)$(INST_LUADIR)/wms/loop' && install -m 644 $(loops) '$(DESTDIR)$(INST_LUADIR)/wms/loop'

# By name, and whatever is found here now: the packages that a provider was built with may have gone.
uninstall:
	$Q rm -f '$(DESTDIR)$(includedir)/wms.h' $(patsubst %,'$(DESTDIR)$(includedir)/wms/%.h',lua provider memory) \
	    '$(DESTDIR)$(libdir)/libwms.a' '$(DESTDIR)$(libdir)/libwms-lua$L.a' '$(DESTDIR)$(libdir)/pkgconfig/wms.pc' \
	    '$(DESTDIR)$(libdir)'/libwms.so* '$(DESTDIR)$(libdir)/libwms-wtsapi.so' '$(DESTDIR)$(INST_CMOD)/wms.so' \
	    '$(DESTDIR)$(mandir)/man3/wms.3' '$(DESTDIR)$(mandir)/man3/wms.provider.3'
	$Q rm -f $(foreach p,$(provider_names),'$(DESTDIR)$(libdir)/wms/$p.so' '$(DESTDIR)$(INST_CMOD)/wms/$p.so') \
	    $(patsubst lua/wms/%,'$(DESTDIR)$(INST_LUADIR)/wms/%',$(scripts) $(loops))
	$Q for folder in '$(DESTDIR)$(INST_LUADIR)/wms/loop' \
	    $(patsubst %,'$(DESTDIR)%/wms',$(includedir) $(libdir) $(INST_CMOD) $(INST_LUADIR)); do \
	    [ ! -d "$$folder" ] || rmdir --ignore-fail-on-non-empty "$$folder"; done # others' providers stay

clean:
	rm -rf build

help:
	@sed -n 's/^#: *//p' Makefile
