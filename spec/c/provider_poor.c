/* SPDX-License-Identifier: MIT */
/* provider_poor.c - a provider whose hosts are poor ones.  What a server of it does badly, its
 * address says: poor://late, poor://act-broken and so on.  Part of that is allowed by
 * wms/provider.h; the rest must at least do no harm.
 *
 * Every host has the sessions 1 and "c2", both locked, and does what it is asked unless its name
 * says otherwise. */
#define _GNU_SOURCE /* pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wms/provider.h>

enum { KEPT = 64 };

struct conn {
    const struct wms_services *services;
    wms_engine *engine;
    struct wms_link *link;
    char name[40];
    struct wms_timer *timers[KEPT];
    struct later *laters[KEPT];
    struct wms_poll *poll;
    int pipe[2];
    pthread_t thread;
    bool threaded;
    struct wms_op *waiting;
    bool unlocked, hung;
    struct wms_observer *watched; /* the first, while it is one */
    unsigned looks;
};

/* Something that happens after a while. */
struct later {
    struct conn *conn;
    struct wms_timer *timer;
    struct wms_op *op;
    struct wms_observer *observer;
    bool list, connect, relock, write;
};

static bool is(const struct conn *conn, const char *name)
{
    return strcmp(conn->name, name) == 0;
}

static char blinded; /* what belongs to an observer that has been told so */

static void blind(struct conn *conn, struct wms_observer *observer, int code)
{
    observer->data = &blinded;
    conn->services->blind(observer, code, "it has no eyes");
}

/* ---- later ----------------------------------------------------------------------------------- */

static void drop(struct later *later)
{
    for (int i = 0; i < KEPT; i++) {
        if (later->conn->laters[i] == later) {
            later->conn->laters[i] = NULL;
        }
    }
    later->conn->services->timer_free(later->timer);
    later->conn->services->resize(later->conn->engine, later, 0);
}

static void answer_list(struct conn *conn, struct wms_op *op);
static void show(struct conn *conn, struct wms_observer *observer);

static void fire(void *data)
{
    struct later later = *(struct later *) data;

    drop(data);
    if (later.write) {
        (void) !write(later.conn->pipe[1], "x", 1);
    } else if (later.connect) {
        later.conn->services->up(later.conn->link);
    } else if (later.observer && is(later.conn, "blind-later")) {
        blind(later.conn, later.observer, WMS_E_UNSUPPORTED);
    } else if (later.observer) {
        later.conn->unlocked = true;
        if (later.relock) {
            later.conn->unlocked = false;
        }
        show(later.conn, later.observer);
    } else if (later.list) {
        answer_list(later.conn, later.op);
    } else {
        bool deaf = is(later.conn, "deaf");
        if (deaf) { /* nobody listens: it was forgotten */
            later.conn->services->user(later.op, "dave");
            later.conn->services->note(later.op, "poorer");
        }
        later.conn->services->answer(later.op, 0, NULL);
        if (deaf) {
            later.conn->services->log(later.conn->engine, WMS_DEBUG, "deaf: answered");
        }
    }
}

static void do_later(struct conn *conn, struct later what, double seconds)
{
    struct later *later = conn->services->resize(conn->engine, NULL, sizeof *later);

    *later = what;
    later->conn = conn;
    later->timer = conn->services->timer_new(conn->engine, fire, later);
    for (int i = 0; i < KEPT; i++) {
        if (!conn->laters[i]) {
            conn->laters[i] = later;
            break;
        }
    }
    conn->services->timer_set(later->timer, seconds);
}

/* ---- a thread, as for a library that blocks -------------------------------------------------- */

/* The same without a thread. */
static bool has_pipe(const struct conn *conn)
{
    return is(conn, "pipe-slow");
}

static bool has_thread(const struct conn *conn)
{
    return is(conn, "thread") || is(conn, "thread-slow");
}

static void *work(void *data)
{
    struct conn *conn = data;

    usleep(is(conn, "thread") ? 5000 : 60000);
    while (write(conn->pipe[1], "x", 1) < 0 && errno == EINTR) {
    }
    return NULL;
}

static void worked(void *data, int events)
{
    struct conn *conn = data;
    struct wms_op *op = conn->waiting;
    char byte;

    (void) events;
    if (read(conn->pipe[0], &byte, 1) != 1) {
        return;
    }
    if (conn->threaded) {
        pthread_join(conn->thread, NULL);
        conn->threaded = false;
    }
    conn->waiting = NULL;
    if (op) {
        conn->services->answer(op, 0, NULL);
    }
}

/* ---- connections ----------------------------------------------------------------------------- */

static int begin(const struct wms_provider *self, const struct wms_services *services,
                 wms_engine *engine, struct wms_link *link, const struct wms_address *address,
                 void **ret_connection)
{
    const char *name = address->host ? address->host : "";
    struct conn *conn;

    if (self->can >> 31) {
        services->log(engine, (enum wms_level) 9, "a level of a later version");
    }
    if (strcmp(name, "connect-broken") == 0) {
        services->broken(link, WMS_E_UNREACHABLE, "nobody there");
        return 0;
    }
    if (strcmp(name, "connect-negative") == 0) {
        return WMS_E_TIMEOUT;
    }
    if (strcmp(name, "connect-odd") == 0) {
        return -256;
    }
    if (strcmp(name, "connect-said") == 0) {
        services->broken(link, WMS_E_UNTRUSTED, "a stranger");
        return WMS_E_TIMEOUT;
    }
    if (strcmp(name, "connect-up-negative") == 0) {
        services->up(link);
        return WMS_E_UNREACHABLE;
    }
    conn = services->resize(engine, NULL, sizeof *conn);
    if (!conn) {
        return WMS_E_NO_MEMORY;
    }
    *conn = (struct conn){.services = services, .engine = engine, .link = link, .pipe = {-1, -1}};
    snprintf(conn->name, sizeof conn->name, "%s", name);
    *ret_connection = conn;
    if (has_thread(conn) || has_pipe(conn) || is(conn, "leaky")) {
        if (pipe2(conn->pipe, O_CLOEXEC | O_NONBLOCK) ||
            services->poll_new(engine, conn->pipe[0], worked, conn, &conn->poll) ||
            services->poll_set(conn->poll, WMS_READABLE)) {
            return WMS_E_INTERNAL;
        }
    }
    if (is(conn, "never-once") && !getenv("POOR_NEVER_ONCE")) {
        setenv("POOR_NEVER_ONCE", "yes", 1);
        conn->hung = true;
    }
    if (is(conn, "connect-late")) {
        do_later(conn, (struct later){.connect = true}, 0.005);
    } else if (is(conn, "connect-broken-kept")) {
        services->broken(link, WMS_E_UNREACHABLE, "nobody there");
        services->up(link);
    } else if (!is(conn, "connect-never")) {
        services->up(link);
        services->up(link);
    }
    return 0;
}

static void end(void *data, bool forked)
{
    struct conn *conn = data;

    if (is(conn, "disconnect-broken")) {
        conn->services->broken(conn->link, WMS_E_UNREACHABLE, "at the end");
    }
    if (conn->threaded && !forked) { /* the child has no such thread */
        pthread_join(conn->thread, NULL);
    }
    if (is(conn, "leaky")) { /* its watch and a timer go on */
        conn->services->timer_set(conn->services->timer_new(conn->engine, fire, conn), 1000);
    } else {
        conn->services->poll_free(conn->poll);
    }
    for (int i = 0; i < 2; i++) {
        if (conn->pipe[i] >= 0) {
            close(conn->pipe[i]);
        }
    }
    for (int i = 0; i < KEPT; i++) {
        if (conn->laters[i]) {
            drop(conn->laters[i]);
        }
    }
    conn->services->resize(conn->engine, conn, 0);
}

/* ---- sessions -------------------------------------------------------------------------------- */

static wms_session session_of(uint32_t number, const char *text)
{
    wms_session session = {.id = {.number = number, .text = text},
                           .user_name = "alice",
                           .station_id = -1,
                           .identity = "the first",
#define WMS_X(field, name) .field = -1,
                           WMS_SESSION_FLAGS(WMS_X)
#undef WMS_X
    };
    session.is_orchestratable = 1;
    return session;
}

/* Adds it, and does not care whether the engine wants it. */
static void add(struct conn *conn, struct wms_op *op, uint32_t number, const char *text)
{
    wms_session session = session_of(number, text);

    conn->services->session(op, &session);
}

/* Rows of sessions that have been listed already, which say something else of them. */
static void add_twins(struct conn *conn, struct wms_op *op)
{
    wms_session exempt = session_of(1, NULL), renamed = session_of(0, "c2");

    exempt.is_orchestratable = 0;
    exempt.station_id = 7;
    exempt.locked = 1;
    conn->services->session(op, &exempt);
    add(conn, op, 3, NULL);
    renamed.user_name = "dora";
    renamed.seat = "seat9";
    conn->services->session(op, &renamed);
}

static void answer_list(struct conn *conn, struct wms_op *op)
{
    char text[300];

    add(conn, op, 1, NULL);
    if (is(conn, "list-broken")) {
        conn->services->broken(conn->link, WMS_E_UNREACHABLE, "half a list");
        return;
    }
    if (is(conn, "list-broken-once") && !getenv("POOR_BROKEN_ONCE")) {
        setenv("POOR_BROKEN_ONCE", "yes", 1);
        conn->services->broken(conn->link, WMS_E_UNREACHABLE, "half a list");
        return;
    }
    add(conn, op, 0, "c2");
    if (is(conn, "many")) {
        for (uint32_t id = 2; id <= 100000; id++) {
            add(conn, op, id, NULL);
        }
    } else if (is(conn, "twins")) {
        add_twins(conn, op);
    } else if (is(conn, "duplicates")) {
        add(conn, op, 0, "c2");
    } else if (is(conn, "digits")) { /* 1, in other words */
        add(conn, op, 0, "1");
    } else if (is(conn, "bad-ids")) {
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = 0;
        add(conn, op, UINT32_MAX, NULL);
        add(conn, op, 0, "");
        add(conn, op, 0, "a b");
        add(conn, op, 0, "a\nb");
        add(conn, op, 0, "\377");
        add(conn, op, 0, "4294967295");
        add(conn, op, 0, "99999999999999999999999999");
        add(conn, op, 0, text);
    }
    conn->services->answer(op, 0, NULL);
    if (is(conn, "list-more")) {
        add(conn, op, 77, NULL);
        conn->services->answer(op, 0, NULL);
    }
}

static void list(void *data, struct wms_op *op)
{
    struct conn *conn = data;

    if (is(conn, "never")) {
        return;
    }
    if (is(conn, "late")) {
        do_later(conn, (struct later){.op = op, .list = true}, 0.005);
    } else {
        answer_list(conn, op);
    }
}

static void act(void *data, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    static const struct {
        const char *name;
        int code;
    } codes[] = {
        {"code-positive", 7},   {"code-256", -256},    {"code-512", -512},
        {"code-999", -999},     {"code-min", INT_MIN}, {"code-invalid", WMS_E_INVALID},
        {"code-unknown", -120},
    };
    struct conn *conn = data;
    const struct wms_services *services = conn->services;

    (void) message;
    if (is(conn, "never") || conn->hung) {
        services->sent(op);
        return;
    }
    if (is(conn, "unsent")) {
        return;
    }
    if (is(conn, "act-broken")) {
        services->broken(conn->link, WMS_E_UNREACHABLE, "in the middle");
        return;
    }
    services->sent(op);
    services->sent(op);
    services->user(op, "bob");
    services->user(op, "carol");
    services->note(op, "poor");
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (is(conn, codes[i].name)) {
            services->answer(op, codes[i].code, "odd");
            return;
        }
    }
    if (is(conn, "late") || is(conn, "deaf")) {
        do_later(conn, (struct later){.op = op}, is(conn, "late") ? 0.005 : 1e6);
        if (is(conn, "deaf")) {
            services->log(conn->engine, WMS_DEBUG, "deaf: asked");
        }
    } else if (has_thread(conn) || has_pipe(conn)) {
        if (conn->waiting || conn->threaded) {
            services->answer(op, WMS_E_BUSY, NULL);
        } else if (has_pipe(conn)) {
            conn->waiting = op;
            do_later(conn, (struct later){.write = true}, 0.06);
        } else {
            conn->waiting = op;
            conn->threaded = pthread_create(&conn->thread, NULL, work, conn) == 0;
        }
    } else if (is(conn, "act-sent-broken")) {
        services->broken(conn->link, WMS_E_UNREACHABLE, "in the middle");
        services->broken(conn->link, WMS_E_TIMEOUT, "again");
    } else if (is(conn, "act-broken-answer")) {
        services->broken(conn->link, WMS_E_UNREACHABLE, "in the middle");
        services->answer(op, 0, NULL);
    } else if (is(conn, "act-answer-broken")) {
        services->answer(op, 0, NULL);
        services->broken(conn->link, WMS_E_UNREACHABLE, "after it");
    } else if (is(conn, "act-broken-lost")) {
        services->broken(conn->link, WMS_E_UNREACHABLE, "in the middle");
        services->lost(op, WMS_E_UNREACHABLE, "lost");
    } else if (is(conn, "lost")) {
        services->lost(op, WMS_E_UNREACHABLE, "lost");
    } else if (is(conn, "act-blind")) { /* it could be seen again, and is as asked: but not without
                                           a gap */
        conn->unlocked = true;
        if (conn->watched) {
            struct wms_observer *observer = conn->watched;
            conn->watched = NULL;
            blind(conn, observer, WMS_E_UNSUPPORTED);
        }
        services->answer(op, 0, NULL);
    } else if (is(conn,
                  "see-stale")) { /* somebody is faster: it is locked again, and nobody is told */
        conn->unlocked = false;
        services->answer(op, 0, NULL);
    } else if (is(conn, "see-blind-once")) {
        conn->unlocked = true;
        services->answer(op, 0, NULL);
    } else if (is(conn, "twice")) {
        services->answer(op, 0, NULL);
        services->answer(op, WMS_E_ACCESS_DENIED, "no");
        services->lost(op, WMS_E_UNREACHABLE, "lost");
        services->note(op, "poorer");
        services->sent(op);
    } else {
        if (verb == WMS_UNLOCK && id->number == 1 && strncmp(conn->name, "see-", 4) != 0 &&
            !is(conn, "blind-later")) {
            conn->unlocked = true;
        }
        services->answer(op, 0, NULL);
    }
}

static void forget(void *data, struct wms_op *op)
{
    struct conn *conn = data;

    if (conn->waiting == op) {
        conn->waiting = NULL;
    }
    for (int i = 0; i < KEPT; i++) {
        if (conn->laters[i] && conn->laters[i]->op == op && is(conn, "deaf")) { /* now it answers */
            conn->services->timer_set(conn->laters[i]->timer, 0.001);
        } else if (conn->laters[i] && conn->laters[i]->op == op) {
            drop(conn->laters[i]);
        }
    }
}

/* ---- observation ----------------------------------------------------------------------------- */

static void show(struct conn *conn, struct wms_observer *observer)
{
    struct wms_sight sight = {.present = !is(conn, "see-gone"), .locked = !conn->unlocked};

    if (is(conn, "see-unknown")) {
        sight.locked = -1;
    }
    conn->services->seen(observer, &sight);
}

static void observe(void *data, struct wms_observer *observer, const wms_id *id)
{
    struct conn *conn = data;

    (void) id;
    if (is(conn, "see-never")) {
        return;
    }
    if (is(conn, "see-stale") && conn->looks == 0) {
        conn->unlocked = true; /* as it is before the action */
    }
    bool first = conn->looks++ == 0;
    conn->watched = first ? observer : conn->watched;
    if (is(conn, "see-blind") || (is(conn, "see-blind-once") && first)) {
        blind(conn, observer, WMS_E_UNSUPPORTED);
    } else if (is(conn, "see-broken")) {
        conn->services->broken(conn->link, WMS_E_UNREACHABLE, "it fell over");
    } else if (is(conn, "see-broken-blind")) {
        conn->services->broken(conn->link, WMS_E_UNREACHABLE, "it fell over");
        blind(conn, observer, WMS_E_UNREACHABLE);
    } else if (is(conn, "see-blind-broken")) {
        blind(conn, observer, WMS_E_UNREACHABLE);
        conn->services->broken(conn->link, WMS_E_UNREACHABLE, "it fell over");
    } else if (is(conn, "blind-later")) {
        show(conn, observer);
        do_later(conn, (struct later){.observer = observer}, 0.005);
    } else {
        show(conn, observer);
        show(conn, observer);
        if (is(conn, "see-late") || is(conn, "see-revert")) {
            do_later(conn, (struct later){.observer = observer}, 0.01);
        }
        if (is(conn, "see-revert")) {
            do_later(conn, (struct later){.observer = observer, .relock = true}, 0.02);
        }
    }
}

static void unobserve(void *data, struct wms_observer *observer)
{
    struct conn *conn = data;

    if (observer->data == &blinded) {
        abort(); /* it has been said that nothing is observed any more */
    }
    conn->watched = conn->watched == observer ? NULL : conn->watched;
    for (int i = 0; i < KEPT; i++) {
        if (conn->laters[i] && conn->laters[i]->observer == observer) {
            drop(conn->laters[i]);
        }
    }
}

/* ---- the provider, or something that is none ------------------------------------------------- */

WMS_API const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    static struct wms_provider provider = {
        WMS_PROVIDER_HEAD,
        .name = "poor",
        .can = 1u << WMS_SESSIONS | 1u << WMS_UNLOCK | 1u << WMS_LOCK | 1u << WMS_CLOSE,
        .in_flight = 8,
        .connect = begin,
        .disconnect = end,
        .list = list,
        .act = act,
        .forget = forget,
        .observe = observe,
        .unobserve = unobserve,
    };
    const char *kind = getenv("POOR_PROVIDER");

    if (!kind) {
        return &provider;
    }
    if (strcmp(kind, "abi") == 0) {
        provider.abi = WMS_PROVIDER_ABI + 1;
        provider.name = (const char *) 8; /* what is there in another version */
    } else if (strcmp(kind, "short") == 0) {
        provider.size = 16;
        provider.name = (const char *) 8;
    } else if (strcmp(kind, "newer") ==
               0) { /* a later version of this ABI, with more of everything */
        provider.size += 64;
        provider.session_size += 64;
        provider.sight_size += 64;
        provider.can |= 1u << 31;
    } else if (strcmp(kind, "headless") == 0) {
        provider.session_size = provider.sight_size = 0;
    } else if (strcmp(kind, "nameless") == 0) {
        provider.name = NULL;
    } else if (strcmp(kind, "name") == 0) {
        provider.name = "rich";
    } else if (strcmp(kind, "holes") == 0) {
        provider.forget = NULL;
    } else if (strcmp(kind, "null") == 0) {
        return NULL;
    }
    return &provider;
}
