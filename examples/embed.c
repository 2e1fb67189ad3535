/* SPDX-License-Identifier: MIT */
/* embed.c - the engine in a C program that has a loop of its own, and no Lua.
 *
 * In this tree `make examples` builds it.  With an installed wms:
 *
 *     cc -o embed embed.c $(pkg-config --cflags --libs wms)
 *
 * It makes a host in its own memory, locks and unlocks what is there, and tries what its guard
 * refuses.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include <wms.h>
#include <wms/memory.h>

/* Asked before anything is sent.  This program ends nobody's session, whatever it is told to do. */
static int guard(void *data, const wms_action *action)
{
    (void) data;
    return action->verb == WMS_CLOSE || action->verb == WMS_DISCONNECT;
}

/* A host with three sessions; its manager locks the third again, 0.3 s after it was unlocked. */
static int make_host(wms_engine *engine)
{
    static const char *const names[] = {"alice", "bob", "carol"};
    wms_memory *host;
    int error = wms_memory_new(engine, "lab", NULL, &host);

    if (error) {
        return error;
    }
    for (uint32_t i = 0; i < 3 && !error; i++) {
        wms_session session = {.id = {.number = i + 1},
                               .user_name = names[i],
                               .station_id = -1,
                               .is_orchestratable = 1};
        error = wms_memory_open(host, &session, i == 2 ? 0.3 : -1);
    }
    wms_memory_unref(host); /* it serves as long as the engine lives */
    return error;
}

/* The program's loop.  A real one watches descriptors of its own beside the engine's. */
static int run_loop(wms_engine *engine, wms_request *request)
{
    struct pollfd watched = {.fd = wms_engine_fd(engine), .events = POLLIN};
    int done, error = watched.fd < 0 ? watched.fd : 0;

    while (!error && (done = wms_request_done(request)) != 1) {
        if (done < 0) {
            return done;
        }
        if (poll(&watched, 1, -1) < 0 && errno != EINTR) {
            return WMS_E_INTERNAL;
        }
        error = wms_engine_step(engine);
    }
    return error;
}

static void print_outcomes(const wms_request *request)
{
    wms_outcome outcome;

    for (size_t i = 0; wms_request_outcome(request, i, &outcome) == 0; i++) {
        if (outcome.id && outcome.id->text) {
            printf("  session %s", outcome.id->text);
        } else if (outcome.id) {
            printf("  session %lu", (unsigned long) outcome.id->number);
        } else {
            printf("  %s", outcome.server);
        }
        printf(": %s%s%s%s%s\n", wms_state_name(outcome.state), outcome.code ? ", " : "",
               outcome.code ? wms_error_name(outcome.code) : "", outcome.text ? ": " : "",
               outcome.text ? outcome.text : "");
    }
}

/* Carries a command out and prints what became of it. */
static int command(wms_engine *engine, const char *title, const wms_command *what)
{
    wms_request *request;
    int error = wms_start(engine, what, &request);

    printf("%s\n", title);
    if (error == WMS_E_INVALID) {
        fprintf(stderr, "%s\n", wms_engine_complaint(engine));
    }
    if (error) {
        return error;
    }
    error = run_loop(engine, request);
    if (!error) {
        print_outcomes(request);
    }
    wms_request_unref(request);
    return error;
}

static int lesson(wms_engine *engine)
{
    static const char *const servers[] = {"memory://lab"};
    static const wms_id ids[] = {{.number = 1}, {.number = 3}, {.number = 99}};
    wms_command what;
    int error = make_host(engine);

    if (!error) {
        wms_command_init(&what, WMS_LOCK);
        what.all = true;
        what.servers = servers;
        what.server_count = 1;
        what.message = "Eyes on the teacher, please";
        what.verify = 2;
        error = command(engine, "Lock all:", &what);
    }
    if (!error) {
        wms_command_init(&what, WMS_UNLOCK);
        what.servers = servers;
        what.server_count = 1;
        what.ids = ids;
        what.id_count = 3;
        what.verify = 2;
        what.stable = 0.6;
        error = command(engine, "Unlock 1, 3 and 99, and watch them for 0.6 s:", &what);
    }
    if (!error) {
        wms_command_init(&what, WMS_CLOSE);
        what.servers = servers;
        what.server_count = 1;
        what.ids = ids;
        what.id_count = 1;
        error = command(engine, "Close 1, which the guard refuses:", &what);
    }
    return error;
}

int main(void)
{
    wms_engine *engine;
    int error = wms_engine_new(NULL, &engine);

    if (!error) {
        wms_engine_guard(engine, guard, NULL);
        error = lesson(engine);
        wms_engine_unref(engine);
    }
    if (error) {
        fprintf(stderr, "embed: %s\n", wms_error_text(error));
    }
    return error ? 1 : 0;
}
