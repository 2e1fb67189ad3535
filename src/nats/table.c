/* SPDX-License-Identifier: MIT */
/* table.c - elements by a number of which nobody can choose many that collide. */
#include <string.h>

#include "nats/asking.h"

static struct nats_entry **slot_of(const struct nats_table *table, uint64_t number)
{
    return &table->slots[number & (table->size - 1)];
}

struct nats_entry *nats_table_find(const struct nats_table *table, uint64_t number)
{
    struct nats_entry *entry = table->size > 0 ? *slot_of(table, number) : NULL;

    while (entry && entry->number != number) {
        entry = entry->chained;
    }
    return entry;
}

/* A table that cannot grow becomes slower. */
static int grow(struct nats *all, struct nats_table *table)
{
    enum { FIRST = 16 };
    struct nats_table more = {.size = table->size > 0 ? table->size * 2 : FIRST};

    more.slots = nats_alloc(all, more.size * sizeof(struct nats_entry *));
    if (!more.slots) {
        return table->size > 0 ? 0 : WMS_E_NO_MEMORY;
    }
    for (size_t i = 0; i < table->size; i++) {
        for (struct nats_entry *entry = table->slots[i], *next; entry; entry = next) {
            struct nats_entry **slot = slot_of(&more, entry->number);
            next = entry->chained;
            entry->chained = *slot;
            *slot = entry;
        }
    }
    more.count = table->count;
    nats_release(all, table->slots);
    *table = more;
    return 0;
}

int nats_table_add(struct nats *all, struct nats_table *table, struct nats_entry *entry,
                   uint64_t number)
{
    int error = table->count < table->size ? 0 : grow(all, table);

    if (error) {
        return error;
    }
    struct nats_entry **slot = slot_of(table, number);
    entry->number = number;
    entry->chained = *slot;
    *slot = entry;
    table->count++;
    return 0;
}

void nats_table_remove(struct nats_table *table, struct nats_entry *entry)
{
    struct nats_entry **at = slot_of(table, entry->number);

    while (*at != entry) {
        at = &(*at)->chained;
    }
    *at = entry->chained;
    table->count--;
}

void nats_table_close(struct nats *all, struct nats_table *table)
{
    nats_release(all, table->slots);
    memset(table, 0, sizeof *table);
}
