/* SPDX-License-Identifier: MIT */
/* provider.c - the interface to the engine.
 *
 * What the engine calls a connection is a host here: it is ready at once, and all of them share the
 * engine's connection to the NATS servers, which is begun with the first question. */
#include "nats/asking.h"

static int refuse(const struct wms_services *services, struct wms_link *link, int code,
                  const char *text)
{
    services->broken(link, code, text);
    return code;
}

static bool is_configured(const struct wms_services *services, wms_engine *engine)
{
    const wms_transport *transport = services->transport(engine);

    return WMS_GIVEN(services, transport, nats) && transport->nats;
}

static int connect_host(const struct wms_provider *self, const struct wms_services *services,
                        wms_engine *engine, struct wms_link *link,
                        const struct wms_address *address, void **ret_connection)
{
    struct nats **slot = (struct nats **) services->slot(engine, self);
    char token[NATS_HOST];

    if (address->user || address->path || address->port || !address->host ||
        !nats_host_token(address->host, token)) {
        return refuse(services, link, WMS_E_UNREACHABLE,
                      "a host on NATS has a name (letters, digits, \"-\" and \".\") and nothing "
                      "else; give \"nats://host\", and the servers to wms.configure");
    }
    if (!is_configured(services, engine)) {
        return refuse(services, link, WMS_E_NOT_BOUND, nats_not_configured);
    }
    int error = *slot ? 0 : nats_new(services, engine, slot);
    struct nats_host *host = error ? NULL : nats_alloc(*slot, sizeof *host);
    if (!host) {
        return WMS_E_NO_MEMORY;
    }
    host->all = *slot;
    host->link = link;
    node_init(&host->asks);
    node_init(&host->watches);
    memcpy(host->token, token, sizeof token);
    *ret_connection = host;
    services->ready(link);
    return 0;
}

static void disconnect_host(void *connection, bool forked)
{
    struct nats_host *host = connection;
    struct nats *all = host->all;

    if (host->presence) {
        nats_ask_end(host->presence);
    }
    if (host->client) {
        nats_client_leave(host->client, forked);
    }
    nats_release(all, host);
}

static void retire(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine)
{
    struct nats **slot = (struct nats **) services->slot(engine, self);

    if (*slot) {
        nats_free(*slot, false);
        *slot = NULL;
    }
}

static void forked(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine)
{
    struct nats **slot = (struct nats **) services->slot(engine, self);

    if (*slot) {
        nats_free(*slot, true);
        *slot = NULL;
    }
}

static void list(void *connection, struct wms_op *op)
{
    if (!nats_host_refuses(connection, op)) {
        nats_list(connection, op);
    }
}

static void act(void *connection, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    if (!nats_host_refuses(connection, op)) {
        nats_act(connection, op, verb, id, message);
    }
}

static void command(void *connection, struct wms_op *op, const struct wms_errand *errand)
{
    if (!nats_host_refuses(connection, op)) {
        nats_command(connection, op, errand);
    }
}

static void call(void *connection, struct wms_op *op, const struct wms_call *what)
{
    if (!nats_host_refuses(connection, op)) {
        nats_call(connection, op, what);
    }
}

static void forget(void *connection, struct wms_op *op)
{
    if (!nats_call_forget(connection, op) && op->data) {
        nats_ask_end(op->data);
    }
}

static void observe(void *connection, struct wms_observer *observer, const wms_id *id)
{
    struct nats_host *host = connection;

    if (host->told) {
        host->all->services->blind(observer, host->failure, host->failure_text);
    } else {
        nats_observe(host, observer, id);
    }
}

static void unobserve(void *connection, struct wms_observer *observer)
{
    nats_unobserve(connection, observer);
}

static void watch(void *connection, struct wms_watcher *watcher)
{
    struct nats_host *host = connection;

    if (host->told) {
        host->all->services->unwatched(watcher, host->failure, host->failure_text);
    } else {
        nats_watch(host, watcher);
    }
}

static void unwatch(void *connection, struct wms_watcher *watcher)
{
    nats_unwatch(connection, watcher);
}

static const struct wms_provider provider = {
    WMS_PROVIDER_HEAD,
    .name = "nats",
    .needs = "libnats, OpenSSL",
    .can = 1u << WMS_SESSIONS | 1u << WMS_UNLOCK | 1u << WMS_LOCK | 1u << WMS_DISCONNECT |
           1u << WMS_CLOSE | 1u << WMS_CALL | 1u << WMS_MESSAGE | 1u << WMS_REBOOT |
           1u << WMS_POWER_OFF | 1u << WMS_THUMBNAIL,
    .shared = true,
    .commands = 1u << WMS_UNLOCK | 1u << WMS_LOCK | 1u << WMS_DISCONNECT | 1u << WMS_CLOSE |
                1u << WMS_MESSAGE,
    .connect = connect_host,
    .disconnect = disconnect_host,
    .list = list,
    .act = act,
    .command = command,
    .forget = forget,
    .observe = observe,
    .unobserve = unobserve,
    .retire = retire,
    .forked = forked,
    .check = nats_check,
    .call = call,
    .watch = watch,
    .unwatch = unwatch,
};

WMS_API const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    return &provider;
}
