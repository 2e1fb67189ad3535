/* SPDX-License-Identifier: MIT */
/* client.c - what there is once for each engine, and the turn, in which all work is done that is
 * due. */
#include <pthread.h>

#include "veyon/veyon.h"

/* ---- the turn -------------------------------------------------------------------------------- */

/* Reports the host's failure to the engine.  The engine then cancels the host's ops and disconnects
 * the host. */
static void tell(struct veyon_host *host)
{
    node_remove(&host->failed);
    host->told = true;
    host->all->net.services->broken(host->link, host->failure, host->failure_text);
}

/* Works until there is nothing to do but wait.  done() of an exchange may start new ones. */
static void settle(struct net *net)
{
    struct veyon *all = (struct veyon *) net;
    bool more = true;

    while (more) {
        veyon_exchanges_free(&all->dropped);
        veyon_gateways_settle(all);
        veyon_hosts_pump(all);
        veyon_gateways_settle(all);
        if (veyon_exchanges_start(all)) {
            net_work(net);
        }
        net_collect(net);
        more = !node_alone(&net->finished);
        while (!node_alone(&net->finished)) {
            veyon_exchange_ended(
                NODE_OWNER(net->finished.next, struct veyon_exchange, transfer.node));
        }
        more = more || !node_alone(&all->due) || !node_alone(&all->pumped);
    }
    while (!node_alone(&all->failed)) {
        tell(NODE_OWNER(all->failed.next, struct veyon_host, failed));
    }
}

static void tick(struct net *net)
{
    (void) net;
}

static const struct net_calls calls = {.settle = settle, .tick = tick};

/* ---- life ------------------------------------------------------------------------------------ */

static CURLcode prepared;

/* Once in a process, and never undone: others in it may use libcurl. */
static void prepare(void)
{
    prepared = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int veyon_client_new(const struct wms_services *services, wms_engine *engine,
                     struct veyon **ret_all, const char **ret_text)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct veyon *all;

    if (pthread_once(&once, prepare) || prepared) {
        *ret_text = "libcurl cannot be initialized";
        return WMS_E_INTERNAL;
    }
    all = services->resize(engine, NULL, sizeof *all);
    if (!all) {
        return WMS_E_NO_MEMORY;
    }
    memset(all, 0, sizeof *all);
    node_init(&all->gateways);
    node_init(&all->failed);
    node_init(&all->dropped);
    node_init(&all->due);
    node_init(&all->pumped);
    if (net_begin(&all->net, services, engine, &calls)) {
        veyon_client_free(all);
        return WMS_E_NO_MEMORY;
    }
    *ret_all = all;
    return 0;
}

void veyon_client_free(struct veyon *all)
{
    const struct wms_services *services = all->net.services;
    wms_engine *engine = all->net.engine;

    veyon_exchanges_free(&all->dropped);
    veyon_gateways_free(all);
    net_end(&all->net);
    services->resize(engine, all, 0);
}
