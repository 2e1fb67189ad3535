/* SPDX-License-Identifier: MIT */
/* carrier.h - the thread that carries all connections of an engine to the NATS servers.
 *
 * What crosses between the engine and the thread is malloc'ed, never the engine's memory:
 *
 *     order    engine -> thread: subscribe, publish...; all that were given in one turn of the
 *              engine's loop go over together
 *     notice   thread -> engine: up, down, a message...
 *     route    what both sides share of one courier
 *     line     one connection of libnats, or the attempt to make one; it is never used again when
 *              it is lost.  Each is made in a thread of its own, since libnats waits then, and
 *              during a TLS handshake without end.  A line that takes too long is given up: its
 *              thread frees it whenever libnats comes back.
 *
 * libnats is used in its event loop mode, without its own reconnecting and pings: all of a
 * connection's life is in the carrier's thread, but for two places where libnats calls from threads
 * of its own: a message (its delivery thread) and an error (its thread for callbacks).  They take
 * the carrier's lock, and libnats may hold the connection's meanwhile: nobody who has the carrier's
 * lock may call libnats.
 */
#ifndef WMS_NATS_CARRIER_H
#define WMS_NATS_CARRIER_H

#include <pthread.h>
#include <stdatomic.h>

#include <nats/nats.h>

#include "core/node.h"
#include "core/queue.h"
#include "nats/courier.h"
#include "nats/options.h"

enum order_kind {
    ORDER_BEGIN,
    ORDER_SUBSCRIBE,
    ORDER_UNSUBSCRIBE,
    ORDER_PUBLISH,
    ORDER_DELETE,
    ORDER_END
};

enum {
    CARRIER_HIGH = 67108864, /* bytes of notices that wait, from which on nothing is read */
    CARRIER_LOW = 33554432   /* and from which on it is read again */
};

struct order {
    struct queued entry;
    struct route *route;
    enum order_kind kind;
    unsigned number; /* of the subscription, or of the connection that it is meant for */
    const char *subject, *reply, *data; /* behind it in memory; reply NULL: none */
    size_t size;
};

/* What it counts for while it waits: with what is around the data. */
static inline size_t order_weight(size_t size)
{
    return size + 128;
}

enum notice_kind { NOTICE_UP, NOTICE_DOWN, NOTICE_REFUSED, NOTICE_MESSAGE, NOTICE_FORBIDDEN };

struct notice {
    struct queued entry;
    struct route *route; /* a reference */
    enum notice_kind kind;
    unsigned number; /* NOTICE_UP: of the connection */
    int code;
    size_t size;      /* of the whole block, for the limit */
    const char *text; /* behind it in memory */
    struct courier_message message;
};

enum route_state {
    ROUTE_WAITING,    /* until it is tried again */
    ROUTE_CONNECTING, /* there is a line, without a connection yet */
    ROUTE_UP,
    ROUTE_REFUSED /* it will not be tried again */
};

struct route {
    atomic_int refs;
    struct carrier *carrier;
    struct nats_options *options; /* constant */
    struct courier *courier;      /* the engine's side; NULL: freed */
    atomic_size_t waiting;        /* bytes of orders that libnats has not got yet */
    atomic_size_t payload;
    atomic_int fd;             /* of the connection, for a forked child to close; -1: none */
    struct order ending_order; /* freeing may not run out of memory */
    /* The rest is the thread's. */
    struct node of_carrier, of_busy;
    enum route_state state;
    struct line *line; /* NULL: none */
    unsigned number;   /* of the connection */
    struct queue backlog;
    struct subscription **subscriptions; /* in the order of their numbers */
    size_t count, room;
    size_t server;  /* the next one to be tried */
    unsigned tries; /* since it was up */
    unsigned final; /* of these, the last ones in a row that made no sense to repeat */
    bool ever_up;
    double pause;         /* the last one, in seconds */
    double due;           /* when it is tried again, or what is under way is given up */
    bool ending, parting; /* the engine has freed it; nothing more will be written */
    int told;             /* the code that the engine was told last */
};

struct line {
    atomic_int refs;
    struct route *route; /* a reference */
    size_t server;
    natsConnection *nc; /* NULL: not connected */
    int fd;             /* libnats' own; -1: none */
    bool tls;
    int code;          /* why it is not connected, or 0 */
    unsigned patience; /* so many times in a row, with each server, and it is not tried again; 0: it
                          always is */
    char text[COURIER_SENTENCE];
    atomic_bool writing; /* libnats wants to write */
    atomic_bool starved; /* memory has run out for a message: the connection has to go */
    /* Under the carrier's lock. */
    struct node of_carrier; /* of `unmade`, of `made` */
    struct node of_writers;
    bool given_up;
    double begun; /* when a connector began; 0: not yet */
    /* The thread's. */
    unsigned events; /* what epoll watches it for */
    int least;       /* SO_RCVLOWAT */
    unsigned pinged; /* how often since something came last */
    double heard;    /* when something came last */
};

struct carrier {
    atomic_int refs;
    pid_t process; /* that has the thread */
    /* The engine's. */
    const struct wms_services *services;
    wms_engine *engine;
    struct node of_process;
    struct wms_poll *poll;
    struct wms_timer *turn; /* the end of this turn of the loop: what was ordered goes over */
    struct queue ordered;
    struct queue noticed; /* taken over, not told yet */
    size_t couriers;
    bool telling; /* the last courier may be freed meanwhile */
    pthread_t thread;
    /* Both sides'. */
    int news; /* an eventfd: the engine has notices */
    pthread_mutex_t lock;
    struct queue orders, notices;
    bool wakened, newsy;
    bool leaving;         /* the engine's side is gone */
    bool over;            /* the thread is, too */
    atomic_bool parked;   /* the thread does nothing any more, since the process ends */
    atomic_size_t untold; /* bytes of notices that the engine has not told yet */
    struct node unmade;   /* lines that a connector is to make */
    struct node made;     /* lines that are made, or could not be */
    struct node writers;  /* lines that want to write, says a thread of libnats' */
    unsigned connectors, given_up;
    /* The thread's. */
    int wake; /* an eventfd: the thread has orders, or lines are made */
    int epoll;
    pthread_t self;
    struct node routes;
    bool full;   /* nothing is read until the engine has told more */
    double due;  /* when the routes have to be looked at */
    double seen; /* when they were last */
    uint64_t chance;
};

/* ---- carrier.c ------------------------------------------------------------------------------- */

/* With one reference, and its thread, which has another one.  Errors: NO_MEMORY, INTERNAL. */
int carrier_new(struct carrier **ret_carrier);

/* ---- route.c (the thread) -------------------------------------------------------------------- */

/* It is new: connects it to one of its servers, by chance. */
void route_begin(struct route *route);
/* The courier is gone: what waits is written, if it is up, and the route is freed, now or soon. */
void route_end(struct route *route);
/* It will not be tried again. */
void route_refuse(struct route *route, int code, const char *text);
/* A connector is done with the line, and gives its reference. */
void route_take_made(struct line *line);
/* What epoll says of its connection.  The route may be freed then, as by each of the next two. */
void route_serve(struct route *route, unsigned events);
/* Writes what there is to be written, if it is up. */
void route_write(struct route *route);
/* Its time has come; or it is up, and nothing may have been heard for long. */
void route_look(struct route *route, double now);
/* The carrier looks at its routes then. */
void route_schedule(struct route *route, double at);
/* Has epoll look for what is wanted now. */
void route_watch(struct route *route);

/* ---- shared.c -------------------------------------------------------------------------------- */

/* Any thread, with the lock: the thread looks for what is new. */
void carrier_wake(struct carrier *carrier);
/* Any thread.  Takes the notice. */
void carrier_tell(struct carrier *carrier, struct notice *notice);
/* A notice with so many bytes behind it; NULL: out of memory. */
struct notice *carrier_notice(struct route *route, enum notice_kind kind, size_t room);
void notice_free(struct notice *notice);
void order_free(struct order *order);
/* Any thread: the process ends.  Each carrier parks then. */
extern atomic_bool carriers_park;
void carrier_keep(struct carrier *carrier);
void carrier_drop(struct carrier *carrier);
void route_drop(struct route *route);
double carrier_now(void);

/* Moves a whole queue to the end of another one. */
static inline void queue_join(struct queue *to, struct queue *from)
{
    if (!queue_is_empty(from)) {
        *to->end = from->first;
        to->end = from->end;
        queue_init(from);
    }
}

/* ---- connect.c ------------------------------------------------------------------------------- */

/* The thread: begins to make a line to the route's next server.  NULL: out of memory, or too many
 * were given up and are still there. */
struct line *line_begin(struct route *route);
/* The thread: whether no connector has begun it before that time. */
bool line_waits(struct line *line, double before);
/* The thread: nobody waits for it any more. */
void line_give_up(struct line *line);
/* The thread: closes it, without waiting for the server. */
void line_close(struct line *line);
/* Any thread: the carrier is to look at it. */
void line_wish(struct line *line);
/* This is a forked child, in which nothing of this was used yet. */
void line_forked(void);
void line_keep(struct line *line);
void line_drop(struct line *line);

/* ---- hear.c ---------------------------------------------------------------------------------- */

/* The thread.  Errors: NO_MEMORY. */
int hear_subscribe(struct route *route, unsigned number, const char *subject);
void hear_unsubscribe(struct route *route, unsigned number);
/* A line is there: false: out of memory. */
bool hear_begin(struct route *route);
/* The line goes. */
void hear_end(struct route *route);
void hear_free(struct route *route);

#endif
