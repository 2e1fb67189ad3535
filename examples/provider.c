/* SPDX-License-Identifier: MIT */
/* provider.c - a whole provider: demo://ROOM is a room of three stations, which is made up here.
 *
 * In this tree `make examples` builds it.  With an installed wms:
 *
 *     cc -shared -fPIC -fvisibility=hidden -o wms/demo.so provider.c $(pkg-config --cflags wms)
 *
 * Then wms.load("demo") finds it along package.cpath as it finds the others, and wms_engine_load()
 * by its path.
 */
#include <wms/provider.h>

enum { STATIONS = 3 };

/* A connection.  There are no globals: an engine may be in each thread. */
struct room {
    const struct wms_services *services;
    wms_engine *engine;
    struct watch *watches;
    bool locked[STATIONS];
};

/* Somebody who observes a station. */
struct watch {
    struct watch *next;
    struct wms_observer *observer;
    uint32_t station; /* 0: one that is not there */
};

/* A request whose answer is on the way. */
struct call {
    struct room *room;
    struct wms_op *op;
    struct wms_timer *timer;
    enum wms_verb verb;
    uint32_t station;
};

/* The station of that id, from 1; 0: there is none. */
static uint32_t station_of(const wms_id *id)
{
    return !id->text && id->number <= STATIONS ? id->number : 0;
}

/* ---- the connection -------------------------------------------------------------------------- */

static int demo_connect(const struct wms_provider *self, const struct wms_services *services,
                        wms_engine *engine, struct wms_link *link,
                        const struct wms_address *address, void **ret_connection)
{
    struct room *room = services->resize(engine, NULL, sizeof *room);

    (void) self;
    (void) address;
    if (!room) {
        return WMS_E_NO_MEMORY;
    }
    *room = (struct room){.services = services, .engine = engine};
    *ret_connection = room;
    services->up(link); /* a real one calls this when its host has answered, or broken() */
    return 0;
}

static void demo_disconnect(void *connection, bool forked)
{
    struct room *room = connection;

    (void) forked; /* it matters to those that would say good-bye to a host: it is the parent's */
    room->services->resize(room->engine, room, 0);
}

/* ---- what the host is asked ------------------------------------------------------------------ */

static void demo_list(void *connection, struct wms_op *op)
{
    struct room *room = connection;
    int error = 0;

    for (uint32_t i = 1; i <= STATIONS && !error; i++) {
        wms_session session = {
            .id = {.number = i},
            .state = "active",
            .station_id = i,
            .is_orchestratable = 1,
            .locked = room->locked[i - 1],
        };
        error = room->services->session(op, &session);
    }
    room->services->answer(op, error, NULL);
}

static void free_call(struct call *call)
{
    call->room->services->timer_free(call->timer);
    call->room->services->resize(call->room->engine, call, 0);
}

static void look(const struct room *room, const struct watch *watch)
{
    struct wms_sight sight = {
        .present = watch->station > 0,
        .locked = watch->station > 0 && room->locked[watch->station - 1],
    };
    room->services->seen(watch->observer, &sight);
}

static void call_due(void *data)
{
    struct call call = *(struct call *) data;

    free_call(data);
    call.op->data = NULL;
    call.room->locked[call.station - 1] = call.verb == WMS_LOCK;
    for (struct watch *watch = call.room->watches; watch; watch = watch->next) {
        if (watch->station == call.station) {
            look(call.room, watch);
        }
    }
    call.room->services->answer(call.op, 0, NULL);
}

static void demo_act(void *connection, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                     const char *message)
{
    struct room *room = connection;
    const struct wms_services *services = room->services;
    uint32_t station = station_of(id);
    struct call *call = station ? services->resize(room->engine, NULL, sizeof *call) : NULL;

    (void) message; /* nobody sits there to read it */
    if (!call) {
        services->answer(op, station ? WMS_E_NO_MEMORY : WMS_E_NOT_FOUND, NULL);
        return;
    }
    *call = (struct call){.room = room, .op = op, .verb = verb, .station = station};
    call->timer = services->timer_new(room->engine, call_due, call);
    if (!call->timer) {
        free_call(call);
        services->answer(op, WMS_E_NO_MEMORY, NULL);
        return;
    }
    op->data = call;
    services->sent(op); /* from here on it may be carried out, whatever happens */
    services->timer_set(call->timer, 0.05);
}

/* Nobody waits for the answer any more. */
static void demo_forget(void *connection, struct wms_op *op)
{
    (void) connection;
    if (op->data) {
        free_call(op->data);
        op->data = NULL;
    }
}

/* ---- how a session is ------------------------------------------------------------------------ */

static void demo_observe(void *connection, struct wms_observer *observer, const wms_id *id)
{
    struct room *room = connection;
    struct watch *watch = room->services->resize(room->engine, NULL, sizeof *watch);

    if (!watch) {
        room->services->blind(observer, WMS_E_NO_MEMORY, NULL);
        return;
    }
    *watch = (struct watch){.next = room->watches, .observer = observer, .station = station_of(id)};
    room->watches = watch;
    look(room, watch);
}

static void demo_unobserve(void *connection, struct wms_observer *observer)
{
    struct room *room = connection;
    struct watch **place = &room->watches;

    while ((*place)->observer != observer) {
        place = &(*place)->next;
    }
    struct watch *watch = *place;
    *place = watch->next;
    room->services->resize(room->engine, watch, 0);
}

/* ---- what it offers -------------------------------------------------------------------------- */

static const struct wms_provider provider = {
    WMS_PROVIDER_HEAD,
    .name = "demo",
    .can = 1u << WMS_SESSIONS | 1u << WMS_UNLOCK | 1u << WMS_LOCK,
    .connect = demo_connect,
    .disconnect = demo_disconnect,
    .list = demo_list,
    .act = demo_act,
    .forget = demo_forget,
    .observe = demo_observe,
    .unobserve = demo_unobserve,
};

WMS_API const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    return &provider;
}
