/* SPDX-License-Identifier: MIT */
/* waits.c - the callers that wait for events of a server, and what ends their waiting. */
#include "wtsapi/wtsapi.h"

static struct wait *wait_of(struct node *node)
{
    return NODE_OWNER(node, struct wait, node);
}

void wtsapi_wait_end(struct wait *wait)
{
    node_remove(&wait->node);
    if (node_alone(&wait->server->waits)) {
        node_remove(&wait->server->waited);
        wait->server->left = wtsapi_now();
        wtsapi_ring(); /* the watch ends some time after that */
    }
}

static void end(struct wait *wait, DWORD events, DWORD error)
{
    wtsapi_wait_end(wait);
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

void wtsapi_events_take(struct server *server, struct list *list, DWORD more)
{
    DWORD events = server->known ? wtsapi_events_between(server->known, list) | more : 0;

    wtsapi_list_unref(server->known);
    server->known = wtsapi_list_ref(list);
    if (node_alone(&server->waits)) {
        server->events |= events;
        return;
    }
    for (struct node *node = server->waits.next, *next; next = node->next, node != &server->waits;
         node = next) {
        struct wait *wait = wait_of(node);
        if (wait->mask & events) {
            end(wait, wait->mask & events, 0);
        }
    }
}
