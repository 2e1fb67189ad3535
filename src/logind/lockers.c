/* SPDX-License-Identifier: MIT */
/* lockers.c - the screen savers of watched sessions whose LockedHint does not tell.
 *
 * They are asked when the session is listed or read, and watched from then on.  Each needs a
 * connection to the bus of its user, on another machine one of ssh, so there are not more than
 * some; the others are asked whenever the sessions are listed. */
#include <errno.h>
#include <string.h>

#include "userbus.h"

enum { HERE_MAX = 64, FAR_MAX = 4 };

struct locker {
    struct logind_task task;
    void *owner;      /* of the task: this itself */
    struct node node; /* of conn->lockers */
    struct logind_screen screen;
    char *id;
    signed char active; /* as said last; -1: nobody tells */
};

static void locker_free(struct logind *conn, struct logind_task *task)
{
    struct locker *locker = NODE_OWNER(task, struct locker, task);
    node_remove(&locker->node);
    conn->locker_count--;
    logind_screen_drop(&locker->screen);
    logind_free(conn, locker->id);
    logind_free(conn, locker);
}

static struct locker *find(struct logind *conn, const char *id)
{
    struct node *node = conn->lockers.next;
    while (node != &conn->lockers && strcmp(NODE_OWNER(node, struct locker, node)->id, id) != 0) {
        node = node->next;
    }
    return node == &conn->lockers ? NULL : NODE_OWNER(node, struct locker, node);
}

static void told(struct logind_screen *screen, signed char active)
{
    struct locker *locker = NODE_OWNER(screen, struct locker, screen);
    struct logind *conn = screen->conn;
    if (screen->no_memory) {
        logind_task_end(conn, &locker->task);
        logind_tell_any(conn);
        return;
    }
    locker->active = active;
    if (active >= 0) {
        logind_tell_locked(conn, locker->id, active);
    }
}

void logind_lockers_add(struct logind *conn, const char *id, const char *path,
                        const struct logind_facts *facts)
{
    struct locker *locker = find(conn, id);
    if (locker || node_alone(&conn->watches) ||
        conn->locker_count >= (conn->way ? FAR_MAX : HERE_MAX)) {
        return;
    }
    locker = logind_alloc(conn, sizeof *locker);
    if (!locker) {
        return; /* the next listing tries again */
    }
    node_append(&conn->lockers, &locker->node);
    conn->locker_count++;
    logind_task_begin(conn, &locker->task, &locker->owner, locker_free);
    locker->active = -1;
    locker->id = logind_copy(conn, id);
    if (!locker->id || logind_screen_ask(conn, &locker->screen, path, facts, told) < 0) {
        logind_task_end(conn, &locker->task);
    }
}

void logind_lockers_drop(struct logind *conn, const char *id)
{
    struct locker *locker = find(conn, id);
    if (locker) {
        logind_task_end(conn, &locker->task);
    }
}

/* A saver may have been started, or another graphical session of the user may have ended. */
void logind_lockers_renew(struct logind *conn)
{
    struct node *node, *next;
    for (node = conn->lockers.next; node != &conn->lockers; node = next) {
        struct locker *locker = NODE_OWNER(node, struct locker, node);
        next = node->next;
        if (locker->active < 0) {
            logind_task_end(conn, &locker->task);
        }
    }
}

void logind_lockers_clear(struct logind *conn)
{
    while (!node_alone(&conn->lockers)) {
        logind_task_end(conn, &NODE_OWNER(conn->lockers.next, struct locker, node)->task);
    }
}
