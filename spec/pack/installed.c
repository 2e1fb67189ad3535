/* SPDX-License-Identifier: MIT */
/* installed.c - a program in C that is built with what is installed: prints what the providers say
 * that the library finds by itself, about hosts that are not there. */
#include <stdio.h>

#include <wms.h>

static int ask(wms_engine *engine, const char *server)
{
    wms_command command;
    wms_request *request;
    wms_outcome outcome;

    wms_command_init(&command, WMS_SESSIONS);
    command.servers = &server;
    command.server_count = 1;
    command.timeout = 5;
    int error = wms_start(engine, &command, &request);

    if (error) {
        return error;
    }
    error = wms_request_wait(request, -1);
    if (error >= 0) {
        error = wms_request_outcome(request, 0, &outcome);
    }
    if (!error) {
        printf("%s %s\n", server, wms_error_name(outcome.code));
    }
    wms_request_unref(request);
    return error;
}

int main(void)
{
    static const char *const servers[] = {"logind:///run/no-such-bus", "multipoint://127.0.0.1",
                                          "veyon://127.0.0.1", "wts://"};
    wms_engine *engine;
    int error = wms_engine_new(NULL, &engine);

    for (size_t i = 0; !error && i < sizeof servers / sizeof *servers; i++) {
        error = ask(engine, servers[i]);
    }
    if (error) {
        fprintf(stderr, "%s\n", wms_error_text(error));
        return 1;
    }
    wms_engine_unref(engine);
    return 0;
}
