/* SPDX-License-Identifier: MIT */
/* carrier.c - the thread that carries all connections of an engine. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "nats/carrier.h"

enum { EVENTS_MAX = 256 };

static const double idle = 5; /* seconds: the routes are looked at so often */

/* ---- orders ---------------------------------------------------------------------------------- */

/* A route that is new has no order yet: the first one makes it the thread's. */
static void meet(struct carrier *carrier, struct route *route)
{
    if (node_alone(&route->of_carrier)) {
        node_append(&carrier->routes, &route->of_carrier);
        route_begin(route);
    }
}

/* True: the route has something to write. */
static bool carry_out(struct carrier *carrier, struct order *order)
{
    struct route *route = order->route;

    meet(carrier, route);
    switch (order->kind) {
    case ORDER_BEGIN:
        break;
    case ORDER_SUBSCRIBE:
        if (hear_subscribe(route, order->number, order->subject)) {
            route_refuse(route, WMS_E_NO_MEMORY, "out of memory");
        }
        break;
    case ORDER_UNSUBSCRIBE:
        hear_unsubscribe(route, order->number);
        break;
    case ORDER_PUBLISH:
    case ORDER_DELETE:
        if (route->state == ROUTE_UP && order->number == route->number) {
            queue_append(&route->backlog, &order->entry);
            return true;
        }
        break;
    case ORDER_END:
        route_end(route);
        break;
    }
    return false;
}

static void take_orders(struct carrier *carrier, struct queue *orders)
{
    struct node busy;

    node_init(&busy);
    while (!queue_is_empty(orders)) {
        struct order *order = NODE_OWNER(queue_take(orders), struct order, entry);
        struct route *route = order->route;
        enum order_kind kind = order->kind;
        if (carry_out(carrier, order)) {
            if (node_alone(&route->of_busy)) {
                node_append(&busy, &route->of_busy);
            }
        } else {
            if (kind == ORDER_SUBSCRIBE || kind == ORDER_UNSUBSCRIBE) {
                if (route->state == ROUTE_UP && node_alone(&route->of_busy)) {
                    node_append(&busy, &route->of_busy);
                }
            }
            if (kind != ORDER_END) { /* that is the route's, which may be freed */
                order_free(order);
            }
        }
    }
    while (!node_alone(&busy)) {
        struct route *route = NODE_OWNER(node_take(&busy), struct route, of_busy);
        route_write(route);
    }
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* What others have left under the lock.  False: it is to end. */
static bool take_all(struct carrier *carrier)
{
    struct queue orders;
    struct node made, writers;
    uint64_t count;

    queue_init(&orders);
    node_init(&made);
    node_init(&writers);
    if (read(carrier->wake, &count, sizeof count) < 0 && errno != EAGAIN) {
        return true;
    }
    pthread_mutex_lock(&carrier->lock);
    carrier->wakened = false;
    queue_join(&orders, &carrier->orders);
    node_move_all(&carrier->made, &made);
    node_move_all(&carrier->writers, &writers);
    bool leaving = carrier->leaving;
    pthread_mutex_unlock(&carrier->lock);
    /* The next three change the local lists' other entries never: each is of a route of its own. */
    while (!node_alone(&made)) {
        route_take_made(NODE_OWNER(node_take(&made), struct line, of_carrier));
    }
    take_orders(carrier, &orders);
    for (;;) {
        pthread_mutex_lock(&carrier->lock);
        struct node *node = node_alone(&writers) ? NULL : node_take(&writers);
        pthread_mutex_unlock(&carrier->lock);
        if (!node) {
            break;
        }
        struct line *line = NODE_OWNER(node, struct line, of_writers);
        if (line->route->line == line) {
            route_write(line->route);
        }
        line_drop(line);
    }
    return !leaving || !node_alone(&carrier->routes);
}

static void look_at_all(struct carrier *carrier)
{
    double now = carrier_now();

    if (now < carrier->due) {
        return;
    }
    carrier->due = now + idle;
    carrier->seen = now;
    for (struct node *node = carrier->routes.next, *next; node != &carrier->routes; node = next) {
        struct route *route = NODE_OWNER(node, struct route, of_carrier);
        next = node->next;
        if (route->state == ROUTE_REFUSED) {
            continue;
        }
        if (route->due <= now || (route->state == ROUTE_UP && !route->ending)) {
            route_look(route, now);
        } else {
            route_schedule(route, route->due);
        }
    }
}

/* Whether too much waits for the engine. */
static void look_at_engine(struct carrier *carrier)
{
    size_t untold = atomic_load(&carrier->untold);
    bool full = carrier->full ? untold > CARRIER_LOW : untold > CARRIER_HIGH;

    if (full == carrier->full) {
        return;
    }
    carrier->full = full;
    for (struct node *node = carrier->routes.next; node != &carrier->routes; node = node->next) {
        struct route *route = NODE_OWNER(node, struct route, of_carrier);
        if (route->state == ROUTE_UP) {
            route->line->heard = carrier_now(); /* nothing was read */
            route->line->pinged = 0;
            route_watch(route);
        }
    }
}

/* A late wish of a thread of libnats' is not looked at any more. */
static void end(struct carrier *carrier)
{
    pthread_mutex_lock(&carrier->lock);
    carrier->over = true;
    pthread_mutex_unlock(&carrier->lock);
    while (!node_alone(&carrier->writers)) {
        line_drop(NODE_OWNER(node_take(&carrier->writers), struct line, of_writers));
    }
}

static int milliseconds(const struct carrier *carrier)
{
    double wait = carrier->due - carrier_now();

    return wait <= 0 ? 0 : (int) (wait * 1000) + 1;
}

static void *run(void *data)
{
    struct carrier *carrier = data;
    struct epoll_event events[EVENTS_MAX];

    carrier->self = pthread_self();
    carrier->due = carrier_now() + idle;
    do {
        int count = epoll_wait(carrier->epoll, events, EVENTS_MAX, milliseconds(carrier));
        for (int i = 0; i < count; i++) {
            /* An event is of a route: what is done for one frees no other. */
            if (events[i].data.ptr) {
                route_serve(events[i].data.ptr, events[i].events);
            }
        }
        look_at_all(carrier);
        look_at_engine(carrier);
        if (atomic_load(&carriers_park)) {
            atomic_store(&carrier->parked, true);
            for (;;) {
                pause();
            }
        }
    } while (take_all(carrier));
    end(carrier);
    nats_ReleaseThreadMemory();
    carrier_drop(carrier);
    return NULL;
}

static int begin_thread(struct carrier *carrier)
{
    struct epoll_event event = {.events = EPOLLIN};
    sigset_t all, before;

    carrier->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    carrier->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    carrier->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (carrier->news < 0 || carrier->wake < 0 || carrier->epoll < 0 ||
        epoll_ctl(carrier->epoll, EPOLL_CTL_ADD, carrier->wake, &event) != 0) {
        return WMS_E_INTERNAL;
    }
    /* Every thread of ours and of libnats' inherits it. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    carrier_keep(carrier);
    int error = pthread_create(&carrier->thread, NULL, run, carrier);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        atomic_fetch_sub(&carrier->refs, 1); /* the thread's */
    }
    return error == 0 ? 0 : error == ENOMEM ? WMS_E_NO_MEMORY : WMS_E_INTERNAL;
}

int carrier_new(struct carrier **ret_carrier)
{
    struct carrier *carrier = calloc(1, sizeof *carrier);

    if (!carrier) {
        return WMS_E_NO_MEMORY;
    }
    atomic_init(&carrier->refs, 1);
    carrier->news = carrier->wake = carrier->epoll = -1;
    carrier->process = getpid();
    pthread_mutex_init(&carrier->lock, NULL);
    queue_init(&carrier->ordered);
    queue_init(&carrier->noticed);
    queue_init(&carrier->orders);
    queue_init(&carrier->notices);
    node_init(&carrier->unmade);
    node_init(&carrier->made);
    node_init(&carrier->writers);
    node_init(&carrier->routes);
    node_init(&carrier->of_process);
    if (getrandom(&carrier->chance, sizeof carrier->chance, GRND_NONBLOCK) < 0) {
        carrier->chance = (uint64_t) (carrier_now() * 1e9);
    }
    carrier->chance |= 1;
    int error = begin_thread(carrier);
    if (error) {
        carrier_drop(carrier);
        return error;
    }
    *ret_carrier = carrier;
    return 0;
}
