/* request.c - one command: its jobs, its outcomes in the order asked, its caller's loop. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/engine.h"

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void request_free(wms_request *request)
{
    wms_engine *engine = request->engine;

    if (request->next) {
        request->next->prev = request->prev;
    }
    if (request->prev) {
        request->prev->next = request->next;
    } else if (engine->requests == request) {
        engine->requests = request->next;
    }
    for (size_t i = 0; i < request->job_count; i++) {
        wms_job_clear(&request->jobs[i]);
    }
    if (request->fd >= 0) {
        close(request->fd);
        close(request->news);
    }
    wms_free(engine, request->jobs);
    wms_free(engine, request->order);
    wms_free(engine, request->message);
    wms_free(engine, request->title);
    wms_request_drop_password(request);
    wms_request_drop_value(request);
    wms_value_free(engine, request->given);
    wms_free(engine, request->summary);
    wms_free(engine, request);
    wms_engine_unref(engine);
}

static void begin_jobs(wms_request *request)
{
    while (request->job_cursor < request->job_count &&
           (request->jobs_running < request->concurrency || request->stopped || request->cancelled)) {
        request->jobs_running++;
        wms_job_begin(&request->jobs[request->job_cursor++]);
    }
}

int wms_start(wms_engine *engine, const wms_command *command, wms_request **ret_request)
{
    int error = wms_engine_enter(engine);

    if (error) {
        return error;
    }
    wms_request *request = wms_zalloc(engine, sizeof *request);
    if (!request) {
        return WMS_E_NO_MEMORY;
    }
    request->engine = wms_engine_ref(engine);
    request->refs = 1;
    request->news = request->fd = -1;
    request->held_tail = &request->held;
    request->finished_tail = &request->finished;
    request->next = engine->requests;
    if (request->next) {
        request->next->prev = request;
    }
    engine->requests = request;
    error = wms_command_build(engine, command, request);
    if (error) {
        request_free(request);
        return error;
    }
    request->jobs_open = request->job_count;
    if (engine->loop && wms_loop_is_due(engine->loop)) {
        wms_loop_turn(engine->loop); /* what is due by now comes first, else blocking calls alone never get to it */
        wms_engine_settle(engine);
    }
    begin_jobs(request);
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
    if (engine->asking || engine->settling) {
        /* A guard's or a log's program collects its garbage, perhaps the very request that is under way. */
        engine->orphans = true;
        return NULL;
    }
    request->refs = 1; /* ours: others may be collected meanwhile, but not this one */
    wms_engine_enter(engine); /* perhaps in a forked child */
    if (!request->done) {
        wms_request_cancel(request);
    }
    wms_engine_settle(engine);
    request_free(request);
    return NULL;
}

void wms_requests_collect(wms_engine *engine)
{
    wms_request *request = engine->requests;

    while (request) {
        if (request->refs == 0) {
            request->refs = 1;
            wms_request_unref(request);
            request = engine->requests; /* the end of one may be the end of others */
        } else {
            request = request->next;
        }
    }
}

/* ---- what happens in it ----------------------------------------------------------------------------------------- */

void wms_request_news(wms_request *request)
{
    request->waking = true;
    if (request->news >= 0) {
        wms_news_raise(request->news);
    }
}

void wms_request_finished(struct wms_item *item)
{
    wms_request *request = item->job->request;

    item->finished_next = NULL;
    *request->finished_tail = item;
    request->finished_tail = &item->finished_next;
    if (!request->unread) {
        request->unread = item;
    }
    request->outcome_count++;
    request->failed_count += item->code != 0;
    if (request->follow) {
        wms_request_news(request);
    }
}

/* Outcomes are numbered by job; the sessions of a job come in its own order. */
static size_t outcomes_of(const struct wms_job *job)
{
    return job->whole_outcome ? 1 : job->count;
}

static size_t sessions_of(const struct wms_job *job)
{
    return job->request->verb == WMS_SESSIONS && job->listed ? job->listing.count : 0;
}

void wms_request_job_done(wms_request *request)
{
    request->jobs_open--;
    request->jobs_running--;
    if (request->jobs_open > 0) {
        begin_jobs(request);
        return;
    }
    size_t first = 0, first_session = 0;
    for (size_t i = 0; i < request->job_count; i++) {
        struct wms_job *job = &request->jobs[i];
        job->first = first;
        job->first_session = first_session;
        first += outcomes_of(job);
        first_session += sessions_of(job);
    }
    request->session_count = first_session;
    wms_request_drop_password(request);
    request->done = true;
    wms_request_news(request);
}

static void abandon(wms_request *request, int code, const char *text)
{
    request->cancelled = true;
    request->job_cursor = request->job_count; /* none begins any more */
    for (size_t i = 0; i < request->job_count; i++) {
        wms_job_abandon(&request->jobs[i], code, text);
    }
}

void wms_request_cancel(wms_request *request)
{
    wms_engine *engine = request->engine;

    if (wms_engine_enter(engine) || request->done) {
        return;
    }
    abandon(request, WMS_E_CANCELLED, "cancelled");
    wms_engine_go_on(engine);
}

void wms_request_forked(wms_request *request)
{
    if (request->fd >= 0) { /* shared with the parent */
        close(request->fd);
        close(request->news);
        request->fd = request->news = -1;
    }
    request->forked = true;
    if (!request->done) {
        abandon(request, WMS_E_FORKED, NULL);
    }
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

static int enter(const wms_request *request)
{
    int error = wms_engine_enter(request->engine);

    return error ? error : request->forked ? WMS_E_FORKED : 0;
}

int wms_request_done(wms_request *request)
{
    int error = enter(request);

    return error ? error : request->done;
}

static bool wants_password(const wms_request *request)
{
    return request->job_count > 0 && request->jobs[0].wants && !request->password;
}

static bool needs_caller(wms_request *request)
{
    while (request->held && request->held->phase != WMS_HELD) {
        request->held = request->held->next; /* it came to its end while it was held */
        if (!request->held) {
            request->held_tail = &request->held;
        }
    }
    return request->held || wants_password(request) || (request->follow && request->unread);
}

int wms_request_wait(wms_request *request, double seconds)
{
    wms_engine *engine = request->engine;
    int error = enter(request);

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
        wms_loop_turn(loop); /* for the time of day, too */
        wms_engine_settle(engine);
    }
    double end = wms_loop_now(loop) + seconds;
    while (!error && !request->done && !engine->woken && !needs_caller(request)) {
        double left = end - wms_loop_now(loop);
        if (seconds >= 0 && left <= 0) {
            break;
        }
        error = wms_loop_wait(loop, seconds < 0 ? -1 : left);
        wms_engine_settle(engine);
    }
    wms_loop_rest(loop);
    int done = request->done;
    wms_request_unref(request);
    return error ? error : done;
}

int wms_request_fd(wms_request *request)
{
    int error = enter(request);

    if (error || request->fd >= 0) {
        return error ? error : request->fd;
    }
    struct wms_loop *loop = wms_engine_loop(request->engine);
    if (!loop) {
        return request->engine->loop_error;
    }
    error = wms_news_new(&request->news);
    if (error) {
        return error;
    }
    error = wms_loop_descriptor(loop, request->news, &request->fd);
    if (error) {
        close(request->news);
        request->news = -1;
        return error;
    }
    if (request->waking) {
        wms_news_raise(request->news);
    }
    int fd = request->fd;
    wms_engine_go_on(request->engine);
    return fd;
}

int wms_request_step(wms_request *request)
{
    int error = enter(request);

    if (error) {
        return error;
    }
    if (request->waking) {
        request->waking = false;
        if (request->news >= 0) {
            wms_news_take(request->news);
        }
    }
    return wms_engine_step(request->engine);
}

/* ---- permission ------------------------------------------------------------------------------------------------- */

int wms_request_held(wms_request *request, wms_action *ret_action)
{
    if (enter(request)) {
        return 0;
    }
    needs_caller(request); /* skips those that ended */
    if (!request->held) {
        return 0;
    }
    *ret_action = wms_item_action(request->held);
    return 1;
}

void wms_request_permit(wms_request *request, const char *refusal)
{
    wms_action action;

    if (!wms_request_held(request, &action)) {
        return;
    }
    struct wms_item *item = request->held;
    request->held = item->next;
    if (!request->held) {
        request->held_tail = &request->held;
    }
    if (refusal) {
        wms_item_finish(item, WMS_FAILED, WMS_E_ACCESS_DENIED, refusal);
    } else {
        wms_job_ready(item);
    }
    wms_job_resume(item->job);
    wms_job_kick(item->job);
    wms_engine_go_on(request->engine);
}

/* ---- the password of a bind --------------------------------------------------------------------------------------- */

void wms_request_want(wms_request *request)
{
    struct wms_job *job = &request->jobs[0];

    if (!job->told) { /* it is asked for once, and not where nothing could come of it */
        job->wishes = true;
        wms_job_kick(job);
    }
}

void wms_request_drop_password(wms_request *request)
{
    if (request->password) {
        wms_free_wiped(request->engine, request->password, strlen(request->password) + 1);
        request->password = NULL;
    }
}

int wms_request_wants_password(wms_request *request)
{
    return !enter(request) && wants_password(request);
}

void wms_request_password(wms_request *request, const char *password, const char *refusal)
{
    if (!wms_request_wants_password(request)) {
        return;
    }
    struct wms_job *job = &request->jobs[0];
    request->password = password ? wms_copy(request->engine, password) : NULL;
    if (!request->password) {
        wms_item_end(&job->whole, password ? WMS_E_NO_MEMORY : WMS_E_CANCELLED, password ? NULL : refusal);
    }
    wms_job_kick(job);
    wms_engine_go_on(request->engine);
}

/* ---- what comes back -------------------------------------------------------------------------------------------- */

static void view(const struct wms_item *item, wms_outcome *ret_outcome)
{
    *ret_outcome = (wms_outcome){
        .server = item->job->text,
        .id = item == &item->job->whole ? NULL : &item->id,
        .user_name = item->user_name,
        .state = item->state,
        .changed = item->changed,
        .code = item->code,
        .text = item->code == 0 ? NULL : item->text ? item->text : wms_error_text(item->code),
        .note = item->note,
    };
}

size_t wms_request_outcome_count(const wms_request *request)
{
    size_t count = 0;

    if (request->done) {
        return request->outcome_count;
    }
    for (size_t i = 0; i < request->job_count; i++) {
        count += outcomes_of(&request->jobs[i]);
    }
    return count;
}

/* The last job whose first outcome (or session) is not behind `index`. */
static const struct wms_job *job_of(const wms_request *request, size_t index, bool of_session)
{
    size_t low = 0, high = request->job_count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        const struct wms_job *job = &request->jobs[middle];
        if ((of_session ? job->first_session : job->first) <= index) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &request->jobs[low];
}

static const struct wms_item *outcome_item(const wms_request *request, size_t index)
{
    if (request->order) {
        return request->order[index];
    }
    const struct wms_job *job = job_of(request, index, false);
    return job->whole_outcome ? &job->whole : &job->items[index - job->first];
}

int wms_request_outcome(const wms_request *request, size_t index, wms_outcome *ret_outcome)
{
    int error = enter(request);

    if (error) {
        return error;
    }
    if (!request->done || index >= request->outcome_count) {
        return WMS_E_NOT_FOUND;
    }
    view(outcome_item(request, index), ret_outcome);
    return 0;
}

int wms_request_next_outcome(wms_request *request, wms_outcome *ret_outcome, size_t *ret_done)
{
    const struct wms_item *item = request->unread;

    if (!item || enter(request)) {
        return 0;
    }
    request->unread = item->finished_next;
    request->read_count++;
    view(item, ret_outcome);
    *ret_done = request->read_count;
    return 1;
}

size_t wms_request_session_count(const wms_request *request)
{
    return request->session_count;
}

int wms_request_session(const wms_request *request, size_t index, wms_session *ret_session)
{
    int error = enter(request);

    if (error) {
        return error;
    }
    if (index >= request->session_count) {
        return WMS_E_NOT_FOUND;
    }
    const struct wms_job *job = job_of(request, index, true);
    *ret_session = *job->listing.sessions[index - job->first_session].whole;
    return 0;
}

void wms_request_drop_value(wms_request *request)
{
    wms_value_free(request->engine, request->value);
    request->value = NULL;
    request->value_error = 0;
}

const wms_value *wms_request_value(wms_request *request)
{
    return !enter(request) && request->done ? request->value : NULL;
}

/* What was skipped only followed from something else: it counts when there is nothing else. */
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

int wms_request_error(wms_request *request, wms_fault *ret_fault)
{
    int error = enter(request);
    char id[WMS_ID_PRINTED], many[64] = "";
    wms_outcome outcome;

    if (error) {
        return error;
    }
    if (!request->done) {
        *ret_fault = (wms_fault){.code = WMS_E_BUSY, .text = "the request is not done yet"};
        return 1;
    }
    if (request->failed_count == 0) {
        return 0;
    }
    view(first_failure(request), &outcome);
    if (!request->summary) {
        if (request->outcome_count > 1) {
            snprintf(many, sizeof many, " (%zu of %zu failed)", request->failed_count, request->outcome_count);
        }
        request->summary = outcome.id ? wms_print(request->engine, "%s: session %s: %s%s", outcome.server,
                                                  wms_id_print(outcome.id, id, sizeof id), outcome.text, many)
                                      : wms_print(request->engine, "%s: %s%s", outcome.server, outcome.text, many);
    }
    *ret_fault = (wms_fault){
        .code = outcome.code,
        .text = request->summary ? request->summary : outcome.text,
        .server = outcome.server,
        .id = outcome.id,
    };
    return 1;
}
