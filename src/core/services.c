/* SPDX-License-Identifier: MIT */
/* services.c - what the engine offers to providers. */
#include "core/abi.h"
#include "core/binding.h"
#include "core/parts.h"
#include "core/polling.h"
#include "core/watching.h"

static void services_log(wms_engine *engine, enum wms_level level, const char *text)
{
    wms_say(engine, level > WMS_WARNING ? WMS_WARNING : level, "%s",
            text); /* a provider for a later version may use levels that this one does not have */
}

static struct wms_timer *services_timer_new(wms_engine *engine, void (*fire)(void *data),
                                            void *data)
{
    struct wms_loop *loop = wms_engine_loop(engine);

    return loop ? wms_timer_new(loop, fire, data) : NULL;
}

static int services_poll_new(wms_engine *engine, int fd, void (*ready)(void *data, int events),
                             void *data, struct wms_poll **ret_poll)
{
    struct wms_loop *loop = wms_engine_loop(engine);

    return loop ? wms_poll_new(loop, fd, ready, data, ret_poll) : engine->loop_error;
}

/* What a provider knows as an op is an item. */
static struct wms_item *item_of(struct wms_op *op)
{
    return (struct wms_item *) op;
}

/* Whether the op is still under way: what a provider reports about an op that has ended is ignored.
 */
static bool is_open(struct wms_op *op)
{
    return item_of(op)->phase == WMS_ACTING;
}

static void services_user(struct wms_op *op, const char *user_name)
{
    struct wms_item *item = item_of(op);

    if (is_open(op) && !(item->job->listed && item->user_name)) { /* else the listing has told it */
        const char *copy = user_name ? wms_job_keep(item->job, user_name) : NULL;
        item->user_name = copy ? copy : item->user_name; /* out of memory: the name is left out */
    }
}

static void services_note(struct wms_op *op, const char *note)
{
    struct wms_item *item = item_of(op);

    if (is_open(op)) {
        const char *copy = note ? wms_job_keep_line(item->job, note) : NULL;
        item->note = copy ? copy : item->note;
    }
}

static void services_sent(struct wms_op *op)
{
    bool changes = !(item_of(op)->job->request->traits & WMS_HAS_THUMBNAIL);

    if (is_open(op) && changes && !item_of(op)->warning) { /* which is not what was asked for */
        item_of(op)->sent = true;
    }
}

static void services_alive(struct wms_op *op)
{
    if (is_open(op)) {
        wms_job_progress(item_of(op)->job);
    }
}

static bool is_call(struct wms_op *op)
{
    return is_open(op) && wms_traits_of_call(item_of(op)->job->request->traits);
}

static int services_result(struct wms_op *op, const wms_value *result)
{
    if (!is_call(op)) {
        return 0;
    }
    struct wms_job *job = item_of(op)->job;
    wms_job_drop_value(job);
    job->value_error = wms_value_copy(job->request->engine, result, &job->value);
    return job->value_error;
}

static int services_thumbnail(struct wms_op *op, const void *data, size_t size)
{
    bool wanted = is_open(op) && (item_of(op)->job->request->traits & WMS_HAS_THUMBNAIL) &&
                  !wms_item_is_whole(item_of(op));

    return wanted ? wms_item_keep_thumbnail(item_of(op), data, size) : 0;
}

static void services_want(struct wms_op *op)
{
    struct wms_job *job = item_of(op)->job;

    if (is_call(op) && op->verb == WMS_BIND && job->link->provider->secret) {
        wms_job_wish(job);
    }
}

static int services_session(struct wms_op *op, const wms_session *session)
{
    if (!is_open(op)) {
        return WMS_E_PROTOCOL;
    }
    struct wms_job *job = item_of(op)->job;
    if (job->waking) {
        return 0; /* that the host answers is all that is to be known */
    }
    if (item_of(op)->kind == WMS_ITEM_ERRAND) {
        return WMS_E_PROTOCOL;
    }
    wms_session whole;
    wms_session_init(&whole); /* members that the provider's struct does not have are unknown */
    wms_take(&whole, sizeof whole, session, job->link->provider->session_size);
    return wms_listing_add(job, &whole);
}

static int services_outcome(struct wms_op *op, const wms_outcome *outcome)
{
    struct wms_item *item = item_of(op);
    wms_outcome whole = {.changed = -1};

    if (!is_open(op) || item->kind != WMS_ITEM_ERRAND) {
        return WMS_E_PROTOCOL;
    }
    wms_take(&whole, sizeof whole, outcome, item->job->link->provider->outcome_size);
    return wms_errand_outcome(item, &whole);
}

static void services_answer(struct wms_op *op, int code, const char *text)
{
    if (is_open(op)) {
        wms_engine_refine_error(item_of(op)->job->request->engine, &code, &text);
        wms_item_answer(item_of(op), code ? wms_error_code(code) : 0, text);
    }
}

static void services_lost(struct wms_op *op, int code, const char *text)
{
    if (is_open(op)) {
        wms_engine_refine_error(item_of(op)->job->request->engine, &code, &text);
        wms_item_lost(item_of(op), wms_error_code(code), text);
    }
}

static void services_seen(struct wms_observer *observer, const struct wms_sight *sight)
{
    struct wms_check *check = (struct wms_check *) observer;
    struct wms_sight whole = {.locked = -1};

    wms_take(&whole, sizeof whole, sight, check->link->provider->sight_size);
    /* A session that has gone does not come back. */
    wms_polling_seen(&check->polling, whole.present && wms_check_is_open(check));
    wms_check_seen(check, &whole);
}

static void services_blind(struct wms_observer *observer, int code, const char *text)
{
    struct wms_check *check = (struct wms_check *) observer;

    check->observing = false;
    wms_polling_end(&check->polling);
    if (check->link->state != WMS_BROKEN) { /* else it ends with the link */
        wms_engine_refine_error(check->link->engine, &code, &text);
        wms_check_blind(check, wms_error_code(code), text);
    }
}

static int services_observe_by_polling(struct wms_observer *observer, void (*ask)(void *data),
                                       void *data)
{
    struct wms_check *check = (struct wms_check *) observer;
    wms_engine *engine = check->link->engine;
    struct wms_loop *loop = wms_engine_loop(engine);

    return loop ? wms_polling_begin(&check->polling, loop, ask, data) : engine->loop_error;
}

/* Copies a provider's change, whose structs may be shorter than ours. */
static void services_changed(struct wms_watcher *watcher, const struct wms_change *change)
{
    struct wms_watched *watched = (struct wms_watched *) watcher;
    struct wms_change whole;
    wms_session session;
    char why[128];

    if (!watched->link || watched->link->state == WMS_BROKEN) {
        return; /* the server is lost, or the watching has ended */
    }
    const struct wms_provider *provider = watched->link->provider;
    wms_change_init(&whole, NULL);
    wms_take(&whole, sizeof whole, change, provider->change_size);
    wms_id id = whole.id ? *whole.id : (wms_id){.number = 0};
    if (whole.id && wms_id_check(&id, why, sizeof why)) {
        return; /* no host may have such a session: lists leave it out, too */
    }
    whole.id = whole.id ? &id : NULL;
    if (whole.session) {
        wms_session_init(&session);
        wms_take(&session, sizeof session, whole.session, provider->session_size);
        session.id = id;
        whole.session = &session;
    }
    watched->listener->changed(watched, &whole);
}

static void services_unwatched(struct wms_watcher *watcher, int code, const char *text)
{
    struct wms_watched *watched = (struct wms_watched *) watcher;

    /* else it has ended, or ends with the link */
    if (watched->link && watched->link->state != WMS_BROKEN) {
        wms_engine_refine_error(watched->link->engine, &code, &text);
        watched->listener->unwatched(watched, wms_error_code(code), text);
    }
}

/* ---- what belongs to the engine -------------------------------------------------------------- */

static int services_load(struct wms_link *link, wms_value **ret_binding, const char **ret_text)
{
    int error = wms_binding_load(link, ret_binding);

    *ret_text = error && error != WMS_E_NO_MEMORY ? link->engine->base.complaint : NULL;
    return error;
}

static int services_save(struct wms_link *link, const wms_value *binding, const char **ret_text)
{
    int error = wms_binding_save(link, binding);

    *ret_text = error && error != WMS_E_NO_MEMORY ? link->engine->base.complaint : NULL;
    return error;
}

static const wms_transport *services_transport(wms_engine *engine)
{
    return &engine->transport;
}

static const struct wms_services services = {
    .abi = WMS_PROVIDER_ABI,
    .size = sizeof services,
    .resize = wms_resize,
    .log = services_log,
    .timer_new = services_timer_new,
    .timer_set = wms_timer_set,
    .timer_free = wms_timer_free,
    .poll_new = services_poll_new,
    .poll_set = wms_poll_set,
    .poll_free = wms_poll_free,
    .up = wms_link_up,
    .broken = wms_link_broken,
    .sent = services_sent,
    .user = services_user,
    .note = services_note,
    .session = services_session,
    .answer = services_answer,
    .lost = services_lost,
    .seen = services_seen,
    .blind = services_blind,
    .ready = wms_link_ready,
    .retire = wms_link_retire,
    .alive = services_alive,
    .result = services_result,
    .want = services_want,
    .load = services_load,
    .save = services_save,
    .drop = wms_value_free,
    .slot = wms_engine_slot,
    .transport = services_transport,
    .work_new = wms_work_new,
    .work_start = wms_work_start,
    .work_free = wms_work_free,
    .address_size = sizeof(struct wms_address),
    .op_size = sizeof(struct wms_op),
    .observer_size = sizeof(struct wms_observer),
    .call_size = sizeof(struct wms_call),
    .transport_size = sizeof(wms_transport),
    .observe_by_polling = services_observe_by_polling,
    .changed = services_changed,
    .unwatched = services_unwatched,
    .work_start_apart = wms_work_start_apart,
    .watcher_size = sizeof(struct wms_watcher),
    .thumbnail = services_thumbnail,
    .search = wms_binding_search,
    .outcome = services_outcome,
    .errand_size = sizeof(struct wms_errand),
    .requests = &wms_inner_requests,
};

const struct wms_services *wms_engine_services(void)
{
    return &services;
}
