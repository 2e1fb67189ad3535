# SPDX-License-Identifier: MIT
# check.mk - what makes sure of it: warnings, static checks, sanitizers, valgrind.

strict = -Werror -Wall -Wextra -Wpedantic -Wshadow -Wcast-qual -Wpointer-arith -Wstrict-prototypes \
    -Wmissing-prototypes -Wmissing-declarations -Wold-style-definition -Wwrite-strings -Wundef \
    -Wformat=2 -Wvla -Wno-unknown-warning-option
tidy   = $(wildcard src/*/*.c)
read_by_clang = $(tidy) $(wildcard spec/c/*.c spec/unit/*.c spec/host/*/*.c spec/winpr/*.c \
    spec/wtsapi/*.c spec/pack/*.c examples/*.c bench/*.c)
seen   = -std=gnu11 $(includes) $(lua_headers) $(uv_cflags) \
    $(foreach p,$(providers),$(cflags_of_$p))
lua_headers = $(call lua_cflags,$L)
# The sanitizers' libraries for the stock interpreter alone: programs that a spec starts do not get
# them.
preload = $(CURDIR)/spec/support/sanitized $(shell $(CC) -print-file-name=libasan.so):$(shell \
    $(CC) -print-file-name=libubsan.so):$(CURDIR)/build/address/spec/preload_sanitizer.so

.PHONY: check check-lint check-warnings check-headers check-windows check-tidy check-lua \
    check-format check-spdx check-man check-shell check-asan check-tsan check-valgrind check-dist
check:
	$(call deps,check)
	$(again) check-lint check-asan check-tsan check-valgrind check-dist
	$(again) check-fuzz # which takes all the cores

check-lint: check-warnings check-headers check-windows check-tidy check-lua check-format check-spdx \
    check-man check-shell

# Every warning of both compilers, with every Lua of one; gcc needs to optimize for some of them, clang tells all of its own
# without making anything.  COUNTED=no leaves out the programs of the second line.
check-warnings:
	$(again) all-luas specs CC=gcc CFLAGS='-O1 -g0' WARNINGS='$(strict)' BUILD=build/check-gcc COUNTED=no
	@for source in spec/c/growth*.c; do \
	    gcc -O1 -c -o /dev/null $(strict) $(seen) $$source || exit; done
	@printf '%s\n' $(read_by_clang) | xargs -P $$(nproc) -n 10 \
	    clang -fsyntax-only $(strict) $(seen) $(call pkg,host,cflags,$(host_packages))

# Each public header stands by itself, in C and in C++.
check-headers:
	@for header in $(headers); do \
	    gcc -fsyntax-only -x c -std=c11 $(strict) $(includes) $(lua_headers) $$header || exit; \
	    g++ -fsyntax-only -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror $(includes) \
	        $(lua_headers) $$header || exit; \
	done

# The one provider that is to be built on Windows, too, with the SDK's headers in place of
# libwinpr's.
check-windows:
	@for source in src/wts/*.c; do \
	    clang --target=x86_64-w64-mingw32 -std=gnu11 -c -o /dev/null $(strict) $(includes) \
	        $$source || exit; \
	done

# clang's analyzer stops at a bound for each function, a tenth of its own: the rest costs most of its time and has found
# nothing here.
bound = $(foreach word,-Xclang -analyzer-config -Xclang max-nodes=20000,--extra-arg=$(word))
check-tidy:
	@printf '%s\n' $(tidy) | xargs -P $$(nproc) -n 1 \
	    sh -c 'clang-tidy --quiet $(bound) "$$1" -- $(seen) 2>/dev/null' tidy
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	    --error-exitcode=1 -j $$(nproc) --suppress=missingIncludeSystem $(includes) $(tidy)

check-lua:
	@luacheck --quiet .

# C in one format, by a machine.
formatted = $(wildcard src/*/*.[ch] src/include/wms/*.h spec/c/*.[ch] spec/unit/*.[ch] \
    spec/fuzz/*.[ch] spec/host/*/*.[ch] spec/pack/*.c spec/winpr/*.c spec/wtsapi/*.c examples/*.c bench/*.c)
check-format:
	@clang-format --dry-run -Werror $(formatted)

# Each file says under which licence it is.
check-spdx:
	@sh mk/spdx check

# The pages of wms, by both programs that show them; whether pages of other packages are installed is no matter.
check-man: $B/$L/wms.so
	@WMS_BUILD='$B' $(LUA) mk/cli/pages.lua --check
	@for page in docs/man/*; do \
	    complaints=$$({ mandoc -T lint $$page 2>/dev/null | grep -v ': referenced manual not found: '; \
	        LC_ALL=C.UTF-8 man --warnings -l $$page 2>&1 >/dev/null; } || :); \
	    [ -z "$$complaints" ] || { printf '%s\n' "$$complaints" >&2; exit 1; }; done

# Every script for a shell, also those that are texts inside of Lua or in the manual: what completes, what asks the
# terminal, the cookbook.
shell_scripts = .ci/run mk/spdx spec/deps spec/fuzz/run spec/host/hosts spec/repeat spec/support/sanitized \
    $(filter-out %/control,$(wildcard mk/debian/tests/*))
check-shell:
	@shellcheck --exclude=SC2016 $(shell_scripts) # that is for quoted scripts, which others expand
	@$(call completion_of,bash) | shellcheck --shell=bash -
	@sed -n -e 's/^local ASK = "\(.*\)"$$/\1/p' lua/wms/cli/terminal.lua | shellcheck --shell=sh -
	@sed -n -e '/^local READ = /,/^]]$$/p' lua/wms/cli/terminal.lua | \
	    sed -e 1d -e '$$d' -e 's/^ *%s$$/stty -echo <\&3/' -e 's/%%/%/g' | shellcheck --shell=sh -
	@sed -n -e '/^local SCRIPT = /,/^]]$$/p' lua/wms/screens/png.lua | \
	    sed -e 1d -e '$$d' -e 's/%s/a b/' | shellcheck --shell=sh -
	@sed -n -e '/^```sh$$/,/^```$$/p' docs/cli.md | grep -v '^```' | shellcheck --shell=sh -

# The suite, with the address and the undefined-behaviour sanitizer inside the module; what is left
# out builds its own, looks at the sources alone, or counts requests and connections.
unsanitized = $(patsubst %,spec/%_spec.lua,build codes growth manual multipoint_wire pack schema structure)
check-asan:
	+@LSAN_OPTIONS=print_suppressions=0:suppressions=$(CURDIR)/spec/support/leaks.txt \
	    $(MAKE) --no-print-directory test DEPS=no SANITIZE=address,undefined RUNS=$L WRAP="$(preload)" \
	    CFLAGS='-O1 -g -fstack-protector-strong' WMS_DISTRICT=40 WMS_SOAK_HOSTS=4 WMS_SOAK_SECONDS=30 \
	    SPECS='$(filter-out $(unsanitized),$(wildcard spec/*_spec.lua))'

# An address that can be reached by nobody: what is shown without a host.
no_host = logind:///run/no-such-bus/socket

# Threads, each with a Lua state and an engine of its own, and such that share the session API's.
# The sanitizer of gcc 12 wants addresses that are not randomized.
T = build/thread
# Connections to NATS servers have threads of ours and of libnats: these scenarios of spec/c/courier.c.
nats_found = $(and $(filter nats,$(providers)),$(shell command -v nats-server))
raced      = talk burst restart credentials ends
fixed_addresses = $$(setarch -R true 2>/dev/null && echo setarch -R)
check-tsan:
	$(again) all $(addprefix $T/spec/,threads blocking fork $(if $(nats_found),courier)) \
	    $(patsubst $B/%,$T/%,$(fixtures) $(wtsapis) $(winpr_programs)) SANITIZE=thread
	@mkdir -p $T/files
	@for run in 'threads $T/spec $T/$L' 'blocking $T/spec/wms/blocking.so $T/files'; do \
	    $(fixed_addresses) $T/spec/$$run || exit; done
	$(if $(nats_found),@for run in $(raced); do mkdir -p $T/files/$$run && \
	    $(fixed_addresses) $T/spec/courier $(CURDIR)/$T/files/$$run $$run || exit; done)
	$(if $(wtsapi),@WTSAPI_LIBRARY=$T/spec/wtsapi/odd.so LUA_CPATH='$T/$L/?.so' \
	    $(fixed_addresses) $T/spec/fork lua spec/wtsapi/threads.lua)
	$(if $(wtsapi),@WTSAPI_LIBRARY='$(CURDIR)/$T/lib/libwms-wtsapi.so' \
	    $(fixed_addresses) $T/spec/wtsapi_threads 16 50 $(no_host))

# What the module leaves behind or reads beyond, C libraries included.
memcheck = valgrind --quiet --fair-sched=try --error-exitcode=99 --keep-debuginfo=yes \
    --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite
memchecked = $(patsubst %,spec/%_spec.lua,memory request callback misuse)
# Only what the engine allocates fails here, and Lua's memory under the sanitizer: see spec/oom_spec.lua.
memory_fails = -e -m $B/spec/wms/caller.so -m $B/spec/wms/blocking.so $(filter-out \
    $(addprefix spec/oom/,errand.lua inner.lua provider.lua several.lua),$(wildcard spec/oom/*.lua))
# Behind a command: its output is shown if it fails.
or_show = >$B/memcheck || { cat $B/memcheck; exit 1; }
check-valgrind:
	+@$(MAKE) --no-print-directory test DEPS=no RUNS=$L SPECS='$(memchecked)' WRAP="$(memcheck)"
	@mkdir -p $B/files
	@for run in 'threads $B/spec $B/$L' lifetime 'blocking $B/spec/wms/blocking.so $B/files' \
	    'oom $(memory_fails)' $(units:$B/spec/%=%); do \
	    XDG_CONFIG_HOME=$(CURDIR)/$B/config LUA_PATH='./lua/?.lua;;' LUA_CPATH='$B/spec/?.so' \
	    $(memcheck) $B/spec/$$run $(or_show); done
	$(if $(nats_found),@for run in talk credentials ends; do mkdir -p $B/files/$$run && \
	    $(memcheck) $B/spec/courier $(CURDIR)/$B/files/$$run $$run $(or_show); done)
	$(if $(wtsapi),@WTSAPI_LIBRARY=$B/spec/wtsapi/odd.so LUA_CPATH='$B/$L/?.so' \
	    $(memcheck) $B/spec/fork lua spec/wtsapi/threads.lua $(or_show))
	$(if $(wtsapi),@for run in wtsapi_misuse 'wtsapi_threads 8 10 $(no_host)'; do \
	    WTSAPI_LIBRARY='$(CURDIR)/$(wtsapi)' $(memcheck) $B/spec/$$run $(or_show); done)

# The rock of a release for the Luas that spec/pack_spec.lua leaves out in `make test`, and Debian's source package; `make
# deb` makes packages of that, which takes longer.
check-dist:
	$(call deps,dist)
	$(again) libs deb-source
	@WMS_BUILD='$B' WMS_PACK_LUAS='$(filter-out 5.4 jit,$(lua_tested))' busted --lua=$(LUA) spec/pack_spec.lua

# What the specs do not notice: see spec/mutants/run.lua.
.PHONY: mutants
mutants:
	$(call deps,test)
	@WMS_BUILD=$B $(foreach name,CC RANDOM SEED ONLY JOBS LIST AGAIN BUDGET \
	    USE,WMS_MUTANTS_$(name)='$($(name))') $(LUA) spec/mutants/run.lua
