/* wake.h - descriptors of single requests, for programs that poll those and nothing else.
 *
 * Such a program may poll any number of them.  An epoll for each would have to contain the loop's, and Linux allows some
 * hundred paths from a socket through nested epolls, then fails.  So a request's descriptor is an eventfd of its own, and a
 * thread of the engine, the waker, makes one of them readable when the loop has something to do.
 */
#ifndef WMS_CORE_WAKE_H
#define WMS_CORE_WAKE_H

#include <stdbool.h>

#include <wms.h>

struct wms_waker;

/* A request's descriptor; part of the request.  All of it but `fd` is changed under the waker's lock only. */
struct wms_wakeup {
    struct wms_wakeup *prev, *next; /* of those that may be chosen; the ones that have answered come first */
    int fd;                         /* an eventfd, or -1: nobody has asked for it */
    bool listed;                    /* in that list */
    bool chosen;                    /* made readable by the waker */
    bool answers;                   /* it was stepped after that: the program polls it */
    bool news;                      /* made readable by the engine, which has something to tell */
};

void wms_wakeup_init(struct wms_wakeup *wakeup);
/* Makes the descriptor and, for an engine's first, its waker (*waker is NULL), which watches the loop's descriptor `loop`.
 * Errors: NO_MEMORY, INTERNAL (no descriptor or thread left). */
int wms_wakeup_open(struct wms_waker **waker, int loop, struct wms_wakeup *wakeup);
/* Makes it readable, if there is one: its request has something to tell. */
void wms_wakeup_raise(struct wms_waker *waker, struct wms_wakeup *wakeup);
/* The program steps its request: it is readable no more, and is chosen first from now on. */
void wms_wakeup_stepped(struct wms_waker *waker, struct wms_wakeup *wakeup);
/* Its request is done: it is not chosen any more. */
void wms_wakeup_retire(struct wms_waker *waker, struct wms_wakeup *wakeup);
void wms_wakeup_close(struct wms_waker *waker, struct wms_wakeup *wakeup);
/* In a forked child, which shares the descriptor with its parent and has no waker. */
void wms_wakeup_forked(struct wms_wakeup *wakeup);

/* The loop begins to turn: whatever the waker wanted of the program is done.  NULL is allowed, as below. */
void wms_waker_turn(struct wms_waker *waker);
/* Control goes back to the program: from here on, the loop's next event wakes it. */
void wms_waker_rest(struct wms_waker *waker);
/* Ends the thread.  In a forked child there is none, and the lock may be held for ever: `forked`.  Returns NULL. */
struct wms_waker *wms_waker_free(struct wms_waker *waker, bool forked);

#endif
