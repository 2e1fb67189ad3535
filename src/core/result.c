/* SPDX-License-Identifier: MIT */
/* result.c - what a request's caller is told: outcomes in the order asked, sessions, the fault. */
#include <stdio.h>

#include "core/abi.h"
#include "core/parts.h"

static wms_outcome view(const struct wms_item *item)
{
    return (wms_outcome){
        .server = item->job->text,
        .id = wms_item_is_whole(item) ? NULL : &item->id,
        .user_name = item->user_name,
        .state = item->state,
        .changed = item->changed,
        .code = item->code,
        .text = item->code == 0 ? NULL
                : item->text    ? item->text
                                : wms_error_text(item->code),
        .note = item->note,
        .identity = item->identity,
        .value = item->kind == WMS_ITEM_CALL ? item->job->value : NULL,
        .partial = wms_item_is_whole(item) &&
                   (item->job->request->choose || (item->job->request->traits & WMS_ON_SERVER) ||
                    (item->job->delegation && item->job->delegation->count > 0)),
        .thumbnail = item->thumbnail,
    };
}

size_t wms_request_outcome_count(const wms_request *request)
{
    return request->done ? request->outcome_count : request->expected;
}

int wms_request_total(const wms_request *request, size_t *ret_total)
{
    if (request->uncounted > 0 && !request->done) {
        return 0;
    }
    *ret_total = request->done ? request->outcome_count : request->total;
    return 1;
}

static size_t first_of(const wms_request *request, size_t job, bool of_session)
{
    return of_session ? request->jobs[job].first_session : request->jobs[job].first;
}

/* The last job whose first outcome (or session) has a number of at most `index`: a binary search,
 * unless it is the job that was found last or the one after it, as for a caller who reads them in
 * their order. */
static const struct wms_job *job_of(const wms_request *request, size_t index, bool of_session)
{
    size_t low = 0, high = request->job_count, last = request->found;

    for (size_t job = last; job < high && job < last + 2; job++) {
        if (first_of(request, job, of_session) <= index &&
            (job + 1 == high || first_of(request, job + 1, of_session) > index)) {
            low = job;
            high = job + 1;
        }
    }
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (first_of(request, middle, of_session) <= index) {
            low = middle;
        } else {
            high = middle;
        }
    }
    ((wms_request *) (uintptr_t) request)->found = low; /* nothing that a caller can see */
    return &request->jobs[low];
}

static const struct wms_item *item_of(const struct wms_job *job, size_t index)
{
    if (job->delegation && index < job->delegation->count) {
        return job->delegation->told[index];
    }
    return job->whole_outcome ? &job->whole : &job->items[index];
}

/* The same in request->order. */
static const struct wms_item *ordered_item(const wms_request *request, size_t index)
{
    size_t low = 0, high = request->order_count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (request->order[middle].first <= index) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const struct wms_asked *asked = &request->order[low];
    return asked->item ? asked->item : item_of(asked->job, index - asked->first);
}

static const struct wms_item *outcome_item(const wms_request *request, size_t index)
{
    if (request->order) {
        return ordered_item(request, index);
    }
    const struct wms_job *job = job_of(request, index, false);
    return item_of(job, index - job->first);
}

int wms_request_outcome_sized(const wms_request *request, size_t index, wms_outcome *ret_outcome,
                              size_t size)
{
    int error = wms_request_enter(request);

    if (error) {
        return error;
    }
    if (!request->done || index >= request->outcome_count) {
        return WMS_E_NOT_FOUND;
    }
    wms_outcome outcome = view(outcome_item(request, index));
    wms_give(ret_outcome, size, &outcome, sizeof outcome);
    return 0;
}

int wms_request_next_outcome_sized(wms_request *request, wms_outcome *ret_outcome, size_t *ret_done,
                                   size_t size)
{
    bool some = !queue_is_empty(&request->finished);

    if ((!some && !request->shown) || wms_request_enter(request)) {
        return 0;
    }
    bool goes_on = wms_thumbnail_back(request);
    if (some) {
        struct queued *first = queue_take(&request->finished);
        struct wms_item *item = NODE_OWNER(first, struct wms_item, ended);
        request->read_count++;
        request->shown = item->thumbnail ? item : NULL;
        wms_outcome outcome = view(item);
        wms_give(ret_outcome, size, &outcome, sizeof outcome);
        *ret_done = request->read_count;
    }
    if (goes_on) {
        wms_engine_go_on(request->engine);
    }
    return some;
}

size_t wms_request_session_count(const wms_request *request)
{
    return request->session_count;
}

int wms_request_session_sized(const wms_request *request, size_t index, wms_session *ret_session,
                              size_t size)
{
    int error = wms_request_enter(request);

    if (error) {
        return error;
    }
    if (index >= request->session_count) {
        return WMS_E_NOT_FOUND;
    }
    const struct wms_job *job = job_of(request, index, true);
    wms_give(ret_session, size, job->listing.sessions[index - job->first_session].whole,
             sizeof *ret_session);
    return 0;
}

const wms_value *wms_request_value(wms_request *request)
{
    return !wms_request_enter(request) && request->done ? request->jobs[0].value : NULL;
}

/* The first failure.  Skipped items only follow from another failure: one is returned if there is
 * nothing else. */
static const struct wms_item *first_failure(const wms_request *request)
{
    const struct wms_item *first = NULL;

    for (size_t i = 0; i < request->outcome_count && (!first || first->state == WMS_SKIPPED); i++) {
        const struct wms_item *item = outcome_item(request, i);
        if (item->code != 0 && (!first || item->state != WMS_SKIPPED)) {
            first = item;
        }
    }
    return first;
}

/* " (1 of 3 failed, 2 skipped)" */
static void print_many(const wms_request *request, char *text, size_t size)
{
    size_t failed = request->failed_count - request->skipped_count, all = request->outcome_count;

    if (all < 2) {
        *text = '\0';
    } else if (failed == 0) {
        snprintf(text, size, " (%zu of %zu skipped)", request->skipped_count, all);
    } else if (request->skipped_count == 0) {
        snprintf(text, size, " (%zu of %zu failed)", failed, all);
    } else {
        snprintf(text, size, " (%zu of %zu failed, %zu skipped)", failed, all,
                 request->skipped_count);
    }
}

int wms_request_error_sized(wms_request *request, wms_fault *ret_fault, size_t size)
{
    int error = wms_request_enter(request);
    char id[WMS_ID_PRINTED], many[96];

    if (error) {
        return error;
    }
    if (!request->done) {
        const wms_fault early = {.code = WMS_E_BUSY, .text = "the request is not done yet"};
        wms_give(ret_fault, size, &early, sizeof early);
        return 1;
    }
    if (request->failed_count == 0) {
        return 0;
    }
    wms_outcome outcome = view(first_failure(request));
    if (!request->summary) {
        print_many(request, many, sizeof many);
        request->summary =
            outcome.id ? wms_print(request->engine, "%s: session %s: %s%s", outcome.server,
                                   wms_id_print(outcome.id, id, sizeof id), outcome.text, many)
                       : wms_print(request->engine, "%s: %s%s", outcome.server, outcome.text, many);
    }
    const wms_fault fault = {
        .code = outcome.code,
        .text = request->summary ? request->summary : outcome.text,
        .server = outcome.server,
        .id = outcome.id,
    };
    wms_give(ret_fault, size, &fault, sizeof fault);
    return 1;
}
