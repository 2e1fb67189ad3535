/* SPDX-License-Identifier: MIT */
/* actions.c - disconnect, close, message: first a query whether it is a user's session, then the
 * action. */
#include <stdlib.h>
#include <string.h>

#include "wts.h"

struct question_work {
    struct wts_work work;
    enum wms_verb verb;
    DWORD id;
    struct wts_info info;
};

struct action_work {
    struct wts_work work;
    enum wms_verb verb;
    DWORD id;
    char *identity; /* of the session that is meant; NULL: any session with that id */
    WCHAR *title, *message;
    size_t title_length, message_length; /* units */
};

struct action {
    struct wts_task task;
    struct wms_op *op;
    enum wms_verb verb;
    DWORD id;
    const char *message; /* borrowed: valid as long as the op */
    bool asked;          /* the query has been answered */
};

static const char another[] = "the session that was meant has ended, and another one has its id";

/* ---- on a thread ----------------------------------------------------------------------------- */

/* On a thread: queries whether the session may be acted on.  The API would log off a service as
 * well as a user. */
static void question_call(struct wts_work *shared)
{
    struct question_work *work = (struct question_work *) shared;
    struct wts_fault *fault = &shared->fault;
    DWORD own;

    if (work->verb != WMS_MESSAGE && wts_query_own(shared->server, &own) && own == work->id) {
        wts_fault_set(fault, WMS_E_ACCESS_DENIED, "it is the caller's own session");
    } else if (!wts_query_info(shared->server, work->id, &work->info, fault)) {
        if (fault->code == WMS_E_UNSUPPORTED) { /* the host does not tell: it has to refuse what
                                                   must not be done */
            fault->code = 0;
        }
    } else if (wts_state_is_over(work->info.state)) {
        wts_fault_set(fault, WMS_E_NOT_FOUND, "the session ends already");
    } else if (!wts_is_users(work->info.state, work->info.user_name)) {
        wts_fault_set(fault, WMS_E_ACCESS_DENIED, "the session is exempt: it is no user's");
    }
}

/* Whether the session is still the one that the caller has chosen; if not, *ret_fault says why.
 */
static bool is_meant(const struct action_work *work, struct wts_fault *ret_fault)
{
    char identity[WTS_IDENTITY_ROOM];
    struct wts_info info;

    if (!work->identity) {
        return true;
    }
    if (!wts_query_info(work->work.server, work->id, &info, ret_fault)) {
        ret_fault->doubtful = ret_fault->silent = false; /* the action was not sent */
        return false;
    }
    wts_info_identity(&info, identity);
    if (strcmp(identity, work->identity) != 0) {
        wts_fault_set(ret_fault, WMS_E_NOT_FOUND, another);
        return false;
    }
    return true;
}

static bool carry_out(const struct action_work *work)
{
    HANDLE handle = work->work.server->handle;
    WCHAR nothing[] = {0};
    DWORD response = 0;

    switch (work->verb) {
    case WMS_DISCONNECT:
        return WTSDisconnectSession(handle, work->id, FALSE);
    case WMS_CLOSE:
        return WTSLogoffSession(handle, work->id, FALSE);
    default:
        return WTSSendMessageW(handle, work->id, work->title ? work->title : nothing,
                               (DWORD) (work->title_length * sizeof(WCHAR)), work->message,
                               (DWORD) (work->message_length * sizeof(WCHAR)), 0, 0, &response,
                               FALSE);
    }
}

/* On a thread.  The session is checked directly before the action, since no call of the API does
 * both. */
static void action_call(struct wts_work *shared)
{
    const struct action_work *work = (const struct action_work *) shared;

    if (!is_meant(work, &shared->fault)) {
        return;
    }
    SetLastError(0);
    if (!carry_out(work)) {
        wts_fault_read(&shared->fault);
        if (shared->fault.silent) {
            wts_fault_set(&shared->fault, WMS_E_PROTOCOL,
                          "the session API has refused it without a reason: it may lack this call");
            shared->fault.doubtful = true;
        }
    }
}

static void action_dispose(void *shared)
{
    struct action_work *work = shared;

    free(work->identity);
    free(work->title);
    free(work->message);
    wts_work_dispose(shared);
}

/* ---- the engine's side ----------------------------------------------------------------------- */

static void finish(struct action *action, const struct wts_fault *fault)
{
    const struct wms_services *services = action->task.host->services;
    struct wms_op *op = action->op;
    bool lost = action->asked ? fault->doubtful : fault->code == WMS_E_UNREACHABLE;

    wts_task_end(&action->task);
    if (lost) {
        services->lost(op, fault->code, fault->text);
    } else {
        services->answer(op, fault->code, fault->code ? fault->text : NULL);
    }
}

static void out_of_memory(struct action *action)
{
    static const struct wts_fault fault = {.code = WMS_E_NO_MEMORY, .text = "out of memory"};

    finish(action, &fault);
}

static void action_begins(void *shared)
{
    const struct wts_work *work = shared;
    const struct action *action = (const struct action *) work->task;

    work->task->host->services->sent(action->op);
}

static bool fill(struct action_work *work, const struct action *action)
{
    const char *title = action->op->title,
               *identity = wms_op_identity(action->task.host->services, action->op);

    work->verb = action->verb;
    work->id = action->id;
    work->identity = identity ? strdup(identity) : NULL;
    if (identity && !work->identity) {
        return false;
    }
    if (action->verb != WMS_MESSAGE) {
        return true;
    }
    work->title = title ? wts_utf16(title, &work->title_length) : NULL;
    work->message = wts_utf16(action->message, &work->message_length);
    return work->message && (work->title || !title);
}

static void act(struct action *action)
{
    static const struct wms_work kind = {
        .size = sizeof(struct action_work),
        .begin = action_begins,
        .run = wts_work_run,
        .done = wts_work_done,
        .dispose = action_dispose,
    };
    struct action_work *work = wts_work_new(&action->task, &kind, action_call);

    if (!work || !fill(work, action)) {
        out_of_memory(action);
        return;
    }
    action->asked = true;
    wts_work_begin(&action->task);
}

/* Sets the fault if the session that the query has found is not the one that the caller has chosen.
 */
static void compare(const struct action *action, const struct wts_info *info,
                    struct wts_fault *fault)
{
    const char *meant = wms_op_identity(action->task.host->services, action->op);
    char identity[WTS_IDENTITY_ROOM];

    if (fault->code || !meant || !*info->user_name) {
        return;
    }
    wts_info_identity(info, identity);
    if (strcmp(identity, meant) != 0) {
        wts_fault_set(fault, WMS_E_NOT_FOUND, another);
    }
}

static void came_back(struct wts_task *task, struct wts_work *work)
{
    struct action *action = (struct action *) task;
    struct wts_host *host = task->host;

    wts_host_judge(host, &work->fault);
    if (action->asked) {
        finish(action, &work->fault);
        return;
    }
    const struct wts_info *info = &((const struct question_work *) work)->info;
    compare(action, info, &work->fault);
    if (*info->user_name && work->fault.code != WMS_E_NOT_FOUND) {
        host->services->user(action->op, info->user_name);
    }
    if (work->fault.code) {
        finish(action, &work->fault);
    } else {
        host->services->alive(action->op);
        act(action);
    }
}

static void ask(struct action *action)
{
    static const struct wms_work kind = {
        .size = sizeof(struct question_work),
        .run = wts_work_run,
        .done = wts_work_done,
        .dispose = wts_work_dispose,
    };
    struct question_work *work = wts_work_new(&action->task, &kind, question_call);

    if (!work) {
        out_of_memory(action);
        return;
    }
    work->verb = action->verb;
    work->id = action->id;
    wts_work_begin(&action->task);
}

void wts_act(struct wts_host *host, struct wms_op *op, enum wms_verb verb, const wms_id *id,
             const char *message)
{
    struct action *action =
        id->text ? NULL : wts_task_new(host, sizeof *action, &op->data, came_back, NULL);

    if (!action) {
        host->services->answer(op, id->text ? WMS_E_NOT_FOUND : WMS_E_NO_MEMORY, NULL);
        return;
    }
    action->op = op;
    action->verb = verb;
    action->id = id->number;
    action->message = message;
    ask(action);
}
