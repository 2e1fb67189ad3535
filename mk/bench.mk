# SPDX-License-Identifier: MIT
# bench.mk - measurements, and the C modules that they need.

# What the measurements stand beside: each file in bench/ is a Lua module, made for the Lua that
# runs them. One that is about a provider's library needs that library.
without = $(if $(filter $1,$(providers)),,$(2:%=bench/bare_%.c))
rulers := $(patsubst bench/%.c,$B/$L/bench/%.so,$(filter-out $(call without,logind,sdbus ssh match) \
    $(call without,multipoint,curl multi) $(call without,veyon,requests) $(call without,wts,wts) $(call without,nats,nats),$(wildcard bench/*.c)))

.PHONY: bench rulers
rulers: $(rulers) $(host_programs) $(storm) ; @:

$(rulers): $B/$L/bench/%.so: bench/%.c $B/flags
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(CC) -shared -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) \
	    $(call lua_cflags,$L) $(ruler_cflags) $(CPPFLAGS) $(CFLAGS) $(sanitize) $(LDFLAGS) $(undefs) \
	    -MMD -MP -o $@ $< $(ruler_libs)
by_sdbus := $(addprefix $B/$L/bench/bare_,sdbus.so ssh.so match.so)
$(by_sdbus): ruler_cflags = $(cflags_of_logind)
$(by_sdbus): ruler_libs = $(libs_of_logind)
$B/$L/bench/bare_wts.so: ruler_cflags = $(includes) $(cflags_of_wts)
$B/$L/bench/bare_wts.so: ruler_libs = $(libs_of_wts)
$B/$L/bench/bare_nats.so: ruler_libs = $(call pkg,bare_nats,libs,libnats)
$(addprefix $B/$L/bench/bare_,curl.so multi.so requests.so): ruler_libs = $(call pkg,curl,libs,libcurl)

bench:
	$(call deps,bench)
	$(again) all rulers
	@rm -rf $B/bench-config && XDG_CONFIG_HOME='$(CURDIR)/$B/bench-config' WMS_BUILD=$B $(lua_env) \
	    $(LUA) bench/run.lua $(ROWS)
