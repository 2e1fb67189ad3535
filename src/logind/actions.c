/* Lock, unlock and close. */
#include <stdio.h>
#include <string.h>

#include "logind.h"

struct action {
    struct logind_task task;
    struct logind_lookup lookup;
    struct logind_call call;
    struct wms_op *op;
    enum wms_verb verb;
};

static void action_free(struct logind *conn, struct logind_task *task)
{
    struct action *action = NODE_OWNER(task, struct action, task);
    logind_lookup_drop(&action->lookup);
    logind_call_drop(&action->call);
    logind_free(conn, action);
}

static void finish(struct action *action, const struct logind_fault *fault)
{
    struct logind *conn = action->call.conn;
    struct wms_op *op = action->op;
    logind_task_end(conn, &action->task);
    logind_fault_answer(conn, op, fault);
}

static int send_action(struct logind_call *call)
{
    struct action *action = NODE_OWNER(call, struct action, call);
    const char *member = action->verb == WMS_LOCK     ? "LockSession"
                         : action->verb == WMS_UNLOCK ? "UnlockSession"
                                                      : "TerminateSession";
    int r = logind_send(call, LOGIND_PATH, LOGIND_MANAGER, member, "s", action->lookup.id);
    if (r >= 0) { /* sd-bus fails only if nothing has left */
        call->conn->services->sent(action->op);
    }
    return r;
}

static void action_done(struct logind_call *call, sd_bus_message *reply)
{
    struct action *action = NODE_OWNER(call, struct action, call);
    struct logind_fault fault = {.code = 0};
    if (logind_fault_of(reply, &fault) && fault.code == WMS_E_NOT_FOUND) {
        logind_known_drop(call->conn, action->lookup.id);
    }
    finish(action, &fault);
}

static void tell_user(const struct action *action, const char *user_name)
{
    if (user_name) {
        action->call.conn->services->user(action->op, user_name);
    }
}

static void perform(struct action *action, const char *path, const char *user_name)
{
    struct logind *conn = action->call.conn;
    tell_user(action, user_name);
    if (action->verb == WMS_CLOSE && conn->own_path && strcmp(path, conn->own_path) == 0) {
        finish(action, &(struct logind_fault){.code = WMS_E_ACCESS_DENIED, .text = "it is the caller's own session"});
        return;
    }
    logind_call_start(&action->call, send_action, action_done);
}

static void lookup_done(struct logind_lookup *lookup, const struct logind_fault *fault, const struct logind_facts *facts,
                        sd_bus_message *reply)
{
    struct action *action = NODE_OWNER(lookup, struct action, lookup);
    struct logind_fault refusal = {.code = WMS_E_ACCESS_DENIED};
    (void) reply;
    if (fault) {
        finish(action, fault);
    } else if (!logind_facts_of_user(facts)) {
        snprintf(refusal.buffer, sizeof refusal.buffer, "the session is not a user's: its class is %.64s",
                 facts->class_name);
        refusal.text = refusal.buffer;
        tell_user(action, facts->user_name);
        finish(action, &refusal);
    } else {
        perform(action, lookup->path, facts->user_name);
    }
}

void logind_act(struct logind *conn, struct wms_op *op, enum wms_verb verb, const wms_id *id)
{
    const struct wms_services *services = conn->services;
    if (verb != WMS_LOCK && verb != WMS_UNLOCK && verb != WMS_CLOSE) {
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
    action->lookup.done = lookup_done;
    logind_lookup_init(conn, &action->lookup, id);
    logind_call_init(conn, &action->call);
    logind_task_begin(conn, &action->task, &op->data, action_free);
    if (verb == WMS_LOCK) {
        services->note(op, "logind cannot show the message");
    }
    const struct logind_known *known = logind_known_find(conn, action->lookup.id);
    if (known) {
        perform(action, known->path, known->user_name);
    } else {
        logind_lookup_start(&action->lookup);
    }
}
