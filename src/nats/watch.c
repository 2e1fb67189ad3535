/* SPDX-License-Identifier: MIT */
/* watch.c - what an agent tells of its own accord: events, and that it is there.
 *
 * Events are numbered, so that one that was lost is noticed with the next one, or with the next
 * beat.  What is told at the subject of an agent's presence is taken for a hint: the store knows.
 */
#include <string.h>
#include <unistd.h>

#include "nats/asking.h"

enum { INSTANCE = 65, BEATS = 3 };

/* Seconds between two beats, as long as none has been heard. */
static const double usual_beat = 10;
/* Seconds without a connection, until those who watch are told. */
static const double bearable = 3;

/* One of the two subscriptions of a watch. */
struct hearing {
    struct nats_entry entry; /* the first member */
    struct nats_watch *watch;
    unsigned subscription; /* 0: none yet */
    bool beats;
};

struct nats_watch {
    struct nats_host *host;
    struct wms_watcher *watcher;
    struct node node, of_host; /* of the client; of the host */
    struct hearing events, beats;
    char instance[INSTANCE]; /* "": not known yet */
    uint64_t seq;            /* of the event that was heard last */
    double heard;            /* when the agent was heard last */
    double beat;
    bool doubted; /* it is asked whether the agent is there */
};

/* ---- life ------------------------------------------------------------------------------------ */

static int hear(struct nats_watch *watch, struct hearing *hearing, const char *subject)
{
    struct nats_client *client = watch->host->client;
    unsigned subscription;
    int error = courier_subscribe(client->courier, subject, &subscription);

    if (!error) {
        error = nats_table_add(watch->host->all, &client->heard_by, &hearing->entry, subscription);
        if (error) {
            courier_unsubscribe(client->courier, subscription);
        }
    }
    hearing->watch = watch;
    hearing->subscription = error ? 0 : subscription;
    return error;
}

static void stop_hearing(struct nats_client *client, struct hearing *hearing)
{
    if (hearing->subscription) {
        if (client->process == getpid()) { /* in a forked child it is the parent's */
            courier_unsubscribe(client->courier, hearing->subscription);
        }
        nats_table_remove(&client->heard_by, &hearing->entry);
    }
}

static void watch_free(struct nats_watch *watch)
{
    struct nats_host *host = watch->host;

    watch->watcher->data = NULL;
    stop_hearing(host->client, &watch->events);
    stop_hearing(host->client, &watch->beats);
    node_remove(&watch->node);
    node_remove(&watch->of_host);
    nats_release(host->all, watch);
}

static void end(struct nats_watch *watch, int code, const char *text)
{
    const struct wms_services *services = watch->host->all->services;
    struct wms_watcher *watcher = watch->watcher;

    watch_free(watch);
    services->unwatched(watcher, code, text);
}

void nats_watch(struct nats_host *host, struct wms_watcher *watcher)
{
    const struct wms_services *services = host->all->services;
    char subject[NATS_SUBJECT];
    const char *text;
    int error = nats_host_join(host, &text);
    struct nats_watch *watch = error ? NULL : nats_alloc(host->all, sizeof *watch);

    if (!watch) {
        services->unwatched(watcher, error ? error : WMS_E_NO_MEMORY, text);
        return;
    }
    watch->host = host;
    watch->watcher = watcher;
    watch->beat = usual_beat;
    watch->heard = nats_now();
    watch->beats.beats = true;
    watcher->data = watch;
    node_append(&host->client->watches, &watch->node);
    node_append(&host->watches, &watch->of_host);
    nats_subject_event(subject, host->token);
    error = hear(watch, &watch->events, subject);
    nats_subject_presence(subject, host->token);
    error = error ? error : hear(watch, &watch->beats, subject);
    if (error) {
        end(watch, error, NULL);
    } else {
        nats_client_wind(host->client);
    }
}

void nats_unwatch(struct nats_host *host, struct wms_watcher *watcher)
{
    (void) host;
    if (watcher->data) {
        watch_free(watcher->data);
    }
}

/* ---- what is heard --------------------------------------------------------------------------- */

/* Something has changed, and the host has to be asked what. */
static void ask(struct nats_watch *watch)
{
    struct wms_change change;

    wms_change_init(&change, NULL);
    watch->host->all->services->changed(watch->watcher, &change);
}

/* Notes which event is the last one of which agent.  False: something may have been missed. */
static bool follow(struct nats_watch *watch, const char *instance, uint64_t seq, uint64_t expected)
{
    bool known = *watch->instance;
    bool same = strcmp(watch->instance, instance) == 0;
    bool whole = !known || (same && seq == expected);

    if (!same) {
        memcpy(watch->instance, instance, strlen(instance) + 1); /* as long as a reader lets it */
    }
    if (!same || seq > watch->seq) {
        watch->seq = seq;
    }
    return whole;
}

static void tell(struct nats_watch *watch, const struct nats_event *event)
{
    struct wms_change change;

    wms_change_init(&change, &event->session.id);
    change.identity = event->session.identity;
    change.present = event->kind != WMS_EVENT_CLOSED;
    change.locked = event->kind == WMS_EVENT_LOCKED     ? 1
                    : event->kind == WMS_EVENT_UNLOCKED ? 0
                                                        : -1;
    if (change.present) {
        change.session = &event->session;
        change.opened = event->kind == WMS_EVENT_OPENED;
    }
    watch->host->all->services->changed(watch->watcher, &change);
}

static void hear_event(struct nats_watch *watch, const struct courier_message *message)
{
    struct nats_event event;
    int error = nats_read_event(&watch->host->all->reader, message->data, message->size, &event);

    if (error == WMS_E_NO_MEMORY) {
        ask(watch);
        return;
    }
    bool old = !error && strcmp(watch->instance, event.instance) == 0 && event.seq <= watch->seq;
    if (error || old) {
        return;
    }
    watch->heard = nats_now();
    bool whole = follow(watch, event.instance, event.seq, watch->seq + 1);
    if (!event.resync) {
        tell(watch, &event);
    }
    if (event.resync || !whole) {
        ask(watch);
    }
}

static void hear_beat(struct nats_watch *watch, const struct courier_message *message)
{
    struct nats_presence presence;

    if (message->deleted) {
        watch->doubted = true;
        nats_host_doubt(watch->host);
        return;
    }
    if (nats_read_presence(&watch->host->all->reader, message->data, message->size, &presence)) {
        return;
    }
    bool old = strcmp(watch->instance, presence.instance) == 0 && presence.seq < watch->seq;
    watch->heard = nats_now();
    watch->beat = presence.beat;
    if (!old && !follow(watch, presence.instance, presence.seq, watch->seq)) {
        ask(watch);
    }
}

void nats_watch_heard(struct nats_entry *entry, const struct courier_message *message)
{
    struct hearing *hearing = (struct hearing *) entry;

    if (hearing->beats) {
        hear_beat(hearing->watch, message);
    } else if (!courier_is_of_servers(message)) {
        hear_event(hearing->watch, message);
    }
}

/* ---- whether the agent is there -------------------------------------------------------------- */

void nats_watches_up(struct nats_client *client)
{
    for (struct node *node = client->watches.next; node != &client->watches; node = node->next) {
        struct nats_watch *watch = NODE_OWNER(node, struct nats_watch, node);
        watch->heard = nats_now();
        ask(watch);
    }
}

/* A host whose events are not for this client is asked again and again. */
void nats_watches_refuse(struct nats_client *client, const char *subject)
{
    struct node *node = client->watches.next, *next;
    char event[NATS_SUBJECT];

    for (; node != &client->watches; node = next) {
        struct nats_watch *watch = NODE_OWNER(node, struct nats_watch, node);
        next = node->next;
        nats_subject_event(event, watch->host->token);
        if (strcmp(event, subject) == 0) {
            end(watch, WMS_E_UNSUPPORTED, "the NATS servers do not let this client hear events");
        }
    }
}

void nats_watches_end(struct nats_client *client, int code, const char *text)
{
    while (!node_alone(&client->watches)) {
        end(NODE_OWNER(client->watches.next, struct nats_watch, node), code, text);
    }
}

void nats_watches_tick(struct nats_client *client, double now)
{
    if (!courier_is_up(client->courier)) {
        if (client->code && now - client->since >= bearable) {
            nats_watches_end(client, client->code, client->fault);
        }
        return;
    }
    for (struct node *node = client->watches.next; node != &client->watches; node = node->next) {
        struct nats_watch *watch = NODE_OWNER(node, struct nats_watch, node);
        if (!watch->doubted && now - watch->heard >= watch->beat * BEATS) {
            watch->doubted = true;
            nats_host_doubt(watch->host);
        }
    }
}

void nats_watches_judge(struct nats_host *host, bool there, double beat)
{
    struct node *node = host->watches.next, *next;

    for (; node != &host->watches; node = next) {
        struct nats_watch *watch = NODE_OWNER(node, struct nats_watch, of_host);
        next = node->next;
        bool doubted = watch->doubted;
        watch->doubted = false;
        if (doubted && there) {
            watch->heard = nats_now();
            watch->beat = beat;
        } else if (doubted) {
            end(watch, WMS_E_UNREACHABLE, nats_absence);
        }
    }
}
