/* SPDX-License-Identifier: MIT */
/* provider_caller.c - a provider whose hosts can be called and want to be bound: caller://NAME.
 * What becomes of a call its operation says, what is odd about a host its name.
 *
 * Every host has the session 1.  Its certificate has the fingerprint "AB", its administrator the
 * password "right". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wms/provider.h>

enum { KEPT = 16, BYTES = 256 };

/* What the provider keeps for an engine. */
struct kept {
    unsigned connections, alive; /* made so far; there now */
};

struct conn {
    const struct wms_provider *self;
    const struct wms_services *services;
    wms_engine *engine;
    struct wms_link *link;
    char name[40];
    unsigned number, calls;
    bool reached;
    struct later *laters[KEPT];
    const struct wms_call *bind;
};

/* Something that happens after a while. */
struct later {
    struct conn *conn;
    struct wms_timer *timer;
    struct wms_op *op;
    void (*then)(struct conn *conn, struct wms_op *op);
    unsigned times;
};

static bool is(const struct conn *conn, const char *name)
{
    return strcmp(conn->name, name) == 0;
}

/* True the first time that a name is met in this process. */
static bool first(const char *name)
{
    char variable[80];

    snprintf(variable, sizeof variable, "CALLER_%s", name);
    if (getenv(variable)) {
        return false;
    }
    setenv(variable, "met", 1);
    return true;
}

/* ---- values ---------------------------------------------------------------------------------- */

static wms_value text_of(const char *name, const char *text)
{
    return (wms_value){.kind = text ? WMS_STRING : WMS_NIL,
                       .name = name,
                       .text = text,
                       .size = text ? strlen(text) : 0};
}

static wms_value number_of(const char *name, uint64_t number)
{
    return (wms_value){.kind = WMS_NATURAL, .name = name, .natural = number};
}

static wms_value tree_of(enum wms_kind kind, const char *name, const wms_value *items, size_t size)
{
    return (wms_value){.kind = kind, .name = name, .items = items, .size = size};
}

#define TABLE_OF(name, items) tree_of(WMS_TABLE, name, items, sizeof(items) / sizeof *(items))

/* ---- later ----------------------------------------------------------------------------------- */

static void drop(struct later *later)
{
    struct conn *conn = later->conn;

    for (int i = 0; i < KEPT; i++) {
        if (conn->laters[i] == later) {
            conn->laters[i] = NULL;
        }
    }
    conn->services->timer_free(later->timer);
    conn->services->resize(conn->engine, later, 0);
}

static void fire(void *data)
{
    struct later *later = data, copy = *later;

    if (later->times > 0) {
        later->times--;
        copy.conn->services->alive(later->op);
        copy.conn->services->timer_set(later->timer, 0.3);
        return;
    }
    drop(later);
    copy.then(copy.conn, copy.op);
}

/* NO_MEMORY is the answer when there is none. */
static struct later *do_later(struct conn *conn, struct wms_op *op,
                              void (*then)(struct conn *, struct wms_op *), double seconds)
{
    const struct wms_services *services = conn->services;
    struct later *later = services->resize(conn->engine, NULL, sizeof *later);
    int i = 0;

    if (later) {
        *later = (struct later){.conn = conn,
                                .op = op,
                                .then = then,
                                .timer = services->timer_new(conn->engine, fire, later)};
        if (!later->timer) {
            services->resize(conn->engine, later, 0);
            later = NULL;
        }
    }
    while (i < KEPT && conn->laters[i]) {
        i++;
    }
    if (!later || i == KEPT) {
        if (later) {
            drop(later);
        }
        services->answer(op, WMS_E_NO_MEMORY, NULL);
        return NULL;
    }
    conn->laters[i] = later;
    services->timer_set(later->timer, seconds);
    return later;
}

static void answer(struct conn *conn, struct wms_op *op)
{
    conn->services->answer(op, 0, NULL);
}

/* ---- connections ----------------------------------------------------------------------------- */

static struct kept *kept_of(const struct wms_provider *self, const struct wms_services *services,
                            wms_engine *engine)
{
    void **slot = services->slot(engine, self);

    if (!*slot) {
        struct kept *kept = services->resize(engine, NULL, sizeof *kept);
        if (!kept) {
            return NULL;
        }
        *kept = (struct kept){0};
        *slot = kept;
    }
    return *slot;
}

static int begin(const struct wms_provider *self, const struct wms_services *services,
                 wms_engine *engine, struct wms_link *link, const struct wms_address *address,
                 void **ret_connection)
{
    struct kept *kept = kept_of(self, services, engine);
    struct conn *conn = kept ? services->resize(engine, NULL, sizeof *conn) : NULL;

    if (!conn) {
        return WMS_E_NO_MEMORY;
    }
    *conn = (struct conn){.self = self,
                          .services = services,
                          .engine = engine,
                          .link = link,
                          .number = ++kept->connections};
    kept->alive++;
    snprintf(conn->name, sizeof conn->name, "%s", address->host ? address->host : "");
    *ret_connection = conn;
    if (strncmp(conn->name, "ready", 5) == 0) {
        services->ready(link);
        services->ready(link);
    } else if (!is(conn, "nobody")) {
        conn->reached = true;
        services->up(link);
    }
    return 0;
}

static void end(void *data, bool forked)
{
    struct conn *conn = data;

    (void) forked;
    kept_of(conn->self, conn->services, conn->engine)->alive--;
    for (int i = 0; i < KEPT; i++) {
        if (conn->laters[i]) {
            drop(conn->laters[i]);
        }
    }
    conn->services->resize(conn->engine, conn, 0);
}

/* The host answers for the first time, or does not. */
static bool reach(struct conn *conn)
{
    if (!conn->reached && is(conn, "ready-broken")) {
        conn->services->broken(conn->link, WMS_E_UNTRUSTED, "a stranger");
        return false;
    }
    if (!conn->reached && is(conn, "ready-nobody")) {
        conn->services->broken(conn->link, WMS_E_UNREACHABLE, "nobody there");
        return false;
    }
    if (is(conn, "ready-never")) {
        return false;
    }
    if (!conn->reached) {
        conn->reached = true;
        conn->services->up(conn->link);
        conn->services->up(conn->link);
    }
    return true;
}

/* ---- sessions -------------------------------------------------------------------------------- */

static void list(void *data, struct wms_op *op)
{
    struct conn *conn = data;
    wms_session session;
    char told[BYTES];

    if (!reach(conn)) {
        return;
    }
    if (op->all) {
        conn->services->sent(op);
        if (is(conn, "list-never")) {
            return;
        }
    }
    snprintf(told, sizeof told, "%d %s %s", (int) op->verb, op->all ? "all" : "none",
             op->message ? op->message : "-");
    wms_session_init(&session);
    session.id.number = 1;
    session.user_name = told;
    session.win_station = "WinSta0";
    conn->services->session(op, &session);
    conn->services->answer(op, 0, NULL);
}

static void act(void *data, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    struct conn *conn = data;

    (void) id, (void) message;
    if (reach(conn)) {
        conn->services->sent(op);
        conn->services->note(op,
                             op->verb == verb && !op->all && !op->message ? "of an action" : "odd");
        conn->services->answer(op, 0, NULL);
    }
}

static void forget(void *data, struct wms_op *op)
{
    struct conn *conn = data;

    for (int i = 0; i < KEPT; i++) {
        if (conn->laters[i] && conn->laters[i]->op == op) {
            drop(conn->laters[i]);
        }
    }
}

static void observe(void *data, struct wms_observer *observer, const wms_id *id)
{
    struct conn *conn = data;
    char text[BYTES];

    (void) id;
    snprintf(text, sizeof text, "it was to see whether verb %d comes true", (int) observer->verb);
    conn->services->blind(observer, WMS_E_UNSUPPORTED, text);
}

static void unobserve(void *data, struct wms_observer *observer)
{
    (void) data, (void) observer;
    abort(); /* nothing is observed */
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void call_fail(struct conn *conn, struct wms_op *op)
{
    const wms_value items[] = {text_of("detail", "told all the same")},
                    table = TABLE_OF(NULL, items);

    conn->services->sent(op);
    conn->services->result(op, &table);
    conn->services->answer(op, WMS_E_ACCESS_DENIED, "not you");
}

static void call_values(struct conn *conn, struct wms_op *op)
{
    const wms_value row[] = {number_of("id", 7), text_of("name", "")},
                    rows[] = {TABLE_OF(NULL, row), TABLE_OF(NULL, row)};
    const wms_value items[] = {
        {.kind = WMS_NIL, .name = "nothing"},
        {.kind = WMS_BOOLEAN, .name = "yes", .integer = 1},
        {.kind = WMS_BOOLEAN, .name = "no"},
        {.kind = WMS_INTEGER, .name = "below", .integer = -5},
        {.kind = WMS_INTEGER, .name = "lowest", .integer = INT64_MIN},
        number_of("zero", 0),
        number_of("exact", UINT64_C(9007199254740992)),
        number_of("large", INT64_MAX),
        number_of("largest", UINT64_MAX),
        {.kind = WMS_STRING, .name = "bytes", .text = "a\0\377\n", .size = 4},
        tree_of(WMS_LIST, "rows", rows, 2),
        tree_of(WMS_LIST, "none", NULL, 0),
        tree_of(WMS_TABLE, "empty", NULL, 0),
    };
    const wms_value table = TABLE_OF(NULL, items);

    conn->services->result(op, &table);
    conn->services->result(op, &table);
    conn->services->answer(op, 0, NULL);
}

static void call_broken(struct conn *conn, struct wms_op *op)
{
    conn->services->sent(op);
    conn->services->broken(conn->link, WMS_E_UNREACHABLE, "in the middle");
}

static void call_count(struct conn *conn, struct wms_op *op)
{
    const struct kept *kept = kept_of(conn->self, conn->services, conn->engine);
    const wms_value items[] = {number_of("connection", conn->number),
                               number_of("calls", ++conn->calls), number_of("alive", kept->alive)};
    const wms_value table = TABLE_OF(NULL, items);

    conn->services->result(op, &table);
    conn->services->answer(op, 0, NULL);
}

static void call_broken_once(struct conn *conn, struct wms_op *op)
{
    const wms_value items[] = {text_of("of", "a first try")}, table = TABLE_OF(NULL, items);

    if (first(conn->name)) {
        conn->services->result(op, &table);
        conn->services->broken(conn->link, WMS_E_UNREACHABLE, "once");
    } else {
        conn->services->answer(op, 0, NULL);
    }
}

static void call_transport(struct conn *conn, struct wms_op *op)
{
    const wms_transport *transport = conn->services->transport(conn->engine);
    const wms_value items[] = {number_of("connections", transport->connections),
                               number_of("answer_size", transport->answer_size),
                               text_of("proxy", transport->proxy)};
    const wms_value table = TABLE_OF(NULL, items);

    conn->services->result(op, &table);
    conn->services->answer(op, 0, NULL);
}

static void call_load(struct conn *conn, struct wms_op *op)
{
    const char *text = "no text";
    wms_value *binding = NULL;
    int error = conn->services->load(conn->link, &binding, &text);

    if (!error) {
        error = conn->services->result(op, binding);
        text = NULL;
    }
    conn->services->drop(conn->engine, binding);
    conn->services->answer(op, error, text);
}

static void call_save(struct conn *conn, struct wms_op *op, const struct wms_call *call)
{
    const char *text = "no text";
    int error = conn->services->save(conn->link, call->arguments, &text);

    conn->services->answer(op, error, error ? text : NULL);
}

static void call_late(struct conn *conn, struct wms_op *op)
{
    conn->services->sent(op);
    do_later(conn, op, answer, 0.02);
}

static void call_alive(struct conn *conn, struct wms_op *op)
{
    struct later *later = do_later(conn, op, answer, 0.3);

    conn->services->sent(op);
    if (later) {
        later->times = 4;
    }
}

static void call_never(struct conn *conn, struct wms_op *op)
{
    conn->services->sent(op);
}

static void call_unsent(struct conn *conn, struct wms_op *op)
{
    (void) conn, (void) op;
}

static void call_lost(struct conn *conn, struct wms_op *op)
{
    conn->services->sent(op);
    conn->services->lost(op, WMS_E_PROTOCOL, "it makes no sense");
}

static void call_lost_unsent(struct conn *conn, struct wms_op *op)
{
    conn->services->lost(op, WMS_E_PROTOCOL, "it makes no sense");
}

static void call_retire(struct conn *conn, struct wms_op *op)
{
    conn->services->retire(conn->link);
    call_count(conn, op);
}

static const struct {
    const char *name;
    void (*run)(struct conn *conn, struct wms_op *op);
} operations[] = {
    {"none", answer},        {"fail", call_fail},
    {"values", call_values}, {"broken", call_broken},
    {"count", call_count},   {"again", call_broken_once},
    {"load", call_load},     {"transport", call_transport},
    {"late", call_late},     {"alive", call_alive},
    {"never", call_never},   {"unsent", call_unsent},
    {"lost", call_lost},     {"lost-unsent", call_lost_unsent},
    {"retire", call_retire},
};

/* ---- bindings -------------------------------------------------------------------------------- */

static void want(struct conn *conn, struct wms_op *op)
{
    conn->services->want(op);
    if (is(conn, "bind-twice")) {
        conn->services->want(op);
    }
    if (is(conn, "bind-broken") && first(conn->name)) {
        conn->services->broken(conn->link, WMS_E_UNREACHABLE, "while it waits");
    }
}

static void begin_bind(struct conn *conn, struct wms_op *op, const struct wms_call *call)
{
    const wms_value items[] = {text_of("fingerprint", "AB"), text_of("thumbprint", "CD")},
                    table = TABLE_OF(NULL, items);

    conn->bind = call;
    if (!call->fingerprint || strcmp(call->fingerprint, "AB") != 0) {
        int error = conn->services->result(op, &table);
        conn->services->answer(op, error ? error : WMS_E_UNTRUSTED,
                               error ? NULL : "its fingerprint is AB");
    } else if (is(conn, "bind-late")) {
        do_later(conn, op, want, 0.01);
    } else {
        want(conn, op);
    }
}

static void secret(void *data, struct wms_op *op, const char *password)
{
    struct conn *conn = data;
    const struct wms_services *services = conn->services;
    const char *text = NULL;

    if (is(conn, "bind-silent")) {
        return;
    }
    if (strcmp(password, "right") != 0) {
        services->answer(op, WMS_E_ACCESS_DENIED, "a wrong password");
        return;
    }
    services->sent(op);
    if (is(conn, "bind-broken-sent")) {
        services->broken(conn->link, WMS_E_UNREACHABLE, "just then");
        return;
    }
    const wms_value hidden[] = {text_of("machine", "TOP-SECRET"),
                                text_of("management", "TOP-SECRET")};
    const wms_value items[] = {
        text_of("fingerprint", "AB"),
        text_of("user_name", conn->bind->user_name),
        number_of("port", 8080),
        tree_of(WMS_TABLE, "secret", hidden, conn->bind->management ? 2 : 1),
    };
    const wms_value table = TABLE_OF(NULL, items), shown = tree_of(WMS_TABLE, NULL, items, 3);
    int error = services->save(conn->link, &table, &text);
    error = error ? error : services->result(op, &shown);
    services->answer(op, error, error ? text : NULL);
}

static void call(void *data, struct wms_op *op, const struct wms_call *call)
{
    struct conn *conn = data;

    if (!reach(conn)) {
        return;
    }
    if (op->verb != call->verb || op->all || op->message) {
        abort();
    }
    if (call->verb == WMS_BIND) {
        begin_bind(conn, op, call);
        return;
    }
    if (strcmp(call->operation, "echo") == 0) {
        wms_value echo = call->arguments ? *call->arguments : tree_of(WMS_TABLE, NULL, NULL, 0);
        int error = conn->services->result(op, &echo);
        conn->services->answer(op, error, NULL);
        return;
    }
    if (strcmp(call->operation, "quote") == 0) { /* a host that says again what it was told */
        const char *word = call->arguments->items[0].text;
        conn->services->note(op, word);
        conn->services->answer(op, WMS_E_ACCESS_DENIED, word);
        return;
    }
    if (strcmp(call->operation, "save") == 0) {
        call_save(conn, op, call);
        return;
    }
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (strcmp(operations[i].name, call->operation) == 0) {
            operations[i].run(conn, op);
            return;
        }
    }
    conn->services->answer(op, WMS_E_UNSUPPORTED, "no such operation");
}

static int check(const struct wms_call *call, char *complaint, size_t size)
{
    if (call->verb == WMS_LOCK && strcmp(call->message, "forbidden") == 0) {
        snprintf(complaint, size, "message: no host of this kind shows that; give another");
        return WMS_E_INVALID;
    }
    if (call->verb == WMS_CALL && strcmp(call->interface_name, "none") == 0) {
        snprintf(complaint, size, "interface: none of that name; give another");
        return WMS_E_INVALID;
    }
    return 0;
}

/* ---- the provider ---------------------------------------------------------------------------- */

static void retire(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine)
{
    void **slot = services->slot(engine, self);

    if (*slot && ((struct kept *) *slot)->alive > 0) {
        abort();
    }
    services->resize(engine, *slot, 0);
    *slot = NULL;
}

WMS_API const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    static const struct wms_provider provider = {
        WMS_PROVIDER_HEAD,
        .name = "caller",
        .can = 1u << WMS_SESSIONS | 1u << WMS_UNLOCK | 1u << WMS_LOCK | 1u << WMS_CALL |
               1u << WMS_BIND,
        .in_flight = 4,
        .connect = begin,
        .disconnect = end,
        .list = list,
        .act = act,
        .forget = forget,
        .observe = observe,
        .unobserve = unobserve,
        .retire = retire,
        .forked = retire,
        .check = check,
        .call = call,
        .secret = secret,
        .default_port = 80,
    };

    return &provider;
}
