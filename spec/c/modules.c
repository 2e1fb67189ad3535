/* SPDX-License-Identifier: MIT */
/* modules.c - what a program in C hears of providers' modules that are there and cannot be loaded.
 *
 *     modules FOLDER NAME...        each NAME.so in FOLDER is one; prints for each the outcome's
 * text
 */
#include "support.h"

#include <wms/provider.h>

static wms_engine *engine;

static wms_request *finish(const wms_command *command)
{
    wms_request *request;
    int error = wms_start(engine, command, &request);

    if (error) {
        fail("%s: %s", wms_error_name(error), wms_engine_complaint(engine));
    }
    CHECK(wms_request_wait(request, 30) == 1);
    return request;
}

/* Every verb ends with the reason, those before which providers are asked as well. */
static void try_verbs(const char *server)
{
    for (int verb = 0; *wms_verb_name((enum wms_verb) verb) != '?'; verb++) {
        const wms_id one = {.number = 1};
        wms_command command;
        wms_outcome outcome;

        if (verb == WMS_WAKE) {
            continue; /* no provider is needed for it */
        }
        wms_command_init(&command, (enum wms_verb) verb);
        command.servers = &server;
        command.server_count = 1;
        if (verb == WMS_CALL) {
            command.interface_name = command.operation = "x";
        } else if (verb == WMS_BIND) {
            command.user_name = command.password = "x";
        } else if (!(wms_verb_traits(command.verb) & WMS_ON_SERVER)) {
            command.ids = &one;
            command.id_count = 1;
            command.message = verb == WMS_LOCK || verb == WMS_MESSAGE ? "m" : NULL;
        }
        snprintf(where, sizeof where, "%s of %s", wms_verb_name(command.verb), server);
        wms_request *request = finish(&command);
        CHECK(wms_request_outcome(request, 0, &outcome) == 0);
        CHECK(outcome.state == WMS_FAILED && outcome.code == WMS_E_NO_PROVIDER &&
              strstr(outcome.text, "cannot be loaded: "));
        if (verb == WMS_UNLOCK) {
            puts(outcome.text);
        }
        wms_request_unref(request);
    }
}

int main(int argc, char **argv)
{
    char servers[8][64], path[1024];
    const char *all[8];
    struct heap heap = {0};
    const struct wms_alloc alloc = {heap_resize, &heap};
    wms_command command;
    wms_request *request;

    CHECK(wms_engine_new(&alloc, &engine) == 0);
    CHECK(wms_engine_module_folder(engine, argv[1]) == 0);
    for (int i = 2; i < argc; i++) {
        snprintf(servers[i - 2], sizeof *servers, "%s://room", argv[i]);
        all[i - 2] = servers[i - 2];
        try_verbs(all[i - 2]);
        snprintf(path, sizeof path, "%s/%s.so", argv[1], argv[i]);
        CHECK(wms_engine_load(engine, argv[i], path) == WMS_E_NO_PROVIDER &&
              *wms_engine_complaint(engine));
    }

    /* All at once: each has its own reason. */
    strcpy(where, "all");
    wms_command_init(&command, WMS_SESSIONS);
    command.servers = all;
    command.server_count = (size_t) argc - 2;
    request = finish(&command);
    CHECK(wms_request_outcome_count(request) == command.server_count);
    for (size_t i = 0; i < command.server_count; i++) {
        wms_outcome outcome;
        char name[64];
        CHECK(wms_request_outcome(request, i, &outcome) == 0);
        snprintf(name, sizeof name, "'%s' cannot be loaded: ", argv[i + 2]);
        CHECK(outcome.code == WMS_E_NO_PROVIDER && strstr(outcome.text, name));
    }
    wms_request_unref(request);

    /* One that is nowhere is no scheme. */
    strcpy(where, "nowhere");
    all[0] = "nowhere://room";
    command.server_count = 1;
    CHECK(wms_start(engine, &command, &request) == WMS_E_INVALID);
    CHECK(strstr(wms_engine_complaint(engine), "unknown scheme 'nowhere'"));
    CHECK(wms_engine_load(engine, "nowhere", NULL) == WMS_E_INVALID);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
    return 0;
}
