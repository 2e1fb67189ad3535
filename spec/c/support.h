/* SPDX-License-Identifier: MIT */
/* support.h - what the specs' C programs share: checks, counted memory, open descriptors. */
#ifndef SPEC_SUPPORT_H
#define SPEC_SUPPORT_H

#include <dirent.h>
#include <lauxlib.h>
#include <lualib.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wms.h>
#include <wms/lua.h>
#include <wms/memory.h>

#include "check.h"

/* ---- descriptors ----------------------------------------------------------------------------- */

/* How many are open. */
__attribute__((unused)) static int descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = -3; /* ".", ".." and the folder's own */

    CHECK(folder);
    while (readdir(folder)) {
        count++;
    }
    closedir(folder);
    return count;
}

/* libuv keeps a pipe for the whole process, made with its first loop: not to be counted. */
__attribute__((unused)) static void warm_up(void)
{
    wms_engine *engine;

    CHECK(wms_engine_new(NULL, &engine) == 0);
    CHECK(wms_engine_fd(engine) >= 0);
    wms_engine_unref(engine);
}

/* ---- memory that is counted ------------------------------------------------------------------ */

/* Blocks that are in use. */
struct heap {
    size_t blocks;
};

/* What is used after it was freed, or before it was set, is no sound value. */
__attribute__((unused)) static void *heap_resize(void *data, void *block, size_t size)
{
    struct heap *heap = data;

    if (size == 0) {
        heap->blocks -= block != NULL;
        if (block) {
            memset(block, 0xA5, malloc_usable_size(block));
        }
        free(block);
        return NULL;
    }
    if (block) {
        block = realloc(block, size);
        CHECK(block);
        return block;
    }
    block = malloc(size);
    CHECK(block);
    memset(block, 0x5A, size);
    heap->blocks++;
    return block;
}

__attribute__((unused)) static void *heap_lua(void *data, void *block, size_t old_size, size_t size)
{
    (void) old_size; /* without a block it is a type */
    return heap_resize(data, block, size);
}

/* ---- sessions -------------------------------------------------------------------------------- */

__attribute__((unused)) static wms_session session_of(uint32_t id, const char *user_name)
{
    return (wms_session){.id.number = id,
                         .user_name = user_name,
                         .station_id = -1,
#define WMS_X(field, name) .field = -1,
                         WMS_SESSION_FLAGS(WMS_X)
#undef WMS_X
    };
}

#endif
