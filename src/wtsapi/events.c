/* events.c - waiting for changes.
 *
 * Hosts tell nobody of changes, so the worker asks for the list while somebody waits, and compares it with the one before.
 * That one stays when nobody waits any more: what changes until the next wait on the same handle is told then. */
#include <strings.h>

#include "wtsapi/wtsapi.h"

/* A caller that waits; it lies on that caller's stack. */
struct wait {
    struct node node; /* in the server's `waits`; alone: it has ended */
    struct server *server;
    DWORD mask, events, error;
    pthread_cond_t changed;
};

/* ---- what has changed ------------------------------------------------------------------------------------------- */

/* A session that nobody is connected to goes on without a screen. */
static bool is_connected(const struct view *view)
{
    return view->state == WTSActive || view->state == WTSConnected || view->state == WTSShadow;
}

/* The user of one that is on its way down has logged off. */
static bool is_logged_on(const struct view *view)
{
    return *view->user && view->state != WTSDown;
}

static DWORD events_of_connection(bool before, bool now)
{
    return before == now ? 0 : now ? WTS_EVENT_CONNECT : WTS_EVENT_DISCONNECT;
}

static DWORD events_of_new(const struct listed *listed)
{
    struct view view;

    wtsapi_view(&view, listed);
    return WTS_EVENT_CREATE | WTS_EVENT_STATECHANGE | events_of_connection(false, is_connected(&view)) |
           (is_logged_on(&view) ? WTS_EVENT_LOGON : 0);
}

static DWORD events_of_gone(const struct listed *listed)
{
    struct view view;

    wtsapi_view(&view, listed);
    return WTS_EVENT_DELETE | WTS_EVENT_STATECHANGE | events_of_connection(is_connected(&view), false) |
           (is_logged_on(&view) ? WTS_EVENT_LOGOFF : 0);
}

static DWORD events_of_user(const struct view *before, const struct view *now)
{
    bool left = is_logged_on(before), came = is_logged_on(now);

    if (left && came && strcasecmp(before->user, now->user) == 0) {
        return 0;
    }
    return (left ? WTS_EVENT_LOGOFF : 0) | (came ? WTS_EVENT_LOGON : 0);
}

static DWORD events_between(const struct listed *listed_before, const struct listed *listed_now)
{
    struct view before, now;

    wtsapi_view(&before, listed_before);
    wtsapi_view(&now, listed_now);
    bool renamed = *before.station && *now.station && strcasecmp(before.station, now.station) != 0;
    return events_of_user(&before, &now) | events_of_connection(is_connected(&before), is_connected(&now)) |
           (before.state != now.state ? WTS_EVENT_STATECHANGE : 0) | (renamed ? WTS_EVENT_RENAME : 0);
}

/* Both are looked at by number, whatever order the host has given them. */
DWORD wtsapi_events_between(const struct list *before, const struct list *now)
{
    DWORD events = 0;
    size_t i = 0, k = 0;

    while (i < before->count || k < now->count) {
        const struct listed *old = i < before->count ? before->by_number[i] : NULL;
        const struct listed *new = k < now->count ? now->by_number[k] : NULL;
        bool gone = !new || (old && old->number < new->number), came = !old || (new && new->number < old->number);
        events |= gone ? events_of_gone(old) : came ? events_of_new(new) : events_between(old, new);
        i += !came;
        k += !gone;
    }
    return events;
}

/* ---- who waits -------------------------------------------------------------------------------------------------- */

static struct wait *wait_of(struct node *node)
{
    return NODE_OWNER(node, struct wait, node);
}

static void part(struct wait *wait)
{
    node_remove(&wait->node);
    if (node_alone(&wait->server->waits)) {
        node_remove(&wait->server->waited);
    }
}

static void end(struct wait *wait, DWORD events, DWORD error)
{
    part(wait);
    wait->events = events;
    wait->error = error;
    pthread_cond_signal(&wait->changed);
}

void wtsapi_events_end(struct server *server, DWORD error)
{
    while (!node_alone(&server->waits)) {
        end(wait_of(server->waits.next), WTS_EVENT_NONE, error);
    }
}

static void tell(struct server *server, DWORD events)
{
    for (struct node *node = server->waits.next, *next; next = node->next, node != &server->waits; node = next) {
        struct wait *wait = wait_of(node);
        if (wait->mask & events) {
            end(wait, wait->mask & events, 0);
        }
    }
}

/* Without anybody who could be told, what is known stays as it is. */
void wtsapi_events_listed(struct server *server, struct list *list, DWORD error)
{
    server->polling = false;
    server->poll_due = wtsapi_now() + WTSAPI_POLL_INTERVAL;
    if (error) {
        wtsapi_events_end(server, error);
    } else if (!node_alone(&server->waits)) {
        if (server->known) {
            tell(server, wtsapi_events_between(server->known, list));
        }
        wtsapi_list_unref(server->known);
        server->known = wtsapi_list_ref(list);
    }
}

/* Who has listed the sessions before knows those. */
static DWORD begin(struct server *server, struct wait *wait)
{
    DWORD error = wtsapi_worker_need();

    if (error || wtsapi_server_closed(server)) {
        return error ? error : ERROR_INVALID_HANDLE;
    }
    if (!server->known && server->recent) {
        server->known = wtsapi_list_ref(server->recent);
    }
    if (node_alone(&server->waits)) {
        node_append(&wtsapi_waited, &server->waited);
    }
    node_append(&server->waits, &wait->node);
    server->poll_due = 0;
    wtsapi_worker_tell(NULL);
    return 0;
}

/* Its thread is ended while it waits: it gives back what it has. */
static void leave(void *data)
{
    struct wait *wait = data;

    part(wait);
    pthread_cond_destroy(&wait->changed);
    wtsapi_server_unref(wait->server);
    pthread_mutex_unlock(&wtsapi_lock);
}

static DWORD wait_for(struct server *server, DWORD mask, DWORD *ret_events)
{
    struct wait wait = {.server = server, .mask = mask};
    int error = pthread_cond_init(&wait.changed, NULL);

    if (error) {
        return ERROR_OUTOFMEMORY;
    }
    node_init(&wait.node);
    pthread_mutex_lock(&wtsapi_lock);
    wait.error = begin(server, &wait);
    pthread_cleanup_push(leave, &wait);
    while (!node_alone(&wait.node)) {
        pthread_cond_wait(&wait.changed, &wtsapi_lock);
    }
    pthread_cleanup_pop(0);
    pthread_mutex_unlock(&wtsapi_lock);
    pthread_cond_destroy(&wait.changed);
    *ret_events = wait.events;
    return wait.error;
}

static DWORD flush(struct server *server)
{
    pthread_mutex_lock(&wtsapi_lock);
    wtsapi_events_end(server, 0);
    pthread_mutex_unlock(&wtsapi_lock);
    return 0;
}

BOOL wtsapi_wait_system_event(HANDLE handle, DWORD mask, DWORD *ret_events)
{
    struct server *server;

    if (!ret_events || !mask) {
        return wtsapi_result(ERROR_INVALID_PARAMETER);
    }
    *ret_events = WTS_EVENT_NONE;
    DWORD error = wtsapi_server_get(handle, &server);
    if (!error) {
        error = mask & WTS_EVENT_FLUSH ? flush(server) : wait_for(server, mask, ret_events);
        wtsapi_server_put(server);
    }
    return wtsapi_result(error);
}
