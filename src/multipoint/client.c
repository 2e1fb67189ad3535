/* SPDX-License-Identifier: MIT */
/* client.c - what there is once for each engine: libcurl's multi handle, its timers, and the turn,
 * in which all work is done that is due.
 */
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

/* ---- time ------------------------------------------------------------------------------------ */

/* A timeout of 0 is set as MULTIPOINT_A_TURN: while more of an answer comes than libcurl reads in
 * one go, it asks for 0 each time, and a timer that is set to 0 when it fires would block
 * everything else in the loop (libuv before 1.45). */
static void set_timer(struct multipoint *all)
{
    if (all->timer_runs || all->wait >= 0) {
        double seconds = all->wait < 0    ? -1
                         : all->wait == 0 ? MULTIPOINT_A_TURN
                                          : (double) all->wait / 1000;
        all->memory.services->timer_set(all->timer, seconds);
        all->timer_runs = all->wait >= 0;
    }
    all->timer_changed = false;
}

/* Called by libcurl.  Inside of enter/leave the timer is set at the end: with each new exchange
 * libcurl asks to be called at once, which settle() does, and then takes that back. */
static int on_timer(CURLM *multi, long milliseconds, void *data)
{
    struct multipoint *all = data;
    (void) multi;

    all->wait = milliseconds;
    all->timer_changed = true;
    if (all->depth == 0) {
        set_timer(all);
    }
    return 0;
}

static void let_libcurl_work(struct multipoint *all)
{
    int running;

    all->wait = -1; /* this call uses up libcurl's timeout; libcurl asks again if it needs one */
    all->timer_changed = true;
    curl_multi_socket_action(all->multi, CURL_SOCKET_TIMEOUT, 0, &running);
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
static void settle(struct multipoint *all)
{
    bool more = true;

    while (more) {
        multipoint_exchanges_free(&all->dropped);
        if (multipoint_exchanges_start(all)) {
            let_libcurl_work(all);
        }
        multipoint_transport_turn(all);
        more = !node_alone(&all->finished);
        while (!node_alone(&all->finished)) {
            multipoint_exchange_ended(
                NODE_OWNER(all->finished.next, struct multipoint_exchange, node));
        }
    }
    while (!node_alone(&all->failed)) {
        tell(NODE_OWNER(all->failed.next, struct multipoint_host, failed));
    }
}

static void rest(struct multipoint *all)
{
    all->depth--;
    if (all->depth == 0 && all->timer_changed) {
        set_timer(all);
    }
}

void multipoint_enter(struct multipoint *all)
{
    all->depth++;
}

void multipoint_leave(struct multipoint *all)
{
    if (all->depth == 1) {
        settle(all);
    }
    rest(all);
}

void multipoint_leave_quietly(struct multipoint *all)
{
    rest(all);
    all->memory.services->timer_set(all->tick, 0);
    all->tick_runs = true;
}

static void timer_fired(void *data)
{
    struct multipoint *all = data;

    multipoint_enter(all);
    all->timer_runs = false;
    all->in_timer = true;
    let_libcurl_work(all);
    multipoint_leave(all);
    all->in_timer = false;
}

/* Begins a new turn for received data: exchanges that were paused because the last turn's quota was
 * used up go on. */
static void receive_on(struct multipoint *all)
{
    bool pauses = all->pauses;

    all->received = all->taken = 0;
    all->pauses = false;
    for (struct node *node = all->running.next, *next; pauses && node != &all->running;
         node = next) {
        struct multipoint_exchange *exchange = NODE_OWNER(node, struct multipoint_exchange, node);
        next = node->next; /* the exchange may end here, and move to another list */
        if (exchange->paused) {
            exchange->paused = false;
            curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
        }
    }
}

static void tick_fired(void *data)
{
    struct multipoint *all = data;

    multipoint_enter(all);
    all->tick_runs = false;
    all->in_timer = true;
    receive_on(all);
    if (multipoint_arena_trim(&all->waste, MULTIPOINT_TURN_MAX)) {
        multipoint_turn_soon(all);
    }
    multipoint_read_on(all);
    multipoint_leave(all);
    all->in_timer = false;
}

static void socket_ready(struct multipoint *all, curl_socket_t fd, int mask)
{
    int running;

    multipoint_enter(all);
    curl_multi_socket_action(all->multi, fd, mask, &running);
    multipoint_leave(all);
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool set_up_multi(struct multipoint *all)
{
    all->multi = curl_multi_init();
    all->share = curl_share_init();
    return all->multi && all->share &&
           curl_share_setopt(all->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) ==
               CURLSHE_OK &&
           curl_multi_setopt(all->multi, CURLMOPT_SOCKETFUNCTION, multipoint_socket_watch) ==
               CURLM_OK &&
           curl_multi_setopt(all->multi, CURLMOPT_SOCKETDATA, all) == CURLM_OK &&
           curl_multi_setopt(all->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
           curl_multi_setopt(all->multi, CURLMOPT_TIMERDATA, all) == CURLM_OK &&
           curl_multi_setopt(all->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) == CURLM_OK;
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
    node_init(&all->running);
    node_init(&all->finished);
    node_init(&all->reading);
    node_init(&all->dropped);
    node_init(&all->endpoints);
    node_init(&all->listeners);
    all->wait = -1;
    all->ready = socket_ready;
    if (!print_first_id(all->id)) {
        multipoint_free(&memory, all);
        *ret_text = "OpenSSL has no random numbers";
        return WMS_E_INTERNAL;
    }
    all->timer = services->timer_new(engine, timer_fired, all);
    all->tick = services->timer_new(engine, tick_fired, all);
    if (!all->timer || !all->tick || !set_up_multi(all)) {
        multipoint_client_free(all);
        return WMS_E_NO_MEMORY;
    }
    *ret_all = all;
    return 0;
}

void multipoint_client_free(struct multipoint *all)
{
    const struct multipoint_memory memory = all->memory;

    curl_multi_cleanup(all->multi); /* closes the kept connections, with TLS close_notify */
    curl_share_cleanup(all->share);
    multipoint_parser_free(all->parser);
    multipoint_exchange_free_spare(all);
    multipoint_known_free(all);
    multipoint_arena_free(&all->waste);
    multipoint_endpoints_free(all);
    multipoint_sockets_free(all);
    memory.services->timer_free(all->timer);
    memory.services->timer_free(all->tick);
    multipoint_free(&memory, all);
}

void multipoint_client_cut(struct multipoint *all)
{
    if (all->forked) {
        return;
    }
    all->forked = true;
    multipoint_sockets_cut(all);
}
