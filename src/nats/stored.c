/* SPDX-License-Identifier: MIT */
/* stored.c - wishes and presences, as the store on the NATS servers has them. */
#include "nats/stored.h"

#include <stdio.h>
#include <string.h>

/* ---- results --------------------------------------------------------------------------------- */

static wms_value *add(struct nats_made *made, const char *name, enum wms_kind kind)
{
    wms_value *value = &made->items[made->table.size++];

    memset(value, 0, sizeof *value);
    value->name = name;
    value->kind = kind;
    return value;
}

void nats_made_init(struct nats_made *made)
{
    memset(&made->table, 0, sizeof made->table);
    made->table.kind = WMS_TABLE;
    made->table.items = made->items;
}

static void add_text(struct nats_made *made, const char *name, const char *text)
{
    if (text) {
        wms_value *value = add(made, name, WMS_STRING);
        value->text = text;
        value->size = strlen(text);
    }
}

void nats_made_number(struct nats_made *made, const char *name, uint64_t number)
{
    add(made, name, WMS_NATURAL)->natural = number;
}

void nats_end_with(struct nats_ask *ask, const struct nats_made *made)
{
    const struct wms_services *services = ask->host->all->services;
    struct wms_op *op = ask->op;

    nats_ask_end(ask);
    services->answer(op, services->result(op, &made->table), NULL);
}

static void end_with_nothing(struct nats_ask *ask)
{
    struct nats_made made;

    nats_made_init(&made);
    nats_end_with(ask, &made);
}

/* ---- what JetStream answers ------------------------------------------------------------------ */

/* Seconds in which a store that is not there may come: it has no leader for a moment after a server
 * has gone. */
static const double leaderless = 3;

/* What is no answer.  Whatever it is, it is asked again, but not for ever. */
static void wait_for_store(struct nats_ask *ask)
{
    if (nats_now() - ask->first >= leaderless) {
        nats_ask_fail(ask, WMS_E_NOT_FOUND, nats_no_store, false);
    }
}

bool nats_ack_of(struct nats_ask *ask, const struct courier_message *message, int allowed,
                 struct nats_ack *ret_ack)
{
    char text[NATS_SENTENCE];

    if (message->status == COURIER_NOBODY) {
        wait_for_store(ask);
        return false;
    }
    if (message->status) {
        return false;
    }
    int error = nats_read_ack(&ask->host->all->reader, message->data, message->size, ret_ack);
    if (error) {
        nats_ask_fail(ask, error, NULL, true);
    } else if (ret_ack->error && !(allowed && ret_ack->error == allowed)) {
        nats_ask_fail(ask,
                      ret_ack->error == COURIER_NOBODY       ? WMS_E_BUSY
                      : ret_ack->error == COURIER_NO_MESSAGE ? WMS_E_NOT_FOUND
                                                             : WMS_E_INTERNAL,
                      nats_blame_store(text, ret_ack), false);
        error = WMS_E_INTERNAL;
    }
    return !error;
}

static void put_heard(struct nats_ask *ask, const struct courier_message *message)
{
    struct nats_ack ack;
    struct nats_made made;

    if (nats_ack_of(ask, message, 0, &ack)) {
        nats_made_init(&made);
        nats_made_number(&made, "revision", ack.sequence);
        nats_end_with(ask, &made);
    }
}

static void delete_heard(struct nats_ask *ask, const struct courier_message *message)
{
    struct nats_ack ack;

    if (nats_ack_of(ask, message, 0, &ack)) {
        end_with_nothing(ask);
    }
}

/* A message of the store.  False: there is none (the ask has ended then), or it is not told yet. */
static bool is_stored(struct nats_ask *ask, const struct courier_message *message)
{
    bool there = message->status == 0 && message->sequence > 0;

    if (message->status == COURIER_NOBODY) {
        wait_for_store(ask);
    } else if (message->status == COURIER_NO_MESSAGE || (there && message->deleted)) {
        end_with_nothing(ask);
    }
    return there && !message->deleted;
}

static void add_time(struct nats_made *made, double time)
{
    if (time >= 0) {
        nats_made_number(made, "time", (uint64_t) time);
    }
}

static void get_heard(struct nats_ask *ask, const struct courier_message *message)
{
    char text[NATS_SENTENCE];
    struct nats_wish wish;
    struct nats_made made;

    if (!is_stored(ask, message)) {
        return;
    }
    struct nats_reader *reader = &ask->host->all->reader;
    int error = nats_read_wish(reader, message->data, message->size, &wish);
    if (error) {
        snprintf(text, sizeof text, "the wish is not one of wms (%s); put another one",
                 reader->complaint ? reader->complaint : "no memory");
        nats_ask_fail(ask, error, error == WMS_E_PROTOCOL ? text : NULL, false);
        return;
    }
    nats_made_init(&made);
    nats_made_number(&made, "revision", message->sequence);
    add_time(&made, message->time);
    add_text(&made, "state", wish.state);
    add_text(&made, "message", wish.message);
    add_text(&made, "who", wish.who);
    if (wish.seconds >= 0) {
        nats_made_number(&made, "seconds", (uint64_t) wish.seconds);
    }
    if (wish.restore) {
        add(&made, "restore", WMS_BOOLEAN)->integer = 1;
    }
    nats_end_with(ask, &made);
}

static void presence_heard(struct nats_ask *ask, const struct courier_message *message)
{
    struct nats_presence presence;
    struct nats_made made;

    if (!is_stored(ask, message)) {
        return;
    }
    int error =
        nats_read_presence(&ask->host->all->reader, message->data, message->size, &presence);
    if (error) {
        nats_ask_fail(ask, error, NULL, false);
        return;
    }
    nats_made_init(&made);
    add_text(&made, "instance", presence.instance);
    add_text(&made, "version", presence.version);
    nats_made_number(&made, "beat", (uint64_t) (presence.beat + 0.5));
    add_time(&made, message->time);
    nats_end_with(ask, &made);
}

/* ---- what is asked of it -------------------------------------------------------------------- */

int nats_put(struct nats_host *host, const struct nats_way *way, const char *subject,
             struct wms_op *op, void *data, const char **ret_text)
{
    struct nats_text *text = &host->all->text;
    char *copy = text->failed ? NULL : nats_alloc(host->all, text->size + 1);

    if (!copy) {
        return WMS_E_NO_MEMORY;
    }
    size_t size = text->size;
    if (size > 0) {
        memcpy(copy, text->data, size); /* `text` is used anew when a connection is begun */
    }
    int error =
        nats_ask_store(host, way, subject, copy, size, false, op, data, &op->data, ret_text);
    nats_release(host->all, copy);
    return error;
}

int nats_wish_put(struct nats_host *host, struct wms_op *op, struct nats_wish *wish,
                  const char **ret_text)
{
    static const struct nats_way way = {
        .sends = true, .stored = true, .heard = put_heard, .failed = nats_op_failed};
    int error = nats_host_join(host, ret_text);
    char subject[NATS_SUBJECT];

    if (error) {
        return error;
    }
    wish->who = courier_name(host->client->courier);
    nats_text_clear(&host->all->text);
    nats_write_wish(&host->all->text, wish);
    nats_subject_wish(subject, host->token);
    return nats_put(host, &way, subject, op, NULL, ret_text);
}

int nats_get_stored(struct nats_host *host, struct wms_op *op, bool presence, const char **ret_text)
{
    static const struct nats_way wish_way = {
        .stored = true, .heard = get_heard, .failed = nats_op_failed};
    static const struct nats_way presence_way = {
        .stored = true, .heard = presence_heard, .failed = nats_op_failed};
    char subject[NATS_SUBJECT];

    (presence ? nats_subject_get_presence : nats_subject_get_wish)(subject, host->token);
    return nats_ask_store(host, presence ? &presence_way : &wish_way, subject, "", 0, false, op,
                          NULL, &op->data, ret_text);
}

int nats_wish_delete(struct nats_host *host, struct wms_op *op, const char **ret_text)
{
    static const struct nats_way way = {
        .sends = true, .stored = true, .heard = delete_heard, .failed = nats_op_failed};
    char subject[NATS_SUBJECT];

    nats_subject_wish(subject, host->token);
    return nats_ask_store(host, &way, subject, "", 0, true, op, NULL, &op->data, ret_text);
}
