/* SPDX-License-Identifier: MIT */
/* carrier.c - the thread that carries all connections of an engine. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "nats/carrier.h"

enum {
    EVENTS_MAX = 256,
    FEED_PLAIN = 262144, /* bytes that libnats gets at a time */
    FEED_TLS = 65536,    /* less than the kernel surely takes: libnats would wait for the rest */
    RECORD_HEAD = 5,     /* of TLS */
    RECORD_MAX = 16384 + 2048 + RECORD_HEAD
};

static const double first_pause = 0.2, last_pause = 5, growth = 1.7, /* seconds */
    making_max = 8,                    /* that a connection may take */
    ping_after = 20, silence_max = 60, /* of a server */
    parting_max = 1, idle = 5,         /* the routes are looked at so often */
    least_idle = 0.02;                 /* and not more often */

atomic_bool carriers_park;

/* ---- what is shared -------------------------------------------------------------------------- */

double carrier_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

void carrier_keep(struct carrier *carrier)
{
    atomic_fetch_add(&carrier->refs, 1);
}

void carrier_drop(struct carrier *carrier)
{
    if (atomic_fetch_sub(&carrier->refs, 1) != 1) {
        return;
    }
    if (carrier->news >= 0) {
        close(carrier->news);
    }
    if (carrier->wake >= 0) {
        close(carrier->wake);
    }
    if (carrier->epoll >= 0) {
        close(carrier->epoll);
    }
    pthread_mutex_destroy(&carrier->lock);
    free(carrier);
}

void route_drop(struct route *route)
{
    if (atomic_fetch_sub(&route->refs, 1) == 1) {
        nats_options_free(route->options);
        carrier_drop(route->carrier);
        free(route);
    }
}

static void ring(int fd)
{
    uint64_t one = 1;

    if (write(fd, &one, sizeof one) < 0) {
        return; /* it is rung already */
    }
}

void carrier_wake(struct carrier *carrier)
{
    if (!carrier->wakened) {
        carrier->wakened = true;
        ring(carrier->wake);
    }
}

struct notice *carrier_notice(struct route *route, enum notice_kind kind, size_t room)
{
    struct notice *notice = malloc(sizeof *notice + room);

    if (notice) {
        memset(notice, 0, sizeof *notice);
        notice->route = route;
        notice->kind = kind;
        notice->size = sizeof *notice + room;
        atomic_fetch_add(&route->refs, 1);
    }
    return notice;
}

void notice_free(struct notice *notice)
{
    route_drop(notice->route);
    free(notice);
}

void carrier_tell(struct carrier *carrier, struct notice *notice)
{
    pthread_mutex_lock(&carrier->lock);
    bool taken = !carrier->leaving;
    if (taken) {
        if (atomic_fetch_add(&carrier->untold, notice->size) > CARRIER_HIGH) {
            carrier_wake(carrier);
        }
        queue_append(&carrier->notices, &notice->entry);
        if (!carrier->newsy) {
            carrier->newsy = true;
            ring(carrier->news);
        }
    }
    pthread_mutex_unlock(&carrier->lock);
    if (!taken) {
        notice_free(notice);
    }
}

/* ---- routes ---------------------------------------------------------------------------------- */

static void schedule(struct route *route, double at)
{
    struct carrier *carrier = route->carrier;

    route->due = at;
    at = at < carrier->seen + least_idle ? carrier->seen + least_idle : at;
    carrier->due = at < carrier->due ? at : carrier->due;
}

/* From 0 to 1. */
static double chance(struct carrier *carrier)
{
    carrier->chance ^= carrier->chance << 13;
    carrier->chance ^= carrier->chance >> 7;
    carrier->chance ^= carrier->chance << 17;
    return (double) (carrier->chance >> 11) / (double) (UINT64_C(1) << 53);
}

static bool tell(struct route *route, enum notice_kind kind, int code, const char *text)
{
    size_t size = text ? strlen(text) + 1 : 0;
    struct notice *notice = carrier_notice(route, kind, size);

    if (notice) {
        notice->number = route->number;
        notice->code = code;
        notice->text = text ? memcpy(notice + 1, text, size) : NULL;
        carrier_tell(route->carrier, notice);
    }
    return notice;
}

static void free_order(struct order *order)
{
    if (order->kind == ORDER_PUBLISH || order->kind == ORDER_DELETE) {
        atomic_fetch_sub(&order->route->waiting, order_weight(order->size));
    }
    free(order);
}

static void drop_backlog(struct route *route)
{
    while (!queue_is_empty(&route->backlog)) {
        free_order(NODE_OWNER(queue_take(&route->backlog), struct order, entry));
    }
}

static void finish(struct route *route)
{
    drop_backlog(route);
    hear_free(route);
    node_remove(&route->of_carrier);
    node_remove(&route->of_busy);
    route_drop(route);
}

/* The line goes, if there is one. */
static void part(struct route *route)
{
    struct line *line = route->line;

    atomic_store(&route->fd, -1);
    route->line = NULL;
    if (line && route->state == ROUTE_CONNECTING) {
        line_give_up(line);
    } else if (line) {
        line_close(line);
        line_drop(line);
    }
    hear_end(route);
    drop_backlog(route);
    route->state = ROUTE_WAITING;
}

/* When it is tried again. */
static void plan(struct route *route, bool was_up)
{
    size_t count = route->options->count;
    double pause = 0;

    route->server = (route->server + 1) % count;
    route->tries = was_up ? 0 : route->tries + 1;
    if (was_up) {
        route->final = 0;
        route->pause = 0;
    }
    if (route->tries % count == 0) {
        route->pause = route->pause * growth;
        route->pause = route->pause < first_pause  ? first_pause
                       : route->pause > last_pause ? last_pause
                                                   : route->pause;
        pause = route->pause * (0.5 + chance(route->carrier));
    }
    schedule(route, carrier_now() + pause);
}

/* The connection is lost, or could not be made. */
static void lose(struct route *route, int code, unsigned patience, const char *text)
{
    bool was_up = route->state == ROUTE_UP;
    char copy[COURIER_SENTENCE];

    snprintf(copy, sizeof copy, "%s", text); /* it may be the line's */
    part(route);
    if (route->ending) {
        finish(route);
        return;
    }
    route->final = patience > 0 ? route->final + 1 : 0;
    if (!route->ever_up && patience > 0 && route->final >= patience * route->options->count) {
        route->state = ROUTE_REFUSED;
        tell(route, NOTICE_REFUSED, code, copy);
        return;
    }
    if (was_up || code != route->told) {
        route->told = tell(route, NOTICE_DOWN, code, copy) ? code : 0;
    }
    plan(route, was_up);
}

static void lose_broken(struct route *route, const char *why)
{
    char text[COURIER_SENTENCE];

    snprintf(text, sizeof text, "the connection to the NATS server %.200s broke: %.150s",
             route->options->servers[route->line->server].place, why);
    lose(route, WMS_E_UNREACHABLE, 0, text);
}

/* Whether the connection is there; if not, the route may be freed. */
static bool holds(struct route *route)
{
    const char *text = NULL;

    if (atomic_load(&route->line->starved)) {
        lose_broken(route, "memory ran out for a message");
        return false;
    }
    if (!natsConnection_IsClosed(route->line->nc)) {
        return true;
    }
    if (natsConnection_GetLastError(route->line->nc, &text) == NATS_OK || !text || !*text) {
        text = "the server closed it";
    }
    lose_broken(route, text);
    return false;
}

static void watch(struct route *route)
{
    struct carrier *carrier = route->carrier;
    struct line *line = route->line;
    struct epoll_event event = {.data.ptr = route};

    event.events = (carrier->full ? 0u : (unsigned) (EPOLLIN | EPOLLRDHUP)) |
                   (atomic_load(&line->writing) ? (unsigned) EPOLLOUT : 0u);
    if (event.events != line->events && line->fd >= 0) {
        epoll_ctl(carrier->epoll, EPOLL_CTL_MOD, line->fd, &event);
        line->events = event.events;
    }
}

static natsStatus publish(struct route *route, const struct order *order)
{
    natsConnection *nc = route->line->nc;
    natsMsg *message = NULL;

    if (order->kind == ORDER_PUBLISH) {
        return order->reply
                   ? natsConnection_PublishRequest(nc, order->subject, order->reply, order->data,
                                                   (int) order->size)
                   : natsConnection_Publish(nc, order->subject, order->data, (int) order->size);
    }
    natsStatus status = natsMsg_Create(&message, order->subject, order->reply, NULL, 0);
    if (status == NATS_OK) {
        status = natsMsgHeader_Set(message, "KV-Operation", "DEL");
    }
    if (status == NATS_OK) {
        status = natsConnection_PublishMsg(nc, message);
    }
    natsMsg_Destroy(message);
    return status;
}

/* Gives libnats what it can take.  False: the connection has gone. */
static bool feed(struct route *route)
{
    struct line *line = route->line;
    int limit = line->tls ? FEED_TLS : FEED_PLAIN, waiting = natsConnection_Buffered(line->nc);

    while (!queue_is_empty(&route->backlog) && waiting >= 0 && waiting < limit) {
        struct order *order = NODE_OWNER(queue_take(&route->backlog), struct order, entry);
        natsStatus status =
            order->number == route->number ? publish(route, order) : NATS_OK; /* of the last one */
        waiting += (int) order->size + 64; /* about; what exactly is asked again */
        if (status == NATS_MAX_PAYLOAD) {
            tell(route, NOTICE_FORBIDDEN, 0, nats_GetLastError(NULL));
            status = NATS_OK;
        }
        free_order(order);
        if (status == NATS_NO_MEMORY) {
            lose_broken(route, "memory ran out");
            return false;
        }
        if (status != NATS_OK) {
            return holds(route);
        }
        if (waiting >= limit) {
            waiting = natsConnection_Buffered(line->nc);
        }
    }
    return true;
}

/* Everything is written: the server is to read it, and to close. */
static void bid_farewell(struct route *route)
{
    if (route->ending && !route->parting && queue_is_empty(&route->backlog) &&
        natsConnection_Buffered(route->line->nc) == 0) {
        route->parting = true;
        shutdown(route->line->fd, SHUT_WR);
    }
}

/* Writes what there is.  `writable`: the kernel takes something, says epoll. */
static void pump(struct route *route, bool writable)
{
    struct line *line = route->line;

    for (;;) {
        if (!feed(route)) {
            return;
        }
        /* With TLS libnats waits until the kernel has taken all, so it is only called when epoll
         * has said that there is room. */
        if (!atomic_load(&line->writing) || (line->tls && !writable)) {
            break;
        }
        natsConnection_ProcessWriteEvent(line->nc);
        if (!holds(route)) {
            return;
        }
        if (atomic_load(&line->writing)) {
            break; /* the kernel takes no more */
        }
        writable = false;
    }
    bid_farewell(route);
    watch(route);
}

/* Whether a whole record of TLS is there: libnats would wait for the rest of it. */
static bool record_is_whole(struct line *line)
{
    unsigned char head[RECORD_HEAD];
    int there = 0, least = RECORD_HEAD;
    ssize_t got = recv(line->fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);

    if (got <= 0) {
        return got == 0 || (errno != EAGAIN && errno != EINTR);
    }
    if (got == RECORD_HEAD) {
        least = RECORD_HEAD + (head[3] << 8 | head[4]);
    }
    bool whole = (ioctl(line->fd, FIONREAD, &there) == 0 && there >= least) || least > RECORD_MAX;
    least = whole ? 1 : least;
    if (least != line->least) {
        setsockopt(line->fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
        line->least = least;
    }
    return whole;
}

static void serve(struct route *route, unsigned events)
{
    struct line *line = route->line;
    bool over = events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP);

    if (over || events & EPOLLIN) {
        line->heard = carrier_now();
        line->pinged = 0;
        if (over || !line->tls || record_is_whole(line)) {
            errno = 0;
            natsConnection_ProcessReadEvent(line->nc);
            if (!holds(route)) {
                return;
            }
        }
    }
    pump(route, events & EPOLLOUT);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void begin(struct route *route)
{
    route->line = line_begin(route);
    if (route->line) {
        route->state = ROUTE_CONNECTING;
        schedule(route, carrier_now() + making_max);
    } else {
        schedule(route, carrier_now() + 1);
    }
}

static void begin_up(struct route *route)
{
    struct carrier *carrier = route->carrier;
    struct line *line = route->line;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = route};

    route->state = ROUTE_UP;
    route->number++;
    line->events = event.events;
    line->heard = carrier_now();
    atomic_store(&route->fd, line->fd);
    int64_t payload = natsConnection_GetMaxPayload(line->nc);
    atomic_store(&route->payload, payload > 0 ? (size_t) payload : COURIER_PAYLOAD);
    if (epoll_ctl(carrier->epoll, EPOLL_CTL_ADD, line->fd, &event) != 0 || !hear_begin(route) ||
        !tell(route, NOTICE_UP, 0, NULL)) {
        lose_broken(route, "memory ran out");
        return;
    }
    route->ever_up = true;
    route->told = 0;
    pump(route, false);
}

/* A connector is done with it. */
static void take_made(struct line *line)
{
    struct route *route = line->route;

    if (line->nc) {
        begin_up(route);
    } else {
        route->state = ROUTE_WAITING; /* nothing is to be given up */
        lose(route, line->code, line->patience, line->text);
    }
    line_drop(line); /* the list's */
}

/* libnats can only send a PING and wait for its answer.  Without TLS it is written past it, between
 * two of its commands; with TLS it waits for a millisecond.  False: it is not sent. */
static bool ping(struct line *line)
{
    static const char command[] = "PING\r\n";

    if (line->tls) {
        natsConnection_FlushTimeout(line->nc, 1);
        return true;
    }
    if (natsConnection_Buffered(line->nc) != 0) {
        return true; /* the server has not taken that either */
    }
    ssize_t sent = send(line->fd, command, sizeof command - 1, MSG_NOSIGNAL | MSG_DONTWAIT);

    return sent < 0 ? errno == EAGAIN : sent == (ssize_t) sizeof command - 1;
}

static void look_at_silence(struct route *route, double now)
{
    struct line *line = route->line;
    double silence = now - line->heard;

    if (route->carrier->full || silence < ping_after * (line->pinged + 1)) {
        return;
    }
    if (silence >= silence_max) {
        lose_broken(route, "the server does not answer");
        return;
    }
    line->pinged++;
    if (ping(line)) {
        pump(route, false);
    } else {
        lose_broken(route, "nothing can be sent to the server");
    }
}

/* What is due has come. */
static void look(struct route *route, double now)
{
    char text[COURIER_SENTENCE];

    if (route->ending) {
        part(route);
        finish(route);
    } else if (route->state == ROUTE_WAITING) {
        begin(route);
    } else if (route->state == ROUTE_CONNECTING && line_waits(route->line, now - making_max)) {
        schedule(route, now + making_max / 2);
    } else if (route->state == ROUTE_CONNECTING) {
        snprintf(text, sizeof text,
                 "the NATS server %.250s does not complete the connection in time",
                 route->options->servers[route->line->server].place);
        lose(route, WMS_E_TIMEOUT, 0, text);
    } else if (route->state == ROUTE_UP) {
        look_at_silence(route, now);
    }
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
            look(route, now);
        } else {
            schedule(route, route->due);
        }
    }
}

/* ---- orders ---------------------------------------------------------------------------------- */

static void end_route(struct route *route)
{
    route->ending = true;
    if (route->state == ROUTE_UP) {
        schedule(route, carrier_now() + parting_max);
        pump(route, false);
    } else {
        part(route);
        finish(route);
    }
}

/* A route that is new has no order yet: the first one makes it the thread's. */
static void meet(struct carrier *carrier, struct route *route)
{
    if (node_alone(&route->of_carrier)) {
        node_append(&carrier->routes, &route->of_carrier);
        route->server = (size_t) (chance(carrier) * (double) route->options->count);
        begin(route);
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
            part(route);
            route->state = ROUTE_REFUSED;
            tell(route, NOTICE_REFUSED, WMS_E_NO_MEMORY, "out of memory");
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
        end_route(route);
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
                free_order(order);
            }
        }
    }
    while (!node_alone(&busy)) {
        struct route *route = NODE_OWNER(node_take(&busy), struct route, of_busy);
        if (route->state == ROUTE_UP) {
            pump(route, false);
        }
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
        take_made(NODE_OWNER(node_take(&made), struct line, of_carrier));
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
        struct route *route = line->route;
        if (route->line == line && route->state == ROUTE_UP && holds(route)) {
            pump(route, false);
        }
        line_drop(line);
    }
    return !leaving || !node_alone(&carrier->routes);
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
            watch(route);
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
                serve(events[i].data.ptr, events[i].events);
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
