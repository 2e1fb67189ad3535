/* SPDX-License-Identifier: MIT */
/* machine.c - reboots the host, and powers it off.
 *
 * logind asks nobody: it answers with an error what polkit would have to ask a person for.  Where
 * it refuses, it is asked whether a program holds it up, since its own words do not always tell. */
#include <stdio.h>
#include <string.h>

#include "logind.h"

struct ending {
    struct logind_task task;
    struct logind_call call;
    struct wms_op *op;
    enum wms_verb verb;
    struct logind_fault fault; /* the refusal */
};

static void ending_free(struct logind *conn, struct logind_task *task)
{
    struct ending *ending = NODE_OWNER(task, struct ending, task);
    logind_call_drop(&ending->call);
    logind_free(conn, ending);
}

/* `fault` may not be a part of the ending, which is freed here. */
static void finish(struct ending *ending, const struct logind_fault *fault)
{
    struct logind *conn = ending->call.conn;
    struct wms_op *op = ending->op;
    logind_task_end(conn, &ending->task);
    logind_fault_answer(conn, op, fault);
}

/* ---- who holds it up ------------------------------------------------------------------------- */

static int send_inhibited(struct logind_call *call)
{
    return logind_send(call, LOGIND_PATH, DBUS_PROPERTIES, "Get", "ss", LOGIND_MANAGER,
                       "BlockInhibited");
}

/* The property is a list such as "shutdown:sleep". */
static bool names_shutdown(sd_bus_message *reply)
{
    const char *what;
    if (sd_bus_message_is_method_error(reply, NULL) ||
        sd_bus_message_read(reply, "v", "s", &what) < 0) {
        return false;
    }
    for (; what; what = strchr(what, ':') ? strchr(what, ':') + 1 : NULL) {
        size_t length = strcspn(what, ":");
        if (length == strlen("shutdown") && strncmp(what, "shutdown", length) == 0) {
            return true;
        }
    }
    return false;
}

static void inhibited_done(struct logind_call *call, sd_bus_message *reply)
{
    struct ending *ending = NODE_OWNER(call, struct ending, call);
    struct logind_fault fault = {.code = ending->fault.code, .text = fault.buffer};
    snprintf(fault.buffer, sizeof fault.buffer, "%.400s%s", ending->fault.buffer,
             names_shutdown(reply)
                 ? "; a program holds shutdowns up there (systemd-inhibit --list tells which)"
                 : "");
    finish(ending, &fault);
}

/* ---- the call -------------------------------------------------------------------------------- */

static int send_ending(struct logind_call *call)
{
    struct ending *ending = NODE_OWNER(call, struct ending, call);
    int r = logind_send(call, LOGIND_PATH, LOGIND_MANAGER,
                        ending->verb == WMS_REBOOT ? "Reboot" : "PowerOff", "b", 0);
    if (r >= 0) { /* if sd-bus fails, nothing was sent */
        call->conn->services->sent(ending->op);
    }
    return r;
}

static void ending_done(struct logind_call *call, sd_bus_message *reply)
{
    struct ending *ending = NODE_OWNER(call, struct ending, call);
    struct logind_fault fault = {.code = 0};
    if (!logind_fault_of(reply, &fault) || fault.code != WMS_E_ACCESS_DENIED) {
        finish(ending, &fault);
        return;
    }
    ending->fault.code = fault.code;
    snprintf(ending->fault.buffer, sizeof ending->fault.buffer, "%s", fault.text);
    logind_call_start(&ending->call, send_inhibited, inhibited_done);
}

void logind_end(struct logind *conn, struct wms_op *op, enum wms_verb verb)
{
    struct ending *ending = logind_alloc(conn, sizeof *ending);
    if (!ending) {
        conn->services->answer(op, WMS_E_NO_MEMORY, NULL);
        return;
    }
    ending->op = op;
    ending->verb = verb;
    logind_call_init(conn, &ending->call);
    logind_task_begin(conn, &ending->task, &op->data, ending_free);
    logind_call_start(&ending->call, send_ending, ending_done);
}
