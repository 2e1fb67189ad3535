/* SPDX-License-Identifier: MIT */
/* provider_envoy.c - a provider whose hosts carry out commands by themselves.  What one of them
 * does badly, its address says: envoy://missing, envoy://lost and so on.
 *
 * Every host has the sessions 1 of alice, 2 of bob and "c3" of carol, with the identities "one",
 * "two" and "three"; envoy://crowd acts on others besides, in a command on all.  What it is asked
 * goes to the log: "envoy: ..." for a command, and "envoy: list" and "envoy: act" where the engine
 * looks at single sessions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wms/provider.h>

enum { SESSIONS = 3, CROWD = 60 };

static const struct {
    wms_id id;
    const char *user_name, *identity;
} sessions[SESSIONS] = {
    {{.number = 1}, "alice", "one"},
    {{.number = 2}, "bob", "two"},
    {{.text = "c3"}, "carol", "three"},
};

struct conn {
    const struct wms_services *services;
    wms_engine *engine;
    struct wms_link *link;
    unsigned *asked; /* how many commands all connections to hosts of this kind have had */
    char name[40];
    struct wms_timer *timer;
    struct wms_op *op; /* that is under way, and not answered yet */
    const struct wms_errand *errand;
    size_t next; /* the session that is to be told of next */
};

static bool is(const struct conn *conn, const char *name)
{
    return strcmp(conn->name, name) == 0;
}

static void say(const struct conn *conn, const char *text)
{
    conn->services->log(conn->engine, WMS_DEBUG, text);
}

/* ---- outcomes -------------------------------------------------------------------------------- */

static wms_outcome outcome_of(const wms_id *id)
{
    wms_outcome outcome = {.id = id, .state = WMS_FAILED, .changed = -1, .code = WMS_E_NOT_FOUND};

    for (size_t i = 0; i < SESSIONS; i++) {
        const char *text = sessions[i].id.text;
        bool same = text && id->text ? strcmp(text, id->text) == 0
                                     : !text && !id->text && sessions[i].id.number == id->number;
        if (same) {
            outcome.user_name = sessions[i].user_name;
            outcome.identity = sessions[i].identity;
            outcome.state = WMS_VERIFIED;
            outcome.changed = 1;
            outcome.code = 0;
        }
    }
    return outcome;
}

/* Tells of one session; false: all has been told. */
static int tell(struct conn *conn, size_t i)
{
    const struct wms_errand *errand = conn->errand;
    const wms_id more = {.number = 100 + (uint32_t) i};
    const wms_id *id = !errand->all ? &errand->ids[i] : i < SESSIONS ? &sessions[i].id : &more;
    wms_outcome outcome = outcome_of(id);
    const char *meant = errand->all ? NULL : errand->identities[i];

    if (meant && outcome.identity && strcmp(meant, outcome.identity) != 0) {
        outcome = (wms_outcome){.id = id,
                                .identity = meant,
                                .state = WMS_FAILED,
                                .changed = -1,
                                .code = WMS_E_NOT_FOUND,
                                .text = "another session\nhas that id"};
    }
    if (id == &more) {
        outcome = (wms_outcome){.id = id, .state = WMS_REQUESTED, .changed = -1};
    }
    if (is(conn, "notes")) {
        outcome.note = "well\tdone";
    }
    return conn->services->outcome(conn->op, &outcome);
}

static size_t count(const struct conn *conn)
{
    size_t all = is(conn, "crowd") ? CROWD : SESSIONS;

    return conn->errand->all ? all : conn->errand->count;
}

static void answer(struct conn *conn, int code, const char *text)
{
    struct wms_op *op = conn->op;

    conn->op = NULL;
    conn->services->answer(op, code, text);
}

static void lose(struct conn *conn, int code, const char *text)
{
    struct wms_op *op = conn->op;

    conn->op = NULL;
    conn->services->lost(op, code, text);
}

/* What no host should tell; the error that it gives is its text in the log. */
static void tell_badly(struct conn *conn)
{
    static const wms_id odd = {.text = "a b"}, stranger = {.number = 99};
    const wms_id *first = conn->errand->all ? &sessions[0].id : conn->errand->ids;
    wms_outcome outcome = outcome_of(first);
    char text[64];

    if (is(conn, "twice")) {
        conn->services->outcome(conn->op, &outcome);
    } else if (is(conn, "stranger")) {
        outcome.id = &stranger;
    } else if (is(conn, "bad-id")) {
        outcome.id = &odd;
    } else if (is(conn, "no-id")) {
        outcome.id = NULL;
    } else if (is(conn, "odd-state")) {
        outcome.state = (enum wms_state) 77;
    } else if (is(conn, "unsound")) {
        outcome.code = WMS_E_BUSY;
    } else if (is(conn, "no-code")) {
        outcome.state = WMS_UNKNOWN;
    } else if (is(conn, "another")) {
        outcome.identity = "of another";
    } else if (is(conn, "odd-code")) {
        outcome.state = WMS_FAILED;
        outcome.code = -77;
        outcome.changed = 5;
    }
    int error = conn->services->outcome(conn->op, &outcome);
    snprintf(text, sizeof text, "envoy: outcome() said %d", error);
    say(conn, text);
    if (is(conn, "session")) {
        wms_session session;
        wms_session_init(&session);
        session.id = *first;
        if (conn->services->session(conn->op, &session) != WMS_E_PROTOCOL) {
            abort();
        }
    }
    answer(conn, 0, NULL);
}

/* One after the other, each by itself. */
static void fire(void *data)
{
    struct conn *conn = data;

    if (!conn->op) {
        conn->services->up(conn->link);
        return;
    }
    if (conn->next < count(conn)) {
        if (is(conn, "alive")) { /* nothing is told for longer than the timeout */
            conn->services->alive(conn->op);
        } else {
            tell(conn, conn->next);
        }
        conn->next++;
        conn->services->timer_set(conn->timer, is(conn, "alive") ? 0.3 : 0.005);
        return;
    }
    if (is(conn, "alive")) {
        for (size_t i = 0; i < count(conn); i++) {
            tell(conn, i);
        }
    }
    answer(conn, 0, NULL);
}

/* ---- commands -------------------------------------------------------------------------------- */

static void describe(const struct conn *conn, const struct wms_errand *errand)
{
    char text[400];
    int length = snprintf(text, sizeof text, "envoy: %u%s", (unsigned) errand->verb,
                          errand->all ? " all" : "");

    for (size_t i = 0; i < errand->count && length < 200; i++) {
        char number[16];
        snprintf(number, sizeof number, "%u", errand->ids[i].number);
        length += snprintf(text + length, sizeof text - (size_t) length, " %s/%s",
                           errand->ids[i].text ? errand->ids[i].text : number,
                           errand->identities[i] ? errand->identities[i] : "-");
    }
    snprintf(text + length, sizeof text - (size_t) length,
             " %s,%s timeout %g verify %g stable %g deadline %s retries %u",
             errand->message ? errand->message : "-", errand->title ? errand->title : "-",
             errand->timeout, errand->verify, errand->stable,
             errand->deadline < 0    ? "none"
             : errand->deadline < 50 ? "little"
                                     : "much",
             errand->retries);
    say(conn, text);
}

/* Hosts that fail as a whole. */
static bool fails(struct conn *conn)
{
    const struct wms_services *services = conn->services;
    bool first = (*conn->asked)++ == 0;

    if (is(conn, "unsent")) {
        return true;
    }
    if (is(conn, "lost-unsent")) {
        lose(conn, WMS_E_UNREACHABLE, "no way");
        return true;
    }
    if (is(conn, "once-unsent") && first) {
        lose(conn, WMS_E_UNREACHABLE, "no way");
        return true;
    }
    if (is(conn, "broken-unsent") && first) {
        conn->op = NULL;
        services->broken(conn->link, WMS_E_UNREACHABLE, "it broke");
        return true;
    }
    if (is(conn, "unsaid")) { /* that it was sent */
        tell(conn, 0);
        lose(conn, WMS_E_UNREACHABLE, NULL);
        return true;
    }
    services->sent(conn->op);
    if (is(conn, "never")) {
        return true;
    }
    if (is(conn, "refused")) {
        answer(conn, WMS_E_ACCESS_DENIED, "the policy says no");
        return true;
    }
    if ((is(conn, "busy-once") && first) || is(conn, "busy")) {
        answer(conn, WMS_E_BUSY, NULL);
        return true;
    }
    if (is(conn, "lost-once") && first) {
        lose(conn, WMS_E_UNREACHABLE, "no answer");
        return true;
    }
    return false;
}

/* Hosts that have told of their first session when something happens. */
static bool fails_halfway(struct conn *conn)
{
    bool first = *conn->asked == 1;

    if (is(conn, "missing") || is(conn, "half") || is(conn, "lost") || is(conn, "broken") ||
        is(conn, "hung") || (is(conn, "half-once") && first)) {
        tell(conn, 0);
    }
    if (is(conn, "missing")) {
        answer(conn, 0, NULL);
    } else if (is(conn, "half") || (is(conn, "half-once") && first)) {
        answer(conn, WMS_E_BUSY, "too much to do");
    } else if (is(conn, "lost")) {
        lose(conn, WMS_E_UNREACHABLE, "it is gone");
    } else if (is(conn, "broken")) {
        conn->op = NULL;
        conn->services->broken(conn->link, WMS_E_UNREACHABLE, "it broke");
    } else {
        return is(conn, "hung");
    }
    return true;
}

static void command(void *data, struct wms_op *op, const struct wms_errand *errand)
{
    struct conn *conn = data;
    static const char *const bad[] = {"twice",   "stranger", "bad-id",  "no-id",    "odd-state",
                                      "unsound", "no-code",  "another", "odd-code", "session"};

    if (conn->op || !WMS_GIVEN(conn->services, errand, retries)) {
        abort(); /* a spec gives one command at a time */
    }
    conn->op = op;
    conn->errand = errand;
    conn->next = 0;
    describe(conn, errand);
    if (fails(conn) || fails_halfway(conn)) {
        return;
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (is(conn, bad[i])) {
            tell_badly(conn);
            return;
        }
    }
    if (is(conn, "late") || is(conn, "alive")) {
        conn->services->timer_set(conn->timer, 0.005);
        return;
    }
    int error = 0;
    for (size_t i = count(conn); i > 0 && !error; i--) { /* in another order */
        error = tell(conn, i - 1);
    }
    answer(conn, error, NULL);
    if (is(conn, "more")) {
        wms_outcome outcome = outcome_of(&sessions[0].id);
        if (conn->services->outcome(op, &outcome) != WMS_E_PROTOCOL) {
            abort();
        }
    }
}

static void forget(void *data, struct wms_op *op)
{
    struct conn *conn = data;

    if (conn->op == op) {
        say(conn, "envoy: forgotten");
        conn->op = NULL;
    }
}

/* ---- single sessions ------------------------------------------------------------------------- */

static void list(void *data, struct wms_op *op)
{
    struct conn *conn = data;

    say(conn, "envoy: list");
    for (size_t i = 0; i < SESSIONS; i++) {
        wms_session session;
        wms_session_init(&session);
        session.id = sessions[i].id;
        session.user_name = sessions[i].user_name;
        session.identity = sessions[i].identity;
        session.is_orchestratable = 1;
        session.is_own = i == 0;
        conn->services->session(op, &session);
    }
    conn->services->answer(op, 0, NULL);
}

static void act(void *data, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    struct conn *conn = data;

    (void) verb;
    (void) id;
    (void) message;
    say(conn, "envoy: act");
    conn->services->sent(op);
    conn->services->answer(op, 0, NULL);
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

/* ---- connections ----------------------------------------------------------------------------- */

static int begin(const struct wms_provider *self, const struct wms_services *services,
                 wms_engine *engine, struct wms_link *link, const struct wms_address *address,
                 void **ret_connection)
{
    void **slot = services->slot(engine, self);

    if (!*slot) {
        *slot = services->resize(engine, NULL, sizeof(unsigned));
        if (!*slot) {
            return WMS_E_NO_MEMORY;
        }
        memset(*slot, 0, sizeof(unsigned));
    }
    struct conn *conn = services->resize(engine, NULL, sizeof *conn);
    if (!conn) {
        return WMS_E_NO_MEMORY;
    }
    *conn = (struct conn){.services = services, .engine = engine, .link = link, .asked = *slot};
    snprintf(conn->name, sizeof conn->name, "%s", address->host ? address->host : "");
    conn->timer = services->timer_new(engine, fire, conn);
    if (!conn->timer) {
        services->resize(engine, conn, 0);
        return WMS_E_NO_MEMORY;
    }
    *ret_connection = conn;
    if (is(conn, "distant")) {
        services->timer_set(conn->timer, 0.01);
    } else {
        services->up(link);
    }
    return 0;
}

static void end(void *data, bool forked)
{
    struct conn *conn = data;

    (void) forked;
    if (conn->op) {
        abort(); /* it was not forgotten */
    }
    conn->services->timer_free(conn->timer);
    conn->services->resize(conn->engine, conn, 0);
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
        .name = "envoy",
        .can = 1u << WMS_SESSIONS | 1u << WMS_UNLOCK | 1u << WMS_LOCK | 1u << WMS_CLOSE |
               1u << WMS_MESSAGE | 1u << WMS_DISCONNECT,
        .in_flight = 1,
        .connect = begin,
        .disconnect = end,
        .list = list,
        .act = act,
        .forget = forget,
        .observe = observe,
        .unobserve = unobserve,
        .retire = retire,
        /* More than it can; and not WMS_DISCONNECT, which is done session by session. */
        .commands = 1u << WMS_UNLOCK | 1u << WMS_LOCK | 1u << WMS_CLOSE | 1u << WMS_MESSAGE |
                    1u << WMS_THUMBNAIL | 1u << WMS_REBOOT,
        .command = command,
    };

    return &provider;
}
