# SPDX-License-Identifier: MIT
# specs.mk - the programs, providers and libraries that the specs need, and the examples in C.

# ---- which there are -----------------------------------------------------------------------------
# Each file in spec/c is a program, but for providers, libraries for LD_PRELOAD, and what counts
# steps; each file in spec/unit is one that tests a part of the core by itself.
unlike   := $(addprefix spec/c/,provider_%.c preload_%.c growth_%.c nats_agents.c)
programs := $(patsubst spec/c/%.c,$B/spec/%,$(filter-out $(unlike),$(wildcard spec/c/*.c)))
units    := $(patsubst %.c,$B/%,$(wildcard spec/unit/*.c))
fixtures := $(patsubst spec/c/provider_%.c,$B/spec/wms/%.so,$(wildcard spec/c/provider_*.c))
preloads := $(patsubst spec/c/%.c,$B/spec/%.so,$(wildcard spec/c/preload_*.c))
# Programs that count the steps of the core, of a provider or of libwms-wtsapi.so: spec/c/growth.c and
# spec/c/growth_NAME.c.  They have the sources compiled anew: COUNTED=no leaves them out, for builds
# in which nothing is counted.
COUNTED  := $(if $(SANITIZE),no,yes)
counting := $(foreach p,$(providers) $(if $(wtsapi),wtsapi),$(if $(wildcard spec/c/growth_$p.c),$p))
growths  := $(counting:%=$B/spec/growth_%)
ifeq ($(COUNTED),no)
programs := $(filter-out $B/spec/growth,$(programs))
counting :=
growths  :=
endif
# The part that knows libnats; and hosts over NATS, with a bus in place of it.
courier_parts := courier carrier route shared connect hear nkey options
bus      := $(if $(filter nats,$(providers)),$B/spec/nats_agents)
no_bus   := $(filter-out $(patsubst %,$B/obj/nats/%.o,$(courier_parts)),$(call objects,nats))
# What has parts of a provider inside is left out with it.
programs := $(filter-out $(if $(filter nats,$(providers)),,$B/spec/courier),$(programs))
# Programs and a provider that know a former release's headers only: spec/abi/VERSION.
released := $(foreach r,$(notdir $(wildcard spec/abi/*)),$(addprefix \
    $B/spec/abi/$r/,program lua_program wms/frozen.so))
# Programs that know the Windows session API only, each file in spec/winpr, without anything of
# ours; and libraries that implement it, for the specs of those who call it: spec/wtsapi/NAME.c.
winpr_programs := $(if $(wtsapi),$(patsubst spec/winpr/%.c,$B/spec/%,$(wildcard spec/winpr/*.c)))
wtsapis  := $(if $(wtsapi),$(patsubst %.c,$B/%.so,$(wildcard spec/wtsapi/*.c)))
# luaL_requiref() came with Lua 5.2.
examples := $(addprefix $B/examples/,embed wms/demo.so $(if $(filter 5.1 jit,$L),,embed_lua))

# ---- programs ------------------------------------------------------------------------------------

# $(call program,FLAGS) and $(call library,FLAGS): how one file becomes a program or a library, but
# for what it is linked with.  Libraries are linked as the providers are.
program = mkdir -p $(@D) && $(CC) -std=gnu11 $(WARNINGS) $1 $(CPPFLAGS) $(CFLAGS) $(sanitize) \
    $(LDFLAGS)
library = mkdir -p $(@D) && $(link) -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) $1 $(CPPFLAGS)

# With the Lua module linked in.  `wraps` is for one program; a growth_NAME has what src/NAME needs.
part = $(patsubst growth_%,%,$(filter growth_%,$*))
$(programs) $(growths): $B/spec/%: spec/c/%.c $B/$L/libwms-lua.a $B/lib/libwms.a $B/flags
	$(call say,CC,$<)
	$Q $(call program,$(includes) $(uv_cflags) $(call lua_cflags,$L)) $(wraps) $(cflags_of_$(part)) \
	    -MMD -MP -o $@ $< $(filter %.o,$^) $(filter %.a,$^) $(call lua_libs,$L) $(uv_libs) \
	    $(libs_of_$(part)) -lm

$B/spec/courier: private part = nats
$B/spec/courier: $(patsubst %,$B/obj/nats/%.o,$(courier_parts))

# What blocking.c allocates is not from the engine's allocator, and has to fail as well.
$B/spec/oom: private wraps = -Wl,--wrap=calloc

$(bus): spec/c/nats_agents.c $(no_bus) $B/obj/core/hash.o $B/lib/libwms.a $B/flags
	$(call say,CC,$<)
	$Q $(call program,$(includes) $(call lua_cflags,$L)) -Wl,--wrap=clock_gettime -MMD -MP -o $@ $< $(no_bus) \
	    $(filter %.a,$^) $(uv_libs) $(libs_of_nats) -lm

# What is no part of the core comes with it; these need nothing of libnats.
$B/spec/unit/nats_message: private parts = $(patsubst %,src/nats/%.c,message heard json write names subject)
$B/spec/unit/nats_message: $(wildcard src/nats/*.[ch])
$(units): $B/spec/unit/%: spec/unit/%.c $B/lib/libwms.a $B/flags
	$(call say,CC,$<)
	$Q $(call program,$(includes)) $(if $(parts),,-MMD -MP) -o $@ $< $(parts) $(filter %.a,$^) $(uv_libs)

# These count the steps of the engine and of one part more, which are compiled anew for it: see
# spec/c/growth.c.
counted = $(patsubst $B/obj/%,$B/counted/%,$1)
$B/counted/%.o: extra = $(cflags_of_$(notdir $(@D))) -fsanitize-coverage=trace-pc
$B/counted/%.o: src/%.c $B/flags
	$(call say,CC,'$< (counted)')
	$Q mkdir -p $(@D) && $(compile)
$B/spec/growth $(growths): $(call counted,$(core))
$(foreach p,$(counting),$(eval $B/spec/growth_$p: $(call counted,$(call objects,$p $(shared_of_$p))) $B/sources))

$(winpr_programs): $B/spec/%: spec/winpr/%.c $B/flags
	$(call say,CC,$<)
	$Q $(call program,$(winpr_cflags)) -MMD -MP -o $@ $< $(libs_of_wts) -pthread

# ---- libraries -----------------------------------------------------------------------------------

$(fixtures): $B/spec/wms/%.so: spec/c/provider_%.c $B/flags
	$(call say,CC,$<)
	$Q $(call library,$(includes)) -MMD -MP $< -pthread

# What specs put in front of a library, for LD_PRELOAD; never sanitized, since it comes before all
# else.
$(preloads): $B/spec/%.so: spec/c/%.c $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(CC) -shared -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) $(CPPFLAGS) \
	    $(CFLAGS) -MMD -MP -o $@ $<

$(wtsapis): $B/spec/wtsapi/%.so: spec/wtsapi/%.c $B/flags
	$(call say,CC,$<)
	$Q $(call library,$(includes) $(winpr_cflags)) -MMD -MP $< $(libs_of_wts) -pthread

# ---- former releases -----------------------------------------------------------------------------
# They are linked with the library under the name that it had then.

$B/spec/abi/%/program: spec/abi/%/program.c $B/lib/libwms.so $B/flags
	$(call say,CC,$<)
	$Q $(call program,-I$(<D)/include) -Wl,-rpath,'$$ORIGIN/../../../lib' -o $@ $< -L$B/lib -lwms
$B/spec/abi/%/lua_program: spec/abi/%/lua_program.c $B/$L/libwms-lua.a $B/lib/libwms.a $B/flags
	$(call say,CC,$<)
	$Q $(call program,-I$(<D)/include $(call lua_cflags,$L)) -o $@ $< $(filter %.a,$^) \
	    $(call lua_libs,$L) $(uv_libs) -lm
$B/spec/abi/%/wms/frozen.so: spec/abi/%/provider.c $B/flags
	$(call say,CC,$<)
	$Q $(call library,-Wl$(comma)--no-undefined -I$(<D)/include) $<

# ---- the MultiPoint host, which is a program: spec/host/multipoint -------------------------------

host_packages := libmicrohttpd gnutls libxml-2.0 libcurl
host_sources  := $(wildcard spec/host/multipoint/*.c)
host_objects  := $(host_sources:spec/host/multipoint/%.c=$B/spec/host/multipoint.d/%.o)
ifneq ($(host_sources),)
ifeq ($(call pkg_found,host,$(host_packages)),yes)
host_programs := $B/spec/host/multipoint
else
hosts_left_out := spec/host/multipoint (needs libmicrohttpd-dev libgnutls28-dev libxml2-dev libcurl4-openssl-dev, on \
    Fedora libmicrohttpd-devel gnutls-devel libxml2-devel libcurl-devel)
endif
endif

$(host_objects): $B/spec/host/multipoint.d/%.o: spec/host/multipoint/%.c $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(CC) -std=gnu11 $(WARNINGS) $(call pkg,host,cflags,$(host_packages)) \
	    $(CPPFLAGS) $(CFLAGS) $(sanitize) -MMD -MP -c -o $@ $<
$B/spec/host/multipoint: $(host_objects) $B/sources
	$(call say,LD,$@)
	$Q $(CC) $(LDFLAGS) $(CFLAGS) $(sanitize) -o $@ $(filter %.o,$^) \
	    $(call pkg,host,libs,$(host_packages))

# ---- what runs inside of Linux hosts, by sd-bus alone: spec/host/storm ---------------------------
# Never sanitized: the hosts have no library for that.

storm := $(if $(filter logind,$(providers)),$B/spec/host/storm)
$B/spec/host/storm: spec/host/storm/storm.c $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(CC) -std=gnu11 $(WARNINGS) $(cflags_of_logind) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) \
	    -MMD -MP -o $@ $< $(libs_of_logind)

# ---- examples: they see the headers as they are installed ----------------------------------------

$B/include/wms.h: $(headers)
	$Q install -d $(@D)/wms && install -m 644 $< $(@D) && install -m 644 $(filter-out $<,$^) $(@D)/wms

# $(call example,FLAGS): two lines of a recipe.
define example
$(call say,CC,$<)
$Q $(call program,-Wpedantic -I$B/include $(extra)) -o $@ $(filter %.c %.a,$^) $1
endef
$B/examples/embed: examples/embed.c $B/lib/libwms.a $B/include/wms.h $B/flags
	$(call example,$(uv_libs))
$B/examples/embed_lua: private extra = $(call lua_cflags,$L)
$B/examples/embed_lua: examples/embed_lua.c $B/$L/libwms-lua.a $B/lib/libwms.a $B/include/wms.h \
    $B/flags
	$(call example,$(call lua_libs,$L) $(uv_libs))
$B/examples/wms/demo.so: examples/provider.c $B/include/wms.h $B/flags
	$(call example,-shared -fPIC -fvisibility=hidden -Wl$(comma)--no-undefined)

# ---- the targets                                                            ----------------------

.PHONY: specs examples
specs: $(programs) $(bus) $(growths) $(units) $(released) $(winpr_programs) $(fixtures) $(preloads) \
    $(wtsapis) $(host_programs) $(storm) examples
	@$(if $(hosts_left_out),echo 'left out: $(hosts_left_out)',:)
examples: $(examples) ; @:

# ---- real desktops -------------------------------------------------------------------------------
# Each in a session of a test host whose root file system has its packages: 240 MB to 1.3 GB, and
# minutes to make; hence `make test` takes only three.  spec/desktops/list.lua has them all.

DESKTOPS = mate xscreensaver i3lock xfce cinnamon cinnamon-idle kde sway gnome gnome-alone

.PHONY: desktops
desktops: all specs
	WMS_DESKTOPS='$(DESKTOPS)' LUA_PATH='./lua/?.lua;./spec/?.lua;;' LUA_CPATH='$B/$L/?.so;;' \
	    busted --lua=lua$L spec/desktops/desktops_spec.lua

# ---- real hosts with Veyon -----------------------------------------------------------------------
# `make test` takes a few of them: spec/veyon_hosts_spec.lua.

.PHONY: veyon
veyon: all specs
	WMS_VEYON=all WMS_BUILD=$B LUA_PATH='./lua/?.lua;./spec/?.lua;;' LUA_CPATH='$B/$L/?.so;;' \
	    busted --lua=lua$L spec/veyon_hosts_spec.lua spec/veyon_contract_spec.lua \
	        spec/host/veyon_spec.lua

# ---- programs that have Lua inside ----------------------------------------------------------------
# Each in a test host's root file system, where wms is installed for its Lua: spec/programs/list.lua
# says which there are.  `make test` takes some, and less of them.

PROGRAMS      = $(patsubst spec/programs/%_spec.lua,%,$(wildcard spec/programs/*_spec.lua))
program_luas  = 5.4 5.3 5.1 jit
for_programs  = all-luas $B/spec/host/multipoint LUAS='$(program_luas)'

.PHONY: programs
programs:
	$(call deps,programs)
	$(again) $(for_programs)
	@for program in $(PROGRAMS); do \
	    WMS_PROGRAMS=all WMS_BUILD=$B LUA_PATH='./lua/?.lua;;' LUA_CPATH='$B/$L/?.so;;' \
	        busted --lua=lua$L spec/programs/$${program}_spec.lua || failed=yes; done; [ -z "$$failed" ]

# The example of one, set up and used.
example-%:
	$(call deps,programs)
	$(again) $(for_programs)
	@WMS_BUILD=$B $(lua_env) $(LUA) spec/programs/example.lua $*

# ---- many hosts ----------------------------------------------------------------------------------

# What spec/district_spec.lua does with a few hosts: one command to 1000 of them, ten times. It takes
# some minutes, and prints what each run took.
HOSTS = 1000
TIMES = 10

.PHONY: district
district: all specs
	@WMS_BUILD=$B WMS_DISTRICT=$(HOSTS) WMS_RUNS=$(TIMES) $(lua_env) busted --lua=$(LUA) \
	    spec/district_spec.lua

# ---- a storm that lasts --------------------------------------------------------------------------

# What spec/storm_spec.lua does with 12 hosts for a minute, with 60 for ten minutes, or HOURS=24.  It
# prints a line a minute: what this process takes, what it was told and what the hosts have logged.
MINUTES = 10
soak: HOSTS = 60

.PHONY: soak
soak: all specs
	@WMS_BUILD=$B WMS_SOAK_HOSTS=$(HOSTS) WMS_SOAK_REPORT=1 WMS_SOAK_SECONDS=$$(awk \
	    'BEGIN { print 60 * $(if $(HOURS),60 * $(HOURS),$(MINUTES)) }') $(lua_env) \
	    busted --lua=$(LUA) --filter=loses spec/storm_spec.lua
