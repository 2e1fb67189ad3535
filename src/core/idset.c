/* SPDX-License-Identifier: MIT */
/* idset.c - a hash index by open addressing, at most half full. */
#include "core/idset.h"

#include <string.h>

#include "core/base.h"

int wms_idset_open(struct wms_idset *set, wms_engine *engine, size_t count)
{
    size_t size = 8;

    if (count >= UINT32_MAX / 4) {
        return WMS_E_NO_MEMORY;
    }
    while (size < count * 2) {
        size *= 2;
    }
    set->slots = wms_zalloc(engine, size * sizeof *set->slots);
    if (!set->slots) {
        return WMS_E_NO_MEMORY;
    }
    set->size = size;
    return 0;
}

void wms_idset_close(struct wms_idset *set, wms_engine *engine)
{
    wms_free(engine, set->slots);
    set->slots = NULL;
    set->size = 0;
}

uint32_t *wms_idset_find(const struct wms_idset *set, uint64_t hash,
                         bool (*same)(const void *things, size_t number, const void *key),
                         const void *things, const void *key)
{
    size_t mask = set->size - 1;
    size_t i = (size_t) hash & mask;

    while (set->slots[i] && !same(things, set->slots[i] - 1, key)) {
        i = (i + 1) & mask;
    }
    return &set->slots[i];
}
