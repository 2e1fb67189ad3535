/* SPDX-License-Identifier: MIT */
/* support.h - what the fuzzing targets share: an allocator that runs out when it is told to, and
 * what has to hold. */
#ifndef FUZZ_SUPPORT_H
#define FUZZ_SUPPORT_H

#include <wms/provider.h>

/* Not assert(): it holds in every build, and the fuzzer keeps the input. */
#define MUST(condition) ((condition) ? (void) 0 : fuzz_fail(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/* The fuzzer's entry. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- memory ---------------------------------------------------------------------------------- */

/* Begins a run: with `when` 1 to 127 the allocation of that number fails, with 128 more all from
 * there on. */
void fuzz_memory_begin(uint8_t when);
/* From here on there is enough. */
void fuzz_memory_relax(void);
/* As wms_services has it.  Whatever goes has to be wiped, and nothing is resized, which would leave
 * a copy behind. */
void *fuzz_resize(wms_engine *engine, void *block, size_t size);
/* For libraries. */
void *fuzz_malloc(size_t size);
void *fuzz_realloc(void *block, size_t size);
char *fuzz_strdup(const char *text);
/* Somebody got none; our own code got none. */
bool fuzz_memory_ran_out(void);
bool fuzz_memory_refused(void);
size_t fuzz_memory_peak(void);
/* Ends a run: nothing may be left. */
void fuzz_memory_end(void);

/* ---- the input, bit by bit ------------------------------------------------------------------- */

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

/* Zeros, when there is no more. */
uint8_t fuzz_byte(struct fuzz_input *input);
uint64_t fuzz_number(struct fuzz_input *input);
/* Up to `most` bytes and a NUL. */
size_t fuzz_text(struct fuzz_input *input, char *text, size_t most);

/* ---- what comes out -------------------------------------------------------------------------- */

/* Whether it can be shown to a person: something, in one line of printable ASCII. */
bool fuzz_is_sentence(const char *text);
bool fuzz_begins(const char *text, const char *beginning);
/* Reads every byte, which the sanitizer watches: texts end with NUL, fields have names, and items
 * have none. */
void fuzz_must_be_whole(const wms_value *value);
/* Lists in their order, fields in any. */
bool fuzz_equal(const wms_value *a, const wms_value *b);

#endif
