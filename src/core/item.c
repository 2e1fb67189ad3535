/* SPDX-License-Identifier: MIT */
/* item.c - one session of a job: permission, the action, its verification. */
#include <stdio.h>

#include "core/parts.h"

const char wms_not_after_failure[] = "not sent: the command stopped after a failure";

static wms_engine *engine_of(const struct wms_item *item)
{
    return item->job->request->engine;
}

/* ---- permission ------------------------------------------------------------------------------ */

wms_action wms_item_action(const struct wms_item *item)
{
    const wms_request *request = item->job->request;

    return (wms_action){
        .verb = request->verb,
        .server = item->job->folded,
        .id = wms_item_is_whole(item) ? NULL : &item->id,
        .interface_name = request->call.interface_name,
        .operation = request->call.operation,
    };
}

bool wms_item_is_refused(struct wms_item *item, enum wms_verb verb)
{
    wms_engine *engine = engine_of(item);

    if (!engine->guard) {
        return false;
    }
    wms_action action = wms_item_action(item);
    action.verb = verb;
    engine->base.asking = true;
    int refused = engine->guard(engine->guard_data, &action);
    engine->base.asking = false;
    return refused != 0;
}

bool wms_item_admit(struct wms_item *item)
{
    wms_request *request = item->job->request;

    if (item->permitted) {
        return true;
    }
    if (wms_item_is_refused(item, request->verb)) {
        wms_say(request->engine, WMS_INFO, "%s: %s refused by the guard", item->job->text,
                wms_verb_name(request->verb));
        wms_item_finish(item, WMS_FAILED, WMS_E_ACCESS_DENIED, "this program's guard refuses it");
        return false;
    }
    item->permitted = true;
    if (!request->ask) {
        return true;
    }
    wms_item_enter(item, WMS_HELD);
    queue_append(&request->held, &item->waiting);
    wms_request_news(request);
    return false;
}

/* ---- the action ------------------------------------------------------------------------------ */

void wms_item_take_slot(struct wms_item *item)
{
    if (!item->slot) {
        wms_job_waits(item->job);
        item->slot = true;
        item->job->pending++;
        wms_link_take_place(item->job);
    }
}

void wms_item_give_slot(struct wms_item *item)
{
    if (item->slot) {
        item->slot = false;
        item->job->pending--;
        wms_link_give_place(item->job->link);
    }
}

static void take_from_flight(struct wms_item *item)
{
    node_remove(&item->flight);
    if (wms_item_is_whole(item)) {
        wms_job_want(item->job, false);
    }
}

static void act(struct wms_item *item)
{
    wms_request *request = item->job->request;
    struct wms_link *link = item->job->link;
    bool whole = wms_item_is_whole(item), call = item->kind == WMS_ITEM_CALL;
    bool errand = item->kind == WMS_ITEM_ERRAND;
    bool all = whole && item->job->all && !request->what_if && !(request->traits & WMS_IS_QUERY) &&
               !request->some;

    int error = errand ? wms_errand_prepare(item->job) : 0;
    if (error) {
        wms_item_abandon(item, error, NULL);
        return;
    }
    wms_item_take_slot(item);
    wms_item_enter(item, WMS_ACTING);
    item->op = (struct wms_op){
        .verb = request->verb,
        .all = all,
        .message = all && request->verb == WMS_LOCK ? request->message : NULL,
        .title = whole ? NULL : request->title,
        .identity = whole ? NULL : item->identity,
        .activity = whole && request->activity,
        .thumbnail_size = request->thumbnail_size,
    };
    node_prepend(&link->ops, &item->flight);
    if (errand) {
        link->provider->command(link->connection, &item->op, &item->job->delegation->errand);
    } else if (call) {
        wms_job_drop_value(item->job); /* left from a first try, on a connection that broke */
        link->provider->call(link->connection, &item->op, item->job->call);
    } else if (whole) {
        link->provider->list(link->connection, &item->op);
    } else {
        link->provider->act(link->connection, &item->op, request->verb, &item->id,
                            request->message);
    }
}

void wms_item_refuse(struct wms_item *item, const struct wms_provider *provider)
{
    enum wms_verb verb = item->job->request->verb;
    char text[192];

    int length = snprintf(text, sizeof text,
                          verb == WMS_CALL        ? "%s hosts have no calls"
                          : verb == WMS_BIND      ? "%s hosts need no binding"
                          : verb == WMS_MESSAGE   ? "%s hosts cannot show a message in a session"
                          : verb == WMS_REBOOT    ? "%s hosts cannot be rebooted from here"
                          : verb == WMS_POWER_OFF ? "%s hosts cannot be powered off from here"
                          : verb == WMS_THUMBNAIL
                              ? "%s hosts give no pictures of sessions; MultiPoint hosts do"
                              : "%s hosts cannot %s a session",
                          provider->name, wms_verb_name(verb));
    if (provider->cannot && !(item->job->request->traits & (WMS_ON_SERVER | WMS_HAS_THUMBNAIL))) {
        snprintf(text + length, sizeof text - (size_t) length, ": %s", provider->cannot);
    }
    wms_item_finish(item, WMS_FAILED, WMS_E_UNSUPPORTED, text);
}

void wms_item_start(struct wms_item *item)
{
    wms_request *request = item->job->request;
    const struct wms_provider *provider = item->job->link->provider;

    if (!(provider->can & 1u << request->verb) ||
        ((request->traits & WMS_ON_SERVER) && !provider->call)) {
        wms_item_refuse(item, provider);
    } else if (wms_warning_is_due(item)) {
        wms_warning_begin(item);
    } else if (request->verify >= 0 && item->phase != WMS_PRIMED && !wms_item_is_whole(item)) {
        int error = wms_check_begin(item);
        if (error) {
            wms_item_finish(item, WMS_FAILED, error, NULL);
        }
    } else {
        act(item);
    }
}

void wms_item_forget(struct wms_item *item)
{
    struct wms_link *link = item->job->link;

    link->provider->forget(link->connection, &item->op);
}

void wms_item_withdraw(struct wms_item *item)
{
    wms_item_forget(item);
    take_from_flight(item);
    wms_item_give_slot(item);
}

/* A call or a bind went well. */
static void returned(struct wms_item *item)
{
    const wms_request *request = item->job->request;

    if (item->job->value_error) {
        wms_item_abandon(item, item->job->value_error, NULL);
    } else {
        wms_item_finish(item, request->verb == WMS_BIND ? WMS_VERIFIED : WMS_REQUESTED, 0, NULL);
    }
}

/* what_if, of something that is done to the host as a whole: it has told its sessions. */
static void plan_whole(struct wms_item *item)
{
    struct wms_job *job = item->job;
    char note[64];
    int error = wms_listing_index(job);

    if (error) {
        wms_item_finish(item, WMS_FAILED, error, NULL);
        return;
    }
    snprintf(note, sizeof note, "the host has %zu session%s", job->listing.count,
             job->listing.count == 1 ? "" : "s");
    item->note = wms_job_keep(job, note);
    wms_item_finish(item, WMS_PLANNED, 0, NULL);
}

void wms_item_answer(struct wms_item *item, int code, const char *text)
{
    struct wms_job *job = item->job;
    wms_request *request = job->request;

    if (item->phase != WMS_ACTING) {
        return;
    }
    take_from_flight(item);
    wms_item_give_slot(item);
    wms_job_progress(job);
    job->breaks = 0;
    if (job->waking) {
        wms_waking_answered(item, code, text);
    } else if (item->warning) {
        wms_warning_answered(item, code, text);
    } else if (item->kind == WMS_ITEM_ERRAND) {
        wms_errand_answered(item, code, text);
    } else if (code == WMS_E_NOT_FOUND && item != &job->whole) {
        wms_item_vanished(item, text);
    } else if (code != 0) {
        wms_item_finish(item, WMS_FAILED, code, text);
    } else if (item->kind == WMS_ITEM_CALL) {
        returned(item);
    } else if (request->traits & WMS_ON_SERVER) {
        plan_whole(item);
    } else if (wms_item_is_whole(item)) {
        wms_job_listed(job);
    } else if (!item->check) {
        wms_item_finish(item, request->traits & WMS_HAS_THUMBNAIL ? WMS_VERIFIED : WMS_REQUESTED, 0,
                        NULL);
    } else {
        wms_check_answered(item);
    }
    wms_job_kick(job);
}

void wms_item_lost(struct wms_item *item, int code, const char *text)
{
    struct wms_job *job = item->job;

    if (item->phase != WMS_ACTING) {
        return;
    }
    take_from_flight(item);
    wms_item_give_slot(item);
    if (item->warning) {
        wms_warning_answered(item, code, text);
        wms_job_kick(job);
        return;
    }
    /* What was not sent may be repeated on a new connection, and so may a query.  If the link never
     * connected, do not retry. */
    bool again = job->link->was_up || job->link->state != WMS_BROKEN;
    if (code == WMS_E_UNREACHABLE && again && !item->retried && !item->sent) {
        item->retried = true;
        if (item->check && job->link->state == WMS_BROKEN) {
            wms_check_end(item->check);
        }
        wms_item_enter(item, item->check ? WMS_PRIMED : WMS_READY);
        wms_say(job->request->engine, WMS_INFO, "%s: once more on a new connection", job->text);
        wms_job_ready(item);
    } else {
        wms_item_abandon(item, code, text);
    }
    wms_job_kick(job);
}

/* It was not sent, and will not be. */
static void leave_unsent(struct wms_item *item, int code, const char *text)
{
    const wms_request *request = item->job->request;

    if (code == WMS_E_CANCELLED || request->expired) {
        wms_item_finish(item, WMS_SKIPPED, code, text);
    } else if (request->stopped) { /* whatever `code` is: the reason is the failure before */
        wms_item_finish(item, WMS_SKIPPED, WMS_E_CANCELLED, wms_not_after_failure);
    } else {
        wms_item_finish(item, WMS_FAILED, code, text);
    }
}

void wms_item_abandon(struct wms_item *item, int code, const char *text)
{
    if (item->job->waking && wms_waking_goes_on(item, code, text)) {
        return;
    }
    if (!item->sent && !item->doubtful) {
        leave_unsent(item, code, text);
        return;
    }
    char *whole = wms_print(engine_of(item),
                            item->sent ? "%s; the request was sent, and may still be carried out"
                                       : "%s; a former try was sent, and may still be carried out",
                            text ? text : wms_error_text(code));
    wms_item_finish(item, WMS_UNKNOWN, code,
                    whole ? whole : "sent, and no answer came; it may still be carried out");
    wms_free(engine_of(item), whole);
}

void wms_item_vanished(struct wms_item *item, const char *text)
{
    const struct wms_check *check = item->check;

    if (!item->job->all && !item->warned) {
        wms_item_finish(item, WMS_FAILED, WMS_E_NOT_FOUND, text);
    } else if (item->job->request->verb == WMS_CLOSE && !item->warned) {
        if (check && check->before) {
            item->changed = check->differed;
        }
        wms_item_finish(item, WMS_VERIFIED, 0, NULL);
    } else { /* by itself; after a warning, in the time that the user was given */
        wms_item_finish(item, WMS_GONE, 0, NULL);
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

static void finished(struct wms_item *item)
{
    if (item->again) {
        wms_item_pause(item);
        return;
    }
    if (item->job->request->stop_on_error) { /* each session has retries of its own */
        item->job->tries = 0;
    }
    wms_item_enter(item, WMS_DONE);
    item->job->finished++;
    wms_request_finished(item);
}

static void set_result(struct wms_item *item, enum wms_state state, int code, const char *text)
{
    item->state = (unsigned char) state;
    item->code = (signed char) code;
    if (code) {
        wms_item_drop_thumbnail(item);
    }
    if (text && code) {
        item->text =
            wms_job_keep_line(item->job, text); /* out of memory: the code's own text is used */
    }
}

void wms_item_finish(struct wms_item *item, enum wms_state state, int code, const char *text)
{
    struct wms_job *job = item->job;

    if (item->phase >= WMS_OVER) {
        return;
    }
    item->again = wms_item_may_retry(item, code);
    if (wms_item_is_whole(item) && item->again) {
        set_result(item, state, code, text);
        wms_item_pause(item);
        return;
    }
    if (wms_item_is_whole(item) &&
        job->by_id) { /* the listing failed, and with it each session that was asked for */
        wms_item_enter(item, WMS_DONE);
        for (size_t i = 0; i < job->count; i++) {
            bool behind = job->request->stopped && state == WMS_FAILED &&
                          !(job->request->traits & WMS_IS_QUERY);
            wms_item_finish(&job->items[i], behind ? WMS_SKIPPED : state,
                            behind ? WMS_E_CANCELLED : code, behind ? wms_not_after_failure : text);
        }
        return;
    }
    if (wms_item_is_whole(item) && !job->whole_outcome) { /* it is the outcome for all */
        job->whole_outcome = true;
        job->request->expected += 1 - job->count;
        wms_request_counted(job);
    }
    set_result(item, state, code, text);
    if (code && job->request->stop_on_error && !item->again) {
        job->request->stopped = true;
    }
    if (item->check || item->slot) {
        /* This may run inside a service that the provider calls: wms_item_close() ends the
         * observation later. */
        wms_item_enter(item, WMS_OVER);
        queue_prepend(&job->over, &item->ended);
        if (item->check) {
            wms_timer_set(item->check->timer, -1);
        }
        wms_job_kick(job);
    } else {
        finished(item);
    }
}

void wms_item_end_paused(struct wms_item *item)
{
    item->job->paused--;
    item->job->tries = item->job->request->retries; /* no other try */
    wms_item_finish(item, item->state, item->code, item->text);
}

void wms_item_end(struct wms_item *item, int code, const char *text)
{
    switch (item->phase) {
    case WMS_ACTING:
        wms_item_withdraw(item);
        if (item->warning && code == WMS_E_TIMEOUT && !item->job->request->expired) {
            wms_warning_answered(item, code, text);
        } else {
            wms_item_abandon(item, code, text);
        }
        break;
    case WMS_ANSWERED:
    case WMS_SETTLING:
    case WMS_STEADY:
        wms_check_give_up(item, code, text);
        break;
    case WMS_PAUSED:
        wms_item_end_paused(item);
        break;
    default:
        wms_item_abandon(item, code, text);
        break;
    }
}

void wms_item_close(struct wms_item *item)
{
    if (item->check) {
        wms_check_end(item->check);
    }
    wms_item_give_slot(item);
    finished(item);
}
