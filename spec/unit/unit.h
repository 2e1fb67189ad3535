/* SPDX-License-Identifier: MIT */
/* unit.h - what the unit tests share: checks, and an engine that is its memory alone. */
#ifndef SPEC_UNIT_H
#define SPEC_UNIT_H

#include <stdint.h>
#include <string.h>

#include "core/base.h"

#include "../c/check.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- memory: it is counted, can run out, and a block that grows always moves
 * --------------------- */

static struct {
    size_t blocks;  /* in use */
    size_t allowed; /* so many more are given, then no other */
    const char
        *wanted; /* NULL: nothing is looked for; else a text that is looked for in blocks that go */
    size_t seen; /* how often it was there */
} heap = {.allowed = SIZE_MAX};

/* Its size comes first. */
struct unit_block {
    size_t size;
    _Alignas(max_align_t) char data[];
};

static bool unit_holds(const struct unit_block *block, const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i + size <= block->size; i++) {
        if (memcmp(block->data + i, text, size) == 0) {
            return true;
        }
    }
    return false;
}

static void *unit_resize(void *data, void *old, size_t size)
{
    struct unit_block *block = NULL, *copy = NULL;

    (void) data;
    if (old) {
        block = (struct unit_block *) (void *) ((char *) old - offsetof(struct unit_block, data));
    }
    if (size > 0) {
        if (heap.allowed == 0) {
            return NULL;
        }
        heap.allowed--;
        copy = malloc(sizeof *copy + size);
        CHECK(copy);
        memset(copy->data, 0xa5, size);
        copy->size = size;
        heap.blocks++;
        if (block) {
            memcpy(copy->data, block->data, block->size < size ? block->size : size);
        }
    }
    if (block) {
        heap.seen += heap.wanted && unit_holds(block, heap.wanted);
        heap.blocks--;
        free(block);
    }
    return copy ? copy->data : NULL;
}

static struct wms_base unit_base = {.alloc = {unit_resize, NULL}};

/* Whoever gets it needs an engine for its memory only: a wms_base is the first thing in one. */
__attribute__((unused)) static wms_engine *unit_engine(void)
{
    return (wms_engine *) (void *) &unit_base;
}

/* ---- numbers by chance, the same ones in each run
 * ------------------------------------------------ */

__attribute__((unused)) static uint32_t unit_random(uint32_t below)
{
    static uint64_t state = UINT64_C(88172645463325252);

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t) (state >> 32) % below;
}

#endif
