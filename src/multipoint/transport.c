/* SPDX-License-Identifier: MIT */
/* transport.c - the libcurl easy handle of an exchange.  Each engine has one multi handle, which
 * keeps connections and TLS sessions.
 */
#include <stdio.h>

#include "wire.h"

/* MOST_AROUND: an answer with its chunks and TLS records may have at most so many times its own
 * bytes. */
enum { MOST_AROUND = 4 };
enum { RECEIVE_BUFFER = 8192, SEND_BUFFER = 16384, PLAIN_MAX = 262143 };

/* ---- an exchange's handle -------------------------------------------------------------------- */

static size_t on_answer(char *data, size_t size, size_t count, void *user)
{
    struct multipoint_exchange *exchange = user;
    (void) size; /* 1 */

    if (count > exchange->answer_max - exchange->answer.length) {
        exchange->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    struct multipoint *all = exchange->host->all;
    if (net_pauses(&exchange->transfer)) {
        return CURL_WRITEFUNC_PAUSE;
    }
    all->net.received += count;
    multipoint_text_expect(&exchange->answer, count, exchange->answer_max);
    multipoint_text_add(&exchange->answer, data, count);
    return exchange->answer.failed ? CURL_WRITEFUNC_ERROR : count;
}

/* Called for trailers and a proxy's headers, too. */
static size_t on_header(char *line, size_t size, size_t count, void *user)
{
    struct multipoint_exchange *exchange = user;
    (void) size; /* 1 */

    exchange->refused = multipoint_head_add(&exchange->head, line, count);
    return exchange->refused ? CURL_WRITEFUNC_ERROR : count;
}

/* Called when the connection exists and the request is about to be sent. libcurl sends it a second
 * time if a kept connection broke without an answer; but the host may have carried it out already,
 * so a request that changes something is not sent again. */
/* NOLINTNEXTLINE: the parameters are of libcurl's type */
static int on_leaving(void *data, char *host_ip, char *local_ip, int host_port, int local_port)
{
    struct multipoint_exchange *exchange = data;
    struct multipoint_host *host = exchange->host;
    const struct wms_services *services = host->all->memory.services;
    (void) host_ip;
    (void) local_ip;
    (void) host_port;
    (void) local_port;

    if (!exchange->data || (exchange->transfer.left && exchange->once)) {
        return CURL_PREREQFUNC_ABORT; /* nobody waits for it any more, or it would be sent a second
                                         time */
    }
    /* A kept connection or TLS session was verified when it began: the certificate may have expired
     * since. */
    if (exchange->operation->credentials != MULTIPOINT_ANYBODY &&
        multipoint_certificate_expired(&exchange->certificate, exchange->trust.why,
                                       sizeof exchange->trust.why)) {
        char ignored[sizeof exchange->trust.why];
        if (!exchange->trust.next ||
            multipoint_certificate_expired(exchange->trust.next, ignored, sizeof ignored)) {
            return CURL_PREREQFUNC_ABORT;
        }
        exchange->trust.why[0] = '\0';
    }
    if (exchange->transfer.left) {
        multipoint_renew(exchange);
    }
    exchange->transfer.left = true;
    exchange->refused = NULL;
    multipoint_wire_join(exchange);
    net_socket_count(&exchange->transfer);
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

/* Limits what the host sends in all: what belongs to neither headers nor text (such as chunk
 * extensions) is counted nowhere else, and libcurl would read it without end. */
static int on_progress(void *data, curl_off_t whole, curl_off_t done, curl_off_t whole_sent,
                       curl_off_t sent)
{
    struct multipoint_exchange *exchange = data;
    (void) whole;
    (void) done;
    (void) whole_sent;
    (void) sent;

    if (!exchange) {
        return 0;
    }
    if (exchange->transfer.left && !exchange->too_large) {
        exchange->too_large = net_socket_received(&exchange->transfer) / MOST_AROUND >
                              exchange->answer_max + MULTIPOINT_HEAD_MAX;
    }
    return exchange->too_large;
}

/* Whether it is an IP address. */
static bool is_number(const char *host)
{
    return strchr(host, ':') || host[strspn(host, "0123456789.")] == '\0';
}

/* Sets what is the same for every exchange with a host. */
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
    SET(CURLOPT_QUICK_EXIT, 1L); /* freeing the handle does not wait for a name server */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_BUFFERSIZE, (long) RECEIVE_BUFFER);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, (long) SEND_BUFFER);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_WRITEFUNCTION, on_answer);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_PREREQFUNCTION, on_leaving);
    SET(CURLOPT_OPENSOCKETFUNCTION, net_socket_open);
    SET(CURLOPT_CLOSESOCKETFUNCTION, net_socket_close);
    SET(CURLOPT_CLOSESOCKETDATA, &all->net);
    SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_CAINFO, NULL); /* no authority is trusted: only the host's own certificate, which
                                  on_tls() compares */
    SET(CURLOPT_CAPATH, NULL);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 0L); /* the name was checked when the client was bound to the host,
                                        and on_tls() accepts only the same certificate */
    SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
    if (is_number(host->address->host)) { /* there is no name that would be worth remembering, and
                                             libcurl looks at all that it remembers at each end */
        SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    }
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

/* They are the same for each question of an operation: usually those of the last exchange can be
 * used again. */
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
        return add_header(exchange, "Content-Type: text/xml; charset=utf-8") &&
               add_header(exchange, line) && add_header(exchange, "Expect:") &&
               add_header(exchange, "Accept:");
    }
    snprintf(line, sizeof line,
             "Content-Type: application/soap+xml; charset=utf-8; action=\"" MULTIPOINT_SPACE
             "/RemoteManagement/%s/%s\"",
             exchange->operation->interface_name, exchange->operation->name);
    return add_header(exchange, line) && add_header(exchange, "Expect:") &&
           add_header(exchange, "Accept:");
}

static const wms_transport *settings_of(const struct multipoint_exchange *exchange)
{
    const struct multipoint_memory *memory = &exchange->host->all->memory;

    return memory->services->transport(memory->engine);
}

/* Sets what differs for each exchange. */
static bool set_up(struct multipoint_exchange *exchange, CURL *easy)
{
    const char *proxy =
        settings_of(exchange)->proxy; /* read each time: the program may have changed it */
    bool secure = exchange->operation->credentials != MULTIPOINT_ANYBODY;
    CURLcode failed = set_headers(exchange) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
    char url[MULTIPOINT_URL];

    multipoint_print_url(exchange, url);

    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROXY, !proxy ? "" : strcmp(proxy, "environment") == 0 ? NULL : proxy);
    SET(CURLOPT_HTTPHEADER, exchange->headers);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) exchange->request.length);
    SET(CURLOPT_POSTFIELDS, exchange->request.data);
    SET(CURLOPT_XFERINFODATA, exchange);
    SET(CURLOPT_WRITEDATA, exchange);
    SET(CURLOPT_HEADERDATA, exchange);
    SET(CURLOPT_PREREQDATA, exchange);
    SET(CURLOPT_OPENSOCKETDATA, &exchange->transfer);
    SET(CURLOPT_PRIVATE, &exchange->transfer);
    SET(CURLOPT_SSL_CTX_DATA, exchange);
    exchange->complaint[0] = '\0'; /* libcurl writes there when something fails, and only then */
    SET(CURLOPT_ERRORBUFFER, exchange->complaint);
    SET(CURLOPT_PINNEDPUBLICKEY, secure ? exchange->pins : NULL);
#undef SET
    return !failed;
}

/* How many connections libcurl may have: those that are used now, and unused ones that are kept for
 * later, of which the longest unused one is closed when another one becomes unused.  While hosts
 * are worked with, none of theirs is to be closed between two questions.  More would cost not only
 * descriptors: libcurl looks at all of them to find the longest unused one. */
static void limit_connections(struct multipoint *all)
{
    enum { KEPT = 64 };
    size_t most = all->running_count + KEPT;

    most = most > all->most_running ? most : all->most_running;
    curl_multi_setopt(all->net.multi, CURLMOPT_MAXCONNECTS, (long) most);
}

static void count_running(struct multipoint_host *host)
{
    host->running++;
    host->all->running_count++;
    if (host->running > host->most_running && !node_alone(&host->tasks)) {
        host->most_running++;
        host->all->most_running++;
    }
    limit_connections(host->all);
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
    exchange->transfer.easy = easy;
    exchange->answer_max = settings_of(exchange)->answer_size;
    if (exchange->operation->credentials == MULTIPOINT_ANYBODY &&
        exchange->answer_max > PLAIN_MAX) {
        exchange->answer_max = PLAIN_MAX; /* plain HTTP: anybody may have replaced the answer */
    }
    if (!set_up(exchange, easy) || curl_multi_add_handle(all->net.multi, easy) != CURLM_OK) {
        curl_easy_cleanup(easy);
        exchange->transfer.easy = NULL;
        return WMS_E_NO_MEMORY;
    }
    exchange->started = true;
    count_running(host);
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

    net_socket_part(&exchange->transfer);
    if (exchange->transfer.easy) {
        curl_multi_remove_handle(host->all->net.multi, exchange->transfer.easy);
        /* The handle must not keep pointers to the exchange from here on. */
        if (host->spare || host->all->net.forked || exchange->transfer.result != CURLE_OK) {
            curl_easy_cleanup(exchange->transfer.easy);
        } else {
            host->spare = exchange->transfer.easy;
            curl_easy_setopt(exchange->transfer.easy, CURLOPT_POSTFIELDS, NULL);
            curl_easy_setopt(exchange->transfer.easy, CURLOPT_HTTPHEADER, NULL);
            curl_easy_setopt(exchange->transfer.easy, CURLOPT_PRIVATE, NULL);
            curl_easy_setopt(exchange->transfer.easy, CURLOPT_XFERINFODATA, NULL);
            curl_easy_setopt(exchange->transfer.easy, CURLOPT_ERRORBUFFER, NULL);
            keep_headers(exchange);
        }
        exchange->transfer.easy = NULL;
        host->running--;
        host->all->running_count--;
        limit_connections(host->all);
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

/* libcurl has a limit for a single header, and reports it as out of memory.  It is recognized here:
 * more than MULTIPOINT_HEAD_MAX bytes were received, and no text of the answer yet. */
void multipoint_transport_closed(struct net_transfer *transfer, uint64_t received)
{
    struct multipoint_exchange *exchange = (struct multipoint_exchange *) transfer;

    if (transfer->left && exchange->answer.length == 0 && !exchange->too_large &&
        received > MULTIPOINT_HEAD_MAX && !exchange->refused) {
        exchange->refused = multipoint_long_head;
    }
}
