/* SPDX-License-Identifier: MIT */
/* growth.c - counts the steps of the engine's work, few of a kind and many: none may cost more
 * because there are many.
 *
 *     growth WORK [FEW MANY]     WORK is a name of the table at the end; prints a line for each
 * part of the work
 *
 * A step is a block of the code, without a branch in it, that is entered: the Makefile has the
 * compiler call
 * __sanitizer_cov_trace_pc() there, in the engine and in the embedded host.  What the C library
 * does in between is not counted, and neither is libuv's heap of timers, where one of n costs log
 * n.
 */
#include "growth.h"

/* ---- the works ------------------------------------------------------------------------------- */

static const wms_id first_id = {.number = 1};

static void open_host(struct world *world, size_t i, const wms_id *ids, size_t count)
{
    CHECK(wms_memory_new(world->engine, strstr(world->names[i], "//") + 2, NULL,
                         &world->hosts[i]) == 0);
    for (size_t k = 0; k < count; k++) {
        wms_session session = session_of(ids[k].number, "alice");
        session.locked = 1;
        CHECK(wms_memory_open(world->hosts[i], &session, -1) == 0);
    }
}

static void close_host(struct world *world, size_t i)
{
    wms_memory_close(world->hosts[i]);
    wms_memory_unref(world->hosts[i]);
}

static void many_servers(size_t size)
{
    struct world world;
    wms_command command;

    open_world(&world, size, "memory");
    for (size_t i = 0; i < size; i++) {
        open_host(&world, i, &first_id, 1);
    }
    count("an embedded host is made", size);
    wms_command_init(&command, WMS_UNLOCK);
    command.servers = world.servers;
    command.server_count = size;
    command.ids = &first_id;
    command.id_count = 1;
    run(world.engine, &command, "a server is asked for the first time", size, 0);
    run(world.engine, &command, "a server is asked again", size, 0);
    command.concurrency = 65535;
    run(world.engine, &command, "a server is asked, all at once", size, 0);
    command.verb = WMS_SESSIONS;
    command.id_count = 0;
    run(world.engine, &command, "a server lists its session", size, size);
    command.verb = WMS_UNLOCK;
    command.all = true;
    run(world.engine, &command, "all of a server", size, 0);
    for (size_t i = 0; i < size; i++) {
        close_host(&world, i * 7919 % size); /* which is prime, and divides none of the sizes */
    }
    count("an embedded host is closed", size);
    command.all = false;
    command.id_count = 1;
    run(world.engine, &command, "a server is not there", size, 0);
    close_world(&world);
}

static void ask_sessions(struct world *world)
{
    size_t size = world->size;
    wms_target *targets = array(size, sizeof *targets);
    wms_command command;

    begin();
    open_host(world, 0, world->ids, size);
    count("a session is made", size);
    for (size_t i = 0; i < size; i++) {
        targets[i] = (wms_target){world->servers[0], world->ids[i]};
    }
    wms_command_init(&command, WMS_UNLOCK);
    command.targets = targets;
    command.target_count = size;
    run(world->engine, &command, "a session that knows its server", size, 0);
    wms_command_init(&command, WMS_UNLOCK);
    command.servers = world->servers;
    command.server_count = 1;
    command.ids = world->ids;
    command.id_count = size;
    run(world->engine, &command, "a session by its id", size, 0);
    command.verify = 60;
    run(world->engine, &command, "a session, verified", size, 0);
    command.verify = -1;
    command.what_if = true;
    run(world->engine, &command, "a session, what_if", size, 0);
    command.what_if = false;
    command.verb = WMS_SESSIONS;
    run(world->engine, &command, "a session that is listed by its id", size, size);
    command.verb = WMS_UNLOCK;
    command.id_count = 0;
    command.all = true;
    run(world->engine, &command, "a session of all", size, 0);
    command.stop_on_error = true;
    run(world->engine, &command, "a session of all, one at a time", size, 0);
    begin();
    for (size_t i = 0; i < size; i++) {
        CHECK(wms_memory_drop(world->hosts[0], &world->ids[i * 7919 % size]) == 0);
    }
    count("a session goes", size);
    close_host(world, 0);
    free(targets);
}

static void many_sessions(size_t size)
{
    struct world world;

    open_world(&world, size, "memory");
    ask_sessions(&world);
    close_world(&world);
}

/* Ids that are alike in what a simple hash looks at: the highest bits of their product with the
 * golden ratio ... */
static void ids_of_one_product(size_t size)
{
    struct world world;
    uint32_t inverse = 1;

    for (int i = 0; i < 5; i++) {
        inverse *= 2 - UINT32_C(2654435769) * inverse;
    }
    open_world(&world, size, "memory");
    for (size_t i = 0; i < size; i++) {
        world.ids[i].number = (uint32_t) i * inverse;
    }
    ask_sessions(&world);
    close_world(&world);
}

/* ... and the lowest of themselves. */
static void ids_of_one_end(size_t size)
{
    struct world world;

    open_world(&world, size, "memory");
    for (size_t i = 0; i < size; i++) {
        world.ids[i].number = (uint32_t) i << 17;
    }
    ask_sessions(&world);
    close_world(&world);
}

/* A host that carries out commands by itself. */
static void many_outcomes(size_t size)
{
    struct world world;
    wms_command command;

    open_world(&world, size, "whole");
    told_sessions = size;
    wms_command_init(&command, WMS_UNLOCK);
    command.servers = world.servers;
    command.server_count = 1;
    command.all = true;
    run(world.engine, &command, "a session that the host tells of", size, 0);
    command.all = false;
    command.ids = world.ids;
    command.id_count = size;
    run(world.engine, &command, "a session that was asked for", size, 0);
    told_sessions = 1;
    command.server_count = size;
    command.id_count = 1;
    run(world.engine, &command, "a server that is asked for a session", size, 0);
    command.id_count = 0;
    command.all = true;
    run(world.engine, &command, "a server that is asked for all", size, 0);
    close_world(&world);
}

/* Each answers by itself, and whoever waits is told each time. */
static void answers_one_by_one(size_t size)
{
    struct world world;
    wms_command command;
    wms_outcome outcome;
    size_t done;

    open_world(&world, size, "wide");
    wms_command_init(&command, WMS_UNLOCK);
    command.servers = world.servers;
    command.server_count = size;
    command.ids = &first_id;
    command.id_count = 1;
    command.concurrency = 65535;
    command.follow = true;
    wms_request *request = start(world.engine, &command);
    count("a question", size);
    CHECK(question_count == size);
    for (size_t i = 0; i < size; i++) {
        CHECK(wms_request_outcome_count(request) == size);
        answer(&questions[i * 7919 % size]);
        CHECK(wms_request_wait(request, 60) == (i == size - 1));
        CHECK(wms_request_next_outcome(request, &outcome, &done) == 1 && done == i + 1);
    }
    count("an answer", size);
    CHECK(wms_request_done(request) == 1);
    wms_request_unref(request);
    close_world(&world);
}

static void connections_that_break(size_t size)
{
    struct world world;
    wms_command command;

    open_world(&world, size, "wide");
    wms_command_init(&command, WMS_UNLOCK);
    command.servers = world.servers;
    command.server_count = size;
    command.ids = &first_id;
    command.id_count = 1;
    command.concurrency = 65535;
    wms_request *request = start(world.engine, &command);
    begin();
    for (size_t i = 0; i < size; i++) {
        const struct conn *conn = questions[i * 7919 % size].conn;
        conn->services->broken(conn->link, WMS_E_UNREACHABLE, "it broke");
        CHECK(wms_engine_step(world.engine) == 0);
    }
    count("a connection breaks", size);
    CHECK(wms_request_done(request) == 1);
    wms_request_unref(request);
    request = start(world.engine, &command);
    begin();
    wms_request_cancel(request);
    count("a question is cancelled", size);
    wms_request_unref(request);
    close_world(&world);
}

/* Requests for a host that takes few questions at a time. */
static void start_all(struct world *world, double timeout)
{
    wms_command command;

    wms_command_init(&command, WMS_UNLOCK);
    command.servers = world->servers;
    command.server_count = 1;
    command.ids = &first_id;
    command.id_count = 1;
    command.timeout = timeout;
    for (size_t i = 0; i < world->size; i++) {
        world->requests[i] = start(world->engine, &command);
    }
}

static void answer_all(struct world *world)
{
    for (size_t i = 0; i < question_count; i++) {
        answer(&questions[i]);
        CHECK(wms_engine_step(world->engine) == 0);
    }
}

static void free_all(struct world *world)
{
    for (size_t i = 0; i < world->size; i++) {
        wms_request_unref(world->requests[i]);
    }
}

static void a_line_for_one_host(size_t size)
{
    struct world world;

    open_world(&world, size, "narrow");
    start_all(&world, 600);
    count("a question in line", size);
    CHECK(question_count == PLACES);
    answer_all(&world);
    count("an answer", size);
    CHECK(question_count == size);
    for (size_t i = 0; i < size; i++) {
        CHECK(wms_request_done(world.requests[i]) == 1);
    }
    begin();
    free_all(&world);
    count("a request goes", size);
    question_count = 0;
    start_all(&world, 600);
    begin();
    free_all(&world);
    count("a request in line goes", size);
    close_world(&world);
}

/* Those that wait for a place on a connection that hangs go to another one. */
static void a_line_that_moves(size_t size)
{
    struct world world;
    wms_request *hung[PLACES];
    wms_command command;

    open_world(&world, size, "narrow");
    wms_command_init(&command, WMS_UNLOCK);
    command.servers = world.servers;
    command.server_count = 1;
    command.ids = &first_id;
    command.id_count = 1;
    for (size_t i = 0; i < PLACES; i++) {
        command.timeout = 1;
        hung[i] = start(world.engine, &command);
    }
    start_all(&world, 600);
    begin();
    for (size_t i = 0; i < PLACES; i++) {
        CHECK(wms_request_wait(hung[i], 60) == 1);
        wms_request_unref(hung[i]);
    }
    count("one in line moves", size);
    answer_all(&world);
    count("an answer", size);
    CHECK(question_count == size + PLACES);
    free_all(&world);
    close_world(&world);
}

/* A guard's program gives its requests back meanwhile. */
static struct world *collected;

static int collecting_guard(void *data, const wms_action *action)
{
    struct world *world = data;

    (void) action;
    if (collected) {
        collected = NULL;
        for (size_t i = 0; i < world->size; i++) {
            wms_request_unref(world->requests[i]);
        }
    }
    return 0;
}

static void requests_given_back_in_a_guard(size_t size)
{
    struct world world, others;
    wms_command command;

    open_world(&others, size, "wide");
    CHECK(wms_engine_unref(others.engine) == NULL);
    free(questions);
    open_world(&world, size, "wide");
    start_all(&world, 600);
    answer_all(&world);
    question_count = 0;
    others.engine = world.engine;
    start_all(&others, 600); /* they stay */
    answer_all(&others);
    collected = &world;
    wms_engine_guard(world.engine, collecting_guard, &world);
    wms_command_init(&command, WMS_UNLOCK);
    command.servers = world.servers;
    command.server_count = 1;
    command.ids = &first_id;
    command.id_count = 1;
    begin();
    wms_request *request = start(world.engine, &command);
    count("a request that is given back", size);
    CHECK(!collected);
    wms_request_unref(request);
    begin();
    free_all(&others);
    count("a request goes", size);
    free(others.hosts);
    free(others.names);
    free(others.servers);
    free(others.ids);
    free(others.requests);
    close_world(&world);
}

/* Also while there are connections that have asked for theirs. */
static void bindings_in_memory(size_t size)
{
    static const char text[] = "wms binding 1\nport natural 80\nend\n",
                      other[] = "wms binding 1\nport natural 81\nend\n";
    struct world world;
    wms_command command;
    wms_value *list;

    open_world(&world, size, "wide");
    for (size_t i = 0; i < size; i++) {
        CHECK(wms_engine_binding_put(world.engine, world.servers[i], text, sizeof text - 1) == 0);
    }
    count("a binding is put", size);
    wms_command_init(&command, WMS_UNLOCK);
    command.servers = world.servers;
    command.server_count = size;
    command.ids = &first_id;
    command.id_count = 1;
    command.concurrency = 65535;
    wms_request *request = start(world.engine, &command);
    count("a server is asked", size);
    for (size_t i = 0; i < size; i++) {
        CHECK(wms_engine_binding_put(world.engine, world.servers[i], other, sizeof other - 1) == 0);
    }
    count("a binding is put in use", size);
    wms_request_unref(request);
    begin();
    CHECK(wms_bindings(world.engine, &list) == 0 && list->size == size);
    wms_value_free(world.engine, list);
    count("a binding is listed", size);
    for (size_t i = 0; i < size; i++) {
        CHECK(wms_unbind(world.engine, world.servers[i * 7919 % size]) == 0);
    }
    count("a binding is forgotten", size);
    close_world(&world);
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct work works[] = {
    {"servers", many_servers, 30000},          {"sessions", many_sessions, 100000},
    {"product", ids_of_one_product, 20000},    {"end", ids_of_one_end, 20000},
    {"answers", answers_one_by_one, 30000},    {"outcomes", many_outcomes, 30000},
    {"broken", connections_that_break, 30000}, {"line", a_line_for_one_host, 30000},
    {"moves", a_line_that_moves, 20000},       {"guard", requests_given_back_in_a_guard, 20000},
    {"bindings", bindings_in_memory, 20000},
};

int main(int argc, char **argv)
{
    return main_of(works, sizeof works / sizeof *works, argc, argv);
}
