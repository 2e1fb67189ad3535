/* SPDX-License-Identifier: MIT */
/* polling.h - when a provider asks its host again how a session is. */
#ifndef WMS_CORE_POLLING_H
#define WMS_CORE_POLLING_H

#include "core/state.h"

/* Calls ask(data) at once, and again some time after each wms_polling_seen().  ask() may end the
 * polling.  NO_MEMORY: it was not called. */
int wms_polling_begin(struct wms_polling *polling, struct wms_loop *loop, void (*ask)(void *data),
                      void *data);
/* The host has answered; ask() is called `again` some time later, or no more.  Does nothing if the
 * provider does not poll. */
void wms_polling_seen(struct wms_polling *polling, bool again);
/* ask() is not called any more.  Allowed if the provider does not poll. */
void wms_polling_end(struct wms_polling *polling);

#endif
