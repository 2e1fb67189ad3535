/* SPDX-License-Identifier: MIT */
/* provider.c - the interface to the engine. */
#include "wts.h"
#include "wts/layout.h"

static int connect_host(const struct wms_provider *self, const struct wms_services *services,
                        wms_engine *engine, struct wms_link *link,
                        const struct wms_address *address, void **ret_connection)
{
    struct wts_tallies **tallies = (struct wts_tallies **) services->slot(engine, self);
    struct wts_host *host;

    *tallies = *tallies ? *tallies : wts_tallies_new();
    if (!*tallies) {
        return WMS_E_NO_MEMORY;
    }
    int error = wts_host_new(services, engine, *tallies, link, address, &host);

    if (!error) {
        *ret_connection = host;
    }
    return error;
}

static void disconnect_host(void *connection, bool forked)
{
    wts_host_free(connection, forked);
}

static void retire(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine)
{
    struct wts_tallies **tallies = (struct wts_tallies **) services->slot(engine, self);

    wts_tallies_free(*tallies);
    *tallies = NULL;
}

static void list(void *connection, struct wms_op *op)
{
    wts_ear_listed(connection);
    wts_list(connection, op);
}

static void act(void *connection, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    wts_act(connection, op, verb, id, message);
}

static void call(void *connection, struct wms_op *op, const struct wms_call *what)
{
    wts_end(connection, op, what->verb);
}

static void observe(void *connection, struct wms_observer *observer, const wms_id *id)
{
    wts_observe(connection, observer, id);
}

static void watch(void *connection, struct wms_watcher *watcher)
{
    wts_watch(connection, watcher);
}

static void unwatch(void *connection, struct wms_watcher *watcher)
{
    wts_unwatch(connection, watcher);
}

static void end(struct wts_task *task)
{
    if (task) {
        wts_task_end(task);
    }
}

static void forget(void *connection, struct wms_op *op)
{
    (void) connection;
    end(op->data);
}

static void unobserve(void *connection, struct wms_observer *observer)
{
    (void) connection;
    end(observer->data);
}

static const struct wms_provider provider = {
    WMS_PROVIDER_HEAD,
    .name = "wts",
    .needs = "libwinpr",
    .can = 1u << WMS_SESSIONS | 1u << WMS_DISCONNECT | 1u << WMS_CLOSE | 1u << WMS_MESSAGE |
           1u << WMS_REBOOT | 1u << WMS_POWER_OFF,
    .in_flight = WTS_IN_FLIGHT,
    .connect = connect_host,
    .disconnect = disconnect_host,
    .list = list,
    .act = act,
    .forget = forget,
    .observe = observe,
    .unobserve = unobserve,
    .watch = watch,
    .unwatch = unwatch,
    .call = call,
    .retire = retire,
    .forked = retire, /* calls that hang in the parent's threads do not exist in the child */
    .cannot = "the session API has no such call; logind and multipoint hosts have",
};

WMS_API const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    return &provider;
}
