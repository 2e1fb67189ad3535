/* leaves.c - the leaves of the core by themselves: the keyed hash, tables, the index of ids, slabs. */
#define _GNU_SOURCE /* memmem */
#include "core/parts.h"
#include "support.h"

/* ---- an engine that is its memory alone ------------------------------------------------------------------------- */

static struct {
    size_t blocks, allowed; /* in use; that there is still memory for */
    const char *wanted;     /* what is looked for in a block that goes */
    size_t seen;            /* how often it was there */
} heap;

/* Its size comes first. */
struct block {
    size_t size;
    _Alignas(max_align_t) char data[];
};

static void *resize(void *data, void *old, size_t size)
{
    struct block *block = old ? (struct block *) (void *) ((char *) old - offsetof(struct block, data)) : NULL;
    struct block *copy = NULL;

    (void) data;
    if (size > 0) {
        if (heap.allowed == 0) {
            return NULL;
        }
        heap.allowed--;
        copy = malloc(sizeof *copy + size);
        CHECK(copy);
        copy->size = size;
        heap.blocks++;
        if (block) {
            memcpy(copy->data, block->data, block->size < size ? block->size : size);
        }
    }
    if (block) {
        heap.seen += heap.wanted && memmem(block->data, block->size, heap.wanted, strlen(heap.wanted));
        heap.blocks--;
        free(block);
    }
    return copy ? copy->data : NULL;
}

static wms_engine engine = {.base.alloc = {resize, NULL}};

/* ---- the keyed hash --------------------------------------------------------------------------------------------- */

/* The bytes 0, 1, 2 ..., as many as the number of the line, with the key 0, 1, ... 15: of the authors' reference. */
static const uint64_t published[] = {
    UINT64_C(0x726fdb47dd0e0e31), UINT64_C(0x74f839c593dc67fd), UINT64_C(0x0d6c8009d9a94f5a), UINT64_C(0x85676696d7fb7e2d),
    UINT64_C(0xcf2794e0277187b7), UINT64_C(0x18765564cd99a68d), UINT64_C(0xcbc9466e58fee3ce), UINT64_C(0xab0200f58b01d137),
    UINT64_C(0x93f5f5799a932462), UINT64_C(0x9e0082df0ba9e4b0), UINT64_C(0x7a5dbbc594ddb9f3), UINT64_C(0xf4b32f46226bada7),
    UINT64_C(0x751e8fbc860ee5fb), UINT64_C(0x14ea5627c0843d90), UINT64_C(0xf723ca908e7af2ee), UINT64_C(0xa129ca6149be45e5),
};
static const uint64_t published_63 = UINT64_C(0x958a324ceb064572);

static void hash(void)
{
    const struct wms_key key = {{UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};
    unsigned char bytes[64];
    struct wms_key one, other;

    snprintf(where, sizeof where, "the keyed hash");
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char) i;
    }
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        CHECK(wms_hash(&key, bytes, i) == published[i]);
    }
    CHECK(wms_hash(&key, bytes, 63) == published_63);
    memmove(bytes + 1, bytes, 63);
    CHECK(wms_hash(&key, bytes + 1, 63) == published_63);
    wms_key_new(&one);
    wms_key_new(&other);
    CHECK(memcmp(&one, &other, sizeof one) != 0 && wms_hash(&one, bytes, 8) != wms_hash(&other, bytes, 8));
}

/* Places and ids that are the same have one hash; what differs in one part has another. */
static void hash_names(void)
{
    static const char *const texts[] = {"memory://a", "memory://b", "memory://a:1", "memory://a@a", "memory://a/a", "logind://a",
                                        "a"};
    const struct wms_key key = {{1, 2}};
    uint64_t hashes[sizeof texts / sizeof *texts];
    struct wms_place place;
    char why[200], longest[WMS_ADDRESS_MAX + 1];

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK(wms_place_parse(&place, texts[i], why, sizeof why) == 0);
        hashes[i] = wms_place_hash(&key, &place);
        for (size_t k = 0; k < i; k++) {
            CHECK(hashes[k] != hashes[i]);
        }
    }
    CHECK(wms_place_parse(&place, "multipoint://a", why, sizeof why) == 0 && wms_place_hash(&key, &place) == hashes[6]);
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "memory://a@a:1/", 15);
    longest[WMS_ADDRESS_MAX] = '\0';
    CHECK(wms_place_parse(&place, longest, why, sizeof why) == 0);
    uint64_t of_longest = wms_place_hash(&key, &place);
    longest[WMS_ADDRESS_MAX - 1] = 'b';
    CHECK(wms_place_parse(&place, longest, why, sizeof why) == 0 && wms_place_hash(&key, &place) != of_longest);
    CHECK(wms_id_hash(&key, &(wms_id){.number = 1}) != wms_id_hash(&key, &(wms_id){.number = 2}));
    CHECK(wms_id_hash(&key, &(wms_id){.text = "c1"}) != wms_id_hash(&key, &(wms_id){.text = "c2"}));
}

/* ---- tables ------------------------------------------------------------------------------------------------------- */

enum { THINGS = 10000 };

struct thing {
    struct wms_entry entry;
    size_t number;
};

static bool is_number(const struct wms_entry *entry, const void *number)
{
    return ((const struct thing *) entry)->number == *(const size_t *) number;
}

static struct thing *find(const struct wms_table *table, size_t number, uint64_t hash_of_it)
{
    return (struct thing *) wms_table_find(table, hash_of_it, is_number, &number);
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
        CHECK(wms_table_add(&table, &engine, &all[i].entry, spread(i, shift)) == 0 && table.count == i + 1);
    }
    CHECK(heap.allowed == 0 || table.size >= things);
    for (size_t i = 0; i < things; i++) {
        size_t number = i * 7919 % things;
        CHECK(find(&table, number, spread(number, shift)) == &all[number]);
        wms_table_remove(&table, &engine, &all[number].entry);
        CHECK(!find(&table, number, spread(number, shift)));
    }
    CHECK(table.count == 0 && (heap.allowed == 0 || table.size == 16));
    wms_table_close(&table, &engine);
    CHECK(table.size == 0 && heap.blocks == 0);
}

static void tables(void)
{
    struct wms_table table = {0};
    struct thing thing = {.number = 1};

    snprintf(where, sizeof where, "tables");
    heap.allowed = SIZE_MAX;
    fill_and_empty(THINGS, 0);
    fill_and_empty(300, 60);
    fill_and_empty(300, 64);
    for (size_t allowed = 1; allowed < 8; allowed++) { /* it cannot grow any more, or not become small again */
        heap.allowed = allowed;
        fill_and_empty(1000, 0);
    }
    heap.allowed = 0;
    CHECK(wms_table_add(&table, &engine, &thing.entry, 1) == WMS_E_NO_MEMORY && table.count == 0 && table.size == 0);
    CHECK(!find(&table, 1, 1));
    wms_table_close(&table, &engine);
    CHECK(heap.blocks == 0);
}

/* ---- the index of ids --------------------------------------------------------------------------------------------- */

static bool same_number(const void *things, size_t number, const void *key)
{
    return ((const uint32_t *) things)[number] == *(const uint32_t *) key;
}

static uint32_t *slot_of(const struct wms_idset *set, uint64_t hash_of_it, const uint32_t *numbers, uint32_t number)
{
    uint32_t *slot = wms_idset_find(set, hash_of_it, same_number, numbers, &number);

    CHECK(slot >= set->slots && slot < set->slots + set->size);
    return slot;
}

/* All of them belong into the last slot: so they go on at the first. */
static void index_of_ids(void)
{
    uint32_t numbers[100];
    struct wms_idset set = {0};

    snprintf(where, sizeof where, "the index of ids");
    heap.allowed = SIZE_MAX;
    for (size_t count = 0; count <= sizeof numbers / sizeof *numbers; count++) {
        CHECK(wms_idset_open(&set, &engine, count) == 0 && set.size >= 8 && set.size >= 2 * count);
        for (size_t i = 0; i < count; i++) {
            numbers[i] = (uint32_t) i * 3;
            uint32_t *slot = slot_of(&set, UINT64_MAX, numbers, numbers[i]);
            CHECK(*slot == 0 && slot == &set.slots[(set.size - 1 + i) % set.size]);
            *slot = (uint32_t) i + 1;
        }
        for (size_t i = 0; i < count; i++) {
            CHECK(*slot_of(&set, UINT64_MAX, numbers, numbers[i]) == i + 1);
        }
        CHECK(*slot_of(&set, UINT64_MAX, numbers, 1) == 0 && *slot_of(&set, set.size - 2, numbers, 0) == 0);
        wms_idset_close(&set, &engine);
        CHECK(!set.slots && heap.blocks == 0);
    }
    CHECK(wms_idset_open(&set, &engine, UINT32_MAX / 4) == WMS_E_NO_MEMORY);
    heap.allowed = 0;
    CHECK(wms_idset_open(&set, &engine, 1) == WMS_E_NO_MEMORY && heap.blocks == 0);
}

/* ---- slabs ------------------------------------------------------------------------------------------------------ */

/* What they hold is gone when they go, if that is wanted. */
static void slabs(void)
{
    static const char secret[] = "a secret";
    struct wms_slab *slab = NULL;
    char *large;

    snprintf(where, sizeof where, "slabs");
    heap.wanted = secret;
    for (int wiped = 0; wiped < 2; wiped++) {
        heap.allowed = SIZE_MAX;
        heap.seen = 0;
        for (size_t i = 0; i < 1000; i++) { /* in many blocks */
            const char *copy = wms_slab_copy(&slab, &engine, secret);
            char *room = wms_slab_room(&slab, &engine, i);
            CHECK(copy && strcmp(copy, secret) == 0 && room && (uintptr_t) room % sizeof(int64_t) == 0);
            memset(room, 'x', i);
        }
        large = wms_slab_room(&slab, &engine, 100000);
        CHECK(large);
        memcpy(large + 100000 - sizeof secret, secret, sizeof secret);
        heap.allowed = 0;
        CHECK(!wms_slab_room(&slab, &engine, 100001));
        size_t blocks = heap.blocks;
        wms_slab_clear(&slab, &engine, wiped);
        CHECK(!slab && heap.blocks == 0 && blocks > 5 && heap.seen == (wiped ? 0 : blocks));
    }
    heap.wanted = NULL;
}

int main(void)
{
    hash();
    hash_names();
    tables();
    index_of_ids();
    slabs();
    return 0;
}
