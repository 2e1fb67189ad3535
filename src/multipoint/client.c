/* SPDX-License-Identifier: MIT */
/* client.c - what there is once for each engine, and the turn, in which all work is done that is
 * due. */
#include <libxml/parser.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>

#include "endpoint.h"
#include "wire.h"

/* ---- libraries ------------------------------------------------------------------------------- */

static CURLcode prepared;

/* Once in a process, and never undone: others in it may use these libraries. OpenSSL is told not to
 * clean up when the process exits (this has no effect if the program has initialized it before):
 * another thread that is in a handshake at that time would crash. */
static void prepare(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    prepared = curl_global_init(CURL_GLOBAL_DEFAULT);
    xmlInitParser();
}

static int check_library(const char **ret_text)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (pthread_once(&once, prepare) || prepared) {
        *ret_text = "libcurl cannot be initialized";
        return WMS_E_INTERNAL;
    }
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    if (!version->ssl_version || strncmp(version->ssl_version, "OpenSSL/", 8) != 0) {
        *ret_text =
            "this libcurl does not use OpenSSL; install libcurl4 (Debian) or libcurl (Fedora)";
        return WMS_E_INTERNAL;
    }
    return 0;
}

/* ---- the turn -------------------------------------------------------------------------------- */

/* Reports the host's failure to the engine.  The engine then cancels the host's ops and disconnects
 * the host. */
static void tell(struct multipoint_host *host)
{
    node_remove(&host->failed);
    host->told = true;
    host->all->memory.services->broken(host->link, host->failure, host->failure_text);
}

/* Works until there is nothing to do but wait. done() of an exchange may start new exchanges. */
static void settle(struct net *net)
{
    struct multipoint *all = (struct multipoint *) net;
    bool more = true;

    while (more) {
        multipoint_exchanges_free(&all->dropped);
        if (multipoint_exchanges_start(all)) {
            net_work(net);
        }
        net_collect(net);
        more = !node_alone(&net->finished);
        while (!node_alone(&net->finished)) {
            multipoint_exchange_ended(
                NODE_OWNER(net->finished.next, struct multipoint_exchange, transfer.node));
        }
    }
    while (!node_alone(&all->failed)) {
        tell(NODE_OWNER(all->failed.next, struct multipoint_host, failed));
    }
}

static void tick(struct net *net)
{
    struct multipoint *all = (struct multipoint *) net;

    if (multipoint_arena_trim(&all->waste, NET_TURN_MAX)) {
        net_turn_soon(net);
    }
    multipoint_read_on(all);
}

static void doubt(struct net_peer *peer)
{
    struct multipoint_host *host = NODE_OWNER(peer, struct multipoint_host, peer);

    if (host->closed) {
        host->closed(host);
    }
}

static const struct net_calls calls = {
    .settle = settle,
    .tick = tick,
    .doubt = doubt,
    .closed = multipoint_transport_closed,
};

/* ---- life ------------------------------------------------------------------------------------ */

static bool set_up_share(struct multipoint *all)
{
    all->share = curl_share_init();
    return all->share &&
           curl_share_setopt(all->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK;
}

/* A UUID in the form of RFC 4122's random ones. */
static bool print_first_id(char id[MULTIPOINT_ID])
{
    static const char form[MULTIPOINT_ID] = "urn:uuid:xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx",
                      hex[] = "0123456789abcdef";
    unsigned char digits[MULTIPOINT_ID];
    bool random = RAND_bytes(digits, sizeof digits) == 1;

    for (size_t i = 0; i < sizeof form; i++) {
        id[i] = form[i] == 'x' ? hex[digits[i] & 0xF] : form[i];
    }
    return random;
}

int multipoint_client_new(const struct wms_services *services, wms_engine *engine,
                          struct multipoint **ret_all, const char **ret_text)
{
    const struct multipoint_memory memory = {services, engine};
    int error = check_library(ret_text);

    if (error) {
        return error;
    }
    struct multipoint *all = multipoint_alloc(&memory, sizeof *all);
    if (!all) {
        return WMS_E_NO_MEMORY;
    }
    all->memory = memory;
    all->waste.memory = &all->memory;
    node_init(&all->due);
    node_init(&all->failed);
    node_init(&all->reading);
    node_init(&all->dropped);
    node_init(&all->endpoints);
    node_init(&all->listeners);
    if (!print_first_id(all->id)) {
        multipoint_free(&memory, all);
        *ret_text = "OpenSSL has no random numbers";
        return WMS_E_INTERNAL;
    }
    if (net_begin(&all->net, services, engine, &calls) || !set_up_share(all)) {
        multipoint_client_free(all);
        return WMS_E_NO_MEMORY;
    }
    *ret_all = all;
    return 0;
}

void multipoint_client_free(struct multipoint *all)
{
    const struct multipoint_memory memory = all->memory;

    net_end(&all->net);
    curl_share_cleanup(all->share);
    multipoint_parser_free(all->parser);
    multipoint_exchange_free_spare(all);
    multipoint_known_free(all);
    multipoint_arena_free(&all->waste);
    multipoint_endpoints_free(all);
    multipoint_free(&memory, all);
}
