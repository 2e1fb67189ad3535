/* SPDX-License-Identifier: MIT */
/* settings.h - settings in two steps, for a caller who sets several and wants all of them or none:
 * first it finds out whether each is right. */
#ifndef WMS_CORE_SETTINGS_H
#define WMS_CORE_SETTINGS_H

#include <wms.h>

struct wms_groups;

/* Makes groups of a table as that of wms_engine_groups(); the engine does not use them yet.  The
 * caller gives them to one of the next two functions.  Errors: INVALID, NO_MEMORY. */
int wms_groups_make(wms_engine *engine, const wms_value *table, struct wms_groups **ret_groups);
/* They take the place of the engine's, which are freed. */
void wms_groups_use(wms_engine *engine, struct wms_groups *groups);
/* NULL is allowed; returns NULL. */
struct wms_groups *wms_groups_free(struct wms_groups *groups);

/* Whether wms_engine_transport() would take it.  Errors: INVALID. */
int wms_transport_check(wms_engine *engine, const wms_transport *transport);

#endif
