/* SPDX-License-Identifier: MIT */
/* slab.c - tests of core/slab.h: rooms do not overlap, and all go at once, wiped where that is
 * wanted. */
#include "core/slab.h"

#include "unit.h"

enum { ROOMS = 1000 };

/* Each room holds its own bytes, which nobody else has written to. */
static void rooms(void)
{
    static char *all[ROOMS];
    static size_t sizes[ROOMS];
    struct wms_slab *slab = NULL;

    snprintf(where, sizeof where, "rooms");
    for (size_t i = 0; i < ROOMS; i++) {
        sizes[i] = i % 100 == 99 ? 70000 : unit_random(300);
        all[i] = wms_slab_room(&slab, unit_engine(), sizes[i]);
        CHECK(all[i] && (uintptr_t) all[i] % sizeof(int64_t) == 0);
        memset(all[i], (int) (i % 251), sizes[i]);
    }
    for (size_t i = 0; i < ROOMS; i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            CHECK((unsigned char) all[i][k] == i % 251);
        }
    }
    CHECK(heap.blocks < ROOMS / 10);
    wms_slab_clear(&slab, unit_engine(), false);
    CHECK(!slab && heap.blocks == 0);
    wms_slab_clear(&slab, unit_engine(), true); /* there is none */
}

/* What they hold is gone when they go, if that is wanted. */
static void secrets(void)
{
    static const char secret[] = "a secret";
    struct wms_slab *slab = NULL;

    snprintf(where, sizeof where, "secrets");
    heap.wanted = secret;
    for (int wiped = 0; wiped < 2; wiped++) {
        heap.seen = 0;
        for (size_t i = 0; i < ROOMS; i++) { /* in many blocks */
            const char *copy = wms_slab_copy(&slab, unit_engine(), secret);
            char *room = wms_slab_room(&slab, unit_engine(), i);
            CHECK(copy && strcmp(copy, secret) == 0 && room);
            memset(room, 'x', i);
        }
        char *large = wms_slab_room(&slab, unit_engine(), 100000);
        CHECK(large);
        memcpy(large + 100000 - sizeof secret, secret, sizeof secret);
        heap.allowed = 0;
        CHECK(!wms_slab_room(&slab, unit_engine(), 100001));
        heap.allowed = SIZE_MAX;
        size_t blocks = heap.blocks;
        wms_slab_clear(&slab, unit_engine(), wiped);
        CHECK(!slab && heap.blocks == 0 && blocks > 5 && heap.seen == (wiped ? 0 : blocks));
    }
    heap.wanted = NULL;
}

static void texts(void)
{
    static const char *const lines[][2] = {
        {"", ""},
        {"as it is: \303\244 \342\202\254", "as it is: \303\244 \342\202\254"},
        {"two\nlines\r\n", "two?lines??"},
        {"\001 \033[31m \177", "? ?[31m ?"},
        {"\302\200 \302\237 \302\240",
         "?? ?? \302\240"}, /* the controls of Latin 1, and what follows */
        {"\342\200\250\342\200\251\342\200\252",
         "??????\342\200\252"}, /* separators of lines, and what follows */
        {"cut: \302", "cut: \302"},
        {"cut: \342\200", "cut: \342\200"},
    };
    struct wms_slab *slab = NULL;

    snprintf(where, sizeof where, "texts");
    for (size_t i = 0; i < COUNT(lines); i++) {
        const char *copy = wms_slab_copy(&slab, unit_engine(), lines[i][0]);
        const char *line = wms_slab_copy_line(&slab, unit_engine(), lines[i][0]);
        CHECK(copy && copy != lines[i][0] && strcmp(copy, lines[i][0]) == 0);
        CHECK(line && strcmp(line, lines[i][1]) == 0);
    }
    wms_slab_clear(&slab, unit_engine(), false);
}

/* From each allocation on: what was there before stays. */
static void out_of_memory(void)
{
    snprintf(where, sizeof where, "out of memory");
    for (size_t allowed = 0;; allowed++) {
        struct wms_slab *slab = NULL;
        const char *copies[300];
        size_t count = 0;
        heap.allowed = allowed;
        while (count < COUNT(copies)) {
            const char *copy = count % 2
                                   ? wms_slab_copy(&slab, unit_engine(), "the same text")
                                   : wms_slab_copy_line(&slab, unit_engine(), "the same text");
            if (!copy) {
                break;
            }
            copies[count++] = copy;
        }
        CHECK(heap.blocks <= allowed && (count == 0) == (allowed == 0));
        bool complete = count == COUNT(copies);
        while (count > 0) {
            CHECK(strcmp(copies[--count], "the same text") == 0);
        }
        wms_slab_clear(&slab, unit_engine(), true);
        CHECK(heap.blocks == 0);
        if (complete) {
            CHECK(allowed > 2);
            break;
        }
    }
    heap.allowed = SIZE_MAX;
}

int main(void)
{
    rooms();
    secrets();
    texts();
    out_of_memory();
    return 0;
}
