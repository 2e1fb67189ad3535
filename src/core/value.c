/* SPDX-License-Identifier: MIT */
/* value.c - trees of values: what a call is given and returns, and what a binding holds. */
#define _GNU_SOURCE
#include "core/value.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base.h"

struct block {
    size_t size;
    wms_value root; /* behind it lie the other values, then names and texts */
};

static struct block *block_of(wms_value *root)
{
    return (struct block *) (void *) ((char *) root - offsetof(struct block, root));
}

enum { LONG = 1048576 };

/* Has the kernel map the pages of a long block at once: a page fault for each of them would double
 * the time to fill it, while the loop waits.  Where MADV_POPULATE_WRITE is not supported (before
 * Linux 5.14), nothing is lost. */
static void prepare(void *block, size_t size)
{
#ifdef MADV_POPULATE_WRITE
    uintptr_t page = (uintptr_t) sysconf(_SC_PAGESIZE),
              before = (page - (uintptr_t) block % page) % page;
    int number = errno;

    if (size >= LONG) {
        madvise((char *) block + before, (size - before) / page * page, MADV_POPULATE_WRITE);
        errno = number;
    }
#else
    (void) block;
    (void) size;
#endif
}

wms_value *wms_value_new(wms_engine *engine, size_t values, size_t bytes,
                         struct wms_value_room *ret_room)
{
    size_t size = sizeof(struct block) + values * sizeof(wms_value) + bytes;
    struct block *block = wms_resize(engine, NULL, size);

    if (!block) {
        return NULL;
    }
    prepare(block, size);
    memset(block, 0, size - bytes); /* not the texts, which are long and written once */
    block->size = size;
    ret_room->values = &block->root + 1;
    ret_room->text = (char *) (ret_room->values + values);
    return &block->root;
}

const char *wms_value_put(struct wms_value_room *room, const char *text, size_t size)
{
    char *at = room->text;

    if (size > 0) {
        memcpy(at, text, size);
    }
    at[size] = '\0';
    room->text += size + 1;
    return at;
}

static bool has_items(const wms_value *value)
{
    return value->kind == WMS_LIST || value->kind == WMS_TABLE;
}

static void measure(const wms_value *value, size_t *values, size_t *bytes)
{
    *bytes += value->name ? strlen(value->name) + 1 : 0;
    if (value->kind == WMS_STRING) {
        *bytes += value->size + 1;
    } else if (has_items(value)) {
        *values += value->size;
        for (size_t i = 0; i < value->size; i++) {
            measure(&value->items[i], values, bytes);
        }
    }
}

static void copy_into(wms_value *copy, const wms_value *value, struct wms_value_room *room)
{
    *copy = (wms_value){.kind = value->kind, .integer = value->integer, .natural = value->natural};
    if (value->name) {
        copy->name = wms_value_put(room, value->name, strlen(value->name));
    }
    if (value->kind == WMS_STRING) {
        copy->size = value->size;
        copy->text = wms_value_put(room, value->text, value->size);
    } else if (has_items(value) && value->size > 0) {
        wms_value *items = room->values;
        room->values += value->size;
        copy->size = value->size;
        copy->items = items;
        for (size_t i = 0; i < value->size; i++) {
            copy_into(&items[i], &value->items[i], room);
        }
    }
}

int wms_value_copy(wms_engine *engine, const wms_value *value, wms_value **ret_copy)
{
    struct wms_value_room room;
    size_t values = 0, bytes = 0;

    measure(value, &values, &bytes);
    wms_value *copy = wms_value_new(engine, values, bytes, &room);
    if (!copy) {
        return WMS_E_NO_MEMORY;
    }
    copy_into(copy, value, &room);
    *ret_copy = copy;
    return 0;
}

const wms_value *wms_value_field(const wms_value *table, const char *name)
{
    if (!table || table->kind != WMS_TABLE) {
        return NULL;
    }
    for (size_t i = 0; i < table->size; i++) {
        if (table->items[i].name && strcmp(table->items[i].name, name) == 0) {
            return &table->items[i];
        }
    }
    return NULL;
}

void wms_value_free(wms_engine *engine, wms_value *value)
{
    if (value) {
        struct block *block = block_of(value);
        wms_free_wiped(engine, block, block->size);
    }
}
