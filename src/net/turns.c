/* SPDX-License-Identifier: MIT */
/* turns.c - libcurl's multi handle, its timers, and the turn, in which all work is done that is
 * due.
 */
#include "net/net.h"

/* ---- time ------------------------------------------------------------------------------------ */

static void set_timer(struct net *net)
{
    if (net->timer_runs || net->wait >= 0) {
        net->services->timer_set(net->timer, net->wait < 0 ? -1 : (double) net->wait / 1000);
        net->timer_runs = net->wait >= 0;
    }
    net->timer_changed = false;
}

/* Called by libcurl.  Inside of enter/leave the timer is set at the end: with each new transfer
 * libcurl asks to be called at once, which settle() does, and then takes that back. */
static int on_timer(CURLM *multi, long milliseconds, void *data)
{
    struct net *net = data;
    (void) multi;

    net->wait = milliseconds;
    net->timer_changed = true;
    if (net->depth == 0) {
        set_timer(net);
    }
    return 0;
}

void net_work(struct net *net)
{
    int running;

    net->wait = -1; /* this call uses up libcurl's timeout; libcurl asks again if it needs one */
    net->timer_changed = true;
    curl_multi_socket_action(net->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

/* ---- the turn -------------------------------------------------------------------------------- */

void net_collect(struct net *net)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(net->multi, &left))) {
        struct net_transfer *transfer = NULL;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer) == CURLE_OK &&
            transfer && !transfer->trouble) {
            transfer->result = message->data.result;
            net_socket_answered(transfer);
            node_remove(&transfer->node);
            node_append(&net->finished, &transfer->node);
        }
    }
}

static void rest(struct net *net)
{
    net->depth--;
    if (net->depth == 0 && net->timer_changed) {
        set_timer(net);
    }
}

void net_enter(struct net *net)
{
    net->depth++;
}

void net_leave(struct net *net)
{
    if (net->depth == 1) {
        net->calls->settle(net);
    }
    rest(net);
}

void net_leave_quietly(struct net *net)
{
    rest(net);
    net->services->timer_set(net->tick, 0);
    net->tick_runs = true;
}

static void timer_fired(void *data)
{
    struct net *net = data;

    net_enter(net);
    net->timer_runs = false;
    net_work(net);
    net_leave(net);
}

bool net_pauses(struct net_transfer *transfer)
{
    struct net *net = transfer->net;

    if (net->received < NET_TURN_MAX) {
        return false;
    }
    transfer->paused = net->pauses = true;
    net_turn_soon(net);
    return true;
}

/* Begins a new turn for received data: transfers that were paused because the last turn's quota was
 * used up go on. */
static void receive_on(struct net *net)
{
    bool pauses = net->pauses;

    net->received = net->taken = 0;
    net->pauses = false;
    for (struct node *node = net->running.next, *next; pauses && node != &net->running;
         node = next) {
        struct net_transfer *transfer = NODE_OWNER(node, struct net_transfer, node);
        next = node->next; /* the transfer may end here, and move to another list */
        if (transfer->paused) {
            transfer->paused = false;
            curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
        }
    }
}

static void tick_fired(void *data)
{
    struct net *net = data;

    net_enter(net);
    net->tick_runs = false;
    receive_on(net);
    net->calls->tick(net);
    net_leave(net);
}

static void socket_ready(struct net *net, curl_socket_t fd, int mask)
{
    int running;

    net_enter(net);
    curl_multi_socket_action(net->multi, fd, mask, &running);
    net_leave(net);
}

void net_go_on(struct net *net, int milliseconds)
{
    int running;

    if (curl_multi_perform(net->multi, &running) == CURLM_OK && running) {
        curl_multi_poll(net->multi, NULL, 0, milliseconds, NULL);
    }
    net_collect(net);
}

/* ---- life ------------------------------------------------------------------------------------ */

int net_begin(struct net *net, const struct wms_services *services, wms_engine *engine,
              const struct net_calls *calls)
{
    net->services = services;
    net->engine = engine;
    net->calls = calls;
    net->ready = socket_ready;
    net->wait = -1;
    node_init(&net->running);
    node_init(&net->finished);
    net->timer = services->timer_new(engine, timer_fired, net);
    net->tick = services->timer_new(engine, tick_fired, net);
    net->multi = net->timer && net->tick ? curl_multi_init() : NULL;
    bool made =
        net->multi &&
        curl_multi_setopt(net->multi, CURLMOPT_SOCKETFUNCTION, net_socket_watch) == CURLM_OK &&
        curl_multi_setopt(net->multi, CURLMOPT_SOCKETDATA, net) == CURLM_OK &&
        curl_multi_setopt(net->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
        curl_multi_setopt(net->multi, CURLMOPT_TIMERDATA, net) == CURLM_OK &&
        curl_multi_setopt(net->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) == CURLM_OK;
    return made ? 0 : WMS_E_NO_MEMORY;
}

void net_end(struct net *net)
{
    curl_multi_cleanup(net->multi);
    net->multi = NULL;
    net_sockets_free(net);
    net->services->timer_free(net->timer);
    net->services->timer_free(net->tick);
    net->timer = net->tick = NULL;
}

void net_cut(struct net *net)
{
    if (!net->forked) {
        net->forked = true;
        net_sockets_cut(net);
    }
}
