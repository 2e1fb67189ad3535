/* SPDX-License-Identifier: MIT */
/* provider.c - the interface to the engine.
 *
 * What the engine calls a connection is a host here.  It is ready at once; the gateway connects to
 * it when there is a question. */
#include <stdio.h>

#include "veyon/veyon.h"

enum { IN_FLIGHT = 8 };

/* ---- hosts ----------------------------------------------------------------------------------- */

static int refuse(const struct wms_services *services, struct wms_link *link, int code,
                  const char *text)
{
    services->broken(link, code, text);
    return code;
}

static int connect_host(const struct wms_provider *self, const struct wms_services *services,
                        wms_engine *engine, struct wms_link *link,
                        const struct wms_address *address, void **ret_connection)
{
    struct veyon **slot = (struct veyon **) services->slot(engine, self);
    const char *text = NULL;

    if (address->user || address->path || !address->host) {
        return refuse(services, link, WMS_E_UNREACHABLE,
                      "a Veyon host has a name and perhaps a port; give \"veyon://host\" or "
                      "\"veyon://host:port\"");
    }
    int error = *slot ? 0 : veyon_client_new(services, engine, slot, &text);
    if (error) {
        return text ? refuse(services, link, error, text) : error;
    }
    struct veyon_host *host = net_alloc(&(*slot)->net, sizeof *host);
    if (!host) {
        return WMS_E_NO_MEMORY;
    }
    host->all = *slot;
    host->link = link;
    host->address = address;
    node_init(&host->failed);
    node_init(&host->pumped);
    node_init(&host->tasks);
    node_init(&host->questions);
    *ret_connection = host;
    services->ready(link);
    return 0;
}

static void disconnect_host(void *connection, bool forked)
{
    struct veyon_host *host = connection;
    struct veyon *all = host->all;

    net_enter(&all->net);
    if (forked) {
        net_cut(&all->net);
    }
    veyon_host_forget_visit(host);
    veyon_exchanges_free(&host->questions);
    node_remove(&host->failed);
    node_remove(&host->pumped);
    veyon_binding_free(all, &host->binding);
    net_free(&all->net, host);
    if (forked) {
        all->net.depth--;
    } else {
        net_leave_quietly(&all->net);
    }
}

static void retire(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine)
{
    struct veyon **slot = (struct veyon **) services->slot(engine, self);

    if (*slot) {
        veyon_client_free(*slot);
        *slot = NULL;
    }
}

static void forked(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine)
{
    struct veyon **slot = (struct veyon **) services->slot(engine, self);

    if (*slot) {
        net_cut(&(*slot)->net);
        retire(self, services, engine);
    }
}

/* ---- what is asked for ----------------------------------------------------------------------- */

/* Refuses the op if the host's failure was reported to the engine.  A host whose failure was not
 * reported yet still accepts ops: the engine repeats them. */
static bool is_gone(struct veyon_host *host, struct wms_op *op)
{
    if (host->told) {
        host->all->net.services->lost(op, host->failure, host->failure_text);
    }
    return host->told;
}

static void list(void *connection, struct wms_op *op)
{
    struct veyon_host *host = connection;

    if (!is_gone(host, op)) {
        net_enter(&host->all->net);
        veyon_list(host, op);
        net_leave(&host->all->net);
    }
}

static void act(void *connection, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    struct veyon_host *host = connection;

    if (!is_gone(host, op)) {
        net_enter(&host->all->net);
        veyon_act(host, op, verb, id, message);
        net_leave(&host->all->net);
    }
}

static void call(void *connection, struct wms_op *op, const struct wms_call *what)
{
    struct veyon_host *host = connection;

    if (!is_gone(host, op)) {
        net_enter(&host->all->net);
        if (what->verb == WMS_BIND) {
            veyon_bind(host, op, what);
        } else {
            veyon_call(host, op, what);
        }
        net_leave(&host->all->net);
    }
}

static void observe(void *connection, struct wms_observer *observer, const wms_id *id)
{
    struct veyon_host *host = connection;

    if (host->told) {
        host->all->net.services->blind(observer, host->failure, host->failure_text);
        return;
    }
    net_enter(&host->all->net);
    veyon_observe(host, observer, id);
    net_leave(&host->all->net);
}

static void end(struct veyon_host *host, struct veyon_task *task)
{
    struct net *net = &host->all->net;

    if (task) {
        net_enter(net);
        veyon_task_end(task);
        net_leave_quietly(net);
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

static int check(const struct wms_call *call, char *complaint, size_t size)
{
    return call->verb == WMS_BIND   ? veyon_bind_check(call, complaint, size)
           : call->verb == WMS_CALL ? veyon_feature_check(call, complaint, size)
                                    : 0;
}

static const struct wms_provider provider = {
    WMS_PROVIDER_HEAD,
    .name = "veyon",
    .needs = "libcurl, jansson, OpenSSL",
    .can = 1u << WMS_SESSIONS | 1u << WMS_UNLOCK | 1u << WMS_LOCK | 1u << WMS_CLOSE |
           1u << WMS_MESSAGE | 1u << WMS_CALL | 1u << WMS_BIND | 1u << WMS_REBOOT |
           1u << WMS_POWER_OFF | 1u << WMS_THUMBNAIL,
    .in_flight = IN_FLIGHT,
    .connect = connect_host,
    .disconnect = disconnect_host,
    .list = list,
    .act = act,
    .forget = forget,
    .observe = observe,
    .unobserve = unobserve,
    .retire = retire,
    .forked = forked,
    .check = check,
    .call = call,
    .default_port = VEYON_PORT,
    .cannot = "Veyon has no such thing; multipoint hosts have",
};

WMS_API const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    return &provider;
}
