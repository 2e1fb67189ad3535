/* SPDX-License-Identifier: MIT */
/* value.h - trees of values, each in one block of memory that is wiped when it is freed. */
#ifndef WMS_CORE_VALUE_H
#define WMS_CORE_VALUE_H

#include <wms.h>

/* The part of a new tree's block that is not used yet. */
struct wms_value_room {
    wms_value *values;
    char *text;
};

/* Makes the root of a tree, of kind WMS_NIL, with room for so many other values and so many bytes
 * of names and texts.  The caller frees it with wms_value_free().  NULL: out of memory. */
wms_value *wms_value_new(wms_engine *engine, size_t values, size_t bytes,
                         struct wms_value_room *ret_room);
/* Copies a text and a NUL into the room; returns the copy. */
const char *wms_value_put(struct wms_value_room *room, const char *text, size_t size);
/* A copy of the whole tree.  Errors: NO_MEMORY. */
int wms_value_copy(wms_engine *engine, const wms_value *value, wms_value **ret_copy);

#endif
