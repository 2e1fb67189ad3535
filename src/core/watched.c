/* SPDX-License-Identifier: MIT */
/* watched.c - one server of a watch: when it is asked for its sessions, what its provider tells in
 * between, and how it comes back after it was lost. */
#include <string.h>

#include "core/abi.h"
#include "core/pack.h"
#include "core/parts.h"
#include "core/watching.h"

/* Seconds: */
static const double spacing = 1; /* from one question to the next, at least */
static const double first_interval = 1, last_interval = 10; /* where changes are not told */
static const double growth = 1.5;
static const double share =
    10; /* the interval is at least so many times what the answer has taken */
static const double first_pause = 0.5, last_pause = 30; /* before it is reached again */
static const double lasting = 10; /* a connection that has lasted: the next pause is a first one */

static wms_engine *engine_of(const struct wms_watched *watched)
{
    return watched->watch->engine;
}

static double now(const struct wms_watched *watched)
{
    return wms_loop_now(engine_of(watched)->loop);
}

/* ---- when it is asked ------------------------------------------------------------------------ */

static void time_has_come(void *data)
{
    struct wms_watched *watched = data;

    watched->at = -1;
    watched->due = true;
    wms_watched_stir(watched);
}

static void no_time(struct wms_watched *watched)
{
    watched->at = -1;
    watched->due = false;
    wms_timer_set(watched->timer, -1);
}

/* It is asked in so many seconds, if not earlier. */
static void ask_in(struct wms_watched *watched, double seconds)
{
    double at = now(watched) + seconds;

    if (!watched->due && (watched->at < 0 || at < watched->at)) {
        watched->at = at;
        wms_timer_set(watched->timer, seconds);
    }
}

/* It is asked as soon as it may be. */
static void ask(struct wms_watched *watched)
{
    double since = watched->listed < 0 ? spacing : now(watched) - watched->listed;

    if (watched->request) {
        watched->stale = true;
    } else if (since >= spacing) {
        watched->due = true;
        wms_watched_stir(watched);
    } else {
        ask_in(watched, spacing - since);
    }
}

static void lose(struct wms_watched *watched, int code, const char *text);

static void missed(struct wms_watched *watched)
{
    wms_watch_overflow(watched->watch);
    ask(watched);
}

static void tell_deferred(struct wms_watched *watched)
{
    if (wms_deferred_tell(watched)) {
        missed(watched);
    }
}

/* ---- its link -------------------------------------------------------------------------------- */

static void leave(struct wms_watched *watched)
{
    struct wms_link *link = watched->link;

    if (!link) {
        return;
    }
    wms_deferred_drop(watched); /* the next listing is of another connection, and newer */
    if (watched->watching) {
        watched->watching = false;
        link->provider->unwatch(link->connection, &watched->watcher);
    }
    watched->watcher.data = NULL;
    watched->link = NULL;
    node_remove(&watched->on_link);
    wms_link_left(link);
}

/* On its link: the provider reports changes, or never does. */
static bool is_listened_to(const struct wms_watched *watched)
{
    const struct wms_provider *provider = watched->link->provider;

    return watched->watching || watched->deaf || !(provider->watch && provider->unwatch);
}

/* The request for its sessions is about to be sent on that link: lets the provider report changes
 * from here on. */
static void join(struct wms_watched *watched, struct wms_link *link)
{
    const struct wms_provider *provider = link->provider;

    if (watched->link == link && is_listened_to(watched)) {
        return;
    }
    if (watched->state == WMS_WATCH_READY && watched->watching && watched->link->hung) {
        lose(watched, WMS_E_TIMEOUT, NULL);
    } else if (watched->state == WMS_WATCH_READY) {
        tell_deferred(watched); /* it moves, and has missed nothing until now */
    }
    leave(watched);
    watched->watcher = (struct wms_watcher){.again = 0};
    watched->deaf = false;
    watched->link = link;
    node_append(&link->watchers, &watched->on_link);
    if (provider->watch && provider->unwatch) {
        watched->watching = true;
        provider->watch(link->connection, &watched->watcher);
        watched->stale = false; /* the list is yet to be asked for */
    }
}

/* ---- what the provider tells ----------------------------------------------------------------- */

static void on_changed(struct wms_watched *watched, const struct wms_change *change)
{
    if (!watched->watching) {
        return;
    }
    if (!change->id) {
        ask(watched);
        return;
    }
    bool unknown = change->present && !change->session && !wms_picture_has(watched, change->id);
    if (unknown) {
        ask(watched);
    }
    if (watched->request || unknown || !queue_is_empty(&watched->deferred)) {
        if (wms_deferred_add(watched, change)) {
            missed(watched);
        }
    } else if (wms_picture_change(watched, change) == WMS_E_NO_MEMORY) {
        missed(watched);
    }
}

static void on_unwatched(struct wms_watched *watched, int code, const char *text)
{
    if (!watched->watching) { /* it has ended already */
        return;
    }
    watched->watching = false;
    watched->watcher.data = NULL;
    if (code == WMS_E_UNSUPPORTED) {
        watched->deaf = true;
        wms_say(engine_of(watched), WMS_INFO, "%s: changes are not told%s%s; it will be asked",
                watched->text, text ? ": " : "", text ? text : "");
        ask(watched);
        return;
    }
    lose(watched, code, text);
}

/* ---- lost and back --------------------------------------------------------------------------- */

static void try_later(struct wms_watched *watched)
{
    no_time(watched);
    ask_in(watched, watched->pause);
    watched->pause = watched->pause * 2 < last_pause ? watched->pause * 2 : last_pause;
}

static void lose(struct wms_watched *watched, int code, const char *text)
{
    wms_engine *engine = engine_of(watched);
    bool again = watched->state == WMS_WATCH_LOST && watched->code == code;

    wms_deferred_drop(watched);
    if (watched->state == WMS_WATCH_READY && now(watched) - watched->since > lasting) {
        watched->pause = first_pause;
    }
    wms_free(engine, watched->fault);
    watched->fault = text ? wms_copy(engine, text) : NULL;
    watched->code = code;
    watched->state = WMS_WATCH_LOST;
    if (!again) {
        wms_say(engine, WMS_INFO, "%s: not watched: %s", watched->text,
                text ? text : wms_error_text(code));
        wms_watch_tell_lost(watched);
    }
    if (!watched->request) {
        try_later(watched);
    }
}

void wms_watched_broken(struct wms_watched *watched, int code, const char *text)
{
    leave(watched);
    if (watched->state == WMS_WATCH_READY) {
        lose(watched, code, text);
    }
}

/* It is watched, and its sessions are known now. */
static void ready(struct wms_watched *watched, const struct wms_job *job)
{
    bool initial = watched->picture.sessions.count == 0 && watched->since < 0;
    bool unbroken = watched->state == WMS_WATCH_READY;

    if (watched->state != WMS_WATCH_READY) {
        wms_say(engine_of(watched), WMS_INFO, "%s: watched", watched->text);
        wms_watch_tell(watched, watched->state == WMS_WATCH_LOST ? WMS_EVENT_BACK : WMS_EVENT_READY,
                       NULL, false);
        watched->state = WMS_WATCH_READY;
        watched->since = now(watched);
        watched->code = 0;
    }
    if (wms_picture_compare(watched, job, initial, unbroken)) {
        missed(watched);
    }
    tell_deferred(watched);
    if (wms_picture_settle(watched, job)) {
        missed(watched);
    }
}

/* ---- its sessions ---------------------------------------------------------------------------- */

/* When it is asked next, after an answer; `changed`: it was not as expected. */
static void plan(struct wms_watched *watched, bool changed)
{
    if (watched->stale) {
        watched->stale = false;
        ask(watched);
    } else if (watched->watching) {
        if (watched->watcher.again > 0) {
            ask_in(watched, watched->watcher.again);
        }
    } else {
        double least = share * (now(watched) - watched->listed);
        watched->interval = changed ? first_interval : watched->interval * growth;
        watched->interval = watched->interval < last_interval ? watched->interval : last_interval;
        ask_in(watched, watched->interval > least ? watched->interval : least);
    }
}

static void begin_next(wms_watch *watch);

/* The request for its sessions is done. */
static void take_answer(struct wms_watched *watched)
{
    wms_watch *watch = watched->watch;
    wms_request *request = watched->request;
    const struct wms_job *job = &request->jobs[0];
    enum wms_watched_state before = watched->state;
    size_t told = watch->told;

    node_remove(&watched->held);
    watched->request = NULL;
    request->watched = NULL;
    watch->connecting -= watched->turn;
    watched->turn = false;
    if (!job->listed) {
        leave(watched);
        lose(watched, job->whole.code, job->whole.text);
    } else if (!watched->link || !is_listened_to(watched)) { /* it was lost meanwhile */
        leave(watched);
        if (watched->state == WMS_WATCH_LOST) {
            try_later(watched);
        } else {
            lose(watched, WMS_E_UNREACHABLE, NULL);
        }
    } else {
        ready(watched, job);
        plan(watched, before != WMS_WATCH_READY || told != watch->told);
    }
    wms_request_unref(request);
    begin_next(watch);
}

/* Asks for its sessions. */
static void begin(struct wms_watched *watched, bool turn)
{
    wms_watch *watch = watched->watch;
    wms_command command;

    no_time(watched);
    watched->stale = false;
    watched->listed = wms_loop_clock(engine_of(watched)->loop);
    wms_command_defaults(&command, WMS_SESSIONS);
    command.servers = &watched->text;
    command.server_count = 1;
    command.timeout = watch->timeout;
    command.ask = watch->ask;
    int error = wms_request_make(watch->engine, &command, &watched->request);
    if (error) {
        leave(watched);
        lose(watched, error, NULL);
        return;
    }
    if (watch->inner.is) {
        wms_request_disown(watched->request);
    }
    watched->turn = turn;
    watch->connecting += turn;
    watched->request->watched = watched;
    watched->request->joins = join;
    wms_request_begin(watched->request);
}

/* Servers that have to be reached first take turns. */
static void begin_next(wms_watch *watch)
{
    struct wms_watched *watched;

    while (watch->connecting < watch->concurrency &&
           (watched = NODE_FIRST(&watch->line, struct wms_watched, line))) {
        node_remove(&watched->line);
        begin(watched, true);
    }
}

/* It shares a connection with others. */
static bool needs_no_turn(const struct wms_watched *watched)
{
    const struct wms_place *place;

    return watched->watch->concurrency > 0 &&
           wms_engine_place(watched->watch->engine, watched->text, &place) == 0 &&
           wms_engine_shares(watched->watch->engine, place->scheme);
}

void wms_watched_pump(struct wms_watched *watched)
{
    wms_action action;

    if (watched->watch->forked) {
        return;
    }
    if (watched->moves) {
        watched->moves = false;
        ask(watched);
    }
    if (watched->request && watched->request->done) {
        take_answer(watched);
    } else if (watched->request && node_alone(&watched->held) &&
               wms_request_held(watched->request, &action) == 1) {
        node_append(&watched->watch->held, &watched->held);
        wms_watch_announce(watched->watch);
    }
    if (!watched->due || watched->request || !node_alone(&watched->line)) {
        return;
    }
    if (watched->state == WMS_WATCH_READY || needs_no_turn(watched)) {
        begin(watched, false);
    } else {
        node_append(&watched->watch->line, &watched->line);
        begin_next(watched->watch);
    }
}

/* ---- creation and end ------------------------------------------------------------------------ */

static const struct wms_listener listener = {.changed = on_changed, .unwatched = on_unwatched};

int wms_watched_init(struct wms_watched *watched, wms_watch *watch, const char *text)
{
    watched->listener = &listener;
    watched->watch = watch;
    node_init(&watched->on_link);
    node_init(&watched->line);
    node_init(&watched->stirred);
    node_init(&watched->owing);
    node_init(&watched->held);
    node_init(&watched->picture.order);
    queue_init(&watched->deferred);
    watched->at = watched->listed = watched->since = -1;
    watched->interval = first_interval;
    watched->pause = first_pause;
    watched->text = wms_slab_copy(&watch->slab, watch->engine, text);
    watched->timer = wms_timer_new(watch->engine->loop, time_has_come, watched);
    return watched->text && watched->timer ? 0 : WMS_E_NO_MEMORY;
}

void wms_watched_forked(struct wms_watched *watched)
{
    leave(watched);
    node_remove(&watched->stirred);
    no_time(watched);
}

void wms_watched_close(struct wms_watched *watched)
{
    wms_engine *engine = engine_of(watched);
    wms_request *request = watched->request;

    leave(watched);
    node_remove(&watched->line);
    node_remove(&watched->stirred);
    node_remove(&watched->owing);
    node_remove(&watched->held);
    wms_timer_free(watched->timer);
    if (request) {
        watched->request = NULL;
        request->watched = NULL;
        wms_request_unref(request);
    }
    wms_deferred_drop(watched);
    wms_picture_clear(watched);
    wms_free(engine, watched->fault);
}
