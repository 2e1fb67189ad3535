/* SPDX-License-Identifier: MIT */
/* exchange.c - one question and its answer: queued, sent, judged. */
#include <stdio.h>

#include "multipoint.h"

enum { KEPT_SIZE = 16384 };

/* ---- one exchange ---------------------------------------------------------------------------- */

/* Keeps one exchange for the next question, with the memory of its texts: wiped, and not larger
 * than most questions need.  False: there is one already, or it is too large. */
static bool keep(struct multipoint_exchange *exchange)
{
    struct multipoint *all = exchange->host->all;
    struct multipoint_text request = exchange->request, answer = exchange->answer;

    if (all->spare || request.size + answer.size > KEPT_SIZE || request.failed || answer.failed) {
        return false;
    }
    multipoint_text_clear(&request);
    multipoint_text_clear(&answer);
    *exchange =
        (struct multipoint_exchange){.host = exchange->host, .request = request, .answer = answer};
    node_init(&exchange->transfer.node);
    all->spare = exchange;
    return true;
}

/* A question waits, or one that waits may have got a connection. */
static void make_due(struct multipoint_host *host)
{
    if (node_alone(&host->due)) {
        node_append(&host->all->due, &host->due);
    }
}

static void exchange_free(struct multipoint_exchange *exchange)
{
    multipoint_transport_end(exchange);
    if (!node_alone(&exchange->host->waiting)) {
        make_due(exchange->host);
    }
    node_remove(&exchange->transfer.node);
    multipoint_reader_free(exchange->reader);
    exchange->reader = NULL;
    if (!keep(exchange)) {
        const struct multipoint_memory *memory = &exchange->host->all->memory;
        multipoint_text_free(&exchange->request);
        multipoint_text_free(&exchange->answer);
        multipoint_free(memory, exchange);
    }
}

void multipoint_exchange_free_spare(struct multipoint *all)
{
    if (all->spare) {
        multipoint_text_free(&all->spare->request);
        multipoint_text_free(&all->spare->answer);
        all->spare = multipoint_free(&all->memory, all->spare);
    }
}

static struct multipoint_exchange *exchange_new(struct multipoint_host *host)
{
    struct multipoint *all = host->all;
    struct multipoint_exchange *exchange =
        all->spare ? all->spare : multipoint_alloc(&all->memory, sizeof *exchange);

    all->spare = NULL;
    if (exchange) {
        node_init(&exchange->transfer.node);
        exchange->transfer.net = &all->net;
        exchange->transfer.peer = &host->peer;
        exchange->host = host;
        exchange->request.memory = exchange->answer.memory = &all->memory;
    }
    return exchange;
}

/* Sets the user name and password that it carries: [MS-RSMC] 2.1, 3.4.1.  *ret_password NULL: none.
 * Errors: NOT_BOUND. */
static int choose_credentials(struct multipoint_exchange *exchange,
                              const struct multipoint_question *question,
                              const struct multipoint_binding *binding, const char **ret_password,
                              const char **ret_text)
{
    enum multipoint_credentials credentials = question->operation->credentials;

    *ret_password = NULL;
    if (credentials == MULTIPOINT_CONTROL && question->elevated) {
        credentials = MULTIPOINT_MANAGEMENT;
    }
    switch (credentials) {
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
            *ret_text =
                "the operation needs the host's management password; bind with management = true";
            return WMS_E_NOT_BOUND;
        }
        break;
    }
    return 0;
}

static void set_trust(struct multipoint_exchange *exchange,
                      const struct multipoint_binding *binding)
{
    exchange->certificate = binding->certificate;
    exchange->trust.expected = &exchange->certificate;
    strcpy(exchange->pins, binding->certificate.pin);
    if (binding->next_der) {
        exchange->next = binding->next;
        exchange->trust.next = &exchange->next;
        strcat(strcat(exchange->pins, ";"), binding->next.pin);
    }
}

int multipoint_ask(struct multipoint_host *host, const struct multipoint_question *question,
                   void (*done)(struct multipoint_exchange *exchange,
                                const struct multipoint_reply *reply),
                   void *data, struct multipoint_exchange **ret_exchange, const char **ret_text)
{
    struct multipoint_exchange *exchange = exchange_new(host);
    const struct multipoint_binding *binding =
        question->binding ? question->binding : &host->binding;
    const char *password;

    *ret_text = NULL;
    if (!exchange) {
        return WMS_E_NO_MEMORY;
    }
    exchange->operation = question->operation;
    exchange->op = question->op;
    exchange->once = question->op != NULL;
    set_trust(exchange, binding);
    exchange->done = done;
    exchange->data = data;
    int error = choose_credentials(exchange, question, binding, &password, ret_text);
    if (!error) {
        multipoint_print_id(host->all, exchange->id);
        exchange->https_port = binding->port;
        multipoint_envelope(exchange, question, password);
        error = exchange->request.failed ? WMS_E_NO_MEMORY : 0;
    }
    if (error) {
        exchange_free(exchange);
        return error;
    }
    node_append(question->urgent ? host->waiting.next : &host->waiting, &exchange->transfer.node);
    make_due(host);
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
        } else { /* freeing it here would send TLS close_notify: that is left to settle() */
            node_remove(&exchange->transfer.node);
            node_append(&exchange->host->all->dropped, &exchange->transfer.node);
        }
    }
    return NULL;
}

static void free_those_of(struct multipoint_host *host, struct node *list)
{
    for (struct node *node = list->next, *next; node != list; node = next) {
        struct multipoint_exchange *exchange =
            NODE_OWNER(node, struct multipoint_exchange, transfer.node);
        next = node->next;
        if (exchange->host == host) {
            exchange_free(exchange);
        }
    }
}

void multipoint_drop_all(struct multipoint_host *host)
{
    free_those_of(host, &host->waiting);
    free_those_of(host, &host->all->net.running);
    free_those_of(host, &host->all->net.finished);
    free_those_of(host, &host->all->reading);
    free_those_of(host, &host->all->dropped);
}

void multipoint_exchanges_free(struct node *list)
{
    while (!node_alone(list)) {
        exchange_free(NODE_OWNER(list->next, struct multipoint_exchange, transfer.node));
    }
}

/* ---- what is due ----------------------------------------------------------------------------- */

static void finish(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    if (exchange->data) {
        exchange->done(exchange, reply);
    }
    exchange_free(exchange);
}

/* Writes the question again in SOAP 1.1, and queues it.  Only questions without arguments are asked
 * so.  False: out of memory. */
static bool ask_in_old_soap(struct multipoint_exchange *exchange)
{
    struct multipoint_host *host = exchange->host;
    const struct multipoint_question question = {.operation = exchange->operation};

    multipoint_transport_end(exchange);
    multipoint_text_clear(&exchange->request);
    multipoint_text_clear(&exchange->answer);
    multipoint_reader_free(exchange->reader);
    exchange->reader = NULL;
    exchange->head = (struct multipoint_head){0};
    exchange->read = exchange->transfer.paused = exchange->too_large = false;
    exchange->refused = NULL;
    exchange->old = true;
    exchange->started = exchange->transfer.left = false;
    multipoint_print_id(host->all, exchange->id);
    multipoint_envelope(exchange, &question, NULL);
    if (exchange->request.failed) {
        return false;
    }
    node_append(host->waiting.next, &exchange->transfer.node);
    make_due(host);
    return true;
}

static void judge(struct multipoint_exchange *exchange)
{
    char buffer[MULTIPOINT_SENTENCE];
    struct multipoint *all = exchange->host->all;
    struct multipoint_answer answer = {.parser = exchange->reader ? NULL : all->parser};
    struct multipoint_reply reply;

    bool in_parts = exchange->reader != NULL;
    all->parser = exchange->reader ? all->parser : NULL;
    node_remove(&exchange->transfer.node);
    if (exchange->trust.renewed) {
        multipoint_host_renewed(exchange->host, &exchange->next);
    }
    multipoint_judge(exchange, &answer, &reply, buffer);
    bool again = reply.other_soap && exchange->data && ask_in_old_soap(exchange);
    if (!again) {
        finish(exchange, &reply);
    }
    if (in_parts) { /* the memory of a long answer is freed later and bit by bit, not to block the
                       loop */
        multipoint_arena_give(&answer.arena, &all->waste);
        net_turn_soon(&all->net);
    }
    void *parser = multipoint_answer_end(&answer);
    if (all->parser) {
        multipoint_parser_free(parser);
    } else {
        all->parser = parser;
    }
}

/* Parsing a long answer at once would block the loop: it is parsed in parts, and judged after the
 * last one.  False: it is to be judged now.
 */
static bool begin_to_read(struct multipoint_exchange *exchange)
{
    struct multipoint *all = exchange->host->all;
    const struct multipoint_text *answer = &exchange->answer;

    if (exchange->reader || exchange->transfer.trouble || exchange->transfer.result != CURLE_OK ||
        answer->failed || answer->length <= MULTIPOINT_PART) {
        return false;
    }
    exchange->reader =
        multipoint_reader_new(&all->memory, answer->data, answer->length, exchange->answer_max);
    if (!exchange->reader) {
        exchange->transfer.trouble = WMS_E_NO_MEMORY;
        return false;
    }
    node_remove(&exchange->transfer.node);
    node_append(&all->reading, &exchange->transfer.node);
    return true;
}

void multipoint_exchange_ended(struct multipoint_exchange *exchange)
{
    if (begin_to_read(exchange)) {
        net_turn_soon(&exchange->host->all->net);
    } else {
        judge(exchange);
    }
}

void multipoint_read_on(struct multipoint *all)
{
    if (node_alone(&all->reading)) {
        return;
    }
    struct multipoint_exchange *exchange =
        NODE_OWNER(all->reading.next, struct multipoint_exchange, transfer.node);
    node_remove(&exchange->transfer.node);
    bool judged = exchange->read && exchange->answer.length == 0;
    node_append(judged ? &all->net.finished : &all->reading,
                &exchange->transfer.node); /* at the end: the other exchanges have their turn */
    if (exchange->read) {
        multipoint_text_free(
            &exchange->answer); /* not needed any more: frees memory before the results are made */
    } else {
        exchange->read = !multipoint_reader_step(
            exchange->reader); /* its results are made in another turn, which may take as long */
    }
    if (!node_alone(&all->reading)) {
        net_turn_soon(&all->net);
    }
}

/* Whether a host may have one more connection.  Its first it gets in any case; but when many hosts
 * are worked with, that is enough: each connection costs a handshake, two descriptors, of which a
 * program often may have 1024, and some 60 KB. */
static bool may_connect(const struct multipoint_host *host)
{
    enum { PLENTY = 256 };

    return host->running == 0 ||
           (host->running < host->connections && host->all->running_count < PLENTY);
}

/* True: libcurl has got something to do. */
static bool start_waiting(struct multipoint_host *host)
{
    bool started = false;

    node_remove(&host->due);
    while (!node_alone(&host->waiting) && !host->failure && may_connect(host)) {
        struct multipoint_exchange *exchange =
            NODE_OWNER(host->waiting.next, struct multipoint_exchange, transfer.node);
        node_remove(&exchange->transfer.node);
        int error = multipoint_transport_start(exchange);
        if (error) {
            finish(exchange, &(struct multipoint_reply){.code = error});
        } else {
            node_append(&host->all->net.running, &exchange->transfer.node);
            started = true;
        }
    }
    return started;
}

void multipoint_exchanges_flush(struct multipoint_host *host)
{
    int running;

    if (!node_alone(&host->waiting) && !host->failure && start_waiting(host)) {
        curl_multi_socket_action(host->all->net.multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

bool multipoint_exchanges_start(struct multipoint *all)
{
    bool started = false;

    while (!node_alone(&all->due)) {
        started = start_waiting(NODE_OWNER(all->due.next, struct multipoint_host, due)) || started;
    }
    return started;
}
