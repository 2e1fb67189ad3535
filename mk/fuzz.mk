# SPDX-License-Identifier: MIT
# fuzz.mk - libFuzzer on what comes from outside.

# Each target is spec/fuzz/NAME.c with the sources that it is about (fuzz_NAME), which the corpus
# has to reach, and others that these need (fuzz_NAME_too).
FUZZ_SECONDS = 30
FUZZ_RUNS    = 20000000
fuzz_targets = answer record address servers jpeg sink veyon nats
fuzz_answer  = $(patsubst %,src/multipoint/%.c,answer scan head values faults known operations text arena)
fuzz_record  = src/core/record.c src/core/value.c
fuzz_address = src/core/target.c
fuzz_servers = $(patsubst %,src/core/%.c,nodeset serverset serverlist group expand)
fuzz_veyon   = src/veyon/answer.c
fuzz_nats    = $(patsubst %,src/nats/%.c,message heard json write subject)
fuzz_jpeg    = src/core/jpeg.c
fuzz_sink    = $(patsubst %,src/multipoint/%.c,sink token events)
fuzz_sink_too    = $(patsubst %,src/multipoint/%.c,answer scan values operations text arena)
fuzz_nats_too    = src/nats/names.c
fuzz_answer_too  = src/multipoint/envelope.c
fuzz_record_too  = src/core/base.c
fuzz_address_too = src/multipoint/text.c src/core/hash.c
fuzz_servers_too = $(patsubst %,src/core/%.c,target table hash slab value base)
fuzzers      = $(fuzz_targets:%=$B/fuzz/%)
covered      = $(fuzz_targets:%=$B/fuzz/cover/%)

$(foreach t,$(fuzz_targets),$(eval \
    $B/fuzz/$t $B/fuzz/cover/$t: spec/fuzz/$t.c spec/fuzz/support.c $(fuzz_$t) $(fuzz_$t_too)))
# Answers come in small parts here, as long ones do else.
$(fuzzers): fuzz_flags = -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
$(covered): fuzz_flags = -fsanitize=fuzzer -fprofile-instr-generate -fcoverage-mapping
$(fuzzers) $(covered): $(wildcard spec/fuzz/*.h src/*.h src/*/*.h) $B/flags
	$(call say,CC,$@)
	$Q mkdir -p $(@D) && clang -std=gnu11 -O1 -g $(WARNINGS) $(includes) $(cflags_of_multipoint) \
	    $(uv_cflags) -DMULTIPOINT_PART=61 $(fuzz_flags) -o $@ $(filter %.c,$^) \
	    $(call pkg,libxml2,libs,libxml-2.0) $(call pkg,jansson,libs,jansson)

.PHONY: fuzz fuzz-report fuzz-corpus fuzzers covered check-fuzz
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
	@FUZZ_SOURCES='$(foreach t,$(fuzz_targets),$t:$(subst $(space),$(comma),$(strip $(fuzz_$t))))' \
	    spec/fuzz/run $B/fuzz coverage

# What the last runs have found to be new, as far as it reaches other code.
fuzz-corpus: fuzzers
	@spec/fuzz/run $B/fuzz corpus
