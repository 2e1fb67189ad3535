/* SPDX-License-Identifier: MIT */
/* kept.c - bindings of a program that has a store of its own, in memory. */
#include <string.h>

#include "core/binding.h"
#include "core/parts.h"

static uint64_t hash(const wms_engine *engine, const char *name)
{
    return wms_hash(&engine->key, name, strlen(name));
}

static bool is_named(const struct wms_entry *entry, const void *name)
{
    return strcmp(((const struct wms_kept *) entry)->name, name) == 0;
}

struct wms_kept *wms_kept_find(wms_engine *engine, const char *name)
{
    return (struct wms_kept *) wms_table_find(&engine->bindings.kept, hash(engine, name), is_named,
                                              name);
}

void wms_kept_drop(wms_engine *engine, struct wms_kept *kept)
{
    wms_table_remove(&engine->bindings.kept, engine, &kept->entry);
    node_remove(&kept->node);
    node_remove(&kept->fresh);
    wms_free_wiped(engine, kept->text, kept->size + 1);
    wms_free(engine, kept);
}

/* Keeps a copy in place of what was there. */
int wms_kept_put(wms_engine *engine, const char *name, const char *text, size_t size, bool fresh)
{
    size_t length = strlen(name) + 1;
    struct wms_bindings *bindings = &engine->bindings;
    struct wms_kept *old = wms_kept_find(engine, name);
    struct wms_kept *kept = wms_resize(engine, NULL, sizeof *kept + length);
    char *copy = kept ? wms_resize(engine, NULL, size + 1) : NULL;

    if (!copy) {
        wms_free(engine, kept);
        return WMS_E_NO_MEMORY;
    }
    int error = wms_table_add(&bindings->kept, engine, &kept->entry, hash(engine, name));
    if (error) {
        wms_free(engine, copy);
        wms_free(engine, kept);
        return error;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    kept->text = copy;
    kept->size = size;
    memcpy(kept->name, name, length);
    node_append(&bindings->all, &kept->node);
    node_init(&kept->fresh);
    if (fresh) {
        node_append(&bindings->fresh, &kept->fresh);
    }
    if (old) {
        wms_kept_drop(engine, old);
    }
    return 0;
}

void wms_bindings_clear(wms_engine *engine)
{
    while (!node_alone(&engine->bindings.all)) {
        wms_kept_drop(engine, NODE_OWNER(engine->bindings.all.next, struct wms_kept, node));
    }
    wms_table_close(&engine->bindings.kept, engine);
    wms_free(engine, engine->bindings.folder);
    engine->bindings.folder = NULL;
}
