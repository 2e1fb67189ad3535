/* SPDX-License-Identifier: MIT */
/* verify.c - verifies that a session is as asked: observes it once before the action, and from the
 * host's answer on until it is as asked. */
#include "core/parts.h"
#include "core/polling.h"

static wms_engine *engine_of(const struct wms_item *item)
{
    return item->job->request->engine;
}

/* ---- observations ---------------------------------------------------------------------------- */

static struct wms_check *check_new(struct wms_item *item, struct wms_link *link)
{
    struct wms_check *check = wms_zalloc(link->engine, sizeof *check);

    if (check) {
        check->observer.verb = item->job->request->verb;
        check->observer.identity = item->identity;
        check->item = item;
        check->link = link;
        node_prepend(&link->checks, &check->node);
        item->job->checks++;
    }
    return check;
}

static void look(struct wms_check *check)
{
    struct wms_link *link = check->link;

    check->observing = true;
    link->provider->observe(link->connection, &check->observer, &check->item->id);
}

static void check_fired(void *data);

int wms_check_begin(struct wms_item *item)
{
    struct wms_link *link = item->job->link;
    struct wms_loop *loop = wms_engine_loop(link->engine);
    struct wms_timer *timer = loop ? wms_deadline_new(loop, check_fired, item) : NULL;
    struct wms_check *check = timer ? check_new(item, link) : NULL;

    if (!check) {
        wms_timer_free(timer);
        return loop ? WMS_E_NO_MEMORY : link->engine->loop_error;
    }
    check->timer = timer;
    item->check = check;
    wms_item_enter(item, WMS_BASELINE);
    wms_item_take_slot(item);
    look(check);
    return 0;
}

/* Calls unobserve() if the provider still observes. */
static void check_free(struct wms_check *check)
{
    struct wms_link *link = check->link;

    if (check->observing) {
        link->provider->unobserve(link->connection, &check->observer);
    }
    wms_polling_end(&check->polling);
    node_remove(&check->node);
    wms_timer_free(check->timer);
    check->item->job->checks--;
    wms_free(link->engine, check);
}

void wms_check_end(struct wms_check *check)
{
    check->item->check = NULL;
    check_free(check);
}

/* ---- results --------------------------------------------------------------------------------- */

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

/* Whether it is locked is what was asked for, and nobody can tell. */
static bool is_unknown(const struct wms_item *item, const struct wms_sight *sight)
{
    return (item->job->request->traits & WMS_CHANGES_LOCK) && sight->present && sight->locked < 0;
}

static bool has_gone(const struct wms_item *item)
{
    return !item->check->sight.present && (item->job->request->traits & WMS_CHANGES_LOCK);
}

static void settle(struct wms_item *item)
{
    const struct wms_check *check = item->check;

    if (check->before || check->differed) { /* else it is unknown how it was before */
        item->changed = check->differed;
    }
    wms_item_finish(item, WMS_VERIFIED, 0, NULL);
}

/* Compares the last sight with what was asked for. */
static void evaluate(struct wms_item *item)
{
    wms_request *request = item->job->request;

    if (has_gone(item)) {
        wms_item_vanished(item, "the session ended");
    } else if (is_wanted(request->verb, &item->check->sight)) {
        if (request->stable >= 0) {
            wms_item_enter(item, WMS_STEADY);
            wms_timer_set(item->check->timer, request->stable);
        } else {
            settle(item);
        }
    } else if (item->check->late) {
        check_fired(item);
    }
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
    char *text =
        why ? wms_print(request->engine,
                        "the host took the request, but how the session is cannot be seen: %s", why)
            : wms_print(request->engine, "the host took the request, but after %g s the session %s",
                        request->verify, state);

    wms_item_finish(item, WMS_FAILED, WMS_E_UNVERIFIED, text);
    wms_free(request->engine, text);
}

/* The session cannot be observed any more. */
static void gone_blind(struct wms_item *item, int code, const char *why)
{
    if (code == WMS_E_NO_MEMORY) { /* that is our fault, not the host's */
        wms_check_give_up(item, code, why);
    } else {
        unverified(item, why);
    }
}

static void check_fired(void *data)
{
    struct wms_item *item = data;
    struct wms_check *check = item->check;
    const wms_request *request = item->job->request;
    char *text;

    switch (item->phase) {
    case WMS_ANSWERED:
    case WMS_SETTLING:
        if (check->looked) {
            unverified(item, NULL);
        } else if (!check->late &&
                   request->timeout > request->verify) { /* wait for a first sight */
            check->late = true;
            wms_timer_set(check->timer, request->timeout - request->verify);
        } else {
            text = wms_print(engine_of(item), "no answer within %g s",
                             check->late ? request->timeout : request->verify);
            unverified(item, text ? text : wms_error_text(WMS_E_TIMEOUT));
            wms_free(engine_of(item), text);
        }
        break;
    case WMS_STEADY:
        settle(item);
        break;
    default:
        break;
    }
    wms_job_kick(item->job);
}

/* ---- events ---------------------------------------------------------------------------------- */

void wms_check_answered(struct wms_item *item)
{
    struct wms_job *job = item->job;

    if (item->check->blind) {
        gone_blind(item, item->check->blind_code, item->check->blind);
        return;
    }
    wms_item_enter(item, WMS_ANSWERED);
    wms_timer_set(item->check->timer, job->request->verify);
    queue_prepend(&job->answered, &item->waiting);
    wms_job_kick(job);
}

/* What the old observation has reported, or will report, may be from before the action: so another
 * one begins, whose first sight is from after it.  The old one ends only then, for providers whose
 * observers share something. */
static void renew(struct wms_item *item)
{
    struct wms_check *old = item->check;
    struct wms_check *check = check_new(item, old->link);

    if (!check) {
        gone_blind(item, WMS_E_NO_MEMORY, NULL);
        return;
    }
    check->timer = old->timer;
    old->timer = NULL;
    check->differed = old->differed;
    check->before = old->before;
    item->check = check;
    wms_item_enter(item, WMS_SETTLING);
    look(check);
    check_free(old);
}

void wms_checks_renew(struct wms_job *job)
{
    while (!queue_is_empty(&job->answered)) {
        struct wms_item *item = NODE_OWNER(queue_take(&job->answered), struct wms_item, waiting);
        /* What was observed on a broken link ends with the link. */
        if (item->phase == WMS_ANSWERED && item->check->link->state != WMS_BROKEN) {
            renew(item);
        }
    }
}

/* One sight from before the action is enough: a question that is under way when the action has been
 * answered would be dropped, and its connection with it. */
bool wms_check_is_open(const struct wms_check *check)
{
    const struct wms_item *item = check->item;

    return check == item->check && (item->phase == WMS_SETTLING || item->phase == WMS_STEADY);
}

void wms_check_seen(struct wms_check *check, const struct wms_sight *sight)
{
    struct wms_item *item = check->item;
    enum wms_verb verb = item->job->request->verb;

    if (item->phase >= WMS_OVER ||
        check != item->check) { /* or an old one, which is about to end: see renew() */
        return;
    }
    check->sight = *sight;
    if (!is_wanted(verb, sight) && !is_unknown(item, sight)) {
        check->differed = true;
    }
    switch (item->phase) {
    case WMS_BASELINE:
        check->before = !is_unknown(item, sight);
        wms_job_progress(item->job);
        wms_item_enter(item, WMS_PRIMED);
        wms_job_ready(item);
        break;
    case WMS_SETTLING:
        check->looked = true;
        evaluate(item);
        break;
    case WMS_STEADY:
        if (has_gone(item)) {
            wms_item_vanished(item, "the session ended while it was watched");
        } else if (!is_wanted(verb, sight)) {
            wms_item_finish(item, WMS_FAILED, WMS_E_REVERTED,
                            verb == WMS_LOCK ? "it was locked, and is unlocked again"
                                             : "it was unlocked, and is locked again");
        }
        break;
    default:
        break;
    }
    wms_job_kick(item->job);
}

/* The observation before the action has failed. */
static void blind_before(struct wms_item *item, bool broken, int code, const char *text)
{
    bool listed = item->phase == WMS_PRIMED; /* it is in job->placed already */

    if (!broken) {
        wms_item_enter(item,
                       WMS_PRIMED); /* sent all the same: perhaps it can be observed afterwards */
        wms_job_progress(item->job);
    } else if (code == WMS_E_UNREACHABLE && !item->retried) {
        item->retried = true;
        wms_item_enter(item, WMS_READY);
    } else {
        wms_item_abandon(item, code, text);
        return;
    }
    if (!listed) {
        wms_job_ready(item);
    }
}

void wms_check_blind(struct wms_check *check, int code, const char *text)
{
    struct wms_item *item = check->item;
    struct wms_job *job = item->job;
    bool broken = check->link->state == WMS_BROKEN;
    const char *why = text ? text : wms_error_text(code);

    check->observing =
        broken && check->observing; /* if broken, the provider has it until unobserve() */
    if (check != item->check) {
        return;
    }
    switch (item->phase) {
    case WMS_BASELINE:
    case WMS_PRIMED:
        blind_before(item, broken, code, text);
        break;
    case WMS_ACTING: /* wms_check_answered() reports it */
        check->blind = wms_job_keep(job, why);
        check->blind = check->blind ? check->blind : wms_error_text(code);
        check->blind_code = code;
        break;
    case WMS_ANSWERED:
        if (broken) { /* else wms_checks_renew() begins a new observation */
            gone_blind(item, code, why);
        }
        break;
    case WMS_SETTLING:
    case WMS_STEADY:
        gone_blind(item, code, why);
        break;
    default:
        break;
    }
    if (broken) {
        wms_item_give_slot(item);
        wms_check_end(check);
    }
    wms_job_kick(job);
}

void wms_check_give_up(struct wms_item *item, int code, const char *text)
{
    wms_engine *engine = engine_of(item);
    char *whole;

    if (!item->job->request->expired || code != WMS_E_TIMEOUT) {
        wms_item_finish(
            item, WMS_REQUESTED, code,
            code == WMS_E_CANCELLED
                ? "the host took the request; cancelled before the session's state was verified"
                : "the host took the request; the session's state could not be verified");
        return;
    }
    whole =
        wms_print(engine,
                  item->phase == WMS_STEADY
                      ? "the host took the request, and the session was as asked, but was not "
                        "watched to the end: %s"
                      : "the host took the request, but the session's state is not verified: %s",
                  text);
    wms_item_finish(item, WMS_FAILED, WMS_E_UNVERIFIED, whole);
    wms_free(engine, whole);
}
