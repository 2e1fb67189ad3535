/* SPDX-License-Identifier: MIT */
/* table.h - an intrusive hash table: the first member of each element is its entry. */
#ifndef WMS_CORE_TABLE_H
#define WMS_CORE_TABLE_H

#include "core/hash.h"

struct wms_entry {
    struct wms_entry *next; /* in its slot */
    uint64_t hash;
};

/* Zeroed memory is an empty table. */
struct wms_table {
    struct wms_entry **slots;
    size_t size; /* a power of two, or 0 */
    size_t count;
};

/* The element of this hash that `same(entry, key)` accepts; NULL: there is none. */
struct wms_entry *wms_table_find(const struct wms_table *table, uint64_t hash,
                                 bool (*same)(const struct wms_entry *entry, const void *key),
                                 const void *key);
/* Adds an element.  A table that cannot grow becomes slower, but works.  Errors: NO_MEMORY, for the
 * first element only. */
int wms_table_add(struct wms_table *table, wms_engine *engine, struct wms_entry *entry,
                  uint64_t hash);
/* The entry must be in the table. */
void wms_table_remove(struct wms_table *table, wms_engine *engine, const struct wms_entry *entry);
/* Frees the table's own memory; the elements belong to the caller. */
void wms_table_close(struct wms_table *table, wms_engine *engine);

#endif
