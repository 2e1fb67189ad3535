/* SPDX-License-Identifier: MIT */
/* provider_butler.c - a provider whose hosts give commands to others, by the engine that it lives
 * in.  It is asked by wms.call, with an operation and, in most, the `server` that it is about:
 *
 *     run      unlocks all, and returns the outcomes when that is done; also after each of `times`
 *     cancel   the same, but that it is cancelled at once
 *     drop     begins to unlock all, and gives that back at once
 *     keep     begins to unlock all; what is done then is counted
 *     hold     the same of what must never be done
 *     wrong    asks for what no provider gets, and returns the complaints
 *     watch    begins to watch, and counts events
 *     unwatch  ends that
 *     state    returns what was counted
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wms/provider.h>

enum { KEPT = 4 };

/* What belongs to an engine. */
struct house {
    const struct wms_services *services;
    const struct wms_requests *requests;
    wms_engine *engine;
    wms_request *kept[KEPT];
    wms_watch *watch;
    uint64_t done, told, events;
    bool inside; /* a function of the provider runs */
};

struct conn {
    struct house *house;
    char name[40];
};

/* An op that waits for a request. */
struct task {
    struct house *house;
    struct wms_op *op;
    wms_request *request;
    char server[100];
    uint64_t left; /* how often it is to be started again */
};

/* ---- results --------------------------------------------------------------------------------- */

static wms_value text_of(const char *name, const char *text)
{
    return (wms_value){.kind = WMS_STRING, .name = name, .text = text, .size = strlen(text)};
}

static wms_value number_of(const char *name, uint64_t number)
{
    return (wms_value){.kind = WMS_NATURAL, .name = name, .natural = number};
}

static void answer(const struct house *house, struct wms_op *op, const wms_value *items,
                   size_t count)
{
    const wms_value table = {.kind = WMS_TABLE, .items = items, .size = count};
    int error = house->services->result(op, &table);

    house->services->answer(op, error, NULL);
}

/* ---- commands -------------------------------------------------------------------------------- */

static int start(struct house *house, const char *server, void (*done)(void *data), void *data,
                 wms_request **ret_request)
{
    wms_command command;

    wms_command_init(&command, WMS_UNLOCK);
    command.all = true;
    command.servers = &server;
    command.server_count = 1;
    return house->requests->start(house->engine, &command, done, data, ret_request);
}

static void task_free(struct task *task)
{
    task->house->requests->unref(task->request);
    task->house->services->resize(task->house->engine, task, 0);
}

/* What became of each session, and of the whole. */
static void report(const struct task *task)
{
    const struct wms_requests *requests = task->house->requests;
    char outcomes[300] = "", fault[300] = "";
    size_t length = 0;
    wms_outcome outcome;
    wms_fault wrong;

    for (size_t i = 0; requests->outcome(task->request, i, &outcome, sizeof outcome) == 0; i++) {
        if (i >= requests->outcome_count(task->request)) {
            abort();
        }
        length += (size_t) snprintf(outcomes + length, sizeof outcomes - length, "%d:%d ",
                                    (int) outcome.state, outcome.code);
        if (length > 250) {
            break;
        }
    }
    if (requests->error(task->request, &wrong, sizeof wrong)) {
        snprintf(fault, sizeof fault, "%s", wrong.text);
    }
    const wms_value items[] = {text_of("outcomes", outcomes), text_of("fault", fault)};
    answer(task->house, task->op, items, 2);
}

static void run_done(void *data)
{
    struct task *task = data;
    struct house *house = task->house;

    if (house->inside) {
        abort(); /* re-entered */
    }
    if (task->left > 0) {
        task->left--;
        house->requests->unref(task->request);
        task->request = NULL;
        int error = start(house, task->server, run_done, task, &task->request);
        if (!error) {
            return;
        }
        task->op->data = NULL;
        house->services->answer(task->op, error, NULL);
    } else {
        task->op->data = NULL;
        report(task);
    }
    task_free(task);
}

static void run(struct house *house, struct wms_op *op, const char *server, uint64_t times,
                bool cancels)
{
    struct task *task = house->services->resize(house->engine, NULL, sizeof *task);

    if (!task) {
        house->services->answer(op, WMS_E_NO_MEMORY, NULL);
        return;
    }
    *task = (struct task){.house = house, .op = op, .left = times};
    snprintf(task->server, sizeof task->server, "%s", server);
    int error = start(house, server, run_done, task, &task->request);
    if (error) {
        task_free(task);
        house->services->answer(op, error, house->requests->complaint(house->engine));
        return;
    }
    op->data = task;
    if (cancels) {
        house->requests->cancel(task->request);
        house->requests->cancel(task->request);
    }
}

static void never(void *data)
{
    (void) data;
    abort();
}

static void counted(void *data)
{
    struct house *house = data;

    house->done++;
}

static void keep(struct house *house, struct wms_op *op, const char *server,
                 void (*done)(void *data))
{
    int error = WMS_E_BUSY;

    for (size_t i = 0; i < KEPT; i++) {
        if (!house->kept[i]) {
            error = start(house, server, done, house, &house->kept[i]);
            break;
        }
    }
    house->services->answer(op, error, NULL);
}

static void drop(struct house *house, struct wms_op *op, const char *server)
{
    wms_request *request = NULL;
    int error = start(house, server, never, NULL, &request);

    house->requests->unref(request);
    house->services->answer(op, error, NULL);
}

static void go_wrong(struct house *house, struct wms_op *op)
{
    char texts[5][200];
    wms_value items[5];
    static const char *const names[] = {"ask", "choose", "follow", "bind", "watch"};
    const char *server = "memory://nobody";
    wms_request *request;
    wms_watch *watch;

    for (size_t i = 0; i < 5; i++) {
        wms_command command;
        wms_watching watching;
        wms_command_init(&command, i == 3 ? WMS_BIND : WMS_UNLOCK);
        wms_watching_init(&watching);
        command.servers = watching.servers = &server;
        command.server_count = watching.server_count = 1;
        command.all = i < 3;
        command.user_name = i == 3 ? "u" : NULL;
        command.ask = i == 0;
        command.choose = i == 1;
        command.follow = i == 2;
        watching.ask = true;
        int error = i < 4
                        ? house->requests->start(house->engine, &command, never, NULL, &request)
                        : house->requests->watch_new(house->engine, &watching, never, NULL, &watch);
        snprintf(texts[i], sizeof texts[i], "%s", house->requests->complaint(house->engine));
        items[i] = error == WMS_E_INVALID ? text_of(names[i], texts[i])
                                          : number_of(names[i], (uint64_t) -error);
    }
    answer(house, op, items, 5);
}

/* ---- watches --------------------------------------------------------------------------------- */

static void told(void *data)
{
    struct house *house = data;
    wms_event event;
    wms_session session;

    if (house->inside) {
        abort();
    }
    house->told++;
    while (house->requests->watch_next(house->watch, &event, sizeof event, &session,
                                       sizeof session) == 1) {
        house->events++;
    }
}

static void watch(struct house *house, struct wms_op *op, const char *server)
{
    wms_watching watching;

    wms_watching_init(&watching);
    watching.servers = &server;
    watching.server_count = 1;
    watching.initial = true;
    house->requests->watch_unref(house->watch);
    house->watch = NULL;
    int error = house->requests->watch_new(house->engine, &watching, told, house, &house->watch);
    house->services->answer(op, error, NULL);
}

static void unwatch(struct house *house, struct wms_op *op)
{
    house->requests->watch_unref(house->watch);
    house->watch = NULL;
    house->services->answer(op, 0, NULL);
}

static void tell_state(const struct house *house, struct wms_op *op)
{
    wms_session session;
    size_t sessions = house->watch ? house->requests->watch_session_count(house->watch) : 0;
    bool locked = sessions > 0 &&
                  house->requests->watch_session(house->watch, 0, &session, sizeof session) == 0 &&
                  session.locked == 1;
    const wms_value items[] = {number_of("done", house->done), number_of("events", house->events),
                               number_of("told", house->told), number_of("sessions", sessions),
                               number_of("locked", locked)};

    answer(house, op, items, 5);
}

/* ---- what it is asked ------------------------------------------------------------------------ */

static const char *text_in(const struct wms_call *call, const char *name, uint64_t *ret_number)
{
    const wms_value *arguments = call->arguments;

    for (size_t i = 0; arguments && i < arguments->size; i++) {
        if (strcmp(arguments->items[i].name, name) == 0) {
            *ret_number = arguments->items[i].natural;
            return arguments->items[i].text;
        }
    }
    return NULL;
}

static void obey(struct house *house, struct wms_op *op, const struct wms_call *call)
{
    uint64_t times = 0, none;
    const char *server = text_in(call, "server", &none), *what = call->operation;

    server = server ? server : "memory://nobody";
    text_in(call, "times", &times);
    if (strcmp(what, "run") == 0 || strcmp(what, "cancel") == 0) {
        run(house, op, server, times, *what == 'c');
    } else if (strcmp(what, "drop") == 0) {
        drop(house, op, server);
    } else if (strcmp(what, "keep") == 0) {
        keep(house, op, server, counted);
    } else if (strcmp(what, "hold") == 0) {
        keep(house, op, server, never);
    } else if (strcmp(what, "wrong") == 0) {
        go_wrong(house, op);
    } else if (strcmp(what, "watch") == 0) {
        watch(house, op, server);
    } else if (strcmp(what, "unwatch") == 0) {
        unwatch(house, op);
    } else {
        tell_state(house, op);
    }
}

static void call_butler(void *data, struct wms_op *op, const struct wms_call *call)
{
    struct conn *conn = data;

    conn->house->inside = true;
    obey(conn->house, op, call);
    conn->house->inside = false;
}

static void forget(void *data, struct wms_op *op)
{
    (void) data;
    if (op->data) {
        task_free(op->data);
        op->data = NULL;
    }
}

static void list(void *data, struct wms_op *op)
{
    struct conn *conn = data;

    conn->house->services->answer(op, WMS_E_UNSUPPORTED, NULL);
}

static void act(void *data, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    (void) verb;
    (void) id;
    (void) message;
    list(data, op);
}

static void observe(void *data, struct wms_observer *observer, const wms_id *id)
{
    struct conn *conn = data;

    (void) id;
    conn->house->services->blind(observer, WMS_E_UNSUPPORTED, NULL);
}

static void unobserve(void *data, struct wms_observer *observer)
{
    (void) data;
    (void) observer;
}

/* ---- connections, and what is kept for an engine ----------------------------------------------
 */

static int begin(const struct wms_provider *self, const struct wms_services *services,
                 wms_engine *engine, struct wms_link *link, const struct wms_address *address,
                 void **ret_connection)
{
    void **slot = services->slot(engine, self);

    if (!WMS_SERVICE(services, requests) ||
        !WMS_HAS(services->requests->size, struct wms_requests, complaint)) {
        return WMS_E_UNSUPPORTED;
    }
    if (!*slot) {
        struct house *house = services->resize(engine, NULL, sizeof *house);
        if (!house) {
            return WMS_E_NO_MEMORY;
        }
        *house =
            (struct house){.services = services, .requests = services->requests, .engine = engine};
        *slot = house;
    }
    struct conn *conn = services->resize(engine, NULL, sizeof *conn);
    if (!conn) {
        return WMS_E_NO_MEMORY;
    }
    *conn = (struct conn){.house = *slot};
    snprintf(conn->name, sizeof conn->name, "%s", address->host ? address->host : "");
    *ret_connection = conn;
    services->up(link);
    return 0;
}

static void end(void *data, bool forked)
{
    struct conn *conn = data;

    (void) forked;
    conn->house->services->resize(conn->house->engine, conn, 0);
}

/* In a forked child all of it is the parent's. */
static void give_back(const struct wms_provider *self, const struct wms_services *services,
                      wms_engine *engine)
{
    void **slot = services->slot(engine, self);
    struct house *house = *slot;

    if (!house) {
        return;
    }
    for (size_t i = 0; i < KEPT - 1; i++) { /* and one is forgotten */
        house->requests->unref(house->kept[i]);
    }
    house->requests->watch_unref(house->watch);
    services->resize(engine, house, 0);
    *slot = NULL;
}

WMS_API const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    static const struct wms_provider provider = {
        WMS_PROVIDER_HEAD,
        .name = "butler",
        .can = 1u << WMS_CALL,
        .connect = begin,
        .disconnect = end,
        .list = list,
        .act = act,
        .forget = forget,
        .observe = observe,
        .unobserve = unobserve,
        .retire = give_back,
        .forked = give_back,
        .call = call_butler,
    };

    return &provider;
}
