/* SPDX-License-Identifier: MIT */
/* sizes.c - structs of another size than the library's: of a program that was built with a later
 * version, or with one between 0.1.0 and this one.
 */
#include "support.h"

enum { MORE = 40 };

/* A struct as a later version has it, filled with 0x55. */
#define LATER(type, name) \
    struct { \
        type now; \
        unsigned char more[MORE]; \
    } name; \
    memset(&name, 0x55, sizeof name)

/* What this library does not know is 0. */
#define IS_CLEAR(name) (all(name.more, MORE, 0))

static bool all(const unsigned char *bytes, size_t count, unsigned char wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != wanted) {
            return false;
        }
    }
    return true;
}

static void finish(wms_request *request)
{
    CHECK(wms_request_wait(request, 30) == 1);
}

int main(void)
{
    const wms_id one = {.number = 1};
    const char *server = "memory://lab", *message;
    wms_engine *engine;
    wms_memory *host;
    wms_request *request;
    size_t done;

    CHECK(wms_engine_new(NULL, &engine) == 0);

    strcpy(where, "what the library reads");
    LATER(wms_transport, transport);
    transport.now = (wms_transport){.connections = 4, .answer_size = 4096};
    CHECK(wms_engine_transport_sized(engine, &transport.now, sizeof transport) == 0);
    LATER(struct wms_memory_options, options);
    options.now = (struct wms_memory_options){.relock_after = -1};
    CHECK(wms_memory_new_sized(engine, "lab", &options.now, sizeof options, &host) == 0);
    LATER(wms_session, session);
    session.now = session_of(1, "alice");
    session.now.identity = "the first";
    CHECK(wms_memory_open_sized(host, &session.now, sizeof session, -1) == 0);
    session.now.id.number = 2;
    CHECK(wms_memory_open_sized(host, &session.now, offsetof(wms_session, identity), -1) == 0);
    LATER(wms_magic, magic);
    magic.now = (wms_magic){
        .server = server, .mac = "00:11:22:33:44:55", .network = "127.0.0.1", .port = 7};
    CHECK(wms_engine_magics_sized(engine, &magic.now, 1, sizeof magic) == 0);
    CHECK(wms_engine_magics_sized(engine, &magic.now, 1, offsetof(wms_magic, port)) == 0);
    CHECK(wms_engine_magics_sized(engine, &magic.now, 1, offsetof(wms_magic, mac)) ==
          WMS_E_INVALID);
    LATER(wms_command, command);
    wms_command_init(&command.now, WMS_UNLOCK);
    command.now.size = sizeof command;
    command.now.servers = &server;
    command.now.server_count = 1;
    command.now.ids = &one;
    command.now.id_count = 1;
    command.now.ask = command.now.follow = true;
    CHECK(wms_start(engine, &command.now, &request) == 0);

    strcpy(where, "what the library writes");
    LATER(wms_action, action);
    while (!wms_request_held_sized(request, &action.now, sizeof action)) {
        CHECK(wms_request_wait(request, 30) == 0);
    }
    CHECK(action.now.id->number == 1 && IS_CLEAR(action));
    LATER(wms_fault, fault);
    CHECK(wms_request_error_sized(request, &fault.now, sizeof fault) == 1 &&
          fault.now.code == WMS_E_BUSY && IS_CLEAR(fault));
    wms_request_permit(request, "no");
    finish(request);
    LATER(wms_outcome, outcome);
    CHECK(wms_request_next_outcome_sized(request, &outcome.now, &done, sizeof outcome) == 1 &&
          IS_CLEAR(outcome));
    memset(&outcome, 0x55, sizeof outcome);
    CHECK(wms_request_outcome_sized(request, 0, &outcome.now, sizeof outcome) == 0 &&
          IS_CLEAR(outcome));
    CHECK(outcome.now.code == WMS_E_ACCESS_DENIED);
    memset(&fault, 0x55, sizeof fault);
    CHECK(wms_request_error_sized(request, &fault.now, sizeof fault) == 1 &&
          fault.now.id->number == 1 && IS_CLEAR(fault));
    wms_request_unref(request);
    memset(&session, 0x55, sizeof session);
    CHECK(wms_memory_session_sized(host, &one, &session.now, sizeof session, &message) == 0 &&
          IS_CLEAR(session));
    CHECK(strcmp(session.now.identity, "the first") == 0);

    wms_command_init(&command.now, WMS_SESSIONS);
    command.now.servers = &server;
    command.now.server_count = 1;
    CHECK(wms_start(engine, &command.now, &request) == 0);
    finish(request);
    memset(&session, 0x55, sizeof session);
    CHECK(wms_request_session_sized(request, 0, &session.now, sizeof session) == 0 &&
          IS_CLEAR(session));
    CHECK(strcmp(session.now.identity, "the first") == 0);
    CHECK(wms_request_session_sized(request, 1, &session.now, sizeof session) == 0);
    CHECK(session.now.identity && strcmp(session.now.identity, "the first") != 0);
    memset(&session, 0x55, sizeof session);
    CHECK(wms_request_session_sized(request, 0, &session.now, offsetof(wms_session, identity)) ==
          0);
    CHECK(strcmp(session.now.user_name, "alice") == 0);
    CHECK(all((unsigned char *) &session.now.identity, sizeof(char *), 0x55) &&
          all(session.more, MORE, 0x55));
    wms_request_unref(request);
    LATER(struct wms_memory_entry, entry);
    CHECK(wms_memory_log_sized(host, 0, &entry.now, sizeof entry) == 0 && IS_CLEAR(entry));

    strcpy(where, "sizes that are none");
    const size_t wrong[] = {0, 8, 100, 4097, (size_t) -1};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        command.now.size = wrong[i];
        CHECK(wms_start(engine, &command.now, &request) == WMS_E_INVALID);
        CHECK(strstr(wms_engine_complaint(engine), "not made by wms_command_init()"));
    }
    wms_memory_unref(host);
    wms_engine_unref(engine);
    return 0;
}
