/* SPDX-License-Identifier: MIT */
/* call.c - calls: whether they could be meant, and who carries them out. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nats/stored.h"

/* ---- what there is --------------------------------------------------------------------------- */

enum what { PUT, GET, DELETE, PREPARE, PRESENCE, CALLS };

static const struct {
    const char *interface_name, *operation;
} calls[CALLS] = {
    [PUT] = {"wish", "put"},          [GET] = {"wish", "get"},
    [DELETE] = {"wish", "delete"},    [PREPARE] = {"store", "prepare"},
    [PRESENCE] = {"presence", "get"},
};

static enum what what_of(const struct wms_call *call)
{
    unsigned what = 0;

    while (what < CALLS && (strcmp(calls[what].interface_name, call->interface_name) != 0 ||
                            strcmp(calls[what].operation, call->operation) != 0)) {
        what++;
    }
    return (enum what) what;
}

/* wms_value_field() is the engine's. */
static const wms_value *field(const wms_value *table, const char *name)
{
    for (size_t i = 0; table && i < table->size; i++) {
        if (table->items[i].name && strcmp(table->items[i].name, name) == 0) {
            return &table->items[i];
        }
    }
    return NULL;
}

static const char *text_of(const wms_value *table, const char *name)
{
    const wms_value *value = field(table, name);

    return value && value->kind == WMS_STRING ? value->text : NULL;
}

/* ---- what is wrong with it ------------------------------------------------------------------- */

static int complain(char *complaint, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int complain(char *complaint, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(complaint, size, format, arguments);
    va_end(arguments);
    return WMS_E_INVALID;
}

/* Each argument is one of these, and of its kind. */
struct argument {
    const char *name;
    enum wms_kind kind;
};

static int check_arguments(const wms_value *table, const struct argument *known, size_t count,
                           char *complaint, size_t size)
{
    for (size_t i = 0; table && i < table->size; i++) {
        const wms_value *value = &table->items[i];
        size_t at = 0;
        while (at < count && (!value->name || strcmp(known[at].name, value->name) != 0)) {
            at++;
        }
        if (at == count) {
            return complain(complaint, size, "arguments: there is no %.100s; leave it out",
                            value->name ? value->name : "list");
        }
        if (value->kind != known[at].kind) {
            return complain(complaint, size, "arguments: %s is no %s; give one", known[at].name,
                            known[at].kind == WMS_STRING    ? "string"
                            : known[at].kind == WMS_BOOLEAN ? "boolean"
                                                            : "whole number");
        }
        if (value->kind == WMS_STRING && memchr(value->text, '\0', value->size)) {
            return complain(complaint, size, "arguments: %s has a NUL; give a text",
                            known[at].name);
        }
    }
    return 0;
}

static int check_nothing(const wms_value *table, char *complaint, size_t size)
{
    static const struct argument none = {"", WMS_NIL};

    return check_arguments(table, &none, 0, complaint, size);
}

static int check_wish(const wms_value *table, char *complaint, size_t size)
{
    enum { MESSAGE_MAX = 32 * 1024 };
    static const struct argument known[] = {{"state", WMS_STRING},
                                            {"message", WMS_STRING},
                                            {"seconds", WMS_NATURAL},
                                            {"restore", WMS_BOOLEAN}};
    const char *state = text_of(table, "state");
    const wms_value *seconds = field(table, "seconds"), *message = field(table, "message"),
                    *restore = field(table, "restore");
    int error = check_arguments(table, known, sizeof known / sizeof *known, complaint, size);

    if (error) {
        return error;
    }
    if (!state || (strcmp(state, "locked") != 0 && strcmp(state, "unlocked") != 0)) {
        return complain(complaint, size, "arguments: state is %s; give \"locked\" or \"unlocked\"",
                        state ? "another word" : "missing");
    }
    if (seconds && (seconds->natural < 1 || seconds->natural > NATS_WISH_SECONDS)) {
        return complain(complaint, size,
                        "arguments: seconds is %llu; give 1 to %d, or leave it out for a wish "
                        "without end",
                        (unsigned long long) seconds->natural, NATS_WISH_SECONDS);
    }
    if (message && message->size > MESSAGE_MAX) {
        return complain(complaint, size, "arguments: message has %zu bytes; give at most %d",
                        message->size, MESSAGE_MAX);
    }
    if (!message && (strcmp(state, "locked") == 0 || (restore && restore->integer))) {
        return complain(complaint, size,
                        "arguments: message is missing; give what users see while they are "
                        "locked");
    }
    return 0;
}

static int check_prepare(const wms_value *table, char *complaint, size_t size)
{
    enum { REPLICAS_MAX = 5 };
    static const struct argument known[] = {{"replicas", WMS_NATURAL}};
    const wms_value *replicas = field(table, "replicas");
    int error = check_arguments(table, known, 1, complaint, size);

    if (!error && replicas && (replicas->natural < 1 || replicas->natural > REPLICAS_MAX)) {
        error = complain(complaint, size, "arguments: replicas is %llu; give 1 to %d",
                         (unsigned long long) replicas->natural, REPLICAS_MAX);
    }
    return error;
}

int nats_check(const struct wms_call *call, char *complaint, size_t size)
{
    if (call->verb != WMS_CALL) {
        return 0;
    }
    if (agent_is_call(call)) {
        return agent_check(call, complaint, size);
    }
    switch (what_of(call)) {
    case PUT:
        return check_wish(call->arguments, complaint, size);
    case PREPARE:
        return check_prepare(call->arguments, complaint, size);
    case GET:
    case DELETE:
    case PRESENCE:
        return check_nothing(call->arguments, complaint, size);
    default:
        return complain(complaint, size,
                        "operation: %.60s has no %.60s; there are serve, stop and state of agent; "
                        "put, get, delete, wait and clock of wish; get of presence; prepare of "
                        "store",
                        call->interface_name, call->operation);
    }
}

/* ---- to be called -----------------------------------------------------------------------------
 */

static void call_agent(struct nats_host *host, struct wms_op *op, const struct wms_call *call)
{
    struct nats *all = host->all;
    int error = all->agents ? 0 : agents_new(all->services, all->engine, &all->agents);

    if (error) {
        all->services->answer(op, error, NULL);
    } else {
        agent_call(all->agents, host->token, op, call);
    }
}

static void read_wish(const wms_value *arguments, struct nats_wish *ret_wish)
{
    const wms_value *seconds = field(arguments, "seconds"), *restore = field(arguments, "restore");

    memset(ret_wish, 0, sizeof *ret_wish);
    ret_wish->state = text_of(arguments, "state");
    ret_wish->message = text_of(arguments, "message");
    ret_wish->seconds = seconds ? (double) seconds->natural : -1;
    ret_wish->restore = restore && restore->integer;
}

void nats_call(struct nats_host *host, struct wms_op *op, const struct wms_call *call)
{
    const wms_value *replicas = field(call->arguments, "replicas");
    struct nats_wish wish;
    const char *text = NULL;
    int error = 0;

    if (call->verb != WMS_CALL) {
        nats_end(host, op);
        return;
    }
    if (agent_is_call(call)) {
        call_agent(host, op, call);
        return;
    }
    switch (what_of(call)) {
    case PUT:
        read_wish(call->arguments, &wish);
        error = nats_wish_put(host, op, &wish, &text);
        break;
    case GET:
        error = nats_get_stored(host, op, false, &text);
        break;
    case PRESENCE:
        error = nats_get_stored(host, op, true, &text);
        break;
    case DELETE:
        error = nats_wish_delete(host, op, &text);
        break;
    case PREPARE:
        nats_prepare(host, op, replicas ? (unsigned) replicas->natural : 1);
        break;
    default:
        error = WMS_E_UNSUPPORTED;
        break;
    }
    if (error) {
        host->all->services->answer(op, error, text);
    }
}

bool nats_call_forget(struct nats_host *host, struct wms_op *op)
{
    for (struct node *node = host->asks.next; node != &host->asks; node = node->next) {
        if (NODE_OWNER(node, struct nats_ask, of_host) == op->data) {
            return false;
        }
    }
    if (op->verb == WMS_CALL && op->data && host->all->agents) {
        agent_forget(host->all->agents, op);
        return true;
    }
    return false;
}
