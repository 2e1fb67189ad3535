/* SPDX-License-Identifier: MIT */
/* machine.c - reboots the host, and powers it off. */
#include "wts.h"

/* WTSShutdownSystem()'s, as the Windows SDK numbers them; not every libwinpr has the names. */
enum { FLAG_REBOOT = 4, FLAG_POWER_OFF = 8 };

struct ending_work {
    struct wts_work work;
    DWORD flag;
};

struct ending {
    struct wts_task task;
    struct wms_op *op;
};

/* On a thread. */
static void ending_call(struct wts_work *shared)
{
    const struct ending_work *work = (const struct ending_work *) shared;

    SetLastError(0);
    if (!WTSShutdownSystem(shared->server->handle, work->flag)) {
        wts_fault_read(&shared->fault);
        if (shared->fault.silent) {
            wts_fault_set(&shared->fault, WMS_E_PROTOCOL,
                          "the session API has refused it without a reason: it may lack this call");
            shared->fault.doubtful = true;
        }
    }
}

static void ending_begins(void *shared)
{
    const struct wts_work *work = shared;
    const struct ending *ending = (const struct ending *) work->task;

    work->task->host->services->sent(ending->op);
}

static void finish(struct ending *ending, const struct wts_fault *fault)
{
    const struct wms_services *services = ending->task.host->services;
    struct wms_op *op = ending->op;

    wts_task_end(&ending->task);
    if (fault->doubtful) {
        services->lost(op, fault->code, fault->text);
    } else {
        services->answer(op, fault->code, fault->code ? fault->text : NULL);
    }
}

static void came_back(struct wts_task *task, struct wts_work *work)
{
    wts_host_judge(task->host, &work->fault);
    finish((struct ending *) task, &work->fault);
}

void wts_end(struct wts_host *host, struct wms_op *op, enum wms_verb verb)
{
    static const struct wms_work kind = {
        .size = sizeof(struct ending_work),
        .begin = ending_begins,
        .run = wts_work_run,
        .done = wts_work_done,
        .dispose = wts_work_dispose,
    };
    struct ending *ending = wts_task_new(host, sizeof *ending, &op->data, came_back, NULL);

    if (!ending) {
        host->services->answer(op, WMS_E_NO_MEMORY, NULL);
        return;
    }
    ending->op = op;
    struct ending_work *work = wts_work_new(&ending->task, &kind, ending_call);
    if (!work) {
        finish(ending, &(struct wts_fault){.code = WMS_E_NO_MEMORY, .text = "out of memory"});
        return;
    }
    work->flag = verb == WMS_REBOOT ? FLAG_REBOOT : FLAG_POWER_OFF;
    wts_work_begin(&ending->task);
}
