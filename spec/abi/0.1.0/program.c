/* SPDX-License-Identifier: MIT */
/* program.c - a program that is built with the headers of 0.1.0 alone, linked with the library of today, and uses every function
 * and every struct of theirs.
 *
 *     program MODULE        the path of the provider beside it
 *
 * Each struct lies at the end of a page with nothing behind it: a library that reads or writes more than 0.1.0 had crashes.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <wms.h>
#include <wms/memory.h>
#include <wms/provider.h>

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            _Exit(1); \
        } \
    } while (0)

enum { PAGE = 4096 };

/* Room for `size` bytes at the end of a page, of 0x55; the next page cannot be read or written. */
static void *edge(size_t size)
{
    char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(pages != MAP_FAILED && mprotect(pages + PAGE, PAGE, PROT_NONE) == 0);
    memset(pages, 0x55, PAGE);
    return pages + PAGE - size;
}

#define EDGE(type, name) type *name = edge(sizeof *(name))

static size_t blocks, guarded, logged;

static void *resize(void *data, void *block, size_t size)
{
    CHECK(data == &blocks);
    if (size == 0) {
        blocks -= block != NULL;
        free(block);
        return NULL;
    }
    blocks += !block;
    return realloc(block, size);
}

static int guard(void *data, const wms_action *action)
{
    CHECK(data == &guarded && action->server && wms_verb_name(action->verb)[0] != '?');
    guarded++;
    return action->verb == WMS_CLOSE;
}

static void logs(void *data, enum wms_level level, const char *text)
{
    CHECK(level <= WMS_WARNING && *text);
    wms_engine_wake(data);
    logged++;
}

/* ---- the engine ------------------------------------------------------------------------------------------------- */

static wms_engine *make_engine(void)
{
    EDGE(struct wms_alloc, alloc);
    EDGE(wms_transport, transport);
    wms_engine *engine;
    char name[32];

    *alloc = (struct wms_alloc){resize, &blocks};
    CHECK(wms_engine_new(alloc, &engine) == 0);
    CHECK(wms_engine_ref(engine) == engine && wms_engine_unref(engine) == NULL);
    CHECK(wms_engine_module_folder(engine, "/") == 0);
    wms_engine_guard(engine, guard, &guarded);
    wms_engine_log(engine, logs, engine);
    *transport = (wms_transport){.connections = 5, .answer_size = 4096, .proxy = "environment"};
    CHECK(wms_engine_transport(engine, transport) == 0);
    transport->connections = 0;
    CHECK(wms_engine_transport(engine, transport) == WMS_E_INVALID);
    CHECK(strstr(wms_engine_complaint(engine), "connections"));
    CHECK(wms_engine_provider_for(engine, "memory://x", name, sizeof name) == 0 && strcmp(name, "memory") == 0);
    CHECK(wms_engine_fd(engine) >= 0);
    CHECK(wms_engine_step(engine) == 0);
    return engine;
}

static void names(void)
{
#define WMS_X(name, number, text) \
    CHECK(WMS_E_##name == (number) && strcmp(wms_error_name(number), #name) == 0 && *wms_error_text(number)); \
    CHECK(wms_error_from_name(#name) == (number));
    WMS_ERRORS(WMS_X)
#undef WMS_X
    static const char *const verbs[] = {"sessions", "unlock", "lock", "disconnect", "close", "call", "bind", "message"};
    static const char *const states[] = {"requested", "verified", "planned", "failed", "unknown", "skipped"};
    for (int i = 0; i <= WMS_MESSAGE; i++) {
        CHECK(strcmp(wms_verb_name((enum wms_verb) i), verbs[i]) == 0 && wms_verb_from_name(verbs[i]) == i);
    }
    for (int i = 0; i <= WMS_SKIPPED; i++) {
        CHECK(strcmp(wms_state_name((enum wms_state) i), states[i]) == 0);
    }
}

/* ---- the embedded host ------------------------------------------------------------------------------------------ */

static wms_memory *make_host(wms_engine *engine)
{
    EDGE(struct wms_memory_options, options);
    EDGE(wms_session, session);
    wms_memory *host, *other;

    CHECK(wms_memory_register(engine) == 0);
    options->latency = 0.001;
    options->relock_after = -1;
    options->admin_orchestration = false;
    CHECK(wms_memory_new(engine, "lab", options, &host) == 0);
    for (uint32_t id = 1; id <= 4; id++) {
        wms_session_init(session);
        session->id.number = id;
        session->user_name = id == 1 ? "alice" : "bob";
        session->locked = 1;
        session->is_admin = id == 4;
        CHECK(wms_memory_open(host, session, -1) == 0);
    }
    CHECK(wms_memory_open(host, session, -1) == WMS_E_INVALID);
    CHECK(wms_memory_new(engine, "other", NULL, &other) == 0);
    CHECK(wms_memory_refuse(other, WMS_E_UNREACHABLE) == 0);
    wms_memory_close(other);
    CHECK(wms_memory_unref(other) == NULL);
    return host;
}

static void use_host(wms_memory *host)
{
    const wms_id one = {.number = 1}, three = {.number = 3}, none = {.number = 9};
    EDGE(wms_session, session);
    EDGE(struct wms_memory_entry, entry);
    const char *message;

    CHECK(wms_memory_lock(host, &one, "wait") == 0);
    CHECK(wms_memory_session(host, &one, session, &message) == 0);
    CHECK(strcmp(session->user_name, "alice") == 0 && session->locked == 1 && session->is_orchestratable == 1);
    CHECK(session->station_id == -1 && !session->remote_host && strcmp(message, "wait") == 0);
    CHECK(wms_memory_unlock(host, &one) == 0);
    CHECK(wms_memory_session(host, &one, session, &message) == 0 && session->locked == 0 && !message);
    CHECK(wms_memory_session(host, &none, session, &message) == WMS_E_NOT_FOUND);
    CHECK(wms_memory_drop(host, &three) == 0 && wms_memory_drop(host, &three) == WMS_E_NOT_FOUND);
    CHECK(wms_memory_fail(host, WMS_CALL, WMS_E_BUSY) == WMS_E_INVALID);
    CHECK(wms_memory_log_count(host) > 0 && wms_memory_log(host, 0, entry) == 0);
    CHECK(wms_verb_name(entry->verb)[0] != '?' && entry->code <= 0);
    CHECK(wms_memory_log(host, 100000, entry) == WMS_E_NOT_FOUND);
}

/* ---- commands --------------------------------------------------------------------------------------------------- */

/* Starts what `command` says on the sessions `first` to `last` of a server, or on all. */
static wms_request *start(wms_engine *engine, wms_command *command, const char *server, uint32_t first, uint32_t last)
{
    wms_id ids[16] = {{NULL, 0}};
    wms_request *request;

    command->servers = &server;
    command->server_count = 1;
    for (uint32_t id = first; id && id <= last; id++) {
        ids[command->id_count++].number = id;
    }
    command->ids = ids;
    int error = wms_start(engine, command, &request);
    if (error) {
        fprintf(stderr, "%s: %s\n", wms_error_name(error), wms_engine_complaint(engine));
    }
    CHECK(error == 0);
    return request;
}

static wms_command *make_command(enum wms_verb verb)
{
    EDGE(wms_command, command);

    wms_command_init(command, verb);
    CHECK(command->verb == verb && command->timeout == 30 && command->verify == -1 && command->concurrency == 32);
    CHECK(!command->title && !command->servers && !command->ask && !command->management);
    if (verb == WMS_LOCK || verb == WMS_MESSAGE) {
        command->message = "m";
    }
    if (verb == WMS_MESSAGE) {
        command->title = "t";
    }
    return command;
}

static void finish(wms_request *request)
{
    int done;

    while ((done = wms_request_wait(request, 10)) == 0) {
    }
    CHECK(done == 1 && wms_request_done(request) == 1);
}

static wms_outcome *outcome_of(wms_request *request, size_t index)
{
    EDGE(wms_outcome, outcome);

    CHECK(wms_request_outcome(request, index, outcome) == 0);
    CHECK(outcome->state <= WMS_SKIPPED); /* no other is known */
    CHECK((outcome->code == 0) == (outcome->text == NULL) && (outcome->code != 0 || outcome->state != WMS_FAILED));
    return outcome;
}

static void list_sessions(wms_engine *engine, const char *server, size_t count)
{
    wms_request *request = start(engine, make_command(WMS_SESSIONS), server, 0, 0);
    EDGE(wms_session, session);
    EDGE(wms_fault, fault);

    finish(request);
    CHECK(wms_request_error(request, fault) == 0);
    CHECK(wms_request_session_count(request) == count && wms_request_session(request, 0, session) == 0);
    CHECK(session->id.number == 1 && strcmp(session->server, server) == 0 && strcmp(session->user_name, "alice") == 0);
    CHECK(session->is_orchestratable == 1 && session->is_rail <= 0 && !session->win_station);
    CHECK(wms_request_session(request, count, session) == WMS_E_NOT_FOUND);
    CHECK(wms_request_outcome_count(request) == 1 && outcome_of(request, 0)->id == NULL);
    CHECK(wms_request_unref(request) == NULL);
}

static void act(wms_engine *engine)
{
    static const enum wms_verb verbs[] = {WMS_LOCK, WMS_UNLOCK, WMS_MESSAGE, WMS_DISCONNECT};
    EDGE(wms_fault, fault);

    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        wms_command *command = make_command(verbs[i]);
        command->verify = verbs[i] == WMS_MESSAGE ? -1 : 5;
        wms_request *request = start(engine, command, "memory://lab", 1, 2);
        CHECK(wms_request_error(request, fault) == 1 && fault->code == WMS_E_BUSY);
        finish(request);
        CHECK(wms_request_error(request, fault) == 0 && wms_request_outcome_count(request) == 2);
        CHECK(outcome_of(request, 1)->id->number == 2 && strcmp(outcome_of(request, 0)->user_name, "alice") == 0);
        wms_request_unref(request);
    }
    wms_request *request = start(engine, make_command(WMS_CLOSE), "memory://lab", 2, 2);
    finish(request);
    CHECK(wms_request_error(request, fault) == 1 && fault->code == WMS_E_ACCESS_DENIED && fault->id->number == 2);
    CHECK(strstr(fault->text, "guard") && strcmp(fault->server, "memory://lab") == 0);
    wms_request_unref(request);
    CHECK(guarded > 0);
}

/* By the program's own loop, with permissions and progress. */
static void act_stepwise(wms_engine *engine)
{
    const wms_target targets[] = {{"memory://lab", {NULL, 1}}, {"memory://lab", {NULL, 2}}};
    wms_command *command = make_command(WMS_UNLOCK);
    EDGE(wms_action, action);
    EDGE(wms_outcome, outcome);
    wms_request *request;
    size_t done = 0, asked = 0;

    command->targets = targets;
    command->target_count = 2;
    command->ask = command->follow = true;
    CHECK(wms_start(engine, command, &request) == 0);
    while (wms_request_done(request) == 0) {
        struct pollfd one = {.fd = wms_request_fd(request), .events = POLLIN};
        CHECK(one.fd >= 0);
        while (wms_request_held(request, action)) {
            CHECK(action->verb == WMS_UNLOCK && action->id->number == ++asked && !action->operation);
            wms_request_permit(request, asked == 1 ? NULL : "not that one");
        }
        CHECK(poll(&one, 1, 10000) == 1);
        CHECK(wms_request_step(request) == 0);
    }
    size_t count = 0;
    while (wms_request_next_outcome(request, outcome, &done)) {
        CHECK(done == ++count && outcome->state <= WMS_SKIPPED);
        CHECK((outcome->id->number == 2) == (outcome->code == WMS_E_ACCESS_DENIED));
    }
    CHECK(count == 2);
    wms_request_unref(request);

    command = make_command(WMS_UNLOCK);
    command->what_if = command->all = true;
    request = start(engine, command, "memory://lab", 0, 0);
    finish(request);
    CHECK(outcome_of(request, 0)->state == WMS_PLANNED);
    wms_request_unref(request);

    request = start(engine, make_command(WMS_UNLOCK), "memory://lab", 1, 2);
    wms_request_cancel(request);
    finish(request);
    CHECK(outcome_of(request, 0)->code == WMS_E_CANCELLED);
    wms_request_unref(request);
}

/* ---- a provider of the same age --------------------------------------------------------------------------------- */

static void use_provider(wms_engine *engine, const char *module)
{
    const struct wms_services *services = wms_engine_services();
    wms_command *command = make_command(WMS_LOCK);
    wms_request *request;

    CHECK(services->abi == WMS_PROVIDER_ABI && services->size >= sizeof *services);
    CHECK(wms_engine_load(engine, "frozen", "/dev/null") == WMS_E_NO_PROVIDER);
    CHECK(wms_engine_load(engine, "frozen", module) == 0 && wms_engine_load(engine, "frozen", module) == 0);
    const struct wms_provider *provider = wms_engine_registered(engine, "frozen");
    CHECK(provider && provider->size == sizeof *provider && provider->default_port == 1);
    CHECK(wms_engine_register(engine, provider) == WMS_E_INVALID);
    wms_engine_complain(engine, "what the program says");
    CHECK(strcmp(wms_engine_complaint(engine), "what the program says") == 0);

    list_sessions(engine, "frozen://room", 5);
    command->verify = 5;
    request = start(engine, command, "frozen://room", 1, 1);
    finish(request);
    CHECK(outcome_of(request, 0)->state == WMS_VERIFIED && outcome_of(request, 0)->changed == 1);
    CHECK(strcmp(outcome_of(request, 0)->note, "by a timer") == 0);
    wms_request_unref(request);

    request = start(engine, make_command(WMS_UNLOCK), "frozen://room", 1, 6);
    finish(request);
    for (size_t i = 0; i < 4; i++) {
        CHECK(outcome_of(request, i)->state == WMS_REQUESTED);
    }
    CHECK(outcome_of(request, 4)->code == WMS_E_NOT_FOUND && outcome_of(request, 5)->code == WMS_E_INTERNAL);
    wms_request_unref(request);

    command = make_command(WMS_UNLOCK);
    command->all = true;
    request = start(engine, command, "frozen://room", 0, 0);
    finish(request);
    CHECK(wms_request_outcome_count(request) == 5);
    for (size_t i = 0; i < 5; i++) {
        outcome_of(request, i);
    }
    wms_request_unref(request);

    request = start(engine, make_command(WMS_DISCONNECT), "frozen://room", 1, 1);
    finish(request);
    CHECK(outcome_of(request, 0)->code == WMS_E_UNSUPPORTED && strstr(outcome_of(request, 0)->text, "they are frozen"));
    wms_request_unref(request);
}

static void call(wms_engine *engine)
{
    EDGE(wms_value, argument);
    EDGE(wms_value, arguments);
    wms_command *command = make_command(WMS_CALL);

    *argument = (wms_value){.kind = WMS_INTEGER, .name = "number", .integer = -3};
    *arguments = (wms_value){.kind = WMS_TABLE, .items = argument, .size = 1};
    command->interface_name = "Room";
    command->operation = "Leave";
    command->arguments = arguments;
    wms_request *request = start(engine, command, "frozen://room", 0, 0);
    finish(request);
    const wms_value *value = wms_request_value(request);
    CHECK(value && strcmp(wms_value_field(value, "operation")->text, "Leave") == 0);
    CHECK(wms_value_field(value, "connections")->natural == 5 && !wms_value_field(value, "nothing"));
    wms_request_unref(request);
}

static void bind(wms_engine *engine)
{
    wms_command *command = make_command(WMS_BIND);
    const char *server, *text;
    char name[300];
    wms_value *list;
    size_t size;

    CHECK(wms_engine_binding_folder(engine, NULL) == 0);
    command->user_name = "admin";
    wms_request *request = start(engine, command, "frozen://room", 0, 0);
    while (!wms_request_wants_password(request)) {
        CHECK(wms_request_wait(request, 10) == 0);
    }
    wms_request_password(request, "right", NULL);
    finish(request);
    CHECK(outcome_of(request, 0)->state == WMS_VERIFIED);
    wms_request_unref(request);

    CHECK(wms_engine_binding_name(engine, "frozen://room:1", name, sizeof name) == 0);
    CHECK(wms_engine_binding_next(engine, &server, &text, &size) == 1 && strcmp(server, name) == 0);
    char *copy = malloc(size);
    CHECK(copy);
    memcpy(copy, text, size);
    CHECK(wms_engine_binding_next(engine, &server, &text, &size) == 0);
    CHECK(wms_bindings(engine, &list) == 0 && list->kind == WMS_LIST && list->size == 1);
    CHECK(strcmp(wms_value_field(list->items, "word")->text, "kept") == 0);
    wms_value_free(engine, list);
    CHECK(wms_unbind(engine, "frozen://room") == 0 && wms_unbind(engine, "frozen://room") == WMS_E_NOT_BOUND);
    CHECK(wms_engine_binding_put(engine, "frozen://room", copy, size) == 0);
    free(copy);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    names();
    wms_engine *engine = make_engine();
    wms_memory *host = make_host(engine);
    list_sessions(engine, "memory://lab", 4);
    act(engine);
    act_stepwise(engine);
    use_host(host);
    use_provider(engine, argv[1]);
    call(engine);
    bind(engine);
    CHECK(logged > 0);
    CHECK(wms_memory_unref(host) == NULL && wms_engine_unref(engine) == NULL);
    CHECK(blocks == 0);
    puts("fine");
    return 0;
}
