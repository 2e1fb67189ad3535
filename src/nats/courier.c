/* SPDX-License-Identifier: MIT */
/* courier.c - the engine's side of a connection to the NATS servers. */
#define _GNU_SOURCE
#include "nats/courier.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nats/carrier.h"

enum {
    TELL_MAX = 256, /* notices in one turn of the loop */
    PARK_MAX = 1000 /* milliseconds that the end of the process waits for the threads */
};

static const double join_max = 1.5; /* seconds */

struct courier {
    const struct wms_services *services;
    wms_engine *engine;
    const struct courier_events *events;
    void *data;
    struct route *route; /* a reference, until it is freed: that is then the thread's */
    bool up;
    unsigned number;       /* of the connection */
    unsigned subscription; /* the last one */
    unsigned *live;        /* subscriptions, ascending */
    size_t count, room;
};

/* ---- the carriers of this process ------------------------------------------------------------ */

/* One for each engine.  The list is a process's: a child begins with an empty one. */
static struct {
    pthread_mutex_t lock;
    atomic_int process; /* 0: none was made yet */
    struct node carriers;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .carriers = {&all.carriers, &all.carriers}};

/* Locks it. */
static void enter(void)
{
    int process = atomic_load(&all.process);

    if (process != 0 && process != getpid()) { /* a forked child, which has one thread */
        pthread_mutex_init(&all.lock, NULL);
        node_init(&all.carriers);
        line_forked();
    }
    pthread_mutex_lock(&all.lock);
    atomic_store(&all.process, getpid());
}

static void leave(void)
{
    pthread_mutex_unlock(&all.lock);
}

/* The process ends: OpenSSL frees what the threads use, after this. */
static void at_exit(void)
{
    bool parked = false;

    atomic_store(&carriers_park, true);
    enter();
    for (int i = 0; i < PARK_MAX && !parked; i++) {
        parked = true;
        for (struct node *node = all.carriers.next; node != &all.carriers; node = node->next) {
            struct carrier *carrier = NODE_OWNER(node, struct carrier, of_process);
            pthread_mutex_lock(&carrier->lock);
            carrier_wake(carrier);
            pthread_mutex_unlock(&carrier->lock);
            parked = parked && atomic_load(&carrier->parked);
        }
        if (!parked) {
            usleep(1000);
        }
    }
    leave();
}

/* With the lock.  A thread may still be inside of OpenSSL when the process ends: so OpenSSL does
 * not clean up then, unless the program uses it already, whose own end then comes behind ours. */
static void prepare_exit(void)
{
    static bool prepared;

    if (!prepared) {
        prepared = OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL) == 1 && atexit(at_exit) == 0;
    }
}

static void take_news(void *data, int events);
static void hand_over(void *data);

static int attach(struct carrier *carrier, const struct wms_services *services, wms_engine *engine)
{
    carrier->services = services;
    carrier->engine = engine;
    carrier->turn = services->timer_new(engine, hand_over, carrier);
    if (!carrier->turn) {
        return WMS_E_NO_MEMORY;
    }
    int error = services->poll_new(engine, carrier->news, take_news, carrier, &carrier->poll);
    return error ? error : services->poll_set(carrier->poll, WMS_READABLE);
}

/* Waits until the thread has ended, but not for long: what was published is written by then. */
static void join(struct carrier *carrier)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    double at = (double) until.tv_nsec / 1e9 + join_max;
    until.tv_sec += (time_t) at;
    until.tv_nsec = (long) ((at - (double) (time_t) at) * 1e9);
    if (pthread_timedjoin_np(carrier->thread, NULL, &until) != 0) {
        pthread_detach(carrier->thread);
    }
}

/* All that is left of the engine's side.  No courier is left, and nothing is told. */
static void detach(struct carrier *carrier)
{
    struct queue left;

    queue_init(&left);
    carrier->services->timer_free(carrier->turn);
    carrier->services->poll_free(carrier->poll);
    enter();
    node_remove(&carrier->of_process);
    leave();
    pthread_mutex_lock(&carrier->lock);
    carrier->leaving = true;
    queue_join(&carrier->orders, &carrier->ordered);
    queue_join(&left, &carrier->noticed);
    queue_join(&left, &carrier->notices);
    carrier_wake(carrier);
    pthread_mutex_unlock(&carrier->lock);
    while (!queue_is_empty(&left)) {
        notice_free(NODE_OWNER(queue_take(&left), struct notice, entry));
    }
    join(carrier);
    carrier_drop(carrier);
}

static void detach_if_unused(struct carrier *carrier)
{
    if (carrier->couriers == 0 && !carrier->telling) {
        detach(carrier);
    }
}

/* In a forked child: the thread is not there, and a lock may be held by nobody.  The memory stays
 * as it is. */
static void abandon(struct carrier *carrier)
{
    carrier->services->timer_free(carrier->turn);
    carrier->services->poll_free(carrier->poll);
    close(carrier->news);
    close(carrier->wake);
    close(carrier->epoll);
}

/* Of the engine, with one courier more. */
static int find(const struct wms_services *services, wms_engine *engine,
                struct carrier **ret_carrier)
{
    struct carrier *carrier = NULL;
    int error = 0;

    enter();
    for (struct node *node = all.carriers.next; node != &all.carriers; node = node->next) {
        struct carrier *other = NODE_OWNER(node, struct carrier, of_process);
        carrier = other->engine == engine ? other : carrier;
    }
    leave();
    if (!carrier) {
        error = carrier_new(&carrier);
        if (!error) {
            error = attach(carrier, services, engine);
            enter();
            prepare_exit();
            node_append(&all.carriers, &carrier->of_process);
            leave();
        }
        if (error && carrier) {
            detach(carrier);
        }
    }
    if (!error) {
        carrier->couriers++;
        *ret_carrier = carrier;
    }
    return error;
}

/* ---- orders ---------------------------------------------------------------------------------- */

/* The end of a turn of the loop. */
static void hand_over(void *data)
{
    struct carrier *carrier = data;

    if (!queue_is_empty(&carrier->ordered)) {
        pthread_mutex_lock(&carrier->lock);
        queue_join(&carrier->orders, &carrier->ordered);
        carrier_wake(carrier);
        pthread_mutex_unlock(&carrier->lock);
    }
}

static struct order *order_new(const struct courier *courier, enum order_kind kind,
                               const char *subject, const char *reply, const void *data,
                               size_t size)
{
    size_t subject_size = subject ? strlen(subject) + 1 : 0,
           reply_size = reply ? strlen(reply) + 1 : 0;
    struct order *order = malloc(sizeof *order + subject_size + reply_size + size);

    if (!order) {
        return NULL;
    }
    char *to = (char *) (order + 1);
    *order = (struct order){
        .route = courier->route, .kind = kind, .number = courier->number, .size = size};
    order->subject = subject ? memcpy(to, subject, subject_size) : NULL;
    order->reply = reply ? memcpy(to + subject_size, reply, reply_size) : NULL;
    order->data = size > 0 ? memcpy(to + subject_size + reply_size, data, size) : "";
    return order;
}

static void give(const struct courier *courier, struct order *order)
{
    struct carrier *carrier = courier->route->carrier;
    bool first = queue_is_empty(&carrier->ordered);

    queue_append(&carrier->ordered, &order->entry);
    if (first) {
        carrier->services->timer_set(carrier->turn, 0);
    }
}

/* No blank, no control character, nothing empty: libnats puts it into its protocol as it is. */
static bool is_subject(const char *text)
{
    const unsigned char *at = (const unsigned char *) text;

    while (*at > ' ' && *at != 0x7f) {
        at++;
    }
    return *text && !*at && at - (const unsigned char *) text <= 1024;
}

static int post(struct courier *courier, enum order_kind kind, const char *subject,
                const char *reply, const void *data, size_t size)
{
    struct route *route = courier->route;

    if (!courier->up) {
        return WMS_E_UNREACHABLE;
    }
    if (size > courier_payload(courier) || size > INT32_MAX || !is_subject(subject) ||
        (reply && !is_subject(reply))) {
        return WMS_E_PROTOCOL;
    }
    if (atomic_load(&route->waiting) + order_weight(size) > COURIER_WAITING_MAX) {
        return WMS_E_BUSY;
    }
    struct order *order = order_new(courier, kind, subject, reply, data, size);
    if (!order) {
        return WMS_E_NO_MEMORY;
    }
    atomic_fetch_add(&route->waiting, order_weight(size));
    give(courier, order);
    return 0;
}

int courier_publish(struct courier *courier, const char *subject, const char *reply,
                    const void *data, size_t size)
{
    return post(courier, ORDER_PUBLISH, subject, reply, data, size);
}

int courier_delete(struct courier *courier, const char *subject, const char *reply)
{
    return post(courier, ORDER_DELETE, subject, reply, NULL, 0);
}

/* ---- subscriptions --------------------------------------------------------------------------- */

static size_t place_of(const struct courier *courier, unsigned subscription)
{
    size_t low = 0, high = courier->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (courier->live[middle] < subscription) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_live(const struct courier *courier, unsigned subscription)
{
    size_t place = place_of(courier, subscription);

    return place < courier->count && courier->live[place] == subscription;
}

static bool make_room(struct courier *courier)
{
    if (courier->count < courier->room) {
        return true;
    }
    size_t room = courier->room ? 2 * courier->room : 4;
    unsigned *more = courier->services->resize(courier->engine, courier->live, room * sizeof *more);
    if (!more) {
        return false;
    }
    courier->live = more;
    courier->room = room;
    return true;
}

int courier_subscribe(struct courier *courier, const char *subject, unsigned *ret_subscription)
{
    if (!is_subject(subject)) {
        return WMS_E_PROTOCOL;
    }
    struct order *order =
        make_room(courier) ? order_new(courier, ORDER_SUBSCRIBE, subject, NULL, NULL, 0) : NULL;
    if (!order) {
        return WMS_E_NO_MEMORY;
    }
    order->number = ++courier->subscription;
    courier->live[courier->count++] = order->number;
    give(courier, order);
    *ret_subscription = order->number;
    return 0;
}

void courier_unsubscribe(struct courier *courier, unsigned subscription)
{
    size_t place = place_of(courier, subscription);

    if (!is_live(courier, subscription)) {
        return;
    }
    courier->count--;
    memmove(courier->live + place, courier->live + place + 1,
            (courier->count - place) * sizeof *courier->live);
    struct order *order = order_new(courier, ORDER_UNSUBSCRIBE, NULL, NULL, NULL, 0);
    if (order) { /* else it goes on to be heard, and is ignored */
        order->number = subscription;
        give(courier, order);
    }
}

/* ---- notices --------------------------------------------------------------------------------- */

static void tell_down(struct courier *courier, int code, const char *text)
{
    courier->up = false;
    courier->events->down(courier->data, code, text);
}

static void tell(struct courier *courier, struct notice *notice)
{
    switch (notice->kind) {
    case NOTICE_UP:
        if (courier->up) { /* memory has run out for what should have said it */
            struct route *route = courier->route;
            tell_down(courier, WMS_E_UNREACHABLE, "the connection to the NATS servers broke");
            if (route->courier != courier) {
                return;
            }
        }
        courier->up = true;
        courier->number = notice->number;
        courier->events->up(courier->data);
        break;
    case NOTICE_DOWN:
        tell_down(courier, notice->code, notice->text);
        break;
    case NOTICE_REFUSED:
        courier->up = false;
        courier->events->refused(courier->data, notice->code, notice->text);
        break;
    case NOTICE_FORBIDDEN:
        if (courier->events->forbidden) {
            courier->events->forbidden(courier->data, notice->text);
        } else {
            courier->services->log(courier->engine, WMS_WARNING, notice->text);
        }
        break;
    case NOTICE_MESSAGE:
        if (is_live(courier, notice->message.subscription)) {
            courier->events->message(courier->data, &notice->message);
        }
        break;
    }
}

static void tell_all(struct carrier *carrier)
{
    carrier->telling = true;
    for (int i = 0; i < TELL_MAX && !queue_is_empty(&carrier->noticed); i++) {
        struct notice *notice = NODE_OWNER(queue_take(&carrier->noticed), struct notice, entry);
        size_t size = notice->size, before;
        if (notice->route->courier) {
            tell(notice->route->courier, notice);
        }
        notice_free(notice);
        before = atomic_fetch_sub(&carrier->untold, size);
        if (before > CARRIER_LOW && before - size <= CARRIER_LOW) {
            pthread_mutex_lock(&carrier->lock);
            carrier_wake(carrier);
            pthread_mutex_unlock(&carrier->lock);
        }
    }
    carrier->telling = false;
}

static void take_news(void *data, int events)
{
    struct carrier *carrier = data;
    uint64_t count;

    (void) events;
    if (read(carrier->news, &count, sizeof count) < 0 && errno != EAGAIN) {
        return;
    }
    pthread_mutex_lock(&carrier->lock);
    carrier->newsy = false;
    queue_join(&carrier->noticed, &carrier->notices);
    pthread_mutex_unlock(&carrier->lock);
    tell_all(carrier);
    if (carrier->couriers == 0) {
        detach(carrier);
    } else if (!queue_is_empty(&carrier->noticed)) { /* in the next turn */
        count = 1;
        if (write(carrier->news, &count, sizeof count) < 0) {
            return;
        }
    }
}

/* ---- couriers -------------------------------------------------------------------------------- */

static struct route *route_new(struct carrier *carrier, struct nats_options *options,
                               struct courier *courier)
{
    struct route *route = calloc(1, sizeof *route);

    if (route) {
        atomic_init(&route->refs, 1);
        atomic_init(&route->fd, -1);
        atomic_init(&route->payload, COURIER_PAYLOAD);
        route->carrier = carrier;
        carrier_keep(carrier);
        route->options = options;
        route->courier = courier;
        queue_init(&route->backlog);
        node_init(&route->of_carrier);
        node_init(&route->of_busy);
    }
    return route;
}

static void free_memory(struct courier *courier)
{
    if (courier->live) {
        courier->services->resize(courier->engine, courier->live, 0);
    }
    courier->services->resize(courier->engine, courier, 0);
}

/* With a route, and the order that makes the thread know it. */
static int begin(struct courier *courier, struct nats_options *options)
{
    struct carrier *carrier = NULL;
    int error = find(courier->services, courier->engine, &carrier);

    if (error) {
        return error;
    }
    courier->route = route_new(carrier, options, courier);
    struct order *order =
        courier->route ? order_new(courier, ORDER_BEGIN, NULL, NULL, NULL, 0) : NULL;
    if (order) {
        give(courier, order);
        return 0;
    }
    if (courier->route) {
        courier->route->options = NULL; /* the caller's */
        route_drop(courier->route);
    }
    carrier->couriers--;
    detach_if_unused(carrier);
    return WMS_E_NO_MEMORY;
}

int courier_new(const struct wms_services *services, wms_engine *engine, const wms_nats *nats,
                const struct courier_events *events, void *data, struct courier **ret_courier)
{
    struct courier *courier = services->resize(engine, NULL, sizeof *courier);
    struct nats_options *options = NULL;
    char complaint[COURIER_SENTENCE];

    if (!courier) {
        return WMS_E_NO_MEMORY;
    }
    *courier =
        (struct courier){.services = services, .engine = engine, .events = events, .data = data};
    int error = nats_options_new(nats, &options, complaint, sizeof complaint);
    if (!error) {
        error = begin(courier, options);
    }
    if (error) {
        if (error == WMS_E_INVALID) {
            services->log(engine, WMS_WARNING, complaint);
        }
        nats_options_free(options);
        free_memory(courier);
        return error;
    }
    *ret_courier = courier;
    return 0;
}

static void free_forked(struct courier *courier)
{
    struct carrier *carrier = courier->route->carrier;
    int fd = atomic_load(&courier->route->fd);

    if (fd >= 0) {
        close(fd);
    }
    courier->route->courier = NULL;
    if (--carrier->couriers == 0) {
        abandon(carrier);
    }
    free_memory(courier);
}

void courier_free(struct courier *courier, bool forked)
{
    if (!courier) {
        return;
    }
    struct carrier *carrier = courier->route->carrier;
    if (forked || carrier->process != getpid()) {
        free_forked(courier);
        return;
    }
    struct order *order = &courier->route->ending_order;
    *order = (struct order){.route = courier->route, .kind = ORDER_END};
    courier->route->courier = NULL;
    give(courier, order);
    hand_over(carrier); /* the program may end without another turn */
    courier->route = NULL;
    free_memory(courier);
    carrier->couriers--;
    detach_if_unused(carrier);
}

size_t courier_payload(const struct courier *courier)
{
    return atomic_load(&courier->route->payload);
}

bool courier_is_up(const struct courier *courier)
{
    return courier->up;
}

size_t courier_waiting(const struct courier *courier)
{
    return atomic_load(&courier->route->waiting);
}

const char *courier_name(const struct courier *courier)
{
    return courier->route->options->name;
}
