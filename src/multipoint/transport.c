/* transport.c - libcurl in the engine's loop: one multi handle for each engine, which keeps connections and TLS sessions.
 */
#include <libxml/parser.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>

#include "wire.h"

/* MOST_AROUND: an answer is sent with chunks and TLS records around it, in so many times as many bytes at most. */
enum { MOST_AROUND = 4 };
enum { KEPT_CONNECTIONS = 1024, RECEIVE_BUFFER = 16384, PLAIN_MAX = 262143 };

static const double A_TURN = 0.001;

/* ---- libraries --------------------------------------------------------------------------------------------------- */

static CURLcode prepared;

/* Once in a process, and never undone: others in it may use these libraries.  Nor does OpenSSL clean up when the process
 * exits (unless it was in use before): a thread that is in the middle of a handshake then would crash. */
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
        *ret_text = "this libcurl does not use OpenSSL; install libcurl4 (Debian) or libcurl (Fedora)";
        return WMS_E_INTERNAL;
    }
    return 0;
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

/* Not at once: while more of an answer comes than libcurl takes in one go, it wants that each time, and a timer that is set
 * again when it fires would keep everybody else waiting (before libuv 1.45). */
void multipoint_transport_rest(struct multipoint *all)
{
    if (all->timer_runs || all->wait >= 0) {
        double seconds = all->wait < 0 ? -1 : all->wait == 0 ? A_TURN : (double) all->wait / 1000;
        all->memory.services->timer_set(all->timer, seconds);
        all->timer_runs = all->wait >= 0;
    }
    all->timer_changed = false;
}

/* With each exchange libcurl wants to be called at once, which it is, and then no more. */
static int on_timer(CURLM *multi, long milliseconds, void *data)
{
    struct multipoint *all = data;
    (void) multi;

    all->wait = milliseconds;
    all->timer_changed = true;
    if (all->depth == 0) {
        multipoint_transport_rest(all);
    }
    return 0;
}

void multipoint_transport_time(struct multipoint *all)
{
    int running;

    all->wait = -1; /* libcurl forgets what it has asked for, or asks again */
    all->timer_changed = true;
    curl_multi_socket_action(all->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static void timer_fired(void *data)
{
    struct multipoint *all = data;

    multipoint_enter(all);
    all->timer_runs = false;
    multipoint_transport_time(all);
    multipoint_leave(all);
}

void multipoint_turn_soon(struct multipoint *all)
{
    all->memory.services->timer_set(all->tick, A_TURN);
}

/* Those go on that have had their share of the turn before. */
static void receive_on(struct multipoint *all)
{
    bool pauses = all->pauses;

    all->received = all->taken = 0;
    all->pauses = false;
    for (struct node *node = all->running.next, *next; pauses && node != &all->running; node = next) {
        struct multipoint_exchange *exchange = NODE_OWNER(node, struct multipoint_exchange, node);
        next = node->next; /* it may end, and is in another list then */
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
    receive_on(all);
    if (multipoint_arena_trim(&all->waste, MULTIPOINT_TURN_MAX)) {
        multipoint_turn_soon(all);
    }
    multipoint_read_on(all);
    multipoint_leave(all);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static bool set_up_multi(struct multipoint *all)
{
    all->multi = curl_multi_init();
    all->share = curl_share_init();
    return all->multi && all->share &&
           curl_share_setopt(all->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK &&
           curl_multi_setopt(all->multi, CURLMOPT_SOCKETFUNCTION, multipoint_socket_watch) == CURLM_OK &&
           curl_multi_setopt(all->multi, CURLMOPT_SOCKETDATA, all) == CURLM_OK &&
           curl_multi_setopt(all->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
           curl_multi_setopt(all->multi, CURLMOPT_TIMERDATA, all) == CURLM_OK &&
           curl_multi_setopt(all->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) == CURLM_OK &&
           curl_multi_setopt(all->multi, CURLMOPT_MAXCONNECTS, (long) KEPT_CONNECTIONS) == CURLM_OK;
}

/* A UUID in the form of RFC 4122's random ones. */
static bool print_first_id(char id[MULTIPOINT_ID])
{
    static const char form[MULTIPOINT_ID] = "urn:uuid:xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx", hex[] = "0123456789abcdef";
    unsigned char digits[MULTIPOINT_ID];
    bool random = RAND_bytes(digits, sizeof digits) == 1;

    for (size_t i = 0; i < sizeof form; i++) {
        id[i] = form[i] == 'x' ? hex[digits[i] & 0xF] : form[i];
    }
    return random;
}

int multipoint_transport_new(const struct wms_services *services, wms_engine *engine, struct multipoint **ret_all,
                             const char **ret_text)
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
    node_init(&all->sockets);
    all->wait = -1;
    if (!print_first_id(all->id)) {
        multipoint_free(&memory, all);
        *ret_text = "OpenSSL has no random numbers";
        return WMS_E_INTERNAL;
    }
    all->timer = services->timer_new(engine, timer_fired, all);
    all->tick = services->timer_new(engine, tick_fired, all);
    if (!all->timer || !all->tick || !set_up_multi(all)) {
        multipoint_transport_free(all);
        return WMS_E_NO_MEMORY;
    }
    *ret_all = all;
    return 0;
}

void multipoint_transport_free(struct multipoint *all)
{
    const struct multipoint_memory memory = all->memory;

    curl_multi_cleanup(all->multi); /* closes the kept connections */
    curl_share_cleanup(all->share);
    multipoint_parser_free(all->parser);
    multipoint_exchange_free_spare(all);
    multipoint_known_free(all);
    multipoint_arena_free(&all->waste);
    multipoint_sockets_free(all);
    memory.services->timer_free(all->timer);
    memory.services->timer_free(all->tick);
    multipoint_free(&memory, all);
}

void multipoint_transport_cut(struct multipoint *all)
{
    if (all->forked) {
        return;
    }
    all->forked = true;
    multipoint_sockets_cut(all);
}

/* ---- an exchange's handle ---------------------------------------------------------------------------------------- */

static size_t on_answer(char *data, size_t size, size_t count, void *user)
{
    struct multipoint_exchange *exchange = user;
    (void) size; /* 1 */

    if (count > exchange->answer_max - exchange->answer.length) {
        exchange->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    struct multipoint *all = exchange->host->all;
    if (all->received >= MULTIPOINT_TURN_MAX) { /* libcurl takes megabytes in one go, and keeps others waiting */
        exchange->paused = all->pauses = true;
        multipoint_turn_soon(all);
        return CURL_WRITEFUNC_PAUSE;
    }
    all->received += count;
    multipoint_text_expect(&exchange->answer, count, exchange->answer_max);
    multipoint_text_add(&exchange->answer, data, count);
    return exchange->answer.failed ? CURL_WRITEFUNC_ERROR : count;
}

/* Trailers as well, and what a proxy says. */
static size_t on_header(char *line, size_t size, size_t count, void *user)
{
    struct multipoint_exchange *exchange = user;
    (void) size; /* 1 */

    exchange->refused = multipoint_head_add(&exchange->head, line, count);
    return exchange->refused ? CURL_WRITEFUNC_ERROR : count;
}

/* The connection is there, and the request is about to leave.  When libcurl wants to send it a second time, because the
 * kept connection that it took broke without an answer, it may have been carried out already. */
static int on_leaving(void *data, char *host_ip, char *local_ip, int host_port, int local_port) /* NOLINT: libcurl's type */
{
    struct multipoint_exchange *exchange = data;
    struct multipoint_host *host = exchange->host;
    const struct wms_services *services = host->all->memory.services;
    (void) host_ip;
    (void) local_ip;
    (void) host_port;
    (void) local_port;

    if (!exchange->data || (exchange->left && exchange->once)) {
        return CURL_PREREQFUNC_ABORT; /* nobody waits for it any more, or it would leave a second time */
    }
    /* A kept connection or TLS session has seen the certificate, and may outlive it. */
    if (exchange->operation->credentials != MULTIPOINT_ANYBODY &&
        multipoint_certificate_expired(&exchange->certificate, exchange->trust.why, sizeof exchange->trust.why)) {
        return CURL_PREREQFUNC_ABORT;
    }
    if (exchange->left) {
        multipoint_renew(exchange);
    }
    exchange->left = true;
    exchange->refused = NULL;
    multipoint_wire_join(exchange);
    multipoint_socket_count(exchange);
    if (!host->reached) {
        host->reached = true;
        services->up(host->link);
    }
    if (exchange->op) {
        services->sent(exchange->op);
    }
    return CURL_PREREQFUNC_OK;
}

static CURLcode on_tls(CURL *easy, void *context, void *data)
{
    struct multipoint_exchange *exchange = data;
    (void) easy;

    return multipoint_trust_set(context, exchange);
}

/* What belongs to no header and no text is counted by nobody else: libcurl goes on with it as long as it comes. */
static int on_progress(void *data, curl_off_t whole, curl_off_t done, curl_off_t whole_sent, curl_off_t sent) /* NOLINT */
{
    struct multipoint_exchange *exchange = data;
    (void) whole;
    (void) done;
    (void) whole_sent;
    (void) sent;

    if (!exchange) {
        return 0;
    }
    exchange->too_large = exchange->too_large || multipoint_socket_received(exchange) / MOST_AROUND >
                                                     exchange->answer_max + MULTIPOINT_HEAD_MAX;
    return exchange->too_large;
}

/* What is the same for every exchange with a host. */
static CURL *easy_new(struct multipoint_host *host)
{
    struct multipoint *all = host->all;
    CURL *easy = curl_easy_init();

    if (!easy) {
        return NULL;
    }
    CURLcode failed = CURLE_OK;
#define SET(option, value) failed = failed ? failed : curl_easy_setopt(easy, option, value)
    SET(CURLOPT_SHARE, all->share);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a name server that does not answer delays nobody */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_BUFFERSIZE, (long) RECEIVE_BUFFER);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_WRITEFUNCTION, on_answer);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_PREREQFUNCTION, on_leaving);
    SET(CURLOPT_OPENSOCKETFUNCTION, multipoint_socket_open);
    SET(CURLOPT_CLOSESOCKETFUNCTION, multipoint_socket_close);
    SET(CURLOPT_CLOSESOCKETDATA, all);
    SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_CAINFO, NULL); /* no authority is trusted: only the host's own certificate, which on_tls() compares */
    SET(CURLOPT_CAPATH, NULL);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 0L); /* that very certificate was found to bear the host's name when the client was bound */
    SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
    if (failed) {
        curl_easy_cleanup(easy);
        return NULL;
    }
    return easy;
}

static bool add_header(struct multipoint_exchange *exchange, const char *line)
{
    struct curl_slist *list = curl_slist_append(exchange->headers, line);

    exchange->headers = list ? list : exchange->headers;
    return list;
}

/* The same for each question of a kind: mostly the handle has had them before. */
static bool set_headers(struct multipoint_exchange *exchange)
{
    struct multipoint_host *host = exchange->host;
    char line[256];

    if (host->spare_for == exchange->operation && !exchange->old) {
        exchange->headers = host->spare_headers;
        host->spare_headers = NULL;
        host->spare_for = NULL;
        return true;
    }
    if (exchange->old) {
        snprintf(line, sizeof line, "SOAPAction: \"" MULTIPOINT_SPACE "/RemoteManagement/%s/%s\"",
                 exchange->operation->interface_name, exchange->operation->name);
        return add_header(exchange, "Content-Type: text/xml; charset=utf-8") && add_header(exchange, line) &&
               add_header(exchange, "Expect:") && add_header(exchange, "Accept:");
    }
    snprintf(line, sizeof line,
             "Content-Type: application/soap+xml; charset=utf-8; action=\"" MULTIPOINT_SPACE "/RemoteManagement/%s/%s\"",
             exchange->operation->interface_name, exchange->operation->name);
    return add_header(exchange, line) && add_header(exchange, "Expect:") && add_header(exchange, "Accept:");
}

static const wms_transport *settings_of(const struct multipoint_exchange *exchange)
{
    const struct multipoint_memory *memory = &exchange->host->all->memory;

    return memory->services->transport(memory->engine);
}

/* What is this exchange's own. */
static bool set_up(struct multipoint_exchange *exchange, CURL *easy)
{
    const char *proxy = settings_of(exchange)->proxy; /* it may have been set anew */
    bool secure = exchange->operation->credentials != MULTIPOINT_ANYBODY;
    CURLcode failed = set_headers(exchange) ? CURLE_OK : CURLE_OUT_OF_MEMORY;

    SET(CURLOPT_URL, exchange->url);
    SET(CURLOPT_PROXY, !proxy ? "" : strcmp(proxy, "environment") == 0 ? NULL : proxy);
    SET(CURLOPT_HTTPHEADER, exchange->headers);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) exchange->request.length);
    SET(CURLOPT_POSTFIELDS, exchange->request.data);
    SET(CURLOPT_XFERINFODATA, exchange);
    SET(CURLOPT_WRITEDATA, exchange);
    SET(CURLOPT_HEADERDATA, exchange);
    SET(CURLOPT_PREREQDATA, exchange);
    SET(CURLOPT_OPENSOCKETDATA, exchange);
    SET(CURLOPT_PRIVATE, exchange);
    SET(CURLOPT_SSL_CTX_DATA, exchange);
    SET(CURLOPT_PINNEDPUBLICKEY, secure ? exchange->certificate.pin : NULL);
#undef SET
    return !failed;
}

int multipoint_transport_start(struct multipoint_exchange *exchange)
{
    struct multipoint_host *host = exchange->host;
    struct multipoint *all = host->all;
    CURL *easy = host->spare ? host->spare : easy_new(host);

    host->spare = NULL;
    if (!easy) {
        return WMS_E_NO_MEMORY;
    }
    exchange->easy = easy;
    exchange->answer_max = settings_of(exchange)->answer_size;
    if (exchange->operation->credentials == MULTIPOINT_ANYBODY && exchange->answer_max > PLAIN_MAX) {
        exchange->answer_max = PLAIN_MAX; /* anybody may have put another in its place */
    }
    if (!set_up(exchange, easy) || curl_multi_add_handle(all->multi, easy) != CURLM_OK) {
        curl_easy_cleanup(easy);
        exchange->easy = NULL;
        return WMS_E_NO_MEMORY;
    }
    exchange->started = true;
    host->running++;
    return 0;
}

static void forget_headers(struct multipoint_host *host)
{
    curl_slist_free_all(host->spare_headers);
    host->spare_headers = NULL;
    host->spare_for = NULL;
}

static void keep_headers(struct multipoint_exchange *exchange)
{
    struct multipoint_host *host = exchange->host;

    forget_headers(host);
    if (!exchange->old) {
        host->spare_headers = exchange->headers;
        host->spare_for = exchange->operation;
        exchange->headers = NULL;
    }
}

void multipoint_transport_end(struct multipoint_exchange *exchange)
{
    struct multipoint_host *host = exchange->host;

    multipoint_socket_part(exchange);
    if (exchange->easy) {
        curl_multi_remove_handle(host->all->multi, exchange->easy);
        /* Nothing may point to the exchange from here on, nor be kept of it. */
        if (host->spare || host->all->forked || exchange->result != CURLE_OK) {
            curl_easy_cleanup(exchange->easy);
        } else {
            host->spare = exchange->easy;
            curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDS, NULL);
            curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, NULL);
            curl_easy_setopt(exchange->easy, CURLOPT_PRIVATE, NULL);
            curl_easy_setopt(exchange->easy, CURLOPT_XFERINFODATA, NULL);
            keep_headers(exchange);
        }
        exchange->easy = NULL;
        host->running--;
    }
    multipoint_wire_part(exchange);
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
}

void multipoint_transport_forget_host(struct multipoint_host *host)
{
    if (host->spare) {
        curl_easy_cleanup(host->spare);
        host->spare = NULL;
    }
    forget_headers(host);
}

bool multipoint_transport_turn(struct multipoint *all)
{
    CURLMsg *message;
    int left;
    bool any = false;

    while ((message = curl_multi_info_read(all->multi, &left))) {
        struct multipoint_exchange *exchange = NULL;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange) == CURLE_OK && exchange &&
            !exchange->trouble) {
            exchange->result = message->data.result;
            node_remove(&exchange->node);
            node_append(&all->finished, &exchange->node);
            any = true;
        }
    }
    return any;
}
