/* SPDX-License-Identifier: MIT */
/* retry.c - what has failed is tried again, where that is safe, after a pause that grows.
 *
 * An item whose failure may pass is not finished, but WMS_PAUSED.  When nothing else of its job is
 * under way, the job leaves its link and its turn to others, and pauses; then the paused items are
 * sent once more.  Whoever ends the request meanwhile gets the failure that an item had.
 */
#include "core/parts.h"

static const double first_pause = 0.5, longest_pause = 30; /* seconds */

static wms_engine *engine_of(const struct wms_job *job)
{
    return job->request->engine;
}

static bool may_pass(int code)
{
    return code == WMS_E_UNREACHABLE || code == WMS_E_TIMEOUT || code == WMS_E_BUSY ||
           code == WMS_E_UNVERIFIED || code == WMS_E_REVERTED;
}

/* Of a command that the host carries out by itself: single sessions are tried again by the host,
 * and what it has told of is not asked for once more. */
static bool may_repeat(const struct wms_item *item)
{
    const struct wms_job *job = item->job;

    return wms_item_is_whole(item) &&
           (job->by_id ? job->finished < job->count : job->delegation->count == 0);
}

bool wms_item_may_retry(const struct wms_item *item, int code)
{
    const wms_request *request = item->job->request;
    bool ended = request->cancelled || request->stopped || request->expired ||
                 (item->job->delegation && !may_repeat(item));
    /* What a user would see twice is sent once. */
    bool safe = !(request->traits & WMS_TAKES_MESSAGE) || (request->traits & WMS_CHANGES_LOCK) ||
                !item->sent;

    /* An item that waits for permission stays in the list of those. */
    return item->job->tries < request->retries && !ended && safe && may_pass(code) &&
           item->phase != WMS_HELD;
}

void wms_item_pause(struct wms_item *item)
{
    wms_item_enter(item, WMS_PAUSED);
    item->job->paused++;
    wms_job_kick(item->job);
}

/* ---- the pause ------------------------------------------------------------------------------- */

static void send_again(struct wms_item *item)
{
    item->doubtful = item->doubtful || item->state == WMS_UNKNOWN;
    item->sent = false;
    item->retried = false;
    item->again = false;
    item->changed = -1;
    item->code = 0;
    item->text = NULL;
    wms_item_enter(item, WMS_QUEUED);
}

void wms_job_resume_paused(struct wms_job *job)
{
    job->tries++;
    job->paused = 0;
    job->pausing = job->rested = false;
    job->breaks = 0;
    job->cursor = 0;
    if (job->whole.phase == WMS_PAUSED) {
        send_again(&job->whole);
    }
    for (size_t i = 0; i < job->count; i++) {
        if (job->items[i].phase == WMS_PAUSED) {
            send_again(&job->items[i]);
        }
    }
}

static void pause_is_over(void *data)
{
    struct wms_job *job = data;

    job->rested = true;
    wms_job_wait_for_turn(job);
}

/* Nothing of the job is under way but what is paused. */
static bool rests(const struct wms_job *job)
{
    if (job->paused == 0 || job->pausing || job->pending > 0 || job->checks > 0) {
        return false;
    }
    /* Where one session is acted on at a time, the others wait for the one that pauses. */
    return job->whole.phase == WMS_PAUSED || job->request->stop_on_error ||
           job->finished + job->paused == job->count;
}

int wms_job_pause(struct wms_job *job)
{
    if (!rests(job)) {
        return 0;
    }
    double pause = first_pause;
    for (unsigned i = 0; i < job->tries && pause < longest_pause; i++) {
        pause *= 2;
    }
    pause = pause < longest_pause ? pause : longest_pause;
    wms_link_leave(job);
    struct wms_loop *loop = wms_engine_loop(engine_of(job));
    if (!job->pause && loop) {
        job->pause = wms_timer_new(loop, pause_is_over, job);
    }
    if (!job->pause) {
        return loop ? WMS_E_NO_MEMORY : engine_of(job)->loop_error;
    }
    job->pausing = true;
    wms_say(engine_of(job), WMS_INFO, "%s: once more in %g s", job->text, pause);
    wms_timer_set(job->pause, pause);
    if (!job->request->stop_on_error) { /* which is about one session at a time */
        wms_job_leave_turn(job);
    }
    return 0;
}
