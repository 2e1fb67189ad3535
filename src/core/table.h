/* SPDX-License-Identifier: MIT */
/* table.h - a hash table of things that bring their entry with them, as the first thing in them. */
#ifndef WMS_CORE_TABLE_H
#define WMS_CORE_TABLE_H

#include "core/hash.h"

struct wms_entry {
    struct wms_entry *next; /* in its slot */
    uint64_t hash;
};

/* Empty when it is zero. */
struct wms_table {
    struct wms_entry **slots;
    size_t size; /* a power of two, or 0 */
    size_t count;
};

/* The one of this hash that `same(entry, key)` takes; NULL: there is none. */
struct wms_entry *wms_table_find(const struct wms_table *table, uint64_t hash,
                                 bool (*same)(const struct wms_entry *entry, const void *key),
                                 const void *key);
/* A table that cannot grow is slower, and works all the same.  Errors: NO_MEMORY, of the first
 * alone. */
int wms_table_add(struct wms_table *table, wms_engine *engine, struct wms_entry *entry,
                  uint64_t hash);
/* Of an entry that is in it. */
void wms_table_remove(struct wms_table *table, wms_engine *engine, const struct wms_entry *entry);
/* Frees what is the table's; the entries are others'. */
void wms_table_close(struct wms_table *table, wms_engine *engine);

#endif
