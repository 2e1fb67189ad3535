/* SPDX-License-Identifier: MIT */
/* exchange.c - one question to a gateway, and its answer, by libcurl. */
#define _GNU_SOURCE
#include <stdio.h>

#include "veyon/veyon.h"

enum {
    HEAD_MAX = 16384, /* bytes of an answer's headers */
    AROUND = 65536,   /* bytes of an answer that are neither: chunks, what comes before */
    PATIENCE = 60,    /* seconds, for a question that only a visit of ours waits for */
    RECEIVE_BUFFER = 16384,
    SECRET_MAX = 4096 /* bytes of the answer to a question that holds the key */
};

/* ---- one exchange ---------------------------------------------------------------------------- */

static void free_texts(struct veyon_exchange *exchange)
{
    const struct net *net = &exchange->all->net;

    if (exchange->secret) { /* and a gateway may have sent back what it got */
        veyon_free_secret(exchange->all, exchange->body);
        if (exchange->answer) {
            explicit_bzero(exchange->answer, exchange->size);
        }
    } else {
        net_free(net, exchange->body);
    }
    net_free(net, exchange->path);
    net_free(net, exchange->answer);
}

struct veyon_exchange *veyon_exchange_new(struct veyon *all, const struct veyon_question *question,
                                          void (*done)(struct veyon_exchange *exchange,
                                                       const struct veyon_reply *reply),
                                          void *data)
{
    struct veyon_exchange *exchange = net_alloc(&all->net, sizeof *exchange);

    if (!exchange) {
        return NULL;
    }
    node_init(&exchange->transfer.node);
    exchange->transfer.net = &all->net;
    exchange->all = all;
    exchange->method = question->method;
    exchange->picture = question->picture;
    exchange->op = question->op;
    exchange->done = done;
    exchange->data = data;
    exchange->path = veyon_copy(all, question->path);
    exchange->body = question->body ? veyon_copy(all, question->body) : NULL;
    if (!exchange->path || (question->body && !exchange->body)) {
        free_texts(exchange);
        net_free(&all->net, exchange);
        return NULL;
    }
    return exchange;
}

/* Takes it back from libcurl. */
static void end_transfer(struct veyon_exchange *exchange)
{
    struct veyon *all = exchange->all;
    CURL *easy = exchange->transfer.easy;

    net_socket_part(&exchange->transfer);
    if (easy) {
        curl_multi_remove_handle(all->net.multi, easy);
        if (exchange->gateway->spare || all->net.forked || exchange->transfer.result != CURLE_OK) {
            curl_easy_cleanup(easy);
        } else { /* it must not keep pointers to the exchange */
            curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
            curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
            curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
            curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, NULL);
            exchange->gateway->spare = easy;
        }
        exchange->transfer.easy = NULL;
    }
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
    exchange->started = false;
}

static void exchange_free(struct veyon_exchange *exchange)
{
    node_remove(&exchange->transfer.node);
    end_transfer(exchange);
    free_texts(exchange);
    net_free(&exchange->all->net, exchange);
}

void veyon_exchanges_free(struct node *list)
{
    while (!node_alone(list)) {
        exchange_free(NODE_OWNER(list->next, struct veyon_exchange, transfer.node));
    }
}

struct veyon_exchange *veyon_drop(struct veyon_exchange *exchange)
{
    if (exchange) {
        exchange->data = NULL;
        exchange->op = NULL;
        if (!exchange->started) {
            exchange_free(exchange);
        } else { /* freeing it here would end its connection: that is left to settle() */
            node_remove(&exchange->transfer.node);
            node_append(&exchange->all->dropped, &exchange->transfer.node);
        }
    }
    return NULL;
}

/* ---- libcurl's callbacks --------------------------------------------------------------------- */

/* What may have to be wiped never moves.  False: out of memory. */
static bool make_room(struct veyon_exchange *exchange, size_t least)
{
    const struct net *net = &exchange->all->net;
    size_t size = exchange->size ? exchange->size : exchange->secret ? exchange->most : 512;

    while (size < least) {
        size *= 2;
    }
    if (size > exchange->size) {
        char *answer = net->services->resize(net->engine, exchange->answer, size);
        if (!answer) {
            return false;
        }
        exchange->answer = answer;
        exchange->size = size;
    }
    return true;
}

static size_t on_answer(char *data, size_t size, size_t count, void *user)
{
    struct veyon_exchange *exchange = user;
    (void) size; /* 1 */

    if (count > exchange->most - exchange->length) {
        exchange->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    if (net_pauses(&exchange->transfer)) {
        return CURL_WRITEFUNC_PAUSE;
    }
    exchange->all->net.received += count;
    if (!make_room(exchange, exchange->length + count)) {
        exchange->no_memory = true;
        return CURL_WRITEFUNC_ERROR;
    }
    memcpy(exchange->answer + exchange->length, data, count);
    exchange->length += count;
    return count;
}

/* NOLINTNEXTLINE: the parameters are of libcurl's type */
static size_t on_header(char *line, size_t size, size_t count, void *user)
{
    struct veyon_exchange *exchange = user;
    (void) line;
    (void) size; /* 1 */

    exchange->head += count;
    exchange->too_large = exchange->too_large || exchange->head > HEAD_MAX;
    return exchange->too_large ? CURL_WRITEFUNC_ERROR : count;
}

static curl_socket_t on_opening(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct veyon_exchange *exchange = data;

    exchange->fresh = true;
    return net_socket_open(&exchange->transfer, purpose, address);
}

/* Called when the connection exists and the request is about to be sent.  libcurl sends it a second
 * time if a kept connection broke without an answer; but what changes something may have been
 * carried out already, and is not sent again.  Nobody who has taken the gateway's place gets the
 * key, or is believed. */
/* NOLINTNEXTLINE: the parameters are of libcurl's type */
static int on_leaving(void *data, char *host_ip, char *local_ip, int host_port, int local_port)
{
    struct veyon_exchange *exchange = data;
    (void) host_ip;
    (void) host_port;

    if (!exchange->data || (exchange->transfer.left && exchange->method != VEYON_GET)) {
        return CURL_PREREQFUNC_ABORT;
    }
    exchange->untrusted = veyon_trust_leaves(exchange, local_ip, (unsigned) local_port);
    if (exchange->untrusted) {
        return CURL_PREREQFUNC_ABORT;
    }
    exchange->transfer.left = true;
    net_socket_count(&exchange->transfer);
    if (exchange->op) {
        exchange->all->net.services->sent(exchange->op);
    }
    return CURL_PREREQFUNC_OK;
}

/* Limits what the gateway sends in all: what belongs to neither headers nor text (such as chunk
 * extensions) is counted nowhere else, and libcurl would read it without end. */
static int on_progress(void *data, curl_off_t whole, curl_off_t done, curl_off_t whole_sent,
                       curl_off_t sent)
{
    struct veyon_exchange *exchange = data;
    (void) whole;
    (void) done;
    (void) whole_sent;
    (void) sent;

    if (exchange->transfer.left && !exchange->too_large) {
        exchange->too_large =
            net_socket_received(&exchange->transfer) > 2 * exchange->most + HEAD_MAX + AROUND;
    }
    return exchange->too_large;
}

/* ---- the handle ------------------------------------------------------------------------------ */

static bool add_header(struct veyon_exchange *exchange, const char *line)
{
    struct curl_slist *list = curl_slist_append(exchange->headers, line);

    exchange->headers = list ? list : exchange->headers;
    return list;
}

static bool set_headers(struct veyon_exchange *exchange)
{
    char line[64];

    if (exchange->visit && *exchange->visit->uid) {
        strcpy(stpcpy(line, "Connection-Uid: "), exchange->visit->uid);
        if (!add_header(exchange, line)) {
            return false;
        }
    }
    return add_header(exchange, "Accept:") &&
           (!exchange->body || (add_header(exchange, "Content-Type: application/json") &&
                                add_header(exchange, "Expect:")));
}

#define SET(option, value) failed = failed ? failed : curl_easy_setopt(easy, option, value)

/* A handle with what is the same for every exchange with a gateway.  NULL: out of memory. */
static CURL *easy_new(struct veyon_gateway *gateway)
{
    CURL *easy = curl_easy_init();
    CURLcode failed = easy ? CURLE_OK : CURLE_OUT_OF_MEMORY;

    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, gateway->place.secure ? "https" : "http");
    SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PROXY, ""); /* whatever the environment says */
    SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    SET(CURLOPT_BUFFERSIZE, (long) RECEIVE_BUFFER);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_WRITEFUNCTION, on_answer);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_PREREQFUNCTION, on_leaving);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_opening);
    SET(CURLOPT_CLOSESOCKETFUNCTION, net_socket_close);
    SET(CURLOPT_CLOSESOCKETDATA, &gateway->all->net);
    SET(CURLOPT_TIMEOUT, (long) PATIENCE);
    if (failed || veyon_trust_set(easy, gateway)) {
        curl_easy_cleanup(easy);
        return NULL;
    }
    return easy;
}

/* Sets what differs for each exchange. */
static bool set_up(struct veyon_exchange *exchange, CURL *easy)
{
    static const char *const methods[] = {
        [VEYON_GET] = NULL, [VEYON_POST] = "POST", [VEYON_PUT] = "PUT", [VEYON_DELETE] = "DELETE"};
    char url[VEYON_GATEWAY_MAX + VEYON_HOST_MAX + 128];
    CURLcode failed = set_headers(exchange) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
    const struct veyon_place *place = &exchange->gateway->place;
    bool six = strchr(place->host, ':');

    snprintf(url, sizeof url, "%s://%s%s%s:%u/api/v1/%s", place->secure ? "https" : "http",
             six ? "[" : "", place->host, six ? "]" : "", place->port, exchange->path);
    SET(CURLOPT_XFERINFODATA, exchange);
    SET(CURLOPT_WRITEDATA, exchange);
    SET(CURLOPT_HEADERDATA, exchange);
    SET(CURLOPT_PREREQDATA, exchange);
    SET(CURLOPT_OPENSOCKETDATA, exchange);
    SET(CURLOPT_PRIVATE, &exchange->transfer);
    SET(CURLOPT_URL, url);
    SET(CURLOPT_HTTPHEADER, exchange->headers);
    if (exchange->body) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) strlen(exchange->body));
        SET(CURLOPT_POSTFIELDS, exchange->body);
    } else {
        SET(CURLOPT_HTTPGET, 1L);
    }
    SET(CURLOPT_CUSTOMREQUEST, methods[exchange->method]);
    return !failed;
}
#undef SET

static int start(struct veyon_exchange *exchange)
{
    struct veyon *all = exchange->all;
    struct veyon_gateway *gateway = exchange->gateway;
    const struct net *net = &all->net;
    CURL *easy = gateway->spare ? gateway->spare : easy_new(gateway);

    gateway->spare = NULL;
    if (!easy) {
        return WMS_E_NO_MEMORY;
    }
    exchange->transfer.easy = easy;
    exchange->transfer.peer = &gateway->peer;
    exchange->most = exchange->secret ? SECRET_MAX : VEYON_JSON_MAX;
    if (exchange->picture) {
        exchange->most = net->services->transport(net->engine)->answer_size;
    }
    if (!set_up(exchange, easy) || curl_multi_add_handle(net->multi, easy) != CURLM_OK) {
        curl_easy_cleanup(easy);
        exchange->transfer.easy = NULL;
        return WMS_E_NO_MEMORY;
    }
    exchange->started = true;
    exchange->began = veyon_now();
    node_append(&all->net.running, &exchange->transfer.node);
    return 0;
}

/* ---- its way --------------------------------------------------------------------------------- */

void veyon_exchange_start(struct veyon_exchange *exchange, struct veyon_gateway *gateway)
{
    struct veyon *all = exchange->all;

    exchange->gateway = gateway;
    node_remove(&exchange->transfer.node);
    node_append(&all->due, &exchange->transfer.node);
}

void veyon_exchange_refuse(struct veyon_exchange *exchange, const struct veyon_reply *reply)
{
    node_remove(&exchange->transfer.node);
    if (exchange->data) {
        exchange->done(exchange, reply);
    }
    exchange_free(exchange);
}

bool veyon_exchanges_start(struct veyon *all)
{
    bool any = false;

    while (!node_alone(&all->due)) {
        struct veyon_exchange *exchange =
            NODE_OWNER(node_take(&all->due), struct veyon_exchange, transfer.node);
        int error = start(exchange);
        if (error) {
            veyon_exchange_refuse(exchange, &(struct veyon_reply){.code = error});
        } else {
            any = true;
        }
    }
    return any;
}

/* The exchange is as new, and in no list. */
void veyon_exchange_again(struct veyon_exchange *exchange)
{
    end_transfer(exchange);
    exchange->transfer.left = exchange->transfer.paused = false;
    exchange->too_large = exchange->fresh = false;
    exchange->transfer.trouble = exchange->transfer.no_socket = 0;
    exchange->length = exchange->head = 0;
    exchange->visit = NULL;
    exchange->again = true;
}

void veyon_exchange_ended(struct veyon_exchange *exchange)
{
    char buffer[VEYON_SENTENCE];
    struct veyon_reply reply;

    node_remove(&exchange->transfer.node);
    exchange->again = false;
    veyon_judge(exchange, &reply, buffer);
    if (exchange->data) {
        exchange->done(exchange, &reply);
    }
    if (!exchange->again) {
        exchange_free(exchange);
    }
}
