/* SPDX-License-Identifier: MIT */
/* outcome.c - counts and numbers a request's outcomes. */
#include "core/parts.h"

void wms_request_finished(struct wms_item *item)
{
    wms_request *request = item->job->request;

    queue_append(&request->finished, &item->ended);
    request->outcome_count++;
    request->failed_count += item->code != 0;
    request->skipped_count += item->state == WMS_SKIPPED;
    if (request->follow) {
        wms_thumbnail_waits(item);
        wms_request_news(request);
    }
}

/* Outcomes are numbered by job; the sessions of a job come in its own order, before the outcome of
 * the server as a whole. */
static size_t outcomes_of(const struct wms_job *job)
{
    size_t told = job->delegation ? job->delegation->count : 0;

    return told + (job->whole_outcome ? 1 : job->count);
}

/* The job has one outcome, that of the server as a whole, however the command ends. */
static bool counts_once(const struct wms_job *job)
{
    return !job->by_id && (job->request->traits & (WMS_IS_QUERY | WMS_ON_SERVER));
}

void wms_request_counted(struct wms_job *job)
{
    wms_request *request = job->request;

    if (!job->counted) {
        job->counted = true;
        request->uncounted--;
        request->total += counts_once(job) ? 1 : outcomes_of(job);
    }
}

static size_t sessions_of(const struct wms_job *job)
{
    return (job->request->traits & WMS_IS_QUERY) && job->listed ? job->listing.count : 0;
}

/* Counts the jobs whose number of outcomes is known before any server has answered. */
void wms_request_count_first(wms_request *request)
{
    request->uncounted = request->job_count;
    for (size_t i = 0; i < request->job_count; i++) {
        struct wms_job *job = &request->jobs[i];
        if (job->by_id || counts_once(job)) {
            wms_request_counted(job);
        }
    }
}

void wms_request_number(wms_request *request)
{
    size_t first = 0, first_session = 0;

    for (size_t i = 0; i < request->job_count; i++) {
        struct wms_job *job = &request->jobs[i];
        job->first = first;
        job->first_session = first_session;
        first += outcomes_of(job);
        first_session += sessions_of(job);
    }
    request->session_count = first_session;
    first = 0;
    for (size_t i = 0; i < request->order_count; i++) {
        request->order[i].first = first;
        first += request->order[i].item ? 1 : outcomes_of(request->order[i].job);
    }
}

void wms_job_drop_value(struct wms_job *job)
{
    wms_value_free(job->request->engine, job->value);
    job->value = NULL;
    job->value_error = 0;
}
