/* SPDX-License-Identifier: MIT */
/* provider_plain.c - a provider for the specs that uses single services of the engine's.  What it
 * does depends on the server:
 *
 *     plain://good         has the session 1, and takes any action
 *     plain://talks        likewise, and says what it does in the log
 *     plain://deaf         wants to watch what no system can watch, /dev/null, and is not reached,
 * since it cannot
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <wms/provider.h>

struct plain {
    const struct wms_services *services;
    wms_engine *engine;
    bool talks;
};

static void say(const struct plain *plain, enum wms_level level, const char *text)
{
    if (plain->talks) {
        plain->services->log(plain->engine, level, text);
    }
}

static void list(void *data, struct wms_op *op)
{
    struct plain *plain = data;
    wms_session session;

    say(plain, WMS_DEBUG, "plain: a list of %s and %n"); /* no format */
    wms_session_init(&session);
    session.id = (wms_id){.number = 1};
    session.state = "active";
    session.is_orchestratable = 1;
    int error = plain->services->session(op, &session);
    plain->services->answer(op, error, NULL);
}

static void act(void *data, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    struct plain *plain = data;

    (void) verb, (void) id, (void) message;
    say(plain, WMS_WARNING, "plain: an action");
    plain->services->sent(op);
    plain->services->answer(op, 0, NULL);
}

static void ready(void *data, int events)
{
    (void) data, (void) events;
}

/* What poll_new() says of a descriptor that no system can watch. */
static int watch_nothing(const struct plain *plain)
{
    struct wms_poll *poll = NULL;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int error = plain->services->poll_new(plain->engine, fd, ready, NULL, &poll);

    if (!error) {
        plain->services->poll_free(poll);
    }
    close(fd);
    return error;
}

static int connect_plain(const struct wms_provider *self, const struct wms_services *services,
                         wms_engine *engine, struct wms_link *link,
                         const struct wms_address *address, void **ret_connection)
{
    const char *host = address->host ? address->host : "";
    struct plain *plain = services->resize(engine, NULL, sizeof *plain);
    char text[64];

    (void) self;
    if (!plain) {
        return WMS_E_NO_MEMORY;
    }
    *plain =
        (struct plain){.services = services, .engine = engine, .talks = strcmp(host, "talks") == 0};
    *ret_connection = plain;
    if (strcmp(host, "deaf") == 0) {
        int error = watch_nothing(plain);
        snprintf(text, sizeof text, "poll_new() said %d", error);
        services->broken(link, error ? error : WMS_E_UNREACHABLE, text);
    } else {
        services->up(link);
    }
    return 0;
}

static void disconnect_plain(void *data, bool forked)
{
    struct plain *plain = data;

    (void) forked;
    plain->services->resize(plain->engine, plain, 0);
}

static void forget(void *data, struct wms_op *op)
{
    (void) data, (void) op;
}

static void observe(void *data, struct wms_observer *observer, const wms_id *id)
{
    struct plain *plain = data;

    (void) id;
    plain->services->blind(observer, WMS_E_UNSUPPORTED, NULL);
}

static void unobserve(void *data, struct wms_observer *observer)
{
    (void) data, (void) observer;
}

__attribute__((visibility("default"))) const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    static const struct wms_provider provider = {
        .abi = WMS_PROVIDER_ABI,
        .size = sizeof provider,
        .name = "plain",
        .can = 1u << WMS_SESSIONS | 1u << WMS_UNLOCK,
        .connect = connect_plain,
        .disconnect = disconnect_plain,
        .list = list,
        .act = act,
        .forget = forget,
        .observe = observe,
        .unobserve = unobserve,
    };
    return &provider;
}
