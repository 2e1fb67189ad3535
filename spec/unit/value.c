/* SPDX-License-Identifier: MIT */
/* value.c - tests of core/value.h: trees, each in one block that is wiped when it goes. */
#include "core/value.h"

#include <errno.h>

#include "unit.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The same values, and nothing that both have a pointer to. */
static bool same(const wms_value *a, const wms_value *b)
{
    if (a->kind != b->kind || a->integer != b->integer || a->natural != b->natural ||
        !same_text(a->name, b->name) || (a->name && a->name == b->name)) {
        return false;
    }
    if (a->kind == WMS_STRING) {
        return a->size == b->size && a->text != b->text && memcmp(a->text, b->text, a->size) == 0 &&
               b->text[b->size] == '\0';
    }
    if (a->kind == WMS_LIST || a->kind == WMS_TABLE) {
        if (a->size != b->size || (a->size > 0 && a->items == b->items)) {
            return false;
        }
        for (size_t i = 0; i < a->size; i++) {
            if (!same(&a->items[i], &b->items[i])) {
                return false;
            }
        }
    }
    return true;
}

static const wms_value numbers[] = {
    {.kind = WMS_INTEGER, .integer = INT64_MIN},
    {.kind = WMS_INTEGER, .integer = -1},
    {.kind = WMS_NATURAL, .natural = UINT64_MAX},
    {.kind = WMS_NATURAL},
};
static const wms_value fields[] = {
    {.kind = WMS_NIL, .name = "nothing"},
    {.kind = WMS_BOOLEAN, .name = "yes", .integer = 1},
    {.kind = WMS_LIST, .name = "numbers", .items = numbers, .size = COUNT(numbers)},
    {.kind = WMS_STRING, .name = "bytes", .text = "a\0b\377", .size = 4},
    {.kind = WMS_STRING, .name = "empty", .text = ""},
    {.kind = WMS_LIST, .name = "no items"},
    {.kind = WMS_TABLE, .name = "no fields"},
    {.kind = WMS_NATURAL, .name = "yes", .natural = 2}, /* a name that is there already */
    {.kind = WMS_NATURAL},                              /* none */
    {.kind = WMS_STRING, .name = "", .text = "a secret", .size = 8},
};
static const wms_value tree = {.kind = WMS_TABLE, .items = fields, .size = COUNT(fields)};

static void copies(void)
{
    wms_value *copy = NULL, *again = NULL;

    snprintf(where, sizeof where, "copies");
    for (size_t i = 0; i < COUNT(fields); i++) { /* also of one value that has a name */
        CHECK(wms_value_copy(unit_engine(), &fields[i], &copy) == 0 && heap.blocks == 1);
        CHECK(same(&fields[i], copy));
        wms_value_free(unit_engine(), copy);
    }
    CHECK(wms_value_copy(unit_engine(), &tree, &copy) == 0 && heap.blocks == 1 &&
          same(&tree, copy));
    CHECK(wms_value_copy(unit_engine(), copy, &again) == 0 && same(copy, again));
    wms_value_free(unit_engine(), copy);
    CHECK(same(&tree, again)); /* it needs nothing of what it was copied from */
    heap.wanted = "a secret";
    heap.seen = 0;
    wms_value_free(unit_engine(), again);
    CHECK(heap.blocks == 0 && heap.seen == 0);
    wms_value_free(unit_engine(), NULL);
    heap.wanted = NULL;
}

static void deep(void)
{
    wms_value levels[1000];
    wms_value *copy = NULL;
    const wms_value *at;

    snprintf(where, sizeof where, "a deep tree");
    for (size_t i = 0; i < COUNT(levels); i++) {
        levels[i] = (wms_value){.kind = i % 2 ? WMS_LIST : WMS_TABLE, .name = i % 2 ? "odd" : NULL};
        if (i + 1 < COUNT(levels)) {
            levels[i].items = &levels[i + 1];
            levels[i].size = 1;
        }
    }
    CHECK(wms_value_copy(unit_engine(), levels, &copy) == 0 && heap.blocks == 1);
    at = copy;
    for (size_t i = 0; i < COUNT(levels); i++, at = at->items) {
        CHECK(at && at->kind == levels[i].kind && same_text(at->name, levels[i].name));
    }
    CHECK(!at);
    wms_value_free(unit_engine(), copy);
}

/* A new one is nil, and has the room that was asked for: neither more nor less is needed. */
static void new_ones(void)
{
    struct wms_value_room room;

    snprintf(where, sizeof where, "new ones");
    for (size_t values = 0; values < 4; values++) {
        wms_value *root = wms_value_new(unit_engine(), values, 10, &room);
        CHECK(root && root->kind == WMS_NIL && !root->name && !root->items && root->size == 0);
        for (size_t i = 0; i < values; i++) {
            CHECK(room.values[i].kind == WMS_NIL && !room.values[i].text);
            room.values[i] = tree;
        }
        const char *first = wms_value_put(&room, "a\0b", 3),
                   *second = wms_value_put(&room, NULL, 0);
        const char *third = wms_value_put(&room, "1234", 4);
        CHECK(memcmp(first, "a\0b", 4) == 0 && *second == '\0' && strcmp(third, "1234") == 0);
        CHECK(second == first + 4 && third == second + 1);
        wms_value_free(unit_engine(), root);
        CHECK(heap.blocks == 0);
    }
}

/* A block of a megabyte and more has the system asked for its pages: errno is left as it was. */
static void large(void)
{
    size_t size = 3000000;
    char *text = malloc(size + 1);
    wms_value value = {.kind = WMS_STRING, .text = text, .size = size};
    wms_value *copy = NULL;

    snprintf(where, sizeof where, "a large one");
    CHECK(text);
    for (size_t i = 0; i < size; i++) {
        text[i] = (char) (i % 253);
    }
    text[size] = '\0';
    errno = 4711;
    CHECK(wms_value_copy(unit_engine(), &value, &copy) == 0 && errno == 4711 && same(&value, copy));
    wms_value_free(unit_engine(), copy);
    free(text);
}

static void names(void)
{
    static const wms_value list = {.kind = WMS_LIST, .items = fields, .size = COUNT(fields)};

    snprintf(where, sizeof where, "fields by name");
    CHECK(wms_value_field(&tree, "nothing") == &fields[0]);
    CHECK(wms_value_field(&tree, "yes") == &fields[1]); /* the first one */
    CHECK(wms_value_field(&tree, "") == &fields[9]);
    CHECK(!wms_value_field(&tree, "ye") && !wms_value_field(&tree, "yes ") &&
          !wms_value_field(&tree, "Yes"));
    CHECK(!wms_value_field(&list, "yes") && !wms_value_field(&fields[1], "yes"));
    CHECK(!wms_value_field(&fields[6], "yes") && !wms_value_field(NULL, "yes"));
}

static void out_of_memory(void)
{
    struct wms_value_room room;
    wms_value *copy = NULL;

    snprintf(where, sizeof where, "out of memory");
    heap.allowed = 0;
    CHECK(wms_value_copy(unit_engine(), &tree, &copy) == WMS_E_NO_MEMORY && !copy);
    CHECK(!wms_value_new(unit_engine(), 0, 0, &room) && heap.blocks == 0);
    heap.allowed = 1; /* it is all that a copy needs */
    CHECK(wms_value_copy(unit_engine(), &tree, &copy) == 0);
    wms_value_free(unit_engine(), copy);
    heap.allowed = SIZE_MAX;
}

int main(void)
{
    copies();
    deep();
    new_ones();
    large();
    names();
    out_of_memory();
    CHECK(heap.blocks == 0);
    return 0;
}
