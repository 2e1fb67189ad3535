/* SPDX-License-Identifier: MIT */
/* request.c - one command: its jobs, its outcomes in the order asked, its caller's loop. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/abi.h"
#include "core/parts.h"

/* ---- creation and end ------------------------------------------------------------------------ */

enum { AHEAD = 4 };

void wms_request_free(wms_request *request)
{
    wms_engine *engine = request->engine;

    node_remove(&request->node);
    for (size_t i = 0; i < request->job_count; i++) {
        if (i + AHEAD < request->job_count) { /* of thousands of servers none is in the cache */
            __builtin_prefetch(request->jobs[i + AHEAD].slab);
        }
        wms_job_clear(&request->jobs[i]);
    }
    wms_request_told(request);
    wms_wakeup_close(engine->waker, &request->wakeup);
    wms_free(engine, request->jobs);
    wms_free(engine, request->order);
    wms_free(engine, request->message);
    wms_free(engine, request->title);
    wms_free(engine, request->warn_message);
    wms_free(engine, request->warn_title);
    wms_request_drop_password(request);
    wms_free(engine, request->refusal);
    wms_value_free(engine, request->given);
    wms_timer_free(request->expiry);
    wms_free(engine, request->summary);
    node_remove(&request->inner.due);
    bool disowned = request->disowned;
    wms_free(engine, request);
    if (!disowned) {
        wms_engine_unref(engine);
    }
}

int wms_request_make(wms_engine *engine, const wms_command *command, wms_request **ret_request)
{
    wms_request *request = wms_zalloc(engine, sizeof *request);
    if (!request) {
        return WMS_E_NO_MEMORY;
    }
    request->engine = wms_engine_ref(engine);
    request->refs = 1;
    wms_wakeup_init(&request->wakeup);
    queue_init(&request->held);
    queue_init(&request->finished);
    node_init(&request->choosing);
    node_init(&request->turns);
    node_init(&request->news);
    node_init(&request->inner.due);
    node_prepend(&engine->requests, &request->node);
    int error = wms_command_build(engine, command, request);
    if (!error && request->deadline >= 0) {
        error = wms_request_count_down(request);
    }
    if (error) {
        wms_request_free(request);
        return error;
    }
    *ret_request = request;
    return 0;
}

void wms_request_disown(wms_request *request)
{
    request->disowned = true;
    request->engine->refs--; /* not the last: whoever calls this is called by the engine */
}

void wms_request_begin(wms_request *request)
{
    request->jobs_open = request->job_count;
    wms_request_count_first(request);
    wms_request_begin_jobs(request);
}

int wms_start(wms_engine *engine, const wms_command *command, wms_request **ret_request)
{
    wms_request *request;
    wms_command whole;
    int error = wms_engine_enter(engine);

    error = error ? error : wms_command_take(engine, command, &whole);
    error = error ? error : wms_request_make(engine, &whole, &request);
    if (error) {
        return error;
    }
    engine->links_kept = request->at_once > WMS_KEPT_LINKS ? request->at_once : WMS_KEPT_LINKS;
    if (engine->loop && wms_loop_is_due(engine->loop)) {
        wms_engine_turn(engine); /* first what is due by now: a program that only makes blocking
                                    calls would never get to it */
    }
    wms_request_begin(request);
    wms_engine_go_on(engine);
    *ret_request = request;
    return 0;
}

wms_request *wms_request_unref(wms_request *request)
{
    if (!request || --request->refs > 0) {
        return NULL;
    }
    wms_engine *engine = request->engine;
    if (engine->base.asking || engine->settling || wms_engine_enter(engine)) {
        /* The call comes from inside a guard or a log (a garbage collector may run there) or a
         * provider, perhaps for the very request that is being handled.  Or this is a forked child
         * without a free descriptor: what the request has under way shares its connection with the
         * parent until the engine is renewed.  In both cases wms_requests_collect() frees it later.
         */
        request->orphan_next = engine->orphans;
        engine->orphans = request;
        return NULL;
    }
    request->refs = 1; /* our own: others may be freed meanwhile, but not this request */
    if (!request->done) {
        wms_request_cancel(request);
    }
    wms_engine_settle(engine);
    wms_request_free(request);
    return NULL;
}

void wms_requests_collect(wms_engine *engine)
{
    if (wms_engine_enter(engine)) {
        return; /* they stay for a later call */
    }
    while (engine->orphans) {
        wms_request *request = engine->orphans;
        engine->orphans = request->orphan_next;
        request->refs = 1;
        wms_request_unref(request); /* may itself free others of the list */
    }
}

/* ---- cancel and fork ------------------------------------------------------------------------- */

void wms_request_cancel(wms_request *request)
{
    wms_engine *engine = request->engine;

    if (wms_engine_enter(engine) || request->done) {
        return;
    }
    wms_request_abandon(request, WMS_E_CANCELLED, "cancelled");
    wms_engine_go_on(engine);
}

void wms_request_forked(wms_request *request)
{
    wms_wakeup_forked(&request->wakeup);
    wms_inner_mute(&request->inner);
    request->forked = true;
    if (!request->done) {
        wms_request_abandon(request, WMS_E_FORKED, NULL);
    }
}

/* ---- waiting --------------------------------------------------------------------------------- */

int wms_request_enter(const wms_request *request)
{
    int error = wms_engine_enter(request->engine);

    return error ? error : request->forked ? WMS_E_FORKED : 0;
}

int wms_request_done(wms_request *request)
{
    int error = wms_request_enter(request);

    return error ? error : request->done;
}

static bool wants_password(const wms_request *request)
{
    return request->wanting > 0 && !request->password && !request->refused;
}

/* The first item that waits for permission, or NULL; removes those that have ended. */
static struct wms_item *first_held(wms_request *request)
{
    while (!queue_is_empty(&request->held)) {
        struct wms_item *item = NODE_OWNER(request->held.first, struct wms_item, waiting);
        if (item->phase == WMS_HELD) {
            return item;
        }
        queue_take(&request->held);
    }
    return NULL;
}

static bool needs_caller(wms_request *request)
{
    return first_held(request) || wms_request_chooses(request) || wants_password(request) ||
           (request->follow && !queue_is_empty(&request->finished));
}

int wms_request_wait(wms_request *request, double seconds)
{
    wms_engine *engine = request->engine;
    int error = wms_request_enter(request);

    if (error || request->done) {
        return error ? error : 1;
    }
    struct wms_loop *loop = wms_engine_loop(engine);
    if (!loop) {
        return engine->loop_error;
    }
    request->refs++;
    engine->woken = false;
    if (seconds >= 0 || needs_caller(request)) {
        wms_engine_turn(engine); /* also brings the loop's clock up to date */
    }
    double end = wms_loop_now(loop) + seconds;
    while (!error && !request->done && !engine->woken && !needs_caller(request)) {
        double left = end - wms_loop_now(loop);
        if (seconds >= 0 && left <= 0) {
            break;
        }
        error = wms_engine_round(engine, seconds < 0 ? -1 : left);
    }
    wms_engine_rest(engine);
    int done = request->done;
    wms_request_unref(request);
    return error ? error : done;
}

int wms_request_fd(wms_request *request)
{
    int error = wms_request_enter(request);

    if (error || request->wakeup.fd >= 0) {
        return error ? error : request->wakeup.fd;
    }
    int loop = -1;
    error = wms_engine_loop_fd(request->engine, &loop);
    error = error ? error : wms_wakeup_open(&request->engine->waker, loop, &request->wakeup);
    if (error) {
        return error;
    }
    if (request->waking) {
        wms_wakeup_raise(request->engine->waker, &request->wakeup);
    }
    if (request->done) {
        wms_wakeup_retire(request->engine->waker, &request->wakeup);
    }
    int fd = request->wakeup.fd;
    wms_engine_go_on(request->engine);
    return fd;
}

int wms_request_step(wms_request *request)
{
    int error = wms_request_enter(request);

    if (error) {
        return error;
    }
    request->waking = false;
    wms_request_told(request);
    wms_wakeup_stepped(request->engine->waker, &request->wakeup);
    return wms_engine_step_aside(request->engine);
}

/* ---- permission ------------------------------------------------------------------------------ */

int wms_request_held_sized(wms_request *request, wms_action *ret_action, size_t size)
{
    if (wms_request_enter(request)) {
        return 0;
    }
    const struct wms_item *item = first_held(request);
    if (!item) {
        return 0;
    }
    wms_action action = wms_item_action(item);
    wms_give(ret_action, size, &action, sizeof action);
    return 1;
}

void wms_request_permit(wms_request *request, const char *refusal)
{
    wms_action action;

    if (!wms_request_held(request, &action)) {
        return;
    }
    struct wms_item *item = NODE_OWNER(queue_take(&request->held), struct wms_item, waiting);
    if (refusal) {
        wms_item_finish(item, WMS_FAILED, WMS_E_ACCESS_DENIED, refusal);
    } else {
        wms_job_ready(item);
    }
    wms_job_resume(item->job);
    wms_job_kick(item->job);
    wms_engine_go_on(request->engine);
}

/* ---- the password of a bind ------------------------------------------------------------------ */

int wms_request_wants_password(wms_request *request)
{
    return !wms_request_enter(request) && wants_password(request);
}

const char *wms_request_password_server(wms_request *request)
{
    const struct wms_job *job = request->jobs;

    if (!wms_request_wants_password(request)) {
        return NULL;
    }
    while (!job->wants) {
        job++;
    }
    return job->text;
}

/* Ends what waits for the password. */
static void end_wanting(wms_request *request, int code, const char *text)
{
    for (size_t i = 0; i < request->job_count; i++) {
        struct wms_job *job = &request->jobs[i];
        if (job->wants) {
            wms_item_end(&job->whole, code, text);
            wms_job_kick(job);
        }
    }
}

void wms_request_password(wms_request *request, const char *password, const char *refusal)
{
    if (!wms_request_wants_password(request)) {
        return;
    }
    request->password = password ? wms_copy(request->engine, password) : NULL;
    request->refused = !password;
    request->refusal = !password && refusal ? wms_copy(request->engine, refusal) : NULL;
    if (password && !request->password) { /* the caller is asked again for the next host */
        end_wanting(request, WMS_E_NO_MEMORY, NULL);
    } else if (!password) {
        end_wanting(request, WMS_E_CANCELLED, request->refusal);
    }
    for (size_t i = 0; i < request->job_count; i++) {
        if (request->jobs[i].wants) {
            wms_job_kick(&request->jobs[i]);
        }
    }
    wms_engine_go_on(request->engine);
}

/* ---- the caller's choice --------------------------------------------------------------------- */

int wms_request_candidate_sized(wms_request *request, wms_session *ret_session, size_t size)
{
    if (wms_request_done(request) != 0) {
        return 0;
    }
    const struct wms_job *job = wms_request_chooses(request);
    if (!job) {
        return 0;
    }
    wms_give(ret_session, size, job->listing.sessions[job->candidate].whole, sizeof *ret_session);
    return 1;
}

void wms_request_choose(wms_request *request, bool take)
{
    struct wms_job *job = wms_request_done(request) == 0 ? wms_request_chooses(request) : NULL;

    if (job) {
        wms_job_choose(job, take);
        wms_engine_go_on(request->engine);
    }
}
