/* SPDX-License-Identifier: MIT */
/* watch.c - waits for the API's events, for those who watch the host.
 *
 * WTSWaitSystemEvent() blocks until something happens, so it is called apart from all other calls.
 * What it tells is a hint: the engine lists the sessions then.  As it does not tell that a session
 * is locked, they are also listed now and then, as often as those of a host that tells nothing.
 *
 * A connection has one wait at a time, whoever watches; it is ended by another call
 * (WTS_EVENT_FLUSH) when nobody does.  A library that does not heed that keeps the thread, and its
 * handle, until something happens; so does one that never returns.  A library whose calls return at
 * once is called again after a pause only.  One that has no such call is left alone, and the host
 * is asked. */
#include "wts.h"

/* Seconds from one wait to the next, where they return without an event. */
static const double first_pause = 0.1, last_pause = 10;
/* Seconds from one list to the next. */
static const double first_again = 1, last_again = 10, growth = 1.5;

/* A watcher of the host. */
struct listener {
    struct node node; /* of ear->watchers */
    struct wms_watcher *watcher;
};

struct wait_work {
    struct wts_host *host;     /* the engine's side only */
    struct wts_server *server; /* owns one reference, until the call has returned */
    unsigned number;
    DWORD events;
    struct wts_fault fault;
};

struct flush_work {
    struct wts_server *server; /* owns one reference */
    unsigned number;
};

/* ---- on threads ------------------------------------------------------------------------------ */

static void wait_over(struct wait_work *work)
{
    struct wts_server *server = work->server;

    if (server) {
        work->server = NULL;
        atomic_store(&server->waited, work->number);
        atomic_fetch_sub(&server->tally->waiting, 1);
        wts_server_unref(server, false);
    }
}

static void wait_run(void *shared)
{
    struct wait_work *work = shared;

    SetLastError(0);
    if (atomic_load(&work->server->unwanted) != work->number &&
        !WTSWaitSystemEvent(work->server->handle, WTS_EVENT_ALL, &work->events)) {
        wts_fault_read(&work->fault);
    }
    wait_over(work);
}

static void wait_dispose(void *shared)
{
    wait_over(shared);
}

static void flush_over(struct flush_work *work)
{
    if (work->server) {
        wts_server_unref(work->server, false);
        work->server = NULL;
    }
}

static void flush_run(void *shared)
{
    struct flush_work *work = shared;

    wts_server_flush(work->server, work->number);
    flush_over(work);
}

static void flush_dispose(void *shared)
{
    flush_over(shared);
}

/* ---- the engine's side ----------------------------------------------------------------------- */

static struct listener *first_listener(const struct wts_ear *ear)
{
    return node_alone(&ear->watchers) ? NULL
                                      : NODE_OWNER(ear->watchers.next, struct listener, node);
}

static void drop_listener(struct wts_host *host, struct listener *listener)
{
    listener->watcher->data = NULL;
    node_remove(&listener->node);
    wts_free(host, listener);
}

/* Nobody is told of changes any more. */
static void end_all(struct wts_host *host, int code, const char *text)
{
    struct listener *listener;

    while ((listener = first_listener(&host->ear))) {
        struct wms_watcher *watcher = listener->watcher;
        drop_listener(host, listener);
        host->services->unwatched(watcher, code, text);
    }
}

static void tell_all(const struct wts_host *host)
{
    const struct node *head = &host->ear.watchers;
    struct wms_change change;

    wms_change_init(&change, NULL);
    for (struct node *node = head->next, *next; next = node->next, node != head; node = next) {
        struct wms_watcher *watcher = NODE_OWNER(node, struct listener, node)->watcher;
        watcher->again = first_again;
        host->services->changed(watcher, &change);
    }
}

void wts_ear_listed(struct wts_host *host)
{
    const struct node *head = &host->ear.watchers;

    for (struct node *node = head->next; node != head; node = node->next) {
        struct wms_watcher *watcher = NODE_OWNER(node, struct listener, node)->watcher;
        watcher->again *= growth;
        watcher->again = watcher->again < last_again ? watcher->again : last_again;
    }
}

static void wait_done(void *shared, int code);

static const struct wms_work wait_kind = {
    .size = sizeof(struct wait_work),
    .run = wait_run,
    .done = wait_done,
    .dispose = wait_dispose,
};

/* Errors: NO_MEMORY. */
static int begin_wait(struct wts_host *host)
{
    struct wts_ear *ear = &host->ear;
    struct wait_work *work = host->services->work_new(host->engine, &wait_kind);

    if (!work) {
        return WMS_E_NO_MEMORY;
    }
    ear->number += ear->number + 1 ? 1 : 2; /* 0 is no number */
    work->host = host;
    work->server = wts_server_ref(host->server);
    work->number = ear->number;
    atomic_fetch_add(&host->server->tally->waiting, 1);
    ear->wait = work;
    ear->due = ear->paced = false;
    host->services->timer_set(ear->pace, ear->pause);
    host->services->work_start_apart(work);
    return 0;
}

/* What has happened between two waits may not have been told, so there is a hint behind each. */
static void go_on(struct wts_host *host)
{
    int error = node_alone(&host->ear.watchers) ? 0 : begin_wait(host);

    if (error) {
        end_all(host, error, NULL);
        return;
    }
    tell_all(host);
}

static void pace_fires(void *data)
{
    struct wts_host *host = data;

    host->ear.paced = true;
    if (host->ear.due) {
        host->ear.due = false;
        go_on(host);
    }
}

static double longer(double pause)
{
    return 2 * pause < last_pause ? 2 * pause : last_pause;
}

static void wait_done(void *shared, int code)
{
    struct wait_work *work = shared;
    struct wts_host *host = work->host;
    struct wts_ear *ear = &host->ear;
    struct wts_fault fault = work->fault;
    bool happened = work->events & WTS_EVENT_ALL;

    ear->wait = NULL;
    host->services->work_free(work);
    if (code == WMS_E_NO_MEMORY) {
        end_all(host, code, NULL);
        return;
    }
    if (code || fault.code) {
        end_all(host, WMS_E_UNSUPPORTED, code ? "no thread can be made for the call" : fault.text);
        return;
    }
    ear->pause = happened ? first_pause : longer(ear->pause);
    if (ear->paced) {
        go_on(host);
    } else {
        ear->due = true;
    }
}

/* Nobody waits for it. */
static void flush_done(void *shared, int code)
{
    (void) shared;
    (void) code;
}

static const struct wms_work flush_kind = {
    .size = sizeof(struct flush_work),
    .always = true,
    .run = flush_run,
    .done = flush_done,
    .dispose = flush_dispose,
};

/* Begins to wait, unless that has begun.  Errors: NO_MEMORY. */
static int need_wait(struct wts_host *host)
{
    struct wts_ear *ear = &host->ear;

    if (!ear->pace) {
        ear->pace = host->services->timer_new(host->engine, pace_fires, host);
    }
    if (!ear->flush) {
        ear->flush = host->services->work_new(host->engine, &flush_kind);
    }
    if (!ear->pace || !ear->flush) {
        return WMS_E_NO_MEMORY;
    }
    if (ear->wait || ear->due) {
        return 0;
    }
    ear->pause = first_pause;
    return begin_wait(host);
}

static bool is_exhausted(const struct wts_host *host)
{
    return !host->ear.wait && atomic_load(&host->server->tally->waiting) >= WTS_WAITS;
}

void wts_watch(struct wts_host *host, struct wms_watcher *watcher)
{
    const struct wms_services *services = host->services;

    if (!WMS_SERVICE(services, work_start_apart)) { /* an older engine's */
        services->unwatched(watcher, WMS_E_UNSUPPORTED, NULL);
        return;
    }
    if (is_exhausted(host)) {
        services->unwatched(watcher, WMS_E_UNSUPPORTED,
                            "the waits for its events before have not come back");
        return;
    }
    struct listener *listener = wts_alloc(host, sizeof *listener);
    int error = listener ? need_wait(host) : WMS_E_NO_MEMORY;
    if (error) {
        wts_free(host, listener);
        services->unwatched(watcher, error, NULL);
        return;
    }
    listener->watcher = watcher;
    watcher->data = listener;
    watcher->again = first_again;
    node_append(&host->ear.watchers, &listener->node);
}

/* Begins to end the wait.  In a forked child it is not there. */
static void end_wait(struct wts_host *host)
{
    struct flush_work *flush = host->ear.flush;

    host->ear.due = false;
    if (host->ear.wait && flush && host->server->process == GetCurrentProcessId()) {
        host->ear.flush = NULL;
        flush->server = wts_server_ref(host->server);
        flush->number = host->ear.number;
        host->services->work_start(flush);
        host->services->work_free(flush); /* it is run all the same */
    }
}

void wts_unwatch(struct wts_host *host, struct wms_watcher *watcher)
{
    if (watcher->data) {
        drop_listener(host, watcher->data);
        if (node_alone(&host->ear.watchers)) {
            end_wait(host);
        }
    }
}
