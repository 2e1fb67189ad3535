/* SPDX-License-Identifier: MIT */
/* client.c - what there is once for each engine, and a connection for each configuration: who gets
 * what it hears. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "nats/asking.h"

/* Seconds between two looks: while questions are under way, and while hosts are only watched. */
static const double often = 0.25, seldom = 5;
/* Seconds after which those whose servers were never reached are told why. */
static const double patience = 2;

double nats_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now); /* an asker that has slept knows how old its question is */
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

void *nats_alloc(struct nats *all, size_t size)
{
    void *block = all->services->resize(all->engine, NULL, size);

    if (block) {
        memset(block, 0, size);
    }
    return block;
}

void nats_release(struct nats *all, void *block)
{
    if (block) {
        all->services->resize(all->engine, block, 0);
    }
}

/* ---- the engine's ---------------------------------------------------------------------------- */

int nats_new(const struct wms_services *services, wms_engine *engine, struct nats **ret_all)
{
    const struct nats_memory memory = {services->resize, engine};
    struct nats *all = services->resize(engine, NULL, sizeof *all);

    if (!all) {
        return WMS_E_NO_MEMORY;
    }
    memset(all, 0, sizeof *all);
    all->services = services;
    all->engine = engine;
    node_init(&all->clients);
    nats_reader_init(&all->reader, &memory);
    nats_text_init(&all->text, &memory);
    *ret_all = all;
    return 0;
}

static void client_free(struct nats_client *client, bool forked)
{
    struct nats *all = client->all;

    node_remove(&client->node);
    all->services->timer_free(client->timer);
    courier_free(client->courier, forked);
    nats_table_close(all, &client->by_number);
    nats_table_close(all, &client->heard_by);
    nats_release(all, client->key);
    nats_release(all, client);
}

void nats_free(struct nats *all, bool forked)
{
    agents_free(all->agents, forked);
    while (!node_alone(&all->clients)) {
        client_free(NODE_OWNER(all->clients.next, struct nats_client, node), forked);
    }
    nats_reader_free(&all->reader);
    nats_text_free(&all->text);
    nats_release(all, all);
}

/* ---- the timer ------------------------------------------------------------------------------- */

void nats_client_wind(struct nats_client *client)
{
    double interval = !node_alone(&client->asks)      ? often
                      : !node_alone(&client->watches) ? seldom
                                                      : 0;

    if (client->interval > 0 && (interval == 0 || client->interval <= interval)) {
        return; /* it fires soon enough, and looks then */
    }
    client->interval = interval;
    if (interval > 0) {
        client->all->services->timer_set(client->timer, interval);
    }
}

/* Tells hosts that were waiting for the servers, which were never reached. */
static void give_up(struct nats_client *client, double now)
{
    struct node *node = client->asks.next, *next;

    for (; node != &client->asks; node = next) {
        struct nats_ask *ask = NODE_OWNER(node, struct nats_ask, of_client);
        next = node->next;
        if (now - ask->made >= patience) {
            nats_host_broken(ask->host, client->code, client->fault);
        }
    }
}

static void tick(void *data)
{
    struct nats_client *client = data;
    double now = nats_now();
    struct node *node = client->asks.next, *next;

    client->interval = 0;
    if (courier_is_up(client->courier)) {
        for (; node != &client->asks; node = next) { /* a look ends that one at most */
            next = node->next;
            nats_ask_tick(NODE_OWNER(node, struct nats_ask, of_client), now);
        }
    } else if (client->code && !client->reached) {
        give_up(client, now);
    }
    nats_watches_tick(client, now);
    nats_client_wind(client);
}

/* ---- what the courier tells ------------------------------------------------------------------ */

static void on_up(void *data)
{
    struct nats_client *client = data;
    struct node *node = client->asks.next, *next;

    client->reached = true;
    client->code = 0;
    for (; node != &client->asks; node = next) {
        next = node->next;
        nats_ask_up(NODE_OWNER(node, struct nats_ask, of_client));
    }
    nats_watches_up(client);
}

static void set_fault(struct nats_client *client, int code, const char *text)
{
    client->code = code;
    snprintf(client->fault, sizeof client->fault, "%s", text);
}

static void on_down(void *data, int code, const char *text)
{
    struct nats_client *client = data;

    client->since = client->code ? client->since : nats_now();
    set_fault(client, code, text);
    nats_client_wind(client);
}

static void on_refused(void *data, int code, const char *text)
{
    struct nats_client *client = data;

    set_fault(client, code, text);
    client->dead = true;
    for (struct node *node = client->asks.next; node != &client->asks; node = node->next) {
        nats_host_broken(NODE_OWNER(node, struct nats_ask, of_client)->host, code, client->fault);
    }
    nats_watches_end(client, code, client->fault);
}

/* Answers come from the host that was asked alone: their subject says so, and the servers see to
 * it. */
static void on_answer(struct nats_client *client, const struct courier_message *message)
{
    char host[NATS_HOST];
    uint64_t number;

    if (!nats_read_answer_subject(message->subject, courier_name(client->courier), client->nonce,
                                  host, &number)) {
        return;
    }
    struct nats_ask *ask = (struct nats_ask *) nats_table_find(&client->by_number, number);
    if (ask && strcmp(ask->host->token, host) == 0) {
        nats_ask_heard(ask, message);
    }
}

static void on_message(void *data, const struct courier_message *message)
{
    struct nats_client *client = data;

    if (message->subscription == client->answers) {
        client->heard = nats_now();
        on_answer(client, message);
    } else {
        struct nats_entry *entry = nats_table_find(&client->heard_by, message->subscription);
        if (entry) {
            nats_watch_heard(entry, message);
        }
    }
}

static bool is_asked_at(const struct nats_ask *ask, const char *quoted)
{
    char subject[NATS_SUBJECT];

    if (ask->subject) {
        return strcmp(ask->subject, quoted) == 0;
    }
    nats_subject_question(subject, ask->host->token, ask->verb,
                          courier_name(ask->host->client->courier));
    return strcmp(subject, quoted) == 0;
}

/* What the servers do not let out will not be answered.  They complain of each publication, in the
 * order in which they get them: so it is the first one asked that is meant, and with thousands
 * under way those behind it are not looked at. */
static void refuse_ask(struct nats_client *client, const char *quoted)
{
    for (struct node *node = client->asks.next; node != &client->asks; node = node->next) {
        struct nats_ask *ask = NODE_OWNER(node, struct nats_ask, of_client);
        if (ask != ask->host->presence && is_asked_at(ask, quoted)) {
            nats_ask_refused(ask);
            return;
        }
    }
}

/* The sentence has the subject in quotes. */
static void on_forbidden(void *data, const char *text)
{
    struct nats_client *client = data;
    const char *begin = strchr(text, '"');
    const char *end = begin ? strchr(begin + 1, '"') : NULL;
    char quoted[NATS_SUBJECT], answers[NATS_SUBJECT];

    if (!end || end - begin > NATS_SUBJECT) {
        return;
    }
    snprintf(quoted, sizeof quoted, "%.*s", (int) (end - begin) - 1, begin + 1);
    nats_subject_answers(answers, courier_name(client->courier), client->nonce);
    if (strcmp(quoted, answers) == 0) {
        on_refused(client, WMS_E_ACCESS_DENIED, nats_no_answers);
    } else {
        refuse_ask(client, quoted);
        nats_watches_refuse(client, quoted);
    }
}

static const struct courier_events events = {
    .up = on_up,
    .down = on_down,
    .refused = on_refused,
    .message = on_message,
    .forbidden = on_forbidden,
};

/* ---- a client for each configuration --------------------------------------------------------- */

static void put_part(struct nats_text *text, const char *part)
{
    nats_text_append(text, part ? "+" : "-", 1);
    if (part) {
        nats_text_append(text, part, strlen(part) + 1);
    }
}

/* What tells configurations apart: all of it.  Passwords and keys are in files, whose names alone
 * are here. */
static char *key_of(struct nats *all, const wms_nats *nats)
{
    struct nats_text *text = &all->text;

    nats_text_clear(text);
    for (size_t i = 0; nats->servers && nats->servers[i]; i++) {
        put_part(text, nats->servers[i]);
    }
    put_part(text, NULL);
    put_part(text, nats->name);
    put_part(text, nats->credentials);
    put_part(text, nats->nkey);
    put_part(text, nats->user_name);
    put_part(text, nats->password_file);
    put_part(text, nats->ca);
    put_part(text, nats->certificate);
    put_part(text, nats->key);
    char *key = text->failed ? NULL : nats_alloc(all, text->size + sizeof(size_t));
    if (key) {
        memcpy(key, &text->size, sizeof(size_t));
        memcpy(key + sizeof(size_t), text->data, text->size);
    }
    return key;
}

static bool same_key(const char *a, const char *b)
{
    size_t size;

    memcpy(&size, a, sizeof size);
    return memcmp(a, b, sizeof size) == 0 && memcmp(a + sizeof size, b + sizeof size, size) == 0;
}

static int fill_random(struct nats_client *client)
{
    client->random_left = sizeof client->random;
    return getrandom(client->random, sizeof client->random, 0) == sizeof client->random
               ? 0
               : WMS_E_INTERNAL;
}

uint64_t nats_client_number(struct nats_client *client)
{
    uint64_t number;

    if (client->random_left < sizeof number && fill_random(client)) {
        return 0;
    }
    client->random_left -= sizeof number;
    memcpy(&number, client->random + client->random_left, sizeof number);
    return number >> 2;
}

static int open_courier(struct nats_client *client, const wms_nats *nats)
{
    struct nats *all = client->all;
    char subject[NATS_SUBJECT];
    int error = fill_random(client);

    client->random_left -= NATS_NONCE - 1;
    nats_nonce(client->random + client->random_left, client->nonce);
    error = error
                ? error
                : courier_new(all->services, all->engine, nats, &events, client, &client->courier);
    if (error) {
        return error;
    }
    nats_subject_answers(subject, courier_name(client->courier), client->nonce);
    return courier_subscribe(client->courier, subject, &client->answers);
}

static int client_new(struct nats *all, const wms_nats *nats, char *key,
                      struct nats_client **ret_client)
{
    struct nats_client *client = nats_alloc(all, sizeof *client);

    if (!client) {
        nats_release(all, key);
        return WMS_E_NO_MEMORY;
    }
    client->all = all;
    client->key = key;
    node_prepend(&all->clients, &client->node);
    node_init(&client->asks);
    node_init(&client->watches);
    client->process = getpid();
    client->since = nats_now();
    client->timer = all->services->timer_new(all->engine, tick, client);
    int error = client->timer ? open_courier(client, nats) : WMS_E_NO_MEMORY;
    if (error) {
        client_free(client, false);
        return error;
    }
    *ret_client = client;
    return 0;
}

/* Frees those that nobody holds, but for the one that was used last. */
static void drop_unused(struct nats *all)
{
    struct node *node = all->clients.next, *next;

    for (; node != &all->clients; node = next) {
        struct nats_client *client = NODE_OWNER(node, struct nats_client, node);
        next = node->next;
        if (client->hosts == 0 && (node != all->clients.next || client->dead)) {
            client_free(client, false);
        }
    }
}

static struct nats_client *find(struct nats *all, const char *key)
{
    for (struct node *node = all->clients.next; node != &all->clients; node = node->next) {
        struct nats_client *client = NODE_OWNER(node, struct nats_client, node);
        if (!client->dead && same_key(client->key, key)) {
            return client;
        }
    }
    return NULL;
}

int nats_client_join(struct nats *all, struct nats_client **ret_client, const char **ret_text)
{
    const wms_transport *transport = all->services->transport(all->engine);
    const wms_nats *nats =
        WMS_GIVEN(all->services, transport, nats) && transport ? transport->nats : NULL;

    *ret_text = nats ? NULL : nats_not_configured;
    if (!nats) {
        return WMS_E_NOT_BOUND;
    }
    char *key = key_of(all, nats);
    struct nats_client *client = key ? find(all, key) : NULL;
    int error = key ? 0 : WMS_E_NO_MEMORY;
    if (client) {
        nats_release(all, key);
    } else if (key) {
        error = client_new(all, nats, key, &client);
    }
    if (!error) {
        client->hosts++;
        node_remove(&client->node);
        node_prepend(&all->clients, &client->node);
        drop_unused(all);
        *ret_client = client;
    }
    return error;
}

void nats_client_leave(struct nats_client *client, bool forked)
{
    client->hosts--;
    if (!forked && client->hosts == 0 &&
        (client->dead || client->all->clients.next != &client->node)) {
        client_free(client, false);
    }
}
