/* SPDX-License-Identifier: MIT */
/* growth.h - what the works of growth.c are made of: hosts that answer when they are told to, and
 * an engine with names for many things. */
#ifndef SPEC_GROWTH_H
#define SPEC_GROWTH_H

#include "steps.h"
#include <wms/provider.h>

/* ---- hosts that answer when they are told to ------------------------------------------------- */

enum { PLACES = 4 };

struct conn {
    const struct wms_services *services;
    wms_engine *engine;
    struct wms_link *link;
};

/* A question that is not answered yet. */
struct asked {
    struct wms_op *op;
    struct conn *conn;
};

static struct asked *questions;
static size_t question_count;

static int told_connect(const struct wms_provider *self, const struct wms_services *services,
                        wms_engine *engine, struct wms_link *link,
                        const struct wms_address *address, void **ret_connection)
{
    struct conn *conn = services->resize(engine, NULL, sizeof *conn);
    const char *text;
    wms_value *binding;

    (void) self;
    (void) address;
    CHECK(conn);
    *conn = (struct conn){services, engine, link};
    *ret_connection = conn;
    if (services->load(link, &binding, &text) == 0) {
        services->drop(engine, binding);
    }
    services->up(link);
    return 0;
}

static void told_disconnect(void *connection, bool forked)
{
    struct conn *conn = connection;

    (void) forked;
    conn->services->resize(conn->engine, conn, 0);
}

static void told_list(void *connection, struct wms_op *op)
{
    struct conn *conn = connection;

    conn->services->answer(op, 0, NULL);
}

static void told_act(void *connection, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                     const char *message)
{
    struct conn *conn = connection;
    struct asked *asked = &questions[question_count++];

    (void) verb;
    (void) id;
    (void) message;
    *asked = (struct asked){op, conn};
    op->data = asked;
    conn->services->sent(op);
}

static void told_forget(void *connection, struct wms_op *op)
{
    (void) connection;
    ((struct asked *) op->data)->op = NULL;
}

static void told_observe(void *connection, struct wms_observer *observer, const wms_id *id)
{
    struct conn *conn = connection;

    (void) id;
    conn->services->blind(observer, WMS_E_UNSUPPORTED, NULL);
}

static void told_unobserve(void *connection, struct wms_observer *observer)
{
    (void) connection;
    (void) observer;
}

static size_t told_sessions; /* how many a host acts on that is asked for all */

static void told_command(void *connection, struct wms_op *op, const struct wms_errand *errand)
{
    struct conn *conn = connection;
    size_t sessions = errand->all ? told_sessions : errand->count;

    conn->services->sent(op);
    for (size_t i = 0; i < sessions; i++) {
        const wms_id made = {.number = (uint32_t) i << 17 | (uint32_t) i >> 15};
        const wms_outcome outcome = {.id = errand->all ? &made : &errand->ids[i],
                                     .user_name = "alice",
                                     .state = WMS_VERIFIED,
                                     .changed = 1};
        CHECK(conn->services->outcome(op, &outcome) == 0);
    }
    conn->services->answer(op, 0, NULL);
}

#define TOLD \
    .abi = WMS_PROVIDER_ABI, .size = sizeof(struct wms_provider), .can = 1u << WMS_UNLOCK, \
    .connect = told_connect, .disconnect = told_disconnect, .list = told_list, .act = told_act, \
    .forget = told_forget, .observe = told_observe, .unobserve = told_unobserve

static const struct wms_provider wide = {TOLD, .name = "wide"};
static const struct wms_provider narrow = {TOLD, .name = "narrow", .in_flight = PLACES};
static const struct wms_provider whole = {TOLD, .name = "whole", .commands = 1u << WMS_UNLOCK,
                                          .command = told_command,
                                          .outcome_size = sizeof(wms_outcome)};

static void answer(const struct asked *asked)
{
    if (asked->op) {
        asked->conn->services->answer(asked->op, 0, NULL);
    }
}

/* ---- what is asked --------------------------------------------------------------------------- */

static struct heap heap;
static const struct wms_alloc alloc = {heap_resize, &heap};

struct world {
    wms_engine *engine;
    size_t size;
    wms_memory **hosts;
    char (*names)[32];
    const char **servers; /* `size` of them */
    wms_id *ids;
    wms_request **requests;
};

static void *array(size_t count, size_t size)
{
    void *block = calloc(count + 1, size);

    CHECK(block);
    return block;
}

static void open_world(struct world *world, size_t size, const char *scheme)
{
    *world = (struct world){
        .size = size,
        .hosts = array(size, sizeof *world->hosts),
        .names = array(size, sizeof *world->names),
        .servers = array(size, sizeof *world->servers),
        .ids = array(size, sizeof *world->ids),
        .requests = array(size, sizeof *world->requests),
    };
    questions = array(2 * size + PLACES, sizeof *questions);
    question_count = 0;
    for (size_t i = 0; i < size; i++) {
        snprintf(world->names[i], sizeof *world->names, "%s://h%zu", scheme, i);
        world->servers[i] = world->names[i];
        world->ids[i].number = (uint32_t) i;
    }
    CHECK(wms_engine_new(&alloc, &world->engine) == 0);
    CHECK(wms_memory_register(world->engine) == 0);
    CHECK(wms_engine_binding_folder(world->engine, NULL) == 0);
    CHECK(wms_engine_register(world->engine, &wide) == 0 &&
          wms_engine_register(world->engine, &narrow) == 0 &&
          wms_engine_register(world->engine, &whole) == 0);
    begin();
}

static void close_world(struct world *world)
{
    begin();
    wms_engine_unref(world->engine);
    count("the engine goes", world->size);
    CHECK(heap.blocks == 0);
    free(world->hosts);
    free(world->names);
    free(world->servers);
    free(world->ids);
    free(world->requests);
    free(questions);
}

static wms_request *start(wms_engine *engine, const wms_command *command)
{
    wms_request *request;
    int error = wms_start(engine, command, &request);

    if (error) {
        fail("%s: %s", wms_error_name(error), wms_engine_complaint(engine));
    }
    return request;
}

/* Reads everything that there is to read. */
static void read_all(wms_request *request, size_t outcomes, size_t sessions)
{
    wms_outcome outcome;
    wms_session session;

    CHECK(wms_request_outcome_count(request) == outcomes &&
          wms_request_session_count(request) == sessions);
    for (size_t i = 0; i < outcomes; i++) {
        CHECK(wms_request_outcome(request, i, &outcome) == 0);
    }
    for (size_t i = 0; i < sessions; i++) {
        CHECK(wms_request_session(request, i, &session) == 0);
    }
}

static void run(wms_engine *engine, const wms_command *command, const char *what, size_t outcomes,
                size_t sessions)
{
    begin();
    wms_request *request = start(engine, command);
    CHECK(wms_request_wait(request, 60) == 1);
    read_all(request, outcomes, sessions);
    wms_request_unref(request);
    count(what, outcomes ? outcomes : sessions);
}

#endif
