/* SPDX-License-Identifier: MIT */
/* wake.h - descriptors of single requests, for programs that poll those and nothing else.
 *
 * Such a program may poll any number of them.  An epoll for each would have to contain the loop's,
 * and Linux allows some hundred paths from a socket through nested epolls, then fails.  So a
 * request's descriptor is an eventfd of its own, and a thread of the engine, the waker, makes one
 * of them readable when the loop has something to do.
 */
#ifndef WMS_CORE_WAKE_H
#define WMS_CORE_WAKE_H

#include <stdbool.h>

#include <wms.h>

#include "core/node.h"

struct wms_waker;

/* A request's descriptor; part of the request.  All of it but `fd` is changed under the waker's
 * lock only. */
struct wms_wakeup {
    struct node node; /* of the waker's list, or alone: it cannot be chosen */
    int fd;           /* an eventfd, or -1: nobody has asked for it */
    bool chosen;      /* made readable by the waker */
    bool answers;     /* it was stepped after that: the program polls it */
    bool news;        /* made readable by the engine, which has something to tell */
};

void wms_wakeup_init(struct wms_wakeup *wakeup);
/* Makes the descriptor and, for an engine's first, its waker (*waker is NULL), which watches the
 * loop's descriptor `loop`. Errors: NO_MEMORY, INTERNAL (no descriptor or thread left). */
int wms_wakeup_open(struct wms_waker **waker, int loop, struct wms_wakeup *wakeup);
/* Makes it readable, if there is one: its request has something to tell. */
void wms_wakeup_raise(struct wms_waker *waker, struct wms_wakeup *wakeup);
/* The program steps its request: the descriptor is no longer readable and, if the waker had made it
 * so, is chosen first from now on. */
void wms_wakeup_stepped(struct wms_waker *waker, struct wms_wakeup *wakeup);
/* Its request is done: the waker must not choose it any more. */
void wms_wakeup_retire(struct wms_waker *waker, struct wms_wakeup *wakeup);
void wms_wakeup_close(struct wms_waker *waker, struct wms_wakeup *wakeup);
/* In a forked child, which has no waker: closes the descriptor, which is shared with the parent.
 * To be called for every wakeup before any of them is used. */
void wms_wakeup_forked(struct wms_wakeup *wakeup);

/* The loop begins to turn: the waker need not wake the program any more.  NULL is allowed, as
 * below. */
void wms_waker_turn(struct wms_waker *waker);
/* Control goes back to the program: from here on the waker watches the loop, and wakes the program
 * at its next event. */
void wms_waker_rest(struct wms_waker *waker);
/* Ends the thread and frees the waker.  `forked`: in a forked child, where there is no thread to
 * end, and the lock must not be taken or destroyed, because the parent's thread may have held it.
 * Returns NULL. */
struct wms_waker *wms_waker_free(struct wms_waker *waker, bool forked);

#endif
