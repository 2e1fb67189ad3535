/* SPDX-License-Identifier: MIT */
/* host.c - one host that the engine talks to: its tasks, its questions, its failure. */
#include <stdio.h>

#include "veyon/veyon.h"

void veyon_host_fail(struct veyon_host *host, int code, const char *text)
{
    if (!host->failure) {
        host->failure = code;
        snprintf(host->failure_text, sizeof host->failure_text, "%s",
                 text ? text : "out of memory");
        node_append(&host->all->failed, &host->failed);
    }
}

void veyon_host_up(struct veyon_host *host)
{
    if (!host->reached) {
        host->reached = true;
        host->all->net.services->up(host->link);
    }
}

void veyon_reply_answer(struct veyon_host *host, struct wms_op *op, const struct veyon_reply *reply)
{
    const struct wms_services *services = host->all->net.services;

    (reply->lost ? services->lost : services->answer)(op, reply->code, reply->text);
}

/* ---- its binding ----------------------------------------------------------------------------- */

int veyon_host_bound(struct veyon_host *host, const char **ret_text)
{
    const struct wms_services *services = host->all->net.services;
    wms_value *record;

    *ret_text = NULL;
    if (host->bound) {
        return 0;
    }
    int error = services->load(host->link, &record, ret_text);
    if (error) {
        *ret_text = error == WMS_E_NOT_BOUND ? "this client has no key for the host yet; call "
                                               "wms.bind once, with key_name and key_file"
                                             : *ret_text;
        return error;
    }
    error = veyon_binding_read(host->all, record, &host->binding);
    services->drop(host->all->net.engine, record);
    if (error) {
        veyon_binding_free(host->all, &host->binding);
        *ret_text =
            error == WMS_E_INTERNAL ? "what is kept for this host is no binding; bind anew" : NULL;
    }
    host->bound = !error;
    return error;
}

/* ---- its visit ------------------------------------------------------------------------------- */

static void arrived(struct veyon_visit *visit)
{
    veyon_host_up(visit->host);
    veyon_host_pump(visit->host);
}

static void refuse_all(struct veyon_host *host, const struct veyon_reply *reply)
{
    struct node questions;

    node_init(&questions);
    while (!node_alone(&host->questions)) { /* those that are asked next have another try */
        node_append(&questions, node_take(&host->questions));
    }
    while (!node_alone(&questions)) {
        veyon_exchange_refuse(NODE_OWNER(questions.next, struct veyon_exchange, transfer.node),
                              reply);
    }
}

static void refused(struct veyon_visit *visit, const struct veyon_reply *reply)
{
    struct veyon_host *host = visit->host;

    host->visit = NULL;
    if (reply->code != WMS_E_NO_MEMORY) {
        veyon_host_fail(host, reply->code, reply->text);
    }
    refuse_all(host, reply);
}

static void refuse_with(struct veyon_host *host, int code, const char *text)
{
    refuse_all(host, &(struct veyon_reply){.code = code, .text = text});
}

static void open_visit(struct veyon_host *host)
{
    char text[VEYON_SENTENCE];
    struct veyon_place place;
    int error = veyon_gateway_parse(host->binding.gateway, &place, text);
    struct veyon_gateway *gateway = error ? NULL : veyon_gateway_get(host->all, &host->binding);

    if (error) {
        refuse_with(host, WMS_E_UNTRUSTED, text);
        return;
    }
    host->visit =
        gateway ? veyon_visit_new(gateway, host->address, &host->binding, host, arrived, refused)
                : NULL;
    if (!host->visit) {
        refuse_with(host, WMS_E_NO_MEMORY, NULL);
        return;
    }
    host->visit->host = host;
    veyon_gateway_settle(gateway);
}

static void pump(struct veyon_host *host)
{
    struct veyon_visit *visit = host->visit;

    if (node_alone(&host->questions) || host->failure) {
        return;
    }
    if (!visit) {
        open_visit(host);
    } else if (visit->stage == VEYON_READY && !visit->current &&
               !veyon_gateway_rests(visit->gateway)) {
        struct veyon_exchange *exchange =
            NODE_OWNER(node_take(&host->questions), struct veyon_exchange, transfer.node);
        exchange->visit = visit;
        visit->current = exchange;
        visit->used = veyon_now();
        if (exchange->method == VEYON_PUT) {
            visit->changed = true;
            visit->commanded = visit->used;
        }
        veyon_exchange_start(exchange, visit->gateway);
    }
}

void veyon_hosts_pump(struct veyon *all)
{
    while (!node_alone(&all->pumped)) {
        pump(NODE_OWNER(node_take(&all->pumped), struct veyon_host, pumped));
    }
}

void veyon_host_forget_visit(struct veyon_host *host)
{
    host->visit = veyon_visit_leave(host->visit);
}

void veyon_host_refresh(struct veyon_host *host)
{
    if (host->visit && host->visit->changed) {
        veyon_host_forget_visit(host);
    }
}

/* ---- questions ------------------------------------------------------------------------------- */

/* The gateway has no place for a request: nothing was done.  False: it has had none for too long.
 */
static bool wait_for_place(struct veyon_exchange *exchange)
{
    static const double most = 10;
    double now = veyon_now();

    exchange->since = exchange->since > 0 ? exchange->since : now;
    return now - exchange->since < most;
}

static void answered(struct veyon_exchange *exchange, const struct veyon_reply *reply)
{
    enum { AGAIN_MAX = 2 };
    struct veyon_task *task = exchange->data;
    struct veyon_host *host = task->host;
    struct veyon_visit *visit = exchange->visit;
    struct veyon_gateway *gateway = exchange->gateway;
    bool again = (reply->stale && exchange->resent < AGAIN_MAX && !host->failure) ||
                 (reply->full && wait_for_place(exchange));

    if (visit) {
        visit->current = NULL;
        visit->used = veyon_now();
        visit->commanded = exchange->method == VEYON_PUT ? visit->used : visit->commanded;
        if (reply->stale) {
            host->visit = host->visit == visit ? NULL : host->visit;
            veyon_visit_over(visit);
        } else {
            veyon_visit_rest(visit);
        }
    }
    if (again) {
        exchange->resent += reply->stale;
        veyon_exchange_again(exchange);
        node_prepend(&host->questions, &exchange->transfer.node);
        if (reply->full) {
            veyon_gateway_full(gateway);
        }
    } else {
        task->exchange = NULL;
        if (reply->general && reply->code != WMS_E_NO_MEMORY) {
            veyon_host_fail(host, reply->code, reply->text);
        }
        if (!reply->code && task->op) {
            host->all->net.services->alive(task->op);
        }
        exchange->then(exchange, reply);
    }
    veyon_host_pump(host);
}

int veyon_ask(struct veyon_task *task, const struct veyon_question *question,
              void (*done)(struct veyon_exchange *exchange, const struct veyon_reply *reply))
{
    struct veyon_host *host = task->host;

    task->exchange = veyon_exchange_new(host->all, question, answered, task);
    if (!task->exchange) {
        return WMS_E_NO_MEMORY;
    }
    task->exchange->then = done;
    node_append(&host->questions, &task->exchange->transfer.node);
    veyon_host_pump(host);
    return 0;
}

/* ---- tasks ----------------------------------------------------------------------------------- */

void *veyon_task_new(struct veyon_host *host, size_t size, void **owner,
                     void (*free)(struct veyon_task *task))
{
    struct veyon_task *task = net_alloc(&host->all->net, size);

    if (task) {
        task->host = host;
        task->owner = owner;
        task->free = free;
        node_append(&host->tasks, &task->node);
        *owner = task;
    }
    return task;
}

/* The visit by which a question was asked that nobody waits for any more may be used for others. */
static void drop_exchange(struct veyon_task *task)
{
    struct veyon_visit *visit = task->exchange ? task->exchange->visit : NULL;

    task->exchange = veyon_drop(task->exchange);
    if (visit) {
        visit->current = NULL;
        veyon_visit_rest(visit);
        veyon_host_pump(task->host);
    }
}

void veyon_task_end(struct veyon_task *task)
{
    struct veyon_host *host = task->host;

    *task->owner = NULL;
    node_remove(&task->node);
    drop_exchange(task);
    if (task->free) {
        task->free(task);
    }
    net_free(&host->all->net, task);
    if (host->visit && node_alone(&host->tasks)) { /* others may wait for its place */
        veyon_gateway_settle(host->visit->gateway);
    }
}
