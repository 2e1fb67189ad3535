/* SPDX-License-Identifier: MIT */
/* warning.c - before a session is closed: a message to its user, and some time to save his work.
 *
 * A warning that cannot be shown does not keep the session open: that is noted, and the session is
 * closed when the time is over, as the others are. */
#include "core/parts.h"

bool wms_warning_is_due(const struct wms_item *item)
{
    const wms_request *request = item->job->request;

    return request->warn_message && !request->what_if && !item->warned && !wms_item_is_whole(item);
}

/* ---- the time that is left ------------------------------------------------------------------- */

static void set_timer(struct wms_job *job)
{
    if (!queue_is_empty(&job->warned)) {
        const struct wms_item *next = NODE_OWNER(job->warned.first, struct wms_item, waiting);
        double left = next->due - wms_loop_now(job->request->engine->loop);
        wms_timer_set(job->warner, left > 0 ? left : 0);
    }
}

/* The timer of the job whose first warned session is to be closed. */
static void time_over(void *data)
{
    struct wms_job *job = data;
    double now = wms_loop_now(job->request->engine->loop);

    while (!queue_is_empty(&job->warned)) {
        struct wms_item *item = NODE_OWNER(job->warned.first, struct wms_item, waiting);
        if (item->phase == WMS_WARNED && item->due > now) {
            break;
        }
        queue_take(&job->warned);
        if (item->phase == WMS_WARNED) { /* else it has ended meanwhile */
            wms_job_ready(item);
        }
    }
    set_timer(job);
    wms_job_kick(job);
}

/* The timer of the job.  Errors: NO_MEMORY, INTERNAL. */
static int make_timer(struct wms_job *job)
{
    struct wms_loop *loop = wms_engine_loop(job->request->engine);

    if (!job->warner && loop) {
        job->warner = wms_timer_new(loop, time_over, job);
    }
    return job->warner ? 0 : loop ? WMS_E_NO_MEMORY : job->request->engine->loop_error;
}

/* `why` it was not shown; NULL: it was. */
static void leave_time(struct wms_item *item, const char *why)
{
    struct wms_job *job = item->job;
    wms_engine *engine = job->request->engine;
    int error = make_timer(job);

    item->warning = false;
    if (error) {
        wms_item_finish(item, WMS_FAILED, error, NULL);
        return;
    }
    if (why) {
        char *note = wms_print(engine, "the warning was not shown: %s", why);
        const char *copy = note ? wms_job_keep_line(job, note) : NULL;
        wms_free(engine, note);
        item->note = copy ? copy : "the warning was not shown";
    }
    bool first = queue_is_empty(&job->warned);
    item->warned = true;
    item->due = wms_loop_clock(engine->loop) + job->request->warn_seconds;
    wms_item_enter(item, WMS_WARNED);
    queue_append(&job->warned, &item->waiting);
    if (first) {
        set_timer(job);
    }
}

/* ---- the message ----------------------------------------------------------------------------- */

void wms_warning_begin(struct wms_item *item)
{
    const wms_request *request = item->job->request;
    struct wms_link *link = item->job->link;

    const struct wms_listed *listed = wms_listing_meant(item); /* by now all are listed */
    if (!listed) {
        wms_item_vanished(item, NULL);
        return;
    }
    if (wms_listed_is_exempt(request->verb, listed) && !listed->spared) {
        item->warned = true; /* the close is refused, so nobody is to be frightened */
        wms_job_ready(item);
        wms_job_kick(item->job);
        return;
    }
    if (!(link->provider->can & 1u << WMS_MESSAGE)) {
        leave_time(item, "hosts of this kind cannot show a message in a session");
        return;
    }
    if (wms_item_is_refused(item, WMS_MESSAGE)) {
        leave_time(item, "this program's guard refuses it");
        return;
    }
    wms_item_take_slot(item);
    wms_item_enter(item, WMS_ACTING);
    item->warning = true;
    item->op = (struct wms_op){
        .verb = WMS_MESSAGE, .title = request->warn_title, .identity = item->identity};
    node_prepend(&link->ops, &item->flight);
    link->provider->act(link->connection, &item->op, WMS_MESSAGE, &item->id, request->warn_message);
}

void wms_warning_answered(struct wms_item *item, int code, const char *text)
{
    if (code == WMS_E_NOT_FOUND) { /* there was nobody to be warned */
        item->warning = false;
        wms_item_vanished(item, text);
    } else {
        leave_time(item, !code ? NULL : text ? text : wms_error_text(code));
    }
}
