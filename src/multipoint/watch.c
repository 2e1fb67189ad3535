/* SPDX-License-Identifier: MIT */
/* watch.c - a host that is watched tells of events, if its binding says where: [MS-RSMC] 3.6.4.12.
 *
 * A registration has no end and no renewal in the protocol, and nobody can ask whether it still
 * holds.  So a host is asked again to tell: after it has said that it goes or comes, when it has
 * closed a connection, which it does when it starts anew, and every so often.  An event is a hint,
 * never believed: what it is about is asked for.  Beside that all sessions are listed slowly.
 */
#include <stdio.h>
#include <time.h>

#include "listener.h"
#include "renewal.h"

/* Seconds: */
static const double slow = 60, quick = 10; /* from one list to the next: told of events, or not */
static const double lasting = 300;         /* from one registration to the next */
static const double first_pause = 1, last_pause = 60; /* before a registration is tried again */
static const double patience = 30;                    /* for the answer to a question of ours */
static const double going = 2; /* a host that says that it goes is left alone for so long */

enum { LOOKS_MAX = 64 /* more sessions than that at a time are looked at by a list */ };

struct watcher {
    struct node node; /* of the registration's */
    struct wms_watcher *watcher;
    struct multipoint_registration *registration;
};

/* A host that is asked to tell of events: there is one as long as it is watched. */
struct multipoint_registration {
    struct multipoint_host *host;
    struct multipoint_user user;
    struct node watchers, looks;
    struct multipoint_exchange *exchange; /* the host is being asked, or NULL */
    struct multipoint_renewal renewal;
    struct wms_timer *timer;
    bool registered; /* the host has agreed, and nothing is known against it */
    bool doubted;    /* but for a connection that the host has closed since */
    bool has_cookie;
    uint64_t cookie;
    double pause;   /* before the next try */
    double spacing; /* between registrations for closed connections, at least */
    double since;   /* when the host has agreed last */
    int trouble;    /* why it is not registered, as it was told to the log */
};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static const struct wms_services *services_of(const struct multipoint_registration *registration)
{
    return registration->host->all->memory.services;
}

/* ---- what those who watch are told ----------------------------------------------------------- */

static void tell(struct multipoint_registration *registration, const struct wms_change *change)
{
    for (struct node *node = registration->watchers.next, *next; node != &registration->watchers;
         node = next) {
        next = node->next;
        services_of(registration)->changed(NODE_OWNER(node, struct watcher, node)->watcher, change);
    }
}

/* Something has changed: all sessions are to be listed. */
static void tell_all(struct multipoint_registration *registration)
{
    struct wms_change change;

    wms_change_init(&change, NULL);
    tell(registration, &change);
}

/* So many seconds after a list comes the next, though nothing is told. */
static void list_every(struct multipoint_registration *registration, double seconds)
{
    for (struct node *node = registration->watchers.next; node != &registration->watchers;
         node = node->next) {
        NODE_OWNER(node, struct watcher, node)->watcher->again = seconds;
    }
}

/* ---- a look at one session ------------------------------------------------------------------- */

struct look {
    struct node node;
    struct multipoint_registration *registration;
    struct multipoint_exchange *exchange;
    uint32_t id;
    double since; /* when it was asked */
    bool again;   /* there was another event meanwhile */
};

static void look_free(struct look *look)
{
    node_remove(&look->node);
    multipoint_drop(look->exchange);
    multipoint_free(&look->registration->host->all->memory, look);
}

static bool look_now(struct look *look);

/* -1: the host does not say. */
static signed char read_locked(const struct multipoint_exchange *exchange,
                               const struct multipoint_reply *reply)
{
    enum { LOCKED = 8 };
    struct multipoint_arena arena = {.memory = &exchange->host->all->memory};
    wms_value table;
    int error = multipoint_results(exchange->operation, reply->body, &arena, &table);
    const wms_value *flags = error ? NULL : multipoint_value(&table, "pgrfSession", WMS_NATURAL);
    signed char locked = flags ? (flags->natural & LOCKED) != 0 : -1;

    multipoint_arena_free(&arena);
    return locked;
}

static void looked(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct look *look = exchange->data;
    struct multipoint_registration *registration = look->registration;
    const wms_id id = {.number = look->id};
    struct wms_change change;

    look->exchange = NULL;
    wms_change_init(&change, &id);
    change.locked = reply->code ? -1 : read_locked(exchange, reply);
    change.present = !multipoint_reply_not_found(reply);
    bool known = change.locked >= 0 || !change.present, again = look->again;
    bool looks = again && look_now(look);
    if (!looks) {
        look_free(look);
    }
    if (known) { /* also if it may be another by now: events may come faster than answers */
        tell(registration, &change);
    }
    if (!looks && (again || (!known && !reply->lost))) {
        tell_all(registration);
    }
}

static bool look_now(struct look *look)
{
    const wms_value id = multipoint_natural("idSession", look->id),
                    arguments = multipoint_table(&id, 1);
    const struct multipoint_question question = {
        .operation = multipoint_operation_find("IMultiPointSession", "GetSessionFlags"),
        .arguments = &arguments,
        .urgent = true,
    };
    const char *text;

    look->again = false;
    look->since = now();
    return multipoint_ask(look->registration->host, &question, looked, look, &look->exchange,
                          &text) == 0;
}

/* False: all sessions have to be listed. */
static bool look_at(struct multipoint_registration *registration, uint32_t id)
{
    unsigned count = 0;

    for (struct node *node = registration->looks.next; node != &registration->looks;
         node = node->next) {
        struct look *look = NODE_OWNER(node, struct look, node);
        if (look->id == id) {
            look->again = true;
            return now() - look->since < patience;
        }
        count++;
    }
    struct look *look =
        count < LOOKS_MAX ? multipoint_alloc(&registration->host->all->memory, sizeof *look) : NULL;
    if (!look) {
        return false;
    }
    look->registration = registration;
    look->id = id;
    node_append(&registration->looks, &look->node);
    bool asked = look_now(look);
    if (!asked) {
        look_free(look);
    }
    return asked;
}

/* ---- the registration ------------------------------------------------------------------------ */

static void in(struct multipoint_registration *registration, double seconds)
{
    services_of(registration)->timer_set(registration->timer, seconds);
}

/* It is not registered, for now; `trouble` is told once. */
static void try_later(struct multipoint_registration *registration, int trouble, const char *text)
{
    if (registration->trouble != trouble) {
        registration->trouble = trouble;
        multipoint_host_say(registration->host, WMS_INFO, "no events are told, it will be asked",
                            text);
    }
    registration->registered = false;
    list_every(registration, quick);
    in(registration, registration->pause);
    registration->pause =
        registration->pause * 2 < last_pause ? registration->pause * 2 : last_pause;
}

static void ignore(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    (void) exchange;
    (void) reply;
}

/* Whatever the answer: nothing depends on it. */
static void unregister(struct multipoint_host *host, uint64_t number)
{
    const wms_value cookie = multipoint_natural("ullCookie", number),
                    arguments = multipoint_table(&cookie, 1);
    const struct multipoint_question question = {
        .operation = multipoint_operation_find("IMultiPointServer", "UnregisterCoreEventSink"),
        .arguments = &arguments,
    };
    struct multipoint_exchange *exchange;
    const char *text;

    multipoint_ask(host, &question, ignore, host, &exchange, &text);
}

/* False: the host has named none, so that its events cannot be ended. */
static bool read_cookie(const struct multipoint_exchange *exchange,
                        const struct multipoint_reply *reply, uint64_t *ret_cookie)
{
    struct multipoint_arena arena = {.memory = &exchange->host->all->memory};
    wms_value table;
    int error = multipoint_results(exchange->operation, reply->body, &arena, &table);
    const wms_value *cookie = error ? NULL : multipoint_value(&table, "pullCookie", WMS_NATURAL);

    *ret_cookie = cookie ? cookie->natural : 0;
    multipoint_arena_free(&arena);
    return cookie;
}

/* Nobody watches any more. */
static void agreed_too_late(struct multipoint_exchange *exchange,
                            const struct multipoint_reply *reply)
{
    uint64_t cookie;

    if (!reply->code && read_cookie(exchange, reply, &cookie)) {
        unregister(exchange->host, cookie);
    }
}

static void take_cookie(struct multipoint_registration *registration,
                        const struct multipoint_exchange *exchange,
                        const struct multipoint_reply *reply)
{
    uint64_t cookie;

    if (read_cookie(exchange, reply, &cookie)) {
        if (registration->has_cookie && cookie != registration->cookie) {
            unregister(exchange->host, registration->cookie); /* or all would be told twice */
        }
        registration->cookie = cookie;
        registration->has_cookie = true;
    }
}

static void agreed(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct multipoint_registration *registration = exchange->data;

    registration->exchange = NULL;
    if (reply->code) {
        if (!registration->host->failure) { /* else the watching ends with the host */
            try_later(registration, reply->code, reply->text);
        }
        return;
    }
    take_cookie(registration, exchange, reply);
    registration->pause = first_pause;
    registration->since = now();
    registration->doubted = false;
    if (!registration->registered) {
        registration->registered = true;
        registration->trouble = 0;
        multipoint_host_say(registration->host, WMS_INFO, "events are told", NULL);
    }
    list_every(registration, slow);
    tell_all(registration); /* what has changed until now */
    /* Without a cookie it cannot be ended, and would be there twice. */
    in(registration, registration->has_cookie ? lasting : -1);
    multipoint_renewal_look(&registration->renewal);
}

/* Listens, and asks the host to tell. */
static void ask(struct multipoint_registration *registration)
{
    struct multipoint_host *host = registration->host;
    const struct multipoint_endpoint *endpoint = &host->binding.endpoint;
    char uri[160], why[400] = "";
    const char *text = NULL;

    multipoint_renewal_promote(host);
    int error = multipoint_listener_join(&registration->user, why, sizeof why);
    if (!error) {
        int length = snprintf(uri, sizeof uri, "https://%s:%u/MultiPoint/" MULTIPOINT_CORE_SINK,
                              endpoint->host_name, endpoint->port);
        const wms_value value = multipoint_string("bstrUriSinkEndpoint", uri, (size_t) length),
                        arguments = multipoint_table(&value, 1);
        const struct multipoint_question question = {
            .operation = multipoint_operation_find("IMultiPointServer", "RegisterCoreEventSink"),
            .arguments = &arguments,
        };
        error =
            multipoint_ask(host, &question, agreed, registration, &registration->exchange, &text);
    }
    if (error) {
        try_later(registration, error, *why ? why : text);
    } else {
        in(registration, patience);
    }
}

static void timer_fired(void *data)
{
    struct multipoint_registration *registration = data;
    struct multipoint *all = registration->host->all;

    net_enter(&all->net);
    if (registration->exchange) {
        registration->exchange = multipoint_drop(registration->exchange);
        try_later(registration, WMS_E_TIMEOUT, "the host does not answer");
    } else {
        ask(registration);
    }
    net_leave(&all->net);
}

/* The host may have forgotten that it is to tell of events: it is asked again, in so many seconds
 * at least, and later if that has happened before not long ago. */
static void doubt(struct multipoint_registration *registration, double least)
{
    if (!registration->registered || registration->doubted || registration->exchange) {
        return;
    }
    double age = now() - registration->since;
    registration->doubted = true;
    if (age > lasting / 2) {
        registration->spacing = first_pause;
    }
    double wait = registration->spacing - age;
    in(registration, wait > least ? wait : least);
    registration->spacing =
        registration->spacing * 2 < lasting ? registration->spacing * 2 : lasting;
}

/* It closes its connections when it starts anew. */
static void closed(struct multipoint_host *host)
{
    doubt(host->registration, 0);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void told(struct multipoint_user *user, const struct multipoint_verdict *verdict)
{
    struct multipoint_registration *registration =
        NODE_OWNER(user, struct multipoint_registration, user);
    const wms_value *id = multipoint_value(&verdict->table, "idSession", WMS_NATURAL),
                    *der = multipoint_value(&verdict->table, "pSslCertificate", WMS_STRING);

    switch (verdict->event->hint) {
    case MULTIPOINT_HINT_NOTHING:
        break;
    case MULTIPOINT_HINT_SESSION:
        if (!id || !look_at(registration, (uint32_t) id->natural)) {
            tell_all(registration);
        }
        break;
    case MULTIPOINT_HINT_ALL:
        tell_all(registration);
        break;
    case MULTIPOINT_HINT_GONE:
    case MULTIPOINT_HINT_BACK:
        tell_all(registration);
        doubt(registration, verdict->event->hint == MULTIPOINT_HINT_GONE ? going : 0);
        break;
    case MULTIPOINT_HINT_CERTIFICATE:
        if (der) {
            multipoint_host_expect(registration->host, der->text, der->size);
        }
        break;
    }
}

/* ---- begin and end --------------------------------------------------------------------------- */

static struct multipoint_registration *registration_new(struct multipoint_host *host)
{
    const struct multipoint_memory *memory = &host->all->memory;
    struct multipoint_registration *registration = multipoint_alloc(memory, sizeof *registration);

    if (!registration) {
        return NULL;
    }
    registration->host = host;
    registration->user.host = host;
    registration->renewal.host = host;
    registration->user.told = told;
    registration->pause = registration->spacing = first_pause;
    node_init(&registration->user.node);
    node_init(&registration->watchers);
    node_init(&registration->looks);
    registration->timer = memory->services->timer_new(memory->engine, timer_fired, registration);
    if (!registration->timer) {
        return multipoint_free(memory, registration);
    }
    return registration;
}

/* The host is to tell nothing more. */
static void end(struct multipoint_registration *registration)
{
    struct multipoint_host *host = registration->host;

    host->closed = NULL;
    while (!node_alone(&registration->looks)) {
        look_free(NODE_OWNER(registration->looks.next, struct look, node));
    }
    if (registration->exchange && registration->exchange->started) {
        registration->exchange->done = agreed_too_late;
        registration->exchange->data = host;
    } else {
        multipoint_drop(registration->exchange);
    }
    registration->exchange = NULL;
    multipoint_renewal_end(&registration->renewal);
    multipoint_listener_leave(&registration->user);
    in(registration, -1);
    if (registration->has_cookie) {
        unregister(host, registration->cookie);
    }
    registration->registered = registration->has_cookie = false;
}

static void registration_free(struct multipoint_registration *registration)
{
    struct multipoint_host *host = registration->host;

    end(registration);
    host->registration = NULL;
    services_of(registration)->timer_free(registration->timer);
    multipoint_free(&host->all->memory, registration);
}

static void watcher_free(struct watcher *watcher)
{
    struct multipoint_registration *registration = watcher->registration;

    watcher->watcher->data = NULL;
    node_remove(&watcher->node);
    multipoint_free(&registration->host->all->memory, watcher);
    if (node_alone(&registration->watchers)) {
        registration_free(registration);
    }
}

void multipoint_watch(struct multipoint_host *host, struct wms_watcher *watched)
{
    const struct multipoint_memory *memory = &host->all->memory;
    const char *text;

    watched->again = quick;
    if (multipoint_host_bound(host, &text)) {
        return; /* the list, which follows, says so */
    }
    if (!host->binding.endpoint.port) {
        memory->services->unwatched(watched, WMS_E_UNSUPPORTED, "it is bound without events");
        return;
    }
    struct watcher *watcher = multipoint_alloc(memory, sizeof *watcher);
    bool first = !host->registration;
    host->registration = host->registration ? host->registration : registration_new(host);
    if (!watcher || !host->registration) {
        multipoint_free(memory, watcher);
        if (first && host->registration) {
            registration_free(host->registration);
        }
        memory->services->unwatched(watched, WMS_E_NO_MEMORY, NULL);
        return;
    }
    host->closed = closed;
    watcher->watcher = watched;
    watcher->registration = host->registration;
    watched->data = watcher;
    node_append(&host->registration->watchers, &watcher->node);
    if (first) {
        ask(host->registration);
    } else {
        list_every(host->registration, host->registration->registered ? slow : quick);
    }
}

void multipoint_watch_end(struct multipoint_host *host)
{
    if (host->registration) {
        end(host->registration);
    }
}

void multipoint_unwatch(struct wms_watcher *watched)
{
    if (watched->data) {
        watcher_free(watched->data);
    }
}
