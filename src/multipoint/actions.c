/* SPDX-License-Identifier: MIT */
/* actions.c - unlock, lock, disconnect, close, pictures, reboot, power off, and any operation that
 * a caller names.
 *
 * Closing and disconnecting cannot be undone, and the caller chose the session by its user: so the
 * host is asked once more, just before, whose session it is now.
 */
#include <stdio.h>
#include <strings.h>

#include "endpoint.h"

struct action {
    struct multipoint_task task;
    struct wms_op *op;
    struct multipoint_exchange *exchange;
    enum wms_verb verb; /* and `id`: of an action on one session */
    uint32_t id;
};

static void action_free(struct multipoint_task *task)
{
    struct action *action = (struct action *) task;

    multipoint_drop(action->exchange);
    multipoint_free(&task->host->all->memory, action);
}

static struct action *new_action(struct multipoint_host *host, struct wms_op *op)
{
    struct action *action = multipoint_task_new(host, sizeof *action, &op->data, action_free);

    if (action) {
        action->op = op;
    } else {
        host->all->memory.services->answer(op, WMS_E_NO_MEMORY, NULL);
    }
    return action;
}

static void ask(struct action *action, const struct multipoint_question *question,
                void (*done)(struct multipoint_exchange *exchange,
                             const struct multipoint_reply *reply))
{
    const struct wms_services *services = action->task.host->all->memory.services;
    struct wms_op *op = action->op;
    const char *text;
    int error = multipoint_ask(action->task.host, question, done, action, &action->exchange, &text);

    if (error) {
        multipoint_task_end(&action->task);
        services->answer(op, error, text);
    }
}

/* Frees the action, whose exchange has ended.  Returns the op, which has to be answered. */
static struct wms_op *end(struct action *action)
{
    struct wms_op *op = action->op;

    action->exchange = NULL;
    multipoint_task_end(&action->task);
    return op;
}

/* ---- on one session: [MS-RSMC] 3.7.4 --------------------------------------------------------- */

static void send_it(struct action *action, const char *message, bool console, bool urgent);

static void acted(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct action *action = exchange->data;
    struct multipoint_host *host = exchange->host;

    if (reply->code == WMS_E_UNSUPPORTED && !reply->lost && exchange->operation->in[0] == '\0') {
        action->exchange = NULL; /* the host does not know LogOffConsoleSession, so nothing was
                                    done: log off by id */
        send_it(action, NULL, false, true);
        return;
    }
    multipoint_reply_answer(host, end(action), reply);
}

static const char *operation_of(enum wms_verb verb)
{
    return verb == WMS_UNLOCK       ? "StopLockingSession"
           : verb == WMS_LOCK       ? "LockSession"
           : verb == WMS_DISCONNECT ? "DisconnectSession"
                                    : "LogOffSession";
}

/* [MS-RSMC] 3.7.4.22: the console's session is logged off without an id. */
static void send_it(struct action *action, const char *message, bool console, bool urgent)
{
    const wms_value items[] = {
        multipoint_natural("idSession", action->id),
        multipoint_string("wsLockMessage", message ? message : "", message ? strlen(message) : 0),
    };
    const wms_value arguments = multipoint_table(items, action->verb == WMS_LOCK ? 2 : 1);
    const struct multipoint_question question = {
        .operation = multipoint_operation_find(
            "IMultiPointSession", console ? "LogOffConsoleSession" : operation_of(action->verb)),
        .arguments = console ? NULL : &arguments,
        .op = action->op,
        .urgent = urgent,
    };

    ask(action, &question, acted);
}

/* Finds the session's row in the answer: *ret_row, or NULL: there is no such session.  False: the
 * answer is an error or unreadable, and the action has ended with it. */
static bool read_row(struct action *action, const struct multipoint_exchange *exchange,
                     const struct multipoint_reply *reply, struct multipoint_arena *arena,
                     const wms_value **ret_row)
{
    struct multipoint_host *host = exchange->host;
    wms_value table;

    *ret_row = NULL;
    if (reply->code) {
        multipoint_reply_answer(host, end(action), reply);
        return false;
    }
    int error = multipoint_results(exchange->operation, reply->body, arena, &table);
    if (error) {
        host->all->memory.services->answer(
            end(action), error,
            error == WMS_E_PROTOCOL ? "the host's list has not the form that it should have"
                                    : NULL);
        return false;
    }
    *ret_row = multipoint_session_row(&table, action->id);
    return true;
}

static void looked(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct action *action = exchange->data;
    struct multipoint_host *host = exchange->host;
    const struct wms_services *services = host->all->memory.services;
    const char *identity = wms_op_identity(services, action->op);
    struct multipoint_arena arena = {.memory = &host->all->memory};
    const wms_value *row;

    action->exchange = NULL;
    if (!identity && reply->code &&
        !reply->general) { /* only whether it is the console's session was to be found out */
        send_it(action, NULL, false, true);
        return;
    }
    if (!read_row(action, exchange, reply, &arena, &row)) {
        multipoint_arena_free(&arena);
        return;
    }
    bool other = row && identity && !multipoint_is_identity(row, identity);
    bool console =
        row && action->verb == WMS_CLOSE && host->binding.management && multipoint_is_console(row);
    const wms_value *user = row ? multipoint_value(row, "wsUserName", WMS_STRING) : NULL;
    if (user && user->size > 0 && !other) {
        services->user(action->op, user->text);
    }
    multipoint_arena_free(&arena);
    if (!row || other) {
        services->answer(end(action), WMS_E_NOT_FOUND,
                         other ? "the session is another user's by now" : NULL);
        return;
    }
    services->alive(action->op);
    send_it(action, NULL, console, true);
}

/* ---- a picture of one session: [MS-RSMC] 3.7.4 GetThumbnailBits ------------------------------ */

/* The protocol's number for a size. */
static uint64_t size_of(const struct wms_op *op)
{
    static const unsigned char numbers[] = {
        [WMS_THUMBNAIL_SMALL] = 0,
        [WMS_THUMBNAIL_MEDIUM] = 1,
        [WMS_THUMBNAIL_LARGE] = 2,
        [WMS_THUMBNAIL_FULL] = 3,
    };

    return numbers[op->thumbnail_size];
}

/* No picture is no error: the element may be left out. */
static void pictured(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct multipoint_host *host = exchange->host;
    const struct wms_services *services = host->all->memory.services;
    const struct multipoint_operation *operation = exchange->operation;
    struct wms_op *op = end(exchange->data);
    struct multipoint_arena arena = {.memory = &host->all->memory};
    const char *text = "the host's answer has not the form that it should have";
    wms_value table;

    if (reply->code) {
        multipoint_reply_answer(host, op, reply);
        return;
    }
    int error = multipoint_results(operation, reply->body, &arena, &table);
    const wms_value *bits = error ? NULL : multipoint_value(&table, "ppbDataBits", WMS_STRING);
    if (bits && bits->size > 0) {
        error = services->thumbnail(op, bits->text, bits->size);
        text = "the picture is no JPEG";
    }
    multipoint_arena_free(&arena);
    services->answer(op, error, error == WMS_E_PROTOCOL ? text : NULL);
}

static void ask_picture(struct action *action)
{
    const wms_value items[] = {
        multipoint_natural("idSession", action->id),
        multipoint_natural("eBitmapSize", size_of(action->op)),
    };
    const wms_value arguments = multipoint_table(items, 2);
    const struct multipoint_question question = {
        .operation = multipoint_operation_find("IMultiPointSession", "GetThumbnailBits"),
        .arguments = &arguments,
    };

    ask(action, &question, pictured);
}

/* ---- which of them --------------------------------------------------------------------------- */

/* Whether the sessions have to be listed first: to compare the user, or to find out whether it is
 * the console's. [MS-RSMC] has no operation that tells the user of one session. */
static bool needs_look(const struct multipoint_host *host, const struct action *action)
{
    bool meant = wms_op_identity(host->all->memory.services, action->op) != NULL;

    return (action->verb == WMS_CLOSE && (meant || host->binding.management)) ||
           (action->verb == WMS_DISCONNECT && meant);
}

void multipoint_act(struct multipoint_host *host, struct wms_op *op, enum wms_verb verb,
                    const wms_id *id, const char *message)
{
    const struct wms_services *services = host->all->memory.services;
    const char *text;

    if (id->text) { /* the ids of these hosts are numbers only */
        services->answer(op, WMS_E_NOT_FOUND, NULL);
        return;
    }
    int error = multipoint_host_bound(host, &text);
    if (error) {
        services->answer(op, error, text);
        return;
    }
    struct action *action = new_action(host, op);
    if (!action) {
        return;
    }
    action->verb = verb;
    action->id = id->number;
    if (verb == WMS_THUMBNAIL) {
        ask_picture(action);
    } else if (needs_look(host, action)) {
        const struct multipoint_question question = {
            .operation = multipoint_operation_find("IMultiPointServer", "GetAllSessions")};
        ask(action, &question, looked);
    } else {
        send_it(action, message, false, false);
    }
}

/* ---- any operation --------------------------------------------------------------------------- */

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
    if (error) { /* the operation may have been carried out */
        services->lost(op, error,
                       error == WMS_E_PROTOCOL
                           ? "a part of the host's answer is missing, or not of its type"
                           : NULL);
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
        .elevated = call->management,
    };
    const char *text = "the administrator's password is asked for by wms.bind alone";
    int error = !question.operation || question.operation->credentials == MULTIPOINT_ADMIN
                    ? WMS_E_UNSUPPORTED
                    : 0;

    if (!error && question.operation->credentials != MULTIPOINT_ANYBODY) {
        error = multipoint_host_bound(host, &text);
    }
    if (error) {
        host->all->memory.services->answer(op, error, text);
        return;
    }
    struct action *action = new_action(host, op);
    if (action) {
        ask(action, &question, called);
    }
}

/* ---- the host as a whole --------------------------------------------------------------------- */

static void ended(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct multipoint_host *host = exchange->host;

    multipoint_reply_answer(host, end(exchange->data), reply);
}

/* [MS-RSMC] 3.6: the ordinary password is enough. */
void multipoint_end(struct multipoint_host *host, struct wms_op *op, enum wms_verb verb)
{
    const struct multipoint_question question = {
        .operation = multipoint_operation_find("IMultiPointServer",
                                               verb == WMS_REBOOT ? "Reboot" : "Shutdown"),
        .op = op,
    };
    const char *text;
    int error = multipoint_host_bound(host, &text);

    if (error) {
        host->all->memory.services->answer(op, error, text);
        return;
    }
    struct action *action = new_action(host, op);
    if (action) {
        ask(action, &question, ended);
    }
}

/* ---- whether it could be asked --------------------------------------------------------------- */

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
    const struct multipoint_operation *operation =
        multipoint_operation_find(call->interface_name, call->operation);

    if (operation) {
        return multipoint_arguments(operation, call->arguments, NULL, complaint, size);
    }
    const char *example = multipoint_operation_like(call->interface_name, call->operation);
    if (example) {
        snprintf(complaint, size,
                 "operation: %s has no '%.60s'; give one of its operations, such as '%s'",
                 call->interface_name, call->operation, example);
    } else {
        snprintf(complaint, size,
                 "interface: MultiPoint has no '%.60s'; give one such as 'IMultiPointSession'",
                 call->interface_name);
    }
    return WMS_E_INVALID;
}

static int check_bind(const struct wms_call *call, char *complaint, size_t size)
{
    unsigned char sha256[MULTIPOINT_SHA256];
    char thumbprint[MULTIPOINT_THUMBPRINT];
    const char *other = call->key_name   ? "key_name"
                        : call->key_file ? "key_file"
                        : call->gateway  ? "gateway"
                                         : NULL;

    if (other) {
        snprintf(complaint, size,
                 "%s: a MultiPoint host is bound with user_name and a password; leave it out",
                 other);
        return WMS_E_INVALID;
    }

    if (call->fingerprint && !net_fingerprint_parse(call->fingerprint, sha256)) {
        snprintf(complaint, size,
                 "fingerprint: no SHA-256; give its 32 bytes in hex, with or without colons");
        return WMS_E_INVALID;
    }
    if (call->thumbprint && !multipoint_thumbprint_parse(call->thumbprint, thumbprint)) {
        snprintf(complaint, size,
                 "thumbprint: no SHA-1; give its 20 bytes in hex, as Windows shows them");
        return WMS_E_INVALID;
    }
    if (call->certificate_name && !*call->certificate_name) {
        snprintf(
            complaint, size,
            "certificate_name: empty; give the name that the host's certificate is made out to");
        return WMS_E_INVALID;
    }
    if (!multipoint_endpoint_check(call, complaint, size)) {
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
