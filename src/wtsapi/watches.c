/* SPDX-License-Identifier: MIT */
/* watches.c - the worker's watches: one of each server for whose events somebody waits.
 *
 * What a watch knows becomes a list, and what differs from the list before becomes events. Sessions
 * that came and went between two looks, and such that were disconnected and connected again, are
 * known from the events of the watch alone.
 *
 * A watch that fails (its host is lost, memory runs out) is dropped; the sessions that were known
 * remain, and the next watch tells what has changed since.  If it was good once, another one takes
 * its place at once, so that waits survive that the host's session manager is restarted; otherwise
 * they end with the error. */
#include <stdlib.h>

#include "core/watching.h"
#include "wtsapi/wtsapi.h"

/* Seconds: how long a watch is kept when nobody waits, since programs often wait again soon; and
 * how often one may take another's place. */
static const double kept_seconds = 5, replacing_seconds = 1;

/* More events are not expected between two looks, which follow each turn of the engine. */
enum { EVENTS_MAX = 1000000 };

struct watch {
    struct node node;      /* in the worker's list */
    struct server *server; /* owns one reference */
    wms_watch *watch;
    bool ready;     /* the host's sessions are known */
    size_t changes; /* wms_watch_changes(), when it was looked at last */
    double begun;   /* when */
};

static struct watch *watch_of(struct node *node)
{
    return NODE_OWNER(node, struct watch, node);
}

/* ---- creation and end ------------------------------------------------------------------------ */

struct server *wtsapi_watches_next(void)
{
    struct server *found = NULL;

    pthread_mutex_lock(&wtsapi_lock);
    for (struct node *node = wtsapi_waited.next; node != &wtsapi_waited && !found;
         node = node->next) {
        struct server *server = NODE_OWNER(node, struct server, waited);
        found = server->watch ? NULL : server;
    }
    if (found) {
        found->refs++;
    }
    pthread_mutex_unlock(&wtsapi_lock);
    return found;
}

static int watch_server(wms_engine *engine, const char *address, wms_watch **ret_watch)
{
    wms_watching watching;

    wms_watching_init(&watching);
    watching.servers = &address;
    watching.server_count = 1;
    watching.queue = EVENTS_MAX;
    return wms_watch_new(engine, &watching, ret_watch);
}

/* NULL: *ret_error is why. */
static struct watch *watch_new(wms_engine *engine, struct server *server, DWORD *ret_error)
{
    struct watch *watch = calloc(1, sizeof *watch);
    int error = watch ? watch_server(engine, server->address, &watch->watch) : WMS_E_NO_MEMORY;

    if (error) {
        free(watch);
        *ret_error = error == WMS_E_INVALID ? ERROR_INVALID_COMPUTERNAME : wtsapi_error(error);
        return NULL;
    }
    watch->server = server;
    watch->begun = wtsapi_now();
    return watch;
}

void wtsapi_watch_begin(struct node *watches, wms_engine *engine, struct server *server,
                        DWORD error)
{
    struct watch *watch = error ? NULL : watch_new(engine, server, &error);

    pthread_mutex_lock(&wtsapi_lock);
    if (watch) {
        node_append(watches, &watch->node);
        server->watch = watch;
    } else {
        wtsapi_events_end(server, error);
        wtsapi_server_unref(server);
    }
    pthread_mutex_unlock(&wtsapi_lock);
}

static void drop(struct watch *watch)
{
    wms_watch_unref(watch->watch);
    pthread_mutex_lock(&wtsapi_lock);
    node_remove(&watch->node);
    watch->server->watch = NULL;
    wtsapi_server_unref(watch->server);
    pthread_mutex_unlock(&wtsapi_lock);
    free(watch);
}

void wtsapi_watches_free(struct node *watches)
{
    while (!node_alone(watches)) {
        struct watch *watch = watch_of(node_take(watches));
        wms_watch_unref(watch->watch);
        wtsapi_server_unref(watch->server);
        free(watch);
    }
}

/* ---- how long they are kept ------------------------------------------------------------------ */

/* Seconds for which it is still needed; negative: as long as somebody waits. */
static double time_left(const struct watch *watch, double now)
{
    const struct server *server = watch->server;
    double left = 0;

    pthread_mutex_lock(&wtsapi_lock);
    if (!node_alone(&server->waits)) {
        left = -1;
    } else if (!wtsapi_server_closed(server) && server->left + kept_seconds > now) {
        left = server->left + kept_seconds - now;
    }
    pthread_mutex_unlock(&wtsapi_lock);
    return left;
}

void wtsapi_watches_end(struct node *watches)
{
    double now = wtsapi_now();

    for (struct node *node = watches->next, *next; next = node->next, node != watches;
         node = next) {
        if (time_left(watch_of(node), now) == 0) {
            drop(watch_of(node));
        }
    }
}

int wtsapi_watches_patience(struct node *watches)
{
    double now = wtsapi_now(), least = -1;

    for (struct node *node = watches->next; node != watches; node = node->next) {
        double left = time_left(watch_of(node), now);
        least = left >= 0 && (least < 0 || left < least) ? left : least;
    }
    return least < 0 ? -1 : (int) (least * 1000) + 1;
}

/* ---- what they tell -------------------------------------------------------------------------- */

/* Adds what the event is, unless the difference between the lists shows it. */
static DWORD add_event(const struct watch *watch, const struct list *list, const wms_event *event,
                       const wms_session *session, DWORD *events)
{
    bool whole = event->kind == WMS_EVENT_OPENED || event->kind == WMS_EVENT_CLOSED;
    const struct list *known = watch->server->known;
    DWORD number = 0;

    pthread_mutex_lock(&wtsapi_lock);
    DWORD error = whole ? wtsapi_id_number(&session->id, &number) : 0;
    bool shown = whole && !error &&
                 (wtsapi_list_find(list, number) || (known && wtsapi_list_find(known, number)));
    pthread_mutex_unlock(&wtsapi_lock);
    *events |= error || shown ? 0 : wtsapi_events_of(event->kind, session);
    return error;
}

/* Takes one event; an error: the watch is of no use any more. */
static DWORD take_event(struct watch *watch, const struct list *list, const wms_event *event,
                        const wms_session *session, DWORD *events)
{
    switch (event->kind) {
    case WMS_EVENT_READY:
    case WMS_EVENT_BACK:
        watch->ready = true;
        return 0;
    case WMS_EVENT_LOST:
        return wtsapi_error(event->code);
    case WMS_EVENT_OVERFLOW:
        return ERROR_OUTOFMEMORY;
    default:
        return event->has_session ? add_event(watch, list, event, session, events) : 0;
    }
}

static DWORD take_events(struct watch *watch, const struct list *list, DWORD *events)
{
    wms_session session;
    wms_event event;
    DWORD error = 0;

    while (!error && wms_watch_next(watch->watch, &event, &session) == 1) {
        error = take_event(watch, list, &event, &session, events);
    }
    return error;
}

/* The first time, where no list of the program's was there when the wait began: one may have come
 * since.  What has changed since an older one is told; in a newer one may be what the watch has yet
 * to tell. */
static void need_known(const struct watch *watch)
{
    struct server *server = watch->server;

    if (!server->known && server->recent && server->recent->asked < watch->begun) {
        server->known = wtsapi_list_ref(server->recent);
    }
}

static DWORD take_all(struct watch *watch)
{
    struct list *list;
    DWORD events = 0, error = wtsapi_list_of_watch(watch->watch, watch->server->address, &list);

    if (error) {
        return error;
    }
    watch->changes = wms_watch_changes(watch->watch);
    error = take_events(watch, list, &events);
    pthread_mutex_lock(&wtsapi_lock);
    if (!error && watch->ready) {
        need_known(watch);
        wtsapi_events_take(watch->server, list, events);
    }
    wtsapi_list_unref(list);
    pthread_mutex_unlock(&wtsapi_lock);
    return error;
}

static bool has_news(const struct watch *watch)
{
    return wms_watch_has_events(watch->watch) || watch->changes != wms_watch_changes(watch->watch);
}

/* Another one is begun in its place if it was good once and somebody waits. */
static void fail(struct watch *watch, DWORD error)
{
    struct server *server = watch->server;
    double now = wtsapi_now();

    pthread_mutex_lock(&wtsapi_lock);
    if (watch->ready && now - server->replaced >= replacing_seconds) {
        server->replaced = now;
        wtsapi_ring();
    } else {
        wtsapi_events_end(server, error);
    }
    pthread_mutex_unlock(&wtsapi_lock);
    drop(watch);
}

void wtsapi_watches_read(struct node *watches)
{
    for (struct node *node = watches->next, *next; next = node->next, node != watches;
         node = next) {
        struct watch *watch = watch_of(node);
        DWORD error = has_news(watch) ? take_all(watch) : 0;
        if (error) {
            fail(watch, error);
        }
    }
}

bool wtsapi_watches_have_news(struct node *watches)
{
    bool news = false;

    for (struct node *node = watches->next; node != watches && !news; node = node->next) {
        news = has_news(watch_of(node));
    }
    return news;
}
