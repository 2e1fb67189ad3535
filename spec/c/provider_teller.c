/* SPDX-License-Identifier: MIT */
/* provider_teller.c - a provider whose hosts tell of changes, each as its address says:
 *
 *     teller://unsupported   cannot be watched; its session 1 is locked in every second list
 *     teller://blind         cannot be watched any more after 5 ms, the first time
 *     teller://broken        its connection breaks 5 ms after each watch() but the third
 *     teller://again         tells nothing, and wants to be listed again; as `unsupported` else
 *     teller://odd           tells what is odd, and at the end that session 1 is locked
 *     teller://early         has told before the list is answered
 *     teller://moving        retires its connection once
 *     teller://stale         breaks 5 ms after its first watch(); the second connection has told
 *                            that session 1 is locked, and breaks before its list; the third says
 *                            it is not
 *     teller://twice         says twice that it cannot be watched any more, 5 ms after the first
 *                            watch()
 *     teller://late          its second list fails; what it tells then is of a watch that has ended
 *     teller://new           opens a session "c3", of which it says later that it is not locked
 *     teller://own           tells all of session "c2", whose list says that it is the caller's own
 *     teller://hints         tells that both sessions are locked before its second list, where
 *                            session 1 has ended, and session "c2" is disconnected
 *     teller://reused        tells that session 1 is locked before its second list, where another
 *                            session has that id
 *
 * Every host has the sessions 1 and "c2". */
#include <stdlib.h>
#include <string.h>

#include <wms/provider.h>

struct conn {
    const struct wms_services *services;
    wms_engine *engine;
    struct wms_link *link;
    unsigned *counts; /* lists and watches of all connections: they outlive them */
    char name[40];
    struct wms_watcher *watcher, *former;
    struct wms_timer *timer;
};

enum { LISTS, WATCHES, MOVES, COUNTS };

static bool is(const struct conn *conn, const char *name)
{
    return strcmp(conn->name, name) == 0;
}

static wms_session session_of(const char *text, const char *identity, signed char locked)
{
    wms_session session;

    wms_session_init(&session);
    session.id = (wms_id){.text = text, .number = text ? 0 : 1};
    session.identity = identity;
    session.user_name = text ? "bob" : "alice";
    session.state = "Active";
    session.locked = locked;
    return session;
}

static void tell_locked(struct conn *conn, wms_id id, signed char locked)
{
    struct wms_change change;

    wms_change_init(&change, &id);
    change.locked = locked;
    conn->services->changed(conn->watcher, &change);
}

static void tell_gone(struct conn *conn, wms_id id, const char *identity)
{
    struct wms_change change;

    wms_change_init(&change, &id);
    change.identity = identity;
    change.present = false;
    conn->services->changed(conn->watcher, &change);
}

static void tell_session(struct conn *conn, const wms_session *session)
{
    struct wms_change change;

    wms_change_init(&change, &session->id);
    change.identity = session->identity;
    change.session = session;
    change.opened = session->id.text && strcmp(session->id.text, "c3") == 0;
    conn->services->changed(conn->watcher, &change);
}

static void tell_odd(struct conn *conn)
{
    wms_session session = session_of("c2", "another", 0);

    tell_locked(conn, (wms_id){.number = 4294967295}, 1); /* no host has such a session */
    tell_gone(conn, (wms_id){.number = 99}, NULL);        /* nobody knows it */
    tell_gone(conn, (wms_id){.text = "1"}, "not this one");
    tell_session(conn, &session); /* another session has the id */
    tell_session(conn, &session); /* as it is known */
    session.state = "disconnected";
    tell_session(conn, &session);
    session.locked = -1; /* as before */
    session.state = "Active";
    tell_session(conn, &session);
    tell_locked(conn, (wms_id){.text = "1"}, 1); /* the same as the number */
}

static void tell_new(struct conn *conn)
{
    wms_session session = session_of("c3", "third", -1);

    tell_session(conn, &session);
    tell_locked(conn, session.id, 0);
}

static void tell_own(struct conn *conn)
{
    wms_session session = session_of("c2", "second", 1);

    tell_session(conn, &session);
}

static void tell_brief(struct conn *conn, wms_id id)
{
    tell_locked(conn, id, 1);
    tell_locked(conn, id, 0);
    tell_gone(conn, id, NULL);
}

/* Before the second list; no other one follows. */
static void tell_hints(struct conn *conn, wms_session *one, wms_session *two)
{
    tell_locked(conn, one->id, 1);
    if (is(conn, "hints")) {
        tell_locked(conn, two->id, 1);
        two->state = "disconnected";
    } else {
        one->identity = "third";
    }
    conn->watcher->again = 0;
}

/* After unwatch(). */
static void tell_late(struct conn *conn)
{
    conn->watcher = conn->former;
    tell_locked(conn, (wms_id){.number = 1}, 1);
    conn->services->unwatched(conn->former, WMS_E_TIMEOUT, "it is late");
    conn->watcher = NULL;
}

static void fire(void *data)
{
    struct conn *conn = data;
    struct wms_watcher *watcher = conn->watcher;

    if (is(conn, "stale")) {
        conn->services->broken(conn->link, WMS_E_UNREACHABLE, "it broke");
    } else if (watcher && is(conn, "new")) {
        tell_new(conn);
    } else if (watcher && is(conn, "own")) {
        tell_own(conn);
    } else if (is(conn, "late")) {
        tell_late(conn);
    } else if (watcher && is(conn, "twice")) {
        conn->watcher = NULL;
        conn->services->unwatched(watcher, WMS_E_UNREACHABLE, "it has no eyes any more");
        conn->services->unwatched(watcher, WMS_E_TIMEOUT, "it is late");
    } else if (is(conn, "broken")) {
        conn->services->broken(conn->link, WMS_E_UNREACHABLE, "it broke");
        tell_locked(conn, (wms_id){.number = 1}, 1); /* too late */
    } else if (is(conn, "moving")) {
        conn->services->retire(conn->link);
    } else if (watcher && is(conn, "blind")) {
        conn->watcher = NULL;
        conn->services->unwatched(watcher, WMS_E_UNREACHABLE, "it has no eyes any more");
    } else if (watcher && is(conn, "odd")) {
        tell_odd(conn);
    }
}

static int connect_teller(const struct wms_provider *self, const struct wms_services *services,
                          wms_engine *engine, struct wms_link *link,
                          const struct wms_address *address, void **ret_connection)
{
    void **slot = services->slot(engine, self);

    if (!*slot) {
        *slot = services->resize(engine, NULL, COUNTS * sizeof(unsigned));
        if (!*slot) {
            return WMS_E_NO_MEMORY;
        }
        memset(*slot, 0, COUNTS * sizeof(unsigned));
    }
    struct conn *conn = services->resize(engine, NULL, sizeof *conn);
    if (!conn) {
        return WMS_E_NO_MEMORY;
    }
    *conn = (struct conn){.services = services, .engine = engine, .link = link, .counts = *slot};
    strncpy(conn->name, address->host ? address->host : "", sizeof conn->name - 1);
    conn->timer = services->timer_new(engine, fire, conn);
    if (!conn->timer) {
        services->resize(engine, conn, 0);
        return WMS_E_NO_MEMORY;
    }
    *ret_connection = conn;
    services->up(link);
    return 0;
}

static void disconnect_teller(void *data, bool forked)
{
    struct conn *conn = data;

    (void) forked;
    if (conn->watcher) {
        abort(); /* somebody watches still */
    }
    conn->services->timer_free(conn->timer);
    conn->services->resize(conn->engine, conn, 0);
}

static void list(void *data, struct wms_op *op)
{
    struct conn *conn = data;
    bool flips = is(conn, "unsupported") || is(conn, "again");
    unsigned before = conn->counts[LISTS]++;
    wms_session one = session_of(NULL, "first", flips && before % 2),
                two = session_of("c2", "second", 0);

    if (is(conn, "stale") && conn->counts[WATCHES] == 2) {
        tell_locked(conn, one.id, 1);
        return; /* the timer breaks it */
    }
    if (is(conn, "late") && before == 1) {
        conn->services->answer(op, WMS_E_ACCESS_DENIED, "it is shy");
        return;
    }
    bool gone = (is(conn, "brief") || is(conn, "hints")) && before > 0;
    if (is(conn, "brief") && before == 1) {
        tell_brief(conn, one.id);
    }
    if ((is(conn, "hints") || is(conn, "reused")) && before == 1) {
        tell_hints(conn, &one, &two);
    }
    unsigned late = is(conn, "overtaken") ? 1 : 0;
    if ((is(conn, "overtaken") || is(conn, "dawn")) && before >= late) {
        wms_session three = session_of("c3", "third", 0);
        if (before == late) {
            tell_session(conn, &three);
            tell_locked(conn, three.id, 1);
        }
        three.locked = 1;
        conn->services->session(op, &three);
    }
    two.is_own = is(conn, "own") ? 1 : -1;
    if (is(conn, "early")) { /* the list is older than this */
        tell_locked(conn, one.id, 1);
        tell_gone(conn, two.id, NULL);
    }
    if (!gone) {
        conn->services->session(op, &one);
    }
    conn->services->session(op, &two);
    conn->services->answer(op, 0, NULL);
}

static void act(void *data, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    struct conn *conn = data;

    (void) verb;
    (void) id;
    (void) message;
    if (is(conn, "hung")) {
        conn->services->sent(op);
    } else {
        conn->services->answer(op, WMS_E_UNSUPPORTED, NULL);
    }
}

static void forget(void *data, struct wms_op *op)
{
    (void) data;
    (void) op;
}

static void observe(void *data, struct wms_observer *observer, const wms_id *id)
{
    struct conn *conn = data;

    (void) id;
    conn->services->blind(observer, WMS_E_UNSUPPORTED, NULL);
}

static void unobserve(void *data, struct wms_observer *observer)
{
    (void) data;
    (void) observer;
}

static void watch(void *data, struct wms_watcher *watcher)
{
    struct conn *conn = data;
    unsigned watches = ++conn->counts[WATCHES];

    if (conn->watcher) {
        abort(); /* a spec has one watch at a time */
    }
    if (is(conn, "unsupported")) {
        conn->services->unwatched(watcher, WMS_E_UNSUPPORTED, "it tells nothing");
        return;
    }
    bool again = is(conn, "again") || is(conn, "late") || is(conn, "overtaken") ||
                 is(conn, "brief") || is(conn, "hints") || is(conn, "reused");
    watcher->again = again ? 0.05 : 0;
    watcher->data = conn;
    conn->watcher = watcher;
    bool first = watches == 1;
    bool fires = is(conn, "odd") || is(conn, "new") || is(conn, "own") ||
                 (first && (is(conn, "blind") || is(conn, "twice"))) ||
                 (is(conn, "broken") && watches < 3) || (is(conn, "stale") && watches < 3) ||
                 (is(conn, "moving") && conn->counts[MOVES]++ == 0);
    if (fires) {
        conn->services->timer_set(conn->timer, 0.005);
    }
}

static void unwatch(void *data, struct wms_watcher *watcher)
{
    struct conn *conn = data;

    if (conn->watcher != watcher) {
        abort(); /* it has ended */
    }
    conn->watcher = NULL;
    if (is(conn, "late") && !conn->former) {
        conn->former = watcher;
        conn->services->timer_set(conn->timer, 0.005);
    }
}

static void retire(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine)
{
    void **slot = services->slot(engine, self);

    services->resize(engine, *slot, 0);
    *slot = NULL;
}

WMS_API const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    static const struct wms_provider provider = {
        WMS_PROVIDER_HEAD,
        .name = "teller",
        .can = 1u << WMS_SESSIONS | 1u << WMS_UNLOCK,
        .connect = connect_teller,
        .disconnect = disconnect_teller,
        .list = list,
        .act = act,
        .forget = forget,
        .observe = observe,
        .unobserve = unobserve,
        .retire = retire,
        .watch = watch,
        .unwatch = unwatch,
    };

    return &provider;
}
