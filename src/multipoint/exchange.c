/* exchange.c - one question and its answer: waits for a place, goes out, is judged. */
#define _GNU_SOURCE /* memmem */
#include <openssl/rand.h>
#include <stdio.h>

#include "multipoint.h"

enum { UUID = 16 };

/* ---- one exchange ------------------------------------------------------------------------------------------------ */

static void exchange_free(struct multipoint_exchange *exchange)
{
    const struct multipoint_memory *memory = &exchange->host->all->memory;

    multipoint_transport_end(exchange);
    node_remove(&exchange->node);
    multipoint_text_free(&exchange->request);
    multipoint_text_free(&exchange->answer);
    multipoint_free(memory, exchange);
}

/* A random UUID of RFC 4122. */
static bool print_id(char *id, size_t size)
{
    unsigned char b[UUID];

    if (RAND_bytes(b, sizeof b) != 1) {
        return false;
    }
    b[6] = (b[6] & 0x0F) | 0x40;
    b[8] = (b[8] & 0x3F) | 0x80;
    snprintf(id, size, "urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
             b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
    return true;
}

bool multipoint_renew(struct multipoint_exchange *exchange)
{
    size_t length = strlen(exchange->id);
    char *place = memmem(exchange->request.data, exchange->request.length, exchange->id, length);

    if (!place || !print_id(exchange->id, sizeof exchange->id)) {
        return false;
    }
    memcpy(place, exchange->id, length);
    return true;
}

/* An IPv6 address in brackets, with the '%' of its zone as URLs have it. */
static void print_host(const char *host, char *text, size_t size)
{
    const char *zone = strchr(host, '%');

    if (!strchr(host, ':')) {
        snprintf(text, size, "%s", host);
    } else {
        snprintf(text, size, "[%.*s%s%s]", zone ? (int) (zone - host) : (int) strlen(host), host, zone ? "%25" : "",
                 zone ? zone + 1 : "");
    }
}

/* [MS-RSMC] 2.1: the certificate is asked for by plain HTTP, everything else by HTTPS, at the port that comes with it. */
static void print_url(struct multipoint_exchange *exchange, unsigned https_port)
{
    const struct wms_address *address = exchange->host->address;
    bool plain = exchange->operation->credentials == MULTIPOINT_ANYBODY;
    unsigned standard = plain ? MULTIPOINT_HTTP_PORT : MULTIPOINT_HTTPS_PORT;
    unsigned port = !plain ? https_port : address->port ? address->port : standard;
    char host[300], number[16] = "";

    print_host(address->host, host, sizeof host);
    if (port != standard) {
        snprintf(number, sizeof number, ":%u", port);
    }
    snprintf(exchange->url, sizeof exchange->url, "%s://%s%s/MultiPoint/%s", plain ? "http" : "https", host, number,
             exchange->operation->interface_name);
}

/* Whose name and password it carries: [MS-RSMC] 2.1, 3.2.  *ret_password NULL: nobody's. */
static int choose_credentials(struct multipoint_exchange *exchange, const struct multipoint_question *question,
                              const struct multipoint_binding *binding, const char **ret_password, const char **ret_text)
{
    *ret_password = NULL;
    switch (question->operation->credentials) {
    case MULTIPOINT_ANYBODY:
        break;
    case MULTIPOINT_ADMIN:
        exchange->user_name = question->user_name;
        *ret_password = question->password;
        break;
    case MULTIPOINT_CONTROL:
        exchange->user_name = "WmsControl";
        *ret_password = binding->control;
        break;
    case MULTIPOINT_MANAGEMENT:
        exchange->user_name = "WmsManagement";
        *ret_password = binding->management;
        if (!*ret_password) {
            *ret_text = "the operation needs the host's management password; bind with management = true";
            return WMS_E_NOT_BOUND;
        }
        break;
    }
    return 0;
}

int multipoint_ask(struct multipoint_host *host, const struct multipoint_question *question,
                   void (*done)(struct multipoint_exchange *exchange, const struct multipoint_reply *reply), void *data,
                   struct multipoint_exchange **ret_exchange, const char **ret_text)
{
    const struct multipoint_memory *memory = &host->all->memory;
    struct multipoint_exchange *exchange = multipoint_alloc(memory, sizeof *exchange);
    const struct multipoint_binding *binding = question->binding ? question->binding : &host->binding;
    const char *password;

    *ret_text = NULL;
    if (!exchange) {
        return WMS_E_NO_MEMORY;
    }
    node_init(&exchange->node);
    exchange->host = host;
    exchange->operation = question->operation;
    exchange->op = question->op;
    exchange->once = question->op != NULL;
    exchange->request.memory = exchange->answer.memory = memory;
    exchange->certificate = binding->certificate;
    exchange->trust.expected = &exchange->certificate;
    exchange->done = done;
    exchange->data = data;
    int error = choose_credentials(exchange, question, binding, &password, ret_text);
    if (!error && !print_id(exchange->id, sizeof exchange->id)) {
        *ret_text = "OpenSSL has no random numbers";
        error = WMS_E_INTERNAL;
    }
    if (!error) {
        print_url(exchange, binding->port);
        multipoint_envelope(exchange, question, password);
        error = exchange->request.failed ? WMS_E_NO_MEMORY : 0;
    }
    if (error) {
        exchange_free(exchange);
        return error;
    }
    node_append(&host->waiting, &exchange->node);
    *ret_exchange = exchange;
    return 0;
}

struct multipoint_exchange *multipoint_drop(struct multipoint_exchange *exchange)
{
    if (exchange) {
        exchange->data = NULL;
        exchange->op = NULL;
        if (!exchange->started) {
            exchange_free(exchange);
        } else { /* libcurl would say good-bye to the host */
            node_remove(&exchange->node);
            node_append(&exchange->host->all->dropped, &exchange->node);
        }
    }
    return NULL;
}

static void free_those_of(struct multipoint_host *host, struct node *list)
{
    for (struct node *node = list->next, *next; node != list; node = next) {
        struct multipoint_exchange *exchange = NODE_OWNER(node, struct multipoint_exchange, node);
        next = node->next;
        if (exchange->host == host) {
            exchange_free(exchange);
        }
    }
}

void multipoint_drop_all(struct multipoint_host *host)
{
    free_those_of(host, &host->waiting);
    free_those_of(host, &host->all->running);
    free_those_of(host, &host->all->finished);
    free_those_of(host, &host->all->dropped);
}

/* ---- what is due ------------------------------------------------------------------------------------------------- */

static void finish(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    if (exchange->data) {
        exchange->done(exchange, reply);
    }
    exchange_free(exchange);
}

static void judge(struct multipoint_exchange *exchange)
{
    char buffer[MULTIPOINT_SENTENCE];
    struct multipoint_answer answer = {.arena = {.memory = &exchange->host->all->memory}};
    struct multipoint_reply reply;

    node_remove(&exchange->node);
    multipoint_judge(exchange, &answer, &reply, buffer);
    finish(exchange, &reply);
    multipoint_answer_free(&answer);
}

static void start_waiting(struct multipoint_host *host)
{
    while (!node_alone(&host->waiting) && !host->failure && host->running < host->connections) {
        struct multipoint_exchange *exchange = NODE_OWNER(host->waiting.next, struct multipoint_exchange, node);
        node_remove(&exchange->node);
        int error = multipoint_transport_start(exchange);
        if (error) {
            finish(exchange, &(struct multipoint_reply){.code = error});
        } else {
            node_append(&host->all->running, &exchange->node);
        }
    }
}

/* The engine is told; it takes back what it has asked for, and then the host. */
static void tell(struct multipoint_host *host)
{
    if (host->failure && !host->told) {
        host->told = true;
        host->all->memory.services->broken(host->link, host->failure, host->failure_text);
    }
}

static void for_each_host(struct multipoint *all, void (*each)(struct multipoint_host *host))
{
    for (struct node *node = all->hosts.next, *next; node != &all->hosts; node = next) {
        next = node->next;
        each(NODE_OWNER(node, struct multipoint_host, node));
    }
}

/* Until nothing is left to do but to wait.  done() may ask again. */
static void settle(struct multipoint *all)
{
    bool more = true;

    while (more) {
        while (!node_alone(&all->dropped)) {
            exchange_free(NODE_OWNER(all->dropped.next, struct multipoint_exchange, node));
        }
        for_each_host(all, start_waiting);
        int running;
        curl_multi_socket_action(all->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        multipoint_transport_turn(all);
        more = !node_alone(&all->finished);
        while (!node_alone(&all->finished)) {
            judge(NODE_OWNER(all->finished.next, struct multipoint_exchange, node));
        }
    }
    for_each_host(all, tell);
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
    all->depth--;
}

void multipoint_leave_quietly(struct multipoint *all)
{
    all->depth--;
    all->memory.services->timer_set(all->tick, 0);
}

void multipoint_host_fail(struct multipoint_host *host, int code, const char *text)
{
    if (!host->failure) {
        host->failure = code;
        snprintf(host->failure_text, sizeof host->failure_text, "%s", text);
    }
}
