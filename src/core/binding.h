/* SPDX-License-Identifier: MIT */
/* binding.h - bindings by name: in files (bindfile.c), or in memory (kept.c). */
#ifndef WMS_CORE_BINDING_H
#define WMS_CORE_BINDING_H

#include "core/state.h"

enum { WMS_BINDING_NAME = 300 }; /* size of a buffer for a binding's name */

/* ---- binding.c ------------------------------------------------------------------------------- */

/* Writes the name of a server's binding.  All addresses of one server give the same name. */
void wms_binding_name(wms_engine *engine, const struct wms_place *place, char *name, size_t size);
/* To be called when the binding of that name has been replaced or removed: retires all links that
 * use it, except `self` (which may be NULL). */
void wms_binding_changed(wms_engine *engine, const char *name, const struct wms_link *self);
/* Reads the binding of that name, from its file or from memory; on an error the engine's complaint
 * says what is wrong.  Errors: NOT_BOUND, NO_MEMORY, INTERNAL, UNTRUSTED, ACCESS_DENIED. */
int wms_binding_read(wms_engine *engine, const char *name, wms_value **ret_binding);
/* The names of all bindings, which wms_bindfile_names_free() frees.  Errors: NO_MEMORY, and those
 * of the folder. */
struct wms_bindfile_name;
int wms_binding_names(wms_engine *engine, struct wms_bindfile_name **ret_names);
/* Shows each binding that can be read, with all that is secret, until look() returns true.  Errors:
 * as wms_binding_names(). */
int wms_binding_search(wms_engine *engine, bool (*look)(void *data, const wms_value *binding),
                       void *data);

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
/* Stores a copy, which replaces an older one; `fresh`: wms_engine_binding_next() is to return it.
 * Errors: NO_MEMORY.
 */
int wms_kept_put(wms_engine *engine, const char *name, const char *text, size_t size, bool fresh);

#endif
