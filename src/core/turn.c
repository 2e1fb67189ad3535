/* SPDX-License-Identifier: MIT */
/* turn.c - which of a request's jobs run: as many as its concurrency allows, and one that pauses
 * leaves its turn to another. */
#include "core/parts.h"

/* The job that is to run next, or NULL. */
static struct wms_job *next_turn(wms_request *request)
{
    struct wms_job *job = NODE_FIRST(&request->turns, struct wms_job, turn);

    if (job) {
        node_remove(&job->turn);
        return job;
    }
    return request->job_cursor < request->job_count ? &request->jobs[request->job_cursor++] : NULL;
}

void wms_request_begin_jobs(wms_request *request)
{
    struct wms_job *job;

    while (
        (request->jobs_running < request->concurrency || request->stopped || request->cancelled) &&
        (job = next_turn(request))) {
        request->jobs_running += !job->running;
        job->running = true;
        wms_job_kick(job);
    }
}

void wms_job_give_turn(struct wms_job *job)
{
    job->request->jobs_running -= job->running;
    job->running = false;
}

void wms_job_leave_turn(struct wms_job *job)
{
    wms_job_give_turn(job);
    wms_request_begin_jobs(job->request);
}

void wms_job_wait_for_turn(struct wms_job *job)
{
    if (job->running) { /* it has kept its turn */
        wms_job_kick(job);
        return;
    }
    node_append(&job->request->turns, &job->turn);
    wms_request_begin_jobs(job->request);
}
