/* SPDX-License-Identifier: MIT */
/* lifetime.c - what an engine is made of goes in every order there is. */
#include <poll.h>

#include "support.h"
#include <wms/provider.h>

enum { ENGINE, HOST, OTHER, DONE, RUNNING, THINGS };

static struct heap heap;

struct world {
    wms_engine *engine;
    wms_memory *host, *other;
    wms_request *done, *running;
    wms_watch *watch; /* in the place of `running` */
};

/* ---- a world --------------------------------------------------------------------------------- */

static wms_request *start(wms_engine *engine, enum wms_verb verb, const char *server, bool ask)
{
    const char *servers[] = {server, "memory://nobody"};
    wms_command command;
    wms_request *request;

    wms_command_init(&command, verb);
    command.servers = servers;
    command.server_count = 2;
    command.all = true;
    command.verify = verb == WMS_SESSIONS ? -1 : 5;
    command.stable = verb == WMS_UNLOCK ? 5 : -1;
    command.message = verb == WMS_LOCK ? "m" : NULL;
    command.ask = ask;
    command.follow = ask;
    CHECK(wms_start(engine, &command, &request) == 0);
    return request;
}

static wms_memory *open_host(wms_engine *engine, const char *name, double latency)
{
    const struct wms_memory_options options = {.latency = latency, .relock_after = 100};
    wms_memory *host;

    CHECK(wms_memory_new(engine, name, &options, &host) == 0);
    for (uint32_t id = 1; id <= 3; id++) {
        wms_session session = session_of(id, "alice");
        session.locked = 1;
        CHECK(wms_memory_open(host, &session, -1) == 0);
    }
    return host;
}

/* How far the running request has come; or there is a watch in its place. */
enum { LISTING, HELD, ACTING, WATCHING, POLLED, WATCHED, WATCH_BEGUN, STAGES };

static wms_watch *watch(wms_engine *engine, bool ready)
{
    const char *servers[] = {"memory://host", "memory://other", "memory://nobody"};
    wms_watching watching;
    wms_event event;
    wms_watch *watch;

    wms_watching_init(&watching);
    watching.servers = servers;
    watching.server_count = 3;
    watching.initial = true;
    CHECK(wms_watch_new(engine, &watching, &watch) == 0);
    for (int servers_told = 0; ready && servers_told < 3;) {
        CHECK(wms_watch_wait(watch, 5) == 1);
        CHECK(wms_watch_next(watch, &event, NULL) == 1);
        servers_told += event.kind == WMS_EVENT_READY || event.kind == WMS_EVENT_LOST;
    }
    CHECK(!ready || wms_watch_fd(watch) >= 0);
    return watch;
}

static void set_up(struct world *world, int stage)
{
    const struct wms_alloc alloc = {heap_resize, &heap};
    wms_action action;

    CHECK(wms_engine_new(&alloc, &world->engine) == 0);
    world->host = open_host(world->engine, "host", 0);
    world->other =
        open_host(world->engine, "other", stage == WATCHING || stage == HELD ? 0 : 0.001);
    world->done = start(world->engine, WMS_SESSIONS, "memory://host", false);
    CHECK(wms_request_wait(world->done, 5) == 1);
    if (stage == POLLED) {
        CHECK(wms_request_fd(world->done) >= 0);
        CHECK(wms_engine_fd(world->engine) >= 0);
    }
    world->watch = NULL;
    world->running = NULL;
    if (stage == WATCHED || stage == WATCH_BEGUN) {
        world->watch = watch(world->engine, stage == WATCHED);
        return;
    }
    world->running = start(world->engine, WMS_UNLOCK, "memory://other", stage == HELD);
    if (stage == HELD) {
        CHECK(wms_request_held(world->running, &action) == 1);
        wms_request_permit(world->running, NULL);
        CHECK(wms_request_held(world->running, &action) == 1);
    } else if (stage != LISTING) {
        CHECK(wms_request_wait(world->running, 0.001) == 0);
    }
    if (stage == POLLED) {
        CHECK(wms_request_fd(world->running) >= 0);
    }
    CHECK(wms_request_done(world->running) == 0);
}

/* ---- and its end ----------------------------------------------------------------------------- */

static void use_watch(wms_watch *watch)
{
    wms_event event;
    wms_session session;
    wms_watch_status status;

    CHECK(wms_watch_step(watch) == 0);
    CHECK(wms_watch_wait(watch, 0.0001) >= 0);
    while (wms_watch_next(watch, &event, &session) == 1) {
        CHECK(event.kind == WMS_EVENT_LOST ? *event.text : event.kind != WMS_EVENT_OVERFLOW);
        CHECK(!event.has_session || strcmp(session.user_name, "alice") == 0);
    }
    size_t count = wms_watch_session_count(watch);
    for (size_t i = 0; i < count; i++) {
        CHECK(wms_watch_session(watch, i, &session) == 0 &&
              strcmp(session.user_name, "alice") == 0);
    }
    CHECK(wms_watch_session(watch, count, &session) == WMS_E_NOT_FOUND);
    CHECK(wms_watch_server_count(watch) == 3 && wms_watch_server(watch, 2, &status) == 0);
    CHECK(!status.watched && wms_watch_server(watch, 3, &status) == WMS_E_NOT_FOUND);
}

static void use(struct world *world)
{
    wms_outcome outcome;
    wms_session session;
    wms_fault fault;
    const char *message;
    wms_id id = {.number = 1};
    size_t count;

    if (world->done) {
        CHECK(wms_request_done(world->done) == 1);
        CHECK(wms_request_session_count(world->done) == 3);
        CHECK(wms_request_session(world->done, 2, &session) == 0 && session.id.number == 3);
        CHECK(strcmp(session.user_name, "alice") == 0);
        CHECK(wms_request_outcome(world->done, 1, &outcome) == 0 &&
              outcome.code == WMS_E_UNREACHABLE);
        CHECK(wms_request_error(world->done, &fault) == 1 && strstr(fault.text, "nobody"));
    }
    if (world->running) {
        CHECK(wms_request_step(world->running) == 0);
        CHECK(wms_request_wait(world->running, 0.0001) >= 0);
        wms_request_next_outcome(world->running, &outcome, &count);
    }
    if (world->watch) {
        use_watch(world->watch);
    }
    if (world->host) {
        CHECK(wms_memory_session(world->host, &id, &session, &message) == 0);
        CHECK(wms_memory_lock(world->host, &id, "m") == 0);
    }
    if (world->other) {
        wms_memory_unlock(world->other, &id);
    }
}

static void drop(struct world *world, int thing, bool close_first)
{
    switch (thing) {
    case ENGINE:
        world->engine = wms_engine_unref(world->engine);
        break;
    case HOST:
        if (close_first) {
            wms_memory_close(world->host);
            wms_memory_close(world->host);
        }
        world->host = wms_memory_unref(world->host);
        break;
    case OTHER:
        if (close_first) {
            wms_memory_close(world->other);
        }
        world->other = wms_memory_unref(world->other);
        break;
    case DONE:
        world->done = wms_request_unref(world->done);
        break;
    default:
        world->watch = wms_watch_unref(world->watch);
        if (close_first && world->running) {
            wms_request_cancel(world->running);
            CHECK(wms_request_done(world->running) == 1);
        }
        world->running = wms_request_unref(world->running);
        break;
    }
}

static void try(const int order[THINGS], int stage, bool close_first, bool used)
{
    struct world world;
    int before = descriptors();

    snprintf(where, sizeof where, "order %d%d%d%d%d, stage %d%s%s", order[0], order[1], order[2],
             order[3], order[4], stage, close_first ? ", closed first" : "", used ? ", used" : "");
    set_up(&world, stage);
    for (int i = 0; i < THINGS; i++) {
        drop(&world, order[i], close_first);
        if (used && i < THINGS - 1) {
            use(&world);
        }
    }
    CHECK(heap.blocks == 0);
    CHECK(descriptors() == before);
}

static unsigned permute(int order[THINGS], int from)
{
    unsigned count = 0;

    if (from == THINGS) {
        for (int stage = 0; stage < STAGES; stage++) {
            for (int how = 0; how < 4; how++) {
                try(order, stage, how & 1, how & 2);
                count++;
            }
        }
        return count;
    }
    for (int i = from; i < THINGS; i++) {
        int other = order[from];
        order[from] = order[i];
        order[i] = other;
        count += permute(order, from + 1);
        order[i] = order[from];
        order[from] = other;
    }
    return count;
}

/* ---- what a guard or a log does that it must not --------------------------------------------- */

static struct world *guarded;
static unsigned asked;

static int bad_guard(void *data, const wms_action *action)
{
    wms_command command;
    wms_request *request;
    wms_id id = {.number = 1};
    wms_outcome outcome;
    wms_event event;

    (void) data;
    (void) action;
    if (asked++ == 0) {
        wms_command_init(&command, WMS_SESSIONS);
        CHECK(wms_start(guarded->engine, &command, &request) == WMS_E_BUSY);
        CHECK(wms_engine_step(guarded->engine) == WMS_E_BUSY);
        CHECK(wms_engine_fd(guarded->engine) == WMS_E_BUSY);
        if (guarded->running) {
            CHECK(wms_request_wait(guarded->running, 1) == WMS_E_BUSY);
            CHECK(wms_request_step(guarded->running) == WMS_E_BUSY);
            wms_request_cancel(guarded->running);
        } else {
            CHECK(wms_watch_wait(guarded->watch, 1) == WMS_E_BUSY);
            CHECK(wms_watch_step(guarded->watch) == WMS_E_BUSY);
            CHECK(wms_watch_next(guarded->watch, &event, NULL) == WMS_E_BUSY);
            guarded->watch = wms_watch_unref(guarded->watch);
        }
        wms_request_outcome(guarded->done, 0, &outcome);
        wms_memory_lock(guarded->host, &id, "m");
        wms_memory_drop(guarded->other, &id);
        guarded->done = wms_request_unref(guarded->done);
        guarded->running = wms_request_unref(guarded->running);
        wms_memory_close(guarded->other);
        guarded->other = wms_memory_unref(guarded->other);
        guarded->host = wms_memory_unref(guarded->host);
    }
    return 0;
}

static void bad_log(void *data, enum wms_level level, const char *text)
{
    wms_action action = {.verb = WMS_UNLOCK};

    (void) level;
    (void) text;
    bad_guard(data, &action);
}

static void misbehave(void)
{
    for (int stage = 0; stage < STAGES; stage++) {
        for (int how = 0; how < 2; how++) {
            struct world world;
            int before = descriptors();
            snprintf(where, sizeof where, "a %s that calls the engine, stage %d",
                     how ? "log" : "guard", stage);
            set_up(&world, stage);
            guarded = &world;
            asked = 0;
            if (how) {
                wms_engine_log(world.engine, bad_log, NULL);
            } else {
                wms_engine_guard(world.engine, bad_guard, NULL);
            }
            wms_request *last = start(world.engine, WMS_LOCK, "memory://other", false);
            wms_request_wait(last, 0.01);
            CHECK(asked > 0);
            wms_request_unref(last);
            wms_engine_unref(world.engine);
            CHECK(heap.blocks == 0);
            CHECK(descriptors() == before);
        }
    }
}

/* A command whose deadline would come after its request is gone. */
static void leave_before_the_deadline(void)
{
    const struct wms_alloc alloc = {heap_resize, &heap};
    const char *servers[] = {"memory://slow"};
    wms_engine *engine;
    wms_command command;
    wms_request *request, *other;

    snprintf(where, sizeof where, "a request that is gone before its deadline");
    CHECK(wms_engine_new(&alloc, &engine) == 0);
    wms_memory *host = open_host(engine, "slow", 0.3);
    wms_command_init(&command, WMS_SESSIONS);
    command.servers = servers;
    command.server_count = 1;
    command.deadline = 0.05;
    CHECK(wms_start(engine, &command, &request) == 0);
    command.deadline = -1;
    CHECK(wms_start(engine, &command, &other) == 0);
    wms_request_unref(request);
    CHECK(wms_request_wait(other, 10) == 1 && wms_request_session_count(other) == 3);
    wms_request_unref(other);
    wms_memory_unref(host);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
}

/* A provider that takes one question at a time, and never answers. */

static int one_connect(const struct wms_provider *self, const struct wms_services *services,
                       wms_engine *engine, struct wms_link *link, const struct wms_address *address,
                       void **ret_connection)
{
    (void) self;
    (void) engine;
    (void) address;
    *ret_connection = NULL;
    services->up(link);
    return 0;
}

static void one_disconnect(void *connection, bool forked)
{
    (void) connection;
    (void) forked;
}

static void one_op(void *connection, struct wms_op *op)
{
    (void) connection;
    (void) op;
}

static void one_act(void *connection, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                    const char *message)
{
    (void) connection;
    (void) op;
    (void) verb;
    (void) id;
    (void) message;
}

static void one_observe(void *connection, struct wms_observer *observer, const wms_id *id)
{
    (void) connection;
    (void) observer;
    (void) id;
}

static void one_unobserve(void *connection, struct wms_observer *observer)
{
    (void) connection;
    (void) observer;
}

static const struct wms_provider one = {
    WMS_PROVIDER_HEAD,
    .name = "one",
    .can = 1u << WMS_UNLOCK,
    .in_flight = 1,
    .connect = one_connect,
    .disconnect = one_disconnect,
    .list = one_op,
    .act = one_act,
    .forget = one_op,
    .observe = one_observe,
    .unobserve = one_unobserve,
};

/* The guard's program gives back all that it has left. */
static wms_request *left[3];
static wms_engine *left_engine;

static int leaving_guard(void *data, const wms_action *action)
{
    (void) data;
    (void) action;
    for (int i = 0; left_engine && i < 3; i++) {
        left[i] = wms_request_unref(left[i]);
    }
    left_engine = wms_engine_unref(left_engine);
    return 0;
}

static void unlock_one(wms_engine *engine, int which, double timeout)
{
    const wms_id ids[] = {{.number = 1}, {.number = 2}};
    const char *server = "one://host";
    wms_command command;

    wms_command_init(&command, WMS_UNLOCK);
    command.servers = &server;
    command.server_count = 1;
    command.ids = ids;
    command.id_count = 2;
    command.timeout = timeout;
    CHECK(wms_start(engine, &command, &left[which]) == 0);
}

/* A call on a request brings the guard of another about, and that is the end of all requests and of
 * the engine. */
static void leave(void)
{
    for (int how = 0; how < 4; how++) {
        const struct wms_alloc alloc = {heap_resize, &heap};
        int before = descriptors();
        wms_engine *engine;
        wms_request *first;

        snprintf(where, sizeof where, "a guard that gives everything back, %d", how);
        CHECK(wms_engine_new(&alloc, &engine) == 0);
        CHECK(wms_engine_register(engine, &one) == 0);
        for (int i = 0; i < 3; i++) { /* all of them, and the guard, before the first times out */
            unlock_one(engine, i, i == 0 && how >= 2 ? 1 : 10);
        }
        wms_engine_guard(engine, leaving_guard, NULL);
        left_engine = engine;
        first = left[0];
        switch (how) {
        case 0:
            left[0] = NULL;
            wms_request_unref(first);
            break;
        case 1:
            wms_request_cancel(first);
            break;
        case 2:
            usleep(1050000);
            wms_request_step(first);
            break;
        default:
            usleep(1050000);
            wms_request_fd(first);
        }
        CHECK(!left_engine);
        CHECK(heap.blocks == 0);
        CHECK(descriptors() == before);
    }
}

/* ---- Lua states that are closed in the middle ------------------------------------------------ */

static void close_lua(const char *text)
{
    struct heap lua = {0};
    const struct wms_alloc alloc = {heap_resize, &heap};
    int before = descriptors();
    lua_State *L = lua_newstate(heap_lua, &lua);

    CHECK(L);
    luaL_openlibs(L);
    CHECK(wms_lua_open(L, &alloc) == 1);
    lua_setglobal(L, "wms");
    if (luaL_dostring(L, text)) {
        fail("%s", lua_tostring(L, -1));
    }
    lua_close(L);
    CHECK(heap.blocks == 0);
    CHECK(lua.blocks == 0);
    CHECK(descriptors() == before);
}

/* The engine of a state, kept by its program. */
static void outlive_lua(void)
{
    const struct wms_alloc alloc = {heap_resize, &heap};
    int before = descriptors();
    lua_State *L = luaL_newstate();
    wms_request *request;
    wms_session session = session_of(1, NULL);
    wms_memory *host;

    CHECK(wms_lua_engine(L) == NULL);
    CHECK(wms_lua_open(L, &alloc) == 1);
    wms_engine *engine = wms_engine_ref(wms_lua_engine(L));
    CHECK(wms_memory_new(engine, "host", NULL, &host) == 0);
    CHECK(wms_memory_open(host, &session, -1) == 0);
    request = start(engine, WMS_UNLOCK, "memory://host", false);
    lua_pop(L, 1);
    lua_close(L);
    CHECK(wms_request_wait(request, 0.001) == 0);
    wms_request_cancel(request);
    CHECK(wms_request_done(request) == 1);
    wms_request_unref(request);
    wms_memory_unref(host);
    request = start(engine, WMS_SESSIONS, "memory://host", false);
    CHECK(wms_request_wait(request, 1) == 1);
    wms_request_unref(request);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
    CHECK(descriptors() == before);
}

/* ---- which requests have news ---------------------------------------------------------------- */

static void tell_news(void)
{
    const struct wms_alloc alloc = {heap_resize, &heap};
    int before = descriptors();
    wms_engine *engine;
    wms_request *requests[4], *told;
    wms_memory *hosts[2];

    snprintf(where, sizeof where, "news");
    CHECK(wms_engine_new(&alloc, &engine) == 0);
    CHECK(wms_engine_wait(engine, 0.001) == 0);
    CHECK(wms_engine_news(engine, &told) == 0);
    hosts[0] = open_host(engine, "soon", 0.02);
    hosts[1] = open_host(engine, "late", 1000);
    for (int i = 0; i < 4; i++) {
        requests[i] = start(engine, WMS_SESSIONS,
                            i == 1 || i == 2 ? "memory://soon" : "memory://late", false);
    }
    wms_request_cancel(requests[3]);
    CHECK(wms_engine_wait(engine, -1) == 1); /* at once */
    CHECK(wms_engine_news(engine, &told) == 1 && told == requests[3] &&
          wms_request_done(told) == 1);
    CHECK(wms_engine_news(engine, &told) == 0);
    wms_request_cancel(requests[1]);
    requests[1] = wms_request_unref(requests[1]); /* its news go with it */
    CHECK(wms_engine_wait(engine, 0) == 0);
    while (wms_request_done(requests[2]) == 0) {
        CHECK(wms_engine_wait(engine, 10) >= 0);
    }
    CHECK(wms_engine_news(engine, &told) == 1 && told == requests[2]);
    CHECK(wms_engine_news(engine, &told) == 0);
    CHECK(wms_request_done(requests[0]) == 0);
    for (int i = 0; i < 4; i++) {
        wms_request_unref(requests[i]);
    }
    wms_memory_unref(hosts[0]);
    wms_memory_unref(hosts[1]);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
    CHECK(descriptors() == before);
}

/* A loss that is told once more after an overflow: its text is the event's own, since the next try
 * to reach the server replaces the watch's. */
static void tell_loss_again(void)
{
    const struct wms_alloc alloc = {heap_resize, &heap};
    const char *servers[] = {"memory://host", "memory://nobody"};
    wms_engine *engine;
    wms_watching watching;
    wms_watch *watch;
    wms_watch_status status;
    wms_event event;

    snprintf(where, sizeof where, "a loss that is told again");
    CHECK(wms_engine_new(&alloc, &engine) == 0);
    wms_memory *host = open_host(engine, "host", 0);
    wms_watching_init(&watching);
    watching.servers = servers;
    watching.server_count = 2;
    watching.initial = true;
    watching.queue = 1;
    CHECK(wms_watch_new(engine, &watching, &watch) == 0);
    do {
        CHECK(wms_watch_wait(watch, 0.01) >= 0);
        CHECK(wms_watch_server(watch, 1, &status) == 0);
    } while (!status.code);
    while (wms_watch_next(watch, &event, NULL) == 1 && event.kind != WMS_EVENT_OVERFLOW) {
    }
    CHECK(event.kind == WMS_EVENT_OVERFLOW);
    CHECK(wms_watch_next(watch, &event, NULL) == 1 && event.kind == WMS_EVENT_LOST);
    CHECK(wms_watch_server(watch, 1, &status) == 0 && event.text != status.text);
    CHECK(strcmp(event.text, status.text) == 0);
    CHECK(wms_engine_wait(engine, 0.7) >= 0); /* it is tried again after 0.5 s */
    CHECK(strlen(event.text) > 0);
    wms_watch_unref(watch);
    wms_memory_unref(host);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
}

int main(int argc, char **argv)
{
    int order[THINGS] = {ENGINE, HOST, OTHER, DONE, RUNNING};

    warm_up();
    CHECK(wms_engine_unref(NULL) == NULL && wms_request_unref(NULL) == NULL &&
          wms_memory_unref(NULL) == NULL);
    printf("%u orders\n", permute(order, 0));
    misbehave();
    leave_before_the_deadline();
    leave();
    tell_news();
    tell_loss_again();
    snprintf(where, sizeof where, "an engine that outlives its Lua state");
    outlive_lua();
    for (int i = 1; i < argc; i++) {
        snprintf(where, sizeof where, "script %d", i);
        close_lua(argv[i]);
    }
    return 0;
}
