/* SPDX-License-Identifier: MIT */
/* provider_office.c - a provider for the specs of the session API: what no host at hand has.  Each
 * office://NAME has the sessions below.
 *
 * disconnect: session 100 + N is answered with the error code -N, 150 not at all after it was sent,
 * and for 151 a timer's call waits until OFFICE_FIFO has been written to, and answers.
 * message: what came is appended to the file that OFFICE_FILE names.  close: is not what it can.
 * "unlisted" tells nobody what there is.
 *
 * A connection that is freed appends a line to the file that OFFICE_FREED names: the process's
 * number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wms/provider.h>

enum { NOT_ANSWERED = 150, SLOW = 151, CODES = 100 };

struct office {
    const struct wms_services *services;
    wms_engine *engine;
    bool unlisted;
    struct wms_timer *timer; /* for the slow session */
    struct wms_op *slow;     /* which waits for it; or NULL */
};

/* ---- sessions -------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    uint32_t number;
    const char *state, *user, *remote_host, *client, *station;
    signed char orchestratable, admin, locked, own;
} sessions[] = {
    {.text = "pty-7",
     .state = "active",
     .user = "dora",
     .remote_host = "192.0.2.7",
     .orchestratable = 1},
    {.number = 5,
     .state = "active",
     .user = "emil",
     .remote_host = "2001:db8::5",
     .orchestratable = 1,
     .own = 1},
    {.number = 6,
     .state = "active",
     .remote_host = "pc6.example",
     .client = "PC6",
     .orchestratable = 1,
     .locked = -1},
    {.number = 0x80000007, .state = "active", .user = "erik", .orchestratable = 1},
    {.text = "c7",
     .state = "active",
     .user = "fritz",
     .orchestratable = 1}, /* its number is taken */
    {.text = "c8", .state = "active", .user = "gerd", .orchestratable = 1},
    {.text = "c08", .state = "active", .user = "hugo", .orchestratable = 1},
    {.text = "c09",
     .state = "active",
     .user = "inge",
     .orchestratable = 1}, /* and there is no c9 */
    {.number = 10, .state = "opening", .user = "x", .orchestratable = 1},
    {.number = 11, .state = "Shadow", .user = "x", .orchestratable = 1},
    {.number = 12, .state = "idle", .user = "x", .orchestratable = 1},
    {.number = 13, .state = "Listen", .orchestratable = 1},
    {.number = 14, .state = "Reset", .orchestratable = 1},
    {.number = 15, .state = "Init", .orchestratable = 1},
    {.number = 16, .state = "ConnectQuery", .orchestratable = 1},
    {.number = 17, .state = "closing", .user = "x", .orchestratable = 1},
    {.number = 18, .state = "Unknown", .user = "x", .orchestratable = 1},
    {.number = 19, .orchestratable = 1},
    {.number = 20, .state = "disconnected", .user = "x", .orchestratable = 1},
    {.number = 30, .state = "active", .user = "root", .orchestratable = 0, .admin = 1},
    {.number = 31, .state = "active", .user = "daemon", .orchestratable = 0, .station = "Services"},
};

static void list(void *data, struct wms_op *op)
{
    struct office *office = data;
    int error = office->unlisted ? WMS_E_ACCESS_DENIED : 0;

    for (size_t i = 0; !error && i < sizeof sessions / sizeof *sessions; i++) {
        wms_session session;
        wms_session_init(&session);
        session.id = (wms_id){.text = sessions[i].text, .number = sessions[i].number};
        session.state = sessions[i].state;
        session.user_name = sessions[i].user;
        session.remote_host = sessions[i].remote_host;
        session.client_name = sessions[i].client;
        session.win_station = sessions[i].station;
        session.is_orchestratable = sessions[i].orchestratable;
        session.is_admin = sessions[i].admin;
        session.locked = sessions[i].locked;
        session.is_own = sessions[i].own;
        error = office->services->session(op, &session);
    }
    office->services->answer(op, error, NULL);
}

/* ---- actions --------------------------------------------------------------------------------- */

/* Appends a text to the file that the variable names. */
static int append(const char *variable, const char *text)
{
    const char *path = getenv(variable);
    FILE *file = path ? fopen(path, "a") : NULL;

    if (!file) {
        return WMS_E_INTERNAL;
    }
    fputs(text, file);
    return fclose(file) ? WMS_E_INTERNAL : 0;
}

static int await_fifo(void)
{
    const char *path = getenv("OFFICE_FIFO");
    FILE *fifo = path ? fopen(path, "r") : NULL;

    if (!fifo) {
        return WMS_E_INTERNAL;
    }
    int got = fgetc(fifo);
    fclose(fifo);
    return got == EOF ? WMS_E_INTERNAL : 0;
}

static int write_down(const wms_id *id, const char *title, const char *message)
{
    char line[1024];

    snprintf(line, sizeof line, "%s|%lu|%s|%s\n", id->text ? id->text : "",
             (unsigned long) id->number, title ? title : "(none)", message);
    return append("OFFICE_FILE", line);
}

static void answer_slow(void *data)
{
    struct office *office = data;
    int error = await_fifo();

    if (office->slow) {
        office->services->answer(office->slow, error, NULL);
        office->slow = NULL;
    }
}

static void act(void *data, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    struct office *office = data;

    office->services->sent(op);
    if (id->number == SLOW) {
        office->slow = op;
        office->services->timer_set(office->timer, 0.01); /* in a later step of the engine */
    } else if (verb == WMS_MESSAGE) {
        office->services->answer(op, write_down(id, op->title, message), NULL);
    } else if (id->number == NOT_ANSWERED) {
        office->services->lost(op, WMS_E_UNREACHABLE, NULL);
    } else {
        office->services->answer(op, id->number > CODES ? CODES - (int) id->number : 0, NULL);
    }
}

/* ---- the rest -------------------------------------------------------------------------------- */

static int connect_office(const struct wms_provider *self, const struct wms_services *services,
                          wms_engine *engine, struct wms_link *link,
                          const struct wms_address *address, void **ret_connection)
{
    struct office *office = services->resize(engine, NULL, sizeof *office);

    (void) self;
    if (!office) {
        return WMS_E_NO_MEMORY;
    }
    office->services = services;
    office->engine = engine;
    office->slow = NULL;
    office->timer = services->timer_new(engine, answer_slow, office);
    if (!office->timer) {
        services->resize(engine, office, 0);
        return WMS_E_NO_MEMORY;
    }
    office->unlisted = strcmp(address->host, "unlisted") == 0;
    *ret_connection = office;
    services->up(link);
    return 0;
}

static void disconnect_office(void *data, bool forked)
{
    struct office *office = data;
    char line[32];

    (void) forked;
    snprintf(line, sizeof line, "%ld\n", (long) getpid());
    append("OFFICE_FREED", line);
    office->services->timer_free(office->timer);
    office->services->resize(office->engine, office, 0);
}

static void forget(void *data, struct wms_op *op)
{
    struct office *office = data;

    office->slow = office->slow == op ? NULL : office->slow;
}

static void observe(void *data, struct wms_observer *observer, const wms_id *id)
{
    struct office *office = data;

    (void) id;
    office->services->blind(observer, WMS_E_UNSUPPORTED, NULL);
}

static void unobserve(void *data, struct wms_observer *observer)
{
    (void) data, (void) observer;
}

__attribute__((visibility("default"))) const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    static const struct wms_provider provider = {
        WMS_PROVIDER_HEAD,
        .name = "office",
        .can = 1u << WMS_SESSIONS | 1u << WMS_DISCONNECT | 1u << WMS_MESSAGE,
        .connect = connect_office,
        .disconnect = disconnect_office,
        .list = list,
        .act = act,
        .forget = forget,
        .observe = observe,
        .unobserve = unobserve,
    };
    return &provider;
}
