/* SPDX-License-Identifier: MIT */
/* table.c - tests of core/table.h: what was added is found, whatever collides and whenever memory
 * runs out. */
#include "core/table.h"

#include "unit.h"

enum { THINGS = 10000, FEW = 64, STEPS = 20000 };

struct thing {
    struct wms_entry entry;
    size_t number;
};

static size_t compared; /* how often two things had to be compared */

static bool is_number(const struct wms_entry *entry, const void *number)
{
    compared++;
    return ((const struct thing *) entry)->number == *(const size_t *) number;
}

static struct thing *find(const struct wms_table *table, size_t number, uint64_t hash)
{
    return (struct thing *) wms_table_find(table, hash, is_number, &number);
}

/* `shift` 64: all have one hash. */
static uint64_t spread(size_t number, unsigned shift)
{
    return shift == 64 ? 7 : (uint64_t) number << shift;
}

static void fill_and_empty(size_t things, unsigned shift)
{
    static struct thing all[THINGS];
    struct wms_table table = {0};

    for (size_t i = 0; i < things; i++) {
        all[i].number = i;
        CHECK(!find(&table, i, spread(i, shift)));
        CHECK(wms_table_add(&table, unit_engine(), &all[i].entry, spread(i, shift)) == 0);
        CHECK(table.count == i + 1);
    }
    CHECK(heap.allowed == 0 || table.size >= things);
    for (size_t i = 0; i < things; i++) {
        size_t number = i * 7919 % things;
        CHECK(find(&table, number, spread(number, shift)) == &all[number]);
        wms_table_remove(&table, unit_engine(), &all[number].entry);
        CHECK(!find(&table, number, spread(number, shift)));
    }
    CHECK(table.count == 0 && (heap.allowed == 0 || table.size == 16));
    wms_table_close(&table, unit_engine());
    CHECK(table.size == 0 && !table.slots && heap.blocks == 0);
    wms_table_close(&table, unit_engine()); /* an empty one can be closed */
}

static void collisions(void)
{
    struct thing one = {.number = 1}, other = {.number = 2}, far = {.number = 1};
    struct wms_table table = {0};

    snprintf(where, sizeof where, "collisions");
    CHECK(wms_table_add(&table, unit_engine(), &one.entry, 5) == 0);
    CHECK(wms_table_add(&table, unit_engine(), &other.entry, 5) == 0);
    CHECK(wms_table_add(&table, unit_engine(), &far.entry, 5 + (UINT64_C(1) << 40)) == 0);
    CHECK(find(&table, 1, 5) == &one && find(&table, 2, 5) == &other);
    CHECK(find(&table, 1, far.entry.hash) == &far); /* in the same slot, but of another hash */
    compared = 0;
    CHECK(!find(&table, 1, 5 + (UINT64_C(1) << 41)) && compared == 0);
    wms_table_remove(&table, unit_engine(), &one.entry);
    CHECK(!find(&table, 1, 5) && find(&table, 2, 5) == &other &&
          find(&table, 1, far.entry.hash) == &far);
    wms_table_close(&table, unit_engine());
}

/* Some that come and go again and again cost no memory each time, whatever there is beside them. */
static void steady(void)
{
    static struct thing all[FEW * 4];
    struct wms_table table = {0};

    snprintf(where, sizeof where, "some come and go");
    for (size_t count = 0; count < COUNT(all);) {
        size_t before = 0;
        CHECK(wms_table_add(&table, unit_engine(), &all[count].entry, count) == 0);
        count++;
        for (int turn = 0; turn < 3; turn++) {
            size_t some = count < 4 ? count : 4;
            for (size_t i = count - some; i < count; i++) {
                wms_table_remove(&table, unit_engine(), &all[i].entry);
            }
            for (size_t i = count - some; i < count; i++) {
                CHECK(wms_table_add(&table, unit_engine(), &all[i].entry, i) == 0);
            }
            CHECK(turn < 2 || heap.allowed == before);
            before = heap.allowed;
        }
    }
    wms_table_close(&table, unit_engine());
    CHECK(heap.blocks == 0);
}

/* It cannot grow any more, or not become small again, from each allocation on. */
static void out_of_memory(void)
{
    struct thing thing = {.number = 1};
    struct wms_table table = {0};

    snprintf(where, sizeof where, "out of memory");
    for (size_t allowed = 1; allowed < 16; allowed++) {
        heap.allowed = allowed;
        fill_and_empty(1000, 0);
    }
    heap.allowed = 0;
    CHECK(wms_table_add(&table, unit_engine(), &thing.entry, 1) == WMS_E_NO_MEMORY);
    CHECK(table.count == 0 && table.size == 0 && !find(&table, 1, 1));
    heap.allowed = SIZE_MAX;
    CHECK(wms_table_add(&table, unit_engine(), &thing.entry, 1) == 0 &&
          find(&table, 1, 1) == &thing);
    wms_table_close(&table, unit_engine());
    CHECK(heap.blocks == 0);
}

/* Against an array that tells what is in it; memory is there for a while, and then not. */
static void by_chance(void)
{
    struct thing things[FEW];
    bool there[FEW] = {false};
    struct wms_table table = {0};
    size_t count = 0;

    snprintf(where, sizeof where, "by chance");
    for (size_t i = 0; i < FEW; i++) {
        things[i].number = i;
    }
    for (int step = 0; step < STEPS; step++) {
        size_t number = unit_random(FEW);
        if (step % 100 == 50) {
            heap.allowed = unit_random(2) ? SIZE_MAX : unit_random(3);
        }
        if (there[number]) {
            wms_table_remove(&table, unit_engine(), &things[number].entry);
        } else {
            CHECK(wms_table_add(&table, unit_engine(), &things[number].entry, number % 40) == 0);
        }
        there[number] = !there[number];
        count += there[number] ? 1 : SIZE_MAX;
        CHECK(table.count == count);
        for (size_t i = 0; i < FEW; i++) {
            CHECK(find(&table, i, i % 40) == (there[i] ? &things[i] : NULL));
        }
    }
    wms_table_close(&table, unit_engine());
    CHECK(heap.blocks == 0);
    heap.allowed = SIZE_MAX;
}

int main(void)
{
    snprintf(where, sizeof where, "many");
    fill_and_empty(THINGS, 0);
    fill_and_empty(300, 60);
    fill_and_empty(300, 64);
    collisions();
    heap.allowed = SIZE_MAX;
    steady();
    out_of_memory();
    by_chance();
    return 0;
}
