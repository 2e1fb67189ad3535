/* SPDX-License-Identifier: MIT */
/* slab.h - an arena: small allocations that are freed all at once. */
#ifndef WMS_CORE_SLAB_H
#define WMS_CORE_SLAB_H

#include <wms.h>

struct wms_slab; /* NULL: an empty arena */

/* Room for `size` bytes, aligned for a wms_session; NULL: out of memory. */
void *wms_slab_room(struct wms_slab **slabs, wms_engine *engine, size_t size);
/* A copy of the text; NULL: out of memory. */
const char *wms_slab_copy(struct wms_slab **slabs, wms_engine *engine, const char *text);
/* The same of a text for a person, which may come from a host: see wms_one_line(). */
const char *wms_slab_copy_line(struct wms_slab **slabs, wms_engine *engine, const char *text);
/* Frees everything; `wiped`: wipes it first, since it may hold secrets. */
void wms_slab_clear(struct wms_slab **slabs, wms_engine *engine, bool wiped);

#endif
