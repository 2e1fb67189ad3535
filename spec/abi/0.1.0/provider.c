/* SPDX-License-Identifier: MIT */
/* provider.c - a provider that is built with the headers of 0.1.0 alone, and uses all that they offer.
 *
 * What it hands over lies at the end of a page with nothing behind it: an engine that reads more than 0.1.0 had crashes.  Its
 * sessions: 1 is answered by a timer, 2 by a descriptor, 3 by a thread, 4 is lost once, and 5 ends before anything is done.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <wms/provider.h>

enum { PAGE = 4096, SESSIONS = 5 };

/* Room for `size` bytes at the end of a page; the next cannot be read. */
static void *edge(size_t size)
{
    char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED || mprotect(pages + PAGE, PAGE, PROT_NONE)) {
        abort();
    }
    return pages + PAGE - size;
}

enum { OBSERVERS = 4 };

struct room {
    const struct wms_services *services;
    wms_engine *engine;
    struct wms_link *link;
    struct wms_timer *timer;
    struct wms_poll *poll;
    int pipe[2];
    struct wms_op *timed, *polled, *worked;
    void *work;
    bool locked[SESSIONS + 1], lost;
    struct wms_observer *observers[OBSERVERS];
    uint32_t observed[OBSERVERS];
};

/* What a thread is given. */
struct shared {
    struct room *room;
    int value;
};

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static void show(struct room *room)
{
    static struct wms_sight *sight;

    for (int i = 0; i < OBSERVERS; i++) {
        if (room->observers[i]) {
            sight = sight ? sight : edge(sizeof *sight);
            *sight = (struct wms_sight){.present = true, .locked = room->locked[room->observed[i]]};
            room->services->seen(room->observers[i], sight);
        }
    }
}

static void done(struct room *room, struct wms_op **op, uint32_t id)
{
    struct wms_op *answered = *op;

    *op = NULL;
    room->locked[id] = answered->verb == WMS_LOCK;
    show(room);
    room->services->answer(answered, 0, NULL);
}

static void timer_fired(void *data)
{
    struct room *room = data;

    if (room->timed) {
        done(room, &room->timed, 1);
    }
}

static void pipe_ready(void *data, int events)
{
    struct room *room = data;
    char byte;

    if ((events & WMS_READABLE) && read(room->pipe[0], &byte, 1) == 1 && room->polled) {
        done(room, &room->polled, 2);
    }
}

static void work_begin(void *data)
{
    struct shared *shared = data;

    shared->room->services->sent(shared->room->worked);
}

static void work_run(void *data)
{
    struct shared *shared = data;

    usleep(1000);
    shared->value = 7;
}

static void work_done(void *data, int code)
{
    struct shared *shared = data;
    struct room *room = shared->room;

    if (code || shared->value != 7) {
        abort();
    }
    room->services->work_free(room->work);
    room->work = NULL;
    done(room, &room->worked, 3);
}

static const struct wms_work work = {
    .size = sizeof(struct shared),
    .begin = work_begin,
    .run = work_run,
    .done = work_done,
};

/* ---- the connection --------------------------------------------------------------------------------------------- */

static void disconnect_room(void *connection, bool forked)
{
    struct room *room = connection;

    (void) forked;
    room->services->timer_free(room->timer);
    room->services->poll_free(room->poll);
    room->services->work_free(room->work);
    close(room->pipe[0]);
    close(room->pipe[1]);
    room->services->resize(room->engine, room, 0);
}

static int connect_room(const struct wms_provider *self, const struct wms_services *services, wms_engine *engine,
                        struct wms_link *link, const struct wms_address *address, void **ret_connection)
{
    if (services->abi != WMS_PROVIDER_ABI || services->size < sizeof *services) {
        abort();
    }
    if (!address->host || strcmp(address->host, "room") != 0) {
        services->broken(link, WMS_E_UNREACHABLE, "there is one room");
        return 0;
    }
    struct room *room = services->resize(engine, NULL, sizeof *room);
    if (!room) {
        return WMS_E_NO_MEMORY;
    }
    *room = (struct room){.services = services, .engine = engine, .link = link};
    if (pipe(room->pipe)) {
        abort();
    }
    room->timer = services->timer_new(engine, timer_fired, room);
    if (!room->timer || services->poll_new(engine, room->pipe[0], pipe_ready, room, &room->poll)) {
        disconnect_room(room, false);
        return WMS_E_NO_MEMORY;
    }
    services->poll_set(room->poll, WMS_READABLE);
    void **slot = services->slot(engine, self);
    if (!slot || (*slot && *slot != engine)) {
        abort();
    }
    *slot = engine;
    services->log(engine, WMS_INFO, "the room is open");
    *ret_connection = room;
    services->ready(link);
    services->up(link);
    return 0;
}

static void retire(const struct wms_provider *self, const struct wms_services *services, wms_engine *engine)
{
    if (*services->slot(engine, self)) {
        *services->slot(engine, self) = NULL;
    }
}

/* ---- what is asked ---------------------------------------------------------------------------------------------- */

static void list(void *connection, struct wms_op *op)
{
    struct room *room = connection;
    wms_session *session = edge(sizeof *session);
    int error = 0;

    if (op->all) {
        room->services->sent(op);
    }
    for (uint32_t id = 1; id <= SESSIONS && !error; id++) {
        wms_session_init(session);
        session->id.number = id;
        session->user_name = id == 1 ? "alice" : "bob";
        session->station_id = id;
        session->is_orchestratable = 1;
        session->locked = room->locked[id];
        error = room->services->session(op, session);
    }
    room->services->alive(op);
    room->services->answer(op, error, NULL);
}

static void act(void *connection, struct wms_op *op, enum wms_verb verb, const wms_id *id, const char *message)
{
    struct room *room = connection;
    const struct wms_services *services = room->services;
    struct shared *shared;

    if (verb != op->verb || (verb == WMS_LOCK) != (message != NULL) || id->text) {
        abort();
    }
    switch (id->number) {
    case 1:
        services->user(op, "alice");
        services->note(op, "by a timer");
        services->sent(op);
        room->timed = op;
        services->timer_set(room->timer, 0.001);
        break;
    case 2:
        room->polled = op;
        services->sent(op);
        if (write(room->pipe[1], "", 1) != 1) {
            abort();
        }
        break;
    case 3:
        shared = room->work = services->work_new(room->engine, &work);
        if (!shared) {
            services->answer(op, WMS_E_NO_MEMORY, NULL);
            break;
        }
        room->worked = op;
        shared->room = room;
        services->work_start(shared);
        break;
    case 4:
        if (!room->lost) {
            room->lost = true;
            services->lost(op, WMS_E_UNREACHABLE, "lost");
        } else {
            services->answer(op, 0, NULL);
        }
        break;
    case 5:
        services->answer(op, WMS_E_NOT_FOUND, NULL);
        break;
    default:
        services->answer(op, WMS_E_BUSY - 100, "a code that there is not");
        break;
    }
}

static void forget(void *connection, struct wms_op *op)
{
    struct room *room = connection;

    room->timed = room->timed == op ? NULL : room->timed;
    room->polled = room->polled == op ? NULL : room->polled;
    if (room->worked == op) {
        room->services->work_free(room->work);
        room->work = NULL;
    }
}

static void observe(void *connection, struct wms_observer *observer, const wms_id *id)
{
    struct room *room = connection;

    for (int i = 0; i < OBSERVERS && id->number != SESSIONS; i++) {
        if (!room->observers[i]) {
            room->observers[i] = observer;
            room->observed[i] = id->number;
            show(room);
            return;
        }
    }
    room->services->blind(observer, WMS_E_UNSUPPORTED, "not this one");
}

static void unobserve(void *connection, struct wms_observer *observer)
{
    struct room *room = connection;

    for (int i = 0; i < OBSERVERS; i++) {
        room->observers[i] = room->observers[i] == observer ? NULL : room->observers[i];
    }
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

static int check(const struct wms_call *call, char *complaint, size_t size)
{
    if (call->verb == WMS_CALL && strcmp(call->interface_name, "Room") != 0) {
        strncpy(complaint, "interface: there is one, Room; give it", size - 1);
        complaint[size - 1] = 0;
        return WMS_E_INVALID;
    }
    return 0;
}

/* Keeps a binding, and reads it again. */
static int keep(struct room *room)
{
    const wms_value word = {.kind = WMS_STRING, .name = "word", .text = "kept", .size = 4};
    const wms_value table = {.kind = WMS_TABLE, .items = &word, .size = 1};
    wms_value *again = NULL;
    const char *text;
    int error = room->services->save(room->link, &table, &text);

    error = error ? error : room->services->load(room->link, &again, &text);
    if (!error && (again->size != 1 || strcmp(again->items->text, "kept") != 0)) {
        error = WMS_E_PROTOCOL;
    }
    room->services->drop(room->engine, again);
    return error;
}

static void call(void *connection, struct wms_op *op, const struct wms_call *call)
{
    struct room *room = connection;
    const struct wms_services *services = room->services;

    services->sent(op);
    if (call->verb == WMS_BIND) {
        services->want(op);
        return;
    }
    const wms_transport *transport = services->transport(room->engine);
    const wms_value items[] = {
        {.kind = WMS_STRING, .name = "operation", .text = call->operation, .size = strlen(call->operation)},
        {.kind = WMS_NATURAL, .name = "connections", .natural = transport->connections},
    };
    const wms_value table = {.kind = WMS_TABLE, .items = items, .size = 2};
    int error = services->result(op, &table);
    if (strcmp(call->operation, "Leave") == 0) {
        services->retire(room->link);
    }
    services->answer(op, error, NULL);
}

static void secret(void *connection, struct wms_op *op, const char *password)
{
    struct room *room = connection;
    int error = strcmp(password, "right") == 0 ? keep(room) : WMS_E_ACCESS_DENIED;

    room->services->answer(op, error, NULL);
}

/* ---- what it offers --------------------------------------------------------------------------------------------- */

WMS_API const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    static struct wms_provider *provider;

    if (!provider) {
        provider = edge(sizeof *provider);
        *provider = (struct wms_provider){
            .abi = WMS_PROVIDER_ABI,
            .size = sizeof *provider,
            .name = "frozen",
            .can = 1u << WMS_SESSIONS | 1u << WMS_UNLOCK | 1u << WMS_LOCK | 1u << WMS_CALL | 1u << WMS_BIND,
            .in_flight = 2,
            .connect = connect_room,
            .disconnect = disconnect_room,
            .list = list,
            .act = act,
            .forget = forget,
            .observe = observe,
            .unobserve = unobserve,
            .retire = retire,
            .check = check,
            .call = call,
            .secret = secret,
            .default_port = 1,
            .cannot = "they are frozen",
        };
        const char *shorter = getenv("FROZEN_SIZE"); /* as a header before 0.1.0 had it */
        if (shorter) {
            struct wms_provider *whole = provider;
            provider = edge((size_t) atoi(shorter));
            memcpy(provider, whole, (size_t) atoi(shorter));
            provider->size = (uint32_t) atoi(shorter);
        }
    }
    return provider;
}
