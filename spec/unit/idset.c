/* SPDX-License-Identifier: MIT */
/* idset.c - tests of core/idset.h: open addressing, also where all things have one hash. */
#include "core/idset.h"

#include "unit.h"

static bool same_number(const void *things, size_t number, const void *key)
{
    return ((const uint32_t *) things)[number] == *(const uint32_t *) key;
}

static uint32_t *slot_of(const struct wms_idset *set, uint64_t hash, const uint32_t *numbers,
                         uint32_t number)
{
    uint32_t *slot = wms_idset_find(set, hash, same_number, numbers, &number);

    CHECK(slot >= set->slots && slot < set->slots + set->size);
    return slot;
}

static void open_and_close(void)
{
    struct wms_idset set = {0};

    snprintf(where, sizeof where, "its size");
    for (size_t count = 0; count < 2000; count = count * 3 / 2 + 1) {
        CHECK(wms_idset_open(&set, unit_engine(), count) == 0);
        CHECK(set.size >= 8 && set.size >= 2 * count && (set.size & (set.size - 1)) == 0);
        CHECK(count < 4 || set.size < 4 * count);
        for (size_t i = 0; i < set.size; i++) {
            CHECK(set.slots[i] == 0);
        }
        wms_idset_close(&set, unit_engine());
        CHECK(!set.slots && set.size == 0 && heap.blocks == 0);
    }
    wms_idset_close(&set, unit_engine()); /* one that is closed */
    CHECK(wms_idset_open(&set, unit_engine(), UINT32_MAX / 4) == WMS_E_NO_MEMORY);
    CHECK(wms_idset_open(&set, unit_engine(), SIZE_MAX) == WMS_E_NO_MEMORY);
    heap.allowed = 0;
    CHECK(wms_idset_open(&set, unit_engine(), 1) == WMS_E_NO_MEMORY && heap.blocks == 0 &&
          !set.slots);
    heap.allowed = SIZE_MAX;
}

/* All of them belong into the last slot: so they go on at the first. */
static void one_hash(void)
{
    uint32_t numbers[100];
    struct wms_idset set = {0};

    snprintf(where, sizeof where, "one hash for all");
    for (size_t count = 0; count <= COUNT(numbers); count++) {
        CHECK(wms_idset_open(&set, unit_engine(), count) == 0);
        for (size_t i = 0; i < count; i++) {
            numbers[i] = (uint32_t) i * 3;
            uint32_t *slot = slot_of(&set, UINT64_MAX, numbers, numbers[i]);
            CHECK(*slot == 0 && slot == &set.slots[(set.size - 1 + i) % set.size]);
            *slot = (uint32_t) i + 1;
        }
        for (size_t i = 0; i < count; i++) {
            CHECK(*slot_of(&set, UINT64_MAX, numbers, numbers[i]) == i + 1);
        }
        CHECK(*slot_of(&set, UINT64_MAX, numbers, 1) == 0);
        CHECK(*slot_of(&set, set.size - 2, numbers, 0) == 0);
        wms_idset_close(&set, unit_engine());
    }
    CHECK(heap.blocks == 0);
}

/* As many things as it was opened for, with hashes by chance and few different ones. */
static void by_chance(void)
{
    enum { THINGS = 500 };
    static uint32_t numbers[THINGS];
    struct wms_idset set = {0};

    snprintf(where, sizeof where, "by chance");
    for (uint32_t hashes = 1; hashes <= 1000; hashes *= 10) {
        CHECK(wms_idset_open(&set, unit_engine(), THINGS) == 0);
        for (uint32_t i = 0; i < THINGS; i++) {
            numbers[i] = i * 2;
            uint32_t *slot = slot_of(&set, i % hashes * 7919, numbers, i * 2);
            CHECK(*slot == 0);
            *slot = i + 1;
        }
        for (uint32_t i = 0; i < THINGS; i++) {
            CHECK(*slot_of(&set, i % hashes * 7919, numbers, i * 2) == i + 1);
            CHECK(*slot_of(&set, i % hashes * 7919, numbers, i * 2 + 1) == 0);
        }
        wms_idset_close(&set, unit_engine());
    }
    CHECK(heap.blocks == 0);
}

int main(void)
{
    open_and_close();
    one_hash();
    by_chance();
    return 0;
}
