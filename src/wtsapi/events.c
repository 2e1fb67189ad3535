/* SPDX-License-Identifier: MIT */
/* events.c - waiting for changes.
 *
 * While somebody waits, the worker has a watch of the server (watches.c).  It ends some seconds
 * after the last wait.  The sessions that were known last are kept beyond that: changes until the
 * next wait on the same handle are reported by that wait. */
#include "wtsapi/wtsapi.h"

/* Begins a wait, unless what it waits for has happened since the last one.  If the program has
 * listed the sessions before, changes are counted from that list. */
static DWORD begin(struct server *server, struct wait *wait)
{
    DWORD error = wtsapi_worker_need();

    if (error || wtsapi_server_closed(server)) {
        return error ? error : ERROR_INVALID_HANDLE;
    }
    if (!server->known && server->recent) {
        server->known = wtsapi_list_ref(server->recent);
    }
    wait->events = server->events & wait->mask;
    server->events = 0;
    if (wait->events) {
        return 0;
    }
    if (node_alone(&server->waits)) {
        node_append(&wtsapi_waited, &server->waited);
    }
    node_append(&server->waits, &wait->node);
    wtsapi_ring();
    return 0;
}

/* Cleanup handler of a waiting thread that is cancelled: gives back its references and the lock. */
static void leave(void *data)
{
    struct wait *wait = data;

    wtsapi_wait_end(wait);
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
