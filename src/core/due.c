/* SPDX-License-Identifier: MIT */
/* due.c - records what is to be done next (jobs to be pumped, items that may be sent, news for the
 * program) and when a job's timeout began.  It is done in settle.c. */
#include "core/parts.h"
#include "core/watching.h"

void wms_job_kick(struct wms_job *job)
{
    wms_engine *engine = job->request->engine;

    if (node_alone(&job->kicked)) {
        node_append(&engine->kicked, &job->kicked);
    }
}

void wms_job_ready(struct wms_item *item)
{
    struct wms_job *job = item->job;

    if (item->phase != WMS_PRIMED) {
        wms_item_enter(item, WMS_READY);
    }
    if (wms_item_is_whole(item)) {
        return; /* a job has only one of them: it needs no queue */
    }
    queue_append(item->slot ? &job->placed : &job->ready, &item->waiting);
}

void wms_watched_stir(struct wms_watched *watched)
{
    wms_engine *engine = watched->watch->engine;

    if (node_alone(&watched->stirred)) {
        node_append(&engine->stirred, &watched->stirred);
    }
}

/* ---- the timeout of a job -------------------------------------------------------------------- */

void wms_job_progress(struct wms_job *job)
{
    struct wms_loop *loop = job->request->engine->loop;

    if (loop) {
        job->progress = wms_loop_now(loop);
        if (job->link) {
            job->link->progress = job->progress;
        }
    }
}

void wms_job_resume(struct wms_job *job)
{
    if (job->request->engine->loop) {
        wms_loop_clock(job->request->engine->loop);
    }
    wms_job_progress(job);
}

void wms_job_waits(struct wms_job *job)
{
    struct wms_loop *loop = job->request->engine->loop;

    if (loop && job->pending == 0 && !job->starved) {
        job->progress = wms_loop_clock(loop);
    }
}

/* ---- news for the program -------------------------------------------------------------------- */

void wms_request_news(wms_request *request)
{
    wms_engine *engine = request->engine;

    if (request->watched) { /* it is the engine's own */
        wms_watched_stir(request->watched);
        return;
    }
    if (request->inner.is) {
        wms_inner_stir(engine, &request->inner);
        return;
    }
    request->waking = true;
    wms_wakeup_raise(engine->waker, &request->wakeup);
    if (node_alone(&request->news)) {
        node_append(&engine->news, &request->news);
        engine->untold = true;
    }
}

void wms_inner_stir(wms_engine *engine, struct wms_inner *inner)
{
    if ((inner->tell || inner->cancels) && node_alone(&inner->due)) {
        node_append(&engine->inner_due, &inner->due);
    }
}

void wms_inner_mute(struct wms_inner *inner)
{
    inner->tell = NULL;
    inner->cancels = false;
    node_remove(&inner->due);
}

void wms_request_told(wms_request *request)
{
    node_remove(&request->news);
}

void wms_job_wish(struct wms_job *job)
{
    if (!job->told) { /* the caller is asked once, after begin_to_want() has made sure that a
                         binding can be saved */
        job->wishes = true;
        wms_job_kick(job);
    }
}

void wms_job_want(struct wms_job *job, bool wants)
{
    job->request->wanting += wants - job->wants;
    job->wants = wants;
}
