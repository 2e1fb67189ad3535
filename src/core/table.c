/* SPDX-License-Identifier: MIT */
/* table.c - a hash table that grows and shrinks with what is in it. */
#include "core/table.h"

#include "core/base.h"

enum { SIZE_MIN = 16 };

static struct wms_entry **slot_of(const struct wms_table *table, uint64_t hash)
{
    return &table->slots[hash & (table->size - 1)];
}

static void put(struct wms_table *table, struct wms_entry *entry)
{
    struct wms_entry **slot = slot_of(table, entry->hash);

    entry->next = *slot;
    *slot = entry;
}

/* Errors: NO_MEMORY, and nothing has changed. */
static int resize(struct wms_table *table, wms_engine *engine, size_t size)
{
    struct wms_table other = {.size = size, .count = table->count};

    other.slots = size <= SIZE_MAX / sizeof *other.slots
                      ? wms_zalloc(engine, size * sizeof *other.slots)
                      : NULL;
    if (!other.slots) {
        return WMS_E_NO_MEMORY;
    }
    for (size_t i = 0; i < table->size; i++) {
        while (table->slots[i]) {
            struct wms_entry *entry = table->slots[i];
            table->slots[i] = entry->next;
            put(&other, entry);
        }
    }
    wms_free(engine, table->slots);
    *table = other;
    return 0;
}

struct wms_entry *wms_table_find(const struct wms_table *table, uint64_t hash,
                                 bool (*same)(const struct wms_entry *entry, const void *key),
                                 const void *key)
{
    struct wms_entry *entry = table->size ? *slot_of(table, hash) : NULL;

    while (entry && !(entry->hash == hash && same(entry, key))) {
        entry = entry->next;
    }
    return entry;
}

int wms_table_add(struct wms_table *table, wms_engine *engine, struct wms_entry *entry,
                  uint64_t hash)
{
    if (table->count >= table->size) {
        resize(table, engine, table->size ? table->size * 2 : SIZE_MIN);
    }
    if (table->size == 0) {
        return WMS_E_NO_MEMORY;
    }
    entry->hash = hash;
    put(table, entry);
    table->count++;
    return 0;
}

void wms_table_remove(struct wms_table *table, wms_engine *engine, const struct wms_entry *entry)
{
    struct wms_entry **place = slot_of(table, entry->hash);

    while (*place != entry) {
        place = &(*place)->next;
    }
    *place = entry->next;
    table->count--;
    if (table->size > SIZE_MIN && table->count < table->size / 8) {
        resize(table, engine, table->size / 2);
    }
}

void wms_table_close(struct wms_table *table, wms_engine *engine)
{
    wms_free(engine, table->slots);
    *table = (struct wms_table){0};
}
