/* SPDX-License-Identifier: MIT */
/* value.h - trees of values, each in one block of memory that is wiped when it goes. */
#ifndef WMS_CORE_VALUE_H
#define WMS_CORE_VALUE_H

#include <wms.h>

/* What a new tree is made of, as far as it is not used yet. */
struct wms_value_room {
    wms_value *values;
    char *text;
};

/* A tree's root, still nil, with room for so many values beside it and for so many bytes of names
 * and texts.  For wms_value_free().  NULL: out of memory. */
wms_value *wms_value_new(wms_engine *engine, size_t values, size_t bytes,
                         struct wms_value_room *ret_room);
/* Puts a text and a NUL into the room. */
const char *wms_value_put(struct wms_value_room *room, const char *text, size_t size);
/* A copy of the whole tree.  Errors: NO_MEMORY. */
int wms_value_copy(wms_engine *engine, const wms_value *value, wms_value **ret_copy);

#endif
