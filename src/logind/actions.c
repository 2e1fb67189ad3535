/* SPDX-License-Identifier: MIT */
/* actions.c - lock, unlock, close and message.
 *
 * An id may belong to another session by now.  So the session is read again before each action, and
 * the action is addressed to the unique name of the logind that answered: if logind is restarted in
 * between, and the new one has given the id to another session, it does not receive the action. */
#include <stdio.h>
#include <string.h>

#include "userbus.h"

#define NOTE_MESSAGE "logind cannot show the message"
#define NOTE_CLOSING "the session is closing: its user has logged out, and a process of it stays"
#define NOTE_SILENT  "the host had never said that it was locked: its locker may not tell"

enum { TRIES = 3 }; /* attempts, if logind is restarted meanwhile */

struct action {
    struct logind_task task;
    struct logind_own own;
    struct logind_lookup lookup;
    struct logind_call call;
    struct wms_op *op;
    enum wms_verb verb;
    unsigned tries;
    char owner[64];                /* unique name of the logind that has told of the session */
    struct logind_message message; /* WMS_MESSAGE */

    /* WMS_CLOSE: what logind has said of the caller's session */
    char *own_path;
    bool own_unknown;
    struct logind_fault own_fault; /* why not */
};

static void action_free(struct logind *conn, struct logind_task *task)
{
    struct action *action = NODE_OWNER(task, struct action, task);
    logind_call_drop(&action->own.call);
    logind_lookup_drop(&action->lookup);
    logind_call_drop(&action->call);
    logind_message_drop(&action->message);
    logind_free(conn, action->own_path);
    logind_free(conn, action);
}

/* `fault` may be a part of the action, which is freed here. */
static void finish(struct action *action, const struct logind_fault *fault)
{
    struct logind *conn = action->call.conn;
    struct wms_op *op = action->op;
    char text[sizeof fault->buffer];
    struct logind_fault last = {
        .code = fault->code, .lost = fault->lost, .text = fault->text ? text : NULL};
    snprintf(text, sizeof text, "%s", fault->text ? fault->text : "");
    logind_task_end(conn, &action->task);
    logind_fault_answer(conn, op, &last);
}

static void refuse(struct action *action, int code, const char *text)
{
    finish(action, &(struct logind_fault){.code = code, .text = text});
}

/* ---- the action itself ----------------------------------------------------------------------- */

static int send_action(struct logind_call *call)
{
    struct action *action = NODE_OWNER(call, struct action, call);
    const char *member = action->verb == WMS_LOCK     ? "LockSession"
                         : action->verb == WMS_UNLOCK ? "UnlockSession"
                                                      : "TerminateSession";
    int r = logind_send_to(call, action->owner, member, action->lookup.id);
    if (r >= 0) { /* if sd-bus fails, nothing was sent */
        call->conn->services->sent(action->op);
    }
    return r;
}

static void begin(struct action *action);

static void action_done(struct logind_call *call, sd_bus_message *reply)
{
    struct action *action = NODE_OWNER(call, struct action, call);
    struct logind_fault fault = {.code = 0};
    if (logind_fault_of(reply, &fault) && fault.code == WMS_E_NOT_FOUND) {
        logind_known_drop(call->conn, action->lookup.id);
    }
    if (fault.code == WMS_E_UNREACHABLE && !fault.lost && action->tries < TRIES) {
        begin(action); /* the bus could not deliver it: that logind is gone */
    } else {
        finish(action, &fault);
    }
}

/* ---- may it be done? ------------------------------------------------------------------------- */

static bool is_exempt(struct action *action, const struct logind_facts *facts)
{
    struct logind_fault refusal = {.code = WMS_E_ACCESS_DENIED};
    int of_user = logind_facts_of_user(facts);
    if (of_user == 1 || (of_user < 0 && action->verb != WMS_CLOSE)) {
        return false; /* of an unknown kind: locking and unlocking are only signals, and do no harm
                       */
    }
    refusal.text = of_user < 0 ? "logind does not tell the session's class: it may be nobody's"
                               : refusal.buffer;
    snprintf(refusal.buffer, sizeof refusal.buffer,
             "the session is not a user's: its class is %.64s",
             facts->class_name ? facts->class_name : "unknown");
    finish(action, &refusal);
    return true;
}

static bool is_own(struct action *action, const struct logind_facts *facts)
{
    if (action->verb != WMS_CLOSE) {
        return false;
    }
    if (action->own_path && strcmp(action->lookup.path, action->own_path) == 0) {
        refuse(action, WMS_E_ACCESS_DENIED,
               action->call.conn->way ? LOGIND_CONNECTION : "it is the caller's own session");
        return true;
    }
    if (action->own_unknown && logind_own_possible(action->call.conn, facts->uid)) {
        finish(action, &action->own_fault);
        return true;
    }
    return false;
}

static void tell_notes(struct action *action, const struct logind_facts *facts)
{
    struct logind *conn = action->call.conn;
    const struct logind_known *known = logind_known_find(conn, action->lookup.id);
    bool tells = true;
    bool observed = logind_observed_for(conn, action->lookup.path, action->verb, &tells);
    bool silent = action->verb == WMS_UNLOCK && facts->locked == 0 &&
                  !(known && known->was_locked) && observed && !logind_screen_is(facts);
    const char *const notes[] = {
        action->verb == WMS_LOCK ? NOTE_MESSAGE : NULL,
        silent ? NOTE_SILENT : NULL,
        observed && !tells ? LOGIND_NOBODY_TELLS : NULL,
        logind_facts_closing(facts) ? NOTE_CLOSING : NULL,
    };
    char note[sizeof NOTE_MESSAGE + sizeof NOTE_SILENT + sizeof NOTE_CLOSING + 80];
    size_t length = 0;
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        if (notes[i]) {
            length += (size_t) snprintf(note + length, sizeof note - length, "%s%s",
                                        length > 0 ? "; " : "", notes[i]);
        }
    }
    if (length > 0) {
        conn->services->note(action->op, note);
    }
}

/* ---- a message ------------------------------------------------------------------------------- */

static void message_done(struct logind_message *message, const struct logind_fault *fault)
{
    finish(NODE_OWNER(message, struct action, message), fault);
}

static void send_message(struct action *action, const struct logind_facts *facts)
{
    struct logind_message *message = &action->message;
    message->conn = action->call.conn;
    message->op = action->op;
    message->title = action->op->title;
    message->done = message_done;
    logind_message_send(message, facts);
}

static void lookup_done(struct logind_lookup *lookup, const struct logind_fault *fault,
                        const struct logind_facts *facts, sd_bus_message *reply)
{
    struct action *action = NODE_OWNER(lookup, struct action, lookup);
    struct logind *conn = lookup->call.conn;
    const char *meant = wms_op_identity(conn->services, action->op);
    char identity[LOGIND_IDENTITY];
    (void) reply;
    if (fault) {
        finish(action, fault);
        return;
    }
    logind_facts_identity(facts, identity);
    if (meant && strcmp(meant, identity) != 0) {
        refuse(action, WMS_E_NOT_FOUND, "the session has ended, and its id is another one's now");
        return;
    }
    if (facts->user_name) {
        conn->services->user(action->op, facts->user_name);
    }
    if (is_exempt(action, facts) || is_own(action, facts)) {
        return;
    }
    tell_notes(action, facts);
    if (action->verb == WMS_MESSAGE) {
        send_message(action, facts);
        return;
    }
    snprintf(action->owner, sizeof action->owner, "%s", *conn->owner ? conn->owner : LOGIND_NAME);
    logind_call_start(&action->call, send_action, action_done);
}

/* The session is looked up last, as shortly before the action as possible. */
static void own_done(struct logind_own *own, const struct logind_fault *fault, const char *path)
{
    struct action *action = NODE_OWNER(own, struct action, own);
    struct logind *conn = own->call.conn;
    action->own_path = logind_free(conn, action->own_path);
    action->own_unknown = fault;
    if (fault && (fault->lost || fault->code == WMS_E_UNREACHABLE)) {
        finish(action, fault);
        return;
    }
    if (fault) {
        logind_own_unknown(fault, &action->own_fault);
    }
    if (path) {
        action->own_path = logind_copy(conn, path);
        if (!action->own_path) {
            refuse(action, WMS_E_NO_MEMORY, NULL);
            return;
        }
    }
    logind_lookup_start(&action->lookup);
}

static void begin(struct action *action)
{
    action->tries++;
    if (action->verb == WMS_CLOSE) {
        logind_own_ask(action->call.conn, &action->own, own_done);
    } else {
        logind_lookup_start(&action->lookup);
    }
}

void logind_act(struct logind *conn, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    const struct wms_services *services = conn->services;
    if (verb != WMS_LOCK && verb != WMS_UNLOCK && verb != WMS_CLOSE && verb != WMS_MESSAGE) {
        services->answer(op, WMS_E_UNSUPPORTED, "logind cannot disconnect a session");
        return;
    }
    if (!logind_id_possible(id)) {
        services->answer(op, WMS_E_NOT_FOUND, NULL);
        return;
    }
    struct action *action = logind_alloc(conn, sizeof *action);
    if (!action) {
        services->answer(op, WMS_E_NO_MEMORY, NULL);
        return;
    }
    action->op = op;
    action->verb = verb;
    action->message.text = message;
    action->lookup.done = lookup_done;
    logind_lookup_init(conn, &action->lookup, id);
    logind_call_init(conn, &action->call);
    logind_call_init(conn, &action->own.call);
    logind_task_begin(conn, &action->task, &op->data, action_free);
    if (verb == WMS_LOCK) {
        services->note(op, NOTE_MESSAGE);
    }
    begin(action);
}
