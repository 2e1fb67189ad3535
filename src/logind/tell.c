/* SPDX-License-Identifier: MIT */
/* tell.c - tells the engine's watchers of a change. */
#include "logind.h"

void logind_tell(const struct logind *conn, const struct wms_change *change)
{
    struct node *node, *next;

    for (node = conn->watches.next; node != &conn->watches; node = next) {
        next = node->next;
        conn->services->changed(NODE_OWNER(node, struct logind_watch, node)->watcher, change);
    }
}

void logind_tell_any(const struct logind *conn)
{
    struct wms_change change;

    wms_change_init(&change, NULL);
    logind_tell(conn, &change);
}

void logind_tell_locked(const struct logind *conn, const char *id, signed char locked)
{
    const wms_id name = logind_id(id);
    struct wms_change change;

    wms_change_init(&change, &name);
    change.locked = locked;
    logind_tell(conn, &change);
}
