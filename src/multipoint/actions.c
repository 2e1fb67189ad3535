/* actions.c - unlock, lock, disconnect, close, and any operation that a caller names. */
#include <stdio.h>
#include <strings.h>

#include "multipoint.h"

struct action {
    struct multipoint_task task;
    struct wms_op *op;
    struct multipoint_exchange *exchange;
};

static void action_free(struct multipoint_task *task)
{
    struct action *action = (struct action *) task;

    multipoint_drop(action->exchange);
    multipoint_free(&task->host->all->memory, action);
}

static void start(struct multipoint_host *host, struct wms_op *op, const struct multipoint_question *question,
                  void (*done)(struct multipoint_exchange *exchange, const struct multipoint_reply *reply))
{
    const struct wms_services *services = host->all->memory.services;
    struct action *action = multipoint_task_new(host, sizeof *action, &op->data, action_free);
    const char *text;

    if (!action) {
        services->answer(op, WMS_E_NO_MEMORY, NULL);
        return;
    }
    action->op = op;
    int error = multipoint_ask(host, question, done, action, &action->exchange, &text);
    if (error) {
        multipoint_task_end(&action->task);
        services->answer(op, error, text);
    }
}

/* Takes the action from its exchange, which has ended. */
static struct wms_op *end(struct action *action)
{
    struct wms_op *op = action->op;

    action->exchange = NULL;
    multipoint_task_end(&action->task);
    return op;
}

/* ---- on one session: [MS-RSMC] 3.7.4 ----------------------------------------------------------------------------- */

static void acted(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct action *action = exchange->data;
    struct multipoint_host *host = exchange->host;

    multipoint_reply_answer(host, end(action), reply);
}

static const char *operation_of(enum wms_verb verb)
{
    return verb == WMS_UNLOCK       ? "StopLockingSession"
           : verb == WMS_LOCK       ? "LockSession"
           : verb == WMS_DISCONNECT ? "DisconnectSession"
                                    : "LogOffSession";
}

void multipoint_act(struct multipoint_host *host, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                    const char *message)
{
    const struct wms_services *services = host->all->memory.services;
    const char *text;

    if (id->text) { /* these hosts have only numbers */
        services->answer(op, WMS_E_NOT_FOUND, NULL);
        return;
    }
    int error = multipoint_host_bound(host, &text);
    if (error) {
        services->answer(op, error, text);
        return;
    }
    const wms_value items[] = {
        multipoint_natural("idSession", id->number),
        multipoint_string("wsLockMessage", message ? message : "", message ? strlen(message) : 0),
    };
    const wms_value arguments = multipoint_table(items, verb == WMS_LOCK ? 2 : 1);
    const struct multipoint_question question = {
        .operation = multipoint_operation_find("IMultiPointSession", operation_of(verb)),
        .arguments = &arguments,
        .op = op,
    };
    start(host, op, &question, acted);
}

/* ---- any operation ----------------------------------------------------------------------------------------------- */

static void called(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct multipoint_host *host = exchange->host;
    const struct wms_services *services = host->all->memory.services;
    const struct multipoint_operation *operation = exchange->operation;
    struct wms_op *op = end(exchange->data);
    struct multipoint_arena arena = {.memory = &host->all->memory};
    wms_value table;

    if (reply->code) {
        multipoint_reply_answer(host, op, reply);
        return;
    }
    int error = multipoint_results(operation, reply->body, &arena, &table);
    error = error ? error : services->result(op, &table);
    multipoint_arena_free(&arena);
    if (error) { /* done it is, perhaps */
        services->lost(op, error,
                       error == WMS_E_PROTOCOL ? "a part of the host's answer is missing, or not of its type" : NULL);
    } else {
        services->answer(op, 0, NULL);
    }
}

void multipoint_call(struct multipoint_host *host, struct wms_op *op, const struct wms_call *call)
{
    const struct multipoint_question question = {
        .operation = multipoint_operation_find(call->interface_name, call->operation),
        .arguments = call->arguments,
        .op = op,
    };
    const char *text = "the administrator's password is asked for by wms.bind alone";
    int error = !question.operation || question.operation->credentials == MULTIPOINT_ADMIN ? WMS_E_UNSUPPORTED : 0;

    if (!error && question.operation->credentials != MULTIPOINT_ANYBODY) {
        error = multipoint_host_bound(host, &text);
    }
    if (error) {
        host->all->memory.services->answer(op, error, text);
    } else {
        start(host, op, &question, called);
    }
}

/* ---- whether it could be asked ----------------------------------------------------------------------------------- */

static int check_text(const char *name, const char *text, char *complaint, size_t size)
{
    size_t length = strlen(text), span = multipoint_xml_span(text, length);
    char what[96];

    if (span == length) {
        return 0;
    }
    multipoint_xml_problem(text, length, span, what, sizeof what);
    snprintf(complaint, size, "%s: %s; give a text without it, in UTF-8", name, what);
    return WMS_E_INVALID;
}

static int check_call(const struct wms_call *call, char *complaint, size_t size)
{
    const struct multipoint_operation *operation = multipoint_operation_find(call->interface_name, call->operation);

    if (operation) {
        return multipoint_arguments(operation, call->arguments, NULL, complaint, size);
    }
    const char *example = multipoint_operation_like(call->interface_name, call->operation);
    if (example) {
        snprintf(complaint, size, "operation: %s has no '%.60s'; give one of its operations, such as '%s'",
                 call->interface_name, call->operation, example);
    } else {
        snprintf(complaint, size, "interface: MultiPoint has no '%.60s'; give one such as 'IMultiPointSession'",
                 call->interface_name);
    }
    return WMS_E_INVALID;
}

static int check_bind(const struct wms_call *call, char *complaint, size_t size)
{
    unsigned char sha256[MULTIPOINT_SHA256];

    if (call->fingerprint && !multipoint_fingerprint_parse(call->fingerprint, sha256)) {
        snprintf(complaint, size, "fingerprint: no SHA-256; give its 32 bytes in hex, with or without colons");
        return WMS_E_INVALID;
    }
    return check_text("user_name", call->user_name, complaint, size);
}

int multipoint_check(const struct wms_call *call, char *complaint, size_t size)
{
    return call->verb == WMS_LOCK   ? check_text("message", call->message, complaint, size)
           : call->verb == WMS_BIND ? check_bind(call, complaint, size)
           : call->verb == WMS_CALL ? check_call(call, complaint, size)
                                    : 0;
}
