/* SPDX-License-Identifier: MIT */
/* observe.c - observes a session by polling.
 *
 * The API's events (watch.c) would not do: none tells that a session is locked, one that comes does
 * not say which session it is about, and each wait costs a thread and a call to end it, while most
 * observations are over after one look or two. */
#include "wts.h"

struct look_work {
    struct wts_work work;
    DWORD id;
    struct wms_sight sight;
};

struct watch {
    struct wts_task task;
    struct wms_observer *observer;
    DWORD id;
};

/* On a thread. */
static void look_call(struct wts_work *shared)
{
    struct look_work *work = (struct look_work *) shared;
    struct wts_info info;

    work->sight = (struct wms_sight){.present = false, .locked = -1};
    if (wts_query_info(work->work.server, work->id, &info, &work->work.fault)) {
        work->sight.present = !wts_state_is_over(info.state);
        work->sight.disconnected = info.state == WTSDisconnected;
        work->sight.locked = info.locked;
    } else if (work->work.fault.code == WMS_E_NOT_FOUND) {
        work->work.fault.code = 0;
    }
}

static void end_blind(struct watch *watch, int code, const char *text)
{
    const struct wms_services *services = watch->task.host->services;
    struct wms_observer *observer = watch->observer;

    wts_task_end(&watch->task);
    services->blind(observer, code, text);
}

static void look(void *data)
{
    static const struct wms_work kind = {
        .size = sizeof(struct look_work),
        .run = wts_work_run,
        .done = wts_work_done,
        .dispose = wts_work_dispose,
    };
    struct watch *watch = data;
    struct look_work *work = wts_work_new(&watch->task, &kind, look_call);

    if (!work) {
        end_blind(watch, WMS_E_NO_MEMORY, NULL);
        return;
    }
    work->id = watch->id;
    wts_work_begin(&watch->task);
}

static void looked(struct wts_task *task, struct wts_work *work)
{
    struct watch *watch = (struct watch *) task;
    const struct wms_services *services = task->host->services;
    const struct wms_sight *sight = &((const struct look_work *) work)->sight;

    wts_host_judge(task->host, &work->fault);
    if (work->fault.code) {
        end_blind(watch, work->fault.code, work->fault.text);
        return;
    }
    services->seen(watch->observer, sight);
}

void wts_observe(struct wts_host *host, struct wms_observer *observer, const wms_id *id)
{
    const struct wms_services *services = host->services;

    if (id->text) {
        services->seen(observer, &(struct wms_sight){.present = false, .locked = -1});
        return;
    }
    struct watch *watch = wts_task_new(host, sizeof *watch, &observer->data, looked, NULL);
    if (!watch) {
        services->blind(observer, WMS_E_NO_MEMORY, NULL);
        return;
    }
    watch->task.look = true;
    watch->observer = observer;
    watch->id = id->number;
    int error = wms_observe_by_polling(services, observer, look, watch);
    if (error) {
        end_blind(watch, error, NULL);
    }
}
