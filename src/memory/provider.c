/* SPDX-License-Identifier: MIT */
/* provider.c - the engine's way to the embedded hosts. */
#include "core/base.h"
#include "memory/state.h"

/* ---- connections ----------------------------------------------------------------------------- */

static int connect_memory(const struct wms_provider *self, const struct wms_services *services,
                          wms_engine *engine, struct wms_link *link,
                          const struct wms_address *address, void **ret_connection)
{
    const struct wms_memory_registry *registry = (const struct wms_memory_registry *) self;

    if (address->user || address->port || address->path) {
        services->broken(link, WMS_E_UNREACHABLE,
                         "an embedded host has a name and nothing else; give memory://NAME");
        return 0;
    }
    wms_memory *host = address->host ? wms_memory_named(registry, engine, address->host) : NULL;
    if (!host || host->refusal) {
        services->broken(link, host ? host->refusal : WMS_E_UNREACHABLE,
                         host ? "the host refuses connections"
                              : "there is no embedded host of that name in this engine; make it "
                                "with wms.memory()");
        return 0;
    }
    struct wms_memory_connection *connection = wms_zalloc(engine, sizeof *connection);
    if (!connection) {
        return WMS_E_NO_MEMORY;
    }
    connection->host = host;
    connection->link = link;
    connection->engine = engine;
    connection->services = services;
    node_prepend(&host->connections, &connection->node);
    *ret_connection = connection;
    services->up(link);
    return 0;
}

static void disconnect_memory(void *data, bool forked)
{
    struct wms_memory_connection *connection = data;

    (void) forked; /* a connection is memory alone: nothing is shared with the parent */
    node_remove(&connection->node);
    wms_free(connection->engine, connection);
}

/* ---- answers, at once or later --------------------------------------------------------------- */

static void answer_list(struct wms_memory_connection *connection, struct wms_op *op)
{
    wms_memory *host = connection->host;
    const struct node *head = &host->sessions;
    int code = host->failures[WMS_SESSIONS];

    wms_memory_note(host, &(struct wms_memory_entry){.verb = WMS_SESSIONS, .code = code});
    for (struct node *node = head->next; node != head && !code; node = node->next) {
        const struct wms_memory_record *record = NODE_OWNER(node, struct wms_memory_record, node);
        code = connection->services->session(op, &record->facts);
    }
    connection->services->answer(op, code, NULL);
}

/* wms_memory_fail() with UNREACHABLE breaks the connection, and with TIMEOUT the host never
 * answers.  True: it is one of these, and the op must not be answered. */
static bool fails_silently(struct wms_memory_connection *connection, enum wms_verb verb)
{
    int code = connection->host->failures[verb];
    bool silent = code == WMS_E_UNREACHABLE || code == WMS_E_TIMEOUT;

    if (silent && verb == WMS_SESSIONS) { /* wms_memory_act() has logged any other verb */
        wms_memory_note(connection->host, &(struct wms_memory_entry){.verb = verb, .code = code});
    }
    if (code == WMS_E_UNREACHABLE) {
        connection->services->broken(connection->link, code, "the connection broke");
    }
    return silent;
}

static void answer_act(struct wms_memory_connection *connection, struct wms_op *op,
                       enum wms_verb verb, const wms_id *id, const char *message)
{
    wms_memory *host = connection->host;
    const struct wms_services *services = connection->services;
    const struct wms_memory_entry action = {
        .verb = verb, .id = *id, .message = message, .title = op->title};
    const char *text = NULL;
    struct wms_memory_record *record = wms_memory_find_meant(host, id, op->identity);

    services->sent(op);
    if (record && record->facts.user_name) {
        services->user(op, record->facts.user_name);
    }
    int code = wms_memory_act(host, record, &action, &text);
    if (fails_silently(connection, verb)) {
        return;
    }
    if (!code && verb == WMS_THUMBNAIL) {
        code = wms_memory_show(record, op);
        text = code == WMS_E_PROTOCOL ? "the picture is no JPEG" : NULL;
    }
    services->answer(op, code, text);
}

/* What is done to the host as a whole.  A host that has been powered off is not there any more. */
static void answer_call(struct wms_memory_connection *connection, struct wms_op *op)
{
    wms_memory *host = connection->host;
    enum wms_verb verb = op->verb;

    connection->services->sent(op);
    int code = wms_memory_end(host, verb);
    if (fails_silently(connection, verb)) {
        return;
    }
    connection->services->answer(op, code, NULL);
    if (!code && verb == WMS_POWER_OFF) {
        host->refusal = WMS_E_UNREACHABLE;
    }
    if (!code) {
        wms_memory_break(host, WMS_E_UNREACHABLE);
    }
}

static void answer_look(struct wms_memory_watch *watch)
{
    struct wms_sight sight = wms_memory_look(watch->record);

    watch->host->services->seen(watch->observer, &sight);
}

/* Whoever owns the call must forget it. */
static void call_free(struct wms_memory_call *call)
{
    call->connection->services->timer_free(call->timer);
    wms_free(call->connection->engine, call);
}

/* The timer of call_later(): frees the call, and answers. */
static void call_due(void *data)
{
    struct wms_memory_call call = *(struct wms_memory_call *) data;

    if (call.watch) {
        call.watch->first = NULL;
    } else {
        call.op->data = NULL;
    }
    call_free(data);
    if (call.watch) {
        answer_look(call.watch);
    } else if (call.verb == WMS_SESSIONS) {
        if (!fails_silently(call.connection, WMS_SESSIONS)) {
            answer_list(call.connection, call.op);
        }
    } else if (!call.id) {
        answer_call(call.connection, call.op);
    } else {
        answer_act(call.connection, call.op, call.verb, call.id, call.message);
    }
}

/* Keeps a copy of `call`, which is answered after the host's latency; the caller owns it.  Errors:
 * NO_MEMORY. */
static int call_later(const struct wms_memory_call *call, struct wms_memory_call **ret_call)
{
    const struct wms_memory_connection *connection = call->connection;
    const struct wms_services *services = connection->services;
    double latency = connection->host->options.latency;

    struct wms_memory_call *later = wms_zalloc(connection->engine, sizeof *later);
    if (!later) {
        return WMS_E_NO_MEMORY;
    }
    *later = *call;
    later->timer = services->timer_new(connection->engine, call_due, later);
    if (!later->timer) {
        wms_free(connection->engine, later);
        return WMS_E_NO_MEMORY;
    }
    services->timer_set(later->timer, latency);
    *ret_call = later;
    return 0;
}

static void list_memory(void *data, struct wms_op *op)
{
    struct wms_memory_connection *connection = data;

    if (connection->host->options.latency > 0) {
        struct wms_memory_call *later,
            call = {.connection = connection, .op = op, .verb = WMS_SESSIONS};
        int error = call_later(&call, &later);
        if (error) {
            connection->services->answer(op, error, NULL);
        } else {
            op->data = later;
        }
    } else if (!fails_silently(connection, WMS_SESSIONS)) {
        answer_list(connection, op);
    }
}

static void act_memory(void *data, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                       const char *message)
{
    struct wms_memory_connection *connection = data;

    if (connection->host->options.latency > 0) {
        struct wms_memory_call *later,
            call = {.connection = connection, .op = op, .verb = verb, .id = id, .message = message};
        int error = call_later(&call, &later);
        if (error) {
            connection->services->answer(op, error, NULL);
        } else {
            connection->services->sent(op);
            op->data = later;
        }
    } else {
        answer_act(connection, op, verb, id, message);
    }
}

static void call_memory(void *data, struct wms_op *op, const struct wms_call *what)
{
    struct wms_memory_connection *connection = data;

    if (connection->host->options.latency > 0) {
        struct wms_memory_call *later,
            call = {.connection = connection, .op = op, .verb = what->verb};
        int error = call_later(&call, &later);
        if (error) {
            connection->services->answer(op, error, NULL);
        } else {
            connection->services->sent(op);
            op->data = later;
        }
    } else {
        answer_call(connection, op);
    }
}

static void forget_memory(void *data, struct wms_op *op)
{
    (void) data;
    if (op->data) {
        call_free(op->data);
        op->data = NULL;
    }
}

/* ---- observation ----------------------------------------------------------------------------- */

static void observe_memory(void *data, struct wms_observer *observer, const wms_id *id)
{
    struct wms_memory_connection *connection = data;
    const struct wms_services *services = connection->services;
    struct wms_memory_watch *watch = wms_zalloc(connection->engine, sizeof *watch);
    int error = 0;

    if (!watch) {
        services->blind(observer, WMS_E_NO_MEMORY, NULL);
        return;
    }
    watch->record = wms_memory_find_meant(connection->host, id, observer->identity);
    watch->observer = observer;
    watch->host = connection->host;
    node_init(&watch->node);
    if (connection->host->options.latency > 0) {
        struct wms_memory_call call = {.connection = connection, .watch = watch};
        error = call_later(&call, &watch->first);
    }
    if (error) {
        wms_free(connection->engine, watch);
        services->blind(observer, error, NULL);
        return;
    }
    if (watch->record) {
        node_prepend(&watch->record->watches, &watch->node);
    }
    observer->data = watch;
    if (!watch->first) {
        answer_look(watch);
    }
}

static void unobserve_memory(void *data, struct wms_observer *observer)
{
    struct wms_memory_connection *connection = data;
    struct wms_memory_watch *watch = observer->data;

    if (watch->first) {
        call_free(watch->first);
    }
    node_remove(&watch->node);
    observer->data = NULL;
    wms_free(connection->engine, watch);
}

/* ---- watching -------------------------------------------------------------------------------- */

static void watch_memory(void *data, struct wms_watcher *watcher)
{
    struct wms_memory_connection *connection = data;
    struct wms_memory_watcher *mine = wms_zalloc(connection->engine, sizeof *mine);

    if (!mine) {
        connection->services->unwatched(watcher, WMS_E_NO_MEMORY, NULL);
        return;
    }
    mine->services = connection->services;
    mine->engine = connection->engine;
    mine->watcher = watcher;
    node_prepend(&connection->host->watchers, &mine->node);
    watcher->data = mine;
}

static void unwatch_memory(void *data, struct wms_watcher *watcher)
{
    struct wms_memory_watcher *mine = watcher->data;

    (void) data;
    node_remove(&mine->node);
    watcher->data = NULL;
    wms_free(mine->engine, mine);
}

const struct wms_provider wms_memory_provider = {
    WMS_PROVIDER_HEAD,
    .name = "memory",
    .can = WMS_MEMORY_CAN,
    .connect = connect_memory,
    .disconnect = disconnect_memory,
    .list = list_memory,
    .act = act_memory,
    .forget = forget_memory,
    .observe = observe_memory,
    .unobserve = unobserve_memory,
    .call = call_memory,
    .watch = watch_memory,
    .unwatch = unwatch_memory,
};
