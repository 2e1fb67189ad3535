/* SPDX-License-Identifier: MIT */
/* provider.c - the interface to the engine.
 *
 * What the engine calls a connection is a host here, which this client is bound to or may bind to.
 * It is ready at once; libcurl connects when there is a question.
 */
#include <stdio.h>

#include "multipoint.h"

/* ---- hosts ----------------------------------------------------------------------------------- */

static int refuse(const struct wms_services *services, struct wms_link *link, int code,
                  const char *text)
{
    services->broken(link, code, text);
    return code;
}

static int get_all(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine, struct multipoint **ret_all, const char **ret_text)
{
    struct multipoint **slot = (struct multipoint **) services->slot(engine, self);
    int error = *slot ? 0 : multipoint_client_new(services, engine, slot, ret_text);

    *ret_all = *slot;
    return error;
}

static int connect_host(const struct wms_provider *self, const struct wms_services *services,
                        wms_engine *engine, struct wms_link *link,
                        const struct wms_address *address, void **ret_connection)
{
    const char *text = NULL;
    struct multipoint *all;

    if (address->user || address->path || !address->host) {
        return refuse(services, link, WMS_E_UNREACHABLE,
                      "a MultiPoint Server has a name and perhaps a port; give \"host\" or "
                      "\"host:port\" (a Linux host is \"logind://user@host\")");
    }
    int error = get_all(self, services, engine, &all, &text);
    if (error) {
        return text ? refuse(services, link, error, text) : error;
    }
    struct multipoint_host *host = multipoint_alloc(&all->memory, sizeof *host);
    if (!host) {
        return WMS_E_NO_MEMORY;
    }
    host->all = all;
    host->link = link;
    host->address = address;
    host->connections = services->transport(engine)->connections;
    node_init(&host->waiting);
    node_init(&host->tasks);
    node_init(&host->due);
    node_init(&host->failed);
    node_init(&host->peer.sockets);
    *ret_connection = host;
    services->ready(link);
    return 0;
}

static void disconnect_host(void *connection, bool forked)
{
    struct multipoint_host *host = connection;
    const struct multipoint_memory *memory = &host->all->memory;

    if (forked) {
        net_cut(&host->all->net);
    } else {
        multipoint_exchanges_flush(host);
    }
    multipoint_drop_all(host);
    multipoint_transport_forget_host(host);
    net_sockets_forget(&host->peer);
    multipoint_binding_free(memory, &host->binding);
    node_remove(&host->due);
    node_remove(&host->failed);
    multipoint_free(memory, host);
}

static void retire(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine)
{
    struct multipoint **slot = (struct multipoint **) services->slot(engine, self);

    if (*slot) {
        multipoint_client_free(*slot);
        *slot = NULL;
    }
}

static void forked(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine)
{
    struct multipoint **slot = (struct multipoint **) services->slot(engine, self);

    if (*slot) {
        net_cut(&(*slot)->net);
        retire(self, services, engine);
    }
}

/* ---- what is asked for ----------------------------------------------------------------------- */

/* Refuses the op if the host's failure was reported to the engine.  A host whose failure was not
 * reported yet still accepts ops: the engine repeats them.
 */
static bool is_gone(struct multipoint_host *host, struct wms_op *op)
{
    if (host->told) {
        host->all->memory.services->lost(op, host->failure, host->failure_text);
    }
    return host->told;
}

static void list(void *connection, struct wms_op *op)
{
    struct multipoint_host *host = connection;

    if (!is_gone(host, op)) {
        net_enter(&host->all->net);
        multipoint_list(host, op);
        net_leave(&host->all->net);
    }
}

static void act(void *connection, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    struct multipoint_host *host = connection;

    if (!is_gone(host, op)) {
        net_enter(&host->all->net);
        multipoint_act(host, op, verb, id, message);
        net_leave(&host->all->net);
    }
}

static void call(void *connection, struct wms_op *op, const struct wms_call *what)
{
    struct multipoint_host *host = connection;

    if (!is_gone(host, op)) {
        net_enter(&host->all->net);
        if (what->verb == WMS_BIND) {
            multipoint_bind(host, op, what);
        } else if (what->verb != WMS_CALL) {
            multipoint_end(host, op, what->verb);
        } else {
            multipoint_call(host, op, what);
        }
        net_leave(&host->all->net);
    }
}

static void secret(void *connection, struct wms_op *op, const char *password)
{
    struct multipoint_host *host = connection;

    if (!is_gone(host, op) && op->data) {
        net_enter(&host->all->net);
        multipoint_bind_secret(host, op, password);
        net_leave(&host->all->net);
    }
}

static void observe(void *connection, struct wms_observer *observer, const wms_id *id)
{
    struct multipoint_host *host = connection;

    if (host->told) {
        host->all->memory.services->blind(observer, host->failure, host->failure_text);
        return;
    }
    net_enter(&host->all->net);
    multipoint_observe(host, observer, id);
    net_leave(&host->all->net);
}

static void end(struct multipoint_host *host, struct multipoint_task *task)
{
    if (task) {
        net_enter(&host->all->net);
        multipoint_task_end(task);
        net_leave_quietly(&host->all->net);
    }
}

static void forget(void *connection, struct wms_op *op)
{
    end(connection, op->data);
}

static void unobserve(void *connection, struct wms_observer *observer)
{
    end(connection, observer->data);
}

static void watch(void *connection, struct wms_watcher *watcher)
{
    struct multipoint_host *host = connection;

    if (host->told) {
        host->all->memory.services->unwatched(watcher, host->failure, host->failure_text);
        return;
    }
    net_enter(&host->all->net);
    multipoint_watch(host, watcher);
    net_leave(&host->all->net);
}

static void unwatch(void *connection, struct wms_watcher *watcher)
{
    struct multipoint_host *host = connection;

    net_enter(&host->all->net);
    multipoint_unwatch(watcher);
    net_leave_quietly(&host->all->net);
}

static const struct wms_provider provider = {
    WMS_PROVIDER_HEAD,
    .name = "multipoint",
    .needs = "libcurl, libxml2, OpenSSL",
    .can = 1u << WMS_SESSIONS | 1u << WMS_UNLOCK | 1u << WMS_LOCK | 1u << WMS_DISCONNECT |
           1u << WMS_CLOSE | 1u << WMS_CALL | 1u << WMS_BIND | 1u << WMS_REBOOT |
           1u << WMS_POWER_OFF | 1u << WMS_THUMBNAIL,
    .in_flight = MULTIPOINT_IN_FLIGHT,
    .connect = connect_host,
    .disconnect = disconnect_host,
    .list = list,
    .act = act,
    .forget = forget,
    .observe = observe,
    .unobserve = unobserve,
    .retire = retire,
    .forked = forked,
    .check = multipoint_check,
    .call = call,
    .secret = secret,
    .default_port = MULTIPOINT_HTTP_PORT,
    .watch = watch,
    .unwatch = unwatch,
};

WMS_API const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    return &provider;
}
