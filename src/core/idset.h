/* SPDX-License-Identifier: MIT */
/* idset.h - a hash index of things that have a session id, by their number in an array.  Ids come
 * from hosts and from callers: their hash is wms_id_hash(), which is keyed. */
#ifndef WMS_CORE_IDSET_H
#define WMS_CORE_IDSET_H

#include <wms/provider.h>

struct wms_idset {
    uint32_t *slots; /* number + 1; 0 is empty */
    size_t size;     /* a power of two, or 0 */
};

/* Room for `count` ids.  Errors: NO_MEMORY. */
int wms_idset_open(struct wms_idset *set, wms_engine *engine, size_t count);
void wms_idset_close(struct wms_idset *set, wms_engine *engine);

/* The slot where a thing of this hash is, or belongs: `same(things, number, key)` compares. */
uint32_t *wms_idset_find(const struct wms_idset *set, uint64_t hash,
                         bool (*same)(const void *things, size_t number, const void *key),
                         const void *things, const void *key);

#endif
