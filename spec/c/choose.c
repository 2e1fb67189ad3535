/* SPDX-License-Identifier: MIT */
/* choose.c - what Lua does not reach of the interface for choosing sessions, for targets, totals
 * and deadlines. */
#include <math.h>

#include "support.h"

static struct heap heap;
static const struct wms_alloc alloc = {heap_resize, &heap};
static const char *const servers[] = {"memory://a", "memory://b"};

static wms_command on_all(enum wms_verb verb)
{
    wms_command command;

    wms_command_init(&command, verb);
    command.all = verb != WMS_SESSIONS;
    command.servers = servers;
    command.server_count = 2;
    return command;
}

static wms_memory *host(wms_engine *engine, const char *name, uint32_t count)
{
    wms_memory *memory;

    CHECK(wms_memory_new(engine, name, NULL, &memory) == 0);
    for (uint32_t i = 1; i <= count; i++) {
        wms_session session;
        wms_session_init(&session);
        session.id.number = i;
        session.user_name = i % 2 ? "odd" : "even";
        session.is_admin = i == 4;
        CHECK(wms_memory_open(memory, &session, -1) == 0);
    }
    return memory;
}

static wms_request *start(wms_engine *engine, const wms_command *command)
{
    wms_request *request;

    CHECK(wms_start(engine, command, &request) == 0);
    return request;
}

static void refused(wms_engine *engine, const wms_command *command, const char *words)
{
    wms_request *request = NULL;

    CHECK(wms_start(engine, command, &request) == WMS_E_INVALID);
    if (!strstr(wms_engine_complaint(engine), words)) {
        fail("complaint: %s", wms_engine_complaint(engine));
    }
}

static void choose(wms_engine *engine)
{
    wms_command command = on_all(WMS_CLOSE);
    wms_session session;
    wms_outcome outcome;
    size_t total = 99, asked = 0;

    command.choose = true;
    wms_request *request = start(engine, &command);
    CHECK(wms_request_total(request, &total) == 0 && total == 99);
    CHECK(wms_request_wait(request, -1) == 0); /* it needs its caller */
    while (wms_request_candidate(request, &session) == 1) {
        wms_session again;
        CHECK(wms_request_candidate(request, &again) == 1 && again.user_name == session.user_name);
        CHECK(session.id.number != 4 && session.identity &&
              strncmp(session.server, "memory://", 9) == 0);
        wms_request_choose(request, strcmp(session.user_name, "even") == 0);
        asked++;
    }
    wms_request_choose(request, true); /* nothing to answer */
    CHECK(asked == 6);
    CHECK(wms_request_wait(request, -1) == 1);
    CHECK(wms_request_total(request, &total) == 1 && total == 2);
    CHECK(wms_request_outcome_count(request) == 2);
    for (size_t i = 0; i < 2; i++) {
        CHECK(wms_request_outcome(request, i, &outcome) == 0 && outcome.id->number == 2 &&
              outcome.identity);
    }
    CHECK(wms_request_candidate(request, &session) == 0);
    wms_request_unref(request);

    command = on_all(WMS_SESSIONS);
    command.choose = true;
    request = start(engine, &command);
    wms_request_unref(request); /* in the middle */
    request = start(engine, &command);
    CHECK(wms_request_total(request, &total) == 1 && total == 2); /* the servers themselves */
    while (wms_request_candidate(request, &session) == 1) {
        wms_request_choose(request, session.id.number == 1);
    }
    CHECK(wms_request_done(request) == 1 && wms_request_session_count(request) == 2);
    wms_request_unref(request);
}

static void target(wms_engine *engine)
{
    static const wms_target targets[] = {
        {"memory://b", {.number = 1}}, {"memory://a", {.number = UINT32_MAX}},
        {"memory://a", {.number = 3}}, {"memory://b", {.number = 1}},
        {"memory://a", {.number = 0}},
    };
    static const char *const users[] = {"one", NULL, NULL, "two", NULL};
    static const char *const identities[] = {"not that one", NULL, NULL, "nor that", NULL};
    static const bool whole[] = {false, true, false, false, true};
    wms_command command;
    wms_outcome outcome;
    size_t total;

    wms_command_init(&command, WMS_UNLOCK);
    command.targets = targets;
    command.target_count = 5;
    command.target_user_names = users;
    command.target_identities = identities;
    command.target_servers = whole;
    wms_request *request = start(engine, &command);
    CHECK(wms_request_done(request) == 1);
    CHECK(wms_request_total(request, &total) == 1 && total == 4); /* 1 of b twice; 1 and 3 of a */
    CHECK(wms_request_outcome(request, 0, &outcome) == 0 && outcome.code == WMS_E_NOT_FOUND);
    CHECK(strcmp(outcome.user_name, "one") == 0 && strcmp(outcome.identity, "not that one") == 0);
    CHECK(wms_request_outcome(request, 1, &outcome) == 0 && outcome.code == 0 &&
          outcome.id->number == 1);
    CHECK(wms_request_outcome(request, 2, &outcome) == 0 && outcome.code == 0 &&
          outcome.id->number == 3);
    CHECK(wms_request_outcome(request, 3, &outcome) == 0 &&
          strcmp(outcome.identity, "nor that") == 0);
    CHECK(wms_request_outcome(request, 4, &outcome) == WMS_E_NOT_FOUND);
    wms_request_unref(request);
    command.target_servers = NULL;
    refused(engine, &command, "no session");
}

static void refuse(wms_engine *engine)
{
    static const wms_id id = {.number = 1};
    const double bad[] = {0, NAN, INFINITY, 1e10};
    wms_command command;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        command = on_all(WMS_UNLOCK);
        command.deadline = bad[i];
        refused(engine, &command, "deadline");
    }
    command = on_all(WMS_UNLOCK);
    command.all = false;
    command.ids = &id;
    command.id_count = 1;
    command.choose = true;
    refused(engine, &command, "where");
    command.choose = false;
    command.own = true;
    refused(engine, &command, "own");
    command = on_all(WMS_UNLOCK);
    command.own = true;
    refused(engine, &command, "session_ids");
    command = on_all(WMS_CALL);
    command.all = false;
    command.server_count = 1;
    command.choose = true;
    refused(engine, &command, "session_ids");
}

int main(void)
{
    wms_engine *engine;

    CHECK(wms_engine_new(&alloc, &engine) == 0);
    wms_memory *a = host(engine, "a", 4), *b = host(engine, "b", 4);
    choose(engine);
    target(engine);
    refuse(engine);
    wms_memory_unref(a);
    wms_memory_unref(b);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
    return 0;
}
