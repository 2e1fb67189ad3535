/* SPDX-License-Identifier: MIT */
/* slab.c - an arena: small allocations that are freed all at once. */
#include "core/slab.h"

#include <string.h>

#include "core/base.h"

enum { FIRST_SIZE = 320, LAST_SIZE = 65536 };

struct wms_slab {
    struct wms_slab *next;
    size_t used, size;
    int64_t room[];
};

void *wms_slab_room(struct wms_slab **slabs, wms_engine *engine, size_t size)
{
    struct wms_slab *slab = *slabs;

    size = (size + sizeof(int64_t) - 1) / sizeof(int64_t) * sizeof(int64_t);
    if (!slab || slab->size - slab->used < size) {
        size_t room = !slab ? FIRST_SIZE : slab->size < LAST_SIZE ? slab->size * 2 : LAST_SIZE;
        room = room < size ? size : room;
        slab = wms_resize(engine, NULL, sizeof *slab + room);
        if (!slab) {
            return NULL;
        }
        *slab = (struct wms_slab){.next = *slabs, .size = room};
        *slabs = slab;
    }
    void *at = (char *) slab->room + slab->used;
    slab->used += size;
    return at;
}

const char *wms_slab_copy(struct wms_slab **slabs, wms_engine *engine, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = wms_slab_room(slabs, engine, size);

    return copy ? memcpy(copy, text, size) : NULL;
}

const char *wms_slab_copy_line(struct wms_slab **slabs, wms_engine *engine, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = wms_slab_room(slabs, engine, size);

    if (copy) {
        wms_one_line(memcpy(copy, text, size));
    }
    return copy;
}

void wms_slab_clear(struct wms_slab **slabs, wms_engine *engine, bool wiped)
{
    while (*slabs) {
        struct wms_slab *slab = *slabs;
        *slabs = slab->next;
        wms_free_wiped(engine, slab, wiped ? sizeof *slab + slab->used : 0);
    }
}
