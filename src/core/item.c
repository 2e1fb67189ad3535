/* item.c - one session of a job: permission, the action, its verification. */
#include <stdio.h>

#include "core/engine.h"

struct wms_item *wms_item_of(struct wms_op *op)
{
    return (struct wms_item *) op;
}

static wms_engine *engine_of(const struct wms_item *item)
{
    return item->job->request->engine;
}

/* ---- permission ------------------------------------------------------------------------------------------------- */

wms_action wms_item_action(const struct wms_item *item)
{
    const wms_request *request = item->job->request;

    return (wms_action){
        .verb = request->verb,
        .server = item->job->text,
        .id = item == &item->job->whole ? NULL : &item->id,
        .interface_name = request->call.interface_name,
        .operation = request->call.operation,
    };
}

static bool guard_refuses(struct wms_item *item)
{
    wms_engine *engine = engine_of(item);

    if (!engine->guard) {
        return false;
    }
    wms_action action = wms_item_action(item);
    engine->asking = true;
    int refused = engine->guard(engine->guard_data, &action);
    engine->asking = false;
    return refused != 0;
}

bool wms_item_admit(struct wms_item *item)
{
    wms_request *request = item->job->request;

    if (item->permitted) {
        return true;
    }
    if (guard_refuses(item)) {
        wms_say(request->engine, WMS_INFO, "%s: %s refused by the guard", item->job->text, wms_verb_name(request->verb));
        wms_item_finish(item, WMS_FAILED, WMS_E_ACCESS_DENIED, "this program's guard refuses it");
        return false;
    }
    item->permitted = true;
    if (!request->ask) {
        return true;
    }
    item->phase = WMS_HELD;
    item->next = NULL;
    *request->held_tail = item;
    request->held_tail = &item->next;
    wms_request_news(request);
    return false;
}

/* ---- the action ------------------------------------------------------------------------------------------------- */

static void take_slot(struct wms_item *item)
{
    if (!item->slot) {
        wms_job_waits(item->job);
        item->slot = true;
        item->job->link->active++;
        item->job->pending++;
        wms_link_served(item->job);
    }
}

static void give_slot(struct wms_item *item)
{
    struct wms_link *link = item->job->link;

    if (!item->slot) {
        return;
    }
    item->slot = false;
    item->job->pending--;
    bool was_full = wms_link_full(link);
    link->active--;
    if (was_full) {
        for (struct wms_job *job = link->jobs; job; job = job->link_next) {
            if (job->starved) {
                wms_job_kick(job);
            }
        }
    }
}

static void put_in_flight(struct wms_item *item)
{
    struct wms_link *link = item->job->link;

    item->op_prev = NULL;
    item->op_next = link->ops;
    if (link->ops) {
        link->ops->op_prev = item;
    }
    link->ops = item;
}

static void take_from_flight(struct wms_item *item)
{
    if (item->op_prev) {
        item->op_prev->op_next = item->op_next;
    } else {
        item->job->link->ops = item->op_next;
    }
    if (item->op_next) {
        item->op_next->op_prev = item->op_prev;
    }
    if (item == &item->job->whole) {
        item->job->wants = false;
    }
}

static void act(struct wms_item *item)
{
    wms_request *request = item->job->request;
    struct wms_link *link = item->job->link;
    bool whole = item == &item->job->whole, call = wms_is_call(request->verb);
    bool all = whole && request->all && !request->what_if && request->verb != WMS_SESSIONS;

    take_slot(item);
    item->phase = WMS_ACTING;
    item->op = (struct wms_op){
        .verb = request->verb,
        .all = all,
        .message = all && request->verb == WMS_LOCK ? request->message : NULL,
        .title = whole ? NULL : request->title,
        .identity = whole ? NULL : item->identity,
    };
    put_in_flight(item);
    if (call) {
        wms_request_drop_value(request); /* of a first try, on a connection that broke */
        link->provider->call(link->connection, &item->op, &request->call);
    } else if (whole) {
        link->provider->list(link->connection, &item->op);
    } else {
        link->provider->act(link->connection, &item->op, request->verb, &item->id, request->message);
    }
}

static void check_fired(void *data);

static int observe(struct wms_item *item)
{
    struct wms_link *link = item->job->link;
    struct wms_check *check = wms_zalloc(link->engine, sizeof *check);

    if (!check) {
        return WMS_E_NO_MEMORY;
    }
    struct wms_loop *loop = wms_engine_loop(link->engine);
    check->timer = loop ? wms_deadline_new(loop, check_fired, check) : NULL;
    if (!check->timer) {
        wms_free(link->engine, check);
        return loop ? WMS_E_NO_MEMORY : link->engine->loop_error;
    }
    check->observer.verb = item->job->request->verb;
    check->item = item;
    check->link = link;
    check->next = link->checks;
    if (check->next) {
        check->next->prev = check;
    }
    link->checks = check;
    item->check = check;
    item->phase = WMS_BASELINE;
    take_slot(item);
    check->observing = true;
    link->provider->observe(link->connection, &check->observer, &item->id);
    return 0;
}

void wms_item_refuse(struct wms_item *item, const struct wms_provider *provider)
{
    enum wms_verb verb = item->job->request->verb;
    char text[192];

    int length = snprintf(text, sizeof text,
                          verb == WMS_CALL      ? "%s hosts have no calls"
                          : verb == WMS_BIND    ? "%s hosts need no binding"
                          : verb == WMS_MESSAGE ? "%s hosts cannot show a message in a session"
                                                : "%s hosts cannot %s a session",
                          provider->name, wms_verb_name(verb));
    if (provider->cannot && !wms_is_call(verb)) {
        snprintf(text + length, sizeof text - (size_t) length, ": %s", provider->cannot);
    }
    wms_item_finish(item, WMS_FAILED, WMS_E_UNSUPPORTED, text);
}

void wms_item_start(struct wms_item *item)
{
    wms_request *request = item->job->request;
    const struct wms_provider *provider = item->job->link->provider;

    if (!(provider->can & 1u << request->verb) || (wms_is_call(request->verb) && !provider->call)) {
        wms_item_refuse(item, provider);
    } else if (request->verify >= 0 && item->phase != WMS_PRIMED && item != &item->job->whole) {
        int error = observe(item);
        if (error) {
            wms_item_finish(item, WMS_FAILED, error, NULL);
        }
    } else {
        act(item);
    }
}

void wms_item_sent(struct wms_item *item)
{
    item->sent = true;
}

void wms_item_forget(struct wms_item *item)
{
    struct wms_link *link = item->job->link;

    link->provider->forget(link->connection, &item->op);
}

/* A call or a bind went well. */
static void returned(struct wms_item *item)
{
    const wms_request *request = item->job->request;

    if (request->value_error) {
        wms_item_abandon(item, request->value_error, NULL);
    } else {
        wms_item_finish(item, request->verb == WMS_BIND ? WMS_VERIFIED : WMS_REQUESTED, 0, NULL);
    }
}

static void evaluate(struct wms_item *item);
static void unverified(struct wms_item *item, const char *why);

void wms_item_answer(struct wms_item *item, int code, const char *text)
{
    struct wms_job *job = item->job;
    wms_request *request = job->request;

    if (item->phase != WMS_ACTING) {
        return;
    }
    take_from_flight(item);
    give_slot(item);
    wms_job_progress(job);
    job->breaks = 0;
    if (code != 0) {
        wms_item_finish(item, WMS_FAILED, code, text);
    } else if (wms_is_call(request->verb)) {
        returned(item);
    } else if (item == &job->whole) {
        wms_job_listed(job);
    } else if (!item->check) {
        wms_item_finish(item, WMS_REQUESTED, 0, NULL);
    } else if (!item->check->observing) {
        unverified(item, "the observation ended");
    } else {
        item->phase = WMS_SETTLING;
        wms_timer_set(item->check->timer, request->verify);
        evaluate(item);
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
    give_slot(item);
    /* A request that never left may go again on a new connection, and so may a question.  Where there was none, there will
     * be none. */
    bool again = job->link->was_up || job->link->state != WMS_BROKEN;
    if (code == WMS_E_UNREACHABLE && again && !item->retried && !item->sent) {
        item->retried = true;
        if (item->check && job->link->state == WMS_BROKEN) {
            wms_check_end(item->check);
        }
        item->phase = item->check ? WMS_PRIMED : WMS_READY;
        wms_say(job->request->engine, WMS_INFO, "%s: once more on a new connection", job->text);
        wms_job_ready(item);
    } else {
        wms_item_abandon(item, code, text);
    }
    wms_job_kick(job);
}

void wms_item_abandon(struct wms_item *item, int code, const char *text)
{
    if (!item->sent) {
        wms_item_finish(item, code == WMS_E_CANCELLED ? WMS_SKIPPED : WMS_FAILED, code, text);
        return;
    }
    char *whole = wms_print(engine_of(item), "%s; the request was sent, and may still be carried out",
                            text ? text : wms_error_text(code));
    wms_item_finish(item, WMS_UNKNOWN, code, whole ? whole : "sent, and no answer came; it may still be carried out");
    wms_free(engine_of(item), whole);
}

/* ---- verification ----------------------------------------------------------------------------------------------- */

static bool is_wanted(enum wms_verb verb, const struct wms_sight *sight)
{
    switch (verb) {
    case WMS_UNLOCK:
        return sight->present && sight->locked == 0;
    case WMS_LOCK:
        return sight->present && sight->locked == 1;
    case WMS_DISCONNECT:
        return !sight->present || sight->disconnected;
    case WMS_CLOSE:
        return !sight->present;
    default:
        return true;
    }
}

static bool has_gone(const struct wms_item *item)
{
    enum wms_verb verb = item->job->request->verb;

    return !item->check->sight.present && (verb == WMS_LOCK || verb == WMS_UNLOCK);
}

static void settle(struct wms_item *item)
{
    item->changed = item->check->differed;
    wms_item_finish(item, WMS_VERIFIED, 0, NULL);
}

/* The host has answered: is it as asked? */
static void evaluate(struct wms_item *item)
{
    wms_request *request = item->job->request;

    if (has_gone(item)) {
        wms_item_finish(item, WMS_FAILED, WMS_E_NOT_FOUND, "the session ended");
    } else if (is_wanted(request->verb, &item->check->sight)) {
        if (request->stable >= 0) {
            item->phase = WMS_STEADY;
            wms_timer_set(item->check->timer, request->stable);
        } else {
            settle(item);
        }
    }
}

void wms_check_seen(struct wms_check *check, const struct wms_sight *sight)
{
    struct wms_item *item = check->item;
    enum wms_verb verb = item->job->request->verb;

    if (item->phase >= WMS_OVER) {
        return;
    }
    check->sight = *sight;
    if (!is_wanted(verb, sight)) {
        check->differed = true;
    }
    switch (item->phase) {
    case WMS_BASELINE:
        wms_job_progress(item->job);
        item->phase = WMS_PRIMED;
        wms_job_ready(item);
        break;
    case WMS_SETTLING:
        evaluate(item);
        break;
    case WMS_STEADY:
        if (has_gone(item)) {
            wms_item_finish(item, WMS_FAILED, WMS_E_NOT_FOUND, "the session ended while it was watched");
        } else if (!is_wanted(verb, sight)) {
            wms_item_finish(item, WMS_FAILED, WMS_E_REVERTED,
                            verb == WMS_LOCK ? "it was locked, and is unlocked again" : "it was unlocked, and is locked again");
        }
        break;
    default:
        break;
    }
    wms_job_kick(item->job);
}

static void unverified(struct wms_item *item, const char *why)
{
    wms_request *request = item->job->request;
    const struct wms_sight *sight = &item->check->sight;
    const char *state = request->verb == WMS_CLOSE        ? "is still there"
                        : request->verb == WMS_DISCONNECT ? "is still connected"
                        : sight->locked < 0               ? "does not show whether it is locked"
                        : sight->locked                   ? "is still locked"
                                                          : "is still unlocked";
    char *text = why ? wms_print(request->engine, "the host took the request, but how the session is cannot be seen: %s", why)
                     : wms_print(request->engine, "the host took the request, but after %g s the session %s", request->verify, state);

    wms_item_finish(item, WMS_FAILED, WMS_E_UNVERIFIED, text);
    wms_free(request->engine, text);
}

static void check_fired(void *data)
{
    struct wms_item *item = ((struct wms_check *) data)->item;

    if (item->phase == WMS_SETTLING) {
        unverified(item, NULL);
    } else if (item->phase == WMS_STEADY) {
        settle(item);
    }
    wms_job_kick(item->job);
}

void wms_check_blind(struct wms_check *check, int code, const char *text)
{
    struct wms_item *item = check->item;
    struct wms_job *job = item->job;
    bool broken = check->link->state == WMS_BROKEN;

    check->observing = broken && check->observing; /* then it is still the provider's, until it is told */
    switch (item->phase) {
    case WMS_BASELINE:
    case WMS_PRIMED:
        if (code == WMS_E_UNREACHABLE && !item->retried && broken) {
            bool listed = item->phase == WMS_PRIMED;
            item->retried = true;
            item->phase = WMS_READY;
            if (!listed) {
                wms_job_ready(item);
            }
        } else {
            wms_item_finish(item, WMS_FAILED, code, text);
        }
        break;
    case WMS_SETTLING:
    case WMS_STEADY:
        unverified(item, text ? text : wms_error_text(code));
        break;
    default: /* acting: the answer finds it blind */
        break;
    }
    if (broken) {
        give_slot(item);
        wms_check_end(check);
    }
    wms_job_kick(job);
}

/* Frees it; the provider is told if it still observes. */
void wms_check_end(struct wms_check *check)
{
    struct wms_link *link = check->link;

    if (check->observing) {
        link->provider->unobserve(link->connection, &check->observer);
    }
    if (check->prev) {
        check->prev->next = check->next;
    } else {
        link->checks = check->next;
    }
    if (check->next) {
        check->next->prev = check->prev;
    }
    wms_timer_free(check->timer);
    check->item->check = NULL;
    wms_free(link->engine, check);
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static void finished(struct wms_item *item)
{
    item->phase = WMS_DONE;
    item->job->finished++;
    wms_request_finished(item);
}

void wms_item_finish(struct wms_item *item, enum wms_state state, int code, const char *text)
{
    struct wms_job *job = item->job;

    if (item->phase >= WMS_OVER) {
        return;
    }
    if (item == &job->whole && job->by_id) { /* the question failed: so do all that it was asked for */
        item->phase = WMS_DONE;
        for (size_t i = 0; i < job->count; i++) {
            wms_item_finish(&job->items[i], state, code, text);
        }
        return;
    }
    job->whole_outcome = job->whole_outcome || item == &job->whole;
    item->state = (unsigned char) state;
    item->code = (signed char) code;
    if (text && code) {
        item->text = wms_job_keep_line(job, text); /* without memory for it, the code's own text stands */
    }
    if (code && job->request->stop_on_error) {
        job->request->stopped = true;
    }
    if (item->check || item->slot) {
        /* Perhaps inside the provider's callback: the observation ends later. */
        item->phase = WMS_OVER;
        item->finished_next = job->over;
        job->over = item;
        if (item->check) {
            wms_timer_set(item->check->timer, -1);
        }
        wms_job_kick(job);
    } else {
        finished(item);
    }
}

void wms_item_end(struct wms_item *item, int code, const char *text)
{
    switch (item->phase) {
    case WMS_ACTING:
        wms_item_forget(item);
        take_from_flight(item);
        give_slot(item);
        wms_item_abandon(item, code, text);
        break;
    case WMS_SETTLING:
    case WMS_STEADY:
        wms_item_finish(item, WMS_REQUESTED, code,
                        code == WMS_E_CANCELLED ? "the host took the request; cancelled before the session's state was verified"
                                                : "the host took the request; the session's state could not be verified");
        break;
    default:
        wms_item_finish(item, code == WMS_E_CANCELLED ? WMS_SKIPPED : WMS_FAILED, code, text);
        break;
    }
}

void wms_item_close(struct wms_item *item)
{
    if (item->check) {
        wms_check_end(item->check);
    }
    give_slot(item);
    finished(item);
}
