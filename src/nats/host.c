/* SPDX-License-Identifier: MIT */
/* host.c - a host, as the engine has connected to it, and whether its agent is there. */
#include <stdio.h>
#include <string.h>

#include "nats/asking.h"

int nats_host_join(struct nats_host *host, const char **ret_text)
{
    *ret_text = NULL;
    if (host->client && host->client->dead && node_alone(&host->asks)) {
        nats_client_leave(host->client, false);
        host->client = NULL;
    }
    return host->client ? 0 : nats_client_join(host->all, &host->client, ret_text);
}

void nats_host_up(struct nats_host *host)
{
    if (!host->up && !host->told) {
        host->up = true;
        host->all->services->up(host->link);
    }
}

void nats_host_broken(struct nats_host *host, int code, const char *text)
{
    if (!host->told) {
        host->told = true;
        host->failure = code;
        snprintf(host->failure_text, sizeof host->failure_text, "%s", text);
        host->all->services->broken(host->link, code, host->failure_text);
    }
}

bool nats_host_refuses(struct nats_host *host, struct wms_op *op)
{
    if (host->told) {
        host->all->services->lost(op, host->failure, host->failure_text);
    }
    return host->told;
}

/* ---- whether its agent is there -------------------------------------------------------------- */

/* Tells all that it asks for. */
static void judge(struct nats_host *host, bool known, bool there, double beat)
{
    struct node *node = host->asks.next, *next;

    for (; node != &host->asks; node = next) {
        next = node->next;
        nats_ask_judge(NODE_OWNER(node, struct nats_ask, of_host), known, there);
    }
    if (known) {
        nats_watches_judge(host, there, beat);
    }
}

/* 503: there is no store, or it has no leader just now. */
static void presence_heard(struct nats_ask *ask, const struct courier_message *message)
{
    struct nats_host *host = ask->host;
    bool stored = message->status == 0 && message->sequence > 0;
    struct nats_presence presence = {.beat = 0};
    bool there = stored && !message->deleted &&
                 !nats_read_presence(&host->all->reader, message->data, message->size, &presence);

    nats_ask_end(ask);
    judge(host, stored || message->status == COURIER_NO_MESSAGE, there, presence.beat);
}

static void presence_failed(struct nats_host *host, struct wms_op *op, void *data, int code,
                            const char *text, bool lost)
{
    (void) op;
    (void) data;
    (void) code;
    (void) text;
    (void) lost;
    judge(host, false, false, 0);
}

void nats_host_doubt(struct nats_host *host)
{
    static const struct nats_way way = {
        .stored = true, .heard = presence_heard, .failed = presence_failed};
    char subject[NATS_SUBJECT];
    const char *text;

    if (!host->presence) {
        nats_subject_get_presence(subject, host->token);
        (void) nats_ask_store(host, &way, subject, "", 0, false, NULL, NULL,
                              (void **) &host->presence, &text); /* else it is asked later again */
    }
}
