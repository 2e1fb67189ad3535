/* SPDX-License-Identifier: MIT */
/* hash.h - a keyed hash, for tables whose keys come from outside: whoever does not know the hash's
 * key cannot choose keys that collide. */
#ifndef WMS_CORE_HASH_H
#define WMS_CORE_HASH_H

#include <wms.h>

struct wms_key {
    uint64_t words[2];
};

/* A key that nobody can guess. */
void wms_key_new(struct wms_key *ret_key);
/* SipHash-2-4 of `size` bytes. */
uint64_t wms_hash(const struct wms_key *key, const void *data, size_t size);

/* The engine's own, for all of its tables. */
const struct wms_key *wms_engine_key(const wms_engine *engine);

#endif
