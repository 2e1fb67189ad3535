/* SPDX-License-Identifier: MIT */
/* turn.c - which of a request's jobs run: as many as its concurrency allows, and one that pauses
 * leaves its turn to another.  Those of hosts that share a connection all run. */
#include <string.h>

#include "core/parts.h"

/* The job that is to run next, or NULL. */
static struct wms_job *next_turn(wms_request *request)
{
    struct wms_job *job = NODE_FIRST(&request->turns, struct wms_job, turn);

    if (job) {
        node_remove(&job->turn);
        return job;
    }
    while (request->job_cursor < request->job_count) {
        job = &request->jobs[request->job_cursor++];
        if (!job->shared) {
            return job;
        }
    }
    return NULL;
}

/* Pictures are large, and those that nobody has read yet are one for each job that runs. */
static bool may_all_run(const wms_request *request)
{
    return !request->stop_on_error && !(request->traits & WMS_HAS_THUMBNAIL);
}

static void begin_shared(wms_request *request)
{
    const char *scheme = NULL;
    bool shared = false;

    for (size_t i = 0; i < request->job_count; i++) {
        struct wms_job *job = &request->jobs[i];
        if (!scheme || strcmp(scheme, job->server->place.scheme) != 0) {
            scheme = job->server->place.scheme;
            shared = wms_engine_shares(request->engine, scheme);
        }
        if (shared) {
            job->shared = job->running = true;
            wms_job_kick(job);
        }
    }
}

void wms_request_begin_jobs(wms_request *request)
{
    struct wms_job *job;

    if (!request->begun) {
        request->begun = true;
        if (may_all_run(request)) {
            begin_shared(request);
        }
    }
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
    job->request->jobs_running -= job->running && !job->shared;
    job->running = false;
}

void wms_job_leave_turn(struct wms_job *job)
{
    wms_job_give_turn(job);
    wms_request_begin_jobs(job->request);
}

void wms_job_wait_for_turn(struct wms_job *job)
{
    if (job->running || job->shared) { /* it has kept its turn, or needs none */
        job->running = true;
        wms_job_kick(job);
        return;
    }
    node_append(&job->request->turns, &job->turn);
    wms_request_begin_jobs(job->request);
}
