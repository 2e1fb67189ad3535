/* SPDX-License-Identifier: MIT */
/* watch.c - watches of servers: creation and end, the program's loop, what is known. */
#include "core/watching.h"

#include <math.h>
#include <string.h>

#include "core/abi.h"
#include "core/pack.h"
#include "core/parts.h"

enum { QUEUE_MAX = 10000000 };

/* ---- creation and end ------------------------------------------------------------------------ */

/* The program's struct may be of another version. */
static int take(wms_engine *engine, const wms_watching *watching, wms_watching *ret_whole)
{
    enum { SIZE_MAX_EVER = 4096 };

    if (watching->size < WMS_UP_TO(wms_watching, initial) || watching->size > SIZE_MAX_EVER) {
        return wms_complain(engine, "watching: not made by wms_watching_init()");
    }
    wms_watching_init(ret_whole);
    wms_take(ret_whole, sizeof *ret_whole, watching, watching->size);
    if (ret_whole->queue < 1 || ret_whole->queue > QUEUE_MAX) {
        return wms_complain(engine, "queue: %zu; give a number from 1 to %d", ret_whole->queue,
                            QUEUE_MAX);
    }
    return 0;
}

void wms_watch_end(wms_watch *watch)
{
    watch->concurrency = 0; /* none begins any more */
    for (size_t i = 0; i < watch->count; i++) {
        wms_watched_close(&watch->servers[i]);
    }
    watch->count = 0;
    watch->cursor.session = NULL;
    wms_watch_drop_events(watch);
}

void wms_watch_free(wms_watch *watch)
{
    wms_engine *engine = watch->engine;

    wms_watch_end(watch);
    wms_free(engine, watch->last);
    node_remove(&watch->node);
    node_remove(&watch->news);
    node_remove(&watch->inner.due);
    wms_wakeup_close(engine->waker, &watch->wakeup);
    wms_free(engine, watch->servers);
    wms_slab_clear(&watch->slab, engine, false);
    wms_free(engine, watch);
}

/* The servers that are meant, as a command would find them. */
static int add_servers(wms_watch *watch, const wms_watching *watching)
{
    wms_engine *engine = watch->engine;
    wms_request *request;
    wms_command command;

    wms_command_defaults(&command, WMS_SESSIONS);
    command.servers = watching->servers;
    command.server_count = watching->server_count;
    command.timeout = watching->timeout;
    command.concurrency = watching->concurrency;
    int error = wms_request_make(engine, &command, &request);
    if (error) {
        return error;
    }
    watch->servers = wms_zalloc(engine, request->job_count * sizeof *watch->servers);
    error = watch->servers ? 0 : WMS_E_NO_MEMORY;
    for (size_t i = 0; !error && i < request->job_count; i++) {
        watch->count++;
        error = wms_watched_init(&watch->servers[i], watch, request->jobs[i].text);
    }
    wms_request_free(request);
    return error;
}

int wms_watch_make(wms_engine *engine, const wms_watching *watching, wms_watch **ret_watch)
{
    wms_watching whole = {0};
    int error = take(engine, watching, &whole);

    if (error) {
        return error;
    }
    wms_watch *watch = wms_engine_loop(engine) ? wms_zalloc(engine, sizeof *watch) : NULL;
    if (!watch) {
        return engine->loop ? WMS_E_NO_MEMORY : engine->loop_error;
    }
    watch->engine = wms_engine_ref(engine);
    watch->refs = 1;
    watch->timeout = whole.timeout;
    watch->concurrency = whole.concurrency;
    watch->queue = whole.queue;
    watch->initial = whole.initial;
    watch->ask = whole.ask;
    node_init(&watch->line);
    node_init(&watch->owing);
    node_init(&watch->held);
    node_init(&watch->news);
    node_init(&watch->inner.due);
    queue_init(&watch->events);
    wms_wakeup_init(&watch->wakeup);
    node_prepend(&engine->watches, &watch->node);
    error = add_servers(watch, &whole);
    if (error) {
        wms_watch_free(watch);
        wms_engine_unref(engine);
        return error;
    }
    for (size_t i = 0; i < watch->count; i++) {
        watch->servers[i].due = true;
        wms_watched_stir(&watch->servers[i]);
    }
    *ret_watch = watch;
    return 0;
}

int wms_watch_new(wms_engine *engine, const wms_watching *watching, wms_watch **ret_watch)
{
    int error = wms_engine_enter(engine);

    error = error ? error : wms_watch_make(engine, watching, ret_watch);
    if (!error) {
        wms_engine_go_on(engine);
    }
    return error;
}

wms_watch *wms_watch_unref(wms_watch *watch)
{
    if (!watch || --watch->refs > 0) {
        return NULL;
    }
    wms_engine *engine = watch->engine;
    if (engine->base.asking || engine->settling || wms_engine_enter(engine)) {
        watch->orphan_next = engine->orphan_watches; /* for the reasons of wms_request_unref() */
        engine->orphan_watches = watch;
        return NULL;
    }
    bool owns = !watch->inner.is;
    wms_watch_free(watch);
    wms_engine_go_on(engine);
    if (owns) {
        wms_engine_unref(engine);
    }
    return NULL;
}

void wms_watches_collect(wms_engine *engine)
{
    if (wms_engine_enter(engine)) {
        return; /* they stay for a later call */
    }
    while (engine->orphan_watches) {
        wms_watch *watch = engine->orphan_watches;
        engine->orphan_watches = watch->orphan_next;
        watch->refs = 1;
        wms_watch_unref(watch);
    }
}

void wms_watch_forked(wms_watch *watch)
{
    wms_wakeup_forked(&watch->wakeup);
    wms_inner_mute(&watch->inner);
    watch->forked = true;
    node_remove(&watch->news);
    for (size_t i = 0; i < watch->count; i++) {
        wms_watched_forked(&watch->servers[i]);
    }
}

/* ---- the program's loop ---------------------------------------------------------------------- */

static int enter(const wms_watch *watch)
{
    int error = wms_engine_enter(watch->engine);

    return error ? error : watch->forked ? WMS_E_FORKED : 0;
}

/* The first server whose question waits, or NULL; removes those that have ended. */
static struct wms_watched *first_held(wms_watch *watch)
{
    wms_action action;

    while (!node_alone(&watch->held)) {
        struct wms_watched *watched = NODE_OWNER(watch->held.next, struct wms_watched, held);
        if (watched->request && wms_request_held(watched->request, &action) == 1) {
            return watched;
        }
        node_remove(&watched->held);
    }
    return NULL;
}

static bool needs_program(wms_watch *watch)
{
    return wms_watch_has_events(watch) || first_held(watch);
}

/* The program has done something: the descriptor is readable only if there is more. */
static void be_quiet(wms_watch *watch)
{
    if (!needs_program(watch)) {
        node_remove(&watch->news);
        wms_wakeup_stepped(watch->engine->waker, &watch->wakeup);
    }
}

int wms_watch_held_sized(wms_watch *watch, wms_action *ret_action, size_t size)
{
    struct wms_watched *watched = enter(watch) ? NULL : first_held(watch);

    return watched ? wms_request_held_sized(watched->request, ret_action, size) : 0;
}

void wms_watch_permit(wms_watch *watch, const char *refusal)
{
    struct wms_watched *watched = enter(watch) ? NULL : first_held(watch);

    if (watched) {
        node_remove(&watched->held);
        be_quiet(watch);
        wms_request_permit(watched->request, refusal);
    }
}

int wms_watch_wait(wms_watch *watch, double seconds)
{
    wms_engine *engine = watch->engine;
    int error = enter(watch);

    if (error) {
        return error;
    }
    watch->refs++; /* a log may release it */
    engine->woken = false;
    double end = wms_loop_clock(engine->loop) + seconds;
    for (bool first = true; !error && !needs_program(watch) && !engine->woken; first = false) {
        double left = end - wms_loop_now(engine->loop);
        if (!first && seconds >= 0 && left <= 0) {
            break;
        }
        error = wms_engine_round(engine, seconds < 0 ? -1 : left < 0 ? 0 : left);
    }
    wms_engine_rest(engine);
    int news = needs_program(watch);
    wms_watch_unref(watch);
    return error ? error : news;
}

int wms_watch_fd(wms_watch *watch)
{
    wms_engine *engine = watch->engine;
    int loop = -1, error = enter(watch);

    if (error || watch->wakeup.fd >= 0) {
        return error ? error : watch->wakeup.fd;
    }
    error = wms_engine_loop_fd(engine, &loop);
    error = error ? error : wms_wakeup_open(&engine->waker, loop, &watch->wakeup);
    if (error) {
        return error;
    }
    if (needs_program(watch)) {
        wms_wakeup_raise(engine->waker, &watch->wakeup);
    }
    int fd = watch->wakeup.fd;
    wms_engine_go_on(engine);
    return fd;
}

int wms_watch_step(wms_watch *watch)
{
    wms_engine *engine = watch->engine;
    int error = enter(watch);

    if (error) {
        return error;
    }
    wms_wakeup_stepped(engine->waker, &watch->wakeup);
    if (needs_program(watch)) { /* it stays readable until that is done */
        wms_wakeup_raise(engine->waker, &watch->wakeup);
    }
    return wms_engine_step_aside(engine);
}

int wms_engine_watch_news(wms_engine *engine, wms_watch **ret_watch)
{
    int error = wms_engine_enter(engine);

    if (error || node_alone(&engine->watch_news)) {
        wms_engine_looked(engine);
        return error;
    }
    *ret_watch = NODE_OWNER(node_take(&engine->watch_news), wms_watch, news);
    return 1;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void read_lost(const struct wms_watched *watched, double time, int code, const char *text,
                      wms_event *ret_event)
{
    *ret_event = (wms_event){.kind = WMS_EVENT_LOST,
                             .time = time,
                             .server = watched->text,
                             .code = code,
                             .text = text ? text : wms_error_text(code)};
}

/* The picture is told in place of the events that were dropped; which servers are lost is told
 * again. */
static void read_overflow(wms_watch *watch, wms_event *ret_event)
{
    *ret_event = (wms_event){
        .kind = WMS_EVENT_OVERFLOW, .time = wms_wall_clock(), .dropped = watch->dropped};
    watch->overflow = false;
    watch->dropped = 0;
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->servers[i].state == WMS_WATCH_LOST) {
            node_append(&watch->owing, &watch->servers[i].owing);
        }
    }
}

static void read_owing(wms_watch *watch, wms_event *ret_event)
{
    struct wms_watched *watched = NODE_OWNER(node_take(&watch->owing), struct wms_watched, owing);
    struct wms_told *told =
        wms_resize(watch->engine, NULL, sizeof *told + wms_pack_size_of(watched->fault));

    if (told) { /* a copy: the engine may lose the server for another reason before it is read */
        char *room = (char *) (told + 1);
        *told = (struct wms_told){.text = wms_pack_put(&room, watched->fault)};
    }
    watch->last = told;
    read_lost(watched, wms_wall_clock(), watched->code, told ? told->text : NULL, ret_event);
}

static void read_told(wms_watch *watch, wms_event *ret_event)
{
    struct wms_told *told = NODE_OWNER(queue_take(&watch->events), struct wms_told, next);

    watch->event_count--;
    watch->last = told;
    if (told->kind == WMS_EVENT_LOST) {
        read_lost(told->watched, told->time, told->code, told->text, ret_event);
        return;
    }
    told->session.server = told->watched->text;
    *ret_event = (wms_event){.kind = told->kind,
                             .time = told->time,
                             .has_session = told->has_session,
                             .initial = told->initial,
                             .server = told->watched->text};
}

int wms_watch_next_sized(wms_watch *watch, wms_event *ret_event, size_t event_size,
                         wms_session *ret_session, size_t session_size)
{
    wms_engine *engine = watch->engine;
    wms_event event;
    int error = enter(watch);

    if (error) {
        return error;
    }
    wms_free(engine, watch->last);
    watch->last = NULL;
    if (!wms_watch_has_events(watch)) {
        return 0;
    }
    if (watch->overflow) {
        read_overflow(watch, &event);
    } else if (!node_alone(&watch->owing)) {
        read_owing(watch, &event);
    } else {
        read_told(watch, &event);
    }
    be_quiet(watch);
    wms_give(ret_event, event_size, &event, sizeof event);
    if (ret_session && event.has_session) {
        wms_give(ret_session, session_size, &watch->last->session, sizeof watch->last->session);
    }
    return 1;
}

/* ---- what is known --------------------------------------------------------------------------- */

size_t wms_watch_session_count(const wms_watch *watch)
{
    size_t count = 0;

    for (size_t i = 0; !enter(watch) && i < watch->count; i++) {
        count += watch->servers[i].picture.sessions.count;
    }
    return count;
}

/* The session `steps` behind the first of the server's. */
static struct wms_seen *walk(struct wms_picture *picture, size_t steps)
{
    struct node *node = picture->order.next;

    for (; steps > 0; steps--) {
        node = node->next;
    }
    return NODE_OWNER(node, struct wms_seen, node);
}

/* Session number `index`; NULL: there are not so many.  The one behind the last that was read is
 * found at once. */
static const struct wms_seen *find(wms_watch *watch, size_t index)
{
    struct wms_seen *last = watch->cursor.session;
    size_t first = 0;

    if (last && index == watch->cursor.index) {
        return last;
    }
    if (last && index == watch->cursor.index + 1 &&
        last->node.next != &watch->servers[watch->cursor.server].picture.order) {
        watch->cursor.session = NODE_OWNER(last->node.next, struct wms_seen, node);
        watch->cursor.index = index;
        return watch->cursor.session;
    }
    for (size_t i = 0; i < watch->count; i++) {
        struct wms_picture *picture = &watch->servers[i].picture;
        if (index - first < picture->sessions.count) {
            watch->cursor.session = walk(picture, index - first);
            watch->cursor.server = i;
            watch->cursor.index = index;
            return watch->cursor.session;
        }
        first += picture->sessions.count;
    }
    return NULL;
}

int wms_watch_session_sized(wms_watch *watch, size_t index, wms_session *ret_session, size_t size)
{
    int error = enter(watch);
    const struct wms_seen *seen = error ? NULL : find(watch, index);

    if (!seen) {
        return error ? error : WMS_E_NOT_FOUND;
    }
    wms_give(ret_session, size, &seen->facts, sizeof seen->facts);
    return 0;
}

size_t wms_watch_server_count(const wms_watch *watch)
{
    return watch->count;
}

int wms_watch_server_sized(const wms_watch *watch, size_t index, wms_watch_status *ret_status,
                           size_t size)
{
    int error = enter(watch);

    if (error || index >= watch->count) {
        return error ? error : WMS_E_NOT_FOUND;
    }
    const struct wms_watched *watched = &watch->servers[index];
    bool lost = watched->state == WMS_WATCH_LOST;
    const char *text = watched->fault ? watched->fault : wms_error_text(watched->code);
    wms_watch_status status = {.server = watched->text,
                               .watched = watched->state == WMS_WATCH_READY,
                               .code = lost ? watched->code : 0,
                               .text = lost ? text : NULL};
    wms_give(ret_status, size, &status, sizeof status);
    return 0;
}
