/* SPDX-License-Identifier: MIT */
/* binding.h - bindings by name: in files (bindfile.c), or in memory (kept.c). */
#ifndef WMS_CORE_BINDING_H
#define WMS_CORE_BINDING_H

#include "core/state.h"

enum { WMS_BINDING_NAME = 300 }; /* room for a name */

/* ---- binding.c ------------------------------------------------------------------------------- */

/* A server may be named in several ways; its binding has one name. */
void wms_binding_name(wms_engine *engine, const struct wms_place *place, char *name, size_t size);
/* The binding of that name is another one: no connection that was made with it is used again, but
 * for `self` (or NULL). */
void wms_binding_changed(wms_engine *engine, const char *name, const struct wms_link *self);
/* The binding of that name, wherever it is; what goes wrong stands in the engine's complaint.
 * Errors: NOT_BOUND, NO_MEMORY, INTERNAL, UNTRUSTED, ACCESS_DENIED. */
int wms_binding_read(wms_engine *engine, const char *name, wms_value **ret_binding);

/* ---- kept.c: in memory ----------------------------------------------------------------------- */

struct wms_kept {
    struct wms_entry entry;  /* first: of bindings->kept */
    struct node node, fresh; /* of bindings->all; of bindings->fresh, or alone */
    char *text;
    size_t size;
    char name[];
};

/* NULL: there is none of that name. */
struct wms_kept *wms_kept_find(wms_engine *engine, const char *name);
void wms_kept_drop(wms_engine *engine, struct wms_kept *kept);
/* Keeps a copy in place of what was there; `fresh`: the program is told of it.  Errors: NO_MEMORY.
 */
int wms_kept_put(wms_engine *engine, const char *name, const char *text, size_t size, bool fresh);

#endif
