/* SPDX-License-Identifier: MIT */
/* inner.c - requests and watches that a provider has started, as the program sees them: not at all.
 *
 *     inner FOLDER     of butler.so and envoy.so: see provider_butler.c and provider_envoy.c */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/wait.h>

#include "support.h"

static struct heap heap;
static const struct wms_alloc alloc = {heap_resize, &heap};
static const char *folder;

static wms_engine *engine_new(void)
{
    wms_engine *engine;

    CHECK(wms_engine_new(&alloc, &engine) == 0);
    CHECK(wms_engine_module_folder(engine, folder) == 0);
    return engine;
}

/* A host with one locked session, which answers after `latency` seconds. */
static wms_memory *host(wms_engine *engine, const char *name, double latency)
{
    const struct wms_memory_options options = {.latency = latency, .relock_after = -1};
    wms_session session = session_of(1, "alice");
    wms_memory *memory;

    session.locked = 1;
    CHECK(wms_memory_new(engine, name, &options, &memory) == 0);
    CHECK(wms_memory_open(memory, &session, -1) == 0);
    return memory;
}

static bool is_locked(const wms_memory *memory)
{
    const wms_id id = {.number = 1};
    wms_session session;
    const char *message;

    CHECK(wms_memory_session(memory, &id, &session, &message) == 0);
    return session.locked == 1;
}

static wms_request *ask(wms_engine *engine, const char *operation, const char *server)
{
    static const char *const butler = "butler://house";
    wms_value items[] = {
        {.kind = WMS_STRING, .name = "server", .text = server, .size = server ? strlen(server) : 0},
        {.kind = WMS_NATURAL, .name = "times", .natural = 200},
    };
    const wms_value arguments = {.kind = WMS_TABLE, .items = items, .size = 2};
    wms_command command;
    wms_request *request;

    wms_command_init(&command, WMS_CALL);
    command.servers = &butler;
    command.server_count = 1;
    command.interface_name = "house";
    command.operation = operation;
    command.arguments = server ? &arguments : NULL;
    CHECK(wms_start(engine, &command, &request) == 0);
    return request;
}

/* Asks, and waits for the answer. */
static wms_request *answered(wms_engine *engine, const char *operation, const char *server)
{
    wms_request *request = ask(engine, operation, server), *news;

    CHECK(wms_request_wait(request, 60) == 1);
    CHECK(wms_engine_news(engine, &news) == 1 && news == request);
    CHECK(wms_engine_news(engine, &news) == 0); /* and nothing else */
    return request;
}

static void tell(wms_engine *engine, const char *operation, const char *server)
{
    wms_request *request = answered(engine, operation, server);
    wms_fault fault;

    CHECK(wms_request_error(request, &fault) == 0);
    wms_request_unref(request);
}

static uint64_t state(wms_engine *engine, const char *name)
{
    wms_request *request = answered(engine, "state", NULL);
    const wms_value *field = wms_value_field(wms_request_value(request), name);

    CHECK(field);
    uint64_t number = field->natural;
    wms_request_unref(request);
    return number;
}

/* Whatever runs the engine carries them out, and no news comes of it. */
static void served_by_any_loop(void)
{
    wms_engine *engine = engine_new();
    wms_memory *first = host(engine, "first", 0.05), *second = host(engine, "second", 0.05);
    wms_request *news;
    wms_watch *watch_news;

    tell(engine, "watch", "memory://first");
    tell(engine, "keep", "memory://first");
    CHECK(is_locked(first));
    while (is_locked(first)) {
        CHECK(wms_engine_wait(engine, 0.01) == 0);
    }
    int fd = wms_engine_fd(engine);
    CHECK(fd >= 0);
    tell(engine, "keep", "memory://second");
    while (is_locked(second)) {
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        CHECK(poll(&polled, 1, 60000) == 1);
        CHECK(wms_engine_step(engine) == 0);
        CHECK(wms_engine_news(engine, &news) == 0);
        CHECK(wms_engine_watch_news(engine, &watch_news) == 0);
    }
    while (state(engine, "done") < 2 || state(engine, "events") < 3) {
        CHECK(wms_engine_wait(engine, 0.01) == 0); /* opened, ready, unlocked */
    }
    CHECK(state(engine, "sessions") == 1 && state(engine, "locked") == 0);
    wms_memory_unref(first);
    wms_memory_unref(second);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
}

/* One that starts another each time does not keep the program from control. */
static void one_after_the_other(void)
{
    wms_engine *engine = engine_new();
    wms_memory *memory = host(engine, "first", 0);
    int turns = 0;

    wms_request *request = ask(engine, "run", "memory://first");
    while (!wms_request_done(request)) {
        CHECK(wms_engine_step(engine) == 0);
        turns++;
    }
    CHECK(turns > 1 && turns < 100 && wms_memory_log_count(memory) >= 201);
    wms_request_unref(request);
    request = answered(engine, "run", "memory://first"); /* and it goes on without delay */
    wms_request_unref(request);
    int fd = wms_engine_fd(engine);
    request = ask(engine, "run", "memory://first");
    while (!wms_request_done(request)) {
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        CHECK(poll(&polled, 1, 60000) == 1);
        CHECK(wms_engine_step(engine) == 0);
    }
    wms_request_unref(request);
    wms_memory_unref(memory);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
}

static void house(wms_engine *engine)
{
    tell(engine, "hold", "memory://slow");
    tell(engine, "hold", "memory://slow");
    tell(engine, "hold", "memory://slow");
    tell(engine, "hold", "memory://slow"); /* which is not given back */
    tell(engine, "watch", "memory://slow");
}

/* They end with the program's last reference, whatever is under way. */
static void gone_with_the_engine(void)
{
    wms_engine *engine = engine_new();
    wms_memory *slow = host(engine, "slow", 1000);

    house(engine);
    wms_request *request = ask(engine, "run", "memory://slow");
    wms_memory_unref(slow);
    wms_engine_unref(engine);
    wms_request_unref(request); /* the last */
    CHECK(heap.blocks == 0);
    engine = engine_new();
    tell(engine, "keep", "butler://house"); /* which cannot */
    CHECK(state(engine, "done") == 1);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
}

static int refuse(void *data, const wms_action *action)
{
    (void) data;
    return action->verb != WMS_CALL;
}

static void guarded(void)
{
    wms_engine *engine = engine_new();
    wms_memory *memory = host(engine, "first", 0);

    wms_engine_guard(engine, refuse, NULL);
    wms_request *request = answered(engine, "run", "memory://first");
    const wms_value *outcomes = wms_value_field(wms_request_value(request), "outcomes");
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%d:%d ", WMS_FAILED, WMS_E_ACCESS_DENIED);
    CHECK(outcomes && strcmp(outcomes->text, wanted) == 0);
    CHECK(is_locked(memory));
    wms_request_unref(request);
    wms_memory_unref(memory);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
}

/* A host that carries out commands by itself gets none from a program that has a guard, which is
 * asked about each session; also if the guard comes when the host is not reached yet. */
static size_t asked_sessions;

static int count_sessions(void *data, const wms_action *action)
{
    (void) data;
    asked_sessions += action->id != NULL;
    return action->id && action->id->number == 2;
}

static wms_request *unlock(wms_engine *engine, const char *server, bool all)
{
    static const wms_id ids[] = {{.number = 1}, {.number = 2}, {.text = "c3"}};
    wms_command command;
    wms_request *request;

    wms_command_init(&command, WMS_UNLOCK);
    command.servers = &server;
    command.server_count = 1;
    command.all = all;
    command.ids = ids;
    command.id_count = all ? 0 : 3;
    CHECK(wms_start(engine, &command, &request) == 0);
    return request;
}

static void guarded_errands(void)
{
    static const enum wms_state wanted[] = {WMS_REQUESTED, WMS_FAILED, WMS_REQUESTED};

    for (int i = 0; i < 4; i++) {
        wms_engine *engine = engine_new();
        bool all = i % 2, late = i / 2;
        wms_outcome outcome;
        if (!late) {
            wms_engine_guard(engine, count_sessions, NULL);
        }
        asked_sessions = 0;
        wms_request *request = unlock(engine, late ? "envoy://distant" : "envoy://good", all);
        wms_engine_guard(engine, count_sessions, NULL);
        CHECK(wms_request_wait(request, 60) == 1 && asked_sessions == 3);
        for (size_t k = 0; k < 3; k++) {
            CHECK(wms_request_outcome(request, k, &outcome) == 0 && outcome.state == wanted[k]);
        }
        wms_request_unref(request);
        wms_engine_unref(engine);
        CHECK(heap.blocks == 0);
    }
}

static void child_is_fine(pid_t child)
{
    int status;

    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* In a forked child they have ended, and in the parent they go on. */
static void forked(void)
{
    wms_engine *engine = engine_new();
    wms_memory *slow = host(engine, "slow", 1000), *first = host(engine, "first", 0.05);

    wms_request *hung = unlock(engine, "envoy://hung", false);
    house(engine);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        CHECK(wms_engine_step(engine) == 0);
        CHECK(wms_request_done(hung) == WMS_E_FORKED); /* and it was forgotten, or envoy aborts */
        wms_request_unref(hung);
        CHECK(state(engine, "sessions") == 0); /* of a house of the child's own */
        tell(engine, "watch", "memory://first");
        tell(engine, "keep", "memory://first");
        while (state(engine, "done") < 1 || state(engine, "events") < 3) {
            CHECK(wms_engine_wait(engine, 0.01) == 0);
        }
        wms_memory_unref(slow);
        wms_memory_unref(first);
        wms_engine_unref(engine);
        CHECK(heap.blocks == 0);
        _exit(0);
    }
    child_is_fine(child);
    child = fork();
    if (child == 0) { /* which never runs it */
        wms_request_unref(hung);
        wms_memory_unref(slow);
        wms_memory_unref(first);
        wms_engine_unref(engine);
        CHECK(heap.blocks == 0);
        _exit(0);
    }
    child_is_fine(child);
    CHECK(is_locked(first));
    CHECK(wms_request_done(hung) == 0);
    wms_request_unref(hung);
    wms_memory_unref(slow);
    wms_memory_unref(first);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    folder = argv[1];
    warm_up();
    int before = descriptors();
    served_by_any_loop();
    one_after_the_other();
    gone_with_the_engine();
    guarded();
    guarded_errands();
    forked();
    CHECK(descriptors() == before);
    return 0;
}
