/* SPDX-License-Identifier: MIT */
/* support.c - what the fuzzing targets share. */
#include "support.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
    abort();
}

/* ---- memory ---------------------------------------------------------------------------------- */

static struct {
    unsigned until; /* the allocation that fails; 0: none */
    bool for_good;
    bool ran_out, refused;
    size_t blocks, bytes, peak;
} memory;

void fuzz_memory_begin(uint8_t when)
{
    memset(&memory, 0, sizeof memory);
    memory.until = when & 127;
    memory.for_good = when & 128;
}

void fuzz_memory_relax(void)
{
    memory.until = 0;
    memory.for_good = memory.ran_out = memory.refused = false;
}

static bool is_out(void)
{
    bool now = memory.until > 0 && --memory.until == 0;

    memory.ran_out = memory.ran_out || now;
    return now || (memory.ran_out && memory.for_good);
}

/* calloc() clears it to its end, so what is not zero when it goes was written and not wiped. */
static void give_back(void *block)
{
    size_t size = malloc_usable_size(block);
    const char *bytes = block;

    MUST(size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0));
    memory.blocks--;
    memory.bytes -= size;
    free(block);
}

void *fuzz_resize(wms_engine *engine, void *block, size_t size)
{
    (void) engine;
    if (block) {
        MUST(size == 0);
        give_back(block);
        return NULL;
    }
    void *fresh = is_out() ? NULL : calloc(1, size);
    memory.refused = memory.refused || !fresh;
    if (fresh) {
        memory.blocks++;
        memory.bytes += malloc_usable_size(fresh);
        memory.peak = memory.bytes > memory.peak ? memory.bytes : memory.peak;
    }
    return fresh;
}

void *fuzz_malloc(size_t size)
{
    return is_out() ? NULL : malloc(size);
}

void *fuzz_realloc(void *block, size_t size)
{
    return is_out() ? NULL : realloc(block, size);
}

char *fuzz_strdup(const char *text)
{
    return is_out() ? NULL : strdup(text);
}

bool fuzz_memory_refused(void)
{
    return memory.refused;
}

bool fuzz_memory_ran_out(void)
{
    return memory.ran_out;
}

size_t fuzz_memory_peak(void)
{
    return memory.peak;
}

void fuzz_memory_end(void)
{
    MUST(memory.blocks == 0);
}

/* ---- the input, bit by bit ------------------------------------------------------------------- */

uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

/* Small ones and those at the limits come more often than by chance. */
uint64_t fuzz_number(struct fuzz_input *input)
{
    static const uint64_t limits[] = {0, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX};
    uint8_t size = fuzz_byte(input) % 16;
    uint64_t number = 0;

    if (size > 8) {
        return limits[size % 5] + fuzz_byte(input) % 4 - 1;
    }
    for (; size > 0; size--) {
        number = number << 8 | fuzz_byte(input);
    }
    return number;
}

size_t fuzz_text(struct fuzz_input *input, char *text, size_t most)
{
    size_t size = fuzz_byte(input);

    size = size < most ? size : most;
    size = size < input->left ? size : input->left;
    if (size > 0) {
        memcpy(text, input->at, size);
    }
    text[size] = '\0';
    input->at += size;
    input->left -= size;
    return size;
}

/* ---- what comes out -------------------------------------------------------------------------- */

bool fuzz_is_sentence(const char *text)
{
    size_t length = 0;

    while (text[length] >= ' ' && text[length] < 127) {
        length++;
    }
    return length > 0 && !text[length];
}

bool fuzz_begins(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void touch(const char *text, size_t size)
{
    volatile char seen;

    for (size_t i = 0; i < size; i++) {
        seen = text[i];
    }
    (void) seen;
}

void fuzz_must_be_whole(const wms_value *value)
{
    MUST(value->kind > WMS_NIL && value->kind <= WMS_TABLE);
    if (value->kind == WMS_STRING) {
        touch(value->text, value->size);
        MUST(!value->text[value->size]);
    } else if (value->kind == WMS_BOOLEAN) {
        MUST(value->integer == 0 || value->integer == 1);
    } else if (value->kind == WMS_INTEGER) {
        MUST(value->integer < 0);
    } else if (value->kind >= WMS_LIST) {
        MUST(value->items || value->size == 0);
        for (size_t i = 0; i < value->size; i++) {
            MUST((value->kind == WMS_LIST) == !value->items[i].name);
            fuzz_must_be_whole(&value->items[i]);
        }
    }
}

static const wms_value *field_of(const wms_value *table, const char *name)
{
    for (size_t i = 0; i < table->size; i++) {
        if (strcmp(table->items[i].name, name) == 0) {
            return &table->items[i];
        }
    }
    return NULL;
}

static bool equal_items(const wms_value *a, const wms_value *b)
{
    for (size_t i = 0; i < a->size; i++) {
        const wms_value *other = a->kind == WMS_LIST ? &b->items[i] : field_of(b, a->items[i].name);
        if (!other || !fuzz_equal(&a->items[i], other)) {
            return false;
        }
    }
    return true;
}

bool fuzz_equal(const wms_value *a, const wms_value *b)
{
    if (a->kind != b->kind || a->size != b->size) {
        return false;
    }
    return a->kind == WMS_STRING    ? memcmp(a->text, b->text, a->size) == 0
           : a->kind == WMS_NATURAL ? a->natural == b->natural
           : a->kind < WMS_STRING   ? a->integer == b->integer
                                    : equal_items(a, b);
}
