# SPDX-License-Identifier: MIT
# What there is to make; `make help` prints it.
#
#: make             the Lua module, the providers whose libraries are here, and the C libraries, in build/
#: make all-luas    the same for all Luas that it is tested with (LUAS="5.4 5.5" for others)
#: make examples    the examples in C, in build/examples/
#: make demo        installs what is missing (Debian, as root), builds, and runs a short example
#: make test        likewise, and runs all specs: RUNS="5.4 jit" for some Luas only, SPECS=spec/x_spec.lua for some specs
#: make desktops    locks and unlocks real desktops in test hosts (5 GB): DESKTOPS="kde sway" for some only
#: make veyon       locks and unlocks real hosts with Veyon, which fail in every way that was seen (0.5 GB)
#: make programs    unlocks rooms from inside of other programs, which run in test hosts (0.5 GB each): PROGRAMS="nginx haproxy"
#: make example-NAME  sets up the example of one of these programs, and uses it: example-nginx
#: make check       the specs under sanitizers and valgrind, and every static check (check-lint, check-asan, ... for one)
#: make fuzz        libFuzzer on what comes from outside: FUZZ_SECONDS=30; fuzz-report: FUZZ_RUNS=20000000, and line coverage
#: make mutants     breaks lines of src, and tells what no spec notices: RANDOM=200 SEED=7 ONLY=src/core (see spec/mutants/run.lua)
#: make bench       measures: ROWS="memory require logind multipoint veyon thumbnails wts far watch cli growth" for some parts only
#: make district    one command to 1000 MultiPoint hosts, ten times: HOSTS=500 TIMES=3
#: make soak        60 Linux hosts in a storm, watched by one process: MINUTES=10 HOSTS=60, or HOURS=24
#: make dist        the archive of the sources and a release's rockspec, in build/dist/ (URL= tells where that will be)
#: make deb         Debian's packages, in build/deb/, made and tried in a test host; make deb-source: their sources alone
#: make man         wms(3) and wms.provider(3) from docs/, in build/man/ (needs lowdown; LOWDOWN= names it)
#: make install     PREFIX=/usr/local DESTDIR= LUA_VERSION=5.4; make install-lua: only what Lua needs; make uninstall
#: make clean
#
# Variables: LUA_VERSION (such as 5.4, or jit), LUA_INCDIR (where lua.h is), LIBUV_INCDIR and
# LIBUV_LIBDIR (where uv.h and libuv.so are, if pkg-config does not know), CC, CFLAGS, CPPFLAGS,
# LDFLAGS, PKG_CONFIG, SANITIZE (address,undefined or thread: builds in a folder of its own), BUILD
# (the folder), DEPS=no (installs nothing), V=1 (shows the commands).
#
# What is not the build of the product lies in mk/: specs.mk (programs for the specs), check.mk,
# fuzz.mk, bench.mk, install.mk (and man pages). Names in capitals may be set by who calls make.

PREFIX      = /usr/local
CC         ?= cc
CFLAGS     ?= -O2 -g -fstack-protector-strong
LDFLAGS    ?= -Wl,-z,relro,-z,now
PKG_CONFIG ?= pkg-config
WARNINGS    = -Wall -Wextra
BUILD       = build$(if $(SANITIZE),/$(firstword $(subst $(comma), ,$(SANITIZE))))

.DEFAULT_GOAL := all
# Characters that cannot be written where make takes them for something else.
comma := ,
hash  := \#
space := $() $()

include mk/lua.mk

# ---- where things are installed ------------------------------------------------------------------

bindir      = $(PREFIX)/bin
libdir      = $(PREFIX)/lib
includedir  = $(PREFIX)/include
mandir      = $(PREFIX)/share/man
unitdir     = $(PREFIX)/lib/systemd/system
# LuaRocks sets these two.
INST_CMOD   = $(libdir)/lua/$(call abi,$(LUA_VERSION))
INST_LUADIR = $(PREFIX)/share/lua/$(call abi,$(LUA_VERSION))

# They are built in: the folder that a program is started in must not matter.
relative = $(filter-out /%,$(firstword $($1)))
$(foreach v,PREFIX bindir libdir includedir mandir unitdir INST_CMOD INST_LUADIR,$(if $(call relative,$v),$(error \
    $v=$($v): give an absolute path$(comma) such as $(abspath $($v)))))

# ---- what is built -------------------------------------------------------------------------------

# Short names, for every line below.
B := $(BUILD)
L := $(LUA_VERSION)

version   := $(shell sed -n 's/^.define WMS_VERSION "\(.*\)"/\1/p' src/include/wms.h)
# The first version whose programs run with this libwms.so: spec/abi has one for each.  A version
# that breaks them is named here.
soversion := 0.1

# $(call objects,FOLDERS): those of src/FOLDER/*.c; $(call lua_objects,V): those of src/lua for Lua
# V.
objects     = $(patsubst src/%.c,$B/obj/%.o,$(wildcard $(1:%=src/%/*.c)))
lua_objects = $(patsubst src/lua/%.c,$B/$1/obj/%.o,$(wildcard src/lua/*.c))

core      := $(call objects,core memory)
sharedlib := $B/lib/libwms.so.$(version)
libs       = $B/lib/libwms.a $B/lib/libwms.so $B/lib/wms.pc $(wtsapi)
modules    = $(providers:%=$B/lib/wms/%.so)
headers   := $(addprefix src/include/,wms.h wms/lua.h wms/provider.h wms/memory.h)
# $(call products,V): what Lua V needs.
products   = $B/$1/wms.so $B/$1/libwms-lua.a $(providers:%=$B/$1/wms/%.so)

# ---- libraries -----------------------------------------------------------------------------------

# $(call once,NAME,COMMAND): what COMMAND prints.  It runs at the first use, if there is one, and
# its output is kept in cached_NAME: a mere $(shell COMMAND) would run anew at each use.
once = $(if $(filter undefined,$(origin cached_$1)),$(eval cached_$1 := $(shell $2)))$(cached_$1)
# $(call pkg,NAME,cflags|libs,PACKAGES), and whether pkg-config knows them; NAME is where `once`
# keeps it.
pkg       = $(call once,$1_$2,$(PKG_CONFIG) --$2 '$3')
pkg_found = $(call once,$1_found,$(PKG_CONFIG) --exists '$2' >/dev/null 2>&1 && echo yes)

# A provider with libraries of its own has the folder src/NAME and a line below: its name, what
# pkg-config calls its libraries, and the packages that bring them on Debian and on Fedora. `define`
# is a text that $(eval) reads as a piece of this file, once for each line; $$ in it becomes a $ of
# that piece.
define provider
provider_names += $1
packages_of_$1 := $2
left_out_of_$1 := $1 (needs $3, on Fedora $4)
cflags_of_$1    = $$(call pkg,$1,cflags,$2)
libs_of_$1      = $$(call pkg,$1,libs,$2)
endef

# libcurl in the engine's loop, for those that speak HTTP.
cflags_of_net        = $(call pkg,net,cflags,libcurl)
shared_of_multipoint = net
shared_of_veyon      = net

# Either libwinpr will do; its headers are the system's, whatever they give warnings for.
winpr       := $(shell $(PKG_CONFIG) --exists winpr3 2>/dev/null && echo winpr3 || echo winpr2)
winpr_cflags = $(patsubst -I%,-isystem %,$(call pkg,winpr,cflags,$(winpr)))

$(eval $(call provider,logind,libsystemd,libsystemd-dev,systemd-devel))
$(eval $(call provider,multipoint,libcurl >= 7.87 libxml-2.0 openssl,libcurl4-openssl-dev \
    libxml2-dev libssl-dev,libcurl-devel libxml2-devel openssl-devel))
# The HTTPS server for MultiPoint's events: no provider, but a module that one loads.
$(eval $(call provider,multipoint-events,libmicrohttpd >= 0.9.75,libmicrohttpd-dev,libmicrohttpd-devel))
$(eval $(call provider,nats,libnats jansson >= 2.7 openssl,libnats-dev libjansson-dev libssl-dev,cnats-devel \
    jansson-devel openssl-devel))
libs_of_nats += -lm
$(eval $(call provider,veyon,libcurl >= 7.87 jansson >= 2.7 openssl,libcurl4-openssl-dev libjansson-dev \
    libssl-dev,libcurl-devel jansson-devel openssl-devel))
$(eval $(call provider,wts,$(winpr),libwinpr2-dev,libwinpr-devel))

# Those whose sources and libraries are here, and what those miss whose sources alone are.
with_sources := $(foreach p,$(provider_names),$(if $(wildcard src/$p/*.c),$p))
providers    := $(foreach p,$(with_sources),$(if $(call pkg_found,$p,$(packages_of_$p)),$p))
left_out     := $(foreach p,$(filter-out $(providers),$(with_sources)),$(left_out_of_$p))

# The Windows session API is a provider, and a library of its own for programs that use libwinpr.
wtsapi           := $(if $(filter wts,$(providers)),$B/lib/libwms-wtsapi.so)
cflags_of_wts     = $(winpr_cflags)
cflags_of_wtsapi  = $(winpr_cflags)
libs_of_wtsapi    = $(libs_of_wts)

# libuv: what pkg-config does not know may be told, and libuv then stays where it is, unless it is
# the system's own.
ifneq ($(LIBUV_INCDIR),)
uv_found  = $(wildcard $(LIBUV_INCDIR)/uv.h)
uv_flags  = $(patsubst %,-I%,$(filter-out /usr/include,$(LIBUV_INCDIR)))
uv_linked = $(foreach d,$(filter-out /usr/lib% /lib%,$(LIBUV_LIBDIR)),-L$d -Wl,-rpath,$d) -luv
else
uv_found  = $(call pkg_found,uv,libuv)
uv_flags  = $(call pkg,uv,cflags,libuv)
uv_linked = $(call pkg,uv,libs,libuv)
endif
uv_cflags = $(if $(uv_found),$(uv_flags),$(error $(missing)))
uv_libs   = $(uv_linked) -pthread -ldl -lm
# WMS_MODULE_FOLDER is where C programs find the providers.
cflags_of_core   = $(uv_cflags) -DWMS_MODULE_FOLDER='"$(libdir)/wms"'
cflags_of_memory = $(cflags_of_core)

# All that is missing is told at once: libuv, and the Lua of version $1 (else the chosen one),
# unless it is only the C libraries that are wanted.
missing_uv  = $(if $(uv_found),,$(if $(LIBUV_INCDIR),there is no uv.h in \
    LIBUV_INCDIR=$(LIBUV_INCDIR),libuv is missing: install pkg-config and libuv1-dev \
    (Fedora: libuv-devel)$(comma) or set LIBUV_INCDIR and LIBUV_LIBDIR))
missing_too = $(if $(filter-out libs,$(or $(MAKECMDGOALS),all)),$(call missing_lua,$(or $1,$L)))
missing     = $(missing_uv)$(if $(and $(missing_uv),$(missing_too)),; )$(missing_too)

# ---- flags ---------------------------------------------------------------------------------------

sanitize = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
    -fno-omit-frame-pointer)
includes = -Isrc/include -Isrc
# `extra` is set for the targets that it is about.
compile  = $(CC) -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) $(includes) $(extra) $(CPPFLAGS) \
    $(CFLAGS) $(sanitize) -MMD -MP -c -o $@ $<
# nodelete: a thread that waits inside a library may outlive the Lua state that loaded us, and needs
# its code to stay.
link     = $(CC) $(or $(LIBFLAG),-shared) -Wl,-z,nodelete $(link_flags) $(CFLAGS) $(sanitize) -o $@
link_flags = $(LDFLAGS) $(ROCK_LDFLAGS)
# Lua's functions come from the program that loads the module: what may forbid undefined symbols in
# LDFLAGS (-z defs, --no-undefined) is taken back for it.
undefs   = -Wl,-z,undefs
# What went into the objects: a change of it makes them anew.
flags    = $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(ROCK_LDFLAGS) $(LIBFLAG) $(WARNINGS) \
    $(SANITIZE) $(LUA_INCDIR) $(LIBUV_INCDIR) $(LIBUV_LIBDIR)

# A recipe's first line is `$(call say,CC,FILE)`, one short line for each step, and its commands
# begin with $Q.  V=1 shows the commands instead, -s nothing: one-letter options are the first word
# of MAKEFLAGS, which begins with a blank when there are none.
silent := $(findstring s,$(firstword -$(MAKEFLAGS)))$(V)
say     = @$(if $(silent),:,printf '  %-3s %s\n' $1 $2)
Q      := $(if $(V),,@)

# ---- the targets ---------------------------------------------------------------------------------

.PHONY: all all-luas libs report luas
all: $(call products,$L) $(libs) report
all-luas: $(foreach l,$(LUAS),$(call products,$l)) $(libs) report
libs: $(libs) $(modules)

report: | $(call products,$L) $(libs)
	@$(if $(silent),:,echo 'wms $(version) in $B/; providers: $(subst $(space),$(comma) ,$(strip \
	    memory $(filter-out multipoint-events,$(providers))))$(if $(left_out),; left out: $(left_out))')

# For spec/run.lua.
luas:
	+@echo $(lua_tested)

$B/obj/%.o: extra = $(cflags_of_$(notdir $(@D)))
$B/obj/%.o: src/%.c $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(compile)
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
$B/lib/libwms-wtsapi.so: $(call objects,wtsapi) $(core) src/wtsapi/exports.map $B/sources
	$(call say,LD,$@)
	$Q mkdir -p $(@D) && $(link) -Wl,-soname,$(@F) -Wl,-Bsymbolic \
	    -Wl,--version-script=src/wtsapi/exports.map $(if $(SANITIZE),,-Wl$(comma)--no-undefined) \
	    $(filter %.o,$^) $(libs_of_wtsapi) $(uv_libs)

# What lies below PREFIX is told by it, so that it may be moved (pkg-config --define-prefix).  The X
# is for a PREFIX that begins there alone; quotes: a folder may have a space.
below = $(if $(PREFIX),$(patsubst X%,%,$(subst X$(PREFIX)/,$${prefix}/,X$1)),$1)
$B/lib/wms.pc: $B/folder src/include/wms.h Makefile
	$Q mkdir -p $(@D) && printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(call below,$(libdir))' \
	    'includedir=$(call below,$(includedir))' 'modules=$${libdir}/wms' '' 'Name: wms' \
	    'Description: scripted control of user sessions on shared computers' 'Version: $(version)' \
	    'Requires.private: libuv' 'Libs: -L"$${libdir}" -lwms' 'Libs.private: -pthread -ldl -lm' \
	    'Cflags: -I"$${includedir}"' >$@

# A provider uses the engine only through what it is given, hence --no-undefined; one file serves
# every Lua and C.
$(foreach p,$(providers),$(eval $B/lib/wms/$p.so: $(call objects,$p $(shared_of_$p))))
# The keyed hash, which needs nothing of the engine.
$B/lib/wms/logind.so $B/lib/wms/nats.so $B/lib/wms/wts.so: $B/obj/core/hash.o
# Who listens at a port, which needs nothing either.
$B/lib/wms/veyon.so $(foreach l,$(sort $(lua_known) $(LUAS)),$B/$l/libwms-lua.a): \
    $B/obj/core/listener.o
# Memory and texts.
$B/lib/wms/multipoint-events.so: $B/obj/multipoint/text.o
$(modules): $B/lib/wms/%.so: $B/sources
	$(call say,LD,$@)
	$Q mkdir -p $(@D) && $(link) -Wl,--no-undefined $(filter %.o,$^) $(libs_of_$*) -pthread

# The Lua module, for each Lua; it is never linked with liblua. -Bsymbolic: it uses its own engine,
# whatever else the program is linked with.
define lua_module
$B/$1/obj/%.o: extra = $$(call lua_cflags,$1)
$B/$1/obj/%.o: src/lua/%.c $B/flags
	$$(call say,CC,'$$< (Lua $1)')
	$$Q mkdir -p $$(@D) && $$(compile)
$B/$1/libwms-lua.a: $(lua_objects) $B/sources
	$$(call say,AR,$$@)
	$$Q rm -f $$@ && $$(AR) rcs $$@ $$(filter %.o,$$^)
$B/$1/wms.so: $(lua_objects) $(core) $B/sources
	$$(call say,LD,$$@)
	$$Q $$(link) $$(undefs) -Wl,-Bsymbolic $$(filter %.o,$$^) $$(uv_libs)
$B/$1/wms/%.so: $B/lib/wms/%.so
	$$Q mkdir -p $$(@D) && ln -sf ../../lib/wms/$$(@F) $$@
endef
$(foreach l,$(sort $(lua_known) $(LUAS)),$(eval $(call lua_module,$l)))

# Files that change when, and only when, their text does: the flags, the folders, the names of the
# sources.  Each is looked at in every run, since FORCE is never there.
.PHONY: FORCE
can_write = mkdir -p $(@D) 2>/dev/null && [ -w $(@D) ] || { echo 'nothing can be written into \
    $(@D) here: give another folder, such as BUILD=/tmp/wms-build' >&2; exit 1; }
text = printf '%s\n' '$(subst ','\'',$1)'
keep = @$(can_write) && $(text) | cmp -s - $@ || $(text) >$@
$B/flags: FORCE
	$(call keep,$(flags))
$B/folder: FORCE
	$(call keep,$(libdir) $(includedir))
$B/sources: FORCE
	$(call keep,$(wildcard src/*/*.c spec/host/*/*.c))

# ---- to run it -----------------------------------------------------------------------------------
# These install the packages that are missing (DEPS=no: they do not), hence the second make,
# `again`: it looks for libraries anew.

LUA      = $(or $(shell command -v lua$L || command -v lua-$L),$(if $(filter jit,$L),luajit,lua))
DEPS     = yes
SPECS    = spec
deps     = @$(if $(filter no,$(DEPS)),:,sh spec/deps $1)
again    = +@$(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc || \
    echo 1)) DEPS=no
lua_env  = env -u LUA_INIT -u LUA_PATH_$(subst .,_,$L) -u LUA_CPATH_$(subst .,_,$L) \
    LUA_PATH='./lua/?.lua;;' LUA_CPATH='./$B/$L/?.so;;'

.PHONY: demo test clean help
demo:
	$(call deps,demo)
	$(again) all
	@$(lua_env) $(LUA) examples/unlock_lab.lua

test:
	$(call deps,test)
	+@WMS_BUILD=$B WMS_WRAP="$(WRAP)" WMS_SPECS="$(SPECS)" $(LUA) spec/run.lua $(RUNS)

clean:
	rm -rf build

help:
	@sed -n 's/^#: *//p' Makefile

include mk/specs.mk mk/check.mk mk/fuzz.mk mk/bench.mk mk/install.mk mk/dist.mk

# What each object was made of, as the compiler has noted it.
-include $(wildcard $(addprefix $B/,obj/*/*.d counted/*/*.d */obj/*.d */bench/*.d spec/*.d \
    spec/unit/*.d spec/wms/*.d spec/wtsapi/*.d spec/host/*.d/*.d))
