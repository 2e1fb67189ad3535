/* SPDX-License-Identifier: MIT */
/* job.c - one server of a request: reach it, ask which sessions it has where that is needed, act on
 * them. */
#include <string.h>

#include "core/parts.h"

static wms_engine *engine_of(const struct wms_job *job)
{
    return job->request->engine;
}

/* `text` itself if it is folded already.  NULL: out of memory. */
static const char *fold(struct wms_job *job, const char *text)
{
    char copy[WMS_ADDRESS_MAX + 1]; /* long enough: wms_place_parse() has accepted it */

    strcpy(copy, text);
    wms_address_fold(copy);
    return strcmp(copy, text) == 0 ? text : wms_job_keep(job, copy);
}

int wms_job_init(struct wms_job *job, wms_request *request, struct wms_server *server,
                 const char *text, size_t items)
{
    wms_engine *engine = request->engine;

    job->request = request;
    job->server = server;
    job->call = &request->call;
    node_init(&job->line);
    node_init(&job->kicked);
    node_init(&job->choosing);
    node_init(&job->turn);
    queue_init(&job->placed);
    queue_init(&job->ready);
    queue_init(&job->over);
    queue_init(&job->answered);
    queue_init(&job->warned);
    job->whole.job = job;
    job->whole.changed = -1;
    job->whole.kind =
        request->traits & WMS_ON_SERVER && !request->what_if ? WMS_ITEM_CALL : WMS_ITEM_LIST;
    job->by_id = items > 0;
    job->all = items == 0 && !request->own && !(request->traits & WMS_ON_SERVER);
    job->text = wms_job_keep(job, text ? text : "localhost");
    job->folded = job->text ? fold(job, job->text) : NULL;
    if (!job->folded) {
        return WMS_E_NO_MEMORY;
    }
    if (items == 0) {
        return 0;
    }
    job->items = wms_slab_room(&job->slab, engine, items * sizeof *job->items);
    if (!job->items) {
        return WMS_E_NO_MEMORY;
    }
    memset(job->items, 0, items * sizeof *job->items);
    return 0;
}

/* ---- the timeout ----------------------------------------------------------------------------- */

/* Whether something has been sent to the host, of which nothing may have been heard yet. */
static bool has_sent(const struct wms_job *job)
{
    bool sent = job->whole.sent;

    for (size_t i = 0; i < job->count && !sent; i++) {
        sent = job->items[i].sent;
    }
    return sent;
}

/* The host was silent for the whole timeout: ends what has been sent and is not answered, and fails
 * what has not been sent. */
static void time_out(struct wms_job *job)
{
    wms_engine *engine = engine_of(job);
    bool connecting = job->link && job->link->state == WMS_CONNECTING;
    bool reached = !job->link || job->link->was_up || has_sent(job);
    char *text = wms_print(engine, !reached ? "no connection within %g s" : "no answer within %g s",
                           job->request->timeout);

    wms_say(engine, WMS_WARNING, "%s: %s", job->text, text ? text : wms_error_text(WMS_E_TIMEOUT));
    if (job->link && !connecting) {
        job->link->hung = true;
        wms_link_retire(
            job->link); /* an answer to an op that has been ended may still arrive on it */
    }
    if (job->whole.phase == WMS_ACTING) {
        wms_item_end(&job->whole, WMS_E_TIMEOUT, text);
    }
    for (size_t i = 0; i < job->count; i++) {
        struct wms_item *item = &job->items[i];
        if (item->phase == WMS_ACTING || item->phase == WMS_BASELINE) {
            wms_item_end(item, WMS_E_TIMEOUT, text);
        }
    }
    wms_job_fail(job, WMS_E_TIMEOUT, text);
    wms_free(engine, text);
    wms_job_kick(job);
}

static void timer_fired(void *data)
{
    struct wms_job *job = data;
    const struct wms_link *link = job->link;
    double now = wms_loop_now(engine_of(job)->loop);
    double since = job->progress;

    if (link && !job->wants && !job->wishes &&
        (job->pending > 0 || link->state == WMS_CONNECTING || job->starved)) {
        if (job->starved && link->progress > since) {
            since = link->progress;
        }
    } else {
        since = now; /* nothing is awaited from the host: the job waits for a permission, a
                        password, or a state */
    }
    double left = job->request->timeout - (now - since);
    if (left <= 0) {
        time_out(job);
        left = job->request->timeout; /* what is tried again, or was only warned, goes on */
    }
    wms_timer_set(job->timer, left);
}

static void start_timeout(struct wms_job *job)
{
    struct wms_loop *loop = wms_engine_loop(engine_of(job));

    if (job->timer) {
        return;
    }
    job->timer = loop ? wms_deadline_new(loop, timer_fired, job) : NULL;
    if (!job->timer) { /* without a timer it might wait for ever */
        wms_job_abandon(job, loop ? WMS_E_NO_MEMORY : engine_of(job)->loop_error, NULL);
        return;
    }
    wms_timer_set(job->timer, job->request->timeout);
    wms_job_progress(job);
}

/* ---- the work -------------------------------------------------------------------------------- */

/* what_if: the outcome that the action would have, as far as the listing tells. */
static void plan(struct wms_item *item)
{
    struct wms_job *job = item->job;
    enum wms_verb verb = job->request->verb;
    const struct wms_listed *session = wms_listing_meant(item);
    const struct wms_provider *provider =
        wms_engine_known(engine_of(job), job->server->place.scheme);

    if (provider && !(provider->can & 1u << verb)) {
        wms_item_refuse(item, provider);
    } else if (!session) {
        wms_item_finish(item, WMS_FAILED, WMS_E_NOT_FOUND, NULL);
    } else if (session->spared &&
               session->is_orchestratable == 0) { /* left out of `_all`, but named here */
        item->note = session->spared;
        wms_item_finish(item, WMS_PLANNED, 0, NULL);
    } else if (wms_listed_is_exempt(verb, session)) {
        wms_item_finish(item, WMS_FAILED, WMS_E_ACCESS_DENIED,
                        session->is_orchestratable == 0 ? "the session is exempt"
                                                        : "it is the caller's own session");
    } else {
        wms_item_finish(item, WMS_PLANNED, 0, NULL);
    }
}

/* The first of the queue, without those that have ended while they waited. */
static struct wms_item *first_of(struct queue *queue)
{
    while (!queue_is_empty(queue)) {
        struct wms_item *item = NODE_OWNER(queue->first, struct wms_item, waiting);
        if (item->phase == WMS_READY || item->phase == WMS_PRIMED) {
            return item;
        }
        queue_take(queue);
    }
    return NULL;
}

/* What can be sent next, or NULL.  Those that have a place come first: one that waits for a place
 * must not keep those waiting who have them all. */
static struct wms_item *next_item(struct wms_job *job)
{
    struct wms_item *item = first_of(&job->placed);

    item = item ? item : first_of(&job->ready);
    if (item) {
        return item;
    }
    while (job->cursor < job->count && job->items[job->cursor].phase != WMS_QUEUED) {
        job->cursor++;
    }
    return job->cursor < job->count ? &job->items[job->cursor] : NULL;
}

static void take_from_ready(struct wms_job *job, struct wms_item *item)
{
    struct queue *queue = job->placed.first == &item->waiting ? &job->placed : &job->ready;

    if (queue->first == &item->waiting) {
        queue_take(queue);
    }
}

/* Nothing of the job is under way on its link. */
static bool has_left(const struct wms_job *job)
{
    return job->pending == 0 && job->checks == 0;
}

/* Whether the item can be sent now.  Puts the job on a link if it has none; if that fails, so does
 * the job. */
static bool has_way(struct wms_job *job, const struct wms_item *item)
{
    if (job->link && job->link->retired && job->link->state == WMS_UP && has_left(job)) {
        wms_link_leave(job); /* a retired link gets no new work: takes another one */
    }
    if (!job->link) {
        int error = wms_link_join(job);
        if (error == WMS_E_NO_PROVIDER) {
            char *text = wms_engine_no_provider(engine_of(job), job->server->place.scheme);
            wms_job_fail(job, error, text);
            wms_free(engine_of(job), text);
            return false;
        }
        if (error) {
            wms_job_fail(job, error, NULL);
            return false;
        }
        wms_job_waits(job);
    }
    if (job->link->state != WMS_UP) {
        return false; /* the link kicks the job when it is up or broken */
    }
    bool full = !item->slot && !wms_link_has_place(job);
    if (full) {
        wms_job_waits(job);
    }
    job->starved = full;
    return !full;
}

static bool runs_alone(const struct wms_job *job)
{
    return job->request->stop_on_error;
}

/* Sends job->whole, the listing or the call, once it is permitted and the link is up. */
static void run_whole(struct wms_job *job)
{
    struct wms_item *whole = &job->whole;

    if (whole->phase != WMS_QUEUED && whole->phase != WMS_READY) {
        return;
    }
    if (job->delegation && engine_of(job)->guard) { /* which is asked about each session */
        wms_errand_leave(job);
        if (job->stage == WMS_JOB_ACTING) {
            return;
        }
    }
    if (wms_item_admit(whole) && has_way(job, whole)) {
        wms_listing_clear(job); /* left from a first try, on a connection that broke */
        whole->note = NULL;
        if (job->request->watched) {
            job->request->joins(job->request->watched, job->link);
        }
        wms_item_start(whole);
    }
}

/* The host needs the password next.  Ends the bind if the binding that the host gives in return
 * could not be saved; else asks the caller for the password. */
static void begin_to_want(struct wms_job *job)
{
    wms_request *request = job->request;
    wms_engine *engine = request->engine;

    job->wishes = false;
    if (job->whole.phase != WMS_ACTING) {
        return; /* it has ended meanwhile */
    }
    int error = wms_binding_try(job->link);
    if (error) {
        wms_item_end(&job->whole, error, error == WMS_E_NO_MEMORY ? NULL : engine->base.complaint);
        return;
    }
    wms_job_resume(job); /* the time that a slow disk took does not count for the host's timeout */
    if (request->refused) { /* when another host needed it */
        wms_item_end(&job->whole, WMS_E_CANCELLED, request->refusal);
        return;
    }
    wms_job_want(job, true);
    if (!request->password) {
        wms_request_news(request);
    }
}

/* Passes the password to the provider, which waits for it. */
static void give_password(struct wms_job *job)
{
    wms_request *request = job->request;

    wms_job_want(job, false);
    job->told = true;
    job->whole.retried = true; /* a password is sent once */
    wms_job_resume(job);
    job->link->provider->secret(job->link->connection, &job->whole.op, request->password);
    if (request->job_count == 1) { /* else other hosts may still need it */
        wms_request_drop_password(request);
    }
}

/* Of a job that acts on one session at a time: whether another one is acted on.  Warnings are given
 * to all at once. */
static bool is_busy(const struct wms_job *job, const struct wms_item *item)
{
    if (wms_warning_is_due(item)) {
        return false;
    }
    if (item->warned) {
        return !has_left(job);
    }
    return job->cursor > 0 && job->finished < job->cursor && item == &job->items[job->cursor];
}

static void run_items(struct wms_job *job)
{
    struct wms_item *item;

    while ((item = next_item(job)) && !wms_thumbnails_rest(job)) {
        bool warns = wms_warning_is_due(item);
        if (runs_alone(job)) {
            if (job->request->stopped || is_busy(job, item)) {
                return;
            }
        }
        if (!wms_item_admit(item)) {
            continue; /* refused, or held */
        }
        if (job->request->what_if) {
            take_from_ready(job, item);
            plan(item);
        } else if (has_way(job, item)) {
            take_from_ready(job, item);
            wms_item_start(item);
        } else {
            return;
        }
        if (runs_alone(job) && !warns && item->phase < WMS_OVER) {
            return;
        }
    }
}

static void renew_checks(struct wms_job *job)
{
    if (!queue_is_empty(&job->answered)) {
        wms_checks_renew(job);
    }
}

static void close_items(struct wms_job *job)
{
    while (!queue_is_empty(&job->over)) {
        wms_item_close(NODE_OWNER(queue_take(&job->over), struct wms_item, ended));
    }
}

static bool is_complete(const struct wms_job *job)
{
    if (job->delegation) { /* it is over when the host says so, or nobody waits any more */
        return job->whole.phase == WMS_DONE;
    }
    return job->whole_outcome
               ? job->whole.phase == WMS_DONE
               : job->finished == job->count && (job->by_id || job->whole.phase == WMS_DONE);
}

void wms_request_drop_password(wms_request *request)
{
    if (request->password) {
        wms_free_wiped(request->engine, request->password, strlen(request->password) + 1);
        request->password = NULL;
    }
}

/* One of the request's jobs is done: the next begins, or the request is done. */
static void job_done(struct wms_job *job)
{
    wms_request *request = job->request;

    request->jobs_open--;
    wms_job_give_turn(job);
    if (request->jobs_open > 0) {
        wms_request_begin_jobs(request);
        return;
    }
    wms_request_number(request);
    wms_timer_free(request->expiry);
    request->expiry = NULL;
    wms_request_drop_password(request);
    request->done = true;
    wms_request_news(request);
    wms_wakeup_retire(request->engine->waker, &request->wakeup);
}

static void finish(struct wms_job *job)
{
    job->stage = WMS_JOB_DONE;
    wms_waking_end(job);
    wms_link_leave(job);
    wms_timer_free(job->timer);
    wms_timer_free(job->warner);
    wms_timer_free(job->pause);
    job->timer = job->warner = job->pause = NULL;
    node_remove(&job->turn);
    job_done(job);
}

/* It has a turn: begins, or goes on after a pause. */
static void run(struct wms_job *job)
{
    const wms_request *request = job->request;

    if (job->stage == WMS_JOB_QUEUED) {
        /* Who is warned is known by his identity: another session may get the id meanwhile. */
        bool whole = !job->by_id || request->what_if || (request->traits & WMS_IS_QUERY) ||
                     request->warn_message;
        job->stage = wms_errand_suits(job) || whole ? WMS_JOB_LISTING : WMS_JOB_ACTING;
    } else if (job->rested) {
        wms_job_resume_paused(job);
    }
}

/* What is paused ends with the failures that there were. */
static void end_paused(struct wms_job *job)
{
    if (job->whole.phase == WMS_PAUSED) {
        wms_item_end_paused(&job->whole);
    }
    for (size_t i = 0; i < job->count; i++) {
        if (job->items[i].phase == WMS_PAUSED) {
            wms_item_end_paused(&job->items[i]);
        }
    }
    wms_job_kick(job);
}

void wms_job_pump(struct wms_job *job)
{
    wms_request *request = job->request;

    if (job->running) {
        run(job);
    }
    if (job->stage == WMS_JOB_DONE || job->stage == WMS_JOB_QUEUED) {
        return;
    }
    renew_checks(job);
    close_items(job);
    if (request->stopped) {
        wms_job_fail(job, WMS_E_CANCELLED, wms_not_after_failure);
    }
    if (job->stage == WMS_JOB_LISTING && !is_complete(job)) {
        if (request->verb == WMS_WAKE) {
            if (wms_waking_run(job) && has_way(job, &job->whole)) {
                wms_waking_ask(job);
            }
        } else {
            run_whole(job);
        }
    }
    if (job->wishes) {
        begin_to_want(job);
    }
    if (job->wants && request->password) {
        give_password(job);
    }
    if (job->stage == WMS_JOB_ACTING) {
        run_items(job);
        renew_checks(job);
        if (request->stopped) {
            wms_job_fail(job, WMS_E_CANCELLED, wms_not_after_failure);
        }
    }
    close_items(job);
    if (is_complete(job)) {
        finish(job);
    } else {
        start_timeout(job);
        wms_link_decline_place(job);
        if (wms_job_pause(job)) {
            end_paused(job);
        }
    }
}

static bool is_unsent(const struct wms_item *item)
{
    return (item->phase < WMS_BASELINE && item->phase != WMS_PAUSED) || item->phase == WMS_PRIMED;
}

void wms_job_fail(struct wms_job *job, int code, const char *text)
{
    if (job->request->stopped) { /* else what is paused is tried again */
        end_paused(job);
    }
    if (is_unsent(&job->whole) && job->stage != WMS_JOB_ACTING && !job->whole_outcome) {
        wms_item_end(&job->whole, code, text);
    }
    if (job->delegation) { /* its sessions end with the whole */
        return;
    }
    for (size_t i = 0; i < job->count; i++) {
        bool waits = job->items[i].phase == WMS_WARNED && !job->request->stopped;
        if (is_unsent(&job->items[i]) && !waits) { /* nothing of it is under way */
            wms_item_end(&job->items[i], code, text);
        }
    }
}

void wms_job_abandon(struct wms_job *job, int code, const char *text)
{
    if (job->stage == WMS_JOB_DONE) {
        return;
    }
    if (job->stage != WMS_JOB_ACTING && job->whole.phase < WMS_OVER) {
        wms_item_end(&job->whole, code, text);
    }
    for (size_t i = 0; i < job->count; i++) {
        if (job->items[i].phase < WMS_OVER) {
            wms_item_end(&job->items[i], code, text);
        }
    }
    close_items(job);
    end_paused(job); /* what was over, and was to be tried again */
    finish(job);
}

void wms_request_abandon(wms_request *request, int code, const char *text)
{
    request->cancelled = true;
    request->job_cursor = request->job_count; /* none begins any more */
    for (size_t i = 0; i < request->job_count; i++) {
        wms_job_abandon(&request->jobs[i], code, text);
    }
}

void wms_job_clear(struct wms_job *job)
{
    wms_engine *engine = engine_of(job);

    node_remove(&job->kicked);
    wms_job_drop_value(job);
    wms_listing_clear(job);
    wms_errand_clear(job);
    for (size_t i = 0; i < job->count; i++) {
        wms_item_drop_thumbnail(&job->items[i]);
    }
    wms_slab_clear(&job->slab, engine, job->request->traits & WMS_ON_SERVER);
    wms_server_release(engine, job->server);
}
